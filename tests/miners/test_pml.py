"""Every miner of pytorch-metric-learning by name, against the library called directly."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_metric_learning import distances, miners

from simlearn.losses.base import Pairs, Triplets
from simlearn.losses.pml_names import LEFT_OUT, pml_classes
from simlearn.miners import base
from simlearn.miners.base import Miner
from simlearn.miners.pml import PMLMiner

NAMES = sorted(pml_classes("miner"))
DRAWING = ("DistanceWeightedMiner", "UniformHistogramMiner")
OF_TRIPLETS = ("AngularMiner", "BatchHardMiner", "DistanceWeightedMiner", "TripletMarginMiner")


def batch(seed, b=12, classes=4, d=5):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(b, d, generator=g), torch.randint(classes, (b,), generator=g)


def same(one, two):
    return len(one) == len(two) and all(map(torch.equal, one, two))


def test_the_list_is_the_librarys():
    theirs = {
        name
        for name, thing in vars(miners).items()
        if isinstance(thing, type) and issubclass(thing, miners.BaseMiner)
    }
    assert len(NAMES) >= 9
    assert theirs - set(NAMES) == {"BaseMiner", "EmbeddingsAlreadyPackagedAsTriplets"}
    assert theirs - set(NAMES) <= set(LEFT_OUT)


@pytest.mark.parametrize("name", NAMES)
def test_every_miner_equals_the_library(name):
    miner, theirs = PMLMiner(name), getattr(miners, name)()
    assert isinstance(miner, Miner)
    found = 0
    for seed in range(4):
        z, y = batch(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            expected = theirs(z, y)
            torch.manual_seed(seed)
            mined = miner(z.clone().requires_grad_(), y)
        assert type(mined) is (Triplets if name in OF_TRIPLETS else Pairs)
        assert same(mined, expected)
        assert all(part.dtype == torch.int64 and not part.requires_grad for part in mined)
        found += sum(map(len, mined))
    assert found > 0


@given(st.integers(0, 10_000), st.integers(0, 14), st.integers(1, 5), st.sampled_from(NAMES))
def test_tuples_are_what_they_say(seed, b, classes, name):
    z, y = batch(seed, b, classes)
    mined = PMLMiner(name)(z, y, generator=torch.Generator().manual_seed(seed))
    a1, p, a2, n = mined if isinstance(mined, Pairs) else (mined.a, mined.p, mined.a, mined.n)
    assert torch.equal(y[a1], y[p]) and (a1 != p).all()
    assert (y[a2] != y[n]).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("labels", [[], [3], [1, 1, 1], [0, 1, 2]])
def test_batches_with_nothing_to_compare(name, labels):
    state = torch.get_rng_state()
    z, y = torch.randn(len(labels), 5, generator=torch.Generator()), torch.tensor(labels).long()
    mined = PMLMiner(name)(z, y, generator=torch.Generator().manual_seed(1))
    assert isinstance(mined, Triplets if name in OF_TRIPLETS else Pairs)
    if isinstance(mined, Triplets) or len(labels) < 2:
        assert not any(map(len, mined))
    assert all(part.dtype == torch.int64 for part in mined)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("name", NAMES)
def test_the_generator_decides_and_the_global_one_is_untouched(name):
    miner, (z, y) = PMLMiner(name), batch(3, b=40)
    before, generator = torch.get_rng_state(), torch.Generator()
    runs = []
    for global_seed in (1, 2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(global_seed)
            state = torch.get_rng_state()
            start = generator.manual_seed(8).get_state()
            runs += [miner(z, y, generator=generator)]
            drew = not torch.equal(generator.get_state(), start)
            runs += [miner(z, y, generator=generator)]
            assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(torch.get_rng_state(), before)
    assert same(runs[0], runs[2]) and same(runs[1], runs[3])
    assert drew == (name in DRAWING)
    assert same(runs[0], runs[1]) == (name not in DRAWING)


def test_without_a_generator_the_global_seed_decides():
    miner, (z, y) = PMLMiner("DistanceWeightedMiner"), batch(3, b=40)
    runs = []
    with torch.random.fork_rng(devices=[]):
        for seed in (1, 1, 2):
            torch.manual_seed(seed)
            runs.append(miner(z, y))
    assert same(runs[0], runs[1]) and not same(runs[0], runs[2])


def test_arguments_and_distance_by_name():
    z, y = batch(5)
    mined = PMLMiner("PairMarginMiner", "CosineSimilarity", {"pos_margin": 0.9, "neg_margin": 0.1})
    theirs = miners.PairMarginMiner(
        pos_margin=0.9, neg_margin=0.1, distance=distances.CosineSimilarity()
    )
    default = miners.PairMarginMiner()
    assert same(mined(z, y), theirs(z, y)) and not same(mined(z, y), default(z, y))


def test_any_integers_serve_as_labels():
    z, y = batch(6)
    far = torch.tensor([-(2**40), 7, 2**40, 2**41])[y]
    for name in NAMES:
        first = PMLMiner(name)(z, y.int(), generator=torch.Generator().manual_seed(1))
        second = PMLMiner(name)(z, far, generator=torch.Generator().manual_seed(1))
        assert same(first, second)


def test_half_precision_is_computed_in_float32():
    z, y = batch(7)
    half = z.to(torch.bfloat16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mined = PMLMiner("MultiSimilarityMiner")(half, y)
    assert same(mined, miners.MultiSimilarityMiner()(half.float(), y))


def test_many_tuples_are_announced(monkeypatch):
    z, y = batch(8)
    monkeypatch.setattr(base, "MANY", 100)
    for name in ("TripletMarginMiner", "HDCMiner"):
        with pytest.warns(UserWarning, match="tuples to enumerate"):
            PMLMiner(name)(z, y)
    monkeypatch.setattr(base, "MANY", 10_000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PMLMiner("TripletMarginMiner")(z, y)


def test_a_configuration_can_give_the_arguments():
    from simlearn.config.hints import fits
    from simlearn.config.targets import Target, arguments

    hint = arguments(Target(PMLMiner))["arguments"].hint
    assert fits({"margin": 0.2, "type_of_triplets": "hard"}, hint) and fits(None, hint)
    assert not fits({"margin": {"a": 1}}, hint)


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"name": "os.system"}, "PML has no miner 'os.system'.* There are: AngularMiner"),
        ({"name": "__init__"}, "PML has no miner '__init__'"),
        ({"name": "HardMiner"}, "Did you mean .*BatchHardMiner"),
        ({"name": "BaseMiner"}, "PML's BaseMiner cannot be a miner here: it is a base class"),
        ({"name": "EmbeddingsAlreadyPackagedAsTriplets"}, "it takes no labels"),
        ({"name": "HDCMiner", "distance": "torch"}, "PML has no distance 'torch'"),
        ({"name": "AngularMiner", "distance": "CosineSimilarity"}, "AngularMiner requires the"),
        (
            {"name": "HDCMiner", "arguments": {"percentage": 0.1}},
            "HDCMiner has no plain argument 'percentage'; there are: filter_percentage",
        ),
        (
            {"name": "BatchHardMiner", "arguments": {"pos_strategy": "easy"}},
            "no plain argument|mul",
        ),
    ],
)
def test_mistakes_are_named(how, text):
    with pytest.raises(ValueError, match=text):
        PMLMiner(**how)


def test_mistakes_in_a_batch_are_named():
    z, y = batch(1)
    with pytest.raises(ValueError, match=r"z must be \(B, d\)"):
        PMLMiner("HDCMiner")(z, y[:3])
    with pytest.raises(ValueError, match="integer labels"):
        PMLMiner("HDCMiner")(z, y.float())

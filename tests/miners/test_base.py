"""What all miners keep: the contract, the order, blocks that do not show, and the warning."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import anchor_blocks
from simlearn.losses.base import Pairs, Triplets
from simlearn.miners import (
    AllPairs,
    AllTriplets,
    AngularMiner,
    BatchEasyMiner,
    BatchHardMiner,
    DistanceWeightedMiner,
    Miner,
    SemihardMiner,
    base,
)
from simlearn.miners.base import count_pairs, count_triplets, positive_pairs, warn_if_many

CHOSEN = [
    AllTriplets(),
    AllPairs(),
    BatchHardMiner(),
    BatchEasyMiner(),
    BatchEasyMiner("semihard"),
    BatchEasyMiner("hard"),
    SemihardMiner(margin=0.7),
    SemihardMiner(margin=0.7, squared=True),
    AngularMiner(angle=35.0),
]
MINERS = [*CHOSEN, DistanceWeightedMiner()]
every_miner = pytest.mark.parametrize("miner", MINERS, ids=lambda m: type(m).__name__)
every_choice = pytest.mark.parametrize("miner", CHOSEN, ids=lambda m: type(m).__name__)
LABELS = [-(2**62), -1, 0, 2**31 + 5, 2**62, 2**62 + 1]


def batch(seed, b, classes=4, d=3):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(b, d, generator=g, dtype=torch.float64) / 2
    return z, torch.randint(classes, (b,), generator=g)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(tuples):
    """Its tuples as sets; two of them for pairs."""
    if isinstance(tuples, Triplets):
        return (set(zip(*(t.tolist() for t in tuples), strict=True)),)
    a1, p, a2, n = (t.tolist() for t in tuples)
    return set(zip(a1, p, strict=True)), set(zip(a2, n, strict=True))


@every_miner
@pytest.mark.parametrize("labels", [[], [3], [0, 1, 2], [5, 5, 5], [5, 5]])
def test_batches_without_a_triplet(miner, labels):
    z = torch.randn(len(labels), 4, generator=seeded())
    found = miner(z, torch.tensor(labels, dtype=torch.int64), generator=seeded())
    assert isinstance(found, Pairs if isinstance(miner, AllPairs) else Triplets)
    assert all(t.dtype == torch.int64 and t.ndim == 1 for t in found)
    k = len(labels)
    if isinstance(found, Triplets):
        assert [len(t) for t in found] == [0, 0, 0]
    elif len(set(labels)) == 1:
        assert [len(t) for t in found] == [k * (k - 1)] * 2 + [0, 0]
    else:
        assert [len(t) for t in found] == [0, 0] + [k * (k - 1)] * 2


@every_miner
def test_positions_carry_no_graph_and_leave_the_input_alone(miner):
    z, y = batch(0, 12)
    z = z.requires_grad_()
    before = z.detach().clone()
    found = miner(z, y, generator=seeded())
    assert all(len(t) and not t.requires_grad for t in found)
    assert torch.equal(z.detach(), before) and z.grad is None
    with torch.inference_mode():
        again = miner(z, y, generator=seeded())
    assert all(torch.equal(s, t) for s, t in zip(found, again, strict=True))


@every_miner
@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), b=st.integers(0, 17), classes=st.integers(1, 6))
def test_tuples_are_legal_and_in_order(miner, seed, b, classes):
    z, y = batch(seed, b, classes)
    y = torch.tensor(LABELS)[y]
    found = miner(z, y, generator=seeded(seed))
    if isinstance(found, Triplets):
        a, p, n = (t.tolist() for t in found)
        own = [list(zip(a, p, n, strict=True))]
        positive, negative = zip(a, p, strict=True), zip(a, n, strict=True)
    else:
        a1, p, a2, n = (t.tolist() for t in found)
        positive, negative = list(zip(a1, p, strict=True)), list(zip(a2, n, strict=True))
        own = [positive, negative]
    assert all(i != j and y[i] == y[j] for i, j in positive)
    assert all(y[i] != y[j] for i, j in negative)
    assert all(one == sorted(set(one)) for one in own)


@every_choice
@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), b=st.integers(2, 15), random=st.randoms())
def test_order_of_the_batch_does_not_matter(miner, seed, b, random):
    z, y = batch(seed, b)
    order = list(range(b))
    random.shuffle(order)
    moved = rows(miner(z[order], y[order]))
    back = tuple({tuple(order[i] for i in t) for t in kind} for kind in moved)
    assert back == rows(miner(z, y))


@every_miner
@pytest.mark.parametrize("chunk", [1, 30, 31, 100])
def test_blocks_do_not_show(miner, chunk, monkeypatch):
    z, y = batch(3, 15)
    whole = miner(z, y, generator=seeded(5))
    monkeypatch.setattr(anchor_blocks, "CHUNK", chunk)
    parts = miner(z, y, generator=seeded(5))
    assert all(len(s) and torch.equal(s, t) for s, t in zip(whole, parts, strict=True))


@every_miner
def test_any_layout_and_label_type(miner):
    z, y = batch(4, 14)
    found = miner(z, y, generator=seeded())
    for other in (torch.stack([z, z + 1], dim=2)[:, :, 0], z.T.contiguous().T):
        assert not other.is_contiguous()
        assert rows(miner(other, y, generator=seeded())) == rows(found)
    for dtype in (torch.uint8, torch.int32):
        assert rows(miner(z, y.to(dtype), generator=seeded())) == rows(found)
    strided = torch.stack([y, y], dim=1)[:, 0]
    assert rows(miner(z, strided, generator=seeded())) == rows(found)


@every_miner
def test_labels_are_only_names(miner):
    """Negative ones and those that floats cannot tell apart."""
    z, y = batch(4, 14, classes=6)
    named = miner(z, torch.tensor(LABELS)[y], generator=seeded())
    assert rows(named) == rows(miner(z, y, generator=seeded()))


@every_miner
def test_boolean_labels(miner):
    z, y = batch(4, 14, classes=2)
    found = miner(z, y.bool(), generator=seeded())
    assert rows(found) == rows(miner(z, y, generator=seeded()))


@every_choice
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_lower_precision_is_measured_exactly(miner, dtype):
    z, y = batch(6, 16)
    assert rows(miner(z.to(dtype), y)) == rows(miner(z.to(dtype).double(), y))


@every_choice
def test_nothing_is_drawn(miner):
    z, y = batch(1, 10)
    g, state = seeded(), torch.get_rng_state()
    before = g.get_state()
    miner(z, y, generator=g)
    assert torch.equal(g.get_state(), before)
    assert torch.equal(torch.get_rng_state(), state)


@every_miner
def test_mistakes_are_named(miner):
    z, y = batch(0, 6)
    with pytest.raises(ValueError, match=r"z must be \(B, d\) and y \(B,\), found \(6, 3\)"):
        miner(z, y[:3])
    with pytest.raises(ValueError, match=r"found \(6,\) and \(6,\)"):
        miner(z[:, 0], y)
    with pytest.raises(ValueError, match="found \\(\\) and \\(6,\\)"):
        miner(z[0, 0], y)
    with pytest.raises(ValueError, match=r"y must hold integer labels, found torch\.float64"):
        miner(z, y.double())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
@every_miner
def test_on_a_cuda_device(miner):
    z, y = batch(2, 40)
    z = (z * 8).round() / 8  # with ties
    here = miner(z, y, generator=seeded(7))
    for labels in (y, y.cuda()):
        there = miner(z.cuda(), labels, generator=seeded(7))
        assert all(t.is_cuda for t in there)
        assert rows(there) == rows(here)


def test_a_miner_says_what_it_mines():
    with pytest.raises(TypeError, match="abstract"):
        Miner()
    assert all(isinstance(miner, Miner) for miner in MINERS)


@settings(max_examples=60)
@given(st.lists(st.sampled_from(LABELS), max_size=12))
def test_positive_pairs_and_counts_equal_the_loops(labels):
    b, y = len(labels), torch.tensor(labels, dtype=torch.int64)
    pairs = [(i, j) for i in range(b) for j in range(b) if i != j and labels[i] == labels[j]]
    a, p = positive_pairs(y)
    assert list(zip(a.tolist(), p.tolist(), strict=True)) == pairs
    triplets = sum(labels[i] != labels[n] for i, _ in pairs for n in range(b))
    others = sum(labels[i] != labels[n] for i in range(b) for n in range(b))
    assert count_triplets(y) == triplets
    assert count_pairs(y) == len(pairs) + others


def test_the_warning_tells_count_memory_and_the_way_out():
    text = (
        r"this batch has 134,217,728 tuples to enumerate, whose positions take 3\.0 GiB; "
        r"use loss\.mining=all with miner: none, which is exact without enumerating"
    )
    with pytest.warns(UserWarning, match=text):
        warn_if_many(2**27)
    with pytest.warns(UserWarning, match=r"take 2\.0 GiB; leave it$"):
        warn_if_many(2**27, columns=2, way_out="leave it")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_many(10_000_000)


@pytest.mark.parametrize(
    ("miner", "way_out"),
    [
        (AllTriplets(), "use loss.mining=all with miner: none"),
        (AllPairs(), "use miner: none, with which the contrastive loss takes all pairs"),
        (SemihardMiner(margin=0.7), "use loss.mining=semihard with miner: none"),
        (AngularMiner(angle=35.0), "raise miner.angle"),
    ],
)
def test_miners_that_enumerate_warn_of_what_they_find(miner, way_out, monkeypatch):
    z, y = batch(5, 20)
    silent = miner(z, y)
    count = len(silent[0]) + (len(silent[2]) if isinstance(silent, Pairs) else 0)
    assert count > 0
    monkeypatch.setattr(base, "MANY", count - 1)
    with pytest.warns(UserWarning, match=f"has {count:,} tuples .*{way_out}"):
        loud = miner(z, y)
    assert rows(loud) == rows(silent)
    monkeypatch.setattr(base, "MANY", count)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        miner(z, y)


@pytest.mark.parametrize(
    ("miner", "text"),
    [
        (AllTriplets(), r"has 1,999,980,000,000,000 tuples .* take 44,703,036\.5 GiB; use"),
        (AllPairs(), r"has 39,999,800,000 tuples .* take 596\.0 GiB; use"),
    ],
)
def test_the_warning_comes_before_the_memory_is_taken(miner, text):
    y = torch.arange(200_000) % 2  # making the tuples would be fatal
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match=text):
            miner(torch.zeros(len(y), 1), y)

"""What a run has reached: it goes round, and what belongs to another run is refused by name."""

from __future__ import annotations

import random

import pytest
import torch

from simlearn.continual import ICaRL, LwF, RepresentationReplay
from simlearn.continual.stream_state import StreamState
from simlearn.losses import CenterLoss
from simlearn.trainer.checkpoint import FORMAT_VERSION, KEY, CheckpointError, read_checkpoint
from tests.continual import toy

FACTS = {"data": "toy", "class order": "ant, bee, cat, dog", "classes of the experiences": [2, 2]}
RESULTS = [{"ncm": [0.5, 1.0], "correct": torch.tensor([True, False]), "seconds": 0.25, "n": 3}]


def strategy():
    return RepresentationReplay(toy.GENERATORS["vae"], bank=4, prototype_samples=9)


def saved(path, **changes):
    """A run after its first experience, written."""
    learner = toy.learner(norm="batch", loss=CenterLoss(8, 2))
    learnt = toy.live(strategy(), learner, until=1)
    state = StreamState(path / "stream.ckpt", FACTS | changes, list(RESULTS))
    state.save(learner, learnt)
    return state, learner, learnt


def fresh(**how):
    return toy.learner(seed=5, norm="batch", loss=CenterLoss(8, 0), **how), strategy()


def test_everything_goes_round_into_a_new_learner_and_strategy(tmp_path):
    state, learner, learnt = saved(tmp_path / "new/folder")
    again = StreamState(state.path, FACTS)
    other, new = fresh()
    again.restore(other, new)
    assert toy.same(dict(other.state_dict()), dict(learner.state_dict()))
    assert other.loss.num_classes == 2  # though the new one had room for none
    assert toy.same(new.state_dict(), learnt.state_dict())
    assert toy.same(again.results, RESULTS)
    assert [p.name for p in state.path.parent.iterdir()] == ["stream.ckpt"]


def test_where_nothing_was_saved_nothing_is_restored(tmp_path):
    learner, new = fresh()
    before = {k: v.clone() for k, v in learner.state_dict().items()}
    state = StreamState(tmp_path / "stream.ckpt", FACTS)
    state.restore(learner, new)
    assert state.results == [] and new.replayable() == ()
    assert toy.same(dict(learner.state_dict()), before)


def test_what_the_file_says_of_itself(tmp_path):
    state, learner, _ = saved(tmp_path)
    found = read_checkpoint(state.path)
    header = found[KEY]
    assert (header["format_version"], header["step"]) == (FORMAT_VERSION, 1)
    model = header["facts"].pop("model")
    assert header["facts"] == FACTS
    assert model["head.linear.weight"] == str(tuple(learner.head.linear.weight.shape))
    assert set(found) == {"state_dict", "strategy", "results", KEY}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"class order": "bee, ant, cat, dog"}, r"another class order \(ant, bee.* there, bee, a"),
        (
            {"classes of the experiences": [2, 1, 1]},
            r"another classes of the experiences \(\[2, 2\] there, \[2, 1, 1\] here\)",
        ),
        ({"data": "others"}, r"another data \(toy there, others here\)"),
        ({"strategy": "LwF"}, r"another strategy \(None there, LwF here\)"),
    ],
)
def test_another_run_is_named_and_nothing_is_touched(tmp_path, changes, text):
    state, _, _ = saved(tmp_path)
    before = state.path.read_bytes()
    learner, new = fresh()
    weights = {k: v.clone() for k, v in learner.state_dict().items()}
    with pytest.raises(CheckpointError, match=rf"stream\.ckpt: was written with {text}"):
        StreamState(state.path, FACTS | changes).restore(learner, new)
    assert state.path.read_bytes() == before
    assert toy.same(dict(learner.state_dict()), weights) and new.replayable() == ()


def test_another_network_or_strategy_is_refused_in_words(tmp_path):
    state, _, _ = saved(tmp_path)
    text = r"stream\.ckpt: of another network or strategy \(.*Resume with the same configuration"
    narrow = toy.learner(norm="group", loss=CenterLoss(8, 0))
    with pytest.raises(CheckpointError, match=f"(?s){text}"):
        StreamState(state.path, FACTS).restore(narrow, strategy())
    with pytest.raises(CheckpointError, match=f"(?s){text}"):  # iCaRL finds no memory
        StreamState(state.path, FACTS).restore(fresh()[0], ICaRL())
    other = RepresentationReplay(toy.GENERATORS["gaussian"])
    with pytest.raises(CheckpointError, match=f"(?s){text}"):
        StreamState(state.path, FACTS).restore(fresh()[0], other)


def changed(path, **changes):
    content = torch.load(path, weights_only=True)
    for name, value in changes.items():
        if value is None:
            del content[name]
        else:
            content[name] = value
    torch.save(content, path)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"results": None}, "damaged (no results)"),
        ({"results": {"ncm": 1.0}}, "damaged (no results)"),
        ({"strategy": None}, "damaged (no results)"),
        ({"strategy": {}}, "of another network or strategy ('means')"),
        ({"strategy": []}, "of another network or strategy"),
        ({"strategy": torch.zeros(3)}, "of another network or strategy"),
        ({"state_dict": None}, "damaged (state_dict is no mapping"),
        ({"state_dict": {}}, "of another network or strategy"),
        ({KEY: {"format_version": FORMAT_VERSION + 1}}, "Install a newer simlearn"),
        ({KEY: None}, "not a checkpoint of simlearn"),
    ],
)
def test_parts_that_are_missing_or_something_else(tmp_path, changes, text):
    state, _, _ = saved(tmp_path)
    changed(state.path, **changes)
    with pytest.raises(CheckpointError) as error:
        StreamState(state.path, FACTS).restore(*fresh())
    assert text in str(error.value) and str(state.path) in str(error.value)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_was_cut_short(tmp_path, share):
    state, _, _ = saved(tmp_path)
    data = state.path.read_bytes()
    state.path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match=r"stream\.ckpt: damaged, or not a checkpoint"):
        StreamState(state.path, FACTS).restore(*fresh())


@pytest.mark.parametrize("count", [100, pytest.param(5_000, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_random_bytes_in_the_file(tmp_path, count):
    """Each mutant restores the same classes, or is refused by name."""
    state = StreamState(tmp_path / "stream.ckpt", FACTS, list(RESULTS))
    learner = toy.learner()
    state.save(learner, toy.live(LwF(), learner, until=1))
    data, r, refused = state.path.read_bytes(), random.Random(1), 0
    for _ in range(count):
        mutant = bytearray(data)
        for _ in range(r.choice((1, 1, 2, 8))):
            mutant[r.randrange(len(mutant))] = r.randrange(256)
        state.path.write_bytes(mutant)
        again = StreamState(state.path, FACTS)
        try:
            again.restore(learner, LwF())
        except CheckpointError as error:
            assert str(state.path) in str(error)
            refused += 1
        else:
            assert isinstance(again.results, list)
    assert count // 20 < refused < count

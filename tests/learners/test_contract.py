"""What a learner and a strategy hand to each other, and what a strategy must be able to do."""

from __future__ import annotations

import dataclasses
import inspect

import pytest
import torch

import simlearn.continual
from simlearn.data.experiences import Experience
from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.learners.contract import Replay, Step, Strategy


def experience(number):
    none = torch.zeros(0, dtype=torch.int64)
    images = LabelledImages(torch.zeros(0, 1, 2, 2), none, none)
    return Experience(number, 3, 0, tuple(range(number)), (number,), images, PixelScale())


class Nothing(Strategy):
    """Does the least that is allowed."""

    def begin(self, learner, exp):
        pass

    def end(self, learner, exp):
        pass

    def replayable(self):
        return ()

    def replay(self, classes, per_class, *, generator):
        return None

    def penalty(self, step):
        return step.z.new_zeros(())

    def prototypes(self):
        return None

    def memory_bytes(self):
        return 0

    def transient_bytes(self):
        return 0

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


ALL = sorted(Strategy.__abstractmethods__)


def test_what_a_strategy_must_say():
    assert sorted(name for name in vars(Nothing) if not name.startswith("_")) == ALL
    with pytest.raises(TypeError, match="abstract"):
        Strategy()


@pytest.mark.parametrize("name", ALL)
def test_a_strategy_that_leaves_something_out_cannot_be_made(name):
    """Each by itself: none of the methods has a default that could be forgotten."""
    rest = {k: v for k, v in vars(Nothing).items() if k in ALL and k != name}
    with pytest.raises(TypeError, match=name):
        type("Some", (Strategy,), rest)()


def test_what_a_strategy_need_not_say():
    strategy = Nothing()
    assert (strategy.cumulative, strategy.restarts, strategy.replays) == (False, False, False)
    assert strategy.per_class is None
    for number in range(3):
        assert strategy.trains(experience(number)) is True
        assert strategy.source(experience(number)) == "input"


def test_every_strategy_of_the_package_is_one():
    found = [getattr(simlearn.continual, name) for name in simlearn.continual.__all__]
    strategies = [
        thing for thing in found if inspect.isclass(thing) and issubclass(thing, Strategy)
    ]
    assert len(strategies) >= 3
    for strategy in strategies:
        assert not inspect.isabstract(strategy), strategy


def test_replayed_images_join_the_batch_unless_said_otherwise():
    replay = Replay(torch.zeros(2, 3), torch.zeros(2, dtype=torch.int64))
    assert (replay.cut, replay.replace) == ("input", False)


def test_replay_and_step_are_records():
    assert [f.name for f in dataclasses.fields(Replay)] == ["h", "y", "cut", "replace"]
    assert [f.name for f in dataclasses.fields(Step)] == ["h", "f", "y", "z", "cut", "n_new"]
    one = torch.zeros(1)
    step = Step(h=one, f=one, y=one, z=one, cut="input", n_new=1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.n_new = 2

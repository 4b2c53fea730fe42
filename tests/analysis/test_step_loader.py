"""Batches are a function of the step, wherever a run begins."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.step_loader import StepsFrom, step_loader


@settings(max_examples=30)
@given(st.integers(0, 20), st.data())
def test_the_batches_from_any_start_are_the_last_of_all(steps, data):
    start = data.draw(st.integers(0, steps))

    def make(step):
        return {"step": step}

    every = list(step_loader(make, steps))
    assert every == [make(s) for s in range(steps)]
    assert list(step_loader(make, steps, start=start)) == every[start:]


def test_the_length_is_that_of_the_whole_training():
    assert len(step_loader(lambda s: s, 9, start=4)) == len(StepsFrom(9, 4)) == 9


def test_a_batch_is_made_when_it_is_asked_for():
    made = []
    loader = iter(step_loader(lambda s: made.append(s) or s, 5, start=2))
    assert made == [] and next(loader) == 2 and made == [2]

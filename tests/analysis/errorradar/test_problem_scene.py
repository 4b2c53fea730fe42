"""Scenes and the small draws of templates."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simlearn.analysis.errorradar.problem_scene import (
    Scene,
    between,
    coin,
    label_of,
    pick,
    several,
)
from simlearn.analysis.errorradar.solution_program import Pool


def test_labels_are_what_the_figure_shows():
    pool = Pool()
    pool.read("w", "the width", 7, "cm")
    pool.given("n", "the number", 3)
    scene = Scene("t", "figure", "", pool, (), lambda canvas: None, marks={"parts": "A, B"})
    assert scene.labels() == {"width": "7", "parts": "A, B"}
    assert label_of("the width") == "width" and label_of("width of the box") == "width of the box"


@given(st.integers(0, 10**6), st.integers(-5, 5), st.integers(0, 9))
def test_draws_stay_in_their_bounds(seed, least, more):
    rng = np.random.default_rng(seed)
    assert least <= between(rng, least, least + more) <= least + more
    items = list(range(more + 1))
    assert pick(rng, items) in items
    chosen = several(rng, items, more)
    assert len(set(chosen)) == more and set(chosen) <= set(items)


def test_every_outcome_is_possible():
    rng = np.random.default_rng(0)
    assert {between(rng, 1, 3) for _ in range(60)} == {1, 2, 3}
    assert {pick(rng, "ab") for _ in range(40)} == {"a", "b"}
    assert {coin(rng) for _ in range(40)} == {True, False}

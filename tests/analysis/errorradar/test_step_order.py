"""Orders of steps: each after what it needs, the goal before what only it needs."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.analysis.errorradar.problem_templates import draw_scene
from simlearn.analysis.errorradar.step_order import order_steps
from simlearn.analysis.errorradar.taxonomy import PROBLEM_TYPES


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PROBLEM_TYPES), st.integers(0, 10**6), st.integers(3, 20))
def test_every_step_comes_after_what_it_needs(problem_type, seed, length):
    rng = np.random.default_rng(seed)
    scene = draw_scene(problem_type, length, rng)
    target, other = scene.targets[:2]
    names = scene.pool.closure(target)
    shared = [name for name in names if name in scene.pool.closure(other)]
    order = order_steps(scene.pool, target, shared, rng)
    steps = [node.name for node in order if node.kind != "goal"]
    assert sorted(steps) == sorted(names) and steps[-1] == target
    for k, name in enumerate(steps):
        needed = [n for n in scene.pool.nodes[name].needs if scene.pool.nodes[n].kind != "given"]
        assert set(needed) <= set(steps[:k])
    (place,) = [k for k, node in enumerate(order) if node.kind == "goal"]
    assert set(steps[:place]) <= set(shared) and place < len(order) - 1


def test_goals_and_formulas_may_be_left_out_and_places_vary():
    scene = draw_scene("solid_geometry", 5, np.random.default_rng(3))
    target = scene.targets[0]
    pool, names = scene.pool, scene.pool.closure(scene.targets[0])
    (rule, *_) = [node.name for node in pool.of_kind("formula", names)]
    found = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        order = order_steps(pool, target, names, rng, dropped=frozenset([rule]), with_goal=False)
        assert len(order) == len(names) - 1 and rule not in [node.name for node in order]
        goal = order_steps(pool, target, names, rng)
        found.add([node.kind for node in goal].index("goal"))
    assert len(found) >= 3

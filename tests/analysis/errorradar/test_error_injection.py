"""Injected errors: one step differs in the wanted way, and everything after it follows."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from simlearn.analysis.errorradar.error_injection import FAR_OFF, STEPS, inject_error
from simlearn.analysis.errorradar.exact_arithmetic import work_out
from simlearn.analysis.errorradar.problem_templates import draw_scene
from simlearn.analysis.errorradar.step_order import order_steps
from simlearn.analysis.errorradar.taxonomy import PROBLEM_TYPES
from simlearn.analysis.errorradar.worked_solution import carry_out


def cases(category, n=12):
    for problem_type in PROBLEM_TYPES:
        for seed in range(n):
            rng = np.random.default_rng(seed)
            scene = draw_scene(problem_type, 3 + seed, rng)
            order = order_steps(scene.pool, scene.targets[0], [], rng)
            right = carry_out(scene.pool, order)
            if right is None:
                continue
            answer = right[-1].value
            found = inject_error(scene.pool, order, category, answer, rng)
            if found is not None:
                yield right, *found, answer


@pytest.mark.parametrize("category", list(STEPS))
def test_the_error_is_where_it_is_said_to_be(category):
    seen = 0
    for right, worked, place, answer in cases(category):
        seen += 1
        assert worked[: place - 1] == right[: place - 1]
        wrong, true = worked[place - 1], right[place - 1]
        assert wrong.node is true.node and wrong.node.kind == STEPS[category]
        assert (wrong.value, wrong.expression) != (true.value, true.expression) or (
            wrong.operands != true.operands
        )
        assert worked[-1].value != answer
        assert answer / FAR_OFF <= worked[-1].value <= answer * FAR_OFF
        for k, step in enumerate(worked, 1):
            if step.node.kind != "compute":
                continue
            exact = work_out(step.expression, {n: Fraction(t) for n, t in step.operands.items()})
            assert (exact == step.value) == (not (category == "CAL" and k == place))
            if k > place:
                rules = {w.node.name: w.expression for w in worked[: k - 1]}
                assert step.expression == rules.get(step.node.rule, step.node.expression)
    assert seen >= 30


def test_misread_values_are_another_label_s_or_near():
    kinds = Counter()
    for right, worked, place, _ in cases("VIS", 40):
        others = {step.value for step in right if step.node.kind == "read"}
        kinds[worked[place - 1].value in others] += 1
    assert min(kinds[True], kinds[False]) >= 0.2 * kinds.total()


def test_nothing_is_found_where_there_is_no_place():
    scene = draw_scene("algebra", 5, np.random.default_rng(0))
    names = [n for n in scene.pool.closure(scene.targets[0])]
    order = [scene.pool.nodes[n] for n in names if scene.pool.nodes[n].kind != "formula"]
    answer = carry_out(scene.pool, order)[-1].value
    assert inject_error(scene.pool, order, "KNOW", answer, np.random.default_rng(0)) is None

"""All templates together: enough of them, each with what every kind of error needs."""

from __future__ import annotations

import numpy as np
import pytest

from simlearn.analysis.errorradar.problem_templates import GROWING, TEMPLATES, draw_scene
from simlearn.analysis.errorradar.taxonomy import PROBLEM_TYPES
from tests.analysis.errorradar.right_programs import PROGRAMS
from tests.analysis.errorradar.scenes import paints_inside, scenes

ALL = [(t, ()) for kind in PROBLEM_TYPES for t in TEMPLATES[kind]]
ALL += [(t, (n,)) for kind in PROBLEM_TYPES for t, few, most in GROWING[kind] for n in (few, most)]


@pytest.mark.parametrize("template, pieces", ALL, ids=lambda v: getattr(v, "__name__", str(v)))
def test_every_goal_has_reads_formulas_and_sums(template, pieces):
    usable = 0
    for _, results, scene in scenes(template, *pieces):
        assert scene.template == template.__name__ and len(scene.targets) >= 2
        usable += all(target in results for target in scene.targets)
        for target in scene.targets:
            names = scene.pool.closure(target)
            for kind in ("read", "formula", "compute"):
                assert scene.pool.of_kind(kind, names), (target, kind)
            for node in scene.pool.of_kind("formula", names):
                assert node.wrong and node.expression not in node.wrong
                # a formula is a sum, so its use can be told from a copied number
                assert node.value or all(" " in wrong for wrong in node.wrong)
        for phrase in scene.labels():
            assert not phrase.startswith("the ")
    assert usable >= 8
    assert all(paints_inside(scene) for _, _, scene in scenes(template, *pieces, n=4))


def test_enough_templates_for_each_type():
    assert set(TEMPLATES) == set(GROWING) == set(PROBLEM_TYPES)
    assert all(len(TEMPLATES[t]) + len(GROWING[t]) >= 3 for t in PROBLEM_TYPES)
    assert {t.__name__ for t, _ in ALL} == set(PROGRAMS)


@pytest.mark.parametrize("problem_type", PROBLEM_TYPES)
def test_long_solutions_come_of_many_parts(problem_type):
    def mean(length):
        rng = np.random.default_rng(1)
        drawn = [draw_scene(problem_type, length, rng) for _ in range(80)]
        return np.mean([len(scene.pool.nodes) for scene in drawn])

    assert mean(18) > mean(5) + 2

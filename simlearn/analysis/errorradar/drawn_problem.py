"""One problem with one error, as a function of the seed and of its number."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from simlearn.analysis.errorradar.error_injection import inject_error
from simlearn.analysis.errorradar.exact_arithmetic import shown, write_sum
from simlearn.analysis.errorradar.figure_drawing import Canvas
from simlearn.analysis.errorradar.problem_scene import Scene, label_of, pick
from simlearn.analysis.errorradar.problem_templates import draw_scene
from simlearn.analysis.errorradar.solution_program import Node
from simlearn.analysis.errorradar.step_order import order_steps
from simlearn.analysis.errorradar.step_wording import ask, step_text, with_unit
from simlearn.analysis.errorradar.taxonomy import LEAST_STEPS, MOST_STEPS
from simlearn.analysis.errorradar.worked_solution import Worked, carry_out
from simlearn.data.randomness import numpy_generator

LENGTHS: Final = {
    **{3: 4.5, 4: 10, 5: 15, 6: 16, 7: 14, 8: 11, 9: 8, 10: 5.5, 11: 4.5, 12: 3.2, 13: 2.5},
    **{14: 2, 15: 1.6, 16: 1.3, 17: 1.1, 18: 0.9, 19: 0.8, 20: 0.8},
}
"""Weights of the number of steps, the mean of the paper's data in mind."""
UNSAID: Final = 0.12
"""How often a pupil leaves the goal out, and how often a formula."""
MOST_TRIES = 6000
PER_STEP = 150
"""After so many draws another length, one step further off, is taken too."""


@dataclass(frozen=True)
class DrawnProblem:
    """A problem and its figure.

    Attributes:
        row: what stands in the line of the problem, all but ``id`` and ``image``.
        paint: draws the figure.
    """

    row: dict[str, Any]
    paint: Callable[[Canvas], None]


def draw_problem(seed: int, number: int, problem_type: str, category: str) -> DrawnProblem:
    """Draw a figure, a question, a solution and its one error.

    Args:
        seed: of the set.
        number: of the problem, from 0.
        problem_type: one of ``PROBLEM_TYPES``.
        category: kind of the error.

    Raises:
        RuntimeError: no such problem was found, which means that a template is at fault.
    """
    rng = numpy_generator(seed, "error_problems", number)
    weights = np.array(list(LENGTHS.values()))
    wanted = list(LENGTHS)[int(np.searchsorted(np.cumsum(weights / weights.sum()), rng.random()))]
    for tries in range(MOST_TRIES):
        scene = draw_scene(problem_type, wanted, rng)
        asked, other = (scene.targets[int(k)] for k in rng.permutation(len(scene.targets))[:2])
        order = _steps(scene, asked, other, category, rng, (wanted, tries // PER_STEP))
        drawn = None if order is None else _problem(scene, asked, order, category, rng)
        if drawn is not None:
            return DrawnProblem({**drawn, "problem_type": problem_type}, scene.paint)
    raise RuntimeError(f"no {problem_type} problem with {category} in {MOST_TRIES} draws")


def _steps(
    scene: Scene,
    asked: str,
    other: str,
    category: str,
    rng: np.random.Generator,
    length: tuple[int, int],
) -> list[Node] | None:
    """The steps of a solution; that of ``other`` where the question is misunderstood.

    ``None`` unless there are as many steps as wanted (the first of ``length``), give or take the
    second.
    """
    pool, target = scene.pool, other if category == "MIS" else asked
    names = pool.closure(target)
    mate = set(pool.closure(asked if category == "MIS" else other))
    formulas = [node.name for node in pool.of_kind("formula", names)]
    silent, hidden = float(rng.random()), pick(rng, formulas)
    few = len(formulas) == 1 and category == "KNOW"
    dropped = frozenset([hidden]) if rng.random() < UNSAID and not few else frozenset()
    with_goal = category == "MIS" or silent >= UNSAID
    count = len(names) - len(dropped) + with_goal
    if not LEAST_STEPS <= count <= MOST_STEPS or abs(count - length[0]) > length[1]:
        return None
    return order_steps(
        pool,
        target,
        [name for name in names if name in mate],
        rng,
        dropped=dropped,
        with_goal=with_goal,
    )


def _problem(
    scene: Scene, asked: str, order: Sequence[Node], category: str, rng: np.random.Generator
) -> dict[str, Any] | None:
    """The problem as a row; ``None`` where the numbers do not fit."""
    pool = scene.pool
    right = carry_out(pool, [pool.nodes[name] for name in pool.closure(asked)])
    if right is None or (answer := right[-1].value) is None:
        return None
    if category == "MIS":
        worked = carry_out(pool, order)
        place = next(k for k, node in enumerate(order, 1) if node.kind == "goal")
        if worked is None or worked[-1].value == answer:
            return None
    else:
        found = inject_error(pool, order, category, answer, rng)
        if found is None:
            return None
        worked, place = found
    wording = rng.integers(0, 1 << 16, len(worked) + 1)
    question = f"{scene.intro} {ask(pool.nodes[asked].phrase, int(wording[-1]))}{scene.note}"
    labels = scene.labels()
    if set(re.findall(r"\d+(?:\.\d+)?", question)) & set(labels.values()):
        return None  # a value that is to be read must not be in the text
    return {
        "question": question,
        "correct_answer": _answer(right[-1]),
        "student_answer": _answer(worked[-1]),
        "steps": [
            step_text(step, scene.figure, int(draw))
            for step, draw in zip(worked, wording, strict=False)
        ],
        "error_step": place,
        "error_category": category,
        "template": scene.template,
        "figure": labels,
        "given": {
            label_of(n.phrase): (n.value and shown(n.value, n.unit)) or ""
            for n in pool.of_kind("given")
        },
        "asked": label_of(pool.nodes[asked].phrase),
        "derivation": [_derivation(step) for step in worked],
    }


def _answer(step: Worked) -> str:
    """The value of the last step with its unit."""
    text = step.value and shown(step.value, step.node.unit)
    return with_unit(text or "0", step.node.unit)


def _derivation(step: Worked) -> dict[str, Any]:
    """What the pupil did at a step."""
    node = step.node
    expression = step.expression
    return {
        "kind": node.kind,
        "name": label_of(node.phrase),
        "value": (step.value and shown(step.value, node.unit)) or "",
        "expression": expression and write_sum(expression, _same(expression), plain=True),
        "operands": dict(step.operands),
    }


def _same(expression: str) -> dict[str, str]:
    """Every name of an expression as itself."""
    return {name: name for name in re.findall(r"[A-Za-z_]\w*", expression)}

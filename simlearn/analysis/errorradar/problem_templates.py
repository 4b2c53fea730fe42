"""All programs that draw a problem, by the type of problem, and the choice of one."""

from __future__ import annotations

from typing import Final

import numpy as np

from simlearn.analysis.errorradar.algebra_problems import ALGEBRA_PROBLEMS, GROWING_ALGEBRA
from simlearn.analysis.errorradar.commonsense_problems import (
    COMMONSENSE_PROBLEMS,
    GROWING_COMMONSENSE,
)
from simlearn.analysis.errorradar.diagram_problems import GROWING_DIAGRAMS
from simlearn.analysis.errorradar.plane_composites import GROWING_PLANE, PLANE_COMPOSITES
from simlearn.analysis.errorradar.plane_problems import PLANE_PROBLEMS
from simlearn.analysis.errorradar.problem_scene import (
    GrowingTemplate,
    Scene,
    Template,
    between,
)
from simlearn.analysis.errorradar.solid_problems import GROWING_SOLIDS, SOLID_PROBLEMS

TEMPLATES: Final[dict[str, tuple[Template, ...]]] = {
    "plane_geometry": (*PLANE_PROBLEMS, *PLANE_COMPOSITES),
    "solid_geometry": SOLID_PROBLEMS,
    "diagram": (),
    "algebra": ALGEBRA_PROBLEMS,
    "math_commonsense": COMMONSENSE_PROBLEMS,
}
"""Programs whose figures always have as many parts."""
GROWING: Final[dict[str, tuple[tuple[GrowingTemplate, int, int], ...]]] = {
    "plane_geometry": GROWING_PLANE,
    "solid_geometry": GROWING_SOLIDS,
    "diagram": GROWING_DIAGRAMS,
    "algebra": GROWING_ALGEBRA,
    "math_commonsense": GROWING_COMMONSENSE,
}
"""Programs, and the fewest and most parts of their figures."""
LONG = 12
"""From so many steps on figures have many parts."""


def draw_scene(problem_type: str, length: int, rng: np.random.Generator) -> Scene:
    """A figure of one type, with many parts where a solution is to be long.

    Args:
        problem_type: one of ``PROBLEM_TYPES``.
        length: steps that are wanted; the figure may need more or fewer.
        rng: decides.
    """
    growing = GROWING[problem_type]
    fixed = TEMPLATES[problem_type] if length < LONG else ()
    number = between(rng, 0, len(fixed) + len(growing) - 1)
    if number < len(fixed):
        return fixed[number](rng)
    template, fewest, most = growing[number - len(fixed)]
    middle = (fewest + most) // 2
    if length >= LONG:
        return template(rng, between(rng, middle, most))
    return template(rng, between(rng, fewest, middle if length < LONG - 3 else most))

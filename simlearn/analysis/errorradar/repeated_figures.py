"""Questions about several figures alike, so that solutions do not end with their only sum."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simlearn.analysis.errorradar.problem_scene import between
from simlearn.analysis.errorradar.solution_program import Pool

REPEATED = 0.7
"""How often it is several."""


def repeat_figures(
    pool: Pool, rng: np.random.Generator, things: str, results: Mapping[str, tuple[str, str]]
) -> tuple[tuple[str, ...], str]:
    """Ask for one figure, or for what several of them have together.

    Args:
        pool: takes up the number of figures and the further sums.
        rng: decides.
        things: what the figures are, ``"triangles"``.
        results: name of a result for one figure -> what it is and its unit.

    Returns:
        The targets, and a sentence for the question's text, ``""`` for one figure.
    """
    if rng.random() >= REPEATED:
        return tuple(results), ""
    times = between(rng, 3, 12)
    pool.given("times", f"the number of {things}", times)
    for name, (what, unit) in results.items():
        phrase = f"the total {what} of the {times} {things}"
        pool.compute(f"all_{name}", phrase, unit, f"{name} * times")
    return tuple(f"all_{name}" for name in results), f" There are {times} such {things}."

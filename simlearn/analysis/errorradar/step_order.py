"""In which order a pupil writes the steps down, and where it says what is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simlearn.analysis.errorradar.solution_program import Node, Pool


def order_steps(
    pool: Pool,
    target: str,
    shared: Sequence[str],
    rng: np.random.Generator,
    *,
    dropped: frozenset[str] = frozenset(),
    with_goal: bool = True,
) -> list[Node]:
    """The steps that work ``target`` out, each after what it needs.

    The goal stands first or anywhere before the first step that only ``target`` needs, so all
    that is said before it serves another goal too.

    Args:
        pool: of the figure.
        target: name of what is worked out.
        shared: names of steps that another goal needs too.
        rng: decides on the order; as many draws for any target.
        dropped: formulas that the pupil does not write down.
        with_goal: whether the goal is written down.

    Returns:
        The nodes, the goal among them under the target's name.
    """
    habit, together, early, where = (float(rng.random()) for _ in range(4))
    names = [name for name in pool.closure(target) if name not in dropped]
    kinds = {"read": 0, "formula": 0, "compute": 1}
    if habit < 0.2:  # all values first
        names.sort(key=lambda name: pool.nodes[name].kind != "read")
    elif habit < 0.4:  # all formulas first
        names.sort(key=lambda name: pool.nodes[name].kind != "formula")
    elif habit < 0.55:  # both before any sum
        names.sort(key=lambda name: kinds[pool.nodes[name].kind])
    common = set(shared)
    if together < 0.5:
        names.sort(key=lambda name: name not in common)
    run = next((k for k, name in enumerate(names) if name not in common), len(names) - 1)
    order = [pool.nodes[name] for name in names]
    if with_goal:
        goal = Node("goal", target, pool.nodes[target].phrase)
        order.insert(0 if early < 0.45 else int(where * (run + 1)), goal)
    return order

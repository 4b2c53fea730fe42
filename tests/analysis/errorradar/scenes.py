"""Many figures of one template, for the tests of templates."""

from __future__ import annotations

import numpy as np

from simlearn.analysis.errorradar.figure_drawing import Canvas
from simlearn.analysis.errorradar.worked_solution import carry_out


def scenes(template, *pieces, n=25):
    """(values of the figure as numbers, right results by name, scene)."""
    for seed in range(n):
        scene = template(np.random.default_rng(seed), *pieces)
        results = {}
        for target in scene.targets:
            order = [scene.pool.nodes[name] for name in scene.pool.closure(target)]
            done = carry_out(scene.pool, order)
            if done is not None:
                results |= {step.node.name: step.value for step in done}
        reads = {node.name: node.value for node in scene.pool.of_kind("read")}
        yield reads, results, scene


def paints_inside(scene):
    """Whether the figure has ink and none at its border."""
    canvas = Canvas()
    scene.paint(canvas)
    ink = np.asarray(canvas.picture().convert("L")) < 140
    border = [ink[:2], ink[-2:], ink[:, :2].T, ink[:, -2:].T]
    return bool(ink.mean() > 0.002 and not any(edge.any() for edge in border))

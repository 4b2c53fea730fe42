"""Pictures of a class-incremental run."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from simlearn.data.labelled_images import ClassData
from simlearn.report import FigureImage, training_curves
from simlearn.report.forgetting_curves import forgetting_curves_figure
from simlearn.report.heat_map import accuracy_matrix_figure
from simlearn.report.projection import explained_share, project_2d, projection_figure
from simlearn.tasks.incremental_ideal import Ideal
from simlearn.tasks.incremental_metrics import Results
from simlearn.tasks.run_context import RunContext
from simlearn.trainer.csv_log import Row, read_csv_log
from simlearn.trainer.log_folder import log_folder


def incremental_figures(
    run: RunContext,
    data: ClassData,
    sizes: Sequence[int],
    results: Results,
    ideal: Ideal | None,
) -> tuple[FigureImage, ...]:
    """Forgetting curves, accuracy matrix, projections of the embedding, and the training.

    Args:
        run: its folder and seed.
        data: names of the classes.
        sizes: classes of every experience.
        results: of the loop, one per experience.
        ideal: the ceiling, drawn where there is one.
    """
    figures = [
        forgetting_curves_figure(_series(results, ideal), title="What is kept and what is learnt"),
        accuracy_matrix_figure(
            [[*r["ncm"], *[None] * (len(results) - len(r["ncm"]))] for r in results],
            experience_names(data.names, sizes),
            title="Accuracy on the classes of each experience",
        ),
    ]
    panels = [(t, r["picture"]) for t, r in enumerate(results, start=1) if "picture" in r]
    if panels:
        z = torch.cat([picture["z"] for _, picture in panels])
        points = project_2d(z)
        parts = points.split([len(picture["z"]) for _, picture in panels])
        figures.append(
            projection_figure(
                [
                    (f"after experience {t}", part, picture["y"], picture["hollow"])
                    for (t, picture), part in zip(panels, parts, strict=True)
                ],
                data.names,
                title="The embedding",
                seed=run.seed,
                explained=explained_share(z, points),
            )
        )
    rows = joined_log(run, len(results))
    if rows:
        figures.append(training_curves(rows, title="Training"))
    return tuple(figures)


def _series(results: Results, ideal: Ideal | None) -> dict[str, list[float]]:
    """Accuracy after every experience on base, new and all seen classes."""
    series = {
        "base classes": [r["ncm"][0] for r in results],
        "new classes": [r["ncm"][-1] for r in results],
        "all seen": [float(r["correct"].float().mean()) for r in results],
    }
    if ideal is not None:
        series["ideal, all seen"] = [
            sum(a * n for a, n in zip(row, r["counts"], strict=False) if a is not None)
            / sum(r["counts"])
            for row, r in zip(ideal.matrix, results, strict=True)
        ]
    return series


def experience_names(names: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """The classes of each experience in words, such as "3, 7"."""
    found, first = [], 0
    for size in sizes:
        found.append(", ".join(names[first : first + size]))
        first += size
    return found


def joined_log(run: RunContext, count: int) -> list[Row]:
    """The training logs of all experiences as one, their steps counted on."""
    rows: list[Row] = []
    before = 0
    for number in range(count):
        log = read_csv_log(log_folder(run.run_dir, number) / "metrics.csv")
        rows += [(step + before, name, value) for step, name, value in log]
        before = max((step for step, _, _ in rows), default=0)
    return rows

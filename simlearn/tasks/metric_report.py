"""The report of a retrieval run: numbers, pictures, and all that makes them comparable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simlearn.data.datamodule import VideoDataModule
from simlearn.evaluation.pixels import best_baseline
from simlearn.evaluation.query_results import QueryResults
from simlearn.report import (
    FigureImage,
    Metric,
    Report,
    Table,
    cmc_figure,
    environment,
    training_curves,
)
from simlearn.tasks.findings import Findings, join_findings
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.metric_pictures import grid_picture
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.video_ranking import VideoRanking, ranking_metrics
from simlearn.trainer.csv_log import read_csv_log

AVERAGING = (
    "mean of L2-normalised clip embeddings, normalised again; a network of still images embeds a "
    "clip as that mean over its frames"
)


@dataclass(frozen=True)
class Rankings:
    """What was found on the test split.

    Attributes:
        trained: by the trained network.
        untrained: by the network before its first step.
        pixels: by each pixel baseline.
    """

    trained: VideoRanking
    untrained: VideoRanking
    pixels: Mapping[str, QueryResults]

    @property
    def best_pixels(self) -> str:
        """Name of the pixel baseline with the highest top-1."""
        return best_baseline(dict(self.pixels))


def metric_report(
    parts: MetricParts,
    run: RunContext,
    data: VideoDataModule,
    rankings: Rankings,
    found: Findings,
    train: Mapping[str, float | int | str],
    seconds: Mapping[str, float],
) -> Report:
    """Put a report together; nothing is written.

    Args:
        parts: what was run.
        run: its folder, recipe and seed.
        data: the data modules, for names and pictures.
        rankings: see :class:`Rankings`.
        found: what was measured beyond retrieval.
        train: facts about the training.
        seconds: durations by phase.
    """
    y = rankings.trained.videos.y

    def metrics(results: QueryResults) -> dict[str, Metric]:
        return ranking_metrics(results, y, parts.protocol, seed=run.seed)

    best = rankings.best_pixels
    pixels = {name: metrics(results) for name, results in rankings.pixels.items()}
    usual = {"untrained": metrics(rankings.untrained.results), "pixels": pixels[best]}
    joined = join_findings((Findings(baselines=usual), found))
    return Report(
        recipe=run.recipe,
        seed=run.seed,
        card=run.card,
        metrics=metrics(rankings.trained.results) | dict(found.metrics),
        baselines=joined.baselines,
        train=train,
        protocol=protocol_facts(parts, data) | dict(found.protocol),
        seconds=seconds,
        tables=(*found.tables, _pixel_table(pixels, best)),
        figures=(*_figures(parts, run, data, rankings), *found.figures),
        config=run.config,
        environment=environment(),
        run_dir=run.run_dir,
        notes=found.notes,
    )


def protocol_facts(parts: MetricParts, data: VideoDataModule) -> dict[str, object]:
    """Everything that has to be equal for two runs' numbers to stand side by side."""
    test = data.data.splits["test"]
    return {
        "data": data.data.fingerprint,
        **data.data.facts,
        "test_videos": len(test),
        "test_identities": len({v.identity for v in test}),
        "clips_per_video": parts.protocol.clips_per_video,
        "averaging": AVERAGING,
        "gallery": "all other videos of the test split; identities with one video are gallery only",
        "distance": "euclidean",
    }


def _figures(
    parts: MetricParts, run: RunContext, data: VideoDataModule, rankings: Rankings
) -> tuple[FigureImage, ...]:
    grid = grid_picture(
        data.data,
        "test",
        rankings.trained.results,
        crop=parts.source.crop,
        rows=parts.protocol.grid_rows,
        seed=run.seed,
    )
    figures = [] if grid is None else [grid]
    length = min(parts.protocol.cmc_length, len(rankings.trained.videos) - 1)
    curves = {
        "trained": rankings.trained.results.cmc(length),
        "untrained": rankings.untrained.results.cmc(length),
        "pixels": rankings.pixels[rankings.best_pixels].cmc(length),
    }
    if length:
        figures.append(cmc_figure(curves, title="Top-n retrieval"))
    rows = read_csv_log(run.run_dir / "metrics.csv")
    if rows:
        figures.append(training_curves(rows, title="Training"))
    return tuple(figures)


def _pixel_table(pixels: Mapping[str, Mapping[str, Metric]], best: str) -> Table:
    return Table(
        title="Pixel baselines",
        columns=("representation", "recall_at_1", "map_at_r"),
        rows=tuple((n, m["recall_at_1"].value, m["map_at_r"].value) for n, m in pixels.items()),
        note="frame: smallest distance between any two of 8 frames; mean: mean frame of a video; "
        "normalised: each image to mean 0 and deviation 1. The pixel baseline shown above is the "
        f"best of {len(pixels)} by top-1: {best}.",
    )

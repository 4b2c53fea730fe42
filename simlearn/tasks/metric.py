"""Train a similarity model on videos and measure what it retrieves."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch

from simlearn.backbones.base import count_parameters
from simlearn.data.clips import even_starts
from simlearn.data.datamodule import VideoDataModule
from simlearn.evaluation.pixels import best_baseline, pixel_baselines
from simlearn.evaluation.retrieval import QueryResults
from simlearn.report import (
    Metric,
    Report,
    Table,
    cmc_figure,
    environment,
    training_curves,
    write_report,
)
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.metric_pictures import grid_picture
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import fit, load_best, starting_point
from simlearn.tasks.video_ranking import VideoRanking, rank_videos, ranking_metrics
from simlearn.trainer.csv_log import read_csv_log
from simlearn.trainer.progress import ProgressLine

PIXEL_FRAMES = 8


class Stopwatch:
    """Seconds by phase."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Time the block."""
        begun = time.perf_counter()
        yield
        self.seconds[phase] = round(time.perf_counter() - begun, 3)


def metric_learning(parts: MetricParts, run: RunContext) -> Report:
    """Open the data, measure pixels and the untrained network, train, measure, report.

    Args:
        parts: what the configuration describes.
        run: the run's folder, seed and recipe. With ``resume`` training goes on from the last
            checkpoint; the steps before it are not taken again.

    Returns:
        The report, already written into ``run.run_dir``.

    Raises:
        DataError, CheckpointError, Interrupted, TrainingStopped: with the way out in their text.
    """
    watch, line = Stopwatch(), ProgressLine()
    if parts.trainer.threads:
        torch.set_num_threads(parts.trainer.threads)
    protocol = parts.protocol
    if parts.trainer.fast_dev_run:
        protocol = replace(protocol, clips_per_video=1, bootstrap=50)
        parts = replace(parts, protocol=protocol)
    start = starting_point(run)
    with watch("data"):
        opened = parts.source.open(seed=run.seed, report=line)
        data = VideoDataModule(
            parts.source,
            opened,
            batches=parts.batches,
            seed=run.seed,
            workers=parts.trainer.workers,
            images=parts.backbone.kind == "image",
            start=(start.epoch, start.batch),
        )
    learner = parts.learner(run.seed)
    device = "cuda" if parts.trainer.device == "gpu" else "cpu"

    def rank(what: str) -> VideoRanking:
        learner.to(device)
        return rank_videos(
            learner,
            data,
            "test",
            protocol,
            device=device,
            progress=lambda done, total: line(what, done, total),
        )

    with watch("baselines"):
        untrained = rank("untrained network")
        pixels = pixel_baselines(_pixel_frames(data), untrained.videos.y)
    train: dict[str, float | int | str] = {"parameters": count_parameters(learner)}
    weights = "untrained"
    if parts.trainer.trains:
        with watch("training"):
            train |= fit(learner, data, parts, run, start, line)
        weights = load_best(learner, run.run_dir)
    with watch("evaluation"):
        trained = rank("test videos")
    report = _report(
        parts, run, data, train | {"weights": weights}, watch, trained, untrained, pixels
    )
    _save_embeddings(trained, data, run)
    write_report(report)
    return report


def _pixel_frames(data: VideoDataModule) -> torch.Tensor:
    """``(V, F, side, side, 3)`` uint8: evenly spaced frames of the test videos."""
    reader, side = data.data.reader, data.source.side
    rows = []
    for number in data.data.numbers("test"):
        low, high = reader.offsets[number], reader.offsets[number + 1]
        starts = even_starts(int(high - low), 1, PIXEL_FRAMES)
        rows.append(low + np.resize(starts, PIXEL_FRAMES))
    frames = torch.from_numpy(reader.gather(np.stack(rows)))
    margin = (frames.shape[2] - side) // 2
    return frames[:, :, margin : margin + side, margin : margin + side]


def _save_embeddings(ranking: VideoRanking, data: VideoDataModule, run: RunContext) -> None:
    import json

    videos = data.data.splits["test"]
    names = {
        "videos": json.dumps([v.name for v in videos]),
        "identities": json.dumps([v.identity for v in videos]),
    }
    ranking.videos.save(run.run_dir / "embeddings.safetensors", names)


def _report(
    parts: MetricParts,
    run: RunContext,
    data: VideoDataModule,
    train: Mapping[str, float | int | str],
    watch: Stopwatch,
    trained: VideoRanking,
    untrained: VideoRanking,
    pixels: Mapping[str, QueryResults],
) -> Report:
    y = trained.videos.y

    def metrics(results: QueryResults) -> dict[str, Metric]:
        return ranking_metrics(results, y, parts.protocol, seed=run.seed)

    best = best_baseline(dict(pixels))
    baselines = {"untrained": metrics(untrained.results), "pixels": metrics(pixels[best])}
    return Report(
        recipe=run.recipe,
        seed=run.seed,
        card=run.card,
        metrics=metrics(trained.results),
        baselines=baselines,
        train=train,
        protocol=_protocol(parts, data),
        seconds=watch.seconds,
        tables=(_pixel_table({name: metrics(r) for name, r in pixels.items()}),),
        figures=_figures(parts, run, data, trained, untrained, pixels[best]),
        config=run.config,
        environment=environment(),
        run_dir=run.run_dir,
        notes=(f"The pixel baseline shown above is the best of four by top-1: {best}.",),
    )


def _figures(parts, run, data, trained, untrained, pixels):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    grid = grid_picture(
        data.data,
        "test",
        trained.results,
        crop=parts.source.crop,
        rows=parts.protocol.grid_rows,
        seed=run.seed,
    )
    length = min(parts.protocol.cmc_length, len(trained.videos) - 1)
    curves = {
        "trained": trained.results.cmc(length),
        "untrained": untrained.results.cmc(length),
        "pixels": pixels.cmc(length),
    }
    figures = [grid, cmc_figure(curves, title="Top-n retrieval")]
    rows = read_csv_log(run.run_dir / "metrics.csv")
    if rows:
        figures.append(training_curves(rows, title="Training"))
    return tuple(f for f in figures if f is not None)


def _protocol(parts: MetricParts, data: VideoDataModule) -> dict[str, object]:
    test = data.data.splits["test"]
    return {
        "data": data.data.fingerprint,
        **data.data.facts,
        "test_videos": len(test),
        "test_identities": len({v.identity for v in test}),
        "clips_per_video": parts.protocol.clips_per_video,
        "averaging": "mean of L2-normalised clip embeddings, normalised again",
        "gallery": "all other videos of the test split; identities with one video are gallery only",
        "distance": "euclidean",
    }


def _pixel_table(pixels: Mapping[str, Mapping[str, Metric]]) -> Table:
    rows = tuple((name, m["recall_at_1"].value, m["map_at_r"].value) for name, m in pixels.items())
    return Table(
        title="Pixel baselines",
        columns=("representation", "recall_at_1", "map_at_r"),
        rows=rows,
        note="frame: smallest distance between any two of 8 frames; mean: mean frame of a video; "
        "normalised: each image to mean 0 and deviation 1.",
    )

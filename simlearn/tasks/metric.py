"""Train a similarity model on videos and measure what it retrieves."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import torch

from simlearn.backbones.base import count_parameters
from simlearn.data.clips import even_starts
from simlearn.data.datamodule import VideoDataModule
from simlearn.evaluation.pixels import FRAMES, pixel_baselines
from simlearn.report import Report, write_report
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.metric_report import Rankings, metric_report
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import StartingPoint, fit, load_best, starting_point
from simlearn.tasks.video_ranking import VideoRanking, rank_videos
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stopwatch import Stopwatch


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
    if parts.trainer.fast_dev_run:
        parts = replace(parts, protocol=replace(parts.protocol, clips_per_video=1, bootstrap=50))
    start = starting_point(run)
    with watch("data"):
        data = open_data(parts, run, start, line)
    learner = parts.learner(run.seed)
    device = "cuda" if parts.trainer.device == "gpu" else "cpu"

    def rank(what: str) -> VideoRanking:
        return rank_videos(
            learner.to(device),
            data,
            "test",
            parts.protocol,
            device=device,
            progress=lambda done, total: line(what, done, total),
        )

    with watch("baselines"):
        untrained = rank("untrained network")
        pixels = pixel_baselines(pixel_frames(data), untrained.videos.y)
    train: dict[str, float | int | str] = {"parameters": count_parameters(learner)}
    trained, train["weights"] = untrained, "untrained"
    if parts.trainer.trains:
        with watch("training"):
            train |= fit(learner, data, parts, run, start, line)
        train["weights"] = load_best(learner, run.run_dir)
        with watch("evaluation"):
            trained = rank("test videos")
    report = metric_report(
        parts, run, data, Rankings(trained, untrained, pixels), train, watch.seconds
    )
    save_embeddings(trained, data, run)
    write_report(report)
    return report


def open_data(
    parts: MetricParts, run: RunContext, start: StartingPoint, line: ProgressLine
) -> VideoDataModule:
    """Open the configured videos, with batches that begin at ``start``."""
    return VideoDataModule(
        parts.source,
        parts.source.open(seed=run.seed, report=line),
        batches=parts.batches,
        seed=run.seed,
        workers=parts.trainer.workers,
        images=parts.backbone.kind == "image",
        start=(start.epoch, start.batch),
    )


def pixel_frames(data: VideoDataModule) -> torch.Tensor:
    """``(V, F, side, side, 3)`` uint8: evenly spaced frames of the test videos, middle crop."""
    reader, side = data.data.reader, data.source.side
    rows = []
    for number in data.data.numbers("test"):
        low, high = reader.offsets[number], reader.offsets[number + 1]
        rows.append(low + np.resize(even_starts(int(high - low), 1, FRAMES), FRAMES))
    frames = torch.from_numpy(reader.gather(np.stack(rows)))
    margin = (frames.shape[2] - side) // 2
    return frames[:, :, margin : margin + side, margin : margin + side]


def save_embeddings(ranking: VideoRanking, data: VideoDataModule, run: RunContext) -> None:
    """Write ``embeddings.safetensors``: one row per test video, their names as JSON beside it."""
    videos = data.data.splits["test"]
    names = {
        "videos": json.dumps([v.name for v in videos]),
        "identities": json.dumps([v.identity for v in videos]),
    }
    ranking.videos.save(run.run_dir / "embeddings.safetensors", names)

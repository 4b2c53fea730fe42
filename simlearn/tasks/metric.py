"""Train a similarity model on videos and measure what it retrieves."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from io import StringIO

import numpy as np
import torch

from simlearn.backbones.base import count_parameters
from simlearn.data.clips import even_starts
from simlearn.data.datamodule import VideoDataModule, labels_of
from simlearn.data.embeddings import Embeddings
from simlearn.data.frame_order import Order
from simlearn.evaluation.embed import pool_groups
from simlearn.evaluation.pixels import FRAMES, pixel_baselines
from simlearn.evaluation.retrieval import retrieve
from simlearn.report import Report, write_report
from simlearn.tasks.metric_parts import MetricParts
from simlearn.tasks.metric_report import Rankings, metric_report
from simlearn.tasks.recognition import plan_pairs, recognise
from simlearn.tasks.run_context import RunContext
from simlearn.tasks.training import (
    StartingPoint,
    check_start,
    fit,
    load_best,
    save_untrained,
    starting_point,
)
from simlearn.tasks.video_ranking import (
    VideoRanking,
    embed_clips,
    rank_videos,
    ranking_metrics,
)
from simlearn.trainer.processes import Job
from simlearn.trainer.progress import ProgressLine
from simlearn.trainer.stopwatch import Stopwatch

FEW = 8
"""Identities of each split that ``trainer.fast_dev_run`` looks at."""


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
        parts = small(parts)
    start = starting_point(run)
    with watch("data"):
        data = open_data(parts, run, start, line)
    learner = parts.learner(run.seed, classes=training_classes(data))
    check_start(learner, data, start)
    trained_at_all = parts.trainer.trains or start.path is not None
    pairs = plan_pairs(parts, data, trained=trained_at_all)
    device = "cuda" if parts.trainer.device == "gpu" else "cpu"

    def rank(what: str, order: Order = "filmed") -> VideoRanking:
        return rank_videos(
            learner.to(device),
            data,
            "test",
            parts.protocol,
            device=device,
            order=order,
            progress=lambda done, total: line(what, done, total),
        )

    def embed_videos(split: str) -> Embeddings:
        return pool_groups(
            embed_clips(
                learner.to(device),
                data,
                split,
                parts.protocol,
                device=device,
                progress=lambda done, total: line(f"{split} videos", done, total),
            )
        )

    with watch("baselines"):
        untrained = untrained_ranking(run, data, lambda: rank("untrained network"))
        pixels = pixel_baselines(pixel_frames(data), untrained.videos.y)
    train: dict[str, float | int | str] = {
        "parameters": count_parameters(learner),
        "steps": start.step,
    }
    trained, train["weights"] = untrained, "untrained"
    if parts.trainer.trains:
        with watch("training"):
            train |= fit(learner, data, parts, run, start, line)
    elif start.path is None:
        save_untrained(learner, data, run)
    if trained_at_all:
        train["weights"] = load_best(learner, run.run_dir)
    with watch("evaluation"):
        if train["weights"] != "untrained" or trained.clips is None:
            trained = rank("test videos")
        found = recognise(
            parts,
            run,
            data,
            {"trained": trained, "untrained": untrained},
            pairs,
            rank,
            embed_videos,
            lambda r: ranking_metrics(r.results, r.videos.y, parts.protocol, seed=run.seed),
            line,
        )
    rankings = Rankings(trained, untrained, pixels)
    report = metric_report(parts, run, data, rankings, found, train, watch.seconds)
    save_embeddings(trained, data, run)
    write_report(report)
    return report


def join_training(parts: MetricParts, run: RunContext, job: Job) -> None:
    """Be one of the other processes of a run's training: the same steps, and no trace of them.

    Args:
        parts: what the configuration describes.
        run: the run's folder and seed, which rank 0 owns.
        job: which process this is.

    Raises:
        DataError, CheckpointError, Interrupted: as in rank 0.
    """
    if parts.trainer.threads:
        torch.set_num_threads(max(1, parts.trainer.threads // job.world))
    if parts.trainer.fast_dev_run:
        parts = small(parts)
    start, line = starting_point(run), ProgressLine(StringIO())
    data = open_data(parts, run, start, line, rank=job.rank)
    learner = parts.learner(run.seed, classes=training_classes(data))
    fit(learner, data, parts, run, start, line, job=job)


def training_classes(data: VideoDataModule) -> int:
    """Identities of the training split."""
    return len(labels_of(data.data.splits["train"])[1])


def small(parts: MetricParts) -> MetricParts:
    """The parts of a quick look: a few identities of each split, one clip per video."""
    return replace(
        parts,
        source=replace(parts.source, max_identities=min(FEW, parts.source.max_identities or FEW)),
        protocol=replace(parts.protocol, clips_per_video=1, bootstrap=50),
    )


def untrained_ranking(
    run: RunContext, data: VideoDataModule, rank: Callable[[], VideoRanking]
) -> VideoRanking:
    """Rank before the first step, once per run: a resumed run reads what it found then."""
    path = run.run_dir / "untrained.safetensors"
    if run.resume and path.is_file():
        videos = Embeddings.load(path)
        labels, _ = labels_of(data.data.splits["test"])
        if videos.group.tolist() == data.data.numbers("test") and videos.y.tolist() == labels:
            return VideoRanking(videos=videos, results=retrieve(videos.z, videos.y))
    ranking = rank()
    ranking.videos.save(path)
    return ranking


def open_data(
    parts: MetricParts, run: RunContext, start: StartingPoint, line: ProgressLine, *, rank: int = 0
) -> VideoDataModule:
    """Open the configured videos, with ``rank``'s part of the batches, which begin at ``start``."""
    return VideoDataModule(
        parts.source,
        parts.source.open(report=line),
        batches=parts.batches,
        seed=run.seed,
        workers=parts.trainer.workers,
        images=parts.backbone.kind == "image",
        pin=parts.trainer.device == "gpu",
        start=(start.epoch, start.batch),
        share=(rank, parts.trainer.devices),
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
    """Write ``embeddings.safetensors``: one row per test video, in order.

    Its metadata hold, as JSON, the name behind every number: ``group`` (number -> video) and ``y``
    (label -> identity).
    """
    videos = data.data.splits["test"]
    _, identities = labels_of(videos)
    groups = dict(zip(data.data.numbers("test"), [v.name for v in videos], strict=True))
    names = {"group": json.dumps(groups), "y": json.dumps(dict(enumerate(identities)))}
    ranking.videos.save(run.run_dir / "embeddings.safetensors", names)

"""How well a network finds the other videos of a person, and what it found."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from simlearn.data.datamodule import VideoDataModule
from simlearn.data.embeddings import Embeddings
from simlearn.data.frame_order import Order
from simlearn.data.randomness import torch_generator
from simlearn.evaluation.embed import embed, pool_groups
from simlearn.evaluation.frame_mean import FrameMean
from simlearn.evaluation.intervals import bootstrap_interval
from simlearn.evaluation.protocol import VideoRetrieval
from simlearn.evaluation.query_results import QueryResults
from simlearn.evaluation.retrieval import retrieve
from simlearn.report import Metric


@dataclass(frozen=True)
class VideoRanking:
    """Videos of one split ranked for each other.

    Attributes:
        videos: one embedding per video, in the order of the split.
        results: what each video found among the others.
        clips: one embedding per clip; ``None`` where only those of the videos were kept.
    """

    videos: Embeddings
    results: QueryResults
    clips: Embeddings | None = None


def rank_videos(
    model: nn.Module,
    data: VideoDataModule,
    split: str,
    protocol: VideoRetrieval,
    *,
    device: torch.device | str,
    order: Order = "filmed",
    progress: Callable[[int, int], None] | None = None,
) -> VideoRanking:
    """Embed the videos of a split and let each query all the others.

    A video is the mean of its normalised clip embeddings, normalised again; a network of still
    images embeds every frame of each clip, see :class:`FrameMean`. Videos of people with one video
    stand in the gallery alone; where nobody has two, a warning says so.
    """
    clips = embed_clips(model, data, split, protocol, device=device, order=order, progress=progress)
    videos = pool_groups(clips)
    results = retrieve(videos.z, videos.y)
    if not results.evaluated.any():
        warnings.warn(
            f"no identity of the {split} split has two videos: there is nothing to find and its "
            "metrics are nan. Give more videos or a larger share in data.split",
            stacklevel=2,
        )
    return VideoRanking(videos=videos, results=results, clips=clips)


def embed_clips(
    model: nn.Module,
    data: VideoDataModule,
    split: str,
    protocol: VideoRetrieval,
    *,
    device: torch.device | str,
    order: Order = "filmed",
    progress: Callable[[int, int], None] | None = None,
) -> Embeddings:
    """One embedding per evenly spaced clip of a split's videos, in order.

    Args:
        model: the network.
        data: whose videos.
        split: "train", "val" or "test".
        protocol: how many clips of each video, and how many at once.
        device: where to compute.
        order: see :func:`simlearn.data.frame_order.order_frames`.
        progress: called with (batches done, batches in all).
    """
    loader = data.evaluation_loader(
        split,
        clips_per_video=protocol.clips_per_video,
        batch_size=protocol.batch_size,
        order=order,
    )
    network = FrameMean(model) if data.images else model
    return embed(network, loader, device=device, progress=progress, total=len(loader))


def ranking_metrics(
    results: QueryResults, y: Tensor, protocol: VideoRetrieval, *, seed: int
) -> dict[str, Metric]:
    """Mean, number of queries and 95 % interval over identities of every retrieval metric.

    Args:
        results: what each query found.
        y: ``(Q,)`` identity of every query.
        protocol: ranks and number of resamples.
        seed: of the bootstrap.
    """
    identities = y[results.evaluated]
    metrics = {}
    for name, values in results.values(protocol.ks).items():
        interval = bootstrap_interval(
            values,
            identities,
            draws=protocol.bootstrap,
            generator=torch_generator(seed, "bootstrap"),
        )
        mean = float(values.mean()) if len(values) else float("nan")
        metrics[name] = Metric(mean, len(values), interval, higher_is_better=True)
    return metrics

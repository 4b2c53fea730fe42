"""What plain pixels reach: the baseline that a trained network has to beat."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.evaluation.full_ranking import rank_by_distances
from simlearn.evaluation.query_results import QueryResults

SIDE = 32
FRAMES = 8
BLOCK = 32
"""Videos whose frames are compared at once."""


def shrink_frames(frames: Tensor, side: int = SIDE) -> Tensor:
    """``(..., H, W, 3)`` uint8 frames to ``(..., D)`` float32 at most ``side`` pixels wide."""
    flat = frames.reshape(-1, *frames.shape[-3:]).permute(0, 3, 1, 2).float()
    if flat.shape[-1] > side:
        flat = F.interpolate(flat, size=(side, side), mode="area")
    return flat.flatten(1).reshape(*frames.shape[:-3], -1)


def contrast_normalise(vectors: Tensor) -> Tensor:
    """Each vector ``(..., D)`` to mean 0 and deviation 1; a constant one becomes 0."""
    deviation, mean = torch.std_mean(vectors, dim=-1, correction=0, keepdim=True)
    return (vectors - mean) / deviation.clamp_min(1e-3)


def mean_distances(frames: Tensor) -> Tensor:
    """``(V, V)`` distances between the mean frames of ``(V, F, D)`` videos."""
    means = frames.double().mean(dim=1)
    return torch.cdist(means, means)


def frame_distances(frames: Tensor) -> Tensor:
    """``(V, V)`` smallest distances between any frame of one video and any of another."""
    videos, count, size = frames.shape
    flat = frames.reshape(-1, size)
    blocks = (
        torch.cdist(block.reshape(-1, size), flat).reshape(len(block), count, videos, count)
        for block in frames.split(BLOCK)
    )
    return torch.cat([block.amin(dim=(1, 3)) for block in blocks])


def pixel_baselines(frames: Tensor, y: Tensor) -> dict[str, QueryResults]:
    """Retrieval by pixels: every video queries all the others.

    Args:
        frames: ``(V, F, H, W, 3)`` uint8, F evenly spaced frames of each video, face cropped.
        y: ``(V,)`` int64 labels.

    Returns:
        Results by name: "frame" and "mean", each raw and contrast-normalised ("... normalised").
    """
    raw = shrink_frames(frames)
    own = torch.eye(len(y), dtype=torch.bool)
    results = {}
    for suffix, vectors in (("", raw), (" normalised", contrast_normalise(raw))):
        for name, distance in (("frame", frame_distances), ("mean", mean_distances)):
            d = distance(vectors)
            results[name + suffix] = rank_by_distances(d, y, y, own)
    return results


def best_baseline(results: dict[str, QueryResults]) -> str:
    """Name of the baseline with the highest top-1 (the earlier one on a tie)."""
    return max(results, key=lambda name: results[name].cmc(1)[0])

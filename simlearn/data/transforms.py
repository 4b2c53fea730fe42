"""From stored frames to a network's input: the same crop and flip for all frames of a clip."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from simlearn.data.randomness import numpy_generator


def augmentation(
    seed: int, epoch: int, index: int, *, slack: int, flip: bool
) -> tuple[int, int, bool, np.random.Generator]:
    """Top, left and mirror of one sample, a function of (seed, epoch, index) alone.

    Args:
        seed: the run's seed.
        epoch: training epoch.
        index: the sample's row.
        slack: stored side minus wanted side, in pixels.
        flip: whether to mirror half of the samples.

    Returns:
        top and left in [0, slack], whether to mirror, and the generator for further draws.
    """
    g = numpy_generator(seed, "augment", epoch, index)
    top, left = g.integers(0, slack + 1, size=2)
    return int(top), int(left), bool(flip and g.random() < 0.5), g


def crop_and_flip(clip: Tensor, *, top: int, left: int, side: int, flip: bool) -> Tensor:
    """Cut ``(T, C, S, S)`` frames to ``(T, C, side, side)`` and mirror them, all alike."""
    clip = F.crop(clip, top, left, side, side)
    return F.horizontal_flip(clip) if flip else clip


def standardise(x: Tensor, how: str) -> Tensor:
    """Bring uint8 clips or images ``(B, ...)`` to float32.

    Fastest where ``x`` is contiguous: everything after the conversion happens in place.

    Args:
        x: values in 0..255.
        how: ``"clip"``: every sample to mean 0 and deviation 1 over all its pixels and frames
            (a constant one becomes 0); ``"range"``: to [-1, 1].
    """
    flat = x.flatten(1).to(torch.float32, copy=True)
    if how == "range":
        flat.div_(127.5).sub_(1.0)
    else:
        flat.sub_(flat.mean(dim=1, keepdim=True))
        length = torch.linalg.vector_norm(flat, dim=1, keepdim=True)
        flat.div_((length / flat.shape[1] ** 0.5).clamp_min_(1e-3))
    return flat.view(x.shape)

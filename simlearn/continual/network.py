"""Activations and embeddings of images, and a frozen copy of a network."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import torch
from torch import Tensor, nn

from simlearn.data.labelled_images import LabelledImages, PixelScale
from simlearn.learners.metric import MetricLearner

BATCH = 256
"""Images that are embedded at once."""


def activations(
    learner: MetricLearner, images: LabelledImages, scale: PixelScale, cut: str
) -> Tensor:
    """``(N, *F)`` activations at ``cut`` in eval mode, on the CPU, in the images' order.

    Raises:
        ValueError: no images, or an unknown cut.
    """
    return _in_eval(learner, images, scale, lambda x: learner.backbone.low(x, cut))


def embeddings(learner: MetricLearner, images: LabelledImages, scale: PixelScale) -> Tensor:
    """``(N, d)`` float32 embeddings in eval mode, on the CPU, in the images' order.

    Raises:
        ValueError: no images.
    """
    return _in_eval(learner, images, scale, lambda x: learner(x).float())


def embeddings_from(learner: MetricLearner, h: Tensor, cut: str) -> Tensor:
    """``(N, d)`` float32 embeddings of activations ``h (N, *F)`` at ``cut``, as above."""
    images = LabelledImages(h, torch.zeros(len(h), dtype=torch.int64), torch.arange(len(h)))
    return _in_eval(
        learner,
        images,
        PixelScale(),
        lambda h: learner.head(learner.backbone.high(h, cut)).float(),
    )


@torch.no_grad()
def _in_eval(
    learner: MetricLearner,
    images: LabelledImages,
    scale: PixelScale,
    f: Callable[[Tensor], Tensor],
) -> Tensor:
    if not len(images):
        raise ValueError("there are no images to embed")
    training = [part for part in learner.modules() if part.training]
    device = next(learner.parameters()).device
    learner.eval()
    try:
        return torch.cat([f(x.to(device)).cpu() for x, _ in images.batches(scale, BATCH)])
    finally:
        for part in training:
            part.training = True


class FrozenNetwork(nn.Module):
    """A copy of a learner's backbone and head that never changes: eval mode, no gradient.

    Args:
        learner: what is copied, as it is now.
    """

    def __init__(self, learner: MetricLearner) -> None:
        super().__init__()
        self.backbone, self.head = deepcopy(learner.backbone), deepcopy(learner.head)
        self.requires_grad_(False).eval()

    @torch.no_grad()
    def forward(self, h: Tensor, cut: str) -> tuple[Tensor, Tensor]:
        """Features ``(B, dim)`` and embeddings ``(B, d)`` of activations at ``cut``."""
        f = self.backbone.high(h, cut)
        return f, self.head(f)

    def bytes(self) -> int:
        """Bytes of its parameters and buffers."""
        return tensor_bytes(self.state_dict())


def tensor_bytes(state: object) -> int:
    """Bytes of all tensors in nested mappings and sequences."""
    if isinstance(state, Tensor):
        return state.numel() * state.element_size()
    if isinstance(state, dict):
        return sum(tensor_bytes(value) for value in state.values())
    if isinstance(state, list | tuple):
        return sum(tensor_bytes(value) for value in state)
    return 0

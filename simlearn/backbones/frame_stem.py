"""Two-dimensional layers on each frame of a clip, and the strided stem made of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from simlearn.backbones.base import check_frames, scaled
from simlearn.backbones.equal_groups import group_norm


class PerFrame(nn.Module):
    """A layer for images, run on all frames of all clips in one call.

    No frame sees another one, as long as the layer treats its rows alone (no BatchNorm).

    Args:
        layer: takes ``(N, C, H, W)``, gives ``(N, C', ...)``.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, T, H, W)`` to ``(B, C', T, ...)``; no clip (B = 0) gives none.

        Raises:
            ValueError: T is 0.
        """
        check_frames(x)
        frames = x.transpose(1, 2)
        out: Tensor = self.layer(frames.flatten(0, 1))
        return out.unflatten(0, frames.shape[:2]).transpose(1, 2)


def frame_stem(
    channels: Sequence[int], width: float, in_channels: int
) -> tuple[dict[str, nn.Module], int]:
    """Stages ``conv1``, ``conv2``, ...: 3x3 convolution of stride 2, GroupNorm and ReLU per frame.

    Each halves the map, rounded up: 33 px become 17, 1 px stays. The norm has eight groups where
    they fit (:func:`group_norm`). The weights lie channels last.

    Args:
        channels: of each stage, before ``width``.
        width: scales them.
        in_channels: colour channels of a frame.

    Returns:
        The stages, which take and give clips, and the channels they end with.

    Raises:
        ValueError: a width that is not a positive number.
    """
    stages: dict[str, nn.Module] = {}
    for number, wanted in enumerate(channels, start=1):
        out = scaled(wanted, width)
        layer = nn.Sequential(
            nn.Conv2d(in_channels, out, kernel_size=3, stride=2, padding=1, bias=False),
            group_norm(out),
            nn.ReLU(inplace=True),
        )
        stages[f"conv{number}"] = PerFrame(layer.to(memory_format=torch.channels_last))
        in_channels = out
    return stages, in_channels

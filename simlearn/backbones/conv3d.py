"""A small 3-D ConvNet with GroupNorm that keeps a 4x4 map."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from simlearn.backbones.arguments import at_least_one
from simlearn.backbones.base import Backbone, channels_last_3d, scaled
from simlearn.backbones.pooling import ShrinkingMaxPool3d, Size
from simlearn.backbones.weights import load_weights

CHANNELS = (16, 32, 64, 64, 128)
POOLS: tuple[Size | None, ...] = ((1, 2, 2), (2, 2, 2), (2, 2, 2), None, None)


class Conv3DNet(Backbone):
    """Five 3x3x3 convolutions (16-32-64-64-128), each with GroupNorm and ReLU.

    Takes ``(B, in_channels, T, H, W)``; the last map is brought to 1x4x4 and flattened, so that
    where something is in the face is kept. Meant for 32 px and a CPU. It is not Tran's C3D.

    Args:
        width: scales the channels of every layer.
        groups: groups of the GroupNorm; a layer whose channels they do not divide takes one.
        in_channels: colour channels.
        weights: file of weights to start from, see :func:`load_weights`.
    """

    def __init__(
        self,
        width: float = 1.0,
        groups: int = 8,
        in_channels: int = 3,
        weights: Path | None = None,
    ) -> None:
        at_least_one(groups=groups)
        stages: dict[str, nn.Module] = {}
        channels = in_channels
        for number, (wanted, pool) in enumerate(zip(CHANNELS, POOLS, strict=True), start=1):
            out = scaled(wanted, width)
            stages[f"conv{number}"] = nn.Sequential(
                nn.Conv3d(channels, out, kernel_size=3, padding=1, bias=False),
                nn.GroupNorm(groups if out % groups == 0 else 1, out),
                nn.ReLU(inplace=True),
            )
            if pool is not None:
                stages[f"pool{number}"] = ShrinkingMaxPool3d(pool)
            channels = out
        stages["map"] = nn.Sequential(nn.AdaptiveAvgPool3d((1, 4, 4)), nn.Flatten())
        super().__init__(stages, dim=channels * 16, kind="clip")
        channels_last_3d(self)
        if weights is not None:
            load_weights(self, weights)

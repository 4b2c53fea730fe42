"""C3D (Tran et al. 2015, "Learning Spatiotemporal Features with 3D Convolutional Networks")."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from simlearn.backbones.arguments import at_least_one
from simlearn.backbones.base import Backbone, channels_last_3d, he_initialise, scaled
from simlearn.backbones.pooling import ShrinkingMaxPool3d, Size
from simlearn.backbones.weights import load_weights

LAYERS: tuple[tuple[str, int | Size], ...] = (
    ("conv1", 64),
    ("pool1", (1, 2, 2)),
    ("conv2", 128),
    ("pool2", (2, 2, 2)),
    ("conv3a", 256),
    ("conv3b", 256),
    ("pool3", (2, 2, 2)),
    ("conv4a", 512),
    ("conv4b", 512),
    ("pool4", (2, 2, 2)),
    ("conv5a", 512),
    ("conv5b", 512),
    ("pool5", (2, 2, 2)),
)
"""Name and output channels of a 3x3x3 convolution, or name and kernel of a pool."""

MAP_SIDE = 4
"""Rows and columns behind the last pool."""


def convolution_stages(width: float, in_channels: int) -> tuple[dict[str, nn.Module], int]:
    """The eight convolutions with ReLU and the five pools, and the channels they end with."""
    stages: dict[str, nn.Module] = {}
    channels = in_channels
    for name, what in LAYERS:
        if isinstance(what, int):
            out = scaled(what, width)
            convolution = nn.Conv3d(channels, out, kernel_size=3, padding=1)
            stages[name] = nn.Sequential(convolution, nn.ReLU(inplace=True))
            channels = out
        else:
            padding = (0, 1, 1) if name == "pool5" else (0, 0, 0)
            stages[name] = ShrinkingMaxPool3d(what, padding, smallest=MAP_SIDE)
    return stages, channels


class C3D(Backbone):
    """Tran's network up to fc7; 77,995,776 parameters at width 1.

    Takes ``(B, in_channels, T, H, W)`` clips of any T and size. At 16x112x112 this is the
    published network, which ends with a map of 1x4x4. In smaller frames no pool goes below 4x4, so
    that where something is in the frame is kept there too; any other map is brought to 1x4x4 by
    adaptive pooling. The 487-way layer fc8 is not part of it.

    Args:
        width: scales the channels of every layer, the fully connected ones too.
        dropout: share of fc6's and fc7's outputs that are dropped in training, as published 0.5.
        in_channels: colour channels.
        weights: file of weights to start from, see :func:`load_weights`.

    Raises:
        ValueError: in_channels below 1, a width that is not a positive number, weights of another
            backbone.
    """

    def __init__(
        self,
        width: float = 1.0,
        dropout: float = 0.5,
        in_channels: int = 3,
        weights: Path | None = None,
    ) -> None:
        at_least_one(in_channels=in_channels)
        stages, channels = convolution_stages(width, in_channels)
        dim = scaled(4096, width)
        stages["map"] = nn.Sequential(nn.AdaptiveAvgPool3d((1, MAP_SIDE, MAP_SIDE)), nn.Flatten())
        for name, inputs in (("fc6", channels * MAP_SIDE**2), ("fc7", dim)):
            stages[name] = nn.Sequential(nn.Linear(inputs, dim), nn.ReLU(), nn.Dropout(dropout))
        super().__init__(stages, dim=dim, kind="clip")
        he_initialise(self)
        channels_last_3d(self)
        if weights is not None:
            load_weights(self, weights)

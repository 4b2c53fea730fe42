"""GoogLeNet (Szegedy et al. 2015, "Going Deeper with Convolutions") with batch norm."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from simlearn.backbones.arguments import at_least_one
from simlearn.backbones.base import Backbone, he_initialise, scaled
from simlearn.backbones.weights import load_weights

MODULES: dict[str, tuple[int, int, int, int, int, int] | int] = {
    "inception3a": (64, 96, 128, 16, 32, 32),
    "inception3b": (128, 128, 192, 32, 96, 64),
    "maxpool3": 3,
    "inception4a": (192, 96, 208, 16, 48, 64),
    "inception4b": (160, 112, 224, 24, 64, 64),
    "inception4c": (128, 128, 256, 24, 64, 64),
    "inception4d": (112, 144, 288, 32, 64, 64),
    "inception4e": (256, 160, 320, 32, 128, 128),
    "maxpool4": 2,
    "inception5a": (256, 160, 320, 32, 128, 128),
    "inception5b": (384, 192, 384, 48, 128, 128),
}
"""Channels 1x1, 3x3 reduced, 3x3, 5x5 reduced, 5x5, pool of a module (the paper's table 1), or
the kernel of a pool of stride 2."""


def concatenated(branches: tuple[int, ...]) -> int:
    """Channels behind a module whose channels are listed as in :data:`MODULES`."""
    one, _, three, _, five, pool = branches
    return one + three + five + pool


def googlenet_stages(width: float, in_channels: int) -> tuple[dict[str, nn.Module], int]:
    """The layers up to inception5b under torchvision's names, and the channels they end with."""
    # imported here: torchvision takes seconds, which the other backbones need not wait for
    from torchvision.models.googlenet import BasicConv2d
    from torchvision.models.googlenet import Inception as Module

    first, third = scaled(64, width), scaled(192, width)
    stages: dict[str, nn.Module] = {
        "conv1": BasicConv2d(in_channels, first, kernel_size=7, stride=2, padding=3),
        "maxpool1": nn.MaxPool2d(3, stride=2, ceil_mode=True),
        "conv2": BasicConv2d(first, first, kernel_size=1),
        "conv3": BasicConv2d(first, third, kernel_size=3, padding=1),
        "maxpool2": nn.MaxPool2d(3, stride=2, ceil_mode=True),
    }
    channels = third
    for name, what in MODULES.items():
        if isinstance(what, int):
            stages[name] = nn.MaxPool2d(what, stride=2, ceil_mode=True)
        else:
            branches = tuple(scaled(c, width) for c in what)
            stages[name] = Module(channels, *branches)
            channels = concatenated(branches)
    return stages, channels


class Inception(Backbone):
    """GoogLeNet without its classifiers; 5,599,904 parameters at width 1.

    torchvision's network, layer by layer and under its names: batch norm behind every
    convolution, and 3x3 kernels where the paper has 5x5. Takes ``(B, in_channels, H, W)`` of 15
    px or more, made for 224; gives ``(B, dim)`` features, which are not negative, with dim =
    1024 * width * map_side²; no row gives no features (in eval mode). Training needs more than
    one value per channel: two images or more up to 46 px, where the last map is a point.
    Batch norm makes every training sample depend on its batch.

    Public files (``torchvision.models.googlenet``) expect pixels in [-1, 1], as
    ``data.standardise=range`` gives them; torchvision's ``transform_input`` only brings its own
    normalisation back to that, so it is not part of this network.

    Args:
        width: scales the channels of every branch.
        map_side: side of the last map: 1 is the mean over the map, as published; from 2 on where
            something is in the image is kept.
        in_channels: colour channels.
        weights: file of weights to start from, see :func:`load_weights`. Nothing is downloaded.

    Raises:
        ValueError: map_side or in_channels below 1; a width that is not a positive number;
            weights of another backbone.
    """

    least = 15  # the smallest side that leaves every pool a map to work on
    way_out = "raise data.side or use backbone=inception_small"

    def __init__(
        self,
        width: float = 1.0,
        map_side: int = 1,
        in_channels: int = 3,
        weights: Path | None = None,
    ) -> None:
        at_least_one(map_side=map_side, in_channels=in_channels)
        stages, channels = googlenet_stages(width, in_channels)
        stages["map"] = nn.Sequential(nn.AdaptiveAvgPool2d(map_side), nn.Flatten())
        super().__init__(stages, dim=channels * map_side**2, kind="image")
        he_initialise(self)
        if weights is not None:
            load_weights(self, weights)

"""A small Inception network with GroupNorm for images of 28 to 64 px."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from simlearn.backbones.arguments import at_least_one, one_of
from simlearn.backbones.base import Backbone, scaled
from simlearn.backbones.convnet import HalvingMaxPool2d
from simlearn.backbones.equal_groups import group_norm
from simlearn.backbones.weights import load_weights

Norm = Literal["group", "batch"]
Branches = tuple[int, int, int, int, int, int]
STEM = 32
MODULES: dict[str, Branches | None] = {
    "inception3a": (24, 32, 40, 8, 16, 16),
    "inception3b": (32, 32, 56, 16, 24, 16),
    "maxpool3": None,
    "inception4a": (40, 48, 72, 16, 32, 16),
    "inception4b": (48, 56, 80, 16, 32, 32),
    "maxpool4": None,
    "inception5a": (64, 80, 112, 24, 48, 32),
}
"""Channels 1x1, 3x3 reduced, 3x3, double 3x3 reduced, double 3x3, pool; None is a pool of 2."""


def convolution(channels: int, out: int, kernel: int, norm: Norm, groups: int) -> nn.Sequential:
    """A convolution that keeps the map, its norm and ReLU: ``(B, channels, H, W)`` to ``out``."""
    return nn.Sequential(
        nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(out) if norm == "batch" else group_norm(out, groups),
        nn.ReLU(inplace=True),
    )


class InceptionModule(nn.Module):
    """Four branches side by side: 1x1, 1x1-3x3, 1x1-3x3-3x3 and 3x3 max pool-1x1.

    The double 3x3 sees the 5x5 of Szegedy et al. 2015, as in Szegedy et al. 2016, "Rethinking the
    Inception Architecture for Computer Vision", figure 5.

    Args:
        channels: channels of the input.
        branches: channels 1x1, 3x3 reduced, 3x3, double 3x3 reduced, double 3x3, pool.
        norm: "group" or "batch".
        groups: groups of the GroupNorm.

    Attributes:
        channels: of the output, the sum of the four branches.
    """

    def __init__(self, channels: int, branches: Branches, norm: Norm, groups: int) -> None:
        super().__init__()
        one, reduced3, three, reduced5, five, pool = branches
        self.branch1 = convolution(channels, one, 1, norm, groups)
        self.branch2 = nn.Sequential(
            convolution(channels, reduced3, 1, norm, groups),
            convolution(reduced3, three, 3, norm, groups),
        )
        self.branch3 = nn.Sequential(
            convolution(channels, reduced5, 1, norm, groups),
            convolution(reduced5, five, 3, norm, groups),
            convolution(five, five, 3, norm, groups),
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, stride=1, padding=1), convolution(channels, pool, 1, norm, groups)
        )
        self.channels = one + three + five + pool

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, channels, H, W)``."""
        branches = (self.branch1, self.branch2, self.branch3, self.branch4)
        return torch.cat([branch(x) for branch in branches], dim=1)


class InceptionSmall(Backbone):
    """A 3x3 stem and five Inception modules, 343,968 parameters and 25 M multiply-adds at 32 px.

    Takes ``(B, in_channels, H, W)`` of any size, meant for 8 px upward; gives ``(B, dim)``
    features, which are not negative, with dim = 256 * width * map_side²; no row gives no
    features. Pools halve the map, rounded up, and stop at the map that is kept. Not a published
    network: the modules of :class:`Inception` with channels for small images.

    Args:
        width: scales the channels of every branch.
        norm: "group", so that no sample depends on its batch, or "batch".
        groups: groups of the GroupNorm; a layer takes one where they would not be equal or would
            hold a single channel.
        map_side: side of the last map, which is flattened; 1 is the mean over the map.
        in_channels: colour channels.
        weights: file of weights to start from, see :func:`load_weights`.

    Raises:
        ValueError: an unknown norm; groups, map_side or in_channels below 1; a width that is not
            a positive number; weights of another backbone.
    """

    def __init__(
        self,
        width: float = 1.0,
        norm: Norm = "group",
        groups: int = 8,
        map_side: int = 4,
        in_channels: int = 3,
        weights: Path | None = None,
    ) -> None:
        one_of(get_args(Norm), norm=norm)
        at_least_one(groups=groups, map_side=map_side, in_channels=in_channels)
        channels = scaled(STEM, width)
        stages: dict[str, nn.Module] = {
            "conv1": convolution(in_channels, channels, 3, norm, groups),
            "maxpool1": HalvingMaxPool2d(map_side),
        }
        for name, what in MODULES.items():
            if what is None:
                stages[name] = HalvingMaxPool2d(map_side)
            else:
                one, reduced3, three, reduced5, five, pool = (scaled(c, width) for c in what)
                branches = (one, reduced3, three, reduced5, five, pool)
                module = InceptionModule(channels, branches, norm, groups)
                stages[name], channels = module, module.channels
        stages["map"] = nn.Sequential(nn.AdaptiveAvgPool2d(map_side), nn.Flatten())
        super().__init__(stages, dim=channels * map_side**2, kind="image")
        self.to(memory_format=torch.channels_last)
        if weights is not None:
            load_weights(self, weights)

"""A small 2-D ConvNet for images, the Conv-4 of few-shot learning with GroupNorm."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.backbones.arguments import at_least_one, one_of
from simlearn.backbones.base import Backbone, he_initialise, scaled
from simlearn.backbones.equal_groups import group_norm
from simlearn.backbones.weights import load_weights

Norm = Literal["group", "batch", "none"]
CHANNELS = (64, 64, 64, 64)


def halve_map(x: Tensor, smallest: int) -> Tensor:
    """2x2 max pooling, rounded up, of the axes that stay at least ``smallest`` afterwards.

    An odd axis keeps its last row: 7 becomes 4, where few-shot code drops a row and takes 3.

    Args:
        x: ``(B, C, H, W)``.
        smallest: an axis that would fall below it is left as it is.

    Returns:
        ``(B, C, H', W')``; x itself where neither axis is halved.
    """
    kernel = [2 if n > 1 and (n + 1) // 2 >= smallest else 1 for n in x.shape[2:]]
    return F.max_pool2d(x, kernel, ceil_mode=True) if max(kernel) > 1 else x


class HalvingMaxPool2d(nn.Module):
    """:func:`halve_map` as a layer.

    Args:
        smallest: rows and columns that are always kept, where the input has them.
    """

    def __init__(self, smallest: int = 1) -> None:
        super().__init__()
        self.smallest = smallest

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C, H', W')``."""
        return halve_map(x, self.smallest)

    def extra_repr(self) -> str:
        """The smallest map, for printing."""
        return f"smallest={self.smallest}"


class ConvNet(Backbone):
    """Four blocks of 64 channels: 3x3 convolution, norm, ReLU and 2x2 max pooling.

    The layers of Conv-4 (Vinyals et al. 2016, "Matching Networks for One Shot Learning"; Snell
    et al. 2017). Three things differ from the published net: GroupNorm instead of BatchNorm, so
    that no sample depends on its batch; pools that round up and stop at the map that is kept; a
    2x2 map instead of the single point that 28 px leave there. Takes ``(B, in_channels, H, W)``
    of any size, meant for 8 px upward; gives ``(B, dim)`` features with dim = channels *
    map_side², which are not negative; no row gives no features. The cut ``conv4`` lies behind
    the last norm and before its ReLU, where values of both signs are left; ``block4`` follows.

    Args:
        width: scales the channels of every layer.
        norm: "group", "batch" (training then depends on the batch), or "none": a bias instead,
            and weights drawn as in He et al. 2015.
        groups: groups of the GroupNorm; a layer takes one where they would not be equal or would
            hold a single channel, which a map of one point turns into a constant.
        map_side: side of the last map: 1 is the mean over the map (pooled features), from 2 on
            the map is flattened and where something is in the image is kept.
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
        map_side: int = 2,
        in_channels: int = 3,
        weights: Path | None = None,
    ) -> None:
        one_of(get_args(Norm), norm=norm)
        at_least_one(groups=groups, map_side=map_side, in_channels=in_channels)
        stages: dict[str, nn.Module] = {}
        channels = in_channels
        for number, wanted in enumerate(CHANNELS, start=1):
            out = scaled(wanted, width)
            convolution = _convolution(channels, out, norm, groups)
            pool = HalvingMaxPool2d(map_side)
            if number < len(CHANNELS):
                stages[f"block{number}"] = nn.Sequential(*convolution, nn.ReLU(inplace=True), pool)
            else:  # the value at the cut may be used again: the ReLU behind it copies
                stages[f"conv{number}"] = nn.Sequential(*convolution)
                stages[f"block{number}"] = nn.Sequential(nn.ReLU(), pool)
            channels = out
        stages["map"] = nn.Sequential(nn.AdaptiveAvgPool2d(map_side), nn.Flatten())
        super().__init__(stages, dim=channels * map_side**2, kind="image")
        if norm == "none":
            he_initialise(self)
        self.to(memory_format=torch.channels_last)
        if weights is not None:
            load_weights(self, weights)


def _convolution(channels: int, out: int, norm: Norm, groups: int) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, out, kernel_size=3, padding=1, bias=norm == "none")
    if norm == "none":
        return [convolution]
    if norm == "batch":
        return [convolution, nn.BatchNorm2d(out)]
    return [convolution, group_norm(out, groups)]

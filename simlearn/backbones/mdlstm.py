"""A network of multi-dimensional LSTM layers over the pixels of each frame."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.backbones.arguments import at_least_one
from simlearn.backbones.base import Backbone, check_frames, scaled
from simlearn.backbones.frame_stem import PerFrame
from simlearn.backbones.md_scan import MDLSTMDirection
from simlearn.backbones.weights import load_weights

CORNERS: dict[str, tuple[int, ...]] = {
    "top_left": (),
    "top_right": (3,),
    "bottom_left": (2,),
    "bottom_right": (2, 3),
}
"""Where a scan begins -> the axes of ``(B, C, H, W)`` that bring this corner to the top left."""


class FourDirections(nn.Module):
    """Scans from the four corners, joined on the channels in the order of the corners.

    Args:
        in_channels: C.
        hidden: n of each direction.
    """

    def __init__(self, in_channels: int, hidden: int) -> None:
        super().__init__()
        self.corners = nn.ModuleDict({k: MDLSTMDirection(in_channels, hidden) for k in CORNERS})

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, 4n, H, W)``."""
        scans = [self.corners[k](x.flip(axes)).flip(axes) for k, axes in CORNERS.items()]
        return torch.cat(scans, 1)


class Blocks(nn.Module):
    """A tanh layer over blocks of side² pixels that do not overlap; Glorot's weights.

    An axis that the side does not divide is filled up with zeros at its end.

    Args:
        in_channels: C.
        out_channels: C'.
        side: of a block; 1 is a layer per pixel.
    """

    def __init__(self, in_channels: int, out_channels: int, side: int) -> None:
        super().__init__()
        self.side = side
        self.conv = nn.Conv2d(in_channels, out_channels, side, stride=side)
        nn.init.xavier_uniform_(self.conv.weight, nn.init.calculate_gain("tanh"))
        nn.init.zeros_(self.conv.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, C', ceil(H / side), ceil(W / side))`` between -1 and 1."""
        height, width = x.shape[2:]
        missing = (0, -width % self.side, 0, -height % self.side)
        return self.conv(F.pad(x, missing) if any(missing) else x).tanh()


class MeanMap(nn.Module):
    """Brings the map to ``side x side``, flattens it and averages it over the frames.

    Args:
        side: of the map that is kept.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, T, H, W)`` to ``(B, C * side²)``.

        Raises:
            ValueError: T is 0.
        """
        check_frames(x)
        return F.adaptive_avg_pool2d(x.mean(2), self.side).flatten(1)


class MDLSTM(Backbone):
    """Multi-dimensional LSTM of each frame (Graves et al. 2007), mean over the frames.

    The hierarchy of Graves and Schmidhuber 2009 ("Offline Handwriting Recognition with
    Multidimensional Recurrent Neural Networks"): a tanh layer over patches, then per LSTM layer
    the scans from the four corners (cut ``lstm1``, ``lstm2``, ...), joined by a tanh layer that
    sees all four (``join1``, ...): over blocks of 2x2 between two layers, which halves the map,
    per pixel behind the last one. No peepholes, and no norm. Takes
    ``(B, in_channels, T, H, W)`` clips of any T >= 1 and size, gives ``(B, dim)`` with
    dim = last hidden * map_side².

    The recurrence runs over rows and columns, not over time: the order of the frames is not seen,
    and a clip of one repeated frame has the features of the frame.

    Args:
        width: scales the channels of every layer.
        hidden: n of each direction, per layer; also the channels that the layer in front gives.
        patch: side of the patches.
        map_side: side of the map that is kept.
        in_channels: colour channels.
        weights: file of weights to start from, see :func:`load_weights`.

    Raises:
        ValueError: no hidden layer; a number below 1; a width that is not a positive number;
            weights of another backbone. A clip without frames, when it is given.
    """

    def __init__(
        self,
        width: float = 1.0,
        hidden: tuple[int, ...] = (32, 64),
        patch: int = 4,
        map_side: int = 4,
        in_channels: int = 3,
        weights: Path | None = None,
    ) -> None:
        _check_sizes(hidden, patch=patch, map_side=map_side, in_channels=in_channels)
        sizes = [scaled(n, width) for n in hidden]
        stages: dict[str, nn.Module] = {"patches": PerFrame(Blocks(in_channels, sizes[0], patch))}
        following = [*sizes[1:], sizes[-1]]
        for number, (n, after) in enumerate(zip(sizes, following, strict=True), start=1):
            side = 2 if number < len(sizes) else 1
            stages[f"lstm{number}"] = PerFrame(FourDirections(n, n))
            stages[f"join{number}"] = PerFrame(Blocks(4 * n, after, side))
        stages["map"] = MeanMap(map_side)
        super().__init__(stages, dim=sizes[-1] * map_side**2, kind="clip")
        if weights is not None:
            load_weights(self, weights)


def _check_sizes(hidden: tuple[int, ...], **numbers: int) -> None:
    if not hidden:
        raise ValueError("backbone.hidden is empty, needed: the size of at least one layer")
    at_least_one(**numbers, hidden=min(hidden))

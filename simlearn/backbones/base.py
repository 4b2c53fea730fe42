"""The contract of every backbone: a sequence of named stages that can be cut anywhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal, Self

import torch
from torch import Tensor, nn


class Backbone(nn.Module):
    """Stages run one after the other; a cut is the place behind one of them.

    ``forward(x) == high(low(x, c), c)`` bit for bit for every cut c in eval mode, since all
    three run the same stages.

    Args:
        stages: name -> module, in order. The last one gives ``(B, dim)`` features.
        dim: number of features.
        kind: ``"image"`` takes ``(B, C, H, W)``, ``"clip"`` takes ``(B, C, T, H, W)``.

    Attributes:
        cuts: ``"input"`` and the names of all stages but the last.
        least: smallest height and width of an input, in pixels.
        way_out: what to do about a smaller one.
        frozen: stages that :func:`simlearn.backbones.freeze.freeze_below` has frozen: they stay in
            eval mode, so that their buffers stay as they are too.
    """

    least = 1
    way_out = "raise data.side"
    frozen: tuple[str, ...] = ()

    def __init__(
        self, stages: Mapping[str, nn.Module], *, dim: int, kind: Literal["image", "clip"]
    ) -> None:
        super().__init__()
        self.stages = nn.ModuleDict(stages)
        self.dim = dim
        self.kind = kind
        self.cuts = ("input", *list(stages)[:-1])

    def forward(self, x: Tensor) -> Tensor:
        """``(B, dim)`` features of ``(B, C, H, W)`` images or ``(B, C, T, H, W)`` clips."""
        return self.high(self.low(x, "input"), "input")

    def low(self, x: Tensor, cut: str) -> Tensor:
        """The activation ``h (B, *F)`` at ``cut``; ``low(x, "input")`` is x.

        Raises:
            ValueError: unknown cut, an input of the wrong number of dimensions or too small, or a
                clip without frames.
        """
        self._check_input(x)
        for stage in list(self.stages)[: self.position(cut)]:
            x = self.stages[stage](x)
        return x

    def high(self, h: Tensor, cut: str) -> Tensor:
        """``(B, dim)`` features from the activation at ``cut``.

        Raises:
            ValueError: unknown cut.
        """
        for stage in list(self.stages)[self.position(cut) :]:
            h = self.stages[stage](h)
        return h

    def train(self, mode: bool = True) -> Self:
        """Set the mode of all stages but the frozen ones, which stay in eval mode."""
        super().train(mode)
        for name in self.frozen:
            self.stages[name].eval()
        return self

    def position(self, cut: str) -> int:
        """How many stages lie below a cut.

        Raises:
            ValueError: unknown cut.
        """
        if cut not in self.cuts:
            raise ValueError(
                f"{type(self).__name__} has no cut {cut!r}; there are {', '.join(self.cuts)}"
            )
        return self.cuts.index(cut)

    def _check_input(self, x: Tensor) -> None:
        wanted = {"image": ("(B, C, H, W)", 4), "clip": ("(B, C, T, H, W)", 5)}[self.kind]
        if x.ndim != wanted[1]:
            raise ValueError(
                f"{type(self).__name__} takes {wanted[0]}, found shape {tuple(x.shape)}"
            )
        height, width = x.shape[-2:]
        if min(height, width) < self.least:
            raise ValueError(
                f"{type(self).__name__} takes images of {self.least} px or more, found "
                f"{height}x{width}: {self.way_out}"
            )
        if self.kind == "clip":
            check_frames(x)


def check_frames(x: Tensor) -> None:
    """Refuse a clip ``(B, C, T, ...)`` without frames.

    Raises:
        ValueError: T is 0.
    """
    if x.shape[2] == 0:
        raise ValueError(f"a clip needs at least one frame, found shape {tuple(x.shape)}")


def count_parameters(module: nn.Module) -> int:
    """Number of learnt values."""
    return sum(p.numel() for p in module.parameters())


def scaled(channels: int, width: float) -> int:
    """A layer's channels at a relative width, at least one.

    Raises:
        ValueError: a width that is not a positive number.
    """
    if not 0 < width < math.inf:
        raise ValueError(f"backbone.width is {width}, must be a positive number")
    return max(1, round(channels * width))


def he_initialise(module: nn.Module) -> None:
    """Weights of every convolution and linear layer as He et al. 2015 draw them for ReLU.

    Without a norm, PyTorch's own smaller weights let the embeddings of all inputs collapse into
    one point before the first step of a network as deep as C3D. Biases become 0.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Conv3d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def channels_last_3d(module: nn.Module) -> nn.Module:
    """Keep convolution weights channels last, as clips arrive from the loader (faster on CPUs)."""
    return module.to(memory_format=torch.channels_last_3d)

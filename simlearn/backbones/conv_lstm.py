"""ConvLSTM (Shi et al. 2015, "Convolutional LSTM Network") as a backbone of clips."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from simlearn.backbones.arguments import at_least_one
from simlearn.backbones.base import Backbone, check_frames, scaled
from simlearn.backbones.frame_stem import frame_stem
from simlearn.backbones.gate_weights import initialise_gates
from simlearn.backbones.weights import load_weights

CHANNELS = (32, 64)
"""Channels of the two convolutions on each frame."""


def conv_lstm(
    x: Tensor, w_x: Tensor, w_h: Tensor, bias: Tensor, peep: Tensor | None = None
) -> Tensor:
    """All hidden states of one ConvLSTM layer that starts from h = c = 0.

    Equation 3 of Shi et al. 2015, * the convolution with zero padding, . the product by element::

        i = sigmoid(Wxi * x_t + Whi * h_{t-1} + pi . c_{t-1} + bi)
        f = sigmoid(Wxf * x_t + Whf * h_{t-1} + pf . c_{t-1} + bf)
        c_t = f . c_{t-1} + i . tanh(Wxg * x_t + Whg * h_{t-1} + bg)
        o = sigmoid(Wxo * x_t + Who * h_{t-1} + po . c_t + bo)
        h_t = o . tanh(c_t)

    Wx * x_t is one convolution over all frames; only the rest runs step by step.

    Args:
        x: ``(B, C, T, H, W)``.
        w_x: ``(4 n, C, k, k)`` input to state, k odd; the gates i, f, o, g one after the other.
        w_h: ``(4 n, n, j, j)`` state to state, j odd.
        bias: ``(4 n,)``.
        peep: pi, pf, po as ``(3, n, H, W)``, or ``(3, n, 1, 1)`` to share them over the map;
            None for no peepholes.

    Returns:
        ``(B, n, T, H, W)``, values in (-1, 1); B = 0 gives no row. Step t depends on frames up
        to t only.

    Raises:
        ValueError: T is 0.
    """
    check_frames(x)
    steps = x.permute(2, 0, 1, 3, 4)
    inputs = F.conv2d(steps.flatten(0, 1), w_x, bias, padding=w_x.shape[-1] // 2)
    h = c = inputs.new_zeros(x.shape[0], w_h.shape[1], *inputs.shape[2:])
    states = []
    for drive in inputs.unflatten(0, steps.shape[:2]):
        # also at the first step, where h is 0: every weight gets a gradient whatever T is
        gates = drive + F.conv2d(h, w_h, padding=w_h.shape[-1] // 2)
        i, f, o, g = gates.chunk(4, dim=1)
        if peep is not None:
            i, f = i + peep[0] * c, f + peep[1] * c
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        if peep is not None:
            o = o + peep[2] * c
        h = o.sigmoid() * c.tanh()
        states.append(h)
    return torch.stack(states).permute(1, 2, 0, 3, 4)


class ConvLSTMLayer(nn.Module):
    """:func:`conv_lstm` with its weights: 4 n ((C + n) k² + 1) values, 3 n more with peepholes.

    The peepholes are one weight per channel and gate, shared over the map, where Shi's have one
    per point too: with those a layer would know a single map size. They start at 0.

    Args:
        channels: C.
        hidden: n.
        kernel: k, odd, of both convolutions.
        peepholes: let the gates see the cell.
        forget_bias: first bias of the forget gate.
    """

    def __init__(
        self, channels: int, hidden: int, kernel: int, peepholes: bool, forget_bias: float
    ) -> None:
        super().__init__()
        self.w_x = nn.Parameter(torch.empty(4 * hidden, channels, kernel, kernel))
        self.w_h = nn.Parameter(torch.empty(4 * hidden, hidden, kernel, kernel))
        self.bias = nn.Parameter(torch.empty(4 * hidden))
        self.peep = nn.Parameter(torch.zeros(3, hidden, 1, 1)) if peepholes else None
        initialise_gates(self.w_x, self.w_h, self.bias, forget_bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, T, H, W)`` to ``(B, n, T, H, W)``, see :func:`conv_lstm`."""
        return conv_lstm(x, self.w_x, self.w_h, self.bias, self.peep)

    def extra_repr(self) -> str:
        """Shapes, for printing."""
        hidden, channels, kernel, _ = self.w_x.shape
        return f"{channels}, {hidden // 4}, kernel={kernel}, peepholes={self.peep is not None}"


class LastMap(nn.Module):
    """The last step's map, brought to one size and flattened.

    Args:
        map_side: side of the map; 1 is the mean over it.
    """

    def __init__(self, map_side: int) -> None:
        super().__init__()
        self.map_side = map_side

    def forward(self, x: Tensor) -> Tensor:
        """``(B, n, T, H, W)`` to ``(B, n * map_side²)``.

        Raises:
            ValueError: T is 0.
        """
        check_frames(x)
        return F.adaptive_avg_pool2d(x[:, :, -1], self.map_side).flatten(1)


class ConvLSTM2D(Backbone):
    """ConvLSTM layers over maps of each frame: the likely reading of "2-D LSTM" for clips.

    Stages: two 3x3 convolutions of stride 2 on each frame (32 and 64 channels, GroupNorm, ReLU),
    ``lstm1``, ``lstm2``, ... and the last step's hidden map, averaged to map_side x map_side and
    flattened. Takes ``(B, in_channels, T, H, W)`` of any T and size from 1 up, meant for 8 px
    upward; gives ``(B, dim)`` features in (-1, 1) with dim = hidden[-1] * map_side². B = 0 gives
    none. No sample depends on its batch, training equals evaluation, nothing is dropped. 609,824
    parameters at width 1.

    Args:
        width: scales the channels of the convolutions and every hidden size.
        hidden: channels of each ConvLSTM layer, before ``width``.
        kernel: side of its kernels, odd.
        peepholes: let the gates see the cell, with one weight per channel (:class:`ConvLSTMLayer`).
        forget_bias: first bias of the forget gates.
        map_side: side of the last map: 1 is the mean over it, from 2 on where something is in the
            frame is kept. A smaller map is repeated.
        in_channels: colour channels.
        weights: file of weights to start from, see :func:`load_weights`.

    Raises:
        ValueError: no layer; hidden, kernel, map_side or in_channels below 1; an even kernel; a
            width that is not a positive number; weights of another backbone. A clip without
            frames, when it is given.
    """

    def __init__(
        self,
        width: float = 1.0,
        hidden: tuple[int, ...] = (64, 64),
        kernel: int = 3,
        peepholes: bool = False,
        forget_bias: float = 1.0,
        map_side: int = 4,
        in_channels: int = 3,
        weights: Path | None = None,
    ) -> None:
        if not hidden or min(hidden) < 1:
            raise ValueError(
                f"backbone.hidden is {tuple(hidden)}, must be one or more channels, each at least 1"
            )
        if kernel < 1 or kernel % 2 == 0:
            raise ValueError(f"backbone.kernel is {kernel}, must be odd and at least 1")
        at_least_one(map_side=map_side, in_channels=in_channels)
        stages, channels = frame_stem(CHANNELS, width, in_channels)
        for number, wanted in enumerate(hidden, start=1):
            out = scaled(wanted, width)
            stages[f"lstm{number}"] = ConvLSTMLayer(channels, out, kernel, peepholes, forget_bias)
            channels = out
        stages["map"] = LastMap(map_side)
        super().__init__(stages, dim=channels * map_side**2, kind="clip")
        if weights is not None:
            load_weights(self, weights)

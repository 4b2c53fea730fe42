"""Multi-dimensional LSTM (Graves, Fernandez and Schmidhuber 2007) as a scan of anti-diagonals.

"Multi-Dimensional Recurrent Neural Networks", without the peepholes: at pixel (i, j) ::

    a = W_x x[i, j] + W_up h[i-1, j] + W_left h[i, j-1] + bias          (5n values, by GATES)
    c[i, j] = input * candidate + forget_up * c[i-1, j] + forget_left * c[i, j-1]
    h[i, j] = output * tanh(c[i, j])

with a sigmoid on the first four gates, a tanh on the candidate and zeros outside the map. All
pixels of an anti-diagonal (equal i + j) depend on the one before only, so that a map takes
H + W - 1 steps instead of H * W.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from simlearn.backbones.anti_diagonals import Diagonals, diagonals_of

GATES = ("input", "forget_up", "forget_left", "output", "candidate")
"""Order of the five blocks of n rows in every weight and in the bias."""

FORGET_BIAS = -0.5
"""Both forget gates start at 0.378, their sum at 0.755.

A state is reached on many paths, so that the sum counts, not the single gate: with a sum s above
1 (the bias 1 of a 1-D LSTM gives 1.46) the states grow like s^(i + j), at exactly 1 with the side
of the map. Below 1, gates at their bias keep them under 1 / (1 - s) = 4.1 in maps of any size.
Inputs far outside of -1..1 saturate the gates whatever their bias: states then reach thousands at
64x64, though h and every gradient stay finite.
"""


def md_lstm(x: Tensor, w_x: Tensor, w_up: Tensor, w_left: Tensor, bias: Tensor) -> Tensor:
    """Hidden states of a scan from the top left corner.

    ``h[:, :, i, j]`` depends on ``x[:, :, : i + 1, : j + 1]`` only. Half precision is computed in
    the precision of the weights and returned in it. O(HW) memory; the gradient is analytic.

    Args:
        x: ``(B, C, H, W)`` with at least one pixel; B = 0 gives no rows.
        w_x: ``(5n, C)``, rows by :data:`GATES`.
        w_up: ``(5n, n)``, from the pixel above.
        w_left: ``(5n, n)``, from the pixel on the left.
        bias: ``(5n,)``.

    Returns:
        ``(B, n, H, W)`` between -1 and 1.

    Raises:
        ValueError: shapes that do not fit, or a map without pixels.
        RuntimeError: in a backward pass with ``create_graph=True``.
    """
    _check_shapes(x, w_x, w_up, w_left, bias)
    at = diagonals_of(x.shape[2], x.shape[3], x.device)
    with torch.autocast(x.device.type, enabled=False):
        h: Tensor = _Scan.apply(x.to(w_x.dtype), w_x, w_up, w_left, bias, at)
    return h


class MDLSTMDirection(nn.Module):
    """:func:`md_lstm` with its weights: one direction, from the top left corner.

    Weights are drawn evenly from ``±1/sqrt(fan-in)`` as in ``nn.LSTM``; the bias is 0, but
    :data:`FORGET_BIAS` in the two forget gates.

    Args:
        in_channels: C.
        hidden: n.

    Raises:
        ValueError: an argument below 1.
    """

    def __init__(self, in_channels: int, hidden: int) -> None:
        super().__init__()
        for name, value in (("in_channels", in_channels), ("hidden", hidden)):
            if value < 1:
                raise ValueError(f"{name} is {value}, must be at least 1")
        self.w_x = nn.Parameter(_drawn(5 * hidden, in_channels))
        self.w_up = nn.Parameter(_drawn(5 * hidden, hidden))
        self.w_left = nn.Parameter(_drawn(5 * hidden, hidden))
        bias = torch.zeros(5, hidden)
        bias[1:3] = FORGET_BIAS
        self.bias = nn.Parameter(bias.flatten())

    def forward(self, x: Tensor) -> Tensor:
        """``(B, C, H, W)`` to ``(B, n, H, W)``."""
        return md_lstm(x, self.w_x, self.w_up, self.w_left, self.bias)

    def extra_repr(self) -> str:
        """Sizes, for printing."""
        return f"in_channels={self.w_x.shape[1]}, hidden={self.w_up.shape[1]}"


def _drawn(rows: int, columns: int) -> Tensor:
    return nn.init.uniform_(torch.empty(rows, columns), -(columns**-0.5), columns**-0.5)


def _check_shapes(x: Tensor, w_x: Tensor, w_up: Tensor, w_left: Tensor, bias: Tensor) -> None:
    if x.ndim != 4 or 0 in x.shape[1:]:
        raise ValueError(
            f"md_lstm takes (B, C, H, W) with at least one pixel, found shape {tuple(x.shape)}"
        )
    channels, n = x.shape[1], w_up.shape[-1]
    wanted = {"w_x": (5 * n, channels), "w_up": (5 * n, n), "w_left": (5 * n, n), "bias": (5 * n,)}
    for (name, shape), w in zip(wanted.items(), (w_x, w_up, w_left, bias), strict=True):
        if w.shape != shape:
            raise ValueError(
                f"{name} has shape {tuple(w.shape)}, needed {shape} for {channels} channels and "
                f"{n} hidden values"
            )


class _Scan(torch.autograd.Function):
    """Values lie as ``(F, columns * B)``, so that a diagonal is a slice and never copied."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, w_x: Tensor, w_up: Tensor, w_left: Tensor, bias: Tensor, at: Diagonals
    ) -> Tensor:
        """Gates of all pixels by one product, then a step per diagonal."""
        B, n = len(x), w_up.shape[1]
        xs = at.to_columns(x)
        gates = torch.addmm(bias[:, None], w_x, xs)
        at.clear_outside(gates)
        h, c = (gates.new_zeros(n, at.size * B) for _ in range(2))
        for begin, count, above, _ in at.steps:
            here, up, left = (_columns(k, count, B) for k in (begin, above, above + 1))
            a, state = gates[:, here], c[:, here]
            if begin > 1:
                a.addmm_(w_up, h[:, up]).addmm_(w_left, h[:, left])
            a[: 4 * n].sigmoid_()
            a[4 * n :].tanh_()
            i, f_up, f_left, o, g = a.split(n)
            torch.mul(i, g, out=state)
            if begin > 1:
                state.addcmul_(f_up, c[:, up]).addcmul_(f_left, c[:, left])
            torch.mul(o, state.tanh(), out=h[:, here])
        ctx.save_for_backward(xs, gates, h, c, w_x, w_up, w_left)
        ctx.at = at
        return at.to_maps(h)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """The steps back from the last diagonal; each weight's gradient by one product."""
        if torch.is_grad_enabled():
            raise RuntimeError(
                "md_lstm finds its gradient by a formula and has no second derivative: "
                "leave create_graph=True out"
            )
        xs, gates, h, c, w_x, w_up, w_left = ctx.saved_tensors
        at: Diagonals = ctx.at
        with torch.autocast(grad.device.type, enabled=False):
            da = _gate_gradients(at, gates, c, at.to_columns(grad), w_up, w_left)
            weights = [da @ near.T for near in (xs, *at.neighbours(h))]
            dx = at.to_maps(w_x.T @ da) if ctx.needs_input_grad[0] else None
        return dx, *weights, da.sum(1), None


def _columns(first: int, count: int, rows: int) -> slice:
    return slice(first * rows, (first + count) * rows)


def _gate_gradients(
    at: Diagonals, gates: Tensor, c: Tensor, dh: Tensor, w_up: Tensor, w_left: Tensor
) -> Tensor:
    """Gradient ``(5n, columns * B)`` before the gates' sigmoid and tanh; 0 outside, as gates.

    ``da`` first holds the slope of what each gate multiplies, and is multiplied by the gradient
    of the state (the output gate: of h), diagonal by diagonal. ``dh (n, columns * B)`` is changed.
    """
    n, rows = len(c), c.shape[1] // at.size
    i, f_up, f_left, o, g = gates.split(n)
    c_up, c_left = at.neighbours(c)
    squashed = c.tanh()
    slopes = [g * i * (1 - i), c_up * f_up * (1 - f_up), c_left * f_left * (1 - f_left)]
    da = torch.cat([*slopes, squashed * o * (1 - o), i * (1 - g * g)])
    through, dc = o * (1 - squashed * squashed), torch.zeros_like(c)
    last = at.steps[-1][0]
    for begin, count, _, below in reversed(at.steps):
        here, down, right = (_columns(k, count, rows) for k in (begin, below, below - 1))
        y, state, a = dh[:, here], dc[:, here], da[:, here]
        if begin < last:
            y.addmm_(w_up.T, da[:, down]).addmm_(w_left.T, da[:, right])
            state.addcmul_(f_up[:, down], dc[:, down])
            state.addcmul_(f_left[:, right], dc[:, right])
        state.addcmul_(through[:, here], y)
        a.unflatten(0, (5, n))[:3].mul_(state)
        a[3 * n : 4 * n].mul_(y)
        a[4 * n :].mul_(state)
    return da

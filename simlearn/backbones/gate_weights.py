"""First weights of LSTM gates."""

from __future__ import annotations

from torch import Tensor, nn


def initialise_gates(w_x: Tensor, w_h: Tensor, bias: Tensor, forget_bias: float) -> None:
    """Start weights of four gates in place, the forget gate second.

    Per gate: Glorot's uniform weights from the input, (semi-)orthogonal ones from the state, bias
    0; the forget gate's is ``forget_bias`` (1: Jozefowicz et al. 2015, so that the cell remembers
    at first).

    Args:
        w_x: ``(4 n, C, ...)``.
        w_h: ``(4 n, n, ...)``.
        bias: ``(4 n,)``.
        forget_bias: any number.
    """
    for gate in w_x.detach().chunk(4):
        nn.init.xavier_uniform_(gate)
    for gate in w_h.detach().chunk(4):
        nn.init.orthogonal_(gate)
    nn.init.zeros_(bias)
    nn.init.constant_(bias.detach().chunk(4)[1], forget_bias)

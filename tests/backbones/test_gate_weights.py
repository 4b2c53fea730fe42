"""First weights per gate: Glorot from the input, orthogonal from the state, forget bias."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.backbones.gate_weights import initialise_gates


@pytest.mark.parametrize("kernel", [(), (3, 3)])
def test_every_gate_is_drawn_by_itself(kernel):
    torch.manual_seed(0)
    w_x, w_h = torch.empty(64, 8, *kernel), torch.empty(64, 16, *kernel)
    bias = torch.full((64,), 9.0)
    initialise_gates(w_x, w_h, bias, 1.5)
    assert bias.reshape(4, 16).tolist() == [[b] * 16 for b in (0.0, 1.5, 0.0, 0.0)]
    area = math.prod(kernel)
    bound = math.sqrt(6 / ((8 + 16) * area))
    for gate in w_x.chunk(4):
        assert 0.9 * bound < gate.abs().max() <= bound
    for gate in w_h.chunk(4):
        flat = gate.flatten(1)
        torch.testing.assert_close(flat @ flat.T, torch.eye(16), atol=1e-5, rtol=0)
    assert not torch.equal(w_h[:16], w_h[16:32])

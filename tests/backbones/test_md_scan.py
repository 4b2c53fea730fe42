"""The scan of anti-diagonals: a loop over pixels in numpy, nn.LSTM, symmetries, gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from simlearn.backbones.md_scan import FORGET_BIAS, GATES, MDLSTMDirection, md_lstm

SIZES = [(1, 1), (1, 5), (5, 1), (2, 2), (3, 4), (4, 3), (5, 5), (2, 9), (9, 2)]


def inputs(height, width, *, rows=2, channels=3, n=4, scale=0.7, seed=0, dtype=torch.float64):
    """x and the four weights."""
    g = torch.Generator().manual_seed(seed)
    shapes = ((5 * n, channels), (5 * n, n), (5 * n, n), (5 * n,))
    x = torch.randn(rows, channels, height, width, generator=g, dtype=dtype)
    return [x, *(scale * torch.randn(s, generator=g, dtype=dtype) for s in shapes)]


def naive_states(x, w_x, w_up, w_left, bias):
    """h and c in numpy: one sample, one pixel, one gate at a time."""
    x, w_x, w_up, w_left, bias = (t.detach().numpy() for t in (x, w_x, w_up, w_left, bias))
    rows, _, height, width = x.shape
    n = w_up.shape[1]
    h, c = np.zeros((2, rows, n, height, width), x.dtype)
    for b in range(rows):
        for i in range(height):
            for j in range(width):
                h_up, c_up, h_left, c_left = (np.zeros(n) for _ in range(4))
                if i > 0:
                    h_up, c_up = h[b, :, i - 1, j], c[b, :, i - 1, j]
                if j > 0:
                    h_left, c_left = h[b, :, i, j - 1], c[b, :, i, j - 1]
                gate = {}
                for k, name in enumerate(GATES):
                    block = slice(k * n, (k + 1) * n)
                    a = w_x[block] @ x[b, :, i, j] + bias[block]
                    a = a + w_up[block] @ h_up + w_left[block] @ h_left
                    sigmoid = 0.5 + 0.5 * np.tanh(a / 2)
                    gate[name] = np.tanh(a) if name == "candidate" else sigmoid
                state = gate["input"] * gate["candidate"]
                state = state + gate["forget_up"] * c_up + gate["forget_left"] * c_left
                c[b, :, i, j], h[b, :, i, j] = state, gate["output"] * np.tanh(state)
    return torch.from_numpy(h), torch.from_numpy(c)


def slow(x, w_x, w_up, w_left, bias):
    """The loop over positions, by autograd."""
    zero = x.new_zeros(len(x), w_up.shape[1])
    before = [(zero, zero)] * x.shape[3]
    rows = []
    for i in range(x.shape[2]):
        row, (h, c) = [], (zero, zero)
        for j in range(x.shape[3]):
            h_up, c_up = before[j]
            a = x[:, :, i, j] @ w_x.T + h_up @ w_up.T + h @ w_left.T + bias
            gate, f_up, f_left, out, candidate = a.chunk(5, 1)
            c = gate.sigmoid() * candidate.tanh() + f_up.sigmoid() * c_up + f_left.sigmoid() * c
            h = out.sigmoid() * c.tanh()
            row.append((h, c))
        before = row
        rows.append(torch.stack([h for h, _ in row], -1))
    return torch.stack(rows, 2)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("dtype", "atol"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_against_a_loop_over_pixels(height, width, dtype, atol):
    arguments = inputs(height, width, dtype=dtype)
    h = md_lstm(*arguments)
    assert h.shape == (2, 4, height, width) and h.dtype == dtype
    assert torch.allclose(h, naive_states(*arguments)[0].to(dtype), rtol=0, atol=atol)


@given(
    st.integers(1, 7),
    st.integers(1, 7),
    st.integers(0, 3),
    st.integers(1, 3),
    st.integers(1, 4),
    st.integers(0, 1000),
)
@settings(max_examples=40)
def test_values_and_gradients_against_autograd(height, width, rows, channels, n, seed):
    arguments = inputs(height, width, rows=rows, channels=channels, n=n, seed=seed)
    direction = torch.randn(
        (rows, n, height, width), generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )
    found = []
    for scan in (md_lstm, slow):
        leaves = [t.clone().requires_grad_() for t in arguments]
        h = scan(*leaves)
        h.backward(direction)
        found.append([h.detach(), *(leaf.grad for leaf in leaves)])
    for one, two in zip(*found, strict=True):
        assert one.shape == two.shape
        assert torch.allclose(one, two, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 4), (3, 1), (2, 3), (4, 3)])
def test_gradcheck(height, width):
    arguments = inputs(height, width, channels=2, n=2)
    assert torch.autograd.gradcheck(md_lstm, [t.requires_grad_() for t in arguments])


def test_only_the_gradients_that_are_needed():
    x, *weights = inputs(3, 4)
    weights = [w.requires_grad_() for w in weights]
    md_lstm(x, *weights).sum().backward()
    assert x.grad is None and all(w.grad.abs().sum() > 0 for w in weights)
    x, *weights = inputs(3, 4)
    md_lstm(x.requires_grad_(), *weights).sum().backward()
    assert x.grad.abs().sum() > 0 and weights[0].grad is None


@pytest.mark.parametrize(("i", "j"), [(0, 0), (0, 3), (2, 0), (1, 2), (2, 3), (3, 4)])
def test_a_state_depends_on_exactly_what_is_above_and_on_the_left(i, j):
    x, *weights = inputs(4, 5)
    x.requires_grad_()
    md_lstm(x, *weights)[:, :, i, j].sum().backward()
    seen = x.grad.abs().sum((0, 1)) > 0
    wanted = torch.zeros(4, 5, dtype=torch.bool)
    wanted[: i + 1, : j + 1] = True
    assert torch.equal(seen, wanted)


@pytest.mark.parametrize("along", ["row", "column"])
def test_a_map_of_one_row_or_column_is_an_lstm(along):
    """nn.LSTM stacks input, forget, candidate, output."""
    n, length = 4, 6
    arguments = inputs(1, length) if along == "row" else inputs(length, 1)
    x, w_x, w_up, w_left, bias = arguments
    used = GATES.index("forget_left" if along == "row" else "forget_up")
    blocks = [0, used, GATES.index("candidate"), GATES.index("output")]

    def chosen(w):
        return torch.cat([w[k * n : (k + 1) * n] for k in blocks])

    lstm = nn.LSTM(3, n, batch_first=True).double()
    with torch.no_grad():
        lstm.weight_ih_l0.copy_(chosen(w_x))
        lstm.weight_hh_l0.copy_(chosen(w_left if along == "row" else w_up))
        lstm.bias_ih_l0.copy_(chosen(bias))
        lstm.bias_hh_l0.zero_()
    wanted = lstm(x.flatten(2).transpose(1, 2))[0].transpose(1, 2)
    assert torch.allclose(md_lstm(*arguments).flatten(2), wanted, rtol=0, atol=1e-12)


def forgets_swapped(w):
    """Rows of the two forget gates exchanged."""
    gate, up, left, out, candidate = w.chunk(5)
    return torch.cat([gate, left, up, out, candidate])


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 1000))
@settings(max_examples=40)
def test_transposing_the_map_swaps_above_and_left(height, width, seed):
    x, w_x, w_up, w_left, bias = inputs(height, width, seed=seed)
    swapped = [forgets_swapped(w) for w in (w_x, w_left, w_up, bias)]
    wanted = md_lstm(x, w_x, w_up, w_left, bias).mT
    assert torch.allclose(md_lstm(x.mT, *swapped), wanted, rtol=0, atol=1e-12)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=30)
def test_a_part_from_the_top_left_is_scanned_alike(height, width, more_rows, more_columns):
    x, *weights = inputs(height + more_rows, width + more_columns)
    whole = md_lstm(x, *weights)[:, :, :height, :width]
    part = md_lstm(x[:, :, :height, :width], *weights)
    assert torch.allclose(whole, part, rtol=0, atol=1e-12)


def test_the_layout_of_the_input_does_not_matter():
    x, *weights = inputs(4, 6)
    wanted = md_lstm(x, *weights)
    last = x.contiguous(memory_format=torch.channels_last)
    strided = torch.stack([x, -x], -1)[..., 0]
    turned = x.transpose(0, 3).contiguous().transpose(0, 3)
    for other in (last, strided, turned):
        kept = other.clone()
        assert torch.equal(md_lstm(other, *weights), wanted)
        assert torch.equal(other, kept)


def test_a_gradient_of_any_layout():
    x, *weights = inputs(3, 5)
    leaves = [x.clone().requires_grad_(), x.clone().requires_grad_()]
    (md_lstm(leaves[0], *weights).sum((2, 3)) ** 2).sum().backward()  # an expanded gradient
    (slow(leaves[1], *weights).sum((2, 3)) ** 2).sum().backward()
    assert torch.allclose(leaves[0].grad, leaves[1].grad, rtol=0, atol=1e-12)


def test_no_sample_depends_on_the_others_and_duplicates_are_equal():
    x, *weights = inputs(4, 5, rows=3)
    h = md_lstm(torch.cat([x, x]), *weights)
    assert torch.allclose(h[:3], h[3:], rtol=0, atol=1e-14)
    assert torch.allclose(h[1:2], md_lstm(x[1:2], *weights), rtol=0, atol=1e-14)


def test_a_batch_of_none():
    arguments = [t.requires_grad_() for t in inputs(3, 4, rows=0)]
    h = md_lstm(*arguments)
    assert h.shape == (0, 4, 3, 4)
    h.sum().backward()
    assert arguments[0].grad.shape == (0, 3, 3, 4)
    assert all(not t.grad.any() for t in arguments[1:])


@pytest.mark.parametrize("norm", [0.0, 1e-30, 1e30, 3e38])
def test_tiny_and_huge_inputs(norm):
    """At 3e38 the products overflow in float32: the gates are then 0, 1 or -1."""
    x, *weights = inputs(5, 4, channels=1, dtype=torch.float32)
    x = (norm * x.sign()).requires_grad_()
    weights[0] = (10 * weights[0].sign()).requires_grad_()
    h = md_lstm(x, *weights)
    assert torch.isfinite(h).all() and h.abs().max() <= 1
    h.sum().backward()
    assert torch.isfinite(x.grad).all()
    if norm < 1e38:  # the weights' gradient is of the size of x
        assert torch.isfinite(weights[0].grad).all()


def test_every_initial_value():
    torch.manual_seed(0)
    layer = MDLSTMDirection(9, 16)
    shapes = {name: tuple(p.shape) for name, p in layer.state_dict().items()}
    assert shapes == {"w_x": (80, 9), "w_up": (80, 16), "w_left": (80, 16), "bias": (80,)}
    assert sum(p.numel() for p in layer.parameters()) == 5 * 16 * (9 + 16 + 16 + 1)
    for w, bound in ((layer.w_x, 1 / 3), (layer.w_up, 1 / 4), (layer.w_left, 1 / 4)):
        assert 0.9 * bound < w.abs().max() <= bound and w.mean().abs() < 0.1 * bound
    wanted = {name: FORGET_BIAS if "forget" in name else 0.0 for name in GATES}
    for name, block in zip(GATES, layer.bias.chunk(5), strict=True):
        assert (block == wanted[name]).all()
    assert repr(layer) == "MDLSTMDirection(in_channels=9, hidden=16)"


def test_the_module_is_the_function():
    layer = MDLSTMDirection(3, 4).double()
    x = inputs(3, 5)[0]
    assert torch.equal(layer(x), md_lstm(x, *layer.parameters()))


@pytest.mark.parametrize(("scale", "bound"), [(1.0, 10.0), (100.0, 1e5)])
def test_nothing_overflows_at_64_pixels_from_the_initial_weights(scale, bound):
    torch.manual_seed(0)
    layer = MDLSTMDirection(3, 4)
    x = (scale * inputs(64, 64, rows=1, dtype=torch.float32)[0]).requires_grad_()
    h = layer(x)
    h.pow(2).sum().backward()
    assert torch.isfinite(h).all() and torch.isfinite(x.grad).all()
    assert all(torch.isfinite(p.grad).all() for p in layer.parameters())
    assert x.grad.abs().max() < bound
    c = naive_states(x.double(), *(p.double() for p in layer.parameters()))[1]
    assert c.abs().max() < bound


def largest_state(side, forget):
    """c of a constant map with the candidate at 1 and gates that the bias alone sets."""
    n, x = 1, torch.ones(1, 1, side, side, dtype=torch.float64)
    w_x = torch.tensor([[0.0], [0.0], [0.0], [0.0], [50.0]], dtype=torch.float64)
    bias = torch.tensor([50.0, forget, forget, 0.0, 0.0], dtype=torch.float64)
    w = torch.zeros(5, n, dtype=torch.float64)
    h, c = naive_states(x, w_x, w, w, bias)
    assert torch.allclose(md_lstm(x, w_x, w, w, bias), h, rtol=0, atol=1e-12)
    return c.max().item()


def test_why_the_forget_bias_is_below_zero():
    share = 2 / (1 + np.exp(-FORGET_BIAS))
    assert share == pytest.approx(0.755, abs=1e-3)
    assert 4.0 < largest_state(32, FORGET_BIAS) <= 1 / (1 - share) < 4.1
    assert largest_state(32, 0.0) > 1.3 * largest_state(16, 0.0)  # grows with the side
    assert largest_state(32, 1.0) > 1e8


def test_no_second_derivative():
    arguments = [t.requires_grad_() for t in inputs(2, 3)]
    text = "md_lstm finds its gradient by a formula and has no second derivative: leave create_gr"
    with pytest.raises(RuntimeError, match=text):
        torch.autograd.grad(md_lstm(*arguments).sum(), arguments, create_graph=True)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_the_weights_precision(dtype):
    arguments = inputs(3, 4, dtype=torch.float32)
    half = arguments[0].to(dtype).requires_grad_()
    wanted = md_lstm(half.detach().float(), *arguments[1:])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        h = md_lstm(half, *arguments[1:])
        h.sum().backward()
    assert h.dtype == torch.float32 and torch.equal(h, wanted)
    assert half.grad.dtype == dtype and torch.isfinite(half.grad).all()


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5, 6), (2, 3, 0, 5), (2, 3, 4, 0)])
def test_inputs_that_are_no_maps(shape):
    _, *weights = inputs(4, 5)
    text = rf"md_lstm takes \(B, C, H, W\) with at least one pixel, found shape \({shape[0]}, 3?"
    with pytest.raises(ValueError, match=text):
        md_lstm(torch.zeros(shape, dtype=torch.float64), *weights)


@pytest.mark.parametrize(("which", "name"), [(0, "w_x"), (1, "w_up"), (2, "w_left"), (3, "bias")])
def test_weights_that_do_not_fit(which, name):
    x, *weights = inputs(3, 4)
    wanted = tuple(weights[which].shape)
    weights[which] = weights[which][:-1]
    found = tuple(weights[which].shape)
    with pytest.raises(ValueError) as error:
        md_lstm(x, *weights)
    assert str(error.value) == (
        f"{name} has shape {found}, needed {wanted} for 3 channels and 4 hidden values"
    )


@pytest.mark.parametrize("name", ["in_channels", "hidden"])
@pytest.mark.parametrize("value", [0, -3])
def test_sizes_below_one(name, value):
    with pytest.raises(ValueError, match=f"{name} is {value}, must be at least 1"):
        MDLSTMDirection(**{"in_channels": 3, "hidden": 4, name: value})

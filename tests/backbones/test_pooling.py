"""The shrinking pool against torch's own pool and against a loop."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from simlearn.backbones.pooling import ShrinkingMaxPool3d

SIZES = st.tuples(*[st.integers(1, 7)] * 3)
KERNELS = st.tuples(*[st.integers(1, 4)] * 3)


def clip(*size, seed=0):
    return torch.randn(2, 3, *size, generator=torch.Generator().manual_seed(seed))


def loop(x, kernel, padding):
    """Maximum of every window, window by window; padding never wins."""
    windows = []
    for axis in range(3):
        n, k, p = x.shape[axis + 2], kernel[axis], padding[axis]
        k, p = (k, p) if n >= k else (n, 0)
        starts = range(-p, n + p - k + 1, k)
        windows.append([slice(max(s, 0), min(s + k, n)) for s in starts])
    out = torch.empty(*x.shape[:2], *map(len, windows))
    for t, a in enumerate(windows[0]):
        for i, b in enumerate(windows[1]):
            for j, c in enumerate(windows[2]):
                out[:, :, t, i, j] = x[:, :, a, b, c].amax(dim=(2, 3, 4))
    return out


@settings(max_examples=60)
@given(SIZES, KERNELS, st.booleans())
def test_every_size_against_a_loop(size, kernel, padded):
    padding = tuple(k // 2 if padded else 0 for k in kernel)
    x = clip(*size)
    found = ShrinkingMaxPool3d(kernel, padding)(x)
    assert torch.equal(found, loop(x, kernel, padding))
    assert min(found.shape) >= 1


@given(SIZES, KERNELS)
def test_a_large_input_is_pooled_as_torch_does(size, kernel):
    size = tuple(max(n, k) for n, k in zip(size, kernel, strict=True))
    padding = tuple(k // 2 for k in kernel)
    x = clip(*size)
    assert torch.equal(
        ShrinkingMaxPool3d(kernel, padding)(x), nn.MaxPool3d(kernel, kernel, padding)(x)
    )


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((2, 7, 7), (1, 4, 4)),
        ((1, 7, 7), (1, 4, 4)),
        ((1, 1, 1), (1, 1, 1)),
        ((1, 2, 1), (1, 2, 1)),
    ],
)
def test_the_fifth_pool_of_c3d(size, wanted):
    assert ShrinkingMaxPool3d((2, 2, 2), (0, 1, 1))(clip(*size)).shape[2:] == wanted


def test_memory_order_is_kept_and_gradients_flow():
    x = clip(4, 4, 4).contiguous(memory_format=torch.channels_last_3d).requires_grad_()
    y = ShrinkingMaxPool3d((2, 2, 2))(x)
    assert y.is_contiguous(memory_format=torch.channels_last_3d)
    y.sum().backward()
    assert int((x.grad != 0).sum()) == y.numel()


def test_it_prints_its_sizes():
    text = repr(ShrinkingMaxPool3d((1, 2, 2), (0, 1, 1)))
    assert text == "ShrinkingMaxPool3d(kernel=(1, 2, 2), padding=(0, 1, 1), smallest=1)"


@pytest.mark.parametrize(
    ("side", "wanted"), [(10, 5), (9, 4), (8, 4), (7, 7), (6, 6), (4, 4), (1, 1)]
)
def test_no_pool_leaves_less_than_the_smallest_map(side, wanted):
    pool = ShrinkingMaxPool3d((2, 2, 2), smallest=4)
    assert pool(torch.zeros(1, 2, 4, side, side)).shape[2:] == (2, wanted, wanted)
    x = torch.randn(1, 2, 4, side, side, generator=torch.Generator().manual_seed(0))
    kernel = (2, 1, 1) if side == wanted else 2
    assert torch.equal(pool(x), nn.functional.max_pool3d(x, kernel))


def test_padding_counts_for_the_smallest_map():
    pool = ShrinkingMaxPool3d((2, 2, 2), (0, 1, 1), smallest=4)
    assert pool(torch.zeros(1, 2, 4, 7, 6)).shape[2:] == (2, 4, 4)
    assert pool(torch.zeros(1, 2, 4, 5, 4)).shape[2:] == (2, 5, 4)

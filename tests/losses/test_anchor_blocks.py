"""Blocks of anchors: every row once, exact distances, the lower of equals."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.losses import anchor_blocks as module
from simlearn.losses.anchor_blocks import anchor_blocks, blocks, farthest, nearest, prepared
from simlearn.losses.distances import euclidean_distances


def test_prepared_is_exact_and_free_of_the_graph():
    z = torch.randn(3, 2, generator=torch.Generator().manual_seed(0)).half().requires_grad_()
    wide, labels = prepared(z, torch.tensor([1, 0, 1], dtype=torch.int16))
    assert (wide.dtype, labels.dtype) == (torch.float64, torch.int64)
    assert not wide.requires_grad and torch.equal(wide, z.detach().double())


@given(st.integers(0, 50), st.integers(0, 12), st.integers(1, 40))
def test_blocks_cover_all_rows_once(rows, width, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "CHUNK", chunk)
        parts = list(blocks(rows, width))
    assert [r for low, high in parts for r in range(low, high)] == list(range(rows))
    assert all(high - low <= max(1, chunk // max(1, width)) for low, high in parts)
    assert all(low < high for low, high in parts)


def test_distances_of_duplicates_are_zero_far_from_the_origin():
    z = torch.randn(40, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 1e6
    d = euclidean_distances(torch.cat([z, z]), z)
    assert torch.equal(d[:40].diagonal(), torch.zeros(40, dtype=torch.float64))
    assert torch.equal(d[:40], d[40:]) and torch.equal(d[:40], d[:40].T)


def test_the_lower_of_equals_and_only_allowed_ones():
    d = torch.tensor([[3.0, 1.0, 1.0, 3.0], [torch.inf] * 4, [2.0, 0.0, 2.0, 5.0]])
    allowed = torch.tensor([[1, 1, 1, 1], [0, 0, 1, 1], [1, 0, 1, 0]]).bool()
    assert nearest(d, allowed).tolist() == [1, 2, 0]
    assert farthest(d, allowed).tolist() == [0, 2, 0]
    assert nearest(d, torch.zeros_like(allowed)).tolist() == [0, 0, 0]


@pytest.mark.parametrize("anchors", [None, 0, 3, 7])
def test_only_the_first_rows_are_anchors(anchors):
    z, y = torch.randn(7, 2, dtype=torch.float64), torch.tensor([0, 1, 0, 2, 1, 0, 3])
    rows, wanted = [], 7 if anchors is None else anchors
    for part, d, positive, negative in anchor_blocks(z, y, anchors):
        rows += part.tolist()
        assert torch.equal(d, euclidean_distances(z[part], z))
        for row, p, n in zip(part.tolist(), positive.tolist(), negative.tolist(), strict=True):
            assert p == [i != row and bool(y[i] == y[row]) for i in range(7)]
            assert n == [bool(y[i] != y[row]) for i in range(7)]
    assert rows == list(range(wanted))

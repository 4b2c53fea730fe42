"""Ranking by blocks is the full sort, bit for bit, however close or equal the distances are."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.evaluation.block_ranking import MORE, BlockRanking
from simlearn.evaluation.full_ranking import rank_by_distances
from simlearn.evaluation.gallery import distance, search


def both(z, y, gallery=None, gallery_y=None, *, group=None, g_group=None, metric="euclidean", n=5):
    """Results by one block, by one in the other order, and by sorting everything."""
    task = search(z, y, gallery, gallery_y, group, g_group, metric)
    rows = torch.arange(len(z))
    full = rank_by_distances(
        distance(task.z, task.gallery, metric),
        task.y,
        task.gallery_y,
        task.excluded(rows),
        nearest=n,
    )
    rank = BlockRanking(task, n)
    return [rank(rows), rank(rows.flip(0)), rank(rows[::3])], full


def assert_same(blocks, full):
    forward, backward, some = blocks
    for field in fields(full):
        wanted = getattr(full, field.name)
        assert torch.equal(getattr(forward, field.name), wanted), field.name
        assert torch.equal(getattr(backward, field.name).flip(0), wanted), field.name
        assert torch.equal(getattr(some, field.name), wanted[::3]), field.name


def points(seed, n, d, kind):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(n, d, generator=g, dtype=torch.float64)
    if kind == "lattice":
        z = torch.randint(-2, 3, (n, d), generator=g).double()
    if kind == "copies":
        z = z[torch.randint(max(1, n // 4), (n,), generator=g)]
    if kind == "collapsed":
        z = z[:1].expand(n, d) + 1e-17 * z
    if kind == "far":
        z = z.float().double() + 1e7
    if kind == "nearly":  # differences around the error of a product
        z = z[:1] + 1e-8 * z
    return z, torch.randint(6, (n,), generator=g), torch.randint(-1, 5, (n,), generator=g)


KINDS = ("random", "lattice", "copies", "collapsed", "far", "nearly")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.integers(2, 60), st.integers(1, 40))
def test_every_item_against_the_others(seed, kind, n, d):
    z, y, group = points(seed, n, d, kind)
    assert_same(*both(z, y))
    assert_same(*both(z, y, group=group, n=1))
    assert_same(*both(z, y, metric="cosine", n=n + 3))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(KINDS), st.integers(1, 30), st.integers(1, 60))
def test_queries_against_a_gallery(seed, kind, n, size):
    (z, y, group), (items, i_y, i_group) = points(seed, n, 3, kind), points(seed + 1, size, 3, kind)
    items = torch.cat([items, z[: size // 2]])[:size]  # some queries are in the gallery too
    assert_same(*both(z, y, items, i_y))
    assert_same(*both(z, y, items, i_y, group=group, g_group=i_group))


def test_a_run_of_ties_longer_than_what_is_fetched():
    """R is 1, and many more items than are fetched lie at the very same distance."""
    angle = torch.linspace(0, 6, 4 * MORE, dtype=torch.float64)
    ring = torch.stack([angle.cos(), angle.sin()], dim=1).round(decimals=1)
    gallery = torch.cat([torch.tensor([[3.0, 4.0]] * (4 * MORE)).double(), ring * 10])
    labels = torch.arange(len(gallery)) + 1
    z, y = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([20])
    assert_same(*both(z, y, gallery, labels, n=2))
    results, full = both(z, y, gallery, labels, n=2)
    assert int(results[0].first) == 20 and full.nearest.tolist() == [[0, 1]]


def test_a_first_match_far_beyond_what_is_fetched():
    g = torch.Generator().manual_seed(0)
    z = torch.randn(400, 8, generator=g, dtype=torch.float64)
    y = torch.arange(400) // 2
    results, full = both(z, y)
    assert int(full.first.max()) > 100
    assert_same(results, full)


def test_labels_and_vectors_may_be_of_any_kind():
    z, y, _ = points(1, 20, 4, "random")
    wanted = both(z.float(), y)[1]
    for labels in (y.int(), y.to(torch.uint8), -y * 2**40):
        blocks, full = both(z.float(), labels)
        assert_same(blocks, full)
        assert torch.equal(blocks[0].average_precision, wanted.average_precision)
    assert_same(*both(z.half(), y))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="PyTorch sees no CUDA device")
@pytest.mark.parametrize("kind", KINDS)
def test_the_gpu_finds_the_same(kind):
    z, y, group = points(2, 200, 16, kind)
    cpu = both(z, y, group=group)[1]
    gpu = both(z.cuda(), y.cuda(), group=group.cuda())[0][0]
    assert torch.equal(gpu.relevant.cpu(), cpu.relevant)
    if kind in ("random", "lattice", "copies"):
        assert torch.equal(gpu.first.cpu(), cpu.first)
    assert torch.allclose(gpu.average_precision.cpu(), cpu.average_precision, atol=1e-9)

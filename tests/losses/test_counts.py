"""Exact counts: on lattices full of ties, and where float32 cannot count any more (2^24)."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import angular_loss, contrastive_loss, triplet_loss

MARGINS = (0.0, 1.0, 2.0, 5.0)


def lattice(seed, b, classes, side=4, d=2):
    """Whole coordinates, so that squares are whole and many distances are equal."""
    g = torch.Generator().manual_seed(seed)
    return torch.randint(side, (b, d), generator=g), torch.randint(classes, (b,), generator=g)


def histogram(z, y, a):
    """How many positives and negatives of anchor a have each whole squared distance."""
    d2 = (z - z[a]).square().sum(dim=1)
    alike = y == y[a]
    size = int(d2.max()) + 1
    near = torch.bincount(d2[alike], minlength=size)
    near[0] -= 1  # the anchor itself
    return near.tolist(), torch.bincount(d2[~alike], minlength=size).tolist()


def counted(z, y, margin, mining, squared):
    """(active, total) by histograms of whole numbers; no distance is ever rounded."""
    active = total = 0
    for a in range(len(y)):
        near, far = histogram(z, y, a)
        for (p, many), (n, others) in itertools.product(enumerate(near), enumerate(far)):
            hit = below(n, p, margin, squared)
            if mining == "semihard":
                hit = hit and p < n
            active += many * others * hit
            total += many * others * (hit or mining == "all")
    return active, total


def below(n, p, margin, squared):
    """Whether d_an < d_ap + margin, in whole numbers; no distance is below 1e-6."""
    if squared:
        return n < p + margin
    if p == 0:
        return n <= margin * margin
    rest = n - p - margin * margin  # sqrt(n) < sqrt(p) + m  <=>  n - p - m^2 < 2 m sqrt(p)
    return rest < 0 or rest * rest < 4 * margin * margin * p


@pytest.mark.parametrize("mining", ["all", "semihard"])
@pytest.mark.parametrize("squared", [False, True])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
@settings(max_examples=6)
@given(st.integers(0, 10_000), st.integers(0, 16), st.integers(1, 6), st.sampled_from(MARGINS[1:]))
def test_triplets_on_a_lattice(mining, squared, dtype, seed, b, classes, margin):
    z, y = lattice(seed, b, classes, side=6)
    out = triplet_loss(z.to(dtype), y, margin=margin, mining=mining, squared=squared)
    assert (out.active, out.total) == counted(z, y, margin, mining, squared)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(0, 16), st.integers(1, 6))
def test_no_margin_on_a_lattice(seed, b, classes):
    """Ties cost nothing, and there is no semi-hard band."""
    z, y = lattice(seed, b, classes, side=3)
    for squared in (False, True):
        out = triplet_loss(z.float(), y, margin=0.0, squared=squared)
        assert (out.active, out.total) == counted(z, y, 0.0, "all", True)
        band = triplet_loss(z.float(), y, margin=0.0, squared=squared, mining="semihard")
        assert (float(band.value), band.active, band.total) == (0.0, 0, 0)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.integers(0, 16), st.integers(1, 6), st.sampled_from(MARGINS[1:]))
def test_pairs_on_a_lattice(seed, b, classes, margin):
    z, y = lattice(seed, b, classes, side=5)
    active = 0
    for i, j in itertools.combinations(range(b), 2):
        d2 = int((z[i] - z[j]).square().sum())
        active += d2 > 0 if y[i] == y[j] else d2 < margin * margin
    out = contrastive_loss(z.float(), y, margin=margin)
    assert (out.active, out.total) == (active, b * (b - 1) // 2)


@pytest.mark.parametrize("mining", ["all", "semihard"])
@pytest.mark.parametrize("squared", [False, True])
def test_triplets_beyond_float32(mining, squared):
    """601 rows of 3 classes on a lattice: 4.8e7 triplets."""
    z, _ = lattice(0, 601, 1, side=8)
    y = torch.tensor([0] * 199 + [1] * 201 + [2] * 201)
    out = triplet_loss(z.float(), y, margin=2.0, mining=mining, squared=squared)
    active, total = counted(z, y, 2.0, mining, squared)
    assert (out.active, out.total) == (active, total)
    if mining == "all":
        assert total == 199 * 198 * 402 + 2 * 201 * 200 * 400 > 2**24
        assert active > 2**24
        everything = triplet_loss(z.float(), y, margin=1e3, squared=squared)
        assert (everything.active, everything.total) == (total, total)


@pytest.mark.slow
def test_soft_triplets_beyond_float32():
    z, _ = lattice(1, 1608, 1)
    out = triplet_loss(z.float(), torch.arange(1608) % 201, soft=True)
    total = 1608 * 7 * 1600
    assert out.active == out.total == total > 2**24


@pytest.mark.slow
def test_pairs_beyond_float32():
    """The first 601 rows with all later ones, as with a memory of 29,000 rows."""
    z, y = lattice(2, 30_001, 3)
    out = contrastive_loss(z.half(), y, margin=100.0, anchors=601)
    total = 601 * 600 // 2 + 601 * 29_400
    places = z[:, 0] * 4 + z[:, 1] + 16 * y
    equal, rest = torch.bincount(places), torch.bincount(places[601:])
    free = equal * (equal - 1) // 2 - rest * (rest - 1) // 2  # of one class at one place
    assert out.total == total > 2**24
    assert out.active == total - int(free.sum()) > 2**24


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(0, 30), st.integers(1, 8), st.integers(0, 30))
def test_ordered_pairs_that_have_a_negative(seed, b, classes, anchors):
    z, y = lattice(seed, b, classes)
    anchors = min(anchors, b)
    labels = y.tolist()
    pairs = [
        (a, p)
        for a, p in itertools.permutations(range(b), 2)
        if labels[a] == labels[p] and len(set(labels)) > 1 and a < anchors
    ]
    assert angular_loss(z.float() / 4, y, anchors=anchors).total == len(pairs)
    firsts = [(a, p) for a, p in pairs if [a, p] == [i for i in range(b) if y[i] == y[a]][:2]]
    assert angular_loss(z.float() / 4, y, pairs="one", anchors=anchors).total == len(firsts)

"""Triplet loss against three nested loops, worked numbers, and what must not change it."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.losses import TripletLoss, triplet_loss
from tests.oracles.losses import all_triplets, triplet_dense, triplet_loop

WAYS = [
    {"mining": mining, "squared": squared, "soft": soft, "reduction": reduction}
    for mining, squared, soft, reduction in itertools.product(
        ("all", "semihard", "hard"), (False, True), (False, True), ("active", "all")
    )
]
MININGS = ("all", "semihard", "hard")
ways = pytest.mark.parametrize("how", WAYS, ids=lambda how: "-".join(map(str, how.values())))


def batch(seed, b, classes, d=3):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(b, d, generator=g, dtype=torch.float64)
    return z, torch.randint(classes, (b,), generator=g)


def same(out, wanted, rel=1e-9):
    assert (out.active, out.total) == wanted[1:]
    assert out.value.item() == pytest.approx(wanted[0], rel=rel, abs=1e-9)


def some_tuples(seed, y, kind):
    """A few triplets, repeated ones among them, or pairs with anchors in common."""
    listed = torch.tensor(all_triplets(y)).T
    g = torch.Generator().manual_seed(seed)
    a, p, n = listed[:, torch.randint(listed.shape[1], (12,), generator=g)]
    return (a, p, n) if kind == "triplets" else (a[:7], p[:7], a[3:], n[3:])


@ways
@settings(max_examples=6)
@given(st.integers(0, 10_000), st.integers(0, 11), st.integers(1, 5), st.booleans(), st.data())
def test_equals_the_loops(how, seed, b, classes, lattice, data):
    z, y = batch(seed, b, classes)
    z = (2 * z).round() / 2 if lattice else z
    margin = data.draw(st.sampled_from([0.0, 0.25, 1.0, 3.0]))
    anchors = data.draw(st.none() | st.integers(0, b))
    out = triplet_loss(z, y * 2**33 - 7, margin=margin, anchors=anchors, **how)
    same(out, triplet_loop(z, y, margin=margin, anchors=anchors, **how))


@ways
def test_gradient(how):
    """By differences, and as autograd finds it for a (B, B, B) tensor."""
    z, y = batch(5, 8, 3, d=2)
    for anchors in (None, 5):
        how = {"margin": 0.7, **how, "anchors": anchors}
        one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
        out = triplet_loss(one, y, **how)
        assert out.active > 0
        out.value.backward()
        triplet_dense(two, y, **how).backward()
        assert two.grad.abs().max() > 1e-2
        assert torch.allclose(one.grad, two.grad, rtol=1e-9, atol=1e-11)
        assert torch.autograd.gradcheck(
            lambda v, how=how: triplet_loss(v, y, **how).value, (one,), fast_mode=anchors is None
        )


@pytest.mark.parametrize("kind", ["triplets", "pairs"])
@pytest.mark.parametrize("how", [w for w in WAYS if w["mining"] == "all"], ids=str)
def test_given_tuples(kind, how):
    z, y = batch(16, 7, 3, d=2)
    tuples = some_tuples(6, y, kind)
    out = triplet_loss(z, y, tuples, margin=0.7, **how)
    same(out, triplet_loop(z, y, tuples, margin=0.7, **how))
    assert out.active > 0 and (how["soft"] or out.active < out.total)
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    triplet_loss(one, y, tuples, margin=0.7, **how).value.backward()
    triplet_dense(two, y, tuples, margin=0.7, **how).backward()
    assert torch.allclose(one.grad, two.grad, rtol=1e-9, atol=1e-11)
    assert torch.autograd.gradcheck(
        lambda v: triplet_loss(v, y, tuples, margin=0.7, **how).value, (one,)
    )


@pytest.mark.parametrize("how", [w for w in WAYS if w["mining"] == "all"], ids=str)
def test_all_triplets_listed_are_mining_all(how):
    z, y = batch(7, 10, 3)
    listed = tuple(torch.tensor(all_triplets(y)).T)
    one, two = triplet_loss(z, y, margin=0.5, **how), triplet_loss(z, y, listed, margin=0.5, **how)
    assert (one.active, one.total) == (two.active, two.total)
    assert float(one.value) == pytest.approx(float(two.value), rel=1e-12)


def test_worked_number():
    # d_ap^2 = .5 and d_an^2 = .6 with margin .2: 0.1, a semi-hard triplet
    z = torch.tensor([[0.0, 0.0], [math.sqrt(0.5), 0.0], [0.0, math.sqrt(0.6)]])
    y = torch.tensor([0, 0, 1])
    tuples = (torch.tensor([0]), torch.tensor([1]), torch.tensor([2]))
    for out in (
        triplet_loss(z, y, tuples, squared=True, margin=0.2),
        triplet_loss(z, y, squared=True, margin=0.2, mining="semihard", anchors=1),
        triplet_loss(z, y, squared=True, margin=0.2, mining="all", anchors=1),
        triplet_loss(z, y, squared=True, margin=0.2, mining="hard", anchors=1),
    ):
        assert float(out.value) == pytest.approx(0.1, abs=1e-6)
        assert (out.active, out.total) == (1, 1)


@ways
def test_nothing_to_compare_gives_zero_with_a_graph(how):
    for labels in ([0, 0, 0], [0, 1, 2], [4], []):
        z = torch.randn(len(labels), 4, requires_grad=True)
        out = triplet_loss(z, torch.tensor(labels, dtype=torch.int64), **how)
        out.value.backward()
        assert (out.value.item(), out.active, out.total) == (0.0, 0, 0)
        assert out.value.dtype == torch.float32
        assert z.grad is not None and not z.grad.any()


def test_no_tuples_and_no_anchors():
    z, y = batch(8, 6, 2)
    none = torch.zeros(0, dtype=torch.int64)
    for out in (
        triplet_loss(z, y, (none,) * 3),
        triplet_loss(z, y, (none,) * 4),
        triplet_loss(z, y, (torch.tensor([0]), torch.tensor([1]), none, none)),
        *(triplet_loss(z, y, anchors=0, mining=mining) for mining in MININGS),
    ):
        assert (float(out.value), out.active, out.total) == (0.0, 0, 0)


@ways
def test_equal_embeddings_have_a_finite_gradient(how):
    z = torch.full((6, 3), 0.3, requires_grad=True)
    out = triplet_loss(z, torch.tensor([0, 0, 1, 1, 2, 2]), **how)
    out.value.backward()
    assert torch.isfinite(z.grad).all()
    if how["mining"] != "semihard":
        assert out.value.item() == pytest.approx(math.log(2) if how["soft"] else 0.2)


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(2, 15), st.randoms())
def test_order_of_the_batch_does_not_matter(seed, b, random):
    z, y = batch(seed, b, 3)
    order = list(range(b))
    random.shuffle(order)
    for mining, soft in itertools.product(MININGS, (False, True)):
        grads, outs = [], []
        for v, labels in ((z, y), (z[order], y[order])):
            leaf = v.clone().requires_grad_()
            outs.append(triplet_loss(leaf, labels, mining=mining, soft=soft))
            outs[-1].value.backward()
            grads.append(leaf.grad)
        assert outs[0].value.item() == pytest.approx(outs[1].value.item(), abs=1e-9)
        assert (outs[0].active, outs[0].total) == (outs[1].active, outs[1].total)
        assert torch.allclose(grads[0][order], grads[1], atol=1e-9)


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(1, 8), st.sampled_from([1e-3, 1.0, 1e3, 1e6]))
def test_duplicates_and_norms(seed, b, norm):
    """Every row twice: each a positive at distance 0, or a negative twice."""
    z, y = batch(seed, b, 3)
    z, y = torch.cat([z, z]) * norm, torch.cat([y, y])
    for mining, squared in itertools.product(MININGS, (False, True)):
        out = triplet_loss(z, y, mining=mining, squared=squared, margin=0.5)
        same(out, triplet_loop(z, y, mining=mining, squared=squared, margin=0.5))


@settings(max_examples=12)
@given(st.integers(0, 10_000), st.integers(2, 12), st.floats(-50, 50), st.floats(0.01, 100))
def test_moved_and_scaled(seed, b, shift, scale):
    """Distances stay when all rows move; with z also the margin scales."""
    z, y = batch(seed, b, 3)
    for mining in MININGS:
        plain = triplet_loss(z, y, mining=mining, reduction="all")
        moved = triplet_loss(z + shift, y, mining=mining, reduction="all")
        larger = triplet_loss(z * scale, y, mining=mining, reduction="all", margin=0.2 * scale)
        assert float(moved.value) == pytest.approx(float(plain.value), abs=1e-9)
        assert float(larger.value) == pytest.approx(scale * float(plain.value), rel=1e-9, abs=1e-9)


@ways
def test_nan_is_no_number(how):
    for place in range(6):
        z = torch.arange(12.0).reshape(6, 2)
        z[place, 1] = torch.nan
        assert triplet_loss(z, torch.tensor([0, 0, 1, 1, 2, 2]), **how).value.isnan()


@pytest.mark.parametrize(
    "how",
    [
        {"mining": "all", "squared": True, "soft": False},
        {"mining": "semihard", "squared": False, "soft": False},
        {"mining": "hard", "squared": False, "soft": False},
        {"mining": "all", "squared": False, "soft": True},
    ],
    ids=str,
)
def test_several_blocks_of_rows(how):
    """B^2 above 2^20 distances: no block sees them all."""
    b = 1041
    z, y = batch(11, b, 1000, d=2)
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    out = triplet_loss(one, y, margin=0.3, **how)
    out.value.backward()
    a, p = torch.nonzero((y[:, None] == y).fill_diagonal_(False), as_tuple=True)
    d = sum((x[:, None] - x).square() for x in two.T)
    d = d if how["squared"] else d.clamp_min(1e-12).sqrt()
    if how["mining"] == "hard":
        worst = d.masked_fill((y[:, None] != y).fill_diagonal_(True), -torch.inf).amax(dim=1)
        nearest = d.masked_fill(y[:, None] == y, torch.inf).amin(dim=1)
        gap = (worst - nearest)[torch.unique(a)]
    else:
        gap = d[a, p][:, None] - d[a]
        keep = y[a][:, None] != y
        gap = gap[keep & (gap < 0) & (gap > -0.3)] if how["mining"] == "semihard" else gap[keep]
    losses = torch.logaddexp(gap, gap.new_zeros(())) if how["soft"] else (gap + 0.3).clamp_min(0)
    assert (out.active, out.total) == (int((losses > 0).sum()), len(losses))
    value = losses.sum() / (out.total if how["soft"] else out.active)
    value.backward()
    assert out.value.item() == pytest.approx(value.item(), rel=1e-11)
    assert torch.allclose(one.grad, two.grad, rtol=1e-8, atol=1e-12)


def unit_batch(seed, b, classes, d=8):
    z, y = batch(seed, b, classes, d)
    return torch.nn.functional.normalize(z, dim=1), y


@pytest.mark.parametrize("mining", MININGS)
@pytest.mark.parametrize("squared", [False, True])
def test_equals_pytorch_metric_learning(mining, squared):
    """Its semi-hard band is 0 < d_an - d_ap <= margin: ours but for exact ties."""
    from pytorch_metric_learning.distances import LpDistance
    from pytorch_metric_learning.losses import TripletMarginLoss
    from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner

    z, y = unit_batch(7, 24, 5)
    distance = LpDistance(normalize_embeddings=False, power=2 if squared else 1)
    miner = {
        "all": lambda z, y: None,
        "semihard": TripletMarginMiner(0.2, type_of_triplets="semihard", distance=distance),
        "hard": BatchHardMiner(distance=distance),
    }[mining]
    one, two = z.clone().requires_grad_(), z.clone().requires_grad_()
    tuples = miner(two, y)
    theirs = TripletMarginLoss(margin=0.2, distance=distance)(two, y, tuples)
    out = triplet_loss(one, y, margin=0.2, mining=mining, squared=squared)
    assert out.total == (len(all_triplets(y)) if tuples is None else len(tuples[0]))
    assert out.value.item() == pytest.approx(theirs.item(), rel=1e-6)
    out.value.backward()
    theirs.backward()
    assert torch.allclose(one.grad, two.grad, atol=1e-7)


def test_tuples_of_pytorch_metric_learning():
    from pytorch_metric_learning import miners
    from pytorch_metric_learning.losses import TripletMarginLoss

    z, y = unit_batch(8, 24, 5)
    for miner in (
        miners.TripletMarginMiner(0.1, type_of_triplets="hard"),
        miners.BatchEasyHardMiner(),
        miners.MultiSimilarityMiner(epsilon=0.2),  # pairs
        miners.PairMarginMiner(0.6, 1.2),  # pairs
    ):
        tuples = miner(z, y)
        assert len(tuples[0]) > 0
        theirs = TripletMarginLoss(margin=0.2)(z, y, tuples)
        assert float(triplet_loss(z, y, tuples).value) == pytest.approx(float(theirs), rel=1e-6)


def test_class_is_the_function():
    z, y = batch(9, 12, 3)
    for how in WAYS:
        loss = TripletLoss(margin=0.4, **how)
        assert torch.equal(loss(z, y).value, triplet_loss(z, y, margin=0.4, **how).value)
        part = triplet_loss(z, y, margin=0.4, anchors=4, **how).value
        assert torch.equal(loss(z, y, anchors=4).value, part)
    tuples = some_tuples(9, y, "triplets")
    assert torch.equal(TripletLoss()(z, y, tuples).value, triplet_loss(z, y, tuples).value)
    assert list(TripletLoss().state_dict()) == [] == list(TripletLoss().parameters())


def test_mistakes_are_named():
    z, y = batch(0, 6, 2)
    tuples = (torch.tensor([0]), torch.tensor([1]), torch.tensor([2]))
    for mining in ("hard", "semihard"):
        message = f"^mining='{mining}' cannot be used with tuples that were already chosen$"
        with pytest.raises(ValueError, match=message):
            triplet_loss(z, y, tuples, mining=mining)
    for make in (TripletLoss, lambda **how: triplet_loss(z, y, **how)):
        with pytest.raises(ValueError, match="^mining is 'semi', must be one of all, semihard, h"):
            make(mining="semi")
        with pytest.raises(ValueError, match="^reduction is 'mean', must be one of active, all$"):
            make(reduction="mean")
        with pytest.raises(ValueError, match="^margin is -1, must not be negative$"):
            make(margin=-1)
    with pytest.raises(ValueError, match=r"z must be \(B, d\)"):
        triplet_loss(z, y[:3])
    with pytest.raises(ValueError, match="found 2 tensors instead of 3 or 4"):
        triplet_loss(z, y, tuples[:2])
    with pytest.raises(ValueError, match="^anchors is 7, must be 0..6 for 6 embeddings$"):
        triplet_loss(z, y, anchors=7)

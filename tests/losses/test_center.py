"""Centre loss against loops over plain numbers, the paper's rule step by step, and growth."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from simlearn.losses.center import CenterLoss, center_loss, check_classes


def batch(seed, b, classes, d=3, dtype=torch.float64):
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(b, d, generator=g, dtype=dtype)
    return z, torch.randint(classes, (b,), generator=g)


def made(dim, classes, seed=0, **how):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CenterLoss(dim, classes, **how)


def naive(z, y, centers):
    """``(value, active)`` by the expanded square ``|z|^2 - 2 z.c + |c|^2``, sample by sample."""
    total, active = 0.0, 0
    for row, label in zip(z.tolist(), y.tolist(), strict=True):
        c = centers[label].tolist()
        square = sum(a * a for a in row) + sum(b * b for b in c)
        square -= 2 * sum(a * b for a, b in zip(row, c, strict=True))
        total += square / 2
        active += row != c
    return total / max(1, len(y)), active


class NaiveCentres:
    """The paper's equations 4 and 6 in plain Python, with the start at the first batch's mean."""

    def __init__(self, alpha):
        self.alpha, self.c = alpha, {}

    def start(self, z, y):
        for label in set(y.tolist()) - set(self.c):
            rows = [row for row, k in zip(z.tolist(), y.tolist(), strict=True) if k == label]
            self.c[label] = [sum(column) / len(rows) for column in zip(*rows, strict=True)]

    def step(self, z, y):
        for label in set(y.tolist()):
            rows = [row for row, k in zip(z.tolist(), y.tolist(), strict=True) if k == label]
            self.c[label] = [
                c - self.alpha * sum(c - row[i] for row in rows) / (1 + len(rows))
                for i, c in enumerate(self.c[label])
            ]


@given(st.integers(0, 10_000), st.integers(0, 17), st.integers(1, 5))
def test_equals_the_loop(seed, b, classes):
    z, y = batch(seed, b, classes)
    centers = torch.randn(classes, 3, dtype=torch.float64)
    z[: b // 3] = centers[y[: b // 3]]  # some stand on their centre
    out = center_loss(z, y, centers)
    value, active = naive(z, y, centers)
    assert float(out.value) == pytest.approx(value, abs=1e-9)
    assert (out.active, out.total) == (active, b)


def test_worked_number():
    out = center_loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0]), torch.zeros(1, 2))
    assert (float(out.value), out.active, out.total) == (0.5, 1, 1)
    loss = CenterLoss(2, 1, alpha=0.5)
    loss.seen[0] = True
    parts = loss(torch.tensor([[1.0, 0.0]]), torch.tensor([0])).parts
    assert float(parts["center"]) == 0.5  # of the centre before its step
    assert loss.centers.tolist() == [[0.25, 0.0]]


def test_gradients_are_right():
    z, y = batch(1, 7, 3)
    centers = torch.randn(3, 3, dtype=torch.float64, requires_grad=True)
    z.requires_grad_()
    assert torch.autograd.gradcheck(lambda v, c: center_loss(v, y, c).value, (z, centers))
    loss = made(3, 3, weight=0.7).double().eval()
    loss.centers.normal_()
    assert torch.autograd.gradcheck(lambda v: loss(v, y).value, (z,))


def test_gradient_pulls_towards_the_centre():
    z, y = batch(2, 6, 2)
    z.requires_grad_()
    centers = torch.randn(2, 3, dtype=torch.float64)
    center_loss(z, y, centers).value.backward()
    assert torch.allclose(z.grad, (z.detach() - centers[y]) / 6)


@given(st.integers(0, 10_000), st.randoms())
def test_order_of_the_batch_does_not_matter(seed, random):
    z, y = batch(seed, 9, 3)
    order = list(range(9))
    random.shuffle(order)
    one, two = made(3, 3), made(3, 3)
    first, second = one(z, y), two(z[order], y[order])
    assert float(first.value.detach()) == pytest.approx(float(second.value.detach()), abs=1e-9)
    assert torch.allclose(one.centers, two.centers, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_the_rule_over_several_batches(alpha):
    loss, rule = made(3, 5, alpha=alpha, weight=0.1).double(), NaiveCentres(alpha)
    for seed in range(6):
        z, y = batch(seed, 8, 4)  # class 4 never appears
        rule.start(z, y)
        old = torch.zeros(5, 3, dtype=torch.float64)
        for label, c in rule.c.items():
            old[label] = torch.tensor(c, dtype=torch.float64)
        softmax = F.cross_entropy(z @ loss.head.weight.T + loss.head.bias, y)
        expected = softmax + 0.1 * naive(z, y, old)[0]
        out = loss(z, y)
        assert float((out.value - expected).detach()) == pytest.approx(0, abs=1e-9)
        assert float(out.parts["softmax"]) == pytest.approx(float(softmax.detach()), abs=1e-9)
        assert float(out.parts["center"]) == pytest.approx(naive(z, y, old)[0], abs=1e-9)
        assert (out.active, out.total) == (8, 8)
        rule.step(z, y)
        for label, c in rule.c.items():
            assert loss.centers[label].tolist() == pytest.approx(c, abs=1e-9)
    assert loss.seen.tolist() == [k in rule.c for k in range(5)]
    assert not loss.centers[4].any()


def test_a_new_class_starts_at_its_mean():
    loss = made(2, 3)
    z = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 8.0]])
    out = loss(z, torch.tensor([1, 1, 2]))
    assert float(out.parts["center"]) == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert loss.centers.tolist() == [[0, 0], [2, 0], [0, 8]]  # the mean does not move
    assert loss.seen.tolist() == [False, True, True]
    assert out.active == 3  # the third costs by the head alone


def test_absent_classes_stay_bit_for_bit():
    loss = made(4, 6)
    loss.centers.normal_()
    loss.seen.fill_(True)
    before = loss.centers.clone()
    z, y = batch(0, 10, 3, d=4, dtype=torch.float32)
    loss(z, y + 2)
    kept = [0, 1, 5]
    assert torch.equal(loss.centers[kept], before[kept])
    assert not torch.equal(loss.centers, before)


def test_only_training_moves_the_centres():
    z, y = batch(0, 6, 2, dtype=torch.float32)
    loss = made(3, 2)
    loss.eval()(z, y)
    assert not loss.centers.any() and not loss.seen.any()
    loss.train()
    with torch.inference_mode():
        loss(z, y)
    assert not loss.centers.any() and not loss.seen.any()
    loss(z, y)
    assert loss.centers.any() and loss.seen.all()
    assert not loss.centers.requires_grad and not loss.centers.is_inference()


def test_parts_carry_no_graph_and_the_value_does():
    z, y = batch(3, 5, 2, dtype=torch.float32)
    z.requires_grad_()
    loss = made(3, 2, weight=0.5)
    out = loss(z, y)
    out.value.backward()
    assert not any(part.requires_grad for part in out.parts.values())
    total = out.parts["softmax"] + 0.5 * out.parts["center"]
    assert float(out.value.detach()) == pytest.approx(float(total))
    assert z.grad.abs().sum() > 0 and loss.head.weight.grad.abs().sum() > 0


def test_no_sample_gives_zero_with_a_graph():
    for loss in (made(3, 2), CenterLoss(3, 0)):
        z = torch.zeros(0, 3, requires_grad=True)
        out = loss(z, torch.zeros(0, dtype=torch.int64))
        out.value.backward()
        assert (float(out.value.detach()), out.active, out.total) == (0.0, 0, 0)
        assert z.grad.shape == (0, 3) and not loss.seen.any()
    out = center_loss(z, torch.zeros(0, dtype=torch.int64), torch.zeros(0, 3))
    assert out.value.requires_grad and float(out.value.detach()) == 0.0


@pytest.mark.parametrize("scale", [1e-18, 1e9])
def test_tiny_and_huge_norms(scale):
    z, y = batch(4, 6, 2, dtype=torch.float32)
    centers = torch.zeros(2, 3)
    out = center_loss(z * scale, y, centers)
    value = naive((z * scale).double(), y, centers.double())[0]
    assert float(out.value) == pytest.approx(value, rel=1e-5)
    loss = made(3, 2)
    loss(z * scale, y)
    assert torch.isfinite(loss.centers).all() and loss.centers.any()


def test_half_precision_is_computed_in_float32():
    z, y = batch(5, 8, 3, dtype=torch.float32)
    half = z.to(torch.bfloat16)
    one, two = made(3, 3), made(3, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = one(half, y)
    exact = two(half.double(), y)
    assert (out.value.dtype, exact.value.dtype) == (torch.float32, torch.float64)
    assert float(out.value.detach()) == pytest.approx(float(exact.value.detach()), abs=1e-5)
    assert one.centers.dtype == torch.float32
    assert center_loss(half, y, torch.zeros(3, 3)).value.dtype == torch.float32


def test_growth_keeps_the_old_rows():
    z, y = batch(6, 8, 3, dtype=torch.float32)
    loss = made(3, 3)
    loss(z, y)
    old = {key: value.clone() for key, value in loss.state_dict().items()}
    loss.grow(7)
    for key, value in loss.state_dict().items():
        assert torch.equal(value[:3], old[key]) and len(value) == 7
    assert loss.num_classes == loss.head.out_features == 7
    assert not loss.seen[3:].any() and not loss.centers[3:].any()
    assert 0 < loss.head.weight[3:].abs().max() <= 1 / math.sqrt(3)
    assert torch.unique(loss.head.weight[3:]).numel() == 12
    loss(z, y + 4)
    assert loss.seen.tolist() == [True] * 3 + [False] + [True] * 3
    loss.grow(7)
    with pytest.raises(ValueError, match=r"grow\(6\): there are 7 classes, none is taken away"):
        loss.grow(6)


@pytest.mark.parametrize("kept", [0, 1, 2, 6, 8])
def test_classes_are_given_up_from_the_end(kept):
    loss = made(3, 8)
    loss(*batch(6, 20, 8, dtype=torch.float32))
    before = {key: value.clone() for key, value in loss.state_dict().items()}
    loss.keep(kept)
    for key, value in loss.state_dict().items():
        assert torch.equal(value, before[key][:kept]) and value.dtype == before[key].dtype
    assert loss.num_classes == loss.head.out_features == len(loss.seen) == kept
    assert all(p.requires_grad for p in loss.head.parameters())
    assert len(list(loss.parameters())) == 2


def test_without_the_classes_that_were_given_up_it_is_a_smaller_loss():
    loss, small = made(3, 8), made(3, 2)
    loss(*batch(6, 20, 8, dtype=torch.float32))
    small.load_state_dict({key: value[:2] for key, value in loss.state_dict().items()})
    loss.keep(2)
    z, y = batch(7, 10, 2, dtype=torch.float32)
    for _ in range(2):  # the second time with centres that have moved
        one, two = loss(z, y), small(z, y)
        assert torch.equal(one.value, two.value)
    assert torch.equal(loss.centers, small.centers)
    with pytest.raises(ValueError, match="label 2 is out of range: there are 2 classes"):
        loss(z, y + 1)


def test_a_class_that_comes_after_those_given_up_is_new():
    loss = made(3, 8)
    loss(*batch(6, 20, 8, dtype=torch.float32))
    old = loss.head.weight[2:4].detach().clone()
    loss.keep(2)
    loss.grow(4)
    assert loss.seen.tolist() == [True, True, False, False] and not loss.centers[2:].any()
    assert not torch.equal(loss.head.weight[2:4], old)


def test_as_many_as_there_are_changes_nothing_and_more_is_refused():
    loss = made(3, 4)
    parameters = list(loss.parameters())
    loss.keep(4)
    assert all(a is b for a, b in zip(loss.parameters(), parameters, strict=True))
    with pytest.raises(ValueError, match=r"keep\(5\): there are 4 classes"):
        loss.keep(5)
    with pytest.raises(ValueError, match=r"keep\(-1\): there are 4 classes"):
        loss.keep(-1)


def test_the_draw_of_growth():
    rows = []
    for generator in (None, None, torch.Generator().manual_seed(3)):
        loss = made(4, 2)
        state = torch.get_rng_state()
        loss.grow(5, generator=generator)
        assert torch.equal(torch.get_rng_state(), state)
        rows.append(loss.head.weight.detach())
    assert torch.equal(rows[0], rows[1]) and not torch.equal(rows[0], rows[2])
    assert torch.equal(rows[0][:2], rows[2][:2])


def test_from_no_class_at_all_with_a_new_optimiser():
    loss = CenterLoss(3, 0, weight=0.1)
    for known in (2, 4):
        loss.grow(known)
        optimiser = torch.optim.SGD(loss.parameters(), lr=0.5)
        z = torch.eye(3)[[0, 0, 1, 1]]
        y = torch.tensor([known - 2, known - 2, known - 1, known - 1])
        values = []
        for _ in range(20):
            optimiser.zero_grad()
            value = loss(z, y).value
            value.backward()
            optimiser.step()
            values.append(float(value.detach()))
        assert values[-1] < values[0] / 2
    assert loss.seen.all()


@pytest.mark.parametrize(("have", "fresh"), [(5, 2), (2, 5), (4, 0), (0, 3), (3, 3)])
def test_a_state_brings_its_shape(have, fresh):
    one, two = made(3, have, seed=1), made(3, fresh, seed=2)
    one.centers.normal_()
    parameters = list(two.parameters())
    torch.nn.ModuleDict({"loss": two}).load_state_dict(
        torch.nn.ModuleDict({"loss": one}).state_dict()
    )
    for key, value in one.state_dict().items():
        assert torch.equal(two.state_dict()[key], value)
    assert two.num_classes == two.head.out_features == have
    assert (next(two.parameters()) is parameters[0]) == (have == fresh)


def test_a_state_of_another_dimension_is_refused():
    with pytest.raises(RuntimeError, match="size mismatch"):
        made(3, 2).load_state_dict(made(4, 2).state_dict())


def test_mistakes_are_named():
    z, y = batch(0, 4, 2, dtype=torch.float32)
    loss = made(3, 2)
    with pytest.raises(ValueError, match="CenterLoss takes no tuples"):
        loss(z, y, (y, y, y))
    with pytest.raises(ValueError, match="label 5 is out of range: there are 2 classes"):
        loss(z, torch.tensor([0, 1, 5, 0]))
    with pytest.raises(ValueError, match="label -1 is out of range"):
        center_loss(z, torch.tensor([0, -1, 1, 0]), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="label 0 is out of range: there are 0 classes"):
        check_classes(torch.tensor([0]), 0)
    with pytest.raises(ValueError, match="z has 3 values a row, this loss was made for 4"):
        made(4, 2)(z, y)
    with pytest.raises(ValueError, match=r"centers must be \(C, d\) with d = 3 as z, found \(2, 4"):
        center_loss(z, y, torch.zeros(2, 4))
    with pytest.raises(ValueError, match=r"z must be \(B, d\)"):
        center_loss(z, y[:3], torch.zeros(2, 3))
    with pytest.raises(ValueError, match="integer labels"):
        loss(z, y.float())
    for how, text in (
        ({"dim": 0, "num_classes": 1}, "dim is 0, must be at least 1"),
        ({"dim": 1, "num_classes": -1}, "num_classes is -1, must not be negative"),
        ({"dim": 1, "num_classes": 1, "alpha": 1.5}, r"alpha is 1.5, must be in \[0, 1\]"),
        ({"dim": 1, "num_classes": 1, "weight": -1.0}, "weight is -1.0, must not be negative"),
    ):
        with pytest.raises(ValueError, match=text):
            CenterLoss(**how)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int32])
def test_narrow_labels_are_numbers_like_others(dtype):
    z, y = torch.randn(4, 3), torch.tensor([5, 7, 5, 120])
    losses = [CenterLoss(3, 1000), CenterLoss(3, 1000)]
    losses[1].load_state_dict(losses[0].state_dict())
    assert torch.equal(losses[0](z, y).value, losses[1](z, y.to(dtype)).value)


def test_embeddings_that_are_not_finite_leave_the_centres_alone():
    loss = CenterLoss(2, 3)
    loss(torch.randn(6, 2), torch.arange(6) % 3)
    before = loss.centers.clone()
    loss(torch.tensor([[1.0, torch.inf], [0.0, 1.0]]), torch.tensor([0, 1]))
    assert torch.equal(loss.centers, before)

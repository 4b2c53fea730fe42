"""The penalty of constant size against stored copies of every experience's."""

from __future__ import annotations

import io

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.continual.quadratic_penalty import QuadraticPenalty, squared_moves

SHAPES = {"a": (3, 2), "b": (4,)}


def drawn(g, scale=1.0):
    return {n: torch.randn(s, generator=g) * scale for n, s in SHAPES.items()}


def importances(g):
    """Squares, a third of them 0; entry 0 of b is 0 in every experience."""
    found = {n: torch.randn(s, generator=g).square() for n, s in SHAPES.items()}
    for value in found.values():
        value[torch.rand(value.shape, generator=g) < 0.33] = 0
    found["b"][0] = 0
    return found


def test_by_hand():
    """F = 2, a move of 3, lambda = 1."""
    value = squared_moves(
        {"w": torch.tensor([4.0])}, {"w": torch.tensor([2.0])}, {"w": torch.tensor([1.0])}
    )
    assert value.item() == 9.0
    assert squared_moves({}, {}, {}).item() == 0.0


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(0, 1000), st.sampled_from([0.0, 100.0]))
def test_the_sum_of_all_penalties(experiences, seed, offset):
    """Same value and gradient as T copies, also where the parameters are far from 0."""
    g = torch.Generator().manual_seed(seed)
    penalty, copies = QuadraticPenalty(), []
    for _ in range(experiences):
        f = importances(g)
        theta = {n: t + offset for n, t in drawn(g, 0.3).items()}
        penalty.add(f, theta)
        copies.append((f, theta))
    at = {n: (t + offset).requires_grad_() for n, t in drawn(g).items()}
    wanted = sum(
        0.5 * (f[n].double() * (at[n].double() - theta[n].double()) ** 2).sum()
        for f, theta in copies
        for n in SHAPES
    )
    found = penalty.value(at)
    assert found.item() == pytest.approx(wanted.item(), rel=1e-5)
    grads = torch.autograd.grad(found, list(at.values()))
    for ours, theirs in zip(grads, torch.autograd.grad(wanted, list(at.values())), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-4 if offset else 1e-5)
    assert grads[1][0] == 0


def test_no_room_for_more_experiences():
    g = torch.Generator().manual_seed(0)
    penalty = QuadraticPenalty()
    sizes = []
    for _ in range(3):
        penalty.add(importances(g), drawn(g))
        sizes.append(sum(t.numel() for t in [*penalty.importance.values(), penalty.constant]))
    assert sizes[0] == sizes[2]


@pytest.mark.parametrize("decay", [0.0, 0.5, 1.0])
def test_online(decay):
    g = torch.Generator().manual_seed(0)
    penalty, f, theta = QuadraticPenalty(), [importances(g) for _ in range(3)], drawn(g)
    for importance in f:
        penalty.follow(importance, drawn(g) if importance is not f[2] else theta, decay=decay)
    for name in SHAPES:
        wanted = decay**2 * f[0][name] + decay * f[1][name] + f[2][name]
        torch.testing.assert_close(penalty.importance[name], wanted)
        assert torch.equal(penalty.centre[name], theta[name])
    assert penalty.value(theta).item() == 0


@pytest.mark.parametrize("how", ["add", "follow"])
def test_a_parameter_that_is_frozen_later_keeps_what_it_had(how):
    penalty, w = QuadraticPenalty(), {"w": torch.tensor([1.0]), "v": torch.tensor([1.0])}
    getattr(penalty, how)({"w": torch.tensor([2.0]), "v": torch.tensor([2.0])}, w)
    later = {name: value + 1 for name, value in w.items()}
    getattr(penalty, how)({"v": torch.tensor([2.0])}, later)
    assert penalty.importance["w"].item() == 2 and penalty.centre["w"].item() == 1
    assert penalty.importance["v"].item() == 4
    assert penalty.centre["v"].item() == (1.5 if how == "add" else 2.0)


@pytest.mark.parametrize("how", ["add", "follow"])
def test_what_is_kept_is_a_copy(how):
    penalty, w, f = QuadraticPenalty(), {"w": torch.ones(1)}, {"w": torch.ones(1)}
    getattr(penalty, how)(f, w)
    w["w"] += 1
    f["w"] += 1
    assert penalty.centre["w"].item() == 1 and penalty.importance["w"].item() == 1
    assert penalty.value(w).item() == 0.5


def test_before_the_first_experience():
    assert QuadraticPenalty().value({"w": torch.ones(2)}).item() == 0


def test_state():
    g = torch.Generator().manual_seed(0)
    penalty, other = QuadraticPenalty(), QuadraticPenalty()
    for _ in range(2):
        penalty.add(importances(g), drawn(g))
    file = io.BytesIO()
    torch.save(penalty.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    at = drawn(g)
    assert torch.equal(other.value(at), penalty.value(at)) and penalty.constant > 0
    f, theta = importances(g), drawn(g)
    penalty.add(f, theta)
    other.add(f, theta)
    assert torch.equal(other.value(at), penalty.value(at))


def test_another_network():
    penalty = QuadraticPenalty()
    penalty.add({"w": torch.ones(2)}, {"w": torch.ones(2)})
    with pytest.raises(
        ValueError, match=r"holds a parameter 'w' of shape \(2,\), there is none: u"
    ):
        penalty.value({})
    with pytest.raises(ValueError, match=r"shape \(2,\), found shape \(3,\): use the backbone and"):
        penalty.value({"w": torch.ones(3)})

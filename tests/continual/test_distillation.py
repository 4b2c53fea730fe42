"""Distillation losses against sums over plain numbers; gradients against the papers' forms."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from simlearn.continual.distillation import (
    embedding_distillation,
    sigmoid_distillation,
    softmax_distillation,
)

ALL = [embedding_distillation, softmax_distillation, sigmoid_distillation]


def pair(seed, b, c, dtype=torch.float32):
    g = torch.Generator().manual_seed(seed)
    return [torch.randn(b, c, generator=g, dtype=dtype) * 2 for _ in range(2)]


def softmax(row, t):
    e = [math.exp(v / t) for v in row]
    return [v / sum(e) for v in e]


def naive_embeddings(z, old):
    total = sum(math.dist(a, b) ** 2 for a, b in zip(z, old, strict=True))
    return total / max(1, len(z))


def naive_softmax(logits, old, t):
    total = 0.0
    for a, b in zip(logits, old, strict=True):
        for q, p in zip(softmax(a, t), softmax(b, t), strict=True):
            total += p * math.log(p / q)
    return t * t * total / max(1, len(logits))


def naive_sigmoid(logits, old):
    total = 0.0
    for a, b in zip(logits, old, strict=True):
        for u, v in zip(a, b, strict=True):
            q, p = 1 / (1 + math.exp(-u)), 1 / (1 + math.exp(-v))
            total += p * math.log(p / q) + (1 - p) * math.log((1 - p) / (1 - q))
    return total / max(1, len(logits))


@given(st.integers(0, 9999), st.integers(0, 6), st.integers(1, 5), st.sampled_from([0.5, 1.0, 2.0]))
def test_equal_the_loops(seed, b, c, t):
    new, old = pair(seed, b, c)
    lists = new.tolist(), old.tolist()
    close = {"rel": 1e-4, "abs": 1e-5}
    assert float(embedding_distillation(new, old)) == pytest.approx(
        naive_embeddings(*lists), **close
    )
    assert float(softmax_distillation(new, old, t)) == pytest.approx(
        naive_softmax(*lists, t), **close
    )
    assert float(sigmoid_distillation(new, old)) == pytest.approx(naive_sigmoid(*lists), **close)


def test_worked_number():
    z, old = torch.tensor([[3.0, 0.0], [1.0, 1.0]]), torch.tensor([[0.0, 4.0], [1.0, 1.0]])
    assert float(embedding_distillation(z, old)) == 12.5
    assert float(sigmoid_distillation(torch.zeros(1, 1), torch.full((1, 1), 30.0))) == (
        pytest.approx(math.log(2), abs=1e-6)
    )


@pytest.mark.parametrize("loss", ALL)
def test_zero_where_both_agree_and_positive_elsewhere(loss):
    new, old = pair(3, 5, 4)
    assert float(loss(old.clone(), old)) == 0
    assert float(loss(new, old)) > 0.1


def test_gradient_of_the_sigmoids_is_that_of_the_cross_entropy():
    new, old = pair(1, 4, 3)
    new.requires_grad_()
    ours = torch.autograd.grad(sigmoid_distillation(new, old), new)[0]
    paper = F.binary_cross_entropy(new.sigmoid(), old.sigmoid(), reduction="sum") / 4
    assert torch.allclose(ours, torch.autograd.grad(paper, new)[0], atol=1e-6)


def test_gradient_of_the_softmax_is_li_and_hoiems_times_the_squared_temperature():
    new, old = pair(2, 4, 3)
    new.requires_grad_()
    ours = torch.autograd.grad(softmax_distillation(new, old, 2.0), new)[0]
    soft = old.softmax(1).sqrt() / old.softmax(1).sqrt().sum(1, keepdim=True)
    theirs = new.softmax(1).sqrt() / new.softmax(1).sqrt().sum(1, keepdim=True)
    paper = -(soft * theirs.log()).sum(1).mean()
    assert torch.allclose(ours, 4 * torch.autograd.grad(paper, new)[0], atol=1e-6)


@pytest.mark.parametrize("loss", ALL)
def test_no_gradient_reaches_the_older_network(loss):
    new, old = (v.requires_grad_() for v in pair(2, 4, 3))
    loss(new, old).backward()
    assert new.grad is not None and old.grad is None


@pytest.mark.parametrize("loss", ALL)
def test_nothing_is_zero_with_a_graph(loss):
    for shape in ((0, 3), (2, 0)):
        new = torch.zeros(shape, requires_grad=True)
        value = loss(new, torch.zeros(shape))
        value.backward()
        assert value.item() == 0 and new.grad.shape == shape


@pytest.mark.parametrize("loss", ALL)
def test_half_precision_and_large_values(loss):
    new, old = pair(4, 6, 5)
    value = loss(new.bfloat16(), old.bfloat16())
    assert value.dtype == torch.float32
    assert float(value) == pytest.approx(
        float(loss(new.bfloat16().float(), old.bfloat16().float()))
    )
    assert math.isfinite(float(loss(new * 1e4, old * 1e4)))


def test_errors():
    for loss, name in zip(ALL, ("z", "logits", "logits"), strict=True):
        with pytest.raises(ValueError, match=rf"{name} must be .* found \(2, 3\) and \(2, 4\)"):
            loss(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(ValueError, match="temperature is 0"):
        softmax_distillation(torch.zeros(1, 2), torch.zeros(1, 2), 0)

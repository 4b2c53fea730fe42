"""The heads: a linear layer or none, and unit length."""

from __future__ import annotations

import pytest
import torch

from simlearn.backbones.head import IdentityHead, LinearHead


def features(n=5, dim=6):
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(0))


def test_embeddings_are_the_linear_map_at_unit_length():
    head = LinearHead(6, dim=4)
    z = head(features()).detach()
    raw = (features() @ head.linear.weight.T + head.linear.bias).detach()
    assert z.shape == (5, 4) and head.dim == 4
    for found, wanted in zip(z, raw, strict=True):
        length = sum(float(v) ** 2 for v in wanted) ** 0.5
        assert torch.allclose(found, wanted / length, atol=1e-6)
        assert abs(float(found.norm()) - 1) < 1e-6


def test_without_normalisation_it_is_the_linear_map():
    head = LinearHead(6, dim=4, normalise=False)
    assert torch.equal(head(features()), head.linear(features()))
    assert (head(features()).norm(dim=1) - 1).abs().min() > 1e-4


def test_the_default_size():
    head = LinearHead(6)
    assert head(features()).shape == (5, 128)
    assert sum(p.numel() for p in head.parameters()) == 6 * 128 + 128


def test_no_rows():
    assert LinearHead(6, dim=4)(features(0)).shape == (0, 4)


def test_zero_features_give_no_nan():
    head = LinearHead(6, dim=4)
    torch.nn.init.zeros_(head.linear.bias)
    z = head(torch.zeros(2, 6).requires_grad_())
    assert torch.equal(z, torch.zeros(2, 4))
    z.sum().backward()
    assert torch.isfinite(head.linear.weight.grad).all()


def test_half_precision_is_normalised_in_float32():
    head = LinearHead(6, dim=4)
    with torch.autocast("cpu", torch.bfloat16):
        z = head(features())
    assert z.dtype == torch.float32
    assert torch.allclose(z.norm(dim=1), torch.ones(5), atol=1e-6)


@pytest.mark.parametrize("dim", [0, -1])
def test_a_size_below_one(dim):
    with pytest.raises(ValueError, match=rf"head\.dim is {dim}, must be at least 1"):
        LinearHead(6, dim=dim)


def test_the_identity_at_unit_length():
    head = IdentityHead(6)
    z = head(features())
    assert head.dim == 6 and not list(head.parameters()) and not head.state_dict()
    for found, wanted in zip(z, features(), strict=True):
        length = sum(float(v) ** 2 for v in wanted) ** 0.5
        assert torch.allclose(found, wanted / length, atol=1e-6)
    assert torch.equal(head(1e-18 * features()).norm(dim=1) < 1, torch.ones(5, dtype=torch.bool))
    assert torch.allclose(head(1e18 * features()), z, atol=1e-6)
    assert torch.equal(head(features(0)), torch.zeros(0, 6))


def test_the_identity_hands_on_what_it_gets():
    f = features()
    assert IdentityHead(6, normalise=False)(f) is f


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_the_identity_normalises_in_float32(dtype):
    f = (300 * features()).to(dtype)  # their squares do not fit into float16
    z = IdentityHead(6)(f)
    assert z.dtype == torch.float32
    assert torch.allclose(z.norm(dim=1), torch.ones(5), atol=1e-6)
    assert IdentityHead(6, normalise=False)(f).dtype == dtype


def test_gradients_go_through_the_identity():
    f = features().double().requires_grad_()
    wanted = f / (f * f).sum(dim=1, keepdim=True).sqrt()
    weights = features(5).flip(0)
    (wanted * weights).sum().backward()
    by_hand, f.grad = f.grad.clone(), None
    (IdentityHead(6)(f) * weights).sum().backward()
    assert torch.allclose(f.grad, by_hand, atol=1e-5)
    zero = torch.zeros(2, 6, requires_grad=True)
    IdentityHead(6)(zero).sum().backward()
    assert torch.isfinite(zero.grad).all()

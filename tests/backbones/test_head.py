"""The heads: a linear layer, two of them or none, and unit length."""

from __future__ import annotations

import pytest
import torch

from simlearn.backbones.head import IdentityHead, LinearHead, MLPHead


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


def by_loops(head, rows):
    """Embeddings of a head with a hidden layer, number by number and before normalisation."""

    def layer(linear, row):
        weights, biases = linear.weight.tolist(), linear.bias.tolist()
        return [
            sum(w * v for w, v in zip(ws, row, strict=True)) + b
            for ws, b in zip(weights, biases, strict=True)
        ]

    hidden = [[max(0.0, v) for v in layer(head.hidden, row)] for row in rows.tolist()]
    return [layer(head.linear, row) for row in hidden]


@pytest.mark.parametrize("normalise", [True, False])
def test_a_hidden_layer_with_relu_between_two_linear_maps(normalise):
    head = MLPHead(6, hidden=5, dim=4, normalise=normalise)
    z = head(features()).detach()
    assert z.shape == (5, 4) and (head.dim, head.normalise) == (4, normalise)
    for found, wanted in zip(z.tolist(), by_loops(head, features()), strict=True):
        length = sum(v * v for v in wanted) ** 0.5 if normalise else 1
        assert found == pytest.approx([v / length for v in wanted], abs=1e-5)


def test_what_a_linear_head_cannot_tell_apart_a_hidden_layer_can():
    """Exclusive or: classes that no line separates."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        heads = (MLPHead(2, hidden=16, dim=1, normalise=False), LinearHead(2, 1, normalise=False))
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]) * 4 - 2
    y = torch.tensor([0.0, 1.0, 1.0, 0.0])
    losses = []
    for head in heads:
        adam = torch.optim.Adam(head.parameters(), lr=0.05)
        for _ in range(150):
            adam.zero_grad()
            loss = (head(x)[:, 0] - y).square().mean()
            loss.backward()
            adam.step()
        losses.append(loss.item())
    assert losses[0] < 0.01 and losses[1] > 0.2


def test_sizes_of_the_hidden_layer_and_the_embedding():
    head = MLPHead(6)
    assert head(features()).shape == (5, 64)
    assert sum(p.numel() for p in head.parameters()) == 6 * 256 + 256 + 256 * 64 + 64
    assert head(features(0)).shape == (0, 64)
    with torch.autocast("cpu", torch.bfloat16):
        z = head(features())
    assert z.dtype == torch.float32
    assert torch.allclose(z.norm(dim=1), torch.ones(5), atol=1e-6)


@pytest.mark.parametrize("name", ["hidden", "dim"])
def test_a_size_of_a_layer_below_one(name):
    with pytest.raises(ValueError, match=rf"head\.{name} is 0, must be at least 1"):
        MLPHead(6, **{name: 0})


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

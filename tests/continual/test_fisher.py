"""The Fisher diagonal against the loop over batches of one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import simlearn.backbones
from simlearn.continual.fisher import drawn_labels, every_label, fisher_diagonal


def cross_entropy(output, y):
    return F.cross_entropy(output, y, reduction="none")


def one_by_one(model, loss_fn, x, y, weights=None):
    """Oracle: a backward pass for a batch of one, for every sample (and every label)."""
    modes = [m.training for m in model.modules()]
    model.eval()
    found = {n: torch.zeros_like(p) for n, p in model.named_parameters() if p.requires_grad}
    for i in range(len(x)):
        p = model(x[i : i + 1]).detach().softmax(1)[0] if weights == "exact" else None
        labels = [(int(y[i]), 1.0)] if p is None else list(enumerate(p.tolist()))
        for label, weight in labels:
            model.zero_grad()
            loss_fn(model(x[i : i + 1]), torch.tensor([label])).mean().backward()
            for name, parameter in model.named_parameters():
                if name in found and parameter.grad is not None:
                    found[name] += weight * parameter.grad**2 / len(x)
    model.zero_grad()
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return found


def agree(found, wanted, tolerance=1e-9):
    assert list(found) == list(wanted)
    assert any(w.abs().sum() > 0 for w in wanted.values())
    for name, w in wanted.items():
        assert found[name].shape == w.shape and found[name].dtype == w.dtype
        torch.testing.assert_close(found[name], w, rtol=tolerance, atol=tolerance * 1e-3)


class Shared(nn.Module):
    """A layer that is used twice, and one whose weight another layer of another kind reads."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.last = nn.Linear(6, 5), nn.Linear(5, 5), nn.Linear(5, 4)

    def forward(self, x):
        h = self.again(torch.tanh(self.first(x)))
        h = self.again(torch.tanh(h))
        return self.last(torch.tanh(h)) + F.linear(x, self.first.weight).sum(1, keepdim=True)


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 6), nn.Linear(6, 6, bias=False), nn.Linear(6, 4)
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.c(self.b(torch.relu(self.a(x))))


class Sequence(nn.Module):
    """Linear layers and LayerNorm on (B, T, d), summed over T."""

    def __init__(self):
        super().__init__()
        self.a, self.norm, self.b = nn.Linear(3, 5), nn.LayerNorm(5), nn.Linear(5, 4, bias=False)

    def forward(self, x):
        return self.b(F.gelu(self.norm(self.a(x.reshape(len(x), 2, 3))))).sum(1)


class Recurrent(nn.Module):
    """An LSTM: parameters that no rule knows, besides a layer that one does."""

    def __init__(self):
        super().__init__()
        self.lstm, self.out = nn.LSTM(3, 4, batch_first=True), nn.Linear(4, 4)

    def forward(self, x):
        return self.out(self.lstm(x.reshape(len(x), 2, 3))[0][:, -1])


class DoublePower(torch.autograd.Function):
    """A backward pass of one's own that vmap cannot transform."""

    @staticmethod
    def forward(ctx, x, scale):
        ctx.save_for_backward(x, scale)
        return x * scale

    @staticmethod
    def backward(ctx, g):
        x, scale = ctx.saved_tensors
        return g * scale, (g * x).sum(0)


class Custom(nn.Module):
    """A parameter behind a custom backward pass."""

    def __init__(self):
        super().__init__()
        self.scale, self.out = nn.Parameter(torch.randn(6)), nn.Linear(6, 4)

    def forward(self, x):
        return self.out(DoublePower.apply(x, self.scale))


class Folded(nn.Module):
    """A layer that sees (B*T, d), two rows a sample, and is changed in place."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(6, 4)

    def forward(self, x):
        h = self.a(x.reshape(-1, 3))
        h *= 2.0
        return self.b(h.relu_().reshape(len(x), 6))


def mlp():
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(8, 4))


def conv_net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, stride=2),
        nn.GroupNorm(2, 4),
        nn.ReLU(inplace=True),
        nn.Conv2d(4, 6, (1, 2), dilation=(1, 1), groups=2, bias=False),
        nn.BatchNorm2d(6),
        nn.Tanh(),
        nn.Flatten(),
        nn.LazyLinear(4),
    )


class Image(nn.Module):
    """A net of images on rows of 6 numbers."""

    def __init__(self, net, *shape):
        super().__init__()
        self.net, self.shape = net, shape

    def forward(self, x):
        return self.net(x.repeat(1, 8)[:, :36].reshape(len(x), *self.shape))


def convolutions_3d():
    return nn.Sequential(
        nn.Conv3d(1, 3, (2, 3, 1), stride=(1, 2, 1), padding=(1, 0, 0), dilation=(1, 1, 2)),
        nn.BatchNorm3d(3),
        nn.Flatten(2),
        nn.Conv1d(3, 4, 2, padding="same", padding_mode="circular"),
        nn.Conv1d(4, 4, 3, stride=2),
        nn.Flatten(),
        nn.LazyLinear(4),
    )


MODELS = {
    "mlp": mlp,
    "shared": Shared,
    "tied": Tied,
    "sequence": Sequence,
    "recurrent": Recurrent,
    "custom": Custom,
    "folded": Folded,
    "conv": lambda: Image(conv_net(), 1, 6, 6),
    "conv3d": lambda: Image(convolutions_3d(), 1, 4, 3, 3),
}


def case(name, rows=7, dtype=torch.float64):
    torch.manual_seed(len(name))
    model = MODELS[name]()
    x, y = torch.randn(rows, 6), torch.arange(rows) % 4
    model(x)  # lazy shapes, and running statistics that are not 0 and 1
    for p in model.parameters():
        nn.init.normal_(p, std=0.5)
    return model.to(dtype), x.to(dtype), y


def in_batches(x, y, size):
    return list(zip(x.split(size), y.split(size), strict=True))


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["empirical", "exact"])
def test_equals_the_loop_over_batches_of_one(name, kind):
    model, x, y = case(name)
    wanted = one_by_one(model, cross_entropy, x, y, weights=kind)
    agree(fisher_diagonal(model, cross_entropy, in_batches(x, y, 4), kind=kind), wanted)


@pytest.mark.parametrize("name", MODELS)
def test_float32(name):
    model, x, y = case(name, dtype=torch.float32)
    found = fisher_diagonal(model, cross_entropy, [(x, y)])
    for key, wanted in one_by_one(model, cross_entropy, x, y).items():
        assert (found[key] - wanted).norm() <= 1e-6 * wanted.norm(), key


@pytest.mark.parametrize("name", ["mlp", "conv", "recurrent"])
@pytest.mark.parametrize("kind", ["empirical", "sample", "exact"])
def test_does_not_depend_on_the_size_of_the_batches(name, kind):
    """Avalanche's value falls with the batch: it squares the gradient of the batch's mean."""
    model, x, y = case(name, rows=20)
    values = []
    for size in (1, 8, 128):
        g = torch.Generator().manual_seed(3)
        batches = in_batches(x, y, size)
        values.append(fisher_diagonal(model, cross_entropy, batches, kind=kind, generator=g))
    agree(values[1], values[0])
    agree(values[2], values[0])


def test_chunks_do_not_change_the_value(monkeypatch):
    model, x, y = case("conv")
    whole = fisher_diagonal(model, cross_entropy, [(x, y)])
    monkeypatch.setattr("simlearn.continual.layer_sums.CHUNK", 100)
    agree(fisher_diagonal(model, cross_entropy, [(x, y)]), whole)
    model, x, y = case("recurrent")
    whole = fisher_diagonal(model, cross_entropy, [(x, y)])
    monkeypatch.setattr("simlearn.continual.model_gradients.CHUNK", 300)
    agree(fisher_diagonal(model, cross_entropy, [(x, y)]), whole)


def test_by_hand():
    """One weight, loss (w x)^2 / 2: gradients w x^2 = 2, 8; squares 4, 64; their mean 34."""
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(2.0)
    x = torch.tensor([[1.0], [2.0]])
    found = fisher_diagonal(model, lambda z, y: z[:, 0] ** 2 / 2, [(x, torch.zeros(2).long())])
    assert found["weight"].item() == pytest.approx(34.0)


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(0, 100))
def test_exact_is_the_expectation_of_the_empirical_one(classes, seed):
    g = torch.Generator().manual_seed(seed)
    model = nn.Linear(3, classes).double()
    for p in model.parameters():
        p.data.copy_(torch.randn(p.shape, generator=g))
    x = torch.randn(1, 3, generator=g, dtype=torch.float64)
    p = model(x).detach().softmax(1)[0]
    exact = fisher_diagonal(model, cross_entropy, [(x, torch.zeros(1).long())], kind="exact")
    for name, value in exact.items():
        parts = [
            p[c] * fisher_diagonal(model, cross_entropy, [(x, torch.tensor([c]))])[name]
            for c in range(classes)
        ]
        torch.testing.assert_close(value, torch.stack(parts).sum(0), rtol=1e-9, atol=1e-14)


def test_sampled_labels_follow_the_distribution():
    logits = torch.tensor([[0.0, 1.0, -2.0]]).expand(20000, 3)
    drawn = drawn_labels(logits, torch.Generator().manual_seed(0))
    share = torch.bincount(drawn, minlength=3) / 20000
    torch.testing.assert_close(share, logits[0].softmax(0), atol=0.01, rtol=0)


def test_a_class_that_cannot_be_is_never_drawn():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]]).expand(1000, 3)
    assert drawn_labels(logits, torch.Generator().manual_seed(0)).unique().tolist() == [1]


def test_every_label_comes_with_its_probability():
    logits = torch.tensor([[0.0, 1.0], [3.0, 3.0]])
    found = every_label(logits)
    assert [labels.tolist() for labels, _ in found] == [[0, 0], [1, 1]]
    torch.testing.assert_close(torch.stack([p for _, p in found], 1), logits.softmax(1))


def test_sample_without_a_generator_repeats_and_leaves_the_global_state():
    model, x, y = case("mlp")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = fisher_diagonal(model, cross_entropy, [(x, y)], kind="sample")
    agree(fisher_diagonal(model, cross_entropy, [(x, y)], kind="sample"), first)
    assert torch.equal(before, torch.get_rng_state())


def test_frozen_parameters_are_left_out():
    model, x, y = case("mlp")
    model[0].weight.requires_grad_(False)
    found = fisher_diagonal(model, cross_entropy, [(x, y)])
    assert "0.weight" not in found and "0.bias" in found
    assert not model[0].weight.requires_grad and model[0].bias.requires_grad


class Unused(nn.Module):
    """A layer, and one that does nothing for the output."""

    def __init__(self):
        super().__init__()
        self.used, self.idle = nn.Linear(6, 4), nn.Linear(6, 4)

    def forward(self, x):
        self.idle(x)
        return self.used(x)


def test_a_parameter_that_the_loss_does_not_use_is_0():
    found = fisher_diagonal(Unused(), cross_entropy, [(torch.randn(3, 6), torch.arange(3))])
    assert found["idle.weight"].abs().sum() == 0 and found["used.weight"].abs().sum() > 0


def test_nothing_to_train_gives_nothing():
    model = mlp().requires_grad_(False)
    assert fisher_diagonal(model, cross_entropy, [(torch.randn(3, 6), torch.arange(3))]) == {}


def state_of(model):
    hooks = [len(m._forward_hooks) + len(m._backward_hooks) for m in model.modules()]
    return [m.training for m in model.modules()], hooks


def test_the_model_is_as_before():
    model, x, y = case("conv")
    model.train()
    model.net[4].eval()
    grad = torch.full_like(model.net[0].weight, 7.0)
    model.net[0].weight.grad = grad
    before, buffers = state_of(model), {k: v.clone() for k, v in model.named_buffers()}
    with torch.no_grad():
        fisher_diagonal(model, cross_entropy, [(x, y)])
    assert state_of(model) == before and sum(before[1]) == 0
    assert model.net[0].weight.grad is grad and bool((grad == 7).all())
    assert all(p.grad is None for p in list(model.parameters())[1:])
    assert all(torch.equal(v, buffers[k]) for k, v in model.named_buffers())


def test_the_model_is_as_before_after_an_error():
    model, x, y = case("mlp")
    before = state_of(model)

    class Stop(Exception):
        pass

    def stops(output, y):
        raise Stop

    handle = model[3].register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(Stop()))
    with pytest.raises(Stop):
        fisher_diagonal(model, cross_entropy, [(x, y)])
    handle.remove()
    with pytest.raises(Stop):
        fisher_diagonal(model, stops, [(x, y)])
    assert state_of(model) == before and sum(before[1]) == 0


def test_a_hook_that_changes_the_output_is_allowed_for():
    model, x, y = case("mlp")
    model[0].register_forward_hook(lambda layer, args, output: output * 3)
    agree(fisher_diagonal(model, cross_entropy, [(x, y)]), one_by_one(model, cross_entropy, x, y))


@pytest.mark.parametrize("batches", [[], [(torch.zeros(0, 6), torch.zeros(0).long())]])
def test_no_sample(batches):
    with pytest.raises(ValueError, match="no sample to take gradients of: the batches are empty"):
        fisher_diagonal(mlp(), cross_entropy, batches)


def test_errors():
    x, y = torch.randn(3, 6), torch.arange(3)
    with pytest.raises(ValueError, match="kind is 'batch', must be one of empirical, sample, ex"):
        fisher_diagonal(mlp(), cross_entropy, [(x, y)], kind="batch")
    with pytest.raises(ValueError, match=r"one loss per sample, shape \(3,\), found \(\): use red"):
        fisher_diagonal(mlp(), F.cross_entropy, [(x, y)])
    three = nn.Sequential(nn.Linear(6, 4), nn.Unflatten(1, (2, 2)))
    with pytest.raises(ValueError, match=r"read as logits \(B, C\), found shape \(3, 2, 2\)"):
        fisher_diagonal(three, lambda z, y: z.sum((1, 2)), [(x, y)], kind="exact")
    norm = nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4, track_running_stats=False))
    with pytest.raises(ValueError, match="batch norm '1' has no running statistics"):
        fisher_diagonal(norm, cross_entropy, [(x, y)])


@pytest.mark.parametrize("name", ["CNNLSTM", "ConvLSTM2D", "MDLSTM", "Conv3DNet"])
def test_backbones_with_recurrence_and_backward_passes_of_their_own(name):
    torch.manual_seed(0)
    backbone = getattr(simlearn.backbones, name)(width=0.02, in_channels=1)
    model = nn.Sequential(backbone, nn.Linear(backbone.dim, 3)).double()
    x = torch.randn(3, 1, *((4,) if backbone.kind == "clip" else ()), 16, 16).double()
    y = torch.arange(3)
    wanted = one_by_one(model, cross_entropy, x, y)
    for key, found in fisher_diagonal(model, cross_entropy, [(x, y)]).items():
        assert (found - wanted[key]).norm() <= 1e-6 * wanted[key].norm() + 1e-12, key

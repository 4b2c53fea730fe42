"""Under-complete autoencoders: their formula, that they learn, and what they depend on."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.continual.under_complete import code_size, encode, fit_encoder

SETTINGS = {"code": 3, "steps": 60, "batch": 16, "reconstruction": 1.0, "lr": 0.02}


def features(n=40, dim=8, seed=0):
    """Two directions of large variance that say the class, and small noise in all."""
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(n) % 2
    f = torch.randn(n, dim, generator=g) * 0.1
    f[:, 0] += 3 * y - 1.5
    f[:, 1] += torch.randn(n, generator=g)
    return f * 5 + 2, y


def no_task(f, y, step):
    return f.sum() * 0


def fitted(f, y, task=no_task, seed=0, **how):
    return fit_encoder(f, y, task, generator=torch.Generator().manual_seed(seed), **SETTINGS | how)


def test_the_code_is_a_sigmoid_of_a_linear_layer_on_standardised_features():
    f, y = features()
    encoder = fitted(f, y, steps=2)
    code = encode(f[:4], encoder)
    for i in range(4):
        for c in range(3):
            a = float(encoder["bias"][c])
            for j in range(8):
                column = f[:, j].tolist()
                mean = sum(column) / 40
                scale = math.sqrt(sum((v - mean) ** 2 for v in column) / 40)
                a += float(encoder["weight"][c, j]) * (float(f[i, j]) - mean) / scale
            assert float(code[i, c]) == pytest.approx(1 / (1 + math.exp(-a)), abs=1e-5)


def linear_error(f, encoder):
    """Mean squared error of the best linear decoder of the standardised features."""
    code = torch.cat([encode(f, encoder), torch.ones(len(f), 1)], dim=1)
    wanted = (f - encoder["mean"]) / encoder["scale"]
    return float((code @ torch.linalg.lstsq(code, wanted).solution - wanted).square().mean())


def test_training_makes_the_code_say_more_of_the_features():
    f, y = features()
    assert linear_error(f, fitted(f, y, steps=300)) < 0.9 * linear_error(f, fitted(f, y, steps=0))


def test_the_task_loss_sees_features_in_their_own_units_and_shapes_the_code():
    f, y = features()
    seen = []

    def task(r, labels, step):
        seen.append((r.detach(), labels, step))
        return ((r[:, 0] - 2) / 7.5 - (2.0 * labels - 1)).square().mean()

    encoder = fitted(f, y, task, code=1, reconstruction=0.0, steps=200)
    assert [step for *_, step in seen] == list(range(200))
    assert all(r.shape == (16, 8) and len(labels) == 16 for r, labels, _ in seen)
    last, labels, _ = seen[-1]
    assert (last[:, 0] - 2 - 7.5 * (2.0 * labels - 1)).abs().mean() < 3
    code = encode(f, encoder)[:, 0]
    ends = sorted([float(code[y == 0].mean()), float(code[y == 1].mean())])
    assert ends[1] - ends[0] > 0.5, "one code value tells the classes apart"


def test_it_is_a_function_of_its_generator():
    f, y = features()
    one, two, other = fitted(f, y), fitted(f, y), fitted(f, y, seed=1)
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["weight"], other["weight"])
    torch.manual_seed(3)
    before = torch.get_rng_state()
    fitted(f, y)
    assert torch.equal(torch.get_rng_state(), before)


def test_shapes_and_no_graph():
    f, y = features()
    encoder = fitted(f.requires_grad_(), y)
    assert {name: tuple(v.shape) for name, v in encoder.items()} == {
        "weight": (3, 8),
        "bias": (3,),
        "mean": (8,),
        "scale": (8,),
    }
    assert not any(v.requires_grad for v in encoder.values()) and f.grad is None
    with torch.no_grad():
        assert torch.equal(fitted(f, y)["weight"], encoder["weight"])


def test_a_feature_that_never_changes_and_a_single_row():
    f, y = features()
    f[:, 3] = 4.0
    assert all(torch.isfinite(v).all() for v in fitted(f, y).values())
    assert all(torch.isfinite(v).all() for v in fitted(f[:1], y[:1]).values())
    assert encode(f[:0], fitted(f, y)).shape == (0, 3)


def test_code_size():
    assert [code_size(100, d) for d in (512, 200, 64, 3, 1)] == [100, 100, 32, 1, 1]


def test_no_features_are_refused():
    with pytest.raises(ValueError, match="no features to learn a code from"):
        fitted(torch.zeros(0, 8), torch.zeros(0, dtype=torch.int64))

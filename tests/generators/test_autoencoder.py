"""The autoencoder: what goes in, what its training does, and what it leaves."""

from __future__ import annotations

import pytest
import torch

from simlearn.generators.autoencoder import (
    Autoencoder,
    Schedule,
    codes_and_noise,
    train_autoencoder,
)
from simlearn.generators.elbo import vae_loss
from simlearn.generators.layers import feed_forward, linear_layers
from tests.generators.clouds import cloud, seeded

SCHEDULE = Schedule(epochs=5, min_steps=0, batch_size=10, lr=1e-2, beta=1.0)


def network(features=4, latent=2, size=3, classes=2, dtype=torch.float32, seed=0):
    g, like = seeded(seed), torch.zeros(1, dtype=dtype)
    return Autoencoder(
        linear_layers((features + size, 8, 2 * latent), g, like),
        linear_layers((latent + size, 8, features), g, like),
        torch.randn(classes, size, generator=g).to(dtype),
    )


def data(n=20):
    h, place = cloud((0, 1), n=n, shape=(4,))
    return (h - h.mean(dim=0)) / h.std(dim=0), place


def test_every_sample_is_told_its_class():
    model = network()
    x, place = data(3)
    mean, log_var = model.encode(x, place)
    for i, row in enumerate(x):
        one = feed_forward(torch.cat([row, model.embedding[place[i]]])[None], model.encoder)[0]
        assert torch.allclose(torch.cat([mean[i], log_var[i]]), one, atol=1e-6)
    code = torch.randn(6, 2, generator=seeded())
    decoded = model.decode(code, place)
    one = feed_forward(torch.cat([code[4], model.embedding[1]])[None], model.decoder)[0]
    assert torch.allclose(decoded[4], one, atol=1e-6)
    assert len(model.parameters()) == 9
    assert len(network(size=0).parameters()) == 8  # no class, nothing to learn of it


@pytest.mark.parametrize("size", [0, 3])
def test_training_equals_a_plain_loop(size):
    """The same steps with Adam written out, in float64, on the same draws."""
    x, place = data()
    x = x.double()
    model, twin = (network(size=size, dtype=torch.float64) for _ in range(2))
    train_autoencoder(model, x, place, SCHEDULE, seeded(3))
    g, parameters = seeded(3), twin.parameters()
    for p in parameters:
        p.requires_grad_()
    first, second, step = [0.0] * len(parameters), [0.0] * len(parameters), 0
    for _ in range(5):
        order = torch.randperm(40, generator=g)
        for rows in (order[:10], order[10:20], order[20:30], order[30:]):
            step += 1
            mean, log_var = twin.encode(x[rows], place[rows])
            noise = torch.randn(10, 2, generator=g).double()
            decoded = twin.decode(mean + (log_var / 2).exp() * noise, place[rows])
            grads = torch.autograd.grad(vae_loss(x[rows], decoded, mean, log_var).value, parameters)
            with torch.no_grad():
                for k, (p, grad) in enumerate(zip(parameters, grads, strict=True)):
                    first[k] = 0.9 * first[k] + 0.1 * grad
                    second[k] = 0.999 * second[k] + 0.001 * grad**2
                    root = (second[k] / (1 - 0.999**step)).sqrt() + 1e-8
                    rate = 1e-2 * (1 - (step - 1) / 20)
                    p -= rate * first[k] / (1 - 0.9**step) / root
    for one, two in zip(model.parameters(), parameters, strict=True):
        assert torch.allclose(one, two, atol=1e-7)
        assert not one.requires_grad


def test_training_lowers_the_loss():
    x, place = data(100)

    def loss(model):
        mean, log_var = model.encode(x, place)
        return float(vae_loss(x, model.decode(mean, place), mean, log_var).value)

    model = network()
    before = loss(model)
    with torch.no_grad():
        train_autoencoder(model, x, place, SCHEDULE, seeded())
    assert loss(model) < before - 0.3


def test_divergence_is_said():
    x, place = data()
    wild = Schedule(epochs=5, min_steps=0, batch_size=10, lr=1e30, beta=1.0)
    with pytest.raises(ValueError, match=r"diverged at lr 1e\+30: lower generator.lr"):
        train_autoencoder(network(), x, place, wild, seeded())


def test_codes_and_noise():
    model = network()
    x, place = data()
    mean, log_var, noise = codes_and_noise(model, x, place, seeded(5))
    assert all(map(torch.equal, (mean, log_var), model.encode(x, place)))
    code = mean + (log_var / 2).exp() * torch.randn(40, 2, generator=seeded(5))
    errors = (x - model.decode(code, place)).tolist()
    for d in range(4):
        expected = (sum(row[d] ** 2 for row in errors) / 40) ** 0.5
        assert float(noise[d]) == pytest.approx(expected, rel=1e-5)


def test_steps_of_a_schedule():
    how = Schedule(epochs=12, min_steps=240, batch_size=100, lr=1e-3, beta=1.0)
    assert [how.steps(n) for n in (2, 2000, 2001, 6000)] == [240, 240, 252, 720]


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("epochs", 0, "epochs is 0, must be at least 1"),
        ("min_steps", -1, "min_steps is -1, must be at least 0"),
        ("batch_size", 0, "batch_size is 0, must be at least 1"),
        ("lr", 0.0, "lr is 0.0, must be above 0"),
        ("beta", -1.0, "beta is -1.0, must not be negative"),
    ],
)
def test_values_out_of_range(name, value, text):
    good = {"epochs": 1, "min_steps": 0, "batch_size": 1, "lr": 1.0, "beta": 0.0}
    with pytest.raises(ValueError, match=text):
        Schedule(**{**good, name: value})

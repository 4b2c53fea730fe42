"""Gaussians and mixtures: moments of their samples, factors, bytes."""

from __future__ import annotations

import pytest
import torch

from simlearn.generators.gaussian import GaussianGenerator
from simlearn.generators.triangle import unpack_triangle
from tests.generators.clouds import cloud, seeded


def fitted(*args, n=1500, **how):
    net = GaussianGenerator((6,), *args, **how)
    h, y = cloud((0, 1), n=n, shape=(6,))
    net.fit(h, y, generator=seeded())
    return net, h, y


@pytest.mark.parametrize("covariance", ["full", "low_rank", "diagonal"])
@pytest.mark.parametrize("components", [1, 4])
def test_samples_have_the_moments_of_the_data(covariance, components):
    net, h, y = fitted(covariance, components, rank=6, shrinkage=0.0)
    drawn, labels = net.sample((0, 1), 20_000, generator=seeded(1))
    for label in (0, 1):
        real, made = h[y == label], drawn[labels == label]
        std = real.std(dim=0)
        assert float(((made.mean(dim=0) - real.mean(dim=0)) / std).abs().max()) < 0.05
        assert float((made.std(dim=0) / std - 1).abs().max()) < 0.05
        if covariance != "diagonal":
            assert float((made.T.corrcoef() - real.T.corrcoef()).abs().max()) < 0.05
        elif components == 1:
            off = made.T.corrcoef() - torch.eye(6)
            assert float(off.abs().max()) < 0.05


def test_the_covariance_that_is_kept():
    net, h, y = fitted(shrinkage=0.1)
    for k, label in enumerate((0, 1)):
        real = h[y == label].double()
        factor = unpack_triangle(net.factor[k, 0]).double()
        covariance = real.T.cov(correction=0)
        expected = 0.9 * covariance + 0.1 * covariance.diag().diag()
        assert torch.allclose(factor @ factor.T, expected, atol=1e-5)
        assert torch.allclose(net.mean[k, 0].double(), real.mean(dim=0), atol=1e-6)


def test_low_rank_keeps_the_variances():
    net, h, y = fitted("low_rank", rank=2)
    assert net.factor.shape == (2, 1, 6, 2)
    made = net.factor[0, 0].square().sum(dim=1) + net.std[0, 0].square()
    assert torch.allclose(made, h[y == 0].var(dim=0, correction=0), rtol=1e-4)
    assert GaussianGenerator((6,), "low_rank").rank == 6  # no more than there are features


def test_a_sample_is_mean_plus_factor_times_noise():
    net, _, _ = fitted()
    drawn, _ = net.sample((1,), 4, generator=seeded(3))
    noise = torch.randn(4, 6, generator=seeded(3))
    expected = net.mean[1, 0] + noise @ unpack_triangle(net.factor[1, 0]).T
    assert torch.allclose(drawn, expected, atol=1e-6)


def test_a_mixture_finds_groups_that_one_gaussian_smears():
    g = seeded()
    group = torch.arange(2).repeat(300)
    h = 10 * group[:, None] + torch.randn(600, 2, generator=g)
    h = torch.cat([h, h[:200]])  # group 0 and 1 alike, 400 each
    y = torch.zeros(len(h), dtype=torch.int64)
    one, two = GaussianGenerator((2,)), GaussianGenerator((2,), components=2)
    for net in (one, two):
        net.fit(h, y, generator=seeded())

    def between(net):
        drawn = net.sample((0,), 2000, generator=seeded(1))[0].mean(dim=1)
        return float(((drawn > 3.5) & (drawn < 6.5)).float().mean())

    assert between(two) < 0.01 < between(one)
    assert sorted(two.weight[0].tolist()) == pytest.approx([0.5, 0.5])
    assert sorted(two.mean[0, :, 0].round().tolist()) == [0.0, 10.0]


def test_shares_of_a_mixture():
    h = torch.cat([torch.randn(30, 1, generator=seeded()), torch.full((10, 1), 50.0)])
    net = GaussianGenerator((1,), components=2)
    net.fit(h, torch.zeros(40, dtype=torch.int64))
    assert sorted(net.weight[0].tolist()) == pytest.approx([0.25, 0.75])
    drawn = net.sample((0,), 4000, generator=seeded())[0]
    assert abs(float((drawn > 25).float().mean()) - 0.25) < 0.03
    assert (drawn[drawn > 25] == 50).all()  # a constant cluster stays so


def test_more_components_than_samples_allow():
    net = GaussianGenerator((6,), components=8)
    net.fit(*cloud((0,), n=5, shape=(6,)))
    used = net.weight[0] > 0
    assert 1 <= int(used.sum()) <= 2
    assert float(net.weight[0].sum()) == pytest.approx(1)
    assert torch.isfinite(net.sample((0,), 50)[0]).all()


@pytest.mark.parametrize(
    ("args", "values"),
    [
        (("full",), 6 + 21),
        (("diagonal",), 6 + 6),
        (("low_rank", 1, 2), 6 + 6 + 12),
        (("low_rank", 3, 2), 3 * (6 + 6 + 12) + 3),
    ],
)
def test_bytes_by_hand(args, values):
    net, _, _ = fitted(*args, n=20)
    assert net.memory_bytes() == 2 * (4 * values + 8)
    assert GaussianGenerator((6,), *args).memory_bytes() == 0


def test_a_singular_covariance_names_the_class_and_learns_nothing():
    net = GaussianGenerator((6,), shrinkage=0.0)
    with pytest.raises(ValueError, match="class 3: the covariance of 4 samples with 6 features"):
        net.fit(*cloud((3, 4), n=4, shape=(6,)))
    assert net.classes == ()


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"covariance": "tied"}, "covariance is 'tied', must be one of full, diagonal, low_rank"),
        ({"components": 0}, "components is 0 and rank 32, both must be at least 1"),
        ({"rank": 0}, "components is 1 and rank 0"),
        ({"shrinkage": 1.5}, r"shrinkage is 1.5, must be in \[0, 1\]"),
        ({"shrinkage": float("nan")}, "shrinkage is nan"),
    ],
)
def test_values_out_of_range(how, text):
    with pytest.raises(ValueError, match=text):
        GaussianGenerator((6,), **how)

"""One autoencoder per class: moments of its samples, its bytes, its options."""

from __future__ import annotations

import pytest
import torch

from simlearn.generators.layers import feed_forward
from simlearn.generators.triangle import unpack_triangle
from simlearn.generators.vae import VAE, check_sizes
from tests.generators.clouds import MAKERS, cloud, seeded


def fitted(**how):
    net = VAE((6,), hidden=(32,), latent=4, min_steps=150, lr=1e-2, **how)
    h, y = cloud((0, 1), n=600, shape=(6,))
    net.fit(h, y, generator=seeded())
    return net, h, y


def test_samples_have_the_moments_of_the_data():
    net, h, y = fitted()
    drawn, labels = net.sample((0, 1), 4000, generator=seeded(1))
    for label in (0, 1):
        real, made = h[y == label], drawn[labels == label]
        std = real.std(dim=0)
        assert float(((made.mean(dim=0) - real.mean(dim=0)) / std).abs().max()) < 0.12
        assert float((made.std(dim=0) / std - 1).abs().max()) < 0.1
        assert float((made.T.corrcoef() - real.T.corrcoef()).abs().max()) < 0.35


def test_codes_of_the_fitted_prior_are_better_than_standard_ones():
    """Here the aggregate posterior is no N(0, I), since beta is small."""

    def off(net):
        drawn, labels = net.sample((0, 1), 2000, generator=seeded(1))
        return sum(
            float((drawn[labels == c].T.cov() - h[y == c].T.cov()).abs().mean()) for c in (0, 1)
        )

    fits, h, y = fitted(beta=0.1)
    standard, _, _ = fitted(beta=0.1, prior="standard")
    assert off(fits) < 0.5 * off(standard)


def test_a_sample_is_the_decoders_answer_plus_noise():
    net = MAKERS["VAE"]()
    net.fit(*cloud((3, 4)), generator=seeded())
    state = {name: value[1] for name, value in net.state_dict().items()}
    g = seeded(7)
    code = torch.randn(5, 3, generator=g) @ unpack_triangle(state["code_factor"]).T
    layers = [(state[f"decoder_weight_{k}"], state[f"decoder_bias_{k}"]) for k in range(2)]
    x = feed_forward(code + state["code_mean"], layers)
    x = (x + state["noise"] * torch.randn(5, 6, generator=g)) * state["std"] + state["mean"]
    drawn, _ = net.sample((4,), 5, generator=seeded(7))
    assert torch.allclose(drawn.flatten(1), x, atol=1e-5)


def test_noise_is_only_added():
    how = {"hidden": (8,), "latent": 2, "min_steps": 5}
    with_noise, without = VAE((6,), **how), VAE((6,), **how, noise=False)
    for net in (with_noise, without):
        net.fit(*cloud((0,), shape=(6,)), generator=seeded())
    assert set(with_noise.state_dict()) - set(without.state_dict()) == {"noise"}
    one, two = (net.sample((0,), 3000, generator=seeded(2))[0] for net in (with_noise, without))
    assert (one.std(dim=0) > two.std(dim=0)).all()


def test_bytes_by_hand():
    net = VAE((1024,), hidden=(400,), latent=20, epochs=1, min_steps=1)
    assert net.memory_bytes() == 0
    h = torch.randn(6, 1024, generator=seeded())
    net.fit(h, torch.tensor([0, 0, 0, 1, 1, 1]))
    decoder = 20 * 400 + 400 + 400 * 1024 + 1024
    assert decoder == 419_024
    statistics = 3 * 1024  # mean, spread, noise
    codes = 20 + 20 * 21 // 2
    assert net.memory_bytes() == 2 * (4 * (decoder + statistics + codes) + 8)
    assert not any(name.startswith("encoder") for name in net.state_dict())


def test_hidden_layers_stand_in_reverse_in_the_decoder():
    net = VAE((6,), hidden=(9, 5), latent=2)
    shapes = [tuple(net.state_dict()[f"decoder_weight_{k}"].shape[1:]) for k in range(3)]
    assert shapes == [(5, 2), (9, 5), (6, 9)]
    linear = VAE((6,), hidden=(), latent=2, min_steps=5)
    linear.fit(*cloud((0,), shape=(6,)))
    assert linear.sample((0,), 3)[0].shape == (3, 6)


def test_a_fit_that_diverges_names_the_class_and_learns_nothing():
    net = VAE((6,), hidden=(8,), lr=1e30)
    with pytest.raises(ValueError, match=r"class 4: the autoencoder diverged at lr 1e\+30"):
        net.fit(*cloud((4, 5), shape=(6,)))
    assert net.classes == ()


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ({"hidden": (4, 0)}, r"hidden is \(4, 0\) and latent 12: every size must be at least 1"),
        ({"latent": 0}, r"hidden is \(256,\) and latent 0"),
        ({"prior": "normal"}, "prior is 'normal', must be fitted or standard"),
        ({"epochs": 0}, "epochs is 0"),
    ],
)
def test_values_out_of_range(how, text):
    with pytest.raises(ValueError, match=text):
        VAE((6,), **how)


def test_sizes_become_a_tuple():
    assert check_sizes([3, 4], 1) == (3, 4)
    assert check_sizes((), 1) == ()

"""Classes of correlated normal features, and small generators to fit to them."""

from __future__ import annotations

import torch

from simlearn.generators.conditional_vae import ConditionalVAE
from simlearn.generators.gaussian import GaussianGenerator
from simlearn.generators.vae import VAE

SHAPE = (2, 3)
"""Of one activation: six features."""

SMALL = {"hidden": (16,), "latent": 3, "epochs": 2, "min_steps": 8, "batch_size": 20}
"""Arguments of a quick autoencoder."""

MAKERS = {
    "VAE": lambda **how: VAE(SHAPE, **SMALL, **how),
    "VAE, standard prior": lambda **how: VAE(SHAPE, **SMALL, prior="standard", noise=False, **how),
    "ConditionalVAE": lambda **how: ConditionalVAE(SHAPE, **SMALL, embedding=4, **how),
    "Gaussian, full": lambda **how: GaussianGenerator(SHAPE, **how),
    "Gaussian, diagonal": lambda **how: GaussianGenerator(SHAPE, "diagonal", **how),
    "Gaussian, low rank": lambda **how: GaussianGenerator(SHAPE, "low_rank", rank=2, **how),
    "mixture": lambda **how: GaussianGenerator(SHAPE, "low_rank", 3, rank=2, **how),
}
"""Name -> a new, unfitted generator."""


def seeded(seed=0):
    """A CPU generator."""
    return torch.Generator().manual_seed(seed)


def factor_of(label, size=6):
    """``(size, size)`` factor of the covariance of a class."""
    return torch.randn(size, size, generator=seeded(100 + label)) / 2


def cloud(classes, n=40, shape=SHAPE, seed=0):
    """``n`` samples of each class around 3 + its label: h ``(K * n, *shape)`` and y."""
    g = seeded(seed)
    size = torch.Size(shape).numel()
    parts = [3 + c + torch.randn(n, size, generator=g) @ factor_of(c, size).T for c in classes]
    y = torch.tensor(list(classes), dtype=torch.int64).repeat_interleave(n)
    return torch.cat(parts).reshape(-1, *shape), y


def same_state(one, two):
    """Whether two state dictionaries are equal bit for bit."""
    return one.keys() == two.keys() and all(torch.equal(one[k], two[k]) for k in one)

"""Avalanche 0.6's Fisher depends on the batch size; in batches of one it is simlearn's."""

from __future__ import annotations

import warnings

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import TensorDataset

from simlearn.continual.fisher import fisher_diagonal


def case():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5))
    return model, torch.randn(64, 12), torch.arange(64) % 5


def theirs(size):
    """Importances by Avalanche's plugin."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from avalanche.training.plugins.ewc import EWCPlugin

        model, x, y = case()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        found = EWCPlugin(ewc_lambda=1.0).compute_importances(
            model,
            nn.CrossEntropyLoss(),
            optimizer,
            TensorDataset(x, y, torch.zeros(64)),
            "cpu",
            size,
        )
    return {name: value.data for name, value in found.items()}


def ours(size):
    model, x, y = case()
    batches = zip(x.split(size), y.split(size), strict=True)
    return fisher_diagonal(model, lambda out, y: F.cross_entropy(out, y, reduction="none"), batches)


def test_batches_of_one_are_equal():
    wanted = theirs(1)
    for size in (1, 8, 64):
        for name, value in ours(size).items():
            torch.testing.assert_close(value, wanted[name], rtol=1e-4, atol=1e-9)


def test_larger_batches_of_avalanche_are_too_small():
    trace = {size: sum(v.sum().item() for v in theirs(size).values()) for size in (1, 8, 64)}
    assert trace[8] < 0.5 * trace[1], "Avalanche no longer squares the batch's mean: mend the page"
    assert trace[64] < 0.5 * trace[8]

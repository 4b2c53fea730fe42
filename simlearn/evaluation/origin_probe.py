"""Can a linear probe tell generated representations from real ones?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from simlearn.data.randomness import derive_seed, torch_generator
from simlearn.evaluation.intervals import bootstrap_interval

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

MOST = 1000
"""Samples of each origin that the probe takes."""


def origin_probe(
    real: Tensor, generated: Tensor, *, seed: int, folds: int = 5, bootstrap: int = 1000
) -> dict[str, Any]:
    """Accuracy of a linear classifier that tells generated samples from real ones.

    As many are drawn of one origin as of the other, at most :data:`MOST`. Every sample is judged
    by a probe fitted on the other folds: features standardised there, then logistic regression
    (scikit-learn, C = 1). The fewer samples there are beside their number of features, the more a
    probe overlooks: compare probes of like size only.

    Args:
        real: ``(N, *F)`` activations of real samples.
        generated: ``(M, *F)`` activations that a generator drew.
        seed: of the draw, of the folds and of the interval.
        folds: of the stratified cross-validation, at least 2; lowered to the number drawn of each
            origin.
        bootstrap: resamples of the samples for the interval.

    Returns:
        ``accuracy`` in [0, 1]: 0.5 where nothing tells them apart, 1 where each is recognised;
        ``interval`` 95 % (low, high) over the samples; ``n`` samples judged. nan, n = 0, with
        fewer than two samples of an origin.

    Raises:
        ValueError: shapes that do not belong together, values that are not finite, ``folds``
            below 2.
    """
    _check(real, generated, folds)
    n = min(len(real), len(generated), MOST)
    if n < 2:
        return {"accuracy": math.nan, "interval": (math.nan, math.nan), "n": 0}
    drawn = [
        h[torch.randperm(len(h), generator=torch_generator(seed, "origin probe", name))[:n]]
        for name, h in (("real", real.cpu()), ("generated", generated.cpu()))
    ]
    x = torch.cat(drawn).flatten(1).double()
    y = torch.arange(2 * n) // n
    right = cross_validated(_probe(), x, y, folds=min(folds, n), seed=seed)
    interval = bootstrap_interval(
        right.double(),
        torch.arange(2 * n),
        draws=bootstrap,
        generator=torch_generator(seed, "origin probe", "interval"),
    )
    return {"accuracy": float(right.double().mean()), "interval": interval, "n": 2 * n}


def cross_validated(classifier: Pipeline, x: Tensor, y: Tensor, *, folds: int, seed: int) -> Tensor:
    """``(N,)`` bool: whether each sample is named rightly by a fit on the other folds.

    Args:
        classifier: is fitted anew for every fold.
        x: ``(N, d)`` features.
        y: ``(N,)`` labels, each at least ``folds`` times.
        folds: stratified, of shuffled samples.
        seed: of the shuffle.
    """
    from sklearn.base import clone
    from sklearn.model_selection import StratifiedKFold

    order = StratifiedKFold(folds, shuffle=True, random_state=derive_seed(seed, "folds") % 2**32)
    features, labels = x.numpy(), y.numpy()
    right = torch.zeros(len(y), dtype=torch.bool)
    for fit, judge in order.split(features, labels):
        fitted = clone(classifier).fit(features[fit], labels[fit])
        right[judge] = torch.from_numpy(fitted.predict(features[judge]) == labels[judge])
    return right


def _probe() -> Pipeline:
    """Features of mean 0 and variance 1, then logistic regression."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))


def _check(real: Tensor, generated: Tensor, folds: int) -> None:
    if real.ndim < 2 or real.shape[1:] != generated.shape[1:]:
        raise ValueError(
            f"real and generated must be (N, *F) and (M, *F) of one shape F, found "
            f"{tuple(real.shape)} and {tuple(generated.shape)}"
        )
    if folds < 2:
        raise ValueError(f"folds is {folds}, must be at least 2")
    for name, h in (("real", real), ("generated", generated)):
        if not torch.isfinite(h).all():
            raise ValueError(f"{name} holds values that are not finite")

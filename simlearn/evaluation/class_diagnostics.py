"""What embeddings of all seen classes are good for, whatever the class means say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from simlearn.data.randomness import derive_seed
from simlearn.evaluation.origin_probe import cross_validated
from simlearn.evaluation.retrieval import retrieval_metrics

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline


def class_diagnostics(z: Tensor, y: Tensor, *, folds: int = 5, seed: int) -> dict[str, float]:
    """Retrieval and a linear SVM on the embeddings of test images of all seen classes.

    Args:
        z: ``(N, d)`` embeddings; every one queries all the others.
        y: ``(N,)`` int64 labels.
        folds: of the SVM's cross-validation, see :func:`svm_accuracy`.
        seed: of its folds.

    Returns:
        ``map_at_r``, ``recall_at_1`` and ``svm_accuracy`` in [0, 1]; nan, without a warning, where
        nothing can be measured.

    Raises:
        ValueError: wrong shapes, values that are not finite, ``folds`` below 2.
    """
    counts = torch.unique(y, return_counts=True)[1]
    found = {"map_at_r": math.nan, "recall_at_1": math.nan}
    if bool((counts > 1).any()):
        metrics = retrieval_metrics(z, y, ks=(1,))
        found = {name: metrics[name] for name in found}
    return {**found, "svm_accuracy": svm_accuracy(z, y, folds=folds, seed=seed)["accuracy"]}


def svm_accuracy(z: Tensor, y: Tensor, *, folds: int = 5, seed: int) -> dict[str, float]:
    """Cross-validated accuracy of a linear SVM on standardised embeddings.

    scikit-learn's ``LinearSVC`` (one classifier per class, C = 1) on features of mean 0 and
    variance 1 in the folds that it is fitted on; an item is judged by the fit on the other folds
    of a stratified cross-validation. Classes with a single item are left out. Where a class has
    fewer items than ``folds`` there are as many folds as its items.

    Args:
        z: ``(N, d)`` embeddings.
        y: ``(N,)`` int64 labels.
        folds: at least 2.
        seed: of the order of the items in the folds.

    Returns:
        ``accuracy`` in [0, 1], ``folds`` used, ``n`` items judged, ``n_left_out`` items of classes
        left out. With fewer than two classes accuracy is nan and folds and n are 0.

    Raises:
        ValueError: wrong shapes, values that are not finite, ``folds`` below 2.
    """
    if z.ndim != 2 or y.shape != z.shape[:1]:
        raise ValueError(
            f"z must be (N, d) with (N,) labels, found {tuple(z.shape)} and {tuple(y.shape)}"
        )
    if not torch.isfinite(z).all():
        raise ValueError("z holds values that are not finite: the training has diverged")
    if folds < 2:
        raise ValueError(f"folds is {folds}, must be at least 2")
    _, inverse, counts = torch.unique(y, return_inverse=True, return_counts=True)
    keep = counts[inverse] > 1
    left_out = int((~keep).sum())
    if int((counts > 1).sum()) < 2:
        return {"accuracy": math.nan, "folds": 0, "n": 0, "n_left_out": left_out}
    folds = min(folds, int(counts[counts > 1].min()))
    x, labels = z[keep].double().cpu(), inverse[keep].cpu()
    right = cross_validated(_svm(seed), x, labels, folds=folds, seed=seed)
    accuracy = float(right.double().mean())
    return {"accuracy": accuracy, "folds": folds, "n": len(x), "n_left_out": left_out}


def _svm(seed: int) -> Pipeline:
    """Features of mean 0 and variance 1, then one linear SVM per class."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    state = derive_seed(seed, "linear svm") % 2**32
    svm = LinearSVC(C=1.0, dual="auto", max_iter=5000, random_state=state)
    return make_pipeline(StandardScaler(), svm)

"""The classifier of n-shot identification: standardised features and a support vector machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from simlearn.evaluation.recognition_protocol import Kernel

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

GRID = (0.01, 0.1, 1.0, 10.0, 100.0)
"""Values of C that are tried, smallest first."""

FOLDS = 3
"""Folds of the inner cross-validation; with fewer support items in a class C is 1."""


def svm_head(kernel: Kernel, support_per_class: int, *, seed: int = 0) -> Pipeline:
    """A scikit-learn pipeline to fit on the support.

    ``StandardScaler`` gives every feature mean 0 and variance 1 on the support; one that is
    constant there becomes 0. ``SVC`` with ``gamma="scale"`` follows: one classifier for every two
    classes, whose votes decide, the lower class on equal votes. With at least three support items
    in each class C is that of 0.01, 0.1, 1, 10, 100 with the highest mean accuracy in a stratified
    3-fold cross-validation within the support, the smallest such C if several; otherwise C = 1.
    The scaler is fitted once, before the folds.

    Args:
        kernel: "linear" or "rbf".
        support_per_class: items of the class with the fewest.
        seed: of the folds' order.

    Returns:
        A pipeline with the steps ``scale`` and ``svm``, not fitted; see :func:`chosen_c`.

    Raises:
        ValueError: an unknown kernel, or no support item.
    """
    from sklearn.model_selection import GridSearchCV, StratifiedKFold
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    if kernel not in get_args(Kernel):
        raise ValueError(f"kernel is {kernel!r}, must be {' or '.join(get_args(Kernel))}")
    if support_per_class < 1:
        raise ValueError(f"support_per_class is {support_per_class}, must be at least 1")
    svm = SVC(C=1.0, kernel=kernel, gamma="scale")
    if support_per_class >= FOLDS:
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
        svm = GridSearchCV(svm, {"C": list(GRID)}, cv=folds, refit=_smallest_best)
    return Pipeline([("scale", StandardScaler()), ("svm", svm)])


def chosen_c(head: Pipeline) -> float:
    """C of a fitted :func:`svm_head`."""
    svm = head["svm"]
    return float(svm.best_params_["C"] if hasattr(svm, "best_params_") else svm.C)


def _smallest_best(results: Mapping[str, Any]) -> int:
    """Index of the first C whose mean accuracy is the highest, up to rounding."""
    scores = results["mean_test_score"]
    return int(np.flatnonzero(scores >= scores.max() - 1e-9)[0])

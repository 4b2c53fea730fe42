"""Forgetting: what an accuracy matrix says of retention, of learning and of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

Values = Tensor | np.ndarray | Sequence[Any] | float
"""Numbers as a list, an array or a tensor; ``None`` in a list is nan."""

_NAMES = ("omega_base", "omega_new", "omega_all", "forgetting", "bwt")


def forgetting_metrics(acc: Values, *, sizes: Values, ideal: Values) -> dict[str, float]:
    """Kemker's omegas, average forgetting and backward transfer.

    With t and k from 0 and the mean over t = 1, ..., T-1 (Kemker et al. 2018)::

        omega_base = mean acc[t,0] / ideal_t
        omega_new  = mean acc[t,t]
        omega_all  = mean (sum_{k<=t} sizes_k acc[t,k] / sum_{k<=t} sizes_k) / ideal_t
        forgetting = mean_{k<T-1} (max_{k<=t<T-1} acc[t,k] - acc[T-1,k])
        bwt        = mean_{k<T-1} (acc[T-1,k] - acc[k,k])

    Args:
        acc: ``(T, T)`` accuracies; ``acc[t, k]`` on the classes of experience k after experience
            t, told among all classes seen by then. Entries k > t are not read and may be nan.
        sizes: ``(T,)`` classes of every experience, or test items; above 0.
        ideal: what the accuracies are divided by, above 0: one number (the ceiling's accuracy on
            the base classes) or ``(T,)``, one per experience; its first is not used and may be
            nan. See
            :func:`~simlearn.evaluation.incremental_figures.joint_ideal`.

    Returns:
        The five numbers; all nan for T = 1. An omega is above 1 where the ceiling is beaten.

    Raises:
        ValueError: wrong shapes, a needed accuracy that is not finite, an ideal or a size that is
            not above 0.
    """
    a, weights = accuracy_matrix(acc, sizes)
    top = _checked_ideal(ideal, len(a))
    last = len(a) - 1
    if last == 0:
        return dict.fromkeys(_NAMES, float("nan"))
    seen = seen_accuracy(a, weights)
    found = (
        (a[1:, 0] / top[1:]).mean(),
        np.diagonal(a)[1:].mean(),
        (seen[1:] / top[1:]).mean(),
        forgetting_curve(a)[-1],
        (a[last, :last] - np.diagonal(a)[:last]).mean(),
    )
    return {name: float(value) for name, value in zip(_NAMES, found, strict=True)}


def accuracy_matrix(acc: Values, sizes: Values | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Give ``acc (T, T)`` and ``sizes (T,)`` (ones where left out) in float64.

    Raises:
        ValueError: as for :func:`forgetting_metrics`.
    """
    a = _array(acc)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or a.size == 0:
        raise ValueError(f"acc must be (T, T) with T >= 1, found shape {a.shape}")
    weights = np.ones(len(a)) if sizes is None else _array(sizes)
    if weights.shape != (len(a),):
        raise ValueError(f"sizes must be ({len(a)},) as acc has rows, found shape {weights.shape}")
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
    if len(wrong):
        raise ValueError(f"sizes[{wrong[0]}] is {weights[wrong[0]]:g}, must be above 0")
    missing = np.argwhere(np.tri(len(a), dtype=bool) & ~np.isfinite(a))
    if len(missing) and len(a) > 1:
        t, k = missing[0].tolist()
        raise ValueError(
            f"acc[{t}, {k}] is {a[t, k]}: the accuracy on the classes of experience {k} after "
            f"experience {t} is needed; only entries above the diagonal may be missing"
        )
    return a, weights


def seen_accuracy(acc: Values, sizes: Values) -> np.ndarray:
    """``(T,)`` accuracy on all classes seen so far after every experience, weighted by ``sizes``.

    Raises:
        ValueError: as for :func:`forgetting_metrics`.
    """
    a, weights = accuracy_matrix(acc, sizes)
    filled = np.where(np.tri(len(a), dtype=bool), a, 0.0)
    return (filled @ weights) / np.cumsum(weights)


def forgetting_curve(acc: Values) -> np.ndarray:
    """``(T,)`` average forgetting after every experience (Yu et al. 2020), nan after the first.

    ``F_t = mean_{k<t} (max_{k<=s<t} acc[s,k] - acc[t,k])``. The paper's maximum runs over all
    s < t; before their arrival (s < k) classes have no accuracy here.

    Raises:
        ValueError: as for :func:`forgetting_metrics`.
    """
    a, _ = accuracy_matrix(acc)
    found = np.full(len(a), np.nan)
    for t in range(1, len(a)):
        drops = [a[k:t, k].max() - a[t, k] for k in range(t)]
        found[t] = np.mean(drops)
    return found


def _array(values: Values) -> np.ndarray:
    """Float64 on the CPU; ``None`` becomes nan."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().double().numpy()
    return np.asarray(values, dtype=np.float64)


def _checked_ideal(ideal: Values, experiences: int) -> np.ndarray:
    """Give ``(T,)`` float64, or refuse by what was found."""
    top = _array(ideal)
    if top.shape not in ((), (experiences,)):
        raise ValueError(
            f"ideal must be one number or ({experiences},) as acc has rows, found shape {top.shape}"
        )
    top = np.broadcast_to(top, (experiences,))
    good = np.isfinite(top) & (top > 0)
    good[0] |= bool(np.isnan(top[0]))
    if not good.all():
        t = int(np.flatnonzero(~good)[0])
        raise ValueError(
            f"ideal is {top[t]:g} (experience {t}), must be above 0: an accuracy of the ceiling "
            "that the others are divided by"
        )
    return top

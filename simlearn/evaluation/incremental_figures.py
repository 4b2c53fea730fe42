"""What other papers and libraries report of an accuracy matrix."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from simlearn.evaluation.forgetting import (
    Values,
    accuracy_matrix,
    forgetting_metrics,
    seen_accuracy,
)

Normaliser = Literal["base", "per_experience"]
NORMALISERS: tuple[Normaliser, ...] = get_args(Normaliser)


def incremental_metrics(
    acc: Values, *, sizes: Values, joint: Values | None = None
) -> dict[str, float]:
    """Compute the figures that other papers and libraries report of the same matrix.

    Args:
        acc: ``(T, T)``, see :func:`forgetting_metrics`.
        sizes: ``(T,)``, see there.
        joint: ``(T, T)`` matrix of the network that is trained jointly on all seen classes, for the
            omegas with either ceiling; ``None`` leaves them out.

    Returns:
        ``average_incremental_accuracy`` is the mean over all t of the accuracy on all seen classes
        (iCaRL, Rebuffi et al. 2017), ``average_incremental_accuracy_tasks`` that of
        ``mean_{k<=t} acc[t,k]``, in which small experiences count as much as large ones (SDC, Yu et
        al. 2020, A_k). ``forgetting_max`` is the highest accuracy before the last experience minus
        the last one (Chaudhry et al. 2018; F_k of SDC after the last experience is the same
        number), ``forgetting_first`` the accuracy right after learning minus the last one
        (Avalanche's forgetting; minus the backward transfer), ``backward_transfer`` that of
        Lopez-Paz and Ranzato 2017. With ``joint``, ``omega_base`` and ``omega_all`` followed by
        ``_of_base`` and by ``_per_experience``, see :func:`joint_ideal`. For T = 1 all but the
        averages are nan.

    Raises:
        ValueError: as for :func:`forgetting_metrics`.
    """
    a, weights = accuracy_matrix(acc, sizes)
    tasks = [row[: t + 1].mean() for t, row in enumerate(a)]
    own = forgetting_metrics(a, sizes=weights, ideal=1.0)
    found = {
        "average_incremental_accuracy": float(seen_accuracy(a, weights).mean()),
        "average_incremental_accuracy_tasks": float(np.mean(tasks)),
        "forgetting_max": own["forgetting"],
        "forgetting_first": -own["bwt"],
        "backward_transfer": own["bwt"],
    }
    if joint is None:
        return found
    for normaliser in NORMALISERS:
        ideal = joint_ideal(joint, sizes=weights, normaliser=normaliser)
        omegas = forgetting_metrics(a, sizes=weights, ideal=ideal)
        ending = "of_base" if normaliser == "base" else normaliser
        found |= {f"{name}_{ending}": omegas[name] for name in ("omega_base", "omega_all")}
    return found


def joint_ideal(
    joint: Values, *, sizes: Values, normaliser: Normaliser = "per_experience"
) -> np.ndarray:
    """Give the ceiling of :func:`forgetting_metrics` from the matrix of the joint network.

    Args:
        joint: ``(T, T)`` accuracies of the network that is trained on all classes seen so far.
        sizes: ``(T,)`` classes or test items of every experience.
        normaliser: "per_experience" is the joint network's accuracy on all seen classes after
            every experience; "base" is Kemker's: that of the last one on the base classes.

    Returns:
        ``(T,)`` float64 for "per_experience", ``()`` for "base".

    Raises:
        ValueError: wrong shapes, a needed accuracy that is not finite, an unknown normaliser.
    """
    a, weights = accuracy_matrix(joint, sizes)
    if normaliser not in NORMALISERS:
        raise ValueError(f"normaliser is {normaliser!r}, must be one of {', '.join(NORMALISERS)}")
    return np.array(a[-1, 0]) if normaliser == "base" else seen_accuracy(a, weights)

"""The numbers of a class-incremental run, from what was found after every experience."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from simlearn.data.randomness import torch_generator
from simlearn.evaluation.forgetting import forgetting_metrics
from simlearn.evaluation.forgetting_slope import old_class_slope
from simlearn.evaluation.incremental_figures import incremental_metrics
from simlearn.report import Metric
from simlearn.tasks.incremental_baselines import share_metric
from simlearn.tasks.incremental_ideal import Ideal, accuracy_rows, no_ceiling

Results = Sequence[Mapping[str, Any]]
DIAGNOSTICS = (
    *("ncm_real", "map_at_r", "recall_at_1", "svm_accuracy"),
    *("old_mean_drift", "old_purity", "intrusion", "origin_probe"),
)
"""What describes the embedding after an experience, in the order of the report."""
OMEGAS = tuple(
    f"{name}_{normaliser}"
    for name in ("omega_base", "omega_all")
    for normaliser in ("of_base", "per_experience")
)
"""As :func:`simlearn.evaluation.incremental_figures.incremental_metrics` names them."""
LOWER_IS_BETTER = frozenset(
    ("forgetting", "forgetting_first", "intrusion", "old_mean_drift", "origin_probe")
)


def stream_metrics(
    results: Results, sizes: Sequence[int], ideal: Ideal | None, *, bootstrap: int, seed: int
) -> dict[str, Metric]:
    """Accuracy after the last experience, what was forgotten, and the diagnostics of the end.

    Args:
        results: of the loop, one per experience.
        sizes: classes of every experience.
        ideal: the ceiling; without it there are no omegas but ``omega_new``, which needs none; one
            that reaches 0 makes them nan.
        bootstrap: resamples of the intervals over test images.
        seed: of the run.

    Returns:
        ``ncm_all``, ``ncm_base``, ``ncm_new``: shares after the last experience; ``omega_base``,
        ``omega_all``: divided by the joint network's accuracy on the base classes;
        ``..._per_experience``: by the joint network's of the same experience on all classes
        seen by then;
        averages, forgetting and transfer of
        :func:`simlearn.evaluation.forgetting.incremental_metrics`; ``base_slope``, ``old_slope``:
        accuracy points per experience; and the diagnostics that were measured.
    """
    last = results[-1]
    labels: Tensor = last["labels"]
    parts = {
        "ncm_all": labels >= 0,
        "ncm_base": labels < sizes[0],
        "ncm_new": labels >= sum(sizes[:-1]),
    }
    found = {
        name: share_metric(last["correct"][rows], bootstrap, seed) for name, rows in parts.items()
    }
    figures = _figures(results, ideal) | {k: last[k] for k in DIAGNOSTICS if k in last}
    for name, value in figures.items():
        better = name not in LOWER_IS_BETTER
        found[name] = Metric(float(value), len(labels), None, higher_is_better=better)
    return found | _slopes(results, sizes, bootstrap, seed)


def _figures(results: Results, ideal: Ideal | None) -> dict[str, float]:
    """What the accuracy matrices say."""
    acc, counts = accuracy_rows(results), results[-1]["counts"]
    without = ideal is None or no_ceiling(ideal, counts)
    found = incremental_metrics(
        acc, sizes=counts, joint=None if ideal is None or without else ideal.matrix
    )
    if ideal is not None and without:
        found |= dict.fromkeys(OMEGAS, float("nan"))
    new = forgetting_metrics(acc, sizes=counts, ideal=1.0)["omega_new"]
    omegas = {
        name: found.pop(f"{name}_of_base")
        for name in ("omega_base", "omega_all")
        if ideal is not None
    }
    found["forgetting"] = found.pop("forgetting_max")
    return {**omegas, "omega_new": new, **found}


def _slopes(results: Results, sizes: Sequence[int], bootstrap: int, seed: int) -> dict[str, Metric]:
    """Of the base classes' accuracy, and of that of all classes that came before."""
    labels: Tensor = results[-1]["labels"]
    bounds = torch.tensor(sizes).cumsum(0)
    arrived = torch.bucketize(labels, bounds, right=True)
    right = []
    for row in results:
        full = torch.zeros(len(labels), dtype=torch.bool)
        full[torch.isin(labels, row["labels"])] = row["correct"]
        right.append(full)
    base = labels < sizes[0]
    chosen = {
        "base_slope": ([r[base] for r in right], None),
        "old_slope": (right, arrived),
    }
    found = {}
    for name, (correct, when) in chosen.items():
        slope = old_class_slope(
            correct, when, draws=bootstrap, generator=torch_generator(seed, "slope")
        )
        found[name] = Metric(slope["slope"], slope["n"], slope["interval"], higher_is_better=True)
    return found

"""MINER's stage III: one score per modality and neuron from those of several data sets."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.scores import METRICS

WEIGHTS: dict[str, tuple[float, float, float, float, float]] = {
    "prob": (1.0, 0.0, 0.0, 0.0, 0.0),
    "mean": (0.0, 1.0, 0.0, 0.0, 0.0),
    "max": (0.0, 0.0, 1.0, 0.0, 0.0),
    "attn_k": (0.0, 0.0, 0.0, 1.0, 0.0),
    "attn_q": (0.0, 0.0, 0.0, 0.0, 1.0),
    "mean_max": (0.0, 0.5, 0.5, 0.0, 0.0),
    "attn": (0.0, 0.0, 0.0, 0.5, 0.5),
    "default": (0.0, 0.25, 0.25, 0.5, 0.0),
    "default_q": (0.0, 0.25, 0.25, 0.0, 0.5),
    "equal": (0.2, 0.2, 0.2, 0.2, 0.2),
}
"""The ten weightings of MINER's grid by name, each in the order of ``METRICS``."""


def aggregate_scores(scores: Tensor, weights: Sequence[float] = WEIGHTS["default"]) -> Tensor:
    """Weighted sum over the metrics of the mean over the data sets (arXiv 2410.04819, stage III).

    The mean of a modality is over the data sets in which it occurs, that is, has any score that
    is not 0.

    Args:
        scores: ``(D, 5, M, L, N)``, each data set's mean over its samples, in [0, 1].
        weights: of the five metrics in the order of ``METRICS``; none negative, summing to 1.

    Returns:
        ``(M, L, N)`` in [0, 1], in the precision of ``scores``; 0 for a modality that occurs
        nowhere.

    Raises:
        AnalysisError: scores of another shape, or weights that are not five or do not sum to 1.
    """
    if scores.ndim != 5 or scores.shape[1] != len(METRICS) or not len(scores):
        raise AnalysisError(
            f"scores must be (D, 5, M, L, N), they are {tuple(scores.shape)}; scores of one data "
            "set need scores.unsqueeze(0)"
        )
    values = tuple(float(w) for w in weights)
    if len(values) != len(METRICS) or min(values) < 0 or abs(sum(values) - 1) > 1e-6:
        raise AnalysisError(
            f"weights must be five numbers of at least 0 that sum to 1, one for each of "
            f"{', '.join(METRICS)}; got {values}"
        )
    sets = (scores != 0).any(4).any(3).any(1).sum(0)  # (M,)
    mean = scores.sum(0) / sets.clamp(min=1)[None, :, None, None]
    return torch.einsum("t,tmln->mln", mean.new_tensor(values), mean)

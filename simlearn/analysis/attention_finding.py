"""The finding that MINER's attn_k is nearly its mean, as a bound and as a measurement."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simlearn.analysis.aggregate import WEIGHTS, aggregate_scores
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.selection import select_neurons

MEAN_MAX = (0.0, 0.75, 0.25, 0.0, 0.0)
"""The default weighting with what attn_k has given to the mean: it needs no attention."""


def attn_k_weight_bounds(tokens: int) -> tuple[float, float]:
    """Between which values every token's weight in attn_k lies, whatever the attention is.

    The released code takes a softmax over the queries of probabilities ``a`` in [0, 1] whose rows
    sum to at most 1, among the ``m`` tokens of a modality. By convexity exp(a) <= 1 + (e - 1) a,
    so that a row of exp(a) sums to m at least and m + e - 1 at most, and all of it to m (m + e - 1)
    at most. With S_j >= m the sum of column j of exp(a), a token's weight is::

        sum_j exp(a_ij) / S_j <= (m + e - 1) / m                                  = 1 + c
        sum_j exp(a_ij) / S_j >= sum_j 1 / S_j >= m^2 / sum_j S_j >= m / (m + e - 1) = 1 / (1 + c)

    with c = (e - 1) / m. With equal weights attn_k is m times the mean, and the same after min-max.
    The bound does not hold for ``causal=True``, where the softmax leaves pairs out.

    Args:
        tokens: ``m``, at least 1.

    Returns:
        ``(1 / (1 + c), 1 + c)``.

    Raises:
        AnalysisError: fewer than one token.
    """
    if tokens < 1:
        raise AnalysisError(f"a modality with a weight has at least one token, not {tokens}")
    c = (math.e - 1) / tokens
    return 1 / (1 + c), 1 + c


@dataclass(frozen=True, eq=False)
class AttentionFinding:
    """How near attn_k is to the mean, one entry per modality.

    Attributes:
        names: ``M`` modalities.
        largest: float64 ``(M,)`` in [0, 1]: of attn_k's distances from the mean, the largest of any
            neuron.
        average: float64 ``(M,)``: their average over the neurons.
        same: float64 ``(M,)``: share of the neurons selected by the default weighting that
            ``MEAN_MAX`` selects too; NaN where none is selected.
    """

    names: tuple[str, ...]
    largest: Tensor
    average: Tensor
    same: Tensor


def attention_is_mean(
    scores: Tensor, *, names: Sequence[str], ratio: float = 0.02, strategy: str = "LA_MU"
) -> AttentionFinding:
    """Compare attn_k with the mean, and what they select.

    Args:
        scores: ``(D, 5, M, L, N)``, as for :func:`aggregate_scores`.
        names: of the ``M`` modalities.
        ratio: of the two selections.
        strategy: of the two selections.

    Raises:
        AnalysisError: as for :func:`aggregate_scores` and :func:`select_neurons`; or attn_k is 0
            everywhere because no attention was collected.
    """
    attn_k, mean = (aggregate_scores(scores, WEIGHTS[name]).double() for name in ("attn_k", "mean"))
    if not bool(attn_k.any()):
        raise AnalysisError("the scores hold no attention: collect with attn='reference'")
    gap = (attn_k - mean).abs().flatten(1)
    with_attention, without = (
        select_neurons(aggregate_scores(scores, w), ratio, strategy, names=names)
        for w in (WEIGHTS["default"], MEAN_MAX)
    )
    shared = with_attention & without
    same = [
        len(shared[name]) / len(rows) if len(rows) else math.nan
        for name, rows in with_attention.items()
    ]
    return AttentionFinding(
        names=tuple(names),
        largest=gap.amax(1).cpu(),
        average=gap.mean(1).cpu(),
        same=torch.tensor(same, dtype=torch.float64),
    )

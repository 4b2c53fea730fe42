"""MINER's five importance scores of neurons, from activations or from streamed sums."""

from __future__ import annotations

import torch
from torch import Tensor

from simlearn.analysis.attention_probe import token_weights
from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.layer_sums import LayerSums, layer_sums

METRICS = ("prob", "mean", "max", "attn_k", "attn_q")
"""The scores, in their order along the axis of 5."""
NOISE = 1e-12
"""A span below this share of the largest value is rounding: the vector counts as constant."""


def min_max(v: Tensor, dim: int = -1, *, quirks: bool = False) -> Tensor:
    """``(v - min) / (max - min)`` along one axis: 0 for the smallest value, 1 for the largest.

    Args:
        v: any shape, with at least one entry along ``dim``.
        dim: the axis.
        quirks: divide whatever the span is, as the released code does: a constant vector gives NaN.

    Returns:
        The shape of ``v``, values in [0, 1]. A constant vector gives 0; NaN stays NaN.
    """
    low, high = v.amin(dim, keepdim=True), v.amax(dim, keepdim=True)
    span = high - low
    if quirks:
        return (v - low) / span
    constant = span <= NOISE * torch.maximum(low.abs(), high.abs())
    return torch.where(constant, torch.zeros_like(v), (v - low) / span)


def miner_scores(
    act: Tensor,
    masks: Tensor,
    attn: Tensor | None = None,
    *,
    causal: bool = False,
    quirks: bool = False,
) -> Tensor:
    """MINER's scores of the neurons of one layer, for one sample (arXiv 2410.04819, stage II).

    With ``X`` the activations of a modality's tokens and ``a`` the attention among them::

        prob    share of tokens with X > 0
        mean    mean over the tokens, signed
        max     largest over the tokens
        attn_k  sum over tokens of softmax(a, dim=0).T @ X
        attn_q  sum over tokens of softmax(a, dim=1) @ X

    each min-max normalised over the neurons. The last two are sums of activations weighted by
    token, see :func:`~simlearn.analysis.attention_probe.token_weights`. Note that ``a`` holds
    probabilities already: with the second softmax attn_k is nearly the mean, see
    :mod:`simlearn.analysis.attention_finding`.

    Args:
        act: ``(T, N)`` activations, computed in float64.
        masks: ``(M, T)`` bool, tokens of each modality; they may overlap.
        attn: ``(T, T)`` attention from query (row) to key (column), averaged over the heads; in
            [0, 1], rows summing to 1. ``None``: attn_k and attn_q are 0.
        causal: the second softmax runs over pairs with key <= query only. ``False`` is the
            released code.
        quirks: NaN instead of 0 for a constant vector, as the released code has it.

    Returns:
        ``(5, M, N)`` float64 in [0, 1] in the order of ``METRICS``; 0 for a modality without a
        token and for a constant vector.

    Raises:
        AnalysisError: shapes that do not fit, or activations that are NaN or infinite.
    """
    if act.ndim != 2 or masks.ndim != 2 or masks.shape[1] != act.shape[0]:
        raise AnalysisError(
            f"miner_scores needs act (T, N) and masks (M, T), got {tuple(act.shape)} and "
            f"{tuple(masks.shape)}"
        )
    if masks.dtype != torch.bool:
        raise AnalysisError(f"masks must be bool, they are {masks.dtype}")
    if attn is not None and attn.shape != (len(act), len(act)):
        raise AnalysisError(
            f"attn must be {(len(act), len(act))}, one row per query and one column per key, "
            f"averaged over the heads; it is {tuple(attn.shape)}"
        )
    x = act.double()
    if not bool(torch.isfinite(x).all()):
        raise AnalysisError(
            "the activations hold NaN or infinity; run the model in float32 or bfloat16"
        )
    weights: tuple[Tensor, ...] = ()
    if attn is not None:
        weights = token_weights(attn.double(), masks, causal=causal)
    sums = layer_sums(x.unsqueeze(0), masks.unsqueeze(0), *(w.unsqueeze(0) for w in weights))
    return scores_of_sums(sums, quirks=quirks)[0]


def scores_of_sums(sums: LayerSums, *, quirks: bool = False) -> Tensor:
    """The same scores from the sums of one layer and batch, one sample per row.

    Args:
        sums: of ``B`` rows, ``M`` modalities and ``N`` neurons.
        quirks: NaN instead of 0 for a constant vector.

    Returns:
        ``(B, 5, M, N)`` float64 in [0, 1]; 0 for a modality that a row does not have.
    """
    count = sums.n.unsqueeze(-1)
    there, divisor = count > 0, count.clamp(min=1)
    values = [sums.pos.double() / divisor, sums.sum / divisor, sums.max]
    if sums.attn_k is not None and sums.attn_q is not None:
        values += [sums.attn_k, sums.attn_q]
    scores = [torch.where(there, min_max(v.double(), quirks=quirks), 0.0) for v in values]
    scores += [torch.zeros_like(scores[0])] * (len(METRICS) - len(scores))
    return torch.stack(scores, dim=1)

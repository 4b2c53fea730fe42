"""MINER's stage IV: which neurons a score selects, by five strategies."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from simlearn.analysis.errors import AnalysisError
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.data.exclusions import closest

STRATEGIES = ("adaptive", "LA_MU", "LU_MA", "uniform", "random")
"""LA: layers compete, LU: every layer gets the same; MA and MU: the same of modalities."""
RATIOS = (0.001, 0.005, 0.01, 0.015, 0.02, 0.05, 0.1)
"""The shares of neurons in MINER's grid."""


def select_neurons(
    scores: Tensor,
    ratio: float = 0.02,
    strategy: str = "LA_MU",
    *,
    names: Sequence[str],
    generator: torch.Generator | None = None,
    model: str = "",
    quirks: bool = False,
) -> NeuronSet:
    """The neurons with the highest scores (arXiv 2410.04819, stage IV).

    In all there are ``K = int(ratio * L * N)`` picks; ``M`` counts the modalities that have any
    score. A modality whose scores are all 0 did not occur: its group stays empty.

    ========  =============================================================================
    adaptive  the top K of the sum over modalities; each goes to the modality that scores it
              highest (the earlier one on a tie), so that no two groups share a neuron
    LA_MU     the top K // M of each modality over all layers
    LU_MA     the top K // L of each layer over all modalities
    uniform   the top K // (M * L) of each layer and modality
    random    K different neurons as one group "random"; ``scores`` give but the shape
    ========  =============================================================================

    Of equal scores the lower layer, then the lower neuron comes first. Where groups overlap, their
    union is smaller than K: see :meth:`NeuronSet.share`.

    Args:
        scores: ``(M, L, N)`` of :func:`simlearn.analysis.aggregate.aggregate_scores`.
        ratio: in (0, 1].
        strategy: one of ``STRATEGIES``.
        names: of the ``M`` modalities.
        generator: draws the neurons of "random", which needs it.
        model: fingerprint of the model, carried along by the set.
        quirks: "random" draws layer and neuron with replacement, as the released code does, and
            so finds fewer than K neurons. Nothing else differs.

    Returns:
        One group per modality; one group "random" for that strategy. Empty groups are kept.

    Raises:
        AnalysisError: scores of another shape or with NaN, or none that is not 0; names, ratio or
            strategy wrong; no generator for "random".
    """
    _check(scores, ratio, strategy, names)
    modalities, layers, width = scores.shape
    total = int(ratio * layers * width)
    if strategy == "random":
        picks = {"random": _drawn(layers, width, total, generator, replacement=quirks)}
        return NeuronSet(picks, shape=(layers, width), model=model)
    flat = scores.detach().cpu().reshape(modalities, -1)
    there = (flat != 0).any(1).nonzero()[:, 0].tolist()
    if not there:
        raise AnalysisError("all scores are 0: no modality occurred in any sample")
    rule = {"adaptive": _adaptive, "LA_MU": _la_mu, "LU_MA": _lu_ma, "uniform": _uniform}[strategy]
    chosen = dict(zip(there, rule(flat[there], layers, total), strict=True))
    none = torch.empty(0, dtype=torch.long)
    groups = {n: _pairs(chosen.get(i, none), width) for i, n in enumerate(names)}
    return NeuronSet(groups, shape=(layers, width), model=model)


def ratio_sweep(
    scores: Tensor,
    ratios: Sequence[float] = RATIOS,
    strategy: str = "LA_MU",
    *,
    names: Sequence[str],
    generator: torch.Generator | None = None,
    model: str = "",
) -> dict[float, NeuronSet]:
    """:func:`select_neurons` for several ratios, by ratio in the given order.

    Raises:
        AnalysisError: as there.
    """
    return {
        ratio: select_neurons(
            scores, ratio, strategy, names=names, generator=generator, model=model
        )
        for ratio in ratios
    }


def _check(scores: Tensor, ratio: float, strategy: str, names: Sequence[str]) -> None:
    """Refuse arguments that no selection can be made of."""
    if scores.ndim != 3 or scores.numel() == 0:
        raise AnalysisError(f"scores must be (M, L, N), they are {tuple(scores.shape)}")
    if len(names) != len(scores) or len(set(names)) != len(names):
        raise AnalysisError(f"names must be {len(scores)} different ones, got {tuple(names)}")
    if bool(scores.isnan().any()):
        where = ", ".join(n for n, s in zip(names, scores, strict=True) if bool(s.isnan().any()))
        raise AnalysisError(f"the scores of {where} hold NaN: were the activations NaN?")
    if not 0 < ratio <= 1:
        raise AnalysisError(f"ratio must lie in (0, 1], it is {ratio}")
    if strategy not in STRATEGIES:
        near = closest(strategy, STRATEGIES)
        hint = f"did you mean {near!r}? " if near else ""
        raise AnalysisError(f"{strategy!r} is no strategy; {hint}there are {', '.join(STRATEGIES)}")


def _top(values: Tensor, count: int) -> Tensor:
    """Indices of the highest entries along the last axis, the lower index first on a tie."""
    return values.sort(dim=-1, descending=True, stable=True).indices[..., :count]


def _adaptive(flat: Tensor, layers: int, total: int) -> list[Tensor]:
    best = _top(flat.sum(0), total)
    owner = flat[:, best].argmax(0)  # of equal ones the first
    return [best[owner == m] for m in range(len(flat))]


def _la_mu(flat: Tensor, layers: int, total: int) -> list[Tensor]:
    return list(_top(flat, total // len(flat)))


def _lu_ma(flat: Tensor, layers: int, total: int) -> list[Tensor]:
    modalities, width = len(flat), flat.shape[1] // layers
    by_layer = flat.reshape(modalities, layers, width).movedim(1, 0).reshape(layers, -1)
    best = _top(by_layer, total // layers)
    neuron = best % width + torch.arange(layers)[:, None] * width
    return [neuron[best // width == m] for m in range(modalities)]


def _uniform(flat: Tensor, layers: int, total: int) -> list[Tensor]:
    modalities, width = len(flat), flat.shape[1] // layers
    best = _top(flat.reshape(modalities, layers, width), total // (modalities * layers))
    return list((best + torch.arange(layers)[:, None] * width).flatten(1))


def _drawn(
    layers: int, width: int, total: int, generator: torch.Generator | None, *, replacement: bool
) -> Tensor:
    """``(total, 2)`` random rows; with replacement first all layers, then all neurons are drawn."""
    if generator is None:
        raise AnalysisError("strategy 'random' needs a generator: torch.Generator().manual_seed(0)")
    if not replacement:
        drawn = torch.randperm(layers * width, generator=generator)[:total]
        return _pairs(drawn, width)
    layer = torch.randint(layers, (total,), generator=generator)
    return torch.stack([layer, torch.randint(width, (total,), generator=generator)], 1)


def _pairs(flat: Tensor, width: int) -> Tensor:
    """Rows of (layer, neuron) from indices into the flattened layers."""
    return torch.stack([flat // width, flat % width], dim=1)

"""What every mask cost on every data set, beside its random controls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from simlearn.analysis.mask_effect import MaskEffect, drop_interval
from simlearn.analysis.specificity import AnswersUnderMasks, Specificity, mask_specificity
from simlearn.tasks.answer_measures import media_clusters
from simlearn.tasks.neuron_results import NeuronResults

MEASURES = ("score", "loss", "margin")
"""Accuracy (or the question's own metric), loss in nats, margin in logits."""
OWN = {"image": True, "audio": True, "video": True, "text": False}
"""Whether a modality's own questions are those with a medium."""


@dataclass(frozen=True)
class Effect:
    """One measure of one mask on one data set.

    Attributes:
        group: whose neurons are masked.
        ratio: share that the selection was asked for.
        neurons: how many were masked.
        dataset: whose questions were asked.
        measure: "score", "loss" or "margin".
        plain: mean without a mask.
        masked: mean under the mask.
        effect: drops with intervals; positive is worse in all measures.
    """

    group: str
    ratio: float
    neurons: int
    dataset: str
    measure: str
    plain: float
    masked: float
    effect: MaskEffect


def effects(results: NeuronResults, *, draws: int, seed: int) -> Iterator[Effect]:
    """Every measure of every mask on every data set.

    Args:
        results: what was found.
        draws: resamples; questions about one picture are drawn together.
        seed: of the resamples.
    """
    clusters = media_clusters(results.asked)
    for mask, answers in zip(results.masks, results.masked, strict=True):
        for dataset, rows in results.datasets():
            for measure in MEASURES:
                base = getattr(results.plain, measure).double()[rows]
                under = getattr(answers, measure)[:, rows]
                if bool(base.isnan().all()):
                    continue
                yield Effect(
                    mask.group,
                    mask.ratio,
                    len(mask.neurons.union()),
                    dataset,
                    measure,
                    float(base.nanmean()),
                    float(under[0].nanmean()),
                    drop_interval(
                        base,
                        under[0],
                        under[1:],
                        clusters=clusters[rows],
                        draws=draws,
                        seed=seed,
                        higher_is_better=measure != "loss",
                    ),
                )


@dataclass(frozen=True)
class Cross:
    """Does a modality's mask hurt its own questions more than the others?

    Attributes:
        group: the modality.
        ratio: of the selection.
        measure: "score", "loss" or "margin".
        found: (drop on own - drop on others), less that of random masks.
    """

    group: str
    ratio: float
    measure: str
    found: Specificity


def cross_effects(results: NeuronResults, *, draws: int, seed: int) -> Iterator[Cross]:
    """Specificity of every modality's mask where questions with and without a medium were asked."""
    import torch

    medium = torch.tensor([q.image is not None or q.audio is not None for q in results.asked])
    if bool(medium.all()) or not bool(medium.any()):
        return
    clusters = media_clusters(results.asked)
    for mask, answers in zip(results.masks, results.masked, strict=True):
        if mask.group not in OWN:
            continue
        own = medium if OWN[mask.group] else ~medium
        for measure in MEASURES:
            base = getattr(results.plain, measure).double()
            under = getattr(answers, measure)
            yield Cross(
                mask.group,
                mask.ratio,
                measure,
                mask_specificity(
                    _side(base, under, clusters, own),
                    _side(base, under, clusters, ~own),
                    draws=draws,
                    seed=seed,
                    higher_is_better=measure != "loss",
                ),
            )


def _side(base: Tensor, under: Tensor, clusters: Tensor, rows: Tensor) -> AnswersUnderMasks:
    """The answers to some questions; those about one picture are drawn together."""
    return AnswersUnderMasks(base[rows], under[0, rows], under[1:, rows], clusters[rows])

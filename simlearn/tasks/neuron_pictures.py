"""The pictures of a search for neurons."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from simlearn.analysis.aggregate import WEIGHTS, aggregate_scores
from simlearn.analysis.mask_plan import COMPLEMENT, ONLY
from simlearn.analysis.neuron_set import NeuronSet
from simlearn.analysis.overlap import overlap_by_third, overlap_matrix
from simlearn.report import FigureImage
from simlearn.report.geometry_curves import geometry_curves_figure
from simlearn.report.mask_drops import mask_drops_figure
from simlearn.report.masked_scores import MaskedScore
from simlearn.report.neuron_layers import neuron_layers_figure
from simlearn.report.neuron_overlap import neuron_overlap_figure
from simlearn.report.score_histogram import score_histogram_figure
from simlearn.tasks.neuron_effects import Effect
from simlearn.tasks.neuron_parts import NeuronParts
from simlearn.tasks.neuron_results import Measured, NeuronResults

METRICS = {"score": "accuracy", "loss": "loss", "margin": "margin"}
QUANTILES = torch.tensor([0.025, 0.975], dtype=torch.float64)


def neuron_figures(
    parts: NeuronParts, results: NeuronResults, found: Sequence[Effect]
) -> tuple[FigureImage, ...]:
    """Drops by ratio, neurons by layer, overlap, scores, geometry."""
    protocol = parts.protocol
    chosen = results.sets[protocol.ratio]
    layers, width = results.scores.shape[-2:]
    percent = f"{100 * protocol.ratio:g} %"
    return (
        *drop_figures(results, found),
        *set_figures(chosen, int(layers), int(width), percent),
        histogram(parts, results),
        *geometry_figures(results),
    )


def set_figures(
    chosen: NeuronSet, layers: int, width: int, percent: str
) -> tuple[FigureImage, ...]:
    """Neurons by layer and what groups share; nothing where no group has a neuron.

    Args:
        chosen: selected neurons by group.
        layers: of the model.
        width: neurons of a layer.
        percent: share of the neurons that was selected, in words.
    """
    groups = [name for name in chosen if len(chosen[name])]
    if not groups:
        return ()
    kept = chosen.only(*groups)
    per_layer = kept.per_layer(layers)
    whole, thirds = overlap_matrix(kept), overlap_by_third(kept, layers)
    return (
        neuron_layers_figure(
            torch.stack([per_layer[name] for name in groups]),
            groups,
            title=f"Selected neurons by layer ({percent})",
            width=width,
        ),
        neuron_overlap_figure(
            whole.counts,
            whole.jaccard,
            groups,
            title=f"Neurons that modalities share ({percent})",
            thirds=torch.stack([part.jaccard for part in thirds.values()]),
        ),
    )


def drop_figures(results: NeuronResults, found: Sequence[Effect]) -> tuple[FigureImage, ...]:
    """Accuracy, loss and margin by ratio, a panel per data set, the union's controls as a band."""
    pictures = []
    for measure, metric in METRICS.items():
        rows, lines = [], {}
        for dataset, chosen in results.datasets():
            own = [e for e in found if (e.dataset, e.measure) == (dataset, measure)]
            panel = f"{dataset} questions"
            for e in own:
                if e.group == COMPLEMENT or e.group.startswith(ONLY):
                    continue
                sign = 1.0 if measure == "loss" else -1.0
                ends = sorted(e.plain + sign * end for end in e.effect.interval)
                rows.append(MaskedScore(panel, e.ratio, e.group, e.masked, *_within(ends, measure)))
                answers = results.mask(e.group, e.ratio)
                if e.group == "union" and answers is not None:
                    each = getattr(answers, measure)[1:, chosen].nanmean(dim=1)
                    low, high = torch.quantile(each, QUANTILES).tolist()
                    rows.append(
                        MaskedScore(panel, e.ratio, "random", float(each.mean()), low, high)
                    )
            if own:
                lines[panel] = {"unmasked": own[0].plain}
                if measure == "score":
                    lines[panel]["question only"] = float(results.lookup[chosen].double().mean())
        if rows:
            title = f"{metric.capitalize()} under masks"
            pictures.append(mask_drops_figure(rows, title=title, metric=metric, baselines=lines))
    return tuple(pictures)


def _within(ends: Sequence[float], measure: str) -> tuple[float, float]:
    """An interval, cut to [0, 1] for shares."""
    low, high = ends
    return (max(0.0, low), min(1.0, high)) if measure == "score" else (low, high)


def histogram(parts: NeuronParts, results: NeuronResults) -> FigureImage:
    """Aggregated scores by modality with the lowest selected one."""
    protocol = parts.protocol
    scores = aggregate_scores(results.scores, WEIGHTS[protocol.weights])
    chosen, thresholds = results.sets[protocol.ratio], {}
    for i, name in enumerate(results.names):
        rows = torch.as_tensor(chosen[name]).long()
        if protocol.strategy in ("LA_MU", "adaptive") and len(rows):
            thresholds[name] = float(scores[i, rows[:, 0], rows[:, 1]].min())
    if protocol.strategy == "adaptive":
        thresholds = {}  # one threshold of the sum, none of a modality's own score
    return score_histogram_figure(
        {name: scores[i].flatten() for i, name in enumerate(results.names)},
        thresholds,
        title="Scores and what is selected",
    )


def geometry_figures(results: NeuronResults) -> tuple[FigureImage, ...]:
    """Silhouette, purity and last-token attention by layer; nothing where it was not measured."""
    if results.geometry is None:
        return ()
    before, after = results.geometry.before, results.geometry.after
    found = []
    for quantity, title in (
        ("silhouette", "How far modalities stand apart (silhouette)"),
        ("purity", "Neighbours of the same modality"),
        ("attention", "What the last token looks at"),
    ):
        curves = [_curves(side, quantity) for side in (before, after) if side is not None]
        if curves[0]:
            later = curves[1] if len(curves) > 1 else None
            found.append(geometry_curves_figure(curves[0], later, title=title, quantity=quantity))
    return tuple(found)


def _curves(side: Measured, quantity: str) -> dict[str, torch.Tensor]:
    """One quantity by modality and layer, of those that occurred."""
    geometry, attention = side
    if quantity == "silhouette":
        values = geometry.silhouette
        return {"all": values} if bool(values.isfinite().any()) else {}
    names, table = (
        (geometry.names, geometry.purity)
        if quantity == "purity"
        else (attention.names, attention.mass)
    )
    there = dict(zip(geometry.names, geometry.n.tolist(), strict=True))
    return {name: table[:, i] for i, name in enumerate(names) if there.get(name)}

"""The report of a search for modality-specific neurons."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from simlearn.analysis.adapter import ModelAdapter
from simlearn.analysis.attention_finding import attention_is_mean
from simlearn.analysis.mask_plan import UNION
from simlearn.analysis.overlap import overlap_by_third, overlap_matrix
from simlearn.data.questions import QuestionData
from simlearn.report import Metric, Report, Table, environment
from simlearn.tasks.answer_measures import answer_metrics, mean_metrics
from simlearn.tasks.neuron_effects import Cross, Effect, cross_effects, effects
from simlearn.tasks.neuron_parts import NeuronParts
from simlearn.tasks.neuron_pictures import neuron_figures
from simlearn.tasks.neuron_results import NeuronResults
from simlearn.tasks.run_context import RunContext

COMPARED = (
    *("weights", "strategy", "split", "attn", "causal", "ratio", "value"),
    *("method", "max_new_tokens"),
)
"""What two runs must share for their numbers to stand side by side."""


def neuron_report(
    parts: NeuronParts,
    run: RunContext,
    data: QuestionData,
    adapter: ModelAdapter,
    results: NeuronResults,
    seconds: Mapping[str, float],
) -> Report:
    """All that a run says about itself.

    Args:
        parts: what the configuration describes.
        run: recipe, seed, folder.
        data: the questions.
        adapter: of the model.
        results: what was found.
        seconds: durations by phase.
    """
    protocol = parts.protocol
    draws, ratio = protocol.bootstrap, protocol.ratio
    found = list(effects(results, draws=draws, seed=run.seed))
    cross = list(cross_effects(results, draws=draws, seed=run.seed))

    def shares(right: Any) -> dict[str, Metric]:
        return answer_metrics(results.asked, right, draws=draws, seed=run.seed)

    under = results.mask(UNION, ratio)
    baselines = {
        "question alone": shares(results.lookup),
        "medium blanked": shares(results.blanked.score),
    }
    if under is not None:
        percent = f"{100 * ratio:g} %"
        baselines[f"masked {percent}"] = shares(under.score[0])
        baselines[f"random {percent}"] = shares(under.score[1:].mean(dim=0))
    tables = [drop_table(found), cross_table(cross), overlap_table(results, ratio)]
    attention: dict[str, list[float]] = {}
    if protocol.attn != "none":
        attention = attention_values(results, parts)
        tables.append(attention_table(attention))
    return Report(
        recipe=run.recipe,
        seed=run.seed,
        card=run.card,
        metrics={
            **shares(results.plain.score),
            **mean_metrics(results.asked, results.plain),
            **excess_metrics(found, ratio),
        },
        baselines=baselines,
        train={
            "model": type(adapter.model).__name__,
            "layers": adapter.shape[0],
            "neurons_per_layer": adapter.shape[1],
            "samples_mined": int(results.sample_scores.samples.sum()),
            "neurons_masked": len(results.sets[ratio].union()),
            "random_masks": protocol.controls,
        },
        protocol={
            **data.facts,
            "data_fingerprint": data.fingerprint,
            "model_fingerprint": adapter.fingerprint,
            "asked": protocol.split_asked,
            **{name: getattr(protocol, name) for name in COMPARED},
        },
        seconds=seconds,
        tables=tuple(table for table in tables if table.rows),
        figures=neuron_figures(parts, results, found),
        config=run.config,
        environment=environment(),
        run_dir=run.run_dir,
        notes=notes(found, ratio),
        details={
            "effects": [plain(e) for e in found],
            "specificity": [plain(c) for c in cross],
            "selected": {
                str(r): {name: len(rows) for name, rows in s.items()}
                for r, s in results.sets.items()
            },
            "per_layer": {
                str(r): {name: counts.tolist() for name, counts in s.per_layer().items()}
                for r, s in results.sets.items()
            },
            "attention_is_mean": attention,
            "geometry": geometry_values(results),
        },
    )


def plain(row: Effect | Cross) -> dict[str, Any]:
    """A row of results as JSON takes it."""
    found = asdict(row)
    inner = found.pop("effect", None) or found.pop("found")
    return {**found, **inner}


def excess_metrics(found: Sequence[Effect], ratio: float) -> dict[str, Metric]:
    """``<data set>_excess_drop``: drop under the union less that under random masks."""
    return {
        f"{e.dataset}_excess_drop": Metric(
            e.effect.excess, e.effect.n, e.effect.excess_interval, higher_is_better=True
        )
        for e in found
        if (e.group, e.ratio, e.measure) == (UNION, ratio, "score")
    }


def notes(found: Sequence[Effect], ratio: float) -> tuple[str, ...]:
    """One sentence per data set on the selection against chance, by the rule for claims."""
    sentences = []
    for e in found:
        if (e.group, e.ratio, e.measure) != (UNION, ratio, "score"):
            continue
        low, high = e.effect.excess_interval
        word = (
            "more than" if low > 0 else "less than" if high < 0 else "no differently, as far as "
            "this can be told, from"
        )  # fmt: skip
        sentences.append(
            f"{e.dataset}: masking the {e.neurons} mined neurons hurts {word} masking as many "
            f"random ones in the same layers (difference {100 * e.effect.excess:+.1f} points, "
            f"95 % interval {100 * low:+.1f} to {100 * high:+.1f})."
        )
    return tuple(sentences)


def drop_table(found: Sequence[Effect]) -> Table:
    """Accuracy and loss under every mask, and what random masks of the same size do."""
    by_key: dict[tuple[str, float, str], dict[str, Effect]] = {}
    for e in found:
        by_key.setdefault((e.dataset, e.ratio, e.group), {})[e.measure] = e
    rows = []
    for (dataset, ratio, group), own in sorted(by_key.items(), key=lambda item: item[0][:2]):
        score, loss = own.get("score"), own.get("loss")
        if score is None:
            continue
        rows.append(
            (
                dataset,
                f"{100 * ratio:g} %",
                group,
                score.neurons,
                _points(score.masked),
                _points(score.effect.drop),
                _points(score.effect.random_drop),
                _points(score.effect.excess),
                _interval(score.effect.excess_interval, 100, 1),
                "-" if loss is None else _signed(loss.effect.excess, "loss"),
                "-" if loss is None else _interval(loss.effect.excess_interval, 1, 3),
            )
        )
    return Table(
        title="Drops under masks",
        columns=(
            *("questions", "ratio", "masked", "neurons", "accuracy %", "drop", "random drop"),
            *("excess", "95 % interval", "excess loss", "its 95 % interval"),
        ),
        rows=tuple(rows),
        note="Drops in points of accuracy, losses in nats; positive is worse. Excess: the drop "
        "less the mean drop under random masks with as many neurons in every layer; intervals "
        "over questions (those about one picture together) and random masks.",
    )


def cross_table(cross: Sequence[Cross]) -> Table:
    """Does a modality's mask hurt its own questions more than the others."""
    rows = tuple(
        (
            c.group,
            f"{100 * c.ratio:g} %",
            {"score": "accuracy, points", "loss": "loss, nats", "margin": "margin, logits"}[
                c.measure
            ],
            _signed(c.found.difference, c.measure),
            _signed(c.found.random_difference, c.measure),
            _signed(c.found.excess, c.measure),
            _interval(
                c.found.excess_interval,
                100 if c.measure == "score" else 1,
                1 if c.measure == "score" else 3,
            ),
        )
        for c in cross
        if c.measure != "margin"
    )
    return Table(
        title="Specificity of a modality's neurons",
        columns=("masked", "ratio", "measure", "own - others", "random", "excess", "95 % interval"),
        rows=rows,
        note="Drop on the modality's own questions (with a medium, or text alone) less the drop on "
        "the others; random: the same under random masks of its size.",
    )


def overlap_table(results: NeuronResults, ratio: float) -> Table:
    """Shared neurons of every pair of modalities, whole and by thirds of the layers."""
    chosen = results.sets[ratio]
    layers = results.scores.shape[-2]
    names = [name for name in chosen if len(chosen[name])]
    parts = {
        "all": overlap_matrix(chosen.only(*names)),
        **overlap_by_third(chosen.only(*names), layers),
    }
    rows = [
        (
            f"{names[i]}, {names[j]}",
            third,
            int(part.counts[i, j]),
            round(float(part.expected[i, j]), 2),
            round(float(part.jaccard[i, j]), 3),
        )
        for i in range(len(names))
        for j in range(i)
        for third, part in parts.items()
    ]
    return Table(
        title="Overlap between modalities",
        columns=("modalities", "layers", "shared neurons", "by chance", "Jaccard"),
        rows=tuple(rows),
        note="By chance: mean number shared if each modality's neurons were drawn at random within "
        "each layer.",
    )


def attention_values(results: NeuronResults, parts: NeuronParts) -> dict[str, list[float]]:
    """By modality: largest and mean |attn_k - mean|, and the share of picks that are the same."""
    protocol = parts.protocol
    found = attention_is_mean(
        results.scores, names=results.names, ratio=protocol.ratio, strategy=protocol.strategy
    )
    return {
        name: [float(found.largest[i]), float(found.average[i]), float(found.same[i])]
        for i, name in enumerate(found.names)
    }


def attention_table(values: Mapping[str, Sequence[float]]) -> Table:
    """How near the attention score is to the mean activation."""
    return Table(
        title="Is the attention score more than the mean?",
        columns=("modality", "largest difference", "mean difference", "same picks, %"),
        rows=tuple((name, row[0], row[1], _points(row[2])) for name, row in values.items()),
        note="Scores of attn_k and mean lie in [0, 1]. Same picks: of the default weighting and of "
        "one that gives attn_k's weight to the mean.",
    )


def geometry_values(results: NeuronResults) -> dict[str, Any]:
    """Distances, silhouette, purity and last-token attention, without and with the mask."""
    if results.geometry is None:
        return {}
    found: dict[str, Any] = {}
    for name, side in (("before", results.geometry.before), ("after", results.geometry.after)):
        if side is not None:
            geometry, attention = side
            found[name] = {
                "modalities": geometry.names,
                "tokens": geometry.n,
                "distance": geometry.distance,
                "cosine": geometry.cosine,
                "silhouette": geometry.silhouette,
                "purity": geometry.purity,
                "last_token_attention": attention.mass,
            }
    found["random"] = [one.mass for one in results.geometry.random]
    return found


def _points(value: float) -> str:
    """A share in percent or points."""
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def _signed(value: float, measure: str) -> str:
    """A difference in points, nats or logits."""
    if math.isnan(value):
        return "-"
    return f"{100 * value:+.1f}" if measure == "score" else f"{value:+.3f}"


def _interval(ends: tuple[float, float], factor: float, digits: int) -> str:
    """Both ends of an interval."""
    if any(math.isnan(end) for end in ends):
        return "-"
    return " to ".join(f"{factor * end:+.{digits}f}" for end in ends)

"""The report of a search for wrong steps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from simlearn.analysis.errorradar.blind_answers import label_baselines
from simlearn.analysis.errorradar.error_protocol import ErrorRadar
from simlearn.analysis.errorradar.mask_table import MaskEffects, mask_effects
from simlearn.analysis.errorradar.mask_variants import MaskVariant
from simlearn.analysis.errorradar.metrics import error_radar_metrics
from simlearn.analysis.errorradar.prompt_style import PromptStyle
from simlearn.analysis.errorradar.record_source import RecordData
from simlearn.report import Metric, Report, environment
from simlearn.tasks.error_human import named_values
from simlearn.tasks.error_mask_table import mask_sentences
from simlearn.tasks.error_metrics import as_metrics, metric_counts
from simlearn.tasks.error_parts import ErrorParts
from simlearn.tasks.error_pictures import error_figures
from simlearn.tasks.error_results import ErrorResults
from simlearn.tasks.error_rivals import compared_values
from simlearn.tasks.error_tables import error_tables, human_sentences
from simlearn.tasks.run_context import RunContext

SHOWN = ("step_accuracy", "step_within_one", "step_f1", "category_accuracy", "category_macro_f1")
"""Of the baselines, with ``joint_accuracy``."""


def run_protocol(data: RecordData, protocol: ErrorRadar, style: PromptStyle) -> dict[str, object]:
    """What two models must share for their numbers to stand in one table; not the model."""
    words = json.dumps(asdict(style), sort_keys=True)
    return {
        **data.facts,
        "data_fingerprint": data.fingerprint,
        "ask": protocol.ask,
        "style": hashlib.blake2b(words.encode(), digest_size=8).hexdigest(),
        "tell_step": protocol.tell_step,
        "none_allowed": data.none_allowed,
    }


def error_report(
    parts: ErrorParts,
    run: RunContext,
    results: ErrorResults,
    variants: Sequence[MaskVariant],
    shared: Mapping[str, object],
    seconds: Mapping[str, float],
) -> Report:
    """All that a run says about itself.

    Args:
        parts: what the configuration describes.
        run: recipe, seed, folder.
        results: counted rows.
        variants: masks; none without ``evaluation.neurons``.
        shared: of :func:`run_protocol`.
        seconds: durations by phase.
    """
    draws = parts.protocol.bootstrap
    found = error_radar_metrics(results.tally, draws=draws, seed=run.seed)
    metrics = as_metrics(found, metric_counts(results.tally))
    labels = (
        {"gold_step": r.error_step, "n_steps": r.n_steps, "gold_category": r.error_category}
        for r in results.data.records()
    )
    blind = {
        name: {
            key: Metric(values[key], metrics[key].n, None, higher_is_better=True)
            for key in (*SHOWN, "joint_accuracy")
            if key in metrics
        }
        for name, values in label_baselines(labels).items()
    }
    effects: list[MaskEffects] = []
    if variants:
        effects = mask_effects(results.by_variant, variants, draws=draws, seed=run.seed)
    human = gap = None
    if results.human is not None:
        human = results.human.scores(draws=draws, seed=run.seed)
        gap = results.human.gap(results.rights, draws=draws, seed=run.seed)
    usage = results.usage
    return Report(
        recipe=run.recipe,
        seed=run.seed,
        card=run.card,
        metrics=metrics,
        baselines=blind,
        train={
            "model": results.name,
            "weights": results.weights,
            "problems": results.data.n,
            "replies": usage.replies,
            "without reply": usage.missing,
            "cut at the most tokens": usage.cut,
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "seconds of all replies": round(usage.seconds, 1),
        },
        protocol=shared,
        seconds=seconds,
        tables=tuple(error_tables(results, found, blind, human, effects, draws, run.seed)),
        figures=tuple(error_figures(results, found, blind, human, effects)),
        config=run.config,
        environment=environment(),
        run_dir=run.run_dir,
        subject=results.name,
        work="Asking",
        notes=(
            *results.data.notes,
            *results.notes,
            *(human_sentences(gap) if gap is not None else ()),
            *mask_sentences(effects),
        ),
        details={
            "model": {
                "name": results.name,
                "weights": results.weights,
                "images": parts.protocol.images,
                "called_itself": usage.models or {},
            },
            "error_radar": found,
            "compared": [compared_values(rival) for rival in results.rivals],
            "masks": [row for effect in effects for row in effect.records()],
            "masked_neurons": {v.name: len(v.neurons.union()) for v in variants},
            "human": named_values(human),
            "human_gap": named_values(gap),
            "human_file": None if results.human is None else results.human.digest,
        },
    )

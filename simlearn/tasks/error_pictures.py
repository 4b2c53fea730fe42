"""The pictures of a search for wrong steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from simlearn.analysis.errorradar import request_questions
from simlearn.analysis.errorradar.human_ratings import HumanScores
from simlearn.analysis.errorradar.mask_table import MaskEffects
from simlearn.analysis.errorradar.record import Record
from simlearn.data.errors import DataError
from simlearn.report import FigureImage, Metric
from simlearn.report.error_confusion import error_confusion_figure
from simlearn.report.error_example import ErrorExample
from simlearn.report.error_examples import error_examples_figure
from simlearn.report.mask_table_bars import METRICS, MaskDrop, mask_bars_figure
from simlearn.report.model_bars import ModelScore, model_bars_figure
from simlearn.report.step_positions import (
    LENGTHS,
    POSITIONS,
    StepShare,
    length_group,
    step_positions_figure,
)
from simlearn.tasks.error_results import ErrorResults, Example

NAN = math.nan
MODELS = 16


def error_figures(
    results: ErrorResults,
    found: Mapping[str, Any],
    blind: Mapping[str, Mapping[str, Metric]],
    human: HumanScores | None,
    effects: Sequence[MaskEffects],
) -> Iterator[FigureImage]:
    """Models, kinds of errors, positions, examples, masks; those that have something to show.

    Args:
        results: names, rivals, examples.
        found: of ``error_radar_metrics``.
        blind: baselines.
        human: scores of people.
        effects: of masks.
    """
    scores = model_scores(results, found, blind, human)
    if any(math.isfinite(one.step) or math.isfinite(one.category) for one in scores):
        yield model_bars_figure(scores[:MODELS], title="Models")
    if sum(map(sum, found["confusion"])):
        yield error_confusion_figure(
            found["confusion"], title="Which kind of error is taken for which"
        )
    shares = step_shares(results, found)
    if shares:
        yield step_positions_figure(shares, title="Where the wrong step is found")
    if results.examples:
        yield error_examples_figure(
            [shown(one) for one in results.examples], title="Solutions and replies"
        )
    drops = mask_drops(effects)
    if drops:
        yield mask_bars_figure(drops, title="Under masks over neurons")


def model_scores(
    results: ErrorResults,
    found: Mapping[str, Any],
    blind: Mapping[str, Mapping[str, Metric]],
    human: HumanScores | None,
) -> list[ModelScore]:
    """This run first, then other models, people, baselines."""

    def ends(values: Mapping[str, Any], name: str) -> tuple[float, float]:
        low, high = values.get(name) or (NAN, NAN)
        return _number(low), _number(high)

    between = found.get("intervals", {})
    scores = [
        ModelScore(
            *(results.name, "this", found["step_accuracy"], *ends(between, "step_accuracy")),
            *(found["category_accuracy"], *ends(between, "category_accuracy")),
            found["joint_accuracy"],
        )
    ]
    for rival in results.rivals:
        value = {name: entry.get("value") for name, entry in rival.test.items()}
        both = {name: entry.get("interval") for name, entry in rival.test.items()}
        step, category, joint = (
            _number(value.get(f"{name}_accuracy")) for name in ("step", "category", "joint")
        )
        kind = "open" if rival.weights == "open" else "closed"
        scores.append(
            ModelScore(
                *(rival.name, kind, step, *ends(both, "step_accuracy")),
                *(category, *ends(both, "category_accuracy"), joint),
            )
        )
    if human is not None:
        found_step, named = human.step.accuracy, human.category.accuracy
        scores.append(
            ModelScore(
                *("people", "human", found_step.value, *found_step.interval),
                *(named.value, *named.interval),
            )
        )
    for name, metrics in blind.items():
        values = [
            metrics[key].value if key in metrics else NAN
            for key in ("step_accuracy", "category_accuracy", "joint_accuracy")
        ]
        scores.append(
            ModelScore(name, "baseline", step=values[0], category=values[1], joint=values[2])
        )
    return scores


def _number(value: float | None) -> float:
    """What JSON has as null is nan."""
    return NAN if value is None else float(value)


def step_shares(results: ErrorResults, found: Mapping[str, Any]) -> list[StepShare]:
    """Bars of step accuracy by place and by length, those that have a solution."""
    order = {
        "position": list(POSITIONS),
        "length": [*(length_group(high) for _, high in LENGTHS), length_group(LENGTHS[-1][1] + 1)],
    }
    rows = []
    for panel, names in order.items():
        for name in names:
            group = results.groups.get((panel, name))
            if group is None or not group.n:
                continue
            key = f"step_accuracy_{name.split()[0]}"
            low, high = found.get("intervals", {}).get(key, (NAN, NAN))
            share, chance = group.right / group.n, group.chance / group.n
            rows.append(StepShare(panel, name, group.n, share, low, high, chance))
    return rows


def shown(one: Example) -> ErrorExample:
    """A solution as it is drawn."""
    row = one.row
    parts = [key for key in ("pred_step", "pred_category") if key in row]
    asked: Literal["joint", "step", "category"] = "joint"
    if len(parts) == 1:
        asked = "step" if parts == ["pred_step"] else "category"
    return ErrorExample(
        question=one.record.question,
        steps=one.record.steps,
        gold_step=one.record.error_step,
        said_step=row.get("pred_step"),
        gold_category=one.record.error_category,
        said_category=row.get("pred_category"),
        reply=one.text,
        image=picture(one.record),
        id=one.record.id,
        asked=asked,
    )


def picture(record: Record) -> np.ndarray | None:
    """The figure as uint8 ``(H, W, 3)``; nothing where there is none or it cannot be read."""
    if record.image is None:
        return None
    try:
        return request_questions.picture(record.image, record.id)
    except DataError:
        return None


def mask_drops(effects: Sequence[MaskEffects]) -> list[MaskDrop]:
    """Bars of every mask that lost or won something."""
    rows = [
        MaskDrop(effect.group, name, one.drop, one.random_drop, *one.interval)
        for effect in effects
        for name, one in effect.metrics.items()
        if name in METRICS
    ]
    return rows if any(math.isfinite(row.drop) for row in rows) else []

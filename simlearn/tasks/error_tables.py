"""The tables of a search for wrong steps, and its findings in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simlearn.analysis.errorradar.human_ratings import HumanGap, HumanScores
from simlearn.analysis.errorradar.mask_table import MaskEffects
from simlearn.analysis.errorradar.mcnemar import mcnemar_test
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES
from simlearn.report import Metric, Table
from simlearn.report.wording import one_line
from simlearn.tasks.error_cells import between_points, percent, plain, signed, with_interval
from simlearn.tasks.error_mask_table import mask_table
from simlearn.tasks.error_results import ErrorResults

WITH_INTERVAL = ("step_accuracy", "category_accuracy", "category_macro_f1", "joint_accuracy")
MODEL_COLUMNS = ("step_accuracy", "step_within_one", "category_accuracy", "category_macro_f1")


def error_tables(
    results: ErrorResults,
    found: Mapping[str, Any],
    blind: Mapping[str, Mapping[str, Metric]],
    human: HumanScores | None,
    effects: Sequence[MaskEffects],
    draws: int,
    seed: int,
) -> Iterator[Table]:
    """All tables that have a row.

    Args:
        results: names, rivals, what is right where.
        found: of ``error_radar_metrics``.
        blind: baselines.
        human: scores of people.
        effects: of masks.
        draws: resamples of the paired intervals.
        seed: of the resamples.
    """
    tables = [
        model_table(results, found, blind, human),
        rival_table(results, draws, seed),
        category_table(found),
        confusion_table(found),
        type_table(found),
        human_table(human),
        mask_table(effects),
    ]
    yield from (table for table in tables if table.rows)


def model_table(
    results: ErrorResults,
    found: Mapping[str, Any],
    blind: Mapping[str, Mapping[str, Metric]],
    human: HumanScores | None,
) -> Table:
    """This model, other ones, people and blind answers."""
    names = (*MODEL_COLUMNS, "joint_accuracy", "step_parse_failures", "category_parse_failures")
    ends = found.get("intervals", {})

    def cells(values: Mapping[str, Any], between: Mapping[str, Any]) -> list[str]:
        return [
            with_interval(values.get(name), between.get(name) if name in WITH_INTERVAL else None)
            for name in names
        ]

    rows = [(f"{one_line(results.name, 60)} (this run)", results.weights, *cells(found, ends))]
    for rival in results.rivals:
        test = {name: entry.get("value") for name, entry in rival.test.items()}
        between = {name: entry.get("interval") for name, entry in rival.test.items()}
        rows.append((one_line(rival.name, 60), rival.weights, *cells(test, between)))
    if human is not None:
        values = {
            "step_accuracy": human.step.accuracy.value,
            "category_accuracy": human.category.accuracy.value,
        }
        between = {
            "step_accuracy": human.step.accuracy.interval,
            "category_accuracy": human.category.accuracy.interval,
        }
        rows.append((f"people, {human.n} problems", "-", *cells(values, between)))
    for name, metrics in blind.items():
        rows.append((name, "-", *cells({k: m.value for k, m in metrics.items()}, {})))
    return Table(
        title="Models",
        columns=(
            *("model", "weights", "step %", "within one %", "category %", "macro-F1 %"),
            *("both %", "no step %", "no category %"),
        ),
        rows=tuple(rows),
        note="In brackets 95 % intervals over problems. No step, no category: replies that could "
        "not be read, or none; they count as wrong. "
        "Majority: the most frequent category and step; uniform: exact expectations.",
    )


def rival_table(results: ErrorResults, draws: int, seed: int) -> Table:
    """This model against each other one on the same problems."""
    rows = []
    for rival in results.rivals:
        for place, task in enumerate(("step", "category")):
            pairs = [
                (ours[place], rival.rights[key][place])
                for key, ours in results.rights.items()
                if key in rival.rights
            ]
            both = [(bool(a), bool(b)) for a, b in pairs if a is not None and b is not None]
            if not both:
                continue
            test = mcnemar_test([a for a, _ in both], [b for _, b in both], draws=draws, seed=seed)
            rows.append(
                (
                    *(one_line(rival.name, 60), task, len(both), test.only_a, test.only_b),
                    signed(test.difference),
                    between_points(test.interval),
                    f"{test.p:.2g}",
                )
            )
    return Table(
        title="This model beside the others",
        columns=(
            *("other model", "asked for", "problems", "only this is right", "only the other"),
            *("difference, points", "95 % interval", "McNemar's exact p"),
        ),
        rows=tuple(rows),
        note="Interval: paired bootstrap over problems. The p-values are of single comparisons.",
    )


def category_table(found: Mapping[str, Any]) -> Table:
    """Precision, recall and F1 of every kind of error, and how often its step is found."""
    per = found["per_category"]
    rows = tuple(
        (
            *(f"{code}, {NAMES[code]}", per[code]["n"], percent(per[code]["precision"])),
            with_interval(
                per[code]["recall"] if per[code]["n"] else None, per[code].get("recall_interval")
            ),
            *(percent(per[code]["f1"]), percent(per[code]["step_accuracy"])),
        )
        for code in CATEGORIES
        if found["n_category"]
    )
    return Table(
        title="Kinds of errors",
        columns=("kind", "problems", "precision %", "recall %", "F1 %", "step accuracy %"),
        rows=rows,
    )


def confusion_table(found: Mapping[str, Any]) -> Table:
    """Named as which kind, in counts."""
    rows = tuple((code, *row) for code, row in zip(CATEGORIES, found["confusion"], strict=True))
    asked = any(any(row[1:]) for row in rows)
    return Table(
        title="Which kind is taken for which",
        columns=("true kind", *CATEGORIES, "unread"),
        rows=rows if asked else (),
    )


def type_table(found: Mapping[str, Any]) -> Table:
    """By type of problem."""
    rows = tuple(
        (
            *(one_line(name.replace("_", " "), 40), entry["n"]),
            with_interval(entry["step_accuracy"], entry.get("step_accuracy_interval")),
            with_interval(entry["category_accuracy"], entry.get("category_accuracy_interval")),
            percent(entry["category_macro_f1"]),
            with_interval(entry["joint_accuracy"], entry.get("joint_accuracy_interval")),
        )
        for name, entry in found["per_problem_type"].items()
    )
    return Table(
        title="Types of problems",
        columns=("type", "problems", "step %", "category %", "macro-F1 %", "both %"),
        rows=rows,
    )


def human_table(human: HumanScores | None) -> Table:
    """Every rater, and how far they agree."""
    rows: list[tuple[str | float | int | None, ...]] = []
    for task in ("step", "category") if human is not None else ():
        scores = getattr(human, task)
        for rater, one in scores.raters.items():
            rows.append(
                (task, one_line(rater, 40), one.n, with_interval(one.value, one.interval), "", "")
            )
        agree = scores.agreement
        whole = scores.accuracy
        rows.append(
            (
                *(task, "all", whole.n, with_interval(whole.value, whole.interval)),
                *(percent(agree.agreement), plain(agree.kappa)),
            )
        )
    return Table(
        title="People",
        columns=("sub-task", "rater", "problems", "right %", "pairs that agree %", "Fleiss' kappa"),
        rows=tuple(rows),
        note="All: mean over problems of the share of their raters that are right.",
    )


def human_sentences(gap: HumanGap) -> Iterator[str]:
    """How far the model is from people."""
    for task, one in gap._asdict().items():
        if one.n:
            yield (
                f"{task}: on {one.n} problems that people rated the model has "
                f"{100 * one.model:.1f} % right and people {100 * one.human:.1f} % (difference "
                f"{signed(one.difference)} points, 95 % interval {between_points(one.interval)})."
            )

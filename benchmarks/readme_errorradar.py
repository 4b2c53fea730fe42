"""The tables of ErrorRadar on small models for README.md and docs/errorradar.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from results import read_result
from rows import duration

from simlearn.tasks.error_summary import COLUMNS

SHOWN = {key: word for key, word in COLUMNS.items() if key != "step_f1"}
"""Metrics of problems that all have a wrong step."""
BLIND = ("majority", "uniform", "last step")
TITLES = {"LLaVA": "small LLaVA, trained on such problems"}
METRICS = {
    "step_accuracy": "step",
    "category_accuracy": "category",
    "visual_recall": "recall of VIS",
    "other_recall": "recall of the other kinds",
    "visual_excess": "recall of VIS less that of the others",
}
JOBS = {
    "metrics": "read and check records, read replies, all metrics with 2,000 resamples",
    "run": "what a resumed run does after the last reply: prompts, keys, store, rows, metrics",
}


def errorradar_short() -> str:
    """The README's table."""
    return model_table(read_result("errorradar"))


def errorradar_page() -> dict[str, str]:
    """Sections of docs/errorradar.md."""
    result = read_result("errorradar")
    return {
        "errors": model_table(result),
        "kinds": kind_table(result),
        "masks": mask_table(result),
        "scoring": scoring_table(read_result("errorradar_scoring")),
    }


def cell(values: Sequence[float | None]) -> str:
    """Mean in percent, with [lowest, highest] where there are several."""
    known = [100 * v for v in values if v is not None]
    if not known:
        return ""
    between = f" [{min(known):.1f}, {max(known):.1f}]" if len(known) > 1 else ""
    return f"{sum(known) / len(known):.1f}{between}"


def by_model(result: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Model -> its rows, one per seed."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in result["rows"]:
        found.setdefault(row["model"], []).append(row)
    return found


def model_table(result: Mapping[str, Any]) -> str:
    """Models beside blind answers on the same problems."""
    lines = [
        f"| on {result['problems']} drawn problems, percent | {' | '.join(SHOWN.values())} |",
        f"|---|{'---|' * len(SHOWN)}",
    ]
    for name, rows in by_model(result).items():
        title = TITLES.get(name, f"{name}, without figures")
        cells = [cell([row["test"].get(key, {}).get("value") for row in rows]) for key in SHOWN]
        seeds = f" ({len(rows)} seeds)" if len(rows) > 1 else ""
        lines.append(f"| {title}{seeds} | {' | '.join(cells)} |")
    for name in BLIND:
        values = result["rows"][0]["baselines"][name]
        lines.append(f"| {name} | {' | '.join(cell([values.get(key)]) for key in SHOWN)} |")
    return "\n".join(lines)


def kind_table(result: Mapping[str, Any]) -> str:
    """By kind of error: recall, precision, and how often its step is found."""
    lines = [
        "| model | kind | problems | precision | recall | F1 | step found |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, rows in by_model(result).items():
        for i, code in enumerate(rows[0]["per_category"]):
            own = [row["per_category"][code] for row in rows]
            cells = [
                cell([one[key] for one in own])
                for key in ("precision", "recall", "f1", "step_accuracy")
            ]
            lines.append(
                f"| {name if i == 0 else ''} | {code} | {own[0]['n']} | {' | '.join(cells)} |"
            )
    return "\n".join(lines)


def mask_table(result: Mapping[str, Any]) -> str:
    """What masks cost beyond random ones, by seed."""
    lines = [
        "| seed | masked | neurons | metric | without | masked | random | excess drop |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        for entry in row["masks"]:
            if entry["metric"] not in METRICS:
                continue
            low, high = entry["excess_low"], entry["excess_high"]
            clear = low is not None and (low > 0 or high < 0)
            excess = f"{points(entry['excess'])} [{points(low)}, {points(high)}]"
            shares = " | ".join(cell([entry[key]]) for key in ("unmasked", "masked", "random"))
            lines.append(
                f"| {row['seed']} | {entry['mask']} | {row['masked_neurons'][entry['mask']]} "
                f"| {METRICS[entry['metric']]} | {shares} "
                f"| {f'**{excess}**' if clear else excess} |"
            )
    return "\n".join(lines)


def points(value: float | None) -> str:
    """A difference of shares in points."""
    return "-" if value is None else f"{100 * value:+.1f}"


def scoring_table(result: Mapping[str, Any]) -> str:
    """Seconds and memory of reading and scoring."""
    lines = [
        f"| {result['records']:,} records, one thread | median | more memory than for a tenth |",
        "|---|---|---|",
    ]
    for name, words in JOBS.items():
        row = result["jobs"][name]
        lines.append(
            f"| {words} | {duration(row['median_seconds'])} | {row['growth_mib']:.1f} MiB (the "
            f"records are {row['records_mib']:.0f} MiB) |"
        )
    return "\n".join(lines)

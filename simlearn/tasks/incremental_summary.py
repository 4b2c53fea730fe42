"""The last lines of a class-incremental run on the terminal."""

from __future__ import annotations

from simlearn.report import Metric, Report
from simlearn.report.wording import metric_interval, metric_label, metric_number, number

SHOWN = (
    *("ncm_base", "ncm_new", "omega_base", "omega_new", "omega_all_per_experience"),
    *("forgetting", "ncm_real"),
)
"""Metrics below the table of models, in order."""


def incremental_lines(report: Report) -> list[str]:
    """Accuracy on all classes of every model, what was forgotten, and the bytes behind it."""
    rows = {str(report.train["strategy"]): report.metrics, **report.baselines}
    lines = [f"{'':24} {'all classes':>11}   95 % interval    images"]
    lines += [_row(name, metrics["ncm_all"]) for name, metrics in rows.items()]
    for name in SHOWN:
        if name in report.metrics:
            value = metric_number(name, report.metrics[name].value).replace("\u00a0", " ")
            lines.append(f"{metric_label(name):24} {value:>11}")
    kept = number(report.train["memory_bytes"]).replace("\u2009", ",")
    return [*lines, f"{'bytes kept':24} {kept:>11}"]


def _row(name: str, metric: Metric) -> str:
    value = metric_number("ncm_all", metric.value).replace("\u00a0", " ")
    return f"{name:24} {value:>11}   {metric_interval('ncm_all', metric.interval):14} {metric.n:8d}"

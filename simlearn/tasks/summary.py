"""The last lines of a run on the terminal: the numbers and the protocol behind them."""

from __future__ import annotations

from collections.abc import Mapping

from simlearn.report import Metric, Report
from simlearn.report.wording import metric_interval, metric_number, one_line
from simlearn.tasks.answer_summary import answer_lines, answers_questions
from simlearn.tasks.error_summary import error_lines, finds_errors
from simlearn.tasks.incremental_summary import incremental_lines

HEAD = f"{'':20} {'top-1':>7}   {'95 % interval':14} {'MAP@R':>7}   queries"


def summary_lines(report: Report) -> list[str]:
    """What was measured of every model and how, notes, and the page.

    Args:
        report: of a finished run.
    """
    if finds_errors(report):
        lines = error_lines(report)
    elif answers_questions(report):
        lines = answer_lines(report)
    else:
        lines = incremental_lines(report) if "ncm_all" in report.metrics else _retrieval(report)
    more = {k: m for k, m in report.metrics.items() if k.startswith(("nshot_", "verification_"))}
    lines += [f"{name:40} {_value(name, m)}   {_between(name, m)}" for name, m in more.items()]
    if more:
        lines += ["protocol:", *(f"  {key}: {value}" for key, value in report.protocol.items())]
    notes = [f"note: {one_line(note, 400)}" for note in report.notes]
    return [line.rstrip() for line in [*lines, *notes, f"report: {report.report_path}"]]


def _retrieval(report: Report) -> list[str]:
    rows = {"trained": report.metrics, **report.baselines}
    return [HEAD, *(_row(name, metrics) for name, metrics in rows.items())]


def _row(name: str, metrics: Mapping[str, Metric]) -> str:
    top, mean = metrics["recall_at_1"], metrics["map_at_r"]
    between = _between("recall_at_1", top)
    return (
        f"{name:20} {_value('recall_at_1', top)}   {between:14} {_value('map_at_r', mean)}   "
        f"{top.n:7d}"
    )


def _value(name: str, metric: Metric) -> str:
    """Seven letters or more: ``" 60.9 %"``, ``" 0.9713"``, ``"      -"``."""
    return f"{metric_number(name, metric.value)}".replace("\u00a0", " ").rjust(7)


def _between(name: str, metric: Metric) -> str:
    return "" if metric.interval is None else metric_interval(name, metric.interval)

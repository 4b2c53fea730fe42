"""The last lines of a run on the terminal: the numbers and the protocol behind them."""

from __future__ import annotations

from collections.abc import Mapping

from simlearn.report import Metric, Report

HEAD = f"{'':20} {'top-1':>7}   {'95 % interval':14} {'MAP@R':>7}   queries"


def summary_lines(report: Report) -> list[str]:
    """Retrieval of every model, then whatever else was measured, then the protocol in full.

    Args:
        report: of a metric-learning run.
    """
    rows = {"trained": report.metrics, **report.baselines}
    lines = [HEAD, *(_row(name, metrics) for name, metrics in rows.items())]
    shown = ("nshot_", "verification_")
    more = {k: m for k, m in report.metrics.items() if k.startswith(shown)}
    lines += [f"{name:40} {_share(m)}   {_between(m)}".rstrip() for name, m in more.items()]
    if more:
        lines += ["protocol:", *(f"  {key}: {value}" for key, value in report.protocol.items())]
    return [*lines, f"report: {report.report_path}"]


def _row(name: str, metrics: Mapping[str, Metric]) -> str:
    top, mean = metrics["recall_at_1"], metrics["map_at_r"]
    return f"{name:20} {_share(top)}   {_between(top):14} {_share(mean)}   {top.n:7d}"


def _share(metric: Metric) -> str:
    return f"{100 * metric.value:5.1f} %"


def _between(metric: Metric) -> str:
    if metric.interval is None:
        return ""
    return f"[{100 * metric.interval[0]:.1f}, {100 * metric.interval[1]:.1f}]"

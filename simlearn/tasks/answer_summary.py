"""The last lines of a run of questions on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from simlearn.report import Metric, Report
from simlearn.report.wording import metric_interval, metric_number

ENDING = "_accuracy"


def answers_questions(report: Report) -> bool:
    """Whether the report is of questions: all that it says of other models is accuracies."""
    return bool(report.baselines) and all(
        name.endswith(ENDING) for metrics in report.baselines.values() for name in metrics
    )


def answer_lines(report: Report) -> list[str]:
    """Accuracy by data set and kind, a column for the model and for what it is compared with."""
    models: dict[str, Mapping[str, Metric]] = {"model": report.metrics, **report.baselines}
    names = [name for name in report.metrics if name.endswith(ENDING)]
    wide = max([9, *(len(model) for model in models)]) + 2
    lines = [
        "".join([f"{'':24}", *(f"{m:>{wide}}" for m in models), "   95 % interval   questions"])
    ]
    for name in names:
        cells = "".join(f"{_value(name, found.get(name)):>{wide}}" for found in models.values())
        metric = report.metrics[name]
        between = "" if metric.interval is None else metric_interval(name, metric.interval)
        title = name.removesuffix(ENDING).replace("_", " ")
        lines.append(f"{title[:24]:24}{cells}   {between:15} {metric.n:9d}")
    return lines


def _value(name: str, metric: Metric | None) -> str:
    """A share in percent; nothing where it was not measured."""
    if metric is None:
        return ""
    return metric_number(name, metric.value).replace("\u00a0", " ")

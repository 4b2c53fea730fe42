"""The last lines of a search for wrong steps on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from simlearn.report import Metric, Report
from simlearn.report.wording import metric_interval, metric_number, one_line, visible
from simlearn.tasks.error_dry_run import PROMPTS

COLUMNS = {
    "step_accuracy": "step",
    "step_within_one": "within one",
    "category_accuracy": "category",
    "category_macro_f1": "macro-F1",
    "joint_accuracy": "both",
}


def finds_errors(report: Report) -> bool:
    """Whether the report is of a search for wrong steps."""
    return "error_radar" in report.details or bool(report.details.get("dry_run"))


def error_lines(report: Report) -> list[str]:
    """This model and blind answers in one table; of a dry run the prompts.

    Args:
        report: of a search for wrong steps.
    """
    if report.details.get("dry_run"):
        return prompt_lines(report)
    names = [name for name in COLUMNS if name in report.metrics]
    models: list[tuple[str, Mapping[str, Metric]]] = [
        (one_line(model, 40), metrics)
        for model, metrics in [
            (str(report.train["model"]), report.metrics),
            *report.baselines.items(),
        ]
    ]
    wide = max(len(model) for model, _ in models)
    lines = [" " * wide + "".join(f"{COLUMNS[name]:>12}" for name in names)]
    for model, metrics in models:
        cells = "".join(f"{_value(name, metrics.get(name)):>12}" for name in names)
        lines.append(f"{model:{wide}}{cells}")
    for name in names:
        metric = report.metrics[name]
        between = metric_interval(name, metric.interval)
        lines.append(f"{COLUMNS[name]:12} 95 % interval {between:16} {metric.n} problems")
    for name in ("step_parse_failures", "category_parse_failures"):
        if name in report.metrics:
            what = name.split("_")[0]
            lines.append(f"{what} not readable in {_value(name, report.metrics[name])}")
    return lines


def prompt_lines(report: Report) -> list[str]:
    """The prompts of a dry run, whole."""
    lines: list[str] = []
    for table in report.tables:
        if table.title == PROMPTS:
            for name, task, image, system, text in table.rows:
                lines.append(f"--- {one_line(str(name))} ({task}), figure: {one_line(str(image))}")
                lines += [visible(str(part)) for part in (system, text) if part]
    return [*lines, "---"]


def _value(name: str, metric: Metric | None) -> str:
    """A share in percent; nothing where it was not measured."""
    if metric is None:
        return ""
    return metric_number(name, metric.value).replace("\u00a0", " ")

"""The last lines of a search for wrong steps on the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from simlearn.report import Metric, Report
from simlearn.report.wording import metric_interval, metric_number, one_line, visible
from simlearn.tasks.error_dry_run import PROMPTS

COLUMNS = {
    "step_accuracy": "step",
    "step_within_one": "within one",
    "step_f1": "step F1",
    "category_accuracy": "category",
    "category_macro_f1": "macro-F1",
    "joint_accuracy": "both",
}


def finds_errors(report: Report) -> bool:
    """Whether the report is of a search for wrong steps."""
    return "error_radar" in report.details or bool(report.details.get("dry_run"))


def error_lines(report: Report) -> list[str]:
    """This model, compared runs and blind answers in one table; of a dry run the prompts.

    Args:
        report: of a search for wrong steps.
    """
    if report.details.get("dry_run"):
        return prompt_lines(report)
    names = [name for name in COLUMNS if name in report.metrics]
    models: list[tuple[str, Mapping[str, float | None]]] = [
        (str(report.train["model"]), _values(report.metrics)),
        *((str(run["name"]), run["values"]) for run in report.details.get("compared", ())),
        *((name, _values(metrics)) for name, metrics in report.baselines.items()),
    ]
    models = [(one_line(model, 40), values) for model, values in models]
    wide = max(len(model) for model, _ in models)
    lines = [" " * wide + "".join(f"{COLUMNS[name]:>12}" for name in names)]
    for model, values in models:
        cells = "".join(f"{_share(name, values.get(name)):>12}" for name in names)
        lines.append(f"{model:{wide}}{cells}")
    for name in names:
        metric = report.metrics[name]
        between = metric_interval(name, metric.interval)
        lines.append(f"{COLUMNS[name]:12} 95 % interval {between:16} {metric.n} problems")
    for name in ("step_parse_failures", "category_parse_failures"):
        if name in report.metrics:
            what = name.split("_")[0]
            lines.append(f"{what} not readable in {_share(name, report.metrics[name].value)}")
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


def _values(metrics: Mapping[str, Metric]) -> dict[str, float]:
    """Metric -> value."""
    return {name: metric.value for name, metric in metrics.items()}


def _share(name: str, value: float | None) -> str:
    """A share in percent; nothing where it was not measured."""
    if value is None:
        return ""
    return metric_number(name, value).replace("\u00a0", " ")

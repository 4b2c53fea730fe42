"""Write a run's results into its folder."""

from __future__ import annotations

from pathlib import Path

from simlearn.report.files import jsonable, write_bytes_atomic, write_json_atomic, write_text_atomic
from simlearn.report.page import render_page
from simlearn.report.report import Report


def write_report(report: Report) -> Path:
    """Write config, environment, figures, page and metrics into ``report.run_dir``.

    Each file is written atomically. ``metrics.json`` comes last: where it exists, the rest does.

    Returns:
        The path of ``report.html``.

    Raises:
        OSError: the folder cannot be written.
        TypeError, ValueError: a value of the report has no form in JSON or a figure is no SVG;
            found before the first file is written.
    """
    page, numbers = render_page(report), report.to_json()
    facts = jsonable(report.environment, "environment")
    folder = Path(report.run_dir)
    write_text_atomic(folder / "config.yaml", report.config)
    write_json_atomic(folder / "environment.json", facts)
    for figure in report.figures:
        if figure.svg is not None:
            write_text_atomic(folder / "figures" / f"{figure.name}.svg", figure.svg)
        if figure.png is not None:
            write_bytes_atomic(folder / "figures" / f"{figure.name}.png", figure.png)
    write_text_atomic(report.report_path, page)
    write_json_atomic(folder / "metrics.json", numbers)
    return report.report_path

"""What a run leaves to look at: metrics.json, figures and one self-contained HTML page."""

from __future__ import annotations

from simlearn.report.cmc import cmc_figure
from simlearn.report.confusion import confusion_figure
from simlearn.report.curves import training_curves
from simlearn.report.files import (
    environment,
    write_bytes_atomic,
    write_json_atomic,
    write_text_atomic,
)
from simlearn.report.grid import GridRow, Neighbour, retrieval_grid
from simlearn.report.page import render_page
from simlearn.report.report import FigureImage, Metric, Report, Table, protocol_fingerprint
from simlearn.report.roc import roc_figure
from simlearn.report.save import write_report

__all__ = [
    "FigureImage",
    "GridRow",
    "Metric",
    "Neighbour",
    "Report",
    "Table",
    "cmc_figure",
    "confusion_figure",
    "environment",
    "protocol_fingerprint",
    "render_page",
    "retrieval_grid",
    "roc_figure",
    "training_curves",
    "write_bytes_atomic",
    "write_json_atomic",
    "write_report",
    "write_text_atomic",
]

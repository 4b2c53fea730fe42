"""What one kind of measurement adds to a report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from simlearn.report import FigureImage, Metric, Table


@dataclass(frozen=True)
class Findings:
    """Numbers, tables, pictures and the rules by which they were made.

    Attributes:
        metrics: of the trained network, by name.
        baselines: metrics of other models, by model.
        tables, figures, notes: as in :class:`simlearn.report.Report`.
        protocol: what has to be equal for two such numbers to stand side by side.
    """

    metrics: Mapping[str, Metric] = field(default_factory=dict)
    baselines: Mapping[str, Mapping[str, Metric]] = field(default_factory=dict)
    tables: tuple[Table, ...] = ()
    figures: tuple[FigureImage, ...] = ()
    notes: tuple[str, ...] = ()
    protocol: Mapping[str, object] = field(default_factory=dict)


def join_findings(parts: Iterable[Findings]) -> Findings:
    """All of them as one, in order; nothing for none. Of a model's metrics the later count."""
    metrics: dict[str, Metric] = {}
    baselines: dict[str, dict[str, Metric]] = {}
    protocol: dict[str, object] = {}
    tables: list[Table] = []
    figures: list[FigureImage] = []
    notes: list[str] = []
    for part in parts:
        metrics |= part.metrics
        protocol |= part.protocol
        for model, found in part.baselines.items():
            baselines[model] = baselines.get(model, {}) | dict(found)
        tables += part.tables
        figures += part.figures
        notes += part.notes
    return Findings(metrics, baselines, tuple(tables), tuple(figures), tuple(notes), protocol)

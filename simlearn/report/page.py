"""The report as one HTML file that needs nothing else: no script, no font, no request."""

from __future__ import annotations

import base64
import math
import shlex
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from simlearn.report import drawing
from simlearn.report.report import FigureImage, Metric, Report, Table, protocol_fingerprint
from simlearn.report.svg import inline_svg
from simlearn.report.wording import (
    duration,
    is_percent,
    metric_interval,
    metric_label,
    metric_meaning,
    metric_number,
    number,
    one_line,
    visible,
)

TEMPLATE = "page.html.j2"
HEADLINES = ("ncm_all", "recall_at_1", "easy_vqa_accuracy", "step_accuracy")
"""The first of these that a report has is its first number."""
UNREADABLE = "not readable"
_FIRST_FIGURES = (
    *("answers", "answer_examples"),
    *("models", "error_examples", "error_confusion", "step_positions", "mask_bars"),
    *("retrieval", "forgetting", "accuracy_matrix", "embedding"),
    *("cmc", "roc", "confusion", "curves"),
    *("mask_drops_accuracy", "mask_drops_loss", "neuron_layers", "neuron_overlap"),
)
_CARD = ("paper", "table", "claim", "published", "needs")
_SENTENCES = ("sentence", "summary", "claim")
_FACTS = {"empty_batches": "batches without triplets", "max_steps": "most steps"}

Pairs = list[tuple[str, str]]


def render_page(report: Report) -> str:
    """``report.html`` as text: complete HTML, everything inline, every string escaped.

    Parts that are missing (no metrics, figures, card, ...) are left out; nan is shown as "-".

    Raises:
        ValueError: a figure's SVG is no SVG.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: object) -> object:
        return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    engine = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=shown,
    )
    figures = [{**f, "svg": Markup(f["svg"])} for f in map(_figure, _in_order(report.figures))]  # noqa: S704 (made of allowed elements by inline_svg)
    return engine.get_template(TEMPLATE).render(
        recipe=report.recipe,
        seed=number(report.seed),
        sentence=next((str(report.card[k]) for k in _SENTENCES if report.card.get(k)), ""),
        headline=_headline(report),
        notes=report.notes,
        card=_card(report.card),
        metrics=[_metric_row(name, metric) for name, metric in report.metrics.items()],
        baselines=_baselines(report),
        figures=figures,
        tables=[_table(table) for table in report.tables],
        train=[(_FACTS.get(k, _words(k)), _fact(k, v)) for k, v in report.train.items()],
        seconds=[(_words(k), duration(float(v))) for k, v in report.seconds.items()],
        protocol=flat(report.protocol),
        fingerprint=protocol_fingerprint(report.protocol),
        environment=flat(report.environment),
        config=report.config,
        dark=drawing.DARK,
        work=report.work,
    )


def flat(values: Mapping[str, object], before: str = "") -> Pairs:
    """Nested mappings as (dotted key, text) in their order; lists are joined by commas.

    A list under the key ``command`` is joined as a shell would read it. Empty lists, None and nan
    are "-".
    """
    out: Pairs = []
    for key, value in values.items():
        name = f"{before}{key}"
        if isinstance(value, Mapping):
            out += flat(value, f"{name}.")
        elif key == "command" and isinstance(value, (list, tuple)):
            out.append((name, shlex.join(map(str, value))))
        else:
            out.append((name, _text(value)))
    return out


def _text(value: object) -> str:
    """Any value in one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(key)}: {_text(v)}" for key, v in value.items()) or number(None)
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
        return ", ".join(map(_text, value)) or number(None)
    return number(value)


def _words(key: object) -> str:
    """Say a key in words, a percent metric by its usual name."""
    room, _, name = str(key).rpartition("/")
    if is_percent(name):
        return f"{room} {metric_label(name)}".strip()
    return str(key).replace("_", " ").replace("/", " ")


def _fact(key: str, value: object) -> str:
    """Write a training fact: durations and shares are recognised by their key."""
    if isinstance(value, float) and key.endswith("seconds"):
        return duration(value)
    return metric_number(key, value) if isinstance(value, float) else number(value)


def _metric_row(name: str, metric: Metric) -> dict[str, str]:
    """Make a row of the results table."""
    return {
        "name": name,
        "label": metric_label(name),
        "meaning": metric_meaning(name),
        "value": metric_number(name, metric.value),
        "interval": metric_interval(name, metric.interval),
        "n": number(metric.n),
        "better": "" if metric.higher_is_better else "lower is better",
    }


def _headline(report: Report) -> dict[str, Any] | None:
    """Take the first number of the page and those beside it; None without a metric."""
    if not report.metrics:
        return None
    name = next((n for n in HEADLINES if n in report.metrics), next(iter(report.metrics)))
    metric = report.metrics[name]
    models = [(one_line(report.subject, 60), "trained", metric)]
    pixels = _best_pixels(report.baselines, name)
    if pixels is not None:
        models.append(
            (f"best pixel baseline ({_words(pixels)})", "pixels", report.baselines[pixels][name])
        )
        if pixels == "pixels":
            models[-1] = ("pixel baseline", *models[-1][1:])
    if name in report.baselines.get("untrained", {}):
        models.append(("untrained network", "untrained", report.baselines["untrained"][name]))
    return {
        **_metric_row(name, metric),
        "percent": is_percent(name),
        "models": [
            {**_metric_row(name, m), "name": title, "kind": kind, **_bar(m)}
            for title, kind, m in models
        ],
    }


def _best_pixels(baselines: Mapping[str, Mapping[str, Metric]], name: str) -> str | None:
    """Find the pixel baseline (its name begins with ``pixel``) with the best value of a metric."""

    def goodness(key: str) -> float:
        metric = baselines[key][name]
        if math.isnan(metric.value):
            return -math.inf
        return metric.value if metric.higher_is_better else -metric.value

    keys = [key for key in baselines if key.startswith("pixel") and name in baselines[key]]
    return max(keys, key=goodness, default=None)


def _bar(metric: Metric) -> dict[str, float | None]:
    """Length of a bar and ends of its interval, in percent of the full width."""

    def clipped(value: float) -> float | None:
        return round(100 * min(max(value, 0.0), 1.0), 2) if math.isfinite(value) else None

    low, high = map(clipped, metric.interval or (math.nan, math.nan))
    return {"bar": clipped(metric.value), "low": low, "high": high}


def _baselines(report: Report) -> dict[str, Any] | None:
    """The report's subject and each baseline in one table; None without baselines."""
    if not report.baselines:
        return None
    models: list[tuple[str, Mapping[str, Metric]]] = [
        (one_line(report.subject, 60), report.metrics)
    ]
    models += [(_words(name), metrics) for name, metrics in report.baselines.items()]
    names = list(dict.fromkeys(name for metrics in report.baselines.values() for name in metrics))
    rows = [
        (model, [_metric_row(n, metrics[n]) if n in metrics else None for n in names])
        for model, metrics in models
    ]
    return {"columns": [metric_label(name) for name in names], "rows": rows}


def _card(card: Mapping[str, Any]) -> Pairs:
    """Put the recipe card in its usual order; a published value that is None was not readable.

    A recipe of no paper (``paper: none``) has no published value.
    """
    if not card:
        return []
    skipped = "published" if card.get("paper") == "none" and not card.get("published") else None
    keys = [k for k in _CARD if (k in card or k == "published") and k != skipped]
    keys += [k for k in card if k not in _CARD and k != "smoke"]
    return [
        (_words(k), _published(card.get(k)) if k == "published" else _text(card[k])) for k in keys
    ]


def _published(value: object) -> str:
    """Write the paper's value or values, percent metrics given as shares in percent."""
    if isinstance(value, Mapping) and value:
        return ", ".join(
            f"{metric_label(str(k))}: "
            + (
                UNREADABLE
                if v is None
                else metric_number(str(k), v)
                if isinstance(v, float)
                else _text(v)
            )
            for k, v in value.items()
        )
    return UNREADABLE if value is None or value == {} or value == "" else _text(value)


def _in_order(figures: Sequence[FigureImage]) -> list[FigureImage]:
    """Sort: retrieval grid, CMC, curves, then the others as they come."""
    rank = {name: i for i, name in enumerate(_FIRST_FIGURES)}
    return sorted(figures, key=lambda figure: rank.get(figure.name, len(rank)))


def _figure(figure: FigureImage) -> dict[str, Any]:
    """Prepare a figure for the template: safe inline SVG, or a data address and its size."""
    words = {"name": figure.name, "title": visible(figure.title), "alt": visible(figure.alt)}
    words["caption"] = visible(figure.caption)
    if figure.svg is not None:
        svg = inline_svg(figure.svg, prefix=figure.name, label=words["alt"], themed=drawing.DARK)
        return {**words, "svg": svg, "src": ""}
    png = figure.png or b""
    width, height = struct.unpack(">II", png[16:24]) if len(png) >= 24 else (0, 0)
    src = "data:image/png;base64," + base64.b64encode(png).decode()
    return {**words, "svg": "", "src": src, "width": width, "height": height}


def _table(table: Table) -> dict[str, Any]:
    """Prepare a table for the template: numbers at the right, percent metrics in percent."""
    numeric = [
        any(not isinstance(row[i], str) and row[i] is not None for row in table.rows)
        for i in range(len(table.columns))
    ]
    rows = [
        [
            metric_number(column, cell) if isinstance(cell, float) else number(cell)
            for column, cell in zip(table.columns, row, strict=True)
        ]
        for row in table.rows
    ]
    columns = [metric_label(c) if is_percent(c) else c for c in table.columns]
    return {
        "title": table.title,
        "columns": list(zip(columns, numeric, strict=True)),
        "rows": [list(zip(row, numeric, strict=True)) for row in rows],
        "note": table.note,
    }

"""The result of a run as plain values, and its form in metrics.json."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simlearn.report.files import jsonable

FORMAT_VERSION = 1
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,79}")
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def protocol_fingerprint(protocol: Mapping[str, object]) -> str:
    """16 hex digits that two runs share exactly when their numbers may stand side by side.

    blake2b of the canonical JSON: keys sorted, no spaces. The order of keys, tuple or list, and
    an entry named ``fingerprint`` (the one this function made) do not matter.

    Raises:
        TypeError: a value has no form in JSON.
    """
    plain = {key: value for key, value in protocol.items() if key != "fingerprint"}
    text = json.dumps(jsonable(plain, "protocol"), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


@dataclass(frozen=True)
class Metric:
    """One number of a model on one split.

    Attributes:
        value: a share in [0, 1] for the metrics that are shown in percent.
        n: over how many items (queries, pairs) it is taken.
        interval: 95 % interval (low, high), None where there is none.
        higher_is_better: the good direction.
    """

    value: float
    n: int
    interval: tuple[float, float] | None
    higher_is_better: bool

    def to_json(self) -> dict[str, Any]:
        """Give the four fields; nan and inf as None."""
        return {
            "value": jsonable(self.value),
            "n": jsonable(self.n),
            "interval": jsonable(self.interval),
            "higher_is_better": self.higher_is_better,
        }


@dataclass(frozen=True)
class Table:
    """A table of the report; a cell of None or nan is shown as "-", an empty table is allowed.

    A column that is named after a percent metric (``recall_at_1``) holds shares in [0, 1].

    Raises:
        ValueError: a row has more or fewer cells than there are columns.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"table {self.title!r}, row {number}: {len(row)} cells for "
                    f"{len(self.columns)} columns {self.columns}; give one cell per column"
                )


@dataclass(frozen=True)
class FigureImage:
    """A picture of the report: SVG text or PNG bytes, with the words for those who cannot see it.

    Args:
        name: its file name without ending, of letters, digits, ``-`` and ``_``.
        title: heading on the page.
        alt: what the picture shows, in words.
        svg: an SVG document.
        png: a PNG file's bytes; with both, the page shows the SVG and both files are written.
        caption: text below the picture.

    Raises:
        ValueError: a name that is no plain file name, neither SVG nor PNG, or a broken PNG.
    """

    name: str
    title: str
    alt: str
    svg: str | None = None
    png: bytes | None = None
    caption: str = ""

    def __post_init__(self) -> None:
        if not _FILE_NAME.fullmatch(self.name):
            raise ValueError(
                f"figure name {self.name!r} becomes a file name: use letters, digits, '-' and '_'"
            )
        if self.svg is None and self.png is None:
            raise ValueError(f"figure {self.name!r} has no picture: give svg= or png=")
        if self.png is not None and not self.png.startswith(_PNG_SIGNATURE):
            raise ValueError(f"figure {self.name!r}: png= does not begin like a PNG file")


@dataclass(frozen=True)
class Report:
    """All that a run says about itself; :func:`simlearn.report.write_report` writes it.

    Args:
        recipe: the recipe's name.
        seed: the run's seed.
        card: the recipe's card (``paper``, ``table``, ``claim``, ``published``, ``needs``, ...).
        metrics: of the test split, by name (``recall_at_1``).
        baselines: metrics of other models by model: ``untrained``, ``pixels...``.
        train: facts of the training (``steps``, ``empty_batches``).
        protocol: everything that makes numbers comparable.
        seconds: durations by phase.
        tables: further tables.
        figures: pictures; no two of the same name.
        config: the configuration as YAML; what came from the environment stays unresolved.
        environment: see :func:`simlearn.report.environment`.
        run_dir: the run's folder.
        notes: sentences that a reader must see.
        details: further entries of ``metrics.json`` by name.
        subject: what the first numbers are of.
        work: heading of what was done.

    Raises:
        ValueError: two figures have the same name.
    """

    recipe: str
    seed: int
    card: Mapping[str, Any]
    metrics: Mapping[str, Metric]
    baselines: Mapping[str, Mapping[str, Metric]]
    train: Mapping[str, float | int | str]
    protocol: Mapping[str, object]
    seconds: Mapping[str, float]
    tables: tuple[Table, ...]
    figures: tuple[FigureImage, ...]
    config: str
    environment: Mapping[str, Any]
    run_dir: Path
    notes: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    subject: str = "this network"
    work: str = "Training"

    def __post_init__(self) -> None:
        names = [figure.name.casefold() for figure in self.figures]
        double = sorted({name for name in names if names.count(name) > 1})
        if double:
            raise ValueError(f"two figures are named {double[0]!r}: each needs its own file name")

    @property
    def report_path(self) -> Path:
        """Where the page is (or will be) written."""
        return Path(self.run_dir) / "report.html"

    def to_json(self) -> dict[str, Any]:
        """Give the content of ``metrics.json``: plain types only, nan and inf as None."""
        return {
            "format_version": FORMAT_VERSION,
            "recipe": self.recipe,
            "seed": int(self.seed),
            "test": _metrics_json(self.metrics),
            "baselines": {name: _metrics_json(m) for name, m in self.baselines.items()},
            "train": jsonable(self.train, "train"),
            "seconds": jsonable(self.seconds, "seconds"),
            "protocol": {
                **jsonable(self.protocol, "protocol"),
                "fingerprint": protocol_fingerprint(self.protocol),
            },
            **jsonable(self.details, "details"),
        }


def _metrics_json(metrics: Mapping[str, Metric]) -> dict[str, Any]:
    """Metrics by name in plain types."""
    return {name: metric.to_json() for name, metric in metrics.items()}

"""A small whole report and an HTML reader that the tests of this room share."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np

from simlearn.report import (
    FigureImage,
    GridRow,
    Metric,
    Neighbour,
    Report,
    Table,
    cmc_figure,
    retrieval_grid,
    training_curves,
)

VOID = frozenset(("meta", "img", "br", "hr", "link", "input"))
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M 0 0"/></svg>'


def image(seed: int = 0, height: int = 12, width: int = 12) -> np.ndarray:
    """Noise (H,W,3) uint8."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def row(neighbours: int = 5, **changes: Any) -> GridRow:
    """A query with so many neighbours, every second one right."""
    found = [Neighbour(image(i), f"id {i}", i / 10, i % 2 == 0) for i in range(neighbours)]
    return GridRow(**{"query": image(99), "query_label": "id 0", "neighbours": found, **changes})


def log(steps: int = 60) -> list[tuple[int, str, float]]:
    """Logged values of every kind that the curves know, and one that they do not."""
    rows: list[tuple[int, str, float]] = []
    for step in range(steps):
        rows += [(step, "train/loss", 1 / (step + 1)), (step, "lr", 0.001 * step)]
        rows += [(step, "train/active_share", 0.5), (step, "train/effective_rank", 7.0)]
        rows += [(step, "train/seconds", 1.0)]
        if step % 20 == 0:
            rows += [(step, "val/recall_at_1", step / 100), (step, "val/map_at_r", step / 200)]
    return rows


@cache
def figures() -> tuple[FigureImage, ...]:
    """One figure of each kind, in another order than the page's."""
    return (
        training_curves(log(), title="Curves"),
        FigureImage("other", "Other", "a path", svg=SVG, caption="more"),
        cmc_figure({"trained": [0.5, 0.9], "untrained": [0.1, 0.2]}, title="Hits"),
        retrieval_grid([row()], title="Found"),
    )


def make_report(run_dir: Path | str = "run", **changes: Any) -> Report:
    """A report with every part; ``changes`` replaces fields."""
    half = Metric(0.583, 320, (0.521, 0.64), True)
    parts: dict[str, Any] = {
        "recipe": "quickstart",
        "seed": 3,
        "card": {
            "paper": "A paper",
            "claim": "Clips beat stills.",
            "published": {"recall_at_1": None},
            "needs": {"minutes": 3},
            "smoke": ["trainer.max_steps=2"],
        },
        "metrics": {"recall_at_1": half, "map_at_r": Metric(float("nan"), 0, None, True)},
        "baselines": {
            "untrained": {"recall_at_1": Metric(0.2, 320, (0.1, 0.3), True)},
            "pixels_frame": {"recall_at_1": Metric(0.11, 320, None, True)},
            "pixels_mean": {"recall_at_1": Metric(0.234, 320, None, True)},
        },
        "train": {"steps": 1000, "empty_batches": 4},
        "protocol": {"clips": 5, "split": {"test": 0.2}, "ks": (1, 5)},
        "seconds": {"train": 134.0},
        "tables": (Table("By light", ("light", "recall_at_1"), (("dim", 0.5), ("dark", None))),),
        "figures": (),
        "config": "seed: 3\n",
        "environment": {"python": "3.12", "command": ["train", "a b"]},
        "run_dir": Path(run_dir),
        "notes": ("Mind the light.",),
    }
    return Report(**{**parts, **changes})


class Page(HTMLParser):
    """Reads a page: its elements with attributes, its text by element, and tags out of balance."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.faults: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        self.faults += [f"never closed: {tag}" for tag in self._open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"closed but not the last opened: {tag}")

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every element of one name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def words(self) -> str:
        """The page's text in one line."""
        return " ".join(" ".join(self.text).replace("\u00a0", " ").split())

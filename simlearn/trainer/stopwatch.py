"""Seconds by phase of a run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Times blocks: ``with watch("training"): ...``.

    Attributes:
        seconds: wall-clock seconds by phase, to the millisecond; phases that raised are not in it.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Time the block."""
        begun = time.perf_counter()
        yield
        self.seconds[phase] = round(time.perf_counter() - begun, 3)

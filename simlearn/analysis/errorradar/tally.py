"""Counts of evaluated problems from which every metric of ErrorRadar follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import torch

from simlearn.analysis.errorradar.row_cell import NOT_ASKED, OUTCOMES, PLACES, UNKNOWN, row_cell
from simlearn.analysis.errorradar.taxonomy import PROBLEM_TYPES

MOST_TYPES: Final = 64
"""Different types of problems that are kept apart."""
SHAPE: Final = (UNKNOWN + 1, NOT_ASKED + 1, len(OUTCOMES), len(PLACES))
"""Sizes of a table of counts: gold category, predicted category, outcome of the step, place."""

_FORMAT = 1


class Tally:
    """Rows, counted one by one; memory does not grow with their number.

    Held are how often each cell of (gold category, predicted category, outcome of the step, place
    of the wrong step, type) and each distance between predicted and right step occurred. The order
    of rows does not matter, and tallies of parts merge into that of the whole.

    Attributes:
        n: rows so far.
        cells: times that each cell occurred; the cells are those of :func:`row_cell`.
        distances: times that each ``|pred - gold|`` occurred.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]] = ()) -> None:
        """Count ``rows``, if there are any."""
        self.n = 0
        self.cells: Counter[Any] = Counter()
        self.distances: Counter[int] = Counter()
        self._types: set[str] = set()
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, Any], times: int = 1) -> None:
        """Count a row.

        Args:
            row: what :func:`row_cell` takes.
            times: how often it occurred, at least 1.

        Raises:
            ValueError: naming the row, counted from 1, and its field; nothing is counted then.
        """
        if times < 1:
            raise ValueError(f"times is {times}: at least 1")
        cell, distance = row_cell(row, self.n + 1)
        if cell[4] not in self._types:
            self._types = _together(self._types, {cell[4]}, f"row {self.n + 1}: ")
        self.cells[cell] += times
        if distance is not None:
            self.distances[distance] += times
        self.n += times

    def merge(self, other: Tally) -> None:
        """Count what another tally has counted; that one stays as it is.

        Raises:
            ValueError: together there are more than ``MOST_TYPES`` types; nothing is counted then.
        """
        self._types = _together(self._types, other._types, "")
        self.cells.update(other.cells)
        self.distances.update(other.distances)
        self.n += other.n

    @property
    def types(self) -> tuple[str, ...]:
        """The types of problems: the paper's in its order, then others by name, "" for none."""
        known = [name for name in PROBLEM_TYPES if name in self._types]
        return (*known, *sorted(self._types - set(known)))

    def counts(self) -> np.ndarray:
        """``(len(types), *SHAPE)`` int64: a table of counts for every type."""
        table = np.zeros((len(self.types), *SHAPE), dtype=np.int64)
        index = {name: i for i, name in enumerate(self.types)}
        for (gold, pred, outcome, place, name), times in self.cells.items():
            table[index[name], gold, pred, outcome, place] = times
        return table

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain containers, the same for the same rows in any order."""
        names = self.types
        index = {name: i for i, name in enumerate(names)}
        cells = sorted((*cell[:4], index[cell[4]], times) for cell, times in self.cells.items())
        return {
            "format": _FORMAT,
            "types": list(names),
            "cells": torch.tensor(cells, dtype=torch.int64).reshape(-1, 6),
            "distances": torch.tensor(sorted(self.distances.items()), dtype=torch.int64).reshape(
                -1, 2
            ),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become the tally that gave ``state``; what was counted here is forgotten.

        Raises:
            ValueError: it comes from a newer version or is damaged; nothing is changed then.
        """
        version = state.get("format")
        if version != _FORMAT:
            raise ValueError(
                f"counts of format {repr(version)[:60]}, this version reads {_FORMAT}: count the "
                "rows again or update simlearn"
            )
        try:
            new = _restored(state)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            raise ValueError(f"damaged counts ({repr(error)[:80]}); count the rows again") from None
        self.n, self.cells, self.distances = new.n, new.cells, new.distances
        self._types = new._types


def _together(types: set[str], more: set[str], where: str) -> set[str]:
    """Both sets of types; a new set.

    Raises:
        ValueError: they are too many.
    """
    found = types | more
    if len(found - {""}) > MOST_TYPES:
        raise ValueError(
            f"{where}more than {MOST_TYPES} different problem types: problem_type names a group "
            "for tables, not a single problem; map rare ones to one word or leave the field out"
        )
    return found


def _restored(state: Mapping[str, Any]) -> Tally:
    """The tally of a state.

    Raises:
        ValueError: a number is out of range.
    """
    new, names = Tally(), [str(name) for name in state["types"]]
    for *cell, kind, times in state["cells"].tolist():
        inside = all(0 <= i < size for i, size in zip(cell, SHAPE, strict=True))
        if not inside or not 0 <= kind < len(names) or times < 1:
            raise ValueError("a cell is out of range")
        new.cells[(*cell, names[kind])] += times
        new.n += times
    for distance, times in state["distances"].tolist():
        if distance < 0 or times < 1:
            raise ValueError("a distance is out of range")
        new.distances[distance] += times
    if sum(new.distances.values()) > new.n:
        raise ValueError("more distances than rows")
    new._types = _together(set(), set(names), "")
    return new

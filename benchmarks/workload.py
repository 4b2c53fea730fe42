"""One input of a comparison, those who work on it, and whether their values agree."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fresh import Entry


@dataclass(frozen=True)
class Tolerance:
    """Two values agree where they differ by at most ``relative`` of the first + ``absolute``."""

    relative: float = 0.0
    absolute: float = 0.0

    def holds(self, one: float, two: float) -> bool:
        """Whether two finite values agree; nan and inf never do."""
        return abs(one - two) <= self.relative * abs(one) + self.absolute < math.inf


@dataclass(frozen=True)
class Workload:
    """One input and those who work on it.

    Attributes:
        name: unique in the study.
        shape: numbers that the candidates build the input from.
        candidates: names; ``simlearn`` first where it takes part.
        tolerances: per value that must agree.
        differs: candidates whose definition is another one, with the reason; not compared.
        note: what a reader must know.
        below_gib: target of the peak memory of simlearn, GiB.
        tiny: for trying the harness; chosen only by ``--only``.
    """

    name: str
    shape: Mapping[str, float]
    candidates: tuple[str, ...]
    tolerances: Mapping[str, Tolerance] = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    below_gib: float | None = None
    tiny: bool = False


def choose(workloads: Sequence[Workload], only: str | None) -> list[Workload]:
    """Workloads whose name contains ``only``; tiny ones where no other does.

    Raises:
        ValueError: none does; lists the names.
    """
    found = [w for w in workloads if (only or "") in w.name]
    chosen = [w for w in found if not w.tiny] or ([] if only is None else found)
    if not chosen:
        names = ", ".join(w.name for w in workloads)
        raise ValueError(f"--only {only!r} is in no workload; there are: {names}")
    return chosen


def disagreements(workload: Workload, found: Mapping[str, Sequence[Entry]]) -> list[str]:
    """Values that differ beyond the tolerance, as sentences; empty if all agree.

    Args:
        workload: its tolerances say what is compared.
        found: the entries of all rounds by candidate. The first that was measured and shares the
            definition is the one that the others are compared with, its own later rounds too.
    """
    compared = [c for c in workload.candidates if c not in workload.differs]
    values = [(c, e["values"]) for c in compared for e in found.get(c, ()) if "values" in e]
    problems = []
    for name, tolerance in workload.tolerances.items():
        for candidate, mine in values:
            first, reference = values[0]
            one, two = reference.get(name, math.nan), mine.get(name, math.nan)
            if not tolerance.holds(one, two):
                found_by = f"{one:.9g} by {first} and {two:.9g} by {candidate}"
                allowed = f"{tolerance.relative:g} relative + {tolerance.absolute:g}"
                problems.append(f"{workload.name}: {name} is {found_by}, tolerance {allowed}")
    return problems

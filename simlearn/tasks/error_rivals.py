"""Finished runs on the same problems, to stand in one table with this one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlearn.analysis.errors import AnalysisError
from simlearn.report import protocol_fingerprint
from simlearn.report.shares import check_interval, check_share
from simlearn.report.wording import is_percent, one_line
from simlearn.tasks.error_scoring import rights_of

Rights = dict[str, tuple[bool | None, bool | None]]
"""By record: was the step found, was the category named; ``None`` where it was not asked for."""


@dataclass(frozen=True)
class Rival:
    """Another model on the same problems.

    Attributes:
        name: of the model.
        weights: "open" or "closed".
        test: its metrics by name, as ``metrics.json`` has them.
        rights: what it got right.
    """

    name: str
    weights: str
    test: Mapping[str, Mapping[str, Any]]
    rights: Rights


def read_rivals(folders: Sequence[Path], protocol: Mapping[str, object]) -> list[Rival]:
    """Read finished runs and make sure that their numbers may stand beside ours.

    Args:
        folders: of runs of ``task=error_steps``.
        protocol: of this run.

    Raises:
        AnalysisError: no finished run of this task, or one of another protocol; the first entry
            that differs is named.
    """
    return [_read(Path(folder).expanduser(), protocol) for folder in folders]


def compared_values(rival: Rival) -> dict[str, object]:
    """A finished run for ``metrics.json``: name, weights, and the shares by metric."""
    values = {name: one["value"] for name, one in rival.test.items() if is_percent(name)}
    return {"name": rival.name, "weights": rival.weights, "values": values}


def _read(folder: Path, protocol: Mapping[str, object]) -> Rival:
    where = f"evaluation.compare: {folder}"
    try:
        told = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        theirs, test, model = told["protocol"], told["test"], told["model"]
        name, weights = str(model["name"]), str(model["weights"])
        differing = _differing(theirs, protocol)
        _check_metrics(test)
        rights = read_rights(folder / "rows.jsonl")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise AnalysisError(
            f"{where} is not the folder of a finished run of task=error_steps ({error})"
        ) from error
    if differing is not None:
        raise AnalysisError(
            f"{where} has {differing}: their numbers cannot stand in one table. Compare runs on "
            "the same problems with the same prompts"
        )
    return Rival(name, weights, test, rights)


def _differing(theirs: Mapping[str, Any], protocol: Mapping[str, object]) -> str | None:
    """The first entry in which two protocols differ, in words; ``None`` where they are one."""
    fingerprint = protocol_fingerprint(protocol)
    if theirs.get("fingerprint") == fingerprint:
        return None
    ours = {**json.loads(json.dumps(dict(protocol))), "fingerprint": fingerprint}
    keys = [key for key in {**ours, **theirs} if key != "fingerprint"]
    key = next((key for key in keys if ours.get(key) != theirs.get(key)), "fingerprint")
    one, two = (one_line(repr(side.get(key)), 60) for side in (theirs, ours))
    return f"{one_line(key, 40)} {one}, this run {two}"


def _check_metrics(test: Mapping[str, Mapping[str, Any]]) -> None:
    """Refuse what could not be shown, before anything is asked.

    Raises:
        ValueError: a share outside [0, 1], or an interval that is none.
    """
    for name, entry in test.items():
        if is_percent(name):
            place = one_line(name, 40)
            numbers = (entry["value"], *(entry["interval"] or (None, None)))
            value, low, high = (math.nan if number is None else number for number in numbers)
            check_share(value, place)
            check_interval(low, high, value, place)


def read_rights(path: Path) -> Rights:
    """What a run got right, of its ``rows.jsonl``; rows under masks are passed over."""
    found: Rights = {}
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if not row.get("variant"):
                found[row["id"]] = rights_of(row)
    return found

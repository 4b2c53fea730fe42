"""One evaluated problem, reduced to the cell that the metrics count."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Final, TypeAlias

from simlearn.analysis.errorradar.taxonomy import CATEGORIES
from simlearn.data.exclusions import closest

Cell: TypeAlias = tuple[int, int, int, int, str]
"""Gold category, predicted category, outcome of the step, place of the wrong step, type."""

UNKNOWN: Final = len(CATEGORIES)
"""Gold category that is not known; as prediction: a reply that could not be read."""
NOT_ASKED: Final = UNKNOWN + 1
"""Predicted category where there is no prediction, not even a failed one."""
OUTCOMES: Final = ("not asked", "unparsed", "wrong", "near", "right")
"""Of the step; "near" is wrong by one step."""
PLACES: Final = ("none", "first", "middle", "last")
"""Of the first wrong step within the solution; "none" where no step is wrong."""

MOST_STEPS: Final = 1_000_000
"""Steps that a solution may have here."""

_ABSENT: Final = object()
_CODES: Final[dict[object, int]] = {code: i for i, code in enumerate(CATEGORIES)} | {None: UNKNOWN}


def row_cell(row: Mapping[str, object], number: int) -> tuple[Cell, int | None]:
    """Where a row is counted, and how far its predicted step lies from the right one.

    Args:
        row: ``gold_step`` (from 1; 0 where no step is wrong), ``n_steps``; if there are any:
            ``pred_step``, ``gold_category``, ``pred_category``, ``problem_type``. A prediction of
            ``None`` is a reply that could not be read, one that is absent was not asked for.
        number: of the row, from 1, for messages.

    Returns:
        The cell and ``|pred - gold|``. A predicted step outside 1..n_steps is read, wrong and
        never near, and has no distance (``None``): 0 says that nothing is wrong, and that is not
        beside step 1. Where no step is wrong only 0 is right and there is no distance either.

    Raises:
        ValueError: naming row and field.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"row {number}: must be a mapping of fields, found {_shown(row)}")
    gold = _whole(row.get("gold_step", _ABSENT), "gold_step", number)
    steps = _whole(row.get("n_steps", _ABSENT), "n_steps", number)
    if not 1 <= steps <= MOST_STEPS:
        raise ValueError(
            f"row {number}: n_steps is {_shown(steps)}, must be from 1 to {MOST_STEPS}"
        )
    if not 0 <= gold <= steps:
        raise ValueError(
            f"row {number}: gold_step is {_shown(gold)}, must be from 1 to {steps}, the number of "
            "steps (0 where no step is wrong)"
        )
    kind = _code(row.get("gold_category"), "gold_category", number)
    if kind != UNKNOWN and not gold:
        raise ValueError(
            f"row {number}: gold_category is {CATEGORIES[kind]} and gold_step is 0: what is not "
            "wrong has no category; set it to None"
        )
    said = row.get("pred_category", _ABSENT)
    told = NOT_ASKED if said is _ABSENT else _code(said, "pred_category", number)
    group = row.get("problem_type")
    if group is None:
        group = ""
    if not isinstance(group, str):
        raise ValueError(f"row {number}: problem_type must be a text, found {_shown(group)}")
    outcome, distance = _outcome(row.get("pred_step", _ABSENT), gold, steps, number)
    return (kind, told, outcome, step_place(gold, steps), group), distance


def step_place(step: int, n_steps: int) -> int:
    """In which third of the solution a step stands, as an index of ``PLACES``.

    With p = (step - 1) / (n_steps - 1), from 0 to 1: "first" is p < 1/3, "last" is p > 2/3 and
    "middle" what is between; both ends belong to the middle, so the thirds are symmetric. The only
    step of a solution is "first", step 0 is "none".

    Args:
        step: from 0 to n_steps.
        n_steps: at least 1.
    """
    if not step:
        return 0
    before, all_before = 3 * (step - 1), n_steps - 1
    if before < all_before or not all_before:
        return 1
    return 3 if before > 2 * all_before else 2


def _outcome(pred: object, gold: int, steps: int, number: int) -> tuple[int, int | None]:
    """Index in ``OUTCOMES`` and the distance."""
    if pred is _ABSENT:
        return 0, None
    if pred is None:
        return 1, None
    step = _whole(pred, "pred_step", number)
    if not gold:
        return (2 if step else 4), None
    if not 1 <= step <= steps:
        return 2, None
    distance = abs(step - gold)
    return (4 - distance if distance < 2 else 2), distance


def _whole(value: object, field: str, number: int) -> int:
    """A whole number, of NumPy too, but no bool."""
    if type(value) is int:
        return value
    if value is _ABSENT:
        raise ValueError(f"row {number}: no {field}; every row needs gold_step and n_steps")
    if not isinstance(value, bool):
        try:
            return operator.index(value)  # type: ignore[arg-type]
        except TypeError:
            pass
    raise ValueError(f"row {number}: {field} must be a whole number, found {_shown(value)}")


def _code(value: object, field: str, number: int) -> int:
    """Index of a category; ``UNKNOWN`` for ``None``."""
    try:
        return _CODES[value]
    except (KeyError, TypeError):
        near = closest(value[:60].upper(), CATEGORIES) if isinstance(value, str) else ""
        hint = f" (did you mean {near}?)" if near else ""
        raise ValueError(
            f"row {number}: {field} must be one of {', '.join(CATEGORIES)} or None, found "
            f"{_shown(value)}{hint}"
        ) from None


def _shown(value: object) -> str:
    """A value for messages, cut; whole numbers of any size."""
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a whole number of more than 18 digits"
    return repr(value)[:60]

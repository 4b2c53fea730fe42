"""Problems with a known error: drawn figures, worked solutions, one wrong step in each.

What ErrorRadar (arXiv 2410.04509) asks of a model can be tried with them without its data. They
are simpler than what pupils write: the answer to "which step, which kind" is sure, the language
is plain.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from simlearn.analysis.errorradar.drawn_problem import draw_problem
from simlearn.analysis.errorradar.figure_drawing import Canvas
from simlearn.analysis.errorradar.problem_shares import Shares, problem_plan
from simlearn.data.errors import DataError

GENERATOR_VERSION: Final = 2
"""Raised with every change of a problem or of a pixel."""
PROBLEMS_FILE: Final = "problems.jsonl"
SETTINGS_FILE: Final = "made.json"


def generate_problems(
    folder: Path | str,
    *,
    n: int,
    seed: int,
    shares: Shares = "paper",
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw problems into a folder, unless these very ones are there already.

    Every line of ``problems.jsonl`` has the fields of a record (``id``, ``question``, ``image``
    relative to the folder, ``correct_answer``, ``student_answer``, ``steps``, ``error_step`` from
    1, ``error_category``, ``problem_type``) and what makes the label checkable: ``template``,
    ``figure`` (label -> true value), ``given`` (values of the question), ``asked``, and
    ``derivation``, for each step its kind, name, value, expression and operands as the pupil had
    them.

    A set is a function of (n, seed, shares). Its shares are exact for ``n`` and shuffled, so a
    larger ``n`` is another set and does not begin with the smaller one.

    Args:
        folder: made with its parents.
        n: how many, at least 1.
        seed: of everything.
        shares: ``"paper"`` for the kinds of errors and problems as in the paper, ``"uniform"``
            for as many of each.
        progress: called with (done, n).

    Returns:
        ``folder/problems.jsonl``. It appears whole, and after all that belongs to it.

    Raises:
        DataError: the folder holds other problems, or cannot be written.
        ValueError: an argument out of its range.
    """
    plan = problem_plan(n, seed, shares)
    folder = Path(folder).expanduser()
    path = folder / PROBLEMS_FILE
    settings = {"version": GENERATOR_VERSION, "n": n, "seed": seed, "shares": shares}
    from filelock import FileLock

    try:
        (folder / "images").mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock"):
            if not _is_there(folder, settings):
                _write(folder, settings, plan, progress)
    except OSError as error:
        raise DataError(
            f"{folder}: problems cannot be written ({error.strerror or error}); free space or "
            "name another folder"
        ) from error
    return path


def _write(
    folder: Path,
    settings: dict[str, Any],
    plan: list[tuple[str, str]],
    progress: Callable[[int, int], None] | None,
) -> None:
    """Draw everything; the problems' file is put into place last."""
    temporary = folder / f".{PROBLEMS_FILE}.tmp"
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        for number, (problem_type, category) in enumerate(plan):
            drawn = draw_problem(settings["seed"], number, problem_type, category)
            image = f"images/{number:06d}.png"
            canvas = Canvas()
            drawn.paint(canvas)
            canvas.picture().save(folder / image)
            row = {"id": f"drawn-{number:06d}", "image": image, **drawn.row}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            if progress is not None:
                progress(number + 1, len(plan))
        file.flush()
        os.fsync(file.fileno())
    (folder / SETTINGS_FILE).write_text(json.dumps(settings) + "\n", encoding="utf-8")
    temporary.replace(folder / PROBLEMS_FILE)


def _is_there(folder: Path, settings: dict[str, Any]) -> bool:
    """Whether a folder holds these very problems, complete.

    Raises:
        DataError: it holds others.
    """
    if not (folder / PROBLEMS_FILE).exists():
        return False
    try:
        found = json.loads((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        found = None
    if found == settings:
        return True
    known = isinstance(found, dict)
    what = _listed(found) if known else f"no readable {SETTINGS_FILE}"
    raise DataError(
        f"{folder}: holds problems of other settings ({what}); asked for are "
        f"{_listed(settings)}. Name another folder or delete this one"
    )


def _listed(settings: dict[str, Any]) -> str:
    """``n 500, seed 0``; strange content is cut short."""
    return ", ".join(f"{key} {value!r}" for key, value in settings.items())[:200]

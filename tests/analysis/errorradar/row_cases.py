"""Rows of records in files, and damaged copies of such files, for the tests of the readers."""

from __future__ import annotations

import csv
import json

import pytest

from simlearn.analysis.errorradar.taxonomy import CATEGORIES, PROBLEM_TYPES
from simlearn.data.errors import DataError


def plain_row(number, **changes):
    """A valid row in our own schema; ``None`` drops a key."""
    n_steps = 3 + number % 4
    row = {
        "id": f"p{number}",
        "question": f"How long is side {number}?",
        "steps": [f"step {k} of {number}: {k} x 2 = {2 * k}" for k in range(n_steps)],
        "error_step": number % n_steps + 1,
        "error_category": CATEGORIES[number % 5],
        "problem_type": PROBLEM_TYPES[number % 5],
        "correct_answer": f"{number} cm",
        "student_answer": f'{number + 1} "cm"',
    }
    return {k: v for k, v in {**row, **changes}.items() if v is not None}


def write_jsonl(path, rows):
    """One object a line."""
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def write_csv(path, rows, delimiter=","):
    """A table; lists as JSON."""
    names = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=delimiter, restval="")
        writer.writeheader()
        for row in rows:
            writer.writerow(
                {k: json.dumps(v) if isinstance(v, list) else v for k, v in row.items()}
            )
    return path


def refused(read, *arguments, **options):
    """The text of the ``DataError`` that reading to the end raises."""
    with pytest.raises(DataError) as caught:
        list(read(*arguments, **options))
    return str(caught.value)


SWAPS = ("null", "true", "-1", "0", "1e400", "NaN", '"x"', "[]", "{}", '["a", 3]', '"\\ud800"')
"""Values of another kind than a field has."""


def shuffled_lines(data, count, generator, values=SWAPS):
    """Copies with a line twice or gone, or a value of another kind in a place of a value."""
    lines = data.split(b"\n")
    for _ in range(count):
        place = int(generator.integers(0, len(lines)))
        kind = int(generator.integers(0, 4))
        if kind == 0:
            yield b"\n".join(lines[: place + 1] + lines[place:])
        elif kind == 1:
            yield b"\n".join(lines[:place] + lines[place + 1 :])
        else:
            mark = (b": ", b",")[int(generator.integers(0, 2))]
            parts = data.split(mark)
            part = int(generator.integers(1, max(2, len(parts))))
            swap = str(values[int(generator.integers(0, len(values)))]).encode()
            yield mark.join([*parts[:part], swap + parts[part][-1:], *parts[part + 1 :]])

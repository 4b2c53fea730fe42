"""MMLU (Hendrycks et al. 2021) in its official CSV files and prompt."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.questions import Question
from simlearn.data.text_file import read_text

LETTERS = ("A", "B", "C", "D")
_ENDING = "_test.csv"


def read_mmlu(folder: Path | str, shots: int = 5) -> list[Question]:
    """The test questions of every subject, each after solved examples of the subject.

    The prompt is that of the official ``evaluate.py``, down to the two blanks before the subject.
    Unlike there, fields stay as they are written (pandas makes ``1`` out of ``1.0`` and drops
    "None"), and long prompts keep all their examples. An answer is judged by "letter".

    Args:
        folder: holds ``dev`` and ``test``, or a folder ``data`` that does; in them
            ``{subject}_dev.csv`` and ``{subject}_test.csv`` without a header: question, four
            choices, letter.
        shots: how many examples, the first of ``dev``; 0 for none, then ``dev`` is not read.

    Returns:
        Questions of the data set "mmlu", by subject and row; the id is ``subject/row`` (from 0),
        the kind the subject.

    Raises:
        DataError: a folder or file is missing, a row has another form, or ``dev`` has fewer than
            ``shots`` rows; names file and line.
        ValueError: ``shots`` is negative.
    """
    if shots < 0:
        raise ValueError(f"shots is {shots}, must not be negative")
    root = Path(folder).expanduser()
    root = root / "data" if (root / "data").is_dir() else root
    subjects = sorted(p.name.removesuffix(_ENDING) for p in (root / "test").glob(f"*{_ENDING}"))
    if not subjects:
        raise DataError(
            f"{root / 'test'}: no file *{_ENDING}; give the folder of MMLU that holds dev and test"
        )
    return [question for subject in subjects for question in _subject(root, subject, shots)]


def mmlu_prompt(subject: str, solved: list[list[str]], asked: list[str]) -> str:
    """The few-shot prompt of one question, which ends in "Answer:".

    Args:
        subject: as in the file's name, words joined by "_".
        solved: rows of six fields: question, four choices, letter.
        asked: such a row; its letter is not shown.
    """
    words = "".join(f" {word}" for word in subject.split("_"))
    intro = f"The following are multiple choice questions (with answers) about {words}.\n\n"
    shown = "".join(f"{_stem(row)} {row[5]}\n\n" for row in solved)
    return intro + shown + _stem(asked)


def _stem(row: list[str]) -> str:
    """A question, its choices and "Answer:"."""
    choices = "".join(f"\n{a}. {text}" for a, text in zip(LETTERS, row[1:5], strict=True))
    return f"{row[0]}{choices}\nAnswer:"


def _subject(root: Path, subject: str, shots: int) -> list[Question]:
    """The questions of one subject."""
    solved: list[list[str]] = []
    if shots:
        path = root / "dev" / f"{subject}_dev.csv"
        solved = _rows(path)[:shots]
        if len(solved) < shots:
            raise DataError(f"{path}: has {len(solved)} row(s), {shots} shots need as many")
    return [
        Question(
            id=f"{subject}/{number}",
            text=mmlu_prompt(subject, solved, row),
            answers=(row[5],),
            kind=subject,
            dataset="mmlu",
            metric="letter",
        )
        for number, row in enumerate(_rows(root / "test" / f"{subject}{_ENDING}"))
    ]


def _rows(path: Path) -> list[list[str]]:
    """The rows of a file, each of six fields, the last a letter."""
    reader = csv.reader(io.StringIO(read_text(path, "file of MMLU"), newline=""), strict=True)
    rows: list[list[str]] = []
    try:
        for row in reader:
            if not row:
                continue
            if len(row) != 6 or row[5] not in LETTERS:
                raise DataError(
                    f"{path}, line {reader.line_num}: must be question, four choices and one of "
                    f"A B C D, found {len(row)} field(s), the last {row[-1][:40]!r}"
                )
            rows.append(row)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: no CSV ({error})") from error
    return rows

"""Records of any file or folder that holds them, read one by one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from simlearn.analysis.errorradar.column_map import ColumnMap
from simlearn.analysis.errorradar.column_map_file import load_column_map
from simlearn.analysis.errorradar.dataset_folder import file_rows, folder_rows
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.record_row import record_from_row
from simlearn.data.errors import DataError

Correct = Literal["drop", "keep"]
"""What becomes of records in which no step is wrong."""


def read_records(
    path: Path | str,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    *,
    map: str | Path = "simlearn",
    root: Path | str | None = None,
    split: str | None = None,
    correct: Correct = "drop",
) -> Iterator[Record]:
    """The records of a file or folder; memory holds one row and 16 bytes of every id.

    Args:
        path: a ``.jsonl``, ``.json``, ``.csv``, ``.tsv``, ``.parquet`` or ``.arrow`` file, or the
            folder of a data set (see ``dataset_folder``).
        columns: our field -> the file's key or keys, instead of the map's; each of these keys must
            then be in every row.
        map: name of a shipped map of columns, or the path of one.
        root: folder that figures are relative to; ``None`` for the file's own, or the folder.
        split: of a folder with several.
        correct: "drop" leaves out records in which no step is wrong (ErrorRadar has none).

    Returns:
        An iterator over records in file order; a row without an id has its number as id, counted
        from 1. It gives nothing for a file without rows.

    Raises:
        DataError: at once: nothing is there, or the map cannot be read. While reading: naming
            file, row and field; an id that stands twice.
        ValueError: ``columns`` names a field that there is not, or ``correct`` is another word.
    """
    if correct not in get_args(Correct):
        raise ValueError(f'correct is {correct!r}, must be "drop" or "keep"')
    meaning = load_column_map(map).with_columns(columns or {})
    path = Path(path).expanduser()
    rows = open_rows(path, split)
    home = path if path.is_dir() else path.parent
    folder = home if root is None else Path(root).expanduser()
    return _records(rows, meaning, folder, keep=correct == "keep")


def open_rows(path: Path, split: str | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """(where, row) of all rows, by the reader that fits the path.

    Raises:
        DataError: nothing is there, or a kind of file that is not read.
    """
    try:
        if path.is_dir():
            return folder_rows(path, split)
        there = path.is_file()
    except (OSError, ValueError):  # too long a name, or a NUL in it
        there = False
    if not there:
        raise DataError(
            f"{str(path)[:300]}: there is no such file or folder. Nothing is downloaded: fetch a "
            "data set with `hf download NAME --repo-type dataset --local-dir FOLDER` and give the "
            "folder"
        )
    if split is not None:
        raise DataError(f"{path}: is one file, only folders have splits; leave out split")
    return file_rows(path)


def _records(
    rows: Iterator[tuple[str, dict[str, Any]]], columns: ColumnMap, root: Path, *, keep: bool
) -> Iterator[Record]:
    """Rows as records, each id once."""
    seen: set[bytes] = set()
    for number, (where, row) in enumerate(rows, 1):
        record = record_from_row(row, where, columns, root, number=number)
        mark = hashlib.blake2b(record.id.encode(), digest_size=16).digest()
        if mark in seen:
            raise DataError(
                f"{where}: the id {record.id[:60]!r} stands here a second time; ids must be unique"
            )
        seen.add(mark)
        if keep or record.error_step:
            yield record

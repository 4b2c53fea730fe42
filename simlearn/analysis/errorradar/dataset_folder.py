"""Rows of a Hugging Face data set on disk, by the ``datasets`` library."""

from __future__ import annotations

import glob
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from simlearn.analysis.errorradar.csv_records import csv_rows
from simlearn.analysis.errorradar.dataset_files import TABLES, split_files
from simlearn.analysis.errorradar.json_array import json_rows
from simlearn.analysis.errorradar.jsonl_records import jsonl_rows
from simlearn.data.errors import DataError

AT_ONCE = 32
"""Rows in memory at a time; each may hold a picture."""


def folder_rows(folder: Path, split: str | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a split, one file after the other; images are not decoded.

    Only the files of rows are read (see ``split_files``): no script of the folder is run, nothing
    is downloaded, and nothing is written outside a temporary folder.

    Args:
        folder: made by ``save_to_disk``, of a data set or of several splits, or a repository's
            folder as it was downloaded, with parquet, JSON Lines, JSON or CSV files.
        split: as for ``split_files``.

    Yields:
        (where, row) in file order.

    Raises:
        DataError: as ``split_files`` and :func:`file_rows` say.
    """
    for path in split_files(folder, split):
        yield from file_rows(path)


def file_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of one file, whatever its kind.

    Args:
        path: ``.jsonl``, ``.ndjson``, ``.json``, ``.csv``, ``.tsv``, ``.tab``, ``.parquet`` or
            ``.arrow`` (as ``save_to_disk`` writes them).

    Raises:
        DataError: another kind of file, or it cannot be read; ``datasets`` is not installed.
    """
    suffix = path.suffix.lower()
    if suffix in READERS:
        return READERS[suffix](path)
    raise DataError(
        f"{path}: {suffix or 'no ending'!r} is no kind of record file that is read; there are "
        f"{', '.join(READERS)} and folders of data sets"
    )


def table_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a parquet or arrow file; class labels as their words, images as their bytes.

    Args:
        path: of the file.

    Yields:
        (where, row), ``where`` such as ``"test.parquet, row 3"``, counted from 1.

    Raises:
        DataError: the file is damaged, or ``datasets`` is not installed.
    """
    try:
        import datasets
    except ImportError as error:
        raise DataError(
            f"{path}: reading it needs the library datasets: pip install 'simlearn[analysis]'"
        ) from error
    if not path.is_file():
        raise DataError(f"{path}: the record file is not there; check the path")
    number = 0
    with tempfile.TemporaryDirectory() as cache:
        try:
            data = _open(datasets, path, cache)
            labels = {
                name: kind.names
                for name, kind in (data.features or {}).items()
                if isinstance(kind, datasets.ClassLabel)
            }
            for table in data.with_format("arrow").iter(batch_size=AT_ONCE):
                rows = table.to_pylist()
                for row in rows:
                    for name, names in labels.items():
                        row[name] = _label(row.get(name), names)
                for row in rows:
                    number += 1
                    yield f"{path}, row {number}", row
        except DataError:
            raise
        except Exception as error:  # Arrow raises almost anything on damaged files
            reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise DataError(
                f"{path}: cannot be read after row {number} ({reason}); download it again"
            ) from error


def _open(datasets: Any, path: Path, cache: str) -> Any:
    """The file as the library gives it: mapped into memory, or as a stream."""
    if path.suffix.lower() == ".arrow":
        return datasets.Dataset.from_file(str(path))
    whole = str(path.resolve())
    if "::" in whole:
        raise DataError(f"{path}: the library reads '::' in a path as an address; rename it")
    return datasets.load_dataset(
        "parquet",
        data_files={"rows": [glob.escape(whole)]},
        split="rows",
        streaming=True,
        cache_dir=cache,
    )


def _label(value: Any, names: list[str]) -> Any:
    """The word of a class label; another value as it is."""
    known = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(names)
    return names[value] if known else value


READERS: dict[str, Callable[[Path], Iterator[tuple[str, dict[str, Any]]]]] = {
    ".jsonl": jsonl_rows,
    ".ndjson": jsonl_rows,
    ".json": json_rows,
    **dict.fromkeys((".csv", ".tsv", ".tab"), csv_rows),
    **dict.fromkeys(TABLES, table_rows),
}

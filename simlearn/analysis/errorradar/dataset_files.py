"""Which files of a data set's folder hold the rows of a split."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest

TABLES = (".parquet", ".arrow")
TEXTS = (".jsonl", ".ndjson", ".csv", ".tsv", ".tab")
_NOT_ROWS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
_SHARD = re.compile(r"(.*?)-([0-9]{5})-of-([0-9]{5})", re.DOTALL)


def split_files(folder: Path, split: str | None) -> list[Path]:
    """The files of a split, in order.

    A file's split is its name without ending and ``-00000-of-00004``
    (``data/test-00000-of-00001.parquet``, ``math.json``), or, where that is a number or "data",
    the name of its folder (``test/0000.parquet``, ``test/data-00000-of-00001.arrow``). ``.json``
    files count only where there is no other kind. A folder's scripts, its card and what begins
    with a dot or ``cache-`` are passed over: what they say about splits does not count.

    Args:
        folder: made by ``save_to_disk`` or a repository's folder as it was downloaded.
        split: its name; ``None`` where there is one split only.

    Returns:
        At least one file, all of one kind.

    Raises:
        DataError: no files, no such split, several splits and none is named, a split in several
            folders or kinds of files, or one of its parts is missing.
    """
    groups: dict[str, dict[Path, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for path in _data_files(folder):
        home, name = _home_and_name(path, folder)
        groups[name][home].append(path)
    if not groups:
        raise DataError(
            f"{folder}: holds no .parquet, .arrow, .jsonl, .csv or .json file; give the folder of "
            "a data set"
        )
    names = ", ".join(repr(name) for name in sorted(groups))[:300]
    if split is None and len(groups) > 1:
        raise DataError(f"{folder}: has several splits; set data.split to one of {names}")
    if split is not None and split not in groups:
        near = closest(split[:60], list(groups))
        hint = f"; did you mean {near[:60]!r}?" if near else "."
        raise DataError(f"{folder}: has no split {split[:60]!r}{hint} There are {names}")
    name = next(iter(groups)) if split is None else split
    homes = groups[name]
    if len(homes) > 1:
        raise DataError(
            f"{folder}: the split {name[:60]!r} is in several folders, "
            f"{', '.join(repr(str(home)) for home in sorted(homes))[:300]}; give one of them"
        )
    files = sorted(next(iter(homes.values())), key=_order)
    kinds = sorted({path.suffix.lower() for path in files})
    if len(kinds) > 1:
        raise DataError(
            f"{folder}: the split {name[:60]!r} is there as {' and '.join(kinds)}; give the file "
            "instead of the folder"
        )
    _check_whole(folder, name, files)
    return files


def _data_files(folder: Path) -> list[Path]:
    """All files that may hold rows."""
    found: list[Path] = []
    lists: list[Path] = []
    for path in folder.rglob("*"):
        suffix = path.suffix.lower()
        if suffix not in (*TABLES, *TEXTS, ".json") or path.name in _NOT_ROWS:
            continue
        parts = path.relative_to(folder).parts
        if any(part.startswith(".") for part in parts) or path.name.startswith("cache-"):
            continue
        if path.is_file():
            (lists if suffix == ".json" else found).append(path)
    return found or lists


def _home_and_name(path: Path, folder: Path) -> tuple[Path, str]:
    """The folder that a split's files share, and the split's name."""
    found = _SHARD.fullmatch(path.stem)
    name = found[1] if found else path.stem
    if name.isdecimal() or name == "data":
        if path.parent != folder:
            return path.parent, path.parent.name
        name = "data"
    return path.parent, name


def _order(path: Path) -> tuple[int, str]:
    """Short names first, so that 10 comes after 9."""
    return len(path.name), path.name


def _check_whole(folder: Path, name: str, files: list[Path]) -> None:
    """Refuse a split of which a part is missing."""
    found = [_SHARD.fullmatch(path.stem) for path in files]
    if not any(found):
        if len(files) > 1 and not all(path.stem.isdecimal() for path in files):
            raise DataError(f"{folder}: the split {name[:60]!r} is in more than one file; give one")
        return
    totals = {int(one[3]) if one else 0 for one in found}
    parts = sorted(int(one[2]) for one in found if one)
    if len(totals) > 1 or parts != list(range(max(totals))):
        raise DataError(
            f"{folder}: the split {name[:60]!r} should have {max(totals)} parts, numbered from 0; "
            f"there are {len(files)} files, the last is {files[-1].name[:80]!r}; download it again"
        )

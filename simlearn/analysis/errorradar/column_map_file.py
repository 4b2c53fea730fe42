"""Maps of columns in YAML files: those that are shipped, and your own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from simlearn.analysis.errorradar.column_map import ColumnMap
from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest
from simlearn.data.text_file import read_text

KEYS = ("columns", "first_step", "none_step", "constants", "categories", "problem_types")
"""What a map may hold."""
_FOLDER = Path(__file__).parent / "maps"


def shipped_maps() -> list[str]:
    """Names of the maps that come with simlearn."""
    return sorted(path.stem for path in _FOLDER.glob("*.yaml"))


def load_column_map(name_or_path: str | Path) -> ColumnMap:
    """A map by its name or from a YAML file.

    Args:
        name_or_path: ``"simlearn"``, ``"processbench"``, or a path that ends in ``.yaml`` or
            ``.yml``.

    Returns:
        The map; its ``name`` is the shipped map's or the file's.

    Raises:
        DataError: no such map or file, no YAML, an unknown key or a value of another kind.
    """
    path = Path(name_or_path).expanduser()
    if str(name_or_path) in shipped_maps():
        path, name = _FOLDER / f"{name_or_path}.yaml", str(name_or_path)
    elif path.suffix.lower() in (".yaml", ".yml"):
        name = path.name
    else:
        near = closest(str(name_or_path)[:60], shipped_maps())
        hint = f"; did you mean {near!r}?" if near else ";"
        raise DataError(
            f"no map of columns is called {str(name_or_path)[:60]!r}{hint} there are "
            f"{', '.join(shipped_maps())}, or give the path of a .yaml file"
        )
    content = _parse(path)
    try:
        return ColumnMap(
            columns=_texts(content, "columns", lists=True),
            first_step=_whole(content, "first_step", 1),
            none_step=_whole(content, "none_step", None),
            constants=_texts(content, "constants"),
            categories=_texts(content, "categories", empty=True),
            problem_types=_texts(content, "problem_types"),
            name=name,
        )
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _parse(path: Path) -> Mapping[str, Any]:
    """The keys of a map's file."""
    try:
        content = yaml.safe_load(read_text(path, "map of columns"))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, DataError):
            raise
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: no YAML ({reason})") from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: must name {', '.join(KEYS)}, found {repr(content)[:60]}")
    for key in content:
        if key not in KEYS:
            near = closest(str(key)[:60], KEYS)
            hint = f"; did you mean {near!r}?" if near else "."
            raise DataError(
                f"{path}: unknown key {str(key)[:60]!r}{hint} There are {', '.join(KEYS)}"
            )
    return content


def _whole(content: Mapping[str, Any], key: str, default: Any) -> Any:
    """A whole number, or what counts where there is none."""
    found = content.get(key, default)
    if found is not default and (not isinstance(found, int) or isinstance(found, bool)):
        raise ValueError(f"{key} is {repr(found)[:60]}, must be a whole number")
    return found


def _texts(
    content: Mapping[str, Any], key: str, *, lists: bool = False, empty: bool = False
) -> dict[str, Any]:
    """Words by words; numbers as words count too, as a file may call its categories 0 to 4."""
    found = content.get(key) or {}
    if not isinstance(found, dict):
        raise ValueError(f"{key} is {repr(found)[:60]}, must be of the form {{word: word}}")
    texts: dict[str, Any] = {}
    for word, value in found.items():
        items = value if lists and isinstance(value, list) else [value]
        if not _is_word(word) or not all(
            isinstance(item, str) or (empty and item is None) for item in items
        ):
            raise ValueError(
                f"{key}: {repr(word)[:60]}: {repr(value)[:60]} must be words; put yes, no and "
                "dates into quotes"
            )
        texts[str(word)] = value
    return texts


def _is_word(value: object) -> bool:
    """A text, or a whole number."""
    return isinstance(value, str | int) and not isinstance(value, bool)

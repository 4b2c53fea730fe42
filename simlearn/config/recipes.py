"""Recipe cards: what a recipe claims and needs, read without Hydra and without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simlearn.config.closest import did_you_mean
from simlearn.config.errors import ConfigError
from simlearn.config.yaml_file import YamlFile, read_yaml

_TEXT: tuple[type, ...] = (str,)
_SCHEMA: dict[str, tuple[tuple[type, ...], str]] = {
    "paper": (_TEXT, "the paper's key, as text"),
    "claim": (_TEXT, "one sentence"),
    "published": ((dict, int, float, type(None)), "a mapping of metric to value, or null"),
    "needs": ((dict, str, type(None)), "a mapping such as {data: YouTube Faces, hours: 6}"),
    "smoke": ((list,), "a list of overrides"),
    "table": ((str, int, type(None)), "the paper's table or figure"),
    "note": ((str, type(None)), "text"),
}
_OPTIONAL = frozenset({"table", "note"})


@dataclass(frozen=True)
class RecipeCard:
    """One line of ``simlearn list``.

    Attributes:
        name: the recipe, as in ``recipe=NAME``.
        path: its file.
        card: the card as it stands in the file; what is wrong or missing is named in ``faults``.
        faults: sentences that name file and key; empty for a recipe that can be listed whole.
    """

    name: str
    path: Path
    card: Mapping[str, Any]
    faults: tuple[str, ...] = ()

    @property
    def paper(self) -> str:
        """The paper's key; empty if the card does not say."""
        return str(self.card.get("paper") or "")

    @property
    def claim(self) -> str:
        """The claim; empty if the card does not say."""
        return str(self.card.get("claim") or "")

    @property
    def needs(self) -> str:
        """What it needs, as ``"YouTube Faces, 6 hours"``; empty if nothing or not said."""
        needs = self.card.get("needs") or ""
        if not isinstance(needs, Mapping):
            return str(needs)
        words = {
            "gpu_gib": "{} GiB GPU",
            "cpu_gib": "{} GiB memory",
            "hours": "{} hours",
            "minutes": "{} minutes",
        }
        parts = [
            words.get(key, "{}").format(value)
            for key, value in needs.items()
            if value not in (None, 0, "", "none")
        ]
        return ", ".join(parts)


def list_recipes(dirs: Sequence[Path]) -> list[RecipeCard]:
    """The recipes of some folders, by name; of two with one name the earlier folder's counts.

    A file that cannot be read, or a card that is not complete, is listed with its faults.

    Args:
        dirs: folders with ``NAME.yaml`` files; an empty folder gives nothing.

    Raises:
        ConfigError: a folder that does not exist.
    """
    from simlearn.config.catalogue import Catalogue

    lost = [str(folder) for folder in dirs if not Path(folder).is_dir()]
    if lost:
        raise ConfigError(
            f"{folder}: no such folder; it holds NAME.yaml recipes" for folder in lost
        )
    found = Catalogue((), tuple(map(Path, dirs))).recipes()
    return [_read_card(name, path) for name, path in sorted(found.items())]


def card_faults(file: YamlFile, *, complete: bool = True) -> list[str]:
    """What is wrong with the card of a recipe file.

    Args:
        file: the recipe.
        complete: also name the keys that are missing (a user's own recipe runs without them).

    Returns:
        One sentence per fault, each with file, line and key; empty for a good card.
    """
    card = file.data.get("card")
    if card is None:
        return [f"{file.name}: 'card' is missing: a mapping with {_keys()}"] if complete else []
    if not isinstance(card, dict):
        return [f"{file.at('card')}: 'card' must be a mapping with {_keys()}"]
    faults = []
    for key, value in card.items():
        where = file.at("card", key)
        if key not in _SCHEMA:
            known = did_you_mean(key, _SCHEMA)
            faults.append(f"{where}: unknown key 'card.{key}'.{known} A card has {_keys()}")
        elif not _right_type(value, _SCHEMA[key][0]):
            faults.append(f"{where}: 'card.{key}' must be {_SCHEMA[key][1]}")
    if complete:
        missing = [key for key in _SCHEMA if key not in card and key not in _OPTIONAL]
        faults += [
            f"{file.at('card')}: 'card.{key}' is missing: {_SCHEMA[key][1]}" for key in missing
        ]
    return faults


def _right_type(value: Any, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool) or not isinstance(value, kinds):
        return False
    return not isinstance(value, list) or all(isinstance(item, str) for item in value)


def _keys() -> str:
    required = ", ".join(key for key in _SCHEMA if key not in _OPTIONAL)
    return f"{required} (optional: {', '.join(sorted(_OPTIONAL))})"


def _read_card(name: str, path: Path) -> RecipeCard:
    try:
        file = read_yaml(path)
    except ConfigError as error:
        return RecipeCard(name, path, {}, tuple(error.faults))
    card = file.data.get("card")
    known = card if isinstance(card, dict) else {}
    return RecipeCard(name, path, known, tuple(card_faults(file)))

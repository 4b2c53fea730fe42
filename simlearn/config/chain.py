"""A recipe or an option with everything it inherits, weakest file first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simlearn.config.closest import did_you_mean, listing
from simlearn.config.errors import ConfigError
from simlearn.config.yaml_file import YamlFile, read_yaml

_OVERRIDE = re.compile(r"override\s+/?([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Choice:
    """An option chosen for a group (None leaves the group out), and who chose it."""

    option: str | None
    origin: str


@dataclass
class Chain:
    """What one name stands for.

    Attributes:
        files: the files whose values count, the weakest first.
        choices: group -> chosen option, from ``override /group: option`` (recipes only).
        own: for each file in ``files``, the choices that its own list makes.
        faults: what is wrong with the defaults lists.
    """

    files: list[YamlFile] = field(default_factory=list)
    choices: dict[str, Choice] = field(default_factory=dict)
    own: list[dict[str, Choice]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read_chain(path: Path, siblings: Mapping[str, Path], *, overrides: bool) -> Chain:
    """Read a file and all that its ``defaults`` lists name.

    Args:
        path: the recipe or option.
        siblings: name -> file of what it may inherit from.
        overrides: whether ``override /group: option`` may stand in the list (in a recipe it may).

    Returns:
        The chain; a file that is inherited twice counts once, at its first place. Broken files
        and circles are named in ``faults``.
    """
    chain = Chain()
    _add(chain, path, siblings, overrides, ())
    return chain


def _add(
    chain: Chain, path: Path, siblings: Mapping[str, Path], overrides: bool, above: tuple[Path, ...]
) -> None:
    if any(file.path == path for file in chain.files):
        return
    try:
        file = read_yaml(path)
    except ConfigError as error:
        chain.faults += error.faults
        return
    own: dict[str, Choice] = {}
    entries = file.data.get("defaults", [])
    if not isinstance(entries, list):
        chain.faults.append(f"{file.at('defaults')}: 'defaults' must be a list")
        entries = []
    for index, entry in enumerate(entries):
        where = file.at("defaults", index)
        if entry == "_self_":
            _append(chain, file, own)
        elif isinstance(entry, str):
            parent, fault = _parent(entry, where, siblings, (*above, path))
            chain.faults += [fault] if fault else []
            if parent is not None:
                _add(chain, parent, siblings, overrides, (*above, path))
        else:
            own.update(_choices(chain, entry, where, overrides))
    chain.choices.update(own)
    _append(chain, file, own)


def _append(chain: Chain, file: YamlFile, own: dict[str, Choice]) -> None:
    if all(known.path != file.path for known in chain.files):
        chain.files.append(file)
        chain.own.append(own)


def _parent(
    name: str, where: str, siblings: Mapping[str, Path], above: tuple[Path, ...]
) -> tuple[Path | None, str | None]:
    """The file to inherit from, or the reason why there is none."""
    parent = siblings.get(name)
    if parent is None:
        close = did_you_mean(name, siblings)
        return None, f"{where}: there is no '{name}' to inherit from.{close} {_there(siblings)}"
    if parent in above:
        return None, f"{where}: '{name}' inherits from itself; take it out of one defaults list"
    return parent, None


def _there(siblings: Mapping[str, Path]) -> str:
    return f"There are: {listing(siblings)}"


def _choices(chain: Chain, entry: Any, where: str, overrides: bool) -> dict[str, Choice]:
    """The choices of one mapping in a defaults list; anything else becomes a fault."""
    if not overrides:
        chain.faults.append(f"{where}: an option inherits by name only: defaults: [NAME, _self_]")
        return {}
    chosen: dict[str, Choice] = {}
    for key, option in entry.items() if isinstance(entry, dict) else [(str(entry), ...)]:
        match = _OVERRIDE.fullmatch(key)
        if match is None or not (option is None or isinstance(option, str)):
            chain.faults.append(
                f"{where}: '{key}' does not belong here; defaults hold 'override /group: option', "
                "names of recipes to inherit from, and _self_"
            )
        else:
            chosen[match[1]] = Choice(option, where)
    return chosen

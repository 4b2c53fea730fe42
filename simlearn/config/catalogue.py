"""Which recipes, groups and options there are, in the user's folders and in the package's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simlearn.config.errors import ConfigError
from simlearn.config.locate import config_dirs as shipped_dirs


@dataclass(frozen=True)
class Catalogue:
    """The folders of one command, those of the user first.

    A name is looked up among the files that are there; no path is ever made from it, so a name
    such as ``../x`` is unknown and nothing else.

    Attributes:
        option_dirs: folders that hold ``<group>/<option>.yaml``; the last holds ``train.yaml``.
        recipe_dirs: folders that hold ``<recipe>.yaml``.
    """

    option_dirs: tuple[Path, ...]
    recipe_dirs: tuple[Path, ...]

    @property
    def root(self) -> Path:
        """``configs/train.yaml``: the groups, their defaults and the plain keys."""
        return self.option_dirs[-1] / "train.yaml"

    def recipes(self) -> dict[str, Path]:
        """Recipe name -> file; of two with one name the user's counts."""
        return _files(self.recipe_dirs)

    def groups(self) -> set[str]:
        """Every group of the package: a folder beside ``train.yaml`` with at least one option."""
        folders = self.root.parent.iterdir()
        return {path.name for path in folders if path.is_dir() and _files([path])}

    def options(self, group: str) -> dict[str, Path]:
        """Option name -> file of one group; empty for a group that has no folder."""
        folders = (path for folder in self.option_dirs for path in folder.iterdir())
        return _files([path for path in folders if path.name == group and path.is_dir()])


def open_catalogue(
    config_dirs: Sequence[Path] = (), shipped: tuple[Path, Path] | None = None
) -> Catalogue:
    """The catalogue of the shipped folders and of the user's ``--config-dir`` folders.

    Args:
        config_dirs: the user's folders, the first one first.
        shipped: the package's ``(configs, recipes)``; looked for when not given.

    Raises:
        ConfigError: a folder that does not exist, or the package's own folders are lost.
    """
    lost = [folder for folder in config_dirs if not _readable(Path(folder))]
    if lost:
        raise ConfigError(
            f"--config-dir {folder}: no such folder, or not to be read; it holds NAME.yaml recipes "
            "and GROUP/OPTION.yaml options"
            for folder in lost
        )
    users = tuple(Path(folder).absolute() for folder in config_dirs)
    configs, recipes = shipped if shipped is not None else shipped_dirs()
    return Catalogue((*users, configs), (*users, recipes))


def _readable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)


def _files(folders: Sequence[Path]) -> dict[str, Path]:
    """File stem -> path of the ``*.yaml`` files; earlier folders win; hidden ones do not count."""
    found: dict[str, Path] = {}
    for folder in folders:
        for path in sorted(folder.glob("*.yaml")):
            if path.is_file() and not path.name.startswith((".", "_")):
                found.setdefault(path.stem, path)
    return found

"""Where ``configs`` and ``recipes`` are: beside the package in a checkout, inside it in a wheel."""

from __future__ import annotations

from pathlib import Path

from simlearn.config.errors import ConfigError

PACKAGE = Path(__file__).resolve().parent.parent


def config_dirs(package: Path = PACKAGE) -> tuple[Path, Path]:
    """The folders of the options and of the recipes that this installation reads.

    In a checkout these are ``configs`` and ``recipes`` beside the package. They win over
    ``_configs`` and ``_recipes`` inside it, which an editable install fills once and never
    again. Found from the package's own file, so the working directory does not matter.

    Args:
        package: the folder of the package ``simlearn`` (tests give their own).

    Returns:
        ``(configs, recipes)``, two existing folders.

    Raises:
        ConfigError: neither place holds ``configs/train.yaml`` and a folder of recipes.
    """
    pairs = (
        (package.parent / "configs", package.parent / "recipes"),
        (package / "_configs", package / "_recipes"),
    )
    for configs, recipes in pairs:
        if (configs / "train.yaml").is_file() and recipes.is_dir():
            return configs, recipes
    raise ConfigError(
        f"configs/train.yaml and recipes/ were not found, neither in {pairs[0][0].parent} nor as "
        f"_configs and _recipes in {package}. In a checkout restore the two folders "
        "(git checkout -- configs recipes); otherwise install simlearn again."
    )


def label(path: Path, package: Path = PACKAGE) -> str:
    """How messages name a file: shipped files from the checkout's root, others as given.

    ``.../checkout/recipes/quickstart.yaml`` becomes ``recipes/quickstart.yaml``.
    """
    root = package.parent
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

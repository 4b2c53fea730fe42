"""From a command line to one checked configuration: options, then the recipe, then overrides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from simlearn.config.catalogue import open_catalogue
from simlearn.config.choose import choose_options, choose_recipe
from simlearn.config.errors import ConfigError
from simlearn.config.layers import Layers, origin_of
from simlearn.config.overrides import Assignment, parse_overrides
from simlearn.config.recipe_layers import lay_recipe, own_values
from simlearn.config.recipes import card_faults
from simlearn.config.references import drop_unreadable
from simlearn.config.targets import Targets, arguments, plain_default
from simlearn.config.validate import MISSING, validate
from simlearn.config.yaml_file import read_yaml
from simlearn.config.yaml_text import dump_yaml

if TYPE_CHECKING:
    from omegaconf import DictConfig


@dataclass(frozen=True)
class Composed:
    """A configuration without faults.

    Attributes:
        recipe: the recipe's name, or None when the command named none.
        card: the recipe's own card as plain data; empty if it has none.
        config: plain keys, then every group: a mapping with ``class`` and all arguments, or null
            for a group that is left out. Interpolations are not resolved.
        choices: group -> chosen option; groups that are left out are not in it.
        text: ``config`` as YAML; what came from ``${oc.env:...}`` stays unresolved.
        notes: what the user should be told: values of the recipe that another option does not take.
    """

    recipe: str | None
    card: dict[str, Any]
    config: DictConfig
    choices: dict[str, str]
    text: str
    notes: tuple[str, ...] = ()


def compose(
    overrides: Sequence[str],
    targets: Targets,
    *,
    config_dirs: Sequence[Path] = (),
    allow_missing: bool = False,
    shipped: tuple[Path, Path] | None = None,
) -> Composed:
    """Compose and check one run.

    It reads files and keeps nothing: any working directory, any number of times, any thread.

    Args:
        overrides: ``recipe=NAME``, ``group=option``, ``key=value``, in any order; of two for one
            key the later one counts.
        targets: the allow-list; nothing else is ever looked up, and nothing is imported.
        config_dirs: the user's folders with recipes and options, before the shipped ones.
        allow_missing: let values that are still to be given (``???``) pass, to show a recipe.
        shipped: the package's ``(configs, recipes)``; looked for when not given.

    Returns:
        The configuration, complete: arguments that no file names have the signature's default
            (``???`` if they have none and ``allow_missing`` lets that pass).

    Raises:
        ConfigError: with every fault of the composition at once. Where a recipe or an option does
            not exist, the rest is checked against the closest one that does.
    """
    catalogue = open_catalogue(config_dirs, shipped)
    assignments, faults = parse_overrides(overrides)
    root = read_yaml(catalogue.root)
    recipe = choose_recipe(assignments, catalogue)
    options = choose_options(root, recipe, assignments, catalogue)
    faults += recipe.faults + options.faults
    layers = Layers()
    layers.lay_file(root, own_values(root), into="")
    for group in options.defaults:
        layers.assign((group,), None, root.at("defaults"))
    for group, files in options.files.items():
        for file in files:
            layers.lay_file(file, own_values(file), into=group)
    more, notes = lay_recipe(layers, recipe, options, targets)
    faults += more
    faults += _assign(layers, assignments, options.groups)
    for group in options.unknown:
        layers.data[group] = None
    if recipe.files:
        faults += card_faults(recipe.files[-1], complete=False)
    composed, more = finish(layers, targets, allow_missing=allow_missing)
    if faults or more:
        raise ConfigError([*faults, *more])
    card = recipe.files[-1].data.get("card") if recipe.files else None
    text = to_yaml(composed)
    return Composed(recipe.name, dict(card or {}), composed, options.chosen, text, tuple(notes))


def finish(
    layers: Layers, targets: Targets, *, allow_missing: bool = False
) -> tuple[DictConfig, list[str]]:
    """The layers as a configuration with the signatures' defaults filled in, and its faults."""
    from omegaconf import OmegaConf

    faults = [
        f"{origin_of(layers.origins, path)}: the value of '{'.'.join(map(str, path))}' breaks off; "
        "a reference is written ${group.key}"
        for path in drop_unreadable(layers.data)
    ]
    _fill_defaults(layers, targets)
    config = OmegaConf.create(layers.data)
    return config, faults + validate(config, targets, layers.origins, allow_missing=allow_missing)


def to_yaml(config: DictConfig, *, resolve: bool = False) -> str:
    """A configuration as YAML; with ``resolve`` the interpolations are replaced by values.

    Raises:
        ConfigError: ``resolve`` and an interpolation that has no value here.
    """
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        plain = OmegaConf.to_container(config, resolve=resolve)
    except OmegaConfBaseException as error:
        raise ConfigError(f"a reference has no value here: {error}".splitlines()[0]) from error
    return dump_yaml({str(key): value for key, value in dict(plain).items()})  # type: ignore[arg-type]


def _assign(
    layers: Layers, assignments: Sequence[Assignment], groups: Mapping[str, Any]
) -> list[str]:
    faults = []
    for item in assignments:
        group, key = item.path[0], item.path[1] if len(item.path) > 1 else None
        fault: str | None = None
        if key is None and (group in groups or group == "recipe"):
            continue
        if group == "recipe":
            fault = f"{item.origin}: a recipe is a name: recipe=NAME"
        elif group in groups and key == "class":
            fault = f"{item.origin}: a command names no class; choose an option: {group}=OPTION"
        else:
            fault = layers.assign(item.path, item.value, item.origin)
        faults += [fault] if fault else []
    return faults


def _fill_defaults(layers: Layers, targets: Targets) -> None:
    """Give every chosen class the arguments that nobody named: as in its signature, or ``???``."""
    for group, value in layers.data.items():
        name = value.get("class") if isinstance(value, dict) else None
        target = targets.get(group, {}).get(name) if isinstance(name, str) else None
        if target is None:
            continue
        for key, argument in arguments(target).items():
            possible, default = plain_default(argument)
            if key not in value and (possible or argument.required):
                value[key] = default if possible else MISSING
                layers.origins[(group, key)] = origin_of(layers.origins, (group, "class"))

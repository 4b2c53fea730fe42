"""A recipe's values laid over the options, also when somebody chose another option since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simlearn.config.chain import Choice
from simlearn.config.choose import ChosenOptions, ChosenRecipe
from simlearn.config.hints import type_fault
from simlearn.config.layers import Layers
from simlearn.config.references import is_reference
from simlearn.config.targets import Argument, Targets, arguments
from simlearn.config.yaml_file import YamlFile


def own_values(file: YamlFile) -> dict[str, Any]:
    """The values of a file: all but its defaults list and its card."""
    return {key: value for key, value in file.data.items() if key not in ("defaults", "card")}


def lay_recipe(
    layers: Layers, recipe: ChosenRecipe, options: ChosenOptions, targets: Targets
) -> tuple[list[str], list[str]]:
    """Lay every file of a recipe, the weakest first.

    A file's values for a group are written for the option that the file has there. Where the
    command, or a recipe that inherits this one, chooses another option, the values which that
    option takes too still count, and the others are left out with a note.

    Args:
        layers: the options' values; changed.
        recipe: the files and their choices.
        options: the final choices.
        targets: what each option takes.

    Returns:
        ``(faults, notes)``; faults are group values that are no mapping, and classes.
    """
    faults: list[str] = []
    notes: list[str] = []
    meant = {group: Choice(None, "") for group in options.groups} | options.defaults
    for file, own in zip(recipe.files, recipe.own, strict=True):
        meant.update(own)
        for key, value in own_values(file).items():
            if key not in options.groups:
                layers.lay_file(file, {key: value}, into="")
            elif fault := _group_fault(file, key, value):
                faults.append(fault)
            else:
                swapped = meant[key].option != options.groups[key].option
                kept, left = (
                    _fitting(value, _takes(layers, key, targets)) if swapped else (value, {})
                )
                layers.lay_file(file, kept, key, into=key)
                notes += [_note(file, key, name, options) for name in left]
    return faults, notes


def _group_fault(file: YamlFile, group: str, value: Any) -> str | None:
    if not isinstance(value, dict):
        return (
            f"{file.at(group)}: '{group}' holds a mapping of values; an option is chosen in "
            f"defaults with 'override /{group}: OPTION'"
        )
    if "class" in value:
        return (
            f"{file.at(group, 'class')}: a recipe names no class; choose an option in defaults "
            f"with 'override /{group}: OPTION'"
        )
    return None


def _takes(layers: Layers, group: str, targets: Targets) -> dict[str, Argument] | None:
    """What the class of the chosen option takes; ``{}`` without option, None if it is unknown."""
    value = layers.data.get(group)
    if value is None:
        return {}
    name = value.get("class") if isinstance(value, dict) else None
    target = targets.get(group, {}).get(name) if isinstance(name, str) else None
    return arguments(target) if target is not None else None


def _fitting(
    values: Mapping[str, Any], known: Mapping[str, Argument] | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split values into those that the arguments take and the rest; all are kept if unknown."""
    if known is None:
        return dict(values), {}
    kept = {
        key: value
        for key, value in values.items()
        if key in known and (is_reference(value) or not type_fault(value, known[key].hint))
    }
    return kept, {key: value for key, value in values.items() if key not in kept}


def _note(file: YamlFile, group: str, key: str, options: ChosenOptions) -> str:
    option = options.groups[group].option or "null"
    return f"{file.at(group, key)}: '{group}.{key}' is left out, {group}={option} does not take it"

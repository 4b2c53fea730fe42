"""Which recipe and which option of every group a command has chosen, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from simlearn.config.catalogue import Catalogue
from simlearn.config.chain import Choice, read_chain
from simlearn.config.closest import closest_word, did_you_mean, listing
from simlearn.config.errors import ConfigError
from simlearn.config.hints import shown
from simlearn.config.overrides import Assignment
from simlearn.config.yaml_file import YamlFile

NONE = "none"
"""Leaves a group out, as null does, where no option has this name."""


@dataclass
class ChosenRecipe:
    """The recipe of a command.

    Attributes:
        name: None when the command names none.
        files: its own file last, before it what it inherits; empty without a recipe.
        choices: group -> option that its defaults choose.
        own: for each file, the choices that its own defaults list makes.
        faults: what is wrong with the name or with the defaults lists.
    """

    name: str | None = None
    files: list[YamlFile] = field(default_factory=list)
    choices: dict[str, Choice] = field(default_factory=dict)
    own: list[dict[str, Choice]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


@dataclass
class ChosenOptions:
    """The option of every group.

    Attributes:
        groups: every group there is, those of ``train.yaml`` first, with its choice.
        defaults: group -> choice of ``train.yaml``, for the groups that it names.
        chosen: group -> option, without the groups that are left out.
        files: group -> the option's files, the weakest first.
        unknown: groups whose option does not exist and resembles none.
        faults: what is wrong with the choices or with the option files.
    """

    groups: dict[str, Choice]
    defaults: dict[str, Choice]
    chosen: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[YamlFile]] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def choose_recipe(assignments: Sequence[Assignment], catalogue: Catalogue) -> ChosenRecipe:
    """The recipe that ``recipe=NAME`` names, read with what it inherits.

    A name that does not exist is a fault; the closest one is read in its place, so that the rest
    of the command can be checked too.
    """
    named = [item for item in assignments if item.path == ("recipe",)]
    if not named or named[-1].value is None:
        return ChosenRecipe()
    wanted, recipes, faults = named[-1], catalogue.recipes(), []
    name = wanted.value if isinstance(wanted.value, str) else str(wanted.value)
    if name not in recipes:
        faults.append(
            f"{wanted.origin}: there is no recipe '{name}'.{did_you_mean(name, recipes)} "
            "'python -m simlearn list' shows them all; your own stand in a folder that "
            "--config-dir names"
        )
        name = closest_word(name, recipes) or ""
    if name not in recipes:
        return ChosenRecipe(faults=faults)
    chain = read_chain(recipes[name], recipes, overrides=True)
    return ChosenRecipe(name, chain.files, chain.choices, chain.own, faults + chain.faults)


def choose_options(
    root: YamlFile, recipe: ChosenRecipe, assignments: Sequence[Assignment], catalogue: Catalogue
) -> ChosenOptions:
    """The option of every group: ``train.yaml`` gives way to the recipe, that to the command.

    Args:
        root: ``configs/train.yaml``.
        recipe: the recipe of the command.
        assignments: the overrides; ``group=option`` among them are the command's choices.
        catalogue: which options there are.

    Returns:
        The choices and the files behind them; a wrong choice is a fault, and the closest option
        stands in for it if there is one.

    Raises:
        ConfigError: the defaults list of ``train.yaml`` is broken.
    """
    defaults = _root_choices(root)
    others = sorted(catalogue.groups() - defaults.keys())
    choices = {**defaults, **{group: Choice(None, root.name) for group in others}}
    options = ChosenOptions(choices, defaults)
    known = set(choices)
    for group, choice in recipe.choices.items():
        if group in known:
            choices[group] = choice
        else:
            close = did_you_mean(group, known)
            options.faults.append(
                f"{choice.origin}: there is no group '{group}'.{close} Groups: {listing(known)}"
            )
    for item in assignments:
        if len(item.path) == 1 and item.path[0] in known:
            _choose(options, item)
    for group, choice in choices.items():
        if choice.option == NONE and NONE not in catalogue.options(group):
            choices[group] = Choice(None, choice.origin)
        _read_option(options, group, choices[group], catalogue)
    return options


def _root_choices(root: YamlFile) -> dict[str, Choice]:
    """``- group: option`` entries of ``train.yaml``."""
    entries = root.data.get("defaults", [])
    choices: dict[str, Choice] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else [entries]):
        where = root.at("defaults", index)
        if entry == "_self_":
            continue
        pairs = list(entry.items()) if isinstance(entry, dict) else []
        if len(pairs) != 1 or not (pairs[0][1] is None or isinstance(pairs[0][1], str)):
            raise ConfigError(f"{where}: write '- group: option', '- group: null' or '- _self_'")
        choices[pairs[0][0]] = Choice(pairs[0][1], where)
    return choices


def _choose(options: ChosenOptions, item: Assignment) -> None:
    group = item.path[0]
    if item.value is None or isinstance(item.value, str):
        options.groups[group] = Choice(item.value, item.origin)
        return
    options.faults.append(
        f"{item.origin}: '{group}' takes the name of an option, found {shown(item.value)}; "
        f"values are given one by one: {group}.KEY=VALUE"
    )


def _read_option(options: ChosenOptions, group: str, choice: Choice, catalogue: Catalogue) -> None:
    if choice.option is None:
        return
    there = catalogue.options(group)
    name: str | None = choice.option
    if name not in there:
        options.faults.append(
            f"{choice.origin}: '{group}' has no option '{name}'."
            f"{did_you_mean(choice.option, there)} Options: {listing(there)}"
        )
        name = closest_word(choice.option, there)
    if name is None:
        options.unknown.append(group)
        return
    chain = read_chain(there[name], there, overrides=False)
    options.chosen[group] = name
    options.files[group] = chain.files
    options.faults += chain.faults
    if chain.faults:
        options.unknown.append(group)

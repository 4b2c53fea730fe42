"""Every fault of a composed configuration, found against the signatures of what it constructs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simlearn.config.closest import closest_word, did_you_mean, listing
from simlearn.config.hints import describe, misfit, shown, type_fault
from simlearn.config.layers import Origins, origin_of
from simlearn.config.references import is_reference, reference_fault, resolved
from simlearn.config.targets import Argument, Target, Targets, arguments

if TYPE_CHECKING:
    from omegaconf import DictConfig

PLAIN_KEYS: Mapping[str, Any] = {"seed": int, "run_dir": str | None}
"""The top-level keys that belong to no group, with their types."""
MISSING = "???"


def validate(
    config: DictConfig, targets: Targets, origin: Origins, *, allow_missing: bool = False
) -> list[str]:
    """Walk a composed, unresolved configuration; nothing is constructed, imported or changed.

    Args:
        config: plain keys and one mapping per group (``class`` and arguments), or null for a
            group that is left out.
        targets: group -> class name -> what may be constructed.
        origin: who set each key.
        allow_missing: say nothing of values that are still to be given.

    Returns:
        One sentence per fault: first unknown names, runtime arguments, wrong types and references
        that lead nowhere, then missing values. Empty for a good configuration.
    """
    from omegaconf import OmegaConf

    data = OmegaConf.to_container(config, resolve=False)
    assert isinstance(data, dict)  # noqa: S101 (a DictConfig gives a dict)
    walk = _Walk(config, data, targets, origin)
    walk.run()
    return walk.wrong if allow_missing else walk.wrong + walk.missing


class _Walk:
    """One pass over the configuration; two lists, because missing values are told last."""

    def __init__(
        self, config: DictConfig, data: Mapping[Any, Any], targets: Targets, origin: Origins
    ) -> None:
        self.config = config
        self.data = data
        self.targets = targets
        self.origin = origin
        self.wrong: list[str] = []
        self.missing: list[str] = []
        self.bad: set[str] = set()
        self.references: list[tuple[tuple[str, ...], Any, Argument]] = []

    def run(self) -> None:
        """Look at every key once."""
        for key, value in self.data.items():
            if key in PLAIN_KEYS:
                self._value((key,), value, Argument(PLAIN_KEYS[key]), "the run")
            elif key in self.targets:
                self._group(key, value)
            else:
                self._unknown_top(key)
        for reference in self.references:
            self._reference(*reference)

    def _from(self, *path: str) -> str:
        return origin_of(self.origin, path)

    def _unknown_top(self, key: str) -> None:
        known = [*PLAIN_KEYS, *self.targets]
        homes = self._homes(key)
        best = homes[0] if homes else closest_word(key, ["recipe", *known])
        hint = f" Did you mean '{best}'?" if best else ""
        self.wrong.append(
            f"{self._from(key)}: unknown key '{key}'.{hint} At the top there are: {listing(known)}"
        )

    def _group(self, group: str, value: Any) -> None:
        if value is None:
            return
        if not isinstance(value, dict):
            self.wrong.append(
                f"{self._from(group)}: '{group}' holds a mapping of arguments, "
                f"found {shown(value)}; choose an option with {group}=OPTION"
            )
            return
        name = value.get("class", MISSING)
        if name == MISSING:
            first = str(next(iter(value), "class"))
            self.wrong.append(
                f"{self._from(group, first)}: no option of '{group}' is chosen, so "
                f"'{group}.{first}' belongs to nothing; add {group}=OPTION"
            )
            return
        target = self.targets[group].get(name) if isinstance(name, str) else None
        if target is None:
            close = did_you_mean(str(name), self.targets[group])
            self.wrong.append(
                f"{self._from(group, 'class')}: '{group}' has no class {name!r}.{close} "
                f"There are: {listing(self.targets[group])}"
            )
            return
        self._arguments(group, name, value, target)

    def _arguments(self, group: str, name: str, value: Mapping[str, Any], target: Target) -> None:
        known = arguments(target)
        for key, item in value.items():
            if key in known:
                self._value((group, key), item, known[key], name)
            elif key in target.runtime:
                self.wrong.append(
                    f"{self._from(group, key)}: '{group}.{key}' is supplied by the program; "
                    "take it out"
                )
            elif key != "class":
                self._unknown_argument(group, name, key, known)
        for key, argument in known.items():
            if argument.required and key not in value:
                self._miss((group, key), argument, name, (group, "class"))

    def _unknown_argument(self, group: str, name: str, key: str, known: Mapping[str, Any]) -> None:
        close = closest_word(key, known)
        near = [f"{group}.{close}"] if close else []
        best = list(dict.fromkeys([*near, *self._homes(key)]))
        hint = f" Did you mean {' or '.join(map(repr, best))}?" if best else ""
        self.wrong.append(
            f"{self._from(group, key)}: unknown key '{group}.{key}'.{hint} "
            f"{name} takes: {listing(known)}"
        )

    def _homes(self, key: str) -> list[str]:
        """``group.key`` for every chosen class that takes an argument of this very name."""
        homes = []
        for group, value in self.data.items():
            name = value.get("class") if isinstance(value, dict) else None
            target = self.targets.get(group, {}).get(name) if isinstance(name, str) else None
            if target is not None and key in arguments(target):
                homes.append(f"{group}.{key}")
        return homes

    def _value(self, path: tuple[str, ...], value: Any, argument: Argument, owner: str) -> None:
        if value == MISSING:
            self._miss(path, argument, owner)
            return
        if is_reference(value):
            self.references.append((path, value, argument))
            return
        found = misfit(value, argument.hint)
        if found is not None:
            self.bad.add(".".join(path))
            path = (*path, *found[0])
            self.wrong.append(f"{self._from(*path)}: '{'.'.join(path)}': {found[1]}")

    def _reference(self, path: tuple[str, ...], value: Any, argument: Argument) -> None:
        if isinstance(value, str) and value.strip()[2:-1] in self.bad:
            return  # it leads to a value that is told already
        fault = reference_fault(self.config, path)
        found, real = resolved(self.config, path)
        if not fault and found and type_fault(real, argument.hint):
            fault = f"expected {describe(argument.hint)}, and it leads to something else"
        if fault:
            self.wrong.append(f"{self._from(*path)}: '{'.'.join(path)}' is {value!r}: {fault}")

    def _miss(
        self,
        path: tuple[str, ...],
        argument: Argument,
        owner: str,
        source: tuple[str, ...] = (),
    ) -> None:
        dotted = ".".join(path)
        kind = "" if argument.hint is Any else f" ({describe(argument.hint)})"
        self.missing.append(
            f"{self._from(*(source or path))}: '{dotted}' is missing; {owner} needs it{kind}: "
            f"add {dotted}=VALUE"
        )

"""From one group of a composed configuration to the object it describes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simlearn.config.closest import did_you_mean, listing
from simlearn.config.errors import ConfigError
from simlearn.config.hints import convert, describe, type_fault
from simlearn.config.references import is_reference
from simlearn.config.targets import Target, arguments, required_at_run_time

if TYPE_CHECKING:
    from omegaconf import DictConfig


def build(config_node: DictConfig, targets_of_group: Mapping[str, Target], **runtime: Any) -> Any:
    """Construct what a group describes: look the class up, convert the arguments, call it.

    Args:
        config_node: a group of a composed configuration (``composed.config.loss``); it should
            still hang in the whole, because its interpolations are resolved here.
        targets_of_group: class name -> target, the allow-list of this group.
        runtime: the arguments that the program supplies; each class is given those of them that
            its target declares.

    Returns:
        The object. Lists become tuples and text becomes ``Path`` where the type hint says so.

    Raises:
        ConfigError: unknown class or argument, a value of the wrong type, an interpolation
            without a value, or a ValueError or TypeError of the constructor, whose text is kept.
        TypeError: ``runtime`` lacks what the class needs from the program (a mistake in the
            program, not in the configuration).
    """
    group = str(config_node._get_full_key(None)) or "the configuration"
    values = _resolve(config_node, group)
    name = values.pop("class", None)
    target = targets_of_group.get(name) if isinstance(name, str) else None
    if target is None:
        raise ConfigError(
            f"{group}: there is no class {name!r}.{did_you_mean(str(name), targets_of_group)} "
            f"There are: {listing(targets_of_group)}"
        )
    supplied = {key: value for key, value in runtime.items() if key in target.runtime}
    lacking = required_at_run_time(target) - supplied.keys()
    if lacking:
        raise TypeError(f"{group}: {name} needs {listing(lacking)} from the program")
    given = _convert(values, config_node, target, f"{group} ({name})")
    try:
        return target.callable(**given, **supplied)
    except ConfigError:
        raise
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{group} ({name}): {error}") from error


def _resolve(config_node: DictConfig, group: str) -> dict[str, Any]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        values = OmegaConf.to_container(config_node, resolve=True, throw_on_missing=True)
    except (OmegaConfBaseException, RecursionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"{group}: a value is missing or cannot be resolved: {reason}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{group}: no option is chosen; add {group}=OPTION")
    return {str(key): value for key, value in values.items()}


def _convert(
    values: Mapping[str, Any], config_node: DictConfig, target: Target, where: str
) -> dict[str, Any]:
    from omegaconf import OmegaConf

    known = arguments(target)
    raw = OmegaConf.to_container(config_node, resolve=False)
    faults: list[str] = []
    given: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            faults.append(
                f"{where}: unknown key '{key}'.{did_you_mean(key, known)} "
                f"It takes: {listing(known)}"
            )
            continue
        fault = type_fault(value, known[key].hint)
        if fault and isinstance(raw, dict) and is_reference(raw.get(key)):
            fault = f"{raw[key]!r} does not lead to {describe(known[key].hint)}"
        if fault:
            faults.append(f"{where}: '{key}': {fault}")
        given[key] = convert(value, known[key].hint)
    if faults:
        raise ConfigError(faults)
    return given

"""``${group.key}`` and ``${oc.env:NAME}``: where they lead, without showing a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simlearn.config.yaml_file import KeyPath

if TYPE_CHECKING:
    from omegaconf import DictConfig


def is_reference(value: Any) -> bool:
    """Whether a value, or an item inside it, is an interpolation that OmegaConf resolves."""
    if isinstance(value, str):
        return "${" in value
    if isinstance(value, dict):
        return any(map(is_reference, value.values()))
    return isinstance(value, list) and any(map(is_reference, value))


def resolved(config: DictConfig, path: tuple[str, ...]) -> tuple[bool, Any]:
    """``(True, plain value)`` behind a key, or ``(False, None)`` when it cannot be had now.

    A variable of the environment that is not set here, for example, may be set where it runs.
    """
    value, error = _resolve(config, path)
    return error is None, value


def reference_fault(config: DictConfig, path: tuple[str, ...]) -> str | None:
    """Why the reference behind a key can never be resolved, or None.

    A variable of the environment that is not set here is no fault, nor is a reference to a value
    that is still missing (that one is told by itself). The answer never quotes a resolved value.
    """
    from omegaconf.errors import InterpolationKeyError, InterpolationToMissingValueError

    _, error = _resolve(config, path)
    reason = str(error)
    if error is None or isinstance(error, InterpolationToMissingValueError):
        return None
    if "Environment variable" in reason and reason.startswith("KeyError"):
        return None
    if isinstance(error, InterpolationKeyError):
        return "there is nothing of that name"
    if isinstance(error, RecursionError) or "Recursive" in reason or "parent node" in reason:
        return "it refers to itself"
    return "it cannot be resolved; a reference is written ${group.key}"


def drop_unreadable(values: dict[str, Any], path: KeyPath = ()) -> list[KeyPath]:
    """Take values whose ``${...}`` breaks off out of a tree, so that the rest can be checked.

    Returns:
        The paths of what was taken out.
    """
    dropped: list[KeyPath] = []
    for key, value in list(values.items()):
        if isinstance(value, dict):
            dropped += drop_unreadable(value, (*path, key))
        elif is_reference(value) and not _readable(value):
            del values[key]
            dropped.append((*path, key))
    return dropped


def _readable(value: Any) -> bool:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        OmegaConf.create({"value": value})
    except (OmegaConfBaseException, RecursionError):
        return False
    return True


def _resolve(config: DictConfig, path: tuple[str, ...]) -> tuple[Any, Exception | None]:
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        node: Any = config
        for part in path[:-1]:
            node = node[part]
        value = node[path[-1]]
        if OmegaConf.is_config(value):
            value = OmegaConf.to_container(value, resolve=True, throw_on_missing=True)
        return value, None
    except (OmegaConfBaseException, RecursionError, ValueError, TypeError) as error:
        return None, error

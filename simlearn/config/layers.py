"""Layers of plain values laid over each other, each value remembering who set it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simlearn.config.yaml_file import KeyPath, YamlFile

Origins = Mapping[KeyPath, str]


class Layers:
    """A tree of values and, beside it, the origin of each.

    Attributes:
        data: the values so far.
        origins: key path -> ``"recipes/a.yaml:12"`` or ``"override 'loss.margin=0.3'"``.
    """

    def __init__(self) -> None:
        self.data: dict[str, Any] = {}
        self.origins: dict[KeyPath, str] = {}

    def lay_file(self, file: YamlFile, values: Mapping[str, Any], *prefix: str, into: str) -> None:
        """Lay a part of a file over the group ``into`` (or over the top level if empty).

        Args:
            file: where the values come from.
            values: the part, a mapping.
            prefix: the path of that part inside the file.
            into: a group or ``""``.
        """
        base = (into,) if into else ()

        def origin(path: KeyPath) -> str:
            return file.at(*prefix, *path[len(base) :])

        for key, value in values.items():
            self._lay((*base, key), value, origin)

    def assign(self, path: tuple[str, ...], value: Any, origin: str) -> str | None:
        """Set one key; a mapping is merged into a group, anything else replaces.

        Returns:
            None, or the reason why the key cannot be set: a parent holds a plain value.
        """
        node: Any = self.data
        for depth, part in enumerate(path[:-1], start=1):
            node = node.get(part)
            if node is None:
                break
            if not isinstance(node, dict):
                parent = ".".join(path[:depth])
                return f"{origin}: '{parent}' is a plain value and has no key '{path[depth]}'"
        self._lay(path, value, lambda _: origin)
        return None

    def _lay(self, path: KeyPath, value: Any, origin: Callable[[KeyPath], str]) -> None:
        node: dict[Any, Any] = self.data
        for part in path[:-1]:
            if not isinstance(node.get(part), dict):
                node[part] = {}
            node = node[part]
        # a group is completed key by key; a mapping that is one argument's value is replaced whole
        whole = len(path) > 1
        if whole or not (isinstance(value, dict) and isinstance(node.get(path[-1]), dict)):
            self._forget(path)
            node[path[-1]] = {} if isinstance(value, dict) else value
        self.origins[path] = origin(path)
        if isinstance(value, dict):
            for key, item in value.items():
                self._lay((*path, key), item, origin)

    def _forget(self, path: KeyPath) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


def origin_of(origins: Origins, path: KeyPath) -> str:
    """Who set a key: its own origin, else that of the first key below it, else of its parent."""
    if path in origins:
        return origins[path]
    for known, origin in origins.items():
        if known[: len(path)] == path:
            return origin
    for length in range(len(path) - 1, 0, -1):
        if path[:length] in origins:
            return origins[path[:length]]
    return "the configuration"

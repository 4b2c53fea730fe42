"""Plain YAML with a line number for every key: no tags, no anchors, no key twice, no recursion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from simlearn.config.errors import ConfigError
from simlearn.config.locate import label

KeyPath = tuple[str | int, ...]
MAX_BYTES = 1_000_000
MAX_DEPTH = 40
_INT = re.compile(r"[-+]?\d+(_\d+)*", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\d+(_\d+)*(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", "+.inf", ".Inf", "+.Inf"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


@dataclass(frozen=True)
class YamlFile:
    """One file as plain data.

    Attributes:
        path: the file.
        name: how messages name it (see :func:`simlearn.config.locate.label`).
        data: its mapping; empty for an empty file.
        lines: the 1-based line of every key and list item, by its path.
    """

    path: Path
    name: str
    data: dict[str, Any]
    lines: dict[KeyPath, int] = field(repr=False)

    def at(self, *path: str | int) -> str:
        """``"recipes/a.yaml:12"``: the file and the line of a key, or of its nearest parent."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return f"{self.name}:{self.lines[path[:length]]}"
        return self.name


def plain_scalar(text: str) -> Any:
    """An unquoted YAML word as None, bool, int, float or the text itself.

    YAML 1.2's core words: ``off`` and ``no`` stay text, ``1e-3`` and ``1_000`` are numbers.

    Raises:
        ValueError: a whole number with more digits than Python reads (4300).
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def read_yaml(path: Path) -> YamlFile:
    """Read one file whose content is a mapping.

    Args:
        path: a text file of at most 1 MB in UTF-8.

    Returns:
        Its data and lines; an empty file gives an empty mapping.

    Raises:
        ConfigError: unreadable, not UTF-8, not YAML, more than one document, no mapping, or
            something of YAML that is not used here; the text names the file and the line.
    """
    name = label(path)
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        raise ConfigError(f"{name}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{name}:{line}: not UTF-8 text; save it as UTF-8") from error
    if len(raw) > MAX_BYTES:
        raise ConfigError(f"{name}: {len(raw)} bytes; a configuration file has at most {MAX_BYTES}")
    data, lines = _Builder(name).build(text)
    return YamlFile(path, name, data, lines)


class _Builder:
    """Builds plain data from YAML events with a stack of open containers instead of recursion."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.root: Any = None
        self.documents = 0
        self.lines: dict[KeyPath, int] = {}
        self.stack: list[tuple[KeyPath, dict[str, Any] | list[Any]]] = []
        self.key: list[str | None] = []  # per open container: the key that waits for its value

    def build(self, text: str) -> tuple[dict[str, Any], dict[KeyPath, int]]:
        """The whole text as ``(data, lines)``; raises ConfigError with file and line."""
        import yaml

        try:
            for event in _events(text):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            where = f"{self.name}:{mark.line + 1}" if mark else self.name
            raise ConfigError(f"{where}: not valid YAML: {error.problem or error}") from error
        except yaml.YAMLError as error:
            reason = str(error).splitlines()[0]
            raise ConfigError(f"{self.name}: not valid YAML: {reason}") from error
        if self.root is not None and not isinstance(self.root, dict):
            raise ConfigError(
                f"{self.name}: holds no mapping; write lines of the form 'key: value'"
            )
        return self.root or {}, self.lines

    def _take(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            self.documents += 1
            if self.documents > 1:
                self._refuse(event, "a second YAML document; keep one document in a file")
        elif kind in ("SequenceEndEvent", "MappingEndEvent"):
            self.stack.pop()
            self.key.pop()
        elif kind in ("ScalarEvent", "SequenceStartEvent", "MappingStartEvent", "AliasEvent"):
            self._node(event, kind)

    def _node(self, event: Any, kind: str) -> None:
        if event.anchor is not None:
            self._refuse(event, "anchors (&, *) are not used here; write the value out")
        if event.tag is not None:
            self._refuse(event, f"the tag {event.tag!r} is refused; a configuration is plain data")
        if self.stack and isinstance(self.stack[-1][1], dict) and self.key[-1] is None:
            self._new_key(event, kind)
            return
        if kind == "ScalarEvent":
            self._place(event, self._scalar(event))
            return
        if len(self.stack) >= MAX_DEPTH:
            self._refuse(event, f"nested deeper than {MAX_DEPTH} levels")
        container: dict[str, Any] | list[Any] = {} if kind == "MappingStartEvent" else []
        path = self._place(event, container)
        self.stack.append((path, container))
        self.key.append(None)

    def _new_key(self, event: Any, kind: str) -> None:
        path, container = self.stack[-1]
        if kind != "ScalarEvent":
            self._refuse(event, "a key must be a word")
        if not event.value.isprintable():
            self._refuse(event, "a control character in a key")
        if event.value in container:
            self._refuse(event, f"the key '{event.value}' stands here a second time")
        self.key[-1] = event.value
        self.lines[(*path, event.value)] = event.start_mark.line + 1

    def _place(self, event: Any, value: Any) -> KeyPath:
        if not self.stack:
            self.root = value
            return ()
        path, container = self.stack[-1]
        if isinstance(container, list):
            container.append(value)
            path = (*path, len(container) - 1)
            self.lines[path] = event.start_mark.line + 1
            return path
        key = self.key[-1] or ""
        container[key] = value
        self.key[-1] = None
        return (*path, key)

    def _scalar(self, event: Any) -> Any:
        if any(not c.isprintable() and c not in "\n\t" for c in event.value):
            self._refuse(event, "a control character")
        if not event.implicit[0]:  # quoted or a block: text as it stands
            return event.value
        try:
            return plain_scalar(event.value)
        except ValueError:
            self._refuse(event, "a number with too many digits")

    def _refuse(self, event: Any, reason: str) -> Any:
        raise ConfigError(f"{self.name}:{event.start_mark.line + 1}: {reason}")


def _events(text: str) -> Iterator[Any]:
    """The YAML events of ``text``, from libyaml where PyYAML was built with it."""
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    yield from yaml.parse(text, Loader=loader)

"""The words after the command, read with Hydra's grammar: ``group=option`` and ``key=value``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

_PLAIN = re.compile(r"(\+{0,2}[A-Za-z_][\w.]*)=([^,\[\]{}()'\"\\$\s]+)", re.ASCII)

_SECRET = re.compile(
    r"^(\+{0,2}[\w.]*(?:api_?key|token|secret|password)=).+", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True)
class Assignment:
    """One override as ``path = value``.

    Attributes:
        path: the key, split at its dots.
        value: None, bool, int, float, text, list or dict.
        text: the override as the user wrote it.
    """

    path: tuple[str, ...]
    value: Any
    text: str

    @property
    def origin(self) -> str:
        """How messages name it."""
        return named(self.text)


def named(text: str) -> str:
    """``"override 'loss.margin=0.3'"``, cut after 120 characters, without the value of a secret.

    A key ending in ``api_key``, ``token``, ``secret`` or ``password`` is one.
    """
    text = _SECRET.sub(r"\g<1>***", text)
    return f"override '{text if len(text) <= 120 else text[:117] + '...'}'"


def parse_override(text: str) -> Override:
    """Hydra's reading of one override.

    Hydra's grammar knows neither ``~`` nor letters beyond ASCII in a value; a value with such
    characters and without brackets, commas or quotes is read as text: ``data.root=~/faces``.

    Raises:
        ValueError: it does not follow the grammar; the text shows the override and the place.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    try:
        try:
            return parser.parse_override(text)
        except HydraException:
            plain = _PLAIN.fullmatch(text)
            if plain is None:
                raise
            return parser.parse_override(f"{plain[1]}='{plain[2]}'")
    except (HydraException, ValueError, RecursionError, AssertionError) as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"{named(text)} cannot be read: {reason}. "
            "Write key=value or group=option; quote values with special characters: "
            "\"key='a, b'\""
        ) from error


def parse_overrides(texts: Sequence[str]) -> tuple[list[Assignment], list[str]]:
    """Every override as an assignment; those that cannot be one, as faults.

    ``+key=value`` and ``++key=value`` are read as ``key=value``: a key that does not exist is
    found later, like any other unknown key.

    Returns:
        ``(assignments, faults)``, both in the order of ``texts``.
    """
    assignments: list[Assignment] = []
    faults: list[str] = []
    for text in texts:
        try:
            assignments.append(_assignment(text))
        except ValueError as error:
            faults.append(str(error))
    return assignments, faults


def _assignment(text: str) -> Assignment:
    override = parse_override(text)
    if override.is_delete():
        raise ValueError(
            f"{named(text)}: keys cannot be deleted; give the key another value, or leave a "
            "group out with group=null"
        )
    if override.is_sweep_override():
        raise ValueError(
            f"{named(text)} names several values: add -m to run them one after the other, "
            "or quote the value to make it one text"
        )
    if override.package is not None:
        raise ValueError(f"{named(text)}: '@' is not used here; write group=option")
    path = tuple(override.key_or_group.split("."))
    if not all(path):
        raise ValueError(f"{named(text)}: the key has an empty part; write key=value")
    value = override.value()
    if not _text_keys(value):
        raise ValueError(f"{named(text)}: the keys of a mapping must be words")
    return Assignment(path, value, text)


def _text_keys(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _text_keys(item) for key, item in value.items())
    return all(_text_keys(item) for item in value) if isinstance(value, list) else True

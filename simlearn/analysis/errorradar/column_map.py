"""Which keys of a file our fields have, and how the file counts steps and names errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from simlearn.analysis.errorradar.taxonomy import CATEGORIES, NAMES, PROBLEM_TYPES
from simlearn.data.exclusions import closest

FIELDS: Final = (
    "id",
    "question",
    "steps",
    "error_step",
    "error_category",
    "problem_type",
    "image",
    "correct_answer",
    "student_answer",
)
"""What is looked for in every row."""
CONSTANT_FIELDS: Final = (
    "question",
    "error_category",
    "problem_type",
    "correct_answer",
    "student_answer",
)
"""What may be the same for a whole file."""

KeyPath = tuple[str, tuple[str, ...]]
"""A key, and its parts where dots lead into inner objects."""


def plain_word(text: str) -> str:
    """A word for comparing: small letters, one space for blanks, hyphens and underscores."""
    return " ".join(text.replace("_", " ").replace("-", " ").casefold().split())


@dataclass(frozen=True, eq=False)
class ColumnMap:
    """How the rows of a file become records.

    Attributes:
        columns: our field -> the file's keys; the first that a row has and that is not null
            counts. Dots lead into inner objects (``"solution.steps"``). A field that is not named
            is not read.
        first_step: the file's number of the first step, 0 or 1.
        none_step: the file's number where no step is wrong; ``None`` where it has no such rows.
        constants: field -> text for every row, one of ``CONSTANT_FIELDS``.
        categories: the file's word -> code, or ``None`` where nothing is wrong. Codes and the full
            names of ``taxonomy.NAMES`` are known without it; case does not count.
        problem_types: the file's word -> ours; other words stay as they are.
        named: fields whose key must be in every row, though it may be null.
        name: of the map, for tables.

    Raises:
        ValueError: what is wrong, beginning with the attribute's name.
    """

    columns: Mapping[str, Sequence[str]]
    first_step: int = 1
    none_step: int | None = None
    constants: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str | None] = field(default_factory=dict)
    problem_types: Mapping[str, str] = field(default_factory=dict)
    named: frozenset[str] = frozenset()
    name: str = ""
    paths: Mapping[str, tuple[KeyPath, ...]] = field(init=False, repr=False)
    codes: Mapping[str, str | None] = field(init=False, repr=False)
    types: Mapping[str, str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        check_fields("columns", self.columns, FIELDS)
        check_fields("constants", self.constants, CONSTANT_FIELDS)
        self._check_steps()
        paths = {
            name: tuple((key, tuple(key.split("."))) for key in _keys(name, self.columns))
            for name in FIELDS
        }
        own = {plain_word(word): code for word, code in self.categories.items()}
        for word, code in own.items():
            if code is not None and code not in CATEGORIES:
                raise ValueError(
                    f"categories.{word[:60]!r} is {code!r}, must be one of "
                    f"{', '.join(CATEGORIES)}, or null where nothing is wrong"
                )
        object.__setattr__(self, "paths", paths)
        object.__setattr__(self, "codes", {**_known_codes(), **own})
        types = {plain_word(name): name for name in PROBLEM_TYPES}
        types |= {plain_word(word): name for word, name in self.problem_types.items()}
        object.__setattr__(self, "types", types)
        if "error_category" in self.constants:
            self.category(self.constants["error_category"])

    def with_columns(self, columns: Mapping[str, str | Sequence[str]]) -> ColumnMap:
        """The same map with other keys for some fields, which every row must then have.

        Args:
            columns: our field -> a key or several; a constant of that field no longer counts.

        Raises:
            ValueError: an unknown field, or a key that is no text.
        """
        if not columns:
            return self
        check_fields("columns", columns, FIELDS)
        given = {name: _keys(name, columns) for name in columns}
        return replace(
            self,
            columns={**self.columns, **given},
            constants={k: v for k, v in self.constants.items() if k not in columns},
            named=self.named | set(columns),
        )

    def category(self, word: str) -> str | None:
        """The code for the file's word; ``None`` for an empty one.

        Raises:
            ValueError: a word that nothing explains.
        """
        plain = plain_word(word)
        if plain in self.codes:
            return self.codes[plain]
        if not plain:
            return None
        near = closest(plain[:60], list(self.codes))
        hint = f"; did you mean {near!r}?" if near else "."
        raise ValueError(
            f"{word[:60]!r} is no kind of error{hint} There are {', '.join(CATEGORIES)} and their "
            "full names; tell others by the map's categories, {word: code}"
        )

    def problem_type(self, word: str) -> str:
        """Our name for the file's word; a word that nothing explains stays as it is."""
        return self.types.get(plain_word(word), word.strip())

    def _check_steps(self) -> None:
        """Refuse numbers that could mean a step and no step."""
        if self.first_step not in (0, 1):
            raise ValueError(f"first_step is {self.first_step!r}, must be 0 or 1")
        if self.none_step is not None and self.none_step >= self.first_step:
            raise ValueError(
                f"none_step is {self.none_step}, must be below first_step ({self.first_step}): it "
                "would be the number of a step"
            )


def check_fields(what: str, given: Mapping[str, object], known: Sequence[str]) -> None:
    """Refuse names that there are not.

    Raises:
        ValueError: names the closest one.
    """
    for name in given:
        if name not in known:
            near = closest(str(name)[:60], known)
            hint = f" Did you mean {near!r}?" if near else ""
            raise ValueError(
                f"{what}: no field {str(name)[:60]!r}.{hint} There are {', '.join(known)}"
            )


def _keys(name: str, columns: Mapping[str, str | Sequence[str]]) -> tuple[str, ...]:
    """The keys of one field, none where it is not named."""
    given = columns.get(name, ())
    listed = isinstance(given, Sequence) and not isinstance(given, str)
    keys: tuple[Any, ...] = tuple(given) if listed else (given,)
    if not all(isinstance(key, str) and key for key in keys) or (name in columns and not keys):
        raise ValueError(f"columns.{name} is {given!r}, must be the name of a column, or several")
    return keys


def _known_codes() -> dict[str, str | None]:
    """Codes, full names, and these without their last words."""
    known: dict[str, str | None] = {}
    for code, name in NAMES.items():
        short = name.removesuffix(" error").removesuffix(" of the question")
        known |= {plain_word(word): code for word in (code, name, short)}
    return known

"""The wording of prompts, in YAML files that anybody can write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest
from simlearn.data.text_file import read_text

MOST_CHARACTERS = 100_000
"""Of a style's file."""
_FOLDER = Path(__file__).parent / "styles"
_PLACE = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|\{[ \t]*([A-Za-z_]\w*)[ \t]*\}")
_CONTEXT = ("question", "steps", "correct_answer", "student_answer", "categories", "n_steps")
PLACES: Mapping[str, tuple[str, ...]] = {
    "system": ("categories", "n_steps"),
    "step": (*_CONTEXT, "mistake"),
    "category": (*_CONTEXT, "mistake", "wrong_step"),
    "joint": (*_CONTEXT, "mistake"),
    "mistake": (),
    "mistake_or_none": (),
}
"""Which placeholders each text of a style may have."""


@dataclass(frozen=True)
class PromptStyle:
    """The texts of a style, with placeholders in braces (``PLACES``).

    A line with a placeholder that nothing is put in for is left out. ``{{word}}`` stands for
    ``{word}``; other braces, as those of JSON, stand for themselves.

    Attributes:
        name: of the style, or of its file.
        step: asks for the first wrong step.
        category: asks for the kind of error; ``{wrong_step}`` is the step's number where it is
            told.
        joint: asks for both.
        system: the role; may be empty.
        mistake: put in for ``{mistake}``; may be empty.
        mistake_or_none: put in for it where solutions without a wrong step are asked about too:
            says that 0 is the reply then. Empty: such solutions cannot be asked about.

    Raises:
        ValueError: an unknown placeholder or one that cannot stand there; ``{question}`` or
            ``{steps}`` missing; ``mistake_or_none`` without a ``{mistake}`` to stand at.
    """

    name: str
    step: str
    category: str
    joint: str
    system: str = ""
    mistake: str = ""
    mistake_or_none: str = ""

    def __post_init__(self) -> None:
        for key, known in PLACES.items():
            text = getattr(self, key)
            matches = [match for match in _PLACE.finditer(text) if match[2]]
            places = {match[2] for match in matches}
            for match in matches:
                _check_place(key, match[2], match[0], known)
            if key in ("step", "category", "joint"):
                for place in ("question", "steps"):
                    if place not in places:
                        raise ValueError(f"{key}: {{{place}}} is missing")
            if key in ("step", "joint") and self.mistake_or_none and "mistake" not in places:
                raise ValueError(f"{key}: {{mistake}} is missing, where mistake_or_none is put in")


def load_style(name: str | Path) -> PromptStyle:
    """Read a style.

    Args:
        name: of a shipped style (:func:`style_names`), or the path of a YAML file with the keys
            step, category, joint and, where wanted, system, mistake, mistake_or_none.

    Raises:
        DataError: neither; or the file is unreadable, no YAML, has a key that there is not or
            twice, lacks one, or a text breaks the rules of :class:`PromptStyle`.
    """
    names = style_names()
    if str(name) in names:
        return _read(_FOLDER / f"{name}.yaml", str(name))
    path = Path(name).expanduser()
    if path.suffix.lower() not in (".yaml", ".yml"):
        near = closest(str(name)[:200], names)
        hint = f" Did you mean {near!r}?" if near else ""
        raise DataError(
            f"no prompt style {str(name)[:200]!r}.{hint} There are {', '.join(names)}, or name a "
            "YAML file of your own"
        )
    return _read(path, path.stem)


def style_names() -> tuple[str, ...]:
    """The shipped styles in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put values in for placeholders, once: what is put in is not looked at again.

    Args:
        template: a text of a style.
        values: by placeholder; a line with one that is empty or not there is left out.
    """
    lines = []
    for line in template.splitlines():
        names = [m[2] for m in _PLACE.finditer(line) if m[2]]
        if all(values.get(name) for name in names):
            lines.append(
                _PLACE.sub(lambda m: values[m[2]] if m[2] else f"{{{m[1]}}}", line)
                if "{" in line
                else line
            )
    return "\n".join(lines).strip()


def _check_place(key: str, place: str, written: str, known: tuple[str, ...]) -> None:
    """Refuse a placeholder that is unknown, spelled with spaces, or cannot stand in this text."""
    if place in known and written == f"{{{place}}}":
        return
    everywhere = sorted({name for names in PLACES.values() for name in names})
    if place in everywhere and place not in known:
        raise ValueError(f"{key}: {{{place}}} cannot stand here")
    near = place if place in known else closest(place, known or everywhere)
    hint = f"; did you mean {{{near}}}?" if near else "."
    raise ValueError(
        f"{key}: no placeholder {written[:80]!r}{hint} There are "
        f"{', '.join(f'{{{name}}}' for name in known) or 'none here'}; for the word in braces "
        f"itself write {{{{{place[:40]}}}}}"
    )


def _read(path: Path, name: str) -> PromptStyle:
    """A style from a file."""
    texts = _texts(path)
    known = [field.name for field in fields(PromptStyle) if field.name != "name"]
    for key in texts:
        if key not in known:
            near = closest(key[:200], known)
            hint = f" Did you mean {near!r}?" if near else ""
            raise DataError(f"{path}: no key {key[:80]!r}.{hint} There are {', '.join(known)}")
    for key in ("step", "category", "joint"):
        if not texts.get(key, "").strip():
            raise DataError(f"{path}: {key} is missing, the text that asks for it")
    try:
        return PromptStyle(name=name, **{key: text.strip() for key, text in texts.items()})
    except ValueError as error:
        raise DataError(f"{path}: {error}") from error


def _texts(path: Path) -> dict[str, str]:
    """Keys and texts of a YAML file, none of them made anything but text."""
    import yaml

    text = read_text(path, "prompt style")
    if len(text) > MOST_CHARACTERS:
        raise DataError(f"{path}: {len(text)} characters; a style has at most {MOST_CHARACTERS}")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise DataError(f"{path}: no YAML ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(root, yaml.MappingNode):
        raise DataError(f"{path}: must be lines of the form 'key: text'")
    found: dict[str, str] = {}
    for key, value in root.value:
        where = f"{path}, line {key.start_mark.line + 1}"
        if not isinstance(key, yaml.ScalarNode):
            raise DataError(f"{where}: a key must be a word")
        if not isinstance(value, yaml.ScalarNode) or value.tag != "tag:yaml.org,2002:str":
            raise DataError(f"{where}: {key.value[:80]!r} must be a text; put it in quotes")
        if key.value in found:
            raise DataError(f"{where}: the key {key.value[:80]!r} stands here a second time")
        found[key.value] = value.value
    return found

"""Any question set in one JSON Lines file, its fields named by a map."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePath, PureWindowsPath
from typing import Any, Literal

from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest
from simlearn.data.questions import Question
from simlearn.data.text_lines import read_text_lines

Metric = Literal["exact", "equal", "substring", "letter", "label", "wrr", "anls"]
"""How an answer may be judged; :mod:`simlearn.analysis.answer_metrics` says how each works."""

FIELDS = ("id", "text", "answers", "kind", "image", "audio")
"""What is looked for in every line."""

_ABSENT: Any = object()


def read_question_file(
    path: Path | str,
    columns: Mapping[str, str] | None = None,
    root: Path | str | None = None,
    *,
    dataset: str = "",
    metric: Metric = "exact",
    prompt: str = "{text}",
) -> list[Question]:
    """The questions of a file with one JSON object a line.

    Answers are a text, a number, or a list of them; of VQAv2's objects ``{"answer": ...,
    "answer_confidence": ...}`` those count that were given with "yes" (MMNeuron's protocol). Each
    wording is kept once, the most frequent first. A picture or sound that is ``null`` is none.

    Args:
        path: the file; empty lines are passed over.
        columns: our field -> the file's key, for any of ``FIELDS``. Dots lead into inner objects
            (``"question.body"``). A field that is not named here is looked for under its own name
            and may be missing, except ``text``; one that is named must be in every line.
        root: folder that pictures and sounds are relative to; ``None`` for the file's own.
        dataset: name of the data set; ``""`` for the file's name without its ending.
        metric: how the answers are judged.
        prompt: what is asked, ``{text}`` in it stands for the text. Where it does not occur the
            lines need no text.

    Returns:
        Questions in file order; the id is the line's number where the file has none.

    Raises:
        DataError: naming file, line and field: no JSON object, a field is missing or of another
            kind, a picture or sound is not there or not below ``root``, or an id stands twice.
        ValueError: ``columns`` names a field that there is not.
    """
    path, columns = Path(path).expanduser(), dict(columns or {})
    for field in columns:
        if field not in FIELDS:
            near = closest(field, FIELDS)
            hint = f" Did you mean {near!r}?" if near else ""
            raise ValueError(f"columns: no field {field!r}.{hint} There are {', '.join(FIELDS)}")
    folder = path.parent if root is None else Path(root).expanduser()
    found: dict[str, Question] = {}
    lines: dict[str, int] = {}
    for number, line in read_text_lines(path, "question file"):
        row = _Row(f"{path}, line {number}", _parse(f"{path}, line {number}", line), columns)
        text = row.text("text", required="{text}" in prompt) or ""
        key = row.text("id") or str(number)
        if key in found:
            raise DataError(f"{path}: lines {lines[key]} and {number} both have the id {key!r}")
        lines[key] = number
        found[key] = Question(
            id=key,
            text=prompt.replace("{text}", text),
            answers=row.answers(),
            kind=row.text("kind") or "",
            dataset=dataset or path.stem,
            metric=metric,
            image=row.media("image", folder),
            audio=row.media("audio", folder),
        )
    return list(found.values())


class _Row:
    """One line: where it stands, its object, and which keys its fields have."""

    def __init__(self, where: str, content: dict[str, Any], columns: Mapping[str, str]) -> None:
        """Keep the line; nothing is checked yet."""
        self.where, self.content, self.columns = where, content, columns

    def value(self, field: str, *, required: bool = False) -> Any:
        """What the line says about a field; ``None`` where it is absent and may be."""
        key = self.columns.get(field, field)
        found = _look_up(self.content, key)
        if found is _ABSENT:
            if not required and field not in self.columns:
                return None
            near = closest(key, self.content)
            hint = f"; did you mean {near!r}?" if near else ""
            raise DataError(
                f"{self.where}: no {key!r}, which is to be the {field}{hint} There are "
                f"{', '.join(map(str, self.content))[:200] or 'none'}. Set columns.{field}"
            )
        return found

    def text(self, field: str, *, required: bool = False) -> str | None:
        """A text, or a number as text."""
        found = self.value(field, required=required)
        if found is None and not required:
            return None
        text = _as_text(found)
        if text is None or (required and not text.strip()):
            raise self._fault(field, "a text", found)
        return text

    def answers(self) -> tuple[str, ...]:
        """The right answers, the most frequent first; none where the line has no such field."""
        found = self.value("answers")
        if found is None:
            return ()
        texts: list[str] = []
        for item in found if isinstance(found, list) else [found]:
            if isinstance(item, dict):
                if item.get("answer_confidence", "yes") != "yes":
                    continue
                item = item.get("answer")
            text = _as_text(item)
            if text is None:
                raise self._fault("answers", "a text or a list of texts", item)
            texts.append(text)
        return tuple(answer for answer, _ in Counter(texts).most_common())

    def media(self, field: str, folder: Path) -> Path | None:
        """A file below ``folder`` that is there."""
        found = self.value(field)
        if found is None:
            return None
        if not isinstance(found, str) or not found or "\0" in found:
            raise self._fault(field, "the path of a file", found)
        inner = PurePath(found)
        if inner.is_absolute() or PureWindowsPath(found).drive or ".." in inner.parts:
            raise self._fault(field, f"a path below {folder}", found)
        path = folder / inner
        try:
            there = path.is_file()
        except OSError:  # a name that is too long
            there = False
        if not there:
            raise DataError(f"{self.where}: the {field} {str(path)[:200]} is not there")
        return path

    def _fault(self, field: str, wanted: str, found: object) -> DataError:
        """The error for a field of another kind."""
        key = self.columns.get(field, field)
        return DataError(
            f"{self.where}: {key!r} ({field}) must be {wanted}, found {repr(found)[:60]}"
        )


def _parse(where: str, line: str) -> dict[str, Any]:
    """The object of one line."""
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: no JSON ({error}); write one object a line") from error
    if not isinstance(content, dict):
        raise DataError(f"{where}: must be a JSON object, found {repr(content)[:60]}")
    return content


def _look_up(content: dict[str, Any], key: str) -> Any:
    """The value under a key, or under its parts between dots; ``_ABSENT`` if there is none."""
    if key in content:
        return content[key]
    found: Any = content
    for part in key.split("."):
        if not isinstance(found, dict) or part not in found:
            return _ABSENT
        found = found[part]
    return found


def _as_text(value: object) -> str | None:
    """A text as it is, a number in Python's spelling, nothing else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None

"""easy-vqa (V. Zhou 2019): questions about drawings of one coloured shape, and some without one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from simlearn.data.errors import DataError
from simlearn.data.questions import Question, QuestionSource
from simlearn.data.randomness import numpy_generator
from simlearn.data.text_questions import COLOURS, SHAPES, text_questions

if TYPE_CHECKING:
    from simlearn.data.video_source import Report

IMAGES, TEXTS = "easy_vqa", "text"
"""Names of the two data sets."""


def kind_of_answer(answer: str) -> str:
    """One of "colour", "shape" and "yes_no"."""
    return "colour" if answer in COLOURS else "shape" if answer in SHAPES else "yes_no"


def read_easy_vqa(folder: Path) -> list[Question]:
    """The questions of one split.

    Args:
        folder: holds ``questions.json``, a list of [question, answer, image number], and
            ``images/<number>.png``.

    Returns:
        Questions of the data set "easy_vqa"; the id is the row in the file.

    Raises:
        DataError: no file, no JSON, a row of another form, or an image that is not there.
    """
    path = folder / "questions.json"
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: not there. data.root is the folder that holds train/ and test/ of easy-vqa; "
            "without it the installed package is read (pip install easy-vqa)"
        ) from error
    except ValueError as error:
        raise DataError(f"{path}: no JSON ({error}); install easy-vqa anew") from error
    if not isinstance(rows, list):
        raise DataError(f"{path}: must hold a list of rows, found a {type(rows).__name__}")
    there = {p.stem for p in (folder / "images").glob("*.png")}
    found = []
    for number, row in enumerate(rows):
        match row:
            case [str(text), str(answer), int(image)] if str(image) in there:
                found.append(
                    Question(
                        str(number),
                        text,
                        (answer,),
                        kind_of_answer(answer),
                        IMAGES,
                        image=folder / "images" / f"{image}.png",
                    )
                )
            case [str(), str(), int(image)]:
                raise DataError(f"{path}, row {number}: {folder / 'images'} has no {image}.png")
            case _:
                raise DataError(
                    f"{path}, row {number}: must be [question, answer, image number], found {row!r}"
                )
    return found


@dataclass(frozen=True, kw_only=True)
class EasyVQA(QuestionSource):
    """Questions about drawings, and as many without a picture as are asked for.

    4,000 training and 1,000 test images of 64x64 with one shape each; 38,575 and 9,673 questions,
    13 answers. ``train`` and ``test`` of :class:`QuestionSource` count per data set ("easy_vqa"
    and "text").

    Args:
        root: folder with ``train`` and ``test``; ``None`` for the installed package's own.
        val_images: training images whose questions are the validation split, drawn by
            ``draw_seed``.
        text_train: questions whose answer stands in the text, to learn or to mine from; 0 for
            none.
        text_test: likewise to be asked.

    Raises:
        ValueError: a number out of its range.
    """

    root: Path | None = None
    val_images: int = 200
    text_train: int = 8000
    text_test: int = 1000

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("val_images", "text_train", "text_test"):
            if getattr(self, name) < 0:
                raise ValueError(f"data.{name} is {getattr(self, name)}, must not be negative")

    def read(self, report: Report | None = None) -> dict[str, list[Question]]:
        """Questions of every split, those about images first.

        Args:
            report: not called; it takes no time.

        Raises:
            DataError: the package is not installed, or what :func:`read_easy_vqa` says.
        """
        root = self._root()
        train, test = read_easy_vqa(root / "train"), read_easy_vqa(root / "test")
        images = sorted({str(q.image) for q in train})
        drawn = numpy_generator(self.draw_seed, "validation images").permutation(len(images))
        held = {images[i] for i in drawn[: self.val_images]}
        seed, few = self.draw_seed, min(self.text_test, self.text_train)
        return {
            "train": [q for q in train if str(q.image) not in held]
            + text_questions(self.text_train, seed=seed, split="train"),
            "val": [q for q in train if str(q.image) in held]
            + text_questions(few, seed=seed, split="val"),
            "test": test + text_questions(self.text_test, seed=seed, split="test"),
        }

    def _root(self) -> Path:
        """Where the data lie."""
        if self.root is not None:
            return Path(self.root).expanduser()
        found = find_spec("easy_vqa")
        if found is None or not found.submodule_search_locations:
            raise DataError(
                "easy-vqa is not installed: pip install 'simlearn[analysis]', or give data.root"
            )
        return Path(found.submodule_search_locations[0]) / "data"

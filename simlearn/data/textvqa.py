"""TextVQA 0.5.1 (Singh et al. 2019) in the files of its authors."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from simlearn.data.errors import DataError
from simlearn.data.questions import Question
from simlearn.data.text_file import read_text

_IMAGE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}")


def read_textvqa(folder: Path | str, split: str = "val") -> list[Question]:
    """The questions of one split: 34,602 of "train", 5,000 of "val".

    The text is the question as it stands, without an instruction (MINER's protocol). An answer is
    judged by "substring". Of the ten people's answers each wording is kept once, the most frequent
    first.

    Args:
        folder: holds ``TextVQA_0.5.1_{split}.json`` and ``train_images/{image_id}.jpg``; the
            images of both splits lie in that one folder.
        split: "train" or "val".

    Returns:
        Questions of the data set "textvqa" in file order; the id is the ``question_id``.

    Raises:
        DataError: a file or an image is missing, the file is no JSON of this form, or a question
            stands there twice; names file, row and field.
        ValueError: another split.
    """
    if split not in ("train", "val"):
        raise ValueError(f"TextVQA's split is {split!r}, must be 'train' or 'val'")
    path = Path(folder).expanduser() / f"TextVQA_0.5.1_{split}.json"
    text = read_text(path, "annotation file of TextVQA")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: no JSON ({error}); download it again") from error
    rows = content.get("data") if isinstance(content, dict) else None
    if not isinstance(rows, list):
        raise DataError(f"{path}: must hold an object with the list 'data'; download it again")
    found = [_question(path, n, row) for n, row in enumerate(rows)]
    seen: dict[str, int] = {}
    for number, question in enumerate(found):
        first = seen.setdefault(question.id, number)
        if first != number:
            raise DataError(f"{path}: data[{first}] and data[{number}] are both {question.id}")
    return found


def _question(path: Path, number: int, row: Any) -> Question:
    """One row of ``data``; the test split's rows have no answers and are refused."""
    where = f"{path}, data[{number}]"
    if not isinstance(row, dict):
        raise DataError(f"{where}: must be an object, found {_shown(row)}")
    text, key = row.get("question"), row.get("question_id")
    image_id, answers = row.get("image_id"), row.get("answers")
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{where}: 'question' must be a text, found {_shown(text)}")
    if not isinstance(key, int | str) or isinstance(key, bool):
        raise DataError(f"{where}: 'question_id' must be a number, found {_shown(key)}")
    if not isinstance(image_id, str) or not _IMAGE_ID.fullmatch(image_id):
        raise DataError(f"{where}: 'image_id' must be letters and digits, found {_shown(image_id)}")
    if not isinstance(answers, list) or not all(isinstance(a, str) for a in answers) or not answers:
        raise DataError(f"{where}: 'answers' must be a list of texts, found {_shown(answers)}")
    image = path.parent / "train_images" / f"{image_id}.jpg"
    if not image.is_file():
        raise DataError(
            f"{where}: {image} is not there; unpack train_val_images.zip beside the JSON file"
        )
    kept = tuple(answer for answer, _ in Counter(answers).most_common())
    return Question(str(key), text, kept, "", "textvqa", "substring", image=image)


def _shown(value: object) -> str:
    """A value in at most 60 characters."""
    return repr(value)[:60]

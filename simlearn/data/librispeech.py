"""LibriSpeech (Panayotov et al. 2015) in the folders of its archives."""

from __future__ import annotations

import re
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.questions import Question
from simlearn.data.text_lines import read_text_lines

PROMPT = "Transcribe the speech. Only output the transcription, nothing before or after it."
"""What every recording is asked; MINER asks the same in more words."""

_UTTERANCE = re.compile(r"(\d+-\d+-\d+)\s+(\S.*)")


def read_librispeech(folder: Path | str, split: str = "test-clean") -> list[Question]:
    """The recordings of one split, each to be transcribed: 2,620 of "test-clean".

    The answer is the transcription, upper case and without punctuation as it is in the file; it is
    judged by "wrr", which ignores case.

    Args:
        folder: holds the split's folder, or a folder ``LibriSpeech`` that does; in it
            ``{speaker}/{chapter}/{speaker}-{chapter}-{n}.flac`` and
            ``{speaker}-{chapter}.trans.txt``, whose lines are an utterance's name and its words.
        split: name of the split's folder.

    Returns:
        Questions of the data set "librispeech", by the numbers of speaker, chapter and utterance;
        the id is the utterance's name, the kind the split.

    Raises:
        DataError: the folder, a transcription or a recording is missing, or a line has another
            form or belongs to another chapter; names file and line.
    """
    root = Path(folder).expanduser()
    root = root / "LibriSpeech" if (root / "LibriSpeech").is_dir() else root
    chapters = [p for p in (root / split).glob("*/*") if p.is_dir()]
    if not chapters:
        raise DataError(
            f"{root / split}: no folder speaker/chapter in it; give the folder of LibriSpeech that "
            f"holds {split}"
        )
    found = [question for chapter in chapters for question in _chapter(chapter, split)]
    return sorted(found, key=lambda q: [int(number) for number in q.id.split("-")])


def _chapter(chapter: Path, split: str) -> list[Question]:
    """The utterances of one chapter, in file order."""
    name = f"{chapter.parent.name}-{chapter.name}"
    path = chapter / f"{name}.trans.txt"
    found: dict[str, Question] = {}
    for line, text in read_text_lines(path, "transcription"):
        match = _UTTERANCE.fullmatch(text)
        if match is None or match[1].rpartition("-")[0] != name or match[1] in found:
            raise DataError(
                f"{path}, line {line}: must be {name}-NUMBER and the words, each number once, "
                f"found {text[:60]!r}"
            )
        key, words = match[1], match[2]
        audio = chapter / f"{key}.flac"
        if not audio.is_file():
            raise DataError(f"{path}, line {line}: {audio} is not there; unpack the archive again")
        found[key] = Question(key, PROMPT, (words,), split, "librispeech", "wrr", audio=audio)
    return list(found.values())

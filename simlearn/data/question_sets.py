"""The question sets of the papers, and your own, as one data option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from simlearn.data.errors import DataError
from simlearn.data.librispeech import read_librispeech
from simlearn.data.mmlu import read_mmlu
from simlearn.data.question_file import Metric, read_question_file
from simlearn.data.questions import Question, QuestionData, QuestionSource
from simlearn.data.randomness import numpy_generator
from simlearn.data.textvqa import read_textvqa

if TYPE_CHECKING:
    from simlearn.data.video_source import Report

OWN_FORMATS = ("textvqa", "mmlu", "librispeech")
"""Data sets that are read in their own files."""


def share_out(
    questions: Sequence[Question], share: float, *, seed: int
) -> tuple[list[Question], list[Question]]:
    """Questions to mine from and questions to be asked, none in both.

    Questions about the same file stay together, so that no picture or sound is in both parts.
    Whole files are drawn until the first part has ``share`` of the questions; each part gets at
    least one file.

    Args:
        questions: of one data set, at least two files or questions without one.
        share: in (0, 1), of the first part.
        seed: of the draw.

    Returns:
        (to mine from, to be asked), both in the order of ``questions``.

    Raises:
        DataError: there is nothing to share out.
    """
    sources: dict[str, list[int]] = {}
    for row, q in enumerate(questions):
        media = [str(m) for m in (q.image, q.audio) if isinstance(m, Path)]
        sources.setdefault("file " + " ".join(media) if media else f"id {q.id}", []).append(row)
    if len(sources) < 2:
        name = questions[0].dataset if questions else "a data set"
        raise DataError(
            f"{name}: {len(questions)} question(s) about {len(sources)} file(s) cannot be shared "
            "out into some to mine from and others to ask; at least 2 files are needed"
        )
    rows = list(sources.values())
    order = numpy_generator(seed, "mined and asked", questions[0].dataset).permutation(len(rows))
    wanted = share * len(questions)
    mined: set[int] = set(rows[order[0]])
    for i in order[1:-1]:
        if len(mined) + len(rows[i]) / 2 > wanted:
            break
        mined |= set(rows[i])
    return (
        [q for i, q in enumerate(questions) if i in mined],
        [q for i, q in enumerate(questions) if i not in mined],
    )


@dataclass(frozen=True, kw_only=True)
class QuestionSets(QuestionSource):
    """TextVQA (val), MMLU (test), LibriSpeech (test-clean) and JSON Lines files, where you say.

    The paper mines and asks the same questions (MINER, Huang et al. 2024). Here each data set is
    shared out: ``mine_share`` of it is the split "train", to mine from, the rest "test", to be
    asked; no picture or sound is in both. ``train`` and ``test`` then draw from each part.

    Args:
        textvqa: folder for :func:`read_textvqa`.
        mmlu: folder for :func:`read_mmlu`.
        librispeech: folder for :func:`read_librispeech`.
        files: name of a data set -> its file for :func:`read_question_file`; pictures and sounds
            are relative to the file's folder.
        columns: our field -> key, the same for all ``files``.
        metric: how the answers of ``files`` are judged.
        prompts: name of a data set -> what is asked instead of the text alone, ``{text}`` in it
            stands for the text.
        shots: solved examples before each question of MMLU.
        mine_share: in (0, 1).

    Raises:
        ValueError: a number out of its range, a file that is named like one of the three, or a
            prompt for a data set that is not given.
    """

    textvqa: Path | None = None
    mmlu: Path | None = None
    librispeech: Path | None = None
    files: Mapping[str, Path] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    metric: Metric = "exact"
    prompts: Mapping[str, str] = field(default_factory=dict)
    shots: int = 5
    mine_share: float = 0.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.mine_share < 1:
            raise ValueError(f"data.mine_share is {self.mine_share}, must be between 0 and 1")
        if self.shots < 0:
            raise ValueError(f"data.shots is {self.shots}, must not be negative")
        taken = [name for name in self.files if name in OWN_FORMATS]
        if taken:
            raise ValueError(
                f"data.files: {taken[0]!r} is read by data.{taken[0]}; rename the file"
            )
        unknown = [name for name in self.prompts if name not in self._names()]
        if unknown:
            raise ValueError(
                f"data.prompts: no data set {unknown[0]!r} is given; there are "
                f"{', '.join(self._names()) or 'none'}"
            )

    def read(self, report: Report | None = None) -> dict[str, list[Question]]:
        """All questions, shared out into "train" and "test".

        Args:
            report: called with the number of data sets read.

        Raises:
            DataError: no data set is given; or what the reader or :func:`share_out` says.
        """
        names = self._names()
        if not names:
            raise DataError(
                "QuestionSets: no data set is given. Give at least one of data.textvqa=FOLDER, "
                "data.mmlu=FOLDER, data.librispeech=FOLDER, data.files={NAME: FILE.jsonl}"
            )
        splits: dict[str, list[Question]] = {"train": [], "test": []}
        for number, name in enumerate(names, 1):
            found = self._questions(name)
            mined, asked = share_out(found, self.mine_share, seed=self.draw_seed)
            splits["train"] += mined
            splits["test"] += asked
            if report is not None:
                report(f"reading {name}", number, len(names))
        return splits

    def open(self, *, report: Report | None = None) -> QuestionData:
        """As for :class:`QuestionSource`; the facts say how the questions were shared out.

        Raises:
            DataError: as for :meth:`read`.
        """
        data = super().open(report=report)
        facts = {"datasets": self._names(), "mine_share": self.mine_share}
        return replace(data, facts={**data.facts, **facts})

    def _names(self) -> list[str]:
        """The data sets that are given."""
        return [name for name in OWN_FORMATS if getattr(self, name) is not None] + [*self.files]

    def _questions(self, name: str) -> list[Question]:
        """All questions of one data set, as they are asked."""
        prompt = self.prompts.get(name, "{text}")
        if name in self.files:
            return read_question_file(
                self.files[name], self.columns, dataset=name, metric=self.metric, prompt=prompt
            )
        folder = getattr(self, name)
        if name == "mmlu":
            found = read_mmlu(folder, self.shots)
        else:
            found = read_textvqa(folder) if name == "textvqa" else read_librispeech(folder)
        return [replace(q, text=prompt.replace("{text}", q.text)) for q in found]

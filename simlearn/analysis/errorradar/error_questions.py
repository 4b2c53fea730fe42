"""Worked solutions with a wrong step as questions, to train a small model or to mine neurons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from simlearn.analysis.errorradar.picture_file import kept_picture
from simlearn.analysis.errorradar.problem_shares import Shares
from simlearn.analysis.errorradar.problems import GENERATOR_VERSION, generate_problems
from simlearn.analysis.errorradar.prompt_style import PromptStyle, load_style
from simlearn.analysis.errorradar.prompts import build_prompt
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.records import read_records
from simlearn.analysis.errorradar.request_questions import one_text
from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest
from simlearn.data.question_sets import share_out
from simlearn.data.questions import SPLITS, Question, QuestionData, QuestionSource
from simlearn.data.randomness import derive_seed

if TYPE_CHECKING:
    from simlearn.data.video_source import Report

STEP, CATEGORY = "error_step", "error_category"
"""Names of the two data sets."""
UNKNOWN = "unknown"
"""Kind of a solution whose category is not known."""


@dataclass(frozen=True, kw_only=True)
class ErrorQuestions(QuestionSource):
    """Two questions about every solution: which step is wrong first, and in what way.

    Drawn problems have splits of their own, without a file of yours. The records of a file are
    shared out: none of them, and no figure, is both in "train" and in "test"; there is no "val".
    ``train`` and ``test`` of :class:`QuestionSource` count per data set ("error_step" and
    "error_category"). Solutions without a wrong step are left out.

    Args:
        path: records for :func:`read_records`; ``None`` to draw problems.
        map: names the fields of ``path``.
        root: folder that the figures of ``path`` are relative to, ``None`` for its own; of drawn
            problems the folder that they are written to, ``None`` for one under ``cache``.
        test_share: in (0, 1), share of the records of ``path`` that is asked.
        n_train: drawn problems to learn or to mine from; fewer where ``train`` is less, and so
            with the others.
        n_test: drawn problems to be asked.
        n_val: drawn problems for validation; may be 0.
        seed: of the drawn problems.
        shares: of the kinds of errors among drawn problems: "paper" or "uniform".
        style: of the prompts, as in ``evaluation.style``; "bare" has words for tiny models.
        images: ask with the figures.
        cache: folder of what is written.

    Raises:
        ValueError: a number out of its range, or an unknown word.
    """

    path: Path | None = None
    map: str = "simlearn"
    root: Path | None = None
    test_share: float = 0.5
    n_train: int = 4000
    n_test: int = 500
    n_val: int = 200
    seed: int = 0
    shares: Shares = "paper"
    style: str = "bare"
    images: bool = True
    cache: Path = Path("outputs/cache")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.test_share < 1:
            raise ValueError(f"data.test_share is {self.test_share}, must be between 0 and 1")
        for name, least in (("n_train", 1), ("n_test", 1), ("n_val", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"data.{name} is {getattr(self, name)}, must be at least {least}")
        known = get_args(Shares)
        if self.shares not in known:
            near = closest(str(self.shares), known)
            hint = f" Did you mean {near!r}?" if near else ""
            raise ValueError(
                f"data.shares is {self.shares!r}, must be one of {', '.join(known)}.{hint}"
            )

    def read(self, report: Report | None = None) -> dict[str, list[Question]]:
        """All questions by split, those about one solution side by side.

        Args:
            report: called with the progress of drawing and reading.

        Raises:
            DataError: what the reader of the file, the style or the drawing says.
        """
        style = load_style(self.style)
        records = self._drawn(report) if self.path is None else self._shared_out(self.path)
        found: dict[str, list[Question]] = {}
        total = sum(map(len, records.values()))
        for split, own in records.items():
            found[split] = list(self._questions(own, style))
            if report is not None:
                report("questions", sum(map(len, found.values())) // 2, total)
        return found

    def open(self, *, report: Report | None = None) -> QuestionData:
        """As for :class:`QuestionSource`; the facts say where the records come from.

        Raises:
            DataError: as for :meth:`read`.
        """
        data = super().open(report=report)
        source: dict[str, object] = (
            {
                "generator_version": GENERATOR_VERSION,
                "problems": self._counts(),
                "seed": self.seed,
                "shares": self.shares,
            }
            if self.path is None
            else {"file": self.path.name, "map": self.map, "test_share": self.test_share}
        )
        facts = {**data.facts, **source, "style": self.style, "images": self.images}
        return replace(data, facts=facts)

    def _counts(self) -> dict[str, int]:
        """Problems that are drawn for each split: no more than are used."""
        most = {"train": self.train, "val": self.test, "test": self.test}
        asked = {"train": self.n_train, "val": self.n_val, "test": self.n_test}
        return {split: min(n, most[split] or n) for split, n in asked.items()}

    def _drawn(self, report: Report | None) -> dict[str, list[Record]]:
        """Problems of three seeds, drawn where they are not there yet."""
        counts, found = self._counts(), dict[str, list[Record]]()
        for split in SPLITS:
            if not counts[split]:
                continue
            name = f"{split}-{counts[split]}-{self.seed}-{self.shares}"
            folder = (self.root or self.cache / "error_problems") / name
            path = generate_problems(
                folder,
                n=counts[split],
                seed=derive_seed(self.seed, "error questions", split),
                shares=self.shares,
                progress=None if report is None else partial(report, "drawing problems"),
            )
            found[split] = list(read_records(path))
        return found

    def _shared_out(self, path: Path) -> dict[str, list[Record]]:
        """The records of a file in two parts."""
        pictures = self.cache / "error_pictures"
        records = [
            replace(record, image=kept_picture(record.image, pictures))
            for record in read_records(path, map=self.map, root=self.root)
            if record.error_step
        ]
        if len(records) < 2:
            raise DataError(
                f"{path}: holds {len(records)} solution(s) with a wrong step; at least 2 are needed"
            )
        whole = [
            Question(
                record.id,
                record.question,
                (),
                dataset=path.name,
                image=record.image if isinstance(record.image, Path) else None,
            )
            for record in records
        ]
        learnt = {q.id for q in share_out(whole, 1 - self.test_share, seed=self.draw_seed)[0]}
        return {
            "train": [record for record in records if record.id in learnt],
            "test": [record for record in records if record.id not in learnt],
        }

    def _questions(self, records: Iterable[Record], style: PromptStyle) -> Iterator[Question]:
        """Both questions about each record; the step alone where the category is not known."""
        for record in records:
            image = record.image if self.images and isinstance(record.image, Path) else None
            kind = record.error_category or UNKNOWN
            step = build_prompt(record, "step", style)
            text = one_text(step.system, step.text)
            answers = (str(record.error_step),)
            yield Question(record.id, text, answers, kind, STEP, image=image)
            if record.error_category is not None:
                asked = build_prompt(record, "category", style)
                text = one_text(asked.system, asked.text)
                yield Question(record.id, text, (kind,), kind, CATEGORY, image=image)

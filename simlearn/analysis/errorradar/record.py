"""One worked solution with its first wrong step and the kind of error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from simlearn.analysis.errorradar.taxonomy import CATEGORIES


@dataclass(frozen=True, slots=True)
class Record:
    """A problem, a student's steps and what is wrong with them (arXiv 2410.04509, section 3).

    Attributes:
        id: unique within its data.
        question: the problem's text.
        steps: the student's steps, at least one.
        error_step: number of the first wrong step, counted from 1; 0 where no step is wrong.
        error_category: one of ``CATEGORIES``; ``None`` where it is not known or nothing is wrong.
        problem_type: for tables by type, usually one of ``PROBLEM_TYPES``; may be empty.
        image: the figure, a file or the bytes of one; ``None`` where there is none.
        correct_answer: may be empty.
        student_answer: may be empty.

    Raises:
        ValueError: what is wrong, beginning with the field's name.
    """

    id: str
    question: str
    steps: tuple[str, ...]
    error_step: int
    error_category: str | None = None
    problem_type: str = ""
    image: Path | bytes | None = None
    correct_answer: str = ""
    student_answer: str = ""

    def __post_init__(self) -> None:
        for name in ("id", "question"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name} is empty")
        if not self.steps:
            raise ValueError("steps: there is none, must be a list of at least one text")
        if not 0 <= self.error_step <= len(self.steps):
            raise ValueError(
                f"error_step is {self.error_step}, must be from 1 to {len(self.steps)}, the number "
                "of steps (counted from 1; 0 where no step is wrong)"
            )
        if self.error_category is not None and self.error_category not in CATEGORIES:
            raise ValueError(
                f"error_category is {self.error_category!r}, must be one of {', '.join(CATEGORIES)}"
            )
        if self.error_category is not None and not self.error_step:
            raise ValueError(
                f"error_category is {self.error_category} and error_step is 0: what is not wrong "
                "has no category"
            )

    @property
    def n_steps(self) -> int:
        """How many steps there are."""
        return len(self.steps)

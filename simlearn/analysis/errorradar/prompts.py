"""What a model is asked about a worked solution."""

from __future__ import annotations

from typing import NamedTuple, get_args

from simlearn.analysis.errorradar.endpoint import Task
from simlearn.analysis.errorradar.prompt_style import PromptStyle, fill
from simlearn.analysis.errorradar.record import Record
from simlearn.analysis.errorradar.taxonomy import CATEGORIES, DEFINITIONS, NAMES
from simlearn.data.exclusions import closest


class Prompt(NamedTuple):
    """What is sent beside the figure.

    Attributes:
        system: the role; may be empty.
        text: of the user.
    """

    system: str
    text: str


def build_prompt(
    record: Record,
    task: Task,
    style: PromptStyle,
    *,
    tell_step: bool = False,
    none_allowed: bool = False,
) -> Prompt:
    """Fill a style's texts with a record.

    Steps are numbered from 1; further lines of a step are set in, so that they begin no step. The
    record's labels are in no prompt, but for the step's number in that of "category" where
    ``tell_step`` asks for it (and there is a wrong step). A line for an answer that is empty is
    left out. Texts of the record are put in as they are, braces and all.

    Args:
        record: what is asked about.
        task: "step", "category" or "joint".
        style: the wording.
        tell_step: whether "category" says which step is the first wrong one; the other tasks never
            do.
        none_allowed: whether "step" and "joint" say that 0 is the reply where every step is right;
            "category" is always about a wrong step.

    Raises:
        ValueError: an unknown task; the style has no words for ``tell_step`` or ``none_allowed``.
    """
    if task not in get_args(Task):
        near = closest(str(task), get_args(Task))
        hint = f"; did you mean {near!r}?" if near else ""
        raise ValueError(f"task is {task!r}: must be one of {', '.join(get_args(Task))}{hint}")
    asks_none = none_allowed and task != "category"
    tells = tell_step and task == "category"
    template: str = getattr(style, task)
    if asks_none and not style.mistake_or_none:
        raise ValueError(
            f"style {style.name!r} has no words for solutions without a wrong step: write "
            "mistake_or_none into its file and {mistake} into step and joint"
        )
    if tells and "{wrong_step}" not in template:
        raise ValueError(
            f"style {style.name!r} has no {{wrong_step}} in category, so the step cannot be told: "
            "write a line with it into its file, or do not ask for it"
        )
    values = {
        "question": record.question.strip(),
        "steps": numbered_steps(record),
        "correct_answer": record.correct_answer.strip(),
        "student_answer": record.student_answer.strip(),
        "categories": category_lines(),
        "n_steps": str(record.n_steps),
        "mistake": style.mistake_or_none if asks_none else style.mistake,
        "wrong_step": str(record.error_step) if tells and record.error_step else "",
    }
    return Prompt(fill(style.system, values), fill(template, values))


def numbered_steps(record: Record) -> str:
    """The steps as lines "1. ...", further lines of a step set in by three spaces."""
    steps = ("\n   ".join(step.strip().splitlines()) for step in record.steps)
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))


def category_lines() -> str:
    """The five kinds of errors, one a line: "- CAL: calculation error (...)"."""
    return "\n".join(f"- {code}: {NAMES[code]} ({DEFINITIONS[code]})" for code in CATEGORIES)

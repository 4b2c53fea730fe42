"""The sentences of questions and steps; which one is taken is drawn and says nothing else."""

from __future__ import annotations

from typing import Final

from simlearn.analysis.errorradar.exact_arithmetic import names_in, shown, write_sum
from simlearn.analysis.errorradar.worked_solution import Worked

ASKING: Final = ("What is {it}?", "Find {it}.", "Work out {it}.", "Calculate {it}.")
GOALS: Final = (
    "We need to find {it}.",
    "I have to work out {it}.",
    "The question asks for {it}.",
    "Wanted: {it}.",
)
READS: Final = (
    "In the {figure}, {it} is {value}.",
    "From the {figure} I read that {it} is {value}.",
    "The {figure} shows that {it} is {value}.",
    "{It} is {value} (see the {figure}).",
)
FORMULAS: Final = (
    "{It} = {value}.",
    "I know: {it} = {value}.",
    "I use {it} = {value}.",
    "Remember that {it} = {value}.",
)
COMPUTES: Final = (
    "{It} is {sum} = {value}.",
    "So {it} = {sum} = {value}.",
    "Now {it}: {sum} = {value}.",
    "{sum} = {value}, this is {it}.",
)
WORDINGS: Final = {"goal": GOALS, "read": READS, "formula": FORMULAS, "compute": COMPUTES}


SINGLE: Final = {"children": "child", "matches": "match"} | {
    f"{word}s": word for word in ("book", "cup", "dollar", "minute", "point", "pupil", "visitor")
}


def with_unit(text: str, unit: str) -> str:
    """``"60 cm²"``, ``"40°"``, ``"25%"``, ``"1 dollar"``; a bare number stays one."""
    if not unit:
        return text
    if text == "1":
        unit = SINGLE.get(unit, unit)
    return f"{text}{unit}" if unit in ("°", "%") else f"{text} {unit}"


def ask(phrase: str, draw: int) -> str:
    """The sentence that asks for something."""
    return ASKING[draw % len(ASKING)].format(it=phrase)


def step_text(step: Worked, figure: str, draw: int) -> str:
    """A step as a sentence.

    Args:
        step: what was done.
        figure: what the picture is called, ``"chart"``.
        draw: any number from 0; picks the wording.
    """
    node = step.node
    it, value, written = node.phrase, "", ""
    if step.value is not None:
        unit = "" if it.startswith("the number of ") else node.unit
        value = with_unit(shown(step.value, node.unit) or "0", unit)
    if node.kind == "compute":
        written = write_sum(step.expression, step.operands)
    elif step.expression:
        words = {name: name.replace("_", " ") for name in names_in(step.expression)}
        value = write_sum(step.expression, words)
    sentences = WORDINGS[node.kind]
    sentence = sentences[draw % len(sentences)]
    return sentence.format(
        it=it, It=it[0].upper() + it[1:], value=value, sum=written, figure=figure
    )

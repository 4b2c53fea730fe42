"""Sentences: units, capitals, and that every draw gives one of the wordings."""

from __future__ import annotations

from fractions import Fraction

import pytest

from simlearn.analysis.errorradar.solution_program import Node
from simlearn.analysis.errorradar.step_wording import WORDINGS, ask, step_text, with_unit
from simlearn.analysis.errorradar.worked_solution import Worked

READ = Worked(Node("read", "w", "the width of part A", "cm", Fraction(7)), Fraction(7))
COUNT = Worked(Node("read", "n", "the number of bags", "bags", Fraction(3)), Fraction(3))
RULE = Worked(Node("formula", "r", "area", expression="a_side * b"), None, "a_side * b")
FACT = Worked(Node("formula", "h", "1 hour", "minutes", Fraction(60)), Fraction(60))
SUM = Worked(Node("compute", "s", "the area", "cm²"), Fraction(21), "a * b", {"a": "7", "b": "3"})


def test_sentences():
    assert step_text(READ, "chart", 0) == "In the chart, the width of part A is 7 cm."
    assert step_text(READ, "chart", 3) == "The width of part A is 7 cm (see the chart)."
    assert step_text(COUNT, "chart", 3) == "The number of bags is 3 (see the chart)."
    times = "\N{MULTIPLICATION SIGN}"
    assert step_text(RULE, "chart", 0) == f"Area = a side {times} b."
    assert step_text(FACT, "chart", 2) == "I use 1 hour = 60 minutes."
    assert step_text(SUM, "chart", 0) == f"The area is 7 {times} 3 = 21 cm²."
    goal = Worked(Node("goal", "s", "the area"))
    assert step_text(goal, "chart", 3) == "Wanted: the area."
    assert ask("the area", 0) == "What is the area?"


@pytest.mark.parametrize("step", [READ, RULE, SUM])
def test_every_draw_gives_a_sentence(step):
    sentences = {step_text(step, "figure", draw) for draw in range(40)}
    assert len(sentences) == len(WORDINGS[step.node.kind]) >= 3
    assert all(text[0].isupper() or text[0].isdigit() for text in sentences)
    assert all(text.endswith(".") for text in sentences)


def test_units():
    assert [with_unit("4", unit) for unit in ("", "°", "%", "kg")] == ["4", "4°", "4%", "4 kg"]
    ones = [with_unit("1", unit) for unit in ("dollars", "children", "matches", "points", "cm")]
    assert ones == ["1 dollar", "1 child", "1 match", "1 point", "1 cm"]
    assert with_unit("1.50", "dollars") == "1.50 dollars"

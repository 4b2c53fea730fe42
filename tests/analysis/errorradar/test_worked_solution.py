"""Carrying a program out: right, with one deviation, and where no number can be written."""

from __future__ import annotations

from fractions import Fraction

from simlearn.analysis.errorradar.solution_program import Node, Pool
from simlearn.analysis.errorradar.worked_solution import Deviation, carry_out


def example():
    pool = Pool()
    pool.read("a", "a", 6, "cm")
    pool.read("b", "b", 4, "cm")
    pool.fact("two", "a pair", 2, "", 3)
    pool.formula("rule", "area", "length * width", "length + width")
    pool.follow("area", "the area", "cm²", "rule", length="a", width="b")
    pool.compute("half", "half", "cm²", "area / two", whole=True)
    return pool


def values(pool, deviation=None, skip=()):
    names = [name for name in pool.closure("half") if name not in skip]
    done = carry_out(pool, [pool.nodes[name] for name in names], deviation)
    return None if done is None else [step.value for step in done]


def test_right():
    assert values(example()) == [6, 4, None, 24, 2, 12]


def test_everything_follows_from_a_deviation():
    pool = example()
    assert values(pool, Deviation("a", Fraction(5))) == [5, 4, None, 20, 2, 10]
    assert values(pool, Deviation("area", Fraction(34))) == [6, 4, None, 34, 2, 17]
    assert values(pool, Deviation("rule", expression="length + width"))[-1] == 5
    changed = Deviation("area", expression="length * width", operands={"length": "b", "width": "b"})
    assert values(pool, changed)[-1] == 8
    assert values(pool, Deviation("two", Fraction(3)))[-1] == 8


def test_what_is_not_said_is_known():
    pool = example()
    assert values(pool, skip=("rule", "two")) == [6, 4, 24, 12]
    # a deviation at a step that is not there changes nothing
    assert values(pool, Deviation("two", Fraction(3)), skip=("two",))[-1] == 12


def test_goals_say_no_value():
    pool = example()
    order = [Node("goal", "area", "the area"), *(pool.nodes[n] for n in pool.closure("area"))]
    done = carry_out(pool, order, Deviation("area", Fraction(34)))
    assert done[0].value is None and done[-1].value == 34


def test_numbers_that_cannot_be_written():
    pool = example()
    assert values(pool, Deviation("area", Fraction(25))) is None  # half of it is not whole
    assert values(pool, Deviation("a", Fraction(0))) is None
    assert values(pool, Deviation("two", Fraction(0))) is None


def test_operands_are_texts():
    pool = example()
    done = carry_out(pool, [pool.nodes[name] for name in pool.closure("half")])
    assert done[3].operands == {"length": "6", "width": "4"}
    assert (done[3].expression, done[2].expression) == ("length * width", "length * width")

"""One error of a wanted kind put into a solution (kinds: arXiv 2410.04509, section 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from simlearn.analysis.errorradar.exact_arithmetic import changed_signs, left_out, shown, work_out
from simlearn.analysis.errorradar.solution_program import Node, Pool
from simlearn.analysis.errorradar.worked_solution import Deviation, Worked, carry_out

STEPS: dict[str, str] = {"VIS": "read", "CAL": "compute", "REAS": "compute", "KNOW": "formula"}
"""The kind of step that each kind of error stands in; MIS is another goal."""
MOST_TRIES = 60
FAR_OFF = 30
"""A wrong result or answer is at most so many times the right one, and the right one so many
times it: further off, a pupil would notice."""


def inject_error(
    pool: Pool, order: Sequence[Node], category: str, answer: Fraction, rng: np.random.Generator
) -> tuple[list[Worked], int] | None:
    """Work a solution out with one error of a kind other than MIS.

    The step is drawn among all that can hold such an error (the last one less often), then the
    error.

    Args:
        pool: of the figure.
        order: the steps of the right solution.
        category: VIS, CAL, REAS or KNOW.
        answer: the right one.
        rng: decides.

    Returns:
        The solution, whose answer is another one, and the number of the wrong step, from 1;
        ``None`` where no error was found that leaves numbers that can be written down.
    """
    right = carry_out(pool, order)
    if right is None:
        return None
    places = [k for k, node in enumerate(order) if node.kind == STEPS[category]]
    rng.shuffle(places)
    if len(places) > 1 and places[0] == len(order) - 1 and rng.random() < 0.7:
        places.append(places.pop(0))  # sums stand late; their errors need not stand last
    tries = 0
    for place in places:
        options = list(_options(pool, right, place, category))
        options = [options[k] for k in rng.permutation(len(options))]
        if category == "VIS":  # another label's value as often as a near one
            labels, first = {n.value for n in pool.of_kind("read")}, bool(rng.random() < 0.5)
            options.sort(key=lambda option: (option.value in labels) != first)
        for deviation in options:
            tries += 1
            worked = carry_out(pool, order, deviation)
            if worked is not None and _near(worked[-1].value, answer):
                return worked, place + 1
            if tries >= MOST_TRIES:
                return None
    return None


def _options(pool: Pool, right: Sequence[Worked], place: int, category: str) -> Iterator[Deviation]:
    """All errors of a kind that a step may hold."""
    step = right[place]
    if category == "VIS":
        return _misread(pool, step.node)
    if category == "CAL":
        return _slips(pool, step)
    if category == "KNOW":
        return _wrong_formulas(step.node)
    return _wrong_ways(pool, right, place)


def _misread(pool: Pool, node: Node) -> Iterator[Deviation]:
    """Values of other labels with the same unit, then near ones, all different from the true."""
    true = node.value or Fraction(0)
    unit = _last_place(shown(true, node.unit) or "0")
    others = [n.value for n in pool.of_kind("read") if n.unit == node.unit and n.value]
    near = [true + k * unit for k in (1, -1, 2, -2, 3, -3, 10, -10)]
    near += [unit * number for number in _swapped(int(true / unit))]
    for value in dict.fromkeys([*others, *near]):
        if value > 0 and value != true:
            yield Deviation(node.name, value)


def _slips(pool: Pool, step: Worked) -> Iterator[Deviation]:
    """Wrong results of a sum: a carry, a digit, one more or less of a product, a shifted point."""
    true = step.value or Fraction(0)
    unit = _last_place(shown(true, step.node.unit) or "0")
    number = int(true / unit)
    found = [number + k for k in (10, -10, 1, -1, 2, -2)]
    if number >= 100:
        found += [number + 100, number - 100]
    if " * " in step.expression:
        found += [number + int(Fraction(t) / unit) for t in step.operands.values()]
        found += [number - int(Fraction(t) / unit) for t in step.operands.values()]
    found += [*_swapped(number), number * 10]
    if number % 10 == 0:
        found.append(number // 10)
    own = {word: Fraction(text) for word, text in step.operands.items()}
    others = {true, *(work_out(text, own) for text in changed_signs(step.expression))}
    for slip in dict.fromkeys(found):
        if slip > 0 and unit * slip not in others:
            yield Deviation(step.node.name, unit * slip)


def _wrong_formulas(node: Node) -> Iterator[Deviation]:
    """What others take a formula or a fact for."""
    for wrong in node.wrong:
        if node.value is None:
            yield Deviation(node.name, expression=wrong)
        else:
            yield Deviation(node.name, Fraction(wrong))


def _wrong_ways(pool: Pool, right: Sequence[Worked], place: int) -> Iterator[Deviation]:
    """A wrong operation, or one value in the place of another that is known by then."""
    step, before = right[place], right[:place]
    node = step.node
    known = {w.node.name: w for w in before if w.node.kind in ("read", "compute")}
    rule = pool.nodes[node.rule] if node.rule else None
    stated = rule is None or any(w.node is rule for w in before)
    ways: list[tuple[str, dict[str, str]]] = []
    if stated:  # else it could be taken for a wrong formula
        barred = rule.wrong if rule else ()
        ways += [
            (text, dict(node.operands))
            for text in (
                *node.wrong,
                *(left_out(step.expression) or changed_signs(step.expression)),
            )
            if text not in barred
        ]
    for word, name in node.operands.items():
        unit = pool.nodes[name].unit
        for other, worked in known.items():
            if other not in node.operands.values() and worked.node.unit == unit:
                ways.append((step.expression, {**node.operands, word: other}))
    values = {n.name: n.value for n in pool.nodes.values() if n.value is not None}
    values |= {name: worked.value for name, worked in known.items() if worked.value is not None}
    for text, operands in ways:
        value = work_out(text, {word: values[name] for word, name in operands.items()})
        if _near(value, step.value):
            yield Deviation(node.name, expression=text, operands=operands)


def _near(value: Fraction | None, right: Fraction | None) -> bool:
    """Whether a result is another than the right one, above zero and not ``FAR_OFF``."""
    if value is None or right is None or value == right:
        return False
    return right / FAR_OFF <= value <= right * FAR_OFF


def _last_place(text: str) -> Fraction:
    """The worth of the last digit: 1/100 for ``"3.25"``, 1 for ``"12"``."""
    return Fraction(1, 10 ** len(text.partition(".")[2]))


def _swapped(number: int) -> list[int]:
    """A whole number with two neighbouring digits swapped; no leading zero comes of it."""
    text = str(number)
    swaps = [text[:k] + text[k + 1] + text[k] + text[k + 2 :] for k in range(len(text) - 1)]
    return [int(swap) for swap in swaps if swap != text and not swap.startswith("0")]

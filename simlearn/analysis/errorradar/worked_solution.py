"""A program carried out by a pupil, with at most one thing done in another way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from simlearn.analysis.errorradar.exact_arithmetic import names_in, shown, work_out
from simlearn.analysis.errorradar.solution_program import Node, Pool


@dataclass(frozen=True, slots=True)
class Deviation:
    """What is done otherwise at one step.

    Attributes:
        name: of the step.
        value: of a read or a fact: what is taken for it; of a compute: the wrong result.
        expression: of a formula or a compute: what is taken in the place of the right one.
        operands: of a compute: whose values are taken.
    """

    name: str
    value: Fraction | None = None
    expression: str | None = None
    operands: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Worked:
    """One step as the pupil did it.

    Attributes:
        node: what was to be done.
        value: that comes out; ``None`` for goals and formulas that are no number.
        expression: that was used, ``""`` for goals, reads and facts.
        operands: of a compute: word in the expression -> value as it is written, no others.
    """

    node: Node
    value: Fraction | None = None
    expression: str = ""
    operands: Mapping[str, str] = field(default_factory=dict)


def carry_out(
    pool: Pool, order: Sequence[Node], deviation: Deviation | None = None
) -> list[Worked] | None:
    """Work a solution out; after a deviation everything follows from it.

    Formulas and facts that are not among the steps are known and right.

    Args:
        pool: of the figure.
        order: the steps, each after what it needs.
        deviation: what is done otherwise; ``None`` for the right solution.

    Returns:
        One entry for each step; ``None`` where a number comes out that a pupil would not write
        down: zero, negative, with many decimals, or parts of what is whole.
    """
    values = {n.name: n.value for n in pool.nodes.values() if n.value is not None}
    rules = {n.name: n.expression for n in pool.of_kind("formula")}
    done = []
    for node in order:
        change = deviation if deviation and deviation.name == node.name else None
        step = _carry_out_one(pool, node, change, values, rules)
        if step is None:
            return None
        done.append(step)
    return done


def _carry_out_one(
    pool: Pool,
    node: Node,
    change: Deviation | None,
    values: dict[str, Fraction],
    rules: dict[str, str],
) -> Worked | None:
    """One step; ``values`` and ``rules`` take up what it says."""
    if node.kind == "goal":
        return Worked(node)
    if node.kind == "compute":
        return _compute(pool, node, change, values, rules)
    if change is not None and change.value is not None:
        values[node.name] = change.value
    if node.kind == "formula" and node.value is None:
        if change is not None and change.expression is not None:
            rules[node.name] = change.expression
        return Worked(node, None, rules[node.name])
    return Worked(node, values.get(node.name))


def _compute(
    pool: Pool,
    node: Node,
    change: Deviation | None,
    values: dict[str, Fraction],
    rules: Mapping[str, str],
) -> Worked | None:
    """A sum, by the formula as it was stated."""
    expression = rules[node.rule] if node.rule else node.expression
    operands, value = node.operands, None
    if change is not None:
        expression = change.expression or expression
        operands, value = change.operands or operands, change.value
    own = {word: values[name] for word, name in operands.items()}
    if value is None:
        value = work_out(expression, own)
    if value is None or shown(value, node.unit) is None or (node.whole and value.denominator > 1):
        return None
    values[node.name] = value
    used = {word: pool.nodes[operands[word]].unit for word in names_in(expression)}
    texts = {word: shown(own[word], unit) for word, unit in used.items()}
    return Worked(node, value, expression, {word: text or "0" for word, text in texts.items()})

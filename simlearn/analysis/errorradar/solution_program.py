"""What a solution is made of: goal, read, formula and compute; which of them a goal needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from simlearn.analysis.errorradar.exact_arithmetic import names_in

Kind = Literal["goal", "given", "read", "formula", "compute"]


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that a solution may say.

    Attributes:
        kind: ``"given"`` stands in the question and is no step; the others are steps.
        name: unique in its program.
        phrase: what it is of, ``"the width of part A"``.
        unit: of the value, ``"cm"``, ``""`` for a bare number.
        value: true value of a given, a read or a fact (a formula that is a number).
        expression: of a formula over words of its own, of a compute over ``operands``.
        operands: of a compute: word in the expression -> name of another node.
        rule: of a compute: name of the formula that its expression comes from; ``""`` for none.
        wrong: of a formula: wrong expressions, or wrong values as text; of a compute: wrong ways.
        whole: a compute whose result can only be a whole number.
    """

    kind: Kind
    name: str
    phrase: str
    unit: str = ""
    value: Fraction | None = None
    expression: str = ""
    operands: Mapping[str, str] = field(default_factory=dict)
    rule: str = ""
    wrong: tuple[str, ...] = ()
    whole: bool = False

    @property
    def needs(self) -> list[str]:
        """Names of the nodes that must stand before this one."""
        return [*dict.fromkeys(self.operands.values()), *([self.rule] if self.rule else [])]


class Pool:
    """All nodes that can be used with one figure, in the order in which they were added."""

    def __init__(self) -> None:
        """Begin with none."""
        self.nodes: dict[str, Node] = {}
        self._closures: dict[str, tuple[str, ...]] = {}

    def _add(self, node: Node) -> str:
        """Keep a node.

        Raises:
            ValueError: the name stands twice, or what it needs is not there yet.
        """
        needs = node.needs
        missing = [name for name in needs if name not in self.nodes]
        if node.name in self.nodes or missing:
            raise ValueError(f"node {node.name!r}: there already, or it needs {missing}")
        self.nodes[node.name] = node
        order: dict[str, None] = {}
        for name in needs:
            order.update(dict.fromkeys(self._closures[name]))
        own = () if node.kind == "given" else (node.name,)
        self._closures[node.name] = (*order, *own)
        return node.name

    def read(self, name: str, phrase: str, value: int | Fraction, unit: str = "") -> str:
        """A value that stands in the figure only."""
        return self._add(Node("read", name, phrase, unit, Fraction(value)))

    def given(self, name: str, phrase: str, value: int | Fraction, unit: str = "") -> str:
        """A value that stands in the question."""
        return self._add(Node("given", name, phrase, unit, Fraction(value)))

    def fact(self, name: str, phrase: str, value: int, unit: str, *wrong: int) -> str:
        """A number that one knows, ``1 hour = 60 minutes``, and what others take it for."""
        texts = tuple(str(number) for number in wrong)
        return self._add(Node("formula", name, phrase, unit, Fraction(value), wrong=texts))

    def formula(self, name: str, phrase: str, expression: str, *wrong: str) -> str:
        """A formula over words of its own, and wrong ones over the same words."""
        return self._add(Node("formula", name, phrase, expression=expression, wrong=wrong))

    def compute(
        self, name: str, phrase: str, unit: str, expression: str, *wrong: str, whole: bool = False
    ) -> str:
        """A sum over names of other nodes, and wrong ways to do it over names among them."""
        operands = {word: word for word in names_in(expression)}
        node = Node(
            "compute", name, phrase, unit, None, expression, operands, "", wrong, whole=whole
        )
        return self._add(node)

    def follow(self, name: str, phrase: str, unit: str, rule: str, **operands: str) -> str:
        """A sum by a formula: word of the formula -> name of the node that has its value."""
        expression = self.nodes[rule].expression
        return self._add(Node("compute", name, phrase, unit, None, expression, operands, rule))

    def count(self, name: str, phrase: str, unit: str, rule: str, **operands: str) -> str:
        """As :meth:`follow`, for a result that can only be a whole number."""
        expression = self.nodes[rule].expression
        return self._add(
            Node("compute", name, phrase, unit, None, expression, operands, rule, whole=True)
        )

    def total(
        self,
        name: str,
        phrase: str,
        unit: str,
        parts: Sequence[str],
        things: str,
        *,
        steady: bool,
        whole: bool = False,
    ) -> str:
        """A sum of many parts, in one line or part by part.

        Args:
            name: of the result.
            phrase: of the result.
            unit: of the parts.
            parts: names, at least two.
            things: what the parts are, ``"areas"`` for "the sum of the first 2 areas".
            steady: part by part; longer sums than of five are always done so.
            whole: as for :class:`Node`.
        """
        if not steady and len(parts) <= 5:
            return self.compute(name, phrase, unit, " + ".join(parts), whole=whole)
        so_far = parts[0]
        for count, part in enumerate(parts[1:], start=2):
            last = count == len(parts)
            so_far = self.compute(
                name if last else f"{name}_{count}",
                phrase if last else f"the sum of the first {count} {things}",
                unit,
                f"{so_far} + {part}",
                whole=whole,
            )
        return so_far

    def closure(self, target: str) -> list[str]:
        """Names of the steps that ``target`` needs and itself, each after what it needs."""
        return list(self._closures[target])

    def of_kind(self, kind: Kind, names: Iterable[str] | None = None) -> list[Node]:
        """The nodes of one kind, of all or among ``names``, in their order."""
        chosen = self.nodes if names is None else names
        return [self.nodes[name] for name in chosen if self.nodes[name].kind == kind]

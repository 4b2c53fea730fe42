"""Sums over names such as ``base * height / 2``: worked out exactly and written out for a pupil."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

MOST_DECIMALS = 3
"""More decimals than these are not shown; such a solution is drawn again."""
SIGNS: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "\N{MULTIPLICATION SIGN}",
    ast.Div: "÷",
}
SYMBOLS: Mapping[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}


@lru_cache(maxsize=4096)
def parse_sum(text: str) -> ast.expr:
    """The tree of a sum of names, numbers and ``+ - * /`` that a template of ours holds.

    Raises:
        ValueError: anything else is in it.
    """
    tree = ast.parse(text, mode="eval").body
    for node in ast.walk(tree):
        if not isinstance(node, ast.BinOp | ast.Name | ast.Constant | ast.operator | ast.Load):
            raise ValueError(f"{text!r}: only names, numbers and + - * / are allowed")
    return tree


def names_in(text: str) -> list[str]:
    """The names in a sum, each once, from left to right."""
    found = [node for node in ast.walk(parse_sum(text)) if isinstance(node, ast.Name)]
    return list(dict.fromkeys(n.id for n in sorted(found, key=lambda n: n.col_offset)))


def work_out(text: str, values: Mapping[str, Fraction]) -> Fraction | None:
    """The exact value of a sum; ``None`` where it divides by zero.

    Args:
        text: such as ``"3.14 * radius * radius"``; ``3.14`` is exactly 157/50.
        values: of all its names.
    """
    try:
        return _value(parse_sum(text), values)
    except ZeroDivisionError:
        return None


def _value(tree: ast.expr, values: Mapping[str, Fraction]) -> Fraction:
    """The value of a part of a sum."""
    if isinstance(tree, ast.Name):
        return values[tree.id]
    if isinstance(tree, ast.Constant):
        return Fraction(repr(tree.value))
    assert isinstance(tree, ast.BinOp)  # noqa: S101 (parse_sum lets nothing else through)
    left, right = _value(tree.left, values), _value(tree.right, values)
    if isinstance(tree.op, ast.Add):
        return left + right
    if isinstance(tree.op, ast.Sub):
        return left - right
    return left * right if isinstance(tree.op, ast.Mult) else left / right


def write_sum(text: str, words: Mapping[str, str], *, plain: bool = False) -> str:
    """A sum with ``words`` in the place of its names, ``×`` and ``÷`` and as few brackets as go.

    Args:
        text: the sum.
        words: for every name a number or a word.
        plain: keep ``*`` and ``/``.
    """
    return _written(parse_sum(text), words, SYMBOLS if plain else SIGNS)


def _rank(tree: ast.expr) -> int:
    """0 for + and -, 1 for * and /, 2 for what needs no brackets."""
    if not isinstance(tree, ast.BinOp):
        return 2
    return int(isinstance(tree.op, ast.Mult | ast.Div))


def _written(
    tree: ast.expr, words: Mapping[str, str], signs: Mapping[type[ast.operator], str]
) -> str:
    """A part of a sum, written out."""
    if isinstance(tree, ast.Name):
        return words[tree.id]
    if not isinstance(tree, ast.BinOp):
        return ast.unparse(tree)
    left, right = (_written(side, words, signs) for side in (tree.left, tree.right))
    own = _rank(tree)
    firm = isinstance(tree.op, ast.Sub | ast.Div)
    if _rank(tree.left) < own:
        left = f"({left})"
    if _rank(tree.right) < own or (firm and _rank(tree.right) == own):
        right = f"({right})"
    return f"{left} {signs[type(tree.op)]} {right}"


def shown(value: Fraction, unit: str = "") -> str | None:
    """A number as it is written: all its decimals, dollars two or none; ``None`` if none can be.

    Only numbers above zero with at most ``MOST_DECIMALS`` decimals are shown (dollars: two).
    """
    places = 2 if unit == "dollars" else MOST_DECIMALS
    scaled = value * 10**places
    if scaled.denominator != 1 or scaled <= 0:
        return None
    text = f"{scaled.numerator:0{places + 1}d}"
    whole, rest = text[:-places], text[-places:]
    if unit != "dollars" or not rest.strip("0"):
        rest = rest.rstrip("0")
    return f"{whole}.{rest}" if rest else whole


def changed_signs(text: str) -> list[str]:
    """The sums that come of one wrong sign each.

    ``+`` and ``-`` swap, ``*`` becomes ``+``, ``/`` becomes ``*``; a sum of two becomes a product.
    """
    tree = parse_sum(text)
    spots = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp)]
    found = []
    for number in range(len(spots)):
        for other in _others(spots[number].op, len(spots) == 1):
            copy = ast.parse(text, mode="eval").body
            spot = [node for node in ast.walk(copy) if isinstance(node, ast.BinOp)][number]
            spot.op = other
            found.append(ast.unparse(copy))
    return found


def _others(sign: ast.operator, alone: bool) -> list[ast.operator]:
    """The signs that a pupil could take instead."""
    if isinstance(sign, ast.Add):
        return [ast.Sub(), ast.Mult()] if alone else [ast.Sub()]
    if isinstance(sign, ast.Sub):
        return [ast.Add()]
    return [ast.Add()] if isinstance(sign, ast.Mult) else [ast.Mult()]


def left_out(text: str) -> list[str]:
    """A sum of three or more names without one of them; nothing for other sums."""
    parts = text.split(" + ")
    if len(parts) < 3 or not all(part.isidentifier() for part in parts):
        return []
    return [" + ".join(parts[:k] + parts[k + 1 :]) for k in range(len(parts))]

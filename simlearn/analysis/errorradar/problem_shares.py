"""How many problems of each kind there are, exactly, and in which order they come."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Literal

from simlearn.analysis.errorradar.taxonomy import (
    CATEGORIES,
    CATEGORY_SHARES,
    PROBLEM_TYPES,
    TYPE_SHARES,
)
from simlearn.data.randomness import numpy_generator

Shares = Literal["paper", "uniform"]


def largest_remainder(n: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Whole numbers near ``n`` times each share that add up to ``n`` (Hamilton's method).

    Args:
        n: at least 0.
        shares: above 0; they need not add up to 1. Equal remainders go to the earlier name.

    Returns:
        Name -> count, none off its quota by 1 or more.
    """
    exact = {name: Fraction(str(share)) for name, share in shares.items()}
    whole = sum(exact.values())
    quotas = {name: n * share / whole for name, share in exact.items()}
    counts = {name: int(quota) for name, quota in quotas.items()}
    by_rest = sorted(quotas, key=lambda name: counts[name] - quotas[name])
    for name in by_rest[: n - sum(counts.values())]:
        counts[name] += 1
    return counts


def problem_plan(n: int, seed: int, shares: Shares) -> list[tuple[str, str]]:
    """(problem type, category of the error) of each of ``n`` problems.

    Both have exactly the shares that are wanted, by largest remainder for ``n``, and are shuffled
    apart from each other by ``seed``. So a larger ``n`` is another set, not the same one
    continued.

    Raises:
        ValueError: ``shares`` is neither ``"paper"`` nor ``"uniform"``, or ``n`` is below 1.
    """
    if shares not in ("paper", "uniform"):
        raise ValueError(f"shares is {shares!r}, must be 'paper' or 'uniform'")
    if n < 1:
        raise ValueError(f"n is {n}, must be at least 1")
    paper = shares == "paper"
    columns = []
    for purpose, wanted in (
        ("types", TYPE_SHARES if paper else dict.fromkeys(PROBLEM_TYPES, 1.0)),
        ("categories", CATEGORY_SHARES if paper else dict.fromkeys(CATEGORIES, 1.0)),
    ):
        names = [k for k, count in largest_remainder(n, wanted).items() for _ in range(count)]
        shuffled = numpy_generator(seed, "error_problems", purpose).permutation(len(names))
        columns.append([names[k] for k in shuffled])
    return list(zip(*columns, strict=True))

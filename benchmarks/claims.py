"""Verdicts on claims of the form "A is better than B", by one rule fixed before anything runs.

*seen*: the 95 % interval of the paired difference, identities and seeds drawn anew together, lies
wholly on the claimed side of 0; *not seen*: wholly on the other; else *undecided*, with half the
interval's width as the smallest difference that these seeds and people would have shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from simlearn.data.randomness import torch_generator
from simlearn.evaluation.intervals import times_drawn

DRAWS = 10_000
ENTRIES = 1 << 23
"""Numbers drawn at once."""

Values = Mapping[str, float]
"""One value per person, by name."""


def paired_interval(
    first: Sequence[Values], second: Sequence[Values]
) -> tuple[float, float, float]:
    """Mean difference and its 95 % interval, every person of every seed weighing the same.

    Seeds and people are drawn anew. A person who is held out by two seeds is drawn alike in both,
    so that the same face does not count as two.

    Args:
        first: for each seed one value per person.
        second: the same seeds and, in each, the same people.

    Returns:
        (mean, low, high) of first - second.

    Raises:
        ValueError: the two do not have the same seeds and people, a seed has none, or a value is
            not finite.
    """
    if not first or [a.keys() for a in first] != [b.keys() for b in second]:
        raise ValueError("the two do not have the same seeds with the same people")
    people = {name: n for n, name in enumerate(sorted({name for seed in first for name in seed}))}
    d = torch.zeros(len(first), len(people), dtype=torch.float64)
    there = torch.zeros_like(d)
    for row, (a, b) in enumerate(zip(first, second, strict=True)):
        for name, value in a.items():
            d[row, people[name]], there[row, people[name]] = value - b[name], 1.0
    if not torch.isfinite(d).all() or not there.any(dim=1).all():
        raise ValueError("a seed has no people, or a value is not finite")
    g = torch_generator(0, "claims")
    seeds = times_drawn(len(first), DRAWS, g)
    block = min(DRAWS, max(1, ENTRIES // len(people)))
    parts = []
    for start in range(0, DRAWS, block):
        persons = times_drawn(len(people), min(block, DRAWS - start), g)
        parts.append((persons @ d.T) / (persons @ there.T).clamp_min(1e-12))
    means = torch.cat(parts)  # (draw, seed)
    drawn = (means * seeds).sum(dim=1) / seeds.sum(dim=1)
    low, high = torch.quantile(drawn, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return float((d.sum(dim=1) / there.sum(dim=1)).mean()), low, high


def together(claim: str, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One verdict on a claim that holds only if all its parts do.

    *seen* if all are seen, *not seen* if one is not, else *undecided*.
    """
    words = [str(part["verdict"]) for part in parts]
    if "not seen" in words:
        verdict = "not seen"
    else:
        verdict = words[0] if all(w.startswith("seen") for w in words) else "undecided"
    return {"claim": claim, "verdict": verdict, "parts": len(words)}


def judge(
    claim: str,
    first: Sequence[Values],
    second: Sequence[Values],
    *,
    seen: str = "seen",
) -> dict[str, Any]:
    """The verdict on "first is better than second".

    Args:
        claim: the claim in words.
        first: see :func:`paired_interval`.
        second: likewise.
        seen: the word for seen ("seen on synthetic" for drawn data).

    Returns:
        claim, difference, interval, verdict, smallest (the difference that would have been seen).
    """
    mean, low, high = paired_interval(first, second)
    verdict = seen if low > 0 else "not seen" if high < 0 else "undecided"
    return {
        "claim": claim,
        "difference": mean,
        "interval": [low, high],
        "verdict": verdict,
        "smallest": (high - low) / 2,
    }

"""Verdicts on claims of the form "A is better than B", by one rule fixed before anything runs.

*seen*: the 95 % interval of the paired difference, identities and seeds drawn anew together, lies
wholly on the claimed side of 0; *not seen*: wholly on the other; else *undecided*, with half the
interval's width as the smallest difference that these seeds and people would have shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from simlearn.data.randomness import torch_generator

DRAWS = 10_000


def paired_interval(
    first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]
) -> tuple[float, float, float]:
    """Mean difference and its 95 % interval.

    Args:
        first: for each seed one value per identity. Every identity weighs the same.
        second: the same seeds and, in each, the same identities.

    Returns:
        (mean, low, high) of first - second.

    Raises:
        ValueError: the two do not have the same seeds and identities, or there is none.
    """
    if not first or [len(a) for a in first] != [len(b) for b in second]:
        raise ValueError(
            f"not the same identities: {[len(a) for a in first]} and {[len(b) for b in second]}"
        )
    seeds = [
        torch.tensor(a, dtype=torch.float64) - torch.tensor(b, dtype=torch.float64)
        for a, b in zip(first, second, strict=True)
    ]
    g = torch_generator(0, "claims")
    # a seed drawn twice draws its identities twice
    chosen = torch.randint(len(seeds), (DRAWS, len(seeds)), generator=g)
    drawn = torch.stack([_means(d, len(seeds), g) for d in seeds])  # (seed, place, draw)
    places = torch.arange(len(seeds))
    means = drawn[chosen, places, torch.arange(DRAWS)[:, None]].mean(dim=1)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return float(torch.stack([d.mean() for d in seeds]).mean()), low, high


def _means(differences: Tensor, places: int, g: torch.Generator) -> Tensor:
    """``(places, DRAWS)``: means of identities drawn anew."""
    n = len(differences)
    return torch.stack(
        [differences[torch.randint(n, (DRAWS, n), generator=g)].mean(dim=1) for _ in range(places)]
    )


def judge(
    claim: str,
    first: Sequence[Sequence[float]],
    second: Sequence[Sequence[float]],
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

"""How far several people agree on the same problems."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import NamedTuple


class Agreement(NamedTuple):
    """Agreement of raters.

    Attributes:
        n: problems that two or more people answered.
        agreement: mean over those of the share of pairs of raters that agree; nan without any.
        kappa: Fleiss' kappa; 1 is perfect, 0 as by chance; nan without any, and where all gave the
            same answer everywhere, so that chance explains all.
    """

    n: int
    agreement: float
    kappa: float


def rater_agreement_of(answers: Iterable[Sequence[Hashable]]) -> Agreement:
    """Fleiss' kappa (Fleiss 1971) for any number of raters, which may differ between problems.

    ``kappa = (agreement - chance) / (1 - chance)``, where chance is the sum over answers of their
    squared shares among all ratings counted. Every problem counts the same for the agreement. The
    raters need not be the same people everywhere.

    Args:
        answers: the answers to each problem, one per rater; problems with fewer than two are left
            out.
    """
    shares: list[float] = []
    given: Counter[Hashable] = Counter()
    for one in answers:
        if len(one) < 2:
            continue
        times = Counter(one)
        given.update(times)
        pairs = len(one) * (len(one) - 1)
        shares.append(sum(t * (t - 1) for t in times.values()) / pairs)
    if not shares:
        return Agreement(0, math.nan, math.nan)
    agreement = math.fsum(shares) / len(shares)
    if len(given) == 1:
        return Agreement(len(shares), agreement, math.nan)
    chance = sum(t * t for t in given.values()) / given.total() ** 2
    return Agreement(len(shares), agreement, (agreement - chance) / (1 - chance))

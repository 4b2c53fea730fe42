"""Does a modality's mask hurt its own questions more than those of another modality?"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from simlearn.analysis.mask_effect import bounds, drops, kept_clusters, mask_weights, resample
from simlearn.data.randomness import torch_generator


@dataclass(frozen=True)
class AnswersUnderMasks:
    """Scores of one set of questions without a mask, with the mask and with random masks.

    Attributes:
        base: ``(Q,)``.
        masked: ``(Q,)``.
        controls: ``(R, Q)``.
        clusters: ``(Q,)`` int64, what is drawn together; ``None`` where all are independent.
    """

    base: Tensor
    masked: Tensor
    controls: Tensor
    clusters: Tensor | None = None


@dataclass(frozen=True)
class Specificity:
    """How much more a mask costs on its own modality; positive means specific.

    Attributes:
        difference: drop on its own questions less drop on the others.
        interval: of 95 % over questions.
        random_difference: the same under the random masks, their mean.
        excess: ``difference - random_difference``: what the choice of neurons does, and not the
            questions' being easier to upset.
        excess_interval: of 95 % over both sets of questions and the random masks.
        n: questions of (its own, the other) modality.
        masks: random masks.
    """

    difference: float
    interval: tuple[float, float]
    random_difference: float
    excess: float
    excess_interval: tuple[float, float]
    n: tuple[int, int]
    masks: int


def mask_specificity(
    own: AnswersUnderMasks,
    other: AnswersUnderMasks,
    *,
    draws: int = 2000,
    seed: int = 0,
    higher_is_better: bool = True,
) -> Specificity:
    """(drop on own - drop on other) of a mask less the same of random masks.

    For an image mask ``own`` are image questions and ``other`` text questions. The two sets are
    independent and drawn anew separately; the random masks are the same R masks on both sets, so
    a drawn mask counts on both.

    Args:
        own: questions of the mask's modality.
        other: questions of another modality; the same random masks in the same order.
        draws: resamples.
        seed: of the resamples.
        higher_is_better: ``False`` for a loss.

    Returns:
        In the units of the score; nan where no question or no mask is left.

    Raises:
        ValueError: shapes that do not fit, different numbers of random masks, or no draw.
    """
    if len(own.controls) != len(other.controls):
        raise ValueError(
            f"{len(own.controls)} random masks on the own questions and {len(other.controls)} on "
            "the others: score the same masks on both"
        )
    if draws < 1:
        raise ValueError(f"draws is {draws}: at least 1")
    generator = torch_generator(seed, "mask", "specificity")
    masks = mask_weights(len(own.controls), draws, generator)
    sides = [
        drops(side.base, side.masked, side.controls, higher_is_better=higher_is_better)
        for side in (own, other)
    ]
    groups = [kept_clusters(s.base, s.masked, s.controls, s.clusters) for s in (own, other)]
    (a, a_random), (b, b_random) = [
        resample(*side, masks, generator, kept) for side, kept in zip(sides, groups, strict=True)
    ]
    (mine, mine_random), (theirs, theirs_random) = sides
    difference = mine.mean() - theirs.mean()
    random_difference = mine_random.mean() - theirs_random.mean()
    excess = difference - random_difference
    return Specificity(
        difference=float(difference),
        interval=bounds(a - b, difference),
        random_difference=float(random_difference),
        excess=float(excess),
        excess_interval=bounds(a - b - (a_random - b_random), excess),
        n=(len(mine), len(theirs)),
        masks=len(mine_random),
    )

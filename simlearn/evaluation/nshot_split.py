"""Which items of each identity are the support, and which the queries, in one draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from simlearn.data.randomness import torch_generator


def identity_items(y: Tensor, group: Tensor) -> dict[int, IdentityItems]:
    """The rows of every label, its videos in ascending order of their number.

    A video is a pair (label, group): groups may be numbered anew for every label. An item whose
    group is negative has no video and counts as one by itself, after the others.

    Args:
        y: ``(N,)`` int64 labels.
        group: ``(N,)`` int64 video, -1 = none.

    Returns:
        Label -> items, labels ascending; empty for N = 0.
    """
    if not len(y):
        return {}
    names, video = torch.unique(group, return_inverse=True)
    video = torch.where(group < 0, len(names) + torch.arange(len(y)), video)
    order = torch.argsort(video, stable=True)
    order = order[torch.argsort(y[order], stable=True)]
    labels, sizes = torch.unique_consecutive(y[order], return_counts=True)
    found = {}
    for label, rows in zip(labels.tolist(), torch.split(order, sizes.tolist()), strict=True):
        found[label] = IdentityItems(rows, torch.unique(video[rows], return_inverse=True)[1])
    return found


def usable_labels(
    items: Mapping[int, IdentityItems], n: int, wanted: Tensor | Sequence[int] | None = None
) -> list[int]:
    """Labels that can give ``n`` support items and a query in every draw, ascending.

    Args:
        items: from :func:`identity_items`.
        n: support items.
        wanted: labels that must be able to; by default all that are.

    Raises:
        ValueError: one of ``wanted`` is unknown or cannot.
    """
    if wanted is None:
        return [label for label, own in items.items() if own.spare >= n]
    labels = sorted(set(torch.as_tensor(wanted, dtype=torch.int64).flatten().tolist()))
    for label in labels:
        if label not in items:
            raise ValueError(f"identities names {label}, which is no label in y")
        if (spare := items[label].spare) < n:
            raise ValueError(
                f"identity {label} cannot give n={n} support items: it has {spare} outside its "
                "largest group. Leave it out of identities (see nshot_identities) or lower n"
            )
    return labels


def draw_items(video: Tensor, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Support and queries of one identity.

    Videos are drawn without replacement one after the other; each gives its items in drawn order
    until ``n`` are had. A video that gave an item gives no query; every item of the others is one.
    What is drawn does not depend on ``n``, so the support of n - 1 is a part of that of n.

    Args:
        video: ``(m,)`` int64 video of each item, numbered from 0 without gaps.
        n: size of the support, at most the items outside the largest video.
        generator: source of randomness.

    Returns:
        ``(n,)`` positions of the support in drawn order and positions of the queries, ascending,
        at least one.
    """
    place = torch.randperm(int(video.max()) + 1, generator=generator)
    items = torch.randperm(len(video), generator=generator)
    support = items[torch.argsort(place[video[items]], stable=True)][:n]
    return support, torch.nonzero(place[video] > place[video[support]].max()).flatten()


def draw_split(
    items: Mapping[int, IdentityItems], labels: Sequence[int], *, n: int, seed: int, draw: int
) -> Split:
    """Support and queries of all identities; a label's own depend on (seed, draw, label) alone.

    Args:
        items: from :func:`identity_items`.
        labels: identities to use, each with ``items[label].spare >= n``.
        n: support items of each.
        seed: the run's seed.
        draw: number of the draw.
    """
    support, query, query_class = [], [], []
    for number, label in enumerate(labels):
        own = items[label]
        generator = torch_generator(seed, "nshot", draw, label)
        first, rest = draw_items(own.video, n, generator)
        support.append(own.rows[first])
        query.append(own.rows[rest])
        query_class.append(torch.full((len(rest),), number))
    return Split(
        support=torch.cat(support),
        support_class=torch.arange(len(labels)).repeat_interleave(n),
        query=torch.cat(query),
        query_class=torch.cat(query_class),
    )


@dataclass(frozen=True)
class IdentityItems:
    """What there is of one identity.

    Attributes:
        rows: ``(m,)`` int64 rows in the data, by video, ascending within a video.
        video: ``(m,)`` int64 video of each row, numbered from 0 without gaps.
    """

    rows: Tensor
    video: Tensor

    @property
    def spare(self) -> int:
        """Support items that it can give in every order of its videos: all but its largest's."""
        return len(self.rows) - int(torch.bincount(self.video).max())


@dataclass(frozen=True)
class Split:
    """One draw, with classes numbered 0 to C - 1 in the order of the labels.

    Attributes:
        support: ``(C * n,)`` int64 rows in the data, class by class in drawn order.
        support_class: ``(C * n,)`` int64.
        query: ``(Q,)`` int64 rows in the data, class by class, each class with at least one.
        query_class: ``(Q,)`` int64.
    """

    support: Tensor
    support_class: Tensor
    query: Tensor
    query_class: Tensor

"""Does replay preserve the regions of old classes in the embedding space?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from simlearn.data.embeddings import Embeddings
from simlearn.evaluation.gallery import distance
from simlearn.evaluation.retrieval import retrieve

ENTRIES = 1 << 22
"""Numbers held at once where samples are compared with prototypes."""


def mean_drift(before: Tensor, after: Tensor) -> Tensor:
    """``(K,)`` float64 Euclidean distance that each class mean has moved.

    Args:
        before: ``(K, d)`` means of the embeddings of real images by the network before an
            experience.
        after: ``(K, d)`` means of the same images by the network after it.

    Returns:
        The distances; empty for K = 0.

    Raises:
        ValueError: shapes that are not the same ``(K, d)``.
    """
    if before.ndim != 2 or before.shape != after.shape:
        raise ValueError(
            f"before and after must be the same (K, d), found {tuple(before.shape)} and "
            f"{tuple(after.shape)}"
        )
    return (after.double() - before.double()).norm(dim=1)


@torch.no_grad()
def neighbour_purity(
    z: Tensor, y: Tensor, classes: Sequence[int], k: int = 10, *, chunk: int | None = None
) -> float:
    """Share of the k nearest neighbours that are of the sample's own class.

    The mean over all samples of ``classes``; neighbours come from all of ``z``, the sample itself
    left out, nearest in Euclidean distance, of equal ones the lower row. Where a class has k
    samples or fewer 1 cannot be reached.

    Args:
        z: ``(N, d)`` embeddings of the test images of all seen classes.
        y: ``(N,)`` int64 labels.
        classes: the old classes.
        k: neighbours of each sample; all others where there are fewer.
        chunk: samples at once; the value does not depend on it.

    Returns:
        A share in [0, 1]; nan without a sample of ``classes`` or without neighbours.

    Raises:
        ValueError: ``k`` below 1, wrong shapes, values that are not finite.
    """
    if k < 1:
        raise ValueError(f"k is {k}, must be at least 1")
    _check(z, y)
    rows = _of(y, classes)
    if not len(rows) or len(z) < 2:
        return float("nan")
    item = torch.arange(len(z), device=z.device)
    # every item is its own class and its own group: only the k nearest are fetched
    found = retrieve(
        z[rows], item[rows], z, item, group=item[rows], gallery_group=item, chunk=chunk, nearest=k
    ).nearest
    there = found >= 0
    same = (y[found.clamp_min(0)] == y[rows][:, None]) & there
    return float((same.sum(dim=1).double() / there.sum(dim=1)).mean())


@torch.no_grad()
def intrusion(z: Tensor, y: Tensor, prototypes: Embeddings, old: Sequence[int]) -> float:
    """Share of the samples of new classes whose nearest prototype is that of an old class.

    Args:
        z: ``(N, d)`` embeddings of test images; those whose label is in ``old`` are left out.
        y: ``(N,)`` int64 labels.
        prototypes: one embedding per class or several, old and new; nearest in Euclidean distance,
            of equal ones the lower row.
        old: labels of the old classes.

    Returns:
        A share in [0, 1]; nan without a sample of a new class or without an old class.

    Raises:
        ValueError: no prototype, wrong shapes, values that are not finite.
    """
    _check(z, y)
    _check(prototypes.z, prototypes.y)
    if not len(prototypes):
        raise ValueError("there is no prototype to compare with")
    if z.shape[1] != prototypes.z.shape[1]:
        raise ValueError(f"z has {z.shape[1]} values a row and prototypes {prototypes.z.shape[1]}")
    labels = torch.tensor(list(old), dtype=torch.int64)
    new = z[~torch.isin(y.cpu(), labels).to(z.device)].double()
    if not len(new) or not len(labels):
        return float("nan")
    step = max(1, ENTRIES // max(1, prototypes.z.numel()))
    centres = prototypes.z.double().to(z.device)
    nearest = [distance(part, centres, "euclidean").argmin(dim=1) for part in new.split(step)]
    winner = prototypes.y.cpu()[torch.cat(nearest).cpu()]
    return float(torch.isin(winner, labels).double().mean())


def _of(y: Tensor, classes: Sequence[int]) -> Tensor:
    """Rows whose label is among ``classes``."""
    return torch.isin(y, torch.tensor(list(classes), dtype=y.dtype, device=y.device)).nonzero()[
        :, 0
    ]


def _check(z: Tensor, y: Tensor) -> None:
    if z.ndim != 2 or y.shape != z.shape[:1]:
        raise ValueError(
            f"embeddings must be (N, d) with (N,) labels, found {tuple(z.shape)} and "
            f"{tuple(y.shape)}"
        )
    if not torch.isfinite(z).all():
        raise ValueError("embeddings hold values that are not finite: the training has diverged")

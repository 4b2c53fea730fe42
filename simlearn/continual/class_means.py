"""Class means of embeddings, and which of them is the nearest."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.data.embeddings import Embeddings


def class_means(z: Tensor, y: Tensor, classes: Sequence[int]) -> Tensor:
    """``(K, d)`` mean embedding of each of ``classes``, in their order.

    Where all embeddings have unit length the mean is brought to unit length too, as in iCaRL
    (Rebuffi et al. 2017, algorithm 1); a mean of zero stays zero.

    Args:
        z: ``(N, d)`` embeddings.
        y: ``(N,)`` labels.
        classes: the labels wanted, each once.

    Raises:
        ValueError: a class without an embedding.
    """
    found = []
    for label in classes:
        rows = z[y == label]
        if not len(rows):
            raise ValueError(f"class {label} has no embedding to take the mean of")
        found.append(rows.mean(dim=0))
    if not found:
        return z.new_zeros(0, z.shape[1])
    means = torch.stack(found)
    return F.normalize(means, dim=1) if has_unit_length(z) else means


def has_unit_length(z: Tensor) -> bool:
    """Whether every row of ``z (N, d)`` has length 1 to within 1e-3."""
    return bool((z.norm(dim=1) - 1).abs().max() < 1e-3) if len(z) else False


def prototypes_of(means: Tensor, classes: Sequence[int]) -> Embeddings:
    """One row per class, without a video; ``index`` is the class."""
    y = torch.tensor(list(classes), dtype=torch.int64)
    return Embeddings(z=means.float(), y=y, group=torch.full_like(y, -1), index=y)


def nearest_class(z: Tensor, prototypes: Embeddings) -> Tensor:
    """``(N,)`` label of the prototype nearest to each of ``z (N, d)`` in Euclidean distance.

    Of several at the same distance the first counts.

    Raises:
        ValueError: no prototype.
    """
    if not len(prototypes):
        raise ValueError("there is no prototype to compare with")
    distances = torch.cdist(z, prototypes.z, compute_mode="donot_use_mm_for_euclid_dist")
    return prototypes.y[distances.argmin(dim=1)]

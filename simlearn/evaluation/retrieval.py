"""Retrieval: which of a query's nearest gallery items are of its class."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from simlearn.evaluation.block_ranking import BlockRanking
from simlearn.evaluation.gallery import Distance, search
from simlearn.evaluation.query_results import QueryResults
from simlearn.trainer.progress import ProgressLine

ENTRIES = 1 << 21
"""Distances held at once where ``chunk`` is left out: 16 MiB of float64."""

Progress = Callable[[int, int], None]


@torch.no_grad()
def retrieve(
    z: Tensor,
    y: Tensor,
    gallery: Tensor | None = None,
    gallery_y: Tensor | None = None,
    *,
    group: Tensor | None = None,
    gallery_group: Tensor | None = None,
    metric: Distance = "euclidean",
    chunk: int | None = None,
    nearest: int = 5,
    progress: Progress | None = None,
) -> QueryResults:
    """Rank the gallery for every query; see :func:`retrieval_metrics` for the arguments.

    ``nearest`` is how many neighbours of each query are kept.
    """
    alone = gallery is None
    if alone != (gallery_y is None):
        raise ValueError("gallery and gallery_y are given together or not at all")
    _check(z, y, z if gallery is None else gallery, y if gallery_y is None else gallery_y, metric)
    _check_groups(group, gallery_group, len(z), None if gallery is None else len(gallery))
    y, gallery_y = y.to(z.device), None if gallery_y is None else gallery_y.to(z.device)
    group, gallery_group = (g if g is None else g.to(z.device) for g in (group, gallery_group))
    if chunk is not None and chunk < 1:
        raise ValueError(f"chunk is {chunk}, must be at least 1")
    task = search(z, y, gallery, gallery_y, group, gallery_group, metric)
    rank = BlockRanking(task, nearest)
    width = len(task.gallery) + (nearest + 2) * z.shape[1]
    step = chunk or max(1, min(len(z), ENTRIES // max(1, width)))
    order = torch.argsort(task.relevant, stable=True)  # queries of like R fetch as many items
    found = QueryResults.room(len(z), rank.nearest, z.device)
    tell, done = progress or _late_progress(), 0
    for rows in order.split(step):
        found.put(rows, rank(rows))
        done += len(rows)
        tell(done, len(z))
    return found


def _late_progress(after: float = 5.0) -> Progress:
    """Shows progress on standard error once the work has taken ``after`` seconds."""
    begin, lines = time.monotonic(), ProgressLine(seconds=5.0)
    shown = False

    def tell(done: int, total: int) -> None:
        nonlocal shown
        shown = shown or time.monotonic() - begin > after
        if shown:
            lines("retrieval", done, total)

    return tell


def retrieval_metrics(
    z: Tensor,
    y: Tensor,
    gallery: Tensor | None = None,
    gallery_y: Tensor | None = None,
    *,
    ks: Sequence[int] = (1, 5, 10),
    group: Tensor | None = None,
    gallery_group: Tensor | None = None,
    metric: Distance = "euclidean",
    chunk: int | None = None,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Recall@k, MAP@R, R-precision and the mean reciprocal rank.

    Args:
        z: ``(Q, d)`` queries.
        y: ``(Q,)`` int64 labels.
        gallery: ``(G, d)``; without it every item queries all the others.
        gallery_y: ``(G,)`` labels of the gallery.
        ks: numbers of neighbours for recall.
        group: ``(Q,)`` int64; items of the query's own group are neither neighbours nor counted
            in R. Group -1 never matches.
        gallery_group: ``(G,)`` int64.
        metric: "euclidean" or "cosine".
        chunk: queries ranked at once; the values do not depend on it, bit for bit on the CPU.
            Memory beyond two to four float64 copies of the vectors: about 20 bytes x chunk x G,
            60 where R is close to G; where distances tie, up to another 130 MB. By default
            chunk x G is 2 million.
        progress: told (queries done, queries); by default a line on standard error where it takes
            longer than 5 s.

    Returns:
        ``recall_at_{k}``, ``map_at_r``, ``r_precision``, ``mrr``: means over the queries with a
        match in the gallery, in [0, 1]; ``n_queries`` of those and ``n_skipped`` of the others.
        Without any they are nan, with a warning.

    Raises:
        ValueError: wrong shapes, float labels, values that are not finite, ranks below 1, a
            gallery and queries of which only one has groups.
    """
    if any(k < 1 for k in ks):
        raise ValueError(f"ks is {tuple(ks)}, must be ranks from 1 upward")
    results = retrieve(
        z,
        y,
        gallery,
        gallery_y,
        group=group,
        gallery_group=gallery_group,
        metric=metric,
        chunk=chunk,
        nearest=0,
        progress=progress,
    )
    evaluated = int(results.evaluated.sum())
    if not evaluated:
        warnings.warn("no query has a match in the gallery: metrics are nan", stacklevel=2)
    means = {name: float(v.mean()) for name, v in results.values(ks).items()}
    return {**means, "n_queries": evaluated, "n_skipped": len(z) - evaluated}


def _check(z: Tensor, y: Tensor, gallery: Tensor, gallery_y: Tensor, metric: str) -> None:
    for name, vectors, labels in (("z", z, y), ("gallery", gallery, gallery_y)):
        if vectors.ndim != 2 or labels.shape != vectors.shape[:1]:
            raise ValueError(
                f"{name} must be (N, d) with (N,) labels, found {tuple(vectors.shape)} and "
                f"{tuple(labels.shape)}"
            )
        if labels.is_floating_point():
            raise ValueError(f"labels of {name} must be integers, found {labels.dtype}")
        if not torch.isfinite(vectors).all():
            raise ValueError(f"{name} holds values that are not finite")
    if z.shape[1] != gallery.shape[1]:
        raise ValueError(f"z has {z.shape[1]} values a row and gallery {gallery.shape[1]}")
    if metric not in ("euclidean", "cosine"):
        raise ValueError(f"metric is {metric!r}, must be euclidean or cosine")


def _check_groups(
    group: Tensor | None, gallery_group: Tensor | None, queries: int, gallery: int | None
) -> None:
    if gallery is None and gallery_group is not None:
        raise ValueError("gallery_group is given without a gallery: use group")
    if gallery is not None and (group is None) != (gallery_group is None):
        raise ValueError(
            "group and gallery_group are given together or not at all: with one of them a query's "
            "own group cannot be left out of the gallery"
        )
    for name, value, count in (
        ("group", group, queries),
        ("gallery_group", gallery_group, gallery),
    ):
        if value is not None and value.shape != (count,):
            raise ValueError(f"{name} must be ({count},), found {tuple(value.shape)}")

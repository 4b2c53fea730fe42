"""n-shot identification: name a person's other videos from n examples of each person."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from simlearn.data.randomness import derive_seed
from simlearn.evaluation.nshot_interval import nshot_summary
from simlearn.evaluation.nshot_split import Split, draw_split, identity_items, usable_labels
from simlearn.evaluation.recognition_protocol import Kernel
from simlearn.evaluation.svm_head import chosen_c, svm_head


def nshot_identities(y: Tensor, group: Tensor, n: int) -> Tensor:
    """``(C,)`` int64 labels, ascending, that can give n support items in every draw.

    Those with at least n items outside their largest group; one group alone never suffices.

    Args:
        y: ``(N,)`` integer labels.
        group: ``(N,)`` integer video, -1 = none: a group by itself.
        n: support items.

    Raises:
        ValueError: wrong shapes, float labels or groups, or n below 1.
    """
    items = identity_items(*_checked_labels(y, group, len(y), n))
    return torch.tensor(usable_labels(items, n), dtype=torch.int64)


def nshot_svm(
    z: Tensor,
    y: Tensor,
    group: Tensor,
    *,
    n: int,
    draws: int = 10,
    seed: int = 0,
    kernel: Kernel = "linear",
    identities: Tensor | Sequence[int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Accuracy of an SVM, and of the nearest mean, fitted on n items of each identity.

    In each draw an identity's groups (videos) are taken in drawn order, each gives its items in
    drawn order until n are had. Groups that gave support give no query; all items of the others
    are queries. A draw of an identity is a function of (seed, draw, label), so the support of a
    smaller n is a part of that of a larger one. Rows of different groups may come in any order;
    within a group, and among items of no group, the draw counts rows as they come.

    The SVM is :func:`simlearn.evaluation.svm_head.svm_head`. The nearest mean compares a query,
    L2-normalised, with the means of each identity's L2-normalised support by Euclidean distance,
    the lower label on a tie.

    The accuracy is the mean over draws of (right queries) / (queries): within a draw every query
    weighs the same, so an identity weighs as much as it has queries. Intervals are percentiles of
    1,000 resamples of that number, the ratio of sums over the resampled identities averaged over
    the resampled draws (Owen 2007, "The pigeonhole bootstrap"); the classifiers are not fitted
    anew.

    Args:
        z: ``(N, d)`` embeddings, of videos or of clips.
        y: ``(N,)`` integer labels.
        group: ``(N,)`` integer video of each item; -1 = none, the item is a group by itself. Equal
            groups of two labels are two groups.
        n: support items of each identity.
        draws: number of supports.
        seed: of the draws, the inner folds and the intervals.
        kernel: "linear" or "rbf".
        identities: labels to use, such as those that can give the largest n of a table; by default
            :func:`nshot_identities`.
        progress: called with (draws done, draws).

    Returns:
        ``accuracy`` in [0, 1]; ``interval`` (lo, hi) with identities and draws drawn anew,
        ``interval_draws`` and ``interval_identities`` with one of them; ``per_draw`` list;
        ``nearest_mean``, ``nearest_mean_interval``, ``nearest_mean_interval_draws``,
        ``nearest_mean_interval_identities`` and ``nearest_mean_per_draw`` alike;
        ``n_identities`` (C), ``n_skipped`` labels of ``y`` that were not used, ``n_queries`` mean
        of a draw; ``identities`` (C,) labels used, ascending; ``per_identity`` and
        ``per_identity_nearest_mean`` (draws, C) float64 accuracy of each identity's queries;
        ``confusion`` of the SVM (C, C) int64, summed over draws, row true, column predicted;
        ``kernel``; ``C`` of the SVM in each draw. With fewer than two identities numbers are nan,
        ``confusion`` is 0, with a warning.

    Raises:
        ValueError: wrong shapes, float labels, values that are not finite, n or draws below 1, an
            unknown kernel, or one of ``identities`` that cannot give n.
    """
    y, group = _checked_labels(y, group, len(z), n)
    _check(z, draws, kernel)
    items = identity_items(y, group)
    labels = usable_labels(items, n, identities)
    classes = len(labels)
    right, nearest, count = (torch.zeros(draws, classes, dtype=torch.float64) for _ in range(3))
    confusion = torch.zeros(classes, classes, dtype=torch.int64)
    chosen = [float("nan")] * draws
    if classes < 2:
        warnings.warn(
            f"identities that can give n={n} support items and a query: {classes}, at least 2 are "
            "needed: metrics are nan",
            stacklevel=2,
        )
    else:
        vectors = _of_moderate_size(z)
        for draw in range(draws):
            split = draw_split(items, labels, n=n, seed=seed, draw=draw)
            folds = derive_seed(seed, "nshot", draw, "folds")
            predicted, chosen[draw] = _by_svm(vectors, split, kernel, n, folds)
            true = split.query_class
            count[draw] = torch.bincount(true, minlength=classes)
            right[draw] = torch.bincount(true[predicted == true], minlength=classes)
            confusion.index_put_((true, predicted), torch.ones_like(true), accumulate=True)
            hit = _by_nearest_mean(vectors, split, n) == true
            nearest[draw] = torch.bincount(true[hit], minlength=classes)
            if progress is not None:
                progress(draw + 1, draws)
    mean = nshot_summary(nearest, count, seed)
    return {
        **nshot_summary(right, count, seed),
        "nearest_mean": mean.pop("accuracy"),
        **{f"nearest_mean_{name}": value for name, value in mean.items()},
        "n_identities": classes,
        "n_skipped": len(items) - classes,
        "n_queries": float(count.sum() / draws),
        "identities": torch.tensor(labels, dtype=torch.int64),
        "per_identity": right / count,
        "per_identity_nearest_mean": nearest / count,
        "confusion": confusion,
        "kernel": kernel,
        "C": chosen,
    }


def _by_svm(z: Tensor, split: Split, kernel: Kernel, n: int, seed: int) -> tuple[Tensor, float]:
    """``(Q,)`` classes of the queries, and the C that was chosen."""
    head = svm_head(kernel, n, seed=seed)
    with warnings.catch_warnings():  # scikit-learn takes few items of many classes for regression
        warnings.filterwarnings("ignore", message="The number of unique classes is greater")
        head.fit(z[split.support].numpy(), split.support_class.numpy())
    return torch.from_numpy(head.predict(z[split.query].numpy())), chosen_c(head)


def _by_nearest_mean(z: Tensor, split: Split, n: int) -> Tensor:
    """``(Q,)`` classes of the queries."""
    unit = F.normalize(z, dim=1, eps=1e-300)
    means, queries = unit[split.support].reshape(-1, n, z.shape[1]).mean(dim=1), unit[split.query]
    exact = "donot_use_mm_for_euclid_dist"  # equal means are at equal distances, bit for bit
    d = torch.cdist(queries, means, compute_mode=exact)
    return torch.from_numpy(d.numpy().argmin(axis=1))


def _of_moderate_size(z: Tensor) -> Tensor:
    """``z`` in float64 times the power of two that makes its largest value 0.5 to 1.

    Both classifiers ignore a common factor; without it squares of huge values would overflow.
    """
    z = z.detach().double().cpu()
    exponent = math.frexp(float(z.abs().max()))[1]
    return z * 2.0 ** -max(-1000, min(1000, exponent))


def _checked_labels(y: Tensor, group: Tensor, size: int, n: int) -> tuple[Tensor, Tensor]:
    """Labels and groups as int64 on the CPU."""
    if n < 1:
        raise ValueError(f"n is {n}, must be at least 1")
    for name, value in (("y", y), ("group", group)):
        if value.shape != (size,):
            raise ValueError(f"{name} must be ({size},), found {tuple(value.shape)}")
        if value.is_floating_point():
            raise ValueError(f"{name} must be integers, found {value.dtype}")
    return y.long().cpu(), group.long().cpu()


def _check(z: Tensor, draws: int, kernel: str) -> None:
    if z.ndim != 2 or z.shape[1] < 1:
        raise ValueError(f"z must be (N, d) with d at least 1, found {tuple(z.shape)}")
    if not torch.isfinite(z).all():
        bad = int((~torch.isfinite(z)).any(dim=1).sum())
        raise ValueError(f"{bad} of {len(z)} rows of z hold values that are not finite")
    if draws < 1:
        raise ValueError(f"draws is {draws}, must be at least 1")
    if kernel not in get_args(Kernel):
        raise ValueError(f"kernel is {kernel!r}, must be {' or '.join(get_args(Kernel))}")

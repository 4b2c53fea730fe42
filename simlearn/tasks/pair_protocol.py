"""Verification on a run's videos: are two videos of one person?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simlearn.data.embeddings import Embeddings
from simlearn.data.video_pair import VideoPair
from simlearn.evaluation.pair_scores import score_pairs
from simlearn.evaluation.pairs import fold_verification, verification
from simlearn.evaluation.roc_curve import auc, equal_error_rate, roc_points
from simlearn.report import Metric, Table, roc_figure
from simlearn.tasks.findings import Findings
from simlearn.tasks.pair_list import PairList

KEYS = {"accuracy": True, "auc": True, "eer": False}
"""Numbers of a verification, and whether higher is better."""


@dataclass(frozen=True)
class Verified:
    """A finished verification.

    Attributes:
        findings: for the report.
        pairs: what was compared; empty where there is nothing to compare.
        scores: ``(P,)`` of the trained network.
        test_fold: see :class:`simlearn.tasks.pair_list.PairList`.
    """

    findings: Findings
    pairs: list[VideoPair]
    scores: Tensor
    test_fold: int | None


def verify(
    videos: Mapping[str, Embeddings],
    names: Sequence[str],
    listed: PairList,
    *,
    others: Callable[[], Sequence[Embeddings]],
) -> Verified:
    """Compare the pairs.

    Args:
        videos: embeddings of the test videos by model; "trained" is there.
        names: names of all videos, by their number in ``group``.
        listed: the pairs.
        others: the other splits' videos embedded by the trained network, for official pairs.

    Returns:
        ``verification_accuracy``, ``verification_auc``, ``verification_eer``, a table and the ROC.
        Where one fold of official pairs is measured, other models have no accuracy: it would take
        their embeddings of all people.
    """
    if not listed.pairs:
        return Verified(Findings(notes=(listed.note,)), [], torch.zeros(0), None)
    own = videos["trained"]
    trained = _joined([own, *others()]) if listed.official else own
    scores, same, fold = _score(trained, names, listed.pairs)
    found = {"trained": _measure(scores, same, fold, listed.test_fold)}
    for model in (m for m in videos if m != "trained"):
        if not listed.official:
            found[model] = verification(*_score(videos[model], names, listed.pairs))
        elif listed.test_fold is not None:
            tested = [pair for pair in listed.pairs if pair.fold == listed.test_fold]
            found[model] = _without_threshold(*_score(videos[model], names, tested)[:2])
    findings = Findings(
        metrics=_metrics(found["trained"]),
        baselines={m: _metrics(f) for m, f in found.items() if m != "trained"},
        tables=(_table(found, listed),),
        figures=(
            roc_figure(
                {model: f["roc"] for model, f in found.items()},
                title="Verification",
                auc={model: f["auc"] for model, f in found.items()},
            ),
        ),
        protocol=listed.facts,
    )
    return Verified(findings, listed.pairs, scores, listed.test_fold)


def _score(
    videos: Embeddings, names: Sequence[str], pairs: Sequence[VideoPair]
) -> tuple[Tensor, Tensor, Tensor]:
    return score_pairs(videos.z, [names[int(g)] for g in videos.group], pairs)


def _without_threshold(scores: Tensor, same: Tensor) -> dict[str, Any]:
    return {
        "auc": auc(scores, same),
        "eer": equal_error_rate(scores, same),
        "roc": roc_points(scores, same),
        "n_pairs": len(scores),
    }


def _joined(parts: Sequence[Embeddings]) -> Embeddings:
    names = ("z", "y", "group", "index")
    return Embeddings(*(torch.cat([getattr(p, name) for p in parts]) for name in names))


def _measure(scores: Tensor, same: Tensor, fold: Tensor, test_fold: int | None) -> dict[str, Any]:
    if test_fold is None:
        return verification(scores, same, fold)
    return fold_verification(scores, same, fold, test_fold=test_fold)


def _metrics(found: Mapping[str, Any]) -> dict[str, Metric]:
    interval = None
    if "stderr" in found and math.isfinite(found["stderr"]):
        from scipy.stats import t

        reach = float(t.ppf(0.975, found["n_folds"] - 1)) * found["stderr"]
        interval = (max(0.0, found["accuracy"] - reach), min(1.0, found["accuracy"] + reach))
    return {
        f"verification_{key}": Metric(
            found[key], found["n_pairs"], interval if key == "accuracy" else None, higher
        )
        for key, higher in KEYS.items()
        if key in found
    }


def _table(found: Mapping[str, Mapping[str, Any]], listed: PairList) -> Table:
    columns = ("model", "accuracy", "standard error", "AUC", "EER", "pairs", "folds")
    rows = tuple(
        (
            model,
            f"{100 * f['accuracy']:.2f} %" if "accuracy" in f else None,
            f"{100 * f['stderr']:.2f}" if "stderr" in f else None,
            round(f["auc"], 4),
            f"{100 * f['eer']:.2f} %",
            f["n_pairs"],
            f.get("n_folds", 1),
        )
        for model, f in found.items()
    )
    note = "; ".join(
        f"{key.removeprefix('pairs_')}: {value}" for key, value in listed.facts.items()
    )
    return Table("Verification of pairs", columns, rows, f"{note}. Standard error in points.")

"""Verification on a run's videos: are two videos of one person?"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from simlearn.data.datamodule import VideoDataModule
from simlearn.data.official_pairs import read_official_pairs
from simlearn.data.pair_draw import draw_video_pairs, most_folds
from simlearn.data.video_pair import VideoPair, check_pairs, drop_pairs
from simlearn.evaluation.embed import Embeddings
from simlearn.evaluation.pair_scores import score_pairs
from simlearn.evaluation.pairs import fold_verification, verification
from simlearn.evaluation.recognition_protocol import VideoRecognition
from simlearn.report import Metric, Table, roc_figure
from simlearn.tasks.findings import Findings

KEYS = {"accuracy": True, "auc": True, "eer": False}
"""Numbers of a verification, and whether higher is better."""


@dataclass(frozen=True)
class PairList:
    """What is compared, and by which rule.

    Attributes:
        pairs: the pairs.
        test_fold: the fold that is measured with the threshold of the others; ``None``: each in
            turn.
        facts: the rule in words.
    """

    pairs: list[VideoPair]
    test_fold: int | None
    facts: Mapping[str, object]


@dataclass(frozen=True)
class Verified:
    """A finished verification.

    Attributes:
        findings: for the report.
        pairs: what was compared; empty where there is nothing to compare.
        scores: ``(P,)`` of the trained network.
        test_fold: see :class:`PairList`.
    """

    findings: Findings
    pairs: list[VideoPair]
    scores: Tensor
    test_fold: int | None


def verify(
    videos: Mapping[str, Embeddings],
    data: VideoDataModule,
    protocol: VideoRecognition,
    *,
    embed_split: Callable[[str], Embeddings],
    trained: bool,
) -> Verified:
    """Compare the pairs that the protocol asks for.

    Args:
        videos: embeddings of the test videos by model; "trained" is there.
        data: the videos.
        protocol: which pairs.
        embed_split: embeds the videos of another split by the trained network, for official pairs.
        trained: whether the network saw people of the other folds, so that only the test fold may
            be measured.

    Returns:
        ``verification_accuracy``, ``verification_auc``, ``verification_eer``, a table and the ROC.

    Raises:
        DataError: an official pair names a video that is not there, or there is no list of pairs.
    """
    listed = list_pairs(data, protocol, trained)
    if not measurable(listed):
        note = (
            "Verification left out: too few pairs of one person and of two among the people used. "
            "It needs pairs of both kinds in two folds."
        )
        return Verified(Findings(notes=(note,)), [], torch.zeros(0), None)
    embeddings = {"trained": videos["trained"]} if listed.test_fold is not None else dict(videos)
    if _official_fold(data, protocol) is not None:
        others = [embed_split(split) for split in ("train", "val") if data.data.splits[split]]
        embeddings = {"trained": _joined([videos["trained"], *others])}
    scored = {
        model: score_pairs(e.z, [data.data.videos[int(g)].name for g in e.group], listed.pairs)
        for model, e in embeddings.items()
    }
    found = {model: _measure(*values, listed.test_fold) for model, values in scored.items()}
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
    return Verified(findings, listed.pairs, scored["trained"][0], listed.test_fold)


def measurable(listed: PairList) -> bool:
    """Whether each fold to be measured has pairs, and both kinds of them stand in the others."""
    folds = {pair.fold for pair in listed.pairs}
    tested = folds if listed.test_fold is None else folds & {listed.test_fold}
    return bool(tested) and all(
        {pair.same for pair in listed.pairs if pair.fold != fold} == {True, False}
        for fold in tested
    )


def _official_fold(data: VideoDataModule, protocol: VideoRecognition) -> int | None:
    """The fold that is test where the official pairs are asked for."""
    split = data.source.split
    return split if protocol.pairs == "auto" and isinstance(split, int) else None


def list_pairs(data: VideoDataModule, protocol: VideoRecognition, trained: bool) -> PairList:
    """The official pairs where ``data.split`` is a fold of them, else pairs of test videos."""
    fold = _official_fold(data, protocol)
    if fold is not None:
        pairs = read_official_pairs(data.data.root, f"data.split={fold}")
        pairs = drop_pairs(drop_pairs(pairs, data.source.exclude), protocol.exclude_pairs)
        if data.source.max_identities is None:
            check_pairs(pairs, data.data.videos)
        else:
            known = {video.name for video in data.data.videos}
            pairs = [p for p in pairs if {p.first, p.second} <= known]
        test = fold if trained else None
        rule = "of the fold that is test, by the threshold of all others" if trained else _EACH
        return PairList(pairs, test, _facts("official list", pairs, rule))
    videos = data.data.splits["test"]
    folds = most_folds(videos, protocol.folds)
    if folds == 0:
        return PairList([], None, {})
    seed = data.source.split_seed
    pairs = draw_video_pairs(videos, folds=folds, pairs_per_fold=protocol.pairs_per_fold, seed=seed)
    return PairList(pairs, None, _facts(f"drawn among the test videos, seed {seed}", pairs, _EACH))


_EACH = "of each fold by the threshold of all others, mean and standard error over folds"


def _facts(source: str, pairs: Sequence[VideoPair], rule: str) -> dict[str, object]:
    return {
        "pairs": source,
        "pairs_same": sum(p.same for p in pairs),
        "pairs_different": sum(not p.same for p in pairs),
        "pairs_folds": len({p.fold for p in pairs}),
        "pairs_accuracy": rule,
        "pairs_score": "minus the Euclidean distance of the videos' embeddings",
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
    }


def _table(found: Mapping[str, Mapping[str, Any]], listed: PairList) -> Table:
    columns = ("model", "accuracy", "standard error", "AUC", "EER", "pairs", "folds")
    rows = tuple(
        (
            model,
            f"{100 * f['accuracy']:.2f} %",
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

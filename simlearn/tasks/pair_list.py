"""Which pairs of videos a run verifies, and by which rule."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simlearn.data.errors import DataError
from simlearn.data.official_pairs import read_official_pairs
from simlearn.data.pair_draw import draw_video_pairs, most_folds
from simlearn.data.video_pair import VideoPair, check_pairs, drop_pairs
from simlearn.data.video_source import VideoData, VideoSource
from simlearn.evaluation.recognition_protocol import VideoRecognition

EACH = "of each fold by the threshold of all others, mean and standard error over folds"
ONE = (
    "of the fold that is test, by the threshold of all others, whose people, but for those of the "
    "validation fold, the network was trained on"
)


@dataclass(frozen=True)
class PairList:
    """What is compared, and by which rule.

    Attributes:
        pairs: the pairs; empty where nothing is measured.
        test_fold: the fold, from 0, that is measured with the threshold of the others; ``None``:
            each in turn.
        official: whether they are the data set's own.
        facts: the rule in words.
        note: why nothing is measured; empty where something is.
    """

    pairs: list[VideoPair]
    test_fold: int | None
    official: bool
    facts: Mapping[str, object]
    note: str = ""


def list_pairs(
    source: VideoSource, data: VideoData, protocol: VideoRecognition, *, trained: bool
) -> PairList:
    """The official pairs where ``data.split`` is a fold of them, else pairs of test videos.

    Args:
        source: how the data were opened.
        data: the videos.
        protocol: which pairs; not "none".
        trained: whether the network has seen, or will see, people of the other folds, so that only
            the test fold may be measured.

    Raises:
        DataError: an official pair names a video that is not there, there is no list of pairs, or
            pairs are to be left out of a list that is not used.
    """
    fold = source.split if protocol.pairs == "auto" and isinstance(source.split, int) else None
    if fold is None:
        if protocol.exclude_pairs is not None:
            raise DataError(
                f"evaluation.exclude_pairs={protocol.exclude_pairs} leaves out official pairs, and "
                "this run draws its own. Choose a fold, data.split=0 to 9, with "
                "evaluation.pairs=auto, or drop the setting"
            )
        return _drawn(source, data, protocol)
    pairs = read_official_pairs(data.root, f"data.split={fold}")
    pairs = drop_pairs(drop_pairs(pairs, source.exclude), protocol.exclude_pairs)
    if source.max_identities is None:
        check_pairs(pairs, data.videos)
    else:
        known = {video.name for video in data.videos}
        pairs = [p for p in pairs if {p.first, p.second} <= known]
    test = fold if trained else None
    if not measurable(pairs, test):
        return _nothing(official=True)
    facts = _facts("official list", pairs, ONE if trained else EACH)
    if test is not None:
        own = [p for p in pairs if p.fold == test]
        facts["pairs_measured"] = (
            f"fold {test + 1} (data.split={test}): {sum(p.same for p in own)} same, "
            f"{sum(not p.same for p in own)} different"
        )
    return PairList(pairs, test, True, facts)


def _drawn(source: VideoSource, data: VideoData, protocol: VideoRecognition) -> PairList:
    videos, seed = data.splits["test"], source.split_seed
    folds = most_folds(videos, protocol.folds)
    if folds == 0:
        return _nothing(official=False)
    pairs = draw_video_pairs(videos, folds=folds, pairs_per_fold=protocol.pairs_per_fold, seed=seed)
    return PairList(
        pairs, None, False, _facts(f"drawn among the test videos, seed {seed}", pairs, EACH)
    )


def _nothing(*, official: bool) -> PairList:
    note = (
        "Verification left out: too few pairs of one person and of two among the people used. It "
        "needs pairs of both kinds in two folds, and in the fold that is test."
    )
    return PairList([], None, official, {}, note)


def measurable(pairs: Sequence[VideoPair], test_fold: int | None) -> bool:
    """Whether both kinds of pairs stand outside each fold that is measured.

    Where one fold is measured, both kinds must stand in it too.
    """
    both = {True, False}
    folds = {pair.fold for pair in pairs}
    if test_fold is not None and {p.same for p in pairs if p.fold == test_fold} != both:
        return False
    tested = folds if test_fold is None else {test_fold}
    return bool(folds) and all({p.same for p in pairs if p.fold != f} == both for f in tested)


def _facts(source: str, pairs: Sequence[VideoPair], rule: str) -> dict[str, object]:
    rows = sorted([p.fold, p.first, p.second, p.same] for p in pairs)
    return {
        "pairs": source,
        "pairs_list": hashlib.blake2b(json.dumps(rows).encode(), digest_size=8).hexdigest(),
        "pairs_same": sum(p.same for p in pairs),
        "pairs_different": sum(not p.same for p in pairs),
        "pairs_folds": len({p.fold for p in pairs}),
        "pairs_accuracy": rule,
        "pairs_score": "minus the Euclidean distance of the videos' embeddings",
    }

"""Scores of pairs are minus the distances of their videos."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.data.video_pair import VideoPair
from simlearn.evaluation.pair_scores import score_pairs

NAMES = ["A/0", "A/1", "B/0", "B/12"]
PAIRS = [
    VideoPair(0, "A/0", "A/1", True),
    VideoPair(0, "A/1", "B/0", False),
    VideoPair(1, "B/12", "B/0", True),
    VideoPair(1, "A/0", "B/12", False),
]


def test_scores_are_minus_the_distances():
    z = torch.randn(4, 7, generator=torch.Generator().manual_seed(0))
    scores, same, fold = score_pairs(z, NAMES, PAIRS)
    for score, pair in zip(scores.tolist(), PAIRS, strict=True):
        a, b = (z[NAMES.index(name)].tolist() for name in (pair.first, pair.second))
        assert score == pytest.approx(-math.dist(a, b), abs=1e-12)
    assert (scores.dtype, same.dtype, fold.dtype) == (torch.float64, torch.bool, torch.int64)
    assert same.tolist() == [True, False, True, False]
    assert fold.tolist() == [0, 0, 1, 1]
    other, _, _ = score_pairs(z.requires_grad_(), NAMES, PAIRS[::-1])
    assert torch.equal(other.flip(0), scores)
    assert not other.requires_grad


def test_more_pairs_than_a_chunk_and_none():
    z = torch.arange(4.0)[:, None]
    scores, _, _ = score_pairs(z, NAMES, PAIRS * 5000)
    assert torch.equal(scores, torch.tensor([-1.0, -1, -1, -3]).double().repeat(5000))
    empty = score_pairs(z, NAMES, [])
    assert [tuple(t.shape) for t in empty] == [(0,)] * 3
    assert [t.dtype for t in empty] == [torch.float64, torch.bool, torch.int64]


Z = torch.zeros(4, 2)


@pytest.mark.parametrize(
    ("z", "names", "message"),
    [
        (Z, NAMES[:3], r"^z must be \(V, d\) with V names, found \(4, 2\) and 3 names$"),
        (Z[0], NAMES[:2], r"found \(2,\) and 2 names"),
        (Z * torch.nan, NAMES, "^z holds values that are not finite$"),
        (Z, ["A/0", "A/1", "B/0", "A/1"], "^video A/1 is there twice"),
        (
            Z[:3],
            NAMES[:3],
            r"^pairs: the pair B/12 - B/0 names the video B/12, which has no embedding; 2 of 4 "
            r"pairs are like that: embed those videos too or leave the pairs out$",
        ),
    ],
)
def test_pairs_that_cannot_be_scored(z, names, message):
    with pytest.raises(ValueError, match=message):
        score_pairs(z, names, PAIRS)

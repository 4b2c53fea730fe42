"""Sorting everything by given distances."""

from __future__ import annotations

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.evaluation.full_ranking import rank_by_distances

ROW = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2), st.booleans()), max_size=10)


@settings(max_examples=80, deadline=None)
@given(ROW, st.integers(0, 2), st.integers(0, 12))
def test_one_query_like_the_loop(items, label, nearest):
    d, gallery_y, excluded = (list(c) for c in zip(*items, strict=True)) if items else ([],) * 3
    found = rank_by_distances(
        torch.tensor([d], dtype=torch.float64).reshape(1, -1),
        torch.tensor([label]),
        torch.tensor(gallery_y, dtype=torch.int64),
        torch.tensor([excluded], dtype=torch.bool).reshape(1, -1),
        nearest=nearest,
    )
    order = sorted((d[i], i) for i in range(len(d)) if not excluded[i])
    hits = [gallery_y[i] == label for _, i in order]
    r = sum(hits)
    average = sum(sum(hits[: i + 1]) / (i + 1) for i in range(r) if hits[i]) / max(1, r)
    assert int(found.relevant) == r
    assert int(found.first) == (hits.index(True) + 1 if r else 0)
    assert math.isclose(float(found.average_precision), average, abs_tol=1e-12)
    assert math.isclose(float(found.r_precision), sum(hits[:r]) / max(1, r), abs_tol=1e-12)
    kept = [i for _, i in order][:nearest]
    assert found.nearest[0, : len(kept)].tolist() == kept
    assert (found.nearest[0, len(kept) :] == -1).all()

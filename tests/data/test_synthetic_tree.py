"""Pairs and folds."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.synthetic_tree import FOLDS, draw_pairs


@settings(max_examples=30, deadline=None)
@given(people=st.integers(1, 40), videos=st.integers(1, 4), seed=st.integers(0, 1000))
def test_folds_are_equal_halves_and_disjoint_where_people_suffice(people, videos, seed):
    owners = [k for k in range(people) for _ in range(videos)]
    folds = draw_pairs(owners, seed)
    assert len(folds) == FOLDS
    assert len({len(fold) for fold in folds}) == 1
    seen: list[set[int]] = []
    for fold in folds:
        assert sum(pair.same for pair in fold) * 2 == len(fold)
        assert all((owners[p.first] == owners[p.second]) == p.same for p in fold)
        assert all(p.first != p.second for p in fold)
        keys = [(p.first, p.second) for p in fold]
        assert len(keys) == len(set(keys))
        seen.append({owners[v] for key in keys for v in key})
    if people >= 2 * FOLDS:
        assert sum(len(s) for s in seen) == len(set().union(*seen))
    if people >= 2 and videos >= 2:
        assert len(folds[0]) >= 2

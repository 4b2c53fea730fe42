"""Who may find whom, and how many of them are of the query's class."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.evaluation.gallery import distance, search

ITEMS = st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 3)), max_size=12)


def columns(items):
    table = torch.tensor(items, dtype=torch.int64).reshape(-1, 2)
    return table[:, 0] * 2**40, table[:, 1]


@settings(max_examples=100, deadline=None)
@given(ITEMS, ITEMS, st.booleans(), st.booleans())
def test_excluded_and_relevant_like_the_loop(queries, items, alone, grouped):
    (y, group), (g_y, g_group) = columns(queries), columns(items)
    if alone:
        g_y, g_group = y, group
    vectors = torch.zeros(len(y), 1), torch.zeros(len(g_y), 1)
    task = search(
        vectors[0],
        y,
        None if alone else vectors[1],
        None if alone else g_y,
        group if grouped else None,
        g_group if grouped and not alone else None,
        "euclidean",
    )
    out = [
        [
            (alone and q == i) or (grouped and group[q] >= 0 and bool(group[q] == g_group[i]))
            for i in range(len(g_y))
        ]
        for q in range(len(y))
    ]
    found = task.excluded(torch.arange(len(y)))
    assert found.tolist() == out
    wanted = [
        sum(bool(g_y[i] == y[q]) and not out[q][i] for i in range(len(g_y))) for q in range(len(y))
    ]
    assert task.relevant.tolist() == wanted


def test_a_distance_depends_on_its_two_vectors_alone():
    g = torch.Generator().manual_seed(0)
    a, b = (torch.randn(n, 37, generator=g, dtype=torch.float64) for n in (9, 70))
    for metric in ("euclidean", "cosine"):
        whole = distance(a, b, metric)
        for i in range(9):
            assert torch.equal(distance(a[i : i + 1], b[::7], metric), whole[i : i + 1, ::7])
            assert torch.equal(distance(a[i][None, None], b[None], metric)[0, 0], whole[i])


def test_cosine_is_half_the_squared_distance_of_unit_vectors():
    z = torch.tensor([[3.0, 0.0], [0.0, 2.0], [-5.0, 0.0]])
    task = search(z, torch.tensor([0, 0, 1]), None, None, None, None, "cosine")
    assert distance(task.z, task.gallery, "cosine")[0].tolist() == [0.0, 1.0000000000000002, 2.0]

"""Retrieval where there is nothing to find, in blocks, and with mistakes that are named."""

from __future__ import annotations

import math

import pytest
import torch

from simlearn.evaluation import retrieval_metrics
from simlearn.evaluation.retrieval import retrieve
from tests.evaluation.test_retrieval import KS, measured, random_batch


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_find_is_nan_with_a_warning(n):
    z, y = torch.zeros(n, 3), torch.zeros(n, dtype=torch.int64)
    with pytest.warns(UserWarning, match="no query has a match"):
        found = retrieval_metrics(z, y)
    assert (found["n_queries"], found["n_skipped"]) == (0, n)
    assert all(math.isnan(v) for name, v in found.items() if not name.startswith("n_"))
    assert len(found) == 8


def test_empty_gallery_and_no_queries():
    z, y = torch.zeros(2, 3), torch.tensor([0, 1])
    none, no_labels = torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)
    with pytest.warns(UserWarning, match="no query has a match"):
        assert retrieval_metrics(z, y, none, no_labels)["n_skipped"] == 2
    with pytest.warns(UserWarning, match="no query has a match"):
        assert retrieval_metrics(none, no_labels, z, y)["n_skipped"] == 0


def test_no_graph_is_built_and_half_precision_is_taken():
    z, y, _ = random_batch(1, 12, 3)
    assert not retrieve(z.requires_grad_(), y).distance.requires_grad
    assert measured(z.half(), y) == measured(z.half().double(), y)


def test_per_query_values_have_the_means_of_the_metrics():
    z, y, group = random_batch(2, 30, 6)
    values = retrieve(z, y, group=group).values(KS)
    means = measured(z, y, group=group)
    assert len(values) == 7
    for name, value in values.items():
        assert value.shape == (means["n_queries"],)
        assert float(value.mean()) == means[name]


Z, Y, G = random_batch(0, 6, 2)


@pytest.mark.parametrize(
    ("arguments", "how", "message"),
    [
        ((Z[0], Y), {}, r"z must be \(N, d\) with \(N,\) labels, found \(4,\)"),
        ((Z, Y[:3]), {}, r"found \(6, 4\) and \(3,\)"),
        ((Z, Y[:, None]), {}, r"\(6, 1\)"),
        ((Z, Y.float()), {}, r"labels of z must be integers, found torch\.float32"),
        ((Z, Y, Z, Y.double()), {}, "labels of gallery must be integers"),
        ((Z * torch.nan, Y), {}, "z holds values that are not finite"),
        ((Z, Y, Z / 0, Y), {}, "gallery holds values that are not finite"),
        ((Z, Y, Z), {}, "gallery and gallery_y are given together"),
        ((Z, Y, None, Y), {}, "gallery and gallery_y are given together"),
        ((Z, Y, Z[:, :2], Y), {}, "z has 4 values a row and gallery 2"),
        ((Z, Y), {"metric": "manhattan"}, "'manhattan', must be euclidean or cosine"),
        ((Z, Y), {"group": G[:2]}, r"group must be \(6,\), found \(2,\)"),
        ((Z, Y), {"gallery_group": G}, "gallery_group is given without a gallery"),
        ((Z, Y, Z, Y), {"group": G}, "cannot be left out of the gallery"),
        ((Z, Y, Z, Y), {"gallery_group": G}, "cannot be left out of the gallery"),
        ((Z, Y, Z, Y), {"group": G, "gallery_group": G[:1]}, r"gallery_group must be \(6,\)"),
        ((Z, Y), {"chunk": 0}, "chunk is 0, must be at least 1"),
        ((Z, Y), {"chunk": -3}, "chunk is -3, must be at least 1"),
        ((Z, Y), {"ks": (1, 0)}, r"ks is \(1, 0\), must be ranks from 1"),
    ],
)
def test_mistakes_are_named(arguments, how, message):
    with pytest.raises(ValueError, match=message):
        retrieval_metrics(*arguments, **how)

"""Easy-positive mining against plain loops and the peer library."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.miners import BatchEasyMiner
from simlearn.miners.batch_easy import batch_easy_triplets

grid = st.integers(-2, 2)
points = st.lists(st.tuples(st.integers(0, 3), grid, grid), min_size=1, max_size=11)
every_negative = pytest.mark.parametrize("negative", ["easy", "semihard", "hard"])


def squared(z, i, j):
    return sum((a - b) ** 2 for a, b in zip(z[i], z[j], strict=True))


def naive(z, y, negative):
    """Loops over whole numbers; the first of equals wins."""
    z, y, found = z.tolist(), y.tolist(), []
    for a in range(len(y)):
        p = [(squared(z, a, i), i) for i in range(len(y)) if i != a and y[i] == y[a]]
        n = [(squared(z, a, i), i) for i in range(len(y)) if y[i] != y[a]]
        if not p:
            continue
        if negative == "semihard":
            n = [(d, i) for d, i in n if d > min(p)[0]]
        if negative == "easy":
            n = [(-d, i) for d, i in n]
        if n:
            found.append((a, min(p)[1], min(n)[1]))
    return found


@every_negative
@settings(max_examples=80)
@given(points)
def test_equals_the_loops_with_ties_and_duplicates(negative, drawn):
    table = torch.tensor(drawn)
    z, y = table[:, 1:].double(), table[:, 0]
    found = batch_easy_triplets(z, y, negative=negative)
    assert list(zip(*(t.tolist() for t in found), strict=True)) == naive(z, y, negative)


def test_worked_example():
    z = torch.tensor([[0.0], [2.0], [3.0], [1.0], [2.5], [9.0]])
    y = torch.tensor([0, 0, 0, 1, 1, 2])
    easy, semihard, hard = (
        [t.tolist() for t in BatchEasyMiner(kind)(z, y)] for kind in ("easy", "semihard", "hard")
    )
    assert easy == [[0, 1, 2, 3, 4], [1, 2, 1, 4, 3], [5, 5, 5, 5, 5]]
    assert semihard == [[0, 1, 2, 3, 4], [1, 2, 1, 4, 3], [4, 5, 3, 2, 0]]
    assert hard == [[0, 1, 2, 3, 4], [1, 2, 1, 4, 3], [3, 4, 4, 0, 1]]


def test_an_anchor_without_a_negative_beyond_its_positive_is_left_out():
    z, y = torch.tensor([[0.0], [5.0], [1.0]]), torch.tensor([0, 0, 1])
    assert [t.tolist() for t in BatchEasyMiner("semihard")(z, y)] == [[], [], []]
    assert [t.tolist() for t in BatchEasyMiner("hard")(z, y)] == [[0, 1], [1, 0], [2, 2]]


@every_negative
@pytest.mark.parametrize("b", [8, 33])
def test_equal_to_pytorch_metric_learning_row_by_row(negative, b):
    from pytorch_metric_learning.miners import BatchEasyHardMiner

    g = torch.Generator().manual_seed(b)
    z = torch.nn.functional.normalize(torch.randn(b, 6, generator=g, dtype=torch.float64), dim=1)
    y = torch.randint(5, (b,), generator=g)
    a, p, a2, n = BatchEasyHardMiner(pos_strategy="easy", neg_strategy=negative)(z, y)
    ours = BatchEasyMiner(negative)(z, y)
    assert len(a) > 0 and torch.equal(a, a2)
    assert all(torch.equal(s, t) for s, t in zip(ours, (a, p, n), strict=True))


def test_mistakes_are_named():
    message = "negative is 'easier', must be one of easy, semihard, hard"
    with pytest.raises(ValueError, match=message):
        BatchEasyMiner("easier")
    with pytest.raises(ValueError, match=message):
        batch_easy_triplets(torch.zeros(2, 2), torch.zeros(2, dtype=torch.int64), negative="easier")

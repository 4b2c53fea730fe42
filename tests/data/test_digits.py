"""Scikit-learn's digits as a data option."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data.digits import Digits, stratified_test


@given(st.lists(st.integers(0, 4), max_size=40), st.floats(0.01, 0.99), st.integers(0, 3))
def test_every_class_is_shared_out(labels, share, seed):
    y = np.array(labels, dtype=np.int64)
    test = stratified_test(y, share=share, seed=seed)
    assert test.shape == y.shape and test.dtype == bool
    for c in set(labels):
        total, taken = labels.count(c), int(test[y == c].sum())
        assert 0 <= taken < total
        if total > 1:
            assert taken >= 1 and abs(taken - share * total) <= 1
    assert np.array_equal(test, stratified_test(y, share=share, seed=seed))


def test_the_seed_draws_the_rows():
    y = np.repeat([0, 1], 50)
    drawn = {stratified_test(y, share=0.3, seed=s).tobytes() for s in range(6)}
    assert len(drawn) == 6


def test_all_digits_are_read():
    from sklearn.datasets import load_digits

    found, raw = load_digits(), Digits().read()
    assert len(raw.train) + len(raw.test) == 1797
    index = torch.cat([raw.train.index, raw.test.index])
    assert sorted(index.tolist()) == list(range(1797))
    x = torch.cat([raw.train.x, raw.test.x])
    assert x.shape == (1797, 1, 8, 8) and x.dtype == torch.uint8
    for row in (0, 700, 1258, 1796):
        image = found.images[int(index[row])]
        assert x[row, 0].tolist() == [[round(v * 255 / 16) for v in line] for line in image]
    y = torch.cat([raw.train.y, raw.test.y])
    assert y.tolist() == found.target[index].tolist()
    assert raw.names == tuple("0123456789")


def test_the_option():
    data = Digits().open(seed=1)
    sizes = torch.bincount(data.splits["test"].y).tolist()
    assert all(52 <= size <= 55 for size in sizes) and sum(sizes) == 539
    assert data.facts["test_share"] == 0.3 and data.facts["data"] == "Digits"
    x = data.scale(torch.cat([data.splits["train"].x, data.splits["test"].x]))
    assert abs(x.mean().item()) < 1e-3 and abs(x.std().item() - 1) < 1e-3
    smaller = Digits(test_share=0.1, train_per_class=20, val_per_class=10).open(seed=1)
    assert [len(smaller.splits[s]) for s in ("train", "val", "test")] == [200, 100, 179]
    assert smaller.fingerprint != data.fingerprint


@pytest.mark.parametrize("share", [0, 1, -0.1, 1.5])
def test_shares_out_of_range(share):
    with pytest.raises(ValueError, match=r"data\.test_share is .*, must be between 0 and 1"):
        Digits(test_share=share)

"""The classifier on the support against scikit-learn's parts used one by one."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.evaluation.svm_head import FOLDS, GRID, chosen_c, svm_head

KERNELS = ("linear", "rbf")


def blobs(seed, classes=5, n=4, d=6, spread=1.5):
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, d))
    y = np.repeat(np.arange(classes), n)
    queries = np.repeat(centres, 10, axis=0) + spread * rng.normal(size=(10 * classes, d))
    return centres[y] + spread * rng.normal(size=(len(y), d)), y, queries


def standardised(x, queries):
    """Mean 0 and variance 1 on x by the definition; constant columns become 0."""
    mean = np.array([sum(column) / len(column) for column in x.T])
    sd = np.sqrt(((x - mean) ** 2).mean(axis=0))
    sd[sd == 0] = 1
    return (x - mean) / sd, (queries - mean) / sd


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n", [1, 2])
def test_few_items_are_scikit_learns_svc_with_c_1(kernel, n):
    from sklearn.svm import SVC

    for seed in range(3):
        x, y, queries = blobs(seed, n=n)
        head = svm_head(kernel, n).fit(x, y)
        a, b = standardised(x, queries)
        gamma = 1 / (x.shape[1] * a.var())
        plain = SVC(C=1.0, kernel=kernel, gamma=gamma).fit(a, y)
        assert head.predict(queries).tolist() == plain.predict(b).tolist()
        assert chosen_c(head) == 1.0


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n", [3, 4])
def test_c_is_that_of_the_loop_over_grid_and_folds(kernel, n):
    from sklearn.model_selection import StratifiedKFold
    from sklearn.svm import SVC

    seen = set()
    for seed in range(6):
        x, y, queries = blobs(seed, n=n)
        a, b = standardised(x, queries)
        best, c = Fraction(-1), 0.0
        for value in GRID:
            folds = StratifiedKFold(3, shuffle=True, random_state=seed).split(a, y)
            total = Fraction(0)
            for train, rest in folds:
                svm = SVC(C=value, kernel=kernel, gamma="scale").fit(a[train], y[train])
                total += Fraction(int((svm.predict(a[rest]) == y[rest]).sum()), len(rest))
            if total > best:
                best, c = total, value
        head = svm_head(kernel, n, seed=seed).fit(x, y)
        assert chosen_c(head) == c
        plain = SVC(C=c, kernel=kernel, gamma="scale").fit(a, y)
        assert head.predict(queries).tolist() == plain.predict(b).tolist()
        seen.add(c)
    assert len(seen) > 1


def test_one_item_of_two_classes_is_the_nearer_one():
    """The widest margin between two points is half way."""
    for seed in range(5):
        x, y, queries = blobs(seed, classes=2, n=1)
        a, b = standardised(x, queries)
        d = ((b[:, None] - a[None]) ** 2).sum(axis=-1)
        assert svm_head("linear", 1).fit(x, y).predict(queries).tolist() == d.argmin(1).tolist()


@pytest.mark.parametrize("kernel", KERNELS)
def test_on_a_tie_the_smallest_c(kernel):
    x, y, _ = blobs(0, classes=2, n=6, spread=0.01)
    assert chosen_c(svm_head(kernel, 6).fit(x, y)) == GRID[0] == min(GRID)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n", [2, 5])
def test_constant_features_are_without_effect(kernel, n):
    x, y, queries = blobs(2, n=n)
    wide = [np.c_[v, np.full(len(v), 3.7), np.zeros(len(v))] for v in (x, queries)]
    head = svm_head(kernel, n).fit(wide[0], y)
    assert np.isfinite(head["scale"].transform(wide[0])).all()
    wanted = svm_head(kernel, n).fit(x, y).predict(queries)
    assert head.predict(wide[1]).tolist() == wanted.tolist()


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(1e-6, 1e6), st.floats(-10, 10), st.sampled_from(KERNELS))
def test_scale_and_shift_of_a_feature_do_not_matter(seed, scale, shift, kernel):
    x, y, queries = blobs(seed, n=3)
    moved = [v * np.array([scale, 1, 1, 1, 1, 1]) + scale * shift for v in (x, queries)]
    wanted = svm_head(kernel, 3).fit(x, y).predict(queries)
    found = svm_head(kernel, 3).fit(moved[0], y).predict(moved[1])
    assert (found == wanted).mean() >= 0.98  # rounding may turn a query between two classes


def test_folds_are_a_function_of_the_seed():
    x, y, queries = blobs(1, n=3, spread=1.0)
    heads = [svm_head("linear", 3, seed=s).fit(x, y) for s in (0, 0, *range(1, 12), 2**63 - 1)]
    assert heads[0].predict(queries).tolist() == heads[1].predict(queries).tolist()
    assert chosen_c(heads[0]) == chosen_c(heads[1])
    assert len({chosen_c(head) for head in heads}) > 1


def test_the_rarest_class_decides_whether_c_is_searched():
    x, y, _ = blobs(0, classes=2, n=FOLDS)
    assert chosen_c(svm_head("linear", FOLDS - 1).fit(x, y)) == 1.0
    assert "best_params_" in vars(svm_head("linear", FOLDS).fit(x, y)["svm"])


@pytest.mark.parametrize(
    ("kernel", "n", "message"),
    [
        ("poly", 1, "kernel is 'poly', must be linear or rbf"),
        ("linear", 0, "support_per_class is 0, must be at least 1"),
    ],
)
def test_mistakes_are_named(kernel, n, message):
    with pytest.raises(ValueError, match=message):
        svm_head(kernel, n)

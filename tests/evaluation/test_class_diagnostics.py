"""Retrieval and SVM on embeddings of all seen classes."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.model_selection import StratifiedKFold
from sklearn.svm import LinearSVC

from simlearn.data.randomness import derive_seed, torch_generator
from simlearn.evaluation import retrieval_metrics
from simlearn.evaluation.class_diagnostics import class_diagnostics, svm_accuracy


def clusters(counts, d=4, spread=0.5, seed=0):
    g = torch_generator(seed, "clusters")
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts).long())
    centres = 4 * torch.randn(len(counts), d, generator=g)
    return centres[y] + spread * torch.randn(len(y), d, generator=g), y


def by_hand(z, y, folds, seed):
    """The same folds, features standardised by hand, and the fit of one SVM per class."""
    split = StratifiedKFold(folds, shuffle=True, random_state=derive_seed(seed, "folds") % 2**32)
    x, right = z.double().numpy(), 0
    for fit, judge in split.split(x, y):
        mean, std = x[fit].mean(axis=0), x[fit].std(axis=0)
        scores = []
        for label in range(int(y.max()) + 1):
            svm = LinearSVC(C=1.0, dual=False).fit((x[fit] - mean) / std, y[fit] == label)
            scores.append(svm.decision_function((x[judge] - mean) / std))
        right += int((np.argmax(scores, axis=0) == y[judge].numpy()).sum())
    return right / len(y)


@pytest.mark.parametrize("spread", [0.5, 4.0])
def test_equals_the_fit_by_hand(spread):
    z, y = clusters([20, 15, 12], spread=spread)
    z[:, 0] *= 1e4  # standardising makes up for it
    found = svm_accuracy(z, y, seed=3)
    assert found == {
        "accuracy": pytest.approx(by_hand(z, y, 5, 3)),
        "folds": 5,
        "n": 47,
        "n_left_out": 0,
    }
    assert (found["accuracy"] > 0.95) == (spread == 0.5)


def test_random_labels_are_chance():
    z, y = clusters([100, 100])
    shuffled = y[torch.randperm(200, generator=torch_generator(0, "shuffle"))]
    assert abs(svm_accuracy(z, shuffled, seed=0)["accuracy"] - 0.5) < 0.12


def test_small_classes_lower_the_folds_and_single_items_are_left_out():
    z, y = clusters([9, 3, 1, 6])
    found = svm_accuracy(z, y, seed=0)
    assert (found["folds"], found["n"], found["n_left_out"]) == (3, 18, 1)
    two = svm_accuracy(*clusters([5, 2]), seed=0)
    assert (two["folds"], two["n"]) == (2, 7)
    assert svm_accuracy(*clusters([5, 7]), folds=3, seed=0)["folds"] == 3


@pytest.mark.parametrize("counts", [[], [5], [5, 1], [1, 1, 1]])
def test_without_two_classes_there_is_no_accuracy(counts):
    z, y = clusters(counts)
    found = svm_accuracy(z, y, seed=0)
    assert math.isnan(found["accuracy"])
    assert (found["folds"], found["n"], found["n_left_out"]) == (0, 0, counts.count(1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        all_three = class_diagnostics(z, y, seed=0)
    assert math.isnan(all_three["map_at_r"]) == (max(counts, default=0) < 2)
    assert math.isnan(all_three["svm_accuracy"])


def test_retrieval_is_each_against_all_others():
    z, y = clusters([12, 10, 11], spread=2.5)
    found = class_diagnostics(z, y + 7, seed=1)
    wanted = retrieval_metrics(z, y)
    assert list(found) == ["map_at_r", "recall_at_1", "svm_accuracy"]
    assert found["map_at_r"] == wanted["map_at_r"] < 1
    assert found["recall_at_1"] == wanted["recall_at_1"]
    assert found["svm_accuracy"] == svm_accuracy(z, y, seed=1)["accuracy"]
    nearest = torch.cdist(z, z).fill_diagonal_(torch.inf).argmin(dim=1)
    assert found["recall_at_1"] == pytest.approx(float((y[nearest] == y).double().mean()))


def test_mistakes_are_named():
    z, y = clusters([4, 4])
    with pytest.raises(ValueError, match=r"z must be \(N, d\) with \(N,\) labels, found \(8, 4\)"):
        svm_accuracy(z, y[:3], seed=0)
    with pytest.raises(ValueError, match="not finite: the training has diverged"):
        svm_accuracy(z / 0, y, seed=0)
    with pytest.raises(ValueError, match="folds is 1, must be at least 2"):
        svm_accuracy(z, y, folds=1, seed=0)

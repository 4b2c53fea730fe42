"""The protocol of class-incremental learning refuses what cannot be measured, naming the key."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from simlearn.evaluation.class_protocol import ClassIncremental


def test_everything_is_measured_by_default():
    protocol = ClassIncremental()
    assert protocol.ideal == "joint"
    assert protocol.diagnostics and protocol.probe
    assert protocol.pictures == (1, 3, 5)
    with pytest.raises(FrozenInstanceError):
        protocol.ideal = None


@pytest.mark.parametrize("ideal", ["joint", "runs/joint", 0.93, 1, 97.5, None])
def test_what_an_ideal_may_be(ideal):
    assert ClassIncremental(ideal=ideal).ideal == ideal


def test_no_pictures_are_allowed():
    assert ClassIncremental(pictures=()).pictures == ()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ideal": 0.0}, r"evaluation\.ideal is 0\.0, must be joint, an accuracy above 0"),
        ({"ideal": -1.0}, r"evaluation\.ideal is -1\.0"),
        ({"ideal": float("nan")}, r"evaluation\.ideal is nan"),
        ({"ideal": float("inf")}, r"evaluation\.ideal is inf"),
        ({"ideal": " "}, r"evaluation\.ideal is ' '"),
        ({"ideal": True}, r"evaluation\.ideal is True"),
        ({"bootstrap": 0}, r"evaluation\.bootstrap is 0, must be at least 1"),
        ({"neighbours": 0}, r"evaluation\.neighbours is 0, must be at least 1"),
        ({"svm_folds": 1}, r"evaluation\.svm_folds is 1, must be at least 2"),
        ({"split": "train"}, r"evaluation\.split is 'train', must be test or val"),
        ({"pictures": (0, 1)}, r"evaluation\.pictures is \[0, 1\], must be different experiences"),
        ({"pictures": (2, 2)}, r"evaluation\.pictures is \[2, 2\]"),
    ],
)
def test_mistakes_are_named(changes, message):
    with pytest.raises(ValueError, match=message):
        ClassIncremental(**changes)

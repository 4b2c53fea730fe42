"""The recognition protocol refuses what cannot be measured, naming the key."""

from __future__ import annotations

import pytest

from simlearn.evaluation import VideoRecognition, VideoRetrieval


def test_recognition_measures_everything_by_default():
    protocol = VideoRecognition()
    assert (protocol.shots, protocol.clip_shots) == ((1, 2), (5,))
    assert protocol.kernels == ("linear", "rbf") and protocol.pairs == "auto"
    assert protocol.controls and protocol.folds == 10
    assert isinstance(protocol, VideoRetrieval)
    assert VideoRecognition(shots=(), clip_shots=()).shots == ()


@pytest.mark.parametrize("name", ["shots", "clip_shots"])
@pytest.mark.parametrize("shots", [(0,), (2, 2), (1, -1)])
def test_shots_are_different_numbers(name, shots):
    with pytest.raises(ValueError, match=rf"evaluation\.{name} is .* different whole numbers"):
        VideoRecognition(**{name: shots})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernels": ()}, r"evaluation\.kernels is \[\], must be of linear, rbf, at least one"),
        ({"kernels": ("poly",)}, r"evaluation\.kernels is \['poly'\]"),
        ({"pairs": "all"}, r"evaluation\.pairs is 'all', must be one of auto, drawn, none"),
        ({"draws": 0}, r"evaluation\.draws is 0, must be at least 1"),
        ({"folds": 1}, r"evaluation\.folds is 1, must be at least 2"),
        ({"pairs_per_fold": 1}, r"evaluation\.pairs_per_fold is 1, must be at least 2"),
        ({"ks": (5,)}, r"evaluation\.ks is"),
    ],
)
def test_recognition_refuses(changes, message):
    with pytest.raises(ValueError, match=message):
        VideoRecognition(**changes)

"""The retrieval protocol refuses what cannot be evaluated, naming the key."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from simlearn.evaluation import VideoRecognition, VideoRetrieval


def test_defaults_are_those_of_the_design():
    protocol = VideoRetrieval()
    assert protocol.clips_per_video == 5
    assert protocol.ks == (1, 5, 10, 20)
    with pytest.raises(FrozenInstanceError):
        protocol.ks = (1,)  # type: ignore[misc]


@pytest.mark.parametrize("name", ["clips_per_video", "batch_size", "bootstrap", "cmc_length"])
@pytest.mark.parametrize("value", [0, -2])
def test_counts_are_at_least_one(name, value):
    with pytest.raises(ValueError, match=rf"evaluation\.{name} is {value}, must be at least 1"):
        VideoRetrieval(**{name: value})
    assert getattr(VideoRetrieval(**{name: 1}), name) == 1


@pytest.mark.parametrize("ks", [(), (5, 10), (0, 1), (-1, 1)])
def test_ranks_begin_at_one(ks):
    with pytest.raises(ValueError, match=r"evaluation\.ks is .*, must be ranks from 1 upward"):
        VideoRetrieval(ks=ks)


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

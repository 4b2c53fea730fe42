"""The retrieval protocol refuses what cannot be evaluated, naming the key."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from simlearn.evaluation import VideoRetrieval


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

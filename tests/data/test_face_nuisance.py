"""Circumstances of a video: within their stated ranges, some of them rare."""

from __future__ import annotations

import numpy as np
import pytest

from simlearn.data.face_nuisance import sample_nuisance
from simlearn.data.face_scene import draw_scene
from simlearn.data.randomness import numpy_generator
from tests.data.drawn_face import SEED, plain_look, studio


@pytest.mark.parametrize("frames", [1, 16])
def test_circumstances_stay_in_their_ranges(frames):
    for k in range(200):
        found = sample_nuisance(numpy_generator(SEED, "nuisance", k), frames=frames)
        assert found.shift.shape == found.place.shape == (frames, 2)
        assert found.place.min() >= 0 and found.place.max() <= 1
        assert 0 < found.ambient < 1
        assert 0.5 < found.gain < 2
        assert found.noise > 0 and found.blur > 0
        if found.occluder is not None:
            assert found.occluder.shape == (frames, 4)
            assert found.occluder[:, 2:].min() > 0


def test_things_before_the_face_and_dark_glasses_are_rare():
    many = [sample_nuisance(numpy_generator(SEED, "rare", k), frames=2) for k in range(1500)]
    # four standard errors around one in seven and 1.5 in a hundred
    assert np.mean([n.occluder is not None for n in many]) == pytest.approx(0.15, abs=0.037)
    assert np.mean([n.dark_glasses for n in many]) == pytest.approx(0.015, abs=0.0125)


def test_the_scene_has_room_around_clothes_below_and_a_neck_between():
    scene = draw_scene(plain_look(), studio(), 64, (16, 32))
    assert scene.shape == (3, 1, 96, 128)
    assert np.allclose(scene[:, 0, :30], 0.5, atol=1e-5)
    red, _, blue = scene[:, 0, 16 + 48, 64]
    assert red > blue + 0.1

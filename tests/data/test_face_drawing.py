"""A drawn video: sizes, order of the layers, same numbers to same bytes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simlearn.data.face_drawing import draw_video
from simlearn.data.face_identity import sample_identity, sample_look
from simlearn.data.face_motion import sample_motion
from simlearn.data.face_nuisance import sample_nuisance
from simlearn.data.randomness import numpy_generator
from tests.data.drawn_face import SEED, aligned, studio


@pytest.mark.parametrize(("frames", "side"), [(1, 32), (3, 64), (2, 97)])
def test_a_drawing_has_the_stated_sizes_and_holds_its_aligned_pictures(frames, side):
    generator = numpy_generator(SEED, "sizes", side)
    identity = sample_identity(generator)
    drawing = draw_video(
        sample_look(identity, generator),
        sample_motion(identity.habit, generator, frames=frames, habit=0.5),
        sample_nuisance(generator, frames=frames),
        generator,
        side=side,
    )
    height, width = round(1.25 * side), round(1.5 * side)
    assert drawing.frames.shape == (frames, height, width, 3)
    assert drawing.frames.dtype == np.uint8
    assert drawing.corners.min() >= 0
    assert (drawing.corners <= [height - side, width - side]).all()
    for frame in range(frames):
        top, left = drawing.corners[frame]
        expected = drawing.frames[frame, top : top + side, left : left + side]
        assert drawing.aligned(frame).shape == (side, side, 3)
        assert np.array_equal(drawing.aligned(frame), expected)


def test_light_from_the_right_makes_the_right_cheek_brighter():
    picture = aligned(nuisance=replace(studio(), azimuth=1.0, ambient=0.3))
    assert picture[34:40, 42:45].mean() > picture[34:40, 19:22].mean() + 20


def test_dark_glasses_hide_the_eyes_and_an_occluder_hides_what_it_covers():
    hidden = aligned(nuisance=replace(studio(), dark_glasses=True))
    assert hidden[28:32, 23:29].mean() < aligned()[28:32, 23:29].mean() - 40
    over = replace(
        studio(),
        occluder=np.array([[0.0, 0.0, 0.1, 0.1]], np.float32),
        occluder_colour=np.array([1, 0, 0], np.float32),
    )
    red, green, blue = aligned(nuisance=over)[32, 32]
    assert red > 200 and green < 20 and blue < 20


def test_the_same_numbers_draw_the_same_bytes():
    def once() -> np.ndarray:
        generator = numpy_generator(SEED, "bytes")
        identity = sample_identity(generator)
        return draw_video(
            sample_look(identity, generator),
            sample_motion(identity.habit, generator, frames=4, habit=0.5),
            sample_nuisance(generator, frames=4),
            generator,
        ).frames

    assert np.array_equal(once(), once())

"""The unrolled face: beards where they belong, look-ups that hit the right place."""

from __future__ import annotations

import numpy as np
import pytest

from simlearn.data.face_texture import (
    TEXTURE,
    hair_colour,
    lip_colour,
    look_up,
    paint_still_face,
    skin_colour,
)
from tests.data.drawn_face import plain_look


def test_a_texture_holds_colours_and_the_slope_of_the_nose():
    colours, slope = paint_still_face(plain_look())
    assert colours.shape == (TEXTURE, TEXTURE, 3)
    assert slope.shape == (TEXTURE, TEXTURE)
    assert colours.min() >= 0 and colours.max() <= 1.2
    # the nose rises towards its ridge from both sides
    assert np.allclose(slope, -slope[:, ::-1], atol=1e-6)
    assert slope[TEXTURE // 2].max() > 0.3


def test_a_beard_covers_the_chin_and_leaves_the_forehead():
    smooth, _ = paint_still_face(plain_look(beard=0.0))
    bearded, _ = paint_still_face(plain_look(beard=1.0))
    changed = np.abs(bearded - smooth).max(axis=2) > 0.05
    assert changed[-10:, 30:50].all()
    assert not changed[:30].any()
    assert not changed[:45, 25:55].any()


def test_a_look_up_at_the_grid_points_gives_the_texture_back():
    texture = np.random.default_rng(0).random((TEXTURE, TEXTURE, 3), dtype=np.float32)
    axis = np.linspace(-1, 1, TEXTURE, dtype=np.float32)
    u, v = (np.ascontiguousarray(grid[None]) for grid in np.meshgrid(axis, axis))
    found = look_up(texture, u, v)
    # OpenCV interpolates in steps of 1/32 pixel
    assert np.abs(found[0, 1:-1, 1:-1] - texture[1:-1, 1:-1]).max() < 0.04
    assert look_up(texture[..., 0].copy(), u, v).shape == (1, TEXTURE, TEXTURE)
    outside = look_up(texture, np.full((1, 2, 2), 1.5, np.float32), np.full((1, 2, 2), -2, "f4"))
    assert np.allclose(outside, texture[0, -1])


@pytest.mark.parametrize("colour", [skin_colour, hair_colour, lip_colour])
@pytest.mark.parametrize("amount", [-1.5, -0.5, 0.0, 0.5, 1.5])
def test_colours_of_the_most_extreme_looks_are_colours(colour, amount):
    names = ("skin_tone", "skin_hue", "hair_hue", "hair_light", "lip_hue", "lip_light")
    found = colour(plain_look(**dict.fromkeys(names, amount)))
    assert found.shape == (3,)
    assert found.min() >= 0 and found.max() <= 1

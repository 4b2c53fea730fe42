"""From pixels to places on the face."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.face_surface import make_surface
from tests.data.drawn_face import aligned, plain_look, still, studio


@pytest.mark.parametrize(("track", "axis"), [("yaw", 1), ("pitch", 0)])
def test_turning_the_head_moves_the_eyes_the_way_it_says(track, axis):
    def eye_centre(amount: float) -> float:
        picture = aligned(motion=still(**{track: amount}))
        return float(np.nonzero(picture[20:40, 18:46].min(axis=2) > 200)[axis].mean())

    assert eye_centre(0.25) > eye_centre(0.0) + 1.5
    assert eye_centre(-0.25) < eye_centre(0.0) - 1.5


@settings(max_examples=25, deadline=None)
@given(
    yaw=st.floats(-0.6, 0.6),
    pitch=st.floats(-0.4, 0.4),
    roll=st.floats(-0.4, 0.4),
    reach=st.floats(0.1, 0.9),
    top=st.floats(-0.8, 0.5),
)
def test_a_region_holds_every_place_that_it_was_asked_for(yaw, pitch, roll, reach, top):
    surface = make_surface(plain_look(), still(yaw=yaw, pitch=pitch, roll=roll), studio(), 64)
    rows, columns = surface.region(reach, top, top + 0.3)
    wanted = (np.abs(surface.u) < reach) & (surface.v > top) & (surface.v < top + 0.3)
    # the middle half of the picture is what is looked at
    inner = np.zeros_like(wanted)
    inner[:, 16:48, 16:48] = True
    inside = np.zeros_like(wanted)
    inside[:, rows, columns] = True
    assert not (wanted & inner & ~inside).any()

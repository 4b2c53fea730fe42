"""Soft masks, colours and painting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.face_paint import ellipse, hue, mix, paint, ramp


@settings(max_examples=50, deadline=None)
@given(st.floats(-3, 3), st.floats(0, 1), st.floats(0, 1))
def test_colours_stay_between_black_and_white(angle, saturation, value):
    colour = hue(angle, saturation, value)
    assert colour.shape == (3,)
    assert colour.min() >= -1e-6 and colour.max() <= value + 1e-6


def test_masks_and_paint():
    assert ramp(np.array([-1.0, -0.05, 0.0, 0.05, 1.0]), 0.2).tolist() == pytest.approx(
        [0, 0.25, 0.5, 0.75, 1]
    )
    x = np.linspace(-2, 2, 41)
    mask = ellipse(x, np.zeros(41), 1.0, 0.5, 0.1)
    assert mask[20] == 1 and mask[0] == 0 and mask[10] == pytest.approx(0.5)
    assert mix(np.zeros(3), np.ones(3), 1.7).tolist() == [1, 1, 1]
    picture = np.zeros((3, 1, 2, 2), np.float32)
    paint(picture, np.array([[[1.0, 0.5], [0.0, 0.0]]]), np.array([1.0, 0.5, 0.0]))
    assert picture[:, 0, 0].tolist() == [[1.0, 0.5], [0.5, 0.25], [0.0, 0.0]]

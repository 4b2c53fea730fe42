"""The camera: exposure, place in the picture, noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.data.drawn_face import aligned, studio


def test_exposure_shift_and_noise_do_what_they_say():
    plain = aligned()
    assert aligned(nuisance=replace(studio(), gain=1.4)).mean() > 1.1 * plain.mean()
    moved = aligned(nuisance=replace(studio(), shift=np.array([[4 / 64, 0]], np.float32)))
    assert np.abs(moved[20:50, 20:50] - plain[20:50, 16:46]).mean() < 2
    noisy = aligned(nuisance=replace(studio(), noise=0.04)) - plain
    assert abs(noisy[:8].std() - 0.04 * 255) < 1.0
    assert abs(noisy[:8].mean()) < 1.0

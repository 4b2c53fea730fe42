"""Identity: every factor is visible, videos of one person differ a little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simlearn.data.face_identity import FACTORS, JITTER, sample_identity, sample_look
from simlearn.data.randomness import numpy_generator
from tests.data.drawn_face import SEED, aligned, plain_look


@pytest.mark.parametrize("factor", FACTORS)
def test_every_factor_of_an_identity_can_be_seen(factor):
    low, high = (
        aligned(plain_look(**({"shadow_strength": 1.0} | {factor: value}))) for value in (-1.0, 1.0)
    )
    changed = np.abs(high - low)
    assert changed.max() > 20
    assert (changed.max(axis=2) > 8).sum() >= 8


def test_moles_and_skin_texture_can_be_seen():
    plain = plain_look(glasses=0.0)
    moved = replace(plain, moles=-plain.moles)
    spotted = replace(plain, texture=np.random.default_rng(0).normal(size=(3, 6, 6)).astype("f4"))
    assert np.abs(aligned(moved) - aligned(plain)).max() > 40
    assert np.abs(aligned(spotted) - aligned(plain)).max() > 8


def test_a_look_is_the_identity_with_small_differences():
    identity = sample_identity(numpy_generator(SEED, "look"))
    assert np.abs(identity.factors).max() < 1.25
    looks = [sample_look(identity, numpy_generator(SEED, "look", k)) for k in range(200)]
    values = np.array([[look.value[name] for name in FACTORS] for look in looks])
    assert np.abs(values.mean(axis=0) - identity.factors).max() < 5 * JITTER / np.sqrt(200)
    assert values.std() > values.std(axis=0).mean() * 3

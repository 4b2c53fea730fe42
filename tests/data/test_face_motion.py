"""Motion: the habit decides who moves alike, never how much is moved."""

from __future__ import annotations

import numpy as np
import pytest

from simlearn.data.face_motion import HABITS, POSE, mix_habit, sample_motion
from simlearn.data.randomness import numpy_generator
from tests.data.drawn_face import SEED


def test_habit_ends_are_the_person_and_the_mood():
    person, mood = np.arange(HABITS), -np.arange(HABITS)
    assert np.array_equal(mix_habit(person, mood, 1.0), person)
    assert np.array_equal(mix_habit(person, mood, 0.0), mood)


def test_the_spread_of_motion_over_all_videos_does_not_depend_on_the_habit():
    means, spreads = [], []
    for habit in (0.0, 0.5, 1.0):
        draw = numpy_generator(SEED, "habit", int(10 * habit))
        people = draw.standard_normal((1500, HABITS)).astype(np.float32)
        swing = [np.log(np.ptp(sample_motion(p, draw, frames=16, habit=habit).yaw)) for p in people]
        means.append(np.mean(swing))
        spreads.append(np.std(swing))
    # about four standard errors of 1,500 videos
    assert np.ptp(means) < 0.06
    assert np.ptp(spreads) < 0.05
    assert min(spreads) > 0.3


def test_the_pose_around_which_a_head_moves_has_the_stated_spread():
    draw = numpy_generator(SEED, "pose")
    still_person = np.zeros(HABITS, np.float32)
    centres = [
        sample_motion(still_person, draw, frames=60, habit=1.0).pitch.mean() for _ in range(800)
    ]
    assert np.std(centres) == pytest.approx(POSE["pitch"], rel=0.12)


def test_with_a_habit_two_videos_of_a_person_move_alike():
    def likeness(habit: float) -> float:
        draw = numpy_generator(SEED, "alike", int(10 * habit))
        people = draw.standard_normal((600, HABITS)).astype(np.float32)
        swing = [
            [np.log(np.ptp(sample_motion(p, draw, frames=16, habit=habit).yaw)) for p in people]
            for _ in range(2)
        ]
        return float(np.corrcoef(swing)[0, 1])

    assert abs(likeness(0.0)) < 0.12
    assert likeness(0.5) > 0.25
    assert likeness(1.0) > likeness(0.5) + 0.15

"""The drawn face: each factor is visible, pose and expression do what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simlearn.data.face_drawing import draw_video
from simlearn.data.face_identity import (
    FACTORS,
    JITTER,
    Look,
    sample_identity,
    sample_look,
)
from simlearn.data.face_motion import HABITS, POSE, Motion, mix_habit, sample_motion
from simlearn.data.face_nuisance import GRID, PANELS, Nuisance, sample_nuisance
from simlearn.data.face_paint import ellipse, hue, mix, paint, ramp
from simlearn.data.face_surface import make_surface
from simlearn.data.randomness import numpy_generator

SEED = 100


def plain_look(**changes: float) -> Look:
    """The average person, with glasses so that their shape can be seen."""
    value = dict.fromkeys(FACTORS, 0.0) | {"glasses": 1.0} | changes
    return Look(value, np.zeros((3, 6, 6), np.float32), np.full((3, 2), 0.9, np.float32))


def still(frames: int = 1, **tracks: float) -> Motion:
    names = ("yaw", "pitch", "roll", "talk", "blink", "raise_brows", "gaze")
    return Motion(**{n: np.full(frames, tracks.get(n, 0.0), np.float32) for n in names})


def studio(frames: int = 1) -> Nuisance:
    """Even light from the front, grey background, no noise, nothing in the way."""
    grey = np.full(3, 0.5, np.float32)
    return Nuisance(
        azimuth=0.0,
        elevation=0.0,
        ambient=0.5,
        gain=1.0,
        temperature=np.ones(3, np.float32),
        gamma=1.0,
        shift=np.zeros((frames, 2), np.float32),
        scale=1.0,
        blur=0.3,
        noise=0.0,
        occluder=None,
        occluder_colour=grey,
        dark_glasses=False,
        background=np.full((3, GRID, GRID), 0.5, np.float32),
        panels=np.full((PANELS, 7), 0.5, np.float32),
        clothes=np.full((2, 3), 0.5, np.float32),
        stripes=0.0,
        place=np.full((frames, 2), 0.5, np.float32),
    )


def aligned(
    look: Look | None = None,
    motion: Motion | None = None,
    nuisance: Nuisance | None = None,
    side: int = 64,
) -> np.ndarray:
    """First aligned picture, as int so that differences have a sign."""
    drawing = draw_video(
        look or plain_look(glasses=0.0),
        motion or still(),
        nuisance or studio(),
        numpy_generator(SEED, "test"),
        side=side,
    )
    return drawing.aligned(0).astype(np.int64)


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


def test_shut_eyes_change_the_eyes_only():
    changed = np.abs(aligned(motion=still(blink=1.0)) - aligned()).max(axis=2) > 10
    rows, columns = np.nonzero(changed)
    assert len(rows) > 15
    assert rows.min() >= 24 and rows.max() <= 34
    # both sides, and nothing between the eyes
    assert (columns < 30).any() and (columns > 33).any()
    assert not changed[:, 31:33].any()


def test_talking_opens_a_dark_mouth_in_the_lower_half():
    shut, open_ = aligned(), aligned(motion=still(talk=1.0))
    rows = np.nonzero(np.abs(open_ - shut).max(axis=2) > 10)[0]
    assert rows.min() >= 34
    assert (open_[34:50].max(axis=2) < 90).sum() >= (shut[34:50].max(axis=2) < 90).sum() + 8


@pytest.mark.parametrize(("track", "axis"), [("yaw", 1), ("pitch", 0)])
def test_turning_the_head_moves_the_eyes_the_way_it_says(track, axis):
    def eye_centre(amount: float) -> float:
        picture = aligned(motion=still(**{track: amount}))
        return float(np.nonzero(picture[20:40, 18:46].min(axis=2) > 200)[axis].mean())

    assert eye_centre(0.25) > eye_centre(0.0) + 1.5
    assert eye_centre(-0.25) < eye_centre(0.0) - 1.5


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


def test_exposure_shift_and_noise_do_what_they_say():
    plain = aligned()
    assert aligned(nuisance=replace(studio(), gain=1.4)).mean() > 1.1 * plain.mean()
    moved = aligned(nuisance=replace(studio(), shift=np.array([[4 / 64, 0]], np.float32)))
    assert np.abs(moved[20:50, 20:50] - plain[20:50, 16:46]).mean() < 2
    noisy = aligned(nuisance=replace(studio(), noise=0.04)) - plain
    assert abs(noisy[:8].std() - 0.04 * 255) < 1.0
    assert abs(noisy[:8].mean()) < 1.0


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


def test_a_look_is_the_identity_with_small_differences():
    identity = sample_identity(numpy_generator(SEED, "look"))
    assert np.abs(identity.factors).max() < 1.25
    looks = [sample_look(identity, numpy_generator(SEED, "look", k)) for k in range(200)]
    values = np.array([[look.value[name] for name in FACTORS] for look in looks])
    assert np.abs(values.mean(axis=0) - identity.factors).max() < 5 * JITTER / np.sqrt(200)
    assert values.std() > values.std(axis=0).mean() * 3


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

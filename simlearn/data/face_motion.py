"""How a drawn face moves: head pose, talking, blinking and brows over the frames of one video.

A person's habit and a video's mood are mixed as ``sqrt(habit) * person + sqrt(1 - habit) *
mood``. Both are standard normal, so the spread of the motion over all videos is the same for
every ``habit``; only the share of it that tells who it is changes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TRACKS = ("yaw", "pitch", "roll", "talk", "blink", "raise_brows")
HABITS = 2 * len(TRACKS)
"""Numbers that describe a habit: an amplitude and a frequency for each track."""

SWING = {"yaw": 0.11, "pitch": 0.07, "roll": 0.05, "talk": 0.45, "blink": 1.0, "raise_brows": 0.5}
PERIOD = {"yaw": 14.0, "pitch": 12.0, "roll": 16.0, "talk": 5.0, "blink": 9.0, "raise_brows": 10.0}
"""Frames per cycle of a person without any habit."""

POSE = {"yaw": 0.10, "pitch": 0.06, "roll": 0.045}
"""Standard deviation, in radians, of the pose around which a video's head moves."""


@dataclass(frozen=True)
class Motion:
    """Tracks of one video, each (F,) float32.

    Attributes:
        yaw, pitch, roll: radians; positive yaw turns the face to the right of the picture,
            positive pitch looks down, positive roll is clockwise.
        talk: opening of the mouth, 0 shut to 1.
        blink: 0 eyes open to 1 shut.
        raise_brows: 0 to 1.
        gaze: (F,) sideways look, -1 to 1.
    """

    yaw: np.ndarray
    pitch: np.ndarray
    roll: np.ndarray
    talk: np.ndarray
    blink: np.ndarray
    raise_brows: np.ndarray
    gaze: np.ndarray


def mix_habit(person: np.ndarray, mood: np.ndarray, habit: float) -> np.ndarray:
    """The numbers that drive one video's motion.

    Args:
        person: (HABITS,) standard normal, the same in every video of a person.
        mood: (HABITS,) standard normal, new in every video.
        habit: share of the variance that is the person's, in [0, 1].

    Returns:
        (HABITS,) float32, standard normal whatever ``habit`` is.
    """
    return np.asarray(np.sqrt(habit) * person + np.sqrt(1 - habit) * mood, dtype=np.float32)


def sample_motion(
    person: np.ndarray, generator: np.random.Generator, *, frames: int, habit: float
) -> Motion:
    """Draw one video's motion.

    Args:
        person: (HABITS,) the person's habit of moving.
        generator: of this video.
        frames: F, at least 1.
        habit: strength of the habit in [0, 1].

    Returns:
        Tracks of F frames.
    """
    drive = mix_habit(person, generator.standard_normal(HABITS, dtype=np.float32), habit)
    phase = generator.random(len(TRACKS)) * 2 * np.pi
    centre = generator.standard_normal(len(POSE))
    time = np.arange(frames)
    tracks: dict[str, np.ndarray] = {}
    for k, name in enumerate(TRACKS):
        amplitude = SWING[name] * np.exp(0.4 * drive[2 * k])
        cycle = PERIOD[name] * np.exp(-0.3 * drive[2 * k + 1])
        tracks[name] = amplitude * np.sin(2 * np.pi * time / cycle + phase[k])
    for k, name in enumerate(POSE):
        tracks[name] = tracks[name] + POSE[name] * centre[k]
    gaze = 0.6 * np.clip(generator.standard_normal(), -1.5, 1.5) * np.ones(frames)
    return Motion(
        yaw=_single(np.clip(tracks["yaw"], -0.6, 0.6)),
        pitch=_single(np.clip(tracks["pitch"], -0.4, 0.4)),
        roll=_single(np.clip(tracks["roll"], -0.4, 0.4)),
        talk=_single(np.clip(tracks["talk"], 0.0, 1.0)),
        # only the crest of the wave shuts the eyes: a blink is short
        blink=_single(np.clip(5 * (tracks["blink"] - 0.75), 0.0, 1.0)),
        raise_brows=_single(np.clip(tracks["raise_brows"], 0.0, 1.0)),
        gaze=_single(np.clip(gaze, -1.0, 1.0)),
    )


def _single(track: np.ndarray) -> np.ndarray:
    """float32 copy of a track."""
    return np.asarray(track, dtype=np.float32)

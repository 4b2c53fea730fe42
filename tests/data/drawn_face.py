"""An average face in a plain studio, of which the tests of the drawing change one thing."""

from __future__ import annotations

import numpy as np

from simlearn.data.face_drawing import draw_video
from simlearn.data.face_identity import FACTORS, Look
from simlearn.data.face_motion import Motion
from simlearn.data.face_nuisance import GRID, PANELS, Nuisance
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

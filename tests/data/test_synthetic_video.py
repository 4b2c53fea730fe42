"""One drawn person."""

from __future__ import annotations

import numpy as np

from simlearn.data.synthetic_video import draw_person, draw_person_video

SEED = 100


def test_people_differ_more_than_videos_of_one_person_in_the_colour_of_the_face():
    def face(person: int, video: int) -> np.ndarray:
        drawing = draw_person_video(
            draw_person(SEED, person), person, video, seed=SEED, frames=2, side=48
        )
        patch = drawing.aligned(0)[14:38, 16:32].astype(float)
        colour = patch.mean(axis=(0, 1))
        return colour / colour.sum()

    colours = np.array([[face(p, v) for v in range(3)] for p in range(20)])
    within = colours.var(axis=1).sum(axis=-1).mean()
    between = colours.mean(axis=1).var(axis=0).sum()
    assert between > 2 * within

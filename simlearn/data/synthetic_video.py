"""One drawn person on disk: every video depends on (seed, identity number, video number) alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from simlearn.data.face_drawing import Drawing, draw_video
from simlearn.data.face_identity import Identity, sample_identity, sample_look
from simlearn.data.face_motion import sample_motion
from simlearn.data.face_nuisance import sample_nuisance
from simlearn.data.face_surface import EXPANSION
from simlearn.data.randomness import numpy_generator
from simlearn.data.synthetic_names import first_frame_number, subject_name, video_id
from simlearn.data.synthetic_settings import Settings
from simlearn.data.synthetic_tree import box_line

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Entry:
    """What was written for one person: number, name and the numbers of the videos, ascending."""

    number: int
    subject: str
    videos: list[int]


def draw_person(seed: int, number: int) -> Identity:
    """The ``number``-th person of a seed."""
    return sample_identity(numpy_generator(seed, "synthetic_faces", "identity", number))


def draw_person_video(
    identity: Identity,
    number: int,
    video: int,
    *,
    seed: int,
    frames: int = 16,
    habit: float = 0.5,
    side: int = 64,
) -> Drawing:
    """Draw one video of one person.

    Args:
        identity: from :func:`draw_person` for the same seed and number.
        number: of the person, from 0.
        video: number of the video, from 0.
        seed: of the tree.
        frames: F, at least 1.
        habit: share of the motion that is the person's, in [0, 1].
        side: of the aligned pictures in pixels, at least 32.

    Returns:
        The drawn frames.
    """
    generator = numpy_generator(seed, "synthetic_faces", "video", number, video)
    look = sample_look(identity, generator)
    motion = sample_motion(identity.habit, generator, frames=frames, habit=habit)
    nuisance = sample_nuisance(generator, frames=frames)
    return draw_video(look, motion, nuisance, generator, side=side)


def write_person(root: Path, settings: Settings, number: int) -> Entry:
    """Draw and write all videos of one person and the list of their face boxes.

    Args:
        root: folder of the tree with `frame_images_DB` and `aligned_images_DB` in it.
        settings: of the tree.
        number: of the person.

    Returns:
        What was written.
    """
    subject = subject_name(settings.seed, number)
    identity = draw_person(settings.seed, number)
    for folder in ("frame_images_DB", "aligned_images_DB"):
        (root / folder / subject).mkdir()
    lines: dict[int, list[str]] = {}
    for video in range(settings.videos):
        drawing = draw_person_video(
            identity,
            number,
            video,
            seed=settings.seed,
            frames=settings.frames,
            habit=settings.habit,
            side=settings.side,
        )
        name = video_id(settings.seed, number, video)
        start = first_frame_number(settings.seed, number, video, settings.frames)
        lines[name] = _write_video(root, subject, name, start, drawing)
    text = "\n".join(line for name in sorted(lines) for line in lines[name])
    boxes = root / "frame_images_DB" / f"{subject}.labeled_faces.txt"
    boxes.write_text(text + "\n", encoding="utf-8")
    return Entry(number, subject, sorted(lines))


def _write_video(root: Path, subject: str, video: int, start: int, drawing: Drawing) -> list[str]:
    """Write both pictures of every frame; returns the lines of the list of boxes."""
    whole = root / "frame_images_DB" / subject / str(video)
    aligned = root / "aligned_images_DB" / subject / str(video)
    whole.mkdir()
    aligned.mkdir()
    half, face = drawing.side // 2, round(drawing.side / EXPANSION)
    lines = []
    for frame, picture in enumerate(drawing.frames):
        number = start + frame
        _write_jpeg(whole / f"{video}.{number}.jpg", picture)
        _write_jpeg(aligned / f"aligned_detect_{video}.{number}.jpg", drawing.aligned(frame))
        top, left = drawing.corners[frame].tolist()
        lines.append(box_line(subject, video, number, (left + half, top + half, face, face)))
    return lines


def _write_jpeg(path: Path, picture: np.ndarray) -> None:
    """Write (H, W, 3) uint8 red, green, blue."""
    backwards = np.ascontiguousarray(picture[:, :, ::-1])
    done, data = cv2.imencode(".jpg", backwards, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise OSError(f"OpenCV could not encode {path.name}")
    path.write_bytes(data.data)

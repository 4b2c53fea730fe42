"""Licence-free videos of drawn faces, written as a YouTube Faces tree.

Nobody's face is in it: a person is a handful of random numbers (`face_identity`), a video adds
motion (`face_motion`) and circumstances (`face_nuisance`), `face_drawing` draws them. The tree is
a function of the arguments alone: the same bytes on one machine for any number of workers, and
the first identities stay the same when more are asked for. How hard it is was chosen on data
seeds from 100 upward; see ``benchmarks/synthetic_faces.py``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from simlearn.data.face_drawing import Drawing, draw_video
from simlearn.data.face_identity import Identity, sample_identity, sample_look
from simlearn.data.face_motion import sample_motion
from simlearn.data.face_nuisance import sample_nuisance
from simlearn.data.face_surface import EXPANSION
from simlearn.data.randomness import numpy_generator
from simlearn.data.synthetic_names import NAMES, first_frame_number, subject_name, video_id
from simlearn.data.synthetic_tree import box_line, draw_pairs, write_meta, write_splits_text

GENERATOR_VERSION = 1
"""Raised with every change of a drawn pixel; stands in the tree and in every run that uses it."""

SETTINGS_FILE = "synthetic_faces.json"
JPEG_QUALITY = 95
VIDEOS_PER_WORKER = 100
"""Below so many videos another process takes longer to start than it saves."""


@dataclass(frozen=True)
class Settings:
    """The arguments that decide what is drawn; see :func:`write_synthetic_faces`."""

    identities: int
    videos: int
    frames: int
    seed: int
    habit: float
    side: int

    def __post_init__(self) -> None:
        least = {"identities": 1, "videos": 1, "frames": 1, "side": 32}
        for name, smallest in least.items():
            found = getattr(self, name)
            if found < smallest:
                raise ValueError(f"{name} is {found}; it must be at least {smallest}")
        if self.identities > NAMES:
            raise ValueError(f"identities is {self.identities}; there are names for {NAMES}")
        if not 0.0 <= self.habit <= 1.0:
            raise ValueError(f"habit is {self.habit}; it must lie between 0 and 1")

    def record(self) -> dict[str, int | float]:
        """What `synthetic_faces.json` holds."""
        return {"generator_version": GENERATOR_VERSION, **asdict(self)}


def write_synthetic_faces(
    root: Path | str,
    *,
    identities: int,
    videos: int = 4,
    frames: int = 16,
    seed: int = 0,
    habit: float = 0.5,
    side: int = 64,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Draw faces and write them in the layout of YouTube Faces, unless they are there already.

    Args:
        root: folder of the tree; made with its parents. A lock file stands beside it.
        identities: number of people, at least 1.
        videos: per person, at least 1.
        frames: per video, at least 1.
        seed: of everything that is drawn.
        habit: share of the motion that is typical of a person, in [0, 1].
        side: of the aligned pictures in pixels, at least 32.
        workers: processes that draw; 0 draws in this one, ``None`` takes one per core, fewer
            where there is little to draw. Processes are spawned: a script that asks for them
            needs ``if __name__ == "__main__":``.
        progress: called in this process with the people done and all people.

    Returns:
        ``root``. It appears complete or not at all.

    Raises:
        ValueError: for an argument out of range, naming it.
        FileExistsError: if ``root`` holds anything but this very tree.
    """
    root = Path(root)
    settings = Settings(identities, videos, frames, seed, float(habit), side)
    if workers is not None and workers < 0:
        raise ValueError(f"workers is {workers}; it must be 0 or more, or None")
    if _is_finished(root, settings):
        return root
    from filelock import FileLock

    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_name(root.name + ".lock")):
        if _is_finished(root, settings):
            return root
        # only the holder of the lock writes here: what is found is left from a killed run
        partial = root.with_name(root.name + ".partial")
        shutil.rmtree(partial, ignore_errors=True)
        try:
            _write_tree(partial, settings, workers, progress or (lambda done, total: None))
            os.replace(partial, root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return root


def sample_video(
    identity: Identity, number: int, video: int, *, frames: int, seed: int, habit: float, side: int
) -> Drawing:
    """Draw one video of one person: a function of (seed, identity number, video number).

    Args:
        identity: from :func:`person`.
        number: of the identity.
        video: number of the video.
        frames, seed, habit, side: as in :func:`write_synthetic_faces`.

    Returns:
        The drawn frames.
    """
    generator = numpy_generator(seed, "synthetic_faces", "video", number, video)
    look = sample_look(identity, generator)
    motion = sample_motion(identity.habit, generator, frames=frames, habit=habit)
    nuisance = sample_nuisance(generator, frames=frames)
    return draw_video(look, motion, nuisance, generator, side=side)


def person(seed: int, number: int) -> Identity:
    """The ``number``-th person of a seed."""
    return sample_identity(numpy_generator(seed, "synthetic_faces", "identity", number))


def write_identity(root: Path, settings: Settings, number: int) -> tuple[str, list[int]]:
    """Draw and write all videos of one person and the list of their face boxes.

    Args:
        root: folder of the (unfinished) tree.
        settings: of the tree.
        number: of the person.

    Returns:
        Name of the person and numbers of the videos, ascending.
    """
    subject = subject_name(settings.seed, number)
    identity = person(settings.seed, number)
    lines: dict[int, list[str]] = {}
    for video in range(settings.videos):
        drawing = sample_video(
            identity,
            number,
            video,
            frames=settings.frames,
            seed=settings.seed,
            habit=settings.habit,
            side=settings.side,
        )
        name = video_id(settings.seed, number, video)
        start = first_frame_number(settings.seed, number, video, settings.frames)
        lines[name] = _write_video(root, subject, name, start, drawing)
    text = "\n".join(line for name in sorted(lines) for line in lines[name])
    boxes = root / "frame_images_DB" / f"{subject}.labeled_faces.txt"
    boxes.write_text(text + "\n", encoding="utf-8")
    return subject, sorted(lines)


def _write_video(root: Path, subject: str, video: int, start: int, drawing: Drawing) -> list[str]:
    """Write both pictures of every frame; returns the lines of the list of boxes."""
    whole = root / "frame_images_DB" / subject / str(video)
    aligned = root / "aligned_images_DB" / subject / str(video)
    for folder in (whole, aligned):
        folder.mkdir(parents=True)
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


def _write_tree(
    root: Path, settings: Settings, workers: int | None, progress: Callable[[int, int], None]
) -> None:
    """Write the whole tree into a new folder, the settings last."""
    for name in ("frame_images_DB", "aligned_images_DB", "meta_data"):
        (root / name).mkdir(parents=True)
    found: dict[int, tuple[str, list[int]]] = {}
    for number, entry in _write_people(root, settings, _worker_count(settings, workers)):
        found[number] = entry
        progress(len(found), settings.identities)
    videos = sorted((s, v, number) for number, (s, ids) in found.items() for v in ids)
    names = [f"{subject}/{video}" for subject, video, _ in videos]
    place = {subject: k for k, subject in enumerate(sorted(s for s, _ in found.values()))}
    owners = [place[subject] for subject, _, _ in videos]
    folds = draw_pairs(owners, settings.seed)
    write_splits_text(root / "splits.txt", names, folds)
    write_meta(root / "meta_data" / "meta_and_splits.mat", names, owners, folds)
    with (root / SETTINGS_FILE).open("w", encoding="utf-8") as file:
        json.dump(settings.record(), file, indent=1)
        file.flush()
        os.fsync(file.fileno())


def _write_people(
    root: Path, settings: Settings, workers: int
) -> Iterator[tuple[int, tuple[str, list[int]]]]:
    """Write everybody, in this process or in others; yields (number, entry) as they are done."""
    if workers == 0:
        with _one_thread():
            for number in range(settings.identities):
                yield number, write_identity(root, settings, number)
        return
    pool = ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=cv2.setNumThreads, initargs=(1,)
    )
    try:
        tasks = {
            pool.submit(write_identity, root, settings, number): number
            for number in range(settings.identities)
        }
        for task in as_completed(tasks):
            yield tasks[task], task.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _worker_count(settings: Settings, workers: int | None) -> int:
    """Processes to start; 0 means none."""
    if workers is not None:
        return min(workers, settings.identities)
    useful = settings.identities * settings.videos * settings.frames // (16 * VIDEOS_PER_WORKER)
    count = min(os.cpu_count() or 1, useful, settings.identities)
    return count if count > 1 else 0


@contextmanager
def _one_thread() -> Iterator[None]:
    """OpenCV on one thread meanwhile: pictures are too small to share."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _is_finished(root: Path, settings: Settings) -> bool:
    """Whether ``root`` is this very tree; False if it is not there or empty.

    Raises:
        FileExistsError: if it holds something else.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    wanted = settings.record()
    try:
        found = json.loads((root / SETTINGS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if found == wanted:
        return True
    if isinstance(found, dict):
        keys = [key for key in wanted if found.get(key) != wanted[key]]
        what = "synthetic faces with " + ", ".join(
            f"{key}={found.get(key)!r} (asked for: {wanted[key]!r})" for key in keys
        )
    else:
        what = f"something other than synthetic faces (no readable {SETTINGS_FILE})"
    raise FileExistsError(f"{root} holds {what}; choose another root or delete that folder")

"""Licence-free videos of drawn faces, written as a YouTube Faces tree.

Nobody's face is in it: a person is a handful of random numbers (`face_identity`), a video adds
motion (`face_motion`) and circumstances (`face_nuisance`), `face_drawing` draws them. The tree is
a function of the arguments alone: the same bytes on one machine for any number of workers, and
the first people and videos stay the same when more are asked for. How hard it is was chosen on
data seeds from 100 upward; see ``benchmarks/synthetic_faces.py``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import cv2

from simlearn.data.synthetic_settings import (
    GENERATOR_VERSION,
    SETTINGS_FILE,
    Settings,
    is_finished,
)
from simlearn.data.synthetic_tree import draw_pairs, write_meta, write_splits_text
from simlearn.data.synthetic_video import Entry, write_person
from simlearn.data.synthetic_workers import draw_in_processes

__all__ = ["GENERATOR_VERSION", "write_synthetic_faces"]

FRAMES_PER_WORKER = 1600
"""Below so many frames another process takes longer to start than it saves."""


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
        workers: processes that draw; 0 draws in this one, ``None`` takes one per core, or none
            where there is little to draw.
        progress: called in this process with the people done and all people.

    Returns:
        ``root``. It appears complete or not at all; two callers at once both get it whole.

    Raises:
        ValueError: for an argument out of range, naming it.
        FileExistsError: if ``root`` holds anything but this very tree.
    """
    root = Path(root)
    settings = Settings(identities, videos, frames, seed, float(habit), side)
    if workers is not None and workers < 0:
        raise ValueError(f"workers is {workers}; it must be 0 or more, or None")
    if is_finished(root, settings):
        return root
    from filelock import FileLock

    root.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(root.with_name(root.name + ".lock")):
        if is_finished(root, settings):
            return root
        _remove_leftovers(root)
        # named after this process: a worker of a killed run never writes into a living tree
        partial = root.with_name(f"{root.name}.partial-{os.getpid()}")
        try:
            _write_tree(partial, settings, _worker_count(settings, workers), progress)
            partial.replace(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return root


def _write_tree(
    root: Path,
    settings: Settings,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write the whole tree into a new folder, the settings last."""
    for name in ("frame_images_DB", "aligned_images_DB", "meta_data"):
        (root / name).mkdir(parents=True)
    draw = draw_in_processes(root, settings, workers) if workers else _draw_here(root, settings)
    entries: list[Entry] = []
    with closing(draw):  # its processes end before the folder is removed
        for entry in draw:
            entries.append(entry)
            if progress is not None:
                progress(len(entries), settings.identities)
    entries.sort(key=lambda entry: entry.subject)
    names = [f"{entry.subject}/{video}" for entry in entries for video in entry.videos]
    owners = [k for k, entry in enumerate(entries) for _ in entry.videos]
    folds = draw_pairs(owners, settings.seed)
    write_splits_text(root / "splits.txt", names, folds)
    write_meta(root / "meta_data" / "meta_and_splits.mat", names, owners, folds)
    with (root / SETTINGS_FILE).open("w", encoding="utf-8") as file:
        file.write(json.dumps(settings.record(), indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _draw_here(root: Path, settings: Settings) -> Generator[Entry, None, None]:
    """Draw everybody in this process."""
    with _one_thread():
        for number in range(settings.identities):
            yield write_person(root, settings, number)


def _worker_count(settings: Settings, workers: int | None) -> int:
    """Processes to start; 0 means none."""
    if workers is not None:
        return min(workers, settings.identities)
    useful = settings.identities * settings.videos * settings.frames // FRAMES_PER_WORKER
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


def _remove_leftovers(root: Path) -> None:
    """Delete what killed runs left beside ``root``; only the holder of the lock may call this."""
    start = f"{root.name}.partial-"
    for folder in root.parent.iterdir():
        if folder.name.startswith(start) and folder.name[len(start) :].isdigit():
            shutil.rmtree(folder, ignore_errors=True)

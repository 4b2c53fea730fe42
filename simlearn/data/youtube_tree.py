"""The folders of the YouTube Faces database, listed without touching a file.

A tree has 621,126 frames in 3,425 folders; one ``os.scandir`` per folder tells folders from
files without a ``stat`` of each.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.labeled_faces import SUFFIX

FOLDERS = {"aligned": "aligned_images_DB", "frame": "frame_images_DB"}
"""Folder below the root for each kind of images."""

PREFIXES = {"aligned": "aligned_detect_", "frame": ""}
"""What a frame's name begins with, for each kind of images."""

_FRAME = re.compile(r"(aligned_detect_)?([0-9]{1,9})\.([0-9]{1,9})\.jpe?g", re.IGNORECASE)
_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")
_SYSTEM = (".", "@", "__MACOSX", "$")


def find_images(root: Path, images: str) -> Path:
    """The folder of the images below ``root``.

    Raises:
        DataError: it is not there; tells what was looked for and what root should be.
    """
    folder = root / FOLDERS[images]
    if folder.is_dir():
        return folder
    base = f"data.root={root}: looked for the folder {folder}, which is not there"
    if root.is_file():
        raise DataError(f"{base}; root is a file: unpack it and give the folder")
    if not root.is_dir():
        raise DataError(f"{base}, nor is root itself; {_advice(images)}")
    for other in [*root.absolute().parents, *(root / n for n in sorted(list_folder(root)[0]))]:
        if (other / FOLDERS[images]).is_dir():
            raise DataError(f"{base}; root should be {other}")
    for kind, name in FOLDERS.items():
        if (root / name).is_dir():
            raise DataError(f"{base}, but {name} is; set images={kind} or unpack the rest")
    raise DataError(f"{base}; {_advice(images)}")


def _advice(images: str) -> str:
    """What root should be."""
    return f"root should be the YouTubeFaces folder, the one that holds {FOLDERS[images]}"


def list_folder(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the folders and of the other files in ``folder``, system files left out."""
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(_SYSTEM):
                    (folders if entry.is_dir() else files).append(entry.name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(f"{folder}: the folder cannot be read ({reason})") from error
    return folders, files


def list_subjects(folder: Path, images: str) -> set[str]:
    """Names of the subjects that have a folder or a list of labelled faces."""
    folders, files = list_folder(folder)
    refuse_images(folder, files, images)
    subjects = set(folders)
    if images == "frame":
        subjects |= {name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)}
    return subjects


def refuse_images(folder: Path, files: Sequence[str], images: str) -> None:
    """Refuse images that lie above the folder of a video."""
    for name in sorted(files):
        if name.lower().endswith(_IMAGES):
            raise DataError(
                f"{folder / name}: an image outside a video folder; it should lie as "
                f"<subject>/<video>/{PREFIXES[images]}<video>.<frame>.jpg; move or delete it"
            )


def list_frames(folder: Path, video: str, images: str) -> dict[int, str]:
    """Frame number -> file name of one video folder, in no order."""
    frames: dict[int, str] = {}
    prefix = PREFIXES[images]
    for name in list_folder(folder)[1]:
        match = _FRAME.fullmatch(name)
        if match is None or match[2] != video or (match[1] or "") != prefix:
            if name.lower().endswith(_IMAGES):
                raise DataError(
                    f"{folder / name}: an image that is not named {prefix}{video}.<frame>.jpg; "
                    f"rename or delete it"
                )
            continue
        if frames.setdefault(int(match[3]), name) != name:
            other = frames[int(match[3])]
            raise DataError(
                f"{folder / max(name, other)}: frame {int(match[3])} is there twice, also as "
                f"{min(name, other)}; delete one"
            )
    return frames

"""The tree of the YouTube Faces database as a list of videos (Wolf, Hassner, Maoz, CVPR 2011).

``root/aligned_images_DB/<subject>/<video>/aligned_detect_<video>.<frame>.jpg`` or
``root/frame_images_DB/<subject>/<video>/<video>.<frame>.jpg`` with a face box for each frame in
``root/frame_images_DB/<subject>.labeled_faces.txt``. Video ids have gaps, frame numbers begin
anywhere. The database has 621,126 frames: folders are listed, no file is touched.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.exclusions import Exclusions, read_exclusions
from simlearn.data.labeled_faces import SUFFIX, labeled_face_rows, read_labeled_faces
from simlearn.data.video import Box, Video
from simlearn.data.youtube_tree import (
    FOLDERS,
    PREFIXES,
    find_images,
    list_folder,
    list_frames,
    list_subjects,
    refuse_images,
)

_VIDEO = re.compile(r"[0-9]{1,9}")
_NAMED = 5


def read_youtube_faces(
    root: str | Path,
    *,
    images: str = "aligned",
    exclude: str | Path | Sequence[str] | None = None,
    max_frames: int | None = None,
) -> list[Video]:
    """All videos of a YouTube Faces tree.

    A video folder without frames (or, with ``images="frame"``, without a frame that has a box)
    is left out and counted in a warning. Files that are no images are ignored.

    Args:
        root: the folder that holds ``aligned_images_DB`` or ``frame_images_DB``.
        images: ``"aligned"`` (boxes ``None``), or ``"frame"``: whole frames with the boxes of
            ``labeled_faces.txt``; frames without a box are left out.
        exclude: path of a text file, or a sequence, of ``Subject``, ``Subject/3`` or
            ``Subject/3/618``; ``#`` begins a comment. Nothing below an excluded subject or video
            is read or checked.
        max_frames: the first that many frames of each video; ``None`` for all.

    Returns:
        Videos by (subject, number of the video), their frames by number, paths relative to root.

    Raises:
        DataError: root or tree missing, no video at all, an image of another name, a frame that
            is listed but missing on disk, an entry of ``exclude`` that matches nothing.
    """
    if images not in FOLDERS:
        raise DataError(f"images={images!r} is unknown; choose one of {', '.join(FOLDERS)}")
    if max_frames is not None and (isinstance(max_frames, bool) or max_frames < 1):
        raise DataError(f"max_frames={max_frames!r} must be at least 1, or None for all frames")
    folder = find_images(Path(root), images)
    exclusions = read_exclusions(exclude)
    subjects = list_subjects(folder, images)
    exclusions.check_subjects(subjects)
    videos: list[Video] = []
    empty: list[str] = []
    for subject in sorted(subjects - exclusions.subjects.keys()):
        for video in _read_subject(folder, subject, images, exclusions, empty):
            videos.append(_cut(video, max_frames))
    if empty:
        more = "" if len(empty) <= _NAMED else f" and {len(empty) - _NAMED} more"
        warnings.warn(
            f"{folder}: {len(empty)} video folder(s) without a usable frame were left out: "
            f"{', '.join(empty[:_NAMED])}{more}",
            stacklevel=2,
        )
    if not videos:
        raise DataError(
            f"{folder}: no video found ({len(subjects)} subject(s), {len(empty)} empty video "
            f"folder(s)); files should lie as <subject>/<video>/{PREFIXES[images]}<video>.<frame>"
            f".jpg; unpack the database again or check the exclude list"
        )
    return videos


def _read_subject(
    folder: Path, subject: str, images: str, exclusions: Exclusions, empty: list[str]
) -> list[Video]:
    """The videos of one subject; names of those without usable frames are added to ``empty``."""
    place = folder / subject
    ids, files = list_folder(place) if place.is_dir() else ([], [])
    refuse_images(place, files, images)
    for video in sorted(ids):
        if _VIDEO.fullmatch(video) is None:
            raise DataError(
                f"{place / video}: the folder of a video is named by a number such as "
                f"{place / '0'}; rename or remove it"
            )
    faces = _read_faces(folder, subject, ids) if images == "frame" else {}
    known = {*ids, *faces}
    exclusions.check_videos(subject, known)
    videos = []
    for video in sorted(known, key=lambda v: (int(v), v)):
        if exclusions.skips(subject, video):
            continue
        name = f"{subject}/{video}"
        found = list_frames(place / video, video, images) if video in ids else {}
        listed = faces.get(video, {})
        dropped = exclusions.frames_of(name, found.keys() | listed.keys())
        boxes = {frame: row[0] for frame, row in listed.items() if frame not in dropped}
        _check_listed(folder, name, boxes, found)
        frames = sorted((boxes.keys() if images == "frame" else found.keys()) - dropped)
        if frames:
            paths = tuple(f"{FOLDERS[images]}/{name}/{found[frame]}" for frame in frames)
            kept = tuple(boxes[frame] for frame in frames) if images == "frame" else None
            videos.append(Video(subject, name, paths, kept))
        elif not dropped:
            empty.append(name)
    return videos


def _read_faces(
    folder: Path, subject: str, ids: Sequence[str]
) -> dict[str, dict[int, tuple[Box, str]]]:
    """The labelled faces of one subject, whose list may only be missing if it has no video."""
    path = folder / f"{subject}{SUFFIX}"
    if not path.is_file():
        if not ids:
            return {}
        raise DataError(
            f"{path}: the list of labelled faces of {subject} is not there, which has "
            f"{len(ids)} video folder(s); restore the file or exclude {subject}"
        )
    return read_labeled_faces(path)


def _check_listed(
    folder: Path, name: str, boxes: Mapping[int, Box], found: Mapping[int, str]
) -> None:
    """Refuse a video whose list names a frame that is not on disk."""
    missing = sorted(boxes.keys() - found.keys())
    if not missing:
        return
    subject, _, video = name.partition("/")
    path = folder / f"{subject}{SUFFIX}"
    row = next(r for r in labeled_face_rows(path) if (r.video, r.frame) == (video, missing[0]))
    raise DataError(
        f"{path}, line {row.line}: frame {folder / name / row.file_name} is listed but missing "
        f"on disk ({len(missing)} of {len(boxes)} frames of {name} are); restore it, or put "
        f"{name} or {name}/{missing[0]} on the exclude list"
    )


def _cut(video: Video, max_frames: int | None) -> Video:
    """The first ``max_frames`` frames of a video."""
    if max_frames is None or len(video.frames) <= max_frames:
        return video
    boxes = None if video.boxes is None else video.boxes[:max_frames]
    return Video(video.identity, video.name, video.frames[:max_frames], boxes)

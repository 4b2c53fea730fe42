"""Lists of subjects, videos and frames that are left out: ``Subject``, ``Subject/3/618``."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from simlearn.data.errors import DataError
from simlearn.data.text_lines import read_text_lines

_ENTRY = re.compile(r"([^/]+)(?:/([0-9]{1,9})(?:/([0-9]{1,9}))?)?")


def read_entries(exclude: str | Path | Sequence[str] | None) -> list[tuple[str, str]]:
    """The entries of an exclude list, each with the place where it stands.

    Args:
        exclude: path of a text file with one entry a line, or a sequence of entries, or ``None``.
            ``#`` begins a comment, backslashes count as slashes, empty entries are skipped.

    Returns:
        (entry, place) in order, the place such as ``"bad.txt, line 3"``; ``[]`` for ``None``.

    Raises:
        DataError: the file is missing or unreadable.
    """
    if exclude is None:
        return []
    if isinstance(exclude, str | Path):
        path = Path(exclude)
        lines = [(f"{path}, line {n}", text) for n, text in read_text_lines(path, "exclude list")]
    else:
        lines = [(f"exclude, entry {n}", str(text)) for n, text in enumerate(exclude, 1)]
    entries = [(text.split("#")[0].strip().replace("\\", "/"), where) for where, text in lines]
    return [(entry.rstrip("/"), where) for entry, where in entries if entry.rstrip("/")]


@dataclass(frozen=True)
class Exclusions:
    """What is left out, and where it was asked for.

    Attributes:
        subjects: name of a whole subject -> place of the entry.
        videos: subject -> video id -> place.
        frames: ``Subject/video`` -> frame number -> place.
    """

    subjects: Mapping[str, str]
    videos: Mapping[str, Mapping[str, str]]
    frames: Mapping[str, Mapping[int, str]]

    def skips(self, subject: str, video: str) -> bool:
        """Whether the whole video is left out."""
        return subject in self.subjects or video in self.videos.get(subject, {})

    def check_subjects(self, known: Collection[str]) -> None:
        """Refuse entries whose subject is not among ``known``.

        Raises:
            DataError: names the entry's place and the closest subject.
        """
        named = {subject: next(iter(videos.values())) for subject, videos in self.videos.items()}
        for video, frames in self.frames.items():
            named.setdefault(video.split("/")[0], next(iter(frames.values())))
        for subject, where in {**named, **self.subjects}.items():
            if subject not in known:
                raise _unmatched(where, subject, closest(subject, known))

    def check_videos(self, subject: str, known: Collection[str]) -> None:
        """Refuse entries of ``subject`` whose video id is not among ``known``.

        Raises:
            DataError: names the entry's place and the closest video.
        """
        asked = dict(self.videos.get(subject, {}))
        for video, frames in self.frames.items():
            owner, _, number = video.partition("/")
            if owner == subject:
                asked.setdefault(number, next(iter(frames.values())))
        for video, where in asked.items():
            if video not in known:
                names = [f"{subject}/{k}" for k in known]
                entry = f"{subject}/{video}"
                raise _unmatched(where, entry, closest(entry, names))

    def frames_of(self, video: str, known: Collection[int]) -> frozenset[int]:
        """The frame numbers of ``video`` (``Subject/3``) that are left out.

        Raises:
            DataError: a number is not among ``known``; names the place and the closest frame.
        """
        asked = self.frames.get(video)
        if asked is None:
            return frozenset()
        for frame, where in asked.items():
            if frame not in known:
                near = min(known, key=lambda k: (abs(k - frame), k), default=None)
                hint = "" if near is None else f"{video}/{near}"
                raise _unmatched(where, f"{video}/{frame}", hint)
        return frozenset(asked)


def read_exclusions(exclude: str | Path | Sequence[str] | None) -> Exclusions:
    """The exclude list of :func:`read_entries`, sorted into subjects, videos and frames.

    Raises:
        DataError: the file is missing, or an entry is not ``Subject``, ``Subject/3`` or
            ``Subject/3/618``.
    """
    subjects: dict[str, str] = {}
    videos: dict[str, dict[str, str]] = {}
    frames: dict[str, dict[int, str]] = {}
    for entry, where in read_entries(exclude):
        match = _ENTRY.fullmatch(entry)
        if match is None:
            raise DataError(
                f"{where}: {entry[:80]!r} is not of the form Subject, Subject/3 or Subject/3/618"
            )
        subject, video, frame = match.groups()
        if video is None:
            subjects.setdefault(subject, where)
        elif frame is None:
            videos.setdefault(subject, {}).setdefault(video, where)
        else:
            frames.setdefault(f"{subject}/{video}", {}).setdefault(int(frame), where)
    return Exclusions(subjects, videos, frames)


def closest(name: str, known: Collection[str]) -> str:
    """The name in ``known`` that is spelled most like ``name``; ``""`` if nothing is near."""
    matches = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return matches[0] if matches else ""


def _unmatched(where: str, entry: str, near: str) -> DataError:
    """The error for an entry that matches nothing."""
    hint = f"did you mean {near!r}?" if near else "nothing there is spelled like it;"
    return DataError(
        f"{where}: {entry!r} matches nothing in the data; {hint} correct or delete the entry"
    )

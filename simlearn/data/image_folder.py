"""Photographs in a folder per person as a data option: every image is a video of one frame."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest, read_entries
from simlearn.data.video import Video
from simlearn.data.video_source import Report, VideoData, VideoSource
from simlearn.data.youtube_tree import list_folder

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".pgm", ".webp")
"""Ends of the names that count as images, in small or large letters."""

_UNREAD = (".gif", ".tif", ".tiff", ".ppm", ".heic", ".heif", ".avif", ".jp2")
_SHOWN = 5
_LAYOUT = "images should lie as <class>/<image>"


def read_image_folder(
    root: str | Path, *, exclude: str | Path | Sequence[str] | None = None
) -> list[Video]:
    """All images of ``root/<class>/<image>`` as videos of one frame, in natural order.

    The folder below ``root`` is the identity, however deep the image lies in it. The name is the
    path without its ending (``"Ada/2019/img_3"``). Links count as what they lead to. Names that
    begin with ``.``, ``@``, ``$`` or ``__MACOSX`` and files that are no images are ignored. Folders
    are listed, no image is opened. Class folders without images, and images of formats that are
    not read, are left out and counted in a warning.

    Args:
        root: the folder that holds a folder for each class.
        exclude: path of a text file, or a sequence, of ``class``, ``class/folder`` or
            ``class/image`` (with or without its ending); ``#`` begins a comment. Nothing below an
            excluded class is read or checked.

    Returns:
        Videos by class, then by path, numbers in names counted (``img_9`` before ``img_10``);
        paths relative to root.

    Raises:
        DataError: root missing, an image directly in it, no image, fewer than two classes, two
            images of one name, a name that is not UTF-8, a folder that cannot be read or a link
            that leads back to it, an entry of ``exclude`` that matches nothing.
    """
    root = Path(root)
    asked: dict[str, str] = {}
    for entry, where in read_entries(exclude):
        asked.setdefault(entry, where)
    classes = _classes(root)
    files: dict[str, list[str]] = {
        name: [] if name in asked else [f"{name}/{f}" for f in _files_below(root / name)]
        for name in sorted(classes, key=_natural)
    }
    _check_entries(asked, files)
    videos: list[Video] = []
    unread: list[str] = []
    empty: list[str] = []
    for name, own in files.items():
        kept = [f for f in own if not asked.keys() & _names(f)] if asked else own
        images = [f for f in kept if f.lower().endswith(SUFFIXES)]
        videos += _videos(root, name, sorted(images, key=_natural))
        unread += sorted(f for f in kept if f.lower().endswith(_UNREAD))
        if name not in asked and not any(f.lower().endswith(SUFFIXES) for f in own):
            empty.append(name)
    _warn(root, unread, "image(s) of another format")
    _warn(root, empty, "class folder(s) without an image")
    _check_classes(root, videos, len(files))
    return videos


def _classes(root: Path) -> list[str]:
    """Names of the folders in ``root``; refuses a root that is none and images beside them."""
    if not root.is_dir():
        if root.is_file():
            raise DataError(f"data.root={root}: is a file; unpack it and give the folder")
        raise DataError(
            f"data.root={root}: the folder is not there; give the folder that holds a folder of "
            "images for each class"
        )
    folders, files = list_folder(root)
    for name in sorted(files, key=_natural):
        if name.lower().endswith(SUFFIXES):
            raise DataError(
                f"{root / name}: an image directly in data.root; {_LAYOUT}. Move it into the "
                f"folder of its class or delete it; if {root.absolute().name} is one class of "
                f"several, give data.root={root.absolute().parent}"
            )
    return folders


def _files_below(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[str]:
    """Paths of all files below ``folder``, relative to it, with ``/``, in no order."""
    real = folder.resolve()
    if real in above:
        raise DataError(f"{folder}: a link that leads back to {real}, in which it lies; delete it")
    folders, files = list_folder(folder)
    yield from files
    for name in folders:
        yield from (f"{name}/{file}" for file in _files_below(folder / name, (*above, real)))


def _natural(name: str) -> tuple[list[int | str], str]:
    """Sort key that counts runs of digits as numbers; equal numbers by their spelling."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], name


def _names(file: str) -> set[str]:
    """What an exclude list may call a file: its path, the same without ending, folders above."""
    path = PurePosixPath(file)
    return {file, str(path.with_suffix("")), *(str(p) for p in path.parents)}


def _check_entries(asked: Mapping[str, str], files: Mapping[str, Sequence[str]]) -> None:
    """Refuse entries that match neither a class nor a file; those below an excluded class pass."""
    for entry, where in asked.items():
        name = entry.split("/")[0]
        known = {n for f in files[name] for n in _names(f)} if name in files else set(files)
        if name in files and (name in asked or entry in known):
            continue
        near = closest(entry if name in files else name, known)
        hint = f"did you mean {near!r}?" if near else "nothing there is spelled like it;"
        raise DataError(
            f"{where}: {entry[:80]!r} matches nothing in the data; {hint} correct or delete the "
            "entry"
        )


def _videos(root: Path, identity: str, files: Sequence[str]) -> list[Video]:
    """One video per image; refuses two of one name and names that cannot be written."""
    seen: dict[str, str] = {}
    for file in files:
        if file.encode("utf-8", "replace").decode() != file:
            raise DataError(f"{str(root / file)!a}: the name is not UTF-8 text; rename the file")
        name = str(PurePosixPath(file).with_suffix(""))
        if name in seen:
            raise DataError(
                f"{root / file}: a second image of the name {name}, beside {seen[name]}; rename "
                f"or delete one, or put {file} on the exclude list"
            )
        seen[name] = file
    return [Video(identity, name, (file,)) for name, file in seen.items()]


def _warn(root: Path, names: Sequence[str], what: str) -> None:
    """Count what is left out in a warning."""
    if names:
        more = "" if len(names) <= _SHOWN else f" and {len(names) - _SHOWN} more"
        text = f"{root}: {len(names)} {what} ({', '.join(SUFFIXES)}) were left out: "
        warnings.warn(text + ", ".join(names[:_SHOWN]) + more, stacklevel=3)


def _check_classes(root: Path, videos: Sequence[Video], folders: int) -> None:
    """Refuse images of fewer than two classes."""
    names = {video.identity for video in videos}
    if not names:
        raise DataError(
            f"{root}: no image found ({folders} class folder(s)); {_LAYOUT}, with names that end "
            f"in {', '.join(SUFFIXES)}; check data.root and the exclude list"
        )
    if len(names) == 1:
        (name,) = names
        deep = all(video.name.count("/") > 1 for video in videos)
        hint = f". If its folders are the classes, give data.root={root / name}" if deep else ""
        raise DataError(
            f"{root}: all {len(videos)} image(s) are of one class, {name}; a split by identity "
            f"needs at least 2: put each person's images into a folder of their own{hint}"
        )


@dataclass(frozen=True, kw_only=True)
class ImageFolder(VideoSource):
    """Your own aligned photographs, one folder per person; an image is a video of one frame.

    ``frames`` above 1 repeats the image, for a network of clips. Grey images become three equal
    channels. The network sees the middle square of each image, of which ``crop`` is kept.

    Args:
        root: folder that holds a folder of images for each person; the other arguments are those
            of :class:`VideoSource`.

    Raises:
        ValueError: ``images`` is not "aligned" or ``max_frames`` not ``None``: an image has no
            face box and one frame; otherwise as for :class:`VideoSource`.
        DataError: ``split`` is a fold, which folders do not have.
    """

    root: Path
    frames: int = 1
    side: int = 64
    jitter: float = 0.1
    crop: float = 0.8
    images: Literal["aligned"] = "aligned"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.images != "aligned":
            raise ValueError(
                f"data.images is {self.images!r}, must be aligned: a folder of images has no face "
                "boxes. Cut the faces out first"
            )
        if self.max_frames is not None:
            raise ValueError(
                f"data.max_frames is {self.max_frames}, must be null: an image is one frame"
            )
        if not isinstance(self.split, Mapping):
            raise DataError(
                f"data.split={self.split!r} asks for a fold, and the folder of images {self.root} "
                "has no folds. Give shares: data.split={train: 0.7, val: 0.1, test: 0.2}"
            )

    def open(self, *, report: Report | None = None) -> VideoData:
        """List the folders, split them by identity and build the frame store.

        Args:
            report: called with the progress of what takes long.

        Raises:
            DataError: as for :func:`read_image_folder`, :func:`identity_split` and
                :func:`build_frame_store`, naming the path and the way out.
        """
        videos = read_image_folder(self.root, exclude=self.exclude)
        return self._open_videos(self.root, videos, report, {})

"""A folder of images per class as a list of videos of one frame each."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from simlearn.data.errors import DataError
from simlearn.data.exclusions import closest, read_entries
from simlearn.data.video import Video
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

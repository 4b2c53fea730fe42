"""Writes small trees in the real format of YouTube Faces, whole or with a chosen fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

# Subject -> video id -> (first frame, frames). Ids have gaps; 98 and 997 make lexical order wrong.
SUBJECTS: dict[str, dict[int, tuple[int, int]]] = {
    "AJ_Cook": {0: (98, 6), 2: (997, 7)},
    "Al_Gore": {1: (618, 5)},
    "Conan_O'Brien": {0: (98, 5), 3: (7, 5), 10: (997, 6)},
    "George_W._Bush": {0: (997, 5), 1: (98, 6)},
    "Jean-Claude_Van_Damme": {2: (98, 5), 5: (8, 5)},
    "John_Jr.": {0: (120, 5)},
    "Lou_Ye": {0: (97, 5), 4: (997, 5)},
    "Martha_Stewart": {1: (98, 5), 2: (996, 6)},
    "Richard_Gere": {1: (98, 5), 3: (618, 6)},
    "Sadie_Frost": {1: (9, 5), 5: (98, 6)},
    "Sean_O'Keefe": {0: (997, 5)},
    "Zoe-Ann": {0: (98, 5), 1: (997, 5), 3: (99, 5)},
}
VIDEOS = [f"{s}/{v}" for s in SUBJECTS for v in SUBJECTS[s]]
FOLDS = 3
LABEL_OF = {subject: 5 + 17 * k for k, subject in enumerate(reversed(SUBJECTS))}


def face(subject: str, frame: int) -> tuple[int, int, int, int]:
    """Centre x, centre y, width and height as the list states them."""
    number = list(SUBJECTS).index(subject)
    return 30 + number % 5, 24 - number % 3, 20 + frame % 5, 22


def face_row(subject: str, video: int, frame: int) -> str:
    """A row of ``labeled_faces.txt``, with backslashes."""
    x, y, width, height = face(subject, frame)
    return f"{subject}\\{video}\\{video}.{frame}.jpg,0,{x},{y},{width},{height},0.0,1"


def pairs() -> list[tuple[int, str, str, int]]:
    """(fold from 0, first, second, same), folds with disjoint identities, same pairs first."""
    rows = []
    for fold in range(FOLDS):
        members = list(SUBJECTS)[fold::FOLDS]
        several = [s for s in members if len(SUBJECTS[s]) > 1]
        for subject in several[:2]:
            first, second = list(SUBJECTS[subject])[:2]
            rows.append((fold, f"{subject}/{first}", f"{subject}/{second}", 1))
        for one, two in ((0, 1), (2, 3)):
            a, b = members[one], members[two]
            rows.append((fold, f"{a}/{next(iter(SUBJECTS[a]))}", f"{b}/{max(SUBJECTS[b])}", 0))
    return rows


def splits_text(line_end: str = "\n") -> str:
    """The text of ``splits.txt``: one header line, padded names and values, folds from 1."""
    lines = [f"split number, pair number, {'first name':<26}, {'second name':<26}, is same"]
    for number, (fold, first, second, same) in enumerate(pairs()):
        lines.append(f"{fold + 1:>3}, {number % 4 + 1:>3}, {first:<26}, {second:<26}, {same}")
    return line_end.join([*lines, ""])


def mat_content() -> dict[str, np.ndarray]:
    """The variables of ``meta_and_splits.mat``, names as object cells."""
    names = np.empty((len(VIDEOS), 1), dtype=object)
    names[:, 0] = VIDEOS
    mats = np.empty((len(VIDEOS), 1), dtype=object)
    mats[:, 0] = [f"{name.split('/')[0]}/aligned_video_{name.split('/')[1]}.mat" for name in VIDEOS]
    labels = np.array([[LABEL_OF[name.split("/")[0]] for name in VIDEOS]], dtype=float)
    rows = [(VIDEOS.index(a) + 1, VIDEOS.index(b) + 1, same) for _, a, b, same in pairs()]
    splits = np.array(rows, dtype=float).reshape(FOLDS, -1, 3).transpose(1, 2, 0)
    return {"video_names": names, "mat_names": mats, "video_labels": labels, "Splits": splits}


def write_mat(path: Path, content: dict[str, np.ndarray] | None = None, **options: bool) -> Path:
    """``meta_and_splits.mat`` with the given variables, or the right ones."""
    from scipy.io import savemat

    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, mat_content() if content is None else content, **options)
    return path


def write_tree(root: Path, *, fault: str | None = None) -> Path:
    """A whole tree below ``root`` (12 subjects, 23 videos), with one of ``FAULTS``."""
    for number, (subject, videos) in enumerate(SUBJECTS.items()):
        rows = []
        for video, (first, count) in videos.items():
            frames = root / "frame_images_DB" / subject / str(video)
            aligned = root / "aligned_images_DB" / subject / str(video)
            frames.mkdir(parents=True)
            aligned.mkdir(parents=True)
            for frame in range(first, first + count):
                data = _jpeg(number, video, frame)
                (frames / f"{video}.{frame}.jpg").write_bytes(data)
                (aligned / f"aligned_detect_{video}.{frame}.jpg").write_bytes(data)
                rows.append(face_row(subject, video, frame))
        labeled(root, subject).write_text("\n".join([*rows, ""]))
    (root / "splits.txt").write_text(splits_text())
    write_mat(root / "meta_data" / "meta_and_splits.mat")
    if fault is not None:
        FAULTS[fault](root)
    return root


def labeled(root: Path, subject: str) -> Path:
    """Path of a subject's list of labelled faces."""
    return root / "frame_images_DB" / f"{subject}.labeled_faces.txt"


def aligned_frame(root: Path, subject: str, video: int, frame: int) -> Path:
    """Path of an aligned frame."""
    name = f"aligned_detect_{video}.{frame}.jpg"
    return root / "aligned_images_DB" / subject / str(video) / name


def mutants(data: bytes, count: int, generator: np.random.Generator) -> Iterator[bytes]:
    """Damaged copies: flipped, deleted and inserted bytes, and cut ends, 1 to 3 faults each."""
    for _ in range(count):
        damaged = bytearray(data)
        for _ in range(int(generator.integers(1, 4))):
            place = int(generator.integers(0, len(damaged) + 1))
            length = int(generator.integers(1, 9))
            kind = int(generator.integers(0, 4))
            if kind == 0 and place < len(damaged):
                damaged[place] ^= 1 << int(generator.integers(0, 8))
            elif kind == 1:
                del damaged[place : place + length]
            elif kind == 2:
                damaged[place:place] = generator.bytes(length)
            elif generator.random() < 0.2:
                del damaged[place:]
            else:
                damaged[place : place + length] = generator.bytes(length)
        yield bytes(damaged)


def _jpeg(number: int, video: int, frame: int) -> bytes:
    """A 48x64 JPEG whose colour tells subject, video and frame apart."""
    image = np.full((48, 64, 3), (20 * number, 25 * video % 256, frame % 256), np.uint8)
    cv2.ellipse(image, (32, 24), (10, 14), 0, 0, 360, (200, 180, 90 + number), -1)
    return cv2.imencode(".jpg", image)[1].tobytes()


def _edit(path: Path, change: Callable[[list[str]], Sequence[str]], end: str = "\n") -> None:
    """Rewrite the lines of a text file."""
    path.write_bytes((end.join(change(path.read_text().split("\n")))).encode())


def _each_list(root: Path, change: Callable[[list[str]], Sequence[str]], end: str = "\n") -> None:
    """Rewrite every list of labelled faces."""
    for subject in SUBJECTS:
        _edit(labeled(root, subject), change, end)


def _missing_frame(root: Path) -> None:
    (root / "frame_images_DB/Richard_Gere/3/3.620.jpg").unlink()


def _missing_video(root: Path) -> None:
    for tree in ("frame_images_DB", "aligned_images_DB"):
        folder = root / tree / "Sadie_Frost" / "5"
        for path in list(folder.iterdir()):
            path.unlink()
        folder.rmdir()


def _unlisted_frame(root: Path) -> None:
    folder = root / "frame_images_DB/Richard_Gere/3"
    (folder / "3.700.jpg").write_bytes((folder / "3.618.jpg").read_bytes())


def _stray_files(root: Path) -> None:
    for tree in ("frame_images_DB", "aligned_images_DB"):
        for folder in (root / tree, root / tree / "Al_Gore", root / tree / "Al_Gore" / "1"):
            for name in ("Thumbs.db", ".DS_Store", "notes.txt", "._1.618.jpg", ".hidden.jpg"):
                (folder / name).write_bytes(b"x")
        (root / tree / "__MACOSX").mkdir()
        (root / tree / "Al_Gore" / "@eaDir").mkdir()


def _empty_video(root: Path) -> None:
    for tree in ("frame_images_DB", "aligned_images_DB"):
        (root / tree / "Al_Gore" / "4").mkdir()
        (root / tree / "Lou_Ye" / "9").mkdir()
        (root / tree / "Lou_Ye" / "9" / "Thumbs.db").write_bytes(b"x")


def _wrong_image_name(root: Path) -> None:
    aligned_frame(root, "Al_Gore", 1, 618).with_name("face_618.jpg").write_bytes(b"x")


def _name_of_other_tree(root: Path) -> None:
    aligned_frame(root, "Al_Gore", 1, 618).with_name("1.700.jpg").write_bytes(b"x")


def _image_of_other_video(root: Path) -> None:
    aligned_frame(root, "Al_Gore", 1, 618).with_name("aligned_detect_2.618.jpg").write_bytes(b"x")


def _frame_twice(root: Path) -> None:
    aligned_frame(root, "Al_Gore", 1, 618).with_name("aligned_detect_1.0618.jpg").write_bytes(b"x")


def _image_outside(root: Path) -> None:
    (root / "aligned_images_DB/Al_Gore/aligned_detect_1.618.jpg").write_bytes(b"x")


def _wrong_video_folder(root: Path) -> None:
    (root / "aligned_images_DB/Al_Gore/one").mkdir()


def _no_list(root: Path) -> None:
    labeled(root, "Lou_Ye").unlink()


def _no_videos(root: Path) -> None:
    for path in sorted((root / "aligned_images_DB").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


FAULTS: dict[str, Callable[[Path], None]] = {
    "missing_frame": _missing_frame,
    "missing_video": _missing_video,
    "unlisted_frame": _unlisted_frame,
    "crlf": lambda root: _each_list(root, list, "\r\n"),
    "blank_lines": lambda root: _each_list(root, lambda lines: ["", *lines, " ", ""]),
    "slashes": lambda root: _each_list(root, lambda ls: [x.replace("\\", "/") for x in ls]),
    "repeated_rows": lambda root: _each_list(root, lambda ls: [*ls[:3], *ls]),
    "contrary_rows": lambda root: _edit(
        labeled(root, "Al_Gore"), lambda ls: [*ls[:2], ls[0].replace(",22,", ",23,"), *ls[2:]]
    ),
    "past_border": lambda root: _edit(
        labeled(root, "Al_Gore"), lambda ls: ["Al_Gore\\1\\1.618.jpg,0,3,4,20,22,0.0,1", *ls[1:]]
    ),
    "stray_files": _stray_files,
    "empty_video": _empty_video,
    "wrong_image_name": _wrong_image_name,
    "name_of_other_tree": _name_of_other_tree,
    "image_of_other_video": _image_of_other_video,
    "frame_twice": _frame_twice,
    "image_outside": _image_outside,
    "wrong_video_folder": _wrong_video_folder,
    "no_list": _no_list,
    "no_videos": _no_videos,
}

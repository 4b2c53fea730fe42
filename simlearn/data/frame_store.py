"""Frames decoded once into one memory-mapped array: a clip costs a copy instead of a decoding."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from filelock import FileLock

from simlearn.data.errors import DataError
from simlearn.data.frames import ImageFiles, video_offsets
from simlearn.data.video import Video

STORE_VERSION = 1
UNCOMPRESSED = (".bmp", ".pgm")
SHOWN = 20
"""How many unreadable frames one message names."""
Progress = Callable[[int, int], None]


def store_fingerprint(root: Path, videos: Sequence[Video], *, size: int, crop: float) -> str:
    """Hash of everything that decides a store's content.

    Names, boxes, the size of each video's first, middle and last file (all of 621,126 files would
    be asked at every start otherwise; uncompressed ones, whose size says little, are read), the
    crop and the size of the frames.
    """
    digest = hashlib.blake2b(digest_size=12)
    digest.update(json.dumps([STORE_VERSION, size, crop]).encode())
    for video in videos:
        probes = {0, len(video.frames) // 2, len(video.frames) - 1}
        bytes_ = [_file_mark(root / video.frames[i]) for i in sorted(probes)]
        digest.update(json.dumps([video.name, video.frames, video.boxes, bytes_]).encode())
    return digest.hexdigest()


def build_frame_store(
    root: Path,
    videos: Sequence[Video],
    *,
    size: int,
    crop: float,
    cache: Path,
    progress: Progress | None = None,
) -> Path:
    """Decode all frames into ``cache/<fingerprint>/``, unless they are there already.

    Two processes that ask at once build it once: the second waits for the first. A build that
    was interrupted leaves only a temporary folder, which the next one removes.

    Args:
        root: folder of the data set.
        videos: what to decode.
        size: side of the stored frames in pixels.
        crop: share of the aligned image's side that is kept.
        cache: folder of all stores.
        progress: called with (frames done, frames in all).

    Returns:
        The folder with ``frames.npy`` (rows, size, size, 3) uint8 and ``index.json``.

    Raises:
        DataError: a frame cannot be read, the disk is too small, or the cache not writable.
    """
    folder = cache / store_fingerprint(root, videos, size=size, crop=crop)
    if (folder / "index.json").is_file():  # a folder appears whole; a read-only cache may hold it
        return folder
    _make_cache(cache)
    with FileLock(f"{folder}.lock"):
        if (folder / "index.json").is_file():
            return folder
        for left in cache.glob(f"{folder.name}.tmp*"):
            shutil.rmtree(left, ignore_errors=True)
        total = int(video_offsets(videos)[-1])
        _check_space(cache, total * size * size * 3)
        temporary = Path(tempfile.mkdtemp(prefix=f"{folder.name}.tmp", dir=cache))
        temporary.chmod(0o755)  # a cache may be shared
        try:
            _decode_all(ImageFiles(root, videos, size=size, crop=crop), temporary, progress)
            shutil.rmtree(folder, ignore_errors=True)  # what is left of one without its index
            temporary.replace(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _decode_all(source: ImageFiles, folder: Path, progress: Progress | None) -> None:
    total, size = int(source.offsets[-1]), source.size
    frames = np.lib.format.open_memmap(
        folder / "frames.npy", mode="w+", dtype=np.uint8, shape=(total, size, size, 3)
    )

    bad: list[str] = []

    def decode_video(number: int) -> int:
        for row in range(source.offsets[number], source.offsets[number + 1]):
            try:
                frames[row] = source.decode(row)
            except DataError as error:
                bad.append(str(error))
        return int(source.offsets[number + 1] - source.offsets[number])

    done = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # OpenCV decodes without the GIL
        for count in pool.map(decode_video, range(len(source.videos))):
            done += count
            if progress is not None:
                progress(done, total)
    if bad:
        more = f"\nand {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        raise DataError("\n".join(sorted(bad)[:SHOWN]) + more)
    frames.flush()
    index = {
        "version": STORE_VERSION,
        "size": size,
        "crop": source.crop,
        "videos": [{"name": v.name, "frames": len(v.frames)} for v in source.videos],
    }
    with (folder / "index.json").open("w") as file:
        json.dump(index, file)
        file.flush()
        os.fsync(file.fileno())


def _file_mark(path: Path) -> int:
    """Size of a file, or a checksum of one whose size does not change with its content."""
    try:
        if path.suffix.lower() in UNCOMPRESSED:
            return zlib.crc32(path.read_bytes())
        return path.stat().st_size
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Copy the file again, or leave the frame "
            "out by naming it in data.exclude"
        ) from error


def _make_cache(cache: Path) -> None:
    way_out = "Name another folder with data.cache=FOLDER, or read the JPEGs with data.store=off"
    try:
        cache.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{cache}: the folder of the frame stores cannot be made ({error.strerror}). {way_out}"
        ) from error
    if not os.access(cache, os.W_OK):
        raise DataError(f"{cache}: the folder of the frame stores is not writable. {way_out}")


def _check_space(folder: Path, need: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < need * 1.02:
        raise DataError(
            f"{folder}: the frame store needs {need / 1e9:.1f} GB and {free / 1e9:.1f} GB are "
            "free. Name a larger disk with data.cache=FOLDER, or read the JPEGs with data.store=off"
        )


class FrameStore:
    """Reads frames from a folder written by :func:`build_frame_store`.

    Raises:
        DataError: the folder is not a store, damaged or of another version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        try:
            index = json.loads((self.folder / "index.json").read_text())
            version = index["version"]
            if version == STORE_VERSION:
                counts = [int(video["frames"]) for video in index["videos"]]
                self.size = int(index["size"])
                self.frames = np.load(self.folder / "frames.npy", mmap_mode="r")
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{folder}: not a readable frame store ({type(error).__name__}: {error}); delete "
                "the folder, it is built again"
            ) from error
        if version != STORE_VERSION:
            raise DataError(
                f"{folder}: frame store of version {version!r}, not {STORE_VERSION}; delete the "
                "folder, it is built again"
            )
        self.offsets = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        wanted = (int(self.offsets[-1]), self.size, self.size, 3)
        if self.frames.shape != wanted or self.frames.dtype != np.uint8:
            raise DataError(
                f"{folder}: frames.npy is {self.frames.dtype} of shape {self.frames.shape}, "
                f"index.json says uint8 of shape {wanted}; delete the folder, it is built again"
            )

    def gather(self, rows: np.ndarray) -> np.ndarray:
        """``(*rows.shape, size, size, 3)`` uint8 frames, copied out of the map."""
        return self.frames[rows]

    def __reduce__(self) -> tuple[type[FrameStore], tuple[Path]]:
        """Loading processes open the map again instead of copying the frames."""
        return FrameStore, (self.folder,)

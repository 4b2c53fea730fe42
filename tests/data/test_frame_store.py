"""The store is built once, whole or not at all, and equals the files it was made from."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import shutil
import time
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from simlearn.data import frame_store
from simlearn.data.errors import DataError
from simlearn.data.frame_store import FrameStore, build_frame_store, store_fingerprint
from simlearn.data.frames import ImageFiles
from simlearn.data.youtube_faces import read_youtube_faces

SIZE, CROP = 10, 0.6


def build(root, cache, videos=None, **options):
    videos = read_youtube_faces(root) if videos is None else videos
    return build_frame_store(
        root, videos, **{"size": SIZE, "crop": CROP, "cache": cache, **options}
    )


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(scope="module")
def built(ytf_root, tmp_path_factory):
    return build(ytf_root, tmp_path_factory.mktemp("store"))


@pytest.fixture
def store(built, tmp_path):
    return shutil.copytree(built, tmp_path / "copy")


@pytest.fixture
def small(ytf_root, tmp_path):
    """A tree of two subjects that a test may damage."""
    for name in ("Al_Gore", "Lou_Ye"):
        source = ytf_root / "aligned_images_DB" / name
        shutil.copytree(source, tmp_path / "tree" / "aligned_images_DB" / name)
    return tmp_path / "tree"


@pytest.mark.parametrize("images", ["aligned", "frame"])
def test_the_store_holds_what_the_files_hold(ytf_root, tmp_path, images):
    videos = read_youtube_faces(ytf_root, images=images)
    calls = []
    folder = build(ytf_root, tmp_path, videos, progress=lambda *a: calls.append(a))
    store, files = FrameStore(folder), ImageFiles(ytf_root, videos, size=SIZE, crop=CROP)
    assert np.array_equal(store.offsets, files.offsets)
    assert store.offsets.dtype == files.offsets.dtype == np.int64
    rows = np.arange(store.offsets[-1])
    assert np.array_equal(store.gather(rows), files.gather(rows))
    assert [done for done, _ in calls] == store.offsets[1:].tolist()
    assert {total for _, total in calls} == {len(rows)}
    assert names(folder) == ["frames.npy", "index.json"]
    assert names(tmp_path) == [folder.name, f"{folder.name}.lock"]


def test_frames_are_copied_out_of_the_map(built):
    store = FrameStore(built)
    rows = np.array([[3, 0], [3, 5]])
    found = store.gather(rows)
    assert type(found) is np.ndarray and found.shape == (2, 2, SIZE, SIZE, 3)
    assert not np.shares_memory(found, store.frames)
    found[:] = 0
    assert store.gather(rows).any()
    assert store.gather(np.zeros((0, 4), np.int64)).shape == (0, 4, SIZE, SIZE, 3)


def test_the_second_call_decodes_nothing(ytf_root, tmp_path, monkeypatch):
    folder = build(ytf_root, tmp_path)
    before = (folder / "frames.npy").stat().st_mtime_ns
    monkeypatch.setattr(frame_store, "_decode_all", None)
    monkeypatch.setattr(frame_store, "FileLock", None)  # a read-only cache cannot be locked
    assert build(ytf_root, tmp_path) == folder
    assert (folder / "frames.npy").stat().st_mtime_ns == before


def build_slowly(root, cache, barrier, answers):
    """One of two processes: holds its first video until the other is surely there."""
    calls = []

    def progress(done, total):
        if not calls:
            time.sleep(0.5)
        calls.append(done)

    barrier.wait(60)
    answers.put((str(build(root, cache, progress=progress)), len(calls)))


def test_two_processes_at_once_build_one_store(ytf_root, tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    arguments = (ytf_root, tmp_path, barrier, answers)
    both = [context.Process(target=build_slowly, args=arguments) for _ in range(2)]
    for process in both:
        process.start()
    found = [answers.get(timeout=60) for _ in both]
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    folder = Path(found[0][0])
    assert found[1][0] == str(folder)
    assert sorted(calls for _, calls in found) == [0, 23]
    assert names(tmp_path) == [folder.name, f"{folder.name}.lock"]
    videos = read_youtube_faces(ytf_root)
    rows = np.arange(FrameStore(folder).offsets[-1])
    files = ImageFiles(ytf_root, videos, size=SIZE, crop=CROP)
    assert np.array_equal(FrameStore(folder).gather(rows), files.gather(rows))


def build_and_die(root, cache):
    """A process that is killed while it decodes."""
    build(root, cache, progress=lambda *_: os._exit(9))


def test_a_killed_build_is_cleared_and_repeated(ytf_root, tmp_path):
    process = multiprocessing.get_context("spawn").Process(
        target=build_and_die, args=(ytf_root, tmp_path)
    )
    process.start()
    process.join(60)
    assert process.exitcode == 9
    assert any(".tmp" in name for name in names(tmp_path))
    assert not list(tmp_path.glob("*/index.json"))
    (tmp_path / "another.tmpabc").mkdir()  # may be in use: only what this store left is removed
    folder = build(ytf_root, tmp_path)
    assert names(tmp_path) == sorted([folder.name, f"{folder.name}.lock", "another.tmpabc"])
    assert len(FrameStore(folder).offsets) == 24


@pytest.mark.parametrize("error", [DataError("frame"), KeyboardInterrupt()])
def test_an_interrupted_build_leaves_nothing(ytf_root, tmp_path, monkeypatch, error):
    decode, seen = ImageFiles.decode, []

    def fail(self, row):
        seen.append(row)
        if row == 40:
            raise error
        return decode(self, row)

    monkeypatch.setattr(ImageFiles, "decode", fail)
    with pytest.raises(type(error)):
        build(ytf_root, tmp_path)
    assert 40 in seen
    assert [name for name in names(tmp_path) if not name.endswith(".lock")] == []
    monkeypatch.undo()
    assert FrameStore(build(ytf_root, tmp_path)).gather(np.array([40])).any()


def test_a_cut_frame_stops_the_build_and_names_it(small, tmp_path):
    frame = small / "aligned_images_DB/Lou_Ye/4/aligned_detect_4.999.jpg"
    frame.write_bytes(frame.read_bytes()[:-50])
    with pytest.raises(DataError, match=r"aligned_detect_4\.999\.jpg: the JPEG is cut short"):
        build(small, tmp_path / "cache")
    assert [n for n in names(tmp_path / "cache") if not n.endswith(".lock")] == []


def test_a_frame_that_went_missing_is_named(small, tmp_path):
    videos = read_youtube_faces(small)
    (small / videos[0].frames[0]).unlink()
    with pytest.raises(DataError, match=r"618\.jpg: cannot be read .*data\.exclude"):
        build(small, tmp_path / "cache", videos)


def test_a_store_without_its_index_is_built_again(small, tmp_path):
    folder = build(small, tmp_path / "cache")
    (folder / "index.json").unlink()
    assert build(small, tmp_path / "cache") == folder
    assert names(folder) == ["frames.npy", "index.json"]


def test_the_fingerprint_knows_all_that_decides_the_content(small, tmp_path):
    videos = read_youtube_faces(small)
    first = store_fingerprint(small, videos, size=SIZE, crop=CROP)
    boxes = tuple((0.0, 0.0, 9.0, 9.0) for _ in videos[0].frames)
    others = [
        store_fingerprint(small, videos, size=SIZE + 1, crop=CROP),
        store_fingerprint(small, videos, size=SIZE, crop=0.61),
        store_fingerprint(small, videos[::-1], size=SIZE, crop=CROP),
        store_fingerprint(small, videos[1:], size=SIZE, crop=CROP),
        store_fingerprint(small, [replace(videos[0], boxes=boxes), *videos[1:]], size=10, crop=0.6),
        store_fingerprint(
            small, [replace(videos[0], frames=videos[0].frames[1:]), *videos[1:]], size=10, crop=0.6
        ),
    ]
    for number in (0, len(videos[0].frames) // 2, -1):
        path = small / videos[0].frames[number]
        data = path.read_bytes()
        path.write_bytes(data + b"\0")
        others.append(store_fingerprint(small, videos, size=SIZE, crop=CROP))
        path.write_bytes(data)
    assert len({first, *others}) == 10
    assert store_fingerprint(small, videos, size=SIZE, crop=CROP) == first
    moved = shutil.copytree(small, tmp_path / "moved")
    assert store_fingerprint(moved, videos, size=SIZE, crop=CROP) == first


def test_too_small_a_disk_names_the_way_out(ytf_root, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 0, 125 * 300 - 1))
    with pytest.raises(DataError, match=r"data\.cache=FOLDER.*data\.store=off") as caught:
        build(ytf_root, tmp_path)
    assert str(tmp_path) in str(caught.value) and "are free" in str(caught.value)
    assert [n for n in names(tmp_path) if not n.endswith(".lock")] == []


def test_a_cache_that_cannot_be_made_or_written(ytf_root, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    for cache in (tmp_path / "file", tmp_path / "file" / "frames"):
        with pytest.raises(DataError, match=r"cannot be made .*data\.cache=FOLDER"):
            build(ytf_root, cache)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(DataError, match=r"not writable.*data\.cache=FOLDER.*data\.store=off"):
        build(ytf_root, tmp_path / "cache")


INDEXES = {
    "empty": b"",
    "cut": b'{"version": 1, "size"',
    "bytes": b"\xff\xfe\x00",
    "list": b"[]",
    "number": b"3",
    "no version": b"{}",
    "no videos": b'{"version": 1, "size": 10}',
    "videos of another kind": b'{"version": 1, "size": 10, "videos": [3]}',
    "no size": b'{"version": 1, "videos": []}',
    "fewer videos": b'{"version": 1, "size": 10, "videos": [{"frames": 3}]}',
}


@pytest.mark.parametrize("name", INDEXES)
def test_a_damaged_index(store, name):
    (store / "index.json").write_bytes(INDEXES[name])
    with pytest.raises(DataError, match="delete") as caught:
        FrameStore(store)
    assert str(store) in str(caught.value)


def test_a_newer_version_is_named(store):
    index = json.loads((store / "index.json").read_text())
    (store / "index.json").write_text(json.dumps({"version": 7, "what": index}))
    with pytest.raises(DataError, match="frame store of version 7, not 1; delete"):
        FrameStore(store)


def test_damaged_frames(store):
    path = store / "frames.npy"
    whole = path.read_bytes()
    shorter = np.load(path)[:-1]
    for data in (b"", whole[:60], whole[:-1], b"no array at all"):
        path.write_bytes(data)
        with pytest.raises(DataError, match="not a readable frame store.*delete"):
            FrameStore(store)
    for array in (shorter, np.zeros((125, SIZE, SIZE, 3), np.float32)):
        np.save(path, array)
        with pytest.raises(DataError, match=r"frames\.npy is .* index\.json says uint8"):
            FrameStore(store)
    np.save(path, np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match="not a readable frame store"):
        FrameStore(store)
    path.unlink()
    with pytest.raises(DataError, match="not a readable frame store"):
        FrameStore(store)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(DataError, match="not a readable frame store"):
        FrameStore(tmp_path / "nothing")


def test_a_pickled_store_opens_the_map_again(built):
    store = FrameStore(built)
    data = pickle.dumps(store)
    assert len(data) < 500 < store.frames.nbytes
    again = pickle.loads(data)
    assert isinstance(again.frames, np.memmap)
    assert np.array_equal(again.offsets, store.offsets) and again.size == store.size
    rows = np.arange(7)
    assert np.array_equal(again.gather(rows), store.gather(rows))


def test_all_bad_frames_are_named_at_once(ytf_root, tmp_path):
    root = shutil.copytree(ytf_root, tmp_path / "tree")
    bad = sorted((root / "aligned_images_DB").rglob("*.jpg"))[::4][:25]
    for path in bad:
        path.write_bytes(b"")
    videos = read_youtube_faces(root)
    with pytest.raises(DataError) as caught:
        build_frame_store(root, videos, size=8, crop=1.0, cache=tmp_path / "cache")
    lines = str(caught.value).splitlines()
    assert len(bad) > 20 and len(lines) == 21
    assert sum(str(path) in str(caught.value) for path in bad) == 20
    assert lines[-1] == f"and {len(bad) - 20} more"

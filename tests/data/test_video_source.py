"""From a tree to splits, a reader and the facts that make numbers comparable."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data import video_source
from simlearn.data.errors import DataError
from simlearn.data.frame_store import FrameStore
from simlearn.data.frames import ImageFiles
from simlearn.data.video import Video
from simlearn.data.video_source import VideoSource, YouTubeFaces, data_fingerprint
from tests.data.ytf_tree import FOLDS, SUBJECTS, VIDEOS

SHARES = {"train": 0.5, "val": 0.25, "test": 0.25}


def source(root, tmp_path, **options):
    defaults = {
        "side": 8,
        "jitter": 0.125,
        "frames": 2,
        "split": SHARES,
        "cache": tmp_path / "cache",
    }
    return YouTubeFaces(root=root, **{**defaults, **options})


def open_off(root, tmp_path, seed=0, **options):
    return source(root, tmp_path, store="off", split_seed=seed, **options).open()


def people(data):
    return {part: {v.identity for v in videos} for part, videos in data.splits.items()}


def disjoint(data):
    found = people(data)
    assert sum(map(len, found.values())) == len(set().union(*found.values()))
    return {part: len(names) for part, names in found.items()}


def test_shares_are_of_identities(ytf_root, tmp_path):
    data = open_off(ytf_root, tmp_path)
    assert disjoint(data) == {"train": 6, "val": 3, "test": 3}
    assert sorted(v.name for v in data.videos) == sorted(VIDEOS)
    assert set().union(*people(data).values()) == set(SUBJECTS)


def test_counts_leave_the_rest_out(ytf_root, tmp_path):
    data = open_off(ytf_root, tmp_path, split={"train": 4, "val": 0, "test": 3})
    assert disjoint(data) == {"train": 4, "val": 0, "test": 3}
    assert sorted(v.name for v in data.videos) == sorted(VIDEOS)  # one store for every split
    assert len(data.numbers("train") + data.numbers("test")) < len(VIDEOS)
    assert data.numbers("val") == []


def test_the_seed_decides_shares_and_not_folds(ytf_root, tmp_path):
    splits = [people(open_off(ytf_root, tmp_path, seed=s)) for s in (0, 0, 1)]
    assert splits[0] == splits[1] != splits[2]
    folds = [open_off(ytf_root, tmp_path, seed=s, split=1) for s in (0, 1)]
    assert people(folds[0]) == people(folds[1])
    assert folds[0].facts["split"] == 1 and folds[0].facts["split_seed"] is None


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_fold_of_splits_txt_is_the_test_split(ytf_root, tmp_path, fold):
    data = open_off(ytf_root, tmp_path, split=fold)
    disjoint(data)
    members = [set(list(SUBJECTS)[f::FOLDS]) for f in range(FOLDS)]
    assert people(data)["test"] == members[fold]
    assert people(data)["val"] == members[(fold + 1) % FOLDS]


def test_the_numbers_of_the_splits_are_places_in_the_reader(ytf_root, tmp_path):
    data = open_off(ytf_root, tmp_path)
    numbers = [data.numbers(part) for part in ("train", "val", "test")]
    assert sorted(np.concatenate(numbers).tolist()) == list(range(len(data.videos))) != []
    for part, own in zip(("train", "val", "test"), numbers, strict=True):
        assert [data.videos[n] for n in own] == data.splits[part]
    lengths = [len(v.frames) for v in data.videos]
    assert np.diff(data.reader.offsets).tolist() == lengths


def test_every_split_uses_the_same_store(ytf_root, tmp_path):
    made = [source(ytf_root, tmp_path, split_seed=s).open() for s in (0, 1)]
    made.append(source(ytf_root, tmp_path, split=1).open())
    assert len({d.reader.folder for d in made}) == 1
    assert made[0].splits != made[1].splits


def test_a_few_identities_of_each_split(ytf_root, tmp_path):
    data = open_off(ytf_root, tmp_path, max_identities=2)
    assert disjoint(data) == {"train": 2, "val": 2, "test": 2}
    whole = people(open_off(ytf_root, tmp_path))
    assert all(people(data)[part] < whole[part] for part in whole)
    assert {v.identity for v in data.videos} == set().union(*people(data).values())


def test_folds_of_the_matlab_file(ytf_root, tmp_path):
    root = shutil.copytree(ytf_root, tmp_path / "tree")
    (root / "splits.txt").unlink()
    one, other = (open_off(r, tmp_path, split=1) for r in (ytf_root, root))
    assert people(one) == people(other)


def test_store_or_files(ytf_root, tmp_path):
    calls = []
    data = source(ytf_root, tmp_path).open(report=lambda *a: calls.append(a))
    off = open_off(ytf_root, tmp_path)
    assert isinstance(data.reader, FrameStore) and isinstance(off.reader, ImageFiles)
    assert data.reader.folder.parent == tmp_path / "cache" / "frames"
    rows = np.arange(int(data.reader.offsets[-1]))
    assert np.array_equal(data.reader.gather(rows), off.reader.gather(rows))
    assert data.reader.gather(rows).shape[1:] == (10, 10, 3)  # side and twice the margin
    assert {what for what, *_ in calls} == {"decoding frames"}
    assert calls[-1][1:] == (len(rows), len(rows))
    assert data.root == off.root == ytf_root


def test_the_fingerprint_knows_the_data_and_nothing_else(ytf_root, tmp_path):
    data = open_off(ytf_root, tmp_path)
    moved = shutil.copytree(ytf_root, tmp_path / "elsewhere")
    same = [
        open_off(moved, tmp_path),
        source(ytf_root, tmp_path).open(),
        open_off(ytf_root, tmp_path, seed=7),
        open_off(ytf_root, tmp_path, side=9, jitter=0, crop=0.5, frames=3),
    ]
    assert {d.fingerprint for d in same} == {data.fingerprint}
    assert len(data.fingerprint) == 16 and int(data.fingerprint, 16) >= 0
    (moved / data.videos[0].frames[-1]).unlink()
    others = [
        open_off(moved, tmp_path),
        open_off(ytf_root, tmp_path, max_frames=3),
        open_off(ytf_root, tmp_path, images="frame"),
        open_off(ytf_root, tmp_path, split={"train": 4, "val": 2, "test": 3}),
    ]
    assert len({data.fingerprint, *(d.fingerprint for d in others)}) == 5


NAMES = st.text('ab/[]",é', min_size=1, max_size=4)


@given(st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=3), min_size=1, max_size=4))
def test_the_fingerprint_does_not_depend_on_the_order(frames):
    videos = [Video("x", name, tuple(files)) for name, files in frames.items()]
    assert data_fingerprint(videos) == data_fingerprint(videos[::-1])
    for number, video in enumerate(videos):
        other = replace(video, frames=(*video.frames, "new"))
        assert data_fingerprint([*videos[:number], other, *videos[number + 1 :]]) != (
            data_fingerprint(videos)
        )


def test_the_facts_change_with_whatever_changes_a_number(ytf_root, tmp_path):
    facts = open_off(ytf_root, tmp_path).facts
    assert facts == {
        "images": "aligned",
        "crop": 0.6,
        "side": 8,
        "jitter": 0.125,
        "frames": 2,
        "stride": 1,
        "standardise": "clip",
        "max_frames": None,
        "split": SHARES,
        "split_seed": 0,
        "max_identities": None,
    }
    changes = {"images": "frame", "crop": 0.5, "side": 9, "jitter": 0.2, "frames": 3, "stride": 2}
    changes |= {"standardise": "range", "max_frames": 4, "split": {"train": 8, "test": 4}}
    for name, value in changes.items():
        other = open_off(ytf_root, tmp_path, **{name: value}).facts
        assert {k for k in facts if other[k] != facts[k]} == {name}
    for option in ({"store": "auto"}, {"flip": False}):
        assert source(ytf_root, tmp_path, **option).open().facts == facts


def test_exclude_and_max_frames(ytf_root, tmp_path):
    listed = tmp_path / "exclude.txt"
    listed.write_text("Lou_Ye\nRichard_Gere/3\n")
    data = open_off(ytf_root, tmp_path, exclude=listed, max_frames=4)
    names = {v.name for v in data.videos}
    assert names == set(VIDEOS) - {"Lou_Ye/0", "Lou_Ye/4", "Richard_Gere/3"}
    assert {len(v.frames) for v in data.videos} == {4}


def test_missing_root(tmp_path):
    with pytest.raises(DataError, match=r"data\.root=.*nowhere.*nor is root itself"):
        open_off(tmp_path / "nowhere", tmp_path)


def test_empty_tree(tmp_path):
    (tmp_path / "tree" / "aligned_images_DB").mkdir(parents=True)
    with pytest.raises(DataError, match="no video found") as caught:
        open_off(tmp_path / "tree", tmp_path)
    assert str(tmp_path / "tree") in str(caught.value)


def test_a_fold_without_splits_txt(ytf_root, tmp_path):
    root = shutil.copytree(ytf_root, tmp_path / "tree")
    (root / "splits.txt").unlink()
    shutil.rmtree(root / "meta_data")
    text = r"splits\.txt: not found, nor .*\.mat, and data\.split=1 .* data\.split=\{train: 0\.7"
    with pytest.raises(DataError, match=text):
        open_off(root, tmp_path, split=1)
    assert open_off(root, tmp_path).videos


def test_a_fold_that_is_not_there(ytf_root, tmp_path):
    with pytest.raises(DataError, match=r"data\.split=3: there are 3 folds"):
        open_off(ytf_root, tmp_path, split=3)


BAD = [
    ("frames", 0),
    ("stride", 0),
    ("side", -1),
    ("jitter", -1),
    ("crop", 0.0),
    ("crop", 1.01),
    ("crop", float("nan")),
    ("max_frames", 0),
    ("images", "whole"),
    ("standardise", "none"),
    ("store", "Off"),
    ("store", False),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_bad_values_name_their_key(ytf_root, tmp_path, name, value):
    with pytest.raises(ValueError, match=rf"data\.{name} is .*, must (not )?be ") as caught:
        source(ytf_root, tmp_path, **{name: value})
    assert (repr(value) if isinstance(value, str) else str(value)) in str(caught.value)


@pytest.mark.parametrize(
    "split", [{"train": 1.0}, {"train": 0, "test": 0}, {"tran": 0.5, "test": 0.5}, {"test": -1}]
)
def test_bad_splits_name_their_key(ytf_root, tmp_path, split):
    with pytest.raises(DataError, match=r"data\.split"):
        open_off(ytf_root, tmp_path, split=split)


def test_the_base_class_has_no_videos():
    with pytest.raises(TypeError, match="VideoSource does not say where its videos are"):
        VideoSource().open()


def test_nothing_is_decoded_before_the_split_is_right(ytf_root, tmp_path, monkeypatch):
    monkeypatch.setattr(video_source, "build_frame_store", None)
    with pytest.raises(DataError, match=r"data\.split"):
        source(ytf_root, tmp_path, split={"train": 1.0}).open()


def test_the_middle_of_a_kept_frame_is_what_crop_says(ytf_root, tmp_path):
    """With a margin more of the image is kept; the network still sees ``crop`` of its side."""
    tight = source(ytf_root, tmp_path, side=12, jitter=0.0, crop=0.5)
    loose = source(ytf_root, tmp_path, side=12, jitter=0.25, crop=0.5)
    assert (tight.stored_side, tight.stored_crop, tight.margin) == (12, 0.5, 0)
    assert (loose.stored_side, loose.stored_crop, loose.margin) == (18, 0.75, 3)
    with pytest.raises(ValueError, match=r"data\.crop=0\.9 with data\.jitter=0\.25"):
        source(ytf_root, tmp_path, side=12, jitter=0.25, crop=0.9)

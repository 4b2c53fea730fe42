"""Drawn faces are drawn once and read as YouTube Faces."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from simlearn.data import synthetic_source
from simlearn.data.synthetic_faces import GENERATOR_VERSION
from simlearn.data.synthetic_source import SyntheticFaces
from simlearn.data.video_source import VideoSource, YouTubeFaces

SETTINGS = {"identities": 8, "videos": 3, "video_frames": 10, "image_side": 32, "seed": 100}
SMALL = {"side": 12, "jitter": 0.17, "frames": 3, "split": {"train": 4, "val": 2, "test": 2}}


def source(root, tmp_path, **options):
    defaults = {"root": root, "store": "off", "cache": tmp_path, **SETTINGS, **SMALL}
    return SyntheticFaces(**{**defaults, **options})


def test_the_youtube_faces_option_reads_the_same(drawn_root, tmp_path):
    drawn = source(drawn_root, tmp_path)
    shared = {f.name: getattr(drawn, f.name) for f in fields(VideoSource)}
    one, other = drawn.open(), YouTubeFaces(root=drawn_root, **shared).open()
    assert one.videos == other.videos and one.splits == other.splits
    assert one.fingerprint == other.fingerprint
    rows = np.arange(one.reader.offsets[-1])
    assert len(rows) == 8 * 3 * 10
    assert np.array_equal(one.reader.gather(rows), other.reader.gather(rows))
    own = {"generator_version", "habit", "draw_seed", "image_side"}
    assert set(one.facts) - set(other.facts) == own
    assert {k: v for k, v in one.facts.items() if k not in own} == other.facts


def test_facts_name_the_drawing(drawn_root, tmp_path):
    facts = source(drawn_root, tmp_path).open().facts
    assert facts["generator_version"] == GENERATOR_VERSION
    assert (facts["habit"], facts["draw_seed"], facts["image_side"]) == (0.5, 100, 32)


def test_the_split_has_a_seed_of_its_own(drawn_root, tmp_path):
    one, other = (source(drawn_root, tmp_path, split_seed=s).open() for s in (0, 1))
    assert one.splits != other.splits
    assert one.videos == other.videos


def test_both_kinds_of_images(drawn_root, tmp_path):
    aligned = source(drawn_root, tmp_path).open()
    whole = source(drawn_root, tmp_path, images="frame").open()
    assert [v.name for v in whole.videos] == [v.name for v in aligned.videos]
    assert all(v.boxes is not None and len(v.boxes) == 10 for v in whole.videos)
    rows = np.arange(whole.reader.offsets[-1])
    a, b = (d.reader.gather(rows).astype(float) for d in (aligned, whole))
    matched = np.abs(a - b).mean()  # the boxes cut the same faces out of the whole frames
    for shift in (10, 30):  # another video, another person
        assert matched < 0.6 * np.abs(a - np.roll(b, shift, 0)).mean()


def test_it_is_drawn_once_under_the_cache(tmp_path):
    few = {"identities": 4, "videos": 2, "video_frames": 3, "split": {"train": 2, "test": 2}}
    faces, calls = source(None, tmp_path, **few), []
    assert faces.folder.parent == tmp_path / "synthetic_faces"
    faces.open(report=lambda *a: calls.append(a))
    assert calls == [("drawing faces", n, 4) for n in (1, 2, 3, 4)]
    before = faces.folder.stat().st_mtime_ns
    faces.open(report=lambda *a: calls.append(a))
    assert len(calls) == 4
    assert faces.folder.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("identities", 9),
        ("videos", 4),
        ("video_frames", 11),
        ("image_side", 33),
        ("habit", 0.25),
        ("seed", 101),
    ],
)
def test_every_setting_has_its_own_folder(tmp_path, name, value):
    one, other = source(None, tmp_path), source(None, tmp_path, **{name: value})
    assert one.folder != other.folder
    assert f"v{GENERATOR_VERSION}_" in one.folder.name
    assert source(None, tmp_path, side=20, crop=0.5, frames=1).folder == one.folder


def test_a_root_that_holds_something_else(drawn_root, ytf_root, tmp_path):
    with pytest.raises(FileExistsError, match=r"seed=100 \(asked for: 101\)"):
        source(drawn_root, tmp_path, seed=101).open()
    with pytest.raises(FileExistsError, match="something other than synthetic faces") as caught:
        source(ytf_root, tmp_path).open()
    assert str(ytf_root) in str(caught.value)
    assert (ytf_root / "splits.txt").is_file()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("identities", 0),
        ("videos", 0),
        ("video_frames", 0),
        ("image_side", 31),
        ("habit", -0.1),
        ("habit", 1.5),
        ("habit", float("nan")),
        ("frames", 0),
        ("crop", 2.0),
    ],
)
def test_bad_values_name_their_key(tmp_path, monkeypatch, name, value):
    monkeypatch.setattr(synthetic_source, "write_synthetic_faces", None)
    with pytest.raises(ValueError, match=rf"data\.{name} is {value}, must be "):
        source(None, tmp_path, **{name: value})

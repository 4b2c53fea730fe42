"""Identities that arrive one after another, over any video data option."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data import clips_in_memory
from simlearn.data.errors import DataError
from simlearn.data.image_folder import ImageFolder
from simlearn.data.video import Video
from simlearn.data.video_classes import held_out_clips, held_out_videos, raw_classes_of_videos
from simlearn.data.video_source import YouTubeFaces

SPLIT = {"train": 0.5, "val": 0.25, "test": 0.25}


def faces(root, **options):
    given = {"frames": 3, "stride": 2, "side": 16, "crop": 0.7, "jitter": 0.125, "split": SPLIT}
    return YouTubeFaces(root=root, store="off", **{**given, **options})


def opened(source, *, stills=False, **options):
    return raw_classes_of_videos(source, stills=stills, **options)


@given(st.lists(st.integers(1, 9), max_size=6), st.floats(0.01, 0.99), st.integers(0, 3))
def test_every_identity_has_videos_on_both_sides(counts, share, seed):
    videos = [Video(f"p{i}", f"p{i}/{k}", ("f",)) for i, n in enumerate(counts) for k in range(n)]
    chosen = held_out_videos(videos, share=share, seed=seed)
    assert chosen == held_out_videos(videos[::-1], share=share, seed=seed)
    for i, n in enumerate(counts):
        taken = sum(f"p{i}/{k}" in chosen for k in range(n))
        assert (taken == 0) if n == 1 else (1 <= taken < n and abs(taken - share * n) <= 1)


def test_the_seed_draws_the_videos():
    videos = [Video(p, f"{p}/{k}", ("f",)) for p in "ab" for k in range(8)]
    drawn = {tuple(sorted(held_out_videos(videos, share=0.5, seed=s))) for s in range(5)}
    assert len(drawn) == 5


@given(
    st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=5), min_size=1, max_size=4),
    st.integers(1, 6),
    st.integers(0, 2),
)
def test_no_video_is_learnt_from_and_validated_on(counts, clips, seed):
    """``counts[c][v]`` clips of video v of class c."""
    rows = [
        (c, 10 * c + v)
        for c, found in enumerate(counts)
        for v, n in enumerate(found)
        for _ in range(n)
    ]
    y, video = torch.tensor(rows).unbind(1)
    try:
        part = held_out_clips(y, video, clips=clips, seed=seed)
    except DataError:
        assert any(sum(found) - max(found) < clips for found in counts)
        return
    for c in range(len(counts)):
        own = y == c
        assert int((part[own] == 1).sum()) == clips
        learnt, held = (
            set(video[own & (part == 0)].tolist()),
            set(video[own & (part != 0)].tolist()),
        )
        assert learnt and held and not learnt & held


def test_drawn_faces_as_classes(drawn_root):
    source = faces(drawn_root)
    raw = opened(source, only=(5, 0, 2), clips_per_video=2)
    everyone = sorted({v.identity for part in source.open().splits.values() for v in part})
    assert raw.names == tuple(everyone)
    assert raw.train.x.shape == (3 * 2 * 2, 3, 3, 16, 16) and raw.train.x.dtype == torch.uint8
    assert raw.test.x.shape == (3 * 1 * 2, 3, 3, 16, 16)
    assert torch.bincount(raw.train.y).tolist() == [4, 0, 4, 0, 0, 4]
    assert torch.bincount(raw.test.y).tolist() == [2, 0, 2, 0, 0, 2]
    videos = [set((part.index // 2).tolist()) for part in (raw.train, raw.test)]
    assert len(videos[0]) == 6 and len(videos[1]) == 3 and not videos[0] & videos[1]


def test_the_clips_are_those_of_the_videos(drawn_root):
    source = faces(drawn_root)
    found = source.open()
    raw = opened(source, only=(3, 1), clips_per_video=1)
    seen = 0
    for part in (raw.train, raw.test):
        for x, label, index in zip(part.x, part.y.tolist(), part.index.tolist(), strict=True):
            # 10 frames, span 5, one clip in the middle: 2, 4, 6; margin 2 of 20
            frames = found.reader.gather(found.reader.offsets[index] + [2, 4, 6])
            expected = torch.from_numpy(frames)[:, 2:18, 2:18].permute(3, 0, 1, 2)
            assert torch.equal(x, expected)
            assert found.videos[index].identity == raw.names[label]
            seen += 1
    assert seen == 6


def test_still_images_are_the_middle_frames(drawn_root):
    clips = opened(faces(drawn_root), clips_per_video=2)
    still = opened(faces(drawn_root), clips_per_video=2, stills=True)
    for one, other in ((still.train, clips.train), (still.test, clips.test)):
        assert torch.equal(one.x, other.x[:, :, 1])
        assert torch.equal(one.y, other.y) and torch.equal(one.index, other.index)
    assert (clips.facts["still_images"], still.facts["still_images"]) == (False, True)


def test_all_identities_of_all_splits_and_no_split_matters(drawn_root):
    raw = opened(faces(drawn_root), clips_per_video=1)
    other = opened(faces(drawn_root, split={"train": 0.8, "test": 0.2}), clips_per_video=1)
    assert len(raw.names) == 8 and raw.names == other.names and raw.facts == other.facts
    assert torch.equal(raw.test.x, other.test.x)
    drawn = [opened(faces(drawn_root, split_seed=s), clips_per_video=1) for s in range(3)]
    assert len({tuple(raw.test.index.tolist()) for raw in drawn}) == 3


def test_the_first_identities_by_name(drawn_root):
    everyone = opened(faces(drawn_root), clips_per_video=1).names
    for most in (2, 5, 8, 20):
        halves = faces(drawn_root, split={"train": 0.5, "test": 0.5}, max_identities=most)
        raw = opened(halves, most=most, clips_per_video=1)
        assert raw.names == everyone[:most]
        assert raw.facts["max_identities"] == most


def test_identities_with_one_video_are_left_out_and_counted(ytf_root):
    source = faces(ytf_root)
    videos = [v for part in source.open().splits.values() for v in part]
    counts = {v.identity: 0 for v in videos}
    for video in videos:
        counts[video.identity] += 1
    raw = opened(source, test_share=0.5, clips_per_video=1)
    assert set(raw.names) == {name for name, n in counts.items() if n > 1}
    single = sum(n == 1 for n in counts.values())
    assert raw.facts["left_out_with_one_video"] == single > 0
    assert raw.facts["crop"] == 0.7 and raw.facts["test_share"] == 0.5
    assert not {"split", "split_seed", "jitter", "standardise"} & set(raw.facts)
    assert json.loads(json.dumps(raw.facts)) == raw.facts


def test_photographs(folder):
    source = ImageFolder(root=folder, side=8, jitter=0.0, store="off", split=SPLIT)
    raw = opened(source, stills=True)
    assert raw.train.x.shape[1:] == (3, 8, 8)
    assert len(raw.test) >= len(raw.names) >= 2


def test_no_identity_has_two_videos(drawn_root, tmp_path):
    kept, excluded = set(), tmp_path / "exclude.txt"
    others = [
        v for v in faces(drawn_root).open().videos if v.identity in kept or kept.add(v.identity)
    ]
    excluded.write_text("".join(f"{video.name}\n" for video in others))
    with pytest.raises(DataError, match="none of the 8 identities has two videos, and one must"):
        opened(faces(drawn_root, exclude=excluded))


def test_too_much_for_memory(drawn_root, monkeypatch):
    monkeypatch.setattr(clips_in_memory, "MAX_BYTES", 8 * 3 * 2 * 3 * 3 * 16 * 16)
    assert len(opened(faces(drawn_root), clips_per_video=2).names) == 8
    with pytest.raises(DataError, match=r"the clips need 0\.0 GiB .*data\.max_identities"):
        opened(faces(drawn_root), clips_per_video=3)
    assert len(opened(faces(drawn_root), only=(0, 1), clips_per_video=3).test) == 6


def test_too_many_validation_clips():
    y, video = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([0, 1, 1, 2, 3, 3])
    assert sorted(held_out_clips(y, video, clips=1, seed=0).tolist())[-2:] == [1, 1]
    with pytest.raises(DataError, match=r"data\.val_per_class=4 takes all 2 training video"):
        held_out_clips(y, video, clips=4, seed=0)

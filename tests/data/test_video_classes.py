"""Identities that arrive one after another, over any video data option."""

from __future__ import annotations

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from simlearn.data import clips_in_memory
from simlearn.data.errors import DataError
from simlearn.data.experiences import ClassOrder, experiences
from simlearn.data.image_folder import ImageFolder
from simlearn.data.video import Video
from simlearn.data.video_classes import VideoClasses, class_data_of_videos, held_out_videos
from simlearn.data.video_source import YouTubeFaces

SPLIT = {"train": 0.5, "val": 0.25, "test": 0.25}


def faces(root, **options):
    given = {"frames": 3, "stride": 2, "side": 16, "crop": 0.7, "jitter": 0.125, "split": SPLIT}
    return YouTubeFaces(root=root, store="off", **{**given, **options})


def opened(source, order=None, *, seed=0, images=False, **options):
    order = order or ClassOrder()
    return class_data_of_videos(source, order, seed=seed, images=images, **options)


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


def test_drawn_faces_as_classes(drawn_root):
    source = faces(drawn_root)
    data = opened(source, ClassOrder(class_order=(5, 0, 2)), clips_per_video=2)
    everyone = sorted({v.identity for part in source.open().splits.values() for v in part})
    assert data.names == tuple(everyone[c] for c in (5, 0, 2))
    train, test = data.splits["train"], data.splits["test"]
    assert train.x.shape == (3 * 2 * 2, 3, 3, 16, 16) and train.x.dtype == torch.uint8
    assert test.x.shape == (3 * 1 * 2, 3, 3, 16, 16) and len(data.splits["val"]) == 0
    assert torch.bincount(train.y).tolist() == [4, 4, 4]
    assert torch.bincount(test.y).tolist() == [2, 2, 2]
    assert not set(train.index.tolist()) & set(test.index.tolist())
    assert (data.scale.mean, data.scale.std) == (0.5, 0.5)
    found = experiences(data, (1, 1, 1), seed=0)
    assert [len(exp.train) for exp in found] == [4, 4, 4]


def test_the_clips_are_those_of_the_videos(drawn_root):
    source = faces(drawn_root)
    found = source.open()
    data = opened(source, ClassOrder(class_order=(3, 1)), clips_per_video=1)
    seen = []
    for images in (data.splits["train"], data.splits["test"]):
        for x, label in zip(images.x, images.y.tolist(), strict=True):
            owner = [
                video.identity
                for number, video in enumerate(found.videos)
                if torch.equal(
                    x,
                    torch.from_numpy(
                        # 10 frames, span 5, one clip in the middle: 2, 4, 6; margin 2 of 20
                        found.reader.gather(found.reader.offsets[number] + [2, 4, 6])
                    )[:, 2:18, 2:18].permute(3, 0, 1, 2),
                )
            ]
            assert owner == [data.names[label]]
            seen += owner
    assert len(seen) == 6


def test_still_images_are_the_middle_frames(drawn_root):
    clips = opened(faces(drawn_root), clips_per_video=2)
    still = opened(faces(drawn_root), clips_per_video=2, images=True)
    for split in ("train", "test"):
        assert torch.equal(still.splits[split].x, clips.splits[split].x[:, :, 1])
        assert torch.equal(still.splits[split].y, clips.splits[split].y)
    assert (clips.facts["still_images"], still.facts["still_images"]) == (False, True)


def test_all_identities_of_all_splits_and_no_split_matters(drawn_root):
    data = opened(faces(drawn_root), seed=3, clips_per_video=1)
    other = opened(faces(drawn_root, split={"train": 0.8, "test": 0.2}), seed=3, clips_per_video=1)
    assert len(data.names) == 8 and data.names == other.names
    assert data.fingerprint == other.fingerprint
    assert torch.equal(data.splits["test"].x, other.splits["test"].x)
    again = opened(faces(drawn_root), seed=4, clips_per_video=1)
    assert again.names != data.names and again.fingerprint == data.fingerprint
    drawn = {
        opened(faces(drawn_root, split_seed=s), clips_per_video=1).fingerprint for s in range(3)
    }
    assert len(drawn) == 3


def test_identities_with_one_video_are_left_out_and_counted(ytf_root):
    source = faces(ytf_root)
    videos = [v for part in source.open().splits.values() for v in part]
    counts = {v.identity: 0 for v in videos}
    for video in videos:
        counts[video.identity] += 1
    data = opened(source, test_share=0.5, clips_per_video=1)
    assert set(data.names) == {name for name, n in counts.items() if n > 1}
    single = sum(n == 1 for n in counts.values())
    assert data.facts["left_out_with_one_video"] == single > 0
    assert data.facts["standardise"] == "range" and data.facts["data"] == "YouTubeFaces"
    assert data.facts["crop"] == 0.7 and data.facts["test_share"] == 0.5
    assert json.loads(json.dumps(data.facts)) == data.facts


def test_photographs(folder):
    source = ImageFolder(root=folder, side=8, jitter=0.0, store="off", split=SPLIT)
    data = opened(source, images=True)
    assert data.splits["train"].x.shape[1:] == (3, 8, 8)
    assert data.facts["split_sizes"]["test"] >= len(data.names) >= 2


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


def test_an_order_that_does_not_fit(drawn_root):
    with pytest.raises(DataError, match=r"data\.class_order names class 8: the data have .* 0 to"):
        opened(faces(drawn_root), ClassOrder(class_order=(8,)))


def test_it_opens_like_a_data_option_of_classes(drawn_root):
    source = VideoClasses(
        source=faces(drawn_root), base_classes=4, clips_per_video=2, test_share=0.4, images=True
    )
    data = source.open(seed=2)
    same = opened(faces(drawn_root), seed=2, images=True, clips_per_video=2, test_share=0.4)
    assert data.names == same.names and data.facts == same.facts
    assert torch.equal(data.splits["train"].x, same.splits["train"].x)
    assert source.sizes(len(data.names)) == (4, 2, 2)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"clips_per_video": 0}, "clips_per_video is 0, must be at least 1"),
        ({"test_share": 1.0}, r"test_share is 1\.0, must be between 0 and 1"),
        ({"test_share": 0.0}, r"test_share is 0\.0, must be between 0 and 1"),
        ({"classes_per_experience": 0}, r"data\.classes_per_experience is 0"),
    ],
)
def test_arguments_out_of_range(drawn_root, arguments, text):
    with pytest.raises(ValueError, match=text):
        VideoClasses(source=faces(drawn_root), **arguments)

"""Options of videos and photographs whose identities are classes."""

from __future__ import annotations

import json

import pytest
import torch

from simlearn.data.class_source import ClassSource
from simlearn.data.errors import DataError
from simlearn.data.experiences import experiences
from simlearn.data.synthetic_source import SyntheticFaces
from simlearn.data.tensor_set import TensorSet, with_rotations
from simlearn.data.video_class_sources import (
    ImageFolderClasses,
    SyntheticFacesClasses,
    VideoClasses,
    YouTubeFacesClasses,
)
from simlearn.data.video_source import VideoSource
from tests.data.conftest import DRAWN

SMALL = {"frames": 3, "stride": 2, "side": 16, "crop": 0.7, "store": "off"}


def faces(root, **options):
    return YouTubeFacesClasses(root=root, **{**SMALL, "clips_per_video": 2, **options})


def test_clips_in_the_order_of_arrival(drawn_root):
    source = faces(drawn_root, class_order=(5, 0, 2), base_classes=2, classes_per_experience=1)
    data = source.open(seed=0)
    raw = source.read()
    assert data.names == tuple(raw.names[c] for c in (5, 0, 2))
    for split, whole in (("train", raw.train), ("test", raw.test)):
        images = data.splits[split]
        assert images.x.shape == (len(whole), 3, 3, 16, 16) and images.x.dtype == torch.uint8
        for x, y, index in zip(images.x, images.y.tolist(), images.index, strict=True):
            row = (whole.index == index).nonzero().item()
            assert torch.equal(x, whole.x[row])
            assert data.names[y] == raw.names[int(whole.y[row])]
    found = experiences(data, source.sizes(len(data.names)), seed=0)
    assert [exp.new for exp in found] == [(0, 1), (2,)]
    assert [len(exp.train) for exp in found] == [8, 4]
    assert data.scale(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == [-1, 1]


def test_the_run_draws_the_order_and_split_seed_the_videos(drawn_root):
    runs = [faces(drawn_root).open(seed=seed) for seed in range(4)]
    assert len({data.names for data in runs}) == 4
    assert len({data.fingerprint for data in runs}) == 1
    assert faces(drawn_root, order_seed=3).open(seed=0).names == runs[3].names
    assert faces(drawn_root, split_seed=1).open(seed=0).fingerprint != runs[0].fingerprint


def test_facts_name_the_option_and_what_is_seen(drawn_root):
    facts = faces(drawn_root, max_identities=4, flip=True).open(seed=0).facts
    assert facts["data"] == "YouTubeFacesClasses" and facts["max_identities"] == 4
    assert len(facts["class_order"]) == 4 and facts["split_sizes"]["train"] == 16
    assert (facts["mean"], facts["std"], facts["split_seed"]) == (0.5, 0.5, 0)
    assert {"crop", "frames", "clips_per_video", "test_share", "still_images"} <= set(facts)
    assert "standardise" not in facts and json.loads(json.dumps(facts)) == facts


def test_numbers_per_class_are_clips_and_no_video_is_in_two_splits(drawn_root):
    source = faces(drawn_root, train_per_class=2, val_per_class=1, test_per_class=1)
    data = source.open(seed=0)
    videos = {}
    for split, each in (("train", 2), ("val", 1), ("test", 1)):
        images = data.splits[split]
        assert torch.bincount(images.y).tolist() == [each] * 8
        videos[split] = set((images.index // 2).tolist())
    assert len(set.union(*videos.values())) == sum(map(len, videos.values()))
    with pytest.raises(DataError, match=r"data\.train_per_class=3 need .* and class '.*' has 2"):
        faces(drawn_root, train_per_class=3, val_per_class=1).open(seed=0)
    with pytest.raises(DataError, match=r"data\.val_per_class=3 takes all 2 training video"):
        faces(drawn_root, val_per_class=3).open(seed=0)


@pytest.mark.parametrize("stills", [False, True])
def test_rotations_flips_and_shifts(drawn_root, stills):
    data = faces(drawn_root, still_images=stills).open(seed=0)
    train = data.splits["train"]
    assert train.x.ndim == (4 if stills else 5)
    assert torch.equal(with_rotations(train, 8).x[len(train) :][0], train.x[0].rot90(1, (-2, -1)))
    rows = TensorSet(train, data.scale, seed=0, flip=True, shift=2)
    x = torch.cat([rows[[(epoch, 0)]].x for epoch in range(16)])
    plain = data.scale(train.x[0])
    inner = x[..., 4:-4, 4:-4]
    moved = [plain[..., 4 + i : 12 + i, 4 + j : 12 + j] for i in range(-2, 3) for j in range(-2, 3)]
    for found in inner:
        candidates = [*moved, *[m.flip(-1) for m in moved]]
        assert any(torch.equal(found, one) for one in candidates)
    assert len({tuple(found.flatten().tolist()) for found in inner}) > 4


def test_photographs_are_images_or_clips_that_stand_still(folder):
    common = {"root": folder, "side": 8, "store": "off"}
    data = ImageFolderClasses(**common).open(seed=0)
    assert data.splits["train"].x.shape[1:] == (3, 8, 8)
    clips = ImageFolderClasses(**common, frames=4, still_images=False).open(seed=0)
    x = clips.splits["train"].x
    assert x.shape[1:] == (3, 4, 8, 8) and (x == x[:, :, :1]).all()
    assert torch.equal(x[:, :, 0], data.splits["train"].x)


def test_drawn_faces_are_those_of_the_option_of_videos(tmp_path, drawn_root):
    drawing = {
        "root": drawn_root,
        "identities": DRAWN["identities"],
        "videos": DRAWN["videos"],
        "video_frames": DRAWN["frames"],
        "image_side": DRAWN["side"],
        "seed": DRAWN["seed"],
    }
    source = SyntheticFacesClasses(**drawing, **SMALL)
    assert source.open(seed=1).facts["draw_seed"] == 100
    same = faces(drawn_root, clips_per_video=5).open(seed=1)
    assert source.open(seed=1).fingerprint == same.fingerprint
    folders = {
        option(cache=tmp_path, identities=9, videos=4).folder
        for option in (SyntheticFaces, lambda **kw: SyntheticFacesClasses(**kw).video_source())
    }
    assert len(folders) == 1


def test_they_are_options_of_classes_alone(drawn_root):
    for kind in (YouTubeFacesClasses, ImageFolderClasses, SyntheticFacesClasses):
        assert issubclass(kind, ClassSource) and not issubclass(kind, VideoSource)
    with pytest.raises(TypeError, match="abstract"):
        VideoClasses()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"clips_per_video": 0}, r"data\.clips_per_video is 0, must be at least 1"),
        ({"test_share": 1.0}, r"data\.test_share is 1\.0, must be between 0 and 1"),
        ({"test_share": 0.0}, r"data\.test_share is 0\.0, must be between 0 and 1"),
        ({"classes_per_experience": 0}, r"data\.classes_per_experience is 0"),
        ({"crop": 1.5}, r"data\.crop is 1\.5, must be in \(0, 1\]"),
        ({"images": "faces"}, r"data\.images is 'faces', must be aligned or frame"),
        ({"max_identities": 0}, r"data\.max_identities is 0, must be at least 1"),
    ],
)
def test_arguments_out_of_range(tmp_path, arguments, text):
    with pytest.raises(ValueError, match=text):
        faces(tmp_path, **arguments)


def test_photographs_have_no_boxes(tmp_path):
    with pytest.raises(ValueError, match="must be aligned: a folder of images has no face"):
        ImageFolderClasses(root=tmp_path, images="frame")

"""Loaders: labels, groups, order, and the same batches from files, store and workers."""

from __future__ import annotations

import gc
import pickle
import re
import shutil

import pytest
import torch
from torch.utils.data import DataLoader

from simlearn.data.datamodule import VideoDataModule, labels_of
from simlearn.data.errors import DataError
from simlearn.data.sampler import PKBatches, SequentialBatches
from simlearn.data.video import Video
from simlearn.data.video_source import YouTubeFaces

PARTS = ("train", "val", "test")
FIELDS = ("x", "y", "group", "index")


def classes(data):
    """Names of the training identities, by label."""
    return labels_of(data.data.splits["train"])[1]


def module(root, tmp_path, *, store="auto", p=3, k=2, seed=5, source=None, **options):
    faces = YouTubeFaces(
        root=root,
        store=store,
        cache=tmp_path / "cache",
        **{"side": 8, "jitter": 0.25, "frames": 3, "split": {"train": 6, "val": 3, "test": 3}}
        | (source or {}),
    )
    batches = PKBatches(classes_per_batch=p, samples_per_class=k)
    return VideoDataModule(faces, faces.open(), batches=batches, seed=seed, **options)


def assert_same(one, other):
    assert len(one) == len(other) > 0
    for a, b in zip(one, other, strict=True):
        for name in FIELDS:
            assert torch.equal(getattr(a, name), getattr(b, name))


def test_labels_are_dense_and_sorted():
    videos = [Video(n, f"{n}/{i}", ("a",)) for i, n in enumerate(["Zoe", "Al_Gore", "Zoe", "Lou"])]
    assert labels_of(videos) == ([2, 0, 2, 1], ["Al_Gore", "Lou", "Zoe"])
    assert labels_of([]) == ([], [])


def test_training_batches(ytf_root, tmp_path):
    data = module(ytf_root, tmp_path)
    assert classes(data) == sorted({v.identity for v in data.data.splits["train"]})
    assert len(classes(data)) == 6
    batches = list(data.train_dataloader())
    assert len(batches) == len(data.train_dataloader()) == len(data.sampler)
    seen = set()
    for batch in batches:
        assert batch.x.shape == (len(batch), 3, 3, 8, 8) and batch.x.dtype == torch.float32
        assert len(set(batch.y.tolist())) == 3
        for label, group, row in zip(
            batch.y.tolist(), batch.group.tolist(), batch.index.tolist(), strict=True
        ):
            assert data.data.videos[group].identity == classes(data)[label]
            assert data.train_set.clip_labels[row] == label
            seen.add(label)
    assert seen == set(range(6))


def test_groups_are_numbers_of_videos_disjoint_between_splits(ytf_root, tmp_path):
    data = module(ytf_root, tmp_path)
    found = {}
    for part in PARTS:
        clips = data.evaluation_set(part, clips_per_video=2)
        batch = clips[[(0, row) for row in range(len(clips))]]
        names = sorted({v.identity for v in data.data.splits[part]})
        for label, group in zip(batch.y.tolist(), batch.group.tolist(), strict=True):
            assert data.data.videos[group].identity == names[label]
        assert set(batch.y.tolist()) == set(range(len(names)))
        found[part] = set(batch.group.tolist())
        assert found[part] == set(data.data.numbers(part))
    assert sum(map(len, found.values())) == len(set().union(*found.values())) == 23


def test_evaluation_goes_through_all_clips_in_order(ytf_root, tmp_path):
    data = module(ytf_root, tmp_path)
    loader = data.evaluation_loader("test", clips_per_video=2, batch_size=4)
    batches = list(loader)
    assert len(batches) == len(loader)
    assert [len(b) for b in batches[:-1]] == [4] * (len(batches) - 1)
    index = torch.cat([b.index for b in batches])
    clips = data.evaluation_set("test", clips_per_video=2)
    assert index.tolist() == list(range(len(clips)))
    assert_same([clips[[(0, 1)]]], [clips[[(7, 1)]]])  # no augmentation: the epoch has no say
    counts = torch.bincount(torch.cat([b.group for b in batches]))
    assert set(counts[data.data.numbers("test")].tolist()) == {2}
    assert_same(batches, list(loader))


def test_a_split_without_videos_gives_no_batch(ytf_root, tmp_path):
    split = {"train": 6, "val": 0, "test": 3}
    data = module(ytf_root, tmp_path, source={"split": split})
    assert list(data.evaluation_loader("val", clips_per_video=2, batch_size=4)) == []


@pytest.fixture(scope="module")
def expected(ytf_root, tmp_path_factory):
    """An epoch of training and the test split, from the files and in this process."""
    data = module(ytf_root, tmp_path_factory.mktemp("expected"), store="off")
    loader = data.evaluation_loader("test", clips_per_video=2, batch_size=3)
    return list(data.train_dataloader()), list(loader)


@pytest.mark.parametrize(("store", "workers"), [("auto", 0), ("auto", 2), ("off", 2)])
def test_store_and_workers_change_no_bit(ytf_root, tmp_path, expected, store, workers):
    data = module(ytf_root, tmp_path, store=store, workers=workers)
    training, test = expected
    assert_same(list(data.train_dataloader()), training)
    clips = data.evaluation_set("test", clips_per_video=2)
    sampler = SequentialBatches(len(clips), 3)
    loader = DataLoader(clips, sampler=sampler, batch_size=None, num_workers=workers)
    assert_same(list(loader), test)


def test_epochs_go_on_through_one_loader(ytf_root, tmp_path):
    data = module(ytf_root, tmp_path)
    loader = data.train_dataloader()
    first = list(loader)
    data.sampler.set_epoch(1)
    second = list(loader)
    assert not torch.equal(first[0].x, second[0].x)
    assert_same(second, list(module(ytf_root, tmp_path, start=(1, 0)).train_dataloader()))


def test_a_resumed_epoch_gives_the_tail(ytf_root, tmp_path):
    whole = list(module(ytf_root, tmp_path, start=(2, 0)).train_dataloader())
    data = module(ytf_root, tmp_path, start=(2, 1))
    data.sampler.set_epoch(2)
    assert_same(list(data.train_dataloader()), whole[1:])


@pytest.mark.parametrize("world", [2, 4])
def test_processes_load_their_parts_of_the_same_batches(ytf_root, tmp_path, world):
    """Bit for bit: the augmentation does not know how many processes there are."""
    whole = list(module(ytf_root, tmp_path, start=(1, 0)).train_dataloader())
    parts = [
        list(module(ytf_root, tmp_path, start=(1, 0), share=(r, world)).train_dataloader())
        for r in range(world)
    ]
    assert [len(part) for part in parts] == [len(whole)] * world
    for batch, *shares in zip(whole, *parts, strict=True):
        for name in FIELDS:
            assert torch.equal(torch.cat([getattr(s, name) for s in shares]), getattr(batch, name))


def test_the_seed_of_the_run_decides_the_batches(ytf_root, tmp_path):
    one, other = (next(iter(module(ytf_root, tmp_path, seed=s).train_dataloader())) for s in (1, 2))
    assert not torch.equal(one.index, other.index) or not torch.equal(one.x, other.x)


def test_the_sampler_prefers_different_videos(ytf_root, tmp_path):
    data = module(ytf_root, tmp_path, source={"frames": 1})
    videos = {label: 0 for label in range(6)}
    for video in data.data.splits["train"]:
        videos[classes(data).index(video.identity)] += 1
    for batch in data.train_dataloader():
        for label in set(batch.y.tolist()):
            groups = set(batch.group[batch.y == label].tolist())
            assert len(groups) == min(2, videos[label])


def test_networks_of_images_learn_from_frames_and_are_measured_on_clips(ytf_root, tmp_path):
    images = module(ytf_root, tmp_path, images=True)
    clips = module(ytf_root, tmp_path)
    drawn = list(images.train_dataloader())
    for one, other in zip(drawn, clips.train_dataloader(), strict=True):
        assert one.x.shape == (len(one), 3, 8, 8)
        for name in ("y", "group", "index"):
            assert torch.equal(getattr(one, name), getattr(other, name))
    loader = images.evaluation_loader("test", clips_per_video=2, batch_size=4)
    assert next(iter(loader)).x.shape == (4, 3, 3, 8, 8)


def test_an_evaluation_in_another_order(ytf_root, tmp_path):
    data = module(ytf_root, tmp_path, source={"frames": 5})
    x = {
        order: torch.cat(
            [
                batch.x
                for batch in data.evaluation_loader(
                    "test", clips_per_video=2, batch_size=4, order=order
                )
            ]
        )
        for order in ("filmed", "shuffled", "repeated")
    }
    assert not torch.equal(x["filmed"], x["shuffled"])
    repeated = x["repeated"]
    assert torch.equal(repeated, repeated[:, :, :1].expand_as(repeated))


def test_standardisation_and_flip_come_from_the_source(ytf_root, tmp_path):
    data = module(ytf_root, tmp_path, source={"standardise": "range", "flip": False})
    assert data.train_set.flip is False
    x = next(iter(data.train_dataloader())).x
    assert x.min() >= -1 and x.max() <= 1


def test_one_identity_in_training(ytf_root, tmp_path):
    with pytest.raises(DataError, match=r"the training split has 1 identity.*data\.split"):
        module(ytf_root, tmp_path, source={"split": {"train": 0.1, "val": 0.5, "test": 0.4}})


def error_of(data):
    """What going through the training batches raises."""
    try:
        list(data.train_dataloader())
    except DataError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("workers", [0, 2])
def test_a_cut_frame_is_named_from_the_loading_process(ytf_root, tmp_path, workers, monkeypatch):
    # PyTorch waits this long for each process of a loader that failed
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.2, raising=False)
    root = shutil.copytree(ytf_root, tmp_path / "tree")
    data = module(root, tmp_path, store="off", workers=workers)
    for video in data.data.splits["train"]:
        for name in video.frames:
            (root / name).write_bytes((root / name).read_bytes()[:-40])
    assert re.search(r"aligned_detect_\d+\.\d+\.jpg: the JPEG is cut short", error_of(data))
    gc.collect()


def test_a_set_travels_to_spawned_processes_without_its_frames(ytf_root, tmp_path):
    data = module(ytf_root, tmp_path)
    again = pickle.loads(pickle.dumps(data.train_set))
    keys = next(iter(data.sampler))
    assert_same([again[keys]], [data.train_set[keys]])

"""Photographs per person as a data option: store, splits, batches and what is refused."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import yaml

from simlearn.data import ImageFolder
from simlearn.data.datamodule import VideoDataModule
from simlearn.data.errors import DataError
from simlearn.data.frame_store import FrameStore
from simlearn.data.frames import ImageFiles
from simlearn.data.sampler import PKBatches
from tests.data.photographs import write, write_folder


def source(root, tmp_path, **options):
    given = {"split": {"train": 2, "val": 0, "test": 2}, "side": 8, "jitter": 0.125}
    return ImageFolder(root=root, cache=tmp_path / "cache", **{**given, **options})


def test_store_and_files_give_the_middle_of_each_image(folder, tmp_path):
    stored, files = source(folder, tmp_path).open(), source(folder, tmp_path, store="off").open()
    assert isinstance(stored.reader, FrameStore) and isinstance(files.reader, ImageFiles)
    assert stored.reader.offsets.tolist() == list(range(10))
    rows = np.arange(9)
    assert np.array_equal(stored.reader.gather(rows), files.reader.gather(rows))
    whole = source(folder, tmp_path, side=12, jitter=0.0, crop=1.0, store="off").open().reader
    drawn = write(tmp_path / "again.bmp", 3)
    assert np.array_equal(whole.gather(rows)[3], drawn[:, 2:14, ::-1])  # BMP keeps every value
    grey = write(tmp_path / "again.pgm", 4, grey=True)
    assert np.array_equal(whole.gather(rows)[4], np.stack([grey[:, 2:14]] * 3, -1))


def test_the_store_follows_the_images(own, tmp_path):
    first = source(own, tmp_path).open()
    assert source(own, tmp_path, split_seed=1).open().reader.folder == first.reader.folder
    write(own / "Ada" / "img_1.jpg", number=50, side=20)
    changed = source(own, tmp_path).open()
    assert changed.reader.folder != first.reader.folder
    off = source(own, tmp_path, store="off").open()
    assert np.array_equal(changed.reader.gather(np.arange(9)), off.reader.gather(np.arange(9)))
    assert not np.array_equal(changed.reader.gather(np.arange(9))[0], first.reader.frames[0])
    assert changed.fingerprint == first.fingerprint  # of the names alone
    bitmap = own / "Bob 2" / "2019" / "x.bmp"
    size = bitmap.stat().st_size
    content = bytearray(bitmap.read_bytes())
    content[-1] ^= 255
    bitmap.write_bytes(content)
    assert bitmap.stat().st_size == size
    assert source(own, tmp_path).open().reader.folder != changed.reader.folder
    write(own / "Ada" / "img_4.jpg")
    more = source(own, tmp_path).open()
    assert len(more.videos) == 10 and more.fingerprint != first.fingerprint


def listed(tmp_path, *entries):
    path = tmp_path / "exclude.txt"
    path.write_text("# left out\n" + "\n".join(entries) + "\n")
    return path


@pytest.mark.parametrize("store", ["auto", "off"])
@pytest.mark.parametrize("name", ["Ada/img_1.jpg", "Ada/img_10.png", "Bob 2/2019/x.bmp"])
def test_a_damaged_image_is_named(own, tmp_path, name, store):
    (own / name).write_bytes((own / name).read_bytes()[:40])
    text = re.escape(f"{own / name}: ") + r".*(cut short|not an image).*naming it in data\.exclude"
    with pytest.raises(DataError, match=text):
        source(own, tmp_path, store=store).open().reader.gather(np.arange(9))
    left = source(own, tmp_path, store=store, exclude=listed(tmp_path, name)).open()
    assert left.reader.gather(np.arange(8)).shape == (8, 10, 10, 3)


def test_a_link_to_nothing_is_named_when_it_is_read(own, tmp_path):
    (own / "Ada" / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    for store in ("auto", "off"):
        with pytest.raises(DataError, match=r"gone\.jpg: cannot be read .* naming it in data\.ex"):
            data = source(own, tmp_path, store=store).open()
            data.reader.gather(np.arange(10))
    assert len(source(own, tmp_path, exclude=listed(tmp_path, "Ada/gone")).open().videos) == 9


def test_splits_share_no_person(folder, tmp_path):
    data = source(folder, tmp_path, store="off").open()
    people = {part: {v.identity for v in videos} for part, videos in data.splits.items()}
    assert {part: len(names) for part, names in people.items()} == {"train": 2, "val": 0, "test": 2}
    assert not people["train"] & people["test"]
    assert [data.videos[n] for n in data.numbers("train")] == data.splits["train"]
    other = [source(folder, tmp_path, store="off", split_seed=s).open().splits for s in range(4)]
    assert other[0] == data.splits and any(o != data.splits for o in other)


def test_facts_and_defaults(folder, tmp_path):
    data = source(folder, tmp_path, store="off").open()
    assert data.facts["images"] == "aligned" and data.facts["frames"] == 1
    assert data.facts["max_frames"] is None and data.facts["side"] == 8
    given = ImageFolder(root=folder)
    assert (given.frames, given.stride, given.side, given.jitter, given.crop) == (
        1,
        1,
        64,
        0.1,
        0.8,
    )
    assert given.stored_side == 76 and given.stored_crop == pytest.approx(0.95)


def test_the_option_names_every_argument():
    path = Path(__file__).parents[2] / "configs" / "data" / "image_folder.yaml"
    values = yaml.safe_load(path.read_text())
    assert values.pop("class") == "ImageFolder" and values.pop("root") == "???"
    known = ImageFolder(root=Path("x"))
    assert {**values, "cache": Path(values["cache"])} == {
        f.name: getattr(known, f.name) for f in fields(known) if f.name != "root"
    }


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        (
            {"split": 3},
            DataError,
            r"data\.split=3 asks for a fold, and the folder of images .*photo",
        ),
        ({"split": True}, DataError, r"data\.split=True .* Give shares: data\.split=\{train: 0\.7"),
        ({"images": "frame"}, ValueError, r"data\.images is 'frame', must be aligned: a folder of"),
        ({"images": "all"}, ValueError, r"data\.images is 'all', must be aligned or frame"),
        ({"max_frames": 2}, ValueError, r"data\.max_frames is 2, must be null: an image is one"),
        ({"crop": 0.9}, ValueError, r"data\.crop=0\.9 with data\.jitter=0\.125"),
        ({"frames": 0}, ValueError, r"data\.frames is 0, must be at least 1"),
    ],
)
def test_options_that_are_refused(folder, tmp_path, option, error, message):
    with pytest.raises(error, match=message):
        source(folder, tmp_path, **option)


@pytest.mark.parametrize(("frames", "images"), [(1, True), (1, False), (3, False)])
def test_batches(tmp_path, frames, images):
    root = write_folder(tmp_path / "p", [f"{c}/{k}.png" for c in "abcd" for k in range(3)])
    options = source(root, tmp_path, frames=frames, flip=False, jitter=0.0)
    data = options.open()
    batches = PKBatches(classes_per_batch=2, samples_per_class=3)
    module = VideoDataModule(options, data, batches=batches, seed=0, images=images)
    batch = next(iter(module.train_dataloader()))
    assert batch.x.shape == ((6, 3, 8, 8) if images else (6, 3, frames, 8, 8))
    assert sorted(batch.y.tolist()) == [0, 0, 0, 1, 1, 1]
    assert len(set(batch.group.tolist())) == 6  # every image is a video of its own
    if frames > 1:
        assert bool((batch.x == batch.x[:, :, :1]).all())

"""Avalanche's benchmarks, both kinds, as data: order, labels, pixels, and strategies on them."""

from __future__ import annotations

import sys
import warnings

import pytest
import torch
from torch.utils.data import TensorDataset

from simlearn.continual.avalanche import class_data_of_benchmark
from simlearn.continual.icarl import ICaRL
from simlearn.data.experiences import experiences
from tests.continual import toy

ORDER = (2, 0, 3, 1)


class Labelled(TensorDataset):
    """Images and labels in the form that Avalanche asks for."""

    @property
    def targets(self):
        return self.tensors[1].tolist()


def labelled(images, x=None):
    return Labelled(images.x if x is None else x, images.y)


def benchmark(kind, train=None, test=None, order=ORDER, experiences=2):
    """Two experiences of two classes each, in our order."""
    train = labelled(toy.patterns(seed=1)) if train is None else train
    test = labelled(toy.patterns(seed=2)) if test is None else test
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind == "modern":
            from avalanche.benchmarks import class_incremental_benchmark
            from avalanche.benchmarks.utils import as_classification_dataset

            sets = {"train": as_classification_dataset(train)}
            sets["test"] = as_classification_dataset(test)
            return class_incremental_benchmark(
                sets, num_experiences=experiences, class_order=list(order)
            )
        from avalanche.benchmarks import nc_benchmark

        return nc_benchmark(
            train,
            test,
            experiences,
            task_labels=kind == "tasks",
            fixed_class_order=list(order),
            shuffle=True,
        )


KINDS = pytest.mark.parametrize("kind", ["modern", "old", "tasks"])


@KINDS
def test_images_labels_and_order(kind):
    data, sizes = class_data_of_benchmark(benchmark(kind))
    assert sizes == (2, 2)
    assert data.names == ("0", "2", "1", "3")  # of one experience by their number
    for split, seed in (("train", 1), ("test", 2)):
        source, found = toy.patterns(seed=seed), data.splits[split]
        assert found.x.dtype == torch.uint8 and found.index.tolist() == list(range(32))
        for label, name in enumerate(data.names):
            mine = found.of([label]).x.flatten(1).tolist()
            assert sorted(mine) == sorted(source.of([int(name)]).x.flatten(1).tolist())
    assert len(data.splits["val"]) == 0
    assert (data.scale.mean, data.scale.std) == (0.5, 0.5)
    assert data.facts["class_order"] == ["0", "2", "1", "3"]


@KINDS
def test_icarl_runs_on_it(kind):
    """Avalanche's own asks for attributes that only the old kind has."""
    data, sizes = class_data_of_benchmark(benchmark(kind))
    learner, strategy = toy.learner(), ICaRL(exemplars=12)
    learner.strategy = strategy
    for exp in experiences(data, sizes, seed=0):
        strategy.begin(learner, exp)
        toy.train(learner, exp, steps=2)
        strategy.end(learner, exp)
    assert [len(x) for x in strategy.memory.images] == [3, 3, 3, 3]
    assert strategy.prototypes().y.tolist() == [0, 1, 2, 3]


def test_one_fingerprint_whatever_the_kind_names_the_data_alone():
    prints = [class_data_of_benchmark(benchmark("old"))[0].fingerprint for _ in range(2)]
    other = labelled(toy.patterns(seed=9))
    prints.append(class_data_of_benchmark(benchmark("old", train=other))[0].fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_floats_of_bytes_become_bytes_and_the_network_sees_the_same_floats():
    sets = [labelled(p, p.x.float() / 255) for p in (toy.patterns(seed=1), toy.patterns(seed=2))]
    data, _ = class_data_of_benchmark(benchmark("modern", *sets))
    plain, _ = class_data_of_benchmark(benchmark("modern"))
    train = data.splits["train"]
    assert train.x.dtype == torch.uint8
    assert torch.equal(train.x, plain.splits["train"].x)
    assert torch.equal(data.scale(train.x), plain.splits["train"].x.float() / 255)


def test_other_floats_stay_as_they_are():
    parts = [toy.patterns(seed=1), toy.patterns(seed=2)]
    sets = [labelled(p, (p.x.double() / 255 - 0.1307) / 0.3081) for p in parts]
    data, _ = class_data_of_benchmark(benchmark("modern", *sets))
    train = data.splits["train"]
    assert train.x.dtype == torch.float32 and train.x.min() < 0
    assert data.scale(train.x) is train.x


def test_pil_images_and_evaluation_transforms():
    from PIL import Image

    class Pictures(torch.utils.data.Dataset):
        def __init__(self, images):
            self.images, self.targets = images, images.y.tolist()

        def __len__(self):
            return len(self.targets)

        def __getitem__(self, row):
            return Image.fromarray(self.images.x[row, 0].numpy()), self.targets[row]

    parts = [toy.patterns(seed=1), toy.patterns(seed=2)]
    data, _ = class_data_of_benchmark(benchmark("old", *(Pictures(p) for p in parts)))
    plain, _ = class_data_of_benchmark(benchmark("old"))
    assert torch.equal(data.splits["train"].x, plain.splits["train"].x)
    from avalanche.benchmarks import nc_benchmark

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = nc_benchmark(
            *(labelled(p) for p in parts),
            2,
            task_labels=False,
            fixed_class_order=list(ORDER),
            train_transform=lambda x: x * 0 + 7,
            eval_transform=lambda x: 255 - x,
        )
    found, _ = class_data_of_benchmark(made)
    assert torch.equal(found.splits["train"].x, 255 - plain.splits["train"].x)


def test_a_scale_of_ones_own():
    from simlearn.data.labelled_images import PixelScale

    scale = PixelScale(0.1, 0.3)
    assert class_data_of_benchmark(benchmark("modern"), scale=scale)[0].scale is scale


def test_a_class_that_comes_twice_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from avalanche.benchmarks import nc_benchmark

        made = nc_benchmark(
            labelled(toy.patterns(seed=1)),
            labelled(toy.patterns(seed=2)),
            2,
            task_labels=True,
            class_ids_from_zero_in_each_exp=True,
        )
    with pytest.raises(ValueError, match="class 0 comes in experiences 0 and 1: only class-incr"):
        class_data_of_benchmark(made)


def stream_of(**streams):
    """A benchmark of streams of (x, y) lists, one list per experience."""
    from avalanche.benchmarks import CLScenario
    from avalanche.benchmarks.scenarios import DatasetExperience, EagerCLStream
    from avalanche.benchmarks.utils import as_classification_dataset

    def experience(pairs):
        x, y = (
            torch.stack([torch.as_tensor(v) for v in part]) for part in zip(*pairs, strict=True)
        )
        return DatasetExperience(dataset=as_classification_dataset(Labelled(x, y)))

    return CLScenario(
        [EagerCLStream(name, [experience(p) for p in parts]) for name, parts in streams.items()]
    )


def byte(value=0, side=2):
    return torch.full((1, side, side), value, dtype=torch.uint8)


def test_a_validation_stream_and_a_test_stream_in_one_piece():
    made = stream_of(
        train=[[(byte(1), 5)], [(byte(2), 3)]],
        valid=[[(byte(3), 3)]],
        test=[[(byte(4), 3), (byte(5), 5)]],
    )
    data, sizes = class_data_of_benchmark(made)
    assert (sizes, data.names) == ((1, 1), ("5", "3"))
    assert data.splits["val"].y.tolist() == [1] and data.splits["val"].x.unique().tolist() == [3]
    assert data.splits["test"].y.tolist() == [1, 0]


def test_errors(monkeypatch):
    with pytest.raises(TypeError, match="benchmark is a list, must be one of Avalanche's"):
        class_data_of_benchmark([])
    one = [[(byte(), 0)]]
    with pytest.raises(ValueError, match=r"streams 'train' and 'test', found the streams \['train"):
        class_data_of_benchmark(stream_of(train=one))
    with pytest.raises(ValueError, match="class 1 of the stream 'test' is in no training exp"):
        class_data_of_benchmark(stream_of(train=one, test=[[(byte(), 1)]]))
    with pytest.raises(ValueError, match="images must have one shape and type"):
        class_data_of_benchmark(stream_of(train=one, test=[[(byte(side=3), 0)]]))
    with pytest.raises(TypeError, match="a sample is torch.int64, must be a tensor of bytes"):
        class_data_of_benchmark(stream_of(train=[[(byte().long(), 0)]], test=one))
    for name in ("avalanche", "avalanche.benchmarks"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r'pip install "simlearn\[continual\]"'):
        class_data_of_benchmark([])

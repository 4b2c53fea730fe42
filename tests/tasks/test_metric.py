"""Whole tiny runs: the files, the numbers and what they are comparable with."""

from __future__ import annotations

import json
import math
import shutil

import pytest
import torch
from safetensors import safe_open
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import simlearn
from simlearn.data import YouTubeFaces
from simlearn.evaluation import Embeddings, retrieval_metrics
from simlearn.evaluation.pixels import pixel_baselines
from simlearn.learners.health import TrainingStopped
from simlearn.report.report import protocol_fingerprint
from simlearn.tasks.metric import pixel_frames
from simlearn.trainer.checkpoint import read_checkpoint
from simlearn.trainer.csv_log import read_csv_log
from tests.tiny import TINY

NAMES = [*(f"recall_at_{k}" for k in (1, 5, 10, 20)), "map_at_r", "r_precision", "mrr"]


@pytest.fixture
def again(words, tmp_path):
    """Runs once more with more words, in a folder of its own."""

    def start(*more, steps=9):
        return simlearn.run(
            "quickstart",
            [*words, f"trainer.max_steps={steps}", f"run_dir={tmp_path / 'run'}", *more],
        )

    return start


def numbers(report):
    return json.loads((report.run_dir / "metrics.json").read_text())


def results(report):
    """Everything of metrics.json that does not tell the time."""
    return {k: v for k, v in numbers(report).items() if k != "seconds"}


def test_files_of_a_run(tiny_run):
    folder = tiny_run.run_dir
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    wanted = {"config.yaml", "metrics.json", "report.html", "embeddings.safetensors"}
    wanted |= {"checkpoints/last.ckpt", "checkpoints/best.ckpt", "environment.json", "metrics.csv"}
    wanted |= {"recipe.yaml"}  # with config.yaml all that resume= needs
    wanted |= {"untrained.safetensors", ".lock"}
    assert wanted <= found
    assert sum(name.startswith("figures/") for name in found) >= 3
    events = [name for name in found if name.startswith("tensorboard/")]
    assert sum("tfevents" in name for name in events) == 1
    rest = found - wanted - set(events)
    assert all(name.startswith("figures/") for name in rest), rest  # nothing left lying about
    assert tiny_run.report_path == folder / "report.html"


def test_shape_of_metrics_json(tiny_run):
    found = numbers(tiny_run)
    assert (found["recipe"], found["seed"]) == ("quickstart", 0)
    assert list(found["test"]) == NAMES
    assert set(found["baselines"]) == {"untrained", "pixels"}
    for table in (found["test"], *found["baselines"].values()):
        assert list(table) == NAMES
        for metric in table.values():
            assert set(metric) == {"value", "n", "interval", "higher_is_better"}
            assert metric["n"] == 6 and metric["higher_is_better"] is True
            assert 0 <= metric["interval"][0] <= metric["value"] <= metric["interval"][1] <= 1
    assert found["train"]["steps"] == 9
    assert found["train"]["weights"] == "best.ckpt"
    assert set(found["seconds"]) == {"data", "baselines", "training", "evaluation"}
    assert found["protocol"]["fingerprint"] == protocol_fingerprint(tiny_run.protocol)


def test_both_logs_tell_the_same(tiny_run):
    rows = read_csv_log(tiny_run.run_dir / "metrics.csv")
    assert {step for step, _, _ in rows} == set(range(1, 10))
    events = EventAccumulator(str(tiny_run.run_dir / "tensorboard"))
    events.Reload()
    tags = {name for _, name, _ in rows}
    assert tags == set(events.Tags()["scalars"])
    for tag in tags:
        theirs = [(e.step, e.value) for e in events.Scalars(tag)]
        assert theirs == [(s, pytest.approx(v, rel=1e-6)) for s, n, v in rows if n == tag]
    assert [s for s, name, _ in rows if name == "val/map_at_r"] == [9]


def test_one_embedding_per_test_video_in_order_with_names(tiny_run, data):
    path = tiny_run.run_dir / "embeddings.safetensors"
    videos = data.data.splits["test"]
    with safe_open(path, "pt") as file:
        names = {key: json.loads(text) for key, text in file.metadata().items()}
    found = Embeddings.load(path)
    assert [names["group"][str(g)] for g in found.group.tolist()] == [v.name for v in videos]
    assert [names["y"][str(y)] for y in found.y.tolist()] == [v.identity for v in videos]
    assert found.z.shape == (6, 128)
    assert torch.allclose(found.z.norm(dim=1), torch.ones(6), atol=1e-6)
    assert found.group.tolist() == data.data.numbers("test")


def test_metrics_can_be_recomputed_from_the_embeddings(tiny_run):
    saved = Embeddings.load(tiny_run.run_dir / "embeddings.safetensors")
    again_ = retrieval_metrics(saved.z, saved.y, ks=(1, 5, 10, 20))
    found = numbers(tiny_run)["test"]
    assert {name: metric["value"] for name, metric in found.items()} == {
        n: again_[n] for n in NAMES
    }
    assert again_["n_queries"] == 6


def test_the_embeddings_are_those_of_the_best_checkpoint(tiny_run, parts, data):
    from simlearn.tasks.video_ranking import rank_videos

    learner = parts.learner(0)
    learner.load_state_dict(
        read_checkpoint(tiny_run.run_dir / "checkpoints/best.ckpt")["state_dict"]
    )
    saved = Embeddings.load(tiny_run.run_dir / "embeddings.safetensors")
    ranking = rank_videos(learner, data, "test", parts.protocol, device="cpu")
    assert torch.equal(ranking.videos.z, saved.z)


def test_the_pixel_baseline_is_the_best_of_four(tiny_run, data):
    y = Embeddings.load(tiny_run.run_dir / "embeddings.safetensors").y
    found = pixel_baselines(pixel_frames(data), y)
    tops = {name: results.cmc(1)[0] for name, results in found.items()}
    best = max(tops, key=lambda name: tops[name])
    wanted = {k: float(v.mean()) for k, v in found[best].values((1, 5, 10, 20)).items()}
    assert {k: m["value"] for k, m in numbers(tiny_run)["baselines"]["pixels"].items()} == wanted
    assert tiny_run.tables[0].note.endswith(f"the best of 4 by top-1: {best}.")
    table = {row[0]: row[1:] for row in tiny_run.tables[0].rows}
    assert {name: row[0] for name, row in table.items()} == tops


def test_training_changed_something(tiny_run):
    assert numbers(tiny_run)["test"] != numbers(tiny_run)["baselines"]["untrained"]


@pytest.mark.parametrize("word", ["seed=0", "data.store=off", "trainer.checkpoint_steps=2"])
def test_same_seed_same_numbers_from_store_or_files(tiny_run, again, word):
    report = again(word)
    assert results(report) == results(tiny_run)
    one, two = (Embeddings.load(r.run_dir / "embeddings.safetensors") for r in (tiny_run, report))
    assert torch.equal(one.z, two.z)
    logs = [read_csv_log(r.run_dir / "metrics.csv") for r in (tiny_run, report)]
    assert logs[0] == logs[1]


def test_another_seed_other_weights_and_the_same_protocol(tiny_run, again):
    """The drawing and the split of drawn faces have their own seed."""
    report = again("seed=1", steps=1)
    assert report.seed == numbers(report)["seed"] == 1
    assert results(report)["protocol"] == results(tiny_run)["protocol"]
    assert not torch.equal(
        Embeddings.load(report.run_dir / "embeddings.safetensors").z,
        Embeddings.load(tiny_run.run_dir / "embeddings.safetensors").z,
    )


def test_no_epoch_evaluates_the_untrained_network(tiny_run, again):
    report = again("trainer.max_epochs=0", "optimizer.lr=0.5")
    found = numbers(report)
    assert found["test"] == found["baselines"]["untrained"]
    assert found["baselines"] == numbers(tiny_run)["baselines"]
    assert found["train"]["weights"] == "untrained"
    assert [p.name for p in (report.run_dir / "checkpoints").iterdir()] == ["untrained.ckpt"]
    assert (report.run_dir / "report.html").is_file()
    # the learning rate is no part of the protocol
    assert found["protocol"] == numbers(tiny_run)["protocol"]


@pytest.mark.parametrize(
    ("word", "field"),
    [
        ("evaluation.clips_per_video=3", "clips_per_video"),
        ("data.crop=0.5", "crop"),
        ("data.jitter=0.06", "jitter"),
        ("data.frames=3", "frames"),
        ("data.split={train: 6, val: 1, test: 3}", "split"),
    ],
)
def test_what_makes_numbers_comparable_is_in_the_fingerprint(tiny_run, again, word, field):
    one, two = (
        numbers(tiny_run)["protocol"],
        numbers(again("trainer.max_epochs=0", word))["protocol"],
    )
    assert one["fingerprint"] != two["fingerprint"]
    assert one[field] != two[field]


def test_without_a_validation_split_the_last_weights_are_evaluated(again):
    report = again("data.split={train: 8, val: 0, test: 2}", steps=4)
    assert numbers(report)["train"]["weights"] == "last.ckpt"
    assert [p.name for p in (report.run_dir / "checkpoints").iterdir()] == ["last.ckpt"]
    names = {name for _, name, _ in read_csv_log(report.run_dir / "metrics.csv")}
    assert "train/loss" in names and not any(name.startswith("val/") for name in names)


def test_fast_dev_run(again):
    report = again("trainer.fast_dev_run=true", steps=1000)
    found = numbers(report)
    assert found["train"]["steps"] == 2
    assert found["protocol"]["clips_per_video"] == 1
    assert (report.run_dir / "report.html").is_file()


def test_contrastive_loss(tiny_run, again):
    report = again("loss=contrastive")
    found = numbers(report)
    assert found["train"]["steps"] == 9 and found["train"]["empty_batches"] == 0
    assert found["baselines"] == numbers(tiny_run)["baselines"]
    assert found["protocol"] == numbers(tiny_run)["protocol"]


def test_training_that_diverges_stops_and_says_why(again, tmp_path):
    with pytest.raises(TrainingStopped, match=r"training diverged. Lower optimizer\.lr"):
        again("optimizer.lr=1e30")
    assert not (tmp_path / "run/metrics.json").exists()


@pytest.fixture
def people(home, tmp_path, tiny_run):
    """A copy of the tree whose test identities lose some videos, and how to run on it."""
    root, split = tmp_path / "tree", {"train": 6, "val": 2, "test": 2}
    shutil.copytree(home / "tree", root)
    source = YouTubeFaces(root=root, split=split, store="off", side=16)
    names = sorted({v.identity for v in source.open().splits["test"]})
    ours = (
        "data=",
        "data.identities",
        "data.videos",
        "data.video_frames",
        "data.image_",
        "data.seed",
    )

    def start(keep):
        for name, count in zip(names, keep, strict=True):
            for video in sorted((root / "aligned_images_DB" / name).iterdir())[count:]:
                shutil.rmtree(video)
        words = [word for word in TINY if not word.startswith(ours)]
        words += ["data=youtube_faces", "data.stride=1", "data.jitter=0", f"data.root={root}"]
        words += [
            f"data.cache={tmp_path}",
            "seed=3",
            "trainer.max_steps=2",
            f"run_dir={tmp_path / 'run'}",
        ]
        return simlearn.run("quickstart", words)

    return start


def test_an_identity_with_one_video_stands_in_the_gallery_alone(people):
    found = people([1, 3])
    assert {metric.n for metric in found.metrics.values()} == {3}
    saved = Embeddings.load(found.run_dir / "embeddings.safetensors")
    wanted = retrieval_metrics(saved.z, saved.y)
    assert (wanted["n_queries"], wanted["n_skipped"], len(saved)) == (3, 1, 4)
    assert found.metrics["map_at_r"].value == wanted["map_at_r"]
    assert (found.protocol["test_videos"], found.protocol["test_identities"]) == (4, 2)
    assert found.protocol["split_seed"] == 0


@pytest.mark.filterwarnings("ignore:invalid value")
def test_only_identities_with_one_video_leave_nothing_to_find(people):
    """The run warns, ends with null for every number, and its page is there."""
    with pytest.warns(UserWarning, match="no identity of the test split has two videos"):
        report = people([1, 1])
    assert math.isnan(report.metrics["recall_at_1"].value)
    for metric in numbers(report)["test"].values():
        assert metric["value"] is None and metric["n"] == 0
    assert report.report_path.is_file()

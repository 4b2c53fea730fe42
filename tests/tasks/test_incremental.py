"""Whole runs over experiences: by the command line, against loops, with every kind of ceiling."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

import simlearn
from simlearn.report import protocol_fingerprint
from tests.report.report_parts import Page
from tests.tasks.incremental_case import GENERATOR, digits, make_parts, run, stream, written
from tests.tiny import train

QUICK = "incremental_quickstart"
FEW = ("evaluation.diagnostics=false", "evaluation.pictures=[]")
"""Without what takes time and does not matter here."""


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """A finished joint run."""
    folder = tmp_path_factory.mktemp("joint")
    return SimpleNamespace(folder=folder, report=run(folder, "strategy=joint", *FEW))


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A finished run of fine-tuning, with its ceiling."""
    folder = tmp_path_factory.mktemp("tuned")
    return SimpleNamespace(folder=folder, report=run(folder))


def test_by_the_command_line(tmp_path):
    folder = tmp_path / "run"
    output = train(
        tmp_path,
        f"recipe={QUICK}",
        *("data.train_per_class=12", "data.test_per_class=6", "data.class_order=[0, 1, 2, 3, 4]"),
        *("backbone.width=0.1", *GENERATOR, "strategy.bank=20", "strategy.prototype_samples=20"),
        *("evaluation.bootstrap=20", "trainer=cpu", "trainer.max_steps=2"),
        *("trainer.threads=1", f"run_dir={folder}"),
        recipe=None,
    )
    for line in ("RepresentationReplay ", "untrained ", "pixels ", "omega base ", "bytes kept "):
        assert f"\n{line}" in output
    assert f"\nreport: {folder / 'report.html'}\n" in output
    assert "ceiling, experience 3/3" in output and "\nexperience 3/3" in output
    found = written(folder)
    assert found["recipe"] == QUICK and found["seed"] == 0
    matrix = found["accuracy_matrix"]
    assert [len(row) for row in matrix] == [3, 3, 3]
    for t, row in enumerate(matrix):
        assert all((value is None) == (k > t) for k, value in enumerate(row))
        assert all(0.0 <= value <= 1.0 for value in row[: t + 1])
    assert found["memory_bytes"] > 0 and found["transient_bytes"] > 0
    assert len(found["seconds_per_experience"]) == 3 and min(found["seconds_per_experience"]) > 0
    names = ("ncm_all", "ncm_base", "ncm_new", "omega_base", "omega_new", "omega_all")
    names += ("forgetting", "ncm_real", "base_slope", "origin_probe", "intrusion")
    assert set(names) <= set(found["test"])
    assert found["test"]["ncm_all"]["n"] == 30  # test images of all five classes
    assert set(found["baselines"]) == {"untrained", "pixels"}
    assert found["protocol"]["fingerprint"] == protocol_fingerprint(found["protocol"])
    assert found["protocol"]["data_fingerprint"] and found["protocol"]["data"] == "Digits"
    assert found["protocol"]["classes_of_experiences"] == [2, 2, 1]
    page = Page((folder / "report.html").read_text())
    assert page.faults == []
    figures = {a["id"].removeprefix("figure-") for a in page.all("figure")}
    assert figures == {"forgetting", "accuracy_matrix", "embedding", "curves"}
    for name in figures:
        assert (folder / f"figures/{name}.svg").is_file()
    assert not (folder / "checkpoints/experience.ckpt").exists()


def nearest(z, means):
    """Label of the nearest mean, pair by pair in float64."""
    return [
        min(range(len(means)), key=lambda c: float(((row - means[c]) ** 2).sum()))
        for row in z.double()
    ]


def test_the_last_row_of_the_matrix_by_a_loop(tuned):
    found, kept = written(tuned.folder), stream(tuned.folder)
    test = digits(make_parts()).splits["test"]
    z = simlearn.load(tuned.folder).embed(test.x).z
    told = nearest(z, kept["strategy"]["means"].double())
    for k in range(3):
        hits = [a == int(y) for a, y in zip(told, test.y, strict=True) if int(y) // 2 == k]
        assert found["accuracy_matrix"][2][k] == pytest.approx(sum(hits) / len(hits))
    assert found["test"]["ncm_all"]["value"] == pytest.approx(sum(found["accuracy_matrix"][2]) / 3)
    assert found["protocol"]["class_order"] == ["3", "1", "4", "0", "5", "9"]


def seen(matrix, t):
    return sum(matrix[t][: t + 1]) / (t + 1)  # as many test images in every experience


def test_the_ceiling_of_a_run_is_a_joint_run(tuned, joint):
    found, other = written(tuned.folder), written(joint.folder)
    ceiling = found["ceiling"]["matrix"]
    assert ceiling == other["accuracy_matrix"] == other["ceiling"]["matrix"]
    a, test = found["accuracy_matrix"], found["test"]
    assert a != ceiling
    assert test["omega_base"]["value"] == pytest.approx(
        (a[1][0] + a[2][0]) / 2 / ceiling[2][0], rel=1e-9
    )
    assert test["omega_all"]["value"] == pytest.approx(
        (seen(a, 1) + seen(a, 2)) / 2 / ceiling[2][0], rel=1e-9
    )
    assert test["omega_new"]["value"] == pytest.approx((a[1][1] + a[2][2]) / 2, rel=1e-9)
    for name, rows in (("base", [a[1][0], a[2][0]]), ("all", [seen(a, 1), seen(a, 2)])):
        ratios = [value / seen(ceiling, t) for t, value in enumerate(rows, start=1)]
        assert test[f"omega_{name}_per_experience"]["value"] == pytest.approx(sum(ratios) / 2)


def test_a_joint_run_is_its_own_ceiling(joint):
    assert not (joint.folder / "joint").exists()
    found = written(joint.folder)
    assert found["test"]["omega_all_per_experience"]["value"] == pytest.approx(1.0)
    assert found["ceiling"]["source"] == "joint training of the same network and loss"


def test_the_ceiling_of_another_run(tuned, joint, tmp_path):
    report = run(tmp_path / "run", f"evaluation.ideal={joint.folder}", *FEW)
    assert not (tmp_path / "run/joint").exists()
    for name in ("omega_base", "omega_all", "omega_all_per_experience", "ncm_all"):
        assert report.metrics[name].value == tuned.report.metrics[name].value
    assert report.details["ceiling"]["source"].endswith("network and loss, in another run")
    assert report.protocol == tuned.report.protocol


def test_a_number_and_nothing_as_the_ceiling(tuned, tmp_path):
    a = written(tuned.folder)["accuracy_matrix"]
    number = run(tmp_path / "number", "evaluation.ideal=0.8", *FEW)
    for ending in ("", "_per_experience"):
        value = number.metrics[f"omega_all{ending}"].value
        assert value == pytest.approx((seen(a, 1) + seen(a, 2)) / 2 / 0.8)
    assert number.details["ceiling"]["source"] == "the number 0.8"
    none = run(tmp_path / "none", "evaluation.ideal=null", *FEW)
    assert [name for name in none.metrics if "omega" in name] == ["omega_new"]
    assert "ceiling" not in none.details
    for report in (number, none):
        assert report.details["accuracy_matrix"] == a
        assert not (report.run_dir / "joint").exists()


def test_a_joint_run_may_be_measured_by_a_number(tmp_path):
    words = ("strategy=joint", "evaluation.ideal=0.5", *FEW)
    report = run(tmp_path / "run", *words)
    a = report.details["accuracy_matrix"]
    assert report.metrics["omega_base"].value == pytest.approx((a[1][0] + a[2][0]) / 2 / 0.5)


def test_an_untrained_stream_is_the_untrained_network(tmp_path):
    report = run(tmp_path / "run", "trainer.max_steps=0", "evaluation.pictures=[]")
    untrained = report.baselines["untrained"]["ncm_all"]
    assert report.metrics["ncm_all"] == untrained
    assert report.metrics["ncm_real"].value == pytest.approx(untrained.value)
    assert report.metrics["old_mean_drift"].value == 0.0
    assert report.train["steps"] == 0


@pytest.mark.parametrize(
    ("words", "recipe"),
    [
        (["data.flip=true"], "incremental_triplet_finetune"),
        (["data.shift=1"], "incremental_triplet_finetune"),
        (["data.rotations=true"], "incremental_triplet_finetune"),
        (["data.rotations=true", "data.flip=true", "data.shift=1"], "incremental_center_finetune"),
        (["data.rotations=true", "data.shift=1", *GENERATOR], "incremental_triplet_vae"),
    ],
)
def test_changed_images(words, recipe, tmp_path):
    common = ["evaluation.ideal=null", *FEW, *(GENERATOR if recipe.endswith("vae") else ())]
    report = run(tmp_path / "changed", *common, *words, recipe=recipe)
    plain = run(tmp_path / "plain", *common, recipe=recipe)
    assert report.protocol == plain.protocol  # what is measured is the same
    one, two = stream(tmp_path / "changed"), stream(tmp_path / "plain")
    assert one["state_dict"].keys() == two["state_dict"].keys()
    for name, value in one["state_dict"].items():  # no room is left for rotated classes
        assert value.shape == two["state_dict"][name].shape, name
    first = next(name for name in one["state_dict"] if name.startswith("backbone"))
    assert not torch.equal(one["state_dict"][first], two["state_dict"][first])
    if recipe == "incremental_center_finetune":
        assert one["state_dict"]["loss.centers"].shape[0] == 6


def test_a_quick_look(tmp_path):
    words = ("trainer.fast_dev_run=true", "data.train_per_class=50", *FEW)
    report = run(tmp_path / "run", *words)
    assert report.train["steps"] == 6  # two of each experience
    assert report.protocol["images_per_class"] == "first 40"
    assert report.metrics["ncm_all"].n == 48


def test_measured_on_the_validation_split(tmp_path):
    words = ("evaluation.split=val", "data.val_per_class=5", "evaluation.ideal=null", *FEW)
    report = run(tmp_path / "run", *words)
    assert report.metrics["ncm_all"].n == 30
    assert report.protocol["measured_on"] == "val"


def test_the_seed_draws_the_order_and_the_weights(tmp_path):
    words = ("data.class_order=null", "evaluation.ideal=null", *FEW)
    names = []
    for seed in (0, 1):
        report = run(tmp_path / str(seed), *words, f"seed={seed}")
        names.append(report.protocol["class_order"])
    assert sorted(names[0]) == sorted(names[1]) == sorted(map(str, range(10)))
    assert names[0] != names[1]
    again = run(tmp_path / "again", *words, "seed=1")
    assert again.metrics == report.metrics
    assert again.details["accuracy_matrix"] == report.details["accuracy_matrix"]

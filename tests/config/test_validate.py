"""Every kind of fault, its source and its order."""

from __future__ import annotations

import pytest
from omegaconf import OmegaConf

from simlearn.config.validate import validate
from tests.config.tree import TARGETS

ROOT = "data.root=/x"


def test_a_good_configuration_has_no_faults():
    config = OmegaConf.create(
        {"seed": 0, "run_dir": None, "strategy": None, "loss": {"class": "Triplet"}}
    )
    assert validate(config, TARGETS, {}) == []


@pytest.mark.parametrize(
    ("override", "words"),
    [
        (
            "loss.margn=0.3",
            ["unknown key 'loss.margn'. Did you mean 'loss.margin'?", "Triplet takes"],
        ),
        ("loss.side=3", ["Did you mean 'data.side'?"]),
        ("loss.seed=3", ["Did you mean 'data.seed'?"]),
        ("lss.margin=3", ["unknown key 'lss'. Did you mean 'loss'?"]),
        ("margin=3", ["unknown key 'margin'. Did you mean 'loss.margin'?"]),
        ("recpie=faces", ["Did you mean 'recipe'?"]),
        ("+new=1", ["unknown key 'new'. At the top there are: data, head"]),
        ("++loss.new=1", ["unknown key 'loss.new'"]),
        ("head.in_dim=3", ["'head.in_dim' is supplied by the program"]),
        ("loss.margin=abc", ["'loss.margin': expected float, found the text 'abc'"]),
        ("loss.margin=true", ["expected float, found true"]),
        ("loss.squared=1", ["expected bool, found the whole number 1"]),
        ("loss.mining=hrad", ["one of 'all', 'hard'", "Did you mean 'hard'?"]),
        ("loss.weights=[a]", ["expected list of float"]),
        ("data.split.train=x", ["'data.split.train': expected float"]),
        ("data.frames=2.5", ["expected int, found the number 2.5"]),
        ("seed=x", ["'seed': expected int"]),
        ("seed=null", ["'seed': expected int"]),
        ("run_dir=3", ["quote it"]),
        ("strategy.strength=2", ["no option of 'strategy' is chosen", "add strategy=OPTION"]),
        ("loss.margin=${data.sied}", ["nothing of that name"]),
        ("loss.mining=${seed}", ["expected one of 'all', 'hard', and it leads to something else"]),
        ("hydra.run.dir=x", ["unknown key 'hydra'"]),
    ],
)
def test_faults_name_the_override_and_the_way_out(faults, override, words):
    found = faults(override, ROOT)
    assert len(found) == 1
    assert found[0].startswith(f"override '{override}': ")
    assert all(word in found[0] for word in words), found[0]


def test_faults_of_a_file_name_file_and_line(shipped, faults):
    (shipped[1] / "bad.yaml").write_text(
        "# comment\nloss:\n  margn: 1\n  mining: hrad\nlos: {margin: 1}\ndata: {frames: x}\n"
    )
    found = faults("recipe=bad", ROOT)
    lines = [line.split("bad.yaml:")[1].split(":")[0] for line in found]
    assert sorted(lines) == ["3", "4", "5", "6"]


def test_faults_of_an_option_name_the_option(shipped, faults):
    (shipped[0] / "loss" / "bad.yaml").write_text("class: Triplt\nmargin: 1\n")
    found = faults("loss=bad", ROOT)
    assert len(found) == 1
    assert (
        "configs/loss/bad.yaml:1: 'loss' has no class 'Triplt'. Did you mean 'Triplet'?" in found[0]
    )


def test_unknown_names_and_wrong_types_before_missing_values(faults):
    found = faults("loss.margin=???", "trainer.worker=2", "loss.mining=3")
    assert [("missing" in fault) for fault in found] == [False, False, True, True]
    assert "configs/data/faces.yaml:3: 'data.root' is missing; Faces needs it (a path)" in found[2]
    assert "override 'loss.margin=???'" in found[3]


def test_a_required_argument_that_no_file_names(shipped, faults):
    (shipped[0] / "data" / "bare.yaml").write_text("class: Faces\nframes: 3\n")
    found = faults("data=bare")
    assert len(found) == 1
    assert "bare.yaml:1: 'data.root' is missing" in found[0]
    assert "add data.root=VALUE" in found[0]


def test_a_group_that_is_no_mapping_and_one_without_class():
    config = OmegaConf.create({"loss": 3, "data": {"frames": 3}, "head": {"class": 7}})
    found = validate(config, TARGETS, {("loss",): "here"})
    assert found[0].startswith(
        "here: 'loss' holds a mapping of arguments, found the whole number 3"
    )
    assert "no option of 'data' is chosen" in found[1]
    assert "'head' has no class 7" in found[2]


def test_missing_values_may_be_allowed():
    config = OmegaConf.create({"data": {"class": "Faces"}, "seed": "???"})
    assert len(validate(config, TARGETS, {})) == 2
    assert validate(config, TARGETS, {}, allow_missing=True) == []


def test_a_secret_is_not_shown(monkeypatch, faults):
    monkeypatch.setenv("SIMLEARN_TEST_TOKEN", "hunter2")
    found = faults("loss.margin=${oc.env:SIMLEARN_TEST_TOKEN}", ROOT)
    assert "hunter2" not in str(found)
    assert "SIMLEARN_TEST_TOKEN" in found[0]

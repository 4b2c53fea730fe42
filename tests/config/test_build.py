"""From a group to an object."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from simlearn.config.build import build
from simlearn.config.errors import ConfigError
from simlearn.config.targets import Target
from tests.config.tree import TARGETS, Faces, Head, Triplet


@pytest.fixture
def config(composes):
    return composes("recipe=faces", "data.root=~/faces", "seed=7").config


def test_arguments_are_resolved_and_converted(config):
    data = build(config.data, TARGETS["data"])
    assert isinstance(data, Faces)
    assert (data.root, data.seed, data.frames) == (Path.home() / "faces", 7, 8)
    assert data.split == {"train": 0.8, "test": 0.2}
    assert type(data.split) is dict
    loss = build(config.loss, TARGETS["loss"])
    assert isinstance(loss, Triplet)
    assert loss.weights == (0.5, 1.0)
    assert type(loss.margin) is float


def test_runtime_arguments_go_to_those_who_declare_them(config):
    head = build(config.head, TARGETS["head"], in_dim=64, classes=3)
    assert isinstance(head, Head)
    assert (head.in_dim, head.dim) == (64, 128)
    assert isinstance(build(config.loss, TARGETS["loss"], in_dim=64), Triplet)
    with pytest.raises(TypeError, match="head: Head needs in_dim from the program"):
        build(config.head, TARGETS["head"])


def test_a_constructors_refusal_names_group_and_class(config):
    config.loss.margin = -1
    with pytest.raises(
        ConfigError, match=r"^loss \(Triplet\): margin must be at least 0, found"
    ) as e:
        build(config.loss, TARGETS["loss"])
    assert isinstance(e.value.__cause__, ValueError)


def test_other_errors_pass(config):
    def broken() -> None:
        raise FileNotFoundError("no such file")

    with pytest.raises(FileNotFoundError):
        build(OmegaConf.create({"class": "broken"}), {"broken": Target(broken)})


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"class": "os.system"}, "there is no class 'os.system'"),
        ({"class": "Triplt"}, "Did you mean 'Triplet'?"),
        ({"margin": 1}, "there is no class None"),
        ({"class": "Triplet", "margn": 1, "mining": "x"}, "unknown key 'margn'"),
        ({"class": "Triplet", "margn": 1, "mining": "x"}, "'mining': expected one of"),
        ({"class": "Triplet", "margin": "???"}, "missing"),
        ({"class": "Triplet", "margin": "${lost}"}, "lost"),
        ({"class": "Triplet", "self": 1}, "unknown key 'self'"),
    ],
)
def test_faults(values, words):
    with pytest.raises(ConfigError) as caught:
        build(OmegaConf.create({"loss": values}).loss, TARGETS["loss"])
    assert words in str(caught.value)
    assert "loss" in str(caught.value)


def test_a_reference_of_the_wrong_type_does_not_show_its_value(monkeypatch):
    monkeypatch.setenv("SIMLEARN_TEST_TOKEN", "hunter2")
    node = OmegaConf.create({"class": "Triplet", "margin": "${oc.env:SIMLEARN_TEST_TOKEN}"})
    with pytest.raises(ConfigError) as caught:
        build(node, TARGETS["loss"])
    assert "hunter2" not in str(caught.value)
    assert "does not lead to float" in str(caught.value)


def test_an_unset_variable_is_named():
    node = OmegaConf.create({"class": "Faces", "root": "${oc.env:SIMLEARN_TEST_UNSET}"})
    with pytest.raises(ConfigError, match="SIMLEARN_TEST_UNSET"):
        build(node, TARGETS["data"])

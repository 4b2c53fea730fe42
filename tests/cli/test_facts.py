"""What doctor gathers."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from simlearn.cli import facts
from simlearn.config.locate import PACKAGE

PROJECT = PACKAGE.parent / "pyproject.toml"


def test_this_machine(tmp_path):
    (tmp_path / "bad.yaml").write_text("seed: 1\n")
    (tmp_path / "wrong.yaml").write_text(
        "card: {paper: p, claim: c, published: null, needs: null, smoke: []}\nloss: {margn: 1}\n"
    )
    found = facts.gather_facts((tmp_path,))
    assert found.python.startswith("3.")
    assert found.versions["torch"]
    assert found.import_errors == {}
    assert found.devices[0].startswith("CPU: ")
    assert found.outputs_free > 0
    assert found.temporary_free > 0
    assert found.configs
    assert found.recipe_count >= 2
    assert len(found.config_faults) == 2
    assert "'card' is missing" in found.config_faults[0]
    assert "Did you mean 'loss.margin'?" in found.config_faults[1]


def test_packages_and_extras_are_those_of_the_project():
    project = tomllib.loads(PROJECT.read_text())["project"]
    names = {text.split(">")[0].split("=")[0] for text in project["dependencies"]}
    assert names == set(facts.PACKAGES)
    assert facts.EXTRAS.keys() == project["optional-dependencies"].keys() - {"all", "dev"}


def test_versions():
    assert facts.installed_version("numpy")
    assert facts.installed_version("opencv-python")
    assert facts.installed_version("surely-not-installed") is None


def test_import_errors_in_one_line(tmp_path, monkeypatch):
    (tmp_path / "broken_for_doctor.py").write_text("raise OSError('libGL.so.1:\\n cannot open')")
    monkeypatch.syspath_prepend(tmp_path)
    assert facts.import_error("broken_for_doctor") == "OSError: libGL.so.1: cannot open"
    assert facts.import_error("json") is None


@pytest.mark.parametrize("name", ["a", "a/b/c"])
def test_nearest_folder(tmp_path, name):
    assert facts.nearest_folder(tmp_path / name) == tmp_path
    assert facts.nearest_folder(Path("/")) == Path("/")

"""Where the options and recipes are read from."""

from __future__ import annotations

from pathlib import Path

import pytest

from simlearn.config.errors import ConfigError
from simlearn.config.locate import PACKAGE, config_dirs, label


def make(folder: Path, configs: str, recipes: str) -> tuple[Path, Path]:
    (folder / configs).mkdir(parents=True)
    (folder / recipes).mkdir()
    (folder / configs / "train.yaml").write_text("seed: 0\n")
    return folder / configs, folder / recipes


def test_a_wheel_reads_the_folders_inside_the_package(tmp_path):
    package = tmp_path / "simlearn"
    inside = make(package, "_configs", "_recipes")
    assert config_dirs(package) == inside


def test_a_checkout_wins_over_stale_copies(tmp_path):
    package = tmp_path / "simlearn"
    make(package, "_configs", "_recipes")
    beside = make(tmp_path, "configs", "recipes")
    assert config_dirs(package) == beside


def test_lost_folders_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"configs/train\.yaml and recipes/ were not found") as e:
        config_dirs(tmp_path / "simlearn")
    assert str(tmp_path) in str(e.value)


def test_this_checkout_from_another_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    configs, recipes = config_dirs()
    assert (configs / "train.yaml").is_file()
    assert list(recipes.glob("*.yaml"))


def test_labels(tmp_path):
    assert label(PACKAGE.parent / "recipes" / "a.yaml") == "recipes/a.yaml"
    assert label(tmp_path / "a.yaml") == str(tmp_path / "a.yaml")

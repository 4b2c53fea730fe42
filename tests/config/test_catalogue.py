"""Which recipes and options there are."""

from __future__ import annotations

import pytest

from simlearn.config.catalogue import open_catalogue
from simlearn.config.errors import ConfigError


def test_shipped_alone(shipped):
    catalogue = open_catalogue(shipped=shipped)
    assert catalogue.recipes().keys() == {"faces", "quick"}
    assert catalogue.groups() == {"data", "head", "loss", "strategy", "trainer", "logger"}
    assert catalogue.options("loss").keys() == {"triplet", "triplet_hard", "contrastive"}
    assert catalogue.root == shipped[0] / "train.yaml"


def test_the_users_folder_adds_and_wins(shipped, tmp_path):
    mine = tmp_path / "mine"
    (mine / "loss").mkdir(parents=True)
    (mine / "docs").mkdir()
    for name in ("faces.yaml", "own.yaml", "loss/own.yaml", "docs/a.yaml", ".hidden.yaml"):
        (mine / name).write_text("")
    catalogue = open_catalogue([mine], shipped)
    assert catalogue.recipes()["faces"] == mine / "faces.yaml"
    assert catalogue.recipes().keys() == {"faces", "quick", "own"}
    assert catalogue.options("loss")["own"] == mine / "loss" / "own.yaml"
    assert "docs" not in catalogue.groups()


def test_a_name_is_never_a_path(shipped):
    catalogue = open_catalogue(shipped=shipped)
    assert catalogue.options("../configs/loss") == {}
    assert catalogue.options("") == {}
    assert "../recipes/faces" not in catalogue.recipes()


def test_lost_folders_are_all_named(shipped, tmp_path):
    with pytest.raises(ConfigError) as caught:
        open_catalogue([tmp_path / "a", tmp_path / "b"], shipped)
    assert len(caught.value.faults) == 2
    assert f"--config-dir {tmp_path / 'a'}: no such folder" in str(caught.value)


def test_the_package_has_its_own():
    assert "quickstart" in open_catalogue().recipes()

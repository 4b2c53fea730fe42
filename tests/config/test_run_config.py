"""A run's configuration, kept and read again."""

from __future__ import annotations

import pytest

from simlearn.config.errors import ConfigError
from simlearn.config.run_config import load_run_config, save_run_config
from tests.config.tree import TARGETS

ROOT = "data.root=/x"


@pytest.fixture
def run_dir(tmp_path, composes):
    composed = composes(
        "recipe=faces", "loss.margin=0.7", "run_dir=${oc.env:SIMLEARN_TEST_UNSET}", ROOT
    )
    save_run_config(composed, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def load(run_dir, shipped):
    def call(*overrides):
        return load_run_config(run_dir, overrides, TARGETS, shipped=shipped)

    return call


def test_what_was_saved_is_loaded(load, composes):
    composed = composes(
        "recipe=faces", "loss.margin=0.7", "run_dir=${oc.env:SIMLEARN_TEST_UNSET}", ROOT
    )
    assert load() == composed


def test_nothing_but_the_two_files_is_left(run_dir):
    assert sorted(path.name for path in run_dir.iterdir()) == ["config.yaml", "recipe.yaml"]


def test_trainer_and_logger_may_change(load):
    composed = load("trainer.max_steps=7", "logger=csv")
    assert composed.config.trainer.max_steps == 7
    assert composed.config.logger.tensorboard is False
    assert composed.choices["logger"] == "csv"
    assert load("logger.tensorboard=false").config.logger.tensorboard is False
    without = load("logger=null")
    assert without.config.logger is None
    assert "logger" not in without.choices


@pytest.mark.parametrize(
    "override",
    ["seed=1", "loss.margin=1", "loss=contrastive", "trainer=cpu", "recipe=quick", "x=1"],
)
def test_the_rest_may_not(load, override):
    with pytest.raises(ConfigError, match="a resumed run keeps its configuration") as caught:
        load(override)
    assert f"override '{override}'" in str(caught.value)


def test_all_faults_at_once(load):
    with pytest.raises(ConfigError) as caught:
        load("seed=1", "logger=cvs", "trainer.max_step=1", "trainer.workers=x", "~a")
    assert len(caught.value.faults) == 5
    assert "Did you mean 'csv'?" in str(caught.value)
    assert "Did you mean 'trainer.max_steps'?" in str(caught.value)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no config\.yaml in this folder"):
        load_run_config(tmp_path / "nowhere", [], TARGETS)


def test_a_stored_configuration_is_checked_like_any_other(run_dir, load):
    path = run_dir / "config.yaml"
    path.write_text(path.read_text().replace("class: Triplet", "class: os.system"))
    with pytest.raises(ConfigError, match=r"config\.yaml:\d+: 'loss' has no class 'os\.system'"):
        load()


@pytest.mark.parametrize("text", ["a: [", "choices: 3", "card: x"])
def test_a_broken_recipe_file_is_named(run_dir, load, text):
    (run_dir / "recipe.yaml").write_text(text)
    with pytest.raises(ConfigError, match=r"recipe\.yaml"):
        load()


def test_without_the_recipe_file_the_run_still_goes_on(run_dir, load):
    (run_dir / "recipe.yaml").unlink()
    assert load().recipe is None


def test_saving_again_replaces(run_dir, load):
    save_run_config(load("trainer.max_steps=9"), run_dir)
    assert load().config.trainer.max_steps == 9

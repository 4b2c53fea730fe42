"""Composition: precedence, origins, and the same answer as Hydra's."""

from __future__ import annotations

import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from simlearn.config.compose import compose, to_yaml
from simlearn.config.errors import ConfigError
from simlearn.config.yaml_file import read_yaml
from tests.config.tree import TARGETS

ROOT = "data.root=/x"


def test_a_recipe(composes):
    composed = composes("recipe=faces", ROOT)
    assert composed.recipe == "faces"
    assert composed.card["paper"] == "huo2020"
    assert composed.choices["loss"] == "triplet"
    assert "strategy" not in composed.choices
    assert composed.config.strategy is None
    assert list(composed.config) == [
        *("seed", "run_dir", "data", "head", "loss", "strategy", "trainer", "logger")
    ]
    assert composed.config.data.frames == 8
    assert composed.config.data.side == 112
    assert composed.notes == ()


def test_option_then_recipe_then_command(composes):
    assert composes(ROOT).config.loss.margin == 0.2
    assert composes("recipe=faces", ROOT).config.loss.margin == 0.3
    assert composes("loss.margin=0.5", "recipe=faces", ROOT).config.loss.margin == 0.5
    assert composes("loss.margin=1", "loss.margin=2", ROOT).config.loss.margin == 2


def test_inheritance(composes):
    composed = composes("recipe=quick", ROOT)
    assert composed.card["claim"] == "it runs"
    assert composed.config.trainer.max_steps == 5
    assert composed.config.loss.margin == 0.3
    assert composes("loss=triplet_hard", ROOT).config.loss == {
        "class": "Triplet",
        "margin": 0.2,
        "mining": "hard",
        "squared": False,
        "weights": [0.5, 1.0],
    }


def test_a_card_is_not_inherited(shipped, composes):
    (shipped[1] / "child.yaml").write_text("defaults: [faces]\n")
    assert composes("recipe=child", ROOT).card == {}


def test_arguments_that_no_file_names_get_their_default(composes):
    assert composes(ROOT).config.loss.weights == [0.5, 1.0]


def test_a_group_without_default_is_chosen_by_name(composes):
    assert composes("strategy=ewc", "strategy.strength=2", ROOT).config.strategy == {
        "class": "Ewc",
        "strength": 2,
        "tables": None,
    }


def test_a_mapping_is_one_value_and_its_keys_can_be_set(composes):
    config = composes("data.split={train: 0.5}", "data.split.val=0.1", ROOT).config
    assert config.data.split == {"train": 0.5, "val": 0.1}


def test_the_users_folder(tmp_path, composes, faults):
    mine = tmp_path / "mine"
    (mine / "loss").mkdir(parents=True)
    (mine / "own.yaml").write_text("defaults: [faces, {override /loss: mine}]\nseed: 4\n")
    (mine / "loss" / "mine.yaml").write_text("defaults: [triplet]\nmargin: 9.0\n")
    composed = composes("recipe=own", ROOT, config_dirs=[mine])
    assert (composed.config.seed, composed.choices["loss"]) == (4, "mine")
    assert composed.config.loss.margin == 0.3
    assert composes("loss=mine", ROOT, config_dirs=[mine]).config.loss.margin == 9.0
    assert "there is no recipe 'own'" in faults("recipe=own", ROOT)[0]
    assert "no such folder" in faults(config_dirs=[tmp_path / "nowhere"])[0]


def test_all_faults_at_once(faults):
    found = faults(
        *("recipe=fases", "loss=tripet", "loss.margn=1", "data.frames=x", "+new=1"),
        *(
            "~trainer",
            "seed=1,2",
            "loss.class=os.system",
            "recipe.x=1",
            "seed.x=1",
            "loss.mining='${'",
        ),
    )
    expected = [
        *("keys cannot be deleted", "add -m", "Did you mean 'faces'", "Did you mean 'triplet'"),
        *("a recipe is a name", "names no class", "'seed' is a plain value", "breaks off"),
        *("unknown key 'loss.margn'", "'data.frames': expected int", "unknown key 'new'"),
        "'data.root' is missing",
    ]
    for words in expected:
        assert any(words in fault for fault in found), words
    assert len(found) == len(expected) == 12
    assert "missing" in found[-1]


def test_a_wrong_option_that_resembles_none_says_nothing_of_its_keys(faults):
    assert len(faults("loss=zzzzzz", "loss.abc=1", ROOT)) == 1


def test_a_broken_card_is_a_fault(shipped, faults):
    (shipped[1] / "bad.yaml").write_text("card: {papper: x}\n")
    assert "unknown key 'card.papper'. Did you mean 'paper'?" in faults("recipe=bad", ROOT)[0]


def test_missing_values_may_be_shown(composes, faults):
    assert "'data.root' is missing" in faults("recipe=faces")[0]
    composed = composes("recipe=faces", allow_missing=True)
    assert "  root: ???\n" in composed.text


def test_secrets_stay_unresolved_in_the_text(monkeypatch, composes):
    monkeypatch.setenv("SIMLEARN_TEST_TOKEN", "hunter2")
    composed = composes("run_dir=${oc.env:SIMLEARN_TEST_TOKEN}", ROOT)
    assert "hunter2" not in composed.text
    assert "run_dir: ${oc.env:SIMLEARN_TEST_TOKEN}" in composed.text
    assert "run_dir: hunter2" in to_yaml(composed.config, resolve=True)


def test_the_text_reads_back(tmp_path, composes):
    composed = composes("recipe=faces", ROOT, "run_dir='1e5'")
    (tmp_path / "c.yaml").write_text(composed.text)
    data = read_yaml(tmp_path / "c.yaml").data
    assert data == OmegaConf.to_container(composed.config, resolve=False)
    assert "card" not in data


def test_a_reference_without_a_value_is_told_when_resolved(composes):
    composed = composes("run_dir=${oc.env:SIMLEARN_TEST_UNSET}", ROOT)
    with pytest.raises(ConfigError, match="SIMLEARN_TEST_UNSET"):
        to_yaml(composed.config, resolve=True)


def test_any_folder_any_number_of_times_and_nothing_is_kept(tmp_path, monkeypatch, shipped, faults):
    first = compose(["recipe=faces", ROOT], TARGETS, shipped=shipped)
    monkeypatch.chdir(tmp_path)
    faults("recipe=nothing")
    second = compose(["recipe=faces", ROOT], TARGETS, shipped=shipped)
    assert first == second
    assert not GlobalHydra.instance().is_initialized()


def test_it_works_inside_an_application_of_hydra(shipped, composes):
    with initialize_config_dir(str(shipped[0]), version_base="1.3"):
        assert composes("recipe=faces", ROOT).recipe == "faces"
        assert GlobalHydra.instance().is_initialized()


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["loss=contrastive", "loss.margin=2.5"],
        ["strategy=ewc", "seed=3", "trainer=cpu"],
        ["data.split={train: 0.5}", "data.split.test=0", "run_dir='a b'"],
        ["loss=triplet_hard", "logger=csv", "data.root=${run_dir}/x"],
    ],
)
def test_agrees_with_hydras_own_composition(shipped, composes, overrides):
    ours = OmegaConf.to_container(composes(ROOT, *overrides).config, resolve=False)
    with initialize_config_dir(str(shipped[0]), version_base="1.3"):
        theirs = OmegaConf.to_container(hydra_compose("train", [ROOT, *overrides]), resolve=False)
    filled = {"loss": {"weights": [0.5, 1.0]}, "strategy": {"tables": None}}
    for group, values in filled.items():
        if theirs.get(group) and theirs[group]["class"] != "Contrastive":
            theirs[group] |= values
    assert {group: value for group, value in ours.items() if value is not None} == {
        group: value for group, value in theirs.items() if value is not None
    }

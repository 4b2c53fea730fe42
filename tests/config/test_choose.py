"""Which recipe and options a command has chosen."""

from __future__ import annotations

import pytest

from simlearn.config.catalogue import open_catalogue
from simlearn.config.choose import choose_options, choose_recipe
from simlearn.config.errors import ConfigError
from simlearn.config.overrides import parse_overrides
from simlearn.config.yaml_file import read_yaml


@pytest.fixture
def choose(shipped):
    def call(*texts):
        catalogue = open_catalogue(shipped=shipped)
        assignments, _ = parse_overrides(texts)
        recipe = choose_recipe(assignments, catalogue)
        root = read_yaml(catalogue.root)
        return recipe, choose_options(root, recipe, assignments, catalogue)

    return call


def test_no_recipe(choose):
    recipe, options = choose()
    assert (recipe.name, recipe.files, recipe.faults) == (None, [], [])
    assert options.chosen == {
        "data": "faces",
        "head": "linear",
        "loss": "triplet",
        "trainer": "auto",
        "logger": "tensorboard",
    }
    assert list(options.groups) == ["data", "head", "loss", "strategy", "trainer", "logger"]
    assert choose("recipe=null")[0].name is None


def test_the_recipe_chooses_before_the_command(choose):
    recipe, options = choose("recipe=quick", "loss=contrastive", "strategy=ewc", "logger=null")
    assert recipe.name == "quick"
    assert [file.path.stem for file in recipe.files] == ["faces", "quick"]
    assert options.chosen["trainer"] == "cpu"
    assert options.chosen["loss"] == "contrastive"
    assert options.chosen["strategy"] == "ewc"
    assert "logger" not in options.chosen
    assert options.groups["trainer"].origin.endswith("quick.yaml:2")
    assert options.groups["loss"].origin == "override 'loss=contrastive'"


def test_of_two_words_the_later_counts(choose):
    assert choose("loss=contrastive", "loss=triplet")[1].chosen["loss"] == "triplet"
    assert choose("recipe=faces", "recipe=quick")[0].name == "quick"


def test_an_option_brings_what_it_inherits(choose):
    files = choose("loss=triplet_hard")[1].files["loss"]
    assert [file.path.stem for file in files] == ["triplet", "triplet_hard"]


def test_a_wrong_name_is_a_fault_and_the_closest_stands_in(choose):
    recipe, options = choose("recipe=fases", "loss=tripet", "data=zzzzzz")
    assert recipe.name == "faces"
    assert recipe.faults[0].startswith(
        "override 'recipe=fases': there is no recipe 'fases'. Did you mean 'faces'?"
    )
    assert "python -m simlearn list" in recipe.faults[0]
    assert options.chosen["loss"] == "triplet"
    assert options.unknown == ["data"]
    assert options.faults == [
        "override 'data=zzzzzz': 'data' has no option 'zzzzzz'. Options: faces",
        "override 'loss=tripet': 'loss' has no option 'tripet'. Did you mean 'triplet'? "
        "Options: contrastive, triplet, triplet_hard",
    ]


def test_a_recipe_that_resembles_none(choose):
    recipe, _ = choose("recipe=zzzzzzz")
    assert (recipe.name, len(recipe.faults)) == (None, 1)


@pytest.mark.parametrize("value", ["3", "[a]", "{margin: 1}", "true"])
def test_an_option_is_a_name(choose, value):
    faults = choose(f"loss={value}")[1].faults
    assert len(faults) == 1
    assert "'loss' takes the name of an option" in faults[0]


def test_the_recipe_is_named_for_what_it_chooses(shipped, choose):
    (shipped[1] / "bad.yaml").write_text(
        "defaults:\n- override /loss: tripet\n- override /los: triplet\n"
    )
    faults = choose("recipe=bad")[1].faults
    assert "bad.yaml:3: there is no group 'los'. Did you mean 'loss'?" in faults[0]
    assert "bad.yaml:2: 'loss' has no option 'tripet'. Did you mean 'triplet'?" in faults[1]


def test_a_broken_option_file_is_a_fault(shipped, choose):
    (shipped[0] / "loss" / "broken.yaml").write_text("a: [")
    options = choose("loss=broken")[1]
    assert options.unknown == ["loss"]
    assert "broken.yaml" in options.faults[0]


@pytest.mark.parametrize("entry", ["loss", "3", "{loss: 3}", "{a: b, c: d}"])
def test_a_broken_root_is_told(shipped, choose, entry):
    (shipped[0] / "train.yaml").write_text(f"seed: 0\ndefaults:\n- {entry}\n")
    with pytest.raises(ConfigError, match=r"train\.yaml:3: write '- group: option'"):
        choose()

"""A recipe as comments and YAML."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from simlearn.__main__ import make_app
from simlearn.cli.show import card_comments
from simlearn.config.locate import config_dirs
from simlearn.config.recipes import list_recipes
from simlearn.config.yaml_file import read_yaml

RECIPES = [card.name for card in list_recipes([config_dirs()[1]])]


def show(*words):
    result = CliRunner().invoke(make_app(), ["show", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("name", RECIPES)
def test_every_shipped_recipe_is_shown_whole(name, tmp_path):
    text = show(name)
    path = tmp_path / "shown.yaml"
    path.write_text(text)
    data = read_yaml(path).data
    assert text.startswith(f"# recipe: {name}\n# paper: ")
    assert data["seed"] == 0
    made_of = next(group for group in ("loss", "model", "endpoint") if data[group] is not None)
    assert data[made_of]["class"] and data["task"]["class"]
    assert "card" not in data


def test_overrides_and_resolved(tmp_path):
    path = tmp_path / "shown.yaml"
    words = ("quickstart", "loss.margin=0.7", "seed=5", "run_dir=${oc.env:HOME}")
    path.write_text(show(*words))
    data = read_yaml(path).data
    assert (data["loss"]["margin"], data["data"]["seed"]) == (0.7, "${seed}")
    assert data["run_dir"] == "${oc.env:HOME}"
    path.write_text(show(*words, "--resolved"))
    data = read_yaml(path).data
    assert data["data"]["seed"] == 5
    assert "$" not in data["run_dir"]


def test_what_is_left_out_is_told():
    assert "# recipes/quickstart.yaml:" in show("quickstart", "loss=contrastive")


def test_a_recipe_of_the_user(tmp_path):
    (tmp_path / "mine.yaml").write_text("defaults: [quickstart]\nseed: 9\n")
    text = show("mine", "--config-dir", str(tmp_path))
    assert text.startswith("# recipe: mine\nseed: 9\n")


def test_every_line_of_a_card_is_a_comment():
    text = card_comments("x", {"claim": "two\nlines", "needs": {"a": [{"b": 1}]}, "note": ""})
    assert all(line.startswith("#") for line in text.splitlines())
    assert card_comments("x", {}) == "# recipe: x\n"

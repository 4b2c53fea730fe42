"""The table of recipes."""

from __future__ import annotations

import pytest
from rich.console import Console
from typer.testing import CliRunner

from simlearn.__main__ import make_app
from simlearn.cli.list_recipes import recipe_table
from simlearn.config.recipes import list_recipes

CARD = "card: {paper: p1, claim: '[bold]c[/bold]', published: null, needs: {hours: 2}, smoke: []}\n"


@pytest.fixture
def mine(tmp_path):
    (tmp_path / "good.yaml").write_text(CARD)
    (tmp_path / "broken.yaml").write_text("card: [")
    return tmp_path


def rendered(cards):
    console = Console(width=120)
    with console.capture() as capture:
        console.print(recipe_table(cards))
    return capture.get()


def test_one_row_per_recipe_and_markup_is_text(mine):
    text = rendered(list_recipes([mine]))
    assert "good" in text
    assert "p1" in text
    assert "[bold]c[/bold]" in text
    assert "2 hours" in text
    assert "broken: " in text


def test_no_recipe_no_row():
    assert "recipe" in rendered([])


def test_the_command_lists_the_users_and_the_shipped(mine):
    result = CliRunner().invoke(make_app(), ["list", "--config-dir", str(mine)])
    assert result.exit_code == 0
    for name in ("good", "broken", "quickstart", "triplet_c3d"):
        assert name in result.stdout
    assert "broken.yaml" in result.stderr
    assert "python -m simlearn.train recipe=NAME" in result.stdout

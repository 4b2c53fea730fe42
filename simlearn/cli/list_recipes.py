"""``simlearn list``: every recipe with what it claims and needs, read from the YAML cards alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from simlearn.config.recipes import RecipeCard

PIPED_WIDTH = 160


def list_command(
    config_dir: Annotated[
        list[Path] | None,
        typer.Option(help="A folder with your own recipes (DIR/NAME.yaml); may be repeated."),
    ] = None,
) -> None:
    """List the recipes: name, paper, claim, what each needs."""
    from rich.console import Console

    from simlearn.config.locate import config_dirs
    from simlearn.config.recipes import list_recipes

    cards = list_recipes([*(config_dir or []), config_dirs()[1]])
    console = Console(highlight=False, soft_wrap=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=PIPED_WIDTH)
    console.print(recipe_table(cards))
    for fault in (fault for card in cards for fault in card.faults):
        typer.echo(fault, err=True)
    typer.echo(
        "Run one: python -m simlearn.train recipe=NAME    See it: python -m simlearn show NAME"
    )


def recipe_table(cards: Sequence[RecipeCard]) -> Table:
    """The table of ``list``; a recipe with a fault says so in place of its claim.

    Args:
        cards: the recipes, in the order of the rows; none gives a table without rows.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE, pad_edge=False)
    table.add_column("recipe", no_wrap=True, style="bold")
    table.add_column("paper", no_wrap=True)
    table.add_column("claim", ratio=3)
    table.add_column("needs", ratio=1)
    for card in cards:
        claim = Text(f"broken: {card.faults[0]}", "red") if card.faults else Text(card.claim)
        table.add_row(Text(card.name), Text(card.paper), claim, Text(card.needs))
    return table

"""``simlearn show NAME``: a recipe's card as comments and its composed configuration as YAML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer


def show_command(
    name: Annotated[str, typer.Argument(help="A recipe; 'simlearn list' shows them.")],
    overrides: Annotated[
        list[str] | None, typer.Argument(help="group=option and key=value, as for a run.")
    ] = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Replace ${...} by the values behind it.")
    ] = False,
    config_dir: Annotated[
        list[Path] | None, typer.Option(help="A folder with your own recipes and options.")
    ] = None,
) -> None:
    """Show a recipe: its card as comments, its whole configuration as YAML (valid as a file)."""
    from simlearn.config.compose import compose, to_yaml
    from simlearn.runner import targets

    composed = compose(
        [f"recipe={name}", *(overrides or [])],
        targets(),
        config_dirs=config_dir or [],
        allow_missing=True,
    )
    typer.echo(card_comments(name, composed.card), nl=False)
    for note in composed.notes:
        typer.echo(f"# {note}")
    typer.echo(to_yaml(composed.config, resolve=resolved), nl=False)


def card_comments(name: str, card: Mapping[str, Any]) -> str:
    """A card as comment lines, the recipe's name first; every line begins with ``#``.

    An empty card gives the line with the name.
    """
    from simlearn.config.yaml_text import dump_yaml

    lines = [f"recipe: {name}", *(dump_yaml(dict(card)).splitlines() if card else [])]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)

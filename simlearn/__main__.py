"""``python -m simlearn COMMAND``: the small commands; training is ``python -m simlearn.train``."""

from __future__ import annotations

import sys

import typer

from simlearn.cli.doctor import doctor_command
from simlearn.cli.list_recipes import list_command
from simlearn.cli.show import show_command
from simlearn.config.errors import ConfigError


def make_app() -> typer.Typer:
    """The commands as one Typer application; plain help, so that nothing heavy is loaded."""
    app = typer.Typer(
        name="simlearn",
        help="Recipes and installation. To train: python -m simlearn.train recipe=NAME",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    app.command("list")(list_command)
    app.command("show")(show_command)
    app.command("doctor")(doctor_command)
    return app


def main() -> None:
    """Run one command and leave: 0 done, 1 ``doctor`` found a problem, 2 a wrong word."""
    try:
        make_app()(prog_name="simlearn")
    except ConfigError as error:
        print(error, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

"""The command line: thin, one file per command.

Each command parses, calls the library and prints. Results go to stdout, progress
and warnings to stderr. Exit codes are those of `tamis.cli.ending`.
"""

import sys
from typing import Annotated

import typer

from tamis.cli import (
    check,
    compare,
    demo,
    descriptors,
    duplicates,
    evaluate,
    export,
    index,
    search,
    serve,
    sort,
    split,
    study,
    train,
    undo,
)

app = typer.Typer(
    name="tamis",
    help="Sort a folder of pictures by example, and know how far to trust each answer.",
    epilog="Start with `tamis demo`. Each command has its own --help, with an example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
_ORDER = (
    demo,
    split,
    sort,
    undo,
    evaluate,
    train,
    export,
    compare,
    study,
    index,
    search,
    duplicates,
    check,
    serve,
    descriptors,
)
for _module in _ORDER:
    app.command()(getattr(_module, _module.__name__.rpartition(".")[2]))


def _print_version(asked: bool) -> None:
    if asked:
        from tamis import __version__
        from tamis.cli.console import say

        say(f"tamis {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; whatever ends a command early is told in one line."""
    from tamis.cli.ending import run

    sys.exit(run(app, sys.argv[1:]))

"""What the commands that run a function have in common: options, destinations, the console."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click
from rich.console import Console

from .lab.errors import UsageError
from .lab.private_file import check_destination

__all__ = ["check_destinations", "function_options", "open_console"]

_Command = TypeVar("_Command", bound=Callable[..., object])


def function_options(python_help: str) -> Callable[[_Command], _Command]:
    """The options of how a function is run: interpreter, variables, limits of time.

    Args:
        python_help: What ``--python`` says of the interpreter, without the default.
    """
    options = (
        click.option(
            "--python",
            default=sys.executable,
            metavar="PATH",
            help=f"{python_help}  [default: this one]",
        ),
        click.option(
            "--env",
            "settings",
            metavar="NAME=VALUE",
            multiple=True,
            help="Environment variable for the function; nothing else is passed on. Repeatable.",
        ),
        click.option(
            "--init-timeout",
            default=30.0,
            show_default=True,
            metavar="SECONDS",
            help="Limit from spawn to the end of init.",
        ),
        click.option(
            "--timeout",
            default=30.0,
            show_default=True,
            metavar="SECONDS",
            help="Limit for one call; the function sees it as its deadline.",
        ),
    )

    def decorate(command: _Command) -> _Command:
        for option in reversed(options):  # the one applied last is listed first
            command = option(command)
        return command

    return decorate


def check_destinations(outputs: Mapping[str, str | None]) -> None:
    """Check where files will be written, before anything runs.

    Args:
        outputs: Path by option; `None` where the option was not given.

    Raises:
        UsageError: A file cannot be written, or two options name the same one.
    """
    taken: dict[Path, str] = {}
    for option, out in outputs.items():
        if out is None:
            continue
        check_destination(Path(out), option=option)
        place = Path(out).absolute()
        if place in taken:
            raise UsageError(f"{taken[place]} and {option} name the same file, {out!r}")
        taken[place] = option


def open_console(piped_width: int) -> Console:
    """The console of a result: as wide as the terminal, or as given where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=piped_width)

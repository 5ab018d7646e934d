"""The command ``coldcache startup``: a timeline from a file or a pipe, drawn or as spans."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from coldcache._startup import Startup
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.private_file import check_destination, write_private

from .picture import draw_svg

__all__ = ["startup"]

# A document has 512 steps at most; one of this size is something else.
_LARGEST_BYTES = 4 * 1024 * 1024


@click.command()
@click.argument("file", metavar="FILE")
@click.option("--spans", is_flag=True, help="Print spans in the shape of OTLP's JSON instead.")
@click.option("--svg", "picture", metavar="OUT", help="Draw it into an SVG file instead.")
def startup(file: str, *, spans: bool, picture: str | None) -> None:
    """Draw the timeline of a start.

    FILE holds what coldcache.startup().to_json() returned: what a process wrote that was started
    with COLDCACHE_STARTUP_FILE=FILE, or the answer of a readiness port's /startup; - reads it from
    the standard input.
    """
    if picture is not None:
        if spans:
            raise UsageError("--svg draws and --spans prints: leave one of them out")
        check_destination(Path(picture), option="--svg")
    try:
        read = Startup.from_dict(json.loads(_read(file)))
    except RecursionError:
        raise UsageError(f"{file}: this is no timeline of a start: nested too deeply") from None
    except ValueError as error:
        # What JSON says of a broken text is about places in it, not about what it holds.
        raise UsageError(f"{file}: {error}") from None
    if picture is not None:
        write_private(draw_svg(read.document), Path(picture), option="--svg")
        return
    click.echo(json.dumps(read.to_spans(), indent=2) if spans else str(read))


def _read(file: str) -> str:
    try:
        if file == "-":
            text = sys.stdin.buffer.read(_LARGEST_BYTES + 1)
        else:
            with Path(file).open("rb") as opened:
                text = opened.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    if len(text) > _LARGEST_BYTES:
        raise UsageError(f"{file} is larger than any timeline of a start")
    return text.decode("utf-8")

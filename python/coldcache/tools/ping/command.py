"""The command ``coldcache ping``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from coldcache.tools.lab.private_file import check_destination, write_private
from coldcache.tools.options import open_console

from .outcome import Round
from .plan import PingPlan
from .report import print_round
from .sender import Access, send_round

__all__ = ["ping"]

_PIPED_WIDTH = 120


@click.command()
@click.argument("function")
@click.option("--count", default=1, show_default=True, help="Pings to send at once.")
@click.option(
    "--hold",
    default=0.5,
    show_default=True,
    metavar="SECONDS",
    help="How long each environment holds its ping, so that the next one finds another.",
)
@click.option("--qualifier", metavar="NAME", help="Version or alias of the function.")
@click.option(
    "--require",
    type=int,
    metavar="N",
    help="Fail unless so many environments were reached.  [default: no number]",
)
@click.option("--timeout", default=60.0, show_default=True, metavar="SECONDS", help="For a ping.")
@click.option("--region", help="Region of the function.")
@click.option("--profile", help="Profile in the files of the AWS command line.")
@click.option("--endpoint-url", metavar="URL", help="Another address of the Lambda API.")
@click.option("--json", "out", metavar="OUT", help="Write the outcome of each ping to this file.")
def ping(
    function: str,
    count: int,
    hold: float,
    qualifier: str | None,
    require: int | None,
    timeout: float,
    region: str | None,
    profile: str | None,
    endpoint_url: str | None,
    out: str | None,
) -> int:
    """Warm up FUNCTION on AWS Lambda, and count the environments that were reached.

    The function's handler has to be decorated with @coldcache.handler. It runs none of its own code
    for a ping, only what coldcache.warm_up would run. The exit code is 1 if a ping was not answered
    by it, or if fewer environments were reached than --require asks for.
    """
    plan = PingPlan(function, count=count, qualifier=qualifier, hold_s=hold, timeout_s=timeout)
    if require is not None and not 0 < require <= count:
        raise click.BadParameter(f"must be 1 to --count ({count})", param_hint="--require")
    if out is not None:
        check_destination(Path(out))
    result = send_round(plan, Access(region, profile, endpoint_url))
    if out is not None:
        text = json.dumps(result.to_document(), indent=2) + "\n"
        write_private(text, Path(out), option="--json")
    print_round(result, open_console(_PIPED_WIDTH))
    return _exit_code(result, require)


def _exit_code(result: Round, require: int | None) -> int:
    if result.kinds["pong"] < result.plan.count:
        return 1
    return int(require is not None and len(result.environments) < require)

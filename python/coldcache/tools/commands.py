"""The commands of ``coldcache``, put together. A new command is one more line here."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import click

from .budget.command import budget
from .lab.command import lab
from .optimize.command import optimize
from .ping.command import ping
from .profile.command import profile
from .startup.command import startup

__all__ = ["coldcache"]


def _version() -> str:
    try:
        return version("coldcache")
    except PackageNotFoundError:
        return "unknown"


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(_version(), prog_name="coldcache")
def coldcache() -> None:
    """See, shrink and prove the cold starts of serverless Python functions."""


coldcache.add_command(budget)
coldcache.add_command(lab)
coldcache.add_command(optimize)
coldcache.add_command(ping)
coldcache.add_command(profile)
coldcache.add_command(startup)

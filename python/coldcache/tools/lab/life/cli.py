"""The options that describe the life of an environment, for every command that runs one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, get_args

import click

from ..errors import UsageError
from .options import FULL_PROCESSOR_MB, Extensions, Initialization, Life

__all__ = ["check_unused", "life_options"]

_OPTIONS = (
    click.option(
        "--initialization",
        type=click.Choice(get_args(Initialization)),
        default="on-demand",
        show_default=True,
        help="When and how environments are initialised.",
    ),
    click.option(
        "--init-limit",
        type=float,
        metavar="SECONDS",
        help="Cut an init that takes longer; it runs again inside the first call."
        "  [default: 10 on demand, otherwise the larger of 130 and --timeout]",
    ),
    click.option(
        "--proactive-gap",
        type=float,
        metavar="SECONDS",
        help="Initialise ahead of requests: the first event comes so long after the init.",
    ),
    click.option(
        "--freeze",
        type=float,
        metavar="SECONDS",
        help="Freeze between calls; a freeze seems to have lasted so long by the wall clock. "
        "0: the clocks run on.",
    ),
    click.option(
        "--snapshot",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="How long taking the snapshot lasts, with snap-start.",
    ),
    click.option(
        "--workers",
        default=1,
        show_default=True,
        metavar="N",
        help="Processes that serve calls side by side, with lambda-managed-instances.",
    ),
    click.option(
        "--memory",
        default=FULL_PROCESSOR_MB,
        show_default=True,
        metavar="MB",
        help="The function's memory size.",
    ),
    click.option("--limit-memory", is_flag=True, help="End a function that uses more than that."),
    click.option(
        "--limit-cpu", is_flag=True, help="Throttle calls to the processor share of that size."
    ),
    click.option(
        "--extensions",
        type=click.Choice(get_args(Extensions)),
        default="none",
        show_default=True,
        help="Kind of extension: decides the time between SIGTERM and SIGKILL at the end.",
    ),
)


def life_options(command: Callable[..., int | None]) -> Callable[..., int | None]:
    """Add the options of a life to a command; it gets a :class:`Life` as its argument *life*."""

    @functools.wraps(command)
    def with_life(**arguments: Any) -> int | None:
        freeze = arguments.pop("freeze")
        life = Life(
            initialization=arguments.pop("initialization"),
            init_limit_s=arguments.pop("init_limit"),
            proactive_gap_s=arguments.pop("proactive_gap"),
            freeze=freeze is not None,
            frozen_clock_shift_s=freeze or None,
            snapshot_s=arguments.pop("snapshot"),
            workers=arguments.pop("workers"),
            memory_mb=arguments.pop("memory"),
            limit_memory=arguments.pop("limit_memory"),
            limit_cpu=arguments.pop("limit_cpu"),
            extensions=arguments.pop("extensions"),
        )
        return command(life=life, **arguments)

    decorated: Callable[..., int | None] = with_life
    for option in reversed(_OPTIONS):  # the one applied last is listed first
        decorated = option(decorated)
    return decorated


def check_unused(life: Life, *, needed: str) -> None:
    """Refuse options of a life where no environment lives longer than a sample.

    Args:
        life: What was given.
        needed: The options that would make it live.

    Raises:
        UsageError: One was given.
    """
    plain = Life()
    given = [name for name in vars(plain) if getattr(life, name) != getattr(plain, name)]
    if given:
        raise UsageError(
            f"the life of an environment ({', '.join(given)}) shows only over several calls; "
            f"give {needed} as well"
        )

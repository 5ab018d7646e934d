"""`warm_up`: run what declared itself, by dependency, independent things side by side."""

from __future__ import annotations

import math
import sys

from coldcache import _graph, _progress, _replay
from coldcache._warm_run import Run
from coldcache.exceptions import WarmUpError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable
    from typing import Any

    from coldcache._warm_report import WarmUpReport

# Threads at most, where the caller does not say: what waits for a network needs no processor.
_MOST_THREADS = 16

_last: WarmUpReport | None = None


def warm_up(
    *,
    parallel: bool | int = True,
    budget: float | None = None,
    event: object = None,
    handler: Callable[..., Any] | None = None,
    eager: bool | None = None,
    loop: asyncio.AbstractEventLoop | None = None,
) -> WarmUpReport:
    """Run what declared itself to be run before the first request, each thing once.

    That is: `once` functions, resources and pools (with *warm*), lazy names, and the functions that
    are declared with `step`. Each begins when all that it comes after is done; independent ones run
    side by side in threads, asynchronous ones in one event loop. What fails is reported, and what
    comes after it is skipped. Only steps are required unless they say otherwise; everything else is
    tried again by its first use.

    On an on-demand start of AWS Lambda a request is waiting. What is declared with
    ``warm="prepaid"``, lazy names and the sample event are then deferred, unless something else
    comes after them. Everything runs under provisioned concurrency, SnapStart and managed
    instances, and off Lambda.

    Args:
        parallel: Whether independent things run side by side, or in how many threads at most. With
            False they run one after the other in the calling thread.
        budget: Seconds after which nothing is begun and nothing waited for any more. What runs then
            goes on beside; with *parallel* off it is waited for.
        event: A sample event to call the handler with when all else is done. Functions declared
            with `side_effect` are blocked meanwhile.
        handler: The handler for *event*, ``handler(event, context)``; the one that the platform
            was told of by default.
        eager: Whether to run also what the first request does not need; by default as above.
        loop: The event loop for asynchronous things: one that runs in another thread, or one that
            does not run yet and is run by this call. By default one of its own, which is closed at
            the end; resources and pools that belong to a loop are deferred then.

    Returns:
        The report.

    Raises:
        WarmUpError: Something required failed, was skipped, or was not done within the budget. It
            has the report, and the first failure as its cause.
        ConfigError: A step comes after a name that no step has, or there is no handler.
        TypeError: An argument has the wrong type.
        ValueError: *budget* is no positive number, or *parallel* no number of threads.
        RuntimeError: It is called in the thread of a running event loop: use `warm_up_async`.
    """
    run = _prepare(parallel, budget, event, handler, eager)
    if loop is None or loop.is_running():
        _refuse_to_block(loop)
        return _finish(run, run.run(loop))
    # The caller's loop, run from here for as long as it takes.
    from coldcache._warm_loop import beside  # noqa: PLC0415 - see there

    return _finish(run, loop.run_until_complete(beside(run.run)))


async def warm_up_async(
    *,
    parallel: bool | int = True,
    budget: float | None = None,
    event: object = None,
    handler: Callable[..., Any] | None = None,
    eager: bool | None = None,
) -> WarmUpReport:
    """The same inside a running event loop, on which asynchronous things run.

    Everything else runs in threads. An asynchronous handler is called with *event* on a loop of its
    own. If the caller is cancelled the warm-up goes on.

    Args:
        parallel: As for `warm_up`; with False things run one after the other in one thread.
        budget: As for `warm_up`.
        event: As for `warm_up`.
        handler: As for `warm_up`.
        eager: As for `warm_up`.

    Returns:
        The report.

    Raises:
        WarmUpError: As for `warm_up`.
        ConfigError: As for `warm_up`.
        TypeError: As for `warm_up`.
        ValueError: As for `warm_up`.
    """
    from coldcache._warm_loop import beside  # noqa: PLC0415 - see there

    run = _prepare(parallel, budget, event, handler, eager)
    return _finish(run, await beside(run.run))


def last_warm_up() -> WarmUpReport | None:
    """Return the report of the latest warm-up, also of one that failed; ``None`` without any."""
    return _last


def _prepare(
    parallel: bool | int,
    budget: float | None,
    event: object,
    handler: Callable[..., Any] | None,
    eager: bool | None,
) -> Run:
    threads = _threads(parallel)
    if budget is not None:
        if isinstance(budget, bool) or not isinstance(budget, (int, float)):
            message = f"budget must be a number of seconds or None, got {budget!r}"
            raise TypeError(message)
        if not (budget > 0 and math.isfinite(budget)):
            message = f"budget must be a positive number of seconds, got {budget!r}"
            raise ValueError(message)
    if handler is not None and not callable(handler):
        message = f"handler must be a function of an event and a context, got {handler!r}"
        raise TypeError(message)
    if handler is not None and event is None:
        raise TypeError("handler= is for event=, and there is no event")
    replay = None
    if event is not None:
        replay = _replay.Replay(handler or _replay.find_handler(), event)
    start = _graph.start_kind()
    return Run(
        _graph.build(replay),
        threads=threads,
        budget=budget,
        start=start,
        eager=_graph.is_prepaid(start) if eager is None else bool(eager),
    )


def _threads(parallel: bool | int) -> int:
    if isinstance(parallel, bool):
        return _MOST_THREADS if parallel else 0
    if not isinstance(parallel, int):
        message = f"parallel must be True, False or a number of threads, got {parallel!r}"
        raise TypeError(message)
    if parallel < 1:
        message = f"parallel must be at least one thread, got {parallel!r}; False is for none"
        raise ValueError(message)
    return parallel


def _refuse_to_block(loop: asyncio.AbstractEventLoop | None) -> None:
    loops = sys.modules.get("asyncio.events")
    running = loops._get_running_loop() if loops is not None else None  # noqa: SLF001 - documented
    if running is None:
        return
    if loop is None or loop is running:
        message = "warm_up() would block the running event loop; await coldcache.warm_up_async()"
        raise RuntimeError(message)


def _finish(run: Run, report: WarmUpReport) -> WarmUpReport:
    global _last  # noqa: PLW0603 - what last_warm_up tells
    _last = report
    _progress.tell(report.steps, is_over=True)
    if run.ending is not None:
        raise run.ending
    if report.ok:
        return report
    words = []
    cause: BaseException | None = None
    for step in report.steps:
        if step.required and step.state in ("failed", "skipped", "running"):
            words.append(f"{step.name!r} {_how(step.state, step.error, step.reason)}")
        if cause is None and step.error is not None:
            cause = step.error
    error = WarmUpError(f"required steps of the warm-up are not done: {'; '.join(words)}")
    error.report = report
    raise error from cause


def _how(state: str, error: BaseException | None, reason: str) -> str:
    if error is not None:
        return f"failed ({type(error).__name__})"
    return f"{state} ({reason})" if reason else state

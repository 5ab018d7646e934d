"""How an experiment goes on: a live bar on a terminal, a line a stage anywhere else.

Drawn in the thread that drives the fleet, and seldom: while it draws, it hands out no calls.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from .experiment import LoadObserver

__all__ = ["observe_load"]

_REDRAW_S = 0.5


@contextlib.contextmanager
def observe_load(console: Console) -> Iterator[LoadObserver]:
    """An observer that shows the progress on *console*, for the time of the block."""
    # Asked of the file itself: colours may be forced where no cursor can be moved.
    if console.is_dumb_terminal or not console.file.isatty():
        yield _Lines(console)
        return
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        yield _Bar(bar)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console

    def stage(self, what: str, steps: int) -> None:
        """A line."""
        text = f"{what}: {steps}"
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)

    def step(self) -> None:
        """Too often for a line."""


class _Bar:
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None)
        self._drawn_s = 0.0

    def stage(self, what: str, steps: int) -> None:
        """Begin anew."""
        self._bar.reset(self._task, total=steps, description=what)
        self._bar.refresh()

    def step(self) -> None:
        """Advance the bar, and draw it now and then."""
        self._bar.update(self._task, advance=1)
        if time.monotonic() - self._drawn_s > _REDRAW_S:
            self._drawn_s = time.monotonic()
            self._bar.refresh()

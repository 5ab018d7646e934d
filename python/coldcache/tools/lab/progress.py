"""How a run goes on: a live bar on a terminal, a line now and then anywhere else.

Drawn between processes only. A display with a thread of its own would wake up while a process is
being timed and hold the interpreter just when the server has to stamp a request.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .plan import LabPlan
from .result import Sample
from .run import Observer

__all__ = ["observe"]

_MOST_LINES = 20


@contextlib.contextmanager
def observe(plan: LabPlan, console: Console) -> Iterator[Observer]:
    """An observer that shows the progress of *plan* on *console*, for the time of the block."""
    # Asked of the file itself: colours may be forced where no cursor can be moved.
    if console.is_dumb_terminal or not console.file.isatty():
        yield _Lines(plan, console)
        return
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[medians]}", style="dim", markup=False),
        console=console,
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
    with bar:
        yield _Bar(plan, bar)


class _Lines:
    """Plain lines, at most a handful however many rounds there are."""

    def __init__(self, plan: LabPlan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._every = math.ceil(plan.runs / _MOST_LINES)

    def process_done(self, what: str) -> None:
        """Too often for a line."""

    def round_done(self, samples: Sequence[Sample]) -> None:
        """A line for each round, or for each few of them."""
        done = samples[-1].round + 1 - self._plan.warmups
        if samples[-1].is_warmup:
            text = f"warm-up {samples[-1].round + 1}/{self._plan.warmups} done"
        elif done % self._every == 0 or done == self._plan.runs:
            medians = _medians(self._plan, samples)
            text = f"round {done}/{self._plan.runs} done; init + first answer: {medians}"
        else:
            return
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


class _Bar:
    """A bar that counts processes and shows the medians so far."""

    def __init__(self, plan: LabPlan, bar: Progress) -> None:
        self._plan = plan
        self._bar = bar
        self._task = bar.add_task("starting", total=plan.processes, medians="")
        bar.refresh()

    def process_done(self, what: str) -> None:
        """Advance the bar by one process."""
        self._bar.update(self._task, advance=1, description=what, refresh=True)

    def round_done(self, samples: Sequence[Sample]) -> None:
        """Show the medians of the counted rounds."""
        if not samples[-1].is_warmup:
            self._bar.update(self._task, medians=_medians(self._plan, samples), refresh=True)


def _medians(plan: LabPlan, samples: Sequence[Sample]) -> str:
    """Medians of init and first answer over all events, a rough word on how it looks so far."""
    parts = []
    for role, label in plan.labels.items():
        times = [
            one.first_answer_ms for one in samples if one.variant == role and not one.is_warmup
        ]
        parts.append(f"{label} {statistics.median(times):.0f} ms")
    return ", ".join(parts)

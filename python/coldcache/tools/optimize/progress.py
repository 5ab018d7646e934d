"""What the optimiser says on stderr while it works."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from rich.console import Console

from coldcache.tools.lab.failure import printable
from coldcache.tools.lab.plan import LabPlan
from coldcache.tools.lab.progress import observe
from coldcache.tools.lab.run import Observer

from .oracle import Finding
from .run import Reporter

__all__ = ["ConsoleReporter"]

_EVERY_S = 5.0  # seconds between lines about trials, where no line can be written over


class ConsoleReporter(Reporter):
    """Lines for stages, a word now and then on how the search goes."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._trials = 0
        self._last_s = time.monotonic()

    def stage(self, text: str) -> None:
        """A line."""
        self._line(text)
        self._last_s = time.monotonic()

    def finding(self, finding: Finding) -> None:
        """A line every few seconds."""
        self._trials += 1
        now_s = time.monotonic()
        if now_s - self._last_s < _EVERY_S:
            return
        self._last_s = now_s
        how = "works" if finding.passes else "does not work yet"
        self._line(f"{self._trials} sets tried; with {len(finding.eager)} imports eager it {how}")

    @contextlib.contextmanager
    def lab(self, plan: LabPlan) -> Iterator[Observer | None]:
        """The lab's own progress."""
        with observe(plan, self._console) as observer:
            yield observer

    def _line(self, text: str) -> None:
        self._console.print(printable(text), markup=False, highlight=False, soft_wrap=True)

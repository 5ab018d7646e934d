"""Signals that end a run: turned into one exception, and held back where they must not strike.

A process that was spawned but not yet noted, or a kill that is interrupted half-way, would leave an
orphan behind. Such moments are wrapped in :func:`deferred`.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

__all__ = ["Stopped", "deferred", "raised"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Someone asked this process to end.

    Attributes:
        signal: Which signal it was.
    """

    def __init__(self, signum: int) -> None:
        self.signal = signal.Signals(signum)
        super().__init__(self.signal.name)


@contextlib.contextmanager
def raised() -> Iterator[None]:
    """Raise :class:`Stopped` in the main thread on SIGINT, SIGTERM and SIGHUP.

    A signal that the parent had us ignore stays ignored. Outside the main thread nothing changes.
    """

    def stop(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape of a handler
        raise Stopped(signum)

    with _handled_by(stop):
        yield


@contextlib.contextmanager
def deferred() -> Iterator[None]:
    """Hold the same signals back until the end of the block, then deliver the first of them."""
    pending: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the shape of a handler
        pending.append(signum)

    try:
        with _handled_by(note):
            yield
    finally:
        if pending:
            signal.raise_signal(pending[0])


@contextlib.contextmanager
def _handled_by(handler: signal._HANDLER) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield  # signal handlers run in the main thread only: nothing can strike here
        return
    previous = {
        signum: current
        for signum in _SIGNALS
        # None: installed by something other than Python, which could not be put back.
        if (current := signal.getsignal(signum)) not in {None, signal.SIG_IGN}
    }
    for signum in previous:
        signal.signal(signum, handler)
    try:
        yield
    finally:
        for signum, current in previous.items():
            signal.signal(signum, current)

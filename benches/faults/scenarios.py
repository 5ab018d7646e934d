"""The faults, each as the function lives through it.

A fault is a plain function of a trial: it makes calls, asks the stage (the process that owns the
servers) to do something to them, and says when the fault is over.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faults.place import Place
    from faults.subjects import Subject
    from faults.trial import Trial

HOUR_S = 3600
SLOW_S = 0.02
EXHAUSTING_S = 1.5  # longer than anybody waits for a connection, shorter than any limit on answers


def restarted(trial: Trial) -> None:
    """The server is restarted between two calls."""
    trial.open()
    trial.calls("before", 0.2)
    trial.ask("restart")
    trial.fault_ends()
    trial.calls("after", 0.8)


def cut(trial: Trial) -> None:
    """The middleman cuts all connections in mid-query, five times."""
    trial.open()
    trial.calls("before", 0.2)
    with trial.at_work("during", 0.4, SLOW_S) as (work, count):
        for cuts in range(5):
            work.until_begun(8 + cuts * count // 5)
            time.sleep(SLOW_S / 2)
            trial.ask("cut")
    trial.fault_ends()
    trial.calls("after", 0.4)


def down_at_start(trial: Trial) -> None:
    """The server is down when the function starts, and comes up later."""
    trial.ask("stop")
    trial.open()
    trial.calls("during", 0.2)
    trial.ask("start")
    trial.fault_ends()
    trial.calls("after", 0.8)


def frozen(trial: Trial) -> None:
    """After a freeze of 1 h the connections are half open: packets vanish, nobody is told."""
    trial.open()
    trial.calls("before", 0.2)
    shift = trial.clocks()
    trial.ask("freeze")  # the stage takes the connections away while this process is stopped
    shift(HOUR_S, 0)
    trial.fault_ends()
    trial.calls("after", 0.8)


def rotated(trial: Trial) -> None:
    """The password is rotated, and sessions under the old one are ended."""
    trial.open()
    trial.calls("before", 0.2)
    trial.ask("rotate")
    trial.fault_ends()
    trial.calls("after", 0.8)


def exhausted(trial: Trial) -> None:
    """Slow queries take every connection there is for 1.5 s."""
    trial.open()
    subject = trial.subject
    trial.calls("before", 0.2)
    holders = [
        threading.Thread(target=trial.make(EXHAUSTING_S), args=(0,), daemon=True)
        for _ in range(subject.size)
    ]
    for holder in holders:
        holder.start()
    trial.ask(f"busy {subject.size}")
    trial.calls("during", 0.2)
    for holder in holders:
        holder.join(10)
    trial.fault_ends()
    trial.calls("after", 0.6)


def hanging_factory(trial: Trial) -> None:
    """Connecting hangs, without a time limit of the driver's."""
    trial.ask("stall")
    trial.open()
    trial.calls("during", 0.2)
    trial.ask("resume")
    trial.fault_ends()
    trial.calls("after", 0.8)


def check_raises(trial: Trial) -> None:
    """The check raises."""
    _checked(trial, "raise")


def check_hangs(trial: Trial) -> None:
    """The check hangs."""
    _checked(trial, "hang")


def _checked(trial: Trial, mode: str) -> None:
    trial.open()
    shift = trial.clocks()
    trial.calls("before", 0.2)
    trial.place.switches.check = mode
    for _ in range(4):
        shift(HOUR_S, 0)  # a reason to check
        trial.calls("during", 0.1)
    trial.place.switches.check = None
    trial.fault_ends()
    shift(HOUR_S, 0)
    trial.calls("after", 0.4)
    trial.place.switches.released.set()


def close_raises(trial: Trial) -> None:
    """Closing a broken connection raises; the server is restarted twice."""
    trial.open()
    trial.place.switches.close_raises = True
    trial.calls("before", 0.2)
    trial.ask("restart")
    trial.calls("during", 0.4)
    trial.ask("restart")
    trial.fault_ends()
    trial.calls("after", 0.4)


def forked(trial: Trial) -> None:
    """The process forks while a connection is checked out and calls are under way."""
    trial.open()
    trial.calls("before", 0.2)
    with trial.subject.hold(), trial.at_work("during", 0.4, SLOW_S) as (work, _):
        work.until_begun(8)
        child = trial.fork()
        if child is None:  # in the child
            trial.drop_calls()
            trial.calls("in the child", 0.2)
            raise SystemExit  # an ordinary end, with everything that is done then
        trial.wait_for(child)
    trial.fault_ends()
    trial.calls("after", 0.2)


def left_during_load(trial: Trial) -> None:
    """The process exits while its first connection is being made."""
    trial.ask("stall")
    trial.open()
    for _ in range(8):
        threading.Thread(target=trial.make(), args=(1,), daemon=True).start()
    trial.ask("connecting")
    sys.stdout.flush()
    raise SystemExit


Fault = Callable[["Trial"], None]

FAULTS: dict[str, Fault] = {
    function.__name__.replace("_", " "): function
    for function in (
        restarted,
        cut,
        down_at_start,
        frozen,
        rotated,
        exhausted,
        hanging_factory,
        check_raises,
        check_hangs,
        close_raises,
        forked,
    )
}
FAULTS["frozen, driver's limit"] = frozen
# These are played in many processes, eight callers each.
EXITS = ("left during load", "left during load, no limit")

# Faults for which the function goes to its server by way of the middleman.
BY_MIDDLEMAN = {"cut", "frozen", "frozen, driver's limit", "hanging factory", *EXITS}


def prepare(fault: str, place: Place) -> None:
    """Set the function's environment up for the fault."""
    if fault == "hanging factory" or fault in EXITS:
        place.connect_timeout = None
    if fault == "frozen, driver's limit":
        place.tcp_user_timeout = 2000
    if fault == "left during load, no limit":
        place.timeout = None


def takes_part(subject: type[Subject], fault: str) -> bool:
    """Whether the fault can happen to the subject at all."""
    if fault.startswith("check"):
        return subject.has_check
    if fault == "close raises":
        return subject.has_close
    if fault == "left during load, no limit":
        return subject.has_limit
    if fault in EXITS:
        return subject.is_lazy  # the others connect before there is anything to leave
    if fault == "frozen, driver's limit":
        return subject.server == "postgresql"  # redis-py limits every answer already
    return True


def stop_self() -> None:
    """Stop as the platform does it; goes on when the stage says so."""
    os.kill(os.getpid(), signal.SIGSTOP)

"""Freeze between calls and the two clocks, seen from inside the function."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.life import CallRecord, Life
from coldcache.tools.lab.life.clock import shift_library

from .conftest import LONG_S, Function

HOUR_S = 3600.0

needs_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="NOT TESTED: shifting the clocks needs a C compiler"
)

CLOCKS = """
import time
def handler(event, context):
    note("clocks", [time.time(), time.monotonic(), context.get_remaining_time_in_millis()])
"""

TICKING = """
import threading, time
ticks = []
def tick():
    while True:
        ticks.append(time.monotonic())
        time.sleep(0.001)
threading.Thread(target=tick, daemon=True).start()
def handler(event, context):
    time.sleep(0.02)
    note("ticks", list(ticks))
"""


def wait_until_frozen(environment: object) -> None:
    """Wait until the client has asked for its next event, which freezes it."""
    environment.freeze()  # type: ignore[attr-defined]


@pytest.mark.parametrize("freezes", [True, False])
def test_background_threads_stand_still_between_calls(
    function: Callable[..., Function], call: Callable[..., CallRecord], freezes: bool
) -> None:
    subject = function(TICKING)
    with subject.environment(Life(freeze=freezes)) as environment:
        call(environment)
        if freezes:
            wait_until_frozen(environment)
        threading.Event().wait(0.25)  # real time: a thread that is not frozen would go on
        call(environment)

    _, ticks = subject.noted("ticks")
    longest = max(after - before for before, after in itertools.pairwise(ticks))
    assert (longest >= 0.25) == freezes


def test_what_the_function_started_is_frozen_with_it(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(
        """
        import subprocess, sys
        def handler(event, context):
            child = subprocess.Popen(["sleep", "900"], start_new_session=True)
            note("child", child.pid)
        """
    )
    with subject.environment(Life(freeze=True)) as environment:
        call(environment)
        wait_until_frozen(environment)
        [child] = subject.noted("child")
        state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]

    assert state == "T"


def test_an_environment_initialised_ahead_is_frozen_until_its_first_event(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(TICKING)
    with subject.environment(Life(freeze=True)) as environment:
        environment.start()
        wait_until_frozen(environment)
        threading.Event().wait(0.25)  # real time: a thread that is not frozen would go on
        call(environment)

    [ticks] = subject.noted("ticks")
    assert max(after - before for before, after in itertools.pairwise(ticks)) >= 0.25


@needs_compiler
def test_the_wall_clock_jumps_and_the_monotonic_clock_stands_still(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(CLOCKS)
    life = Life(freeze=True, frozen_clock_shift_s=HOUR_S)
    with subject.environment(life) as environment:
        call(environment)
        wait_until_frozen(environment)
        frozen = time.monotonic()
        threading.Event().wait(0.3)  # real time: the monotonic clock inside must not see it
        thawed = time.monotonic()
        call(environment)
        seen = time.monotonic()

    first, second = subject.noted("clocks")
    assert second[0] - first[0] >= HOUR_S
    assert 0 <= second[1] - first[1] <= (seen - frozen) - (thawed - frozen) + 0.2


@needs_compiler
def test_shifts_add_up_and_survive_a_reset(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(
        CLOCKS.replace("note", "if event.get('crash'): import os; os._exit(1)\n    note")
    )
    life = Life(freeze=True, frozen_clock_shift_s=HOUR_S)
    with subject.environment(life) as environment:
        before = time.time()
        call(environment)
        for fields in ({}, {"crash": True}, {}):
            wait_until_frozen(environment)
            environment.call(json.dumps(fields).encode())

    walls = [wall - before for wall, _, _ in subject.noted("clocks")]
    assert [round(wall / HOUR_S) for wall in walls] == [0, 1, 2]


@needs_compiler
def test_a_call_can_say_how_long_the_freeze_before_it_was(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(CLOCKS)
    with subject.environment(Life(freeze=True, frozen_clock_shift_s=0)) as environment:
        call(environment)
        wait_until_frozen(environment)
        environment.call(b"{}", frozen_s=2 * HOUR_S)

    first, second = subject.noted("clocks")
    assert 2 * HOUR_S <= second[0] - first[0] < 2.1 * HOUR_S


@needs_compiler
def test_deadlines_go_by_the_clock_inside(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(CLOCKS)
    life = Life(freeze=True, frozen_clock_shift_s=HOUR_S)
    with subject.environment(life, call_timeout_s=20) as environment:
        call(environment)
        wait_until_frozen(environment)
        call(environment)

    assert all(10_000 < left_ms <= 20_000 for _, _, left_ms in subject.noted("clocks"))


@needs_compiler
@pytest.mark.parametrize(
    "wait",
    [
        "threading.Lock().acquire() and lock.acquire(timeout=0.01)",
        "threading.Event().wait(0.01)",
        "queue.Queue().get(timeout=0.01)",
        "time.sleep(0.01)",
        "asyncio.run(asyncio.sleep(0.01))",
        "threading.Condition(lock2).wait(0.01)",
    ],
)
def test_waits_end_in_time_after_a_shift(
    function: Callable[..., Function], call: Callable[..., CallRecord], wait: str
) -> None:
    subject = function(
        f"""
        import asyncio, contextlib, queue, threading, time
        lock, lock2 = threading.Lock(), threading.RLock()
        lock.acquire(); lock2.acquire()
        def handler(event, context):
            began = time.monotonic()
            with contextlib.suppress(queue.Empty):
                {wait}
            note("waited", time.monotonic() - began)
        """
    )
    life = Life(freeze=True, frozen_clock_shift_s=HOUR_S)
    with subject.environment(life, call_timeout_s=10) as environment:
        call(environment)
        wait_until_frozen(environment)
        threading.Event().wait(0.1)  # real time: it makes the monotonic clock fall behind
        call(environment)

    # Not less than asked for; that it ended at all is seen by the answer.
    assert all(waited >= 0.0099 for waited in subject.noted("waited"))


@needs_compiler
def test_coldcache_inside_sees_a_thaw(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function(
        """
        import coldcache
        loads = []
        @coldcache.on_thaw
        def thawed():
            note("thaw")
        @coldcache.cached(ttl=60)
        def parameter():
            loads.append(1)
            return len(loads)
        def handler(event, context):
            note("noticed", coldcache.check_thaw())
            note("parameter", parameter())
        """
    )
    life = Life(freeze=True, frozen_clock_shift_s=HOUR_S)
    with subject.environment(life) as environment:
        for _ in range(3):
            call(environment)
            wait_until_frozen(environment)

    assert subject.noted("parameter") == [1, 2, 3]
    assert subject.noted("noticed") == [False, True, True]
    assert len(subject.noted("thaw")) == 2


def test_without_a_compiler_it_says_what_is_missing(
    function: Callable[..., Function], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    subject = function(CLOCKS)

    with pytest.raises(UsageError, match="needs a C compiler, and there is no 'cc'"):
        subject.environment(Life(freeze=True, frozen_clock_shift_s=1))

    assert not (tmp_path / "scratch").exists()


def test_a_cache_folder_that_others_can_write_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "coldcache"
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    with pytest.raises(UsageError, match="can be written to by others"):
        shift_library()


@needs_compiler
def test_the_library_is_compiled_once_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library = shift_library()
    compiled_at = library.stat().st_mtime_ns
    monkeypatch.setenv("PATH", os.devnull)

    assert shift_library() == library
    assert library.stat().st_mtime_ns == compiled_at
    assert stat.S_IMODE(library.parent.stat().st_mode) == 0o700
    assert os.listdir(library.parent) == [library.name]


def test_an_event_offered_while_the_client_answers_is_not_frozen(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function("def handler(event, context): pass")
    with subject.environment(Life(freeze=True), call_timeout_s=LONG_S) as environment:
        for _ in range(30):  # no pause: the next event races with the client's `next`
            call(environment)


def test_collecting_an_answer_that_is_there_does_not_thaw(
    function: Callable[..., Function], call: Callable[..., CallRecord]
) -> None:
    subject = function("import os\ndef handler(event, context): note('pid', os.getpid())")
    with subject.environment(Life(freeze=True)) as environment:
        environment.start(event=b"{}")
        wait_until_frozen(environment)
        call(environment)
        [pid] = subject.noted("pid")
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    assert state == "T"

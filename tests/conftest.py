"""What tests of several folders need."""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import pytest
from coldcache import _core

BENCHES = Path(__file__).resolve().parents[1] / "benches"


@pytest.fixture(scope="session", autouse=True)
def _signals_reach_what_tests_start() -> None:
    """Make the tests run under nohup and in the background of a shell, too.

    There signals are ignored, and whatever a test starts would inherit that and not be stopped by
    them. A handler that does nothing serves this process as well, and is not inherited.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session")
def server_programs() -> dict[str, str]:
    """Where the programs of real servers are; skips, and says so, where they cannot be had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHES))
        from faults.servers import NoServersError, find_programs  # noqa: PLC0415

        try:
            return find_programs()
        except NoServersError as reason:
            pytest.skip(f"NOT TESTED: {reason}")


@pytest.fixture
def others_take_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out of warm-ups what other tests declared, and somebody still refers to."""
    gc.collect()
    before = {id(thing): thing for thing in _core._declared()}
    monkeypatch.setattr(
        "coldcache._graph._declared",
        lambda: [thing for thing in _core._declared() if id(thing) not in before],
    )
    lazy = {number for number, _ in _core._pending_numbers()}
    monkeypatch.setattr(
        "coldcache._graph._pending_numbers",
        lambda: [pair for pair in _core._pending_numbers() if pair[0] not in lazy],
    )

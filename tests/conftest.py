"""What tests of several folders need."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
from coldcache import _core

BENCHES = Path(__file__).resolve().parents[1] / "benches"


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

"""What tests of several folders need."""

from __future__ import annotations

import gc

import pytest
from coldcache import _core


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

"""Exporters: named, given, broken; none of them harms a call."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache import _handler, _identity, handler
from coldcache._exporters import Exporters
from coldcache._invocation import Invocation


class Kept:
    def __init__(self) -> None:
        self.got: list[Invocation] = []
        self.flushed: list[float] = []

    def emit(self, invocation: Invocation) -> None:
        self.got.append(invocation)

    def flush(self, timeout_seconds: float) -> None:
        self.flushed.append(timeout_seconds)


class Broken:
    def emit(self, invocation: Invocation) -> None:
        raise OSError("hunter2")

    def flush(self, timeout_seconds: float) -> None:
        raise OSError("hunter2")


@pytest.fixture
def invocation() -> Invocation:
    return Invocation(
        init_id="i",
        platform="server",
        start_class="warm",
        start_rule="r",
        is_first=False,
        began_at=1.0,
    )


def test_all_of_them_get_it_though_one_is_broken(
    invocation: Invocation, caplog: pytest.LogCaptureFixture
) -> None:
    first, last = Kept(), Kept()
    exporters = Exporters((first, Broken(), last))
    for _ in range(3):
        exporters.emit(invocation)

    assert len(first.got) == len(last.got) == 3
    assert exporters.failures == {"Broken": 3}
    assert [record.getMessage() for record in caplog.records] == [
        "exporter Broken failed (OSError); said once, counted from now on"
    ]


def test_a_flush_shares_its_time(invocation: Invocation) -> None:
    kept = Kept()
    exporters = Exporters((kept, Broken()))
    exporters.flush(3.0)

    assert kept.flushed == [1.5]
    assert exporters.failures == {"Broken": 1}


@pytest.mark.parametrize("given", ["off", "", (), ("off",)])
def test_off_is_none(given: object) -> None:
    assert _handler._wanted(given) == ()


def test_the_environment_names_several(
    invocation: Invocation,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("COLDCACHE_METRICS", f"emf, jsonl:{tmp_path / 'calls'}")
    Exporters(_handler._wanted(None)).emit(invocation)

    assert "_aws" in json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "calls").read_text())["start_class"] == "warm"


def test_what_exporters_import_is_no_part_of_the_start(
    run_python: Callable[..., str], tmp_path: Path
) -> None:
    shown = run_python(
        f"""
        import sys
        import coldcache
        @coldcache.handler(metrics=("emf", "jsonl:{tmp_path / "calls"}"))
        def handler(event, context): ...
        print(sorted(name for name in sys.modules if name.startswith("coldcache.export")))
        """
    )

    assert shown.strip() == "[]"


def test_an_exporter_that_cannot_be_made_is_counted(
    invocation: Invocation, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "coldcache.export.emf", None)
    exporters = Exporters(("emf",))
    exporters.emit(invocation)

    assert exporters.failures == {"emf": 1}
    assert "exporter emf failed" in caplog.text


def test_the_facts_of_a_call_are_all_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_identity, "_identity", None)
    path = tmp_path / "calls"

    @handler(metrics=f"jsonl:{path}", name="named")
    def function(event: object, context: object) -> None: ...

    function({}, None)
    told = json.loads(path.read_text())
    monkeypatch.setattr(_identity, "_identity", None)

    assert told["function_name"] == "named"
    assert set(told["cache"]) == {"hits", "misses", "loads", "load_errors", "stale", "evictions"}
    assert set(told["resources"]) == {"rebuilds", "check_failures"}
    assert set(told["pools"]) == {"saturated", "waiting"}

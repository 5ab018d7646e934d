"""The order of hooks around a snapshot, seen from inside a function of the real runtime client."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("awslambdaric", reason="NOT TESTED: awslambdaric is missing")

from coldcache.tools.lab.output import Output
from coldcache.tools.lab.runtime_api import InitFailed, RuntimeApi
from coldcache.tools.lab.sandbox import Sandbox

LONG_S = 40.0

FUNCTION = """
import time
BEGIN
import coldcache

seen = [["import", time.monotonic_ns()]]
loads = []

def note(name):
    seen.append([name, time.monotonic_ns()])

@coldcache.cached
def secret():
    loads.append(1)
    return f"secret {len(loads)}"

for name in "ab":
    coldcache.before_snapshot(name="before " + name)(lambda name=name: note("before " + name))
    coldcache.after_restore(name="after " + name)(lambda name=name: note("after " + name))

HOOKS

secret()

def handler(event, context):
    runs = [run.to_dict() for run in coldcache.hook_runs()]
    return {"seen": seen, "secret": secret(), "runs": runs}
"""


class Answer:
    """What the function answered, and when it asked for the restore."""

    def __init__(self, body: bytes, restore_ns: int) -> None:
        self.data: dict[str, Any] = json.loads(body)
        self.restore_ns = restore_ns

    @property
    def order(self) -> list[str]:
        """Names of what happened, the request for the restore among them."""
        seen = [*map(tuple, self.data["seen"]), ("restore", self.restore_ns)]
        return [name for name, _ in sorted(seen, key=lambda pair: pair[1])]


@pytest.fixture
def restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answer]:
    """Run the function under SnapStart to its first answer."""
    asked: list[int] = []
    respond = RuntimeApi._respond

    def noting(self: RuntimeApi, request: Any) -> Any:
        if request.path.endswith("/restore/next"):
            asked.append(request.arrived_ns)
        return respond(self, request)

    monkeypatch.setattr(RuntimeApi, "_respond", noting)

    def run(*, begin: str = "", hooks: str = "") -> Answer:
        (tmp_path / "app.py").write_text(FUNCTION.replace("BEGIN", begin).replace("HOOKS", hooks))
        gone = threading.Event()
        with RuntimeApi(function_arn="arn:aws:lambda:us-east-1:0:function:f") as api:
            environment = {
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
                "PYTHONPATH": str(tmp_path),
            }
            sandbox = Sandbox(
                [sys.executable, "-m", "awslambdaric", "app.handler"],
                environment=environment,
                folder=tmp_path,
                output=Output(keep_bytes=10_000),
                on_exit=lambda: (gone.set(), api.client_gone()),
            )
            with sandbox:
                request = api.offer(b"{}", timeout_s=LONG_S)
                sandbox.start()
                api.wait_for_init(LONG_S)
                exchange = api.wait_for_answer(request, LONG_S)
        assert exchange.error is None
        return Answer(exchange.body, asked[0])

    return run


def test_hooks_run_in_the_documented_order(restore: Callable[..., Answer]) -> None:
    assert restore().order == [
        "import",
        "before b",
        "before a",
        "restore",
        "after a",
        "after b",
    ]


def test_hooks_of_others_keep_their_place_among_ours(restore: Callable[..., Answer]) -> None:
    hooks = """
import snapshot_restore_py
snapshot_restore_py.register_before_snapshot(note, "before theirs")
snapshot_restore_py.register_after_restore(note, "after theirs")
coldcache.before_snapshot(lambda: note("before c"))
coldcache.after_restore(lambda: note("after c"))
"""
    assert restore(hooks=hooks).order == [
        "import",
        "before c",
        "before theirs",
        "before b",
        "before a",
        "restore",
        "after a",
        "after b",
        "after theirs",
        "after c",
    ]


def test_a_secret_from_before_the_snapshot_is_not_served(restore: Callable[..., Answer]) -> None:
    assert restore().data["secret"] == "secret 2"


def test_a_secret_of_yesterday_is_not_served(restore: Callable[..., Answer]) -> None:
    # A day passes between the snapshot and the restore; only the wall clock knows.
    begin = """
from coldcache import testing
clock = testing.clock()
clock.__enter__()
"""
    hooks = "coldcache.before_snapshot(lambda: clock.freeze(86400))"
    answer = restore(begin=begin, hooks=hooks)

    assert answer.data["secret"] == "secret 2"


def test_a_failing_hook_ends_nothing_and_is_reported(restore: Callable[..., Answer]) -> None:
    hooks = "coldcache.after_restore(name='bad')(lambda: 1 / 0)"
    answer = restore(hooks=hooks)
    errors = {run["name"]: run["error"] for run in answer.data["runs"]}

    assert answer.order[-1] == "after b"
    assert errors == {
        "before a": None,
        "before b": None,
        "after a": None,
        "after b": None,
        "bad": "ZeroDivisionError",
    }


def test_each_run_after_the_restore_tells_how_much_of_its_time_is_used(
    restore: Callable[..., Answer],
) -> None:
    runs = [run for run in restore().data["runs"] if run["kind"] == "after_restore"]

    assert all(0 <= run["seconds"] <= run["since_restore"] + 0.1 < 10 for run in runs)


def test_a_required_hook_that_fails_is_reported_to_the_platform(
    restore: Callable[..., Answer],
) -> None:
    with pytest.raises(InitFailed, match="no route"):
        restore(
            hooks="""
@coldcache.before_snapshot(required=True)
def needed():
    raise OSError("no route")
"""
        )

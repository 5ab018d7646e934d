"""A real gunicorn with the hooks: no port and no worker accepts before its warm-up is done."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Address, eventually, free_port, get, is_refused

pytest.importorskip("gunicorn", reason="NOT TESTED: gunicorn is missing")

APP = """
import coldcache, os
@coldcache.step("connect")
def connect():
    with open("gate") as gate:  # a pipe: until the test opens it, too
        if gate.read() == "fail":
            raise OSError("password=hunter2")
def app(environ, start_response):
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


class Gunicorn:
    def __init__(self, start: Callable[..., Any], folder: Path, *options: str, **env: str) -> None:
        self.own: Address = ("127.0.0.1", free_port())
        self.watch: Address = ("127.0.0.1", free_port())
        self._folder = folder
        (folder / "shop.py").write_text(APP)
        os.mkfifo(folder / "gate")
        self.program = start(
            *(sys.executable, "-m", "gunicorn", "-c", "python:coldcache.web.gunicorn", *options),
            *("-b", f"127.0.0.1:{self.own[1]}", "--no-control-socket", "shop:app"),
            COLDCACHE_PROBE=f"127.0.0.1:{self.watch[1]}",
            **env,
        )

    def waits(self, workers: int) -> None:
        def all_wait() -> bool:
            if is_refused(self.watch):
                return False
            waiting = get(self.watch, "/readyz").json().get("waiting", [])
            return [one["pending"] for one in waiting] == [["connect"]] * workers

        eventually(all_wait)

    def open(self, text: str = "") -> None:
        """Let one worker pass, or all that wait at this moment."""
        (self._folder / "gate").write_text(text)

    def is_ready(self) -> bool:
        return get(self.watch, "/readyz").status == 200


Made = Callable[..., Gunicorn]


@pytest.fixture
def gunicorn(start: Callable[..., Any], tmp_path: Path) -> Made:
    return lambda *options, **env: Gunicorn(start, tmp_path, *options, **env)


def until_ready(server: Gunicorn) -> None:
    def passes() -> bool:
        try:  # a worker that came late waits at a gate that was open before
            gate = os.open(server._folder / "gate", os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            pass
        else:
            os.close(gate)
        return server.is_ready()

    eventually(passes)


@pytest.mark.parametrize("options", [(), ("--reuse-port",), ("-k", "gthread")])
def test_the_port_refuses_until_the_workers_are_ready(
    gunicorn: Made, options: tuple[str, ...]
) -> None:
    server = gunicorn("-w", "2", *options)
    server.waits(2)
    assert get(server.watch, "/livez").status == 200
    assert get(server.watch, "/readyz").json()["workers"] == {"required": 2, "ready": 0}
    assert is_refused(server.own)

    until_ready(server)
    assert get(server.own, "/cart").status == 200


def test_a_warm_up_that_fails_is_tried_again_and_logged_without_secrets(gunicorn: Made) -> None:
    server = gunicorn("-w", "1")
    server.waits(1)
    server.open("fail")
    eventually(lambda: "not ready: required steps" in server.program.errors())
    assert is_refused(server.own)

    until_ready(server)
    assert get(server.own, "/cart").status == 200
    assert "hunter2" not in server.program.errors()


def test_a_worker_that_is_replaced_does_not_accept_before_it_is_warm(gunicorn: Made) -> None:
    server = gunicorn("-w", "2", COLDCACHE_PROBE_WORKERS="1")
    server.waits(2)
    until_ready(server)
    eventually(lambda: (until_ready(server), len(pids(server)) == 2)[1])
    killed, left = sorted(pids(server))
    os.kill(killed, signal.SIGKILL)
    server.waits(1)  # the new one

    assert pids(server) == {left}
    assert server.is_ready()


def pids(server: Gunicorn) -> set[int]:
    """Who answers: a few times the number of workers, so that each has its turn."""
    return {int(get(server.own, "/cart").body) for _ in range(30)}


def test_a_wrong_number_of_workers_is_one_line(gunicorn: Made) -> None:
    server = gunicorn("-w", "1", COLDCACHE_PROBE_WORKERS="many")
    server.waits(1)

    said = server.program.errors()
    assert said.count("COLDCACHE_PROBE_WORKERS must be a number of workers from 1 to 256") == 1

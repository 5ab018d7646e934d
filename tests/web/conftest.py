"""Probes asked over real sockets, and programs that run beside the test."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coldcache
import pytest
from coldcache import _step
from coldcache.web import probe
from coldcache.web._readiness import here

# Seconds, long beyond need: they only bound a test that hangs.
PATIENCE_S = 25.0

Address = tuple[str, int]


@pytest.fixture(autouse=True)
def _as_in_the_beginning(others_take_no_part: None) -> Iterator[None]:
    def forget() -> None:
        probe.stop()
        here.forget()
        here.is_auto = True
        _step._declared.clear()
        coldcache.testing.reset()

    forget()
    yield
    forget()


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


def send(address: Address, request: bytes) -> Response:
    """The whole answer to these bytes; the other side closes the connection."""
    with socket.create_connection(address, PATIENCE_S) as peer:
        peer.sendall(request)
        return received(peer)


def received(peer: socket.socket) -> Response:
    data = b""
    while piece := peer.recv(65536):
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    first, *fields = head.decode("ascii").split("\r\n")
    return Response(int(first.split()[1]), dict(one.split(": ", 1) for one in fields), body)


def get(address: Address, path: str) -> Response:
    return send(address, f"GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n".encode())


def eventually(holds: Callable[[], object]) -> None:
    """Wait for what another process does; fail if it never does."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.005)  # real time: nobody tells this process


def is_refused(address: Address) -> bool:
    try:
        socket.create_connection(address, PATIENCE_S).close()
    except ConnectionRefusedError:
        return True
    return False


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def served() -> Iterator[Address]:
    """A probe of this process."""
    yield probe.start(port=0)
    probe.stop()


class Program:
    """A program beside the test; it is told to go on by a line, and ends with the test."""

    def __init__(self, command: list[str], folder: Path, env: Mapping[str, str]) -> None:
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("COLDCACHE", "PYTHON", "AWS", "GUNICORN"))
        }
        self._errors = folder / "errors"
        with self._errors.open("ab") as errors:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**clean, **env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                text=True,
            )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def address(self) -> Address:
        host, port = json.loads(self.line())
        return host, port

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> tuple[str, str]:
        """Let it end; the rest of its output, and what it said of errors."""
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        return out.strip(), self.errors()

    def errors(self) -> str:
        return self._errors.read_text()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Start a program; a text is source for a fresh interpreter."""
    running: list[Program] = []

    def begin(*command: str, **env: str) -> Program:
        words = list(command)
        if len(words) == 1:
            words = [sys.executable, "-W", "error", "-c", textwrap.dedent(words[0])]
        running.append(Program(words, tmp_path, {"PYTHONUNBUFFERED": "1", **env}))
        return running[-1]

    yield begin
    for program in running:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.process.pid, signal.SIGKILL)  # its workers as well
        program.process.communicate()

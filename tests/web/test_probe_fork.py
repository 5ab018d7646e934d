"""Forked processes: the parent serves, children report if they have a place to."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coldcache.exceptions import ConfigError
from coldcache.web import probe

from .conftest import eventually, get, is_refused, received

# Its children do as they are told and wait to be killed, or for their parent to end.
PARENT = """
import json, os, signal, sys
from coldcache.web import probe
print(json.dumps(probe.start(port=0)))
parent_lives, parent = os.pipe()
def fork(do):
    pid = os.fork()
    if not pid:
        os.close(parent)
        do()
        os.write(1, b"forked\\n")
        os.read(parent_lives, 1)
        os._exit(0)
    return pid
def reap(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
def ready(number):
    probe.worker(number)
    probe.ready()
"""

Start = Callable[..., Any]


def test_a_child_serves_nothing_and_has_no_thread(start: Start) -> None:
    program = start(PARENT + "print(fork(signal.pause)); sys.stdin.readline()")
    address = program.address()
    child = Path("/proc") / program.line()

    assert len(list((child / "task").iterdir())) == 1
    assert get(address, "/livez").status == 200
    program.process.kill()  # the child lives on
    program.process.wait()
    try:
        eventually(lambda: is_refused(address))
    finally:
        os.kill(int(child.name), signal.SIGKILL)


def test_a_child_without_a_place_says_nothing_for_its_parent(start: Start) -> None:
    program = start(PARENT + "fork(probe.ready); sys.stdin.readline()")
    address = program.address()
    assert program.line() == "forked"

    assert get(address, "/readyz").status == 503


def test_a_child_may_have_a_port_of_its_own(start: Start) -> None:
    program = start(
        PARENT
        + "def own():\n    os.write(1, json.dumps(probe.start(port=0)).encode() + b'\\n')\n"
        + "    probe.ready()\n"
        + "fork(own); sys.stdin.readline()"
    )
    parent, child = program.address(), program.address()
    assert program.line() == "forked"

    assert (get(parent, "/readyz").status, get(child, "/readyz").status) == (503, 200)


def test_it_is_ready_when_all_workers_are_and_stays_so_while_one_is(start: Start) -> None:
    program = start(
        PARENT
        + """
probe.require_workers(2)
first = fork(lambda: ready(1)); sys.stdin.readline()
second = fork(lambda: ready(2)); sys.stdin.readline()
reap(first); print("reaped"); sys.stdin.readline()
reap(second); print("reaped"); sys.stdin.readline()
third = fork(lambda: ready(1)); sys.stdin.readline()
"""
    )
    address = program.address()
    seen = []
    for _ in range(5):
        program.line()
        answer = get(address, "/readyz")
        seen.append((answer.status, answer.json()["workers"]))
        program.go_on()

    assert seen == [
        (503, {"required": 2, "ready": 1}),
        (200, {"required": 2, "ready": 2}),
        (200, {"required": 1, "ready": 1}),
        (503, {"required": 1, "ready": 0}),
        (200, {"required": 1, "ready": 1}),
    ]


def test_what_a_worker_waits_for_is_shown(start: Start) -> None:
    program = start(
        PARENT
        + """
import coldcache
coldcache.step("connect")(lambda: None)
probe.ready()
probe.require_workers(1)
fork(lambda: ready(7)); sys.stdin.readline()
"""
    )
    address = program.address()
    program.line()

    (waiting,) = get(address, "/readyz").json()["waiting"]
    assert waiting["pending"] == ["connect"]


def test_a_worker_begins_as_not_ready(start: Start) -> None:
    program = start(
        PARENT
        + "probe.ready(); probe.require_workers(1)\n"
        + "fork(lambda: probe.worker(1)); sys.stdin.readline()"
    )
    address = program.address()
    program.line()

    assert get(address, "/readyz").json()["waiting"][0]["state"] == "starting"


def test_a_fork_leaves_connections_as_they_are(start: Start) -> None:
    program = start(
        PARENT
        + """
while sys.stdin.readline():
    child = fork(lambda: None)
    sys.stdin.readline()
    reap(child)
"""
    )
    address = program.address()
    statuses = []
    for _ in range(20):
        with socket.create_connection(address) as peer:
            peer.sendall(b"GET /livez ")
            program.go_on()
            assert program.line() == "forked"
            peer.sendall(b"HTTP/1.1\r\n\r\n")
            statuses.append(received(peer).status)
            program.go_on()

    assert statuses == [200] * 20


@pytest.mark.parametrize("number", [0, -1, 257, True])
def test_a_worker_of_an_impossible_number_is_refused(number: int) -> None:
    with pytest.raises(ConfigError, match="number must be that of a worker, from 1 to 256, got"):
        probe.worker(number)


@pytest.mark.parametrize("number", [-1, 257, True, 1.5, "2"])
def test_an_impossible_number_of_workers_is_refused(number: Any) -> None:
    with pytest.raises(ConfigError, match="number must be a number of workers from 0 to 256, got"):
        probe.require_workers(number)

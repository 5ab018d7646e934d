"""The probe's thread beside the interpreter: the GIL, signals, the environment, the end."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coldcache
import pytest

from .conftest import eventually, free_port, get

SITE = str(Path(coldcache.__file__).parent / "auto" / "site")
START = """
import json, sys
from coldcache.web import probe
print(json.dumps(probe.start(port=0)))
"""
TELL = "import json; from coldcache.web import probe; print(json.dumps(probe.address()))"

Start = Callable[..., Any]


def test_it_answers_while_the_gil_is_held(start: Start) -> None:
    # A C function called with the GIL, which returns when this test lets it.
    program = start(START + "import ctypes\nctypes.PyDLL(None).read(0, bytes(1), 1)\n")
    address = program.address()

    # With the probe in Python code the second answer could not come.
    assert [get(address, path).status for path in ("/livez", "/readyz", "/livez")] == [
        200,
        503,
        200,
    ]
    program.go_on()
    assert program.end() == ("", "")


def test_its_thread_takes_no_signals(start: Start) -> None:
    program = start(START + "sys.stdin.readline()\n")
    get(program.address(), "/livez")  # from then on the thread has its name
    masks = {}
    for task in Path(f"/proc/{program.process.pid}/task").iterdir():
        status = dict(
            line.split(":", 1) for line in (task / "status").read_text().splitlines() if ":" in line
        )
        masks[status["Name"].strip()] = int(status["SigBlk"], 16)

    assert masks["coldcache-probe"] >> (signal.SIGTERM - 1) & 1
    assert [mask for name, mask in masks.items() if name != "coldcache-probe"] == [0]


def test_a_process_with_a_probe_ends_as_without(start: Start) -> None:
    program = start(START)
    program.address()

    assert program.end() == ("", "")
    assert program.process.returncode == 0


def test_a_connection_under_way_does_not_hold_up_the_end(start: Start) -> None:
    program = start(START + "sys.stdin.readline()\n")
    with socket.create_connection(program.address()) as peer:
        peer.sendall(b"GET /li")
        program.go_on()
        assert program.end() == ("", "")


def test_the_variable_opens_the_port_before_the_program(start: Start) -> None:
    program = start(TELL + "; input()", PYTHONPATH=SITE, COLDCACHE_PROBE="0")

    assert get(program.address(), "/livez").status == 200


def test_without_the_variable_nothing_of_it_is_imported(start: Start) -> None:
    program = start(
        "import sys, coldcache.auto; print([m for m in sys.modules if 'coldcache.web' in m])"
    )

    assert program.end() == ("[]", "")


@pytest.mark.parametrize(
    "value",
    ["nonsense", ":8081", "::1:80", "127.0.0.1:99999", "127.0.0.1:", "-1", "example.org:80", "٣٣"],
)
def test_a_wrong_variable_is_one_line_and_the_program_starts(start: Start, value: str) -> None:
    program = start("print('started')", PYTHONPATH=SITE, COLDCACHE_PROBE=value)

    out, errors = program.end()
    assert out == "started"
    assert errors.count("\n") == 1
    assert errors.startswith("no probe: COLDCACHE_PROBE must be ")
    assert errors.endswith("; the program starts without\n")


def test_a_port_in_use_is_one_line_and_the_program_starts(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        program = start("print('started')", PYTHONPATH=SITE, COLDCACHE_PROBE=str(port))
        out, errors = program.end()

    assert out == "started"
    assert errors == (
        f"no probe: the probe cannot listen on 127.0.0.1:{port}: Address already in use; "
        "the program starts without\n"
    )


def test_an_address_of_another_machine_is_one_line(start: Start) -> None:
    program = start("print('started')", PYTHONPATH=SITE, COLDCACHE_PROBE="203.0.113.1:80")

    out, errors = program.end()
    assert out == "started"
    assert "cannot listen on 203.0.113.1:80: Cannot assign requested address" in errors


@pytest.mark.parametrize("how", [("-m", "shop"), ("shop.py",)])
def test_the_module_runs_a_program_with_a_probe(
    start: Start, tmp_path: Path, how: tuple[str, ...]
) -> None:
    (tmp_path / "shop.py").write_text(f"import sys\n{TELL}\nprint(sys.argv[1:], __name__)\ninput()")
    program = start(sys.executable, "-m", "coldcache.web", "--probe", "0", *how, "-v", "x")

    assert get(program.address(), "/livez").status == 200
    assert program.line() == "['-v', 'x'] __main__"


@pytest.mark.parametrize("words", [(), ("--probe", "80"), ("--probe", "x", "-m", "a"), ("-x",)])
def test_a_wrong_command_line_is_told_the_right_one(start: Start, words: tuple[str, ...]) -> None:
    program = start(sys.executable, "-m", "coldcache.web", *words)

    _, errors = program.end()
    assert program.process.returncode == 2
    assert errors.startswith("usage: python -m coldcache.web [--probe [ADDRESS:]PORT]")


def test_importing_the_probe_imports_nothing_slow(start: Start) -> None:
    program = start(
        sys.executable,
        "-I",
        "-S",
        "-c",
        f"import sys; sys.path.insert(0, {os.path.dirname(SITE)!r} + '/../..')\n"
        "import coldcache.web.probe as probe; probe.start(port=0)\n"
        "slow = {'threading', 'asyncio', 'typing', 'logging', 'json', 'socket', 'signal', 're'}\n"
        "print(sorted(slow & set(sys.modules)))",
    )

    assert program.end() == ("[]", "")


def test_the_port_is_free_when_the_process_was_killed(start: Start) -> None:
    port = free_port()
    for _ in range(2):
        program = start(TELL + "; input()", PYTHONPATH=SITE, COLDCACHE_PROBE=str(port))
        assert program.address() == ["127.0.0.1", port] or program.errors() == ""
        program.process.kill()
        program.process.wait()
    eventually(lambda: program.process.poll() is not None)

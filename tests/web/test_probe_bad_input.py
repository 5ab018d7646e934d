"""What peers may send to the probe: it answers shortly, closes, and goes on."""

from __future__ import annotations

import contextlib
import resource
import socket
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coldcache.web import probe

from .conftest import get, received, send

CROWD = 1000
START = """
import json, sys
from coldcache.web import probe
print(json.dumps(probe.start(port=0)))
sys.stdin.readline()
print(sum(range(100_000)))
sys.stdin.readline()
"""


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS greeting
        b"\r\n",
        b"GET /livez\r\n",
        b"GET /livez HTTP/2.0\r\n\r\n",
        b"GET  /livez HTTP/1.1\r\n\r\n",
        b"get /livez HTTP/1.1\r\n\r\n",
        b"GET livez HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"A" * 5000,
        bytes(5000),
    ],
)
def test_garbage_is_400(served: Any, request_: bytes) -> None:
    assert send(served, request_).status == 400


@pytest.mark.parametrize("path", ["/", "/livez/", "/Livez", "/../livez", "/admin?x=/livez", "//"])
def test_an_unknown_path_is_404(served: Any, path: str) -> None:
    assert get(served, path).status == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND"])
def test_another_method_is_405_and_told_which_would_do(served: Any, method: str) -> None:
    answer = send(served, f"{method} /readyz HTTP/1.1\r\n\r\n".encode())

    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_head_is_get_without_a_body(served: Any) -> None:
    whole = send(served, b"GET /readyz HTTP/1.1\r\n\r\n")
    head = send(served, b"HEAD /readyz HTTP/1.1\r\n\r\n")

    assert (head.status, head.headers, head.body) == (whole.status, whole.headers, b"")


def test_http_1_0_is_answered(served: Any) -> None:
    assert send(served, b"GET /livez HTTP/1.0\r\n\r\n").body == b"ok\n"


def test_of_pipelined_requests_the_first_is_answered(served: Any) -> None:
    answer = send(served, b"GET /livez HTTP/1.1\r\n\r\n" * 3)

    assert (answer.headers["Connection"], answer.body) == ("close", b"ok\n")


def test_a_request_may_come_byte_by_byte(served: Any) -> None:
    with socket.create_connection(served) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n":
            peer.sendall(bytes([byte]))
        assert received(peer).status == 200


def test_a_huge_head_is_431(served: Any) -> None:
    assert send(served, b"GET /livez HTTP/1.1\r\nA: " + b"a" * 20_000).status == 431


def test_a_body_is_not_read_and_the_answer_arrives(served: Any) -> None:
    request = b"GET /livez HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + bytes(100_000)

    assert send(served, request).status == 200


def test_half_a_request_is_408_after_a_while(served: Any) -> None:
    with socket.create_connection(served) as peer:
        peer.sendall(b"GET /livez HTTP/1.1\r\nHost:")
        assert received(peer).status == 408  # real time: 2 s, the clock is the kernel's


def test_a_peer_that_is_gone_harms_nobody(served: Any) -> None:
    for request in (b"", b"GET /li", b"GET /livez HTTP/1.1\r\n\r\n"):
        peer = socket.create_connection(served)
        # Closed by a reset, which the other side meets as an error.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.sendall(request)
        peer.close()

    assert get(served, "/livez").status == 200


@pytest.fixture
def room() -> Iterator[None]:
    """Enough file descriptors for the crowd."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CROWD + 500
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"NOT TESTED: {CROWD} connections, only {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("sent", [b"", b"GET /li", b"\x00garbage", b"GET /livez HTTP/1.1\r\n\r\n"])
def test_a_crowd_keeps_nobody_out(start: Callable[..., Any], room: None, sent: bytes) -> None:
    program = start(START)
    address = program.address()
    with contextlib.ExitStack() as crowd:
        for _ in range(CROWD):
            peer = crowd.enter_context(socket.create_connection(address))
            with contextlib.suppress(ConnectionError):
                peer.sendall(sent)
        assert get(address, "/livez").status == 200
        open_files = len(list(Path(f"/proc/{program.process.pid}/fd").iterdir()))
        program.go_on()
        assert program.line() == str(sum(range(100_000)))  # the program itself goes on
    assert open_files < 200


def test_slow_readers_keep_nobody_out(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    probe._probe.put_timeline(bytes(500_000))
    with contextlib.ExitStack() as crowd:
        for _ in range(150):
            peer = socket.socket()
            crowd.enter_context(peer)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.connect(served)
            with contextlib.suppress(ConnectionError):
                peer.sendall(b"GET /startup HTTP/1.1\r\n\r\n")
        assert get(served, "/livez").status == 200

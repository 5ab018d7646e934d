from __future__ import annotations

import io
from http import HTTPStatus

import pytest
from coldcache.tools.lab.http_message import BadRequest, Request, Response, read_request
from hypothesis import given
from hypothesis import strategies as st


def read(data: bytes, *, body_limit: int = 1000) -> Request | None:
    return read_request(
        io.BytesIO(data), body_limit=body_limit, send_continue=lambda: None
    )  # BytesIO reads like a buffered connection


def test_a_request_is_read_with_its_headers_in_lower_case() -> None:
    request = read(b"POST /a/b HTTP/1.1\r\nX-Name:  value \r\nContent-Length: 3\r\n\r\nabc")

    assert request is not None
    assert (request.method, request.path, request.body) == ("POST", "/a/b", b"abc")
    assert request.headers["x-name"] == "value"
    assert request.arrived_ns <= request.complete_ns


def test_a_closed_connection_is_no_request() -> None:
    assert read(b"") is None


@given(st.binary(max_size=500), st.lists(st.integers(1, 100), max_size=8))
def test_a_chunked_body_is_put_together(body: bytes, cuts: list[int]) -> None:
    message = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    rest = body
    for cut in [*cuts, 500]:
        if rest[:cut]:
            message += b"%x;name=value\r\n%s\r\n" % (len(rest[:cut]), rest[:cut])
        rest = rest[cut:]
    request = read(message + b"0\r\nX-Trailer: 1\r\n\r\n")

    assert request is not None
    assert request.body == body


def test_a_client_that_waits_for_continue_is_told_before_its_body_is_read() -> None:
    stream = io.BytesIO(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab")
    places: list[int] = []

    read_request(stream, body_limit=10, send_continue=lambda: places.append(stream.tell()))

    assert places == [len(stream.getvalue()) - 2]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nCut: of", 400),
        (b"GET / HTTP/1.1\r\n" + b"A: 1\r\n" * 300 + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001, 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001, 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused_with_a_status(data: bytes, status: int) -> None:
    with pytest.raises(BadRequest) as caught:
        read(data)

    assert caught.value.status == status


def test_a_response_is_one_block_with_its_length() -> None:
    block = Response(HTTPStatus.OK, b"abc", {"A": "b"}).encode()

    assert block == b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 3\r\n\r\nabc"


def test_a_last_response_says_so() -> None:
    assert b"Connection: close\r\n" in Response(HTTPStatus.OK).encode(close=True)

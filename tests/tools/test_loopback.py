from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http import HTTPStatus

import pytest
from coldcache.tools.lab.http_message import Request, Response
from coldcache.tools.lab.loopback import LoopbackServer

LONG_S = 20.0


@pytest.fixture
def serve() -> Iterator[Callable[..., LoopbackServer]]:
    """Start a server with one function that responds."""
    servers = []

    def start(respond: Callable[[Request], Response]) -> LoopbackServer:
        servers.append(LoopbackServer(respond, body_limit=100))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def connect(server: LoopbackServer) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(server.host, server.port, timeout=LONG_S)


def test_only_the_loopback_interface_is_served(serve: Callable[..., LoopbackServer]) -> None:
    assert serve(lambda _: Response(HTTPStatus.OK)).host == "127.0.0.1"


def test_connections_send_at_once(serve: Callable[..., LoopbackServer]) -> None:
    options = []

    def respond(request: Request) -> Response:
        for connection in server._connections:
            options.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return Response(HTTPStatus.OK)

    server = serve(respond)
    with closing(connect(server)) as client:
        client.request("GET", "/")
        client.getresponse().read()

    assert options
    assert all(options)


def test_a_waiting_request_does_not_hold_up_another(serve: Callable[..., LoopbackServer]) -> None:
    both = threading.Barrier(2, timeout=LONG_S)

    def respond(request: Request) -> Response:
        both.wait()
        return Response(HTTPStatus.OK)

    server = serve(respond)
    with closing(connect(server)) as one, closing(connect(server)) as other:
        one.request("GET", "/")
        other.request("GET", "/")
        assert [client.getresponse().status for client in (one, other)] == [200, 200]


def test_a_body_over_the_limit_is_refused_and_ends_the_connection(
    serve: Callable[..., LoopbackServer],
) -> None:
    with closing(connect(serve(lambda _: Response(HTTPStatus.OK)))) as client:
        client.request("POST", "/", body=b"x" * 101)
        response = client.getresponse()

    assert response.status == 413
    assert response.headers["Connection"] == "close"


def test_a_client_may_close_after_its_answer(serve: Callable[..., LoopbackServer]) -> None:
    with closing(connect(serve(lambda _: Response(HTTPStatus.OK)))) as client:
        client.request("GET", "/", headers={"Connection": "close"})

        assert client.getresponse().headers["Connection"] == "close"


def test_what_follows_a_response_runs_after_it_was_sent(
    serve: Callable[..., LoopbackServer],
) -> None:
    seen = threading.Event()
    received = threading.Event()

    def after() -> None:
        if received.wait(LONG_S):
            seen.set()

    server = serve(lambda _: Response(HTTPStatus.OK, after_send=after))
    with closing(connect(server)) as client:
        client.request("GET", "/")
        client.getresponse().read()
        received.set()

    assert seen.wait(LONG_S)


def test_closing_ends_an_idle_connection(serve: Callable[..., LoopbackServer]) -> None:
    server = serve(lambda _: Response(HTTPStatus.OK))
    with closing(connect(server)) as client:
        client.request("GET", "/")
        client.getresponse().read()

        server.close()

        assert client.sock.recv(1) == b""


def test_closing_twice_is_harmless(serve: Callable[..., LoopbackServer]) -> None:
    server = serve(lambda _: Response(HTTPStatus.OK))
    server.close()
    server.close()

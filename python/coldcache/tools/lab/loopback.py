"""A threaded HTTP/1.1 server on the loopback interface: connections in, requests to one function.

One thread a connection, kept alive between requests. It knows nothing of what is served.
"""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable
from io import BufferedReader

from .http_message import BadRequest, Request, Response, read_request

__all__ = ["LoopbackServer"]

_JOIN_TIMEOUT_S = 5.0


class LoopbackServer:
    """Serves requests on 127.0.0.1, on a port the system chooses, until closed.

    Args:
        respond: Called on the connection's own thread, so it may block.
        body_limit: Largest request body in bytes; a larger one is answered with 413.
        on_disconnect: Called with the number of a connection that has ended, on its thread.
    """

    def __init__(
        self,
        respond: Callable[[Request], Response],
        *,
        body_limit: int,
        on_disconnect: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._respond = respond
        self._body_limit = body_limit
        self._on_disconnect = on_disconnect
        self._numbers = itertools.count(1)
        self._lock = threading.Condition()
        self._connections: set[socket.socket] = set()
        self._closing = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._listener.getsockname()
        self._acceptor = threading.Thread(target=self._accept, name="runtime-api", daemon=True)

    def start(self) -> None:
        """Begin to accept connections."""
        self._acceptor.start()

    def close(self) -> None:
        """Stop accepting and end every connection. Further calls do nothing."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
            connections = list(self._connections)
        for connection in connections:
            with contextlib.suppress(OSError):  # the client may have closed it already
                connection.shutdown(socket.SHUT_RDWR)
        if self._acceptor.is_alive():
            # Only a connection wakes a blocking accept on every system.
            with socket.socket() as waker:
                waker.settimeout(1)
                waker.connect_ex((self.host, self.port))
            self._acceptor.join(_JOIN_TIMEOUT_S)
        self._listener.close()
        with self._lock:  # their threads close them; a caller may count what is open
            self._lock.wait_for(lambda: not self._connections, _JOIN_TIMEOUT_S)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closing:
                    connection.close()
                    return
                self._connections.add(connection)
            arguments = (connection, next(self._numbers))
            threading.Thread(target=self._serve, args=arguments, daemon=True).start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        try:
            # A killed process resets its connections: nobody is left to tell.
            with connection, contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with connection.makefile("rb") as stream:
                    while self._serve_one(connection, stream, number):
                        pass
        finally:
            with self._lock:
                self._connections.discard(connection)
                self._lock.notify_all()
            self._on_disconnect(number)

    def _serve_one(self, connection: socket.socket, stream: BufferedReader, number: int) -> bool:
        """Serve one request; whether another may follow on this connection."""

        def send_continue() -> None:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        try:
            request = read_request(
                stream,
                body_limit=self._body_limit,
                send_continue=send_continue,
                connection=number,
            )
        except BadRequest as error:
            connection.sendall(self._refusal(error).encode(close=True))
            return False
        if request is None:
            return False
        response = self._respond(request)
        connection.sendall(response.encode(close=not request.keeps_alive))
        if response.after_send is not None:
            response.after_send()
        return request.keeps_alive

    @staticmethod
    def _refusal(error: BadRequest) -> Response:
        return Response(error.status, str(error).encode(), {"Content-Type": "text/plain"})

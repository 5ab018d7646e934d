"""HTTP/1.1 messages, as much as a runtime client needs: read one request, build one response.

Apart from the server because it is pure: bytes in, values out, every size bounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from io import BufferedIOBase

__all__ = ["BadRequest", "Request", "Response", "read_request"]

_LINE_LIMIT = 64 * 1024
# The client copies the X-Ray cause of an error, up to 1 MiB, into one header line.
_HEADER_LINE_LIMIT = 2 * 1024 * 1024
_HEADER_COUNT_LIMIT = 200


class BadRequest(Exception):  # noqa: N818 - the name of the status it becomes
    """A request that cannot be read; the connection is of no further use."""

    def __init__(self, status: HTTPStatus, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Request:
    """One request, with the monotonic times at which its parts were there.

    Attributes:
        headers: Names in lower case.
        arrived_ns: When the request line had been read.
        complete_ns: When the body had been read.
        first_byte_ns: When the first byte of the body was there; of an empty one, as *complete_ns*.
        connection: Number of the connection it came on; one client keeps to its own.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    arrived_ns: int
    complete_ns: int
    first_byte_ns: int = 0
    connection: int = 0

    @property
    def keeps_alive(self) -> bool:
        """Whether the client will send another request on this connection."""
        return self.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True)
class Response:
    """One response.

    Attributes:
        after_send: Called when the response has been handed to the network. What may wake another
            thread belongs here: before sending, it would compete with the send for the interpreter.
    """

    status: HTTPStatus
    body: bytes = field(default=b"", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    after_send: Callable[[], None] | None = None

    def encode(self, *, close: bool = False) -> bytes:
        """The response as one block of bytes.

        Sent in two writes it would meet delayed acknowledgements and cost the client 40 ms.

        Args:
            close: Announce that the connection ends here.
        """
        lines = [f"HTTP/1.1 {self.status.value} {self.status.phrase}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines.append(f"Content-Length: {len(self.body)}")
        if close:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + self.body


def read_request(
    stream: BufferedIOBase,
    *,
    body_limit: int,
    send_continue: Callable[[], None],
    connection: int = 0,
) -> Request | None:
    """Read the next request of a connection.

    Args:
        stream: The connection, buffered.
        body_limit: Largest body in bytes that is accepted.
        send_continue: Called when the client waits for "100 Continue" before its body; a server
            that stays silent makes libcurl wait a whole second before a large answer.
        connection: Number of the connection, for the request.

    Returns:
        The request, or ``None`` when the client closed the connection between requests.

    Raises:
        BadRequest: The bytes are no HTTP/1.1 request, or a bound is exceeded.
    """
    line = stream.readline(_LINE_LIMIT)
    arrived_ns = time.monotonic_ns()
    if not line:
        return None
    try:
        method, path, version = line.decode("ascii").split()
    except ValueError:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the request line cannot be read") from None
    if not version.startswith("HTTP/1."):
        raise BadRequest(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED, f"{version} is not spoken here")
    headers = _read_headers(stream)
    if headers.get("expect", "").lower() == "100-continue":
        send_continue()
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body, first_byte_ns = _read_chunks(stream, body_limit)
    else:
        body, first_byte_ns = _read_exactly(stream, _content_length(headers, body_limit))
    complete_ns = time.monotonic_ns()
    return Request(
        method,
        path,
        headers,
        body,
        arrived_ns,
        complete_ns,
        first_byte_ns=first_byte_ns or complete_ns,
        connection=connection,
    )


def _read_headers(stream: BufferedIOBase) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_HEADER_COUNT_LIMIT):
        line = stream.readline(_HEADER_LINE_LIMIT)
        if line in {b"\r\n", b"\n"}:
            return headers
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon or not line.endswith(b"\n"):
            raise BadRequest(HTTPStatus.BAD_REQUEST, "a header line cannot be read")
        headers[name.strip().lower()] = value.strip()
    raise BadRequest(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "too many header lines")


def _content_length(headers: Mapping[str, str], limit: int) -> int:
    text = headers.get("content-length", "0")
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(HTTPStatus.BAD_REQUEST, f"Content-Length is {text!r}")
    return _within(int(text), limit)


def _read_chunks(stream: BufferedIOBase, limit: int) -> tuple[bytes, int]:
    """A chunked body, and when its first byte was there: 0 for an empty one."""
    body, first_byte_ns = bytearray(), 0
    while size := _chunk_size(stream.readline(_LINE_LIMIT)):
        _within(len(body) + size, limit)
        chunk, began_ns = _read_exactly(stream, size)
        body += chunk
        first_byte_ns = first_byte_ns or began_ns
        if stream.readline(3) not in {b"\r\n", b"\n"}:
            raise BadRequest(HTTPStatus.BAD_REQUEST, "a chunk is longer than its size")
    _read_headers(stream)  # trailers, up to the empty line
    return bytes(body), first_byte_ns


def _chunk_size(line: bytes) -> int:
    digits = line.split(b";")[0].strip()
    if not digits or digits.strip(b"0123456789abcdefABCDEF"):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "a chunk size cannot be read")
    return int(digits, 16)


def _read_exactly(stream: BufferedIOBase, size: int) -> tuple[bytes, int]:
    """So many bytes, and when the first of them was there: 0 if there are none."""
    if not size:
        return b"", 0
    first = stream.read(1)  # waits for one byte; what is there with it stays in the buffer
    began_ns = time.monotonic_ns()
    body = first + stream.read(size - 1)
    if len(body) != size:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the connection ended inside a body")
    return body, began_ns


def _within(size: int, limit: int) -> int:
    if size > limit:
        raise BadRequest(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a body of {size} bytes is over {limit}"
        )
    return size

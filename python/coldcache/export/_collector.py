"""One HTTP request to a collector, bounded in time and size, and what its answer means.

No redirects are followed and no proxy is asked: metrics go where they were told to go.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping
    from http.client import HTTPConnection

# Statuses after which OTLP has a request sent again ("OTLP/HTTP Response").
_LATER = frozenset({429, 502, 503, 504})
_MOST_ANSWER_BYTES = 65_536
_PORTS = {"http": 80, "https": 443}


class Collector:
    """Where to send.

    Args:
        endpoint: ``http://host:port`` or ``https://host:port``, with a path in front of
            ``/v1/metrics`` perhaps.
        headers: Sent with each request, such as an API key. They are shown nowhere.
        timeout: Seconds for one request, from connecting to the last byte of the answer.

    Raises:
        ValueError: The endpoint is no such address, or a header cannot be sent.
    """

    def __init__(self, endpoint: str, headers: "Mapping[str, str]", timeout: float) -> None:
        self.scheme, self.host, self.port, self.path = _parse(endpoint)
        for name, value in headers.items():
            if not (name and name.isascii() and name.replace("-", "").replace("_", "").isalnum()):
                message = f"a header must be named in letters, digits and dashes, got {name!r}"
                raise ValueError(message)
            if not isinstance(value, str) or not value.isprintable() or not value.isascii():
                message = f"the value of the header {name!r} must be printable ASCII"
                raise ValueError(message)
        self._headers = {"Content-Type": "application/json", **headers}
        self._timeout = timeout

    def post(self, path: str, body: bytes) -> "tuple[str, bytes]":
        """Send one message.

        Args:
            path: ``/v1/metrics`` or ``/v1/traces``.
            body: JSON.

        Returns:
            ``accepted``, ``later`` (to be sent again) or ``refused``, and the answer.

        Raises:
            OSError: There is no answer in time, or no collector.
            http.client.HTTPException: It does not speak HTTP.
        """
        # Both cost more than everything else of the exporter, and only whoever sends needs them.
        import threading  # noqa: PLC0415
        from http import client  # noqa: PLC0415

        kind = client.HTTPSConnection if self.scheme == "https" else client.HTTPConnection
        connection = kind(self.host, self.port, timeout=self._timeout)
        # The time limit of a socket is one of each step; a collector that drips has to be cut off.
        was_cut = threading.Event()
        watch = threading.Timer(self._timeout, _cut, (connection, was_cut))
        watch.daemon = True
        watch.start()
        try:
            connection.request("POST", self.path + path, body, self._headers)
            answer = connection.getresponse()
            text = answer.read(_MOST_ANSWER_BYTES)
        finally:
            watch.cancel()
            connection.close()
        if was_cut.is_set():  # and what was read up to there may look whole
            message = f"no whole answer in {self._timeout:g} s"
            raise TimeoutError(message)
        if 200 <= answer.status < 300:
            return "accepted", text
        return ("later" if answer.status in _LATER else "refused"), text


def _cut(connection: "HTTPConnection", was_cut: "threading.Event") -> None:
    import socket  # noqa: PLC0415 - loaded by the connection

    was_cut.set()
    held = connection.sock
    if held is not None:
        try:
            held.shutdown(socket.SHUT_RDWR)
        except OSError:  # it has ended by itself
            return


def _parse(endpoint: object) -> tuple[str, str, int, str]:
    wants = "must be 'http://host:port' or 'https://host:port', with a path perhaps"
    if not isinstance(endpoint, str):
        message = f"endpoint {wants}, got {endpoint!r}"
        raise TypeError(message)
    scheme, _, rest = endpoint.partition("://")
    place, slash, path = rest.partition("/")
    if "@" in place:
        # Not shown: it holds a password.
        raise ValueError("endpoint must not hold a user's name: give credentials as headers")
    wrong = f"endpoint {wants}, got {endpoint!r}"
    if scheme not in _PORTS or not (endpoint.isascii() and endpoint.isprintable()):
        raise ValueError(wrong)
    if " " in endpoint or "?" in endpoint or "#" in endpoint:
        raise ValueError(wrong)
    if place.startswith("["):
        host, closing, port = place[1:].partition("]")
        if not closing or (port and not port.startswith(":")):
            raise ValueError(wrong)
        port = port[1:]
    else:
        host, _, port = place.partition(":")
    if not host or not (port.isdigit() or not port) or not 0 < int(port or 1) < 65536:
        raise ValueError(wrong)
    return scheme, host, int(port) if port else _PORTS[scheme], (slash + path).rstrip("/")

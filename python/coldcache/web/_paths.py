"""The answers of the probe, on the application's own port."""

from coldcache.web import probe
from coldcache.web._readiness import here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_WARM_UPS = ("before", "background", None)


class Answer:
    """A response: status line without version, headers, body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: str, body: bytes, *extra: tuple[str, str], kind: str) -> None:
        self.status = status
        self.headers = [
            ("Content-Type", kind),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            *extra,
        ]
        self.body = body


class Paths:
    """Which requests are answered here, and how.

    Attributes:
        warm_up: Who runs the warm-up and when: ``before``, ``background`` or ``None``.
    """

    def __init__(
        self,
        *,
        warm_up: "str | None",
        prefix: str,
        refuse: bool,
        allow: "Iterable[str]",
        retry_after: int,
    ) -> None:
        if warm_up not in _WARM_UPS:
            message = f"warm_up must be 'before', 'background' or None, got {warm_up!r}"
            raise ValueError(message)
        if not isinstance(prefix, str) or (prefix and not prefix.startswith("/")):
            message = f"prefix must be empty or begin with a slash, got {prefix!r}"
            raise ValueError(message)
        if isinstance(allow, str):
            message = f"allow must be a tuple of paths, got {allow!r}"
            raise TypeError(message)
        if isinstance(retry_after, bool) or not isinstance(retry_after, int) or retry_after < 0:
            message = f"retry_after must be a whole number of seconds, got {retry_after!r}"
            raise ValueError(message)
        self.warm_up = warm_up
        self._prefix = prefix.rstrip("/")
        self._refuse = refuse
        self._allow = frozenset(allow)
        self._again = ("Retry-After", str(retry_after))

    def answer(self, method: str, path: str) -> Answer | None:
        """Answer for the application; ``None`` if the request is its own."""
        name = path[len(self._prefix) :] if path.startswith(self._prefix) else ""
        if name not in ("/livez", "/readyz", "/startup"):
            return self._not_ready() if self.refuses(path) else None
        if method not in ("GET", "HEAD"):
            allow = ("Allow", "GET, HEAD")
            return Answer("405 Method Not Allowed", b"", allow, kind="text/plain")
        if name == "/livez":
            return Answer("200 OK", b"ok\n", kind="text/plain")
        if name == "/readyz" and not here.is_ready:
            return self._not_ready()
        body = here.text() if name == "/readyz" else probe.timeline()
        return Answer("200 OK", body, kind="application/json")

    def refuses(self, path: str) -> bool:
        """Whether the application may not be asked yet."""
        return self._refuse and not here.is_ready and path not in self._allow

    def _not_ready(self) -> Answer:
        status = "503 Service Unavailable"
        return Answer(status, here.text(), self._again, kind="application/json")

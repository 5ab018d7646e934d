"""Readiness for a WSGI application, on its own port."""

import os

from coldcache.web._paths import Paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Literal

__all__ = ["Readiness"]


class Readiness:
    """Answer ``/livez``, ``/readyz`` and ``/startup``; 503 for everything else until ready.

    Args:
        app: The application.
        warm_up: Who warms up: "before" runs `coldcache.warm_up` here and now, so that the server
            does not accept before; "background" does so in a thread, again until it succeeds; None
            leaves it to the program, or to the hooks for gunicorn.
        prefix: What the three paths begin with, ``/internal`` for ``/internal/readyz``.
        refuse: Whether the application's own paths are answered with 503 until it is ready.
        allow: Paths that are its own from the beginning.
        retry_after: Seconds after which a client that was refused should come again.

    Raises:
        WarmUpError: With "before": a required step failed.
        TypeError: *allow* is one text.
        ValueError: An argument cannot be used.
    """

    def __init__(
        self,
        app: "Any",
        *,
        warm_up: "Literal['before', 'background'] | None" = None,
        prefix: str = "",
        refuse: bool = True,
        allow: "Iterable[str]" = (),
        retry_after: int = 1,
    ) -> None:
        self.app = app
        self._paths = Paths(
            warm_up=warm_up, prefix=prefix, refuse=refuse, allow=allow, retry_after=retry_after
        )
        self._warmed_in = 0
        if warm_up == "before":
            from coldcache._warm_up import warm_up as run  # noqa: PLC0415 - imports threads
            from coldcache.web._warming import declare_ready  # noqa: PLC0415

            run()
            declare_ready()
        else:
            self._see_to_it()

    def __call__(self, environ: "dict[str, Any]", start_response: "Any") -> "Iterable[bytes]":
        """Answer one request."""
        self._see_to_it()
        path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        answer = self._paths.answer(environ.get("REQUEST_METHOD", "GET"), path)
        if answer is None:
            result: Iterable[bytes] = self.app(environ, start_response)
            return result
        start_response(answer.status, answer.headers)
        return [] if environ.get("REQUEST_METHOD") == "HEAD" else [answer.body]

    def _see_to_it(self) -> None:
        """Have a thread that warms up, in each process: a forked one has not inherited it."""
        if self._paths.warm_up != "background" or self._warmed_in == os.getpid():
            return
        self._warmed_in = os.getpid()
        import threading  # noqa: PLC0415

        from coldcache.web._warming import declare_ready, warm_until_done  # noqa: PLC0415

        def run() -> None:
            if warm_until_done(threading.main_thread().is_alive):
                declare_ready()

        threading.Thread(target=run, name="coldcache readiness", daemon=True).start()

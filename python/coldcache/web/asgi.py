"""Readiness for an ASGI application, on its own port."""

from __future__ import annotations

import asyncio
import contextlib
import os

from coldcache._core import _log_warning
from coldcache.exceptions import ConfigError, WarmUpError
from coldcache.web._paths import Paths
from coldcache.web._readiness import here
from coldcache.web._warming import declare_ready, pauses, tell_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping
    from typing import Any, Literal

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

__all__ = ["Readiness", "application"]

_TRY_AGAIN_LATER = 1013  # the WebSocket close code


class Readiness:
    """Answer ``/livez``, ``/readyz`` and ``/startup``; 503 for everything else until ready.

    Args:
        app: The application.
        warm_up: When `coldcache.warm_up_async` runs: "before" once the application's own startup is
            complete and before the server is told so, which listens only then; "background" beside
            the first requests, again until it succeeds; None leaves it to the program.
        prefix: What the three paths begin with, ``/internal`` for ``/internal/readyz``.
        refuse: Whether the application's own paths are answered with 503 until it is ready.
        allow: Paths that are its own from the beginning.
        retry_after: Seconds after which a client that was refused should come again.

    Raises:
        TypeError: *allow* is one text.
        ValueError: An argument cannot be used.
    """

    def __init__(
        self,
        app: Callable[..., Awaitable[None]],
        *,
        warm_up: Literal["before", "background"] | None = "before",
        prefix: str = "",
        refuse: bool = True,
        allow: Iterable[str] = (),
        retry_after: int = 1,
    ) -> None:
        self.app = app
        self._paths = Paths(
            warm_up=warm_up, prefix=prefix, refuse=refuse, allow=allow, retry_after=retry_after
        )
        self._task: asyncio.Task[None] | None = None
        self._is_begun = warm_up is None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
            return
        if not self._is_begun:
            self._begin_beside()  # the server has no lifespan, so this is the first we hear
        if scope["type"] == "http":
            answer = self._paths.answer(scope["method"], scope["path"])
            if answer is not None:
                headers = [(name.lower().encode(), text.encode()) for name, text in answer.headers]
                status = int(answer.status[:3])
                await send({"type": "http.response.start", "status": status, "headers": headers})
                body = b"" if scope["method"] == "HEAD" else answer.body
                await send({"type": "http.response.body", "body": body})
                return
        elif self._paths.refuses(scope["path"]):
            await receive()
            await send({"type": "websocket.close", "code": _TRY_AGAIN_LATER})
            return
        await self.app(scope, receive, send)

    async def _live(self, scope: Message, receive: Receive, send: Send) -> None:
        has_heard = False

        async def hear() -> Message:
            nonlocal has_heard
            has_heard = True
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await self._end()
            return message

        async def tell(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                message = await self._begin() or message
            await send(message)

        try:
            await self.app(scope, hear, tell)
        except Exception:
            if has_heard:
                raise
            # It does not know of a lifespan, which it says by failing at once.
            await hear()
            await tell({"type": "lifespan.startup.complete"})
            await hear()
            await send({"type": "lifespan.shutdown.complete"})

    async def _begin(self) -> Message | None:
        """Warm up, or begin to; what the server is told instead of success."""
        here.begin_again()  # a process may have one life after another: tests do
        if self._paths.warm_up is None:
            return None
        if self._paths.warm_up == "background":
            self._begin_beside()
            return None
        self._is_begun = True
        from coldcache._warm_up import warm_up_async  # noqa: PLC0415

        try:
            await warm_up_async()
        except WarmUpError as error:
            return {"type": "lifespan.startup.failed", "message": str(error)}
        declare_ready()
        return None

    def _begin_beside(self) -> None:
        self._is_begun = True
        self._task = asyncio.get_running_loop().create_task(_warm_until_done())

    async def _end(self) -> None:
        here.say(False)
        self._is_begun = self._paths.warm_up is None
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task


async def _warm_until_done() -> None:
    from coldcache._warm_up import warm_up_async  # noqa: PLC0415

    for pause in pauses():
        try:
            await warm_up_async()
        except WarmUpError as error:
            tell_of(error, pause)
        except Exception as error:  # noqa: BLE001 - the application goes on, and is not ready
            _log_warning(f"not ready: the warm-up cannot run: {type(error).__name__}: {error}")
            return
        else:
            declare_ready()
            return
        await asyncio.sleep(pause)


def application() -> Readiness:
    """Import the application that ``COLDCACHE_APP`` names and put it behind `Readiness`.

    For a server that calls a factory, without a change to the code:
    ``COLDCACHE_APP=shop:app uvicorn --factory coldcache.web.asgi:application``. The probe of
    ``COLDCACHE_PROBE`` is there before the import. ``COLDCACHE_WARM_UP`` is ``before``,
    ``background`` or ``off``.

    Returns:
        The application to serve.

    Raises:
        ConfigError: A variable names nothing that can be used.
        ImportError: The module cannot be imported.
    """
    import importlib  # noqa: PLC0415

    from coldcache.web import probe  # noqa: PLC0415

    probe.start_from_environment()
    name = os.environ.get("COLDCACHE_APP", "")
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        message = f"COLDCACHE_APP must be module:name of the application, got {name[:60]!r}"
        raise ConfigError(message)
    when = os.environ.get("COLDCACHE_WARM_UP") or "before"
    kinds: dict[str, Literal["before", "background"] | None]
    kinds = {"before": "before", "background": "background", "off": None}
    if when not in kinds:
        message = f"COLDCACHE_WARM_UP must be before, background or off, got {when[:60]!r}"
        raise ConfigError(message)
    app: Any = importlib.import_module(module)
    for part in attribute.split("."):
        if not hasattr(app, part):
            message = f"module {module!r} has no {attribute!r} (COLDCACHE_APP)"
            raise ConfigError(message)
        app = getattr(app, part)
    return Readiness(app, warm_up=kinds[when])

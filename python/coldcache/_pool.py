"""The decorator `coldcache.pool`. Imported when it is first used."""

from coldcache._pooled import Pool
from coldcache._registry import registered
from coldcache._settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Literal, TypeVar, overload

    from coldcache._pooled_async import AsyncPool

    _T = TypeVar("_T")

__all__ = ["Pool", "pool", "registered"]

if TYPE_CHECKING:

    class _Decorator:
        """`pool` with options: of plain and of coroutine functions."""

        @overload
        def __call__(self, factory: Callable[[], Awaitable[_T]], /) -> AsyncPool[_T]: ...
        @overload
        def __call__(self, factory: Callable[[], _T], /) -> Pool[_T]: ...
        def __call__(self, factory: Any, /) -> Any: ...

    @overload
    def pool(factory: Callable[[], Awaitable[_T]], /) -> AsyncPool[_T]: ...
    @overload
    def pool(factory: Callable[[], _T], /) -> Pool[_T]: ...
    @overload
    def pool(
        *,
        size: int = 4,
        min_idle: int | None = None,
        check: Callable[[Any], object] | None = None,
        close: Callable[[Any], object] | None = None,
        reset: Callable[[Any], object] | None = None,
        max_age: float | None = None,
        max_idle: float | None = None,
        retry_on: type[Exception] | tuple[type[Exception], ...] = (),
        depends_on: tuple[Any, ...] = (),
        auth_errors: type[Exception]
        | tuple[type[Exception], ...]
        | Callable[[BaseException], bool]
        | None = None,
        after: tuple[Callable[[], Any], ...] = (),
        timeout: float | None = 30.0,
        per_loop: bool | None = None,
        on_restore: Literal["keep", "check", "reset"] = "check",
        warm: Literal[True, False, "prepaid"] = True,
        name: str | None = None,
    ) -> _Decorator: ...

    def pool(*args: Any, **kwargs: Any) -> Any: ...

else:

    def pool(
        factory: "Callable[[], Any] | None" = None,
        /,
        *,
        size: int = 4,
        min_idle: int | None = None,
        check: "Callable[[Any], object] | None" = None,
        close: "Callable[[Any], object] | None" = None,
        reset: "Callable[[Any], object] | None" = None,
        max_age: float | None = None,
        max_idle: float | None = None,
        retry_on: "Any" = (),
        depends_on: "tuple[Any, ...]" = (),
        auth_errors: "Any" = None,
        after: "tuple[Callable[[], Any], ...]" = (),
        timeout: float | None = 30.0,
        per_loop: bool | None = None,
        on_restore: str = "check",
        warm: "bool | str" = True,
        name: str | None = None,
    ) -> "Any":
        """Keep up to *size* objects, each checked out by one user at a time.

        `with connections() as connection:` hands out the one used last, as it is while there is no
        reason for doubt. Who waits longest is served first. Options not described here are those of
        `coldcache.resource`.

        Args:
            factory: The function that makes one object, without arguments. A coroutine function
                fills one pool for each event loop, for `async with`.
            size: How many objects there are at most.
            min_idle: How many `warm_up` makes, and how many are kept however idle; 1 by default.
            check: Called with an object if there is a reason to; see `coldcache.resource`.
            close: Called with an object that is no longer wanted.
            reset: Called with an object that comes back, to undo what its user left behind (a
                `rollback`, say). If it raises, the object is replaced.
            max_age: Seconds after which an object is replaced, at its next use.
            max_idle: Seconds without a use after which an object is checked before the next one, or
                closed if there are more than *min_idle*.
            retry_on: Exceptions that are the object's fault. One of them makes all objects
                suspicious; `.call(function)` and `for attempt in connections(retry=True)` try once
                more with a new object.
            depends_on: The functions that the factory gets its secrets from.
            auth_errors: Exceptions that mean refused credentials, or a function of the exception.
            after: What `warm_up` runs before it.
            timeout: Seconds to wait for an object, and to check and make it, together. Factories
                and checks then run in threads of their own. `None` waits as long as it takes.
            per_loop: Whether there is one pool for each event loop: by default if the factory is a
                coroutine function.
            on_restore: After a restore from a snapshot, "check" objects (without *check*: replace
                them), "reset" them, or "keep" them. A forked child always begins with none.
            warm: Whether `warm_up` fills it; "prepaid": only where no request waits for that.
            name: What messages call it; the name of the function by default.

        Returns:
            A `Pool`, to be called for checkouts; it has `call()`, `invalidate()`, `close()` and
            `stats()`.

        Raises:
            TypeError: The factory takes arguments or is a generator function, or an option has the
                wrong type.
            ValueError: An option cannot be used.
        """
        options = {key: value for key, value in locals().items() if key != "factory"}
        if min_idle is None:
            options["min_idle"] = 1
        settings = Settings(options)

        def decorate(factory: "Callable[[], Any]") -> "Pool[Any]":
            chosen = settings.of("pool", factory)
            if chosen.is_async:
                from coldcache._pooled_async import AsyncPool  # noqa: PLC0415

                return AsyncPool(factory, chosen)
            return Pool(factory, chosen)

        return decorate if factory is None else decorate(factory)

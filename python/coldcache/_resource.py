"""The decorator `coldcache.resource`. Imported when it is first used."""

from coldcache._registry import registered
from coldcache._settings import Settings
from coldcache._shared import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Literal, TypeVar, overload

    from coldcache._shared_async import AsyncResource

    _T = TypeVar("_T")

__all__ = ["Resource", "registered", "resource"]

if TYPE_CHECKING:

    class _Decorator:
        """`resource` with options: of plain and of coroutine functions."""

        @overload
        def __call__(self, factory: Callable[[], Awaitable[_T]], /) -> AsyncResource[_T]: ...
        @overload
        def __call__(self, factory: Callable[[], _T], /) -> Resource[_T]: ...
        def __call__(self, factory: Any, /) -> Any: ...

    @overload
    def resource(factory: Callable[[], Awaitable[_T]], /) -> AsyncResource[_T]: ...
    @overload
    def resource(factory: Callable[[], _T], /) -> Resource[_T]: ...
    @overload
    def resource(
        *,
        check: Callable[[Any], object] | None = None,
        close: Callable[[Any], object] | None = None,
        max_age: float | None = None,
        max_idle: float | None = None,
        retry_on: type[Exception] | tuple[type[Exception], ...] = (),
        depends_on: tuple[Any, ...] = (),
        auth_errors: type[Exception]
        | tuple[type[Exception], ...]
        | Callable[[BaseException], bool]
        | None = None,
        after: tuple[Callable[[], Any], ...] = (),
        timeout: float | None = None,
        per_loop: bool | None = None,
        on_fork: Literal["keep", "reset"] = "reset",
        on_restore: Literal["keep", "check", "reset"] = "check",
        warm: Literal[True, False, "prepaid"] = True,
        name: str | None = None,
    ) -> _Decorator: ...

    def resource(*args: Any, **kwargs: Any) -> Any: ...

else:

    def resource(
        factory: "Callable[[], Any] | None" = None,
        /,
        *,
        check: "Callable[[Any], object] | None" = None,
        close: "Callable[[Any], object] | None" = None,
        max_age: float | None = None,
        max_idle: float | None = None,
        retry_on: "Any" = (),
        depends_on: "tuple[Any, ...]" = (),
        auth_errors: "Any" = None,
        after: "tuple[Callable[[], Any], ...]" = (),
        timeout: float | None = None,
        per_loop: bool | None = None,
        on_fork: str = "reset",
        on_restore: str = "check",
        warm: "bool | str" = True,
        name: str | None = None,
    ) -> "Any":
        """Make an object once, share it for the container's lifetime, and look after it.

        `with database() as connection:` costs nothing while there is no reason for doubt; the
        object is asked (*check*) or made anew after a freeze, a long pause, an error, a restore, at
        its age.

        Args:
            factory: The function that makes the object, without arguments. A coroutine function
                makes one object for each event loop, for `async with`.
            check: Called with the object if there is a reason to: it raises or returns False if the
                object is not well. Without it, an object is kept after a thaw and replaced for the
                other reasons.
            close: Called with an object that was replaced, after its last user, and at exit. Never
                in a forked child. Its errors are counted.
            max_age: Seconds after which the object is replaced, by whichever clock says more.
            max_idle: Seconds without a use after which the object is checked before the next one.
            retry_on: Exceptions that are the object's fault. One that leaves a `with` block makes
                the object suspicious; `.call(function)` and `for attempt in database(retry=True)`
                make it anew and try once more.
            depends_on: The functions that the factory gets its secrets from: `once` and `cached`
                functions, resources, or `(function, argument, ...)` for one key of a `cached`
                function. Where credentials are refused they are fetched again, and every dependent
                is made anew.
            auth_errors: Exceptions that mean so, or a function of the exception. By default those
                of common drivers are recognised.
            after: What `warm_up` runs before it.
            timeout: Seconds for checking and making it, together, and for waiting for another
                caller who does. A plain factory then runs in a thread of its own. `None` waits as
                long as it takes.
            per_loop: Whether there is one object for each event loop: by default if the factory is
                a coroutine function.
            on_fork: "reset": a forked child makes its own; "keep": it shares the parent's.
            on_restore: After a restore from a snapshot, "check" the object (without *check*:
                replace it), "reset" it, or "keep" it.
            warm: Whether `warm_up` makes it; "prepaid": only where no request waits for that.
            name: What messages call it; the name of the function by default.

        Returns:
            A `Resource`, to be called for leases; it has `get()`, `call()`, `peek()`,
            `invalidate()`, `close()`, `is_done()` and `stats()`.

        Raises:
            TypeError: The factory takes arguments or is a generator function, or an option has the
                wrong type.
            ValueError: An option cannot be used.
        """
        options = {key: value for key, value in locals().items() if key != "factory"}
        settings = Settings(options)

        def decorate(factory: "Callable[[], Any]") -> "Resource[Any]":
            chosen = settings.of("resource", factory)
            if chosen.is_async:
                from coldcache._shared_async import AsyncResource  # noqa: PLC0415

                return AsyncResource(chosen.is_async, factory, chosen)
            return Resource(chosen.is_async, factory, chosen)

        return decorate if factory is None else decorate(factory)

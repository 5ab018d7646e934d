"""Named steps of a start: around a block of code, or declared for `warm_up`."""

from __future__ import annotations

import contextvars
import functools
import time

from coldcache._core import _begin_step, _is_coroutine_function, _once_step
from coldcache.exceptions import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType
    from typing import Any, Literal

# Steps inside which the current code runs, outermost first.
_inside: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar(
    "coldcache_steps", default=()
)
# Where `warm_up` gathers the steps inside one of its own.
gathered: contextvars.ContextVar[list[StepRecord] | None] = contextvars.ContextVar(
    "coldcache_gathered", default=None
)

_declared: dict[str, DeclaredStep] = {}


class StepRecord:
    """A step that has ended.

    Attributes:
        name: The step's name.
        inside: Names of the steps around it, outermost first.
        begin: When it began, in seconds of `time.perf_counter()`.
        seconds: How long it took.
        error: Name of the type of what it raised, or ``None``.
    """

    __slots__ = ("begin", "error", "inside", "name", "seconds")

    def __init__(
        self, name: str, inside: tuple[str, ...], begin: float, seconds: float, error: str | None
    ) -> None:
        self.name = name
        self.inside = inside
        self.begin = begin
        self.seconds = seconds
        self.error = error


class step:  # noqa: N801 - used as a statement and as a decorator
    """A named step of the start.

    As a context manager it times a block; steps nest. As a decorator it declares a function that
    `warm_up` runs once: the options are for that.

    Args:
        name: What reports call it.
        after: What has to be done before: declared steps, or their names, which may be declared
            later; `once` functions, resources, pools.
        required: Whether `warm_up` fails if this step does. Optional steps are only reported.
        warm: Whether `warm_up` runs it. "prepaid": only where no request waits for the start.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: *name* is empty, or *warm* none of these.
        ConfigError: When the function is decorated: the name is taken, or steps would wait for one
            another in a ring, which the message prints.
    """

    __slots__ = ("_open", "_options", "name")

    def __init__(
        self,
        name: str,
        *,
        after: Iterable[Any] = (),
        required: bool = True,
        warm: bool | Literal["prepaid"] = True,
    ) -> None:
        if not isinstance(name, str):
            message = f"the name of a step must be a text, got {name!r}"
            raise TypeError(message)
        if not name:
            raise ValueError("the name of a step must not be empty")
        if warm not in (True, False, "prepaid"):
            message = f"warm must be True, False or 'prepaid', got {warm!r}"
            raise ValueError(message)
        self.name = name
        self._options = (_dependencies(name, after), required, warm)
        self._open: list[tuple[Any, Any, float]] = []

    def __call__(self, function: Callable[..., Any]) -> DeclaredStep:
        """Declare a function without arguments as this step."""
        return declare(function, self.name, *self._options)

    def __enter__(self) -> step:
        if self._options != ((), True, True):
            message = (
                f"options of step {self.name!r} are for a function that warm_up runs: "
                f"@coldcache.step({self.name!r}, ...)"
            )
            raise TypeError(message)
        recorded = _begin_step("step", self.name)
        token = _inside.set((*_inside.get(), self.name))
        self._open.append((recorded, token, time.perf_counter()))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        recorded, token, begin = self._open.pop()
        seconds = time.perf_counter() - begin
        _inside.reset(token)
        raised = None if kind is None else kind.__name__
        if recorded is not None:
            recorded.end(raised)
        around = gathered.get()
        if around is not None:
            around.append(StepRecord(self.name, _inside.get(), begin, seconds, raised))


class DeclaredStep:
    """A function that `warm_up` runs as a step; calling it runs it, timed.

    Attributes:
        name: The step's name.
        after: What has to be done before, as declared.
        required: Whether `warm_up` fails if it does.
        warm: Whether `warm_up` runs it.
        is_async: Whether it is a coroutine function.
    """

    kind = "step"
    __wrapped__: Callable[..., Any]

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        after: tuple[Any, ...],
        required: bool,
        warm: bool | Literal["prepaid"],
    ) -> None:
        functools.update_wrapper(self, function)
        self.name = name
        self.after = after
        self.required = required
        self.warm = warm
        self.is_async = _is_coroutine_function(function)
        # One run for all who warm up at the same time, and a ring is found while it runs, too.
        self._once = _once_step(self._make_run(function), name)
        if self.is_async:
            import inspect  # noqa: PLC0415 - whoever is asynchronous has it

            if hasattr(inspect, "markcoroutinefunction"):  # 3.12+
                inspect.markcoroutinefunction(self)

    def __call__(self) -> Any:
        if self.is_async:
            return self._await()
        with step(self.name):
            return self.__wrapped__()

    async def _await(self) -> Any:
        with step(self.name):
            return await self.__wrapped__()

    def _make_run(self, function: Callable[..., Any]) -> Callable[..., Any]:
        # What the function returns is nobody's: it is not kept.
        async def run_async() -> None:
            await function()

        def run() -> None:
            function()

        return run_async if self.is_async else run

    def is_done(self) -> bool:
        """Whether a warm-up has run it to a good end."""
        return bool(self._once.is_done())

    def reset(self) -> None:
        """Have the next warm-up run it again."""
        self._once.reset()

    def _warm_up(self) -> Any:
        # Timed by the warm-up, and not as a step inside itself.
        return self._once()

    def __repr__(self) -> str:
        return f"<coldcache.step {self.name!r}: {'done' if self.is_done() else 'not run'}>"


def declare(
    function: Callable[..., Any],
    name: str,
    after: tuple[Any, ...],
    required: bool,
    warm: bool | Literal["prepaid"],
) -> DeclaredStep:
    """Declare a function as a step of the warm-up."""
    if not callable(function):
        message = f"step {name!r} decorates a function without arguments, got {function!r}"
        raise TypeError(message)
    made = DeclaredStep(function, name, after, required, warm)
    old = _declared.get(name)
    if old is not None and _origin(old) != _origin(made):
        message = f"there is a step {name!r} already: {'.'.join(_origin(old))}"
        raise ConfigError(message)
    ring = _ring(made)
    if ring is not None:
        message = f"steps wait for one another in a ring: {' -> '.join(ring)}"
        raise ConfigError(message)
    _declared[name] = made  # a module that is loaded again declares its steps again
    return made


def enter(name: str) -> None:
    """Have what runs in the current context count as inside a step."""
    _inside.set((*_inside.get(), name))


def declared() -> list[DeclaredStep]:
    """Return the steps that functions declared, in that order."""
    return list(_declared.values())


def named(name: str) -> DeclaredStep | None:
    """Return the declared step of this name."""
    return _declared.get(name)


def before(thing: Any) -> list[Any]:
    """What has to come before a thing, as far as it is declared by now."""
    found = []
    for one in getattr(thing, "after", ()):
        if isinstance(one, str):
            one = _declared.get(one)  # noqa: PLW2901 - the thing of that name
        if one is not None:
            found.append(one)
    return found


def name_of(thing: Any) -> str:
    """What reports call a thing."""
    return str(getattr(thing, "name", None) or getattr(thing, "__qualname__", None) or thing)


def _dependencies(name: str, after: Iterable[Any]) -> tuple[Any, ...]:
    wanted = "a tuple of steps or their names, once functions, resources and pools"
    if isinstance(after, str) or not hasattr(after, "__iter__"):
        message = f"after of step {name!r} must be {wanted}, got {after!r}"
        raise TypeError(message)
    given = tuple(after)
    for one in given:
        if not isinstance(one, str) and not hasattr(one, "after"):
            message = f"after of step {name!r} must be {wanted}, got {one!r} among them"
            raise TypeError(message)
    return given


def _origin(made: DeclaredStep) -> tuple[str, str]:
    function = made.__wrapped__
    qualified = getattr(function, "__qualname__", type(function).__qualname__)
    return (getattr(function, "__module__", None) or "?", qualified)


def _ring(made: DeclaredStep) -> list[str] | None:
    """The ring that this step would close, as names from itself to itself.

    Only a name can refer to what is declared later, and only steps have names to refer to, so each
    ring is closed by the declaration of a step.
    """
    seen: set[int] = set()

    def walk(thing: Any, path: list[str]) -> list[str] | None:
        for one in getattr(thing, "after", ()):
            if one == made.name if isinstance(one, str) else one is made:
                return [*path, made.name]
            found = _declared.get(one) if isinstance(one, str) else one
            if found is None or id(found) in seen:
                continue
            seen.add(id(found))
            ring = walk(found, [*path, name_of(found)])
            if ring is not None:
                return ring
        return None

    return walk(made, [made.name])

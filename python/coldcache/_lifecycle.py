"""Hooks around a freeze and a snapshot, each named, timed, and kept from harming the others.

Where the platform's library `snapshot_restore_py` is in use, every hook is registered with it as it
is declared, so that it takes its place among those that others registered there: hooks before the
snapshot run in the reverse order of registration, hooks after the restore in that order. The
library is never imported from here.
"""

from __future__ import annotations

import functools
import sys
import time

from coldcache._core import (
    _begin_step,
    _log_warning,
    _note_restore,
    _set_on_thaw,
    _since_restore,
    epochs,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType
    from typing import Any, Literal, TypeVar, overload

    F = TypeVar("F", bound=Callable[[], object])
    Kind = Literal["on_thaw", "before_snapshot", "after_restore"]

# Seconds that the platform gives to a restore: the hooks, and loading the runtime.
RESTORE_BUDGET = 10.0
# The part of it that may be used before a line in the log says so.
_WARN_AT = 0.8
_MOST_RUNS = 256  # kept in memory

_LIBRARY = "snapshot_restore_py"
_COROUTINE, _GENERATORS = 0x80, 0x20 | 0x200  # of code objects


class HookRun:
    """How one run of one hook went.

    Attributes:
        kind: ``on_thaw``, ``before_snapshot`` or ``after_restore``.
        name: The hook's name.
        seconds: How long it ran.
        error: What it raised, or ``None``.
        since_restore: Of an ``after_restore`` hook, how many seconds after the restore it ended.
    """

    __slots__ = ("error", "kind", "name", "seconds", "since_restore")

    def __init__(
        self,
        kind: Kind,
        name: str,
        seconds: float,
        error: BaseException | None,
        since_restore: float | None,
    ) -> None:
        self.kind = kind
        self.name = name
        self.seconds = seconds
        self.error = error
        self.since_restore = since_restore

    def __repr__(self) -> str:
        how = "" if self.error is None else f", {type(self.error).__name__}"
        return f"<{self.kind} hook {self.name}: {self.seconds:.3f} s{how}>"

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; of an error its type only, since messages may hold secrets."""
        return {
            "kind": self.kind,
            "name": self.name,
            "seconds": self.seconds,
            "error": None if self.error is None else type(self.error).__name__,
            "since_restore": self.since_restore,
        }


class _Hook:
    """A declared hook; what the platform's library calls."""

    def __init__(
        self, kind: Kind, function: Callable[[], object], name: str, *, required: bool
    ) -> None:
        self.kind = kind
        self.function = function
        self.name = name
        self.required = required

    def __call__(self) -> None:
        error: BaseException | None = None
        step = _begin_step("hook", self.name, [("when", self.kind)])
        start = time.perf_counter()
        try:
            self.function()
        except BaseException as raised:
            error = raised
            if self.required or not isinstance(raised, Exception):
                raise
        finally:
            if step is not None:
                step.end(None if error is None else type(error).__name__)
            self._ran(time.perf_counter() - start, error)

    def _ran(self, seconds: float, error: BaseException | None) -> None:
        since = _since_restore() if self.kind == "after_restore" else None
        _runs.append(HookRun(self.kind, self.name, seconds, error, since))
        del _runs[:-_MOST_RUNS]
        if isinstance(error, Exception):
            rest = "it is required, so nothing goes on" if self.required else "the others go on"
            where = place_of(error)
            _log_warning(f"{self.kind} hook {self.name} failed: {where}; {rest}")
        if since is not None:
            _watch_budget(since)


_hooks: dict[Kind, list[_Hook]] = {"on_thaw": [], "before_snapshot": [], "after_restore": []}
_runs: list[HookRun] = []
_warned_of_restore = -1


if TYPE_CHECKING:

    @overload
    def on_thaw(function: F, /) -> F: ...
    @overload
    def on_thaw(function: None = None, /, *, name: str | None = None) -> Callable[[F], F]: ...


def on_thaw(function: F | None = None, /, *, name: str | None = None) -> Any:
    """Call a function after the sandbox slept, in the order of declaration.

    Nobody tells a process that it slept: the hooks run when somebody looks at the clocks and finds
    that the wall clock ran ahead of the monotonic one by more than two seconds. Resources and pools
    look at each use, in the thread that uses them; `check_thaw` looks for you.

    Args:
        function: Takes no arguments. What it raises is logged, and the other hooks run.
        name: What reports call it; module and qualified name by default.

    Returns:
        The function itself.

    Raises:
        TypeError: It cannot be called, or is a coroutine function or a generator function.
    """
    return _declare("on_thaw", function, name, required=False)


if TYPE_CHECKING:

    @overload
    def before_snapshot(function: F, /) -> F: ...
    @overload
    def before_snapshot(
        function: None = None, /, *, name: str | None = None, required: bool = False
    ) -> Callable[[F], F]: ...


def before_snapshot(
    function: F | None = None, /, *, name: str | None = None, required: bool = False
) -> Any:
    """Call a function before the platform takes a snapshot; the hook declared last runs first.

    Args:
        function: Takes no arguments.
        name: What reports call it; module and qualified name by default.
        required: Whether its failure is the platform's to know, which then takes no snapshot. By
            default it is logged, and the other hooks run.

    Returns:
        The function itself.

    Raises:
        TypeError: It cannot be called, or is a coroutine function or a generator function.
    """
    return _declare("before_snapshot", function, name, required=required)


if TYPE_CHECKING:

    @overload
    def after_restore(function: F, /) -> F: ...
    @overload
    def after_restore(
        function: None = None, /, *, name: str | None = None, required: bool = False
    ) -> Callable[[F], F]: ...


def after_restore(
    function: F | None = None, /, *, name: str | None = None, required: bool = False
) -> Any:
    """Call a function after the process was restored from a snapshot, in the order of declaration.

    All hooks together, and loading the runtime, have 10 seconds; a line in the log says when most
    of them are used up, and by which hook. Values and resources of coldcache need no hook.

    Args:
        function: Takes no arguments.
        name: What reports call it; module and qualified name by default.
        required: Whether its failure is the platform's to know, which then ends the process. By
            default it is logged, and the other hooks run.

    Returns:
        The function itself.

    Raises:
        TypeError: It cannot be called, or is a coroutine function or a generator function.
    """
    return _declare("after_restore", function, name, required=required)


def check_thaw() -> bool:
    """Look at the clocks: run the `on_thaw` hooks if the sandbox slept since anybody looked.

    Returns:
        Whether there was a thaw since this function was called last, whoever noticed it.
    """
    global _thaws_seen
    before, _thaws_seen = _thaws_seen, epochs()[2]
    return _thaws_seen != before


_thaws_seen = epochs()[2]


def hook_runs() -> list[HookRun]:
    """Return how the hooks ran so far, oldest first; the latest 256 are kept."""
    return list(_runs)


def snapshot() -> None:
    """Run the hooks before a snapshot as the platform does, for tests and for other platforms."""
    for hook in reversed(_hooks["before_snapshot"]):
        hook()


def restore() -> None:
    """Note a restore and run the hooks after it as the platform does."""
    _note_restore()
    for hook in list(_hooks["after_restore"]):
        hook()


def place_of(error: BaseException) -> str:
    """The type of an error and the line that raised it; its message may hold secrets."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    kind = type(error).__name__
    if trace is None:
        return kind
    return f"{kind} at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


def _declare(kind: Kind, function: F | None, name: str | None, *, required: bool) -> Any:
    if name is not None and not isinstance(name, str):
        message = f"name of {kind} must be a text, got {name!r}"
        raise TypeError(message)
    if function is None:
        return functools.partial(_declare, kind, name=name, required=required)
    if not callable(function):
        message = f"{kind} takes a function without arguments, got {function!r}"
        raise TypeError(message)
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    if flags & (_COROUTINE | _GENERATORS):
        what = "coroutine" if flags & _COROUTINE else "generator"
        message = f"{kind} hooks are plain functions, and {_name(function)} is a {what} function"
        raise TypeError(message)
    hook = _Hook(kind, function, name or _name(function), required=required)
    _hooks[kind].append(hook)
    if kind == "on_thaw":
        epochs()  # the first look has nothing to compare with
        _set_on_thaw(_thawed)
    else:
        _register(hook)
    return function


def _name(function: object) -> str:
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{getattr(function, '__module__', None) or '?'}.{name}"


def _thawed() -> None:
    for hook in list(_hooks["on_thaw"]):
        hook()


def _register(hook: _Hook) -> None:
    """Hand the hook to the platform's library, where that is in use."""
    library: ModuleType | None = sys.modules.get(_LIBRARY)
    if library is None:
        return
    if hook.kind == "before_snapshot":
        library.register_before_snapshot(hook)
        return
    # Before the user's hooks: what they read must not be from before. Done by the native half if
    # the library was there first.
    if not any(function is _note_restore for function, _, _ in library.get_after_restore()):
        library.register_after_restore(_note_restore)
    library.register_after_restore(hook)


def _watch_budget(used: float) -> None:
    global _warned_of_restore  # noqa: PLW0603 - one line a restore
    restores = epochs()[1]
    if used < RESTORE_BUDGET * _WARN_AT or restores == _warned_of_restore:
        return
    _warned_of_restore = restores
    batch = [run for run in _runs if run.since_restore is not None][-len(_hooks["after_restore"]) :]
    slowest = max(batch, key=lambda run: run.seconds)
    _log_warning(
        f"{used:.1f} s of the {RESTORE_BUDGET:.0f} s that the platform gives to a restore are used "
        f"up; the slowest after_restore hook is {slowest.name} with {slowest.seconds:.1f} s"
    )

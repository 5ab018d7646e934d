"""The native half of coldcache: the manual of the Rust side."""

import os
from collections.abc import (
    Awaitable,
    Callable,
    ItemsView,
    Iterable,
    Iterator,
    KeysView,
    Mapping,
    Sequence,
    ValuesView,
)
from types import CodeType, ModuleType, TracebackType
from typing import (
    Any,
    ClassVar,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypeAlias,
    TypedDict,
    TypeVar,
    final,
    overload,
)

from typing_extensions import Self, disjoint_base

from coldcache._cache import CacheInfo

_P = ParamSpec("_P")
_Q = ParamSpec("_Q")
_R = TypeVar("_R")
_R_co = TypeVar("_R_co", covariant=True)
_S = TypeVar("_S")
_T = TypeVar("_T")
_K = TypeVar("_K")
_V = TypeVar("_V")
_D = TypeVar("_D")

__version__: str

class Removals(TypedDict):
    """How many entries left, by cause."""

    explicit: int
    replaced: int
    expired: int
    size: int

class Stats(TypedDict):
    """Counters since the start of the process, or since `cache_clear()`. Times in seconds."""

    hits: int
    misses: int
    loads: int
    failures: int
    stale_served: int
    removals: Removals
    load_time_total: float
    load_time_max: float

@final
class Once(Generic[_P, _R]):
    """A function that runs at most once; made by `once`."""

    __name__: str
    __qualname__: str
    @property
    def __wrapped__(self) -> Callable[_P, _R]: ...
    @property
    def warm(self) -> bool | Literal["prepaid"]:
        """Whether `warm_up` runs it."""
    @property
    def after(self) -> tuple[Callable[[], Any], ...]:
        """What is called before it."""
    @property
    def name(self) -> str:
        """What messages call it."""
    @property
    def is_async(self) -> bool:
        """Whether its function is a coroutine function."""
    def _runs_here(self) -> bool: ...
    @property
    def is_method(self) -> bool:
        """Whether it is a method: there is nothing to run without an instance or a class."""
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None, /) -> Self: ...
    @overload
    def __get__(
        self: Once[Concatenate[_S, _Q], _R], instance: _S, owner: type[Any] | None = None, /
    ) -> BoundOnce[_Q, _R]: ...
    def __set_name__(self, owner: type[Any], name: str, /) -> None: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any) -> Self: ...
    def reset(self) -> None:
        """Forget the result, of a method for all instances: the next call runs the function."""
    def is_done(self) -> bool:
        """Whether the function has run and its result is kept."""
    def peek(self, default: Any = None) -> Any:
        """Return the result if there is one, else *default*; never run the function."""
    def stats(self) -> Stats:
        """Return counters."""

@final
class BoundOnce(Generic[_P, _R]):
    """A `once` method looked up on an instance."""

    @property
    def __self__(self) -> Any: ...
    @property
    def __func__(self) -> Once[..., _R]: ...
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    def __getattr__(self, name: str, /) -> Any: ...
    def reset(self) -> None:
        """Forget this instance's result."""
    def is_done(self) -> bool:
        """Whether the method has run for this instance and its result is kept."""
    def peek(self, default: Any = None) -> Any:
        """Return this instance's result if there is one, else *default*."""
    def stats(self) -> Stats:
        """Return counters of this instance."""

@overload
def once(function: Callable[_P, _R], /) -> Once[_P, _R]: ...
@overload
def once(
    function: None = None,
    /,
    *,
    retry: Literal["always", "never", "backoff"] = "always",
    timeout: float | None = None,
    on_fork: Literal["keep", "reset"] = "keep",
    on_restore: Literal["keep", "stale", "reset"] = "keep",
    after: tuple[Callable[[], Any], ...] = (),
    flag: str | None = None,
    fallback: Any = ...,
    name: str | None = None,
    warm: bool | Literal["prepaid"] = True,
) -> Callable[[Callable[_P, _R]], Once[_P, _R]]:
    """Run a function at most once and keep its result for the container's lifetime.

    All callers get the result of one run, whatever thread or event loop they are on. Works bare or
    with options, on functions without arguments, methods (once per instance, which is not kept
    alive), static and class methods, and coroutine functions.

    Args:
        function: What to run; left out where the decorator has options.
        retry: What a failure means for later calls. "always": they run the function again. "never":
            they raise the same error. "backoff": they raise it for 1 s, then 2 s, 4 s, up to 60 s
            with each failure in a row, and run the function again after that.
        timeout: How long a caller waits for a run that another caller started, in seconds; of a
            coroutine function also the one who started it. `None` waits as long as it takes.
        on_fork: "reset" forgets the result in a forked child.
        on_restore: "stale" and "reset" forget the result when the process is restored from a
            snapshot.
        after: Callables without arguments, usually other `once` functions, that are called first.
        flag: Name of an environment flag (as `flag` reads it) that has to be on; if it is off or
        not
            set, the function never runs and *fallback* stands in. Read when the result is needed
            first.
        fallback: Value, or callable with the same arguments, for when the flag is off.
        name: What messages call it; the qualified name by default.
        warm: Whether `warm_up` runs it. "prepaid": only where no request waits for the start, as
            under provisioned concurrency and SnapStart.

    Returns:
        The function, with `reset()`, `is_done()`, `peek()` and `stats()`.

    Raises:
        TypeError: It is put on a generator function, whose result its first caller would use up.
        ValueError: An option cannot be used.
    """

@final
class CachedFunction(Generic[_P, _R]):
    """A function whose results are kept; made by `cached`."""

    __name__: str
    __qualname__: str
    @property
    def __wrapped__(self) -> Callable[_P, _R]: ...
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None, /) -> Self: ...
    @overload
    def __get__(
        self: CachedFunction[Concatenate[_S, _Q], _R],
        instance: _S,
        owner: type[Any] | None = None,
        /,
    ) -> CachedMethod[_Q, _R]: ...
    def __set_name__(self, owner: type[Any], name: str, /) -> None: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, _memo: Any) -> Self: ...
    def invalidate(self, *args: _P.args, **kwargs: _P.kwargs) -> bool:
        """Forget the result of this call; true if there was one. A load under way is not kept."""
    def refresh(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run the function for this call now, whatever is under way; keep and return the result."""
    def peek(self, *args: _P.args, **kwargs: _P.kwargs) -> Any:
        """Return the kept result of this call, or None; never run the function, count nothing."""
    def cache_clear(self) -> None:
        """Forget everything, counters included; loads under way are not kept."""
    def cache_info(self) -> CacheInfo:
        """Return hits, misses, maxsize, currsize: as functools' `cache_info`."""
    def cache_parameters(self) -> dict[str, Any]:
        """Return the options in force."""
    def stats(self) -> Stats:
        """Return counters."""

@final
class CachedMethod(Generic[_P, _R]):
    """A `cached` method looked up on an instance: that instance's results."""

    @property
    def __self__(self) -> Any: ...
    @property
    def __func__(self) -> CachedFunction[..., _R]: ...
    def __call__(self, *args: _P.args, **kwargs: _P.kwargs) -> _R: ...
    def __getattr__(self, name: str, /) -> Any: ...
    def invalidate(self, *args: _P.args, **kwargs: _P.kwargs) -> bool:
        """Forget this instance's result of this call; true if there was one."""
    def refresh(self, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """Run the method for this call now, keep the result and return it."""
    def peek(self, *args: _P.args, **kwargs: _P.kwargs) -> Any:
        """Return the kept result of this call, or None."""
    def cache_clear(self) -> None:
        """Forget all results of this instance."""
    def cache_info(self) -> CacheInfo:
        """Return hits, misses, maxsize, currsize of this instance."""
    def stats(self) -> Stats:
        """Return counters of this instance."""

@overload
def cached(function: Callable[_P, _R], /) -> CachedFunction[_P, _R]: ...
@overload
def cached(
    function: None = None,
    /,
    *,
    ttl: float | Callable[[Any], float | None] | None = None,
    stale: float | None = None,
    stale_if_error: float | None = None,
    error_ttl: float | tuple[float, float] | None = None,
    refresh_ahead: float | None = None,
    jitter: float | None = None,
    max_entries: int | None = 1024,
    max_weight: int | None = None,
    weigher: Callable[[Any], int] | None = None,
    policy: Literal["lru", "tiny_lfu"] = "lru",
    key: Callable[..., Any] | None = None,
    typed: bool = True,
    vary: tuple[Callable[[], Any], ...] = (),
    copy: Literal["shallow", "deep"] | Callable[[Any], Any] | None = None,
    fallback: Any = ...,
    timeout: float | None = None,
    expires_at: Callable[[Any], Any] | None = None,
    on_fork: Literal["keep", "reset"] = "keep",
    on_restore: Literal["keep", "stale", "reset"] = "stale",
    listener: Callable[[Any, Any, str], object] | None = None,
    name: str | None = None,
) -> Callable[[Callable[_P, _R]], CachedFunction[_P, _R]]:
    """Keep a function's results, each for its time, for at most the container's lifetime.

    One load runs for all callers of a key, whatever thread or event loop they are on. Works bare or
    with options, on functions, methods (results per instance, which is not kept alive), static and
    class methods, and coroutine functions.

    An entry is expired when either clock says so: a sandbox that was frozen for an hour has aged by
    an hour, and a wall clock that was set back makes nothing young again.

    Args:
        function: What to call; left out where the decorator has options.
        ttl: Life of a result in seconds, counted from the moment the call returned; or a function
        of
            the result that returns it. `None` is the container's lifetime.
        stale: After the ttl, for so many seconds, the old result is returned at once while one
            refresh runs beside.
        stale_if_error: After the ttl, for so many seconds, the old result is returned if the load
            fails.
        error_ttl: How long a failure is remembered and raised without a new load, in seconds;
        doubled
            with each failure in a row up to 60 s, or up to the second number of a pair.
        refresh_ahead: In so many last seconds of the ttl a hit starts one refresh beside.
        jitter: Each life is shortened by a random time of up to so many seconds, so that containers
            do not refresh together. Drawn from the kernel each time.
        max_entries: Bound on the number of entries; `None` for no bound.
        max_weight: Bound on the sum of the weights; needs *weigher*.
        weigher: Function of a result that returns its weight, a whole number.
        policy: What goes first at the bound. "lru": what was not used for longest. "tiny_lfu": what
            is asked for least, which keeps a hot set through a scan.
        key: Function of the call's arguments that returns a hashable key.
        typed: Whether `1`, `1.0` and `True` are different arguments.
        vary: Callables without arguments whose results belong to the key: tenant, locale, stage.
        copy: What callers get: the kept object itself, a copy of it, or what the callable returns.
        fallback: Value, or callable with the same arguments, for when a load fails and there is no
            old result to serve. Not kept.
        timeout: How long a caller waits for a load that another caller runs, in seconds; of a
            coroutine function also the one who started it, and if nobody else waits the load is
            cancelled.
        expires_at: Function of the result that returns its end on the wall clock, in seconds since
            1970 or as an aware datetime; `None` where it has none.
        on_fork: "reset" forgets the results in a forked child.
        on_restore: What a restore from a snapshot does to results: "stale" has them loaded anew,
        but
            still good for *stale* and *stale_if_error*.
        listener: Called as `listener(key, value, cause)` after an entry left; the cause is one of
            "explicit", "replaced", "expired", "size".
        name: What messages call it; the qualified name by default.

    Returns:
        The function, with `invalidate(...)`, `refresh(...)`, `peek(...)`, `cache_clear()`,
        `cache_info()`, `cache_parameters()` and `stats()`.

    Raises:
        TypeError: It is put on a generator function, whose result its first caller would use up, or
            an option has the wrong type.
        ValueError: An option cannot be used.
    """

@final
class Cache(Generic[_K, _V]):
    """A mapping for the container's lifetime whose entries expire.

    Takes the options of `cached` that do not concern a function's arguments. Only live entries are
    seen by `in`, `len` and iteration; keys, values and items are snapshots.
    """

    def __new__(
        cls,
        *,
        ttl: float | Callable[[Any], float | None] | None = None,
        stale: float | None = None,
        stale_if_error: float | None = None,
        error_ttl: float | tuple[float, float] | None = None,
        refresh_ahead: float | None = None,
        jitter: float | None = None,
        max_entries: int | None = 1024,
        max_weight: int | None = None,
        weigher: Callable[[Any], int] | None = None,
        policy: Literal["lru", "tiny_lfu"] = "lru",
        timeout: float | None = None,
        expires_at: Callable[[Any], Any] | None = None,
        on_fork: Literal["keep", "reset"] = "keep",
        on_restore: Literal["keep", "stale", "reset"] = "stale",
        listener: Callable[[Any, Any, str], object] | None = None,
        name: str | None = None,
    ) -> Self: ...
    def __getitem__(self, key: _K, /) -> _V: ...
    def __setitem__(self, key: _K, value: _V, /) -> None: ...
    def __delitem__(self, key: _K, /) -> None: ...
    def __contains__(self, key: object, /) -> bool: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __iter__(self) -> Iterator[_K]: ...
    @overload
    def get(self, key: _K, default: None = None, /) -> _V | None: ...
    @overload
    def get(self, key: _K, default: _D, /) -> _V | _D: ...
    def set(self, key: _K, value: _V, /, *, ttl: float | None = None) -> None:
        """Store a value, for *ttl* seconds of its own if given."""
    @overload
    def get_or_load(self, key: _K, loader: Callable[[], Awaitable[_V]], /) -> Awaitable[_V]: ...
    @overload
    def get_or_load(self, key: _K, loader: Callable[[], _V], /) -> _V:
        """Return the value, loaded by *loader* if it has to be.

        An awaitable if the loader is a coroutine function. One load runs for all callers of a key,
        whichever kind each of them passes.
        """
    def peek(self, key: _K) -> _V | None:
        """Return the live value without counting it as a use, else None."""
    def invalidate(self, key: _K) -> bool:
        """Forget a key; true if there was something under it. A load under way is not kept."""
    def clear(self) -> None:
        """Forget everything; loads under way are not kept."""
    def expire(self) -> int:
        """Drop what is past every use and return how many entries that were."""
    @overload
    def pop(self, key: _K, /) -> _V: ...
    @overload
    def pop(self, key: _K, default: _D, /) -> _V | _D: ...
    def popitem(self) -> tuple[_K, _V]:
        """Take out the live pair whose key came first."""
    def setdefault(self, key: _K, default: Any = None, /) -> _V: ...
    def update(
        self, other: Mapping[_K, _V] | Iterable[tuple[_K, _V]] | None = None, /, **pairs: _V
    ) -> None: ...
    def keys(self) -> KeysView[_K]: ...
    def values(self) -> ValuesView[_V]: ...
    def items(self) -> ItemsView[_K, _V]: ...
    def cache_info(self) -> CacheInfo:
        """Return hits, misses, maxsize, currsize: as functools' `cache_info`."""
    def stats(self) -> Stats:
        """Return counters."""

def lazy(name: str, attr: str | None = None, package: str | None = None) -> Any:
    """Return a stand-in for a module, or one name of it, that is imported when it is first used.

    On first use the real object takes the place of the stand-in in the globals of the code that
    declared it and of the code that uses it: from then on an access costs what a plain import
    costs. Declare at module level. On Python 3.15 and later the plain statement
    `np = coldcache.lazy("numpy")` of a module hands out the interpreter's own placeholder.

    Args:
        name: Name of a module; of a dotted name the last part is what you get. The packages before
            it are imported with it, not earlier. A name that begins with dots is relative.
        attr: A name to take from the module, as `from name import attr` does.
        package: What a relative *name* is relative to; the caller's `__package__` if left out.

    Returns:
        The stand-in; with `COLDCACHE_EAGER=1` in the environment the real object.

    Raises:
        ValueError: *name* is no name of a module, or *attr* no name.
        ImportError: *name* is relative and there is no package, or it leads beyond its top. What is
            missing or fails raises its own error at first use, chained to the declaring line, and
            is tried again at the next; with `COLDCACHE_EAGER=1` it does so at once.
    """

def pending() -> list[tuple[str, str]]:
    """Return the lazy names that are not loaded yet, oldest first.

    Returns:
        For each the name, `package.module` or `package.module:Name`, and the `file:line` that
        declared it.
    """

def resolve_all() -> list[str]:
    """Load every lazy name now, also those that are declared on the way.

    Whatever a plan has deferred is imported as well.

    All are tried; if some fail the first error is raised afterwards, and they stay pending.

    Returns:
        The names that were loaded, as in `pending`.
    """

def lifetime_epoch() -> int:
    """Return a number that has changed if anything happened to the process since the last time.

    A fork, a restore from a snapshot, a thaw (the wall clock ran ahead of the monotonic clock by
    more than 2 seconds since the last look), a reset by `coldcache.testing`. Costs two coarse clock
    reads.
    """

def epochs() -> tuple[int, int, int, int]:
    """Return how often the process was forked, restored, thawed, reset, as far as one noticed."""

def flag(name: str, /, *, default: bool = False) -> bool:
    """Return whether an environment feature flag is on.

    Args:
        name: Name of the environment variable.
        default: The answer if the variable is not set, or empty.

    Raises:
        FlagError: The value is none of 1/0, true/false, on/off, yes/no (in any case).
    """

@disjoint_base
class LazyModule(ModuleType):
    """What `lazy` returns; it answers `__class__` as modules do."""

    def __copy__(self) -> Any: ...
    def __deepcopy__(self, memo: Any) -> Any: ...
    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]: ...

@final
class Made:
    """One object that a factory made, with its life and its health. For resources and pools."""

    value: Any
    event_loop: Any
    generations: tuple[int, ...]
    def __new__(
        cls,
        value: object,
        epoch: int,
        trouble: int,
        generations: tuple[int, ...],
        max_age: float | None = None,
        max_idle: float | None = None,
        event_loop: object = None,
    ) -> Self: ...
    @property
    def users(self) -> int: ...
    @property
    def is_retired(self) -> bool: ...
    @property
    def is_too_idle(self) -> bool: ...
    @property
    def age(self) -> float: ...
    def reason(
        self, trouble: int, survives_fork: bool, survives_restore: bool
    ) -> Literal["retired", "reset", "fork", "age", "restore", "error", "idle", "thaw"] | None:
        """Return why it cannot be handed out as it is, weightiest first."""
    def approve(self, epoch: int, trouble: int) -> None:
        """Note that it was found well: as of this epoch, after so much trouble."""
    def take(self) -> bool:
        """Count one more user; false, and not counted, if it is not to be used any more."""
    def leave(self) -> bool:
        """Count one user less; true if the caller has to close it."""
    def retire(self) -> bool:
        """Note that it is not to be used any more; true if the caller has to close it."""
    def close_once(self) -> bool:
        """Claim the closing of it; true for the first to do so."""

@disjoint_base
class Shared(Generic[_T]):
    """What resources are made of natively: the object that is handed out, and counts."""

    _current: Made | None
    def __new__(cls, is_async: bool, *args: Any, **kwargs: Any) -> Self: ...
    @classmethod
    def __class_getitem__(cls, _item: Any) -> Any: ...
    @overload
    def __call__(self, *, retry: Literal[False] = False) -> Lease[_T]: ...
    @overload
    def __call__(self, *, retry: Literal[True]) -> Iterator[Lease[_T]]:
        """Return a lease for one `with` block, or with *retry* up to two, for a `for` loop."""
    @property
    def is_async(self) -> bool: ...
    @property
    def _trouble(self) -> int: ...
    @property
    def _uses(self) -> int: ...
    def _suspect(self) -> None: ...

@final
class Lease(Generic[_T]):
    """One use of a shared object, from `with` to its end."""

    def __new__(cls, owner: Shared[_T], may_retry: bool) -> Self: ...
    def __enter__(self) -> _T: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> bool: ...
    def __aenter__(self) -> Awaitable[_T]: ...
    def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> Awaitable[bool]: ...
    @property
    def is_to_be_retried(self) -> bool: ...
    def _hold(self, made: Made) -> bool: ...

@final
class Roster:
    """Who has which object of a pool, and who is next. For pools alone."""

    def __new__(cls, size: int) -> Self: ...
    def drain(self) -> list[Made]:
        """Take all idle objects out; they no longer count."""
    def shed(self, least: int) -> Made | None:
        """Take out an idle object unused for too long, if there are more than *least*."""
    def counts(self) -> tuple[int, int, int]:
        """Return how many are idle, how many there are, and how many callers wait."""

@final
class Seat:
    """What one user of a pool has of it: a place in the line, room for an object, an object."""

    def __new__(cls, roster: Roster) -> Self: ...
    @property
    def made(self) -> Made | None: ...
    def take_healthy(self, trouble: int, least: int) -> Made | None:
        """Take the object used last, counted as in use, if there is nothing else to do."""
    def take(self) -> bool:
        """Take an idle object, or room for one; false if there is neither."""
    def reserve(self) -> bool:
        """Take room for one object more, whatever is idle; false if there is none."""
    def line_up(self, waker: Callable[[], object]) -> bool:
        """Do the same as `take`, or stand in the line; the waker is called when it is its turn."""
    def is_called(self) -> bool:
        """Return whether it is its turn."""
    def arrive(self) -> bool:
        """Leave the line with what there was; false if that is nothing."""
    def fill(self, made: Made) -> None:
        """Put the object there that was made in the room for it, or instead of the one before."""
    def give(self) -> Callable[[], object] | None:
        """Give the object back; the waker of whoever it is for, to be called."""
    def vacate(self) -> Callable[[], object] | None:
        """Give up everything, the object as well; the waker of who may make one, to be called."""

def _keep_for_ever(object: object) -> None: ...  # noqa: A002

@final
class Flight:
    """A load in progress. For `coldcache._asyncio` alone."""

    def begin_wait(self, loads: tuple[int, ...]) -> None: ...
    def end_wait(self, loads: tuple[int, ...]) -> None: ...
    def wake_later(self, waker: Callable[[], object]) -> bool: ...
    def is_orphan(self) -> bool: ...
    def runs_on(self, event_loop: object) -> bool: ...
    def abandon(self) -> None: ...
    def has_landed(self) -> bool: ...
    def run_by(self, task: object) -> None: ...
    def timed_out(self, seconds: float, /, *, is_invocations: bool = False) -> BaseException: ...

@final
class AsyncLoad:
    """One request of one coroutine for one key. For `coldcache._asyncio` alone."""

    @property
    def after(self) -> list[Callable[[], Any]]: ...
    @property
    def timeout(self) -> float | None: ...
    def step(
        self, event_loop: object, number: int, is_retry: bool
    ) -> tuple[str, Any, Flight | None]: ...
    def begin(self, flight: Flight) -> None: ...
    def call(self) -> Awaitable[Any]: ...
    def succeed(self, flight: Flight, value: object) -> None: ...
    def fail(self, flight: Flight, error: BaseException) -> bool: ...
    def take(self, flight: Flight, is_owner: bool) -> tuple[str, Any]: ...
    def note_failed_refresh(self, kind: str) -> None: ...

@final
class _InstanceState:
    """What an instance owns for its methods."""

    def __new__(cls) -> Self: ...

@final
class Refresh:
    """A load beside the calls, for the thread that runs it. For `coldcache._refresh` alone."""

    def begin(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]: ...
    def succeed(self, value: object) -> None: ...
    def fail(self, error: BaseException) -> None: ...

def _declare(declared: object, /) -> None: ...
def _declared() -> list[Any]: ...
def _pending_numbers() -> list[tuple[int, str]]: ...
def _resolve(number: int) -> None: ...
def _is_coroutine_function(function: object) -> bool: ...
def _log_warning(text: str) -> None: ...
def _set_on_thaw(hooks: Callable[[], object]) -> None: ...
def _since_restore() -> float | None: ...
def _clock_hold() -> None: ...
def _clock_release() -> None: ...
def _clock_turn(monotonic: float, wall: float) -> None: ...
def _clock_now() -> tuple[float, float]: ...
def _set_deadline(seconds: float | None, /) -> None:
    """The invocation under way ends in so many seconds; ``None``: nothing ends it."""

def _patience() -> float | None:
    """Seconds that a wait beginning now may take; ``None``: as long as it likes."""

def _refreshes_under_way() -> int:
    """How many refreshes of stale values run in threads of their own."""

def _settle_refreshes(seconds: float, /) -> bool:
    """Wait at most so many seconds for the refreshes under way; true if none is left."""

_Moment: TypeAlias = Literal[
    "forked",
    "restored",
    "init_end",
    "first_event",
    "first_call",
    "first_return",
    "first_byte",
    "first_answer",
]

@final
class _OpenStep:
    """A step of the start under way; code that runs meanwhile in this context is inside it."""

    @property
    def began(self) -> float:
        """When it began, in seconds of `time.perf_counter`."""
    def end(self, kind: str | None = None, /) -> None:
        """End it.

        Args:
            kind: Name of the type of what was raised inside it.
        """

def _begin_step(
    kind: str, name: str, tags: Sequence[tuple[str, str]] | None = None, /
) -> _OpenStep | None:
    """Begin a step of the start.

    Args:
        kind: What it is the run of: ``import``, ``once``, ``resource``, ``pool``, ``step``,
            ``warm_up``, ``lazy``, ``replay`` or ``hook``.
        name: Its name; what is beyond 200 characters is cut off.
        tags: Up to eight pairs of a name and a text.

    Returns:
        The step, to be ended; ``None`` when the start is over.

    Raises:
        ValueError: There is no such kind.
    """

def _mark(name: _Moment, /) -> bool:
    """Note a moment of the start.

    Returns:
        Whether it is the first of its kind.

    Raises:
        ValueError: There is no such moment.
    """

def _imported(began: int, /) -> None: ...
def _count_startup_error(kind: str, /) -> None:
    """Count an error of the start that no step stands for, by the name of its type."""

def _close_timeline() -> None:
    """The start is over: nothing is added any more."""

class _Recorded(TypedDict):
    # parent, kind, name, begin, end, type of error, tags; places in this list, nanoseconds.
    steps: list[tuple[int | None, str, str, int, int | None, str | None, list[tuple[str, str]]]]
    marks: dict[str, int]
    dropped: int
    errors: dict[str, int]
    # number, number of the import around it, name, begin, end, type of error.
    imports: list[tuple[int, int | None, str, int, int, str | None]]

def _timeline() -> _Recorded:
    """Everything that was recorded of the start; times of the monotonic clock."""

def _once_step(function: Callable[[], Any], name: str, /) -> Any: ...
def _forget_everything() -> None: ...
def _note_fork() -> None: ...
def _this_thread() -> int: ...
def _stand_in_for(thread: int) -> None: ...
def _note_restore() -> None: ...
def _totals() -> dict[str, int]:
    """Return what all `cached` functions and `Cache` objects have counted together.

    Returns:
        ``hits``, ``misses``, ``loads``, ``load_errors``, ``stale`` and ``evictions`` since the
        start of this process, also of caches that are gone or were cleared; not of `once`.
    """

@final
class ImportTracer:
    """Sees every import of this interpreter, from `install()` to `uninstall()`.

    Works inside importlib, where it stands in for importlib's own functions: it needs no flag at
    the start of the interpreter, adds no frame to a traceback, and changes nothing about how
    modules are found and loaded. Modules that are there already when it is installed are not seen.

    Args:
        path: A file to create, for its owner only, to which finished imports are written whenever
            a thread has none under way. Without it they are kept until `take()`.
        limit: How many finished imports are kept at most, 65,536 by default; more are counted.

    Raises:
        FileExistsError: There is something at *path*.
        ValueError: *limit* is not at least 1.
    """

    def __new__(
        cls, *, path: str | os.PathLike[str] | None = None, limit: int | None = None
    ) -> Self: ...
    def install(self) -> None:
        """Begin to see imports.

        Raises:
            RuntimeError: Another tracer is installed, or this one.
            ImportError: The interpreter's importlib cannot be traced.
        """

    def uninstall(self) -> None:
        """Put importlib's own functions back; nothing if not installed.

        Imports that are under way end unseen. What somebody else has put in the place of a
        function meanwhile stays there.
        """

    def take(self) -> bytes:
        """Take the finished imports out of the tracer.

        Returns:
            JSON, an object a line: an import each, in the order in which they ended, and the
            tracer's totals last. Times are nanoseconds of the monotonic clock.
        """

@final
class ImportPlan:
    """Import statements that wait until what they bind is used.

    A plan names statements at the top level of modules; each of them binds its names without
    importing anything, and the import is made when one of the names is read: by its own module,
    as an attribute of the module, or by a `from` import of it. On 3.15 and later the interpreter
    does that (PEP 810); before, the names wait in the module's globals under keys that notice when
    they are looked up. Imports inside `try` and `with`, star imports, and those of `typing` and
    `__future__` are never deferred.

    Args:
        edges: For the name of each importing module what it imports: `a.b` for `import a.b`,
            `m:x,y` for `from m import x, y`, with `m` absolute and the names in their order.
        fingerprints: For importing modules the `fingerprint` of their code; where it is another
            one, the module's imports stay eager, and a line in the log says so.
        observe: Keep a record of all import statements at the top level of modules. A callable is
            told of each of them whose import raises: importer, edge, exception.

    Raises:
        TypeError: *edges* has another form.
    """

    def __new__(
        cls,
        edges: Mapping[str, Iterable[str]],
        *,
        fingerprints: Mapping[str, int] | None = None,
        observe: bool | Callable[[str, str, BaseException], object] | None = None,
    ) -> Self: ...
    def enable(self) -> bool:
        """Begin to defer.

        Returns:
            Whether the plan is applied. An interpreter that behaves in another way than this was
            written for, or whose `builtins.__import__` was replaced, stays as it is; a line in the
            log of `coldcache` says so. A plan without edges changes nothing at all.

        Raises:
            RuntimeError: Another plan is applied.
        """

    def disable(self) -> None:
        """Stop deferring; what is deferred already is still imported when it is used."""

    @staticmethod
    def resolve_all() -> None:
        """Import now what is deferred in the modules of `sys.modules`.

        All are tried; if some fail the first error is raised afterwards, and they stay deferred.
        """

    @staticmethod
    def pending() -> int:
        """How many deferred names are unused; from 3.15 on also those of `lazy` statements."""

    def report(self) -> list[tuple[str, str, str, int, str | None]]:
        """What a plan that observes has seen, in the order of execution.

        Returns:
            Importer, edge, state, line, and `file:line` of the first use. States are `eager` (the
            plan has it not), `fixed` (can never be deferred), `bound` (everything was loaded
            already), `pending`, `resolved`, and `failed` (its import raised; it can be retried).

        Raises:
            ValueError: The plan does not observe.
        """

    def failures(self) -> list[tuple[str, str]]:
        """Deferred statements through whose import an exception passed, innermost first."""

    def __import__(
        self,
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the builtin's names
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: tuple[str, ...] | None = None,
        level: int | None = None,
    ) -> Any: ...
    def _filter(self, importer: str, name: str, fromlist: tuple[str, ...] | None) -> bool: ...
    def _try_with(self, import_: Callable[..., object]) -> None: ...

def fingerprint(code: CodeType) -> int:
    """A number for a module's bytecode: another one after its imports were edited.

    Args:
        code: The code object of the module.

    Returns:
        64 bits, the same for the same source on the same minor version of CPython.
    """

def _digest(data: bytes) -> int: ...
def _stays_eager(reason: str) -> None: ...

@final
class _Probe:
    """A port that answers whether this process, or its workers, are ready; served by a thread."""

    MOST_WORKERS: ClassVar[int]
    @property
    def address(self) -> tuple[str, int]: ...
    def __new__(cls, host: str, port: int) -> Self: ...
    def stop(self) -> None: ...
    def is_serving(self) -> bool: ...
    def report(self, is_ready: bool, body: bytes) -> bool:
        """Say it for this process; whether it has a place to: a child that took none has none."""
    def put_timeline(self, timeline: bytes) -> None: ...
    def require(self, workers: int) -> None: ...
    def adopt(self, number: int) -> None: ...
    def forget(self, number: int) -> None: ...
    def pause(self) -> None:
        """End the thread; the port stays open, connections wait."""
    def resume(self) -> None: ...

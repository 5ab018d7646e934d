"""One object for the container's lifetime, looked after: what `coldcache.resource` makes.

A use of a healthy object is native (`src/py/lease.rs`). What is here runs when there is something
to do about it: make it, check it, replace it, close it.
"""

from coldcache._bounded import Deadline, run
from coldcache._core import Cache, Lease, Made, Shared
from coldcache._holding import Holding
from coldcache._settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any, Concatenate, ParamSpec, TypeVar

    from coldcache._holding import Steps

    _P = ParamSpec("_P")
    _R = TypeVar("_R")
    _T = TypeVar("_T")


class Resource(Shared["_T"], Holding):
    """A function whose result is made once, shared by all and replaced when it has to be.

    Call it for a lease: `with database() as connection`. Made by `coldcache.resource`.
    """

    def __init__(self, is_async: bool, factory: "Callable[[], Any]", settings: Settings) -> None:  # noqa: ARG002
        self._by_loop: dict[Any, Made] = {}
        self._prepare(factory, settings)
        self._flights = self._new_flights()

    # -- use -----------------------------------------------------------------------------------

    def get(self) -> "_T":
        """Return the object itself, healthy as of now.

        Nobody knows how long you use it: a replacement may close it meanwhile. `with` tells.
        """
        lease = Lease(self, may_retry=False)
        value = lease.__enter__()
        lease.__exit__(None, None, None)
        return value

    def peek(self) -> "_T | None":
        """Return the object there is, in whatever state, else None. Never makes one."""
        made = self._by_loop.get(self._loop())
        return None if made is None else made.value

    def call(
        self,
        function: "Callable[Concatenate[_T, _P], _R]",
        /,
        *args: "_P.args",
        **kwargs: "_P.kwargs",
    ) -> "_R":
        """Return `function(object, *args, **kwargs)`, called twice if the object was at fault.

        That is the case when it raises one of `retry_on`, or is refused the credentials of
        `depends_on`. The object is made anew in between. Only for what may be done twice.
        """
        for attempt in self._attempts():
            with attempt as value:
                return function(value, *args, **kwargs)
        raise AssertionError  # the second attempt swallows nothing

    def _attempts(self) -> "Iterator[Lease[_T]]":
        first = Lease(self, may_retry=True)
        yield first
        if first.is_to_be_retried:
            yield Lease(self, may_retry=False)

    def invalidate(self) -> None:
        """Have the object made anew for the next use; it is closed when its last user is done."""
        for made in self._put_aside("invalidated"):
            self._close(made)

    def is_done(self) -> bool:
        """Whether there is an object that can be handed out without a question."""
        made = self._by_loop.get(self._loop())
        return made is not None and self._reason(made) is None

    def close(self) -> None:
        """Close the object now, whoever uses it; the next use makes a new one."""
        self._put_aside("invalidated")
        for made in tuple(self._alive.values()):
            self._close(made)

    def stats(self) -> "dict[str, Any]":
        """Return counters since the start of the process, and the age of the object in seconds."""
        made = self._by_loop.get(self._loop())
        return {
            "uses": self._uses,
            **self._counts,
            "replaced": dict(self._replaced),
            "in_use": sum(one.users for one in self._alive.values()),
            "age": None if made is None else made.age,
        }

    def _warm_up(self) -> "Awaitable[None] | None":
        self.get()
        return None

    def __repr__(self) -> str:
        state = "not made"
        if self._by_loop:
            users = sum(one.users for one in self._alive.values())
            state = f"in use by {users}" if users else "idle"
        return f"<coldcache.resource {self.name}: {state}>"

    # -- what leases ask -------------------------------------------------------------------------

    def _obtain(self) -> Made:
        """Return an object that may be handed out."""
        self._refuse_ring()
        run(self._clear_litter(Deadline(self._settings.timeout)))
        key = self._loop()
        made: Made = self._flights.get_or_load(key, lambda: run(self._settle(key)))
        return made

    # -- one flight ------------------------------------------------------------------------------

    def _new_flights(self) -> "Cache[Any, Any]":
        # Only for its guarded loads: nothing is ever kept in it.
        settings = self._settings
        timeout = None if settings.is_async else settings.timeout
        return Cache(name=self.name, max_entries=None, on_fork="reset", timeout=timeout)

    def _settle(self, key: "Any") -> "Steps[Made]":
        """Find out what is to be handed out from now on: alone, whoever else asks meanwhile."""
        deadline = Deadline(self._settings.timeout)
        made = self._by_loop.get(key)
        if made is not None and not (yield from self._is_well(made, deadline)):
            self._take_out(key, made)
            if made.retire():
                yield from self._closing(made, deadline)
            made = None
        if made is None:
            made = yield from self._build(key, deadline)
        self._publish(key, made)
        return made

    def _publish(self, key: "Any", made: Made) -> None:
        self._by_loop[key] = self._current = made
        # Nothing is kept in there; who waits gets it all the same, and who comes finds it above.
        self._flights.invalidate(key)

    def _take_out(self, key: "Any", made: Made) -> None:
        if self._current is made:
            self._current = None
        if self._by_loop.get(key) is made:
            del self._by_loop[key]

    # -- putting aside -----------------------------------------------------------------------------

    def _replace(self, made: Made, reason: str) -> None:
        self._take_out(made.event_loop, made)
        if not made.is_retired:
            self._count_replaced(reason)
            made.retire()  # its lease closes it, or the one of its last user

    def _put_aside(self, reason: str) -> list[Made]:
        """Hand out none of the objects any more; those that nobody uses, to be closed."""
        self._generation += 1
        self._current = None
        self._by_loop.clear()
        unused = []
        # Also one that was made, but not yet put where others find it.
        for made in tuple(self._alive.values()):
            if not made.is_retired:
                self._count_replaced(reason)
                if made.retire():
                    unused.append(made)
        return unused

    def _outdate(self) -> None:
        """The secrets are new: have the object made anew. The closing can wait for the next use.

        Not one that was made with the new ones already, nor one that is being made: whoever logs in
        from now on does so with the new ones, and who does not is refused at its first use.
        """
        current = self._generations()
        for made in tuple(self._alive.values()):
            if made.generations != current and not made.is_retired:
                self._count_replaced("credentials")
                self._take_out(made.event_loop, made)
                if made.retire():
                    self._litter.append(made)

    def _after_fork(self) -> None:
        super()._after_fork()
        self._flights = self._new_flights()
        if self._settings.on_fork == "reset":
            self._current = None
            self._by_loop.clear()

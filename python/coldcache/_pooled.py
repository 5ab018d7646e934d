"""A pool: objects checked out by one user at a time; what `coldcache.pool` makes.

Who has what and who is next is decided natively, in steps that nothing can come between
(`src/roster.rs`). What is here makes the objects, asks them where there is a reason to, and waits.
"""

import sys

from coldcache._bounded import Deadline, run
from coldcache._checkout import Checkout, Holder
from coldcache._core import Made, Roster
from coldcache._generic import Generic
from coldcache._holding import Holding
from coldcache._line import Line, pass_on, wake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, overload

    from coldcache._holding import Steps
    from coldcache._settings import Settings

    _P = ParamSpec("_P")
    _R = TypeVar("_R")
    _T = TypeVar("_T")

_RESET_SHARE = 0.25


class Pool(Holding, Generic["_T"]):
    """A function whose results are kept in a pool of fixed size.

    Call it to check one out: `with connections() as connection`. Made by `coldcache.pool`.
    """

    kind = "pool"
    is_async = False
    if TYPE_CHECKING:  # of AsyncPool, which makes the checkouts that call them

        async def _enter_async(self, checkout: Checkout[Any]) -> Any: ...
        async def _leave_async(self, roster: Roster, made: Made) -> None: ...

    def __init__(self, factory: "Callable[[], Any]", settings: "Settings") -> None:
        self._errors_seen = 0
        self._rosters: dict[Any, Roster] = {}
        self._held: dict[int, Holder] = {}
        self._prepare(factory, settings)
        self._counts.update(uses=0, waits=0, saturated=0, leaks=0, shed=0)

    # -- use -------------------------------------------------------------------------------------

    if TYPE_CHECKING:

        @overload
        def __call__(self, *, retry: Literal[False] = False) -> Checkout[_T]: ...
        @overload
        def __call__(self, *, retry: Literal[True]) -> Iterator[Checkout[_T]]: ...
        def __call__(self, *, retry: bool = False) -> Any: ...

    else:

        def __call__(self, *, retry: bool = False) -> "Any":
            """Return a checkout for one `with` block, or with *retry* up to two, for a `for` loop."""
            frame = sys._getframe(1)  # noqa: SLF001
            return self._attempts(frame) if retry else Checkout(self, frame)

    def _attempts(self, frame: "Any") -> "Iterator[Checkout[_T]]":
        first: Checkout[_T] = Checkout(self, frame, may_retry=True)
        yield first
        if first.is_to_be_retried:
            yield Checkout(self, frame)

    def call(
        self,
        function: "Callable[Concatenate[_T, _P], _R]",
        /,
        *args: "_P.args",
        **kwargs: "_P.kwargs",
    ) -> "_R":
        """Return `function(object, *args, **kwargs)`, called twice if the object was at fault.

        That is the case when it raises one of `retry_on`, or is refused the credentials of
        `depends_on`. The second call gets a new object. Only for what may be done twice.
        """
        for attempt in self._attempts(sys._getframe(1)):  # noqa: SLF001
            with attempt as value:
                return function(value, *args, **kwargs)
        raise AssertionError  # the second attempt swallows nothing

    def invalidate(self) -> None:
        """Have all objects made anew; those in use are closed when their users are done."""
        self._put_aside("invalidated")
        run(self._clear_litter())

    def close(self) -> None:
        """Close all objects now, also those in use; the next use makes a new one."""
        self._put_aside("invalidated")
        self._litter.clear()
        for made in tuple(self._alive.values()):
            self._close(made)

    def is_done(self) -> bool:
        """Whether there are as many objects as `warm_up` makes."""
        return self._roster().counts()[1] >= self._settings.min_idle

    def stats(self) -> "dict[str, Any]":
        """Return counters since the start of the process, and how things stand."""
        counts = [roster.counts() for roster in tuple(self._rosters.values())] or [(0, 0, 0)]
        idle, total, waiting = (sum(column) for column in zip(*counts, strict=True))
        return {
            **self._counts,
            "replaced": dict(self._replaced),
            "size": self._settings.size,
            "idle": idle,
            "in_use": total - idle,
            "waiting": waiting,
        }

    def _warm_up(self) -> "Awaitable[None] | None":
        """Make objects until there are `min_idle`."""
        roster = self._roster()
        while roster.counts()[1] < self._settings.min_idle and roster.reserve():
            run(self._add(roster, self._loop()))
        return None

    def __repr__(self) -> str:
        stats = self.stats()
        return f"<coldcache.pool {self.name}: {stats['in_use']} of {stats['size']} in use>"

    # -- checking out ------------------------------------------------------------------------------

    def _roster(self) -> Roster:
        key = self._loop()
        roster = self._rosters.get(key)
        if roster is None:
            roster = self._rosters.setdefault(key, Roster(self._settings.size))
        return roster

    def _enter(self, checkout: "Checkout[Any]") -> "Any":
        roster = self._roster()
        made = roster.take_healthy(self._errors_seen, self._settings.min_idle)
        if made is None:
            made = run(self._obtain(roster, None))
        self._counts["uses"] += 1
        checkout._hold(roster, made, None)  # noqa: SLF001
        return made.value

    def _leave(self, roster: Roster, made: Made) -> None:
        if self._settings.reset is not None or made.is_retired:
            run(self._put_back(roster, made))
        else:
            made.leave()
            wake(roster.give(made))

    def _obtain(self, roster: Roster, key: "Any") -> "Steps[Made]":
        """Get an object that may be handed out; its place in the pool is this caller's then."""
        self._refuse_ring()
        deadline = Deadline(self._settings.timeout)
        yield from self._clear_litter()
        grant = roster.take()
        if grant is None:
            self._counts["waits"] += 1
            grant = yield Line(roster, deadline)
            if grant is None:
                raise self._saturated(roster)
        try:
            made = yield from self._made_well(grant, key, deadline)
        except BaseException:
            if isinstance(grant, Made):
                grant.retire()
                self._litter.append(grant)  # if it was closed, that is not done again
            wake(roster.vacate())
            raise
        made.take()
        try:
            yield from self._shed(roster)
        except BaseException:
            self._hand_back(roster, made)
            raise
        return made

    def _made_well(self, grant: "Made | bool", key: "Any", deadline: Deadline) -> "Steps[Made]":
        if isinstance(grant, Made):
            if (yield from self._is_well(grant, deadline)):
                return grant
            grant.retire()
            yield from self._closing(grant, deadline)
        yield from self._clear_litter()  # the room may be that of an object not closed yet
        return (yield from self._build(key, deadline))

    def _add(self, roster: Roster, key: "Any") -> "Steps[None]":
        """Make an object for whoever wants it; there is room for it."""
        try:
            made = yield from self._build(key, Deadline(self._settings.timeout))
        except BaseException:
            wake(roster.vacate())
            raise
        wake(roster.give(made))

    def _shed(self, roster: Roster) -> "Steps[None]":
        """Close those that were idle for too long; nothing runs beside that would."""
        while (superfluous := roster.shed(self._settings.min_idle)) is not None:
            self._counts["shed"] += 1
            superfluous.retire()
            yield from self._closing(superfluous)

    def _saturated(self, roster: Roster) -> BaseException:
        from coldcache.exceptions import PoolSaturated  # noqa: PLC0415

        self._counts["saturated"] += 1
        size, timeout = self._settings.size, self._settings.timeout
        waiters = roster.counts()[2]
        holders = list(self._held.values())
        holders.sort(key=Holder.seconds, reverse=True)
        message = f"{self.name}: no object came back in {timeout:.3g} s; all {size} are in use"
        if waiters:
            message += f", {waiters} other callers wait"
        error = PoolSaturated(message)
        error.size, error.waiters = size, waiters
        if holders:
            error.holder, error.held_for = str(holders[0]), holders[0].seconds()
            held = f"; held longest: {error.held_for:.1f} s by {error.holder}"
            error.args = (message + held,)
        return error

    # -- giving back -------------------------------------------------------------------------------

    def _broke(self, made: Made, error: BaseException, may_retry: bool) -> bool:
        """Judge an error that left a block; true if the block may be run again."""
        if not isinstance(error, Exception):
            # Stopped at who knows what point: nobody can tell what state it is in.
            self._replace(made, "interrupted")
            return False
        return self._failed(made, error, may_retry)

    def _put_back(self, roster: Roster, made: Made) -> "Steps[None]":
        made.leave()
        try:
            if not made.is_retired and (yield from self._resets(made)):
                wake(roster.give(made))
                return
            made.retire()
            yield from self._closing(made)
        except BaseException:
            made.retire()
            wake(roster.vacate())
            raise
        wake(roster.vacate())

    def _resets(self, made: Made) -> "Steps[bool]":
        from coldcache._bounded import Call  # noqa: PLC0415

        reset = self._settings.reset
        if reset is None:
            return True
        deadline = Deadline(self._settings.timeout)
        try:
            yield Call(self, "resetting", reset, (made.value,), deadline, _RESET_SHARE)
        except Exception:  # noqa: BLE001 - it is replaced, whatever it was
            self._count_replaced("reset failed")
            return False
        return True

    def _hand_back(self, roster: Roster, made: Made) -> None:
        made.leave()
        pass_on(roster, made)

    def _recover(self, roster: Roster, made: Made) -> None:
        """A checkout was collected with its object: that one is given up, its place is free again.

        Called by the collector, so nothing that could wait is done here.
        """
        holder = self._held.pop(id(made), None)
        if id(made) not in self._alive:
            return  # closed already, or of the parent of a fork
        self._counts["leaks"] += 1
        made.retire()
        self._litter.append(made)
        wake(roster.vacate())
        import warnings  # noqa: PLC0415

        warnings.warn(
            f"{self.name}: an object was not returned by {holder}; use it in a `with` block",
            ResourceWarning,
            stacklevel=2,
        )

    # -- putting aside -----------------------------------------------------------------------------

    @property
    def _trouble(self) -> int:
        return self._errors_seen

    def _suspect(self) -> None:
        self._errors_seen += 1

    def _replace(self, made: Made, reason: str) -> None:
        if not made.is_retired:
            self._count_replaced(reason)
            made.retire()

    def _put_aside(self, reason: str) -> None:
        """Retire all objects; those that are idle are put where the next user closes them."""
        self._generation += 1
        for made in tuple(self._alive.values()):
            self._replace(made, reason)
        for roster in tuple(self._rosters.values()):
            self._litter.extend(roster.drain())

    def _outdate(self) -> None:
        self._put_aside("credentials")

    def _after_fork(self) -> None:
        is_kept = self._settings.on_fork == "keep"
        super()._after_fork()
        if not is_kept:
            self._rosters.clear()
            self._held.clear()

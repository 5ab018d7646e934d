"""A pool: objects checked out by one user at a time; what `coldcache.pool` makes.

Who has what and who is next is decided natively, in steps that nothing can come between
(`src/roster.rs`). What is here makes the objects, asks them where there is a reason to, and waits.
"""

import sys

from coldcache._bounded import Deadline, run
from coldcache._checkout import Checkout, Holder
from coldcache._core import Made, Roster, Seat
from coldcache._generic import Generic
from coldcache._holding import Holding
from coldcache._line import Line, wake

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

        async def _enter_async(self, checkout: Checkout[Any], seat: Seat) -> Any: ...
        async def _leave_async(self, seat: Seat, made: Made) -> None: ...

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
            """Return a checkout for a `with` block, or with *retry* up to two for a `for` loop."""
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
        run(self._clear_litter(Deadline(self._settings.timeout)))

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
        seat = self._seat()
        while self._roster().counts()[1] < self._settings.min_idle and seat.reserve():
            run(self._add(seat, self._loop()))
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

    def _seat(self) -> Seat:
        return Seat(self._roster())

    def _enter(self, checkout: "Checkout[Any]", seat: Seat) -> "Any":
        made = seat.take_healthy(self._errors_seen, self._settings.min_idle)
        if made is None:
            made = run(self._obtain(seat, self._loop()))
        self._counts["uses"] += 1
        checkout._hold(made, None)  # noqa: SLF001
        return made.value

    def _leave(self, seat: Seat, made: Made) -> None:
        if self._settings.reset is not None or made.is_retired:
            run(self._put_back(seat, made))
        else:
            made.leave()
            wake(seat.give())

    def _give_up(self, seat: Seat) -> None:
        """After an error on the way in or out: leave nothing on the seat."""
        made = seat.made
        if made is not None:
            made.retire()
            self._held.pop(id(made), None)
            self._litter.append(made)  # if it was closed, that is not done again
        wake(seat.vacate())

    def _obtain(self, seat: Seat, key: "Any") -> "Steps[Made]":
        """Get an object onto the seat that may be handed out."""
        self._refuse_ring()
        deadline = Deadline(self._settings.timeout)
        yield from self._clear_litter(deadline)
        if not seat.take():
            self._counts["waits"] += 1
            is_served = yield Line(seat, deadline)
            if not is_served:
                raise self._saturated()
        made = seat.made
        if made is not None and not (yield from self._is_well(made, deadline)):
            made.retire()
            yield from self._closing(made, deadline)
            made = None
        if made is None:
            yield from self._clear_litter(
                deadline
            )  # the room may be that of an object not closed yet
            made = yield from self._build(key, deadline)
            seat.fill(made)
        made.take()
        if deadline.has_half():
            yield from self._shed(deadline)
        return made

    def _shed(self, deadline: Deadline) -> "Steps[None]":
        """Close one of those that were idle for too long; nothing runs beside that would."""
        superfluous = self._roster().shed(self._settings.min_idle)
        if superfluous is not None:
            self._counts["shed"] += 1
            superfluous.retire()
            yield from self._closing(superfluous, deadline)

    def _add(self, seat: Seat, key: "Any") -> "Steps[None]":
        """Make an object for whoever wants it; there is room for it on the seat."""
        try:
            made = yield from self._build(key, Deadline(self._settings.timeout))
            seat.fill(made)
            wake(seat.give())
        except BaseException:
            self._give_up(seat)
            raise

    def _saturated(self) -> BaseException:
        from coldcache.exceptions import PoolSaturated  # noqa: PLC0415

        self._counts["saturated"] += 1
        size, timeout = self._settings.size, self._settings.timeout
        waiters = self._roster().counts()[2]
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

    def _put_back(self, seat: Seat, made: Made) -> "Steps[None]":
        made.leave()
        if not made.is_retired and (yield from self._resets(made)):
            wake(seat.give())
            return
        made.retire()
        yield from self._closing(made)
        wake(seat.vacate())

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

    def _recover(self, seat: Seat) -> None:
        """A checkout was collected with its object: that one is given up, its place is free again.

        Called by the collector, so nothing that could wait is done here.
        """
        made = seat.made
        holder = self._held.get(id(made))
        is_ours = id(made) in self._alive  # not closed, nor of the parent of a fork
        self._give_up(seat)
        if not is_ours:
            return
        self._counts["leaks"] += 1
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

"""What resources and pools share: how an object is made, checked, closed, and what is counted.

One attempt has one deadline. A check gets half of it and a close a quarter, so that a dead object
leaves time to make a new one.

What calls the user's functions is written once for plain and for asynchronous code, as generators
of `Call`s: plain code makes each call (`_bounded.run`), a coroutine awaits it
(`_shared_async.run`).
"""

from collections import deque

from coldcache import _rotation
from coldcache._bounded import Call, Deadline, run
from coldcache._core import Cache, Made, _keep_for_ever, _log_warning, lifetime_epoch
from coldcache._registry import register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, TypeVar

    from coldcache._settings import Settings

    _R = TypeVar("_R")
    Steps = Generator[Call, Any, _R]

_CHECK_SHARE = 0.5
_CLOSE_SHARE = 0.25
# Seconds for a close at the end of the process, where no `timeout=` says otherwise.
_CLOSE_AT_EXIT = 2.0
# How often an object that was invalidated while it was made is made again.
_MOST_REMADE = 3

_COUNTERS = (
    "made",
    "failures",
    "checks",
    "check_failures",
    "errors",
    "retries",
    "rotations",
    "closed",
    "close_failures",
    "timeouts",
)
# Reasons for which an object is not worth a question.
_HOPELESS = frozenset({"reset", "fork", "age", "retired"})
# What to do about the others where there is no question to ask.
_REPLACED_UNASKED = frozenset({"error", "idle", "restore"})


class Holding:
    """Options, counters and the objects that are alive; mixed into resources and pools."""

    kind = "resource"
    required = False
    __wrapped__: "Callable[[], Any]"
    __qualname__: str
    if TYPE_CHECKING:

        @property
        def _trouble(self) -> int:
            """How many errors there were that make every object suspicious."""

    def _prepare(self, factory: "Callable[[], Any]", settings: "Settings") -> None:
        self.__wrapped__ = factory
        for attribute in ("__module__", "__qualname__", "__doc__", "__annotations__"):
            if hasattr(factory, attribute):
                setattr(self, attribute, getattr(factory, attribute))
        self.name = settings.name or getattr(factory, "__name__", type(factory).__name__)
        self.__name__ = getattr(factory, "__name__", self.name)
        self._settings = settings
        self.warm = settings.warm
        self.depends_on = settings.depends_on
        self._secrets = settings.secrets
        for secret in self._secrets:
            secret.add(self)
        self.after = (*settings.after, *(secret.source for secret in self._secrets))
        self._counts = dict.fromkeys(_COUNTERS, 0)
        self._replaced: dict[str, int] = {}
        # By number: what is alive is closed at the end and dropped by a fork, and nothing compares
        # it.
        self._alive: dict[int, Made] = {}
        # Objects whose closing was put off, because who found them superfluous had no time for it.
        self._litter: deque[Made] = deque()
        # Counts invalidations: what was being made meanwhile is made again.
        self._generation = 0
        self._flights = self._new_flights()
        register(self)

    def _new_flights(self) -> "Cache[Any, Any]":
        # Only for its guarded loads: nothing is ever kept in it.
        settings = self._settings
        timeout = None if settings.is_async else settings.timeout
        return Cache(name=self.name, max_entries=None, on_fork="reset", timeout=timeout)

    # -- making ------------------------------------------------------------------------------

    def _generations(self) -> tuple[int, ...]:
        return tuple(secret.generation for secret in self._secrets)

    def _is_refusal(self, error: BaseException) -> bool:
        if not self._secrets:
            return False
        judge = self._settings.auth_errors
        if judge is None:
            return _rotation.is_refusal(error)
        return isinstance(error, judge) if isinstance(judge, tuple) else bool(judge(error))

    def _rotate(self, generations: tuple[int, ...]) -> bool:
        """After a refusal: have the secrets fetched again, if it is not too soon."""
        can_be_new = False
        for secret, seen in zip(self._secrets, generations, strict=True):
            before = secret.generation
            can_be_new |= secret.rotate(seen, self)
            self._counts["rotations"] += secret.generation != before
        return can_be_new

    def _accept(
        self, value: "Any", epoch: int, trouble: int, generations: tuple[int, ...], loop: "Any"
    ) -> Made:
        """Take over what the factory returned."""
        if value is None:
            message = f"{self.name}() returned None: a factory returns the object to hand out"
            raise TypeError(message)
        if type(value).__name__ in {"coroutine", "generator", "async_generator"}:
            kind = type(value).__name__
            if kind != "async_generator":
                value.close()  # or it complains later
            message = (
                f"{self.name}() returned a {kind}: decorate the coroutine function itself, and "
                "give what comes after a yield as close="
            )
            raise TypeError(message)
        settings = self._settings
        made = Made(value, epoch, trouble, generations, settings.max_age, settings.max_idle, loop)
        self._alive[id(made)] = made
        self._counts["made"] += 1
        return made

    def _make(self, deadline: Deadline, loop: "Any" = None) -> "Steps[Made]":
        """Call the factory; once more with new secrets if the old ones were refused."""
        may_rotate = True
        while True:
            generations = self._generations()
            epoch, trouble = lifetime_epoch(), self._trouble
            try:
                value = yield Call(self, "making", self.__wrapped__, (), deadline, is_kept=True)
                return self._accept(value, epoch, trouble, generations, loop)
            except Exception as error:
                self._count_failure(error)
                if not (may_rotate and self._is_refusal(error) and self._rotate(generations)):
                    raise
                may_rotate = False

    def _count_failure(self, error: Exception) -> None:
        self._counts["failures"] += 1
        self._counts["timeouts"] += isinstance(error, TimeoutError)

    # -- checking ----------------------------------------------------------------------------

    def _reason(self, made: Made) -> str | None:
        settings = self._settings
        keeps_fork, keeps_restore = settings.on_fork == "keep", settings.on_restore == "keep"
        return made.reason(self._trouble, keeps_fork, keeps_restore)

    def _verdict(self, reason: str) -> str:
        """What to do about an object: "check", "keep" or "replace" it."""
        settings = self._settings
        if reason in _HOPELESS or (reason == "restore" and settings.on_restore == "reset"):
            return "replace"
        if settings.check is not None:
            return "check"
        return "replace" if reason in _REPLACED_UNASKED else "keep"

    def _is_well(self, made: Made, deadline: Deadline) -> "Steps[bool]":
        """Whether an object may still be handed out; asks it if there is a reason to."""
        epoch, trouble = lifetime_epoch(), self._trouble
        reason = self._reason(made)
        if reason is None:
            return True
        verdict = self._verdict(reason)
        if verdict == "check":
            self._counts["checks"] += 1
            is_passed = yield from self._passes(made, deadline)
            verdict = "keep" if is_passed else "replace"
        if verdict == "keep":
            made.approve(epoch, trouble)
            return True
        self._count_replaced(reason)
        return False

    def _passes(self, made: Made, deadline: Deadline) -> "Steps[bool]":
        check = self._settings.check
        try:
            answer = yield Call(self, "checking", check, (made.value,), deadline, _CHECK_SHARE)
        except Exception as error:  # noqa: BLE001 - whatever it is, the object is not well
            self._counts["timeouts"] += isinstance(error, TimeoutError)
            if isinstance(error, TypeError) and not self._counts["check_failures"]:
                # More likely the check's own mistake, and it would stay unseen.
                _log_warning(f"checking an object of {self.name} failed (TypeError); said once")
            answer = False
        self._counts["check_failures"] += answer is False
        return answer is not False

    def _count_replaced(self, reason: str) -> None:
        self._replaced[reason] = self._replaced.get(reason, 0) + 1

    # -- closing -----------------------------------------------------------------------------

    def _closing(self, made: Made, deadline: Deadline | None = None) -> "Steps[None]":
        """Close an object, unless that was done; an error is counted, and nobody's."""
        self._alive.pop(id(made), None)
        if made.close_once():
            yield from self._closing_value(made.value, deadline)

    def _closing_value(self, value: "Any", deadline: Deadline | None = None) -> "Steps[None]":
        close = self._settings.close
        if close is None:
            return
        deadline = deadline or Deadline(self._settings.timeout)
        try:
            yield Call(self, "closing", close, (value,), deadline, _CLOSE_SHARE)
        except Exception as error:  # noqa: BLE001 - it is being thrown away
            self._note_close_failure(error)
        else:
            self._counts["closed"] += 1

    def _close(self, made: Made) -> None:
        run(self._closing(made))

    def _see_to(self, call: Call, awaitable: "Any") -> "Any":
        """What becomes of an awaitable that a call of plain code returned."""
        if call.is_kept:
            return awaitable  # a factory may make what can be awaited
        from coldcache._shared_async import see_to_awaitable  # noqa: PLC0415

        if call.doing == "closing" and see_to_awaitable(awaitable):
            return None
        if hasattr(awaitable, "close"):
            awaitable.close()  # or it complains later
        message = f"{call.doing} {self.name} gave an awaitable, and there is no event loop for it"
        raise TypeError(message)

    def _close_late(self, value: "Any") -> None:
        """Close what a call brought that nobody waits for any more, in the thread that made it."""
        run(self._closing_value(value, Deadline(None)))

    def _note_close_failure(self, error: BaseException) -> None:
        self._counts["close_failures"] += 1
        if self._counts["close_failures"] == 1:
            kind = type(error).__name__  # messages may hold secrets
            _log_warning(
                f"closing an object of {self.name} failed ({kind}); said once, counted in stats()"
            )

    def _clear_litter(self) -> "Steps[None]":
        while self._litter:
            try:
                made = self._litter.popleft()
            except IndexError:  # another thread was faster
                return
            yield from self._closing(made)

    def _after_fork(self) -> None:
        """In the child: the objects are the parent's; nothing of theirs is closed or destroyed."""
        for made in self._alive.values():
            _keep_for_ever(made)
            made.close_once()
            if self._settings.on_fork == "reset":
                made.retire()
        self._alive.clear()
        self._litter.clear()
        for secret in self._secrets:
            secret.forget_after_fork()

    def _close_at_exit(self) -> None:
        seconds = self._settings.timeout or _CLOSE_AT_EXIT
        for made in tuple(self._alive.values())[::-1]:
            made.retire()
            run(self._closing(made, Deadline(seconds / _CLOSE_SHARE)))

    # -- as other decorated functions ----------------------------------------------------------

    def __copy__(self) -> "Any":
        return self

    def __deepcopy__(self, memo: "Any") -> "Any":
        return self

    def __reduce__(self) -> str:
        return self.__qualname__

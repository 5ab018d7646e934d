"""What resources and pools share: how an object is made, checked, closed, and what is counted.

One attempt has one deadline. A check gets half of it and a close a quarter, so that a dead object
leaves time to make a new one.

What calls the user's functions is written once for plain and for asynchronous code, as generators
of `Call`s: plain code makes each call (`_bounded.run`), a coroutine awaits it
(`_shared_async.run`).
"""

import contextvars
from collections import deque

from coldcache import _rotation
from coldcache._bounded import Call, Deadline
from coldcache._core import Made, _begin_step, _log_warning, lifetime_epoch
from coldcache._disposal import Disposal
from coldcache._registry import register

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, TypeVar

    from coldcache._line import Line
    from coldcache._settings import Settings

    _R = TypeVar("_R")
    Steps = Generator[Call | Line, Any, _R]

_CHECK_SHARE = 0.5
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

# The resources and pools whose objects the current code makes, outermost first, while it does.
_making: "contextvars.ContextVar[tuple[list[Holding], ...]]" = contextvars.ContextVar(
    "coldcache_making", default=()
)


class Holding(Disposal):
    """Options, counters and the objects that are alive; mixed into resources and pools."""

    kind = "resource"
    required = False
    __wrapped__: "Callable[[], Any]"
    __qualname__: str
    if TYPE_CHECKING:

        @property
        def _trouble(self) -> int:
            """How many errors there were that make every object suspicious."""

        def _suspect(self) -> None:
            """From now on every object is suspicious until it was found well."""

        def _replace(self, made: Made, reason: str) -> None:
            """Hand this object out no more; who uses it last closes it."""

    def _prepare(self, factory: "Callable[[], Any]", settings: "Settings") -> None:
        self.__wrapped__ = factory
        for attribute in ("__module__", "__qualname__", "__doc__", "__annotations__"):
            if hasattr(factory, attribute):
                setattr(self, attribute, getattr(factory, attribute))
        self.name = settings.name or str(getattr(factory, "__name__", type(factory).__name__))
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
        self._alive = {}
        self._litter = deque()
        # Counts invalidations: what was being made meanwhile is made again.
        self._generation = 0
        register(self)

    # -- making ------------------------------------------------------------------------------

    def _generations(self) -> tuple[int, ...]:
        return tuple(secret.generation for secret in self._secrets)

    def _is_refusal(self, error: BaseException) -> bool:
        if not self._secrets:
            return False
        judge = self._settings.auth_errors
        if judge is None:
            return _rotation.is_refusal(error)
        if isinstance(judge, tuple):
            return isinstance(error, judge)
        try:
            return bool(judge(error))
        except Exception as own:  # noqa: BLE001 - it must not take the place of the user's error
            kind = type(own).__name__
            _log_warning(f"auth_errors= of {self.name} failed ({kind}): taken for no refusal")
            return False

    def _rotate(self, generations: tuple[int, ...]) -> bool:
        """After a refusal: have the secrets fetched again, if it is not too soon."""
        can_be_new = False
        for secret, seen in zip(self._secrets, generations, strict=True):
            before = secret.generation
            can_be_new |= secret.rotate(seen, self)
            self._counts["rotations"] += secret.generation != before
        if can_be_new:
            self._retire_outdated()
        return can_be_new

    def _retire_outdated(self) -> None:
        """Hand out no more what was made with secrets that are not the current ones."""
        current = self._generations()
        for made in tuple(self._alive.values()):
            if made.generations != current and not made.is_retired:
                self._count_replaced("credentials")
                made.retire()

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
            step = raised = None
            try:
                step = _begin_step(self.kind, self.name)
                value = yield Call(self, "making", self.__wrapped__, (), deadline, is_kept=True)
                return self._accept(value, epoch, trouble, generations, loop)
            except Exception as error:
                raised = type(error).__name__
                self._count_failure(error)
                if not (may_rotate and self._is_refusal(error) and self._rotate(generations)):
                    raise
                may_rotate = False
            finally:
                if step is not None:
                    step.end(raised)

    def _count_failure(self, error: Exception) -> None:
        self._counts["failures"] += 1
        self._counts["timeouts"] += isinstance(error, TimeoutError)

    def _build(self, key: "Any", deadline: Deadline) -> "Steps[Made]":
        inside: list[Holding] = []
        token = None
        try:
            # In here, as a signal handler may raise after any step; empty, an entry means nothing.
            inside.append(self)
            token = _making.set((*filter(None, _making.get()), inside))
            for _ in range(_MOST_REMADE):
                generation = self._generation
                made = yield from self._make(deadline, key)
                if generation == self._generation:
                    break
                made.retire()  # invalidated while it was made
                yield from self._closing(made, deadline)
            else:
                made = yield from self._make(deadline, key)
        finally:
            inside.clear()
            if token is not None:
                _making.reset(token)
        return made

    def _refuse_ring(self) -> None:
        """Refuse to wait for an object inside its own factory, in whatever thread that runs."""
        around = [one for entry in _making.get() for one in entry]
        if self in around:
            from coldcache.exceptions import ReentrantLoadError  # noqa: PLC0415

            ring = (*around[around.index(self) :], self)
            message = " -> ".join(str(one.name) for one in ring)
            raise ReentrantLoadError(f"a load waits for itself: {message}")

    def _loop(self) -> "Any":
        """What objects are kept apart by: the running event loop, where they live on one."""
        if not self._settings.per_loop:
            return None
        import asyncio  # noqa: PLC0415

        return asyncio._get_running_loop()  # noqa: SLF001 - documented, for frameworks

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
        if reason != "retired":  # that was counted by whoever did it
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

    # -- judging --------------------------------------------------------------------------------

    def _failed(self, made: Made, error: BaseException, may_retry: bool) -> bool:
        """Judge an error that left a block; true if the block may be run again."""
        settings = self._settings
        if self._is_refusal(error):
            self._counts["errors"] += 1
            if not self._rotate(made.generations):
                return False
            self._replace(made, "credentials")
        elif isinstance(error, settings.retry_on):
            self._counts["errors"] += 1
            self._suspect()  # also the others of a pool, or the second attempt would get one
            if not may_retry:
                return False
            self._replace(made, "error")
        else:
            # Where nobody said which errors are the object's, any may be; asking it will tell.
            if settings.check is not None and not (
                settings.retry_on and isinstance(error, Exception)
            ):
                self._suspect()
            return False
        self._counts["retries"] += may_retry
        return may_retry

    # -- as other decorated functions ----------------------------------------------------------

    def __copy__(self) -> "Any":
        return self

    def __deepcopy__(self, memo: "Any") -> "Any":
        return self

    def __reduce__(self) -> str:
        return self.__qualname__

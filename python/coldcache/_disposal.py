"""How objects end: closed after their last user and at exit, kept for ever in a forked child."""

from coldcache._bounded import Call, Deadline, run
from coldcache._core import _keep_for_ever, _log_warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Generator
    from typing import Any

    from coldcache._core import Made
    from coldcache._rotation import Secret
    from coldcache._settings import Settings

# Part of the time of an attempt that a close gets: enough is left to make a new object.
CLOSE_SHARE = 0.25
# Seconds for a close at the end of the process, where no `timeout=` says otherwise.
CLOSE_AT_EXIT = 2.0


class Disposal:
    """The part of resources and pools that closes what they made."""

    name: str
    _settings: "Settings"
    _secrets: "tuple[Secret, ...]"
    _counts: dict[str, int]
    # By number: what is alive is closed at the end and dropped by a fork, and nothing compares it.
    _alive: "dict[int, Made]"
    # Objects whose closing was put off, because who found them superfluous had no time for it.
    _litter: "deque[Made]"

    def _closing(
        self, made: "Made", deadline: Deadline | None = None
    ) -> "Generator[Call, Any, None]":
        """Close an object, unless that was done; an error is counted, and nobody's."""
        self._alive.pop(id(made), None)
        if made.close_once():
            yield from self._closing_value(made.value, deadline)

    def _closing_value(
        self, value: "Any", deadline: Deadline | None = None
    ) -> "Generator[Call, Any, None]":
        close = self._settings.close
        if close is None:
            return
        deadline = deadline or Deadline(self._settings.timeout)
        try:
            yield Call(self, "closing", close, (value,), deadline, CLOSE_SHARE)
        except Exception as error:  # noqa: BLE001 - it is being thrown away
            self._note_close_failure(error)
        else:
            self._counts["closed"] += 1

    def _close(self, made: "Made") -> None:
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

    def _clear_litter(self, deadline: Deadline) -> "Generator[Call, Any, None]":
        """Close what was put off, as far as that leaves half of the time."""
        while self._litter and deadline.has_half():
            try:
                made = self._litter.popleft()
            except IndexError:  # another thread was faster
                return
            yield from self._closing(made, deadline)

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
        seconds = self._settings.timeout or CLOSE_AT_EXIT
        for made in tuple(self._alive.values())[::-1]:
            made.retire()
            run(self._closing(made, Deadline(seconds / CLOSE_SHARE)))

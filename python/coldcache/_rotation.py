"""Secrets that change under way: who depends on which, and when one is fetched again.

However many dependents find the old secret refused, it is invalidated once: each of them knows
which generation its object was made with, and only the first to complain about the current one
counts. How often a secret is invalidated at all has a limit, whatever the dependents say.
"""

import _thread
from _weakref import ref

from coldcache._core import _clock_now
from coldcache._options import mistyped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Seconds between two rotations of a secret: doubled while they follow each other closely.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 60.0
# Seconds that a caller waits for another one that is invalidating the same secret.
_PATIENCE = 1.0

_AUTH_CODES = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_AUTH_CLASSES = (
    "AccessDenied",
    "AuthenticationError",
    "AuthenticationFail",
    "AuthenticationWrongNumberOfArgs",
    "AuthorizationSpecification",
    "InvalidPassword",
    "Unauthorized",
)
_AUTH_TEXTS = (
    "access denied for user",
    "authentication failed",
    "invalid password",
    "invalid username-password pair",
    "noauth",
    "wrongpass",
)
_MYSQL_ACCESS_DENIED = 1045
_HTTP_UNAUTHORIZED = 401
_LONGEST_CHAIN = 10


class Secret:
    """One value that others depend on, and how to have it fetched again."""

    __slots__ = (
        "__weakref__",
        "_dependents",
        "_lock",
        "_pause",
        "_rotated_at",
        "arguments",
        "generation",
        "source",
    )

    def __init__(self, source: "Any", arguments: "tuple[Any, ...]") -> None:
        self.source = source
        self.arguments = arguments
        self.generation = 0
        self._dependents: list[ref[Any]] = []
        self._pause = _FIRST_PAUSE
        self._rotated_at: tuple[float, float] | None = None
        self._lock = _thread.allocate_lock()

    def add(self, dependent: "Any") -> None:
        self._dependents = [one for one in self._dependents if one() is not None]
        self._dependents.append(ref(dependent))

    def rotate(self, seen: int, complainer: object) -> bool:
        """Have it fetched again; false if that was done too often lately.

        Args:
            seen: The generation that was refused. If it is not the current one, there is nothing
                to do: the value is a new one already.
            complainer: Who was refused; every other dependent is told to make its object anew.
        """
        is_locked = self._lock.acquire(True, _PATIENCE)
        try:
            if self.generation != seen:
                return True
            if self._is_too_soon():
                return False
            self._invalidate()
            self.generation += 1
        finally:
            if is_locked:
                self._lock.release()
        for dependent in tuple(self._dependents):
            other = dependent()
            if other is not None and other is not complainer:
                other._outdate()  # noqa: SLF001
        return True

    def _is_too_soon(self) -> bool:
        now, before = _clock_now(), self._rotated_at
        if before is not None:
            elapsed = max(now[0] - before[0], now[1] - before[1])
            if elapsed < self._pause:
                return True
            is_calm = elapsed > _LONGEST_PAUSE
            self._pause = _FIRST_PAUSE if is_calm else min(2 * self._pause, _LONGEST_PAUSE)
        self._rotated_at = now
        return False

    def _invalidate(self) -> None:
        source = self.source
        if self.arguments:
            source.invalidate(*self.arguments)
            return
        for forget in ("cache_clear", "reset", "invalidate"):
            if hasattr(source, forget):
                getattr(source, forget)()
                return

    def forget_after_fork(self) -> None:
        self._lock = _thread.allocate_lock()


# By weak reference: dependents keep their secrets, and a secret keeps its source.
_secrets: list[ref[Secret]] = []


def parse(given: object) -> tuple[Secret, ...]:
    """Return the secrets named by `depends_on=`."""
    wants = (
        "a tuple of what is called for the secret: `once` and `cached` functions, resources, or "
        "(function, argument, ...)"
    )
    if not isinstance(given, tuple):
        mistyped("depends_on", given, wants)
    found = []
    for one in given:
        source, *arguments = one if isinstance(one, tuple) and one else (one,)
        if not callable(source):
            mistyped("depends_on", one, wants)
        can_forget = [hasattr(source, forget) for forget in ("cache_clear", "reset", "invalidate")]
        if not any(can_forget) or (arguments and not can_forget[-1]):
            mistyped("depends_on", one, f"{wants}, which can be told to forget the value")
        found.append(_secret(source, tuple(arguments)))
    return tuple(found)


def _secret(source: "Any", arguments: "tuple[Any, ...]") -> Secret:
    for reference in tuple(_secrets):
        known = reference()
        if known is not None and known.source == source and known.arguments == arguments:
            return known
    made = Secret(source, arguments)
    _secrets[:] = [reference for reference in _secrets if reference() is not None]
    _secrets.append(ref(made))
    return made


def is_refusal(error: BaseException) -> bool:
    """Whether an exception, or one it came from, says that the credentials were refused."""
    seen = 0
    current: BaseException | None = error
    while current is not None and seen < _LONGEST_CHAIN:
        if _says_so(current):
            return True
        seen += 1
        current = current.__cause__ or current.__context__
    return False


def _says_so(error: BaseException) -> bool:
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    response = getattr(error, "response", None)
    details = response.get("Error") if isinstance(response, dict) else None
    return (
        (isinstance(state, str) and state.startswith("28"))  # invalid authorization specification
        or (isinstance(details, dict) and details.get("Code") in _AUTH_CODES)
        or getattr(response, "status_code", None) == _HTTP_UNAUTHORIZED
        or (error.args[:1] == (_MYSQL_ACCESS_DENIED,))
        or any(part in type(error).__name__ for part in _AUTH_CLASSES)
        or _reads_so(error)
    )


def _reads_so(error: BaseException) -> bool:
    try:
        text = str(error).lower()
    except Exception:  # noqa: BLE001 - of a class of the user's
        return False
    return any(part in text for part in _AUTH_TEXTS)

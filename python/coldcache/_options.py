"""Options of resources and pools, checked when the decorator is applied: one clear error each."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

_LONGEST_SECONDS = 100 * 365.25 * 86_400.0  # as in the native half
_LONGEST_SHOWN = 80


def _shown(given: object) -> str:
    text = repr(given)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 1] + "…"


def mistyped(what: str, given: object, wants: str) -> "NoReturn":
    """Raise the error of a value of the wrong type."""
    message = f"{what} must be {wants}, got {_shown(given)} ({type(given).__name__})"
    raise TypeError(message)


def invalid(what: str, given: object, wants: str) -> "NoReturn":
    """Raise the error of a value that cannot be used."""
    message = f"{what} must be {wants}, got {_shown(given)}"
    raise ValueError(message)


def seconds(what: str, given: object) -> float | None:
    """Return a number of seconds above zero; `None` stays `None`."""
    wants = "a positive number of seconds"
    if given is None:
        return None
    if isinstance(given, bool | str) or not hasattr(given, "__float__"):
        mistyped(what, given, wants)
    value = float(given)
    if not 0 < value < float("inf"):
        invalid(what, given, wants)
    if value > _LONGEST_SECONDS:
        invalid(what, given, "at most 100 years, in seconds (None is for ever)")
    return value


def count(what: str, given: object, *, least: int) -> int:
    """Return a whole number that is not below *least*."""
    wants = f"a whole number, {least} or more"
    if isinstance(given, bool) or not isinstance(given, int):
        mistyped(what, given, wants)
    if given < least:
        invalid(what, given, wants)
    return given


def function(what: str, given: object) -> "Callable[[Any], Any] | None":
    """Return a callable; `None` stays `None`."""
    if given is not None and not callable(given):
        mistyped(what, given, "a callable that takes the object")
    return given


def word(what: str, given: object, words: "Sequence[str]") -> str:
    """Return one of a few words."""
    wants = " or ".join((", ".join(map(repr, words[:-1])), repr(words[-1])))
    if not isinstance(given, str):
        mistyped(what, given, wants)
    if given not in words:
        invalid(what, given, wants)
    return given


def truth(what: str, given: object) -> bool:
    """Return True or False."""
    if not isinstance(given, bool):
        mistyped(what, given, "True or False")
    return given


def exceptions(what: str, given: object) -> tuple[type[Exception], ...]:
    """Return a tuple of exception classes; a single class will do."""
    wants = "an exception class or a tuple of them"
    classes = given if isinstance(given, tuple) else (given,)
    for one in classes:
        if not isinstance(one, type):
            mistyped(what, given, wants)
        if not issubclass(one, Exception):
            invalid(what, given, "of classes below Exception: an exit or a cancellation passes")
    return classes


def callables(what: str, given: object) -> "tuple[Callable[[], Any], ...]":
    """Return a tuple of callables without arguments."""
    wants = "a tuple of callables without arguments"
    if not isinstance(given, tuple):
        mistyped(what, given, wants)
    for one in given:
        if not callable(one):
            mistyped(what, one, wants)
    return given


def name(given: object) -> str | None:
    """Return what messages call it; `None` stays `None`."""
    if given is None:
        return None
    if not isinstance(given, str):
        mistyped("name", given, "a string")
    if not given.strip():
        invalid("name", given, "a string that is not empty")
    return given

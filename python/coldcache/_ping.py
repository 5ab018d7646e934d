"""Warm-up pings: events that only mean to keep an environment warm, known by their exact shape.

An event that differs by anything at all is no ping and goes to the user's handler. A ping costs
what is due (`warm_up`, a look for a thaw) and tells nothing but which environment answered it.
"""

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Facts(Protocol):
        """What an answer tells; an `Invocation` has it."""

        init_id: str
        start_class: str
        is_first: bool


OURS = "coldcache"
PLUGIN = "serverless-plugin-warmup"
WARMER = "lambda-warmer"
SCHEDULE = "schedule"
KINDS = (OURS, PLUGIN, WARMER, SCHEDULE)

# Seconds for which a ping is held that does not say it, so that pings sent together find different
# environments: what lambda-warmer waits.
HOLD = 0.075
# A ping may ask for more; it is held for so long.
MOST_HOLD = 10.0
# Seconds of the call's time that are left alone for the answer.
_SPARE = 0.25

_MOST_CONCURRENCY = 10_000
_PLUGIN_EVENT = {"source": "serverless-plugin-warmup"}
_COUNTS = ("concurrency", "__WARMER_INVOCATION__", "__WARMER_CONCURRENCY__")
# The JavaScript package, and the Python one of the same name, of which each has its spelling.
_CORRELATIONS = ("__WARMER_CORRELATIONID__", "__WARMER_CORRELATION_ID__")
_SCHEDULE_TEXTS = frozenset({"version", "id", "detail-type", "source", "account", "time", "region"})
_SCHEDULE_KEYS = _SCHEDULE_TEXTS | {"resources", "detail"}


class Ping:
    """A recognised ping.

    Attributes:
        kind: One of `KINDS`.
        hold: Seconds for which it is to be held.
    """

    __slots__ = ("hold", "kind")

    def __init__(self, kind: str, hold: float) -> None:
        self.kind = kind
        self.hold = hold


def kinds(given: object = True) -> tuple[str, ...]:
    """Which kinds of pings are recognised.

    Args:
        given: True for coldcache's own, False or ``None`` for none, or names out of `KINDS`.

    Raises:
        TypeError: It is none of these.
        ValueError: There is no kind of that name.
    """
    if given is None or isinstance(given, bool):
        return (OURS,) if given else ()
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, (tuple, list)):
        message = f"pings must be True, False or names out of {', '.join(KINDS)}, got {given!r}"
        raise TypeError(message)
    for name in names:
        if name not in KINDS:
            message = f"there is no kind of ping {name!r}, only {', '.join(KINDS)}"
            raise ValueError(message)
    return tuple(names)


def recognise(event: object, of: tuple[str, ...] = (OURS,)) -> Ping | None:
    """Whether an event is a ping; it takes no longer for a huge event.

    Args:
        event: Anything that JSON can hold.
        of: The kinds that are looked for.

    Returns:
        The ping, or ``None`` for everything else.
    """
    if type(event) is not dict or not 1 <= len(event) <= len(_SCHEDULE_KEYS):
        return None
    if OURS in of and len(event) == 1 and OURS in event:
        return _ours(event[OURS])
    if PLUGIN in of and event == _PLUGIN_EVENT:
        return Ping(PLUGIN, HOLD)
    if WARMER in of and event.get("warmer") is True:
        return _warmer(event)
    if SCHEDULE in of and event.keys() == _SCHEDULE_KEYS:
        return _schedule(event)
    return None


def _ours(asked: "Any") -> Ping | None:
    """``{"coldcache": {"ping": {}}}``, with ``"hold_seconds": 0.5`` inside perhaps."""
    if type(asked) is not dict or asked.keys() != {"ping"}:
        return None
    options = asked["ping"]
    if type(options) is not dict or not options.keys() <= {"hold_seconds"}:
        return None
    hold = options.get("hold_seconds", HOLD)
    if type(hold) not in (int, float) or not 0 <= hold < float("inf"):
        return None
    return Ping(OURS, min(float(hold), MOST_HOLD))


def _warmer(event: "dict[Any, Any]") -> Ping | None:
    """``{"warmer": true, "concurrency": 3}``, and what lambda-warmer sends to itself.

    One that names another function as its target is no ping of this one.
    """
    for key, value in event.items():
        if key in _COUNTS:
            if type(value) is not int or not 1 <= value <= _MOST_CONCURRENCY:
                return None
        elif key in _CORRELATIONS:
            if type(value) is not str:
                return None
        elif key == "test":
            if type(value) is not bool:
                return None
        elif key != "warmer":
            return None
    return Ping(WARMER, HOLD)


def _schedule(event: "dict[Any, Any]") -> Ping | None:
    """The event of a rule or a schedule of EventBridge that was given no input of its own."""
    if any(type(event[key]) is not str for key in _SCHEDULE_TEXTS):
        return None
    if event["detail-type"] != "Scheduled Event" or event["version"] != "0":
        return None
    # EventBridge Scheduler writes the empty detail as a text.
    expected: Any = {"aws.events": {}, "aws.scheduler": "{}"}.get(event["source"])
    resources = event["resources"]
    if expected is None or event["detail"] != expected:
        return None
    if type(resources) is not list or len(resources) != 1 or type(resources[0]) is not str:
        return None
    return Ping(SCHEDULE, 0.0)


def answer(ping: Ping, facts: "Facts", *, remaining: float | None = None) -> "dict[str, Any]":
    """Do what is due, hold the ping, and say which environment this is.

    Inside a running event loop, where others would have to wait, nothing is run and nothing held.

    Args:
        ping: What `recognise` returned.
        facts: Whose answer it is.
        remaining: Seconds until the call ends, if that is known.

    Returns:
        The answer to the call: ``{"coldcache": {"pong": {...}}}``.
    """
    began = time.monotonic()
    left = None if remaining is None else max(0.0, remaining - _SPARE)
    loops: Any = sys.modules.get("asyncio.events")
    is_alone = loops is None or loops._get_running_loop() is None  # noqa: SLF001 - documented
    thawed = _check_thaw()
    warm_up = _warm_up(left) if is_alone else None
    held = max(0.0, ping.hold - (time.monotonic() - began)) if is_alone else 0.0
    if left is not None:
        held = min(held, max(0.0, left - (time.monotonic() - began)))
    if held:
        time.sleep(held)
    pong = {
        "version": 1,
        "init_id": facts.init_id,
        "start_class": facts.start_class,
        "is_first": facts.is_first,
        "thawed": thawed,
        "warm_up": warm_up,
        "seconds": round(time.monotonic() - began, 6),
    }
    return {"coldcache": {"pong": pong}}


def _check_thaw() -> bool:
    lifecycle: Any = sys.modules.get("coldcache._lifecycle")
    if lifecycle is None:  # nobody has a hook
        return False
    return bool(lifecycle.check_thaw())


def _warm_up(budget: float | None) -> "dict[str, Any] | None":
    """Run what declared itself and is not done; ``None`` if there is nothing of that kind."""
    from coldcache import _core  # noqa: PLC0415 - a ping is seldom

    has_steps = "coldcache._step" in sys.modules
    if not (has_steps or _core._declared() or _core._pending_numbers()):  # noqa: SLF001
        return None
    from coldcache import _warm_up as warm  # noqa: PLC0415 - see above
    from coldcache.exceptions import ColdcacheError, WarmUpError  # noqa: PLC0415 - see above

    if budget is not None and budget <= 0:
        return None
    try:
        report: Any = warm.warm_up(budget=budget, eager=True)
    except WarmUpError as error:
        report = error.report
    except ColdcacheError:  # a step comes after one that is not there
        return {"ok": False, "steps": 0, "failed": 0, "seconds": 0.0}
    return {
        "ok": report.ok,
        "steps": len(report.steps),
        "failed": len(report.failed),
        "seconds": round(report.seconds, 6),
    }

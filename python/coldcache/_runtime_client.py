"""Where the platform's runtime client waits for events: stamps around it, and work after an answer.

AWS's client asks for the next event when the last answer has been sent. What is done at that moment
delays no answer, and the environment is not frozen yet. How long the first such wait took tells
whether a request was there before the environment. Only looked up among what is loaded.
"""

from __future__ import annotations

import functools
import sys
import time

from coldcache._core import _close_timeline, _log_warning, _mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_MODULE = "awslambdaric.lambda_runtime_client"

# Whether an event was handed out whose answer has not been sent.
is_serving = False
# How long the latest `next` blocked, by whichever clock says more: one may stand still meanwhile.
waited: float | None = None

_installed: list[type] = []
_after_answer: list[Callable[[], None]] = []
_has_answered = False


def install() -> bool:
    """Put the stamps in, once; false where there is no such client."""
    module = sys.modules.get(_MODULE)
    client = getattr(module, "LambdaRuntimeClient", None)
    if not isinstance(client, type):
        return False
    for owner in client.__mro__:
        if "wait_next_invocation" in vars(owner):
            # The base class: the client of managed instances has the method from it as well.
            if owner not in _installed:
                _installed.append(owner)
                _put_in(owner)
            return True
    return False


def after_answer(work: Callable[[], None]) -> None:
    """Have something done when the answer under way has been sent."""
    _after_answer.append(work)


def is_installed() -> bool:
    """Whether there is a client whose waits are seen."""
    return bool(_installed)


def start_over() -> None:
    """This process is a copy of another one: nothing was answered yet."""
    global _has_answered  # noqa: PLW0603 - one client a process
    _has_answered = False


def _put_in(owner: Any) -> None:
    wait = owner.wait_next_invocation

    @functools.wraps(wait)
    def wait_next_invocation(self: Any, *args: Any, **kwargs: Any) -> Any:
        global is_serving, waited  # noqa: PLW0603 - one client a process
        if is_serving:
            is_serving = False
            _answered()
        else:
            _mark("init_end")
        wall, monotonic = time.time(), time.perf_counter()
        request = wait(self, *args, **kwargs)
        waited = max(time.time() - wall, time.perf_counter() - monotonic)
        is_serving = True
        _mark("first_event")
        return request

    owner.wait_next_invocation = wait_next_invocation
    for name in ("post_invocation_result", "post_invocation_error"):
        if callable(getattr(owner, name, None)):
            setattr(owner, name, _stamped(getattr(owner, name)))
    if callable(getattr(owner, "restore_next", None)):
        owner.restore_next = _ending_init(owner.restore_next)


def _stamped(post: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(post)
    def posting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _has_answered:
            return post(self, *args, **kwargs)
        _mark("first_byte")
        result = post(self, *args, **kwargs)
        _mark("first_answer")
        return result

    return posting


def _ending_init(restore: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(restore)
    def restore_next(self: Any, *args: Any, **kwargs: Any) -> Any:
        _mark("init_end")  # from here on the platform takes its snapshot
        return restore(self, *args, **kwargs)

    return restore_next


def _answered() -> None:
    global _has_answered  # noqa: PLW0603 - one client a process
    if not _has_answered:
        _has_answered = True
        _mark("first_answer")
        _close_timeline()
    while _after_answer:
        guarded(_after_answer.pop(0))


def guarded(work: Callable[[], None]) -> None:
    """Do what belongs to no call: it costs a line in the log if it fails."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the next event must be asked for
        _log_warning(f"work after an answer failed ({type(error).__name__})")

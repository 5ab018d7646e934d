"""The thread of a refresh beside the calls. Imported when the first one starts.

Nothing native is on the stack below the user's function: when the interpreter ends while it runs,
CPython ends the thread by unwinding its stack, which native frames must not be part of.
"""

import _thread
import contextvars

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coldcache._core import Refresh


def start(refresh: "Refresh") -> None:
    """Run a refresh in a thread of its own, in a copy of the caller's context."""
    _thread.start_new_thread(_run, (refresh, contextvars.copy_context()))


def _run(refresh: "Refresh", context: contextvars.Context) -> None:
    function, args, kwargs = refresh.begin()
    try:
        value = context.run(function, *args, **kwargs)
    except BaseException as error:  # noqa: BLE001 - of a thread of ours: there is nobody to hand it to
        refresh.fail(error)
    else:
        refresh.succeed(value)

"""Whether this process is ready for requests, and the text that says so.

Ready is who was declared to be, by `probe.ready` or by a warm-up that succeeded, while no required
step of the warm-up is pending.
"""

import sys

from coldcache import _progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from coldcache._warm_report import WarmStep

# What the text shows of names: enough to see what is slow, and bounded.
_MOST_NAMES = 16
_LONGEST_NAME = 80

_GOOD = ("done", "kept", "deferred")


class Readiness:
    """The state of one process.

    Attributes:
        is_auto: Whether a warm-up that succeeds makes it ready.
        sinks: Who is told of each change: whether it is ready, and the text.
    """

    __slots__ = (
        "_change",
        "_failed",
        "_phase",
        "_said",
        "_steps",
        "_waits_for",
        "is_auto",
        "sinks",
    )

    def __init__(self) -> None:
        self.sinks: list[Callable[[bool, bytes], object]] = []
        self.is_auto = True
        self._change = object()
        self.forget()

    def forget(self) -> None:
        """Be as in the beginning; for a forked worker, which has to become ready by itself."""
        self._said: bool | None = None
        self._phase = "starting"
        self._steps = (0, 0)
        self._waits_for: tuple[str, ...] = ()
        self._failed: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether requests may come."""
        return self._said is True and not self._waits_for

    def say(self, is_ready: bool) -> None:
        """Declare it to be ready, as far as nothing required is pending, or not."""
        if is_ready:
            self._waits_for = _undone()
        self._said = is_ready
        self._publish()

    def begin_again(self) -> None:
        """Forget that it was said to end."""
        if self._said is False:
            self._said = None

    def follow(self, steps: "Iterable[WarmStep]", is_over: bool) -> None:
        """Take over what a warm-up tells of itself."""
        taking_part = [step for step in steps if step.state != "deferred"]
        done = sum(step.state in _GOOD for step in taking_part)
        required = [step for step in taking_part if step.required and step.state not in _GOOD]
        self._steps = (done, len(taking_part))
        self._failed = tuple(step.name for step in required if step.state == "failed")
        self._phase = "warming" if not is_over else "failed" if required else "warm"
        self._waits_for = tuple(step.name for step in required)
        # Who is said not to be ready, because it is about to end, stays so.
        if self._phase == "warm" and self.is_auto and self._said is None:
            self._said = True
        self._publish()

    @property
    def phase(self) -> str:
        """A word for it: starting, warming, warm, failed, ready or draining."""
        if self.is_ready:
            return "ready"
        return "draining" if self._said is False else self._phase

    def text(self) -> bytes:
        """The state as JSON: counts, and names of steps."""
        done, total = self._steps
        return (
            f'{{"ready":{"true" if self.is_ready else "false"},"state":"{self.phase}",'
            f'"done":{done},"total":{total},'
            f'"pending":{_names(self._waits_for)},"failed":{_names(self._failed)}}}'
        ).encode("ascii")

    def _publish(self) -> None:
        change = self._change = object()
        # Without a lock, as a signal handler may come in between: who finds that somebody else has
        # changed something meanwhile tells it again, so the last to tell has seen everything.
        while True:
            for sink in self.sinks:
                sink(self.is_ready, self.text())
            if change is self._change:
                return
            change = self._change


def _undone() -> tuple[str, ...]:
    """Names of required steps that no warm-up has done; without a look if there are no steps."""
    module = sys.modules.get("coldcache._step")
    if module is None:
        return ()
    return tuple(
        step.name
        for step in module.declared()
        if step.required and step.warm and not step.is_done()
    )


def _names(names: tuple[str, ...]) -> str:
    try:
        from _json import encode_basestring_ascii  # noqa: PLC0415 - json itself takes milliseconds
    except ImportError:
        from json.encoder import encode_basestring_ascii  # noqa: PLC0415
    shown = [encode_basestring_ascii(name[:_LONGEST_NAME]) for name in names[:_MOST_NAMES]]
    return f"[{','.join(shown)}]"


here = Readiness()
_progress.observers.append(here.follow)

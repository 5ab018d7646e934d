"""What a warm-up did: order, times, the critical path, what failed, what was left out."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    State = Literal["done", "kept", "failed", "skipped", "deferred", "running"]


class WarmStep:
    """One name of a warm-up.

    Attributes:
        name: What was run.
        kind: ``once``, ``resource``, ``pool``, ``lazy``, ``step`` or ``replay``.
        state: ``done``; ``kept`` (it had been done before); ``failed``; ``skipped`` (something it
            needs failed, or there was no time left); ``deferred`` (the first request does not need
            it); ``running`` (not done when the budget was used up).
        required: Whether the warm-up fails with it.
        after: Names of what had to come first.
        begin: When it began, in seconds from the begin of the warm-up; ``None`` if it never did.
        seconds: How long it took, so far if it still runs.
        error: What it raised, or ``None``.
        reason: Why it is in its state, where that needs a word.
        inside: The steps inside it: name, depth, begin and seconds.
    """

    __slots__ = (
        "after",
        "begin",
        "error",
        "inside",
        "kind",
        "name",
        "reason",
        "required",
        "seconds",
        "state",
    )

    def __init__(
        self, name: str, kind: str, after: tuple[str, ...], *, required: bool, state: State
    ) -> None:
        self.name = name
        self.kind = kind
        self.state: State = state
        self.required = required
        self.after = after
        self.begin: float | None = None
        self.seconds = 0.0
        self.error: BaseException | None = None
        self.reason = ""
        self.inside: list[tuple[str, int, float, float]] = []

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name}: {self.state}, {self.seconds:.3f} s>"

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; of an error its type only, since messages may hold secrets."""
        return {
            "name": self.name,
            "kind": self.kind,
            "state": self.state,
            "required": self.required,
            "after": list(self.after),
            "begin": self.begin,
            "seconds": self.seconds,
            "error": None if self.error is None else type(self.error).__name__,
            "reason": self.reason,
            "inside": [
                {"name": name, "depth": depth, "begin": begin, "seconds": seconds}
                for name, depth, begin, seconds in self.inside
            ],
        }


class WarmUpReport:
    """What one warm-up did.

    Attributes:
        steps: Everything that was considered, in the order in which it began; what never began
            comes last.
        seconds: How long the warm-up took.
        budget: The budget in seconds, or ``None``.
        start: What kind of start it was: ``on-demand``, ``provisioned-concurrency``,
            ``snap-start``, ``lambda-managed-instances``, or ``server`` off Lambda.
        eager: Whether what the first request does not need was run too.
        critical_path: Names of the steps that decided how long it took, in their order.
        critical_seconds: The sum of their times.
    """

    def __init__(
        self,
        steps: list[WarmStep],
        *,
        seconds: float,
        budget: float | None,
        start: str,
        eager: bool,
    ) -> None:
        never = float("inf")
        self.steps = tuple(
            sorted(steps, key=lambda step: never if step.begin is None else step.begin)
        )
        self.seconds = seconds
        self.budget = budget
        self.start = start
        self.eager = eager
        self.critical_path, self.critical_seconds = _critical_path(self.steps)

    @property
    def failed(self) -> tuple[WarmStep, ...]:
        """What raised an error."""
        return tuple(step for step in self.steps if step.state == "failed")

    @property
    def skipped(self) -> tuple[WarmStep, ...]:
        """What was left out or not finished: skipped, deferred, running."""
        left_out = ("skipped", "deferred", "running")
        return tuple(step for step in self.steps if step.state in left_out)

    @property
    def ok(self) -> bool:
        """Whether everything required is done."""
        return not any(step.required and step.state not in _GOOD for step in self.steps)

    def step(self, name: str) -> WarmStep:
        """Return the step of this name.

        Raises:
            KeyError: There is none.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold; values, events and messages of errors are not in it."""
        return {
            "seconds": self.seconds,
            "budget": self.budget,
            "start": self.start,
            "eager": self.eager,
            "ok": self.ok,
            "critical_path": list(self.critical_path),
            "critical_seconds": self.critical_seconds,
            "steps": [step.to_dict() for step in self.steps],
        }

    def to_json(self) -> str:
        """The report as JSON."""
        import json  # noqa: PLC0415 - not every start writes its report

        return json.dumps(self.to_dict())

    def __repr__(self) -> str:
        return f"<WarmUpReport: {len(self.steps)} steps in {self.seconds:.3f} s>"

    def __str__(self) -> str:
        lines = [f"warm-up: {self.seconds * 1000:.1f} ms, start: {self.start}"]
        if self.critical_path:
            path = " -> ".join(self.critical_path)
            lines.append(f"critical path: {path}, {self.critical_seconds * 1000:.1f} ms")
        width = max((len(step.name) for step in self.steps), default=0)
        for step in self.steps:
            begin = "" if step.begin is None else f"{step.begin * 1000:9.1f}"
            taken = "" if step.begin is None else f"{step.seconds * 1000:9.1f}"
            words = [step.kind if not step.required else f"{step.kind}, required", step.reason]
            if step.error is not None:
                words.insert(1, type(step.error).__name__)
            note = "; ".join(word for word in words if word)
            lines.append(f"{begin:>9} {taken:>9} ms  {step.name:<{width}}  {step.state:<8} {note}")
        return "\n".join(lines)


_GOOD = ("done", "kept", "deferred")


def _critical_path(steps: tuple[WarmStep, ...]) -> tuple[tuple[str, ...], float]:
    """The chain of steps, each needing the one before it, whose times add up to the most."""
    # In the order of their begin, so whatever a step needs comes before it.
    longest: dict[str, tuple[float, tuple[str, ...]]] = {}
    for step in steps:
        if step.begin is None:
            continue
        before = max((longest[name] for name in step.after if name in longest), default=(0.0, ()))
        longest[step.name] = (before[0] + step.seconds, (*before[1], step.name))
    total, path = max(longest.values(), default=(0.0, ()))
    return path, total

"""One run of a warm-up: who is ready, who runs, who has to wait, until all ended or time is up."""

from __future__ import annotations

import atexit
import contextvars
import threading
import time

from coldcache import _graph, _progress, _step
from coldcache._core import _begin_step
from coldcache._warm_report import WarmStep, WarmUpReport

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future
    from typing import Any

    from coldcache._graph import Node

# Seconds that the end of the interpreter waits for what was left running.
_GRACE = 0.5
# A client made on a loop that is closed at the end of the warm-up would be of no use to anybody.
_NEEDS_LOOP = "it belongs to the loop that uses it: await warm_up_async(), or pass loop="


class Run:
    """One run over a graph; used once.

    Attributes:
        ending: An exit or an interrupt that something raised: it is the caller's.
    """

    def __init__(
        self, nodes: list[Node], *, threads: int, budget: float | None, start: str, eager: bool
    ) -> None:
        self._nodes = nodes
        self._threads = threads
        self._budget = budget
        self._start = start
        self._eager = eager
        self._steps = {
            node.key: WarmStep(
                node.name,
                node.kind,
                tuple(one.name for one in node.needs),
                required=node.required,
                state="skipped",
            )
            for node in nodes
        }
        self._waiting: list[Node] = []
        self._running: dict[int, Node] = {}
        self._changed = threading.Condition()
        self._left: list[threading.Thread] = []
        self._is_over = False
        self.ending: BaseException | None = None

    def run(self, loop: asyncio.AbstractEventLoop | None) -> WarmUpReport:
        """Run it, asynchronous things on this loop, which another thread runs."""
        self._begin = time.perf_counter()
        recorded = _begin_step("warm_up", "warm_up", [("start", self._start)])
        own = None
        self._choose(has_loop=loop is not None)
        if loop is None and any(node.is_async for node in self._waiting):
            # Only now: importing asyncio takes longer than many a start may.
            from coldcache._warm_loop import OwnLoop  # noqa: PLC0415

            loop = (own := OwnLoop()).loop
        self._loop = loop
        try:
            with self._changed:
                self._go()
                self._is_over = True
                self._close_books()
        finally:
            if own is not None:
                own.close()
                if not self._running:
                    own.thread.join()
                else:
                    atexit.register(_wait_for, [own.thread])
            self._settle_threads()
            if recorded is not None:
                recorded.end()
        return WarmUpReport(
            list(self._steps.values()),
            seconds=time.perf_counter() - self._begin,
            budget=self._budget,
            start=self._start,
            eager=self._eager,
        )

    def _choose(self, *, has_loop: bool) -> None:
        """Who takes part: not what was done before, and not what can wait or has to."""
        later = set() if self._eager else _graph.deferred(self._nodes)
        for node in self._nodes:
            step = self._steps[node.key]
            if node.is_done():
                step.state = "kept"
            elif node.is_around:
                step.state, step.reason = "running", "the warm-up is called inside it"
            elif node.key in later:
                step.state, step.reason = "deferred", "the first request does not need it"
            elif node.per_loop and not has_loop:
                step.state, step.reason = "deferred", _NEEDS_LOOP
            else:
                self._waiting.append(node)
        # What is required, and what that needs, gets a thread first.
        first = _graph.needed_by_required(self._nodes)
        self._waiting.sort(key=lambda node: node.key not in first)

    def _go(self) -> None:
        while (self._waiting or self._running) and self.ending is None:
            left = self._time_left()
            if left is not None and left <= 0:
                return
            # First, so that a step that runs is told of as it was told to run.
            _progress.tell(self._steps.values(), is_over=False)
            began = self._begin_ready()
            if not began and not self._running:
                return  # whatever waits, waits for what failed
            if self._running:
                self._changed.wait(left)

    def _time_left(self) -> float | None:
        if self._budget is None:
            return None
        return self._begin + self._budget - time.perf_counter()

    def _begin_ready(self) -> bool:
        began = False
        for node in list(self._waiting):
            threads = sum(not one.is_async for one in self._running.values())
            if not node.is_async and threads >= max(1, self._threads):
                continue
            if self._threads == 0 and (began or self._running):
                break  # one after the other
            blocked = [one for one in node.needs if self._is_hopeless(one)]
            if blocked:
                self._waiting.remove(node)
                self._steps[node.key].reason = f"{blocked[0].name} is not done"
                began = True
                continue
            if self._is_ready(node):
                self._waiting.remove(node)
                self._start_node(node)
                began = True
        return began

    def _is_ready(self, node: Node) -> bool:
        if node.comes_last:
            return not self._running and not any(not one.comes_last for one in self._waiting)
        return all(self._is_good(one) for one in node.needs)

    def _is_good(self, node: Node) -> bool:
        return self._steps[node.key].state in ("done", "kept")

    def _is_hopeless(self, node: Node) -> bool:
        state = self._steps[node.key].state
        is_under_way = node in self._waiting or node.key in self._running
        return state in ("failed", "skipped", "deferred") and not is_under_way

    def _start_node(self, node: Node) -> None:
        self._running[node.key] = node
        self._steps[node.key].begin = time.perf_counter() - self._begin
        inside: list[_step.StepRecord] = []
        context = contextvars.copy_context()
        context.run(_step.gathered.set, inside)
        context.run(_step.enter, node.name)
        if node.is_async:
            assert self._loop is not None  # noqa: S101 - made where there is such a node
            from coldcache._warm_loop import submit  # noqa: PLC0415

            future = submit(self._loop, node.run, context)
            future.add_done_callback(lambda done: self._async_ended(node, inside, done))
            return

        def work() -> None:
            error = None
            try:
                # What a function makes records itself; these are nobody's.
                if node.kind in ("lazy", "replay"):
                    context.run(_recorded, node)
                else:
                    context.run(node.run)
            except BaseException as raised:  # noqa: BLE001 - reported
                error = raised
            with self._changed:
                self._ended(node, inside, error)

        if self._threads == 0:
            self._changed.release()
            try:
                work()
            finally:
                self._changed.acquire()
            return
        thread = threading.Thread(target=work, name=f"coldcache warm-up: {node.name}", daemon=True)
        self._left.append(thread)
        thread.start()

    def _async_ended(self, node: Node, inside: list[Any], done: Future[Any]) -> None:
        from coldcache._warm_loop import error_of  # noqa: PLC0415

        error = error_of(done)
        with self._changed:
            self._ended(node, inside, error, is_cancelled=done.cancelled())

    def _ended(
        self,
        node: Node,
        inside: list[_step.StepRecord],
        error: BaseException | None,
        *,
        is_cancelled: bool = False,
    ) -> None:
        self._running.pop(node.key, None)
        if self._is_over:
            return  # the report is written
        step = self._steps[node.key]
        step.seconds = time.perf_counter() - self._begin - (step.begin or 0.0)
        step.error = error
        step.state = "done" if error is None else "failed"
        step.inside = [
            (one.name, len(one.inside), one.begin - self._begin, one.seconds)
            for one in sorted(inside, key=lambda one: one.begin)
        ]
        if node.kind == "replay":
            step.reason = _tell_of_replay(node.thing)
        if error is not None and not (is_cancelled or isinstance(error, Exception)):
            self.ending = error
        self._changed.notify_all()

    def _close_books(self) -> None:
        for node in self._running.values():
            step = self._steps[node.key]
            step.state = "running"
            step.seconds = time.perf_counter() - self._begin - (step.begin or 0.0)
            step.reason = self._why_left()
        for node in self._waiting:
            step = self._steps[node.key]
            blocked = [one for one in node.needs if self._is_hopeless(one) or one.is_around]
            step.reason = f"{blocked[0].name} is not done" if blocked else self._why_left()

    def _why_left(self) -> str:
        if self.ending is not None:
            return f"{type(self.ending).__name__} ended the warm-up"
        return f"the budget of {self._budget:g} s is used up"

    def _settle_threads(self) -> None:
        """Leave no thread behind that has ended: a fork may be next."""
        running = {f"coldcache warm-up: {node.name}" for node in self._running.values()}
        for thread in self._left:
            if thread.name not in running:
                thread.join()
        left = [thread for thread in self._left if thread.is_alive()]
        if left:
            # They are daemons, as a step that hangs must not keep a program from ending; but one
            # that ends soon is let end before the interpreter is taken apart under it.
            atexit.register(_wait_for, left)


def _recorded(node: Node) -> None:
    step = _begin_step(node.kind, node.name)
    raised = None
    try:
        node.run()
    except BaseException as error:
        raised = type(error).__name__
        raise
    finally:
        if step is not None:
            step.end(raised)


def _wait_for(threads: list[threading.Thread]) -> None:
    until = time.monotonic() + _GRACE
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))


def _tell_of_replay(replay: Any) -> str:
    words = [f"{name} blocked {count} x" for name, count in replay.blocked.items()]
    if replay.stopped:
        words.append("ended by it")
    return ", ".join(words)

"""One subject under one fault in a process of its own: `python -m faults.trial`, a task on stdin.

Speaks with the stage that owns the servers in lines: a request on stdout, an answer on stdin; the
last line is the outcome as JSON.
"""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from faults import scenarios
from faults.callers import HANG_S, Crowd, Work
from faults.every_subject import SUBJECTS
from faults.outcome import NOT_TESTED, Outcome, judge, kind
from faults.place import Place
from faults.servers import NotHereError

TORTURE = Path(__file__).resolve().parents[2] / "tests" / "torture"


class DoesNotStartError(Exception):
    """The subject could not be made, as the server was not there."""


class Trial:
    """What a fault has at hand."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.place = Place(**task["place"])
        self.secrets: list[str] = task["secrets"]
        self.fault: str = task["fault"]
        self.total: int = task["calls"]
        self.kind = SUBJECTS[task["subject"]]
        self.crowd = Crowd()
        self.outcome = Outcome()
        self.subject: Any = None
        self._ended: float | None = None
        self._result: int | None = None  # in a forked child: where its outcome goes
        scenarios.prepare(self.fault, self.place)

    def ask(self, what: str) -> str:
        """Have the stage do something; what it answers."""
        print(what, flush=True)
        if what == "freeze":
            scenarios.stop_self()
        answer = sys.stdin.readline().strip()
        if not answer.startswith("done"):
            raise SystemExit(f"the stage could not {what}: {answer}")
        return answer

    def open(self) -> None:
        """Make the subject as the function's module does when it is imported."""
        made: list[Any] = []

        def make() -> None:
            try:
                made.append(self.kind(self.place))
            except Exception as error:  # noqa: BLE001 - is told as what it is
                made.append(error)

        thread = threading.Thread(target=make, daemon=True)
        thread.start()
        thread.join(HANG_S)
        if not made:
            self.outcome.hung += 1
            raise DoesNotStartError("start hangs")
        if isinstance(made[0], Exception):
            raise DoesNotStartError(f"does not start: {kind(made[0])}") from made[0]
        self.subject = made[0]

    def make(self, seconds: float = 0) -> Callable[[int], int]:
        """Give what makes one call."""
        return lambda number: self.subject.call(number, seconds)

    def calls(self, phase: str, share: float, seconds: float = 0) -> None:
        """Make this share of all calls and wait for them."""
        self.crowd.start(phase, round(share * self.total), self.make(seconds)).finish()

    @contextlib.contextmanager
    def at_work(self, phase: str, share: float, seconds: float) -> Iterator[tuple[Work, int]]:
        """Make this share of all calls while the block runs."""
        count = round(share * self.total)
        with self.crowd.at_work(phase, count, self.make(seconds)) as work:
            yield work, count

    def fault_ends(self) -> None:
        """What begins from now on has to be answered."""
        self._ended = time.monotonic()

    def clocks(self) -> Callable[[int, int], None]:
        """Give what shifts the clocks of this process, wall and monotonic, by so many seconds."""
        sys.path.insert(0, str(TORTURE))
        import with_clocks  # noqa: PLC0415 - brings a C compiler into play

        try:
            return with_clocks.shifter()
        except with_clocks.NoShiftingError as reason:
            raise NotHereError(str(reason)) from reason

    def fork(self) -> int | None:
        """Fork; the child's number, or None in the child."""
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            os.close(reader)
            self._result = writer
            self._ended = time.monotonic()
            return None
        os.close(writer)
        self._result_of_child = reader
        return child

    def drop_calls(self) -> None:
        """In a forked child: the parent counts what came before."""
        self.crowd = Crowd()

    def wait_for(self, child: int) -> None:
        """Wait for the forked child to end by itself, and count its calls."""
        deadline = time.monotonic() + 3 * HANG_S
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(child, 9)
                os.waitpid(child, 0)
                self.outcome.hung += 1
                self.outcome.remarks.append("the child does not end")
                break
            time.sleep(0.005)
        with os.fdopen(self._result_of_child) as result:
            told = result.read()
        if told:
            self.outcome.add(Outcome(**json.loads(told)))
        else:
            self.outcome.remarks.append("the child told nothing")

    def show_errors(self) -> None:
        """Print where the first error of each kind came from."""
        first = {kind(call.error): call.error for call in self.crowd.calls()[::-1] if call.error}
        for error in first.values():
            traceback.print_exception(error)

    def finish(self) -> None:
        """Count, and tell whoever waits for it."""
        if self.fault == "rotated":
            self.secrets.append(self.place.secret())
        self.show_errors()
        counted = judge(self.crowd, self._ended, self.kind.documented, self.secrets)
        counted.add(self.outcome)
        if self.fault == "rotated" and self.subject:
            text = self.subject.told()
            counted.leaks += sum(secret in text for secret in self.secrets)
        told = json.dumps(counted.as_json())
        if self._result is not None:
            with os.fdopen(self._result, "w") as result:
                result.write(told)
        else:
            print(told, flush=True)


def main() -> None:
    """Play the fault; ends without waiting for anybody who hangs."""
    task = json.loads(sys.stdin.readline())
    logging.basicConfig(level=logging.DEBUG if task["fault"] == "rotated" else logging.WARNING)
    for chatty in ("botocore", "boto3", "urllib3", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    trial = Trial(task)
    if trial.fault in scenarios.EXITS:
        scenarios.left_during_load(trial)
    try:
        scenarios.FAULTS[trial.fault](trial)
    except DoesNotStartError as error:
        traceback.print_exception(error)
        trial.outcome.remarks.append(str(error))
        trial.outcome.to_recovery = None
        trial.outcome.not_made = trial.total - trial.outcome.made
    except NotHereError as reason:
        trial.outcome.remarks.append(f"{NOT_TESTED}: {reason}")
    except SystemExit:
        if trial._result is None:  # noqa: SLF001 - the class is of this file
            raise
        trial.finish()
        gc.collect()
        raise  # the forked child ends as processes do
    except Exception as error:  # noqa: BLE001 - the bench's own mistake, or a peer's surprise
        traceback.print_exception(error)
        trial.outcome.remarks.append(f"stopped by {kind(error)}")
        trial.outcome.to_recovery = None
    trial.finish()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()

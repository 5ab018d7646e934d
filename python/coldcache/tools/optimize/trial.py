"""One trial: the function in a fresh process of its interpreter, with some edges deferred."""

from __future__ import annotations

import functools
import json
import marshal
import os
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from coldcache.tools.lab.failure import printable
from coldcache.tools.lab.output import Output
from coldcache.tools.lab.sandbox import Sandbox
from coldcache.tools.lab.target import Target

from .edges import Edge, by_importer
from .outcome import Outcome
from .pool import Run

__all__ = ["Laboratory", "Trial"]

_WORKER = Path(__file__).parent
_MARSHAL_VERSION = 2  # read by every Python that can be the function's

# The first entry of the path becomes what `python -m awslambdaric` makes it; the folder of the
# trial's own code is on the path only while that is loaded.
_START = """
import os, sys
worker, trial = sys.argv[1:]
if sys.path and sys.path[0] == "":
    sys.path[0] = os.getcwd()
sys.path.insert(0, worker)
from coldcache_trial import main
sys.path.remove(worker)
main(trial)
"""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What to run.

    Attributes:
        events: What to call the function with, one after the other.
        deferred: The edges of the plan; `None` runs without the engine.
        traced: Whether the native tracer watches the imports.
        watch: Registry entries to put down to modules, by category.
        tables: Whether packages' own tables are looked at: there are many.
        fingerprints: Modules whose fingerprint is wanted; `None` asks for no origins either.
    """

    events: tuple[bytes, ...] = field(repr=False)
    deferred: frozenset[Edge] | None = None
    traced: bool = False
    watch: Mapping[str, Sequence[str]] = field(default_factory=dict)
    tables: bool = False
    fingerprints: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """Where trials run.

    Attributes:
        target: The function.
        python: Its interpreter.
        environment: All of its environment.
        folder: A private folder for what trials are told and what they answer.
        timeout_s: The deadline that the function sees, in seconds.
    """

    target: Target
    python: Path
    environment: Mapping[str, str] = field(repr=False)
    folder: Path
    timeout_s: float

    def run(self, trial: Trial, limit_s: float, stop: threading.Event) -> Outcome:
        """Run one trial to its end.

        Args:
            trial: What to run.
            limit_s: Seconds after which the process is killed.
            stop: Set from elsewhere when nobody waits for the outcome any more.
        """
        place = Path(tempfile.mkdtemp(prefix="trial-", dir=self.folder))
        order, answer, imports = place / "order", place / "answer", place / "imports"
        order.write_bytes(marshal.dumps(self._order(trial, answer, imports), _MARSHAL_VERSION))
        over = threading.Event()
        output = Output()
        sandbox = Sandbox(
            [str(self.python), "-c", _START, str(_WORKER), str(order)],
            environment={**self.environment, "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9"},
            folder=self.target.folder,
            output=output,
            on_exit=over.set,
        )
        with sandbox:
            sandbox.start()
            ended = _wait(over, stop, limit_s)
        data = _read(answer)
        how = ""
        if data is None:
            how = f"its process {sandbox.exit_status}"
            if not ended:
                how = f"it did not end within {limit_s:.0f} s"
        lines: list[str] = []
        if trial.traced and imports.exists():
            lines = imports.read_text("utf-8").splitlines(keepends=True)
        for file in (order, answer, imports):
            file.unlink(missing_ok=True)
        os.rmdir(place) if not any(place.iterdir()) else None
        tail = "" if data is not None else printable(output.tail())
        return Outcome.read(data or {}, how, sandbox.spawned_ns, lines, tail)

    def job(self, trial: Trial, limit_s: float) -> Run:
        """The same as something for a pool."""
        return functools.partial(self.run, trial, limit_s)

    def _order(self, trial: Trial, answer: Path, imports: Path) -> dict[str, Any]:
        edges = None if trial.deferred is None else dict(by_importer(sorted(trial.deferred)))
        described = None if trial.fingerprints is None else list(trial.fingerprints)
        return {
            "handler": self.target.handler,
            "events": list(trial.events),
            "timeout_s": self.timeout_s,
            "edges": edges,
            "tracer": str(imports) if trial.traced else "",
            "watch": {category: list(keys) for category, keys in trial.watch.items()},
            "tables": trial.tables,
            "describe": described,
            "result": str(answer),
        }


def _wait(over: threading.Event, stop: threading.Event, limit_s: float) -> bool:
    """Wait for the end of a process, for somebody to lose interest, or for the time to run out."""
    # One of two events: looked at in turn, often enough that nobody notices.
    step_s, waited_s = 0.02, 0.0
    while waited_s < limit_s and not stop.is_set():
        if over.wait(step_s):
            return True
        waited_s += step_s
    return over.is_set()


def _read(answer: Path) -> dict[str, Any] | None:
    try:
        text = answer.read_text("utf-8", errors="surrogatepass")
    except FileNotFoundError:
        return None
    data = json.loads(text)
    return data if isinstance(data, dict) else None

"""Isolation for the runtime tests, threads that meet, and child interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import coldcache
import hypothesis
import pytest
from coldcache import Cache, cached, once
from coldcache._lock import Lock

# How long an example takes depends on what else the machine does; and no files are written.
hypothesis.settings.register_profile("coldcache", deadline=None, database=None)
hypothesis.settings.load_profile("coldcache")

# Seconds, long beyond need: they only bound a test that hangs.
PATIENCE_S = 20.0


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    coldcache.testing.reset()
    yield
    coldcache.testing.reset()


@pytest.fixture
def clock() -> Iterator[coldcache.testing.Clock]:
    """The clocks of coldcache, held still."""
    with coldcache.testing.clock() as held:
        yield held


def _eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "did not come true in time"
        time.sleep(0.001)  # real time


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Wait until a condition holds that another thread brings about; fail if it never does."""
    return _eventually


@dataclass
class Outcome:
    """How a call ended in its thread."""

    value: Any = None
    error: BaseException | None = None


class Crew:
    """Calls under way, each in a thread of its own."""

    def __init__(self, calls: tuple[Callable[[], Any], ...]) -> None:
        self._outcomes = [Outcome() for _ in calls]
        barrier = threading.Barrier(len(calls))

        def run(call: Callable[[], Any], outcome: Outcome) -> None:
            barrier.wait(PATIENCE_S)
            try:
                outcome.value = call()
            except BaseException as error:  # noqa: BLE001 (an outcome like any other)
                outcome.error = error

        self._threads = [
            threading.Thread(target=run, args=pair, daemon=True)
            for pair in zip(calls, self._outcomes, strict=True)
        ]
        for thread in self._threads:
            thread.start()

    def outcomes(self) -> list[Outcome]:
        """Wait for all of them to end."""
        deadline = time.monotonic() + PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        hanging = sum(thread.is_alive() for thread in self._threads)
        assert hanging == 0, f"{hanging} of {len(self._threads)} threads hang"
        return self._outcomes

    def values(self) -> list[Any]:
        """Wait for all of them to end, none with an error."""
        outcomes = self.outcomes()
        assert [outcome.error for outcome in outcomes if outcome.error] == []
        return [outcome.value for outcome in outcomes]


@pytest.fixture
def start() -> Callable[..., Crew]:
    """Start calls in threads that meet at a barrier first."""

    def begin(*calls: Callable[[], Any]) -> Crew:
        return Crew(calls)

    return begin


@dataclass
class Subject:
    """One cell of one of the forms a load can take."""

    call: Callable[[], Any]
    stats: Callable[[], dict[str, Any]]
    forget: Callable[[], object]

    def wait_for_callers(self, number: int) -> None:
        """Wait until so many callers have found nothing, so that each loads or waits by now.

        From counting its miss to waiting a caller does not let go of the interpreter.
        """
        _eventually(lambda: self.stats()["misses"] >= number)


def _once(load: Callable[[], Any], **options: Any) -> Subject:
    function = once(load, **options)
    return Subject(function, function.stats, function.reset)


def _cached(load: Callable[[], Any], **options: Any) -> Subject:
    @cached(**options)
    def function(name: str) -> Any:
        return load()

    return Subject(lambda: function("k"), function.stats, lambda: function.invalidate("k"))


def _once_method(load: Callable[[], Any], **options: Any) -> Subject:
    class Service:
        @once(**options)
        def method(self) -> Any:
            return load()

    service = Service()
    return Subject(service.method, service.method.stats, service.method.reset)


def _cached_method(load: Callable[[], Any], **options: Any) -> Subject:
    class Service:
        @cached(**options)
        def method(self, name: str) -> Any:
            return load()

    service = Service()
    return Subject(
        lambda: service.method("k"),
        service.method.stats,
        lambda: service.method.invalidate("k"),
    )


def _get_or_load(load: Callable[[], Any], **options: Any) -> Subject:
    cache = Cache(**options)
    return Subject(lambda: cache.get_or_load("k", load), cache.stats, lambda: cache.invalidate("k"))


FORMS = {
    "once": _once,
    "cached": _cached,
    "once-method": _once_method,
    "cached-method": _cached_method,
    "get_or_load": _get_or_load,
}


@pytest.fixture(params=FORMS)
def subject_of(request: pytest.FixtureRequest) -> Callable[..., Subject]:
    """Put a load without arguments into each form in turn."""
    return FORMS[request.param]


class RunPython(Protocol):
    def __call__(
        self, source: str, *, env: Mapping[str, str] | None = None, flags: tuple[str, ...] = ()
    ) -> str: ...


@pytest.fixture
def run_python() -> RunPython:
    """Run a program in a fresh interpreter that has to succeed; its output."""

    def run(
        source: str, *, env: Mapping[str, str] | None = None, flags: tuple[str, ...] = ()
    ) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "error", *flags, "-c", textwrap.dedent(source)],
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.strip()

    return run


class Backend:
    """A cached function that answers with the number of its run; it can be made to fail or wait."""

    def __init__(self, **options: Any) -> None:
        self.calls = 0
        self.error: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

        @cached(**options)
        def load() -> int:
            self.calls += 1
            number = self.calls
            self.entered.release()
            assert self.gate.wait(10)
            if self.error:
                raise self.error
            return number

        self.load = load

    def has_entered(self) -> None:
        assert self.entered.acquire(timeout=10)


@pytest.fixture
def backend(clock: coldcache.testing.Clock) -> Callable[..., Backend]:
    """Make a cached function with these options that is easy to steer; the clocks are held."""

    def make(**options: Any) -> Backend:
        options.setdefault("name", f"load{id(options)}")  # what is logged once is said by name
        return Backend(**options)

    return make


class Planned(Protocol):
    """Runs a program under a plan."""

    def __call__(self, program: str, plan: dict[str, list[str]], modules: dict[str, str]) -> str:
        """Run a program in a fresh interpreter, with these modules beside it; its output."""


@pytest.fixture
def planned(run_python: RunPython, tmp_path: Path) -> Planned:
    """Run a program under a plan in a fresh interpreter, with these modules beside it."""

    def run(program: str, plan: dict[str, list[str]], modules: dict[str, str]) -> str:
        for name, source in modules.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))
        start = (
            "import sys\nfrom coldcache._core import ImportPlan\n"
            f"plan = ImportPlan({plan!r})\nassert plan.enable()\n"
            # From 3.15 on the lazy statements of the standard library are counted, too.
            "COUNTS_OTHERS = sys.version_info >= (3, 15)\n"
        )
        return run_python(start + textwrap.dedent(program), env={"PYTHONPATH": str(tmp_path)})

    return run


SITE = str(Path(coldcache.__file__).parent / "auto" / "site")
MAIN = """
import json, sys
import app
deferred = "heavy" not in sys.modules
print(json.dumps({"deferred": deferred, "value": app.use()}))
"""


@dataclass
class Deployed:
    """A function's folder, and what running something in it brings."""

    folder: Path
    main = MAIN

    def lock(self, **changes: Any) -> Lock:
        facts: dict[str, Any] = {
            "target": "app.use",
            "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
            "requires": [],
            "edges": {"app": ["heavy"]},
            "fingerprints": {},
        }
        return Lock(**{**facts, **changes})

    def run(self, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
        clean = {
            k: v for k, v in os.environ.items() if not k.startswith(("COLDCACHE", "PYTHON", "AWS"))
        }
        return subprocess.run(
            command or (sys.executable, "main.py"),
            cwd=self.folder,
            env={**clean, "PYTHONPATH": SITE, **env},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def facts(self, *command: str, **env: str) -> dict[str, Any]:
        done = self.run(*command, **env)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        assert found.pop("value") == 42
        return {**found, "said": done.stderr.splitlines()}


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    """A function whose lock defers one import."""
    (tmp_path / "heavy.py").write_text("VALUE = 42\n")
    (tmp_path / "app.py").write_text("import heavy\ndef use(): return heavy.VALUE\n")
    (tmp_path / "main.py").write_text(MAIN)
    found = Deployed(tmp_path)
    (tmp_path / "coldcache.lock").write_text(found.lock().text())
    return found


@pytest.fixture
def program(folder: Path) -> Callable[[str], dict[str, Any]]:
    """Run source as the body of a module in the test's own folder; its globals."""

    def run(source: str) -> dict[str, Any]:
        space: dict[str, Any] = {"__name__": "program", "coldcache": coldcache}
        code = compile(textwrap.dedent(source), str(folder / "program.py"), "exec")
        exec(code, space)
        return space

    return run

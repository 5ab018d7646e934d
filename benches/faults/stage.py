"""The stage: owns the servers, plays one trial after the other on them, sets them right between.

`Stage.play` starts the trial's process, does to the servers what it asks for, and gives back what
it counted; a process that does not end in time is killed and that is the outcome.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from faults import scenarios
from faults.callers import CALLERS
from faults.databases import PostgreSQL, Redis
from faults.every_subject import SUBJECTS
from faults.middleman import Middleman
from faults.outcome import NOT_TESTED, Outcome
from faults.secrets_manager import SecretsManager
from faults.servers import NotHereError, Server, ServerError, Servers, wait_until

if TYPE_CHECKING:
    from types import TracebackType

BENCHES = Path(__file__).resolve().parents[1]
TRIAL_LIMIT_S = 180.0
EXIT_LIMIT_S = 10.0


class Stage:
    """The servers and what can be done to them, for a `with` block."""

    def __init__(self, *, is_loud: bool = False) -> None:
        self._servers = Servers()
        self._is_loud = is_loud  # show what trials print on stderr
        self.server: Server | None = None
        self.secrets: list[str] = []

    def __enter__(self) -> Stage:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._servers)
            programs, folder = self._servers.programs, self._servers.folder
            self.postgresql = PostgreSQL(programs["postgresql"], folder)
            self.redis = Redis(programs["redis"], folder)
            self.aws = SecretsManager(folder)
            self.middleman = Middleman(programs["haproxy"], folder, [self.postgresql, self.redis])
            for server in (self.postgresql, self.redis, self.aws, self.middleman):
                self._servers.add(server)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def rotate(self) -> None:
        """Give server and secrets manager a new password, and end the sessions under the old."""
        password = secrets.token_urlsafe(18)
        self.secrets.append(password)
        for server in (self.postgresql, self.redis):
            server.set_password(password)
        self.aws.put(password)

    def place(self, fault: str) -> dict[str, Any]:
        """Describe the function's environment."""
        direct = {"postgresql": self.postgresql.port, "redis": self.redis.port}
        ports = self.middleman.ports if fault in scenarios.BY_MIDDLEMAN else direct
        return {
            "host": "127.0.0.1",
            "port": ports["postgresql"],
            "redis_port": ports["redis"],
            "password": self.secrets[-1],
            "secrets_url": self.aws.url if fault == "rotated" else None,
        }

    def play(self, subject: str, fault: str, calls: int) -> Outcome:
        """Put the subject through the fault.

        Args:
            subject: A name out of `SUBJECTS`.
            fault: A name out of `FAULTS`, or the exit during a load.
            calls: How many calls are made in all.
        """
        kind = SUBJECTS[subject]
        self.server = {"postgresql": self.postgresql, "redis": self.redis}[kind.server]
        if not self.secrets:
            self.rotate()
        task = {"subject": subject, "fault": fault, "calls": calls}
        if fault not in scenarios.EXITS:
            return self._one(task, TRIAL_LIMIT_S)
        total = Outcome()
        for _ in range(-(-calls // CALLERS)):
            total.add(self._one(task, EXIT_LIMIT_S))
        return total

    def _one(self, task: dict[str, Any], limit_s: float) -> Outcome:
        task = task | {"place": self.place(task["fault"]), "secrets": self.secrets}
        with tempfile.TemporaryFile("w+") as complaints:
            process = subprocess.Popen(
                [sys.executable, "-m", "faults.trial"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                env={**os.environ, "PYTHONPATH": str(BENCHES)},
            )
            try:
                outcome = self._serve(process, task, limit_s)
            except NotHereError as reason:
                outcome = Outcome(to_recovery=None, remarks=[f"{NOT_TESTED}: {reason}"])
            finally:
                process.kill()
                process.wait()
                for stream in (process.stdin, process.stdout):
                    stream.close()  # type: ignore[union-attr]
                self._set_right()
            complaints.seek(0)
            said = complaints.read()
        outcome.leaks += sum(said.count(secret) for secret in self.secrets)
        if self._is_loud:
            print(said, file=sys.stderr)
        outcome.remarks += [line for line in said.splitlines() if "Fatal Python error" in line]
        return outcome

    def _serve(
        self, process: subprocess.Popen[str], task: dict[str, Any], limit_s: float
    ) -> Outcome:
        """Do what the trial asks for until it tells its outcome, or its time is over."""
        assert process.stdin
        assert process.stdout
        deadline = time.monotonic() + limit_s
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        leaving: float | None = None
        while line := _line(process.stdout, deadline - time.monotonic()):
            if line.startswith("{"):
                return Outcome(**json.loads(line))
            self.do(line, process)
            process.stdin.write("done\n")
            process.stdin.flush()
            if line == "connecting":
                leaving = time.monotonic()
                deadline = leaving + limit_s
        if leaving is not None:
            return _exit_outcome(process, leaving, deadline)
        if line is None:
            return Outcome(hung=1, to_recovery=None, remarks=["the process hangs"])
        number = process.wait(10)
        return Outcome(to_recovery=None, remarks=[f"the process ended with {number}"])

    def do(self, what: str, process: subprocess.Popen[str]) -> None:
        """Do one thing to the servers, or to the function's process."""
        server = self.server
        assert server is not None
        if what in {"restart", "stop", "start"}:
            getattr(server, what)()
        elif what == "cut":
            self.middleman.cut(server.name)
        elif what == "freeze":
            wait_until(lambda: _state(process.pid) == "T", "the function is frozen")
            if not self.middleman.lose(server.name):
                raise ServerError("there was no connection to lose")
            process.send_signal(signal.SIGCONT)
        elif what == "rotate":
            self.rotate()
        elif what in {"stall", "resume"}:
            getattr(self.middleman, what)()
        elif what == "connecting":
            wait_until(lambda: _is_connecting(process.pid), "a connection is being made")
        elif what.startswith("busy "):
            wait_until(lambda: self._busy() >= int(what.split()[1]), "slow queries run")
        else:
            raise ServerError(f"no such request: {what!r}")

    def _busy(self) -> int:
        if self.server is self.redis:
            with self.redis.client() as client:
                return int(client.info("clients")["blocked_clients"])
        rows = self.postgresql.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'app' AND state = 'active'"
        )
        return int(str(rows[0][0]))

    def _set_right(self) -> None:
        """Have everything running and nobody connected, whatever the trial did."""
        self.middleman.resume()
        for server in (self.postgresql, self.redis):
            self.middleman.cut(server.name)
            if server.process is None:
                server.start()
        self.postgresql.end_sessions()


def _line(stream: IO[str], seconds: float) -> str | None:
    """Read a line; empty at the end, None if the time is over."""
    if seconds <= 0 or not select.select([stream], [], [], seconds)[0]:
        return None
    return stream.readline().rstrip("\n")


def _state(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    return stat.rpartition(")")[2].split()[0]


def _is_connecting(pid: int) -> bool:
    """Whether the process has a connected socket."""
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:"):
                return True
    return False


def _exit_outcome(process: subprocess.Popen[str], leaving: float, deadline: float) -> Outcome:
    """Say how a process ended that exited during a load."""
    try:
        number = process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        return Outcome(made=CALLERS, hung=CALLERS, to_recovery=None)
    took = time.monotonic() - leaving
    if number:
        how = signal.Signals(-number).name if number < 0 else f"exit {number}"
        return Outcome(made=CALLERS, errors={how: CALLERS}, undocumented={how: CALLERS})
    return Outcome(made=CALLERS, right=CALLERS, longest_call_s=took)

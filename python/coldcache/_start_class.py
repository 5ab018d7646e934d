"""A start: when it began, what it is called, of which class it is, and the fact that decided it.

The rules, the first that holds decides:

1. restored: the process was restored from a snapshot, or the platform says that it is.
2. managed-instance: the platform says so.
3. re-init: an earlier process of this environment left its mark and is gone.
4. provisioned: the platform says so.
5. on-demand or proactive: whether the first event was there when the runtime client asked for it.
   Without such a client: whether it came within ten seconds.
"""

from __future__ import annotations

import os
import stat
import time

from coldcache import _runtime_client
from coldcache._core import _log_warning, _since_restore, epochs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# An event that was there first arrives within a few milliseconds; 100 ms is what bref takes, too
# (brefphp/bref pull request 2110).
EVENT_WAS_THERE = 0.1
# The rule of Datadog's library, for where nobody sees the client wait.
NOBODY_WAITED = 10.0

_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
# What no crash can make another class of.
_SAID = {"snap-start": "restored", "lambda-managed-instances": "managed-instance"}
_TYPES = ("on-demand", "provisioned-concurrency", *_SAID)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_LARGEST_MARK = 128
# A stamp of the exec wrapper cannot be older than its process by more than the rounding and a
# correction of the wall clock; one that is was inherited from another process.
_TOLERANCE = 0.05
_LONGEST_START = 900.0

# Counts of forks, restores and resets, and what this initialisation is called.
_initialisation: tuple[tuple[int, int, int], str] | None = None
# Process id, when it was started, how that is known.
_started: tuple[int, float, str] | None = None
# The class of this start and its rule, once the first call has decided it.
latest: tuple[str, str] | None = None

_predecessor: str | None = None
_declared_at: tuple[float, float] | None = None


def init_id() -> str:
    """Return random text that names this initialisation; another one after a fork or a restore."""
    global _initialisation  # noqa: PLW0603 - of the process
    forks, restores, _, resets = epochs()
    key = (forks, restores, resets)
    if _initialisation is None or _initialisation[0] != key:
        # From the system: after a restore every generator of the process is in a state it shares.
        _initialisation = (key, os.urandom(8).hex())
    return _initialisation[1]


def started(imported_at: float | None = None) -> tuple[float, str]:
    """When this process was started, on the clock of `time.perf_counter`, and how that is known.

    To be asked first during the start: later the clocks may have been apart in a freeze.

    Args:
        imported_at: When coldcache was imported, on the same clock, if that is known.

    Returns:
        Seconds, and ``exec-wrapper`` (stamped before the program was executed), ``process`` (the
        kernel's record, rounded down to 10 ms) or ``import`` (neither can be had: when coldcache
        was imported).
    """
    global _started  # noqa: PLW0603 - of this process; a forked child has its own
    pid = os.getpid()
    if _started is None or _started[0] != pid:
        _started = (pid, *_find_start(imported_at))
    return _started[1], _started[2]


def imported_at(steps: list[Any]) -> float | None:
    """When coldcache was imported, out of the recorded steps; on the clock of `started`."""
    # Forgotten by tests that begin anew.
    if steps and steps[0][1:3] == ("import", "coldcache"):
        return float(steps[0][3]) / 1e9
    return None


def start_ticks(pid: int | str) -> int | None:
    """When a process was started, in the kernel's ticks since boot; ``None`` if it is not there."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
        # The second field is the program's name, which may hold anything.
        return int(text[text.rindex(b")") + 2 :].split()[19])
    except (OSError, ValueError, IndexError):
        return None


def _find_start(imported_at: float | None) -> tuple[float, str]:
    now = time.perf_counter()
    latest = now if imported_at is None else imported_at
    by_kernel = _by_kernel(now, latest)
    stamp = os.environ.get("COLDCACHE_STARTED_AT")
    if stamp:
        try:
            by_wrapper = now - (time.time() - float(stamp))
        except ValueError:
            _log_warning("COLDCACHE_STARTED_AT is not a number of seconds: it is not used")
        else:
            earliest = by_kernel if by_kernel is not None else latest - _LONGEST_START
            if earliest - _TOLERANCE <= by_wrapper <= latest:
                return by_wrapper, "exec-wrapper"
    if by_kernel is not None:
        return by_kernel, "process"
    return latest, "import"


def _by_kernel(now: float, latest: float) -> float | None:
    ticks = start_ticks("self")
    if not ticks:
        return None  # some sandboxes show zero
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    at = now - age
    # A child that was forked after the import is younger than what it inherited.
    return at if at <= latest else None


def note_declaration() -> None:
    """A handler is declared: remember when, and leave a mark for who comes after a crash."""
    global _declared_at, _predecessor  # noqa: PLW0603 - one a process
    is_first = _declared_at is None
    _declared_at = (time.perf_counter(), time.time())
    if not is_first:
        return
    path = _mark_path(os.environ)
    if path is not None:
        _predecessor = leave_mark(path)


def decide() -> tuple[str, str]:
    """Return the class of this start and the rule that decided it, at its first call."""
    kind = os.environ.get(_TYPE, "")
    if kind and kind not in _TYPES:
        _log_warning(f"{_TYPE} has a value that is not known: taken as on-demand")
    since = _since_restore()
    if since is not None:
        found = "restored", f"restored from a snapshot {since:.3f} s before the call"
    elif kind in _SAID:
        found = _SAID[kind], f"{_TYPE} is {kind}"
    elif os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY"):
        found = "managed-instance", "AWS_LAMBDA_MAX_CONCURRENCY is set"
    elif _predecessor is not None:
        found = "re-init", f"an earlier process of this environment is gone ({_predecessor})"
    elif kind == "provisioned-concurrency":
        found = "provisioned", f"{_TYPE} is {kind}"
    else:
        found = _by_wait(_runtime_client.waited)
    return found


def _by_wait(waited: float | None) -> tuple[str, str]:
    if waited is None:
        return _without_client()
    if waited < EVENT_WAS_THERE:
        return "on-demand", f"the first event was there within {waited * 1000:.1f} ms"
    return "proactive", f"the first event came {waited:.3f} s after the end of init"


def _without_client() -> tuple[str, str]:
    if _declared_at is None:
        return "on-demand", "the handler was not declared before its first call"
    waited = max(time.perf_counter() - _declared_at[0], time.time() - _declared_at[1])
    what = f"no runtime client seen; the first call came {waited:.3f} s after the declaration"
    if waited < NOBODY_WAITED:
        return "on-demand", what
    return "proactive", what


def _mark_path(environment: Mapping[str, str]) -> str | None:
    """Where processes of one environment leave their marks, if they can be told from others'."""
    stream = environment.get("AWS_LAMBDA_LOG_STREAM_NAME")
    kind = environment.get(_TYPE, "")
    # A snapshot holds the scratch folder, and workers share one: no sign of a crash there.
    if (
        not stream
        or not environment.get("AWS_LAMBDA_RUNTIME_API")
        or environment.get("AWS_LAMBDA_MAX_CONCURRENCY")
        or kind in _SAID
    ):
        return None
    # The end of the name is what differs between environments.
    name = stream.encode("utf-8", "replace")[-60:].hex()
    return os.path.join(environment.get("TMPDIR") or "/tmp", f".coldcache-start-{name}")  # noqa: S108 - the platform's folder; owner-only, never through a link


def leave_mark(path: str) -> str | None:
    """Leave the mark of this process.

    Args:
        path: The file; it is replaced as a whole, readable by its owner only.

    Returns:
        What is known of an earlier process of this environment that is gone; ``None`` if there was
        none, or it is alive: then this one is a helper of it, and leaves no mark.
    """
    me = f"{os.getpid()} {start_ticks('self')}"
    before = _read_mark(path)
    gone = None
    if before is not None:
        pid, _, ticks = before.partition(" ")
        if before == me or (ticks and str(start_ticks(pid)) == ticks):
            return None
        gone = f"process {pid}"
    temporary = f"{path}.{os.getpid()}"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW
        file = os.open(temporary, flags, 0o600)
        try:
            os.write(file, me.encode())
        finally:
            os.close(file)
        os.replace(temporary, path)
    except OSError:
        return gone  # a folder that cannot be written to: the next start cannot tell
    return gone


def _read_mark(path: str) -> str | None:
    try:
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _NO_FOLLOW)
        try:
            facts = os.fstat(file)
            is_ours = stat.S_ISREG(facts.st_mode) and facts.st_uid == os.geteuid()
            if not is_ours or facts.st_size > _LARGEST_MARK:
                return None
            text = os.read(file, _LARGEST_MARK).decode("ascii")
        finally:
            os.close(file)
    except (OSError, ValueError):
        return None
    pid, _, ticks = text.partition(" ")
    return text if pid.isdecimal() and ticks.isdecimal() else None

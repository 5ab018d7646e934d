"""The supervisor's program: spawns the processes of environments, and leaves none of them behind.

Run by :mod:`.supervisor` as a script, in a process of its own with one thread, which makes it safe
to fork and to look after processes that left their session or lost their parent:

- It is a subreaper, and so is each process that it spawns (a *principal*). An orphan stays below
  its principal while that lives, and becomes a child of the supervisor when it does not.
- So a child of the supervisor that is no principal was left behind by a dead one. It is killed.
- When the lab is gone, however it went, the control socket ends, and everything is killed.

Messages are JSON, one a packet, with descriptors beside it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Mapping
from resource import struct_rusage
from typing import Any

__all__ = ["Principal", "Supervisor"]

_SET_PARENT_DEATH_SIGNAL, _SET_SUBREAPER = 1, 36  # of prctl(2)
_PACKET_BYTES = 1 << 20
_MOST_DESCRIPTORS = 2
_RESTORE_WITHIN_S = 10.0
# Passes over what a dead principal left: each pass kills all it finds, so a process that forks
# all the time would have to win every one of them.
_MOST_PASSES = 200

_STOP_WITHIN_S = 1.0  # of what a principal started: a process in the kernel may take longer
_TGKILL = {"x86_64": 234, "aarch64": 131}.get(os.uname().machine, -1)  # its system call

_libc = ctypes.CDLL(None, use_errno=True)


class Principal:
    """A process that was asked for."""

    def __init__(self, template: socket.socket | None = None) -> None:
        self.template = template  # over which it is told to make copies of itself


class Supervisor:
    """Serves one control socket until it ends."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._principals: dict[int, Principal] = {}
        self._ended: dict[int, dict[str, int]] = {}  # the dead ones, until they are asked for

    def run(self) -> None:
        """Serve requests and reap, until the lab is gone; then kill everything."""
        wake_read, wake_write = os.pipe()
        for descriptor in (wake_read, wake_write):
            os.set_blocking(descriptor, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        _libc.prctl(_SET_SUBREAPER, 1, 0, 0, 0)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(wake_read, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._control:
                        if not self._serve():
                            self._end_all()
                            return
                    else:
                        with contextlib.suppress(BlockingIOError):
                            os.read(wake_read, 4096)
                self._reap()

    def _serve(self) -> bool:
        """Serve one request; whether another may come."""
        try:
            packet, descriptors, _, _ = socket.recv_fds(
                self._control, _PACKET_BYTES, _MOST_DESCRIPTORS
            )
        except OSError:
            return False
        if not packet:
            return False
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        try:
            request = json.loads(packet)
            answer = getattr(self, "_do_" + request["do"])(request, descriptors)
        except (OSError, KeyError, ValueError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        self._say({"id": request["id"], **answer})
        return True

    def _say(self, message: Mapping[str, Any]) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more: the end follows
            self._control.sendall(json.dumps(message).encode())

    # Requests

    def _do_spawn(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        template, theirs = None, None
        environment = dict(request["environment"])
        if request["is_template"]:
            template, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            environment["COLDCACHE_LAB_TEMPLATE"] = str(theirs.fileno())
        failed_read, failed_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                if theirs is not None:
                    os.set_inheritable(theirs.fileno(), True)
                _become(request, environment, descriptors)
            except BaseException as error:  # noqa: BLE001 - the child must not return
                os.write(failed_write, str(error).encode())
            finally:
                os._exit(127)
        os.close(failed_write)
        if theirs is not None:
            theirs.close()
        failure = b""
        while block := os.read(failed_read, 4096):  # ends when the program has been replaced
            failure += block
        os.close(failed_read)
        if failure:
            os.waitpid(pid, 0)
            return {"error": failure.decode("utf-8", "replace")}
        self._principals[pid] = Principal(template)
        return {"pid": pid}

    def _do_restore(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Have a template make a copy of itself, which becomes a principal."""
        template = self._principals[request["pid"]].template
        if template is None:
            return {"error": "this process is no template"}
        template.settimeout(_RESTORE_WITHIN_S)
        order = json.dumps(
            {"environment": request["environment"], "join": request["join"]}
        ).encode()
        socket.send_fds(template, [order], descriptors)
        copy = int(json.loads(template.recv(4096))["pid"])
        self._principals[copy] = Principal()
        return {"pid": copy}

    def _do_signal(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Signal a principal, or all that descends from it."""
        del descriptors
        pid, signum = request["pid"], request["signal"]
        if pid not in self._principals:
            return {"count": 0}
        if not request["is_tree"]:
            # To its main thread: right after a thaw the kernel may choose one that waits for an
            # event, and Python's handlers run in the main thread only, when that wakes up.
            if _libc.syscall(_TGKILL, pid, pid, signum) != 0:
                os.kill(pid, signum)
            return {"count": 1}
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signum)  # at once, before any of them can start another
        reached = {pid}
        while found := _descendants(pid) - reached:
            for one in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, signum)
            reached |= found
        if signum == signal.SIGSTOP:
            # Told only when it stands still: clocks are shifted by the time from here to the thaw.
            os.waitid(os.P_PID, pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            deadline = time.monotonic() + _STOP_WITHIN_S
            while any(map(_runs, reached)) and time.monotonic() < deadline:
                os.sched_yield()
        return {"count": len(reached)}

    def _do_end(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        """Kill a principal and all that descends from it, and say how it had ended."""
        del descriptors
        pid = request["pid"]
        if pid in self._principals:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            # Blocks until it is gone; killed, it needs no more than a moment of the kernel.
            _, status, usage = os.wait4(pid, 0)
            self._note_end(pid, status, usage)
        return self._ended.pop(pid, {"status": 0, "peak_kb": 0, "strays": 0})

    # Reaping

    def _reap(self) -> None:
        """Take note of principals that have ended, and of nobody else's children."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in self._principals:
                self._note_end(pid, status, usage)

    def _note_end(self, pid: int, status: int, usage: struct_rusage) -> None:
        principal = self._principals.pop(pid)
        if principal.template is not None:
            principal.template.close()
        facts = {
            "status": os.waitstatus_to_exitcode(status),
            "peak_kb": usage.ru_maxrss,
            "strays": self._kill_strays(),
        }
        self._ended[pid] = facts
        self._say({"ended": pid, **facts})

    def _kill_strays(self) -> int:
        """Kill the children that are no principals: dead ones left them. How many there were."""
        count = 0
        for _ in range(_MOST_PASSES):
            strays = _children(os.getpid()) - set(self._principals)
            if not strays:
                break
            dead = {stray for stray in strays if os.waitpid(stray, os.WNOHANG)[0]}
            for stray in strays - dead:
                os.kill(stray, signal.SIGKILL)
            for stray in strays - dead:
                # What it had started becomes a child of ours when it ends: the next pass sees it.
                os.waitpid(stray, 0)
            count += len(strays - dead)
        return count

    def _end_all(self) -> None:
        for pid in list(self._principals):
            self._do_end({"pid": pid}, [])
        self._kill_strays()


def _become(
    request: Mapping[str, Any], environment: Mapping[str, str], descriptors: list[int]
) -> None:
    """Turn this forked child into the process that was asked for. Does not return."""
    os.setsid()
    _libc.prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    _libc.prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
    for group in request["join"]:
        with open(group, "w", encoding="ascii") as file:
            file.write("0")
    null = os.open(os.devnull, os.O_RDONLY)
    for place, descriptor in enumerate((null, *descriptors)):
        os.dup2(descriptor, place)
    signal.set_wakeup_fd(-1)
    # The supervisor ignores some of these, the interpreter the last two: a new program expects
    # them as they are. All descriptors but three close by themselves.
    for name in ("SIGCHLD", "SIGINT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.chdir(request["folder"])
    os.execve(request["command"][0], request["command"], dict(environment))  # noqa: S606


def _runs(pid: int) -> bool:
    """Whether a process is neither stopped nor dead."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            state = file.read().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in {"T", "t", "Z", "X"}


def _children(pid: int) -> set[int]:
    """The children of a process, of all its threads; zombies included."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with (
                contextlib.suppress(FileNotFoundError),
                open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file,
            ):
                found.update(map(int, file.read().split()))
    return found


def _descendants(pid: int) -> set[int]:
    found: set[int] = set()
    left = [pid]
    while left:
        new = _children(left.pop()) - found
        found |= new
        left.extend(new)
    return found


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as control:
        control.set_inheritable(False)
        Supervisor(control).run()

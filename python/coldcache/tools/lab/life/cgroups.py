"""Memory ceiling and processor share of an environment, by control groups of version 1 or 2.

Where the machine does not allow them, nothing else is put in their place: a limit of the address
space, say, would cut what the platform does not. What is missing is said in words instead.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from .options import Life

__all__ = ["Ceiling"]

_Controller = Literal["memory", "cpu"]

# Short, so that a share of a tenth of a processor is felt in a call of some milliseconds. The
# kernel's smallest quota is 1 ms, which is the share of 88 MB.
_PERIOD_US = 20_000
_MEGABYTE = 1024 * 1024
_REMOVE_WITHIN_S = 2.0


@dataclass(frozen=True)
class _Group:
    """A control group of our own."""

    folder: Path
    version: Literal[1, 2]

    def write(self, name: str, value: str) -> None:
        (self.folder / name).write_text(value, "ascii")

    def number(self, name: str, key: str) -> int:
        """The value of a key in a file of keys and values."""
        found = re.search(rf"^{key} (\d+)$", (self.folder / name).read_text("ascii"), re.MULTILINE)
        return int(found[1]) if found else 0


@dataclass
class Ceiling:
    """The control groups of one environment.

    Attributes:
        notes: What cannot be limited here, and why.
    """

    notes: list[str] = field(default_factory=list)
    _groups: dict[_Controller, _Group] = field(default_factory=dict)
    _quota_us: int = 0

    @classmethod
    def of(cls, life: Life) -> Ceiling:
        """Make the groups that *life* asks for, as far as the machine allows them."""
        ceiling = cls(_quota_us=round(life.processors * _PERIOD_US))
        if life.limit_memory:
            ceiling._limit("memory", life)
        if life.limit_cpu:
            ceiling._limit("cpu", life)
        return ceiling

    @property
    def joins(self) -> list[Path]:
        """Files into which a process writes its id to be limited."""
        return sorted({group.folder / "cgroup.procs" for group in self._groups.values()})

    def throttle(self, *, is_on: bool) -> None:
        """Apply the processor share, or lift it for an init."""
        group = self._groups.get("cpu")
        if group is None:
            return
        if group.version == 1:
            group.write("cpu.cfs_quota_us", str(self._quota_us) if is_on else "-1")
        else:
            group.write("cpu.max", f"{self._quota_us if is_on else 'max'} {_PERIOD_US}")

    def kills(self) -> int:
        """How often the kernel ended a process because the memory was used up."""
        group = self._groups.get("memory")
        if group is None:
            return 0
        file = "memory.oom_control" if group.version == 1 else "memory.events"
        with contextlib.suppress(OSError):
            return group.number(file, "oom_kill")
        return 0

    def remove(self) -> None:
        """Remove the groups; their processes must have ended."""
        for group in set(self._groups.values()):
            # Real time: the kernel lets go of a group a little after its last process.
            deadline = time.monotonic() + _REMOVE_WITHIN_S
            while group.folder.exists():
                try:
                    group.folder.rmdir()
                except OSError:
                    if time.monotonic() > deadline:
                        break
                    time.sleep(0.005)
        self._groups.clear()

    def _limit(self, controller: _Controller, life: Life) -> None:
        what = {"memory": "the memory ceiling", "cpu": "the processor share"}[controller]
        try:
            group = self._groups.get("memory") if controller == "cpu" else None
            if group is None or group.version == 1:
                group = _make(controller)
            self._groups[controller] = group
            if controller == "memory":
                _limit_memory(group, life.memory_mb * _MEGABYTE)
            else:
                if group.version == 1:
                    group.write("cpu.cfs_period_us", str(_PERIOD_US))
                self.throttle(is_on=False)
        except OSError as error:
            reason = f"{error.strerror or error}"
            self.notes.append(f"{what} is not imitated: no control group for it here ({reason})")
            made = self._groups.pop(controller, None)
            if made is not None and made not in self._groups.values():
                with contextlib.suppress(OSError):
                    made.folder.rmdir()


def _limit_memory(group: _Group, limit_bytes: int) -> None:
    if group.version == 1:
        group.write("memory.limit_in_bytes", str(limit_bytes))
        swap = "memory.memsw.limit_in_bytes"
    else:
        group.write("memory.max", str(limit_bytes))
        swap = "memory.swap.max"
    # Otherwise memory above the ceiling would go to the disk, which the platform does not do.
    if (group.folder / swap).exists():
        group.write(swap, str(limit_bytes) if group.version == 1 else "0")


def _make(controller: _Controller) -> _Group:
    """Make a group with this controller beside or below our own.

    Raises:
        OSError: That is not allowed here.
    """
    failure: OSError = FileNotFoundError(f"the controller {controller!r} is not to be had")
    for parent, version in _parents(controller):
        folder = parent / f"coldcache-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        try:
            if version == 2:
                _delegate(parent, controller)
            folder.mkdir()
        except OSError as error:
            failure = error
            continue
        return _Group(folder, version)
    raise failure


def _delegate(parent: Path, controller: _Controller) -> None:
    control = parent / "cgroup.subtree_control"
    if controller not in control.read_text("ascii").split():
        control.write_text(f"+{controller}", "ascii")


def _parents(controller: _Controller) -> Iterator[tuple[Path, Literal[1, 2]]]:
    """Where a group could be made: of version 1 below our own group, of version 2 beside it.

    In version 2 a group with processes, as ours, cannot hand out controllers.
    """
    lines = Path("/proc/self/cgroup").read_text().splitlines()
    own = {names: path for _, names, path in (line.split(":", 2) for line in lines)}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        root, mount = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        if kind == "cgroup" and controller in options.split(","):
            names = next((one for one in own if controller in one.split(",")), "")
            yield _below(mount, root, own.get(names, "/")), 1
        elif kind == "cgroup2":
            ours = _below(mount, root, own.get("", "/"))
            yield (ours if ours == Path(mount) else ours.parent), 2


def _below(mount: str, root: str, path: str) -> Path:
    """The folder of our group below a mount, or the mount where ours is not to be seen."""
    relative = path.removeprefix(root) if root != "/" else path
    folder = Path(mount, relative.strip("/"))
    return folder if folder.is_dir() else Path(mount)

"""Runs the unmodified runtime client up to its snapshot, and then once more in every copy.

Run as a script in place of ``-m awslambdaric``. The client's ``restore_next`` is where the platform
takes the snapshot. Here it is wrapped: the process becomes a template that forks at every order of
the supervisor, and only the copies go on, each with a Runtime API of its own.

The copies are made by the C library's ``fork``, past Python's hooks for it: those give each child
a new random state, which a restored snapshot does not get.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import runpy
import signal
import socket
import sys
import time
import types
from typing import Any

__all__: list[str] = []

_SET_PARENT_DEATH_SIGNAL, _SET_SUBREAPER = 1, 36  # of prctl(2)
_PACKET_BYTES = 1 << 20
_NATIVE = "runtime_client"


def _serve(control: socket.socket, client: Any, runtime: Any) -> None:
    """Make a copy at every order. Returns in the copies only."""
    libc = ctypes.PyDLL(None)  # which holds the GIL: no thread may run while it forks
    # Copies belong to the supervisor: it is told of their ends.
    libc.prctl(_SET_SUBREAPER, 0, 0, 0, 0)
    while True:
        packet, descriptors, _, _ = socket.recv_fds(control, _PACKET_BYTES, 2)
        if not packet:
            os._exit(0)
        middle = libc.fork()
        if middle == 0:
            middle = os.getpid()
            if libc.fork():
                os._exit(0)  # makes the copy an orphan, which the supervisor takes in
            _begin(json.loads(packet), descriptors, control, libc, middle)
            _connect(client, runtime)
            return
        for descriptor in descriptors:
            os.close(descriptor)
        os.waitpid(middle, 0)


def _begin(
    order: dict[str, Any], descriptors: list[int], control: socket.socket, libc: Any, parent: int
) -> None:
    """Become a process of its own: session, output, variables, control groups, clocks."""
    os.setsid()
    control.send(json.dumps({"pid": os.getpid()}).encode())
    control.close()
    while os.getppid() == parent:
        time.sleep(0)
    libc.prctl(_SET_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL), 0, 0, 0)
    for group in order["join"]:
        with open(group, "w", encoding="ascii") as file:
            file.write("0")
    for place, descriptor in enumerate(descriptors, start=1):
        os.dup2(descriptor, place)
        os.close(descriptor)
    before = os.environ.get("TMPDIR")
    os.environ.update(order["environment"])
    tempfile: Any = sys.modules.get("tempfile")
    if tempfile is not None and tempfile.tempdir == before:
        tempfile.tempdir = None  # looked up anew: each environment has its own
    if "COLDCACHE_LAB_CLOCK" in order["environment"]:
        with contextlib.suppress(AttributeError):
            libc.coldcache_lab_clock(os.fsencode(order["environment"]["COLDCACHE_LAB_CLOCK"]))


def _connect(client: Any, runtime: Any) -> None:
    """Turn the client to the Runtime API of this copy."""
    client.lambda_runtime_address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    del sys.modules[_NATIVE]
    runtime.runtime_client = importlib.import_module(_NATIVE)
    runtime.runtime_client.initialize_client(runtime._user_agent())  # noqa: SLF001


def _stand_in() -> types.ModuleType:
    """In place of the client's native part, which reads the address of the API as it is loaded.

    Up to the snapshot nothing of it is used.
    """
    module = types.ModuleType(_NATIVE)
    module.__dict__["initialize_client"] = lambda agent: None  # noqa: ARG005
    return module


def _main() -> None:
    control = socket.socket(fileno=int(os.environ.pop("COLDCACHE_LAB_TEMPLATE")))
    os.set_inheritable(control.fileno(), False)
    sys.path[0] = os.getcwd()  # as `-m` has it
    sys.modules[_NATIVE] = _stand_in()
    runtime: Any = importlib.import_module("awslambdaric.lambda_runtime_client")
    original = runtime.LambdaRuntimeClient.restore_next

    def restore_next(client: Any) -> None:
        original(client)  # tells the lab that the snapshot can be taken
        _serve(control, client, runtime)
        original(client)  # the copy's own

    runtime.LambdaRuntimeClient.restore_next = restore_next
    runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()

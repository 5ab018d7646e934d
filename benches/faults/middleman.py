"""The middleman: a real haproxy between function and server, which can cut and lose connections."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from typing import TYPE_CHECKING

from faults.servers import NotHereError, Server, free_port

if TYPE_CHECKING:
    from pathlib import Path

# Linux, the same on all architectures since 5.6.
SYS_PIDFD_GETFD = 438
SO_ATTACH_FILTER = 26
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF: return 0, no byte of the packet is kept

CONFIGURATION = """\
global
    maxconn 500
    stats socket {socket} mode 600 level admin
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
"""
ROUTE = """\
listen {name}
    bind 127.0.0.1:{port}
    server only 127.0.0.1:{target}
"""


class Middleman(Server):
    """One port for each server behind it."""

    name = "haproxy"

    def __init__(self, program: str, folder: Path, behind: list[Server]) -> None:
        super().__init__(program, folder)
        self.ports = {server.name: free_port() for server in behind}
        self.control = self.folder / "control"
        self.configuration = self.folder / "haproxy.cfg"
        routes = [
            ROUTE.format(name=server.name, port=self.ports[server.name], target=server.port)
            for server in behind
        ]
        text = CONFIGURATION.format(socket=self.control) + "".join(routes)
        self.configuration.write_text(text, encoding="ascii")

    def command(self) -> list[str]:
        """Stay in the foreground."""
        return [self.program, "-db", "-q", "-f", str(self.configuration)]

    def is_ready(self) -> bool:
        """Whether the control socket answers."""
        try:
            return "uptime" in self.tell("show info").lower()
        except OSError:
            return False

    def tell(self, command: str) -> str:
        """Send one command to the control socket; its answer."""
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(5)
            control.connect(str(self.control))
            control.sendall(command.encode() + b"\n")
            parts = iter(lambda: control.recv(65536), b"")
            return b"".join(parts).decode()

    def cut(self, name: str) -> None:
        """Close every connection to the server, at both ends."""
        self.tell(f"shutdown sessions server {name}/only")

    def lose(self, name: str) -> int:
        """Let every packet that clients send on today's connections vanish; how many there are.

        Neither end is told: this is what a connection looks like whose path was forgotten by a
        gateway while the function was frozen. New connections are not touched.

        Raises:
            NotHereError: The kernel does not let this user do that.
        """
        assert self.process is not None
        lost = 0
        for fd in os.listdir(f"/proc/{self.process.pid}/fd"):
            with self._borrow(int(fd)) as borrowed:
                if borrowed is not None and _is_client(borrowed, self.ports[name]):
                    _drop_packets(borrowed)
                    lost += 1
        return lost

    def _borrow(self, fd: int) -> _Borrowed:
        assert self.process is not None
        return _Borrowed(self.process.pid, fd)


class _Borrowed:
    """A socket of another process, for the time of a `with` block; None if it is no TCP socket."""

    def __init__(self, pid: int, fd: int) -> None:
        self.pid, self.fd = pid, fd
        self.socket: socket.socket | None = None

    def __enter__(self) -> socket.socket | None:
        process = os.pidfd_open(self.pid)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            ours = libc.syscall(SYS_PIDFD_GETFD, process, self.fd, 0)
            if ours < 0:
                number = ctypes.get_errno()
                if number == errno.EBADF:  # closed meanwhile
                    return None
                if number == errno.EPERM:
                    raise NotHereError("this user may not borrow sockets of its own processes")
                raise OSError(number, os.strerror(number))
        finally:
            os.close(process)
        try:
            self.socket = socket.socket(fileno=ours)
        except OSError:
            os.close(ours)
            return None
        return self.socket if self.socket.family == socket.AF_INET else None

    def __exit__(self, *_: object) -> None:
        if self.socket is not None:
            self.socket.close()


def _is_client(connection: socket.socket, port: int) -> bool:
    try:
        connection.getpeername()
    except OSError:
        return False  # the listening socket
    return connection.getsockname()[1] == port


def _drop_packets(connection: socket.socket) -> None:
    code = ctypes.create_string_buffer(DROP_ALL, len(DROP_ALL))
    program = struct.pack("HL", 1, ctypes.addressof(code))
    try:
        connection.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
    except PermissionError as refusal:
        raise NotHereError(
            "dropping packets takes a right that this user does not have"
        ) from refusal

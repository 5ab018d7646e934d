"""A real haproxy in front of instances, which asks each whether it may be sent requests."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from routing.instance import Instance, free_port

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

BY_READINESS = """
    option httpchk
    http-check send meth GET uri /readyz
    http-check expect status 200
"""
CONFIGURATION = """
global
    maxconn 500
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    timeout check 1s
    retries 3
    option redispatch 1
listen shop
    bind 127.0.0.1:{port}
    balance roundrobin
{checks}
    default-server inter 50ms rise 1 fall 1
{servers}
"""


class Balancer:
    """haproxy with a configuration for these instances; checks every 50 ms."""

    def __init__(
        self, program: str, folder: Path, instances: list[Instance], *, by_readiness: bool
    ) -> None:
        self.port = free_port()
        self._log = folder / "haproxy.log"
        self._file = folder / "haproxy.cfg"
        self._program = program
        servers = [
            f"    server s{number} 127.0.0.1:{one.port} check"
            + (f" port {one.probe_port}" if by_readiness else "")
            for number, one in enumerate(instances)
        ]
        self._file.write_text(
            CONFIGURATION.format(
                port=self.port,
                checks=BY_READINESS if by_readiness else "",
                servers="\n".join(servers),
            )
        )

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "-db", "-f", str(self._file)], stdout=log, stderr=log
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()

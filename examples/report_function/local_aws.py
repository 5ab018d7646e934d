"""A stand-in for AWS on this machine: a moto server in a process of its own, filled by `seed`.

The server ends when its standard input does. The process that started it holds the other end, so
the server cannot outlive it, however that process ends.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import seed

if TYPE_CHECKING:
    from collections.abc import Iterator

READY_WITHIN_S = 60.0
STOPPED_WITHIN_S = 5.0

# The developer's own profile, region and endpoints stay out of it.
NO_AWS_FILES = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


class LocalAwsError(Exception):
    """The stand-in for AWS did not start."""


def environment(endpoint_url: str) -> dict[str, str]:
    """Name the variables a function needs to find its data at *endpoint_url* and nowhere else."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "demo",
        "AWS_SECRET_ACCESS_KEY": "demo",
        "AWS_DEFAULT_REGION": seed.REGION,
        **NO_AWS_FILES,
        "ORDERS_TABLE": seed.ORDERS_TABLE,
        "EXPORTS_BUCKET": seed.EXPORTS_BUCKET,
        "SETTINGS_NAME": seed.SETTINGS_NAME,
        "SIGNING_KEY_NAME": seed.SIGNING_KEY_NAME,
    }


@contextmanager
def local_aws() -> Iterator[str]:
    """Start the stand-in, ready to be asked, and stop it at the end.

    Yields:
        The address of the server, for ``AWS_ENDPOINT_URL``.

    Raises:
        LocalAwsError: The server did not start, did not take the data, or not in time.
    """
    server = subprocess.Popen(
        [sys.executable, __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=clean_environment(),
        # A group of its own: Ctrl-C reaches only the process that knows in which order to stop.
        start_new_session=True,
    )
    try:
        endpoint_url = first_line(server.stdout, READY_WITHIN_S)
        if not endpoint_url:
            raise LocalAwsError(
                f"the moto server ended, or was not ready within {READY_WITHIN_S:.0f} s; "
                f"is moto[server] installed for {sys.executable}?"
            )
        yield endpoint_url
    finally:
        stop(server)


def clean_environment() -> dict[str, str]:
    """Copy the environment without AWS settings and proxies: calls are to stay on this machine."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("AWS_") and not name.upper().endswith("_PROXY")
    }
    return kept | NO_AWS_FILES


def first_line(stream: IO[bytes], within_s: float) -> str:
    """Read one short line; empty if the stream ended or the time is over."""
    ready, _, _ = select.select([stream], [], [], within_s)
    return stream.readline().decode().strip() if ready else ""


def stop(process: subprocess.Popen, number: int = signal.SIGTERM) -> None:
    """Ask a process that leads a group to end, make the group end if it does not; wait for it.

    Args:
        process: The process.
        number: The signal that asks.
    """
    process.send_signal(number)
    try:
        process.wait(STOPPED_WITHIN_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def serve() -> None:
    """Run the server; print its address once it is filled, end when standard input does."""
    # Only the server's own process has moto: it takes longer to import than the server to start.
    from moto.server import ThreadedMotoServer  # noqa: PLC0415

    # One line a request would bury the table of the demo; errors are still shown.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    # Port 0: the kernel picks a free port, nobody can take it in between.
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint_url = f"http://{host}:{port}"
    seed.seed(endpoint_url)
    print(endpoint_url, flush=True)
    sys.stdin.buffer.read()


if __name__ == "__main__":
    serve()

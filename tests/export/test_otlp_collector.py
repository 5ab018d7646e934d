"""A real OpenTelemetry collector takes what is sent, and understands it.

It is Rotel, which comes as a program in a Python package. It prints what it received.
"""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coldcache._invocation import Invocation
from coldcache.export._collector import Collector
from coldcache.export.otlp import Otlp

rotel = pytest.importorskip("rotel", reason="NOT TESTED: there is no rotel for this system")

Make = Callable[..., Invocation]
LONG = 10.0


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Rotel:
    """One collector on loopback."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        command = [
            str(Path(rotel.__file__).parent / "rotel-agent"),
            "start",
            "--otlp-http-endpoint",
            f"127.0.0.1:{port}",
            "--otlp-grpc-endpoint",
            f"127.0.0.1:{free_port()}",
            "--exporter",
            "blackhole",
            "--debug-log",
            "metrics",
            "--debug-log",
            "traces",
            "--debug-log-verbosity",
            "detailed",
        ]
        self.output = folder / "rotel.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
        while True:  # real time: a program starts
            try:
                socket.create_connection(("127.0.0.1", port), timeout=LONG).close()
            except ConnectionRefusedError:
                assert self.process.poll() is None, self.text()
            else:
                return

    def text(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def stop(self) -> str:
        """End it; everything it printed."""
        self.process.terminate()
        self.process.wait(LONG)
        return self.text()


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Rotel]:
    it = Rotel(tmp_path)
    yield it
    if it.process.poll() is None:
        it.stop()


def test_a_real_collector_takes_every_message(
    collector: Rotel, first: Make, warm: Make, started: list[dict[str, Any]]
) -> None:
    exporter = Otlp(collector.endpoint, interval=0)
    exporter.emit(first(error="KeyError"))
    exporter.flush(LONG)
    exporter.emit(warm())
    exporter.flush(LONG)

    assert exporter.counts["sent"] == 3
    assert exporter.counts["failed"] == exporter.counts["rejected"] == 0
    text = collector.stop()
    assert "Failed to decode" not in text
    names = set(re.findall(r"-> Name: (\S+)", text))
    assert {"faas.coldstarts", "faas.init_duration", "coldcache.cache.hits"} <= names
    assert "coldcache.start_class: Str(on-demand)" in text
    assert all(span["name"] in text for span in started)


def test_the_collector_refuses_what_is_no_message(collector: Rotel) -> None:
    verdict, _ = Collector(collector.endpoint, {}, LONG).post(
        "/v1/metrics", b'{"resourceMetrics": 5}'
    )
    assert verdict == "refused"  # so that taking ours says something

"""Requests at a steady pace, each over a connection of its own, in threads so that none waits."""

from __future__ import annotations

import http.client
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Outcome:
    """How one request went: when it was sent, how long it took, what came."""

    sent: float
    seconds: float
    status: int
    body: bytes


def ask(port: int, path: str = "/cart") -> Outcome:
    """Ask once; status 0 if no answer came."""
    sent = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        status, body = answer.status, answer.read()
    except (OSError, http.client.HTTPException):
        status, body = 0, b""
    finally:
        connection.close()
    return Outcome(sent, time.monotonic() - sent, status, body)


def at_pace(
    port: int, requests: int, every_s: float, before: Callable[[int], None] = lambda _: None
) -> list[Outcome]:
    """Send requests by the clock, whether or not earlier ones are answered.

    Args:
        port: Of the load balancer.
        requests: How many.
        every_s: Seconds from one to the next.
        before: Called with the number of each request before it is sent.
    """
    outcomes: list[Outcome] = []
    threads = []
    begin = time.monotonic()
    for number in range(requests):
        before(number)
        time.sleep(max(0.0, begin + number * every_s - time.monotonic()))
        thread = threading.Thread(target=lambda: outcomes.append(ask(port)))
        thread.start()
        threads.append(thread)
    for thread in threads:
        thread.join()
    return outcomes


def percentile(values: list[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

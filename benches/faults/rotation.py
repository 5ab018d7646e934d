"""A rotated password and several resources that depend on it: fetches, rebuilds, answers."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import coldcache
import psycopg

from faults.callers import CALLERS, HANG_S
from faults.place import TIMEOUT_S, Place
from faults.subjects import ask

if TYPE_CHECKING:
    from faults.stage import Stage


@dataclass(frozen=True)
class Rotation:
    """What one rotation cost."""

    resources: int
    calls: int
    failed: int
    fetches: int  # as the secrets manager counted them
    rebuilds: int  # connections made by all resources together


def rotate(stage: Stage, resources: int) -> Rotation:
    """Rotate, then let 8 callers make the next calls, to all resources at once."""
    stage.rotate()
    place = Place(**stage.place("rotated"))
    secret = coldcache.cached(ttl=300, name="database password")(place.secret)

    def declare(number: int) -> Any:
        return coldcache.resource(
            check=place.check,
            close=lambda connection: connection.close(),
            retry_on=(psycopg.OperationalError,),
            depends_on=(secret,),
            timeout=TIMEOUT_S,
            name=f"database {number}",
        )(lambda: place.connect(secret()))

    databases = [declare(number) for number in range(resources)]
    for database in databases:
        database.call(ask, 1)
    stage.rotate()
    fetched, made = stage.aws.requests(), _made(databases)
    wrong: list[object] = []

    def call(number: int) -> None:
        try:
            answer = databases[number % resources].call(ask, number)
        except Exception as error:  # noqa: BLE001 - counted
            wrong.append(error)
        else:
            if answer != number * 2 + 1:
                wrong.append(answer)

    threads = [threading.Thread(target=call, args=(n,), daemon=True) for n in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
        if thread.is_alive():
            wrong.append("hangs")
    outcome = Rotation(
        resources,
        CALLERS,
        len(wrong),
        stage.aws.requests() - fetched,
        _made(databases) - made,
    )
    for database in databases:
        database.close()
    return outcome


def _made(databases: list[Any]) -> int:
    return sum(database.stats()["made"] for database in databases)

"""Real PostgreSQL, Redis, haproxy and moto, started once; without them all of this is skipped."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from faults.stage import Stage

BENCHES = Path(__file__).resolve().parents[2] / "benches"
NEEDED = ("boto3", "flask", "moto", "psycopg", "psycopg_pool", "redis", "sqlalchemy")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]

sys.path.insert(0, str(BENCHES))

# Without the packages not even the imports of the tests would work.
collect_ignore_glob = ["test_*.py"] if MISSING else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it where nobody can overlook it."""
    if MISSING:
        missing, wanted = ", ".join(MISSING), "pip install -r benches/faults/requirements.txt"
        terminalreporter.write_line(
            f"#### SKIPPED: faults with real servers: no {missing}: {wanted} ####", red=True
        )


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    """The servers, with nobody connected."""
    from faults.servers import NoServersError  # noqa: PLC0415 - needs packages that may be missing
    from faults.stage import Stage  # noqa: PLC0415

    try:
        place = Stage()
    except NoServersError as reason:
        pytest.skip(str(reason))
    with place:
        place.rotate()
        yield place

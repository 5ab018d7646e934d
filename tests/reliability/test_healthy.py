"""While nothing is wrong, a use says nothing to the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults import healthy

if TYPE_CHECKING:
    from faults.stage import Stage

pytestmark = pytest.mark.timeout(500)


@pytest.fixture(scope="module")
def statements(stage: Stage) -> dict[str, float]:
    return healthy.count(stage)


@pytest.mark.parametrize("name", ["coldcache.resource", "coldcache.pool"])
def test_a_use_of_a_healthy_connection_sends_nothing(
    name: str, statements: dict[str, float]
) -> None:
    assert statements[name] == 0


@pytest.mark.parametrize("name", ["SQLAlchemy, pre-ping", "psycopg_pool, check"])
def test_a_peer_that_checks_before_each_use_sends_a_statement_each(
    name: str, statements: dict[str, float]
) -> None:
    """The counting itself: it would see one."""
    assert statements[name] == 1

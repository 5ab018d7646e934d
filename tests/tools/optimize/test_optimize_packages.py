"""Packages that break when everything is deferred work under the plan found for them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from coldcache.tools.optimize.edges import Edge


@pytest.mark.timeout(110)
def test_sqlalchemy_keeps_what_registers_its_events(bench: Callable, write_files: Callable) -> None:
    pytest.importorskip("sqlalchemy", reason="NOT TESTED: SQLAlchemy is not installed")
    write_files(
        {
            "app.py": """
            import sqlalchemy as sa
            engine = sa.create_engine("sqlite://")
            def handler(event, context):
                with engine.connect() as connection:
                    return connection.execute(sa.text("select 1 + :n"), {"n": event}).scalar()
            """
        }
    )

    found, baseline = bench().search(41, budget_s=90)

    assert baseline.cases[0].plain[0].calls[0].answer == "42"
    assert Edge("sqlalchemy.pool", "sqlalchemy.pool:events") in found.reasons
    assert len(found.reasons) < 20
    assert found.deferred
    planned = found.finding.outcomes[0]
    assert len(planned.modules_first) < 0.9 * len(baseline.modules)


@pytest.mark.timeout(110)
def test_boto3_loads_what_a_client_needs_and_no_more(
    bench: Callable, write_files: Callable
) -> None:
    pytest.importorskip("boto3", reason="NOT TESTED: boto3 is not installed")
    write_files(
        {
            "app.py": """
            import boto3
            client = boto3.client("s3", region_name="us-east-1")
            def handler(event, context):
                return client.meta.service_model.service_name
            """
        }
    )

    found, baseline = bench().search(budget_s=90)

    planned = found.finding.outcomes[0]
    assert planned.calls[0].answer == '"s3"'
    assert len(planned.modules_first) < 0.9 * len(baseline.modules)

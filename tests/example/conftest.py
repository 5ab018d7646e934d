"""The report function against a real moto server, seeded once for all tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "report_function"
sys.path.insert(0, str(EXAMPLE))

import local_aws  # noqa: E402  # found only after the line above

# Calls a variant as the runtime would, in a fresh process: import first, then the events in turn.
# Counts the calls to AWS by the hook that botocore has for it, on the way to the real server.
CALL = """
import json, sys
import boto3
calls = []
def count(event_name, **_):
    calls.append(event_name.removeprefix("before-call."))
boto3.setup_default_session()
boto3.DEFAULT_SESSION.events.register("before-call", count)
sys.path.insert(0, sys.argv[1])
import app
answers = [json.dumps(app.handler(event, None)) for event in json.load(sys.stdin)]
json.dump({"answers": answers, "calls": calls, "modules": sorted(sys.modules)}, sys.stdout)
"""


@pytest.fixture(scope="session")
def endpoint_url():
    with local_aws.local_aws() as url:
        yield url


@pytest.fixture(scope="session")
def run_variant(endpoint_url):
    """Run a variant on events in a fresh process; give its answers, AWS calls and modules."""
    environment = local_aws.clean_environment() | local_aws.environment(endpoint_url)

    def run(variant, *events):
        child = subprocess.run(
            [sys.executable, "-c", CALL, str(EXAMPLE / variant)],
            input=json.dumps(events),
            capture_output=True,
            text=True,
            timeout=50,
            env=environment,
            check=False,
        )
        assert child.returncode == 0, child.stderr
        return json.loads(child.stdout)

    return run


@pytest.fixture(scope="session")
def events():
    """The events of the example by name, and some that ask for what is not there."""
    found = {path.stem: json.loads(path.read_text()) for path in EXAMPLE.glob("events/*.json")}
    assert set(found) == {"lookup", "receipt", "report"}
    return found | {
        "missing order": found["lookup"] | {"pathParameters": {"order_id": "A-9999"}},
        "missing month": found["report"] | {"pathParameters": {"month": "1999-01"}},
        "missing route": found["lookup"] | {"routeKey": "GET /"},
    }


@pytest.fixture(scope="session")
def runs(run_variant, events):
    """Every event given twice to a fresh process of each variant, by variant and event name."""
    return {
        (variant, name): run_variant(variant, event, event)
        for name, event in events.items()
        for variant in ("plain", "tuned")
    }

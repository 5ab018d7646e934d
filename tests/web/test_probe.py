"""The probe's answers: what makes a process ready, and what does not."""

from __future__ import annotations

import errno
import json
import socket
from typing import Any

import coldcache
import pytest
from coldcache.exceptions import ConfigError, WarmUpError
from coldcache.web import probe

from .conftest import get, is_refused

SECRET = "password=hunter2"


def test_livez_is_200_from_the_first_moment(served: Any) -> None:
    answer = get(served, "/livez")

    assert (answer.status, answer.body) == (200, b"ok\n")


def test_readyz_is_503_with_a_time_to_come_back_before_anything_was_said(served: Any) -> None:
    answer = get(served, "/readyz")

    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["state"] == "starting"


def test_ready_makes_it_200(served: Any) -> None:
    probe.ready()

    answer = get(served, "/readyz")
    assert (answer.status, answer.json()["ready"]) == (200, True)
    assert "Retry-After" not in answer.headers


def test_ready_does_not_overrule_a_required_step_that_is_pending(served: Any) -> None:
    coldcache.step("connect")(lambda: None)
    probe.ready()

    answer = get(served, "/readyz")
    assert (answer.status, answer.json()["pending"]) == (503, ["connect"])


def test_a_warm_up_that_succeeds_makes_it_200(served: Any) -> None:
    coldcache.step("connect")(lambda: None)
    coldcache.warm_up()

    assert get(served, "/readyz").json() == {
        "ready": True,
        "state": "ready",
        "done": 1,
        "total": 1,
        "pending": [],
        "failed": [],
    }


def test_without_auto_ready_it_takes_ready_as_well() -> None:
    address = probe.start(port=0, auto_ready=False)
    coldcache.step("connect")(lambda: None)
    coldcache.warm_up()
    before = get(address, "/readyz")
    probe.ready()

    assert (before.status, before.json()["state"]) == (503, "warm")
    assert get(address, "/readyz").status == 200


def test_progress_is_shown_while_steps_run(served: Any) -> None:
    seen = []

    @coldcache.step("first")
    def first() -> None:
        seen.append(get(served, "/readyz").json())

    @coldcache.step("second", after=(first,))
    def second() -> None:
        seen.append(get(served, "/readyz").json())

    coldcache.warm_up()

    assert [(one["done"], one["total"], one["pending"]) for one in seen] == [
        (0, 2, ["first", "second"]),
        (1, 2, ["second"]),
    ]
    assert {one["state"] for one in seen} == {"warming"}


def test_a_required_step_that_fails_keeps_it_at_503_and_is_named(served: Any) -> None:
    @coldcache.step("connect")
    def connect() -> None:
        raise OSError(SECRET)

    with pytest.raises(WarmUpError):
        coldcache.warm_up()

    answer = get(served, "/readyz")
    assert (answer.status, answer.json()["state"]) == (503, "failed")
    assert answer.json()["failed"] == ["connect"]
    assert SECRET.encode() not in answer.body


def test_a_warm_up_that_is_tried_again_makes_it_200(served: Any) -> None:
    errors = [OSError()]

    @coldcache.step("connect")
    def connect() -> None:
        if errors:
            raise errors.pop()

    with pytest.raises(WarmUpError):
        coldcache.warm_up()
    coldcache.warm_up()

    assert get(served, "/readyz").status == 200


def test_an_optional_step_that_fails_does_not_hold_it_back(served: Any) -> None:
    @coldcache.step("recommendations", required=False)
    def recommendations() -> None:
        raise OSError

    coldcache.warm_up()

    assert get(served, "/readyz").status == 200


def test_not_ready_is_for_good(served: Any) -> None:
    probe.ready()
    probe.ready(False)
    coldcache.warm_up()

    answer = get(served, "/readyz")
    assert (answer.status, answer.json()["state"]) == (503, "draining")


def test_names_are_bounded_and_escaped(served: Any) -> None:
    for number in range(300):
        coldcache.step(f'{number} "ü\n{"x" * 5000}')(lambda: None)
    probe.ready()

    pending = get(served, "/readyz").json()["pending"]
    assert len(pending) == 16
    assert pending[0].startswith('0 "ü\nx')
    assert {len(name) for name in pending} == {80}


def test_startup_is_503_until_there_is_a_timeline(served: Any) -> None:
    assert get(served, "/startup").status == 503


def test_startup_answers_with_the_timeline_of_the_start(served: Any) -> None:
    coldcache.step("connect")(lambda: None)
    coldcache.warm_up()

    timeline = coldcache.startup().from_dict(get(served, "/startup").json())
    assert "connect" in {step["name"] for step in timeline.steps}


def test_a_long_timeline_arrives_whole(served: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Timeline:
        def to_json(self) -> str:
            return json.dumps({"schema": "coldcache-startup", "long": "x" * 100_000})

    monkeypatch.setattr(coldcache, "startup", Timeline)
    probe.ready()

    answer = get(served, "/startup")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.body == Timeline().to_json().encode()


def test_a_timeline_that_fails_is_logged_and_nothing_else(
    served: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def startup() -> None:
        raise OSError(SECRET)

    monkeypatch.setattr(coldcache, "startup", startup)
    probe.ready()

    assert get(served, "/readyz").status == 200
    assert caplog.messages == ["the probe was not told: OSError"]


def test_starting_again_changes_nothing(served: Any) -> None:
    assert probe.start(port=served[1]) == served
    assert probe.start(port=0) == served


def test_a_second_port_is_refused(served: Any) -> None:
    with pytest.raises(ConfigError, match=r"a probe listens on 127\.0\.0\.1:\d+ already"):
        probe.start(port=0, host="::1")
    assert probe.address() == served


def test_a_port_in_use_is_an_error_that_names_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: Address") as caught:
            probe.start(port=port)
    assert caught.value.errno == errno.EADDRINUSE
    assert probe.address() is None


@pytest.mark.parametrize("port", [-1, 65536, 10**30])
def test_an_impossible_port_is_refused(port: int) -> None:
    with pytest.raises(ConfigError, match=f"port must be a number from 0 to 65535, got {port}"):
        probe.start(port=port)


@pytest.mark.parametrize("port", ["8081", 80.5, None, True])
def test_a_port_of_another_type_is_refused(port: Any) -> None:
    with pytest.raises(TypeError, match="port must be a number from 0 to 65535, got"):
        probe.start(port=port)


@pytest.mark.parametrize("host", ["", "example.org", "127.0.0.1.1", "*", "::1::"])
def test_a_host_that_is_no_address_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="host must be an IP address such as"):
        probe.start(port=0, host=host)


def test_localhost_is_loopback() -> None:
    assert probe.start(port=0, host="localhost")[0] == "127.0.0.1"


def test_the_probe_can_listen_on_ipv6() -> None:
    address = probe.start(port=0, host="::1")

    assert get(address, "/livez").status == 200


def test_stop_closes_the_port(served: Any) -> None:
    probe.stop()
    probe.stop()

    assert is_refused(served)
    assert probe.address() is None


def test_it_can_be_started_again_after_a_stop(served: Any) -> None:
    probe.ready()
    probe.stop()

    assert get(probe.start(port=0), "/readyz").status == 200


def test_readiness_without_a_port_is_readiness_all_the_same() -> None:
    assert not probe.is_ready()
    probe.ready()

    assert probe.is_ready()

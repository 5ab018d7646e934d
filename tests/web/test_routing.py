"""A real haproxy in front of two gunicorns started cold: it asks them whether they are ready."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from .conftest import eventually, get, is_refused

pytest.importorskip("gunicorn", reason="NOT TESTED: gunicorn is missing")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benches"))

APP = """
import coldcache, os
@coldcache.step("connect")
def connect():
    with open(os.environ["GATE"]) as gate:  # a pipe: until the test opens it, too
        gate.read()
def app(environ, start_response):
    body = os.environ["GATE"].encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


@pytest.mark.timeout(420)  # may install haproxy
def test_no_request_goes_to_an_instance_before_it_is_ready(
    server_programs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from routing.balancer import Balancer  # noqa: PLC0415
    from routing.instance import Instance  # noqa: PLC0415

    (tmp_path / "shop.py").write_text(APP)
    instances = []
    for name in ("one", "two"):
        os.mkfifo(tmp_path / name)
        monkeypatch.setenv("GATE", name)
        instances.append(Instance(tmp_path, with_coldcache=True, busy_seconds=0))
    with (
        instances[0] as first,
        instances[1] as second,
        Balancer(server_programs["haproxy"], tmp_path, instances, by_readiness=True) as balancer,
    ):
        first.start()
        second.start()
        shop = ("127.0.0.1", balancer.port)

        def answers(number: int) -> set[tuple[int, bytes]]:
            found = set()
            for _ in range(number):
                answer = get(shop, "/cart")
                found.add((answer.status, answer.body if answer.status == 200 else b""))
            return found

        for one in instances:
            watch = ("127.0.0.1", one.probe_port)
            eventually(lambda watch=watch: not is_refused(watch))
            eventually(lambda watch=watch: get(watch, "/readyz").json().get("waiting"))
        eventually(lambda: not is_refused(shop))
        eventually(lambda: answers(4) == {(503, b"")})
        assert answers(20) == {(503, b"")}

        (tmp_path / "one").write_text("")
        eventually(lambda: (200, b"one") in answers(1))
        assert answers(40) == {(200, b"one")}

        (tmp_path / "two").write_text("")
        eventually(lambda: (200, b"two") in answers(4))
        assert answers(40) == {(200, b"one"), (200, b"two")}

"""The WSGI middleware, called as a server calls it."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import coldcache
import pytest
from coldcache.exceptions import WarmUpError
from coldcache.web import probe, wsgi
from coldcache.web._readiness import here

from .conftest import eventually


def shop(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b"sold"]


def ask(app: Any, path: str, method: str = "GET") -> tuple[str, dict[str, str], bytes]:
    told: list[Any] = []
    body = app({"REQUEST_METHOD": method, "PATH_INFO": path}, lambda *args: told.append(args))
    return told[0][0], dict(told[0][1]), b"".join(body)


def test_the_application_is_refused_until_it_is_ready() -> None:
    app = wsgi.Readiness(shop, retry_after=3)
    before = ask(app, "/cart")
    probe.ready()

    assert before[0] == "503 Service Unavailable"
    assert before[1]["Retry-After"] == "3"
    assert ask(app, "/cart")[2] == b"sold"


def test_the_paths_of_the_probe_are_answered() -> None:
    app = wsgi.Readiness(shop)

    assert ask(app, "/livez")[::2] == ("200 OK", b"ok\n")
    assert ask(app, "/readyz")[0] == "503 Service Unavailable"
    assert json.loads(ask(app, "/startup")[2])["schema"] == "coldcache-startup"
    assert ask(app, "/readyz", "POST")[0] == "405 Method Not Allowed"
    assert ask(app, "/livez", "HEAD")[2] == b""


def test_before_warms_up_where_it_is_made() -> None:
    ran = []
    coldcache.step("connect")(lambda: ran.append(1))

    assert ask(wsgi.Readiness(shop, warm_up="before"), "/readyz")[0] == "200 OK"
    assert ran == [1]


def test_before_fails_where_it_is_made() -> None:
    @coldcache.step("connect")
    def connect() -> None:
        raise OSError

    with pytest.raises(WarmUpError):
        wsgi.Readiness(shop, warm_up="before")


def test_the_background_warms_up_beside_requests() -> None:
    gate = threading.Event()
    coldcache.step("connect")(lambda: gate.wait(20))
    app = wsgi.Readiness(shop, warm_up="background")
    before = ask(app, "/cart")[0]
    gate.set()
    eventually(lambda: here.is_ready)

    assert before == "503 Service Unavailable"
    assert ask(app, "/cart")[0] == "200 OK"


def test_a_forked_child_warms_up_by_itself() -> None:
    app = wsgi.Readiness(shop, warm_up="background")
    eventually(lambda: here.is_ready)
    pid = os.fork()
    if not pid:
        here.forget()
        ask(app, "/cart")
        eventually(lambda: here.is_ready)
        os._exit(7)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7

"""The ASGI middleware, asked as a server asks it, and a real uvicorn."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coldcache
import pytest
from coldcache.exceptions import ConfigError
from coldcache.web import asgi, probe
from coldcache.web._readiness import here

from .conftest import eventually, free_port, get, is_refused

Message = dict[str, Any]


async def shop(scope: Message, receive: Any, send: Any) -> None:
    """An application that knows nothing of a lifespan."""
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"sold"})


class Lifespan:
    """One lifespan of an application, up and down."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.told: list[Message] = []
        self.to_app: asyncio.Queue[Message] = asyncio.Queue()

    async def up(self) -> str:
        heard = asyncio.Event()

        async def send(message: Message) -> None:
            self.told.append(message)
            heard.set()

        await self.to_app.put({"type": "lifespan.startup"})
        self.task = asyncio.ensure_future(self.app({"type": "lifespan"}, self.to_app.get, send))
        await asyncio.wait_for(heard.wait(), 20)
        return str(self.told[-1]["type"])

    async def down(self) -> str:
        await self.to_app.put({"type": "lifespan.shutdown"})
        await asyncio.wait_for(self.task, 20)
        return str(self.told[-1]["type"])


async def ask(app: Any, path: str, method: str = "GET", kind: str = "http") -> tuple[Any, ...]:
    told: list[Message] = []

    async def send(message: Message) -> None:
        told.append(message)

    async def receive() -> Message:
        return {"type": f"{kind}.connect"}

    await app({"type": kind, "method": method, "path": path}, receive, send)
    if kind == "websocket":
        return told[0]["type"], told[0]["code"]
    return told[0]["status"], dict(told[0]["headers"]), told[1]["body"]


def test_the_warm_up_is_over_before_the_server_is_told_to_listen() -> None:
    ran = []
    coldcache.step("connect")(lambda: ran.append(1))

    async def run() -> list[str]:
        life = Lifespan(asgi.Readiness(shop))
        return [await life.up(), f"{ran} {here.phase}", await life.down(), here.phase]

    assert asyncio.run(run()) == [
        "lifespan.startup.complete",
        "[1] ready",
        "lifespan.shutdown.complete",
        "draining",
    ]


def test_a_warm_up_that_fails_fails_the_startup() -> None:
    @coldcache.step("connect")
    def connect() -> None:
        raise OSError

    async def run() -> str:
        return await Lifespan(asgi.Readiness(shop)).up()

    assert asyncio.run(run()) == "lifespan.startup.failed"


def test_the_startup_of_the_application_comes_first() -> None:
    order = []
    coldcache.step("connect")(lambda: order.append("warm-up"))

    async def app(scope: Message, receive: Any, send: Any) -> None:
        await receive()
        order.append("startup")
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def run() -> None:
        life = Lifespan(asgi.Readiness(app))
        await life.up()
        await life.down()

    asyncio.run(run())
    assert order == ["startup", "warm-up"]


def test_an_application_may_live_twice() -> None:
    async def run() -> list[bool]:
        app = asgi.Readiness(shop)
        states = []
        for _ in range(2):
            life = Lifespan(app)
            await life.up()
            states.append(here.is_ready)
            await life.down()
        return states

    assert asyncio.run(run()) == [True, True]


def test_an_error_of_the_applications_startup_comes_out() -> None:
    async def app(scope: Message, receive: Any, send: Any) -> None:
        await receive()
        raise OSError("own")

    async def run() -> None:
        life = Lifespan(asgi.Readiness(app))
        await life.to_app.put({"type": "lifespan.startup"})
        await life.app({"type": "lifespan"}, life.to_app.get, None)

    with pytest.raises(OSError, match="own"):
        asyncio.run(run())


def test_in_the_background_requests_are_refused_until_it_is_ready() -> None:
    async def run() -> tuple[Any, ...]:
        gate = asyncio.Event()
        coldcache.step("connect")(gate.wait)
        app = asgi.Readiness(shop, warm_up="background", retry_after=7)
        life = Lifespan(app)
        await life.up()
        before = await ask(app, "/cart"), await ask(app, "/livez"), await ask(app, "/readyz")
        gate.set()
        while not here.is_ready:
            await asyncio.sleep(0)
        after = await ask(app, "/cart"), await ask(app, "/readyz")
        await life.down()
        return before, after

    before, after = asyncio.run(run())
    assert [one[0] for one in before] == [503, 200, 503]
    assert before[0][1][b"retry-after"] == b"7"
    assert [one[0] for one in after] == [200, 200]
    assert after[0][2] == b"sold"


def test_without_a_lifespan_the_first_request_begins_the_warm_up() -> None:
    async def run() -> tuple[int, int]:
        app = asgi.Readiness(shop)
        first = (await ask(app, "/cart"))[0]
        while not here.is_ready:
            await asyncio.sleep(0)
        return first, (await ask(app, "/cart"))[0]

    assert asyncio.run(run()) == (503, 200)


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/x/livez", "GET", 200),
        ("/x/livez", "POST", 405),
        ("/x/readyz", "HEAD", 503),
        ("/livez", "GET", 503),
        ("/metrics", "GET", 200),
    ],
)
def test_paths_of_its_own_and_paths_let_through(path: str, method: str, status: int) -> None:
    app = asgi.Readiness(shop, warm_up=None, prefix="/x", allow=("/metrics",))

    answer = asyncio.run(ask(app, path, method))
    assert answer[0] == status
    assert method != "HEAD" or answer[2] == b""


def test_with_refuse_off_only_the_probe_paths_are_answered() -> None:
    app = asgi.Readiness(shop, warm_up=None, refuse=False)

    assert asyncio.run(ask(app, "/cart"))[0] == 200


def test_a_websocket_is_asked_to_come_again() -> None:
    app = asgi.Readiness(shop, warm_up=None)

    assert asyncio.run(ask(app, "/cart", kind="websocket")) == ("websocket.close", 1013)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"warm_up": "later"}, "warm_up must be 'before', 'background' or None, got 'later'"),
        ({"prefix": "x"}, "prefix must be empty or begin with a slash, got 'x'"),
        ({"retry_after": 0.5}, "retry_after must be a whole number of seconds, got 0.5"),
        ({"retry_after": -1}, "retry_after must be a whole number of seconds, got -1"),
    ],
)
def test_wrong_options_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        asgi.Readiness(shop, **options)


def test_one_text_as_paths_is_refused() -> None:
    with pytest.raises(TypeError, match="allow must be a tuple of paths, got '/metrics'"):
        asgi.Readiness(shop, allow="/metrics")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "COLDCACHE_APP must be module:name of the application, got ''"),
        ({"COLDCACHE_APP": "sys"}, "COLDCACHE_APP must be module:name"),
        ({"COLDCACHE_APP": "sys:nothing"}, "module 'sys' has no 'nothing'"),
        ({"COLDCACHE_APP": "sys:path", "COLDCACHE_WARM_UP": "x"}, "COLDCACHE_WARM_UP must be"),
    ],
)
def test_wrong_variables_are_refused(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], message: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ConfigError, match=message):
        asgi.application()
    assert probe.address() is None


APP = """
import coldcache, os
@coldcache.step("connect")
def connect():
    with open("gate") as gate:  # a pipe: until the test opens it, too
        gate.read()
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"sold"})
"""


@pytest.fixture
def uvicorn(tmp_path: Path, start: Callable[..., Any]) -> Callable[[str], tuple[int, int]]:
    """Start a real uvicorn with an application whose warm-up waits at a gate; its ports."""
    pytest.importorskip("uvicorn", reason="NOT TESTED: uvicorn is missing")

    (tmp_path / "shop.py").write_text(APP)
    os.mkfifo(tmp_path / "gate")

    def begin(warm_up: str) -> tuple[int, int]:
        port, probe_port = free_port(), free_port()
        start(
            *(sys.executable, "-m", "uvicorn", "--factory", "coldcache.web.asgi:application"),
            *("--port", str(port), "--log-level", "warning"),
            COLDCACHE_APP="shop:app",
            COLDCACHE_PROBE=str(probe_port),
            COLDCACHE_WARM_UP=warm_up,
        )
        return port, probe_port

    return begin


def test_uvicorn_listens_only_after_the_warm_up(
    uvicorn: Callable[[str], tuple[int, int]], tmp_path: Path
) -> None:
    port, probe_port = uvicorn("before")
    own, watch = ("127.0.0.1", port), ("127.0.0.1", probe_port)
    eventually(lambda: not is_refused(watch) and get(watch, "/readyz").json()["pending"])
    assert get(watch, "/readyz").json()["pending"] == ["connect"]
    assert is_refused(own)

    (tmp_path / "gate").write_text("")
    eventually(lambda: get(watch, "/readyz").status == 200)
    eventually(lambda: not is_refused(own))
    assert b"sold" in get(own, "/cart").body


def test_uvicorn_answers_503_while_it_warms_up_in_the_background(
    uvicorn: Callable[[str], tuple[int, int]], tmp_path: Path
) -> None:
    own = ("127.0.0.1", uvicorn("background")[0])
    eventually(lambda: not is_refused(own))
    assert [get(own, path).status for path in ("/livez", "/readyz", "/cart")] == [200, 503, 503]

    (tmp_path / "gate").write_text("")
    eventually(lambda: get(own, "/readyz").status == 200)
    assert b"sold" in get(own, "/cart").body

"""Every public call once, for type checkers only."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, ItemsView

import coldcache
from coldcache import testing
from coldcache._invocation import Invocation
from coldcache.export.emf import Emf
from coldcache.export.jsonl import JsonLines
from coldcache.export.otel import OpenTelemetry
from coldcache.export.otlp import Otlp
from coldcache.export.prometheus import Prometheus
from coldcache.web import asgi, probe, wsgi
from typing_extensions import assert_type


class Client:
    def fetch(self, name: str) -> bytes:
        return name.encode()


@coldcache.once
def client() -> Client:
    return Client()


@coldcache.once(retry="backoff", timeout=2.5, after=(client,), flag="HEAVY", fallback=0, warm=False)
def model() -> int:
    return 1


@coldcache.cached
def doubled(number: int) -> int:
    return 2 * number


@coldcache.cached(
    ttl=60,
    stale=30,
    stale_if_error=300,
    error_ttl=(1, 60),
    refresh_ahead=5,
    jitter=2.5,
    max_entries=None,
    max_weight=1_000_000,
    weigher=len,
    policy="tiny_lfu",
    key=lambda name, version=0: (name, version),
    typed=False,
    vary=(lambda: "tenant",),
    copy="shallow",
    fallback=b"",
    timeout=1,
    expires_at=lambda value: None,
    on_fork="reset",
    on_restore="keep",
    listener=lambda key, value, cause: None,
    name="parameter",
)
def parameter(name: str, version: int = 0) -> bytes:
    return name.encode()


@coldcache.cached(ttl=lambda value: 60.0)
async def fetched(name: str) -> bytes:
    return name.encode()


class Service:
    @coldcache.cached(ttl=60)
    def load(self, name: str) -> bytes:
        return name.encode()

    @coldcache.once
    def session(self) -> Client:
        return Client()


class Database:
    def query(self, text: str, limit: int = 1) -> list[str]:
        return [text] * limit

    def close(self) -> None: ...


@coldcache.resource
def database() -> Database:
    return Database()


@coldcache.resource(
    check=lambda one: one.query("select 1"),
    close=Database.close,
    max_age=3600,
    max_idle=300,
    retry_on=(OSError, ValueError),
    depends_on=(client, (parameter, "password")),
    auth_errors=PermissionError,
    after=(client,),
    timeout=5,
    per_loop=False,
    on_fork="keep",
    on_restore="reset",
    warm="prepaid",
    name="ledger",
)
async def ledger() -> Database:
    return Database()


@coldcache.pool(size=2, min_idle=1, reset=Database.close, timeout=None, retry_on=OSError)
def connections() -> Database:
    return Database()


@coldcache.pool
async def channels() -> Database:
    return Database()


async def check_resources() -> None:
    with database() as one:
        assert_type(one, Database)
    assert_type(database.get(), Database)
    assert_type(database.peek(), Database | None)
    assert_type(database.call(Database.query, "a", limit=2), list[str])
    for attempt in database(retry=True):
        with attempt as one:
            assert_type(one, Database)
    database.invalidate()
    database.close()
    assert_type(database.is_done(), bool)
    assert_type(await ledger.get(), Database)
    async with ledger() as one:
        assert_type(one, Database)
    await ledger.call(Database.query, "a")
    await ledger.aclose()
    with connections() as one:
        assert_type(one, Database)
    assert_type(connections.call(Database.query, "a"), list[str])
    async with channels() as one:
        assert_type(one, Database)
    try:
        connections.invalidate()
    except coldcache.PoolSaturated as error:
        assert_type(error.held_for, float)


async def check() -> None:
    assert_type(client(), Client)
    assert_type(client.is_done(), bool)
    client.reset()
    client.peek()
    assert_type(model(), int)
    assert_type(doubled(2), int)
    assert_type(parameter("a", version=2), bytes)
    assert_type(parameter.refresh("a"), bytes)
    assert_type(parameter.invalidate("a"), bool)
    parameter.peek("a")
    parameter.cache_clear()
    assert_type(parameter.cache_info().hits, int)
    assert_type(parameter.cache_parameters()["maxsize"], object)  # type: ignore[assert-type]
    assert_type(parameter.stats()["load_time_total"], float)
    assert_type(await fetched("a"), bytes)
    service = Service()
    assert_type(service.load("a"), bytes)
    assert_type(service.load.invalidate("a"), bool)
    assert_type(service.session(), Client)

    cache: coldcache.Cache[str, int] = coldcache.Cache(ttl=300, max_entries=10_000)
    cache["a"] = 1
    assert_type(cache["a"], int)
    assert_type(cache.get("a"), int | None)
    assert_type(cache.get("a", "no"), int | str)
    cache.set("a", 1, ttl=5)

    def plain_loader() -> int:
        return 1

    assert_type(cache.get_or_load("a", plain_loader), int)

    async def loader() -> int:
        return 1

    assert_type(cache.get_or_load("a", loader), Awaitable[int])
    assert_type(cache.pop("a", None), int | None)
    assert_type(cache.items(), ItemsView[str, int])
    assert_type(cache.expire(), int)
    assert_type(coldcache.flag("HEAVY", default=True), bool)
    numpy = coldcache.lazy("numpy")
    numpy.array([1])
    array = coldcache.lazy("numpy", "array")
    array([1])
    sibling = coldcache.lazy(".sibling", attr="name", package="package")
    sibling()
    assert_type(coldcache.pending(), list[tuple[str, str]])
    assert_type(coldcache.resolve_all(), list[str])
    with testing.clock() as clock:
        clock.advance(60)
        clock.freeze(3600)
        clock.step_wall(-3600)
    testing.reset()
    try:
        client()
    except coldcache.ReentrantLoadError as error:
        assert_type(error, coldcache.ReentrantLoadError)


@coldcache.on_thaw
def reconnect() -> None: ...


@coldcache.after_restore(name="refresh", required=True)
def refresh() -> None: ...


@coldcache.step("load", after=(client, "other"), required=False, warm="prepaid")
def load() -> int:
    return 1


@coldcache.side_effect(instead=None)
def send(mail: str) -> str:
    return mail


async def warm() -> None:
    report = await coldcache.warm_up_async(parallel=4, budget=2.5, event={}, handler=print)
    assert_type(report.seconds, float)
    assert_type(report.critical_path, tuple[str, ...])
    with coldcache.step("more"):
        coldcache.warm_up()
    assert_type(coldcache.check_thaw(), bool)
    assert_type([run.name for run in coldcache.hook_runs()], list[str])
    assert_type(send("a"), str)
    reconnect()


def export(call: Invocation) -> None:
    otlp = Otlp("http://127.0.0.1:4318", headers={}, interval=5, temporality="cumulative")
    emf = Emf("shop", dimensions={"service": "web"}, starts_only=True)
    prometheus = Prometheus({"service": "web"})
    for exporter in (emf, otlp, prometheus, JsonLines("calls.jsonl", max_bytes=10_000)):
        exporter.emit(call)
    OpenTelemetry(spans=False).emit(call)
    otlp.flush(0.5)
    assert_type(prometheus.render(), str)
    assert_type(emf.line(call), str)
    assert_type(otlp.counts, dict[str, int])


def web(app: Callable[..., Awaitable[None]]) -> None:
    assert_type(probe.start(port=0, host="127.0.0.1", auto_ready=False), tuple[str, int])
    assert_type(probe.start_from_environment(), tuple[str, int] | None)
    assert_type(probe.address(), tuple[str, int] | None)
    assert_type(probe.is_ready(), bool)
    probe.ready()
    probe.ready(False)
    probe.require_workers(2)
    probe.worker(1)
    probe.stop()
    assert_type(
        asgi.Readiness(app, warm_up="background", prefix="/x", refuse=False, allow=("/m",)),
        asgi.Readiness,
    )
    assert_type(asgi.application(), asgi.Readiness)
    assert_type(wsgi.Readiness(app, warm_up="before", retry_after=2), wsgi.Readiness)


@coldcache.handler
def on_event(event: dict[str, str], context: object) -> int:
    return len(event)


@coldcache.handler(metrics=("emf", "jsonl:/tmp/calls"), pings=False, name="orders")
async def on_event_async(event: dict[str, str], context: object) -> int:
    return len(event)


def handlers() -> None:
    assert_type(on_event({}, None), int)
    assert_type(coldcache.startup().to_json(), str)
    assert_type(coldcache.startup().errors, dict[str, int])
    found = coldcache.invocation()
    if found is not None:
        assert_type(found.start_class, str)
    logging.getLogger().addFilter(coldcache.log_filter())


async def handlers_async() -> None:
    assert_type(await on_event_async({}, None), int)

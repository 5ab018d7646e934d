"""Hooks for gunicorn: a worker accepts, and the port listens, only after the warm-up.

``gunicorn -c python:coldcache.web.gunicorn shop:app``, or in a configuration of your own
``from coldcache.web.gunicorn import *``; a hook of yours calls the one of the same name here.

gunicorn opens its port before any worker has imported the application, so connections are taken
that nobody serves yet. With these hooks the port is bound, and refuses connections, until the first
worker is warm; and as a worker warms up before it looks at the port, none accepts before it is.
"""

import os

from coldcache._core import _log_warning, _Probe
from coldcache.web import probe
from coldcache.web._readiness import here

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "child_exit",
    "nworkers_changed",
    "on_starting",
    "post_fork",
    "post_worker_init",
    "pre_fork",
]

_WORKERS_VARIABLE = "COLDCACHE_PROBE_WORKERS"

_numbers: "dict[Any, int]" = {}

# A configuration is read before the application is imported, with --preload as well.
probe.start_from_environment()


def on_starting(server: "Any") -> None:
    """Bind the port without listening, unless somebody listens on it already."""
    is_inherited = "GUNICORN_PID" in os.environ or "LISTEN_FDS" in os.environ
    if server.LISTENERS or is_inherited:
        return
    from coldcache.web import _listening  # noqa: PLC0415

    try:
        if server.cfg.reuse_port:
            _listening.be_patient()  # each worker binds for itself
        else:
            server.LISTENERS = _listening.bind(server.cfg, server.log)
    except AttributeError as error:
        _log_warning(f"this gunicorn listens before a worker is ready: {error}")


def nworkers_changed(server: "Any", new_value: int, old_value: "int | None") -> None:  # noqa: ARG001
    """Have the probe wait for that many workers, or for as many as the environment says."""
    most = _Probe.MOST_WORKERS
    text = os.environ.get(_WORKERS_VARIABLE, "").strip()
    number = min(new_value, most)
    if text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= most:
        number = min(number, int(text[:9]))
    elif text:
        _log_warning(
            f"{_WORKERS_VARIABLE} must be a number of workers from 1 to {most}, got {text[:60]!r}; "
            f"the probe waits for all {number}"
        )
    probe.require_workers(number)


def pre_fork(server: "Any", worker: "Any") -> None:  # noqa: ARG001
    """Give the worker that comes a number that no living one has."""
    taken = set(_numbers.values())
    free = (one for one in range(1, _Probe.MOST_WORKERS + 1) if one not in taken)
    number = next(free, None)
    if number is not None:
        _numbers[worker] = number


def post_fork(server: "Any", worker: "Any") -> None:  # noqa: ARG001
    """Report to the master's probe, as not ready."""
    number = _numbers.get(worker)
    if number is not None:
        probe.worker(number)


def post_worker_init(worker: "Any") -> None:
    """Warm up, again until it succeeds; then listen, and become ready."""
    if type(worker.wsgi).__module__ == "coldcache.web.asgi":
        return  # it warms up in the worker's event loop, which listens after that
    from coldcache.web._warming import declare_ready, warm_until_done  # noqa: PLC0415

    def is_wanted() -> bool:
        worker.notify()  # the master takes a worker that is silent for long to be dead
        return bool(worker.alive) and os.getppid() == worker.ppid

    is_auto, here.is_auto = here.is_auto, False  # it is not ready before it listens
    try:
        if not warm_until_done(is_wanted):
            return  # it was told to end; its loop sees that
    finally:
        here.is_auto = is_auto
    for listener in worker.sockets:
        listener.listen(worker.cfg.backlog)
    declare_ready()


def child_exit(server: "Any", worker: "Any") -> None:  # noqa: ARG001
    """Drop what a worker said that has ended."""
    number = _numbers.pop(worker, None)
    if number is not None:
        probe.forget_worker(number)

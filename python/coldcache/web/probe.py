"""A port that says whether this process is ready, from its first moment on.

``/livez`` answers 200. ``/readyz`` answers 503 with ``Retry-After`` and the progress of the warm-up
until `ready` was said, or a warm-up succeeded, and no required step is pending; then 200.
``/startup`` answers with the timeline. A native thread answers, which needs no GIL: also while
Python imports.
"""

import atexit
import os

from coldcache._core import _log_warning, _Probe
from coldcache.exceptions import ConfigError
from coldcache.web import _address
from coldcache.web._readiness import here

__all__ = [
    "address",
    "is_ready",
    "ready",
    "require_workers",
    "start",
    "start_from_environment",
    "stop",
    "worker",
]

_VARIABLE = "COLDCACHE_PROBE"

_probe: _Probe | None = None
_has_hooks = False


def start(*, port: int, host: str = _address.LOOPBACK, auto_ready: bool = True) -> tuple[str, int]:
    """Open the port. The earlier, the better: before the imports of the application.

    Args:
        port: The port; with 0 the system chooses one.
        host: The IP address to listen on: loopback, unless a probe comes from elsewhere, as those
            of Kubernetes do.
        auto_ready: Whether a `coldcache.warm_up` that succeeds makes the process ready; otherwise
            it takes a call of `ready` as well.

    Returns:
        The address and the port it listens on.

    Raises:
        OSError: The port is in use, or the address is not of this machine.
        ConfigError: *port* or *host* cannot be used, or a probe listens elsewhere already.
        TypeError: *port* is no number.
    """
    global _probe  # noqa: PLW0603 - a process has one
    if isinstance(port, bool) or not isinstance(port, int):
        message = f"port must be a number from 0 to 65535, got {port!r}"
        raise TypeError(message)
    if not 0 <= port <= 65535:
        message = f"port must be a number from 0 to 65535, got {port!r}"
        raise ConfigError(message)
    host = _address.check_host("host", host)
    running = address()
    if running is not None:
        if running[0] == host and port in (0, running[1]):
            here.is_auto = auto_ready
            return running
        message = f"a probe listens on {_shown(*running)} already, so not on {_shown(host, port)}"
        raise ConfigError(message)
    try:
        made = _Probe(host, port)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        message = f"the probe cannot listen on {_shown(host, port)}: {reason}"
        raise OSError(error.errno, message) from None
    _probe = made
    here.is_auto = auto_ready
    _install_hooks()
    _publish(here.is_ready, here.text())
    return made.address


def start_from_environment() -> tuple[str, int] | None:
    """Open the port that ``COLDCACHE_PROBE`` names: ``127.0.0.1:8081``, or ``8081`` for the same.

    If that cannot be done a line in the log says why, and the program goes on without.

    Returns:
        The address and the port, or ``None`` without a probe.
    """
    text = os.environ.get(_VARIABLE, "").strip()
    if not text:
        return None
    try:
        host, port = _address.parse(_VARIABLE, text)
        return start(host=host, port=port)
    except (OSError, ConfigError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        _log_warning(f"no probe: {reason}; the program starts without")
        return None


def stop() -> None:
    """Close the port. At the end of the interpreter this happens by itself."""
    if _probe is not None:
        _probe.stop()


def ready(is_ready: bool = True) -> None:
    """Declare this process to be ready, or to be about to end.

    Until the required steps of the warm-up are done, ``/readyz`` stays at 503 all the same.

    Args:
        is_ready: False takes it out of service, for good: a later warm-up does not change that.
    """
    here.say(is_ready)


def is_ready() -> bool:
    """Whether this process is ready, as ``/readyz`` would say of it alone."""
    return here.is_ready


def address() -> tuple[str, int] | None:
    """The address and the port of the probe; ``None`` if this process serves none."""
    return _probe.address if _probe is not None and _probe.is_serving() else None


def require_workers(number: int) -> None:
    """Have the probe of this process answer for the workers that it forks, instead of for itself.

    ``/readyz`` answers 200 when so many are ready, and from then on while one is.

    Args:
        number: How many workers, at most 256. With 0 the process answers for itself.

    Raises:
        ConfigError: It is no such number.
    """
    most = _Probe.MOST_WORKERS
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= most:
        message = f"number must be a number of workers from 0 to {most}, got {number!r}"
        raise ConfigError(message)
    if _probe is not None:
        _probe.require(number)


def worker(number: int) -> None:
    """Have this forked process report to the probe of its parent.

    It begins as not ready, whatever its parent was.

    Args:
        number: The number of this worker, from 1; one that has ended may leave its number.

    Raises:
        ConfigError: It is no such number.
    """
    _check_worker(number)
    here.forget()
    if _probe is not None:
        _probe.adopt(number)
        _publish(here.is_ready, here.text())


def forget_worker(number: int) -> None:
    """Drop what the worker of this number said: it has ended. In the parent."""
    _check_worker(number)
    if _probe is not None:
        _probe.forget(number)


def _check_worker(number: int) -> None:
    if isinstance(number, bool) or not 1 <= number <= _Probe.MOST_WORKERS:
        message = (
            f"number must be that of a worker, from 1 to {_Probe.MOST_WORKERS}, got {number!r}"
        )
        raise ConfigError(message)


def timeline() -> bytes:
    """Return the timeline of this process as JSON."""
    import coldcache  # noqa: PLC0415

    return coldcache.startup().to_json().encode()


def _publish(is_ready: bool, text: bytes) -> None:
    if _probe is None:
        return
    try:
        _probe.report(is_ready, text)
        if here.phase not in ("starting", "warming"):  # it takes a while: at the turns only
            _probe.put_timeline(timeline())
    except Exception as error:  # noqa: BLE001 - neither a warm-up nor a request may fail with it
        _log_warning(f"the probe was not told: {type(error).__name__}")


def _install_hooks() -> None:
    global _has_hooks  # noqa: PLW0603 - hooks cannot be taken back
    if _has_hooks:
        return
    _has_hooks = True
    here.sinks.append(_publish)
    atexit.register(stop)
    # The thread ends before a fork and goes on after it: a child is copied from a process without
    # it, and has the port closed.
    os.register_at_fork(before=_pause, after_in_parent=_resume, after_in_child=stop)


def _pause() -> None:
    if _probe is not None:
        _probe.pause()


def _resume() -> None:
    if _probe is not None:
        _probe.resume()


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

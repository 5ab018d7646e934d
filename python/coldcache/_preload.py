"""`preload`: import before the fork, and see that what is there then survives being copied."""

from __future__ import annotations

import gc
import importlib
import time

from coldcache import _fork_audit, _fork_repair
from coldcache.exceptions import PreloadError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from coldcache._fork_audit import Watch
    from coldcache._fork_finding import Finding


class PreloadReport:
    """What a preload did and found.

    Attributes:
        modules: Name of each module, and the seconds that its import took.
        findings: What a forked child cannot use as it is, the repaired ones too.
        seconds: How long it all took, the audit included.
        audit_seconds: How long the audit took.
        warm_up: The report of the warm-up, or ``None``.
    """

    def __init__(
        self,
        modules: list[tuple[str, float]],
        findings: list[Finding],
        *,
        seconds: float,
        audit_seconds: float,
        warm_up: Any,
    ) -> None:
        self.modules = tuple(modules)
        self.findings = tuple(findings)
        self.seconds = seconds
        self.audit_seconds = audit_seconds
        self.warm_up = warm_up

    @property
    def unsafe(self) -> tuple[Finding, ...]:
        """What is not safe to fork with, and cannot be repaired from here."""
        return tuple(finding for finding in self.findings if not finding.repaired)

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {
            "seconds": self.seconds,
            "audit_seconds": self.audit_seconds,
            "modules": [{"name": name, "seconds": seconds} for name, seconds in self.modules],
            "findings": [finding.to_dict() for finding in self.findings],
            "warm_up": None if self.warm_up is None else self.warm_up.to_dict(),
        }

    def to_json(self) -> str:
        """The report as JSON."""
        import json  # noqa: PLC0415 - not every start writes its report

        return json.dumps(self.to_dict())

    def __str__(self) -> str:
        names = ", ".join(name for name, _ in self.modules)
        lines = [
            f"preload of {names}: {self.seconds * 1000:.0f} ms, "
            f"{len(self.unsafe)} unsafe, {len(self.findings) - len(self.unsafe)} repaired"
        ]
        lines += [f"  {finding}" for finding in self.findings]
        return "\n".join(lines)


def preload(
    *modules: str,
    warm_up: bool = False,
    repair: bool = True,
    freeze: bool = True,
    strict: bool = False,
) -> PreloadReport:
    """Import modules before workers are forked, so that all of them share one copy.

    Then everything alive is looked through for what a forked child cannot use: connected sockets,
    event loops, threads, pools, locks that are held, random number generators. What can be put
    right is put right in each child: its copies of idle connections, of pools and of generators are
    replaced. What cannot is named in the report, with what would do, and in the log.

    Call it where the workers are forked from: in ``gunicorn.conf.py``; for the runtime client's
    workers set ``COLDCACHE_PRELOAD=1``.

    Args:
        modules: Names of modules, ``app`` or ``app:name``.
        warm_up: Whether to run `warm_up` after the imports. Resources and pools of coldcache are
            made anew in each child.
        repair: Whether to put right in the children what can be.
        freeze: Whether to keep the garbage collector from writing to what is there by now, which
            would undo the sharing (`gc.freeze`).
        strict: Whether to fail if something unsafe is left.

    Returns:
        The report.

    Raises:
        PreloadError: *strict* is true and something is unsafe. It has the report.
        ImportError: A module cannot be imported. Its other errors come out as they are.
        AttributeError: A module has no such name.
        TypeError: A name is no text, or there is none.
    """
    targets = [_target(name) for name in modules]
    if not targets:
        raise TypeError("preload() takes at least one name of a module")
    begin = time.perf_counter()
    watch = _fork_audit.Watch()
    # Nothing is collected until it is frozen: what is freed now leaves holes in the shared pages,
    # and each child would get copies of them by filling the holes.
    collects = freeze and gc.isenabled()
    if collects:
        gc.disable()
    try:
        report = _preload(targets, begin, watch, warm_up=warm_up, repair=repair)
        if freeze:
            gc.freeze()
    finally:
        if collects:
            gc.enable()
    report.seconds = time.perf_counter() - begin
    _tell(report, strict=strict)
    return report


def _preload(
    targets: list[tuple[str, str]], begin: float, watch: Watch, *, warm_up: bool, repair: bool
) -> PreloadReport:
    done: list[tuple[str, float]] = []
    for name, attribute in targets:
        started = time.perf_counter()
        module = importlib.import_module(name)
        if attribute and not hasattr(module, attribute):
            message = (
                f"module {name!r} has no attribute {attribute!r} (preload of '{name}:{attribute}')"
            )
            raise AttributeError(message)
        done.append((name, time.perf_counter() - started))
        watch.note(f"the import of {name}")
    warmed = None
    if warm_up:
        from coldcache import _warm_up  # noqa: PLC0415 - where it is asked for

        warmed = _warm_up.warm_up()
        watch.note("the warm-up")
    started = time.perf_counter()
    findings = _fork_audit.audit(watch)
    if repair:
        _fork_repair.arrange(findings)
    now = time.perf_counter()
    return PreloadReport(
        done, findings, seconds=now - begin, audit_seconds=now - started, warm_up=warmed
    )


def _target(name: str) -> tuple[str, str]:
    if not isinstance(name, str):
        message = f"preload() takes names of modules, got {name!r}"
        raise TypeError(message)
    module, _, attribute = name.partition(":")
    return module, attribute


def _tell(report: PreloadReport, *, strict: bool) -> None:
    from coldcache._core import _log_warning  # noqa: PLC0415 - rarely

    if not report.unsafe:
        return
    found = "; ".join(str(finding) for finding in report.unsafe)
    if strict:
        error = PreloadError(f"not safe to fork with: {found}")
        error.report = report
        raise error
    _log_warning(f"not safe to fork with: {found}")

"""What to do next: how a found plan is applied, or how one is looked for."""

from __future__ import annotations

from .markup import Content, Html, element
from .outcome import Outcome
from .traces import Run

__all__ = ["apply_plan", "find_plan"]

_LOCK = "coldcache.lock"
_WRAPPERS = (
    ("coldcache in a layer", "/opt/python/coldcache/auto/exec_wrapper"),
    ("coldcache in the function's own package", "/var/task/coldcache/auto/exec_wrapper"),
)


def apply_plan(outcome: Outcome) -> Html:
    """The steps from the lock file to a deployed function that uses it."""
    if outcome.verdict != "better" or outcome.lock is None:
        return element(
            "p",
            "There is no lock file to apply: one is written only where init + first answer gets "
            "shorter by more than the noise, with equal answers.",
        )
    wrappers = [
        element("li", f"{place}: ", element("code", f"AWS_LAMBDA_EXEC_WRAPPER={path}"))
        for place, path in _WRAPPERS
    ]
    steps: list[Content] = [
        [
            "Put ",
            element("code", outcome.lock),
            " into the top folder of the function's package",
            None if _is_named_right(outcome.lock) else [" as ", element("code", _LOCK)],
            ". No source file changes.",
        ],
        ["Set one environment variable of the function.", element("ul", wrappers)],
        [
            "On other hosts, name the file in ",
            element("code", "COLDCACHE_LOCK"),
            " and start the program through the same wrapper, or put ",
            element("code", "import coldcache.auto"),
            " before the first other import.",
        ],
        [
            "After an update of Python or of a package, run the optimisation again: "
            "a plan for other versions is refused, and the function starts as it did without. ",
            element("code", "COLDCACHE_AUTO=off"),
            " switches the plan off.",
        ],
    ]
    return element("ol", [element("li", step) for step in steps], class_="steps")


def _is_named_right(path: str) -> bool:
    return path.rpartition("/")[2] == _LOCK


def find_plan(run: Run) -> Html:
    """The command that looks for a plan for a profiled function."""
    events = " ".join(f"--event {trace.event}" for trace in run.traces)
    return Html(
        element(
            "p",
            "Imports that no event needs can wait. This command looks for them, proves on the same "
            "events that every answer stays the same, and measures the gain:",
        )
        + element("pre", element("code", f"coldcache optimize {run.target} {events}"))
    )

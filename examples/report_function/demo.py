"""Compare the cold start of the report function: as people write it, under a plan, and tuned.

Starts a local AWS, finds the plan with ``coldcache optimize`` and proves it, measures the tuned
variant with ``coldcache lab``, stops the local AWS again. Needs coldcache[tools] and
``examples/requirements.txt`` in the Python that runs it.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from coldcache.tools.lab.stop_signals import Stopped, deferred, raised

from local_aws import LocalAwsError, environment, local_aws, stop

PROJECT = Path(__file__).resolve().parents[2]
FUNCTION = Path(__file__).resolve().parent.relative_to(PROJECT)
EVENTS = [path.relative_to(PROJECT) for path in sorted((PROJECT / FUNCTION).glob("events/*.json"))]

PLAIN = f"{FUNCTION / 'plain'}:app.handler"
TUNED = f"{FUNCTION / 'tuned'}:app.handler"

# Ample for one start of one variant with its answers, so that a stuck tool ends some day.
SAMPLE_WITHIN_S = 60
SEARCH_WITHIN_S = 600

ROWS = {
    "init": ("init_ms", "init_ms", "ms"),
    "init + first answer": ("init_plus_first_ms", "first_answer_ms", "ms"),
    "warm answer": ("warm_answer_ms", "warm_answer_ms", "ms"),
    "peak memory": ("peak_memory_mb", "peak_memory_bytes", "MB"),
}
"""Each row by its name in the figures of the optimiser and of the lab."""


def main(argv: list[str] | None = None) -> int:
    """Run the demo.

    Args:
        argv: The arguments; those of the process if not given.

    Returns:
        The exit code: 0 if everything was measured and the answers of both variants are equal.
    """
    options = parser().parse_args(argv)
    try:
        with raised():
            return measure(options)
    except LocalAwsError as error:
        print(error, file=sys.stderr)
        return 1
    except Stopped as stopped:
        print(f"stopped by {stopped.signal.name}; nothing is left running", file=sys.stderr)
        return 128 + stopped.signal


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--runs",
        type=int,
        default=13,
        metavar="N",
        help="fresh processes measured for each variant and event (default: %(default)s)",
    )
    parser.add_argument(
        "--json",
        type=Path,
        default=PROJECT / "build" / "demo.json",
        metavar="FILE",
        help="where the figures go (default: build/demo.json)",
    )
    parser.add_argument(
        "--budget",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="for the search of the optimiser (default: %(default)s)",
    )
    return parser


def measure(options: argparse.Namespace) -> int:
    """Optimise the plain function and measure all variants on a local AWS; return the exit code."""
    figures = options.json.resolve()
    figures.parent.mkdir(parents=True, exist_ok=True)
    plan, lock = figures.with_name("demo-plan.json"), figures.with_name("demo.lock")
    runs, events = options.runs, len(EVENTS)
    say("Starting a local AWS: parameter, secret, orders, a month of sales ...")
    with local_aws() as endpoint_url:
        say(f"Local AWS at {endpoint_url}. Looking for imports that plain can defer ...")
        given = common_arguments(runs, endpoint_url)
        optimize = ["optimize", PLAIN, *given, "--budget", str(options.budget)]
        optimize += ["--out", str(lock), "--json", str(plan)]
        within_s = SEARCH_WITHIN_S + SAMPLE_WITHIN_S * 2 * events * (runs + 5)
        if exit_code := run_tool(optimize, within_s):
            return exit_code
        say(f"\nMeasuring tuned against plain, {events} events, {runs} runs each ...")
        lab = ["lab", TUNED, "--against", PLAIN, *given, "--json", str(figures)]
        if exit_code := run_tool(lab, SAMPLE_WITHIN_S * 2 * events * (runs + 5)):
            return exit_code
    planned, tuned = json.loads(plan.read_text()), json.loads(figures.read_text())
    print_side_by_side(planned, tuned)
    if not tuned["answers_agree"]:
        print("the variants do not give the same answers", file=sys.stderr)
        return 1
    return 0


def common_arguments(runs: int, endpoint_url: str) -> list[str]:
    """Spell the events, the variables and the rounds, as one could type them."""
    arguments = ["--runs", str(runs)]
    for event in EVENTS:
        arguments += ["--event", str(event)]
    for name, value in environment(endpoint_url).items():
        arguments += ["--env", f"{name}={value}"]
    return arguments


def run_tool(arguments: list[str], within_s: float) -> int:
    """Run a command of coldcache to its end; stop it if anything ends the demo earlier."""
    tool = None
    try:
        with deferred():  # a signal in the middle of the start would leave it behind
            tool = subprocess.Popen(
                [sys.executable, "-m", "coldcache", *arguments],
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return tool.wait(within_s)
    except subprocess.TimeoutExpired:
        print(f"coldcache {arguments[0]} did not end within {within_s} s", file=sys.stderr)
        return 1
    finally:
        with deferred():
            if tool is not None:
                stop(tool, signal.SIGINT)


def print_side_by_side(planned: dict[str, Any], tuned: dict[str, Any]) -> None:
    """Print medians of all three variants, each ratio from the interleaved run it was part of."""
    say(f"\nPlain, planned (the plan is {planned['verdict']}), tuned by hand; ratios to plain.\n")
    say(f"{'event':<14}{'':<22}{'plain':>10}{'planned':>20}{'tuned':>20}")
    by_event = {one["event"]: one["metrics"] for one in planned["events"]}
    for one in tuned["results"]:
        for row, (in_plan, in_lab, unit) in ROWS.items():
            plan, lab = by_event[one["event"]][in_plan], one["metrics"][in_lab]
            scale = 1e6 if in_lab.endswith("bytes") else 1
            cells = [
                f"{lab['baseline']['median'] / scale:.1f} {unit}",
                f"{plan['planned']['median']:.1f} {unit} ({plan['ratio']['median']:.2f})",
                f"{lab['target']['median'] / scale:.1f} {unit} ({ratio(lab):.2f})",
            ]
            name = Path(one["event"]).stem if row == "init" else ""
            say(f"{name:<14}{row:<22}{cells[0]:>10}{cells[1]:>20}{cells[2]:>20}")


def ratio(metric: dict[str, Any]) -> float:
    """Tuned to plain, by the medians."""
    return metric["target"]["median"] / metric["baseline"]["median"]


def say(text: str) -> None:
    """Print a line at once, so that it stands before what the lab prints."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

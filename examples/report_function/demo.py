"""Compare the cold start of the report function as people write it with the same one tuned.

Starts a local AWS, measures both variants with ``coldcache lab``, stops the local AWS again.
Needs coldcache[tools] and ``examples/requirements.txt`` in the Python that runs it.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from pathlib import Path

from coldcache.tools.lab.stop_signals import Stopped, deferred, raised

from local_aws import LocalAwsError, environment, local_aws, stop

PROJECT = Path(__file__).resolve().parents[2]
FUNCTION = Path(__file__).resolve().parent.relative_to(PROJECT)
EVENTS = [path.relative_to(PROJECT) for path in sorted((PROJECT / FUNCTION).glob("events/*.json"))]

# Ample for one start of one variant with its answers, so that a stuck lab ends some day.
SAMPLE_WITHIN_S = 60


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
            return measure(options.runs, options.json.resolve())
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
        default=10,
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
    return parser


def measure(runs: int, figures: Path) -> int:
    """Run the lab on both variants and all events against a local AWS; return the exit code."""
    figures.parent.mkdir(parents=True, exist_ok=True)
    say("Starting a local AWS: parameter, secret, orders, a month of sales ...")
    with local_aws() as endpoint_url:
        say(f"Local AWS at {endpoint_url}. Measuring {len(EVENTS)} events, {runs} runs each ...")
        exit_code = run_lab(lab_arguments(runs, figures, endpoint_url), runs)
    if exit_code == 0 and not json.loads(figures.read_text())["answers_agree"]:
        print("the two variants do not give the same answers", file=sys.stderr)
        return 1
    return exit_code


def lab_arguments(runs: int, figures: Path, endpoint_url: str) -> list[str]:
    """Spell the command line of the lab, as one could type it in the project's folder."""
    arguments = [sys.executable, "-m", "coldcache", "lab", f"{FUNCTION / 'tuned'}:app.handler"]
    arguments += ["--against", f"{FUNCTION / 'plain'}:app.handler"]
    for event in EVENTS:
        arguments += ["--event", str(event)]
    for name, value in environment(endpoint_url).items():
        arguments += ["--env", f"{name}={value}"]
    return [*arguments, "--runs", str(runs), "--json", str(figures)]


def run_lab(arguments: list[str], runs: int) -> int:
    """Run the lab to its end; stop it if anything ends the demo earlier."""
    within_s = SAMPLE_WITHIN_S * 2 * len(EVENTS) * (runs + 5)
    lab = None
    try:
        with deferred():  # a signal in the middle of the start would leave the lab behind
            lab = subprocess.Popen(
                arguments, cwd=PROJECT, stdin=subprocess.DEVNULL, start_new_session=True
            )
        return lab.wait(within_s)
    except subprocess.TimeoutExpired:
        print(f"the lab did not end within {within_s} s", file=sys.stderr)
        return 1
    finally:
        with deferred():
            if lab is not None:
                stop(lab, signal.SIGINT)


def say(text: str) -> None:
    """Print a line at once, so that it stands before what the lab prints."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

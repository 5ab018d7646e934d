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
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from local_aws import LocalAwsError, environment, local_aws, stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

PROJECT = Path(__file__).resolve().parents[2]
FUNCTION = Path(__file__).resolve().parent.relative_to(PROJECT)
EVENTS = [path.relative_to(PROJECT) for path in sorted((PROJECT / FUNCTION).glob("events/*.json"))]

# Ample for one start of one variant with its answers, so that a stuck lab ends some day.
SAMPLE_WITHIN_S = 60


class Stopped(BaseException):
    """A signal asked the demo to stop.

    Attributes:
        exit_code: What a shell expects of a process that the signal ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def main(argv: list[str] | None = None) -> int:
    """Run the demo.

    Args:
        argv: The arguments; those of the process if not given.

    Returns:
        The exit code: 0 if everything was measured and the answers of both variants are equal.
    """
    options = parser().parse_args(argv)
    if not lab_command().exists():
        print(
            f"no coldcache command in {lab_command().parent}: run `make demo`, "
            "or install coldcache[tools] there",
            file=sys.stderr,
        )
        return 2
    try:
        with stopping_on_signals():
            return measure(options.runs, options.json.resolve())
    except LocalAwsError as error:
        print(error, file=sys.stderr)
        return 1
    except Stopped as stopped:
        print(f"\n{stopped}; nothing is left running", file=sys.stderr)
        return stopped.exit_code


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
    arguments = [str(lab_command()), "lab", f"{FUNCTION / 'tuned'}:app.handler"]
    arguments += ["--against", f"{FUNCTION / 'plain'}:app.handler"]
    for event in EVENTS:
        arguments += ["--event", str(event)]
    for name, value in environment(endpoint_url).items():
        arguments += ["--env", f"{name}={value}"]
    return [*arguments, "--runs", str(runs), "--json", str(figures)]


def lab_command() -> Path:
    """Find the coldcache command of the Python that runs the demo."""
    return Path(sys.executable).with_name("coldcache")


def run_lab(arguments: list[str], runs: int) -> int:
    """Run the lab to its end; stop it if anything ends the demo earlier."""
    within_s = SAMPLE_WITHIN_S * 2 * len(EVENTS) * (runs + 5)
    lab = subprocess.Popen(arguments, cwd=PROJECT, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        return lab.wait(within_s)
    except subprocess.TimeoutExpired:
        print(f"the lab did not end within {within_s} s", file=sys.stderr)
        return 1
    finally:
        stop(lab, signal.SIGINT)


@contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Turn the first signal that asks to stop into `Stopped`; the clean-up is not interrupted."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop_once(number: int, _frame: FrameType | None) -> None:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    before = {number: signal.signal(number, stop_once) for number in numbers}
    try:
        yield
    finally:
        for number, action in before.items():
            signal.signal(number, action)


def say(text: str) -> None:
    """Print a line at once, so that it stands before what the lab prints."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())

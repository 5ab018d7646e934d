"""What telemetry adds to a start: the same function bare, with coldcache, with what others use.

Each sample is a fresh process of the real runtime client with an event waiting, and a second event
behind it: up to the end of init, up to the first answer, and up to when the client asks for the
second event, by when whatever was put off until after the answer has been done. Beside the wall
time stands the time on a processor, which a busy machine disturbs less. Bytecode is written by a
discarded round. Rounds are interleaved; what a variant adds is compared with the bare function of
the same round.

    python benches/handler_cost.py [--quick] [--json] [--rounds N]
"""

from __future__ import annotations

import importlib.util
import random
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import tables
from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.interpreter import inspect_interpreter
from coldcache.tools.lab.output import Output
from coldcache.tools.lab.runtime_api import RuntimeApi
from coldcache.tools.lab.sandbox import Sandbox
from coldcache.tools.lab.target import Target
from interleaved import DISCARDED_ROUNDS, Spread

FOLDER = Path(__file__).parent / "handler_cost"
BARE, OURS = "bare", "ours"
# Module, what it is called, the package it needs.
PEERS = {
    "powertools": ("Powertools Logger + Metrics + Tracer", "aws_lambda_powertools"),
    "opentelemetry_lambda": (
        "OpenTelemetry instrumentation",
        "opentelemetry.instrumentation.aws_lambda",
    ),
    "datadog_wrapper": ("Datadog wrapper", "datadog_lambda"),
}
NAMES = {BARE: "bare", OURS: "coldcache handler + EMF"} | {
    module: name for module, (name, _) in PEERS.items()
}
STAGES = (
    "end of init",
    "first answer",
    "ready for the second event",
    "processor, end of init",
    "processor, ready for the second event",
)
# What a start is judged by: what comes after the first answer delays nobody.
JUDGED = (1, 3)
Stages = tuple[float, ...]
EVENT = b'{"key": "value"}'
LONG_S = 60.0
MOST_MILLISECONDS = 2.0
LEAST_TIMES_CHEAPER = 10.0
# A peer adds a hundred times what has to be seen of ours: it needs fewer rounds.
PEERS_EVERY = 4


def is_here(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def processor_milliseconds(pid: int) -> float:
    """How long all threads of a process have been on a processor."""
    # The clock of another process, as clock_getcpuclockid(3) makes its number.
    return time.clock_gettime_ns(~pid << 3 | 2) / 1e6


class Variant:
    """One function, and the milliseconds of its samples by stage."""

    def __init__(self, module: str, scratch: Path) -> None:
        self.target = Target.parse(f"{FOLDER}:{module}.handler")
        base = base_environment(scratch, scratch / "pycache")
        self.interpreter = inspect_interpreter(Path(sys.executable), self.target, base)
        self.settings: Mapping[str, str] = {
            **sample_environment(base, self.target, self.interpreter, {}),
            "TMPDIR": str(scratch),
            # What is not there cannot be asked: no extension, no daemon.
            "DD_TRACE_ENABLED": "true",
            "AWS_XRAY_CONTEXT_MISSING": "IGNORE_ERROR",
            "AWS_XRAY_SDK_ENABLED": "true",
        }

    def sample(self) -> Stages:
        """Start once: milliseconds to each stage."""
        busy: list[float] = []
        with RuntimeApi(
            function_arn="arn:aws:lambda:us-east-1:0:function:bench",
            # The client stands still meanwhile.
            before_next=lambda: busy.append(processor_milliseconds(sandbox.pid)),
        ) as api:
            sandbox = Sandbox(
                [str(self.interpreter.path), "-m", "awslambdaric", self.target.handler],
                environment={**self.settings, "AWS_LAMBDA_RUNTIME_API": api.address},
                folder=self.target.folder,
                output=Output(keep_bytes=10_000),
                on_exit=api.client_gone,
            )
            with sandbox:
                first, second = (api.offer(EVENT, timeout_s=LONG_S) for _ in range(2))
                sandbox.start()
                init = api.wait_for_init(LONG_S)
                answered = api.wait_for_answer(first, LONG_S)
                api.wait_for_answer(second, LONG_S)
                asked = api.handed_ns(second)
            if answered.error is not None or asked is None:
                message = f"{self.target.handler} failed: {answered.error}"
                raise SystemExit(message)
            began = sandbox.spawned_ns
            walls = ((at - began) / 1e6 for at in (init, answered.answered_ns, asked))
            return (*walls, *busy[:2])


def measure(modules: list[str], rounds: int) -> dict[str, list[Stages]]:
    """What each variant adds to the bare one of its round, and the bare ones themselves."""
    order = random.Random(0)
    added: dict[str, list[Stages]] = {module: [] for module in modules}
    with tempfile.TemporaryDirectory() as scratch:
        variants = {module: Variant(module, Path(scratch)) for module in modules}
        for number in range(rounds + DISCARDED_ROUNDS):
            is_for_all = number < DISCARDED_ROUNDS or number % PEERS_EVERY == 0
            taking_part = modules if is_for_all else [BARE, OURS]
            taken = {
                module: variants[module].sample()
                for module in order.sample(taking_part, len(taking_part))
            }
            if number < DISCARDED_ROUNDS:
                continue
            added[BARE].append(taken[BARE])
            for module in taking_part:
                if module != BARE:
                    pairs = zip(taken[module], taken[BARE], strict=True)
                    added[module].append(tuple(with_ - bare for with_, bare in pairs))
    return added


def main() -> int:
    """Print the table and the targets; fail if one is missed."""
    given = tables.parser(__doc__, rounds=60, quick=12).parse_args()
    peers = [module for module, (_, package) in PEERS.items() if is_here(package)]
    added = measure([BARE, OURS, *peers], given.rounds)
    rows = []
    for module, samples in added.items():
        cells = []
        for at in range(len(STAGES)):
            spread = Spread.of([sample[at] for sample in samples])
            sign = "" if module == BARE else "+"
            cells.append(f"{sign}{spread.median:.1f} [{spread.low:.1f}, {spread.high:.1f}]")
        rows.append([NAMES[module], *cells])
    ours = [Spread.of([sample[at] for sample in added[OURS]]) for at in range(len(STAGES))]
    targets = [
        tables.Target.of(f"coldcache adds, ms, {STAGES[at]}", MOST_MILLISECONDS, ours[at])
        for at in JUDGED
    ]
    for module in peers:
        theirs = Spread.of([sample[-1] for sample in added[module]])
        share = Spread(
            *[part / theirs.median for part in (ours[-1].low, ours[-1].median, ours[-1].high)]
        )
        targets.append(
            tables.Target.of(f"added: coldcache / {NAMES[module]}", 1 / LEAST_TIMES_CHEAPER, share)
        )
    note = (
        f"Milliseconds from the spawn, medians of {given.rounds} interleaved rounds "
        f"(the others in every {PEERS_EVERY}th), quartiles in brackets; what is added to bare."
    )
    remarks = [
        f"SKIPPED (not installed): {name}"
        for module, (name, _) in PEERS.items()
        if module not in peers
    ]
    table = tables.Table("Telemetry at start", ["function", *STAGES], rows, note)
    return tables.Outcome([table], targets, remarks).emit(given.json)


if __name__ == "__main__":
    raise SystemExit(main())

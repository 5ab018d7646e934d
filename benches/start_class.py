"""Does a handler know which kind of start it had? The lab drives the real runtime client.

Each start is an environment of its own, whose kind the lab decides: a request waiting, a start
ahead of any request (also with a freeze before the first one), provisioned concurrency, SnapStart,
two workers of a managed instance, an init again after a crash; and a second call. What coldcache
tells is compared with what was done. Beside it stands what two other libraries tell of such starts.

    python benches/start_class.py [--starts N] [--peer-starts N]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.interpreter import inspect_interpreter
from coldcache.tools.lab.life.environment import Environment
from coldcache.tools.lab.life.options import Life
from coldcache.tools.lab.life.records import CallRecord
from coldcache.tools.lab.target import Target

FOLDER = Path(__file__).parent / "start_class"
CLASSES = (
    "on-demand",
    "proactive",
    "provisioned",
    "restored",
    "managed-instance",
    "re-init",
    "warm",
)
PEERS_ANSWERS = [f"{cold}|{says}" for cold in (True, False) for says in (True, False, None)]
EVENT = b"{}"
GAP_S = 0.15

LIVES = {
    "a request waits": (Life(), "on-demand"),
    "started ahead": (Life(proactive_gap_s=GAP_S), "proactive"),
    "started ahead, then frozen": (
        Life(freeze=True, frozen_clock_shift_s=600.0, proactive_gap_s=0.02),
        "proactive",
    ),
    "provisioned concurrency": (Life(initialization="provisioned-concurrency"), "provisioned"),
    "SnapStart": (Life(initialization="snap-start"), "restored"),
    "two workers": (
        Life(initialization="lambda-managed-instances", workers=2),
        "managed-instance",
    ),
    "again after a crash": (Life(), "re-init"),
}


def known(answers: list[str]) -> dict[str, str]:
    """The fingerprint of each answer that there can be."""
    texts = {json.dumps(answer): answer for answer in answers}
    return {hashlib.sha256(text.encode()).hexdigest(): one for text, one in texts.items()}


class Bench:
    """One function, started in every way."""

    def __init__(self, module: str, answers: list[str], scratch: Path) -> None:
        self.target = Target.parse(f"{FOLDER}:{module}.handler")
        self.scratch = scratch
        self.answers = known(answers)
        base = base_environment(scratch, scratch)
        self.interpreter = inspect_interpreter(Path(sys.executable), self.target, base)
        self.settings = sample_environment(base, self.target, self.interpreter, {})
        self.number = 0

    def environment(self, life: Life) -> Environment:
        """An environment that has not been started."""
        self.number += 1
        return Environment(
            self.target,
            self.interpreter,
            self.settings,
            life,
            number=self.number,
            scratch=self.scratch / f"tmp{self.number}",
            call_timeout_s=20.0,
        )

    def told(self, record: CallRecord) -> str:
        """What the answer of a call says."""
        if record.outcome != "ok":
            return f"{record.outcome}: {record.error}"
        return self.answers.get(record.answer_sha256, "another answer")

    def ours(self, way: str) -> list[tuple[str, str]]:
        """Start once this way: what was done and what was told, for each call of interest."""
        life, done = LIVES[way]
        with self.environment(life) as environment:
            if done == "managed-instance":
                environment.start()
                told = self.side_by_side(environment, life.workers)
                return [(done, one) for one in told]
            if way == "again after a crash":
                environment.start(event=EVENT)
                environment.call(EVENT)
                environment.call(b'{"crash": true}')
            elif done == "on-demand":
                environment.start(event=EVENT)
            else:
                environment.start()
            first = self.told(environment.call(EVENT))
            second = self.told(environment.call(EVENT))
            return [(done, first), ("warm", second)]

    def side_by_side(self, environment: Environment, workers: int) -> list[str]:
        """What as many calls at once say as there are workers."""
        told: list[str] = []

        def call() -> None:
            told.append(self.told(environment.call(b'{"seconds": 0.3}')))

        threads = [threading.Thread(target=call) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return told

    def peers(self, way: str) -> str:
        """What the peers told of the first call of such a start."""
        life, done = LIVES[way]
        with self.environment(life) as environment:
            if way == "again after a crash":
                environment.start(event=EVENT)
                environment.call(EVENT)
                environment.call(b'{"crash": true}')
                environment.call(EVENT)
            elif done == "managed-instance":
                environment.start()
                self.side_by_side(environment, life.workers)
            else:
                environment.start(event=EVENT if done == "on-demand" else None)
                environment.call(EVENT)
            return self.told(environment.call(b'{"report": true}'))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=100)
    parser.add_argument("--peer-starts", type=int, default=3)
    options = parser.parse_args()
    missed = False
    with tempfile.TemporaryDirectory() as scratch:
        ours = Bench("ours", list(CLASSES), Path(scratch))
        peers = Bench("peers", PEERS_ANSWERS, Path(scratch)) if options.peer_starts else None
        print(f"{'start':<28} {'coldcache':<34} {'Powertools':<22} OpenTelemetry")
        warm: Counter[str] = Counter()
        for way, (_, done) in LIVES.items():
            told: Counter[str] = Counter()
            for _ in range(options.starts):
                for wanted, one in ours.ours(way):
                    (warm if wanted == "warm" else told)[one] += 1
            missed |= set(told) != {done}
            right, all_ = told[done], sum(told.values())
            text = f"{done} {right}/{all_}"
            if right < all_:
                text += f" {dict(told)}"
            others = Counter(peers.peers(way) for _ in range(options.peer_starts)) if peers else {}
            print(f"{way:<28} {text:<34} {describe(others)}", flush=True)
        missed |= set(warm) != {"warm"}
        print(f"{'a second call':<28} warm {warm['warm']}/{sum(warm.values())}")
    return 1 if missed else 0


def describe(others: Counter[str]) -> str:
    powertools: Counter[str] = Counter()
    opentelemetry: Counter[str] = Counter()
    for answer, count in others.items():
        cold, bar, says = answer.partition("|")
        if not bar:
            return answer
        powertools["cold" if cold == "True" else "not cold"] += count
        opentelemetry["no word" if says == "None" else f"coldstart={says}"] += count
    told = [
        ", ".join(f"{what} {count}x" for what, count in one.items())
        for one in (powertools, opentelemetry)
    ]
    return f"{told[0]:<22} {told[1]}"


if __name__ == "__main__":
    sys.exit(main())

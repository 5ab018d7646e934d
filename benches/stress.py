"""Random operations against an oracle, until the time is up or something is wrong.

    python benches/stress.py --seconds 600 --seed 1
    python benches/stress.py --seed 1 --round 1234      # the one that failed, again

Odd rounds are sequences of operations with the clocks turned by hand, compared with plain dicts
after every step; they always run the same. Even rounds are threads and event loops at work on the
same keys; the same seed gives the same plans, the interleaving is the machine's.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "torture"))

from crowd import Crowd
from sequence import Sequence

STEPS = 120


def schedule(seed: int, number: int) -> Sequence | Crowd:
    name = f"{seed}:{number}"
    return Sequence(name, STEPS) if number % 2 else Crowd(name)


def stand(seed: int, number: int) -> bool:
    """Run one round; if it fails tell how, and how to run it again."""
    plan = schedule(seed, number)
    try:
        plan.run()
    except Exception as error:  # noqa: BLE001 - whatever it was, it was this round
        print(f"{type(plan).__name__} of round {number} failed: {error}", plan, sep="\n")
        print(f"again: python benches/stress.py --seed {seed} --round {number}", flush=True)
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600, help="how long (default: 600)")
    parser.add_argument("--seed", type=int, help="default: drawn, and printed")
    parser.add_argument("--round", type=int, help="only this round, until the time is up")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    print(f"seed {seed}, {given.seconds:g} s, Python {sys.version.split()[0]}", flush=True)
    sys.setswitchinterval(1e-5)  # threads change places in the middle of everything
    start = told = time.monotonic()
    number = 0
    while time.monotonic() - start < given.seconds:
        if not stand(seed, number if given.round is None else given.round):
            return 1
        number += 1
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"{told - start:.0f} s, {number} rounds", flush=True)
    print(f"{number} rounds, nothing wrong")
    return 0


if __name__ == "__main__":
    sys.exit(main())

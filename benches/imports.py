"""What `import X` costs in a fresh process, against peers, as ratios in one interleaved run.

Each sample is a new interpreter (`-I`, without site-packages hooks where `-S` allows it) that times
the import statement alone, so that the start of the interpreter is not part of it. Rounds visit the
packages in a shuffled order; the first rounds are discarded; ratios are taken per round, against
coldcache's sample of the same round.
"""

from __future__ import annotations

import argparse
import importlib.util
import random
import statistics
import subprocess
import sys
import sysconfig

PEERS = ["cachetools", "cachebox", "moka_py", "lazy_loader"]
OURS = "coldcache"
DISCARDED_ROUNDS = 2

# `site` is not loaded, as it would import modules the packages need and hide their cost.
SAMPLE = """
import sys
from time import perf_counter_ns
sys.path.append({site!r})
before = set(sys.modules)
start = perf_counter_ns()
import {name}
took = perf_counter_ns() - start
print(took, len(set(sys.modules) - before))
"""


def sample(name: str) -> tuple[float, int]:
    """Import once in a fresh interpreter: milliseconds and modules added."""
    program = SAMPLE.format(site=sysconfig.get_path("purelib"), name=name)
    command = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    took, modules = done.stdout.split()
    return int(took) / 1e6, int(modules)


def main() -> int:
    """Print the table; fail if a peer is cheaper than coldcache."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    names = [OURS]
    for peer in PEERS:
        if importlib.util.find_spec(peer) is None:
            print(f"SKIPPED (not installed): {peer}")
        else:
            names.append(peer)
    times: dict[str, list[float]] = {name: [] for name in names}
    modules: dict[str, int] = {}
    order = random.Random(0)
    for number in range(rounds + DISCARDED_ROUNDS):
        for name in order.sample(names, len(names)):
            took, modules[name] = sample(name)
            if number >= DISCARDED_ROUNDS:
                times[name].append(took)
    print(
        f"{'import':12} {'modules':>7} {'min ms':>8} {'median ms':>9}   coldcache / it (quartiles)"
    )
    cheapest = True
    for name in names:
        ratios = [ours / its for ours, its in zip(times[OURS], times[name], strict=True)]
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(
            f"{name:12} {modules[name]:7} {min(times[name]):8.2f} "
            f"{statistics.median(times[name]):9.2f}   {middle:.3f} ({low:.3f}-{high:.3f})"
        )
        cheapest = cheapest and (name == OURS or middle < 1)
    print(f"{rounds} interleaved rounds, {sys.version.split()[0]}")
    return 0 if cheapest else 1


if __name__ == "__main__":
    raise SystemExit(main())

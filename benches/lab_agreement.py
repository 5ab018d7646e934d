"""Do the lab's simulator and its real processes agree? Five functions of a recorded workload.

    python benches/lab_agreement.py [--traces FOLDER] [--seconds 600] [--seed 0] [--samples 60]

Eight hours of five functions of the Azure Functions trace of 2019 (CC-BY 4.0; Shahrad et al.,
ATC'20), compressed into --seconds, are run twice: by real processes of the runtime client, and by
the simulator with times measured just before, one call at a time. Pools and arrivals are the same
code and the same seed; what can differ is how long calls take. Exits with 1 if the p50 or p99 of
the latency differ by more than 15 %, or the number of cold starts by more than 5 %.

The stronger the compression, the more often real cold starts fall on each other, which on few cores
slows them; that is in the real p99 alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from coldcache.tools.lab import Event, Target
from coldcache.tools.lab.load import FixedKeepAlive, LoadPlan, Row, Stream, read_trace, run_load
from coldcache.tools.lab.summary import quantile

BESIDE = Path(__file__).resolve().parents[2] / "shared/data/traces"
FILE = "azure2019-500fn-8h/invocations.csv.gz"
# Rows of functions that are cold often enough to count, and never call in bursts: real environments
# that start together share the cores, simulated ones do not.
FUNCTIONS = ("4", "17", "308", "314", "466")
NAPS_MS = (5, 10, 15, 20, 25)
KEEP_ALIVE_S = 600.0
LATENCY_LIMIT, COUNT_LIMIT = 0.15, 0.05
SHARES = (0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)

SOURCE = """
import decimal, email.message, json, time
def handler(event, context):
    time.sleep(event["nap_ms"] / 1000)
    return json.dumps({"total": str(sum(map(decimal.Decimal, range(200))))})
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--traces", type=Path, default=BESIDE)
    parser.add_argument("--seconds", type=float, default=600.0, help="length of the real run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samples", type=int, default=60, help="cold starts measured per function")
    given = parser.parse_args()
    trace = given.traces / FILE
    if not trace.exists():
        print(f"SKIPPED: there is no {trace}; name its folder with --traces", file=sys.stderr)
        return 0
    functions = read_trace(trace, FUNCTIONS, seed=given.seed)
    length_s = max(one.arrivals.length_s for one in functions)
    with tempfile.TemporaryDirectory() as folder:
        streams = []
        for function, nap_ms in zip(functions, NAPS_MS, strict=True):
            place = Path(folder, function.name)
            place.mkdir()
            (place / "app.py").write_text(SOURCE)
            event = Event("event.json", f'{{"nap_ms": {nap_ms}}}'.encode())
            target = Target.parse(f"{place}:app.handler")
            streams.append(Stream(function.name, target, (event,), function.arrivals))
        results = {
            simulate: run_load(
                LoadPlan(
                    streams=tuple(streams),
                    compression=length_s / given.seconds,
                    keep_alive=FixedKeepAlive(KEEP_ALIVE_S),
                    simulate=simulate,
                    cold_samples=given.samples,
                    warm_samples=3 * given.samples,
                    seed=given.seed,
                )
            )
            for simulate in ("always", "never")
        }
    simulated, real = results["always"], results["never"]
    print(f"{real.machine.cpu}, {real.machine.cores} cores, {real.machine.python}")
    print(f"8 h in {given.seconds:g} s, keep-alive {KEEP_ALIVE_S:g} s of the workload\n")
    titles = f"{'p50, ms':>21} {'p99, ms':>21} {'p50 of cold':>14}"
    print(f"{'function':10} {'calls':>6} {'cold':>11} {titles}")
    for stream in streams:
        compare(
            stream.name,
            [row for row in real.rows if row.function == stream.name],
            [row for row in simulated.rows if row.function == stream.name],
        )
    agree = compare("all", real.rows, simulated.rows)
    print(f"\n{'ms':12}" + "".join(f"{'p' + format(100 * share, 'g'):>16}" for share in SHARES))
    for kind in ("cold", "warm"):
        spread(kind, real.rows, simulated.rows)
    print("\nreal / simulated; the limits hold for all calls together:", "met" * agree or "MISSED")
    return 0 if agree else 1


def compare(name: str, real: Sequence[Row], simulated: Sequence[Row]) -> bool:
    """Print a line, and say whether the two agree."""
    colds = [sum(row.kind == "cold" for row in rows) for rows in (real, simulated)]
    cells = [f"{name:10} {len(real):6} {colds[0]:5}/{colds[1]:<5}"]
    agree = len(real) == len(simulated) and abs(colds[0] / colds[1] - 1) <= COUNT_LIMIT
    for share in (0.5, 0.99):
        one, other = (
            quantile([row.latency_ms or 0 for row in rows], share) for rows in (real, simulated)
        )
        cells.append(f"{one:7.1f}/{other:<7.1f}{100 * (one / other - 1):+5.1f}%")
        agree = agree and abs(one / other - 1) <= LATENCY_LIMIT
    medians = [
        quantile([row.latency_ms or 0 for row in rows if row.kind == "cold"], 0.5)
        for rows in (real, simulated)
    ]
    cells.append(f"{medians[0]:7.1f}/{medians[1]:<7.1f}")
    print(" ".join(cells))
    return agree


def spread(kind: str, real: Sequence[Row], simulated: Sequence[Row]) -> None:
    """Print where in its distribution one kind of calls differs."""
    cells = []
    for share in SHARES:
        one, other = (
            quantile([row.latency_ms or 0 for row in rows if row.kind == kind], share)
            for rows in (real, simulated)
        )
        cells.append(f"{one:8.1f}/{other:<7.1f}")
    print(f"{kind:12}" + "".join(cells))


if __name__ == "__main__":
    sys.exit(main())

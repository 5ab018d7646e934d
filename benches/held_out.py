"""Plans found with one event, tried on uses of the same packages that the search never saw.

For each package under `held_out/` a small function is optimized with its one event. Then every
snippet of the package runs in a fresh process without the plan and with it, applied by the
bootstrap as a deployed function gets it. Output, errors and exit code have to be the same.

    python benches/held_out.py [--only PACKAGE] [--wheel FILE] [-- arguments for optimize]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from builds import PROJECT, Build, BuildError, newest_wheel, run
from optimizing import Optimized, OptimizeError, optimize
from tables import Table

HELD_OUT = PROJECT / "benches" / "held_out"
BUILDS = PROJECT / "build" / "held_out"
RESULTS = HELD_OUT / "RESULTS.md"
AT_LEAST = 8
SNIPPET_WITHIN_S = 120


@dataclass(frozen=True)
class Ran:
    """How a process of a snippet ended, and how many modules it had by then."""

    exit_code: int
    output: bytes
    errors: bytes
    modules: int
    status: str

    def agrees(self, other: Ran) -> bool:
        """Whether nobody could tell the two apart."""
        mine = (self.exit_code, self.output, self.errors)
        return mine == (other.exit_code, other.output, other.errors)


@dataclass(frozen=True)
class Tried:
    """A snippet without the plan and with it."""

    name: str
    plain: Ran
    planned: Ran

    @property
    def verdict(self) -> str:
        """``same``, or what is wrong."""
        if self.plain.exit_code:
            return "FAILS WITHOUT A PLAN"
        if self.planned.status != "applied":
            return f"PLAN {self.planned.status.upper() or 'NOT APPLIED'}"
        return "same" if self.plain.agrees(self.planned) else "DIFFERENT"


@dataclass(frozen=True)
class Result:
    """What is known about a package."""

    package: str
    optimized: Optimized
    tried: list[Tried]

    @property
    def same(self) -> int:
        """How many snippets did the same."""
        return sum(one.verdict == "same" for one in self.tried)


def main(argv: list[str] | None = None) -> int:
    """Run the bench; return 0 if every snippet of every package does the same."""
    options = parser().parse_args(argv)
    packages = [path.parent.name for path in sorted(HELD_OUT.glob("*/function"))]
    unknown = set(options.only) - set(packages)
    if unknown:
        print(f"no such package: {', '.join(sorted(unknown))}", file=sys.stderr)
        print(f"there are: {', '.join(packages)}", file=sys.stderr)
        return 2
    try:
        wheel = options.wheel.resolve(strict=True) if options.wheel else newest_wheel()
    except (BuildError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    results, failed = [], []
    for package in [name for name in packages if not options.only or name in options.only]:
        print(f"{package}: searching ...", file=sys.stderr, flush=True)
        try:
            results.append(try_package(package, wheel, options.arguments))
        except (BuildError, OptimizeError) as error:
            print(f"{package}: FAILED\n{error}", file=sys.stderr)
            failed.append(package)
    tables = as_tables(results)
    print("\n".join(table.as_text() for table in tables))
    if not options.only:
        RESULTS.write_text(as_page(results, tables))
        print(f"written: {RESULTS.relative_to(PROJECT)}")
    bad = [one.package for one in results if not holds(one)]
    for package in [*failed, *bad]:
        print(f"NOT SAFE OR NOT SHOWN: {package}", file=sys.stderr)
    return 1 if failed or bad else 0


def holds(result: Result) -> bool:
    """Whether a package's plan was shown to be safe off the path it was found on."""
    enough = len(result.tried) >= AT_LEAST and result.same == len(result.tried)
    return enough and result.optimized.equal and not result.optimized.changed


def try_package(package: str, wheel: Path, arguments: list[str]) -> Result:
    """Find the plan of a package and try it on the package's snippets.

    Raises:
        BuildError: The environment cannot be built.
        OptimizeError: No plan was written.
    """
    build = Build(HELD_OUT / package, BUILDS / package, wheel)
    build.make()
    events = sorted((HELD_OUT / package / "events").glob("*.json"))
    optimized = optimize(build, events, arguments)
    lock = optimized.lock or lock_of(build, optimized)
    tried = []
    for snippet in sorted((HELD_OUT / package / "snippets").glob("*.py")):
        plain, planned = run_snippet(build, snippet), run_snippet(build, snippet, lock)
        tried.append(Tried(snippet.stem, plain, planned))
        print(f"{package}, {snippet.stem}: {tried[-1].verdict}", file=sys.stderr, flush=True)
        if tried[-1].verdict == "DIFFERENT":
            keep_difference(build.place, tried[-1])
    return Result(package, optimized, tried)


WRITE_LOCK = """
import json, sys
from coldcache._lock import Lock
deferred, python, path = json.loads(sys.argv[1])
edges = {}
for importer, edge in deferred:
    edges.setdefault(importer, []).append(edge)
lock = Lock(target="app.handler", python=python, requires=(), edges=edges, fingerprints={})
with open(path, "w") as file:
    file.write(lock.text())
"""


def lock_of(build: Build, optimized: Optimized) -> Path:
    """Write the plan that was found but is not worth using: it has to be safe all the same.

    Raises:
        OptimizeError: Nothing at all was deferred.
    """
    deferred = [(edge["importer"], edge["edge"]) for edge in optimized.edges("deferred")]
    if not deferred:
        raise OptimizeError(f"no plan: {optimized.document['reason']}")
    minor = ".".join(map(str, sys.version_info[:2]))
    path = build.place / "found.lock"
    argument = json.dumps([deferred, minor, str(path)])
    run([str(build.python), "-B", "-c", WRITE_LOCK, argument], SNIPPET_WITHIN_S)
    return path


def run_snippet(build: Build, snippet: Path, lock: Path | None = None) -> Ran:
    """Run a snippet in a fresh process, with the plan in *lock* or without any."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report")
        environment = {"PATH": os.defpath, "HOME": folder, "TZ": "UTC", "LANG": "C.UTF-8"}
        environment["PYTHONHASHSEED"] = "0"
        if lock is not None:
            environment["COLDCACHE_LOCK"] = str(lock)
            environment["PYTHONPATH"] = str(build.packages / "coldcache" / "auto" / "site")
        done = subprocess.run(
            [str(build.python), "-B", str(HELD_OUT / "run.py"), str(snippet), str(report)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SNIPPET_WITHIN_S,
            check=False,
        )
        told = report.read_text().splitlines() if report.exists() else ["0", ""]
        output, errors = (
            text.replace(folder.encode(), b"FOLDER") for text in (done.stdout, done.stderr)
        )
        return Ran(done.returncode, output, errors, int(told[0]), told[1])


def keep_difference(place: Path, one: Tried) -> None:
    """Leave both outputs of a snippet beside its environment, to be looked at."""
    folder = place / "differences"
    folder.mkdir(exist_ok=True)
    for kind, ran in (("plain", one.plain), ("planned", one.planned)):
        text = b"exit code %d\n%s\n%s" % (ran.exit_code, ran.output, ran.errors)
        (folder / f"{one.name}.{kind}").write_bytes(text)


def as_tables(results: list[Result]) -> list[Table]:
    """One table of the packages, one of all snippets, one of the eager edges of each package."""
    packages = Table(
        "Packages",
        [
            "package",
            "init",
            "init + first",
            "deferred",
            "eager",
            "search, s",
            "verdict",
            "snippets, same",
        ],
    )
    snippets = Table("Snippets", ["snippet", "modules, plain", "planned", "outcome"])
    for result in results:
        one = result.optimized
        packages.rows.append(
            [
                result.package,
                f"{one.gain('init'):.2f}x",
                f"{one.gain('first'):.2f}x",
                str(len(one.edges("deferred"))),
                str(len(one.edges("eager"))),
                f"{one.search_s:.0f}",
                one.document["verdict"],
                f"{result.same} of {len(result.tried)}",
            ]
        )
        for tried in result.tried:
            counts = [str(tried.plain.modules), str(tried.planned.modules)]
            snippets.rows.append([f"{result.package}, {tried.name}", *counts, tried.verdict])
    return [packages, snippets, *(eager_edges(result) for result in results)]


def eager_edges(result: Result) -> Table:
    """Which edges have to stay eager, and why; those that only are used anyway are counted."""
    table = Table(f"Eager edges of {result.package}", ["importer", "imports", "line", "why"])
    edges = result.optimized.edges("eager")
    reasons = Counter(edge["reason"] or "no reason given" for edge in edges)
    told = {reason for reason, count in reasons.items() if count <= MOST_ROWS_A_REASON}
    for edge in edges:
        if (edge["reason"] or "no reason given") in told:
            table.rows.append([edge["importer"], edge["edge"], str(edge["line"]), edge["reason"]])
    rest = [f"{count} more: {reason}" for reason, count in reasons.items() if reason not in told]
    table.note = "\n".join(sorted(rest))
    return table


MOST_ROWS_A_REASON = 40


def as_page(results: list[Result], tables: list[Table]) -> str:
    """The page with the results."""
    document = results[0].optimized.document if results else {}
    machine = document.get("machine", {})
    heading = [
        "# Plans off the path they were found on",
        "",
        "Written by `make held-out`, not by hand. Each plan was found with one event; the snippets",
        "below are uses of the same package that the search did not see. `same` means: output,",
        "errors and exit code are those of a run without the plan, byte for byte.",
        "",
        f"Run on {document.get('started_at', '?')[:10]}, {machine.get('python', '?')}, "
        f"{document.get('made_by', '?')}; versions in each `requirements.txt`.",
        "",
    ]
    return "\n".join([*heading, *(table.as_markdown() for table in tables)])


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    described = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    described.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PACKAGE",
        help="only this package, repeatable; RESULTS.md is left as it is",
    )
    described.add_argument(
        "--wheel", type=Path, metavar="FILE", help="the coldcache to use (default: `make build`'s)"
    )
    described.add_argument("arguments", nargs="*", help="passed to `coldcache optimize`")
    return described


if __name__ == "__main__":
    sys.exit(main())

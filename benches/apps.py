"""`coldcache optimize` on the rebuilt applications of the literature, each as it is.

Every application under `apps/` gets an environment of its own and is optimized with its events.
The table lists all of them, and the geometric means are over all of them; where no plan is worth
using, the application counts as what it then is: 1.0. A missed target, an answer that differs, a
changed file or a search that took too long fails the run.

With and without a plan, OpenBLAS gets one thread (`OPENBLAS_NUM_THREADS=1`): the publications
measured on shares of a processor, and where numpy finds two, OpenBLAS starts a thread that only
spins while it is imported, which took 80 of 140 ms there on the virtual machine of the last run.
`--blas-threads` leaves it as it is and writes a page of its own.

    python benches/apps.py [--blas-threads] [--only NAME] [--wheel FILE] [-- arguments for optimize]
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

from apps_report import as_page, as_tables, verdicts
from builds import PROJECT, Build, BuildError, newest_wheel
from optimizing import Optimized, OptimizeError, optimize

APPS = PROJECT / "benches" / "apps"
BUILDS = PROJECT / "build" / "apps"
RESULTS = APPS / "RESULTS.md"
RESULTS_WITH_THREADS = APPS / "RESULTS-blas-threads.md"
ONE_THREAD = "OPENBLAS_NUM_THREADS=1"


@dataclass(frozen=True)
class App:
    """An application of the bench.

    Attributes:
        name: The name of its folder.
        arguments: What `optimize` needs to know about it, from its `options.json`.
    """

    name: str
    arguments: list[str]

    @classmethod
    def read(cls, folder: Path) -> App:
        """Read an application's folder."""
        path = folder / "options.json"
        options = json.loads(path.read_text()) if path.exists() else {}
        arguments = [f"--env={name}={value}" for name, value in options.get("env", {}).items()]
        if "same" in options:
            arguments += ["--same", options["same"]]
        return cls(folder.name, arguments)

    @property
    def events(self) -> list[Path]:
        """Its events."""
        return sorted((APPS / self.name / "events").glob("*.json"))

    def optimize(self, wheel: Path, more: list[str]) -> Optimized:
        """Build the application and optimize it."""
        build = Build(APPS / self.name, BUILDS / self.name, wheel)
        build.make()
        return optimize(build, self.events, [*self.arguments, *more])


def all_apps() -> list[App]:
    """The applications, by name."""
    return [App.read(path.parent) for path in sorted(APPS.glob("*/function"))]


def main(argv: list[str] | None = None) -> int:
    """Run the bench.

    Returns:
        0 if all went well and all targets are met, 1 otherwise, 2 for a wrong argument.
    """
    options = parser().parse_args(argv)
    apps = all_apps()
    unknown = set(options.only) - {app.name for app in apps}
    if unknown:
        print(f"no such application: {', '.join(sorted(unknown))}", file=sys.stderr)
        print(f"there are: {', '.join(app.name for app in apps)}", file=sys.stderr)
        return 2
    try:
        wheel = options.wheel.resolve(strict=True) if options.wheel else newest_wheel()
    except (BuildError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2
    wanted = [app for app in apps if not options.only or app.name in options.only]
    load = os.getloadavg()[0]
    if load > 1:
        print(f"load is {load:.1f}: somebody else is busy, times will spread", file=sys.stderr)
    arguments = options.arguments
    if not options.blas_threads:
        arguments = ["--env", ONE_THREAD, *arguments]
    found, failed = run(wanted, wheel, arguments)
    tables = as_tables(found)
    checks = verdicts(found, failed)
    print("\n".join(table.as_text() for table in [*tables, checks.table]))
    if not options.only:
        page = RESULTS_WITH_THREADS if options.blas_threads else RESULTS
        setting = "" if options.blas_threads else ONE_THREAD
        page.write_text(as_page(found, tables, checks, load=load, setting=setting))
        print(f"written: {page.relative_to(PROJECT)}")
    return 1 if checks.missed else 0


def run(
    apps: list[App], wheel: Path, arguments: list[str]
) -> tuple[dict[str, Optimized], dict[str, str]]:
    """Optimize one application after the other; one that fails does not keep the others."""
    found: dict[str, Optimized] = {}
    failed: dict[str, str] = {}
    for at, app in enumerate(apps, start=1):
        print(f"[{at}/{len(apps)}] {app.name} ...", end=" ", flush=True, file=sys.stderr)
        try:
            found[app.name] = app.optimize(wheel, arguments)
        except (BuildError, OptimizeError) as error:
            failed[app.name] = str(error)
            print(f"FAILED\n{error}", file=sys.stderr)
        except (KeyError, TypeError, ValueError, ArithmeticError):
            failed[app.name] = traceback.format_exc(limit=-2)
            print(f"FAILED\n{failed[app.name]}", file=sys.stderr)
        else:
            one = found[app.name]
            print(
                f"{one.document['verdict']}: init {one.gain('init'):.2f}x, "
                f"init + first {one.gain('first'):.2f}x, search {one.search_s:.0f} s",
                file=sys.stderr,
            )
    return found, failed


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    described = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    described.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="NAME",
        help="only this application, repeatable; RESULTS.md is left as it is",
    )
    described.add_argument(
        "--blas-threads",
        action="store_true",
        help="leave OpenBLAS the threads that it starts by itself; writes a page of its own",
    )
    described.add_argument(
        "--wheel", type=Path, metavar="FILE", help="the coldcache to use (default: `make build`'s)"
    )
    described.add_argument(
        "arguments", nargs="*", help="passed to `coldcache optimize`, for example -- --runs 30"
    )
    return described


if __name__ == "__main__":
    sys.exit(main())

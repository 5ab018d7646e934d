"""Peers in the lab: functions plain, with AWS Powertools `parameters`, and with coldcache.

    python benches/lab_peers.py [--only NAME ...] [--runs 30] [--wheel FILE]

Each function is built with its own environment, fetches its settings from a local AWS, and is
measured against the plain variant in turns. "coldcache" is the code with `once` and `cached`;
"with a plan" is the same code under the plan that `coldcache optimize` finds for it. What was
measured stays below `build/lab_peers`; `docs/comparison-lab.md` is written from all of it. Needs
what `examples/requirements.txt` names, for the local AWS.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builds import PROJECT, Build, BuildError, newest_wheel
from coldcache.tools.lab import Event, LabPlan, Target, run_lab, to_document
from lab_peers_page import as_page

sys.path.insert(0, str(PROJECT / "examples" / "report_function"))
from local_aws import environment, local_aws

HERE = PROJECT / "benches" / "lab_peers"
BUILDS = PROJECT / "build" / "lab_peers"
PAGE = PROJECT / "docs" / "comparison-lab.md"
REPORT = PROJECT / "examples" / "report_function"
APPS = PROJECT / "benches" / "apps"
OPTIMIZE_WITHIN_S = 600


@dataclass(frozen=True)
class Case:
    """A function in all its variants.

    Attributes:
        name: What it is called.
        base: The folder with what all variants share; ``function`` is copied from it.
        requirements: Files with what it needs, beside the peer.
        event: The file of the event.
        handler: Of every variant.
        overlays: For each variant the folder whose files are laid over the base.
    """

    name: str
    base: Path
    requirements: tuple[Path, ...]
    event: Path
    handler: str
    overlays: dict[str, Path]


VARIANTS = ("plain", "powertools", "coldcache")


def all_cases() -> dict[str, Case]:
    """The functions, by name."""
    report = Case(
        "report_function",
        REPORT,
        (HERE / "report_requirements.txt",),
        REPORT / "events" / "lookup.json",
        "app.handler",
        {
            "plain": REPORT / "plain",
            "powertools": HERE / "report_powertools",
            "coldcache": REPORT / "tuned",
        },
    )
    events = {"flask_shop": "product", "dna": "gene", "sentiment": "review"}
    apps = [
        Case(
            name,
            APPS / name,
            (APPS / name / "requirements.txt",),
            APPS / name / "events" / f"{event}.json",
            "peer.handler",
            {variant: HERE / variant for variant in VARIANTS},
        )
        for name, event in events.items()
    ]
    return {case.name: case for case in (report, *apps)}


def main(argv: list[str] | None = None) -> int:
    """Measure the cases and write the page."""
    options = parser().parse_args(argv)
    cases = all_cases()
    if unknown := set(options.only) - set(cases):
        print(f"no such function: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    wheel = options.wheel.resolve(strict=True) if options.wheel else newest_wheel()
    wanted = [case for case in cases.values() if not options.only or case.name in options.only]
    try:
        builds = {case.name: build(case, wheel) for case in wanted}
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    if options.build_only:
        return 0
    with local_aws() as endpoint_url:
        settings = environment(endpoint_url)
        for case in wanted:
            say(f"{case.name}:")
            document = measure(case, builds[case.name], settings, options.runs)
            (BUILDS / f"{case.name}.json").write_text(json.dumps(document))
    found = [BUILDS / f"{name}.json" for name in cases]
    missing = [path.stem for path in found if not path.exists()]
    if missing:
        say(f"the page waits for {', '.join(missing)}")
        return 0
    PAGE.write_text(as_page([json.loads(path.read_text()) for path in found]))
    say(f"written: {PAGE.relative_to(PROJECT)}")
    return 0


def build(case: Case, wheel: Path) -> Build:
    """Make the environment and the folders of all variants."""
    place = BUILDS / case.name
    source = place / "source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    needs = [path.read_text() for path in (*case.requirements, HERE / "requirements.txt")]
    (source / "requirements.txt").write_text("\n".join(needs))
    shared = case.base / "function"
    shutil.copytree(shared if shared.exists() else case.overlays["plain"], source / "function")
    if (case.base / "prepare.py").exists():
        shutil.copy(case.base / "prepare.py", source)
    made = Build(source, place, wheel)
    made.make()
    for variant, overlay in case.overlays.items():
        folder = place / variant
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made.function, folder)
        shutil.copytree(overlay, folder, dirs_exist_ok=True)
    return made


def measure(case: Case, made: Build, settings: dict[str, str], runs: int) -> dict[str, Any]:
    """Compare each variant with the plain one, and the plan's with Powertools'."""
    lock = find_plan(case, made, settings)
    planned = {} if lock is None else with_plan(made, lock)
    pairs: list[tuple[str, str, dict[str, str]]] = [
        ("powertools", "plain", {}),
        ("coldcache", "plain", {}),
        ("coldcache", "powertools", {}),
    ]
    if lock is not None:
        pairs += [("coldcache", "plain", planned), ("coldcache", "powertools", planned)]
    measured = []
    for target, baseline, own in pairs:
        label = "coldcache, with a plan" if own else target
        say(f"  {label} against {baseline} ...")
        plan = LabPlan(
            target=Target.parse(f"{made.place / target}:{case.handler}"),
            baseline=Target.parse(f"{made.place / baseline}:{case.handler}"),
            events=Event.read_all([case.event]),
            runs=runs,
            python=str(made.python),
            settings=settings,
            own_settings={"target": own, "baseline": {"COLDCACHE_AUTO": "off"}},
            names={"target": label, "baseline": baseline},
        )
        document = to_document(run_lab(plan))
        document.pop("samples")
        measured.append({"target": label, "baseline": baseline, "lab": document})
    versions = {name: version(made, name) for name in ("aws-lambda-powertools", "boto3")}
    return {
        "case": case.name,
        "event": case.event.name,
        "versions": versions,
        "has_plan": lock is not None,
        "load": os.getloadavg()[0],
        "measured": measured,
    }


def find_plan(case: Case, made: Build, settings: dict[str, str]) -> Path | None:
    """What `coldcache optimize` finds for the variant with coldcache, if that is better."""
    lock = made.place / "coldcache.lock"
    lock.unlink(missing_ok=True)
    say("  looking for a plan ...")
    command = [str(made.python), "-B", "-m", "coldcache", "optimize"]
    command += [f"{made.place / 'coldcache'}:{case.handler}", "--event", str(case.event)]
    command += ["--out", str(lock), "--budget", "40"]
    command += [f"--env={name}={value}" for name, value in settings.items()]
    with (made.place / "optimize.log").open("w") as log:
        subprocess.run(
            command,
            cwd=made.place,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=OPTIMIZE_WITHIN_S,
            check=False,
        )
    return lock if lock.exists() else None


def with_plan(made: Build, lock: Path) -> dict[str, str]:
    """The variables that apply a plan, as the exec wrapper does."""
    site = made.packages / "coldcache" / "auto" / "site"
    return {"COLDCACHE_LOCK": str(lock), "PYTHONPATH": str(site)}


def version(made: Build, name: str) -> str:
    code = f"import importlib.metadata as m; print(m.version({name!r}))"
    done = subprocess.run(
        [str(made.python), "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    described = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    described.add_argument("--only", action="append", default=[], metavar="NAME")
    described.add_argument("--runs", type=int, default=30, help="rounds of each comparison (30)")
    described.add_argument("--wheel", type=Path, metavar="FILE", help="default: `make build`'s")
    described.add_argument("--build-only", action="store_true", help="measure nothing yet")
    return described


if __name__ == "__main__":
    sys.exit(main())

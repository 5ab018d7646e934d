"""CPython's own tests of imports give the same results with and without a plan in place.

    python neutrality.py

Runs `test_import` and `test_importlib` of the interpreter that runs this, and `test_lazy_import`
where it has that (the package `test` may be absent, then nothing is proved, and that is said): as
they are, with an empty plan, and with a plan that matches nothing, where the hook sees each import
of the tests and of processes they start.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

SITE = Path(__file__).parent / "neutral_site"
SUITES = ["test_import", "test_importlib"]
PLANS = ["empty", "matching nothing"]
PATIENCE_S = 900
# On 3.15 a plan rules alone: what it does not name is eager, also where all was lazy before.
CLI = "test.test_lazy_import.CommandLineAndEnvVarTests."
KNOWN = {
    CLI + "test_cli_lazy_imports_all_makes_regular_imports_lazy",
    CLI + "test_env_var_lazy_imports_all_enables_global_lazy",
}
FEWEST = 500


def has(suite: str) -> bool:
    """Whether the interpreter has its tests of this name."""
    return importlib.util.find_spec(f"test.{suite}") is not None


def suites() -> list[str]:
    """What is run here."""
    return [*SUITES, *filter(has, ["test_lazy_import"])]


def results(plan: str | None, folder: Path) -> dict[str, str]:
    """Each test that was run, and how it ended."""
    report = folder / "report.xml"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COLDCACHE"))}
    if plan is not None:
        env |= {"NEUTRALITY_PLAN": plan, "PYTHONPATH": str(SITE)}
    done = subprocess.run(
        [sys.executable, "-m", "test", f"--junit-xml={report}", f"--tempdir={folder}", *suites()],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if not report.exists():
        sys.exit(f"the tests did not run ({plan}):\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    found = {}
    for case in ET.parse(report).iter("testcase"):
        verdicts = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
        found[case.get("name", "")] = verdicts[0] if verdicts else "passed"
    report.unlink()
    return found


def describe(found: dict[str, str]) -> str:
    """How many tests ended how."""
    verdicts = list(found.values())
    return ", ".join(f"{verdicts.count(v)} {v}" for v in sorted({*verdicts}))


def main() -> int:
    """Compare; fail if any test ends in another way than without a plan."""
    version = ".".join(map(str, sys.version_info[:3]))
    if not all(map(has, SUITES)):
        print(f"#### SKIPPED: CPython {version} is installed without its tests ####")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        plain = results(None, folder)
        print(f"CPython {version}, without a plan: {describe(plain)}")
        if len(plain) < FEWEST:
            sys.exit(f"only {len(plain)} tests were run, that proves nothing")
        faults = 0
        for plan in PLANS:
            found = results(plan, folder)
            different = {n for n in {*plain} | {*found} if plain.get(n) != found.get(n)}
            print(f"CPython {version}, plan {plan}: {describe(found)}; {len(different)} different")
            for test in sorted(different):
                known = "known: " if test in KNOWN else ""
                print(f"    {known}{test}: {plain.get(test)} without, {found.get(test)} with")
            faults += len(different - KNOWN)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

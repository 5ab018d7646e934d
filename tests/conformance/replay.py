"""Replay CPython 3.15's data files of lazy imports under a plan, and compare with what 3.15 does.

    python replay.py SUITE [--chroot ROOT] [--record]

SUITE is the folder that `.ci/fetch-lazy-suite` prints. Each file is asked the same questions on
both sides: import it, look at it, read each of its names once and twice, call each of its
functions; each in a process of its own. Answers are values or errors, what was printed, and which
of the data modules are loaded. What 3.15 answers is kept in `outcomes_315.json`. In a chroot that
has CPython 3.15 it is asked again: the record must be right (`--record` writes it anew), and then
there is an importer for each file besides that imports it lazily in every form.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import lazy_data
from lazy_data import DataFile

HERE = Path(__file__).parent
RECORD = HERE / "outcomes_315.json"
AGREEMENT = 0.95
PATIENCE_S = 300
OWN, ALL, IMPORTERS = "own", "all", "importers"
PARTS = {
    OWN: "the files, with the statements deferred that they make lazy themselves",
    ALL: "the files, with all statements deferred",
    IMPORTERS: "an importer for each file, with all its statements deferred",
}
# Which answers differ, by file and question, each for a reason that was decided.
DIFFERENCES = {
    r"(importer_of_)?lazy_with(_from)? .*": "imports under `with` stay eager: a context manager "
    "may watch them, as a `try` does",
    r"(importer_of_)?lazy_get_value .*": "its body calls resolve() of what globals() holds, which "
    "is the real module here, so its import fails",
    r"globals_access call get_from_globals": "a subscript of globals() gives the real module: "
    "there are no placeholders",
    r"importer_of_broken_module_chained_(context|suppressed) .*": "the declaring line is always "
    "said as a cause, which has the original context as its own",
    r"importer_of_pkg_broken call use_root": "the declaring line is said here, too",
}

# Its answers count as those of the others; as a file it does not, since it is about methods of
# placeholders, which nothing before 3.15 can have.
ONLY_315 = "lazy_get_value"

SEEN: set[str] = set()

Answers = dict[str, dict[str, str]]


def run(command: Sequence[str | Path]) -> Answers:
    """What an interpreter answers."""
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stderr}")
    answers: Answers = json.loads(done.stdout)
    return answers


def write(native: dict[str, Answers]) -> None:
    """Record what 3.15 answers; where all statements are lazy, only what is different then."""
    changed = {
        module: {q: a for q, a in answers.items() if a != native[OWN][module][q]}
        for module, answers in native[ALL].items()
    }
    kept = {module: answers for module, answers in changed.items() if answers}
    RECORD.write_text(json.dumps({OWN: native[OWN], ALL: kept}, indent=0) + "\n")


def recorded() -> dict[str, Answers]:
    """What was recorded."""
    own, changed = json.loads(RECORD.read_text()).values()
    return {OWN: own, ALL: {module: own[module] | changed.get(module, {}) for module in own}}


def ask_native(root: Path, suite: Path, files: list[DataFile], mode: str) -> Answers:
    """The answers of the CPython 3.15 in a chroot."""
    inside = Path("/tmp/coldcache-lazy-replay")
    outside = root / inside.relative_to("/")
    lazy_data.stage(suite, outside / "lazy", plain=False)
    shutil.copy(HERE / "lazy_outcomes.py", outside)
    (outside / "asked.json").write_text(json.dumps({f.module: f.questions for f in files}))
    script = [inside / "lazy_outcomes.py", inside / "lazy", inside / "asked.json"]
    try:
        return run(["chroot", root, "python3.15", "-B", *script, mode])
    finally:
        shutil.rmtree(outside)


def ask_planned(suite: Path, files: list[DataFile], mode: str) -> Answers:
    """The answers of this interpreter under a plan that names what 3.15 defers."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lazy_data.stage(suite, folder / "plain", plain=True)
        plan = {
            file.module: file.edges(everything=mode == ALL) for file in lazy_data.all_files(suite)
        }
        (folder / "plan.json").write_text(json.dumps(plan))
        (folder / "asked.json").write_text(json.dumps({f.module: f.questions for f in files}))
        script = [HERE / "lazy_outcomes.py", folder / "plain", folder / "asked.json"]
        return run([sys.executable, "-B", *script, folder / "plan.json"])


def reason_of(name: str, question: str) -> str | None:
    """Why an answer may differ, if it may."""
    for pattern, reason in DIFFERENCES.items():
        if re.fullmatch(pattern, f"{name} {question}"):
            SEEN.add(pattern)
            return reason
    return None


def compare(expected: Answers, found: Answers, *, counts_files: bool) -> list[str]:
    """Print a line a file, and in full what differs without a reason; what is wrong with it."""
    faults = []
    files = whole = asked = agreeing = 0
    print(f"{'file':52} answers agree")
    for module, answers in expected.items():
        name = module.removeprefix(lazy_data.PACKAGE + ".")
        wrong = [question for question in answers if answers[question] != found[module][question]]
        reasons = {question: reason_of(name, question) for question in wrong}
        is_counted = name != ONLY_315
        files += is_counted
        whole += is_counted and not wrong
        asked += len(answers)
        agreeing += len(answers) - len(wrong)
        said = "; ".join(sorted({reason or "UNEXPECTED" for reason in reasons.values()}))
        print(f"{name:52} {len(answers):7} {len(answers) - len(wrong):5}  {said}".rstrip())
        for question in (question for question, reason in reasons.items() if not reason):
            print(f"    {question}\n      3.15: {answers[question]}")
            print(f"      here: {found[module][question]}")
            faults.append(f"{name}, {question}: differs, and no reason is known")
    by_file, by_answer = whole / files, agreeing / asked
    print(f"agree: {by_file:.1%} of {files} files, {by_answer:.1%} of {asked} answers")
    if min(by_file if counts_files else 1, by_answer) < AGREEMENT:
        faults.append(f"less than {AGREEMENT:.0%} agree with 3.15")
    return faults


def main() -> int:
    """Compare, print, and fail if too much differs or anything does without a reason."""
    parser = argparse.ArgumentParser()
    parser.add_argument("suite", type=Path)
    parser.add_argument("--chroot", type=Path, help="has CPython 3.15")
    parser.add_argument("--record", action="store_true", help="write down what 3.15 answers")
    options = parser.parse_args()

    files = lazy_data.data_files(options.suite)
    importers = [file.importer for file in files]
    expected = recorded()
    faults = []
    if options.chroot:
        native = {
            mode: ask_native(options.chroot, options.suite, files, mode) for mode in (OWN, ALL)
        }
        if options.record:
            write(native)
        elif native != expected:
            faults.append(f"{RECORD.name} is not what 3.15 answers: run with --record and look")
        expected = native | {IMPORTERS: ask_native(options.chroot, options.suite, importers, OWN)}
    if {m: list(a) for m, a in expected[OWN].items()} != {f.module: f.questions for f in files}:
        sys.exit("the suite has other files than those recorded: run with --chroot and --record")
    for part, title in PARTS.items():
        print(f"\n{title}")
        if part in expected:
            asked = importers if part == IMPORTERS else files
            found = ask_planned(options.suite, asked, ALL if part == ALL else OWN)
            faults += [
                f"{part}: {fault}"
                for fault in compare(expected[part], found, counts_files=part != IMPORTERS)
            ]
        else:
            print("#### SKIPPED: there is no chroot with CPython 3.15 to ask ####")
    if options.chroot:
        faults += [f"{pattern!r} agrees by now: take it out" for pattern in {*DIFFERENCES} - SEEN]
    print("\nnot replayed")
    for name, reason in lazy_data.NOT_REPLAYED.items():
        print(f"{name:52} {reason}")
    print(*faults, sep="\n", file=sys.stderr, end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

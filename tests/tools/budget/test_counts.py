"""What is counted, against functions that are known to do exactly so much."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from coldcache.tools.budget import Bench, Case, Counts, MemoryStore
from coldcache.tools.lab import Event, Target

pytestmark = pytest.mark.usefixtures("needs_runtime_client")


@pytest.fixture
def bench(workplace: Path) -> Iterator[Bench]:
    with Bench(MemoryStore(), project=workplace, python=sys.executable) as opened:
        yield opened


def counts(bench: Bench, spec: str, event: Event | None = None) -> Counts:
    return bench.counts(Case(Target.parse(spec), event))


def test_an_empty_handler_adds_its_own_module_and_nothing_else(
    bench: Bench, write_function: Callable[..., str]
) -> None:
    found = counts(bench, write_function("def handler(event, context): return None"))

    assert list(found.modules) == ["app"]
    assert len(found.files) == 1


def test_modules_are_told_with_kind_owner_and_the_statement_that_asked(
    bench: Bench, write_function: Callable[..., str]
) -> None:
    spec = write_function("\nimport colorsys\ndef handler(event, context): ...")

    found = counts(bench, spec)

    colorsys = found.modules["colorsys"]
    assert (colorsys.kind, colorsys.package) == ("python", "(standard library)")
    assert (colorsys.asked_by, colorsys.asked_file, colorsys.asked_line) == (
        "app",
        "plain/app.py",
        2,
    )


def test_a_module_that_is_not_there_is_none(
    bench: Bench, write_function: Callable[..., str]
) -> None:
    spec = write_function(
        """
        try:
            import not_there
        except ImportError:
            pass
        def handler(event, context): ...
        """
    )

    assert list(counts(bench, spec).modules) == ["app"]


def test_what_the_tracer_needs_itself_counts_if_the_function_imports_it(
    bench: Bench, write_function: Callable[..., str]
) -> None:
    spec = write_function("import coldcache, resource\ndef handler(event, context): ...")

    modules = counts(bench, spec).modules

    assert {"coldcache", "coldcache._core", "resource"} <= set(modules)
    assert modules["coldcache._core"].kind == "extension"


def test_without_an_event_the_first_call_does_not_count(
    bench: Bench, write_function: Callable[..., str]
) -> None:
    spec = write_function("def handler(event, context):\n    import colorsys")

    init, answer = counts(bench, spec), counts(bench, spec, Event("e", b"{}"))

    assert "colorsys" not in init.modules
    assert not answer.modules["colorsys"].is_at_init
    assert answer.modules["app"].is_at_init


def test_data_files_count_with_their_size_once(
    bench: Bench, write_function: Callable[..., str], workplace: Path
) -> None:
    spec = write_function(
        """
        import os
        for _ in range(2):
            open("data.bin", "rb").close()
        os.close(os.open("data.bin", os.O_RDONLY))
        open("/proc/self/status").close()
        open("/dev/null").close()
        open(os.environ["HOME"] + "/made", "w").close()
        def handler(event, context): ...
        """
    )
    (workplace / "plain" / "data.bin").write_bytes(b"x" * 1000)

    files = counts(bench, spec).files

    assert files["plain/data.bin"] == 1000
    assert len(files) == 2


def test_mapped_data_counts_as_read(
    bench: Bench, write_function: Callable[..., str], workplace: Path
) -> None:
    spec = write_function(
        """
        import mmap
        with open("model.bin", "rb") as file:
            model = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
        def handler(event, context): ...
        """
    )
    (workplace / "plain" / "model.bin").write_bytes(b"x" * 5000)

    assert counts(bench, spec).files["plain/model.bin"] == 5000


def test_counts_are_the_same_each_time_with_and_without_bytecode(
    bench: Bench, write_function: Callable[..., str], workplace: Path
) -> None:
    spec = write_function("import sqlite3, decimal\ndef handler(event, context): ...")
    case = Case(Target.parse(spec))

    first = bench.counts(case)
    again = bench.count_again(case)
    with Bench(MemoryStore(), project=workplace, python=sys.executable) as other:
        fresh = other.counts(case)

    assert first == again == fresh


def test_counts_do_not_depend_on_where_the_project_lies(
    bench: Bench, write_function: Callable[..., str], workplace: Path
) -> None:
    spec = write_function("import quite\ndef handler(event, context):\n    def inner(): ...")
    (workplace / "plain" / "quite.py").write_text("class A:\n    def b(self): return lambda: 1\n")
    far = workplace / "a-much-longer-name" / "of-a-folder" / "plain"
    shutil.copytree(workplace / "plain", far)

    near_counts = counts(bench, spec)
    with Bench(MemoryStore(), project=far.parent, python=sys.executable) as other:
        far_counts = counts(other, f"{far}:app.handler")

    assert near_counts == far_counts


def test_a_function_that_closes_all_files_is_counted_all_the_same(
    bench: Bench, write_function: Callable[..., str]
) -> None:
    spec = write_function(
        "import os\nos.closerange(3, 64)\nimport colorsys\ndef handler(event, context): ..."
    )

    assert any(name.startswith("colorsys") for name in counts(bench, spec).files)


def test_memory_that_stays_is_seen(bench: Bench, write_function: Callable[..., str]) -> None:
    from coldcache.tools.budget.sample import added_memory  # noqa: PLC0415 - not public

    spec = write_function("DATA = b'x' * 40_000_000\ndef handler(event, context): ...")

    memory = added_memory(bench.samples(Case(Target.parse(spec)), runs=1))

    assert memory is not None
    assert 39_000_000 < memory < 48_000_000


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="NOT TESTED: there is no valgrind")
def test_instructions_of_a_loop_are_counted(
    bench: Bench, write_function: Callable[..., str]
) -> None:
    loop = "for _ in range({}): pass\ndef handler(event, context): ..."
    found = []
    for turns in (1, 100_001):
        spec = write_function(loop.format(turns), folder=f"f{turns}")
        count, reason = bench.instructions(Case(Target.parse(spec)))
        assert count is not None, reason
        found.append(count)

    # An iteration takes some dozens of instructions; nothing else differs.
    assert 10 * 100_000 < found[1] - found[0] < 500 * 100_000


def test_two_who_share_a_folder_measure_once(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "from coldcache.tools.budget import SharedStore\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "def measure():\n"
        "    with open(folder / 'log', 'a') as log: log.write('measured\\n')\n"
        "    return [1]\n"
        "assert SharedStore(folder / 'store').get('k', measure) == [1]\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in range(4)]

    assert [one.wait(40) for one in running] == [0] * 4
    assert (tmp_path / "log").read_text() == "measured\n"

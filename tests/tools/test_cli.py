from __future__ import annotations

import subprocess
import sys

import pytest


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.parametrize("name", ["click", "rich"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(name: str) -> None:
    run = python(
        "-c",
        f"import sys; sys.modules[{name!r}] = None\n"
        "from coldcache.tools.cli import main; sys.exit(main(['lab', '--help']))",
    )

    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr == (
        f"coldcache: the command line needs the package {name}, which is not installed; "
        'install it with: pip install "coldcache[tools]"\n'
    )


def test_a_defect_of_our_own_is_not_taken_for_a_missing_library() -> None:
    run = python(
        "-c",
        "import sys; sys.modules['coldcache.tools.lab.report'] = None\n"
        "from coldcache.tools.cli import main; sys.exit(main(['lab', '--help']))",
    )

    assert "ModuleNotFoundError" in run.stderr


@pytest.mark.usefixtures("needs_runtime_client")
class TestWithLibraries:
    def test_the_module_and_the_entry_point_give_the_same_help(self) -> None:
        as_module = python("-m", "coldcache", "lab", "--help")
        as_script = python(
            "-c",
            "import sys; from coldcache.tools.cli import main; sys.exit(main())",
            "lab",
            "--help",
        )

        assert as_module.returncode == as_script.returncode == 0
        assert "FOLDER:module.handler" in as_module.stdout
        assert as_module.stdout == as_script.stdout

    def test_the_version_is_told(self) -> None:
        run = python("-m", "coldcache", "--version")

        assert run.returncode == 0
        assert run.stdout.startswith("coldcache, version ")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["nothing"], "No such command 'nothing'"),
            (["lab"], "Missing"),
            (["lab", "a:b.c"], "Missing option '--event'"),
            (["lab", "a:b.c", "--event", "e", "--runs", "many"], "'many' is not a valid integer"),
            (["lab", "--nonsense"], "No such option '--nonsense'"),
        ],
    )
    def test_wrong_arguments_are_named_and_end_with_code_2(
        self, arguments: list[str], message: str
    ) -> None:
        run = python("-m", "coldcache", *arguments)

        assert run.returncode == 2
        assert message.replace("'", "") in run.stderr.replace("'", "")

    def test_without_a_command_the_help_is_shown(self) -> None:
        run = python("-m", "coldcache")

        assert "lab" in run.stdout + run.stderr

    def test_the_lab_itself_needs_neither_library(self) -> None:
        run = python(
            "-c",
            "import sys; sys.modules['click'] = sys.modules['rich'] = None\n"
            "import coldcache.tools.lab; print('imported')",
        )

        assert run.stdout == "imported\n"

"""The command ``coldcache budget``: all budgets of a project, checked or taken as the baseline."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from coldcache.tools.lab.environment import parse_settings
from coldcache.tools.lab.errors import FunctionError, UsageError
from coldcache.tools.lab.private_file import check_destination
from coldcache.tools.options import check_destinations, function_options
from coldcache.tools.profile.document import write_json

from .baseline import Baseline
from .bench import Bench
from .check import Verdict, check, measure
from .document import to_document
from .github import is_github, workflow_commands
from .project import Project, case_of, find_project
from .report import describe
from .store import MemoryStore

__all__ = ["budget"]


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--config",
    metavar="FILE",
    help="The project's file.  [default: pyproject.toml here or in a folder around]",
)
@click.option(
    "--update", is_flag=True, help="Take what is counted as the baseline, then check the limits."
)
@click.option("--json", "json_out", metavar="OUT", help="Write all counts, chains and verdicts.")
@function_options("Interpreter of the functions, which has awslambdaric and coldcache.")
def budget(
    names: tuple[str, ...],
    config: str | None,
    update: bool,
    json_out: str | None,
    python: str,
    settings: tuple[str, ...],
    init_timeout: float,
    timeout: float,
) -> int:
    """Check the startup budgets in pyproject.toml: all of them, or those of the given names.

    Each function starts in fresh processes of the real Lambda runtime client. Exit code 0: within
    all limits; 1: a limit is exceeded; 2: this cannot be said.
    """
    if config is not None and not Path(config).is_file():
        raise UsageError(f"--config {config!r}: there is no such file")
    project = Project.read(Path(config).absolute() if config else find_project(Path.cwd()))
    chosen = project.chosen(names)
    check_destinations({"--json": json_out})
    if update:
        check_destination(project.baseline, option="the baseline")
    given = parse_settings(settings)
    cases = [case_of(one, project.folder, given) for one in chosen]
    baseline = Baseline.read(project.baseline)
    progress = Console(stderr=True)
    verdicts: list[Verdict] = []
    with Bench(
        MemoryStore(),
        project=project.folder,
        python=python,
        init_timeout_s=init_timeout,
        timeout_s=timeout,
    ) as bench:
        for one, case in zip(chosen, cases, strict=True):
            try:
                if update:
                    baseline.put(one.name, measure(bench, one, case))
                verdicts.append(check(bench, one, case, baseline))
            except FunctionError as error:
                # Of a function that fails nothing can be said, which is not the same as exceeded.
                raise UsageError(str(error), details=error.details) from None
            progress.print(f"{one.name} counted", markup=False, highlight=False, soft_wrap=True)
    if update:
        if not names:
            baseline.keep(project.budgets)
        baseline.write(project.baseline)
    if json_out is not None:
        write_json(to_document(verdicts), Path(json_out), option="--json")
    _print(verdicts, project)
    return 1 if any(one.is_exceeded for one in verdicts) else 0


def _print(verdicts: Sequence[Verdict], project: Project) -> None:
    for verdict in verdicts:
        click.echo(describe(verdict))
    if is_github():
        workspace = os.environ.get("GITHUB_WORKSPACE", "")
        for verdict in verdicts:
            for line in workflow_commands(verdict, project.folder, workspace=workspace):
                click.echo(line)

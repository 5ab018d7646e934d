"""Verdicts as GitHub's workflow commands, which it shows at the lines of a pull request.

The form is that of "Workflow commands for GitHub Actions": data with ``%``, newlines escaped, and
``:`` and ``,`` too inside of properties.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from coldcache.tools.profile.distributions import FUNCTION

from .check import Group, Verdict
from .edges import Edge
from .report import figure

__all__ = ["is_github", "workflow_commands"]


def is_github(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a workflow of GitHub runs this process."""
    return environment.get("GITHUB_ACTIONS") == "true"


def workflow_commands(verdict: Verdict, project: Path, *, workspace: str = "") -> Iterator[str]:
    """The commands for what is exceeded or could not be counted.

    Args:
        verdict: About one budget.
        project: The folder that names of files begin in.
        workspace: The folder of the checkout, which GitHub's names begin in.
    """
    title = f"startup budget {verdict.budget.name}"
    groups = (*verdict.forbidden, *verdict.ways)
    for finding in verdict.findings:
        limit = finding.limit.partition(" ")[0]
        if finding.status == "not counted":
            text = f"{finding.limit} was not counted: {finding.note}"
            yield _command("warning", {"title": title}, text)
        if finding.status != "exceeded":
            continue
        entry = next((it for it in groups if set(it.modules) & set(finding.modules)), None)
        entry = entry or next(iter(groups), None)
        text = f"{finding.limit}: {figure(limit, finding.found)}"
        if limit != "forbid":
            text += f", at most {figure(limit, finding.allowed)}"
        properties = {"title": title}
        if entry is not None:
            text += f"; {entry.entry} comes by {_chain(entry)}"
            edge = _own(entry, verdict)
            if edge is not None:
                place = os.path.relpath(project / edge.file, workspace or project)
                properties = {"file": place, "line": str(edge.line), **properties}
        yield _command("error", properties, text)


def _own(group: Group, verdict: Verdict) -> Edge | None:
    """The last statement on the way that is in the function's own code."""
    modules = verdict.startup.modules
    own = [
        edge
        for edge in group.chain
        if edge.importer in modules and modules[edge.importer].package == FUNCTION
    ]
    return own[-1] if own else None


def _chain(group: Group) -> str:
    if not group.chain:
        return "no import statement of the function"
    return " > ".join([group.chain[0].importer, *(edge.module for edge in group.chain)])


def _command(name: str, properties: Mapping[str, str], text: str) -> str:
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

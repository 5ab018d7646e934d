"""The page as a whole: from a document to a file."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.private_file import write_private

from .fields import Fields
from .headline import outcome_headline, run_headline
from .lab import SCHEMA as LAB_SCHEMA
from .lab import read_lab
from .lab_sections import lab_headline, lab_sections
from .load import SCHEMA as LOAD_SCHEMA
from .load import read_load
from .load_sections import load_headline, load_sections
from .markup import Html, element
from .outcome import SCHEMA as OUTCOME_SCHEMA
from .outcome import read_outcome
from .packages import Packages
from .sections import Section, outcome_sections, run_sections
from .traces import SCHEMA as PROFILE_SCHEMA
from .traces import read_run

__all__ = ["render_page", "write_page"]

_SCRIPTS = ("flame.js", "waterfall.js", "table.js")


def write_page(document: Mapping[str, Any], path: Path, *, option: str = "--html") -> None:
    """Write the page of a document, readable by its owner only, all of it or nothing.

    Args:
        document: What ``--json`` of ``coldcache profile``, ``optimize`` or ``lab`` writes, or that
            of a load experiment.
        path: Where to; a file there is replaced.
        option: What the user named it with.

    Raises:
        UsageError: No page can be made of the document, or the file cannot be written. What was
            at *path* before is untouched.
    """
    write_private(render_page(document), path, option=option)


def render_page(document: Mapping[str, Any]) -> str:
    """The page of a document as text.

    Args:
        document: As for `write_page`.

    Raises:
        UsageError: No page can be made of the document; the message names the field.
    """
    fields = Fields(document)
    schema = fields.text("schema")
    if schema == PROFILE_SCHEMA:
        run = read_run(fields)
        packages = Packages(run.traces, run.target)
        title = run.target or "import times"
        return _page("profile", title, run_headline(run, packages), run_sections(run, packages))
    if schema == OUTCOME_SCHEMA:
        outcome = read_outcome(fields)
        profile = outcome.profile
        colours = None if profile is None else Packages(profile.traces, profile.target)
        sections = outcome_sections(outcome, colours)
        return _page("optimisation", outcome.target, outcome_headline(outcome), sections)
    if schema == LAB_SCHEMA:
        lab = read_lab(fields)
        return _page("lab", lab.target, lab_headline(lab), lab_sections(lab))
    if schema == LOAD_SCHEMA:
        load = read_load(fields)
        title = ", ".join(it.name for it in load.variants) or "nothing"
        return _page("load", title, load_headline(load), load_sections(load))
    raise UsageError(
        f"no page can be made of a document of schema {schema!r}; "
        f"give one of {PROFILE_SCHEMA!r}, {OUTCOME_SCHEMA!r}, {LAB_SCHEMA!r} or {LOAD_SCHEMA!r}"
    )


def _page(kind: str, title: str, top: Html, sections: Sequence[Section]) -> str:
    style = _asset("page.css")
    scripts = [_asset(name) for name in _SCRIPTS]
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; "
        f"script-src {' '.join(_hash(script) for script in scripts)}; "
        "base-uri 'none'; form-action 'none'"
    )
    head = element(
        "head",
        Html('<meta charset="utf-8">'),
        element("meta", http_equiv="Content-Security-Policy", content=Html(policy)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{title} · coldcache {kind}"),
        element("style", style),
    )
    links = [
        element("li", element("a", section.title, href=f"#{section.name}")) for section in sections
    ]
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#content"),
        element(
            "header",
            element("p", "coldcache ", kind, class_="kind"),
            element("h1", element("code", title)),
            top,
            element("nav", element("ul", links), aria_label="On this page"),
        ),
        element("main", [_section(section) for section in sections], id="content", tabindex=-1),
        [element("script", script) for script in scripts],
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _section(section: Section) -> Html:
    heading = element("h2", section.title, id=f"{section.name}-title")
    return element(
        "section", heading, section.body, id=section.name, aria_labelledby=f"{section.name}-title"
    )


def _asset(name: str) -> Html:
    """A file of this package, to stand in the page as it is."""
    return Html(files(__package__).joinpath(name).read_text("utf-8"))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"

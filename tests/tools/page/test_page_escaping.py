"""Hostile text in a document stays text, wherever it stands."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from coldcache.tools.page import render_page, write_page

OWN_ELEMENTS = """
html head meta title style body a header p h1 h2 h3 code dl div dt dd b small span em nav ul ol li
main section table caption thead tbody tr th td svg rect circle line path text g defs use details
summary label input button output select option script pre
"""


class Names(HTMLParser):
    """Collects what a parser takes for elements, comments and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.comments: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.fixture(params=["hostile_document", "hostile_lab", "hostile_load"])
def page(request: pytest.FixtureRequest) -> str:
    return render_page(request.getfixturevalue(request.param))


def test_no_text_becomes_an_element(page: str) -> None:
    parsed = Names(page)

    assert parsed.elements <= set(OWN_ELEMENTS.split())
    assert parsed.comments == []
    assert not {name for name in parsed.attributes if name.startswith("on") or name == "src"}


def test_the_text_is_there_as_text(page: str) -> None:
    visible = "</script><img src=x onerror=alert(1)>\"'&<!--"

    assert sum(visible in text for text in Names(page).texts) > 15


def test_no_script_or_style_is_ended_by_data(page: str) -> None:
    assert len(re.findall(r"<script\b", page)) == len(re.findall(r"</script>", page))
    for data in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, re.S):
        assert not set(data) & set("<>&")
        assert json.loads(data)["frames"]


def test_what_cannot_be_seen_or_stored_is_shown_by_its_escape(page: str, tmp_path: Path) -> None:
    for escape in (r"\x00", r"\u202e", r"\udc80", r"\u2028"):
        assert escape in page
    assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
    assert "é中" in page


def test_a_page_of_hostile_text_can_be_written(
    hostile_document: dict[str, Any], tmp_path: Path
) -> None:
    write_page(hostile_document, tmp_path / "out.html")

    assert (tmp_path / "out.html").read_text("utf-8").startswith("<!doctype html>")


def test_a_very_long_name_is_cut(hostile_document: dict[str, Any]) -> None:
    hostile_document["events"][0]["event"] = "x" * 100_000

    assert "x" * 301 not in render_page(hostile_document)

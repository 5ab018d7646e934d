"""What is in a page, read with a parser: structure, figures, text alternatives."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import pytest
from coldcache.tools.page import render_page

VOID = {"input", "meta"}


class Element:
    def __init__(self, name: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.name, self.attributes, self.parent = name, attributes, parent
        self.parts: list[Element | str] = []

    @property
    def children(self) -> list[Element]:
        return [part for part in self.parts if isinstance(part, Element)]

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def all(self, name: str = "", **wanted: str) -> list[Element]:
        found = []
        for child in self.children:
            fits = not name or child.name == name
            for key, value in wanted.items():
                fits = fits and value in child.attributes.get(key.rstrip("_"), "").split()
            found += [child] if fits else []
            found += child.all(name, **wanted)
        return found

    def one(self, name: str = "", **wanted: str) -> Element:
        [found] = self.all(name, **wanted)
        return found


class Tree(HTMLParser):
    """Builds the elements and insists that each is closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.root = self._at = Element("", {}, None)
        self.feed(text)
        self.close()
        assert self._at is self.root, f"<{self._at.name}> is not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        assert len(attributes) == len(attrs), f"an attribute of <{tag}> is there twice"
        element = Element(tag, attributes, self._at)
        self._at.parts.append(element)
        if tag not in VOID:
            self._at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag == self._at.name, f"</{tag}> closes <{self._at.name}>"
        assert self._at.parent is not None
        self._at = self._at.parent

    def handle_data(self, data: str) -> None:
        self._at.parts.append(data)


@pytest.fixture
def profile_page(profile_document: Callable[..., dict[str, Any]]) -> Element:
    return Tree(render_page(profile_document())).root


@pytest.fixture
def outcome_page(
    outcome_document: Callable[..., dict[str, Any]], profile_document: Callable[..., dict[str, Any]]
) -> Element:
    document = outcome_document(profile=profile_document(events=("a.json", "b.json")))
    return Tree(render_page(document)).root


@pytest.fixture(params=["profile_page", "outcome_page"])
def page(request: pytest.FixtureRequest) -> Element:
    return request.getfixturevalue(request.param)


def row_texts(table: Element) -> list[list[str]]:
    return [[cell.text for cell in row.children] for row in table.one("tbody").all("tr")]


# Both kinds of page


def test_a_page_has_one_main_heading_and_no_level_is_skipped(page: Element) -> None:
    levels = [int(it.name[1]) for it in page.all() if re.fullmatch("h[1-6]", it.name)]

    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_ids_are_unique_and_every_reference_has_its_target(page: Element) -> None:
    ids = [it.attributes["id"] for it in page.all() if "id" in it.attributes]
    wanted = [
        it.attributes[name].removeprefix("#")
        for it in page.all()
        for name in ("for", "href", "aria-labelledby", "aria-describedby")
        if name in it.attributes
    ]

    assert len(ids) == len(set(ids))
    assert wanted
    assert set(wanted) <= set(ids)


def test_every_graphic_is_named_or_has_its_figures_beside_it(page: Element) -> None:
    graphics = [it for it in page.all("svg") if it.parent and it.parent.name != "svg"]

    assert graphics
    for graphic in graphics:
        is_named = graphic.attributes.get("role") == "img" and graphic.attributes["aria-label"]
        assert is_named or graphic.attributes.get("aria-hidden") == "true"


def test_every_table_has_a_caption_and_its_heads_say_what_they_head(page: Element) -> None:
    tables = [it for it in page.all("table") if it.attributes["class"] != "samples"]

    assert tables
    for table in tables:
        assert table.one("caption").text
        assert all("scope" in head.attributes for head in table.all("th"))


def test_the_policy_allows_the_inline_parts_and_nothing_else(page: Element) -> None:
    policy = page.one("meta", **{"http-equiv": "Content-Security-Policy"}).attributes["content"]
    scripts = [it for it in page.all("script") if "type" not in it.attributes]

    def digests(elements: list[Element]) -> str:
        hashes = (hashlib.sha256(it.text.encode()).digest() for it in elements)
        return " ".join(f"'sha256-{base64.b64encode(one).decode()}'" for one in hashes)

    assert policy.split("; ") == [
        "default-src 'none'",
        f"style-src {digests(page.all('style'))}",
        f"script-src {digests(scripts)}",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_nothing_in_a_page_points_outside_or_runs_from_an_attribute(page: Element) -> None:
    for it in page.all():
        assert it.name not in {"iframe", "img", "link", "object", "form"}
        assert not {"src", "srcset", "style"} & it.attributes.keys()
        assert not any(name.startswith("on") for name in it.attributes)
        assert it.attributes.get("href", "#").startswith("#")


def test_what_needs_scripts_is_hidden_until_a_script_shows_it(page: Element) -> None:
    assert all("hidden" in it.attributes for it in page.all("div", class_="tools"))
    assert not page.all("button", class_="more")


# A profile


def test_the_head_of_a_profile_has_its_figures(profile_page: Element) -> None:
    figures = {
        it.one("dt").text: it.one("b").text
        for it in profile_page.one("dl", class_="figures").all("div")
    }

    assert figures == {
        "init": "1100 ms",
        "first call": "38.5 ms",
        "modules": "60",
        "memory": "0.0 MB",
    }
    assert "1100\u00a0ms on init" in profile_page.one("p", class_="finding").text


def test_the_bill_adds_up_to_init(profile_page: Element) -> None:
    items = profile_page.one("ul", class_="legend").all("li")
    took = {it.one("span", class_="label").text: float(it.one("b").text.split()[0]) for it in items}

    assert took["interpreter start"] == 15.0
    assert took["the function's own modules"] == 5.0
    assert sum(took.values()) == pytest.approx(1100, abs=1)


def test_a_row_of_the_waterfall_has_the_figures_of_its_import(
    profile_document: Callable[..., dict[str, Any]],
) -> None:
    page = Tree(render_page(profile_document(count=20))).root
    table = page.one("table", class_="waterfall")
    rows = {it.one("th").text: it for it in table.all("tr") if it.all("td")}

    cells = [it.text for it in rows["app"].all("td")]
    assert cells == ["955", "5.0", "0.0", "", "app.py:1"]
    assert "not_there failed: ModuleNotFoundError" in rows
    assert [it.text for it in table.all("tr", class_="phase")] == [
        "init: 20 modules, 956 ms of imports",
        "first call: 1 module, 0.9 ms of imports",
    ]


def test_rows_say_how_many_imports_inside_are_not_shown(profile_page: Element) -> None:
    table = profile_page.one("table", class_="waterfall")
    shown = len([it for it in table.all("tr") if it.all("td")])
    left_out = sum(int(it.text.removeprefix("+")) for it in table.all("span", class_="more"))

    assert shown + left_out == 62


def test_the_data_of_the_flame_graph_is_the_document(
    profile_page: Element, profile_document: Callable[..., dict[str, Any]]
) -> None:
    data = json.loads(profile_page.one("script", class_="flame-data").text)
    frames = {frame[1]: frame for frame in data["frames"]}

    for one in profile_document()["profiles"][0]["imports"]:
        parent, _, _, width, _, kind, own, kilobytes, place, start = frames[one["name"]]
        assert width == one["total_ns"] // 1000
        assert own == one["self_ns"] // 1000 or one["nested_ns"]
        assert start == one["start_ns"] // 1000
        assert kilobytes == 4
        assert data["texts"][kind].startswith(one["kind"])
        assert data["texts"][place] == f"app.py:{one['asked_line']}"
        if one["parent"] is not None:
            assert data["frames"][parent][0] >= 0


def test_no_frame_reaches_beyond_the_one_above_it(profile_page: Element) -> None:
    frames = json.loads(profile_page.one("script", class_="flame-data").text)["frames"]

    for parent, _, left, width, *_ in frames:
        if parent >= 0:
            outer_left, outer_width = frames[parent][2:4]
            assert outer_left <= left
            assert left + width <= outer_left + outer_width


def test_the_graph_is_drawn_without_scripts(profile_page: Element) -> None:
    graph = profile_page.one("svg", class_="flame-graph")
    titles = [it.text for it in graph.all("title")]

    assert "app, 988 ms" in titles
    assert all(it.attributes["width"].endswith("%") for it in graph.all("", class_="f"))


def test_distributions_have_time_memory_and_disk(profile_page: Element) -> None:
    rows = row_texts(profile_page.one("table", class_="shares"))

    assert rows == [
        ["package1 2.1", "", "143", "2.5", "9", "5.0", "71.0"],
        ["(function)", "", "5.0", "0.0", "1", "", ""],
    ]


def test_several_events_fold_and_one_is_open(
    profile_document: Callable[..., dict[str, Any]],
) -> None:
    page = Tree(render_page(profile_document(events=("a.json", "b.json")))).root
    folds = page.all("details", class_="event")

    assert [it.one("summary").one("b").text for it in folds] == ["a.json", "b.json"]
    assert ["open" in it.attributes for it in folds] == [True, False]


def test_a_text_of_importtime_has_a_page(profile_document: Callable[..., dict[str, Any]]) -> None:
    imports = profile_document()["profiles"][0]["imports"][:60]
    unknown = ("asked_by", "asked_file", "asked_line", "resident_bytes", "origin")
    for one in imports:
        one.update(dict.fromkeys(unknown))
    document = {
        "schema": "coldcache-profile",
        "schema_version": 1,
        "source": "importtime",
        "imports": imports,
        "cached": {"os": 3, "sys": 4},
        "skipped_rows": 0,
    }

    page = Tree(render_page(document)).root

    figures = {it.one("dt").text: it.one("b").text for it in page.one("dl").all("div")}
    assert figures == {"imports": "988 ms", "modules": "60", "repeats": "7"}
    assert page.one("svg", class_="flame-graph").all("svg")


def test_imports_beyond_the_limit_are_left_out_from_the_shortest_on(
    profile_document: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("coldcache.tools.page.traces.IMPORT_LIMIT", 40)
    document = profile_document(events=("a.json", "b.json"))

    page = Tree(render_page(document)).root

    for data in page.all("script", class_="flame-data"):
        imported = [it for it in json.loads(data.text)["frames"] if len(it) > 5]
        assert len(imported) == 20
        assert imported[0][1] == "app"
    assert page.all("p", class_="note")[-1].text.startswith("42 imports that took least")


# An optimisation


def test_the_head_of_an_optimisation_has_its_figures(outcome_page: Element) -> None:
    figures = {
        it.one("dt").text: (it.one("b").text, it.one("small").text)
        for it in outcome_page.one("dl", class_="figures").all("div")
    }

    assert figures["init"] == ("0.38\u00a0×", "800 to 300 ms")  # noqa: RUF001
    assert figures["init + first answer"] == ("0.46\u00a0×", "840 to 390 ms")  # noqa: RUF001
    assert figures["removed"][0] == "410 ms"
    assert figures["moved"][0] == "62.0 ms"
    assert figures["deferred"] == ("6", "of 12 import statements")
    assert "The event is answered as before" in outcome_page.one("p", class_="finding").text


def test_every_sample_is_a_dot_and_a_number(outcome_page: Element) -> None:
    dots = outcome_page.all("circle", class_="dot")
    numbers = outcome_page.one("table", class_="samples").all("td")

    assert len(dots) == 5 * 2 * 5
    assert sum(len(it.text.split(", ")) for it in numbers) == len(dots)
    assert numbers[0].text == "800, 816, 832, 848, 864"


def test_a_figure_has_median_interval_and_ratio_of_both(outcome_page: Element) -> None:
    rows = outcome_page.one("table", class_="compare").one("tbody").all("tr")
    [row] = [it for it in rows if it.one("th").text.startswith("memory")]

    texts = [(it.one("b").text, it.one("small").text) for it in row.all("td", class_="n")]
    assert texts == [
        ("140 MB", "136 to 153"),
        ("83.2 MB", "80.8 to 90.7"),
        ("0.59\u00a0×", "0.57 to 0.65"),  # noqa: RUF001
    ]


def test_modules_are_compared(outcome_page: Element) -> None:
    row = outcome_page.one("table", class_="compare").one("tbody").all("tr")[-1]

    assert [it.one("b").text for it in row.all("td", class_="n")] == ["1,402", "388", "0.28\u00a0×"]  # noqa: RUF001


def test_every_edge_has_a_row_most_expensive_first(outcome_page: Element) -> None:
    rows = row_texts(outcome_page.one("table", class_="edges"))

    assert len(rows) == 12
    assert rows[0] == [
        "import lib11 in package4, line 12",
        "eager",
        "11.0",
        "not known",
        "not tried",
    ]
    assert rows[1] == [
        "from lib10 import one, two in package3, line 11",
        "eager",
        "10.0",
        "during init by a.py:3",
        "registers a codec",
    ]


def test_a_plan_that_is_better_says_how_to_apply_it(outcome_page: Element) -> None:
    text = outcome_page.one("section", id="apply").text

    assert "build/coldcache.lock" in text
    assert "AWS_LAMBDA_EXEC_WRAPPER=" in text


@pytest.mark.parametrize("verdict", ["no gain", "only moved"])
def test_without_a_better_plan_there_is_nothing_to_apply(
    verdict: str, outcome_document: Callable[..., dict[str, Any]]
) -> None:
    page = Tree(render_page(outcome_document(verdict=verdict))).root

    assert "There is no lock file to apply" in page.one("section", id="apply").text
    assert "With the plan" not in page.one("p", class_="finding").text


def test_answers_that_differ_are_shown(outcome_document: Callable[..., dict[str, Any]]) -> None:
    document = outcome_document()
    document["events"][0]["answers_equal"] = False

    page = Tree(render_page(document)).root

    assert "answers differ" in page.one("section", id="compared").text
    assert "same answer" not in page.one("section", id="compared").text
    assert "as before" not in page.one("p", class_="finding").text


def test_removed_and_moved_are_shown_apart(outcome_page: Element) -> None:
    items = outcome_page.one("section", id="balance").all("li")

    assert [(it.one("b").text, it.one("span", class_="share").text) for it in items] == [
        ("410 ms", "87\u00a0%"),
        ("62.0 ms", "13\u00a0%"),
    ]


def test_a_page_with_3000_imports_and_edges_stays_small(
    outcome_document: Callable[..., dict[str, Any]], profile_document: Callable[..., dict[str, Any]]
) -> None:
    document = outcome_document(edges=3000, profile=profile_document(count=3000))

    assert len(render_page(document).encode()) < 1_500_000

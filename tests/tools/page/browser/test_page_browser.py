"""The page in a real browser: nothing asked for, nothing complained of, usable by keyboard."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from coldcache.tools.page import write_page

pytestmark = pytest.mark.timeout(300)  # the first one may install the browser

PHONE = 360


@pytest.fixture
def open_page(browser: Any, open_tab: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open the page of a document; light and as wide as a desk by default."""
    opened = []

    def show(
        document: dict[str, Any],
        *,
        width: int = 1280,
        scheme: str = "light",
        has_scripts: bool = True,
    ) -> Any:
        path = tmp_path / "page.html"
        write_page(document, path)
        tab = open_tab(browser, path.as_uri(), width=width, scheme=scheme, has_scripts=has_scripts)
        opened.append(tab)
        return tab

    yield show
    for tab in opened:
        tab.close()


@pytest.fixture
def profile(profile_document: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return profile_document(events=("a.json", "b.json"))


@pytest.fixture
def outcome(outcome_document: Callable[..., Any], profile: dict[str, Any]) -> dict[str, Any]:
    return outcome_document(profile=profile, edges=40)


@pytest.fixture
def lab(lab_document: Callable[..., Any]) -> dict[str, Any]:
    return lab_document(events=("a.json", "b.json"))


@pytest.fixture
def load(load_document: Callable[..., Any]) -> dict[str, Any]:
    return load_document()


@pytest.fixture(
    params=["profile", "outcome", "lab", "load", "hostile_document", "hostile_lab", "hostile_load"]
)
def document(request: pytest.FixtureRequest) -> dict[str, Any]:
    return request.getfixturevalue(request.param)


FOCUSED = """(() => {
  const it = document.activeElement;
  return [it.tagName, it.className, it.textContent];
})()"""


def focus_frame(tab: Any) -> None:
    tab.run("document.querySelector('details[open] .flame-graph [tabindex=\"0\"]').focus()")


def frame(tab: Any) -> str:
    return tab.run("document.activeElement.getAttribute('aria-label').split(',')[0]")


# What the browser says


@pytest.mark.parametrize("width", [1280, PHONE])
def test_the_browser_complains_of_nothing_and_asks_for_nothing(
    width: int, document: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(document, width=width)

    assert tab.messages() == []
    assert [address.partition(":")[0] for address in tab.requests()] == ["file"]


def test_what_a_page_may_not_do_is_complained_of(
    profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    # So the test before this one can fail; and the policy holds.
    tab = open_page(profile)

    tab.run("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')")
    tab.run("document.body.append(Object.assign(new Image(), {src: 'https://example.invalid/'}))")

    told = " ".join(tab.messages())
    assert "Applying inline style violates the following Content Security Policy" in told
    assert "Loading the image 'https://example.invalid/' violates" in told
    assert "https://example.invalid/" in tab.requests()
    assert tab.failures() == ["csp"]


@pytest.mark.parametrize("has_scripts", [True, False])
def test_a_phone_scrolls_in_one_direction_only(
    has_scripts: bool, document: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(document, width=PHONE, has_scripts=has_scripts)
    tab.run(
        "for (const it of document.querySelectorAll('details')) { it.name = ''; it.open = true }"
    )

    assert tab.run("document.documentElement.scrollWidth") == PHONE


def test_dark_and_light_differ(outcome: dict[str, Any], open_page: Callable[..., Any]) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        tab = open_page(outcome, scheme=scheme)
        colour = tab.run("getComputedStyle(document.body).backgroundColor")
        seen[scheme] = (colour, base64.b64decode(tab.screenshot()))

    assert seen["light"][0] == "rgb(252, 251, 248)"
    assert seen["dark"][0] == "rgb(20, 24, 27)"
    assert seen["light"][1] != seen["dark"][1]


def test_every_control_has_a_name_for_screen_readers(
    document: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(document)
    roles = {"button", "combobox", "link", "searchbox", "treeitem", "tree", "table", "region"}

    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    controls = [it for it in nodes if not it["ignored"] and it["role"].get("value") in roles]

    graphs = {"button", "link", "searchbox", "tree", "treeitem"}
    wanted = (
        {"link", "region", "table"} if "prices" in document or "samples" in document else graphs
    )
    assert wanted <= {it["role"]["value"] for it in controls}
    assert [it for it in controls if not it.get("name", {}).get("value")] == []


def test_rows_that_are_far_below_are_there_for_screen_readers(
    outcome_document: Callable[..., Any], profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(outcome_document(profile=profile, edges=1000))

    nodes = tab.call("Accessibility.getFullAXTree")["nodes"]
    heads = [it["name"]["value"] for it in nodes if it["role"].get("value") == "rowheader"]

    assert sum(head.startswith("import lib") for head in heads) == 500
    assert "package1.module1" in heads


# Keyboard


def test_the_tab_key_visits_each_control_once_in_the_order_of_the_page(
    outcome: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(outcome)
    tab.run("window.visited = []")
    places = []
    for _ in range(200):
        tab.press("Tab")
        place = tab.run(
            """(() => {
              const it = document.activeElement;
              if (it === document.body || visited.includes(it)) return null;
              visited.push(it);
              return [...document.querySelectorAll("*")].indexOf(it);
            })()"""
        )
        if place is None:
            break
        places.append(place)

    assert len(places) > 20
    assert places == sorted(places)


def test_focus_can_be_seen_wherever_it_is(
    outcome: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(outcome)
    for _ in range(30):
        tab.press("Tab")
        seen = tab.run(
            """(() => {
              const it = document.activeElement;
              const rect = it.tagName === "rect" ? it : it.querySelector(":scope > rect");
              const style = getComputedStyle(rect ?? it);
              const line = parseFloat(rect ? style.strokeWidth : style.outlineWidth);
              return [it.outerHTML.slice(0, 80), line, it.getBoundingClientRect().width];
            })()"""
        )
        assert seen[1] >= 2, seen
        assert seen[2] > 0, seen


def test_the_first_tab_leads_past_the_head(
    profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(profile)

    tab.press("Tab")
    assert tab.run(FOCUSED) == ["A", "skip", "Skip to the content"]
    tab.press("Enter")

    assert tab.run("document.activeElement.id") == "content"


def test_arrow_keys_move_through_the_flame_graph(
    profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(profile)
    focus_frame(tab)
    seen = []
    for key in ("ArrowDown", "ArrowRight", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp"):
        tab.press(key)
        seen.append(frame(tab))

    assert seen == [
        "interpreter start",
        "app",
        "package1.module1",
        "package4.module11",
        "package1.module1",
        "app",
    ]


def test_enter_zooms_in_and_escape_out(
    profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(profile)
    width = "parseFloat(document.activeElement.getAttribute('width'))"
    focus_frame(tab)
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        tab.press(key)
    before = tab.run(width)
    tab.press("Enter")
    zoomed = tab.run(width)
    labels = tab.run(
        "[...document.querySelectorAll('details[open] .flame-graph .above')]"
        ".map((it) => it.getAttribute('aria-label').split(',')[0])"
    )
    for _ in range(3):
        tab.press("Escape")

    assert zoomed == 100 > before
    assert labels == ["init", "app"]
    assert frame(tab) == "package1.module1"
    assert tab.run(width) == before


def test_the_details_tell_of_the_frame_with_focus(
    profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(profile)
    focus_frame(tab)
    tab.press("ArrowDown")
    tab.press("ArrowRight")

    text = tab.run("document.querySelector('details[open] .flame-detail').textContent")
    assert text == "app 988 ms, 89.8 % of init, own 5.0 ms, 0.0 MB, bytecode, asked for at app.py:1"


# Tools


def test_search_marks_what_it_finds_and_says_how_much_it_is(
    profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(profile)
    tab.run("document.querySelector('details[open] .flame-find').focus()")
    for letter in "E1.MODULE1":
        tab.press(letter)

    found = tab.run("document.querySelector('details[open] .flame-found').textContent")
    hits = tab.run(
        "[...document.querySelectorAll('details[open] .flame-graph .hit')]"
        ".map((it) => it.getAttribute('aria-label').split(',')[0])"
    )
    assert found == "2 matches, 267 ms"
    assert hits == ["package1.module1", "package1.module15"]


def test_enter_in_the_search_field_goes_to_the_next_match(
    profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(profile)
    tab.run("document.querySelector('details[open] .flame-find').focus()")
    for letter in "module15":
        tab.press(letter)
    tab.press("Enter")

    text = tab.run("document.querySelector('details[open] .flame-detail').textContent")
    assert text.startswith("package1.module15 ")


def test_a_row_of_the_waterfall_unfolds(
    profile_document: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    document = profile_document(count=300)
    tab = open_page(document)
    rows = "[...document.querySelectorAll('.waterfall tr[data-depth]:not(.phase)')]"
    before = tab.run(f"{rows}.length")
    for _ in range(300):
        if not tab.run("!!document.querySelector('.waterfall button.more')"):
            break
        tab.run("document.querySelector('.waterfall button.more').click()")

    imports = document["profiles"][0]["imports"]
    names = tab.run(f"{rows}.map((it) => it.querySelector('code').textContent)")
    # The order in which they began, but with those of each phase together.
    phases = ("init", "first call")
    wanted = [one["name"] for phase in phases for one in imports if one["phase"] == phase]
    assert before < len(names)
    assert names == wanted
    own = tab.run(f"{rows}.map((it) => it.querySelector('td.own').textContent)")
    assert set(own[1:300]) == {"3.3"}


def test_a_button_sorts_and_says_so(outcome: dict[str, Any], open_page: Callable[..., Any]) -> None:
    tab = open_page(outcome)
    column = (
        "[...document.querySelectorAll('.edges tbody tr')].map((it) => it.cells[2].textContent)"
    )
    press = "document.querySelector('.edges thead th:nth-child(3) button').click()"
    order = "document.querySelector('.edges thead th:nth-child(3)').ariaSort"
    tab.run(press)
    down, said_down = tab.run(column), tab.run(order)
    tab.run(press)
    up, said_up = tab.run(column), tab.run(order)

    assert (said_down, said_up) == ("descending", "ascending")
    assert down == sorted(down, key=lambda it: -float(it or -1))
    assert up == sorted(up, key=lambda it: float(it or -1))


def test_filters_leave_the_rows_that_fit(
    outcome: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(outcome)
    tab.run(
        """(() => {
          const [state] = document.querySelectorAll(".filter-choice");
          state.value = "eager";
          state.dispatchEvent(new Event("change"));
          const text = document.querySelector(".filter-text");
          text.value = "CODEC";
          text.dispatchEvent(new Event("input"));
        })()"""
    )

    shown = tab.run(
        "[...document.querySelectorAll('.edges tbody tr')].filter((it) => !it.hidden)"
        ".map((it) => [it.cells[1].textContent, it.cells[4].textContent])"
    )
    assert shown == [["eager", "registers a codec"]] * 10
    assert tab.run("document.querySelector('.filter-found').textContent") == "10 statements"


# Without scripts, on paper


def test_without_scripts_everything_but_the_tools_is_there(
    outcome: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(outcome, has_scripts=False)

    heights = tab.run(
        "Object.fromEntries(['.figures', '.compare', '.edges', '.shares', '.bill', '.waterfall',"
        " '.flame-graph', '.tools'].map((it) =>"
        " [it, document.querySelector(it).getBoundingClientRect().height]))"
    )
    tools = heights.pop(".tools")
    assert tools == 0
    assert min(heights.values()) > 20
    assert tab.run("document.querySelectorAll('details[open] .flame-graph .f').length") > 50


def test_paper_has_no_tools_and_no_scrolling_boxes(
    outcome: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(outcome, scheme="dark")
    features = [{"name": "prefers-color-scheme", "value": "dark"}]
    tab.call("Emulation.setEmulatedMedia", media="print", features=features)

    assert tab.run("document.querySelector('.tools').getBoundingClientRect().height") == 0
    assert tab.run("getComputedStyle(document.querySelector('.scroll')).maxHeight") == "none"
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(252, 251, 248)"
    printed = base64.b64decode(tab.call("Page.printToPDF")["data"])
    assert printed.startswith(b"%PDF")


def test_data_of_the_page_is_what_scripts_show(
    profile: dict[str, Any], open_page: Callable[..., Any]
) -> None:
    tab = open_page(profile)
    shown = tab.run(
        "[...document.querySelectorAll('details[open] .flame-graph .f')]"
        ".map((it) => it.getAttribute('aria-label'))"
    )

    names = {label.split(",")[0] for label in shown}
    wanted = {one["name"] for one in profile["profiles"][0]["imports"]}
    assert names == wanted | {"init", "first call", "later calls", "interpreter start"}
    assert json.dumps(shown).count(" of init") >= 60

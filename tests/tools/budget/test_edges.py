from __future__ import annotations

from coldcache.tools.budget import Edge, ImportGraph


def graph(*edges: str) -> ImportGraph:
    """Edges as ``importer>module``, the line is their position."""
    pairs = [edge.split(">") for edge in edges]
    return ImportGraph(
        [Edge(one, other, f"{one}.py", line) for line, (one, other) in enumerate(pairs, 1)], "app"
    )


def chain(found: ImportGraph, module: str) -> list[str]:
    return [f"{edge.importer}:{edge.line}" for edge in found.chain(module)]


def test_the_chain_is_the_shortest_one_not_the_first() -> None:
    found = graph("app>a", "a>b", "b>heavy", "app>c", "c>heavy")

    assert chain(found, "heavy") == ["app:4", "c:5"]


def test_of_two_that_are_equally_short_the_first_one_counts() -> None:
    found = graph("app>a", "app>b", "b>heavy", "a>heavy")

    assert chain(found, "heavy") == ["app:1", "a:4"]


def test_a_package_comes_by_the_statement_that_names_what_is_in_it() -> None:
    assert chain(graph("app>xml.etree.ElementTree"), "xml") == ["app:1"]


def test_circles_end() -> None:
    assert chain(graph("app>a", "a>app", "a>b", "b>a", "b>heavy"), "heavy") == [
        "app:1",
        "a:3",
        "b:5",
    ]


def test_what_no_statement_of_the_function_leads_to_has_no_chain() -> None:
    assert graph("app>a", "client>heavy").chain("heavy") == ()


def test_modules_are_grouped_by_the_first_of_them_on_their_way() -> None:
    found = graph("app>a", "a>pandas", "pandas>numpy", "numpy>numpy.core", "a>small")

    assert found.grouped(["numpy", "numpy.core", "pandas", "small"]) == {
        "pandas": ["numpy", "numpy.core", "pandas"],
        "small": ["small"],
    }


def test_one_statement_makes_one_group() -> None:
    found = graph("app>xml.etree.ElementTree", "xml.etree.ElementTree>xml.etree.ElementPath")

    assert list(
        found.grouped(["xml", "xml.etree", "xml.etree.ElementTree", "xml.etree.ElementPath"])
    ) == ["xml"]

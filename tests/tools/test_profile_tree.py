"""The tree of imports, records as the tracer writes them, and whose imports they are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from coldcache.tools.profile import Import
from coldcache.tools.profile.distributions import FUNCTION, NOT_FOUND, OTHER, STDLIB, Owners, shares
from coldcache.tools.profile.installation import Installation
from coldcache.tools.profile.record import read_records
from coldcache.tools.profile.tree import Tree, step_sums


def one(number: int, parent: int | None, total: int, **more: object) -> Import:
    return Import(
        **{"id": number, "name": f"m{number}", "parent": parent, "start_ns": 0, "end_ns": total}
        | more  # type: ignore[arg-type]
    )


def test_the_most_expensive_imports_are_shown_and_the_others_counted() -> None:
    tree = Tree([one(0, None, 100), one(1, 0, 60), one(2, 0, 5), one(3, 2, 4), one(4, None, 50)])

    rows = [
        (row.one.name if row.one else f"+{row.left_out}", row.depth, row.left_out_ns)
        for row in tree.top(3)
    ]

    assert rows == [("m0", 0, 0), ("m1", 1, 0), ("+2", 1, 5), ("m4", 0, 0)]


def test_nothing_is_left_out_of_a_small_tree() -> None:
    tree = Tree([one(0, None, 2), one(1, 0, 1)])

    assert [row.one for row in tree.top(10)] == list(tree.imports)


def test_an_import_whose_parent_is_missing_is_a_root() -> None:
    assert [root.name for root in Tree([one(5, 3, 1)]).roots] == ["m5"]


def test_own_memory_is_without_that_of_the_imports_inside() -> None:
    outer, inner = one(0, None, 2, resident_bytes=100), one(1, 0, 1, resident_bytes=70)

    assert Tree([outer, inner]).self_resident_bytes(outer) == 30


def test_steps_are_summed() -> None:
    sums = step_sums([one(0, None, 9, steps_ns={"find": 2}), one(1, None, 9, steps_ns={"find": 3})])

    assert sums["find"] == 5
    assert step_sums([one(0, None, 9)]) == {}


# Records


LINE = (
    '{"id":1,"parent":null,"name":"a","kind":"bytecode","reload":false,"depth":0,"thread":7,'
    '"asked_by":"m","asked_file":"m.py","asked_line":2,"origin":"/a.py","start_ns":10,"end_ns":110,'
    '"nested_ns":30,"find_ns":5,"body_ns":20,"check_ns":1,"read_ns":2,"unmarshal_ns":3,'
    '"compile_ns":0,"dlopen_ns":0,"exec_ns":0,"read_bytes":9,"resident_bytes":null,'
    '"minor_faults":null,"major_faults":null,"error":null,"error_message":null}\n'
)
TOTALS = '{"dropped":4,"own_ns":5,"installed_ns":6}\n'


def test_a_record_is_read_with_the_rest_of_its_time() -> None:
    [record], totals = read_records([LINE, TOTALS])

    assert (record.total_ns, record.self_ns) == (100, 70)
    assert record.steps_ns["rest"] == 70 - 31
    assert sum(record.steps_ns.values()) == record.self_ns
    assert (totals.dropped, totals.own_ns, totals.installed_ns) == (4, 5, 6)


def test_the_last_totals_count() -> None:
    _, totals = read_records([TOTALS, LINE, TOTALS.replace("4", "9")])

    assert totals.dropped == 9


def test_a_line_that_was_cut_off_is_left_out() -> None:
    imports, _ = read_records([LINE, LINE[:80]])

    assert len(imports) == 1


def test_imports_are_put_into_the_order_of_their_begin() -> None:
    imports, _ = read_records([LINE, LINE.replace('"id":1', '"id":0')])

    assert [record.id for record in imports] == [0, 1]


# Distributions


@pytest.fixture
def owners(tmp_path: Path) -> Owners:
    """A function folder, a standard library, and one distribution with one module."""
    site = tmp_path / "lib" / "site-packages"
    info = site / "Thing-1.5.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Thing\nVersion: 1.5\n")
    (info / "RECORD").write_text("thing.py,,\nThing-1.5.dist-info/METADATA,,\ngone.py,,\n")
    (site / "thing.py").write_text("x" * 1000)
    function = tmp_path / "function"
    function.mkdir()
    (function / "app.py").write_text("x" * 10)
    paths = (str(function), str(tmp_path / "lib"), str(site))
    return Owners(Installation(str(function), paths, frozenset({str(tmp_path / "lib")})))


@pytest.mark.parametrize(
    ("origin", "kind", "owner"),
    [
        ("{0}/lib/site-packages/thing.py", "bytecode", "Thing"),
        ("{0}/lib/site-packages/loose.py", "bytecode", OTHER),
        ("{0}/lib/json/__init__.py", "bytecode", STDLIB),
        ("{0}/function/app.py", "source", FUNCTION),
        ("built-in", "builtin", STDLIB),
        ("frozen", "frozen", STDLIB),
        ("/elsewhere/a.py", "bytecode", OTHER),
        (None, "failed", NOT_FOUND),
        (None, "namespace", OTHER),
        ("made up", "other", OTHER),
    ],
)
def test_every_import_has_an_owner(
    origin: str | None, kind: str, owner: str, owners: Owners, tmp_path: Path
) -> None:
    place = origin.format(tmp_path) if origin else None

    assert owners.owner(one(0, None, 1, origin=place, kind=kind)) == owner


def test_a_file_behind_a_link_has_the_owner_of_the_file(owners: Owners, tmp_path: Path) -> None:
    os.symlink(tmp_path / "lib", tmp_path / "lib64")
    origin = str(tmp_path / "lib64" / "site-packages" / "thing.py")

    assert owners.owner(one(0, None, 1, origin=origin, kind="bytecode")) == "Thing"


def test_a_share_has_version_sums_and_sizes(owners: Owners, tmp_path: Path) -> None:
    thing = str(tmp_path / "lib/site-packages/thing.py")
    tree = Tree(
        [
            one(0, None, 5_000_000, origin=thing, kind="bytecode", resident_bytes=50),
            one(1, 0, 1_000_000, origin="frozen", kind="frozen", resident_bytes=20),
            one(2, None, 2_000_000, origin=thing, kind="failed", phase="first call"),
        ]
    )

    thing_share, stdlib = shares(tree, owners)

    assert (thing_share.name, thing_share.version, thing_share.modules) == ("Thing", "1.5", 1)
    assert thing_share.self_ms == {"init": 5.0, "first call": 2.0}
    assert thing_share.resident_bytes == 30
    assert thing_share.disk_bytes == 1000 + len(
        "Metadata-Version: 2.1\nName: Thing\nVersion: 1.5\n"
    )
    assert (stdlib.name, stdlib.disk_bytes) == (STDLIB, None)


def test_the_functions_own_files_are_its_size(owners: Owners) -> None:
    assert owners.disk_bytes(FUNCTION) == 10

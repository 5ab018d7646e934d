"""Locks that do not fit or are damaged: one line says so, imports stay eager, all works."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import coldcache
import pytest
from coldcache._lock import Lock

AUTO = Path(coldcache.__file__).parent / "auto"
SITE = str(AUTO / "site")


def said_once(found: dict[str, Any], *words: str) -> None:
    """Nothing was deferred, and one line tells why."""
    assert not found["deferred"]
    assert len(found["said"]) == 1, found["said"]
    for word in words:
        assert word in found["said"][0], (word, found["said"])


def whole() -> str:
    return Lock(
        target="app.use",
        python=f"{sys.version_info[0]}.{sys.version_info[1]}",
        requires=[],
        edges={"app": ["heavy"], "other": ["heavy:VALUE", "second"]},
        fingerprints={"app": 2**64 - 1},
    ).text()


DAMAGED = {
    "empty": b"",
    "blank": b"\n\n",
    "other-text": b"[project]\nname = 'x'\n",
    "other-version": whole().replace("coldcache.lock 1", "coldcache.lock 2").encode(),
    "binary": bytes(range(256)) * 4,
    "zeros": b"\0" * 4096,
    "utf-16": whole().encode("utf-16"),
    "bytecode": compile("x = 1", "x", "exec").co_code + b"\xff\xfe",
    "only-the-first-line": whole().splitlines()[0].encode(),
    "half": whole().encode()[: len(whole()) // 2],
    "without-the-last-byte-of-the-sum": whole().rstrip("\n").encode()[:-1],
    "without-the-last-line": "\n".join(whole().splitlines()[:-1]).encode() + b"\n",
    "without-an-import": whole().replace(" second\n", "").encode(),
    "with-another-import": whole().replace(" second\n", " second\n third\n").encode(),
    "import-changed": whole().replace(" second", " zecond").encode(),
    "target-changed": whole().replace("app.use", "app.abc").encode(),
    "twice": (whole() * 2).encode(),
    "something-behind": whole().encode() + b"more\n",
    "windows-lines": whole().replace("\n", "\r\n").encode(),
    "huge": whole().encode() + b"#" * (17 * 2**20),
    "json": json.dumps({"edges": {"app": ["heavy"]}}).encode(),
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_a_damaged_lock_is_reported_and_left(damage: str, deployed: Any) -> None:
    (deployed.folder / "coldcache.lock").write_bytes(DAMAGED[damage])
    found = deployed.facts(COLDCACHE_LOCK="coldcache.lock")

    said_once(found, "coldcache.lock", "eager")


def test_each_place_where_a_lock_can_be_cut_off_is_noticed(deployed: Any) -> None:
    text = whole()
    for length in range(len(text) - 1):
        with pytest.raises(coldcache.exceptions.PlanError):
            Lock.parse(text[:length])


def test_each_change_of_a_single_character_is_noticed_or_harmless() -> None:
    text = whole()
    for place in range(len(text)):
        for character in "x \n0":
            changed = text[:place] + character + text[place + 1 :]
            if changed == text:
                continue
            try:
                lock = Lock.parse(changed)
            except coldcache.exceptions.PlanError:
                continue
            assert lock.text() == text


def test_a_missing_lock_is_named(deployed: Any) -> None:
    found = deployed.facts(COLDCACHE_LOCK="/nowhere/coldcache.lock")

    said_once(found, "/nowhere/coldcache.lock")


def test_a_folder_in_place_of_the_lock_is_named(deployed: Any) -> None:
    found = deployed.facts(COLDCACHE_LOCK=str(deployed.folder))

    said_once(found, str(deployed.folder))


def test_a_lock_that_cannot_be_read_is_named(deployed: Any) -> None:
    found = deployed.facts(COLDCACHE_LOCK="/proc/self/mem")

    said_once(found, "/proc/self/mem")


def test_a_pipe_in_place_of_the_lock_does_not_hold_up_the_start(deployed: Any) -> None:
    os.mkfifo(deployed.folder / "pipe.lock")
    found = deployed.facts(COLDCACHE_LOCK="pipe.lock")

    said_once(found, "pipe.lock")


def test_a_device_without_end_does_not_hold_up_the_start(deployed: Any) -> None:
    found = deployed.facts(COLDCACHE_LOCK="/dev/zero")

    said_once(found, "/dev/zero")


@pytest.mark.parametrize("version", ["3.9", "3.99", "2.7", "", "three"])
def test_a_lock_of_another_python_is_not_applied(version: str, deployed: Any) -> None:
    text = deployed.lock(python=version).text()
    (deployed.folder / "coldcache.lock").write_text(text)
    found = deployed.facts(COLDCACHE_LOCK="coldcache.lock")

    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    said_once(found, version, here, "coldcache optimize")


def test_a_lock_of_another_version_of_a_package_is_not_applied(deployed: Any) -> None:
    (deployed.folder / "nosuchpackage-3.1.2.dist-info").mkdir()
    text = deployed.lock(requires=["nosuchpackage-3.1.1.dist-info"]).text()
    (deployed.folder / "coldcache.lock").write_text(text)
    found = deployed.facts(COLDCACHE_LOCK="coldcache.lock", PYTHONPATH=f"{SITE}:{deployed.folder}")

    said_once(found, "nosuchpackage-3.1.1", "coldcache optimize")


def test_a_lock_of_the_installed_versions_is_applied(deployed: Any) -> None:
    (deployed.folder / "pandas-3.1.1.dist-info").mkdir()
    text = deployed.lock(requires=["pandas-3.1.1.dist-info"]).text()
    (deployed.folder / "coldcache.lock").write_text(text)
    found = deployed.facts(COLDCACHE_LOCK="coldcache.lock", PYTHONPATH=f"{SITE}:{deployed.folder}")

    assert found == {"deferred": True, "said": []}


def test_packages_beside_the_function_are_found(deployed: Any) -> None:
    (deployed.folder / "pandas-3.1.1.dist-info").mkdir()
    text = deployed.lock(requires=["pandas-3.1.1.dist-info"]).text()
    (deployed.folder / "coldcache.lock").write_text(text)
    found = deployed.facts(LAMBDA_TASK_ROOT=str(deployed.folder))

    assert found == {"deferred": True, "said": []}


def test_a_module_that_changed_since_stays_eager(deployed: Any) -> None:
    text = deployed.lock(fingerprints={"app": 1}).text()
    (deployed.folder / "coldcache.lock").write_text(text)
    found = deployed.facts(COLDCACHE_LOCK="coldcache.lock")

    said_once(found, "app")


FINGERPRINT = """
import sys
from coldcache._core import fingerprint
code = compile(open(sys.argv[1]).read(), sys.argv[1], "exec")
print(fingerprint(code))
"""


def test_a_module_that_is_what_it_was_is_deferred(deployed: Any) -> None:
    number = int(deployed.run(sys.executable, "-c", FINGERPRINT, "app.py").stdout)
    text = deployed.lock(fingerprints={"app": number}).text()
    (deployed.folder / "coldcache.lock").write_text(text)

    assert deployed.facts(COLDCACHE_LOCK="coldcache.lock") == {"deferred": True, "said": []}


def test_the_folder_of_a_module_does_not_change_its_fingerprint(deployed: Any) -> None:
    (deployed.folder / "elsewhere").mkdir()
    copy = deployed.folder / "elsewhere" / "app.py"
    copy.write_text((deployed.folder / "app.py").read_text())
    numbers = {
        deployed.run(sys.executable, "-c", FINGERPRINT, name).stdout
        for name in ("app.py", str(copy), str(deployed.folder / "app.py"))
    }

    assert len(numbers) == 1


@pytest.mark.parametrize(
    "change",
    [
        "import heavy\nimport second\ndef use(): return heavy.VALUE\n",
        "from heavy import VALUE\ndef use(): return VALUE\n",
        "import second\ndef use(): return second.VALUE\n",
        "try:\n    import heavy\nfinally:\n    pass\ndef use(): return heavy.VALUE\n",
    ],
)
def test_an_edit_of_its_imports_changes_the_fingerprint_of_a_module(
    change: str, deployed: Any
) -> None:
    before = deployed.run(sys.executable, "-c", FINGERPRINT, "app.py").stdout
    (deployed.folder / "app.py").write_text(change)

    assert deployed.run(sys.executable, "-c", FINGERPRINT, "app.py").stdout != before


def test_a_lock_reads_back_as_written(tmp_path: Path) -> None:
    lock = Lock(
        target="größe.use",
        python="3.11",
        requires=["b-2.dist-info", "a-1.dist-info"],
        edges={"b": ["x:y,z", "a.b"], "a": ["größe"]},
        fingerprints={"a": 2**64 - 1, "b": 0},
    )
    (tmp_path / "l").write_text(lock.text(), encoding="utf-8")
    again = Lock.read(tmp_path / "l")

    assert again.text() == lock.text()
    assert (again.target, again.python) == ("größe.use", "3.11")
    assert set(again.requires) == {"a-1.dist-info", "b-2.dist-info"}
    assert {m: set(e) for m, e in again.edges.items()} == {"a": {"größe"}, "b": {"x:y,z", "a.b"}}
    assert again.fingerprints == {"a": 2**64 - 1, "b": 0}

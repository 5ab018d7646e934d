from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from coldcache.tools.lab import Event, LabPlan, LabResult, Target, UsageError, run_lab
from coldcache.tools.lab.document import check_destination, to_document, write_document

pytestmark = pytest.mark.usefixtures("needs_runtime_client")

DOCS = Path(__file__).parents[2] / "docs" / "lab.md"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> LabResult:
    pytest.importorskip("awslambdaric", reason="NOT TESTED: awslambdaric is missing")
    folder = tmp_path_factory.mktemp("plain")
    (folder / "app.py").write_text("def handler(event, context): return 'answer-51d2'")
    target = Target.parse(f"{folder}:app.handler")
    return run_lab(
        LabPlan(
            target=target,
            baseline=target,
            events=(Event("e.json", b'"payload-7f3a"'),),
            runs=2,
            settings={"TOKEN": "setting-99c1"},
        )
    )


def names(value: Any) -> Iterator[str]:
    """Every field name in a document."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from names(inner)


def test_every_field_of_the_document_is_described(result: LabResult) -> None:
    described = DOCS.read_text("utf-8")
    missing = {name for name in names(to_document(result)) if f"`{name}`" not in described}

    assert missing == set()


def test_figures_agree_with_the_samples_in_the_document(result: LabResult) -> None:
    document = to_document(result)
    counted = [
        sample["warm_answer_ms"]
        for sample in document["samples"]
        if sample["variant"] == "target" and not sample["is_warmup"]
    ]

    figures = document["results"][0]["metrics"]["warm_answer_ms"]["target"]

    assert figures["n"] == 2
    assert figures["median"] == pytest.approx(sum(counted) / 2)


def test_the_first_byte_comes_between_init_and_the_end_of_the_answer(result: LabResult) -> None:
    for sample in to_document(result)["samples"]:
        assert sample["init_ms"] < sample["first_byte_ms"] <= sample["first_answer_ms"]


def test_answers_appear_as_digest_and_length_only(result: LabResult) -> None:
    document = to_document(result)

    assert document["samples"][0]["first_answer"].keys() == {"sha256", "length"}
    assert document["samples"][0]["first_answer"]["length"] == len('"answer-51d2"')
    assert "answer-51d2" not in json.dumps(document)


def test_settings_appear_by_name_only(result: LabResult) -> None:
    document = to_document(result)

    assert document["options"]["env_names"] == ["TOKEN"]
    assert "setting-99c1" not in json.dumps(document)


def test_payloads_do_not_appear(result: LabResult) -> None:
    assert "payload-7f3a" not in json.dumps(to_document(result))


def test_the_document_survives_json(result: LabResult) -> None:
    document = to_document(result)

    assert json.loads(json.dumps(document, allow_nan=False)) == document


def test_a_failed_replacement_leaves_the_old_file_and_nothing_else(
    result: LabResult, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = workplace / "out.json"
    out.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(UsageError, match="cannot be written: No space left on device"):
        write_document(result, out)

    assert out.read_text() == "old"
    assert os.listdir(workplace) == ["out.json"]


def test_a_good_destination_passes_and_is_not_created(workplace: Path) -> None:
    check_destination(workplace / "out.json")

    assert os.listdir(workplace) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="NOT TESTED: root may write anywhere")
def test_a_folder_without_write_permission_is_named(workplace: Path) -> None:
    workplace.chmod(0o500)

    with pytest.raises(UsageError, match="is not writable"):
        check_destination(workplace / "out.json")

"""Every Python block in the documentation runs, in the order in which a reader meets it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in found if BLOCK.search(path.read_text("utf-8"))]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_python_block_of_a_document_runs(path: Path) -> None:
    # One program a document, lines kept where they are, so that an error names the line.
    text = path.read_text("utf-8")
    lines = [""] * (text.count("\n") + 1)
    for block in BLOCK.finditer(text):
        start = text.count("\n", 0, block.start(1))
        for offset, line in enumerate(block.group(1).splitlines()):
            lines[start + offset] = line
    program = "\n".join(lines)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"exec(compile({program!r}, {path.name!r}, 'exec'))"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_readme_has_code_that_runs() -> None:
    assert ROOT / "README.md" in documents()

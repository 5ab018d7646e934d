"""What a benchmark reports: tables and verdicts, as text for people and as JSON for the report."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass, field

from interleaved import Spread


@dataclass
class Table:
    """Rows under headings; the first column is text, the others are numbers with their spread."""

    title: str
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    note: str = ""

    def as_text(self) -> str:
        """The table in fixed columns."""
        lines = [self.columns, *self.rows]
        widths = [max(len(line[at]) for line in lines) for at in range(len(self.columns))]
        body = [
            "  ".join(
                cell.ljust(width) if at == 0 else cell.rjust(width)
                for at, (cell, width) in enumerate(zip(line, widths, strict=True))
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.title, "-" * len(self.title), *body, self.note]).rstrip() + "\n"

    def as_markdown(self) -> str:
        """The table for a page."""
        lines = [self.columns, ["---", *["---:"] * (len(self.columns) - 1)], *self.rows]
        body = ["| " + " | ".join(line) + " |" for line in lines]
        return "\n".join([f"### {self.title}", "", *body, "", self.note]).rstrip() + "\n"


@dataclass(frozen=True)
class Target:
    """A promise, and what was measured. Missed if even the better quartile is beyond the limit."""

    what: str
    limit: float
    low: float
    median: float
    high: float

    @classmethod
    def of(cls, what: str, limit: float, measured: Spread) -> Target:
        """A promise about a measured ratio."""
        return cls(what, limit, measured.low, measured.median, measured.high)

    @property
    def verdict(self) -> str:
        """One word, or a few."""
        if self.low > self.limit:
            return "MISSED"
        return "met" if self.median <= self.limit else "missed within the spread"

    @property
    def cells(self) -> list[str]:
        """The row of the table of targets."""
        measured = f"{number(self.median)} ({number(self.low)}-{number(self.high)})"
        return [self.what, f"<= {self.limit:g}", measured, self.verdict]


def number(value: float) -> str:
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def ratio(spread: Spread) -> str:
    return f"{number(spread.median)} ({number(spread.low)}-{number(spread.high)})"


@dataclass
class Outcome:
    """Everything one benchmark has to say."""

    tables: list[Table]
    targets: list[Target]
    remarks: list[str] = field(default_factory=list)
    """What was skipped, and other things a reader must not miss."""

    @property
    def exit_code(self) -> int:
        """1 if a target is clearly missed."""
        return int(any(target.verdict == "MISSED" for target in self.targets))

    def all_tables(self) -> list[Table]:
        """The tables, that of the targets last."""
        if not self.targets:
            return self.tables
        rows = [target.cells for target in self.targets]
        return [*self.tables, Table("Targets", ["what", "limit", "measured", ""], rows)]

    def emit(self, as_json: bool) -> int:
        """Print everything; the exit code."""
        if as_json:
            tables = [asdict(table) for table in self.all_tables()]
            print(json.dumps({"tables": tables, "remarks": self.remarks}))
        else:
            print("\n".join([*self.remarks, *(table.as_text() for table in self.all_tables())]))
        return self.exit_code


def parser(description: str | None, rounds: int, quick: int) -> argparse.ArgumentParser:
    """The options all benchmarks share."""
    options = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--rounds", type=int, default=rounds, help="rounds that count (%(default)s)"
    )
    options.add_argument(
        "--quick", dest="rounds", action="store_const", const=quick, help=f"{quick} rounds"
    )
    options.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return options

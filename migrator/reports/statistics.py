"""Counts for each code, instead of the findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrator.findings import FileReport
from migrator.reports.entries import Options, entries


@dataclass(frozen=True)
class Count:
    """How often a code was found, and how many of those `migrator fix` mends."""

    code: str
    name: str
    count: int
    fixable: int


def counts(reports: Sequence[FileReport], unsafe: bool) -> list[Count]:
    """The most frequent code first; files that failed count as a code of their own."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for report in reports:
        for entry in entries(report):
            count, fixable = found.get((entry.code, entry.name), (0, 0))
            found[entry.code, entry.name] = (count + 1, fixable + entry.fixable(unsafe))
    rows = [Count(code, name, count, fixable) for (code, name), (count, fixable) in found.items()]
    return sorted(rows, key=lambda row: (-row.count, row.code, row.name))


def table(reports: Sequence[FileReport], options: Options) -> str:
    """One line for each code: `[*]` where all of it can be fixed, `[-]` where some of it can."""
    rows = counts(reports, options.unsafe)
    width = max((len(str(row.count)) for row in rows), default=0)
    return "".join(f"{row.count:>{width}}  {row.code}  [{_mark(row)}] {row.name}\n" for row in rows)


def _mark(row: Count) -> str:
    if not row.fixable:
        return " "
    return "*" if row.fixable == row.count else "-"

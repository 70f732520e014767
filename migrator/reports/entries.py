"""What every format starts from: the findings and failures of a file as entries with rows and columns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from migrator.findings import Applicability, FileReport, Fix, LineIndex, Severity

FAILURE_CODE = "PF000"
"""The code of a file that could not be read, parsed or written."""

FAILURE_NAME = "unreadable-file"


@dataclass(frozen=True)
class Options:
    """How a report is to look.

    `fixing` is true for what `migrator fix` reports, and `dry` where nothing was written; `unsafe` where unsafe fixes
    are applied too. `width` is the number of cells in a line of the terminal.
    """

    fixing: bool = False
    dry: bool = False
    unsafe: bool = False
    quiet: bool = False
    statistics: bool = False
    colour: bool = False
    width: int = 160


@dataclass(frozen=True)
class Entry:
    """A finding, or the failure of a file, at a place in rows and columns that count from 1 (columns in characters)."""

    path: str
    row: int
    column: int
    end_row: int
    end_column: int
    code: str
    name: str
    severity: Severity
    message: str
    url: str
    fix: Fix | None
    index: LineIndex

    def fixable(self, unsafe: bool) -> bool:
        """Whether `migrator fix` mends it, with unsafe fixes where `unsafe`."""
        return self.fix is not None and (unsafe or self.fix.applicability is Applicability.SAFE)


def display_path(path: str) -> str:
    """The path relative to the current directory where it lies below, else as it is."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # Windows: on another drive
        return path
    outside = relative == os.pardir or relative.startswith(os.pardir + os.sep)
    return path if outside else relative


def entries(report: FileReport) -> Iterator[Entry]:
    """The failure of a file, then its findings in the order of the text."""
    path = display_path(report.path)
    index = LineIndex(report.text)
    failure = report.failure
    if failure is not None:
        yield Entry(
            path,
            failure.row,
            failure.column,
            failure.row,
            failure.column,
            FAILURE_CODE,
            FAILURE_NAME,
            Severity.ERROR,
            failure.message,
            "",
            None,
            index,
        )
    for finding in sorted(report.findings, key=lambda finding: (finding.start, finding.end, finding.code)):
        yield Entry(
            path,
            *index.position(finding.start),
            *index.position(finding.end),
            finding.code,
            finding.name,
            finding.severity,
            finding.message,
            finding.url,
            finding.fix,
            index,
        )

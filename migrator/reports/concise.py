"""The format `concise`: one line for each finding, then a summary."""

from __future__ import annotations

from collections.abc import Sequence

from migrator.findings import FileReport
from migrator.reports.entries import Options, entries
from migrator.reports.full import header
from migrator.reports.statistics import table
from migrator.reports.summary import summary
from migrator.reports.text import BOLD, paint, visible


def render(reports: Sequence[FileReport], options: Options) -> str:
    """The whole report."""
    text = table(reports, options) if options.statistics else body(reports, options)
    return text if options.quiet else text + summary(reports, options)


def body(reports: Sequence[FileReport], options: Options) -> str:
    """The lines of the findings alone."""
    return "".join(
        f"{paint(visible(entry.path), BOLD, options.colour)}:{entry.row}:{entry.column}: {header(entry, options)}\n"
        for report in reports
        for entry in entries(report)
    )

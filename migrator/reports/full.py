"""The format `full`: each finding with its source excerpt, then what was fixed, then a summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from migrator.findings import FileReport, Severity
from migrator.reports.entries import Entry, Options, display_path, entries
from migrator.reports.excerpt import excerpt
from migrator.reports.statistics import table
from migrator.reports.summary import summary
from migrator.reports.text import BLUE, CYAN, GREEN, RED, YELLOW, paint, visible

STYLES = {Severity.ERROR: RED, Severity.WARNING: YELLOW, Severity.INFO: BLUE}
"""The colour of each severity."""


def render(reports: Sequence[FileReport], options: Options) -> str:
    """The whole report."""
    if options.statistics:
        blocks = [table(reports, options)]
    else:
        blocks = [_block(entry, options) for report in reports for entry in entries(report)]
        if not options.quiet:
            blocks.append(_fixed(reports, options))
    if not options.quiet:
        blocks.append(summary(reports, options))
    return "\n".join(block for block in blocks if block)


def header(entry: Entry, options: Options) -> str:
    """`PF201 [*] error: the message`, where the star marks what `migrator fix` mends."""
    star = f"[{paint('*', CYAN, options.colour)}] " if entry.fixable(options.unsafe) else ""
    severity = paint(f"{entry.severity}:", STYLES[entry.severity], options.colour)
    return f"{paint(entry.code, STYLES[entry.severity], options.colour)} {star}{severity} {visible(entry.message)}"


def _block(entry: Entry, options: Options) -> str:
    digits, lines = excerpt(
        entry.index,
        (entry.row, entry.column),
        (entry.end_row, entry.end_column),
        style=STYLES[entry.severity],
        colour=options.colour,
        width=options.width,
    )
    indent = " " * digits
    place = f"{visible(entry.path)}:{entry.row}:{entry.column}"
    notes: list[str] = []
    if entry.fix:
        notes.append(
            f"{paint('help:', CYAN, options.colour)} {visible(entry.fix.message)} ({entry.fix.applicability} fix)"
        )
    if entry.url:
        notes.append(f"{paint('see:', CYAN, options.colour)} {visible(entry.url)}")
    equals = paint("=", BLUE, options.colour)
    return "".join(
        f"{line}\n"
        for line in (
            header(entry, options),
            f"{indent}{paint('-->', BLUE, options.colour)} {place}",
            *lines,
            *(f"{indent} {equals} {note}" for note in notes),
        )
    )


def _fixed(reports: Sequence[FileReport], options: Options) -> str:
    lines: list[str] = []
    for report in reports:
        if report.applied:
            lines.append(f"{visible(display_path(report.path))}:")
            applied = Counter((finding.code, finding.name) for finding in report.applied)
            width = max(len(str(count)) for count in applied.values())
            lines += (f"  {count:>{width}} x {code} {name}" for (code, name), count in sorted(applied.items()))
    if not lines:
        return ""
    title = paint("Would be fixed" if options.dry else "Fixed", GREEN, options.colour)
    return "".join(f"{line}\n" for line in (f"{title}:", *lines))

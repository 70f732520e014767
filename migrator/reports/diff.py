"""The format of `--diff`: one unified diff for each file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from migrator.findings import FileReport
from migrator.reports.entries import display_path
from migrator.reports.text import BOLD, CYAN, GREEN, RED, paint, visible

_NO_NEWLINE = "\\ No newline at end of file\n"


def render(reports: Sequence[FileReport], colour: bool = False) -> str:
    """The diffs of all files that fixes change, for `git apply -p0` and `patch -p0`."""
    return "".join(
        unified(report.before, report.text, display_path(report.path), colour=colour)
        for report in reports
        if report.before is not None
    )


def unified(before: str, after: str, path: str, *, context: int = 3, colour: bool = False) -> str:
    """The unified diff of two texts; empty where they are the same.

    Lines end at a newline alone, as in the programs that read a diff: other line endings are part of the line.
    """
    name = visible(path) + ("\t" if " " in path else "")
    lines = difflib.unified_diff(_lines(before), _lines(after), name, name, n=context)
    return "".join(_painted(lines, colour))


def _lines(text: str) -> list[str]:
    lines = [line + "\n" for line in text.split("\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _painted(lines: Iterator[str], colour: bool) -> Iterator[str]:
    for number, line in enumerate(lines):
        body = line[:-1] if line.endswith("\n") else line
        style = BOLD if number < 2 else {"@": CYAN, "-": RED, "+": GREEN}.get(line[:1], "")
        yield (paint(body, style, colour) if style else body) + "\n"
        if not line.endswith("\n"):
            yield _NO_NEWLINE

"""Shows each fix as a small diff and asks whether to apply it."""

from __future__ import annotations

import sys
from typing import Callable, Optional

from migrator.findings import FileReport, Finding, Fix, LineIndex, apply_edits
from migrator.reports.diff import unified
from migrator.reports.entries import display_path
from migrator.reports.output import write
from migrator.reports.text import visible

QUESTION = "Apply this fix? [y]es, [n]o, [a]ll that follow, [q]uit: "

Ask = Callable[[str], str]
"""Shows a text that ends in a question and returns the answer, the empty string at the end of the input."""


def ask_on_terminal(text: str) -> str:
    """The line that is typed, with its line ending; the empty string at the end of the input."""
    write(text, sys.stderr)
    return sys.stdin.readline()


def chooser(ask: Ask, *, colour: bool = False) -> Callable[[FileReport, Finding], bool]:
    """A function that decides on each fix by asking, until `all` or `quit` (or the end of input) answers the rest.

    Findings that the same edits mend are asked about once.
    """
    rest: list[bool] = []
    given: dict[tuple[str, str, Optional[Fix]], bool] = {}

    def choose(report: FileReport, finding: Finding) -> bool:
        key = (report.path, report.text, finding.fix)
        if key not in given:
            given[key] = rest[0] if rest else asked(report, finding)
        return given[key]

    def asked(report: FileReport, finding: Finding) -> bool:
        text = _shown(report, finding, colour) + QUESTION
        while True:
            line = ask(text)
            answer = line.strip().lower()
            if not line or answer in ("q", "quit"):
                rest.append(False)
                return False
            if answer in ("a", "all"):
                rest.append(True)
                return True
            if answer in ("y", "yes", "n", "no"):
                return answer[0] == "y"
            text = QUESTION

    return choose


def _shown(report: FileReport, finding: Finding, colour: bool) -> str:
    path = display_path(report.path)
    row, column = LineIndex(report.text).position(finding.start)
    if finding.fix is None:
        raise ValueError(f"{finding.code} has no fix to ask about")
    difference = unified(report.text, apply_edits(report.text, finding.fix.edits), path, context=2, colour=colour)
    fix = f"{visible(finding.fix.message)} ({finding.fix.applicability} fix)"
    return f"\n{visible(path)}:{row}:{column}: {finding.code} {visible(finding.message)}\n{fix}\n{difference}"

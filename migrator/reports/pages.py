"""The list of the rules, and the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from migrator.findings import Severity
from migrator.reports.entries import FAILURE_CODE, FAILURE_NAME


class Described(Protocol):
    """What is shown of a rule."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def fixes(self) -> str: ...
    @property
    def page(self) -> str: ...


@dataclass(frozen=True)
class BuiltIn:
    """A code that no rule stands behind."""

    code: str
    name: str
    severity: Severity
    page: str
    fixes: str = "none"

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]


BUILT_IN = (
    BuiltIn(
        FAILURE_CODE,
        FAILURE_NAME,
        Severity.ERROR,
        """\
Report a file that could not be read, parsed or written.

The message says why, and the place is where the text stops making sense. The other files are done all the same, and the
exit status is 2. The code cannot be ignored: leave the file out with `--exclude` where it is meant to be as it is.""",
    ),
    BuiltIn(
        "PF001",
        "unused-suppression",
        Severity.INFO,
        """\
Remove a suppression comment that suppresses nothing.

A comment `# migrator: ignore[CODE]` or `# migrator: ignore-file[CODE]` is meant for a finding. Where there is none, the
code was mended or the comment names another code; left in place, it would hide the next finding.""",
    ),
)
"""What is reported beside the findings of the rules."""


def explained(rules: Sequence[Described]) -> list[Described]:
    """All codes that a report can have: the built-in ones, then those of the rules."""
    return [*BUILT_IN, *rules]


def table(rules: Sequence[Described]) -> str:
    """One line for each rule: code, name, severity, fixes and summary, in columns."""
    rows = [(rule.code, rule.name, str(rule.severity), rule.fixes, rule.summary) for rule in rules]
    rows = [("code", "name", "severity", "fixes", "what it does"), *rows]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "".join("  ".join([*map(str.ljust, row, widths), row[4]]) + "\n" for row in rows)


def page(rule: Described) -> str:
    """The page of a rule in Markdown."""
    fixes = "no fix" if rule.fixes == "none" else f"fix: {rule.fixes}"
    return f"# {rule.code} {rule.name}\n\nSeverity: {rule.severity}; {fixes}\n\n{rule.page.strip()}\n"


def markdown_table(rules: Sequence[Described]) -> str:
    """The table of the rules for the README."""
    rows = (f"| `{rule.code}` | {rule.name} | {rule.severity} | {rule.fixes} | {rule.summary} |\n" for rule in rules)
    return "".join(["| code | name | severity | fix | what it says |\n", "|---|---|---|---|---|\n", *rows])


def markdown_pages(rules: Sequence[Described]) -> str:
    """All pages in one document."""
    head = "# The rules\n\nThe pages of `migrator rule CODE`, written into the rules themselves; the examples run as tests.\n"
    pages = ("\n" + page(rule).replace("\n## ", "\n### ").replace("# ", "## ", 1) for rule in rules)
    return "".join([head, *pages])

"""Comments by which a user says that a finding is meant: `# migrator: ignore[CODE]`, `# migrator: ignore-file[CODE]`."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from migrator.findings import Finding, LineIndex

_IN_DOCUMENT = re.compile(
    r"(?:#|//|<!--|\.\. )\s*migrator:\s*(?P<scope>ignore-file|ignore)\b\s*(?:\[(?P<codes>[^\]\n]*)\])?(?:\s*-->)?"
)
_COMMENT = re.compile(r"#\s*migrator:\s*(ignore-file|ignore)\b\s*(?:\[([^\]]*)\])?")


@dataclass(frozen=True)
class Suppression:
    """One such comment. No codes means every code."""

    row: int
    start: int
    end: int
    whole_file: bool
    codes: tuple[str, ...]

    def covers(self, code: str, first_row: int, last_row: int) -> bool:
        """Whether it silences a finding of this code on these rows; codes may be prefixes (`PF2`)."""
        if not self.whole_file and self.row not in (first_row, last_row):
            return False
        return not self.codes or any(code.startswith(prefix) for prefix in self.codes)


def suppressions(index: LineIndex) -> tuple[Suppression, ...]:
    """The suppression comments of a module, in order; the same text in a string is none."""
    if not _COMMENT.search(index.text):
        return ()
    return tuple(_from_comments(index))


def document_suppressions(index: LineIndex) -> tuple[Suppression, ...]:
    """The suppression comments of a file that is not Python, in the style of any language that it may be in."""
    if "migrator:" not in index.text:
        return ()
    return tuple(
        Suppression(
            index.position(match.start())[0],
            match.start(),
            match.end(),
            match["scope"] == "ignore-file",
            tuple(code.strip() for code in (match["codes"] or "").split(",") if code.strip()),
        )
        for match in _IN_DOCUMENT.finditer(index.text)
    )


def _from_comments(index: LineIndex) -> Iterator[Suppression]:
    try:
        for token in tokenize.generate_tokens(io.StringIO(index.text, newline="").readline):
            match = _COMMENT.search(token.string) if token.type == tokenize.COMMENT else None
            if match is None:
                continue
            row = token.start[0]
            start = index.starts[row - 1] + token.start[1] + match.start()
            codes = tuple(code.strip() for code in (match.group(2) or "").split(",") if code.strip())
            yield Suppression(row, start, start + len(match.group()), match.group(1) == "ignore-file", codes)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return


def split(
    findings: list[Finding], comments: tuple[Suppression, ...], index: LineIndex
) -> tuple[list[Finding], list[Finding], list[Suppression]]:
    """The findings that stay, those that are silenced, and the comments that silenced nothing."""
    kept: list[Finding] = []
    silenced: list[Finding] = []
    used: set[Suppression] = set()
    for finding in findings:
        first, last = index.position(finding.start)[0], index.position(max(finding.end - 1, finding.start))[0]
        covering = [comment for comment in comments if comment.covers(finding.code, first, last)]
        used.update(covering)
        (silenced if covering else kept).append(finding)
    return kept, silenced, [comment for comment in comments if comment not in used]

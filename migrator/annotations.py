"""Comments above what could not be fixed: `# TODO[migrator CODE]: what to do, link`. Recognised on the next run, removed once mended."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from migrator.findings import Edit, Finding, LineIndex, apply_edits
from migrator.model.module import ParseError, parse
from migrator.model.names import first_line
from migrator.sources.documents import Document, Kind

_NOTE = re.compile(r"# TODO\[migrator (\w+)\]: ")
_NOT_NOTED = frozenset({"PF001"})


@dataclass(frozen=True)
class _Note:
    """A comment of ours: its row, its code, and the row of the statement below that it speaks of."""

    row: int
    code: str
    about: int


def annotate(text: str, findings: Sequence[Finding], looked_for: Collection[str]) -> str:
    """The text with a comment above the statement of each finding, and without the comments whose finding is gone.

    Only comments of codes that were `looked_for` can be out of date.
    """
    return _revised(text, findings, looked_for, add=True)


def without_stale(text: str, findings: Sequence[Finding], looked_for: Collection[str]) -> str:
    """The text without the comments whose finding is gone."""
    return _revised(text, findings, looked_for, add=False)


def revise_document(document: Document, findings: Sequence[Finding], looked_for: Collection[str], *, add: bool) -> str:
    """As `annotate` (`add`) and `without_stale`, for a file that is not Python.

    A comment goes above the line that the command begins on, never between continued lines or into a folded text of YAML. None is written where
    `#` begins no comment: in Markup outside of a block of code, in files of patterns, and in batch files.
    """
    index = document.index
    rows = [row for row in range(1, len(index.starts) + 1) if _OWN_LINE.match(index.line(row))]
    if not rows and not (add and findings):
        return document.text
    wanted: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        row = _row_in_document(document, index.position(finding.start)[0])
        if row is not None and finding.code not in _NOT_NOTED:
            wanted.setdefault((row, finding.code), []).append(finding)
    edits: list[Edit] = []
    present: set[tuple[int, str]] = set()
    for row in rows:
        match = _OWN_LINE.match(index.line(row))
        assert match is not None
        place = (next(below for below in range(row + 1, len(index.starts) + 2) if below not in rows), match.group(1))
        if place in wanted and place not in present:
            present.add(place)
        elif match.group(1) in looked_for:
            end = index.starts[row] if row < len(index.starts) else len(document.text)
            edits.append(Edit(index.starts[row - 1], end, ""))
    if add:
        edits += _additions(index, {place: below for place, below in wanted.items() if place not in present})
    return apply_edits(document.text, edits)


_OWN_LINE = re.compile(r"[ \t]*# TODO\[migrator (\w+)\]: ")
_FOLDED = re.compile(r":[ \t]*>[-+\d]*[ \t]*(?:#.*)?$")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")


def _row_in_document(document: Document, row: int) -> Optional[int]:
    """The row above which a comment about what stands on `row` can be written; None where there is no such place."""
    index = document.index
    if document.kind is Kind.IGNORE or document.path.endswith((".bat", ".cmd", ".rst")):
        return None
    if document.kind is Kind.MARKUP:
        fences = [at for at in range(1, row) if _FENCE.match(index.line(at))]
        if len(fences) % 2 == 0:
            return None
    while row > 1 and index.line(row - 1).endswith(("\\", "`")):
        row -= 1
    if document.kind is Kind.YAML:
        above = row
        while above > 1:
            above -= 1
            line = index.line(above)
            if line.strip() and _indent(line) < _indent(index.line(row)):
                return above if _FOLDED.search(line) else row
    return row


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _revised(text: str, findings: Sequence[Finding], looked_for: Collection[str], add: bool) -> str:
    if not findings and "# TODO[migrator " not in text:
        return text
    if not add and "# TODO[migrator " not in text:
        return text
    try:
        tree = parse(text)
    except ParseError:
        return text
    index = LineIndex(text)
    wanted: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        if finding.code not in _NOT_NOTED:
            wanted.setdefault((_row(tree, index, finding), finding.code), []).append(finding)
    edits: list[Edit] = []
    present: set[tuple[int, str]] = set()
    for note in _notes(index):
        if (note.about, note.code) in wanted and (note.about, note.code) not in present:
            present.add((note.about, note.code))
        elif note.code in looked_for:
            end = index.starts[note.row] if note.row < len(index.starts) else len(text)
            edits.append(Edit(index.starts[note.row - 1], end, ""))
    if add:
        edits += _additions(index, {place: below for place, below in wanted.items() if place not in present})
    return apply_edits(text, edits)


def _additions(index: LineIndex, wanted: Mapping[tuple[int, str], Sequence[Finding]]) -> Iterator[Edit]:
    newline = "\r\n" if "\r\n" in index.text else "\n"
    comments: dict[int, str] = {}
    for (row, code), below in sorted(wanted.items()):
        line = index.line(row)
        indent = line[: len(line) - len(line.lstrip(" \t\f"))]
        told = "; ".join(dict.fromkeys(" ".join(finding.message.split()) for finding in below))
        comments[row] = comments.get(row, "") + f"{indent}# TODO[migrator {code}]: {told}, {below[0].url}{newline}"
    for row, text in comments.items():
        yield Edit(index.starts[row - 1], index.starts[row - 1], text)


def _row(tree: ast.Module, index: LineIndex, finding: Finding) -> int:
    """The row above which a comment about the finding can stand: that of the innermost statement that begins a line."""
    row, _ = index.position(finding.start)
    best = row
    nodes: list[ast.AST] = [tree]
    while nodes:
        node = nodes.pop()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                start, end = first_line(child), child.end_lineno or child.lineno
                if not start <= row <= end:
                    continue
                if not index.line(start)[: _column(child)].strip():
                    best = start
            nodes.append(child)
    return best


def _column(statement: ast.stmt) -> int:
    decorators = getattr(statement, "decorator_list", None)
    return max(decorators[0].col_offset - 1, 0) if decorators else statement.col_offset


def _notes(index: LineIndex) -> Iterator[_Note]:
    """The comments of ours that have a line to themselves."""
    if "# TODO[migrator " not in index.text:
        return
    rows: list[tuple[int, str]] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(index.text, newline="").readline):
            match = _NOTE.match(token.string) if token.type == tokenize.COMMENT else None
            if match and not index.line(token.start[0])[: token.start[1]].strip():
                rows.append((token.start[0], match.group(1)))
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return
    ours = {row for row, _ in rows}
    for row, code in rows:
        about = row + 1
        while about in ours:
            about += 1
        yield _Note(row, code, about)

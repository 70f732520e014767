"""What a run produces: findings, their fixes, and one report per file.

Places are offsets in characters into the text of the file, half open as in a slice; rows and columns are made from them only
where something is printed (`LineIndex`).
"""

from __future__ import annotations

import bisect
import enum
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


class Severity(enum.IntEnum):
    """What a finding means on the target, the mildest first."""

    INFO = 1
    """Works today; deprecated, or better written otherwise."""
    WARNING = 2
    """Runs, but does something else than on 2.x."""
    ERROR = 3
    """Fails: at import, at call, or when the deployment or command runs."""

    def __str__(self) -> str:
        return self.name.lower()


class Applicability(enum.IntEnum):
    """How far a fix can be trusted."""

    SAFE = 1
    """Same behaviour."""
    UNSAFE = 2
    """Right in the usual case, but could change behaviour or needs a look."""

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, order=True)
class Edit:
    """Replaces `text[start:end]` by `content`."""

    start: int
    end: int
    content: str


@dataclass(frozen=True)
class Change:
    """What a fix does to another file than its own: `rewrite` gives that file's new text for its present one ("" where there is none).

    Applied twice, it changes nothing the second time. It may raise ValueError, whose message says why the file cannot be changed.
    """

    path: str
    rewrite: Callable[[str], str]


@dataclass(frozen=True)
class Fix:
    """A change that mends a finding; all its edits are applied, or none."""

    applicability: Applicability
    message: str
    edits: tuple[Edit, ...]
    elsewhere: tuple[Change, ...] = ()
    """What it changes in other files, together with its edits or not at all."""
    removes: bool = False
    """Whether its own file goes, since all that it said is in other files now."""


@dataclass(frozen=True)
class Finding:
    """One place that breaks or changes on the target."""

    start: int
    end: int
    code: str
    name: str
    severity: Severity
    message: str
    url: str
    fix: Fix | None = None


@dataclass(frozen=True)
class Failure:
    """Why a file could not be read, parsed or written. Row and column count from 1."""

    message: str
    row: int = 1
    column: int = 1


@dataclass(frozen=True)
class FileReport:
    """What a run says of one file.

    `text` is the text that the findings' offsets refer to: for `fix`, the text after the applied fixes.
    `before` is the text as it was read where fixes changed it, else None.
    """

    path: str
    text: str = ""
    findings: tuple[Finding, ...] = ()
    failure: Failure | None = None
    before: str | None = None
    applied: tuple[Finding, ...] = field(default=())
    removed: bool = False
    """Whether the fixes did away with the file; `text` is then empty."""
    touched: bool = False
    """Whether fixes of other files changed it, or made it."""


_NEWLINE = re.compile(r"\r\n|\r|\n")


class LineIndex:
    """Turns offsets into rows and columns, and the positions of `ast` into offsets.

    Lines end where Python's own tokenizer ends them (`\\n`, `\\r\\n`, `\\r`), not at form feeds as `str.splitlines` has it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]

    def position(self, offset: int) -> tuple[int, int]:
        """Row and column of an offset, both counted from 1, columns in characters."""
        row = bisect.bisect_right(self.starts, offset)
        return row, offset - self.starts[row - 1] + 1

    def offset(self, lineno: int, col_offset: int) -> int:
        """The offset of a position of `ast`: rows from 1, columns from 0 in bytes of UTF-8."""
        start = self.starts[lineno - 1]
        line = self.text[start : start + col_offset]
        if line.isascii():
            return start + col_offset
        return start + len(line.encode()[:col_offset].decode(errors="ignore"))

    def line(self, row: int) -> str:
        """The text of a row without its line ending; the empty string past the last row."""
        if not 1 <= row <= len(self.starts):
            return ""
        end = self.starts[row] if row < len(self.starts) else len(self.text)
        return self.text[self.starts[row - 1] : end].rstrip("\r\n")

    def line_start(self, offset: int) -> int:
        """The offset at which the line of `offset` begins."""
        return self.starts[bisect.bisect_right(self.starts, offset) - 1]


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made. Raises ValueError where two different edits overlap; equal ones count once."""
    pieces: list[str] = []
    done = 0
    for edit in sorted(set(edits)):
        if edit.start < done:
            raise ValueError(f"edits overlap at offset {edit.start}")
        pieces += (text[done : edit.start], edit.content)
        done = edit.end
    return "".join([*pieces, text[done:]])

"""Bytes of a Python file to its text and back, with nothing lost.

The encoding is found as Python's own tokenizer finds it (PEP 263: a UTF-8 BOM, else a `coding` comment in line 1 or 2, else
UTF-8). Newlines, form feeds and the end of the file stay in the text as they are; only the BOM is taken off.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Optional

_FIRST_TWO_LINES = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n)?([^\r\n]*)")
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"[ \t\f]*(?:#|$)")
_NEWLINE = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Source:
    """A decoded file. `encoding` is the name that Python's `codecs` know; `text` never holds the file's BOM."""

    text: str
    encoding: str = "utf-8"
    bom: bool = False


class SourceError(Exception):
    """A file that is not Python source in the encoding it declares. Row and column count from 1."""

    def __init__(self, message: str, row: int = 1, column: int = 1) -> None:
        super().__init__(message, row, column)
        self.message = message
        self.row = row
        self.column = column

    def __str__(self) -> str:
        return f"{self.row}:{self.column}: {self.message}"


class UnencodableError(ValueError):
    """A new text that the file's own encoding cannot hold."""


@dataclass(frozen=True)
class _Declaration:
    encoding: str
    written: str
    row: int
    column: int


def decode(data: bytes) -> Source:
    """The text of a file's bytes; `encode(source.text, source)` gives exactly these bytes back.

    Raises SourceError for NUL bytes, for an unknown or contradicted encoding, for bytes that are not in the encoding, and
    for the rare encodings that cannot give the same bytes back (UTF-7 and the like), since such a file could not be
    rewritten without changing what no fix touches.
    """
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[3:] if bom else data
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise SourceError("the file looks like UTF-16, which Python does not read: save it as UTF-8")
    nul = body.find(b"\0")
    if nul >= 0:
        raise SourceError(
            "a NUL byte, so this is not Python source: remove it, or exclude the file", *_place(body, nul)
        )
    declared = _declaration(body)
    if declared is None or declared.encoding == "utf-8":
        try:
            return Source(body.decode("utf-8"), "utf-8", bom)
        except UnicodeDecodeError as error:
            way_out = (
                "the file declares UTF-8"
                if declared or bom
                else "declare the encoding in the first line, as in `# -*- coding: latin-1 -*-`"
            )
            raise SourceError(
                f"byte 0x{body[error.start]:02x} is not UTF-8: {way_out}, or save the file as UTF-8",
                *_place(body, error.start),
            ) from None
    if bom:
        raise SourceError(
            f"the file begins with a UTF-8 BOM, but declares {declared.written}: remove one of the two",
            declared.row,
            declared.column,
        )
    return Source(_decode_declared(body, declared), declared.encoding)


def encode(text: str, source: Source) -> bytes:
    """The bytes of `text` in the encoding of `source`, with its BOM if it had one.

    Raises UnencodableError where a character does not exist in that encoding (the message names it and its line), and where
    the new text would declare another encoding, as when a line is inserted above the `coding` comment of line 2.
    """
    try:
        body = text.encode(source.encoding)
    except UnicodeEncodeError as error:
        character = text[error.start]
        row = 1 + len(_NEWLINE.findall(text[: error.start].encode("utf-8", "replace")))
        raise UnencodableError(
            f"line {row}: the character {character!r} (U+{ord(character):04X}) does not exist in {source.encoding}, "
            "the encoding of the file; to have it written, save the file as UTF-8 first"
        ) from None
    declared = _declaration(body)
    if (declared.encoding if declared else "utf-8") != source.encoding:
        raise UnencodableError(
            f"the file is {source.encoding}, but the new text declares {declared.written if declared else 'no encoding'}: "
            "the `coding` comment has to stay in line 1 or 2"
        )
    return codecs.BOM_UTF8 + body if source.bom else body


def _declaration(body: bytes) -> Optional[_Declaration]:
    """The `coding` comment of a file (bytes without BOM), None where there is none.

    Works on bytes, unlike `tokenize.detect_encoding`: the compiler accepts a name in Latin-1 before the cookie as well.
    """
    head = _FIRST_TWO_LINES.match(body)
    assert head is not None
    if b"coding" not in head.group():
        return None
    for row, line in enumerate(head.groups(), start=1):
        cookie = _COOKIE.match(line)
        if cookie:
            written = cookie.group(1).decode("ascii")
            return _Declaration(_normal_name(written), written, row, cookie.start(1) + 1)
        if not _BLANK.match(line):
            return None
    return None


def _normal_name(name: str) -> str:
    """`utf-8` and `iso-8859-1` for the spellings that Python's tokenizer takes for them; any other name unchanged."""
    normal = name[:12].lower().replace("_", "-")
    if normal == "utf-8" or normal.startswith("utf-8-"):
        return "utf-8"
    latin = ("latin-1", "iso-8859-1", "iso-latin-1")
    if normal in latin or normal.startswith(tuple(f"{each}-" for each in latin)):
        return "iso-8859-1"
    return name


def _decode_declared(body: bytes, declared: _Declaration) -> str:
    written = declared.written

    def refused(reason: str) -> SourceError:
        return SourceError(reason, declared.row, declared.column)

    try:
        reads_itself = b"coding".decode(declared.encoding) == "coding"
    except LookupError:
        raise refused(f"unknown encoding {written}: correct the declaration") from None
    except ValueError:
        reads_itself = False
    if not reads_itself:
        raise refused(f"the file cannot be {written}, since it says so in ASCII: correct the declaration")
    try:
        text = body.decode(declared.encoding)
        same = text.encode(declared.encoding) == body
    except UnicodeDecodeError as error:
        raise SourceError(
            f"byte 0x{body[error.start]:02x} is not {written}, the encoding that line {declared.row} declares: "
            "correct the declaration, or save the file as UTF-8",
            *_place(body, error.start, declared.encoding),
        ) from None
    except ValueError as error:
        raise refused(f"cannot be decoded as {written}: {error}") from error
    if not same:
        raise refused(f"decoded as {written} and encoded again, the file would not be the same: save it as UTF-8")
    return text


def _place(body: bytes, offset: int, encoding: str = "utf-8") -> tuple[int, int]:
    """Row and column (in characters) of a byte, both from 1."""
    row = 1
    start = 0
    for newline in _NEWLINE.finditer(body, 0, offset):
        row += 1
        start = newline.end()
    return row, len(body[start:offset].decode(encoding, "replace")) + 1

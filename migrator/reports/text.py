"""Text on a terminal: what cannot be seen made visible, widths in cells, colours."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TextIO

TAB = 4
"""Cells between two tab stops."""

BOLD = "1"
RED = "1;31"
GREEN = "32"
YELLOW = "1;33"
BLUE = "1;34"
CYAN = "36"


def paint(text: str, style: str, colour: bool) -> str:
    """The text in a style (parameters of the terminal's SGR sequence) where `colour`."""
    return f"\x1b[{style}m{text}\x1b[0m" if colour and text else text


def use_colour(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether output to the stream is coloured: `NO_COLOR`, then `FORCE_COLOR`, then whether it is a terminal."""
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return environment.get("TERM") != "dumb" and stream.isatty()


def glyph(character: str, column: int = 0) -> tuple[str, int]:
    """What is shown for a character of a line, and the number of its cells, when it begins in the cell `column`.

    Tabs become spaces up to the next stop; control characters their pictures; other characters that show nothing, or
    change the direction or the line, their code point.
    """
    if " " <= character <= "~":
        return character, 1
    if character == "\t":
        width = TAB - column % TAB
        return " " * width, width
    if character < " ":
        return chr(0x2400 + ord(character)), 1
    if character == "\x7f":
        return "\u2421", 1
    category = unicodedata.category(character)
    if category in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        shown = f"<U+{ord(character):04X}>"
        return shown, len(shown)
    if category in ("Mn", "Me"):
        return character, 0
    return character, 2 if unicodedata.east_asian_width(character) in "WF" else 1


def plain(text: str) -> bool:
    """Whether each character is shown as it is, in one cell."""
    return text.isascii() and text.isprintable()


def glyphs(line: str) -> list[tuple[str, int]]:
    """`glyph` of each character of a line; a byte order mark at its beginning takes no cell."""
    if plain(line):
        return [(character, 1) for character in line]
    shown: list[tuple[str, int]] = []
    column = 0
    for character in line:
        shown.append(("", 0) if character == "\ufeff" and not shown else glyph(character, column))
        column += shown[-1][1]
    return shown


def visible(text: str) -> str:
    """A text on one line, safe for a terminal: line endings become spaces."""
    if plain(text):
        return text
    return "".join(glyph(character)[0] for character in " ".join(text.splitlines()))


def plural(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def conjunction(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last

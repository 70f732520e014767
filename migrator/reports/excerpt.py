"""The lines of a file around a place, with the place marked, as rustc and ruff print them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from migrator.findings import LineIndex
from migrator.reports.text import BLUE, glyphs, paint, plain

CONTEXT = 2
"""Lines shown before and after the place."""

MAX_LINES = 8
"""Lines of a longer place that are shown; the rest of its middle is left out."""

_CUT = "\u2026"


def excerpt(
    index: LineIndex,
    start: tuple[int, int],
    end: tuple[int, int],
    *,
    style: str,
    colour: bool = False,
    width: int = 160,
) -> tuple[int, list[str]]:
    """The digits of the line numbers, and the lines between two bars; none where there is no such row.

    `start` and `end` are rows and columns that count from 1, the end exclusive; `style` is the colour of the mark.
    A line that is longer than `width` cells is cropped around the place, and the lines around it alike.
    """
    (row, column), (end_row, end_column) = start, max(start, end)
    if not 1 <= row <= len(index.starts) or not index.text:
        return 1, []
    while end_row > row and (end_column == 1 or end_row > len(index.starts)):
        end_row -= 1
        end_column = len(index.line(end_row)) + 1
    first, last = _around(index, row, end_row)
    digits = len(str(last))
    margin = 2 if end_row > row else 0
    space = max(width - digits - 3 - margin, 20)
    low, high = _window(index, (row, column), (end_row, end_column), space)

    def numbered(number: int, text: str) -> str:
        return f"{paint(f'{number:>{digits}} |', BLUE, colour)} {text}".rstrip()

    def bar(text: str = "") -> str:
        return f"{paint(' ' * digits + ' |', BLUE, colour)} {text}".rstrip()

    def mark(text: str) -> str:
        return paint(text, style, colour)

    shown = [bar()]
    for number in range(first, last + 1):
        line = _crop(index.line(number), low, high)
        if not row <= number <= end_row:
            shown.append(numbered(number, " " * margin + line))
        elif margin == 0:
            begin = _cell(index, row, column, low, high)
            length = max(_cell(index, row, end_column, low, high) - begin, 1)
            shown += (numbered(number, line), bar(" " * begin + mark("^" * length)))
        elif number == row:
            begin = _cell(index, row, column, low, high)
            shown += (numbered(number, "  " + line), bar(" " + mark("_" * (begin + 1) + "^")))
        elif number == end_row:
            begin = max(_cell(index, end_row, end_column, low, high) - 1, 0)
            shown += (numbered(number, f"{mark('|')} {line}"), bar(mark("|" + "_" * (begin + 1) + "^")))
        elif _left_out(number, row, end_row):
            if not _left_out(number - 1, row, end_row):
                shown.append(paint("...", BLUE, colour))
        else:
            shown.append(numbered(number, f"{mark('|')} {line}"))
    return digits, [*shown, bar()]


def _around(index: LineIndex, row: int, end_row: int) -> tuple[int, int]:
    """The first and the last row of the excerpt: with context, but without blank lines at its ends."""
    first, last = max(row - CONTEXT, 1), min(end_row + CONTEXT, len(index.starts))
    while first < row and not index.line(first).strip():
        first += 1
    while last > end_row and not index.line(last).strip():
        last -= 1
    return first, last


def _left_out(number: int, row: int, end_row: int) -> bool:
    half = MAX_LINES // 2
    return end_row - row + 1 > MAX_LINES and row + half <= number <= end_row - half


def _widths(line: str) -> Sequence[int]:
    """The cell at which each character begins, and that at which the line ends."""
    if plain(line):
        return range(len(line) + 1)
    return [0, *accumulate(width for _, width in glyphs(line))]


def _window(index: LineIndex, start: tuple[int, int], end: tuple[int, int], space: int) -> tuple[int, int]:
    """The cells that are shown of each line: the first ones where the place is among them, else those around it."""
    (row, column), (end_row, end_column) = start, end
    longest = max(_widths(index.line(number))[-1] for number in range(row, end_row + 1))
    widths = _widths(index.line(row))
    begin = widths[min(column, len(widths)) - 1]
    length = max(widths[min(end_column, len(widths)) - 1] - begin, 1) if end_row == row else 1
    longest = max(longest, begin + length)
    if longest <= space or begin + length < space:
        return 0, space
    low = min(begin - max((space - length) // 2, 1), longest - space)
    return max(low, 0), max(low, 0) + space


def _cell(index: LineIndex, row: int, column: int, low: int, high: int) -> int:
    """The cell at which a column begins in the cropped line."""
    widths = _widths(index.line(row))
    return min(max(widths[min(column, len(widths)) - 1] - low, 0), high - low)


def _crop(line: str, low: int, high: int) -> str:
    """The cells from `low` to `high` of a line, with a mark in the first and the last where something is cut off."""
    if low == 0 and len(line) <= high and plain(line):
        return line
    shown = glyphs(line)
    total = sum(width for _, width in shown)
    if low == 0 and total <= high:
        return "".join(text for text, _ in shown)
    if total <= low:
        return _CUT if line.strip() else ""
    left = low + 1 if low else 0
    right = high - 1 if total > high else high
    pieces: list[str] = []
    at = 0
    for text, width in shown:
        if left <= at and at + width <= right:
            pieces.append(text)
        elif at < right and at + width > left:
            pieces.append(" " * (min(at + width, right) - max(at, left)))
        at += width
    return (_CUT if low else "") + "".join(pieces) + (_CUT if total > high else "")

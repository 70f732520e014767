"""Writes new source text for single calls, imports and statements, and leaves every other byte of them as it is.

A call's arguments and an import's names are the same thing to an editor: elements, with gaps of white space, comments and commas
between them. `Listing` holds the exact text of both; what follows adds and removes elements as a person would. `calls` and `imports` find
with libcst where the elements begin and end, and load it only when they first do so; `statements` never does.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import libcst

_NEWLINE = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"(?P<comment>#[^\r\n]*)|(?P<comma>,)|(?P<newline>\\?(?:\r\n|\r|\n))|(?P<space>[^\S\r\n]+)")
_PLAIN_SEPARATOR = re.compile(r",[ \t]*")


def renderers(segment: str) -> list[libcst.Module]:
    """Empty modules to render the parts of a parsed segment with, one for each line ending in it, the likeliest first.

    libcst keeps only those line endings that differ from the first one of what it parsed.
    """
    import libcst

    found = [match.group() for match in _NEWLINE.finditer(segment)]
    return [libcst.Module(body=[], default_newline=newline) for newline in dict.fromkeys([*found, "\n"])]


@dataclass(frozen=True)
class Listing:
    """Comma-separated elements as text: head, gap, element, gap, element, ..., gap, tail.

    There is one gap more than there are elements. The first holds no comma, the last an optional one, the others exactly one. The tail
    is the closing bracket, or empty where there are no brackets; `newline` is the line ending for new lines.
    """

    head: str
    elements: tuple[str, ...]
    gaps: tuple[str, ...]
    tail: str
    newline: str

    def render(self) -> str:
        """The text of the whole."""
        pieces = [self.head, self.gaps[0]]
        for element, gap in zip(self.elements, self.gaps[1:]):
            pieces += (element, gap)
        return "".join([*pieces, self.tail])


def never_pinned(comment: str) -> bool:
    """For lists of which every comment may go with its element."""
    return False


def without_element(listing: Listing, index: int, pinned: Callable[[str], bool] = never_pinned) -> Listing:
    """The listing without one element.

    A comment that has the element's last line to itself goes with it; comments on lines of their own and on lines that other elements
    share stay. Where the element begins on the line of the opening bracket, a comment for which `pinned` is true stays there as well.
    """
    before, after = listing.gaps[index], listing.gaps[index + 1]
    first, last = index == 0, index == len(listing.elements) - 1
    starts_line, ends_line = _newlines(before), _newlines(after)
    if starts_line and ends_line:
        gap = before[: starts_line[-1][1]] + after[ends_line[0][1] :]
    elif first and ends_line:
        comment = next((found for found in _comments(after[: ends_line[0][0]]) if pinned(found)), "")
        gap = before
        if comment or _comments(after[ends_line[0][1] :]):
            gap = before.rstrip() + ("  " + comment if comment else "") + after[ends_line[0][0] :]
    elif ends_line or (last and not _comments(before)):
        gap = after
    else:
        gap = before
    if first and last:
        gap = _with_commas(gap, 0) if _comments(gap) else ""
    elif first:
        gap = _with_commas(gap, 0)
    else:
        gap = _with_commas(gap, 1 if not last or _commas(after) else 0)
    return replace(
        listing,
        elements=(*listing.elements[:index], *listing.elements[index + 1 :]),
        gaps=(*listing.gaps[:index], gap, *listing.gaps[index + 2 :]),
    )


def with_replaced(listing: Listing, index: int, element: str) -> Listing:
    """The listing with the element at `index` replaced."""
    return replace(listing, elements=(*listing.elements[:index], element, *listing.elements[index + 1 :]))


def with_element(listing: Listing, index: int, element: str) -> Listing:
    """The listing with one more element, which has the given index afterwards, in the style of the others.

    Each on its own line where the others are so, and with a trailing comma where the last one has it.
    """
    before, after = _gaps_around(listing, index)
    return replace(
        listing,
        elements=(*listing.elements[:index], element, *listing.elements[index:]),
        gaps=(*listing.gaps[:index], before, after, *listing.gaps[index + 1 :]),
    )


def _gaps_around(listing: Listing, index: int) -> tuple[str, str]:
    """The two gaps that take the place of the gap at `index` when an element is put there."""
    gaps, count = listing.gaps, len(listing.elements)
    gap = gaps[index]
    if not count:
        return _gaps_around_only_element(listing)
    separator = gaps[-2] if count > 1 and _PLAIN_SEPARATOR.fullmatch(gaps[-2]) else ", "
    if index == count:
        return _gaps_after_last_line(gaps[-2], gap) if _newlines(gaps[-2]) else (separator, gap)
    one_per_line = all(map(_newlines, gaps[1:-1] if count > 1 else gaps[:1]))
    if not one_per_line:
        return (gap, separator) if index == 0 else (separator, gap)
    if not _newlines(gap):
        # A comment on the line of the opening bracket may speak to a tool about the whole: it has to stay on that line.
        return (gap, _line_start(gaps[1])) if count > 1 and not _comments(gaps[1]) else (gap, separator)
    (start, end), last = _newlines(gap)[0], _newlines(gap)[-1]
    own = gap[:end] + gap[last[1] :]
    return _with_commas(own, 1 if index else 0), _with_commas(_spaced(gap[start:]), 1)


def _gaps_around_only_element(listing: Listing) -> tuple[str, str]:
    gap = listing.gaps[0]
    if not _comments(gap):
        return "", ""
    end = _newlines(gap)[-1][1]
    indentation = gap[end:] + ("\t" if "\t" in gap[end:] else "    ")
    return gap[:end] + indentation, "," + listing.newline + gap[end:]


def _gaps_after_last_line(model: str, after: str) -> tuple[str, str]:
    """The gaps around a new last element on its own line; `model` is the gap before the last element so far."""
    trailing = 1 if _commas(after) else 0
    line_start = _line_start(model)
    breaks = _newlines(after)
    if not breaks:
        return line_start, after
    start, end = breaks[0]
    indentation = model[_newlines(model)[-1][1] :]
    line = _with_commas(after[:start], 0) + _spaced(after[start:end]) + indentation
    return _with_commas(line, 1), _with_commas(after[start:], trailing)


def _line_start(model: str) -> str:
    """Comma, line break and indentation as in the gap `model`, without its comments."""
    return _with_commas(_spaced(model[_newlines(model)[-1][0] :]), 1)


def _spaced(text: str) -> str:
    return " " + text if text.startswith("\\") else text


def _tokens(gap: str, kind: str) -> list[re.Match[str]]:
    return [match for match in _TOKEN.finditer(gap) if match.lastgroup == kind]


def _newlines(gap: str) -> list[tuple[int, int]]:
    """Where the line breaks of a gap are; a backslash before one is part of it."""
    return [match.span() for match in _tokens(gap, "newline")]


def _comments(gap: str) -> list[str]:
    return [match.group() for match in _tokens(gap, "comment")]


def _commas(gap: str) -> list[int]:
    return [match.start() for match in _tokens(gap, "comma")]


def _with_commas(gap: str, count: int) -> str:
    """The gap with so many commas: the first ones stay; one that is missing is put at the start."""
    commas = _commas(gap)
    if len(commas) < count:
        return "," + gap
    for position in reversed(commas[count:]):
        before, after = gap[:position], gap[position + 1 :]
        line = before.rstrip(" \t\f")
        if line.endswith(("\n", "\r")):
            gap = before + after.lstrip(" \t\f")
        else:
            gap = line + after
    return gap

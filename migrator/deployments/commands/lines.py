"""Texts that are read line by line: unit files, settings and what else no parser knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from migrator.deployments.commands.lists import in_lists
from migrator.deployments.commands.shell import Snippet, in_snippet, part_of
from migrator.deployments.commands.words import WORTH, Command, Unwritable, shifted


def logical_end(text: str, at: int) -> int:
    """The end of the line that begins at `at`, with the lines that continue it."""
    while True:
        end = text.find("\n", at)
        if end < 0:
            return len(text)
        if text[at:end].rstrip()[-1:] not in ("\\", "`"):
            return end
        at = end + 1


_LEADS = re.compile(r"^[ \t]*(?:[-*][ \t]+)?(?:[\w.\"'-]+[ \t]*(?:=|:=|:)[ \t]*)?(?=\S)|[\"']+", re.M)
_COMMENTS = ("#", ";", "//", "--", "REM ", "rem ")


def _kept_open(quote: str, encode: Callable[[str], str]) -> Callable[[str], str]:
    """What may be added within quotes of a language that is not known. Raises Unwritable."""

    def within(new: str) -> str:
        if quote in new:
            raise Unwritable("the command stands in quotes, which what is to be added would end")
        return encode(new)

    return within


def in_lines(snippet: Snippet) -> Iterator[Command]:
    """The commands that begin a line, the value of a setting (`ExecStart=...`, `worker: ...`) or a quoted text."""
    at, text = 0, snippet.text
    if not WORTH.search(text):
        return
    found: dict[int, Command] = {}
    if isinstance(snippet.places, range):
        shift = snippet.places.start
        for command in in_lists(text, 0, len(text)):
            found.setdefault(command.start + shift, shifted(command, shift))
    while at < len(text):
        stop = logical_end(text, at)
        line = text[at:stop]
        if WORTH.search(line) and not line.lstrip().startswith(_COMMENTS):
            for match in _LEADS.finditer(text, at, stop):
                begin, end = match.end(), stop
                quote = match.group()[-1:]
                if quote in ("'", '"'):
                    closing = text.find(
                        match.group().lstrip()[-len(match.group()) :] if len(match.group()) > 1 else quote, begin, stop
                    )
                    end = closing if closing >= 0 else stop
                alone = quote in ("'", '"') and not match.group().endswith(quote * 2)
                encode = _kept_open(quote, snippet.encode) if alone else None
                for command in in_snippet(part_of(snippet, begin, end, encode)):
                    if command.arguments:
                        found.setdefault(command.start, command)
        at = stop + 1
    kept: list[Command] = []
    for command in sorted(found.values(), key=lambda each: (each.start, -each.end)):
        if not kept or command.start >= kept[-1].end:
            kept.append(command)
    yield from kept

"""Dockerfiles and Makefiles."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migrator.deployments.commands.lines import logical_end
from migrator.deployments.commands.lists import items_of, of_items
from migrator.deployments.commands.shell import Unfinished, expansion, in_snippet, plainly
from migrator.deployments.commands.words import WORTH, Command

_INSTRUCTION = re.compile(r"[ \t]*(?:ONBUILD[ \t]+|HEALTHCHECK[^\n]*?[ \t])?(RUN|CMD|ENTRYPOINT)[ \t]+", re.I)


def in_dockerfile(text: str) -> Iterator[Command]:
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        match = _INSTRUCTION.match(text, at, end)
        if match is None:
            at = end
            continue
        begin = match.end()
        while option := re.compile(r"--[\w-]+=\S+[ \t]+").match(text, begin):
            begin = option.end()
        heredoc = re.compile(r"<<-?[\"']?(\w+)").match(text, begin)
        if heredoc:
            close = re.compile(rf"^[ \t]*{heredoc.group(1)}[ \t]*$", re.M).search(text, end)
            stop = close.start() if close else end
            yield from in_snippet(plainly(text, end, stop))
            at = close.end() if close else end
            continue
        stop = logical_end(text, at)
        while text[at:stop].count("\n") and _comment_continues(text, stop):
            stop = logical_end(text, stop + 1)
        if text[begin : begin + 1] == "[":
            yield from of_items(list(items_of(text, begin + 1, stop)), text)
        else:
            yield from in_snippet(plainly(text, begin, stop, comments_inside=True))
        at = stop + 1


def _comment_continues(text: str, stop: int) -> bool:
    line_start = text.rfind("\n", 0, stop) + 1
    return text[line_start:stop].lstrip().startswith("#") and stop < len(text)


def in_makefile(text: str) -> Iterator[Command]:
    at = 0
    while at < len(text):
        stop = logical_end(text, at)
        line = text[at:stop]
        if line[:1] in ("\t", " ") and WORTH.search(line):
            begin = at + len(line) - len(line.lstrip())
            yield from in_snippet(plainly(text, begin, stop, make=True))
        elif WORTH.search(line) and "$(shell " in line:
            found: list[Command] = []
            snippet = plainly(text, at, stop, make=True)
            for match in re.finditer(r"\$\(shell ", snippet.text):
                try:
                    expansion(snippet, match.start(), found)
                except Unfinished:
                    continue
            yield from found
        at = stop + 1

"""Markdown and reStructuredText: blocks of code, transcripts of terminals, tables and inline code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Optional

from migrator.deployments.commands.kinds import in_code
from migrator.deployments.commands.lines import logical_end
from migrator.deployments.commands.shell import in_snippet, plainly
from migrator.deployments.commands.words import AS_CODE, WORTH, Command, shifted
from migrator.sources.documents import Kind

_FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<fence>`{3,}|~{3,})[ \t]*\{?\.?(?P<info>[\w+./#-]*)[^\n]*\n", re.M)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]+)\1(?!`)")
_PROMPT = re.compile(r"[ \t]*(?:\([\w .-]+\)[ \t]*)?(?:[\w@~:/.-]*[$%#>]|PS[^>\n]*>|>>)[ \t]+")
_LANGUAGES: dict[str, Optional[Kind]] = {
    **dict.fromkeys(("bash", "sh", "shell", "zsh", "powershell", "ps1", "pwsh", "bat", "cmd", "batch"), Kind.SHELL),
    **dict.fromkeys(("console", "shell-session", "sh-session", "shellsession", "terminal", "text", "txt", ""), None),
    **dict.fromkeys(("yaml", "yml"), Kind.YAML),
    **dict.fromkeys(("dockerfile", "docker"), Kind.DOCKERFILE),
    **dict.fromkeys(("makefile", "make", "just", "justfile"), Kind.MAKEFILE),
    **dict.fromkeys(("ini", "toml", "systemd", "hcl", "terraform", "json", "groovy"), Kind.OTHER),
}
_DIRECTIVE = re.compile(
    r"^(?P<indent>[ \t]*)\.\. (?:code-block|code|sourcecode|prompt)::[ \t]*(?P<info>[\w+-]*)[^\n]*\n", re.M
)


def in_markup(text: str) -> Iterator[Command]:
    taken: list[tuple[int, int]] = []
    at = 0
    while fence := _FENCE.search(text, at):
        close = re.compile(rf"^[ \t>]*{re.escape(fence['fence'])}[`~]*[ \t]*$", re.M).search(text, fence.end())
        end = close.start() if close else len(text)
        taken.append((fence.start(), close.end() if close else end))
        yield from _in_block(text, fence.end(), end, fence["info"].lower())
        at = taken[-1][1]
    for directive in _DIRECTIVE.finditer(text):
        if _inside(taken, directive.start()):
            continue
        indent = len(directive["indent"].expandtabs())
        body = re.compile(rf"(?:[ \t]*\n|[ \t]{{{indent + 1},}}[^\n]*(?:\n|\Z))*").match(text, directive.end())
        end = body.end() if body else directive.end()
        taken.append((directive.start(), end))
        yield from _in_block(text, directive.end(), end, directive["info"].lower())
    for match in re.finditer(r"^(?: {4,}|\t| {2,}(?=\$ ))[ \t]*(?=\S)[^\n]*", text, re.M):
        if not _inside(taken, match.start()) and WORTH.search(match.group()):
            end = max(match.end(), logical_end(text, match.start()))
            yield from (each for each in _in_transcript(text, match.start(), end) if each.arguments)
            taken.append((match.start(), end))
    for match in re.finditer(r"(?<=\|)[ \t]*(prefect [^|\n]*[^|\s])[ \t]*(?=\|)", text):
        if not _inside(taken, match.start()) and AS_CODE.search(match.group(1)):
            snippet = plainly(text, match.start(1), match.end(1), placeholders=True)
            yield from (each for each in in_snippet(snippet) if each.arguments)
    for match in _INLINE.finditer(text):
        if WORTH.search(match.group(2)) and not _inside(taken, match.start()):
            start = match.start(2)
            prompt = _PROMPT.match(text, start, match.end(2))
            snippet = plainly(text, prompt.end() if prompt else start, match.end(2), placeholders=True)
            found = [each for each in in_snippet(snippet) if each.arguments]
            if len(found) == 1 and snippet.text.count(";") == 0:
                yield found[0]


def _inside(taken: Iterable[tuple[int, int]], at: int) -> bool:
    return any(start <= at < end for start, end in taken)


def _in_block(text: str, start: int, end: int, info: str) -> Iterator[Command]:
    """The commands in a block of code."""
    body = text[start:end]
    if info not in _LANGUAGES or not WORTH.search(body):
        return
    kind = _LANGUAGES[info]
    if kind is None or (kind is Kind.SHELL and re.search(r"^[ \t>]*\$[ \t]+", body, re.M)):
        yield from _in_transcript(text, start, end)
    elif kind is Kind.SHELL:
        found = list(in_snippet(plainly(text, start, end, placeholders=True)))
        yield from found or _in_transcript(text, start, end)
    else:
        yield from (shifted(command, start) for command in in_code(body, kind))


def _in_transcript(text: str, start: int, end: int) -> Iterator[Command]:
    """The commands in what a terminal shows: lines after a prompt where there is one, else every line by itself."""
    prompted = re.search(r"^[ \t>]*\$[ \t]+", text[start:end], re.M) is not None
    at = start
    while at < end:
        stop = min(logical_end(text, at), end)
        prompt = _PROMPT.match(text, at, stop)
        if WORTH.search(text, at, stop) and (prompt or not prompted) and not text[at:stop].lstrip().startswith("# "):
            yield from in_snippet(plainly(text, prompt.end() if prompt else at, stop, placeholders=True))
        at = stop + 1

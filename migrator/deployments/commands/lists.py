"""Lists of arguments in brackets, and the scalars of YAML and JSON that hold shell text."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Optional

from migrator.deployments.commands.shell import Snippet, in_snippet
from migrator.deployments.commands.words import (
    MODULE,
    PROGRAM,
    TAKES_TEXT,
    WORTH,
    WRAPPERS,
    Command,
    Unwritable,
    Word,
    command_at,
)

_ITEM = re.compile(r"""(?:\s|\\\r?\n)*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\n]|'')*)'|([^\s\[\]{},"'][^\[\]{},"'\n]*))""")
_LIST_AT = re.compile(
    r"""["'](?:[^"'\s]*/)?prefect["']\s*,|\[\s*(?:[^"'\s\],]*/)?prefect\s*,|["'][^"'\n]*\bprefect\s[^\n]*["']\s*,?\s*\]"""
)


def in_lists(text: str, start: int, end: int) -> Iterator[Command]:
    """The commands in lists in brackets, as JSON, YAML, TOML and HCL write them."""
    seen: set[int] = set()
    for match in _LIST_AT.finditer(text, start, end):
        opened = _opened(text, start, match.start() + (text[match.start()] == "["))
        if opened is None or opened in seen:
            continue
        seen.add(opened)
        items = list(items_of(text, opened + 1, end))
        yield from of_items(items, text)


def _opened(text: str, start: int, at: int) -> Optional[int]:
    """The bracket in which a place is: the nearest one before it that is not closed, at most 2,000 characters away."""
    depth = 0
    for index in range(at - 1, max(start, at - 2000) - 1, -1):
        if text[index] == "]":
            depth += 1
        elif text[index] == "[":
            if not depth:
                return index
            depth -= 1
    return None


def items_of(text: str, at: int, end: int) -> Iterator[Word]:
    comment = re.compile(r"(?:\s|\\\r?\n)*(?:#|//)[^\n]*\n")
    while at < end:
        while skipped := comment.match(text, at, end):
            at = skipped.end()
        match = _ITEM.match(text, at, end)
        if match is None:
            return
        group = match.lastindex or 3
        raw = match.group(group)
        first, last = match.start(group), match.end(group)
        if group == 3:
            raw = raw.rstrip()
            last = first + len(raw)
        value = raw
        if group == 1 and "\\" in raw:
            try:
                value = json.loads(f'"{raw}"')
            except ValueError:
                return
        quoted = group != 3
        written = text[first - quoted : last + quoted]
        yield Word(
            first - quoted, last + quoted, written, value, "$" in raw or "{{" in raw or (not quoted and "." in raw)
        )
        after = re.compile(r"\s*,").match(text, match.end(), end)
        if after is None:
            return
        at = after.end()


def of_items(items: Sequence[Word], text: str) -> Iterator[Command]:
    """The commands in a list of arguments: the list itself, or the text that it gives to a shell."""
    gaps = [text[b.end : a.start] for b, a in zip(items, items[1:])]
    for index, item in enumerate(items):
        if PROGRAM.fullmatch(item.value) and (
            index == 0
            or MODULE.fullmatch(items[0].value)
            or items[0].value in WRAPPERS
            or items[0].value.startswith("/")
        ):
            command = command_at(items, index, _spelled_in_list(items[index].raw), listed=True, gaps=gaps)
            if command is not None:
                yield command
            return
        if index and TAKES_TEXT.fullmatch(items[index - 1].value) and WORTH.search(item.value):
            snippet = of_scalar(text, item.start, item.end)
            if snippet is not None:
                yield from in_snippet(snippet)
            return


def _spelled_in_list(like: str) -> Callable[[str], str]:
    """How an argument is written in a list whose items look like `like`."""

    def spelled(value: str) -> str:
        if like.startswith("'"):
            return "'" + value.replace("'", "''") + "'"
        if like.startswith('"') or not re.fullmatch(r"[A-Za-z/.][\w/.:=-]*", value) or value in _YAML_WORDS:
            if not like.startswith('"') and value.startswith("-") and re.fullmatch(r"--?[\w-]+", value):
                return value
            return json.dumps(value, ensure_ascii=False)
        return value

    return spelled


_YAML_WORDS = frozenset(["y", "n", "yes", "no", "true", "false", "on", "off", "null"])
_TAG = re.compile(r"(?:[!&][^\s\[\]{},]*\s+)*")


def of_scalar(text: str, start: int, end: int) -> Optional[Snippet]:
    """The shell text of a quoted or plain scalar of YAML or JSON; None for escapes that are not looked into."""
    start += len(_TAG.match(text[start:end]).group())  # type: ignore[union-attr]
    raw = text[start:end]
    if raw[:1] == '"' and raw[-1:] == '"' and len(raw) > 1:
        return _escaped(raw, start)
    if raw[:1] == "'" and raw[-1:] == "'" and len(raw) > 1:
        inside = raw[1:-1].replace("''", "\0")
        places: list[int] = []
        at = start + 1
        for char in inside:
            places.append(at)
            at += 1 + (char == "\0")
        return Snippet(
            inside.replace("\0", "'"), [*places, end - 1], lambda new: new.replace("'", "''"), newlines=False
        )
    return Snippet(raw, range(start, end + 1), _plain, newlines=False)


def _plain(new: str) -> str:
    """What may be added to a plain scalar of YAML. Raises Unwritable."""
    if ": " in new or " #" in new or new.endswith(":"):
        raise Unwritable("the command stands in YAML without quotes, which cannot hold what is to be added")
    return new


def _escaped(raw: str, start: int) -> Optional[Snippet]:
    text: list[str] = []
    places: list[int] = []
    at = 1
    while at < len(raw) - 1:
        char = raw[at]
        places.append(start + at)
        if char == "\\":
            following = raw[at + 1]
            if following not in '"\\/nt':
                return None
            text.append({"n": "\n", "t": "\t"}.get(following, following))
            at += 2
        else:
            text.append(" " if char in "\r\n" else char)
            at += 1
    return Snippet(
        "".join(text),
        [*places, start + len(raw) - 1],
        lambda new: new.replace("\\", "\\\\").replace('"', '\\"'),
    )

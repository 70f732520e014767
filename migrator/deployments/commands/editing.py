"""Edits of the words of a command, which leave the rest of the text as it is."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Union

from migrator.deployments.commands.words import Command, Unwritable, Word
from migrator.findings import Edit


@dataclass(frozen=True)
class Source:
    """A word that is shell text already: what it says of variables and quotes is meant."""

    text: str


New = Union[str, Source]
"""A new word: what the program shall be given, or shell text."""
_SAFE = re.compile(r"[\w@%+=:,./-]+")


def quoted(value: str) -> str:
    """A value as a word of a shell."""
    return value if _SAFE.fullmatch(value) else "'" + value.replace("'", "'\\''") + "'"


def _spelled(command: Command, new: New) -> str:
    if isinstance(new, str):
        return command.spell(new if command.listed else quoted(new))
    if command.listed:
        raise Unwritable("the command is a list of arguments, in which no shell puts the values of variables")
    return command.spell(new.text)


def _gap(command: Command, word: Word) -> str:
    if not command.listed:
        return " "
    index = command.words.index(word)
    gap = (*command.gaps, ", ")[min(max(index - 1, 0), len(command.gaps))]
    return "\n" + gap.rpartition("\n")[2] if "#" in gap else gap


def replaced(command: Command, word: Word, *new: New) -> Edit:
    """`word` replaced by one or more words. Raises Unwritable."""
    return Edit(word.start, word.end, _gap(command, word).join(_spelled(command, each) for each in new))


def inserted(command: Command, after: Word, *new: New) -> Edit:
    """Words added behind `after`. Raises Unwritable."""
    gap = _gap(command, after)
    return Edit(after.end, after.end, "".join(gap + _spelled(command, each) for each in new))


def put_before(command: Command, word: Word, *new: New) -> Edit:
    """Words added before `word`, which is not the first one. Raises Unwritable."""
    gap = _gap(command, word)
    return Edit(word.start, word.start, "".join(_spelled(command, each) + gap for each in new))


def removed(command: Command, *words: Word) -> tuple[Edit, ...]:
    """Words taken out, each with what stands between it and the word before it. The first word cannot be."""
    edits: list[Edit] = []
    starts = [each.start for each in command.words]
    for word in words:
        before = command.words[bisect_right(starts, word.start) - 2]
        edits.append(Edit(before.end if word.after is None else word.after, word.end, ""))
    return tuple(edits)

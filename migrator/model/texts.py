"""What the texts of all Python files of a project say of its modules: who imports a name, and what is spelled out after it.

Every file is read once for it, however many modules are asked about.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left, insort
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Optional

_IMPORT_LINE = re.compile(r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t(]+([\w, \t]*)|import[ \t]+([\w., \t]+))", re.M)
_WORD = re.compile(r"\w+")
_LAST_WORD = re.compile(r"\w*\Z")
_DOTTED = re.compile(r"\b(\w+)\.(?=(\w+))")
_FEW = 20
"""How many names are looked for one by one first."""
_WORDS_HELD = 100_000
"""Of how many words it is held in memory which names of modules end them."""


def tail_of(path: str) -> str:
    """The last part of the name under which a file is imported."""
    tail = os.path.splitext(os.path.basename(path))[0]
    return os.path.basename(os.path.dirname(path)) if tail == "__init__" else tail


def import_lines(text: str) -> Iterator[re.Match[str]]:
    """The lines that import, as they are without what goes on below them: the source and the names of a `from`, or the modules."""
    at = text.find("import")
    while at >= 0:
        match = _IMPORT_LINE.match(text, text.rfind("\n", 0, at) + 1)
        if match is not None:
            yield match
        end = text.find("\n", at)
        at = text.find("import", end) if end >= 0 else -1


@dataclass(frozen=True)
class _Said:
    """What one text says."""

    imported: frozenset[str] = frozenset()
    """The words of its import lines that are names of modules."""
    spelled: frozenset[tuple[str, str]] = frozenset()
    """A module and the word after it, for the modules that may be asked about."""


class _Reader:
    """Finds the names of modules in texts."""

    def __init__(self, modules: Iterable[str], asked: Iterable[str]) -> None:
        self._modules = frozenset(modules)
        self._endings: dict[str, list[str]] = {}
        """The names that are asked about, by the letters at their ends: `flow` of `my-flow`."""
        for name in asked:
            match = _LAST_WORD.search(name)
            self._endings.setdefault(match.group() if match else "", []).append(name)
        self._known: dict[str, tuple[str, ...]] = {}

    def forget(self) -> None:
        """Lets go of what only makes it quicker."""
        self._known = {}

    def said(self, path: str, text: Optional[str]) -> _Said:
        """What a text says; nothing for a file that has none."""
        if text is None:
            return _Said()
        imported: set[str] = set()
        for match in import_lines(text):
            imported.update(_WORD.findall(" ".join(group for group in match.groups() if group)))
            if match.group(1) and not match.group(1).strip("."):
                imported.add(os.path.basename(os.path.dirname(path)))
        return _Said(self._modules & imported, frozenset(self._spelled(text)))

    def _spelled(self, text: str) -> Iterator[tuple[str, str]]:
        if len(self._endings) <= _FEW and not any(f"{ending}." in text for ending in self._endings):
            return
        for word, name in set(_DOTTED.findall(text)):
            for module in self._ends(word):
                if module in (word[-len(module) :], word) or f"{module}.{name}" in text:
                    yield module, name
        for module in self._endings.get("", ()):
            for match in re.finditer(rf"{re.escape(module)}\.(\w+)", text):
                yield module, match.group(1)

    def _ends(self, word: str) -> tuple[str, ...]:
        """The names whose letters at the end are those of a word."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) > _WORDS_HELD:
                self._known = {}
            found = (self._endings.get(word[at:], ()) for at in range(len(word)))
            known = self._known[word] = tuple(name for names in found for name in names)
        return known


@dataclass
class Texts:
    """What is known of the texts. It can be handed to another process, and outlives changes of some of them."""

    reader: _Reader
    asked: Collection[str]
    """The files that may be asked about, and that may change."""
    _imported: dict[str, list[str]] = field(default_factory=dict)
    """For the last part of each module's name, the files that have it on a line that imports, in order."""
    _spelled: dict[str, list[str]] = field(default_factory=dict)
    """For the last part of a module's name, the words that stand after it, in order."""
    _unchanging: set[tuple[str, str]] = field(default_factory=set)
    """Both, where a file has them that is neither asked about nor changes."""
    _changing: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Both, with the other files that have them."""
    _said: dict[str, _Said] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Collection[str], asked: Collection[str], read: Callable[[str], Optional[str]]) -> Texts:
        """Reads all files."""
        texts = cls(_Reader(map(tail_of, files), map(tail_of, asked)), asked)
        for path in files:
            texts._note(path, read(path))
        texts.reader.forget()
        return texts

    def importers(self, tail: str) -> list[str]:
        """The files that have the last part of a module's name on a line that imports, in the order of their names."""
        return self._imported.get(tail, [])

    def is_spelled_out(self, path: str, name: str) -> bool:
        """Whether another file than `path`, which is among those asked about, has `module.name` in its text, or a name that begins so."""
        assert path in self.asked, path
        tail = tail_of(path)
        words = self._spelled.get(tail, [])
        for at in range(bisect_left(words, name), len(words)):
            if not words[at].startswith(name):
                return False
            said = tail, words[at]
            if said in self._unchanging or any(other != path for other in self._changing.get(said, ())):
                return True
        return False

    def change(self, path: str, text: Optional[str]) -> None:
        """Notes that one of the files that are asked about has another text now."""
        before = self._said.get(path)
        if before is None:
            return
        for word in before.imported:
            self._imported[word].remove(path)
        for said in before.spelled:
            self._changing[said].remove(path)
        self._note(path, text)

    def _note(self, path: str, text: Optional[str]) -> None:
        said = self.reader.said(path, text)
        for word in said.imported:
            insort(self._imported.setdefault(word, []), path)
        changes = path in self.asked
        for both in said.spelled:
            if both not in self._unchanging and both not in self._changing:
                insort(self._spelled.setdefault(both[0], []), both[1])
            if changes:
                self._changing.setdefault(both, []).append(path)
            else:
                self._unchanging.add(both)
        if changes:
            self._said[path] = said

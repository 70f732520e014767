"""Every public name of Prefect and of its integrations, from 2.0 on: what it was, in which minors, and what became of it.

The data is made from the real packages (`python -m migrator.knowledge.generate`) and kept as text, so that the difference
between two runs can be read; the installed copy is that text, compressed. Nothing is parsed before it is asked for, and
then only the lines of the module at hand.

    %prefect 2.0=2.0.4 2.1=2.1.1 ...       a package and its releases, oldest first
    @prefect.futures 2.0-                  a module, and the minors that have it
    as_completed@3.0- def (futures,timeout=)
    State class =prefect.client.schemas.objects:@2.10- =prefect.client.schemas:@2.6-2.9
    ~@3.0- partial                         names that are only imported there, from outside the packages
    !prefect.futures:PrefectFuture <:Base  a class, by its home; its bases
    .wait async@2.0-2.20 >prefect.client.schemas.objects:State (timeout=)

`@` gives the minors where they are not those of the line, or of the module, above. Words after a name: its kind; `=` its
home where it is another one (`module:` for the same name there); `>` the class of what a call returns, or of what the
attribute holds; `~` only imported there; `^` where Prefect's own warning sends; `->` under which name the same object lives
on. Parentheses hold parameters (`=` has a default, `/` or `!` not a keyword or nothing else), braces the fields of a model.
`+forbid`, `+ignore`, `+allow` say what a model does with arguments that it does not know; `*` that a class answers for
attributes by a function of its own. `&` starts a module of Prefect 1, with names that it alone had. An integration has two releases, `2` for the last one of Prefect 2 and `3`.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Optional

_DATA = Path(__file__).with_name("api.txt.gz")
_UNSEEN = re.compile(r"(^|\.)(__main__|_migrations|migrations|_vendor)(\.|$)|(^|\.)__\w+__$")


@dataclass(frozen=True)
class Parameter:
    """A parameter of something that can be called, over all releases that have it."""

    name: str
    releases: int
    """A mask with a bit for each minor."""
    has_default: bool
    by_position: bool
    by_keyword: bool
    star: str = ""
    """`*` or `**` for a parameter that takes all the others."""


@dataclass(frozen=True)
class Call:
    """How something is called."""

    releases: int
    """The minors of which that is known."""
    parameters: tuple[Parameter, ...]

    def takes(self, keyword: str) -> int:
        """The minors in which a keyword argument is accepted."""
        named = sum(p.releases for p in self.parameters if p.name == keyword and not p.star and p.by_keyword)
        return (named | self.open) & self.releases

    @property
    def open(self) -> int:
        """The minors in which it takes any keyword argument (`**kwargs`)."""
        mask = 0
        for parameter in self.parameters:
            if parameter.star == "**":
                mask |= parameter.releases
        return mask


_Marked = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Entry:
    """A name of a module, or a member of a class, over all releases."""

    name: str
    releases: int
    kinds: _Marked = ()
    homes: _Marked = ()
    """`module:qualname` of the object, with the minors in which it lives there."""
    gives: _Marked = ()
    """The home of the class that a call returns or that the attribute holds."""
    call: Optional[Call] = None
    asynchronous: int = 0
    outside: int = 0
    """The minors in which the module only imports it, from outside of Prefect."""
    moved: _Marked = ()
    """The home that Prefect's own deprecation warning names, and the minors that warn."""
    successor: Optional[str] = None
    """The dotted name under which the same object lives on, where this one is gone."""

    def kind(self, release: int) -> Optional[str]:
        return _at(self.kinds, release)

    def warns(self, releases: int) -> Optional[str]:
        """The home that Prefect's own warning sends to, in the newest release of a mask; None where nothing warns."""
        return _at(self.moved, releases)

    def home(self, release: int) -> Optional[str]:
        """The object's home in the releases of a mask, the newest one's."""
        return _at(self.homes, release)


@dataclass(frozen=True)
class Klass:
    """A class, by its home, over all releases."""

    home: str
    releases: int
    bases: _Marked
    extra: _Marked
    """What a pydantic model does with arguments that it does not know: `forbid`, `ignore`, `allow`; `checks` where a validator of
    its own sees them first."""
    dynamic: int
    call: Optional[Call]
    members: Mapping[str, Entry]


def _at(marked: _Marked, releases: int) -> Optional[str]:
    """The word of the newest release of a mask."""
    best: Optional[tuple[int, str]] = None
    for word, mask in marked:
        common = mask & releases
        if common and (best is None or common.bit_length() > best[0]):
            best = common.bit_length(), word
    return best[1] if best else None


@dataclass(frozen=True)
class _Block:
    releases: int
    names: Mapping[str, str]
    """The line of each name."""
    outside: Mapping[str, int]


@dataclass(frozen=True)
class Life:
    """What is known of a dotted name: in which minors it is there, and what it is."""

    dotted: str
    releases: int
    entry: Optional[Entry]
    """None for a module."""
    module: str
    owners: tuple[str, ...] = ()
    """The homes of the class whose member it is, the newest first."""


@dataclass(eq=False)
class Api:
    """The data of all packages. Make one with `api()`."""

    text: str
    _blocks: dict[str, Optional[_Block]] = field(default_factory=dict)
    _classes: dict[str, Optional[Klass]] = field(default_factory=dict)

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The minors of Prefect, oldest first: `2.0` ... `3.8`."""
        return tuple(word.partition("=")[0] for word in self.versions["prefect"])

    @cached_property
    def versions(self) -> dict[str, tuple[str, ...]]:
        """For each package the releases that were looked at: `2.0=2.0.4`."""
        return {name: tuple(releases) for name, *releases in _lines(self.text, "%")}

    @cached_property
    def of_2(self) -> int:
        """The mask of all 2.x minors."""
        return sum(1 << at for at, label in enumerate(self.labels) if label.startswith("2."))

    @cached_property
    def of_3(self) -> int:
        return self.everything & ~self.of_2

    @cached_property
    def everything(self) -> int:
        return (1 << len(self.labels)) - 1

    @cached_property
    def newest(self) -> int:
        """The mask of the newest minor alone."""
        return 1 << (len(self.labels) - 1)

    @cached_property
    def last_of_2(self) -> int:
        """The mask of the newest 2.x minor alone."""
        return 1 << (self.of_2.bit_length() - 1)

    def minor(self, number: Optional[int]) -> int:
        """The mask of one 3.x minor; the newest that is known for None and for those to come."""
        label = f"3.{number}"
        return 1 << self.labels.index(label) if label in self.labels else self.newest

    # -- questions

    def life(self, dotted: str) -> Optional[Life]:
        """What is known of a dotted name as code spells it; None where the data cannot tell.

        A name that no release has gives a life without releases. Nothing is said of private names, of what lies below
        a function or a value, nor of classes that answer for attributes by a function of their own.
        """
        if _UNSEEN.search(dotted):
            return None
        parts = dotted.split(".")
        for length in range(len(parts), 0, -1):
            module = ".".join(parts[:length])
            block = self.block(module)
            if block is None:
                continue
            if length == len(parts):
                return Life(dotted, block.releases, self.entry(*module.rpartition(".")[::2]), module)
            return self._inside(dotted, module, block, parts[length:])
        return Life(dotted, 0, None, "") if parts[0] in self.roots else None

    def _inside(self, dotted: str, module: str, block: _Block, rest: list[str]) -> Optional[Life]:
        name = rest[0]
        entry = self.entry(module, name)
        if entry is None and name.startswith("_"):
            return None if block.releases & self.newest else Life(dotted, block.releases, None, module)
        if entry is None:
            return Life(dotted, 0, None, module)
        if len(rest) == 1:
            return Life(dotted, entry.releases, entry, module)
        if entry.outside or any(kind != "class" for kind, _ in entry.kinds) or len(rest) > 2:
            return Life(dotted, entry.releases, None, module) if not entry.releases & self.newest else None
        return self._of_class(dotted, module, entry, rest[1])

    def _of_class(self, dotted: str, module: str, entry: Entry, name: str) -> Optional[Life]:
        if name.startswith("_"):
            return None
        mask = 0
        found: Optional[Entry] = None
        for home, releases in entry.homes:
            there = self.member(home, name)
            if there is None:
                return None
            mask |= there[0] & releases & entry.releases
            if there[1] is not None and (found is None or there[0].bit_length() >= found.releases.bit_length()):
                found = there[1]
        owners = tuple(home for home, each in sorted(entry.homes, key=lambda item: -item[1].bit_length()))
        return Life(dotted, mask, found, module, owners)

    def member(self, home: str, name: str) -> Optional[tuple[int, Optional[Entry]]]:
        """The minors in which the class at a home has a public member, its own or inherited, and the nearest entry of it;
        None where the data cannot tell."""
        mask, entries = 0, []
        for klass, releases in self.lineage(home):
            if klass.dynamic & releases:
                return None
            entry = klass.members.get(name)
            if entry is not None:
                mask |= entry.releases & releases
                entries.append(entry)
        if not entries and self.klass(home) is None:
            return None
        return mask, entries[0] if entries else None

    def lineage(self, home: str) -> Iterator[tuple[Klass, int]]:
        """A class and those that it inherits from, each with the minors in which it does; one may come more than once, for other minors."""
        waiting = [(home, self.everything)]
        seen: dict[str, int] = {}
        while waiting:
            current, releases = waiting.pop(0)
            klass = self.klass(current)
            fresh = releases & ~seen.get(current, 0)
            if klass is None or not fresh:
                continue
            seen[current] = seen.get(current, 0) | fresh
            yield klass, klass.releases & fresh
            waiting += [(base, mask & fresh) for base, mask in klass.bases if mask & fresh]

    def names(self, module: str) -> list[str]:
        """The names that a module has in any release, those that it only imports from outside left out."""
        block = self.block(module)
        return list(block.names) if block else []

    def exports(self, module: str, releases: int) -> Iterator[str]:
        """The names of a module that one of the releases has, those imported from outside included."""
        block = self.block(module)
        if block is None:
            return
        for name in block.names:
            entry = self.entry(module, name)
            if entry is not None and entry.releases & releases:
                yield name
        yield from (name for name, mask in block.outside.items() if mask & releases)

    def modules_with(self, name: str) -> Iterator[str]:
        """The modules that have a name in any release, those that only import it from outside left out."""
        marks = (f"\n{name} ", f"\n{name}@")
        return (module for module, piece in self._pieces.items() if marks[0] in piece or marks[1] in piece)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Every module, in the order of the data."""
        return tuple(self._pieces)

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """The home of every class whose members are known."""
        return tuple(re.findall(r"\n!([^\s@]+)", self.text))

    @cached_property
    def roots(self) -> frozenset[str]:
        return frozenset(self.versions)

    def of_prefect_1(self, dotted: str) -> bool:
        """Whether Prefect 1 had a name that neither 2 nor 3 ever had."""
        module, _, name = dotted.rpartition(".")
        return dotted in self._prefect_1 or name in self._prefect_1.get(module, ())

    @cached_property
    def _prefect_1(self) -> dict[str, frozenset[str]]:
        return {module: frozenset(names) for module, *names in _lines(self.text, "&")}

    # -- reading

    @cached_property
    def _pieces(self) -> dict[str, str]:
        """The text of each module, from its releases on: its names, and its classes."""
        return {piece[: piece.index(" ")]: piece for piece in self.text.split("\n@")[1:]}

    def block(self, module: str) -> Optional[_Block]:
        if module not in self._blocks:
            self._blocks[module] = self._read_block(module)
        return self._blocks[module]

    def _read_block(self, module: str) -> Optional[_Block]:
        piece = self._pieces.get(module)
        if piece is None:
            return None
        head, *lines = piece[len(module) + 1 : _end(piece, 0)].split("\n")
        releases = self._mask(head)
        names: dict[str, str] = {}
        outside: dict[str, int] = {}
        for line in lines:
            if line[:1] == "~":
                first, *others = line.split(" ")
                mask = self._mask(first[2:]) if len(first) > 1 else releases
                outside.update(dict.fromkeys(others, mask))
            elif line:
                word = line.partition(" ")[0]
                names[word.partition("@")[0]] = line
        return _Block(releases, names, outside)

    @lru_cache(maxsize=50_000)  # noqa: B019 - there is one Api in a process
    def entry(self, module: str, name: str) -> Optional[Entry]:
        """What is known of a name of a module; None where no release has it."""
        block = self.block(module)
        if block is None:
            return None
        line = block.names.get(name)
        if line is not None:
            return self._entry(line, block.releases, module, f"{module}:{name}")
        mask = block.outside.get(name)
        return Entry(name, mask, outside=mask) if mask else None

    def klass(self, home: str) -> Optional[Klass]:
        """What is known of the inside of a class; None where that was left out or there is no such class."""
        if home not in self._classes:
            self._classes[home] = self._read_class(home)
        return self._classes[home]

    def _read_class(self, home: str) -> Optional[Klass]:
        module = home.partition(":")[0]
        text = self._pieces.get(module, self.text)
        start = next((at for at in (text.find(f"\n!{home}{after}") for after in " @\n") if at >= 0), -1)
        if start < 0:
            return None
        head_end = text.find("\n", start + 1)
        head_end = len(text) if head_end < 0 else head_end
        first, *words = text[start + 2 : head_end].split(" ")
        mask = self._mask(first.partition("@")[2]) if "@" in first else self.everything
        bases, extra, dynamic, call = [], [], 0, None
        for word in words:
            if word[0] in "({":
                call = self._call(word, mask)
                continue
            value, releases = self._marked(word[1:], mask)
            if word[0] == "<":
                bases.append((module + value if value[0] == ":" else value, releases))
            elif word[0] == "+":
                extra.append((value, releases))
            elif word[0] == "*":
                dynamic = releases
        members: dict[str, Entry] = {}
        for line in text[head_end + 1 : _end(text, head_end)].split("\n"):
            if line[:1] == ".":
                entry = self._entry(line[1:], mask, module, None)
                members[entry.name] = entry
        if extra and call is not None:
            for parameter in call.parameters:
                if not parameter.star and parameter.name not in members:
                    members[parameter.name] = Entry(parameter.name, parameter.releases)
        return Klass(home, mask, tuple(bases), tuple(extra), dynamic, call, members)

    def _entry(self, line: str, around: int, module: str, home: Optional[str]) -> Entry:
        first, *words = line.split(" ")
        name, mask = self._marked(first, around)
        kinds, homes, gives, moved = [], [], [], []
        call, asynchronous, outside, successor = None, 0, 0, None
        for word in words:
            if word[0] in "({":
                call = self._call(word, mask)
                continue
            if word.startswith("->"):
                successor = word[2:]
                continue
            value, releases = self._marked(word, mask)
            mark, value = (value[0], value[1:]) if value[0] in "=>^~" else ("", value)
            if mark == "=":
                homes.append((f"{value}{name}" if value.endswith(":") else value, releases))
            elif mark == ">":
                gives.append((module + value if value[0] == ":" else value, releases))
            elif mark == "^":
                moved.append((value, releases))
            elif mark == "~":
                outside = releases
            elif value == "async":
                asynchronous = releases
            else:
                kinds.append((value, releases))
        if home is not None and not homes:
            homes.append((home, mask))
        return Entry(
            name, mask, tuple(kinds), tuple(homes), tuple(gives), call, asynchronous, outside, tuple(moved), successor
        )

    def _marked(self, word: str, around: int) -> tuple[str, int]:
        value, at, releases = word.partition("@")
        return value, self._mask(releases) if at else around

    def _call(self, word: str, around: int) -> Call:
        closing = ")" if word[0] == "(" else "}"
        inner, _, after = word[1:].rpartition(closing)
        called = self._mask(after[1:]) if after else around
        parameters = []
        for each in filter(None, inner.split(",")):
            text, mask = self._marked(each, called)
            star = "**" if text.startswith("**") else "*" if text.startswith("*") else ""
            has_default = text.endswith("=") or word[0] == "{"
            bare = text.rstrip("=")
            keyword_only = bare.endswith("!") or word[0] == "{"
            parameters.append(
                Parameter(bare.strip("*/!"), mask, has_default, not keyword_only, not bare.endswith("/"), star)
            )
        return Call(called, tuple(parameters))

    @lru_cache(maxsize=10_000)  # noqa: B019 - there is one Api in a process
    def _mask(self, written: str) -> int:
        """`2.0-2.7|2.9`, `3.1-`, or `2` and `3` for an integration's release of either major."""
        mask = 0
        for part in written.replace("|", ",").split(","):
            first, dash, last = part.partition("-")
            low, high = self._span(first)
            if dash:
                high = self._span(last)[1] if last else len(self.labels) - 1
            mask |= (1 << (high + 1)) - (1 << low)
        return mask

    def _span(self, label: str) -> tuple[int, int]:
        """The first and last index that a label stands for: `2` and `3` are the whole major."""
        if "." in label:
            at = self.labels.index(label)
            return at, at
        first_of_3 = self.of_2.bit_length()
        return (0, first_of_3 - 1) if label == "2" else (first_of_3, len(self.labels) - 1)

    def written(self, releases: int) -> str:
        """A mask in words: `2.0 to 2.7, 2.9 and 3.1 to 3.8`."""
        parts = []
        at = 0
        while at < len(self.labels):
            if not releases >> at & 1:
                at += 1
                continue
            first = at
            while at < len(self.labels) and releases >> at & 1:
                at += 1
            parts.append(self.labels[first] if at == first + 1 else f"{self.labels[first]} to {self.labels[at - 1]}")
        return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]])) if parts else "no release"


def _lines(text: str, mark: str) -> Iterator[list[str]]:
    """The words of each line that begins with a mark."""
    return (piece.partition("\n")[0].split(" ") for piece in text.split(f"\n{mark}")[1:])


def _end(text: str, start: int) -> int:
    """Where the lines of a module's names end: at the next module, class or package."""
    ends = (text.find(mark, start) for mark in ("\n@", "\n!", "\n%", "\n&"))
    return min((end for end in ends if end >= 0), default=len(text))


@lru_cache(maxsize=1)
def api() -> Api:
    """The data, read once in a process: about 10 ms."""
    return Api(gzip.decompress(_DATA.read_bytes()).decode())

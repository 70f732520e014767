"""Which files are worth parsing, told from their bytes: those that mention Prefect, and those that import one that does.

Each file is read once, and once more where it imports one that matters. How many of them matter makes no difference to that.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from migrator.model.texts import tail_of
from migrator.sources.documents import Kind, kind_of

Read = Callable[[str], bytes]
Locate = Callable[[str, str], Iterable[str]]
"""The files of the project that the import lines of a text name, as seen from a path."""

_WORD = re.compile(rb"[\w\x80-\xff]+")
_OPENING = re.compile(rb"from[\s(]+[.\w\x80-\xff]+[\s(]+import[\s(]")
_PACKAGE = re.compile(rb"from[ \t]+(\.+)[ \t]+import")
"""`from . import name`, which names a package without saying its name."""


def worth_parsing(
    paths: Sequence[str], read: Read, locate: Locate, is_made: Callable[[str], bool] = lambda path: False
) -> set[str]:
    """The paths among `paths`. `is_made` says of a file that the run itself made it. What `read` raises an OSError for is among them."""
    mentioning: list[str] = []
    importing: dict[bytes, list[str]] = {}
    """For the last part of a module's name, the files that may import one of that name and do not mention Prefect."""
    tails = frozenset(map(_tail, filter(_is_python, paths)))
    for path in paths:
        try:
            data = read(path)
        except OSError:
            mentioning.append(path)
            continue
        named = "prefect" in os.path.basename(path) or is_made(path)
        if named or mentions_prefect(data) or _may_be_a_deployment(path, data):
            mentioning.append(path)
        elif _is_python(path):
            for word in tails & _imported_names(path, data):
                importing.setdefault(word, []).append(path)
    return _with_importers(mentioning, importing, _Tails(tails), read, locate)


def mentions_prefect(data: bytes) -> bool:
    """Whether the word stands in a file, be it in the name of a setting (`PREFECT_API_URL`)."""
    return b"prefect" in data or b"PREFECT_" in data


def _may_be_a_deployment(path: str, data: bytes) -> bool:
    """Whether a YAML file has a key of 2.x's deployment files, which need not have the word."""
    return kind_of(path) is Kind.YAML and (b"flow_name:" in data or b"work_pool:" in data)


def _is_python(path: str) -> bool:
    """Whether a file is Python, or has no kind of its own and may be."""
    return kind_of(path) in (None, Kind.PYTHON)


def _tail(path: str) -> bytes:
    """The last part of the name under which a file is imported, as it stands in bytes."""
    return os.fsencode(tail_of(path))


def _imported_names(path: str, data: bytes) -> set[bytes]:
    """The words of the imports of a file, and the names of the packages that they name by dots alone."""
    parts: list[bytes] = []
    packages: set[bytes] = set()
    at = data.find(b"import")
    while at >= 0:
        begin, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        end = len(data) if end < 0 else end
        if data.find(b"(", at, end) >= 0 and data.find(b")", at, end) < 0:
            end = data.find(b")", end)
            end = len(data) if end < 0 else end
        dots = _PACKAGE.search(data, begin, end)
        if dots is not None:
            directory = path
            for _ in dots.group(1):
                directory = os.path.dirname(directory)
            packages.add(os.fsencode(os.path.basename(directory)))
        parts.append(data[begin:end])
        at = data.find(b"import", end)
    return packages.union(_WORD.findall(b" ".join(parts)))


# -- those that import one


@dataclass
class _Line:
    """A line that may import something."""

    line: bytes
    is_import: bool
    """Whether it begins with `import` or `from`; else it goes on with an import that began above it."""
    statement: str
    """The import up to the end of the line, in one line."""
    files: frozenset[str] = frozenset()
    """The files of the project that the statement names."""

    def find(self, path: str, locate: Locate) -> bool:
        """Looks for the files; says whether there are any."""
        self.files = frozenset(locate(path, self.statement))
        return bool(self.files)

    def says(self, tails: _Tails) -> bool:
        """Whether one of the names stands in it as an import has it."""
        if self.is_import or b" as " in self.line:
            return tails.are_in(self.line)
        return tails.are_all_of(self.line)


class _Tails:
    """Last parts of module names, which are looked for all at once."""

    def __init__(self, tails: Iterable[bytes]) -> None:
        self._tails = frozenset(tails)
        self._lengths = sorted(set(map(len, self._tails)))

    def __bool__(self) -> bool:
        return bool(self._tails)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._tails)

    def are_in(self, line: bytes) -> bool:
        """Whether one of them stands somewhere in a line, be it as a part of a word."""
        return any(
            line[at : at + length] in self._tails for length in self._lengths for at in range(len(line) - length + 1)
        )

    def are_all_of(self, line: bytes) -> bool:
        """Whether a line consists of one of them and no more than a comma, a bracket or the like."""
        return any(line[:length] in self._tails for length in range(max(len(line) - 4, 0), len(line) + 1))


def _with_importers(
    mentioning: Sequence[str], importing: dict[bytes, list[str]], known: _Tails, read: Read, locate: Locate
) -> set[str]:
    """The files that mention Prefect and those that import one of them, however far away."""
    wanted = set(mentioning)
    fresh: Collection[str] = mentioning
    lines: dict[str, list[_Line]] = {}
    """Of the files that may import one that matters, the lines that name files of the project."""
    importers: dict[str, list[str]] = {}
    unsaid: set[str] = set()
    """Files that name one that matters on a line without its name: `from . import a` names the package as well."""
    while tails := _Tails(_tail(path) for path in fresh if _is_python(path)):
        for tail in tails:
            for path in importing.pop(tail, ()):
                if path not in wanted and path not in lines:
                    lines[path] = [line for line in _lines(read(path), known) if line.find(path, locate)]
                    for target in {target for line in lines[path] for target in line.files}:
                        importers.setdefault(target, []).append(path)
        asked = unsaid.union(path for target in fresh for path in importers.get(target, ()) if path not in wanted)
        fresh = [path for path in asked if _names_one_of(lines[path], wanted, tails)]
        wanted.update(fresh)
        unsaid = asked.difference(fresh)
    return wanted


def _names_one_of(lines: Iterable[_Line], wanted: set[str], tails: _Tails) -> bool:
    return any(not wanted.isdisjoint(line.files) and line.says(tails) for line in lines)


def _lines(data: bytes, tails: _Tails) -> Iterator[_Line]:
    """The lines of a file on which something may be imported; `tails` are those of all modules."""
    opening, is_open, begin = 0, False, 0
    while begin < len(data):
        end = data.find(b"\n", begin)
        end = len(data) if end < 0 else end
        line = data[begin:end].strip()
        if line.startswith((b"from ", b"import ")):
            yield _Line(line, True, line.decode("utf-8", "replace"))
        elif is_open and (b" as " in line or tails.are_all_of(line)):
            yield _Line(
                line, False, b" ".join(data[opening:end].replace(b"(", b" ").split()).decode("utf-8", "replace")
            )
        at = data.rfind(b"from ", begin, end)
        if at >= 0:
            opening, is_open = at, b")" not in data[at:end] and _OPENING.match(data, at) is not None
        elif is_open:
            is_open = b")" not in data[begin:end]
        begin = end + 1

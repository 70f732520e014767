"""Which files a run is about: the files of a known kind under directories, and every file that is named itself.

Left out under a directory, in this order: what no project means by its source (`SKIPPED`, and every directory that is a
virtual environment), what `exclude` matches, and what git ignores. Git's rules are those of the `.gitignore` files in the
directory, above it up to the root of its repository, and below it, and of `.git/info/exclude`; the user's global excludes
file is not read. An ignored file is left out whether or not it is tracked.

A symbolic link below a path adds nothing: what it leads to is found under its own name, is left out under its own name, or lies
outside of the paths and is none of the run's business.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, Optional

from migrator.sources.documents import NAMES, SUFFIXES, Kind, kind_of

SKIPPED = frozenset(
    {
        ".eggs",
        ".git",
        ".hg",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
        "site-packages",
        "venv",
    }
)
"""Names of directories that are never entered, unless they are named themselves."""

OnError = Callable[[str, OSError], None]
"""Called with the path of a directory (or of a file with rules) that cannot be read, and why."""
OnOutside = Callable[[str], None]
"""Called with the name of a symbolic link that leads outside of the paths."""


class MissingPathError(FileNotFoundError):
    """A path that was named is not there."""

    def __str__(self) -> str:
        return f"{self.filename}: {self.strerror}"


class PatternError(ValueError):
    """A pattern of `exclude` that means nothing."""


def discover(
    paths: Sequence[str],
    *,
    exclude: Sequence[str] = (),
    exclude_root: Optional[str] = None,
    respect_gitignore: bool = True,
    on_error: Optional[OnError] = None,
    on_outside: Optional[OnOutside] = None,
    python_only: bool = False,
    follow: bool = False,
) -> Iterator[str]:
    """The files under the paths, sorted by the parts of their names, each real file once.

    A path that is a file is always among them, whatever its suffix and whatever ignores or excludes it; a path that is a
    directory is always entered, and when it is ignored itself, the rules above it do not count below it. Names begin with
    the path as it was given, without a leading `./`.

    `exclude` holds patterns with the meaning they have in a `.gitignore` that lies in `exclude_root` (by default the current
    directory): `tests` is a file or directory of that name anywhere, `/tests` or `src/tests` one place, `tests/` a directory,
    `*_old.py` and `**/legacy/*.py` globs, and `!name` takes an earlier pattern back. They hold for everything that is found
    in a directory.

    A path that is a symbolic link is followed; what another path reaches without it has that name. A link below a path is
    not followed. `on_outside` is told of one that leads outside of all paths, in the order of their names. A link inside gives
    a file its name only where the file's own name is not of a known kind (`run.sh` for `run`).

    With `follow`, for those who only read, every link below the paths is followed, after everything else. What is reached
    without a link keeps that name. A link to a directory that it lies in itself is not followed.

    Raises MissingPathError for a path that is not there, and PatternError for a pattern that cannot be read. A directory
    that cannot be read is told to `on_error` and the rest goes on; without `on_error` its OSError is raised.
    """
    walk = _Walk(exclude, exclude_root, respect_gitignore, on_error, python_only)
    is_directory = {path: walk.named(path) for path in paths}
    for linked in (False, True):
        chosen = [path for path in is_directory if walk.is_link(path) is linked]
        for path in chosen:
            if is_directory[path] is False:
                walk.take(path)
        for path in chosen:
            if is_directory[path]:
                walk.enter(path)
    if follow:
        walk.follow_links()
    else:
        for link in walk.leave_links():
            if on_outside is not None:
                on_outside(link)
    return iter(sorted(walk.found.values(), key=lambda path: path.split(os.sep)))


def lies_in(real: str, places: Container[str]) -> bool:
    """Whether a real path is, or lies below, one of the places, which are real paths as well."""
    while real not in places:
        above = os.path.dirname(real)
        if above == real:
            return False
        real = above
    return True


# -- rules


class _Glob(NamedTuple):
    """A line of rules with wildcards, and the number of the line. It is tried on the name alone unless it has a slash."""

    number: int
    ignores: bool
    pattern: str
    needle: str
    """Text that is in everything the line matches: a name without it need not be tried."""
    on_name: bool

    def matches(self, below: str, name: str) -> bool:
        subject = name if self.on_name else below + name
        if self.needle not in subject:
            return False
        expression = _expression(self.pattern)
        return expression is not None and expression.fullmatch(subject) is not None


_TOKEN = re.compile(
    r"(?P<any_directories>(?:^|(?<=/))\*\*/)"
    r"|(?P<everything_inside>(?:^|(?<=/))\*\*$)"
    r"|(?P<star>\*+)"
    r"|(?P<question_mark>\?)"
    r"|\[(?P<bracket>[!^]?\]?(?:\[:\w+:\]|\\.|[^\]\\])*)\]"
    r"|\\(?P<escaped>.)"
    r"|(?P<literal>[^*?\[\\/]+|/)",
    re.DOTALL,
)
_FIXED = {"any_directories": "(?:.*/)?", "everything_inside": ".+", "star": "[^/]*", "question_mark": "[^/]"}


@cache
def _expression(pattern: str) -> Optional[re.Pattern[str]]:
    """A pattern of `.gitignore`, without `!` and a slash at either end, as git's `wildmatch` reads it; None: it is broken."""
    parts = []
    at = 0
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None or token.lastgroup is None:
            return None
        kind = token.lastgroup
        part = _bracket(token[kind]) if kind == "bracket" else _FIXED.get(kind, re.escape(token[kind]))
        if part is None:
            return None
        parts.append(part)
        at = token.end()
    return re.compile("".join(parts), re.DOTALL)


_ITEM = re.compile(r"\[:(\w+):\]|(\\.|.)(?:-(\\.|.))?", re.DOTALL)
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


def _bracket(items: str) -> Optional[str]:
    """The expression for what is between brackets; None for an unknown class. A range from high to low holds nothing."""
    negated = items[:1] in ("!", "^")
    allowed = []
    for item in _ITEM.finditer(items, int(negated)):
        name, first, last = item.groups()
        if name is not None:
            if name not in _CLASSES:
                return None
            allowed.append(_CLASSES[name])
        elif last is None:
            allowed.append(re.escape(first[-1]))
        elif first[-1] <= last[-1]:
            allowed.append(f"{re.escape(first[-1])}-{re.escape(last[-1])}")
    if negated:
        return f"[^/{''.join(allowed)}]"
    return f"(?!/)[{''.join(allowed)}]" if allowed else "(?!)"


_Literals = dict[str, tuple[int, Optional[bool]]]
"""Names or paths, with the number of the last line that says them and whether it ignores."""

_NOT_SAID: tuple[int, Optional[bool]] = (-1, None)


class _Table(NamedTuple):
    """Lines of rules: those without wildcards by name or path, and the others, the last one first. The last match decides."""

    names: _Literals
    paths: _Literals
    globs: list[_Glob]

    def decide(self, below: str, name: str) -> Optional[bool]:
        """Whether the entry `name` of the directory `below` (empty, or ending in a slash) is ignored; None: not said."""
        number, ignores = max(self.names.get(name, _NOT_SAID), self.paths.get(below + name, _NOT_SAID))
        for glob in self.globs:
            if glob.number < number:
                break
            if glob.matches(below, name):
                return glob.ignores
        return ignores


class _Rules(NamedTuple):
    """The lines of one file with rules, for each kind of entry; most lines cannot match a file of a known kind.

    They decide on an entry by its own name or path alone, as git does: its parents are decided on before, on the way down.
    """

    on_directories: _Table
    on_files: _Table

    def decide(self, below: str, name: str, directory: bool) -> Optional[bool]:
        return (self.on_directories if directory else self.on_files).decide(below, name)


def _read_rules(lines: Iterable[str]) -> _Rules:
    """The rules of some lines, in the language of `.gitignore`. What cannot be read is passed over, as git does."""
    rules = _Rules(_Table({}, {}, []), _Table({}, {}, []))
    for number, line in enumerate(lines):
        text = line.rstrip()
        if not text or text.startswith("#"):
            continue
        if text.endswith("\\"):
            text = line.rstrip("\r\n")
        ignores = not text.startswith("!")
        body = text if ignores else text[1:]
        for table in rules if _may_match_file(body) else rules[:1]:
            _add(table, number, ignores, body)
    for table in rules:
        table.globs.reverse()
    return rules


def _add(table: _Table, number: int, ignores: bool, body: str) -> None:
    pattern = body[:-1] if body.endswith("/") else body
    on_name = "/" not in pattern
    pattern = pattern[1:] if pattern.startswith("/") else pattern
    if _WILDCARD.search(pattern):
        needle = "" if "\\" in pattern else max(_BETWEEN_WILDCARDS.split(pattern), key=len)
        table.globs.append(_Glob(number, ignores, pattern, needle, on_name))
    elif on_name:
        table.names[pattern] = number, ignores
    else:
        table.paths[pattern] = number, ignores


_WILDCARD = re.compile(r"[*?\[\\]")
_BETWEEN_WILDCARDS = re.compile(r"[*?/]|\[.*")
_LAST_CHARACTERS = re.compile(r"\[([\w.]+)\]$")


def _may_match_file(body: str) -> bool:
    """Whether a line could match a file of a known kind, from the literal end of the line.

    (`*.log` could match `Dockerfile.log` as well; such a file would be read although git ignores it.)
    """
    if body.endswith("/"):
        return False
    last = body.rsplit("/", 1)[-1]
    if not _WILDCARD.search(last):
        return kind_of(last) is not None
    characters = _LAST_CHARACTERS.search(last)
    if characters:
        return any(_may_match_file(last[: characters.start()] + character) for character in characters.group(1))
    tail = re.split(r"[*?\]\\]", last)[-1]
    return (
        "\\" in last
        or tail.endswith(SUFFIXES)
        or any(known.endswith(tail) for known in (*SUFFIXES, *NAMES))
        or last.startswith(("Dockerfile", "Containerfile"))
    )


_Scope = tuple[_Rules, str]
"""Rules, and the path of a directory below the place where they lie: empty, or ending in a slash."""


def _ignored(scopes: tuple[_Scope, ...], name: str, directory: bool) -> bool:
    """What the innermost rules say that say anything."""
    for rules, below in scopes:
        decision = rules.decide(below, name, directory)
        if decision is not None:
            return decision
    return False


def _inside(scopes: tuple[_Scope, ...], name: str) -> tuple[_Scope, ...]:
    return tuple((rules, f"{below}{name}/") for rules, below in scopes)


def check_exclude(patterns: Sequence[str]) -> None:
    """Raises PatternError for the first pattern of `exclude` that cannot be read."""
    for pattern in patterns:
        body = pattern.strip().lstrip("!").strip("/")
        if not body or body.startswith("#") or _expression(body) is None:
            raise PatternError(f"the pattern {pattern!r} cannot be read: it is to be like a line of .gitignore")


def _read_exclude(patterns: Sequence[str]) -> _Rules:
    """As `_read_rules`, but takes `./name` for `/name`."""
    check_exclude(patterns)
    return _read_rules(pattern[1:] if pattern.startswith("./") else pattern for pattern in patterns)


# -- the walk


@dataclass(frozen=True)
class _Directory:
    """A directory to be read.

    `shown` is what the names of its files begin with; `scopes` are git's rules above it, the innermost first.
    """

    path: str
    shown: str
    real: str
    absolute: str
    scopes: tuple[_Scope, ...]
    named: bool = False


class _Walk:
    """The state of one discovery."""

    def __init__(
        self,
        exclude: Sequence[str],
        exclude_root: Optional[str],
        respect_gitignore: bool,
        on_error: Optional[OnError],
        python_only: bool,
    ) -> None:
        self._python_only = python_only
        self.found: dict[str, str] = {}
        """Real path to shown name."""
        self._exclude = _read_exclude(exclude) if exclude else None
        self._exclude_root = os.path.abspath(exclude_root or os.curdir)
        self._respect_gitignore = respect_gitignore
        self._on_error = on_error
        self._visited: dict[str, tuple[tuple[_Scope, ...], tuple[_Scope, ...]]] = {}
        """The directories that were read, by their real path, with git's rules and those of `exclude` for their entries."""
        self._named: dict[str, str] = {}
        """What was named, with its real path."""
        self._linked_files: list[tuple[str, str]] = []
        self._linked_directories: list[_Directory] = []
        self._real_directories: dict[str, str] = {}
        self._rules: dict[str, _Rules] = {}

    def named(self, path: str) -> Optional[bool]:
        """Notes a path that was named; True for a directory, None for what cannot be read. Raises MissingPathError."""
        try:
            status = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            reason = "a symbolic link to nothing" if os.path.islink(path) else "no such file or directory"
            raise MissingPathError(errno.ENOENT, reason, path) from None
        except OSError as error:
            self._report(path, error)
            return None
        directory = stat.S_ISDIR(status.st_mode)
        self._named[path] = os.path.realpath(path) if directory else self._real(path)
        return directory

    def is_link(self, path: str) -> bool:
        """Whether a path that was named is, or goes through, a symbolic link."""
        return self._named.get(path) != os.path.abspath(path)

    def take(self, path: str) -> None:
        """Takes a file that was named."""
        self.found.setdefault(self._named[path], _tidy(path))

    def enter(self, path: str) -> None:
        """Finds what is under a directory that was named."""
        real = self._named[path]
        absolute = os.path.abspath(path)
        tidy = _tidy(path)
        shown = "" if tidy == os.curdir else os.path.join(tidy, "")
        if not self._excluded_above(absolute):
            self._read_all(_Directory(path, shown, real, absolute, self._scopes_above(real), named=True))

    def leave_links(self) -> Iterator[str]:
        """The links that lead outside of the paths. Those inside add only files whose own names say nothing of their kind."""
        inside = frozenset(self._named.values())
        outside = [link.shown.rstrip(os.sep) for link in self._linked_directories if not lies_in(link.real, inside)]
        for shown, path in sorted(self._linked_files):
            real = os.path.realpath(path)
            if not lies_in(real, inside):
                outside.append(shown)
                continue
            directory, name = os.path.split(real)
            rules = self._visited.get(directory)
            # rules for files are kept only where they could match a file of a known kind, hence those for directories
            if rules and not self._is_wanted(name) and not any(_ignored(scopes, name, True) for scopes in rules):
                self.found.setdefault(real, shown)
        return iter(sorted(outside, key=lambda link: link.split(os.sep)))

    def follow_links(self) -> None:
        """Takes what only symbolic links lead to."""
        while self._linked_directories:
            links = sorted(self._linked_directories, key=lambda directory: directory.shown)
            self._linked_directories = []
            for link in links:
                if not lies_in(os.path.realpath(os.path.dirname(link.path)), (link.real,)):
                    self._read_all(link)
        for shown, path in sorted(self._linked_files):
            self.found.setdefault(os.path.realpath(path), shown)

    def _read_all(self, start: _Directory) -> None:
        waiting = [start]
        while waiting:
            directory = waiting.pop()
            if directory.real in self._visited:
                continue
            try:
                with os.scandir(directory.path) as entries:
                    listing = list(entries)
            except OSError as error:
                self._report(directory.path, error)
                continue
            names = {entry.name for entry in listing}
            if "pyvenv.cfg" in names and not directory.named:
                continue
            scopes = self._scopes_of(directory, names)
            excluded = self._exclude_scope(directory.absolute)
            self._visited[directory.real] = scopes, excluded
            for entry in listing:
                child = self._take(directory, entry, scopes, excluded)
                if child is not None:
                    waiting.append(child)

    def _take(
        self,
        directory: _Directory,
        entry: os.DirEntry[str],
        scopes: tuple[_Scope, ...],
        excluded: tuple[_Scope, ...],
    ) -> Optional[_Directory]:
        """Notes an entry that is a file or a link; gives it back if it is a directory to be read."""
        name = entry.name
        link = entry.is_symlink() or _is_junction(entry)
        try:
            is_directory = entry.is_dir()
            is_wanted = not is_directory and self._is_wanted(name) and entry.is_file()
        except OSError as error:
            if error.errno != errno.ELOOP:
                self._report(entry.path, error)
            return None
        if not is_directory and not is_wanted:
            return None
        if is_directory and name in SKIPPED:
            return None
        if _ignored(excluded, name, is_directory) or _ignored(scopes, name, is_directory):
            return None
        if is_wanted:
            if link:
                self._linked_files.append((directory.shown + name, entry.path))
            else:
                self.found.setdefault(os.path.join(directory.real, name), directory.shown + name)
            return None
        child = _Directory(
            entry.path,
            os.path.join(directory.shown, name, ""),
            os.path.realpath(entry.path) if link else os.path.join(directory.real, name),
            os.path.join(directory.absolute, name),
            _inside(scopes, name),
        )
        if not link:
            return child
        self._linked_directories.append(child)
        return None

    def _is_wanted(self, name: str) -> bool:
        kind = kind_of(name)
        return kind is Kind.PYTHON if self._python_only else kind is not None

    def _scopes_of(self, directory: _Directory, names: set[str]) -> tuple[_Scope, ...]:
        """The rules for the entries of a directory. A repository knows nothing of one that it lies in."""
        if not self._respect_gitignore:
            return ()
        scopes = directory.scopes
        if ".git" in names:
            scopes = self._scope(_excludes_of_repository(directory.real))
        if ".gitignore" in names:
            scopes = (*self._scope(os.path.join(directory.real, ".gitignore")), *scopes)
        return scopes

    def _scopes_above(self, real: str) -> tuple[_Scope, ...]:
        """The rules above a directory that was named: none outside of a repository, and none where they ignore it."""
        if not self._respect_gitignore:
            return ()
        above: list[str] = []
        directory = real
        while not os.path.lexists(os.path.join(directory, ".git")):
            parent, name = os.path.split(directory)
            if parent == directory:
                return ()
            above.append(name)
            directory = parent
        if not above:
            return ()
        scopes = self._scope(_excludes_of_repository(directory))
        for name in reversed(above):
            scopes = (*self._scope(os.path.join(directory, ".gitignore")), *scopes)
            if _ignored(scopes, name, True):
                return ()
            scopes = _inside(scopes, name)
            directory = os.path.join(directory, name)
        return scopes

    def _scope(self, path: Optional[str]) -> tuple[_Scope, ...]:
        """The rules of a file, for the directory they hold in; empty where there are none."""
        if path is None:
            return ()
        rules = self._rules.get(path)
        if rules is None:
            try:
                with open(path, "rb") as stream:
                    text = os.fsdecode(stream.read())
                rules = _read_rules(text.lstrip("\ufeff").split("\n"))
            except FileNotFoundError:
                rules = _read_rules(())
            except OSError as error:
                self._report(path, error)
                rules = _read_rules(())
            self._rules[path] = rules
        return ((rules, ""),) if any(rules.on_directories) else ()

    def _exclude_scope(self, absolute: str) -> tuple[_Scope, ...]:
        """The patterns of `exclude` for the entries of a directory, wherever it lies."""
        if self._exclude is None:
            return ()
        below = os.path.relpath(absolute, self._exclude_root).replace(os.sep, "/")
        return ((self._exclude, "" if below == "." else f"{below}/"),)

    def _excluded_above(self, absolute: str) -> bool:
        """Whether `exclude` matches a directory that was named, or one on the way to it."""
        if self._exclude is None or not absolute.startswith(os.path.join(self._exclude_root, "")):
            return False
        below = ""
        for name in os.path.relpath(absolute, self._exclude_root).split(os.sep):
            if self._exclude.decide(below, name, True):
                return True
            below += f"{name}/"
        return False

    def _real(self, path: str) -> str:
        """As `os.path.realpath`, but resolves each directory once."""
        if os.path.islink(path):
            return os.path.realpath(path)
        parent, name = os.path.split(path)
        if parent not in self._real_directories:
            self._real_directories[parent] = os.path.realpath(parent)
        return os.path.join(self._real_directories[parent], name)

    def _report(self, path: str, error: OSError) -> None:
        if self._on_error is None:
            raise error
        self._on_error(path, error)


def _is_junction(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is what Windows has beside symbolic links; Python tells from 3.12 on."""
    asked = getattr(entry, "is_junction", None)
    return asked is not None and bool(asked())


def _tidy(path: str) -> str:
    """A path without a leading `./` and without slashes at its end."""
    tidy = path
    while tidy.startswith(os.path.join(os.curdir, "")):
        tidy = tidy[2:].lstrip(os.sep)
    return tidy.rstrip(os.sep) or (os.sep if path.startswith(os.sep) else os.curdir)


def _excludes_of_repository(root: str) -> Optional[str]:
    """The `info/exclude` of the repository at a directory; a worktree and a submodule have a file `.git` that leads to it."""
    git = os.path.join(root, ".git")
    try:
        if os.path.isfile(git):
            with open(git, encoding="utf-8") as stream:
                git = os.path.join(root, stream.read().partition("gitdir:")[2].strip())
            common = os.path.join(git, "commondir")
            if os.path.isfile(common):
                with open(common, encoding="utf-8") as stream:
                    git = os.path.join(git, stream.read().strip())
    except (OSError, ValueError):
        return None
    return os.path.join(git, "info", "exclude")

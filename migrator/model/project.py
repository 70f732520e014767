"""The user's modules together: which file a dotted name means, what it defines or passes on, and who imports it.

Nothing is read before it is asked for: a module that another one imports is parsed when a name of it matters, and kept while
it is cheap to keep.
"""

from __future__ import annotations

import ast
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Optional

from migrator.model.module import Module, Origin, ParseError
from migrator.model.names import imports, join

_IMPORT_LINE = re.compile(r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t(]+([\w, \t]*)|import[ \t]+([\w., \t]+))", re.M)
_ROOT_MARKERS = frozenset({".git", "pyproject.toml", "setup.py", "setup.cfg", ".hg"})
COMPAT = "Flow code that runs unchanged on Prefect 2 and on Prefect 3."
"""What the docstring of `compat` begins with, under whatever name it was copied into a project."""
_KEPT_CHARACTERS = 1_000_000
"""How much source text may be kept parsed; a parsed module takes about a hundred times its text."""
_DEEPEST_CHAIN = 40
"""How many modules may wait for each other's decorators; a longer chain is an import cycle."""


class Project:
    """The modules around the files that are looked at."""

    def __init__(
        self,
        read: Callable[[str], Optional[str]],
        files: Callable[[], Iterable[str]] = tuple,
        star_names: Callable[[str], Iterable[str]] = lambda module: (),
        documents: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """`read` gives the text of a path, None where it cannot be had; `files` the Python files of the project; `documents` its other files
        of a known kind; `star_names` what a star import of a module of Prefect brings."""
        self.documents = documents
        self.read = read
        self._files = files
        self.star_names = star_names
        self._modules: OrderedDict[str, Optional[Module]] = OrderedDict()
        self._kept = 0
        self._loading: set[str] = set()
        self._asking: set[tuple[str, str]] = set()
        """Names whose origin is being looked for: asking for one again is an import cycle, and has no answer."""
        self._listings: dict[str, frozenset[str]] = {}
        self._relevant: dict[str, bool] = {}
        self._importing: Optional[dict[str, list[str]]] = None

    # -- modules

    def load(self, path: str, text: str) -> Module:
        """The module of a file whose text is at hand. Raises ParseError."""
        known = self._modules.get(path)
        if known is not None and known.text == text:
            return known
        self._loading.add(path)
        try:
            module = Module(path, text, self)
        finally:
            self._loading.discard(path)
        self.forget(path)
        self._modules[path] = module
        self._kept += len(module.text)
        while self._kept > _KEPT_CHARACTERS and len(self._modules) > 1:
            _, dropped = self._modules.popitem(last=False)
            self._kept -= len(dropped.text) if dropped else 0
        return module

    def forget(self, path: str) -> None:
        """Drops what is known of a file whose text changed."""
        dropped = self._modules.pop(path, None)
        self._kept -= len(dropped.text) if dropped else 0

    def module(self, path: str) -> Optional[Module]:
        """The module of a file of the project; None where it cannot be read or parsed, or has nothing to do with Prefect."""
        if path in self._loading or len(self._loading) > _DEEPEST_CHAIN:
            return None
        if path in self._modules:
            self._modules.move_to_end(path)
            return self._modules[path]
        text = self.read(path) if self.relevant(path) else None
        if text is None:
            self._modules[path] = None
            return None
        try:
            return self.load(path, text)
        except ParseError:
            self._modules[path] = None
            return None

    # -- names across modules

    def origin(self, path: str, name: str) -> Optional[Origin]:
        """What a top-level name of a module stands for; None where it has nothing to do with Prefect."""
        module = self.module(path)
        if module is None or (path, name) in self._asking:
            return None
        self._asking.add((path, name))
        try:
            return module.origin(name)
        finally:
            self._asking.discard((path, name))

    def follow(self, importer: str, module: str, names: Sequence[str]) -> Optional[tuple[Origin, tuple[str, ...]]]:
        """What `module.names[0].names[1]...` stands for in the importing file, and which attributes are left."""
        left = list(names)
        path = self.locate(importer, module)
        while path is None and left:
            module = join(module, left.pop(0))
            path = self.locate(importer, module)
        while path is not None and left:
            name = left.pop(0)
            origin = self.origin(path, name)
            if origin is not None:
                return origin, tuple(left)
            path = self.submodule(path, name)
        return None

    def locate(self, importer: str, module: str) -> Optional[str]:
        """The file that an imported module name means, seen from a file: the nearest one at or above it.

        `module` has its leading dots where the import is relative. None for what is not the project's.
        """
        level = len(module) - len(module.lstrip("."))
        parts = [part for part in module[level:].split(".") if part]
        directory = os.path.dirname(importer)
        if level:
            for _ in range(level - 1):
                directory = os.path.dirname(directory)
            return self._file(directory, parts)
        for base in self._bases(directory):
            if parts and self._has(base, parts[0]):
                found = self._file(base, parts)
                if found is not None:
                    return found
        return None

    def submodule(self, path: str, name: str) -> Optional[str]:
        """The file of the module `name` inside the package whose `__init__.py` is `path`."""
        if os.path.basename(path) not in ("__init__.py", "__init__.pyi"):
            return None
        return self._file(os.path.dirname(path), [name])

    def shadows_prefect(self, path: str) -> bool:
        """Whether `import prefect` in this file means a module of the user's: one at the root that its imports start from."""
        directory = os.path.dirname(path)
        while "__init__.py" in self._listing(directory) and os.path.dirname(directory) != directory:
            directory = os.path.dirname(directory)
        listing = self._listing(directory)
        if "prefect.py" in listing and os.path.basename(path) != "prefect.py":
            return True
        return "prefect" in listing and "__init__.py" in self._listing(os.path.join(directory, "prefect"))

    def _bases(self, directory: str) -> Iterator[str]:
        """The directories that an absolute import may start from, the nearest first."""
        while True:
            yield directory
            listing = self._listing(directory)
            if "src" in listing:
                yield os.path.join(directory, "src")
            parent = os.path.dirname(directory)
            if parent == directory or listing & _ROOT_MARKERS:
                return
            directory = parent

    def _has(self, directory: str, name: str) -> bool:
        listing = self._listing(directory)
        return name in listing or f"{name}.py" in listing

    def _file(self, directory: str, parts: Sequence[str]) -> Optional[str]:
        for part in parts[:-1]:
            if part not in self._listing(directory):
                return None
            directory = os.path.join(directory, part)
        if not parts:
            return os.path.join(directory, "__init__.py") if "__init__.py" in self._listing(directory) else None
        if f"{parts[-1]}.py" in self._listing(directory):
            return os.path.join(directory, f"{parts[-1]}.py")
        if parts[-1] in self._listing(directory):
            package = os.path.join(directory, parts[-1])
            if "__init__.py" in self._listing(package):
                return os.path.join(package, "__init__.py")
        return None

    def _listing(self, directory: str) -> frozenset[str]:
        known = self._listings.get(directory)
        if known is None:
            try:
                known = frozenset(os.listdir(directory or "."))
            except OSError:
                known = frozenset()
            self._listings[directory] = known
        return known

    def root(self, path: str) -> str:
        """The directory of the project that a file belongs to: the nearest one above it with a marker of one, else the file's own."""
        directory = os.path.dirname(path)
        current = directory
        while True:
            if self._listing(current) & _ROOT_MARKERS:
                return current
            parent = os.path.dirname(current)
            if parent == current:
                return directory
            current = parent

    # -- which files matter

    def relevant(self, path: str) -> bool:
        """Whether a file mentions Prefect, or imports a module of the project that does, however far away."""
        visited: list[str] = []
        waiting = [path]
        found = False
        while waiting and not found:
            current = waiting.pop()
            if current in self._relevant:
                found = self._relevant[current]
                continue
            text = self.read(current)
            self._relevant[current] = False
            visited.append(current)
            if text is not None:
                found = "prefect" in text
                if not found:
                    waiting.extend(self.imported_files(current, text))
        if found:
            for current in visited:
                del self._relevant[current]
            self._relevant[path] = True
        return found

    def imported_files(self, path: str, text: str) -> Iterator[str]:
        """The files of the project that the import lines of a text name, as seen from a path."""
        for match in _IMPORT_LINE.finditer(text):
            source, names, plain = match.groups()
            if source:
                target = self.locate(path, source)
                if target:
                    yield target
                for name in names.replace(",", " ").split():
                    inner = self.locate(path, join(source, name))
                    if inner:
                        yield inner
            else:
                for name in plain.split(","):
                    target = self.locate(path, name.split()[0]) if name.strip() else None
                    if target:
                        yield target

    def imports(self, path: str, target: str) -> bool:
        """Whether importing a file of the project imports another one, however far away."""
        visited: set[str] = set()
        waiting = [path]
        while waiting:
            current = waiting.pop()
            if current in visited:
                continue
            visited.add(current)
            text = self.read(current)
            found = list(self.imported_files(current, text)) if text is not None else []
            if target in found:
                return True
            waiting.extend(found)
        return False

    def imported_from(self, path: str) -> frozenset[str]:
        """The names that other modules of the project import from this one, or read as attributes of it; `*` for a star import."""
        found: set[str] = set()
        for other in self.importers_of(path):
            module = self.module(other)
            if module is not None:
                found.update(self._names_from(module, path))
        return frozenset(found)

    def is_compat(self, path: str) -> bool:
        """Whether a file belongs to `compat` itself, or to a copy of it under another name."""
        opening = self.read(os.path.join(os.path.dirname(path), "__init__.py")) or ""
        return opening.startswith(f'"""{COMPAT}')

    def mentions(self, path: str, words: str) -> bool:
        """Whether the text of a file of the project has some words in it."""
        return words in (self.read(path) or "")

    def is_spelled_out(self, path: str, name: str) -> bool:
        """Whether a file of the project has `module.name` in its text, as in `patch("package.module.name")`."""
        tail = os.path.splitext(os.path.basename(path))[0]
        tail = os.path.basename(os.path.dirname(path)) if tail == "__init__" else tail
        words = f"{tail}.{name}"
        return any(words in (self.read(other) or "") for other in self._files() if other != path)

    def importers_of(self, path: str) -> list[str]:
        """The files of the project whose text may import this module; a few that do not may be among them."""
        tail = os.path.splitext(os.path.basename(path))[0]
        tail = os.path.basename(os.path.dirname(path)) if tail == "__init__" else tail
        return [other for other in self._importers().get(tail, ()) if other != path]

    def _importers(self) -> dict[str, list[str]]:
        """For each last part of an imported module name, and each imported name, the files that import it."""
        if self._importing is None:
            self._importing = {}
            for path in self._files():
                text = self.read(path)
                if text is None or "import" not in text:
                    continue
                words: set[str] = set()
                for match in _IMPORT_LINE.finditer(text):
                    words.update(re.findall(r"\w+", " ".join(group for group in match.groups() if group)))
                    if match.group(1) and not match.group(1).strip("."):
                        words.add(os.path.basename(os.path.dirname(path)))
                for word in words:
                    self._importing.setdefault(word, []).append(path)
        return self._importing

    def _names_from(self, module: Module, path: str) -> Iterator[str]:
        other = module.path
        for statement, _ in imports(module.tree, module.index):
            if isinstance(statement, ast.ImportFrom):
                source = "." * statement.level + (statement.module or "")
                if self.locate(other, source) == path:
                    yield from (alias.name for alias in statement.names)
                for alias in statement.names:
                    if self.locate(other, join(source, alias.name)) == path:
                        yield from _attributes_used(module, alias.asname or alias.name)
            else:
                for alias in statement.names:
                    if self.locate(other, alias.name) == path:
                        yield from _attributes_used(module, alias.asname or alias.name)


def _attributes_used(module: Module, name: str) -> Iterator[str]:
    """The attributes read from a module that is imported as a whole, wherever its dotted name stands in the text."""
    for match in re.finditer(rf"\b{re.escape(name)}\.(\w+)", module.text):
        yield match.group(1)

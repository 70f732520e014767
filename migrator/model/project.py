"""The user's modules together: which file a dotted name means, what it defines or passes on, and who imports it.

Nothing is read before it is asked for: a module that another one imports is parsed when a name of it matters, and kept while
it is cheap to keep. What is asked of all files is asked once, of all together (`Texts`), never once for each file that asks.
"""

from __future__ import annotations

import ast
import gc
import os
import re
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Optional, TypeVar

from migrator.model.module import Module, Origin, ParseError
from migrator.model.names import imports, join
from migrator.model.texts import Texts, import_lines, tail_of

T = TypeVar("T")
_ROOT_MARKERS = frozenset({".git", "pyproject.toml", "setup.py", "setup.cfg", ".hg"})
COMPAT = "Flow code that runs unchanged on Prefect 2 and on Prefect 3."
"""What the docstring of `compat` begins with, under whatever name it was copied into a project."""
_KEPT_CHARACTERS = 1_000_000
"""How much source text may be kept parsed; a parsed module takes about a hundred times its text."""
_DROPPED_CHARACTERS = 4_000_000
"""After how much text of modules that were dropped their memory is reclaimed: they hold themselves in cycles, and a run collects no
garbage by itself, since that would visit the growing trees again and again."""
_DEEPEST_CHAIN = 40
"""How many modules may wait for each other's decorators; a longer chain is an import cycle."""


class Project:
    """The modules around the files that are looked at."""

    def __init__(
        self,
        read: Callable[[str], Optional[str]],
        files: Callable[[], Collection[str]] = tuple,
        star_names: Callable[[str], Iterable[str]] = lambda module: (),
        documents: Callable[[], Sequence[str]] = tuple,
        asked: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """`read` gives the text of a path, None where it cannot be had; `files` the Python files of the project, and `asked` those of them
        that are looked at; `documents` its other files of a known kind, in order; `star_names` what a star import of a module of Prefect brings."""
        self.documents = documents
        self.read = read
        self._files = files
        self._asked = asked
        self.star_names = star_names
        self.shared: dict[object, Any] = {}
        """What rules find out about the project as a whole, once for all files."""
        self._modules: OrderedDict[str, Optional[Module]] = OrderedDict()
        self._kept = 0
        self._dropped = 0
        self._loading: set[str] = set()
        self._asking: set[tuple[str, str]] = set()
        """Names whose origin is being looked for: asking for one again is an import cycle, and has no answer."""
        self._listings: dict[str, frozenset[str]] = {}
        self._bases_of: dict[str, tuple[str, ...]] = {}
        self._located: dict[tuple[str, str], Optional[str]] = {}
        self._imported: dict[str, tuple[str, ...]] = {}
        """What the files import whose text was looked at."""
        self._silent: set[str] = set()
        """Those of them that are known not to mention Prefect."""
        self._relevant: dict[str, bool] = {}
        self._texts: Optional[Texts] = None
        self._said: dict[str, dict[str, Mapping[str, Any]]] = {}
        """What a module says, by the question, for each module that it speaks of."""
        self._answers: dict[tuple[str, str], dict[str, list[tuple[str, Any]]]] = {}
        """The same by the question and the last part of a module's name: for each module, what its importers say."""
        self._parts: dict[str, set[tuple[str, str]]] = {}
        """For a module, the answers that it is a part of."""

    def renewed(self, changed: Collection[str]) -> Project:
        """The project after the texts of some files changed, with what is known of where files lie and of the other texts."""
        project = Project(self.read, self._files, self.star_names, self.documents, self._asked)
        project._listings, project._bases_of, project._located = self._listings, self._bases_of, self._located
        project._imported = {path: found for path, found in self._imported.items() if path not in changed}
        project._silent = self._silent.difference(changed)
        project._texts = self._texts
        if project._texts is not None:
            for path in sorted(changed):
                project._texts.change(path, self.read(path))
        return project

    @property
    def texts(self) -> Texts:
        """What all texts of the project say, read when it is first asked for; may be given by another process that knows it."""
        if self._texts is None:
            self._texts = Texts.of(self._files(), frozenset(self._asked()), self.read)
        return self._texts

    @texts.setter
    def texts(self, texts: Texts) -> None:
        self._texts = texts

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
        if known is not None:
            self._unsay(path)
        self.forget(path)
        self._modules[path] = module
        self._kept += len(module.text)
        while self._kept > _KEPT_CHARACTERS and len(self._modules) > 1:
            _, dropped = self._modules.popitem(last=False)
            size = len(dropped.text) if dropped else 0
            self._kept -= size
            self._dropped += size
        if self._dropped > _DROPPED_CHARACTERS:
            self._dropped = 0
            gc.collect()
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
        directory = os.path.dirname(importer)
        if (directory, module) not in self._located:
            self._located[directory, module] = self._find(directory, module)
        return self._located[directory, module]

    def _find(self, directory: str, module: str) -> Optional[str]:
        level = len(module) - len(module.lstrip("."))
        parts = [part for part in module[level:].split(".") if part]
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

    def _bases(self, directory: str) -> tuple[str, ...]:
        """The directories that an absolute import may start from, the nearest first."""
        known = self._bases_of.get(directory)
        if known is None:
            listing = self._listing(directory)
            here = (directory, os.path.join(directory, "src")) if "src" in listing else (directory,)
            parent = os.path.dirname(directory)
            above = () if parent == directory or listing & _ROOT_MARKERS else self._bases(parent)
            known = self._bases_of[directory] = (*here, *above)
        return known

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

    def may_have(self, directory: str, path: str) -> bool:
        """Whether a relative path may lead to something in a directory, told without a look at what is not the directory itself."""
        first = path.split("/")[0]
        return first in ("", os.curdir, os.pardir) or first in self._listing(directory)

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
        if path not in self._relevant:
            self._find_relevant(path)
        return self._relevant[path]

    def is_known_relevant(self, path: str) -> bool:
        """As `relevant`, but False where nobody asked before."""
        return self._relevant.get(path, False)

    def _find_relevant(self, path: str) -> None:
        """Decides on a file and on all that it has to ask for that, so that none is asked twice."""
        importers: dict[str, list[str]] = {path: []}
        """The files that are decided on, each with those of them that import it."""
        waiting, found = [path], []
        while waiting:
            current = waiting.pop()
            text = "" if current in self._silent else self.read(current)
            if text is None:
                continue
            if "prefect" in text:
                found.append(current)
                continue
            self._silent.add(current)
            for target in self._imported_by(current, text):
                if target in importers:
                    importers[target].append(current)
                elif target not in self._relevant:
                    importers[target] = [current]
                    waiting.append(target)
                elif self._relevant[target]:
                    found.append(current)
        self._relevant.update(dict.fromkeys(importers, False))
        while found:
            current = found.pop()
            if not self._relevant[current]:
                self._relevant[current] = True
                found += importers[current]

    def _imported_by(self, path: str, text: str) -> tuple[str, ...]:
        """As `imported_files`, for the present text of a file."""
        known = self._imported.get(path)
        if known is None:
            known = self._imported[path] = tuple(dict.fromkeys(self.imported_files(path, text)))
        return known

    def imported_files(self, path: str, text: str) -> Iterator[str]:
        """The files of the project that the import lines of a text name, as seen from a path."""
        for match in import_lines(text):
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
        if os.path.basename(target) != "__init__.py" and not self.importers_of(target):
            return False  # a package may be named by dots alone
        visited: set[str] = set()
        waiting = [path]
        while waiting:
            current = waiting.pop()
            if current in visited:
                continue
            visited.add(current)
            found = self._imported.get(current)
            if found is None:
                text = self.read(current)
                found = self._imported_by(current, text) if text is not None else ()
            if target in found:
                return True
            waiting.extend(found)
        return False

    def imported_from(self, path: str) -> frozenset[str]:
        """The names that other modules of the project import from this one, or read as attributes of it; `*` for a star import."""
        return frozenset().union(*(names for _, names in self.said_of(path, "names", self._names_by_module)))

    def users_of(self, path: str) -> list[str]:
        """Those of the modules that may import this one that use a definition of it, under whatever name, in the order of their names."""
        return [other for other, _ in self.said_of(path, "users", _definitions_used)]

    def said_of(self, path: str, question: str, ask: Callable[[Module], Mapping[str, T]]) -> list[tuple[str, T]]:
        """What the modules that may import a module say of it, each with its path, in the order of their names.

        `ask` gives what a module says, by the path of the module that it says it of; it is asked once of each, whatever the number of
        modules that it imports.
        """
        key = question, tail_of(path)
        answers = self._answers.get(key)
        if answers is None:
            answers = self._answers[key] = {}
            for other in self.texts.importers(key[1]):
                self._parts.setdefault(other, set()).add(key)
                for home, what in self._says(other, question, ask).items():
                    answers.setdefault(home, []).append((other, what))
        return [(other, what) for other, what in answers.get(path, ()) if other != path]

    def _says(self, path: str, question: str, ask: Callable[[Module], Mapping[str, T]]) -> Mapping[str, T]:
        said = self._said.setdefault(path, {})
        if question not in said:
            module = self.module(path)
            said[question] = ask(module) if module is not None else {}
        return said[question]

    def _unsay(self, path: str) -> None:
        """Drops what a module said, and the answers that it is a part of."""
        self._said.pop(path, None)
        for key in self._parts.pop(path, ()):
            self._answers.pop(key, None)

    def is_compat(self, path: str) -> bool:
        """Whether a file belongs to `compat` itself, or to a copy of it under another name."""
        return self._begins(os.path.join(os.path.dirname(path), "__init__.py"), f'"""{COMPAT}')

    def _begins(self, path: str, words: str) -> bool:
        return self._once(("begins", path, words), lambda text: text.startswith(words))

    def mentions(self, path: str, words: str) -> bool:
        """Whether the text of a file of the project has some words in it."""
        return self._once(("mentions", path, words), lambda text: words in text)

    def _once(self, question: tuple[str, str, str], answer: Callable[[str], bool]) -> bool:
        """The answer to a question about the text of a file, which is read once for it."""
        if question not in self.shared:
            self.shared[question] = answer(self.read(question[1]) or "")
        return bool(self.shared[question])

    def is_spelled_out(self, path: str, name: str) -> bool:
        """Whether a file of the project has `module.name` in its text, as in `patch("package.module.name")`."""
        return self.texts.is_spelled_out(path, name)

    def importers_of(self, path: str) -> list[str]:
        """The files of the project whose text may import this module; a few that do not may be among them."""
        return [other for other in self.texts.importers(tail_of(path)) if other != path]

    def _names_by_module(self, module: Module) -> Mapping[str, set[str]]:
        """The names that a module imports from each other one, or reads as attributes of it."""
        other = module.path
        found: dict[str, set[str]] = {}
        for statement, _ in imports(module.tree, module.index):
            for alias in statement.names:
                if isinstance(statement, ast.ImportFrom):
                    source = "." * statement.level + (statement.module or "")
                    home = self.locate(other, source)
                    if home is not None:
                        found.setdefault(home, set()).add(alias.name)
                    whole = self.locate(other, join(source, alias.name))
                else:
                    whole = self.locate(other, alias.name)
                if whole is not None:
                    found.setdefault(whole, set()).update(_attributes_used(module, alias.asname or alias.name))
        return found


def _definitions_used(module: Module) -> Mapping[str, bool]:
    """The modules whose tasks, flows and functions a module uses."""
    found: set[str] = set()
    for reference in module.references:
        made = reference.definition
        if made is not None:
            found.add(made.path)
            found.add((made.function_module or made.module).path)
    return dict.fromkeys(found, True)


def _attributes_used(module: Module, name: str) -> Iterator[str]:
    """The attributes read from a module that is imported as a whole, wherever its dotted name stands in the text."""
    for match in re.finditer(rf"\b{re.escape(name)}\.(\w+)", module.text):
        yield match.group(1)

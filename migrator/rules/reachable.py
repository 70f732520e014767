"""What the names in a piece of code may lead to in the project, and whether that may submit tasks.

Names are matched as they are spelled, methods and attributes too, in a module and in those that it imports, however far away. So
more is found than can be reached, and nothing is missed that a name leads to.

Each module is looked at once, whoever asks. What is kept of it are the names in its code, not the code.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Optional, Union
from weakref import WeakKeyDictionary

from migrator.model.module import Definition, Kind, Module
from migrator.model.names import FUNCTIONS, FunctionNode, imports, join
from migrator.model.project import Project
from migrator.model.runs import SUBMITTING

_READS_ATTRIBUTE = frozenset({"getattr", "attrgetter", "methodcaller"})
_KNOWN_MEANINGS: WeakKeyDictionary[Module, list[tuple[str, ast.AST]]] = WeakKeyDictionary()
_PLAIN_ATTRIBUTES = (("name",), ("__name__",), ("description",), ("tags",), ("version",))

_Text = tuple[str, int]
"""A module as it was parsed: its path, and the hash of its text."""
_Row = tuple[str, int, int]
"""A function: its module, and its row there."""
_Title = Union[str, _Row]
"""What code is known by: a name, or as the function of a task."""


class Reachable:
    """What can be reached from one module."""

    def __init__(self, module: Module, project: Project) -> None:
        self._module = module
        self._known = _Known.of(project)
        self._own = self._known.starting(module)
        self._near: Optional[frozenset[int]] = None
        self._answers: dict[int, bool] = {}

    def may_submit(self, node: ast.AST, without: Collection[ast.AST]) -> bool:
        """Whether what a node of the module leads to, other than the code in `without`, may submit a task or hand one on."""
        title, function = _leads_to(self._module, node)
        if title not in self._known.leading or (function is not None and function[1] in without):
            return False
        for code in self._known.codes_of.get(title, ()):
            if function is None and not self._is_near(code):
                continue
            if self._known.module_of[code] == self._own and function is None and self._is_among(code, without):
                continue
            if self._may(code):
                return True
        return False

    def _is_among(self, code: int, nodes: Collection[ast.AST]) -> bool:
        return any(
            code == other and node in nodes
            for other, (_, node) in zip(self._known.modules[self._own].codes, _meanings_in(self._module))
        )

    def _is_near(self, code: int) -> bool:
        """Whether code stands in a module that can be reached."""
        if self._near is None:
            self._near = self._known.near(self._own)
        return self._known.module_of[code] in self._near

    def _may(self, start: int) -> bool:
        known = self._known
        seen = {start}
        waiting = [start]
        while waiting:
            code = waiting.pop()
            if code in known.submitting or self._answers.get(code):
                self._answers[start] = True
                return True
            if code not in known.may_submit or code in self._answers:
                continue
            for title in known.titles_in[code]:
                for other in known.codes_of[title] if title in known.leading else ():
                    if other not in seen and (isinstance(title, tuple) or self._is_near(other)):
                        seen.add(other)
                        waiting.append(other)
        self._answers.update(dict.fromkeys(seen, False))
        return False


@dataclass
class _Code:
    """A piece of code, while a module is looked at."""

    titles: set[_Title] = field(default_factory=set)
    """What its names may lead to."""
    submits: bool = False
    hands_on: bool = False
    """Whether it hands a task on to something else."""

    def take(self, inner: _Code, *, waits: bool) -> None:
        """Takes what stands inside of it; what something waits for is not handed on."""
        self.titles |= inner.titles
        self.submits |= inner.submits
        self.hands_on |= inner.hands_on and not waits


@dataclass(frozen=True)
class _Looked:
    """A module that was looked at."""

    path: str
    codes: tuple[int, ...]
    """The code of each of its meanings."""
    imported: tuple[str, ...]


class _Known:
    """What is known of the code of all modules that were looked at: a number for each piece, and what its names may lead to.

    Which code may submit is told for all of these modules together. What may not submit there may not do so in the part of them that
    one module reaches, so that only the rest has to be followed for each module.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self.modules: list[_Looked] = []
        self._numbers: dict[_Text, int] = {}
        self._present: dict[str, Optional[int]] = {}
        """The module at a path, as it was when it was last started from or came across."""
        self.module_of: list[int] = []
        self.titles_in: list[tuple[_Title, ...]] = []
        self._titles_of: list[tuple[_Title, ...]] = []
        self.codes_of: dict[_Title, list[int]] = {}
        self.submitting: set[int] = set()
        self.may_submit: set[int] = set()
        self.leading: set[_Title] = set()
        """What leads to code that may submit."""
        self._waiting: dict[_Title, list[int]] = {}
        """For what does not lead there so far, the code that would."""
        self._last_near: tuple[int, int, frozenset[int]] = -1, 0, frozenset()

    @classmethod
    def of(cls, project: Project) -> _Known:
        known = project.shared.get(cls)
        if not isinstance(known, cls):
            known = project.shared[cls] = cls(project)
        return known

    def starting(self, module: Module) -> int:
        """The number of a module, once all that it reaches was looked at."""
        number = self._present[module.path] = self._look(module)
        waiting = [number]
        while waiting:
            for path in self.modules[waiting.pop()].imported:
                if path not in self._present:
                    other = self._project.module(path)
                    self._present[path] = found = self._look(other) if other is not None else None
                    if found is not None:
                        waiting.append(found)
        return number

    def near(self, start: int) -> frozenset[int]:
        """The modules that one reaches, itself among them."""
        if self._last_near[:2] == (start, len(self.modules)):
            return self._last_near[2]
        found = {start}
        waiting = [start]
        while waiting:
            for path in self.modules[waiting.pop()].imported:
                number = self._present.get(path)
                if number is not None and number not in found and path != self.modules[start].path:
                    found.add(number)
                    waiting.append(number)
        self._last_near = start, len(self.modules), frozenset(found)
        return self._last_near[2]

    def _look(self, module: Module) -> int:
        """Looks at a module, and at those whose tasks it uses."""
        number = self._numbers.get(_text(module))
        if number is not None:
            return number
        waiting = [module]
        while waiting:
            current = waiting.pop()
            if _text(current) not in self._numbers:
                waiting.extend(self._look_at(current))
        return self._numbers[_text(module)]

    def _look_at(self, module: Module) -> Collection[Module]:
        """Notes the code of a module; gives back the modules of the tasks that it uses."""
        meanings = _meanings_in(module)
        found, homes = _codes_in(module, [meaning for _, meaning in meanings])
        number = self._numbers[_text(module)] = len(self.modules)
        titles: dict[ast.AST, set[_Title]] = {node: set() for node in found}
        for name, meaning in meanings:
            if not _is_flow(module, meaning, name):
                titles[meaning].add(name)
        codes: dict[ast.AST, int] = {}
        for node, code in found.items():
            if isinstance(node, FUNCTIONS):
                titles[node].add((*_text(module), node.lineno))
            codes[node] = self._note(number, code, titles[node])
        imported = tuple(sorted(_imported_paths(module, self._project)))
        self.modules.append(_Looked(module.path, tuple(codes[meaning] for _, meaning in meanings), imported))
        return homes

    def _note(self, number: int, code: _Code, titles: Collection[_Title]) -> int:
        """Notes a piece of code, and what comes of it for what is known."""
        new = len(self.module_of)
        self.module_of.append(number)
        self.titles_in.append(tuple(code.titles))
        self._titles_of.append(tuple(titles))
        for title in titles:
            self.codes_of.setdefault(title, []).append(new)
        if code.submits or code.hands_on:
            self.submitting.add(new)
            self._spread(new)
        elif not self.leading.isdisjoint(code.titles):
            self._spread(new)
        else:
            for title in code.titles:
                self._waiting.setdefault(title, []).append(new)
        return new

    def _spread(self, code: int) -> None:
        """Notes that a piece of code may submit, and all code that may lead to it."""
        waiting = [code]
        while waiting:
            current = waiting.pop()
            if current in self.may_submit:
                continue
            self.may_submit.add(current)
            for title in self._titles_of[current]:
                if title not in self.leading:
                    self.leading.add(title)
                    waiting.extend(self._waiting.pop(title, ()))


def _text(module: Module) -> _Text:
    return module.path, hash(module.text)


def _codes_in(module: Module, meanings: Iterable[ast.AST]) -> tuple[dict[ast.AST, _Code], Collection[Module]]:
    """The code of each meaning and of each function of a module, and the modules of the tasks in it."""
    found: dict[ast.AST, _Code] = {meaning: _Code() for meaning in meanings}
    homes: dict[str, Module] = {}
    around = [_Code()]
    stack: list[tuple[ast.AST, bool]] = [(module.tree, False)]
    stack += [(meaning, False) for meaning in found if not hasattr(meaning, "lineno")]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            inner = around.pop()
            around[-1].take(inner, waits=_is_wait_for(node))
            continue
        if isinstance(node, FUNCTIONS):
            found.setdefault(node, _Code())
        if node in found or _is_wait_for(node):
            around.append(found.get(node) or _Code())
            stack.append((node, True))
        if isinstance(node, ast.Call):
            around[-1].submits |= is_submit_by_name(node)
        elif isinstance(node, (ast.Name, ast.Attribute)):
            code = around[-1]
            code.submits |= is_submit_attribute(node)
            code.hands_on |= hands_on_task(module, node, ())
            title, function = _leads_to(module, node)
            if title is not None:
                code.titles.add(title)
            if function is not None:
                homes[function[0].path] = function[0]
        stack.extend((child, False) for child in ast.iter_child_nodes(node))
    return found, homes.values()


def _is_wait_for(node: ast.AST) -> bool:
    return isinstance(node, ast.keyword) and node.arg == "wait_for"


def _leads_to(module: Module, node: ast.AST) -> tuple[Optional[_Title], Optional[tuple[Module, FunctionNode]]]:
    """What code a name or an attribute may stand for, and the function of the task that it is; nothing for a flow, which submits to a
    runner of its own."""
    name = _spelled(node)
    if name is None or not isinstance(node, (ast.Name, ast.Attribute)) or not isinstance(node.ctx, ast.Load):
        return None, None
    reference = module.resolve(node)
    definition = reference.definition if reference is not None else None
    if reference is None or definition is None or definition.kind not in (Kind.TASK, Kind.FLOW):
        return name, None
    if definition.function is None or (definition.kind is Kind.FLOW and "fn" not in reference.rest):
        return None, None
    home = definition.function_module or definition.module
    return (*_text(home), definition.function.lineno), (home, definition.function)


def nodes_in(code: ast.AST) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """A node and what is inside it, each with the nodes around it."""
    stack: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(code, ())]
    while stack:
        node, parents = stack.pop()
        yield node, parents
        stack.extend((child, (*parents, node)) for child in ast.iter_child_nodes(node))


def _meanings_in(module: Module) -> list[tuple[str, ast.AST]]:
    """The names of a module with the code that each may stand for outside of the function that gives it the meaning."""
    known = _KNOWN_MEANINGS.get(module)
    if known is None:
        known = _KNOWN_MEANINGS[module] = list(_visible(module.tree))
    return known


def _visible(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    stack: list[tuple[ast.AST, frozenset[str]]] = [(tree, frozenset())]
    while stack:
        node, local = stack.pop()
        for name, meaning, is_attribute in _meanings(node):
            if is_attribute or name not in local:
                yield name, meaning
        if isinstance(node, (*FUNCTIONS, ast.Lambda)):
            local |= _local_names(node)
        stack.extend((child, local) for child in ast.iter_child_nodes(node))


def _local_names(function: ast.AST) -> frozenset[str]:
    names: set[str] = set()
    outside: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node is not function:
            names.add(node.name)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            outside.update(node.names)
    return frozenset(names - outside)


def _meanings(node: ast.AST) -> Iterator[tuple[str, ast.AST, bool]]:
    """The names that a node gives a meaning, the code that each may stand for from then on, and whether it is an attribute."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name, node, False
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            if alias.asname and alias.asname != alias.name:
                yield alias.asname, ast.Name(alias.name.rpartition(".")[2], ast.Load()), False
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target, node.value)
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)) and node.value is not None:
        yield from _targets(node.target, node.value)
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        yield from _targets(node.target, node.iter)
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield from _targets(node.optional_vars, node.context_expr)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        function = node.value.func
        if isinstance(function, ast.Attribute) and not is_submit_attribute(function):
            for argument in (*node.value.args, *(keyword.value for keyword in node.value.keywords)):
                yield from _targets(function.value, argument)


def _targets(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.AST, bool]]:
    if isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _targets(element, value)
    elif isinstance(target, (ast.Subscript, ast.Starred)):
        yield from _targets(target.value, value)
    else:
        name = _spelled(target)
        if name is not None:
            yield name, value, isinstance(target, ast.Attribute)


def _imported_paths(module: Module, project: Project) -> set[str]:
    """The files of the project that a module imports."""
    paths: set[Optional[str]] = set()
    for node, _ in imports(module.tree, module.index):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                paths.update(project.locate(module.path, ".".join(parts[:end])) for end in range(1, len(parts) + 1))
        else:
            source = "." * node.level + (node.module or "")
            paths.add(project.locate(module.path, source))
            paths.update(project.locate(module.path, join(source, alias.name)) for alias in node.names)
    return {path for path in paths if path is not None}


def _spelled(node: ast.AST) -> Optional[str]:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _is_flow(module: Module, meaning: ast.AST, name: str) -> bool:
    definition = module.definitions.get(meaning)
    if definition is None and meaning in module.tree.body:
        origin = module.origin(name)
        definition = origin if isinstance(origin, Definition) else None
    return definition is not None and definition.kind is Kind.FLOW


def is_submit_attribute(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in SUBMITTING


def is_submit_by_name(node: ast.AST) -> bool:
    """`getattr(load, "submit")`, `methodcaller("map", ...)`."""
    if not isinstance(node, ast.Call) or _spelled(node.func) not in _READS_ATTRIBUTE:
        return False
    return any(isinstance(argument, ast.Constant) and argument.value in SUBMITTING for argument in node.args)


def hands_on_task(module: Module, node: ast.AST, parents: tuple[ast.AST, ...]) -> bool:
    """Whether a node is a task that is not just called or submitted, so that something else may submit it."""
    if not isinstance(node, (ast.Name, ast.Attribute)):
        return False
    reference = module.resolve(node)
    if reference is None or reference.definition is None or reference.definition.kind is not Kind.TASK:
        return False
    if any(isinstance(parent, ast.keyword) and parent.arg == "wait_for" for parent in parents):
        return False
    if reference.rest in _PLAIN_ATTRIBUTES:
        return False
    if reference.call is None:
        return True
    if reference.rest == ("with_options",):
        outer = reference.use.parents[-2] if len(reference.use.parents) > 1 else None
        if isinstance(outer, ast.Call):
            return outer.func is not reference.call
        further = reference.use.parents[-3] if len(reference.use.parents) > 2 else None
        return not (
            isinstance(outer, ast.Attribute)
            and outer.attr in SUBMITTING
            and isinstance(further, ast.Call)
            and further.func is outer
        )
    return reference.rest not in ((), ("fn",), ("submit",), ("map",))

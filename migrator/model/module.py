"""One parsed module: its names, and which of its definitions are tasks, flows, blocks, task runners or helpers of theirs."""

from __future__ import annotations

import ast
import enum
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Optional, Union

from migrator.findings import LineIndex
from migrator.knowledge.lookup import concerns
from migrator.model.names import (
    FUNCTIONS,
    Binding,
    FunctionNode,
    Imported,
    Names,
    Scope,
    Use,
    imports,
    join,
    last_name,
    span,
)

if TYPE_CHECKING:
    from migrator.model.project import Project

TASK_DECORATORS = frozenset({"prefect.task", "prefect.tasks.task"})
FLOW_DECORATORS = frozenset({"prefect.flow", "prefect.flows.flow"})
BLOCK_CLASSES = frozenset({"prefect.blocks.core.Block"})
RUNNER_CLASSES = frozenset({"prefect.task_runners.BaseTaskRunner", "prefect.task_runners.TaskRunner"})


OFTEN_NOT_IMPORTED = ("allow_failure", "exponential_backoff", "get_run_logger", "task_input_hash", "unmapped")
"""Names that are looked at even where nothing in the module binds them."""


class Kind(enum.Enum):
    """What a name of the user's own code is to Prefect."""

    TASK = "task"
    FLOW = "flow"
    TASK_DECORATOR = "task decorator"
    FLOW_DECORATOR = "flow decorator"
    BLOCK = "block"
    RUNNER = "task runner"
    CLASS = "class"
    FUNCTION = "function"
    VALUE = "value"


@dataclass(frozen=True, eq=False)
class Definition:
    """A function, class or variable of the user's that has to do with Prefect."""

    kind: Kind
    name: str
    module: Module
    node: ast.AST
    """The function, the class, or the name that is assigned to."""
    function: Optional[FunctionNode] = None
    """The function that runs: the decorated one, or the one given to `task(fn)`."""
    function_module: Optional[Module] = None
    """The module of `function` where it is another one than `module`."""
    options: Mapping[str, ast.expr] = field(default_factory=dict)
    """The keyword arguments that the task or flow was made with, those of `with_options` included."""
    decorator: Optional[ast.expr] = None
    value: Optional[ast.expr] = None
    """What is assigned, for a variable."""

    @property
    def is_async(self) -> bool:
        return isinstance(self.function, ast.AsyncFunctionDef)

    @property
    def path(self) -> str:
        return self.module.path


Origin = Union[str, Definition]
"""What a name stands for: a dotted name of Prefect, or a definition of the user's."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A use of a name, with what it stands for."""

    use: Use
    qualified: str
    """The dotted name of Prefect, attributes included; the empty string for a definition of the user's."""
    definition: Optional[Definition]
    rest: tuple[str, ...]
    """The attributes after the definition: `("submit",)` in `extract.submit`."""
    imported: Optional[Imported]
    """The import that brings the name into this module; None for a name that the module defines."""
    direct: bool
    """Whether that import names Prefect itself, not a module of the user's that passes the name on."""

    @property
    def start(self) -> int:
        return self.use.start

    @property
    def end(self) -> int:
        return self.use.end

    @property
    def node(self) -> ast.expr:
        return self.use.node

    @property
    def parent(self) -> ast.AST:
        return self.use.parent

    @property
    def call(self) -> Optional[ast.Call]:
        """The call whose function this is; None where it is not called."""
        parent = self.use.parents[-1]
        return parent if isinstance(parent, ast.Call) and parent.func is self.node else None

    @cached_property
    def prefixes(self) -> tuple[tuple[str, int, int], ...]:
        """Each dotted prefix that stands in the text, with its place: the bare name first, the whole name last."""
        parts = self.qualified.split(".")
        base = len(parts) - len(self.use.attributes)
        return tuple((".".join(parts[: base + depth]), self.start, end) for depth, end in enumerate(self.use.ends))


class ParseError(Exception):
    """A module that Python cannot parse, with the place."""

    def __init__(self, message: str, row: int, column: int) -> None:
        super().__init__(message)
        self.message, self.row, self.column = message, row, column


def parse(text: str) -> ast.Module:
    """The tree of a module. Raises ParseError with row and column, both counted from 1."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        raise ParseError(f"cannot be parsed: {error.msg}", error.lineno or 1, error.offset or 1) from None
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) if isinstance(error, ValueError) else "nested too deeply for Python's own parser"
        raise ParseError(f"cannot be parsed: {reason}", 1, 1) from None


class Module:
    """A module of the user's, parsed, with everything in it that has to do with Prefect."""

    def __init__(self, path: str, text: str, project: Project) -> None:
        """Raises ParseError where Python cannot parse the text."""
        self.path = path
        self.text = text
        self.project = project
        self.tree = parse(text)
        self.index = LineIndex(text)
        self._definitions: dict[ast.AST, Optional[Definition]] = {}
        self._uses: dict[ast.AST, Use] = {}
        self._resolved: dict[ast.AST, Optional[Reference]] = {}
        self._shadowed = project.shadows_prefect(path)
        self.names = Names(self.tree, self.index, self._stars)
        self._grow({*self._imported_names(), *(name for name in OFTEN_NOT_IMPORTED if name in text)})

    # -- what other modules ask

    def origin(self, name: str) -> Optional[Origin]:
        """What a top-level name of this module stands for to those who import it; None where it is not Prefect's concern."""
        binding = self.names.lookup(name, self.names.module_scope, len(self.text))
        if binding is None:
            return self._function_without_uses(name)
        if binding.imported is not None:
            return _plain(self._import_origin(binding.imported, ()))
        return self._definition_of(binding)

    def _function_without_uses(self, name: str) -> Optional[Definition]:
        """A top-level function that this module itself does not use."""
        for node in self.tree.body:
            if isinstance(node, FUNCTIONS) and node.name == name:
                return self._definition_of(Binding(0, node, None, (self.tree,)))
        return None

    @property
    def exported(self) -> dict[str, tuple[int, int]]:
        """The names that `__all__` lists, each with the place of its string, quotes excluded."""
        listed: dict[str, tuple[int, int]] = {}
        if "__all__" not in self.text:
            return listed
        for statement in self.tree.body:
            targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
            call = statement.value if isinstance(statement, ast.Expr) else None
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                targets = [call.func.value]
            if any(isinstance(target, ast.Name) and target.id == "__all__" for target in targets):
                for node in ast.walk(statement):
                    if isinstance(node, ast.Constant) and isinstance(node.value, str):
                        start, end = span(node, self.index)
                        listed[node.value] = (start + 1, end - 1)
        return listed

    def source(self, node: ast.AST) -> str:
        """The text of a node."""
        start, end = span(node, self.index)
        return self.text[start:end]

    @cached_property
    def references(self) -> list[Reference]:
        """The uses of Prefect's names and of the user's definitions, in the order of the walk."""
        return [found for found in map(self._at, self._uses) if found is not None]

    @cached_property
    def definitions(self) -> dict[ast.AST, Definition]:
        """What the module defines that has to do with Prefect, by the function, the class or the assigned name."""
        made = (
            (binding.node, self._definition_of(binding))
            for scope in self.names.scopes.values()
            for bindings in scope.bindings.values()
            for binding in bindings
            if binding.imported is None
        )
        return {node: definition for node, definition in made if definition is not None}

    @cached_property
    def _references_by_scope(self) -> dict[ast.AST, list[Reference]]:
        inside: dict[ast.AST, list[Reference]] = {}
        for reference in self.references:
            scope: Optional[Scope] = reference.use.scope
            while scope is not None:
                inside.setdefault(scope.node, []).append(reference)
                scope = scope.parent
        return inside

    def references_in(self, function: ast.AST) -> list[Reference]:
        """The references in the body of a function, nested functions included."""
        return self._references_by_scope.get(function, [])

    @cached_property
    def bound_names(self) -> frozenset[str]:
        """Every name that the module reads or binds anywhere, whatever it is."""
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Name):
                names.add(node.id)
            elif isinstance(node, (*FUNCTIONS, ast.ClassDef)):
                names.add(node.name)
            elif isinstance(node, ast.arg):
                names.add(node.arg)
            elif isinstance(node, ast.alias):
                names.add(node.asname or node.name)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                names.update(node.names)
            else:
                # `except ... as name`, `case name`, `case {**name}`, type parameters
                names.update(found for found in (getattr(node, "name", None), getattr(node, "rest", None)) if found)
        return frozenset(names)

    def resolve(self, node: ast.expr) -> Optional[Reference]:
        """The reference that an expression is, or that the function of a call is."""
        inner = node.func if isinstance(node, ast.Call) else node
        return self._at(inner)

    # -- how it is built

    def _imported_names(self) -> set[str]:
        names: set[str] = set()
        for statement, _ in imports(self.tree, self.index):
            module = "." * statement.level + (statement.module or "") if isinstance(statement, ast.ImportFrom) else ""
            for alias in statement.names:
                if isinstance(statement, ast.ImportFrom):
                    if alias.name == "*":
                        names.update(self._stars(module))
                    elif self._concerns(module, alias.name):
                        names.add(alias.asname or alias.name)
                elif self._concerns(alias.name, None):
                    names.add(alias.asname or alias.name.split(".")[0])
        return names

    def _concerns(self, module: str, name: Optional[str]) -> bool:
        """Whether an import has to do with Prefect: it is Prefect's, or a name of the project that is."""
        if self.is_prefect(module):
            return concerns(module if name is None else join(module, name))
        targets = [self.project.locate(self.path, module)]
        if name is not None:
            targets.append(self.project.locate(self.path, join(module, name)))
        return any(target is not None and self.project.relevant(target) for target in targets)

    def is_prefect(self, module: str) -> bool:
        """Whether an imported module name means Prefect or one of its integrations, as seen from this file."""
        if module.split(".")[0] == "prefect":
            return not self._shadowed
        return module.startswith("prefect_") and self.project.locate(self.path, module) is None

    def _stars(self, module: str) -> Iterator[str]:
        if self.is_prefect(module):
            yield from self.project.star_names(module)
            return
        path = self.project.locate(self.path, module)
        target = self.project.module(path) if path else None
        if target is not None and target is not self:
            yield from (name for name in target.names.module_scope.bindings if not name.startswith("_"))

    def _grow(self, names: set[str]) -> None:
        """Walks the module for the interesting names until no definition adds another one."""
        seen = 0
        self.names.look_for(names)
        while seen < len(self.names.uses):
            more = set(self._tied(self.names.uses[seen:])) - self.names.known
            seen = len(self.names.uses)
            if more:
                self.names.look_for(more)
        self._uses = {use.node: use for use in self.names.uses}

    def _tied(self, uses: Sequence[Use]) -> Iterator[str]:
        """Names of functions, classes and variables that an interesting use stands in or defines, if used themselves."""
        mentioned: dict[str, bool] = {}
        for use in uses:
            inner: ast.AST = use.node
            for parent in reversed(use.parents):
                if isinstance(parent, FUNCTIONS):
                    if parent.name not in mentioned:
                        mentioned[parent.name] = self.text.count(parent.name) > 1
                    if inner in parent.decorator_list or (mentioned[parent.name] and self._makes_helper(use)):
                        yield parent.name
                    break
                if isinstance(parent, ast.ClassDef):
                    if inner in parent.bases:
                        yield parent.name
                    break
                if isinstance(parent, (ast.Assign, ast.AnnAssign)):
                    targets = parent.targets if isinstance(parent, ast.Assign) else [parent.target]
                    if inner is parent.value and len(targets) == 1 and isinstance(targets[0], ast.Name):
                        if self._worth_following(parent.value):
                            yield targets[0].id
                inner = parent

    def _makes_helper(self, use: Use) -> bool:
        """A function in which a task or flow is used is a helper that other functions may call."""
        binding = use.binding
        if binding is None:
            return False
        if binding.imported is None:
            return True
        if not self.is_prefect(binding.imported.module):
            return True
        target = ".".join((binding.imported.target, *use.attributes))
        return target.startswith("prefect.task_runners.") or target in TASK_DECORATORS | FLOW_DECORATORS

    def _worth_following(self, value: Optional[ast.expr]) -> bool:
        """Whether a variable may hold a task, flow, runner or decorator: not the result of running one."""
        if isinstance(value, ast.IfExp):
            return self._worth_following(value.body) or self._worth_following(value.orelse)
        if isinstance(value, ast.Call):
            attribute = value.func.attr if isinstance(value.func, ast.Attribute) else None
            return attribute not in ("submit", "map", "fn", "result", "wait")
        return isinstance(value, (ast.Name, ast.Attribute))

    def _definition_of(self, binding: Binding) -> Optional[Definition]:
        """What a binding defines, found out when first asked for; None for what has nothing to do with Prefect."""
        node = binding.node
        if node not in self._definitions:
            self._definitions[node] = None
            self._definitions[node] = self._definition(node, binding.parents)
        return self._definitions[node]

    def _at(self, node: ast.AST) -> Optional[Reference]:
        """The reference that a node is, resolved when first asked for: that may load the module it leads to."""
        if node not in self._resolved:
            use = self._uses.get(node)
            self._resolved[node] = self._reference(use) if use is not None else None
        return self._resolved[node]

    def _reference(self, use: Use) -> Optional[Reference]:
        binding = use.binding
        if binding is None:
            return None
        if binding.imported is None:
            definition = self._definition_of(binding)
            return Reference(use, "", definition, use.attributes, None, True) if definition else None
        found = self._import_origin(binding.imported, use.attributes)
        if found is None:
            return None
        origin, rest, direct = found
        if isinstance(origin, str):
            return Reference(use, ".".join((origin, *rest)), None, (), binding.imported, direct)
        return Reference(use, "", origin, rest, binding.imported, False)

    def _import_origin(
        self, imported: Imported, attributes: tuple[str, ...]
    ) -> Optional[tuple[Origin, tuple[str, ...], bool]]:
        """What an imported name followed by attributes stands for, what attributes are left, and whether it is Prefect's own import."""
        if self.is_prefect(imported.module):
            return imported.target, attributes, True
        module, names = imported.module, list(attributes)
        if imported.name is not None:
            names.insert(0, imported.name)
        elif not imported.alias:
            module, names = imported.target, list(attributes)
        found = self.project.follow(self.path, module, names)
        return None if found is None else (found[0], found[1], False)

    def _definition(self, node: ast.AST, parents: tuple[ast.AST, ...]) -> Optional[Definition]:
        if isinstance(node, FUNCTIONS):
            return self._function_definition(node)
        if isinstance(node, ast.ClassDef):
            return self._class_definition(node)
        if isinstance(node, ast.Name) and parents and isinstance(parents[-1], (ast.Assign, ast.AnnAssign)):
            return self._variable_definition(node, parents[-1].value)
        return None

    def _function_definition(self, node: FunctionNode) -> Definition:
        for decorator in node.decorator_list:
            made = self._made_by(decorator)
            if made is not None:
                kind, options = made
                return Definition(kind, node.name, self, node, node, None, options, decorator)
        return Definition(Kind.FUNCTION, node.name, self, node, node)

    def _made_by(self, decorator: ast.expr) -> Optional[tuple[Kind, Mapping[str, ast.expr]]]:
        """TASK or FLOW, and the options, where a decorator makes one."""
        call = decorator if isinstance(decorator, ast.Call) else None
        reference = self._at(call.func if call else decorator)
        if reference is None:
            return None
        options = {keyword.arg or "**": keyword.value for keyword in call.keywords} if call else {}
        if reference.qualified in TASK_DECORATORS:
            return Kind.TASK, options
        if reference.qualified in FLOW_DECORATORS:
            return Kind.FLOW, options
        if reference.definition and not reference.rest:
            inherited = {**reference.definition.options, **options}
            if reference.definition.kind is Kind.TASK_DECORATOR:
                return Kind.TASK, inherited
            if reference.definition.kind is Kind.FLOW_DECORATOR:
                return Kind.FLOW, inherited
        return None

    def _class_definition(self, node: ast.ClassDef) -> Definition:
        kinds = {BLOCK_CLASSES: Kind.BLOCK, RUNNER_CLASSES: Kind.RUNNER}
        for base in node.bases:
            reference = self._at(base)
            if reference is None:
                continue
            for names, kind in kinds.items():
                if reference.qualified in names:
                    return Definition(kind, node.name, self, node)
            if reference.definition and not reference.rest and reference.definition.kind in kinds.values():
                return Definition(reference.definition.kind, node.name, self, node)
        return Definition(Kind.CLASS, node.name, self, node)

    def _variable_definition(self, node: ast.Name, value: Optional[ast.expr]) -> Optional[Definition]:
        if isinstance(value, ast.Call):
            made = self._made_by_call(node, value)
            if made is not None:
                return made
        elif isinstance(value, (ast.Name, ast.Attribute)):
            reference = self._at(value)
            if reference and reference.definition and not reference.rest:
                return reference.definition
        return Definition(Kind.VALUE, node.id, self, node, value=value) if value is not None else None

    def _made_by_call(self, node: ast.Name, call: ast.Call) -> Optional[Definition]:
        """`task(fn, ...)`, `task(retries=3)`, `task(retries=3)(fn)`, `partial(task, ...)`, `t.with_options(...)`."""
        options = {keyword.arg or "**": keyword.value for keyword in call.keywords}
        reference = self._at(call.func)
        if reference is not None and reference.definition is not None and reference.rest == ("with_options",):
            base = reference.definition
            return Definition(
                base.kind,
                node.id,
                self,
                node,
                base.function,
                base.function_module or base.module,
                {**base.options, **options},
                value=call,
            )
        if reference is not None or isinstance(call.func, ast.Call):
            made = self._made_by(call.func if isinstance(call.func, ast.Call) else call)
            if made is not None:
                kind, merged = made
                if not call.args and not isinstance(call.func, ast.Call):
                    decorator = Kind.TASK_DECORATOR if kind is Kind.TASK else Kind.FLOW_DECORATOR
                    return Definition(decorator, node.id, self, node, options=merged, value=call)
                function, home = self._function_of(call.args[0]) if call.args else (None, None)
                return Definition(kind, node.id, self, node, function, home, merged, value=call)
        if call.args and last_name(call.func) == "partial":
            made = self._made_by(call.args[0])
            if made is not None:
                decorator = Kind.TASK_DECORATOR if made[0] is Kind.TASK else Kind.FLOW_DECORATOR
                return Definition(decorator, node.id, self, node, options={**made[1], **options}, value=call)
        return None

    def _function_of(self, node: ast.expr) -> tuple[Optional[FunctionNode], Optional[Module]]:
        """The function that an expression names, looked for in this module and where it imports it from."""
        if not isinstance(node, ast.Name):
            return None, None
        for statement in self.tree.body:
            if isinstance(statement, FUNCTIONS) and statement.name == node.id:
                return statement, self
        reference = self._at(node)
        if reference and reference.definition:
            return reference.definition.function, reference.definition.module
        return None, None


def _plain(found: Optional[tuple[Origin, tuple[str, ...], bool]]) -> Optional[Origin]:
    if found is None:
        return None
    origin, rest, _ = found
    if isinstance(origin, str):
        return ".".join((origin, *rest))
    return origin if not rest else None

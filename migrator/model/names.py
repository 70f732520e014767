"""Names of one module: what each import binds, in which scope, and what every use of a bound name stands for.

Only statements on whose lines an interesting name stands are visited, so the cost follows the uses of Prefect and not
the size of the file: finding the lines is one regular expression over the text.
"""

from __future__ import annotations

import ast
import bisect
import re
import tokenize
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any, Optional, Union

from migrator.findings import LineIndex

FunctionNode = Union[ast.FunctionDef, ast.AsyncFunctionDef]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_STAR = re.compile(r"import\s*\(?\s*\*")
_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


@dataclass(eq=False)
class Scope:
    """A module, class, function, lambda or comprehension, with the interesting names that it binds."""

    kind: str
    node: ast.AST
    parent: Optional[Scope] = None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    outside: dict[str, str] = field(default_factory=dict)
    """Names declared `global` or `nonlocal` here."""

    @property
    def function(self) -> Optional[FunctionNode]:
        """The innermost function around, seen through lambdas, comprehensions and classes; None at module level."""
        scope: Optional[Scope] = self
        while scope is not None:
            if isinstance(scope.node, FUNCTIONS):
                return scope.node
            scope = scope.parent
        return None


@dataclass(frozen=True, eq=False)
class Imported:
    """One name that an import statement binds, at its own place."""

    local: str
    target: str
    """The dotted name that `local` stands for; a relative import keeps its leading dots (`.tasks.load`)."""
    module: str
    """The module that is imported, or imported from, as written."""
    name: Optional[str]
    """The name after `from ... import`; None for `import a.b`."""
    alias: Optional[str]
    statement: Union[ast.Import, ast.ImportFrom]
    start: int
    """Where the imported name begins in the text."""
    end: int
    """Where it ends, its `as` part included."""
    scope: Scope
    parents: tuple[ast.AST, ...]
    """The nodes around the statement, outermost first."""

    @property
    def star(self) -> bool:
        return self.statement.names[0].name == "*"

    @property
    def guarded(self) -> bool:
        """Whether the import may fail: it stands in a `try` that catches the failure."""
        return guarded(self.parents, self.statement)


@dataclass(frozen=True, eq=False)
class Binding:
    """A place where a scope binds an interesting name."""

    offset: int
    node: ast.AST
    imported: Optional[Imported]
    parents: tuple[ast.AST, ...]


@dataclass(frozen=True, eq=False)
class Use:
    """A use of an interesting name, with the attributes that follow it: `prefect.task_runners.X` is one use."""

    name: str
    chain: tuple[ast.expr, ...]
    """The nodes from the bare name outwards; the last one is the whole dotted expression."""
    attributes: tuple[str, ...]
    start: int
    ends: tuple[int, ...]
    """Where each node of the chain ends."""
    parents: tuple[ast.AST, ...]
    scope: Scope
    binding: Optional[Binding]
    in_string: bool = False
    """Written in a string annotation."""

    @property
    def node(self) -> ast.expr:
        return self.chain[-1]

    @property
    def end(self) -> int:
        return self.ends[-1]

    @property
    def parent(self) -> ast.AST:
        return self.parents[-1]


@dataclass(frozen=True, eq=False)
class DottedString:
    """A string literal that spells a dotted name, as given to `patch()` or `import_string()`."""

    value: str
    start: int
    """Where the text begins, after the quote."""
    parents: tuple[ast.AST, ...]
    scope: Scope


_Found = tuple[str, tuple[ast.expr, ...], tuple[str, ...], int, tuple[int, ...], tuple[ast.AST, ...], Scope, bool]


_CATCHES_MISSING_NAME = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError"})
_CATCHES_ANYTHING = frozenset({"Exception", "BaseException"})


def guarded(parents: Sequence[ast.AST], node: ast.AST, module_is_there: bool = False) -> bool:
    """Whether `node` may fail for want of a name: it stands in the body of a `try` that catches that, or in such a handler.

    For an import statement `except Exception` will do; a use needs a handler for the missing name itself. Where the module is there and only
    the name is not, `except ModuleNotFoundError` catches nothing.
    """
    caught = _CATCHES_MISSING_NAME - ({"ModuleNotFoundError"} if module_is_there else set())
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        caught |= _CATCHES_ANYTHING
    inner = node
    for parent in reversed(parents):
        if isinstance(parent, FUNCTIONS):
            return False
        if isinstance(parent, ast.Try) and any(inner is statement for statement in parent.body):
            if any(_catches(handler.type, caught) for handler in parent.handlers):
                return True
        if isinstance(parent, ast.ExceptHandler) and _catches(parent.type, caught):
            return True
        if isinstance(parent, ast.With) and any(_suppresses(item.context_expr, caught) for item in parent.items):
            return True
        inner = parent
    return False


def _is_plain_text(node: ast.Constant, around: Sequence[ast.AST]) -> bool:
    """Whether a string in an annotation is no annotation: within `Literal[...]`, or after the first part of `Annotated[...]`."""
    for parent in reversed(around):
        if isinstance(parent, ast.Subscript):
            name = parent.value.attr if isinstance(parent.value, ast.Attribute) else getattr(parent.value, "id", "")
            first = parent.slice.elts[0] if isinstance(parent.slice, ast.Tuple) and parent.slice.elts else parent.slice
            if name == "Literal" or (name == "Annotated" and node not in ast.walk(first)):
                return True
        elif not isinstance(parent, ast.expr):
            return False
    return False


def _suppresses(manager: ast.expr, caught: frozenset[str]) -> bool:
    """Whether a context manager is `contextlib.suppress(ImportError)`, or a test's `pytest.raises(ImportError)`."""
    if not isinstance(manager, ast.Call):
        return False
    function = manager.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in ("suppress", "raises", "assertRaises") and any(
        _catches(argument, caught) for argument in manager.args
    )


def _catches(handled: Optional[ast.expr], caught: frozenset[str]) -> bool:
    if handled is None:
        return "Exception" in caught
    if isinstance(handled, ast.Tuple):
        return any(_catches(element, caught) for element in handled.elts)
    name = handled.attr if isinstance(handled, ast.Attribute) else getattr(handled, "id", "")
    return name in caught


def first_line(statement: ast.stmt) -> int:
    """The first row of a statement, its decorators included."""
    decorators = getattr(statement, "decorator_list", None)
    return int(min(statement.lineno, decorators[0].lineno)) if decorators else statement.lineno


def rows_with(words: Iterable[str], index: LineIndex) -> list[int]:
    """The rows on which one of the words stands as a word, in order.

    Looking for one word after the other is several times faster than a regular expression for all.
    """
    text, starts = index.text, index.starts
    rows: set[int] = set()
    for word in words:
        at = text.find(word)
        while at >= 0:
            end = at + len(word)
            if _is_apart(text[at - 1 : at]) and _is_apart(text[end : end + 1]):
                row = bisect.bisect_right(starts, at)
                rows.add(row)
                if row == len(starts):
                    break
                end = starts[row]
            at = text.find(word, end)
    return sorted(rows)


def _is_apart(character: str) -> bool:
    return not (character.isalnum() or character == "_")


def touches(statement: ast.stmt, rows: Sequence[int]) -> bool:
    """Whether one of the sorted rows lies within the statement."""
    at = bisect.bisect_left(rows, first_line(statement))
    return at < len(rows) and rows[at] <= (statement.end_lineno or statement.lineno)


def walked(tree: ast.Module, rows: Sequence[int]) -> Iterator[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """The nodes of the statements that touch one of the sorted rows, in the order of the text, each with the nodes around it."""
    waiting: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(tree, ())] if rows else []
    while waiting:
        node, parents = waiting.pop()
        yield node, parents
        around = (*parents, node)
        children = [
            (child, around)
            for child in ast.iter_child_nodes(node)
            if not isinstance(child, ast.stmt) or touches(child, rows)
        ]
        waiting += reversed(children)


def last_name(node: ast.AST) -> str:
    """`load` in `load` and in `tasks.load`; the empty string for another expression."""
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def is_none(node: ast.AST) -> bool:
    """Whether it is the constant `None`."""
    return isinstance(node, ast.Constant) and node.value is None


def keyword_value(call: ast.Call, name: str) -> Optional[ast.expr]:
    """What a call gives by this keyword."""
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def imports(tree: ast.Module, index: LineIndex) -> Iterator[tuple[Union[ast.Import, ast.ImportFrom], list[ast.AST]]]:
    """All import statements at any depth, each with the nodes around it."""
    rows = rows_with(("import",), index)

    def statements(node: ast.AST, around: list[ast.AST]) -> Iterator[tuple[Any, list[ast.AST]]]:
        for name in ("body", "orelse", "handlers", "finalbody", "cases"):
            for child in getattr(node, name, ()) if name in node._fields else ():
                if isinstance(child, (ast.Import, ast.ImportFrom)):
                    yield child, [*around, node]
                elif not isinstance(child, ast.stmt) or (hasattr(child, "body") and touches(child, rows)):
                    yield from statements(child, [*around, node])

    return statements(tree, [])


def alias_spans(statement: Union[ast.Import, ast.ImportFrom], index: LineIndex) -> list[tuple[int, int]]:
    """The place of each imported name, its `as` part included.

    `ast` knows these places from Python 3.10 on; before, they are read from the tokens of the statement.
    """
    if all(hasattr(alias, "lineno") for alias in statement.names):
        return [span(alias, index) for alias in statement.names]
    start, end = span(statement, index)
    return _alias_spans_from_tokens(index.text[start:end], start, isinstance(statement, ast.ImportFrom))


def _alias_spans_from_tokens(code: str, start: int, is_from: bool) -> list[tuple[int, int]]:
    inner = LineIndex(code)
    wanted = [
        (token.string, inner.starts[token.start[0] - 1] + token.start[1], inner.starts[token.end[0] - 1] + token.end[1])
        for token in tokenize.generate_tokens(StringIO(code, newline="").readline)
        if token.type in (tokenize.NAME, tokenize.OP)
    ]
    words = [word for word, _, _ in wanted]
    first = words.index("import") + 1 if is_from else 1
    spans: list[tuple[int, int]] = []
    current: Optional[tuple[int, int]] = None
    for word, begin, finish in wanted[first:]:
        if word in "()":
            continue
        if word == ",":
            if current:
                spans.append(current)
            current = None
        else:
            current = (current[0] if current else begin, finish)
    if current:
        spans.append(current)
    return [(start + a, start + b) for a, b in spans]


def join(module: str, name: str) -> str:
    """The dotted name of `name` in `module`, which may be nothing but the dots of a relative import."""
    return f"{module}.{name}" if module.strip(".") else f"{module}{name}"


def span(node: Any, index: LineIndex) -> tuple[int, int]:
    """Where a node begins and ends, as offsets."""
    return index.offset(node.lineno, node.col_offset), index.offset(node.end_lineno, node.end_col_offset)


class Names:
    """Collects the bindings and uses of the interesting names of a module in one walk."""

    def __init__(self, tree: ast.Module, index: LineIndex, stars: Callable[[str], Iterable[str]]) -> None:
        """`stars` tells which interesting names a star import of a module brings."""
        self.tree = tree
        self.index = index
        self.known: set[str] = set()
        self.module_scope = Scope("module", tree)
        self.uses: list[Use] = []
        self.imported: list[Imported] = []
        self.strings: list[DottedString] = []
        self.scopes: dict[ast.AST, Scope] = {tree: self.module_scope}
        self.parents_of: dict[ast.AST, tuple[ast.AST, ...]] = {}
        """For each function and class that was visited: the nodes around it."""
        self.misplaced = False
        """Whether the tree gives a wrong place for a name: Python 3.9 does in f-strings over several lines, and every Python does for
        identifiers that are not written in their normal form."""
        self._stars = stars
        self._interesting: frozenset[str] = frozenset()
        self._found: list[_Found] = []
        self._stack: list[ast.AST] = []
        self._annotation = 0

    def look_for(self, names: Iterable[str]) -> None:
        """Collects the bindings and uses of more names; those of names that were looked for before stay as they are."""
        first = not self.known
        self._interesting = frozenset(names) - self.known
        self.known |= self._interesting
        self._first = first
        self._rows = rows_with(self._interesting | {"prefect"} if first else self._interesting, self.index)
        if first:
            stars = (bisect.bisect_right(self.index.starts, found.start()) for found in _STAR.finditer(self.index.text))
            self._rows = sorted({*self._rows, *stars})
        self._children(self.tree, self.module_scope)
        self._finish()

    def _visit(self, node: ast.AST, scope: Scope) -> None:
        handler = _HANDLERS.get(node.__class__)
        if handler is None:
            self._children(node, scope)
        else:
            handler(self, node, scope)

    def _children(self, node: ast.AST, scope: Scope, skip: tuple[str, ...] = ()) -> None:
        self._stack.append(node)
        for name in node._fields:
            if name in skip:
                continue
            value = getattr(node, name, None)
            if value.__class__ is list:
                for child in value:
                    if isinstance(child, ast.stmt):
                        if touches(child, self._rows):
                            self._visit(child, scope)
                    elif isinstance(child, ast.AST):
                        self._visit(child, scope)
            elif value.__class__ not in _LEAVES and isinstance(value, ast.AST):
                self._visit(value, scope)
        self._stack.pop()

    def _outside(self, node: Union[ast.Global, ast.Nonlocal], scope: Scope) -> None:
        scope.outside.update(dict.fromkeys(node.names, "global" if isinstance(node, ast.Global) else "nonlocal"))

    def _named(self, node: Any, scope: Scope) -> None:
        """`except ... as name`, `case ... as name`, `case {**name}`."""
        name = node.rest if hasattr(node, "rest") else node.name
        if name:
            self._bind(name, node, scope)
        self._children(node, scope)

    def _annotated(self, node: Union[ast.AnnAssign, ast.arg], scope: Scope) -> None:
        self._children(
            node, scope, skip=("annotation", "target") if isinstance(node, ast.AnnAssign) else ("annotation",)
        )
        if isinstance(node, ast.AnnAssign):
            self._stack.append(node)
            if node.value is not None or not isinstance(node.target, ast.Name):
                self._visit(node.target, scope)
            self._stack.pop()
        if node.annotation is not None:
            self._stack.append(node)
            self._in_annotation(node.annotation, scope)
            self._stack.pop()

    def _in_annotation(self, node: ast.expr, scope: Scope) -> None:
        self._annotation += 1
        self._visit(node, scope)
        self._annotation -= 1

    def _name(self, node: ast.Name, outer: tuple[ast.expr, ...], attributes: tuple[str, ...], scope: Scope) -> None:
        if node.id not in self._interesting:
            return
        if isinstance(node.ctx, ast.Load):
            chain = (node, *outer)
            start, ends = self.index.offset(node.lineno, node.col_offset), tuple(self._end(link) for link in chain)
            if not self._is_placed(node.id, attributes, start, ends):
                self.misplaced = True
                start, end = self._around()
                ends = (end,) * len(chain)
            self._found.append((node.id, chain, attributes, start, ends, tuple(self._stack), scope, False))
        elif isinstance(node.ctx, ast.Store):
            self._bind(node.id, node, self._binding_scope(node, scope))

    def _is_placed(self, name: str, attributes: tuple[str, ...], start: int, ends: tuple[int, ...]) -> bool:
        """Whether the text has the name where the tree says."""
        text = self.index.text
        return text[start : ends[0]] == name and all(
            text.endswith(attribute, start, end) for attribute, end in zip(attributes, ends[1:])
        )

    def _around(self) -> tuple[int, int]:
        """The place of the outermost string around what is visited, else of the statement."""
        for node in self._stack:
            if isinstance(node, ast.JoinedStr):
                return span(node, self.index)
        return span(next(node for node in reversed(self._stack) if isinstance(node, ast.stmt)), self.index)

    def _end(self, node: ast.expr) -> int:
        return self.index.offset(node.end_lineno or 0, node.end_col_offset or 0)

    def _binding_scope(self, node: ast.Name, scope: Scope) -> Scope:
        """An assignment expression inside a comprehension binds in the scope around it."""
        if self._stack and isinstance(self._stack[-1], ast.NamedExpr):
            while scope.kind == "comprehension" and scope.parent is not None:
                scope = scope.parent
        return scope

    def _attribute(self, node: ast.Attribute, scope: Scope) -> None:
        chain: list[ast.expr] = [node]
        inner: ast.expr = node.value
        while isinstance(inner, ast.Attribute):
            chain.append(inner)
            inner = inner.value
        if isinstance(inner, ast.Name) and isinstance(node.ctx, ast.Load):
            outward = tuple(reversed(chain))
            self._name(inner, outward, tuple(link.attr for link in outward if isinstance(link, ast.Attribute)), scope)
            return
        self._stack.extend(chain)
        self._visit(inner, scope)
        del self._stack[-len(chain) :]

    def _constant(self, node: ast.Constant, scope: Scope) -> None:
        if not isinstance(node.value, str) or not node.value:
            return
        start, end = span(node, self.index)
        is_name = self._first and node.value.startswith("prefect.") and _DOTTED.fullmatch(node.value)
        if not is_name and not self._annotation:
            return
        before, found, after = self.index.text[start:end].partition(node.value)
        if not found or before.strip("rRuU\"'") or after.strip("\"'"):
            return
        start += len(before)
        if self._annotation and not _is_plain_text(node, self._stack):
            self._string_annotation(node.value, start, scope)
        elif is_name:
            self.strings.append(DottedString(node.value, start, tuple(self._stack), scope))

    def _string_annotation(self, value: str, start: int, scope: Scope) -> None:
        if "\n" in value or not any(word in value for word in self._interesting):
            return
        try:
            parsed = ast.parse(value.strip(), mode="eval").body
        except SyntaxError:
            return
        start += len(value) - len(value.lstrip())
        index = LineIndex(value.strip())
        for found in _chains(parsed):
            first = found[0]
            if isinstance(first, ast.Name) and first.id in self._interesting:
                spans = [span(link, index) for link in found]
                names = tuple(link.attr for link in found if isinstance(link, ast.Attribute))
                ends = tuple(start + end for _, end in spans)
                self._found.append((first.id, found, names, start + spans[0][0], ends, tuple(self._stack), scope, True))

    def _function(self, node: FunctionNode, scope: Scope) -> None:
        self._bind(node.name, node, scope)
        self.parents_of[node] = tuple(self._stack)
        inner = self._open("function", node, scope)
        self._stack.append(node)
        for decorator in node.decorator_list:
            self._visit(decorator, scope)
        self._arguments(node.args, scope, inner)
        if node.returns is not None:
            self._in_annotation(node.returns, scope)
        for parameter in getattr(node, "type_params", ()):
            self._bind(parameter.name, parameter, inner)
            self._visit(parameter, inner)
        for statement in node.body:
            if touches(statement, self._rows):
                self._visit(statement, inner)
        self._stack.pop()

    def _arguments(self, arguments: ast.arguments, scope: Scope, inner: Scope) -> None:
        self._stack.append(arguments)
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self._visit(default, scope)
        extra = [argument for argument in (arguments.vararg, arguments.kwarg) if argument]
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra):
            self._bind(argument.arg, argument, inner)
            self._visit(argument, scope)
        self._stack.pop()

    def _class(self, node: ast.ClassDef, scope: Scope) -> None:
        self._bind(node.name, node, scope)
        self.parents_of[node] = tuple(self._stack)
        inner = self._open("class", node, scope)
        self._stack.append(node)
        for child in (*node.decorator_list, *node.bases, *node.keywords):
            self._visit(child, scope)
        for statement in node.body:
            if touches(statement, self._rows):
                self._visit(statement, inner)
        self._stack.pop()

    def _lambda(self, node: ast.Lambda, scope: Scope) -> None:
        inner = self._open("lambda", node, scope)
        self._stack.append(node)
        self._arguments(node.args, scope, inner)
        self._visit(node.body, inner)
        self._stack.pop()

    def _comprehension(self, node: ast.AST, scope: Scope) -> None:
        inner = self._open("comprehension", node, scope)
        self._stack.append(node)
        for at, generator in enumerate(node.generators):  # type: ignore[attr-defined]
            self._stack.append(generator)
            self._visit(generator.iter, inner if at else scope)
            self._visit(generator.target, inner)
            for condition in generator.ifs:
                self._visit(condition, inner)
            self._stack.pop()
        for name in ("key", "value", "elt"):
            part = getattr(node, name, None)
            if part is not None:
                self._visit(part, inner)
        self._stack.pop()

    def _import(self, node: Union[ast.Import, ast.ImportFrom], scope: Scope) -> None:
        is_from = isinstance(node, ast.ImportFrom)
        source = "." * node.level + (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        for alias, (start, end) in zip(node.names, alias_spans(node, self.index)):
            if alias.name == "*":
                bound = {name: join(source, name) for name in self._stars(source)}
                bound.setdefault("*", source)
            elif is_from:
                bound = {alias.asname or alias.name: join(source, alias.name)}
            elif alias.asname:
                bound = {alias.asname: alias.name}
            else:
                bound = {alias.name.split(".")[0]: alias.name.split(".")[0]}
            for local, target in bound.items():
                if local not in self._interesting and not (local == "*" and self._first):
                    continue
                name = None if not is_from else local if alias.name == "*" else alias.name
                module = source if is_from else alias.name
                imported = Imported(
                    local, target, module, name, alias.asname, node, start, end, scope, tuple(self._stack)
                )
                self.imported.append(imported)
                self._bind(local, node, scope, imported)

    def _open(self, kind: str, node: ast.AST, parent: Scope) -> Scope:
        scope = self.scopes.get(node)
        if scope is None:
            scope = self.scopes[node] = Scope(kind, node, parent)
        return scope

    def _bind(self, name: str, node: ast.AST, scope: Scope, imported: Optional[Imported] = None) -> None:
        if name not in self._interesting:
            return
        if scope.outside.get(name) == "global":
            scope = self.module_scope
        lineno = first_line(node) if isinstance(node, ast.stmt) else node.lineno  # type: ignore[attr-defined]
        offset = self.index.starts[lineno - 1] + getattr(node, "col_offset", 0)
        scope.bindings.setdefault(name, []).append(Binding(offset, node, imported, tuple(self._stack)))

    def _finish(self) -> None:
        for name, chain, attributes, start, ends, parents, scope, in_string in self._found:
            binding = self.lookup(name, scope, start)
            self.uses.append(Use(name, chain, attributes, start, ends, parents, scope, binding, in_string))
        self._found.clear()

    def lookup(self, name: str, scope: Scope, offset: int) -> Optional[Binding]:
        """The binding that a name read at `offset` in `scope` refers to; None where nothing in the file binds it."""
        current: Optional[Scope] = scope
        while current is not None:
            visible = current.kind != "class" or current is scope
            if current.outside.get(name) == "global":
                current = self.module_scope
            if visible and name in current.bindings:
                return _choose(current.bindings[name], offset if current is scope else None)
            current = current.parent
        return None


_HANDLERS: dict[type, Callable[[Any, Any, Scope], None]] = {
    ast.Name: lambda names, node, scope: names._name(node, (), (), scope),
    ast.Attribute: Names._attribute,
    ast.Constant: Names._constant,
    ast.FunctionDef: Names._function,
    ast.AsyncFunctionDef: Names._function,
    ast.ClassDef: Names._class,
    ast.Lambda: Names._lambda,
    **dict.fromkeys(_COMPREHENSIONS, Names._comprehension),
    ast.Import: Names._import,
    ast.ImportFrom: Names._import,
    ast.Global: Names._outside,
    ast.Nonlocal: Names._outside,
    ast.AnnAssign: Names._annotated,
    ast.arg: Names._annotated,
    ast.ExceptHandler: Names._named,
    **{getattr(ast, name): Names._named for name in ("MatchAs", "MatchStar", "MatchMapping") if hasattr(ast, name)},
}
_LEAVES = frozenset(
    {*ast.expr_context.__subclasses__(), *ast.operator.__subclasses__(), *ast.cmpop.__subclasses__(), *ast.unaryop.__subclasses__(), *ast.boolop.__subclasses__(), type(None), str, int}
)  # fmt: skip
"""Values of fields in which no name can stand."""


def _choose(bindings: Sequence[Binding], offset: Optional[int]) -> Binding:
    """The binding in force at an offset of the same scope, or at the end of the scope for a use from a nested one.

    A fallback (`except ImportError: X = None`) stands for the import that it replaces.
    """
    before = [binding for binding in bindings if offset is None or binding.offset < offset]
    chosen = before[-1] if before else bindings[0]
    if chosen.imported is None or chosen.imported.guarded:
        for around in chosen.parents:
            if isinstance(around, (ast.Try, ast.If)):
                for other in bindings:
                    if (
                        other.imported is not None
                        and around in other.parents
                        and other.imported.target.startswith("prefect")
                    ):
                        return other
    return chosen


def _chains(node: ast.AST) -> Iterator[tuple[ast.expr, ...]]:
    """The dotted expressions in an expression, each from its bare name outwards."""
    chain: list[ast.expr] = []
    inner = node
    while isinstance(inner, ast.Attribute):
        chain.append(inner)
        inner = inner.value
    if isinstance(inner, ast.Name):
        yield (inner, *reversed(chain))
        return
    for child in ast.iter_child_nodes(inner):
        yield from _chains(child)

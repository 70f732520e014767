"""Which statements have to go under `if __name__ == "__main__":`, since `from_source` imports the file of the flow again."""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterator, Sequence
from typing import Optional

from migrator.model.names import FUNCTIONS
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import Refusal

_DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
_FILLS = frozenset({"add", "append", "extend", "insert", "setdefault", "update"})
"""Methods that put their argument into a container."""


def guarded_statements(
    context: Context, statement: ast.stmt, parents: Sequence[ast.AST], flow: Optional[ast.expr]
) -> tuple[tuple[ast.stmt, ...], Optional[ast.If]]:
    """The top-level statements that would run again when the flow's file is imported again, and the guard that can take them in.

    `flow` is None where the deployment names its flow by the file, which may be this one.
    Raises Refusal where the guard would take names from the rest of the module, or where the call is reached in a way that a guard cannot cover.
    """
    if not _imports_this_module(context, flow) or under_main_guard((*parents, statement)):
        return (), None
    definition = next((node for node in parents if isinstance(node, _DEFINITIONS)), None)
    if definition is not None:
        if not any(isinstance(node, FUNCTIONS) for node in parents):
            raise Refusal("it stands in the body of a class, which runs again when `from_source` imports the module")
        found = tuple(_reaching(context, definition))
    else:
        top = parents[1] if len(parents) > 1 else statement
        assert isinstance(top, ast.stmt)
        found = tuple(_with_users(context, top, flow))
        guard = _guard_to_join(context, statement, found)
        if guard is not None:
            return found, guard
    if any(_is_prefect_import(node) for moved in found for node in ast.walk(moved)):
        raise Refusal(
            'Prefect is imported in the statement that has to go under `if __name__ == "__main__":`; import it at the top of the file'
        )
    return found, None


def is_main_guard(statement: ast.AST) -> bool:
    """Whether it is an `if __name__ == "__main__":`, alone or with further conditions joined by `and`."""
    return isinstance(statement, ast.If) and _asks_for_main(statement.test)


def under_main_guard(nodes: Sequence[ast.AST]) -> bool:
    """Whether nodes that lie in each other, outermost first, pass through the body of a main guard."""
    return any(
        isinstance(outer, ast.If) and is_main_guard(outer) and any(inner is child for child in outer.body)
        for outer, inner in zip(nodes, nodes[1:])
    )


def imported_elsewhere(context: Context, names: set[str]) -> bool:
    """Whether other modules import one of these top-level names from here, or `__all__` lists it."""
    known = frozenset(context.module.exported) | context.project.imported_from(context.module.path)
    return any(name in known or ("*" in known and not name.startswith("_")) for name in names)


def _asks_for_main(test: ast.expr) -> bool:
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return any(_asks_for_main(value) for value in test.values)
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    sides = (test.left, test.comparators[0])
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides) and any(
        isinstance(side, ast.Constant) and side.value == "__main__" for side in sides
    )


def _imports_this_module(context: Context, flow: Optional[ast.expr]) -> bool:
    if flow is None:
        return True
    reference = context.module.resolve(flow)
    home = (
        reference.definition.module.path
        if reference is not None and reference.definition is not None
        else context.module.path
    )
    return home == context.module.path or context.project.imports(home, context.module.path)


# -- a call at the top level


def _with_users(context: Context, top: ast.stmt, flow: Optional[ast.expr]) -> Iterator[ast.stmt]:
    """The statement, and every one after it that needs a name that a moved one binds."""
    if is_main_guard(top) or any(isinstance(node, ast.Name) and node.id == "__name__" for node in ast.walk(top)):
        raise Refusal('it runs when the module is imported; run it under `if __name__ == "__main__":` only')
    body = context.module.tree.body
    later = body[body.index(top) + 1 :]
    mentioned = {other: _tables(context, other) for other in body}
    moved = [top]
    names: set[str] = set()
    count = 0
    while count < len(moved):
        count = len(moved)
        for statement in moved:
            names |= _bound(statement, mentioned[statement][0])
        moved += [
            other
            for other in later
            if other not in moved
            and not isinstance(other, _DEFINITIONS)
            and not is_main_guard(other)
            and mentioned[other][1] & names
        ]
    _check_names(context, names, flow)
    for other in body:
        if other in moved or not mentioned[other][1] & names:
            continue
        if isinstance(other, ast.If) and is_main_guard(other):
            if any(isinstance(node, ast.Name) and node.id in names for part in other.orelse for node in ast.walk(part)):
                raise Refusal(
                    'the deployment is used in the `else:` of `if __name__ == "__main__":`; move all of it there'
                )
        elif any(isinstance(node, (*_DEFINITIONS, ast.Lambda)) for node in ast.walk(other)):
            raise Refusal(
                'functions or classes use what `if __name__ == "__main__":` would take from them: '
                f"{', '.join(f'`{name}`' for name in sorted(mentioned[other][1] & names))}; build the deployment inside of a function"
            )
    yield from (statement for statement in body if statement in moved)


def _check_names(context: Context, names: set[str], flow: Optional[ast.expr]) -> None:
    if "*" in names:
        raise Refusal("a star import stands in the same statement; move it to the top of the file")
    if imported_elsewhere(context, names):
        raise Refusal(
            'other modules import the deployment from here; move it under `if __name__ == "__main__":` or into a function'
        )
    reference = context.module.resolve(flow) if flow is not None else None
    definition = reference.definition if reference is not None else None
    if definition is not None and definition.module is context.module and definition.name in names:
        raise Refusal(
            f"the flow `{definition.name}` is made in the same statement; make it at the top level of the module"
        )


def _guard_to_join(context: Context, statement: ast.stmt, found: Sequence[ast.stmt]) -> Optional[ast.If]:
    """The later guard in which alone the deployment is used, where nothing in between can change what the statement reads."""
    if found != (statement,) or not isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return None
    body = context.module.tree.body
    bound = _bound(statement, _tables(context, statement)[0])
    mine = _tables(context, statement)[1]
    users = [other for other in body if is_main_guard(other) and _tables(context, other)[1] & bound]
    if not users:
        return None
    first = users[0]
    assert isinstance(first, ast.If)
    if body.index(first) < body.index(statement) or not isinstance(first.test, ast.Compare):
        return None
    if first.body[0].lineno == first.lineno:
        return None
    between = body[body.index(statement) + 1 : body.index(first)]
    return first if all(_leaves_alone(context, other, mine) for other in between) else None


def _leaves_alone(context: Context, statement: ast.stmt, names: set[str]) -> bool:
    """Whether running a statement cannot change what the names stand for."""
    top, mentioned = _tables(context, statement)
    if _bound(statement, top) & names:
        return False
    if is_main_guard(statement):
        return False
    if isinstance(statement, (ast.Import, ast.ImportFrom, *_DEFINITIONS)):
        return True
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
        reference = context.module.resolve(statement.value)
        if reference is not None and reference.qualified.endswith(".Deployment.build_from_flow"):
            return True
    return not mentioned & names and not any(isinstance(node, (ast.Call, ast.Await)) for node in ast.walk(statement))


def _tables(context: Context, statement: ast.stmt) -> tuple[symtable.SymbolTable, set[str]]:
    """The names of a top-level statement as Python sees them, and those of the module's names that it mentions at any depth."""
    from migrator.rewriting.statements import span

    start, end = span(context.module.text, statement)
    try:
        top = symtable.symtable(context.module.text[start:end], "<statement>", "exec")
    except SyntaxError as error:
        raise Refusal("a statement of the module cannot be followed") from error
    names = {symbol.get_name() for symbol in top.get_symbols()}
    inner = list(top.get_children())
    while inner:
        table = inner.pop()
        names |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_global()}
        inner += table.get_children()
    return top, names


def _bound(statement: ast.stmt, top: symtable.SymbolTable) -> set[str]:
    """The names of the module that a statement binds, or whose objects it changes or fills."""
    names = {
        symbol.get_name()
        for symbol in top.get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
    for node in ast.walk(statement):
        if isinstance(node, ast.Global):
            names.update(node.names)
        elif isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            names.add("*")
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            names.add(_root(node))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _FILLS:
            names.add(_root(node.func))
    return names - {""}


def _root(node: ast.expr) -> str:
    inner = node
    while isinstance(inner, (ast.Attribute, ast.Subscript, ast.Call)):
        inner = inner.func if isinstance(inner, ast.Call) else inner.value
    return inner.id if isinstance(inner, ast.Name) else ""


def _is_prefect_import(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").split(".")[0] == "prefect" or any(a.name == "PREFECT_3" for a in node.names)
    return isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "prefect" for alias in node.names)


# -- a call in a function


def _reaching(context: Context, definition: ast.AST) -> Iterator[ast.stmt]:
    """The top-level statements that run the function; raises Refusal where one of them is more than a call."""
    name = str(getattr(definition, "name", ""))
    refusal = Refusal(
        f'`{name}` runs when the module is imported; run it under `if __name__ == "__main__":` only, since `from_source` imports the module again'
    )
    reaching = _reaching_definitions(context, name)
    commands = {root for node in reaching for root in _registered_with(context, node)}
    names = {node.name for node in reaching} | {name}
    for statement in context.module.tree.body:
        called = statement.value if isinstance(statement, ast.Expr) else None
        runs = isinstance(called, ast.Call) and isinstance(called.func, ast.Name) and called.func.id in commands
        if not runs and names.isdisjoint(_run_on_import(statement)):
            continue
        if not isinstance(statement, ast.Expr) or _bound(statement, _tables(context, statement)[0]):
            raise refusal
        yield statement


def _reaching_definitions(context: Context, name: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """The functions and classes of the module that mention a name, or one that mentions it, and so on; its own among them."""
    definitions = [node for node in ast.walk(context.module.tree) if isinstance(node, _DEFINITIONS)]
    mentions = {
        node: _tables(context, node)[1]
        if node in context.module.tree.body
        else {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)} | {node.name}
        for node in definitions
    }
    names, count = {name}, 0
    while count < len(names):
        count = len(names)
        names |= {node.name for node in definitions if mentions[node] & names}
    return [node for node in definitions if node.name in names]


def _registered_with(context: Context, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    """The variables whose methods decorate a function: `app` of `@app.command()`, since `app()` may run it."""
    for decorator in node.decorator_list:
        root = _root(decorator)
        if isinstance(decorator.func if isinstance(decorator, ast.Call) else decorator, ast.Attribute) and any(
            isinstance(target, ast.Name) and target.id == root
            for statement in context.module.tree.body
            if isinstance(statement, ast.Assign)
            for target in statement.targets
        ):
            yield root


def _run_on_import(node: ast.AST) -> Iterator[str]:
    """The names that are read when a statement runs on import: not those in the bodies of functions and of main guards."""
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Load):
            yield node.id
        return
    children: Sequence[ast.AST] = list(ast.iter_child_nodes(node))
    if isinstance(node, FUNCTIONS):
        children = [*node.decorator_list, *node.args.defaults, *(value for value in node.args.kw_defaults if value)]
    elif isinstance(node, ast.ClassDef):
        children = [*node.decorator_list, *(keyword.value for keyword in node.keywords), *node.body]
    elif isinstance(node, ast.If) and is_main_guard(node):
        children = [node.test, *node.orelse]
    for child in children:
        yield from _run_on_import(child)

"""How a future is asked whether its run has ended, and where its native successors come from."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Optional

from migrator.findings import Edit
from migrator.rewriting.names import add_import
from migrator.rules.base import Context

URL = "https://docs.prefect.io/v3/how-to-guides/workflows/run-work-concurrently"
FUTURES_MODULE = "prefect.futures"
_ENDED = frozenset({"is_cancelled", "is_completed", "is_crashed", "is_failed", "is_final"})


def for_both(context: Context, told: str, name: str) -> str:
    return f"{told}; for both majors, `{context.target.compat}.{name}`" if context.target.both else told


def home_of(context: Context, name: str) -> str:
    return f"{context.target.compat if context.target.both else FUTURES_MODULE}.{name}"


def brought(context: Context, home: str) -> Iterator[Edit]:
    """Makes a name available at the top of the module, where no import of it that may fail does so on the target."""
    module = context.module
    top = module.names.module_scope
    if not any(each.target == home and each.scope is top and each.name is not None for each in module.names.imported):
        yield from add_import(module, home)


def asks(node: ast.expr, future: str, state: Optional[str]) -> bool:
    """Whether an expression is the state of the future, in one of the spellings of either major: `get_state()`, `state`, `wait(...)`, `state(future)`."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return all(asks(each, future, state) or has_ended(each, future, state) for each in node.values)
    if isinstance(node, ast.Await):
        return asks(node.value, future, state)
    if isinstance(node, ast.IfExp):
        return asks(node.body, future, state)
    if isinstance(node, ast.Name):
        return state is not None and node.id == state
    if isinstance(node, ast.Attribute):
        return node.attr == "state" and is_name(node.value, future)
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute):
            return node.func.attr in ("get_state", "wait") and is_name(node.func.value, future)
        return is_name(node.func, "state") and len(node.args) == 1 and is_name(node.args[0], future)
    return False


def has_ended(test: ast.expr, future: str, state: Optional[str]) -> bool:
    """Whether a test asks whether the future's run has ended."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
        return all(has_ended(each, future, state) for each in test.values)
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr in _ENDED:
        return not test.args and asks(test.func.value, future, state)
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.IsNot):
        return isinstance(test.comparators[0], ast.Constant) and has_ended(test.left, future, state)
    if isinstance(test, ast.Attribute) and test.attr == "done" and isinstance(test.value, ast.Call):
        return is_name(test.value.func, "wait")
    if isinstance(test, ast.Name):
        return state is not None and test.id == state
    timed = isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "wait"
    return timed and bool(test.args or test.keywords) and asks(test, future, state)  # type: ignore[attr-defined]


def is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def sleeps(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return not statement.orelse and all(map(sleeps, statement.body))
    call = statement.value if isinstance(statement, ast.Expr) else None
    call = call.value if isinstance(call, ast.Await) else call
    function = call.func if isinstance(call, ast.Call) else None
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name == "sleep" or isinstance(statement, ast.Pass)


def outside(tree: ast.AST, left_out: ast.AST) -> Iterator[ast.AST]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if node is not left_out:
            yield node
            waiting += ast.iter_child_nodes(node)

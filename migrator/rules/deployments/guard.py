"""Which statements have to go under `if __name__ == "__main__":`, since `from_source` imports the file of the flow again."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Optional

from migrator.model.names import FUNCTIONS
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import Refusal


def guarded_statements(
    context: Context, statement: ast.stmt, parents: Sequence[ast.AST], flow: ast.expr
) -> tuple[tuple[ast.stmt, ...], Optional[ast.If]]:
    """The top-level statements that would run again when the flow's file is imported again, and the guard that can take them in."""
    function = next((node for node in parents if isinstance(node, FUNCTIONS)), None)
    if not _imports_this_module(context, flow):
        return (), None
    if function is not None:
        runs = _unguarded_uses(context, function.name, function)
        if any(not isinstance(found, ast.Expr) for found in runs):
            raise Refusal(
                f'`{function.name}` runs when the module is imported; run it under `if __name__ == "__main__":` only, since `from_source` imports the module again'
            )
        return tuple(runs), None
    top = parents[1] if len(parents) > 1 else statement
    assert isinstance(top, ast.stmt)
    if is_main_guard(top):
        return (), None
    if isinstance(top, ast.ClassDef):
        raise Refusal("it stands in the body of a class, which runs again when `from_source` imports the module")
    names = {node.id for node in ast.walk(top) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    if any(context.passed_on(name) for name in names):
        raise Refusal(
            'other modules import the deployment from here; move it under `if __name__ == "__main__":` or into a function'
        )
    users = [
        other
        for other in context.module.tree.body
        if other is not top and any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(other))
    ]
    guards = [user for user in users if is_main_guard(user)]
    plain = [user for user in users if not is_main_guard(user)]
    if guards and not plain and top is statement:
        first = guards[0]
        assert isinstance(first, ast.If)
        return (top,), first
    if any(isinstance(user, (*FUNCTIONS, ast.ClassDef)) for user in plain):
        raise Refusal(
            'functions use the deployment, which `if __name__ == "__main__":` would take from them; build it inside of them'
        )
    if guards:
        raise Refusal('the deployment is used inside and outside of `if __name__ == "__main__":`; move all of it there')
    return (top, *plain), None


def _imports_this_module(context: Context, flow: ast.expr) -> bool:
    reference = context.module.resolve(flow)
    home = (
        reference.definition.module.path
        if reference is not None and reference.definition is not None
        else context.module.path
    )
    return home == context.module.path or context.project.imports(home, context.module.path)


def _unguarded_uses(context: Context, name: str, function: ast.AST) -> list[ast.stmt]:
    """Top-level statements that mention a function by name, outside of other functions, of classes and of the guard."""
    return [
        statement
        for statement in context.module.tree.body
        if statement is not function
        and not isinstance(statement, (*FUNCTIONS, ast.ClassDef))
        and not is_main_guard(statement)
        and any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement))
    ]


def is_main_guard(statement: ast.stmt) -> bool:
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"

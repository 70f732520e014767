"""How one call of `Deployment.build_from_flow` is rewritten, or why it is left."""

from __future__ import annotations

import ast
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from migrator.findings import Applicability
from migrator.model.module import Kind, Reference
from migrator.model.names import FUNCTIONS, span
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import (
    DOCS,
    KEPT_ATTRIBUTES,
    PATH,
    POOL,
    Refusal,
    Step,
    arguments_of,
    is_none,
    literal,
    names_pool,
    translated,
)
from migrator.rules.deployments.guard import guarded_statements, imported_elsewhere, is_main_guard

HANDED_ON = "What is handed on is another object on 3.x, a `RunnerDeployment`: check what is done with it"
HANDED_ON_ID = "`deploy(...)` returns the id of the deployment, not the deployment: check what is done with it"
_HOMES = ("prefect.deployments.Deployment", "prefect.deployments.deployments.Deployment")


@dataclass(frozen=True)
class Plan:
    """How one call is rewritten."""

    reference: Reference
    call: ast.Call
    receiver: str
    source: str
    entrypoint: str
    method: str
    awaited: bool
    steps: tuple[Step, ...]
    imports: tuple[str, ...]
    applicability: Applicability
    notes: tuple[str, ...]
    statement: ast.stmt
    guard: tuple[ast.stmt, ...]
    """The statements at the top level that have to go under the guard; empty where none is needed."""
    apply_call: Optional[ast.Call]
    """The `.apply()` that follows at once and that `deploy` takes in."""
    into: Optional[ast.If]
    """The guard that is there already, where the statement moves into it."""


def planned(context: Context, reference: Reference) -> Plan:
    tail = reference.qualified.partition(".Deployment")[2].strip(".")
    call = reference.call
    if tail == "" and call is not None:
        raise Refusal(
            "build it from the flow, `flow.from_source(...).to_deployment(...)`; the fields of a work pool's jobs are `job_variables`"
        )
    if tail == "load_from_yaml":
        raise Refusal(
            "the YAML of `prefect deployment build` is not read any more; describe the deployment in `prefect.yaml`"
        )
    if tail != "build_from_flow" or call is None:
        raise Refusal("use `flow.deploy(...)`, `flow.to_deployment(...)` or `prefect.deploy(...)`")
    arguments = arguments_of(context, call)
    flow = arguments.pop("flow", None)
    if flow is None or ("name" not in arguments and "**" not in arguments):
        raise Refusal("the call has no flow or no name")
    parents = reference.use.parents[:-1]
    statement = next(node for node in reversed(parents) if isinstance(node, ast.stmt))
    awaited = isinstance(parents[-1], ast.Await)
    _check_surroundings(context, parents, statement, awaited)
    receiver, entrypoint = _entrypoint(context, flow)
    steps, imports, notes, certain = translated(context, arguments)
    if "entrypoint" in arguments:
        entrypoint = _given_entrypoint(context, arguments["entrypoint"])
    source = '"."'
    if "path" in arguments and not is_none(arguments["path"]):
        source = context.module.source(arguments["path"])
        if literal(arguments["path"]) != ".":
            certain = False
            notes.append(PATH)
    applied = literal(arguments.get("apply"))
    if "apply" in arguments and not isinstance(applied, bool):
        raise Refusal(
            "whether it is applied is decided at run time; call `deploy(...)` or `to_deployment(...)` accordingly"
        )
    apply_call = _apply_call(parents)
    deploys = bool(applied) or apply_call is not None
    _check_uses(context, parents, statement, deploys)
    if _is_handed_on(context, parents, statement, call, apply_call):
        certain = False
        notes.append(HANDED_ON_ID if deploys else HANDED_ON)
    if not deploys and not names_pool(context, arguments):
        raise Refusal(POOL)
    guard, into = guarded_statements(context, statement, parents, flow)
    if not all(_statement_can_change(context, moved) for moved in guard):
        raise Refusal('what has to go under `if __name__ == "__main__":` shares its line with other statements')
    where = os.path.relpath(context.project.root(context.module.path), os.path.dirname(context.module.path))
    if where != ".":
        notes.append("Run it from the project's root, as before")
    if context.target.both:
        compat = context.target.compat
        notes.append(f"`{compat}` has to be importable where the flow runs: `migrator vendor`, or install it there")
    return Plan(
        reference, call, receiver, source, entrypoint, "deploy" if deploys else "to_deployment", awaited, tuple(steps), tuple(imports),
        Applicability.SAFE if certain else Applicability.UNSAFE, tuple(notes), statement, guard, apply_call, into,
    )  # fmt: skip


def _check_surroundings(context: Context, parents: Sequence[ast.AST], statement: ast.stmt, awaited: bool) -> None:
    """Raises Refusal where the call stands in a place that the rewriting does not reach."""
    function = next((node for node in reversed(parents) if isinstance(node, FUNCTIONS)), None)
    if isinstance(function, ast.AsyncFunctionDef) and not awaited:
        gathered = any(isinstance(node, ast.Call) for node in parents)
        raise Refusal(
            "`from_source()` must not run concurrently with itself; await the deployments one after the other"
            if gathered
            else "it is not awaited in an async function, so it is never built"
        )
    if isinstance(parents[-1], ast.Attribute) and _apply_call(parents) is None:
        raise Refusal("it is used at once in another way than `.apply()`; assign it to a variable first")
    if any(isinstance(node, ast.JoinedStr) for node in parents):
        raise Refusal("it stands in an f-string; assign it to a variable first")
    if not _statement_can_change(context, statement):
        raise Refusal("it shares its line with other statements; give it a line of its own")
    if context.target.both:
        _check_for_both(context, statement)
    if context.target.both and not isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)):
        raise Refusal(
            "it is part of a larger statement; assign it to a variable first, so that it can stand on a branch for each major"
        )


def _check_for_both(context: Context, statement: ast.stmt) -> None:
    """Raises Refusal where a branch for each major does not fit into the lines that are there."""
    imports = [imported for imported in context.module.names.imported if imported.target in _HOMES]
    if any(not _statement_can_change(context, imported.statement) for imported in imports):
        raise Refusal("its import shares a line with other statements; give it a line of its own")
    if len({imported.statement for imported in imports}) < len(imports):
        raise Refusal("`Deployment` is imported twice by one statement")
    inside = [
        reference
        for reference in context.module.references
        if reference.qualified.endswith(".Deployment.build_from_flow") and statement in reference.use.parents
    ]
    if len(inside) > 1:
        raise Refusal("its statement builds several deployments; give each a statement of its own")


def _check_uses(context: Context, parents: Sequence[ast.AST], statement: ast.stmt, deploys: bool) -> None:
    """Raises Refusal where a variable that holds the deployment is used as 3.x's cannot be."""
    names = _targets(statement)
    for node in ast.walk(_where_known(context, parents, names)):
        value = node.value if isinstance(node, ast.Attribute) else None
        if deploys and isinstance(node, ast.Name) and node.id in names and not isinstance(node.ctx, ast.Store):
            raise Refusal("it is applied at once and used afterwards; leave `apply=True` out and call `.apply()` on it")
        if isinstance(node, ast.Attribute) and isinstance(value, ast.Name) and value.id in names:
            if node.attr not in KEPT_ATTRIBUTES or not isinstance(node.ctx, ast.Load):
                raise Refusal(f"`{value.id}.{node.attr}` has no equivalent on what `to_deployment(...)` returns")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply":
            target = node.func.value
            if isinstance(target, ast.Name) and target.id in names and (node.args or node.keywords):
                raise Refusal(
                    "`apply(...)` takes other arguments on 3.x: code is never uploaded on deploying, and a queue's limit is set by "
                    "`prefect work-queue set-concurrency-limit`",
                    f"{DOCS}/store-flow-code",
                )


def _is_handed_on(
    context: Context,
    parents: Sequence[ast.AST],
    statement: ast.stmt,
    call: ast.Call,
    apply_call: Optional[ast.Call],
) -> bool:
    """Whether other code gets the result: it is returned, put into something, or given away by the variable that holds it."""
    whole: Optional[ast.AST] = parents[-1] if isinstance(parents[-1], ast.Await) else apply_call or call
    if isinstance(parents[-3] if apply_call is not None and len(parents) > 2 else None, ast.Await):
        whole = parents[-3]
    if isinstance(statement, ast.Expr):
        return statement.value is not whole
    plain = isinstance(statement, ast.AnnAssign) or (
        isinstance(statement, ast.Assign) and all(isinstance(target, ast.Name) for target in statement.targets)
    )
    if not plain or getattr(statement, "value", None) is not whole:
        return True
    names = _targets(statement)
    if not any(isinstance(node, FUNCTIONS) for node in parents) and imported_elsewhere(context, names):
        return True
    known = _where_known(context, parents, names)
    followed = {node.value for node in ast.walk(known) if isinstance(node, ast.Attribute)}
    return any(
        isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load) and node not in followed
        for node in ast.walk(known)
    )


def _targets(statement: ast.stmt) -> set[str]:
    """The variables that an assignment binds; none for other statements."""
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return set()
    return {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _where_known(context: Context, parents: Sequence[ast.AST], names: set[str]) -> ast.AST:
    """The function whose variables these are, or the module."""
    function = next((node for node in reversed(parents) if isinstance(node, FUNCTIONS)), None)
    if function is None or any(
        not names.isdisjoint(node.names) for node in ast.walk(function) if isinstance(node, (ast.Global, ast.Nonlocal))
    ):
        return context.module.tree
    return function


def _given_entrypoint(context: Context, value: ast.expr) -> str:
    given = literal(value)
    if isinstance(given, str) and ".py:" not in given:
        raise Refusal(
            "its entrypoint is a module path, which `from_source()` does not load on every 3.x; write `path/to/file.py:flow`"
        )
    return context.module.source(value)


def _entrypoint(context: Context, flow: ast.expr) -> tuple[str, str]:
    """The text of the flow, and the quoted `file:name` under which its module has it."""
    reference = context.module.resolve(flow) if isinstance(flow, (ast.Name, ast.Attribute)) else None
    definition = reference.definition if reference is not None and not reference.rest else None
    if definition is None or definition.kind is not Kind.FLOW:
        raise Refusal(
            f"the flow `{' '.join(context.module.source(flow).split())}` cannot be followed; call `from_source(...).deploy(...)` on the flow itself"
        )
    top = definition.module.names.module_scope.bindings.get(definition.name, [])
    made = [binding for binding in top if binding.node is definition.node]
    if any(is_main_guard(node) for binding in made for node in binding.parents):
        raise Refusal(
            f'the flow `{definition.name}` exists under `if __name__ == "__main__":` only, where a worker cannot load it; make it at the top level'
        )
    if not made:
        raise Refusal(
            f"the flow `{definition.name}` is not at the top level of its module, where a worker could load it"
        )
    root = context.project.root(context.module.path)
    relative = os.path.relpath(definition.module.path, root).replace(os.sep, "/")
    if relative.startswith("../"):
        raise Refusal(f"the flow `{definition.name}` is defined outside of this project")
    return context.module.source(flow), f'"{relative}:{definition.name}"'


def _statement_can_change(context: Context, statement: ast.stmt) -> bool:
    start, end = span(statement, context.module.index)
    index = context.module.index
    before = context.module.text[index.line_start(start) : start]
    row = index.position(max(end - 1, start))[0]
    after = context.module.text[
        end : index.starts[row] if row < len(index.starts) else len(context.module.text)
    ].strip()
    return not before.strip() and (not after or after.startswith("#"))


def _apply_call(parents: Sequence[ast.AST]) -> Optional[ast.Call]:
    """The `.apply()` without arguments in `Deployment.build_from_flow(...).apply()`, told by the nodes around the inner call."""
    outer = parents[-2] if len(parents) > 1 else None
    is_apply = isinstance(parents[-1], ast.Attribute) and parents[-1].attr == "apply"
    return outer if is_apply and isinstance(outer, ast.Call) and not outer.args and not outer.keywords else None

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
    translated,
    unpacks,
)
from migrator.rules.deployments.guard import guarded_statements


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
    _check_uses(context, statement, deploys)
    if not deploys and "work_pool_name" not in arguments and not unpacks(context, arguments, "work_pool_name"):
        raise Refusal(POOL)
    guard, into = guarded_statements(context, statement, parents, flow)
    where = os.path.relpath(context.project.root(context.module.path), os.path.dirname(context.module.path))
    if where != ".":
        notes.append("Run it from the project's root, as before")
    if context.target.both:
        notes.append("`compat` has to be importable where the flow runs: `migrator vendor`, or install it there")
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
    if not _statement_can_change(context, statement):
        raise Refusal("it shares its line with other statements; give it a line of its own")
    if context.target.both and not isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)):
        raise Refusal(
            "it is part of a larger statement; assign it to a variable first, so that it can stand on a branch for each major"
        )


def _check_uses(context: Context, statement: ast.stmt, deploys: bool) -> None:
    """Raises Refusal where a variable that holds the deployment is used as 3.x's cannot be."""
    if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
        return
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(context.module.tree):
        value = node.value if isinstance(node, ast.Attribute) else None
        if isinstance(node, ast.Attribute) and isinstance(value, ast.Name) and value.id in names:
            if deploys:
                raise Refusal(
                    "it is applied at once and used afterwards; leave `apply=True` out and call `.apply()` on it"
                )
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
    if not any(binding.node is definition.node for binding in top):
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

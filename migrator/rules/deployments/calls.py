"""How one call of `Deployment.build_from_flow` is rewritten, or why it is left."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional

from migrator.findings import Applicability
from migrator.model.module import Kind, Reference
from migrator.model.names import FUNCTIONS, is_none, span
from migrator.rewriting.names import can_add_import, local_name
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import (
    DOCS,
    KEPT_ATTRIBUTES,
    PATH,
    POOL,
    Blocks,
    Refusal,
    Step,
    arguments_of,
    literal,
    names_pool,
    says_nothing,
    translated,
)
from migrator.rules.deployments.guard import guarded_statements, imported_elsewhere, is_main_guard
from migrator.rules.deployments.infrastructure import Infrastructure, infrastructure_of
from migrator.rules.deployments.storage import Storage, storage_of

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
    applies: bool = False
    """Whether `.apply()` follows what `to_deployment` gives."""
    loads: bool = True
    """Whether the flow is read from its source while deploying; otherwise it is in the image already."""
    storage: Optional[Storage] = None
    infrastructure: Optional[Infrastructure] = None
    emptied: tuple[ast.Call, ...] = ()
    """The later calls of `.apply(...)` whose arguments go."""

    @property
    def shown(self) -> str:
        """The new call in short."""
        head = f"{self.receiver}.from_source(...)" if self.loads else self.receiver
        return f"{head}.{self.method}(...){'.apply()' if self.applies else ''}"


def planned(context: Context, reference: Reference, shared: frozenset[ast.stmt] = frozenset()) -> Plan:
    """How a use of `Deployment` is rewritten; `shared` are assignments that have to stay as they are, since others need them.

    Raises Refusal where it is left to the user.
    """
    tail = reference.qualified.partition(".Deployment")[2].strip(".")
    call = reference.call
    if tail in _BY_HAND:
        raise Refusal(_BY_HAND[tail], f"{DOCS}/prefect-yaml")
    if tail not in ("", "build_from_flow") or call is None:
        raise Refusal("use `flow.deploy(...)`, `flow.to_deployment(...)` or `prefect.deploy(...)`")
    arguments = arguments_of(context, call) if tail else _fields_of(call)
    flow = arguments.pop("flow", None)
    if (flow is None and tail) or ("name" not in arguments and "**" not in arguments):
        raise Refusal("the call has no flow or no name")
    parents = reference.use.parents[:-1]
    statement = next(node for node in reversed(parents) if isinstance(node, ast.stmt))
    awaited = isinstance(parents[-1], ast.Await)
    _check_surroundings(context, parents, statement, awaited)
    receiver, entrypoint = _entrypoint(context, flow) if flow is not None else _of_constructor(context, arguments)
    applied = literal(arguments.get("apply"))
    if "apply" in arguments and not isinstance(applied, bool):
        raise Refusal(
            "whether it is applied is decided at run time; call `deploy(...)` or `to_deployment(...)` accordingly"
        )
    apply_call = _apply_call(parents)
    deploys = bool(applied) or apply_call is not None
    # what `.apply()` gives is the id, on both
    emptied = _check_uses(context, parents, statement, deploys) if apply_call is None else ()
    storage = infrastructure = None
    if not says_nothing(context, "storage", arguments):
        storage = storage_of(context, arguments["storage"], arguments, parents)
    if not says_nothing(context, "infrastructure", arguments):
        infrastructure = infrastructure_of(context, arguments["infrastructure"], arguments, parents)
    loads = storage is not None or infrastructure is None or not infrastructure.containered
    image = infrastructure.image if infrastructure is not None and not loads and deploys else ""
    blocks = Blocks()
    if infrastructure is not None:
        variables = infrastructure.variables_beside_image if image else infrastructure.variables
        blocks = Blocks(infrastructure.pool, variables, image, True)
    done = translated(context, arguments, blocks, deploys or _is_applied(context, parents, statement))
    certain, notes = done.certain and storage is None and infrastructure is None, list(done.notes)
    if "entrypoint" in arguments and flow is not None:
        if not loads:
            raise Refusal(
                "its entrypoint is read from the flow's file on 3.x, where the flow is in an image; leave `entrypoint=` out"
            )
        entrypoint = _given_entrypoint(context, arguments["entrypoint"])
    source, of_path = '"."', ""
    if infrastructure is not None:
        notes += infrastructure.notes
    if storage is not None:
        source = storage.expression
        notes += storage.notes
        if storage.held.assignment is not None and (storage.stays or storage.held.assignment not in shared):
            source = context.module.source(arguments["storage"])
        entrypoint = _inside(storage.prefix, entrypoint)
    elif not loads:
        where = literal(arguments.get("path"))
        notes.append(
            f"the image's working directory (`WORKDIR`) has to be where the code lies in it, `{where if isinstance(where, str) else '/opt/prefect/flows'}` on 2.x"
        )
    elif "path" in arguments and not is_none(arguments["path"]):
        source = context.module.source(arguments["path"])
        if str(literal(arguments["path"])).startswith("~"):
            source, of_path = _at_home(context, source)
        if literal(arguments["path"]) != ".":
            certain = False
            notes.append(PATH)
    elif not tail:
        certain = False
        notes.append("It named no path, so the flow is looked for in the directory in which this is run")
    for each in (*emptied, *([apply_call] if apply_call is not None else [])):
        told = tuple(_of_apply(context, each, arguments))
        certain = certain and not told
        notes += told
    if _is_handed_on(context, parents, statement, call, apply_call):
        certain = False
        notes.append(HANDED_ON_ID if deploys else HANDED_ON)
    if not deploys and not names_pool(context, arguments) and not blocks.pool and not context.target.work_pool:
        raise Refusal("; ".join([*(infrastructure.notes[:1] if infrastructure else ()), POOL]))
    guard, into = guarded_statements(context, statement, parents, flow)
    if not all(stands_alone(context, moved) for moved in guard):
        raise Refusal('what has to go under `if __name__ == "__main__":` shares its line with other statements')
    if context.target.both:
        _check_assignments(context, storage, infrastructure)
    where_run = os.path.relpath(context.project.root(context.module.path), os.path.dirname(context.module.path))
    if where_run != ".":
        notes.append("Run it from the project's root, as before")
    if context.target.both:
        compat = context.target.compat
        notes.append(f"`{compat}` has to be importable where the flow runs: `migrator vendor`, or install it there")
    imports = [
        *done.imports,
        *(storage.imports if storage is not None else ()),
        *([of_path] if of_path else []),
        *(["prefect.flow"] if flow is None else []),
    ]
    applies = deploys and not loads and not image
    return Plan(
        reference, call, receiver, source, entrypoint, "deploy" if deploys and not applies else "to_deployment", awaited, tuple(done.steps),
        tuple(imports), Applicability.SAFE if certain else Applicability.UNSAFE, tuple(dict.fromkeys(notes)), statement, guard, apply_call, into,
        applies, loads, storage, infrastructure, emptied,
    )  # fmt: skip


_APPLIED_WITH = ("upload", "work_queue_concurrency")
_MEMBERS = {
    "load": "has no equivalent: 3.x always replaces what the server has; `client.read_deployment_by_name(...)` reads it",
    "update": "has no equivalent: give `to_deployment(...)` the values, or set the attribute",
    "upload_to_storage": "has no equivalent: put the code there yourself, for instance by the block's own `put_directory(...)`",
    "to_yaml": "has no equivalent: Prefect 3 reads no deployment YAML; describe the deployment in `prefect.yaml` (`prefect deploy`)",
    "location": "has no equivalent: `from_source(source=..., entrypoint=...)` says where the flow is",
}
"""What to do about the other members of 2.x's `Deployment`."""
_BY_HAND = {
    "load_from_yaml": "the YAML of `prefect deployment build` is not read any more; describe the deployment in `prefect.yaml`, which `migrator fix` "
    "makes of such a file, and register it by `prefect deploy --all`",
}


def _fields_of(call: ast.Call) -> dict[str, ast.expr]:
    """The arguments of `Deployment(...)` itself, which takes them by keyword."""
    if call.args or any(keyword.arg is None for keyword in call.keywords):
        raise Refusal("its fields cannot be followed; give them by keyword")
    return {str(keyword.arg): keyword.value for keyword in call.keywords}


def _of_constructor(context: Context, arguments: dict[str, ast.expr]) -> tuple[str, str]:
    """The text of the flow decorator and of the entrypoint, for a deployment that names its flow by its file."""
    if "entrypoint" not in arguments or is_none(arguments["entrypoint"]):
        raise Refusal(
            "build it from the flow, `flow.from_source(source=..., entrypoint=...).to_deployment(...)`; `path=` is the source, and the fields of a work "
            "pool's jobs are `job_variables`"
        )
    if not can_add_import(context.module, "prefect.flow"):
        raise Refusal(
            "`flow` means something else here; build it from the flow, `flow.from_source(source=..., entrypoint=...).to_deployment(...)`"
        )
    return local_name(context.module, "prefect.flow"), _given_entrypoint(context, arguments["entrypoint"])


def _at_home(context: Context, source: str) -> tuple[str, str]:
    """The text of a path that begins with `~`, which 2.x resolved and `from_source` does not, and what it needs to import."""
    from migrator.deployments.storage import EXPANDUSER

    if not can_add_import(context.module, EXPANDUSER):
        raise Refusal("its path begins with `~`, which `from_source` does not resolve; write the whole path")
    return f"{local_name(context.module, EXPANDUSER)}({source})", EXPANDUSER


def _inside(directory: str, entrypoint: str) -> str:
    """The text of an entrypoint in a directory of the source."""
    if not directory:
        return entrypoint
    given = ast.parse(entrypoint, mode="eval").body
    if not isinstance(given, ast.Constant):
        raise Refusal(f"its entrypoint cannot be followed, which lies in `{directory}` of the storage")
    return f'"{directory}/{given.value!s}"'


def _is_applied(context: Context, parents: Sequence[ast.AST], statement: ast.stmt) -> bool:
    """Whether the variable that holds the deployment is applied later."""
    names = _targets(statement)
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "apply"
        and isinstance(node.value, ast.Name)
        and node.value.id in names
        for node in (ast.walk(_where_known(context, parents, names)) if names else ())
    )


def _check_assignments(context: Context, storage: Optional[Storage], infrastructure: Optional[Infrastructure]) -> None:
    """Raises Refusal where the variable of a block cannot get a branch for each major."""
    for made in (storage, infrastructure):
        assignment = made.held.assignment if made is not None else None
        if assignment is not None and not stands_alone(context, assignment):
            raise Refusal("the variable of its block shares its line with other statements; give it a line of its own")


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
    if not stands_alone(context, statement):
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
    if any(not stands_alone(context, imported.statement) for imported in imports):
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


def _check_uses(
    context: Context, parents: Sequence[ast.AST], statement: ast.stmt, deploys: bool
) -> tuple[ast.Call, ...]:
    """The calls of the variable's `apply` whose arguments go; raises Refusal where it is used as 3.x's cannot be."""
    names = _targets(statement)
    applied: list[ast.Call] = []
    for node in ast.walk(_where_known(context, parents, names)):
        value = node.value if isinstance(node, ast.Attribute) else None
        if deploys and isinstance(node, ast.Name) and node.id in names and not isinstance(node.ctx, ast.Store):
            raise Refusal("it is applied at once and used afterwards; leave `apply=True` out and call `.apply()` on it")
        if isinstance(node, ast.Attribute) and isinstance(value, ast.Name) and value.id in names:
            if node.attr not in KEPT_ATTRIBUTES or not isinstance(node.ctx, ast.Load):
                why = _MEMBERS.get(node.attr, "has no equivalent on what `to_deployment(...)` returns")
                raise Refusal(f"`{value.id}.{node.attr}` {why}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply":
            target = node.func.value
            if isinstance(target, ast.Name) and target.id in names and (node.args or node.keywords):
                if context.target.both or not _is_upload(node):
                    raise Refusal(
                        "`apply(...)` takes other arguments on 3.x: code is never uploaded on deploying, and a queue's limit is set by "
                        "`prefect work-queue set-concurrency-limit`",
                        f"{DOCS}/store-flow-code",
                    )
                applied.append(node)
    return tuple(applied)


def _is_upload(call: ast.Call) -> bool:
    """Whether an `apply(...)` has the arguments of 2.x alone: the upload of the code, and the limit of the queue."""
    return len(call.args) <= len(_APPLIED_WITH) and all(keyword.arg in _APPLIED_WITH for keyword in call.keywords)


def _of_apply(context: Context, call: ast.Call, arguments: dict[str, ast.expr]) -> Iterator[str]:
    """What to do instead of the arguments of an `apply(...)`."""
    given = dict(zip(_APPLIED_WITH, call.args))
    given.update({str(keyword.arg): keyword.value for keyword in call.keywords})
    if literal(given.get("upload")) not in (None, False):
        yield "`apply(upload=...)` is dropped: nothing is uploaded on 3.x, put the code where it is read from yourself"
    limit = given.get("work_queue_concurrency")
    if limit is not None and not is_none(limit):
        queue, pool = (literal(arguments.get(name)) for name in ("work_queue_name", "work_pool_name"))
        yield (
            "`work_queue_concurrency=` is dropped: set it once by `prefect work-queue set-concurrency-limit "
            f"{queue if isinstance(queue, str) else 'QUEUE'} {context.module.source(limit)} --pool {pool if isinstance(pool, str) else 'POOL'}`"
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


def stands_alone(context: Context, statement: ast.stmt) -> bool:
    """Whether a statement has its lines for itself."""
    start, end = span(statement, context.module.index)
    index = context.module.index
    before = context.module.text[index.line_start(start) : start]
    row = index.position(max(end - 1, start))[0]
    after = context.module.text[
        end : index.starts[row] if row < len(index.starts) else len(context.module.text)
    ].strip()
    return not before.strip() and (not after or after.startswith("#"))


def _apply_call(parents: Sequence[ast.AST]) -> Optional[ast.Call]:
    """The `.apply()` in `Deployment.build_from_flow(...).apply()`, told by the nodes around the inner call."""
    outer = parents[-2] if len(parents) > 1 else None
    is_apply = isinstance(parents[-1], ast.Attribute) and parents[-1].attr == "apply"
    return outer if is_apply and isinstance(outer, ast.Call) and _is_upload(outer) else None

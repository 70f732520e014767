"""Async tasks and flows that sync code calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Optional

from migrator.findings import Applicability, Edit
from migrator.model.guards import only_on
from migrator.model.module import Definition, Kind, Reference
from migrator.model.names import last_name, span
from migrator.rewriting.names import add_import, can_add_import, local_name
from migrator.rules.asynchronous.callers import ASYNC, FLOW, HELPER, MODULE, TASK, Host, host_of, run_from
from migrator.rules.asynchronous.of_asyncio import can_import_asyncio, import_asyncio
from migrator.rules.base import Context, Draft, Mend

_RUNNERS = (
    "run|run_until_complete|gather|create_task|ensure_future|run_coroutine_threadsafe|run_sync|run_coro_as_sync|wait_for|shield|"
    "run_async|async_to_sync|from_async|start_soon|call_task"
)
_RUNS = re.compile(rf"(?:{_RUNNERS})")
_ASKS = re.compile(r"\b(?:isawaitable|iscoroutine|iscoroutinefunction)\b")


def never_awaited(context: Context) -> Iterator[Draft]:
    """The findings of PF421."""
    for reference in context.module.references:
        made = reference.definition
        if made is None or made.kind not in (Kind.TASK, Kind.FLOW) or not made.is_async:
            continue
        call = _call_of(reference)
        if call is None or "sync_compatible" in _other_decorators(made):
            continue
        host = host_of(context.module, reference.use.scope)
        is_task = made.kind is Kind.TASK
        if host.kind not in (FLOW, TASK, MODULE, HELPER) or (host.kind == MODULE and not is_task):
            continue
        if only_on((*reference.use.parents, call), context.module) is not None or _is_run(
            context, reference, call, host
        ):
            continue
        origins = run_from(context, host)
        if FLOW not in origins and not (is_task and host.kind != TASK and MODULE in origins):
            continue
        if MODULE in origins and context.module.path.endswith(".ipynb"):
            continue
        what = "task" if is_task else "flow"
        told = (
            f"The call gives a coroutine on Prefect 3, which nobody awaits in sync code: async {what} `{made.name}` never runs. "
            "Prefect 2 ran it and gave its value"
        )
        if ASYNC in origins:
            told += "; this code is also run by async code, where it was a coroutine on Prefect 2, too"
        yield context.draft(call, told, _mend(context, made, call, host, origins))


def _other_decorators(made: Definition) -> list[str]:
    """The names of what else decorates the function; Prefect's own `sync_compatible` makes it sync for Prefect 3."""
    listed = made.function.decorator_list if made.function is not None else []
    plain = [each.func if isinstance(each, ast.Call) else each for each in listed if each is not made.decorator]
    return [last_name(each) for each in plain]


def _call_of(reference: Reference) -> Optional[ast.Call]:
    """`load(1)` and `load.with_options(...)(1)`."""
    if not reference.rest:
        return reference.call
    if reference.rest == ("with_options",) and reference.call is not None and len(reference.use.parents) > 1:
        outer = reference.use.parents[-2]
        return outer if isinstance(outer, ast.Call) and outer.func is reference.call else None
    return None


def _is_run(context: Context, reference: Reference, call: ast.Call, host: Host) -> bool:
    """Whether the code takes it for a coroutine: hands it to what runs coroutines, or looks what it is."""
    parents = reference.use.parents
    at = parents.index(call)
    for parent in parents[:at]:
        if isinstance(parent, ast.Await):
            return True
        if isinstance(parent, ast.Call) and _RUNS.fullmatch(last_name(parent.func)):
            return True
    if host.function is None:
        source, names = context.module.text, _names_given(parents[:at])
    else:
        source, names = context.module.source(host.function), _names_given(parents[:at])
    if _ASKS.search(source):
        return True
    return any(
        re.search(rf"\b(?:{_RUNNERS})\([^\n]*\b{re.escape(name)}\b|\bawait {re.escape(name)}\b", source)
        for name in names
    )


def _names_given(parents: tuple[ast.AST, ...]) -> list[str]:
    """The variables that the value around a place goes to."""
    statement = next((each for each in reversed(parents) if isinstance(each, ast.stmt)), None)
    if isinstance(statement, ast.Assign):
        return [each.id for target in statement.targets for each in ast.walk(target) if isinstance(each, ast.Name)]
    value = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Name):
        return [value.func.value.id]
    return []


def _mend(context: Context, made: Definition, call: ast.Call, host: Host, origins: frozenset[str]) -> Optional[Mend]:
    is_task = made.kind is Kind.TASK
    if not origins <= {FLOW, MODULE} or (MODULE in origins and not is_task):
        return None
    if is_task and origins == {FLOW} and host.kind != TASK:
        return _submitted(context, made, call, host)
    if context.target.both:
        return _by_compat(context, call)
    return _by_asyncio(context, call)


def _submitted(context: Context, made: Definition, call: ast.Call, host: Host) -> Optional[Mend]:
    """`load(1)` becomes `load.submit(1).result()`; with `return_state=True` `load.submit(1, return_state=True)`."""
    _, end = span(call.func, context.module.index)
    edits = [Edit(end, end, ".submit")]
    asked = next((each.value for each in call.keywords if each.arg in (None, "return_state")), None)
    if asked is None:
        _, call_end = span(call, context.module.index)
        edits.append(Edit(call_end, call_end, ".result()"))
    elif not isinstance(asked, ast.Constant) or asked.value is not True:
        return None
    options = host.definition.options if host.kind == FLOW and host.definition is not None else {"**"}
    sure = not {"task_runner", "**"} & set(options) and not _other_decorators(made)
    applicability = Applicability.SAFE if sure else Applicability.UNSAFE
    return Mend(applicability, "Submit it and wait for the result", lambda: edits)


def _by_compat(context: Context, call: ast.Call) -> Optional[Mend]:
    """`load(1)` becomes `call_task(load, 1)`."""
    module, home = context.module, f"{context.target.compat}.call_task"
    start, end = span(call.func, module.index)
    if not can_add_import(module, home) or module.text[end : end + 1] != "(":
        return None
    gap = "" if not call.args and not call.keywords else "," if module.text[end + 1] in "\r\n" else ", "
    edits = [Edit(start, start, f"{local_name(module, home)}("), Edit(end, end + 1, gap)]
    return Mend(Applicability.SAFE, f"Use `{home}`", lambda: [*edits, *add_import(module, home)])


def _by_asyncio(context: Context, call: ast.Call) -> Optional[Mend]:
    """`load(1)` becomes `asyncio.run(load(1))`."""
    module = context.module
    if not can_import_asyncio(context):
        return None
    start, end = span(call, module.index)
    edits = [Edit(start, start, "asyncio.run("), Edit(end, end, ")")]
    return Mend(Applicability.UNSAFE, "Run it on an event loop of its own", lambda: [*edits, *import_asyncio(context)])

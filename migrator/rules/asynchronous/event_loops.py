"""Sync code that starts an event loop where one is running, and results of states that come as coroutines."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Optional

from migrator.findings import Applicability, Edit
from migrator.model.guards import only_on
from migrator.model.module import Kind, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode, span
from migrator.rules.asynchronous.callers import ASYNC, FLOW, HELPER, MODULE, TASK, host_of
from migrator.rules.asynchronous.of_asyncio import can_import_asyncio, import_asyncio
from migrator.rules.base import Context, Draft, Mend

_STARTS = ("asyncio.run", "anyio.run")
_DEEPEST = 5


def loops_in_loops(context: Context) -> Iterator[Draft]:
    """The findings of PF422."""
    module = context.module
    if "async def" not in module.text:
        return
    for reference in module.references:
        made = reference.definition
        if made is None or made.kind not in (Kind.TASK, Kind.FLOW) or reference.rest or made.function is None:
            continue
        call = reference.call
        if call is None or made.is_async or not _in_async_flow(module, reference):
            continue
        started = _starts_loop(made.function_module or made.module, made.function, 0)
        if started is None or only_on(reference.use.parents, module) is not None or _is_handled(reference):
            continue
        told = (
            f"`{made.name}` runs `{started}`, which raises RuntimeError on Prefect 3: sync {made.kind.value}s that an async flow calls run in the thread of "
            "its event loop there. Prefect 2 gave them a thread of their own"
        )
        yield context.draft(call, told, _in_thread(context, reference, call))


def _in_async_flow(module: Module, reference: Reference) -> bool:
    """Whether a use stands directly in the body of an async flow, not in a function or lambda within."""
    scope = reference.use.scope
    while not isinstance(scope.node, (*FUNCTIONS, ast.Lambda, ast.Module)) and scope.parent is not None:
        scope = scope.parent
    host = host_of(module, scope)
    is_flow = host.definition is not None and host.definition.kind is Kind.FLOW
    return host.kind == ASYNC and host.function is scope.node and is_flow


def _is_handled(reference: Reference) -> bool:
    """Whether the call is the body of a lambda or already given to a thread."""
    return any(isinstance(each, ast.Lambda) for each in reference.use.parents)


def _starts_loop(module: Module, function: FunctionNode, depth: int) -> Optional[str]:
    """The call by which a sync function, or one that it calls, starts an event loop; None where none does, or where it looks for one first."""
    if isinstance(function, ast.AsyncFunctionDef) or "nest_asyncio" in module.text or "get_running_loop" in module.text:
        return None
    functions = {each.name: each for each in module.tree.body if isinstance(each, ast.FunctionDef)}
    for node in (each for statement in function.body for each in ast.walk(statement)):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Attribute):
            if module.source(node.func) in _STARTS or node.func.attr == "run_until_complete":
                return module.source(node.func)
        elif isinstance(node.func, ast.Name) and node.func.id in functions and depth < _DEEPEST:
            inner = functions[node.func.id]
            definition = module.definitions.get(inner)
            if definition is None or definition.kind is Kind.FUNCTION:
                found = _starts_loop(module, inner, depth + 1)
                if found is not None:
                    return found
    return None


def _in_thread(context: Context, reference: Reference, call: ast.Call) -> Optional[Mend]:
    """`load(1)` becomes `await asyncio.to_thread(load, 1)`."""
    module = context.module
    around = reference.use.parents[:-1]
    start, end = span(call, module.index)
    _, name_end = span(call.func, module.index)
    if not can_import_asyncio(context) or module.text[name_end : name_end + 1] != "(":
        return None
    if any(isinstance(each, (ast.GeneratorExp, ast.Await)) for each in around):
        return None
    gap = "" if not call.args and not call.keywords else "," if module.text[name_end + 1] in "\r\n" else ", "
    opened, closed = ("(", ")") if isinstance(around[-1], (ast.Attribute, ast.Subscript)) else ("", "")
    edits = [Edit(start, start, f"{opened}await asyncio.to_thread("), Edit(name_end, name_end + 1, gap)]
    if closed:
        edits.append(Edit(end, end, closed))
    return Mend(Applicability.UNSAFE, "Run it in a thread", lambda: [*edits, *import_asyncio(context)])


def state_results(context: Context) -> Iterator[Draft]:
    """The findings of PF423."""
    module = context.module
    if "get_state_result" not in module.text or not context.target.reaches("3.3"):
        return
    for reference in module.references:
        call = reference.call
        if reference.qualified != "prefect.states.get_state_result" or call is None:
            continue
        parents = reference.use.parents
        if (
            host_of(module, reference.use.scope).kind not in (FLOW, TASK, MODULE, HELPER)
            or only_on(parents, module) is not None
        ):
            continue
        if any(isinstance(each, (ast.Await, ast.Call)) for each in parents[:-1]):
            continue
        told = "`get_state_result` gives a coroutine from Prefect 3.3 on, in sync code too; `state.result()` gives the value"
        yield context.draft(call, told, _asked(context, call))


def _asked(context: Context, call: ast.Call) -> Optional[Mend]:
    """`get_state_result(state)` becomes `state.result()`."""
    if len(call.args) != 1 or not isinstance(call.args[0], (ast.Name, ast.Attribute, ast.Call)):
        return None
    if any(each.arg != "raise_on_failure" for each in call.keywords):
        return None
    start, end = span(call, context.module.index)
    first, last = span(call.args[0], context.module.index)
    more = ", ".join(context.module.source(each) for each in call.keywords)
    edits = [Edit(start, first, ""), Edit(last, end, f".result({more})")]
    return Mend(Applicability.SAFE, "Use `state.result()`", lambda: edits)

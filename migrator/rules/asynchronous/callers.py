"""From where a piece of code is run: out of sync flows, out of async code, or by the module itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional

from migrator.model.module import Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode, Scope
from migrator.rules.base import Context

FLOW, TASK, HELPER, MODULE, ASYNC, UNKNOWN = "flow", "task", "helper", "module", "async", "unknown"


@dataclass(frozen=True)
class Host:
    """The function in which code stands, as far as Prefect is concerned."""

    kind: str
    """`flow` and `task` are sync ones, `helper` is a plain sync function, `async` any async one; `unknown` a lambda."""
    function: Optional[FunctionNode] = None
    definition: Optional[Definition] = None


def host_of(module: Module, scope: Scope) -> Host:
    """Where code in this scope stands. An async function around it counts first of all, then a task or flow, then the outermost function."""
    helper: Optional[Host] = None
    inner: Optional[Scope] = scope
    while inner is not None:
        node = inner.node
        if isinstance(node, ast.Lambda):
            return Host(UNKNOWN)
        if isinstance(node, FUNCTIONS):
            definition = _made_of(module, node)
            if isinstance(node, ast.AsyncFunctionDef):
                return Host(ASYNC, node, definition)
            if definition is not None and definition.kind in (Kind.TASK, Kind.FLOW):
                return Host(TASK if definition.kind is Kind.TASK else FLOW, node, definition)
            helper = Host(HELPER, node, definition)
        inner = inner.parent
    return helper or Host(MODULE)


def run_from(context: Context, host: Host) -> frozenset[str]:
    """The kinds of code that run a host, through helpers and tasks of the project: `flow`, `module`, `async`, `unknown`; empty where nobody does. A test is run as a module is."""
    if host.kind not in (TASK, HELPER):
        return frozenset({host.kind})
    if host.kind == HELPER and host.function is not None and host.function.name.startswith("test_"):
        return frozenset({MODULE})
    found: set[str] = set()
    seen: set[tuple[str, int]] = set()
    assert host.function is not None
    waiting = [(context.module, host.function)]
    while waiting:
        module, function = waiting.pop()
        if (module.path, function.lineno) in seen:
            continue
        seen.add((module.path, function.lineno))
        for other, reference in _uses(context, module, function):
            if reference.call is None or reference.rest not in ((), ("submit",), ("map",), ("with_options",)):
                if not reference.rest and not reference.use.in_string:
                    found.add(UNKNOWN)
                continue
            caller = host_of(other, reference.use.scope)
            if caller.kind in (TASK, HELPER):
                assert caller.function is not None
                waiting.append((other, caller.function))
            else:
                found.add(caller.kind)
    return frozenset(found)


def _uses(context: Context, module: Module, function: FunctionNode) -> Iterator[tuple[Module, Reference]]:
    """The uses of a function, or of the task that it is, in the project."""
    for path in (module.path, *context.project.users_of(module.path)):
        other = module if path == module.path else context.project.module(path)
        for reference in other.references if other is not None else ():
            made = reference.definition
            if made is None or made.function is None:
                continue
            home = made.function_module or made.module
            if home.path == module.path and made.function.lineno == function.lineno:
                yield other, reference  # type: ignore[misc]


def _made_of(module: Module, node: FunctionNode) -> Optional[Definition]:
    """The task, the flow or the helper that a function of a module is."""
    definition = module.definitions.get(node)
    if definition is not None and definition.kind in (Kind.TASK, Kind.FLOW):
        return definition
    for other in module.definitions.values():
        if other.function is node and other.kind in (Kind.TASK, Kind.FLOW) and other.function_module in (None, module):
            return other
    return definition

"""Tasks that run tasks."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.module import Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS
from migrator.rules.base import Context, Draft, Mend, rule

_URL = "https://docs.prefect.io/v3/concepts/tasks"
_RUNNING = {(): "called", ("submit",): "submitted", ("map",): "mapped"}
_HARMLESS = frozenset({"name", "description", "task_run_name", "log_prints", "viz_return_value", "version"})
"""Options that only say how a run is shown: calling the function without them changes no work."""
_VERSIONS = "refused before 2.16.9 (`RuntimeError: Tasks cannot be run from within tasks`), a task run of its own from 2.16.9 on and on 3.x"


@rule("PF401", "task-in-task", Severity.INFO, "unsafe or none", _URL)
def task_in_task(context: Context) -> Iterator[Draft]:
    """Know what a task does that runs another task.

    Prefect 2 before 2.16.9 refuses it: `RuntimeError: Tasks cannot be run from within tasks. Did you mean to call this task in a flow?`, whether it is called,
    submitted or mapped. From 2.16.9 on and on every 3.x it is allowed, and the inner task is a run of its own. So nothing breaks on Prefect 3; with
    `--target both` it is a warning, because older 2.x workers fail.

    On 3.x a submitted task that submits another one and waits for it deadlocks where the task runner has no free worker.

    The fix calls the plain function (`inner.fn(...)`), which runs on every version, without a task run of its own. An inner task with options that would be
    lost (retries, caching, timeout, tags, result storage) has no fix: compose the two tasks in the flow instead, `outer(inner(x))`.

    ## Example
    ```python
    from prefect import task

    @task
    def clean(row):
        return row.strip()

    @task
    def transform(rows):
        return [clean(row) for row in rows]
    ```

    ## Use instead
    ```python
    from prefect import task

    @task
    def clean(row):
        return row.strip()

    @task
    def transform(rows):
        return [clean.fn(row) for row in rows]
    ```

    ## Fix safety
    Unsafe: the inner task is no longer a task run of its own, with a state and a log in the UI.
    """
    reach = _reached_from_tasks(context)
    for reference in context.module.references:
        definition = reference.definition
        if definition is None or definition.kind is not Kind.TASK or reference.rest not in _RUNNING:
            continue
        call = reference.call
        if call is None:
            continue
        outer = _task_around(context.module, reference)
        if outer is not None:
            yield _nested(context, reference, call, outer.name, None)
        else:
            helper = reference.use.scope.function
            task = reach.get((context.module.path, helper.lineno)) if helper is not None else None
            if helper is not None and task is not None:
                yield _nested(context, reference, call, task, helper.name)


def _nested(context: Context, reference: Reference, call: ast.Call, outer: str, helper: Optional[str]) -> Draft:
    inner = reference.definition
    assert inner is not None
    how = _RUNNING[reference.rest]
    place = f"from task `{outer}` through `{helper}`" if helper else f"from within task `{outer}`"
    message = f"Task `{inner.name}` is {how} {place}: {_VERSIONS}"
    severity = Severity.WARNING if context.target.both else Severity.INFO
    lost = sorted(set(inner.options) - _HARMLESS)
    if lost:
        message += f". Its options ({', '.join(lost)}) would be lost by calling the function; compose the tasks in the flow: `{outer}({inner.name}(...))`"
    elif reference.rest == ("map",):
        message += ". Map in the flow, or call the function for each element"
    elif helper is not None:
        message += f". `{helper}` may also be called from flows, so it is left as it is"
    mend = None if lost or helper is not None else _plain_call(context, reference, call)
    return Draft(reference.start, reference.end, message, mend, severity)


def _plain_call(context: Context, reference: Reference, call: ast.Call) -> Optional[Mend]:
    """`inner(x)` and `inner.submit(x).result()` become `inner.fn(x)`; what needs a future has no such form."""
    if any(keyword.arg in ("wait_for", "return_state") for keyword in call.keywords):
        return None
    message = "Call the plain function"
    if not reference.rest:
        return Mend(Applicability.UNSAFE, message, lambda: [Edit(reference.end, reference.end, ".fn")])
    if reference.rest != ("submit",):
        return None
    grand = reference.use.parents[-2] if len(reference.use.parents) > 1 else None
    outer = reference.use.parents[-3] if len(reference.use.parents) > 2 else None
    if (
        isinstance(grand, ast.Attribute)
        and grand.attr == "result"
        and isinstance(outer, ast.Call)
        and not outer.args
        and not outer.keywords
    ):
        index = context.module.index
        call_end = index.offset(call.end_lineno or 0, call.end_col_offset or 0)
        outer_end = index.offset(outer.end_lineno or 0, outer.end_col_offset or 0)
        name_end = reference.use.ends[-2]
        return Mend(
            Applicability.UNSAFE, message, lambda: [Edit(name_end, reference.end, ".fn"), Edit(call_end, outer_end, "")]
        )
    return None


def _task_around(module: Module, reference: Reference) -> Optional[Definition]:
    """The task in whose body a reference stands; None in a flow, in a plain function, and in decorators and defaults."""
    scope = reference.use.scope
    while scope is not None:
        if isinstance(scope.node, FUNCTIONS):
            definition = module.definitions.get(scope.node)
            if definition is not None and definition.kind is Kind.TASK:
                return definition
            if definition is not None and definition.kind is Kind.FLOW:
                return None
            for other in module.definitions.values():
                if other.kind is Kind.TASK and other.function is scope.node and other.function_module in (None, module):
                    return other
        scope = scope.parent  # type: ignore[assignment]
    return None


Place = tuple[str, int]
"""A function, by its file and row: a module may be parsed anew in between."""


def _reached_from_tasks(context: Context) -> Mapping[Place, str]:
    """The helper functions of this module that a task of the project calls, each with the name of such a task."""
    reached: dict[Place, str] = {}
    for module in _modules_around(context):
        for reference in module.references:
            definition = reference.definition
            if definition is None or definition.kind is not Kind.FUNCTION or reference.call is None or reference.rest:
                continue
            outer = _task_around(module, reference)
            if outer is not None:
                _spread(definition, outer.name, reached, set())
    return reached


def _spread(definition: Definition, task: str, reached: dict[Place, str], seen: set[Place]) -> None:
    function = definition.function
    if function is None or (definition.path, function.lineno) in seen:
        return
    seen.add((definition.path, function.lineno))
    reached.setdefault((definition.path, function.lineno), task)
    for reference in definition.module.references_in(function):
        inner = reference.definition
        if inner is not None and inner.kind is Kind.FUNCTION and reference.call is not None and not reference.rest:
            _spread(inner, task, reached, seen)


def _modules_around(context: Context) -> Iterator[Module]:
    """This module, and those that call its helpers."""
    yield context.module
    if any(_in_helper(context.module, reference) for reference in context.module.references):
        for path in context.project.importers_of(context.module.path):
            module = context.project.module(path)
            if module is not None:
                yield module


def _in_helper(module: Module, reference: Reference) -> bool:
    """Whether a task is run in a function that is neither a task nor a flow itself."""
    definition = reference.definition
    if (
        definition is None
        or definition.kind is not Kind.TASK
        or reference.call is None
        or reference.rest not in _RUNNING
    ):
        return False
    function = reference.use.scope.function
    outer = module.definitions.get(function) if function is not None else None
    return function is not None and (outer is None or outer.kind is Kind.FUNCTION)


RULES = (task_in_task,)

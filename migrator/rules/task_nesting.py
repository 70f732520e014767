"""Tasks that run tasks."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.module import Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode, span
from migrator.rewriting.names import add_import, can_add_import, local_name
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.results.returned import states_returned

_URL = "https://docs.prefect.io/v3/concepts/tasks"
_RUNNING = {(): "called", ("submit",): "submitted", ("map",): "mapped"}
_HARMLESS = frozenset({"name", "description", "task_run_name", "log_prints", "viz_return_value", "version"})
"""Options that only say how a run is shown: calling the function without them changes no work."""
_VERSIONS = "refused before 2.16.9 (`RuntimeError: Tasks cannot be run from within tasks`), a task run of its own from 2.16.9 on and on 3.x"
_MAPPED = ". Map in the flow, or call the function for each element"
_UNRESOLVED = frozenset({"unmapped", "allow_failure", "quote"})
"""Prefect's annotations, which the run of a task takes off its arguments; `.fn` gets them as they are."""
_GAP = re.compile(r"\s*")
_ADDING = frozenset({"append", "extend", "insert", "add", "update", "setdefault", "appendleft", "put"})


@rule("PF401", "task-in-task", Severity.INFO, "unsafe or none", _URL)
def task_in_task(context: Context) -> Iterator[Draft]:
    """Know what a task does that runs another task.

    Prefect 2 before 2.16.9 refuses it: `RuntimeError: Tasks cannot be run from within tasks. Did you mean to call this task in a flow?`, whether it is called,
    submitted or mapped. From 2.16.9 on and on every 3.x it is allowed, and the inner task is a run of its own. So nothing breaks on Prefect 3; with
    `--target both` it is a warning, because older 2.x workers fail.

    On 3.x a submitted task that submits another one and waits for it deadlocks where the task runner has no free worker.

    The fix calls the plain function (`inner.fn(...)`), which runs on every version, without a task run of its own. An inner task with options that would be
    lost (retries, caching, timeout, tags, result storage) has no fix: compose the two tasks in the flow instead, `outer(inner(x))`.

    With `--target both` the fix is `call_task(inner, ...)` of `compat`: a task run of its own wherever the release allows it, the plain function elsewhere.

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
    Unsafe: the inner task is no longer a task run of its own, with a state and a log in the UI. With `--target both` safe for a plain call, which stays
    what it was wherever it was allowed; unsafe for `inner.submit(...).result()`, which runs in another thread.
    """
    reach = _reached_from_tasks(context)
    for reference in context.module.references:
        how = _running(context.module, reference)
        if how is None:
            continue
        outer = _task_around(context.module, reference)
        if outer is not None:
            yield _nested(context, reference, how, outer)
        else:
            helper = reference.use.scope.function
            task = reach.get((context.module.path, helper.lineno)) if helper is not None else None
            if helper is not None and task is not None:
                yield _nested_in_helper(context, reference, how, task, helper.name)
    yield from _methods(context)


def _running(module: Module, reference: Reference) -> Optional[str]:
    """How a reference to a task runs it, or lets it be run; None where it does not."""
    definition = reference.definition
    if definition is None or definition.kind is not Kind.TASK:
        return None
    call = reference.call
    if call is None:
        return _handed_on(module, reference)
    if reference.rest == ("with_options",):
        return _run_with_options(reference, call)
    return _RUNNING.get(reference.rest)


def _run_with_options(reference: Reference, call: ast.Call) -> Optional[str]:
    """`inner.with_options(...)(x)` and `inner.with_options(...).submit(x)`."""
    around = [*reversed(reference.use.parents[:-1])]
    if around and isinstance(around[0], ast.Call) and around[0].func is call:
        return _RUNNING[()]
    if len(around) > 1 and isinstance(around[0], ast.Attribute) and isinstance(around[1], ast.Call):
        return _RUNNING.get((around[0].attr,)) if around[1].func is around[0] else None
    return None


def _handed_on(module: Module, reference: Reference) -> Optional[str]:
    """`map(inner, xs)`, `filter(inner, xs)`, `partial(inner, 1)`, `executor.submit(inner, 1)`: the first argument of what calls it."""
    parent = reference.parent
    if reference.rest not in _RUNNING or not isinstance(parent, ast.Call):
        return None
    if not parent.args or parent.args[0] is not reference.node:
        return None
    taker = parent.func
    if isinstance(taker, ast.Name) and taker.id in ("map", "filter", "partial"):
        return f"handed to `{taker.id}`"
    if isinstance(taker, ast.Attribute) and taker.attr in ("submit", "map", "partial"):
        receiver = module.resolve(taker)
        if receiver is None or receiver.definition is None or receiver.definition.kind is not Kind.TASK:
            return f"handed to `{taker.attr}`"
    return None


def _nested(context: Context, reference: Reference, how: str, outer: Definition) -> Draft:
    """A task that is run in the body of a task."""
    inner = reference.definition
    assert inner is not None
    message = f"Task `{inner.name}` is {how} from within task `{outer.name}`{_chance(reference)}: {_VERSIONS}"
    mend = _call_task(context, reference) if context.target.both else None
    hindrance = ""
    if mend is None:
        hindrance = _lost_options(reference, outer.name) or _hindrance(context, reference, outer)
        mend = None if hindrance else _plain_call(context, reference)
    return Draft(reference.start, reference.end, message + hindrance, mend, _severity(context))


def _nested_in_helper(context: Context, reference: Reference, how: str, outer: str, helper: str) -> Draft:
    """A task that is run in a function which a task calls."""
    inner = reference.definition
    assert inner is not None
    message = f"Task `{inner.name}` is {how} from task `{outer}` through `{helper}`{_chance(reference)}: {_VERSIONS}"
    mend = _call_task(context, reference) if context.target.both else None
    if mend is not None:
        return Draft(reference.start, reference.end, message, mend, _severity(context))
    hindrance = _lost_options(reference, outer)
    if not hindrance and reference.rest == ("map",):
        hindrance = _MAPPED
    if not hindrance:
        hindrance = f". `{helper}` may also be called from flows, so it is left as it is"
    return Draft(reference.start, reference.end, message + hindrance, None, _severity(context))


def _severity(context: Context) -> Severity:
    return Severity.WARNING if context.target.both else Severity.INFO


def _chance(reference: Reference) -> str:
    return "" if reference.call is not None else ", which may run it there"


def _lost_options(reference: Reference, outer: str) -> str:
    """The end of the message for an inner task whose options the plain function has not; the empty string for any other."""
    inner = reference.definition
    assert inner is not None
    options = set(inner.options)
    if reference.rest == ("with_options",) and reference.call is not None:
        options |= {keyword.arg or "**" for keyword in reference.call.keywords}
    lost = sorted(options - _HARMLESS)
    if not lost:
        return ""
    return f". Its options ({', '.join(lost)}) would be lost by calling the function; compose the tasks in the flow: `{outer}({inner.name}(...))`"


def _hindrance(context: Context, reference: Reference, outer: Definition) -> str:
    """The end of the message for a call that `inner.fn(...)` cannot stand for; the empty string where it can."""
    inner, call = reference.definition, reference.call
    assert inner is not None
    if call is None:
        return ". Hand on its function, `.fn`, if it need not be a task run"
    if reference.rest == ("map",):
        return _MAPPED
    if reference.rest == ("with_options",):
        return ". Make the task with these options, or compose the two in the flow"
    if inner.function is None:
        return f". The function of `{inner.name}` is not known, so the call is left as it is"
    if inner.is_async and (reference.rest or not _is_awaited(reference, call)):
        return ". Its function is a coroutine function and is not awaited here, so the call is left as it is"
    assert outer.function is not None
    if outer.node is not outer.function and _used_without_task(context, outer.function):
        return f". `{outer.function.name}` is also used without the task, so it is left as it is"
    nested = reference.use.scope.function is not outer.function
    if _takes_futures(call, outer.function) or (nested and _has_future(outer.function, frozenset())):
        return ". It is given futures, states or annotations, which only a task run resolves; pass their results"
    if states_returned(inner):
        return (
            ". It may return a state, which a task run raises and its function hands on, so the call is left as it is"
        )
    return ""


def _is_awaited(reference: Reference, call: ast.Call) -> bool:
    """`await inner(x)`, `asyncio.gather(inner(x))` and `asyncio.gather(*[inner(x) for x in xs])`."""
    around = [*reversed(reference.use.parents[:-1])]
    if around and isinstance(around[0], ast.Await):
        return True
    if (
        len(around) > 1
        and isinstance(around[0], (ast.ListComp, ast.GeneratorExp))
        and around[0].elt is call
        and isinstance(around[1], ast.Starred)
    ):
        around = around[2:]
    taker = around[0].func if around and isinstance(around[0], ast.Call) else None
    return (
        isinstance(taker, ast.Attribute)
        and taker.attr == "gather"
        and isinstance(taker.value, ast.Name)
        and taker.value.id == "asyncio"
    )


def _used_without_task(context: Context, function: FunctionNode) -> bool:
    """Whether a function that `task(function)` made a task of may be used otherwise too: named elsewhere, or by other modules."""
    module = context.module
    made = {
        id(task.node) for task in module.definitions.values() if task.kind is Kind.TASK and task.function is function
    }
    names = sum(isinstance(node, ast.Name) and node.id == function.name for node in ast.walk(module.tree))
    attributes = any(isinstance(node, ast.Attribute) and node.attr == function.name for node in ast.walk(module.tree))
    return names > len(made) or attributes or context.passed_on(function.name)


def _takes_futures(call: ast.Call, function: FunctionNode) -> bool:
    """Whether an argument may hold what only a task run resolves: futures, states, `unmapped(...)` and its like."""
    names = _names_of_futures(function)
    return any(_has_future(value, names) for value in [*call.args, *(keyword.value for keyword in call.keywords)])


def _has_future(node: ast.AST, names: frozenset[str]) -> bool:
    """Whether an expression contains a future or one of the names; `.result()` of one is none."""
    waiting = [node]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner, ast.Name) and inner.id in names:
            return True
        if isinstance(inner, ast.Call):
            attribute = inner.func.attr if isinstance(inner.func, ast.Attribute) else None
            if attribute == "result":
                continue
            if attribute in ("submit", "map") or (attribute or getattr(inner.func, "id", None)) in _UNRESOLVED:
                return True
            if any(keyword.arg == "return_state" for keyword in inner.keywords):
                return True
        waiting.extend(ast.iter_child_nodes(inner))
    return False


def _names_of_futures(function: FunctionNode) -> frozenset[str]:
    """The names that a function binds to what may hold futures, or puts futures into."""
    bound = [pair for node in ast.walk(function) for pair in _bound(node)]
    names: frozenset[str] = frozenset()
    while True:
        more = names.union(*(targets for targets, value in bound if _has_future(value, names)))
        if more == names:
            return names
        names = more


def _bound(node: ast.AST) -> Iterator[tuple[frozenset[str], ast.AST]]:
    """The names that a statement or expression binds or adds to, each with the value."""
    if isinstance(node, ast.Assign):
        yield from ((_names_in(target), node.value) for target in node.targets)
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)) and node.value is not None:
        yield _names_in(node.target), node.value
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        yield _names_in(node.target), node.iter
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        yield _names_in(node.optional_vars), node.context_expr
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _ADDING:
        yield from ((_names_in(node.func.value), value) for value in node.args)


def _names_in(node: ast.AST) -> frozenset[str]:
    return frozenset(inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def _plain_call(context: Context, reference: Reference) -> Optional[Mend]:
    """`inner(x)` and `inner.submit(x).result()` become `inner.fn(x)`; what needs a future has no such form."""
    call = reference.call
    assert call is not None
    if any(keyword.arg in ("wait_for", "return_state") for keyword in call.keywords):
        return None
    message = "Call the plain function"
    if not reference.rest:
        return Mend(Applicability.UNSAFE, message, lambda: [Edit(reference.end, reference.end, ".fn")])
    result = _result_read_at_once(context, reference)
    if result is None:
        return None
    name_end = reference.use.ends[-2]
    return Mend(Applicability.UNSAFE, message, lambda: [Edit(name_end, reference.end, ".fn"), result])


def _call_task(context: Context, reference: Reference) -> Optional[Mend]:
    """`inner(x)` and `inner.submit(x).result()` become `call_task(inner, x)` of `compat`; None for what has no such form."""
    call, module, home = reference.call, context.module, f"{context.target.compat}.call_task"
    if call is None or reference.rest not in ((), ("submit",)) or not can_add_import(module, home):
        return None
    begin, call_end = span(call, module.index)
    opening = module.text.find("(", reference.end, call_end)
    if module.text[reference.end : opening].strip() or begin != reference.start:
        return None
    if any(keyword.arg == "return_state" for keyword in call.keywords):
        return None
    edits = []
    name_end = reference.end
    if reference.rest:
        result = _result_read_at_once(context, reference)
        if result is None:
            return None
        edits.append(result)
        name_end = reference.use.ends[-2]
    name, gap = module.text[begin:name_end], _GAP.match(module.text, opening + 1)[0]  # type: ignore[index]
    if not call.args and not call.keywords:
        opened = f"({name}"
    elif "\n" in gap or "\r" in gap:
        opened = f"({gap}{name},"
    else:
        opened = f"({name}, "
    edits.append(Edit(begin, opening + 1, local_name(module, home) + opened))
    applicability = Applicability.UNSAFE if reference.rest else Applicability.SAFE
    return Mend(applicability, f"Use `{home}`", lambda: [*edits, *add_import(module, home)])


def _result_read_at_once(context: Context, reference: Reference) -> Optional[Edit]:
    """The edit that takes `.result()` off `inner.submit(...).result()`; None where the future is not read like that."""
    around = [*reversed(reference.use.parents[:-1])]
    outer = around[1] if len(around) > 1 else None
    if not isinstance(outer, ast.Call) or outer.func is not around[0] or reference.call is None:
        return None
    if len(around) > 2 and isinstance(around[2], ast.Await):
        return None
    _, call_end = span(reference.call, context.module.index)
    _, outer_end = span(outer, context.module.index)
    text = context.module.text
    if _squeezed(text[reference.use.ends[-2] : reference.end]) != ".submit":
        return None
    return Edit(call_end, outer_end, "") if _squeezed(text[call_end:outer_end]) == ".result()" else None


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _methods(context: Context) -> Iterator[Draft]:
    """`self.inner(x)` in a method that is a task, where `inner` is a task of the same class."""
    tasks = {node: task for node, task in context.module.definitions.items() if task.kind is Kind.TASK}
    classes = {context.module.names.parents_of.get(node, (None,))[-1] for node in tasks if isinstance(node, FUNCTIONS)}
    for owner in classes:
        if not isinstance(owner, ast.ClassDef):
            continue
        methods = {node.name: node for node in owner.body if isinstance(node, FUNCTIONS) and node in tasks}
        for outer in methods.values():
            own = [*outer.args.posonlyargs, *outer.args.args][:1]
            for call in ast.walk(outer) if own else ():
                if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                    continue
                named, how = call.func, _RUNNING[()]
                if isinstance(named.value, ast.Attribute) and (named.attr,) in _RUNNING:
                    named, how = named.value, _RUNNING[(named.attr,)]
                if isinstance(named.value, ast.Name) and named.value.id == own[0].arg and named.attr in methods:
                    message = f"Task `{named.attr}` is {how} from within task `{outer.name}`: {_VERSIONS}"
                    yield context.draft(call.func, message, None, _severity(context))


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
    path = context.module.path
    reached = dict(_reached_in(context.module).get(path, {}))
    if any(_in_helper(context.module, reference) for reference in context.module.references):
        for _, found in context.project.said_of(path, "reached from tasks", _reached_in):
            for place, task in found.items():
                reached.setdefault(place, task)
    return reached


def _reached_in(module: Module) -> Mapping[str, dict[Place, str]]:
    """The helper functions that a task of a module calls, however far away, by the file that they stand in."""
    reached: dict[Place, str] = {}
    for reference in module.references:
        definition = reference.definition
        if definition is None or definition.kind is not Kind.FUNCTION or reference.call is None or reference.rest:
            continue
        outer = _task_around(module, reference)
        if outer is not None:
            _spread(definition, outer.name, reached, set())
    by_file: dict[str, dict[Place, str]] = {}
    for place, task in reached.items():
        by_file.setdefault(place[0], {})[place] = task
    return by_file


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


def _in_helper(module: Module, reference: Reference) -> bool:
    """Whether a task is run in a function that is neither a task nor a flow itself."""
    if _running(module, reference) is None:
        return False
    function = reference.use.scope.function
    outer = module.definitions.get(function) if function is not None else None
    return function is not None and (outer is None or outer.kind is Kind.FUNCTION)


RULES = (task_in_task,)

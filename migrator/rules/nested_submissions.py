"""Tasks that submit tasks on the sequential runner: one worker of Prefect 3 cannot run both."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Optional, Union

from migrator.findings import Applicability, Edit
from migrator.model.guards import only_on
from migrator.model.module import Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode, guarded, keyword_value, span
from migrator.rules.base import Context, Draft, Mend
from migrator.rules.results.returned import is_generator, states_returned
from migrator.rules.submissions import wait_on_next_line
from migrator.rules.task_nesting import has_future, takes_futures

SEQUENTIAL = "prefect.task_runners.SequentialTaskRunner"
_RUN = frozenset({(), ("submit",), ("map",), ("with_options",)})
"""What follows the name of a task where it is run, or handed on to be run."""
_Place = tuple[str, int]
"""A function, by its file and row: a module may be parsed anew in between."""


def nested_submissions(context: Context) -> Iterator[Draft]:
    """The submissions of this module that stand in a task, or in what a task calls, which a flow with the sequential runner reaches.

    Where the run is waited for at once, the fix calls the task. That is a run of its own on the server still, in the thread of the task around it. Measured on
    3.0.11 and 3.8.8: values, exceptions, retries, limits of time and states are those of the submission, and but for the name of a state that timed out those
    of 2.20.26. They are not for generators, async tasks, tasks that return states, and tasks that are given a failed run; those are left.
    """
    found = list(_submissions(context.module))
    reached = _reached(context) if found else {}
    for each in found:
        places = ((context.module.path, function.lineno) for function in each.functions)
        outer = next((reached[place] for place in places if place in reached), None)
        if outer is None:
            continue
        edits = _direct_call(context, each)
        start, end = each.reference.start, each.reference.end
        told = f"Task `{outer}` submits `{each.task.name}`"
        if isinstance(edits, str):
            yield Draft(start, end, f"{told}, which hangs or is lost on one worker. By hand: {edits}")
        else:
            mend = Mend(Applicability.UNSAFE, "Call the task", partial(iter, edits))
            yield Draft(start, end, f"{told} and waits for it, which hangs on one worker: call it directly", mend)


@dataclass(frozen=True)
class _Submission:
    """`inner.submit(...)`, `inner.map(...)` or `inner.with_options(...).submit(...)`."""

    reference: Reference
    task: Definition
    call: ast.Call
    function: ast.Attribute
    """What is called: the task with `.submit` or `.map`."""
    parents: tuple[ast.AST, ...]
    """The nodes around the call."""
    functions: tuple[FunctionNode, ...]
    """Those of them that are functions."""


def _submissions(module: Module) -> Iterator[_Submission]:
    """The submissions of a module that stand in functions, those in flows left out."""
    flows = {definition.function for definition in module.definitions.values() if definition.kind is Kind.FLOW}
    for reference in module.references:
        task, call = reference.definition, reference.call
        if task is not None and task.kind is Kind.TASK and call is not None:
            found = _submission(reference, task, call)
            if found is not None and found.functions and not flows.intersection(found.functions):
                yield found


def _submission(reference: Reference, task: Definition, call: ast.Call) -> Optional[_Submission]:
    parents = reference.use.parents[:-1]
    function: ast.AST = reference.node
    if reference.rest == ("with_options",) and len(parents) > 1:
        function, outer, parents = parents[-1], parents[-2], parents[:-2]
        if not isinstance(outer, ast.Call) or outer.func is not function:
            return None
        call = outer
    elif len(reference.rest) != 1:
        return None
    if not isinstance(function, ast.Attribute) or function.attr not in ("submit", "map"):
        return None
    functions = tuple(node for node in parents if isinstance(node, FUNCTIONS))
    return _Submission(reference, task, call, function, parents, functions)


# -- which tasks a flow with the sequential runner reaches


def _reached(context: Context) -> dict[_Place, str]:
    """The functions that run within a task of a flow with the sequential runner, each with the name of the task."""
    found: dict[_Place, str] = {}
    for module in _modules_around(context):
        for flow in _sequential_flows(module):
            if isinstance(flow.function, ast.FunctionDef):
                _follow(flow.function_module or flow.module, flow.function, None, found, set())
    return found


def _modules_around(context: Context) -> Iterator[Module]:
    """This module and those that import it, however far away, where they name the sequential runner."""
    project = context.project
    seen, waiting = {context.module.path}, [context.module.path]
    while waiting:
        path = waiting.pop()
        if project.mentions(path, "SequentialTaskRunner"):
            module = context.module if path == context.module.path else project.module(path)
            if module is not None:
                yield module
        further = [each for each in project.importers_of(path) if each not in seen]
        seen.update(further)
        waiting += further


def _sequential_flows(module: Module) -> Iterator[Definition]:
    for definition in module.definitions.values():
        if definition.kind is Kind.FLOW and _is_sequential(module, definition.options.get("task_runner")):
            yield definition
    for reference in module.references:
        flow, call = reference.definition, reference.call
        if flow is not None and flow.kind is Kind.FLOW and call is not None and reference.rest == ("with_options",):
            if _is_sequential(module, keyword_value(call, "task_runner")):
                yield flow


def _is_sequential(module: Module, runner: Optional[ast.expr]) -> bool:
    """Whether an expression is, or may be, the sequential runner, or a variable that holds it, where it is not meant for Prefect 2 alone."""
    if isinstance(runner, (ast.IfExp, ast.BoolOp)):
        parts = runner.values if isinstance(runner, ast.BoolOp) else [runner.body, runner.orelse]
        return any(_is_sequential(module, part) for part in parts)
    reference = module.resolve(runner.func if isinstance(runner, ast.Call) else runner) if runner is not None else None
    if reference is None:
        return False
    held = reference.definition
    if held is not None:
        is_other = held.value is not None and held.value is not runner
        return held.kind is Kind.VALUE and is_other and _is_sequential(held.module, held.value)
    return reference.qualified == SEQUENTIAL and not _is_for_2(module, reference)


def _is_for_2(module: Module, reference: Reference) -> bool:
    places: list[tuple[tuple[ast.AST, ...], ast.AST]] = [(reference.use.parents, reference.node)]
    if reference.imported is not None:
        places.append((reference.imported.parents, reference.imported.statement))
    return any(guarded(parents, node) or only_on((*parents, node), module) == 2 for parents, node in places)


def _follow(
    module: Module,
    function: FunctionNode,
    task: Optional[str],
    found: dict[_Place, str],
    seen: set[tuple[_Place, bool]],
) -> None:
    """Notes what a function runs within a task; `task` is the task that it runs in itself."""
    place = (module.path, function.lineno)
    if (place, task is not None) in seen:
        return
    seen.add((place, task is not None))
    if task is not None:
        found.setdefault(place, task)
    for reference in module.references_in(function):
        inner = reference.definition
        if inner is None or inner.function is None or reference.rest not in _RUN:
            continue
        home = inner.function_module or inner.module
        if inner.kind is Kind.TASK:
            _follow(home, inner.function, inner.name, found, seen)
        elif inner.kind is Kind.FUNCTION and reference.call is not None:
            _follow(home, inner.function, task, found, seen)


# -- the fix


def _direct_call(context: Context, each: _Submission) -> Union[str, tuple[Edit, ...]]:
    """The edits that make a call of a submission, or what to do where that is not the same."""
    text, index = context.module.text, context.module.index
    reason = _hindrance(each)
    if reason is not None:
        return reason
    begin, cut = span(each.function.value, index)[1], span(each.function, index)[1]
    start, end = span(each.call, index)
    if _squeezed(text[begin:cut]) != ".submit":
        return "call the task"
    call = Edit(begin, cut, "")
    if keyword_value(each.call, "return_state") is not None:
        return (call,)
    result = _result(each)
    if result is None:
        return "wait for it where it is submitted, so that the task can be called instead"
    future, read = result
    future_end, read_end = span(future, index)[1], span(read, index)[1]
    ending = _squeezed(text[future_end:read_end])
    if ending in (".result()", ".result(raise_on_failure=True)"):
        return (call, Edit(future_end, read_end, ""))
    if ending == ".result(raise_on_failure=False)" and future is each.call:
        from migrator.rewriting.calls import set_argument

        changed = set_argument(text[start:end], "return_state", "True")
        return (Edit(start, end, changed[: begin - start] + changed[cut - start :]),)
    return "call the task; a call knows no limit of time, `timeout_seconds` of the task does"


def _hindrance(each: _Submission) -> Optional[str]:
    """Why a call would not be the same as the submission; None where nothing is known that speaks against it."""
    task = each.task
    if each.function.attr == "map":
        return "call the task for each element"
    if any(isinstance(function, ast.AsyncFunctionDef) for function in each.functions):
        return "call the task; this function is async, so see whether it may block"
    if task.function is None:
        return f"call the task, if it is neither async nor a generator; the function of `{task.name}` is not known"
    if task.is_async:
        return "await the task in an async function, which a sync one cannot"
    if is_generator(task):
        return "call the task and take all that it yields: `list(...)`"
    if states_returned(task):
        return "call the task with `return_state=True`, since it returns a state"
    given = keyword_value(each.call, "return_state")
    if given is not None and not (isinstance(given, ast.Constant) and given.value is True):
        return "call the task"
    outermost = each.functions[0]
    may_be_given = len(each.functions) > 1 and has_future(outermost, frozenset())
    if may_be_given or keyword_value(each.call, "wait_for") is not None or takes_futures(each.call, outermost):
        return "call the tasks that it waits for as well; a call that is given a failed run returns None on Prefect 3"
    return None


def _result(each: _Submission) -> Optional[tuple[ast.expr, ast.Call]]:
    """The future, and the call of its `.result()` that alone reads it: at once, or in the next statement."""
    parent = each.parents[-1]
    if isinstance(parent, ast.Attribute) and parent.attr == "result":
        outer = each.parents[-2]
        return (each.call, outer) if isinstance(outer, ast.Call) and outer.func is parent else None
    if not isinstance(parent, ast.Assign) or len(parent.targets) != 1 or not isinstance(parent.targets[0], ast.Name):
        return None
    name = parent.targets[0].id
    read = wait_on_next_line(parent, name, each.parents)
    if read is None or not isinstance(read.func, ast.Attribute) or read.func.attr != "result":
        return None
    inside = list(ast.walk(each.functions[-1]))
    uses = sum(isinstance(node, ast.Name) and node.id == name for node in inside)
    is_shared = any(isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names for node in inside)
    return (read.func.value, read) if uses == 2 and not is_shared else None


def _squeezed(text: str) -> str:
    return "".join(text.split())

"""How flows end: the runs that they leave behind, and the failures that nobody sees."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import Definition, Kind, Module
from migrator.model.names import span
from migrator.model.runs import End, Run, Runs, Started, gives_nothing, nodes, swallowed
from migrator.rules.base import Context, Draft, Mend, rule

_CONCURRENTLY = "https://docs.prefect.io/v3/how-to-guides/workflows/run-work-concurrently"
_FINAL_STATES = "https://docs.prefect.io/v3/concepts/states"
_SEQUENTIAL = "prefect.task_runners.SequentialTaskRunner"
_IN_ORDER = "SequentialTaskRunner"
_DEPTH = 4


@rule("PF410", "unseen-failure", Severity.WARNING, "safe or unsafe or none", _FINAL_STATES, of_2=True)
def unseen_failure(context: Context) -> Iterator[Draft]:
    """Raise the failure of a task at the end of a flow that returns nothing, or its futures.

    A flow of Prefect 2 that returns nothing is Failed where one of its task runs or subflow runs failed, whether or not anybody asked for the result. On Prefect 3
    it is Completed, unless an exception leaves it. So a flow turns green although its tasks failed.

    A flow that returns its futures or states in a list is Failed on both majors. But only on Prefect 2 does its call raise that failure. On Prefect 3 the call
    gives the list: a parent flow goes on, and `python flow.py` ends with status 0.

    ## Example
    ```python
    from prefect import flow, task

    @task
    def load(table):
        ...

    @flow
    def etl(tables):
        for table in tables:
            load.submit(table)

    @flow
    def copy(tables):
        return load.map(tables)
    ```

    ## Use instead
    ```python
    from prefect import flow, task
    from prefect.futures import wait

    @task
    def load(table):
        ...

    @flow
    def etl(tables):
        futures = []
        for table in tables:
            futures.append(load.submit(table))
        wait(futures)
        for future in futures:
            future.result()
        return futures

    @flow
    def copy(tables):
        futures = load.map(tables)
        wait(futures)
        for future in futures:
            future.result()
        return futures
    ```

    All work is waited for first. Then the first failure is raised, in the order of submission, as Prefect 2 did. With `--target both` this is `finish(futures)` of `compat`.
    Where nothing failed, `flow()` gives a list of states, as it did on Prefect 2.

    ## Fix safety
    Safe where this is added at the end of the flow: the work done, the kind of the final state, and what `flow()` raises and gives are those of Prefect 2. The
    message of the state names the exception, where Prefect 2 said `1/3 states failed.`; a run that was cancelled makes the flow Failed, where it was Cancelled.
    Unsafe where the body of the flow is put into a `try` whose `finally` waits for the runs, which is done where an exception could leave the flow while they are
    in flight; and where the `return` stands in a `with` or a `try`, which then see the exception.
    None where a future goes somewhere that cannot be followed, where a helper function submits and keeps the futures to itself, and where the exception would be caught.
    """
    for found in _endings(context):
        if found.unseen or found.foreign_unseen:
            start, end = _name_span(found.flow, context.module)
            told = _told([*found.unseen, *found.foreign_unseen])
            message = (
                f"`{found.flow.name}` returns nothing{_sometimes(found)}: on Prefect 2 it is Failed when {told} fails, on Prefect 3 it "
                "is Completed. Raise the failure at its end"
            )
            yield Draft(start, end, message, found.mend)
        for returned, runs in found.listed.items():
            start, end = span(returned, context.module.index)
            message = f"When {_told(runs)} fails, calling `{found.flow.name}` raises nothing on Prefect 3. Raise it before the list is returned"
            yield Draft(start, end, message, found.mend)


@rule("PF411", "lost-run", Severity.WARNING, "safe or unsafe or none", _CONCURRENTLY)
def lost_run(context: Context) -> Iterator[Draft]:
    """Wait for every run that a flow submits.

    Prefect 2 waits at the end of a flow for everything that was submitted. Prefect 3 does not: when the flow ends, what is still queued is cancelled and leaves
    no trace, what is in flight may end as Crashed, and the flow is Completed. With `ThreadPoolTaskRunner(max_workers=2)` four of thirty runs happened; with
    the default runner the runs that wait for another one, retry, or belong to an async flow are lost on several minors.

    ## Example
    ```python
    from prefect import flow, task

    @task
    def load(table):
        ...

    @flow
    def etl(tables):
        load.map(tables)
        return len(tables)
    ```

    ## Use instead
    ```python
    from prefect import flow, task
    from prefect.futures import wait

    @task
    def load(table):
        ...

    @flow
    def etl(tables):
        futures = load.map(tables)
        wait(futures)
        return len(tables)
    ```

    ## Fix safety
    As for PF410, with which it shares the fix.
    """
    for found in _endings(context):
        if found.lost:
            start, end = span(found.lost[0].call.func, context.module.index)
            yield Draft(
                start,
                end,
                f"`{found.flow.name}` ends without waiting for {_told(found.lost)}: Prefect 3 cancels what has not started by then",
                found.mend,
            )
        for call, runs in found.foreign_lost:
            start, end = span(call.func, context.module.index)
            yield Draft(
                start,
                end,
                f"{_told(runs)} is submitted in here, and `{found.flow.name}` ends without waiting for it: Prefect 3 cancels what "
                "has not started by then. Return the futures from here, and ask them for their results in the flow",
            )


@rule("PF412", "caught-failure", Severity.WARNING, "none", _FINAL_STATES, of_2=True)
def caught_failure(context: Context) -> Iterator[Draft]:
    """Know that a flow no longer fails for a failure that it caught.

    A flow of Prefect 2 that returns nothing is Failed when a task or subflow that it called has failed, although the flow caught the exception. On Prefect 3
    what is caught is caught: the flow is Completed. Where the flow has to fail still, raise at its end, or call with `return_state=True` and return the states.

    ## For example
    ```python
    from prefect import flow, task

    @task
    def load(table):
        ...

    @flow
    def etl(tables):
        for table in tables:
            try:
                load(table)
            except Exception:
                print("broken:", table)
    ```

    ## Fix safety
    No fix: only you know whether the flow has to fail.
    """
    for flow, started in _flows(context):
        caught = sorted(_caught(context, started), key=lambda each: (each[0].lineno, each[0].col_offset))
        if not caught:
            continue
        start, end = span(caught[0][0].func, context.module.index)
        runs = [Run(call, (), 0, definition.name, definition, True) for call, definition in caught]
        yield Draft(
            start,
            end,
            f"`{flow.name}` catches what {_told(runs)} raises, and returns nothing: on Prefect 2 it is Failed all the same, on "
            "Prefect 3 it is Completed",
        )


def _caught(context: Context, started: Started) -> Iterator[tuple[ast.Call, Definition]]:
    """The calls of tasks and flows whose failure the flow catches before it returns nothing."""
    for node, parents in nodes(started.function):
        if not isinstance(node, ast.Call) or not swallowed(node, parents):
            continue
        reference = context.module.resolve(node)
        definition = reference.definition if reference is not None else None
        if reference is None or definition is None or reference.rest:
            continue
        if definition.kind not in (Kind.TASK, Kind.FLOW) or any(k.arg == "return_state" for k in node.keywords):
            continue
        if definition.is_async and not isinstance(parents[-1], ast.Await):
            continue
        run = Run(node, parents, 0, definition.name, definition, True)
        if any(gives_nothing(end) and run.comes_before(end) for end in started.ends):
            if not _handled_by_leaving(node, parents):
                yield node, definition


@dataclass(frozen=True)
class _Ending:
    """How one flow ends."""

    flow: Definition
    started: Started
    unseen: Sequence[Run]
    foreign_unseen: Sequence[Run]
    lost: Sequence[Run]
    foreign_lost: Sequence[tuple[ast.Call, Sequence[Run]]]
    """Runs that helpers leave behind, by the call of the helper."""
    listed: Mapping[ast.Return, Sequence[Run]]
    """Runs whose futures or states are returned in a list, by the `return`."""
    mend: Optional[Mend]


def _endings(context: Context) -> list[_Ending]:
    """How the module's flows end, as far as they leave something; made once for all rules."""
    if "endings" not in context.shared:
        context.shared["endings"] = [
            found
            for flow, started in _flows(context)
            for found in [_ending(context, flow, started)]
            if found.unseen or found.foreign_unseen or found.lost or found.foreign_lost or found.listed
        ]
    found = context.shared["endings"]
    assert isinstance(found, list)
    return found


def _flows(context: Context) -> Iterator[tuple[Definition, Started]]:
    """The flows whose function stands in the module, with what they start; generators left out."""
    module = context.module
    if not module.references:
        return
    if "runs" not in context.shared:
        context.shared["runs"] = Runs()
    runs = context.shared["runs"]
    assert isinstance(runs, Runs)
    done: set[ast.AST] = set()
    for definition in module.definitions.values():
        function = definition.function
        if definition.kind is not Kind.FLOW or function is None or function in done:
            continue
        if (definition.function_module or module) is not module or definition.module is not module:
            continue
        done.add(function)
        if only_on((*_around(module, function), function), module) == 3:
            continue
        started = runs.of(function, module)
        if not started.is_generator:
            yield definition, started


def _ending(context: Context, flow: Definition, started: Started) -> _Ending:
    nothing = [end for end in started.ends if gives_nothing(end)]
    unseen = _in_order({run for end in nothing for run in started.left_at(end, seen=True)})
    lost = _in_order({run for end in started.ends for run in started.left_at(end)})
    runner = flow.options.get("task_runner")
    in_order = runner is not None and _IN_ORDER in ast.dump(runner)
    if in_order:
        lost = []  # Prefect's own runs each task when it is submitted, that of `compat` leaves none behind
    runs = context.shared["runs"]
    assert isinstance(runs, Runs)
    foreign_unseen: list[Run] = []
    foreign_lost: list[tuple[ast.Call, Sequence[Run]]] = []
    for call, helper in started.helpers:
        if nothing:
            foreign_unseen += _left_behind(runs, helper, True, _DEPTH)
        left = [] if in_order else _left_behind(runs, helper, False, _DEPTH)
        if left:
            foreign_lost.append((call, left))
    # once the flow returns something, what it caught would not fail it on Prefect 2 either, and would not be told
    undecided = bool(unseen) and any(True for _ in _caught(context, started))
    listed = _listed(started)
    mend = None
    if not foreign_unseen and not foreign_lost and not undecided:
        all_unseen = {run for end in nothing for run in started.left_at(end, seen=True, all_of_a_chain=True)}
        for each in (_in_order(all_unseen), unseen):
            mend = mend or _mend(context, flow, started, each, lost, listed)
    return _Ending(flow, started, unseen, foreign_unseen, lost, foreign_lost, listed, mend)


def _listed(started: Started) -> dict[ast.Return, Sequence[Run]]:
    """The runs whose futures or states the flow returns in a list without having raised their failures, by the `return`."""
    found = {end: started.listed_at(end) for end in started.ends if isinstance(end, ast.Return)}
    return {end: runs for end, runs in found.items() if runs}


def _left_behind(runs: Runs, helper: Definition, seen: bool, depth: int) -> list[Run]:
    """The runs that a helper, or one that it calls, leaves behind and does not return."""
    function = helper.function
    if function is None or depth == 0:
        return []
    started = runs.of(function, helper.function_module or helper.module)
    if started.is_generator:
        return []
    found = _in_order({run for end in started.ends for run in started.left_at(end, seen=seen)})
    for _, inner in started.helpers:
        found += _left_behind(runs, inner, seen, depth - 1)
    return found


def _mend(
    context: Context,
    flow: Definition,
    started: Started,
    unseen: Sequence[Run],
    lost: Sequence[Run],
    listed: Mapping[ast.Return, Sequence[Run]],
) -> Optional[Mend]:
    from migrator.rewriting.endings import CannotCollect, Ending

    if not unseen and not lost and not listed:
        return None
    runner = flow.options.get("task_runner")
    reference = (flow.function_module or flow.module).resolve(runner) if runner is not None else None
    if reference is not None and reference.qualified == _SEQUENTIAL:
        return None  # what replaces the runner comes first
    both, is_async = context.target.both, flow.is_async
    ending = Ending(started, unseen, lost, listed, is_async, context.target.compat if both else None)
    try:
        edits: list[Edit] = ending.edits()
    except CannotCollect:
        return None
    wrapped = ending.leaves_early
    safe = not wrapped and not (is_async and not both) and not ending.raises_in_a_block
    what = "Wait for the runs, and raise the first failure" if unseen or listed else "Wait for the futures"
    message = f"{what}; wait for them where an exception leaves the flow, too" if wrapped else what
    return Mend(Applicability.SAFE if safe else Applicability.UNSAFE, message, lambda: edits)


def _in_order(runs: set[Run]) -> list[Run]:
    return sorted(runs, key=lambda run: (run.call.lineno, run.call.col_offset))


def _told(runs: Sequence[Run]) -> str:
    """The runs by their tasks, with the rows: "`load` (row 12, 15) or `save` (row 20)"."""
    rows: dict[str, list[int]] = {}
    for run in runs:
        rows.setdefault(run.name, []).append(run.row)
    told = [f"`{name}` (row {', '.join(map(str, sorted(set(each))))})" for name, each in rows.items()]
    return " or ".join(filter(None, (", ".join(told[:-1]), told[-1])))


def _sometimes(found: _Ending) -> str:
    ends: list[End] = found.started.ends
    return "" if all(map(gives_nothing, ends)) else " on some paths"


def _handled_by_leaving(node: ast.AST, parents: tuple[ast.AST, ...]) -> bool:
    """Whether every handler around leaves the flow with a value or another exception."""
    for parent in parents:
        if isinstance(parent, ast.Try) and any(node is inside for each in parent.body for inside in ast.walk(each)):
            for handler in parent.handlers:
                last = handler.body[-1]
                if not isinstance(last, ast.Raise) and not (isinstance(last, ast.Return) and not gives_nothing(last)):
                    return False
            return bool(parent.handlers)
    return False


def _around(module: Module, function: ast.AST) -> tuple[ast.AST, ...]:
    """The top-level statement that a function stands in, where it is not one itself."""
    return tuple(
        statement
        for statement in module.tree.body
        if statement is not function
        and isinstance(statement, (ast.If, ast.Try))
        and any(node is function for node in ast.walk(statement))
    )


def _name_span(flow: Definition, module: Module) -> tuple[int, int]:
    function = flow.function
    assert function is not None
    start, _ = span(function, module.index)
    at = module.text.index("def", start)
    begin = module.text.index(function.name, at + 3)
    return begin, begin + len(function.name)


RULES = (unseen_failure, lost_run, caught_failure)

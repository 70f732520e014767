"""What the caller of a task gets where the task is a generator or returns states, and blocks that results cannot be stored in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.knowledge.api import api
from migrator.model.guards import only_on
from migrator.model.module import FLOW_DECORATORS, TASK_DECORATORS, Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS, span
from migrator.model.values import CLASS
from migrator.rules.base import Context, Draft, Mend, rule

_TASKS = "https://docs.prefect.io/v3/concepts/tasks"
_STATES = "https://docs.prefect.io/v3/concepts/states"
_RESULTS = "https://docs.prefect.io/v3/advanced/results"
_BLOCK = "prefect.blocks.core:Block"
_TAKES_ALL = frozenset({"list", "tuple", "set", "frozenset", "sorted", "sum", "max", "min", "dict", "join", "deque"})
_SCOPES = (*FUNCTIONS, ast.Lambda, ast.ClassDef)
_INTEGRATIONS = {"S3Bucket": "prefect_aws", "GcsBucket": "prefect_gcp", "AzureBlobStorageContainer": "prefect_azure"}
_NOT_COMPLETED = frozenset({"Failed", "Crashed", "Cancelled", "Cancelling"})


@rule("PF505", "generator-task", Severity.WARNING, "safe or unsafe", _TASKS, of_2=True)
def generator_task(context: Context) -> Iterator[Draft]:
    """Take all that a generator task yields.

    A task that is a generator function, called directly, gave the list of what it yields on Prefect 2. On Prefect 3 it gives a generator: nothing of the task
    runs until something iterates over it, it can be iterated once, it has no length and no index, and another task that gets it as an input receives it
    empty. `load.submit(...).result()` and `load.map(...)` give lists on both.

    Iterating in a `for` loop to its end, and calls like `list(...)`, `sorted(...)` and `sum(...)` are not reported.

    ## Example
    ```python
    from prefect import flow, task

    @task
    def pages(n):
        for number in range(n):
            yield number

    @flow
    def crawl():
        found = pages(3)
        return len(found)
    ```

    ## Use instead
    ```python
    from prefect import flow, task

    @task
    def pages(n):
        for number in range(n):
            yield number

    @flow
    def crawl():
        found = list(pages(3))
        return len(found)
    ```

    ## Fix safety
    Safe: `list(...)` gives on 3.x what the call gave on 2.x, and changes nothing there. With `return_state=True` the fix submits the task, and is unsafe.
    """
    module = context.module
    known: dict[int, bool] = {}
    for reference, task, call in _direct_calls(module):
        if id(task) not in known:
            known[id(task)] = is_generator(task)
        if not known[id(task)]:
            continue
        if only_on(reference.use.parents, module) is not None:
            continue
        start, end = span(call, module.index)
        if any(keyword.arg == "return_state" for keyword in call.keywords):
            mend = None
            if _in_flow(module, reference):
                place = reference.end
                mend = Mend(Applicability.UNSAFE, "Submit the task", lambda at=place: [Edit(at, at, ".submit")])  # type: ignore[misc]
            message = (
                f"Task `{task.name}` is a generator, for which Prefect 3 ignores `return_state`: this gives no state"
            )
            yield Draft(start, end, message, mend, Severity.ERROR)
            continue
        what = _what_happens(reference)
        if what is None:
            continue
        mend = None
        if not _binds_list(module):
            mend = Mend(
                Applicability.SAFE,
                "Make a list of it",
                lambda s=start, e=end: [Edit(s, s, "list("), Edit(e, e, ")")],  # type: ignore[misc]
            )
        yield Draft(start, end, f"Task `{task.name}` is a generator, not a list, on Prefect 3: {what}", mend)


def _direct_calls(module: Module) -> Iterator[tuple[Reference, Definition, ast.Call]]:
    """The places where a task is called, not submitted or mapped."""
    for reference in module.references:
        task, call = reference.definition, reference.call
        if task is not None and call is not None and task.kind is Kind.TASK and not reference.rest:
            yield reference, task, call


def is_generator(task: Definition) -> bool:
    """Whether the function of a task is a generator function that is not async: those are the same on both majors."""
    function = task.function
    if not isinstance(function, ast.FunctionDef):
        return False
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return True
        if not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
    return False


def _what_happens(reference: Reference) -> Optional[str]:
    """What a direct call of a generator task comes to on 3.x; None where all that it yields is taken at once."""
    parents = reference.use.parents
    node: ast.AST = parents[-1]
    at = len(parents) - 2
    while at >= 0 and isinstance(parents[at], ast.Call) and _called(parents[at]) in ("enumerate", "zip"):
        node, at = parents[at], at - 1
    parent = parents[at]
    if isinstance(parent, ast.Expr):
        return "nothing iterates over it, so the task does not run"
    if isinstance(parent, (ast.For, ast.AsyncFor)) and parent.iter is node:
        stops = any(isinstance(inner, (ast.Break, ast.Return)) for each in parent.body for inner in ast.walk(each))
        return "the loop may leave it half way, and the task unfinished" if stops else None
    if isinstance(parent, (ast.comprehension, ast.Starred, ast.YieldFrom)):
        return None
    if isinstance(parent, ast.Call) and node in parent.args:
        if _called(parent) in _TAKES_ALL:
            return None
        if _called(parent) == "len":
            return "it has no length"
        return "what gets it can iterate over it once, and another task receives it empty"
    if isinstance(parent, ast.Subscript) and parent.value is node:
        return "it has no index"
    return "it runs when it is iterated over, which can be done once"


def _called(node: ast.AST) -> str:
    function = node.func if isinstance(node, ast.Call) else node
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _binds_list(module: Module) -> bool:
    """Whether the module has something else of the name `list`."""
    return any(
        (isinstance(node, ast.Name) and node.id == "list" and not isinstance(node.ctx, ast.Load))
        or (isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name == "list")
        or (isinstance(node, ast.arg) and node.arg == "list")
        or (isinstance(node, ast.alias) and (node.asname or node.name) == "list")
        for node in ast.walk(module.tree)
    )


def _in_flow(module: Module, reference: Reference) -> bool:
    """Whether a reference stands in the body of a flow itself, where tasks can be submitted on every release."""
    function = reference.use.scope.function
    definition = module.definitions.get(function) if function is not None else None
    return definition is not None and definition.kind is Kind.FLOW


@rule("PF506", "returned-state", Severity.WARNING, "unsafe", _STATES, of_2=True)
def returned_state(context: Context) -> Iterator[Draft]:
    """Get the result, not the state, of a task that returns a state.

    A task that returns `Failed(...)`, `Crashed(...)` or `Cancelled(...)` and is called directly raised on Prefect 2 (`FailedRun`, or the exception in `data=`), and
    the flow failed. On Prefect 3 its caller gets the state itself, nothing is raised, and the flow goes on and completes. One that returns
    `Completed(data=x)` gave `x`, and gives the state. A list of states with a failed one among them raised as well, and is handed over.

    `task.submit(...).result()` raises and gives the data on both. A task that can raise an exception instead of returning `Failed` says more, and is right
    everywhere: 3.0 to 3.3 do not use the retries of a task that returns `Failed`.

    ## Example
    ```python
    from prefect import flow, task
    from prefect.states import Failed

    @task
    def validate(rows):
        if not rows:
            return Failed(message="no rows")
        return rows

    @flow
    def etl(rows):
        validate(rows)
        publish(rows)
    ```

    ## Use instead
    ```python
    from prefect import flow, task
    from prefect.states import Failed

    @task
    def validate(rows):
        if not rows:
            return Failed(message="no rows")
        return rows

    @flow
    def etl(rows):
        validate.submit(rows).result()
        publish(rows)
    ```

    ## Fix safety
    Unsafe: the task runs in a thread, or where else the task runner runs it, and not in that of the flow. There is no fix outside of flows and for async tasks.
    """
    module = context.module
    known: dict[int, frozenset[str]] = {}
    for reference, task, call in _direct_calls(module):
        if any(keyword.arg in ("return_state", None) for keyword in call.keywords):
            continue
        if id(task) not in known:
            known[id(task)] = states_returned(task)
        states = known[id(task)]
        raised = states & _NOT_COMPLETED
        is_unused = isinstance(reference.use.parents[-2], (ast.Expr, ast.Await))
        if not raised and (is_unused or "Completed" not in states):
            continue
        if only_on(reference.use.parents, module) is not None:
            continue
        mend = None
        if _in_flow(module, reference) and not task.is_async:
            place, (_, end) = reference.end, span(call, module.index)
            mend = Mend(
                Applicability.UNSAFE,
                "Submit it and take its result",
                lambda at=place, last=end: [Edit(at, at, ".submit"), Edit(last, last, ".result()")],  # type: ignore[misc]
            )
        named = f"`{min(raised or states)}`"
        effect = (
            "the call raises on 2.x, and gives the state on 3.x"
            if raised
            else "the call gives its data on 2.x, and the state on 3.x"
        )
        yield context.draft(call, f"Task `{task.name}` may return {named}: {effect}", mend)


def states_returned(task: Definition) -> frozenset[str]:
    """The names of the states that a task returns as such, and of those in lists of nothing but states."""
    function = task.function
    if function is None:
        return frozenset()
    home = task.function_module or task.module
    if ".states" not in home.text and "State" not in home.text:
        return frozenset()
    made = {id(each.call): each.qualified for each in home.references_in(function) if each.call is not None}
    found: set[str] = set()
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Return) and node.value is not None:
            found.update(_states_in(node.value, made))
        if not isinstance(node, (*_SCOPES, ast.expr)):
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(found)


def _states_in(value: ast.expr, made: dict[int, str]) -> Iterator[str]:
    if isinstance(value, ast.IfExp):
        yield from _states_in(value.body, made)
        yield from _states_in(value.orelse, made)
    elif isinstance(value, (ast.List, ast.Tuple)):
        inside = [list(_states_in(each, made)) for each in value.elts]
        if inside and all(inside):
            yield from (name for names in inside for name in names if name in _NOT_COMPLETED)
    elif isinstance(value, ast.Call):
        module, _, name = made.get(id(value), "").rpartition(".")
        if module == "prefect.states" and name in (*_NOT_COMPLETED, "Completed"):
            yield name


@rule("PF507", "unsaved-result-storage", Severity.ERROR, "none", _RESULTS)
def unsaved_result_storage(context: Context) -> Iterator[Draft]:
    """Save a block before results are stored in it.

    Prefect 2 takes a block that was only made, not saved, as `result_storage`. Prefect 3 raises, when the task or flow is made: `TypeError: Result storage
    configuration must be persisted server-side. Please call .save() on your block before passing it in`.

    Save the block once, in a script of its own (`LocalFileSystem(basepath="/data").save("results")`), and load it: `result_storage=LocalFileSystem.load("results")`,
    or by its name, which both take: `result_storage="local-file-system/results"`.

    For instance:
    ```python
    from prefect import task
    from prefect.filesystems import LocalFileSystem

    @task(persist_result=True, result_storage=LocalFileSystem(basepath="/data"))
    def load():
        ...
    ```

    ## Fix safety
    There is no fix: the block has to be saved on the server once.
    """
    module = context.module
    if "result_storage" not in module.text:
        return
    for reference in module.references:
        call = reference.call
        if call is None or not _takes_storage(reference) or only_on(reference.use.parents, module) is not None:
            continue
        for keyword in call.keywords:
            if keyword.arg != "result_storage":
                continue
            made = _made_block(context, reference, keyword.value)
            if made is not None:
                message = f"Prefect 3 stores results only in blocks that are saved; this `{made}` is not: save it once and load it"
                yield context.draft(keyword.value, message)


def _takes_storage(reference: Reference) -> bool:
    definition = reference.definition
    if definition is None:
        return reference.qualified in FLOW_DECORATORS | TASK_DECORATORS
    if reference.rest == ("with_options",):
        return definition.kind in (Kind.FLOW, Kind.TASK)
    return definition.kind in (Kind.FLOW_DECORATOR, Kind.TASK_DECORATOR) and not reference.rest


def _made_block(context: Context, reference: Reference, value: ast.expr) -> Optional[str]:
    """The class of a block that is made in the call, or at the top of the module and never saved there."""
    module = context.module
    if isinstance(value, ast.Name):
        assigned = [
            each.value
            for each in module.tree.body
            if isinstance(each, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == value.id for target in each.targets)
        ]
        saved = any(f"{value.id}.{method}" in module.text for method in ("save", "_save", "asave"))
        if len(assigned) != 1 or saved or context.passed_on(value.id):
            return None
        value = assigned[0]
    if not isinstance(value, ast.Call):
        return None
    maker = module.resolve(value)
    if maker is not None and maker.definition is not None:
        is_own = maker.definition.kind is Kind.BLOCK and not maker.rest
        return maker.definition.name if is_own else None
    package, name = (maker.qualified.split(".")[0], maker.qualified.rpartition(".")[2]) if maker else ("", "")
    if _INTEGRATIONS.get(name) == package:
        return name
    held = context.values.of(value.func, reference.use.parents)
    if held is None or held.kind != CLASS or _BLOCK not in {klass.home for klass, _ in api().lineage(held.home)}:
        return None
    return held.home.rpartition(":")[2]


RULES = (generator_task, returned_state, unsaved_result_storage)

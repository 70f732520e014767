"""Stored results that answer where Prefect 2 ran the task, and those that are no longer stored or found."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.module import Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.results.options import (
    Storing,
    can_set_option,
    chooses_caching,
    given,
    is_true,
    made_here,
    place,
    set_option,
    storing,
)
from migrator.rules.results.repeats import repeated, repeated_in
from migrator.rules.results.unhashable import unhashable_parameter

_CACHING = "https://docs.prefect.io/v3/concepts/caching"
_RESULTS = "https://docs.prefect.io/v3/advanced/results"
_RETRIES = "https://docs.prefect.io/v3/how-to-guides/workflows/retries"
_STORING_OPTIONS = ("persist_result", "result_storage", "result_serializer")
_OWN_KEY = "{task_run.id}"
_ONE_EACH = re.compile(r"\{\s*task_run\.(?:id|name)\b")
_ONE_PER_FLOW_RUN = re.compile(r"\{\s*(?:flow_run|task_run)\.")
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@rule("PF501", "stored-results-are-reused", Severity.WARNING, "unsafe", _CACHING, of_2=True)
def stored_results_are_reused(context: Context) -> Iterator[Draft]:
    """Keep a task running every time where its results are stored.

    A task whose results are stored is cached on Prefect 3: within a flow run, equal inputs are answered with the result of the first run, and the task's
    code does not run again. Prefect 2 cached only where a `cache_key_fn` said so. Polling loops, tasks with side effects and tasks that read what changes are
    hit. Results are stored on 3.x by `persist_result=True`, and by `result_storage=` or `result_serializer=` alone, on the task or on its flow.

    Reported where a task certainly gets equal inputs again: in a loop that does not change them, or in two calls that are alike.

    The fix keeps what was stored on 2.x. `result_storage_key="{task_run.id}"` stores each run's result apart, so none answers for another
    (`cache_policy=NO_CACHE` would run the task as well, but store nothing). Where 2.x stored no results of the task, because only its flow was told to or only
    a storage was named, it is `persist_result=False`.

    ## Example
    ```python
    from prefect import flow, task

    @task(persist_result=True)
    def ready():
        return check()

    @flow
    def wait_until_ready():
        while not ready():
            pass
    ```

    ## Use instead
    ```python
    from prefect import flow, task

    @task(persist_result=True, result_storage_key="{task_run.id}")
    def ready():
        return check()

    @flow
    def wait_until_ready():
        while not ready():
            pass
    ```

    ## Fix safety
    Unsafe: the runs and the stored results are those of 2.x, but when the whole flow run is retried, 3.x runs the task again, where 2.x took the results of the
    runs that had completed. Both spellings mean the same on 2.x (from 2.9 on).
    """
    if not any(word in context.module.text for word in _STORING_OPTIONS):
        return
    for task in made_here(context, Kind.TASK):
        how = storing(task)
        if how not in (Storing.ALWAYS, Storing.ON_3) or chooses_caching(task) or unhashable_parameter(task):
            continue
        where = repeated(context, task)
        if where is not None:
            option = ("result_storage_key", f'"{_OWN_KEY}"') if how is Storing.ALWAYS else ("persist_result", "False")
            yield context.draft(
                place(task, *_STORING_OPTIONS),
                f"Task `{task.name}` {where}: its results are stored, so Prefect 3 runs it once and reuses the result",
                _set(context.module, [task], *option),
            )
    for flow in made_here(context, Kind.FLOW):
        if storing(flow) in (Storing.ALWAYS, Storing.ON_3):
            yield from _reused_in_flow(context, flow)


def _reused_in_flow(context: Context, flow: Definition) -> Iterator[Draft]:
    """The tasks of a flow that are cached because the flow's results are stored."""
    function, module = flow.function, context.module
    if function is None or flow.function_module not in (None, module):
        return
    tasks: dict[ast.AST, Definition] = {}
    for reference in module.references_in(function):
        task = reference.definition
        if task is not None and task.kind is Kind.TASK and storing(task) is Storing.UNSAID:
            if not chooses_caching(task) and not unhashable_parameter(task):
                tasks.setdefault(task.node, task)
    found = [(task, repeated_in(module, task, function)) for task in tasks.values()]
    hit = [(task, where) for task, where in found if where is not None]
    if hit:
        told = "; ".join(f"task `{task.name}` {where}" for task, where in hit)
        mend = _set(module, [task for task, _ in hit], "persist_result", "False")
        yield context.draft(
            place(flow, *_STORING_OPTIONS),
            f"Prefect 3 stores the results of the tasks of `{flow.name}` too, and reuses them for equal inputs: {told}",
            mend,
        )


def _set(module: Module, definitions: list[Definition], name: str, value: str) -> Optional[Mend]:
    """Gives tasks or flows an option; None where one of them is made elsewhere."""
    if any(each.module is not module or not can_set_option(each) for each in definitions):
        return None

    def edits() -> Iterator[Edit]:
        for each in definitions:
            yield from set_option(module, each, name, value)

    names = ", ".join(f"`{each.name}`" for each in definitions)
    return Mend(Applicability.UNSAFE, f"Give {names} `{name}={value}`", edits)


@rule("PF502", "caching-option-means-less", Severity.WARNING, "none", _CACHING, of_2=True)
def caching_option_means_less(context: Context) -> Iterator[Draft]:
    """Know which caching options Prefect 3 reads otherwise.

    - A `cache_key_fn` that uses `context.task_run.name` or `.dynamic_key`: they counted the runs on 2.x (`load-0`, `load-1`), so that the first run of each flow
      run had the same key. On 3.x they end at random: nothing is ever found in the cache. Use the inputs instead.
    - `cache_key_fn` with `persist_result=False`: 2.x raised `MissingResult` when a key was met again, 3.x logs a warning and ignores the `cache_key_fn`.
    - `cache_key_fn` with `result_storage_key`: on 3.x the storage key alone decides what answers. A key with a part that is new in each run is never met again;
      one that is always the same answers for every input. Leave `result_storage_key` out, or put all that the result depends on into it.
    - `cache_result_in_memory=False` without `persist_result`: 2.x stored the result, 3.x does not. Add `persist_result=True`.

    For instance, where every day gets the result of the first:
    ```python
    from prefect import task
    from prefect.tasks import task_input_hash

    @task(cache_key_fn=task_input_hash, result_storage_key="latest.json")
    def load(day):
        ...
    ```

    ## Fix safety
    There is no fix: what the key should depend on is for you to say.
    """
    if "cache_key_fn" not in context.module.text and "cache_result_in_memory" not in context.module.text:
        return
    for task in made_here(context, Kind.TASK):
        key = given(task, "cache_key_fn")
        stored = storing(task)
        if key is None:
            in_memory = given(task, "cache_result_in_memory")
            is_off = isinstance(in_memory, ast.Constant) and in_memory.value is False
            if is_off and stored is Storing.UNSAID and not chooses_caching(task):
                message = (
                    f"The results of task `{task.name}` were stored on 2.x, because they are not kept in memory; on 3.x "
                    "they are not stored: add `persist_result=True`"
                )
                yield context.draft(place(task, "cache_result_in_memory"), message)
            continue
        if stored is Storing.NEVER:
            message = f"Prefect 3 ignores the `cache_key_fn` of task `{task.name}`, because its results are not stored"
            yield context.draft(place(task, "cache_key_fn"), message)
        elif given(task, "result_storage_key") is not None:
            message = (
                f"On Prefect 3 the `result_storage_key` of task `{task.name}` decides what is answered from the cache, "
                "and its `cache_key_fn` does nothing"
            )
            yield context.draft(place(task, "result_storage_key"), message)
        counted = _counting_name(task, key)
        if counted is not None:
            message = (
                f"The `cache_key_fn` of task `{task.name}` uses `task_run.{counted}`, which is random on Prefect 3: "
                "nothing is found in the cache any more"
            )
            yield context.draft(place(task, "cache_key_fn"), message)


def _counting_name(task: Definition, key: ast.expr) -> Optional[str]:
    """The attribute of the task run that counted the runs on 2.x, where a key function reads it."""
    function: Optional[ast.AST] = key if isinstance(key, ast.Lambda) else None
    if isinstance(key, ast.Name):
        named = [each for each in task.module.tree.body if isinstance(each, FUNCTIONS) and each.name == key.id]
        function = named[0] if len(named) == 1 else None
    arguments = getattr(function, "args", None)
    positional = [*arguments.posonlyargs, *arguments.args] if arguments is not None else []
    if function is None or not positional:
        return None
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and node.attr in ("name", "dynamic_key"):
            run = node.value
            if isinstance(run, ast.Attribute) and run.attr == "task_run" and isinstance(run.value, ast.Name):
                if run.value.id == positional[0].arg:
                    return node.attr
    return None


@rule("PF503", "input-cannot-be-hashed", Severity.WARNING, "safe or unsafe", _CACHING)
def input_cannot_be_hashed(context: Context) -> Iterator[Draft]:
    """Tell Prefect 3 how to store what has inputs that cannot be hashed.

    Prefect 3 makes a key of a task's inputs on every run, whether or not its results are stored. Locks, queues, sockets, thread pools, database engines,
    connections and sessions cannot be hashed. From 3.1 on each such run logs the error `Error encountered when computing cache key - result will not be
    persisted.` and goes on; with `persist_result=True` its result is not stored. On 3.0 such inputs all count as the same: a stored result answers
    for another connection. Prefect 2 did neither.

    Parameters are known by their annotations.

    With `persist_result=True` the fix is `result_storage_key="{task_run.id}"`, which asks for no key and stores each run's result, as 2.x does. Without, it is
    `persist_result=False`, which only silences the error (`cache_policy=NO_CACHE` does the same on 3.x, and is refused by 2.x).

    ## Example
    ```python
    from prefect import task
    from sqlalchemy.engine import Engine

    @task(persist_result=True)
    def count(engine: Engine):
        ...

    @task
    def clean(engine: Engine):
        ...
    ```

    ## Use instead
    ```python
    from prefect import task
    from sqlalchemy.engine import Engine

    @task(persist_result=True, result_storage_key="{task_run.id}")
    def count(engine: Engine):
        ...

    @task(persist_result=False)
    def clean(engine: Engine):
        ...
    ```

    ## Fix safety
    Safe: the task runs as before. With `--target both` `persist_result=False` is unsafe: on 2.x, where a flow run that is retried takes the results of the runs
    that had completed, the task runs again.
    """
    for task in made_here(context, Kind.TASK):
        parameter = unhashable_parameter(task)
        how = storing(task)
        if parameter is None or chooses_caching(task) or how in (Storing.NEVER, Storing.UNKNOWN):
            continue
        is_stored = how is Storing.ALWAYS
        name, value = ("result_storage_key", f'"{_OWN_KEY}"') if is_stored else ("persist_result", "False")
        mend = _set(context.module, [task], name, value)
        if mend is not None and (is_stored or not context.target.both):
            mend = Mend(Applicability.SAFE, mend.message, mend.edits)
        effect = "its results are not stored" if is_stored else "every run logs an error"
        yield context.draft(
            place(task, "persist_result"),
            f"Prefect 3 cannot hash the parameter `{parameter}` of task `{task.name}`: {effect}",
            mend,
            None if is_stored else Severity.INFO,
        )


@rule("PF508", "storage-key-answers", Severity.WARNING, "unsafe", _RESULTS, of_2=True)
def storage_key_answers(context: Context) -> Iterator[Draft]:
    """Do not let a stored result take the place of a run.

    On Prefect 2 `result_storage_key` named the place that a result was written to, and every run wrote it anew. On Prefect 3 it is the key of the cache as well:
    where there is a result under it, from this flow run or an earlier one, that is what a caller gets, and the task's code does not run. It also
    switches on persistence, without `persist_result=True`.

    The fix is `refresh_cache=True`: every run runs, and its result takes the place of the one before. On 2.x it changes nothing here.

    ## Example
    ```python
    from prefect import task

    @task(persist_result=True, result_storage_key="report-{parameters[day]}.json")
    def report(day):
        ...
    ```

    ## Use instead
    ```python
    from prefect import task

    @task(persist_result=True, result_storage_key="report-{parameters[day]}.json", refresh_cache=True)
    def report(day):
        ...
    ```

    ## Fix safety
    Unsafe: when the whole flow run is retried, 3.x runs the task again, where 2.x took the results of the runs that had completed.
    """
    if "result_storage_key" not in context.module.text:
        return
    for task in made_here(context, Kind.TASK):
        value = given(task, "result_storage_key")
        key = _template(task.module, value) if value is not None else None
        refreshed = given(task, "refresh_cache")
        if key is None or storing(task) in (Storing.NEVER, Storing.UNKNOWN) or _ONE_EACH.search(key):
            continue
        if any(given(task, name) is not None for name in ("cache_key_fn", "cache_policy")):
            continue
        if refreshed is not None and (is_true(refreshed) or not isinstance(refreshed, ast.Constant)):
            continue
        where = repeated(context, task) if _ONE_PER_FLOW_RUN.search(key) else ""
        if where is None:
            continue
        told = f" {where}, and" if where else ""
        yield context.draft(
            place(task, "result_storage_key"),
            f"Task `{task.name}`{told} does not run on Prefect 3 where a result is stored under this key: that one is its result",
            _set(context.module, [task], "refresh_cache", "True"),
        )


def _template(module: Module, value: ast.expr) -> Optional[str]:
    """The text of a storage key, of which computed parts count as something fixed; None where it cannot be seen."""
    if isinstance(value, ast.Name):
        assigned = [
            each.value
            for each in module.tree.body
            if isinstance(each, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == value.id for target in each.targets)
        ]
        if len(assigned) != 1 or isinstance(assigned[0], ast.Name):
            return None
        value = assigned[0]
    if isinstance(value, ast.Constant):
        return value.value if isinstance(value.value, str) else None
    if isinstance(value, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "" for part in value.values]
        return "".join(map(str, parts))
    return None


@rule("PF509", "retried-flow-runs-all-again", Severity.WARNING, "unsafe", _RETRIES, of_2=True)
def retried_flow_runs_all_again(context: Context) -> Iterator[Draft]:
    """Store the results of a flow that is retried.

    When a flow with `retries` fails and starts over, Prefect 2 takes the results of its tasks and subflows that had completed: it stores them for that purpose.
    Prefect 3 stores results only where it is told to, and runs everything again: what was loaded is loaded twice, what was sent is sent twice.

    The fix stores the results: `persist_result=True` on the flow goes for its tasks and subflows too. There is none where a task of the flow gets equal
    inputs again, because then it would be cached (see PF501).

    ## Example
    ```python
    from prefect import flow, task

    @task
    def charge(order):
        ...

    @task
    def confirm(order):
        ...

    @flow(retries=2)
    def checkout(order):
        charge(order)
        confirm(order)
    ```

    ## Use instead
    ```python
    from prefect import flow, task

    @task
    def charge(order):
        ...

    @task
    def confirm(order):
        ...

    @flow(retries=2, persist_result=True)
    def checkout(order):
        charge(order)
        confirm(order)
    ```

    ## Fix safety
    Unsafe: results are stored that were not before, and equal inputs are answered with the stored result. A result that cannot be pickled is not stored; on
    2.x a flow that returns one fails then.
    """
    if "retries" not in context.module.text:
        return
    for flow in made_here(context, Kind.FLOW):
        retries = given(flow, "retries")
        again = isinstance(retries, ast.Constant) and isinstance(retries.value, int) and retries.value > 0
        is_stored = storing(flow)
        if not again or is_stored not in (Storing.UNSAID, Storing.NEVER) or flow.function is None:
            continue
        lost = _lost_on_retry(context.module, flow)
        if not lost:
            continue
        names = list(dict.fromkeys(each.definition.name for each in lost if each.definition is not None))
        mend = None
        tasks = [each.definition for each in lost if each.definition is not None]
        if is_stored is Storing.UNSAID and all(not repeated_in(context.module, each, flow.function) for each in tasks):
            mend = _set(context.module, [flow], "persist_result", "True")
        shown = ", ".join(f"`{name}`" for name in names[:3]) + (" and others" if len(names) > 3 else "")
        verb = "runs" if len(names) == 1 else "run"
        yield context.draft(
            place(flow, "retries"),
            f"When flow `{flow.name}` is retried, {shown} {verb} again on Prefect 3, also what had completed: its results are not stored",
            mend,
        )


def _lost_on_retry(module: Module, flow: Definition) -> list[Reference]:
    """The runs of a flow that may have completed before it fails, and whose results are not stored."""
    function = flow.function
    if function is None or flow.function_module not in (None, module):
        return []
    runs = [each for each in module.references_in(function) if _runs(each)]
    last = max((_end(each) for each in runs), default=(0, 0))
    return [each for each in runs if _is_lost(each) and (_end(each) != last or _many(each, function))]


def _end(reference: Reference) -> tuple[int, int]:
    """Where a call ends: of nested calls the outer one is run last."""
    call = reference.call
    return (call.end_lineno or 0, call.end_col_offset or 0) if call is not None else (0, 0)


def _runs(reference: Reference) -> bool:
    definition = reference.definition
    if definition is None or reference.call is None:
        return False
    if definition.kind is Kind.FLOW:
        return not reference.rest
    return definition.kind is Kind.TASK and reference.rest in ((), ("submit",), ("map",))


def _is_lost(reference: Reference) -> bool:
    definition = reference.definition
    return definition is not None and storing(definition) is Storing.UNSAID and not chooses_caching(definition)


def _many(reference: Reference, function: ast.AST) -> bool:
    parents = reference.use.parents
    inside = parents[parents.index(function) + 1 :] if function in parents else ()
    return reference.rest == ("map",) or any(isinstance(each, _LOOPS) for each in inside)


RULES = (
    stored_results_are_reused,
    caching_option_means_less,
    input_cannot_be_hashed,
    storage_key_answers,
    retried_flow_runs_all_again,
)

"""Prefect's names used where they cannot work, or where they do nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

from migrator.findings import Applicability, Edit, Severity
from migrator.model.module import Definition, Kind, Module
from migrator.model.names import span
from migrator.rewriting.names import add_import, remove_imports_of, uses_of
from migrator.rules.base import Context, Draft, Mend, rule

_HOMES = {
    "allow_failure": "prefect.allow_failure",
    "exponential_backoff": "prefect.tasks.exponential_backoff",
    "get_run_logger": "prefect.get_run_logger",
    "task_input_hash": "prefect.tasks.task_input_hash",
    "unmapped": "prefect.unmapped",
}
"""Names that are Prefect's beyond doubt, each with a home that 2.7.4 and later and every 3.x have."""
_RESOLVE = "prefect.futures.resolve_futures_to_results"


@rule("PF106", "missing-import", Severity.ERROR, "safe", "https://docs.prefect.io/v3/how-to-guides/workflows/retries")
def missing_import(context: Context) -> Iterator[Draft]:
    """Import what is used.

    `exponential_backoff`, `task_input_hash`, `unmapped`, `allow_failure` and `get_run_logger` are no built-ins: used without their import they raise
    `NameError`, on 2.x as on 3.x.

    ## Example
    ```python
    from prefect import task

    @task(retries=3, retry_delay_seconds=exponential_backoff(backoff_factor=10))
    def load():
        ...
    ```

    ## Use instead
    ```python
    from prefect import task
    from prefect.tasks import exponential_backoff

    @task(retries=3, retry_delay_seconds=exponential_backoff(backoff_factor=10))
    def load():
        ...
    ```

    ## Fix safety
    Safe: the code raised `NameError` before.
    """
    module = context.module
    if any(imported.star for imported in module.names.imported) or _has_star(module):
        return
    for use in module.names.uses:
        home = _HOMES.get(use.name)
        if home is None or use.binding is not None:
            continue
        mend = Mend(
            Applicability.SAFE,
            f"Import it from `{home.rpartition('.')[0]}`",
            partial(add_import, module, home),
        )
        yield Draft(use.start, use.ends[0], f"`{use.name}` is used but not imported; it is `{home}`", mend)


@rule(
    "PF402",
    "resolve-of-results",
    Severity.INFO,
    "safe",
    "https://docs.prefect.io/v3/how-to-guides/workflows/run-work-concurrently",
)
def resolve_of_results(context: Context) -> Iterator[Draft]:
    """Do not resolve what is a result already.

    A task that is called, `load(x)`, gives its result; only `load.submit(x)` and `load.map(xs)` give futures. `resolve_futures_to_results` then returns its
    argument as it is, and does not exist before Prefect 3.3.6.

    ## Example
    ```python
    from prefect import flow, task
    from prefect.futures import resolve_futures_to_results

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        return resolve_futures_to_results([load(x) for x in xs])
    ```

    ## Use instead
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        return [load(x) for x in xs]
    ```

    ## Fix safety
    Safe: the value is the same.
    """
    module = context.module
    useless: list[tuple[int, int, Edit]] = []
    for reference in module.references:
        call = reference.call
        if reference.qualified != _RESOLVE or call is None or len(call.args) != 1 or call.keywords:
            continue
        if _are_results(module, call.args[0]):
            start, end = span(call, module.index)
            useless.append((reference.start, reference.end, Edit(start, end, module.source(call.args[0]))))
    imports = [imported for imported in module.names.imported if imported.target == _RESOLVE]
    gone = [imported for imported in imports if len(uses_of(module, imported)) == len(useless)]
    mend = Mend(
        Applicability.SAFE,
        "Use the results as they are",
        lambda: [*(edit for _, _, edit in useless), *remove_imports_of(module, gone)],
    )
    for start, end, _ in useless:
        yield Draft(start, end, "These are results already: a task that is called gives no future", mend)


def _are_results(module: Module, node: ast.expr) -> bool:
    """Whether an expression is a task's result, or a list of such."""
    if isinstance(node, (ast.List, ast.Tuple)):
        return bool(node.elts) and all(_are_results(module, element) for element in node.elts)
    if isinstance(node, ast.ListComp):
        return _are_results(module, node.elt)
    reference = module.resolve(node) if isinstance(node, ast.Call) else None
    definition = reference.definition if reference is not None else None
    if reference is None or definition is None or reference.rest:
        return False
    returns_state = isinstance(node, ast.Call) and any(keyword.arg == "return_state" for keyword in node.keywords)
    return (
        definition.kind is Kind.TASK
        and not definition.is_async
        and not returns_state
        and not _may_give_futures(definition, set())
    )


def _may_give_futures(definition: Definition, seen: set[ast.AST]) -> bool:
    """Whether what a function returns may hold futures: it cannot be seen, or it or a function it calls submits or maps something."""
    function = definition.function
    if function is None:
        return True
    if function in seen:
        return False
    seen.add(function)
    if any(isinstance(node, ast.Attribute) and node.attr in ("submit", "map") for node in ast.walk(function)):
        return True
    home = definition.function_module or definition.module
    return any(
        _may_give_futures(reference.definition, seen)
        for reference in home.references_in(function)
        if reference.definition is not None
        and reference.definition.kind in (Kind.FUNCTION, Kind.TASK, Kind.FLOW)
        and reference.call is not None
    )


def _has_star(module: Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names) for node in module.tree.body
    )


RULES = (missing_import, resolve_of_results)

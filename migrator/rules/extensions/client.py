"""Calls of the client, and of the objects that it gives, which Prefect 3 refuses or answers in another way."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.module import Kind, Module
from migrator.model.names import FUNCTIONS, rows_with, span, walked
from migrator.model.values import INSTANCE
from migrator.rules.base import Context, Draft, Mend, rule

_CLIENT_PAGE = "https://docs.prefect.io/v3/advanced/api-client"
_CLIENTS = frozenset(
    {"prefect.client.orchestration:PrefectClient", "prefect.client.orchestration:SyncPrefectClient"}
)  # fmt: skip
_READS = frozenset({"read_task_run", "read_task_runs"})
_HOOKS = frozenset({"on_cancellation", "on_commit", "on_completion", "on_crashed", "on_failure", "on_rollback", "on_running"})  # fmt: skip
_OF_PREFECT_2 = {"dict": ("json_compatible", "shallow"), "copy": ("reset_fields",)}


@rule("PF603", "changed-client-call", Severity.ERROR, "none", _CLIENT_PAGE)
def changed_client_call(context: Context) -> Iterator[Draft]:
    """Give `update_deployment` the id and what is to change.

    `client.update_deployment(deployment)` took the deployment itself, changed. On Prefect 3 it takes the deployment's id and a `DeploymentUpdate` with what
    is to change; with one argument it raises `TypeError`.

    ## For example
    ```python
    from prefect import get_client

    async def rename(deployment_id):
        async with get_client() as client:
            deployment = await client.read_deployment(deployment_id)
            deployment.description = "nightly"
            await client.update_deployment(deployment)
    ```

    ## Fix safety
    There is no fix: write `await client.update_deployment(deployment.id, DeploymentUpdate(description="nightly"))`, with `DeploymentUpdate` of
    `prefect.client.schemas.actions`.
    """
    module = context.module
    if "update_deployment" not in module.text or not module.references:
        return
    for call, parents in _method_calls(module, {"update_deployment"}):
        named = {keyword.arg for keyword in call.keywords}
        given = len(call.args) + len(named & {"deployment", "deployment_id"})
        if (
            given == 1
            and not named - {"deployment", "deployment_id"}
            and not any(isinstance(argument, ast.Starred) for argument in call.args)
            and _is_client(context, call, parents)
            and not context.may_fail(parents, call)
        ):
            yield _at_method(
                context,
                call,
                "`update_deployment` takes `(deployment_id, deployment)` on Prefect 3, where `deployment` is a `DeploymentUpdate` of what is to change",
            )


@rule("PF606", "prefect-model-argument", Severity.ERROR, "safe")
def prefect_model_argument(context: Context) -> Iterator[Draft]:
    """Use pydantic's own arguments to copy and dump Prefect's objects.

    `dict(json_compatible=...)`, `dict(shallow=...)` and `copy(reset_fields=...)` of flow runs, states, deployments and the like were Prefect 2's own: Prefect
    3 has pydantic's methods, and raises `TypeError`.

    ## Example
    ```python
    from prefect import get_client

    async def show(flow_run_id):
        async with get_client() as client:
            flow_run = await client.read_flow_run(flow_run_id)
        return flow_run.dict(json_compatible=True)
    ```

    ## Use instead
    ```python
    from prefect import get_client

    async def show(flow_run_id):
        async with get_client() as client:
            flow_run = await client.read_flow_run(flow_run_id)
        return flow_run.model_dump(mode="json")
    ```

    ## Fix safety
    Safe: it is what Prefect 3 itself writes in its place. Only `json_compatible=True` has a fix, and none for both majors: `json.loads(flow_run.json())` is
    the same on both.
    """
    module = context.module
    if not any(word in module.text for words in _OF_PREFECT_2.values() for word in words):
        return
    if "def dict" in module.text or "def copy" in module.text:
        return
    for call, parents in _method_calls(module, set(_OF_PREFECT_2)):
        method = call.func
        assert isinstance(method, ast.Attribute)
        for keyword in call.keywords:
            if keyword.arg not in _OF_PREFECT_2[method.attr] or context.may_fail(parents, call):
                continue
            if keyword.arg == "shallow" and not _is_of_prefect(context, method.value, (*parents, call, method)):
                continue
            advice = {
                "json_compatible": 'it is `model_dump(mode="json")`'
                if not context.target.both
                else "`json.loads(....json())` gives the same on both majors",
                "shallow": "`dict(...)` of the object gives the same on both majors",
                "reset_fields": "`model_copy(update={...})` with the new id and the timestamps says it"
                if not context.target.both
                else "`copy(update={...})` with the new id and the timestamps says it on both majors",
            }[keyword.arg]
            start, _ = span(keyword, module.index)
            yield Draft(
                start,
                start + len(keyword.arg),
                f"`{method.attr}({keyword.arg}=...)` was Prefect 2's own and raises `TypeError` on Prefect 3: {advice}",
                _dumped(context, method, keyword),
            )


def _dumped(context: Context, method: ast.Attribute, keyword: ast.keyword) -> Optional[Mend]:
    is_true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
    if keyword.arg != "json_compatible" or not is_true or context.target.both:
        return None
    index = context.module.index
    _, end = span(method, index)
    edits = (Edit(end - len("dict"), end, "model_dump"), Edit(*span(keyword, index), 'mode="json"'))
    return Mend(Applicability.SAFE, 'Use `model_dump(mode="json")`', partial(tuple, edits))


@rule("PF607", "task-run-read-early", Severity.WARNING, "none", _CLIENT_PAGE)
def task_run_read_early(context: Context) -> Iterator[Draft]:
    """Do not ask the API for task runs while the flow runs.

    Prefect 2 told the API of each state of a task run before it went on. Prefect 3 sends events, which arrive a moment later: inside a task,
    `client.read_task_run` of the run itself raises `ObjectNotFound`; after `future.wait()`, and in the hooks of the flow, `client.read_task_runs` gives fewer
    runs than there are, or runs that are still RUNNING. A list of failed tasks in a notification is incomplete, a check of all states passes for want of
    any.

    ## For example
    ```python
    from prefect import flow, get_client
    from prefect.client.schemas.filters import FlowRunFilter

    def notify(flow, flow_run, state):
        with get_client(sync_client=True) as client:
            of_the_run = FlowRunFilter(id={"any_": [flow_run.id]})
            for task_run in client.read_task_runs(flow_run_filter=of_the_run):
                print(task_run.name, task_run.state_name)

    @flow(on_failure=[notify])
    def etl():
        ...
    ```

    ## Fix safety
    There is no fix. The states of submitted runs are in their futures (`future.state`), the failed one in the state that the hook is given
    (`state.result(raise_on_failure=False)`), the task's own run in `prefect.runtime.task_run`. What has to come from the API is to be read again until it
    is there.
    """
    module = context.module
    if "read_task_run" not in module.text or not module.references:
        return
    inside: Optional[dict[ast.AST, str]] = None
    for call, parents in _method_calls(module, _READS):
        inside = _run_inside(module) if inside is None else inside
        function = next((node for node in reversed(parents) if node in inside), None)
        if function is None or not _is_client(context, call, parents) or context.may_fail(parents, call):
            continue
        yield _at_method(
            context,
            call,
            f"{inside[function]}: on Prefect 3 task runs reach the API a moment after they began or ended, so some may be missing here, or not yet be final",
        )


def _run_inside(module: Module) -> dict[ast.AST, str]:
    """The functions that run while a flow runs, as far as the module shows, each with what it is."""
    found: dict[ast.AST, str] = {}
    hooks: set[str] = set()
    for definition in module.definitions.values():
        if definition.kind in (Kind.TASK, Kind.FLOW) and definition.function is not None:
            what = "task" if definition.kind is Kind.TASK else "flow"
            found[definition.function] = f"This runs inside the {what} `{definition.name}`"
            hooks.update(_named(value for name, value in definition.options.items() if name in _HOOKS))
    for node in module.tree.body:
        if isinstance(node, FUNCTIONS) and node not in found:
            decorators = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
            if node.name in hooks or any(
                isinstance(each, ast.Attribute) and each.attr in _HOOKS for each in decorators
            ):
                found[node] = f"`{node.name}` is a state hook"
    helpers = {node.name: node for node in module.tree.body if isinstance(node, FUNCTIONS)}
    waiting = list(found)
    while waiting:
        for inner in ast.walk(waiting.pop()):
            called = inner.func if isinstance(inner, ast.Call) else None
            helper = helpers.get(called.id) if isinstance(called, ast.Name) else None
            if helper is not None and helper not in found:
                found[helper] = f"`{helper.name}` is called while a flow runs"
                waiting.append(helper)
    return found


def _named(values: Iterable[ast.expr]) -> Iterator[str]:
    for value in values:
        yield from (node.id for node in ast.walk(value) if isinstance(node, ast.Name))


def _method_calls(module: Module, names: Iterable[str]) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...]]]:
    """The calls of methods of these names, each with the nodes around it."""
    wanted = frozenset(names)
    for node, parents in walked(module.tree, rows_with(wanted, module.index)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in wanted:
            yield node, parents


def _is_client(context: Context, call: ast.Call, parents: tuple[ast.AST, ...]) -> bool:
    assert isinstance(call.func, ast.Attribute)
    held = context.values.of(call.func.value, (*parents, call, call.func))
    return held is not None and held.kind == INSTANCE and held.home in _CLIENTS and call.func.attr not in held.own


def _is_of_prefect(context: Context, node: ast.expr, parents: tuple[ast.AST, ...]) -> bool:
    held = context.values.of(node, parents)
    return held is not None and held.kind == INSTANCE and held.home.startswith("prefect.")


def _at_method(context: Context, call: ast.Call, told: str) -> Draft:
    assert isinstance(call.func, ast.Attribute)
    _, end = span(call.func, context.module.index)
    return Draft(end - len(call.func.attr), end, told)


RULES = (changed_client_call, prefect_model_argument, task_run_read_early)

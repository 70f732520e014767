"""Addresses written by hand: endpoints of the REST API that are gone, what requests may no longer hold, and pages of the UI that moved."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import Module
from migrator.model.names import FUNCTIONS, rows_with, span, walked
from migrator.rules.base import Context, Draft, Mend, rule

_REST = "https://docs.prefect.io/v3/api-ref/rest-api"
_UI = "https://docs.prefect.io/v3/api-ref/python/prefect-utilities-urls"
Parents = tuple[ast.AST, ...]


@dataclass(frozen=True)
class _Gone:
    """An endpoint that a 3.x server answers with 404."""

    path: re.Pattern[str]
    """Matches in the text of a string; its first group is the word to report."""
    since: str
    new: Optional[str]
    """The word that does the same on 2.18 and later and on every 3.x."""
    told: str


_PAUSE = "has the same effect on 2.18 and later and on every 3.x"
_GONE = (
    _Gone(re.compile(r"/(set_schedule_active)(?![\w-])"), "3.0", "resume_deployment", f"`resume_deployment` {_PAUSE}"),
    _Gone(re.compile(r"/(set_schedule_inactive)(?![\w-])"), "3.0", "pause_deployment", f"`pause_deployment` {_PAUSE}"),
    _Gone(
        re.compile(r"/(flow_run_notification_policies)(?![\w-])"),
        "3.4",
        None,
        "use an automation that sends a notification (`/automations/`)",
    ),
    _Gone(
        re.compile(r"(?:/api|^[\"'])(/admin/database/(?:clear|create|drop))(?![\w-])"),
        "3.6",
        None,
        "use `prefect server database reset`",
    ),
)
_WORDS = ("set_schedule_active", "set_schedule_inactive", "flow_run_notification_policies", "database")
_NAMES_THE_API = ("PREFECT_API_URL", "prefect.cloud", ":4200")
"""What a script without a name of Prefect's package has that means its API beyond doubt."""
_METHODS = frozenset({"post", "patch", "put", "request"})
_DEPLOYMENT = re.compile(
    r"/deployments(?:/|/(?!(?:filter|count|paginate|get_scheduled_flow_runs)\b)(?:\{\}|[\w-]+)/?)?$"
)
_FILTERED = re.compile(r"/\w+/(?:filter|count|history|lateness)/?$")
_STATEFUL = re.compile(
    r"/(?:(?:flow|task)_runs/?|(?:flow|task)_runs/\{\}/set_state/?|deployments/\{\}/create_flow_run/?)$"
)
_OF_DEPLOYMENTS = {
    "schedule": '`"schedules": [{"schedule": ..., "active": True}]` says it',
    "is_schedule_active": '`"paused"` with the opposite value says it',
    "infra_overrides": '`"job_variables"` says it',
    "manifest_path": "leave it out: `entrypoint` and `path` say where the flow is",
}
_BODY_WORDS = ("schedule", "is_schedule_active", "infra_overrides", "manifest_path", "timestamp", "variables")


@rule("PF604", "rest-call", Severity.ERROR, "safe or unsafe", _REST, anywhere=True)
def rest_call(context: Context) -> Iterator[Draft]:
    """Call the endpoints that a Prefect 3 server has, with what they take.

    Code that speaks to the REST API itself is not helped by Prefect's package. `/deployments/{id}/set_schedule_active` and `set_schedule_inactive` answer
    404, `/flow_run_notification_policies/` does from 3.4 on, and `/admin/database/...` from 3.6 on. Requests that hold what is gone are refused with
    422: `schedule`, `is_schedule_active`, `infra_overrides` or `manifest_path` of a deployment, a filter by `is_schedule_active` or by a variable's
    `value`, and the `id` or `timestamp` of a state.

    ## Example
    ```python
    import httpx
    from prefect.settings import PREFECT_API_URL

    def pause(deployment_id):
        httpx.post(f"{PREFECT_API_URL.value()}/deployments/{deployment_id}/set_schedule_inactive")

    def create(flow_id):
        httpx.post(
            f"{PREFECT_API_URL.value()}/deployments/",
            json={"name": "nightly", "flow_id": flow_id, "infra_overrides": {"env": {}}, "is_schedule_active": False},
        )
    ```

    ## Use instead
    ```python
    import httpx
    from prefect.settings import PREFECT_API_URL

    def pause(deployment_id):
        httpx.post(f"{PREFECT_API_URL.value()}/deployments/{deployment_id}/pause_deployment")

    def create(flow_id):
        httpx.post(
            f"{PREFECT_API_URL.value()}/deployments/",
            json={"name": "nightly", "flow_id": flow_id, "job_variables": {"env": {}}, "paused": True},
        )
    ```

    ## Fix safety
    Safe for the endpoints, which are two names of the same on 2.18 and later, and for `job_variables` (2.17 and later). Unsafe for `paused`, which
    also says whether schedules that are added later run.
    """
    yield from _gone_endpoints(context)
    yield from _refused_bodies(context)


def _gone_endpoints(context: Context) -> Iterator[Draft]:
    module = context.module
    for node, parents in _strings(module, _WORDS):
        start, end = span(node, module.index)
        text = module.text[start:end]
        for row in _GONE:
            if not context.target.reaches(row.since) or only_on((*parents, node), module) == 2:
                continue
            for match in row.path.finditer(text):
                place = (start + match.start(1), start + match.end(1))
                told = f"A server of Prefect {row.since} or later answers `{match[1]}` with 404: {row.told}"
                mend = None
                if row.new is not None:
                    mend = Mend(Applicability.SAFE, f"Use `{row.new}`", partial(tuple, (Edit(*place, row.new),)))
                yield Draft(*place, told, mend)


def _refused_bodies(context: Context) -> Iterator[Draft]:
    module = context.module
    if not module.names.imported and not any(word in module.text for word in _NAMES_THE_API):
        return
    if not any(f'"{word}"' in module.text or f"'{word}'" in module.text for word in _BODY_WORDS):
        return
    seen: set[ast.AST] = set()
    for call, parents in _requests(module):
        address = _address(call, parents)
        body = _body(call, parents)
        if address is None or body is None or body in seen or only_on((*parents, call), module) == 2:
            continue
        for key, told, mend in _refused(context, address, body):
            seen.add(body)
            yield context.draft(
                key, f"A Prefect 3 server refuses `{ast.literal_eval(key)}` here with 422: {told}", mend
            )


def _refused(context: Context, address: str, body: ast.Dict) -> Iterator[tuple[ast.expr, str, Optional[Mend]]]:
    keys = _keys(body)
    if _DEPLOYMENT.search(address):
        for name, told in _OF_DEPLOYMENTS.items():
            if name in keys:
                key, value = keys[name]
                yield key, told, _renamed(context, name, key, value, keys)
    elif _FILTERED.search(address):
        deployments = keys.get("deployments", (None, None))[1]
        variables = keys.get("variables", (None, None))[1]
        if isinstance(deployments, ast.Dict) and "is_schedule_active" in _keys(deployments):
            told = "filter by `paused` with the opposite value"
            yield _keys(deployments)["is_schedule_active"][0], told, None
        if isinstance(variables, ast.Dict) and "value" in _keys(variables) and "/variables/" in address:
            yield (
                _keys(variables)["value"][0],
                "variables can no longer be filtered by value: compare them afterwards",
                None,
            )
    elif _STATEFUL.search(address):
        state = keys.get("state", (None, None))[1]
        if isinstance(state, ast.Dict):
            for name in ("id", "timestamp"):
                if name in _keys(state):
                    yield _keys(state)[name][0], "the server sets it: leave it out", None


def _renamed(
    context: Context, name: str, key: ast.expr, value: ast.expr, keys: dict[str, tuple[ast.expr, ast.expr]]
) -> Optional[Mend]:
    module = context.module
    start, end = span(key, module.index)
    quote = module.text[start]
    if quote not in "\"'":
        return None
    if name == "infra_overrides" and "job_variables" not in keys:
        edit = Edit(start, end, f"{quote}job_variables{quote}")
        return Mend(Applicability.SAFE, "Write `job_variables`", partial(tuple, (edit,)))
    if name == "is_schedule_active" and "paused" not in keys:
        if isinstance(value, ast.Constant) and isinstance(value.value, bool):
            edits = (
                Edit(start, end, f"{quote}paused{quote}"),
                Edit(*span(value, module.index), str(not value.value)),
            )
            return Mend(Applicability.UNSAFE, "Write `paused` with the opposite value", partial(tuple, edits))
    return None


def _keys(body: ast.Dict) -> dict[str, tuple[ast.expr, ast.expr]]:
    return {
        key.value: (key, value)
        for key, value in zip(body.keys, body.values)
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }


def _requests(module: Module) -> Iterator[tuple[ast.Call, Parents]]:
    """The calls of `post`, `patch`, `put` and `request` with a body."""
    for node, parents in walked(module.tree, rows_with(_METHODS, module.index)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            if any(keyword.arg in ("json", "data", "content") for keyword in node.keywords):
                yield node, parents


def _address(call: ast.Call, parents: Parents) -> Optional[str]:
    """The address of a request with `{}` for what is put in; None where it is not written in the same function."""
    assert isinstance(call.func, ast.Attribute)
    named = [keyword.value for keyword in call.keywords if keyword.arg == "url"]
    at = 1 if call.func.attr == "request" else 0
    given = named or call.args[at : at + 1]
    return _written(_followed(given[0], parents)) if given else None


def _written(node: ast.expr) -> Optional[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_written(part) or "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{_written(node.left) or '{}'}{_written(node.right) or '{}'}"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        text = _written(node.func.value)
        return re.sub(r"\{[^{}]*\}", "{}", text) if text is not None else None
    return None


def _body(call: ast.Call, parents: Parents) -> Optional[ast.Dict]:
    given = next(keyword.value for keyword in call.keywords if keyword.arg in ("json", "data", "content"))
    given = _followed(given, parents)
    if (
        isinstance(given, ast.Call)
        and isinstance(given.func, ast.Attribute)
        and given.func.attr == "dumps"
        and given.args
    ):
        given = _followed(given.args[0], parents)
    return given if isinstance(given, ast.Dict) else None


def _followed(node: ast.expr, parents: Parents) -> ast.expr:
    """What a name stands for, where the function around (or the module) assigns it once."""
    if not isinstance(node, ast.Name):
        return node
    scopes = [each for each in parents if isinstance(each, (*FUNCTIONS, ast.Module))]
    for scope in reversed(scopes):
        stored = [
            each
            for each in ast.walk(scope)
            if isinstance(each, ast.Name) and each.id == node.id and isinstance(each.ctx, ast.Store)
        ]
        if stored or (isinstance(scope, FUNCTIONS) and _takes(scope, node.id)):
            assigned = [
                each.value
                for each in ast.walk(scope)
                if isinstance(each, ast.Assign) and len(each.targets) == 1 and each.targets[0] in stored
            ]
            return assigned[0] if len(stored) == 1 and len(assigned) == 1 else node
    return node


def _takes(function: Union[ast.FunctionDef, ast.AsyncFunctionDef], name: str) -> bool:
    arguments = function.args
    return any(each.arg == name for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))


@dataclass(frozen=True)
class _Page:
    """A page of the UI that moved."""

    old: re.Pattern[str]
    new: str
    is_redirected: bool


_PAGES = (
    _Page(re.compile(r"(?<![\w-])task-runs/task-run(?=/)"), "runs/task-run", False),
    _Page(re.compile(r"(?<![\w-])flow-runs/flow-run(?=/)"), "runs/flow-run", True),
    _Page(re.compile(r"(?<![\w-])flow-runs/task-run(?=/)"), "runs/task-run", True),
)


@rule("PF605", "ui-url", Severity.WARNING, "safe", _UI, anywhere=True)
def ui_url(context: Context) -> Iterator[Draft]:
    """Link to the pages that the UI of Prefect 3 has.

    The UI shows runs under `runs/flow-run/ID` and `runs/task-run/ID`. It leads from `flow-runs/flow-run/ID` there, in all releases so far; `task-runs/task-run/ID`
    is a page that does not exist. `prefect.utilities.urls.url_for` builds such links (3.0 and later). Links to Prefect Cloud are left alone: what it shows does
    not depend on the installed release.

    ## Example
    ```python
    from prefect import get_run_logger, task
    from prefect.runtime import task_run
    from prefect.settings import PREFECT_UI_URL

    @task
    def load():
        get_run_logger().info(f"{PREFECT_UI_URL.value()}/task-runs/task-run/{task_run.id}")
    ```

    ## Use instead
    ```python
    from prefect import get_run_logger, task
    from prefect.runtime import task_run
    from prefect.settings import PREFECT_UI_URL

    @task
    def load():
        get_run_logger().info(f"{PREFECT_UI_URL.value()}/runs/task-run/{task_run.id}")
    ```

    ## Fix safety
    Safe: the link leads to the same run. With `--target both`, `flow-runs/flow-run` stays, since it works on either major; no one link to a task run does.
    """
    module = context.module
    if "-run/" not in module.text:
        return
    for node, parents in _strings(module, ("run",)):
        start, end = span(node, module.index)
        text = module.text[start:end]
        if "app.prefect.cloud" in text or only_on((*parents, node), module) == 2:
            continue
        for page in _PAGES:
            for match in page.old.finditer(text):
                if context.target.both and page.is_redirected:
                    continue
                place = (start + match.start(), start + match.end())
                if context.target.both:
                    told = f"The UI of Prefect 3 has no page `{match[0]}`: it is `{page.new}` there, which Prefect 2 has not"
                    yield Draft(*place, told)
                    continue
                told = f"The UI of Prefect 3 has no page `{match[0]}`: it is `{page.new}`"
                if page.is_redirected:
                    told = f"The page is `{page.new}` on Prefect 3, which leads there from `{match[0]}`"
                mend = Mend(Applicability.SAFE, f"Link to `{page.new}`", partial(tuple, (Edit(*place, page.new),)))
                yield Draft(*place, told, mend, Severity.INFO if page.is_redirected else None)


def _strings(module: Module, words: Sequence[str]) -> Iterator[tuple[Union[ast.Constant, ast.JoinedStr], Parents]]:
    """The strings on rows where one of the words stands, f-strings as a whole, docstrings and other bare strings left out."""
    for node, parents in walked(module.tree, rows_with(words, module.index)):
        around = parents[-1] if parents else None
        if isinstance(around, (ast.JoinedStr, ast.Expr)) or any(isinstance(each, ast.JoinedStr) for each in parents):
            continue
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            yield node, parents


RULES = (rest_call, ui_url)

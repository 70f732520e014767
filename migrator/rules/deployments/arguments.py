"""What each argument of `Deployment.build_from_flow` becomes on Prefect 3."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional, Union

from migrator.rewriting.names import can_add_import, local_name
from migrator.rules.base import Context

URL = "https://docs.prefect.io/v3/how-to-guides/migrate/upgrade-agents-to-workers"
DOCS = "https://docs.prefect.io/v3/how-to-guides/deployments"
_CLIENT_SCHEDULES = "prefect.client.schemas.schedules"
_SERVER_SCHEDULES = "prefect.server.schemas.schedules"
_SCHEDULES = {
    "cron": f"{_CLIENT_SCHEDULES}.CronSchedule",
    "interval": f"{_CLIENT_SCHEDULES}.IntervalSchedule",
    "rrule": f"{_CLIENT_SCHEDULES}.RRuleSchedule",
}
POSITIONAL = ("flow", "name", "output", "skip_upload", "ignore_file", "apply", "load_existing", "schedules")
SAME = frozenset(
    {"name", "version", "description", "tags", "parameters", "work_pool_name", "work_queue_name", "enforce_parameter_schema", "schedules"}
)  # fmt: skip
KEPT_ATTRIBUTES = SAME | {"apply", "flow_name", "job_variables", "entrypoint", "triggers"}
"""What the object that `to_deployment` returns has in common with 2.x's deployment."""
_WITHOUT_EFFECT = {
    "skip_upload": "nothing is uploaded on 3.x",
    "ignore_file": "nothing is uploaded on 3.x",
    "load_existing": "3.x always replaces what the server has, schedules, tags, parameters and job variables included",
    "timestamp": "3.x sets it",
    "parameter_openapi_schema": "3.x reads it from the flow, as 2.20 did",
    "flow_name": "3.x reads it from the flow, as 2.20 did",
}
POOL = (
    "Prefect 3 has no agents: create a work pool (`prefect work-pool create NAME --type process`), pass its name as `work_pool_name=` or set "
    "`PREFECT_DEFAULT_WORK_POOL_NAME`, and start `prefect worker start --pool NAME` instead of the agent"
)
_BY_HAND = {
    "storage": (
        "`storage=` becomes the source of `from_source()`: `flow.from_source(source=<GitRepository or block>, entrypoint=...)`; nothing is uploaded on "
        "deploying any more, so put the code there yourself",
        f"{DOCS}/store-flow-code",
    ),
    "infrastructure": (
        "`infrastructure=` has no equivalent in code: its settings belong to a work pool of that type (on 2.x, `block.publish_as_work_pool()` makes one); "
        "pass the pool's name as `work_pool_name=` and what differs per deployment as `job_variables=`",
        URL,
    ),
    "output": (
        "`output=` wrote a deployment YAML, which Prefect 3 does not read; describe the deployment in `prefect.yaml` instead (`prefect deploy`)",
        f"{DOCS}/prefect-yaml",
    ),
    "manifest_path": (
        "`manifest_path=` has no equivalent; the entrypoint alone says where the flow is",
        f"{DOCS}/deploy-via-python",
    ),
    "triggers": (
        "`triggers=` takes `DeploymentEventTrigger` and its siblings of `prefect.events` on Prefect 3; check each trigger's arguments",
        "https://docs.prefect.io/v3/how-to-guides/automations/creating-deployment-triggers",
    ),
}
"""Arguments for which there is no rewriting: what to do, and Prefect's page on it."""
PATH = "`path=` named a directory on the machine of the agent; `from_source()` loads the flow from its source while deploying, so it must exist here as well"


@dataclass(frozen=True)
class Step:
    """A change to the arguments of the call, made on its text."""

    kind: str
    name: str
    value: str = ""


class Refusal(Exception):
    """Why a call is left to the user, and Prefect's page on it."""

    def __init__(self, reason: str, url: str = URL) -> None:
        super().__init__(reason)
        self.reason, self.url = reason, url


def arguments_of(context: Context, call: ast.Call) -> dict[str, ast.expr]:
    if any(isinstance(argument, ast.Starred) for argument in call.args) or len(call.args) > len(POSITIONAL):
        raise Refusal("its positional arguments cannot be followed; pass them by keyword")
    arguments = dict(zip(POSITIONAL, call.args))
    for keyword in call.keywords:
        if keyword.arg is None:
            if "**" in arguments:
                raise Refusal("it unpacks two dictionaries; pass the arguments by keyword")
            arguments["**"] = keyword.value
        else:
            arguments[keyword.arg] = keyword.value
    return arguments


def translated(context: Context, arguments: dict[str, ast.expr]) -> tuple[list[Step], list[str], list[str], bool]:
    steps: list[Step] = []
    imports: list[str] = []
    notes: list[str] = []
    certain = True
    by_hand = [
        told
        for name, told in _BY_HAND.items()
        if name in arguments and not _says_nothing(context, name, arguments[name])
    ]
    if by_hand:
        raise Refusal("; ".join(told for told, _ in by_hand), by_hand[0][1])
    for name, value in arguments.items():
        if name in ("flow", "apply", "path", "entrypoint", *_BY_HAND):
            steps.append(Step("remove", name))
        elif name in _WITHOUT_EFFECT:
            steps.append(Step("remove", name))
            notes.append(f"`{name}={_shown(context, value)}` is dropped: {_WITHOUT_EFFECT[name]}")
        elif name == "schedule":
            steps += _schedule(context, value, imports)
            certain = certain and (
                isinstance(value, (ast.Call, ast.Dict)) or is_none(value) or _is_schedule_variable(context, value)
            )
        elif name == "version" and isinstance(value, ast.Constant) and isinstance(value.value, (int, float)):
            steps.append(Step("set", "version", f'"{value.value}"'))
        elif name == "enforce_parameter_schema" and is_none(value):
            steps.append(Step("set", name, "False"))
        elif name == "is_schedule_active":
            steps += _active(context, value)
        elif name in ("infra_overrides", "job_variables"):
            steps += _job_variables(context, name, value)
            certain = certain and isinstance(value, ast.Dict)
        elif name == "**":
            unknown = _unpacked(context, value)
            if unknown:
                raise Refusal(f"it unpacks {unknown}; pass those arguments by keyword")
        elif name == "schedules":
            if context.module.text.count("MinimalDeploymentSchedule"):
                raise Refusal(
                    "its schedules are `MinimalDeploymentSchedule`; give the schedules themselves, or `DeploymentScheduleCreate`"
                )
        elif name not in SAME:
            raise Refusal(f"`{name}=` is no argument of 3.x")
    if "enforce_parameter_schema" not in arguments and not unpacks(context, arguments, "enforce_parameter_schema"):
        steps.append(Step("set", "enforce_parameter_schema", "False"))
    if not names_pool(context, arguments):
        certain = False
        notes.append(POOL)
    given = literal(arguments.get("name"))
    minor = context.target.minor
    if isinstance(given, str) and "." in given and minor is not None and minor <= 4:
        notes.append(
            f"Prefect 3 before 3.4.24 cuts a deployment's name at its last dot: this one is registered as `{given.rpartition('.')[0]}`"
        )
    return steps, imports, notes, certain


def _says_nothing(context: Context, name: str, value: ast.expr) -> bool:
    """Whether an argument is as good as not given."""
    if isinstance(value, ast.Call) and name == "infrastructure" and not value.args and not value.keywords:
        reference = context.module.resolve(value)
        return (
            reference is not None
            and reference.qualified.startswith("prefect.infrastructure")
            and reference.qualified.endswith(".Process")
        )
    return is_none(value) or (isinstance(value, ast.List) and not value.elts)


def _schedule(context: Context, value: ast.expr, imports: list[str]) -> Iterator[Step]:
    if is_none(value):
        yield Step("remove", "schedule")
        return
    if isinstance(value, ast.Dict):
        yield Step("rename", "schedule", "schedules")
        yield Step("set", "schedules", f"[{_schedule_object(context, value, imports)}]")
        return
    text = context.module.source(value)
    if isinstance(value, ast.Call) or _is_schedule_variable(context, value):
        shown = f"[{text}]"
    elif isinstance(value, (ast.Name, ast.Attribute)):
        shown = f"[{text}] if {text} is not None else None"
    else:
        raise Refusal("its schedule is an expression; put the schedule into a variable first")
    yield Step("rename", "schedule", "schedules")
    yield Step("set", "schedules", shown)


def _is_schedule_variable(context: Context, value: ast.expr) -> bool:
    reference = context.module.resolve(value)
    made = reference.definition.value if reference is not None and reference.definition is not None else None
    return isinstance(made, ast.Call)


def _schedule_object(context: Context, value: ast.Dict, imports: list[str]) -> str:
    parts: dict[str, str] = {}
    for key, part in zip(value.keys, value.values):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            raise Refusal("the keys of its schedule cannot be followed; give a schedule object")
        parts[key.value] = context.module.source(part)
    kind = next((kind for kind in _SCHEDULES if kind in parts), None)
    if kind is None or not can_add_import(context.module, _SCHEDULES[kind]):
        raise Refusal("its schedule is a dictionary of unknown kind; give a schedule object")
    imports.append(_SCHEDULES[kind])
    arguments = ", ".join(f"{name}={text}" for name, text in parts.items())
    return f"{local_name(context.module, _SCHEDULES[kind])}({arguments})"


def _active(context: Context, value: ast.expr) -> Iterator[Step]:
    known = literal(value)
    if known is True or is_none(value):
        yield Step("remove", "is_schedule_active")
        return
    yield Step("rename", "is_schedule_active", "paused")
    text = context.module.source(value)
    plain = isinstance(value, (ast.Name, ast.Attribute, ast.Call))
    yield Step("set", "paused", "True" if known is False else f"not {text}" if plain else f"not ({text})")


def _job_variables(context: Context, name: str, value: ast.expr) -> Iterator[Step]:
    if is_none(value):
        yield Step("remove", name)
        return
    if isinstance(value, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
        if any(not isinstance(key, str) for key in keys):
            raise Refusal(f"the keys of `{name}` cannot be followed; give them as strings")
        if any("." in str(key) for key in keys):
            yield Step("set", name, _nested(context, name, value))
    if name != "job_variables":
        yield Step("rename", name, "job_variables")


def _nested(context: Context, name: str, value: ast.Dict) -> str:
    """The text of a dictionary whose dotted keys are nested: workers of early 3.x ignore dotted ones."""
    parts: dict[str, str] = {}
    inner: dict[str, list[str]] = {}
    for key, part in zip(value.keys, value.values):
        assert isinstance(key, ast.Constant)
        outer, _, rest = str(key.value).partition(".")
        text = context.module.source(part)
        if (
            not rest
            and isinstance(part, ast.Dict)
            and any(str(other.value).startswith(f"{outer}.") for other in value.keys if isinstance(other, ast.Constant))
        ):
            inner.setdefault(outer, []).extend(
                f"{context.module.source(k)}: {context.module.source(v)}" for k, v in zip(part.keys, part.values) if k
            )
        elif not rest:
            parts[outer] = text
            continue
        elif "." in rest:
            raise Refusal(f"`{name}` has keys with several dots; nest them by hand")
        else:
            inner.setdefault(outer, []).append(f'"{rest}": {text}')
        parts[outer] = f"{{{', '.join(inner[outer])}}}"
    return "{" + ", ".join(f'"{key}": {text}' for key, text in parts.items()) + "}"


def _unpacked(context: Context, value: ast.expr) -> str:
    """Why unpacked arguments cannot be passed on; empty where they can."""
    keys = _keys(context, value)
    if keys is None:
        return f"`{_shown(context, value)}`, whose keys are not known here"
    other = sorted(key for key in keys if key not in SAME)
    return f"`{_shown(context, value)}` with {', '.join(f'`{key}`' for key in other)}" if other else ""


def unpacks(context: Context, arguments: dict[str, ast.expr], name: str) -> bool:
    return "**" in arguments and name in (_keys(context, arguments["**"]) or ())


def names_pool(context: Context, arguments: dict[str, ast.expr]) -> bool:
    """Whether a work pool is named; `work_pool_name=None` names none."""
    given = arguments.get("work_pool_name")
    return unpacks(context, arguments, "work_pool_name") if given is None else not is_none(given)


def _keys(context: Context, value: ast.expr) -> Optional[list[str]]:
    """The keys of a dictionary that is written out here or assigned once at the top level; None where they are not known."""
    if isinstance(value, ast.Name):
        found = [
            statement.value
            for statement in context.module.tree.body
            if isinstance(statement, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == value.id for target in statement.targets)
        ]
        stored = [
            node
            for node in ast.walk(context.module.tree)
            if isinstance(node, ast.Name) and node.id == value.id and not isinstance(node.ctx, ast.Load)
        ]
        changed = f"{value.id}[" in context.module.text or f"{value.id}.update" in context.module.text
        return _keys(context, found[0]) if len(found) == len(stored) == 1 and not changed else None
    if isinstance(value, ast.Dict):
        names = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
        return (
            [name for name in names if isinstance(name, str)] if all(isinstance(name, str) for name in names) else None
        )
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict" and not value.args:
        return (
            [keyword.arg for keyword in value.keywords if keyword.arg]
            if all(keyword.arg for keyword in value.keywords)
            else None
        )
    return None


def _shown(context: Context, value: ast.expr) -> str:
    text = " ".join(context.module.source(value).split())
    return text if len(text) <= 40 else f"{text[:37]}..."


def literal(node: Optional[ast.expr]) -> Union[bool, str, int, float, ast.expr, None]:
    """The value of a constant; another expression as it is; None for None and for nothing."""
    if node is None:
        return None
    if isinstance(node, ast.Constant):
        value = node.value
        return value if isinstance(value, (bool, str, int, float)) else None
    return node


def is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None

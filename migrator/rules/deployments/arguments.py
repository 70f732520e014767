"""What each argument of `Deployment.build_from_flow` becomes on Prefect 3."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional, Union

from migrator.model.names import is_none, span
from migrator.rewriting.names import can_add_import, local_name
from migrator.rewriting.turned import listed, opposite
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
POSITIONAL: tuple[str, ...] = (
    "flow",
    "name",
    "output",
    "skip_upload",
    "ignore_file",
    "apply",
    "load_existing",
    "schedules",
)
SAME = frozenset(
    {"name", "version", "description", "tags", "parameters", "work_pool_name", "work_queue_name", "enforce_parameter_schema", "schedules", "triggers"}
)  # fmt: skip
KEPT_ATTRIBUTES = SAME | {"apply", "flow_name", "job_variables", "entrypoint"}
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
STORAGE = (
    "`storage=` becomes the source of `from_source()`: `flow.from_source(source=<GitRepository or block>, entrypoint=...)`; nothing is uploaded on "
    "deploying any more, so put the code there yourself"
)
INFRASTRUCTURE = (
    "`infrastructure=` has no equivalent in code: its settings belong to a work pool of that type (on 2.x, `block.publish_as_work_pool()` makes one); "
    "pass the pool's name as `work_pool_name=` and what differs per deployment as `job_variables=`"
)
BLOCKS = ("storage", "infrastructure")
_NAMELESS = "Pass the name of that pool as `work_pool_name=` or set `PREFECT_DEFAULT_WORK_POOL_NAME`"
_BY_HAND = {
    "output": (
        "`output=` wrote a deployment YAML, which Prefect 3 does not read; describe the deployment in `prefect.yaml` instead (`prefect deploy`)",
        f"{DOCS}/prefect-yaml",
    ),
    "manifest_path": (
        "`manifest_path=` has no equivalent; the entrypoint alone says where the flow is",
        f"{DOCS}/deploy-via-python",
    ),
}
"""Arguments for which there is no rewriting: what to do, and Prefect's page on it."""
_OUTPUT = "`output=` is dropped, as Prefect 3 reads no deployment YAML: to keep the deployment in a file, describe it in `prefect.yaml` (`prefect deploy`)"
_TRIGGERS = (
    "Prefect 3 makes an automation of each trigger, which a server of Prefect 2 did only with `PREFECT_EXPERIMENTAL_EVENTS`: give `DeploymentEventTrigger` "
    "and its siblings of `prefect.events`, or dictionaries of their fields"
)
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


@dataclass(frozen=True)
class Blocks:
    """What a deployment's blocks come to, for its arguments."""

    pool: str = ""
    """The text for `work_pool_name=`, where the call names no pool."""
    variables: str = ""
    """The text for `job_variables=`."""
    image: str = ""
    """The text for `image=`; empty where it is none of the arguments."""
    infrastructure: bool = False
    """Whether there is an infrastructure block, which takes the call's overrides in."""


@dataclass(frozen=True)
class Translated:
    """What becomes of a call's arguments."""

    steps: list[Step]
    imports: list[str]
    notes: list[str]
    certain: bool


def translated(
    context: Context, arguments: dict[str, ast.expr], blocks: Blocks = Blocks(), deploys: bool = False
) -> Translated:
    """What becomes of the arguments; `blocks` is what its storage and its infrastructure come to, `deploys` whether it is registered at once.

    Raises Refusal where one has no equivalent.
    """
    steps: list[Step] = []
    imports: list[str] = []
    notes: list[str] = []
    certain = True
    by_hand = [
        told
        for name, told in _BY_HAND.items()
        if name in arguments
        and not _says_nothing(context, name, arguments[name])
        and not (name == "output" and deploys)
    ]
    if by_hand:
        raise Refusal("; ".join(told for told, _ in by_hand), by_hand[0][1])
    for name, value in arguments.items():
        if name in ("flow", "apply", "path", "entrypoint", *BLOCKS, *_BY_HAND):
            steps.append(Step("remove", name))
            if name == "output" and not _says_nothing(context, name, value):
                certain = False
                notes.append(_OUTPUT)
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
            if blocks.infrastructure and blocks.variables:
                steps += [Step("rename", name, "job_variables")] if name != "job_variables" else []
            elif blocks.infrastructure:
                steps.append(Step("remove", name))
            else:
                steps += _job_variables(context, name, value)
                certain = certain and isinstance(value, ast.Dict)
        elif name == "**":
            unknown = _unpacked(context, value)
            if unknown:
                raise Refusal(f"it unpacks {unknown}; pass those arguments by keyword")
        elif name == "schedules":
            text = minimal_schedules(context, value)
            if text is not None:
                steps.append(Step("set", name, text))
        elif name == "triggers":
            if _says_nothing(context, name, value):
                steps.append(Step("remove", name))
            else:
                certain = False
                notes.append(_TRIGGERS)
        elif name not in SAME:
            raise Refusal(f"`{name}=` is no argument of 3.x")
    if "enforce_parameter_schema" not in arguments and not unpacks(context, arguments, "enforce_parameter_schema"):
        steps.append(Step("set", "enforce_parameter_schema", "False"))
    if not names_pool(context, arguments):
        certain = False
        pool = blocks.pool or (f'"{context.target.work_pool}"' if context.target.work_pool else "")
        if pool:
            steps.append(Step("set", "work_pool_name", pool))
        elif "work_pool_name" in arguments:
            steps.append(Step("remove", "work_pool_name"))
        if not pool:
            notes.append(_NAMELESS if blocks.infrastructure else POOL)
        elif not blocks.pool:
            notes.append(
                f"Prefect 3 has no agents: create the work pool (`prefect work-pool create {context.target.work_pool} --type process`) and start "
                f"`prefect worker start --pool {context.target.work_pool}` instead of the agent"
            )
    if blocks.variables:
        steps.append(Step("set", "job_variables", blocks.variables))
    if blocks.image:
        steps += [Step("set", "image", blocks.image), Step("set", "build", "False"), Step("set", "push", "False")]
    given = literal(arguments.get("name"))
    minor = context.target.minor
    if isinstance(given, str) and "." in given and minor is not None and minor <= 4:
        notes.append(
            f"Prefect 3 before 3.4.24 cuts a deployment's name at its last dot: this one is registered as `{given.rpartition('.')[0]}`"
        )
    return Translated(steps, imports, notes, certain)


def minimal_schedules(context: Context, value: ast.expr) -> Optional[str]:
    """The list with a dictionary in the place of each `MinimalDeploymentSchedule(...)`, which both majors take; None where there is none.

    Raises Refusal where the class is used in the module, but not to be found in a list that is written out here.
    """
    if "MinimalDeploymentSchedule" not in context.module.text:
        return None
    start = span(value, context.module.index)[0]
    text = context.module.source(value)
    made = [node for node in ast.walk(value) if isinstance(node, ast.Call) and _is_minimal(context, node)]
    if not isinstance(value, ast.List) and not made and context.target.both:
        raise Refusal(
            "its schedules may be `MinimalDeploymentSchedule`; give dictionaries with `schedule` and `active`"
        )
    for call in reversed(made):
        begin, end = span(call, context.module.index)
        text = text[: begin - start] + _entry(context, call) + text[end - start :]
    return text if made else None


def _is_minimal(context: Context, call: ast.Call) -> bool:
    reference = context.module.resolve(call.func)
    return reference is not None and reference.qualified.endswith(".MinimalDeploymentSchedule")


def _entry(context: Context, call: ast.Call) -> str:
    if call.args or any(keyword.arg not in ("schedule", "active") for keyword in call.keywords):
        raise Refusal(
            "its `MinimalDeploymentSchedule` cannot be followed; give a dictionary with `schedule` and `active`"
        )
    return "{" + ", ".join(f'"{each.arg}": {context.module.source(each.value)}' for each in call.keywords) + "}"


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


def says_nothing(context: Context, name: str, arguments: dict[str, ast.expr]) -> bool:
    """Whether an argument is not given, or as good as that."""
    return name not in arguments or _says_nothing(context, name, arguments[name])


def _schedule(context: Context, value: ast.expr, imports: list[str]) -> Iterator[Step]:
    if is_none(value):
        yield Step("remove", "schedule")
        return
    if isinstance(value, ast.Dict):
        yield Step("rename", "schedule", "schedules")
        yield Step("set", "schedules", f"[{_schedule_object(context, value, imports)}]")
        return
    try:
        shown = listed(value, context.module.source(value), certain=_is_schedule_variable(context, value))
    except ValueError as error:
        raise Refusal("its schedule is an expression; put the schedule into a variable first") from error
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
    if literal(value) is True or is_none(value):
        yield Step("remove", "is_schedule_active")
        return
    yield Step("rename", "is_schedule_active", "paused")
    yield Step("set", "paused", opposite(value, context.module.source(value)))


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
        changed = re.search(
            rf"\b{re.escape(value.id)}(?:\[|\.(?!(?:copy|get|items|keys|values)\b))", context.module.text
        )
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

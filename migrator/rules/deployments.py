"""Deployments built in Python: `Deployment.build_from_flow` and its kin."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.model.module import Kind, Module, Reference
from migrator.model.names import FUNCTIONS, Imported, span
from migrator.rewriting.names import add_import, can_add_import, local_name, remove_imports_of, uses_of
from migrator.rules.base import Context, Draft, Mend, rule

_URL = "https://docs.prefect.io/v3/how-to-guides/migrate/upgrade-agents-to-workers"
_HOMES = ("prefect.deployments", "prefect.deployments.deployments")
_CRON = "prefect.client.schemas.schedules.CronSchedule"
_INTERVAL = "prefect.client.schemas.schedules.IntervalSchedule"
_RRULE = "prefect.client.schemas.schedules.RRuleSchedule"
_SCHEDULES = {"cron": _CRON, "interval": _INTERVAL, "rrule": _RRULE}
_LONGEST_LINE = 110
"""From here on `from_source` gets its arguments on lines of their own."""
_POSITIONAL = ("flow", "name", "output", "skip_upload", "ignore_file", "apply", "load_existing", "schedules")
_SAME = frozenset(
    {"name", "version", "description", "tags", "parameters", "work_pool_name", "work_queue_name", "enforce_parameter_schema", "schedules"}
)  # fmt: skip
_KEPT_ATTRIBUTES = _SAME | {"apply", "flow_name", "job_variables", "entrypoint", "triggers"}
"""What the object that `to_deployment` returns has in common with 2.x's deployment."""
_WITHOUT_EFFECT = {
    "skip_upload": "nothing is uploaded on 3.x",
    "ignore_file": "nothing is uploaded on 3.x",
    "load_existing": "3.x always replaces what the server has, schedules, tags, parameters and job variables included",
    "timestamp": "3.x sets it",
    "parameter_openapi_schema": "3.x reads it from the flow, as 2.20 did",
    "flow_name": "3.x reads it from the flow, as 2.20 did",
}
_POOL = (
    "Prefect 3 has no agents: create a work pool (`prefect work-pool create NAME --type process`), pass its name as `work_pool_name=` or set "
    "`PREFECT_DEFAULT_WORK_POOL_NAME`, and start `prefect worker start --pool NAME` instead of the agent"
)
_DOCS = "https://docs.prefect.io/v3/how-to-guides/deployments"
_BY_HAND = {
    "storage": (
        "`storage=` becomes the source of `from_source()`: `flow.from_source(source=<GitRepository or block>, entrypoint=...)`; nothing is uploaded on "
        "deploying any more, so put the code there yourself",
        f"{_DOCS}/store-flow-code",
    ),
    "infrastructure": (
        "`infrastructure=` has no equivalent in code: its settings belong to a work pool of that type (on 2.x, `block.publish_as_work_pool()` makes one); "
        "pass the pool's name as `work_pool_name=` and what differs per deployment as `job_variables=`",
        _URL,
    ),
    "output": (
        "`output=` wrote a deployment YAML, which Prefect 3 does not read; describe the deployment in `prefect.yaml` instead (`prefect deploy`)",
        f"{_DOCS}/prefect-yaml",
    ),
    "manifest_path": (
        "`manifest_path=` has no equivalent; the entrypoint alone says where the flow is",
        f"{_DOCS}/deploy-via-python",
    ),
    "triggers": (
        "`triggers=` takes `DeploymentEventTrigger` and its siblings of `prefect.events` on Prefect 3; check each trigger's arguments",
        "https://docs.prefect.io/v3/how-to-guides/automations/creating-deployment-triggers",
    ),
}
"""Arguments for which there is no rewriting: what to do, and Prefect's page on it."""
_PATH = "`path=` named a directory on the machine of the agent; `from_source()` loads the flow from its source while deploying, so it must exist here as well"


@rule("PF301", "deployment-build-from-flow", Severity.ERROR, "safe or unsafe or none", _URL)
def deployment_build_from_flow(context: Context) -> Iterator[Draft]:
    """Deploy the flow itself: `flow.from_source(...).deploy(...)`.

    Prefect 3 has no `Deployment`; importing it fails. Its successor is `flow.deploy(...)`, and for code that lies in a directory that the worker can read,
    `flow.from_source(source=..., entrypoint=...).deploy(...)`: it registers what 2.x registered (the current directory, and the flow's file and name in it)
    and runs from there. It needs a work pool, since 3.x has workers in place of agents.

    What the fix does with each argument: `schedule=` becomes `schedules=[...]`, `is_schedule_active=` becomes `paused=`, `infra_overrides=` becomes
    `job_variables=`, `enforce_parameter_schema=False` is added because 3.x turned the default. An argument without an equivalent is named in the message.
    A deployment that is kept in a variable is built by `to_deployment(...)`, so that its `.apply()` stays. Code at the top level of the flow's own file goes
    under `if __name__ == "__main__":`, because `from_source` imports that file again: unguarded it would deploy without end.

    ## Example
    ```python
    from prefect import flow
    from prefect.deployments import Deployment
    from prefect.client.schemas.schedules import CronSchedule

    @flow
    def etl(table: str = "orders"):
        ...

    Deployment.build_from_flow(
        flow=etl,
        name="nightly",
        schedule=CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin"),
        work_pool_name="default",
        infra_overrides={"env": {"STAGE": "prod"}},
        apply=True,
    )
    ```

    ## Use instead
    ```python
    from prefect import flow
    from prefect.client.schemas.schedules import CronSchedule

    @flow
    def etl(table: str = "orders"):
        ...

    if __name__ == "__main__":
        etl.from_source(source=".", entrypoint="flows.py:etl").deploy(
            name="nightly",
            schedules=[CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin")],
            work_pool_name="default",
            job_variables={"env": {"STAGE": "prod"}},
            enforce_parameter_schema=False,
        )
    ```

    ## Example: with a variable (--target both)
    ```python
    from prefect import flow
    from prefect.deployments import Deployment

    @flow
    def etl():
        ...

    def deploy():
        deployment = Deployment.build_from_flow(etl, "nightly", work_pool_name="default")
        deployment.apply()
    ```

    ## Use instead
    ```python
    from prefect import flow
    from compat import PREFECT_3
    if not PREFECT_3:
        from prefect.deployments import Deployment

    @flow
    def etl():
        ...

    def deploy():
        if PREFECT_3:
            deployment = etl.from_source(
                source=".",
                entrypoint="flows.py:etl",
            ).to_deployment(name="nightly", work_pool_name="default", enforce_parameter_schema=False)
        else:
            deployment = Deployment.build_from_flow(etl, "nightly", work_pool_name="default")
        deployment.apply()
    ```

    ## Fix safety
    Safe where a work pool is named and every argument has its equivalent; run it from the directory from which the 2.x code was run. Unsafe where the work
    pool has to come from `PREFECT_DEFAULT_WORK_POOL_NAME`, or an argument is passed on without being known. No fix for storage and infrastructure
    blocks, YAML output and triggers.
    """
    yield from _Deployments(context).drafts()


@dataclass(frozen=True)
class _Step:
    """A change to the arguments of the call, made on its text."""

    kind: str
    name: str
    value: str = ""


@dataclass(frozen=True)
class _Plan:
    """How one call is rewritten."""

    reference: Reference
    call: ast.Call
    receiver: str
    source: str
    entrypoint: str
    method: str
    awaited: bool
    steps: tuple[_Step, ...]
    imports: tuple[str, ...]
    applicability: Applicability
    notes: tuple[str, ...]
    statement: ast.stmt
    guard: tuple[ast.stmt, ...]
    """The statements at the top level that have to go under the guard; empty where none is needed."""
    apply_call: Optional[ast.Call]
    """The `.apply()` that follows at once and that `deploy` takes in."""
    into: Optional[ast.If]
    """The guard that is there already, where the statement moves into it."""


class _Refusal(Exception):
    """Why a call is left to the user, and Prefect's page on it."""

    def __init__(self, reason: str, url: str = _URL) -> None:
        super().__init__(reason)
        self.reason, self.url = reason, url


class _Deployments:
    """All uses of `Deployment` in a module: its import goes only when every one of them has been rewritten."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.module = context.module

    def drafts(self) -> Iterator[Draft]:
        imports = [
            imported
            for imported in self.module.names.imported
            if imported.target in {f"{home}.Deployment" for home in _HOMES} and imported.name == "Deployment"
            and not self.context.may_fail(imported.parents, imported.statement)
        ]  # fmt: skip
        references = [
            reference
            for reference in self.module.references
            if reference.direct and _is_deployment(reference.qualified)
            and not self.context.may_fail(reference.use.parents, reference.node)
        ]  # fmt: skip
        plans: list[_Plan] = []
        refused: list[tuple[Reference, _Refusal]] = []
        for reference in references:
            try:
                plans.append(self._plan(reference))
            except _Refusal as refusal:
                refused.append((reference, refusal))
        message = "`Deployment` does not exist on Prefect 3"
        for reference, why in refused:
            yield Draft(reference.start, reference.end, f"{message}: {why.reason}", url=why.url)
        certain = [plan for plan in plans if plan.applicability is Applicability.SAFE]
        for group in (certain, [plan for plan in plans if plan not in certain]):
            if not group:
                continue
            last = not refused and (len(group) == len(plans) or group is not certain)
            gone = imports if last else []
            mend = Mend(
                group[0].applicability,
                "Deploy the flow itself",
                partial(self._edits, group, gone),
            )
            for plan in group:
                notes = "".join(f". {note}" for note in plan.notes)
                yield Draft(
                    plan.reference.start,
                    plan.reference.end,
                    f"{message}: deploy the flow itself, `{plan.receiver}.from_source(...).{plan.method}(...)`{notes}",
                    mend,
                )
            if last:
                yield from (Draft(i.start, i.end, f"{message}; importing it fails", mend) for i in imports)
        if refused:
            yield from (
                Draft(i.start, i.end, f"{message}; importing it fails. Rewrite its uses first") for i in imports
            )
        elif not plans:
            for imported in imports:
                unused = not self.context.passed_on(imported.local) and not uses_of(self.module, imported)
                mend = Mend(
                    Applicability.SAFE,
                    "Remove the unused import",
                    partial(remove_imports_of, self.module, [imported]),
                )
                yield Draft(imported.start, imported.end, f"{message}; importing it fails", mend if unused else None)

    # -- deciding

    def _plan(self, reference: Reference) -> _Plan:
        tail = reference.qualified.partition(".Deployment")[2].strip(".")
        call = reference.call
        if tail == "" and call is not None:
            raise _Refusal(
                "build it from the flow, `flow.from_source(...).to_deployment(...)`; the fields of a work pool's jobs are `job_variables`"
            )
        if tail == "load_from_yaml":
            raise _Refusal(
                "the YAML of `prefect deployment build` is not read any more; describe the deployment in `prefect.yaml`"
            )
        if tail != "build_from_flow" or call is None:
            raise _Refusal("use `flow.deploy(...)`, `flow.to_deployment(...)` or `prefect.deploy(...)`")
        arguments = self._arguments(call)
        flow = arguments.pop("flow", None)
        if flow is None or ("name" not in arguments and "**" not in arguments):
            raise _Refusal("the call has no flow or no name")
        parents = reference.use.parents[:-1]
        statement = next(node for node in reversed(parents) if isinstance(node, ast.stmt))
        awaited = isinstance(parents[-1], ast.Await)
        self._check_surroundings(parents, statement, awaited)
        receiver, entrypoint = self._entrypoint(flow)
        steps, imports, notes, certain = self._steps(arguments)
        if "entrypoint" in arguments:
            entrypoint = self._given_entrypoint(arguments["entrypoint"])
        source = '"."'
        if "path" in arguments and not _is_none(arguments["path"]):
            source = self.module.source(arguments["path"])
            if _literal(arguments["path"]) != ".":
                certain = False
                notes.append(_PATH)
        applied = _literal(arguments.get("apply"))
        if "apply" in arguments and not isinstance(applied, bool):
            raise _Refusal(
                "whether it is applied is decided at run time; call `deploy(...)` or `to_deployment(...)` accordingly"
            )
        apply_call = _apply_call(parents)
        deploys = bool(applied) or apply_call is not None
        self._check_uses(statement, deploys)
        if not deploys and "work_pool_name" not in arguments and not self._unpacks(arguments, "work_pool_name"):
            raise _Refusal(_POOL)
        guard, into = self._guard(statement, parents, flow)
        where = os.path.relpath(self.context.project.root(self.module.path), os.path.dirname(self.module.path))
        if where != ".":
            notes.append("Run it from the project's root, as before")
        return _Plan(
            reference, call, receiver, source, entrypoint, "deploy" if deploys else "to_deployment", awaited, tuple(steps), tuple(imports),
            Applicability.SAFE if certain else Applicability.UNSAFE, tuple(notes), statement, guard, apply_call, into,
        )  # fmt: skip

    def _check_surroundings(self, parents: Sequence[ast.AST], statement: ast.stmt, awaited: bool) -> None:
        """Raises _Refusal where the call stands in a place that the rewriting does not reach."""
        function = next((node for node in reversed(parents) if isinstance(node, FUNCTIONS)), None)
        if isinstance(function, ast.AsyncFunctionDef) and not awaited:
            gathered = any(isinstance(node, ast.Call) for node in parents)
            raise _Refusal(
                "`from_source()` must not run concurrently with itself; await the deployments one after the other"
                if gathered
                else "it is not awaited in an async function, so it is never built"
            )
        if isinstance(parents[-1], ast.Attribute) and _apply_call(parents) is None:
            raise _Refusal("it is used at once in another way than `.apply()`; assign it to a variable first")
        if not self._statement_can_change(statement):
            raise _Refusal("it shares its line with other statements; give it a line of its own")
        if self.context.target.both and not isinstance(statement, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)):
            raise _Refusal(
                "it is part of a larger statement; assign it to a variable first, so that it can stand on a branch for each major"
            )

    def _check_uses(self, statement: ast.stmt, deploys: bool) -> None:
        """Raises _Refusal where a variable that holds the deployment is used as 3.x's cannot be."""
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            return
        names = {
            node.id for node in ast.walk(statement) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
        }
        for node in ast.walk(self.module.tree):
            value = node.value if isinstance(node, ast.Attribute) else None
            if isinstance(node, ast.Attribute) and isinstance(value, ast.Name) and value.id in names:
                if deploys:
                    raise _Refusal(
                        "it is applied at once and used afterwards; leave `apply=True` out and call `.apply()` on it"
                    )
                if node.attr not in _KEPT_ATTRIBUTES or not isinstance(node.ctx, ast.Load):
                    raise _Refusal(f"`{value.id}.{node.attr}` has no equivalent on what `to_deployment(...)` returns")
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "apply":
                target = node.func.value
                if isinstance(target, ast.Name) and target.id in names and (node.args or node.keywords):
                    raise _Refusal(
                        "`apply(...)` takes other arguments on 3.x: code is never uploaded on deploying, and a queue's limit is set by "
                        "`prefect work-queue set-concurrency-limit`",
                        f"{_DOCS}/store-flow-code",
                    )

    def _given_entrypoint(self, value: ast.expr) -> str:
        given = _literal(value)
        if isinstance(given, str) and ".py:" not in given:
            raise _Refusal(
                "its entrypoint is a module path, which `from_source()` does not load on every 3.x; write `path/to/file.py:flow`"
            )
        return self.module.source(value)

    def _arguments(self, call: ast.Call) -> dict[str, ast.expr]:
        if any(isinstance(argument, ast.Starred) for argument in call.args) or len(call.args) > len(_POSITIONAL):
            raise _Refusal("its positional arguments cannot be followed; pass them by keyword")
        arguments = dict(zip(_POSITIONAL, call.args))
        for keyword in call.keywords:
            if keyword.arg is None:
                if "**" in arguments:
                    raise _Refusal("it unpacks two dictionaries; pass the arguments by keyword")
                arguments["**"] = keyword.value
            else:
                arguments[keyword.arg] = keyword.value
        return arguments

    def _entrypoint(self, flow: ast.expr) -> tuple[str, str]:
        """The text of the flow, and the quoted `file:name` under which its module has it."""
        reference = self.module.resolve(flow) if isinstance(flow, (ast.Name, ast.Attribute)) else None
        definition = reference.definition if reference is not None and not reference.rest else None
        if definition is None or definition.kind is not Kind.FLOW:
            raise _Refusal(
                f"the flow `{' '.join(self.module.source(flow).split())}` cannot be followed; call `from_source(...).deploy(...)` on the flow itself"
            )
        top = definition.module.names.module_scope.bindings.get(definition.name, [])
        if not any(binding.node is definition.node for binding in top):
            raise _Refusal(
                f"the flow `{definition.name}` is not at the top level of its module, where a worker could load it"
            )
        root = self.context.project.root(self.module.path)
        relative = os.path.relpath(definition.module.path, root).replace(os.sep, "/")
        if relative.startswith("../"):
            raise _Refusal(f"the flow `{definition.name}` is defined outside of this project")
        return self.module.source(flow), f'"{relative}:{definition.name}"'

    def _steps(self, arguments: dict[str, ast.expr]) -> tuple[list[_Step], list[str], list[str], bool]:
        steps: list[_Step] = []
        imports: list[str] = []
        notes: list[str] = []
        certain = True
        by_hand = [
            told
            for name, told in _BY_HAND.items()
            if name in arguments and not self._says_nothing(name, arguments[name])
        ]
        if by_hand:
            raise _Refusal("; ".join(told for told, _ in by_hand), by_hand[0][1])
        for name, value in arguments.items():
            if name in ("flow", "apply", "path", "entrypoint", *_BY_HAND):
                steps.append(_Step("remove", name))
            elif name in _WITHOUT_EFFECT:
                steps.append(_Step("remove", name))
                notes.append(f"`{name}={self._shown(value)}` is dropped: {_WITHOUT_EFFECT[name]}")
            elif name == "schedule":
                steps += self._schedule(value, imports)
                certain = certain and (
                    isinstance(value, (ast.Call, ast.Dict)) or _is_none(value) or self._is_schedule_variable(value)
                )
            elif name == "version" and isinstance(value, ast.Constant) and isinstance(value.value, (int, float)):
                steps.append(_Step("set", "version", f'"{value.value}"'))
            elif name == "enforce_parameter_schema" and _is_none(value):
                steps.append(_Step("set", name, "False"))
            elif name == "is_schedule_active":
                steps += self._active(value)
            elif name in ("infra_overrides", "job_variables"):
                steps += self._job_variables(name, value)
                certain = certain and isinstance(value, ast.Dict)
            elif name == "**":
                unknown = self._unpacked(value)
                if unknown:
                    raise _Refusal(f"it unpacks {unknown}; pass those arguments by keyword")
            elif name == "schedules":
                if self.module.text.count("MinimalDeploymentSchedule"):
                    raise _Refusal(
                        "its schedules are `MinimalDeploymentSchedule`; give the schedules themselves, or `DeploymentScheduleCreate`"
                    )
            elif name not in _SAME:
                raise _Refusal(f"`{name}=` is no argument of 3.x")
        if "enforce_parameter_schema" not in arguments and not self._unpacks(arguments, "enforce_parameter_schema"):
            steps.append(_Step("set", "enforce_parameter_schema", "False"))
        if "work_pool_name" not in arguments and not self._unpacks(arguments, "work_pool_name"):
            certain = False
            notes.append(_POOL)
        given = _literal(arguments.get("name"))
        minor = self.context.target.minor
        if isinstance(given, str) and "." in given and minor is not None and minor <= 4:
            notes.append(
                f"Prefect 3 before 3.4.24 cuts a deployment's name at its last dot: this one is registered as `{given.rpartition('.')[0]}`"
            )
        return steps, imports, notes, certain

    def _says_nothing(self, name: str, value: ast.expr) -> bool:
        """Whether an argument is as good as not given."""
        if isinstance(value, ast.Call) and name == "infrastructure" and not value.args and not value.keywords:
            reference = self.module.resolve(value)
            return (
                reference is not None
                and reference.qualified.startswith("prefect.infrastructure")
                and reference.qualified.endswith(".Process")
            )
        return _is_none(value) or (isinstance(value, ast.List) and not value.elts)

    def _schedule(self, value: ast.expr, imports: list[str]) -> Iterator[_Step]:
        if _is_none(value):
            yield _Step("remove", "schedule")
            return
        if isinstance(value, ast.Dict):
            yield _Step("rename", "schedule", "schedules")
            yield _Step("set", "schedules", f"[{self._schedule_object(value, imports)}]")
            return
        text = self.module.source(value)
        if isinstance(value, ast.Call) or self._is_schedule_variable(value):
            shown = f"[{text}]"
        elif isinstance(value, (ast.Name, ast.Attribute)):
            shown = f"[{text}] if {text} is not None else None"
        else:
            raise _Refusal("its schedule is an expression; put the schedule into a variable first")
        yield _Step("rename", "schedule", "schedules")
        yield _Step("set", "schedules", shown)

    def _is_schedule_variable(self, value: ast.expr) -> bool:
        reference = self.module.resolve(value)
        made = reference.definition.value if reference is not None and reference.definition is not None else None
        return isinstance(made, ast.Call)

    def _schedule_object(self, value: ast.Dict, imports: list[str]) -> str:
        parts: dict[str, str] = {}
        for key, part in zip(value.keys, value.values):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
                raise _Refusal("the keys of its schedule cannot be followed; give a schedule object")
            parts[key.value] = self.module.source(part)
        kind = next((kind for kind in _SCHEDULES if kind in parts), None)
        if kind is None or not can_add_import(self.module, _SCHEDULES[kind]):
            raise _Refusal("its schedule is a dictionary of unknown kind; give a schedule object")
        imports.append(_SCHEDULES[kind])
        arguments = ", ".join(f"{name}={text}" for name, text in parts.items())
        return f"{local_name(self.module, _SCHEDULES[kind])}({arguments})"

    def _active(self, value: ast.expr) -> Iterator[_Step]:
        known = _literal(value)
        if known is True or _is_none(value):
            yield _Step("remove", "is_schedule_active")
            return
        yield _Step("rename", "is_schedule_active", "paused")
        text = self.module.source(value)
        plain = isinstance(value, (ast.Name, ast.Attribute, ast.Call))
        yield _Step("set", "paused", "True" if known is False else f"not {text}" if plain else f"not ({text})")

    def _job_variables(self, name: str, value: ast.expr) -> Iterator[_Step]:
        if _is_none(value):
            yield _Step("remove", name)
            return
        if isinstance(value, ast.Dict):
            keys = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
            if any(not isinstance(key, str) for key in keys):
                raise _Refusal(f"the keys of `{name}` cannot be followed; give them as strings")
            if any("." in str(key) for key in keys):
                yield _Step("set", name, self._nested(name, value))
        if name != "job_variables":
            yield _Step("rename", name, "job_variables")

    def _nested(self, name: str, value: ast.Dict) -> str:
        """The text of a dictionary whose dotted keys are nested: workers of early 3.x ignore dotted ones."""
        parts: dict[str, str] = {}
        inner: dict[str, list[str]] = {}
        for key, part in zip(value.keys, value.values):
            assert isinstance(key, ast.Constant)
            outer, _, rest = str(key.value).partition(".")
            text = self.module.source(part)
            if (
                not rest
                and isinstance(part, ast.Dict)
                and any(
                    str(other.value).startswith(f"{outer}.") for other in value.keys if isinstance(other, ast.Constant)
                )
            ):
                inner.setdefault(outer, []).extend(
                    f"{self.module.source(k)}: {self.module.source(v)}" for k, v in zip(part.keys, part.values) if k
                )
            elif not rest:
                parts[outer] = text
                continue
            elif "." in rest:
                raise _Refusal(f"`{name}` has keys with several dots; nest them by hand")
            else:
                inner.setdefault(outer, []).append(f'"{rest}": {text}')
            parts[outer] = f"{{{', '.join(inner[outer])}}}"
        return "{" + ", ".join(f'"{key}": {text}' for key, text in parts.items()) + "}"

    def _unpacked(self, value: ast.expr) -> str:
        """Why unpacked arguments cannot be passed on; empty where they can."""
        keys = self._keys(value)
        if keys is None:
            return f"`{self._shown(value)}`, whose keys are not known here"
        other = sorted(key for key in keys if key not in _SAME)
        return f"`{self._shown(value)}` with {', '.join(f'`{key}`' for key in other)}" if other else ""

    def _unpacks(self, arguments: dict[str, ast.expr], name: str) -> bool:
        return "**" in arguments and name in (self._keys(arguments["**"]) or ())

    def _keys(self, value: ast.expr) -> Optional[list[str]]:
        """The keys of a dictionary that is written out here or assigned once at the top level; None where they are not known."""
        if isinstance(value, ast.Name):
            found = [
                statement.value
                for statement in self.module.tree.body
                if isinstance(statement, ast.Assign)
                and any(isinstance(target, ast.Name) and target.id == value.id for target in statement.targets)
            ]
            stored = [
                node
                for node in ast.walk(self.module.tree)
                if isinstance(node, ast.Name) and node.id == value.id and not isinstance(node.ctx, ast.Load)
            ]
            changed = f"{value.id}[" in self.module.text or f"{value.id}.update" in self.module.text
            return self._keys(found[0]) if len(found) == len(stored) == 1 and not changed else None
        if isinstance(value, ast.Dict):
            names = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
            return (
                [name for name in names if isinstance(name, str)]
                if all(isinstance(name, str) for name in names)
                else None
            )
        if (
            isinstance(value, ast.Call)
            and isinstance(value.func, ast.Name)
            and value.func.id == "dict"
            and not value.args
        ):
            return (
                [keyword.arg for keyword in value.keywords if keyword.arg]
                if all(keyword.arg for keyword in value.keywords)
                else None
            )
        return None

    def _shown(self, value: ast.expr) -> str:
        text = " ".join(self.module.source(value).split())
        return text if len(text) <= 40 else f"{text[:37]}..."

    # -- the guard

    def _statement_can_change(self, statement: ast.stmt) -> bool:
        start, end = span(statement, self.module.index)
        index = self.module.index
        before = self.module.text[index.line_start(start) : start]
        row = index.position(max(end - 1, start))[0]
        after = self.module.text[end : index.starts[row] if row < len(index.starts) else len(self.module.text)].strip()
        return not before.strip() and (not after or after.startswith("#"))

    def _guard(
        self, statement: ast.stmt, parents: Sequence[ast.AST], flow: ast.expr
    ) -> tuple[tuple[ast.stmt, ...], Optional[ast.If]]:
        """The top-level statements that would run again when the flow's file is imported again, and the guard that can take them in."""
        function = next((node for node in parents if isinstance(node, FUNCTIONS)), None)
        if not self._imports_this_module(flow):
            return (), None
        if function is not None:
            runs = self._unguarded_uses(function.name, function)
            if any(not isinstance(found, ast.Expr) for found in runs):
                raise _Refusal(
                    f'`{function.name}` runs when the module is imported; run it under `if __name__ == "__main__":` only, since `from_source` imports the module again'
                )
            return tuple(runs), None
        top = parents[1] if len(parents) > 1 else statement
        assert isinstance(top, ast.stmt)
        if _is_main_guard(top):
            return (), None
        if isinstance(top, ast.ClassDef):
            raise _Refusal("it stands in the body of a class, which runs again when `from_source` imports the module")
        names = {node.id for node in ast.walk(top) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        if any(self.context.passed_on(name) for name in names):
            raise _Refusal(
                'other modules import the deployment from here; move it under `if __name__ == "__main__":` or into a function'
            )
        users = [
            other
            for other in self.module.tree.body
            if other is not top and any(isinstance(node, ast.Name) and node.id in names for node in ast.walk(other))
        ]
        guards = [user for user in users if _is_main_guard(user)]
        plain = [user for user in users if not _is_main_guard(user)]
        if guards and not plain and top is statement:
            first = guards[0]
            assert isinstance(first, ast.If)
            return (top,), first
        if any(isinstance(user, (*FUNCTIONS, ast.ClassDef)) for user in plain):
            raise _Refusal(
                'functions use the deployment, which `if __name__ == "__main__":` would take from them; build it inside of them'
            )
        if guards:
            raise _Refusal(
                'the deployment is used inside and outside of `if __name__ == "__main__":`; move all of it there'
            )
        return (top, *plain), None

    def _imports_this_module(self, flow: ast.expr) -> bool:
        reference = self.module.resolve(flow)
        home = (
            reference.definition.module.path
            if reference is not None and reference.definition is not None
            else self.module.path
        )
        return home == self.module.path or self.context.project.imports(home, self.module.path)

    def _unguarded_uses(self, name: str, function: ast.AST) -> list[ast.stmt]:
        """Top-level statements that mention a function by name, outside of other functions, of classes and of the guard."""
        return [
            statement
            for statement in self.module.tree.body
            if statement is not function
            and not isinstance(statement, (*FUNCTIONS, ast.ClassDef))
            and not _is_main_guard(statement)
            and any(isinstance(node, ast.Name) and node.id == name for node in ast.walk(statement))
        ]

    # -- rewriting

    def _edits(self, plans: Sequence[_Plan], gone: Sequence[Imported]) -> Iterator[Edit]:
        both = self.context.target.both
        pieces: dict[tuple[int, int], str] = {}
        for plan in plans:
            pieces.update(self._branches(plan) if both else [self._call_piece(plan)])
        guarded: dict[int, ast.stmt] = {}
        for plan in plans:
            if plan.into is None:
                guarded.update({statement.lineno: statement for statement in plan.guard})
        inside: set[tuple[int, int]] = set()
        for run in _runs([guarded[row] for row in sorted(guarded)], self.module):
            yield self._guarded(run, pieces, inside)
        for plan in plans:
            if plan.into is not None:
                yield from self._moved(plan, plan.into, pieces, inside)
        yield from (Edit(start, end, text) for (start, end), text in pieces.items() if (start, end) not in inside)
        for dotted in dict.fromkeys(name for plan in plans for name in plan.imports):
            yield from add_import(self.module, dotted)
        if gone:
            yield from self._import_edits(gone, both)

    def _call_piece(self, plan: _Plan) -> tuple[tuple[int, int], str]:
        """The place of the call, its `await` included, and its new text."""
        start, end = span(plan.call, self.module.index)
        text = self._call_text(plan, self.module.text[start:end])
        if plan.awaited:
            start = span(plan.reference.use.parents[-2], self.module.index)[0]
            text = f"await {text}"
        if plan.apply_call is not None:
            end = span(plan.apply_call, self.module.index)[1]
        return (start, end), text

    def _call_text(self, plan: _Plan, call: str) -> str:
        from migrator.rewriting.calls import remove_arguments, rename_argument, set_argument

        head = plan.reference.end - span(plan.call, self.module.index)[0]
        start = span(plan.call, self.module.index)[0]
        for name, argument in reversed(list(zip(_POSITIONAL, plan.call.args))):
            at = span(argument, self.module.index)[0] - start
            call = f"{call[:at]}{name}={call[at:]}"
        for step in plan.steps:
            if step.kind == "rename":
                call = rename_argument(call, step.name, step.value)
            elif step.kind == "set":
                call = set_argument(call, step.name, step.value)
        call = remove_arguments(call, ["flow", *(step.name for step in plan.steps if step.kind == "remove")])
        source = f"{plan.receiver}.from_source(source={plan.source}, entrypoint={plan.entrypoint})"
        line_start = self.module.index.line_start(start)
        first_line = source + call[head:].split("\n", 1)[0]
        if start - line_start + len(first_line) + len(plan.method) > _LONGEST_LINE:
            line = self.module.text[line_start:start]
            indent = line[: len(line) - len(line.lstrip())]
            newline = "\r\n" if "\r\n" in self.module.text else "\n"
            inner = f"{newline}{indent}{self._step(indent)}"
            source = f"{plan.receiver}.from_source({inner}source={plan.source},{inner}entrypoint={plan.entrypoint},{newline}{indent})"
        if plan.awaited:
            source = f"(await {source})"
        return f"{source}.{plan.method}{call[head:]}"

    @staticmethod
    def _step(indent: str) -> str:
        return "\t" if "\t" in indent else "    "

    def _branches(self, plan: _Plan) -> list[tuple[tuple[int, int], str]]:
        """The statement twice: for 3.x as rewritten, for 2.x as it is."""
        from migrator.rewriting.statements import newline_of

        (start, end), text = self._call_piece(plan)
        outer_start, outer_end = span(plan.statement, self.module.index)
        old = self.module.text[outer_start:outer_end]
        new = self.module.text[outer_start:start] + text + self.module.text[end:outer_end]
        newline = newline_of(self.module.text)
        indent = self.module.text[self.module.index.line_start(outer_start) : outer_start]
        step = self._step(indent)
        new, old = (self._shifted(code, step, newline) for code in (new, old))
        block = f"if PREFECT_3:{newline}{indent}{new}{newline}{indent}else:{newline}{indent}{old}"
        return [((outer_start, outer_end), block)]

    @staticmethod
    def _shifted(code: str, step: str, newline: str) -> str:
        from migrator.rewriting.statements import indented

        return indented(code, step, newline)

    def _guarded(self, run: list[ast.stmt], pieces: dict[tuple[int, int], str], inside: set[tuple[int, int]]) -> Edit:
        from migrator.rewriting.statements import newline_of

        start, end = span(run[0], self.module.index)[0], span(run[-1], self.module.index)[1]
        newline = newline_of(self.module.text)
        code = self._with_pieces(start, end, pieces, inside)
        return Edit(start, end, f'if __name__ == "__main__":{newline}{self._shifted(code, "    ", newline)}')

    def _moved(
        self, plan: _Plan, into: ast.If, pieces: dict[tuple[int, int], str], inside: set[tuple[int, int]]
    ) -> Iterator[Edit]:
        from migrator.rewriting.statements import insert_before, remove_statement

        start, end = span(plan.statement, self.module.index)
        code = self._with_pieces(start, end, pieces, inside)
        yield remove_statement(self.module.text, self.module.tree, plan.statement)
        yield insert_before(self.module.text, into.body[0], code)

    def _with_pieces(
        self, start: int, end: int, pieces: dict[tuple[int, int], str], inside: set[tuple[int, int]]
    ) -> str:
        """The text of a range with the rewritten calls in it."""
        done, parts = start, []
        for (piece_start, piece_end), text in sorted(pieces.items()):
            if start <= piece_start and piece_end <= end:
                inside.add((piece_start, piece_end))
                parts += [self.module.text[done:piece_start], text]
                done = piece_end
        return "".join([*parts, self.module.text[done:end]])

    def _import_edits(self, gone: Sequence[Imported], both: bool) -> Iterator[Edit]:
        from migrator.rewriting.statements import insert_after, newline_of

        if not both:
            yield from remove_imports_of(self.module, gone)
            return
        newline = newline_of(self.module.text)
        for imported in gone:
            statement = imported.statement
            written = "Deployment" if imported.alias is None else f"Deployment as {imported.alias}"
            guard = f"if not PREFECT_3:\n    from {imported.module} import {written}"
            has_flag = (
                any(other.local == "PREFECT_3" for other in self.module.names.imported)
                or "import PREFECT_3" in self.module.text
            )
            flag = "" if has_flag else "from compat import PREFECT_3\n"
            if len(statement.names) == 1:
                start, end = span(statement, self.module.index)
                indent = self.module.text[self.module.index.line_start(start) : start]
                yield Edit(start, end, f"{newline}{indent}".join((flag + guard).split("\n")))
            else:
                yield from remove_imports_of(self.module, [imported])
                yield insert_after(self.module.text, statement, flag + guard)


def _apply_call(parents: Sequence[ast.AST]) -> Optional[ast.Call]:
    """The `.apply()` without arguments in `Deployment.build_from_flow(...).apply()`, told by the nodes around the inner call."""
    outer = parents[-2] if len(parents) > 1 else None
    is_apply = isinstance(parents[-1], ast.Attribute) and parents[-1].attr == "apply"
    return outer if is_apply and isinstance(outer, ast.Call) and not outer.args and not outer.keywords else None


def _is_deployment(qualified: str) -> bool:
    return any(qualified == f"{home}.Deployment" or qualified.startswith(f"{home}.Deployment.") for home in _HOMES)


def _literal(node: Optional[ast.expr]) -> Union[bool, str, int, float, ast.expr, None]:
    """The value of a constant; another expression as it is; None for None and for nothing."""
    if node is None:
        return None
    if isinstance(node, ast.Constant):
        value = node.value
        return value if isinstance(value, (bool, str, int, float)) else None
    return node


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_main_guard(statement: ast.stmt) -> bool:
    test = statement.test if isinstance(statement, ast.If) else None
    return isinstance(test, ast.Compare) and isinstance(test.left, ast.Name) and test.left.id == "__name__"


def _runs(statements: Sequence[ast.stmt], module: Module) -> Iterator[list[ast.stmt]]:
    """Statements that follow each other directly, together."""
    run: list[ast.stmt] = []
    body = module.tree.body
    for statement in statements:
        if run and body.index(statement) != body.index(run[-1]) + 1:
            yield run
            run = []
        run.append(statement)
    if run:
        yield run


RULES = (deployment_build_from_flow,)

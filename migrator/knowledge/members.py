"""What Prefect 3 took out of things that it still has: members of classes, and keyword arguments.

Two tables, written by hand for what user code touches; `tests/test_members.py` proves each row on real Prefects. Which
release has a member or an argument is not said here but in the generated data; a row says what to write instead. Rows of
what only 3.x had (removed between 3.0 and 3.8) stand beside those of 2.x.

Inheritance is left to the caller: `changed_member` and `changed_argument` answer for the one class they are asked about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, Optional

_DOCS = "https://docs.prefect.io"
_API = f"{_DOCS}/v3/api-ref/python/prefect-"
_GUIDE = f"{_DOCS}/v3/how-to-guides/migrate/upgrade-to-prefect-3"
_WORKERS = f"{_DOCS}/v3/how-to-guides/migrate/upgrade-agents-to-workers"
_SCHEDULES = f"{_DOCS}/v3/how-to-guides/deployments/create-schedules"
_NOTIFICATIONS = f"{_DOCS}/v3/how-to-guides/automations/custom-notifications"
_BACKGROUND = f"{_DOCS}/v3/how-to-guides/workflows/run-background-tasks"
_LIMITS = f"{_DOCS}/v3/how-to-guides/workflows/global-concurrency-limits"
_CONCURRENTLY = f"{_DOCS}/v3/how-to-guides/workflows/run-work-concurrently"
_RESULTS = f"{_DOCS}/v3/advanced/results"
_RUNNERS = f"{_DOCS}/v3/concepts/task-runners"
_SETTINGS = f"{_DOCS}/v3/how-to-guides/configuration/manage-settings"
_FUTURES = f"{_API}futures"
_STATES = f"{_API}states"
_FLOW_RUNS = f"{_API}flow_runs"
_CONTEXT = f"{_API}context"


@dataclass(frozen=True)
class ChangedMember:
    """A method, property, attribute or field that a class lost."""

    owner: str
    """The dotted name of the class where 2.20 defines it, or where 3.x does for what only 3.x had."""
    name: str
    """The member."""
    new: Optional[str] = None
    """The attribute of the same object that says the same on every 3.x; None where there is none."""
    called: Optional[bool] = None
    """True where a call became an attribute (`x.name()` is `x.new`), False where an attribute became a call, None where neither."""
    new_since_2: Optional[str] = None
    """The first 2.x minor on which `new` works the same; None where no 2.x has it."""
    negates: Optional[tuple[str, str]] = None
    """The second argument of the call, by its old and its new name, where `new` takes the opposite value; True where it was not given."""
    compat: Optional[str] = None
    """The function of `compat` that says the same of the object on both majors; its name with `_async` is its twin that is awaited."""
    applicability: Literal["safe", "unsafe"] = "safe"
    """Whether writing `new` keeps the behaviour; says nothing where `new` is None."""
    advice: str = ""
    """What to do where there is no `new`, or where the new spelling is not all there is to it."""
    url: str = _GUIDE
    """Prefect's own page."""


@dataclass(frozen=True)
class ChangedArgument:
    """A keyword argument of a function, method or class that is no longer taken."""

    owner: str
    """The dotted name of the function, method or class where 2.20 defines it, or where 3.x does for what only 3.x had."""
    name: str
    """The keyword."""
    new: Optional[str] = None
    """The keyword that takes the same value on every 3.x; None where there is none."""
    written: Literal["same", "opposite", "listed", "entries"] = "same"
    """How `new` takes the value: as it is, negated, as the one element of a list, or as that of a list of dictionaries with `schedule` and `active`."""
    drop: bool = False
    """Whether the call says the same without it on each 3.x that refuses it or takes no notice of it."""
    new_since_2: Optional[str] = None
    """The first 2.x minor on which `new` takes the same value; with `drop`, on which leaving it out changes nothing. None where no 2.x."""
    applicability: Literal["safe", "unsafe"] = "safe"
    """Whether writing `new`, or leaving the argument out, keeps the behaviour; says nothing where there is neither."""
    advice: str = ""
    """What to do where there is neither, or where that is not all there is to it."""
    url: str = _GUIDE
    """Prefect's own page."""


HOMES_ON_3: Mapping[str, str] = {
    "prefect.context.FlowRunContext": "prefect.context.EngineContext",
    "prefect.deployments.deployments.run_deployment": "prefect.deployments.flow_runs.run_deployment",
    "prefect.engine.pause_flow_run": "prefect.flow_runs.pause_flow_run",
    "prefect.engine.suspend_flow_run": "prefect.flow_runs.suspend_flow_run",
    "prefect.settings.Settings": "prefect.settings.models.root.Settings",
    "prefect.task_runners.ConcurrentTaskRunner": "prefect.task_runners.ThreadPoolTaskRunner",
}
"""Owners that are defined elsewhere on 3.x (`FlowRunContext` since 2.14 already); the tables are found by either name."""

_PAUSED_MEMBER = "`not deployment.paused` says the same (2.16 and later, every 3.x)."
_SCHEDULE_MEMBER = "A deployment has a list now: `deployment.schedules`, each with `schedule` and `active` (2.16 and later, every 3.x)."
_MANIFEST_MEMBER = "Manifests are gone with packaging: `entrypoint` and `path` say where the flow is."
_PAUSED = "Write `paused=` with the opposite value (2.16 and later, every 3.x)."
_SCHEDULE = "Write `schedules=[...]` (2.16 and later, every 3.x)."
_SCHEDULE_BACK = f"3.0 and 3.1 refuse it, later ones take it again. {_SCHEDULE}"
_IGNORED = "3.x takes no notice of it and says nothing."
_MANIFEST = "`entrypoint=` and `path=` say where the flow is."
_SCHEDULE_LIMITS = "Schedules have no such limit any more (gone in 3.1): limit the deployment's runs with `concurrency_limit=` instead."
_POLICIES = "Notification policies are gone (3.4): use an automation that sends a notification."
_PAUSE_OTHER = "use `suspend_flow_run` for another run or to free the infrastructure."
_CREATE_IF_MISSING = "Create the limit first (`prefect gcl create`); a limit that does not exist limits nothing, or raises with `strict=True`. Gone in 3.3."
_COMPARE = "read the variables and compare their values."
_RETURN_FUTURES = "The engine keeps no list of them: keep the futures that `submit` and `map` return."
_ENGINE = "It was the engine's own and nothing replaces it."
_RESULT_STORE = "Result factories became result stores: see `result_store` of the same context (or `prefect.results.get_result_store()`), which has other methods."
_RUNNER_ENGINE = "Task runners start when they are entered (`with runner:`), and it is the future that is waited for: `future.wait()`."

_DEPLOYMENTS = (
    "prefect.client.schemas.objects.Deployment",
    "prefect.client.schemas.responses.DeploymentResponse",
    "prefect.server.schemas.core.Deployment",
    "prefect.server.schemas.responses.DeploymentResponse",
)
_DEPLOYMENT_ACTIONS = tuple(
    f"prefect.{side}.schemas.actions.Deployment{verb}" for side in ("client", "server") for verb in ("Create", "Update")
)
_SCHEDULE_CLASSES = (
    "prefect.client.schemas.actions.DeploymentScheduleCreate",
    "prefect.client.schemas.actions.DeploymentScheduleUpdate",
    "prefect.client.schemas.objects.DeploymentSchedule",
    "prefect.server.schemas.actions.DeploymentScheduleCreate",
    "prefect.server.schemas.actions.DeploymentScheduleUpdate",
    "prefect.server.schemas.core.DeploymentSchedule",
)
_DEPLOYING = (
    "prefect.flows.Flow.deploy",
    "prefect.flows.Flow.serve",
    "prefect.flows.Flow.to_deployment",
    "prefect.deployments.runner.RunnerDeployment.from_entrypoint",
    "prefect.deployments.runner.RunnerDeployment.from_flow",
    "prefect.deployments.runner.RunnerDeployment.from_storage",
    "prefect.runner.runner.Runner.add_flow",
)
_CLIENT = "prefect.client.orchestration.PrefectClient"


def _members() -> Iterator[ChangedMember]:
    future = "prefect.futures.PrefectFuture"
    yield ChangedMember(
        future,
        "get_state",
        new="state",
        called=True,
        compat="state",
        advice="It is never awaited, in async flows neither. It is the final state once `wait()` or `result()` returned; before that it asks the API, as `get_state()` did.",
        url=_FUTURES,
    )
    yield ChangedMember(
        future,
        "task_run",
        advice="`future.task_run.id` is `future.task_run_id`; the rest of the run comes from `client.read_task_run(future.task_run_id)`.",
        url=_FUTURES,
    )
    yield ChangedMember(
        future,
        "name",
        advice="The name is the task run's: `client.read_task_run(future.task_run_id).name`; it ends differently on 3.x (`load-4f1`, not `load-0`).",
        url=_FUTURES,
    )
    yield ChangedMember(
        future,
        "key",
        advice="`future.task_run_id` is as unique, and a future can be hashed on both majors.",
        url=_FUTURES,
    )
    yield ChangedMember(
        future,
        "asynchronous",
        advice="Futures are never awaited on 3.x: `result()` and `wait()` are plain calls, in async flows too.",
        url=_FUTURES,
    )
    yield ChangedMember(
        "prefect.client.schemas.objects.State",
        "to_state_create",
        advice="`prefect.states.to_state_create(state)` does the same from 3.2 on; before it, the method is there.",
        url=_STATES,
    )
    for name, advice in (
        ("task_run_futures", _RETURN_FUTURES),
        ("task_run_states", _RETURN_FUTURES),
        (
            "flow_run_states",
            "The engine keeps no list of them: call subflows with `return_state=True` and keep the states.",
        ),
        ("task_run_results", f"{_ENGINE} Gone in 3.4."),
        ("background_tasks", _ENGINE),
        ("sync_portal", _ENGINE),
        ("timeout_scope", _ENGINE),
        ("autonomous_task_run", _ENGINE),
        ("result_factory", _RESULT_STORE),
    ):
        yield ChangedMember("prefect.context.EngineContext", name, advice=advice, url=_CONTEXT)
    yield ChangedMember("prefect.context.TaskRunContext", "result_factory", advice=_RESULT_STORE, url=_CONTEXT)
    for owner in ("prefect.task_runners.ConcurrentTaskRunner", "prefect.task_runners.BaseTaskRunner"):
        yield ChangedMember(
            owner,
            "concurrency_type",
            advice="Task runners say nothing of their concurrency on 3.x: ask for the class with `isinstance`.",
            url=_RUNNERS,
        )
        yield ChangedMember(owner, "start", advice=_RUNNER_ENGINE, url=_RUNNERS)
        yield ChangedMember(owner, "wait", advice=_RUNNER_ENGINE, url=_RUNNERS)
    for name in (
        "create_flow_run_notification_policy",
        "delete_flow_run_notification_policy",
        "read_flow_run_notification_policies",
        "update_flow_run_notification_policy",
    ):
        yield ChangedMember(_CLIENT, name, advice=_POLICIES, url=_NOTIFICATIONS)
    yield ChangedMember(
        _CLIENT,
        "update_schedule",
        new="set_deployment_paused_state",
        negates=("active", "paused"),
        new_since_2="2.16",
        advice="It takes `paused`, the opposite value: inactive is paused (2.16 and later, every 3.x). From 3.4 on it warns: `pause_deployment` and `resume_deployment` are there.",
        url=_SCHEDULES,
    )
    yield ChangedMember(
        _CLIENT,
        "resolve_datadoc",
        advice="Data documents are gone: `state.result()` gives the value of a state.",
        url=_RESULTS,
    )
    for owner in _DEPLOYMENTS:
        yield ChangedMember(owner, "infra_overrides", new="job_variables", new_since_2="2.17")
        yield ChangedMember(owner, "manifest_path", advice=_MANIFEST_MEMBER)
    for owner in (*_DEPLOYMENTS, "prefect.deployments.runner.RunnerDeployment"):
        yield ChangedMember(owner, "is_schedule_active", advice=_PAUSED_MEMBER, url=_SCHEDULES)
        yield ChangedMember(owner, "schedule", advice=_SCHEDULE_MEMBER, url=_SCHEDULES)
    for owner in _SCHEDULE_CLASSES:
        yield ChangedMember(owner, "max_active_runs", advice=_SCHEDULE_LIMITS, url=_SCHEDULES)
        yield ChangedMember(owner, "catchup", advice=_SCHEDULE_LIMITS, url=_SCHEDULES)
    yield ChangedMember(
        "prefect.settings.Settings",
        "value_of",
        advice="`PREFECT_API_URL.value_from(settings)` gives the same value on both majors, and `PREFECT_API_URL.value()` that of the current settings.",
        url=_SETTINGS,
    )
    for name in ("check_for_cancelled_flow_runs", "cancel_run"):
        yield ChangedMember(
            "prefect.workers.base.BaseWorker",
            name,
            advice="It was the worker's own loop and nothing replaces it: runs are cancelled through the API, by setting their state.",
            url=_WORKERS,
        )
    yield ChangedMember(
        "prefect.results.ResultStore",
        "create_result",
        advice="`create_result_record(obj, key, expiration)` makes the record and `persist_result_record(record)` stores it.",
        url=_RESULTS,
    )


def _opposite(owner: str, advice: str, since: Optional[str]) -> ChangedArgument:
    """`is_schedule_active=x` became `paused=not x`."""
    return ChangedArgument(
        owner, "is_schedule_active", "paused", "opposite", new_since_2=since, advice=advice, url=_SCHEDULES
    )


def _arguments() -> Iterator[ChangedArgument]:
    yield ChangedArgument(
        "prefect.client.schemas.objects.State.result",
        "fetch",
        drop=True,
        advice="Gone in 3.3. In async code `state.result()` is awaited from 3.1 on; only on 2.x and 3.0 that takes `fetch=True`.",
        url=_STATES,
    )
    yield ChangedArgument(
        "prefect.states.get_state_result",
        "fetch",
        advice="Use `state.result()`: from 3.3 on `get_state_result` takes no `fetch` and gives a coroutine even in synchronous code.",
        url=_STATES,
    )
    runner_deployment = "prefect.deployments.runner.RunnerDeployment"
    for owner in (*_DEPLOYING, runner_deployment):
        ignored = f"{_IGNORED} " if owner == runner_deployment else ""
        schedule = f"{ignored}{_SCHEDULE}" if ignored else _SCHEDULE_BACK
        yield _opposite(owner, f"{ignored}{_PAUSED}", "2.16")
        yield ChangedArgument(
            owner, "schedule", "schedules", "listed", new_since_2="2.16", advice=schedule, url=_SCHEDULES
        )
    for owner in (f"{_CLIENT}.create_deployment", *_DEPLOYMENT_ACTIONS):
        yield ChangedArgument(owner, "infra_overrides", new="job_variables", new_since_2="2.17")
        yield ChangedArgument(
            owner, "manifest_path", drop=True, new_since_2="2.10", advice=_MANIFEST, applicability="unsafe"
        )
        since = None if owner.endswith("client.schemas.actions.DeploymentUpdate") else "2.16"
        where = f"({since} and later, every 3.x)" if since else "(every 3.x, no 2.x)"
        yield _opposite(owner, f"Write `paused=` with the opposite value {where}.", since)
        yield ChangedArgument(
            owner,
            "schedule",
            "schedules",
            "entries",
            new_since_2=since,
            advice=f"Write `schedules=[...]` {where}.",
            url=_SCHEDULES,
        )
    for name in ("schedule", "is_schedule_active"):
        yield ChangedArgument(
            f"{_CLIENT}.update_deployment",
            name,
            advice="3.x takes `(deployment_id, deployment)`, where `deployment` is a `DeploymentUpdate` of what is to change: "
            + ("`schedules=[...]`." if name == "schedule" else "`paused=` with the opposite value."),
            url=_SCHEDULES,
        )
    for owner in _DEPLOYMENTS:
        yield ChangedArgument(owner, "infra_overrides", new="job_variables", new_since_2="2.17", advice=_IGNORED)
        yield ChangedArgument(owner, "manifest_path", drop=True, advice=_IGNORED)
        yield _opposite(owner, f"{_IGNORED} {_PAUSED}", "2.16")
        yield ChangedArgument(owner, "schedule", advice=f"{_IGNORED} {_SCHEDULE}", url=_SCHEDULES)
    for owner in _SCHEDULE_CLASSES:
        advice = f"{_IGNORED} {_SCHEDULE_LIMITS}" if owner.endswith(".DeploymentSchedule") else _SCHEDULE_LIMITS
        yield ChangedArgument(owner, "max_active_runs", advice=advice, url=_SCHEDULES)
        yield ChangedArgument(owner, "catchup", advice=advice, url=_SCHEDULES)
    yield ChangedArgument(
        "prefect.client.schemas.filters.DeploymentFilter",
        "is_schedule_active",
        advice=f"{_IGNORED} Every deployment passes the filter then: read them and look at `paused`.",
    )
    yield ChangedArgument(
        "prefect.server.schemas.filters.DeploymentFilter",
        "is_schedule_active",
        advice="Filter by `paused` with the opposite value (2.16 and later, every 3.x).",
    )
    yield ChangedArgument(
        "prefect.client.schemas.filters.VariableFilter",
        "value",
        advice=f"{_IGNORED} Every variable passes the filter then: {_COMPARE}",
    )
    yield ChangedArgument(
        "prefect.server.schemas.filters.VariableFilter",
        "value",
        advice=f"Values can no longer be filtered by: {_COMPARE}",
    )
    yield ChangedArgument(
        "prefect.deployments.deployments.run_deployment", "infra_overrides", new="job_variables", new_since_2="2.17"
    )
    yield ChangedArgument(
        "prefect.engine.pause_flow_run",
        "flow_run_id",
        advice=f"`pause_flow_run` pauses the run that calls it, no other: {_PAUSE_OTHER}",
        url=_FLOW_RUNS,
    )
    yield ChangedArgument(
        "prefect.engine.pause_flow_run",
        "reschedule",
        advice=f"With `False` leave it out, with `True` {_PAUSE_OTHER}",
        url=_FLOW_RUNS,
    )
    yield ChangedArgument(
        "prefect.engine.suspend_flow_run",
        "client",
        drop=True,
        new_since_2="2.14",
        applicability="unsafe",
        advice="Gone in 3.6: it makes its own client, for the API of the settings.",
        url=_FLOW_RUNS,
    )
    yield ChangedArgument(
        f"{_CLIENT}.create_work_queue",
        "tags",
        advice="Work queues no longer take runs by tags: give each deployment its `work_queue_name`.",
        url=_WORKERS,
    )
    yield ChangedArgument(
        f"{_CLIENT}.find_automation",
        "exit_if_not_found",
        drop=True,
        new_since_2="2.18",
        advice="It never did anything: without a match the method returns None on both majors.",
    )
    yield ChangedArgument(
        "prefect.tasks.Task.serve",
        "task_runner",
        advice="`task_runner=` is gone; `prefect.task_worker.serve(task, limit=...)` bounds how many tasks run at once.",
        url=_BACKGROUND,
    )
    yield ChangedArgument(
        "prefect.serializers.JSONSerializer.dumps",
        "data",
        advice="The parameter is called `obj` from 3.1 on: pass the value by position, which works everywhere.",
        url=f"{_API}serializers",
    )
    for name in ("exception_to_crashed_state", "return_value_to_state"):
        yield ChangedArgument(
            f"prefect.states.{name}",
            "result_factory",
            advice="`result_store=` takes a `ResultStore` on 3.x; `prefect.results.get_result_store()` gives that of the run.",
            url=_RESULTS,
        )
    for name in ("propose_state", "propose_state_sync"):
        yield ChangedArgument(
            f"prefect.utilities.engine.{name}",
            "task_run_id",
            advice="Only flow runs propose their states (3.4): `client.set_task_run_state(task_run_id, state)` sets that of a task run.",
        )
    for owner in (
        "prefect.concurrency.asyncio.concurrency",
        "prefect.concurrency.asyncio.rate_limit",
        "prefect.concurrency.sync.concurrency",
        "prefect.concurrency.sync.rate_limit",
        f"{_CLIENT}.increment_concurrency_slots",
        "prefect.client.orchestration.SyncPrefectClient.increment_concurrency_slots",
    ):
        yield ChangedArgument(owner, "create_if_missing", advice=_CREATE_IF_MISSING, url=_LIMITS)


CHANGED_MEMBERS: tuple[ChangedMember, ...] = tuple(_members())
CHANGED_ARGUMENTS: tuple[ChangedArgument, ...] = tuple(_arguments())


@lru_cache(maxsize=1)
def _by_name() -> tuple[Mapping[tuple[str, str], ChangedMember], Mapping[tuple[str, str], ChangedArgument]]:
    return (
        {(row.owner, row.name): row for row in CHANGED_MEMBERS},
        {(row.owner, row.name): row for row in CHANGED_ARGUMENTS},
    )


def _owners(owner: str) -> Iterator[str]:
    """The names under which the tables may hold what is said of an owner: its own, and that of its other home."""
    yield owner
    yield from (new for old, new in HOMES_ON_3.items() if old == owner)
    yield from (old for old, new in HOMES_ON_3.items() if new == owner)


def changed_member(owner: str, name: str) -> Optional[ChangedMember]:
    """What became of a member that this class itself (not a base of it) is said to have lost; None where nothing is said."""
    rows = _by_name()[0]
    return next((rows[each, name] for each in _owners(owner) if (each, name) in rows), None)


def changed_argument(owner: str, name: str) -> Optional[ChangedArgument]:
    """What became of a keyword of this function, method or class; None where nothing is said."""
    rows = _by_name()[1]
    return next((rows[each, name] for each in _owners(owner) if (each, name) in rows), None)

"""Deployments: flows that the workers of a work pool run, and flows that this process serves."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import functools
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import prefect
from prefect import Flow
from prefect.context import FlowRunContext, TaskRunContext

from ._blocking import in_thread, loop_is_running, to_thread, value_of
from ._version import MINOR, PREFECT_3, require

if TYPE_CHECKING:
    from types import FrameType
    from typing import ParamSpec
    from uuid import UUID

    P = ParamSpec("P")
    R = TypeVar("R")

_LOADER = "prefect.utilities.importtools"
"""The module of Prefect, on all releases, that runs a flow's file in order to get the flow out of it."""

_one_at_a_time = threading.Lock()
_refused: list[RuntimeError] = []


def _awaitable(call: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """`call` for async code: it is run by a thread, and the event loop goes on."""

    @functools.wraps(call)
    async def awaited(*args: P.args, **kwargs: P.kwargs) -> R:
        _refuse_while_loading(call.__name__)
        return await to_thread(call, *args, **kwargs)

    return awaited


def deploy(
    flow: Flow[..., Any],
    name: str,
    *,
    work_pool_name: str,
    work_queue_name: str | None = None,
    job_variables: Mapping[str, Any] | None = None,
    interval: float | datetime.timedelta | Iterable[float | datetime.timedelta] | None = None,
    cron: str | Iterable[str] | None = None,
    rrule: str | Iterable[str] | None = None,
    paused: bool | None = None,
    schedule: Any = None,
    schedules: Iterable[Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    description: str | None = None,
    tags: Iterable[str] | None = None,
    version: str | None = None,
    enforce_parameter_schema: bool = False,
    entrypoint: str | None = None,
) -> UUID:
    """Registers a flow for the workers of a work pool, and gives the deployment's id. Needs Prefect 2.8.

    Run it as 2.x's `Deployment.build_from_flow` was run: in the directory that the workers are to work in, which the flow's
    file lies below. The arguments are those of Prefect 3's `Flow.deploy`; a deployment of that name is replaced.

    The flow's file is loaded again, on all releases, so that nothing is registered that a worker could not load: in that
    file, call this under `if __name__ == "__main__":`.

    interval, cron, rrule: one or several; an interval is seconds or a timedelta. Several schedules need Prefect 2.16.
    schedule, schedules: Prefect's schedules, or `{"schedule": ..., "active": ...}`; only one of the five may be given.
    entrypoint: `FILE:VARIABLE`, the file relative to the current directory; found by itself where the flow is a variable of a
        module.

    Raises ValueError where that variable is not found, RuntimeError where Prefect is loading a flow's file just now,
    NotImplementedError for what the installed Prefect does not have.
    """
    require((2, 8), "deploy")
    _refuse_while_loading("deploy")
    if not isinstance(flow, Flow):
        raise TypeError(f"deploy takes a flow, not {flow!r}")
    if not work_pool_name:
        raise ValueError("deploy needs the name of a work pool")
    registered: UUID = in_thread(
        to_thread(
            _register,
            flow,
            entrypoint or _entrypoint(flow),
            schedules=_schedules(interval, cron, rrule, schedule, schedules),
            paused=paused,
            enforce_parameter_schema=enforce_parameter_schema,
            name=name,
            work_pool_name=work_pool_name,
            work_queue_name=work_queue_name,
            job_variables=dict(job_variables or {}),
            parameters=dict(parameters or {}),
            description=description,
            tags=list(tags or ()),
            version=None if version is None else str(version),
        )
    )
    return registered


deploy_async = _awaitable(deploy)


def serve(
    *flows_or_deployments: Any,
    name: str | None = None,
    pause_on_shutdown: bool = True,
    print_starting_message: bool = True,
    limit: int | None = None,
    **deployment: Any,
) -> None:
    """Prefect 3's `serve`: runs what is scheduled of these flows here, until it is interrupted. Needs Prefect 2.12.

    A flow becomes `flow.to_deployment(name, **deployment)`, with the arguments of Prefect 3's; its name is the flow's where
    none is given. What `to_deployment` made is served as it is. `limit` needs Prefect 2.14.
    """
    require((2, 12), "serve")
    _refuse_while_loading("serve")
    if loop_is_running():
        raise RuntimeError("serve blocks until it is interrupted: it cannot be called where an event loop is running")
    if (name or deployment) and not any(isinstance(each, Flow) for each in flows_or_deployments):
        raise TypeError("serve takes the arguments of a deployment for flows, and there is none")
    runner: dict[str, Any] = {"pause_on_shutdown": pause_on_shutdown, "print_starting_message": print_starting_message}
    if limit is not None:
        require((2, 14), "limit=")
        runner["limit"] = limit
    arguments = _for_runner(**deployment)
    served = [
        value_of(each.to_deployment, name or each.name, **arguments) if isinstance(each, Flow) else each
        for each in flows_or_deployments
    ]
    # Some of 2.x let the interrupt out that ends the runner.
    with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
        value_of(prefect.serve, *served, **runner)


def _register(
    flow: Flow[..., Any], entrypoint: str, *, schedules: list[Any], paused: bool | None, **settings: Any
) -> Any:
    """Registers the flow that is loaded from the entrypoint. Runs in a thread and in a context of its own."""
    contexts: tuple[Any, ...] = (FlowRunContext, TaskRunContext)
    for context in contexts:  # In a sync flow, 3.1 awaits what it has not made a coroutine.
        context.__var__.set(None)
    with _one_at_a_time:  # Loading is not safe in threads on 3.0.
        if PREFECT_3:
            loaded = _loaded(functools.partial(flow.from_source, source="."), entrypoint=entrypoint)
            name = settings.pop("name")
            if "." in name and "/" not in name:
                name += ".py"  # 3.0 to 3.4.23 cut a name at its last dot; every 3.x cuts `.py`.
            return value_of(
                loaded.deploy,
                name,
                schedules=schedules,
                paused=paused,
                print_next_steps=False,
                ignore_warnings=True,
                **settings,
            )
        from prefect import deployments
        from prefect.flows import load_flow_from_entrypoint

        loaded = _loaded(load_flow_from_entrypoint, entrypoint=entrypoint)
        made = value_of(
            vars(deployments)["Deployment"].build_from_flow,
            loaded,
            entrypoint=entrypoint,
            load_existing=False,
            **_for_prefect_2(schedules, paused, **settings),
        )
        return value_of(made.apply)


def _loaded(load: Callable[..., Any], **arguments: Any) -> Any:
    """The flow that `load` gives. Raises what a call of `deploy` in its file was refused with: 3.x hides it."""
    _refused.clear()
    try:
        return value_of(load, **arguments)
    finally:
        if _refused:
            raise _refused.pop() from None


def _for_prefect_2(
    schedules: list[Any], paused: bool | None, *, enforce_parameter_schema: bool, job_variables: Any, **settings: Any
) -> dict[str, Any]:
    """The arguments of 2.x's `Deployment`, of which each release knows its own."""
    if enforce_parameter_schema:
        require((2, 13), "enforce_parameter_schema=")
        settings["enforce_parameter_schema"] = True
    if settings["work_queue_name"] is None:
        del settings["work_queue_name"]
    settings["job_variables" if MINOR >= (2, 17) else "infra_overrides"] = job_variables
    if MINOR >= (2, 16):
        return {**settings, "schedules": schedules, **({} if paused is None else {"is_schedule_active": not paused})}
    schedule, active = _only(schedules)
    return {**settings, "schedule": schedule, "is_schedule_active": active and not paused}


def _for_runner(
    *,
    interval: Any = None,
    cron: Any = None,
    rrule: Any = None,
    paused: bool | None = None,
    schedule: Any = None,
    schedules: Any = None,
    enforce_parameter_schema: bool = False,
    **settings: Any,
) -> dict[str, Any]:
    """The arguments of `to_deployment`, of which each release knows its own."""
    if enforce_parameter_schema:
        require((2, 13), "enforce_parameter_schema=")
    if MINOR >= (2, 13):
        settings["enforce_parameter_schema"] = enforce_parameter_schema
    entries = _schedules(interval, cron, rrule, schedule, schedules)
    if MINOR >= (2, 16):
        return {**settings, "schedules": entries, "paused": paused}
    only, active = _only(entries)
    if paused or not active:
        require((2, 14), "paused=")
        settings["is_schedule_active"] = False
    return {**settings, "schedule": only}


def _schedules(interval: Any, cron: Any, rrule: Any, schedule: Any, schedules: Any) -> list[Any]:
    """Schedules as `schedules=` takes them, of the one argument that is given."""
    from . import CronSchedule, IntervalSchedule, RRuleSchedule

    if sum(each is not None for each in (interval, cron, rrule, schedule, schedules)) > 1:
        raise ValueError("Only one of interval, cron, rrule, schedule, or schedules can be provided.")
    if interval is not None:
        return [IntervalSchedule(interval=each) for each in _several(interval)]
    if cron is not None:
        return [CronSchedule(cron=each) for each in _several(cron)]
    if rrule is not None:
        return [RRuleSchedule(rrule=each) for each in _several(rrule)]
    return [
        {"schedule": each} if isinstance(each, Mapping) and "schedule" not in each else each
        for each in ([schedule] if schedule is not None else schedules or ())
    ]


def _several(value: Any) -> list[Any]:
    return [value] if isinstance(value, (str, int, float, datetime.timedelta)) else list(value)


def _only(schedules: list[Any]) -> tuple[Any, bool]:
    """The one schedule that a deployment had before 2.16, and whether it is active; None where there is none."""
    if len(schedules) > 1:
        require((2, 16), "a deployment with several schedules")
    schedule = schedules[0] if schedules else None
    if isinstance(schedule, Mapping):
        return schedule["schedule"], schedule.get("active", True)
    return schedule, True


def _entrypoint(flow: Flow[..., Any]) -> str:
    """Where a worker finds the flow: `FILE:VARIABLE`, the file relative to the current directory. Raises ValueError."""
    way_out = "or pass entrypoint='FILE.py:VARIABLE', with the file relative to the current directory"
    here = Path.cwd()
    problem = ""
    for module, variable in _variables(flow):
        file = getattr(module, "__file__", None)
        if not file:
            problem = (
                f"is defined in {module.__name__}, which has no file: write it into a file and import it from there"
            )
            continue
        for path in (Path(file).absolute(), Path(file).resolve()):
            if here in path.parents:
                return f"{path.relative_to(here).as_posix()}:{variable}"
        problem = f"is defined in {file}, outside the current directory {here}: deploy from a directory above the file"
    if not problem:
        problem = "is not a variable of a module, where a worker could find it: bind it to one in its file"
    raise ValueError(f"The flow {flow.name!r} {problem}, {way_out}")


def _variables(flow: Flow[..., Any]) -> Iterator[tuple[Any, str]]:
    """The modules that hold the flow, with its name there; that of its function first, then what was imported last."""
    own = sys.modules.get(flow.__module__)
    for module in [own, *reversed(list(sys.modules.values()))]:
        names = [name for name, value in list(getattr(module, "__dict__", {}).items()) if value is flow]
        if names:
            yield module, flow.fn.__name__ if flow.fn.__name__ in names else names[0]


def _refuse_while_loading(what: str) -> None:
    """Raises RuntimeError, and notes it, where this call comes from a file that Prefect loads in order to get a flow."""
    file = "a flow's file"
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_globals.get("__name__") == _LOADER:
            problem = RuntimeError(
                f"{what} was called while Prefect was loading {file}, as it does for each deployment and each flow run: "
                'put the call under `if __name__ == "__main__":`'
            )
            _refused.append(problem)
            raise problem
        if frame.f_code.co_name == "<module>":
            file = frame.f_code.co_filename
        frame = frame.f_back

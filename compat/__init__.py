"""Flow code that runs unchanged on Prefect 2 and on Prefect 3.

Fan out a step, run a second step for every item that came through it, and let the broken ones fail without blocking the rest:

```python
from prefect import flow, task
from compat import fan_out

@task
def fetch(record: dict) -> str:
    return record["url"]            # a record without "url" fails, and only that record

@task
def store(record: dict, url: str) -> str:
    return f"{record['id']} -> {url}"

@flow
def load(records: list) -> list:
    stored = []
    for outcome in fan_out(fetch, records, then=store, on_failure="collect", max_in_flight=8):
        if outcome.error is None:
            stored.append(outcome.value)
        else:
            print("left out", outcome.item, outcome.error)
    return stored
```

The constitution of this package:

1. It needs nothing but Prefect 2 or 3 and the standard library (Python 3.8 or later), and knows nothing of
   `migrator`, the program that moves code to it.
2. Importing it has no side effect: it patches nothing and starts nothing, and it costs next to nothing on top of
   `import prefect`, because each name is resolved when it is first used.
3. What comes out is native: Prefect's own futures, states, schedules, blocks and clients, and task runners that are Prefect's
   own or subclasses of them.
4. Where Prefect 3 has the thing, the name and the signature are Prefect 3's.
5. Keyword arguments pass through: what a helper does not name itself reaches Prefect as it was given.
6. On Prefect 3 a helper is Prefect's own wherever that one keeps the contract on the installed release, and otherwise its
   correction. `wait` and `as_completed` are corrections: the futures they hand out have a final `.state`, and timeouts work
   on all of 3.x.
7. What a fan-out submitted is never left unresolved, however a `for` loop over it ends (outcomes that are kept in a variable
   have to be closed, see `fan_out`), and `finish` waits for all before it fails.
8. It can be copied into a project under any package name and works there on its own.
9. What the installed Prefect does not have fails with an error that names the version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import PREFECT_3

if TYPE_CHECKING:
    from packaging.version import Version
    from prefect import get_client as get_client
    from prefect import pause_flow_run as pause_flow_run
    from prefect import resume_flow_run as resume_flow_run
    from prefect import suspend_flow_run as suspend_flow_run
    from prefect.client.schemas.objects import State as State
    from prefect.client.schemas.schedules import CronSchedule as CronSchedule
    from prefect.client.schemas.schedules import IntervalSchedule as IntervalSchedule
    from prefect.client.schemas.schedules import RRuleSchedule as RRuleSchedule
    from prefect.deployments import run_deployment as run_deployment
    from prefect.flows import load_flow_from_flow_run as load_flow_from_flow_run
    from prefect.states import AwaitingRetry as AwaitingRetry
    from prefect.states import Cancelled as Cancelled
    from prefect.states import Cancelling as Cancelling
    from prefect.states import Completed as Completed
    from prefect.states import Crashed as Crashed
    from prefect.states import Failed as Failed
    from prefect.states import Late as Late
    from prefect.states import Paused as Paused
    from prefect.states import Pending as Pending
    from prefect.states import Retrying as Retrying
    from prefect.states import Running as Running
    from prefect.states import Scheduled as Scheduled
    from prefect.states import Suspended as Suspended
    from prefect.tasks import exponential_backoff as exponential_backoff
    from prefect.tasks import task_input_hash as task_input_hash
    from prefect_dask import DaskTaskRunner as DaskTaskRunner  # type: ignore[import-not-found,unused-ignore]
    from prefect_ray import RayTaskRunner as RayTaskRunner  # type: ignore[import-not-found,unused-ignore]

    from ._asynchronous import as_completed_async, result_async, state_async, wait_async
    from ._deployments import deploy, deploy_async, serve
    from ._fan_out import Outcome, fan_out, fan_out_async
    from ._futures import (
        DoneAndNotDoneFutures,
        as_completed,
        resolve_futures_to_results,
        result,
        state,
        wait,
    )
    from ._runners_3 import ConcurrentTaskRunner, SequentialTaskRunner, ThreadPoolTaskRunner
    from ._stored import block_value, block_value_async, load_block, load_block_async, variable, variable_async
    from ._tasks import call_task, finish, finish_async, map_async, submit, submit_async
    from ._tasks import map as map

    PREFECT_VERSION: Version

__all__ = [
    "PREFECT_3",
    "PREFECT_VERSION",
    "Cancelled",
    "Completed",
    "ConcurrentTaskRunner",
    "Crashed",
    "CronSchedule",
    "DoneAndNotDoneFutures",
    "Failed",
    "IntervalSchedule",
    "Outcome",
    "Pending",
    "RRuleSchedule",
    "Running",
    "Scheduled",
    "SequentialTaskRunner",
    "State",
    "ThreadPoolTaskRunner",
    "as_completed",
    "as_completed_async",
    "block_value",
    "block_value_async",
    "call_task",
    "deploy",
    "deploy_async",
    "fan_out",
    "fan_out_async",
    "finish",
    "finish_async",
    "get_client",
    "load_block",
    "load_block_async",
    "load_flow_from_flow_run",
    "map_async",
    "resolve_futures_to_results",
    "result",
    "result_async",
    "serve",
    "state",
    "state_async",
    "submit",
    "submit_async",
    "task_input_hash",
    "variable",
    "variable_async",
    "wait",
    "wait_async",
]
# What only later releases of Prefect 2 have, or an integration, is not in it, so that a star import works everywhere;
# nor is `map`, so that it does not take the place of Python's own.

_RUNNERS = "_runners_3" if PREFECT_3 else "_runners_2"

_OWN = {
    "PREFECT_VERSION": "_version",
    "ConcurrentTaskRunner": _RUNNERS,
    "DoneAndNotDoneFutures": "_futures",
    "Outcome": "_fan_out",
    "SequentialTaskRunner": _RUNNERS,
    "ThreadPoolTaskRunner": _RUNNERS,
    "as_completed": "_futures",
    "as_completed_async": "_asynchronous",
    "block_value": "_stored",
    "block_value_async": "_stored",
    "call_task": "_tasks",
    "deploy": "_deployments",
    "deploy_async": "_deployments",
    "fan_out": "_fan_out",
    "fan_out_async": "_fan_out",
    "finish": "_tasks",
    "finish_async": "_tasks",
    "load_block": "_stored",
    "load_block_async": "_stored",
    "map": "_tasks",
    "map_async": "_tasks",
    "resolve_futures_to_results": "_futures",
    "result": "_futures",
    "result_async": "_asynchronous",
    "serve": "_deployments",
    "state": "_futures",
    "state_async": "_asynchronous",
    "submit": "_tasks",
    "submit_async": "_tasks",
    "variable": "_stored",
    "variable_async": "_stored",
    "wait": "_futures",
    "wait_async": "_asynchronous",
}
"""Which module of this package defines a name."""

_SCHEDULES = ("prefect.client.schemas.schedules", "prefect.server.schemas.schedules", "prefect.orion.schemas.schedules")
_STATES = ("prefect.states", "prefect.orion.schemas.states")
_TASK_RUNNERS = {"DaskTaskRunner": "prefect-dask", "RayTaskRunner": "prefect-ray"}

_PREFECT = {
    "AwaitingRetry": _STATES,
    "Cancelled": _STATES,
    "Cancelling": _STATES,
    "Completed": _STATES,
    "Crashed": _STATES,
    "CronSchedule": _SCHEDULES,
    "DaskTaskRunner": ("prefect_dask",),
    "Failed": _STATES,
    "IntervalSchedule": _SCHEDULES,
    "Late": _STATES,
    "Paused": _STATES,
    "Pending": _STATES,
    "RRuleSchedule": _SCHEDULES,
    "RayTaskRunner": ("prefect_ray",),
    "Retrying": _STATES,
    "Running": _STATES,
    "Scheduled": _STATES,
    "State": _STATES,
    "Suspended": _STATES,
    "exponential_backoff": ("prefect.tasks",),
    "get_client": ("prefect",),
    "load_flow_from_flow_run": ("prefect.flows", "prefect.deployments"),
    "pause_flow_run": ("prefect",),
    "resume_flow_run": ("prefect",),
    "run_deployment": ("prefect.deployments",),
    "suspend_flow_run": ("prefect",),
    "task_input_hash": ("prefect.tasks",),
}
"""Where Prefect keeps a name, the newest place first; an older place is only looked at where a newer one lacks the name."""


if not TYPE_CHECKING:  # A type checker would take it for a promise that every name is there.

    def __getattr__(name: str) -> Any:
        """The object of that name, resolved on first use. Raises ImportError where the installed Prefect has no such thing."""
        if name in _OWN:
            from importlib import import_module

            value = getattr(import_module(f".{_OWN[name]}", __name__), name)
        elif name in _PREFECT:
            value = _from_prefect(name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_OWN, *_PREFECT})


def _from_prefect(name: str) -> Any:
    from importlib import import_module

    problem: Exception | None = None
    for module in _PREFECT[name]:
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            problem = problem or error
    import prefect

    if name in _TASK_RUNNERS:
        missing = f"{name!r} is in {_TASK_RUNNERS[name]}, which is not installed beside Prefect {prefect.__version__}"
    else:
        missing = f"Prefect {prefect.__version__} has no {name!r}"
    raise ImportError(f"{missing}; {__name__} was asked for it") from problem

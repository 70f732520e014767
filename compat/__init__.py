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
def load(records: list[dict]) -> list[str]:
    stored = []
    for outcome in fan_out(fetch, records, then=store, on_failure="collect", max_in_flight=8):
        if outcome.error is None:
            stored.append(outcome.value)
        else:
            print("left out", outcome.item, outcome.error)
    return stored
```

The constitution of this package:

1. It needs nothing but Prefect 2 or 3 and the standard library, and knows nothing of the program that it was delivered with.
2. Importing it has no side effect: it patches nothing and starts nothing, and it costs next to nothing on top of
   `import prefect`, because each name is resolved when it is first used.
3. What comes out is native: Prefect's own futures, states, schedules and clients, and task runners that are Prefect's own or subclasses of them.
4. Where Prefect 3 has the thing, the name and the signature are Prefect 3's.
5. Keyword arguments pass through: what a helper does not name itself reaches Prefect as it was given.
6. On Prefect 3 a helper is Prefect's own wherever that one keeps the contract on every release, and otherwise its correction.
   `wait` and `as_completed` are corrections: the futures they hand out have a final `.state`, and timeouts work on all of 3.x.
7. Nothing that was submitted through it is left unresolved, however the caller's loop ends.
8. It can be copied into a project under any package name and works there on its own.
9. What the installed Prefect does not have fails with an error that names the version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._version import PREFECT_3

if TYPE_CHECKING:
    from prefect import get_client, pause_flow_run, resume_flow_run, suspend_flow_run
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule, RRuleSchedule
    from prefect.deployments import run_deployment
    from prefect.tasks import exponential_backoff, task_input_hash

    from ._asynchronous import as_completed_async, result_async, state_async, wait_async
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

__all__ = [
    "PREFECT_3",
    "ConcurrentTaskRunner",
    "CronSchedule",
    "DoneAndNotDoneFutures",
    "IntervalSchedule",
    "Outcome",
    "RRuleSchedule",
    "SequentialTaskRunner",
    "ThreadPoolTaskRunner",
    "as_completed",
    "as_completed_async",
    "exponential_backoff",
    "fan_out",
    "fan_out_async",
    "get_client",
    "pause_flow_run",
    "resolve_futures_to_results",
    "result",
    "result_async",
    "resume_flow_run",
    "run_deployment",
    "state",
    "state_async",
    "suspend_flow_run",
    "task_input_hash",
    "wait",
    "wait_async",
]

_RUNNERS = "_runners_3" if PREFECT_3 else "_runners_2"

_OWN = {
    "ConcurrentTaskRunner": _RUNNERS,
    "DoneAndNotDoneFutures": "_futures",
    "Outcome": "_fan_out",
    "SequentialTaskRunner": _RUNNERS,
    "ThreadPoolTaskRunner": _RUNNERS,
    "as_completed": "_futures",
    "as_completed_async": "_asynchronous",
    "fan_out": "_fan_out",
    "fan_out_async": "_fan_out",
    "resolve_futures_to_results": "_futures",
    "result": "_futures",
    "result_async": "_asynchronous",
    "state": "_futures",
    "state_async": "_asynchronous",
    "wait": "_futures",
    "wait_async": "_asynchronous",
}
"""Which module of this package defines a name."""

_SCHEDULES = ("prefect.client.schemas.schedules", "prefect.server.schemas.schedules", "prefect.orion.schemas.schedules")

_PREFECT = {
    "CronSchedule": _SCHEDULES,
    "IntervalSchedule": _SCHEDULES,
    "RRuleSchedule": _SCHEDULES,
    "exponential_backoff": ("prefect.tasks",),
    "get_client": ("prefect",),
    "pause_flow_run": ("prefect",),
    "resume_flow_run": ("prefect",),
    "run_deployment": ("prefect.deployments",),
    "suspend_flow_run": ("prefect",),
    "task_input_hash": ("prefect.tasks",),
}
"""Where Prefect keeps a name, the newest place first; an older place is only looked at where a newer one lacks the name."""


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
    return sorted({*globals(), *__all__})


def _from_prefect(name: str) -> Any:
    from importlib import import_module

    problem: Exception | None = None
    for module in _PREFECT[name]:
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            problem = problem or error
    import prefect

    raise ImportError(f"Prefect {prefect.__version__} has no {name!r}, which {__name__} was asked for") from problem

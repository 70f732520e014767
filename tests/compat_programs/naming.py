"""What importing the package does, and every name that it offers."""

from __future__ import annotations

import sys
import threading
import types

import prefect

threads = threading.active_count()
contents = {
    (module, name): value
    for module, loaded_module in list(sys.modules.items())
    if isinstance(loaded_module, types.ModuleType)
    for name, value in list(vars(loaded_module).items())
}

loaded = set(sys.modules)  # now: looking into a lazy module loads it

import compat  # noqa: E402

loaded_by_import = sorted(set(sys.modules) - loaded)
threads_started = threading.active_count() - threads
patched = sorted(
    f"{module}.{name}"
    for (module, name), value in contents.items()
    if module != "__main__" and vars(sys.modules[module]).get(name, value) is not value
)

import asyncio  # noqa: E402
import datetime  # noqa: E402
import inspect  # noqa: E402
import re  # noqa: E402
import uuid  # noqa: E402
from typing import Any  # noqa: E402

from _cases import case  # noqa: E402
from prefect import flow, task  # noqa: E402


@case
def importing_loads_nothing_else() -> Any:
    return loaded_by_import


@case
def importing_patches_and_starts_nothing() -> Any:
    return [patched, threads_started]


@case
def every_name_is_there() -> Any:
    found = [getattr(compat, name) for name in compat.__all__]
    return [all(each is not None for each in found), sorted(set(compat.__all__) - set(dir(compat)))]


@case
def a_star_import_gives_every_name() -> Any:
    names: dict[str, Any] = {}
    exec("from compat import *", names)
    return sorted(set(compat.__all__) - set(names))


@case
def the_major_is_told() -> Any:
    return prefect.__version__.startswith("3.") is compat.PREFECT_3


@case
def a_name_that_nobody_has() -> Any:
    try:
        compat.nothing  # noqa: B018
    except AttributeError as error:
        return str(error)


@case
def a_name_that_this_prefect_has_not() -> Any:
    import prefect.tasks

    kept = prefect.tasks.exponential_backoff
    vars(compat).pop("exponential_backoff", None)
    del prefect.tasks.exponential_backoff
    try:
        from compat import exponential_backoff  # noqa: F401
    except ImportError as error:
        return str(error).replace(prefect.__version__, "VERSION")
    finally:
        prefect.tasks.exponential_backoff = kept


@case
def signatures_are_those_of_prefect_3() -> Any:
    if not compat.PREFECT_3:
        return True
    import prefect.futures as native
    import prefect.task_runners as runners

    def parameters(function: Any) -> Any:
        return [(each.name, each.default) for each in inspect.signature(function).parameters.values()]

    pairs = [
        (compat.as_completed, native.as_completed),
        (compat.wait, native.wait),
        (compat.ThreadPoolTaskRunner, runners.ThreadPoolTaskRunner),
        (compat.ConcurrentTaskRunner, runners.ConcurrentTaskRunner),
    ]
    if hasattr(native, "resolve_futures_to_results"):
        pairs.append((compat.resolve_futures_to_results, native.resolve_futures_to_results))
    return all(parameters(ours) == parameters(theirs) for ours, theirs in pairs)


@case
def what_waits_for_futures_takes_what_prefects_own_take() -> Any:
    def arguments(function: Any) -> Any:
        return list(inspect.signature(function).parameters)

    return [
        arguments(each)
        for each in (
            compat.as_completed,
            compat.wait,
            compat.as_completed_async,
            compat.wait_async,
            compat.result,
            compat.result_async,
            compat.ThreadPoolTaskRunner,
        )
    ]


@case
def schedules() -> Any:
    day = datetime.timedelta(days=1)
    return [
        compat.CronSchedule(cron="0 1 * * *", timezone="Europe/Berlin").cron,
        compat.IntervalSchedule(interval=day).interval == day,
        compat.RRuleSchedule(rrule="FREQ=DAILY").rrule.endswith("FREQ=DAILY"),
        {getattr(compat, name).__module__.split(".")[0] for name in ("CronSchedule", "IntervalSchedule")}
        == {"prefect"},
    ]


calls: list[int] = []


@task(cache_key_fn=compat.task_input_hash, persist_result=True)
def remembered(n: int, run: str) -> int:
    calls.append(n)
    return n


@case
@flow
def task_input_hash_finds_equal_input() -> Any:
    run = str(uuid.uuid4())  # some releases keep results outside PREFECT_HOME (3.4.25)
    return [remembered(1, run), remembered(1, run), remembered(2, run), calls]


@case
def exponential_backoff_gives_delays() -> Any:
    return compat.exponential_backoff(backoff_factor=2)(3)


@case
async def get_client_speaks_to_the_api() -> Any:
    async with compat.get_client() as client:
        return repr(await client.api_healthcheck())


def raised(call: Any) -> Any:
    try:
        value = call()
        return asyncio.run(value) if inspect.iscoroutine(value) else value
    except Exception as error:
        return type(error).__name__


@case
def run_deployment_looks_for_the_deployment() -> Any:
    return raised(lambda: compat.run_deployment("no/such"))


@flow
def pausing() -> int:
    compat.pause_flow_run(timeout=1, poll_interval=1)
    return 1


@flow
def suspending() -> int:
    compat.suspend_flow_run()
    return 1


@case
def pause_flow_run_pauses() -> Any:
    return raised(pausing) in ("FailedRun", "FlowPauseTimeout")


@case
def suspend_flow_run_needs_a_deployment() -> Any:
    return raised(suspending)


@case
def resume_flow_run_looks_for_the_run() -> Any:
    return raised(lambda: compat.resume_flow_run(uuid.uuid4()))


@case
def the_first_example_runs() -> Any:
    """As in a file of the user's: the engine reads annotations in the module that defines a flow."""
    (text,) = re.findall(r"```python\n(.*?)```", compat.__doc__ or "", re.DOTALL)
    example = types.ModuleType("example")
    sys.modules["example"] = example
    exec(text, vars(example))
    return sorted(vars(example)["load"]([{"id": 1, "url": "one"}, {"id": 2}, {"id": 3, "url": "three"}]))

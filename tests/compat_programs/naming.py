"""What importing the package does, and every name that it offers."""

from __future__ import annotations

import sys
import threading
import types

import prefect

for each in list(sys.modules.values()):
    getattr(each, "__dict__", None)  # looking into a lazy module loads it: now rather than later
threads = threading.active_count()
contents = {
    (module, name): value
    for module, loaded_module in list(sys.modules.items())
    if isinstance(loaded_module, types.ModuleType)
    for name, value in list(vars(loaded_module).items())
}

loaded = set(sys.modules)

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
import importlib  # noqa: E402
import inspect  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import subprocess  # noqa: E402
import tempfile  # noqa: E402
import uuid  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from _cases import VERSION, case  # noqa: E402
from prefect import flow, task  # noqa: E402


@case(["compat", "compat._version"])
def importing_loads_nothing_else() -> Any:
    return loaded_by_import


@case([[], 0])
def importing_patches_and_starts_nothing() -> Any:
    return [patched, threads_started]


@case([True, []])
def every_name_is_there() -> Any:
    found = [getattr(compat, name) for name in compat.__all__]
    return [all(each is not None for each in found), sorted(set(compat.__all__) - set(dir(compat)))]


@case([])
def a_star_import_gives_every_name() -> Any:
    names: dict[str, Any] = {}
    exec("from compat import *", names)
    return sorted(set(compat.__all__) - set(names))


@case("['1', '2']")
def a_star_import_leaves_builtins_alone() -> Any:
    names: dict[str, Any] = {}
    exec("from compat import *; mapped = str(list(map(str, [1, 2])))", names)
    return names["mapped"]


SINCE = {
    "AwaitingRetry": (2, 0),
    "Cancelled": (2, 0),
    "Cancelling": (2, 7),
    "Completed": (2, 0),
    "Crashed": (2, 0),
    "CronSchedule": (2, 0),
    "Failed": (2, 0),
    "IntervalSchedule": (2, 0),
    "Late": (2, 0),
    "Paused": (2, 7),
    "Pending": (2, 0),
    "RRuleSchedule": (2, 0),
    "Retrying": (2, 0),
    "Running": (2, 0),
    "Scheduled": (2, 0),
    "State": (2, 0),
    "Suspended": (2, 14),
    "exponential_backoff": (2, 7),
    "get_client": (2, 0),
    "load_flow_from_flow_run": (2, 0),
    "pause_flow_run": (2, 7),
    "resume_flow_run": (2, 7),
    "run_deployment": (2, 5),
    "suspend_flow_run": (2, 14),
    "task_input_hash": (2, 0),
}
"""The minor that brought each name of Prefect's own that `compat` offers."""


@case([[], [], []])
def names_of_prefect_are_there_from_the_minor_that_brought_them() -> Any:
    missing, too_early, foreign = [], [], []
    for name, since in SINCE.items():
        try:
            value = getattr(compat, name)
        except ImportError as error:
            if since <= VERSION or f"Prefect {prefect.__version__} has no '{name}'" not in str(error):
                missing.append(str(error))
        else:
            too_early += [name] if since > VERSION else []
            foreign += [name] if value.__module__.split(".")[0] != "prefect" else []
    return [missing, too_early, foreign]


@case([[], ["DaskTaskRunner", "RayTaskRunner"]])
def a_star_import_takes_only_what_every_release_has() -> Any:
    later = {name for name, since in SINCE.items() if since > (2, 0)}
    return [sorted(later & set(compat.__all__)), sorted(set(compat._PREFECT) - set(SINCE))]


MADE_BY_NAME = {
    "AwaitingRetry": "AwaitingRetry",
    "Cancelled": "Cancelled",
    "Completed": "Completed",
    "Crashed": "Crashed",
    "Failed": "Failed",
    "Late": "Late",
    "Pending": "Pending",
    "Retrying": "Retrying",
    "Running": "Running",
    "Scheduled": "Scheduled",
}


@case([True, MADE_BY_NAME])
def states_are_made() -> Any:
    made = {name: getattr(compat, name)(message="made") for name in MADE_BY_NAME}
    return [
        all(isinstance(each, compat.State) and each.message == "made" for each in made.values()),
        {name: each.name for name, each in made.items()},
    ]


@flow
def ends_in_a_state_of_its_own() -> Any:
    return compat.Completed(message="fine", name="Fine")


@case(["Fine", "fine"])
def a_flow_ends_in_the_state_that_it_returns() -> Any:
    final = ends_in_a_state_of_its_own(return_state=True)
    return [final.name, final.message]


@case([True, True])
def the_version_is_told() -> Any:
    from packaging.version import Version

    return [
        prefect.__version__.startswith("3.") is compat.PREFECT_3,
        isinstance(compat.PREFECT_VERSION, Version) and Version(prefect.__version__) == compat.PREFECT_VERSION,
    ]


@case("module 'compat' has no attribute 'nothing'")
def a_name_that_nobody_has() -> Any:
    try:
        compat.nothing  # noqa: B018
    except AttributeError as error:
        return str(error)


@case("Prefect VERSION has no 'task_input_hash'; compat was asked for it")
def a_name_that_this_prefect_has_not() -> Any:
    import prefect.tasks

    kept = prefect.tasks.task_input_hash
    vars(compat).pop("task_input_hash", None)
    del prefect.tasks.task_input_hash
    try:
        from compat import task_input_hash  # noqa: F401
    except ImportError as error:
        return str(error).replace(prefect.__version__, "VERSION")
    finally:
        prefect.tasks.task_input_hash = kept


@case(
    [
        "'DaskTaskRunner' is in prefect-dask, which is not installed beside Prefect VERSION; compat was asked for it",
        "'RayTaskRunner' is in prefect-ray, which is not installed beside Prefect VERSION; compat was asked for it",
    ]
)
def an_integration_that_is_not_installed() -> Any:
    told = []
    for name, module in (("DaskTaskRunner", "prefect_dask"), ("RayTaskRunner", "prefect_ray")):
        kept = sys.modules.get(module)
        sys.modules[module] = None  # type: ignore[assignment]
        vars(compat).pop(name, None)
        try:
            getattr(compat, name)
        except ImportError as error:
            told.append(str(error).replace(prefect.__version__, "VERSION"))
        finally:
            del sys.modules[module]
            if kept is not None:
                sys.modules[module] = kept
    return told


HOMELESS = """
import os, shutil, sys
try:
    import prefect
except OSError:  # 2.10
    sys.exit("Prefect itself needs a home")
home = os.environ["PREFECT_HOME"]
shutil.rmtree(home, ignore_errors=True)
import compat
print(compat.PREFECT_3, os.path.exists(home), os.listdir("."))
"""


@case([True, True])
def importing_makes_no_files_where_the_home_is_absent_or_cannot_be_made() -> Any:
    found = []
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory, "here")
        here.mkdir()
        Path(directory, "file").touch()
        for home in (Path(directory, "absent"), Path(directory, "file", "home")):
            done = subprocess.run(
                [sys.executable, "-c", HOMELESS],
                cwd=here,
                env={**os.environ, "PREFECT_HOME": str(home)},
                capture_output=True,
                text=True,
            )
            refused = done.stderr.endswith("Prefect itself needs a home\n")
            found.append(refused or done.stdout.strip() == f"{compat.PREFECT_3} False []" or done.stderr)
    return found


@case(True)
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


@case(
    [
        *[["futures", "timeout"]] * 4,
        *[["future", "timeout", "raise_on_failure"]] * 2,
        ["max_workers"],
    ]
)
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


@case(["0 1 * * *", True, True, True])
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


@task(cache_key_fn=compat.task_input_hash)
def remembered(n: int, run: str) -> int:
    calls.append(n)
    return n


@case([1, 1, 2, [1, 2]])
@flow
def task_input_hash_finds_equal_input() -> Any:
    run = str(uuid.uuid4())  # some releases keep results outside PREFECT_HOME (3.4.25)
    return [remembered(1, run), remembered(1, run), remembered(2, run), calls]


@case([2, 4, 8], since=(2, 7))
def exponential_backoff_gives_delays() -> Any:
    return compat.exponential_backoff(backoff_factor=2)(3)


@case("None")
async def get_client_speaks_to_the_api() -> Any:
    async with compat.get_client() as client:
        return repr(await client.api_healthcheck())


def raised(call: Any) -> Any:
    try:
        value = call()
        return asyncio.run(value) if inspect.iscoroutine(value) else value
    except ImportError:
        raise
    except Exception as error:
        return type(error).__name__


@case("ObjectNotFound", since=(2, 5))
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


@case(True, since=(2, 7))
def pause_flow_run_pauses() -> Any:
    return raised(pausing) in ("FailedRun", "FlowPauseTimeout")


@case("RuntimeError", since=(2, 14))
def suspend_flow_run_needs_a_deployment() -> Any:
    return raised(suspending)


@case("ObjectNotFound", since=(2, 7))
def resume_flow_run_looks_for_the_run() -> Any:
    return raised(lambda: compat.resume_flow_run(uuid.uuid4()))


@case(["1 -> one", "3 -> three"])
def the_first_example_runs() -> Any:
    """As in a file of the user's: Prefect reads the source and the annotations of the module that defines a flow."""
    (text,) = re.findall(r"```python\n(.*?)```", compat.__doc__ or "", re.DOTALL)
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "first_example.py").write_text(text)
        sys.path.insert(0, directory)
        try:
            example = importlib.import_module("first_example")
        finally:
            sys.path.remove(directory)
        return sorted(example.load([{"id": 1, "url": "one"}, {"id": 2}, {"id": 3, "url": "three"}]))

"""`variable`, `load_block` and `block_value`: what the server keeps, in sync and in async code."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import datetime
import inspect
import shlex
import signal
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from _cases import PATIENCE, VERSION, case, log, note, submitted, to_thread
from prefect import flow, get_client, task
from prefect.blocks.core import Block
from prefect.blocks.system import Secret

from compat import (
    PREFECT_3,
    block_value,
    block_value_async,
    load_block,
    load_block_async,
    result_async,
    variable,
    variable_async,
)
from compat._blocking import in_thread, value_of

AWARE = "2024-01-02T03:04:05+02:00"


async def put_variable(name: str, value: Any) -> None:
    """The REST route is the same from 2.10 on."""
    async with get_client() as client:
        await client._client.post("/variables/", json={"name": name, "value": value})


def put(kind: str, name: str, value: Any) -> None:
    """What a project has stored for `kind/name`: a block of Prefect 2, a Variable of Prefect 3."""
    if PREFECT_3:
        asyncio.run(put_variable(name.replace("-", "_"), value))
        return
    from prefect.blocks import system

    classes = {"json": system.JSON, "string": system.String, "date-time": system.DateTime}
    classes[kind](value=value).save(name)


put("json", "my-config", {"a": [1, None]})
put("string", "five", "5")
put("date-time", "when", AWARE)
put("date-time", "no-zone", "2024-01-02T03:04:05")
Secret(value="hush").save("my-secret")
if VERSION >= (2, 10):
    asyncio.run(put_variable("answer", "text"))

at_module_level: dict[str, Any] = {
    "secret": load_block(Secret, "my-secret").get(),
    "config": block_value("json/my-config"),
    "answer": variable("answer") if VERSION >= (2, 10) else "text",
}


def raised(call: Any) -> str:
    try:
        return repr(call())
    except ValueError as error:
        return f"ValueError: {error}"


def everything() -> Any:
    return [variable("answer"), load_block(Secret, "my-secret").get(), block_value("json/my-config")]


async def everything_async() -> Any:
    return [
        await variable_async("answer"),
        (await load_block_async(Secret, "my-secret")).get(),
        await block_value_async("json/my-config"),
    ]


ALL = ["text", "hush", {"a": [1, None]}]


@task
def in_task() -> Any:
    return everything()


@task
async def in_task_async() -> Any:
    return [await everything_async(), everything()]


@case({"secret": "hush", "config": {"a": [1, None]}, "answer": "text"})
def at_module_level_before_any_flow() -> Any:
    return at_module_level


@case(ALL, since=(2, 10))
def in_a_script() -> Any:
    return everything()


@case(ALL, since=(2, 10))
@flow
def in_a_sync_flow() -> Any:
    return everything()


@case([ALL, ALL], since=(2, 10))
@flow
async def in_an_async_flow() -> Any:
    return [await everything_async(), everything()]


@case([ALL, [ALL, ALL]], since=(2, 10))
@flow
def in_tasks_of_a_sync_flow() -> Any:
    return [in_task.submit().result(), in_task_async.submit().result()]


@case([ALL, [ALL, ALL]], since=(2, 10))
@flow
async def in_tasks_of_an_async_flow() -> Any:
    return [await result_async(await submitted(each)) for each in (in_task, in_task_async)]


@case([ALL, ALL], since=(2, 10))
async def in_a_coroutine_without_a_flow() -> Any:
    return [await everything_async(), everything()]


@case([ALL, ALL], since=(2, 10))
@flow
def in_an_event_loop_within_a_sync_flow() -> Any:
    async def both() -> Any:
        return [await everything_async(), everything()]

    return asyncio.run(both())


def in_another_thread(call: Any) -> Any:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@case([ALL, ALL], since=(2, 10))
def in_a_thread() -> Any:
    return [in_another_thread(everything), in_another_thread(lambda: asyncio.run(everything_async()))]


@case([ALL, ALL, ALL], since=(2, 10))
@flow
async def in_threads_of_an_async_flow() -> Any:
    """The second knows nothing of the flow that it was started from."""
    return [
        await to_thread(everything),
        in_another_thread(everything),
        await asyncio.get_running_loop().run_in_executor(None, contextvars.copy_context().run, everything),
    ]


@case(["hush", {"a": [1, None]}, "hush", {"a": [1, None]}])
@flow
async def blocks_before_there_were_variables() -> Any:
    return [
        load_block(Secret, "my-secret").get(),
        block_value("json/my-config"),
        (await load_block_async(Secret, "my-secret")).get(),
        await block_value_async("json/my-config"),
    ]


@task
async def secret_in_task() -> Any:
    return (await load_block_async(Secret, "my-secret")).get()


@case(["hush"] * 8)
@flow
async def blocks_in_tasks_that_run_at_the_same_time() -> Any:
    """Not with the sync function: it blocks the loop that the in-process API of Prefect 2 writes from."""
    futures = [await submitted(each) for each in [secret_in_task] * 8]
    return [await result_async(each) for each in futures]


async def turns_during(awaitable: Any) -> int:
    """How often another coroutine on this event loop had its turn meanwhile."""
    turns: list[int] = []

    async def turn() -> None:
        while True:
            turns.append(1)
            await asyncio.sleep(0)

    other = asyncio.ensure_future(turn())
    await awaitable
    other.cancel()
    return len(turns)


@case([True, True])
@flow
async def the_event_loop_goes_on() -> Any:
    return [
        await turns_during(each) > 2
        for each in (load_block_async(Secret, "my-secret"), block_value_async("json/my-config"))
    ]


@case(True, since=(2, 10))
@flow
async def the_event_loop_goes_on_while_a_variable_is_read() -> Any:
    return await turns_during(variable_async("answer")) > 2


@case([None, 1, None, 1], since=(2, 10))
async def a_variable_that_is_not_there() -> Any:
    return [
        variable("missing"),
        variable("missing", 1),
        await variable_async("missing"),
        await variable_async("missing", default=1),
    ]


@case(["no"] * 4, since=(2, 10))
def a_variable_with_a_name_that_none_can_have() -> Any:
    return [variable(name, "no") for name in ("My-Name", "UPPER", "with space", "a/b")]


@case([["", "5"], True], since=(2, 10))
def values_of_variables_are_text_and_on_prefect_3_json() -> Any:
    for name, value in {"empty": "", "digits": "5", "number": 5, "listed": [1, {"b": None}], "nothing": None}.items():
        with contextlib.suppress(Exception):  # Prefect 2 refuses what is not text
            asyncio.run(put_variable(name, value))
    found = [variable(name, "no") for name in ("number", "listed", "nothing")]
    return [
        [variable("empty", "no"), variable("digits")],
        found == ([5, [1, {"b": None}], None] if PREFECT_3 else ["5", "no", "no"]),
    ]


@case([], since=(2, 10))
async def nothing_deprecated_is_called() -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        everything()
        await everything_async()
        await to_thread(everything)
    return sorted({str(each.message) for each in caught if "prefect" in f"{each.category} {each.message}".lower()})


@case(["Secret", "hush", "hush", True])
async def the_generic_block_takes_a_slug() -> Any:
    found = load_block(Block, "secret/my-secret")
    awaited = await load_block_async(Block, "secret/my-secret")
    return [type(found).__name__, found.get(), awaited.get(), isinstance(found, Secret)]


@case(["ValueError: Unable to find block document named no-such for block type secret"] * 4)
async def a_block_that_is_not_there() -> Any:
    found = [raised(lambda: load_block(Secret, "no-such"))]
    found += [await to_thread(raised, lambda: load_block(Block, "secret/no-such"))]
    for block_class, name in ((Secret, "no-such"), (Block, "secret/no-such")):
        try:
            await load_block_async(block_class, name)
        except ValueError as error:
            found.append(f"ValueError: {error}")
    return found


@case("TypeError")
def arguments_reach_prefect() -> Any:
    try:
        load_block(Secret, "my-secret", no_such_argument=1)
    except TypeError:
        return "TypeError"


@case([{"a": [1, None]}, "5", True, True, True, True])
async def values_have_the_shape_that_the_blocks_had() -> Any:
    when, no_zone = block_value("date-time/when"), await block_value_async("date-time/no-zone")
    return [
        await block_value_async("json/my-config"),
        block_value("string/five"),
        isinstance(when, datetime.datetime),
        when == datetime.datetime.fromisoformat(AWARE),
        when.utcoffset() == datetime.timedelta(hours=2),
        no_zone == datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
    ]


@case([None, 1, None, 1])
async def a_default_where_nothing_is_stored() -> Any:
    return [
        block_value("json/no-such", None),
        block_value("string/no-such", default=1),
        await block_value_async("json/no-such", None),
        await block_value_async("date-time/no-such", default=1),
    ]


@case([True, True])
async def an_error_where_nothing_is_stored() -> Any:
    try:
        await block_value_async("string/no-such")
    except ValueError as error:
        awaited = f"ValueError: {error}"
    said = raised(partial(block_value, "string/no-such"))
    on_3 = (
        "ValueError: Unable to find the Variable 'no_such', which stands for a string block; "
        """set it: prefect variable set no_such '"text"'"""
    )
    on_2 = "ValueError: Unable to find block document named no-such for block type string"
    return [said == (on_3 if PREFECT_3 else on_2), awaited == said]


SLUGS = (
    "secret/my-secret",
    "json",
    "json/",
    "json/a/b",
    "json/My-Config",
    "json/my_config",
    "JSON/my-config",
    "my-config",
)


@case([True] * len(SLUGS))
def another_slug_is_refused() -> Any:
    return [raised(partial(block_value, slug, 1)).startswith(f"ValueError: {slug!r} is not ") for slug in SLUGS]


@case([True, True, True])
def what_the_error_says_stores_a_value() -> Any:
    """The command of the message, run as it stands."""
    wanted: dict[str, Any] = {
        "json": {"key": "value"},
        "string": "text",
        "date-time": datetime.datetime(2024, 12, 31, 12),
    }
    wanted["date-time"] = wanted["date-time"].replace(tzinfo=datetime.timezone.utc)
    if not PREFECT_3:
        return [True, True, True]
    found = []
    for kind, value in wanted.items():
        slug = f"{kind}/told-{kind}"
        _, _, command = raised(partial(block_value, slug)).partition("set it: ")
        words = shlex.split(command)
        done = subprocess.run([str(Path(sys.executable).with_name(words[0])), *words[1:]], capture_output=True)
        found.append(done.returncode == 0 and block_value(slug) == value)
    return found


@case([[{"a": 1}, [1], "{no json", "5", 5, None], ["5", "true", "text"], [True] * 4])
def values_of_variables_that_stand_for_blocks() -> Any:
    texts: dict[str, list[Any]] = {
        "json": ['{"a": 1}', "[1]", "{no json", "5", 5, None],
        "string": ["5", "true", "text"],
    }
    if not PREFECT_3:
        return [[{"a": 1}, [1], "{no json", "5", 5, None], ["5", "true", "text"], [True] * 4]
    texts["string"] = [5, True, "text"]
    texts["date-time"] = ["2024-01-02T03:04:05Z"]
    wrong: dict[str, list[Any]] = {"string": [1.1, {"a": 1}], "date-time": [5, "soon"]}
    for kept, values in (("right", texts), ("wrong", wrong)):
        for kind, each in values.items():
            for n, value in enumerate(each):
                put(kind, f"{kept}-{kind}-{n}", value)
    return [
        [block_value(f"json/right-json-{n}") for n in range(6)],
        [block_value(f"string/right-string-{n}") for n in range(3)],
        [
            *(
                "holds" in raised(partial(block_value, slug, 1))
                for slug in ("string/wrong-string-0", "string/wrong-string-1")
            ),
            "holds 5, no value of a date-time block" in raised(lambda: block_value("date-time/wrong-date-time-0")),
            block_value("date-time/right-date-time-0").isoformat() == "2024-01-02T03:04:05+00:00",
        ],
    ]


@case([True, [False, False]])
async def values_and_not_coroutines() -> Any:
    twins = (load_block_async(Secret, "my-secret"), block_value_async("json/my-config"))
    native = all(inspect.iscoroutine(each) for each in twins)
    for each in twins:
        await each
    return [
        native,
        [inspect.isawaitable(each) for each in (load_block(Secret, "my-secret"), block_value("string/five"))],
    ]


setting: contextvars.ContextVar[str] = contextvars.ContextVar("setting", default="none")


async def seen() -> Any:
    await asyncio.sleep(0)
    return [setting.get(), threading.current_thread() is threading.main_thread()]


@case([["here", False], ["here", False]])
async def a_coroutine_is_run_in_a_thread_with_this_context() -> Any:
    setting.set("here")
    made_here = seen()
    return [in_thread(made_here), value_of(seen)]


async def failing(error: BaseException) -> Any:
    await asyncio.sleep(0)
    raise error


@case(["KeyError", "KeyboardInterrupt", "SystemExit"] * 2)
def every_error_comes_out() -> Any:
    errors = (KeyError("k"), KeyboardInterrupt(), SystemExit(3))

    def outcome(error: BaseException) -> str:
        try:
            value_of(failing, error)
        except BaseException as out:
            return type(out).__name__ if out is error else f"another: {out!r}"
        return "nothing"

    async def in_a_loop() -> Any:
        return [outcome(error) for error in errors]

    return [*(outcome(error) for error in errors), *asyncio.run(in_a_loop())]


async def interrupted() -> None:
    """Its caller's thread gets a Ctrl-C while it waits."""
    note("interrupt")
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    try:
        await asyncio.sleep(PATIENCE)
    except asyncio.CancelledError:
        note("cancelled")
        raise


@case([["interrupt", "cancelled"], "KeyboardInterrupt"])
def an_interrupt_ends_the_waiting() -> Any:
    async def waiting() -> str:
        try:
            value_of(interrupted)
        except KeyboardInterrupt:
            return "KeyboardInterrupt"
        return "nothing"

    loop = asyncio.new_event_loop()
    try:
        said = loop.run_until_complete(waiting())
    finally:
        loop.close()
    return [list(log), said]

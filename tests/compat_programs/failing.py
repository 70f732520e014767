"""Faults: what is cancelled, interrupted, timed out, retried, crashed, or does not belong here, and that no run is left unresolved."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
import time
import uuid
from typing import Any

import prefect.exceptions
from _cases import case, gated, gated_async, gates, log, note, submitted
from prefect import flow, task

from compat import (
    Cancelled,
    ThreadPoolTaskRunner,
    as_completed,
    as_completed_async,
    fan_out,
    fan_out_async,
    get_client,
    resolve_futures_to_results,
    result,
    state,
    state_async,
    wait,
    wait_async,
)


@task
def lasting(n: Any) -> Any:
    note("start", n)
    threading.Event().wait(0.3)
    note("end", n)
    return n


@task
async def lasting_async(n: Any) -> Any:
    note("start", n)
    await asyncio.sleep(0.3)
    note("end", n)
    return n


@task
def cancelling(n: int) -> Any:
    note("start", n)
    note("end", n)
    return Cancelled(message="not today") if n == 1 else n


def unresolved() -> int:
    """How many runs have started and not ended."""
    return len([each for each in log if each[0] == "start"]) - len([each for each in log if each[0] == "end"])


def called(the_flow: Any, *args: Any) -> Any:
    """What a flow returns, or its error."""
    try:
        value = the_flow(*args)
        return asyncio.run(value) if inspect.iscoroutine(value) else value
    except (ImportError, NotImplementedError):
        raise
    except BaseException as error:
        return type(error).__name__


@case([[True, 0], [[0, True], [None, False], [2, True]], True])
@flow
def a_run_that_ends_cancelled_is_a_failed_item() -> Any:
    own = getattr(prefect.exceptions, "CancelledRun", RuntimeError)  # Prefect has it from 2.7 on
    found = []
    try:
        list(fan_out(cancelling, [0, 1, 2]))
    except Exception as error:
        found.append([isinstance(error, own), unresolved()])
    outcomes = list(fan_out(cancelling, [0, 1, 2], on_failure="collect", ordered=True))
    return [*found, [[each.value, each.error is None] for each in outcomes], isinstance(outcomes[1].error, own)]


async def cancel(flow_run_id: Any) -> None:
    async with get_client() as client:
        await client.set_flow_run_state(flow_run_id, Cancelled(), force=True)


def own_id() -> Any:
    from prefect.context import FlowRunContext

    return FlowRunContext.get().flow_run.id


cancelled: list[Any] = []


@flow
def cancelled_from_outside() -> int:
    flow_run_id = own_id()
    for outcome in fan_out(lasting, range(6), max_in_flight=2, on_failure="collect"):
        if not cancelled:
            thread = threading.Thread(target=asyncio.run, args=(cancel(flow_run_id),))
            thread.start()
            thread.join()
        cancelled.append([outcome.item, outcome.error is None or outcome.value is None])
    return 0


@case([[[n, True] for n in range(6)], 0])
def a_flow_run_that_is_cancelled_through_the_api_leaves_no_run_unresolved() -> Any:
    """What becomes of the later items is Prefect's choice: Prefect 2 runs no task of a cancelled flow run."""
    called(cancelled_from_outside)
    return [sorted(cancelled), unresolved()]


def interrupted_items(kind: Any, count: int = 3) -> Any:
    yield from range(count)
    raise kind("enough")


@flow
def interrupted(kind: Any, where: str) -> Any:
    try:
        for _ in fan_out(lasting, interrupted_items(kind) if where == "items" else range(3)):
            raise kind("enough")
    except kind:
        note("left", unresolved())
        raise


@flow
async def interrupted_async(kind: Any, where: str) -> Any:
    outcomes = fan_out_async(lasting_async, interrupted_items(kind) if where == "items" else range(3))
    try:
        try:
            async for _ in outcomes:
                raise kind("enough")
        finally:
            await outcomes.aclose()
    except kind:
        note("left", unresolved())
        raise


class Stop(BaseException):
    """As Prefect's own signals are."""


@case([[3, [["left", 0]]]] * 8)
def an_interrupt_in_the_loop_or_in_the_items_leaves_no_run_unresolved() -> Any:
    found = []
    for the_flow in (interrupted, interrupted_async):
        for kind in (KeyboardInterrupt, Stop):
            for where in ("body", "items"):
                log.clear()
                called(the_flow.with_options(validate_parameters=False), kind, where)
                started = len([each for each in log if each[0] == "start"])
                found.append([started, [each for each in log if each[0] == "left"]])
    return found


@case(["TimedOut", "none left"] * 2)
def a_flow_that_takes_too_long_leaves_no_run_unresolved() -> Any:
    taken: list[int] = []

    def items() -> Any:
        for n in range(8):
            taken.append(n)
            yield n

    @flow(timeout_seconds=1, task_runner=ThreadPoolTaskRunner(max_workers=2))
    def too_long() -> None:
        for _ in fan_out(lasting, items(), max_in_flight=6):
            pass

    @flow(timeout_seconds=1, task_runner=ThreadPoolTaskRunner(max_workers=2))
    async def too_long_async() -> None:
        async for _ in fan_out_async(lasting, items(), max_in_flight=6):
            pass

    found = []
    for the_flow in (too_long, too_long_async):
        log.clear()
        taken.clear()
        final = the_flow(return_state=True)
        final = asyncio.run(final) if inspect.iscoroutine(final) else final
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and len([each for each in log if each[0] == "end"]) < len(taken):
            time.sleep(0.05)
        begun, ended = ([each for each in log if each[0] == what] for what in ("start", "end"))
        # The time may have run out between the taking of an item and its submission.
        none_left = len(begun) == len(ended) >= len(taken) - 1
        found += [final.name, "none left" if none_left else [len(taken), log[:]]]
    return found


@case([[True, None, "TimedOut"]], since=(2, 6), refusal="unexpected keyword argument 'timeout_seconds'")
def a_task_that_takes_too_long_is_a_failed_item() -> Any:
    @task(timeout_seconds=1)
    def slow(n: int) -> int:
        for _ in range(200 * n):
            time.sleep(0.05)
        return n

    @flow
    def slowed() -> Any:
        found = []
        for each in fan_out(slow, [0, 1], on_failure="collect", ordered=True):
            if each.item:
                found.append([isinstance(each.error, TimeoutError), each.value, state(each.future).name])
        return found

    return slowed()


@case([[True, None, "TimedOut"]], since=(2, 6), refusal="unexpected keyword argument 'timeout_seconds'")
async def an_async_task_that_takes_too_long_is_a_failed_item() -> Any:
    @task(timeout_seconds=1)
    async def slow(n: int) -> int:
        await asyncio.sleep(10 * n)
        return n

    @flow
    async def slowed() -> Any:
        found = []
        async for each in fan_out_async(slow, [0, 1], on_failure="collect", ordered=True):
            if each.item:
                final = await state_async(each.future)
                found.append([isinstance(each.error, TimeoutError), each.value, final.name])
        return found

    return await slowed()


@task(retries=1, retry_delay_seconds=1)
def second_time(n: Any) -> Any:
    note("tried", n)
    if n == "again" and (log.count(["tried", n]) == 1 or not gates.passed("again")):
        raise ValueError(n)
    return n


@case([["once", "again"], 2, ["once", "again"], 2, [["again", None], ["once", None]]])
@flow
def a_task_that_is_retried_after_a_delay_ends_once() -> Any:
    """Its second try ends when the other item has come out."""
    found: list[Any] = []
    for ended in (
        lambda: (result(each) for each in as_completed([second_time.submit(n) for n in ("again", "once")])),
        lambda: (each.value for each in fan_out(second_time, ["again", "once"])),
    ):
        log.clear()
        gates.events.clear()
        values = []
        for value in ended():
            values.append(value)
            gates.open("again")
        found += [values, log.count(["tried", "again"])]
    log.clear()
    in_order = fan_out(second_time, ["again", "once"], ordered=True, max_in_flight=1, on_failure="collect")
    return [*found, [[each.value, each.error] for each in in_order]]


run_key = str(uuid.uuid4())  # some releases keep results outside PREFECT_HOME


@task(cache_key_fn=lambda context, parameters: f"{run_key}-{parameters['n']}")
def remembered(n: int) -> int:
    note("ran", n)
    return 10 * n


@task
def shown(n: int, value: int) -> Any:
    return [n, value]


@case([[10, 10, 20], ["Completed", "Cached", "Completed"], [1, 2], [[1, 10], [2, 20], [3, 30]], [1, 2, 3]])
@flow
def a_cached_task_among_the_items() -> Any:
    found = list(fan_out(remembered, [1, 1, 2], max_in_flight=1))
    saw = [[each.value for each in found], [state(each.future).name for each in found], [each[1] for each in log]]
    followed = [each.value for each in fan_out(remembered, [1, 2, 3], then=shown, ordered=True)]
    return [*saw, followed, [each[1] for each in log]]


@flow
def inner_of_returned() -> Any:
    gates.open("r0", "r1")
    return [gated.submit("r0"), gated.submit("r1")]


@case([["State", "State"], "TypeError", "TypeError", "TypeError"])
@flow
def a_flow_that_returned_futures_gives_states_which_nothing_can_wait_for() -> Any:
    states = inner_of_returned()
    calls = (lambda: wait(states), lambda: list(as_completed(states)), lambda: state(states[0]))
    return [[type(each).__name__.split("[")[0] for each in states], *(raised(call) for call in calls)]


def raised(call: Any) -> str:
    try:
        return repr(call())
    except Exception as error:
        return type(error).__name__


leaked: list[Any] = []


@flow
def inner_that_leaks() -> int:
    gates.open("l0", "bad l")
    leaked[:] = [gated.submit("l0"), gated.submit("bad l")]
    wait(leaked)
    return 0


@case([2, ["Completed", "Failed"], ["l0", "ValueError"], ["l0"]])
@flow
def futures_of_a_flow_that_has_ended() -> Any:
    with contextlib.suppress(Exception):
        inner_that_leaks()
    return [
        len(wait(leaked).done),
        sorted(state(each).name for each in as_completed(leaked)),
        sorted(raised(lambda each=each: result(each)).strip("'") for each in leaked)[::-1],
        resolve_futures_to_results(leaked[:1]),
    ]


@flow
def inner_that_waits() -> Any:
    gates.open("w1")
    values = [result(each) for each in as_completed(leaked)]
    return [values, len(wait(leaked).done), [state(each).name for each in leaked]]


@case([["w1", "w0"], 2, ["Completed", "Completed"]])
@flow
def futures_of_the_flow_around() -> Any:
    leaked[:] = [gated.submit("w0"), gated.submit("w1")]

    def last() -> None:
        while ["ended", "w1"] not in log:
            threading.Event().wait(0.01)
        threading.Event().wait(0.3)
        gates.open("w0")

    threading.Thread(target=last, daemon=True).start()
    return inner_that_waits()


@flow
async def inner_that_waits_async() -> Any:
    gates.open("x1")
    values = [await state_async(each) async for each in as_completed_async(leaked)]
    return [[each.name for each in values], len((await wait_async(leaked)).done)]


@case([["Completed", "Failed"], 2])
@flow
async def futures_of_the_async_flow_around() -> Any:
    leaked[:] = [await submitted(gated_async, "x1"), await submitted(gated, "bad x")]

    def last() -> None:
        while ["ended", "x1"] not in log:
            threading.Event().wait(0.01)
        threading.Event().wait(0.3)
        gates.open("bad x")

    threading.Thread(target=last, daemon=True).start()
    return await inner_that_waits_async()


@case([[], [0, 0], [], {}, [], [], [0, 0], []])
@flow
async def nothing_at_all() -> Any:
    def never() -> Any:
        yield from ()

    async def never_async() -> Any:
        for each in ():
            yield each

    return [
        list(as_completed(never())),
        [len(part) for part in wait(never(), timeout=0)],
        resolve_futures_to_results([]),
        resolve_futures_to_results({}),
        list(fan_out(lasting, never(), then=lasting_async, max_in_flight=1)),
        [each async for each in as_completed_async(never(), timeout=0)],
        [len(part) for part in await wait_async([], timeout=0)],
        [each async for each in fan_out_async(lasting_async, never_async(), ordered=True)],
    ]

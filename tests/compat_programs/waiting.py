"""`as_completed`, `wait` and what reads futures, in sync and in async flows."""

from __future__ import annotations

import asyncio
from typing import Any

from _cases import case, gated, gated_async, gates, submitted
from prefect import flow

from compat import (
    PREFECT_3,
    DoneAndNotDoneFutures,
    as_completed,
    as_completed_async,
    resolve_futures_to_results,
    result,
    result_async,
    state,
    state_async,
    wait,
    wait_async,
)


@case(["a2", "a0", "a1"])
@flow
def as_completed_yields_in_the_order_in_which_runs_end() -> Any:
    futures = [gated.submit(f"a{n}") for n in range(3)]
    gates.open("a2")
    values = []
    for future in as_completed(futures):
        values.append(future.result())
        gates.open({"a2": "a0", "a0": "a1", "a1": "end"}[values[-1]])
    return values


@case(["b0", "b1"])
@flow
def as_completed_yields_runs_that_had_ended_before() -> Any:
    gates.open("b0", "b1")
    futures = [gated.submit("b0"), gated.submit("b1")]
    for future in futures:
        future.wait()
    return sorted(future.result() for future in as_completed(futures))


@case(["c"])
@flow
def as_completed_yields_each_once_from_any_iterable() -> Any:
    gates.open("c")
    future = gated.submit("c")
    return [each.result() for each in as_completed(each for each in (future, future))]


@case([])
@flow
def as_completed_of_nothing_is_empty() -> Any:
    return list(as_completed([]))


@case([[True, False, "Failed"], [True, True, "Completed"]])
@flow
def as_completed_yields_failed_runs_with_their_final_state() -> Any:
    gates.open("bad d", "d")
    futures = [gated.submit("bad d"), gated.submit("d")]
    states = []
    for future in as_completed(futures):
        now = future.state if PREFECT_3 else state(future)
        states.append([now.is_final(), now.is_completed(), state(future).name])
    return sorted(states)


@case([["e0"], "1 (of 2) futures unfinished"])
@flow
def as_completed_raises_when_the_time_is_up() -> Any:
    gates.open("e0")
    futures = [gated.submit("e0"), gated.submit("e1")]
    futures[0].wait()
    values = []
    try:
        for future in as_completed(futures, timeout=1):
            values.append(future.result())
    except TimeoutError as error:
        return [values, str(error)]
    finally:
        gates.open("e1")


@case([["f0"], "1 (of 2) futures unfinished"])
@flow
def the_body_of_the_loop_may_outlast_the_timeout() -> Any:
    gates.open("f0")
    futures = [gated.submit("f0"), gated.submit("f1")]
    futures[0].wait()
    values = []
    try:
        for future in as_completed(futures, timeout=0.2):
            values.append(future.result())
            gates.events["never"].wait(0.5)
    except TimeoutError as error:
        return [values, str(error)]
    finally:
        gates.open("f1")


@case(["'timeout' must be a non-negative number, got -1"] * 2)
@flow
def a_negative_timeout_is_refused() -> Any:
    errors = []
    for call in (lambda: list(as_completed([], timeout=-1)), lambda: wait([], timeout=-1)):
        try:
            call()
        except ValueError as error:
            errors.append(str(error))
    return errors


@case([0, 0])
@flow
def a_timeout_may_be_endless() -> Any:
    gates.open("endless")
    return [len(wait([gated.submit("endless")], timeout=seconds).not_done) for seconds in (float("inf"), 1e12)]


@case([True, True, 3, 0, ["Completed", "Completed", "Failed"]])
@flow
def wait_for_all() -> Any:
    gates.open("g0", "g1", "bad g")
    futures = [gated.submit("g0"), gated.submit("g1"), gated.submit("bad g")]
    found = wait(futures)
    done, not_done = found
    return [
        isinstance(found, DoneAndNotDoneFutures),
        found.done == set(futures),
        len(done),
        len(not_done),
        sorted(state(future).name for future in done),
    ]


@case([True, True, ["Completed"]])
@flow
def wait_stops_when_the_time_is_up() -> Any:
    gates.open("h0")
    futures = [gated.submit("h0"), gated.submit("h1")]
    futures[0].wait()
    found = wait(futures, timeout=1)
    gates.open("h1")
    return [found.done == {futures[0]}, found.not_done == {futures[1]}, [state(each).name for each in found.done]]


@case([True, True])
@flow
def wait_without_time_looks_once() -> Any:
    gates.open("i0")
    futures = [gated.submit("i0"), gated.submit("i1")]
    futures[0].wait()
    found = wait(futures, timeout=0)
    gates.open("i1")
    return [found.done == {futures[0]}, found.not_done == {futures[1]}]


@case([0, 0])
@flow
def wait_for_nothing() -> Any:
    return [len(part) for part in wait([])]


@case(["j1", "j0"])
@flow
def async_tasks_in_a_sync_flow() -> Any:
    futures = [gated_async.submit(f"j{n}") for n in range(2)]
    gates.open("j1")
    values = []
    for future in as_completed(futures):
        values.append(future.result())
        gates.open("j0")
    return values


@case({"list": ["k", 1], "tuple": ["k"], "plain": "text"})
@flow
def results_in_collections() -> Any:
    gates.open("k")
    return resolve_futures_to_results({"list": [gated.submit("k"), 1], "tuple": (gated.submit("k"),), "plain": "text"})


@case("At least one result did not complete successfully")
@flow
def a_failed_run_in_a_collection() -> Any:
    gates.open("bad l")
    try:
        return resolve_futures_to_results([gated.submit("bad l")])
    except Exception as error:
        return str(error)


@case([False, "m", "Completed", "ValueError('bad m')", "ValueError('bad m')"])
@flow
def one_result_and_one_state() -> Any:
    future, failed = gated.submit("m"), gated.submit("bad m")
    before = state(future).is_final()
    gates.open("m", "bad m")
    found = [before, result(future), state(future).name]
    kept = result(failed, raise_on_failure=False)
    try:
        result(failed)
    except ValueError as error:
        return [*found, repr(kept), repr(error)]


@case("TimeoutError")
@flow
def a_result_that_is_late() -> Any:
    future = gated.submit("n")
    try:
        result(future, timeout=0.2)
    except TimeoutError:
        return "TimeoutError"
    finally:
        gates.open("n")


async def _ticker(ticks: list[int], *names: Any) -> None:
    """Opens the gates one after the other, five turns of the event loop apart: none opens while the loop is blocked."""
    for name in names:
        for _ in range(5):
            ticks.append(1)
            await asyncio.sleep(0.01)
        gates.open(name)


async def _order(the_task: Any, prefix: str) -> Any:
    names = [f"{prefix}{n}" for n in range(3)]
    futures = [await submitted(the_task, name) for name in names]
    ticks: list[int] = []
    ticker = asyncio.ensure_future(_ticker(ticks, *reversed(names)))
    values = [await result_async(future) async for future in as_completed_async(futures)]
    await ticker
    return [sorted(values), len(ticks)]


@case([["o0", "o1", "o2"], 15])
@flow
async def as_completed_in_an_async_flow_with_sync_tasks() -> Any:
    return await _order(gated, "o")


@case([["p0", "p1", "p2"], 15])
@flow
async def as_completed_in_an_async_flow_with_async_tasks() -> Any:
    return await _order(gated_async, "p")


@case(["q2", "q1", "q0"])
@flow
async def as_completed_async_yields_in_the_order_in_which_runs_end() -> Any:
    futures = [await submitted(gated, "q0"), await submitted(gated_async, "q1"), await submitted(gated, "q2")]
    gates.open("q2")
    values = []
    async for future in as_completed_async(futures):
        values.append(await result_async(future))
        gates.open({"q2": "q1", "q1": "q0", "q0": "end"}[values[-1]])
    return values


@case([["r0", "r0"], "2 (of 4) futures unfinished"])
@flow
async def as_completed_async_raises_when_the_time_is_up() -> Any:
    gates.open("r0", "r1")
    futures = [await submitted(each, name) for each in (gated, gated_async) for name in ("r0", "r2")]
    await wait_async([futures[0], futures[2]])
    values = []
    try:
        async for future in as_completed_async(futures, timeout=1):
            values.append(await result_async(future))
    except TimeoutError as error:
        return [values, str(error)]
    finally:
        gates.open("r2")


@case([4, 0, ["Completed", "Completed", "Failed", "Failed"]])
@flow
async def wait_async_for_both_kinds() -> Any:
    gates.open("s", "bad s")
    futures = [await submitted(each, name) for each in (gated, gated_async) for name in ("s", "bad s")]
    done, not_done = await wait_async(futures)
    return [len(done), len(not_done), sorted([(await state_async(future)).name for future in done])]


@case([True, True])
@flow
async def wait_async_without_time_looks_once() -> Any:
    gates.open("t0")
    futures = [await submitted(each, name) for each in (gated, gated_async) for name in ("t0", "t1")]
    await wait_async([futures[0], futures[2]])
    done, not_done = await wait_async(futures, timeout=0)
    gates.open("t1")
    return [done == {futures[0], futures[2]}, not_done == {futures[1], futures[3]}]


@case([[], [0, 0]])
@flow
async def nothing_in_an_async_flow() -> Any:
    return [[each async for each in as_completed_async([])], [len(part) for part in await wait_async([])]]


@case(["TimeoutError", "TimeoutError"])
@flow
async def a_result_that_is_late_in_an_async_flow() -> Any:
    raised = []
    for each in (gated, gated_async):
        try:
            await result_async(await submitted(each, "u"), timeout=0.2)
        except TimeoutError:
            raised.append("TimeoutError")
    gates.open("u")
    return raised


@case([True, True, True])
@flow
async def a_future_that_must_be_awaited_is_refused_by_the_sync_helpers() -> Any:
    gates.open("v")
    future = await submitted(gated_async, "v")
    found = []
    for call in (lambda: wait([future]), lambda: list(as_completed([future])), lambda: state(future)):
        try:
            call()
        except TypeError as error:
            found.append("use " in str(error))
    return found if not PREFECT_3 else [True, True, True]

"""`submit` and `map`, tasks in tasks with `call_task`, and the end of a flow with `finish`."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from typing import Any

import prefect
import prefect.exceptions
from _cases import VERSION, but, case, gated, gated_async, gates, log, note, to_thread
from prefect import flow, task, unmapped
from prefect.futures import PrefectFuture

from compat import (
    PREFECT_3,
    Cancelled,
    Failed,
    State,
    call_task,
    finish,
    finish_async,
    map,
    map_async,
    result,
    result_async,
    state,
    state_async,
    submit,
    submit_async,
)

NESTED = tuple(int(part) for part in prefect.__version__.split(".")[:3]) >= (2, 16, 9)


@task
def double(n: int, plus: int = 0) -> int:
    if n < 0:
        raise ValueError(n)
    return 2 * n + plus


@task
async def double_async(n: int, plus: int = 0) -> int:
    if n < 0:
        raise ValueError(n)
    return 2 * n + plus


@task
def three(first: Any, second: Any = "ab", third: Any = (1, 2, 3)) -> Any:
    return [first, second, list(third)]


def raised(call: Any, *args: Any, **kwargs: Any) -> Any:
    """What a call raises, which may be a flow of either kind."""
    try:
        value = call(*args, **kwargs)
        if inspect.iscoroutine(value):
            asyncio.run(value)
    except BaseException as error:
        return repr(error)


async def raised_async(awaitable: Any) -> Any:
    try:
        await awaitable
    except Exception as error:
        return repr(error)


@case([[True, 2], [True, 4]])
@flow
def submitting_in_a_sync_flow() -> Any:
    futures = [submit(double, 1), submit(double_async, 2)]
    return [[isinstance(each, PrefectFuture), result(each)] for each in futures]


@case([[True, 2], [True, 4]])
@flow
async def submitting_in_an_async_flow() -> Any:
    futures = [await submit_async(double, 1), await submit_async(double_async, 2)]
    return [[isinstance(each, PrefectFuture), await result_async(each)] for each in futures]


@case([True, 2])
@flow
async def a_sync_task_is_submitted_without_await_in_an_async_flow() -> Any:
    future = submit(double, 1)
    return [isinstance(future, PrefectFuture), await result_async(future)]


@case([True, True])
@flow
async def what_must_be_awaited_is_refused() -> Any:
    found = []
    for call, argument, named in ((submit, 1, "submit_async"), (map, [1], "map_async")):
        try:
            value = call(double_async, argument)
        except TypeError as error:
            found.append(named in str(error) and "'double_async'" in str(error))
        else:
            found.append(PREFECT_3 and bool(value))
    return found


@case([[[True, 2], [True, 4]], [[True, 2], [True, 4]]])
@flow
def mapping_in_a_sync_flow() -> Any:
    lists = [map(double, [1, 2]), map(double_async, [1, 2])]
    return [[[isinstance(each, PrefectFuture), result(each)] for each in futures] for futures in lists]


@case([[True, 2, 4], [True, 2, 4], [True, 2, 4]])
@flow
async def mapping_in_an_async_flow() -> Any:
    lists = [map(double, [1, 2]), await map_async(double_async, [1, 2]), await map_async(double, [1, 2])]
    found: list[Any] = []
    for each in lists:
        found.append([isinstance(each, list)])
        for future in each:
            found[-1].append(await result_async(future))
    return found


@case([["Completed", True], ["Completed", "Completed"], ["Failed", True]])
@flow
def states_are_returned() -> Any:
    one, failed = submit(double, 1, return_state=True), submit(double_async, -1, return_state=True)
    many = map(double, [1, 2], return_state=True)
    return [
        [one.name, isinstance(one, State)],
        [each.name for each in many],
        [failed.name, isinstance(failed, State)],
    ]


@case([["Completed", "Completed"], ["Completed", "Failed"]])
@flow
async def states_are_returned_in_an_async_flow() -> Any:
    return [
        [(await submit_async(each, 1, return_state=True)).name for each in (double, double_async)],
        [each.name for each in await map_async(double_async, [1, -1], return_state=True)],
    ]


@case([[["ended", "first"], "second"], [False, False]])
@flow
def submitted_runs_wait_for_others() -> Any:
    log.clear()
    gates.open("first", "second", "bad")
    first = submit(gated, "first")
    second = submit(gated, "second", wait_for=[first])
    value = result(second)
    found = [log[0], value]
    bad = submit(gated, "bad")
    late = [submit(double, 1, wait_for=[bad]), *map(double, [1], wait_for=[bad])]
    for each in [bad, *late]:
        each.wait()
    return [found, [state(each).is_completed() for each in late]]


@case([[1, 3], [12, 14], [11, 22]])
@flow
def mapping_with_one_value_for_all() -> Any:
    return [
        [result(each) for each in map(double, [0, 1], unmapped(1))],
        [result(each) for each in map(double, [1, 2], plus=10)],
        [result(each) for each in map(double, n=unmapped(5), plus=(1, 12))],
    ]


@case([[[1, "ab", [1, 2, 3]], [2, "ab", [1, 2, 3]]]] * 3)
@flow
def defaults_and_texts_are_not_mapped_over() -> Any:
    return [
        [result(each) for each in map(three, [1, 2])],
        [result(each) for each in map(three, (n for n in (1, 2)), "ab")],
        [result(each) for each in map(three, {1: "x", 2: "y"}, third=unmapped((1, 2, 3)))],
    ]


@case([[2, 4], [6, 8]])
@flow
def mapping_over_the_future_of_a_list() -> Any:
    return [
        [result(each) for each in map(double, submit(listed))],
        [result(each) for each in map(double, [submit(double, n, plus=1) for n in (1, 1.5)])],
    ]


@task
def listed() -> Any:
    return [1, 2]


@case([[], True])
@flow
async def mapping_over_nothing() -> Any:
    try:
        map(double, 5)
    except Exception as error:
        refused = bool(str(error))
    return [list(map(double, [])) + list(await map_async(double_async, [])), refused]


@case(["ValueError(-1)", "ValueError(-1)", True])
@flow
def what_prefect_refuses_comes_out() -> Any:
    found = [raised(result, submit(double, -1)), raised(result, map(double_async, [-1])[0])]
    return [*found, "TypeError" in raised(map, double, nothing=[1]) or "Parameter" in raised(submit, double, nothing=1)]


# call_task


@task
def calls(n: int) -> Any:
    return [call_task(double, n), call_task(double_async, n)]


@task
async def calls_async(n: int) -> Any:
    return [call_task(double, n), await call_task(double_async, n)]


@task
def calls_deeper(n: int) -> Any:
    return [call_task(calls, n), call_task(calls_async, n)]


@task
async def calls_deeper_async(n: int) -> Any:
    found = await asyncio.gather(*[call_task(calls_async, each) for each in (n, n + 1)])
    return [call_task(calls, n), *found]


def called_later() -> Any:
    return call_task(double_async, 4)


@task
def awaits_on_a_loop_of_its_own() -> Any:
    async def main() -> Any:
        return [await call_task(double_async, 3), call_task(double, 3), await called_later()]

    return asyncio.run(main())


@case([[2, 4], [[2, 2], [4, 4]]])
@flow
def calling_tasks_in_a_sync_flow() -> Any:
    return [[call_task(double, 1), call_task(double_async, 2)], [call_task(calls, 1), call_task(calls_async, 2)]]


@case([[2, 4], [[2, 2], [4, 4]]])
@flow
async def calling_tasks_in_an_async_flow() -> Any:
    return [
        [call_task(double, 1), await call_task(double_async, 2)],
        [call_task(calls, 1), await call_task(calls_async, 2)],
    ]


DEEPER = [[[2, 2], [2, 2]], [[2, 2], [2, 2], [4, 4]]]


@case([DEEPER, DEEPER])
@flow
def a_task_in_a_task_in_a_task() -> Any:
    return [
        [call_task(calls_deeper, 1), call_task(calls_deeper_async, 1)],
        [result(submit(calls_deeper, 1)), result(submit(calls_deeper_async, 1))],
    ]


@case([DEEPER, DEEPER])
@flow
async def a_task_in_a_task_in_a_task_in_an_async_flow() -> Any:
    return [
        [call_task(calls_deeper, 1), await call_task(calls_deeper_async, 1)],
        [await result_async(await submit_async(each, 1)) for each in (calls_deeper, calls_deeper_async)],
    ]


@case([[6, 6, 8], [6, 6, 8]])
@flow
def a_loop_in_a_sync_task() -> Any:
    return [call_task(awaits_on_a_loop_of_its_own), result(submit(awaits_on_a_loop_of_its_own))]


@case([6, 6, 8], since=but((2, 15)), refusal="Prefect 2.15 itself hangs")
@flow
def a_loop_in_a_sync_flow() -> Any:
    """On 2.15.0 an async task that is awaited there never ends: Prefect logs `Detected unsafe call to from_sync`."""
    if VERSION == (2, 15):
        raise RuntimeError("Prefect 2.15 itself hangs")

    async def main() -> Any:
        return [await call_task(double_async, 3), call_task(double, 3), await called_later()]

    return asyncio.run(main())


@case([8, 8])
@flow
async def a_helper_between_the_flow_and_the_task() -> Any:
    return [await called_later(), await to_thread(submit_less)]


def submit_less() -> int:
    return 8


@task
def fails_inside(n: int) -> Any:
    try:
        call_task(double, n)
    except ValueError as error:
        note(repr(error))
    return call_task(double_async, n)


@case(
    ["ValueError(-1)", "ValueError(-1)", ["ValueError(-1)"] * 2],
    since=but((3, 3)),
    refusal="Prefect 3.3 itself raises TypeError",
)
@flow
def the_exception_of_an_inner_task_comes_out() -> Any:
    """On 3.3.7 an async task that fails in a sync one raises Prefect's own TypeError, with `asyncio.run(task(...))` too."""
    log.clear()
    found = [raised(call_task, fails_inside, -1), raised(result, submit(fails_inside, -1)), list(log)]
    if VERSION == (3, 3) and all("can't be used in 'await' expression" in each for each in found[:2]):
        raise RuntimeError("Prefect 3.3 itself raises TypeError")
    return found


tries: list[int] = []


@task(retries=2)
def flaky() -> int:
    tries.append(1)
    if len(tries) < 3:
        raise ValueError("not yet")
    return len(tries)


@task
def calls_flaky() -> Any:
    return call_task(flaky)


@case([3, 3])
@flow
def a_flow_and_a_task_call_what_retries() -> Any:
    found = [call_task(flaky)]
    tries.clear()
    try:
        found.append(call_task(calls_flaky))
    except ValueError:
        found.append(3 if not NESTED and len(tries) == 1 else tries)
    return found


@case([6, 8, 10, ["ValueError(-1)"] * 4])
@flow
def futures_and_unmapped_values_are_arguments() -> Any:
    bad, failed = submit(double, -1), double(-1, return_state=True)
    return [
        call_task(double, submit(double, 1), plus=submit(double, 1)),
        call_task(double_async, unmapped(3), plus=unmapped(2)),
        call_task(double, 5, wait_for=[submit(double, 1)]),
        [
            raised(call_task, double, bad),
            raised(call_task, double_async, 1, plus=failed),
            raised(call_task, three, [{"a": (bad,)}]),
            raised(call_task, double, 5, wait_for=[bad]),
        ],
    ]


@task
def receives(value: Any) -> str:
    return repr(value)


@case([["2", "ValueError(-1)", "3"]] * 2, since=(2, 6), refusal="cannot import name 'allow_failure'")
@flow
def failures_that_are_allowed_are_arguments() -> Any:
    from prefect import allow_failure

    good, bad = submit(double, 1), submit(double, -1)

    def received() -> Any:
        return [
            call_task(receives, allow_failure(good)),
            call_task(receives, value=allow_failure(bad)),
            call_task(receives, 3, wait_for=[allow_failure(bad)]),
        ]

    @task
    def within() -> Any:
        return received()

    return [received(), within()]


@case([8, 6, 10, ["ValueError(-1)"] * 2])
@flow
async def futures_are_arguments_in_an_async_flow() -> Any:
    bad = await submit_async(double_async, -1)
    return [
        await call_task(double_async, await submit_async(double, 1), plus=await submit_async(double_async, 2)),
        await call_task(double_async, await submit_async(double_async, 1), plus=await submit_async(double, 1)),
        await call_task(double_async, 5, wait_for=[await submit_async(double, 1)]),
        [
            await raised_async(call_task(double_async, bad)),
            await raised_async(call_task(double_async, 1, wait_for=[bad])),
        ],
    ]


@task
def gives_up() -> Any:
    return Failed(message="given up")


@task
def lets_give_up() -> Any:
    return call_task(gives_up)


@case([True, True, "Failed"])
@flow
def a_task_that_returns_a_failed_state() -> Any:
    return [
        bool(raised(call_task, gives_up)),
        bool(raised(call_task, lets_give_up)),
        call_task(gives_up, return_state=True).name,
    ]


@case([[6, 10], [6, 10], "ValueError(-1)", "ValueError(-1)"])
@flow
def a_task_calls_one_with_futures_from_outside() -> Any:
    future, bad = submit(double, 1), submit(double, -1)
    bad.wait()

    @task
    def closes_over() -> Any:
        return [call_task(double, hidden[0], plus=2), call_task(double_async, 5, wait_for=hidden)]

    @task
    def waits_for_a_failed_run() -> Any:
        return raised(call_task, double, 5, wait_for=[bad])

    @task
    def takes_a_failed_run() -> Any:
        return raised(call_task, double_async, bad)

    hidden = [future]
    return [
        call_task(closes_over),
        result(submit(closes_over)),
        call_task(waits_for_a_failed_run),
        call_task(takes_a_failed_run),
    ]


@task
def asks_for_a_state() -> Any:
    return call_task(double, 1, return_state=True).name


@case(["Completed", True])
@flow
def a_state_of_a_called_task() -> Any:
    try:
        inner = call_task(asks_for_a_state) == "Completed"
    except NotImplementedError as error:
        inner = not NESTED and f"Prefect {prefect.__version__} is installed" in str(error)
    return [call_task(double, 1, return_state=True).name, inner]


@case(True)
def calling_a_task_outside_of_a_flow() -> Any:
    try:
        return [call_task(double, 1), call_task(double_async, 1)] == [2, 2]
    except RuntimeError as error:
        return "outside of a flow" in str(error) and tuple(_version()) < (2, 17)


def _version() -> list[int]:
    return [int(part) for part in prefect.__version__.split(".")[:2]]


# finish


def end(the_flow: Any) -> Any:
    """The name of the final state of a flow, and what calling it raises."""
    final = the_flow(return_state=True)
    final = asyncio.run(final) if inspect.iscoroutine(final) else final
    return [final.name, raised(the_flow)]


@case(["Completed", None])
def a_flow_that_finishes_well() -> Any:
    @flow
    def well() -> None:
        finish(submit(double, 1), map(double_async, [1, 2]))

    return end(well)


@case([["Failed", "ValueError(-1)"]] * 2)
def a_flow_fails_where_a_submitted_run_failed() -> Any:
    @flow
    def failing() -> None:
        finish(submit(double, 1), submit(double, -1), submit(double_async, -2))

    @flow
    async def failing_async() -> None:
        await finish_async(
            await submit_async(double, 1), await submit_async(double_async, -1), await submit_async(double, -2)
        )

    return [end(failing), end(failing_async)]


@case([["Failed", "ValueError('bad')", [["ended", "later"]]]] * 2)
def the_failure_comes_after_everything_has_ended() -> Any:
    @flow
    def failing() -> None:
        futures = [submit(gated, "bad"), submit(gated, "later")]
        gates.open("bad")
        futures[0].wait()
        gates.open("later")
        finish(futures)

    @flow
    async def failing_async() -> None:
        futures = [await submit_async(gated_async, "bad"), await submit_async(gated_async, "later")]
        gates.open("bad", "later")
        await finish_async(*futures)

    found = []
    for the_flow in (failing, failing_async):
        gates.events.clear()
        log.clear()
        ended = end(the_flow)
        found.append([*ended, log[:1]])
    return found


@case([["Completed", 5], ["Failed", "ValueError(-1)"]])
def what_the_flow_returns_after_finish_is_its_own() -> Any:
    @flow
    def returning(n: int) -> int:
        finish([submit(double, n)])
        return 5

    final = returning(1, return_state=True)
    return [[final.name, returning(1)], [returning(-1, return_state=True).name, raised(returning, -1)]]


@case([None, None, "ValueError(-1)", "ValueError(-3)"])
@flow
def collections_of_futures_and_states() -> Any:
    good, bad = submit(double, 1), submit(double, -1)
    state_of_a_good, state_of_a_bad = double(1, return_state=True), double(-3, return_state=True)
    return [
        raised(finish, ()),
        raised(finish, [], {}, {"a": good, "b": [good, (good, {good})]}, map(double, [1]), state_of_a_good),
        raised(finish, {"a": good, "b": [good, (bad, state_of_a_bad)]}),
        raised(finish, [good, {"state": state_of_a_bad}], bad),
    ]


@case([None, "ValueError(-4)", "ValueError(-1)", "ValueError(-3)"])
@flow
async def collections_of_futures_and_states_in_an_async_flow() -> Any:
    good, bad = await submit_async(double_async, 1), await submit_async(double_async, -1)
    state_of_a_bad = await double_async(-3, return_state=True)
    return [
        await raised_async(finish_async([good, {"a": await submit_async(double, 1)}], ())),
        raised(finish, await submit_async(double, 1), await map_async(double, [2, -4])),
        await raised_async(finish_async({"a": good, "b": [good, (bad, state_of_a_bad)]})),
        await raised_async(finish_async([good, {"state": state_of_a_bad}], bad)),
    ]


@case([True, True] + ["finish takes futures and states, and collections of them, got 2"] * 3)
@flow
async def what_is_neither_future_nor_state_is_refused() -> Any:
    forgotten = (finish, lambda: finish_async().close())
    found: list[Any] = [raised(each).startswith("TypeError") for each in forgotten]  # type: ignore[arg-type]
    for value in (2, [submit(double, 1), 2], {"a": [2]}):
        try:
            finish(value)
        except TypeError as error:
            found.append(str(error))
    return found


@case([True, True, True])
@flow
async def forgotten_awaits_and_texts_are_refused() -> Any:
    forgotten = submit_async(double, 1)
    found = []
    for value in (forgotten, "text", None):
        found.append("got " in str(await raised_async(finish_async(value))))
    forgotten.close()
    return found


@case(True)
@flow
async def a_future_that_must_be_awaited_is_refused_by_finish() -> Any:
    future = await submit_async(double_async, 1)
    try:
        finish(future)
    except TypeError as error:
        return "finish_async" in str(error)
    return PREFECT_3


@task
def stopped() -> Any:
    return Cancelled(message="stopped")


@case(
    [
        [
            "Failed",
            "CancelledRun('stopped')"
            if hasattr(prefect.exceptions, "CancelledRun")
            else "RuntimeError('The run ended in state Cancelled')",
        ]
    ]
)
def a_run_that_was_cancelled() -> Any:
    @flow
    def cancelled() -> None:
        finish(submit(stopped))

    return [end(cancelled)]


@task
def interrupted(kind: str) -> None:
    raise {"exit": SystemExit(3), "interrupt": KeyboardInterrupt()}[kind]


CRASHED = "CrashedRun" if _version() >= [2, 6] else "RuntimeError"


crashes: list[Any] = []


@flow
def crashing(kind: str) -> int:
    crashes.append(raised(finish, submit(interrupted, kind)))
    return 1


@flow
async def crashing_async(kind: str) -> int:
    crashes.append(await raised_async(finish_async(submit(interrupted, kind))))
    return 1


def crashes_of(the_flow: Any) -> Any:
    crashes.clear()
    for kind in ("exit", "interrupt"):
        with contextlib.suppress(
            SystemExit, KeyboardInterrupt
        ):  # Prefect 2 raises these again at the end of such a flow
            value = the_flow(kind)
            if inspect.iscoroutine(value):
                asyncio.run(value)
    return list(crashes)


CRASHES = [f"{CRASHED}('A task raised SystemExit(3)')", f"{CRASHED}('A task raised KeyboardInterrupt()')"]


@case(CRASHES, since=but((2, 7)), refusal="Prefect 2.7 itself cancels the flow")
def a_task_that_exits_or_is_interrupted() -> Any:
    found = crashes_of(crashing)
    if VERSION == (2, 7) and found == ["CancelledError()"] * 2:
        raise RuntimeError("Prefect 2.7 itself cancels the flow")
    return found


@case(CRASHES, since=but((2, 7)), refusal="Prefect 2.7 itself hangs")
def a_task_that_exits_or_is_interrupted_in_an_async_flow() -> Any:
    """On 2.7.12 such a flow never ends, with `future.wait()` of Prefect's own too."""
    if VERSION == (2, 7):
        raise RuntimeError("Prefect 2.7 itself hangs")
    return crashes_of(crashing_async)


@case([True, 10])
@flow
async def the_event_loop_goes_on_while_finish_waits() -> Any:
    async def ticker() -> int:
        ticks = 0
        for name in ("sync", "async"):
            for _ in range(5):
                await asyncio.sleep(0.01)
                ticks += 1
            gates.open(name)
        return ticks

    futures = [await submit_async(gated, "sync"), await submit_async(gated_async, "async")]
    running = asyncio.ensure_future(ticker())
    await finish_async(futures)
    return [all([(await state_async(each)).is_completed() for each in futures]), await running]

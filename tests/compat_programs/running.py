"""The task runners."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import threading
from typing import Any

import prefect.task_runners
from _cases import PATIENCE, case, lock, log, note
from prefect import flow, task
from prefect.futures import PrefectFuture

from compat import PREFECT_3, ConcurrentTaskRunner, SequentialTaskRunner, ThreadPoolTaskRunner, fan_out, state, wait


@task
def step(n: Any) -> Any:
    note("start", n)
    threading.Event().wait(0.05)
    if n == "bad":
        raise ValueError(n)
    note("end", n)
    return n


@task
async def step_async(n: Any) -> Any:
    note("start", n)
    await asyncio.sleep(0.05)
    note("end", n)
    return n


@task
def parent(n: int) -> Any:
    note("start parent", n)
    value = step.submit(n).result()
    note("end parent", n)
    return value


@task
async def parent_async(n: int) -> Any:
    future = step_async.submit(n)
    if inspect.isawaitable(future):
        future = await future
    value = future.result()
    return await value if inspect.isawaitable(value) else value


def ran(*names: Any) -> list[list[Any]]:
    """What the log shows of tasks that run one after the other."""
    return [[kind, name] for name in names for kind in ("start", "end")]


def run(the_flow: Any) -> Any:
    """What happened while the flow ran, and what it returned."""
    log.clear()
    value = the_flow()
    if inspect.iscoroutine(value):
        value = asyncio.run(value)
    return [list(log), value]


@case(
    [
        [[kind, n] for n in range(3) for kind in ("submit", "start", "end", "submitted")],
        [True, "Completed", 2],
    ]
)
def a_task_runs_within_submit() -> Any:
    @flow(task_runner=SequentialTaskRunner())
    def sequential() -> Any:
        for n in range(3):
            note("submit", n)
            future = step.submit(n)
            note("submitted", n)
        return [isinstance(future, PrefectFuture), state(future).name, future.result()]

    return run(sequential)


@case([ran(*range(4)), [True, True, [4, 4, 5, 5]], 0])
def nothing_is_dropped_at_the_end_of_the_flow() -> Any:
    @flow(task_runner=SequentialTaskRunner)
    def forgetful() -> int:
        for n in range(4):
            step.submit(n)
        step.map([4, 5])
        return 0

    happened, value = run(forgetful)
    mapped = happened[8:]  # in the order of the engine before 2.10
    return [
        happened[:8],
        [*(a == b for (_, a), (_, b) in zip(mapped[::2], mapped[1::2])), sorted(n for _, n in mapped)],
        value,
    ]


@case(
    [
        [*ran(1), ["start", "bad"], *ran(2)],
        ["Completed", "Failed", "Completed"],
    ]
)
def a_failing_task_does_not_stop_the_next() -> Any:
    @flow(task_runner=SequentialTaskRunner())
    def failing() -> Any:
        futures = [step.submit(n) for n in (1, "bad", 2)]
        return [state(each).name for each in futures]

    return run(failing)


@case(
    [
        [entry for n in range(2) for entry in (["start parent", n], *ran(n), ["end parent", n])],
        [0, 1],
    ],
    since=(2, 16),
    refusal="Tasks cannot be run from within tasks",
)
def a_task_that_submits_a_task_does_not_block() -> Any:
    @flow(task_runner=SequentialTaskRunner())
    def nested() -> Any:
        return [parent.submit(n).result() for n in range(2)]

    return run(nested)


@case([[*ran(1, 1, 2), ["start", "bad"]], [1, 2, False]])
def a_task_waits_for_others_and_takes_futures() -> Any:
    @flow(task_runner=SequentialTaskRunner())
    def depending() -> Any:
        first = step.submit(1)
        second = step.submit(first)
        third = step.submit(2, wait_for=[second])
        bad = step.submit(3, wait_for=[step.submit("bad")])
        return [second.result(), third.result(), state(bad).is_completed()]

    return run(depending)


@case([[[[kind, n] for n in range(2) for kind in ("start", "end", "submitted")], 0]] * 2)
def with_options_takes_the_runner() -> Any:
    @flow
    def plain() -> int:
        for n in range(2):
            step.submit(n)
            note("submitted", n)
        return 0

    again = plain.with_options(task_runner=SequentialTaskRunner())
    return [run(again), run(again)]


@case(
    [
        [[kind, n] for n in range(2) for kind in ("start", "end", "submitted")],
        [0, 1],
    ]
)
def async_tasks_in_a_sync_flow() -> Any:
    @flow(task_runner=SequentialTaskRunner())
    def mixed() -> Any:
        values = []
        for n in range(2):
            values.append(step_async.submit(n).result())
            note("submitted", n)
        return values

    return run(mixed)


@case([ran(7), 7], since=(2, 16), refusal="Tasks cannot be run from within tasks")
def an_async_task_that_submits_a_task() -> Any:
    @flow(task_runner=SequentialTaskRunner())
    def nested() -> Any:
        return parent_async.submit(7).result()

    return run(nested)


@case([[[kind, n] for n in range(3) for kind in ("start", "end", "submitted")], ["Completed"] * 3])
def an_async_flow() -> Any:
    @flow(task_runner=SequentialTaskRunner())
    async def asynchronous() -> Any:
        states = []
        for n, each in enumerate((step_async, step, step_async)):
            future = each.submit(n)
            if inspect.isawaitable(future):
                future = await future
            note("submitted", n)
            ended = future.wait()
            ended = await ended if inspect.isawaitable(ended) else ended
            states.append((future.state if PREFECT_3 else ended).name)
        return states

    return run(asynchronous)


@case([ran(0, 1, 2), [0, 1, 2]])
def a_fan_out_on_the_sequential_runner() -> Any:
    @flow(task_runner=SequentialTaskRunner())
    def fanned() -> Any:
        return [each.value for each in fan_out(step, range(3), max_in_flight=2)]

    return run(fanned)


live = peak = 0
met = threading.Event()


@task
def counted(n: int) -> int:
    """Ends once three have met."""
    global live, peak
    with lock:
        live += 1
        peak = max(peak, live)
        if live == 3:
            met.set()
    assert met.wait(PATIENCE)
    threading.Event().wait(0.05)
    with lock:
        live -= 1
    return n


@case([list(range(9)), 3])
def the_thread_pool_runs_as_many_as_it_may() -> Any:
    @flow(task_runner=ThreadPoolTaskRunner(max_workers=3))
    def bounded() -> Any:
        futures = [counted.submit(n) for n in range(9)]
        wait(futures)
        return [each.result() for each in futures]

    return [run(bounded)[1], peak]


@case([[n] for n in range(8)])
def dependencies_on_the_bounded_pool_do_not_block() -> Any:
    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def chained() -> Any:
        values = []
        for n in range(8):
            first = step.submit(n)
            second = step_async.submit(first)
            values.append(step.submit([second], wait_for=[first]))
        return [each.result() for each in values]

    return run(chained)[1]


@case([["start", "end"] * 3, [0, 1, 2]])
def async_tasks_on_the_bounded_pool() -> Any:
    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def bounded() -> Any:
        futures = [step_async.submit(n) for n in range(3)]
        wait(futures)
        return sorted(each.result() for each in futures)

    happened, value = run(bounded)
    return [[kind for kind, _ in happened], value]


@case([[ran(0, 1), [0, 1]]] * 2)
def a_runner_serves_more_than_one_run() -> Any:
    runner = ThreadPoolTaskRunner(max_workers=1)

    @flow(task_runner=runner)
    def inner() -> Any:
        return step.submit(1).result()

    @flow(task_runner=runner)
    def outer() -> Any:
        return [step.submit(0).result(), inner()]

    return [run(outer), run(outer)]


@case([[ran(0, 1), [0, 1]]] * 2)
def the_sequential_runner_serves_more_than_one_run() -> Any:
    runner = SequentialTaskRunner()

    @flow(task_runner=runner)
    def inner() -> Any:
        return step.submit(1).result()

    @flow(task_runner=runner)
    def outer() -> Any:
        return [step.submit(0).result(), inner()]

    return [run(outer), run(outer)]


@case([True, True, True, [True] * 4])
def runners_are_prefects_own_kind() -> Any:
    base = prefect.task_runners.TaskRunner if PREFECT_3 else prefect.task_runners.BaseTaskRunner
    made = [SequentialTaskRunner(), ThreadPoolTaskRunner(), ThreadPoolTaskRunner(max_workers=2), ConcurrentTaskRunner()]
    return [
        ThreadPoolTaskRunner is prefect.task_runners.ThreadPoolTaskRunner
        if PREFECT_3
        else issubclass(SequentialTaskRunner, prefect.task_runners.SequentialTaskRunner),
        all(isinstance(each, base) for each in made),
        all(isinstance(each, prefect.task_runners.ConcurrentTaskRunner) for each in made[1:]),
        [type(pickle.loads(pickle.dumps(each))) is type(each) for each in made],
    ]


@case([True, False])
def runners_compare_as_prefects_own_do() -> Any:
    """Not at all before 2.10."""
    own = prefect.task_runners.ConcurrentTaskRunner
    same = own() == own()
    return [
        (SequentialTaskRunner() == SequentialTaskRunner()) is same,
        SequentialTaskRunner() == ThreadPoolTaskRunner(),
    ]


@case("max_workers must be greater than 0")
def a_pool_without_places_is_refused() -> Any:
    @flow
    def empty() -> int:
        return step.submit(0).result()

    try:
        empty.with_options(task_runner=ThreadPoolTaskRunner(max_workers=0))()
    except ValueError as error:
        return str(error)

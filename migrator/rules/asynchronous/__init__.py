"""Async code: what Prefect 3 no longer awaits, what it leaves to be awaited, and where it runs sync code."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.findings import Severity
from migrator.rules.asynchronous.awaited import awaited
from migrator.rules.asynchronous.event_loops import loops_in_loops, state_results
from migrator.rules.asynchronous.never_awaited import never_awaited
from migrator.rules.base import Context, Draft, rule

_URL = "https://docs.prefect.io/v3/concepts/tasks"


@rule("PF420", "awaited-future", Severity.ERROR, "safe or unsafe or none", _URL)
def awaited_future(context: Context) -> Iterator[Draft]:
    """Do not await futures, nor what they give.

    On Prefect 2 an async task's `submit` and `map`, and `result`, `wait` and `get_state` of its futures, had to be awaited in async flows. On Prefect 3 none of
    them is a coroutine: `await load.submit(1)` raises `TypeError: object PrefectConcurrentFuture can't be used in 'await' expression`, and so does every other
    one; `await future.result()` only once the task has run. `asyncio.gather` and its like refuse them too.

    On Prefect 3 `future.result()` and `future.wait()` block the event loop until the run has ended. The tasks themselves go on, they run in threads. Where other
    coroutines have to go on meanwhile: `await asyncio.to_thread(future.result)`.

    ## Example
    ```python
    import asyncio
    from prefect import flow, task

    @task
    async def load(n):
        return n

    @flow
    async def etl():
        first = await load.submit(0)
        futures = await asyncio.gather(*[load.submit(n) for n in (1, 2)])
        return await first.result(), await asyncio.gather(*[future.result() for future in futures])
    ```

    ## Use instead
    ```python
    import asyncio
    from prefect import flow, task

    @task
    async def load(n):
        return n

    @flow
    async def etl():
        first = load.submit(0)
        futures = [load.submit(n) for n in (1, 2)]
        return first.result(), [future.result() for future in futures]
    ```

    ## Example (--target both)
    ```python
    import asyncio
    from prefect import flow, task

    @task
    async def load(n):
        return n

    @flow
    async def etl():
        futures = await asyncio.gather(*[load.submit(n) for n in (1, 2)])
        return [await future.result() for future in futures]
    ```

    ## Use instead (--target both)
    ```python
    import asyncio
    from prefect import flow, task
    from compat import result_async, submit_async

    @task
    async def load(n):
        return n

    @flow
    async def etl():
        futures = await asyncio.gather(*[submit_async(load, n) for n in (1, 2)])
        return [await result_async(future) for future in futures]
    ```

    ## Fix safety
    Safe for `submit` and `map`. For `result` and `wait` unsafe where the module does several things at once on the event loop, or limits their time: they block
    it now. A future that is handed to `asyncio.create_task`, `asyncio.wait_for` and the like becomes `asyncio.to_thread(future.result)`. With `--target both`
    safe: the helpers of `compat` are awaited on both majors. The state that `wait` returned is read from the future after it; where that does not fit into the
    place, there is no fix.
    """
    yield from awaited(context)


@rule("PF421", "coroutine-nobody-awaits", Severity.ERROR, "safe or unsafe or none", _URL)
def coroutine_nobody_awaits(context: Context) -> Iterator[Draft]:
    """Run async tasks and flows from sync code, do not just call them.

    Prefect 2 ran an async task or subflow that a sync flow called, and gave its value. On Prefect 3 the call gives a coroutine, as any async function does: the
    task never runs, the flow goes on with the coroutine as its value and completes. Only Python's `RuntimeWarning: coroutine ... was never awaited` tells.

    The same holds for a sync task or function that a sync flow calls, and for async tasks at the top of a module, which Prefect 2 ran from 2.17 on.

    ## Example
    ```python
    from prefect import flow, task

    @task
    async def load(n):
        return n

    @flow
    def etl():
        return load(1)
    ```

    ## Use instead
    ```python
    from prefect import flow, task

    @task
    async def load(n):
        return n

    @flow
    def etl():
        return load.submit(1).result()
    ```

    ## Fix safety
    A task in a sync flow is submitted and waited for, which gives and raises the same on both majors; unsafe where the flow has a task runner of its own, because
    the task then runs there, and where something else decorates the function. Elsewhere, and for subflows, it becomes `asyncio.run(...)`, which is unsafe: it fails where an event loop is running already, as
    in a sync subflow of an async flow on Prefect 3. With `--target both` that is `call_task(...)` of `compat`, which is safe. Code that runs from async code
    as well has no fix.
    """
    yield from never_awaited(context)


@rule("PF422", "event-loop-in-event-loop", Severity.ERROR, "unsafe or none", _URL)
def event_loop_in_event_loop(context: Context) -> Iterator[Draft]:
    """Give sync code that starts an event loop a thread of its own.

    Prefect 2 ran sync tasks and sync subflows that an async flow calls in a worker thread. Prefect 3 runs them in the thread of the caller, in which the flow's
    event loop is running: `asyncio.run(...)`, `anyio.run(...)` and `loop.run_until_complete(...)` raise `RuntimeError` in there. Those that are submitted still
    have a thread of their own.

    ## Example
    ```python
    import asyncio
    from prefect import flow, task

    async def fetch(n):
        return n

    @task
    def load(n):
        return asyncio.run(fetch(n))

    @flow
    async def etl():
        return load(1)
    ```

    ## Use instead
    ```python
    import asyncio
    from prefect import flow, task

    async def fetch(n):
        return n

    @task
    def load(n):
        return asyncio.run(fetch(n))

    @flow
    async def etl():
        return await asyncio.to_thread(load, 1)
    ```

    ## Fix safety
    Unsafe: it runs in a thread as on Prefect 2, on both majors, but other coroutines of the flow go on meanwhile.
    """
    yield from loops_in_loops(context)


@rule(
    "PF423",
    "state-result-coroutine",
    Severity.ERROR,
    "safe or none",
    "https://docs.prefect.io/v3/api-ref/python/prefect-states",
)
def state_result_coroutine(context: Context) -> Iterator[Draft]:
    """Ask the state itself for its result.

    From Prefect 3.3 on `get_state_result(state)` gives a coroutine in sync code too, so nothing is read and no failure is raised. `state.result()` gives the
    value on both majors.

    ## Example
    ```python
    from prefect import flow
    from prefect.states import get_state_result

    @flow
    def child():
        return 1

    @flow
    def parent():
        state = child(return_state=True)
        return get_state_result(state)
    ```

    ## Use instead
    ```python
    from prefect import flow
    from prefect.states import get_state_result

    @flow
    def child():
        return 1

    @flow
    def parent():
        state = child(return_state=True)
        return state.result()
    ```

    ## Fix safety
    Safe: it is what `state.result()` calls.
    """
    yield from state_results(context)


RULES = (awaited_future, coroutine_nobody_awaits, event_loop_in_event_loop, state_result_coroutine)

"""Futures in sync flows: waiting for them, in the order in which they end, and reading what came out."""

from __future__ import annotations

import concurrent.futures
import queue
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from ._version import PREFECT_3

Future = TypeVar("Future")

if TYPE_CHECKING or not PREFECT_3:

    class DoneAndNotDoneFutures(NamedTuple):
        """A named 2-tuple of sets: the futures whose runs have ended, and the others."""

        done: set[Any]
        not_done: set[Any]

else:
    from prefect.futures import DoneAndNotDoneFutures


def as_completed(futures: Iterable[Future], timeout: float | None = None) -> Generator[Future, None, None]:
    """Yields each future once, as its run ends, whether the run succeeded or failed; `.result()` then returns at once.

    Raises TimeoutError ("1 (of 2) futures unfinished") where `timeout` seconds after the first step some runs have not
    ended, ValueError where `timeout` is negative, and TypeError for a future that Prefect 2 must await
    (an async task's, in an async flow: see `as_completed_async`).

    Prefect 2 has nothing of the kind. Prefect 3's own yields futures whose `.state` still reads Pending (3.0.11, 3.8.8),
    and where its timeout expires in the body of the loop, an internal CancelledError comes out there; here the futures'
    states are final, and the timeout is only looked at when the next future is asked for.
    """
    deadline = deadline_after(timeout)
    watch = make_watch(futures)
    total = len(watch.pending)
    while watch.pending:
        ended = watch.take(remaining(deadline))
        if not ended:
            raise TimeoutError(unfinished(len(watch.pending), total))
        yield from ended


def wait(futures: Iterable[Any], timeout: float | None = None) -> DoneAndNotDoneFutures:
    """The futures whose runs have ended and those whose runs have not, once all have ended or `timeout` seconds have passed.

    Raises ValueError where `timeout` is negative, and TypeError for a future that Prefect 2 must await (see `wait_async`).

    Prefect 2 has nothing of the kind. Prefect 3's own finds nothing done within a timeout, and waits although the timeout
    is 0, on 3.0.11; on 3.8.8 what it finds done within a timeout has no final `.state` yet.
    """
    every = list(futures)
    deadline = deadline_after(timeout)
    watch = make_watch(every)
    while watch.pending and watch.take(remaining(deadline)):
        pass
    return DoneAndNotDoneFutures(set(every) - set(watch.pending), set(watch.pending))


def result(future: Any, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
    """What the run returned, as `future.result(...)`.

    Raises TimeoutError where the run has not ended after `timeout` seconds, and TypeError for a future that Prefect 2
    must await (see `result_async`).
    """
    refuse_awaited(future, "result_async")
    if timeout is not None and not wait([future], timeout).done:
        raise TimeoutError(late(timeout))
    return future.result(raise_on_failure=raise_on_failure)


def state(future: Any) -> Any:
    """The state that the run is in: `future.state` of Prefect 3 and `future.get_state()` of Prefect 2.

    It is the final state from the moment the run has ended, where both may lag behind. Raises TypeError for a future that
    Prefect 2 must await (see `state_async`).
    """
    refuse_awaited(future, "state_async")
    if PREFECT_3:
        if has_ended(future):
            settle(future)
        return future.state
    final = look(future)
    return future.get_state() if final is None else final


def resolve_futures_to_results(expr: Any) -> Any:
    """`expr` with each future in its lists, tuples, sets and dicts replaced by the result of its run, once that has ended.

    Raises Exception where a run did not succeed. Prefect 3 has it from 3.3.6 on, which is then what does the work;
    that one also looks into dataclasses and Pydantic models.
    """
    import prefect.futures

    own = getattr(prefect.futures, "resolve_futures_to_results", None)
    return _resolved(expr, prefect.futures.PrefectFuture) if own is None else own(expr)


def _resolved(expr: Any, kind: Any) -> Any:
    if isinstance(expr, kind):
        refuse_awaited(expr, "result_async")
        expr.wait()
        if not state(expr).is_completed():
            raise Exception("At least one result did not complete successfully")
        return expr.result()
    if isinstance(expr, (list, set)) or type(expr) is tuple:
        made = [_resolved(element, kind) for element in expr]
        return made if isinstance(expr, list) else type(expr)(made)
    if isinstance(expr, dict):
        return {_resolved(key, kind): _resolved(value, kind) for key, value in expr.items()}
    return expr


def deadline_after(timeout: float | None) -> float | None:
    """The time on the monotonic clock `timeout` seconds from now; raises ValueError as Prefect 3.8 does."""
    if timeout is None:
        return None
    if timeout < 0:
        raise ValueError(f"'timeout' must be a non-negative number, got {timeout}")
    return time.monotonic() + timeout


def remaining(deadline: float | None) -> float | None:
    """Seconds until the deadline, at least 0; None where there is none."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def unfinished(pending: int, total: int) -> str:
    """What Prefect 3's own `as_completed` says in its TimeoutError."""
    return f"{pending} (of {total}) futures unfinished"


def late(timeout: float | None) -> str:
    """What a TimeoutError says of one run."""
    return f"The task run did not complete within {timeout} seconds"


def is_awaited(future: Any) -> bool:
    """Whether the methods of this future return awaitables: on Prefect 2, those of async tasks in async flows."""
    return not PREFECT_3 and bool(getattr(future, "asynchronous", False))


def refuse_awaited(future: Any, instead: str) -> None:
    refuse_states(future)
    if is_awaited(future):
        raise TypeError(f"Prefect 2 has to await this future (async task, async flow): use {instead}")


def refuse_states(future: Any) -> None:
    """Raises TypeError for what is no future, above all for the states that come out of a flow that returns its futures."""
    if not hasattr(future, "wait"):
        raise TypeError(f"Expected a future, got {future!r}; a flow that returns its futures gives their final states")


def stored_states(future: Any) -> Any:
    """The final states that the future's task runner of Prefect 2 keeps, by key; None where it is none of Prefect's own.

    The dictionary is private, and has been there in every minor from 2.0 to 2.20. To ask it costs nothing, where `wait(0)`
    takes a turn of the flow's event loop.
    """
    found = getattr(getattr(future, "_task_runner", None), "_results", None)
    return found if isinstance(found, dict) else None


def handle(future: Any) -> Any:
    """What the executor itself gave for a run, else None: a future of a pool or of Dask, an ObjectRef of Ray.

    Prefect 3 has it in the future. Prefect 2 has it in the task runners of prefect-dask (0.2.10) and prefect-ray (0.3.7),
    some time after `submit` has returned; its own task runners have none.
    """
    if PREFECT_3:
        return getattr(future, "wrapped_future", None)
    handles = cluster_handles(future)
    return None if handles is None else handles.get(key_of(future))


def cluster_handles(future: Any) -> Any:
    """The handles that the future's task runner of Prefect 2 keeps, by key, where it runs tasks on Dask or Ray; else None."""
    runner = getattr(future, "_task_runner", None)
    return getattr(runner, "_dask_futures", getattr(runner, "_ray_refs", None))


def key_of(future: Any) -> Any:
    """The key by which a task runner of Prefect 2 knows a run; 2.0 to 2.2 call it `run_key`."""
    return future.key if hasattr(future, "key") else future.run_key


def has_ended(future: Any) -> bool:
    """Whether its handle says that the run has ended: costs microseconds, a tenth of a millisecond on Ray."""
    held = handle(future)
    if held is None:
        return False
    return bool(held.done() if hasattr(held, "done") else sys.modules["ray"].wait([held], timeout=0)[0])


def look(future: Any) -> Any:
    """The final state of a Prefect 2 run that has ended, else None; or an awaitable of it.

    `future.wait(0)` is only asked of task runners that are neither Prefect's own nor Dask's or Ray's: on Dask it never finds
    anything, and on Ray any `wait` or `result` whose time runs out makes the future Crashed for ever, while the run goes on
    (2.20.26).
    """
    states = stored_states(future)
    if states is not None:
        return states.get(key_of(future))
    if cluster_handles(future) is None:
        return future.wait(0)
    return future.wait() if has_ended(future) else None


def crash(future: Any) -> BaseException | None:
    """What ended the worker of a Prefect 3 run without a state: a SystemExit in the task, a dead process, a cancelled executor."""
    held: Any = getattr(future, "wrapped_future", None)
    if getattr(future, "_final_state", None) is not None or not hasattr(held, "exception") or not held.done():
        return None
    return concurrent.futures.CancelledError() if held.cancelled() else held.exception()


def was_cancelled(future: Any) -> bool:
    """Whether the executor of Prefect 3 dropped the run before it began, as it does at the end of a flow."""
    held: Any = handle(future) if PREFECT_3 else None
    return hasattr(held, "cancelled") and bool(held.cancelled())


def settle(future: Any) -> None:
    """Makes `.state` of a Prefect 3 future final whose run has ended.

    The API knows how a thread died. Of a process that died, on Dask or in a pool, it goes on to say Running (3.8.8); then
    the state is made here, as prefect-ray makes it. Of a run that was cancelled before it began the API knows nothing, and
    is not asked: at the end of the program there is none any more.
    """
    if getattr(future, "_final_state", None) is not None:
        return
    error = crash(future)
    if error is None:
        future.wait()
    elif isinstance(error, concurrent.futures.CancelledError) or not future.state.is_final():
        from prefect.states import Crashed

        future._final_state = Crashed(message=f"The worker ended without a state: {error!r}", data=error)


def call_back(future: Any, report: Callable[[Any], Any]) -> None:
    """Calls `report(future)` once a Prefect 3 run has ended: at once where it has, else from another thread.

    A handle alone does not do that: Dask's and Ray's call back from their own thread where the run has ended before.
    """
    refuse_states(future)
    held = handle(future)
    if has_ended(future):
        report(future)
    elif hasattr(held, "wrapped_future"):
        # A process pool's, which on 3.4.25 never calls back where the process died; the one within does.
        held.wrapped_future.add_done_callback(lambda _: report(future))
    else:
        future.add_done_callback(report)


class CallbackWatch:
    """The futures of Prefect 3 that are being waited for. They report their own end."""

    def __init__(self) -> None:
        self.pending: dict[Any, None] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def add(self, future: Any) -> None:
        if future not in self.pending:
            self.pending[future] = None
            call_back(future, self._ended.put)

    def take(self, timeout: float | None) -> list[Any]:
        """The pending futures that have ended, once there is one; none where `timeout` seconds pass before."""
        ended: list[Any] = []
        patience = None if timeout is None else min(timeout, threading.TIMEOUT_MAX)
        while self.pending:
            try:
                future = self._ended.get(timeout=0 if ended else patience)
            except queue.Empty:
                break
            settle(future)
            del self.pending[future]
            ended.append(future)
        return ended

    def poll(self) -> list[Any]:
        """The pending futures that have ended by now, as far as that costs nothing to know."""
        return self.take(0)


class PollingWatch:
    """The futures of Prefect 2 that are being waited for. They do not report their end: each has to be looked at.

    So all are looked at in turn, and then none for `SHARE` times as long as that took, within the bounds of `PAUSE`, in seconds.
    """

    PAUSE = (0.002, 0.1)
    SHARE = 20

    def __init__(self) -> None:
        self.pending: dict[Any, None] = {}
        self._due = 0.0

    def add(self, future: Any) -> None:
        refuse_awaited(future, "as_completed_async, wait_async or fan_out_async")
        self.pending[future] = None

    def take(self, timeout: float | None) -> list[Any]:
        """The pending futures that have ended, once there is one; none where `timeout` seconds pass before."""
        deadline = deadline_after(timeout)
        while self.pending:
            ended = self.poll()
            if ended or (deadline is not None and time.monotonic() >= deadline):
                return ended or self._sweep()
            time.sleep(self.pause(deadline))
        return []

    def poll(self) -> list[Any]:
        """The pending futures that have ended by now, as far as that costs nothing to know."""
        return self._sweep() if time.monotonic() >= self._due else []

    def pause(self, deadline: float | None) -> float:
        """Seconds until the futures are to be looked at again."""
        pause = self._due - time.monotonic()
        return max(0.0, pause if deadline is None else min(pause, deadline - time.monotonic()))

    def _sweep(self) -> list[Any]:
        started = time.monotonic()
        return self.ended([(future, look(future)) for future in self.pending], time.monotonic() - started)

    def ended(self, looked: Iterable[tuple[Any, Any]], spent: float) -> list[Any]:
        """The futures that were found with a final state, in the order in which they got it; they are pending no more."""
        least, most = self.PAUSE
        self._due = time.monotonic() + min(max(least, self.SHARE * spent), most)
        found = sorted((pair for pair in looked if pair[1] is not None), key=lambda pair: pair[1].timestamp)
        for future, _ in found:
            del self.pending[future]
        return [future for future, _ in found]


Watch = CallbackWatch if PREFECT_3 else PollingWatch


def make_watch(futures: Iterable[Any]) -> CallbackWatch | PollingWatch:
    """A watch over these futures, each once."""
    watch = Watch()
    for future in futures:
        watch.add(future)
    return watch

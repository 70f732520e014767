"""Futures in async flows: the same as in sync flows, without blocking the event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import AsyncGenerator, Coroutine, Iterable
from typing import Any, TypeVar

from ._futures import (
    DoneAndNotDoneFutures,
    PollingWatch,
    call_back,
    cluster_handles,
    crash,
    deadline_after,
    has_ended,
    is_awaited,
    late,
    look,
    remaining,
    settle,
    state,
    unfinished,
)
from ._version import PREFECT_3

Future = TypeVar("Future")


async def as_completed_async(futures: Iterable[Future], timeout: float | None = None) -> AsyncGenerator[Future, None]:
    """`as_completed` for async flows: takes the futures of sync and of async tasks, and raises as `as_completed` does."""
    deadline = deadline_after(timeout)
    watch = AsyncWatch()
    try:
        for future in futures:
            watch.add(future)
        total = len(watch.pending)
        while watch.pending:
            ended = await watch.take(remaining(deadline))
            if not ended:
                raise TimeoutError(unfinished(len(watch.pending), total))
            for future in ended:
                yield future
    finally:
        watch.close()


async def wait_async(futures: Iterable[Any], timeout: float | None = None) -> DoneAndNotDoneFutures:
    """`wait` for async flows: takes the futures of sync and of async tasks."""
    every = list(futures)
    done: set[Any] = set()
    with contextlib.suppress(TimeoutError):
        async for future in as_completed_async(every, timeout):
            done.add(future)
    return DoneAndNotDoneFutures(done, set(every) - done)


async def result_async(future: Any, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
    """`result` for async flows: what the run returned; takes the futures of sync and of async tasks."""
    if not (await wait_async([future], timeout)).done:
        raise TimeoutError(late(timeout))
    if is_awaited(future):
        return await future.result(raise_on_failure=raise_on_failure)
    crashed = crash(future)
    if crashed is not None:
        raise crashed
    return await asyncio.to_thread(future.result, raise_on_failure=raise_on_failure)


async def state_async(future: Any) -> Any:
    """`state` for async flows: the state that the run is in; takes the futures of sync and of async tasks."""
    if not is_awaited(future):
        return await asyncio.to_thread(state, future)
    final = await look(future)
    return await future.get_state() if final is None else final


class AsyncWatch:
    """The futures that are being waited for on this event loop.

    Prefect 3's report their own end from the worker's thread. Prefect 2's of async tasks are awaited, one asyncio task each,
    or where they run on a cluster asked in turn, because a `wait` that is cancelled there leaves them unable to end
    (2.20.26 on Dask). Its others are asked from a helper thread.
    """

    def __init__(self) -> None:
        self.pending: dict[Any, None] = {}
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._ended: dict[Any, None] = {}
        self._problem: BaseException | None = None
        self._news = asyncio.Event()
        self._polled = PollingWatch()
        self._poller: asyncio.Task[None] | None = None
        self._remote: dict[Any, None] = {}
        self._waiters: set[asyncio.Task[None]] = set()

    def add(self, future: Any) -> None:
        if future in self.pending:
            return
        self.pending[future] = None
        if PREFECT_3:
            call_back(future, self._called_back)
        elif is_awaited(future):
            if cluster_handles(future) is None:
                self._start(self._await(future))
            else:
                self._remote[future] = None
                if len(self._remote) == 1:
                    self._start(self._poll_remote())
        else:
            self._polled.add(future)
            if self._poller is None or self._poller.done():
                self._poller = self._start(self._poll())

    async def take(self, timeout: float | None) -> list[Any]:
        """The pending futures that have ended, once there is one; none where `timeout` seconds pass before."""
        if self.pending and not self._ended:
            try:
                await asyncio.wait_for(self._news.wait(), timeout)
            except asyncio.TimeoutError:
                if not PREFECT_3:
                    await self._ask()
        if self._problem is not None:
            raise self._problem
        return await self._collect()

    async def poll(self) -> list[Any]:
        """The pending futures that are known to have ended by now."""
        await asyncio.sleep(0)
        return await self._collect()

    def close(self) -> None:
        """Stops waiting; the runs go on."""
        for waiter in self._waiters:
            waiter.cancel()

    async def _collect(self) -> list[Any]:
        ended = list(self._ended)
        self._ended.clear()
        self._news.clear()
        for future in ended:
            del self.pending[future]
            if isinstance(getattr(future, "wrapped_future", None), concurrent.futures.Future) and crash(future) is None:
                settle(future)
            elif PREFECT_3:
                await asyncio.to_thread(settle, future)
        return ended

    def _mark(self, future: Any) -> None:
        if future in self.pending:
            self._ended[future] = None
            self._news.set()

    def _called_back(self, future: Any) -> None:
        if threading.get_ident() == self._thread:
            self._mark(future)
            return
        with contextlib.suppress(RuntimeError):  # The loop was closed: nobody waits any more.
            self._loop.call_soon_threadsafe(self._mark, future)

    def _start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        waiter = self._loop.create_task(coroutine)
        self._waiters.add(waiter)
        waiter.add_done_callback(self._stopped)
        return waiter

    def _stopped(self, waiter: asyncio.Task[None]) -> None:
        self._waiters.discard(waiter)
        if not waiter.cancelled() and waiter.exception() is not None:
            self._problem = waiter.exception()
            self._news.set()

    async def _await(self, future: Any) -> None:
        await future.wait()
        self._mark(future)

    async def _poll_remote(self) -> None:
        while self._remote:
            for future in [each for each in self._remote if has_ended(each)]:
                await asyncio.shield(future.wait())
                self._mark(future)
                self._remote.pop(future, None)
            await asyncio.sleep(PollingWatch.PAUSE)

    async def _poll(self) -> None:
        while self._polled.pending:
            for future in await asyncio.to_thread(self._polled.take, 0.05):
                self._mark(future)

    async def _ask(self) -> None:
        for future in list(self.pending):
            final = await look(future) if is_awaited(future) else await asyncio.to_thread(look, future)
            if final is not None:
                self._mark(future)

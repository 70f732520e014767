"""Futures in async flows: the same as in sync flows, without blocking the event loop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
import time
from collections.abc import AsyncGenerator, Iterable
from typing import Any, TypeVar

from ._blocking import to_thread, value_of_async
from ._futures import (
    DoneAndNotDoneFutures,
    PollingWatch,
    call_back,
    crash,
    deadline_after,
    is_awaited,
    late,
    look,
    refuse_states,
    remaining,
    settle,
    state,
    stored_states,
    unfinished,
)
from ._version import PREFECT_3

Future = TypeVar("Future")


async def as_completed_async(futures: Iterable[Future], timeout: float | None = None) -> AsyncGenerator[Future, None]:
    """`as_completed` for async flows: takes the futures of sync and of async tasks, and raises as `as_completed` does."""
    deadline = deadline_after(timeout)
    watch = async_watch(futures)
    total = len(watch.pending)
    while watch.pending:
        ended = await watch.take(remaining(deadline))
        if not ended:
            raise TimeoutError(unfinished(len(watch.pending), total))
        for future in ended:
            yield future


async def wait_async(futures: Iterable[Any], timeout: float | None = None) -> DoneAndNotDoneFutures:
    """`wait` for async flows: takes the futures of sync and of async tasks."""
    every = list(futures)
    deadline = deadline_after(timeout)
    watch = async_watch(every)
    while watch.pending and await watch.take(remaining(deadline)):
        pass
    return DoneAndNotDoneFutures(set(every) - set(watch.pending), set(watch.pending))


async def result_async(future: Any, timeout: float | None = None, raise_on_failure: bool = True) -> Any:
    """`result` for async flows: what the run returned; takes the futures of sync and of async tasks."""
    if not (await wait_async([future], timeout)).done:
        raise TimeoutError(late(timeout))
    if is_awaited(future):
        return await future.result(raise_on_failure=raise_on_failure)
    crashed = crash(future)
    if crashed is not None:
        raise crashed
    return await to_thread(future.result, raise_on_failure=raise_on_failure)


async def state_async(future: Any) -> Any:
    """`state` for async flows: the state that the run is in; takes the futures of sync and of async tasks."""
    if not is_awaited(future):
        return await to_thread(state, future)
    final = await value_of_async(look, future)
    return await future.get_state() if final is None else final


class AsyncCallbackWatch:
    """`CallbackWatch` for this event loop: the futures report their end from the worker's thread."""

    def __init__(self) -> None:
        self.pending: dict[Any, None] = {}
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._ended: dict[Any, None] = {}
        self._news = asyncio.Event()

    def add(self, future: Any) -> None:
        if future not in self.pending:
            self.pending[future] = None
            call_back(future, self._called_back)

    async def take(self, timeout: float | None) -> list[Any]:
        """The pending futures that have ended, once there is one; none where `timeout` seconds pass before."""
        if self.pending and not self._ended:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), timeout)
        return await self._collect()

    async def poll(self) -> list[Any]:
        """The pending futures that are known to have ended by now."""
        await asyncio.sleep(0)
        return await self._collect()

    async def _collect(self) -> list[Any]:
        ended = list(self._ended)
        for future in ended:
            if isinstance(getattr(future, "wrapped_future", None), concurrent.futures.Future) and crash(future) is None:
                settle(future)
            else:
                await to_thread(settle, future)
        for future in ended:  # all at once: where the settling was cancelled, each is still there to be taken
            del self.pending[future]
            del self._ended[future]
        if not self._ended:
            self._news.clear()
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


class AsyncPollingWatch(PollingWatch):
    """`PollingWatch` for this event loop, for the futures of async tasks too."""

    def add(self, future: Any) -> None:
        refuse_states(future)
        self.pending[future] = None

    async def take(self, timeout: float | None) -> list[Any]:  # type: ignore[override]
        deadline = deadline_after(timeout)
        while self.pending:
            ended = await self.poll()
            if ended or (deadline is not None and time.monotonic() >= deadline):
                return ended or await self._sweep()
            await asyncio.sleep(self.pause(deadline))
        return []

    async def poll(self) -> list[Any]:  # type: ignore[override]
        if time.monotonic() >= self._due:
            return await self._sweep()
        await asyncio.sleep(0)
        return []

    async def _sweep(self) -> list[Any]:  # type: ignore[override]
        started = time.monotonic()
        looked = [(future, await _look(future)) for future in list(self.pending)]
        return self.ended(looked, time.monotonic() - started)


async def _look(future: Any) -> Any:
    if stored_states(future) is None and not is_awaited(future):
        return await to_thread(look, future)
    return await value_of_async(look, future)


def async_watch(futures: Iterable[Any]) -> AsyncCallbackWatch | AsyncPollingWatch:
    """`make_watch` for the running event loop."""
    watch = AsyncCallbackWatch() if PREFECT_3 else AsyncPollingWatch()
    for future in futures:
        watch.add(future)
    return watch

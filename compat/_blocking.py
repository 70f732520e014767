"""Calls of Prefect's functions that give a value in sync code and a coroutine in async code."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import functools
import inspect
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ._version import MINOR

Value = TypeVar("Value")


def value_of(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What `call(*args, **kwargs)` gives once it has been awaited, if it is to be awaited at all.

    Blocks, in a running event loop too: the awaiting is then done by a thread of its own, in this context. What `call`
    raises comes out.

    In a running event loop on Prefect 2 without a server, that thread starts an API of its own on the same database. Where
    another task of the blocked loop is in the middle of a write, the API's start waits for a lock that the blocked loop
    cannot give back (2.0.4, eight async tasks at once: stuck for over 240 seconds). There, use the async twin.
    """
    if (
        MINOR in ((2, 3), (2, 4)) and loop_is_running()
    ):  # there Prefect refuses calls by sync code in a running event loop
        return in_thread(value_of_async(call, *args, **kwargs))
    value = call(*args, **kwargs)
    return in_thread(value) if inspect.isawaitable(value) else value


async def value_of_async(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """`value_of` for async code: what has to be awaited is awaited on this event loop.

    Where a sync flow or task runs an event loop of its own, Prefect takes the code for sync code, and this blocks as well.
    """
    value = call(*args, **kwargs)
    return await value if inspect.isawaitable(value) else value


async def to_thread(call: Callable[..., Value], /, *args: Any, **kwargs: Any) -> Value:
    """What `call` returns in a thread of the event loop's own, in a copy of this context: Python 3.9's `asyncio.to_thread`."""
    run = functools.partial(contextvars.copy_context().run, call, *args, **kwargs)
    return await asyncio.get_running_loop().run_in_executor(None, run)


def loop_is_running() -> bool:
    """Whether this thread has a running event loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def in_thread(awaitable: Awaitable[Any]) -> Any:
    """The value of an awaitable, which is awaited on an event loop of its own; in this thread where none is running here.

    Where this thread is interrupted while it waits for another, the awaiting is cancelled before the interrupt comes out.
    """
    running: list[tuple[asyncio.AbstractEventLoop, Any]] = []

    async def awaited() -> Any:
        running.append((asyncio.get_running_loop(), asyncio.current_task()))
        return await awaitable

    if not loop_is_running():
        return asyncio.run(awaited())
    outcome: concurrent.futures.Future[Any] = concurrent.futures.Future()

    def run() -> None:
        try:
            outcome.set_result(asyncio.run(awaited()))
        except BaseException as error:
            outcome.set_exception(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    try:
        thread.start()
        return outcome.result()
    except BaseException:
        if running and not outcome.done():
            for loop, task in running:
                with contextlib.suppress(RuntimeError):  # it has ended
                    loop.call_soon_threadsafe(task.cancel)
            concurrent.futures.wait([outcome])
        raise

"""Task runners for Prefect 2, with the names and arguments of Prefect 3."""
# A type checker sees the task runners of Prefect 3, which these classes are no subclasses of.
# mypy: disable-error-code="attr-defined,misc,override,type-arg"

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import anyio  # type: ignore[import-not-found,unused-ignore]  # Prefect's own dependency
from prefect.futures import resolve_futures_to_states
from prefect.task_runners import ConcurrentTaskRunner as _ConcurrentTaskRunner
from prefect.task_runners import SequentialTaskRunner as _SequentialTaskRunner

from ._version import MINOR

__all__ = ["ConcurrentTaskRunner", "SequentialTaskRunner", "ThreadPoolTaskRunner"]


class ThreadPoolTaskRunner(_ConcurrentTaskRunner):
    """Prefect 2's concurrent task runner with the argument of Prefect 3's: at most `max_workers` runs at a time.

    A run takes its place when the runs that it depends on have ended. As on Prefect 3, it keeps its place while it waits
    for what it submitted itself: a task that submits another and waits for it needs a second place. Unlike Prefect 3,
    which starts runs in the order in which they were submitted, Prefect 2 hands them over in an order of its own.
    Raises ValueError where `max_workers` is less than 1.
    """

    def __init__(self, max_workers: int | None = None) -> None:
        if max_workers is not None and max_workers < 1:
            raise ValueError("max_workers must be greater than 0")
        super().__init__()
        self.max_workers = max_workers
        self._places: Any = None

    def duplicate(self) -> ThreadPoolTaskRunner:
        return type(self)(max_workers=self.max_workers)

    def start(self) -> Any:
        # From 2.10 on the engine duplicates the runner for each flow run.
        return self.duplicate().start() if self._started else super().start()

    async def submit(self, **arguments: Any) -> Any:
        # The engine passes the coroutine function to run as `run_fn` in the first releases of Prefect 2, then as `call`.
        name = "call" if "call" in arguments else "run_fn"
        return await super().submit(**{**arguments, name: self._in_turn(arguments[name])})

    def _in_turn(self, call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def run(*args: Any, **kwargs: Any) -> Any:
            if self._places is None:
                return await call(*args, **kwargs)
            # The engine would wait for them with a place taken that they may need themselves.
            given = {**(getattr(call, "keywords", None) or {}), **kwargs}
            await resolve_futures_to_states([given.get("parameters"), given.get("wait_for")])
            async with self._places:
                return await call(*args, **kwargs)

        return run

    async def _start(self, exit_stack: contextlib.AsyncExitStack) -> None:
        await super()._start(exit_stack)
        self._places = None if self.max_workers is None else anyio.Semaphore(self.max_workers)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_places": None}


ConcurrentTaskRunner = ThreadPoolTaskRunner


class _OneAtATime(_SequentialTaskRunner):
    """Prefect's own before 2.10, which would start the tasks of a `map` all at once, and serve one flow run at a time.

    Here they run one at a time, in the order in which the engine hands them over.
    """

    def start(self) -> Any:
        return type(self)().start() if self._started else super().start()

    async def submit(self, **arguments: Any) -> Any:
        async with self._turn:
            return await super().submit(**arguments)

    async def _start(self, exit_stack: contextlib.AsyncExitStack) -> None:
        await super()._start(exit_stack)
        self._turn = anyio.Lock()


SequentialTaskRunner = _SequentialTaskRunner if MINOR >= (2, 10) else _OneAtATime

"""Task runners for Prefect 3: its own, and the sequential one that it no longer has."""

from __future__ import annotations

import concurrent.futures
import sys
from typing import Any

from prefect.task_runners import ConcurrentTaskRunner, ThreadPoolTaskRunner

from ._futures import settle

__all__ = ["ConcurrentTaskRunner", "SequentialTaskRunner", "ThreadPoolTaskRunner"]


class SequentialTaskRunner(ThreadPoolTaskRunner):  # type: ignore[misc,type-arg,unused-ignore]
    """Prefect 2's sequential task runner: `submit` and `map` run each task to its end before they return.

    So tasks run one at a time in the order of the code, none is dropped when the flow ends, and a submitted task may
    submit another one and wait for it. The run itself takes place in a worker thread, as it does on Prefect 2, and
    blocks the thread that submitted it: in an async flow that is the event loop. The futures are Prefect's own.
    """

    def __init__(self) -> None:
        # Not limited to one worker: a task that submits another keeps its thread meanwhile.
        super().__init__(max_workers=sys.maxsize)

    def duplicate(self) -> SequentialTaskRunner:
        return type(self)()

    def submit(self, *args: Any, **kwargs: Any) -> Any:
        future = super().submit(*args, **kwargs)
        concurrent.futures.wait([future.wrapped_future])
        settle(future)
        return future

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SequentialTaskRunner)

    __hash__ = None  # type: ignore[assignment]

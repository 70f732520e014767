"""How the programs here are written: cases, each run in its turn, and one line of JSON with what each returned."""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import threading
from collections import defaultdict
from typing import Any

import prefect
from prefect import task

logging.getLogger("prefect").setLevel("CRITICAL")

PATIENCE = 60
"""Seconds after which a wait is given up that should have ended at once: it shows as a wrong observation."""

_cases: list[Any] = []


def case(function: Any) -> Any:
    _cases.append(function)
    return function


def main() -> None:
    observed: dict[str, Any] = {"prefect": prefect.__version__}
    for function in _cases:
        gates.events.clear()
        log.clear()
        try:
            value = function()
            value = asyncio.run(value) if inspect.iscoroutine(value) else value
        except BaseException as error:
            value = f"{type(error).__name__}: {error}"
        observed.setdefault(function.__module__, {})[function.__name__] = value
    print("OBSERVED " + json.dumps(observed, default=repr))


class Gates:
    """Events by name, opened from anywhere: a task that waits at a gate ends when the case wants it to."""

    def __init__(self) -> None:
        self.events: Any = defaultdict(threading.Event)

    def open(self, *names: Any) -> None:
        for name in names:
            self.events[name].set()

    def passed(self, name: Any) -> bool:
        return bool(self.events[name].wait(PATIENCE))


gates = Gates()
lock = threading.Lock()
log: list[Any] = []
"""What happened, in order; empty when a case begins."""


def note(*entry: Any) -> None:
    with lock:
        log.append(entry[0] if len(entry) == 1 else list(entry))


@task
def gated(name: Any) -> Any:
    """Ends when its gate is open; fails where the name says so."""
    if not gates.passed(name):
        raise RuntimeError(f"nobody opened {name!r}")
    if "bad" in str(name):
        raise ValueError(str(name))
    note("ended", name)
    return name


@task
async def gated_async(name: Any) -> Any:
    if not await asyncio.to_thread(gates.passed, name):
        raise RuntimeError(f"nobody opened {name!r}")
    if "bad" in str(name):
        raise ValueError(str(name))
    note("ended", name)
    return name


async def submitted(the_task: Any, *args: Any) -> Any:
    """A future, from an async flow: Prefect 2 has to await the submission of an async task."""
    future = the_task.submit(*args)
    return await future if inspect.isawaitable(future) else future

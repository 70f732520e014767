"""How the programs here are written: cases, each run in its turn, which say what is to be seen on every release.

A program runs unchanged on every Prefect. For each case it prints a line `OBSERVED` with JSON: what was seen, and what was wanted.
"""

from __future__ import annotations

import asyncio
import contextvars
import faulthandler
import functools
import inspect
import json
import logging
import os
import signal
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import prefect
from prefect import task

logging.getLogger("prefect").setLevel("CRITICAL")

VERSION = tuple(int(part) for part in prefect.__version__.split("+")[0].split(".")[:2])
"""Major and minor of the installed Prefect."""

PATIENCE = 60
"""Seconds after which a wait is given up that should have ended at once: it shows as a wrong observation."""

STUCK = 240
"""Seconds after which a case that goes on is shown with its threads, and the program ends."""

_cases: list[tuple[Callable[[], Any], Any, str | None]] = []

NOT_THERE = f"Prefect {prefect.__version__} has it not, and that is told"
"""What is observed, and wanted, where the installed Prefect lacks what a case needs."""


def case(wanted: Any, *, since: tuple[int, int] = (2, 0), refusal: str | None = None) -> Callable[[Any], Any]:
    """Marks a function without parameters, or a flow or coroutine function, as a case.

    wanted: what it returns, as JSON can hold it; tuples are lists.
    since: the minor that brought what the case needs; before it the case has to raise ImportError or NotImplementedError with
        the installed version in the message.
    refusal: what Prefect itself says before that minor, where the case asks nothing of `compat` that could refuse it.
    """

    def mark(function: Any) -> Any:
        _cases.append((function, wanted, None) if since <= VERSION else (function, NOT_THERE, refusal))
        return function

    return mark


def but(minor: tuple[int, int]) -> tuple[int, int]:
    """`since` for a case in which Prefect itself fails on that one minor, which its `refusal` has to tell."""
    return (minor[0], minor[1] + 1) if minor == VERSION else (2, 0)


def main() -> None:
    """Runs all cases of the programs that were imported, in their order."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored for what runs in the background
    for function, wanted, refusal in _cases:
        gates.events.clear()
        log.clear()
        faulthandler.dump_traceback_later(STUCK, exit=True)
        try:
            value = function()
            saw = asyncio.run(value) if inspect.iscoroutine(value) else value
        except BaseException as error:
            told = isinstance(error, (ImportError, NotImplementedError)) and f"Prefect {prefect.__version__}" in str(
                error
            )
            refused = refusal is not None and refusal in str(error)
            saw = NOT_THERE if told or refused else f"{type(error).__name__}: {error}"
        faulthandler.cancel_dump_traceback_later()
        observed = {
            "program": function.__module__,
            "case": function.__name__,
            "saw": saw,
            "wanted": wanted,
            "there": wanted is not NOT_THERE,
        }
        print("OBSERVED " + json.dumps(observed, default=repr), flush=True)
    print("DONE " + prefect.__version__, flush=True)
    if VERSION == (2, 7):
        os._exit(0)  # a task that exited has killed the event loop there, whose threads wait for ever


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
    if not await to_thread(gates.passed, name):
        raise RuntimeError(f"nobody opened {name!r}")
    if "bad" in str(name):
        raise ValueError(str(name))
    note("ended", name)
    return name


async def to_thread(call: Callable[..., Any], *args: Any) -> Any:
    """`asyncio.to_thread`, which Python 3.8 does not have."""
    run = functools.partial(contextvars.copy_context().run, call, *args)
    return await asyncio.get_running_loop().run_in_executor(None, run)


async def submitted(the_task: Any, *args: Any) -> Any:
    """A future, from an async flow: Prefect 2 has to await the submission of an async task."""
    future = the_task.submit(*args)
    return await future if inspect.isawaitable(future) else future

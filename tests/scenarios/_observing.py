"""What the scenarios are observed with: side effects in the order in which they happen, and how a flow run ends.

Runs unchanged on both majors, so that only the scenario's own code is what differs; nothing here is ever rewritten.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from typing import Any

_lock = threading.Lock()
_notes: list[Any] = []


def note(entry: Any) -> None:
    """Keeps a side effect; from any thread."""
    with _lock:
        _notes.append(entry)


def notes() -> list[Any]:
    """The side effects so far, in order."""
    with _lock:
        return list(_notes)


def clear() -> None:
    with _lock:
        _notes.clear()


def final_state(flow: Any, *args: Any, **kwargs: Any) -> Any:
    """Runs a flow, sync or async, and gives its final state. What was noted before is forgotten."""
    clear()
    state = flow(*args, return_state=True, **kwargs)
    return asyncio.run(_awaited(state)) if inspect.isawaitable(state) else state


def outcome(flow: Any, *args: Any, **kwargs: Any) -> str:
    """The name of a flow run's final state, and the side effects, sorted: `Failed; ran 1, 2, 3`."""
    name = final_state(flow, *args, **kwargs).name
    return f"{name}; ran {', '.join(sorted(map(str, notes()))) or 'nothing'}"


def ending(flow: Any, *args: Any, **kwargs: Any) -> str:
    """How a flow run ends, for each of its callers: its state and side effects, what its call gives or raises, and a parent flow.

    `Failed; ran 1, 2, 3; raises ValueError: 2; its caller stops`.
    """
    import prefect

    own = outcome(flow, *args, **kwargs)
    clear()
    try:
        value = flow(*args, **kwargs)
        value = asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value
        call = f"gives {type(value).__name__}"
    except Exception as error:
        call = f"raises {_told(error)}"

    @prefect.flow(name="nightly")
    def nightly() -> None:
        flow(*args, **kwargs)
        note("published")

    @prefect.flow(name="nightly")
    async def nightly_async() -> None:
        await flow(*args, **kwargs)
        note("published")

    parent = final_state(nightly_async if inspect.iscoroutinefunction(flow.fn) else nightly)
    goes_on = "published" in notes()
    assert goes_on == parent.is_completed(), (parent, notes())
    return f"{own}; {call}; its caller {'goes on' if goes_on else 'stops'}"


def result_of(call: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What a call returns, awaited where it can be, or what it raises: `ValueError: broken`."""
    clear()
    try:
        value = call(*args, **kwargs)
        return repr(asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value)
    except Exception as error:
        return _told(error)


def until(condition: Callable[[], Any], seconds: float = 30) -> bool:
    """Waits until something is so, at most so long."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return bool(condition())


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


async def _awaited(value: Any) -> Any:
    return await value

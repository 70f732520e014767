"""A task for every item, and a second one for every item that came through the first."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass, replace
from logging import getLogger
from typing import TYPE_CHECKING, Any, AsyncIterator, Generic, Literal, TypeVar

from ._futures import CallbackWatch, PollingWatch, make_watch, was_cancelled
from ._tasks import submit, submit_async, verdict, verdict_async
from ._version import PREFECT_3

if TYPE_CHECKING:
    from ._asynchronous import AsyncCallbackWatch, AsyncPollingWatch

OnFailure = Literal["raise", "collect", "skip"]

Item = TypeVar("Item")

_END = object()


@dataclass(frozen=True)
class Outcome(Generic[Item]):
    """What became of one item."""

    item: Item
    """The element of `items`."""
    value: Any
    """The result; with `then`, the second task's. None where a step failed."""
    error: BaseException | None
    """The exception of the step that failed, else None."""
    future: Any
    """The last future that was submitted for the item."""


def fan_out(
    task: Any,
    items: Iterable[Item],
    *,
    then: Any = None,
    on_failure: OnFailure = "raise",
    max_in_flight: int | None = None,
    ordered: bool = False,
    unmapped: Mapping[str, Any] | None = None,
    **parameters: Any,
) -> Generator[Outcome[Item], None, None]:
    """Submits `task(item, **parameters)` for every item and yields what became of each, as they finish.

    then: a second task, submitted as `then(item, value)` the moment the first has succeeded. Prefect gets the first
        task's future as `value`, so that it sees the dependency.
    on_failure: "raise" raises the first failure once everything in flight has ended, and starts nothing new meanwhile;
        what had come through before is yielded first. "collect" yields failed items with their error. "skip" leaves them out.
    max_in_flight: at most so many items are in flight: running, or finished and not yet yielded. Only then are items
        taken from an endless or lazy source as they are needed; without it all are taken before the first outcome is yielded.
    ordered: yields in the order of the items instead.
    parameters: handed to `task` with every item, with `unmapped(...)` taken off, as `task.submit` takes them
        (`wait_for=` among them).
    unmapped: more of them, as a mapping: for the names that `fan_out` itself has a use for, `{"ordered": True}`.

    Nothing is submitted before the first outcome is asked for. When a `for` loop over the call ends early, by `break` or
    by an exception, what is in flight is waited for, and nothing new is started.

    Where the outcomes are kept in a variable, or handed to another function, a loop that ends early does not end them: nobody
    tells them before the flow has ended, and Prefect 3 has then cancelled what was queued (an error is logged). There,
    `with contextlib.closing(fan_out(...)) as outcomes:` waits for what is in flight.

    Raises TypeError or ValueError for wrong arguments, and TypeError on Prefect 2 for async tasks in async flows, which
    Prefect 2 must await (see `fan_out_async`). An error of `items` itself comes out once everything in flight has ended.
    """
    window = _Window(task, then, on_failure, max_in_flight, ordered, {**(unmapped or {}), **parameters})
    return _fan_out(window, iter(items), make_watch(()))


def fan_out_async(
    task: Any,
    items: Iterable[Item] | AsyncIterable[Item],
    *,
    then: Any = None,
    on_failure: OnFailure = "raise",
    max_in_flight: int | None = None,
    ordered: bool = False,
    unmapped: Mapping[str, Any] | None = None,
    **parameters: Any,
) -> AsyncOutcomes[Item]:
    """`fan_out` for async flows: `async for outcome in fan_out_async(...)`; sync and async tasks, sync and async items.

    It does not block the event loop, with one exception: where the loop over the outcomes is left early on Prefect 3, or
    is cancelled again while it waits, what is in flight is waited for on the spot, because Prefect 3 would cancel it at the
    end of the flow. To leave the loop early without blocking, wrap the call in `contextlib.aclosing` (Python 3.10); where
    the outcomes are kept in a variable it is needed, as `closing` is for `fan_out`.

    Once cancelled, by `asyncio.wait_for` around a step for instance, the fan-out is over: what is in flight is waited for,
    and the next step raises RuntimeError.
    """
    window = _Window(task, then, on_failure, max_in_flight, ordered, {**(unmapped or {}), **parameters})
    return AsyncOutcomes(window, items)


def _fan_out(
    window: _Window, items: Iterator[Any], watch: CallbackWatch | PollingWatch
) -> Generator[Outcome[Any], None, None]:
    def follow_up(ended: list[Any]) -> None:
        for future in ended:
            value, error = verdict(future)
            entry = window.ended(future, value, error)
            if entry is not None:
                step = submit(window.then, entry.item, future)
                window.running[step] = entry
                watch.add(step)

    try:
        while True:
            while window.wants_more():
                item = next(items, _END)
                if item is _END:
                    window.exhausted = True
                    break
                step = submit(window.task, item, **window.parameters)
                window.running[step] = window.taken(item)
                watch.add(step)
                follow_up(watch.poll())
            outcome = window.next_outcome()
            if outcome is not None:
                yield outcome
            elif window.failure is not None or not window.running:
                break
            else:
                follow_up(watch.take(None))
    finally:
        ended: list[Any] = []
        while watch.pending:
            ended += watch.take(None)
        window.tell_of_lost(ended)
    if window.failure is not None:
        raise window.failure


async def _fan_out_async(
    window: _Window, items: Iterable[Any] | AsyncIterable[Any], watch: AsyncCallbackWatch | AsyncPollingWatch
) -> AsyncGenerator[Outcome[Any], None]:
    async def follow_up(ended: list[Any]) -> None:
        for future in ended:
            value, error = await verdict_async(future)
            entry = window.ended(future, value, error)
            if entry is not None:
                step = await submit_async(window.then, entry.item, future)
                window.running[step] = entry
                watch.add(step)

    source = _each(items)
    try:
        while True:
            while window.wants_more():
                item = await source()
                if item is _END:
                    window.exhausted = True
                    break
                step = await submit_async(window.task, item, **window.parameters)
                window.running[step] = window.taken(item)
                watch.add(step)
                await follow_up(await watch.poll())
            outcome = window.next_outcome()
            if outcome is not None:
                yield outcome
            elif window.failure is not None or not window.running:
                break
            else:
                await follow_up(await watch.take(None))
    finally:
        while watch.pending:
            await watch.take(None)
    if window.failure is not None:
        raise window.failure


class AsyncOutcomes(AsyncIterator[Outcome[Item]]):
    """What `fan_out_async` returns: an async generator that leaves nothing unresolved where it is dropped half way.

    An async generator that a loop was left early of is closed by a task of its own, some time later: on Prefect 3 the flow
    would end meanwhile, and cancel what is in flight.
    """

    def __init__(self, window: _Window, items: Iterable[Item] | AsyncIterable[Item]) -> None:
        self._window = window
        self._items = items
        self._watch: AsyncCallbackWatch | AsyncPollingWatch | None = None
        self._outcomes: AsyncGenerator[Outcome[Item], None] | None = None
        self._cancelled = False

    async def __anext__(self) -> Outcome[Item]:
        if self._outcomes is None:
            from ._asynchronous import async_watch

            self._watch = async_watch(())
            self._outcomes = _fan_out_async(self._window, self._items, self._watch)
        if self._cancelled:
            raise RuntimeError("The fan-out was cancelled while it was waiting for an outcome: it does not go on")
        try:
            return await self._outcomes.__anext__()
        except asyncio.CancelledError:
            self._cancelled = True
            self._wait_on_the_spot()
            raise

    async def aclose(self) -> None:
        """Waits for what is in flight; nothing new is started."""
        if self._outcomes is not None:
            await self._outcomes.aclose()

    def __del__(self) -> None:
        self._wait_on_the_spot()

    def _wait_on_the_spot(self) -> None:
        if PREFECT_3 and self._watch is not None:
            pending = list(self._watch.pending)
            for future in pending:
                with contextlib.suppress(Exception):
                    future.wait()
            self._window.tell_of_lost(pending)


@dataclass(frozen=True)
class _Entry:
    """An item in flight, and whether the step that is running is its last one."""

    index: int
    item: Any
    last: bool


class _Window:
    """What a fan-out holds at a time: the items in flight, and the outcomes that were not yielded yet."""

    def __init__(
        self,
        task: Any,
        then: Any,
        on_failure: OnFailure,
        max_in_flight: int | None,
        ordered: bool,
        parameters: dict[str, Any],
    ) -> None:
        if on_failure not in ("raise", "collect", "skip"):
            raise ValueError(f"on_failure must be 'raise', 'collect' or 'skip', got {on_failure!r}")
        if max_in_flight is not None and max_in_flight < 1:
            raise ValueError(f"max_in_flight must be at least 1, got {max_in_flight}")
        if "return_state" in parameters:
            raise TypeError("a fan-out yields outcomes: return_state cannot be given")
        for step in (task, *(() if then is None else (then,))):
            if not hasattr(step, "submit"):
                raise TypeError(f"a fan-out submits tasks, got {step!r}")
        from prefect import unmapped

        self.task = task
        self.then = then
        self.parameters = {k: v.value if isinstance(v, unmapped) else v for k, v in parameters.items()}
        self.running: dict[Any, _Entry] = {}
        self.exhausted = False
        self.failure: BaseException | None = None
        self._on_failure = on_failure
        self._limit = max_in_flight
        self._ordered = ordered
        self._ready: dict[int, Outcome[Any] | None] = {}
        self._taken = 0
        self._yielded = 0

    def wants_more(self) -> bool:
        if self.exhausted or self.failure is not None:
            return False
        return self._limit is None or len(self.running) + len(self._ready) < self._limit

    def taken(self, item: Any) -> _Entry:
        """The entry of the next item."""
        self._taken += 1
        return _Entry(self._taken - 1, item, self.then is None)

    def ended(self, future: Any, value: Any, error: BaseException | None) -> _Entry | None:
        """Notes what became of a step; the item's new entry where the second step is to be started, else None."""
        entry = self.running.pop(future)
        if error is None and not entry.last:
            return None if self.failure is not None else replace(entry, last=True)
        if error is None or self._on_failure == "collect":
            self._ready[entry.index] = Outcome(entry.item, value, error, future)
        elif self._on_failure == "raise":
            self.failure = self.failure or error
        elif self._ordered:
            self._ready[entry.index] = None
        return None

    def tell_of_lost(self, left: Iterable[Any]) -> None:
        """Logs an error where runs that were left when the loop ended never began."""
        lost = sum(was_cancelled(future) for future in left)
        if lost:
            getLogger(__name__).error(
                "%d runs of a fan-out of %r never began: the flow ended while its outcomes were kept in a variable; "
                "use `with contextlib.closing(fan_out(...)) as outcomes:` (`aclosing` for fan_out_async)",
                lost,
                self.task.name,
            )

    def next_outcome(self) -> Outcome[Any] | None:
        """The outcome to yield next, which the window then forgets; None where there is none yet."""
        while self._ready:
            index = self._yielded if self._ordered else next(iter(self._ready))
            if index not in self._ready:
                return None
            self._yielded += 1
            outcome = self._ready.pop(index)
            if outcome is not None:
                return outcome
        return None


def _each(items: Iterable[Any] | AsyncIterable[Any]) -> Callable[[], Awaitable[Any]]:
    """A function that gives the next item, or `_END`."""
    if isinstance(items, AsyncIterable):
        later = items.__aiter__()

        async def following() -> Any:
            try:
                return await later.__anext__()
            except StopAsyncIteration:
                return _END
    else:
        now = iter(items)

        async def following() -> Any:
            return next(now, _END)

    return following

"""Calling tasks: submit, map, tasks in tasks, and the end of a flow."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import prefect
import prefect.exceptions
import prefect.states
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture

from ._blocking import to_thread, value_of, value_of_async
from ._futures import crash, is_awaited, refuse_awaited, resolve_futures_to_results, result, state, wait
from ._version import MINOR, PREFECT_3, PREFECT_VERSION

State: Any = getattr(prefect.states, "State")  # noqa: B009 - not declared as exported

NESTED = PREFECT_VERSION.release >= (2, 16, 9)
"""Whether a task may run another one: 2.16.8 still refuses it, 2.16.9 does not."""


def submit(task: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`task.submit(...)`: Prefect's own future; a state with `return_state=True`.

    Raises TypeError on Prefect 2 for an async task in an async flow, which Prefect 2 must await (see `submit_async`).
    """
    return _refuse_coroutine(task, task.submit(*args, **kwargs))


async def submit_async(task: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`submit` for async flows: takes sync and async tasks.

    The event loop goes on meanwhile. On 2.0.4 it has to: async tasks that run on it may hold the database's lock, which the
    submission of a sync task waits for.
    """
    return await _off_the_loop(task, task.submit, *args, **kwargs)


def map(task: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`task.map(...)`: a list of Prefect's own futures; of states with `return_state=True`.

    Raises TypeError on Prefect 2 for an async task in an async flow, which Prefect 2 must await (see `map_async`).

    Before 2.10 Prefect maps over the defaults of parameters that were not given; before 2.6.7 over the letters of a text;
    before 2.4 it refuses sets and generators, and before 2.2 everything that is not a sequence. That is corrected: as on
    Prefect 3, what can be iterated is mapped over, unless it is a text, a default or `unmapped`. Not corrected: the keyword
    arguments of a task that takes `**kwargs` (they are only mapped over from 2.8.7 on).
    """
    args, kwargs = _mapped(task, args, kwargs)
    return _refuse_coroutine(task, task.map(*args, **kwargs))


async def map_async(task: Any, /, *args: Any, **kwargs: Any) -> Any:
    """`map` for async flows: takes sync and async tasks."""
    args, kwargs = _mapped(task, args, kwargs)
    return await _off_the_loop(task, task.map, *args, **kwargs)


async def _off_the_loop(task: Any, call: Any, /, *args: Any, **kwargs: Any) -> Any:
    if PREFECT_3 or task.isasync:
        return await value_of_async(call, *args, **kwargs)
    submission = asyncio.ensure_future(to_thread(call, *args, **kwargs))
    try:
        return await asyncio.shield(submission)
    except asyncio.CancelledError:
        # The thread goes on: Prefect 2 waits at the end of the flow for the runs that it knows of by then.
        while not submission.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([submission])
        raise


def _refuse_coroutine(task: Any, value: Any) -> Any:
    if not inspect.iscoroutine(value):
        return value
    value.close()
    raise TypeError(
        f"Prefect 2 has to await what {task.name!r} returns (async task, async flow): "
        "use submit_async, map_async or fan_out_async"
    )


def _mapped(task: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a map with `unmapped` around what Prefect before 2.10 would map over, or choke on."""
    if MINOR >= (2, 10):
        return args, kwargs
    options: dict[str, Any] = {name: kwargs[name] for name in ("return_state", "wait_for") if name in kwargs}
    signature = inspect.signature(task.fn)
    given = signature.bind(*args, **{name: value for name, value in kwargs.items() if name not in options})
    iterated = False
    for name, parameter in signature.parameters.items():
        if name not in given.arguments:
            if parameter.default is not parameter.empty:
                given.arguments[name] = prefect.unmapped(parameter.default)
        elif parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            value = given.arguments[name]
            if type(value).__module__.startswith("prefect."):
                iterated = iterated or not isinstance(value, prefect.unmapped)
            elif isinstance(value, Iterable) and not isinstance(value, (str, bytes)):
                given.arguments[name] = list(value)
                iterated = True
            else:
                given.arguments[name] = prefect.unmapped(value)
        else:
            iterated = True
    return (given.args, {**given.kwargs, **options}) if iterated else (args, kwargs)


def call_task(task: Any, /, *args: Any, **kwargs: Any) -> Any:
    """Runs a task, in a flow or in another task, and gives what it returns: `task(...)`. What it raises comes out.

    An async task is awaited in a coroutine, `await call_task(...)`, and blocks elsewhere until it has ended; so Prefect 2
    has it, where Prefect 3 gives sync code a coroutine. So has an async flow that is given in place of the task.

    Where a run that the arguments or `wait_for` hold has failed, what that one raised comes out; Prefect itself returns None
    there (2.0, 3.x) or raises UnfinishedRun. A failed state that the task returns is raised, which Prefect 3 hands over.

    Before 2.16.9 Prefect runs no task within a task. There its function is called, `task.fn(...)`: no task run of its own, so
    nothing is retried, cached or timed out, and `return_state=True` raises NotImplementedError. Outside of a flow those
    releases raise RuntimeError, as all do before 2.17.
    """
    args = tuple(_bare(each) for each in args)
    kwargs = {name: _bare(each) for name, each in kwargs.items()}
    call = task if NESTED or TaskRunContext.get() is None else _function(task)
    if task.isasync and _in_coroutine():
        return _call_async(call, args, kwargs)
    wanted = not kwargs.get("return_state")
    finish([each for each in _each([args, kwargs], strict=False) if wanted and not is_awaited(each)])
    value = value_of(call, *args, **kwargs) if task.isasync else call(*args, **kwargs)
    if wanted and isinstance(value, State):
        finish(value)
    return value


async def _call_async(call: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    wanted = not kwargs.get("return_state")
    await finish_async(list(_each([args, kwargs], strict=False)) if wanted else ())
    value = await value_of_async(call, *args, **kwargs)
    if wanted and isinstance(value, State):
        await finish_async(value)
    return value


def _bare(argument: Any) -> Any:
    """Prefect 2.7.7 and later take `unmapped` off themselves."""
    return argument.value if isinstance(argument, prefect.unmapped) else argument


def _is_annotated(value: Any) -> bool:
    """Whether it is `allow_failure(...)`, `unmapped(...)` or the like: tuples, most of them."""
    return type(value).__module__ == "prefect.utilities.annotations"


def _allowed(argument: Any) -> Any:
    """`allow_failure(future)` as the result or the exception of the run, as a task of Prefect's gets it."""
    if not _is_annotated(argument):
        return argument
    if not isinstance(argument.value, PrefectFuture):
        return argument.value
    wait([argument.value])
    value, error = verdict(argument.value)
    return value if error is None else error


def _function(task: Any) -> Any:
    """The function of a task, with futures among its arguments resolved as Prefect resolves them."""

    def arguments(
        *args: Any, wait_for: Any = None, return_state: bool = False, **kwargs: Any
    ) -> tuple[Iterable[Any], dict[str, Any]]:
        if return_state:
            raise NotImplementedError(
                "return_state=True in a task needs Prefect 2.16.9 or later, which runs tasks within tasks; "
                f"Prefect {prefect.__version__} is installed"
            )
        values, named, _ = resolve_futures_to_results(
            [
                [_allowed(each) for each in args],
                {name: _allowed(each) for name, each in kwargs.items()},
                [_allowed(each) for each in wait_for or ()],
            ]
        )
        return values, named

    def call(*args: Any, **kwargs: Any) -> Any:
        values, named = arguments(*args, **kwargs)
        return task.fn(*values, **named)

    async def call_async(*args: Any, **kwargs: Any) -> Any:
        values, named = await to_thread(arguments, *args, **kwargs)
        return await task.fn(*values, **named)

    return call_async if task.isasync else call


def _in_coroutine() -> bool:
    """Whether the code that called is a coroutine's, or called by one within the same run.

    A running event loop is no sign of that: Prefect 3 runs sync tasks of async flows in the loop's own thread.
    """
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_flags & (inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR):
            return True
        module = frame.f_globals.get("__name__", "")
        if module == __name__ or module.startswith("prefect."):
            return False  # what runs the task or the flow
        frame = frame.f_back  # type: ignore[assignment]
    return False


def finish(futures: Any, /, *more: Any) -> None:
    """Waits until all runs have ended, then raises what the first of them that failed has raised.

    futures, more: futures and states, and lists, tuples, sets and dicts of these (of a dict, the values), nested at will.
        TypeError for anything else, and for nothing at all.

    So a flow that calls it last ends on Prefect 3 as a flow of Prefect 2 does that returns None: when all that it submitted
    has ended, Failed where a run failed, and `flow()` raises that run's own exception. What Prefect itself raises for a run
    that was cancelled or that crashed is raised here too; the KeyboardInterrupt or SystemExit of a task arrives as CrashedRun.

    Raises TypeError for a future that Prefect 2 must await (see `finish_async`).
    """
    every = list(_each((futures, more)))
    pending = [each for each in every if isinstance(each, PrefectFuture)]
    for future in pending:
        refuse_awaited(future, "finish_async")
    wait(pending)
    for each in every:
        _raise(verdict(each)[1] if isinstance(each, PrefectFuture) else value_of(_failure, each))


async def finish_async(futures: Any, /, *more: Any) -> None:
    """`finish` for async flows: takes the futures of sync and of async tasks."""
    from ._asynchronous import wait_async

    every = list(_each((futures, more)))
    await wait_async(each for each in every if isinstance(each, PrefectFuture))
    for each in every:
        future = isinstance(each, PrefectFuture)
        _raise((await verdict_async(each))[1] if future else await value_of_async(_failure, each))


def _each(found: Any, strict: bool = True) -> Iterator[Any]:
    """The futures and states in collections; strict: TypeError where there is anything else."""
    if isinstance(found, (PrefectFuture, State)):
        yield found
    elif isinstance(found, (list, tuple, set, frozenset, dict)) and not _is_annotated(found):
        for each in found.values() if isinstance(found, dict) else found:
            yield from _each(each, strict)
    elif strict:
        raise TypeError(f"finish takes futures and states, and collections of them, got {found!r}")


def _raise(error: BaseException | None) -> None:
    if error is None:
        return
    if isinstance(error, Exception):
        raise error
    # CrashedRun is there from 2.6 on.
    crashed = getattr(prefect.exceptions, "CrashedRun", RuntimeError)
    raise crashed(f"A task raised {error!r}") from error


def verdict(future: Any) -> tuple[Any, BaseException | None]:
    """The value and the error of a run that has ended, one of them None."""
    error = crash(future)
    if error is not None:
        return None, error
    final = state(future)
    if not final.is_completed():
        return None, value_of(_failure, final)
    try:
        return result(future), None
    except Exception as problem:
        return None, problem


async def verdict_async(future: Any) -> tuple[Any, BaseException | None]:
    """`verdict` for async flows."""
    from ._asynchronous import result_async, state_async

    error = crash(future)
    if error is not None:
        return None, error
    final = await state_async(future)
    if not final.is_completed():
        return None, await value_of_async(_failure, final)
    try:
        return await result_async(future), None
    except Exception as problem:
        return None, problem


def _failure(final: Any) -> Any:
    """What a run raised that ended in this state, or an awaitable of that; None where it completed."""
    if final.is_completed():
        return None
    error = None
    if not hasattr(prefect.states, "get_state_exception"):  # before 2.6
        error = final.result(raise_on_failure=False)
    elif (
        final.is_failed()
        or final.is_crashed()
        or (final.is_cancelled() and hasattr(prefect.exceptions, "CancelledRun"))
    ):
        return prefect.states.get_state_exception(final)
    return error if isinstance(error, BaseException) else RuntimeError(f"The run ended in state {final.name}")

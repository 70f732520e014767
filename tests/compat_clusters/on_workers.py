"""`compat` where tasks run in other processes: on Dask, on Ray or in Prefect's process pool, as the argument says.

The text is the same on both majors. A run that is to end later waits for a file, which the flow makes: events do not reach other
processes. Prints a line `OBSERVED` of JSON for each case, as the programs beside it do (`_cases`).
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from itertools import count
from pathlib import Path
from typing import Any

from _cases import PATIENCE, case, main, submitted
from prefect import flow, task

from compat import (
    PREFECT_3,
    as_completed,
    as_completed_async,
    fan_out,
    fan_out_async,
    resolve_futures_to_results,
    result,
    result_async,
    state,
    state_async,
    wait,
    wait_async,
)

GATES = Path(os.environ["COMPAT_GATES"])


def opened(*names: str) -> None:
    for name in names:
        (GATES / name).touch()


def is_open(name: str, until: float) -> bool:
    if time.monotonic() > until:
        raise RuntimeError(f"nobody opened {name!r}")
    return (GATES / name).exists()


def ended(name: str) -> str:
    if "bad" in name:
        raise ValueError(name)
    return name


@task
def gated(name: str) -> str:
    """Ends when its gate is open; fails where the name says so."""
    until = time.monotonic() + PATIENCE
    while not is_open(name, until):
        time.sleep(0.01)
    return ended(name)


@task
async def gated_async(name: str) -> str:
    until = time.monotonic() + PATIENCE
    while not is_open(name, until):
        await asyncio.sleep(0.01)
    return ended(name)


@task
def parse(record: dict[str, Any]) -> int:
    return int(record["number"])


@task
def store(record: dict[str, Any], number: int) -> str:
    if number == 13:
        raise RuntimeError("unlucky")
    return f"{record['id']}={number}"


@task
def perhaps_fatal(name: str) -> str:
    if name == "dies":
        os._exit(1)
    return name


RECORDS = [{"id": 1, "number": "10"}, {"id": 2}, {"id": 3, "number": "13"}, {"id": 4, "number": "40"}]
RECORDS_DONE = [
    [1, "1=10", None],
    [2, None, "KeyError('number')"],
    [3, None, "RuntimeError('unlucky')"],
    [4, "4=40", None],
]
DEAD = [["fine", "fine", False, "Completed"], ["dies", None, True, "Crashed"]]


def told(outcome: Any) -> Any:
    return [outcome.item["id"], outcome.value, repr(outcome.error) if outcome.error else None]


def task_runner(kind: str) -> Any:
    """Two workers, each a process of its own, on this machine and for one flow run."""
    if kind == "dask":
        from compat import DaskTaskRunner

        cluster = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
        return DaskTaskRunner(cluster_class="distributed.LocalCluster", cluster_kwargs=cluster)
    if kind == "ray":
        from compat import RayTaskRunner

        return RayTaskRunner(init_kwargs={"num_cpus": 2, "include_dashboard": False, "_node_ip_address": "127.0.0.1"})
    from prefect.task_runners import ProcessPoolTaskRunner

    return ProcessPoolTaskRunner(max_workers=2)


KIND = sys.argv[1] if len(sys.argv) > 1 else "dask"


@case(
    {
        "nothing has ended": [0, 2],
        "in the order in which they end": ["a1", "a0"],
        "each once": ["a0"],
        "looking once finds what has ended": [["b0"], 1],
        "what had not ended when the time was up": "1 (of 2) futures unfinished",
        "a result that is late": ["TimeoutError", "Pending or Running"],
        "and then is there": ["b1", "Completed"],
        "failed": ["Failed", True, "ValueError('bad c')", "ValueError('bad c')"],
        "two steps": RECORDS_DONE,
        "only what came through": [RECORDS_DONE[0], RECORDS_DONE[3]],
        "raised": "KeyError('number')",
        "an endless source": [["0", "1", "2"], True],
        "in the order of the items": ["e0", "e1"],
        "in collections": {"list": ["a0", 1], "tuple": ["a1"]},
        "when a worker dies": DEAD,
    }
)
@flow(task_runner=task_runner(KIND))
def in_a_sync_flow() -> Any:
    seen: dict[str, Any] = {}
    futures = [gated.submit("a0"), gated.submit("a1")]
    seen["nothing has ended"] = [len(part) for part in wait(futures, timeout=0)]
    opened("a1")
    seen["in the order in which they end"] = []
    for future in as_completed(futures):
        seen["in the order in which they end"].append(future.result())
        opened("a0")
    seen["each once"] = [each.result() for each in as_completed([futures[0], futures[0]], timeout=PATIENCE)]

    late = [gated.submit("b0"), gated.submit("b1")]
    opened("b0")
    until = time.monotonic() + PATIENCE
    while not (found := wait(late, timeout=0)).done and time.monotonic() < until:
        time.sleep(0.01)
    seen["looking once finds what has ended"] = [[each.result() for each in found.done], len(found.not_done)]
    try:
        list(as_completed(late, timeout=0.2))
    except TimeoutError as error:
        seen["what had not ended when the time was up"] = str(error)
    try:
        result(late[1], timeout=0.1)
    except TimeoutError:
        now = "Pending or Running" if state(late[1]).name in ("Pending", "Running") else state(late[1]).name
        seen["a result that is late"] = ["TimeoutError", now]
    opened("b1")
    seen["and then is there"] = [result(late[1], timeout=PATIENCE), state(late[1]).name]

    opened("bad c")
    (failed,) = as_completed([gated.submit("bad c")])
    final = failed.state if PREFECT_3 else state(failed)
    seen["failed"] = [final.name, state(failed).is_final(), repr(result(failed, raise_on_failure=False))]
    try:
        result(failed, timeout=PATIENCE)
    except ValueError as error:
        seen["failed"].append(repr(error))

    seen["two steps"] = sorted(map(told, fan_out(parse, RECORDS, then=store, on_failure="collect", max_in_flight=3)))
    seen["only what came through"] = sorted(map(told, fan_out(parse, RECORDS, then=store, on_failure="skip")))
    try:
        list(fan_out(parse, RECORDS[:2]))
    except KeyError as error:
        seen["raised"] = repr(error)
    taken: list[Any] = []
    pulled = 0
    for outcome in fan_out(perhaps_fatal, (str(n) for n in count()), max_in_flight=2, ordered=True):
        taken.append(outcome.value)
        pulled = int(outcome.item)
        if len(taken) == 3:
            break
    seen["an endless source"] = [taken, pulled <= 4]
    opened("e0", "e1")
    seen["in the order of the items"] = [each.value for each in fan_out(gated, ["e0", "e1"], ordered=True)]
    seen["in collections"] = resolve_futures_to_results({"list": [futures[0], 1], "tuple": (futures[1],)})
    last = fan_out(perhaps_fatal, ["fine", "dies"], on_failure="collect", max_in_flight=1)
    seen["when a worker dies"] = [
        [each.item, each.value, each.error is not None, state(each.future).name] for each in last
    ]
    return seen


@case(
    {
        "nothing has ended": [0, 2],
        "in the order in which they end": ["f1", "f0"],
        "looking once finds what has ended": [["g0"], 1],
        "what had not ended when the time was up": "1 (of 2) futures unfinished",
        "a result that is late": ["TimeoutError", "Pending or Running"],
        "and then is there": ["g1", "Completed"],
        "failed": ["Failed", "ValueError('bad h')"],
        "two steps": RECORDS_DONE,
        "when a worker dies": DEAD,
    }
)
@flow(task_runner=task_runner(KIND))
async def in_an_async_flow() -> Any:
    """A gate is only opened by the event loop: nothing ends while the loop is blocked."""
    seen: dict[str, Any] = {}
    futures = [await submitted(gated, "f0"), await submitted(gated_async, "f1")]
    seen["nothing has ended"] = [len(part) for part in await wait_async(futures, timeout=0)]
    asyncio.get_running_loop().call_later(0.05, opened, "f1")
    seen["in the order in which they end"] = []
    async for future in as_completed_async(futures):
        seen["in the order in which they end"].append(await result_async(future))
        asyncio.get_running_loop().call_later(0.05, opened, "f0")

    late = [await submitted(gated_async, "g0"), await submitted(gated_async, "g1")]
    opened("g0")
    until = time.monotonic() + PATIENCE
    while not (found := await wait_async(late, timeout=0)).done and time.monotonic() < until:
        await asyncio.sleep(0.01)
    seen["looking once finds what has ended"] = [[await result_async(each) for each in found.done], len(found.not_done)]
    try:
        [each async for each in as_completed_async(late, timeout=0.2)]
    except TimeoutError as error:
        seen["what had not ended when the time was up"] = str(error)
    try:
        await result_async(late[1], timeout=0.1)
    except TimeoutError:
        name = (await state_async(late[1])).name
        seen["a result that is late"] = [
            "TimeoutError",
            "Pending or Running" if name in ("Pending", "Running") else name,
        ]
    opened("g1")
    seen["and then is there"] = [await result_async(late[1], timeout=PATIENCE), (await state_async(late[1])).name]

    opened("bad h")
    failed = await submitted(gated, "bad h")
    await wait_async([failed])
    seen["failed"] = [(await state_async(failed)).name, repr(await result_async(failed, raise_on_failure=False))]
    steps = fan_out_async(parse, RECORDS, then=store, on_failure="collect", max_in_flight=3)
    seen["two steps"] = sorted([told(each) async for each in steps])
    last = fan_out_async(perhaps_fatal, ["fine", "dies"], on_failure="collect", max_in_flight=1)
    seen["when a worker dies"] = [
        [each.item, each.value, each.error is not None, (await state_async(each.future)).name] async for each in last
    ]
    return seen


if __name__ == "__main__":
    main()

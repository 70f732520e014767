"""`fan_out` and `fan_out_async`."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from typing import Any

import _cases
from _cases import PATIENCE, VERSION, but, case, gated, gates, lock, log, note
from prefect import flow, task, unmapped

from compat import PREFECT_3, ThreadPoolTaskRunner, fan_out, fan_out_async, state


@task
def parse(record: dict[str, Any]) -> int:
    note("parse", record["id"])
    return int(record["number"])


@task
def store(record: dict[str, Any], number: int) -> str:
    note("store", record["id"])
    if number == 13:
        raise RuntimeError("unlucky")
    return f"{record['id']}={number}"


@task
async def parse_async(record: dict[str, Any]) -> int:
    await asyncio.sleep(0)
    return int(record["number"])


@task
async def store_async(record: dict[str, Any], number: int) -> str:
    if number == 13:
        raise RuntimeError("unlucky")
    return f"{record['id']}={number}"


RECORDS_DONE = [
    [1, "1=10", None],
    [2, None, "KeyError('number')"],
    [3, None, "RuntimeError('unlucky')"],
    [4, "4=40", None],
]
RECORDS = [{"id": 1, "number": "10"}, {"id": 2}, {"id": 3, "number": "13"}, {"id": 4, "number": "40"}]


def told(outcome: Any) -> Any:
    return [outcome.item["id"], outcome.value, repr(outcome.error) if outcome.error else None]


class Crowd:
    """Counts the runs that are running at the same time; a run ends once `size` of them have met, or met before."""

    def __init__(self, size: int) -> None:
        self.size, self.live, self.peak, self.met = size, 0, 0, threading.Event()

    def enter(self) -> None:
        with lock:
            self.live += 1
            self.peak = max(self.peak, self.live)
            if self.live == self.size:
                self.met.set()
        if not self.met.wait(PATIENCE):
            raise RuntimeError("the others never came")
        threading.Event().wait(0.02)

    def leave(self) -> None:
        with lock:
            self.live -= 1


crowd = Crowd(0)


@task
def crowded(n: int) -> int:
    crowd.enter()
    crowd.leave()
    return n


@task
def crowded_too(n: int, value: int) -> int:
    crowd.enter()
    crowd.leave()
    return n + value


def source(pulled: list[int], end: int) -> Any:
    for n in range(end):
        pulled.append(n)
        yield n


@case([10, 40])
@flow
def one_step() -> Any:
    return sorted(outcome.value for outcome in fan_out(parse, [RECORDS[0], RECORDS[3]]))


@case([RECORDS_DONE, [1, 3, 4]])
@flow
def failed_items_are_collected_and_the_second_step_runs_for_the_others() -> Any:
    log.clear()
    found = [told(each) for each in fan_out(parse, RECORDS, then=store, on_failure="collect")]
    return [sorted(found), sorted(each[1] for each in log if each[0] == "store")]


@case([RECORDS_DONE[0], RECORDS_DONE[3]])
@flow
def failed_items_are_skipped() -> Any:
    return sorted(told(each) for each in fan_out(parse, RECORDS, then=store, on_failure="skip"))


@case(
    [
        ["a0"],
        "ValueError('bad a')",
        [["ended", "a0"], ["ended", "a1"]],
    ]
)
@flow
def the_first_failure_is_raised_after_what_is_in_flight() -> Any:
    log.clear()
    found = []
    names = ["a0", "bad a", "a1"]
    gates.open("a0")
    try:
        for outcome in fan_out(gated, released(names, {"bad a": "bad a"}, last="a1"), max_in_flight=3):
            found.append(outcome.value)
    except ValueError as error:
        return [found, repr(error), sorted(log)]


def released(names: Any, opens: Any, last: Any = None) -> Any:
    """The names; the gates that `opens` has for a name are opened when a0 has ended, and some time later the last one."""

    def later() -> None:
        while ["ended", "a0"] not in log:
            threading.Event().wait(0.01)
        threading.Event().wait(0.5)
        gates.open(*opens.values())
        threading.Event().wait(1.5)
        gates.open(last)

    threading.Thread(target=later, daemon=True).start()
    yield from names


@case(["ValueError('bad b')", ["bad b"]])
@flow
def nothing_new_is_started_after_a_failure() -> Any:
    pulled: list[Any] = []

    def names() -> Any:
        for name in ["bad b", *(f"b{n}" for n in range(50))]:
            pulled.append(name)
            gates.open(name)
            yield name

    try:
        for _ in fan_out(gated, names(), max_in_flight=1):
            pass
    except ValueError as error:
        return [repr(error), pulled]


@case(["c2", "c0", "c1"])
@flow
def outcomes_come_as_they_finish() -> Any:
    gates.open("c2")
    values = []
    for outcome in fan_out(gated, ["c0", "c1", "c2"]):
        values.append(outcome.value)
        gates.open({"c2": "c0", "c0": "c1", "c1": "end"}[outcome.value])
    return values


@case([["d0", "bad d", "d2"], ["d2", "d0"], ["d0", "d2"]])
@flow
def outcomes_come_in_the_order_of_the_items() -> Any:
    log.clear()
    gates.open("d2", "bad d")

    def names() -> Any:
        yield from ["d0", "bad d", "d2"]

        def last() -> None:
            while ["ended", "d2"] not in log:
                threading.Event().wait(0.01)
            gates.open("d0")

        threading.Thread(target=last, daemon=True).start()

    kept = [each.item for each in fan_out(gated, names(), ordered=True, on_failure="collect")]
    skipped = [each.item for each in fan_out(gated, ["d0", "bad d", "d2"], ordered=True, on_failure="skip")]
    return [kept, [each[1] for each in log][:2], skipped]


@case([[3 * n for n in range(12)], True])
@flow
def in_order_with_a_window_that_is_smaller_than_the_source() -> Any:
    pulled: list[int] = []
    found = []
    for outcome in fan_out(double, source(pulled, 12), then=add, ordered=True, max_in_flight=4):
        found.append([outcome.value, len(pulled) - len(found) <= 4])
    return [[value for value, _ in found], all(held for _, held in found)]


@task
def double(n: int, factor: int = 2) -> int:
    return n * factor


@task
def add(n: int, value: int) -> int:
    return n + value


@case([[2 * n for n in range(10)], 3])
@flow
def as_many_run_as_the_window_holds_and_never_more() -> Any:
    global crowd
    crowd = Crowd(3)
    values = [each.value for each in fan_out(crowded, range(10), then=crowded_too, max_in_flight=3)]
    return [sorted(values), crowd.peak]


@case([3, 20, True])
@flow
def an_endless_source_is_read_no_further_than_the_window() -> Any:
    pulled: list[int] = []
    ended: list[int] = []

    def endless() -> Any:
        n = 0
        while True:
            pulled.append(n)
            yield n
            n += 1

    most = 0
    log.clear()
    for outcome in fan_out(noted, endless(), max_in_flight=3):
        most = max(most, len(pulled) - len(ended))
        ended.append(outcome.value)
        if len(ended) == 20:
            break
    return [most, len(set(ended)), len(pulled) == len([each for each in log if each[0] == "end"])]


@task
def noted(n: int) -> int:
    note("start", n)
    threading.Event().wait(0.05)
    note("end", n)
    return n


@case([6, 6])
@flow
def a_loop_that_breaks_out_leaves_no_run_behind() -> Any:
    log.clear()
    for _ in fan_out(noted, range(6), then=add):
        break
    return [len([each for each in log if each[0] == kind]) for kind in ("start", "end")]


@case(["in the body", 6, 6])
@flow
def a_loop_that_raises_leaves_no_run_behind() -> Any:
    log.clear()
    try:
        for _ in fan_out(noted, range(6)):
            raise LookupError("in the body")
    except LookupError as error:
        return [str(error), *(len([each for each in log if each[0] == kind]) for kind in ("start", "end"))]


@case(["no more", 3, 3])
@flow
def an_error_of_the_source_leaves_no_run_behind() -> Any:
    def broken() -> Any:
        yield from range(3)
        raise LookupError("no more")

    log.clear()
    try:
        list(fan_out(noted, broken()))
    except LookupError as error:
        return [str(error), *(len([each for each in log if each[0] == kind]) for kind in ("start", "end"))]


@case([[], []])
@flow
def nothing_to_do() -> Any:
    return [list(fan_out(double, [])), list(fan_out(double, iter(()), then=add, ordered=True, max_in_flight=2))]


@case([[10, 20], ["Completed", "Completed"]])
@flow
def parameters_reach_the_first_task() -> Any:
    found = list(fan_out(double, [1, 2], factor=unmapped(10), ordered=True))
    return [[each.value for each in found], [state(each.future).name for each in found]]


@case([[["x", "then ordered"]], "TypeError"])
@flow
def parameters_with_names_that_the_fan_out_uses_itself() -> Any:
    @task
    def named(item: str, then: str, ordered: bool) -> list[str]:
        return [item, f"then {'ordered' if ordered else then}"]

    given = {"then": "x", "ordered": unmapped(True)}
    found: list[Any] = [[each.value for each in fan_out(named, ["x"], unmapped=given)]]
    try:
        fan_out(named, ["x"], unmapped={"return_state": True})
    except TypeError:
        found.append("TypeError")
    return found


@case([[None, True]])
@flow
def wait_for_passes_through() -> Any:
    gates.open("bad w")
    first = gated.submit("bad w")
    return [
        [each.value, each.error is not None] for each in fan_out(double, [1], wait_for=[first], on_failure="collect")
    ]


@case([[True, 12]])
@flow
def items_that_are_futures() -> Any:
    gates.open("x")
    items = [double.submit(3)]
    return [[each.item is items[0], each.value] for each in fan_out(double, items)]


@case([[3, None]])
@flow
def a_task_that_retries_counts_once() -> Any:
    return [[each.value, each.error] for each in fan_out(flaky, [1])]


tried: list[int] = []


@task(retries=2)
def flaky(n: int) -> int:
    tried.append(n)
    if len(tried) < 3:
        raise ValueError("not yet")
    return len(tried)


@task
def leaving(n: int) -> int:
    if n == 1 and gates.passed("leave"):
        raise SystemExit(3)
    return n


died: list[Any] = []


def met_death(outcome: Any) -> None:
    """Notes an outcome; the task that exits does so when the others are through: Prefect 2 may take others with it."""
    died.append([outcome.item, outcome.value, outcome.error is not None])
    if len(died) % 3 == 2:
        gates.open("leave")


@flow
def dying() -> int:
    for outcome in fan_out(leaving, [0, 1, 2], on_failure="collect"):
        met_death(outcome)
    return 0


@flow
async def dying_async() -> int:
    async for outcome in fan_out_async(leaving, [0, 1, 2], on_failure="collect"):
        met_death(outcome)
    return 0


def deaths(the_flow: Any) -> Any:
    """The outcomes; Prefect 2 raises SystemExit again at the end of such a flow."""
    died.clear()
    with contextlib.suppress(SystemExit):
        value = the_flow()
        if inspect.iscoroutine(value):
            asyncio.run(value)
    return [*sorted(died[:2], key=lambda each: each[0]), *died[2:]]


@case(
    [[0, 0, False], [2, 2, False], [1, None, True]],
    since=but((2, 7)),
    refusal="Prefect 2.7 itself cancels the flow",
)
def a_task_that_exits_the_process_is_one_failed_item() -> Any:
    found = deaths(dying)
    if VERSION == (2, 7) and found == [[0, 0, False], [2, 2, False]]:
        raise RuntimeError("Prefect 2.7 itself cancels the flow")
    return found


@case([[0, 0, False], [2, 2, False], [1, None, True]], since=(2, 8), refusal="Prefect 2.7 itself hangs")
def a_task_that_exits_the_process_is_one_failed_item_in_an_async_flow() -> Any:
    """On 2.7.12 such a flow never ends, with `future.wait()` of Prefect's own too."""
    if VERSION < (2, 8):
        raise RuntimeError("Prefect 2.7 itself hangs")
    return deaths(dying_async)


@case(["ValueError", "ValueError", "TypeError", "TypeError"])
def wrong_arguments() -> Any:
    found = []
    for arguments in ({"on_failure": "ignore"}, {"max_in_flight": 0}, {"return_state": True}, {"then": len}):
        try:
            fan_out(double, [1], **arguments)
        except (TypeError, ValueError) as error:
            found.append(type(error).__name__)
    return found


@case(RECORDS_DONE)
@flow
def async_tasks_in_a_sync_flow() -> Any:
    return sorted(told(each) for each in fan_out(parse_async, RECORDS, then=store_async, on_failure="collect"))


async def _collected(first: Any, second: Any, records: Any = RECORDS, **options: Any) -> Any:
    return [told(each) async for each in fan_out_async(first, records, then=second, on_failure="collect", **options)]


@case([RECORDS_DONE] * 3)
@flow
async def in_an_async_flow() -> Any:
    async def later() -> Any:
        for record in RECORDS:
            await asyncio.sleep(0)
            yield record

    return [
        sorted(await _collected(parse, store)),
        sorted(await _collected(parse_async, store_async, max_in_flight=2)),
        await _collected(parse, store_async, later(), ordered=True, max_in_flight=3),
    ]


@case([[True, 15], [True, 15]])
@flow
async def the_event_loop_goes_on() -> Any:
    found = []
    for each in (gated, _cases.gated_async):
        names = [f"{each.name}{n}" for n in range(3)]

        async def ticker(names: Any = names) -> int:
            ticks = 0
            for name in names:
                for _ in range(5):
                    await asyncio.sleep(0.01)
                    ticks += 1
                gates.open(name)
            return ticks

        running = asyncio.ensure_future(ticker())
        values = [outcome.value async for outcome in fan_out_async(each, names, max_in_flight=2)]
        found.append([sorted(values) == names, await running])
    return found


@case(["ValueError('bad y')", ["y0", "y1"]])
@flow
async def a_failure_is_raised_in_an_async_flow() -> Any:
    log.clear()
    gates.open("bad y", "y0", "y1")
    try:
        async for _ in fan_out_async(gated, ["y0", "bad y", "y1"]):
            pass
    except ValueError as error:
        return [repr(error), sorted(each[1] for each in log)]


@case([list(range(9)), 3])
@flow
async def as_many_run_as_the_window_holds_in_an_async_flow() -> Any:
    global crowd
    crowd = Crowd(3)
    pulled: list[int] = []
    values = [each.value async for each in fan_out_async(crowded, source(pulled, 9), max_in_flight=3, ordered=True)]
    return [values, crowd.peak]


@task
async def noted_async(n: int) -> int:
    note("start", n)
    await asyncio.sleep(0.3)
    note("end", n)
    return n


@flow
async def breaks_out(sync: bool) -> int:
    async for _ in fan_out_async(noted if sync else noted_async, range(5)):
        break
    return len([entry for entry in log if entry[0] == "end"])


@case([[True, 5], [True, 5]])
def a_loop_that_breaks_out_in_an_async_flow_leaves_no_run_behind() -> Any:
    found = []
    for each in (noted, noted_async):
        log.clear()
        value = breaks_out(each is noted)
        at_the_end = asyncio.run(value) if inspect.iscoroutine(value) else value
        ended = len([entry for entry in log if entry[0] == "end"])
        found.append([at_the_end == 5 if PREFECT_3 else True, ended])
    return found


def raises_in_the_body(outcomes: Any) -> None:
    for _ in outcomes:
        raise LookupError("in the body")


async def raises_in_the_body_async(outcomes: Any) -> None:
    async for _ in outcomes:
        raise LookupError("in the body")


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
def closes() -> int:
    kept = []
    try:
        with contextlib.closing(fan_out(noted, range(6))) as outcomes:
            raises_in_the_body(outcomes)
    except LookupError as error:
        kept.append(error)
    return len([entry for entry in log if entry[0] == "end"])


@flow(task_runner=ThreadPoolTaskRunner(max_workers=2))
async def closes_async() -> int:
    kept = []
    outcomes = fan_out_async(noted, range(6))
    try:
        await raises_in_the_body_async(outcomes)
    except LookupError as error:
        kept.append(error)
    finally:
        await outcomes.aclose()
    return len([entry for entry in log if entry[0] == "end"])


@case([6, 6])
def outcomes_that_are_kept_and_closed_leave_no_run_behind() -> Any:
    found = [closes()]
    log.clear()
    return [*found, asyncio.run(closes_async())]


@case(
    [
        "CancelledError",
        1,
        "RuntimeError: The fan-out was cancelled while it was waiting for an outcome: it does not go on",
    ]
)
@flow
async def a_fan_out_that_was_cancelled_does_not_end_as_if_it_were_through() -> Any:
    outcomes = fan_out_async(gated, ["a", "b", "c"], max_in_flight=1)
    waiting = asyncio.ensure_future(outcomes.__anext__())
    while not gates.events:
        await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.sleep(0)
    gates.open("a")
    found: list[Any] = []
    try:
        await waiting
    except asyncio.CancelledError:
        found.append("CancelledError")
    found.append(len(gates.events))
    try:
        await outcomes.__anext__()
    except (StopAsyncIteration, RuntimeError) as error:
        found.append(f"{type(error).__name__}: {error}")
    return found


@case(True)
@flow
async def the_sync_helper_refuses_what_must_be_awaited() -> Any:
    try:
        return [told(each)[1] for each in fan_out(parse_async, RECORDS[:1])] == [10]
    except TypeError as error:
        return "fan_out_async" in str(error)

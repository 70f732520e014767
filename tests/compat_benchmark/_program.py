"""What runs on the measured Prefect: `speed TASKS REPETITIONS`, `memory TASKS` or `start`; prints one line of JSON."""

# mypy: disallow-untyped-decorators=False

from __future__ import annotations

import gc
import json
import logging
import resource
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any


def start() -> dict[str, float]:
    """Milliseconds that importing takes, and what the first use of `fan_out` adds."""
    marks = [time.perf_counter()]
    import prefect  # noqa: F401

    marks.append(time.perf_counter())
    import compat

    marks.append(time.perf_counter())
    compat.fan_out  # noqa: B018
    marks.append(time.perf_counter())
    names = ("import prefect", "import compat", "first use of fan_out")
    return {name: 1000 * (end - begin) for name, begin, end in zip(names, marks, marks[1:])}


def speed(tasks: int, repetitions: int) -> dict[str, Any]:
    """Median wall and processor seconds of native code and of `compat`, in turns, and how the one compares with the other.

    Native code is Prefect 3's own `as_completed`, and on Prefect 2, which has none, one `result()` after the other.
    """
    from prefect import flow, task

    import compat

    @task
    def short(n: int) -> int:
        return n

    def submitted() -> list[Any]:
        return [short.submit(n) for n in range(tasks)]

    if compat.PREFECT_3:
        import prefect.futures

        def native() -> int:
            return sum(future.result() for future in prefect.futures.as_completed(submitted()))

    else:

        def native() -> int:
            return sum(future.result() for future in submitted())

    def as_completed() -> int:
        return sum(future.result() for future in compat.as_completed(submitted()))

    def fan_out() -> int:
        return sum(outcome.value for outcome in compat.fan_out(short, range(tasks)))

    def fan_out_within_50() -> int:
        return sum(outcome.value for outcome in compat.fan_out(short, range(tasks), max_in_flight=50))

    def timed(variant: Callable[[], int]) -> Any:
        """A flow that gives its own seconds, without those in which the server starts and ends a flow run."""

        def seconds() -> tuple[float, float]:
            begun = time.perf_counter(), time.process_time()
            assert variant() == sum(range(tasks))
            return time.perf_counter() - begun[0], time.process_time() - begun[1]

        return flow(seconds, name=variant.__name__)

    variants: list[Callable[[], int]] = [native, as_completed, fan_out, fan_out_within_50]
    flows = {each.__name__: timed(each) for each in variants}
    flow(lambda: [short.submit(0).result()][0], name="warm")()
    wall: dict[str, list[float]] = {name: [] for name in flows}
    processor: dict[str, list[float]] = {name: [] for name in flows}
    for turn in range(repetitions):
        for name in list(flows) if turn % 2 == 0 else reversed(list(flows)):
            time.sleep(tasks / 100)  # the server is still busy with the runs before, and may refuse new ones (503)
            for column, seconds in zip((wall, processor), flows[name]()):
                column[name].append(seconds)
    return {
        name: {
            "wall": statistics.median(wall[name]),
            "processor": statistics.median(processor[name]),
            "wall, of each": wall[name],
            "wall, compared": statistics.median(a / b for a, b in zip(wall[name], wall["native"])) - 1,
            "processor, compared": statistics.median(a / b for a, b in zip(processor[name], processor["native"])) - 1,
        }
        for name in flows
    }


def memory(tasks: int) -> dict[str, Any]:
    """What is held at each quarter of a fan-out with 50 items in flight.

    objects of compat: instances of its classes. bytes of its containers: of all that its objects' attributes hold directly.
    futures: Prefect's; Prefect 2 keeps each in the context of a flow run until it ends. resident: megabytes of the process
    at its peak, in which Prefect 2 runs the server too.
    """
    from prefect import flow, task
    from prefect.futures import PrefectFuture

    import compat

    rows: list[dict[str, int]] = []

    @task
    def short(n: int) -> int:
        return n

    def held(done: int) -> dict[str, int]:
        gc.collect()
        objects = gc.get_objects()
        ours = [each for each in objects if str(type(each).__module__).startswith("compat.")]
        return {
            "tasks": done,
            "objects of compat": len(ours),
            "bytes of its containers": sum(sys.getsizeof(value) for each in ours for value in vars(each).values()),
            "futures": sum(issubclass(type(each), PrefectFuture) for each in objects),
            "resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }

    @flow
    def measured() -> None:
        for done, _ in enumerate(compat.fan_out(short, range(tasks), max_in_flight=50), start=1):
            if done % (tasks // 4) == 0:
                rows.append(held(done))

    begun = time.perf_counter()
    measured()
    return {"rows": rows, "seconds": time.perf_counter() - begun}


if __name__ == "__main__":
    logging.getLogger("prefect").setLevel("CRITICAL")
    what, *numbers = sys.argv[1:]
    measure: Any = {"start": start, "speed": speed, "memory": memory}[what]
    print("MEASURED " + json.dumps(measure(*map(int, numbers))), flush=True)

"""What `compat` costs on real Prefect releases, in time and in memory.

`python -m tests.compat_benchmark [--memory] [--tasks N] [--repetitions N] [VERSION ...]`: without `--memory` the time of N short
tasks (1000) against native code on the same version, in turns (3 times), and what importing costs; with it what is held while
N tasks go through a fan-out with 50 in flight. Wanted: at most 5 % more time, and memory that does not grow with N.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

from tests.support.environments import environment

HERE = Path(__file__).parent
VERSIONS = ("2.8.7", "2.20.26", "3.0.11", "3.8.8")


def measured(version: str, what: str, *numbers: int) -> Any:
    """What the program measures on that version. Raises RuntimeError where it does not run to the end."""
    done = environment(version).run(
        [str(HERE / "_program.py"), what, *map(str, numbers)],
        variables={
            "PYTHONPATH": str(HERE.parent.parent),
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_CLIENT_MAX_RETRIES": "20",
        },
        timeout=3600,
    )
    for line in done.stdout.splitlines():
        if line.startswith("MEASURED "):
            return json.loads(line[len("MEASURED ") :])
    raise RuntimeError(f"Prefect {version}, {what}: {done.stdout[-2000:]}\n{done.stderr[-6000:]}")


def show_time(version: str, tasks: int, repetitions: int) -> None:
    starts = [measured(version, "start") for _ in range(5)]
    print(
        version, *(f"{name} {statistics.median(each[name] for each in starts):.1f} ms" for name in starts[0]), sep="  "
    )
    for name, found in measured(version, "speed", tasks, repetitions).items():
        print(
            f"{version}  {name:18} {found['wall']:6.2f} s ({found['wall, compared']:+.1%})"
            f"  processor {found['processor']:6.2f} s ({found['processor, compared']:+.1%})"
            f"  each {' '.join(f'{seconds:.2f}' for seconds in found['wall, of each'])}",
            flush=True,
        )


def show_memory(version: str, tasks: int) -> None:
    found = measured(version, "memory", tasks)
    print(f"{version}  {tasks} tasks in {found['seconds']:.0f} s")
    for each in found["rows"]:
        print(f"{version}  " + "  ".join(f"{name} {value}" for name, value in each.items()), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.compat_benchmark")
    parser.add_argument("versions", nargs="*", default=VERSIONS)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    for each_version in options.versions:
        if options.memory:
            show_memory(each_version, options.tasks)
        else:
            show_time(each_version, options.tasks, options.repetitions)

"""Random small flows: what they do on Prefect 2, and what the fixed ones do on Prefect 3.

`python -m tests.support.random_flows COUNT [FIRST_SEED]` writes so many programs, runs them as they are on Prefect 2, and as
`fix --unsafe-fixes` mends them on Prefect 3, for target 3 and for both majors, and shows every program whose outcome is
another one: how the flow run ends, which runs happened, what its call raises, and whether a parent flow goes on.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from migrator.config import Settings
from migrator.findings import Severity
from migrator.run import fix
from tests.support.environments import PREFECT_2, PREFECT_3
from tests.support.scenarios import AT_ONCE, ran

BROKEN = (2, 5)
"""The numbers for which tasks fail."""

_HEAD = f"""from _observing import ending, note
from prefect import allow_failure, flow, task
from prefect.task_runners import RUNNERS


@task
def load(n, other=None):
    note(f"load {{n}}")
    if n in {BROKEN}:
        raise ValueError(n)
    return n


@task(retries=1, retry_delay_seconds=0)
def again(n):
    note(f"again {{n}}")
    if n in {BROKEN}:
        raise ValueError(n)
    return n


@task
def save(n, other=None):
    note(f"save {{n if isinstance(n, int) else type(n).__name__}}")
    return n


@task
async def fetch(n):
    note(f"fetch {{n}}")
    if n in {BROKEN}:
        raise ValueError(n)
    return n


@flow
def part(n):
    load.submit(n)


def start(n):
    return load.submit(n)


def finish_all(futures):
    for future in futures:
        future.result()


"""


class _Writer:
    """Writes one flow; the same seed gives the same flow."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.is_async = self.random.random() < 0.3
        self.one: list[tuple[str, bool]] = []
        """Variables with a future, and whether it is of an async task."""
        self.many: list[tuple[str, bool]] = []
        self.count = 0

    def text(self) -> str:
        runner = self.random.choices(
            ("", "task_runner=ConcurrentTaskRunner()", "task_runner=SequentialTaskRunner()"),
            (8, 2, 0 if self.is_async else 1),
        )[0]
        lines = [line for _ in range(self.random.randint(1, 5)) for line in self.statement(0)]
        lines += self.ending()
        decorator = f"@flow({runner})" if runner else "@flow"
        head = "async def" if self.is_async else "def"
        body = "\n".join(f"    {line}" for line in lines)
        observe = 'def observe():\n    return ending(etl, True) + " | " + ending(etl, False)\n'
        runners = "SequentialTaskRunner" if "Sequential" in runner else "ConcurrentTaskRunner"
        return f"{_HEAD.replace('RUNNERS', runners)}{decorator}\n{head} etl(flag):\n{body}\n\n\n{observe}"

    def number(self) -> int:
        return self.random.choices((1, 2, 3, 4, 5, 6), (4, 2, 4, 4, 1, 4))[0]

    def numbers(self) -> str:
        return "[" + ", ".join(str(self.number()) for _ in range(self.random.randint(1, 4))) + "]"

    def new(self, kind: str) -> str:
        self.count += 1
        return f"{kind}{self.count}"

    def submission(self) -> tuple[str, bool]:
        """An expression that gives a future, and whether it is of an async task."""
        if self.is_async and self.random.random() < 0.5:
            return f"await fetch.submit({self.number()})", True
        choice = self.random.random()
        if choice < 0.5:
            return f"load.submit({self.number()})", False
        if choice < 0.65:
            return f"again.submit({self.number()})", False
        if choice < 0.8:
            return f"start({self.number()})", False
        if self.one and choice < 0.9:
            return f"save.submit({self.random.choice(self.one)[0]})", False
        if self.one and choice < 0.95:
            return f"save.submit(1, wait_for=[{self.random.choice(self.one)[0]}])", False
        if self.one:
            return f"save.submit(allow_failure({self.random.choice(self.one)[0]}))", False
        return f"save.submit(load.submit({self.number()}))", False

    def mapping(self) -> tuple[str, bool]:
        if self.is_async and self.random.random() < 0.5:
            return f"await fetch.map({self.numbers()})", True
        if self.random.random() < 0.6:
            return f"load.map({self.numbers()})", False
        return f"[load.submit(n) for n in {self.numbers()}]", False

    def statement(self, depth: int) -> list[str]:
        pick = self.random.random()
        wait = "await " if self.is_async else ""
        if pick < 0.15:
            return [self.submission()[0]]
        if pick < 0.3:
            value, is_async = self.submission()
            name = self.new("future")
            if depth == 0:
                self.one.append((name, is_async))
            return [f"{name} = {value}"]
        if pick < 0.4:
            value, is_async = self.mapping()
            name = self.new("futures")
            if depth == 0:
                self.many.append((name, is_async))
            return [f"{name} = {value}"]
        if pick < 0.45:
            return [self.mapping()[0]]
        if pick < 0.52:
            return [f"for n in {self.numbers()}:", "    load.submit(n)"]
        if pick < 0.58:
            name = self.new("kept")
            if depth == 0:
                self.many.append((name, False))
            return [f"{name} = []", f"for n in {self.numbers()}:", f"    {name}.append(load.submit(n))"]
        if pick < 0.7 and self.one:
            name, is_async = self.random.choice(self.one)
            call = self.random.choice(("result()", "result(raise_on_failure=False)", "wait()"))
            line = f"{wait if is_async else ''}{name}.{call}"
            if self.random.random() < 0.3:
                return ["try:", f"    {line}", "except ValueError:", '    note("caught")']
            return [line]
        if pick < 0.8 and self.many:
            name, is_async = self.random.choice(self.many)
            call = self.random.choice(("result()", "result(raise_on_failure=False)", "wait()"))
            if self.random.random() < 0.2 and not is_async:
                return [f"finish_all({name})"]
            return [f"for each in {name}:", f"    {wait if is_async else ''}each.{call}"]
        if pick < 0.85:
            return [f"{self.new('state')} = load({self.number()}, return_state=True)"]
        if pick < 0.88:
            return [f"load({self.random.choice((1, 3))}, return_state=True)"]
        if pick < 0.91 and not self.is_async:
            return [f"{self.new('state')} = part({self.number()}, return_state=True)"]
        if pick < 0.93:
            return ["load(3)"]
        if pick < 0.98 and depth == 0:
            lines = [line for _ in range(self.random.randint(1, 2)) for line in self.statement(1)]
            if self.random.random() < 0.5:
                lines.append(self.random.choice(("return", "return 7")))
            return ["if flag:", *(f"    {line}" for line in lines)]
        return ['note("here")']

    def ending(self) -> list[str]:
        pick = self.random.random()
        if pick < 0.5:
            return []
        if pick < 0.7:
            return ["return 7"]
        if pick < 0.75:
            return ["return None"]
        if pick < 0.8:
            return ['raise RuntimeError("late")']
        if pick < 0.9 and self.one:
            return [f"return {self.random.choice(self.one)[0]}"]
        if self.many:
            name, is_async = self.random.choice(self.many)
            results = f"[{'await ' if is_async else ''}each.result() for each in {name}]"
            return [f"return {self.random.choice((name, results))}"]
        return []


def program(seed: int) -> str:
    """The text of one module: tasks, a flow, and `observe()`."""
    return _Writer(seed).text()


def written(folder: Path, seeds: Sequence[int], target: str | None) -> tuple[list[str], set[str]]:
    """Writes the programs, mended for a target unless it is None: their names, and those of which something is still reported."""
    (folder / "pyproject.toml").touch()
    for seed in seeds:
        (folder / f"random_{seed}.py").write_text(program(seed), encoding="utf-8")
    reports = [] if target is None else fix([str(folder)], Settings(target=target, unsafe_fixes=True))
    told = {Path(report.path).stem for report in reports if any(f.severity > Severity.INFO for f in report.findings)}
    return [f"random_{seed}" for seed in seeds], told


def compared(seeds: Sequence[int]) -> tuple[dict[str, dict[str, str]], set[str]]:
    """What each program shows: `2`, `3 unfixed`, `3 fixed`, `2 both`, `3 both`; and of which ones something is still reported."""
    runs = {
        "2": (None, PREFECT_2),
        "3 unfixed": (None, PREFECT_3),
        "3 fixed": ("3", PREFECT_3),
        "2 both": ("both", PREFECT_2),
        "3 both": ("both", PREFECT_3),
    }
    left: set[str] = set()
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(AT_ONCE) as pool:
        running = {}
        for name, (target, version) in runs.items():
            folder = Path(directory, name.replace(" ", "_"))
            folder.mkdir()
            names, told = written(folder, seeds, target)
            left |= told
            running[name] = pool.submit(ran, folder, names, version)
        return {name: _without_values(future.result()) for name, future in running.items()}, left


def _without_values(seen: dict[str, str]) -> dict[str, str]:
    """What was seen, but for the type of what a call gives: where nothing was submitted, a list on Prefect 2 and None on 3."""
    return {name: re.sub(r"; gives \w+", "", saw) for name, saw in seen.items()}


def main(arguments: Sequence[str]) -> int:
    """Compares the programs; the number of those whose outcome is another one although nothing is reported."""
    count, first = int(arguments[0]), int(arguments[1]) if len(arguments) > 1 else 0
    seen, told = compared(range(first, first + count))
    wanted = seen.pop("2")
    unfixed = seen.pop("3 unfixed")
    differing = {}
    for name, saw in wanted.items():
        different = {run: found.get(name) for run, found in seen.items() if found.get(name) != saw}
        if different:
            differing[name] = different
            print(f"--- {name}{' (reported)' if name in told else ''}")
            print(program(int(name.rpartition("_")[2])).partition("result()\n\n\n")[2])
            print(f"  2          {saw}")
            for run, found in different.items():
                print(f"  {run:10} {found}")
    changed = sum(unfixed[name] != saw for name, saw in wanted.items())
    print(
        f"{len(wanted)} programs; {changed} do something else on Prefect 3 as they are; {len(differing)} once they are fixed, "
        f"of {len(told & set(differing))} of these it is told"
    )
    return len(set(differing) - told)


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))

"""The test suite of `compat`, run on real Prefect releases: one program text, and what it sees has to be the same on all of them.

`python -m tests.support.compat_programs [--table] [VERSION ...] [PROGRAM ...]` runs it on the releases that are named, or on every
minor from 2.0 on, two at a time, and says what differed. The environments are made on first use. With `--table` what came out is
kept in the table that the README shows; the rows of other releases stay as they are.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator.knowledge.generate.environments import releases
from tests.support.environments import environment, release

ROOT = Path(__file__).parent.parent.parent
PROGRAMS = ROOT / "tests" / "compat_programs"
MEASURED = PROGRAMS / "measured.md"
HEAD = ("| Prefect | the same as everywhere | not in that release, and told so | different |", "|---|--:|--:|--:|")
AT_ONCE = 2


@dataclass(frozen=True)
class Observation:
    """What a case saw and what it wanted, and whether the release has what the case needs."""

    saw: Any
    wanted: Any
    there: bool

    @property
    def differs(self) -> bool:
        return bool(self.saw != self.wanted)


def cases() -> list[tuple[str, str]]:
    """Every program and case, as the text of the programs has them."""
    return [
        (path.stem, node.name)
        for path in sorted(PROGRAMS.glob("*.py"))
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and any(map(_is_case, node.decorator_list))
    ]


def _is_case(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name) and decorator.func.id == "case"


def observations(version: str, programs: Sequence[str] = ()) -> dict[tuple[str, str], Observation]:
    """What each case observed, by program and case. Raises AssertionError where they did not run to the end."""
    done = environment(version).run(
        [str(PROGRAMS / "every.py"), *programs], variables={"PYTHONPATH": str(ROOT)}, timeout=1800
    )
    found = {}
    for line in done.stdout.splitlines():
        if line.startswith("OBSERVED "):
            told = json.loads(line[len("OBSERVED ") :])
            found[told["program"], told["case"]] = Observation(told["saw"], told["wanted"], told["there"])
    assert f"DONE {'.'.join(map(str, release(version)))}" in done.stdout.splitlines(), (
        f"Prefect {version} ended with {done.returncode} after {len(found)} cases:\n{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
    )
    return found


def run_programs(version: str, programs: Sequence[str] = ()) -> dict[tuple[str, str], tuple[Any, Any]]:
    """What each case saw and what it wanted, by program and case. Raises AssertionError where they did not run to the end."""
    return {key: (each.saw, each.wanted) for key, each in observations(version, programs).items()}


def row(version: str, found: Mapping[tuple[str, str], Observation]) -> str:
    """The table's row for one release."""
    differing = sum(each.differs for each in found.values())
    absent = sum(not each.there and not each.differs for each in found.values())
    return f"| {version} | {len(found) - differing - absent} | {absent} | {differing} |"


def table(text: str, rows: Mapping[str, str]) -> str:
    """The table with these rows in the place of those of the same releases, in the order of the releases."""
    kept = {line.split("|")[1].strip(): line for line in text.splitlines()[len(HEAD) :]}
    known = {**kept, **rows}
    ordered = sorted(known, key=lambda version: [int(part) for part in version.split(".")])
    return "\n".join((*HEAD, *(known[version] for version in ordered), ""))


def _timed(version: str, programs: Sequence[str]) -> tuple[dict[tuple[str, str], Observation] | Exception, float]:
    started = time.monotonic()
    try:
        return observations(version, programs), time.monotonic() - started
    except (AssertionError, subprocess.TimeoutExpired) as error:
        return error, time.monotonic() - started


def main(arguments: Sequence[str]) -> int:
    """Runs the programs on each version; the number of versions on which something differed."""
    versions = [each for each in arguments if each[:1].isdigit()]
    programs = [each for each in arguments if each[:1].isalpha()]
    wrong = 0
    rows = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {pool.submit(_timed, version, programs): version for version in versions or releases()}
        for future in as_completed(running):
            version = running[future]
            found, seconds = future.result()
            if isinstance(found, Exception):
                print(found, flush=True)
                wrong += 1
                continue
            differing = {key: each for key, each in found.items() if each.differs}
            for (program, case), each in differing.items():
                print(f"  {version} {program}.{case}\n    saw    {each.saw}\n    wanted {each.wanted}")
            absent = sum(not each.there for each in found.values())
            print(
                f"{version}: {len(found) - len(differing)} of {len(found)} ({absent} not there) in {seconds:.0f} s",
                flush=True,
            )
            rows[version] = row(version, found)
            wrong += bool(differing)
    if "--table" in arguments:
        MEASURED.write_text(table(MEASURED.read_text() if MEASURED.exists() else "", rows))
    return wrong


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))

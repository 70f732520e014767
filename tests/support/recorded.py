"""What the project says about the cases that `tests.support.recording` kept, and whether another state says the same.

`python -m tests.support.recorded DIR` runs `check` and `fix --diff` in each case and lists the codes of `migrator rules` that
never fire there. `... DIR --against CHECKOUT` also runs the checkout of another state, and prints what differs: the JSON of
`check` but for fields that the older state has not, and the diff, each with its status and standard error. Both run under the
Python that runs this. The exit status is 1 where a code never fires, where a case ends in a traceback, or where the two differ.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.recording import cases

HERE = Path(__file__).parent.parent.parent
PROGRAM = Path(__file__).with_name("recorded_program.py")
_SHOWN_LINES = 40


@dataclass(frozen=True)
class Said:
    """What a command did in a case."""

    status: int
    output: str
    errors: str

    @property
    def fault(self) -> str | None:
        """What a command must not do, whatever it is given; None where it does not."""
        if "Traceback (most recent call last)" in self.errors:
            return f"ends in a traceback: {self.errors.strip().splitlines()[-1]}"
        return None if self.status in (0, 1, 2) else f"ends with the status {self.status}"


@dataclass(frozen=True)
class Answers:
    """What a state says: the codes of its rules, and for each case and command what it did."""

    rules: frozenset[str]
    cases: dict[str, dict[str, Said]]


def ask(state: Path, directory: Path, processes: int = 1) -> Answers:
    """What the checkout of a state says about each case of a directory. Raises RuntimeError where it cannot be run."""
    folders = [str(case) for case in cases(directory)]
    parts = [folders[at::processes] for at in range(min(processes, len(folders)))]
    with ThreadPoolExecutor(len(parts) or 1) as pool:
        answers = list(pool.map(lambda part: _run(state, part), parts))
    said = {
        os.path.relpath(folder, directory): {name: Said(*each) for name, each in commands.items()}
        for answer in answers
        for folder, commands in answer["cases"].items()
    }
    rules = frozenset(code for answer in answers for code in re.findall(r"\bPF\d{3}\b", answer["rules"]))
    return Answers(rules, dict(sorted(said.items())))


def fired(answers: Answers) -> Counter[str]:
    """How often each code was reported by `check`."""
    return Counter(finding["code"] for commands in answers.cases.values() for finding in _findings(commands["check"]))


def faults(answers: Answers) -> Iterator[str]:
    """What a state must not do, by case and command."""
    for case, commands in answers.cases.items():
        for command, said in commands.items():
            if said.fault:
                yield f"{case}: {command} {said.fault}"


def differences(before: Answers, now: Answers) -> Iterator[str]:
    """What two states say otherwise: case and command, and the lines that differ."""
    for case, commands in now.cases.items():
        for command, said in commands.items():
            old, new = _lines(before.cases[case][command]), _lines(said, before.cases[case][command])
            if old != new:
                lines = list(difflib.unified_diff(old, new, "before", "now", n=1, lineterm=""))
                more = [f"... {len(lines) - _SHOWN_LINES} more lines"] if len(lines) > _SHOWN_LINES else []
                yield "\n".join([f"{case}: {command}", *lines[:_SHOWN_LINES], *more])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.recorded", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="what MIGRATOR_RECORD_CASES was")
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="a checkout of the project in another state")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="number of processes")
    given = parser.parse_args(arguments)
    directory = given.directory.resolve()
    started = time.monotonic()
    now = ask(HERE, directory, given.jobs)
    codes = fired(now)
    silent = sorted(now.rules - codes.keys())
    wrong = list(faults(now))
    if given.against is not None:
        wrong += differences(ask(given.against.resolve(), directory, given.jobs), now)
    for each in wrong:
        print(each)
    print(
        f"{len(now.cases)} cases, {sum(codes.values())} findings of {len(codes)} codes, {time.monotonic() - started:.0f} s; "
        f"codes that never fire: {' '.join(silent) or 'none'}"
    )
    if given.against is not None:
        print(f"differences and faults: {len(wrong)}")
    return 1 if wrong or silent or not now.cases else 0


def _run(state: Path, folders: Sequence[str]) -> dict[str, Any]:
    variables = {**os.environ, "PYTHONPATH": str(state), "NO_COLOR": "1", "COLUMNS": "200", "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as made:
        answers = Path(made, "answers.json")
        done = subprocess.run(
            [sys.executable, str(PROGRAM), str(answers)],
            input=json.dumps(folders),
            env=variables,
            cwd=made,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"{state} cannot be run:\n{done.stdout}{done.stderr}")
        read: dict[str, Any] = json.loads(answers.read_text(encoding="utf-8"))
    if state not in Path(read["migrator"]).parents:
        raise RuntimeError(f"{state} is no checkout of the project: what ran is {read['migrator']}")
    return read


def _findings(said: Said) -> list[dict[str, Any]]:
    try:
        found: list[dict[str, Any]] = json.loads(said.output)
    except ValueError:
        return []
    return found


def _lines(said: Said, older: Said | None = None) -> list[str]:
    """What a command did as lines to compare: of JSON the fields that the older state has."""
    output = said.output
    try:
        found = json.loads(output)
        if older is not None:
            found = _with_fields_of(json.loads(older.output), found)
        output = json.dumps(found, indent=1, ensure_ascii=False)
    except ValueError:
        pass
    return [f"status {said.status}", *output.split("\n"), *said.errors.split("\n")]


def _with_fields_of(older: Any, newer: Any) -> Any:
    if isinstance(older, dict) and isinstance(newer, dict):
        return {key: _with_fields_of(older[key], value) for key, value in newer.items() if key in older}
    if isinstance(older, list) and isinstance(newer, list) and len(older) == len(newer):
        return [_with_fields_of(*pair) for pair in zip(older, newer)]
    return newer


if __name__ == "__main__":
    sys.exit(main())

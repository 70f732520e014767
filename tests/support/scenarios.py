"""The scenarios (`tests/scenarios`): run as they are on both majors, and as `fix` mends them.

`python -m tests.support.scenarios [--table] [NAME ...]` runs them all, or those that are named, and says what differs from
what has to be; with `--table` what came out is kept in the table of the docs.
"""

from __future__ import annotations

import ast
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from migrator.config import Settings
from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, environment
from tests.support.recording import check_source, fix
from tests.support.servers import server

ROOT = Path(__file__).parent.parent.parent
SCENARIOS = ROOT / "tests" / "scenarios"
MEASURED = SCENARIOS / "measured.md"
AT_ONCE = 2

RUNS = (
    ("before", PREFECT_2),
    ("before", PREFECT_3),
    ("after", PREFECT_3),
    ("after", PREFECT_3_OLDEST),
    ("both", PREFECT_2),
    ("both", PREFECT_3),
)
"""Each text and the release that it runs on."""
TARGETS = {"after": "3", "both": "both"}


@dataclass(frozen=True)
class Scenario:
    """One program: its pattern in words, what is reported of it, and for which texts a fix exists."""

    name: str
    pattern: str
    codes: tuple[str, ...]
    fixed: tuple[str, ...]

    @property
    def path(self) -> Path:
        return SCENARIOS / f"{self.name}.py"

    @property
    def is_script(self) -> bool:
        """Whether its exit status is observed too."""
        return '__name__ == "__main__"' in self.path.read_text(encoding="utf-8")

    def runs(self, text: str) -> bool:
        return text == "before" or text in self.fixed


@lru_cache(maxsize=1)
def scenarios() -> tuple[Scenario, ...]:
    """All scenarios, by name."""
    found = []
    for path in sorted(SCENARIOS.glob("[!_]*.py")):
        lines = (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").splitlines()
        said = dict(line.split(": ", 1) for line in lines[1:] if re.match(r"(codes|fix): ", line))
        none = re.fullmatch(r"none(?: for (3|both))?", said["fix"]) if "fix" in said else None
        assert "fix" not in said or none, f"{path.name}: fix: {said['fix']}"
        without = () if none is None else (none[1],) if none[1] else ("3", "both")
        fixed = tuple(text for text, target in TARGETS.items() if target not in without)
        found.append(Scenario(path.stem, lines[0].rstrip("."), tuple(said.get("codes", "").split()), fixed))
    return tuple(found)


def mended(scenario: Scenario, target: str) -> str:
    """The text that `fix --unsafe-fixes` makes of a scenario."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, scenario.path.name)
        path.write_bytes(scenario.path.read_bytes())
        Path(directory, "pyproject.toml").touch()
        fix([str(path)], Settings(target=target, unsafe_fixes=True))
        return path.read_text(encoding="utf-8")


def reported(scenario: Scenario, target: str = "3") -> set[str]:
    """The codes that `check` reports of a scenario."""
    return {
        finding.code
        for finding in check_source(scenario.path.read_bytes(), scenario.path.name, Settings(target=target)).findings
    }


def observed(text: str, version: str, wanted: Sequence[Scenario] = ()) -> dict[str, str]:
    """What the scenarios show on a release, by name: as they are (`before`), or mended (`after`, `both`)."""
    with tempfile.TemporaryDirectory() as directory:
        left = [each for each in wanted or scenarios() if each.runs(text)]
        for each in left:
            written = each.path.read_text(encoding="utf-8") if text == "before" else mended(each, TARGETS[text])
            Path(directory, each.path.name).write_text(written, encoding="utf-8")
        found = ran(Path(directory), [each.name for each in left], version)
        for name, status in statuses(Path(directory), [each.name for each in left if each.is_script], version).items():
            found[name] += f"; exit {status}"
        return found


def statuses(folder: Path, names: Sequence[str], version: str) -> dict[str, int]:
    """The exit statuses of these modules, run as scripts against a server of a release; negative where a signal ended one."""
    if not names:
        return {}
    with server(environment(version)) as running:
        done = running.run(
            [str(SCENARIOS / "_scripts.py"), str(folder), *names],
            cwd=folder,
            variables={"PYTHONPATH": str(ROOT)},
            timeout=1800,
        )
    assert done.stdout.endswith("DONE\n"), f"{folder} on {version}: {done.stderr[-4000:]}"
    lines = [line[len("ENDED ") :] for line in done.stdout.splitlines() if line.startswith("ENDED ")]
    return dict(json.loads(line) for line in lines)


def ran(folder: Path, names: Sequence[str], version: str) -> dict[str, str]:
    """What the `observe()` of each of these modules gives on a release; one that hangs is left, and the others go on."""
    found: dict[str, str] = {}
    while names:
        done = environment(version).run(
            [str(SCENARIOS / "_every.py"), str(folder), *names],
            cwd=folder,
            variables={"PYTHONPATH": str(ROOT)},
            timeout=1800,
        )
        begun = None
        for line in done.stdout.splitlines():
            if line.startswith("OBSERVED "):
                name, saw = json.loads(line[len("OBSERVED ") :])
                found[name] = saw
            elif line.startswith("BEGUN "):
                begun = line[len("BEGUN ") :]
        if done.stdout.endswith("DONE\n"):
            break
        assert begun is not None, f"{folder} on {version}: {done.stderr[-4000:]}"
        found.setdefault(begun, "hangs" if "Timeout (" in done.stderr else f"ends the process ({done.returncode})")
        names = list(names)[list(names).index(begun) + 1 :]
    return found


@cache
def everything() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """What all scenarios show in all runs, by text and version.

    Those that are not as they have to be are run a second time, by themselves: a busy machine can fail a run of Prefect 2, whose
    database then says that it is locked.
    """
    seen = _all(scenarios())
    again = [each for each in scenarios() if differences(each, seen)]
    if again:
        for run, found in _all(again).items():
            seen[run].update(found)
    return seen


def _all(wanted: Sequence[Scenario]) -> dict[tuple[str, str], dict[str, str]]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = {run: pool.submit(observed, *run, wanted) for run in RUNS}
        return {run: future.result() for run, future in running.items()}


def differences(scenario: Scenario, seen: Mapping[tuple[str, str], Mapping[str, str]]) -> list[str]:
    """What is not as it has to be."""
    on_2, on_3 = (seen["before", version][scenario.name] for version in (PREFECT_2, PREFECT_3))
    found = [f"not reported: {code}" for code in scenario.codes if code not in reported(scenario)]
    if on_2 == on_3:
        found.append(f"the same on both majors without a fix: {on_2}")
    for text, version in RUNS:
        if text != "before" and scenario.runs(text) and seen[text, version][scenario.name] != on_2:
            found.append(f"{text} on {version}: {seen[text, version][scenario.name]!r} instead of {on_2!r}")
    return found


def table(seen: Mapping[tuple[str, str], Mapping[str, str]], wanted: Sequence[Scenario]) -> str:
    """The table of the docs: each pattern, what it does on Prefect 2, on Prefect 3, and on Prefect 3 once fixed."""
    rows = ["| pattern | rules | 2.x | 3.x as it is | 3.x fixed |", "|---|---|---|---|---|"]
    for each in wanted:
        cells = [seen["before", PREFECT_2][each.name], seen["before", PREFECT_3][each.name]]
        cells.append(seen["after", PREFECT_3][each.name] if "after" in each.fixed else "reported only")
        shown = [cell.replace("|", "\\|") for cell in cells]
        rows.append(f"| {each.pattern} | {', '.join(each.codes)} | {' | '.join(shown)} |")
    return "\n".join((*rows, ""))


def main(arguments: Sequence[str]) -> int:
    """Runs the scenarios; the number of those that are not as they have to be."""
    names = [each for each in arguments if not each.startswith("-")]
    wanted = [each for each in scenarios() if not names or each.name in names]
    seen = _all(wanted) if names else everything()
    wrong = 0
    for each in wanted:
        found = differences(each, seen)
        wrong += bool(found)
        print(f"{'differs' if found else 'as on 2.x':10} {each.name}")
        for run in RUNS:
            if each.name in seen[run]:
                print(f"    {run[0]:7} {run[1]:8} {seen[run][each.name]}")
        for line in found:
            print(f"  - {line}")
    if "--table" in arguments and not names:
        MEASURED.write_text(table(seen, wanted), encoding="utf-8")
    return wrong


if __name__ == "__main__":
    sys.exit(min(1, main(sys.argv[1:])))

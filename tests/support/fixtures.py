"""The fixture projects: what each one is, where it runs, and what it must be seen to do there.

A fixture is a folder of `fixtures/`: `before/` (a project for Prefect 2), `after/` (what `migrator fix` makes of it),
`both/` (with `--target both`), `scenario.py` (drives the project and prints its observations as one line of JSON),
`observed.json` (those observations) and `fixture.toml`, as below. A `[tool.migrator]` of the project itself is followed too.

    title = "what it is"                  # first column text of the README's table
    proves = "what the runs showed"
    unsafe = true                         # fixed with --unsafe-fixes
    target = "3"                          # the target that makes after/
    work_pool = "local"                   # fixed with --work-pool
    left = ["PF401"]                      # codes that `check` still reports on after/ (`left_both`: on both/)
    [runs]                                # versions; the defaults are in `DEFAULT_RUNS`
    before = ["2.20.26"]
    [server]                              # the scenario registers deployments on a real server with a process pool
    pool = "local"
    deployments = ["flow/name"]           # observed as the server holds them
    run = ["flow/name"]                   # executed by a worker; what it writes to `$OUTBOX` is observed
    [[difference]]                        # a difference that is meant, always with its reason
    path = "flow.state"                   # dotted path into the observations; `*` for every key
    value = "FAILED/Failed"               # what is seen there instead; no value: the entry is not there
    variants = ["after"]                  # default: all
    versions = ["3"]                      # versions, or beginnings of versions; default: all
    reason = "..."

`python -m tests.support.fixtures` prints the README's table, `... run NAME VARIANT VERSION` one run's observations,
`... record NAME` rewrites `observed.json` from the first run.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, VERSIONS, environment
from tests.support.servers import Server, create_process_pool, read_deployment, run_worker_once, server

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parent.parent.parent
FIXTURES = ROOT / "fixtures"

VARIANTS = ("before", "after", "both")
DEFAULT_RUNS: Mapping[str, tuple[str, ...]] = {
    "before": (PREFECT_2,),
    "after": (PREFECT_3_OLDEST, PREFECT_3),
    "both": (PREFECT_2, PREFECT_3),
}
ALL_VERSIONS = "MIGRATOR_TEST_ALL_VERSIONS"
BUSY = "database is locked"

_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """An observation that is meant to differ from `observed.json` in some runs."""

    path: str
    value: Any
    variants: tuple[str, ...]
    versions: tuple[str, ...]
    reason: str

    def holds_for(self, variant: str, version: str) -> bool:
        number = version.rpartition("-")[2]
        return variant in self.variants and any(
            number == prefix or number.startswith(prefix + ".") for prefix in self.versions
        )


@dataclass(frozen=True)
class Deployments:
    """What a scenario registers on a server: the work pool, what to read back, and what to execute."""

    pool: str
    read: tuple[str, ...]
    run: tuple[str, ...]


@dataclass(frozen=True)
class Fixture:
    """One folder of `fixtures/`; see the module's docstring."""

    name: str
    title: str
    proves: str
    unsafe: bool
    target: str
    left: tuple[str, ...]
    left_both: tuple[str, ...]
    work_pool: Optional[str]
    runs: Mapping[str, tuple[str, ...]]
    differences: tuple[Difference, ...]
    deployments: Optional[Deployments]

    @property
    def root(self) -> Path:
        return FIXTURES / self.name

    @property
    def variants(self) -> tuple[str, ...]:
        return tuple(variant for variant in VARIANTS if (self.root / variant).is_dir())

    def observed(self) -> dict[str, Any]:
        """The observations that every run must make, but for the declared differences."""
        found: dict[str, Any] = json.loads((self.root / "observed.json").read_text())
        return found

    def expected(self, variant: str, version: str) -> dict[str, Any]:
        """What a run must observe: `observed.json` with the differences declared for it."""
        expected = copy.deepcopy(self.observed())
        for difference in self.differences:
            if difference.holds_for(variant, version):
                _put(expected, difference.path.split("."), difference.value)
        return expected


@dataclass(frozen=True)
class Run:
    """A variant of a fixture on one version of Prefect."""

    fixture: Fixture
    variant: str
    version: str

    def __str__(self) -> str:
        return f"{self.fixture.name}-{self.variant}-{self.version}"


def load(name: str) -> Fixture:
    """The fixture of that name. Raises KeyError or ValueError where `fixture.toml` is incomplete."""
    described = tomllib.loads((FIXTURES / name / "fixture.toml").read_text())
    known = {"title", "proves", "unsafe", "target", "left", "left_both", "work_pool", "runs", "server", "difference"}
    if described.keys() - known:
        raise ValueError(f"{name}/fixture.toml: unknown keys {sorted(described.keys() - known)}")
    runs = {**DEFAULT_RUNS, **{variant: tuple(found) for variant, found in described.get("runs", {}).items()}}
    deployed = described.get("server")
    return Fixture(
        name=name,
        title=described["title"],
        proves=described["proves"],
        unsafe=described.get("unsafe", False),
        target=described.get("target", "3"),
        left=tuple(described.get("left", ())),
        left_both=tuple(described.get("left_both", described.get("left", ()))),
        work_pool=described.get("work_pool"),
        runs=runs,
        differences=tuple(
            Difference(
                path=found["path"],
                value=found.get("value", _ABSENT),
                variants=tuple(found.get("variants", VARIANTS)),
                versions=tuple(found.get("versions", ("2", "3"))),
                reason=found["reason"],
            )
            for found in described.get("difference", ())
        ),
        deployments=Deployments(deployed["pool"], tuple(deployed["deployments"]), tuple(deployed["run"]))
        if deployed
        else None,
    )


def all_fixtures() -> list[Fixture]:
    """Every fixture, by name."""
    return [load(found.parent.name) for found in sorted(FIXTURES.glob("*/fixture.toml"))]


def all_runs(fixture: Fixture) -> list[Run]:
    """The runs of a fixture as declared; on request of `MIGRATOR_TEST_ALL_VERSIONS`, `after` on every locked 3.x.

    `both/` is not run where its text is that of a variant which runs on the same version.
    """
    every = [version for version in VERSIONS if version.startswith("3.")] if os.environ.get(ALL_VERSIONS) else []
    runs = []
    for variant in fixture.variants:
        declared = fixture.runs[variant]
        versions = [*declared, *(version for version in every if variant == "after" and version not in declared)]
        runs += [Run(fixture, variant, version) for version in versions]
    return [run for run in runs if run.variant != "both" or not _repeats(run, runs)]


def observe(run: Run, *, again: bool = True) -> dict[str, Any]:
    """Runs the scenario in a copy of the variant, on the real Prefect, and returns what it printed.

    `both/` finds `compat` and nothing else of this repository. With `[server]`, what the server then holds and what
    executed runs did is added. A run whose own server found its SQLite database locked, as happens on a busy machine, is
    made once more in a fresh copy. Raises AssertionError with the output where the scenario fails.
    """
    with tempfile.TemporaryDirectory(prefix=f"{run}-", ignore_cleanup_errors=True) as directory:
        place = Path(directory).resolve()
        project = place / "project"
        shutil.copytree(run.fixture.root / run.variant, project)
        found = [project, FIXTURES]
        if run.variant == "both":
            shim = place / "shim"
            shutil.copytree(ROOT / "compat", shim / "compat", ignore=shutil.ignore_patterns("__pycache__"))
            found.append(shim)
        arguments = [str(run.fixture.root / "scenario.py")]
        variables = {"PYTHONPATH": os.pathsep.join(map(str, found)), **_results_in(place / "results")}
        env = environment(run.version)
        if run.fixture.deployments is None:
            done = env.run(arguments, cwd=project, variables=variables)
            if done.returncode and BUSY in done.stderr and again:
                return observe(run, again=False)
            return _printed(run, done)
        with server(env) as running:
            create_process_pool(running, run.fixture.deployments.pool)
            observed = _printed(run, running.run(arguments, cwd=project, variables=variables))
            observed.update(_deployed(running, run.fixture.deployments, place, variables))
            return observed


def _results_in(directory: Path) -> dict[str, str]:
    """Where persisted results go: Prefect 3.4 to 3.7 otherwise put them below the user's home, whatever PREFECT_HOME is."""
    return {name: str(directory) for name in ("PREFECT_LOCAL_STORAGE_PATH", "PREFECT_RESULTS_LOCAL_STORAGE_PATH")}


def _printed(run: Run, done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The observations that a scenario printed as its last line."""
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        raise AssertionError(f"{run} ended with status {done.returncode}\n{done.stdout}\n{done.stderr[-8000:]}")
    printed: dict[str, Any] = json.loads(lines[-1])
    return printed


def _deployed(running: Server, wanted: Deployments, place: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    """What the server holds of the deployments, and what came of their runs in a worker that starts elsewhere.

    Fields that are null are left out; the project's directory is written as `<project>`, the id of a block as `<block>`.
    """
    held = {}
    for name in wanted.read:
        held[name] = {key: value for key, value in read_deployment(running, name).items() if value is not None}
        for block in held[name].keys() & {"infrastructure_document_id", "storage_document_id"}:
            held[name][block] = "<block>"
    outbox, elsewhere = place / "outbox", place / "elsewhere"
    outbox.mkdir()
    elsewhere.mkdir()
    with_outbox = {**variables, "OUTBOX": str(outbox)}
    runs = {
        name: run_worker_once(running, wanted.pool, name, cwd=elsewhere, variables=with_outbox) for name in wanted.run
    }
    states = {name: f"{run.state_type}/{run.state_name}" for name, run in runs.items()}
    for name, state in states.items():
        if state != "COMPLETED/Completed":
            print(f"{name}: {state}\n{runs[name].worker_output[-6000:]}", file=sys.stderr)
    written = {path.name: path.read_text() for path in sorted(outbox.iterdir())}
    text = json.dumps({"deployments": held, "runs": states, "written": written})
    observed: dict[str, Any] = json.loads(text.replace(str(place / "project"), "<project>"))
    return observed


def files_of(directory: Path) -> dict[str, bytes]:
    """The files below a directory, by relative path with forward slashes."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def table(fixtures: Sequence[Fixture]) -> str:
    """The README's table of fixtures as Markdown, with the versions each one was run on."""
    rows = ["| fixture | what it is | proved by running |", "|---|---|---|"]
    for fixture in fixtures:
        where = "; ".join(f"`{variant}` on {', '.join(fixture.runs[variant])}" for variant in fixture.variants)
        rows.append(f"| [`{fixture.name}`](fixtures/{fixture.name}) | {fixture.title} | {fixture.proves} ({where}) |")
    return "\n".join(rows) + "\n"


def _put(place: Any, path: Sequence[str], value: Any) -> None:
    """Sets or removes what a path names; `*` stands for every key. Raises KeyError for a path that leads nowhere."""
    key, *rest = path
    keys = list(place) if key == "*" else [int(key) if isinstance(place, list) else key]
    for found in keys:
        if rest:
            _put(place[found], rest, value)
        elif value is _ABSENT:
            del place[found]
        else:
            place[found] = value


def _repeats(run: Run, runs: Sequence[Run]) -> bool:
    return any(other.variant != "both" and other.version == run.version and _same_text(run, other) for other in runs)


def _same_text(one: Run, other: Run) -> bool:
    return files_of(one.fixture.root / one.variant) == files_of(other.fixture.root / other.variant)


def _main(arguments: Sequence[str]) -> Iterator[str]:
    if not arguments:
        yield table(all_fixtures())
    elif arguments[0] == "run":
        yield json.dumps(observe(Run(load(arguments[1]), arguments[2], arguments[3])), indent=2, sort_keys=True) + "\n"
    elif arguments[0] == "record":
        fixture = load(arguments[1])
        found = observe(all_runs(fixture)[0])
        text = json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        (fixture.root / "observed.json").write_text(text)
        yield text
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    for printed in _main(sys.argv[1:]):
        print(printed, end="")

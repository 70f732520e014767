"""What the command lines of both majors really have: each row of the table of options, and whole scripts on real servers."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from migrator.config import Settings
from migrator.deployments.options import OLD, Old, Row
from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, environment, release
from tests.support.recording import fix
from tests.support.servers import Server, create_process_pool, read_deployment, run_worker_once, server

pytestmark = pytest.mark.prefect

_OPTIONS = """
import json, typer.main
from prefect.cli import app
found = {}
def walk(command, path):
    found[" ".join(path)] = [
        [*option.opts, *option.secondary_opts]
        for option in command.params
        if option.param_type_name == "option" and option.name != "help"
    ]
    for name, inner in getattr(command, "commands", {}).items():
        walk(inner, [*path, name])
walk(typer.main.get_command(app), [])
print("OPTIONS", json.dumps(found))
"""


_RUN = "import sys; sys.argv[0] = 'prefect'; from prefect.cli import app; app()"


@cache
def options_of_2(version: str) -> dict[str, list[list[str]]]:
    """The options of every command of a release of Prefect 2."""
    done = environment(version).run(["-c", _OPTIONS])
    assert done.returncode == 0, done.stderr
    found: dict[str, list[list[str]]] = json.loads(done.stdout.partition("OPTIONS ")[2])
    return found


@cache
def help_of(version: str, command: str) -> str:
    """What `prefect COMMAND --help` says."""
    done = environment(version).run(
        ["-c", _RUN, *command.split(), "--help"], variables={"COLUMNS": "250", "NO_COLOR": "1", "TERM": "dumb"}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("version", ["2.0.4", "2.8.7", "2.10.21", PREFECT_2])
def test_every_option_of_prefect_2_has_its_row(version: str) -> None:
    real = options_of_2(version)
    minor = release(version)[:2]
    for old in OLD:
        if not old.name.startswith("deployment create"):
            assert (old.name in real) == (_number(old.first) <= minor <= _number(old.last)), old.name
        for spellings in real.get(old.name, ()):
            rows = [row for row in old.rows if set(spellings) & set(row.spellings)]
            covered = {spelling for row in rows for spelling in row.spellings}
            assert rows and all(spelling in covered or spelling.startswith("--no-") for spelling in spellings), (
                old.name,
                spellings,
            )
            assert all(_number(row.first) <= minor <= _number(row.last) for row in rows), (old.name, spellings)


def _number(minor: str) -> tuple[int, ...]:
    return tuple(int(part) for part in minor.rstrip("b").split("."))


ROWS = [
    (version, old, row)
    for version in (PREFECT_3_OLDEST, PREFECT_3)
    for old in OLD
    for row in old.rows
    if row.new is not None and row.new.startswith("-") and (row.other or old.new) != "init"
]


@pytest.mark.parametrize(
    ("version", "old", "row"),
    ROWS,
    ids=[f"{version}-{old.name.replace(' ', '-')}{row.spellings[0]}" for version, old, row in ROWS],
)
def test_new_command_has_the_option(version: str, old: Old, row: Row) -> None:
    assert row.new is not None and old.new is not None
    text = help_of(version, row.other or old.new)
    assert f"{row.new} " in text or f"{row.new}," in text


@pytest.mark.parametrize("version", [PREFECT_3_OLDEST, PREFECT_3])
def test_gone_commands_and_options_are_gone(version: str) -> None:
    groups = help_of(version, "deployment")
    for name in ("build", "apply", "set-schedule", "pause-schedule", "resume-schedule"):
        assert f" {name} " not in groups
    top = help_of(version, "")
    for name in ("agent", "kubernetes", "project"):
        assert f"│ {name} " not in top
    deploy = help_of(version, "deploy")
    assert "--ci " not in deploy and "--flow " not in deploy
    assert ("--variable " in deploy) == (release(version) < (3, 3))
    assert ("--no-enforce-parameter-schema" in deploy) == (release(version) >= (3, 1))


@pytest.mark.parametrize("version", [PREFECT_3_OLDEST, PREFECT_3])
def test_init_takes_what_project_init_took(version: str, tmp_path: Path) -> None:
    env = environment(version)
    done = env.run(["-c", _RUN, "--no-prompt", "init", "--name", "x", "--recipe", "local"], cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "name: x" in (tmp_path / "prefect.yaml").read_text()


FLOW = '''from prefect import flow


@flow
def etl(table: str = "a", n: int = 1):
    """Loads a table."""
    print("RAN", table, n)
'''

SCRIPT = """set -e
prefect deployment build ./flows/etl.py:etl -n nightly -p my-pool -q slow -v 1 -t a -t b -q fast \\
  --description 'It is "loaded".' --cron '0 3 * * *' --timezone Europe/Berlin \\
  --param table=b --param n=3 \\
  --override env.LEVEL='x=y' --override env.OTHER=1 \\
  -o etl.yaml
prefect deployment apply etl.yaml
prefect deployment build flows/etl.py:etl -n hourly -p my-pool --interval 3600 --anchor-date 2024-01-01T00:00:00+00:00 -v 2 -a
prefect deployment build flows/etl.py:etl -n ruled -p my-pool --params '{"n": 4}' -v 3 -a \\
  --rrule '{"rrule": "DTSTART:20240101T000000\\nFREQ=DAILY;BYHOUR=9", "timezone": "Europe/Paris"}'
prefect deployment set-schedule etl/hourly --cron '30 4 * * *' --timezone Europe/Rome
"""

ENTRIES = """set -e
prefect deployment build ./flows/etl.py:etl -n here -p my-pool -v 1 -t a --param n=5 --interval 60 --anchor-date 2024-01-01T00:00:00+00:00 -a
prefect deployment build flows/etl.py:etl -n there -p my-pool -v "$VERSION" -q fast --path "/srv/code" -a
"""

COMPARED = ("name", "version", "tags", "parameters", "work_pool_name", "work_queue_name", "paused", "entrypoint")


def deployed(version: str, script: str, names: tuple[str, ...], directory: Path, runs: str = "") -> dict[str, Any]:
    """What a server of `version` holds after a script has run against it; `runs` is a deployment of which one run is made."""
    (directory / "flows").mkdir(exist_ok=True)
    (directory / "flows" / "etl.py").write_text(FLOW)
    (directory / "deploy.sh").write_text(script)
    if release(version) >= (3,):
        fix([str(directory)], Settings(target="3.8", select=("PF35",), unsafe_fixes=True, output_format="json"))
    env = environment(version)
    with server(env) as running:
        create_process_pool(running, "my-pool")
        _run_script(running, directory)
        held = {name: read_deployment(running, f"etl/{name}") for name in names}
        if runs and release(version) >= (3,):
            run = run_worker_once(running, "my-pool", f"etl/{runs}", cwd=directory.parent)
            assert run.state_type == "COMPLETED", run
            assert "RAN b 3" in run.worker_output
        return held


def _run_script(running: Server, directory: Path) -> None:
    done = subprocess.run(
        ["bash", "deploy.sh"],
        cwd=directory,
        env=running.variables({"VERSION": "7"}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _nested(variables: dict[str, Any]) -> dict[str, Any]:
    """Job variables with dotted names, as agents of Prefect 2 read them."""
    made: dict[str, Any] = {}
    for key, value in (variables or {}).items():
        *parents, last = key.split(".")
        inside = made
        for parent in parents:
            inside = inside.setdefault(parent, {})
        inside[last] = value
    return made


def _same(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert old.keys() == new.keys()
    for name in old:
        assert {key: new[name][key] for key in COMPARED} == {key: old[name][key] for key in COMPARED}
        assert new[name]["schedules"] == old[name]["schedules"]
        assert new[name]["job_variables"] == _nested(old[name]["job_variables"])
        assert not new[name]["enforce_parameter_schema"] and not old[name]["enforce_parameter_schema"]


def test_script_registers_the_same_deployments_on_both_majors(tmp_path: Path) -> None:
    names = ("nightly", "hourly", "ruled")
    for version in (PREFECT_2, PREFECT_3):
        (tmp_path / version).mkdir()
    old = deployed(PREFECT_2, SCRIPT, names, tmp_path / PREFECT_2)
    new = deployed(PREFECT_3, SCRIPT, names, tmp_path / PREFECT_3, runs="nightly")
    _same(old, new)
    assert new["nightly"]["description"] == old["nightly"]["description"]
    step = {"prefect.deployments.steps.set_working_directory": {"directory": str(tmp_path / PREFECT_3)}}
    assert new["nightly"]["pull_steps"] == [step]
    assert old["nightly"]["path"] == str(tmp_path / PREFECT_2)


def test_entries_register_the_same_deployments_on_both_majors(tmp_path: Path) -> None:
    for version in (PREFECT_2, PREFECT_3):
        (tmp_path / version).mkdir()
    old = deployed(PREFECT_2, ENTRIES, ("here", "there"), tmp_path / PREFECT_2)
    new = deployed(PREFECT_3, ENTRIES, ("here", "there"), tmp_path / PREFECT_3)
    _same(old, new)
    assert old["there"]["path"] == "/srv/code"
    assert new["there"]["pull_steps"] == [
        {"prefect.deployments.steps.set_working_directory": {"directory": "/srv/code"}}
    ]

"""prefect-migrator-compat installed where flows run: into real Prefect environments, by pip, from the wheel.

It must change nothing there but itself. Each environment is a copy by hard links, because the tests share theirs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import migrator
from tests.support.compat_programs import cases, run_programs
from tests.support.distributions import Release, build
from tests.support.environments import EVERY, PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, Environment, environment

PYTHON_3_8 = f"python3.8-{PREFECT_2}"
NEEDED = ("2.8.7", PREFECT_2, PYTHON_3_8, PREFECT_3)
VERSIONS = ("2.0.4", "2.8.7", "2.13.8", PREFECT_2, PYTHON_3_8, PREFECT_3_OLDEST, PREFECT_3) if EVERY else NEEDED

PROGRAM = """
import json, sys
from prefect import flow, task
import compat
from compat import fan_out

@task
def fetch(name):
    return "row of " + {"a": "a", "b": "b"}[name]

@task
def store(name, row):
    return name + " -> " + row

@flow
def load():
    found = fan_out(fetch, ["a", "c", "b"], then=store, on_failure="collect", ordered=True)
    print("FOUND", json.dumps([[each.item, each.value, repr(each.error)] for each in found]))
    return 0

load()
print("FILE", compat.__file__)
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return build(tmp_path_factory.mktemp("release"))


def copy_of(version: str, root: Path) -> Environment:
    """A copy of an environment that a test may change; its files are links to the same ones, which installers replace."""
    shared = environment(version)
    venv = shared.python.parent.parent
    shutil.copytree(venv, root, symlinks=True, copy_function=_link)
    return dataclasses.replace(shared, python=root / shared.python.relative_to(venv))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def pip(env: Environment, *arguments: str) -> subprocess.CompletedProcess[str]:
    variables = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_CONFIG_FILE": os.devnull}
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(env.home())
        return subprocess.run(
            [str(env.python), "-m", "pip", *arguments],
            env=env.variables(home, variables),
            capture_output=True,
            text=True,
        )


def installed(env: Environment) -> dict[str, str]:
    """Every installed distribution with its version."""
    listed = json.loads(pip(env, "list", "--format=json").stdout)
    return {each["name"].lower(): each["version"] for each in listed}


@pytest.mark.prefect
@pytest.mark.parametrize("version", VERSIONS)
def test_compat_is_installed_on_a_worker_and_nothing_else_changes(
    version: str, release: Release, tmp_path: Path
) -> None:
    env = copy_of(version, tmp_path / "venv")
    before = installed(env)
    checked = pip(env, "check").stdout
    assert "prefect" in before and "prefect-migrator-compat" not in before
    done = pip(env, "install", str(release.wheel("prefect-migrator-compat")))
    assert done.returncode == 0, done.stderr
    assert installed(env) == {**before, "prefect-migrator-compat": migrator.__version__}
    assert pip(env, "check").stdout == checked
    (tmp_path / "program.py").write_text(PROGRAM)
    ran = env.run([str(tmp_path / "program.py")], cwd=tmp_path)
    told = dict(line.split(" ", 1) for line in ran.stdout.splitlines() if line.startswith(("FOUND ", "FILE ")))
    assert "FOUND" in told, ran.stderr[-4000:]
    wanted = [["a", "a -> row of a", "None"], ["c", None, "KeyError('c')"], ["b", "b -> row of b", "None"]]
    assert json.loads(told["FOUND"]) == wanted
    assert Path(told["FILE"]).is_relative_to(tmp_path / "venv")


@pytest.mark.prefect
@pytest.mark.skipif(not EVERY, reason="takes minutes: MIGRATOR_TEST_ALL_VERSIONS")
def test_python_3_8_does_the_same_as_later_ones() -> None:
    found = run_programs(PYTHON_3_8)
    assert sorted(found) == sorted(cases())
    assert {key: saw for key, (saw, _) in found.items()} == {key: wanted for key, (_, wanted) in found.items()}

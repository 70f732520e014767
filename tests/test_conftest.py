"""A test whose Prefect cannot be had: left out, listed, or a failure where `.ci/run` asks for all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from migrator.knowledge.generate import environments
from migrator.knowledge.generate.environments import Unavailable, older_python
from tests.conftest import REQUIRE

ROOT = Path(__file__).parent.parent

TESTS = """
import pytest
from migrator.knowledge.generate import environments

def unavailable(version):
    raise environments.Unavailable(version, "is not here")

@pytest.fixture
def prefect(request):
    unavailable(request.param)

@pytest.mark.parametrize("prefect", ["2.7.12", "2.8.7"], indirect=True)
def test_that_asks_in_a_fixture(prefect): pass

@pytest.mark.parametrize("version", ["2.0.4", "3.8.8"])
def test_that_asks_itself(version): unavailable(version)

def test_whose_prefect_does_not_install(): raise RuntimeError("could not be installed")

def test_that_needs_no_prefect(): pass

@pytest.mark.skip(reason="another reason")
def test_that_is_skipped_for_another_reason(): pass
"""
OLD = ["test_it.py::test_that_asks_in_a_fixture[2.7.12]", "test_it.py::test_that_asks_itself[2.0.4]"]
NEW = ["test_it.py::test_that_asks_in_a_fixture[2.8.7]", "test_it.py::test_that_asks_itself[3.8.8]"]
BROKEN = "test_it.py::test_whose_prefect_does_not_install"


def outcomes(folder: Path, older: str | None, required: bool, *options: str) -> tuple[int, dict[str, str], list[str]]:
    """Runs `TESTS` with this project's conftest: the status, the outcome of each test, and the lines of the list at the end.

    `older` stands for the older Python that is installed, and None for a machine without one.
    """
    (folder / "pytest.ini").touch()
    (folder / "test_it.py").write_text(f"{TESTS}\nenvironments.older_python = lambda minors=(): {older!r}\n")
    variables = {k: v for k, v in os.environ.items() if k not in (REQUIRE, "PYTEST_ADDOPTS", "MIGRATOR_RECORD_CASES")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rA", "-p", "tests.conftest", "-p", "no:cacheprovider", *options],
        cwd=folder,
        env={**variables, "PYTHONPATH": str(ROOT), **({REQUIRE: "1"} if required else {})},
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    found = {}
    for line in lines:
        outcome, _, test = line.partition(" ")
        if outcome in ("PASSED", "FAILED", "ERROR"):
            found[test.partition(" - ")[0]] = outcome
    start = next((at for at, line in enumerate(lines) if "a Prefect could not be had" in line), len(lines))
    listed = [line.strip() for line in lines[start:] if line.startswith("  test_it.py")]
    return done.returncode, found, listed


def test_without_the_switch_all_are_left_out_and_listed(tmp_path: Path) -> None:
    status, found, listed = outcomes(tmp_path, None, False, "-n", "2")
    assert status == 1
    assert sorted(listed) == sorted([*OLD, *NEW])
    assert found == {"test_it.py::test_that_needs_no_prefect": "PASSED", BROKEN: "FAILED"}


def test_with_the_switch_only_those_that_need_an_older_python_are_left_out(tmp_path: Path) -> None:
    status, found, listed = outcomes(tmp_path, None, True, "-n", "2")
    assert status == 1
    assert sorted(listed) == sorted(OLD)
    assert found == {
        "test_it.py::test_that_needs_no_prefect": "PASSED",
        BROKEN: "FAILED",
        NEW[0]: "ERROR",
        NEW[1]: "FAILED",
    }


def test_with_the_switch_and_an_older_python_none_is_left_out(tmp_path: Path) -> None:
    status, found, listed = outcomes(tmp_path, "/usr/bin/python3.10", True, "-n", "0")
    assert status == 1
    assert listed == []
    assert {test for test, outcome in found.items() if outcome != "PASSED"} == {*OLD, *NEW, BROKEN}


def test_what_is_left_out_for_want_of_an_older_python_does_not_fail_the_run(tmp_path: Path) -> None:
    status, _, listed = outcomes(tmp_path, None, True, "-n", "0", "-k", "2.0.4 or needs_no")
    assert (status, listed) == (0, [OLD[1]])


def python(folder: Path, name: str, starts: bool = True) -> str:
    """A program that is called as a Python, and starts or does not, as the shims of pyenv do for versions that are not chosen."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {0 if starts else 127}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with nothing but the running Python: a folder that is all of PATH, and a home."""
    monkeypatch.setattr(environments, "uv", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


on_posix = pytest.mark.skipif(os.name != "posix", reason="its Pythons are shell scripts")


@on_posix
def test_no_older_python_is_found_where_none_is(bare: Path) -> None:
    python(bare, "bin/python3.10", starts=False)
    python(bare, "bin/python3.8")
    python(bare, "pyenv/versions/3.11.7/bin/python")
    assert older_python() is None


@on_posix
def test_older_pythons_are_found_on_path_and_of_pyenv(bare: Path) -> None:
    python(bare, "bin/python3.10", starts=False)
    nine = python(bare, "bin/python3.9")
    assert older_python() == nine
    ten = python(bare, "pyenv/versions/3.10.13/bin/python")
    assert older_python() == ten
    assert older_python((9,)) == nine


@on_posix
def test_older_pythons_of_uv_are_found(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv, ten = bare / "uv", python(bare, "managed/python")
    uv.write_text(f'#!/bin/sh\n[ "$UV_PYTHON_DOWNLOADS" = never ] || exit 3\n[ "$4" = 3.10 ] && echo {ten} || exit 2\n')
    uv.chmod(0o755)
    monkeypatch.setattr(environments, "uv", lambda: str(uv))
    assert older_python() == ten
    assert older_python((9,)) is None


@on_posix
def test_releases_are_run_on_the_python_that_they_need(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 11, 7))
    assert environments._interpreter("2.8.7") == sys.executable
    with pytest.raises(
        Unavailable, match=r"Prefect 2\.7\.12 needs Python 3\.9 or 3\.10, and neither is installed"
    ) as raised:
        environments._interpreter("2.7.12")
    assert raised.value.excused
    assert not Unavailable("2.8.7", "is not here").excused
    nine = python(bare, "bin/python3.9")
    assert not raised.value.excused
    assert [environments._interpreter(version) for version in ("2.7.12", "2.8.7")] == [nine, sys.executable]
    ten = python(bare, "bin/python3.10")
    assert [environments._interpreter(version) for version in ("2.7.12", "2.12.1")] == [ten, ten]
    assert environments._interpreter("2.13.8") == sys.executable


def test_a_release_below_2_8_runs_on_the_running_python_where_that_is_old_enough(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    assert environments._interpreter("2.0.4") == sys.executable
    assert not Unavailable("2.0.4", "is not here").excused


@on_posix
@pytest.mark.parametrize("failing", ["venv", "pip"])
def test_an_installation_that_fails_is_no_want_of_a_prefect(
    bare: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    monkeypatch.setenv("MIGRATOR_TEST_CACHE", str(bare / "cache"))
    interpreter = bare / "python"
    interpreter.write_text(f"#!/bin/sh\necho no {failing} here >&2\nexit 1\n")
    interpreter.chmod(0o755)
    if failing == "pip":
        interpreter.write_text(
            '#!/bin/sh\n/bin/mkdir -p "$3/bin"\nprintf \'#!/bin/sh\\necho no pip here\\nexit 1\\n\' > "$3/bin/python"\n/bin/chmod +x "$3/bin/python"\n'
        )
    monkeypatch.setattr(environments, "_interpreter", lambda version: str(interpreter))
    with pytest.raises(RuntimeError, match=rf"Prefect 2\.7\.12 could not be installed:\n(.|\n)*no {failing} here"):
        environments.installed("2.7.12")

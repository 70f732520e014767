"""What the helpers keep of their cases, and what is then said about them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from migrator import config
from migrator.config import Settings
from migrator.findings import Severity
from tests.support import recorded, recording
from tests.support.examples import findings_in, prove, prove_files, prove_untouched

IMPORT = "from prefect.filesystems import S3\n"
UNREADABLE = "import prefect\nx = (\n"
SUPPRESSED = "import prefect  # migrator: ignore[PF101]\n"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this test's cases are kept."""
    monkeypatch.setattr(recording, "_directory", tmp_path / "cases")
    monkeypatch.setattr(recording, "_seen", {})
    return tmp_path / "cases"


def test_each_helper_keeps_what_it_is_given_with_its_settings(kept: Path) -> None:
    findings_in(IMPORT)
    prove_untouched("import prefect\n", target="both")
    prove(
        "from prefect import flow\n",
        "from prefect import flow\n",
        files={"lib/a.py": "a = 1\n"},
        unsafe=False,
        target="3.4",
    )
    prove_files({"run.sh": "echo\n"}, {"run.sh": "echo\n"}, select=("PF35",), work_pool="local")
    assert [(case / recording.SETTINGS).read_text() for case in recording.cases(kept)] == [
        "[tool.migrator]\n",
        '[tool.migrator]\ntarget = "both"\nunsafe-fixes = true\n',
        '[tool.migrator]\ntarget = "3.4"\n',
        '[tool.migrator]\nselect = ["PF35"]\nunsafe-fixes = true\nwork-pool = "local"\n',
    ]
    (first, _, third, last) = recording.cases(kept)
    assert (first / "flows.py").read_text() == IMPORT
    assert (third / "lib" / "a.py").read_text() == "a = 1\n"
    assert (last / "run.sh").read_text() == "echo\n"


def test_a_case_is_kept_before_a_helper_fails(kept: Path) -> None:
    with pytest.raises(AssertionError):
        prove_untouched(IMPORT)
    assert len(recording.cases(kept)) == 1


def test_the_same_case_is_kept_once(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for test in (
        "tests/test_b.py::test_it (call)",
        "tests/test_a.py::test_it (call)",
        "tests/test_a.py::test_it (setup)",
    ):
        monkeypatch.setenv("PYTEST_CURRENT_TEST", test)
        findings_in(IMPORT)
        findings_in(IMPORT, target="both")
        findings_in(IMPORT)
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_c.py::test_it (call)")
    findings_in(IMPORT)
    findings_in(IMPORT, target="3.1")
    assert recording.finish() == 3
    kept_names = [case.relative_to(kept).as_posix() for case in recording.cases(kept)]
    assert kept_names == ["test_a.test_it/1", "test_a.test_it/2", "test_c.test_it/2"]


def test_nothing_is_kept_without_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "_directory", None)
    monkeypatch.chdir(tmp_path)
    findings_in(IMPORT)
    assert recording.finish() is None
    assert not list(tmp_path.iterdir())


def test_a_folder_with_something_in_it_is_refused(kept: Path) -> None:
    recording.begin()
    findings_in(IMPORT)
    with pytest.raises(pytest.UsageError, match="is not empty"):
        recording.begin()


@pytest.mark.parametrize("name", ["/flows.py", "../flows.py"])
def test_a_name_outside_of_the_project_is_refused(kept: Path, name: str) -> None:
    with pytest.raises(ValueError, match="is not below the root of a project"):
        recording.check_source(IMPORT.encode(), name, Settings())
    assert not kept.exists()


def test_every_setting_of_what_is_found_and_fixed_comes_back(tmp_path: Path) -> None:
    values = {
        "target": "both",
        "from_": "2.13",
        "select": ("PF1", "PF2"),
        "ignore": ("PF101",),
        "exclude": ("old/", 'a"b'),
        "fail_on": Severity.INFO,
        "compat": "shop._shim",
        "unsafe_fixes": True,
        "annotate": True,
        "work_pool": "the \\ pool",
    }
    left = {field.name for field in fields(Settings)} - values.keys()
    assert left == recording._OF_THE_REPORT, "give the new setting a value here"
    settings = Settings(**values)  # type: ignore[arg-type]
    (tmp_path / recording.SETTINGS).write_text(recording.with_settings("", settings))
    read = config.merge(config.load(str(tmp_path)), {})
    assert {name: getattr(read, name) for name in values} == values


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[tool.migrator]\ntarget = "both"\n'),
        ('[project]\nname = "a"', '[project]\nname = "a"\n\n[tool.migrator]\ntarget = "both"\n'),
        ('[tool.migrator]\ntarget = "3.1"\n\n[project]\n', '[project]\n\n[tool.migrator]\ntarget = "both"\n'),
    ],
    ids=["none", "another table", "a table of its own"],
)
def test_settings_that_a_case_brings_along_make_room_for_those_of_the_test(before: str, after: str) -> None:
    assert recording.with_settings(before, Settings(target="both")) == after


def test_names_of_folders_differ_where_names_of_tests_do() -> None:
    tests = ["tests/test_a.py::test_x", "tests/test_a.py::test_x[a/b]", "tests/test_a.py::test_x[a b]"]
    tests += [f"tests/test_a.py::test_x[{'long' * 50}{end}]" for end in "ab"]
    names = [recording.folder_name(test) for test in tests]
    assert names[0] == "test_a.test_x"
    assert len(set(names)) == len(tests)
    assert all(len(name) < 120 and "/" not in name and " " not in name for name in names)


def test_check_in_a_kept_folder_says_what_the_helper_said(kept: Path) -> None:
    code = "from prefect.task_runners import SequentialTaskRunner\n" + IMPORT
    wanted = [[code for code, _, _ in findings_in(code, target=target)] for target in ("3", "both")]
    answers = recorded.ask(recorded.HERE, kept)
    assert [
        [finding["code"] for finding in recorded._findings(said["check"])] for said in answers.cases.values()
    ] == wanted
    assert all(wanted)


def test_codes_that_never_fire_are_named(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    findings_in(IMPORT)
    recording.check_source(UNREADABLE.encode(), "broken.py", Settings())
    recording.check_source(SUPPRESSED.encode(), "flows.py", Settings())
    assert {*recorded.fired(recorded.ask(recorded.HERE, kept))} >= {"PF000", "PF001", "PF101"}
    assert recorded.main([str(kept), "--jobs", "1"]) == 1
    silent = capsys.readouterr().out.rpartition("never fire: ")[2].split()
    assert "PF410" in silent
    assert not {"PF000", "PF001", "PF101"} & {*silent}


@pytest.fixture
def other(tmp_path: Path) -> Path:
    """A checkout of another state, which says what this one says."""
    for package in ("migrator", "compat"):
        shutil.copytree(
            recorded.HERE / package, tmp_path / "other" / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    return tmp_path / "other"


def test_two_states_that_say_the_same_have_no_difference(kept: Path, other: Path) -> None:
    findings_in(IMPORT)
    recording.check_source(UNREADABLE.encode(), "broken.py", Settings())
    before, now = recorded.ask(other, kept), recorded.ask(recorded.HERE, kept)
    assert not [*recorded.differences(before, now), *recorded.faults(now)]


@pytest.mark.parametrize(
    ("file", "old", "new", "command"),
    [
        ("migrator/cli.py", "raise typer.Exit(_status(reports, settings))", "raise typer.Exit(0)", "check"),
        ("migrator/reports/diff.py", "name, name, n=", "name, name + '.new', n=", "fix --diff"),
    ],
    ids=["status", "diff"],
)
def test_what_another_state_says_otherwise_is_printed(
    file: str, old: str, new: str, command: str, kept: Path, other: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    findings_in(IMPORT + "from prefect.task_runners import ConcurrentTaskRunner\nprint(ConcurrentTaskRunner)\n")
    text = (other / file).read_text()
    assert old in text
    (other / file).write_text(text.replace(old, new))
    assert recorded.main([str(kept), "--against", str(other), "--jobs", "1"]) == 1
    out = capsys.readouterr().out
    (case,) = recording.cases(kept)
    assert f"{case.relative_to(kept).as_posix()}: {command}\n" in out
    assert "differences and faults: 1" in out


def test_a_field_that_the_older_state_has_not_is_no_difference() -> None:
    def said(json: str) -> recorded.Answers:
        return recorded.Answers(frozenset(), {"case/1": {"check": recorded.Said(1, json, "")}})

    before, now = said('[{"code": "PF101"}]'), said('[{"code": "PF101", "details": []}]')
    assert not [*recorded.differences(before, now)]
    assert [*recorded.differences(now, before)]
    assert [*recorded.differences(before, said('[{"code": "PF102"}]'))]
    assert [*recorded.differences(before, said("[]"))]


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (recorded.Said(1, "[]", ""), None),
        (
            recorded.Said(2, "[]", "Traceback (most recent call last):\nValueError: x\n"),
            "ends in a traceback: ValueError: x",
        ),
        (recorded.Said(-9, "", ""), "ends with the status -9"),
    ],
    ids=["none", "traceback", "killed"],
)
def test_a_traceback_or_another_status_is_a_fault(said: recorded.Said, fault: str | None) -> None:
    assert said.fault == fault


TEST_FILE = """
import pytest
from tests.support.examples import findings_in

@pytest.mark.parametrize("at", range(4))
def test_{name}(at):
    findings_in("from prefect.filesystems import S3\\n")
    findings_in(f"from prefect.filesystems import S3  # {name} {{at}}\\n")
"""


@pytest.fixture
def run_tests(tmp_path: Path) -> Callable[..., tuple[str, dict[str, bytes]]]:
    """Runs a small folder of tests that records, with this project's conftest; gives the output and the files kept."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "pytest.ini").touch()
    for name in ("one", "two"):
        (folder / f"test_{name}.py").write_text(TEST_FILE.format(name=name))

    def run(kept: Path, *options: str) -> tuple[str, dict[str, bytes]]:
        variables = {**os.environ, "PYTHONPATH": str(recorded.HERE), recording.VARIABLE: str(kept)}
        command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", *options]
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)
        return done.stdout + done.stderr, recording._files(kept)

    return run


def test_what_is_kept_does_not_depend_on_the_processes_that_run_the_tests(
    tmp_path: Path, run_tests: Callable[..., tuple[str, dict[str, bytes]]]
) -> None:
    output, alone = run_tests(tmp_path / "a")
    assert "8 passed" in output
    assert f"9 cases are kept in {tmp_path / 'a'}" in output
    output, in_two = run_tests(tmp_path / "b", "-n", "2", "--dist", "load")
    assert "8 passed" in output
    assert in_two == alone
    output, _ = run_tests(tmp_path / "a")
    assert "is not empty; give a new folder" in output

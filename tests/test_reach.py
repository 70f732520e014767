"""What `fix` may write: the files under the paths that it was given, and what it makes for them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from migrator.config import Settings
from migrator.findings import FileReport
from migrator.run import check, fix

ROOT = Path(__file__).resolve().parents[1]
OLD = "from prefect.task_runners import ConcurrentTaskRunner\n"
NEW = "from prefect.task_runners import ThreadPoolTaskRunner\n"
DEPLOYMENT = """\
name: nightly
flow_name: load
infra_overrides: {}
entrypoint: etl.py:load
"""
ENTRY = "  - name: nightly\n    entrypoint: etl.py:load\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="symbolic links need a privilege elsewhere")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project that is the current directory."""
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def texts(directory: str = "..") -> dict[str, str]:
    """The files and links below a directory, links by what they lead to."""
    return {
        path.relative_to(directory).as_posix(): f"-> {os.readlink(path)}" if path.is_symlink() else path.read_text()
        for path in sorted(Path(directory).rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def fixed(*paths: str, unsafe: bool = False) -> list[FileReport]:
    return fix(paths, Settings(unsafe_fixes=unsafe))


def shown(reports: list[FileReport]) -> list[str]:
    return [os.path.relpath(report.path) for report in reports]


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "migrator", *arguments],
        input=stdin,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
    )


# -- links below a path


@pytest.fixture
def linked() -> dict[str, str]:
    """A project with links that lead outside of it, and what is there at the start."""
    write({"own.py": OLD, "../other/flow.py": OLD, "../other/deep/flow.py": OLD})
    os.symlink("../other/flow.py", "a.py")
    os.symlink("../other/deep", "folder")
    return texts()


def test_what_a_link_leads_to_outside_is_not_written(linked: dict[str, str]) -> None:
    assert shown(check(["."], Settings())) == ["own.py"]
    assert shown(fixed(".")) == ["own.py"]
    assert texts() == {**linked, "project/own.py": NEW}


@pytest.mark.parametrize("options", [(), ("--quiet",), ("--output-format", "json"), ("--output-format", "json", "-q")])
def test_one_line_on_standard_error_names_the_links(linked: dict[str, str], options: tuple[str, ...]) -> None:
    note = b"note: 2 links lead outside of the given paths and are not followed (give them as PATHs to include them): `a.py`, `folder`\n"
    for command in (("check",), ("fix", "--diff"), ("fix",)):
        done = run(*command, ".", *options)
        assert done.stderr.count(note) == 1 and done.stderr.count(b"note: ") == 1
        assert note not in done.stdout
        if "json" in options and command != ("fix", "--diff"):
            json.loads(done.stdout)
    assert run("check", "own.py").stderr == b""


def test_line_about_one_link_says_what_to_do(linked: dict[str, str]) -> None:
    note = b"note: `a.py` leads outside of the given paths and is not followed; give it as a PATH to include it\n"
    assert run("check", ".", "--exclude", "folder").stderr == note
    assert run("check", ".", "--exclude", "folder", "--exclude", "a.py").stderr == b""


def test_line_about_many_links_names_five(linked: dict[str, str]) -> None:
    for number in range(7):
        os.symlink("../other/flow.py", f"b{number}.py")
    assert b"note: 9 links " in run("check", ".").stderr
    assert run("check", ".").stderr.endswith(b"): `a.py`, `b0.py`, `b1.py`, `b2.py`, `b3.py` and 4 more\n")


def test_comments_are_not_written_behind_links(project: Path) -> None:
    write({"../other/flow.py": "from prefect.orion import nothing\n", "own.py": "from prefect.orion import nothing\n"})
    os.symlink("../other/flow.py", "a.py")
    before = texts()
    fix(["."], Settings(annotate=True))
    assert texts()["other/flow.py"] == before["other/flow.py"]
    assert "TODO[migrator" in texts()["project/own.py"]


def test_links_inside_make_no_second_file(project: Path) -> None:
    write({"z/flow.py": OLD})
    os.symlink("z/flow.py", "a.py")
    os.symlink("z", "b")
    os.symlink("..", "z/up")
    assert shown(check(["."], Settings())) == ["z/flow.py"]
    before = texts()
    assert shown(fixed(".", "b", "a.py")) == ["z/flow.py"]
    assert texts() == {**before, "project/z/flow.py": NEW}


def test_link_that_is_given_is_followed(linked: dict[str, str]) -> None:
    assert shown(fixed("a.py")) == ["a.py"]
    assert texts() == {**linked, "other/flow.py": NEW}
    assert shown(fixed("folder")) == ["folder/flow.py"]
    assert texts() == {**linked, "other/flow.py": NEW, "other/deep/flow.py": NEW}


def test_path_through_a_link_that_is_given_is_followed(linked: dict[str, str]) -> None:
    assert shown(fixed("folder/flow.py")) == ["folder/flow.py"]
    assert texts() == {**linked, "other/deep/flow.py": NEW}


def test_path_that_goes_up_from_a_link_is_where_the_system_goes(linked: dict[str, str]) -> None:
    write({"flow.py": OLD})
    assert shown(fixed("folder/../flow.py")) == ["../other/flow.py"]
    assert texts() == {**linked, "project/flow.py": OLD, "other/flow.py": NEW}
    assert shown(fixed("../project/flow.py")) == ["flow.py"]


def test_hard_link_is_a_file_of_the_path(project: Path) -> None:
    write({"../other/flow.py": OLD})
    os.link("../other/flow.py", "a.py")
    assert shown(fixed(".")) == ["a.py"]
    assert texts() == {"other/flow.py": OLD, "project/a.py": NEW}


def test_standard_input_under_the_name_of_a_link_writes_nothing(linked: dict[str, str]) -> None:
    done = run("fix", "-", "--stdin-filename", "a.py", stdin=OLD.encode())
    assert done.stdout == NEW.encode()
    assert texts() == linked


def test_modules_outside_that_import_a_file_are_read_and_not_written(project: Path) -> None:
    write({"pyproject.toml": "", "runners.py": OLD, "flows/etl.py": "from runners import ConcurrentTaskRunner\n"})
    before = texts()
    assert shown(fixed("runners.py")) == ["runners.py"]
    kept = "from prefect.task_runners import ThreadPoolTaskRunner as ConcurrentTaskRunner\n"
    assert texts() == {**before, "project/runners.py": kept}


def test_importers_behind_a_link_count_and_are_not_written(project: Path) -> None:
    write({"pyproject.toml": "", "runners.py": OLD, "../other/etl.py": "from runners import ConcurrentTaskRunner\n"})
    os.symlink("../other", "jobs")
    before = texts()
    fixed(".")
    kept = "from prefect.task_runners import ThreadPoolTaskRunner as ConcurrentTaskRunner\n"
    assert texts() == {**before, "project/runners.py": kept}


# -- files that a fix makes or changes for another one


def test_file_that_is_made_for_a_given_one_is_written_and_named(project: Path) -> None:
    write({".git/HEAD": "", "flows/etl.py": "import prefect\n", "flows/x-deployment.yaml": DEPLOYMENT})
    reports = fixed("flows/x-deployment.yaml", unsafe=True)
    assert shown(reports) == ["flows/prefect.yaml", "flows/x-deployment.yaml"]
    assert ENTRY in texts()["project/flows/prefect.yaml"]
    assert "project/flows/x-deployment.yaml" not in texts()


def test_file_is_made_above_the_given_folder(project: Path) -> None:
    write({".git/HEAD": "", "etl.py": "import prefect\n", "flows/x-deployment.yaml": DEPLOYMENT})
    assert shown(fixed("flows", unsafe=True)) == ["flows/x-deployment.yaml", "prefect.yaml"]
    assert ENTRY in texts()["project/prefect.yaml"]


OTHERS = "deployments:\n  - name: other\n    entrypoint: etl.py:other\n    schedule:\n      cron: 0 5 * * *\n"


def test_file_beside_a_given_one_is_added_to_and_not_mended(project: Path) -> None:
    write({".git/HEAD": "", "etl.py": "import prefect\n", "x-deployment.yaml": DEPLOYMENT, "prefect.yaml": OTHERS})
    assert any(report.findings for report in check(["prefect.yaml"], Settings()))
    reports = fix(["x-deployment.yaml"], Settings(unsafe_fixes=True, annotate=True))
    assert shown(reports) == ["prefect.yaml", "x-deployment.yaml"]
    assert not [finding for report in reports for finding in report.findings]
    assert texts()["project/prefect.yaml"].startswith(OTHERS)
    assert ENTRY in texts()["project/prefect.yaml"]


def test_file_of_somebody_else_outside_of_the_path_is_not_changed(project: Path) -> None:
    write(
        {".git/HEAD": "", "etl.py": "import prefect\n", "flows/x-deployment.yaml": DEPLOYMENT, "prefect.yaml": OTHERS}
    )
    before = texts()
    reports = fixed("flows", unsafe=True)
    assert texts() == before
    failures = [report.failure.message for report in reports if report.failure]
    assert len(failures) == 1 and "prefect.yaml, outside of the given paths: give that as well" in failures[0]
    done = fixed("flows", "prefect.yaml", unsafe=True)
    assert not [report.failure for report in done if report.failure]
    assert ENTRY in texts()["project/prefect.yaml"]


def test_file_behind_a_link_is_not_changed_for_another_one(project: Path) -> None:
    write(
        {
            ".git/HEAD": "",
            "etl.py": "import prefect\n",
            "x-deployment.yaml": DEPLOYMENT,
            "../other/prefect.yaml": OTHERS,
        }
    )
    os.symlink("../other/prefect.yaml", "prefect.yaml")
    before = texts()
    for path in (".", "x-deployment.yaml"):
        reports = fixed(path, unsafe=True)
        assert texts() == before
        assert [
            report for report in reports if report.failure and "outside of the given paths" in report.failure.message
        ]
    fixed(".", "prefect.yaml", unsafe=True)
    assert ENTRY in texts()["other/prefect.yaml"]

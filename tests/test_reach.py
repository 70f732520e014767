"""What a run may touch: nothing outside of the given paths, each file once, and nothing of its own stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from migrator import run
from migrator.cli import app
from migrator.config import Settings
from migrator.writing import remove_leftovers

posix = pytest.mark.skipif(os.name != "posix", reason="symbolic links need a privilege elsewhere; SIGKILL is POSIX")
BEFORE = "from prefect.task_runners import ConcurrentTaskRunner\n\nRUNNER = ConcurrentTaskRunner()\n"
AFTER = BEFORE.replace("ConcurrentTaskRunner", "ThreadPoolTaskRunner")
DEPLOYMENT = """\
name: nightly
flow_name: etl
work_queue_name: default
parameters: {}
entrypoint: flows.py:etl
parameter_openapi_schema: null
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project that is the current directory, beside a folder called `other`."""
    for name in ("project", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "project" / ".git").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def called(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


# -- nothing outside


@posix
@pytest.mark.parametrize("command", ["check", "fix"])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_that_leads_outside_is_told_and_left(project: Path, command: str, kind: str) -> None:
    target = project.parent / "other" / "flow.py"
    target.write_text(BEFORE)
    (project / "own.py").write_text(BEFORE)
    name = "a.py" if kind == "file" else "linked"
    os.symlink("../other/flow.py" if kind == "file" else "../other", name)
    done = called(command, ".", "--output-format", "json")
    assert target.read_text() == BEFORE
    note = f"note: `{name}` leads outside of the given paths and is not followed; give it as a PATH to include it"
    assert [line for line in done.stderr.splitlines() if line.startswith("note: ")] == [note]
    assert "other" not in done.stdout and '"filename": "a.py"' not in done.stdout
    assert (project / "own.py").read_text() == (AFTER if command == "fix" else BEFORE)


@posix
@pytest.mark.parametrize("given", ["a.py", "linked"])
def test_a_link_that_is_given_is_followed(project: Path, given: str) -> None:
    target = project.parent / "other" / "flow.py"
    target.write_text(BEFORE)
    os.symlink("../other/flow.py", "a.py")
    os.symlink("../other", "linked")
    done = called("fix", given)
    assert target.read_text() == AFTER
    assert "note: " not in done.stderr
    assert (project / "a.py").is_symlink()


@posix
def test_a_file_with_two_names_is_reported_once_under_its_own(project: Path) -> None:
    (project / "real.py").write_text(BEFORE)
    os.symlink("real.py", "a.py")
    done = called("check", ".", "--output-format", "concise")
    assert "real.py:1" in done.stdout and "a.py:" not in done.stdout.replace("real.py:", "")
    assert "note: " not in done.stderr
    called("fix", ".")
    assert (project / "real.py").read_text() == AFTER and (project / "a.py").is_symlink()


@posix
def test_links_in_a_ring_and_links_to_nothing_are_no_trouble(project: Path) -> None:
    (project / "own.py").write_text(BEFORE)
    os.symlink("b", "a")
    os.symlink("a", "b")
    os.symlink("gone.py", "c.py")
    os.symlink(".", "here")
    done = called("fix", ".")
    assert (project / "own.py").read_text() == AFTER
    assert "note: " not in done.stderr and done.exit_code == 0


@posix
def test_the_file_that_a_fix_makes_is_not_written_through_a_link(project: Path) -> None:
    theirs = project.parent / "other" / "prefect.yaml"
    theirs.write_text("deployments: []\n")
    (project / "etl-deployment.yaml").write_text(DEPLOYMENT)
    os.symlink("../other/prefect.yaml", "prefect.yaml")
    called("fix", "--unsafe-fixes", ".")
    assert theirs.read_text() == "deployments: []\n"
    assert (project / "etl-deployment.yaml").read_text() == DEPLOYMENT


def test_the_file_that_a_fix_makes_for_a_given_file_is_named(project: Path) -> None:
    (project / "flows").mkdir()
    (project / "flows" / "etl-deployment.yaml").write_text(DEPLOYMENT)
    done = called("fix", "--unsafe-fixes", "flows/etl-deployment.yaml")
    assert (project / "flows" / "prefect.yaml").exists()
    assert "flows/prefect.yaml" in done.stdout


# -- nothing stays behind

KILLED = """
import os, signal, sys
from migrator import writing
os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
os.rename = os.replace
writing.write_atomically(sys.argv[1], b"new")
"""


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(".migrator-*"))


@posix
def test_the_next_fix_removes_what_a_killed_one_left(project: Path) -> None:
    file = project / "own.py"
    file.write_text(BEFORE)
    done = subprocess.run([sys.executable, "-c", KILLED, str(file)], cwd=Path(run.__file__).parent.parent)
    assert done.returncode == -signal.SIGKILL
    assert len(leftovers(project)) == 1 and file.read_text() == BEFORE
    for harmless in (("check", "."), ("fix", "--diff", ".")):
        called(*harmless)
        assert len(leftovers(project)) == 1
    called("fix", ".")
    assert leftovers(project) == [] and file.read_text() == AFTER


@posix
def test_the_temporary_file_of_a_living_process_stays(tmp_path: Path) -> None:
    from migrator import writing

    mine = tmp_path / writing._temporary_name()
    mine.write_text("half")
    remove_leftovers(str(tmp_path))
    assert mine.exists()


def test_what_only_looks_like_a_temporary_file_stays(tmp_path: Path) -> None:
    old = time.time() - 100_000
    for name in (".migrator-notes.tmp", "x.migrator-1-0123456789abcdef.tmp", ".migrator-1-0123456789abcdef.tmp.py"):
        (tmp_path / name).write_text("mine")
        os.utime(tmp_path / name, (old, old))
    remove_leftovers(str(tmp_path))
    assert len(list(tmp_path.iterdir())) == 3


def test_the_temporary_file_of_an_older_version_goes_once_it_is_old(tmp_path: Path) -> None:
    young, old = (tmp_path / f".migrator-{2**22 + 7}-{digit * 16}.tmp" for digit in "01")
    for path in (young, old):
        path.write_text("half")
    os.utime(old, (1, 1))
    remove_leftovers(str(tmp_path))
    assert not old.exists()


# -- each file once


def reads(root: Path, count: int, relevant: int, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often `check` opens each file of a tree of so many modules, so many of which use Prefect."""
    for number in range(count):
        folder = root / f"p{number % 10}"
        folder.mkdir(exist_ok=True)
        own = BEFORE if number < relevant else f"import os\n\nVALUE_{number} = os.sep\n"
        (folder / f"m{number}.py").write_text(own)
    (root / "pyproject.toml").touch()
    opened: Counter[str] = Counter()
    genuine = run.read

    def counting(path: str) -> bytes:
        opened[path] += 1
        return genuine(path)

    monkeypatch.setattr(run, "read", counting)
    found = run.check([str(root)], Settings(jobs=1))
    assert sum(bool(report.findings) for report in found) == relevant
    return opened


@pytest.mark.parametrize("relevant", [1, 10, 40])
def test_a_file_is_opened_a_fixed_number_of_times_whatever_the_number_of_flows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relevant: int
) -> None:
    opened = reads(tmp_path, 200, relevant, monkeypatch)
    mentions = {str(path): "prefect" in path.read_text() for path in tmp_path.rglob("m*.py")}
    irrelevant = [opened[path] for path, relevant_ in mentions.items() if not relevant_]
    assert len(irrelevant) == 200 - relevant
    assert max(irrelevant) <= 2
    assert sum(opened.values()) <= 3 * 200

from __future__ import annotations

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from migrator import writing
from migrator.writing import ChangedFileError, remove_leftovers, unchanged_since, write_atomically

ROOT = Path(__file__).resolve().parents[1]
NOBODY = 65534

on_posix = pytest.mark.skipif(os.name != "posix", reason="modes, owners and links as POSIX has them")


def names(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A directory that is owned by a user who is not root, and the test running as that user."""
    if os.name != "posix":
        pytest.skip("permissions as POSIX has them")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        root = os.geteuid() == 0
        if root:
            os.chown(directory, NOBODY, -1)
            os.seteuid(NOBODY)
        try:
            yield directory
        finally:
            if root:
                os.seteuid(0)
            directory.chmod(0o700)


def test_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "flow.py"
    target.write_bytes(b"old\n")
    write_atomically(str(target), b"new\r\n\xff\x00")
    assert target.read_bytes() == b"new\r\n\xff\x00"
    assert names(tmp_path) == ["flow.py"]


def test_relative_path_without_a_directory_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.py").write_bytes(b"old")
    write_atomically("flow.py", b"")
    assert (tmp_path / "flow.py").read_bytes() == b""
    assert names(tmp_path) == ["flow.py"]


@on_posix
def test_new_file_has_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_atomically(str(tmp_path / "report.json"), b"[]")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.json").stat().st_mode) == 0o640


@on_posix
@pytest.mark.parametrize("mode", [0o644, 0o600, 0o755, 0o664, 0o4755])
def test_mode_is_kept(tmp_path: Path, mode: int) -> None:
    target = tmp_path / "flow.py"
    target.write_bytes(b"old")
    target.chmod(mode)
    write_atomically(str(target), b"new")
    assert stat.S_IMODE(target.stat().st_mode) == mode


@on_posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file away")
def test_owner_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "flow.py"
    target.write_bytes(b"old")
    os.chown(target, 12345, 54321)
    target.chmod(0o4755)
    write_atomically(str(target), b"new")
    status = target.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (12345, 54321, 0o4755)


def test_owner_that_may_not_be_set_does_not_stop_the_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "flow.py"
    target.write_bytes(b"old")
    before = os.stat(target)
    tried: list[tuple[int, int]] = []

    def refuse(path: str, user: int, group: int) -> None:
        tried.append((user, group))
        raise PermissionError(errno.EPERM, "Operation not permitted", path)

    foreign = os.stat_result((*before[:4], before.st_uid + 1, *before[5:]))
    monkeypatch.setattr(os, "chown", refuse, raising=False)
    monkeypatch.setattr(writing, "_status", lambda path, target: foreign)
    write_atomically(str(target), b"new")
    assert tried == [(foreign.st_uid, before.st_gid), (-1, before.st_gid)]
    assert target.read_bytes() == b"new"
    assert names(tmp_path) == ["flow.py"]


@on_posix
def test_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    target = tmp_path / "real" / "flow.py"
    target.write_bytes(b"old")
    (tmp_path / "links" / "second.py").symlink_to("../real/flow.py")
    link = tmp_path / "links" / "first.py"
    link.symlink_to("second.py")
    write_atomically(str(link), b"new", expected=b"old")
    assert target.read_bytes() == b"new"
    assert (os.readlink(link), os.readlink(tmp_path / "links" / "second.py")) == ("second.py", "../real/flow.py")
    assert names(tmp_path / "links") == ["first.py", "second.py"]
    assert names(tmp_path / "real") == ["flow.py"]


@pytest.mark.parametrize("content", [b"old", b"edited by somebody", None])
def test_only_the_file_that_was_read_is_overwritten(tmp_path: Path, content: bytes | None) -> None:
    target = tmp_path / "flow.py"
    if content is not None:
        target.write_bytes(content)
    assert unchanged_since(str(target), b"old") == (content == b"old")
    if content == b"old":
        write_atomically(str(target), b"new", expected=b"old")
        assert target.read_bytes() == b"new"
        return
    with pytest.raises(ChangedFileError, match="changed by another program") as caught:
        write_atomically(str(target), b"new", expected=b"old")
    assert caught.value.filename == str(target)
    assert (target.read_bytes() if target.exists() else None) == content
    assert names(tmp_path) == (["flow.py"] if content else [])


@pytest.mark.parametrize("step", ["stat", "chmod", "replace"])
@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), SystemExit(1), MemoryError()])
def test_interruption_at_any_step_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, interruption: BaseException
) -> None:
    target = tmp_path / "flow.py"
    target.write_bytes(b"old")
    real = getattr(os, step)

    def interrupt(path: str, *rest: object) -> object:
        if str(path).endswith(".tmp"):
            raise interruption
        return real(path, *rest)

    monkeypatch.setattr(os, step, interrupt)
    with pytest.raises(type(interruption)):
        write_atomically(str(target), b"new")
    monkeypatch.undo()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["flow.py"]


def test_full_disk_is_reported_with_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "flow.py"
    target.write_bytes(b"old")

    def full(source: str, destination: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", source)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        write_atomically(str(target), b"new")
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["flow.py"]


def test_read_only_directory_is_refused(unprivileged: Path) -> None:
    target = unprivileged / "flow.py"
    target.write_bytes(b"old")
    unprivileged.chmod(0o500)
    with pytest.raises(PermissionError, match="no file can be written in its directory") as caught:
        write_atomically(str(target), b"new")
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"


def test_write_protected_file_is_refused(unprivileged: Path) -> None:
    target = unprivileged / "flow.py"
    target.write_bytes(b"old")
    target.chmod(0o444)
    with pytest.raises(PermissionError, match="the file is write-protected") as caught:
        write_atomically(str(target), b"new")
    assert caught.value.filename == str(target)
    assert target.read_bytes() == b"old"
    assert names(unprivileged) == ["flow.py"]


def test_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="is a directory"):
        write_atomically(str(tmp_path), b"new")
    assert names(tmp_path) == []


@on_posix
def test_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    with pytest.raises(OSError, match="is not a regular file"):
        write_atomically(str(tmp_path / "pipe.py"), b"new")
    assert stat.S_ISFIFO((tmp_path / "pipe.py").stat().st_mode)


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no such directory") as caught:
        write_atomically(str(tmp_path / "missing" / "flow.py"), b"new")
    assert caught.value.filename == str(tmp_path / "missing" / "flow.py")


def test_unreadable_file_is_not_called_unchanged(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        unchanged_since(str(tmp_path), b"")


WRITER = """
import itertools, signal, sys
from migrator.writing import write_atomically

signal.signal(signal.SIGINT, signal.default_int_handler)
path, size = sys.argv[1], int(sys.argv[2])
try:
    for letter in itertools.cycle((b"a", b"b")):
        write_atomically(path, letter * size)
        sys.stdout.write(".")
        sys.stdout.flush()
except KeyboardInterrupt:
    sys.exit(130)
"""


@on_posix
def test_interrupt_signal_during_writes_leaves_a_whole_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "flow.py"
    size = 2_000_000
    chance = random.Random(3)
    for _ in range(8):
        target.write_bytes(b"a" * size)
        command = [sys.executable, "-c", WRITER, str(target), str(size)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            assert process.stdout.read(1) == b"."
            time.sleep(chance.random() / 50)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, b"")
        assert target.read_bytes() in (b"a" * size, b"b" * size)
        assert names(tmp_path) == ["flow.py"]


# -- what a killed run leaves

OLD = b"from prefect.task_runners import ConcurrentTaskRunner\n"
KILLED = """
import os, sys, time
from migrator.cli import app

def stop(source, target):
    print(os.path.basename(source), flush=True)
    time.sleep(600)

os.replace = stop
app(["fix", "."])
"""


def killed(directory: Path) -> str:
    """The name of the temporary file that a `fix` leaves which is killed just before it renames it."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED],
        stdout=subprocess.PIPE,
        cwd=directory,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        assert process.stdout is not None
        name = process.stdout.readline().decode().strip()
        process.kill()
    assert process.returncode == -signal.SIGKILL
    return name


def migrator(directory: Path, *arguments: str) -> int:
    command = [sys.executable, "-m", "migrator", *arguments]
    return subprocess.run(command, cwd=directory, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode


@on_posix
def test_next_fix_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_bytes(OLD)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "flow.py").write_bytes(OLD)
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "flow.py").write_bytes(b"import prefect\n")
    left = killed(tmp_path)
    assert names(tmp_path) == sorted(["clean", "flow.py", "other", left])
    assert (tmp_path / "flow.py").read_bytes() == OLD
    (tmp_path / "clean" / left).write_bytes(b"")
    migrator(tmp_path, "check", ".")
    migrator(tmp_path, "fix", ".", "--diff")
    assert left in names(tmp_path)
    migrator(tmp_path, "fix", ".")
    assert names(tmp_path) == ["clean", "flow.py", "other"]
    assert names(tmp_path / "other") == ["flow.py"]
    assert names(tmp_path / "clean") == sorted(["flow.py", left])  # nothing is written there
    assert (tmp_path / "flow.py").read_bytes() != OLD


@on_posix
def test_fix_that_has_nothing_to_write_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_bytes(OLD)
    left = killed(tmp_path)
    (tmp_path / "flow.py").write_bytes(b"import prefect\n")
    migrator(tmp_path, "fix", ".")
    assert names(tmp_path) == sorted(["flow.py", left])


@pytest.fixture
def free_number() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def leave(directory: Path, name: str, age: float = 0) -> str:
    (directory / name).write_bytes(b"half")
    now = time.time()
    os.utime(directory / name, (now - age, now - age))
    return name


@on_posix
def test_temporary_file_of_a_living_process_stays(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from migrator import writing; print(writing._temporary_name(), flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        theirs = leave(tmp_path, process.stdout.readline().decode().strip())
        own = leave(tmp_path, writing._temporary_name())
        remove_leftovers(str(tmp_path))
        assert names(tmp_path) == sorted([own, theirs])
        process.kill()
    remove_leftovers(str(tmp_path))
    assert names(tmp_path) == [own]


@on_posix
@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="the system does not tell when a process started")
def test_number_that_another_process_has_since_is_no_owner(tmp_path: Path) -> None:
    own = writing._temporary_name()
    started = own.split("-")[2]
    leave(tmp_path, own.replace(f"-{started}-", f"-{int(started) - 1}-"), age=5)
    mine = leave(tmp_path, own, age=100_000)
    remove_leftovers(str(tmp_path))
    assert names(tmp_path) == [mine]


@on_posix
@pytest.mark.parametrize(
    ("age", "stays"), [(0, True), (3000, True), (-100_000, True), (4000, False)], ids=["new", "young", "ahead", "old"]
)
def test_temporary_file_of_another_system_goes_by_its_age(
    tmp_path: Path, free_number: int, age: float, stays: bool
) -> None:
    name = leave(tmp_path, f".migrator-{free_number}-123-00000000-{'a' * 16}.tmp", age)
    remove_leftovers(str(tmp_path))
    assert names(tmp_path) == ([name] if stays else [])


@on_posix
def test_temporary_file_of_an_older_version_goes_when_its_number_is_free(tmp_path: Path, free_number: int) -> None:
    leave(tmp_path, f".migrator-{free_number}-{'0123456789abcdef'}.tmp")
    living = leave(tmp_path, f".migrator-{os.getpid()}-{'0123456789abcdef'}.tmp")
    remove_leftovers(str(tmp_path))
    assert names(tmp_path) == [living]
    leave(tmp_path, living, age=4000)
    remove_leftovers(str(tmp_path))
    assert names(tmp_path) == []


@on_posix
def test_nothing_but_temporary_files_is_removed(tmp_path: Path, free_number: int) -> None:
    target = tmp_path / "flow.py"
    target.write_bytes(b"")
    kept = [
        leave(tmp_path, f".migrator-{free_number}.tmp", 100_000),
        leave(tmp_path, f".migrator-{free_number}-0123456789abcdef.tmp.py", 100_000),
        leave(tmp_path, f"x.migrator-{free_number}-0123456789abcdef.tmp", 100_000),
        leave(tmp_path, f".migrator-{free_number}-0123456789ABCDEF.tmp", 100_000),
    ]
    linked, folder = (f".migrator-{free_number}-{letter * 16}.tmp" for letter in "ab")
    (tmp_path / linked).symlink_to(target)
    (tmp_path / folder).mkdir()
    remove_leftovers(str(tmp_path))
    assert names(tmp_path) == sorted([*kept, linked, folder, "flow.py"])


def test_directory_that_cannot_be_listed_is_passed_over(tmp_path: Path) -> None:
    remove_leftovers(str(tmp_path / "missing"))
    assert names(tmp_path) == []

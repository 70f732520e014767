"""Real Prefect releases in virtual environments of their own, made on first use and kept.

Each release has a lock file in `locks`, the exact set of packages that ran together: an old Prefect breaks with newer
dependencies, and what then fails to import would be mistaken for something that Prefect removed. `integrations-VERSION.txt`
is a lock with the integration packages beside that Prefect, `dask-VERSION.txt` one with prefect-dask alone: the lock of
that Prefect as constraints for `uv pip compile`, and the release of prefect-dask that the integrations' lock has.
`python3.8-VERSION.txt` is a lock for that Python, the oldest that workers of Prefect 2 run on.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

LOCKS = Path(__file__).parent / "locks"


NEEDS_OLDER_PYTHON = (2, 8)
"""Below this release Prefect runs on no Python after 3.10."""

_BACKPORTS = ("importlib-metadata==4.13.0; python_version < '3.10'", "zipp==3.11.0; python_version < '3.10'")
"""What the locks of old releases lack on Python 3.9: they are made on 3.10."""


class Unavailable(Exception):
    """A release that this machine cannot run: its dependencies do not build on any Python that is here."""

    def __init__(self, version: str, reason: str) -> None:
        super().__init__(f"Prefect {version} {reason}")
        self.version = version

    @property
    def excused(self) -> bool:
        """Whether it needs an older Python that is not installed: the one reason for which a test may be left out."""
        named = named_python(self.version)
        if named is not None:
            return older_python((named,)) is None
        release = number(self.version.rpartition("-")[2])
        return release < NEEDS_OLDER_PYTHON and sys.version_info >= (3, 11) and older_python() is None


def number(version: str) -> tuple[int, ...]:
    """A release as numbers, to compare by."""
    return tuple(int(part) for part in version.split("."))


def releases() -> list[str]:
    """The Prefect releases that have a lock file, oldest first."""
    return sorted((path.stem for path in LOCKS.glob("[0-9]*.txt")), key=number)


def cache_directory() -> Path:
    """Where environments are kept: `MIGRATOR_TEST_CACHE`, else a folder of the user's cache."""
    chosen = os.environ.get("MIGRATOR_TEST_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "prefect-migrator"


def installed(name: str) -> Path:
    """The interpreter of the environment that a lock file describes; it is made if it is not there yet.

    Raises Unavailable where no Python here can run it, RuntimeError where the installation fails.
    """
    lock = LOCKS / f"{name}.txt"
    root = cache_directory() / "environments" / name
    python = root / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = root / "lock.txt"
    root.mkdir(parents=True, exist_ok=True)
    with locked(root / "busy"):
        if not stamp.exists() or stamp.read_text() != lock.read_text():
            stamp.unlink(missing_ok=True)
            shutil.rmtree(root / "venv", ignore_errors=True)
            shutil.rmtree(root / "home", ignore_errors=True)
            _install(name, lock, root / "venv", python)
            stamp.write_text(lock.read_text())
    return python


def older_python(minors: Sequence[int] = (10, 9)) -> str | None:
    """The path of the first Python 3.MINOR that is installed and starts: on PATH, of pyenv, or of uv; None where there is none."""
    for minor in minors:
        for found in _pythons(f"3.{minor}"):
            with contextlib.suppress(OSError):
                if subprocess.run([found, "--version"], capture_output=True).returncode == 0:
                    return found
    return None


def _pythons(version: str) -> Iterator[str]:
    on_path = shutil.which(f"python{version}")
    if on_path:
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    yield from map(str, sorted(pyenv.glob(f"{version}.*/bin/python"), reverse=True))
    tool = uv()
    if tool:
        command = [tool, "python", "find", "--no-project", version]
        done = subprocess.run(command, capture_output=True, text=True, env=_no_downloads())
        if done.returncode == 0 and done.stdout.strip():
            yield done.stdout.strip()


def _interpreter(name: str) -> str:
    """A Python that a lock was made for: the one in its name, 3.10 below 2.13 where it is here, else this. Raises Unavailable.

    Below 2.8 it is 3.9 where there is no 3.10, unless the running one is old enough.
    """
    named = named_python(name)
    if named is not None:
        found = older_python((named,))
        if found is None:
            raise Unavailable(name, f"needs Python 3.{named}, which is not installed")
        return found
    release = number(name.rpartition("-")[2])
    old = older_python((10,)) if release < (2, 13) else None
    if old is not None or release >= NEEDS_OLDER_PYTHON or sys.version_info < (3, 11):
        return old or sys.executable
    older = older_python((9,))
    if older is None:
        raise Unavailable(name, "needs Python 3.9 or 3.10, and neither is installed")
    return older


def named_python(name: str) -> int | None:
    """The minor of Python 3 in the name of a lock that was made for one: 8 of `python3.8-2.20.26`."""
    named = re.match(r"python3\.(\d+)-", name)
    return int(named[1]) if named else None


def _no_downloads() -> dict[str, str]:
    return {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}


def uv() -> str | None:
    """The path of uv, which installs several times faster than pip; None where it is not here."""
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


def _install(name: str, lock: Path, venv: Path, python: Path) -> None:
    version = name.rpartition("-")[2]
    backports = _BACKPORTS if number(version) < NEEDS_OLDER_PYTHON else ()
    found = uv()
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # compiled at once, as pip does: every process that imports Prefect would compile it anew
    quick = [found or "", "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    for command in (
        [_interpreter(name), "-m", "venv", str(venv)],
        [*(quick if found else pip), "--no-deps", "-r", str(lock), *backports],
    ):
        done = subprocess.run(command, capture_output=True, text=True, env=_no_downloads())
        if done.returncode:
            raise RuntimeError(f"Prefect {name} could not be installed:\n{done.stdout}{done.stderr}")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time makes an environment; a lock that is an hour old was left by a dead one."""
    while True:
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            with contextlib.suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > 3600:
                    path.unlink()
            time.sleep(0.5)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)

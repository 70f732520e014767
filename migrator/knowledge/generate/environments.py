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
from collections.abc import Iterator
from pathlib import Path

LOCKS = Path(__file__).parent / "locks"


class Unavailable(Exception):
    """A release that this machine cannot run: its dependencies do not build on any Python that is here."""


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


def _interpreter(name: str) -> str:
    """A Python that a lock was made for: the one in its name, 3.10 below 2.13 where it is here, else this. Raises Unavailable."""
    named = re.match(r"python(3\.\d+)-", name)
    if named:
        found = _python(named[1])
        if found is None:
            raise Unavailable(f"{name} needs Python {named[1]}, which is not here")
        return found
    version = number(name.rpartition("-")[2])
    if version < (2, 13):
        old = _python("3.10")
        if old:
            return old
    if version < (2, 8) and sys.version_info >= (3, 11):
        raise Unavailable(f"Prefect {name} needs Python 3.10 or older, which is not here")
    return sys.executable


def _python(minor: str) -> str | None:
    """A Python of that minor on the PATH or of pyenv's; None where there is none."""
    found = shutil.which(f"python{minor}")
    if found and subprocess.run([found, "--version"], capture_output=True).returncode == 0:
        return found
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{minor}.*/bin/python"))
    return str(pyenv[-1]) if pyenv else None


def uv() -> str | None:
    """The path of uv, which installs several times faster than pip; None where it is not here."""
    return shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))


def _install(name: str, lock: Path, venv: Path, python: Path) -> None:
    subprocess.run([_interpreter(name), "-m", "venv", str(venv)], check=True, capture_output=True)
    found = uv()
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [
        # compiled at once, as pip does: every process that imports Prefect would compile it anew
        *([found, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)] if found else pip),
        "--no-deps",
        "-r",
        str(lock),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})
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

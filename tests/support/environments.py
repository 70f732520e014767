"""Real Prefect environments, made on first use and kept: a virtual environment and a migrated database per version.

Each version has a lock file in `tests/locks`, the exact set of packages that ran together: an old Prefect breaks with
newer dependencies, and what then fails to import would be mistaken for something that Prefect removed.

`python -m tests.support.environments VERSION ...` makes them ahead of time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LOCKS = Path(__file__).parent.parent / "locks"

PREFECT_2 = "2.20.26"
PREFECT_3 = "3.8.8"
PREFECT_3_OLDEST = "3.0.11"

QUIET = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}


class Unavailable(Exception):
    """A release that this machine cannot run: its dependencies do not build on any Python that is here."""


def cache_directory() -> Path:
    """Where environments are kept: `MIGRATOR_TEST_CACHE`, else a folder of the user's cache."""
    chosen = os.environ.get("MIGRATOR_TEST_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "prefect-migrator"


@dataclass(frozen=True)
class Environment:
    """One installed Prefect: its version, its interpreter, and a PREFECT_HOME whose database is migrated."""

    version: str
    python: Path
    home_template: Path

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    @contextlib.contextmanager
    def home(self) -> Iterator[Path]:
        """A fresh PREFECT_HOME, copied from the migrated template and removed afterwards."""
        with tempfile.TemporaryDirectory(prefix=f"prefect-{self.version}-", ignore_cleanup_errors=True) as directory:
            home = Path(directory) / "home"
            shutil.copytree(self.home_template, home)
            yield home

    def variables(self, home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment variables of a process that uses this Prefect and nothing of the caller's own settings."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "PYTHON"))}
        path = f"{self.python.parent}{os.pathsep}{inherited.get('PATH', '')}"
        # several 3.x minors store results below the user's home, whatever PREFECT_HOME says
        storage = dict.fromkeys(
            ("PREFECT_LOCAL_STORAGE_PATH", "PREFECT_RESULTS_LOCAL_STORAGE_PATH"), str(home / "storage")
        )
        own = {"PATH": path, "PREFECT_HOME": str(home), **storage}
        return {**inherited, **QUIET, **own, **(extra or {})}

    def run(
        self,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        variables: Mapping[str, str] | None = None,
        timeout: float = 600,
    ) -> subprocess.CompletedProcess[str]:
        """Runs this environment's Python with `arguments` in a fresh home; standard output and error are captured."""
        with self.home() as home:
            return subprocess.run(
                [str(self.python), *arguments],
                cwd=cwd,
                env=self.variables(home, variables),
                capture_output=True,
                text=True,
                timeout=timeout,
            )


def environment(version: str) -> Environment:
    """The environment of a version that has a lock file; it is made if it is not there yet."""
    lock = LOCKS / f"{version}.txt"
    root = cache_directory() / "environments" / version
    python = root / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = root / "lock.txt"
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / "busy"):
        if not stamp.exists() or stamp.read_text() != lock.read_text():
            shutil.rmtree(root / "venv", ignore_errors=True)
            shutil.rmtree(root / "home", ignore_errors=True)
            _install(version, lock, root / "venv", python)
            made = Environment(version, python, root / "home")
            _migrate(made)
            stamp.write_text(lock.read_text())
    return Environment(version, python, root / "home")


def _interpreter(version: str) -> str:
    """A Python that this version runs on: 3.10 below 2.13 where there is one, else the running interpreter. Raises Unavailable."""
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < (2, 13):
        old = shutil.which("python3.10")
        if old and subprocess.run([old, "--version"], capture_output=True).returncode == 0:
            return old
        pyenv = sorted((Path.home() / ".pyenv" / "versions").glob("3.10.*/bin/python"))
        if pyenv:
            return str(pyenv[-1])
    if (major, minor) < (2, 8) and sys.version_info >= (3, 11):
        raise Unavailable(f"Prefect {version} needs Python 3.10 or older, which is not here")
    return sys.executable


def _install(version: str, lock: Path, venv: Path, python: Path) -> None:
    subprocess.run([_interpreter(version), "-m", "venv", str(venv)], check=True, capture_output=True)
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    command = (
        [uv, "pip", "install", "--quiet", "--python", str(python), "--no-deps", "-r", str(lock)]
        if uv
        else [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "-r",
            str(lock),
        ]
    )
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"})
    if done.returncode:
        raise RuntimeError(f"Prefect {version} could not be installed:\n{done.stdout}{done.stderr}")


def _migrate(env: Environment) -> None:
    """Creates the database once; a copied home starts in seconds instead of half a minute."""
    env.home_template.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(env.python.with_name("prefect")), _server_command(env.version), "database", "reset", "-y"],
        env=env.variables(env.home_template),
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        raise RuntimeError(f"The database of Prefect {env.version} could not be created:\n{done.stdout}{done.stderr}")


def _server_command(version: str) -> str:
    """`prefect server` was called `prefect orion` before 2.8."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return "orion" if (major, minor) < (2, 8) else "server"


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
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


if __name__ == "__main__":
    for wanted in sys.argv[1:] or [PREFECT_2, PREFECT_3_OLDEST, PREFECT_3]:
        started = time.time()
        print(wanted, environment(wanted).python, f"{time.time() - started:.0f} s", flush=True)

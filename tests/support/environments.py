"""Real Prefect environments, made on first use and kept: a virtual environment and a migrated database per version.

The generator of the names makes the virtual environments; here each also gets a database, and a home to run in.

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

from migrator.knowledge.generate.environments import cache_directory, installed, locked, number

VERSIONS = (
    "2.0.4", "2.8.7", "2.10.21", "2.13.8", "2.17.1", "2.20.26",
    "3.0.11", "3.1.15", "3.2.15", "3.3.7", "3.4.25", "3.5.0", "3.6.29", "3.7.8", "3.8.8",
)  # fmt: skip
"""The releases that tests run on: every 3.x minor, and enough of 2.x to meet each of its big changes."""
PREFECT_2 = "2.20.26"
PREFECT_3 = "3.8.8"
PREFECT_3_OLDEST = "3.0.11"
EVERY = bool(os.environ.get("MIGRATOR_TEST_ALL_VERSIONS"))
"""Whether tests that take minutes run on more releases than they need to run on each time."""
SERVERS_OF_3 = (PREFECT_3_OLDEST, PREFECT_3) if EVERY else (PREFECT_3,)
"""The releases of 3.x on whose servers whole sets of deployments are registered."""

QUIET = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
}


@dataclass(frozen=True)
class Environment:
    """One installed Prefect: its version, its interpreter, and a PREFECT_HOME whose database is migrated.

    The version is the name of the lock file, as in `3.8.8` or `dask-3.8.8`.
    """

    version: str
    python: Path
    home_template: Path

    @property
    def major(self) -> int:
        return release(self.version)[0]

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
    """The environment of a version that has a lock file; it is made if it is not there yet. Raises Unavailable."""
    made = Environment(version, installed(version), cache_directory() / "environments" / version / "home")
    with locked(made.home_template.with_name("migrating")):
        if not made.home_template.exists():
            _migrate(made)
    return made


def _migrate(env: Environment) -> None:
    """Creates the database once; a copied home starts in seconds instead of half a minute."""
    env.home_template.mkdir(parents=True)
    done = subprocess.run(
        [str(env.python.with_name("prefect")), _server_command(env.version), "database", "reset", "-y"],
        env=env.variables(env.home_template),
        capture_output=True,
        text=True,
        timeout=600,
    )
    if done.returncode:
        shutil.rmtree(env.home_template, ignore_errors=True)
        raise RuntimeError(f"The database of Prefect {env.version} could not be created:\n{done.stdout}{done.stderr}")


def _server_command(version: str) -> str:
    """`prefect server` was called `prefect orion` before 2.8."""
    return "orion" if release(version) < (2, 8) else "server"


def release(version: str) -> tuple[int, ...]:
    """The Prefect release of an environment, without what is installed beside it: `dask-3.8.8` is 3.8.8."""
    return number(version.rpartition("-")[2])


if __name__ == "__main__":
    for wanted in sys.argv[1:] or [PREFECT_2, PREFECT_3_OLDEST, PREFECT_3]:
        started = time.time()
        print(wanted, environment(wanted).python, f"{time.time() - started:.0f} s", flush=True)

"""The distributions as they would be uploaded, a copy of the tree, and virtual environments to install them into.

Nothing here asks an index: the environments have what this one has, but for the distributions of this repository.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from migrator.knowledge.generate.environments import uv

ROOT = Path(__file__).parent.parent.parent
OURS = ("migrator", "compat", "prefect_migrator", "_editable_impl_prefect_migrator", "__editable__")


@dataclass(frozen=True)
class Release:
    """The four files of a release."""

    directory: Path

    def wheel(self, name: str) -> Path:
        return next(self.directory.glob(f"{name.replace('-', '_')}-*.whl"))

    def sdist(self, name: str) -> Path:
        return next(self.directory.glob(f"{name.replace('-', '_')}-*.tar.gz"))

    def metadata(self, file: Path) -> str:
        """The METADATA of a wheel, the PKG-INFO of an sdist."""
        end = "METADATA" if file.suffix == ".whl" else "PKG-INFO"
        return next(data for name, data in contents(file).items() if name.split("/")[-1] == end).decode()


def build(directory: Path) -> Release:
    """Builds a release as it would be uploaded."""
    _run([str(ROOT / ".ci" / "build"), str(directory)], variables={"PYTHON": sys.executable})
    return Release(directory)


def contents(file: Path) -> dict[str, bytes]:
    """What a wheel has by name; what an sdist has, without its one directory."""
    if file.suffix == ".whl":
        with zipfile.ZipFile(file) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    with tarfile.open(file) as sdist:
        found = {}
        for member in sdist.getmembers():
            data = sdist.extractfile(member)
            if data is not None:
                found[member.name.partition("/")[2]] = data.read()
        return found


def wheel_of_before(release: Release, directory: Path) -> Path:
    """A wheel as prefect-migrator was before `compat` was a distribution of its own: the files of both, under one name."""
    files = {}
    for name in ("prefect-migrator", "prefect-migrator-compat"):
        files.update({name: data for name, data in contents(release.wheel(name)).items() if ".dist-info" not in name})
    del files["compat/LICENSE"]
    info = "prefect_migrator-0.0.1.dist-info"
    files[f"{info}/METADATA"] = b"Metadata-Version: 2.1\nName: prefect-migrator\nVersion: 0.0.1\n"
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files[f"{info}/entry_points.txt"] = b"[console_scripts]\nmigrator = migrator.cli:main\n"
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]).encode()
    wheel = directory / "prefect_migrator-0.0.1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name, data in files.items():
            file.writestr(name, data)
    return wheel


def copy_of_the_tree(directory: Path) -> Path:
    """What is needed to install from a clone, in a directory that a test may change."""
    ignored = shutil.ignore_patterns("__pycache__", "generate")
    for name in ("migrator", "compat", ".ci"):
        shutil.copytree(ROOT / name, directory / name, ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, directory / name)
    return directory


@dataclass(frozen=True)
class Installed:
    """A virtual environment with all that prefect-migrator and its build need, and nothing of this repository."""

    root: Path

    @property
    def python(self) -> Path:
        return self.root / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def pip(self, *arguments: str) -> str:
        """What `pip install` says; no index, no isolated build. Raises AssertionError where it fails."""
        command = [
            str(self.python),
            "-m",
            "pip",
            "install",
            "-q",
            "--no-index",
            "--no-build-isolation",
            "--no-compile",
            *arguments,
        ]
        return _run(command, cwd=self.root)

    def uv(self, *arguments: str) -> str:
        """What `uv pip install` says, likewise, with a cache of its own."""
        found = uv()
        assert found is not None
        options = ["--no-index", "--no-build-isolation", "--cache-dir", str(self.root / "cache")]
        return _run([found, "pip", "install", "--python", str(self.python), *options, *arguments], cwd=self.root)

    def uninstall(self, *names: str) -> None:
        _run([str(self.python), "-m", "pip", "uninstall", "-q", "-y", *names], cwd=self.root)

    def check(self) -> None:
        """`pip check`: every installed distribution has what it asks for."""
        _run([str(self.python), "-m", "pip", "check"], cwd=self.root)

    def migrator(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs the command that was installed."""
        return subprocess.run(
            [str(self.python.with_name("migrator")), *arguments],
            cwd=self.root,
            env=_variables(),
            capture_output=True,
            text=True,
        )

    def compat(self) -> Optional[Path]:
        """The directory that `import compat` finds, without importing it; None where it finds none."""
        program = "import importlib.util, json; print(json.dumps(getattr(importlib.util.find_spec('compat'), 'origin', None)))"
        origin = json.loads(_run([str(self.python), "-c", program], cwd=self.root))
        return None if origin is None else Path(origin).parent

    @property
    def site_packages(self) -> Path:
        return Path(_run([str(self.python), "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"]).strip())


def empty_environment(root: Path) -> Installed:
    """A new virtual environment that has what this one has, most of it by links, without the distributions of this repository."""
    _run([sys.executable, "-m", "venv", "--without-pip", str(root)])
    made = Installed(root)
    target = made.site_packages
    for directory in {sysconfig.get_paths()["purelib"], sysconfig.get_paths()["platlib"]}:
        for entry in Path(directory).iterdir():
            if not entry.name.startswith(OURS) and entry.suffix != ".pth" and entry.name != "__pycache__":
                if entry.suffix == ".dist-info":
                    shutil.copytree(entry, target / entry.name)  # uv does not follow links
                else:
                    (target / entry.name).symlink_to(entry)
    return made


def _variables(extra: Optional[Mapping[str, str]] = None) -> dict[str, str]:
    """This process's variables without settings of pip, uv and Python."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_", "PYTHON", "VIRTUAL_ENV"))}
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "UV_NO_CONFIG": "1", "NO_COLOR": "1"}
    return {**inherited, **own, "UV_PYTHON_DOWNLOADS": "never", **(extra or {})}


def _run(command: list[str], *, cwd: Optional[Path] = None, variables: Optional[Mapping[str, str]] = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=_variables(variables), capture_output=True, text=True)
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout

"""Keeps what tests give to `check` and `fix`, each case as a project folder of its own.

    MIGRATOR_RECORD_CASES=DIR python -m pytest -m "not prefect"

writes `DIR/TEST/N/`: the files, and a `pyproject.toml` with the settings, so that a plain `migrator check` there sees what
the test saw. TEST is the name of the test, N counts its cases from 1; neither depends on the processes that ran them. Of the
same case in several tests the first one is kept. `tests.support.recorded` reads such a folder. Without the variable nothing
is kept, and the functions of this module only call those of `migrator.run`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from migrator import run
from migrator.config import Settings, _key
from migrator.findings import FileReport, Severity

VARIABLE = "MIGRATOR_RECORD_CASES"
SETTINGS = "pyproject.toml"

_OF_THE_REPORT = {"output_format", "output", "statistics", "quiet", "jobs", "exclude_root"}
"""Settings that say how a report looks or how it comes about, and not what is in it."""
_LONGEST_NAME = 100
_TABLE = re.compile(r"^\[tool\.migrator\][^\n]*\n(?:(?!\[)[^\n]*\n?)*", re.M)

_directory = Path(os.environ[VARIABLE]).absolute() if os.environ.get(VARIABLE) else None
_seen: dict[str, list[str]] = {}
"""The cases of each test so far, as digests."""


def record(files: Mapping[str, str | bytes], settings: Settings) -> None:
    """Keeps a case of the test that runs: the files by their names below the project's root.

    Raises ValueError for a name that leads out of the project.
    """
    test = os.environ.get("PYTEST_CURRENT_TEST")
    if _directory is None or test is None:
        return
    for name in files:
        if os.path.isabs(name) or ".." in Path(name).parts:
            raise ValueError(f"a case cannot be kept: {name} is not below the root of a project")
    case = {name: text.encode() if isinstance(text, str) else text for name, text in files.items()}
    case[SETTINGS] = with_settings(case.get(SETTINGS, b"").decode(), settings).encode()
    folder = folder_name(test.rpartition(" ")[0])
    seen = _seen.setdefault(folder, [])
    digest = _digest(case)
    if digest in seen:
        return
    seen.append(digest)
    for name, data in case.items():
        path = _directory / folder / str(len(seen)) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def check(paths: Sequence[str], settings: Settings, **options: Any) -> list[FileReport]:
    """As `migrator.run.check`; the files are kept."""
    _record_paths(paths, settings)
    return run.check(paths, settings, **options)


def fix(paths: Sequence[str], settings: Settings, **options: Any) -> list[FileReport]:
    """As `migrator.run.fix`; the files are kept as they were."""
    _record_paths(paths, settings)
    return run.fix(paths, settings, **options)


def check_source(data: bytes, filename: str, settings: Settings) -> FileReport:
    """As `migrator.run.check_source`; the text is kept."""
    record({filename: data}, settings)
    return run.check_source(data, filename, settings)


def fix_source(data: bytes, filename: str, settings: Settings) -> tuple[FileReport, bytes]:
    """As `migrator.run.fix_source`; the text is kept."""
    record({filename: data}, settings)
    return run.fix_source(data, filename, settings)


def begin() -> None:
    """Before any test: the folder has to be new or empty. Raises UsageError where it is not."""
    if _directory is not None and _directory.exists() and any(_directory.iterdir()):
        raise pytest.UsageError(f"{VARIABLE}: {_directory} is not empty; give a new folder")


def finish() -> int | None:
    """After all tests: of the same case in several tests, only the first one stays. Returns how many cases there are, None where none were to be kept."""
    if _directory is None:
        return None
    seen: set[str] = set()
    for case in cases(_directory):
        digest = _digest(_files(case))
        if digest in seen:
            shutil.rmtree(case)
            if not any(case.parent.iterdir()):
                case.parent.rmdir()
        seen.add(digest)
    return len(seen)


def cases(directory: Path) -> list[Path]:
    """The folders of the cases, in the order of their names."""
    found = [path for path in directory.glob("*/*") if (path / SETTINGS).is_file()]
    return sorted(found, key=lambda path: (path.parent.name, int(path.name) if path.name.isdigit() else 0, path.name))


def folder_name(test: str) -> str:
    """The name of a test (`tests/test_x.py::test_y[z]`) as that of a folder: other names give other folders."""
    plain = test[len("tests/") :] if test.startswith("tests/") else test
    plain = plain.replace(".py::", ".").replace("::", ".")
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "-", plain).strip("-.")
    if safe == plain and len(safe) <= _LONGEST_NAME:
        return safe
    return f"{safe[:_LONGEST_NAME]}-{hashlib.sha256(test.encode()).hexdigest()[:8]}"


def with_settings(text: str, settings: Settings) -> str:
    """A `pyproject.toml` with these settings, and no others, in `[tool.migrator]`."""
    lines = ["[tool.migrator]"]
    default = Settings()
    for field in fields(settings):
        value = getattr(settings, field.name)
        if field.name not in _OF_THE_REPORT and value != getattr(default, field.name):
            value = list(value) if isinstance(value, tuple) else str(value) if isinstance(value, Severity) else value
            lines.append(f"{_key(field.name)} = {json.dumps(value)}")
    rest = _TABLE.sub("", text)
    return "".join(
        (rest, "\n" if rest and not rest.endswith("\n") else "", "\n" if rest else "", *map("{}\n".format, lines))
    )


def _record_paths(paths: Sequence[str], settings: Settings) -> None:
    if _directory is not None:
        files: dict[str, bytes] = {}
        for path in map(Path, paths):
            files.update(_files(path) if path.is_dir() else {path.name: path.read_bytes()} if path.is_file() else {})
        record(files, settings)


def _files(directory: Path) -> dict[str, bytes]:
    """The files below a directory, but for git's own."""
    return {
        name: path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and ".git" not in (name := path.relative_to(directory).as_posix()).split("/")
    }


def _digest(case: Mapping[str, bytes]) -> str:
    return hashlib.sha256(repr(sorted(case.items())).encode()).hexdigest()

"""`compat` on real Prefect releases: one program, the same observations everywhere, and each clause of its constitution."""

from __future__ import annotations

import ast
import functools
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.compat_programs import ROOT, cases, run_programs
from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, environment

SOURCES = sorted((ROOT / "compat").glob("*.py"))
OF_PREFECT = {
    "__init__.py": ("packaging", "prefect_dask", "prefect_ray"),
    "_runners_2.py": ("anyio",),
    "_version.py": ("packaging",),
}
SAMPLE = ("2.0.4", "2.8.7", "2.13.8", "2.20.26", "3.0.11", "3.4.25", "3.8.8")
"""The releases that the suite runs on here; `python -m tests.support.compat_programs` runs it on all minors."""

on_every_version = pytest.mark.parametrize("version", (PREFECT_2, PREFECT_3_OLDEST, PREFECT_3))


@functools.cache
def observed(version: str) -> dict[tuple[str, str], tuple[Any, Any]]:
    """What the programs saw on that version and what they wanted, by program and case; they run once."""
    return run_programs(version)


@pytest.mark.prefect
@pytest.mark.parametrize(
    ("version", "program", "case"),
    [
        pytest.param(version, program, case, id=f"{version}-{program}-{case}")
        for version in SAMPLE
        for program, case in cases()
    ],
)
def test_every_version_does_the_same(version: str, program: str, case: str) -> None:
    saw, wanted = observed(version)[program, case]
    assert saw == wanted


@pytest.mark.prefect
@pytest.mark.parametrize("version", SAMPLE)
def test_every_case_has_run(version: str) -> None:
    assert sorted(observed(version)) == sorted(cases())


VENDORED = """
import sys
from prefect import flow, task
from shop._prefect_compat import SequentialTaskRunner, ThreadPoolTaskRunner, fan_out, fan_out_async, wait_async

@task
def double(n):
    return 2 * n

@flow(task_runner=SequentialTaskRunner())
def doubled():
    return [outcome.value for outcome in fan_out(double, range(3))]

print(doubled(), "compat" in sys.modules, SequentialTaskRunner.__module__.split(".")[0] in ("shop", "prefect"))
"""


@pytest.mark.prefect
@on_every_version
def test_a_copy_under_another_name_works_on_its_own(version: str, tmp_path: Path) -> None:
    shutil.copytree(
        ROOT / "compat", tmp_path / "shop" / "_prefect_compat", ignore=shutil.ignore_patterns("__pycache__")
    )
    (tmp_path / "shop" / "__init__.py").touch()
    (tmp_path / "program.py").write_text(VENDORED)
    done = environment(version).run([str(tmp_path / "program.py")], cwd=tmp_path)
    assert done.stdout.splitlines()[-1:] == ["[0, 2, 4] False True"], done.stderr[-4000:]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_nothing_but_prefect_and_the_standard_library_is_imported(source: Path) -> None:
    imported = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            imported.add((node.module or "").split(".")[0])
    # What Prefect itself stands on: packaging, and anyio, which the runner for Prefect 2 uses. The integrations are resolved when asked for.
    allowed = {"prefect", *OF_PREFECT.get(source.name, ()), *standard_library()}
    assert imported <= allowed


def standard_library() -> frozenset[str]:
    known = getattr(sys, "stdlib_module_names", None)  # Python 3.10
    return frozenset(known if known is not None else sys.builtin_module_names) | {"__future__"}


def test_names_are_sorted_and_each_is_resolved_somewhere() -> None:
    tree = ast.parse((ROOT / "compat" / "__init__.py").read_text())
    tables = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    names = ast.literal_eval(tables["__all__"])
    resolved = {
        key.value
        for table in ("_OWN", "_PREFECT")
        for key in getattr(tables[table], "keys", [])
        if isinstance(key, ast.Constant)
    }
    told = {
        alias.asname
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname == alias.name
    }
    assert len(names) == len(set(names))
    assert resolved | {"PREFECT_3"} == set(names) | told, "a type checker sees what is in __all__, and `x as x`"


PRETENDER = """
import sys, types
sys.modules["prefect"] = types.ModuleType("prefect")
sys.modules["prefect"].__version__ = {version!r}
try:
    import compat
except ImportError as error:
    print(error)
else:
    print(compat.PREFECT_3)
"""


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("1.4.1", "compat works with Prefect 2 and 3; Prefect 1.4.1 is installed"),
        ("2.0.4", "False"),
        ("2.20.26", "False"),
        ("3.8.8", "True"),
        ("3.9.0rc1+dev", "True"),
    ],
)
def test_a_prefect_that_is_too_old_is_refused_by_name(version: str, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRETENDER.format(version=version)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == said

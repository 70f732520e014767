"""`compat` on real Prefect releases: one program, the same observations everywhere, and each clause of its constitution."""

from __future__ import annotations

import ast
import functools
import os
import re
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
SAMPLE = ("2.0.4", "2.20.26", "3.0.11", "3.8.8")
"""The releases that the suite runs on here; `python -m tests.support.compat_programs` runs it on all minors."""

on_every_version = pytest.mark.parametrize("version", (PREFECT_2, PREFECT_3_OLDEST, PREFECT_3))


@functools.cache
def observed(version: str) -> dict[tuple[str, str], tuple[Any, Any]]:
    """What the programs saw on that version and what they wanted, by program and case; they run once."""
    return run_programs(version)


CLAUSES = {
    1: [
        "test_nothing_but_prefect_and_the_standard_library_is_imported",
        "test_a_copy_under_another_name_works_on_its_own",
    ],
    2: [
        "naming.importing_loads_nothing_else",
        "naming.importing_patches_and_starts_nothing",
        "naming.importing_makes_no_files_where_the_home_is_absent_or_cannot_be_made",
    ],
    3: [
        "calling.submitting_in_a_sync_flow",
        "calling.mapping_in_an_async_flow",
        "naming.states_are_made",
        "naming.names_of_prefect_are_there_from_the_minor_that_brought_them",
        "running.runners_are_prefects_own_kind",
    ],
    4: ["naming.signatures_are_those_of_prefect_3", "naming.what_waits_for_futures_takes_what_prefects_own_take"],
    5: [
        "fanning_out.wait_for_passes_through",
        "calling.submitted_runs_wait_for_others",
        "storing.arguments_reach_prefect",
    ],
    6: [
        "waiting.as_completed_yields_failed_runs_with_their_final_state",
        "waiting.wait_stops_when_the_time_is_up",
        "waiting.wait_without_time_looks_once",
        "waiting.the_body_of_the_loop_may_outlast_the_timeout",
    ],
    7: [
        "fanning_out.a_loop_that_breaks_out_leaves_no_run_behind",
        "fanning_out.a_loop_that_raises_leaves_no_run_behind",
        "fanning_out.an_error_of_the_source_leaves_no_run_behind",
        "fanning_out.a_loop_that_breaks_out_in_an_async_flow_leaves_no_run_behind",
        "fanning_out.outcomes_that_are_kept_and_closed_leave_no_run_behind",
        "failing.a_flow_that_takes_too_long_leaves_no_run_unresolved",
        "failing.an_interrupt_in_the_loop_or_in_the_items_leaves_no_run_unresolved",
        "failing.a_flow_run_that_is_cancelled_through_the_api_leaves_no_run_unresolved",
        "calling.the_failure_comes_after_everything_has_ended",
    ],
    8: ["test_a_copy_under_another_name_works_on_its_own"],
    9: [
        "test_a_prefect_that_is_too_old_is_refused_by_name",
        "naming.a_name_that_this_prefect_has_not",
        "naming.an_integration_that_is_not_installed",
    ],
}
"""What proves each clause of the constitution: tests of this module, and cases that run on every release."""


def test_each_clause_of_the_constitution_is_proved() -> None:
    text = ast.get_docstring(ast.parse((ROOT / "compat" / "__init__.py").read_text())) or ""
    assert [int(number) for number in re.findall(r"^(\d)\. ", text, re.M)] == list(CLAUSES)
    there = {".".join(each) for each in cases()} | set(globals())
    assert {proof for proofs in CLAUSES.values() for proof in proofs} <= there


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


@pytest.mark.prefect
@pytest.mark.parametrize("version", (PREFECT_2, PREFECT_3))
def test_memory_is_held_by_the_window_and_not_by_the_number_of_items(version: str) -> None:
    from tests.compat_benchmark.__main__ import measured

    items = 10_000 if os.environ.get("MIGRATOR_TEST_ALL_VERSIONS") else 400
    rows = measured(version, "memory", items)["rows"]
    assert [row["tasks"] for row in rows] == [items // 4, items // 2, items // 4 * 3, items]
    assert max(row["objects of compat"] for row in rows) < 200
    assert max(row["bytes of its containers"] for row in rows) < 50_000
    if version == PREFECT_3:
        assert max(row["futures"] for row in rows) < 200


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


TYPED = """
from typing import Any
from uuid import UUID

from packaging.version import Version
from prefect import flow, task
from prefect.blocks.system import Secret
from prefect.futures import PrefectFuture
from typing_extensions import assert_type

from NAME import (
    PREFECT_VERSION, Completed, CronSchedule, Outcome, SequentialTaskRunner, State, as_completed, deploy, fan_out, fan_out_async,
    finish, get_client, load_block, wait,
)

@task
def double(n: int) -> int:
    return 2 * n

@flow
def doubled(numbers: list[int]) -> list[int]:
    for future in as_completed([double.submit(n) for n in numbers], timeout=10):
        assert_type(future, PrefectFuture[int])
    for outcome in fan_out(double, numbers, then=double, max_in_flight=3, unmapped={"then": 1}, factor=2):
        assert_type(outcome, Outcome[int])
        assert_type(outcome.error, BaseException | None)
    done, not_done = wait([double.submit(1)])
    finish(done, not_done)
    assert_type(load_block(Secret, "key"), Secret[Any])
    return []

@flow
async def doubled_async() -> None:
    async for outcome in fan_out_async(double, range(3), on_failure="collect"):
        assert_type(outcome.item, int)

runner = SequentialTaskRunner()
state: State = Completed()
assert_type(PREFECT_VERSION, Version)
assert_type(deploy(doubled, "nightly", work_pool_name="local", cron="0 3 * * *"), UUID)
fan_out(double, [1], on_failure="ignore")
"""


@pytest.mark.prefect
def test_a_type_checker_accepts_a_copy_of_it_and_sees_native_types(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "compat", tmp_path / "shim", ignore=shutil.ignore_patterns("__pycache__"))
    program = TYPED.replace("NAME", "shim").lstrip()
    (tmp_path / "program.py").write_text(program)
    python = str(environment(PREFECT_3).python)
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", python, "shim", "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    last = program.count("\n")
    assert [each for each in errors if not each.startswith(f"program.py:{last}:")] == []
    assert len(errors) == 1 and "arg-type" in errors[0], "a word that on_failure does not know"


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

"""`compat` on real Prefect releases: one program, the same observations everywhere, and each clause of its constitution."""

from __future__ import annotations

import ast
import functools
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, environment

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(__file__).parent / "compat_programs"
SOURCES = sorted((ROOT / "compat").glob("*.py"))
VERSIONS = (PREFECT_2, PREFECT_3_OLDEST, PREFECT_3)

on_every_version = pytest.mark.parametrize("version", VERSIONS)

RECORDS_DONE = [
    [1, "1=10", None],
    [2, None, "KeyError('number')"],
    [3, None, "RuntimeError('unlucky')"],
    [4, "4=40", None],
]

WAITING: dict[str, Any] = {
    "as_completed_yields_in_the_order_in_which_runs_end": ["a2", "a0", "a1"],
    "as_completed_yields_runs_that_had_ended_before": ["b0", "b1"],
    "as_completed_yields_each_once_from_any_iterable": ["c"],
    "as_completed_of_nothing_is_empty": [],
    "as_completed_yields_failed_runs_with_their_final_state": [[True, False, "Failed"], [True, True, "Completed"]],
    "as_completed_raises_when_the_time_is_up": [["e0"], "1 (of 2) futures unfinished"],
    "the_body_of_the_loop_may_outlast_the_timeout": [["f0"], "1 (of 2) futures unfinished"],
    "a_negative_timeout_is_refused": ["'timeout' must be a non-negative number, got -1"] * 2,
    "wait_for_all": [True, True, 3, 0, ["Completed", "Completed", "Failed"]],
    "wait_stops_when_the_time_is_up": [True, True, ["Completed"]],
    "wait_without_time_looks_once": [True, True],
    "wait_for_nothing": [0, 0],
    "async_tasks_in_a_sync_flow": ["j1", "j0"],
    "results_in_collections": {"list": ["k", 1], "tuple": ["k"], "plain": "text"},
    "a_failed_run_in_a_collection": "At least one result did not complete successfully",
    "one_result_and_one_state": [False, "m", "Completed", "ValueError('bad m')", "ValueError('bad m')"],
    "a_result_that_is_late": "TimeoutError",
    "as_completed_in_an_async_flow_with_sync_tasks": [["o0", "o1", "o2"], 15],
    "as_completed_in_an_async_flow_with_async_tasks": [["p0", "p1", "p2"], 15],
    "as_completed_async_yields_in_the_order_in_which_runs_end": ["q2", "q1", "q0"],
    "as_completed_async_raises_when_the_time_is_up": [["r0", "r0"], "2 (of 4) futures unfinished"],
    "wait_async_for_both_kinds": [4, 0, ["Completed", "Completed", "Failed", "Failed"]],
    "wait_async_without_time_looks_once": [True, True],
    "nothing_in_an_async_flow": [[], [0, 0]],
    "a_result_that_is_late_in_an_async_flow": ["TimeoutError", "TimeoutError"],
    "a_future_that_must_be_awaited_is_refused_by_the_sync_helpers": [True, True, True],
}

FANNING_OUT: dict[str, Any] = {
    "one_step": [10, 40],
    "failed_items_are_collected_and_the_second_step_runs_for_the_others": [RECORDS_DONE, [1, 3, 4]],
    "failed_items_are_skipped": [RECORDS_DONE[0], RECORDS_DONE[3]],
    "the_first_failure_is_raised_after_what_is_in_flight": [
        ["a0"],
        "ValueError('bad a')",
        [["ended", "a0"], ["ended", "a1"]],
    ],
    "nothing_new_is_started_after_a_failure": ["ValueError('bad b')", ["bad b"]],
    "outcomes_come_as_they_finish": ["c2", "c0", "c1"],
    "outcomes_come_in_the_order_of_the_items": [["d0", "bad d", "d2"], ["d2", "d0"], ["d0", "d2"]],
    "in_order_with_a_window_that_is_smaller_than_the_source": [[3 * n for n in range(12)], True],
    "as_many_run_as_the_window_holds_and_never_more": [[2 * n for n in range(10)], 3],
    "an_endless_source_is_read_no_further_than_the_window": [3, 20, True],
    "a_loop_that_breaks_out_leaves_no_run_behind": [6, 6],
    "a_loop_that_raises_leaves_no_run_behind": ["in the body", 6, 6],
    "an_error_of_the_source_leaves_no_run_behind": ["no more", 3, 3],
    "nothing_to_do": [[], []],
    "parameters_reach_the_first_task": [[10, 20], ["Completed", "Completed"]],
    "wait_for_passes_through": [[None, True]],
    "items_that_are_futures": [[True, 12]],
    "a_task_that_retries_counts_once": [[3, None]],
    "a_task_that_exits_the_process_is_one_failed_item": [[0, False], [None, True], [2, False]] * 2,
    "wrong_arguments": ["ValueError", "ValueError", "TypeError", "TypeError"],
    "async_tasks_in_a_sync_flow": RECORDS_DONE,
    "in_an_async_flow": [RECORDS_DONE] * 3,
    "the_event_loop_goes_on": [[True, 15], [True, 15]],
    "a_failure_is_raised_in_an_async_flow": ["ValueError('bad y')", ["y0", "y1"]],
    "as_many_run_as_the_window_holds_in_an_async_flow": [list(range(9)), 3],
    "a_loop_that_breaks_out_in_an_async_flow_leaves_no_run_behind": [[True, 5], [True, 5]],
    "the_sync_helper_refuses_what_must_be_awaited": True,
}


def _run(*names: Any) -> list[list[Any]]:
    """What the log shows of tasks that run one after the other."""
    return [[kind, name] for name in names for kind in ("start", "end")]


RUNNING: dict[str, Any] = {
    "a_task_runs_within_submit": [
        [[kind, n] for n in range(3) for kind in ("submit", "start", "end", "submitted")],
        [True, "Completed", 2],
    ],
    "nothing_is_dropped_at_the_end_of_the_flow": [_run(*range(6)), 0],
    "a_failing_task_does_not_stop_the_next": [
        [*_run(1), ["start", "bad"], *_run(2)],
        ["Completed", "Failed", "Completed"],
    ],
    "a_task_that_submits_a_task_does_not_block": [
        [entry for n in range(2) for entry in (["start parent", n], *_run(n), ["end parent", n])],
        [0, 1],
    ],
    "a_task_waits_for_others_and_takes_futures": [[*_run(1, 1, 2), ["start", "bad"]], [1, 2, False]],
    "with_options_takes_the_runner": [[[[kind, n] for n in range(2) for kind in ("start", "end", "submitted")], 0]] * 2,
    "async_tasks_in_a_sync_flow": [
        [*([kind, n] for n in range(2) for kind in ("start", "end", "submitted")), *_run(7)],
        [[0, 1], 7],
    ],
    "an_async_flow": [[[kind, n] for n in range(3) for kind in ("start", "end", "submitted")], ["Completed"] * 3],
    "a_fan_out_on_the_sequential_runner": [_run(0, 1, 2), [0, 1, 2]],
    "the_thread_pool_runs_as_many_as_it_may": [list(range(9)), 3],
    "dependencies_on_the_bounded_pool_do_not_block": [[n] for n in range(8)],
    "async_tasks_on_the_bounded_pool": [["start", "end"] * 3, [0, 1, 2]],
    "a_runner_serves_more_than_one_run": [[_run(0, 1), [0, 1]]] * 2,
    "runners_are_prefects_own_kind": [True, True, True, True, False, [True] * 4],
    "a_pool_without_places_is_refused": "max_workers must be greater than 0",
}

NAMING: dict[str, Any] = {
    "importing_loads_nothing_else": ["compat", "compat._version"],
    "importing_patches_and_starts_nothing": [[], 0],
    "every_name_is_there": [True, []],
    "a_star_import_gives_every_name": [],
    "the_major_is_told": True,
    "a_name_that_nobody_has": "module 'compat' has no attribute 'nothing'",
    "a_name_that_this_prefect_has_not": "Prefect VERSION has no 'exponential_backoff', which compat was asked for",
    "signatures_are_those_of_prefect_3": True,
    "what_waits_for_futures_takes_what_prefects_own_take": [
        *[["futures", "timeout"]] * 4,
        *[["future", "timeout", "raise_on_failure"]] * 2,
        ["max_workers"],
    ],
    "schedules": ["0 1 * * *", True, True, True],
    "task_input_hash_finds_equal_input": [1, 1, 2, [1, 2]],
    "exponential_backoff_gives_delays": [2, 4, 8],
    "get_client_speaks_to_the_api": "None",
    "run_deployment_looks_for_the_deployment": "ObjectNotFound",
    "pause_flow_run_pauses": True,
    "suspend_flow_run_needs_a_deployment": "RuntimeError",
    "resume_flow_run_looks_for_the_run": "ObjectNotFound",
    "the_first_example_runs": ["1 -> one", "3 -> three"],
}

EXPECTED = {"waiting": WAITING, "fanning_out": FANNING_OUT, "running": RUNNING, "naming": NAMING}


@functools.cache
def observed(version: str) -> dict[str, Any]:
    """What the programs saw on that version, by program and situation; they run once."""
    done = environment(version).run([str(PROGRAMS / "every.py")], variables={"PYTHONPATH": str(ROOT)})
    lines = [line for line in done.stdout.splitlines() if line.startswith("OBSERVED ")]
    assert lines, f"Prefect {version} ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    found: dict[str, Any] = json.loads(lines[-1][len("OBSERVED ") :])
    assert found.pop("prefect") == version
    return found


@pytest.mark.prefect
@pytest.mark.parametrize(
    ("version", "program", "situation"),
    [
        pytest.param(version, program, situation, id=f"{version}-{program}-{situation}")
        for version in VERSIONS
        for program, situations in EXPECTED.items()
        for situation in situations
    ],
)
def test_every_version_does_the_same(version: str, program: str, situation: str) -> None:
    assert observed(version)[program].get(situation, "not run") == EXPECTED[program][situation]


@pytest.mark.prefect
@on_every_version
@pytest.mark.parametrize("program", EXPECTED)
def test_no_situation_is_left_out_of_the_comparison(version: str, program: str) -> None:
    assert set(observed(version)[program]) == set(EXPECTED[program])


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
    # anyio is what Prefect 2 itself runs on; only the runner for Prefect 2 uses it.
    allowed = {"prefect", *({"anyio"} if source.name == "_runners_2.py" else ()), *standard_library()}
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
    assert set(names) == resolved | {"PREFECT_3"}
    assert len(names) == len(set(names))


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

"""Every row of the tables in `migrator.knowledge.names`, proved on the real releases of Prefect."""

from __future__ import annotations

import ast
import functools
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.knowledge.generate.environments import number
from migrator.knowledge.names import (
    EXPORTS_3_ONLY,
    MOVED_NAMES,
    NEVER_EXISTED,
    MovedName,
    moved,
    only_on_3,
    phantom,
    replacement,
)
from tests.support.environments import PREFECT_2, PREFECT_3, VERSIONS, environment

PROGRAM = Path(__file__).with_name("names_program.py")

ROWS = {row.old: row for row in MOVED_NAMES}

BETWEEN_ENVIRONMENTS = {"prefect.OrionClient", "prefect.client.orion", "prefect.client.orion.OrionClient"}
"""Names that only releases had (2.4.1 to 2.8.0, one of them from 2.6.0) for which there is no environment."""

OTHERWISE_ON_2 = {
    "prefect.client.schemas.objects.MinimalDeploymentSchedule",
    "prefect.variables.get",
}
"""Rows whose `new` imports on 2.x too but is not what `old` is there, so that no 2.x counts."""

RENAMED = {
    ("DeploymentImage", "DockerImage"),
    ("DeploymentTrigger", "DeploymentEventTrigger"),
    ("MinimalDeploymentSchedule", "DeploymentScheduleCreate"),
    ("ORION_API_VERSION", "SERVER_API_VERSION"),
    ("OrionClient", "PrefectClient"),
    ("OrionHandler", "APILogHandler"),
    ("PREFECT_CLOUD_URL", "PREFECT_CLOUD_API_URL"),
    ("OrionLogWorker", "APILogWorker"),
    ("StopTaskServer", "StopTaskWorker"),
    ("TaskServer", "TaskWorker"),
    ("core", "objects"),
    ("create_minimal_deployment_schedule", "create_deployment_schedule_create"),
    ("create_storage_from_url", "create_storage_from_source"),
    ("git_clone_project", "git_clone"),
    ("orion", "orchestration"),
    ("pull_project_from_gcs", "pull_from_gcs"),
    ("pull_project_from_s3", "pull_from_s3"),
    ("raise_failed_state", "raise_state_exception"),
    ("set_default_ignore_file", "create_default_ignore_file"),
    ("push_project_to_gcs", "push_to_gcs"),
    ("push_project_to_s3", "push_to_s3"),
    ("task_server", "task_worker"),
}
RENAMED |= {
    (row.old.rpartition(".")[2], row.new.rpartition(".")[2])
    for row in MOVED_NAMES
    if row.new and row.old.startswith(("prefect.settings.PREFECT_ORION_", "prefect.settings.PREFECT_LOGGING_ORION_"))
}
"""Last parts of `old` and `new` that differ although the two are the same thing."""


@pytest.mark.prefect
def test_settings_are_renamed_as_prefect_itself_renamed_them() -> None:
    code = (
        "import json, prefect.settings as s; "
        "print(json.dumps({n: v.deprecated_renamed_to.name for n, v in vars(s).items() "
        "if n.startswith('PREFECT_') and getattr(v, 'deprecated_renamed_to', None) is not None}))"
    )
    done = environment("2.10.21").run(["-c", code])
    assert done.returncode == 0, done.stderr
    renamed = json.loads(done.stdout)
    rows = {last(old): last(row.new) for old, row in ROWS.items() if row.new and last(old) in renamed}
    assert rows == {old: new for old, new in renamed.items() if old in rows}
    assert set(renamed) - set(rows) == {"PREFECT_ORION_SERVICES_FLOW_RUN_NOTIFICATIONS_ENABLED"}


BROKEN_IN_PUBLIC_REPOSITORIES = [
    "prefect.blocks.system.JSON",
    "prefect.blocks.system.String",
    "prefect.client.get_client",
    "prefect.client.orion.get_client",
    "prefect.context.PrefectObjectRegistry",
    "prefect.deployments.Deployment",
    "prefect.deployments.DeploymentImage",
    "prefect.deployments.deployments.run_deployment",
    "prefect.events.schemas.DeploymentTrigger",
    "prefect.filesystems.Azure",
    "prefect.filesystems.GCS",
    "prefect.filesystems.GitHub",
    "prefect.filesystems.S3",
    "prefect.infrastructure.DockerContainer",
    "prefect.infrastructure.KubernetesJob",
    "prefect.infrastructure.Process",
    "prefect.infrastructure.container.DockerContainer",
    "prefect.infrastructure.container.DockerRegistry",
    "prefect.infrastructure.docker.DockerContainer",
    "prefect.orion.api.server.ORION_API_VERSION",
    "prefect.orion.schemas.filters.DeploymentFilter",
    "prefect.orion.schemas.filters.FlowFilter",
    "prefect.orion.schemas.schedules.CronSchedule",
    "prefect.orion.schemas.schedules.IntervalSchedule",
    "prefect.orion.schemas.schedules.RRuleSchedule",
    "prefect.orion.schemas.sorting.FlowRunSort",
    "prefect.orion.schemas.states.Scheduled",
    "prefect_aws.ecs.AwsCredentials",
    "prefect_aws.ecs.ECSTask",
    "prefect_sqlalchemy.credentials.DatabaseCredentials",
]

Answers = Mapping[str, Mapping[str, Any]]


OF_2 = [version for version in VERSIONS if number(version)[0] == 2]
OF_3 = [version for version in VERSIONS if number(version)[0] == 3]


def of_prefect(name: str) -> bool:
    """Whether the name is of Prefect itself: the environments have no integration packages."""
    return name.startswith("prefect.")


def all_names() -> list[str]:
    names = {*ROWS, *NEVER_EXISTED, *EXPORTS_3_ONLY}
    names |= {row.new for row in MOVED_NAMES if row.new}
    names |= {row.meant for row in NEVER_EXISTED.values() if row.meant}
    return sorted(filter(of_prefect, names))


def ask(version: str, names: Iterable[str]) -> Answers:
    """What the Prefect of `version` says of the names, in one process."""
    with tempfile.TemporaryDirectory() as directory:
        questions = Path(directory) / "names.json"
        questions.write_text(json.dumps(sorted(names)), encoding="utf-8")
        done = environment(version).run([str(PROGRAM), str(questions)])
    assert done.returncode == 0, done.stderr
    found: Answers = json.loads(done.stdout)
    return found


@functools.cache
def answers(version: str) -> Answers:
    return ask(version, all_names())


def newest_2_with(row: MovedName) -> str | None:
    """The newest 2.x environment that should still have the row's `old`."""
    return next((v for v in reversed(OF_2) if row.gone_in_2 is None or number(v) < number(row.gone_in_2)), None)


def should_import_on_3(row: MovedName, version: str) -> bool:
    return row.fails_from is None or number(version)[:2] < number(row.fails_from)


# The shape of the tables


def test_every_name_has_one_row() -> None:
    assert len(ROWS) == len(MOVED_NAMES)


@pytest.mark.parametrize("row", MOVED_NAMES, ids=lambda row: row.old)
def test_a_row_says_what_to_do_and_where_it_is_written(row: MovedName) -> None:
    assert row.new or row.advice
    assert row.new != row.old
    assert row.url.startswith("https://docs.prefect.io/")
    assert row.applicability in {"safe", "unsafe"}
    assert row.fails_from is None or re.fullmatch(r"3\.\d+", row.fails_from)
    for patch in (row.new_since_2, row.gone_in_2):
        assert patch is None or re.fullmatch(r"2\.\d+\.\d+", patch)
    assert row.new or not row.new_since_2
    for name in filter(None, (row.old, row.new)):
        if not of_prefect(name):
            assert row.requires == name.partition(".")[0].replace("_", "-")


@pytest.mark.parametrize("name", BROKEN_IN_PUBLIC_REPOSITORIES)
def test_imports_that_break_in_public_repositories_are_covered(name: str) -> None:
    assert moved(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        "prefect",
        "prefect.flow",
        "prefect.orionis",
        "prefect.filesystems",
        "prefect.filesystems.LocalFileSystem",
        "",
        "os",
    ],
)
def test_names_that_stay_have_no_row(name: str) -> None:
    assert (moved(name), phantom(name), only_on_3(name)) == (None, None, None)


def test_the_row_of_the_name_itself_goes_before_that_of_its_module() -> None:
    of_module = moved("prefect.orion.schemas.responses.FlowRunResponse")
    of_name = moved("prefect.orion.schemas.responses.WorkQueueResponse")
    assert of_module is not None and of_module.old == "prefect.orion.schemas.responses"
    assert of_name is not None and of_name.new is None


def test_a_name_below_a_moved_module_moves_with_it() -> None:
    row = ROWS["prefect.orion.schemas.schedules"]
    name = "prefect.orion.schemas.schedules.CronSchedule"
    assert replacement(row, name) == "prefect.client.schemas.schedules.CronSchedule"


def test_a_name_below_a_removed_module_has_no_replacement() -> None:
    assert replacement(ROWS["prefect.packaging"], "prefect.packaging.DockerPackager") is None


def test_what_is_new_later_than_its_module_has_a_row_of_its_own() -> None:
    module, name = only_on_3("prefect.cache_policies.INPUTS"), only_on_3("prefect.cache_policies.NO_CACHE")
    assert module is not None and name is not None and number(module.since) < number(name.since)


@given(st.sampled_from(sorted(ROWS)), st.text("abcXYZ_", min_size=1, max_size=8))
def test_a_row_covers_what_lies_below_it_and_nothing_beside_it(old: str, part: str) -> None:
    below = moved(f"{old}.{part}_")
    assert below is not None and old.startswith(below.old)
    beside = moved(f"{old}{part}_")
    assert beside is None or len(beside.old) < len(old)


def test_importing_the_tables_loads_nothing_heavy() -> None:
    code = "import sys, migrator.knowledge.names; print(*sorted(m.partition('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"libcst", "packaging", "prefect", "pydantic", "rich", "typer"}


def test_what_compat_is_said_to_offer_is_there_under_the_same_name() -> None:
    tree = ast.parse((Path(__file__).parent.parent / "compat" / "__init__.py").read_text(encoding="utf-8"))
    there = {
        key.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in ("_OWN", "_PREFECT")
        for key in getattr(node.value, "keys", ())
    }
    offered = {row.compat: last(name) for name, row in EXPORTS_3_ONLY.items() if row.compat}
    assert set(offered) <= there
    assert all(compat == name for compat, name in offered.items())


# What the releases say


@pytest.mark.prefect
def test_prefects_own_lists_of_moved_and_removed_names_are_covered() -> None:
    code = (
        "import json\n"
        "from prefect._internal.compatibility.migration import MOVED_IN_V3, REMOVED_IN_V3\n"
        "print(json.dumps(sorted([*MOVED_IN_V3, *REMOVED_IN_V3])))"
    )
    done = environment(PREFECT_3).run(["-c", code])
    assert done.returncode == 0, done.stderr
    listed = {name.replace(":", ".") for name in json.loads(done.stdout)}
    in_no_release_of_2 = {"prefect.workers.cloud.BlockWorker"}
    assert {name for name in listed if moved(name) is None} == in_no_release_of_2


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
def test_on_3_the_old_name_fails_from_the_minor_that_its_row_says(version: str) -> None:
    found = answers(version)
    wrong = {
        old: found[old].get("error", "imports")
        for old, row in ROWS.items()
        if of_prefect(old) and found[old]["imports"] != should_import_on_3(row, version)
    }
    assert wrong == {}


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
def test_on_3_the_new_name_imports(version: str) -> None:
    found = answers(version)
    wrong = {
        row.new: found[row.new].get("error")
        for row in MOVED_NAMES
        if row.new and of_prefect(row.new) and not found[row.new]["imports"]
    }
    assert wrong == {}


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_2)
def test_on_2_the_old_name_imports_until_the_release_that_dropped_it(version: str) -> None:
    found = answers(version)
    wrong = {}
    for old, row in ROWS.items():
        gone = row.gone_in_2 is not None and number(version) >= number(row.gone_in_2)
        known = gone or (newest_2_with(row) == version and old not in BETWEEN_ENVIRONMENTS)
        if of_prefect(old) and known and found[old]["imports"] == gone:
            wrong[old] = found[old].get("error", "imports")
    assert wrong == {}


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_2)
def test_on_2_the_new_name_imports_from_the_release_that_its_row_says(version: str) -> None:
    found = answers(version)
    wrong = {}
    for old, row in ROWS.items():
        if row.new is None or not of_prefect(row.new) or old in OTHERWISE_ON_2:
            continue
        since = row.new_since_2
        if found[row.new]["imports"] != (since is not None and number(version) >= number(since)):
            wrong[row.new] = found[row.new].get("error", "imports")
    assert wrong == {}


@pytest.mark.prefect
@pytest.mark.parametrize("version", [PREFECT_2, *OF_3])
def test_where_both_names_import_they_are_the_same_thing(version: str) -> None:
    found = answers(version)
    different: dict[str, object] = {}
    for old, row in ROWS.items():
        if row.new is None or not (of_prefect(old) and of_prefect(row.new)):
            continue
        a, b = found[old], found[row.new]
        if not (a["imports"] and b["imports"]) or (number(version)[0] == 2 and row.new_since_2 is None):
            continue
        same_name = last(old) == last(row.new) or (last(old), last(row.new)) in RENAMED
        if a["identity"] != b["identity"] and not (same_name and a["kind"] == b["kind"]):
            different[old] = (a, b)
    assert different == {}


@pytest.mark.prefect
def test_the_new_thing_has_the_name_and_the_kind_of_the_old_one() -> None:
    different: dict[str, object] = {}
    for old, row in ROWS.items():
        version = newest_2_with(row)
        if row.new is None or not (of_prefect(old) and of_prefect(row.new)):
            continue
        if last(old) != last(row.new) and (last(old), last(row.new)) not in RENAMED:
            different[old] = row.new
        elif version is not None and old not in BETWEEN_ENVIRONMENTS:
            kinds = {answers(version)[old]["kind"], answers(PREFECT_3)[row.new]["kind"]}
            if len(kinds) != 1 and old not in DECORATED:
                different[old] = sorted(kinds)
    assert different == {}


DECORATED = {
    f"prefect.{module}.Orion{name}" for module, name in (("agent", "Agent"), ("client.orchestration", "Client"))
}
DECORATED |= {f"prefect.logging.handlers.Orion{name}" for name in ("Handler", "LogWorker")}
"""Classes that the last releases to have them replaced by a function that warns and makes the renamed class."""


def members_that_move_with_their_module() -> Iterator[tuple[str, str]]:
    for old, row in ROWS.items():
        version = newest_2_with(row)
        if row.new is None or version is None or not of_prefect(old) or old in BETWEEN_ENVIRONMENTS:
            continue
        for member in answers(version)[old].get("members", ()):
            name = f"{old}.{member}"
            new = replacement(row, name)
            if moved(name) is row and new is not None:
                yield name, new


@pytest.mark.prefect
@pytest.mark.parametrize("version", [PREFECT_2, *OF_3])
def test_every_public_name_of_a_moved_module_is_in_the_new_module(version: str) -> None:
    pairs = dict(members_that_move_with_their_module())
    portable = {name: new for name, new in pairs.items() if number(version)[0] == 3 or on_2(name)}
    assert portable
    found = ask(version, portable.values())
    assert {name: new for name, new in portable.items() if not found[new]["imports"]} == {}


def on_2(name: str) -> bool:
    row = moved(name)
    return row is not None and row.new_since_2 is not None


@pytest.mark.prefect
@pytest.mark.parametrize("version", VERSIONS)
def test_a_phantom_imports_nowhere_unless_it_leaks(version: str) -> None:
    found = answers(version)
    wrong = {}
    for name, row in NEVER_EXISTED.items():
        leaks = row.leaks_since is not None and number(version) >= number(row.leaks_since)
        if found[name]["imports"] != leaks or (leaks and found[name]["qualified"].startswith("prefect")):
            wrong[name] = found[name]
    assert wrong == {}


@pytest.mark.prefect
def test_what_a_phantom_means_imports_on_3() -> None:
    found = answers(PREFECT_3)
    meant = {name: row.meant for name, row in NEVER_EXISTED.items() if row.meant}
    assert {name: real for name, real in meant.items() if not found[real]["imports"]} == {}


@pytest.mark.prefect
@pytest.mark.parametrize("version", VERSIONS)
def test_a_name_of_3_alone_imports_from_the_release_that_its_row_says(version: str) -> None:
    found = answers(version)
    wrong = {
        name: found[name].get("error", "imports")
        for name, row in EXPORTS_3_ONLY.items()
        if found[name]["imports"] != (number(version) >= number(row.since))
    }
    assert wrong == {}


def last(name: str) -> str:
    return name.rpartition(".")[2]

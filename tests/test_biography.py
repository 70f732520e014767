"""The biography of a name: what is said of each kind of name, on a page and for programs."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import migrator
from migrator import cli
from migrator.knowledge.api import api
from migrator.reports.biography import PLACES, WIDTH, Biography, UnknownName, as_json, biography, page


def written(releases: int) -> str:
    return api().written(releases)


def parameters(told: Biography) -> dict[str, str]:
    return {part.name: written(part.releases) for part in told.parameters}


def members(told: Biography) -> dict[str, str]:
    return {part.name: written(part.releases) for part in told.members}


def homes(told: Biography) -> dict[str, str]:
    return {part.name: written(part.releases) for part in told.homes}


def unknown(name: str) -> str:
    with pytest.raises(UnknownName) as caught:
        biography(name)
    return str(caught.value)


def command(*arguments: str) -> Result:
    separate: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**separate).invoke(cli.app, ["api", *arguments])


# -- names of modules


def test_a_removed_class_has_its_releases_the_advice_and_the_link() -> None:
    text = page(biography("prefect.filesystems.S3"))
    assert text.startswith("# prefect.filesystems.S3\n\nClass; in Prefect 2.0 to 2.20, gone in 3.0.\n")
    assert "prefect_aws.S3Bucket" in text
    assert "https://docs.prefect.io/" in text


def test_a_living_function_needs_nothing_instead() -> None:
    told = biography("prefect.tasks.task_input_hash")
    assert (told.kind, written(told.releases)) == ("function", "2.0 to 3.8")
    assert told.signature == "task_input_hash(context, arguments)"
    assert (told.replacement, told.advice, told.url, told.parameters) == (None, "", None, ())
    assert "gone" not in page(told)


@pytest.mark.parametrize(
    "asked",
    [
        "prefect.filesystems:S3",
        " prefect.filesystems.S3 ",
        "`prefect.filesystems.S3`",
        "'prefect.filesystems.S3'",
        "prefect.filesystems.S3()",
        "@prefect.filesystems.S3",
    ],
)
def test_a_name_may_be_spelled_as_it_is_found(asked: str) -> None:
    assert biography(asked) == biography("prefect.filesystems.S3")


def test_a_name_that_moved_has_the_new_one() -> None:
    told = biography("prefect.deployments.DeploymentImage")
    assert written(told.releases) == "2.13 to 2.20"
    assert told.replacement == "prefect.docker.DockerImage"
    assert told.replacement_on_2 is None
    assert "does not work on Prefect 2" in page(told)


def test_an_object_that_lives_on_under_another_name_has_that_name_and_works_on_2_as_well() -> None:
    told = biography("prefect.infrastructure.base.Block")
    assert told.replacement == "prefect.blocks.core.Block"
    assert told.replacement_on_2 == "2.0"
    assert "works from 2.0 on" in page(told)


def test_a_home_that_moved_is_told_with_its_releases() -> None:
    assert homes(biography("prefect.pause_flow_run")) == {
        "prefect.flow_runs.pause_flow_run": "3.0 to 3.8",
        "prefect.engine.pause_flow_run": "2.7 to 2.20",
    }


def test_a_name_at_home_where_it_is_asked_for_tells_no_home() -> None:
    assert "Defined in" not in page(biography("prefect.tasks.task_input_hash"))


def test_prefects_own_warning_is_told() -> None:
    told = biography("prefect.deployments.deployments.load_flow_from_flow_run")
    assert [part.name for part in told.warns] == ["prefect.flows.load_flow_from_flow_run"]
    assert "Prefect's own warning" in page(told)


def test_the_call_is_that_of_the_newest_home() -> None:
    told = biography("prefect.deployments.deployments.load_flow_from_flow_run")
    assert told.signature is not None
    assert told.signature.startswith("load_flow_from_flow_run(client, flow_run, ")
    assert written(told.signature_of) == "3.8"


def test_a_name_that_only_3_has_tells_what_compat_has() -> None:
    told = biography("prefect.futures.as_completed")
    assert (written(told.releases), told.on_both) == ("3.0 to 3.8", "compat.as_completed")


def test_a_name_that_is_not_the_same_thing_any_more_says_where() -> None:
    told = biography("prefect.server.schemas.states.Completed")
    assert told.replacement == "prefect.states.Completed"
    assert {each.since for each in told.differences} == {"3.0"}
    assert "returned by a flow or a task" in page(told)


def test_a_name_that_a_module_only_imports_is_not_prefects() -> None:
    told = biography("prefect.filesystems.fsspec")
    assert told.kind == "import from elsewhere"
    assert told.notes


# -- members, modules, integrations


def test_a_removed_method_has_the_new_spelling() -> None:
    told = biography("prefect.futures.PrefectFuture.get_state")
    assert (told.kind, written(told.releases)) == ("method", "2.0 to 2.20")
    assert told.replacement == "prefect.futures.PrefectFuture.state"
    assert told.advice.startswith("It is an attribute, not called.")


def test_parameters_that_came_and_went_have_their_releases() -> None:
    found = parameters(biography("prefect.flows.Flow.deploy"))
    assert found["is_schedule_active"] == "2.14 to 2.20"
    assert found["concurrency_limit"] == "3.0 to 3.8"
    assert found["schedule"] == "2.13 to 2.20 and 3.2 to 3.8"
    assert "name" not in found


def test_an_inherited_member_tells_where_it_is_defined() -> None:
    assert list(homes(biography("prefect.filesystems.LocalFileSystem.save"))) == ["prefect.blocks.core.Block.save"]


def test_a_class_tells_the_members_that_came_and_went() -> None:
    found = members(biography("prefect.futures.PrefectFuture"))
    assert found["get_state"] == "2.0 to 2.20"
    assert found["state"] == "3.0 to 3.8"
    assert "result" not in found


def test_parameters_that_arbitrary_arguments_hide_are_not_called_new() -> None:
    told = biography("prefect.flows.Flow")
    assert set(parameters(told)) == {"on_running"}
    assert written(told.called) == "2.14 to 3.8"


def test_a_module_that_is_gone() -> None:
    told = biography("prefect.orion.schemas")
    assert told.kind == "module"
    assert "in Prefect 2.0 to 2.12, gone in 2.13." in page(told)
    assert "prefect.server" in told.advice


def test_a_module_that_is_still_there_tells_the_names_that_came_and_went() -> None:
    found = members(biography("prefect.futures"))
    assert found["as_completed"] == "3.0 to 3.8"
    assert found["resolve_futures_to_data"] == "2.0 to 2.20"
    assert "PrefectFuture" not in found


def test_an_integration_tells_which_releases_were_looked_at() -> None:
    told = biography("prefect_aws.ecs.ECSTask")
    text = " ".join(page(told).split())
    of_2, of_3 = (release.partition("=")[2] for release in api().versions["prefect_aws"])
    assert f"in prefect-aws {of_2} (the release looked at for Prefect 2)" in text
    assert f"not in prefect-aws {of_3} (the release looked at for Prefect 3)" in text
    assert told.advice
    assert biography("prefect-aws.ecs.ECSTask") == told


def test_what_is_inside_of_a_removed_class_leads_to_the_class() -> None:
    told = biography("prefect.deployments.Deployment.build_from_flow")
    assert told.name == "prefect.deployments.Deployment"
    assert "`build_from_flow`" in told.notes[0]
    assert told.advice


# -- arguments


@pytest.mark.parametrize(
    "asked", ["prefect.flow(retries)", "prefect.flow(retries=3)", "@prefect.flow(retries)", "flow(retries)"]
)
def test_an_argument_that_always_was(asked: str) -> None:
    told = biography(asked)
    assert (told.name, told.kind, written(told.releases)) == ("prefect.flow(retries)", "parameter", "2.0 to 3.8")
    assert told.replacement is None


def test_an_argument_that_came_later() -> None:
    assert written(biography("prefect.task(cache_policy)").releases) == "3.0 to 3.8"


def test_an_argument_that_is_gone_has_advice() -> None:
    told = biography("prefect.engine.pause_flow_run(reschedule)")
    assert written(told.releases) == "2.7 to 2.20"
    assert "suspend_flow_run" in told.advice


def test_an_argument_that_is_refused_for_a_while_has_advice() -> None:
    told = biography("prefect.flows.Flow.deploy(schedule)")
    assert written(told.releases) == "2.13 to 2.20 and 3.2 to 3.8"
    assert "schedules" in told.advice


def test_arbitrary_arguments_are_said_to_be_open() -> None:
    told = biography("prefect.flows.Flow(retries)")
    assert written(told.releases) == "2.14 to 3.8"
    assert "2.0 to 2.13" in told.notes[0]


def test_an_argument_that_nobody_takes_has_the_nearest() -> None:
    assert "did you mean `retries`?" in unknown("prefect.flow(reties)")


def test_the_arguments_of_a_module_are_not_known() -> None:
    assert "not known" in unknown("prefect.futures(x)")


# -- ends of names


def test_the_end_of_a_name_is_enough_where_one_module_has_it() -> None:
    told = biography("S3")
    assert told.name == "prefect.filesystems.S3"
    assert "The name is also in:" in page(told)


@pytest.mark.parametrize("asked", ["get_state", "PrefectFuture.get_state"])
def test_the_end_of_a_name_is_enough_for_a_member(asked: str) -> None:
    assert biography(asked).name == "prefect.futures.PrefectFuture.get_state"


def test_what_prefect_itself_exports_comes_first() -> None:
    assert biography("task").name == "prefect.task"


def test_the_end_of_a_module_is_enough() -> None:
    assert biography("filesystems.S3").name == "prefect.filesystems.S3"


def test_a_name_of_many_things_lists_the_first_and_counts_the_rest() -> None:
    told = biography("name")
    assert told.kind is None
    assert len(told.places) > PLACES
    lines = page(told).splitlines()
    assert sum(line.startswith("- `prefect.") for line in lines) == PLACES
    assert "more" in lines[-1]


def test_private_places_are_not_listed() -> None:
    for part in biography("name").places:
        assert not any(each.startswith("_") for each in part.name.split("."))


# -- names that no release has


def test_a_name_that_people_write_although_nobody_has_it() -> None:
    told = biography("prefect.Variable")
    assert told.replacement == "prefect.variables.Variable"
    assert told.releases == 0
    assert "No Prefect" in page(told)


def test_a_name_of_prefect_1() -> None:
    assert "Prefect 1" in page(biography("prefect.Client"))


@pytest.mark.parametrize(
    "asked, near",
    [
        ("prefect.filesystems.S33", "`prefect.filesystems.S3`"),
        ("prefect.filesystem", "`prefect.filesystems`"),
        ("prefect.flows.Flow.depoy", "`prefect.flows.Flow.deploy`"),
        ("task_input_hsh", "`task_input_hash`"),
        ("prefect.flows.task_input_hash", "`prefect.tasks.task_input_hash`"),
    ],
)
def test_a_name_that_nobody_has_has_the_nearest(asked: str, near: str) -> None:
    told = unknown(asked)
    assert f"`{asked}`" in told
    assert near in told


@pytest.mark.parametrize(
    "asked", ["", " ", "()", "numpy.array", "prefect.states._private", "a b", "\x1b[31m", "\ud800"]
)
def test_what_is_no_name_of_prefect_is_said_to_be_unknown(asked: str) -> None:
    assert "\x1b" not in unknown(asked)


_PARTS = st.sampled_from(
    [
        "prefect",
        "prefect_aws",
        "flows",
        "Flow",
        "deploy",
        "filesystems",
        "S3",
        "orion",
        "states",
        "runtime",
        "name",
        "x",
        "_y",
    ]
)


@settings(deadline=None)
@given(st.one_of(st.text(), st.lists(_PARTS, max_size=5).map(".".join), st.lists(_PARTS).map("(".join)))
def test_any_text_has_a_biography_or_is_unknown(asked: str) -> None:
    try:
        told = biography(asked)
    except UnknownName as error:
        assert str(error)
    else:
        assert page(told).startswith("# ")
        json.loads(as_json(told))


@settings(deadline=None)
@given(st.data())
def test_what_is_in_the_data_has_a_biography_with_its_releases(data: st.DataObject) -> None:
    module = data.draw(st.sampled_from(api().modules))
    names = [name for name in api().names(module) if not name.startswith("_")]
    dotted = f"{module}.{data.draw(st.sampled_from(names))}" if names else module
    life = api().life(dotted)
    if life is not None and (life.entry is not None or life.module == dotted):
        told = biography(dotted)
        assert (told.name, told.releases) == (dotted, life.releases) or told.notes
        assert all(len(line) <= WIDTH or " " not in line.strip("- ") for line in page(told).splitlines()[1:])


# -- for programs


_KEYS = [
    "name",
    "kind",
    "releases",
    "removed_in",
    "replacement",
    "replacement_on_2",
    "requires",
    "applicability",
    "on_both",
    "advice",
    "url",
    "warns",
    "homes",
    "async",
    "signature",
    "signature_of",
    "parameters",
    "members",
    "differences",
    "notes",
    "places",
    "looked_at",
]


@pytest.mark.parametrize(
    "asked",
    ["prefect.filesystems.S3", "prefect.flow(retries)", "prefect.Variable", "name", "prefect_aws", "prefect.Client"],
)
def test_each_object_has_the_same_keys(asked: str) -> None:
    assert list(json.loads(as_json(biography(asked)))) == _KEYS


def test_releases_are_labels_of_what_was_looked_at() -> None:
    found = json.loads(as_json(biography("prefect.deployments.DeploymentImage")))
    assert found["releases"] == [f"2.{minor}" for minor in range(13, 21)]
    assert (found["removed_in"], found["applicability"]) == ("3.0", "safe")
    assert found["looked_at"]["2.20"].startswith("2.20.")
    assert found["homes"] == [{"name": "prefect.deployments.runner.DeploymentImage", "releases": found["releases"]}]


def test_an_integration_has_a_label_for_each_major() -> None:
    found = json.loads(as_json(biography("prefect_aws.ecs.ECSTask")))
    assert (found["releases"], found["removed_in"], list(found["looked_at"])) == (["2"], "3", ["2", "3"])


def test_what_lives_was_not_removed() -> None:
    assert json.loads(as_json(biography("prefect.flow")))["removed_in"] is None


# -- the command


def test_the_command_prints_the_page() -> None:
    result = command("prefect.filesystems.S3")
    assert result.exit_code == 0
    assert result.stdout == page(biography("prefect.filesystems.S3"))


def test_the_command_prints_one_object() -> None:
    result = command("prefect.filesystems.S3", "--output-format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["removed_in"] == "3.0"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["prefect.filesystems.S33"], "did you mean `prefect.filesystems.S3`?"),
        (["prefect.filesystems.S33", "--output-format", "json"], "did you mean"),
        (["prefect.flow", "--output-format", "sarif"], "`sarif`"),
        ([], "NAME"),
    ],
)
def test_what_the_command_cannot_tell_ends_with_2(arguments: list[str], message: str) -> None:
    result = command(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""


def test_the_command_has_help() -> None:
    result = command("--help")
    assert result.exit_code == 0
    assert "NAME" in result.stdout


def test_a_pipe_gets_plain_text_in_80_columns() -> None:
    root = str(Path(migrator.__file__).resolve().parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", "migrator", "api", "prefect.flows.Flow.deploy"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": root},
    )
    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\x1b" not in text
    assert all(len(line) <= WIDTH for line in text.splitlines())


def test_neither_the_rules_nor_libcst_are_imported() -> None:
    root = str(Path(migrator.__file__).resolve().parent.parent)
    program = (
        "import sys\n"
        "from migrator.reports.biography import biography, page\n"
        "page(biography('prefect.filesystems.S3'))\n"
        "print([name for name in ('libcst', 'migrator.rules', 'rich') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert done.stdout == "[]\n"

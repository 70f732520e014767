"""Deployments of Prefect 2 as entries of `prefect.yaml`, and that file's text."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
import yaml  # what Prefect reads with
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.deployments.entries import (
    DEFAULT_POOL,
    Entry,
    add_entry,
    composed,
    entry_of,
    parsed,
    schedules_of,
    step_of,
    strange_steps,
    written,
)


def _entry(**deployment: Any) -> dict[str, Any]:
    return entry_of({"name": "d", "entrypoint": "flows.py:f", "work_pool_name": "pool", **deployment}).data


def test_what_says_nothing_is_left_out() -> None:
    given = {
        "description": None,
        "version": None,
        "tags": [],
        "parameters": {},
        "schedule": None,
        "infra_overrides": {},
    }
    assert _entry(**given, triggers=[], storage=None, path=None, timestamp="2023", parameter_openapi_schema={}) == {
        "name": "d",
        "entrypoint": "flows.py:f",
        "enforce_parameter_schema": False,
        "work_pool": {"name": "pool"},
    }


def test_the_schema_is_enforced_where_2_enforced_it() -> None:
    assert _entry(enforce_parameter_schema=True)["enforce_parameter_schema"] is True
    assert _entry(enforce_parameter_schema=None)["enforce_parameter_schema"] is False


@pytest.mark.parametrize(
    ("deployment", "schedules"),
    [
        ({"schedule": {"cron": "0 5 * * *", "timezone": None, "day_or": True}}, [{"cron": "0 5 * * *"}]),
        ({"schedule": {"cron": "0 5 * * *", "day_or": False}}, [{"cron": "0 5 * * *", "day_or": False}]),
        (
            {"schedule": {"interval": 3600.0, "anchor_date": "2020-01-01T00:00:00+00:00", "timezone": "UTC"}},
            [{"interval": 3600, "anchor_date": "2020-01-01T00:00:00+00:00", "timezone": "UTC"}],
        ),
        ({"schedule": {"interval": 0.5}}, [{"interval": 0.5}]),
        (
            {"schedule": {"rrule": "FREQ=DAILY", "timezone": "Europe/Paris"}},
            [{"rrule": "FREQ=DAILY", "timezone": "Europe/Paris"}],
        ),
        (
            {
                "schedules": [
                    {"schedule": {"cron": "* * * * *"}, "active": False},
                    {"schedule": {"interval": 60.0}, "active": True},
                ]
            },
            [{"cron": "* * * * *", "active": False}, {"interval": 60}],
        ),
        (
            {
                "schedules": [
                    {"id": "x", "created": "y", "deployment_id": "z", "active": True, "schedule": {"cron": "* * * * *"}}
                ]
            },
            [{"cron": "* * * * *"}],
        ),
        (
            {"schedule": {"cron": "1 * * * *"}, "schedules": [{"schedule": {"cron": "2 * * * *"}}]},
            [{"cron": "2 * * * *"}],
        ),
        ({"schedule": {}}, []),
        ({"schedule": None, "schedules": []}, []),
    ],
)
def test_schedules_of_every_release(deployment: dict[str, Any], schedules: list[dict[str, Any]]) -> None:
    assert schedules_of(deployment) == schedules


def test_a_date_of_yaml_becomes_text() -> None:
    anchor = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    assert (
        _entry(schedule={"interval": 60, "anchor_date": anchor})["schedules"][0]["anchor_date"]
        == "2020-01-01T00:00:00+00:00"
    )


@pytest.mark.parametrize("paused", [{"is_schedule_active": False}, {"paused": True}])
def test_a_schedule_that_is_off_is_a_paused_deployment(paused: dict[str, Any]) -> None:
    assert _entry(**paused)["paused"] is True


@pytest.mark.parametrize("active", [{"is_schedule_active": True}, {"is_schedule_active": None}, {"paused": False}, {}])
def test_a_schedule_that_is_on_says_nothing(active: dict[str, Any]) -> None:
    assert "paused" not in _entry(**active)


def test_without_a_pool_the_environment_names_it_and_the_queue_stays() -> None:
    entry = entry_of({"name": "d", "entrypoint": "f.py:f", "work_queue_name": "etl"})
    assert entry.data["work_pool"] == {"name": DEFAULT_POOL, "work_queue_name": "etl"}
    assert any("prefect work-pool create" in note for note in entry.notes)


def test_the_pool_of_the_command_line_serves_agents_deployments_alone() -> None:
    deployment = {"name": "d", "entrypoint": "f.py:f"}
    assert entry_of(deployment, work_pool="mine").data["work_pool"]["name"] == "mine"
    assert entry_of({**deployment, "work_pool_name": "own"}, work_pool="mine").data["work_pool"]["name"] == "own"
    assert (
        entry_of({**deployment, "work_pool_name": "default-agent-pool"}, work_pool="mine").data["work_pool"]["name"]
        == "mine"
    )


def test_a_saved_infrastructure_block_names_the_pool() -> None:
    block = {
        "_block_type_slug": "kubernetes-job",
        "_block_document_name": "prod",
        "_is_anonymous": False,
        "namespace": "etl",
    }
    entry = entry_of({"name": "d", "entrypoint": "f.py:f", "infrastructure": block})
    assert entry.data["work_pool"]["name"] == "prod"
    assert entry.data["work_pool"]["job_variables"]["namespace"] == "etl"
    mixed = entry_of({"name": "d", "entrypoint": "f.py:f", "infrastructure": block}, work_pool="processes")
    assert mixed.data["work_pool"]["name"] == "prod", "a pool has one type"
    process = {**block, "_block_type_slug": "process"}
    process.pop("namespace")
    same = entry_of({"name": "d", "entrypoint": "f.py:f", "infrastructure": process}, work_pool="processes")
    assert same.data["work_pool"]["name"] == "processes"
    assert any("--type kubernetes" in note for note in entry.notes)


def test_overrides_lead_into_the_block_and_then_become_job_variables() -> None:
    block = {"type": "docker-container", "image": "old", "env": {"A": "1", "B": "2"}}
    entry = entry_of(
        {
            "name": "d",
            "entrypoint": "f.py:f",
            "infrastructure": block,
            "infra_overrides": {"env.A": "3", "image": "org/new:3.1"},
        }
    )
    assert entry.data["work_pool"]["job_variables"]["env"] == {"A": "3", "B": "2"}
    assert entry.data["work_pool"]["job_variables"]["image"] == "org/new:3.1"


def test_a_named_pool_has_the_overrides_as_job_variables_and_nothing_of_the_default_block() -> None:
    block = {
        "type": "process",
        "env": {},
        "labels": {},
        "name": None,
        "command": ["python", "-m", "prefect.engine"],
        "stream_output": True,
    }
    data = _entry(infrastructure=block, infra_overrides={"env.A": "b", "cpu": 2})
    assert data["work_pool"] == {"name": "pool", "job_variables": {"env": {"A": "b"}, "cpu": 2}}


def test_job_variables_and_infra_overrides_are_two_names_of_the_same() -> None:
    assert _entry(job_variables={"env": {"A": "b"}})["work_pool"]["job_variables"] == {"env": {"A": "b"}}


def test_an_infrastructure_block_of_somebody_else_is_told() -> None:
    entry = entry_of(
        {
            "name": "d",
            "entrypoint": "f.py:f",
            "infrastructure": {"_block_type_slug": "mine", "x": 1},
            "infra_overrides": {"y": 2},
        }
    )
    assert entry.data["work_pool"]["job_variables"] == {"y": 2}
    assert any("`mine`" in note for note in entry.notes)


def test_asterisks_are_never_written() -> None:
    block = {"type": "docker-container", "image": "i", "env": {"TOKEN": "**********"}}
    entry = entry_of({"name": "d", "entrypoint": "f.py:f", "infrastructure": block})
    assert "**" not in written([entry.data])
    assert any("secret" in note for note in entry.notes)


def test_a_path_is_where_the_worker_goes() -> None:
    assert _entry(path="/srv")["pull"] == [{"prefect.deployments.steps.set_working_directory": {"directory": "/srv"}}]
    assert "pull" not in _entry(path=None)


def test_an_entrypoint_below_the_path_is_made_relative() -> None:
    assert _entry(path="/srv/", entrypoint="/srv/flows/a.py:f")["entrypoint"] == "flows/a.py:f"
    assert _entry(path="/srv", entrypoint="/srv2/a.py:f")["entrypoint"] == "/srv2/a.py:f"
    assert _entry(path="/srv", entrypoint="package.module.f")["entrypoint"] == "package.module.f"


def test_no_entrypoint_is_told() -> None:
    entry = entry_of({"name": "d", "manifest_path": "f-manifest.json"})
    assert "entrypoint" not in entry.data
    assert any("entrypoint" in note for note in entry.notes)


def test_steps_of_the_first_projects_get_their_names_of_today() -> None:
    assert step_of({"prefect.projects.steps.git_clone_project": {"repository": "r"}}) == {
        "prefect.deployments.steps.git_clone": {"repository": "r"}
    }
    assert _entry(pull_steps=[{"prefect_aws.projects.steps.pull_project_from_s3": {"bucket": "b"}}])["pull"] == [
        {"prefect_aws.deployments.steps.pull_from_s3": {"bucket": "b"}}
    ]
    own = {"my.steps.pull": {"a": 1}}
    assert step_of(own) == own


def test_triggers_stay_without_what_is_none() -> None:
    trigger = {
        "type": "event",
        "match": {"prefect.resource.id": "x"},
        "expect": ["e"],
        "job_variables": None,
        "id": "1",
        "parameters": {"a": "{{ event.id }}"},
    }
    assert _entry(triggers=[trigger])["triggers"] == [
        {"type": "event", "match": {"prefect.resource.id": "x"}, "expect": ["e"], "parameters": {"a": "{{ event.id }}"}}
    ]


def test_braces_in_a_parameter_are_told_because_they_mean_something_in_prefect_yaml() -> None:
    assert any(
        "{{" in note for note in entry_of({"name": "d", "entrypoint": "f.py:f", "parameters": {"q": "{{ ds }}"}}).notes
    )
    assert not any(
        "{{" in note for note in entry_of({"name": "d", "entrypoint": "f.py:f", "parameters": {"q": "{ds}"}}).notes
    )


def test_an_unknown_key_is_told() -> None:
    assert any("owner" in note for note in entry_of({"name": "d", "entrypoint": "f.py:f", "owner": "me"}).notes)


# -- the text


ENTRY = Entry({"name": "new", "entrypoint": "a.py:f", "tags": ["yes"], "description": "two\nlines"})
ITEM = """\
  - name: new
    entrypoint: a.py:f
    tags:
      - "yes"
    description: |-
      two
      lines
"""
AT_THE_LEFT = "".join(line[2:] + "\n" for line in ITEM.splitlines())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"# Register these deployments with: prefect deploy --all\ndeployments:\n{ITEM}"),
        ("# mine\n", f"# mine\ndeployments:\n{ITEM}"),
        ("name: x", f"name: x\n\ndeployments:\n{ITEM}"),
        ("name: x\n\n# pulls\npull: null\n", f"name: x\n\n# pulls\npull: null\n\ndeployments:\n{ITEM}"),
        ("deployments:\n", f"deployments:\n{ITEM}"),
        ("deployments: []  # none\nname: x\n", f"deployments:  # none\n{ITEM}name: x\n"),
        ("deployments: null\nname: x\n", f"deployments:\n{ITEM}name: x\n"),
        (
            "deployments:\n  - name: a  # b\n    # c\n\n# d\nname: x\n",
            f"deployments:\n  - name: a  # b\n    # c\n{ITEM}\n# d\nname: x\n",
        ),
        (
            "deployments:\n- name: a\n- &x\n  name: b\n- *x\n",
            f"deployments:\n- name: a\n- &x\n  name: b\n- *x\n{AT_THE_LEFT}",
        ),
        ("deployments:\r\n  - name: a\r\n", f"deployments:\n  - name: a\n{ITEM}".replace("\n", "\r\n")),
        ("---\ndeployments:\n  - name: a\n...\n", f"---\ndeployments:\n  - name: a\n{ITEM}...\n"),
        (
            "deployments: [{name: a}]\n",
            'deployments: [{name: a}, {name: new, entrypoint: a.py:f, tags: ["yes"], description: "two\\nlines"}]\n',
        ),
        (
            "deployments:\n  - name: new\n    entrypoint: a.py:f\n    tags: [old]\n\n  - name: b # c\n",
            f"deployments:\n{ITEM}\n  - name: b # c\n",
        ),
    ],
)
def test_an_entry_goes_into_the_text_and_nothing_else_changes(before: str, after: str) -> None:
    assert add_entry(before, ENTRY) == after
    assert add_entry(after, ENTRY) == after
    assert ENTRY.data in yaml.safe_load(after)["deployments"]


def test_the_same_name_at_another_entrypoint_is_another_deployment() -> None:
    text = add_entry(add_entry("", ENTRY), Entry({**ENTRY.data, "entrypoint": "b.py:f"}))
    assert len(yaml.safe_load(text)["deployments"]) == 2


def test_an_entry_is_not_built_by_the_steps_for_all_others() -> None:
    text = add_entry("build:\n- a.b: {c: d}\n", ENTRY)
    assert yaml.safe_load(text)["deployments"] == [{**ENTRY.data, "build": []}]
    assert add_entry(text, ENTRY) == text
    assert yaml.safe_load(add_entry("build: null\n", ENTRY))["deployments"] == [ENTRY.data]


def test_a_comment_goes_above_the_entry() -> None:
    assert "deployments:\n  # one\n  # two\n  - name: new\n" in add_entry("", ENTRY, "# one\n  # two")


def test_an_entry_that_is_there_in_other_words_stays() -> None:
    text = 'x: &tags ["yes"]\ndeployments:\n  - {entrypoint: a.py:f, name: "new", tags: *tags, description: "two\\nlines"}  # mine\n'
    assert add_entry(text, ENTRY) == text


@pytest.mark.parametrize("text", ["- a\n", "just text\n", "deployments: {a: b}\n", "a: [\n", "deployments: 5\n"])
def test_a_text_of_another_shape_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        add_entry(text, ENTRY)


_TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    st.sampled_from(
        [
            "yes",
            "no",
            "on",
            "1e3",
            "0x1",
            "0o7",
            "1_000",
            "12:30:00",
            "=",
            "<<",
            "~",
            "null",
            "{{ $X }}",
            "a: b",
            "- a",
            "#",
            " a ",
            "a\nb",
            "a\n\nb\n",
            "\ta",
            "2020-01-01",
            ".5",
            "%a",
            "@a",
            "`a",
            "*a",
            "&a",
            "!a",
            "|",
            ">",
            "? a",
            "'",
            '"',
            "a #b",
            "ab\n c",
            "\n",
            "x\n \ny",
        ]
    ),
)
_DATA = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), _TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_TEXTS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_TEXTS, _DATA, max_size=4))
def test_whatever_is_written_both_parsers_read_back(data: dict[str, Any]) -> None:
    text = written(data)
    assert yaml.safe_load(text) == data
    assert parsed(text) == data


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            "",
            "name: x\n",
            "deployments:\n- name: q\n  # c\n",
            "# c\ndeployments: []\npull: null\n",
            "deployments: [{name: z}]\n",
        ]
    ),
    st.lists(st.tuples(_TEXTS, _TEXTS, st.dictionaries(_TEXTS, _DATA, max_size=2)), min_size=1, max_size=3),
)
def test_every_entry_is_in_the_text_once_however_often_it_is_added(
    before: str, given: list[tuple[str, str, dict[str, Any]]]
) -> None:
    entries = [
        Entry({"name": name, "entrypoint": entrypoint, "parameters": parameters})
        for name, entrypoint, parameters in given
    ]
    text = before
    for entry in entries:
        text = add_entry(text, entry)
    wanted = {(entry.data["name"], entry.data["entrypoint"]): entry.data for entry in entries}
    start = (yaml.safe_load(before) or {}).get("deployments") or []
    assert sorted(map(repr, yaml.safe_load(text)["deployments"])) == sorted(map(repr, [*start, *wanted.values()]))
    for entry in wanted.values():
        assert add_entry(text, Entry(entry)) == text
    assert text.startswith(before.split("deployments")[0].rstrip("\n"))


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "entrypoint",
                "schedule",
                "schedules",
                "infrastructure",
                "storage",
                "path",
                "triggers",
                "parameters",
                "work_pool_name",
                "infra_overrides",
                "tags",
            ]
        ),
        _DATA,
    )
)
def test_no_shape_of_a_deployment_is_an_exception(deployment: dict[str, Any]) -> None:
    entry = entry_of(deployment)
    assert yaml.safe_load(written([entry.data])) == [entry.data]


@pytest.mark.parametrize(
    "word",
    [
        "y",
        "n",
        "Y",
        "N",
        "yes",
        "no",
        "on",
        "off",
        "1e3",
        "1.5e3",
        "1.5e+3",
        "7e230",
        "012",
        "08",
        "0o17",
        "1_000",
        "1:30",
        ".5",
        "-.5",
        "0x1F",
        "~",
        "2024-01-01",
        "+1",
        "00",
        "1.",
    ],
)
def test_words_are_read_as_prefect_reads_them(word: str) -> None:
    text = f"{word}: {word}\n"
    assert parsed(text) == yaml.safe_load(text)
    assert repr(parsed(text)) == repr(yaml.safe_load(text))
    tree = composed(text)
    assert tree is not None
    assert str(tree.value[0][1].tag) == yaml.compose(text).value[0][1].tag


def test_parameters_called_n_and_y_keep_their_names_and_versions_stay_texts() -> None:
    text = "name: a\nentrypoint: f.py:f\nversion: 7e230\nparameters:\n  n: 3\n  y: n\n"
    entry = entry_of(parsed(text))
    assert entry.data["parameters"] == {"n": 3, "y": "n"}
    assert entry.data["version"] == "7e230"
    assert yaml.safe_load(add_entry("", entry))["deployments"][0]["parameters"] == {"n": 3, "y": "n"}


@pytest.mark.parametrize(
    ("text", "data", "strange"),
    [
        ("push:\n- a.b: {c: d}\n", {}, "push"),
        ("push:\n- a.b: {c: d}\n", {"push": [{"a.b": {}}]}, ""),
        ("pull:\n- a.b: {c: d}\n", {}, "pull"),
        ("pull:\n- a.b: {c: d}\n", {"pull": [{"a.b": {}}]}, ""),
        ("build:\n- a.b: {c: d}\npush: null\npull: []\n", {}, ""),
        ("a: [\npull:\n", {}, ""),
    ],
)
def test_steps_for_every_deployment_are_not_those_of_a_new_one(text: str, data: dict[str, Any], strange: str) -> None:
    assert strange_steps(text, Entry({**ENTRY.data, **data}, ())) == strange

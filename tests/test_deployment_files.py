"""YAML files of deployments: what `check` says of them and what `fix` makes of them."""

from __future__ import annotations

import pytest

from migrator.findings import Applicability, Finding, Severity
from tests.support.examples import prove_files

RULES = ("PF330", "PF331", "PF332")
FLOW = "from prefect import flow\n\n\n@flow\ndef f():\n    pass\n"
HEADER = "# Register these deployments with: prefect deploy --all\n"


def _prove(
    before: dict[str, str],
    after: dict[str, str],
    *,
    target: str = "3",
    unsafe: bool = True,
    work_pool: str | None = None,
) -> list[Finding]:
    reports = prove_files(before, after, select=RULES, target=target, unsafe=unsafe, work_pool=work_pool)
    return [finding for report in reports for finding in report.findings]


def _untouched(files: dict[str, str], target: str = "3") -> list[Finding]:
    return _prove(files, files, target=target)


# -- PF330


OLD = """\
###
### A complete description of a Prefect Deployment for flow 'f'
###
name: nightly
description: null
version: null
# The work queue that will handle this deployment's runs
work_queue_name: default
tags: []
parameters: {}
schedule: null
infra_overrides: {}
infrastructure:
  type: process
  env: {}
  labels: {}
  name: null
  command:
  - python
  - -m
  - prefect.engine
  stream_output: true

###
### DO NOT EDIT BELOW THIS LINE
###
flow_name: f
manifest_path: null
storage: null
path: /srv
entrypoint: flows/a.py:f
parameter_openapi_schema:
  title: Parameters
  type: object
"""


def _entry(pool: str = '"{{ $PREFECT_DEFAULT_WORK_POOL_NAME }}"', name: str = "nightly") -> str:
    return f"""\
  - name: {name}
    entrypoint: flows/a.py:f
    enforce_parameter_schema: false
    pull:
      - prefect.deployments.steps.set_working_directory:
          directory: /srv
    work_pool:
      name: {pool}
"""


def test_an_agents_deployment_takes_its_pool_from_the_environment_and_is_unsafe() -> None:
    (finding,) = _prove({"f-deployment.yaml": OLD}, {"prefect.yaml": f"{HEADER}deployments:\n{_entry()}"})
    assert finding.fix is not None
    assert finding.fix.applicability is Applicability.UNSAFE
    assert "prefect work-pool create" in finding.message


def test_nothing_happens_to_it_without_unsafe_fixes() -> None:
    _prove({"f-deployment.yaml": OLD}, {"f-deployment.yaml": OLD}, unsafe=False)


def test_the_pool_of_the_command_line_is_taken() -> None:
    _prove({"f-deployment.yaml": OLD}, {"prefect.yaml": f"{HEADER}deployments:\n{_entry('mine')}"}, work_pool="mine")


def test_a_deployment_with_a_pool_of_its_own_keeps_it() -> None:
    old = OLD.replace("tags: []", "work_pool_name: own\ntags: []")
    _prove({"f-deployment.yaml": old}, {"prefect.yaml": f"{HEADER}deployments:\n{_entry('own')}"})


def test_a_safe_run_takes_no_file_away() -> None:
    _prove({"f-deployment.yaml": OLD}, {"f-deployment.yaml": OLD}, unsafe=False)


def test_the_prefect_yaml_is_where_the_entrypoint_is_found() -> None:
    files = {"app/flows/a.py": FLOW, "app/deploy/yaml/f.yaml": OLD, "app/deploy/prefect.yaml": "name: other\n"}
    _prove(
        files,
        {
            "app/flows/a.py": FLOW,
            "app/deploy/prefect.yaml": "name: other\n",
            "app/prefect.yaml": f"{HEADER}deployments:\n{_entry('mine')}",
        },
        work_pool="mine",
    )


def test_else_it_is_the_nearest_there_is() -> None:
    files = {"prefect.yaml": "# ours\nname: x  # y\n", "deploy/f.yaml": OLD}
    _prove(files, {"prefect.yaml": f"# ours\nname: x  # y\n\ndeployments:\n{_entry('mine')}"}, work_pool="mine")


def test_several_files_become_one() -> None:
    second = OLD.replace("name: nightly", "name: daily")
    _prove(
        {"a.yaml": OLD, "b.yaml": second},
        {"prefect.yaml": f"{HEADER}deployments:\n{_entry('mine')}{_entry('mine', 'daily')}"},
        work_pool="mine",
    )


def test_an_entry_that_says_otherwise_is_not_written_over() -> None:
    there = {"prefect.yaml": f"{HEADER}deployments:\n{_entry('mine')}    tags: [kept]\n", "f-deployment.yaml": OLD}
    (finding,) = _prove(there, there)
    assert finding.fix is None
    assert "by hand, for prefect.yaml says otherwise" in finding.message
    same = {"prefect.yaml": f"{HEADER}deployments:\n{_entry()}", "f-deployment.yaml": OLD}
    _prove(same, {"prefect.yaml": same["prefect.yaml"]})


def test_the_several_documents_of_2_0_become_entries() -> None:
    second = OLD.replace("name: nightly", "name: daily")
    _prove(
        {"a.yaml": f"{OLD}---\n{second}"},
        {"prefect.yaml": f"{HEADER}deployments:\n{_entry('mine')}{_entry('mine', 'daily')}"},
        work_pool="mine",
    )


def test_comments_that_somebody_wrote_go_with_the_entry() -> None:
    old = OLD.replace("tags: []", "tags: []  # none yet\n# ask Anna first")
    wanted = f"{HEADER}deployments:\n  # none yet\n  # ask Anna first\n{_entry('mine')}"
    _prove({"f.yaml": old}, {"prefect.yaml": wanted}, work_pool="mine")


def test_the_entrypoint_of_a_manifest_is_read_from_it() -> None:
    old = OLD.replace("manifest_path: null", "manifest_path: f-manifest.json").replace("entrypoint: flows/a.py:f\n", "")
    manifest = '{"flow_name": "f", "import_path": "flows/a.py:f"}\n'
    _prove(
        {"f.yaml": old, "f-manifest.json": manifest},
        {"f-manifest.json": manifest, "prefect.yaml": f"{HEADER}deployments:\n{_entry('mine')}"},
        work_pool="mine",
    )


def test_a_deployment_without_an_entrypoint_is_only_reported() -> None:
    (finding,) = _untouched({"f.yaml": OLD.replace("entrypoint: flows/a.py:f\n", "")})
    assert finding.fix is None
    assert "entrypoint" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: prefect-agent\n  flow_name: f\n  infrastructure: x\n",
        "name: CI\non: push\njobs:\n  build:\n    steps:\n      - run: echo flow_name: infrastructure\n",
        "services:\n  agent:\n    image: prefecthq/prefect:2.20\n    environment:\n      name: x\n      flow_name: f\n      infrastructure: y\n",
        "name: x\nflow_name: {{ .Values.flow }}\ninfrastructure: {{ .Values.infra }}\n",
        "name: x\nflow_name: [\ninfrastructure: y\n",
        "site_name: Prefect\nname: x\nnav:\n  - flow_name: a.md\n  - infrastructure: b.md\n",
        "name: x\nflow_name: f\n",
    ],
)
def test_other_yaml_is_nobodys_business(text: str) -> None:
    assert _untouched({"some.yaml": text, "deployment.yaml": text}) == []


def test_broken_yaml_that_prefect_wrote_is_told_with_its_place() -> None:
    (finding,) = _untouched({"f.yaml": OLD.replace("tags: []", "tags: [")})
    assert "line 11, column 1" in finding.message
    assert finding.severity is Severity.ERROR


# -- PF331


def _item(*lines: str, version: str = "") -> dict[str, str]:
    body = "".join(f"    {line}\n" for line in lines)
    return {
        "prefect.yaml": f"{version}deployments:\n  - name: a\n    entrypoint: f.py:g\n{body}    work_pool: {{name: p}}\n"
    }


ENFORCED = "enforce_parameter_schema: false"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["schedule: {cron: '* * * * *'}"], [ENFORCED, "schedules: [{cron: '* * * * *'}]"]),
        (
            ["schedule:", "  cron: '* * * * *' # x", "", "  # y", "  timezone: UTC"],
            [ENFORCED, "schedules:", "  - cron: '* * * * *' # x", "", "    # y", "    timezone: UTC"],
        ),
        (["schedule: &s", "  interval: 60"], [ENFORCED, "schedules:", "  - &s", "    interval: 60"]),
        (
            ["schedule:", "  rrule: |", "    FREQ=DAILY", "", "    ;COUNT=1"],
            [ENFORCED, "schedules:", "  - rrule: |", "      FREQ=DAILY", "", "      ;COUNT=1"],
        ),
        (["version: 1.0"], ['version: "1.0"']),
        (["version: 2"], ['version: "2"']),
        (["version: 1.10"], ['version: "1.10"']),
        (["description: true"], ['description: "true"']),
        (["version: 2024-01-01"], ['version: "2024-01-01"']),
        (["parameters:"], ["parameters: {}"]),
        (["parameters:  # none"], ["parameters: {}  # none"]),
        (["parameters: null"], ["parameters: {}"]),
        (["triggers: {}"], ["triggers: []"]),
        (
            ["schedules:", "  - interval: 60", "    anchor_date: 2020-01-01T00:00:00Z"],
            ["schedules:", "  - interval: 60", '    anchor_date: "2020-01-01T00:00:00Z"'],
        ),
        (
            ["schedules:", "  - interval: 60", "    catchup: false  # x", "    active: true"],
            ["schedules:", "  - interval: 60", "    active: true"],
        ),
        (["is_schedule_active: false"], [ENFORCED, "paused: true"]),
        (["is_schedule_active: true  # on"], [ENFORCED, "paused: false  # on"]),
    ],
)
def test_keys_of_2_become_those_of_3(before: list[str], after: list[str]) -> None:
    files, wanted = _item(*before), _item(*after)
    assert _prove(files, wanted)


@pytest.mark.parametrize(
    "line",
    [
        'version: "1.0"',
        "version: null",
        "version: v1",
        'version: "{{ $GIT_SHA }}"',
        "tags: [1, a]",
        'tags: "{{ x }}"',
        "schedule: {}",
        "schedule: null",
        'schedules: [{cron: "* * * * *", day_or: false, slug: x, active: true}]',
        "schedules: [{schedule: {cron: '* * * * *'}, max_active_runs: 1}]",
        "parameters: {a: 1.0, b: null, c: 2020-01-01}",
        "triggers: null",
        "paused: true",
        "concurrency_limit: {limit: 3, collision_strategy: ENQUEUE}",
        "pull: [{my.own.steps.pull: {a: 1}}]",
        "build: null",
        "pull: []",
    ],
)
def test_keys_that_3_reads_stay(line: str) -> None:
    assert _untouched(_item(line)) == []


def test_the_schema_is_spoken_of_only_in_files_that_were_written_for_2() -> None:
    (finding,) = _prove(
        _item(version="prefect-version: 2.14.3\n"), _item(ENFORCED, version="prefect-version: 2.14.3\n")
    )
    assert finding.severity is Severity.WARNING
    assert _untouched(_item(version="prefect-version: 3.1.0\n")) == []
    assert _untouched(_item()) == []


def test_who_has_said_it_is_not_asked_again() -> None:
    assert _untouched(_item("enforce_parameter_schema: true", version="prefect-version: 2.14.3\n")) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "deployments:\n  - {name: a, entrypoint: f.py:g, work_pool: {name: p}}\n",
            "deployments:\n  - {name: a, entrypoint: f.py:g, enforce_parameter_schema: false, work_pool: {name: p}}\n",
        ),
        (
            "deployments:\n- entrypoint: f.py:g\n  name: a",
            "deployments:\n- entrypoint: f.py:g\n  enforce_parameter_schema: false\n  name: a",
        ),
        (
            "deployments:\n- name: a\n  entrypoint: f.py:g",
            "deployments:\n- name: a\n  entrypoint: f.py:g\n  enforce_parameter_schema: false",
        ),
        (
            "deployments:\r\n- name: a\r\n  entrypoint: >-\r\n    f.py:g\r\n  tags: []\r\n",
            "deployments:\r\n- name: a\r\n  entrypoint: >-\r\n    f.py:g\r\n  enforce_parameter_schema: false\r\n  tags: []\r\n",
        ),
        (
            "x: &d\n  entrypoint: f.py:g\ndeployments:\n- name: a\n  <<: *d\n",
            "x: &d\n  entrypoint: f.py:g\ndeployments:\n- name: a\n  enforce_parameter_schema: false\n  <<: *d\n",
        ),
        (
            "deployments:\n- name: a\n  enforce_parameter_schema:\n",
            "deployments:\n- name: a\n  enforce_parameter_schema: false\n",
        ),
        (
            "deployments:\n- name: a\n  enforce_parameter_schema: ~  # x\n",
            "deployments:\n- name: a\n  enforce_parameter_schema: false  # x\n",
        ),
    ],
)
def test_the_schema_is_not_enforced_however_the_entry_is_written(before: str, after: str) -> None:
    head = "prefect-version: 2.10.0\n"
    start = before.replace("\r\n", "\n"), after.replace("\r\n", "\n")
    newline = "\r\n" if "\r\n" in before else "\n"
    assert start[0].count("\n") <= start[1].count("\n")
    _prove(
        {"prefect.yaml": (head.replace("\n", newline) + before)}, {"prefect.yaml": head.replace("\n", newline) + after}
    )


def test_a_default_for_all_through_a_merge_is_seen() -> None:
    text = "prefect-version: 2.10.0\nx: &d\n  enforce_parameter_schema: false\ndeployments:\n- name: a\n  <<: *d\n"
    assert _untouched({"prefect.yaml": text}) == []


@pytest.mark.parametrize("section", ["pull", "push", "build"])
def test_steps_are_renamed_in_every_section_of_the_file_and_of_a_deployment(section: str) -> None:
    text = (
        "{s}:\n- prefect.projects.steps.git_clone_project: # c\n    id: x\ndeployments:\n- name: a\n  {s}:\n  - 'prefect_aws.projects.steps.push_project_to_s3':\n"
        "      requires: prefect-aws>=0.3.0\n"
    ).replace("{s}", section)
    wanted = (
        text.replace("projects.steps.git_clone_project", "deployments.steps.git_clone")
        .replace("projects.steps.push_project_to_s3", "deployments.steps.push_to_s3")
        .replace("- name: a\n", "- name: a\n  enforce_parameter_schema: false\n")
    )
    findings = _prove({"prefect.yaml": text}, {"prefect.yaml": wanted})
    assert [finding.severity for finding in findings].count(Severity.ERROR) == 2


def test_a_step_behind_an_anchor_is_renamed_once() -> None:
    text = "x: &pull\n- prefect.projects.steps.set_working_directory: {directory: /a}\npull: *pull\ndeployments:\n- name: a\n  pull: *pull\n"
    wanted = text.replace("prefect.projects", "prefect.deployments").replace(
        "name: a\n", "name: a\n  enforce_parameter_schema: false\n"
    )
    assert len(_prove({"prefect.yaml": text}, {"prefect.yaml": wanted})) == 2


def test_a_shared_schedule_is_a_list_of_one_in_each_place() -> None:
    text = (
        "x: &s {cron: '* * * * *'}\ndeployments:\n- name: a\n  schedule: *s\n  work_pool: &p {name: p}\n"
        "- name: b\n  schedule: *s # b\n  work_pool: *p\n"
    )
    wanted = text.replace("schedule: *s", "schedules: [*s]")
    for name in "ab":
        wanted = wanted.replace(f"name: {name}\n", f"name: {name}\n  enforce_parameter_schema: false\n")
    _prove({"prefect.yaml": text}, {"prefect.yaml": wanted})


def test_values_that_only_3_4_refuses_are_not_spoken_of_before() -> None:
    assert _untouched(_item("version: 1.0", "parameters:"), target="3.3") == []


def test_a_key_that_is_too_high_is_only_reported() -> None:
    (finding,) = _untouched(_item("job_variables: {env: {A: b}}"))
    assert finding.fix is None
    assert finding.severity is Severity.INFO


def test_overrides_of_a_pool_come_into_force_only_when_asked_for() -> None:
    text = (
        "deployments:\n- name: a\n  entrypoint: f.py:g\n  work_pool:\n    name: p\n    infra_overrides: {env: {A: b}}\n"
    )
    _prove({"prefect.yaml": text}, {"prefect.yaml": text.replace("infra_overrides", "job_variables")})
    _prove({"prefect.yaml": text}, {"prefect.yaml": text}, unsafe=False)


@pytest.mark.parametrize("reference", ["prefect.blocks.secret.key", "prefect.variables.region"])
def test_a_reference_in_the_job_variables_is_resolved_too_early(reference: str) -> None:
    text = 'deployments:\n- name: a\n  work_pool:\n    name: p\n    job_variables:\n      env: {A: "{{ REF }}", B: "{{ $B }}"}\n'
    (finding,) = _untouched({"prefect.yaml": text.replace("REF", reference)})
    assert finding.severity is Severity.WARNING


def test_a_reference_in_a_pull_step_is_resolved_by_the_run() -> None:
    text = 'pull:\n- prefect.deployments.steps.git_clone:\n    access_token: "{{ prefect.blocks.secret.key }}"\ndeployments: []\n'
    assert _untouched({"prefect.yaml": text}) == []


def test_a_prefect_yaml_that_is_no_yaml_is_told_with_its_place() -> None:
    (finding,) = _untouched({"prefect.yaml": "name: x\ndeployments: [\n"})
    assert "line 3, column 1" in finding.message


def test_a_second_document_is_told() -> None:
    (finding,) = _untouched({"prefect.yaml": "name: x\n---\nname: y\n"})
    assert "second document" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: Service\nmetadata:\n  name: prefect\nversion: 1.0\n---\nkind: Role\n",
        "services:\n  prefect:\n    version: 1.0\n    deployments:\n      - version: 1.0\n        entrypoint: a\n",
        "{{- if .Values.x }}\napiVersion: v1\n{{- end }}\n",
        "- a\n- b\n",
        "",
        "# nothing\n",
    ],
)
def test_a_prefect_yaml_of_somebody_else_stays(text: str) -> None:
    assert _untouched({"prefect.yaml": text}) == []


def test_a_prefect_yaml_by_another_name_is_known_by_its_shape() -> None:
    text = "prefect-version: 3.0.0\ndeployments:\n- name: a\n  version: 1\n  entrypoint: f.py:g\n  work_pool:\n    name: p\n"
    _prove({"deploy/staging.yaml": text}, {"deploy/staging.yaml": text.replace("version: 1\n", 'version: "1"\n')})
    assert _untouched({"deploy/staging.yaml": text.replace("work_pool", "pool")}) == []


def test_a_comment_silences_a_finding() -> None:
    assert _untouched(_item("version: 1.0  # migrator: ignore[PF331]")) == []


# -- PF332


PROJECT = "name: x\npull:\n- prefect.deployments.steps.set_working_directory:\n    directory: /srv\n"


def test_the_one_deployment_of_the_first_projects_becomes_a_list() -> None:
    old = "# mine\nname: a\nentrypoint: f.py:g # here\nschedule:\n  cron: '* * * * *'\nparameters: {}\nwork_pool:\n  name: p\n  work_queue_name: null\n"
    new = (
        "deployments:\n  # mine\n  - name: a\n    entrypoint: f.py:g # here\n    enforce_parameter_schema: false\n    schedules:\n      - cron: '* * * * *'\n"
        "    parameters: {}\n    work_pool:\n      name: p\n      work_queue_name: null\n"
    )
    _prove({"deployment.yaml": old, "prefect.yaml": PROJECT}, {"prefect.yaml": f"{PROJECT}\n{new}"})


def test_what_is_shared_by_an_anchor_is_written_out() -> None:
    old = "x: &p\n  name: p\ndeployments:\n- name: a\n  entrypoint: f.py:g\n  work_pool: *p\n- name: b\n  entrypoint: f.py:h\n  work_pool: *p\n"
    new = (
        HEADER
        + "deployments:\n"
        + "".join(
            f"  - name: {name}\n    entrypoint: f.py:{flow}\n    enforce_parameter_schema: false\n    work_pool:\n      name: p\n"
            for name, flow in ("ag", "bh")
        )
    )
    _prove({"deployment.yaml": old}, {"prefect.yaml": new})


def test_the_entry_that_is_there_already_is_not_doubled() -> None:
    entry = "- name: a\n  entrypoint: f.py:g\n  enforce_parameter_schema: false\n  work_pool:\n    name: p\n"
    _prove(
        {"deployment.yaml": f"deployments:\n{entry}", "prefect.yaml": f"deployments:\n{entry}"},
        {"prefect.yaml": f"deployments:\n{entry}"},
    )


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {work_pool: x}\n",
        "deployments:\n- name: a\n  replicas: 3\nwork_pool: x\n",
        "work_pool: x\n",
        "- work_pool: x\n",
        "{{ if work_pool: }}\n",
    ],
)
def test_a_deployment_yaml_of_somebody_else_stays(text: str) -> None:
    assert _untouched({"deployment.yaml": text}) == []


def test_the_shape_by_another_name_is_no_project() -> None:
    assert _untouched({"values.yaml": "name: a\nentrypoint: f.py:g\nwork_pool:\n  name: p\n"}) == []


def test_an_ignore_file_is_still_read_by_prefect() -> None:
    assert _untouched({".prefectignore": "# prefect\n*.pyc\n"}) == []

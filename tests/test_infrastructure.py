"""What the infrastructure blocks of 2.x become: on data, and against the real packages of both majors and a real server."""

from __future__ import annotations

import datetime
import functools
import json
import shlex
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.deployments.infrastructure import (
    BLOCKS,
    CONVERSIONS,
    WorkPool,
    base_job_template,
    block_of_class,
    block_of_type,
    create_commands,
    default_template,
    fields_of_document,
    overridden,
    patched,
    reference,
    work_pool,
)
from migrator.deployments.secrets import looks_secret
from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, environment
from tests.support.infrastructure.samples import DEFAULTS, FIELDS, TYPES, VARIABLES, block
from tests.support.servers import Server, server

REPOSITORY = Path(__file__).parent.parent
PROGRAMS = REPOSITORY / "tests" / "support" / "infrastructure"
INTEGRATIONS_2, INTEGRATIONS_3 = "integrations-2.20.26", "integrations-3.8.8"
SLUGS = sorted(BLOCKS)


# -- the table


def default(pool: WorkPool, variable: str) -> Any:
    """The default of a variable in the pool's own base job template."""
    assert pool.template is not None
    return pool.template["variables"]["properties"][variable]["default"]


def test_samples_set_every_field_of_every_block() -> None:
    for slug, fields in FIELDS.items():
        assert set(fields) == {row.field for row in BLOCKS[slug].rows if row.field != "type"}


def test_every_row_goes_somewhere() -> None:
    for found in BLOCKS.values():
        properties = default_template(found.pool_type)["variables"]["properties"]
        for row in found.rows:
            assert row.how in CONVERSIONS or row.how in ("template", "with", "none", "type")
            assert row.variable in properties or (row.variable is None and (row.note or row.how == "type")), row
            assert row.variable or row.how not in CONVERSIONS, row


@pytest.mark.parametrize("slug", SLUGS)
def test_every_field_is_converted(slug: str) -> None:
    pool = work_pool(slug, FIELDS[slug])
    assert pool.type == TYPES[slug]
    assert pool.job_variables == VARIABLES[slug]
    assert {name: default(pool, name) for name in DEFAULTS.get(slug, {})} == DEFAULTS.get(slug, {})
    without = {row.field for row in BLOCKS[slug].rows if row.how == "none"}
    assert {field for field, _ in pool.lost} == without & set(FIELDS[slug])


@pytest.mark.parametrize("slug", SLUGS)
def test_a_block_without_fields_needs_no_template(slug: str) -> None:
    pool = work_pool(slug, {})
    assert pool.template is None
    assert pool.lost == ()
    differing = {row.variable for row in BLOCKS[slug].rows if row.differs}
    assert set(pool.job_variables) - {"subscription_id"} == differing


@pytest.mark.parametrize("slug", SLUGS)
def test_fields_that_hold_the_default_are_left_out(slug: str) -> None:
    defaults = {row.field: row.default for row in BLOCKS[slug].rows if row.default.__class__ is not object}
    bookkeeping = {"_block_type_slug": slug, "block_type_slug": slug, "_is_anonymous": True}
    pool = work_pool(slug, {**defaults, **bookkeeping})
    assert pool == work_pool(slug, {})


def test_blocks_are_found_by_class_and_by_type() -> None:
    for slug, found in BLOCKS.items():
        assert block_of_type(slug) is found
        assert all(block_of_class(name) is found for name in found.classes)
    assert block_of_type("container-instance-job") is BLOCKS["azure-container-instance-job"]
    assert block_of_type("kubernetes") is None
    assert block_of_class("prefect_kubernetes.jobs.KubernetesJob") is None
    with pytest.raises(KeyError):
        work_pool("fly-machine", {})


# -- single conversions


@pytest.mark.parametrize(
    "command",
    [
        None,
        ["python", "-m", "prefect.engine"],
        ["/usr/bin/python3", "-m", "prefect.engine"],
        ["prefect", "flow-run", "execute"],
    ],
)
def test_the_command_that_runs_a_flow_is_left_to_the_worker(command: Any) -> None:
    assert "command" not in work_pool("process", {"command": command}).job_variables


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=4))
def test_a_command_is_the_same_words_after_the_worker_has_split_it(words: list[str]) -> None:
    assert shlex.split(work_pool("process", {"command": words}).job_variables["command"]) == words


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("prefecthq/prefect:2.20.26-python3.11", "prefecthq/prefect:3-python3.11"),
        ("prefecthq/prefect:2-latest", "prefecthq/prefect:3-latest"),
        ("prefecthq/prefect:2.10.5-python3.8", "prefecthq/prefect:3-latest"),
        ("docker.io/prefecthq/prefect:2-python3.10-kubernetes", "docker.io/prefecthq/prefect:3-python3.10-kubernetes"),
        ("prefecthq/prefect:3-latest", "prefecthq/prefect:3-latest"),
        ("acme/prefect:2.20.26-python3.11", "acme/prefect:2.20.26-python3.11"),
    ],
)
def test_images_of_prefect_2_become_those_of_3(before: str, after: str) -> None:
    assert work_pool("docker-container", {"image": before}).job_variables == {"image": after}


@pytest.mark.parametrize("policy", ["ALWAYS", "Always", "ImagePullPolicy.ALWAYS", "KubernetesImagePullPolicy.ALWAYS"])
def test_a_pull_policy_is_spelled_as_3_spells_it(policy: str) -> None:
    assert work_pool("docker-container", {"image_pull_policy": policy}).job_variables == {"image_pull_policy": "Always"}


@pytest.mark.parametrize(
    ("duration", "hours"),
    [
        (datetime.timedelta(days=2), 48),
        (5400.0, 2),
        (60, 1),
        ("P1DT1H", 25),
        ("2 days, 0:30:00", 49),
        ("7 days, 0:00:00", 168),
        (None, 168),
    ],
)
def test_a_run_time_is_counted_in_whole_hours(duration: Any, hours: int) -> None:
    variables = work_pool("vertex-ai-custom-training-job", {"maximum_run_time": duration}).job_variables
    assert variables == {"maximum_run_time_hours": hours}


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("acme/etl", "Always"),
        ("localhost:5000/etl", "Always"),
        ("acme/etl:latest", "Always"),
        ("acme/etl:7", None),
        ("etl@sha256:1", None),
    ],
)
def test_kubernetes_pulls_a_floating_tag_always_as_before(image: str, policy: Any) -> None:
    assert work_pool("kubernetes-job", {"image": image}).job_variables.get("image_pull_policy") == policy


def test_a_field_of_a_subclass_is_told() -> None:
    (lost,) = work_pool("process", {"queue_depth": 3}).lost
    assert lost[0] == "queue_depth"
    assert "base job template" in lost[1]


# -- secrets and blocks inside of blocks


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("API_KEY", "abc", True),
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("DB_PASSWORD", "x", True),
        ("DATABASE_URL", "postgresql://me:word@host/db", True),
        ("GH", "ghp_" + "a" * 36, True),
        ("ALERTS", "https://hooks.slack.com/services/T0/B0/abc", True),
        ("DB", "Server=x;User=y;Password=abcd1;", True),
        ("AZ", "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=abcd==;EndpointSuffix=x", True),
        ("SAS", "https://a.blob.core.windows.net/x?sv=1&sig=abcd", True),
        ("URL", "https://x.org/y?api_key=abcd&z=1", True),
        ("URL", "jdbc:postgresql://h/db?user=x&password=abcd", True),
        ("CONFIG", '{"user": "x", "client_secret": "abcd"}', True),
        ("HEADER", "Authorization: Bearer abcdef0123456789", True),
        ("ID", "eyJhbGciOiJI.eyJzdWIi.abc", True),
        ("STRIPE", "sk_live_" + "a1" * 10, True),
        ("MODEL", "sk-proj-" + "a1" * 12, True),
        ("COMMAND", "run --db-password abcd1 --rows 3", True),
        ("COMMAND", "run --token=$TOKEN --rows 3", False),
        ("COMMAND", "run --token --rows 3", False),
        ("COMMAND", "python -m load --token-file /run/token", False),
        ("URL", "https://x.org/y?token={{ x }}", False),
        ("URL", "https://x.org/y?page_token=", False),
        ("SQL", "select 1 from t where token = 'abcd' and secret=other", False),
        ("TEXT", "Basic understanding of the Bearer certificates", False),
        ("CONFIG", '{"token_type": "bearer", "secret": "${SECRET}"}', False),
        ("SK", "sk-short", False),
        ("DB", "Server=x;Password=$PASSWORD;", False),
        ("API_KEY", "{{ prefect.blocks.secret.key }}", False),
        ("API_KEY", "$API_KEY", False),
        ("API_KEY", "", False),
        ("API_KEY", None, False),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/secrets/gcp.json", False),
        ("DATABASE_URL", "postgresql://host/db", False),
        ("REGION", "eu", False),
        ("KEYBOARD", "qwerty", False),
    ],
)
def test_what_looks_like_a_secret(name: str, value: Any, secret: bool) -> None:
    assert looks_secret(name, value) is secret


def test_secrets_become_references_unless_the_caller_keeps_them() -> None:
    fields = {"env": {"API_TOKEN": "abc", "REGION": "eu"}}
    pool = work_pool("process", fields)
    assert pool.job_variables == {"env": {"API_TOKEN": "{{ prefect.blocks.secret.api-token }}", "REGION": "eu"}}
    assert "abc" not in repr(pool)
    assert "api-token" in pool.notes[0]
    assert work_pool("process", fields, hide_secrets=False).job_variables == fields


def test_credentials_written_in_place_are_never_written_out() -> None:
    pool = work_pool("ecs-task", {"aws_credentials": {"aws_secret_access_key": "hidden"}})
    assert "hidden" not in repr(pool)
    assert "{{ prefect.blocks.aws-credentials.NAME }}" in dict(pool.lost)["aws_credentials"]


def test_credentials_that_say_nothing_are_those_of_the_machine() -> None:
    empty = {"aws_access_key_id": None, "region_name": None, "aws_client_parameters": {"use_ssl": True}}
    assert work_pool("ecs-task", {"aws_credentials": empty}) == work_pool("ecs-task", {})


def test_saved_blocks_become_references() -> None:
    named = {"_block_document_name": "prod", "_block_type_slug": "aws-credentials", "aws_secret_access_key": "hidden"}
    pool = work_pool("ecs-task", {"aws_credentials": named})
    assert default(pool, "aws_credentials") == reference("aws-credentials", "prod")
    assert "aws_credentials" not in pool.job_variables
    assert "hidden" not in repr(pool)


def test_a_docker_registry_needs_a_new_block() -> None:
    pool = work_pool("docker-container", {"image_registry": block("docker-registry", "hub")})
    assert default(pool, "registry_credentials") == "{{ prefect.blocks.docker-registry-credentials.hub }}"
    assert any("DockerRegistryCredentials" in note for note in pool.notes)


def test_a_document_of_the_api_names_the_blocks_inside() -> None:
    inner = {"name": "prod", "is_anonymous": False, "block_type": {"slug": "gcp-credentials"}}
    hidden = {"name": "anonymous-1", "is_anonymous": True, "block_type": {"slug": "aws-credentials"}}
    document = {
        "data": {"region": "eu", "credentials": {"service_account_info": "********"}, "other": {"password": "x"}},
        "block_document_references": {"credentials": {"block_document": inner}, "other": {"block_document": hidden}},
    }
    assert fields_of_document(document) == {
        "region": "eu",
        "credentials": "{{ prefect.blocks.gcp-credentials.prod }}",
        "other": {"_is_anonymous": True, "block_type_slug": "aws-credentials"},
    }


def test_overrides_of_a_deployment_go_over_the_fields() -> None:
    fields = {"env": {"A": "1"}, "image": "etl:1"}
    assert overridden(fields, {"env.B": "2", "image": "etl:2", "labels.x": "y"}) == {
        "env": {"A": "1", "B": "2"},
        "image": "etl:2",
        "labels": {"x": "y"},
    }
    assert fields == {"env": {"A": "1"}, "image": "etl:1"}


# -- commands and templates


def test_a_pool_without_a_template_is_one_short_command() -> None:
    assert create_commands("prod", work_pool("process", {})) == ["prefect work-pool create prod --type process"]


def test_a_template_is_named_and_names_are_quoted() -> None:
    pool = WorkPool("kubernetes", {}, template={})
    assert create_commands("my pool", pool) == [
        "prefect work-pool create 'my pool' --type kubernetes --base-job-template 'my pool-template.json'"
    ]
    assert create_commands("p", pool, "jobs/p.json") == [
        "prefect work-pool create p --type kubernetes --base-job-template jobs/p.json"
    ]


@pytest.mark.parametrize("slug", SLUGS)
def test_a_template_can_hold_the_variables_as_defaults(slug: str) -> None:
    pool = work_pool(slug, FIELDS[slug])
    properties = base_job_template(pool)["variables"]["properties"]
    assert {name: properties[name]["default"] for name in pool.job_variables} == pool.job_variables
    assert default_template(pool.type) == default_template(pool.type)


# -- Kubernetes


def manifest(**fields: Any) -> dict[str, Any]:
    pool = work_pool("kubernetes-job", fields)
    assert pool.template is not None
    made: dict[str, Any] = pool.template["job_configuration"]["job_manifest"]
    return made


CONTAINER = "/spec/template/spec/containers/0"


def test_patches_are_applied_to_the_manifest_of_the_pool() -> None:
    added = [
        {"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"pool": "batch"}},
        {"op": "add", "path": f"{CONTAINER}/resources", "value": {"limits": {"cpu": "2"}}},
    ]
    for patches in (added, json.dumps(added)):
        made = manifest(customizations=patches)
        assert made["spec"]["template"]["spec"]["nodeSelector"] == {"pool": "batch"}
        assert made["spec"]["template"]["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "2"}}
        assert made["spec"]["template"]["spec"]["containers"][0]["image"] == "{{ image }}"


def test_patches_of_the_environment_and_of_labels_stand_beside_the_job_variables() -> None:
    secret = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "k", "key": "k"}}}
    made = manifest(
        customizations=[
            {"op": "add", "path": f"{CONTAINER}/env/-", "value": secret},
            {"op": "add", "path": "/metadata/labels/team", "value": "data"},
        ]
    )
    assert made["spec"]["template"]["spec"]["containers"][0]["env"] == [secret]
    assert made["metadata"]["labels"] == {"team": "data"}


def test_a_patch_that_does_not_fit_is_told() -> None:
    pool = work_pool("kubernetes-job", {"customizations": [{"op": "remove", "path": "/spec/nothing"}]})
    assert pool.lost[0][0] == "customizations"
    assert "/spec/nothing" in pool.lost[0][1]
    assert work_pool("kubernetes-job", {"customizations": "not json"}).lost[0][0] == "customizations"


def test_a_manifest_keeps_what_it_says_and_gets_placeholders() -> None:
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"namespace": "flows", "annotations": {"a": "b"}},
        "spec": {
            "backoffLimit": 2,
            "template": {
                "spec": {
                    "containers": [{"name": "prefect-job", "image": "etl:7", "env": [{"name": "A", "value": "1"}]}]
                }
            },
        },
    }
    pool = work_pool("kubernetes-job", {"job": job, "image": "etl:8"})
    assert pool.job_variables == {"image": "etl:8", "namespace": "flows", "backoff_limit": 2}
    made = manifest(job=job)
    container = made["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "{{ image }}"
    assert container["args"] == "{{ command }}"
    assert container["env"] == [{"name": "A", "value": "1"}]
    assert made["metadata"] == {
        "namespace": "{{ namespace }}",
        "annotations": {"a": "b"},
        "labels": {},
        "generateName": "{{ name }}-",
    }
    assert made["spec"]["backoffLimit"] == "{{ backoff_limit }}"


def test_the_manifest_that_every_block_has_needs_no_template() -> None:
    base = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"labels": {}},
        "spec": {
            "template": {
                "spec": {
                    "parallelism": 1,
                    "completions": 1,
                    "restartPolicy": "Never",
                    "containers": [{"name": "prefect-job", "env": []}],
                }
            }
        },
    }
    assert work_pool("kubernetes-job", {"job": base, "customizations": []}).template is None


# -- JSON patches: the examples of RFC 6902, appendix A


@pytest.mark.parametrize(
    ("document", "patch", "result"),
    [
        ({"foo": "bar"}, {"op": "add", "path": "/baz", "value": "qux"}, {"foo": "bar", "baz": "qux"}),
        ({"foo": ["bar", "baz"]}, {"op": "add", "path": "/foo/1", "value": "qux"}, {"foo": ["bar", "qux", "baz"]}),
        ({"baz": "qux", "foo": "bar"}, {"op": "remove", "path": "/baz"}, {"foo": "bar"}),
        ({"foo": ["bar", "qux", "baz"]}, {"op": "remove", "path": "/foo/1"}, {"foo": ["bar", "baz"]}),
        ({"baz": "qux"}, {"op": "replace", "path": "/baz", "value": "boo"}, {"baz": "boo"}),
        ({"a": ["x"]}, {"op": "replace", "path": "/a/0", "value": "y"}, {"a": ["y"]}),
        (
            {"foo": {"bar": 1}, "qux": {}},
            {"op": "move", "from": "/foo/bar", "path": "/qux/x"},
            {"foo": {}, "qux": {"x": 1}},
        ),
        ({"a": {"b": 1}}, {"op": "copy", "from": "/a/b", "path": "/c"}, {"a": {"b": 1}, "c": 1}),
        ({"baz": "qux"}, {"op": "test", "path": "/baz", "value": "qux"}, {"baz": "qux"}),
        ({"foo": ["bar"]}, {"op": "add", "path": "/foo/-", "value": ["a"]}, {"foo": ["bar", ["a"]]}),
        ({"/": 9, "~1": 10}, {"op": "test", "path": "/~01", "value": 10}, {"/": 9, "~1": 10}),
        ({"a": 1}, {"op": "add", "path": "", "value": []}, []),
    ],
)
def test_json_patches(document: Any, patch: dict[str, Any], result: Any) -> None:
    before = json.dumps(document)
    assert patched(document, [patch]) == result
    assert json.dumps(document) == before


@pytest.mark.parametrize(
    "patch",
    [
        {"op": "add", "path": "/baz/bat", "value": "qux"},
        {"op": "replace", "path": "/nothing", "value": 1},
        {"op": "remove", "path": "/nothing"},
        {"op": "add", "path": "/list/7", "value": 1},
        {"op": "test", "path": "/foo", "value": "other"},
        {"op": "spam", "path": "/foo"},
        {"op": "add", "path": "no-pointer", "value": 1},
    ],
)
def test_json_patches_that_do_not_fit(patch: dict[str, Any]) -> None:
    with pytest.raises((LookupError, ValueError)):
        patched({"foo": "bar", "list": []}, [patch])


# -- ECS


def test_network_patches_without_subnets_are_told() -> None:
    patch = {"op": "add", "path": "/networkConfiguration/awsvpcConfiguration/securityGroups", "value": ["sg-1"]}
    pool = work_pool("ecs-task", {"vpc_id": "vpc-1", "task_customizations": [patch]})
    assert "subnets" in dict(pool.lost)["task_customizations"]
    assert "network_configuration" not in pool.job_variables


def test_network_patches_without_a_vpc_go_into_the_template() -> None:
    value = {"subnets": ["s"], "securityGroups": [], "assignPublicIp": "ENABLED"}
    patch = {"op": "add", "path": "/networkConfiguration", "value": {"awsvpcConfiguration": value}}
    pool = work_pool("ecs-task", {"task_customizations": [patch]})
    assert pool.template is not None
    request = pool.template["job_configuration"]["task_run_request"]
    assert request["networkConfiguration"] == {"awsvpcConfiguration": value}


def test_single_network_patches_go_over_what_2_found() -> None:
    at = "/networkConfiguration/awsvpcConfiguration"
    patches = [
        {"op": "replace", "path": f"{at}/subnets", "value": ["s"]},
        {"op": "add", "path": f"{at}/securityGroups/-", "value": "g"},
    ]
    pool = work_pool("ecs-task", {"vpc_id": "v", "task_customizations": patches})
    assert pool.job_variables["network_configuration"] == {
        "assignPublicIp": "ENABLED",
        "securityGroups": ["g"],
        "subnets": ["s"],
    }
    assert pool.template is None


def test_a_task_definition_goes_into_the_template_with_placeholders() -> None:
    definition = {
        "family": "etl",
        "cpu": "256",
        "containerDefinitions": [{"name": "proxy", "image": "proxy:1"}, {"name": "prefect", "image": "etl:7"}],
    }
    pool = work_pool("ecs-task", {"task_definition": definition, "cpu": 512})
    assert pool.template is not None
    made = pool.template["job_configuration"]["task_definition"]
    assert [each["image"] for each in made["containerDefinitions"]] == ["proxy:1", "{{ image }}"]
    assert made["cpu"] == "{{ cpu }}"
    wanted = {"image": "etl:7", "cpu": 512, "family": "etl", "container_name": "prefect"}
    assert {name: pool.job_variables[name] for name in wanted} == wanted
    assert definition["containerDefinitions"][1] == {"name": "prefect", "image": "etl:7"}


# -- the real packages


@functools.cache
def _ran(version: str, program: str, *arguments: str) -> tuple[str, str]:
    done = environment(version).run(
        [str(PROGRAMS / program), *arguments], cwd=REPOSITORY, variables={"PYTHONPATH": str(REPOSITORY)}
    )
    return done.stdout, done.stderr


def found_on(version: str, program: str, *arguments: str) -> Any:
    """What a program beside the samples prints on a release."""
    return _found(*_ran(version, program, *arguments))


def _found(out: str, err: str) -> Any:
    line = next((line for line in out.splitlines() if line.startswith("FOUND ")), None)
    assert line is not None, out[-2000:] + err[-4000:]
    return json.loads(line[len("FOUND ") :])


@pytest.mark.prefect
def test_the_rows_are_the_fields_of_the_classes() -> None:
    of_2 = found_on(INTEGRATIONS_2, "blocks_of_2.py", "all")
    assert sorted(of_2) == SLUGS
    for slug, about in of_2.items():
        assert about["slug"] == slug
        assert block_of_type(about["type"]) is BLOCKS[slug]
        assert {row.field for row in BLOCKS[slug].rows} == set(about["fields"])


@pytest.mark.prefect
@pytest.mark.parametrize("version", ["2.0.4", "2.8.7", PREFECT_2])
def test_older_classes_have_no_other_fields(version: str) -> None:
    for slug, about in found_on(version, "blocks_of_2.py").items():
        assert about["slug"] == slug
        assert set(about["fields"]) <= {row.field for row in BLOCKS[slug].rows}


@pytest.mark.prefect
def test_the_defaults_are_those_of_the_classes() -> None:
    computed = {
        ("docker-container", "image"),
        ("kubernetes-job", "namespace"),
        ("kubernetes-job", "job"),
        ("azure-container-instance-job", "image"),
        ("ecs-task", "aws_credentials"),
        ("vertex-ai-custom-training-job", "gcp_credentials"),
        ("azure-container-instance-job", "aci_credentials"),
    }
    for slug, about in found_on(INTEGRATIONS_2, "blocks_of_2.py", "all").items():
        for field, default in about["defaults"].items():
            row = BLOCKS[slug].row(field)
            assert row is not None
            if (slug, field) in computed or row.how == "type":
                continue
            ours = str(row.default) if isinstance(row.default, datetime.timedelta) else row.default
            assert ours == default or (not ours and default in (None, "JsonPatch([])", "[]")), (slug, field, default)


@pytest.mark.prefect
def test_the_templates_are_those_of_the_workers() -> None:
    of_3 = found_on(INTEGRATIONS_3, "workers_of_3.py", "templates")
    assert {found.pool_type: default_template(found.pool_type) for found in BLOCKS.values()} == of_3


DIFFERENT_FROM_2 = {
    "docker-container": {
        "mem_limit": "2.x leaves a number where the template says text",
        "memswap_limit": "likewise",
        "network_mode": "not in this sample",
    },
    "ecs-task": {"container_name": "2.x leaves it to the worker"},
    "cloud-run-job": {"max_retries": "2.x drops it: `cloud-run` has no such variable"},
    "azure-container-instance-job": {
        "image_registry": "not in this sample",
        "subscription_id": "2.x writes the secret out",
    },
}
"""Where a block of 2.x makes something else of itself than we do, and why."""


@pytest.mark.prefect
@pytest.mark.parametrize("slug", SLUGS)
def test_a_block_publishes_itself_with_the_same_defaults(slug: str) -> None:
    template = found_on(INTEGRATIONS_2, "blocks_of_2.py", "all")[slug]["template"]
    properties = template["variables"]["properties"]
    for name in set(DEFAULTS.get(slug, {})) - {"registry_credentials"}:
        assert (
            "block_document_id" in properties[name]["default"]["$ref"]
        )  # the same block, by its id; 2.x drops registries
    for name, value in VARIABLES[slug].items():
        if name not in DIFFERENT_FROM_2.get(slug, {}):
            assert properties[name].get("default") == value, name


@pytest.mark.prefect
def test_a_manifest_says_the_same_as_the_one_that_2_publishes() -> None:
    of_2 = found_on(INTEGRATIONS_2, "blocks_of_2.py", "all")["kubernetes-job"]["template"]
    published = of_2["job_configuration"]["job_manifest"]
    ours = manifest(**FIELDS["kubernetes-job"])
    assert ours["spec"]["template"]["spec"]["tolerations"] == published["spec"]["template"]["spec"]["tolerations"]
    assert ours["spec"]["template"]["spec"]["nodeSelector"] == published["spec"]["template"]["spec"]["nodeSelector"]
    assert ours["metadata"]["labels"].items() <= published["metadata"]["labels"].items()


# -- a real server


CASES: list[tuple[str, dict[str, Any]]] = [
    *((slug, FIELDS[slug]) for slug in SLUGS),
    ("docker-container", {"env": {"API_TOKEN": "abc"}}),
    (
        "kubernetes-job",
        {
            "env": {"A": "1"},
            "labels": {"team": "data"},
            "customizations": [
                {
                    "op": "add",
                    "path": f"{CONTAINER}/env/-",
                    "value": {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "k", "key": "k"}}},
                },
                {"op": "add", "path": "/metadata/labels/kept", "value": "yes"},
            ],
        },
    ),
    (
        "ecs-task",
        {
            "env": {"A": "1"},
            "aws_credentials": block("aws-credentials"),
            "task_definition": {"containerDefinitions": [{"name": "prefect", "image": "etl:7"}], "cpu": "256"},
            "task_customizations": [{"op": "add", "path": "/enableExecuteCommand", "value": True}],
        },
    ),
]


@pytest.fixture(scope="module")
def running_3() -> Any:
    with server(environment(PREFECT_3)) as running:
        yield running


def _create(running: Server, directory: Path, name: str, pool: WorkPool) -> None:
    """Runs the commands that `create_commands` gives, as a shell would."""
    if pool.template is not None:
        (directory / f"{name}-template.json").write_text(json.dumps(pool.template))
    for line in create_commands(name, pool):
        program, *arguments = shlex.split(line)
        assert program == "prefect"
        done = running.prefect(arguments, cwd=directory)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prefect
def test_the_server_takes_the_pools_and_the_worker_makes_jobs_of_the_variables(running_3: Server) -> None:
    """Every pool by its command, a deployment with its job variables, then the configuration that the worker would run."""
    pools = [work_pool(slug, fields) for slug, fields in CASES]
    flow_id = running_3.request("POST", "flows/", {"name": "probe"})["id"]
    with tempfile.TemporaryDirectory() as made:
        directory = Path(made)
        asked = []
        for number, pool in enumerate(pools):
            name = f"pool-{number}"
            _create(running_3, directory, name, pool)
            held = running_3.request("GET", f"work_pools/{name}")
            assert held["type"] == pool.type
            _deploy(running_3, flow_id, name, pool.job_variables)
            asked.append([pool.type, held["base_job_template"], pool.job_variables])
            # a pool all of whose jobs are as the block had them is taken as well
            whole = {"name": f"whole-{number}", "type": pool.type, "base_job_template": base_job_template(pool)}
            held = running_3.request("POST", "work_pools/", whole)
            asked.append([pool.type, held["base_job_template"], {}])
        _refuses_blocks(running_3, flow_id)
        (directory / "asked.json").write_text(json.dumps(asked))
        done = environment(INTEGRATIONS_3).run(
            [str(PROGRAMS / "workers_of_3.py"), "configurations", str(directory / "asked.json")],
            cwd=directory,
            variables={"PREFECT_API_URL": running_3.api_url},
        )
        answers = _found(done.stdout, done.stderr)
    by_variables, by_defaults = answers[::2], answers[1::2]
    for index, (slug, _) in enumerate(CASES):
        _same_job(by_variables[index], by_defaults[index])
        if index < len(SLUGS):
            assert by_variables[index]["env"]["REGION"] == "eu"
            assert "runner 'two words'" in by_variables[index]["command"] or slug == "azure-container-instance-job"

    job = by_variables[SLUGS.index("kubernetes-job")]["job_manifest"]
    pod = job["spec"]["template"]["spec"]
    assert job["metadata"]["namespace"] == "flows"
    assert job["metadata"]["labels"]["kept"] == "yes"
    assert job["metadata"]["labels"]["team"] == "data"
    assert job["spec"]["ttlSecondsAfterFinished"] == 300
    assert pod["nodeSelector"] == {"pool": "batch"}
    assert pod["tolerations"] == [{"key": "batch", "operator": "Exists"}]
    assert pod["serviceAccountName"] == "runner"
    (container,) = pod["containers"]
    assert container["args"] == ["python", "-m", "runner", "two words"]
    assert (container["image"], container["imagePullPolicy"]) == ("registry.local/etl:7", "Always")
    assert {"name": "REGION", "value": "eu"} in container["env"]

    docker, kubernetes, ecs = by_variables[len(SLUGS) :]
    assert docker["env"]["API_TOKEN"] == "the value of api-token"
    (container,) = kubernetes["job_manifest"]["spec"]["template"]["spec"]["containers"]
    assert {"name": "A", "value": "1"} in container["env"]
    assert {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "k", "key": "k"}}} in container["env"]
    labels = kubernetes["job_manifest"]["metadata"]["labels"]
    assert (labels["team"], labels["kept"]) == ("data", "yes")
    assert ecs["task_definition"]["containerDefinitions"] == [{"name": "prefect", "image": "etl:7"}]
    assert ecs["task_run_request"]["enableExecuteCommand"] is True
    assert by_variables[SLUGS.index("azure-container-instance-job")]["subscription_id"]


def _same_job(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Both configurations are the same but for what names this very run."""
    assert json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@pytest.mark.prefect
def test_the_commands_are_valid_on_the_oldest_3() -> None:
    """`process` and a template of its own on 3.0, which has no integrations installed here."""
    with server(environment(PREFECT_3_OLDEST)) as running, tempfile.TemporaryDirectory() as made:
        _create(running, Path(made), "plain", work_pool("process", {}))
        _create(running, Path(made), "patched", work_pool("kubernetes-job", FIELDS["kubernetes-job"]))
        assert running.request("GET", "work_pools/plain")["type"] == "process"
        assert running.request("GET", "work_pools/patched")["type"] == "kubernetes"
        flow_id = running.request("POST", "flows/", {"name": "probe"})["id"]
        variables = VARIABLES["kubernetes-job"]
        _deploy(running, flow_id, "patched", variables)
        _refuses_blocks(running, flow_id)


def _deploy(running: Server, flow_id: str, name: str, variables: dict[str, Any]) -> None:
    """Registers a deployment on the pool of its name; the server holds its job variables as they are."""
    deployment = {
        "name": name,
        "flow_id": flow_id,
        "work_pool_name": name,
        "job_variables": variables,
        "path": "/srv",
        "entrypoint": "flows.py:probe",
    }
    assert running.request("POST", "deployments/", deployment)["job_variables"] == variables


def _refuses_blocks(running: Server, flow_id: str) -> None:
    """A reference to a block is text, which the type's own template does not allow where it has an object."""
    own = {"name": "own", "type": "kubernetes", "base_job_template": default_template("kubernetes")}
    running.request("POST", "work_pools/", own)
    with pytest.raises(RuntimeError, match="cluster_config"):
        _deploy(running, flow_id, "own", DEFAULTS["kubernetes-job"])
    template = default_template("kubernetes")
    template["variables"]["properties"]["cluster_config"]["default"] = DEFAULTS["kubernetes-job"]["cluster_config"]
    with pytest.raises(RuntimeError, match="cluster_config"):
        running.request("POST", "work_pools/", {"name": "changed", "type": "kubernetes", "base_job_template": template})

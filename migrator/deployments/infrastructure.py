"""The infrastructure blocks of Prefect 2, and the work pool that does the same on Prefect 3.

The table was read from the block classes of Prefect 2.20 (`prefect.infrastructure`, prefect-aws 0.4, prefect-azure 0.3,
prefect-gcp 0.5) and the base job templates of the workers of Prefect 3.8 (prefect-aws 0.7, prefect-azure 0.4,
prefect-docker 0.7, prefect-gcp 0.6, prefect-kubernetes 0.7), which lie beside this file. What 2.x makes of a block itself
(`Infrastructure.publish_as_work_pool`) is the model, except where it loses something or no longer fits 3.x; `Row.note` and
the notes of a `WorkPool` say where.
"""

from __future__ import annotations

import copy
import datetime
import json
import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Optional

from migrator.deployments.secrets import looks_secret

WORKERS_GUIDE = "https://docs.prefect.io/v3/how-to-guides/migrate/upgrade-agents-to-workers"

_ABSENT: Any = object()


@dataclass(frozen=True)
class Row:
    """Where one field of a block goes."""

    field: str
    variable: Optional[str]
    """The job variable; None where there is none."""
    how: str
    """How the value is made of the field's: a key of `CONVERSIONS`, or `template`, `with`, `none`, `type`.

    `template`: the value goes into the base job template; `with`: it is part of another field's value; `none`: nothing on
    3.x has it; `type`: it only names the block.
    """
    note: str = ""
    """What differs, or why there is no variable and what to do instead."""
    default: Any = _ABSENT
    """What 2.x takes where the field is not given. A field that holds it is left out, as the work pool does the same."""
    differs: bool = False
    """The work pool's default is another than 2.x's, so the variable is always written."""


@dataclass(frozen=True)
class Block:
    """A type of infrastructure block."""

    slug: str
    classes: tuple[str, ...]
    """The qualified names under which 2.x has the class."""
    pool_type: str
    """What `prefect work-pool create --type` takes."""
    package: Optional[str]
    """What has to be installed beside Prefect 3 where the worker runs; None where Prefect itself has the worker."""
    rows: tuple[Row, ...]
    types: tuple[str, ...] = ()
    """What the block's field `type` can hold, where that is not its slug."""

    def row(self, field: str) -> Optional[Row]:
        """The row of a field; None for a field that the block does not have."""
        return next((row for row in self.rows if row.field == field), None)


@dataclass(frozen=True)
class WorkPool:
    """A work pool that does what an infrastructure block did."""

    type: str
    job_variables: dict[str, Any]
    template: Optional[dict[str, Any]] = None
    """The base job template that the pool needs; None where that of its type will do."""
    lost: tuple[tuple[str, str], ...] = ()
    """Fields that were set and have nothing on 3.x, each with why and what to do."""
    notes: tuple[str, ...] = ()
    """What does not behave as before, or has to be made first."""
    package: Optional[str] = None


def _own(field: str, variable: Optional[str] = None, **more: Any) -> Row:
    return Row(field, variable or field, more.pop("how", "same"), **more)


_STREAM = _own("stream_output", default=True)
_LABELS = _own("labels", default={})
_NAME = _own("name", default=None)
_ENV = _own("env", how="env", default={})
_COMMAND = _own("command", how="joined", default=None)


def _common(slug: str, type_: Optional[str] = None) -> tuple[Row, ...]:
    return (Row("type", None, "type", default=type_ or slug), _ENV, _LABELS, _NAME, _COMMAND)


_PROCESS = Block(
    "process",
    ("prefect.infrastructure.Process", "prefect.infrastructure.process.Process"),
    "process",
    None,
    (*_common("process"), _STREAM, _own("working_dir", how="text", default=None)),
)

_DOCKER = Block(
    "docker-container",
    (
        "prefect.infrastructure.DockerContainer",
        "prefect.infrastructure.container.DockerContainer",
        "prefect.infrastructure.docker.DockerContainer",
    ),
    "docker",
    "prefect-docker",
    (
        *_common("docker-container"),
        _own("image", how="image", default=None),
        _own("image_pull_policy", how="policy", default=None),
        Row(
            "image_registry",
            "registry_credentials",
            "registry",
            "the block's class `DockerRegistry` is gone: save its fields anew as a `DockerRegistryCredentials` block of prefect-docker",
            default=None,
        ),
        _own("networks", default=[]),
        _own("network_mode", default=None),
        _own("auto_remove", default=False),
        _own("volumes", default=[]),
        _STREAM,
        _own("memswap_limit", how="bytes", default=None),
        _own("mem_limit", how="bytes", default=None),
        _own("privileged", default=False),
    ),
)

_KUBERNETES = Block(
    "kubernetes-job",
    ("prefect.infrastructure.KubernetesJob", "prefect.infrastructure.kubernetes.KubernetesJob"),
    "kubernetes",
    "prefect-kubernetes",
    (
        *_common("kubernetes-job"),
        _own("image", how="image", default=None),
        _own("namespace", default="default"),
        _own("service_account_name", default=None),
        _own("image_pull_policy", how="policy", default=None),
        _own("cluster_config", how="cluster", default=None),
        Row("job", None, "template", "becomes `job_configuration.job_manifest` of the work pool's base job template"),
        Row(
            "customizations",
            None,
            "template",
            "are applied to `job_configuration.job_manifest` of the work pool's base job template",
            default=[],
        ),
        _own("job_watch_timeout_seconds", default=None),
        _own("pod_watch_timeout_seconds", default=60),
        _STREAM,
        _own("finished_job_ttl", default=None),
    ),
)

_NO_POLLING = (
    "the ECS worker follows its tasks by the events of AWS and does not poll: leave it out, and watch for late runs "
    "with an automation"
)

_ECS = Block(
    "ecs-task",
    ("prefect_aws.ECSTask", "prefect_aws.ecs.ECSTask"),
    "ecs",
    "prefect-aws",
    (
        *_common("ecs-task"),
        _own("aws_credentials", how="aws", default=None),
        _own("task_definition_arn", default=None),
        Row(
            "task_definition",
            None,
            "template",
            "becomes `job_configuration.task_definition` of the work pool's base job template",
            default=None,
        ),
        _own("family", default=None),
        _own("image", how="image", default=None),
        _own("auto_deregister_task_definition", default=True, differs=True),
        _own("cpu", how="integer", default=None),
        _own("memory", how="integer", default=None),
        _own("execution_role_arn", default=None),
        _own("configure_cloudwatch_logs", default=None),
        _own("cloudwatch_logs_options", default={}),
        Row(
            "stream_output",
            None,
            "none",
            "the ECS worker streams no output: read the logs of the run in Prefect, or in CloudWatch",
            default=None,
        ),
        _own("launch_type", default="FARGATE"),
        _own("vpc_id", default=None),
        _own("cluster", default=None),
        _own("task_role_arn", default=None),
        Row(
            "task_customizations",
            "network_configuration",
            "template",
            "those of the network become `network_configuration`, the others are applied to "
            "`job_configuration.task_run_request` of the work pool's base job template",
            default=[],
        ),
        Row("task_start_timeout_seconds", None, "none", _NO_POLLING, default=120),
        Row("task_watch_poll_interval", None, "none", _NO_POLLING, default=5.0),
    ),
)

_CLOUD_RUN = Block(
    "cloud-run-job",
    ("prefect_gcp.CloudRunJob", "prefect_gcp.cloud_run.CloudRunJob"),
    "cloud-run-v2",
    "prefect-gcp",
    (
        *_common("cloud-run-job"),
        _own("image", how="image"),
        _own("region"),
        _own("credentials", how="gcp"),
        _own("cpu", how="milli", default=None),
        _own("memory", how="memory", default=None),
        Row("memory_unit", "memory", "with", "is written after the number in `memory`", default=None),
        _own("vpc_connector_name", default=None),
        _own("args", default=None),
        _own("keep_job", default=False),
        _own("timeout", default=600),
        _own("max_retries", default=3, differs=True),
    ),
)

_VERTEX = Block(
    "vertex-ai-custom-training-job",
    ("prefect_gcp.VertexAICustomTrainingJob", "prefect_gcp.aiplatform.VertexAICustomTrainingJob"),
    "vertex-ai",
    "prefect-gcp",
    (
        *_common("vertex-ai-custom-training-job"),
        Row("gcp_credentials", "credentials", "gcp", default=None),
        _own("region"),
        _own("image", how="image"),
        _own("machine_type", default="n1-standard-4"),
        _own("accelerator_type", default=None),
        _own("accelerator_count", default=None),
        _own("boot_disk_type", default="pd-ssd"),
        _own("boot_disk_size_gb", default=100),
        Row(
            "maximum_run_time",
            "maximum_run_time_hours",
            "hours",
            "is given in whole hours",
            default=datetime.timedelta(days=7),
            differs=True,
        ),
        _own("network", default=None),
        _own("reserved_ip_ranges", default=None),
        Row("service_account", "service_account_name", "same", default=None),
        _own("job_watch_poll_interval", default=5.0),
    ),
)

_AZURE = Block(
    "azure-container-instance-job",
    (
        "prefect_azure.AzureContainerInstanceJob",
        "prefect_azure.container_instance.AzureContainerInstanceJob",
    ),
    "azure-container-instance",
    "prefect-azure",
    (
        *_common("azure-container-instance-job", "container-instance-job"),
        _own("aci_credentials", how="azure"),
        _own("resource_group_name"),
        _own("subscription_id", how="secret"),
        _own("identities", default=None),
        _own("image", how="image", default=None),
        _own("entrypoint", default="/opt/prefect/entrypoint.sh"),
        _own(
            "image_registry",
            how="registry",
            note="a `DockerRegistry` block has to be saved anew as `DockerRegistryCredentials` of prefect-docker",
            default=None,
        ),
        _own("cpu", default=1.0),
        _own("gpu_count", default=None),
        _own("gpu_sku", default=None),
        _own("memory", default=1.0),
        _own("subnet_ids", default=None),
        _own("dns_servers", default=None),
        _own("stream_output", default=None),
        _own("task_start_timeout_seconds", default=240),
        _own("task_watch_poll_interval", default=5.0),
    ),
    ("container-instance-job",),
)

BLOCKS: Mapping[str, Block] = {
    block.slug: block for block in (_PROCESS, _DOCKER, _KUBERNETES, _ECS, _CLOUD_RUN, _VERTEX, _AZURE)
}
"""Every type of infrastructure block of 2.x by its slug."""

_BY_TYPE = {**BLOCKS, **{type_: block for block in BLOCKS.values() for type_ in block.types}}
_BY_CLASS = {name: block for block in BLOCKS.values() for name in block.classes}

REGISTRY_SLUG = "docker-registry"

_BOOKKEEPING = {
    "block_type_slug",
    "_block_type_slug",
    "_block_type_name",
    "_block_document_id",
    "_block_document_name",
    "_block_schema_capabilities",
    "_is_anonymous",
}


def block_of_class(qualified: str) -> Optional[Block]:
    """The infrastructure block that a class of 2.x is, by its qualified name; None for any other name."""
    return _BY_CLASS.get(qualified)


def block_in(dotted: str) -> Optional[Block]:
    """The infrastructure block whose class a dotted name is, or of whose class it names an attribute; None for any other."""
    name = dotted
    while name:
        block = _BY_CLASS.get(name)
        if block is not None:
            return block
        name = name.rpartition(".")[0]
    return None


def block_of_type(name: str) -> Optional[Block]:
    """The infrastructure block of a slug, or of what the field `type` of a block holds; None for any other."""
    return _BY_TYPE.get(name)


def reference(slug: str, name: str) -> str:
    """How a base job template, or a job variable that is text, names a saved block, which the worker loads when a flow runs."""
    return f"{{{{ prefect.blocks.{slug}.{name} }}}}"


def fields_of_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a saved block as Prefect's REST API gives it, with blocks inside of it as references.

    A block that was written in place, without a name, is left as a mapping without its values.
    """
    fields = dict(document.get("data") or {})
    for field, held in (document.get("block_document_references") or {}).items():
        inner = held.get("block_document") or {}
        slug = (inner.get("block_type") or {}).get("slug") or ""
        if inner.get("name") and slug and not inner.get("is_anonymous"):
            fields[field] = reference(slug, inner["name"])
        else:
            fields[field] = {"_is_anonymous": True, "block_type_slug": slug}
    return fields


def overridden(fields: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with the `infra_overrides` of a deployment put over them as an agent of 2.x does: dots lead inwards."""
    merged = copy.deepcopy(dict(fields))
    for path, value in overrides.items():
        *outer, last = path.split(".")
        inside: Any = merged
        for part in outer:
            if not isinstance(inside.get(part), dict):
                inside[part] = {}
            inside = inside[part]
        inside[last] = copy.deepcopy(value)
    return merged


# -- values


@dataclass
class _Work:
    """What is gathered while the fields of a block are turned into job variables."""

    block: Block
    fields: Mapping[str, Any]
    hide_secrets: bool
    variables: dict[str, Any]
    lost: list[tuple[str, str]]
    notes: list[str]
    template: Optional[dict[str, Any]] = None

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)

    def changed_template(self) -> dict[str, Any]:
        if self.template is None:
            self.template = default_template(self.block.pool_type)
        return self.template


_OFFICIAL_2 = re.compile(
    r"(?P<host>(?:index\.)?docker\.io/)?prefecthq/prefect:2(?:\.\d+)*(?:-latest)?(?:-python3\.(?P<minor>\d+))?(?P<kind>-kubernetes|-conda)?$"
)


def _image(value: Any, work: _Work) -> Any:
    """An image of Prefect's own is taken in its version for 3; any other has to be built anew by its owner."""
    if not isinstance(value, str):
        return value
    found = _OFFICIAL_2.match(value)
    if found is None:
        if value and "prefecthq/prefect:3" not in value:
            work.note(f"the image `{value}` has to have Prefect 3: build it anew before the first run")
        return value
    minor = found["minor"]
    tag = f"3-python3.{minor}" if minor and int(minor) >= 9 else "3-latest"
    image = f"{found['host'] or ''}prefecthq/prefect:{tag}{found['kind'] or ''}"
    work.note(f"the image `{value}` has Prefect 2: `{image}` is the same with Prefect 3")
    return image


def _joined(value: Any, work: _Work) -> Any:
    """A list of words as the one string that a work pool takes."""
    words = list(value) if isinstance(value, (list, tuple)) else shlex.split(value) if isinstance(value, str) else []
    if words and words[-2:] == ["-m", "prefect.engine"] and len(words) == 3 and "python" in words[0]:
        return _ABSENT
    if words == ["prefect", "flow-run", "execute"]:
        return _ABSENT
    if isinstance(value, (list, tuple)):
        return " ".join(shlex.quote(str(word)) for word in value)
    return value


def _env(value: Any, work: _Work) -> Any:
    """The environment; what looks like a secret becomes a reference to a block that has to be saved."""
    if not isinstance(value, Mapping):
        return value
    result: dict[str, Any] = {}
    for name, held in value.items():
        if work.hide_secrets and looks_secret(str(name), held):
            secret = re.sub(r"[^a-z0-9]+", "-", str(name).lower()).strip("-")
            result[name] = reference("secret", secret)
            work.note(f"`env` `{name}` looks like a secret: save it as a `Secret` block named `{secret}`")
        elif held is None or isinstance(held, str):
            result[name] = held
        else:
            result[name] = str(held)
    return result


def _policy(value: Any, work: _Work) -> Any:
    names = {"ALWAYS": "Always", "NEVER": "Never", "IFNOTPRESENT": "IfNotPresent"}
    return names.get(re.sub(r"[^A-Z]", "", str(value).rpartition(".")[2].upper()), value)


def _bytes(value: Any, work: _Work) -> Any:
    """A number of bytes as text."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(int(value))
    return value


def _integer(value: Any, work: _Work) -> Any:
    return int(value) if isinstance(value, str) and value.strip().isdigit() else value


def _milli(value: Any, work: _Work) -> Any:
    """Whole CPUs as thousandths."""
    return f"{int(value) * 1000}m" if isinstance(value, (int, float)) else value


def _memory(value: Any, work: _Work) -> Any:
    unit = work.fields.get("memory_unit")
    return f"{value}{unit}" if unit else value


_DURATION = re.compile(
    r"^P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>[\d.]+)S)?)?$"
    r"|^(?:(?P<day>\d+)\s+days?,?\s*)?(?P<hour>\d+):(?P<minute>\d+):(?P<second>[\d.]+)$"
)


def _hours(value: Any, work: _Work) -> Any:
    """A duration (`timedelta`, seconds, ISO 8601, `days, h:mm:ss`) in hours, rounded up; at least one."""
    if isinstance(value, str):
        found = _DURATION.match(value.strip())
        if found is None:
            return value
        part = {key: float(held) for key, held in found.groupdict().items() if held}
        value = datetime.timedelta(
            days=part.get("days", part.get("day", 0)),
            hours=part.get("hours", part.get("hour", 0)),
            minutes=part.get("minutes", part.get("minute", 0)),
            seconds=part.get("seconds", part.get("second", 0)),
        )
    seconds = value.total_seconds() if isinstance(value, datetime.timedelta) else value
    if not isinstance(seconds, (int, float)):
        return value
    hours = max(1, math.ceil(seconds / 3600))
    if hours * 3600 != seconds:
        work.note(f"`maximum_run_time` is rounded up to {hours} h: Vertex AI work pools count whole hours")
    return hours


_REFERENCE = re.compile(r"^\{\{\s*prefect\.blocks\.(?P<slug>[a-z0-9-]+)\.(?P<name>[^\s.}]+)\s*\}\}$")


def _named_block(value: Any) -> Optional[tuple[str, str]]:
    """The slug and the name of a saved block that a field holds; the slug is empty where it is not told."""
    if isinstance(value, str):
        found = _REFERENCE.match(value.strip())
        return (found["slug"], found["name"]) if found else None
    if isinstance(value, Mapping) and not value.get("_is_anonymous"):
        name = value.get("_block_document_name") or value.get("block_document_name")
        if isinstance(name, str) and not name.startswith("anonymous-"):
            return str(value.get("block_type_slug") or value.get("_block_type_slug") or ""), name
    return None


def _credentials(slug: str) -> Callable[[Any, _Work], Any]:
    """A reference to a saved block of the type; one that was written in place is not taken, as it holds secrets."""

    def convert(value: Any, work: _Work) -> Any:
        named = _named_block(value)
        if named is None:
            return None
        if slug == "docker-registry-credentials" and named[0] in ("", REGISTRY_SLUG):
            work.note(
                f"the block `{REGISTRY_SLUG}/{named[1]}` has no class on Prefect 3: save a `DockerRegistryCredentials` block "
                f"of prefect-docker named `{named[1]}` with the same `username`, `password`, `registry_url` and `reauth`"
            )
            return reference(slug, named[1])
        return reference(named[0] or slug, named[1])

    return convert


def _registry(value: Any, work: _Work) -> Any:
    if work.block is _AZURE and isinstance(value, Mapping) and {"registry_url", "identity"} <= set(value):
        return {key: value[key] for key in ("registry_url", "identity")}
    return _credentials("docker-registry-credentials")(value, work)


def _secret(value: Any, work: _Work) -> Any:
    if isinstance(value, str) and "{{" in value:
        return value
    work.note("`subscription_id` is a secret: save it as a `Secret` block named `azure-subscription-id`")
    return reference("secret", "azure-subscription-id")


CONVERSIONS: Mapping[str, Callable[[Any, _Work], Any]] = {
    "same": lambda value, work: copy.deepcopy(value),
    "text": lambda value, work: str(value),
    "joined": _joined,
    "env": _env,
    "image": _image,
    "policy": _policy,
    "bytes": _bytes,
    "integer": _integer,
    "milli": _milli,
    "memory": _memory,
    "hours": _hours,
    "secret": _secret,
    "registry": _registry,
    "aws": _credentials("aws-credentials"),
    "gcp": _credentials("gcp-credentials"),
    "azure": _credentials("azure-container-instance-credentials"),
    "cluster": _credentials("kubernetes-cluster-config"),
}
"""How a field's value becomes a job variable's, by `Row.how`."""

_OF_BLOCKS = {"registry", "aws", "gcp", "azure", "cluster"}


# -- the work pool


def work_pool(slug: str, fields: Mapping[str, Any], *, hide_secrets: bool = True) -> WorkPool:
    """The work pool that does what an infrastructure block with these fields did.

    `slug` is the block's slug or what its field `type` holds; `fields` are its fields as plain data, from Python, YAML or the
    REST API (`fields_of_document`). A block inside of it is a reference (`reference`) or a mapping with the name of its
    document; one that was written in place is lost. Values of fields that are the default on both majors are left out.
    A block that is named becomes a default of the base job template, where the variable's schema is made to take text: with
    the type's own template the server refuses a reference, as a job variable and as a default (measured on 3.0 and 3.8).
    With `hide_secrets` an environment variable that looks like a secret becomes a reference to a `Secret` block.
    Raises KeyError where 2.x has no such block.
    """
    block = _BY_TYPE[slug]
    work = _Work(block, fields, hide_secrets, {}, [], [])
    for row in block.rows:
        value = fields.get(row.field, _ABSENT)
        if value is None or (row.how in _OF_BLOCKS and _says_nothing(value)):
            value = _ABSENT
        if row.how == "none":
            if value is not _ABSENT and value != row.default:
                work.lost.append((row.field, row.note))
            continue
        if row.variable is None or row.how in ("template", "with", "type"):
            continue
        if not row.differs and (value is _ABSENT or value == row.default):
            continue
        converted = CONVERSIONS[row.how](row.default if value is _ABSENT else value, work)
        if row.how in _OF_BLOCKS and converted is None:
            work.lost.append((row.field, _in_place(row)))
        elif row.how in _OF_BLOCKS and isinstance(converted, str):
            properties = work.changed_template()["variables"]["properties"]
            properties[row.variable] = _of_reference(properties[row.variable], converted)
            work.note(
                f"`{row.variable}` is the default `{converted}` in the base job template, whose schema is made to take such "
                "text; the block has to be there when a flow runs"
            )
        elif converted is not _ABSENT:
            work.variables[row.variable] = converted
    for field, value in fields.items():
        if field not in _BOOKKEEPING and block.row(field) is None and value not in (None, "", [], {}):
            work.lost.append(
                (
                    field,
                    f"the block type `{block.slug}` has no such field; if a subclass added it, add a variable of that name to "
                    "the work pool's base job template and use it in `job_configuration`",
                )
            )
    if block is _KUBERNETES:
        _kubernetes(work)
    elif block is _ECS:
        _ecs(work)
    return WorkPool(
        block.pool_type, work.variables, work.template, tuple(work.lost), tuple(work.notes), package=block.package
    )


def _of_reference(schema: Mapping[str, Any], default: str) -> dict[str, Any]:
    """The schema of a variable that holds a block, so that it may be a reference, too, and is one by default."""
    made = {key: held for key, held in schema.items() if key not in ("$ref", "anyOf", "default")}
    either = schema["anyOf"] if "anyOf" in schema else [{"$ref": schema["$ref"]}]
    return {**made, "anyOf": [*either, {"type": "string"}], "default": default}


def _says_nothing(value: Any) -> bool:
    """Whether credentials written in place are those that a block has by itself: whatever the machine offers."""
    if not isinstance(value, Mapping):
        return False
    own = {key: held for key, held in value.items() if key not in _BOOKKEEPING and key != "aws_client_parameters"}
    return bool(own) and not any(own.values())


def _in_place(row: Row) -> str:
    slugs = {"aws": "aws-credentials", "gcp": "gcp-credentials", "azure": "azure-container-instance-credentials"}
    slug = {**slugs, "cluster": "kubernetes-cluster-config"}.get(row.how, "docker-registry-credentials")
    return (
        "a block that has no name, whose values are never written out: save it, and make "
        f"`{reference(slug, 'NAME')}` the default of `{row.variable}` in the work pool's base job template"
    )


def create_commands(name: str, pool: WorkPool, template_file: Optional[str] = None) -> list[str]:
    """The shell lines that create the work pool on Prefect 3, on 3.0 as on 3.8.

    Where the pool needs a base job template, `template_file` is the file that holds it (by default `NAME-template.json`).
    """
    if template_file is None and pool.template is not None:
        template_file = f"{name}-template.json"
    line = f"prefect work-pool create {shlex.quote(name)} --type {pool.type}"
    if template_file is not None:
        line += f" --base-job-template {shlex.quote(template_file)}"
    return [line]


@lru_cache(maxsize=1)
def _templates() -> dict[str, Any]:
    text = (Path(__file__).parent / "base_job_templates.json").read_text(encoding="utf-8")
    templates: dict[str, Any] = json.loads(text)
    return templates


def default_template(pool_type: str) -> dict[str, Any]:
    """The base job template that Prefect 3.8 gives a new work pool of a type. Raises KeyError for a type not in `BLOCKS`."""
    template: dict[str, Any] = copy.deepcopy(_templates()[pool_type])
    return template


def base_job_template(pool: WorkPool) -> dict[str, Any]:
    """A base job template for a pool all of whose jobs are as the block had them: the job variables are its defaults."""
    template = copy.deepcopy(pool.template) if pool.template is not None else default_template(pool.type)
    for variable, value in pool.job_variables.items():
        template["variables"]["properties"][variable]["default"] = copy.deepcopy(value)
    required = template["variables"].get("required")
    if required:
        template["variables"]["required"] = [name for name in required if name not in pool.job_variables]
    return template


# -- Kubernetes


_BASE_MANIFEST = {
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
"""`KubernetesJob.base_job_manifest()` of 2.0 to 2.20."""


def _kubernetes(work: _Work) -> None:
    """The manifest and the patches of a `KubernetesJob`, and the defaults that Kubernetes and the work pool do not share."""
    job = work.fields.get("job")
    own_manifest = isinstance(job, Mapping) and not _is_base(job)
    patches, unread = _patches(work.fields.get("customizations"))
    if unread:
        work.lost.append(("customizations", unread))
    if own_manifest:
        assert isinstance(job, Mapping)
        _from_manifest(work, job)
    manifest: dict[str, Any]
    if own_manifest or patches:
        template = work.changed_template()
        if own_manifest:
            assert isinstance(job, Mapping)
            manifest = _with_placeholders(job, template)
        else:
            manifest = template["job_configuration"]["job_manifest"]
        template["job_configuration"]["job_manifest"] = _customized(work, manifest, patches)
        work.note(
            "the base job template holds the job's manifest and patches, for every deployment of the work pool; the "
            "placeholders in it take the job variables"
        )
    image = work.variables.get("image")
    if "image_pull_policy" not in work.variables and isinstance(image, str) and _floats(image):
        work.variables["image_pull_policy"] = "Always"
        work.note(
            f"`image_pull_policy` is written because Kubernetes pulls `{image}` always where nothing is said, and the work "
            "pool says `IfNotPresent`"
        )
    if "backoff_limit" not in work.variables:
        work.note(
            "`backoffLimit` is 0, where 2.x left it to Kubernetes, which starts a crashed pod again up to six times: the job "
            "variable `backoff_limit` sets it"
        )


def _is_base(job: Mapping[str, Any]) -> bool:
    """Whether a manifest says no more than that of a block without one."""
    plain = copy.deepcopy(dict(job))
    if isinstance(plain.get("metadata"), dict):
        plain["metadata"].setdefault("labels", {})
    return plain == _BASE_MANIFEST


def _floats(image: str) -> bool:
    """Whether the image's tag is `latest`, given or not."""
    last = image.rpartition("/")[2]
    return re.fullmatch(r"[\w.-]+(:latest)?", last) is not None


def _container(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The first container of a job's manifest; an empty one where the manifest is not shaped as Kubernetes has it."""
    try:
        container = manifest["spec"]["template"]["spec"]["containers"][0]
    except (KeyError, IndexError, TypeError):
        return {}
    return container if isinstance(container, dict) else {}


_IN_MANIFEST: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("namespace", ("metadata", "namespace")),
    ("service_account_name", ("spec", "template", "spec", "serviceAccountName")),
    ("finished_job_ttl", ("spec", "ttlSecondsAfterFinished")),
    ("backoff_limit", ("spec", "backoffLimit")),
)
_IN_CONTAINER = (("image", "image"), ("image_pull_policy", "imagePullPolicy"))


def _from_manifest(work: _Work, job: Mapping[str, Any]) -> None:
    """What the manifest says and a job variable can say becomes the variable's value, unless the block's field says it."""
    for variable, path in _IN_MANIFEST:
        value: Any = job
        for part in path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and variable not in work.variables:
            work.variables[variable] = value
    container = _container(job)
    for variable, key in _IN_CONTAINER:
        if container.get(key) is not None and variable not in work.variables:
            work.variables[variable] = _image(container[key], work) if key == "image" else container[key]


def _with_placeholders(job: Mapping[str, Any], template: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with the placeholders of the job variables where 2.x put the block's fields."""
    manifest = copy.deepcopy(dict(job))
    metadata = manifest.setdefault("metadata", {})
    metadata.setdefault("labels", {})
    metadata["generateName"] = "{{ name }}-"
    metadata["namespace"] = "{{ namespace }}"
    spec = manifest["spec"]
    spec["backoffLimit"] = "{{ backoff_limit }}"
    spec["ttlSecondsAfterFinished"] = "{{ finished_job_ttl }}"
    spec["template"]["spec"]["serviceAccountName"] = "{{ service_account_name }}"
    container = _container(manifest)
    own = template["job_configuration"]["job_manifest"]["spec"]["template"]["spec"]["containers"][0]
    for key in ("args", "image", "imagePullPolicy"):
        container[key] = own[key]
    container.setdefault("resources", own["resources"])
    if not container.get("env"):
        container["env"] = own["env"]
    return manifest


def _customized(work: _Work, manifest: dict[str, Any], patches: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The manifest with the patches applied; one that can not be is lost.

    A patch that goes into the list of environment variables, or to a label, finds one: where the manifest has a placeholder
    in its place the worker adds the job variables to what is there (`KubernetesWorkerJobConfiguration.prepare_for_flow_run`).
    """
    container = _container(manifest)
    for patch in patches:
        path = str(patch.get("path", ""))
        if path.startswith("/spec/template/spec/containers/0/env/") and isinstance(container.get("env"), str):
            container["env"] = []
        for part in ("labels", "annotations"):
            if path.startswith(f"/metadata/{part}/") and isinstance(manifest["metadata"].get(part), str):
                manifest["metadata"][part] = {}
        try:
            manifest = patched(manifest, [patch])
        except (LookupError, TypeError, ValueError) as error:
            work.lost.append(
                (
                    "customizations",
                    f"the patch {json.dumps(dict(patch), default=str)} does not fit the work pool's manifest ({error}): edit "
                    "`job_configuration.job_manifest` of the base job template by hand",
                )
            )
        container = _container(manifest)
    return manifest


def _patches(given: Any) -> tuple[list[dict[str, Any]], str]:
    """JSON patches from a list or from their text; and why nothing could be read, else the empty string."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return [], "the patches are not JSON: apply them by hand to the work pool's base job template"
    if isinstance(given, Mapping):
        given = given.get("patch", [])
    if not given:
        return [], ""
    if not isinstance(given, (list, tuple)) or not all(isinstance(patch, Mapping) for patch in given):
        return [], "the patches are not a list of JSON patches: apply them by hand to the work pool's base job template"
    return [dict(patch) for patch in given], ""


def patched(document: Any, patches: Sequence[Mapping[str, Any]]) -> Any:
    """A copy of the document with JSON patches (RFC 6902) applied in turn.

    Raises LookupError where a path leads nowhere, ValueError for an operation that there is not or a `test` that fails.
    """
    document = copy.deepcopy(document)
    for patch in patches:
        operation, path = patch.get("op"), str(patch.get("path", ""))
        if operation == "add":
            document = _put(document, path, copy.deepcopy(patch.get("value")), replace=False)
        elif operation == "replace":
            _at(document, path)
            document = _put(document, path, copy.deepcopy(patch.get("value")), replace=True)
        elif operation == "remove":
            document = _removed(document, path)
        elif operation == "move":
            value = _at(document, str(patch.get("from", "")))
            document = _put(_removed(document, str(patch["from"])), path, value, replace=False)
        elif operation == "copy":
            value = copy.deepcopy(_at(document, str(patch.get("from", ""))))
            document = _put(document, path, value, replace=False)
        elif operation == "test":
            if _at(document, path) != patch.get("value"):
                raise ValueError(f"the test of `{path}` fails")
        else:
            raise ValueError(f"no such operation: {operation!r}")
    return document


def _parts(path: str) -> list[str]:
    if path and not path.startswith("/"):
        raise ValueError(f"no JSON pointer: {path!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _step(held: Any, part: str, path: str) -> Any:
    if isinstance(held, Mapping) and part in held:
        return held[part]
    if isinstance(held, list) and part.isdigit() and int(part) < len(held):
        return held[int(part)]
    raise LookupError(f"nothing at `{path}`")


def _at(document: Any, path: str) -> Any:
    for part in _parts(path):
        document = _step(document, part, path)
    return document


def _put(document: Any, path: str, value: Any, *, replace: bool) -> Any:
    parts = _parts(path)
    if not parts:
        return value
    held = document
    for part in parts[:-1]:
        held = _step(held, part, path)
    last = parts[-1]
    if isinstance(held, dict):
        held[last] = value
    elif isinstance(held, list) and last == "-" and not replace:
        held.append(value)
    elif isinstance(held, list) and last.isdigit() and int(last) <= len(held):
        held[int(last) : int(last) + int(replace)] = [value]
    else:
        raise LookupError(f"nothing at `{path}`")
    return document


def _removed(document: Any, path: str) -> Any:
    parts = _parts(path)
    if not parts:
        return None
    held = document
    for part in parts[:-1]:
        held = _step(held, part, path)
    _step(held, parts[-1], path)
    del held[int(parts[-1]) if isinstance(held, list) else parts[-1]]
    return document


# -- ECS


_ECS_CONTAINER = "prefect"
_FARGATE = ("FARGATE", "FARGATE_SPOT")


def _ecs(work: _Work) -> None:
    """The task definition and the patches of an `ECSTask`."""
    definition = work.fields.get("task_definition")
    if isinstance(definition, Mapping) and definition:
        _task_definition(work, definition)
    patches, unread = _patches(work.fields.get("task_customizations"))
    if unread:
        work.lost.append(("task_customizations", unread))
    network = [patch for patch in patches if str(patch.get("path", "")).startswith("/networkConfiguration")]
    if network:
        _network(work, network)
    for patch in patches:
        if patch in network:
            continue
        template = work.changed_template()
        request = template["job_configuration"]["task_run_request"]
        path = str(patch.get("path", ""))
        if path.startswith("/overrides/containerOverrides/0/environment/"):
            request["overrides"]["containerOverrides"][0]["environment"] = []
        if path.startswith("/tags/"):
            request["tags"] = []
        try:
            template["job_configuration"]["task_run_request"] = patched(request, [patch])
        except (LookupError, TypeError, ValueError) as error:
            work.lost.append(
                (
                    "task_customizations",
                    f"the patch {json.dumps(dict(patch), default=str)} does not fit the work pool's request ({error}): edit "
                    "`job_configuration.task_run_request` of the base job template by hand",
                )
            )


def _task_definition(work: _Work, definition: Mapping[str, Any]) -> None:
    """The task definition as it is, with placeholders where 2.x put the block's fields.

    What the definition says of the same is the variable's value where the block's field says nothing. 2.x ran the flow in
    the container `prefect` and added it where the definition had none.
    """
    template = work.changed_template()
    own = template["job_configuration"]["task_definition"]
    made = copy.deepcopy(dict(definition))
    containers = made.setdefault("containerDefinitions", [])
    container = next((each for each in containers if each.get("name") == _ECS_CONTAINER), None)
    if container is None:
        container = {"name": _ECS_CONTAINER}
        containers.append(container)
    work.variables["container_name"] = _ECS_CONTAINER
    held = container.get("image")
    if held and "image" not in work.variables:
        work.variables["image"] = _image(held, work)
    container["image"] = own["containerDefinitions"][0]["image"]
    for key, variable in (("executionRoleArn", "execution_role_arn"), ("family", "family")):
        if made.get(key) and variable not in work.variables:
            work.variables[variable] = made[key]
        made[key] = own[key]
    for key in ("cpu", "memory"):
        if made.get(key) and key not in work.variables:
            if not str(made[key]).isdigit():
                continue
            work.variables[key] = int(made[key])
        made[key] = own[key]
    if work.fields.get("launch_type", "FARGATE") in _FARGATE:
        made.setdefault("networkMode", "awsvpc")
    template["job_configuration"]["task_definition"] = made
    work.note("the base job template holds the task definition, for every deployment of the work pool")


def _network(work: _Work, patches: Sequence[Mapping[str, Any]]) -> None:
    """The patches of the network as `network_configuration`, which the worker uses where `vpc_id` is given."""
    why = (
        "the worker takes the network as it is written, where 2.x patched what it had found: set the job variables `vpc_id` "
        "and `network_configuration` with `subnets`, `securityGroups` and `assignPublicIp`"
    )
    found_by_2 = {"assignPublicIp": "ENABLED", "securityGroups": [], "subnets": []}
    document: dict[str, Any] = {"networkConfiguration": {"awsvpcConfiguration": found_by_2}}
    try:
        document = patched(document, patches)
        made = document["networkConfiguration"]["awsvpcConfiguration"]
    except (LookupError, TypeError, ValueError, AttributeError):
        work.lost.append(("task_customizations", why))
        return
    if not made.get("subnets"):
        work.lost.append(("task_customizations", f"{why} (here without `subnets`: {json.dumps(made, default=str)})"))
    elif work.variables.get("vpc_id"):
        work.variables["network_configuration"] = made
    else:
        template = work.changed_template()
        template["job_configuration"]["task_run_request"]["networkConfiguration"] = {"awsvpcConfiguration": made}
        work.note(
            "the base job template holds the network in `task_run_request`: the worker takes `network_configuration` only "
            "together with `vpc_id`"
        )

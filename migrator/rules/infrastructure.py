"""Infrastructure blocks in Python: built, saved, loaded, derived from and called. Those of a deployment's `infrastructure=` are PF301's."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

from migrator.deployments.infrastructure import (
    BLOCKS,
    WORKERS_GUIDE,
    Block,
    WorkPool,
    block_in,
    block_of_class,
    create_commands,
    default_template,
    reference,
    work_pool,
)
from migrator.findings import Severity
from migrator.model.module import Reference
from migrator.model.names import rows_with, walked
from migrator.model.values import CLASS, INSTANCE
from migrator.rules.base import Context, Draft, Rule, rule
from migrator.rules.deployments.arguments import Refusal
from migrator.rules.deployments.following import Held, Written, fields_of, has_text, held, loaded_name, written
from migrator.rules.deployments.infrastructure import as_code

_DEPLOYMENTS = frozenset(
    f"{home}.Deployment{method}"
    for home in ("prefect.deployments", "prefect.deployments.deployments")
    for method in ("", ".build_from_flow")
)
_CREDENTIALS = {
    "aws": "aws-credentials",
    "azure": "azure-container-instance-credentials",
    "cluster": "kubernetes-cluster-config",
    "gcp": "gcp-credentials",
    "registry": "",
}
"""The slug of the block in a field, by how the field is converted."""
_COMPUTED = frozenset({"bytes", "hours", "integer", "joined", "memory", "milli", "secret", "with"})
"""How a value is converted that has to be known for it."""
_MARK = re.compile("\\$\0(\\d+)\0")


@dataclass(frozen=True)
class _Method:
    told: str
    """What to do on Prefect 3; `{commands}`, `{type}` and `{instead}` are filled in."""


_METHODS: Mapping[str, _Method] = {
    "publish_as_work_pool": _Method(
        "On 2.x it makes a work pool of the block; on 3.x create it: {commands}. The fields of the saved block become its "
        "job variables"
    ),
    "generate_work_pool_base_job_template": _Method(
        "`prefect work-pool get-default-base-job-template --type {type}` prints the template to start from"
    ),
    "get_corresponding_worker_type": _Method("It is `{type}`: write it out"),
    "run": _Method(
        "Flows run on a work pool of the type `{type}`: {commands}. For a command of your own there is {instead}"
    ),
    "kill": _Method("Workers end what they started when the flow run is cancelled: use `prefect flow-run cancel ID`"),
    "prepare_for_flow_run": _Method(
        "A worker prepares its own job configuration: derive from it to change that, and start the worker by its type"
    ),
    "preview": _Method("`prefect work-pool preview NAME` shows the flow runs of a pool; `inspect` shows its template"),
    "build_job": _Method(
        "The manifest is `job_configuration.job_manifest` of the work pool's base job template: `prefect work-pool inspect NAME`"
    ),
    "base_job_manifest": _Method(
        "The manifest is `job_configuration.job_manifest` of the base job template, which "
        "`prefect work-pool get-default-base-job-template --type kubernetes` prints"
    ),
    "job_from_file": _Method(
        "Put the manifest of the file into `job_configuration.job_manifest` of the work pool's base job template, and create "
        "the pool with it: {commands} --base-job-template FILE`. To read the file alone use `yaml.safe_load`"
    ),
    "customize_from_file": _Method(
        "Apply the patches of the file to `job_configuration.job_manifest` of the work pool's base job template, and create "
        "the pool with it: {commands} --base-job-template FILE`"
    ),
}
"""Methods of infrastructure blocks that code calls; `save`, `load` and the rest are told with the block itself."""

_INSTEAD = {
    "process": "`subprocess.run`, or `ShellOperation` of prefect-shell",
    "docker-container": "`create_docker_container` and its kin of `prefect_docker.containers`, or the Docker SDK",
    "kubernetes-job": "`KubernetesJob` of `prefect_kubernetes.jobs`",
    "ecs-task": "`run_task` of boto3's ECS client, which `AwsCredentials.get_client` of prefect-aws gives",
    "cloud-run-job": "Google's client `google.cloud.run_v2.JobsClient`",
    "vertex-ai-custom-training-job": "Google's client `google.cloud.aiplatform`",
    "azure-container-instance-job": "Azure's client, which `AzureContainerInstanceCredentials.get_container_client` of prefect-azure gives",
}


@rule("PF320", "infrastructure-block", Severity.ERROR, "none", WORKERS_GUIDE)
def infrastructure_block(context: Context) -> Iterator[Draft]:
    """Make a work pool of what was an infrastructure block.

    Prefect 3 has no `Process`, `DockerContainer`, `KubernetesJob`, `ECSTask`, `CloudRunJob`, `VertexAICustomTrainingJob` and `AzureContainerInstanceJob`.
    Each has a type of work pool in its place, and a worker that polls the pool. The message gives the command that creates the pool, the package that the
    worker needs, and the job variables that say what the block's fields said: for the deployments (`job_variables=`, or `job_variables:` in `prefect.yaml`),
    or as the defaults in the pool's base job template. It also names what has no place there.

    | block | work pool | worker from |
    |---|---|---|
    | `Process` | `process` | Prefect |
    | `DockerContainer` | `docker` | prefect-docker |
    | `KubernetesJob` | `kubernetes` | prefect-kubernetes |
    | `ECSTask` | `ecs` | prefect-aws |
    | `CloudRunJob` | `cloud-run-v2` | prefect-gcp |
    | `VertexAICustomTrainingJob` | `vertex-ai` | prefect-gcp |
    | `AzureContainerInstanceJob` | `azure-container-instance` | prefect-azure |

    What is given to a deployment as `infrastructure=` is told, and mended, with the deployment (PF301).

    ## On 2.x
    ```python
    from prefect.infrastructure import DockerContainer

    DockerContainer(image="etl:7", env={"STAGE": "prod"}, auto_remove=True).save("prod")
    ```

    ## On 3.x
    ```python
    from prefect import flow

    @flow
    def etl():
        ...

    # prefect work-pool create prod --type docker
    etl.deploy(
        "nightly",
        work_pool_name="prod",
        image="etl:7",
        build=False,
        job_variables={"env": {"STAGE": "prod"}, "auto_remove": True},
    )
    ```

    ## Fix safety
    There is no fix: a work pool is made on the server, by a command.
    """
    for found, block in _uses(context):
        node, parents = found.node, found.use.parents
        if _is_base(found) or _of_deployment(context, parents) or _method(found, block):
            continue
        call = found.call
        if call is None:
            yield Draft(found.start, found.end, _told_shortly(found, block))
        elif found.qualified.endswith(".load"):
            yield Draft(found.start, found.end, _told_of_saved(context, found, block, call))
        elif _class_itself(found, block):
            whole = parents[:-1]
            if _goes_to_deployment(context, call, whole):
                told = (
                    f"{_told_shortly(found, block)}; what becomes of it is told with the deployment that it is given to"
                )
                yield Draft(found.start, found.end, told)
            else:
                yield Draft(found.start, found.end, _told_of_built(context, found, block, call, whole))
        else:
            yield context.draft(node, _told_shortly(found, block))


@rule("PF321", "infrastructure-subclass", Severity.ERROR, "none", WORKERS_GUIDE)
def infrastructure_subclass(context: Context) -> Iterator[Draft]:
    """Derive from a worker, or add variables to a work pool, instead of deriving from an infrastructure block.

    Fields that the class adds become variables of the work pool's base job template: add them to `variables.properties`, and use them in
    `job_configuration` as `{{ name }}`. Methods that it overrides belong into a worker of your own, derived from the worker of that type.

    ## On 2.x
    ```python
    from prefect.infrastructure import KubernetesJob

    class GpuJob(KubernetesJob):
        gpus: int = 1
    ```

    ## On 3.x
    ```python
    from prefect_kubernetes.worker import KubernetesWorker

    # prefect work-pool create gpu --type kubernetes --base-job-template gpu-template.json, with a variable `gpus` in the template
    class GpuWorker(KubernetesWorker):
        type = "kubernetes"
    ```

    ## Fix safety
    There is no fix.
    """
    for found, block in _uses(context):
        if not _is_base(found):
            continue
        parent = found.parent
        assert isinstance(parent, ast.ClassDef)
        own = [
            statement.target.id
            for statement in parent.body
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        ]
        added = ", ".join(f"`{name}`" for name in own if not name.startswith("_") and block.row(name) is None)
        told = (
            f"{_told_shortly(found, block)}. "
            + (f"{added} would be variables of that pool's base job template; " if added else "")
            + f"methods belong into a class derived from `{_WORKERS[block.pool_type]}`"
        )
        yield Draft(found.start, found.end, told)


@rule("PF322", "infrastructure-method", Severity.ERROR, "none", WORKERS_GUIDE)
def infrastructure_method(context: Context) -> Iterator[Draft]:
    """Leave it to a worker what infrastructure blocks did by themselves.

    `run`, `publish_as_work_pool`, `KubernetesJob.job_from_file` and other methods of infrastructure blocks went with the blocks. The message says what is
    done in their place.

    ## On 2.x
    ```python
    from prefect.infrastructure import Process

    Process(command=["python", "report.py"]).run()
    ```

    ## On 3.x
    ```python
    import subprocess

    subprocess.run(["python", "report.py"], check=False)
    ```

    ## Fix safety
    There is no fix.
    """
    module = context.module
    if not any(name in module.text for name in _CLASS_NAMES):
        return
    words = [name for name in _METHODS if name in module.text]
    if not words:
        return
    for node, parents in walked(module.tree, rows_with(words, module.index)):
        if not isinstance(node, ast.Attribute) or node.attr not in _METHODS or not isinstance(node.ctx, ast.Load):
            continue
        block = _block_on_class(context, node)
        if block is None:
            block = _block_held(context, node, parents)
        if block is None or context.may_fail(parents, node):
            continue
        yield context.draft(node, _told_of_method(context, node, block, parents))


_WORKERS = {
    "process": "prefect.workers.process.ProcessWorker",
    "docker": "prefect_docker.worker.DockerWorker",
    "kubernetes": "prefect_kubernetes.worker.KubernetesWorker",
    "ecs": "prefect_aws.workers.ECSWorker",
    "cloud-run-v2": "prefect_gcp.workers.cloud_run_v2.CloudRunWorkerV2",
    "vertex-ai": "prefect_gcp.workers.vertex.VertexAIWorker",
    "azure-container-instance": "prefect_azure.workers.container_instance.AzureContainerWorker",
}
_CLASS_NAMES = frozenset(name.rpartition(".")[2] for block in BLOCKS.values() for name in block.classes)

RULES: tuple[Rule, ...] = (infrastructure_block, infrastructure_subclass, infrastructure_method)


# -- where blocks are used


def _uses(context: Context) -> Iterator[tuple[Reference, Block]]:
    """The uses of the classes of infrastructure blocks, and of attributes of these, that fail on Prefect 3."""
    module = context.module
    for found in module.references:
        if found.definition is not None or not found.qualified or found.imported is None:
            continue
        block = block_in(found.qualified)
        if block is not None and not context.may_fail(found.use.parents, found.node):
            yield found, block


def _class_itself(found: Reference, block: Block) -> bool:
    return found.qualified in block.classes


def _class_name(found: Reference, block: Block) -> str:
    return next(name.rpartition(".")[2] for name in block.classes if f"{found.qualified}.".startswith(f"{name}."))


def _is_base(found: Reference) -> bool:
    return isinstance(found.parent, ast.ClassDef) and found.node in found.parent.bases


def _method(found: Reference, block: Block) -> bool:
    """Whether the use is of a method that PF322 tells of."""
    return not _class_itself(found, block) and found.qualified.rpartition(".")[2] in _METHODS


def _block_on_class(context: Context, node: ast.Attribute) -> Optional[Block]:
    reference_ = context.module.resolve(node)
    if reference_ is None or not reference_.qualified or reference_.definition is not None:
        return None
    block = block_in(reference_.qualified)
    return block if block is not None and reference_.qualified.rpartition(".")[0] in block.classes else None


def _block_held(context: Context, node: ast.Attribute, parents: Sequence[ast.AST]) -> Optional[Block]:
    """The block that an expression holds whose attribute is asked for: built, loaded, or known by its annotation."""
    owner = context.values.of(node.value, parents)
    if owner is not None:
        if owner.kind not in (INSTANCE, CLASS) or node.attr in owner.own:
            return None
        return next(filter(None, (block_of_class(home.replace(":", ".")) for home, _ in owner.homes)), None)
    inner = held(context, node.value, parents)
    return block_of_class(inner.owner) if inner is not None else None


def _of_deployment(context: Context, parents: Sequence[ast.AST]) -> bool:
    """Whether it stands in the `infrastructure=` of a deployment."""
    for outer, keyword in zip(parents, parents[1:]):
        if isinstance(outer, ast.Call) and isinstance(keyword, ast.keyword) and keyword.arg == "infrastructure":
            if _is_deployment(context, outer):
                return True
    return False


def _is_deployment(context: Context, call: ast.Call) -> bool:
    made = context.module.resolve(call.func)
    return made is not None and made.qualified in _DEPLOYMENTS


def _goes_to_deployment(context: Context, call: ast.Call, parents: Sequence[ast.AST]) -> bool:
    """Whether the block is kept in a variable that a deployment of the module is given."""
    name = _variable(call, parents)
    if name is None or "infrastructure" not in context.module.text:
        return False
    return any(
        isinstance(node, ast.keyword)
        and node.arg == "infrastructure"
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        for node, _ in walked(context.module.tree, rows_with(["infrastructure"], context.module.index))
    )


def _variable(call: ast.Call, parents: Sequence[ast.AST]) -> Optional[str]:
    """The variable that a call's value is assigned to."""
    statement = parents[-2] if parents and isinstance(parents[-1], ast.Await) else parents[-1] if parents else None
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if len(targets) == 1 and isinstance(targets[0], ast.Name):
            return targets[0].id
    return None


# -- what is told


def _told_shortly(found: Reference, block: Block) -> str:
    worker = f", whose worker is in `{block.package}`" if block.package else ""
    return (
        f"`{_class_name(found, block)}` does not exist on Prefect 3; its place has a work pool of the type "
        f"`{block.pool_type}`{worker}"
    )


def _told_of_saved(context: Context, found: Reference, block: Block, call: ast.Call) -> str:
    try:
        name = loaded_name(context, Held(call, found.qualified, call, None))[1]
    except Refusal:
        name = None
    shown = name if isinstance(name, str) else context.target.work_pool or "NAME"
    pool = WorkPool(block.pool_type, {})
    return (
        f"{_told_shortly(found, block)}: {as_code(create_commands(shown, pool))}. What the saved block holds becomes its job "
        "variables: `migrator deployments export` reads it from the 2.x server"
    )


def _told_of_built(context: Context, found: Reference, block: Block, call: ast.Call, parents: Sequence[ast.AST]) -> str:
    name = _saved_as(context, call, parents) or context.target.work_pool or "NAME"
    told = _told_shortly(found, block)
    try:
        given = fields_of(context, call)
    except Refusal as refusal:
        return f"{told}: {as_code(create_commands(name, WorkPool(block.pool_type, {})))}; {refusal}"
    texts: list[str] = []
    fields: dict[str, Any] = {}
    by_hand: list[str] = []
    for keyword in call.keywords:
        field = str(keyword.arg)
        row = block.row(field)
        value = given[field]
        if row is not None and row.how in _CREDENTIALS and not (isinstance(value, dict) and "identity" in value):
            value = _block_in_field(context, keyword.value, parents, row.how, texts)
        elif isinstance(keyword.value, ast.Attribute) and row is not None and row.how == "policy":
            value = keyword.value.attr
        elif row is not None and has_text(value) and (row.how in _COMPUTED or row.how == "template"):
            where = f"`{row.variable}`" if row.variable and row.how != "template" else ""
            by_hand.append(
                f"`{field}={_short(context.module.source(keyword.value))}` has to be followed by hand: it "
                + (
                    row.note
                    if row.how == "template"
                    else f"becomes {where}" + (", as one string" if row.how == "joined" else "")
                )
            )
            continue
        fields[field] = _marked(value, texts)
    try:
        pool = work_pool(block.slug, fields)
    except (AttributeError, KeyError, TypeError, ValueError):
        return f"{told}: {as_code(create_commands(name, WorkPool(block.pool_type, {})))}"
    told += f": {as_code(create_commands(name, pool))}"
    if pool.job_variables:
        told += f", with the job variables `{written(_unmarked(pool.job_variables, texts))}`"
    if pool.template is not None:
        told += f". The template is what `prefect work-pool get-default-base-job-template --type {pool.type}` prints, with {_changed(pool)}"
    more = [*by_hand, *(f"`{field}` has no place there: {why}" for field, why in pool.lost), *pool.notes]
    more = [text for text in more if "the base job template" not in text[:60]]
    if more:
        told += ". " + _capital("; ".join(more))
    return _MARK.sub(lambda mark: texts[int(mark[1])], told).rstrip(". ")


def _changed(pool: WorkPool) -> str:
    """The parts of the `job_configuration` that differ from those of the type's own template."""
    assert pool.template is not None
    own = default_template(pool.type)
    jobs = (
        f"`{json.dumps(part)}` as `job_configuration.{key}`"
        for key, part in pool.template["job_configuration"].items()
        if own["job_configuration"].get(key) != part
    )
    defaults = (
        f"`{json.dumps(part['default'])}` as the default of `{key}`"
        for key, part in pool.template["variables"]["properties"].items()
        if own["variables"]["properties"][key] != part
    )
    return " and ".join([*jobs, *defaults])


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."


def _block_in_field(context: Context, value: ast.expr, parents: Sequence[ast.AST], how: str, texts: list[str]) -> Any:
    """A block in a field as a reference, where it is loaded by name or saved under one; else a mapping that says nothing."""
    inner = held(context, value, parents)
    if inner is None:
        return {"_is_anonymous": True}
    name: Any = None
    if inner.loaded:
        try:
            name = loaded_name(context, inner)[1]
        except Refusal:
            name = None
    elif isinstance(value, ast.Name):
        name = _saved_under(context, value.id)
    if not isinstance(name, str):
        return {"_is_anonymous": True}
    return reference(_CREDENTIALS[how], name) if _CREDENTIALS[how] else {"_block_document_name": name}


def _saved_as(context: Context, call: ast.Call, parents: Sequence[ast.AST]) -> Optional[str]:
    """The name under which the block is saved, right away or by its variable."""
    if len(parents) >= 2 and isinstance(parents[-1], ast.Attribute) and parents[-1].attr == "save":
        return _first_text(parents[-2])
    name = _variable(call, parents)
    return _saved_under(context, name) if name is not None else None


def _saved_under(context: Context, variable: str) -> Optional[str]:
    """The one name under which a module saves what a variable holds."""
    module = context.module
    names = {
        _first_text(node)
        for node, _ in walked(module.tree, rows_with(["save"], module.index))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "save"
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == variable
    }
    return names.pop() if len(names) == 1 else None


def _first_text(call: ast.AST) -> Optional[str]:
    if not isinstance(call, ast.Call):
        return None
    values = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "name")]
    first = values[0] if values else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None


def _told_of_method(context: Context, node: ast.Attribute, block: Block, parents: Sequence[ast.AST]) -> str:
    name = None
    if isinstance(node.value, ast.Name):
        name = _saved_under(context, node.value.id)
    inner = held(context, node.value, parents)
    if inner is not None and inner.loaded:
        try:
            loaded = loaded_name(context, inner)[1]
            name = loaded if isinstance(loaded, str) else name
        except Refusal:
            pass
    commands = as_code(create_commands(name or context.target.work_pool or "NAME", WorkPool(block.pool_type, {})))
    method = _METHODS[node.attr].told
    if "{commands} --base" in method:
        commands = commands[:-1]
    told = method.format(commands=commands, type=block.pool_type, instead=_INSTEAD[block.slug])
    class_name = block.classes[0].rpartition(".")[2]
    return f"`{class_name}.{node.attr}` does not exist on Prefect 3. {told}"


# -- expressions among the fields


def _marked(value: Any, texts: list[str]) -> Any:
    """The value with a mark for each expression, so that the table of fields can be asked about it."""
    if isinstance(value, dict):
        return {key: _marked(part, texts) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_marked(part, texts) for part in value]
    if isinstance(value, Written):
        texts.append(" ".join(value.text.split()))
        return f"$\0{len(texts) - 1}\0"
    return value


def _unmarked(value: Any, texts: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {key: _unmarked(part, texts) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unmarked(part, texts) for part in value]
    if isinstance(value, str) and "\0" in value:
        alone = _MARK.fullmatch(value)
        return Written(texts[int(alone[1])]) if alone else _MARK.sub(lambda mark: texts[int(mark[1])], value)
    return value

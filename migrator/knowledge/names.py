"""Names that Prefect 3 moved or removed, names that no Prefect has, and names that only Prefect 3 has.

Three tables, written by hand for what real code uses most; `tests/test_names_table.py` proves each row on real Prefects
from 2.0.4 on. Names are written as code imports them (`prefect.filesystems.S3`). Patch versions ("2.10.12") are the
first release tag whose source has the name, or no longer has it. Rows of integration packages were measured once, on
2.20.26 with the last releases of the integrations for Prefect 2 and on 3.8.8 with those of that time; their
`new_since_2` is the release they were measured on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Optional, TypeVar

_DOCS = "https://docs.prefect.io"
_API = f"{_DOCS}/v3/api-ref/python/prefect-"
_GUIDE = f"{_DOCS}/v3/how-to-guides/migrate/upgrade-to-prefect-3"
_WORKERS = f"{_DOCS}/v3/how-to-guides/migrate/upgrade-agents-to-workers"
_DEPLOY = f"{_DOCS}/v3/how-to-guides/deployments/deploy-via-python"
_CODE_STORAGE = f"{_DOCS}/v3/how-to-guides/deployments/store-flow-code"
_SCHEDULES = f"{_DOCS}/v3/how-to-guides/deployments/create-schedules"
_TRIGGERS = f"{_DOCS}/v3/how-to-guides/automations/creating-deployment-triggers"
_NOTIFICATIONS = f"{_DOCS}/v3/how-to-guides/automations/custom-notifications"
_BACKGROUND = f"{_DOCS}/v3/how-to-guides/workflows/run-background-tasks"
_CONCURRENTLY = f"{_DOCS}/v3/how-to-guides/workflows/run-work-concurrently"
_CACHING = f"{_DOCS}/v3/how-to-guides/workflows/cache-workflow-steps"
_RETRIES = f"{_DOCS}/v3/how-to-guides/workflows/retries"
_LIMITS = f"{_DOCS}/v3/how-to-guides/workflows/global-concurrency-limits"
_RESULTS = f"{_DOCS}/v3/advanced/results"
_VARIABLES = f"{_DOCS}/v3/concepts/variables"
_TRANSACTIONS = f"{_DOCS}/v3/advanced/transactions"
_PREFECT_YAML = f"{_DOCS}/v3/how-to-guides/deployments/prefect-yaml"
_RUNNERS = f"{_DOCS}/v3/concepts/task-runners"
_ASSETS = f"{_DOCS}/v3/concepts/assets"
_STATES = f"{_DOCS}/v3/concepts/states"
_BLOCKS = f"{_DOCS}/v3/concepts/blocks"
_SECRETS = f"{_DOCS}/v3/how-to-guides/configuration/store-secrets"
_RUNTIME = f"{_DOCS}/v3/how-to-guides/workflows/access-runtime-info"
_SETTINGS = f"{_DOCS}/v3/how-to-guides/configuration/manage-settings"
_AWS = f"{_DOCS}/integrations/prefect-aws"
_AZURE = f"{_DOCS}/integrations/prefect-azure"
_GCP = f"{_DOCS}/integrations/prefect-gcp"
_DOCKER = f"{_DOCS}/integrations/prefect-docker"
_GITHUB = f"{_DOCS}/integrations/prefect-github"
_KUBERNETES = f"{_DOCS}/integrations/prefect-kubernetes"
_SQLALCHEMY = f"{_DOCS}/integrations/prefect-sqlalchemy"


@dataclass(frozen=True)
class MovedName:
    """A name of Prefect 2 and what became of it on Prefect 3."""

    old: str
    """The dotted name on 2.x. A row also covers every name below it that has no row of its own."""
    new: Optional[str] = None
    """The name to import instead: the same thing or a drop-in for it, on every 3.x. None where there is no such name."""
    fails_from: Optional[str] = "3.0"
    """The first 3.x minor whose last release can not import `old`; None where every 3.x so far can."""
    new_since_2: Optional[str] = None
    """The first 2.x release on which `new` imports and does the same as `old`; None where no 2.x does."""
    applicability: Literal["safe", "unsafe"] = "safe"
    """Whether replacing `old` by `new` keeps the behaviour; says nothing where `new` is None."""
    requires: Optional[str] = None
    """The distribution to install for `new`, or for what `advice` names."""
    advice: str = ""
    """What to do where there is no `new`, or where the rename is not enough."""
    url: str = _GUIDE
    """Prefect's own page."""
    gone_in_2: Optional[str] = None
    """The first 2.x release that could no longer import `old`; None where the newest 2.x still can."""


@dataclass(frozen=True)
class Phantom:
    """A name that no Prefect defines, but that people write."""

    meant: Optional[str]
    """The real dotted name (on 3.x; a method as `prefect.tasks.Task.submit`) where the meaning is clear."""
    advice: str
    """What to write instead."""
    url: str
    """Prefect's own page on what was meant."""
    leaks_since: Optional[str] = None
    """The release since which the name can be imported all the same, because Prefect's module imports it from elsewhere."""


@dataclass(frozen=True)
class NewName:
    """A name that only Prefect 3 has; code that uses it can not run on 2.x."""

    since: str
    """The first 3.x release that has it."""
    compat: Optional[str] = None
    """The name in `compat` that is called alike and does the same on both majors."""
    advice: str = ""
    """What works on both majors where `compat` has nothing."""


_USE_WORKERS = "Infrastructure blocks are gone: put the deployment on a work pool of that kind and give image, env and the rest as job variables."
_USE_WORK_POOL = {
    name: f"Its place has a work pool, `prefect work-pool create NAME --type {pool}`, and the worker of {package}: what the "
    "block's fields said, job variables say."
    for name, pool, package in (
        ("DockerContainer", "docker", "prefect-docker"),
        ("KubernetesJob", "kubernetes", "prefect-kubernetes"),
        ("Process", "process", "Prefect itself"),
    )
}
_AGENTS = "Agents are gone: start a worker instead (`prefect worker start --pool NAME`)."
_PACKAGERS = "Packaging was removed: build an image with `flow.deploy(image=...)`, or load the code with `flow.from_source(...)`."
_ENGINE = "The 2.x engine was internal and is gone: call the flow or task, or use its `submit`; nothing replaces this function."
_NOTIFY = "Flow run notification policies were removed: use an automation that sends a notification."
_SERVER_INTERNAL = "Server internals have no stable API and no replacement in the client: talk to the API through `prefect.get_client()`."
_ORION = (
    "`prefect.orion` became `prefect.server`: take client code from `prefect.client.schemas` or `prefect.states`, and only "
    "code that extends the server from the module of the same name below `prefect.server`."
)
_SERVER_SCHEDULE = (
    "Deployments on 3.x accept only the schedule classes of the client: the server's are refused with a validation error. "
    "Models of the server want the server's."
)
_SERVER_STATE = (
    "A state of the server that a flow returns is plain data on 3.x and does not become the flow's final state: "
    "use the one of `prefect.states`."
)
_RESULT_CLASSES = "Result objects were replaced by `ResultStore` and `ResultRecord`: call `state.result()`, or configure storage through `@task` and `@flow`."
_LOAD_SCRIPT = "Use `load_flow_from_entrypoint('path/to/file.py:flow_name')`."
_JSON_BLOCKS = (
    "Keep the value in a Prefect variable: `Variable.set(name, value)` takes any JSON value and `Variable.get(name)` returns it "
    "(no `.value`); secrets belong in a `Secret` block."
)
_NO_PAUSE_ARGUMENTS = (
    "`flow_run_id=` and `reschedule=` are gone: use `suspend_flow_run` for another run or to free the infrastructure."
)
_LOAD_FROM_RUN = "3.x takes `(client, flow_run)` where 2.x took `(flow_run, client)`: pass both by keyword."
_SCHEDULE_DICT = "2.x refuses `DeploymentScheduleCreate` in its place; a dictionary with `schedule` and `active` works on both majors."
_ECS = "Use an ECS work pool and its worker; the fields of the block become job variables."
_CLOUD_RUN = "Use a Cloud Run work pool and its worker; the fields of the block become job variables."
_VERTEX = "Use a Vertex AI work pool and its worker; the fields of the block become job variables."
_ACI = "Use an Azure Container Instance work pool and its worker; the fields of the block become job variables."
_DATABASE = (
    "Use `SqlAlchemyConnector(connection_info=ConnectionComponents(...))`; saved `DatabaseCredentials` blocks have to be saved "
    "anew as connectors."
)
_STEPS = "Same step under its new name; rename it in `prefect.yaml` too."
_TASK_WORKER = "`task_runner=` is gone; `limit=` bounds how many tasks run at once."
_PROJECTS = "Projects are plain folders with a `prefect.yaml`: flows are found by entrypoint, nothing is registered."

_INFRASTRUCTURE = (
    "DockerContainer",
    "DockerContainerResult",
    "Infrastructure",
    "InfrastructureResult",
    "KubernetesImagePullPolicy",
    "KubernetesJob",
    "KubernetesJobResult",
    "KubernetesManifest",
    "KubernetesRestartPolicy",
    "Process",
    "ProcessResult",
)
_DOCKER_HELPERS = (
    "BuildError",
    "IMAGE_LABELS",
    "ImageBuilder",
    "PushError",
    "build_image",
    "docker_client",
    "format_outlier_version_name",
    "get_prefect_image_name",
    "parse_image_tag",
    "push_image",
    "python_version_micro",
    "python_version_minor",
    "silence_docker_warnings",
    "to_run_command",
)
_ENGINE_HELPERS = (
    "capture_sigterm",
    "check_api_reachable",
    "collect_task_run_inputs",
    "resolve_inputs",
    "should_log_prints",
)
_ENGINE_INTERNALS = (
    "begin_flow_run",
    "begin_task_map",
    "begin_task_run",
    "create_and_begin_subflow_run",
    "create_task_run",
    "create_task_run_future",
    "create_task_run_then_submit",
    "create_then_begin_flow_run",
    "enter_flow_run_engine_from_flow_call",
    "enter_flow_run_engine_from_subprocess",
    "enter_task_run_engine",
    "get_task_call_return_value",
    "orchestrate_flow_run",
    "orchestrate_task_run",
    "report_flow_run_crashes",
    "report_task_run_crashes",
    "retrieve_flow_then_begin_flow_run",
    "submit_task_run",
)
_RESULT_INTERNALS = (
    "flow_features_require_child_result_persistence",
    "flow_features_require_result_persistence",
    "task_features_require_result_persistence",
)
_STATE_FACTORIES = (
    "AwaitingRetry",
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "Scheduled",
)
_STATES_SINCE = {"Cancelling": "2.7.10", "Completed": "2.0.0", "Crashed": "2.0.0", "Paused": "2.6.10"}
_ORION_WITHOUT_SUCCESSOR = (
    ("actions", ("FlowRunNotificationPolicyCreate", "FlowRunNotificationPolicyUpdate"), _NOTIFY, _NOTIFICATIONS),
    (
        "actions",
        (
            "validate_artifact_key",
            "validate_block_document_name",
            "validate_block_type_slug",
            "validate_variable_name",
        ),
        _SERVER_INTERNAL,
        f"{_API}client-orchestration-__init__",
    ),
    ("core", ("FLOW_RUN_NOTIFICATION_TEMPLATE_KWARGS", "FlowRunNotificationPolicy"), _NOTIFY, _NOTIFICATIONS),
    (
        "core",
        (
            "FlowRunnerSettings",
            "MAX_VARIABLE_VALUE_LENGTH",
            "TaskRunInput",
        ),
        _SERVER_INTERNAL,
        f"{_API}client-orchestration-__init__",
    ),
    (
        "filters",
        ("FlowRunNotificationPolicyFilter", "FlowRunNotificationPolicyFilterIsActive"),
        _NOTIFY,
        _NOTIFICATIONS,
    ),
    (
        "filters",
        (
            "DeploymentFilterIsScheduleActive",
            "PrefectFilterBaseModel",
            "PrefectOperatorFilterBaseModel",
            "VariableFilterValue",
        ),
        _SERVER_INTERNAL,
        f"{_API}client-orchestration-__init__",
    ),
    ("states", ("StateBaseModel",), _SERVER_INTERNAL, f"{_API}client-orchestration-__init__"),
)

_ORION_SETTINGS: Mapping[str, tuple[str, ...]] = {
    "PREFECT_LOGGING_TO_API_": ("BATCH_INTERVAL", "BATCH_SIZE", "ENABLED", "MAX_LOG_SIZE", "WHEN_MISSING_FLOW"),
    "PREFECT_SERVER_": ("ANALYTICS_ENABLED", "API_HOST", "API_KEEPALIVE_TIMEOUT", "API_PORT"),
    "PREFECT_UI_": ("API_URL", "ENABLED"),
    "PREFECT_API_": (
        "BLOCKS_REGISTER_ON_START",
        "DATABASE_CONNECTION_TIMEOUT",
        "DATABASE_CONNECTION_URL",
        "DATABASE_ECHO",
        "DATABASE_MIGRATE_ON_START",
        "DATABASE_PASSWORD",
        "DATABASE_TIMEOUT",
        "DEFAULT_LIMIT",
        "SERVICES_CANCELLATION_CLEANUP_ENABLED",
        "SERVICES_CANCELLATION_CLEANUP_LOOP_SECONDS",
        "SERVICES_LATE_RUNS_AFTER_SECONDS",
        "SERVICES_LATE_RUNS_ENABLED",
        "SERVICES_LATE_RUNS_LOOP_SECONDS",
        "SERVICES_PAUSE_EXPIRATIONS_ENABLED",
        "SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS",
        "SERVICES_SCHEDULER_DEPLOYMENT_BATCH_SIZE",
        "SERVICES_SCHEDULER_ENABLED",
        "SERVICES_SCHEDULER_INSERT_BATCH_SIZE",
        "SERVICES_SCHEDULER_LOOP_SECONDS",
        "SERVICES_SCHEDULER_MAX_RUNS",
        "SERVICES_SCHEDULER_MAX_SCHEDULED_TIME",
        "SERVICES_SCHEDULER_MIN_RUNS",
        "SERVICES_SCHEDULER_MIN_SCHEDULED_TIME",
        "TASK_CACHE_KEY_MAX_LENGTH",
    ),
}
"""What 3.x has of the settings that were spelled with ORION up to 2.12: the start of the new name, and what follows it."""
_ORION_SPELLING = {
    "PREFECT_LOGGING_TO_API_": "PREFECT_LOGGING_ORION_",
    "PREFECT_SERVER_": "PREFECT_ORION_",
    "PREFECT_UI_": "PREFECT_ORION_UI_",
}


def _old_spelling(start: str, rest: str) -> str:
    return f"{_ORION_SPELLING.get(start, 'PREFECT_ORION_')}{'API_' if rest == 'DEFAULT_LIMIT' else ''}{rest}"


MOVED_NAMES: tuple[MovedName, ...] = (
    # prefect._vendor
    MovedName(
        "prefect._vendor.fastapi",
        advice="Prefect 2 carried a copy of FastAPI; import the `fastapi` package itself.",
    ),
    MovedName(
        "prefect._vendor.starlette",
        advice="Prefect 2 carried a copy of Starlette; import the `starlette` package itself.",
    ),
    # prefect
    MovedName(
        "prefect.BaseResult",
        advice=_RESULT_CLASSES,
        url=_RESULTS,
    ),
    MovedName(
        "prefect.CloudClient", "prefect.client.cloud.CloudClient", new_since_2="2.4.1", url=f"{_API}client-cloud"
    ),
    MovedName(
        "prefect.get_cloud_client",
        "prefect.client.cloud.get_cloud_client",
        new_since_2="2.4.1",
        url=f"{_API}client-cloud",
    ),
    MovedName(
        "prefect.PrefectClient",
        "prefect.client.orchestration.PrefectClient",
        new_since_2="2.8.1",
        url=f"{_API}client-orchestration-__init__",
    ),
    MovedName("prefect.Manifest", advice=_PACKAGERS, url=_CODE_STORAGE),
    MovedName(
        "prefect.OrionClient",
        "prefect.client.orchestration.PrefectClient",
        new_since_2="2.8.1",
        url=f"{_API}client-orchestration-__init__",
        gone_in_2="2.8.1",
    ),
    MovedName("prefect.Runner", "prefect.runner.Runner", new_since_2="2.12.0", gone_in_2="2.19.0"),
    # prefect.agent
    MovedName("prefect.agent.PrefectAgent", advice=_AGENTS, url=_WORKERS),
    MovedName("prefect.agent.OrionAgent", advice=_AGENTS, url=_WORKERS, gone_in_2="2.13.0"),
    *(
        MovedName(
            f"prefect.{module}.DEFAULT_AGENT_WORK_POOL_NAME",
            "prefect.client.schemas.objects.DEFAULT_AGENT_WORK_POOL_NAME",
            new_since_2="2.10.12",
            url=_WORKERS,
            gone_in_2=gone,
        )
        for module, gone in (("agent", None), ("deployments.deployments", "2.16.4"))
    ),
    # prefect.blocks
    *(
        MovedName(f"prefect.blocks.system.{name}", fails_from="3.5", advice=_JSON_BLOCKS, url=_VARIABLES)
        for name in ("JSON", "String", "DateTime")
    ),
    MovedName(
        "prefect.blocks.kubernetes",
        requires="prefect-kubernetes",
        advice="The block moved to prefect-kubernetes: import it from `prefect_kubernetes.credentials`.",
        url=_KUBERNETES,
    ),
    *(
        MovedName(
            f"{module}.KubernetesClusterConfig",
            "prefect_kubernetes.credentials.KubernetesClusterConfig",
            new_since_2="2.20.26",
            applicability="unsafe",
            requires="prefect-kubernetes",
            advice="Same fields and block type; install prefect-kubernetes wherever the code runs.",
            url=_KUBERNETES,
        )
        for module in ("prefect.blocks.kubernetes", "prefect.infrastructure")
    ),
    MovedName(
        "prefect.blocks.notifications.PrefectNotifyType",
        advice="Give the notification type as a string, for example `notify_type='info'`.",
        url=_BLOCKS,
        gone_in_2="2.10.10",
    ),
    # prefect.client
    MovedName(
        "prefect.client.get_client",
        "prefect.client.orchestration.get_client",
        fails_from=None,
        new_since_2="2.8.1",
        url=f"{_API}client-orchestration-__init__",
    ),
    MovedName(
        "prefect.client.PrefectClient",
        "prefect.client.orchestration.PrefectClient",
        new_since_2="2.8.1",
        url=f"{_API}client-orchestration-__init__",
    ),
    *(
        MovedName(
            old,
            "prefect.client.orchestration.PrefectClient",
            new_since_2="2.8.1",
            url=f"{_API}client-orchestration-__init__",
            gone_in_2=gone,
        )
        for old, gone in (
            ("prefect.client.OrionClient", "2.6.0"),
            ("prefect.client.orion.OrionClient", "2.8.1"),
            ("prefect.client.orchestration.OrionClient", "2.13.0"),
        )
    ),
    # prefect.client was one module up to 2.4.0
    MovedName(
        "prefect.client.inject_client",
        "prefect.client.utilities.inject_client",
        new_since_2="2.6.0",
        url=f"{_API}client-utilities",
        gone_in_2="2.4.1",
    ),
    *(
        MovedName(
            f"prefect.client.{name}",
            f"prefect.client.base.{name}",
            new_since_2="2.4.1",
            url=f"{_API}client-base",
            gone_in_2="2.4.1",
        )
        for name in ("PrefectResponse", "app_lifespan_context")
    ),
    MovedName(
        "prefect.client.ORION_API_VERSION",
        "prefect.client.constants.SERVER_API_VERSION",
        new_since_2="2.14.0",
        gone_in_2="2.4.1",
    ),
    MovedName(
        "prefect.client.orion",
        "prefect.client.orchestration",
        new_since_2="2.8.1",
        url=f"{_API}client-orchestration-__init__",
        gone_in_2="2.8.1",
    ),
    MovedName(
        "prefect.client.schemas.objects.MinimalDeploymentSchedule",
        "prefect.client.schemas.actions.DeploymentScheduleCreate",
        advice=_SCHEDULE_DICT,
        url=_SCHEDULES,
    ),
    *(
        MovedName(f"prefect.client.schemas.{name}", fails_from="3.4", advice=_NOTIFY, url=_NOTIFICATIONS)
        for name in (
            "actions.FlowRunNotificationPolicyCreate",
            "actions.FlowRunNotificationPolicyUpdate",
            "filters.FlowRunNotificationPolicyFilter",
            "filters.FlowRunNotificationPolicyFilterIsActive",
            "objects.FlowRunNotificationPolicy",
        )
    ),
    MovedName(
        "prefect.client.schemas.filters.DeploymentFilterIsScheduleActive",
        advice="Deployments have no `is_schedule_active` on 3.x: read them and look at `paused` and the schedules' `active`.",
        url=f"{_API}client-schemas-filters",
    ),
    MovedName(
        "prefect.client.schemas.filters.VariableFilterValue",
        advice="Variables can hold any JSON value on 3.x and can not be filtered by it: filter by name or tags.",
        url=_VARIABLES,
    ),
    MovedName(
        "prefect.client.schemas.objects.TaskRunInput",
        fails_from="3.4",
        advice="The base class is gone; `TaskRunResult`, `Parameter` and `Constant` of the same module are what inputs are made of.",
        url=f"{_API}client-schemas-objects",
    ),
    *(
        MovedName(
            f"prefect.{module}.MAX_VARIABLE_VALUE_LENGTH",
            "prefect.types.MAX_VARIABLE_VALUE_LENGTH",
            advice="3.x measures the value as JSON, 2.x the text itself.",
            url=_VARIABLES,
        )
        for module in ("client.schemas.objects", "server.schemas.core")
    ),
    # prefect.context
    *(
        MovedName(
            f"prefect.context.{name}",
            advice="The registry of flows in a script is gone: load a flow with `load_flow_from_entrypoint('file.py:flow_name')`.",
            url=f"{_API}flows",
        )
        for name in ("PrefectObjectRegistry", "initialize_object_registry", "registry_from_script")
    ),
    # prefect.deployments
    *(
        MovedName(
            old,
            advice="Use `flow.deploy(...)` or `flow.from_source(...).deploy(...)` for a work pool, `flow.serve(...)` for this process, "
            "or `prefect deploy` with a `prefect.yaml`.",
            url=_DEPLOY,
        )
        for old in ("prefect.deployments.Deployment", "prefect.deployments.deployments.Deployment")
    ),
    *(
        MovedName(
            old,
            advice="Deployment files of `prefect deployment build` are not read by 3.x: write a `prefect.yaml` and use `prefect deploy`.",
            url=_PREFECT_YAML,
        )
        for old in (
            "prefect.deployments.load_deployments_from_yaml",
            "prefect.deployments.deployments.load_deployments_from_yaml",
        )
    ),
    MovedName(
        "prefect.deployments.deployments.run_deployment",
        "prefect.deployments.run_deployment",
        new_since_2="2.5.0",
        advice="`infra_overrides=` is now `job_variables=`.",
        url=f"{_API}deployments-flow_runs",
    ),
    *(
        MovedName(
            old,
            "prefect.flows.load_flow_from_flow_run",
            fails_from=None,
            applicability="unsafe",
            advice=_LOAD_FROM_RUN,
            url=f"{_API}flows",
        )
        for old in (
            "prefect.deployments.load_flow_from_flow_run",
            "prefect.deployments.deployments.load_flow_from_flow_run",
        )
    ),
    *(
        MovedName(old, "prefect.docker.DockerImage", url=f"{_API}docker-docker_image")
        for old in ("prefect.deployments.DeploymentImage", "prefect.deployments.runner.DeploymentImage")
    ),
    MovedName(
        "prefect.deployments.EntrypointType",
        "prefect.deployments.runner.EntrypointType",
        new_since_2="2.16.2",
        url=f"{_API}deployments-runner",
    ),
    MovedName(
        "prefect.deployments.RunnerDeployment",
        "prefect.deployments.runner.RunnerDeployment",
        new_since_2="2.12.0",
        url=f"{_API}deployments-runner",
    ),
    *(
        MovedName(
            f"{module}.{name}",
            advice=_PROJECTS,
            url=_PREFECT_YAML,
            gone_in_2="2.18.0",
        )
        for module in ("prefect.deployments", "prefect.deployments.base")
        for name in ("find_prefect_directory", "register_flow")
    ),
    MovedName(
        "prefect.deployments.base.set_prefect_hidden_dir",
        advice=_PROJECTS,
        url=_PREFECT_YAML,
        gone_in_2="2.18.0",
    ),
    MovedName(
        "prefect.deployments.schedules.create_minimal_deployment_schedule",
        "prefect.deployments.schedules.create_deployment_schedule_create",
        advice=_SCHEDULE_DICT,
        url=f"{_API}deployments-schedules",
    ),
    MovedName(
        "prefect.deployments.schedules.normalize_to_minimal_deployment_schedules",
        advice="Give a list of schedules, or of dictionaries with `schedule` and `active`, as `schedules=`.",
        url=_SCHEDULES,
    ),
    *(
        MovedName(
            f"{module}.git_clone_project",
            f"{module}.git_clone",
            new_since_2="2.10.14",
            url=f"{_API}deployments-steps-pull",
        )
        for module in ("prefect.deployments.steps", "prefect.deployments.steps.pull")
    ),
    # prefect.deprecated, prefect.packaging, prefect.manifests, prefect.software
    *(
        MovedName(old, advice=_PACKAGERS, url=_CODE_STORAGE)
        for old in ("prefect.deprecated.packaging", "prefect.manifests", "prefect.packaging")
    ),
    MovedName(
        "prefect.deprecated",
        advice="Data documents were what 2.0 kept results in: call `state.result()`.",
        url=_RESULTS,
    ),
    MovedName(
        "prefect.serializers.PackageManifestSerializer",
        advice=_PACKAGERS,
        url=_CODE_STORAGE,
        gone_in_2="2.6.0",
    ),
    MovedName(
        "prefect.software",
        advice="Nothing replaces it: list requirements in the image, or with the step `pip_install_requirements`.",
        url=f"{_API}deployments-steps-utility",
    ),
    # prefect.docker: a module up to 2.10.10, an alias up to 2.16, another module on 3.x
    *(
        MovedName(
            f"prefect.docker.{name}",
            f"prefect.utilities.dockerutils.{name}",
            new_since_2="2.10.11",
            url=f"{_API}utilities-dockerutils",
            gone_in_2="2.17.0",
        )
        for name in _DOCKER_HELPERS
    ),
    # prefect.engine
    *(
        MovedName(
            f"prefect.engine.{name}",
            f"prefect.{name}",
            fails_from=None,
            new_since_2=since,
            advice=advice,
            url=f"{_API}flow_runs",
        )
        for name, since, advice in (
            ("pause_flow_run", "2.6.10", _NO_PAUSE_ARGUMENTS),
            ("resume_flow_run", "2.6.10", ""),
            ("suspend_flow_run", "2.14.10", ""),
        )
    ),
    MovedName(
        "prefect.engine._out_of_process_pause",
        advice="Use `prefect.pause_flow_run`, or `prefect.suspend_flow_run` for another run.",
        url=f"{_API}flow_runs",
    ),
    MovedName(
        "prefect.engine._in_process_pause",
        fails_from="3.6",
        advice="Use `prefect.pause_flow_run`.",
        url=f"{_API}flow_runs",
    ),
    *(
        MovedName(
            f"prefect.engine.{name}",
            f"prefect.utilities.engine.{name}",
            new_since_2="2.17.0",
            applicability="unsafe",
            advice="Internal to Prefect on both majors; its types and behaviour changed.",
            url=f"{_API}utilities-engine",
        )
        for name in _ENGINE_HELPERS
    ),
    MovedName(
        "prefect.engine.propose_state",
        "prefect.utilities.engine.propose_state",
        new_since_2="2.17.0",
        applicability="unsafe",
        advice="For flow runs only on 3.x: `task_run_id=` is gone.",
        url=f"{_API}utilities-engine",
    ),
    *(MovedName(f"prefect.engine.{name}", advice=_ENGINE) for name in _ENGINE_INTERNALS),
    *(MovedName(f"prefect.{name}", advice=_ENGINE) for name in ("new_flow_engine", "new_task_engine")),
    MovedName("prefect.task_engine.submit_autonomous_task_run_to_engine", advice=_ENGINE),
    # prefect.events
    *(
        MovedName(
            f"{module}.DeploymentTrigger",
            "prefect.events.DeploymentEventTrigger",
            new_since_2="2.16.7",
            applicability="unsafe",
            advice="`metric=` is not among its arguments: use `DeploymentMetricTrigger` for it.",
            url=_TRIGGERS,
        )
        for module in ("prefect.events.schemas", "prefect.events.schemas.deployment_triggers")
    ),
    *(
        MovedName(
            f"prefect.events.schemas.{name}",
            f"prefect.events.{name}",
            new_since_2=since,
            url=f"{_API}events-schemas-{page}",
            gone_in_2="2.16.7",
        )
        for name, since, page in (
            ("Event", "2.7.11", "events"),
            ("RelatedResource", "2.7.11", "events"),
            ("Resource", "2.7.11", "events"),
            ("ResourceSpecification", "2.16.7", "events"),
            ("Posture", "2.16.7", "automations"),
        )
    ),
    *(
        MovedName(
            f"prefect.events.schemas.{name}",
            advice="Automations were written anew in 2.16.7: use `EventTrigger` and `Automation` of `prefect.events`, whose fields differ.",
            url=f"{_DOCS}/v3/concepts/automations",
            gone_in_2="2.16.7",
        )
        for name in ("Automation", "ExistingAutomation", "ResourceTrigger", "Trigger")
    ),
    MovedName(
        "prefect.events.schemas.Labelled",
        "prefect.events.schemas.labelling.Labelled",
        new_since_2="2.16.7",
        applicability="unsafe",
        advice="It is made as `Labelled({...})`, where 2.x wants `__root__={...}`.",
        url=f"{_API}events-schemas-labelling",
        gone_in_2="2.16.7",
    ),
    MovedName("prefect.events.instrument", advice="Emit events yourself with `prefect.events.emit_event`."),
    # prefect.exceptions
    MovedName(
        "prefect.exceptions.FlowScriptError",
        fails_from="3.1",
        advice="Catch `prefect.exceptions.ScriptError`, which loading a script raises on both majors.",
        url=f"{_API}flows",
    ),
    # prefect.experimental: workers before 2.10
    MovedName(
        "prefect.experimental.workers.ProcessWorker",
        "prefect.workers.process.ProcessWorker",
        new_since_2="2.10.0",
        applicability="unsafe",
        url=f"{_API}workers-process",
        gone_in_2="2.10.0",
    ),
    *(
        MovedName(
            f"prefect.experimental.workers.{name}",
            f"prefect.workers.{name}",
            new_since_2="2.10.0",
            applicability="unsafe",
            url=f"{_API}workers-{name}",
            gone_in_2="2.10.0",
        )
        for name in ("base", "process")
    ),
    # prefect.filesystems
    MovedName(
        "prefect.filesystems.S3",
        requires="prefect-aws",
        advice="Use `prefect_aws.S3Bucket` and save it anew: saved S3 blocks cannot be loaded as it (`migrator rule PF310`).",
        url=_AWS,
    ),
    MovedName(
        "prefect.filesystems.GCS",
        requires="prefect-gcp",
        advice="Use `prefect_gcp.GcsBucket` and save it anew: saved GCS blocks cannot be loaded as it (`migrator rule PF310`).",
        url=_GCP,
    ),
    MovedName(
        "prefect.filesystems.Azure",
        requires="prefect-azure",
        advice="Use `prefect_azure.AzureBlobStorageContainer` and save it anew: saved Azure blocks cannot be loaded as it "
        "(`migrator rule PF310`).",
        url=_AZURE,
    ),
    MovedName(
        "prefect.filesystems.GitHub",
        requires="prefect-github",
        advice="For flow code use `flow.from_source(source=...)` with `prefect.runner.storage.GitRepository`; as a block "
        "`prefect_github.GitHubRepository`, saved anew (`migrator rule PF310`).",
        url=_CODE_STORAGE,
    ),
    # prefect.flows
    *(
        MovedName(f"prefect.flows.{name}", advice=_LOAD_SCRIPT, url=f"{_API}flows")
        for name in ("load_flow_from_script", "load_flow_from_text", "load_flows_from_script")
    ),
    # prefect.futures
    MovedName(
        "prefect.futures.resolve_futures_to_data",
        advice="Call `.result()` on each future; `prefect.futures.resolve_futures_to_states` exists on both majors, awaited on 2.x only.",
        url=f"{_API}futures",
    ),
    MovedName("prefect.futures.call_repr", advice="Nothing replaces it: format the call yourself."),
    # prefect.infrastructure: the package itself still imports on 3.x
    *(
        MovedName(f"prefect.infrastructure.{name}", advice=_USE_WORK_POOL.get(name, _USE_WORKERS), url=_WORKERS)
        for name in _INFRASTRUCTURE
    ),
    *(
        MovedName(f"prefect.infrastructure.{module}.{name}", advice=_USE_WORK_POOL[name], url=_WORKERS, gone_in_2=gone)
        for module, name, gone in (
            ("container", "DockerContainer", None),
            ("docker", "DockerContainer", "2.17.0"),
            ("kubernetes", "KubernetesJob", None),
            ("process", "Process", None),
        )
    ),
    *(
        MovedName(
            f"prefect.infrastructure.base.{name}",
            advice="Derive from `prefect.workers.base.BaseWorker` to run flows on infrastructure of your own.",
            url=f"{_DOCS}/v3/advanced/developing-a-custom-worker",
        )
        for name in ("Infrastructure", "InfrastructureResult")
    ),
    *(
        MovedName(f"prefect.infrastructure.{name}", advice=_USE_WORKERS, url=_WORKERS)
        for name in ("container", "kubernetes", "process", "submission")
    ),
    MovedName("prefect.infrastructure.docker", advice=_USE_WORKERS, url=_WORKERS, gone_in_2="2.17.0"),
    *(
        MovedName(
            f"prefect.infrastructure.{module}.DockerRegistry",
            "prefect_docker.credentials.DockerRegistryCredentials",
            new_since_2="2.20.26",
            applicability="unsafe",
            requires="prefect-docker",
            advice="Same fields, another block type: saved blocks have to be saved anew.",
            url=_DOCKER,
            gone_in_2=gone,
        )
        for module, gone in (("container", None), ("docker", "2.17.0"))
    ),
    # prefect.logging
    *(
        MovedName(
            f"prefect.logging.handlers.Orion{name}",
            f"prefect.logging.handlers.API{new}",
            new_since_2="2.8.1",
            url=f"{_DOCS}/v3/advanced/logging-customization",
            gone_in_2="2.13.0",
        )
        for name, new in (("Handler", "LogHandler"), ("LogWorker", "LogWorker"))
    ),
    # prefect.orion: the server up to 2.8.0, an alias of prefect.server up to 2.12
    MovedName("prefect.orion", advice=_ORION, gone_in_2="2.13.0"),
    *(
        MovedName(
            f"prefect.{module}.api.server.ORION_API_VERSION",
            "prefect.client.constants.SERVER_API_VERSION",
            new_since_2="2.14.0",
            gone_in_2="2.13.0",
        )
        for module in ("orion", "server")
    ),
    MovedName(
        "prefect.orion.api.server.create_app",
        "prefect.server.api.server.create_app",
        new_since_2="2.8.1",
        gone_in_2="2.13.0",
    ),
    *(
        MovedName(
            f"prefect.orion.schemas.{name}",
            f"prefect.client.schemas.{name}",
            new_since_2="2.10.12",
            url=f"{_API}client-schemas-{name}",
            gone_in_2="2.13.0",
        )
        for name in ("filters", "schedules", "sorting")
    ),
    *(
        MovedName(
            f"prefect.orion.schemas.{old}",
            f"prefect.client.schemas.{new}",
            new_since_2="2.10.12",
            applicability="unsafe",
            advice="These are the client's classes; code that extends the server needs those of `prefect.server.schemas`.",
            url=f"{_API}client-schemas-{new}",
            gone_in_2="2.13.0",
        )
        for old, new in (("actions", "actions"), ("core", "objects"), ("responses", "responses"))
    ),
    MovedName(
        "prefect.orion.schemas.responses.WorkQueueResponse",
        advice=_SERVER_INTERNAL,
        url=f"{_API}client-orchestration-__init__",
        gone_in_2="2.13.0",
    ),
    *(
        MovedName(
            f"prefect.orion.schemas.states.{name}",
            f"prefect.states.{name}",
            new_since_2=_STATES_SINCE.get(name, "2.6.0"),
            url=_STATES,
            gone_in_2="2.13.0",
        )
        for name in _STATE_FACTORIES
    ),
    *(
        MovedName(
            f"prefect.orion.schemas.states.{name}",
            f"prefect.client.schemas.objects.{name}",
            new_since_2="2.10.12",
            url=f"{_API}client-schemas-objects",
            gone_in_2="2.13.0",
        )
        for name in ("State", "StateDetails", "StateType")
    ),
    MovedName(
        "prefect.orion.schemas.states.TERMINAL_STATES",
        "prefect.server.schemas.states.TERMINAL_STATES",
        new_since_2="2.8.1",
        advice="On 3.x alone `prefect.client.schemas.objects.TERMINAL_STATES` needs no server package.",
        url=f"{_API}client-schemas-objects",
        gone_in_2="2.13.0",
    ),
    *(
        MovedName(f"prefect.orion.schemas.{module}.{name}", advice=advice, url=url, gone_in_2="2.13.0")
        for module, names, advice, url in _ORION_WITHOUT_SUCCESSOR
        for name in names
    ),
    *(
        MovedName(
            f"prefect.orion.schemas.{name}",
            advice=_SERVER_INTERNAL,
            url=f"{_API}client-orchestration-__init__",
            gone_in_2="2.10.12",
        )
        for name in (
            "actions.LOWERCASE_LETTERS_AND_DASHES_ONLY_REGEX",
            "core.INVALID_CHARACTERS",
            "core.raise_on_invalid_name",
        )
    ),
    # prefect.plugins
    MovedName("prefect.plugins.load_extra_entrypoints", advice="Import what the entry points loaded where it is used."),
    # prefect.projects: 2.10 only, an alias of prefect.deployments up to 2.16
    MovedName("prefect.projects", advice=_PROJECTS, url=_PREFECT_YAML, gone_in_2="2.17.0"),
    *(
        MovedName(
            f"prefect.projects.{name}",
            f"prefect.deployments.{name}",
            new_since_2="2.10.14",
            url=f"{_API}deployments-{page}",
            gone_in_2="2.17.0",
        )
        for name, page in (("base", "base"), ("initialize_project", "base"), ("steps", "steps-core"))
    ),
    MovedName(
        "prefect.projects.steps.git_clone_project",
        "prefect.deployments.steps.git_clone",
        new_since_2="2.10.14",
        url=f"{_API}deployments-steps-pull",
        gone_in_2="2.17.0",
    ),
    *(
        MovedName(f"prefect.projects.base.{name}", advice=_PROJECTS, url=_PREFECT_YAML, gone_in_2="2.17.0")
        for name in ("find_prefect_directory", "register_flow", "set_prefect_hidden_dir")
    ),
    # prefect.results
    *(
        MovedName(f"prefect.results.{name}", fails_from="3.1", advice=_RESULT_CLASSES, url=_RESULTS)
        for name in ("BaseResult", "PersistedResult")
    ),
    *(
        MovedName(f"prefect.results.{name}", advice=_RESULT_CLASSES, url=_RESULTS)
        for name in ("LiteralResult", "PersistedResultBlob", "UnknownResult", "UnpersistedResult")
    ),
    MovedName(
        "prefect.results.ResultFactory",
        advice="`ResultStore` of the same module took its place, with other methods; in a run `get_result_store()` returns it.",
        url=_RESULTS,
    ),
    *(MovedName(f"prefect.results.{name}", advice=_RESULT_CLASSES, url=_RESULTS) for name in _RESULT_INTERNALS),
    # prefect.runner
    *(
        MovedName(old, "prefect.serve", new_since_2="2.12.0", url=f"{_API}flows", gone_in_2="2.19.0")
        for old in ("prefect.runner.serve", "prefect.runner.runner.serve")
    ),
    MovedName(
        "prefect.runner.storage.create_storage_from_url",
        "prefect.runner.storage.create_storage_from_source",
        new_since_2="2.19.6",
        url=_CODE_STORAGE,
        gone_in_2="2.19.6",
    ),
    *(
        MovedName(
            f"prefect.runner.{name}",
            fails_from="3.5",
            advice="The runner's own server takes no runs any more: start them with `run_deployment`, or run tasks in the "
            "background with `task.delay`.",
            url=_BACKGROUND,
        )
        for name in ("submit", "submit_to_runner", "wait_for_submitted_runs")
    ),
    # prefect.server
    *(
        MovedName(
            f"prefect.server.schemas.schedules.{name}",
            f"prefect.client.schemas.schedules.{name}",
            fails_from=None,
            new_since_2="2.10.12",
            applicability="unsafe",
            advice=_SERVER_SCHEDULE,
            url=_SCHEDULES,
        )
        for name in ("CronSchedule", "IntervalSchedule", "RRuleSchedule")
    ),
    *(
        MovedName(
            f"prefect.server.schemas.states.{name}",
            f"prefect.states.{name}",
            fails_from=None,
            new_since_2=_STATES_SINCE.get(name, "2.6.0"),
            applicability="unsafe",
            advice=_SERVER_STATE,
            url=_STATES,
        )
        for name in _STATE_FACTORIES
    ),
    MovedName(
        "prefect.server.schemas.schedules.MAX_RRULE_LENGTH",
        "prefect.client.schemas.schedules.MAX_RRULE_LENGTH",
        new_since_2="2.10.12",
        url=_SCHEDULES,
        gone_in_2="2.16.7",
    ),
    MovedName(
        "prefect.server.schemas.core.FlowRunNotificationPolicy",
        fails_from="3.4",
        advice=_NOTIFY,
        url=_NOTIFICATIONS,
    ),
    MovedName(
        "prefect.server.services.loop_service",
        fails_from="3.2",
        advice="Services of the server are internal and derive from `prefect.server.services.base` since 3.2.",
    ),
    MovedName(
        "prefect.server.utilities.schemas.DateTimeTZ",
        advice="Annotate with `datetime.datetime`; pydantic keeps the time zone.",
    ),
    # prefect.settings
    MovedName(
        "prefect.settings.Setting",
        "prefect.settings.legacy.Setting",
        fails_from="3.6",
        applicability="unsafe",
        advice="Its constructor takes other arguments than on 2.x; settings of Prefect's own are read as before.",
        url=_SETTINGS,
    ),
    *(
        MovedName(
            f"prefect.settings.{name}",
            advice="Use `prefect.settings.get_current_settings()`; on 3.x it reads the environment and the profile by itself.",
            url=_SETTINGS,
        )
        for name in ("SETTING_VARIABLES", "get_default_settings", "get_settings_from_env")
    ),
    MovedName(
        "prefect.settings.OBFUSCATED_PREFIX",
        "prefect.utilities.names.OBFUSCATED_PREFIX",
        new_since_2="2.6.7",
        url=f"{_API}utilities-names",
    ),
    *(
        MovedName(
            f"prefect.settings.{_old_spelling(start, rest)}",
            f"prefect.settings.{start}{rest}",
            new_since_2="2.8.1",
            url=_SETTINGS,
            gone_in_2="2.13.0",
        )
        for start, names in _ORION_SETTINGS.items()
        for rest in names
    ),
    MovedName(
        "prefect.settings.PREFECT_CLOUD_URL",
        "prefect.settings.PREFECT_CLOUD_API_URL",
        new_since_2="2.6.7",
        applicability="unsafe",
        advice="It has the address as its default, where the old one has None since 2.6.7.",
        url=_SETTINGS,
    ),
    # prefect.states
    MovedName(
        "prefect.states.raise_failed_state",
        "prefect.states.raise_state_exception",
        new_since_2="2.6.0",
        applicability="unsafe",
        advice="It raises for crashed and cancelled states too.",
        url=_STATES,
        gone_in_2="2.6.0",
    ),
    MovedName("prefect.states.is_state", advice="Write `isinstance(value, prefect.State)`.", url=_STATES),
    # prefect.task_server
    MovedName(
        "prefect.task_server",
        "prefect.task_worker",
        applicability="unsafe",
        advice=_TASK_WORKER,
        url=_BACKGROUND,
    ),
    *(
        MovedName(
            f"prefect.task_server.{old}",
            f"prefect.task_worker.{new}",
            applicability="unsafe",
            advice=_TASK_WORKER,
            url=_BACKGROUND,
        )
        for old, new in (("StopTaskServer", "StopTaskWorker"), ("TaskServer", "TaskWorker"))
    ),
    # prefect.utilities
    *(
        MovedName(
            f"prefect.utilities.asyncutils.{name}",
            advice="Use `asyncio.run` outside a running loop, or make the caller async.",
            url=f"{_API}utilities-asyncutils",
        )
        for name in ("raise_async_exception_in_thread", "run_sync", "run_sync_in_interruptible_worker_thread")
    ),
    MovedName(
        "prefect.utilities.importtools.objects_from_script",
        fails_from="3.2",
        advice="Use `runpy.run_path`, or `load_flow_from_entrypoint('file.py:flow_name')` for a flow.",
        url=f"{_API}utilities-importtools",
    ),
    MovedName(
        "prefect.utilities.filesystem.set_default_ignore_file",
        "prefect.utilities.filesystem.create_default_ignore_file",
        new_since_2="2.10.0",
        url=f"{_API}utilities-filesystem",
        gone_in_2="2.10.0",
    ),
    # prefect.variables
    MovedName(
        "prefect.variables.get",
        "prefect.variables.Variable.get",
        fails_from=None,
        advice="The value itself, as before. Not for code that also runs on 2.x: there `Variable.get` returns an object "
        "whose `.value` it is.",
        url=_VARIABLES,
    ),
    # prefect.workers
    *(
        MovedName(old, advice=_USE_WORKERS, url=_WORKERS)
        for old in (
            "prefect.workers.BlockWorker",
            "prefect.workers.block.BlockWorker",
            "prefect.workers.block.BlockWorkerJobConfiguration",
            "prefect.workers.block.BlockWorkerResult",
        )
    ),
    # prefect_aws
    MovedName("prefect_aws.ecs", requires="prefect-aws", advice=_ECS, url=_AWS),
    MovedName("prefect_aws.ECSTask", requires="prefect-aws", advice=_ECS, url=_AWS),
    MovedName(
        "prefect_aws.ecs.AwsCredentials",
        "prefect_aws.AwsCredentials",
        new_since_2="2.20.26",
        requires="prefect-aws",
        url=_AWS,
    ),
    MovedName(
        "prefect_aws.ecs.ECSWorker",
        "prefect_aws.workers.ECSWorker",
        new_since_2="2.20.26",
        requires="prefect-aws",
        url=_AWS,
    ),
    *(
        MovedName(
            f"prefect_aws.{module}.steps.{verb}_project_{way}_s3",
            f"prefect_aws.deployments.steps.{verb}_{way}_s3",
            new_since_2="2.20.26",
            requires="prefect-aws",
            advice=_STEPS,
            url=_AWS,
        )
        for module in ("deployments", "projects")
        for verb, way in (("push", "to"), ("pull", "from"))
    ),
    *(
        MovedName(
            f"prefect_aws.deployments.steps.{verb}Project{way}S3Output",
            f"prefect_aws.deployments.steps.{verb}{way}S3Output",
            new_since_2="2.20.26",
            requires="prefect-aws",
            url=_AWS,
        )
        for verb, way in (("Push", "To"), ("Pull", "From"))
    ),
    # prefect_azure
    *(
        MovedName(old, requires="prefect-azure", advice=_ACI, url=_AZURE)
        for old in (
            "prefect_azure.AzureContainerInstanceJob",
            "prefect_azure.container_instance.AzureContainerInstanceJob",
        )
    ),
    MovedName(
        "prefect_azure.container_instance.AzureContainerInstanceCredentials",
        "prefect_azure.AzureContainerInstanceCredentials",
        new_since_2="2.20.26",
        requires="prefect-azure",
        url=_AZURE,
    ),
    # prefect_gcp
    *(
        MovedName(old, requires="prefect-gcp", advice=advice, url=_GCP)
        for old, advice in (
            ("prefect_gcp.CloudRunJob", _CLOUD_RUN),
            ("prefect_gcp.cloud_run", _CLOUD_RUN),
            ("prefect_gcp.VertexAICustomTrainingJob", _VERTEX),
            ("prefect_gcp.aiplatform", _VERTEX),
        )
    ),
    *(
        MovedName(
            f"prefect_gcp.{module}.GcpCredentials",
            "prefect_gcp.GcpCredentials",
            new_since_2="2.20.26",
            requires="prefect-gcp",
            url=_GCP,
        )
        for module in ("aiplatform", "cloud_run")
    ),
    *(
        MovedName(
            f"prefect_gcp.{module}.steps.{verb}_project_{way}_gcs",
            f"prefect_gcp.deployments.steps.{verb}_{way}_gcs",
            new_since_2="2.20.26",
            requires="prefect-gcp",
            advice=_STEPS,
            url=_GCP,
        )
        for module in ("deployments", "projects")
        for verb, way in (("push", "to"), ("pull", "from"))
    ),
    *(
        MovedName(
            f"prefect_gcp.deployments.steps.{verb}Project{way}GcsOutput",
            f"prefect_gcp.deployments.steps.{verb}{way}GcsOutput",
            new_since_2="2.20.26",
            requires="prefect-gcp",
            url=_GCP,
        )
        for verb, way in (("Push", "To"), ("Pull", "From"))
    ),
    # prefect_sqlalchemy
    *(
        MovedName(f"prefect_sqlalchemy.{name}", requires="prefect-sqlalchemy", advice=_DATABASE, url=_SQLALCHEMY)
        for name in ("DatabaseCredentials", "credentials.DatabaseCredentials", "database.DatabaseCredentials")
    ),
    *(
        MovedName(
            f"prefect_sqlalchemy.database.{name}",
            requires="prefect-sqlalchemy",
            advice="Use `execute`, `fetch_one`, `fetch_many` or `fetch_all` of a `SqlAlchemyConnector`.",
            url=_SQLALCHEMY,
        )
        for name in ("sqlalchemy_execute", "sqlalchemy_query")
    ),
)

_THREAD_POOL = "prefect.task_runners.ThreadPoolTaskRunner"
_PROCESS_POOL = "prefect.task_runners.ProcessPoolTaskRunner"

NEVER_EXISTED: Mapping[str, Phantom] = {
    # what is a method of a task
    **{
        f"{module}.{name}": Phantom(
            f"prefect.tasks.Task.{name}",
            f"It is a method of the task: write `my_task.{name}(...)` instead of `{name}(my_task, ...)`.",
            _CONCURRENTLY,
        )
        for module in ("prefect", "prefect.flows", "prefect.futures", "prefect.tasks")
        for name in ("map", "submit")
    },
    # what is in prefect.futures
    **{
        f"{module}.{name}": Phantom(
            f"prefect.futures.{name}", f"`{name}` is in `prefect.futures`, since 3.0.", f"{_API}futures"
        )
        for module in ("prefect", "prefect.flows", "prefect.tasks")
        for name in ("as_completed", "wait")
    },
    **{
        f"{module}.gather": Phantom(
            None,
            "Write `[future.result() for future in futures]`, or `futures.result()` on what `map` returns.",
            _CONCURRENTLY,
        )
        for module in ("prefect", "prefect.futures", "prefect.tasks")
    },
    "prefect.PrefectFuture": Phantom("prefect.futures.PrefectFuture", "It is in `prefect.futures`.", f"{_API}futures"),
    "prefect.resolve_futures_to_results": Phantom(
        "prefect.futures.resolve_futures_to_results", "It is in `prefect.futures`, since 3.3.6.", f"{_API}futures"
    ),
    "prefect.futures.Future": Phantom(
        "prefect.futures.PrefectFuture", "The class is called `PrefectFuture`.", f"{_API}futures"
    ),
    "prefect.futures.resolve_futures": Phantom(
        "prefect.futures.resolve_futures_to_states",
        "There are `resolve_futures_to_states` and, since 3.3.6, `resolve_futures_to_results`.",
        f"{_API}futures",
    ),
    "prefect.futures.wait_all": Phantom(
        "prefect.futures.wait", "`prefect.futures.wait(futures)` waits for all, since 3.0.", f"{_API}futures"
    ),
    # annotations of arguments
    **{
        f"{module}.{name}": Phantom(f"prefect.{name}", f"Import it as `from prefect import {name}`.", _CONCURRENTLY)
        for module in ("prefect.flows", "prefect.futures", "prefect.utilities")
        for name in ("allow_failure", "unmapped")
    },
    # retries and caching
    **{
        f"{module}.exponential_backoff": Phantom(
            "prefect.tasks.exponential_backoff", "It is in `prefect.tasks`.", _RETRIES
        )
        for module in ("prefect", "prefect.retries", "prefect.utilities", "prefect.utilities.retries")
    },
    **{
        f"{module}.task_input_hash": Phantom("prefect.tasks.task_input_hash", "It is in `prefect.tasks`.", _CACHING)
        for module in ("prefect", "prefect.cache_policies", "prefect.utilities")
    },
    **{
        f"prefect.cache_policies.{name}": Phantom(
            "prefect.cache_policies.INPUTS", "The policy is called `INPUTS`.", _CACHING
        )
        for name in ("INPUT", "TASK_INPUTS")
    },
    # task runners
    **{
        f"prefect.task_runners.{name}": Phantom(
            _THREAD_POOL, "The runner on threads is `ThreadPoolTaskRunner`, since 3.0.", _RUNNERS
        )
        for name in (
            "AsyncTaskRunner",
            "LocalTaskRunner",
            "ParallelTaskRunner",
            "ThreadPoolRunner",
            "ThreadTaskRunner",
            "ThreadedTaskRunner",
        )
    },
    "prefect.ThreadPoolTaskRunner": Phantom(_THREAD_POOL, "It is in `prefect.task_runners`, since 3.0.", _RUNNERS),
    **{
        f"prefect.task_runners.{name}": Phantom(
            None, "For one task at a time use `ThreadPoolTaskRunner(max_workers=1)` and wait for the futures.", _RUNNERS
        )
        for name in ("SerialTaskRunner", "SyncTaskRunner")
    },
    **{
        f"prefect.task_runners.{name}": Phantom(
            _PROCESS_POOL, "The runner on processes is `ProcessPoolTaskRunner`, since 3.4.14.", _RUNNERS
        )
        for name in ("MultiprocessTaskRunner", "ProcessTaskRunner")
    },
    "prefect.task_runners.ThreadPoolExecutor": Phantom(
        _THREAD_POOL,
        "This is the executor of `concurrent.futures`, which is no task runner: use `ThreadPoolTaskRunner`.",
        _RUNNERS,
        leaks_since="3.0.0",
    ),
    "prefect.task_runners.ProcessPoolExecutor": Phantom(
        _PROCESS_POOL,
        "This is the executor of `concurrent.futures`, which is no task runner: use `ProcessPoolTaskRunner`.",
        _RUNNERS,
        leaks_since="3.4.14",
    ),
    # right name, wrong module
    **{
        f"prefect.schedules.{name}": Phantom(
            f"prefect.client.schemas.schedules.{name}", "It is in `prefect.client.schemas.schedules`.", _SCHEDULES
        )
        for name in ("CronSchedule", "IntervalSchedule", "RRuleSchedule")
    },
    "prefect.Block": Phantom("prefect.blocks.core.Block", "It is in `prefect.blocks.core`.", _BLOCKS),
    "prefect.blocks.Block": Phantom("prefect.blocks.core.Block", "It is in `prefect.blocks.core`.", _BLOCKS),
    "prefect.Secret": Phantom("prefect.blocks.system.Secret", "It is in `prefect.blocks.system`.", _SECRETS),
    "prefect.blocks.Secret": Phantom("prefect.blocks.system.Secret", "It is in `prefect.blocks.system`.", _SECRETS),
    "prefect.Variable": Phantom("prefect.variables.Variable", "It is in `prefect.variables`.", _VARIABLES),
    "prefect.variables.Variables": Phantom("prefect.variables.Variable", "The class is called `Variable`.", _VARIABLES),
    "prefect.variables.get_variable": Phantom(
        "prefect.variables.Variable.get", "Write `Variable.get(name)`.", _VARIABLES
    ),
    "prefect.variables.set": Phantom(
        "prefect.variables.Variable.set", "Write `Variable.set(name, value)`.", _VARIABLES
    ),
    "prefect.run_deployment": Phantom(
        "prefect.deployments.run_deployment",
        "It is in `prefect.deployments`.",
        f"{_DOCS}/v3/how-to-guides/deployments/run-deployments",
    ),
    "prefect.deployments.DeploymentSpec": Phantom(
        None,
        "It was of the betas of Prefect 2 alone: write `flow.from_source(source=..., entrypoint=...).deploy(name=..., work_pool_name=...)`; `flow_location` is the "
        "file in `entrypoint`, `schedule` goes into `schedules=[...]`, `flow_storage` is the `source`, and `infrastructure` the work pool.",
        _DEPLOY,
    ),
    "prefect.deployments.DockerImage": Phantom(
        "prefect.docker.DockerImage", "It is in `prefect.docker`, since 3.0.", f"{_API}docker-docker_image"
    ),
    **{
        f"{module}.GitRepository": Phantom(
            "prefect.runner.storage.GitRepository", "It is in `prefect.runner.storage`.", _CODE_STORAGE
        )
        for module in ("prefect.deployments", "prefect.runner")
    },
    "prefect.get_run_context": Phantom(
        "prefect.context.get_run_context", "It is in `prefect.context`.", f"{_API}context"
    ),
    "prefect.context.get_flow_run": Phantom(
        "prefect.runtime.flow_run", "Read the running flow from `prefect.runtime.flow_run`.", _RUNTIME
    ),
    "prefect.get_logger": Phantom(
        "prefect.get_run_logger",
        "In a flow or task use `get_run_logger()`.",
        f"{_DOCS}/v3/how-to-guides/workflows/add-logging",
    ),
    "prefect.emit_event": Phantom(
        "prefect.events.emit_event", "It is in `prefect.events`.", f"{_DOCS}/v3/concepts/events"
    ),
    "prefect.create_markdown_artifact": Phantom(
        "prefect.artifacts.create_markdown_artifact",
        "It is in `prefect.artifacts`.",
        f"{_DOCS}/v3/how-to-guides/workflows/artifacts",
    ),
    **{
        f"prefect.concurrency.{name}": Phantom(
            f"prefect.concurrency.sync.{name}",
            "It is in `prefect.concurrency.sync`, and for async code in `prefect.concurrency.asyncio`.",
            _LIMITS,
        )
        for name in ("concurrency", "rate_limit")
    },
    "prefect.transaction": Phantom(
        "prefect.transactions.transaction", "It is in `prefect.transactions`, since 3.0.", _TRANSACTIONS
    ),
    "prefect.materialize": Phantom("prefect.assets.materialize", "It is in `prefect.assets`, since 3.4.5.", _ASSETS),
    **{
        f"prefect.{name}": Phantom(f"prefect.states.{name}", "It is in `prefect.states`.", _STATES)
        for name in ("Cancelled", "Completed", "Failed")
    },
    "prefect.states.Success": Phantom("prefect.states.Completed", "The state is called `Completed`.", _STATES),
    "prefect.states.Skipped": Phantom(
        "prefect.states.Completed", "Return `Completed(name='Skipped', message=...)`.", _STATES
    ),
}
"""Names that people write although no Prefect from 2.0.4 on defines them."""

EXPORTS_3_ONLY: Mapping[str, NewName] = {
    # prefect
    "prefect.Transaction": NewName("3.0.0"),
    "prefect.aserve": NewName("3.1.6", advice="Use `prefect.serve`."),
    **{
        f"{module}.{name}": NewName(since, advice=f"Use `prefect.{name[1:]}`, awaited in async code.")
        for name, since in (
            ("apause_flow_run", "3.6.11"),
            ("asuspend_flow_run", "3.6.11"),
            ("aresume_flow_run", "3.6.7"),
        )
        for module in ("prefect", "prefect.flow_runs")
    },
    **{
        f"prefect.flow_runs.{name}": NewName("3.0.0", name, f"`from prefect import {name}` works on both.")
        for name in ("pause_flow_run", "resume_flow_run", "suspend_flow_run")
    },
    # prefect.artifacts
    **{
        f"prefect.artifacts.{name}": NewName("3.0.0")
        for name in ("create_image_artifact", "create_progress_artifact", "update_progress_artifact")
    },
    **{
        f"prefect.artifacts.acreate_{kind}_artifact": NewName(
            "3.1.15", advice=f"Use `create_{kind}_artifact`, awaited in async code."
        )
        for kind in ("link", "markdown", "table")
    },
    # prefect.assets
    "prefect.assets": NewName("3.4.5"),
    "prefect.tasks.MaterializingTask": NewName("3.4.5"),
    # prefect.blocks, prefect.variables
    "prefect.blocks.core.Block.aload": NewName("3.1.7", advice="Use `load`, awaited in async code."),
    "prefect.variables.Variable.aget": NewName("3.1.7", advice="Use `get`, awaited in async code."),
    "prefect.variables.Variable.aset": NewName("3.1.7", advice="Use `set`, awaited in async code."),
    # prefect.cache_policies
    "prefect.cache_policies": NewName(
        "3.0.0", advice="Use `cache_key_fn=`; `task_input_hash` does what the policy `INPUTS` does."
    ),
    "prefect.cache_policies.NO_CACHE": NewName("3.1.12", advice="Leave `cache_key_fn` out: 2.x caches only with it."),
    # prefect.client
    "prefect.client.schemas.objects.ConcurrencyLimitConfig": NewName("3.0.3"),
    "prefect.client.schemas.objects.ConcurrencyLimitStrategy": NewName("3.0.3"),
    "prefect.client.schemas.objects.TERMINAL_STATES": NewName(
        "3.0.0", advice="`prefect.server.schemas.states.TERMINAL_STATES` is on both."
    ),
    # prefect.deployments, prefect.docker
    "prefect.deployments.flow_runs.run_deployment": NewName(
        "3.0.0", "run_deployment", "`from prefect.deployments import run_deployment` works on both."
    ),
    **{
        f"{module}.arun_deployment": NewName("3.6.11", advice="Use `run_deployment`, awaited in async code.")
        for module in ("prefect.deployments", "prefect.deployments.flow_runs")
    },
    "prefect.docker.DockerImage": NewName("3.0.0", advice="On 2.x it is `prefect.deployments.DeploymentImage`."),
    "prefect.docker.docker_image": NewName("3.0.0", advice="On 2.x it is `prefect.deployments.DeploymentImage`."),
    # prefect.flows
    "prefect.flows.InfrastructureBoundFlow": NewName("3.3.5"),
    "prefect.flows.aserve": NewName("3.1.6", advice="Use `prefect.serve`."),
    "prefect.flows.Flow.adeploy": NewName("3.6.14", advice="Use `deploy`, awaited in async code."),
    "prefect.flows.Flow.afrom_source": NewName("3.1.15", advice="Use `from_source`, awaited in async code."),
    "prefect.flows.load_flow_from_flow_run": NewName(
        "3.0.0", advice="On 2.x it is in `prefect.deployments`, where 3.x has it too."
    ),
    # prefect.futures
    "prefect.futures.DoneAndNotDoneFutures": NewName("3.0.0", "DoneAndNotDoneFutures"),
    "prefect.futures.PrefectConcurrentFuture": NewName("3.0.0", advice="`PrefectFuture` is on both."),
    "prefect.futures.PrefectDistributedFuture": NewName("3.0.0", advice="`PrefectFuture` is on both."),
    "prefect.futures.PrefectFlowRunFuture": NewName("3.2.8"),
    "prefect.futures.PrefectFutureList": NewName("3.0.0", advice="On 2.x `map` returns a list of futures."),
    "prefect.futures.PrefectTaskRunFuture": NewName("3.2.8", advice="`PrefectFuture` is on both."),
    "prefect.futures.PrefectWrappedFuture": NewName("3.0.0", advice="`PrefectFuture` is on both."),
    "prefect.futures.as_completed": NewName("3.0.0", "as_completed"),
    "prefect.futures.resolve_futures_to_results": NewName("3.3.6", "resolve_futures_to_results"),
    "prefect.futures.wait": NewName("3.0.0", "wait"),
    # prefect.input
    "prefect.input.receive_input": NewName("3.0.0"),
    "prefect.input.send_input": NewName("3.0.0"),
    # prefect.locking, prefect.transactions
    "prefect.locking": NewName("3.0.1"),
    "prefect.transactions": NewName("3.0.0"),
    "prefect.transactions.atransaction": NewName("3.3.5"),
    # prefect.results
    "prefect.results.ResultRecord": NewName("3.0.0"),
    "prefect.results.ResultStore": NewName("3.0.0"),
    "prefect.results.get_result_store": NewName("3.0.0"),
    # prefect.schedules
    "prefect.schedules": NewName("3.2.0", advice="The classes of `prefect.client.schemas.schedules` are on both."),
    "prefect.schedules.Cron": NewName("3.2.0", advice="`Cron('...')` is `CronSchedule(cron='...')` of `compat`."),
    "prefect.schedules.Interval": NewName(
        "3.2.0", advice="`Interval(3600)` is `IntervalSchedule(interval=timedelta(seconds=3600))` of `compat`."
    ),
    "prefect.schedules.RRule": NewName("3.2.0", advice="`RRule('...')` is `RRuleSchedule(rrule='...')` of `compat`."),
    # prefect.states
    "prefect.states.AwaitingConcurrencySlot": NewName("3.0.0"),
    "prefect.states.InfrastructurePending": NewName("3.6.22"),
    # prefect.task_runners
    "prefect.task_runners.ProcessPoolTaskRunner": NewName(
        "3.4.14", advice="`DaskTaskRunner` of prefect-dask is on both."
    ),
    "prefect.task_runners.TaskRunner": NewName(
        "3.0.0", advice="The base class of 2.x is `BaseTaskRunner`, of another shape."
    ),
    "prefect.task_runners.ThreadPoolTaskRunner": NewName("3.0.0", "ThreadPoolTaskRunner"),
    # prefect.task_worker
    "prefect.task_worker": NewName("3.0.0", advice="On 2.x it is `prefect.task_server`."),
    # prefect.types, prefect.utilities
    "prefect.types.DateTime": NewName("3.1.7", advice="Annotate with `datetime.datetime`."),
    "prefect.types.entrypoint": NewName("3.0.0", advice="`prefect.deployments.runner.EntrypointType` is on both."),
    "prefect.utilities.annotations.freeze": NewName("3.2.12"),
    "prefect.utilities.annotations.opaque": NewName("3.6.18"),
    "prefect.utilities.asyncutils.run_coro_as_sync": NewName(
        "3.0.0", advice="Use `asyncio.run` outside a running loop, or make the caller async."
    ),
}
"""Popular names that only Prefect 3 has. A row also covers every name below it that has no row of its own."""

_MOVED: Mapping[str, MovedName] = {row.old: row for row in MOVED_NAMES}

_Row = TypeVar("_Row")


def _covering(rows: Mapping[str, _Row], dotted: str) -> Optional[_Row]:
    name = dotted
    while name:
        row = rows.get(name)
        if row is not None:
            return row
        name = name.rpartition(".")[0]
    return None


def moved(dotted: str) -> Optional[MovedName]:
    """The row that covers a dotted name: its own, else that of the longest name above it; None where there is none."""
    return _covering(_MOVED, dotted)


def replacement(row: MovedName, dotted: str) -> Optional[str]:
    """The new dotted name of a name that `row` covers; None where the row has no `new`."""
    return None if row.new is None else row.new + dotted[len(row.old) :]


def phantom(dotted: str) -> Optional[Phantom]:
    """What is known of a name, or of a name above it, that no Prefect defines."""
    return _covering(NEVER_EXISTED, dotted)


def only_on_3(dotted: str) -> Optional[NewName]:
    """What is known of a name, or of a name above it, that only Prefect 3 has."""
    return _covering(EXPORTS_3_ONLY, dotted)

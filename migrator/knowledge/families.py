"""Advice for whole families of names that Prefect 2 had and Prefect 3 has no more.

A family speaks for the removed names below its prefixes that `migrator.knowledge.names` has no row for: to be asked only
about a name that is known to be gone, since most prefixes are modules that live on without it. What an advice says to
write was tried on 2.20.26, 3.0.11 and 3.8.8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

_DOCS = "https://docs.prefect.io"
_API = f"{_DOCS}/v3/api-ref/python/prefect-"
_ADVANCED = f"{_DOCS}/v3/advanced"
_CONCEPTS = f"{_DOCS}/v3/concepts"
_GUIDES = f"{_DOCS}/v3/how-to-guides"
_GUIDE = f"{_GUIDES}/migrate/upgrade-to-prefect-3"
_WORKERS = f"{_GUIDES}/migrate/upgrade-agents-to-workers"
_CLIENT = f"{_ADVANCED}/api-client"
_CODE_STORAGE = f"{_GUIDES}/deployments/store-flow-code"
_DEPLOY = f"{_GUIDES}/deployments/deploy-via-python"
_NOTIFICATIONS = f"{_GUIDES}/automations/custom-notifications"
_PREFECT_YAML = f"{_GUIDES}/deployments/prefect-yaml"
_RESULTS = f"{_ADVANCED}/results"
_SERVER_CLI = f"{_GUIDES}/self-hosted/server-cli"
_SETTINGS = f"{_GUIDES}/configuration/manage-settings"


@dataclass(frozen=True)
class Family:
    """Removed names that one piece of advice fits."""

    prefixes: tuple[str, ...]
    """Dotted names; the family has these and everything below them."""
    advice: str
    """What to write on Prefect 3, or that nothing replaces it."""
    url: str
    """Prefect's own page."""


_WITH_PYDANTIC_FLAG = (
    "blocks.core",
    "blocks.fields",
    "blocks.notifications",
    "blocks.system",
    "blocks.webhook",
    "cli.cloud",
    "cli.config",
    "cli.deploy",
    "cli.global_concurrency_limit",
    "client.cloud",
    "client.orchestration",
    "client.schemas.actions",
    "client.schemas.filters",
    "client.schemas.objects",
    "client.schemas.responses",
    "client.schemas.schedules",
    "context",
    "deployments.base",
    "deployments.deployments",
    "deployments.runner",
    "events.actions",
    "events.filters",
    "events.schemas",
    "events.schemas.automations",
    "events.schemas.deployment_triggers",
    "events.schemas.events",
    "exceptions",
    "filesystems",
    "flows",
    "infrastructure.base",
    "input.actions",
    "input.run_input",
    "results",
    "runner.server",
    "runner.storage",
    "serializers",
    "server.api.automations",
    "server.api.clients",
    "server.api.run_history",
    "server.api.ui.flow_runs",
    "server.api.ui.task_runs",
    "server.api.validation",
    "server.events.actions",
    "server.events.filters",
    "server.events.schemas.automations",
    "server.events.schemas.events",
    "server.events.storage.database",
    "server.models.work_queues",
    "server.orchestration.rules",
    "server.schemas.actions",
    "server.schemas.core",
    "server.schemas.filters",
    "server.schemas.internal",
    "server.schemas.responses",
    "server.schemas.schedules",
    "server.schemas.states",
    "server.utilities.database",
    "server.utilities.schemas",
    "server.utilities.schemas.bases",
    "server.utilities.schemas.serializers",
    "server.utilities.schemas.transformations",
    "settings",
    "utilities.callables",
    "utilities.collections",
    "utilities.pydantic",
    "utilities.schema_tools.hydration",
    "workers.base",
    "workers.block",
    "workers.process",
)
_EXPERIMENTAL_FLAGS = (
    "DISABLE_SYNC_COMPAT",
    "ENABLE_ARTIFACTS",
    "ENABLE_ARTIFACTS_ON_FLOW_RUN_GRAPH",
    "ENABLE_DEPLOYMENT_STATUS",
    "ENABLE_ENHANCED_CANCELLATION",
    "ENABLE_ENHANCED_DEPLOYMENT_PARAMETERS",
    "ENABLE_ENHANCED_SCHEDULING_UI",
    "ENABLE_EVENTS_CLIENT",
    "ENABLE_EXTRA_RUNNER_ENDPOINTS",
    "ENABLE_FLOW_RUN_INFRA_OVERRIDES",
    "ENABLE_NEW_ENGINE",
    "ENABLE_PYDANTIC_V2_INTERNALS",
    "ENABLE_STATES_ON_FLOW_RUN_GRAPH",
    "ENABLE_TASK_SCHEDULING",
    "ENABLE_WORKERS",
    "ENABLE_WORKSPACE_DASHBOARD",
    "ENABLE_WORK_POOLS",
    "ENABLE_WORK_QUEUE_STATUS",
    "EVENTS",
    "FLOW_RUN_INPUT",
    "WARN_ARTIFACTS",
    "WARN_DEPLOYMENT_STATUS",
    "WARN_ENHANCED_CANCELLATION",
    "WARN_EVENTS_CLIENT",
    "WARN_FLOW_RUN_INFRA_OVERRIDES",
    "WARN_FLOW_RUN_INPUT",
    "WARN_VISUALIZE",
    "WARN_WORKERS",
    "WARN_WORKSPACE_DASHBOARD",
    "WARN_WORK_POOLS",
)
FAMILIES: tuple[Family, ...] = (
    # orion
    Family(
        ("prefect.orion",),
        "`prefect.orion` became `prefect.server`. Client code takes `prefect.client.schemas`, `prefect.states` and "
        "`prefect.get_client()`.",
        _CLIENT,
    ),
    Family(
        (
            "prefect.cli.orion",
            "prefect.cli.orion_utils",
            "prefect.cli.server.orion_app",
            "prefect.cli.server.orion_database_app",
        ),
        "`prefect orion` became `prefect server`: run the command; its code is internal.",
        _SERVER_CLI,
    ),
    Family(
        (
            "prefect.server.api.server.create_orion_api",
            "prefect.server.database.interface.OrionDBInterface",
            "prefect.server.utilities.server.OrionAPIRoute",
            "prefect.server.utilities.server.OrionRouter",
        ),
        "Server internals lost the name Orion: `create_api_app`, `PrefectDBInterface`, `PrefectAPIRoute` and "
        "`PrefectRouter` of the same modules, without a stable API.",
        _GUIDE,
    ),
    # agent, infrastructure, workers
    Family(
        (
            "prefect.agent",
            "prefect.cli.agent",
            "prefect.cli.dev.agent",
            "prefect.cli.dev.agent_process_entrypoint",
            "prefect.cli.dev.start_agent",
            "prefect.server.models.agents",
        ),
        "Agents are gone: start a worker instead (`prefect worker start --pool NAME`).",
        _WORKERS,
    ),
    Family(
        (
            "prefect.infrastructure",
            "prefect.cli.deployment.Infra",
            "prefect.cli.deployment.builtin_infrastructure_types",
        ),
        "Infrastructure blocks are gone: put the deployment on a work pool of that kind and give image, env and the rest "
        "as job variables.",
        _WORKERS,
    ),
    Family(
        ("prefect.workers.block",),
        "Work pools for infrastructure blocks are gone: use a work pool of that kind and its own worker.",
        _WORKERS,
    ),
    Family(
        ("prefect.workers",),
        "What is gone here was a helper of Prefect's own workers. A worker of yours derives from "
        "`prefect.workers.base.BaseWorker`.",
        f"{_ADVANCED}/developing-a-custom-worker",
    ),
    Family(
        ("prefect.experimental.workers",),
        "Workers left the experimental stage in 2.10: use `prefect.workers`.",
        f"{_CONCEPTS}/workers",
    ),
    Family(
        ("prefect.experimental",),
        "Nothing is left in `prefect.experimental`: workers are in `prefect.workers` and `prefect worker start`.",
        f"{_CONCEPTS}/workers",
    ),
    # flow code: filesystems, packaging, projects
    Family(
        ("prefect.filesystems",),
        "The cloud file systems are blocks of prefect-aws, prefect-gcp, prefect-azure and prefect-github now: save them "
        "anew. `LocalFileSystem`, `RemoteFileSystem` and `SMB` stay.",
        _CODE_STORAGE,
    ),
    Family(
        (
            "prefect.deprecated.packaging",
            "prefect.manifests",
            "prefect.packaging",
            "prefect.serializers.PackageManifestSerializer",
        ),
        "Packaging was removed: build an image with `flow.deploy(image=...)`, or load the code with "
        "`flow.from_source(...)`.",
        _CODE_STORAGE,
    ),
    Family(
        (
            "prefect.cli.deploy.find_prefect_directory",
            "prefect.cli.deploy.register_flow",
            "prefect.cli.project",
            "prefect.projects",
        ),
        "Projects are plain folders with a `prefect.yaml`: use `prefect init` and `prefect deploy`; flows are found by "
        "entrypoint and nothing is registered.",
        _PREFECT_YAML,
    ),
    Family(
        ("prefect.software",),
        "Nothing replaces it: list requirements in the image, or with the step `pip_install_requirements`.",
        f"{_API}deployments-steps-utility",
    ),
    Family(
        ("prefect.docker",),
        "`prefect.docker` has `DockerImage` on 3.x; the helpers of 2.x that are left are in `prefect.utilities.dockerutils`.",
        f"{_API}docker-docker_image",
    ),
    # deployments
    Family(
        ("prefect.deployments.deployments",),
        "`Deployment` and its helpers are gone: use `flow.deploy(...)`, `flow.serve(...)`, or `prefect deploy` with a "
        "`prefect.yaml`.",
        _DEPLOY,
    ),
    Family(
        ("prefect.deployments",),
        "What is gone here served `Deployment`, or was internal: use `flow.deploy(...)`, `flow.serve(...)`, or "
        "`prefect deploy` with a `prefect.yaml`.",
        _DEPLOY,
    ),
    # engine
    Family(
        ("prefect.engine", "prefect.new_flow_engine", "prefect.new_task_engine", "prefect.task_engine"),
        "The 2.x engine was internal and is gone: call the flow or task, or use its `submit`.",
        f"{_GUIDES}/workflows/write-and-run",
    ),
    Family(
        ("prefect.engine.get_state_for_result", "prefect.engine.link_state_to_result"),
        "Internal; the functions of that name in `prefect.utilities.engine` take and give other things on later 3.x.",
        f"{_API}utilities-engine",
    ),
    Family(
        ("prefect.utilities.engine",),
        "Helpers of the engine are internal: call the flow or task, or use its `submit`.",
        f"{_API}utilities-engine",
    ),
    Family(
        ("prefect.task_runners",),
        "Use `ThreadPoolTaskRunner(max_workers=...)`; a runner of your own derives from `TaskRunner`. There are no "
        "concurrency types.",
        f"{_CONCEPTS}/task-runners",
    ),
    Family(
        ("prefect.futures",),
        "Futures of 3.x are used without `await`: call `future.result()` or `future.wait()`.",
        f"{_API}futures",
    ),
    Family(
        ("prefect.context.GLOBAL_OBJECT_REGISTRY", "prefect.context.PrefectObjectRegistry"),
        "Scripts are not run to collect their flows any more: load one with "
        "`load_flow_from_entrypoint('path/to/file.py:flow_name')`.",
        f"{_API}flows",
    ),
    Family(
        (
            "prefect.flows.GENERIC_ALIAS",
            "prefect.flows.is_v1_type",
            "prefect.flows.raise_on_invalid_name",
            "prefect.flows.raise_on_name_with_banned_characters",
        ),
        "Internal to Prefect 2; nothing replaces it.",
        f"{_API}flows",
    ),
    # results, states, data documents
    Family(
        ("prefect.results",),
        "Result objects were replaced by `ResultStore` and `ResultRecord`: call `state.result()`, or configure storage "
        "through `@task` and `@flow`.",
        _RESULTS,
    ),
    Family(
        (
            "prefect.agent.DataDocument",
            "prefect.client.DataDocument",
            "prefect.client.orchestration.DataDocument",
            "prefect.deprecated",
            "prefect.engine.DataDocument",
            "prefect.engine.get_default_result_filesystem",
            "prefect.engine.safe_encode_exception",
            "prefect.results.DataDocument",
            "prefect.states.DataDocument",
            "prefect.states.result_from_state_with_data_document",
            "prefect.states.safe_encode_exception",
        ),
        "Data documents were what 2.0 to 2.5 kept results in: call `state.result()`; where results go is set by "
        "`result_storage=`.",
        _RESULTS,
    ),
    Family(
        (
            "prefect.serializers.ResultSerializer",
            "prefect.serializers.TextSerializer",
            "prefect.serializers.register_serializer",
        ),
        "Use `JSONSerializer` or `PickleSerializer`; a serializer of your own derives from `prefect.serializers.Serializer`.",
        _RESULTS,
    ),
    # notifications
    Family(
        (
            "prefect.client.orchestration.FlowRunNotificationPolicy",
            "prefect.client.orchestration.FlowRunNotificationPolicyCreate",
            "prefect.client.orchestration.FlowRunNotificationPolicyFilter",
            "prefect.client.orchestration.FlowRunNotificationPolicyUpdate",
            "prefect.client.schemas.actions.validate_message_template_variables",
            "prefect.client.schemas.objects.FLOW_RUN_NOTIFICATION_TEMPLATE_KWARGS",
            "prefect.client.schemas.objects.validate_message_template_variables",
            "prefect.server.api.flow_run_notification_policies",
            "prefect.server.database.orm_models.ORMFlowRunNotificationPolicy",
            "prefect.server.database.orm_models.ORMFlowRunNotificationQueue",
            "prefect.server.models.flow_run_notification_policies",
            "prefect.server.schemas.actions.FlowRunNotificationPolicyCreate",
            "prefect.server.schemas.actions.FlowRunNotificationPolicyUpdate",
            "prefect.server.schemas.actions.validate_message_template_variables",
            "prefect.server.schemas.core.FLOW_RUN_NOTIFICATION_TEMPLATE_KWARGS",
            "prefect.server.schemas.core.validate_message_template_variables",
            "prefect.server.schemas.filters.FlowRunNotificationPolicyFilter",
            "prefect.server.schemas.filters.FlowRunNotificationPolicyFilterIsActive",
            "prefect.server.services.flow_run_notifications",
            "prefect.settings.PREFECT_API_SERVICES_FLOW_RUN_NOTIFICATIONS_ENABLED",
            "prefect.settings.PREFECT_ORION_SERVICES_FLOW_RUN_NOTIFICATIONS_ENABLED",
        ),
        "Flow run notification policies were removed: use an automation that sends a notification.",
        _NOTIFICATIONS,
    ),
    Family(
        ("prefect.blocks.notifications",),
        "The notification blocks stay: import the class itself, and call its `notify`.",
        f"{_API}blocks-notifications",
    ),
    # settings
    Family(
        (
            *(f"prefect.settings.PREFECT_EXPERIMENTAL_{name}" for name in _EXPERIMENTAL_FLAGS),
            "prefect.settings.REMOVED_EXPERIMENTAL_FLAGS",
        ),
        "3.x has no such flag: remove it. What it switched is always on, or is gone.",
        _SETTINGS,
    ),
    Family(
        ("prefect.settings.PREFECT_AGENT_PREFETCH_SECONDS", "prefect.settings.PREFECT_AGENT_QUERY_INTERVAL"),
        "Agents are gone; for workers there are `PREFECT_WORKER_PREFETCH_SECONDS` and `PREFECT_WORKER_QUERY_SECONDS`.",
        _WORKERS,
    ),
    Family(
        ("prefect.settings.PREFECT_ASYNC_FETCH_STATE_RESULT",),
        "States always fetch their result: call `state.result()`, awaited in async code.",
        _RESULTS,
    ),
    Family(
        (
            "prefect.settings.check_for_deprecated_cloud_url",
            "prefect.settings.get_deprecated_prefect_cloud_url",
        ),
        "The setting is called `PREFECT_CLOUD_API_URL`; to connect, only `PREFECT_API_URL` and `PREFECT_API_KEY` are needed.",
        _SETTINGS,
    ),
    Family(
        ("prefect.settings.PREFECT_EXTRA_ENTRYPOINTS",),
        "Import those modules where they are used, or list them under the entry point group `prefect.collections` of a package.",
        _GUIDE,
    ),
    Family(
        (
            "prefect.settings.PREFECT_RUN_ON_COMPLETION_HOOKS_ON_CACHED",
            "prefect.settings.PREFECT_TASK_INTROSPECTION_WARN_THRESHOLD",
            "prefect.settings.PREFECT_WORKER_WORKFLOW_STORAGE_PATH",
            "prefect.settings.PREFECT_WORKER_WORKFLOW_STORAGE_SCAN_SECONDS",
        ),
        "3.x has no such setting and nothing in its place: remove it.",
        _SETTINGS,
    ),
    Family(
        ("prefect.settings", "prefect.logging.configuration.SETTING_VARIABLES"),
        "Helpers of the settings were internal: read a setting with `prefect.settings.get_current_settings()`, or a "
        "constant's `.value()`.",
        _SETTINGS,
    ),
    # blocks
    Family(
        ("prefect.blocks.system",),
        "Keep plain values in a Prefect variable: `Variable.set(name, value)` takes any JSON value. Secrets belong in a "
        "`Secret` block.",
        f"{_CONCEPTS}/variables",
    ),
    Family(
        ("prefect.blocks.kubernetes",),
        "The block moved to prefect-kubernetes: import it from `prefect_kubernetes.credentials`.",
        f"{_DOCS}/integrations/prefect-kubernetes",
    ),
    Family(
        ("prefect.blocks.core", "prefect.events.instrument"),
        "Calling a method of a block emits no event on 3.x, only loading it does: use `prefect.events.emit_event`.",
        f"{_CONCEPTS}/events",
    ),
    # pydantic
    Family(
        (
            *(f"prefect.{module}.HAS_PYDANTIC_V2" for module in _WITH_PYDANTIC_FLAG),
            "prefect.pydantic.HAS_PYDANTIC_V2",
            "prefect.pydantic.USE_PYDANTIC_V2",
        ),
        "Prefect 3 needs Pydantic 2: drop the branch for Pydantic 1.",
        _GUIDE,
    ),
    Family(
        ("prefect.pydantic", "prefect.utilities.pydantic", "prefect._internal.pydantic"),
        "Prefect 3 needs Pydantic 2 and wraps it no more: import `BaseModel`, `field_validator` and the rest from "
        "`pydantic`, and call `model.model_dump()` and the like.",
        _GUIDE,
    ),
    Family(
        (
            "prefect._internal.schemas.fields.DateTimeTZ",
            "prefect.server.utilities.schemas.DateTimeTZ",
            "prefect.server.utilities.schemas.fields",
        ),
        "Annotate with `datetime.datetime`; pydantic keeps the time zone.",
        f"{_API}types-__init__",
    ),
    Family(
        ("prefect.types.NonNegativeDuration",),
        "Annotate with `Annotated[datetime.timedelta, pydantic.Field(ge=datetime.timedelta(0))]`.",
        f"{_API}types-__init__",
    ),
    Family(
        ("prefect.types.PositiveDuration",),
        "Annotate with `Annotated[datetime.timedelta, pydantic.Field(gt=datetime.timedelta(0))]`.",
        f"{_API}types-__init__",
    ),
    # what was never public
    Family(
        ("prefect._vendor",),
        "Prefect 3 bundles neither FastAPI nor Starlette: install them and import `fastapi` and `starlette`.",
        _GUIDE,
    ),
    Family(
        ("prefect._internal",),
        "Internal to Prefect, which changes it without notice; nothing replaces it.",
        _GUIDE,
    ),
    Family(
        ("prefect._internal.compatibility.experimental", "prefect.cli.experiment_enabled"),
        "3.x has no switches for experiments of 2.x: what they guarded is always on, or is gone.",
        _GUIDE,
    ),
    Family(
        ("prefect._version",),
        "Read `prefect.__version__`, or the details in `prefect.__version_info__`.",
        _GUIDE,
    ),
    Family(
        ("prefect.PREFECT_1_ATTRIBUTES", "prefect.Prefect1ImportInterceptor"),
        "It told users of Prefect 1 what had changed; nothing replaces it.",
        _GUIDE,
    ),
    # server
    Family(
        ("prefect.server",),
        "Server internals have no stable API and no replacement in the client: talk to the API through "
        "`prefect.get_client()`.",
        _CLIENT,
    ),
    Family(
        ("prefect.server.api", "prefect.server.models"),
        "Code inside the server has no stable API: call the endpoint through `prefect.get_client()`.",
        _CLIENT,
    ),
    Family(
        ("prefect.server.services",),
        "Services of the server are internal and were written anew on 3.x: `prefect server start` runs them, settings "
        "switch them.",
        _SERVER_CLI,
    ),
    Family(
        ("prefect.server.schemas",),
        "Client code takes the classes of `prefect.client.schemas` and the states of `prefect.states`; what is gone here "
        "was for the server alone.",
        _CLIENT,
    ),
    Family(
        (
            "prefect.client.schemas.filters.DeploymentFilterIsScheduleActive",
            "prefect.server.schemas.filters.DeploymentFilterIsScheduleActive",
        ),
        "Deployments have no `is_schedule_active` on 3.x: read them and look at `paused` and the schedules' `active`.",
        f"{_API}client-schemas-filters",
    ),
    Family(
        (
            "prefect.client.schemas.filters.VariableFilterValue",
            "prefect.server.schemas.filters.VariableFilterValue",
        ),
        "Variables can hold any JSON value on 3.x and can not be filtered by it: filter by name or tags.",
        f"{_CONCEPTS}/variables",
    ),
    Family(
        ("prefect.server.events",),
        "The server's events are internal: write automations and triggers with `prefect.events` and "
        "`prefect.automations`.",
        f"{_CONCEPTS}/automations",
    ),
    # client
    Family(
        ("prefect.client",),
        "What is gone here was internal to the client: use `prefect.get_client()` and the classes of "
        "`prefect.client.schemas`.",
        _CLIENT,
    ),
    Family(
        ("prefect.client.schemas",),
        "What is gone here checked or rewrote fields inside Prefect: the classes of `prefect.client.schemas` do it "
        "themselves.",
        _CLIENT,
    ),
    # events
    Family(
        ("prefect.events",),
        "What is gone here was internal: emit events with `prefect.events.emit_event`; `EventTrigger`, `Automation` and "
        "the like are in `prefect.events`.",
        f"{_CONCEPTS}/events",
    ),
    Family(
        ("prefect.events.cli",),
        "Its code is internal: use `prefect automation`, or `prefect.automations.Automation` in Python.",
        f"{_GUIDES}/automations/creating-automations",
    ),
    Family(
        (
            "prefect.events.clients.PrefectEphemeralEventsClient",
            "prefect.events.worker",
        ),
        "Internal plumbing: emit events with `prefect.events.emit_event`, or get a client from "
        "`prefect.events.clients.get_events_client()`.",
        f"{_API}events-clients",
    ),
    Family(
        ("prefect.events.schemas.automations.ExistingAutomation",),
        "Use `prefect.events.Automation`: it has the `id`.",
        f"{_CONCEPTS}/automations",
    ),
    Family(
        (
            "prefect.events.schemas.deployment_triggers.DeploymentCompositeTrigger",
            "prefect.events.schemas.deployment_triggers.DeploymentResourceTrigger",
        ),
        "Base classes for Prefect's own use: take `DeploymentEventTrigger`, `DeploymentMetricTrigger`, "
        "`DeploymentCompoundTrigger` or `DeploymentSequenceTrigger` of `prefect.events`.",
        f"{_GUIDES}/automations/creating-deployment-triggers",
    ),
    Family(
        ("prefect.events.schemas.MAXIMUM_LABELS_PER_RESOURCE", "prefect.events.schemas.MAXIMUM_RELATED_RESOURCES"),
        "They are settings: `PREFECT_EVENTS_MAXIMUM_LABELS_PER_RESOURCE` and `PREFECT_EVENTS_MAXIMUM_RELATED_RESOURCES` "
        "of `prefect.settings`.",
        _SETTINGS,
    ),
    # runner
    Family(
        ("prefect.runner",),
        "What is gone here was internal to the runner: serve flows with `flow.serve(...)` or `prefect.serve(...)`.",
        f"{_GUIDES}/deployment_infra/run-flows-in-local-processes",
    ),
    Family(
        ("prefect.runner.server", "prefect.runner.utils"),
        "The runner's own server takes no runs any more: start them with `run_deployment`, or run tasks in the background "
        "with `task.delay`.",
        f"{_GUIDES}/workflows/run-background-tasks",
    ),
    # command line
    Family(
        ("prefect.cli",),
        "The code of the command line is internal: run the command itself, or do it through `prefect.get_client()`.",
        f"{_DOCS}/v3/api-ref",
    ),
    Family(
        (
            "prefect.cli.deployment.apply",
            "prefect.cli.deployment.build",
            "prefect.cli.deployment.load_deployments_from_yaml",
        ),
        "`prefect deployment build` and `apply` are gone: write a `prefect.yaml` and use `prefect deploy`, or "
        "`flow.deploy(...)`.",
        _PREFECT_YAML,
    ),
    Family(
        ("prefect.cli.kubernetes", "prefect.cli.dev.kubernetes_manifest"),
        "`prefect kubernetes manifest` is gone: install server and worker with Prefect's Helm charts.",
        f"{_ADVANCED}/server-helm",
    ),
    # the rest
    Family(
        ("prefect.concurrency",),
        "Use `concurrency` and `rate_limit` of `prefect.concurrency.sync` or `prefect.concurrency.asyncio`; taking and "
        "giving back slots by hand is internal.",
        f"{_GUIDES}/workflows/global-concurrency-limits",
    ),
    Family(
        ("prefect.input",),
        "What is gone here was internal: use `RunInput`, `send_input` and `receive_input` of `prefect.input`.",
        f"{_ADVANCED}/interactive",
    ),
    Family(
        ("prefect.logging",),
        "What is gone here was internal: log with `get_run_logger()` in flows and tasks.",
        f"{_GUIDES}/workflows/add-logging",
    ),
    Family(
        ("prefect.testing",),
        "What is gone here tested Prefect's own classes: test flows with "
        "`prefect.testing.utilities.prefect_test_harness`.",
        f"{_GUIDES}/workflows/test-workflows",
    ),
    Family(
        (
            "prefect.testing.standard_test_suites.TaskRunnerStandardTestSuite",
            "prefect.testing.standard_test_suites.task_runners",
        ),
        "Nothing replaces the suite for task runners: test a runner by running flows with it in `prefect_test_harness`.",
        f"{_GUIDES}/workflows/test-workflows",
    ),
    Family(
        ("prefect.utilities",),
        "Utilities are internal to Prefect; nothing replaces this one.",
        _GUIDE,
    ),
    Family(
        ("prefect.utilities.validation",),
        "Check values against a schema with the package `jsonschema`, which Prefect 3 installs.",
        _GUIDE,
    ),
    # integration packages
    Family(
        ("prefect_aws.ecs", "prefect_aws.ECSTask"),
        "Use an ECS work pool (`prefect work-pool create NAME --type ecs`) and its worker; the fields of the block become "
        "job variables.",
        f"{_DOCS}/integrations/prefect-aws",
    ),
    Family(
        ("prefect_azure.AzureContainerInstanceJob", "prefect_azure.container_instance"),
        "Use an Azure Container Instance work pool (`prefect work-pool create NAME --type azure-container-instance`) and "
        "its worker; the fields of the block become job variables.",
        f"{_DOCS}/integrations/prefect-azure",
    ),
    Family(
        ("prefect_gcp.CloudRunJob", "prefect_gcp.cloud_run", "prefect_gcp.models.cloud_run_v2.CloudRunJobV2Result"),
        "Use a Cloud Run work pool (`prefect work-pool create NAME --type cloud-run-v2`) and its worker; the fields of the "
        "block become job variables.",
        f"{_DOCS}/integrations/prefect-gcp",
    ),
    Family(
        ("prefect_gcp.VertexAICustomTrainingJob", "prefect_gcp.aiplatform"),
        "Use a Vertex AI work pool (`prefect work-pool create NAME --type vertex-ai`) and its worker; the fields of the "
        "block become job variables.",
        f"{_DOCS}/integrations/prefect-gcp",
    ),
    Family(
        (
            "prefect_aws.workers.ecs_worker",
            "prefect_azure.workers",
            "prefect_gcp.workers",
            "prefect_kubernetes.worker",
        ),
        "What is gone here was internal to the worker: set job variables, or the work pool's base job template.",
        f"{_ADVANCED}/customize-base-job-templates",
    ),
    Family(
        ("prefect_kubernetes.events", "prefect_kubernetes.worker.KubernetesEventsReplicator"),
        "The worker replicates events by itself, in `prefect_kubernetes.observer`; there is no class to use.",
        f"{_DOCS}/integrations/prefect-kubernetes",
    ),
    Family(
        ("prefect_dbt.cli.configs.postgres.DatabaseCredentials", "prefect_sqlalchemy.DatabaseCredentials"),
        "Use `SqlAlchemyConnector(connection_info=ConnectionComponents(...))`; saved `DatabaseCredentials` blocks have to "
        "be saved anew as connectors.",
        f"{_DOCS}/integrations/prefect-sqlalchemy",
    ),
)

_BY_PREFIX: Mapping[str, Family] = {prefix: each for each in FAMILIES for prefix in each.prefixes}


def family(dotted: str) -> Optional[Family]:
    """The family of a removed dotted name: that of its longest prefix, cut at dots; None where there is none.

    It says nothing about whether the name is gone.
    """
    name = dotted
    while name:
        found = _BY_PREFIX.get(name)
        if found is not None:
            return found
        name = name.rpartition(".")[0]
    return None

"""Run on Prefect 3 with its integrations.

`templates`: prints the base job template of each worker. `configurations FILE`, with `PREFECT_API_URL` of a server: the
file holds `[pool type, base job template, job variables]`s; saves the blocks that they name, and prints what the worker of
each type makes of them for a flow run.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

WORKERS = {
    "azure-container-instance": "prefect_azure.workers.container_instance:AzureContainerWorker",
    "cloud-run-v2": "prefect_gcp.workers.cloud_run_v2:CloudRunWorkerV2",
    "docker": "prefect_docker.worker:DockerWorker",
    "ecs": "prefect_aws.workers.ecs_worker:ECSWorker",
    "kubernetes": "prefect_kubernetes.worker:KubernetesWorker",
    "process": "prefect.workers.process:ProcessWorker",
    "vertex-ai": "prefect_gcp.workers.vertex:VertexAIWorker",
}


def worker(pool_type: str) -> Any:
    module, _, name = WORKERS[pool_type].partition(":")
    return getattr(importlib.import_module(module), name)


def without_google() -> None:
    """Lets blocks of Google's credentials be made and loaded on a machine that has none."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials

    google.auth.default = lambda *_, **__: (AnonymousCredentials(), "project")


async def save_blocks() -> None:
    from prefect.blocks.system import Secret
    from prefect_aws import AwsCredentials
    from prefect_azure import AzureContainerInstanceCredentials
    from prefect_docker import DockerRegistryCredentials
    from prefect_gcp import GcpCredentials
    from prefect_kubernetes import KubernetesClusterConfig

    await AwsCredentials(region_name="eu-west-1").save("prod", overwrite=True)
    await GcpCredentials(project="project").save("prod", overwrite=True)
    await AzureContainerInstanceCredentials().save("prod", overwrite=True)
    registry = DockerRegistryCredentials(username="u", password="p", registry_url="registry.local")
    await registry.save("prod", overwrite=True)
    cluster = KubernetesClusterConfig(config={"current-context": "c"}, context_name="c")
    await cluster.save("prod", overwrite=True)
    for name in ("azure-subscription-id", "api-token"):
        await Secret(value=f"the value of {name}").save(name, overwrite=True)


async def configurations(path: str) -> list[Any]:
    from prefect import flow, get_client
    from prefect.client.schemas.objects import FlowRun

    @flow
    def probe() -> None: ...

    without_google()
    await save_blocks()
    made = []
    async with get_client() as client:
        run: FlowRun = await client.create_flow_run(probe)
        for pool_type, template, variables in json.loads(Path(path).read_text()):
            kind = worker(pool_type).job_configuration
            configuration = await kind.from_template_and_values(template, variables, client=client)
            configuration.prepare_for_flow_run(run)
            made.append(json.loads(configuration.model_dump_json(fallback=str)))
    return made


if sys.argv[1] == "templates":
    print("FOUND", json.dumps({name: worker(name).get_default_base_job_template() for name in WORKERS}))
else:
    print("FOUND", json.dumps(asyncio.run(configurations(sys.argv[2]))))

"""Run on Prefect 2 with its integrations: prints what its infrastructure blocks are, and what they make of the samples.

Without an argument the classes of `prefect` alone, which every release of 2.x has; with `all` those of the integrations
too, and the base job template that each block makes of itself (`generate_work_pool_base_job_template`).
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import sys
import uuid
import warnings
from typing import Any

warnings.simplefilter("ignore")

CLASSES = {
    "process": "prefect.infrastructure:Process",
    "docker-container": "prefect.infrastructure:DockerContainer",
    "kubernetes-job": "prefect.infrastructure:KubernetesJob",
    "ecs-task": "prefect_aws.ecs:ECSTask",
    "cloud-run-job": "prefect_gcp.cloud_run:CloudRunJob",
    "vertex-ai-custom-training-job": "prefect_gcp.aiplatform:VertexAICustomTrainingJob",
    "azure-container-instance-job": "prefect_azure.container_instance:AzureContainerInstanceJob",
}
OF_PREFECT = ("process", "docker-container", "kubernetes-job")


def without_google() -> None:
    """Lets blocks of Google's credentials be made on a machine that has none."""
    import google.auth
    from google.auth.credentials import AnonymousCredentials

    google.auth.default = lambda *_, **__: (AnonymousCredentials(), "project")


def credentials() -> dict[str, Any]:
    """The blocks inside of the samples, as if they had been saved."""
    from prefect.blocks.kubernetes import KubernetesClusterConfig
    from prefect.infrastructure.container import DockerRegistry
    from prefect_aws import AwsCredentials
    from prefect_azure import AzureContainerInstanceCredentials
    from prefect_gcp import GcpCredentials

    without_google()
    gcp = GcpCredentials(project="project")
    made = {
        "image_registry": DockerRegistry(username="u", password="p", registry_url="registry.local"),
        "cluster_config": KubernetesClusterConfig(config={"current-context": "c"}, context_name="c"),
        "aws_credentials": AwsCredentials(),
        "credentials": gcp,
        "gcp_credentials": gcp,
        "aci_credentials": AzureContainerInstanceCredentials(),
    }
    for block in made.values():
        block._block_document_id = uuid.UUID(int=7)
    return made


def main() -> None:
    everything = sys.argv[1:] == ["all"]
    logging.disable(logging.CRITICAL)
    found: dict[str, Any] = {}
    inner = credentials() if everything else {}
    for slug in CLASSES if everything else OF_PREFECT:
        module, _, name = CLASSES[slug].partition(":")
        cls = getattr(importlib.import_module(module), name)
        about: dict[str, Any] = {
            "slug": getattr(cls, "get_block_type_slug", lambda cls=cls: cls._block_type_slug)(),
            "type": cls.__fields__["type"].default,
            "fields": sorted(cls.__fields__),
            "defaults": {
                key: json.loads(json.dumps(field.get_default(), default=str))
                for key, field in cls.__fields__.items()
                if not field.required
            },
        }
        if everything:
            from tests.support.infrastructure.samples import FIELDS

            given = {
                key: value for key, value in FIELDS[slug].items() if not isinstance(value, str) or "{{" not in value
            }
            given.update({key: inner[key] for key in FIELDS[slug] if key in inner and key not in given})
            if slug == "azure-container-instance-job":
                del given["image_registry"]  # its own template cannot take a managed identity
            if slug == "docker-container":
                del given["network_mode"]  # it may not stand beside networks
            template = asyncio.run(cls(**given).generate_work_pool_base_job_template())
            about["template"] = json.loads(json.dumps(template, default=str))
        found[slug] = about
    print("FOUND", json.dumps(found))


main()

"""One infrastructure block of each type with every field set, as plain data, and what Prefect 3 gets of it.

Plain data that runs nowhere itself; the programs beside it import it on Prefect 2 and on Prefect 3.
"""

from __future__ import annotations

from typing import Any

COMMON: dict[str, Any] = {
    "env": {"REGION": "eu", "UNSET": None},
    "labels": {"team": "data"},
    "name": "nightly",
    "command": ["python", "-m", "runner", "two words"],
}
WANTED_COMMON: dict[str, Any] = {**COMMON, "command": "python -m runner 'two words'"}


def block(slug: str, name: str = "prod") -> str:
    """How a field names a saved block."""
    return f"{{{{ prefect.blocks.{slug}.{name} }}}}"


FIELDS: dict[str, dict[str, Any]] = {
    "process": {**COMMON, "stream_output": False, "working_dir": "/srv/flows"},
    "docker-container": {
        **COMMON,
        "image": "registry.local/etl:7",
        "image_pull_policy": "IF_NOT_PRESENT",
        "image_registry": block("docker-registry"),
        "networks": ["backend"],
        "network_mode": "bridge",
        "auto_remove": True,
        "volumes": ["/data:/data"],
        "stream_output": False,
        "memswap_limit": -1,
        "mem_limit": 300e6,
        "privileged": True,
    },
    "kubernetes-job": {
        **COMMON,
        "image": "registry.local/etl:7",
        "namespace": "flows",
        "service_account_name": "runner",
        "image_pull_policy": "Always",
        "cluster_config": block("kubernetes-cluster-config"),
        "job": {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {"labels": {"kept": "yes"}},
            "spec": {
                "template": {
                    "spec": {
                        "parallelism": 1,
                        "completions": 1,
                        "restartPolicy": "Never",
                        "nodeSelector": {"pool": "batch"},
                        "containers": [{"name": "prefect-job", "env": []}],
                    }
                }
            },
        },
        "customizations": [
            {"op": "add", "path": "/spec/template/spec/tolerations", "value": [{"key": "batch", "operator": "Exists"}]}
        ],
        "job_watch_timeout_seconds": 3600,
        "pod_watch_timeout_seconds": 120,
        "stream_output": False,
        "finished_job_ttl": 300,
    },
    "ecs-task": {
        **COMMON,
        "aws_credentials": block("aws-credentials"),
        "task_definition_arn": "arn:aws:ecs:eu-west-1:1:task-definition/etl:7",
        "task_definition": {"containerDefinitions": [{"name": "prefect", "essential": True}]},
        "family": "etl",
        "image": "registry.local/etl:7",
        "auto_deregister_task_definition": False,
        "cpu": 512,
        "memory": 1024,
        "execution_role_arn": "arn:aws:iam::1:role/execution",
        "configure_cloudwatch_logs": True,
        "cloudwatch_logs_options": {"awslogs-group": "etl"},
        "stream_output": True,
        "launch_type": "EC2",
        "vpc_id": "vpc-1",
        "cluster": "flows",
        "task_role_arn": "arn:aws:iam::1:role/task",
        "task_customizations": [
            {
                "op": "add",
                "path": "/networkConfiguration/awsvpcConfiguration",
                "value": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"},
            }
        ],
        "task_start_timeout_seconds": 300,
        "task_watch_poll_interval": 15.0,
    },
    "cloud-run-job": {
        **COMMON,
        "env": {"REGION": "eu"},
        "image": "gcr.io/project/etl:7",
        "region": "europe-west1",
        "credentials": block("gcp-credentials"),
        "cpu": 2,
        "memory": 512,
        "memory_unit": "Mi",
        "vpc_connector_name": "projects/p/locations/l/connectors/c",
        "args": ["--all"],
        "keep_job": True,
        "timeout": 1200,
        "max_retries": 1,
    },
    "vertex-ai-custom-training-job": {
        **COMMON,
        "env": {"REGION": "eu"},
        "gcp_credentials": block("gcp-credentials"),
        "region": "europe-west1",
        "image": "gcr.io/project/etl:7",
        "machine_type": "n1-standard-8",
        "accelerator_type": "NVIDIA_TESLA_K80",
        "accelerator_count": 1,
        "boot_disk_type": "pd-standard",
        "boot_disk_size_gb": 200,
        "maximum_run_time": 172800.0,
        "network": "projects/1/global/networks/n",
        "reserved_ip_ranges": ["range"],
        "service_account": "runner@project.iam.gserviceaccount.com",
        "job_watch_poll_interval": 20.0,
    },
    "azure-container-instance-job": {
        **COMMON,
        "aci_credentials": block("azure-container-instance-credentials"),
        "resource_group_name": "flows",
        "subscription_id": "********",
        "identities": ["/subscriptions/s/identity"],
        "image": "registry.local/etl:7",
        "entrypoint": "/entry.sh",
        "image_registry": {"registry_url": "registry.azurecr.io", "identity": "/subscriptions/s/identity"},
        "cpu": 2.0,
        "gpu_count": 1,
        "gpu_sku": "V100",
        "memory": 4.0,
        "subnet_ids": ["subnet"],
        "dns_servers": ["10.0.0.1"],
        "stream_output": True,
        "task_start_timeout_seconds": 300,
        "task_watch_poll_interval": 15.0,
    },
}
"""Fields by the slug of the block."""

TYPES = {
    "process": "process",
    "docker-container": "docker",
    "kubernetes-job": "kubernetes",
    "ecs-task": "ecs",
    "cloud-run-job": "cloud-run-v2",
    "vertex-ai-custom-training-job": "vertex-ai",
    "azure-container-instance-job": "azure-container-instance",
}

VARIABLES: dict[str, dict[str, Any]] = {
    "process": {**WANTED_COMMON, "stream_output": False, "working_dir": "/srv/flows"},
    "docker-container": {
        **WANTED_COMMON,
        "image": "registry.local/etl:7",
        "image_pull_policy": "IfNotPresent",
        "networks": ["backend"],
        "network_mode": "bridge",
        "auto_remove": True,
        "volumes": ["/data:/data"],
        "stream_output": False,
        "memswap_limit": "-1",
        "mem_limit": "300000000",
        "privileged": True,
    },
    "kubernetes-job": {
        **WANTED_COMMON,
        "image": "registry.local/etl:7",
        "namespace": "flows",
        "service_account_name": "runner",
        "image_pull_policy": "Always",
        "job_watch_timeout_seconds": 3600,
        "pod_watch_timeout_seconds": 120,
        "stream_output": False,
        "finished_job_ttl": 300,
    },
    "ecs-task": {
        **WANTED_COMMON,
        "task_definition_arn": "arn:aws:ecs:eu-west-1:1:task-definition/etl:7",
        "family": "etl",
        "image": "registry.local/etl:7",
        "auto_deregister_task_definition": False,
        "cpu": 512,
        "memory": 1024,
        "execution_role_arn": "arn:aws:iam::1:role/execution",
        "configure_cloudwatch_logs": True,
        "cloudwatch_logs_options": {"awslogs-group": "etl"},
        "launch_type": "EC2",
        "vpc_id": "vpc-1",
        "cluster": "flows",
        "task_role_arn": "arn:aws:iam::1:role/task",
        "container_name": "prefect",
        "network_configuration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"},
    },
    "cloud-run-job": {
        **WANTED_COMMON,
        "env": {"REGION": "eu"},
        "image": "gcr.io/project/etl:7",
        "region": "europe-west1",
        "cpu": "2000m",
        "memory": "512Mi",
        "vpc_connector_name": "projects/p/locations/l/connectors/c",
        "args": ["--all"],
        "keep_job": True,
        "timeout": 1200,
        "max_retries": 1,
    },
    "vertex-ai-custom-training-job": {
        **WANTED_COMMON,
        "env": {"REGION": "eu"},
        "region": "europe-west1",
        "image": "gcr.io/project/etl:7",
        "machine_type": "n1-standard-8",
        "accelerator_type": "NVIDIA_TESLA_K80",
        "accelerator_count": 1,
        "boot_disk_type": "pd-standard",
        "boot_disk_size_gb": 200,
        "maximum_run_time_hours": 48,
        "network": "projects/1/global/networks/n",
        "reserved_ip_ranges": ["range"],
        "service_account_name": "runner@project.iam.gserviceaccount.com",
        "job_watch_poll_interval": 20.0,
    },
    "azure-container-instance-job": {
        **WANTED_COMMON,
        "resource_group_name": "flows",
        "subscription_id": block("secret", "azure-subscription-id"),
        "identities": ["/subscriptions/s/identity"],
        "image": "registry.local/etl:7",
        "entrypoint": "/entry.sh",
        "image_registry": {"registry_url": "registry.azurecr.io", "identity": "/subscriptions/s/identity"},
        "cpu": 2.0,
        "gpu_count": 1,
        "gpu_sku": "V100",
        "memory": 4.0,
        "subnet_ids": ["subnet"],
        "dns_servers": ["10.0.0.1"],
        "stream_output": True,
        "task_start_timeout_seconds": 300,
        "task_watch_poll_interval": 15.0,
    },
}
"""The job variables that the fields become."""

DEFAULTS: dict[str, dict[str, str]] = {
    "docker-container": {"registry_credentials": block("docker-registry-credentials")},
    "kubernetes-job": {"cluster_config": block("kubernetes-cluster-config")},
    "ecs-task": {"aws_credentials": block("aws-credentials")},
    "cloud-run-job": {"credentials": block("gcp-credentials")},
    "vertex-ai-custom-training-job": {"credentials": block("gcp-credentials")},
    "azure-container-instance-job": {"aci_credentials": block("azure-container-instance-credentials")},
}
"""What becomes a default of the pool's base job template: the blocks inside of the block."""

"""YAML that describes deployments: what `prefect deployment build` wrote, `prefect.yaml` of 2.10 to 2.20, and the first projects' `deployment.yaml`.

A file is one of these by its shape, and any other YAML is left alone. `.prefectignore` needs no rule: the steps `push_to_s3`, `push_to_gcs` and
`push_to_azure_blob_storage` and the file systems read it on 3.x as on 2.x.
"""

from __future__ import annotations

from migrator.rules.base import Rule
from migrator.rules.deployment_files.deployment_yaml import deployment_yaml
from migrator.rules.deployment_files.prefect_yaml import prefect_yaml
from migrator.rules.deployment_files.project_deployment import project_deployment

RULES: tuple[Rule, ...] = (deployment_yaml, prefect_yaml, project_deployment)

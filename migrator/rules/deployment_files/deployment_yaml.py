"""The deployment YAML of `prefect deployment build`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Optional

from migrator.findings import Applicability, Change, Edit, Severity
from migrator.rules.base import DocumentContext, Draft, Mend, document_rule, upwards
from migrator.sources.documents import Kind

if TYPE_CHECKING:
    from migrator.deployments.entries import Entry
    from migrator.rules.deployment_files.tree import Tree

Key = tuple[str, str]
"""A deployment, by its name and entrypoint."""

_WORDS = ("flow_name", "parameter_openapi_schema", "infra_overrides", "infrastructure")
_ONLY_THERE = frozenset(
    {"parameter_openapi_schema", "infra_overrides", "infrastructure", "manifest_path", "entrypoint", "work_queue_name"}
)
_GENERATED = re.compile(
    r"#+\s*(?:A complete description of a Prefect Deployment for flow .*|DO NOT EDIT BELOW THIS LINE|The work queue that will handle this deployment's runs)?\s*\Z"
)


@document_rule(
    "PF330",
    "deployment-yaml",
    Severity.ERROR,
    "unsafe",
    "https://docs.prefect.io/v3/how-to-guides/deployments/prefect-yaml",
)
def deployment_yaml(context: DocumentContext) -> Iterator[Draft]:
    """Move a deployment YAML of Prefect 2 into `prefect.yaml`.

    What `prefect deployment build` wrote and `prefect deployment apply` registered: Prefect 3 has neither command, and reads deployments from the list in
    `prefect.yaml`. The fix adds the deployment to that file and takes this one away. Comments that somebody wrote are kept above the entry.

    The `prefect.yaml` is that of the directory from which the entrypoint can be found, since `prefect deploy` loads the flow from where it is run; it is made
    there if need be. Its name, version, tags, description, parameters, schedules, triggers and queue are carried over as they are. `path` and `storage` become
    `pull` steps of the deployment itself; `infrastructure` and `infra_overrides` become `job_variables` of its work pool.

    ## Example

    ```yaml etl-deployment.yaml
    ###
    ### A complete description of a Prefect Deployment for flow 'my-etl'
    ###
    name: nightly
    description: null
    version: "1"
    # The work queue that will handle this deployment's runs
    work_queue_name: etl
    work_pool_name: my-pool
    tags: [prod]
    parameters:
      day: today
    # before anybody is at work
    schedule:
      cron: 0 5 * * *
      timezone: Europe/Paris
      day_or: true
    infra_overrides:
      env.LEVEL: DEBUG
    infrastructure:
      type: process
      env: {}
      _block_type_slug: process

    ###
    ### DO NOT EDIT BELOW THIS LINE
    ###
    flow_name: my-etl
    manifest_path: null
    storage: null
    path: /srv/flows
    entrypoint: flows/etl.py:etl
    parameter_openapi_schema: {}
    ```

    ## Use instead

    ```yaml prefect.yaml
    # Register these deployments with: prefect deploy --all
    deployments:
      # before anybody is at work
      - name: nightly
        version: "1"
        tags:
          - prod
        entrypoint: flows/etl.py:etl
        parameters:
          day: today
        enforce_parameter_schema: false
        schedules:
          - cron: "0 5 * * *"
            timezone: Europe/Paris
        pull:
          - prefect.deployments.steps.set_working_directory:
              directory: /srv/flows
        work_pool:
          name: my-pool
          work_queue_name: etl
          job_variables:
            env:
              LEVEL: DEBUG
    ```

    ## Fix safety

    Unsafe: the file goes, and what still applies it (a script on Prefect 2, a runbook) has to follow. The finding says what else to look at: a deployment of an
    agent has no pool (`--work-pool` names one, else `prefect.yaml` takes it from `PREFECT_DEFAULT_WORK_POOL_NAME`), and a field of a block may have no counterpart.
    """
    document = context.document
    if document.kind is not Kind.YAML or not all(word in document.text for word in ("name:", "flow_name:")):
        return
    if not any(word in document.text for word in _WORDS):
        return
    from migrator.deployments.entries import entry_of, strange_steps
    from migrator.rules.deployment_files.tree import YAMLError, place, tree_of

    try:
        tree = tree_of(document.text)
        found = deployments_in(tree)
    except YAMLError as error:
        if "A complete description of a Prefect Deployment" in document.text:
            at, why = place(error, document.text)
            row, column = document.index.position(at)
            yield context.draft(
                at, at, f"A deployment YAML of Prefect 2, and no YAML: line {row}, column {column}: {why}"
            )
        return
    if not found:
        return
    entries = [entry_of(_with_entrypoint(data, context), work_pool=context.target.work_pool) for data in found]
    home = home_of_entries(document.path, [str(entry.data.get("entrypoint") or "") for entry in entries], context)
    target = os.path.join(home, "prefect.yaml")
    notes = list(dict.fromkeys(note for entry in entries for note in entry.notes))
    there = context.read(target) or ""
    strange = sorted({steps for entry in entries if there and (steps := strange_steps(there, entry))})
    notes += [
        f"the `{steps}` steps that {os.path.basename(target)} has for every deployment are not its own"
        for steps in strange
    ]
    message = "Prefect 3 has no `prefect deployment apply`: a deployment is an entry of `prefect.yaml`"
    if notes:
        message += ". To look at: " + "; ".join(notes)
    mend: Optional[Mend] = None
    rival = rival_of(document.path, document.text, context)
    if rival:
        message += f"; by hand, for {rival} says otherwise of a deployment of the same name and entrypoint, and only one can be there"
    elif all(entry.data.get("name") and entry.data.get("entrypoint") for entry in entries):
        comment = "\n".join(comments_of(tree))
        mend = Mend(
            Applicability.UNSAFE,
            f"Move the deployment to {os.path.relpath(target, os.path.dirname(document.path) or '.')}",
            lambda: [Edit(0, len(document.text), "")],
            lambda: [Change(target, lambda text: _with(text, entries, comment))],
            removes=True,
        )
    start = int(tree.roots[0].start_mark.index)
    yield context.draft(start, max(start, document.text.find("\n", start)), message, mend)


def deployments_in(tree: Tree) -> list[dict[str, Any]]:
    """The deployments that a text describes, one a document (2.0 read several from a file); none where one of them is something else."""
    from migrator.deployments.entries import parsed_all
    from migrator.rules.deployment_files.tree import MappingNode, pairs

    for root in tree.roots:
        keys = {pair.name for pair in pairs(root)}
        if not isinstance(root, MappingNode) or {"apiVersion", "kind", "deployments"} & keys:
            return []
        if not {"name", "flow_name"} <= keys or not _ONLY_THERE & keys:
            return []
    return [data for data in parsed_all(tree.text) if isinstance(data, dict)]


def rival_of(path: str, text: str, context: DocumentContext) -> str:
    """The `prefect.yaml` that would take the deployments of a file, or another deployment YAML that would become a part of it, where that says
    otherwise of a deployment of the same name and entrypoint; "" for none."""
    pool = context.target.work_pool
    own = _said(text, pool)
    if not own:
        return ""
    home = home_of_entries(path, [entrypoint for _, entrypoint in own], context)
    target = os.path.join(home, "prefect.yaml")

    def differs(theirs: Mapping[Key, Any]) -> bool:
        return any(own[key] != theirs[key] for key in own.keys() & theirs.keys())

    if target != path and differs(_entries_in(context.read(target) or "")):
        return os.path.relpath(target, os.path.dirname(path) or ".")
    files = _files_by_deployment(context)
    for other in sorted({other for key in own for other in files.get(key, ())} - {target, path}):
        theirs = _said(context.read(other) or "", pool)
        if differs(theirs) and home_of_entries(other, [entrypoint for _, entrypoint in theirs], context) == home:
            return os.path.relpath(other, os.path.dirname(path) or ".")
    return ""


def _files_by_deployment(context: DocumentContext) -> Mapping[Key, list[str]]:
    """The deployment YAMLs of the project, by the deployments that they describe; each is read once for all."""
    pool = context.target.work_pool
    question = "files by deployment", pool
    known: Optional[dict[Key, list[str]]] = context.project.shared.get(question)
    if known is None:
        known = context.project.shared[question] = {}
        for path in context.project.documents():
            if path.endswith((".yaml", ".yml")):
                for key in _said(context.read(path) or "", pool):
                    known.setdefault(key, []).append(path)
    return known


@lru_cache(maxsize=1024)
def _said(text: str, work_pool: Optional[str]) -> dict[Key, Any]:
    """What a deployment YAML says of each deployment, by its name and entrypoint; nothing for a text that is none."""
    if not all(word in text for word in ("name:", "flow_name:", "entrypoint:")):
        return {}
    from migrator.deployments.entries import entry_of
    from migrator.rules.deployment_files.tree import YAMLError, tree_of

    try:
        entries = [entry_of(data, work_pool=work_pool) for data in deployments_in(tree_of(text))]
    except YAMLError:
        return {}
    return _by_key(entry.data for entry in entries)


@lru_cache(maxsize=64)
def _entries_in(text: str) -> dict[Key, Any]:
    """The entries of a `prefect.yaml`."""
    if "deployments" not in text:
        return {}
    from migrator.deployments.entries import parsed
    from migrator.rules.deployment_files.tree import YAMLError

    try:
        data = parsed(text)
    except YAMLError:
        return {}
    items = data.get("deployments") if isinstance(data, dict) else None
    return _by_key(item for item in items or () if isinstance(item, dict)) if isinstance(items, list) else {}


def _by_key(items: Iterable[dict[str, Any]]) -> dict[Key, Any]:
    """Entries by name and entrypoint. `build` is left out, which is added where the file has build steps."""
    return {
        (str(item.get("name")), str(item.get("entrypoint"))): {k: v for k, v in item.items() if k != "build"}
        for item in items
    }


def comments_of(tree: Tree) -> list[str]:
    """The comments that somebody wrote: those that Prefect puts there are left out."""
    return [comment for comment in tree.comments() if not _GENERATED.match(comment)]


def _with(text: str, entries: Sequence[Entry], comment: str) -> str:
    from migrator.deployments.entries import add_entry

    for entry in entries:
        text = add_entry(text, entry, comment)
        comment = ""
    return text


def _with_entrypoint(data: dict[str, Any], context: DocumentContext) -> dict[str, Any]:
    """The deployment with the entrypoint of its manifest, where it has only that (2.0)."""
    manifest = data.get("manifest_path")
    if data.get("entrypoint") or not isinstance(manifest, str):
        return data
    for directory in _within_repository(context.document.path):
        text = context.read(os.path.join(directory, manifest))
        if text is not None:
            try:
                held = json.loads(text)
            except ValueError:
                return data
            return {**data, "entrypoint": held.get("import_path")} if isinstance(held, dict) else data
    return data


def home_of_entries(path: str, entrypoints: Sequence[str], context: DocumentContext) -> str:
    """The directory whose `prefect.yaml` takes the deployments: the nearest in which their entrypoints are found, else the nearest that has one."""
    directories = list(_within_repository(path))
    files = [entrypoint.rpartition(":")[0] for entrypoint in entrypoints]
    for directory in directories:
        if all(
            file and not os.path.isabs(file) and context.read(os.path.join(directory, file)) is not None
            for file in files
        ):
            return directory
    for directory in directories:
        if context.read(os.path.join(directory, "prefect.yaml")) is not None:
            return directory
    return directories[0]


def _within_repository(path: str) -> Iterator[str]:
    """The directory of a file and those above it, up to the one that holds a repository."""
    for directory in islice(upwards(path), 40):
        yield directory
        if os.path.exists(os.path.join(directory, ".git")):
            return

"""`deployment.yaml` of the projects of Prefect 2.10."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from migrator.findings import Applicability, Change, Edit, Severity, apply_edits
from migrator.rules.base import DocumentContext, Draft, Mend, Target, document_rule
from migrator.sources.documents import Kind

if TYPE_CHECKING:
    from migrator.rules.deployment_files.tree import Tree


@document_rule(
    "PF332",
    "project-deployment-yaml",
    Severity.ERROR,
    "safe",
    "https://docs.prefect.io/v3/how-to-guides/deployments/prefect-yaml",
)
def project_deployment(context: DocumentContext) -> Iterator[Draft]:
    """Move the deployments of a project's `deployment.yaml` into `prefect.yaml`.

    `prefect project init` of 2.10 made two files: `prefect.yaml` with the steps and `deployment.yaml` with the deployments. From 2.10.13 on both are one, and
    Prefect 3 reads `prefect.yaml` alone. The fix moves the entries as they are written, comments and templating with them, mends in them what `prefect-yaml` (PF331)
    would mend without risk, and takes the file away.

    ## Example

    ```yaml deployment.yaml
    deployments:
      # every night
      - name: nightly  # do not rename
        entrypoint: flows/etl.py:etl
        schedule:
          cron: "0 5 * * *"
        tags: ["{{ $STAGE }}"]
        work_pool:
          name: my-pool
    ```

    ```yaml prefect.yaml
    name: my-project
    pull:
      - prefect.deployments.steps.set_working_directory:
          directory: /srv/flows
    ```

    ## Use instead

    ```yaml prefect.yaml
    name: my-project
    pull:
      - prefect.deployments.steps.set_working_directory:
          directory: /srv/flows

    deployments:
      # every night
      - name: nightly  # do not rename
        entrypoint: flows/etl.py:etl
        enforce_parameter_schema: false
        schedules:
          - cron: "0 5 * * *"
        tags: ["{{ $STAGE }}"]
        work_pool:
          name: my-pool
    ```

    ## Fix safety

    Safe: the entries say what they said. An entry that `prefect.yaml` has already, by name and entrypoint, is replaced by that of `deployment.yaml`, as 2.10 did.
    """
    document = context.document
    if document.kind is not Kind.YAML or os.path.basename(document.path) not in ("deployment.yaml", "deployment.yml"):
        return
    if "work_pool:" not in document.text:
        return
    from migrator.rules.deployment_files.tree import YAMLError, tree_of

    try:
        entries = entries_in(document.text, context.target)
    except YAMLError:
        return
    if not entries:
        return
    target = os.path.join(os.path.dirname(document.path), "prefect.yaml")
    mend = Mend(
        Applicability.SAFE,
        "Move the deployments to prefect.yaml",
        lambda: [Edit(0, len(document.text), "")],
        lambda: [Change(target, lambda text: _with(text, entries))],
        removes=True,
    )
    start = int(tree_of(document.text).roots[0].start_mark.index)
    message = "Prefect 3 reads no `deployment.yaml`: deployments are a list in `prefect.yaml`"
    yield context.draft(start, max(start, document.text.find("\n", start)), message, mend)


def entries_in(text: str, target: Target) -> list[tuple[dict[str, Any], str, str]]:
    """The entries of a project's `deployment.yaml`, as 3.x reads them: data, lines from the dash on, and the comments above. Raises YAMLError."""
    from migrator.deployments.entries import item_spans, parsed, written
    from migrator.rules.deployment_files.tree import MappingNode, SequenceNode, get, is_flow, items, pairs, tree_of

    root = next(iter(tree_of(text).roots), None)
    keys = {pair.name for pair in pairs(root)}
    if not isinstance(root, MappingNode) or {"apiVersion", "kind", "metadata", "spec"} & keys or is_flow(root):
        return []
    if "deployments" not in keys:  # 2.10.0 to 2.10.5 had one deployment a file
        if not {"name", "entrypoint", "work_pool"} <= keys and not {"name", "flow_name", "work_pool"} <= keys:
            return []
        start = int(root.start_mark.index)
        dashed = "deployments:\n" + text[:start] + "- " + text[start:].replace("\n", "\n  ").rstrip(" ")
        return entries_in(dashed, target)
    if not any(get(item, "work_pool") is not None for item in items(get(root, "deployments"))):
        return []
    mended = _mended("prefect-version: 2.10.0\n" + text, target)
    tree = tree_of(mended)
    listed = get(tree.roots[0], "deployments")
    data = parsed(mended)["deployments"]
    if not isinstance(listed, SequenceNode) or listed.flow_style or "<<" in mended or _has_alias(tree):
        return [
            (each, "\n".join(line[2:] for line in written([each]).splitlines()), "")
            for each in data
            if isinstance(each, dict)
        ]
    found: list[tuple[dict[str, Any], str, str]] = []
    column = listed.start_mark.column
    previous = mended.find("\n", mended.rfind("deployments", 0, listed.start_mark.index)) + 1
    for each, (start, end) in zip(data, item_spans(mended, listed)):
        above = [line.strip() for line in mended[previous:start].splitlines() if line.strip().startswith("#")]
        previous = end
        if isinstance(each, dict) and each.get("name"):
            lines = "\n".join(line[column:] for line in mended[start:end].splitlines())
            found.append((each, lines, "\n".join(above)))
    return found


def _mended(text: str, target: Target) -> str:
    """The text with every safe fix of `prefect-yaml`; those that touch one another come in turn."""
    from migrator.rules.deployment_files.prefect_yaml import drafts_of
    from migrator.rules.deployment_files.tree import tree_of

    for _ in range(10):
        edits: list[Edit] = []
        for draft in drafts_of(tree_of(text), target):
            if draft.mend is not None and draft.mend.applicability is Applicability.SAFE:
                new = draft.mend.rendered
                if not any(a.start <= b.end and b.start <= a.end for a in new for b in edits):
                    edits.extend(new)
        if not edits:
            return text
        text = apply_edits(text, edits)
    return text


def _has_alias(tree: Tree) -> bool:
    from ruamel.yaml.tokens import AliasToken

    return any(isinstance(token, AliasToken) for token in tree.tokens)


def _with(text: str, entries: list[tuple[dict[str, Any], str, str]]) -> str:
    from migrator.deployments.entries import add_item

    for data, lines, comment in entries:
        text = add_item(text, data, lines, comment)
    return text

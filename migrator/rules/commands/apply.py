"""`prefect deployment apply`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Optional

from migrator.deployments.commands import Unwritable, removed, replaced
from migrator.deployments.options import APPLY, line_of
from migrator.findings import Severity
from migrator.rules.base import DocumentContext, Draft, document_rule, upwards
from migrator.rules.commands.build import outcomes
from migrator.rules.commands.outcome import ByHand, Outcome, draft_of, plain_path, renamed_command
from migrator.rules.commands.shared import DEPLOY, found, since_both


@document_rule("PF351", "deployment-apply-command", Severity.ERROR, "unsafe", DEPLOY)
def deployment_apply(context: DocumentContext) -> Iterator[Draft]:
    """Replace `prefect deployment apply` by `prefect deploy`.

    Prefect 3 has no `deployment apply`, and reads no deployment YAML: deployments are entries of `prefect.yaml` (PF330 moves the file there), and
    `prefect deploy -n FLOW/NAME` registers one of them. Where the file was written by a `deployment build` in the same text, the one `prefect deploy` that the
    build becomes does both.

    ## Example

    ```bash deploy.sh
    prefect deployment apply etl-deployment.yaml --upload
    ```

    ```yaml etl-deployment.yaml
    name: nightly
    flow_name: etl
    work_pool_name: my-pool
    entrypoint: flows/etl.py:etl
    parameter_openapi_schema: {}
    ```

    ## Use instead

    ```bash deploy.sh
    prefect --no-prompt deploy -n etl/nightly
    ```

    ```yaml etl-deployment.yaml
    name: nightly
    flow_name: etl
    work_pool_name: my-pool
    entrypoint: flows/etl.py:etl
    parameter_openapi_schema: {}
    ```

    ## Fix safety

    Unsafe: the command looks for `prefect.yaml` where it is run, and nothing is uploaded unless the file has `push` steps.
    """
    applies = [command for command in found(context.document) if command.name == ("deployment", "apply")]
    if not applies:
        return
    builds = outcomes(context)
    message = "Prefect 3 has no `prefect deployment apply`"
    both = since_both(context, "2.10", "`prefect deploy`")
    for command in applies:
        paired = [build for build in builds if command in build.pairs]
        if paired:
            said = f"{message}: the `prefect deploy` that the build before it becomes registers at once"
            yield draft_of(
                context, Outcome(command, paired[0].line, paired[0].edits, paired[0].changes), command, said, both
            )
            continue
        outcome = Outcome(command, line_of(command, APPLY))
        try:
            _apply(context, outcome, [build for build in builds if build.command.end <= command.start])
        except (ByHand, Unwritable) as error:
            outcome.why = str(error)
        yield draft_of(
            context, outcome, command, f"{message}: `prefect deploy` registers an entry of `prefect.yaml`", both
        )


def _apply(context: DocumentContext, outcome: Outcome, builds: list[Outcome]) -> None:
    command, line = outcome.command, outcome.line
    files = line.all("PATHS")
    if line.unknown or line.all("--limit") or not files:
        raise ByHand(
            "its arguments are not known" if not files or line.unknown else "its `--limit` is that of the queue"
        )
    edits = renamed_command(command)
    for given in files:
        if any(build.output == plain_path(given.value) for build in builds):
            raise ByHand("it belongs to the build before it")
        full = None if given.dynamic else _deployment_in(context, given.value)
        if full is None:
            raise ByHand(
                f"the deployment of `{given.value}` is not known: `prefect deploy -n NAME` (or `--all`) once it is an entry of `prefect.yaml`"
            )
        edits.append(replaced(command, given.words[0], "-n", full))
    for given in line.all("--upload"):
        edits += removed(command, *given.words)
    outcome.edits = edits
    outcome.notes.append("run PF330's fix, too, which moves the file to `prefect.yaml`")


def _deployment_in(context: DocumentContext, file: str) -> Optional[str]:
    """`FUNCTION/NAME` of a deployment YAML, looked for from the document's directory upwards. Raises ByHand where the entry cannot be named there."""
    from migrator.deployments.entries import parsed

    for directory in upwards(context.document.path):
        text = context.read(os.path.join(directory, file))
        if text is not None:
            try:
                data = parsed(text)
            except Exception:
                return None
            name, entrypoint = (data.get("name"), data.get("entrypoint")) if isinstance(data, dict) else (None, None)
            if name and entrypoint:
                _same_place(context, os.path.normpath(os.path.join(directory, file)), text, directory, str(entrypoint))
            return f"{str(entrypoint).rpartition(':')[2]}/{name}" if name and entrypoint else None
    return None


def _same_place(context: DocumentContext, path: str, text: str, directory: str, entrypoint: str) -> None:
    """Raises ByHand where the file does not become an entry of the `prefect.yaml` in the directory from which it is named."""
    from migrator.rules.deployment_files.deployment_yaml import home_of_entries, rival_of

    rival = rival_of(path, text, context)
    if rival:
        raise ByHand(f"{rival}, beside {os.path.basename(path)}, says otherwise of a deployment of the same name")
    home = home_of_entries(path, [entrypoint], context)
    if os.path.normpath(home) != os.path.normpath(directory or "."):
        place = os.path.relpath(home, directory or ".")
        raise ByHand(f"the deployment goes to the `prefect.yaml` of `{place}`: `prefect deploy` has to run there")


RULES = (deployment_apply,)

"""`prefect agent start`, and what stands around agents: queues, pools, manifests."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from migrator.deployments.commands import Command, Unwritable, inserted, put_before, removed, replaced
from migrator.deployments.options import Line
from migrator.findings import Applicability, Edit, Severity
from migrator.rules.base import DocumentContext, Draft, Mend, document_rule
from migrator.rules.commands.shared import WORKERS, create_pool, default_pool, each, named, since_both
from migrator.sources.documents import Kind

_AGENTS_POOL = "default-agent-pool"
_HAS_A_SHELL = frozenset({Kind.SHELL, Kind.MAKEFILE, Kind.MARKUP, Kind.DOCKERFILE})


@document_rule("PF352", "agent-start-command", Severity.ERROR, "unsafe", WORKERS)
def agent_start(context: DocumentContext) -> Iterator[Draft]:
    """Replace `prefect agent start` by `prefect worker start`.

    Prefect 3 has no agents. A worker serves one work pool, all its queues or those that are named, and starts the runs as the pool's type says; an agent took
    them from queues of any name. `--work-pool NAME` says which pool, else the command takes it from `PREFECT_DEFAULT_WORK_POOL_NAME`.

    ## Example

    ```bash agent.sh
    exec prefect agent start --pool my-pool -q etl --limit 5 --hide-welcome
    ```

    ## Use instead

    ```bash agent.sh
    exec prefect worker start --pool my-pool -q etl --limit 5
    ```

    ## Fix safety

    Unsafe: the pool has to be there, and must not be of type `prefect-agent`, which workers refuse; the deployments have to name it.
    """
    for command, _, line in each(context, "agent start"):
        message = "Prefect 3 has no agents: a worker takes the runs of a work pool"
        both = since_both(context, "2.10", "`prefect worker start`")
        try:
            edits, notes = _worker(context, command, line)
        except Unwritable as error:
            yield context.draft(command.start, command.end, f"{message}; by hand, for {error}{both}")
            continue
        message += ". To look at: " + "; ".join(notes) + both
        mend = Mend(Applicability.UNSAFE, "Start a worker", _fixed(edits))
        yield context.draft(command.start, command.end, message, mend)


def _fixed(edits: list[Edit]) -> Callable[[], list[Edit]]:
    return lambda: edits


def _worker(context: DocumentContext, command: Command, line: Line) -> tuple[list[Edit], list[str]]:
    """The edits and what to look at. Raises Unwritable where there is no fix."""
    if line.unknown:
        raise Unwritable(f"`{line.unknown[0].raw}` is no option that is known")
    if line.all("--match"):
        raise Unwritable(
            "a worker takes no prefix of queues (`-m`): name the queues, or leave them out to take all of the pool"
        )
    if line.all("--tag"):
        raise Unwritable("queues have no tags: name the queues")
    group, start = named(command)
    edits = [replaced(command, group, "worker")]
    for given in line.repeated:
        if given.row.spellings[0] not in ("--work-queue", "--hide-welcome", "--api"):
            edits += removed(command, *given.words)
    notes: list[str] = []
    pool = line.last("--pool")
    if pool is None or pool.value == _AGENTS_POOL:
        new = default_pool(context, command)
        if new is None:
            raise Unwritable(
                "no shell puts in the name of the work pool here: run the migrator with `--work-pool NAME`"
            )
        notes.append(create_pool(context))
        if pool is None:
            edits.append(inserted(command, start, "--pool", new))
        elif pool.value_word is not None:
            edits.append(replaced(command, pool.value_word, new))
        else:
            edits.append(replaced(command, pool.words[0], "--pool", new))
    else:
        notes.append(
            f"the pool {pool.value!r} must not be one of agents (type `prefect-agent`), which no worker takes: delete it and "
            f"`prefect work-pool create {pool.value} --type process`, or the type of your infrastructure"
        )
    for given in line.all("WORK_QUEUE"):
        edits.append(put_before(command, given.words[0], "-q"))
    for given in line.all("--hide-welcome"):
        edits += removed(command, *given.words)
    for given in line.all("--api"):
        if command.lead != command.start or context.document.kind not in _HAS_A_SHELL or given.value_word is None:
            raise Unwritable("a worker has no `--api`: set `PREFECT_API_URL` for it")
        edits.append(Edit(command.start, command.start, command.spell(f"PREFECT_API_URL={given.value_word.raw} ")))
        edits += removed(command, *given.words)
    return edits, notes


_CHARTS = {"agent": "prefect-worker", "server": "prefect-server", "orion": "prefect-server"}


@document_rule(
    "PF354", "kubernetes-manifest-command", Severity.ERROR, "none", "https://docs.prefect.io/v3/advanced/server-helm"
)
def kubernetes_manifest(context: DocumentContext) -> Iterator[Draft]:
    """Install workers and servers on Kubernetes with Prefect's Helm charts.

    Prefect 3 has no `prefect kubernetes manifest`. Its charts `prefect-worker` and `prefect-server` make what the manifests of agent and server made, and the
    manifest of a flow run's job is in the base job template of a work pool (`prefect work-pool get-default-base-job-template --type kubernetes`).

    ## Example

    ```bash install.sh
    prefect kubernetes manifest agent --image-tag 2.20-python3.11 | kubectl apply -f -
    ```

    ## Use instead

    ```bash install.sh
    prefect kubernetes manifest agent --image-tag 2.20-python3.11 | kubectl apply -f -
    ```

    by hand: `helm install prefect-worker prefect/prefect-worker --set worker.config.workPool=my-pool`.

    ## Fix safety

    No fix: the values of a chart are chosen by hand.
    """
    for command, _, _ in each(context, *(f"kubernetes manifest {what}" for what in (*_CHARTS, "flow-run-job"))):
        what = command.name[2]
        if what == "flow-run-job":
            instead = "the job of a flow run is in the base job template of a work pool: `prefect work-pool get-default-base-job-template --type kubernetes`"
        else:
            chart = _CHARTS[what]
            instead = f"the Helm chart `{chart}` (`helm repo add prefect https://prefecthq.github.io/prefect-helm`) installs it"
        yield context.draft(command.start, command.end, f"Prefect 3 has no `prefect kubernetes`: {instead}")


_OF_A_POOL = (
    *("work-queue clear-concurrency-limit", "work-queue create", "work-queue delete", "work-queue inspect"),
    *("work-queue pause", "work-queue preview", "work-queue read-runs", "work-queue resume"),
    "work-queue set-concurrency-limit",
)
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


@document_rule("PF355", "work-queue-command", Severity.WARNING, "unsafe", WORKERS)
def work_queue(context: DocumentContext) -> Iterator[Draft]:
    """Name the work pool of a queue, and the type of a pool.

    A queue belongs to a work pool. Without `--pool` these commands speak of `default-agent-pool`, the pool of agents, from which no worker takes a run: the
    queue that is made there, or whose limit is set there, is not the one that deployments use. Queues have no tags, and pools of type `prefect-agent` cannot be
    made any more (nor, without a terminal, one whose type is not said).

    ## Example

    ```bash queues.sh
    prefect work-pool create my-pool --type prefect-agent
    prefect work-queue create etl --pool my-pool --tag nightly
    ```

    ## Use instead

    ```bash queues.sh
    prefect work-pool create my-pool --type process
    prefect work-queue create etl --pool my-pool
    ```

    ## Fix safety

    Unsafe: which pool and which type are right is not in the text (`--work-pool NAME` names the pool); `process` runs flows beside the worker, as agents did
    where a deployment named no infrastructure.
    """
    for command, _, line in each(context, *_OF_A_POOL, "work-pool create"):
        edits: list[Edit] = []
        said: list[str] = []
        severity = Severity.WARNING
        fixable = not line.unknown
        type_ = line.last("--type")
        try:
            if command.name[0] == "work-pool":
                if type_ is None:
                    if not line.given or line.unknown or context.document.kind is Kind.MARKUP:
                        continue  # whom a document tells to do it, the command asks
                    said.append("without a terminal it asks for `--type`, which agents' pools did not need")
                    edits.append(inserted(command, line.given[0].words[-1], "--type", "process"))
                elif type_.value == "prefect-agent":
                    severity = Severity.ERROR
                    said.append("Prefect 3 makes no pools of type `prefect-agent`, and no worker serves one")
                    new = ("process",) if len(type_.words) == 2 else ("--type", "process")
                    edits.append(replaced(command, type_.words[-1], *new))
                else:
                    continue
            else:
                name = line.last("NAME")
                tags = line.all("--tag") if command.name[1] == "create" else ()
                if tags:
                    severity = Severity.ERROR
                    said.append("queues have no tags on Prefect 3: deployments name their queue")
                    for given in tags:
                        edits += removed(command, *given.words)
                pool = line.last("--pool")
                if pool is None and name is not None and not _ID.fullmatch(name.value):
                    said.append(f"without `--pool` the queue is one of `{_AGENTS_POOL}`, which no worker serves")
                    new_pool = default_pool(context, command)
                    fixable = fixable and new_pool is not None
                    if new_pool is not None:
                        edits.append(inserted(command, command.words[-1], "--pool", new_pool))
        except Unwritable:
            fixable = False
        if said:
            message = "; ".join(said)
            mend = Mend(Applicability.UNSAFE, "Say the pool and its type", _fixed(edits)) if fixable and edits else None
            yield context.draft(command.start, command.end, message[0].upper() + message[1:], mend, severity)


RULES = (agent_start, kubernetes_manifest, work_queue)

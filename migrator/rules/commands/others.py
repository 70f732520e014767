"""Commands on schedules, blocks and projects that are gone, and options of `prefect deploy` that are gone."""

from __future__ import annotations

from collections.abc import Iterator

from migrator.deployments.commands import Command, Unwritable, inserted, removed, replaced
from migrator.deployments.options import Line
from migrator.findings import Applicability, Edit, Severity
from migrator.rules.base import DocumentContext, Draft, Mend, document_rule
from migrator.rules.commands.shared import DEPLOY, each, named, since_both


def _mended(applicability: Applicability, message: str, edits: list[Edit]) -> Mend:
    return Mend(applicability, message, lambda: edits)


@document_rule(
    "PF353",
    "set-schedule-command",
    Severity.ERROR,
    "safe or unsafe",
    "https://docs.prefect.io/v3/how-to-guides/deployments/create-schedules",
)
def set_schedule(context: DocumentContext) -> Iterator[Draft]:
    """Replace `prefect deployment set-schedule` by `prefect deployment schedule create`.

    A deployment has any number of schedules since 2.16; the commands that took it for granted that there is one are gone. `schedule create --replace -y` does
    what `set-schedule` did. `pause-schedule` and `resume-schedule` became `schedule pause` and `schedule resume`, which want the id of the schedule
    (`prefect deployment schedule ls FLOW/DEPLOYMENT`).

    ## Example

    ```bash schedules.sh
    prefect deployment set-schedule etl/nightly --cron '0 3 * * *' --timezone Europe/Berlin
    prefect deployment set-schedule etl/hourly --no-schedule
    ```

    ## Use instead

    ```bash schedules.sh
    prefect deployment schedule create etl/nightly --cron '0 3 * * *' --timezone Europe/Berlin --replace -y
    prefect deployment schedule clear etl/hourly -y
    ```

    ## Fix safety

    Safe; unsafe for both majors, since Prefect 2 has `deployment schedule` from 2.16 on.
    """
    both = since_both(context, "2.16", "`prefect deployment schedule`")
    safety = Applicability.UNSAFE if context.target.both else Applicability.SAFE
    for command, _, line in each(context, "deployment set-schedule"):
        message = (
            "Prefect 3 has no `prefect deployment set-schedule`: `prefect deployment schedule create --replace` does it"
        )
        try:
            edits = _create(command, line)
        except Unwritable as error:
            yield context.draft(command.start, command.end, f"{message}; by hand, for {error}{both}")
            continue
        mend = _mended(safety, "Create the schedule in place of the present one", edits)
        yield context.draft(command.start, command.end, message + both, mend)
    for command, _, _ in each(context, "deployment pause-schedule", "deployment resume-schedule"):
        verb = command.name[1].partition("-")[0]
        message = f"Prefect 3 has no `prefect deployment {command.name[1]}`: `prefect deployment schedule {verb} NAME ID` wants the id of the schedule, which `prefect deployment schedule ls NAME` shows"
        yield context.draft(command.start, command.end, message + both)


def _create(command: Command, line: Line) -> list[Edit]:
    """The edits. Raises Unwritable where there is no fix."""
    if line.unknown or not line.all("NAME"):
        raise Unwritable("its arguments are not known")
    clears = bool(line.all("--no-schedule"))
    if clears and any(line.all(option) for option in ("--cron", "--interval", "--rrule")):
        raise Unwritable("it sets a schedule and takes it away")
    edits = [replaced(command, named(command)[1], "schedule", "clear" if clears else "create")]
    edits.append(inserted(command, command.words[-1], *(("-y",) if clears else ("--replace", "-y"))))
    for given in (*line.all("--no-schedule"), *line.all("--deprecated")):
        edits += removed(command, *given.words)
    for given in line.all("--day_or"):
        if given.value.lower() not in ("true", "1", "yes", "on"):
            raise Unwritable("`--day_or false` cannot be said before 3.6, where it is `--no-day_or`")
        edits += removed(command, *given.words)
    return edits


_GONE_MODULES = {
    "prefect.infrastructure": "infrastructure blocks are work pools on Prefect 3",
    "prefect.infrastructure.container": "infrastructure blocks are work pools on Prefect 3",
    "prefect.infrastructure.kubernetes": "infrastructure blocks are work pools on Prefect 3",
    "prefect.infrastructure.process": "infrastructure blocks are work pools on Prefect 3",
    "prefect.blocks.kubernetes": "`KubernetesClusterConfig` is in `prefect_kubernetes`",
    "prefect_aws.ecs": "`ECSTask` is the work pool type `ecs`",
    "prefect_gcp.cloud_run": "`CloudRunJob` is the work pool type `cloud-run-v2`",
    "prefect_gcp.aiplatform": "`VertexAICustomTrainingJob` is the work pool type `vertex-ai`",
    "prefect_azure.container_instance": "`AzureContainerInstanceJob` is the work pool type `azure-container-instance`",
}


@document_rule("PF357", "block-register-command", Severity.ERROR, "safe or unsafe")
def block_register(context: DocumentContext) -> Iterator[Draft]:
    """Register no blocks of modules that are gone.

    `prefect block register` is the same on Prefect 3, but the modules of infrastructure blocks are not there any more, and the command fails: work pools took
    their place. `KubernetesClusterConfig` is in `prefect_kubernetes`.

    ## Example

    ```bash blocks.sh
    prefect block register -m prefect.blocks.kubernetes
    prefect block register -m prefect_aws
    ```

    ## Use instead

    ```bash blocks.sh
    prefect block register -m prefect_kubernetes
    prefect block register -m prefect_aws
    ```

    ## Fix safety

    Unsafe: `prefect_kubernetes` registers its other blocks, too. The commands that name a module of infrastructure blocks have no fix: take them out when the
    work pool is there.
    """
    for command, _, line in each(context, "block register"):
        module = line.last("--module")
        if module is None or module.value not in _GONE_MODULES or context.target.both:
            continue
        message = f"The module `{module.value}` has no blocks on Prefect 3: {_GONE_MODULES[module.value]}"
        mend = None
        if module.value == "prefect.blocks.kubernetes" and module.value_word is not None:
            edits = [replaced(command, module.value_word, "prefect_kubernetes")]
            mend = _mended(Applicability.UNSAFE, "Register the blocks of `prefect_kubernetes`", edits)
        yield context.draft(command.start, command.end, message, mend)


@document_rule("PF356", "gone-deploy-option", Severity.ERROR, "safe or unsafe", DEPLOY)
def gone_options(context: DocumentContext) -> Iterator[Draft]:
    """Leave out options of `prefect deploy` that are gone, and commands of projects.

    `--ci` (2.10 to 2.17) is `prefect --no-prompt deploy`; `-v` and `--variable` are `--job-variable`, and gone since 3.3; `-f` and `--flow` named flows that
    were registered with the project, of which there are none: the entrypoint says it. `prefect project init` is `prefect init`.

    ## Example

    ```bash deploy.sh
    prefect deploy flows/etl.py:etl -n nightly -p my-pool --ci -v image=etl:1
    prefect project init --recipe git
    ```

    ## Use instead

    ```bash deploy.sh
    prefect --no-prompt deploy flows/etl.py:etl -n nightly -p my-pool --job-variable image=etl:1
    prefect init --recipe git
    ```

    ## Fix safety

    Safe; for both majors unsafe, since `--job-variable` came with 2.16.
    """
    for command, _, line in each(context, "deploy"):
        yield from _deploy(context, command, line)
    for command, _, _ in each(context, "project init"):
        edits = list(removed(command, named(command)[0]))
        mend = _mended(Applicability.SAFE, "Use `prefect init`", edits)
        both = since_both(context, "2.10", "`prefect init`")
        yield context.draft(
            command.start, command.end, f"Prefect 3 has no `prefect project`: `prefect init`{both}", mend
        )
    by_hand = {
        "project clone": "clone the repository with git",
        "project register-flow": "`prefect deploy` takes the entrypoint of a flow, which is not registered before",
        "project recipe ls": "`prefect init` shows the recipes",
        "deployment create": "`DeploymentSpec` and `deployment create` are of the releases before 2.0; `prefect deploy` registers the flow",
    }
    for command, old, _ in each(context, *by_hand):
        yield context.draft(command.start, command.end, f"Prefect 3 has no `prefect {old.name}`: {by_hand[old.name]}")


_ONCE = frozenset({"--pool", "--work-queue", "--version", "--description", "--timezone", "--anchor-date", "--params"})


def _deploy(context: DocumentContext, command: Command, line: Line) -> Iterator[Draft]:
    edits: list[Edit] = []
    said: list[str] = []
    by_hand = False
    safety = Applicability.SAFE
    try:
        if line.all("--ci"):
            said.append("`--ci` is `prefect --no-prompt deploy`")
            for given in line.all("--ci"):
                edits += removed(command, *given.words)
            if not any(word.value == "--no-prompt" for word in command.words):
                edits.append(replaced(command, named(command)[0], "--no-prompt", "deploy"))
        variables = line.all("--variable") if context.target.reaches("3.3") else ()
        if variables:
            said.append("`--variable` is `--job-variable`")
            safety = Applicability.UNSAFE if context.target.both else safety
            for given in variables:
                if given.value_word is None:
                    raise Unwritable
                edits.append(replaced(command, given.words[0], "--job-variable"))
        repeated = [given for given in line.repeated if given.row.spellings[0] in _ONCE]
        if repeated and context.target.reaches("3.6"):
            names = ", ".join(sorted({f"`{given.row.spellings[0]}`" for given in repeated}))
            said.append(f"{names} may be given once from 3.6 on (the last one counted)")
            for given in repeated:
                edits += removed(command, *given.words)
        if line.all("--flow"):
            by_hand = True
            said.append(
                "`--flow` is gone with the flows of a project: write the entrypoint, `path/to/file.py:function`"
            )
    except Unwritable:
        by_hand = True
    if said:
        mend = None if by_hand else _mended(safety, "Use the options of Prefect 3", edits)
        both = since_both(context, "2.16", "`--job-variable`") if variables else ""
        yield context.draft(
            command.start, command.end, f"Prefect 3's `deploy` has other options: {'; '.join(said)}{both}", mend
        )


RULES = (set_schedule, block_register, gone_options)

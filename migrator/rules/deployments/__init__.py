"""Deployments built in Python: `Deployment.build_from_flow` and its kin."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Sequence
from functools import partial

from migrator.findings import Applicability, Change, Severity
from migrator.model.module import Reference
from migrator.rewriting.names import remove_imports_of, uses_of
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.deployments.arguments import URL, Refusal
from migrator.rules.deployments.calls import Plan, planned
from migrator.rules.deployments.edits import is_owned, rewritten
from migrator.rules.deployments.triggers import metric_trigger

_HOMES = ("prefect.deployments", "prefect.deployments.deployments")


@rule("PF301", "deployment-build-from-flow", Severity.ERROR, "safe or unsafe or none", URL)
def deployment_build_from_flow(context: Context) -> Iterator[Draft]:
    """Deploy the flow itself: `flow.from_source(...).deploy(...)`.

    Prefect 3 has no `Deployment`; importing it fails. Its successor is `flow.deploy(...)`, and for code that lies in a directory that the worker can read,
    `flow.from_source(source=..., entrypoint=...).deploy(...)`: it registers what 2.x registered (the current directory, and the flow's file and name in it)
    and runs from there. It needs a work pool, since 3.x has workers in place of agents.

    What the fix does with each argument: `schedule=` becomes `schedules=[...]`, `is_schedule_active=` becomes `paused=`, `infra_overrides=` becomes
    `job_variables=`, `enforce_parameter_schema=False` is added because 3.x turned the default. `storage=` becomes the source that the flow is read from: a
    `GitRepository`, the integration's bucket, a directory. `infrastructure=` becomes `job_variables=` on a work pool of its type, and the message has the
    command that creates that pool; a pool that needs a base job template of its own gets the file beside. What runs in an image and has no storage is deployed
    without `from_source`, with `image=..., build=False, push=False`. An argument without an equivalent is named in the message.
    `Deployment(...)` itself becomes `flow.from_source(source=<its path>, entrypoint=<its entrypoint>)`.
    A deployment that is kept in a variable is built by `to_deployment(...)`, so that its `.apply()` stays. Code at the top level of the flow's own file goes
    under `if __name__ == "__main__":`, because `from_source` imports that file again: unguarded it would deploy without end.

    ## Example
    ```python
    from prefect import flow
    from prefect.deployments import Deployment
    from prefect.client.schemas.schedules import CronSchedule

    @flow
    def etl(table: str = "orders"):
        ...

    Deployment.build_from_flow(
        flow=etl,
        name="nightly",
        schedule=CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin"),
        work_pool_name="default",
        infra_overrides={"env": {"STAGE": "prod"}},
        apply=True,
    )
    ```

    ## Use instead
    ```python
    from prefect import flow
    from prefect.client.schemas.schedules import CronSchedule

    @flow
    def etl(table: str = "orders"):
        ...

    if __name__ == "__main__":
        etl.from_source(source=".", entrypoint="flows.py:etl").deploy(
            name="nightly",
            schedules=[CronSchedule(cron="0 3 * * *", timezone="Europe/Berlin")],
            work_pool_name="default",
            job_variables={"env": {"STAGE": "prod"}},
            enforce_parameter_schema=False,
        )
    ```

    ## Example: with a variable (--target both)
    ```python
    from prefect import flow
    from prefect.deployments import Deployment

    @flow
    def etl():
        ...

    def deploy():
        deployment = Deployment.build_from_flow(etl, "nightly", work_pool_name="default")
        deployment.apply()
    ```

    ## Use instead
    ```python
    from prefect import flow
    from compat import PREFECT_3
    if not PREFECT_3:
        from prefect.deployments import Deployment

    @flow
    def etl():
        ...

    def deploy():
        if PREFECT_3:
            deployment = etl.from_source(
                source=".",
                entrypoint="flows.py:etl",
            ).to_deployment(name="nightly", work_pool_name="default", enforce_parameter_schema=False)
        else:
            deployment = Deployment.build_from_flow(etl, "nightly", work_pool_name="default")
        deployment.apply()
    ```

    ## Example: with blocks
    ```python
    from prefect import flow
    from prefect.deployments import Deployment
    from prefect.filesystems import GitHub
    from prefect.infrastructure import DockerContainer

    @flow
    def etl():
        ...

    def deploy():
        Deployment.build_from_flow(
            etl,
            "nightly",
            storage=GitHub(repository="https://github.com/acme/etl.git", reference="main"),
            infrastructure=DockerContainer(image="acme/etl:7", env={"STAGE": "prod"}),
            work_pool_name="containers",
            apply=True,
        )
    ```

    ## Use instead
    ```python
    from prefect import flow
    from prefect.runner.storage import GitRepository

    @flow
    def etl():
        ...

    def deploy():
        etl.from_source(
            source=GitRepository(url="https://github.com/acme/etl.git", branch="main"),
            entrypoint="flows.py:etl",
        ).deploy(
            name="nightly",
            work_pool_name="containers",
            enforce_parameter_schema=False,
            job_variables={"env": {"STAGE": "prod"}, "image": "acme/etl:7"},
        )
    ```

    ## Fix safety
    Safe where a work pool is named and every argument has its equivalent; run it from the directory from which the 2.x code was run. Unsafe where the work
    pool has to come from `PREFECT_DEFAULT_WORK_POOL_NAME`, a storage or an infrastructure block is translated (nothing is uploaded on 3.x, and the work pool
    has to be made), triggers are passed on, an argument is passed on without being known, or the result is handed on (returned, put into a list, given to a
    function), since it is another object on 3.x. No fix for blocks that cannot be followed to where they are built or loaded, for YAML output alone, nor where
    the guard would take names from functions, classes or the flow.
    """
    yield from _drafts(context)


def _drafts(
    context: Context,
) -> Iterator[Draft]:
    imports = [
        imported
        for imported in context.module.names.imported
        if imported.target in {f"{home}.Deployment" for home in _HOMES} and imported.name == "Deployment"
        and not context.may_fail(imported.parents, imported.statement)
    ]  # fmt: skip
    references = [
        reference
        for reference in context.module.references
        if reference.direct and _is_deployment(reference.qualified) and not _has_fallback(context, reference)
        and not context.may_fail(reference.use.parents, reference.node)
    ]  # fmt: skip
    plans: list[Plan] = []
    refused: list[tuple[Reference, Refusal]] = []
    for reference in references:
        try:
            plans.append(planned(context, reference))
        except Refusal as refusal:
            refused.append((reference, refusal))
    plans = _replanned(context, plans)
    at_odds = list(_at_odds(plans))
    refused += [(plan.reference, refusal) for plan, refusal in at_odds]
    plans = [plan for plan in plans if all(plan is not other for other, _ in at_odds)]
    message = "`Deployment` does not exist on Prefect 3"
    for reference, why in refused:
        yield Draft(reference.start, reference.end, f"{message}: {why.reason}", url=why.url)
    certain = [plan for plan in plans if plan.applicability is Applicability.SAFE]
    for group in (certain, [plan for plan in plans if plan not in certain]):
        if not group:
            continue
        last = not refused and (len(group) == len(plans) or group is not certain)
        gone = imports if last else []
        mend = Mend(
            group[0].applicability,
            "Deploy the flow itself",
            partial(rewritten, context, group, gone),
            partial(_changes, group),
        )
        for plan in group:
            notes = "".join(f". {note[:1].upper()}{note[1:]}" for note in plan.notes)
            told = f"{message}: deploy the flow itself, `{plan.shown}`{notes}"
            yield Draft(plan.reference.start, plan.reference.end, told, mend)
        if last:
            yield from (Draft(i.start, i.end, f"{message}; importing it fails", mend) for i in imports)
    if refused:
        yield from (Draft(i.start, i.end, f"{message}; importing it fails. Rewrite its uses first") for i in imports)
    elif not plans:
        for imported in imports:
            unused = not context.passed_on(imported.local) and not uses_of(context.module, imported)
            mend = Mend(
                Applicability.SAFE,
                "Remove the unused import",
                partial(remove_imports_of, context.module, [imported]),
            )
            yield Draft(imported.start, imported.end, f"{message}; importing it fails", mend if unused else None)


def _replanned(context: Context, plans: list[Plan]) -> list[Plan]:
    """The plans, where the variable of a storage that is read elsewhere stays as it is and the source is written out instead."""
    shared = frozenset(
        plan.storage.held.assignment
        for plan in plans
        if plan.storage is not None
        and plan.storage.held.assignment is not None
        and not is_owned(plan.storage.held, plans)
    )
    return [planned(context, plan.reference, shared) for plan in plans] if shared else plans


def _at_odds(plans: Sequence[Plan]) -> Iterator[tuple[Plan, Refusal]]:
    """The plans whose work pools need different base job templates under one file name: none of them, since the next run would see one alone."""
    templates: dict[str, set[str]] = {}
    for change in _changes(plans):
        templates.setdefault(change.path, set()).add(change.rewrite(""))
    for plan in plans:
        for change in _changes([plan]):
            if len(templates[change.path]) > 1:
                yield (
                    plan,
                    Refusal(
                        f"several deployments need different base job templates, and all would be `{os.path.basename(change.path)}`; "
                        "name a work pool of its own for each (`work_pool_name=`)"
                    ),
                )


def _changes(plans: Sequence[Plan]) -> Iterator[Change]:
    """The base job templates that the deployments' work pools need."""
    for plan in plans:
        yield from plan.infrastructure.changes if plan.infrastructure is not None else ()


def _has_fallback(context: Context, reference: Reference) -> bool:
    """Whether the import may fail and the code goes on without `Deployment`: no handler imports it from elsewhere."""
    imported = reference.imported
    if imported is None or not imported.guarded:
        return False
    return not any(
        _is_deployment(other.target) and any(isinstance(around, ast.ExceptHandler) for around in other.parents)
        for other in context.module.names.imported
        if other.local == imported.local
    )


def _is_deployment(qualified: str) -> bool:
    return any(qualified == f"{home}.Deployment" or qualified.startswith(f"{home}.Deployment.") for home in _HOMES)


RULES = (deployment_build_from_flow, metric_trigger)

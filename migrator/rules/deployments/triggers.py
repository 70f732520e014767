"""Triggers of deployments that ask a metric."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

from migrator.findings import Applicability, Edit, Severity
from migrator.model.names import span
from migrator.rewriting.calls import remove_arguments
from migrator.rewriting.names import add_import, can_add_import, local_name
from migrator.rules.base import Context, Draft, Mend, rule

URL = "https://docs.prefect.io/v3/how-to-guides/automations/creating-deployment-triggers"
_METRIC = "prefect.events.DeploymentMetricTrigger"
_TRIGGERS = frozenset(
    f"{home}.{name}"
    for home in ("prefect.events", "prefect.events.schemas", "prefect.events.schemas.deployment_triggers")
    for name in ("DeploymentTrigger", "DeploymentEventTrigger")
)
_OF_EVENTS = ("after", "expect", "for_each", "threshold", "within")
"""Fields that 2.x's one trigger took no notice of where it asked a metric."""


@rule("PF302", "metric-trigger", Severity.ERROR, "unsafe", URL)
def metric_trigger(context: Context) -> Iterator[Draft]:
    """Ask a metric with `DeploymentMetricTrigger`.

    Prefect 2's `DeploymentTrigger` was for events and for metrics. Prefect 3 has a class for each: `DeploymentEventTrigger` takes no notice of `metric=`,
    and refuses `posture="Metric"`.

    Only Prefect Cloud asks metrics. A server of your own refuses such a trigger on 3.x (422), and the deployment fails; one of Prefect 2 took no notice of it, unless
    `PREFECT_EXPERIMENTAL_EVENTS` was on.

    ## Example
    ```python
    from prefect.events import DeploymentEventTrigger

    trigger = DeploymentEventTrigger(name="slow", posture="Metric", metric=query, expect={"a"})
    ```

    ## Use instead
    ```python
    from prefect.events import DeploymentEventTrigger, DeploymentMetricTrigger

    trigger = DeploymentMetricTrigger(name="slow", posture="Metric", metric=query)
    ```

    ## Fix safety
    Unsafe: without `posture="Metric"` the metric was not asked on Prefect 2 either.
    """
    for reference in context.module.references:
        call = reference.call
        if call is None or reference.qualified not in _TRIGGERS:
            continue
        given = next((each for each in call.keywords if each.arg == "metric"), None)
        if given is None or (isinstance(given.value, ast.Constant) and given.value.value is None):
            continue
        if context.may_fail(reference.use.parents, reference.node):
            continue
        mend = None
        if can_add_import(context.module, _METRIC) and all(each.arg is not None for each in call.keywords):
            mend = Mend(Applicability.UNSAFE, "Use `DeploymentMetricTrigger`", partial(_edits, context, call))
        start, _ = span(given, context.module.index)
        told = "`metric=` is an argument of `DeploymentMetricTrigger` on Prefect 3, which Prefect Cloud alone has; a trigger for events does not take it"
        yield Draft(start, start + len("metric"), told, mend)


def _edits(context: Context, call: ast.Call) -> Iterator[Edit]:
    start, end = span(call, context.module.index)
    _, head = span(call.func, context.module.index)
    text = remove_arguments(context.module.text[start:end], _OF_EVENTS)
    yield Edit(start, end, f"{local_name(context.module, _METRIC)}{text[head - start :]}")
    yield from add_import(context.module, _METRIC)

"""Names that import on Prefect 2 and 3 alike but are not the same thing on 3.

A row says where the name matters: a class of the server is a living thing on 3.x and only breaks where it is handed to
the client or the engine, so its import alone says nothing. Most rows have one cause: the models of 2.x (pydantic 1) took
any model with fitting fields in place of their own, those of 3.x (pydantic 2) refuse it. `tests/test_lookalikes.py`
measures each row on 2.20.26, 3.0.11 and 3.8.8; where `since` is not 3.0 the minors between were measured as well.

Measured to be the same and therefore without a row: `StateType` of the server (equal to the client's, same hash),
sort orders and enums of the server, server filters given whole to a method of the client, `WorkPoolCreate`,
`VariableCreate` and the like of the server given to a method of the client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Optional

from migrator.findings import Applicability, Severity

_DOCS = "https://docs.prefect.io"
_API = f"{_DOCS}/v3/api-ref/python/prefect-"
_STATES = f"{_DOCS}/v3/concepts/states"
_SCHEDULES = f"{_DOCS}/v3/how-to-guides/deployments/create-schedules"
_SECRETS = f"{_DOCS}/v3/how-to-guides/configuration/store-secrets"
_VARIABLES = f"{_DOCS}/v3/concepts/variables"

When = Literal["returned", "argument", "nested", "called", "subscripted", "used"]
"""Where a name matters.

`returned`: the object is returned by a flow or a task, alone or in a list, tuple or set of nothing but states.
`argument`: it is given to a function, method or class of the client, the deployments or the flow.
`nested`: it is given to a class of `prefect.client.schemas`; given to a function or method it works.
`called`: the function or method is called.
`subscripted`: it is written with two types in brackets.
`used`: the attribute is read and its methods are called.
"""


@dataclass(frozen=True)
class Lookalike:
    """A name that 3.x still has, one place where it matters, and what differs there."""

    name: str
    """The dotted name as it is imported, with the member where a member differs. A row also covers every name below it."""
    when: When
    """Where it matters."""
    severity: Severity
    """ERROR: it fails there. WARNING: something else happens in silence. INFO: it does so for rare values only."""
    advice: str
    """What differs and what to do."""
    url: str
    """Prefect's own page."""
    since: str = "3.0"
    """The first 3.x minor whose last release differs from 2.20."""
    inside: Optional[Literal["sync", "async"]] = None
    """The kind of function in which it matters: `async` is a coroutine function; None where it matters in both."""
    new: Optional[str] = None
    """The dotted name that does on every 3.x from `new_since` what `name` did on 2.20; None where a new name is not enough."""
    new_since: str = "3.0"
    """The first 3.x minor that has `new`."""
    new_since_2: Optional[str] = None
    """The first 2.x release that has `new`, which does the same there; None where 2.x has no `new`."""
    compat: Optional[str] = None
    """The function of `compat` to use instead in code for both majors."""
    applicability: Applicability = Applicability.SAFE
    """Whether putting `new` in the place of `name`, where `when` holds, gives what 2.20 did; says nothing without `new`."""


_FINAL = ("Cancelled", "Completed", "Crashed", "Failed")
_NOT_FINAL = (
    "AwaitingRetry",
    "Cancelling",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "Scheduled",
    "Suspended",
)
_STATES_SINCE = {
    "Cancelling": "2.7.10",
    "Completed": "2.0.0",
    "Crashed": "2.0.0",
    "Paused": "2.6.10",
    "State": "2.0.0",
    "Suspended": "2.14.21",
}
_RETURNED_STATE = (
    "3.x takes a state of the server for plain data: the run ends Completed, whatever type, name or message it has, "
    "and a failed one is no longer raised. Return the state of `prefect.states`."
)
_GIVEN_STATE = (
    "The client of 3.x refuses a state of the server with a ValidationError: give it the one of `prefect.states`."
)
_GIVEN_SCHEDULE = (
    "3.x refuses the schedule classes of the server with a ValidationError: use those of `prefect.client.schemas.schedules`, "
    "which have the same fields (but no `get_dates`)."
)
_GIVEN_FILTER = (
    "A filter of the client refuses a part that is a filter of the server with a ValidationError (and the other way "
    "round): take all of them from `prefect.client.schemas.filters`, or give the part as a dictionary."
)
_GIVEN_INPUT = "`task_inputs=` refuses the classes of the server with a ValidationError: use those of `prefect.client.schemas.objects`."
_CONTEXT_CLIENT = (
    "In the context of a sync flow or task 3.x has a `SyncPrefectClient`, whose methods return the answer where those of "
    "2.x returned a coroutine: drop what ran it. Code for both opens its own client with `get_client(sync_client=True)`."
)
_SERVE_IN_LOOP = (
    "`serve` blocks on 3.x and refuses to run where an event loop already runs; 2.x returned a coroutine to await."
)


def _state(name: str, when: When, severity: Severity, advice: str) -> Lookalike:
    return Lookalike(
        f"prefect.server.schemas.states.{name}",
        when,
        severity,
        advice,
        _STATES,
        new=f"prefect.states.{name}",
        new_since_2=_STATES_SINCE.get(name, "2.6.0"),
    )


LOOKALIKES: tuple[Lookalike, ...] = (
    *(_state(name, "returned", Severity.WARNING, _RETURNED_STATE) for name in (*_FINAL, "State")),
    *(_state(name, "argument", Severity.ERROR, _GIVEN_STATE) for name in (*_FINAL, *_NOT_FINAL, "State")),
    Lookalike(
        "prefect.server.schemas.states.State.result",
        "called",
        Severity.ERROR,
        "`result()` of a state of the server fails on 3.x with a ValidationError: make the state with `prefect.states`.",
        _STATES,
    ),
    Lookalike(
        "prefect.server.schemas.states.StateDetails",
        "nested",
        Severity.ERROR,
        "A state of the client refuses the details of the server with a ValidationError.",
        _STATES,
        new="prefect.client.schemas.objects.StateDetails",
        new_since_2="2.10.21",
    ),
    *(
        Lookalike(
            f"prefect.server.schemas.schedules.{name}",
            "argument",
            Severity.ERROR,
            _GIVEN_SCHEDULE,
            _SCHEDULES,
            new=f"prefect.client.schemas.schedules.{name}",
            new_since_2="2.10.12",
        )
        for name in ("CronSchedule", "IntervalSchedule", "RRuleSchedule")
    ),
    Lookalike(
        "prefect.server.schemas.actions.DeploymentScheduleCreate",
        "argument",
        Severity.ERROR,
        "`create_deployment` of the client refuses the class of the server with a ValidationError; its schedule has to be "
        "one of `prefect.client.schemas.schedules` too.",
        _SCHEDULES,
        new="prefect.client.schemas.actions.DeploymentScheduleCreate",
        new_since_2="2.16.0",
    ),
    Lookalike(
        "prefect.server.schemas.filters", "nested", Severity.ERROR, _GIVEN_FILTER, f"{_API}client-schemas-filters"
    ),
    *(
        Lookalike(
            f"prefect.server.schemas.core.{name}",
            "argument",
            Severity.ERROR,
            _GIVEN_INPUT,
            f"{_API}client-schemas-objects",
            new=f"prefect.client.schemas.objects.{name}",
            new_since_2="2.10.21",
        )
        for name in ("Constant", "Parameter", "TaskRunResult")
    ),
    Lookalike(
        "prefect.blocks.system.Secret.get",
        "called",
        Severity.INFO,
        "3.x reads the secret as JSON where it can: '12345' comes back as an int, 'true' as a bool, 'null' as None, "
        "'{\"a\": 1}' as a dict, where 2.x returned the text. `.value.get_secret_value()` returns the text on both.",
        _SECRETS,
    ),
    Lookalike(
        "prefect.variables.Variable.get",
        "called",
        Severity.WARNING,
        "2.x returned a Variable, 3.x returns its value: drop the `.value` behind it.",
        _VARIABLES,
        compat="variable",
    ),
    Lookalike(
        "prefect.states.get_state_result",
        "called",
        Severity.WARNING,
        "A coroutine function from 3.3 on: in sync code the call gives a coroutine that never runs. Call `state.result()`.",
        f"{_API}states",
        since="3.3",
        inside="sync",
    ),
    Lookalike(
        "prefect.futures.resolve_futures_to_states",
        "called",
        Severity.ERROR,
        "A coroutine function on 2.x, a plain one on 3.x: drop the `await`, or whatever ran the coroutine.",
        f"{_API}futures",
    ),
    Lookalike(
        "prefect.futures.PrefectFuture",
        "subscripted",
        Severity.ERROR,
        "`PrefectFuture[R, Sync]` has one type on 3.x and two on 2.x, else a TypeError: write `PrefectFuture[R]`; for "
        "both, `PrefectFuture` alone or in quotes.",
        f"{_API}futures",
    ),
    *(
        Lookalike(
            f"prefect.context.{name}.client",
            "used",
            Severity.ERROR,
            _CONTEXT_CLIENT,
            f"{_API}context",
            inside="sync",
        )
        for name in ("EngineContext", "FlowRunContext", "TaskRunContext")
    ),
    *(
        Lookalike(
            name,
            "called",
            Severity.ERROR,
            f"{_SERVE_IN_LOOP} Await `aserve` (from 3.1).",
            f"{_API}flows",
            inside="async",
            new="prefect.flows.aserve",
            new_since="3.1",
        )
        for name in ("prefect.serve", "prefect.flows.serve")
    ),
    Lookalike(
        "prefect.flows.Flow.serve",
        "called",
        Severity.ERROR,
        f"{_SERVE_IN_LOOP} Call it from sync code, or await `aserve(await flow.to_deployment(...))` (from 3.1).",
        f"{_API}flows",
        inside="async",
    ),
)

_ROWS: Mapping[tuple[str, str], Lookalike] = {(row.name, row.when): row for row in LOOKALIKES}


def lookalike(dotted: str, when: When) -> Optional[Lookalike]:
    """The row of a dotted name for a place: its own, else that of the longest name above it; None where there is none."""
    name = dotted
    while name:
        row = _ROWS.get((name, when))
        if row is not None:
            return row
        name = name.rpartition(".")[0]
    return None


def successor(row: Lookalike, dotted: str) -> Optional[str]:
    """The new dotted name of a name that `row` covers; None where the row has no `new`."""
    return None if row.new is None else row.new + dotted[len(row.name) :]

"""Every row of `migrator.knowledge.lookalikes`, measured on real releases of Prefect, and the names that have no row."""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.findings import Severity
from migrator.knowledge.lookalikes import LOOKALIKES, Lookalike, lookalike, successor
from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, environment

PROGRAM = r'''
import asyncio, inspect, json, logging, warnings

warnings.simplefilter("ignore")
import prefect
from prefect import flow, get_client, task

logging.getLogger("prefect").setLevel("CRITICAL")
import prefect.client.schemas.actions as client_actions
import prefect.client.schemas.filters as client_filters
import prefect.client.schemas.objects as client_objects
import prefect.client.schemas.schedules as client_schedules
import prefect.server.schemas.actions as server_actions
import prefect.server.schemas.core as server_core
import prefect.server.schemas.filters as server_filters
import prefect.server.schemas.schedules as server_schedules
import prefect.server.schemas.states as server
import prefect.states as client
from prefect.blocks.system import Secret
from prefect.context import EngineContext, FlowRunContext, TaskRunContext
from prefect.futures import PrefectFuture, resolve_futures_to_states
from prefect.variables import Variable

out = {}


def told(value):
    """What a call gave; a coroutine is named and not run."""
    if inspect.iscoroutine(value):
        value.close()
        return "coroutine"
    return value if isinstance(value, (str, int, bool, type(None), dict, list)) else type(value).__name__


def case(name, function):
    try:
        out[name] = told(function())
    except BaseException as error:
        out[name] = type(error).__name__


async def acase(name, function):
    try:
        given = function()
        out[name] = told(await given if inspect.isawaitable(given) else given)
    except BaseException as error:
        out[name] = type(error).__name__


def final(state):
    return f"{state.type.value} {state.name} {state.message}"


def answer(value):
    if isinstance(value, (client.State, server.State)):
        return "a state"
    return value


@task
def one():
    return 1


@flow
def hello():
    return 1


SIDES = {"server": server, "client": client}

# states that flows and tasks return
RETURNED = {
    **{n: (lambda m, n=n: getattr(m, n)(message="why")) for n in ("Cancelled", "Completed", "Crashed", "Failed")},
    "State": lambda m: m.State(type=m.StateType.FAILED, message="why"),
    "list": lambda m: [m.Completed(), m.Failed()],
    "dict": lambda m: {"a": m.Failed()},
}
for side, module in SIDES.items():
    for name, make in RETURNED.items():

        @flow
        def returning():
            return make(module)

        case(f"{side} {name} flow", lambda: final(returning(return_state=True)))

    @task
    def failing():
        return module.Failed(message="why")

    @flow
    def submitting():
        future = failing.submit()
        future.wait()
        return final(future.get_state() if hasattr(future, "get_state") else future.state), "x"

    case(f"{side} Failed task", lambda: submitting()[0])

    @flow
    async def returning_async():
        return module.Failed(message="why")

    case(f"{side} Failed async flow", lambda: final(asyncio.run(returning_async(return_state=True))))

    @flow
    def failing_flow():
        return module.Failed(message="why")

    case(f"{side} Failed flow called", lambda: answer(failing_flow()))
case("server State.result", lambda: server.Completed(data=3).result())
case("client State.result", lambda: client.Completed(data=3).result())
case("server StateDetails", lambda: client.State(type="COMPLETED", state_details=server.StateDetails()))
case("client StateDetails", lambda: client.State(type="COMPLETED", state_details=client_objects.StateDetails()))
case("StateType equal", lambda: server.StateType.FAILED == client.StateType.FAILED)
case("StateType unequal", lambda: server.StateType.FAILED == client.StateType.COMPLETED)
case("StateType hash", lambda: {server.StateType.FAILED: 1}.get(client.StateType.FAILED))
case("StateType of a run", lambda: hello(return_state=True).type == server.StateType.COMPLETED)

# blocks, variables, futures
for text in ("hunter2", "12345", "true", "null", '{"a": 1}'):
    case(f"Secret.get {text}", lambda: Secret(value=text).get())
    case(f"Secret.value {text}", lambda: Secret(value=text).value.get_secret_value())
case("PrefectFuture[R, S]", lambda: bool(PrefectFuture[int, int]))


@flow
def resolving():
    future = one.submit()
    future.wait()
    return {"gave": told(resolve_futures_to_states([future]))}


def gave():
    value = resolving()["gave"]
    return value if isinstance(value, str) else "list"


case("resolve_futures_to_states", gave)
case("get_state_result", lambda: client.get_state_result(client.Completed(data=4)))


# the client of a context
def reading(context):
    return told(context.get().client.read_flow_runs(limit=1)) == "coroutine"


@task
def reading_in_task():
    return reading(TaskRunContext)


@flow
def contexts():
    return {"FlowRunContext": reading(FlowRunContext), "EngineContext": reading(EngineContext), "TaskRunContext": reading_in_task()}


for name, coroutine in contexts().items():
    out[f"{name}.client"] = "coroutine" if coroutine else "answer"


async def with_client():
    import datetime

    async with get_client() as api:
        for side, module in SIDES.items():
            for name in (
                "AwaitingRetry", "Cancelled", "Cancelling", "Completed", "Crashed", "Failed", "Late", "Paused",
                "Pending", "Retrying", "Running", "Scheduled", "Suspended",
            ):
                extra = {"scheduled_time": datetime.datetime.now(datetime.timezone.utc)} if name in ("AwaitingRetry", "Late", "Scheduled") else {}
                await acase(f"{side} {name} argument", lambda: api.create_flow_run(hello, state=getattr(module, name)(**extra)))
            await acase(f"{side} State argument", lambda: api.create_flow_run(hello, state=module.State(type=module.StateType.FAILED)))
        flow_id = await api.create_flow(hello)
        run = await api.create_flow_run(hello, name="bob")
        hour = datetime.timedelta(hours=1)
        number = 0
        for side, module, actions, objects, filters in (
            ("server", server_schedules, server_actions, server_core, server_filters),
            ("client", client_schedules, client_actions, client_objects, client_filters),
        ):
            for name, arguments in (
                ("CronSchedule", {"cron": "0 0 * * *"}),
                ("IntervalSchedule", {"interval": hour}),
                ("RRuleSchedule", {"rrule": "FREQ=DAILY"}),
            ):
                schedule = getattr(module, name)(**arguments)
                number += 1
                bare = await api.create_deployment(flow_id=flow_id, name=f"bare {number}")
                await acase(f"{side} {name} to_deployment", lambda: hello.to_deployment(name="a", schedules=[{"schedule": schedule, "active": True}]))
                await acase(f"{side} {name} client", lambda: api.create_deployment_schedules(bare, [(schedule, True)]))
                await acase(f"{side} {name} listed", lambda: hello.to_deployment(name="a", schedules=[schedule]))
            await acase(
                f"{side} DeploymentScheduleCreate",
                lambda: api.create_deployment(
                    flow_id=flow_id, name=f"with {side}",
                    schedules=[actions.DeploymentScheduleCreate(schedule=module.CronSchedule(cron="0 0 * * *"), active=True)],
                ),
            )
            for name, arguments in (("Constant", {"type": "int"}), ("Parameter", {"name": "x"}), ("TaskRunResult", {"id": run.id})):
                await acase(
                    f"{side} {name} input",
                    lambda: api.create_task_run(one, run.id, dynamic_key=f"{side} {name}", task_inputs={"x": [getattr(objects, name)(**arguments)]}),
                )
            part = filters.FlowRunFilterName(any_=["bob"])
            await acase(f"{side} filter nested", lambda: client_filters.FlowRunFilter(name=part))

            async def found():
                return [each.name for each in await api.read_flow_runs(flow_run_filter=filters.FlowRunFilter(name=part))]

            await acase(f"{side} filter given", found)
            await acase(f"{side} WorkPoolCreate", lambda: api.create_work_pool(actions.WorkPoolCreate(name=f"pool-{side}", type="process")))
        await api.create_variable(client_actions.VariableCreate(name="abc", value="hello"))

    async def in_loop(serve):
        return told(serve())

    served = await hello.to_deployment(name="served")
    await acase("serve in a loop", lambda: in_loop(lambda: prefect.serve(served)))
    await acase("Flow.serve in a loop", lambda: in_loop(lambda: hello.serve("served")))
    if hasattr(prefect, "aserve"):
        from prefect.runner import Runner

        async def started(self, *arguments, **options):
            out["aserve"] = "started"

        Runner.start = started
        await prefect.flows.aserve(served)


asyncio.run(with_client())
case("Variable.get", lambda: Variable.get("abc"))
print("\n" + json.dumps(out, default=lambda value: type(value).__name__), flush=True)
'''

FACTORIES = [
    "AwaitingRetry",
    "Cancelled",
    "Cancelling",
    "Completed",
    "Crashed",
    "Failed",
    "Late",
    "Paused",
    "Pending",
    "Retrying",
    "Running",
    "Scheduled",
    "Suspended",
]
SCHEDULES = ["CronSchedule", "IntervalSchedule", "RRuleSchedule"]
OF_3 = [PREFECT_3_OLDEST, PREFECT_3]
ROWS = {(row.name, row.when): row for row in LOOKALIKES}
_SERVER = "prefect.server.schemas"

CASES: Mapping[tuple[str, str], tuple[str, ...]] = {
    **{
        (f"{_SERVER}.states.{name}", "returned"): (f"server {name} flow",)
        for name in ("Cancelled", "Completed", "Crashed", "Failed", "State")
    },
    **{(f"{_SERVER}.states.{name}", "argument"): (f"server {name} argument",) for name in (*FACTORIES, "State")},
    (f"{_SERVER}.states.State.result", "called"): ("server State.result",),
    (f"{_SERVER}.states.StateDetails", "nested"): ("server StateDetails",),
    **{
        (f"{_SERVER}.schedules.{name}", "argument"): (f"server {name} to_deployment", f"server {name} client")
        for name in SCHEDULES
    },
    (f"{_SERVER}.actions.DeploymentScheduleCreate", "argument"): ("server DeploymentScheduleCreate",),
    (f"{_SERVER}.filters", "nested"): ("server filter nested",),
    **{
        (f"{_SERVER}.core.{name}", "argument"): (f"server {name} input",)
        for name in ("Constant", "Parameter", "TaskRunResult")
    },
    ("prefect.blocks.system.Secret.get", "called"): ("Secret.get 12345", "Secret.get true", "Secret.get null"),
    ("prefect.variables.Variable.get", "called"): ("Variable.get",),
    ("prefect.states.get_state_result", "called"): ("get_state_result",),
    ("prefect.futures.resolve_futures_to_states", "called"): ("resolve_futures_to_states",),
    ("prefect.futures.PrefectFuture", "subscripted"): ("PrefectFuture[R, S]",),
    **{
        (f"prefect.context.{name}.client", "used"): (f"{name}.client",)
        for name in ("EngineContext", "FlowRunContext", "TaskRunContext")
    },
    ("prefect.serve", "called"): ("serve in a loop",),
    ("prefect.flows.serve", "called"): ("serve in a loop",),
    ("prefect.flows.Flow.serve", "called"): ("Flow.serve in a loop",),
}
"""The cases of the program that show what a row says."""


@functools.cache
def _run(version: str) -> dict[str, object] | str:
    """The cases and what they gave; the output of the program where it failed, so that it does not run again for each test."""
    with tempfile.TemporaryDirectory() as directory:
        program = Path(directory) / "program.py"
        program.write_text(PROGRAM)
        done = environment(version).run([str(program)], cwd=Path(directory), timeout=300)
    if done.returncode:
        return f"{done.stdout}\n{done.stderr}"
    answers: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answers


def measured(version: str) -> Mapping[str, object]:
    """What each case of the program gave on a release."""
    answers = _run(version)
    assert not isinstance(answers, str), answers
    return answers


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


def test_a_place_of_a_name_has_one_row() -> None:
    assert len(ROWS) == len(LOOKALIKES)


def test_every_row_is_measured() -> None:
    assert set(CASES) == set(ROWS)


@pytest.mark.parametrize("row", LOOKALIKES, ids=lambda row: f"{row.name} {row.when}")
def test_a_row_has_an_advice_a_page_and_sound_releases(row: Lookalike) -> None:
    assert row.name.startswith("prefect.")
    assert row.new != row.name
    assert row.advice.endswith(".")
    assert row.url.startswith("https://docs.prefect.io/v3/")
    assert number(row.since) >= (3, 0)
    assert row.severity in Severity
    assert row.new is not None or (row.new_since_2 is None and row.new_since == "3.0")
    assert row.new_since_2 is None or number(row.new_since_2) < (3, 0)


def test_a_name_below_a_row_is_covered() -> None:
    row = lookalike("prefect.server.schemas.filters.FlowRunFilterName", "nested")
    assert row is not None
    assert row.name == "prefect.server.schemas.filters"
    assert successor(row, "prefect.server.schemas.filters.FlowRunFilterName") is None


def test_a_name_has_its_row_only_for_its_place() -> None:
    returned = lookalike("prefect.server.schemas.states.Failed", "returned")
    given_to_the_client = lookalike("prefect.server.schemas.states.Failed", "argument")
    assert returned is not None and returned.severity is Severity.WARNING
    assert given_to_the_client is not None and given_to_the_client.severity is Severity.ERROR
    assert successor(returned, "prefect.server.schemas.states.Failed") == "prefect.states.Failed"
    assert lookalike("prefect.server.schemas.states.Failed", "called") is None


@pytest.mark.parametrize(
    "same",
    [
        "prefect.server.schemas.states",
        "prefect.server.schemas.states.StateType",
        "prefect.server.schemas.states.StateType.FAILED",
        "prefect.server.schemas.sorting.FlowRunSort",
        "prefect.server.schemas.actions.WorkPoolCreate",
        "prefect.states.Failed",
        "prefect.client.schemas.schedules.CronSchedule",
        "prefect.blocks.system.Secret",
        "prefect.task_runners.ConcurrentTaskRunner",
    ],
)
def test_what_is_the_same_on_both_has_no_row(same: str) -> None:
    places = {row.when for row in LOOKALIKES}
    assert [lookalike(same, place) for place in places] == [None] * len(places)


@given(st.text(alphabet="abc._", max_size=30), st.sampled_from([row.when for row in LOOKALIKES]))
def test_any_text_is_answered(text: str, when: str) -> None:
    row = lookalike(text, when)  # type: ignore[arg-type]
    assert row is None or text.startswith(row.name)


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
@pytest.mark.parametrize("row", LOOKALIKES, ids=lambda row: f"{row.name} {row.when}")
def test_what_a_row_covers_differs_from_the_release_it_names(row: Lookalike, version: str) -> None:
    before, after = measured(PREFECT_2), measured(version)
    for case in CASES[row.name, row.when]:
        assert (before[case] != after[case]) is (number(row.since) <= number(version)), (
            case,
            before[case],
            after[case],
        )


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
@pytest.mark.parametrize("row", LOOKALIKES, ids=lambda row: f"{row.name} {row.when}")
def test_what_is_new_does_on_3_what_the_old_did_on_2(row: Lookalike, version: str) -> None:
    before, after = measured(PREFECT_2), measured(version)
    if row.new is None or number(row.new_since) > number(version):
        pytest.skip("no new name on this release")
    for case in CASES[row.name, row.when]:
        if row.new == "prefect.flows.aserve":
            assert after["aserve"] == "started"
        else:
            new = case.replace("server ", "client ")
            assert after[new] == before[case]
            assert before[new] == before[case]


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
def test_a_state_of_the_server_becomes_data_and_the_run_completes(version: str) -> None:
    before, after = measured(PREFECT_2), measured(version)
    failed = ["server Failed flow", "server State flow", "server Failed async flow", "server Failed task"]
    assert [before[case] for case in failed] == ["FAILED Failed why"] * len(failed)
    assert [after[case] for case in failed] == ["COMPLETED Completed None"] * len(failed)
    assert (before["server list flow"], after["server list flow"]) == (
        "FAILED Failed 1/2 states failed.",
        "COMPLETED Completed None",
    )
    assert (before["server Failed flow called"], after["server Failed flow called"]) == ("FailedRun", "a state")
    assert after["client list flow"] == before["client list flow"] == before["server list flow"]
    assert after["client Failed flow called"] == before["client Failed flow called"] == "FailedRun"
    assert after["server dict flow"] == before["server dict flow"] == "COMPLETED Completed None"


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
def test_errors_are_raised(version: str) -> None:
    after = measured(version)
    refused = {
        case
        for row in LOOKALIKES
        if row.when in ("argument", "nested") or row.name.endswith("State.result")
        for case in CASES[row.name, row.when]
    }
    assert {after[case] for case in refused} == {"ValidationError"}
    assert after["PrefectFuture[R, S]"] == "TypeError"
    assert after["serve in a loop"] == after["Flow.serve in a loop"] == "RuntimeError"


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
def test_a_secret_that_reads_as_json_is_decoded(version: str) -> None:
    before, after = measured(PREFECT_2), measured(version)
    texts = ["hunter2", "12345", "true", "null", '{"a": 1}']
    assert [before[f"Secret.get {text}"] for text in texts] == texts
    assert [after[f"Secret.get {text}"] for text in texts] == ["hunter2", 12345, True, None, {"a": 1}]
    assert [after[f"Secret.value {text}"] for text in texts] == texts
    assert [before[f"Secret.value {text}"] for text in texts] == texts


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
def test_types_of_states_filters_and_pools_of_the_server_stay_usable(version: str) -> None:
    before, after = measured(PREFECT_2), measured(version)
    for case, wanted in (
        ("StateType equal", True),
        ("StateType unequal", False),
        ("StateType hash", 1),
        ("StateType of a run", True),
        ("server filter given", ["bob"]),
        ("server WorkPoolCreate", "WorkPool"),
    ):
        assert (before[case], after[case]) == (wanted, wanted)


@pytest.mark.prefect
def test_a_server_schedule_in_a_list_was_refused_on_2_too() -> None:
    assert {measured(PREFECT_2)[f"server {name} listed"] for name in SCHEDULES} == {"ValidationError"}
    assert {measured(PREFECT_3)[f"client {name} listed"] for name in SCHEDULES} == {"RunnerDeployment"}

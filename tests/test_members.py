"""Every row of the tables in `migrator.knowledge.members`, proved on the real releases of Prefect."""

from __future__ import annotations

import functools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Optional, Union

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.knowledge.members import (
    CHANGED_ARGUMENTS,
    CHANGED_MEMBERS,
    HOMES_ON_3,
    ChangedArgument,
    ChangedMember,
    changed_argument,
    changed_member,
)
from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, environment

Row = Union[ChangedMember, ChangedArgument]

ROWS: tuple[Row, ...] = (*CHANGED_MEMBERS, *CHANGED_ARGUMENTS)

PAIR = [PREFECT_2, PREFECT_3_OLDEST, PREFECT_3]

STILL_ON_3_0 = {
    ("prefect.client.schemas.objects.State", "to_state_create"),
    ("prefect.client.schemas.objects.State.result", "fetch"),
    ("prefect.states.get_state_result", "fetch"),
    ("prefect.context.EngineContext", "task_run_results"),
    ("prefect.engine.suspend_flow_run", "client"),
    ("prefect.serializers.JSONSerializer.dumps", "data"),
    ("prefect.utilities.engine.propose_state", "task_run_id"),
    ("prefect.utilities.engine.propose_state_sync", "task_run_id"),
    *(
        ("prefect.client.orchestration.PrefectClient", f"{verb}_flow_run_notification_{noun}")
        for verb, noun in (("create", "policy"), ("delete", "policy"), ("read", "policies"), ("update", "policy"))
    ),
    *(
        (f"prefect.{side}.schemas.{owner}", name)
        for side in ("client", "server")
        for owner in ("actions.DeploymentScheduleCreate", "actions.DeploymentScheduleUpdate")
        for name in ("max_active_runs", "catchup")
    ),
    *(
        (f"prefect.{owner}.DeploymentSchedule", name)
        for owner in ("client.schemas.objects", "server.schemas.core")
        for name in ("max_active_runs", "catchup")
    ),
}
"""What a later 3.x removed."""

ONLY_ON_3 = {
    ("prefect.results.ResultStore", "create_result"),
    *((f"prefect.concurrency.{module}.{name}", "create_if_missing") for module in ("asyncio", "sync") for name in ("concurrency", "rate_limit")),
    ("prefect.client.orchestration.PrefectClient.increment_concurrency_slots", "create_if_missing"),
}  # fmt: skip
"""What 3.0 had and no 2.x."""

BETWEEN_ENVIRONMENTS = {
    ("prefect.client.orchestration.SyncPrefectClient.increment_concurrency_slots", "create_if_missing"),
}
"""What only 3.x releases between the oldest and the newest had: 3.1 and 3.2."""

AGAIN_ON_3 = {
    (owner, "schedule")
    for owner in (
        *(f"prefect.flows.Flow.{name}" for name in ("deploy", "serve", "to_deployment")),
        *(f"prefect.deployments.runner.RunnerDeployment.from_{name}" for name in ("entrypoint", "flow", "storage")),
        "prefect.runner.runner.Runner.add_flow",
    )
}
"""What 3.0 and 3.1 refused and later releases take again."""

PROGRAM = r"""
import importlib, inspect, io, json, re, sys, warnings
from contextlib import redirect_stderr, redirect_stdout

def resolve(dotted):
    parts = dotted.split(".")
    for size in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:size]))
        except ModuleNotFoundError:
            continue
        for part in parts[size:]:
            found = getattr(found, part)
        return found
    raise AttributeError(dotted)

def fields(cls):
    found = getattr(cls, "model_fields", None) or getattr(cls, "__fields__", None) or {}
    names = set(found)
    for field in found.values():
        names.update(each for each in (field.alias, getattr(field, "validation_alias", None)) if isinstance(each, str))
    return names

def member(cls, name):
    if hasattr(cls, name) or name in fields(cls):
        return True
    for base in cls.__mro__:
        if name in vars(base).get("__annotations__", {}):
            return True
        own = vars(base).get("__init__")
        if inspect.isfunction(own) and re.search(r"self\.%s\b.*=" % name, inspect.getsource(own)):
            return True
    return False

def argument(called, name):
    if isinstance(called, type) and fields(called):
        return name in fields(called)
    return name in inspect.signature(called).parameters

def answer(kind, owner, name):
    try:
        found = resolve(owner)
    except (AttributeError, ImportError):
        return None
    return {"exists": lambda: True, "member": lambda: member(found, name), "argument": lambda: argument(found, name)}[kind]()

warnings.simplefilter("ignore")
with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
    answers = [answer(*question) for question in json.loads(sys.argv[1])]
json.dump(answers, sys.stdout)
"""

Question = tuple[str, str, str]


def number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def home(owner: str, version: str) -> str:
    """Where a release defines an owner; a method stands below its class."""
    return HOMES_ON_3.get(owner, owner) if version.startswith("3.") else owner


def kind(row: Row) -> str:
    return "member" if isinstance(row, ChangedMember) else "argument"


def key(row: Row) -> tuple[str, str]:
    return row.owner, row.name


@functools.cache
def _answers(version: str, questions: tuple[Question, ...]) -> dict[Question, Optional[bool]]:
    done = environment(version).run(["-c", PROGRAM, json.dumps(questions)])
    assert done.returncode == 0, done.stderr
    return dict(zip(questions, json.loads(done.stdout)))


def ask(version: str, questions: Iterable[Question]) -> dict[Question, Optional[bool]]:
    """Per question whether the release has it; None where it has not even the owner."""
    placed = {question: (question[0], home(question[1], version), question[2]) for question in questions}
    found = _answers(version, tuple(sorted(set(placed.values()))))
    return {question: found[there] for question, there in placed.items()}


def old(row: Row) -> Question:
    return kind(row), row.owner, row.name


def new(row: Row) -> Question:
    return kind(row), row.owner, row.new or ""


# The tables by themselves


def test_no_row_is_written_twice() -> None:
    for table in (CHANGED_MEMBERS, CHANGED_ARGUMENTS):
        assert [each for each, times in Counter(key(row) for row in table).items() if times > 1] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.owner}.{row.name}")
def test_a_row_says_what_to_do(row: Row) -> None:
    assert row.owner.startswith("prefect.") and row.name.isidentifier()
    assert row.new != row.name
    assert row.new is None or row.new.isidentifier()
    assert row.new or row.advice or (isinstance(row, ChangedArgument) and row.drop)
    assert not row.advice or row.advice.endswith(".")
    assert row.url.startswith("https://docs.prefect.io/")
    assert row.new_since_2 is None or re.fullmatch(r"2\.\d+", row.new_since_2)


@pytest.mark.parametrize("row", CHANGED_MEMBERS, ids=lambda row: f"{row.owner}.{row.name}")
def test_a_member_without_a_new_one_makes_no_claim_of_it(row: ChangedMember) -> None:
    if row.new is None:
        assert (row.called, row.new_since_2, row.applicability) == (None, None, "safe")


@pytest.mark.parametrize("row", CHANGED_ARGUMENTS, ids=lambda row: f"{row.owner}.{row.name}")
def test_an_argument_is_renamed_or_dropped_not_both(row: ChangedArgument) -> None:
    assert not (row.new and row.drop)
    if row.new is None and not row.drop:
        assert (row.new_since_2, row.applicability) == (None, "safe")


def test_a_row_is_found_by_its_owner_on_either_major() -> None:
    for row in CHANGED_MEMBERS:
        assert changed_member(row.owner, row.name) == row
    for argument in CHANGED_ARGUMENTS:
        assert changed_argument(argument.owner, argument.name) == argument
        assert changed_argument(HOMES_ON_3.get(argument.owner, argument.owner), argument.name) == argument
    on_2 = changed_member("prefect.context.FlowRunContext", "task_run_futures")
    assert on_2 is not None and on_2 == changed_member("prefect.context.EngineContext", "task_run_futures")


def test_nothing_is_said_of_what_lives_on() -> None:
    assert changed_member("prefect.futures.PrefectFuture", "wait") is None
    assert changed_member("prefect.futures.PrefectFuture", "result") is None
    assert changed_argument("prefect.flows.Flow.deploy", "work_pool_name") is None
    assert changed_argument("prefect.client.schemas.objects.State.result", "raise_on_failure") is None


def test_a_member_is_not_taken_for_an_argument() -> None:
    assert changed_argument("prefect.futures.PrefectFuture", "get_state") is None
    assert changed_member("prefect.client.schemas.objects.State.result", "fetch") is None


@given(st.text(), st.text())
def test_any_other_name_is_nothing_and_no_error(owner: str, name: str) -> None:
    known = {key(row) for row in ROWS}
    if (owner, name) not in known:
        assert changed_member(owner, name) is None
        assert changed_argument(owner, name) is None


# What the releases say


@pytest.mark.prefect
def test_on_2_the_owner_has_it() -> None:
    found = ask(PREFECT_2, map(old, ROWS))
    expected = {old(row): key(row) not in ONLY_ON_3 | BETWEEN_ENVIRONMENTS for row in ROWS}
    assert {each: found[each] for each in found if bool(found[each]) != expected[each]} == {}


@pytest.mark.prefect
def test_on_the_oldest_3_it_is_gone_unless_a_later_one_removed_it() -> None:
    found = ask(PREFECT_3_OLDEST, map(old, ROWS))
    expected = {old(row): key(row) in STILL_ON_3_0 | ONLY_ON_3 for row in ROWS}
    assert {each: found[each] for each in found if bool(found[each]) != expected[each]} == {}


@pytest.mark.prefect
def test_on_the_newest_3_it_is_gone_unless_it_came_back() -> None:
    found = ask(PREFECT_3, map(old, ROWS))
    expected = {old(row): key(row) in AGAIN_ON_3 for row in ROWS}
    assert {each: found[each] for each in found if bool(found[each]) != expected[each]} == {}


@pytest.mark.prefect
def test_what_only_releases_in_between_had_is_there_in_one_of_them() -> None:
    found = ask("3.2.15", [old(row) for row in ROWS if key(row) in BETWEEN_ENVIRONMENTS])
    assert found and all(found.values())


@pytest.mark.prefect
@pytest.mark.parametrize("version", ["3.1.15", "3.2.15"])
def test_what_came_back_is_there_from_3_2_on(version: str) -> None:
    found = ask(version, [old(row) for row in ROWS if key(row) in AGAIN_ON_3])
    assert set(found.values()) == {version == "3.2.15"}


@pytest.mark.prefect
def test_the_owner_itself_lives_on_unless_it_is_the_old_base_of_task_runners() -> None:
    for version in (PREFECT_3_OLDEST, PREFECT_3):
        rows = [row for row in ROWS if key(row) not in BETWEEN_ENVIRONMENTS]
        gone = {each[1] for each, has in ask(version, map(old, rows)).items() if has is None}
        assert gone == {"prefect.task_runners.BaseTaskRunner"}


@pytest.mark.prefect
@pytest.mark.parametrize("version", [PREFECT_3_OLDEST, PREFECT_3])
def test_on_3_the_new_spelling_is_there(version: str) -> None:
    found = ask(version, [new(row) for row in ROWS if row.new])
    assert {each: has for each, has in found.items() if not has} == {}


@pytest.mark.prefect
@pytest.mark.parametrize("version", ["2.13.8", "2.17.1", PREFECT_2])
def test_on_2_the_new_spelling_is_there_from_the_minor_that_its_row_says(version: str) -> None:
    rows = [row for row in ROWS if row.new]
    found = ask(version, map(new, rows))
    wrong = {
        new(row): found[new(row)]
        for row in rows
        if bool(found[new(row)]) != (row.new_since_2 is not None and number(version)[:2] >= number(row.new_since_2))
    }
    assert wrong == {}


def named_in(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        for code in re.findall(r"`([^`]+)`", row.advice):
            yield from re.findall(r"^prefect\.[\w.]+", code)
            yield from (
                f"prefect.client.orchestration.PrefectClient.{name}" for name in re.findall(r"^client\.(\w+)\(", code)
            )


@pytest.mark.prefect
def test_every_function_that_an_advice_names_exists_on_3() -> None:
    names = set(named_in(ROWS))
    assert names
    found = ask(PREFECT_3, [("exists", name, "") for name in names])
    assert {each[1] for each, has in found.items() if not has} == set()


BEHAVIOUR = r"""
import asyncio, dis, inspect, json, time, warnings
warnings.simplefilter("ignore")
import prefect
from prefect import flow, get_client, task
from prefect.deployments import run_deployment

ON_3 = prefect.__version__.startswith("3.")
OVERRIDES = {"job_variables" if ON_3 else "infra_overrides": {"env": {"A": "1"}}}
told = {}

@task
def good():
    time.sleep(0.5)
    return 1

@task
def bad():
    raise ValueError("no")

def state_of(future):
    return future.state if ON_3 else future.get_state()

@flow
def futures():
    one, two = good.submit(), bad.submit()
    deadline = time.monotonic() + 60
    while not state_of(one).is_final() and time.monotonic() < deadline:
        time.sleep(0.1)
    told["state while it runs, polled to its end"] = state_of(one).type.value
    one.wait(), two.wait()
    told["state after wait"] = [(state_of(each).type.value, state_of(each).name) for each in (one, two)]
    told["a future can be hashed"] = len({one, two, one})
    identifier = one.task_run_id if ON_3 else one.task_run.id
    with get_client(sync_client=True) as client:
        told["task run of the future"] = str(client.read_task_run(identifier).id) == str(identifier)
    return 1

futures()

@flow
def inner():
    return 5

@flow
def results():
    state = inner(return_state=True)
    told["state.result(fetch=True)"] = state.result() if ON_3 else state.result(fetch=True)
    return 1

results()

@flow
async def results_in_a_loop():
    state = inner(return_state=True)
    if inspect.isawaitable(state):
        state = await state
    takes = "fetch" in inspect.signature(type(state).result).parameters
    told["await state.result(fetch=True)"] = await (state.result(fetch=True) if takes else state.result())
    return 1

asyncio.run(results_in_a_loop())

async def deployments():
    async with get_client() as client:
        flow_id = await client.create_flow_from_name("f")
        made = await client.create_deployment(flow_id=flow_id, name="d", **OVERRIDES)
        read = await client.read_deployment(made)
        told["variables of the deployment"] = read.job_variables if ON_3 else read.infra_overrides
        told["paused at first"] = not read.is_schedule_active if not ON_3 else read.paused
        if ON_3:
            await client.set_deployment_paused_state(made, True)
        else:
            await client.update_schedule(made, active=False)
        read = await client.read_deployment(made)
        told["paused then"] = not read.is_schedule_active if not ON_3 else read.paused
        run = await run_deployment("f/d", timeout=0, **OVERRIDES)
        told["variables of the run"] = run.job_variables

asyncio.run(deployments())

import importlib, uuid
for side in ("client", "server"):
    for module, name in (
        ("actions", "DeploymentCreate"), ("actions", "DeploymentUpdate"), ("responses", "DeploymentResponse"),
        ("objects" if side == "client" else "core", "Deployment"),
    ):
        cls = getattr(importlib.import_module(f"prefect.{side}.schemas.{module}"), name)
        made = cls(**OVERRIDES, **({} if name == "DeploymentUpdate" else {"name": "d", "flow_id": uuid.uuid4()}))
        told[f"{side} {name}"] = made.job_variables if ON_3 else made.infra_overrides

from prefect.serializers import JSONSerializer
told["dumps by position"] = JSONSerializer().dumps([1]).decode()

from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, get_current_settings
settings = get_current_settings()
timeout = PREFECT_API_REQUEST_TIMEOUT
told["value of a setting"] = timeout.value_from(settings) if ON_3 else settings.value_of(timeout)

from prefect.client.orchestration import PrefectClient
told["find_automation reads exit_if_not_found"] = any(
    each.argval == "exit_if_not_found" for each in dis.get_instructions(inspect.unwrap(PrefectClient.find_automation))
)
print("TOLD" + json.dumps(told, sort_keys=True))
"""


@pytest.mark.prefect
def test_the_new_spelling_says_on_3_what_the_old_one_said_on_2() -> None:
    told: dict[str, Any] = {}
    for version in PAIR:
        done = environment(version).run(["-c", BEHAVIOUR])
        lines = [line for line in done.stdout.splitlines() if line.startswith("TOLD")]
        assert done.returncode == 0 and lines, done.stdout + done.stderr
        told[version] = json.loads(lines[-1][4:])
    assert told[PREFECT_3] == told[PREFECT_2]
    assert told[PREFECT_3_OLDEST] == told[PREFECT_2]
    assert told[PREFECT_3]["state after wait"] == [["COMPLETED", "Completed"], ["FAILED", "Failed"]]
    assert told[PREFECT_3]["variables of the run"] == {"env": {"A": "1"}}
    assert (told[PREFECT_3]["paused at first"], told[PREFECT_3]["paused then"]) == (False, True)


ACCEPTED = r"""
import importlib, io, json, sys, uuid, warnings
from contextlib import redirect_stderr, redirect_stdout
warnings.simplefilter("ignore")

def takes(owner, name):
    module, _, cls = owner.rpartition(".")
    found = getattr(importlib.import_module(module), cls)
    needed = {"name": "n", "flow_id": uuid.uuid4(), "flow_name": "f"} if "Filter" not in cls else {}
    if "Schedule" in cls:
        needed = {"schedule": {"cron": "0 0 * * *"}, "deployment_id": uuid.uuid4()}
    known = {key: value for key, value in needed.items() if key in found.model_fields}
    found(**known)
    try:
        made = found(**known, **{name: {"any": False}})
    except Exception:
        return False
    return not hasattr(made, name)

with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
    answers = [takes(owner, name) for owner, name in json.loads(sys.argv[1])]
json.dump(answers, sys.stdout)
"""


@pytest.mark.prefect
@pytest.mark.parametrize("version", [PREFECT_3_OLDEST, PREFECT_3])
def test_a_class_ignores_what_is_said_to_be_ignored_and_refuses_the_rest(version: str) -> None:
    there = {key(row) for row in ROWS if version == PREFECT_3_OLDEST} & STILL_ON_3_0
    rows = [row for row in CHANGED_ARGUMENTS if row.owner.rpartition(".")[2][0].isupper() and key(row) not in there]
    assert rows
    done = environment(version).run(["-c", ACCEPTED, json.dumps([key(row) for row in rows])])
    assert done.returncode == 0, done.stderr
    ignored = {key(row): has for row, has in zip(rows, json.loads(done.stdout))}
    said = {key(row): row.advice.startswith("3.x takes no notice of it") for row in rows}
    assert {each: has for each, has in ignored.items() if has != said[each]} == {}

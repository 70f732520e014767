"""Names that import on both majors and differ: where they are reported, what takes their place, what is left alone."""

from __future__ import annotations

from textwrap import dedent

import pytest

from migrator.findings import Applicability, Severity
from tests.support.examples import findings_in, prove, prove_untouched

RULE = ("PF111",)
HEAD = "from prefect import flow, task\nfrom prefect.server.schemas.states import Completed, Failed, StateType\n\n\n"
MOVED = "from prefect import flow, task\nfrom prefect.server.schemas.states import StateType\nfrom prefect.states import Completed, Failed\n\n\n"

RETURNED = {
    "by_a_flow": "@flow\ndef f(x):\n    if x:\n        return Failed(message='no')\n    return Completed()\n",
    "by_a_task": "@task\ndef t(x):\n    return Failed() if x else Completed()\n",
    "by_an_async_flow": "@flow\nasync def f(x):\n    return x and Failed() or Completed()\n",
    "by_a_function_made_into_a_flow": "def f(x):\n    return Failed() if x else Completed()\n\n\nmine = flow(f)\n",
    "by_a_method": "class A:\n    @task\n    def t(self):\n        return [Failed(), Completed()]\n",
    "in_a_list": "@flow\ndef f():\n    return [Completed(), Failed()]\n",
    "in_a_tuple_held_by_a_variable": "@flow\ndef f():\n    states = Completed(), Failed()\n    return states\n",
    "in_a_comprehension": "@flow\ndef f(xs):\n    return [Completed() if x else Failed() for x in xs]\n",
    "by_a_variable": "@flow\ndef f(x):\n    state = Completed()\n    if x:\n        state = Failed(message='no')\n    print(state.type == StateType.FAILED, state.is_failed())\n    return state\n",
    "by_a_variable_of_a_variable": "@flow\ndef f(x):\n    made = Completed()\n    state = made or Failed()\n    return state\n",
    "by_an_assignment_expression": "@flow\ndef f(x):\n    return (a := Completed()) if x else (b := Failed())\n",
    "by_a_variable_of_the_module": "DONE = Completed()\n\n\n@flow\ndef f(x):\n    return Failed() if x else DONE\n",
}


@pytest.mark.parametrize("name", RETURNED)
def test_returned_state_becomes_one_of_the_client(name: str) -> None:
    body = RETURNED[name]
    found = prove(HEAD + body, MOVED + body, select=RULE)
    assert {finding.severity for finding in found} == {Severity.WARNING}
    assert len(found) == 2
    prove(HEAD + body, MOVED + body, select=RULE, target="both")


@pytest.mark.parametrize("name", RETURNED)
def test_returned_state_is_mended_the_same_by_all_rules_together(name: str) -> None:
    body = RETURNED[name]
    prove(HEAD + body, MOVED + body)


NOT_RETURNED = {
    "built_only": "@flow\ndef f():\n    state = Failed()\n    print(state)\n    return 1\n",
    "compared_only": "@flow\ndef f(x):\n    return x == Failed()\n",
    "type_only": "@flow\ndef f(x):\n    return x.type == StateType.FAILED\n",
    "class_itself": "@flow\ndef f():\n    return Failed\n",
    "by_a_plain_function": "def f():\n    return Failed()\n",
    "by_a_nested_function": "@flow\ndef f():\n    def inner():\n        return Failed()\n\n    return inner\n",
    "by_a_lambda": "@flow\ndef f():\n    return lambda: Failed()\n",
    "by_a_generator": "@flow\ndef f():\n    yield 1\n    return Failed()\n",
    "by_a_generator_expression": "@flow\ndef f(xs):\n    return (Failed() for x in xs)\n",
    "in_a_dictionary": "@flow\ndef f():\n    return {'a': Failed()}\n",
    "in_a_list_with_something_else": "@flow\ndef f():\n    return [Failed(), 1]\n",
    "given_to_a_function_of_the_users": "@flow\ndef f():\n    return told(Failed())\n",
    "given_to_the_server": "from prefect.server import models\n\n\nasync def f(session, run):\n    await models.flow_runs.set_flow_run_state(session, run, state=Failed())\n",
    "variable_set_anew": "@flow\ndef f():\n    state = Failed()\n    print(state)\n    state = 1\n    return state\n",
    "variable_of_the_other_branch": "@flow\ndef f(x):\n    if x:\n        state = Failed()\n        print(state)\n    else:\n        state = 1\n        return state\n",
    "parameter_of_the_same_name": "@flow\ndef f(Failed):\n    return Failed()\n",
    "local_function_of_the_same_name": "@flow\ndef f():\n    def Failed():\n        return 1\n\n    return Failed()\n",
    "loop_variable": "@flow\ndef f(xs):\n    state = Failed()\n    for state in xs:\n        print(state)\n    return [state for state in xs]\n",
    "yielded_by_a_task": "@task\ndef t():\n    yield Failed()\n",
    "branch_for_2": "import prefect\n\n\n@flow\ndef f():\n    if prefect.__version__.startswith('2'):\n        return Failed()\n    return 1\n",
}


@pytest.mark.parametrize("name", NOT_RETURNED)
def test_state_that_is_not_returned_is_left_alone(name: str) -> None:
    prove_untouched(HEAD + NOT_RETURNED[name], select=RULE)


UNTOUCHED = {
    "own_class_of_the_same_name": "from prefect import flow\n\n\nclass Failed:\n    pass\n\n\n@flow\ndef f():\n    return Failed()\n",
    "state_of_the_client": "from prefect import flow\nfrom prefect.states import Failed\n\n\n@flow\ndef f():\n    return Failed()\n",
    "not_a_flow_of_prefect": "from mine import flow\nfrom prefect.server.schemas.states import Failed\n\n\n@flow\ndef f():\n    return Failed()\n",
    "import_for_2_alone": "import prefect\nfrom prefect import flow\n\nif prefect.__version__ >= '3':\n    from prefect.states import Failed\nelse:\n    from prefect.server.schemas.states import Failed\n\n\n@flow\ndef f():\n    return Failed()\n",
    "fallback": "from prefect import flow\n\ntry:\n    from prefect.states import Failed\nexcept ImportError:\n    from prefect.server.schemas.states import Failed\n\n\n@flow\ndef f():\n    return Failed()\n",
    "parent_filter_of_the_server": "from prefect.server.schemas.filters import FlowRunFilter, FlowRunFilterName\n\nx = FlowRunFilter(name=FlowRunFilterName(any_=['a']))\n",
    "filter_given_whole": "from prefect import get_client\nfrom prefect.server.schemas.filters import FlowRunFilter\n\n\nasync def f():\n    async with get_client() as client:\n        return await client.read_flow_runs(flow_run_filter=FlowRunFilter())\n",
    "schedule_read": "from prefect.server.schemas.schedules import CronSchedule\n\nprint(CronSchedule(cron='0 0 * * *').cron)\n",
    "schedule_for_the_server": "from prefect.server.schemas.actions import DeploymentScheduleCreate\nfrom prefect.server.schemas.schedules import CronSchedule\n\nx = DeploymentScheduleCreate(schedule=CronSchedule(cron='0 0 * * *'))\n",
    "schedule_given_to_a_function_of_the_users": "from prefect.server.schemas.schedules import CronSchedule\n\nfrom mine import client\n\nclient.create_deployment_schedules('x', [(CronSchedule(cron='0 0 * * *'), True)])\n",
    "secret_of_the_users": "class Secret:\n    pass\n\n\nimport prefect\n\nSecret.load('x').get()\n",
    "dictionary_of_secrets": "from prefect.blocks.system import Secret\n\nsecrets = {'a': Secret.load('a')}\nprint(secrets.get('a'))\n",
    "text_of_a_secret": "from prefect.blocks.system import Secret\n\nprint(Secret.load('a').value.get_secret_value())\n",
    "shadowed_secret": "from prefect.blocks.system import Secret\n\n\ndef f(Secret):\n    return Secret.load('a').get()\n",
    "value_of_a_variable_of_3": "from prefect.variables import Variable\n\nx = Variable.get('a')\nprint(x)\n",
    "value_of_something_else": "from prefect.variables import Variable\n\nx = Variable.get('a')\nprint(y.value)\n",
    "variable_that_was_set": "from prefect.variables import Variable\n\nprint(Variable.set('a', 'b').value)\n",
    "variable_name_bound_to_both": "from prefect.variables import Variable\n\nx = Variable.get('a')\nprint(x)\nx = mine()\nprint(x.value)\n",
    "futures_resolved_as_3_does": "from prefect.futures import resolve_futures_to_states\n\n\ndef f(futures):\n    return [s for s in resolve_futures_to_states(futures)]\n",
    "state_result_awaited": "from prefect.states import get_state_result\n\n\nasync def f(state):\n    return await get_state_result(state)\n",
    "state_result_run": "import asyncio\n\nfrom prefect.states import get_state_result\n\n\ndef f(state):\n    return asyncio.run(get_state_result(state))\n",
    "future_of_one_type": "from prefect.futures import PrefectFuture\n\nx: PrefectFuture[int]\n",
    "bare_future": "from prefect.futures import PrefectFuture\n\nx: PrefectFuture\n",
    "own_future": "import prefect\n\n\ndef f(PrefectFuture):\n    return PrefectFuture[int, str]\n",
    "serve_in_sync_code": "from prefect import flow, serve\n\n\n@flow\ndef f():\n    pass\n\n\nif __name__ == '__main__':\n    f.serve('a')\n    serve(f.to_deployment('a'))\n",
    "serve_inside_a_sync_function_of_an_async_one": "from prefect import serve\n\n\nasync def f():\n    def g():\n        serve()\n\n    return g\n",
    "serve_in_a_lambda": "from prefect import serve\n\n\nasync def f():\n    return lambda: serve()\n",
    "own_serve": "from prefect import flow\nfrom mine import serve\n\n\nasync def f():\n    await serve()\n",
    "client_of_a_context_on_3": "from prefect.context import FlowRunContext\n\n\ndef f():\n    return FlowRunContext.get().client.read_flows()\n",
    "client_of_an_async_context": "from prefect.context import FlowRunContext\n\n\nasync def f():\n    return await FlowRunContext.get().client.read_flows()\n",
    "own_client_run": "import asyncio\n\nfrom prefect.context import FlowRunContext\n\n\ndef f(mine):\n    return asyncio.run(mine.client.read_flows())\n",
}  # fmt: skip


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_is_the_same_or_not_prefects_is_left_alone(name: str) -> None:
    prove_untouched(UNTOUCHED[name], select=RULE)


GIVEN = {
    "state_to_a_client_of_a_with": (
        "from prefect import get_client\nfrom prefect.server.schemas.states import Scheduled\n\n\nasync def f(run):\n    async with get_client() as client:\n        await client.set_flow_run_state(run, state=Scheduled())\n",
        "prefect.server.schemas.states",
        "prefect.states",
    ),
    "state_to_an_annotated_client": (
        "from prefect.client.orchestration import PrefectClient\nfrom prefect.server.schemas.states import State\n\n\nasync def f(client: PrefectClient, run) -> State:\n    state = State(type='FAILED')\n    await client.set_flow_run_state(run, state)\n    return state.type\n",
        "prefect.server.schemas.states",
        "prefect.states",
    ),
    "state_to_a_class_of_the_client": (
        "from prefect.client.schemas.objects import FlowRun\nfrom prefect.server.schemas.states import Completed\n\nrun = FlowRun(flow_id='x', state=Completed())\n",
        "prefect.server.schemas.states",
        "prefect.states",
    ),
    "schedule_to_to_deployment": (
        "from prefect import flow\nfrom prefect.server.schemas.schedules import CronSchedule\n\n\n@flow\ndef f():\n    pass\n\n\nf.to_deployment('a', schedules=[{'schedule': CronSchedule(cron='0 0 * * *'), 'active': True}])\n",
        "prefect.server.schemas.schedules",
        "prefect.client.schemas.schedules",
    ),
    "schedule_of_a_variable_to_the_client": (
        "from prefect import get_client\nfrom prefect.server.schemas.schedules import IntervalSchedule as Every\n\n\nasync def f(deployment):\n    every = Every(interval=60)\n    async with get_client() as client:\n        await client.create_deployment_schedules(deployment, [(every, True)])\n",
        "prefect.server.schemas.schedules",
        "prefect.client.schemas.schedules",
    ),
    "details_to_a_state_of_the_client": (
        "from prefect.server.schemas.states import StateDetails\nfrom prefect.states import Completed\n\nx = Completed(state_details=StateDetails())\n",
        "prefect.server.schemas.states",
        "prefect.client.schemas.objects",
    ),
    "inputs_to_the_client": (
        "from prefect import get_client\nfrom prefect.server.schemas.core import Constant, Parameter\n\n\nasync def f(t, run):\n    client = get_client()\n    await client.create_task_run(t, run, dynamic_key='0', task_inputs={'x': [Parameter(name='x')], 'y': [Constant(type='int')]})\n",
        "prefect.server.schemas.core",
        "prefect.client.schemas.objects",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GIVEN)
@pytest.mark.parametrize("target", ["3", "both", "3.0"])
def test_what_the_client_refuses_becomes_one_of_its_own(name: str, target: str) -> None:
    before, old, new = GIVEN[name]
    found = prove(before, before.replace(old, new), select=RULE, target=target)
    assert {finding.severity for finding in found} == {Severity.ERROR}
    assert {finding.fix and finding.fix.applicability for finding in found} == {Applicability.SAFE}


@pytest.mark.parametrize("name", GIVEN)
def test_what_the_client_refuses_is_mended_the_same_by_all_rules_together(name: str) -> None:
    before, old, new = GIVEN[name]
    prove(before, before.replace(old, new))


def test_a_thing_and_its_part_move_together() -> None:
    prove(
        """
        from prefect import get_client
        from prefect.server.schemas.actions import DeploymentScheduleCreate
        from prefect.server.schemas.schedules import CronSchedule


        async def f(flow_id):
            async with get_client() as client:
                schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 0 * * *"))
                await client.create_deployment(flow_id=flow_id, name="a", schedules=[schedule])
        """,
        """
        from prefect import get_client
        from prefect.client.schemas.actions import DeploymentScheduleCreate
        from prefect.client.schemas.schedules import CronSchedule


        async def f(flow_id):
            async with get_client() as client:
                schedule = DeploymentScheduleCreate(schedule=CronSchedule(cron="0 0 * * *"))
                await client.create_deployment(flow_id=flow_id, name="a", schedules=[schedule])
        """,
        select=RULE,
    )


def test_a_filter_of_the_server_in_one_of_the_client_is_an_error_without_a_fix() -> None:
    code = "from prefect.client.schemas.filters import FlowRunFilter\nfrom prefect.server.schemas.filters import FlowRunFilterName\n\nx = FlowRunFilter(name=FlowRunFilterName(any_=['a']))\n"
    (finding,) = prove(code, code, select=RULE)
    assert (finding.severity, finding.fix) == (Severity.ERROR, None)


def test_a_state_that_is_returned_and_given_is_one_finding_of_the_graver_kind() -> None:
    code = """
    from prefect import flow, get_client
    from prefect.server.schemas.states import Failed


    @flow
    async def f(run):
        state = Failed()
        await get_client().set_flow_run_state(run, state)
        return state
    """
    assert findings_in(code, select=RULE) == [("PF111", 7, "error")]


# -- how the new name comes in


BOTH_SIDES = """
from prefect import flow
from prefect.server.models import flow_runs
from prefect.server.schemas.states import Failed  # both


async def on_the_server(session, run):
    await flow_runs.set_flow_run_state(session, run, Failed())


@flow
def f():
    return Failed(message="no")
"""
BESIDE = """
from prefect import flow
from prefect.server.models import flow_runs
from prefect.states import Failed as ClientFailed
from prefect.server.schemas.states import Failed  # both


async def on_the_server(session, run):
    await flow_runs.set_flow_run_state(session, run, Failed())


@flow
def f():
    return ClientFailed(message="no")
"""


@pytest.mark.parametrize("select", [RULE, ()])
def test_state_that_is_also_used_for_the_server_is_imported_under_another_name(select: tuple[str, ...]) -> None:
    prove(BOTH_SIDES, BESIDE, select=select, unsafe=False)


def test_state_that_is_also_used_for_the_server_is_not_imported_twice_where_all_of_it_moves() -> None:
    prove(BOTH_SIDES, BOTH_SIDES.replace("prefect.server.schemas.states", "prefect.states"))


def test_state_that_others_import_from_here_stays_there() -> None:
    prove(
        "from prefect import flow\nfrom prefect.server.schemas.states import Failed\n\n\n@flow\ndef f():\n    return Failed()\n",
        "from prefect import flow\nfrom prefect.states import Failed as ClientFailed\nfrom prefect.server.schemas.states import Failed\n\n\n@flow\ndef f():\n    return ClientFailed()\n",
        select=RULE,
        files={"other.py": "from flows import Failed\n\nprint(Failed)\n"},
    )


def test_name_of_the_client_that_is_there_already_is_used() -> None:
    prove(
        "from prefect import flow\nfrom prefect.server.schemas.states import Failed\nfrom prefect.states import Failed as Lost\n\nprint(Failed, Lost)\n\n\n@flow\ndef f():\n    return Failed()\n",
        "from prefect import flow\nfrom prefect.server.schemas.states import Failed\nfrom prefect.states import Failed as Lost\n\nprint(Failed, Lost)\n\n\n@flow\ndef f():\n    return Lost()\n",
        select=RULE,
    )


def test_without_a_free_name_there_is_no_fix() -> None:
    code = "from prefect import flow\nfrom prefect.server.schemas.states import Failed\n\nClientFailed = Failed\n\n\n@flow\ndef f():\n    return Failed()\n"
    (finding,) = prove(code, code, select=RULE)
    assert finding.fix is None


THROUGH = {
    "module": ("from prefect.server.schemas import states\n", "states.Failed", "from prefect.states import Failed\n"),
    "module_under_an_alias": ("import prefect.server.schemas.states as s\n", "s.Failed", "from prefect.states import Failed\n"),
    "package": ("from prefect.server import schemas\n", "schemas.states.Failed", "from prefect.states import Failed\n"),
    "dotted_name": (
        "import prefect.server.schemas.states\n",
        "prefect.server.schemas.states.Failed",
        "import prefect.server.schemas.states\nfrom prefect.states import Failed\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", THROUGH)
@pytest.mark.parametrize("all_rules", [False, True])
def test_state_through_a_module_is_imported_by_itself(name: str, all_rules: bool) -> None:
    imports, written, after = THROUGH[name]
    body = "\n\n@flow\ndef f():\n    return {}(message='no')\n"
    head = "from prefect import flow\n"
    select = () if all_rules else RULE
    prove(f"{head}{imports}{body.format(written)}", f"{head}{after}{body.format('Failed')}", select=select)


def test_several_states_through_a_module_take_its_import_along() -> None:
    prove(
        "from prefect import flow\nfrom prefect.server.schemas import states\n\n\n@flow\ndef f(x):\n    return states.Failed() if x else states.Completed()\n",
        "from prefect import flow\nfrom prefect.states import Completed, Failed\n\n\n@flow\ndef f(x):\n    return Failed() if x else Completed()\n",
        select=RULE,
    )


def test_module_that_is_used_further_stays_imported() -> None:
    prove(
        "from prefect import flow\nfrom prefect.server.schemas import states\n\nprint(states.StateType)\n\n\n@flow\ndef f():\n    return states.Failed()\n",
        "from prefect import flow\nfrom prefect.server.schemas import states\nfrom prefect.states import Failed\n\nprint(states.StateType)\n\n\n@flow\ndef f():\n    return Failed()\n",
        select=RULE,
    )


def test_state_that_is_imported_inside_the_flow() -> None:
    prove(
        "from prefect import flow\n\n\n@flow\ndef f():\n    from prefect.server.schemas.states import Failed\n\n    return Failed()\n",
        "from prefect import flow\n\n\n@flow\ndef f():\n    from prefect.states import Failed\n\n    return Failed()\n",
        select=RULE,
    )


def test_state_that_comes_through_a_module_of_the_users() -> None:
    prove(
        "from prefect import flow\n\nfrom common import Failed\n\n\n@flow\ndef f():\n    return Failed()\n",
        "from prefect import flow\n\nfrom common import Failed\nfrom prefect.states import Failed as ClientFailed\n\n\n@flow\ndef f():\n    return ClientFailed()\n",
        select=RULE,
        files={"common.py": "from prefect.server.schemas.states import Failed\n"},
    )


def test_state_with_a_positional_argument_has_no_fix() -> None:
    code = "from prefect import get_client\nfrom prefect.server.schemas.states import Scheduled\n\n\nasync def f(run, when):\n    await get_client().set_flow_run_state(run, Scheduled(when))\n"
    (finding,) = prove(code, code, select=RULE)
    assert finding.fix is None


def test_state_that_the_first_branch_of_a_try_imports_has_no_fix() -> None:
    code = "from prefect import flow\n\ntry:\n    from prefect.server.schemas.states import Failed\nexcept ImportError:\n    from prefect.orion.schemas.states import Failed\n\n\n@flow\ndef f():\n    return Failed()\n"
    (finding,) = prove(code, code, select=RULE)
    assert finding.fix is None


UNSAFE = {
    "made_by_a_helper": "def made(x):\n    return Completed() if x else Failed()\n\n\n@flow\ndef f(x):\n    return made(x)\n",
    "held_and_given_elsewhere": "@flow\ndef f(x):\n    state = Completed() if x else Failed()\n    told(state)\n    return state\n",
    "held_and_asked_for_its_class": "@flow\ndef f(x, State):\n    state = Completed() if x else Failed()\n    print(isinstance(state, State))\n    return state\n",
}


@pytest.mark.parametrize("name", UNSAFE)
def test_state_that_also_goes_elsewhere_is_moved_only_when_asked_for(name: str) -> None:
    body = UNSAFE[name]
    found = prove(HEAD + body, MOVED + body, select=RULE)
    assert {finding.fix and finding.fix.applicability for finding in found} == {Applicability.UNSAFE}
    assert len(found) == 2


# -- what is called

SECRETS = {
    "loaded": ("Secret.load('a').get()", "Secret.load('a').value.get_secret_value()"),
    "constructed": ("Secret(value='a').get()", "Secret(value='a').value.get_secret_value()"),
    "given_on": ("json.loads(Secret.load('a').get())", "json.loads(Secret.load('a').value.get_secret_value())"),
}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("target", ["3", "both"])
def test_text_of_a_secret_is_read_as_text(name: str, target: str) -> None:
    before, after = SECRETS[name]
    head = "import json\n\nfrom prefect.blocks.system import Secret\n\nx = "
    (finding,) = prove(f"{head}{before}\n", f"{head}{after}\n", select=RULE, target=target)
    assert finding.severity is Severity.INFO
    assert finding.fix is not None and finding.fix.applicability is Applicability.UNSAFE


@pytest.mark.parametrize(
    "body",
    [
        "secret = Secret.load('a')\nprint(secret.get())\n",
        "async def f():\n    return (await Secret.load('a')).get()\n",
        "async def f():\n    secret = await Secret.load('a')\n    return secret.get()\n",
        "def f(secret: Secret):\n    return secret.get()\n",
    ],
)
def test_secret_of_a_variable_or_an_annotation(body: str) -> None:
    head = "from prefect.blocks.system import Secret\n\n\n"
    prove(head + body, head + body.replace(".get()", ".value.get_secret_value()"), select=RULE)


VARIABLES = {
    "direct": ("print(Variable.get('a').value)\n", "print(Variable.get('a'))\n"),
    "awaited": (
        "async def f():\n    return (await Variable.get('a')).value\n",
        "async def f():\n    return (await Variable.get('a'))\n",
    ),
    "held": (
        "x = Variable.get('a')\nprint(x.value, x.value)\n",
        "x = Variable.get('a')\nprint(x, x)\n",
    ),
}


@pytest.mark.parametrize("name", VARIABLES)
def test_value_of_a_variable_is_what_it_gives(name: str) -> None:
    before, after = VARIABLES[name]
    head = "from prefect.variables import Variable\n\n\n"
    found = prove(head + before, head + after, select=RULE)
    assert {finding.severity for finding in found} == {Severity.ERROR}
    assert {finding.fix and finding.fix.applicability for finding in found} == {Applicability.UNSAFE}


def test_name_of_a_variable_has_no_fix() -> None:
    code = "from prefect.variables import Variable\n\nprint(Variable.get('a').tags)\n"
    (finding,) = prove(code, code, select=RULE)
    assert (finding.severity, finding.fix) == (Severity.ERROR, None)


VARIABLES_FOR_BOTH = {
    "read_at_once": (
        "def f():\n    return Variable.get('a').value\n",
        "variable",
        "def f():\n    return variable('a')\n",
    ),
    "default": ("x = Variable.get('a', default=None).value\n", "variable", "x = variable('a', default=None)\n"),
    "awaited": (
        "async def f():\n    return (await Variable.get('a')).value\n",
        "variable_async",
        "async def f():\n    return await variable_async('a')\n",
    ),
}


@pytest.mark.parametrize("name", VARIABLES_FOR_BOTH)
def test_value_of_a_variable_comes_from_compat_for_both_majors(name: str) -> None:
    before, function, after = VARIABLES_FOR_BOTH[name]
    head = "from prefect.variables import Variable\n"
    imports = f"{head}from shop._shim import {function}\n"
    prove(f"{head}\n\n{before}", f"{imports}\n\n{after}", select=RULE, target="both", compat="shop._shim")


@pytest.mark.parametrize(
    "body",
    [
        "x = Variable.get('a')\ny = x.value\n",
        "x = Variable.get('a').tags\n",
        "async def f():\n    return Variable.get('a').value\n",
        "def f(variable):\n    return Variable.get('a').value\n",
        "f = lambda: Variable.get('a').value\n",
    ],
)
def test_other_reads_of_a_variable_are_left_for_both_majors(body: str) -> None:
    code = f"from prefect.variables import Variable\n\n\n{body}"
    (found, *_) = prove(code, code, select=RULE, target="both")
    assert found.message.endswith("For both majors: `variable(...)` of `compat`.")


def test_variable_differs_at_every_call_for_both_majors() -> None:
    code = "from prefect.variables import Variable\n\nprint(Variable.get('a'))\n"
    assert findings_in(code, select=RULE, target="both") == [("PF111", 3, "warning")]
    code = "from prefect.variables import Variable\n\nprint(Variable.get('a').value)\n"
    assert findings_in(code, select=RULE, target="both") == [("PF111", 3, "error")]


def test_states_of_futures_are_not_awaited() -> None:
    head = "from prefect.futures import resolve_futures_to_states\n\n\nasync def f(futures):\n    return "
    (finding,) = prove(
        f"{head}(await resolve_futures_to_states(futures))[0]\n",
        f"{head}(resolve_futures_to_states(futures))[0]\n",
        select=RULE,
    )
    assert finding.severity is Severity.ERROR
    code = f"{head}(await resolve_futures_to_states(futures))[0]\n"
    assert all(finding.fix is None for finding in prove(code, code, select=RULE, target="both"))


def test_states_of_futures_are_not_run() -> None:
    code = "import asyncio\n\nfrom prefect.futures import resolve_futures_to_states\n\nx = asyncio.run(resolve_futures_to_states([]))\n"
    assert findings_in(code, select=RULE) == [("PF111", 5, "error")]


def test_state_result_in_sync_code_differs_from_its_minor_on() -> None:
    code = "from prefect.states import get_state_result\n\n\ndef f(state):\n    return get_state_result(state)\n"
    assert findings_in(code, select=RULE, target="3.3") == [("PF111", 5, "warning")]
    assert findings_in(code, select=RULE, target="3.2") == []


def test_serve_in_an_event_loop_is_aserve() -> None:
    before = "from prefect import flow, serve\n\n\nasync def main(deployment):\n    await serve(deployment, limit=2)\n"
    after = "from prefect import flow\nfrom prefect.flows import aserve\n\n\nasync def main(deployment):\n    await aserve(deployment, limit=2)\n"
    (finding,) = prove(before, after, select=RULE)
    assert finding.severity is Severity.ERROR
    for target in ("both", "3.0"):
        assert all(finding.fix is None for finding in prove(before, before, select=RULE, target=target))


def test_serve_that_sync_code_uses_too_stays_imported() -> None:
    prove(
        "from prefect import serve\n\n\nasync def main(d):\n    await serve(d)\n\n\ndef other(d):\n    serve(d)\n",
        "from prefect import serve\nfrom prefect.flows import aserve\n\n\nasync def main(d):\n    await aserve(d)\n\n\ndef other(d):\n    serve(d)\n",
        select=RULE,
    )


def test_flow_served_in_an_event_loop() -> None:
    code = "from prefect import flow\n\n\n@flow\ndef f():\n    pass\n\n\nasync def main():\n    await f.serve('a')\n"
    (finding,) = prove(code, code, select=RULE)
    assert (finding.severity, finding.fix) == (Severity.ERROR, None)


def test_result_of_a_state_of_the_server() -> None:
    code = "from prefect.server.schemas.states import Completed\n\nprint(Completed(data=1).result())\n"
    assert findings_in(code, select=RULE) == [("PF111", 3, "error")]


@pytest.mark.parametrize(
    "body",
    [
        "    return asyncio.run(FlowRunContext.get().client.read_flows())\n",
        "    context = FlowRunContext.get()\n    return asyncio.run(context.client.read_flows())\n",
        "    client = get_run_context().client\n    return run_sync(client.read_flows())\n",
        "    return anyio.from_thread.run(TaskRunContext.get().client.read_flow, 1)\n",
    ],
)
def test_client_of_a_sync_context_whose_answer_is_run(body: str) -> None:
    head = "import asyncio, anyio\nfrom prefect.context import FlowRunContext, TaskRunContext, get_run_context\n\n\n"
    assert [code for code, _, _ in findings_in(f"{head}def f():\n{body}", select=RULE)] == ["PF111"]
    prove_untouched(f"{head}async def f():\n{body}", select=RULE)


# -- what is written with two types

TWO = "PrefectFuture[int, Sync]"
FUTURE = "from prefect.futures import PrefectFuture, Sync\n\n\n"
ONE_TYPE = {
    "parameter": ("def f(x: {}):\n    pass\n", Severity.ERROR),
    "result": ("def f() -> list[{}]:\n    pass\n", Severity.ERROR),
    "alias": ("Future = {}\n", Severity.ERROR),
    "of_the_module": ("x: {} = None\n", Severity.ERROR),
    "of_a_class": ("class A:\n    x: {}\n", Severity.ERROR),
    "of_an_attribute": ("class A:\n    def f(self):\n        self.x: {} = 1\n", Severity.ERROR),
    "of_a_local_variable": ("def f():\n    x: {} = 1\n    return x\n", Severity.INFO),
}


@pytest.mark.parametrize("name", ONE_TYPE)
def test_future_has_one_type_and_for_both_majors_none(name: str) -> None:
    body, severity = ONE_TYPE[name]
    before = FUTURE + body.format(TWO)
    head = FUTURE.replace(", Sync", "")
    (finding,) = prove(before, head + body.format("PrefectFuture[int]"), select=RULE)
    assert finding.severity is severity
    prove(before, head + body.format("PrefectFuture"), select=RULE, target="both")


@pytest.mark.parametrize(("decorator", "severity"), [("flow", "error"), ("task", "info")])
def test_future_with_two_types_that_only_a_flow_evaluates(decorator: str, severity: str) -> None:
    code = dedent(
        f"""\
        from __future__ import annotations
        from prefect import flow, task
        from prefect.futures import PrefectFuture

        @{decorator}
        def f(x: PrefectFuture[int, str] = None):
            pass
        """
    )
    assert findings_in(code, select=RULE) == [("PF111", 6, severity)]

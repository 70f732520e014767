"""Members and arguments that are gone, and arguments that nobody has: found where it is certain, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from migrator.config import Settings
from migrator.knowledge.api import api
from migrator.rules.base import Target
from migrator.rules.members import CLASS, FUNCTION, METHOD, _gone_argument_of, _gone_member
from tests.support.environments import PREFECT_2, PREFECT_3, PREFECT_3_OLDEST, environment
from tests.support.examples import findings_in, prove, prove_untouched
from tests.support.recording import check_source

RULES = ("PF107", "PF108", "PF109")
HEAD = """from prefect import State, flow, get_client, task
from prefect.futures import PrefectFuture


@task
def load(x):
    return x


@flow
def etl():
    return 1


"""


def told(code: str, target: str = "3") -> list[tuple[str, str, str]]:
    """Code, severity and message of each finding."""
    report = check_source(code.encode(), "flows.py", Settings(target=target, select=RULES))
    assert report.failure is None, report.failure
    return [(f.code, str(f.severity), f.message) for f in report.findings]


# -- members

RESPELLED = {
    "call_becomes_attribute": ("s = load.submit(1).get_state()\n", "s = load.submit(1).state\n"),
    "await_goes": (
        "@flow\nasync def f():\n    future = await load.submit(1)\n    return await future.get_state()\n",
        "@flow\nasync def f():\n    future = await load.submit(1)\n    return future.state\n",
    ),
    "await_in_brackets": (
        "async def f(future: PrefectFuture):\n    return (await future.get_state()).is_completed()\n",
        "async def f(future: PrefectFuture):\n    return (future.state).is_completed()\n",
    ),
    "each_of_a_list": (
        "fs = load.map([1, 2])\nx = [f.get_state() for f in fs]\n",
        "fs = load.map([1, 2])\nx = [f.state for f in fs]\n",
    ),
    "attribute_renamed": (
        "async def f():\n    async with get_client() as client:\n        d = await client.read_deployment('x')\n        return d.infra_overrides\n",
        "async def f():\n    async with get_client() as client:\n        d = await client.read_deployment('x')\n        return d.job_variables\n",
    ),
}


@pytest.mark.parametrize("name", RESPELLED)
def test_member_is_written_as_prefect_3_has_it(name: str) -> None:
    before, after = RESPELLED[name]
    (found,) = prove(HEAD + before, HEAD + after, select=RULES)
    assert found.code == "PF107"


REPORTED = {
    "handed_on_uncalled": "call = load.submit(1).get_state\n",
    "with_an_argument": "s = load.submit(1).get_state(client=None)\n",
    "not_awaited_in_a_coroutine": "async def f(xs: 'PrefectFuture'):\n    return await gather(xs.get_state())\n",
    "comment_between": "s = load.submit(1).get_state(\n    # now\n)\n",
    "without_a_new_spelling": "x = load.submit(1).task_run\n",
    "through_the_class": "x = PrefectFuture.get_state\n",
    "of_the_client": "async def f():\n    async with get_client() as c:\n        return c.update_schedule\n",
    "of_the_context": "from prefect.context import FlowRunContext\n\nx = FlowRunContext.get().task_run_futures\n",
    "inherited": "class Mine(PrefectFuture):\n    def f(self):\n        return self.asynchronous\n",
}


@pytest.mark.parametrize("name", REPORTED)
def test_member_whose_new_shape_differs_is_reported_alone(name: str) -> None:
    code = HEAD + REPORTED[name]
    (found,) = prove(code, code, select=RULES)
    assert found.code == "PF107" and found.fix is None


def test_message_says_what_and_what_instead() -> None:
    ((_, severity, message),) = told(f"{HEAD}s = load.submit(1).get_state()\n")
    assert severity == "error"
    assert message.startswith("`PrefectFuture.get_state` does not exist on Prefect 3.0; it is `state`")


def test_member_that_a_later_minor_lost_is_no_error_before_it() -> None:
    code = f"{HEAD}x = State(type='COMPLETED').to_state_create()\n"
    assert findings_in(code, select=RULES, target="3.1") == []
    assert findings_in(code, select=RULES, target="3.2") == [("PF107", 15, "error")]
    assert "Prefect 3.2" in told(code)[0][2]


def test_lambda_whose_body_is_a_condition() -> None:
    code = "from prefect.futures import PrefectFuture\n\n\ndef f(future: PrefectFuture):\n    return lambda x: 1 / x if future.get_state() else None\n"
    assert [(code, severity) for code, severity, _ in told(code)] == [("PF107", "error")]


BY_COMPAT = {
    "called": ("s = load.submit(1).get_state()\n", "state", "s = state(load.submit(1))\n"),
    "in_a_flow": (
        "@flow\ndef f():\n    future = load.submit(1)\n    return future.get_state().is_completed()\n",
        "state",
        "@flow\ndef f():\n    future = load.submit(1)\n    return state(future).is_completed()\n",
    ),
    "awaited": (
        "@flow\nasync def f():\n    future = await load.submit(1)\n    return await future.get_state()\n",
        "state_async",
        "@flow\nasync def f():\n    future = await load.submit(1)\n    return await state_async(future)\n",
    ),
}


@pytest.mark.parametrize("name", BY_COMPAT)
def test_both_majors_get_the_function_of_compat(name: str) -> None:
    before, function, after = BY_COMPAT[name]
    last = "from prefect.futures import PrefectFuture\n"
    for compat in ("shop._shim", "compat"):
        head = HEAD.replace(last, f"{last}from {compat} import {function}\n")
        found = prove(HEAD + before, head + after, select=RULES, target="both", compat=compat)
        assert [each.code for each in found] == ["PF107"]


BY_HAND = {
    "the_name_is_taken": "state = load.submit(1).get_state()\n",
    "with_an_argument": "s = load.submit(1).get_state(client=None)\n",
    "not_awaited_in_a_coroutine": "async def f(xs: 'PrefectFuture'):\n    return await gather(xs.get_state())\n",
    "handed_on_uncalled": "call = load.submit(1).get_state\n",
    "in_parentheses": "s = (load.submit(1)).get_state()\n",
}


@pytest.mark.parametrize("name", BY_HAND)
def test_both_majors_get_no_spelling_that_one_of_them_lacks(name: str) -> None:
    code = HEAD + BY_HAND[name]
    (found,) = prove(code, code, select=RULES, target="both")
    assert found.code == "PF107" and found.message.endswith("For both majors: `state(...)` of `compat`")


UNTOUCHED = {
    "living_members": "f = load.submit(1)\nf.wait()\nx = f.state, f.result(), f.task_run_id\n",
    "unknown_object": "def f(x):\n    return x.get_state(), x.task_run, x.schedule\n",
    "own_class": "class Future:\n    def get_state(self):\n        return 1\n\n\nx = Future().get_state()\n",
    "own_class_of_the_same_name": "def f():\n    class PrefectFuture:\n        def get_state(self):\n            return 1\n\n    return PrefectFuture().get_state()\n",
    "subclass_that_defines_it": "class Mine(PrefectFuture):\n    def get_state(self):\n        return self.name\n\n    name = 'x'\n\n\nx = Mine().get_state()\n",
    "subclass_that_sets_it": "class Mine(PrefectFuture):\n    def __init__(self):\n        self.name = 1\n\n    def f(self):\n        return self.name\n",
    "subclass_with_another_base": "import other\n\n\nclass Mine(PrefectFuture, other.Mixin):\n    def f(self):\n        return self.get_state()\n",
    "subclass_that_answers_for_anything": "class Mine(PrefectFuture):\n    def __getattr__(self, name):\n        return 1\n\n    def f(self):\n        return self.get_state()\n",
    "getattr": "x = getattr(load.submit(1), 'get_state', None)\n",
    "asked_for": "f = load.submit(1)\nif hasattr(f, 'get_state'):\n    f.get_state()\n",
    "tried": "f = load.submit(1)\ntry:\n    s = f.get_state()\nexcept AttributeError:\n    s = f.state\n",
    "branch_for_2": "import prefect\n\nf = load.submit(1)\nif prefect.__version__.startswith('2'):\n    f.get_state()\n",
    "narrowed": "def f(x: PrefectFuture):\n    if isinstance(x, Other):\n        return x.get_state()\n",
    "reassigned": "f = load.submit(1)\nf = f.result()\nf.get_state()\n",
    "shadowed": "f = load.submit(1)\n\n\ndef g(f):\n    return f.get_state()\n",
    "concurrent_futures": "from concurrent.futures import ThreadPoolExecutor\n\nwith ThreadPoolExecutor() as pool:\n    f = pool.submit(load.fn, 1)\n    f.get_state(), f.name, f.key\n",
    "dask": "from dask.distributed import Client\n\nf = Client().submit(load.fn, 1)\nf.key, f.name\n",
    "dictionary": "d = {'f': load.submit(1), 'n': 1}\nd['f'].get_state()\nd.name\n",
    "mock": "from unittest.mock import MagicMock\n\nf = MagicMock(spec=PrefectFuture)\nf.get_state()\n",
    "set_by_the_user": "f = load.submit(1)\nf.name = 'x'\n",
    "result_of_a_task": "x = load(1)\nx.name, x.key, x.get_state()\n",
    "members_of_pydantic": "s = State(type='COMPLETED')\ns.copy(), s.json(), s.dict()\n",
    "task_of_a_class": "class A:\n    @task\n    def t(self):\n        return self.name\n",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_members_of_other_things_are_left_alone(name: str) -> None:
    prove_untouched(HEAD + UNTOUCHED[name], select=RULES)


# -- arguments

REWRITTEN = {
    "renamed": (
        "from prefect.deployments import run_deployment\n\nrun_deployment('a/b', infra_overrides={'env': {}}, timeout=0)\n",
        "from prefect.deployments import run_deployment\n\nrun_deployment('a/b', job_variables={'env': {}}, timeout=0)\n",
    ),
    "left_out": (
        "def f(state: State):\n    return state.result(raise_on_failure=False, fetch=True)\n",
        "def f(state: State):\n    return state.result(raise_on_failure=False)\n",
    ),
    "left_out_alone": (
        "def f(state: State):\n    return state.result(fetch=True)\n",
        "def f(state: State):\n    return state.result()\n",
    ),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_argument_is_written_as_prefect_3_takes_it(name: str) -> None:
    before, after = REWRITTEN[name]
    (found,) = prove(HEAD + before, HEAD + after, select=RULES)
    assert found.code == "PF108"


ARGUMENTS = {
    "of_a_method": ("etl.serve(name='x', paused=True, is_schedule_active=False)\n", "error"),
    "of_a_classmethod": ("from prefect.deployments.runner import RunnerDeployment\n\nRunnerDeployment.from_flow(etl, name='x', paused=False, is_schedule_active=False)\n", "error"),
    "of_a_function": ("from prefect import pause_flow_run\n\npause_flow_run(flow_run_id='x')\n", "error"),
    "of_a_client": ("async def f():\n    async with get_client() as c:\n        await c.create_work_queue('x', tags=['a'])\n", "error"),
    "of_a_model_that_forbids": ("from prefect.client.schemas.actions import DeploymentCreate\n\nDeploymentCreate(name='x', flow_id='y', paused=False, is_schedule_active=True)\n", "error"),
    "of_a_model_that_ignores": ("from prefect.client.schemas.filters import DeploymentFilter\n\nDeploymentFilter(is_schedule_active=None)\n", "warning"),
    "of_a_model_that_ignores_after_a_look": ("from prefect.deployments.runner import RunnerDeployment\n\nRunnerDeployment(name='x', paused=False, is_schedule_active=True)\n", "warning"),
    "new_name_is_there_too": ("from prefect.deployments import run_deployment\n\nrun_deployment('a/b', infra_overrides={}, job_variables={})\n", "error"),
    "left_out_value_does_something": ("def f(state: State):\n    return state.result(fetch=decide())\n", "error"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_argument_without_a_new_spelling_is_reported_alone(name: str) -> None:
    code, severity = ARGUMENTS[name]
    (found,) = prove(HEAD + code, HEAD + code, select=RULES)
    assert (found.code, str(found.severity), found.fix) == ("PF108", severity, None)


def test_argument_that_later_minors_take_again() -> None:
    code = f"{HEAD}etl.serve(name='x', schedule=None)\n"
    assert findings_in(code, select=RULES, target="3.0") == [("PF108", 15, "error")]
    assert findings_in(code, select=RULES, target="3.2") == []


def test_new_name_for_both_majors_only_where_both_take_it() -> None:
    prove(*(HEAD + each for each in REWRITTEN["renamed"]), select=RULES, target="both")
    kept = HEAD + REWRITTEN["left_out"][0]
    prove(kept, kept, select=RULES, target="both")


ARGUMENTS_UNTOUCHED = {
    "living_arguments": "etl.serve(name='x', cron='* * * * *', paused=True)\netl.deploy('x', schedules=[])\n",
    "options": "options = {'is_schedule_active': True}\netl.serve(name='x', **options)\n",
    "own_function": "def run_deployment(name, infra_overrides):\n    pass\n\n\nrun_deployment('x', infra_overrides={})\n",
    "unknown_object": "def f(x):\n    return x.result(fetch=True), x.serve(is_schedule_active=True)\n",
    "tried": "def f(state: State):\n    try:\n        return state.result(fetch=True)\n    except TypeError:\n        return state.result()\n",
    "expected_to_fail": "import pytest\n\n\ndef test(state: State):\n    with pytest.raises(TypeError):\n        state.result(fetch=True)\n",
    "branch_for_2": "import prefect\n\n\ndef f(state: State):\n    if prefect.__version__.startswith('2'):\n        return state.result(fetch=True)\n",
    "task_parameters": "load.submit(1, fetch=True, schedule=1)\nload(1, is_schedule_active=True)\n",
    "own_subclass": "from prefect.deployments.runner import RunnerDeployment\n\n\nclass Mine(RunnerDeployment):\n    schedule: str = ''\n\n\nMine(name='x', schedule='y')\n",
    "prefect_1": "from prefect import Flow\n\nwith Flow('x', schedule=None, executor=None) as f:\n    pass\n",
}


@pytest.mark.parametrize("name", ARGUMENTS_UNTOUCHED)
def test_arguments_of_other_things_are_left_alone(name: str) -> None:
    prove_untouched(HEAD + ARGUMENTS_UNTOUCHED[name], select=RULES)


def test_deployment_has_a_rule_of_its_own() -> None:
    code = "from prefect.deployments import Deployment\n\nDeployment.build_from_flow(etl, name='x', infra_overrides={}, is_schedule_active=True)\n"
    assert {code for code, _, _ in findings_in(HEAD + code)} == {"PF301"}


# -- arguments that nobody has

SLIPS = {
    "reties": ("@task(reties=3)\ndef t():\n    pass\n", "@task(retries=3)\ndef t():\n    pass\n"),
    "retry_dely_seconds": (
        "@flow(retry_dely_seconds=3, name='x')\ndef f():\n    pass\n",
        "@flow(retry_delay_seconds=3, name='x')\ndef f():\n    pass\n",
    ),
    "with_options": ("t = load.with_options(task_run_nme='x')\n", "t = load.with_options(task_run_name='x')\n"),
    "called": ("f = flow(print, log_print=True)\n", "f = flow(print, log_prints=True)\n"),
}


@pytest.mark.parametrize("name", SLIPS)
@pytest.mark.parametrize("target", ["3", "both"])
def test_slip_is_mended_with_the_nearest_name(name: str, target: str) -> None:
    before, after = SLIPS[name]
    (found,) = prove(HEAD + before, HEAD + after, select=RULES, target=target)
    assert found.code == "PF109"
    prove(HEAD + before, HEAD + before, select=RULES, target=target, unsafe=False)


NO_NEAREST = {
    "far_off": "@task(trigger=None)\ndef t():\n    pass\n",
    "given_already": "@task(reties=3, retries=3)\ndef t():\n    pass\n",
    "not_so_near": "@task(max_retries=3)\ndef t():\n    pass\n",
}


@pytest.mark.parametrize("name", NO_NEAREST)
def test_argument_that_nobody_has_is_reported_without_a_guess(name: str) -> None:
    code = HEAD + NO_NEAREST[name]
    (found,) = prove(code, code, select=RULES)
    assert found.code == "PF109" and found.fix is None


def test_argument_of_prefect_3_is_an_error_for_both_majors_and_for_minors_before_it() -> None:
    code = "from prefect import task\n\n\n@task(cache_policy=None, on_running=[])\ndef t():\n    pass\n"
    assert findings_in(code, select=RULES) == []
    assert [message for _, _, message in told(code, "3.1")] == ["`task` takes `on_running=` from Prefect 3.5 on"]
    assert [message for _, _, message in told(code, "both")] == [
        "`task` takes `cache_policy=` on Prefect 3 only, from 3.0 on",
        "`task` takes `on_running=` on Prefect 3 only, from 3.5 on",
    ]


def test_argument_that_only_late_releases_of_2_have_is_fine_for_both_majors() -> None:
    prove_untouched(
        "from prefect import task\n\n\n@task(retry_condition_fn=None, log_prints=True)\ndef t():\n    pass\n",
        select=RULES,
        target="both",
    )


UNKNOWN_UNTOUCHED = {
    "every_real_one": "@task(name='x', retries=1, retry_jitter_factor=1, cache_key_fn=None, viz_return_value=1)\ndef t():\n    pass\n",
    "options": "options = {}\n\n\n@task(**options)\ndef t():\n    pass\n",
    "other_decorator": "import celery\n\n\n@celery.task(reties=3)\ndef t():\n    pass\n",
    "own_decorator": "def f():\n    def task(reties):\n        return lambda fn: fn\n\n    @task(reties=3)\n    def t():\n        pass\n",
    "other_with_options": "x = unknown.with_options(reties=3)\n",
    "bound_to_something_else": "@unknown\n@flow\ndef f():\n    pass\n\n\nf.with_options(include_files=[])\n",
    "arguments_of_the_function": "load(reties=3)\netl(reties=3)\n",
    "expected_to_fail": "import pytest\n\nwith pytest.raises(TypeError):\n    task(print, reties=3)\n",
}


@pytest.mark.parametrize("name", UNKNOWN_UNTOUCHED)
def test_other_calls_are_left_alone(name: str) -> None:
    prove_untouched(HEAD + UNKNOWN_UNTOUCHED[name], select=RULES)


def test_argument_of_3_on_a_branch_for_3_is_fine_for_both_majors() -> None:
    prove_untouched(
        "from compat import PREFECT_3\nfrom prefect import task\n\nif PREFECT_3:\n    t = task(print, cache_policy=None)\n",
        select=RULES,
        target="both",
    )


# -- against the real releases

Question = tuple[str, str, str, str, str]


def lost(minor: int) -> Iterator[Question]:
    """Everything of Prefect itself that the rules call gone on a minor: kind, home, method, name, severity."""
    data, target = api(), Target(minor=minor)
    now, ever = data.minor(minor), data.everything
    for home in data.classes:
        klass = data.klass(home)
        if klass is None or not klass.releases & now or not home.startswith(("prefect.", "prefect:")):
            continue
        homes = ((home, ever),)
        lineage = [base for base, _ in data.lineage(home)]
        for name in sorted({name for base in lineage for name in base.members}):
            if _gone_member(homes, name, target):
                yield "member", home, "", name, "error"
        for name in sorted({each.name for base in lineage if base.call for each in base.call.parameters}):
            gone = _gone_argument_of(CLASS, homes, "", name, target)
            if gone:
                yield "argument", home, "", name, str(gone.severity)
        for method, name in sorted(
            {
                (entry.name, each.name)
                for base in lineage
                for entry in base.members.values()
                if entry.call
                for each in entry.call.parameters
            }
        ):
            if _gone_argument_of(METHOD, homes, method, name, target):
                yield "argument", home, method, name, "error"
    for module in data.modules:
        for name in data.names(module) if module.partition(".")[0] == "prefect" else ():
            entry = data.entry(module, name)
            if entry is None or not entry.releases & now or {kind for kind, _ in entry.kinds} != {"def"}:
                continue
            places = [f"{module}:{name}", *(home for home, _ in entry.homes)]
            entries = [data.entry(*place.split(":", 1)) for place in places]
            calls = [each.call for each in entries if each is not None and each.call is not None]
            for argument in sorted({each.name for call in calls for each in call.parameters}):
                if _gone_argument_of(FUNCTION, entry.homes, places[0], argument, target):
                    yield "argument", places[0], "", argument, "error"


PROGRAM = r"""
import importlib, inspect, io, json, re, sys, warnings
from contextlib import redirect_stderr, redirect_stdout

def fields(found):
    named = getattr(found, "model_fields", None) or {}
    return {each for name, field in named.items() for each in (name, field.alias, str(field.validation_alias))}

def set_by_itself(cls, name):
    for base in cls.__mro__:
        made = vars(base).get("__init__")
        written = inspect.isfunction(made) and not made.__code__.co_filename.startswith("<")
        if written and re.search(r"self\.%s\b(: [^=\n]*)? = " % name, inspect.getsource(made)):
            return True
        if name in vars(base).get("__annotations__", {}):
            return True
    return False

def wrong(kind, home, method, name, severity):
    module, _, qualname = home.partition(":")
    try:
        found = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        return None
    if kind == "member":
        return hasattr(found, name) or name in fields(found) or set_by_itself(found, name)
    called = getattr(found, method) if method else found
    if hasattr(called, "model_fields"):
        forbids = called.model_config.get("extra") == "forbid"
        return name in fields(called) or forbids != (severity == "error")
    parameters = inspect.signature(called).parameters
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())

warnings.simplefilter("ignore")
with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
    answers = [wrong(*question) for question in json.load(open(sys.argv[1]))]
json.dump(answers, sys.stdout)
"""


@pytest.mark.prefect
@pytest.mark.parametrize("version", [PREFECT_3_OLDEST, PREFECT_3])
def test_what_is_called_gone_is_gone_from_the_real_release(version: str, tmp_path) -> None:  # type: ignore[no-untyped-def]
    questions = list(lost(int(version.split(".")[1])))
    asked = tmp_path / "questions.json"
    asked.write_text(json.dumps(questions))
    done = environment(version).run(["-c", PROGRAM, str(asked)])
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [question for question, wrong in zip(questions, answers) if wrong] == []
    assert answers.count(False) > 400


@pytest.mark.prefect
@pytest.mark.parametrize("version", [PREFECT_2, PREFECT_3_OLDEST, PREFECT_3])
def test_argument_that_nobody_has_is_refused_by_the_real_releases(version: str) -> None:
    program = (
        "from prefect import flow, task\n"
        "t, f = task(lambda: 1, name='t'), flow(lambda: 1, name='f')\n"
        "for call in (lambda: task(reties=3), lambda: flow(trigger=3), lambda: t.with_options(nme='x'), lambda: f.with_options(nme='x')):\n"
        "    try:\n"
        "        call()\n"
        "    except TypeError as error:\n"
        "        print('unexpected keyword argument' in str(error))\n"
    )
    done = environment(version).run(["-c", program])
    assert done.stdout.split() == ["True"] * 4, done.stderr


def test_two_slips_that_mean_one_argument_are_not_both_mended() -> None:
    code = "from prefect import flow\n\n\n@flow(taskrunner=None, task_runners=None)\ndef f(): ...\n"
    assert len(prove(code, code, select=("PF109",))) == 2


@pytest.mark.parametrize("call", ["s.result(fetch=False)", "s.result(fetch=flag)", "s.result(fetch=True)"])
def test_fetch_of_a_coroutine_that_does_not_await_is_left(call: str) -> None:
    code = f"from prefect.states import State\n\n\nasync def f(s: State, flag):\n    return {call}\n"
    (found,) = prove(code, code, select=("PF108",))
    assert found.fix is None


# -- schedules and pauses of deployments

TURNED = {
    "inactive": ("etl.deploy('n', is_schedule_active=False)", "etl.deploy('n', paused=True)"),
    "active": ("etl.serve('n', is_schedule_active=True)", "etl.serve('n', paused=False)"),
    "nothing_said": ("etl.serve('n', is_schedule_active=None)", "etl.serve('n')"),
    "active_by_expression": (
        "etl.to_deployment('n', is_schedule_active=a or b)",
        "etl.to_deployment('n', paused=not (a or b))",
    ),
    "active_by_negation": ("etl.serve('n', is_schedule_active=not a)", "etl.serve('n', paused=a)"),
    "schedule_of_the_client": (
        "await client.create_deployment(flow_id=a, name='n', schedule=CronSchedule(cron='0 0 * * *'), is_schedule_active=False)",
        "await client.create_deployment(flow_id=a, name='n', schedules=[{\"schedule\": CronSchedule(cron='0 0 * * *'), \"active\": True}], paused=True)",
    ),
    "schedule_of_the_client_in_a_variable": (
        "await client.create_deployment(flow_id=a, name='n', schedule=b)",
        'await client.create_deployment(flow_id=a, name=\'n\', schedules=[{"schedule": b, "active": True}] if b is not None else None)',
    ),
    "update": (
        "DeploymentUpdate(is_schedule_active=True, infra_overrides={})",
        "DeploymentUpdate(paused=False, job_variables={})",
    ),
    "update_schedule": ("await client.update_schedule(a)", "await client.set_deployment_paused_state(a, paused=False)"),
    "update_schedule_positional": (
        "await client.update_schedule(a, b)",
        "await client.set_deployment_paused_state(a, paused=not b)",
    ),
    "update_schedule_by_name": (
        "await client.update_schedule(deployment_id=a, active=False)",
        "await client.set_deployment_paused_state(deployment_id=a, paused=True)",
    ),
}
SCHEDULES = (
    "from prefect.client.schemas.actions import DeploymentUpdate\nfrom prefect.client.schemas.schedules import CronSchedule\n"
    f"{HEAD}async def f(a, b):\n    async with get_client() as client:\n        "
)


@pytest.mark.parametrize("name", TURNED)
def test_value_is_turned_round_where_prefect_3_takes_the_opposite_or_a_list(name: str) -> None:
    before, after = TURNED[name]
    prove(f"{SCHEDULES}{before}\n", f"{SCHEDULES}{after}\n", select=RULES)


def test_schedule_that_3_0_refuses_is_a_list_for_it_and_stays_for_later_ones() -> None:
    before = f"{SCHEDULES}etl.deploy('n', schedule=CronSchedule(cron='0 0 * * *'))\n"
    after = f"{SCHEDULES}etl.deploy('n', schedules=[CronSchedule(cron='0 0 * * *')])\n"
    prove(before, after, select=RULES, target="3.1")
    prove_untouched(before, select=RULES, target="3.8")


@pytest.mark.parametrize(
    "call",
    [
        "etl.deploy('n', paused=False)",
        "etl.deploy('n', schedules=[CronSchedule(cron='0 0 * * *')])",
        "await client.set_deployment_paused_state(a, True)",
        "other.update_schedule(a, True)",
        "other.deploy('n', is_schedule_active=False)",
    ],
)
def test_what_is_written_for_3_or_belongs_to_others_stays(call: str) -> None:
    prove_untouched(f"{SCHEDULES}{call}\n", select=RULES)


def test_update_of_2_has_no_pause_for_both_majors() -> None:
    code = f"{SCHEDULES}DeploymentUpdate(is_schedule_active=True)\n"
    prove(code, code, select=RULES, target="both")

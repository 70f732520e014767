"""What async code awaits, what nobody awaits, and where event loops are started."""

from __future__ import annotations

import pytest

from tests.support.examples import findings_in, prove, prove_untouched

HEAD = """\
import asyncio
from prefect import flow, task

@task
async def load(n):
    return n

@task
def plain(n):
    return n

@flow
async def child(n):
    return n

"""


PREFECT = "from prefect import flow, task\n"


def _flow(body: str, kind: str = "async def") -> str:
    lines = "\n".join(f"    {line}" if line else line for line in body.strip("\n").split("\n"))
    return f"{HEAD}@flow\n{kind} etl():\n{lines}\n"


FUTURE = "f = load.submit(1)\n"

AWAITED = {
    "map": ("await load.map([1])", "load.map([1])"),
    "task with options": ("await load.with_options(retries=2).submit(1)", "load.with_options(retries=2).submit(1)"),
    "submission and result at once": ("return await (await load.submit(1)).result()", "return load.submit(1).result()"),
    "arguments of result": (
        FUTURE + "await f.result(raise_on_failure=False)",
        FUTURE + "f.result(raise_on_failure=False)",
    ),
    "an await in brackets": (FUTURE + "return (await f.result()) + 1", FUTURE + "return (f.result()) + 1"),
    "a list of futures": (
        "fs = [await load.submit(n) for n in (1, 2)]\nreturn [await f.result() for f in fs]",
        "fs = [load.submit(n) for n in (1, 2)]\nreturn [f.result() for f in fs]",
    ),
    "a wait whose state nobody reads": (FUTURE + "await f.wait()", FUTURE + "f.wait()"),
    "a wait whose state is kept": (FUTURE + "s = await f.wait()", FUTURE + "f.wait()\ns = f.state"),
    "a gather over several lines": (
        "a, b = await asyncio.gather(\n    load.submit(1),  # first\n    load.submit(2),\n)",
        "a, b = [\n    load.submit(1),  # first\n    load.submit(2),\n]",
    ),
    "a gather over a generator": (
        "fs = await asyncio.gather(*(load.submit(n) for n in (1, 2)))",
        "fs = [load.submit(n) for n in (1, 2)]",
    ),
    "a gather over calls in a variable": (
        "calls = [load.submit(n) for n in (1, 2)]\nfs = await asyncio.gather(*calls)\nreturn [await f.result() for f in fs]",
        "calls = [load.submit(n) for n in (1, 2)]\nfs = [*calls]\nreturn [f.result() for f in fs]",
    ),
    "a call in a variable": ("c = load.submit(1)\nf = await c", "c = load.submit(1)\nf = c"),
    "states of a gather": (
        "fs = await asyncio.gather(load.submit(1))\nreturn await asyncio.gather(*[f.get_state() for f in fs])",
        "fs = [load.submit(1)]\nreturn [f.state for f in fs]",
    ),
    "other coroutines in the gather": (
        FUTURE + "await asyncio.gather(f.result(), asyncio.sleep(0))",
        FUTURE + "await asyncio.gather(asyncio.to_thread(f.result), asyncio.sleep(0))",
    ),
    "exceptions that are gathered": (
        FUTURE + "await asyncio.gather(f.result(), return_exceptions=True)",
        FUTURE + "await asyncio.gather(asyncio.to_thread(f.result), return_exceptions=True)",
    ),
    "a limit of time": (
        FUTURE + "await asyncio.wait_for(f.result(raise_on_failure=False), 5)",
        FUTURE + "await asyncio.wait_for(asyncio.to_thread(f.result, raise_on_failure=False), 5)",
    ),
    "a scheduled result": (
        FUTURE + "t = asyncio.create_task(f.result())\nawait t",
        FUTURE + "t = asyncio.create_task(asyncio.to_thread(f.result))\nawait t",
    ),
}


@pytest.mark.parametrize("name", AWAITED)
def test_what_is_awaited_of_futures_is_not_awaited_any_more(name: str) -> None:
    before, after = AWAITED[name]
    prove(_flow(before), _flow(after), select=("PF420",))


FOR_BOTH = {
    "submit": ("f = await load.submit(1)", "f = await submit_async(load, 1)", "submit_async"),
    "map over several lines": (
        "f = await load.map(\n    [1],\n)",
        "f = await map_async(load,\n    [1],\n)",
        "map_async",
    ),
    "results": (
        "f = plain.submit(1)\nawait asyncio.gather(f.result(), asyncio.sleep(0))",
        "f = plain.submit(1)\nawait asyncio.gather(result_async(f), asyncio.sleep(0))",
        "result_async",
    ),
    "a wait": ("f = plain.submit(1)\nawait f.wait(5)", "f = plain.submit(1)\nawait wait_async([f], 5)", "wait_async"),
    "a state after a wait": (
        "f = plain.submit(1)\nreturn await f.wait()",
        "f = plain.submit(1)\nawait wait_async([f])\nreturn await state_async(f)",
        "state_async, wait_async",
    ),
    "calls in a variable": (
        "calls = []\ncalls.append(load.submit(1))\nfs = await asyncio.gather(*calls)",
        "calls = []\ncalls.append(submit_async(load, 1))\nfs = await asyncio.gather(*calls)",
        "submit_async",
    ),
    "all together": (
        "fs = await asyncio.gather(*[load.submit(n) for n in (1, 2)])\nreturn [await f.result() for f in fs]",
        "fs = await asyncio.gather(*[submit_async(load, n) for n in (1, 2)])\nreturn [await result_async(f) for f in fs]",
        "result_async, submit_async",
    ),
}


@pytest.mark.parametrize("name", FOR_BOTH)
def test_for_both_majors_the_helpers_of_compat_are_awaited(name: str) -> None:
    before, after, names = FOR_BOTH[name]
    imported = _flow(after).replace(PREFECT, f"{PREFECT}from compat import {names}\n")
    prove(_flow(before), imported, select=("PF420",), target="both")


def test_state_of_an_awaited_future_and_its_import_are_mended_by_two_rules_at_once() -> None:
    before = _flow("f = await load.submit(1)\nstate = await f.get_state()\nreturn await f.result()")
    prove(before, _flow("f = load.submit(1)\nstate = f.state\nreturn f.result()"), select=("PF420", "PF107"))
    after = _flow("f = await submit_async(load, 1)\nstate = await state_async(f)\nreturn await result_async(f)")
    imports = f"{PREFECT}from compat import result_async, state_async, submit_async\n"
    prove(before, after.replace(PREFECT, imports), select=("PF420", "PF107"), target="both")


def test_task_of_another_module_is_known_to_be_async() -> None:
    files = {
        "tasks.py": "from prefect import task\n\n@task\nasync def load(n):\n    return n\n\n@task\ndef plain(n):\n    return n\n"
    }
    before = """\
from prefect import flow
from tasks import load, plain

@flow
async def etl():
    await load.submit(1)
    await plain.submit(1)
"""
    prove(before, before.replace("await load", "load"), select=("PF420",), files=files)


def test_event_loop_that_has_other_work_makes_a_blocking_result_unsafe() -> None:
    alone, busy = (
        prove(_flow(body), _flow(body.replace("await f", "f")), select=("PF420",))
        for body in (FUTURE + "await f.result()", "t = asyncio.create_task(child(1))\n" + FUTURE + "await f.result()")
    )
    assert [str(f.fix.applicability) for f in (*alone, *busy) if f.fix] == ["safe", "unsafe"]


REPORTED = {
    "a state of a wait in the middle": FUTURE + "return (await f.wait()).is_completed()",
    "states of waits that are gathered": "fs = [load.submit(1)]\nreturn await asyncio.gather(*[f.wait() for f in fs])",
}


@pytest.mark.parametrize("name", REPORTED)
@pytest.mark.parametrize("target", ["3", "both"])
def test_state_that_has_no_place_is_only_reported(name: str, target: str) -> None:
    code = _flow(REPORTED[name])
    assert prove(code, code, select=("PF420",), target=target)


def test_helper_that_is_given_futures_does_not_await_them() -> None:
    helpers = "async def one(f):\n    return await f.result()\n\nasync def every(fs):\n    return [await f.result() for f in fs]\n\n"
    calls = _flow("f = load.submit(1)\nfs = [load.submit(n) for n in (1, 2)]\nreturn await one(f), await every(fs=fs)")
    before = calls.replace("@flow\nasync def etl", helpers + "@flow\nasync def etl")
    prove(before, before.replace("await f.result()", "f.result()"), select=("PF420",))
    other = before + "\nasync def main(handle):\n    return await one(handle)\n"
    prove(other, other.replace("[await f.result()", "[f.result()"), select=("PF420",))


UNTOUCHED = {
    "futures of Prefect 3": FUTURE + "return f.result()",
    "a sync task, which fails on both": "await plain.submit(1)",
    "direct calls": "return await asyncio.gather(*[load(n) for n in (1, 2)])",
    "threads": FUTURE + "await asyncio.gather(asyncio.to_thread(f.result))",
    "another library's future": "f = client.submit(1)\nawait f.result()",
    "an argument": "async def inner(f):\n    return await f.result()",
    "a name that means something else": FUTURE + "f = object()\nawait f.result()",
    "code that looks first": FUTURE + "import inspect\nif inspect.isawaitable(f):\n    f = await f",
    "code for one major": FUTURE + "import prefect\nif prefect.__version__.startswith('2'):\n    await f.result()",
    "Prefect's own wait": "from prefect.futures import wait\nwait([load.submit(1)])",
    "a gather of another library": "from trio_extras import gather\n" + FUTURE + "gather(f)",
    "helpers of compat": "from compat import submit_async\ncalls = [submit_async(load, 1)]\nawait asyncio.gather(*calls)",
}


@pytest.mark.parametrize("name", UNTOUCHED)
@pytest.mark.parametrize("target", ["3", "both"])
def test_what_is_awaited_rightly_stays(name: str, target: str) -> None:
    prove_untouched(_flow(UNTOUCHED[name]), select=("PF42",), target=target)


# -- coroutines that nobody awaits

CALLED = {
    "a value": ("x = load(1)", "x = load.submit(1).result()"),
    "a state": ("s = load(1, return_state=True)", "s = load.submit(1, return_state=True)"),
    "waits": ("x = load(plain.submit(1), wait_for=[])", "x = load.submit(plain.submit(1), wait_for=[]).result()"),
    "options": ("load.with_options(retries=1)(1)", "load.with_options(retries=1).submit(1).result()"),
    "a comprehension": ("return [load(n) for n in (1, 2)]", "return [load.submit(n).result() for n in (1, 2)]"),
    "a subflow": ("x = child(1)", "x = asyncio.run(child(1))"),
    "a function inside": (
        "def inner():\n    return load(1)\nreturn inner()",
        "def inner():\n    return load.submit(1).result()\nreturn inner()",
    ),
}


@pytest.mark.parametrize("name", CALLED)
def test_async_task_that_a_sync_flow_calls_is_run(name: str) -> None:
    before, after = CALLED[name]
    prove(_flow(before, "def"), _flow(after, "def"), select=("PF421",))
    for_both = _flow(after, "def")
    if "asyncio.run" in after:
        for_both = for_both.replace("asyncio.run(child(1))", "call_task(child, 1)")
        for_both = for_both.replace(PREFECT, f"{PREFECT}from compat import call_task\n")
    prove(_flow(before, "def"), for_both, select=("PF421",), target="both")


def test_flow_with_a_runner_of_its_own_makes_the_submission_unsafe() -> None:
    before = _flow("load(1)", "def").replace("@flow\ndef", "@flow(task_runner=RUNNER)\ndef")
    (finding,) = prove(before, before.replace("    load(1)", "    load.submit(1).result()"), select=("PF421",))
    assert finding.fix is not None and str(finding.fix.applicability) == "unsafe"


def test_another_decorator_makes_the_submission_unsafe() -> None:
    before = _flow("load(1)", "def").replace("@task\nasync def load", "@task\n@logged\nasync def load")
    (finding,) = prove(before, before.replace("    load(1)", "    load.submit(1).result()"), select=("PF421",))
    assert finding.fix is not None and str(finding.fix.applicability) == "unsafe"


HELPER = HEAD.replace("import asyncio\n", "") + "def helper(n):\n    return load(n)\n\n"
FROM_FLOW = "@flow\ndef etl():\n    return helper(1)\n\n"
FROM_MODULE = 'if __name__ == "__main__":\n    helper(1)\n'
FROM_ASYNC = "async def main():\n    return await helper(1)\n"
FROM_TASK = "@task\ndef outer():\n    return helper(1)\n\n@flow\ndef nested():\n    return outer()\n"


def test_helper_of_sync_flows_submits() -> None:
    code = HELPER + FROM_FLOW
    prove(code, code.replace("return load(n)", "return load.submit(n).result()"), select=("PF421",))
    code = HELPER + FROM_TASK
    prove(code, code.replace("return load(n)", "return load.submit(n).result()"), select=("PF421",))


def test_helper_that_runs_outside_of_flows_as_well_starts_an_event_loop() -> None:
    code = HELPER + FROM_FLOW + FROM_MODULE
    after = code.replace("return load(n)", "return asyncio.run(load(n))").replace(PREFECT, f"{PREFECT}import asyncio\n")
    prove(code, after, select=("PF421",))
    both = code.replace("return load(n)", "return call_task(load, n)")
    prove(code, both.replace(PREFECT, f"{PREFECT}from compat import call_task\n"), select=("PF421",), target="both")


def test_helper_of_sync_and_async_code_is_only_reported() -> None:
    code = HELPER + FROM_FLOW + FROM_ASYNC
    (finding,) = prove(code, code, select=("PF421",))
    assert "async code" in finding.message


def test_helper_of_another_module_is_followed_to_the_flow_that_calls_it() -> None:
    flows = "from prefect import flow\nfrom helpers import helper\n\n@flow\ndef etl():\n    return helper(1)\n"
    helpers = (
        "from prefect import task\n\n@task\nasync def load(n):\n    return n\n\ndef helper(n):\n    return load(n)\n"
    )
    after = helpers.replace("return load(n)", "return load.submit(n).result()")
    prove(helpers, after, select=("PF421",), files={"flows.py": flows}, filename="helpers.py")


def test_sync_task_of_a_sync_flow_runs_the_async_one_on_a_loop_of_its_own() -> None:
    code = HEAD + "@task\ndef outer():\n    return load(1)\n\n@flow\ndef etl():\n    return outer()\n"
    prove(code, code.replace("return load(1)", "return asyncio.run(load(1))"), select=("PF421",))


def test_module_that_calls_an_async_task_runs_it() -> None:
    code = HEAD + "VALUE = load(1)\n"
    prove(code, code.replace("load(1)", "asyncio.run(load(1))"), select=("PF421",))


def test_sync_test_runs_the_async_task() -> None:
    code = HEAD + "def test_load():\n    assert load(1) == 1\n"
    prove(code, code.replace("load(1)", "asyncio.run(load(1))"), select=("PF421",))


NOT_CALLED = {
    "async flow": _flow("return await load(1)"),
    "async flow that hands it on": _flow("return load(1)"),
    "function within async code": _flow("def inner():\n    return load(1)\nreturn await inner()"),
    "asyncio.run": _flow("return asyncio.run(load(1))", "def"),
    "a loop": _flow("calls = [child(1)]\nreturn asyncio.new_event_loop().run_until_complete(calls[0])", "def"),
    "a gather in a function": _flow(
        "async def main():\n    return await asyncio.gather(load(1))\nasyncio.run(main())", "def"
    ),
    "Prefect's own runner": _flow(
        "from prefect.utilities.asyncutils import run_coro_as_sync\nrun_coro_as_sync(child(1))", "def"
    ),
    "code that looks first": _flow("x = load(1)\nif asyncio.iscoroutine(x):\n    x = asyncio.run(x)", "def"),
    "submissions": _flow("return load.submit(1).result(), load.map([1]), load.fn", "def"),
    "sync task": _flow("return plain(1)", "def"),
    "flow outside of flows, a coroutine on 2.x too": HEAD + "coroutine = child(1)\n",
    "a task that Prefect makes sync": _flow("return both(1)", "def").replace(
        "@flow\nasync def child", "@task\n@sync_compatible\nasync def both(n):\n    return n\n\n@flow\nasync def child"
    ),
    "helper that nobody calls": HELPER,
    "helper of async code": HELPER + FROM_ASYNC,
    "task of async flows": HEAD
    + "@task\ndef outer():\n    return load(1)\n\n@flow\nasync def etl():\n    return await outer()\n",
    "a name that means something else": _flow("load = print\nload(1)", "def"),
    "a lambda": _flow("return run_later(lambda: load(1))", "def"),
    "code for Prefect 3": _flow("import prefect\nif prefect.__version__.startswith('3'):\n    load(1)", "def"),
}


@pytest.mark.parametrize("name", NOT_CALLED)
def test_call_that_is_awaited_or_is_a_coroutine_on_both_majors_stays(name: str) -> None:
    prove_untouched(NOT_CALLED[name], select=("PF421",))


# -- event loops in event loops

LOOPS = """\
import asyncio
from prefect import flow, task

async def fetch(n):
    return n

def fetched(n):
    return asyncio.run(fetch(n))

@task
def load(n):
    return fetched(n)

@flow
def sub(n):
    return asyncio.new_event_loop().run_until_complete(fetch(n))

"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("load(1)", "await asyncio.to_thread(load, 1)"),
        ("x = [load(n) for n in (1, 2)]", "x = [await asyncio.to_thread(load, n) for n in (1, 2)]"),
        ("return load(1).name", "return (await asyncio.to_thread(load, 1)).name"),
        ("return sub(n=1)", "return await asyncio.to_thread(sub, n=1)"),
    ],
)
@pytest.mark.parametrize("target", ["3", "both"])
def test_sync_code_with_an_event_loop_runs_in_a_thread(before: str, after: str, target: str) -> None:
    flow = "@flow\nasync def etl():\n    {}\n"
    prove(LOOPS + flow.format(before), LOOPS + flow.format(after), select=("PF422",), target=target)


@pytest.mark.parametrize(
    "code",
    [
        "@flow\nasync def etl():\n    return await asyncio.to_thread(load, 1), load.submit(1), load.map([1])\n",
        "@flow\ndef etl():\n    return load(1), sub(1)\n",
        "async def main():\n    return sub(1)\n",
        "@flow\nasync def etl():\n    return run_later(lambda: load(1))\n",
        "@task\ndef other(n):\n    return n\n\n@flow\nasync def etl():\n    return other(1)\n",
        "import nest_asyncio\n\n@flow\nasync def etl():\n    return load(1)\n",
    ],
)
def test_sync_code_with_a_thread_of_its_own_stays(code: str) -> None:
    prove_untouched(LOOPS + code, select=("PF422",))


# -- results of states

STATES = "from prefect import flow\nfrom prefect.states import get_state_result\n\n@flow\n{} etl():\n    return {}\n"


def test_result_of_a_state_is_asked_of_the_state() -> None:
    before = STATES.format("def", "get_state_result(state, raise_on_failure=False)")
    prove(before, STATES.format("def", "state.result(raise_on_failure=False)"), select=("PF423",))
    assert findings_in(STATES.format("def", "get_state_result(state, fetch=True)"), select=("PF423",))


def test_result_of_a_state_that_is_awaited_stays() -> None:
    prove_untouched(STATES.format("async def", "await get_state_result(state)"), select=("PF423",))


def test_result_of_a_state_is_a_coroutine_from_3_3_on() -> None:
    code = STATES.format("def", "get_state_result(state)")
    prove_untouched(code, select=("PF423",), target="3.2")
    assert findings_in(code, select=("PF423",), target="3.3")

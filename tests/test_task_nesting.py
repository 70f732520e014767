"""Tasks that run tasks: what is reported, what becomes a plain call, what is left."""

from __future__ import annotations

import pytest

from tests.support.examples import findings_in, prove, prove_untouched

INNER = "from prefect import flow, task\n\n\n@task\ndef inner(x):\n    return x\n\n\n"

PLAIN = {
    "called": ("@task\ndef outer(x):\n    return inner(x)\n", "@task\ndef outer(x):\n    return inner.fn(x)\n"),
    "in_a_comprehension": ("@task\ndef outer(xs):\n    return [inner(x) for x in xs]\n", "@task\ndef outer(xs):\n    return [inner.fn(x) for x in xs]\n"),
    "submitted_and_resolved": ("@task\ndef outer(x):\n    return inner.submit(x).result()\n", "@task\ndef outer(x):\n    return inner.fn(x)\n"),
    "in_a_nested_function": ("@task\ndef outer(xs):\n    def one(x):\n        return inner(x)\n    return list(map(one, xs))\n", "@task\ndef outer(xs):\n    def one(x):\n        return inner.fn(x)\n    return list(map(one, xs))\n"),
    "in_a_lambda": ("@task\ndef outer(xs):\n    return sorted(xs, key=lambda x: inner(x))\n", "@task\ndef outer(xs):\n    return sorted(xs, key=lambda x: inner.fn(x))\n"),
    "made_by_task_of_a_function": ("def work(x):\n    return inner(x)\n\n\nouter = task(work)\n", "def work(x):\n    return inner.fn(x)\n\n\nouter = task(work)\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_inner_task_becomes_a_plain_call(name: str) -> None:
    before, after = PLAIN[name]
    prove(INNER + before, INNER + after, select=("PF401",))


@pytest.mark.parametrize("name", PLAIN)
def test_without_unsafe_fixes_nothing_changes(name: str) -> None:
    before, _ = PLAIN[name]
    prove(INNER + before, INNER + before, select=("PF401",), unsafe=False)


def test_async_inner_task_is_awaited_still() -> None:
    prove(
        "from prefect import task\n\n\n@task\nasync def inner(x):\n    return x\n\n\n@task\nasync def outer(x):\n    return await inner(x)\n",
        "from prefect import task\n\n\n@task\nasync def inner(x):\n    return x\n\n\n@task\nasync def outer(x):\n    return await inner.fn(x)\n",
        select=("PF401",),
    )


ASYNC = "import asyncio\n\nfrom prefect import task\n\n\n@task\nasync def inner(x):\n    return x\n\n\n"


@pytest.mark.parametrize(
    "body",
    [
        "    return await asyncio.gather(inner(x), inner(2))\n",
        "    return await asyncio.gather(*[inner(y) for y in x])\n",
        "    return await asyncio.gather(*(inner(y) for y in x))\n",
    ],
)
def test_async_inner_tasks_are_gathered_still(body: str) -> None:
    start = ASYNC + "@task\nasync def outer(x):\n"
    prove(start + body, start + body.replace("inner(", "inner.fn("), select=("PF401",))


@pytest.mark.parametrize(
    "outer",
    [
        "def outer(x):\n    return inner.submit(x).result()\n",
        "def outer(x):\n    return inner(x)\n",
        "async def outer(x):\n    return inner(x)\n",
        "async def outer(x):\n    return await inner.submit(x).result()\n",
        "async def outer(x):\n    later = inner(x)\n    return await later\n",
    ],
)
def test_async_inner_task_that_is_not_awaited_on_the_spot_is_left(outer: str) -> None:
    code = ASYNC + "@task\n" + outer
    (found,) = prove(code, code, select=("PF401",))
    assert "not awaited here" in found.message


def test_result_that_is_awaited_is_left() -> None:
    code = INNER + "@task\nasync def outer(x):\n    return await inner.submit(x).result()\n"
    (found,) = prove(code, code, select=("PF401",))
    assert found.fix is None


def test_task_whose_function_is_not_seen_is_left() -> None:
    code = "from lib import work\nfrom prefect import task\n\ninner = task(work)\n\n\n@task\ndef outer(x):\n    return inner(x)\n"
    (found,) = prove(code, code, select=("PF401",))
    assert "is not known" in found.message


GIVEN_FUTURES = {
    "bound_to_a_name": "    f = mid.submit(x)\n    return inner(f)\n",
    "in_a_list": "    f = [mid.submit(y) for y in x]\n    return inner(f)\n",
    "through_another_name": "    f = mid.submit(x)\n    g = {'f': f}\n    return inner(x=g)\n",
    "of_a_loop": "    for f in mid.map(x):\n        inner(f)\n",
    "appended": "    fs = []\n    fs.append(mid.submit(x))\n    return inner(fs)\n",
    "directly": "    return inner(mid.submit(x))\n",
    "submitted_and_resolved": "    return inner.submit(mid.submit(x)).result()\n",
    "state": "    s = mid(x, return_state=True)\n    return inner(s)\n",
    "allow_failure": "    return inner(allow_failure(x))\n",
    "unmapped": "    return inner(prefect.unmapped(x))\n",
    "quote": "    return inner(quote(x))\n",
    "parameter_of_a_nested_function": "    def one(y):\n        return inner(y)\n    return one(mid.submit(x))\n",
}
MID = INNER + "@task(retries=1)\ndef mid(x):\n    return x\n\n\n"


@pytest.mark.parametrize("name", GIVEN_FUTURES)
def test_inner_task_that_is_given_futures_is_left(name: str) -> None:
    code = MID + "@task\ndef outer(x):\n" + GIVEN_FUTURES[name]
    found = prove(code, code, select=("PF401",))
    assert any("only a task run resolves" in finding.message for finding in found)


def test_inner_task_that_is_given_results_of_futures_becomes_a_plain_call() -> None:
    code = (
        MID
        + "@task\ndef outer(x):\n    f = mid.submit(x)\n    r = f.result()\n    return inner(r), inner(inner.submit(x).result())\n"
    )
    after = code.replace("inner(r), inner(inner.submit(x).result())", "inner.fn(r), inner.fn(inner.fn(x))")
    prove(code, after, select=("PF401",))


@pytest.mark.parametrize(
    "expression",
    [
        "(\n        inner.submit(x)\n        # waits\n        .result()\n    )",
        "(\n        inner  # quick\n        .submit(x).result()\n    )",
        "(inner.submit(x)).result()",
    ],
)
def test_comment_or_bracket_before_the_result_is_kept(expression: str) -> None:
    code = INNER + f"@task\ndef outer(x):\n    return {expression}\n"
    (found,) = prove(code, code, select=("PF401",))
    assert found.fix is None


def test_result_on_a_row_of_its_own() -> None:
    before = INNER + "@task\ndef outer(x):\n    return (\n        inner.submit(x)\n        .result()\n    )\n"
    prove(before, before.replace("inner.submit(x)\n        .result()", "inner.fn(x)"), select=("PF401",))


@pytest.mark.parametrize("call", ["(x)", ".submit(x)", ".map([x])"])
@pytest.mark.parametrize("options", ["retries=2", "name='other'"])
def test_inner_task_with_other_options_is_reported(call: str, options: str) -> None:
    code = INNER + f"@task\ndef outer(x):\n    return inner.with_options({options}){call}\n"
    (found,) = prove(code, code, select=("PF401",))
    assert ("retries" in found.message) == ("retries" in options)


@pytest.mark.parametrize(
    "call",
    ["map(inner, x)", "filter(inner, x)", "executor.submit(inner, 1)", "executor.map(inner, x)", "partial(inner, 1)", "functools.partial(inner.submit, 1)"],
)  # fmt: skip
def test_inner_task_that_is_handed_to_what_calls_it_is_reported(call: str) -> None:
    code = INNER + f"@task\ndef outer(x):\n    return {call}\n"
    (found,) = prove(code, code, select=("PF401",))
    assert "may run it there" in found.message


@pytest.mark.parametrize(
    "more", ["@flow\ndef f(x):\n    return work(x)\n", "print(work(1))\n", "TABLE = {'work': work}\n"]
)
def test_function_that_is_used_without_its_task_too_is_left(more: str) -> None:
    code = INNER + "def work(x):\n    return inner(x)\n\n\nouter = task(work)\n\n\n" + more
    (found,) = prove(code, code, select=("PF401",))
    assert "also used without the task" in found.message


def test_function_that_another_module_uses_without_its_task_is_left() -> None:
    code = INNER + "def work(x):\n    return inner(x)\n\n\nouter = task(work)\n"
    files = {"other.py": "from flows import work\nfrom prefect import flow\n\n\n@flow\ndef f():\n    work(1)\n"}
    (found,) = prove(code, code, select=("PF401",), files=files)
    assert "also used without the task" in found.message


def test_task_methods_that_run_each_other_are_reported() -> None:
    code = "from prefect import task\n\n\nclass Steps:\n    @task\n    def inner(self, x):\n        return x\n\n    @task\n    def outer(self, x):\n        return self.inner(x), self.inner.submit(x), self.inner.fn(self, x), x.inner(1)\n"
    found = prove(code, code, select=("PF401",))
    assert [finding.message.split(" from")[0] for finding in found] == [
        "Task `inner` is called",
        "Task `inner` is submitted",
    ]


RESOLVED = "from prefect import flow, task\nfrom prefect.futures import resolve_futures_to_results\n"
RESOLVES = "\n\n@flow\ndef etl(x):\n    return resolve_futures_to_results(load(x))\n"


@pytest.mark.parametrize(
    "load",
    [
        "\n\n@task\ndef part(x):\n    return x\n\n\n@task\ndef load(x):\n    return part.submit(x)\n",
        "\n\n@task\ndef part(x):\n    return x\n\n\n@task\ndef load(x):\n    return list(part.map(x))\n",
        "\n\n@task\ndef part(x):\n    return x\n\n\ndef start(x):\n    return part.submit(x)\n\n\n@task\ndef load(x):\n    return start(x)\n",
        "from lib import work\n\nload = task(work)\n",
        "\nload = task(lambda x: x)\n",
    ],
)
def test_task_that_may_return_futures_is_resolved_still(load: str) -> None:
    prove_untouched(RESOLVED + load + RESOLVES, select=("PF402",))


def test_task_that_returns_a_value_is_not_resolved() -> None:
    before = RESOLVED + "\n\n@task\ndef load(x):\n    return x\n" + RESOLVES
    after = before.replace("resolve_futures_to_results(load(x))", "load(x)")
    prove(before, after.replace("from prefect.futures import resolve_futures_to_results\n", ""), select=("PF402",))


def test_imported_task_under_an_alias() -> None:
    prove(
        "from prefect import task\nfrom steps import inner as step\n\n\n@task\ndef outer(x):\n    return step(x)\n",
        "from prefect import task\nfrom steps import inner as step\n\n\n@task\ndef outer(x):\n    return step.fn(x)\n",
        files={"steps.py": INNER},
        select=("PF401",),
    )


@pytest.mark.parametrize(
    "options", ["retries=2", "cache_key_fn=key", "timeout_seconds=3", "tags=['a']", "persist_result=True"]
)
def test_inner_task_with_options_is_left_and_they_are_named(options: str) -> None:
    code = INNER.replace("@task\n", f"@task({options})\n") + "@task\ndef outer(x):\n    return inner(x)\n"
    (found,) = prove(code, code, select=("PF401",))
    assert found.fix is None and options.split("=")[0] in found.message


def test_helper_function_is_reported_and_left() -> None:
    code = INNER + "def helper(x):\n    return inner(x)\n\n\n@task\ndef outer(x):\n    return helper(x)\n"
    (found,) = prove(code, code, select=("PF401",))
    assert "through `helper`" in found.message


def test_helper_of_another_module_is_reported_there() -> None:
    code = "from steps import inner\n\n\ndef helper(x):\n    return inner(x)\n"
    (found,) = prove(
        code,
        code,
        select=("PF401",),
        filename="helpers.py",
        files={
            "steps.py": INNER,
            "outer.py": "from prefect import task\nfrom helpers import helper\n\n\n@task\ndef outer(x):\n    return helper(x)\n",
        },
    )
    assert "from task `outer` through `helper`" in found.message


UNTOUCHED = {
    "in_a_flow": "@flow\ndef f(x):\n    return inner(x), inner.submit(x), inner.map([x])\n",
    "in_a_helper_of_flows": "def helper(x):\n    return inner(x)\n\n\n@flow\ndef f(x):\n    return helper(x)\n",
    "plain_call_already": "@task\ndef outer(x):\n    return inner.fn(x)\n",
    "parameter_of_the_same_name": "@task\ndef outer(inner):\n    return inner(1)\n",
    "local_function_of_the_same_name": "@task\ndef outer(x):\n    def inner(y):\n        return y\n    return inner(x)\n",
    "flow_in_a_task": "@flow\ndef sub():\n    pass\n\n\n@task\ndef outer():\n    return sub()\n",
    "handed_on_without_a_call": "@task\ndef outer():\n    return inner\n",
    "given_to_another_call": "@task\ndef outer(x):\n    return register(inner), x.map(x, inner), other.submit(x, fn=inner)\n",
    "plain_function_handed_on": "@task\ndef outer(x):\n    return list(map(inner.fn, x))\n",
    "handed_on_in_a_flow": "@flow\ndef f(x):\n    return list(map(inner, x))\n",
    "options_without_a_call": "@task\ndef outer():\n    return inner.with_options(retries=2)\n",
    "in_the_decorator": "@task(on_failure=[inner])\ndef outer():\n    pass\n",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_no_task_in_a_task(name: str) -> None:
    prove_untouched(INNER + UNTOUCHED[name], select=("PF401",))


def test_severity_is_a_warning_where_old_2_has_to_run_it() -> None:
    code = INNER + "@task\ndef outer(x):\n    return inner(x)\n"
    assert findings_in(code) == [("PF401", 11, "info")]
    assert findings_in(code, target="both") == [("PF401", 11, "warning")]


BY_COMPAT = {
    "called": ("@task\ndef outer(x):\n    return inner(x)\n", "@task\ndef outer(x):\n    return call_task(inner, x)\n"),
    "without_arguments": ("@task\ndef outer():\n    return inner()\n", "@task\ndef outer():\n    return call_task(inner)\n"),
    "on_several_lines": ("@task\ndef outer(x):\n    return inner(\n        x=x,\n    )\n", "@task\ndef outer(x):\n    return call_task(\n        inner,\n        x=x,\n    )\n"),
    "starred": ("@task\ndef outer(*xs, **k):\n    return inner(*xs, **k)\n", "@task\ndef outer(*xs, **k):\n    return call_task(inner, *xs, **k)\n"),
    "submitted_and_resolved": ("@task\ndef outer(x):\n    return inner.submit(x).result()\n", "@task\ndef outer(x):\n    return call_task(inner, x)\n"),
    "in_a_comprehension": ("@task\ndef outer(xs):\n    return [inner(x) for x in xs]\n", "@task\ndef outer(xs):\n    return [call_task(inner, x) for x in xs]\n"),
    "in_a_helper": ("def help(x):\n    return inner(x)\n\n\n@task\ndef outer(x):\n    return help(x)\n", "def help(x):\n    return call_task(inner, x)\n\n\n@task\ndef outer(x):\n    return help(x)\n"),
}  # fmt: skip


def _with_import(text: str, compat: str = "compat") -> str:
    return text.replace("import flow, task\n", f"import flow, task\nfrom {compat} import call_task\n", 1)


@pytest.mark.parametrize("name", BY_COMPAT)
def test_both_majors_get_the_function_of_compat(name: str) -> None:
    before, after = BY_COMPAT[name]
    prove(INNER + before, _with_import(INNER) + after, select=("PF401",), target="both")


def test_options_of_the_inner_task_are_kept_for_both_majors() -> None:
    inner = INNER.replace("@task", "@task(retries=3)")
    before, after = BY_COMPAT["called"]
    changed = _with_import(inner, "shop._shim") + after
    prove(inner + before, changed, select=("PF401",), target="both", compat="shop._shim")


@pytest.mark.parametrize(
    "body",
    [
        "    return inner.map(x)\n",
        "    return inner.submit(x)\n",
        "    return inner(x, return_state=True)\n",
        "    return list(map(inner, x))\n",
        "    call_task = x\n    return inner(call_task, return_state=True)\n",
    ],
)
def test_other_runs_of_the_inner_task_are_left_for_both_majors(body: str) -> None:
    code = f"{INNER}@task\ndef outer(x):\n{body}"
    assert prove(code, code, select=("PF401",), target="both")


@pytest.mark.parametrize(
    "body", ["    return call_task(inner, x)\n", "    return call_task(inner.with_options(), x)\n"]
)
def test_call_task_is_no_finding(body: str) -> None:
    prove_untouched(
        f"from compat import call_task\n{INNER}@task\ndef outer(x):\n{body}", select=("PF401",), target="both"
    )


def test_a_task_that_returns_a_state_is_left_since_its_function_hands_it_on() -> None:
    code = (
        "from prefect import task\nfrom prefect.states import Failed\n\n\n@task\ndef inner(x):\n    return x or Failed()\n\n\n"
        "@task\ndef outer(x):\n    inner(x)\n    return 1\n"
    )
    state = code.replace("    return x or Failed()", "    if not x:\n        return Failed()\n    return x")
    prove(state, state, select=("PF401",))

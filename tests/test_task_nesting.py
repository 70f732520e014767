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
    "in_the_decorator": "@task(on_failure=[inner])\ndef outer():\n    pass\n",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_no_task_in_a_task(name: str) -> None:
    prove_untouched(INNER + UNTOUCHED[name], select=("PF401",))


def test_severity_is_a_warning_where_old_2_has_to_run_it() -> None:
    code = INNER + "@task\ndef outer(x):\n    return inner(x)\n"
    assert findings_in(code) == [("PF401", 11, "info")]
    assert findings_in(code, target="both") == [("PF401", 11, "warning")]

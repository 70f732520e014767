"""Tasks that run tasks: what is reported, what becomes a plain call, what is left."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.environments import environment
from tests.support.examples import findings_in, prove, prove_files, prove_untouched

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


# -- `--from`: the Prefect 2 that the code was written for

ALLOWED = ("2.16.9", "2.16.10", "2.17", "2.20.26")
REFUSED = ("2.0", "2.13", "2.13.8", "2.16", "2.16.8")
EVERY_WAY = {
    "called": "@task\ndef outer(x):\n    return inner(x)\n",
    "submitted": "@task\ndef outer(x):\n    return inner.submit(x).result()\n",
    "mapped": "@task\ndef outer(x):\n    return inner.map(x)\n",
    "with_options": "@task\ndef outer(x):\n    return inner.with_options(retries=2)(x)\n",
    "handed_on": "@task\ndef outer(x):\n    return list(map(inner, x))\n",
    "in_a_helper": "def helper(x):\n    return inner(x)\n\n\n@task\ndef outer(x):\n    return helper(x)\n",
    "in_a_helper_of_a_helper": "def deep(x):\n    return inner(x)\n\n\ndef helper(x):\n    return deep(x)\n\n\n@task\ndef outer(x):\n    return helper(x)\n",
    "between_methods": "class Steps:\n    @task\n    def one(self, x):\n        return x\n\n    @task\n    def two(self, x):\n        return self.one(x)\n",
    "in_a_nested_function": "@task\ndef outer(x):\n    def one(y):\n        return inner(y)\n    return one(x)\n",
    "by_task_of_a_function": "def work(x):\n    return inner(x)\n\n\nouter = task(work)\n",
}  # fmt: skip


@pytest.mark.parametrize("target", ["3", "3.4", "both"])
@pytest.mark.parametrize("way", EVERY_WAY)
def test_code_for_a_release_that_allows_it_is_left_alone(way: str, target: str) -> None:
    prove_untouched(INNER + EVERY_WAY[way], select=("PF401",), target=target, from_="2.16.9")


@pytest.mark.parametrize("release", ALLOWED)
def test_every_release_from_2_16_9_on_allows_it(release: str) -> None:
    prove_untouched(INNER + EVERY_WAY["called"], target="both", from_=release)


@pytest.mark.parametrize("release", REFUSED)
def test_code_for_an_older_release_is_mended(release: str) -> None:
    before, after = PLAIN["called"]
    prove(INNER + before, INNER + after, from_=release)
    before, after = BY_COMPAT["called"]
    prove(INNER + before, _with_import(INNER) + after, target="both", from_=release, unsafe=False)


@pytest.mark.parametrize("way", EVERY_WAY)
def test_each_place_is_reported_for_an_older_release(way: str) -> None:
    assert [code for code, _, _ in findings_in(INNER + EVERY_WAY[way], from_="2.16.8")] == ["PF401"]


@pytest.mark.parametrize("way", EVERY_WAY)
def test_where_the_release_is_not_said_one_note_is_given_and_nothing_changed(way: str) -> None:
    code = INNER + EVERY_WAY[way]
    (found,) = prove(code, code)
    assert (found.code, str(found.severity), found.fix) == ("PF401", "info", None)
    assert found.message.startswith("1 place where a task calls a task: ")


def test_the_note_counts_the_places_of_the_file() -> None:
    body = "    return [inner(y) for y in x], inner(1), inner.submit(2).result()\n"
    code = INNER + "@task\ndef outer(x):\n" + body + "\n\n@task\ndef other(x):\n    return inner.map(x)\n"
    (found,) = prove(code, code)
    assert found.message.startswith("4 places where a task calls a task: ") and "`--from 2.N`" in found.message
    assert code.index("inner(y)") == found.start
    assert len(found.message.replace("4 places", "1234 places")) <= 120


def test_each_file_has_a_note_of_its_own() -> None:
    outer = "from prefect import task\nfrom steps import inner\n\n\n@task\ndef outer(x):\n    return inner(x)\n"
    both = outer + "\n\n@task\ndef more(x):\n    return inner(x)\n"
    reports = prove_files({"steps.py": INNER, "one.py": outer, "two.py": both}, {"steps.py": INNER, "one.py": outer, "two.py": both})  # fmt: skip
    told = {report.path: [finding.message[:8] for finding in report.findings] for report in reports}
    assert told == {"one.py": ["1 place "], "steps.py": [], "two.py": ["2 places"]}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_no_note_where_no_task_calls_a_task(name: str) -> None:
    assert "PF401" not in {code for code, _, _ in findings_in(INNER + UNTOUCHED[name])}


def test_a_place_that_is_exempt_is_not_counted_and_its_comment_is_used() -> None:
    code = INNER + "@task\ndef outer(x):\n    inner(1)  # migrator: ignore[PF401]\n    inner(2)\n    return inner(3)\n"
    (found,) = prove(code, code)
    assert found.message.startswith("2 places") and found.start == code.index("inner(2)")
    alone = INNER + "@task\ndef outer(x):\n    return inner(x)  # migrator: ignore[PF4]\n"
    prove_untouched(alone)


@pytest.mark.parametrize("select", [("PF401",), ("PF202", "PF401"), ("PF4", "PF401"), ("ALL", "PF401")])
def test_the_rule_that_is_selected_by_its_whole_code_tells_and_mends_each_place(select: tuple[str, ...]) -> None:
    body = "@task\ndef outer(x):\n    return inner(x), inner(2)\n"
    found = prove(INNER + body, INNER + body.replace("inner(", "inner.fn("), select=select)
    assert len(found) == 2 and not prove(INNER, INNER, select=select)
    prove(INNER + body, INNER + body, select=select, unsafe=False)


@pytest.mark.parametrize("select", [("PF4",), ("PF",), ("ALL",), ("PF40",)])
def test_a_prefix_selects_the_note(select: tuple[str, ...]) -> None:
    code = INNER + PLAIN["called"][0]
    (found,) = prove(code, code, select=select)
    assert found.message.startswith("1 place ")


SHOWN = {
    "log_prints": "@task(log_prints=True)",
    "task_run_name": "@task(task_run_name='one')",
    "on_failure": "@task(on_failure=[tell])",
    "on_completion": "@task(on_completion=[tell])",
    "on_running": "@task(on_running=[tell])",
}


@pytest.mark.parametrize("option", SHOWN)
def test_what_shows_of_the_inner_run_would_be_lost_where_it_may_have_been_one(option: str) -> None:
    code = INNER.replace("@task", SHOWN[option]) + PLAIN["called"][0]
    (found,) = prove(code, code, select=("PF401",))
    assert f"Its options ({option}) would be lost" in found.message


@pytest.mark.parametrize("option", ["log_prints", "task_run_name"])
def test_what_shows_of_the_inner_run_never_did_on_a_release_that_refused_it(option: str) -> None:
    inner = INNER.replace("@task", SHOWN[option])
    before, after = PLAIN["called"]
    prove(inner + before, inner + after, select=("PF401",), from_="2.13")


HOOKS = {
    "decorator": "@inner.on_failure\ndef tell(task, run, state):\n    pass\n\n\n",
    "call": "inner.on_failure(print)\n\n\n",
    "other_name": "copy = inner\n\n\n@copy.on_failure\ndef tell(task, run, state):\n    pass\n\n\n",
}


@pytest.mark.parametrize("way", HOOKS)
def test_a_hook_that_is_added_to_the_inner_task_would_be_lost(way: str) -> None:
    code = INNER + HOOKS[way] + PLAIN["called"][0]
    (found,) = prove(code, code, select=("PF401",))
    assert "Its options (on_failure) would be lost" in found.message


@pytest.mark.parametrize("place", ["steps.py", "hooks.py"])
def test_a_hook_that_another_module_adds_would_be_lost(place: str) -> None:
    hook = "@inner.on_rollback\ndef undo(transaction):\n    pass\n"
    files = {"steps.py": INNER, "hooks.py": "from steps import inner\n\n\n"}
    files[place] += hook
    code = "from prefect import task\nfrom steps import inner\n\n\n@task\ndef outer(x):\n    return inner(x)\n"
    (found,) = prove(code, code, select=("PF401",), files=files)
    assert "Its options (on_rollback) would be lost" in found.message


@pytest.mark.parametrize(
    "more",
    [
        "@other.on_failure\ndef tell(task, run, state):\n    pass\n\n\n",
        "@nightly.on_failure\ndef tell(flow, run, state):\n    pass\n\n\n",
        "def on_failure(inner):\n    inner.on_failure(print)\n\n\n",
    ],
)
def test_a_hook_of_something_else_does_not_matter(more: str) -> None:
    start = INNER + "@task\ndef other(x):\n    return x\n\n\n@flow\ndef nightly():\n    pass\n\n\n" + more
    before, after = PLAIN["called"]
    prove(start + before, start + after, select=("PF401",))


NESTED = """
import json
import logging
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from prefect import flow, task

RAN = []


@task
def inner(x):
    RAN.append(x)
    if x == 13:
        raise ValueError("13")
    return x * 2


def helper(x):
    return inner(x)


class Steps:
    def go(self, x):
        return inner(x)


@task
def called(x):
    return inner(x)


@task
def submitted(x):
    return inner.submit(x).result()


@task
def mapped(x):
    return [future.result() for future in inner.map([x, x + 1])]


@task
def in_helper(x):
    return helper(x)


@task
def in_method(x):
    return Steps().go(x)


def run(outer, how, x):
    @flow
    def etl():
        if how == "call":
            return outer(x)
        futures = [outer.submit(x)] if how == "submit" else outer.map([x])
        return [future.result() for future in futures]

    RAN.clear()
    state = etl(return_state=True)
    return [state.name, repr(state.result(raise_on_failure=False)), sorted(RAN)]


tasks = (called, submitted, mapped, in_helper, in_method)
print(json.dumps([run(outer, how, x) for outer in tasks for how in ("call", "submit", "map") for x in (1, 13)]))
"""


@pytest.mark.prefect
def test_tasks_that_run_tasks_are_refused_before_2_16_9_and_give_the_same_from_then_on(tmp_path: Path) -> None:
    program = tmp_path / "nested.py"
    program.write_text(NESTED)
    seen = {}
    for version in ("2.13.8", "2.16.9", "2.20.26", "3.0.11", "3.8.8"):
        done = environment(version).run([str(program)])
        assert done.returncode == 0, done.stderr[-4000:]
        seen[version] = json.loads(done.stdout.splitlines()[-1])
    refused = ["Failed", "RuntimeError('Tasks cannot be run from within tasks. Did you mean to call this task in a flow?')", []]  # fmt: skip
    assert seen["2.13.8"] == [refused] * 30
    assert seen["2.16.9"] == seen["2.20.26"] == seen["3.0.11"] == seen["3.8.8"]
    assert [run[0] for run in seen["3.8.8"]] == ["Completed", "Failed"] * 15

"""How flows end: what is reported, how the futures are kept, returned and waited for, and what is left alone."""

from __future__ import annotations

import pytest

from tests.support.examples import findings_in, prove, prove_untouched

HEAD = """\
from prefect import allow_failure, flow, task


@task
def load(n):
    return n


@task
def save(n, other=None):
    return n


@task
async def fetch(n):
    return n


def start(n):
    return load.submit(n)


"""
RULES = ("PF410", "PF411")


def body(*lines: str, head: str = "def etl(xs):", decorator: str = "@flow") -> str:
    return HEAD + "\n".join((decorator, head, *(f"    {line}" for line in lines), ""))


WITH_WAIT = HEAD.replace("task\n\n", "task\nfrom prefect.futures import wait\n\n", 1)

RETURNED = {
    "the_only_run_is_the_last_statement": (["load.submit(1)"], ["return [load.submit(1)]"]),
    "the_only_map_is_the_last_statement": (["load.map(xs)"], ["return load.map(xs)"]),
    "a_map_and_a_statement": (["load.map(xs)", 'print("x")'], ["futures = load.map(xs)", 'print("x")', "return futures"]),
    "variables": (["a = load.submit(1)", "b = load.map(xs)"], ["a = load.submit(1)", "b = load.map(xs)", "return [a, *b]"]),
    "a_list_of_its_own": (
        ["found = []", "for x in xs:", "    found.append(load.submit(x))"],
        ["found = []", "for x in xs:", "    found.append(load.submit(x))", "return found"],
    ),
    "a_comprehension": (["found = [load.submit(x) for x in xs]"], ["found = [load.submit(x) for x in xs]", "return found"]),
    "a_bare_comprehension": (["[load.submit(x) for x in xs]"], ["return [load.submit(x) for x in xs]"]),
    "in_a_branch": (
        ["if xs:", "    load.submit(1)  # first"],
        ["futures = []", "if xs:", "    futures.append(load.submit(1))  # first", "return futures"],
    ),
    "assigned_in_a_loop": (
        ["for x in xs:", "    f = load.submit(x)", "    f.wait()"],
        ["futures = []", "for x in xs:", "    f = load.submit(x)", "    futures.append(f)", "    f.wait()", "return futures"],
    ),
    "only_the_last_of_a_chain": (
        ["a = load.submit(1)", "b = save.submit(a)"],
        ["a = load.submit(1)", "b = save.submit(a)", "return [b]"],
    ),
    "not_seen_where_failures_are_allowed": (
        ["a = load.submit(1)", "return save.submit(allow_failure(a)) if xs else None"],
        None,
    ),
    "resolved_without_raising": (
        ["value = load.submit(1).result(raise_on_failure=False)"],
        ["futures = []", "futures.append(load.submit(1))", "value = futures[-1].result(raise_on_failure=False)", "return futures"],
    ),
    "resolved_and_caught": (
        ["found = load.map(xs)", "for each in found:", "    try:", "        each.result()", "    except ValueError:", "        pass"],
        ["found = load.map(xs)", "for each in found:", "    try:", "        each.result()", "    except ValueError:", "        pass", "return found"],
    ),
    "states": (
        ["load(1, return_state=True)", "b = load(2, return_state=True)"],
        ["states = []", "states.append(load(1, return_state=True))", "b = load(2, return_state=True)", "return [b, *states]"],
    ),
    "every_return_path": (
        ["if xs:", "    load.submit(1)", "    return", "b = load.submit(2)", "return None"],
        ["futures = []", "if xs:", "    futures.append(load.submit(1))", "    return futures", "b = load.submit(2)", "return [b, *futures]"],
    ),
    "a_helper_gives_the_future": (["start(1)"], ["return [start(1)]"]),
    "with_options": (["load.with_options(retries=1).submit(1)"], ["return [load.with_options(retries=1).submit(1)]"]),
    "a_list_of_lists": (
        ["found = []", "for x in xs:", "    found.append(load.map(x))"],
        ["found = []", "futures = []", "for x in xs:", "    mapped = load.map(x)", "    futures.extend(mapped)", "    found.append(mapped)", "return futures"],
    ),
    "a_return_above_the_run_in_a_loop": (
        ["for x in xs:", "    if x is None:", "        return", "    load.submit(x)"],
        ["futures = []", "for x in xs:", "    if x is None:", "        return futures", "    futures.append(load.submit(x))", "return futures"],
    ),
    "a_name_that_a_handler_takes": (
        ["f = load.submit(1)", "try:", "    f.wait()", "except ValueError as f:", "    pass"],
        ["futures = []", "f = load.submit(1)", "futures.append(f)", "try:", "    f.wait()", "except ValueError as f:", "    pass", "return futures"],
    ),
    "a_list_that_is_emptied": (
        ["found = load.map(xs)", "for f in found:", "    f.wait()", "del found[:]"],
        ["futures = []", "found = load.map(xs)", "futures.extend(found)", "for f in found:", "    f.wait()", "del found[:]", "return futures"],
    ),
    "a_comment_at_the_end": (
        ["if xs:", "    load.submit(1)", "    # of the branch"],
        ["futures = []", "if xs:", "    futures.append(load.submit(1))", "    # of the branch", "return futures"],
    ),
    "unpacked": (
        ["a, b = load.submit(1), load.submit(2)"],
        ["a, b = load.submit(1), load.submit(2)", "return [a, b]"],
    ),
    "a_name_that_is_taken": (
        ["futures = 3", "for x in xs:", "    load.submit(x)", "print(futures)"],
        ["futures = 3", "submitted = []", "for x in xs:", "    submitted.append(load.submit(x))", "print(futures)", "return submitted"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name, (_, after) in RETURNED.items() if after])
@pytest.mark.parametrize("target", ["3", "both"])
def test_futures_are_returned(name: str, target: str) -> None:
    before, after = RETURNED[name]
    prove(body(*before), body(*(after or ())), select=RULES, target=target, unsafe=False)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["load.map(xs)", "return 7"], ["futures = load.map(xs)", "wait(futures)", "return 7"]),
        (
            ["for x in xs:", "    load.submit(x)", "return len(xs)"],
            ["futures = []", "for x in xs:", "    futures.append(load.submit(x))", "wait(futures)", "return len(xs)"],
        ),
        (
            ["a = load.submit(1)", "if xs:", "    return 7", "return 8"],
            ["a = load.submit(1)", "if xs:", "    wait([a])", "    return 7", "wait([a])", "return 8"],
        ),
    ],
)
def test_runs_are_waited_for_before_a_value_is_returned(before: list[str], after: list[str]) -> None:
    prove(body(*before), body(*after).replace(HEAD, WITH_WAIT), select=RULES, unsafe=False)
    both = body(*after).replace(HEAD, WITH_WAIT).replace("from prefect.futures import wait\n", "")
    found = prove_text(body(*before), "both")
    assert "from compat import wait\n" in found
    assert found.replace("from compat import wait\n", "").split("@flow")[1] == both.split("@flow")[1]


def prove_text(code: str, target: str) -> str:
    """What `fix --unsafe-fixes` makes of a text."""
    from migrator.config import Settings
    from tests.support.recording import fix_source

    return fix_source(code.encode(), "flows.py", Settings(target=target, select=RULES, unsafe_fixes=True))[1].decode()


def test_an_exception_may_leave_the_flow_so_the_runs_are_waited_for_in_a_finally() -> None:
    before = body("load.map(xs)", 'text = """', "keep", '  this"""', "", "send(text)  # last")
    after = body(
        "futures = []",
        "try:",
        "    futures.extend(load.map(xs))",
        '    text = """',
        "keep",
        '  this"""',
        "",
        "    send(text)  # last",
        "    return futures",
        "finally:",
        "    wait(futures)",
    ).replace(HEAD, WITH_WAIT)
    prove(before, after, select=RULES)
    prove(before, before, select=RULES, unsafe=False)


def test_a_raise_is_an_end_too() -> None:
    before = body("load.map(xs)", 'raise RuntimeError("late")')
    after = body(
        "futures = []",
        "try:",
        "    futures.extend(load.map(xs))",
        '    raise RuntimeError("late")',
        "finally:",
        "    wait(futures)",
    ).replace(HEAD, WITH_WAIT)
    prove(before, after, select=RULES)


def test_what_is_raised_again_is_not_an_end_of_its_own() -> None:
    prove_untouched(
        body("found = load.map(xs)", "try:", "    [f.result() for f in found]", "except ValueError:", "    raise"),
        select=("PF411",),
    )


def test_an_async_flow_waits_on_its_event_loop_where_it_has_to_run_on_both() -> None:
    text = prove_text(body("f = fetch.submit(1)", "return 7", head="async def etl():"), "both")
    assert "    await wait_async([f])\n    return 7\n" in text
    assert "from compat import wait_async\n" in text


def test_the_annotation_follows() -> None:
    prove(
        body("load.map(xs)", head="def etl(xs) -> None:"),
        body("return load.map(xs)", head="def etl(xs) -> list:"),
        select=RULES,
    )


def test_crlf_and_tabs_stay() -> None:
    code = body("if xs:", "    load.submit(1)").replace("    ", "\t").replace("\n", "\r\n")
    after = body("futures = []", "if xs:", "    futures.append(load.submit(1))", "return futures")
    prove(code, after.replace("    ", "\t").replace("\n", "\r\n"), select=RULES)


UNTOUCHED = {
    "returned": ["return load.submit(1)"],
    "returned_in_a_list": ["a = load.submit(1)", "return [a, *load.map(xs)]"],
    "resolved": ["load.submit(1).result()"],
    "resolved_in_a_loop": ["for f in load.map(xs):", "    f.result()"],
    "resolved_in_a_comprehension": ["found = [load.submit(x) for x in xs]", "print([f.result() for f in found])"],
    "resolved_in_a_dictionary": ["found = {x: load.submit(x) for x in xs}", "return {k: f.result() for k, f in found.items()}"],
    "resolved_by_a_helper_of_its_own": ["found = load.map(xs)", "drain(found)"],
    "a_chain_that_is_resolved": ["a = load.submit(1)", "b = save.submit(a)", "b.result()"],
    "called": ["load(1)", "save(load(2))"],
    "in_a_with": ["with open('x') as f:", "    a = load.submit(1)", "    a.result()"],
    "waited_for_and_a_value": ["a = load.submit(1)", "a.wait()", "return 7"],
    "waited_for_in_a_finally": ["fs = []", "try:", "    fs.append(load.submit(1))", "    return 7", "finally:", "    wait(fs)"],
    "stored_elsewhere": ["a = load.submit(1)", "KEPT.append(a)"],
    "a_generator": ["load.submit(1)", "yield 3"],
    "the_builtin_map": ["rows = list(map(load, xs))", "for row in map(load, xs):", "    print(row)"],
    "a_pool_that_is_given_tasks": ["with ThreadPoolExecutor() as pool:", "    pool.submit(load, 1)", 'xs["a"].map(load)'],
    "in_a_comprehension_over_as_completed": ["return [f.task_run_id for f in as_completed(load.map(xs))]"],
    "a_guard_of_the_list_itself": ["fs = load.map(xs)", "return sum([f.result() for f in fs]) if fs else 0"],
    "an_executor": ["pool = ThreadPoolExecutor()", "pool.submit(print, 1)", "pool.map(print, xs)"],
}  # fmt: skip
EXTRA = "\n\ndef drain(futures):\n    for future in futures:\n        future.result()\n\n\nKEPT = []\n"


@pytest.mark.parametrize("name", UNTOUCHED)
def test_nothing_is_left_behind(name: str) -> None:
    imports = "from concurrent.futures import ThreadPoolExecutor\nfrom prefect.futures import wait\n"
    prove_untouched(imports + body(*UNTOUCHED[name]) + EXTRA, select=RULES)


def test_a_function_that_is_no_flow_may_leave_runs_to_its_caller() -> None:
    prove_untouched(HEAD + "def go(xs):\n    load.map(xs)\n", select=RULES)


def test_a_helper_that_keeps_its_runs_to_itself_is_reported_where_it_is_called() -> None:
    code = HEAD + "def go(x):\n    load.submit(x)\n\n\n@flow\ndef etl(x):\n    go(x)\n"
    assert findings_in(code, select=RULES) == [("PF410", 28, "warning"), ("PF411", 29, "warning")]
    prove(code, code, select=RULES)


def test_a_helper_in_another_module() -> None:
    helpers = (
        HEAD
        + "def go(x):\n    load.submit(x)\n\n\ndef drain(futures):\n    for each in futures:\n        each.result()\n"
    )
    flows = "from helpers import drain, go, load\nfrom prefect import flow\n\n\n@flow\ndef etl(x):\n    go(x)\n    drain(load.map(x))\n"
    found = prove(flows, flows, select=RULES, files={"helpers.py": helpers})
    assert [(each.code, "`load` (row 24)" in each.message) for each in found] == [("PF410", True), ("PF411", True)]


@pytest.mark.parametrize(
    "helper",
    [
        "def go(xs):\n    found = {}\n    for x in xs:\n        found[x] = load.submit(x)\n    return found\n",
        "def go(xs):\n    return load.submit(xs), xs\n",
        "def go(xs):\n    if xs:\n        return load.submit(xs)\n    return None\n",
    ],
)
def test_what_a_helper_returns_beside_a_future_is_not_taken_for_one(helper: str) -> None:
    code = HEAD + helper + "\n\n@flow\ndef etl(xs):\n    go(xs)\n"
    prove(code, code, select=RULES)


def test_a_flow_that_also_catches_a_failure_is_left_to_the_user() -> None:
    code = body("try:", "    a = load.submit(1)", "    save(a)", "except ValueError:", "    pass")
    assert {code for code, _, _ in findings_in(code)} >= {"PF410", "PF412"}
    prove(code, code, select=RULES)


def test_the_name_wait_is_taken() -> None:
    text = prove_text(body("load.map(xs)", "return 7", head="def etl(xs, wait=3):"), "3")
    assert "import wait as wait_for_futures\n" in text
    assert "    wait_for_futures(futures)\n    return 7\n" in text


def test_a_return_over_several_lines_in_a_wrapped_body() -> None:
    before = body("load.map(xs)", "send()", "return (", "    None", ")")
    after = body(
        "futures = []",
        "try:",
        "    futures.extend(load.map(xs))",
        "    send()",
        "    return futures",
        "finally:",
        "    wait(futures)",
    ).replace(HEAD, WITH_WAIT)
    prove(before, after, select=RULES)


CAUGHT = "try:\n        load(1)\n    except ValueError:\n        "


@pytest.mark.parametrize(
    ("handler", "found"),
    [("pass", 1), ("print(1)", 1), ("return", 1), ("raise", 0), ("return 7", 0), ("raise RuntimeError", 0)],
)
def test_a_failure_that_is_caught(handler: str, found: int) -> None:
    assert len(findings_in(body(CAUGHT + handler), select=("PF412",))) == found


def test_a_failure_that_is_caught_in_a_flow_with_a_value() -> None:
    prove_untouched(body(CAUGHT + "pass", "return 7"), select=("PF412",))

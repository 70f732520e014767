"""How flows end: what is reported, how the runs are kept, waited for and asked for their failures, and what is left alone."""

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


WAIT = "from prefect.futures import wait\n"
WITH_WAIT = HEAD.replace("task\n\n", "task\nfrom prefect.futures import wait\n\n", 1)


def ended(lines: list[str], target: str) -> str:
    """The text of the flow once it is fixed. `@futures` stands for the lines that wait, raise the first failure and return the list.

    `@!futures`: nothing is in flight any more. `@[future]`: there is one. `@states`: they are states.
    """
    found: list[str] = []
    imports: set[str] = set()
    for line in lines:
        indent, mark, name = line.partition("@")
        if not mark or indent.strip():
            found.append(line)
            continue
        name, waited = name.lstrip("!"), name.startswith("!")
        alone = name.strip("[]")
        if target == "both":
            imports.add("from compat import finish\n")
            new = [f"finish({alone})"]
        elif alone != name:
            new = [f"{alone}.result()"]
        elif "states" in name:
            imports.add("from prefect.states import raise_state_exception\n")
            new = [f"for state in {name}:", "    raise_state_exception(state)"]
        else:
            new = [*([] if waited else [f"wait({name})"]), f"for future in {name}:", "    future.result()"]
        found += [indent + each for each in [*new, f"return {name}"]]
    if any(line.strip().startswith("wait(") for line in found):
        imports = {"from compat import finish, wait\n"} if target == "both" else imports | {WAIT}
    return body(*found).replace("flow, task\n", "flow, task\n" + "".join(sorted(imports)), 1)


RAISED = {
    "the_only_run_is_the_last_statement": (["load.submit(1)"], ["future = load.submit(1)", "@[future]"]),
    "the_only_map_is_the_last_statement": (["load.map(xs)"], ["futures = load.map(xs)", "@futures"]),
    "a_map_and_a_statement": (["load.map(xs)", 'print("x")'], ["futures = load.map(xs)", 'print("x")', "@futures"]),
    "variables": (
        ["a = load.submit(1)", "b = load.map(xs)"],
        ["a = load.submit(1)", "b = load.map(xs)", "futures = [a, *b]", "@futures"],
    ),
    "a_list_of_its_own": (
        ["found = []", "for x in xs:", "    found.append(load.submit(x))"],
        ["found = []", "for x in xs:", "    found.append(load.submit(x))", "@found"],
    ),
    "a_comprehension": (["found = [load.submit(x) for x in xs]"], ["found = [load.submit(x) for x in xs]", "@found"]),
    "a_bare_comprehension": (["[load.submit(x) for x in xs]"], ["futures = [load.submit(x) for x in xs]", "@futures"]),
    "in_a_branch": (
        ["if xs:", "    load.submit(1)  # first"],
        ["futures = []", "if xs:", "    futures.append(load.submit(1))  # first", "@futures"],
    ),
    "assigned_in_a_loop": (
        ["for x in xs:", "    f = load.submit(x)", "    f.wait()"],
        ["futures = []", "for x in xs:", "    f = load.submit(x)", "    futures.append(f)", "    f.wait()", "@!futures"],
    ),
    "each_of_a_chain": (
        ["a = load.submit(1)", "b = save.submit(a)"],
        ["a = load.submit(1)", "b = save.submit(a)", "futures = [a, b]", "@futures"],
    ),
    "the_last_of_a_chain_in_one_expression": (
        ["save.submit(load.submit(1))"],
        ["future = save.submit(load.submit(1))", "@[future]"],
    ),
    "resolved_without_raising": (
        ["value = load.submit(1).result(raise_on_failure=False)"],
        ["futures = []", "futures.append(load.submit(1))", "value = futures[-1].result(raise_on_failure=False)", "@!futures"],
    ),
    "resolved_and_caught": (
        ["found = load.map(xs)", "for each in found:", "    try:", "        each.result()", "    except ValueError:", "        pass"],
        ["found = load.map(xs)", "for each in found:", "    try:", "        each.result()", "    except ValueError:", "        pass", "@!found"],
    ),
    "states": (
        ["load(1, return_state=True)", "b = load(2, return_state=True)"],
        ["states = []", "states.append(load(1, return_state=True))", "b = load(2, return_state=True)", "task_states = [*states, b]", "@task_states"],
    ),
    "every_return_path": (
        ["if xs:", "    load.submit(1)", "    return", "b = load.submit(2)", "return None"],
        ["futures = []", "if xs:", "    futures.append(load.submit(1))", "    @futures", "b = load.submit(2)", "submitted = [*futures, b]", "@submitted"],
    ),
    "a_helper_gives_the_future": (["start(1)"], ["future = start(1)", "@[future]"]),
    "with_options": (["load.with_options(retries=1).submit(1)"], ["future = load.with_options(retries=1).submit(1)", "@[future]"]),
    "a_list_of_lists": (
        ["found = []", "for x in xs:", "    found.append(load.map(x))"],
        ["found = []", "futures = []", "for x in xs:", "    mapped = load.map(x)", "    futures.extend(mapped)", "    found.append(mapped)", "@futures"],
    ),
    "a_return_above_the_run_in_a_loop": (
        ["for x in xs:", "    if x is None:", "        return", "    load.submit(x)"],
        ["futures = []", "for x in xs:", "    if x is None:", "        @futures", "    futures.append(load.submit(x))", "@futures"],
    ),
    "a_return_on_the_line_of_its_condition": (
        ["for x in xs:", "    if x is None: return", "    load.submit(x)"],
        ["futures = []", "for x in xs:", "    if x is None:", "        @futures", "    futures.append(load.submit(x))", "@futures"],
    ),
    "a_name_that_a_handler_takes": (
        ["f = load.submit(1)", "try:", "    f.wait()", "except ValueError as f:", "    pass"],
        ["futures = []", "f = load.submit(1)", "futures.append(f)", "try:", "    f.wait()", "except ValueError as f:", "    pass", "@!futures"],
    ),
    "a_list_that_is_emptied": (
        ["found = load.map(xs)", "for f in found:", "    f.wait()", "del found[:]"],
        ["futures = []", "found = load.map(xs)", "futures.extend(found)", "for f in found:", "    f.wait()", "del found[:]", "@!futures"],
    ),
    "a_comment_at_the_end": (
        ["if xs:", "    load.submit(1)", "    # of the branch"],
        ["futures = []", "if xs:", "    futures.append(load.submit(1))", "    # of the branch", "@futures"],
    ),
    "unpacked": (
        ["a, b = load.submit(1), load.submit(2)"],
        ["a, b = load.submit(1), load.submit(2)", "futures = [a, b]", "@futures"],
    ),
    "a_name_that_is_taken": (
        ["futures = 3", "for x in xs:", "    load.submit(x)", "print(futures)"],
        ["futures = 3", "submitted = []", "for x in xs:", "    submitted.append(load.submit(x))", "print(futures)", "@submitted"],
    ),
    "a_variable_after_a_loop": (
        ["for x in xs:", "    load.submit(x)", "b = load.submit(0)"],
        ["futures = []", "for x in xs:", "    futures.append(load.submit(x))", "b = load.submit(0)", "submitted = [*futures, b]", "@submitted"],
    ),
    "a_variable_between_two_loops_joins_the_list": (
        ["for x in xs:", "    load.submit(x)", "b = load.submit(0)", "for x in xs:", "    save.submit(x)"],
        ["futures = []", "for x in xs:", "    futures.append(load.submit(x))", "b = load.submit(0)", "futures.append(b)", "for x in xs:", "    futures.append(save.submit(x))", "@futures"],
    ),
    "returned_in_a_variable": (
        ["found = [load.submit(x) for x in xs]", "return found"],
        ["found = [load.submit(x) for x in xs]", "@found"],
    ),
    "returned_as_appended": (
        ["found = []", "for x in xs:", "    found.append(load.submit(x))", "return found"],
        ["found = []", "for x in xs:", "    found.append(load.submit(x))", "@found"],
    ),
    "returned_as_added": (
        ["found = []", "found += load.map(xs)", "found += [load.submit(1)]", "return found"],
        ["found = []", "found += load.map(xs)", "found += [load.submit(1)]", "@found"],
    ),
    "returned_on_the_spot": (["return load.map(xs)"], ["futures = load.map(xs)", "@futures"]),
    "returned_in_a_tuple": (["return load.submit(1), load.submit(2)"], ["futures = load.submit(1), load.submit(2)", "@futures"]),
    "returned_in_a_list": (["a = load.submit(1)", "return [a, *load.map(xs)]"], ["a = load.submit(1)", "futures = [a, *load.map(xs)]", "@futures"]),
    "returned_in_a_set": (["return {load.submit(1), load.submit(2)}"], ["futures = {load.submit(1), load.submit(2)}", "@futures"]),
    "returned_in_a_list_of_one": (["a = load.submit(1)", "return [a]"], ["a = load.submit(1)", "@[a]"]),
    "returned_over_several_lines": (
        ["return [", "    load.submit(x)  # each", "    for x in xs", "]"],
        ["futures = [", "    load.submit(x)  # each", "    for x in xs", "]", "@futures"],
    ),
    "returned_in_brackets": (
        ["return (load.map(xs)", "    + load.map(xs))"],
        ["futures = (load.map(xs)", "    + load.map(xs))", "@futures"],
    ),
    "returned_on_one_of_two_paths": (
        ["if xs:", "    return load.map(xs)", "found = load.map(xs)"],
        ["if xs:", "    futures = load.map(xs)", "    @futures", "found = load.map(xs)", "@found"],
    ),
    "returned_at_one_end_and_lost_at_another": (
        ["found = load.map(xs)", "if not xs:", "    return 0", "return found"],
        ["found = load.map(xs)", "if not xs:", "    wait(found)", "    return 0", "@found"],
    ),
    "one_of_two_lists_is_returned": (
        ["a = load.map(xs)", "b = load.map(xs)", "if xs:", "    return a", "return a + b"],
        ["a = load.map(xs)", "b = load.map(xs)", "if xs:", "    wait(b)", "    @a", "futures = a + b", "@futures"],
    ),
    "what_is_submitted_in_the_return_does_not_wait": (
        ["a = load.submit(1)", "return [load.submit(2)]"],
        ["a = load.submit(1)", "futures = [load.submit(2)]", "wait([a])", "@futures"],
    ),
    "some_of_them_are_returned": (
        ["found = load.map(xs)", "return [f for f in found if f]"],
        ["found = load.map(xs)", "futures = [f for f in found if f]", "wait(found)", "@!futures"],
    ),
    "returned_or_an_empty_list": (["return load.map(xs) if xs else []"], ["futures = load.map(xs) if xs else []", "@futures"]),
    "returned_by_a_helper": (["return [start(x) for x in xs]"], ["futures = [start(x) for x in xs]", "@futures"]),
    "returned_states": (
        ["return [load(1, return_state=True), load(2, return_state=True)]"],
        ["states = [load(1, return_state=True), load(2, return_state=True)]", "@states"],
    ),
    "returned_states_of_a_map": (["return load.map(xs, return_state=True)"], ["states = load.map(xs, return_state=True)", "@states"]),
    "returned_states_of_futures": (
        ["found = load.map(xs)", "return [f.wait() or f.state for f in found]"],
        ["found = load.map(xs)", "states = [f.wait() or f.state for f in found]", "@states"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RAISED)
@pytest.mark.parametrize("target", ["3", "both"])
def test_the_first_failure_is_raised_at_the_end(name: str, target: str) -> None:
    before, after = RAISED[name]
    prove(body(*before), ended(after, target), select=RULES, target=target, unsafe=False)


def test_the_comment_behind_a_return_stays() -> None:
    text = prove_text(body("load.map(xs)", "if xs: return  # enough", "print(1)"), "both")
    assert "    if xs:\n        finish(futures)\n        return futures  # enough\n" in text


NO_FIX = {
    "in_a_try_that_catches": ["try:", "    return load.map(xs)", "except ValueError:", "    print(1)"],
    "under_suppress": ["with suppress(Exception):", "    return load.map(xs)"],
    "beside_a_comment_in_brackets": ["return (  # all", "    load.map(xs)", ")"],
    "or_none": ["return load.map(xs) if xs else None"],
    "a_state_that_was_seen_beside_a_future": [
        "s = load(1, return_state=True)",
        "s.result()",
        "return [s, load.submit(2)]",
    ],
    "states_beside_futures": ["return [load(1, return_state=True), load.submit(2)]"],
}


@pytest.mark.parametrize("name", NO_FIX)
def test_a_list_of_futures_that_is_told_and_not_mended(name: str) -> None:
    code = body(*NO_FIX[name])
    assert [each[0] for each in findings_in(code, select=("PF410",))] == ["PF410"]
    prove(code, code, select=RULES)


@pytest.mark.parametrize("given", ["load.map(xs) if xs else None", "load.map(xs) or None"])
def test_what_a_helper_may_give_instead_is_never_waited_for(given: str) -> None:
    code = body("go(xs)") + f"\n\ndef go(xs):\n    return {given}\n"
    prove(code, code, select=RULES)


def test_states_beside_futures_are_finished_together_on_both() -> None:
    text = prove_text(body(*NO_FIX["states_beside_futures"]), "both")
    assert (
        "    futures = [load(1, return_state=True), load.submit(2)]\n    finish(futures)\n    return futures\n" in text
    )


@pytest.mark.parametrize("opening", ['with open("x") as file:', "try:"])
def test_a_return_in_a_block_that_would_see_the_failure_is_unsafe_to_mend(opening: str) -> None:
    closing = ["except ValueError:", "    print(1)", "    raise"] if opening == "try:" else []
    before = body(opening, "    found = load.map(xs)", "    return found", *closing)
    prove(before, before, select=RULES, unsafe=False)
    raised = ["    wait(found)", "    for future in found:", "        future.result()", "    return found"]
    prove(before, body(opening, "    found = load.map(xs)", *raised, *closing).replace(HEAD, WITH_WAIT), select=RULES)


def test_an_async_flow_asks_the_state_in_its_event_loop() -> None:
    before = body("await fetch(1, return_state=True)", head="async def etl():")
    assert prove_text(before, "3").endswith(
        "    state = await fetch(1, return_state=True)\n    await raise_state_exception(state)\n    return [state]\n"
    )
    assert prove_text(before, "both").endswith("    await finish_async(state)\n    return [state]\n")


def test_gathered_states_that_are_returned() -> None:
    before = body(
        "found = await asyncio.gather(*[fetch(x, return_state=True) for x in xs])",
        "return found",
        head="async def etl(xs):",
    )
    raised = "    for state in found:\n        await raise_state_exception(state)\n    return found\n"
    assert prove_text(before, "3").endswith(raised)
    assert prove_text(before, "both").endswith("    await finish_async(found)\n    return found\n")


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


def prove_text(code: str, target: str, *, unsafe: bool = True) -> str:
    """What `fix` makes of a text, with unsafe fixes unless they are not wanted."""
    from migrator.config import Settings
    from tests.support.recording import fix_source

    return fix_source(code.encode(), "flows.py", Settings(target=target, select=RULES, unsafe_fixes=unsafe))[1].decode()


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
        "    for future in futures:",
        "        future.result()",
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


RAISED_MAP = (
    "futures = load.map(xs)",
    "wait(futures)",
    "for future in futures:",
    "    future.result()",
    "return futures",
)


def test_the_annotation_follows() -> None:
    prove(
        body("load.map(xs)", head="def etl(xs) -> None:"),
        body(*RAISED_MAP, head="def etl(xs) -> list:").replace(HEAD, WITH_WAIT),
        select=RULES,
    )


def test_crlf_and_tabs_stay() -> None:
    code = body("if xs:", "    load.submit(1)").replace("    ", "\t").replace("\n", "\r\n")
    after = ended(["futures = []", "if xs:", "    futures.append(load.submit(1))", "@futures"], "3")
    prove(code, after.replace("    ", "\t").replace("\n", "\r\n"), select=RULES)


UNTOUCHED = {
    "returned": ["return load.submit(1)"],
    "returned_beside_something_else": ["a = load.submit(1)", "return [a, 5]"],
    "returned_in_a_list_with_something_else": ["fs = []", "fs.append(load.submit(1))", "fs.append(5)", "return fs"],
    "returned_in_a_dictionary": ["return {1: load.submit(1)}"],
    "returned_in_lists_of_a_list": ["return [[load.submit(1)]]"],
    "a_list_beside_a_future": ["fs = load.map(xs)", "f = load.submit(1)", "return fs, f"],
    "a_list_that_is_appended_beside_a_future": ["out = []", "out.append(load.map(xs))", "out.append(load.submit(1))", "return out"],
    "none_in_a_sum": ["return [load.submit(1)] + [None]"],
    "a_generator_is_returned": ["futures = (load.submit(x) for x in xs)", "return futures"],
    "a_parameter_is_returned": ["xs.append(load.submit(1))", "return xs"],
    "a_name_that_a_loop_takes_is_returned": ["fs = load.map(xs)", "wait(fs)", "for fs in [fs, None]:", "    pass", "return fs"],
    "a_deque_is_returned": ["fs = deque()", "fs.append(load.submit(1))", "return fs"],
    "the_good_ones_are_returned": ["states = load.map(xs, return_state=True)", "return [s for s in states if s.is_completed()]"],
    "a_helper_returns_a_dictionary": ["return named(xs)"],
    "returned_with_names": ["fs = load.map(xs)", "return list(zip(xs, fs))"],
    "returned_once_they_were_asked": ["fs = load.map(xs)", "[f.result() for f in fs]", "return fs"],
    "results_are_returned": ["return [f.result() for f in load.map(xs)]"],
    "a_state_is_returned": ["return load(1, return_state=True)"],
    "the_state_that_was_waited_for_is_asked": ["f = load.submit(1)", "f.wait().result()"],
    "the_state_of_a_future_is_asked": ["f = load.submit(1)", "f.wait()", "s = f.state", "s.result()"],
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
EXTRA = "\n\ndef named(xs):\n    return dict(zip(xs, load.map(xs)))\n\n\ndef drain(futures):\n    for future in futures:\n        future.result()\n\n\nKEPT = []\n"


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
        "    for future in futures:",
        "        future.result()",
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

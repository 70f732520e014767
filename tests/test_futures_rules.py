"""Futures and what was written by hand for want of `as_completed`: what is reported, what is written instead, what is left."""

from __future__ import annotations

from textwrap import dedent, indent

import pytest

from tests.support.examples import findings_in, prove, prove_untouched

HEAD = "from prefect import flow, task, unmapped\n\n\n@task\ndef load(x):\n    return x\n\n\n@flow\ndef etl(xs, seconds=5):\n"
FUTURES = ("PF430", "PF431", "PF432", "PF433", "PF434")
FALLBACKS = ("PF440", "PF441", "PF442", "PF443")


def flow_of(body: str) -> str:
    return HEAD + indent(dedent(body).lstrip("\n"), "    ")


def with_import(line: str, text: str) -> str:
    """The text with an import below that of Prefect."""
    first, rest = text.split("\n", 1)
    return f"{first}\n{line}\n{rest}"


START = "f = load.submit(1)\nfs = [load.submit(x) for x in xs]\n"

WAITED = {
    "assigned": ("s = f.wait()\nreturn s", "f.wait()\ns = f.state\nreturn s"),
    "returned": ("return f.wait()", "f.wait()\nreturn f.state"),
    "asked_at_once": ("return f.wait().is_failed()", "f.wait()\nreturn f.state.is_failed()"),
    "submitted_at_once": ("return load.submit(2).wait()", "return load.submit(2, return_state=True)"),
    "no_limit_of_time": ("s = f.wait(None)\nreturn s", "f.wait(None)\ns = f.state\nreturn s"),
    "in_a_comprehension": ("return [f.wait() for f in fs]", "return [f.wait() or f.state for f in fs]"),
    "in_a_test_of_all": ("return all(f.wait() for f in fs)", "return all(f.wait() or f.state for f in fs)"),
    "second_in_the_statement": ("return xs, f.wait().name", "return xs, (f.wait() or f.state).name"),
    "in_an_elif": ("if xs:\n    pass\nelif f.wait().is_failed():\n    pass", "if xs:\n    pass\nelif (f.wait() or f.state).is_failed():\n    pass"),
    "in_time": ("if f.wait(5):\n    return 1", "f.wait(5)\nif f.state.is_final():\n    return 1"),
    "not_in_time": ("if not f.wait(timeout=5):\n    return 1", "f.wait(timeout=5)\nif not f.state.is_final():\n    return 1"),
    "again_and_again": ("while not f.wait(1):\n    pass", "while not (f.wait(1) or f.state.is_final()):\n    pass"),
    "state_or_nothing": ("s = f.wait(seconds)\nreturn s", "f.wait(seconds)\ns = f.state if f.state.is_final() else None\nreturn s"),
    "of_a_dictionary": ("d = {x: load.submit(x) for x in xs}\nreturn [g.wait() for g in d.values()]", "d = {x: load.submit(x) for x in xs}\nreturn [g.wait() or g.state for g in d.values()]"),
    "beside_items": ("return [(x, g.wait()) for x, g in zip(xs, fs)]", "return [(x, g.wait() or g.state) for x, g in zip(xs, fs)]"),
    "of_a_copy": ("for g in list(fs):\n    print(g.wait().name)", "for g in list(fs):\n    g.wait()\n    print(g.state.name)"),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITED)
def test_state_is_read_from_the_future(name: str) -> None:
    before, after = WAITED[name]
    if name == "of_a_copy":
        after = "for g in list(fs):\n    print((g.wait() or g.state).name)"
    prove(flow_of(START + before), flow_of(START + after), select=("PF430",))


FOR_BOTH = {
    "assigned": ("s = f.wait()\nreturn s", "s = f.wait() or f.state\nreturn s", ""),
    "submitted_at_once": ("return load.submit(2).wait()", "return load.submit(2, return_state=True)", ""),
    "in_time": ("if f.wait(5):\n    return 1", "if wait([f], 5).done:\n    return 1", "from compat import wait"),
    "state_or_nothing": ("s = f.wait(timeout=5)\nreturn s", "s = state(f) if wait([f], 5).done else None\nreturn s", "from compat import state\nfrom compat import wait"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOR_BOTH)
def test_state_is_had_on_both_majors(name: str) -> None:
    before, after, line = FOR_BOTH[name]
    expected = flow_of(START + after)
    prove(flow_of(START + before), with_import(line, expected) if line else expected, select=("PF430",), target="both")


@pytest.mark.parametrize(
    "body",
    [
        "f.wait()",
        "[g.wait() for g in fs]",
        "done = [g.wait() for g in fs]",
        "s = f.wait() or f.state\nreturn s",
        "if f.wait(1) or f.state.is_final():\n    pass",
        "import threading\ngate = threading.Event()\nif gate.wait(1):\n    pass",
        "import subprocess\ncode = subprocess.Popen([]).wait()\nreturn code",
        "f = xs.pop()\ns = f.wait()\nreturn s",
        "return load.submit(1, return_state=True)",
    ],
)
def test_other_waits_are_left_alone(body: str) -> None:
    prove_untouched(flow_of(START + body), select=("PF430",))


def test_code_for_one_major_is_left_alone() -> None:
    body = "import prefect\nif prefect.__version__.startswith('2'):\n    s = f.wait()\n    return s"
    prove_untouched(flow_of(START + body), select=("PF430",))


def test_await_is_left_to_the_rule_of_awaits() -> None:
    prove_untouched(
        "from prefect import flow, task\n\n\n@task\nasync def load():\n    ...\n\n\n@flow\nasync def etl():\n    f = await load.submit()\n    s = await f.wait()\n    return s\n",
        select=("PF430",),
    )


def test_wait_without_a_name_for_the_future_is_reported_only() -> None:
    code = flow_of("fs = [load.submit(x) for x in xs]\nreturn fs.pop().wait()")
    assert [found for found, _, _ in findings_in(code, select=("PF430",))] == ["PF430"]
    prove(code, code, select=("PF430",))


HELPER = "from prefect import get_run_logger\n\n\ndef helper(fs):\n    for f in fs:\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("        print(f.get_state().is_failed())\n", "        print(f.state.is_failed())\n"),
        (
            "        s = f.get_state()\n        print(s.is_final())\n",
            "        s = f.state\n        print(s.is_final())\n",
        ),
    ],
)
def test_state_of_what_must_be_a_future(before: str, after: str) -> None:
    text = HELPER.replace("get_run_logger", "task") + "        task\n"
    prove(text + before, text + after, select=("PF431",))


@pytest.mark.parametrize(
    "line", ["print(f.get_state())", "f.get_state().name", "f.get_state(1).is_failed()", "f.state.is_failed()"]
)
def test_get_state_of_unknown_things_is_left_alone(line: str) -> None:
    text = HELPER.replace("get_run_logger", "task") + "        task\n"
    prove_untouched(f"{text}        {line}\n", select=("PF431",))


TASK = "from prefect import flow, task, unmapped\n\n\n@task\ndef change({}):\n    {}\n\n\n@flow\ndef etl(xs):\n"

CHANGED = {
    "unmapped": ("x, d: dict", "d[x] = 1", "d = {}\n    change.map(xs, unmapped(d))", "d = dict(d)"),
    "in_a_loop": ("x, d: list", "d.append(x)", "d = []\n    for x in xs:\n        change.submit(x, d)", "d = list(d)"),
    "used_later": ("d: set", "d.add(1)", "d = set()\n    change(d)\n    return len(d)", "d = set(d)"),
    "not_annotated": ("d", "d.append(1)", "d = []\n    change(d)\n    return d", "d = copy(d)"),
    "optional": ("d: dict = None", "d['a'] = 1", "d = {}\n    change(d)\n    return d", "d = copy(d)"),
    "nested": ("d: dict", "d['a'].append(1)", "d = {'a': []}\n    change(d)\n    return d", "d = deepcopy(d)"),
    "elements": ("d: dict", "d['a'] = 1", "ds = [{} for _ in xs]\n    change.map(ds)\n    return ds", "d = dict(d)"),
    "operator": ("d: list", "d += [1]", "d = []\n    change(d)\n    return d", "d = list(d)"),
    "deleted": ("d: dict", "del d['a']", "d = {'a': 1}\n    change(d)\n    return d", "d = dict(d)"),
    "default": ("d=[]", "d.append(1)", "change()", "d = list(d)"),
    "by_keyword": ("d: dict", "d.update(a=1)", "d = {}\n    change(d=d)\n    return d", "d = dict(d)"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_task_works_on_a_copy(name: str) -> None:
    parameters, line, calls, copied = CHANGED[name]
    before = TASK.format(parameters, line) + f"    {calls}\n"
    after = TASK.format(parameters, f"{copied}\n    {line}") + f"    {calls}\n"
    imported = "deepcopy" if "deepcopy" in copied else "copy" if "copy(" in copied else ""
    if imported:
        after = with_import(f"from copy import {imported}", after)
    findings = prove(before, after, select=("PF432",))
    assert len(findings) == 1
    prove(before, before, select=("PF432",), unsafe=False)


UNCHANGED = {
    "reassigned": ("d: dict", "d['a'] = 1", "d = {}\n    d = change(d)\n    return d"),
    "not_used_later": ("d: dict", "d['a'] = 1", "d = {}\n    change(d)"),
    "made_for_the_call": ("d: dict", "d['a'] = 1", "change({})\n    change.submit(dict(a=1))"),
    "made_in_each_round": ("d: dict", "d['a'] = 1", "for x in xs:\n        d = {}\n        change(d)"),
    "other_branch": ("d: dict", "d['a'] = 1", "d = {}\n    if xs:\n        change(d)\n    else:\n        print(d)"),
    "returned_at_once": ("d: dict", "d['a'] = 1", "d = {}\n    if xs:\n        return change(d)\n    return d"),
    "copied_in_the_task": ("d: dict", "d = dict(d); d['a'] = 1", "d = {}\n    change(d)\n    return d"),
    "table": ("d", "d['a'] = 1", "d = read()\n    change(d)\n    return d"),
    "annotated_otherwise": ("d: Frame", "d['a'] = 1", "d = {}\n    change(d)\n    return d"),
    "shared_on_both": ("d: dict", "d['a'] = 1", "d = defaultdict(list)\n    change(d)\n    return d"),
    "only_read": ("d: dict", "return d['a']", "d = {}\n    change(d)\n    return d"),
    "attribute_of_an_object": ("d", "d.x = 1", "d = Thing()\n    change(d)\n    return d"),
    "default_is_read": ("d=[]", "return len(d)", "change()"),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_arguments_that_nobody_sees_changed_are_left_alone(name: str) -> None:
    parameters, line, calls = UNCHANGED[name]
    prove_untouched(TASK.format(parameters, line) + f"    {calls}\n", select=("PF432",))


def test_task_of_another_file_is_reported_only() -> None:
    other = "from prefect import task\n\n\n@task\ndef change(d: dict):\n    d['a'] = 1\n"
    code = "from prefect import flow\nfrom tasks import change\n\n\n@flow\ndef etl():\n    d = {}\n    change(d)\n    return d\n"
    (found,) = prove(code, code, select=("PF432",), files={"tasks.py": other})
    assert "tasks.py, line 6" in found.message


def test_task_written_for_prefect_3_may_change_its_arguments() -> None:
    code = "from prefect import flow, task\nfrom prefect.cache_policies import NO_CACHE\n\n\n@task(cache_policy=NO_CACHE)\ndef change(d: dict):\n    d['a'] = 1\n\n\n@flow\ndef etl():\n    d = {}\n    change(d)\n    return d\n"
    prove_untouched(code, select=("PF432",))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("type(x) == PrefectFuture", "isinstance(x, PrefectFuture)"),
        ("type(x) is not PrefectFuture", "not isinstance(x, PrefectFuture)"),
        ("type(x) is list or type(x) is PrefectFuture", "type(x) is list or isinstance(x, PrefectFuture)"),
    ],
)
def test_type_is_asked_with_isinstance(before: str, after: str) -> None:
    head = "from prefect.futures import PrefectFuture\n\n\ndef f(x):\n    return "
    prove(f"{head}{before}\n", f"{head}{after}\n", select=("PF433",))


@pytest.mark.parametrize(
    "line", ["isinstance(x, PrefectFuture)", "x is PrefectFuture", "type(x) is int", "PrefectFuture is type(x)"]
)
def test_other_comparisons_are_left_alone(line: str) -> None:
    prove_untouched(f"from prefect.futures import PrefectFuture\n\n\ndef f(x):\n    return {line}\n", select=("PF433",))


@pytest.mark.parametrize("body", ["f.wait()\nprint(f.state)", "print(f.result(), f.state)", "print(f)"])
def test_state_after_wait_is_left_alone(body: str) -> None:
    code = with_import(
        "from prefect.futures import as_completed",
        flow_of(START + "for f in as_completed(fs):\n" + indent(body, "    ")),
    )
    prove_untouched(code, select=("PF434",))


OWN = (
    "except ImportError:\n    def as_completed(fs):\n        for f in fs:\n            f.wait()\n            yield f\n"
)

IMPORTS = {
    "own_definition": ("    from prefect.futures import as_completed\n" + OWN, "from prefect.futures import as_completed\n", "from compat import as_completed\n"),
    "nothing": ("    from prefect.futures import as_completed, wait\nexcept ImportError:\n    as_completed = wait = None\n", "from prefect.futures import as_completed, wait\n", "from compat import as_completed, wait\n"),
    "alias": ("    from prefect.futures import as_completed as done\nexcept (ImportError, AttributeError):\n    done = None\n", "from prefect.futures import as_completed as done\n", "from compat import as_completed as done\n"),
    "flag": ("    from prefect.futures import as_completed\n    NATIVE = True\nexcept ImportError:\n    NATIVE = False\n", "from prefect.futures import as_completed\nNATIVE = True\n", "from compat import as_completed\nNATIVE = True\n"),
    "beside_a_future": ("    from prefect.futures import PrefectFuture, wait\nexcept ImportError:\n    from prefect.futures import PrefectFuture\n    wait = None\n", "from prefect.futures import PrefectFuture, wait\n", "from prefect.futures import PrefectFuture\nfrom compat import wait\n"),
    "of_the_project": ("    from prefect.futures import as_completed\nexcept ImportError:\n    from helpers import as_completed\n", "from prefect.futures import as_completed\n", "from compat import as_completed\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPORTS)
def test_fallback_of_an_import_goes(name: str) -> None:
    tried, native, shim = IMPORTS[name]
    head = "from prefect import flow\n\n"
    prove(f"{head}try:\n{tried}", head + native, select=("PF440",), unsafe=False)
    prove(f"{head}try:\n{tried}", head + shim, select=("PF440",), target="both")


@pytest.mark.parametrize(
    "tried",
    [
        "    from concurrent.futures import as_completed\nexcept ImportError:\n    as_completed = None\n",
        "    from prefect.futures import PrefectFuture\nexcept ImportError:\n    PrefectFuture = None\n",
        "    from compat import as_completed\nexcept ImportError:\n    from prefect.futures import as_completed\n",
    ],
)
def test_other_fallbacks_are_left_alone(tried: str) -> None:
    prove_untouched(f"from prefect import flow\n\ntry:\n{tried}", select=("PF440",))


@pytest.mark.parametrize(
    "tried",
    [
        "    from prefect.futures import as_completed\nexcept ImportError:\n    raise RuntimeError('Prefect 3')\n",
        "    from prefect.futures import as_completed\nexcept ImportError:\n    def helper():\n        ...\n    as_completed = helper\n\nprint(helper)\n",
        "    from prefect.futures import as_completed\n    import other\nexcept ImportError:\n    as_completed = None\n",
    ],
)
def test_fallbacks_that_do_more_are_reported_only(tried: str) -> None:
    code = f"from prefect import flow\n\ntry:\n{tried}"
    assert len(prove(code, code, select=("PF440",))) == 1


def drained(condition: str, *, before: str = "", copy: str = "list(pending)", test: str = "pending") -> str:
    loop = f"pending = list(fs)\nwhile {test}:\n    for f in {copy}:\n"
    return (
        START
        + loop
        + indent(f"{before}if {condition}:\n    pending.remove(f)\n    print(f.result())\n", "        ")
        + "    time.sleep(1)\n"
    )


DRAINS = {
    "get_state": drained("f.get_state().is_final()"),
    "state": drained("f.state.is_final()"),
    "completed_or_failed": drained("f.get_state().is_completed() or f.get_state().is_failed()"),
    "short_wait": drained("f.wait(0.1)"),
    "short_wait_for_something": drained("f.wait(timeout=0) is not None"),
    "state_in_a_variable": drained("s.is_final()", before="s = f.get_state()\n"),
    "slice": drained("f.get_state().is_final()", copy="pending[:]", test="len(pending) > 0"),
    "copy": drained("f.get_state().is_final()", copy="pending.copy()"),
}


@pytest.mark.parametrize("name", DRAINS)
def test_polling_becomes_as_completed(name: str) -> None:
    after = flow_of(START + "for f in as_completed(fs):\n    print(f.result())\n")
    before = flow_of(DRAINS[name])
    prove(before, with_import("from prefect.futures import as_completed", after), select=("PF441",))
    prove(before, with_import("from compat import as_completed", after), select=("PF441",), target="both")


@pytest.mark.parametrize(
    "code",
    [
        DRAINS["get_state"].replace("    print(", "    break\n            print("),
        DRAINS["get_state"].replace("print(f.result())", "pending.append(load.submit(f.result()))"),
        DRAINS["get_state"] + "print(pending)\n",
        DRAINS["get_state"].replace("    time.sleep(1)", "    print('waiting')\n    time.sleep(1)"),
    ],
)
def test_polling_that_does_more_is_reported_only(code: str) -> None:
    text = flow_of(code)
    assert len(prove(text, text, select=("PF441",))) == 1


@pytest.mark.parametrize(
    "body",
    [
        "pending = list(xs)\nwhile pending:\n    x = pending.pop()\n    print(x)",
        "while not xs.ready():\n    time.sleep(1)",
        "flow_run = xs\nwhile not flow_run.state.is_final():\n    time.sleep(1)\n    flow_run = read(flow_run)",
        "for f in fs:\n    print(f.result())",
        "# in order of their size\nfor x in xs:\n    print(x.result())",
    ],
)
def test_other_loops_are_left_alone(body: str) -> None:
    prove_untouched(flow_of(START + body), select=FALLBACKS)


def test_loop_that_waits_for_one_future_is_its_wait() -> None:
    before = flow_of(START + "while not f.get_state().is_final():\n    time.sleep(1)\n")
    for target in ("3", "both"):
        prove(before, flow_of(START + "f.wait()\n"), select=("PF443",), target=target)


def test_loop_that_waits_while_any_is_left() -> None:
    before = flow_of(START + "while any(not f.get_state().is_final() for f in fs):\n    time.sleep(1)\n")
    prove(
        before, with_import("from compat import wait", flow_of(START + "wait(fs)\n")), select=("PF443",), target="both"
    )


def test_all_rules_together_give_code_that_waits_before_it_reads() -> None:
    before = flow_of(
        START
        + "pending = list(fs)\nwhile pending:\n    for f in list(pending):\n        if f.get_state().is_final():\n"
        "            pending.remove(f)\n            print(f.get_state().name)\n    time.sleep(1)\n"
    )
    after = flow_of(START + "for f in as_completed(fs):\n    f.wait()\n    print(f.state.name)\n")
    prove(
        before, with_import("from prefect.futures import as_completed", after), select=("PF107", *FUTURES, *FALLBACKS)
    )

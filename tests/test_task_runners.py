"""Task runners: what is found, what is rewritten, what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.config import Settings
from migrator.run import check_source, fix
from tests.support.environments import environment
from tests.support.examples import findings_in, prove, prove_files, prove_untouched

TASKS = """\
from prefect import flow, task
from prefect.task_runners import {names}


@task
def load(x):
    return x


@task
def store(x):
    return x


"""


def sequential(
    body: str, extra: str = "", names: str = "SequentialTaskRunner", argument: str = "SequentialTaskRunner()"
) -> str:
    header = TASKS.format(names=names)
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{header}{extra}@flow(task_runner={argument})\ndef nightly(xs):\n{lines}"


def threads(body: str, wait: bool = False) -> str:
    text = sequential(body, names="ThreadPoolTaskRunner", argument="ThreadPoolTaskRunner(max_workers=1)")
    if wait:
        text = text.replace(
            "import ThreadPoolTaskRunner\n", "import ThreadPoolTaskRunner\nfrom prefect.futures import wait\n"
        )
    return text


# -- ConcurrentTaskRunner


CONCURRENT = {
    "class_instead_of_instance": (
        "from prefect import flow\nfrom prefect.task_runners import ConcurrentTaskRunner\n\n\n@flow(task_runner=ConcurrentTaskRunner)\ndef f():\n    pass\n",
        "from prefect import flow\nfrom prefect.task_runners import ThreadPoolTaskRunner\n\n\n@flow(task_runner=ThreadPoolTaskRunner)\ndef f():\n    pass\n",
    ),
    "alias_survives": (
        "from prefect.task_runners import ConcurrentTaskRunner as Runner  # ours\n\nrunner = Runner()\n",
        "from prefect.task_runners import ThreadPoolTaskRunner as Runner  # ours\n\nrunner = Runner()\n",
    ),
    "attribute_chain": (
        "import prefect.task_runners\n\nrunner = prefect.task_runners.ConcurrentTaskRunner()\n",
        "import prefect.task_runners\n\nrunner = prefect.task_runners.ThreadPoolTaskRunner()\n",
    ),
    "module_alias": (
        "from prefect import task_runners as tr\n\nrunner = tr.ConcurrentTaskRunner()\n",
        "from prefect import task_runners as tr\n\nrunner = tr.ThreadPoolTaskRunner()\n",
    ),
    "comments_and_parentheses_stay": (
        "from prefect.task_runners import (  # runners\n    ConcurrentTaskRunner,  # the default\n    TaskRunner,\n)\n\nr = ConcurrentTaskRunner()\n",
        "from prefect.task_runners import (  # runners\n    ThreadPoolTaskRunner,  # the default\n    TaskRunner,\n)\n\nr = ThreadPoolTaskRunner()\n",
    ),
    "name_in_all_is_kept": (
        'from prefect.task_runners import ConcurrentTaskRunner\n\n__all__ = ["ConcurrentTaskRunner"]\n',
        'from prefect.task_runners import ThreadPoolTaskRunner as ConcurrentTaskRunner\n\n__all__ = ["ConcurrentTaskRunner"]\n',
    ),
    "new_name_taken": (
        "from prefect.task_runners import ConcurrentTaskRunner\nfrom mine import ThreadPoolTaskRunner\n\nr = ConcurrentTaskRunner(), ThreadPoolTaskRunner()\n",
        "from prefect.task_runners import ThreadPoolTaskRunner as ConcurrentTaskRunner\nfrom mine import ThreadPoolTaskRunner\n\n"
        "r = ConcurrentTaskRunner(), ThreadPoolTaskRunner()\n",
    ),
    "both_names_imported": (
        "from prefect.task_runners import ConcurrentTaskRunner, ThreadPoolTaskRunner\n\nr = ConcurrentTaskRunner(), ThreadPoolTaskRunner()\n",
        "from prefect.task_runners import ThreadPoolTaskRunner\n\nr = ThreadPoolTaskRunner(), ThreadPoolTaskRunner()\n",
    ),
    "inside_a_function": (
        "def make():\n    from prefect.task_runners import ConcurrentTaskRunner\n\n    return ConcurrentTaskRunner()\n",
        "def make():\n    from prefect.task_runners import ThreadPoolTaskRunner\n\n    return ThreadPoolTaskRunner()\n",
    ),
    "under_type_checking_and_in_annotations": (
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from prefect.task_runners import ConcurrentTaskRunner\n\n\n"
        'def use(runner: ConcurrentTaskRunner, other: "list[ConcurrentTaskRunner]") -> "ConcurrentTaskRunner":\n    return runner\n',
        "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from prefect.task_runners import ThreadPoolTaskRunner\n\n\n"
        'def use(runner: ThreadPoolTaskRunner, other: "list[ThreadPoolTaskRunner]") -> "ThreadPoolTaskRunner":\n    return runner\n',
    ),
    "isinstance": (
        "from prefect.task_runners import ConcurrentTaskRunner\n\n\ndef is_default(runner):\n    return isinstance(runner, ConcurrentTaskRunner)\n",
        "from prefect.task_runners import ThreadPoolTaskRunner\n\n\ndef is_default(runner):\n    return isinstance(runner, ThreadPoolTaskRunner)\n",
    ),
    "crlf_and_tabs": (
        "from prefect.task_runners import ConcurrentTaskRunner\r\n\r\nif True:\r\n\tr = ConcurrentTaskRunner()\r\n",
        "from prefect.task_runners import ThreadPoolTaskRunner\r\n\r\nif True:\r\n\tr = ThreadPoolTaskRunner()\r\n",
    ),
}


@pytest.mark.parametrize("name", CONCURRENT)
def test_concurrent_runner_is_renamed(name: str) -> None:
    prove(*CONCURRENT[name], select=("PF201",), unsafe=False)


@pytest.mark.parametrize("name", CONCURRENT)
def test_concurrent_runner_stays_for_both_majors(name: str) -> None:
    before, _ = CONCURRENT[name]
    if "ThreadPool" not in before and "ConcurrentTaskRunner,\n" not in before and "TaskRunner,  #" not in before:
        prove_untouched(before, target="both")


UNTOUCHED = {
    "parameter_shadows": "from prefect.task_runners import TaskRunner\n\n\ndef f(ConcurrentTaskRunner):\n    return ConcurrentTaskRunner()\n",
    "local_class_of_the_same_name": "from prefect import flow\n\n\nclass ConcurrentTaskRunner:\n    pass\n\n\nr = ConcurrentTaskRunner()\n",
    "another_module_of_that_name": "from mine.task_runners import ConcurrentTaskRunner\nimport prefect\n\nr = ConcurrentTaskRunner()\n",
    "relative_import": "from .prefect.task_runners import ConcurrentTaskRunner, SequentialTaskRunner\n\nr = SequentialTaskRunner()\n",
    "try_except_import_error": (
        "try:\n    from prefect.task_runners import ConcurrentTaskRunner as Runner\nexcept ImportError:\n    from prefect.task_runners import ThreadPoolTaskRunner as Runner\n\nr = Runner()\n"
    ),
    "in_a_string_or_comment": 'import prefect\n\nx = "ConcurrentTaskRunner"  # prefect.task_runners.ConcurrentTaskRunner\n',
    "sequential_with_fallback": (
        "try:\n    from prefect.task_runners import SequentialTaskRunner\nexcept ImportError:\n    SequentialTaskRunner = None\n\nr = SequentialTaskRunner\n"
    ),
    "sequential_on_the_branch_for_2": (
        "import prefect\n\nif prefect.__version__.startswith('2'):\n    from prefect.task_runners import SequentialTaskRunner as R\n"
        "else:\n    from prefect.task_runners import ThreadPoolTaskRunner as R\n"
    ),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_nothing_is_found_or_changed(name: str) -> None:
    prove_untouched(UNTOUCHED[name])


def test_local_package_called_prefect_is_not_prefect() -> None:
    files = {"prefect/__init__.py": "", "prefect/task_runners.py": "class SequentialTaskRunner: pass\n"}
    prove_untouched(
        "from prefect.task_runners import SequentialTaskRunner\n\nr = SequentialTaskRunner()\n", files=files
    )


def test_name_that_another_module_imports_from_here_is_kept() -> None:
    prove(
        "from prefect.task_runners import ConcurrentTaskRunner\n",
        "from prefect.task_runners import ThreadPoolTaskRunner as ConcurrentTaskRunner\n",
        filename="common.py",
        files={"flows.py": "from common import ConcurrentTaskRunner\n\nr = ConcurrentTaskRunner()\n"},
        select=("PF201",),
    )


def test_rebound_name_is_left_where_it_means_something_else() -> None:
    prove(
        "from prefect.task_runners import ConcurrentTaskRunner\n\na = ConcurrentTaskRunner()\n\n\ndef f():\n    ConcurrentTaskRunner = 1\n    return ConcurrentTaskRunner\n",
        "from prefect.task_runners import ThreadPoolTaskRunner\n\na = ThreadPoolTaskRunner()\n\n\ndef f():\n    ConcurrentTaskRunner = 1\n    return ConcurrentTaskRunner\n",
    )


# -- SequentialTaskRunner

WAITED = {
    "bare_submit": ("load.submit(1)", "load.submit(1).wait()", False),
    "bare_map": ("load.map(xs)", "load.map(xs).wait()", False),
    "assigned": ("a = load.submit(1)\nb = store.submit(a)\nreturn b", "a = load.submit(1)\na.wait()\nb = store.submit(a)\nb.wait()\nreturn b", False),
    "mapped_and_assigned": ("rows = load.map(xs)\nstore.map(rows)", "rows = load.map(xs)\nrows.wait()\nstore.map(rows).wait()", False),
    "appended": (
        "futures = []\nfor x in xs:\n    futures.append(load.submit(x))\nreturn futures",
        "futures = []\nfor x in xs:\n    futures.append(load.submit(x))\n    futures[-1].wait()\nreturn futures",
        False,
    ),
    "list_comprehension": ("rows = [load.submit(x) for x in xs]\nprint(rows)", "rows = [load.submit(x) for x in xs]\nwait(rows)\nprint(rows)", True),
    "resolved_at_once": ("return load.submit(1).result()", "return load.submit(1).result()", False),
    "resolved_on_the_next_line": ("a = load.submit(1)\nb = a.result()\nreturn b", "a = load.submit(1)\nb = a.result()\nreturn b", False),
    "returned": ("return [load.submit(x) for x in xs]", "return [load.submit(x) for x in xs]", False),
    "argument_of_another_submission": ("store.submit(load.submit(1))", "store.submit(load.submit(1)).wait()", False),
    "in_a_dictionary": ("rows = {}\nfor x in xs:\n    rows[x] = load.submit(x)\nprint(rows)", "rows = {}\nfor x in xs:\n    rows[x] = load.submit(x)\n    rows[x].wait()\nprint(rows)", False),
    "state_of_submit": ("a = load.submit(1, return_state=True)\nprint(a)", "a = load.submit(1, return_state=True)\nprint(a)", False),
    "states_of_map": ("load.map(xs, return_state=True)", "load.map(xs, return_state=True)", False),
    "appended_to_a_made_list": ("bag = list()\nbag.append(load.submit(1))\nprint(bag)", "bag = list()\nbag.append(load.submit(1))\nbag[-1].wait()\nprint(bag)", False),
    "list_of_futures": ("c = [load.submit(1), store.submit(2)]\nprint(c)", "c = [load.submit(1), store.submit(2)]\nwait(c)\nprint(c)", True),
    "waited_for_without_raising": ("load.submit(1).result(raise_on_failure=False)", "load.submit(1).result(raise_on_failure=False)", False),
    "returned_inside_try_except": ("try:\n    return load.submit(1)\nexcept ValueError:\n    print(xs)", "try:\n    return load.submit(1)\nexcept ValueError:\n    print(xs)", False),
    "with_options": ("load.with_options(name='x').submit(1)", "load.with_options(name='x').submit(1).wait()", False),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITED)
def test_sequential_runner_waits_where_it_submits(name: str) -> None:
    before, after, wait = WAITED[name]
    prove(sequential(before), threads(after, wait), select=("PF202",), unsafe=False)


def test_sequential_runner_given_as_class() -> None:
    prove(
        sequential("load.submit(1)", argument="SequentialTaskRunner"),
        threads("load.submit(1).wait()"),
        select=("PF202",),
    )


def test_sequential_runner_is_dropped_where_nothing_is_submitted() -> None:
    prove(
        sequential("return load(1)"),
        sequential("return load(1)")
        .replace("from prefect.task_runners import SequentialTaskRunner\n", "")
        .replace("(task_runner=SequentialTaskRunner())", "()"),
        select=("PF202",),
        unsafe=False,
    )


def test_sequential_runner_is_dropped_from_among_other_arguments() -> None:
    prove(
        'from prefect import flow\nfrom prefect.task_runners import SequentialTaskRunner\n\n\n@flow(\n    name="n",\n    task_runner=SequentialTaskRunner(),  # in order\n    retries=2,\n)\ndef f():\n    pass\n',
        'from prefect import flow\n\n\n@flow(\n    name="n",\n    retries=2,\n)\ndef f():\n    pass\n',
        select=("PF202",),
    )


LEFT = {
    "future_in_a_helper": ("submit_all(xs)", "def submit_all(xs):\n    return [load.submit(x) for x in xs]\n\n\n"),
    "future_in_a_condition": ("a = load.submit(1) if xs else None\nprint(a)", ""),
    "unknown_receiver": ("xs.submit(1)", ""),
    "task_handed_on": ("run_everything(load, xs)", "from mine import run_everything\n\n\n"),
    "generator": ("list(load.submit(x) for x in xs)", ""),
    "submit_in_a_variable": ("s = load.submit\ns(1)", ""),
    "submit_given_to_map": ("list(map(load.submit, xs))", ""),
    "submit_given_to_a_helper": ("run(load.submit, 1)", "def run(f, x):\n    return f(x)\n\n\n"),
    "submit_read_by_name": ("getattr(load, 'submit')(1)", ""),
    "submit_as_default_of_a_nested_function": ("def go(f=load.submit):\n    f(1)\n\ngo()", ""),
    "tasks_in_a_list_for_a_helper": ("runall([load])", "def runall(ts):\n    for t in ts:\n        t.submit(1)\n\n\n"),
    "tasks_in_a_list_of_the_module": ("runall(ALL)", "def runall(ts):\n    for t in ts:\n        t.submit(1)\n\n\nALL = [load]\n\n\n"),
    "method_that_submits": ("H().go()", "class H:\n    def go(self):\n        load.submit(1)\n\n\n"),
    "method_of_an_argument": ("xs.go()", "class H:\n    def go(self):\n        load.submit(1)\n\n\n"),
    "method_by_way_of_a_helper": ("start()", "class H:\n    def go(self):\n        load.submit(1)\n\n\ndef start():\n    H().go()\n\n\n"),
    "lambda_of_the_module": ("go(1)", "go = lambda x: load.submit(x)\n\n\n"),
    "submit_kept_by_an_instance": ("xs.run(1)", "class H:\n    def __init__(self):\n        self.run = load.submit\n\n\n"),
    "function_of_another_flow": ("inner.fn()", "@flow\ndef inner():\n    return load.submit(1)\n\n\n"),
    "submit_in_a_global_set_by_a_function": ("GO(1)", "def setup():\n    global GO\n    GO = load.submit\n\n\nGO = None\nsetup()\n\n\n"),
    "submit_in_a_table_of_the_module": ("GO['a'](1)", "GO = {}\nGO['a'] = load.submit\n\n\n"),
    "returned_by_a_nested_function": ("def go(x):\n    return load.submit(x)\n\ngo(1)", ""),
    "list_of_mapped": ("fs = [load.map(x) for x in xs]\nprint(fs)", ""),
    "tuple_with_a_value": ("b = (load.submit(1), 2)\nprint(b)", ""),
    "list_with_others": ("c = [load.submit(1), *xs]\nprint(c)", ""),
    "list_with_a_state": ("c = [load.submit(1), load.submit(2, return_state=True)]\nprint(c)", ""),
    "state_or_future": ("a = load.submit(1, return_state=bool(xs))\nprint(a)", ""),
    "appended_to_something_else": ("xs.append(load.submit(1))", ""),
    "appended_to_what_is_a_list_only_at_times": ("bag = []\nif xs:\n    bag = xs\nbag.append(load.submit(1))", ""),
    "waited_for_with_a_limit": ("load.submit(1).wait(timeout=0.01)", ""),
    "waited_for_with_a_limit_by_position": ("load.submit(1).wait(0.01)", ""),
    "result_with_a_limit": ("a = load.submit(1).result(timeout=0.01)\nprint(a)", ""),
    "waited_for_with_a_limit_on_the_next_line": ("a = load.submit(1)\na.wait(timeout=0.01)", ""),
    "result_with_a_limit_on_the_next_line": ("a = load.submit(1)\nb = a.result(timeout=0.01)\nprint(b)", ""),
    "returned_inside_with": ("with open('f') as f:\n    return load.submit(f)", ""),
    "returned_inside_try_finally": ("try:\n    return load.submit(1)\nfinally:\n    print(xs)", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT)
def test_sequential_runner_is_left_with_a_reason_where_a_run_could_be_lost(name: str) -> None:
    body, extra = LEFT[name]
    code = sequential(body, extra)
    found = prove(code, code, select=("PF202",))
    assert len(found) == 2 and all(finding.fix is None and "By hand" in finding.message for finding in found)


@pytest.mark.parametrize(
    ("imported", "body"),
    [("from lib import H\n", "H().go()"), ("from lib import *\n", "go()"), ("import lib as l\n", "l.go()")],
)
def test_sequential_runner_is_left_where_an_imported_helper_submits(imported: str, body: str) -> None:
    lib = (
        "from prefect import task\n\n\n@task\ndef t(x):\n    return x\n\n\n"
        "def go():\n    t.submit(1)\n\n\nclass H:\n    def go(self):\n        t.submit(1)\n"
    )
    code = imported + sequential(body)
    found = prove(code, code, select=("PF202",), files={"lib.py": lib})
    assert len(found) == 2 and all(finding.fix is None and "By hand" in finding.message for finding in found)


HARMLESS = {
    "helper_that_calls_a_task": ("helper(1)", "def helper(x):\n    return load(x)\n\n\n"),
    "method_that_calls_a_task": ("H().go()", "class H:\n    def go(self):\n        return load(1)\n\n\n"),
    "lambda_that_calls_a_task": ("go(1)", "go = lambda x: load(x)\n\n\n"),
    "variable_of_the_same_name_elsewhere": ("rows = load(1)\nprint(rows)", "@flow\ndef other():\n    rows = [load.submit(1)]\n    rows.append(load.submit(2))\n    return rows\n\n\n"),
    "name_of_a_task": ("print(load.name)", ""),
    "other_flow_that_submits": ("inner()", "@flow\ndef inner():\n    return load.submit(1)\n\n\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", HARMLESS)
def test_sequential_runner_is_dropped_where_helpers_submit_nothing(name: str) -> None:
    body, extra = HARMLESS[name]
    before = sequential(body, extra)
    after = before.replace("from prefect.task_runners import SequentialTaskRunner\n", "")
    prove(before, after.replace("(task_runner=SequentialTaskRunner())", "()"), select=("PF202",), unsafe=False)


# -- tasks that submit tasks on the sequential runner

OUTER = "@task\ndef outer(x):\n    {}\n\n\n"
CALLED = {
    "resolved_at_once": ("return load.submit(x).result()", "return load(x)"),
    "in_a_comprehension": ("return [load.submit(y).result() for y in x]", "return [load(y) for y in x]"),
    "one_in_another": ("return store.submit(load.submit(x).result()).result()", "return store(load(x))"),
    "by_keyword": ("return load.submit(x=x).result()", "return load(x=x)"),
    "over_lines": ("return (\n        load.submit(\n            x,  # the row\n        )\n        .result()\n    )", "return (\n        load(\n            x,  # the row\n        )\n    )"),
    "raising": ("return load.submit(x).result(raise_on_failure=True)", "return load(x)"),
    "not_raising": ("return load.submit(x).result(raise_on_failure=False)", "return load(x, return_state=True).result(raise_on_failure=False)"),
    "for_its_state": ("return load.submit(x, return_state=True).name", "return load(x, return_state=True).name"),
    "with_options": ("return load.with_options(retries=2).submit(x).result()", "return load.with_options(retries=2)(x)"),
    "resolved_on_the_next_line": ("future = load.submit(x)\n    return future.result()", "future = load(x)\n    return future"),
    "given_a_result": ("y = store(x)\n    return load.submit(y).result()", "y = store(x)\n    return load(y)"),
    "in_a_nested_function": ("def one(y):\n        return load.submit(y).result()\n    return list(map(one, x))", "def one(y):\n        return load(y)\n    return list(map(one, x))"),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLED)
def test_task_that_a_task_submits_and_waits_for_is_called(name: str) -> None:
    before, after = CALLED[name]
    code = sequential("outer.submit(1)", OUTER.format(before))
    mended = threads("outer.submit(1).wait()").replace("@flow", OUTER.format(after) + "@flow")
    found = prove(code, mended, select=("PF202",))
    assert all(len(finding.message) <= 120 for finding in found if finding.fix)


@pytest.mark.parametrize("name", CALLED)
def test_task_that_a_task_submits_stays_without_unsafe_fixes(name: str) -> None:
    code = sequential("outer.submit(1)", OUTER.format(CALLED[name][0]))
    found = prove(code, code, select=("PF202",), unsafe=False)
    assert any(finding.fix is not None for finding in found)


def test_task_that_a_task_submits_comes_from_compat_for_both_majors() -> None:
    code = sequential("outer.submit(1)", OUTER.format(CALLED["resolved_at_once"][0]))
    prove(code, code.replace("from prefect.task_runners", "from compat"), select=("PF202",), target="both")


@pytest.mark.parametrize(
    "body", ["outer(1)", "outer.map(xs)", "list(map(outer, xs))", "outer.with_options(retries=1)(1)"]
)
def test_submission_is_reported_however_the_flow_runs_the_task(body: str) -> None:
    code = sequential(body, OUTER.format("return load.submit(x).result()"))
    row = code[: code.index("load.submit")].count("\n") + 1
    assert ("PF202", row, "error") in findings_in(code, select=("PF202",))


REACHED = {
    "by_a_helper_of_the_task": "def help(x):\n    return load.submit(x).result()\n\n\n" + OUTER.format("return help(x)"),
    "by_a_helper_of_the_flow": OUTER.format("return load.submit(x).result()").replace("outer", "inner") + "def outer(x):\n    return inner(x)\n\n\n",
    "by_a_task_of_the_task": OUTER.format("return load.submit(x).result()").replace("outer", "inner") + OUTER.format("return inner(x)"),
    "by_a_task_of_a_function": "def work(x):\n    return load.submit(x).result()\n\n\nouter = task(work)\n\n\n",
}  # fmt: skip


@pytest.mark.parametrize("name", REACHED)
def test_submission_is_mended_where_the_flow_reaches_it(name: str) -> None:
    code = sequential("outer(1)", REACHED[name])
    after = sequential("outer(1)", REACHED[name].replace("load.submit(x).result()", "load(x)"))
    after = after.replace("from prefect.task_runners import SequentialTaskRunner\n", "")
    prove(code, after.replace("(task_runner=SequentialTaskRunner())", "()"), select=("PF202",))


@pytest.mark.parametrize(
    ("extra", "argument"),
    [
        ("RUNNER = SequentialTaskRunner()\n\n\n", "RUNNER"),
        ("", "SequentialTaskRunner"),
        ("QUICK = None\n\n\n", "QUICK or SequentialTaskRunner()"),
        ("QUICK = None\n\n\n", "SequentialTaskRunner() if QUICK else None"),
    ],
)
def test_submission_is_mended_however_the_runner_is_given(extra: str, argument: str) -> None:
    code = sequential(
        "return outer.submit(1).result()", extra + OUTER.format("return load.submit(x).result()"), argument=argument
    )
    found = check_source(code.encode(), "flows.py", Settings(select=("PF202",))).findings
    assert "Task `outer` submits `load` and waits for it, which hangs on one worker: call it directly" in {
        each.message for each in found if each.fix is not None
    }


def test_submission_in_a_task_of_another_module_is_mended_there() -> None:
    steps = "from prefect import task\n\n\n@task\ndef load(x):\n    return x\n\n\n@task\ndef outer(x):\n    return load.submit(x).result()\n"
    flows = "from prefect import flow\nfrom prefect.task_runners import {}\nfrom steps import outer\n\n\n@flow(task_runner={})\ndef nightly():\n    return outer.submit(1).result()\n"
    before = flows.format("SequentialTaskRunner", "SequentialTaskRunner()")
    after = flows.format("ThreadPoolTaskRunner", "ThreadPoolTaskRunner(max_workers=1)")
    again = "from steps import outer\n\nagain = outer\n"
    prove_files(
        {"steps.py": steps, "flows.py": before, "again.py": again},
        {"steps.py": steps.replace("load.submit(x).result()", "load(x)"), "flows.py": after, "again.py": again},
        select=("PF202",),
    )


def test_submission_behind_a_module_in_between_is_mended() -> None:
    deep = "from prefect import task\n\n\n@task\ndef load(x):\n    return x\n\n\ndef help(x):\n    return load.submit(x).result()\n"
    steps = "from deep import help\nfrom prefect import task\n\n\n@task\ndef outer(x):\n    return help(x)\n"
    flows = "from prefect import flow\nfrom prefect.task_runners import SequentialTaskRunner\nfrom steps import outer\n\n\n@flow(task_runner=SequentialTaskRunner())\ndef nightly():\n    return outer(1)\n"
    after = flows.replace("from prefect.task_runners import SequentialTaskRunner\n", "").replace(
        "task_runner=SequentialTaskRunner()", ""
    )
    prove_files(
        {"deep.py": deep, "steps.py": steps, "flows.py": flows},
        {"deep.py": deep.replace("load.submit(x).result()", "load(x)"), "steps.py": steps, "flows.py": after},
        select=("PF202",),
    )


NOT_THE_SAME = {
    "mapped": "return [future.result() for future in load.map(x)]",
    "with_a_limit": "return load.submit(x).result(timeout=3)",
    "with_a_limit_by_position": "return load.submit(x).result(3)",
    "not_waited_for": "load.submit(x)",
    "waited_for_only": "load.submit(x).wait()",
    "waited_for_later": "future = load.submit(x)\n    print(x)\n    return future.result()",
    "read_twice": "future = load.submit(x)\n    future.result()\n    return future",
    "kept": "futures = [load.submit(y) for y in x]\n    return [future.result() for future in futures]",
    "in_a_global": "global future\n    future = load.submit(x)\n    return future.result()",
    "after_another": "return load.submit(x, wait_for=[store.submit(x)]).result()",
    "after_a_state": "return load.submit(x, wait_for=[store(x, return_state=True)]).result()",
    "given_a_future": "return load.submit(store.submit(x)).result()",
    "given_a_future_by_name": "y = store.submit(x)\n    return load.submit(y).result()",
    "given_a_state": "y = store(x, return_state=True)\n    return load.submit(y).result()",
    "given_a_future_in_a_nested_function": "def one(y):\n        return load.submit(y).result()\n    return one(store.submit(x))",
    "allowed_to_fail": "return load.submit(allow_failure(x)).result()",
    "for_its_state_at_times": "return load.submit(x, return_state=bool(x)).result()",
    "with_a_comment_between": "return (\n        load.submit(x)\n        # waits\n        .result()\n    )",
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_THE_SAME)
def test_submission_that_a_call_cannot_stand_for_is_told(name: str) -> None:
    code = sequential("outer.submit(1)", OUTER.format(NOT_THE_SAME[name]))
    found = prove(code, code, select=("PF202",))
    assert len(found) > 2 and all(finding.fix is None and "By hand: " in finding.message for finding in found)


OTHER_TASKS = {
    "generator": "@task\ndef part(x):\n    yield x\n\n\n",
    "async": "@task\nasync def part(x):\n    return x\n\n\n",
    "state": "from prefect.states import Failed\n\n\n@task\ndef part(x):\n    return Failed()\n\n\n",
    "unknown": "from lib import work\n\npart = task(work)\n\n\n",
}


@pytest.mark.parametrize("name", OTHER_TASKS)
def test_submission_of_a_task_whose_call_gives_something_else_is_told(name: str) -> None:
    code = sequential("outer.submit(1)", OTHER_TASKS[name] + OUTER.format("return part.submit(x).result()"))
    found = prove(code, code, select=("PF202",))
    assert len(found) == 3 and all(finding.fix is None and "By hand: " in finding.message for finding in found)


def test_submission_in_an_async_task_is_told() -> None:
    outer = OUTER.format("return load.submit(x).result()").replace("def", "async def")
    code = sequential("outer.submit(1)", outer)
    found = prove(code, code, select=("PF202",))
    assert len(found) == 3 and all(finding.fix is None for finding in found)


SILENT = {
    "other_runner": "from prefect import flow, task\nfrom prefect.task_runners import ThreadPoolTaskRunner\n\n\n@flow(task_runner=ThreadPoolTaskRunner(max_workers=4))\ndef nightly(xs):\n    outer.submit(1).wait()\n",
    "no_runner": "@flow\ndef nightly(xs):\n    outer.submit(1).wait()\n",
    "runner_of_compat": "from compat import SequentialTaskRunner\n\n\n@flow(task_runner=SequentialTaskRunner())\ndef nightly(xs):\n    outer.submit(1).wait()\n",
    "runner_for_2_alone": "try:\n    from prefect.task_runners import SequentialTaskRunner\nexcept ImportError:\n    from mine import SequentialTaskRunner\n\n\n@flow(task_runner=SequentialTaskRunner())\ndef nightly(xs):\n    outer.submit(1).wait()\n",
    "class_of_that_name": "class SequentialTaskRunner:\n    pass\n\n\n@flow(task_runner=SequentialTaskRunner())\ndef nightly(xs):\n    outer.submit(1).wait()\n",
}  # fmt: skip
PLAIN_TASKS = "from prefect import flow, task\n\n\n@task\ndef load(x):\n    return x\n\n\n"


@pytest.mark.parametrize("name", SILENT)
def test_task_that_submits_on_another_runner_is_left_alone(name: str) -> None:
    prove_untouched(PLAIN_TASKS + OUTER.format("return load.submit(x).result()") + SILENT[name], select=("PF202",))


UNREACHED = {
    "task_of_another_flow": OUTER.format("return load.submit(x).result()") + "@flow\ndef other():\n    outer(1)\n\n\n",
    "submission_in_a_helper_of_another_flow": "def help(x):\n    return load.submit(x).result()\n\n\n@flow\ndef other():\n    help(1)\n\n\n",
    "submission_in_a_subflow": "@flow\ndef other():\n    return load.submit(1).result()\n\n\n",
}


@pytest.mark.parametrize("name", UNREACHED)
def test_submission_that_the_sequential_flow_does_not_reach_stays(name: str) -> None:
    before = sequential("return load(1)", UNREACHED[name])
    after = before.replace("from prefect.task_runners import SequentialTaskRunner\n", "")
    prove(before, after.replace("(task_runner=SequentialTaskRunner())", "()"), select=("PF202",))


def test_two_sequential_flows_with_the_same_variables_are_both_mended() -> None:
    body = "a = load.submit(1)\nprint(a)"
    before = sequential(
        body, sequential(body).partition("\n\n\n@flow")[2].join(("@flow", "\n\n")).replace("nightly", "daily")
    )
    after = before.replace("import SequentialTaskRunner", "import ThreadPoolTaskRunner")
    after = after.replace("SequentialTaskRunner()", "ThreadPoolTaskRunner(max_workers=1)")
    prove(before, after.replace("submit(1)\n", "submit(1)\n    a.wait()\n"), select=("PF202",), unsafe=False)


def test_wait_is_not_imported_at_the_top_of_a_module_that_imports_prefect_in_functions() -> None:
    code = """
    def make():
        from prefect import flow, task
        from prefect.task_runners import SequentialTaskRunner

        @task
        def load(x):
            return x

        @flow(task_runner=SequentialTaskRunner())
        def nightly(xs):
            rows = [load.submit(x) for x in xs]
            print(rows)

        return nightly
    """
    found = prove(code, code, select=("PF202",))
    assert len(found) == 2 and all(finding.fix is None for finding in found)


def test_dotted_sequential_runner_comes_from_compat_for_both_majors() -> None:
    prove(
        "import prefect.task_runners\n\nr = prefect.task_runners.SequentialTaskRunner()\n",
        "import prefect.task_runners\nfrom compat import SequentialTaskRunner\n\nr = SequentialTaskRunner()\n",
        target="both",
    )


@pytest.mark.parametrize(("runner", "target"), [("SequentialTaskRunner", "both"), ("DaskTaskRunner", "3")])
def test_dotted_runner_is_left_where_its_name_is_taken(runner: str, target: str) -> None:
    code = f"import prefect.task_runners\n\n{runner} = 3\nr = prefect.task_runners.{runner}()\n"
    (found,) = prove(code, code, target=target)
    assert found.fix is None and "taken" in found.message


def test_sequential_runner_comes_from_compat_for_both_majors() -> None:
    before = sequential("load.submit(1)")
    prove(
        before,
        before.replace("from prefect.task_runners", "from compat"),
        target="both",
        select=("PF202",),
        unsafe=False,
    )


def test_sequential_runner_among_others_comes_from_compat() -> None:
    prove(
        "from prefect.task_runners import ConcurrentTaskRunner, SequentialTaskRunner\n\nrunners = {True: SequentialTaskRunner(), False: ConcurrentTaskRunner()}\n",
        "from prefect.task_runners import ConcurrentTaskRunner\nfrom compat import SequentialTaskRunner\n\nrunners = {True: SequentialTaskRunner(), False: ConcurrentTaskRunner()}\n",
        target="both",
    )


def test_sequential_runner_in_a_variable() -> None:
    before = sequential("return load.submit(1).result()", "runner = SequentialTaskRunner()\n\n\n", argument="runner")
    after = before.replace("import SequentialTaskRunner", "import ThreadPoolTaskRunner").replace(
        "SequentialTaskRunner()", "ThreadPoolTaskRunner(max_workers=1)"
    )
    prove(before, after, select=("PF202",))


def test_sequential_runner_in_a_conditional_where_all_is_resolved() -> None:
    before = sequential(
        "return load.submit(1).result()",
        names="ConcurrentTaskRunner, SequentialTaskRunner",
        argument="SequentialTaskRunner() if DEBUG else ConcurrentTaskRunner()",
        extra="DEBUG = True\n\n\n",
    )
    after = before.replace(
        "ConcurrentTaskRunner, SequentialTaskRunner", "ConcurrentTaskRunner, ThreadPoolTaskRunner"
    ).replace("SequentialTaskRunner()", "ThreadPoolTaskRunner(max_workers=1)", 1)
    prove(before, after, select=("PF202",))


def test_sequential_runner_in_with_options_of_a_flow_that_submits_nothing() -> None:
    prove(
        "from prefect import flow\nfrom prefect.task_runners import SequentialTaskRunner\n\n\n@flow\ndef f():\n    pass\n\n\nf.with_options(task_runner=SequentialTaskRunner(), retries=1)()\n",
        "from prefect import flow\n\n\n@flow\ndef f():\n    pass\n\n\nf.with_options(retries=1)()\n",
        select=("PF202",),
    )


REPORTED = {
    "returned_by_a_function": "from prefect.task_runners import SequentialTaskRunner\n\n\ndef runner():\n    return SequentialTaskRunner()\n",
    "isinstance": "from prefect.task_runners import SequentialTaskRunner\n\n\ndef f(r):\n    return isinstance(r, SequentialTaskRunner)\n",
    "subclass": "from prefect.task_runners import SequentialTaskRunner\n\n\nclass R(SequentialTaskRunner):\n    pass\n",
    "dictionary": "from prefect.task_runners import SequentialTaskRunner\n\nR = {'a': SequentialTaskRunner}\n",
}


@pytest.mark.parametrize("name", REPORTED)
def test_sequential_runner_is_reported_at_the_import_and_the_use(name: str) -> None:
    found = findings_in(REPORTED[name])
    assert [code for code, _, _ in found] == ["PF202", "PF202"]
    assert {severity for _, _, severity in found} == {"error"}


def test_unused_import_of_the_sequential_runner_is_removed() -> None:
    prove(
        "from prefect import flow\nfrom prefect.task_runners import SequentialTaskRunner\n\n\n@flow\ndef f():\n    pass\n",
        "from prefect import flow\n\n\n@flow\ndef f():\n    pass\n",
    )


# -- the others


def test_custom_runner_is_reported_at_import_base_and_type() -> None:
    code = """
    from prefect.task_runners import BaseTaskRunner, TaskConcurrencyType


    class Mine(BaseTaskRunner):
        @property
        def concurrency_type(self):
            return TaskConcurrencyType.PARALLEL
    """
    assert [(code, row) for code, row, _ in findings_in(code)] == [
        ("PF203", 1),
        ("PF203", 1),
        ("PF203", 4),
        ("PF203", 7),
    ]


@pytest.mark.parametrize(("runner", "package"), [("DaskTaskRunner", "prefect_dask"), ("RayTaskRunner", "prefect_ray")])
def test_runner_that_moved_to_an_integration(runner: str, package: str) -> None:
    prove(
        f"from prefect.task_runners import {runner}, TaskRunner\n\nr = {runner}(x=1)\n",
        f"from prefect.task_runners import TaskRunner\nfrom {package} import {runner}\n\nr = {runner}(x=1)\n",
    )


def test_runner_of_an_integration_is_left_alone() -> None:
    prove_untouched(
        "from prefect_dask import DaskTaskRunner\nfrom prefect_ray.task_runners import RayTaskRunner\n\nr = DaskTaskRunner(), RayTaskRunner()\n"
    )


NIGHTLY = """
import sys

from prefect import flow, task
from prefect.task_runners import SequentialTaskRunner


@task
def check(n):
    print("checked", n, flush=True)
    if n == 13:
        raise ValueError(n)
    return n


@task(retries=1)
def load(n):
    print("loaded", check.submit(n).result(), flush=True)
    return n


@flow(task_runner=SequentialTaskRunner())
def nightly(numbers):
    return [load.submit(n).result() for n in numbers]


@flow
def publish(numbers):
    print("published", sum(nightly(numbers)), flush=True)


if __name__ == "__main__":
    publish([int(each) for each in sys.argv[1:]])
"""


@pytest.mark.prefect
def test_script_whose_task_submits_a_task_ends_on_prefect_3_as_it_did_on_2(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("before", "after")}
    for folder in folders.values():
        folder.mkdir()
        (folder / "nightly.py").write_text(NIGHTLY)
        (folder / "pyproject.toml").touch()
    fix([str(folders["after"])], Settings(unsafe_fixes=True))

    def ran(folder: str, version: str, *numbers: str) -> tuple[int, list[str]]:
        done = environment(version).run(["nightly.py", *numbers], cwd=folders[folder])
        return done.returncode, done.stdout.splitlines()

    for numbers, ending in ((("1", "2"), 0), (("1", "13", "2"), 1)):
        before = ran("before", "2.20.26", *numbers)
        assert before[0] == ending and before[1][:2] == ["checked 1", "loaded 1"]
        assert [ran("after", version, *numbers) for version in ("3.0.11", "3.8.8")] == [before] * 2

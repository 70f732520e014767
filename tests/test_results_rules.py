"""Results, caching, hooks and returned values: what is found, how it is mended, and what is left alone."""

from __future__ import annotations

import pytest

from tests.support.examples import findings_in, prove, prove_untouched

POLLED = """
from prefect import flow, task

@task({options})
def ready(x=1):
    return x

@flow({flow_options})
def watch(xs):
{body}
"""


def polled(body: str, options: str = "persist_result=True", flow_options: str = "") -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return POLLED.format(options=options, flow_options=flow_options, body=lines)


# -- PF501

REPEATING = [
    pytest.param("while not ready():\n    pass", id="the test of a while loop"),
    pytest.param("for _ in range(3):\n    ready()", id="a loop without inputs"),
    pytest.param("for x in xs:\n    ready(3)", id="a constant input"),
    pytest.param("for x in xs:\n    ready(xs)", id="an input that stays"),
    pytest.param("for x in xs:\n    if x:\n        ready()", id="under a condition in a loop"),
    pytest.param("for _ in range(3):\n    ready.submit().result()", id="submitted and waited for"),
    pytest.param("return [ready() for _ in range(3)]", id="a comprehension"),
    pytest.param("a = ready()\nb = ready()", id="two calls without inputs"),
    pytest.param("a = ready(xs)\nif a:\n    b = ready(xs)", id="two calls, one of them conditional"),
    pytest.param("a = ready(x=1)\nb = ready(x=1)", id="two calls with keywords"),
    pytest.param("while True:\n    if ready():\n        break", id="a polling loop that ends on the result"),
]


@pytest.mark.parametrize("body", REPEATING)
@pytest.mark.parametrize("target", ["3", "both"])
def test_stored_results_of_repeated_runs_get_a_place_of_their_own(body: str, target: str) -> None:
    fixed = 'persist_result=True, result_storage_key="{{task_run.id}}"'.replace("{{", "{").replace("}}", "}")
    prove(polled(body), polled(body, fixed), select=("PF501",), target=target)


@pytest.mark.parametrize("options", ['result_storage="s3/results"', 'result_serializer="json"'])
def test_results_that_only_3_would_store_are_not_stored(options: str) -> None:
    body = "for x in xs:\n    ready()"
    prove(polled(body, options), polled(body, f"{options}, persist_result=False"), select=("PF501",))


NOT_REPEATING = [
    pytest.param("for x in xs:\n    ready(x)", id="the input changes with the loop"),
    pytest.param("for x in xs:\n    y = x + 1\n    ready(y)", id="the input is computed in the loop"),
    pytest.param("i = 0\nwhile i < 3:\n    i += 1\n    ready(i)", id="a counter"),
    pytest.param("seen = []\nfor x in xs:\n    seen.append(x)\n    ready(seen)", id="a list that grows"),
    pytest.param("for x in xs:\n    ready(time())", id="an input that is called for"),
    pytest.param("for x in xs:\n    ready(state.value)", id="an attribute"),
    pytest.param("while xs:\n    ready(xs.pop())", id="a queue"),
    pytest.param("ready()", id="once"),
    pytest.param("for x in ready():\n    pass", id="the iterable of a loop"),
    pytest.param("return [x for x in ready()]", id="the iterable of a comprehension"),
    pytest.param(
        "for _ in range(3):\n    try:\n        ready()\n        break\n    except ValueError:\n        pass", id="retry"
    ),
    pytest.param(
        "for _ in range(3):\n    try:\n        return ready()\n    except ValueError:\n        pass", id="retry, return"
    ),
    pytest.param("for x in xs:\n    ready()\n    break", id="a loop that is left"),
    pytest.param("if xs:\n    ready()\nelse:\n    ready()", id="one branch or the other"),
    pytest.param("if xs:\n    return ready()\nready()", id="one returns before the other"),
    pytest.param("try:\n    ready()\nexcept ValueError:\n    ready()", id="again after a failure"),
    pytest.param("y = 1\nready(y)\ny = 2\nready(y)", id="the name has another value"),
    pytest.param("ready(1)\nready(2)", id="different inputs"),
    pytest.param("for _ in range(3):\n    ready.submit()", id="at the same time"),
    pytest.param("for _ in range(3):\n    ready.fn()", id="the plain function"),
    pytest.param("for _ in range(3):\n    def inner():\n        ready()", id="in a function that is only defined"),
]


@pytest.mark.parametrize("body", NOT_REPEATING)
def test_runs_whose_inputs_may_differ_are_left_alone(body: str) -> None:
    prove_untouched(polled(body), select=("PF501",))


@pytest.mark.parametrize(
    "options",
    [
        "",
        "persist_result=False",
        "persist_result=KEEP",
        "**OPTIONS",
        "persist_result=True, refresh_cache=True",
        "persist_result=True, cache_key_fn=key",
        "persist_result=True, cache_policy=POLICY",
        'persist_result=True, result_storage_key="{task_run.id}"'.replace("{", "{{").replace("}", "}}").format(),
    ],
)
def test_tasks_that_say_how_they_are_cached_are_left_alone(options: str) -> None:
    prove_untouched(polled("for x in xs:\n    ready()", options), select=("PF501",))


def test_task_of_another_library_is_left_alone() -> None:
    code = polled("for x in xs:\n    ready()").replace("from prefect", "from prefect import unmapped\nfrom celery")
    prove_untouched(code, select=("PF501",))


def test_code_for_3_alone_is_left_alone() -> None:
    prove_untouched(
        """
        import prefect
        from prefect import flow, task

        if prefect.__version__.startswith("3"):
            @task(persist_result=True)
            def ready():
                return 1

            @flow
            def watch():
                while not ready():
                    pass
        """,
        select=("PF501",),
    )


def test_task_is_mended_where_it_is_made_when_another_module_repeats_it() -> None:
    files = {
        "watch.py": "from flows import ready\nfrom prefect import flow\n\n@flow\ndef watch():\n    while not ready():\n        pass\n"
    }
    before = "from prefect import task\n\n@task(persist_result=True)\ndef ready():\n    return 1\n"
    after = before.replace("True)", 'True, result_storage_key="{task_run.id}")')
    (found,) = prove(before, after, select=("PF501",), files=files)
    assert "watch.py" in found.message


def test_alias_of_prefect_and_with_options_are_understood() -> None:
    before = """
    import prefect as p

    @p.task
    def ready():
        return 1

    kept = ready.with_options(persist_result=True)

    @p.flow
    def watch():
        while not kept():
            pass
    """
    after = before.replace("=True)", '=True, result_storage_key="{task_run.id}")')
    prove(before, after, select=("PF501",))


def test_async_task_that_is_awaited_in_a_loop_is_repeated_and_a_gathered_one_is_not() -> None:
    before = """
    import asyncio
    from prefect import flow, task

    @task(persist_result=True)
    async def ready():
        return 1

    @flow
    async def watch():
        {}
    """
    awaited = before.format("while not await ready():\n            pass")
    prove(awaited, awaited.replace("True)", 'True, result_storage_key="{task_run.id}")'), select=("PF501",))
    prove_untouched(before.format("await asyncio.gather(*[ready() for _ in range(3)])"), select=("PF501",))


def test_tasks_of_a_flow_whose_results_are_stored_are_not_stored_as_on_2() -> None:
    body = "for x in xs:\n    ready()"
    for option in ("persist_result=True", 'result_storage="s3/results"'):
        prove(
            polled(body, "", option),
            polled(body, "persist_result=False", option),
            select=("PF501",),
        )


def test_bare_decorator_gets_brackets() -> None:
    code = polled("for x in xs:\n    ready()", "", "persist_result=True")
    before = code.replace("@task()", "@task")
    prove(before, before.replace("@task", "@task(persist_result=False)"), select=("PF501",))


def test_imported_task_of_a_stored_flow_is_reported_without_a_fix() -> None:
    files = {"tasks.py": "from prefect import task\n\n@task\ndef ready():\n    return 1\n"}
    code = """
    from prefect import flow
    from tasks import ready

    @flow(persist_result=True)
    def watch():
        while not ready():
            pass
    """
    (found,) = prove(code, code, select=("PF501",), files=files)
    assert found.fix is None


# -- PF502

CACHED = """
from prefect import task
from prefect.tasks import task_input_hash

def key(context, parameters):
    return {key}

@task({options})
def load(x):
    return x
"""


@pytest.mark.parametrize(
    "options",
    [
        "cache_key_fn=task_input_hash, persist_result=False",
        'cache_key_fn=task_input_hash, result_storage_key="latest"',
        'cache_key_fn=lambda c, p: f"{c.task_run.name}"',
        "cache_key_fn=lambda c, p: c.task_run.dynamic_key",
        "cache_key_fn=key",
        "cache_result_in_memory=False",
    ],
)
def test_caching_options_that_mean_less_are_reported(options: str) -> None:
    code = CACHED.replace("{key}", "context.task_run.name").replace("{options}", options)
    assert [code for code, _, _ in findings_in(code, select=("PF502",))] == ["PF502"]


@pytest.mark.parametrize(
    "options",
    [
        "cache_key_fn=task_input_hash",
        "cache_key_fn=task_input_hash, persist_result=True",
        "cache_key_fn=None, persist_result=False",
        "cache_key_fn=key",
        "cache_key_fn=lambda c, p: p['name']",
        "cache_key_fn=lambda c, p: c.task.name",
        "cache_result_in_memory=False, persist_result=True",
        "cache_result_in_memory=True",
    ],
)
def test_caching_options_that_mean_the_same_are_left_alone(options: str) -> None:
    prove_untouched(CACHED.replace("{key}", "parameters['x']").replace("{options}", options), select=("PF502",))


# -- PF503

LOCKED = """
import threading
from typing import Callable, Optional
from sqlalchemy.engine import Engine
from prefect import task

@task{options}
def count(x, lock: {annotation}):
    return x
"""


@pytest.mark.parametrize(
    "annotation",
    ["threading.Lock", "Engine", "Optional[Engine]", '"Engine"', "Engine | None", "list[threading.Lock]"],
)
def test_stored_task_with_an_unhashable_parameter_gets_a_key(annotation: str) -> None:
    before = LOCKED.replace("{annotation}", annotation).replace("{options}", "(persist_result=True)")
    after = before.replace("=True)", '=True, result_storage_key="{task_run.id}")')
    prove(before, after, select=("PF503",), unsafe=False)
    prove(before, after, select=("PF503",), unsafe=False, target="both")


def test_task_with_an_unhashable_parameter_is_silenced() -> None:
    before = LOCKED.replace("{annotation}", "Engine").replace("{options}", "")
    after = before.replace("@task", "@task(persist_result=False)")
    prove(before, after, select=("PF503",), unsafe=False)
    prove(before, before, select=("PF503",), unsafe=False, target="both")
    prove(before, after, select=("PF503",), target="both")


@pytest.mark.parametrize("annotation", ["str", "Callable[[Engine], int]", "type[Engine]", '"not ( parsable"', "Lock"])
def test_parameters_that_can_be_hashed_are_left_alone(annotation: str) -> None:
    prove_untouched(LOCKED.replace("{annotation}", annotation).replace("{options}", ""), select=("PF503",))


@pytest.mark.parametrize("options", ["(cache_policy=NO_CACHE)", "(cache_key_fn=key)", "(persist_result=False)"])
def test_task_that_says_how_it_is_cached_may_take_anything(options: str) -> None:
    prove_untouched(LOCKED.replace("{annotation}", "Engine").replace("{options}", options), select=("PF503",))


# -- PF504

HOOKED = """
from functools import partial
from prefect import flow, task

{hook}

{decorator}
def etl():
    ...
"""


def hooked(hook: str, decorator: str = "@flow(on_failure=[alert])") -> str:
    return HOOKED.replace("{hook}", hook).replace("{decorator}", decorator)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(state, flow, flow_run)", "(flow, flow_run, state)"),
        ("(flow, state, flow_run)", "(flow, flow_run, state)"),
        ("(state: State, flow: Flow = None, flow_run=None)", None),
        ("(state: State, flow: Flow, flow_run: FlowRun)", "(flow: Flow, flow_run: FlowRun, state: State)"),
        ("(flow_run=None, flow=None, state=None)", "(flow=None, flow_run=None, state=None)"),
        ("(channel='x', flow=None, flow_run=None, state=None)", "(flow=None, flow_run=None, state=None, channel='x')"),
        ("(*, flow, flow_run, state)", "(flow, flow_run, state)"),
        ("(flow, *, state, flow_run)", "(flow, flow_run, state)"),
        ("(flow, *, state, flow_run, deep=1)", "(flow, flow_run, state, *, deep=1)"),
        ("(*, state, flow, flow_run, **kwargs)", "(flow, flow_run, state, **kwargs)"),
        ("(state, flow, flow_run, **kwargs)", "(flow, flow_run, state, **kwargs)"),
        ("(\n    state,  # new\n    flow,\n    flow_run,\n)", "(\n    flow,  # new\n    flow_run,\n    state,\n)"),
        ("(**kwargs)", None),
        ("(flow, **kwargs)", None),
    ],
)
@pytest.mark.parametrize("target", ["3", "both"])
def test_hook_gets_its_parameters_in_order(before: str, after: str | None, target: str) -> None:
    code = hooked(f"def alert{before}:\n    print(state.name)")
    wanted = code if after is None else hooked(f"def alert{after}:\n    print(state.name)")
    assert prove(code, wanted, select=("PF504",), target=target, unsafe=False)


@pytest.mark.parametrize(
    "parameters",
    [
        "(flow, flow_run, state)",
        "(flow, flow_run, state, **kwargs)",
        "(flow, flow_run, state, channel='x')",
        "(*args, **kwargs)",
        "(*args)",
        "(f, r, s)",
        "(task, task_run, state)",
        "(state, flow, flow_run, needed)",
    ],
)
def test_hooks_that_are_right_or_never_worked_are_left_alone(parameters: str) -> None:
    prove_untouched(hooked(f"def alert{parameters}:\n    ..."), select=("PF504",))


@pytest.mark.parametrize(
    "decorator",
    [
        "@flow(name='x', on_completion=[alert])",
        "@flow(on_cancellation=(alert,), on_crashed=[alert])",
        "@flow(on_running=HOOKS)",
        "@flow(on_failure=[lambda state, flow, flow_run: 1])",
    ],
)
def test_hooks_are_found_wherever_they_are_given(decorator: str) -> None:
    code = hooked("def alert(state, flow, flow_run):\n    ...\n\nHOOKS = [alert]", decorator)
    assert findings_in(code, select=("PF504",))


def test_hooks_of_tasks_have_names_of_their_own() -> None:
    code = hooked("def alert(state, task, task_run):\n    ...", "@task(on_failure=[alert])")
    prove(code, code.replace("state, task, task_run", "task, task_run, state"), select=("PF504",), unsafe=False)


def test_lambda_is_mended_in_its_place() -> None:
    code = hooked("", "@flow(on_failure=[lambda state, flow, flow_run: print(state)])")
    prove(
        code,
        code.replace("lambda state, flow, flow_run", "lambda flow, flow_run, state"),
        select=("PF504",),
        unsafe=False,
    )


@pytest.mark.parametrize(
    ("parameters", "given", "after"),
    [
        ("channel, flow, flow_run, state", 'alert, "mail"', None),
        ("channel, state, flow, flow_run", 'alert, "mail"', "channel, flow, flow_run, state"),
        ("flow, flow_run, state, channel", 'alert, channel="mail"', None),
        ("channel, flow, flow_run, state", 'alert, channel="mail"', "flow, flow_run, state, channel"),
    ],
)
def test_partial_hooks(parameters: str, given: str, after: str | None) -> None:
    decorator = f"@flow(on_failure=[partial({given})])"
    code = hooked(f"def alert({parameters}):\n    ...", decorator)
    if after is None:
        prove_untouched(code, select=("PF504",))
    else:
        prove(code, hooked(f"def alert({after}):\n    ...", decorator), select=("PF504",), unsafe=False)


def test_hook_that_is_called_by_position_elsewhere_is_only_reported() -> None:
    hook = "def alert(state, flow, flow_run):\n    ...\n\ndef test(s, f, r):\n    alert({})"
    by_position = hooked(hook.format("s, f, r"))
    assert prove(by_position, by_position, select=("PF504",))
    by_name = hooked(hook.format("state=s, flow=f, flow_run=r"))
    prove(
        by_name, by_name.replace("(state, flow, flow_run)", "(flow, flow_run, state)"), select=("PF504",), unsafe=False
    )


def test_hook_that_others_import_is_mended_unsafely() -> None:
    files = {"other.py": "from flows import alert\n"}
    code = hooked("def alert(state, flow, flow_run):\n    ...")
    prove(code, code, select=("PF504",), unsafe=False, files=files)
    prove(code, code.replace("(state, flow, flow_run)", "(flow, flow_run, state)"), select=("PF504",), files=files)


def test_hook_of_another_module_is_reported() -> None:
    files = {"hooks.py": "import prefect\n\ndef alert(state, flow, flow_run):\n    ...\n"}
    code = "from prefect import flow\nfrom hooks import alert\n\n@flow(on_failure=[alert])\ndef etl():\n    ...\n"
    assert prove(code, code, select=("PF504",), files=files)


def test_method_given_as_hook_keeps_self() -> None:
    code = """
    from prefect import flow

    class Runner:
        def alert(self, state, flow, flow_run):
            ...

        def start(self):
            etl.with_options(on_failure=[self.alert])()

    @flow
    def etl():
        ...
    """
    prove(code, code.replace("self, state, flow, flow_run", "self, flow, flow_run, state"), select=("PF504",))


def test_hooks_of_another_library_are_left_alone() -> None:
    code = hooked("def alert(state, flow, flow_run):\n    ...").replace(
        "from prefect", "from prefect import unmapped\nfrom metaflow"
    )
    prove_untouched(code, select=("PF504",))


# -- PF505

GENERATOR = """
from prefect import flow, task

@task
def pages(n):
    yield n

@task
def count(found):
    return found

@flow
def crawl(n):
    {body}
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("found = pages(n)", "found = list(pages(n))"),
        ("pages(n)", "list(pages(n))"),
        ("return pages(n)", "return list(pages(n))"),
        ("count(pages(n))", "count(list(pages(n)))"),
        ("len(pages(n))", "len(list(pages(n)))"),
        ("pages(n)[0]", "list(pages(n))[0]"),
        ("for x in pages(n):\n        if x: break", "for x in list(pages(n)):\n        if x: break"),
        ("any(pages(n))", "any(list(pages(n)))"),
    ],
)
@pytest.mark.parametrize("target", ["3", "both"])
def test_generator_task_is_made_a_list(before: str, after: str, target: str) -> None:
    prove(GENERATOR.format(body=before), GENERATOR.format(body=after), select=("PF505",), target=target, unsafe=False)


@pytest.mark.parametrize(
    "body",
    [
        "for x in pages(n):\n        print(x)",
        "for i, x in enumerate(pages(n)):\n        print(x)",
        "[x for x in pages(n)]",
        "list(pages(n))",
        "sorted(pages(n))",
        "','.join(pages(n))",
        "[*pages(n)]",
        "pages.submit(n).result()",
        "pages.map([n])",
        "pages.fn(n)",
        "count(n)",
    ],
)
def test_generator_tasks_that_are_used_up_at_once_are_left_alone(body: str) -> None:
    prove_untouched(GENERATOR.format(body=body), select=("PF505",))


def test_tasks_that_yield_in_an_inner_function_or_are_async_are_left_alone() -> None:
    code = GENERATOR.format(body="found = pages(n)")
    prove_untouched(
        code.replace("yield n", "def inner():\n        yield n\n    return list(inner())"), select=("PF505",)
    )
    prove_untouched(code.replace("def pages", "async def pages"), select=("PF505",))
    prove_untouched(code.replace("@task\ndef pages", "def pages"), select=("PF505",))


def test_list_that_is_something_else_is_not_called() -> None:
    code = GENERATOR.format(body="found = pages(n)") + "\ndef list(x):\n    ...\n"
    assert prove(code, code, select=("PF505",))


def test_state_of_a_generator_task_is_asked_for_by_submitting() -> None:
    code = GENERATOR.format(body="state = pages(n, return_state=True)")
    prove(code, code.replace("pages(n,", "pages.submit(n,"), select=("PF505",))


# -- PF506

STATES = """
from prefect import flow, task
from prefect.states import Completed, Failed

@task
def check(x):
    {returned}

@flow
def etl(x):
    {body}
"""


@pytest.mark.parametrize(
    "returned",
    [
        "return Failed(message='bad')",
        "if x:\n        return Failed()\n    return x",
        "return Failed() if x else x",
        "return [Completed(), Failed()]",
    ],
)
@pytest.mark.parametrize("target", ["3", "both"])
def test_task_that_returns_failed_is_submitted(returned: str, target: str) -> None:
    code = STATES.format(returned=returned, body="check(x)")
    after = STATES.format(returned=returned, body="check.submit(x).result()")
    prove(code, after, select=("PF506",), target=target)


def test_data_of_completed_is_taken_where_it_is_used() -> None:
    used = STATES.format(returned="return Completed(data=x)", body="y = check(x)")
    prove(used, used.replace("= check(x)", "= check.submit(x).result()"), select=("PF506",))
    prove_untouched(STATES.format(returned="return Completed()", body="check(x)"), select=("PF506",))


@pytest.mark.parametrize("body", ["check.submit(x)", "check(x, return_state=True)", "check.fn(x)", "check.map([x])"])
def test_other_ways_to_run_the_task_are_left_alone(body: str) -> None:
    prove_untouched(STATES.format(returned="return Failed()", body=body), select=("PF506",))


@pytest.mark.parametrize(
    "returned",
    [
        "return x",
        "raise ValueError(x)",
        "def inner():\n        return Failed()\n    return x",
        "y = Failed()\n    return x",
        "return [Completed(), Completed()]",
    ],
)
def test_tasks_that_return_no_state_are_left_alone(returned: str) -> None:
    prove_untouched(STATES.format(returned=returned, body="check(x)"), select=("PF506",))


def test_failed_of_another_library_is_left_alone() -> None:
    code = STATES.format(returned="return Failed()", body="check(x)").replace("from prefect.states", "from .states")
    prove_untouched(code, select=("PF506",))


def test_call_outside_of_a_flow_and_of_an_async_task_is_only_reported() -> None:
    outside = STATES.format(returned="return Failed()", body="pass") + "\ncheck(1)\n"
    assert prove(outside, outside, select=("PF506",))
    awaited = STATES.format(returned="return Failed()", body="await check(x)").replace("\ndef", "\nasync def")
    assert prove(awaited, awaited, select=("PF506",))


# -- PF507

STORAGE = """
from prefect import task
from prefect.filesystems import LocalFileSystem
{before}
@task(result_storage={storage})
def load():
    return 1
"""


@pytest.mark.parametrize(
    ("before", "storage"),
    [
        ("", 'LocalFileSystem(basepath="/data")'),
        ("from prefect_aws import S3Bucket\n", 'S3Bucket(bucket_name="x")'),
        ("STORE = LocalFileSystem()\n", "STORE"),
    ],
)
def test_unsaved_storage_is_reported(before: str, storage: str) -> None:
    code = STORAGE.format(before=before, storage=storage)
    assert [(code, severity) for code, _, severity in findings_in(code, select=("PF507",))] == [("PF507", "error")]


@pytest.mark.parametrize(
    ("before", "storage"),
    [
        ("", '"local-file-system/data"'),
        ("", 'LocalFileSystem.load("data")'),
        ("STORE = LocalFileSystem.load('data')\n", "STORE"),
        ("STORE = LocalFileSystem()\nSTORE.save('data', overwrite=True)\n", "STORE"),
        ("", "make_storage()"),
        ("", "None"),
    ],
)
def test_saved_storage_is_left_alone(before: str, storage: str) -> None:
    prove_untouched(STORAGE.format(before=before, storage=storage), select=("PF507",))


# -- PF508

KEYED = """
from prefect import flow, task

KEY = "latest.json"

@task({options})
def report(day):
    return day

@flow
def daily(day):
    {body}
"""


@pytest.mark.parametrize(
    "options",
    [
        'result_storage_key="latest"',
        "result_storage_key=KEY",
        'result_storage_key="{parameters[day]}"',
        'result_storage_key=f"{KEY}-1"',
    ],
)
@pytest.mark.parametrize("target", ["3", "both"])
def test_stored_result_does_not_take_the_place_of_a_run(options: str, target: str) -> None:
    code = KEYED.replace("{options}", options).replace("{body}", "report(day)")
    after = code.replace(options, f"{options}, refresh_cache=True")
    prove(code, after, select=("PF508",), target=target)


@pytest.mark.parametrize(
    "options",
    [
        'result_storage_key="{task_run.id}"',
        'result_storage_key="{flow_run.id}-{parameters[day]}"',
        "result_storage_key=None",
        "result_storage_key=make_key()",
        'result_storage_key="latest", persist_result=False',
        'result_storage_key="latest", refresh_cache=True',
        'result_storage_key="latest", cache_key_fn=key',
        "persist_result=True",
    ],
)
def test_keys_that_are_new_for_each_run_are_left_alone(options: str) -> None:
    prove_untouched(KEYED.replace("{options}", options).replace("{body}", "report(day)"), select=("PF508",))


def test_key_of_the_flow_run_matters_where_the_task_is_repeated() -> None:
    code = KEYED.replace("{options}", 'result_storage_key="{flow_run.id}"').replace(
        "{body}", "report(day); report(day)"
    )
    prove(code, code.replace('id}"', 'id}", refresh_cache=True'), select=("PF508",))


# -- PF509

RETRIED = """
from prefect import flow, task

@task{task_options}
def charge(x):
    return x

@task
def confirm(x):
    return x

@flow({options})
def checkout(xs):
    {body}
"""


def retried(body: str, options: str = "retries=2", task_options: str = "") -> str:
    return RETRIED.format(body=body, options=options, task_options=task_options)


@pytest.mark.parametrize(
    "body", ["confirm(charge(xs))", "charge.map(xs)", "[charge(x) for x in xs]", "charge.submit(xs)\n    confirm(xs)"]
)
@pytest.mark.parametrize("target", ["3", "both"])
def test_results_of_a_retried_flow_are_stored(body: str, target: str) -> None:
    prove(retried(body), retried(body, "retries=2, persist_result=True"), select=("PF509",), target=target)


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ("charge(1)\n    confirm(2)\n    charge(1)", "retries=2"),
        ("charge(xs)\n    confirm(xs)", "retries=2, persist_result=False"),
    ],
)
def test_flow_whose_results_cannot_just_be_stored_is_only_reported(body: str, options: str) -> None:
    code = retried(body, options)
    assert prove(code, code, select=("PF509",))


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ("charge(xs)", "retries=2"),
        ("confirm(charge(xs))", ""),
        ("confirm(charge(xs))", "retries=0"),
        ("confirm(charge(xs))", "retries=RETRIES"),
        ("confirm(charge(xs))", "retries=2, persist_result=True"),
        ("confirm(charge(xs))", 'retries=2, result_storage="s3/results"'),
        ("charge.fn(xs)\n    confirm(xs)", "retries=2"),
    ],
)
def test_flows_that_lose_nothing_when_retried_are_left_alone(body: str, options: str) -> None:
    prove_untouched(retried(body, options), select=("PF509",))


def test_tasks_that_are_stored_or_cached_are_not_run_again() -> None:
    for options in ("(persist_result=True)", "(persist_result=False)", "(cache_key_fn=key)"):
        prove_untouched(retried("confirm(charge(xs))", task_options=options), select=("PF509",))

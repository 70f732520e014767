"""What expressions hold: where that is certain, and where nothing is said."""

from __future__ import annotations

import ast
import os
import tempfile
from pathlib import Path
from typing import Optional

import pytest

from migrator.model.module import Module
from migrator.model.project import Project
from migrator.model.values import Value, Values
from tests.support.examples import _clean

HEAD = """
import asyncio
from typing import Any, Iterable, List, Optional, Union
import prefect
from prefect import State, flow, get_client, task
from prefect.blocks.core import Block
from prefect.client.orchestration import PrefectClient
from prefect.context import FlowRunContext
from prefect.deployments.runner import RunnerDeployment
from prefect.futures import PrefectFuture, as_completed
from prefect.states import Completed

@task
def load(x):
    return x

@flow
def etl():
    return 1

class Mine(Block):
    path: str

    def read(self):
        return self

"""
FUTURE, STATE = "prefect.futures:PrefectFuture", "prefect.client.schemas.objects:State"


def held(code: str, files: Optional[dict[str, str]] = None) -> Optional[Value]:
    """What the argument of the one call of `see` in a module holds."""
    text = _clean(HEAD) + _clean(code)
    with tempfile.TemporaryDirectory() as directory:
        for name, content in (files or {}).items():
            Path(directory, name).write_text(content)
        return _held(Project(_read).load(os.path.join(directory, "main.py"), text))


def _read(path: str) -> Optional[str]:
    return Path(path).read_text() if os.path.isfile(path) else None


def _held(module: Module) -> Optional[Value]:
    found: list[tuple[ast.expr, tuple[ast.AST, ...]]] = []

    def walk(node: ast.AST, parents: tuple[ast.AST, ...]) -> None:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "see":
            found.append((node.args[0], (*parents, node)))
        for child in ast.iter_child_nodes(node):
            walk(child, (*parents, node))

    walk(module.tree, ())
    ((node, parents),) = found
    return Values(module).of(node, parents)


INSTANCES = {
    "made_by_its_class": ("see(State(type='COMPLETED'))", STATE),
    "made_by_a_function": ("see(Completed())", STATE),
    "made_by_a_classmethod": (
        "see(RunnerDeployment.from_flow(etl, name='x'))",
        "prefect.deployments.runner:RunnerDeployment",
    ),
    "dotted": ("see(prefect.states.Completed())", STATE),
    "submitted": ("see(load.submit(1))", FUTURE),
    "submitted_and_awaited": ("async def f():\n    see(await load.submit(1))", FUTURE),
    "submitted_with_options": ("see(load.with_options(retries=1).submit(1))", FUTURE),
    "submitted_for_its_state": ("see(load.submit(1, return_state=True))", STATE),
    "called_for_its_state": ("see(load(1, return_state=True))", STATE),
    "flow_called_for_its_state": ("see(etl(return_state=True))", STATE),
    "element_of_a_map": ("see(load.map([1])[0])", FUTURE),
    "slice_of_a_map": ("for f in load.map([1])[1:]:\n    see(f)", FUTURE),
    "loop": ("for f in load.map([1]):\n    see(f)", FUTURE),
    "comprehension": ("x = [see(f) for f in [load.submit(i) for i in range(3)]]", FUTURE),
    "as_completed": ("for f in as_completed([load.submit(1)]):\n    see(f)", FUTURE),
    "grown_list": (
        "fs = []\nfor i in range(3):\n    fs.append(load.submit(i))\nfor f in fs:\n    see(f)",
        FUTURE,
    ),
    "several_that_agree": ("if x:\n    f = load.submit(1)\nelse:\n    f = load.submit(2)\nsee(f)", FUTURE),
    "none_first": ("f = None\nf = load.submit(1)\nsee(f)", FUTURE),
    "two_names": ("a, b = load.submit(1), 2\nsee(a)", FUTURE),
    "walrus": ("if (f := load.submit(1)):\n    see(f)", FUTURE),
    "waited_for": ("see(load.submit(1).wait())", STATE),
    "client": ("async def f():\n    async with get_client() as c:\n        see(c)", "prefect.client.orchestration:PrefectClient"),
    "sync_client": (
        "with get_client(sync_client=True) as c:\n    see(c)",
        "prefect.client.orchestration:SyncPrefectClient",
    ),
    "given_by_a_client": (
        "async def f():\n    async with get_client() as c:\n        run = await c.read_flow_run('x')\n        see(run.state)",
        STATE,
    ),
    "context": ("see(FlowRunContext.get())", "prefect.context:EngineContext"),
    "parameter": ("def f(x: PrefectFuture):\n    see(x)", FUTURE),
    "optional_parameter": ("def f(x: Optional[PrefectFuture] = None):\n    see(x)", FUTURE),
    "parameter_in_new_union": ("def f(x: 'PrefectFuture | None'):\n    see(x)", FUTURE),
    "parameter_in_quotes": ("def f(x: 'PrefectFuture'):\n    see(x)", FUTURE),
    "parameter_with_brackets": ("def f(x: PrefectFuture[int, Any]):\n    see(x)", FUTURE),
    "list_of_futures": ("def f(xs: List[PrefectFuture]):\n    see(xs[0])", FUTURE),
    "variable": ("x: State = unknown()\nsee(x)", STATE),
    "task_itself": ("see(load)", "prefect.tasks:Task"),
    "flow_itself": ("see(etl)", "prefect.flows:Flow"),
    "flow_made_by_a_call": ("f = flow(unknown)\nsee(f)", "prefect.flows:Flow"),
    "task_in_a_function": ("def f():\n    @task\n    def t():\n        pass\n    see(t.submit())", FUTURE),
    "from_outside_of_a_function": ("fut = load.submit(1)\ndef f():\n    see(fut)", FUTURE),
    "own_block_loaded": ("see(Mine.load('x'))", "prefect.blocks.core:Block"),
    "self": ("class Other(Mine):\n    def f(self):\n        see(self)", "prefect.blocks.core:Block"),
    "imported_task": ("from tasks import far\nsee(far.submit(1))", FUTURE),
    "task_of_an_imported_module": ("import tasks\nsee(tasks.far.submit(1))", FUTURE),
    "imported_state": ("from tasks import done\nsee(done)", STATE),
}  # fmt: skip
TASKS = """
from prefect import task
from prefect.states import Completed

@task
def far(x):
    return x

done = Completed()
"""


@pytest.mark.parametrize("name", INSTANCES)
def test_instance_is_known(name: str) -> None:
    code, home = INSTANCES[name]
    value = held(code + "\n", {"tasks.py": _clean(TASKS)})
    assert value is not None and (value.kind, value.home) == ("instance", home)


UNKNOWN = {
    "result_of_a_task": "see(load(1))",
    "result_of_a_flow": "see(etl())",
    "state_asked_for_at_run_time": "see(load.submit(1, return_state=unknown))",
    "parameter": "def f(x):\n    see(x)",
    "parameter_annotated_with_something_else": "def f(x: Any):\n    see(x)",
    "parameter_of_two_classes": "def f(x: Union[PrefectFuture, State]):\n    see(x)",
    "bound_twice": "x = load.submit(1)\nx = unknown(x)\nsee(x)",
    "deleted": "x = load.submit(1)\ndel x\nsee(x)",
    "shadowed_by_a_parameter": "x = load.submit(1)\ndef f(x):\n    see(x)",
    "shadowed_task": "def f(load):\n    see(load.submit(1))",
    "rebound_from_inside": "x = load.submit(1)\ndef f():\n    global x\n    x = 1\nsee(x)",
    "element_of_a_dictionary_with_other_things": "d = {'a': load.submit(1), 'b': 1}\nsee(d['a'])",
    "list_with_other_things": "fs = [1]\nfs.append(load.submit(1))\nsee(fs[0])",
    "list_that_was_extended": "fs = []\nfs.append(load.submit(1))\nfs.extend(unknown)\nsee(fs[0])",
    "mock": "from unittest.mock import Mock\nx = Mock(spec=PrefectFuture)\nsee(x)",
    "own_class_of_the_same_name": "def f():\n    class State:\n        pass\n    see(State())",
    "class_with_another_base": "class Other(Mine, unknown.Mixin):\n    pass\nsee(Other())",
    "class_that_answers_for_anything": "class Other(Mine):\n    def __getattr__(self, name):\n        return 1\nsee(Other())",
    "task_under_another_decorator": "@unknown\n@task\ndef t():\n    pass\nsee(t)",
    "executor": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor() as pool:\n    see(pool.submit(load.fn, 1))",
    "dask": "from dask.distributed import Client\nsee(Client().submit(load.fn, 1))",
    "except_as": "try:\n    pass\nexcept Exception as load:\n    see(load)",
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_nothing_is_said_of_what_is_not_certain(name: str) -> None:
    value = held(UNKNOWN[name] + "\n")
    assert value is None, value


def test_members_that_a_class_of_the_user_defines_are_told() -> None:
    value = held("class Other(Mine):\n    def __init__(self):\n        self.name = 1\nsee(Other())\n")
    assert value is not None and {"read", "path", "name"} <= value.own


def test_class_itself_is_no_instance() -> None:
    value = held("see(State)\n")
    assert value is not None and (value.kind, value.home) == ("class", STATE)


def test_long_chain_of_names_ends() -> None:
    chain = "".join(f"x{at + 1} = x{at}\n" for at in range(2_000))
    assert held(f"x0 = load.submit(1)\n{chain}see(x2000)\n") is None
    assert held("x = y\ny = x\nsee(x)\n") is None

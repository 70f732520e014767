"""Moved, removed, unknown and too new names: where they are found, how they are rewritten, what is left alone."""

from __future__ import annotations

import pytest

from tests.support.examples import findings_in, prove, prove_untouched

MOVED = {
    "each_to_its_own_home": (
        "from prefect.orion.schemas.states import Completed, StateType\n\nx = Completed(), StateType\n",
        "from prefect.states import Completed\nfrom prefect.client.schemas.objects import StateType\n\nx = Completed(), StateType\n",
    ),
    "parenthesised_with_comments": (
        "from prefect.orion.schemas.schedules import (  # when\n    CronSchedule,  # by clock\n    IntervalSchedule as Every,\n)\n",
        "from prefect.client.schemas.schedules import (  # when\n    CronSchedule,  # by clock\n    IntervalSchedule as Every,\n)\n",
    ),
    "module_from_its_package": (
        "from prefect.orion.schemas import schedules\n\nx = schedules.CronSchedule(cron='0 0 * * *')\n",
        "from prefect.client.schemas import schedules\n\nx = schedules.CronSchedule(cron='0 0 * * *')\n",
    ),
    "module_by_its_dotted_name": (
        "import prefect.orion.schemas.schedules\n\nx = prefect.orion.schemas.schedules.CronSchedule(cron='0 0 * * *')\n",
        "import prefect.client.schemas.schedules\n\nx = prefect.client.schemas.schedules.CronSchedule(cron='0 0 * * *')\n",
    ),
    "module_under_an_alias": (
        "import prefect.orion.schemas.schedules as sched\n\nx = sched.CronSchedule(cron='0 0 * * *')\n",
        "import prefect.client.schemas.schedules as sched\n\nx = sched.CronSchedule(cron='0 0 * * *')\n",
    ),
    "dotted_string_given_to_patch": (
        'from unittest.mock import patch\nimport prefect\n\n\n@patch("prefect.deployments.deployments.run_deployment")\ndef test_it(run):\n    pass\n',
        'from unittest.mock import patch\nimport prefect\n\n\n@patch("prefect.deployments.run_deployment")\ndef test_it(run):\n    pass\n',
    ),
    "inside_a_function_among_others": (
        "def f():\n    from prefect.orion.schemas.states import Completed, StateType  # two\n    return Completed, StateType\n",
        "def f():\n    from prefect.states import Completed  # two\n    from prefect.client.schemas.objects import StateType\n    return Completed, StateType\n",
    ),
}


@pytest.mark.parametrize("name", MOVED)
def test_moved_name_is_imported_from_its_new_home(name: str) -> None:
    before, after = MOVED[name]
    if name in ("each_to_its_own_home", "inside_a_function_among_others"):
        found = prove_result(before)
        assert sorted(found.split()) == sorted(after.split())
    else:
        prove(before, after)


def prove_result(before: str) -> str:
    """The fixed text of a case in which the order of new imports is not of interest."""
    from migrator.config import Settings
    from tests.support.recording import check_source, fix_source

    _, data = fix_source(before.encode(), "flows.py", Settings(unsafe_fixes=True))
    again, same = fix_source(data, "flows.py", Settings(unsafe_fixes=True))
    assert same == data and not again.findings
    assert not check_source(data, "flows.py", Settings()).findings
    return data.decode()


def test_moved_name_keeps_its_name_for_those_who_import_it_from_here() -> None:
    prove(
        "from prefect.orion.api.server import ORION_API_VERSION\n",
        "from prefect.client.constants import SERVER_API_VERSION as ORION_API_VERSION\n",
        filename="versions.py",
        files={"flows.py": "from versions import ORION_API_VERSION\n\nprint(ORION_API_VERSION)\n"},
    )


def test_renamed_name_is_renamed_at_each_use() -> None:
    prove(
        "from prefect.orion.api.server import ORION_API_VERSION\n\nprint(ORION_API_VERSION, [ORION_API_VERSION for _ in range(2)])\n",
        "from prefect.client.constants import SERVER_API_VERSION\n\nprint(SERVER_API_VERSION, [SERVER_API_VERSION for _ in range(2)])\n",
    )


REMOVED = {
    "import_and_use": ("from prefect.filesystems import S3\n\nblock = S3.load('x')\n", [("PF101", 1), ("PF310", 3)]),
    "import_alone": ("from prefect.filesystems import S3\n", [("PF101", 1)]),
    "each_name_at_its_own_place": ("from prefect.filesystems import (\n    S3,\n    LocalFileSystem,\n    GCS,\n)\n", [("PF101", 2), ("PF101", 4)]),
    "attribute_chain": ("import prefect\n\nx = prefect.filesystems.S3\n", [("PF101", 3)]),
    "under_an_alias": ("from prefect import filesystems as fs\n\nx = fs.S3\n", [("PF101", 3)]),
    "under_type_checking": ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from prefect.filesystems import S3\n", [("PF101", 3)]),
    "string_given_to_import_module": ("import importlib, prefect\n\nimportlib.import_module('prefect.infrastructure.container')\n", [("PF101", 3)]),
    "star_import": ("from prefect.filesystems import *\n", [("PF103", 1)]),
    "star_import_and_use": ("from prefect.filesystems import *\n\nx = S3()\n", [("PF103", 1), ("PF310", 3)]),
}  # fmt: skip


@pytest.mark.parametrize("name", REMOVED)
def test_removed_name_is_reported_where_it_stands(name: str) -> None:
    code, expected = REMOVED[name]
    assert sorted((code, row) for code, row, _ in findings_in(code)) == sorted(expected)


def test_removed_name_through_the_users_own_package() -> None:
    found = prove(
        "from shop import S3\n\nblock = S3.load('x')\n",
        "from shop import S3\n\nblock = S3.load('x')\n",
        files={
            "shop/__init__.py": "from .storage import S3\n",
            "shop/storage.py": "from prefect.filesystems import S3\n",
        },
    )
    assert [finding.code for finding in found] == ["PF101"]


UNTOUCHED = {
    "fallback": "try:\n    from prefect.filesystems import S3\nexcept ImportError:\n    S3 = None\n\nx = S3\n",
    "fallback_the_other_way_round": "try:\n    from prefect_aws import S3Bucket as S3\nexcept ImportError:\n    from prefect.filesystems import S3\n",
    "branch_for_2": "import prefect\n\nif prefect.__version__ < '3':\n    from prefect.filesystems import S3\n",
    "branch_for_2_by_major": "import prefect\n\nMAJOR = int(prefect.__version__.split('.')[0])\nif MAJOR == 2:\n    from prefect.filesystems import S3\n    x = S3()\n",
    "branch_for_2_by_version_of_compat": "from packaging.version import Version\nfrom shop._shim import PREFECT_VERSION\n\nif PREFECT_VERSION < Version('3'):\n    from prefect.filesystems import S3\n",
    "branch_for_2_by_number_of_compat": "from compat import PREFECT_VERSION as v\n\nif v.major < 3:\n    from prefect.filesystems import S3\n",
    "branch_for_2_by_flag": "from compat import PREFECT_3\n\nif not PREFECT_3:\n    from prefect.filesystems import S3\n",
    "living_names": "from prefect import flow, task, get_run_logger, unmapped, serve\nfrom prefect.futures import as_completed, wait\nfrom prefect.states import Completed\n",
    "own_class_of_the_same_name": "import prefect\n\n\nclass S3:\n    pass\n\n\nx = S3()\n",
    "parameter_of_the_same_name": "from prefect import flow\n\n\ndef f(Deployment, S3):\n    return Deployment.build_from_flow(S3)\n",
    "attribute_of_something_else": "import prefect\n\nx = boto3.filesystems.S3\n",
    "string_that_is_prose": "import prefect\n\nx = 'prefect.filesystems.S3'\nprint('see prefect.filesystems.S3')\n",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_living_and_guarded_names_are_left_alone(name: str) -> None:
    prove_untouched(UNTOUCHED[name])


def test_name_that_is_gone_since_a_later_minor_is_no_error_before_it() -> None:
    code = "from prefect.blocks.system import JSON\n"
    assert findings_in(code, target="3.5") == [("PF101", 1, "error")]
    assert findings_in(code) == [("PF101", 1, "error")]
    assert all(severity == "info" for _, _, severity in findings_in(code, target="3.4"))


def test_name_that_came_with_a_later_minor_is_an_error_before_it() -> None:
    code = "from prefect.futures import resolve_futures_to_results\n"
    assert findings_in(code, target="3.1") == [("PF105", 1, "error")]
    assert findings_in(code, target="3.5") == []


def test_name_of_3_alone_comes_from_compat_for_both_majors() -> None:
    prove(
        "from prefect.futures import PrefectFuture, as_completed\n\nx = as_completed\n",
        "from prefect.futures import PrefectFuture\nfrom compat import as_completed\n\nx = as_completed\n",
        target="both",
    )


def test_branch_for_3_may_use_its_names_for_both_majors() -> None:
    prove_untouched(
        "from compat import PREFECT_3\n\nif PREFECT_3:\n    from prefect.futures import as_completed\n", target="both"
    )


UNKNOWN = {
    "submit_with_keywords": (
        "from prefect import task\nfrom prefect.futures import PrefectFuture, submit\n\n\n@task\ndef t(x, y):\n    return x\n\n\nf = submit(t, 1, y=2)\n",
        "from prefect import task\nfrom prefect.futures import PrefectFuture\n\n\n@task\ndef t(x, y):\n    return x\n\n\nf = t.submit(1, y=2)\n",
    ),
    "map": (
        "from prefect import task\nfrom prefect.futures import map\n\n\n@task\ndef t(x):\n    return x\n\n\nfs = map(t, [1, 2])\n",
        "from prefect import task\n\n\n@task\ndef t(x):\n    return x\n\n\nfs = t.map([1, 2])\n",
    ),
    "as_completed_from_the_wrong_module": (
        "from prefect.tasks import as_completed\n\nx = as_completed\n",
        "from prefect.futures import as_completed\n\nx = as_completed\n",
    ),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_name_that_never_existed_is_mended_where_the_meaning_is_clear(name: str) -> None:
    prove(*UNKNOWN[name], select=("PF104",))


def test_submit_of_what_is_no_task_is_only_reported() -> None:
    code = "from prefect.futures import submit\n\nf = submit(unknown, 1)\n"
    assert all(finding.fix is None for finding in prove(code, code))


def test_forgotten_import_is_added_after_docstring_and_future_imports() -> None:
    prove(
        '"""Doc."""\n\nfrom __future__ import annotations\n\nfrom prefect import task\n\n\n@task(retry_delay_seconds=exponential_backoff(2), cache_key_fn=task_input_hash)\ndef t():\n    pass\n',
        '"""Doc."""\n\nfrom __future__ import annotations\n\nfrom prefect import task\nfrom prefect.tasks import exponential_backoff, task_input_hash\n\n\n@task(retry_delay_seconds=exponential_backoff(2), cache_key_fn=task_input_hash)\ndef t():\n    pass\n',
    )


FORGOTTEN_UNTOUCHED = {
    "star_import": "from prefect import task\nfrom helpers import *\n\nx = exponential_backoff(2)\n",
    "own_function": "from prefect import task\n\n\ndef exponential_backoff(x):\n    return x\n\n\nx = exponential_backoff(2)\n",
    "imported_from_elsewhere": "from prefect import task\nfrom backoff import exponential_backoff\n\nx = exponential_backoff(2)\n",
    "attribute": "from prefect import task\nimport mine\n\nx = mine.exponential_backoff(2)\n",
}


@pytest.mark.parametrize("name", FORGOTTEN_UNTOUCHED)
def test_bound_name_is_not_called_forgotten(name: str) -> None:
    prove_untouched(FORGOTTEN_UNTOUCHED[name])


def test_resolving_futures_is_left_alone() -> None:
    prove_untouched(
        "from prefect import task\nfrom prefect.futures import resolve_futures_to_results\n\n\n@task\ndef t(x):\n    return x\n\n\n"
        "x = resolve_futures_to_results([t.submit(i) for i in range(3)])\n"
    )


# -- seen to be wrong before


def test_star_import_of_a_removed_module_is_an_error() -> None:
    assert findings_in("from prefect.infrastructure.container import *\n") == [("PF101", 1, "error")]


def test_star_import_of_a_moved_module_is_mended() -> None:
    prove("from prefect.orion.schemas.schedules import *\n", "from prefect.client.schemas.schedules import *\n")


def test_name_through_a_star_import_of_the_users_own_module() -> None:
    found = prove(
        "from common import *\n\nblock = S3.load('x')\n",
        "from common import *\n\nblock = S3.load('x')\n",
        files={"common.py": "from prefect.filesystems import S3\n"},
    )
    assert [finding.code for finding in found] == ["PF101"]


def test_comment_goes_with_the_name_to_its_new_statement() -> None:
    prove(
        "from prefect.orion.schemas.states import (\n    Completed,  # done\n    StateType,  # noqa: F401\n)\n",
        "from prefect.client.schemas.objects import (\n    StateType,  # noqa: F401\n)\nfrom prefect.states import Completed  # done\n",
    )


CAPTURES = {
    "except_as": "from prefect.client.orion import OrionClient\n\ntry:\n    pass\nexcept Exception as PrefectClient:\n    x = OrionClient()\n",
    "global": "from prefect.client.orion import OrionClient\n\n\ndef f():\n    global PrefectClient\n    return OrionClient()\n",
}


@pytest.mark.parametrize("name", CAPTURES)
def test_name_is_not_renamed_into_another_ones_hands(name: str) -> None:
    before = CAPTURES[name]
    prove(
        before,
        before.replace(
            "prefect.client.orion import OrionClient",
            "prefect.client.orchestration import PrefectClient as OrionClient",
        ),
    )


STRINGS = {
    "all_extended": "from prefect.client.orion import OrionClient\n\n__all__ = []\n__all__ += ['OrionClient']\n",
    "read_by_name": "from prefect.client.orion import OrionClient\n\nx = globals()['OrionClient']\n",
}


@pytest.mark.parametrize("name", STRINGS)
def test_name_that_a_string_spells_is_kept(name: str) -> None:
    before = STRINGS[name]
    prove(
        before,
        before.replace(
            "prefect.client.orion import OrionClient",
            "prefect.client.orchestration import PrefectClient as OrionClient",
        ),
    )


def test_name_that_a_test_patches_here_is_kept() -> None:
    prove(
        "from prefect.client.orion import OrionClient\n\nx = OrionClient()\n",
        "from prefect.client.orchestration import PrefectClient as OrionClient\n\nx = OrionClient()\n",
        filename="clients.py",
        files={
            "test_clients.py": "from unittest.mock import patch\n\n\n@patch('clients.OrionClient')\ndef test_it(client):\n    pass\n"
        },
    )


def test_module_written_with_spaces_is_moved_all_the_same() -> None:
    found = prove_result("from prefect.client. orion import OrionClient as a, OrionClient as b\n")
    assert "prefect.client.orchestration" in found and " as a" in found and " as b" in found


SUBMIT = "from prefect import task\nfrom prefect.futures import submit\n\n\n@task\ndef t(*x):\n    return x\n\n\n"


@pytest.mark.parametrize(
    ("call", "mended"),
    [
        ("submit(t, (1 or 2))", "t.submit((1 or 2))"),
        ("submit(t, )", "t.submit()"),
        ("submit(\n    t,  # the task\n    1,\n)", "t.submit(# the task\n    1,\n)"),
    ],
)
def test_submit_keeps_brackets_and_comments(call: str, mended: str) -> None:
    prove(
        f"{SUBMIT}f = {call}\n",
        f"{SUBMIT}f = {mended}\n".replace("from prefect.futures import submit\n", ""),
        select=("PF104",),
    )


def test_import_that_may_fail_by_suppress_is_left() -> None:
    prove_untouched(
        "import contextlib\n\nwith contextlib.suppress(ImportError):\n    from prefect.filesystems import S3\n"
    )


@pytest.mark.parametrize(
    "call", ["patch({})", "patch(target={})", "mock.patch.multiple({}, x=1)", "__import__({})", "import_module(r{})"]
)
def test_dotted_strings_in_their_many_forms(call: str) -> None:
    code = f"import prefect\nfrom x import *\n\n{call.format(repr('prefect.infrastructure.container'))}\n"
    assert ("PF101", 4, "error") in findings_in(code)


@pytest.mark.parametrize(
    "name", ["prefect.task_runners.SequentialTaskRunner", "prefect.deployments.Deployment.build_from_flow"]
)
def test_string_that_names_what_another_rule_rewrites(name: str) -> None:
    assert findings_in(f"from unittest.mock import patch\nimport prefect\n\npatch('{name}')\n") == [
        ("PF101", 4, "error")
    ]


def test_one_place_has_one_verdict() -> None:
    assert findings_in("import prefect\n\nx = prefect.orion.schemas.states.Completed\n") == [("PF102", 3, "error")]


def test_name_that_is_gone_without_a_row_of_its_own() -> None:
    (found,) = prove(*["from prefect.utilities.importtools import objects_from_script\n"] * 2)
    assert found.code == "PF101" and "does not exist on Prefect 3." in found.message


def test_name_that_lives_on_as_the_same_object_is_imported_from_there() -> None:
    prove(
        "from prefect.packaging.base import Flow, Packager\n\nx = Flow\n",
        "from prefect.packaging.base import Packager\nfrom prefect.flows import Flow\n\nx = Flow\n",
    )


def test_name_that_a_later_minor_drops_is_reported_for_that_target_only() -> None:
    code = "from prefect.blocks.system import JSON\n"
    assert findings_in(code, target="3.4") == []
    assert findings_in(code, target="3.5") == findings_in(code, target="3") == [("PF101", 1, "error")]


def test_name_that_an_integration_dropped() -> None:
    (found,) = prove(*["from prefect_aws.ecs import ECSTask\n"] * 2)
    assert found.code == "PF101" and "prefect-aws" in found.message


def test_integration_that_is_not_known_is_left_alone() -> None:
    prove_untouched("from prefect_fivetran.connectors import anything\n")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("prefect.flwo", "`prefect.flow`"),
        ("prefect.futures.as_complete", "`prefect.futures.as_completed`"),
        ("prefect.tasks.Secret", "`prefect.blocks.system.Secret`"),
    ],
)
def test_name_that_nobody_has_gets_the_nearest_one(name: str, told: str) -> None:
    module, _, last = name.rpartition(".")
    (found,) = prove(*[f"from {module} import {last}\n"] * 2)
    assert found.code == "PF104" and f"Did you mean {told}?" in found.message


@pytest.mark.parametrize(
    "code",
    [
        "from prefect import Parameter\n",
        "from prefect.engine.signals import FAIL\n",
        "from prefect.run_configs import KubernetesRun\n",
    ],
)
def test_names_of_prefect_1_are_called_that(code: str) -> None:
    (found,) = prove(code, code)
    assert found.code == "PF104" and "Prefect 1" in found.message


@pytest.mark.parametrize(
    "code",
    [
        "import prefect\n\nprint(prefect.__version__, prefect.runtime.flow_run.id, prefect.runtime.flow_run.my_own)\n",
        "from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_API_HOST\n\nprint(PREFECT_API_URL.value())\n",
        "from prefect.flows import Any, Optional\n",
        "from prefect.runtime.flow_run import id, name\n",
        "from prefect.utilities.asyncutils import _private\n",
        "from typing import Literal\nimport prefect\n\ndef f(x: Literal['prefect.toml']): ...\n",
        "from typing import Annotated\nimport prefect\n\ndef f(x: Annotated[str, 'prefect.toml']): ...\n",
        "import pytest\n\ndef test():\n    with pytest.raises(ImportError):\n        from prefect.filesystems import S3\n",
        "from unittest.mock import patch\n\nwith patch('prefect.flows.fake', create=True):\n    pass\n",
        "def test(monkeypatch):\n    monkeypatch.setattr('prefect.flows.fake', 1, raising=False)\n",
        "try:\n    from prefect.orion.schemas import states\nexcept ModuleNotFoundError:\n    states = None\n",
    ],
)
def test_living_and_unjudgeable_names_are_not_accused(code: str) -> None:
    prove_untouched(code)


def test_missing_module_is_not_what_a_missing_name_raises() -> None:
    code = "try:\n    from prefect.filesystems import S3\nexcept ModuleNotFoundError:\n    S3 = None\n"
    assert findings_in(code) == [("PF101", 2, "error")]


def test_private_name_of_a_module_that_is_gone() -> None:
    assert findings_in("from prefect.pydantic import _dynamic_imports\n") == [("PF101", 1, "error")]


def test_import_for_type_checkers_never_runs() -> None:
    code = "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    from prefect.agent import PrefectAgent\n"
    assert findings_in(code) == [("PF101", 4, "info")]


def test_name_that_warns_on_3_is_a_note() -> None:
    prove(
        "from prefect.client import get_client\n",
        "from prefect.client.orchestration import get_client\n",
    )
    assert findings_in("from prefect.client import get_client\n") == [("PF102", 1, "info")]


@pytest.mark.parametrize(
    "code",
    [
        "from prefect.variables import get\n\nv = get('x')\n",
        "from prefect import variables\n\nv = variables.get('x')\n",
        "from prefect.variables import set as keep\n\nkeep('x', 1)\n",
    ],
)
def test_method_of_a_class_is_no_name_to_import(code: str) -> None:
    assert prove(code, code)


def test_import_of_a_gone_module_leaves_other_uses_of_the_package_alone() -> None:
    code = "import prefect.server.schemas.core\nimport prefect.orion.schemas.states\n\nx = prefect.server.schemas.core.Flow, prefect.flow\n"
    assert findings_in(code) == [("PF101", 2, "error")]


def test_name_that_the_project_takes_from_here_is_not_taken_away() -> None:
    clients = "from prefect.futures import submit\n"
    files = {"flows.py": "from clients import submit\n\nsubmit(1)\n"}
    (found,) = prove(clients, clients, files=files, filename="clients.py")
    assert found.fix is None


def test_compat_of_the_users_own_is_not_taken_for_ours() -> None:
    code = "from prefect.futures import wait\n\nwait([])\n"
    found = prove(code, code, target="both", files={"compat.py": "x = 1\n"})
    assert {finding.code for finding in found} == {"PF105"}


def test_star_import_names_what_the_module_itself_defined() -> None:
    assert findings_in("from prefect import *\n") == []
    (found,) = prove(*["from prefect.filesystems import *\n"] * 2)
    assert "`S3`" in found.message and "BaseModel" not in found.message

"""Custom extensions, calls of the client and addresses written by hand (PF601 to PF607)."""

from __future__ import annotations

import pytest

from tests.support.examples import findings_in, prove, prove_untouched

CODES = ("PF601", "PF602", "PF603", "PF604", "PF605", "PF606", "PF607")


def found(code: str, target: str = "3") -> list[tuple[str, int, str]]:
    return findings_in(code, select=CODES, target=target)


# -- storage


STORAGE = """
from prefect.filesystems import {base}

class Store({base}):
    {method}
        ...
"""


@pytest.mark.parametrize(
    ("base", "method", "target", "reported"),
    [
        ("WritableFileSystem", "async def write_path(self, path, content):", "3", True),
        ("WritableFileSystem", "async def write_path(self, path, content):", "3.6", True),
        ("WritableFileSystem", "async def write_path(self, path, content):", "3.5", False),
        ("WritableFileSystem", "async def write_path(self, path, content, _sync=None):", "3", False),
        ("WritableFileSystem", "async def write_path(self, path, content, *, _sync=None):", "3", False),
        ("WritableFileSystem", "async def awrite_path(self, path, content):", "3", False),
        ("WritableFileSystem", "def write_path(self, path, content):", "3", False),
        ("WritableFileSystem", "async def get_directory(self, from_path=None):", "3", False),
        ("ReadableFileSystem", "async def write_path(self, path, content):", "3", False),
        ("LocalFileSystem", "async def write_path(self, path, content):", "3", True),
        ("LocalFileSystem", "def read_path(self, path):", "3.4", True),
        ("LocalFileSystem", "async def write_path(self, path, content):", "3.3", False),
        ("RemoteFileSystem", "async def write_path(self, path, content):", "3.5", False),
        ("RemoteFileSystem", "async def write_path(self, path, content):", "3.6", True),
        ("SMB", "async def read_path(self, path):", "3", True),
        ("LocalFileSystem", "async def resolve(self, path):", "3", False),
    ],
)
def test_storage_methods_that_results_pass_by(base: str, method: str, target: str, reported: bool) -> None:
    assert bool(found(STORAGE.format(base=base, method=method), target)) is reported


@pytest.mark.parametrize("target", ["3", "both"])
def test_plain_coroutine_methods_of_a_storage_are_decorated(target: str) -> None:
    prove(
        """
        from prefect import filesystems

        class Store(filesystems.WritableFileSystem):
            '''Mine.'''

            # reads
            async def read_path(self, path):  # anywhere
                return b""
        """,
        """
        from prefect import filesystems
        from prefect.utilities.asyncutils import sync_compatible

        class Store(filesystems.WritableFileSystem):
            '''Mine.'''

            # reads
            @sync_compatible
            async def read_path(self, path):  # anywhere
                return b""
        """,
        select=CODES,
        target=target,
    )


def test_alias_of_the_decorator_is_used_where_it_is_imported_already() -> None:
    prove(
        """
        from prefect.filesystems import WritableFileSystem as Base
        from prefect.utilities.asyncutils import sync_compatible as both_ways

        class Store(Base):
            async def write_path(self, path, content):
                ...
        """,
        """
        from prefect.filesystems import WritableFileSystem as Base
        from prefect.utilities.asyncutils import sync_compatible as both_ways

        class Store(Base):
            @both_ways
            async def write_path(self, path, content):
                ...
        """,
        select=CODES,
    )


def test_storage_that_overrides_the_twin_or_decorates_is_left_alone() -> None:
    prove_untouched(
        """
        from prefect.filesystems import LocalFileSystem, WritableFileSystem
        from prefect.utilities.asyncutils import sync_compatible

        class Local(LocalFileSystem):
            async def write_path(self, path, content):
                ...

            awrite_path = write_path

        class Store(WritableFileSystem):
            @sync_compatible
            async def write_path(self, path, content):
                ...

        class Other:
            async def write_path(self, path, content):
                ...
        """,
        select=CODES,
    )


def test_subclass_of_a_subclass_in_another_module_is_known() -> None:
    findings = prove(
        text := """
        from stores import Store

        class Encrypted(Store):
            async def write_path(self, path, content):
                ...
        """,
        text,
        select=CODES,
        files={
            "stores.py": "from prefect.filesystems import LocalFileSystem\n\nclass Store(LocalFileSystem):\n    pass\n"
        },
    )
    assert [finding.code for finding in findings] == ["PF601"]


# -- workers


@pytest.mark.parametrize(
    ("method", "target", "reported"),
    [
        ("cancel_run", "3", True),
        ("check_for_cancelled_flow_runs", "3.0", True),
        ("check_for_cancelled_flow_runs", "both", True),
        ("kill_infrastructure", "3", False),
        ("kill_infrastructure", "3.5", True),
        ("_check_flow_run", "3.0", False),
        ("_check_flow_run", "3.2", True),
        ("_get_configuration", "3.6", False),
        ("_get_configuration", "3", True),
        ("run", "3", False),
    ],
)
def test_methods_of_a_worker_that_are_never_called(method: str, target: str, reported: bool) -> None:
    code = f"""
    from prefect.workers.base import BaseWorker

    class Mine(BaseWorker):
        async def {method}(self, *args):
            ...
    """
    assert bool(found(code, target)) is reported


def test_worker_for_prefect_2_alone_is_left_alone() -> None:
    prove_untouched(
        """
        import prefect
        from prefect.workers.base import BaseWorker

        if prefect.__version__.startswith("2."):
            class Mine(BaseWorker):
                async def cancel_run(self, flow_run):
                    ...
        """,
        select=CODES,
    )


# -- flows of wrappers


WRAPPED = """
import functools
from prefect import {what}

def timed(function):
    @functools.wraps(function)
    {wrapper} wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper

@{what}
@timed
{function} etl():
    ...
"""


@pytest.mark.parametrize(
    ("what", "wrapper", "function", "reported"),
    [
        ("flow", "def", "async def", True),
        ("flow", "async def", "def", True),
        ("flow", "def", "def", False),
        ("flow", "async def", "async def", False),
        ("task", "def", "async def", False),
    ],
)
def test_flow_whose_wrapper_is_of_another_kind(what: str, wrapper: str, function: str, reported: bool) -> None:
    assert bool(found(WRAPPED.format(what=what, wrapper=wrapper, function=function))) is reported


def test_decorators_that_cannot_be_seen_through_are_left_alone() -> None:
    prove_untouched(
        """
        import functools
        from elsewhere import timed
        from prefect import flow

        def plain(function):
            def wrapper(*args):
                return function(*args)
            return wrapper

        def chosen(function):
            @functools.wraps(function)
            def one(*args):
                return function(*args)
            @functools.wraps(function)
            async def two(*args):
                return await function(*args)
            return two if is_async(function) else one

        @flow
        @timed
        async def first(): ...

        @flow
        @plain
        async def second(): ...

        @flow
        @chosen
        async def third(): ...
        """,
        select=CODES,
    )


# -- the client


def test_update_deployment_with_the_deployment_alone_is_reported() -> None:
    code = """
    from prefect import get_client

    async def change(deployment, changes, other):
        async with get_client() as client:
            await client.update_deployment(deployment)
            await client.update_deployment(deployment=deployment)
            await client.update_deployment(deployment.id, changes)
            await client.update_deployment(deployment_id=deployment.id, deployment=changes)
            await client.update_deployment(*changes)
            await other.update_deployment(deployment)
    """
    assert [row for _, row, _ in found(code)] == [5, 6]


def test_schedule_of_deployments_that_were_read_is_known_to_be_gone() -> None:
    code = """
    from prefect import get_client

    async def show():
        async with get_client() as client:
            for deployment in await client.read_deployments():
                print(deployment.schedule)
    """
    assert findings_in(code, select=("PF107",)) == [("PF107", 6, "error")]


def test_json_compatible_is_model_dump() -> None:
    prove(
        """
        import prefect

        def show(flow_run, state):
            a = flow_run.dict(exclude={"id"}, json_compatible=True)
            return state . dict (  json_compatible = True  )
        """,
        """
        import prefect

        def show(flow_run, state):
            a = flow_run.model_dump(exclude={"id"}, mode="json")
            return state . model_dump (  mode="json"  )
        """,
        select=CODES,
    )


def test_other_dumps_are_left_alone() -> None:
    prove_untouched(
        """
        import prefect

        def show(flow_run, mine):
            return flow_run.dict(exclude={"id"}), mine.dict(shallow=True), dict(json_compatible=True)
        """,
        select=CODES,
    )


def test_class_with_a_dict_of_its_own_is_left_alone() -> None:
    prove_untouched(
        """
        import prefect

        class Mine:
            def dict(self, json_compatible=False):
                ...

        Mine().dict(json_compatible=True)
        """,
        select=CODES,
    )


def test_json_compatible_has_no_fix_for_both_majors() -> None:
    code = "import prefect\n\ndef show(run):\n    return run.dict(json_compatible=True)\n"
    findings = prove(code, code, select=CODES, target="both")
    assert "json.loads" in findings[0].message


def test_shallow_is_reported_of_prefects_own_objects() -> None:
    code = """
    from prefect.client.schemas.objects import FlowRun

    def show(run: FlowRun, mine):
        return run.dict(shallow=True), mine.dict(shallow=True)
    """
    assert found(code) == [("PF606", 4, "error")]


def test_task_runs_that_are_read_while_the_flow_runs() -> None:
    code = """
    from prefect import flow, get_client, task

    def helper(client_of_others):
        with get_client(sync_client=True) as client:
            client.read_task_run(1)
        client_of_others.read_task_run(1)

    @task
    def own():
        helper(None)

    def hook(flow, flow_run, state):
        with get_client(sync_client=True) as client:
            client.read_task_runs()
            client.read_flow_run(flow_run.id)

    @flow(on_failure=[hook])
    async def etl():
        async with get_client() as client:
            await client.read_task_runs()

    @etl.on_completion
    def done(flow, flow_run, state):
        with get_client(sync_client=True) as client:
            client.read_task_runs()

    def report():
        with get_client(sync_client=True) as client:
            client.read_task_runs()
    """
    assert [row for _, row, _ in found(code)] == [5, 14, 20, 25]


# -- addresses


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('f"{api}/deployments/{did}/set_schedule_active"', 'f"{api}/deployments/{did}/resume_deployment"'),
        ("'/deployments/x/set_schedule_inactive'", "'/deployments/x/pause_deployment'"),
        ('api + "/set_schedule_inactive?x=1"', 'api + "/pause_deployment?x=1"'),
    ],
)
@pytest.mark.parametrize("target", ["3", "both", "3.0"])
def test_endpoint_is_called_by_its_other_name(before: str, after: str, target: str) -> None:
    prove(f"import prefect\n\nurl = {before}\n", f"import prefect\n\nurl = {after}\n", select=CODES, target=target)


@pytest.mark.parametrize(
    ("address", "target", "reported"),
    [
        ('"/flow_run_notification_policies/filter"', "3", True),
        ('"/flow_run_notification_policies/"', "3.3", False),
        ('f"{x}/api/admin/database/clear"', "3", True),
        ('"/admin/database/drop"', "3.5", False),
        ('"https://mine/admin/database/clear"', "3", False),
        ('"set_schedule_active"', "3", False),
        ('"/set_schedule_active_flag"', "3", False),
        ('"/deployments/x/pause_deployment"', "3", False),
    ],
)
def test_endpoints_that_are_gone(address: str, target: str, reported: bool) -> None:
    assert bool(found(f"import prefect\n\nx = 1\nurl = {address}\n", target)) is reported


def test_texts_that_tell_of_an_endpoint_are_left_alone() -> None:
    prove_untouched(
        '''
        import prefect

        def pause():
            """Posts to /deployments/{id}/set_schedule_inactive."""
            # /deployments/{id}/set_schedule_inactive
        ''',
        select=CODES,
    )


def test_script_without_prefects_package_is_looked_at() -> None:
    prove(
        """
        import os, requests
        api = os.environ["PREFECT_API_URL"]
        requests.post(f"{api}/deployments/1/set_schedule_inactive")
        requests.patch(f"{api}/deployments/1", json={"infra_overrides": {}})
        """,
        """
        import os, requests
        api = os.environ["PREFECT_API_URL"]
        requests.post(f"{api}/deployments/1/pause_deployment")
        requests.patch(f"{api}/deployments/1", json={"job_variables": {}})
        """,
        select=CODES,
    )


@pytest.mark.parametrize(
    ("request_", "rows"),
    [
        ('client.post("/deployments/", json={"name": "x", "schedule": {}})', [4]),
        ('client.patch(f"/deployments/{x}", json={"is_schedule_active": flag})', [4]),
        ('client.request("POST", url="/deployments", json={"manifest_path": ""})', [4]),
        ('client.post("/deployments/", data=json.dumps({"schedule": {}}))', [4]),
        ('client.post("/deployments/{}".format(x), json={"schedule": {}})', [4]),
        ('client.post("/deployments/filter", json={"deployments": {"is_schedule_active": {"eq_": True}}})', [4]),
        ('client.post("/variables/filter", json={"variables": {"value": {"like_": "x"}}})', [4]),
        ('client.post(f"/flow_runs/{x}/set_state", json={"state": {"type": "FAILED", "timestamp": x}})', [4]),
        ('client.post("/deployments/", json={"name": "x", "schedules": [{"schedule": {}}]})', []),
        ('client.post("/deployments/x/schedules", json={"schedule": {}})', []),
        ('client.post("/variables/filter", json={"variables": {"name": {"like_": "x"}}})', []),
        ('client.post("/jobs/", json={"schedule": {}})', []),
        ('client.post(unknown, json={"schedule": {}})', []),
        ('client.get("/deployments/", params={"schedule": {}})', []),
        ('client.post(f"/flow_runs/{x}/set_state", json={"state": {"type": "FAILED", "name": "x"}})', []),
    ],
)
def test_bodies_that_a_server_refuses(request_: str, rows: list[int]) -> None:
    assert [row for _, row, _ in found(f"import json\nimport prefect\n\n{request_}\n")] == rows


def test_body_and_address_in_variables_are_followed() -> None:
    prove(
        """
        import prefect

        def create(client, api):
            url = f"{api}/deployments/"
            body = {"name": "x", 'is_schedule_active': False}
            client.post(url, json=body)

        def unknown(client, url, body):
            client.post(url, json=body)

        def twice(client):
            body = {"is_schedule_active": False}
            body = {}
            client.post("/deployments/", json=body)
        """,
        """
        import prefect

        def create(client, api):
            url = f"{api}/deployments/"
            body = {"name": "x", 'paused': True}
            client.post(url, json=body)

        def unknown(client, url, body):
            client.post(url, json=body)

        def twice(client):
            body = {"is_schedule_active": False}
            body = {}
            client.post("/deployments/", json=body)
        """,
        select=CODES,
    )


@pytest.mark.parametrize(
    ("link", "after", "severity"),
    [
        ('f"{ui}/flow-runs/flow-run/{x}"', 'f"{ui}/runs/flow-run/{x}"', "info"),
        ('ui + "/task-runs/task-run/" + x', 'ui + "/runs/task-run/" + x', "warning"),
        ('"flow-runs/task-run/%s" % x', '"runs/task-run/%s" % x', "info"),
    ],
)
def test_links_lead_to_the_pages_of_prefect_3(link: str, after: str, severity: str) -> None:
    findings = prove(f"import prefect\n\na = {link}\n", f"import prefect\n\na = {after}\n", select=CODES)
    assert [str(finding.severity) for finding in findings] == [severity]


@pytest.mark.parametrize(
    "link",
    [
        'f"{ui}/runs/flow-run/{x}"',
        'f"https://app.prefect.cloud/account/a/workspace/w/flow-runs/flow-run/{x}"',
        'f"{ui}/deployments/deployment/{x}"',
        '"my-flow-runs/flow-run/"',
        'f"{api}/flow_runs/{x}"',
    ],
)
def test_links_that_work_are_left_alone(link: str) -> None:
    prove_untouched(f"import prefect\n\na = {link}\n", select=CODES)


def test_links_for_both_majors() -> None:
    prove_untouched('import prefect\n\na = f"{ui}/flow-runs/flow-run/{x}"\n', select=CODES, target="both")
    code = 'import prefect\n\na = f"{ui}/task-runs/task-run/{x}"\n'
    assert [finding.code for finding in prove(code, code, select=CODES, target="both")] == ["PF605"]

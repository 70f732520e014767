"""Storage, infrastructure and the later arguments of `Deployment.build_from_flow`, and `Deployment(...)` itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from migrator.config import Settings
from migrator.findings import Applicability
from migrator.rules.deployments import edits
from tests.support.examples import prove, prove_untouched
from tests.support.recording import check, fix

TOP = "from prefect import flow\nfrom prefect.deployments import Deployment\n"
BODY = "\n\n@flow\ndef etl(table='a'):\n    pass\n\n\n"
SOURCE = 'etl.from_source(source=".", entrypoint="flows.py:etl")'
END = "enforce_parameter_schema=False"


@pytest.fixture(autouse=True)
def lines_of_any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_source(...)` on one line."""
    monkeypatch.setattr(edits, "_LONGEST_LINE", 1000)


def code(imports: str, body: str, *, old: bool = False) -> str:
    """A module with a flow, imports beside its own, and a function that deploys."""
    top = TOP if old else "from prefect import flow\n"
    return f"{top}{imports}{BODY}def deploy(x=''):\n    {body}\n"


def call(arguments: str) -> str:
    return f"Deployment.build_from_flow(etl, name='n', work_pool_name='p', {arguments}, apply=True)"


GIT = "from prefect.runner.storage import GitRepository\n"
FILES = "from prefect.filesystems import LocalFileSystem\n"
PROCESS = "from prefect.infrastructure import Process\n"
DOCKER = "from prefect.infrastructure import DockerContainer\n"

STORAGE = {
    "repository": (
        "from prefect.filesystems import GitHub\n",
        "storage=GitHub(repository='https://x.org/a.git', reference='main')",
        GIT,
        "GitRepository(url='https://x.org/a.git', branch='main')",
        "flows.py",
    ),
    "directory": (FILES, "storage=LocalFileSystem(basepath='/srv')", "", "'/srv'", "flows.py"),
    "directory_of_the_user": (
        FILES,
        "storage=LocalFileSystem(basepath='~/srv')",
        "from os.path import expanduser\n",
        "expanduser('~/srv')",
        "flows.py",
    ),
    "path_in_a_directory_of_the_user": (
        FILES,
        "storage=LocalFileSystem(basepath='~/srv'), path='x'",
        "from os.path import expanduser\n",
        'expanduser("~/srv/x")',
        "flows.py",
    ),
    "path_of_the_user": ("", "path='~/srv'", "from os.path import expanduser\n", "expanduser('~/srv')", "flows.py"),
    "saved_block_that_has_stayed": (
        FILES,
        "storage=LocalFileSystem.load('code')",
        FILES,
        "LocalFileSystem.load('code')",
        "flows.py",
    ),
    "saved_block_of_another_class": (
        "from prefect.filesystems import S3\n",
        "storage=S3.load('code'), path='sub'",
        "from prefect_aws import S3Bucket\n",
        "S3Bucket.load('code')",
        "sub/flows.py",
    ),
    "saved_block_by_its_slug": (
        "from prefect.blocks.core import Block\n",
        "storage=Block.load('local-file-system/code')",
        "from prefect.blocks.core import Block\n",
        "Block.load('local-file-system/code')",
        "flows.py",
    ),
}


@pytest.mark.parametrize("name", STORAGE)
def test_storage_becomes_the_source(name: str) -> None:
    imports, arguments, new_imports, source, file = STORAGE[name]
    found = prove(
        code(imports, call(arguments), old=True),
        code(
            new_imports,
            f"etl.from_source(source={source}, entrypoint=\"{file}:etl\").deploy(name='n', work_pool_name='p', {END})",
        ),
        select=("PF301",),
    )
    assert {finding.fix.applicability for finding in found if finding.fix} == {Applicability.UNSAFE}


INFRASTRUCTURE = {
    "process": (
        PROCESS,
        "infrastructure=Process(env={'A': x}, working_dir='/srv')",
        f'{SOURCE}.deploy(name=\'n\', work_pool_name=\'p\', {END}, job_variables={{"env": {{"A": x}}, "working_dir": "/srv"}})',
    ),
    "process_with_overrides": (
        PROCESS,
        "infrastructure=Process(env={'A': 'a'}), infra_overrides={'env.B': 'b'}",
        f'{SOURCE}.deploy(name=\'n\', work_pool_name=\'p\', job_variables={{"env": {{"A": "a", "B": "b"}}}}, {END})',
    ),
    "saved_process": (
        "from prefect.infrastructure.process import Process\n",
        "infrastructure=Process.load('here')",
        f"{SOURCE}.deploy(name='n', work_pool_name='p', {END})",
    ),
    "image": (
        DOCKER,
        "infrastructure=DockerContainer(image='a/b:1', env={'A': 'a'})",
        f'etl.deploy(name=\'n\', work_pool_name=\'p\', {END}, job_variables={{"env": {{"A": "a"}}}}, image="a/b:1", build=False, push=False)',
    ),
    "image_without_a_tag": (
        DOCKER,
        "infrastructure=DockerContainer(image='a/b')",
        f"etl.deploy(name='n', work_pool_name='p', {END}, image=\"a/b:latest\", build=False, push=False)",
    ),
    "image_that_is_computed": (
        DOCKER,
        "infrastructure=DockerContainer(image=x)",
        f"etl.to_deployment(name='n', work_pool_name='p', {END}, job_variables={{\"image\": x}}).apply()",
    ),
    "image_beside_storage": (
        f"{DOCKER}{FILES}",
        "infrastructure=DockerContainer(image='a/b:1'), storage=LocalFileSystem(basepath='/srv')",
        f"etl.from_source(source='/srv', entrypoint=\"flows.py:etl\").deploy(name='n', work_pool_name='p', {END}, job_variables={{\"image\": \"a/b:1\"}})",
    ),
}


@pytest.mark.parametrize("name", INFRASTRUCTURE)
def test_infrastructure_becomes_job_variables(name: str) -> None:
    imports, arguments, after = INFRASTRUCTURE[name]
    found = prove(code(imports, call(arguments), old=True), code("", after), select=("PF301",))
    kind = "process" if "process" in name else "docker"
    assert any(f"`prefect work-pool create p --type {kind}`" in finding.message for finding in found)


def test_saved_infrastructure_names_the_pool_where_the_code_does_not() -> None:
    found = prove(
        code(
            DOCKER,
            "Deployment.build_from_flow(etl, 'n', infrastructure=DockerContainer.load('prod'), apply=True)",
            old=True,
        ),
        code("", f"etl.to_deployment(name='n', {END}, work_pool_name=\"prod\").apply()"),
        select=("PF301",),
    )
    assert any("`prefect work-pool create prod --type docker`" in finding.message for finding in found)


SHARED = {
    "storage": (
        "from prefect.filesystems import GitHub\n\ncode = GitHub(repository='https://x.org/a')\n",
        call("storage=code"),
        f"{GIT}\ncode = GitRepository(url='https://x.org/a')\n",
        f"etl.from_source(source=code, entrypoint=\"flows.py:etl\").deploy(name='n', work_pool_name='p', {END})",
    ),
    "infrastructure": (
        f"{PROCESS}\nhere = Process(env={{'A': 'a'}})\nrows = 1\n",
        call("infrastructure=here"),
        "\nrows = 1\n",
        f'{SOURCE}.deploy(name=\'n\', work_pool_name=\'p\', {END}, job_variables={{"env": {{"A": "a"}}}})',
    ),
    "infrastructure_that_is_saved_as_well": (
        f"{PROCESS}\nhere = Process(env={{'A': 'a'}})\nhere.save('here')\n",
        call("infrastructure=here"),
        f"{PROCESS}\nhere = Process(env={{'A': 'a'}})\nhere.save('here')\n",
        f'{SOURCE}.deploy(name=\'n\', work_pool_name=\'p\', {END}, job_variables={{"env": {{"A": "a"}}}})',
    ),
    "storage_that_is_saved_as_well": (
        f"{FILES}\ncode = LocalFileSystem(basepath='/srv')\ncode.save('code')\n",
        call("storage=code"),
        f"{FILES}\ncode = LocalFileSystem(basepath='/srv')\ncode.save('code')\n",
        f"etl.from_source(source='/srv', entrypoint=\"flows.py:etl\").deploy(name='n', work_pool_name='p', {END})",
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_variable_of_a_block_goes_or_changes_where_nothing_else_reads_it(name: str) -> None:
    imports, before, new_imports, after = SHARED[name]
    prove(code(imports, before, old=True), code(new_imports, after), select=("PF301",))


def test_both_majors_have_a_branch_for_the_variable_of_a_block() -> None:
    prove(
        code("from prefect.filesystems import GitHub\n\ncode = GitHub(repository=1)\n", call("storage=code"), old=True),
        "from prefect import flow\nfrom compat import PREFECT_3\nif not PREFECT_3:\n    from prefect.deployments import Deployment\n"
        f"if not PREFECT_3:\n    from prefect.filesystems import GitHub\n{GIT}\n"
        f"if PREFECT_3:\n    code = GitRepository(url=1)\nelse:\n    code = GitHub(repository=1)\n{BODY}"
        f"def deploy(x=''):\n    if PREFECT_3:\n        etl.from_source(source=code, entrypoint=\"flows.py:etl\").deploy(name='n', work_pool_name='p', {END})\n"
        f"    else:\n        {call('storage=code')}\n",
        select=("PF301",),
        target="both",
    )


SAVED_FOR_BOTH = """
from prefect import flow
from compat import PREFECT_3
if not PREFECT_3:
    from prefect.deployments import Deployment
if PREFECT_3:
    from prefect_github import GitHubRepository
if not PREFECT_3:
    from prefect.filesystems import GitHub
from prefect.runner.storage import GitRepository

if PREFECT_3:
    code = GitHubRepository(repository_url=1)
else:
    code = GitHub(repository=1)
code.save("code")
"""


@pytest.mark.parametrize("order", [("code", "GitHub.load('code')"), ("GitHub.load('code')", "code")])
def test_both_majors_save_a_block_of_their_own(order: tuple[str, str]) -> None:
    """And what runs on 2.x imports nothing of the integration."""
    sources = {"code": "GitRepository(url=1)", "GitHub.load('code')": "GitHubRepository.load('code')"}
    imports = 'from prefect.filesystems import GitHub\n\ncode = GitHub(repository=1)\ncode.save("code")\n'
    before = "\n    ".join(call(f"storage={storage}") for storage in order)
    after = "\n    ".join(
        f'if PREFECT_3:\n        etl.from_source(source={sources[storage]}, entrypoint="flows.py:etl")'
        f".deploy(name='n', work_pool_name='p', {END})\n    else:\n        {call(f'storage={storage}')}"
        for storage in order
    )
    prove(
        code(imports, before, old=True),
        f"{SAVED_FOR_BOTH.lstrip()}{BODY}def deploy(x=''):\n    {after}\n",
        select=("PF301", "PF310"),
        target="both",
    )


@pytest.mark.parametrize(
    "body",
    [
        "code = GitHub(repository=1)\n\n\ndef deploy():\n    other(storage=code)\n",
        "code = GitHub(repository=1, access_token=f(1)); code.save('x')\n\n\ndef deploy():\n"
        "    if not PREFECT_3:\n        other(storage=code)\n",
        "code = GitHub(1)\n\n\ndef deploy():\n    if not PREFECT_3:\n        other(storage=code)\n",
    ],
)
def test_block_that_both_majors_take_as_it_is_has_no_fix(body: str) -> None:
    top = "from compat import PREFECT_3\nfrom prefect.filesystems import GitHub\n\n"
    prove(f"{top}{body}", f"{top}{body}", select=("PF310",), target="both")


UNFOLLOWED = {
    "changed_afterwards": f"b = Process()\n    b.env = {{'A': 'a'}}\n    {call('infrastructure=b')}",
    "item_set_afterwards": f"b = Process(env={{}})\n    b.env['A'] = 'a'\n    {call('infrastructure=b')}",
    "list_grown_afterwards": f"b = Process(command=[])\n    b.command.append('a')\n    {call('infrastructure=b')}",
    "set_by_setattr": f"b = Process()\n    setattr(b, 'env', {{'A': 'a'}})\n    {call('infrastructure=b')}",
    "storage_changed_afterwards": f"b = LocalFileSystem(basepath='/a')\n    b.basepath = '/b'\n    {call('storage=b')}",
    "bound_twice": f"b = Process(env={{}})\n    b = Process(env={{'A': 'a'}})\n    {call('infrastructure=b')}",
    "unpacked": call("infrastructure=Process(**x)"),
    "overrides_of_a_variable": call("infrastructure=Process(env={'A': 'a'}), infra_overrides=x"),
    "path_of_a_variable": call("storage=LocalFileSystem.load('x'), path=x"),
    "another_class": call("infrastructure=Mine(env={})"),
    "parameter": call("storage=x"),
}


@pytest.mark.parametrize("name", UNFOLLOWED)
def test_block_that_cannot_be_followed_is_left(name: str) -> None:
    before = code(f"{FILES}{PROCESS}", UNFOLLOWED[name], old=True)
    found = prove(before, before, select=("PF301",))
    assert found and all(finding.fix is None for finding in found)


def test_field_that_python_itself_refuses_does_not_fail_the_file() -> None:
    after = f"{SOURCE}.deploy(name='n', work_pool_name='p', {END}, job_variables={{\"env\": {{\"A\": {{[1]}}}}}})"
    prove(code(PROCESS, call("infrastructure=Process(env={'A': {[1]}})"), old=True), code("", after), select=("PF301",))


NAMESAKES = {
    "imported": "from blocks import b\n",
    "made_by_a_loop": "for b in ():\n    pass\n",
    "function": "def b():\n    pass\n",
}


@pytest.mark.parametrize("name", NAMESAKES)
@pytest.mark.parametrize("argument", ["storage", "infrastructure"])
def test_variable_of_another_function_is_not_taken_for_the_block(name: str, argument: str) -> None:
    """A block of the same name in a function that the deployment does not see."""
    made = "LocalFileSystem(basepath='/a')" if argument == "storage" else "Process(env={'A': 'a'})"
    other = f"def other():\n    b = {made}\n    b.save('b')\n\n\n"
    before = code(f"{FILES}{PROCESS}{NAMESAKES[name]}\n\n{other}", call(f"{argument}=b"), old=True)
    found = prove(before, before, select=("PF301",))
    assert found and all(finding.fix is None for finding in found)


def test_variable_of_the_module_is_followed_where_another_function_has_one_of_its_name() -> None:
    other = "\n\ndef other():\n    b = 1\n    return b\n\n\n"
    before = code(f"{FILES}b = LocalFileSystem(basepath='/a')\n{other}", call("storage=b"), old=True)
    source = f"etl.from_source(source='/a', entrypoint=\"flows.py:etl\").deploy(name='n', work_pool_name='p', {END})"
    after = code(f"{FILES}b = '/a'\n{other}", source.replace("source='/a'", "source=b"))
    prove(before, after.replace(FILES, ""), select=("PF301",))


def test_variable_stays_where_a_deployment_that_is_left_reads_it() -> None:
    """A comprehension's variable of the same name does not hide it from the function around."""
    module = f"{FILES}from prefect.infrastructure import Process\nb = Process(env={{'A': 'a'}})\n"
    left = f"\n\ndef other():\n    {call('infrastructure=b')}\n    return [b for b in 'xy']\n"
    before = code(module, call("infrastructure=b"), old=True) + left
    after = f'{SOURCE}.deploy(name=\'n\', work_pool_name=\'p\', {END}, job_variables={{"env": {{"A": "a"}}}})'
    prove(before, code(module, after, old=True) + left, select=("PF301",))


def test_templates_of_one_name_are_not_written_over_each_other(tmp_path: Path) -> None:
    def arguments(team: str) -> str:
        patches = [{"op": "add", "path": "/metadata/annotations", "value": {"team": team}}]
        return f"infrastructure=KubernetesJob(image='a/b:1', customizations={patches})"

    (tmp_path / "pyproject.toml").touch()
    kubernetes = "from prefect.infrastructure import KubernetesJob\n"
    both = code(kubernetes, f"{call(arguments('a'))}\n    {call(arguments('b'))}", old=True)
    (tmp_path / "both.py").write_text(both)
    settings = Settings(target="3", select=("PF301",), unsafe_fixes=True)
    fix([str(tmp_path)], settings)
    assert (tmp_path / "both.py").read_text() == both
    assert not (tmp_path / "p-template.json").exists()
    messages = [finding.message for report in check([str(tmp_path)], settings) for finding in report.findings]
    assert sum("all would be `p-template.json`" in message for message in messages) == 2

    (tmp_path / "both.py").unlink()
    for team in "ab":
        (tmp_path / f"{team}.py").write_text(code(kubernetes, call(arguments(team)), old=True))
    fix([str(tmp_path)], settings)
    template = json.loads((tmp_path / "p-template.json").read_text())
    annotations = template["job_configuration"]["job_manifest"]["metadata"]["annotations"]
    left = [team for team in "ab" if "KubernetesJob" in (tmp_path / f"{team}.py").read_text()]
    assert [annotations["team"], *left] in (["a", "b"], ["b", "a"])


def test_work_pool_with_a_template_of_its_own_gets_the_file_with_the_fix(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    patches = "[{'op': 'add', 'path': '/metadata/annotations', 'value': {'team': 'a'}}]"
    arguments = f"infrastructure=KubernetesJob(image='a/b:1', customizations={patches})"
    (tmp_path / "flows.py").write_text(
        code("from prefect.infrastructure import KubernetesJob\n", call(arguments), old=True)
    )
    settings = Settings(target="3", select=("PF301",), unsafe_fixes=True)
    messages = [finding.message for report in check([str(tmp_path)], settings) for finding in report.findings]
    command = "`prefect work-pool create p --type kubernetes --base-job-template p-template.json`"
    assert any(command in message for message in messages)
    fix([str(tmp_path)], settings)
    template = json.loads((tmp_path / "p-template.json").read_text())
    assert template["job_configuration"]["job_manifest"]["metadata"]["annotations"] == {"team": "a"}
    assert "Deployment" not in (tmp_path / "flows.py").read_text()


CONSTRUCTED = {
    "applied_at_once": (
        "Deployment(name='n', path='.', entrypoint='flows.py:etl', work_pool_name='p').apply()",
        f"flow.from_source(source='.', entrypoint='flows.py:etl').deploy(name='n', work_pool_name='p', {END})",
    ),
    "in_a_variable": (
        "d = Deployment(name='n', flow_name='e', path='.', entrypoint=x, tags=['a'], work_pool_name='p')\n    d.apply()",
        f"d = flow.from_source(source='.', entrypoint=x).to_deployment(name='n', tags=['a'], work_pool_name='p', {END})\n    d.apply()",
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_deployment_that_names_its_flow_by_the_file_is_built_from_there(name: str) -> None:
    before, after = CONSTRUCTED[name]
    prove(
        f"from prefect.deployments import Deployment\n\n\ndef deploy(x='flows.py:etl'):\n    {before}\n",
        f"from prefect import flow\n\n\ndef deploy(x='flows.py:etl'):\n    {after}\n",
        select=("PF301",),
        filename="deploy.py",
    )


ARGUMENTS = {
    "triggers": ("triggers=[{'expect': ['a']}]", "triggers=[{'expect': ['a']}], ", "DeploymentEventTrigger"),
    "no_triggers": ("triggers=[]", "", ""),
    "output_beside_apply": ("output='a.yaml'", "", "prefect.yaml"),
    "schedules_of_2": (
        "schedules=[MinimalDeploymentSchedule(schedule=x, active=False)]",
        'schedules=[{"schedule": x, "active": False}], ',
        "",
    ),
    "schedules_of_both": (
        "schedules=[{'schedule': x, 'active': False}]",
        "schedules=[{'schedule': x, 'active': False}], ",
        "",
    ),
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_argument_of_later_2_becomes_its_equivalent(name: str) -> None:
    old, new, note = ARGUMENTS[name]
    imports = "from prefect.client.schemas.objects import MinimalDeploymentSchedule\n" if "Minimal" in old else ""
    found = prove(
        code(imports, call(old), old=True),
        code("", f"{SOURCE}.deploy(name='n', work_pool_name='p', {new}{END})"),
        select=("PF301",),
    )
    assert any(note in finding.message for finding in found)


APPLIED = {
    "upload": ("d.apply(upload=True)", "put the code"),
    "positional": ("d.apply(True)", "put the code"),
    "limit": ("d.apply(work_queue_concurrency=3)", "set-concurrency-limit q 3 --pool p"),
    "nothing": ("d.apply(upload=False)", ""),
}


@pytest.mark.parametrize("name", APPLIED)
def test_arguments_of_apply_go_with_a_note(name: str) -> None:
    applied, note = APPLIED[name]
    arguments = "name='n', work_pool_name='p', work_queue_name='q'"
    found = prove(
        code("", f"d = Deployment.build_from_flow(etl, {arguments})\n    {applied}", old=True),
        code("", f"d = {SOURCE}.to_deployment({arguments}, {END})\n    d.apply()"),
        select=("PF301",),
    )
    assert any(note in finding.message for finding in found)


def test_pool_of_the_settings_is_named_where_the_code_names_none(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "flows.py").write_text(code("", "Deployment.build_from_flow(etl, 'n', apply=True)", old=True))
    settings = Settings(target="3", select=("PF301",), unsafe_fixes=True, work_pool="prod")
    messages = [finding.message for report in check([str(tmp_path)], settings) for finding in report.findings]
    assert any("`prefect work-pool create prod --type process`" in message for message in messages)
    fix([str(tmp_path)], settings)
    after = code("", f"{SOURCE}.deploy(name='n', {END}, work_pool_name=\"prod\")")
    assert (tmp_path / "flows.py").read_text() == after


@pytest.mark.parametrize(("block", "pool"), [("DockerContainer", "prod"), ("Process", "local")])
def test_pool_of_the_settings_takes_saved_processes_and_no_other_saved_block(
    block: str, pool: str, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").touch()
    build = f"Deployment.build_from_flow(etl, 'n', infrastructure={block}.load('prod'), apply=True)"
    (tmp_path / "flows.py").write_text(code(f"from prefect.infrastructure import {block}\n", build, old=True))
    fix([str(tmp_path)], Settings(target="3", select=("PF301",), unsafe_fixes=True, work_pool="local"))
    assert f'work_pool_name="{pool}"' in (tmp_path / "flows.py").read_text()


def test_blocks_that_no_deployment_takes_are_left() -> None:
    prove_untouched(
        "from prefect.filesystems import LocalFileSystem\n\ncode = LocalFileSystem(basepath='/srv')\nstorage = code\n",
        select=("PF301",),
    )


METRICS = {
    "of_the_old_trigger": (
        "from prefect.events.schemas import DeploymentTrigger\n\nt = DeploymentTrigger(posture='Metric', metric=q, within=5)\n",
        "from prefect.events.schemas import DeploymentTrigger\nfrom prefect.events import DeploymentMetricTrigger\n\nt = DeploymentMetricTrigger(posture='Metric', metric=q)\n",
    ),
    "named_by_its_module": (
        "import prefect.events as e\n\nt = e.DeploymentEventTrigger(name='n', metric=q)\n",
        "import prefect.events as e\nfrom prefect.events import DeploymentMetricTrigger\n\nt = DeploymentMetricTrigger(name='n', metric=q)\n",
    ),
}


@pytest.mark.parametrize("name", METRICS)
def test_trigger_that_asks_a_metric_has_a_class_of_its_own(name: str) -> None:
    before, after = METRICS[name]
    prove(before, after, select=("PF302",))


@pytest.mark.parametrize(
    "call",
    [
        "DeploymentEventTrigger(expect={'a'}, within=5)",
        "DeploymentEventTrigger(expect={'a'}, metric=None)",
        "DeploymentMetricTrigger(metric=q)",
        "Other(metric=q)",
    ],
)
def test_other_triggers_are_left(call: str) -> None:
    prove_untouched(
        f"from prefect.events import DeploymentEventTrigger, DeploymentMetricTrigger\n\nt = {call}\n", select=("PF302",)
    )

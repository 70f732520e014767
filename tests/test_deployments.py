"""`Deployment.build_from_flow` in all its forms."""

from __future__ import annotations

import pytest

from migrator.findings import Applicability
from migrator.rules.deployments import edits
from tests.support.examples import findings_in, prove, prove_untouched

FLOW = "from prefect import flow\nfrom prefect.deployments import Deployment\n\n\n@flow\ndef etl(table='a'):\n    pass\n\n\n"
DONE = "from prefect import flow\n\n\n@flow\ndef etl(table='a'):\n    pass\n\n\n"
GUARD = 'if __name__ == "__main__":\n    '
SOURCE = 'etl.from_source(source=".", entrypoint="flows.py:etl")'
END = "enforce_parameter_schema=False)"


@pytest.fixture(autouse=True)
def lines_of_any_length(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """`from_source(...)` on one line, for the tests that look at something else."""
    if "wrapped" not in request.node.name:
        monkeypatch.setattr(edits, "_LONGEST_LINE", 1000)


def test_long_line_is_wrapped() -> None:
    prove(
        FLOW + f"def deploy():\n    Deployment.build_from_flow(etl, '{'n' * 60}', work_pool_name='p', apply=True)\n",
        DONE
        + 'def deploy():\n    etl.from_source(\n        source=".",\n        entrypoint="flows.py:etl",\n'
        + f"    ).deploy(name='{'n' * 60}', work_pool_name='p', enforce_parameter_schema=False)\n",
        select=("PF301",),
    )


CALLS = {
    "applied_at_once": (
        "Deployment.build_from_flow(flow=etl, name='n', work_pool_name='p', apply=True)\n",
        f"{GUARD}{SOURCE}.deploy(name='n', work_pool_name='p', {END}\n",
    ),
    "positional": (
        "Deployment.build_from_flow(etl, 'n', work_pool_name='p').apply()\n",
        f"{GUARD}{SOURCE}.deploy(name='n', work_pool_name='p', {END}\n",
    ),
    "in_a_variable": (
        "d = Deployment.build_from_flow(etl, name='n', work_pool_name='p')\nd.apply()\n",
        f"{GUARD}d = {SOURCE}.to_deployment(name='n', work_pool_name='p', {END}\n    d.apply()\n",
    ),
    "variable_used_under_the_guard": (
        "d = Deployment.build_from_flow(etl, name='n', work_pool_name='p')\n\nif __name__ == '__main__':\n    d.apply()\n",
        f"\nif __name__ == '__main__':\n    d = {SOURCE}.to_deployment(name='n', work_pool_name='p', {END}\n    d.apply()\n",
    ),
    "under_the_guard": (
        "if __name__ == '__main__':\n    Deployment.build_from_flow(etl, name='n', work_pool_name='p', apply=True)  # now\n",
        f"if __name__ == '__main__':\n    {SOURCE}.deploy(name='n', work_pool_name='p', {END}  # now\n",
    ),
    "in_a_function_called_at_the_top": (
        "def deploy():\n    Deployment.build_from_flow(etl, name='n', work_pool_name='p', apply=True)\n\n\ndeploy()\n",
        f"def deploy():\n    {SOURCE}.deploy(name='n', work_pool_name='p', {END}\n\n\n{GUARD}deploy()\n",
    ),
    "in_a_loop": (
        "for n in ['a', 'b']:\n    Deployment.build_from_flow(etl, name=n, work_pool_name='p', apply=True)\n",
        f"{GUARD}for n in ['a', 'b']:\n        {SOURCE}.deploy(name=n, work_pool_name='p', {END}\n",
    ),
    "awaited": (
        "async def main():\n    d = await Deployment.build_from_flow(etl, name='n', work_pool_name='p')\n    await d.apply()\n",
        "async def main():\n    d = await (await etl.from_source(source=\".\", entrypoint=\"flows.py:etl\")).to_deployment(name='n', work_pool_name='p', "
        f"{END}\n    await d.apply()\n",
    ),
    "unpacked_arguments_that_kept_their_names": (
        "common = dict(tags=['a'], work_pool_name='p')\n\n\ndef deploy():\n    Deployment.build_from_flow(etl, name='n', apply=True, **common)\n",
        f"common = dict(tags=['a'], work_pool_name='p')\n\n\ndef deploy():\n    {SOURCE}.deploy(name='n', **common, {END}\n",
    ),
    "comments_stay": (
        "def deploy():\n    Deployment.build_from_flow(\n        flow=etl,\n        name='n',  # nightly\n        # the pool of the cluster\n        work_pool_name='p',\n        apply=True,\n    )\n",
        f"def deploy():\n    {SOURCE}.deploy(\n        name='n',  # nightly\n        # the pool of the cluster\n        work_pool_name='p',\n        enforce_parameter_schema=False,\n    )\n",
    ),
}  # fmt: skip

ARGUMENTS = {
    "schedule_object": ("schedule=CronSchedule(cron='* * * * *')", "schedules=[CronSchedule(cron='* * * * *')]"),
    "schedule_none": ("schedule=None", ""),
    "active": ("is_schedule_active=True", ""),
    "inactive": ("is_schedule_active=False", "paused=True"),
    "active_by_expression": ("is_schedule_active=PROD and x", "paused=not (PROD and x)"),
    "infra_overrides": ("infra_overrides={'env': {'A': 'b'}}", "job_variables={'env': {'A': 'b'}}"),
    "dotted_keys": (
        "infra_overrides={'env.A': 'b', 'env.C': 'd', 'x': 1}",
        'job_variables={"env": {"A": \'b\', "C": \'d\'}, "x": 1}',
    ),
    "numeric_version": ("version=1", 'version="1"'),
    "no_upload": ("skip_upload=True", ""),
    "same_names": (
        "tags=['a'], parameters={'table': 'b'}, description='d'",
        "tags=['a'], parameters={'table': 'b'}, description='d'",
    ),
    "nothing_given": ("storage=None, infrastructure=None, output=None", ""),
}


@pytest.mark.parametrize("name", CALLS)
def test_call_becomes_a_deployment_of_the_flow_itself(name: str) -> None:
    before, after = CALLS[name]
    prove(FLOW + before, DONE + after, select=("PF301",), unsafe=False)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_argument_becomes_its_equivalent(name: str) -> None:
    old, new = ARGUMENTS[name]
    before = f"def deploy():\n    Deployment.build_from_flow(\n        etl,\n        name='n',\n        work_pool_name='p',\n        {old},\n        apply=True,\n    )\n"
    middle = f"        {new},\n" if new else ""
    last = "        enforce_parameter_schema=False,\n"
    after = (
        f"def deploy():\n    {SOURCE}.deploy(\n        name='n',\n        work_pool_name='p',\n{middle}{last}    )\n"
    )
    prove(FLOW + before, DONE + after, select=("PF301",), unsafe=False)


def test_dictionary_schedule_becomes_an_object_with_its_import() -> None:
    found = prove(
        FLOW
        + "def deploy():\n    Deployment.build_from_flow(etl, 'n', work_pool_name='p', schedule={'cron': '0 3 * * *', 'timezone': 'UTC'}, apply=True)\n",
        DONE.replace("import flow\n", "import flow\nfrom prefect.client.schemas.schedules import CronSchedule\n")
        + "def deploy():\n    etl.from_source(source=\".\", entrypoint=\"flows.py:etl\").deploy(name='n', work_pool_name='p', schedules=[CronSchedule(cron='0 3 * * *', timezone='UTC')], enforce_parameter_schema=False)\n",
        select=("PF301",),
    )
    assert {finding.fix.applicability for finding in found if finding.fix} == {Applicability.SAFE}


def test_flow_of_another_module_needs_no_guard() -> None:
    prove(
        "from prefect.deployments import Deployment\nfrom jobs.etl import etl as job\n\nDeployment.build_from_flow(job, 'n', work_pool_name='p', apply=True)\n",
        "from jobs.etl import etl as job\n\njob.from_source(source=\".\", entrypoint=\"jobs/etl.py:etl\").deploy(name='n', work_pool_name='p', enforce_parameter_schema=False)\n",
        filename="deploy.py",
        files={"jobs/__init__.py": "", "jobs/etl.py": "from prefect import flow\n\n\n@flow\ndef etl():\n    pass\n"},
        select=("PF301",),
    )


def test_without_a_pool_the_fix_is_unsafe_and_says_what_is_needed() -> None:
    before = FLOW + "def deploy():\n    Deployment.build_from_flow(etl, 'n', work_queue_name='q', apply=True)\n"
    found = prove(before, before, select=("PF301",), unsafe=False)
    assert any("worker start" in finding.message for finding in found)
    prove(
        before, DONE + f"def deploy():\n    {SOURCE}.deploy(name='n', work_queue_name='q', {END}\n", select=("PF301",)
    )


def test_both_majors_keep_their_own_text() -> None:
    prove(
        FLOW + "def deploy():\n    return Deployment.build_from_flow(etl, 'n', work_pool_name='p')\n",
        FLOW.replace(
            "from prefect.deployments", "from compat import PREFECT_3\nif not PREFECT_3:\n    from prefect.deployments"
        )
        + "def deploy():\n    if PREFECT_3:\n        return etl.from_source(source=\".\", entrypoint=\"flows.py:etl\").to_deployment(name='n', work_pool_name='p', enforce_parameter_schema=False)\n"
        "    else:\n        return Deployment.build_from_flow(etl, 'n', work_pool_name='p')\n",
        target="both",
        select=("PF301",),
    )


LEFT = {
    "storage": "Deployment.build_from_flow(etl, 'n', work_pool_name='p', storage=S3.load('x'))",
    "infrastructure": "Deployment.build_from_flow(etl, 'n', work_pool_name='p', infrastructure=block)",
    "output": "Deployment.build_from_flow(etl, 'n', work_pool_name='p', output='x.yaml')",
    "unknown_argument": "Deployment.build_from_flow(etl, 'n', work_pool_name='p', timezone='UTC')",
    "unknown_flow": "Deployment.build_from_flow(make(), 'n', work_pool_name='p')",
    "unpacked_unknown": "Deployment.build_from_flow(etl, 'n', **load())",
    "applied_by_expression": "Deployment.build_from_flow(etl, 'n', work_pool_name='p', apply=PROD)",
    "constructor": "Deployment(flow_name='etl', name='n')",
    "yaml": "Deployment.load_from_yaml('x.yaml')",
    "no_pool_and_kept": "d = Deployment.build_from_flow(etl, 'n')\n    return d",
    "attribute_that_is_gone": "d = Deployment.build_from_flow(etl, 'n', work_pool_name='p')\n    d.storage = None",
    "applied_with_something_else": "d = Deployment.build_from_flow(etl, 'n', work_pool_name='p')\n    d.apply(now=True)",
    "loaded": "d = Deployment.build_from_flow(etl, 'n', work_pool_name='p')\n    d.load()",
    "constructor_without_a_name": "Deployment(flow_name='etl', entrypoint='flows.py:etl', work_pool_name='p').apply()",
    "storage_of_a_parameter": "Deployment.build_from_flow(etl, 'n', work_pool_name='p', storage=block)",
    "applied_and_used": "d = Deployment.build_from_flow(etl, 'n', work_pool_name='p', apply=True)\n    print(d.name)",
}


@pytest.mark.parametrize("name", LEFT)
def test_what_has_no_equivalent_is_left_with_the_reason(name: str) -> None:
    code = f"{FLOW}def deploy():\n    {LEFT[name]}\n"
    found = prove(code, code, select=("PF301",))
    assert found and all(finding.fix is None for finding in found)


@pytest.mark.parametrize("change", ["setdefault('schedule', 1)", "pop('work_pool_name')", "clear()"])
def test_unpacked_arguments_that_are_changed_elsewhere_are_not_known(change: str) -> None:
    code = f"{FLOW}common = dict(work_pool_name='p')\ncommon.{change}\n\n\ndef deploy():\n    Deployment.build_from_flow(etl, name='n', apply=True, **common)\n"
    found = prove(code, code, select=("PF301",))
    assert found and all(finding.fix is None for finding in found)


def test_flow_that_is_not_at_the_top_level_is_left() -> None:
    code = "from prefect import flow\nfrom prefect.deployments import Deployment\n\n\ndef deploy():\n    @flow\n    def inner():\n        pass\n\n    Deployment.build_from_flow(inner, 'n', work_pool_name='p', apply=True)\n"
    prove(code, code, select=("PF301",))


UNTOUCHED = {
    "deploy": "etl.deploy(name='n', work_pool_name='p', image='x')",
    "from_source": "etl.from_source(source='.', entrypoint='flows.py:etl').deploy(name='n', work_pool_name='p')",
    "serve": "etl.serve(name='n')",
    "another_deployment": "k8s.Deployment.build_from_flow(etl)",
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_what_runs_on_3_is_left_alone(name: str) -> None:
    prove_untouched(
        f"from prefect import flow\n\n\n@flow\ndef etl():\n    pass\n\n\nif __name__ == '__main__':\n    {UNTOUCHED[name]}\n"
    )


def test_import_alone_is_reported_and_removed() -> None:
    prove(
        "from prefect.deployments import Deployment, run_deployment\n\nrun_deployment('a/b')\n",
        "from prefect.deployments import run_deployment\n\nrun_deployment('a/b')\n",
    )


def test_import_in_a_fallback_is_left() -> None:
    assert (
        findings_in(
            "try:\n    from prefect.deployments import Deployment\nexcept ImportError:\n    Deployment = None\n"
        )
        == []
    )


FLAG = "from compat import PREFECT_3\n"
TOP = "Deployment.build_from_flow(etl, name='n', work_pool_name='p', apply=True)"
KEPT = "Deployment.build_from_flow(etl, name='n', work_pool_name='p')"
DEPLOYED = f"{SOURCE}.deploy(name='n', work_pool_name='p', {END}"
BUILT = f"{SOURCE}.to_deployment(name='n', work_pool_name='p', {END}"

GUARDED = {
    "what_takes_the_result_goes_along": (
        f"dep = {KEPT}\nx = dep.apply()\nprint(x)\n",
        f"{GUARD}dep = {BUILT}\n    x = dep.apply()\n    print(x)\n",
    ),
    "what_takes_the_result_from_an_except_goes_along": (
        f"try:\n    {TOP}\nexcept ValueError as e:\n    error = e\n\nif error:\n    print(error)\n",
        f"{GUARD}try:\n        {DEPLOYED}\n    except ValueError as e:\n        error = e\n\n    if error:\n        print(error)\n",
    ),
    "a_list_filled_on_the_way": (
        f"cfg = {{'a': 1}}\ndep = {KEPT}\ncfg['b'] = dep.name\nprint(cfg)\n",
        f"cfg = {{'a': 1}}\n{GUARD}dep = {BUILT}\n    cfg['b'] = dep.name\n    print(cfg)\n",
    ),
    "what_it_reads_changes_before_the_guard": (
        "cfg = {'a': 1}\ndep = Deployment.build_from_flow(etl, name='n', parameters=cfg, work_pool_name='p')\ncfg['a'] = 2\n\nif __name__ == '__main__':\n    dep.apply()\n",
        f"cfg = {{'a': 1}}\n{GUARD}dep = {SOURCE}.to_deployment(name='n', parameters=cfg, work_pool_name='p', {END}\ncfg['a'] = 2\n\nif __name__ == '__main__':\n    dep.apply()\n",
    ),
    "a_guard_on_one_line": (
        f"dep = {KEPT}\n\nif __name__ == '__main__': dep.apply()\n",
        f"{GUARD}dep = {BUILT}\n\nif __name__ == '__main__': dep.apply()\n",
    ),
    "definitions_before_the_guard_are_passed": (
        f"dep = {KEPT}\n\n\ndef other():\n    return 1\n\n\nif __name__ == '__main__':\n    dep.apply()\n",
        f"\n\ndef other():\n    return 1\n\n\nif __name__ == '__main__':\n    dep = {BUILT}\n    dep.apply()\n",
    ),
    "a_class_that_is_used_at_the_top": (
        f"class D:\n    def go(self):\n        {TOP}\n\n\nD().go()\n",
        f"class D:\n    def go(self):\n        {DEPLOYED}\n\n\n{GUARD}D().go()\n",
    ),
    "a_function_that_calls_the_function": (
        f"def deploy():\n    {TOP}\n\n\ndef main():\n    deploy()\n\n\nmain()\n",
        f"def deploy():\n    {DEPLOYED}\n\n\ndef main():\n    deploy()\n\n\n{GUARD}main()\n",
    ),
    "a_command_of_an_application": (
        f"app = Typer()\n\n\n@app.command()\ndef deploy():\n    {TOP}\n\n\napp()\n",
        f"app = Typer()\n\n\n@app.command()\ndef deploy():\n    {DEPLOYED}\n\n\n{GUARD}app()\n",
    ),
    "a_guard_written_the_other_way_round": (
        f"def deploy():\n    {TOP}\n\n\nif '__main__' == __name__:\n    deploy()\n",
        f"def deploy():\n    {DEPLOYED}\n\n\nif '__main__' == __name__:\n    deploy()\n",
    ),
    "applied_at_once_into_a_variable_that_nobody_reads": (
        f"def deploy():\n    d = {TOP}\n",
        f"def deploy():\n    d = {DEPLOYED}\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GUARDED)
def test_what_must_not_run_on_import_goes_under_the_guard_and_nothing_else(name: str) -> None:
    before, after = GUARDED[name]
    prove(FLOW + before, DONE + after, select=("PF301",), unsafe=False)


REFUSED = {
    "a_function_uses_a_name_that_would_move": f"if x:\n    import json\n\n    {TOP}\n\n\ndef helper():\n    return json\n",
    "a_function_uses_a_function_that_would_move": f"if x:\n    def helper():\n        pass\n\n    {TOP}\n\n\ndef other():\n    return helper()\n",
    "a_class_uses_what_follows_from_the_deployment": f"dep = {KEPT}\nx = dep.apply()\n\n\nclass A:\n    def id(self):\n        return x\n",
    "a_lambda_uses_what_would_move": f"dep = {KEPT}\nx = dep.apply()\nf = 1\nfor g in [lambda: x]:\n    f = g\n\n\ndef h():\n    return f\n",
    "another_branch_of_the_guard_uses_it": f"dep = {KEPT}\n\nif __name__ == '__main__':\n    dep.apply()\nelse:\n    print(dep.name)\n",
    "what_would_move_shares_its_line": f"dep = {KEPT}\n\nx = dep.apply(); y = 1\n",
    "only_when_imported": f"if __name__ != '__main__':\n    {TOP}\n",
    "in_the_else_of_the_guard": f"if __name__ == '__main__':\n    pass\nelse:\n    {TOP}\n",
    "called_only_when_imported": f"def deploy():\n    {TOP}\n\n\nif __name__ != '__main__':\n    deploy()\n",
    "called_in_the_else_of_the_guard": f"def deploy():\n    {TOP}\n\n\nif __name__ == '__main__':\n    pass\nelse:\n    deploy()\n",
    "called_in_the_body_of_a_class": f"def deploy():\n    {TOP}\n\n\nclass A:\n    done = deploy()\n",
    "called_by_a_default": f"def deploy():\n    {TOP}\n\n\ndef a(x=deploy()):\n    pass\n",
    "flow_under_the_guard_only": "if __name__ == '__main__':\n    e2 = etl.with_options(name='h')\n    Deployment.build_from_flow(flow=e2, name='n', work_pool_name='p', apply=True)\n",
    "flow_made_in_the_statement_that_would_move": "if x:\n    e2 = etl.with_options(name='h')\n    Deployment.build_from_flow(flow=e2, name='n', work_pool_name='p', apply=True)\n",
    "applied_at_once_and_given_away": f"def deploy():\n    d = {TOP}\n    print(d)\n",
    "in_an_f_string": f"def deploy():\n    print(f'{{{TOP.replace(chr(39), chr(34))}}}')\n",
    "no_pool_by_none_and_kept": "def deploy():\n    d = Deployment.build_from_flow(etl, 'n', work_pool_name=None)\n    d.apply()\n",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_call_that_cannot_be_kept_from_running_or_followed_is_left(name: str) -> None:
    code = FLOW + REFUSED[name]
    found = prove(code, code, select=("PF301",))
    assert found and all(finding.fix is None for finding in found)


@pytest.mark.parametrize("head", ["if True:", "try:"])
def test_import_inside_the_guarded_statement_is_left(head: str) -> None:
    tail = "finally:\n    pass\n" if head == "try:" else ""
    code = f"from prefect import flow\n\n\n@flow\ndef etl():\n    pass\n\n\n{head}\n    from prefect.deployments import Deployment\n\n    {TOP}\n{tail}"
    prove(code, code, select=("PF301",))


HANDED_ON = {
    "returned_and_applied": (f"return {TOP}", f"return {DEPLOYED}", "returns the id"),
    "id_in_a_variable": (
        f"uid = {KEPT}.apply()\n    print(uid)",
        f"uid = {DEPLOYED}\n    print(uid)",
        "returns the id",
    ),
    "returned": (f"return {KEPT}", f"return {BUILT}", "RunnerDeployment"),
    "appended": (f"ids.append({TOP})", f"ids.append({DEPLOYED})", "returns the id"),
    "in_a_list": (f"d = [{KEPT}]", f"d = [{BUILT}]", "RunnerDeployment"),
    "given_away_by_its_variable": (f"d = {KEPT}\n    save(d)", f"d = {BUILT}\n    save(d)", "RunnerDeployment"),
}


@pytest.mark.parametrize("name", HANDED_ON)
def test_result_that_is_handed_on_makes_the_fix_unsafe(name: str) -> None:
    before, after, note = HANDED_ON[name]
    before = f"{FLOW}def deploy(ids=None):\n    {before}\n"
    found = prove(before, before, select=("PF301",), unsafe=False)
    assert any(note in finding.message for finding in found)
    prove(before, f"{DONE}def deploy(ids=None):\n    {after}\n", select=("PF301",))


def test_pool_none_is_no_pool() -> None:
    before = f"{FLOW}def deploy():\n    Deployment.build_from_flow(etl, 'n', work_pool_name=None, apply=True)\n"
    found = prove(before, before, select=("PF301",), unsafe=False)
    assert any("worker start" in finding.message for finding in found)


def test_both_majors_get_the_flag_where_the_import_stays() -> None:
    branches = f"    if PREFECT_3:\n        {DEPLOYED}\n    else:\n        {TOP}\n"
    left = "\n\ndef other():\n    Deployment.load_from_yaml('x.yaml')\n"
    prove(
        f"{FLOW}def deploy():\n    {TOP}\n{left}",
        f"{FLOW.replace('from prefect.deployments', FLAG + 'from prefect.deployments')}def deploy():\n{branches}{left}",
        target="both",
        select=("PF301",),
    )


def test_both_majors_get_the_flag_once_from_a_safe_and_an_unsafe_fix() -> None:
    unsafe = TOP.replace("work_pool_name='p', ", "")
    branches = "".join(
        f"    if PREFECT_3:\n        {new}\n    else:\n        {old}\n"
        for new, old in ((DEPLOYED, TOP), (DEPLOYED.replace("work_pool_name='p', ", ""), unsafe))
    )
    prove(
        f"{FLOW}def deploy():\n    {TOP}\n    {unsafe}\n",
        FLOW.replace("from prefect.deployments", FLAG + "if not PREFECT_3:\n    from prefect.deployments")
        + f"def deploy():\n{branches}",
        target="both",
        select=("PF301",),
    )


def test_both_majors_get_the_flag_where_the_module_is_imported() -> None:
    head = "{}import prefect.deployments as pd\nfrom prefect import flow\n\n\n@flow\ndef etl():\n    pass\n\n\n"
    prove(
        f"{head.format('')}def deploy():\n    pd.{TOP}\n",
        f"{head.format(FLAG)}def deploy():\n    if PREFECT_3:\n        {DEPLOYED}\n    else:\n        pd.{TOP}\n",
        target="both",
        select=("PF301",),
    )


LEFT_FOR_BOTH = {
    "import_shares_its_line": f"{FLOW.replace('from prefect.dep', 'import os; from prefect.dep')}def deploy():\n    {TOP}\n",
    "two_in_one_statement": f"{FLOW}def deploy():\n    return [{KEPT}, {KEPT}]\n",
}


@pytest.mark.parametrize("name", LEFT_FOR_BOTH)
def test_what_has_no_place_for_two_branches_is_left(name: str) -> None:
    prove(LEFT_FOR_BOTH[name], LEFT_FOR_BOTH[name], target="both", select=("PF301",))


def test_uses_behind_an_import_that_may_fail_are_left() -> None:
    code = f"from prefect import flow\n\ntry:\n    from prefect.deployments import Deployment\n\n    HAS = True\nexcept ImportError:\n    HAS = False\n\n\n@flow\ndef etl():\n    pass\n\n\nif HAS:\n    {TOP}\n"
    prove_untouched(code, select=("PF301",))

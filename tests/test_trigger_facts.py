"""Triggers of deployments, proved on real servers: the automations that 2.20 makes of them, and those that 3.x makes once `fix` has been over the code.

One project deploys from Python and by a `prefect.yaml`: to a 2.20 server as it is, and fixed to a 3.x server. What a 2.20 without the setting for events makes is asked first.
"""

from __future__ import annotations

import functools
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migrator.config import Settings
from tests.support.environments import PREFECT_2, PREFECT_3, environment
from tests.support.recording import fix
from tests.support.servers import Server, create_process_pool, server

pytestmark = pytest.mark.prefect

EVENTS = {"PREFECT_EXPERIMENTAL_EVENTS": "true"}
FLOWS = """
from prefect import flow


@flow
def etl(table: str = "orders"):
    return table
"""
DEPLOY = """
from datetime import timedelta

from prefect.deployments import Deployment
from prefect.events import DeploymentCompoundTrigger, DeploymentEventTrigger, DeploymentSequenceTrigger, EventTrigger
from prefect.events.schemas.deployment_triggers import DeploymentTrigger

from flows import etl

LANDED = DeploymentTrigger(
    name="landed",
    description="A file",
    match={"prefect.resource.id": "bucket.*"},
    match_related={"prefect.resource.role": "bucket"},
    after={"begun"},
    expect={"landed"},
    for_each={"prefect.resource.id"},
    threshold=2,
    within=timedelta(seconds=60),
    parameters={"table": "{{ event.payload.table }}"},
    job_variables={"env": {"A": "a"}},
)
IN_AN_HOUR = timedelta(hours=1)
PARTS = [EventTrigger(expect={"a"}), EventTrigger(expect={"b"})]

if __name__ == "__main__":
    Deployment.build_from_flow(
        etl,
        "old",
        work_pool_name="local",
        triggers=[LANDED, DeploymentTrigger(posture="Proactive", expect={"beat"}, enabled=False)],
        apply=True,
    )
    typed = Deployment.build_from_flow(
        etl,
        "typed",
        work_pool_name="local",
        triggers=[
            DeploymentEventTrigger(match={"prefect.resource.id": ["a", "b"]}, expect={"x"}, threshold=3, within=timedelta(seconds=5)),
            DeploymentCompoundTrigger(name="all of them", require="all", within=IN_AN_HOUR, triggers=PARTS),
            DeploymentSequenceTrigger(name="in turn", within=IN_AN_HOUR, triggers=PARTS),
        ],
    )
    typed.apply()
    Deployment.build_from_flow(
        etl,
        "dictionaries",
        work_pool_name="local",
        triggers=[
            {"match": {"prefect.resource.id": "a.*"}, "expect": ["landed"], "within": 30, "enabled": False},
            {"posture": "Proactive", "expect": ["beat"], "within": 60, "name": "quiet"},
            {"type": "compound", "require": 1, "within": 60, "triggers": [{"type": "event", "expect": ["a"]}]},
            {"require": "any", "within": 60, "name": "untyped", "triggers": [{"expect": ["a"]}]},
        ],
        apply=True,
    )
"""
METRIC = """
from datetime import timedelta

from prefect.deployments import Deployment
from prefect.events.schemas.automations import MetricTriggerQuery
from prefect.events.schemas.deployment_triggers import DeploymentTrigger

from flows import etl

query = MetricTriggerQuery(
    name="successes", threshold=0.5, operator="<", range=timedelta(minutes=10), firing_for=timedelta(minutes=6)
)

if __name__ == "__main__":
    slow = DeploymentTrigger(name="slow", posture="Metric", metric=query)
    Deployment.build_from_flow(etl, "metric", work_pool_name="local", triggers=[slow], apply=True)
"""
FILE = """
name: etl
deployments:
- name: file
  entrypoint: flows.py:etl
  work_pool: {name: local}
  triggers:
  - match:
      prefect.resource.id: bucket.*
    after: [begun]
    expect: [landed]
    for_each: [prefect.resource.id]
    threshold: 2
    within: 60
    parameters:
      table: "{{ event.payload.table }}"
  - name: quiet file
    enabled: false
    posture: Proactive
    expect: [beat]
    within: 60
  - type: compound
    require: all
    within: 60
    job_variables: {env: {A: a}}
    triggers:
    - {type: event, expect: [a]}
    - {type: event, expect: [b]}
"""


@dataclass(frozen=True)
class Observed:
    """What came of the project on a server."""

    automations: Mapping[tuple[str, str], Mapping[str, Any]]
    """By the names of the deployment and of the automation."""
    silent: int
    """How many automations there were after the same program without `PREFECT_EXPERIMENTAL_EVENTS`."""
    metric: str
    """The end of what the program with a metric trigger said; empty where it went well."""
    deployments: frozenset[str]


@functools.cache
def observe(version: str) -> Observed:
    """Deploys the project to this version's server, fixed where it is a 3.x."""
    env = environment(version)
    old = env.major == 2
    with (
        tempfile.TemporaryDirectory(prefix="triggers-") as directory,
        server(env, settings=EVENTS if old else {}) as run,
    ):
        root = Path(directory).resolve()
        (root / "pyproject.toml").touch()
        for name, text in (("flows", FLOWS), ("deploy", DEPLOY), ("metric", METRIC)):
            (root / f"{name}.py").write_text(text)
        (root / "prefect.yaml").write_text(FILE)
        if not old:
            fix([str(root)], Settings(target="3", unsafe_fixes=True))
        create_process_pool(run, "local")
        variables = EVENTS if old else {}
        silent = 0
        if old:
            for program in ("deploy.py", "metric.py"):
                done = run.run([program], cwd=root)
                assert done.returncode == 0, done.stderr[-4000:]
            silent = len(run.request("POST", "automations/filter", {}))
        for done in (
            run.run(["deploy.py"], cwd=root, variables=variables),
            run.prefect(["--no-prompt", "deploy", "--all"], cwd=root, variables=variables),
        ):
            assert done.returncode == 0, f"{(root / 'deploy.py').read_text()}{done.stdout}{done.stderr[-4000:]}"
        automations = _automations(run)
        refused = run.run(["metric.py"], cwd=root, variables=variables)
        names = frozenset(found["name"] for found in run.request("POST", "deployments/filter", {}))
        return Observed(automations, silent, refused.stderr if refused.returncode else "", names)


def _automations(running: Server) -> dict[tuple[str, str], dict[str, Any]]:
    """The automations, with the names of deployments in place of their ids, and without what the server adds of its own."""
    deployments = {found["id"]: found["name"] for found in running.request("POST", "deployments/filter", {})}
    text = json.dumps(running.request("POST", "automations/filter", {}))
    for key, name in deployments.items():
        text = text.replace(key, name)
    found = {}
    for automation in json.loads(text):
        plain = _plain({key: automation[key] for key in ("name", "description", "enabled", "trigger", "actions")})
        found[plain["actions"][0]["deployment_id"], plain["name"]] = plain
    return found


def _plain(value: Any) -> Any:
    """Without ids, which are new each time, and without the delay of an action, which 2.x does not have and 3.x sets to nothing."""
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {
            key: _plain(part) for key, part in value.items() if key != "id" and (key, part) != ("schedule_after", 0)
        }
    return value


OTHERWISE = (("old", "landed"), ("dictionaries", "untyped"))


def test_fixed_code_makes_the_automations_that_2_made() -> None:
    before, after = observe(PREFECT_2).automations, observe(PREFECT_3).automations
    assert set(before) == set(after)
    assert len(before) == 12
    assert {key: after[key] for key in after if key not in OTHERWISE} == {
        key: before[key] for key in before if key not in OTHERWISE
    }


def test_description_of_a_trigger_is_kept_by_3_alone() -> None:
    before, after = (observe(version).automations["old", "landed"] for version in (PREFECT_2, PREFECT_3))
    assert (before["description"], after["description"]) == ("", "A file")
    assert {**before, "description": ""} == {**after, "description": ""}
    assert after["trigger"]["match_related"] == {"prefect.resource.role": "bucket"}
    assert after["actions"][0]["parameters"] == {"table": "{{ event.payload.table }}"}
    assert after["actions"][0]["job_variables"] == {"env": {"A": "a"}}


def test_compound_trigger_without_its_type_was_one_for_every_event_on_2() -> None:
    before, after = (observe(version).automations["dictionaries", "untyped"] for version in (PREFECT_2, PREFECT_3))
    assert (before["trigger"]["type"], before["trigger"]["expect"]) == ("event", [])
    assert (after["trigger"]["type"], after["trigger"]["require"]) == ("compound", "any")


def test_server_of_2_makes_no_automations_without_its_setting_for_events() -> None:
    assert observe(PREFECT_2).silent == 0


@pytest.mark.parametrize("version", [PREFECT_2, PREFECT_3])
def test_metric_trigger_is_refused_by_a_server_after_the_deployment_is_registered(version: str) -> None:
    observed = observe(version)
    assert "422" in observed.metric
    assert "metric" in observed.deployments
    assert ("metric", "slow") not in observed.automations

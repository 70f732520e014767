"""Every name in the data against the real import: nothing that fails goes unseen, nothing that works is accused.

On each real release each name of each module is imported by `from module import name`, and each member of each class is
asked for. The data has to say the same, and `check` has to report an error at exactly those imports that fail.
"""

from __future__ import annotations

import json
import keyword
import os
import random
import subprocess
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import pytest

from migrator.config import Settings
from migrator.findings import Severity
from migrator.knowledge.api import api
from migrator.knowledge.generate import probe
from migrator.knowledge.generate.environments import installed
from migrator.run import check_source
from tests.support.environments import VERSIONS, environment

OF_2 = [version for version in VERSIONS if version.startswith("2.")]
OF_3 = [version for version in VERSIONS if version.startswith("3.")]
NAMES = ("PF101", "PF102", "PF103", "PF104", "PF105")
RULES_OF_THEIR_OWN = {
    "prefect.task_runners": {"SequentialTaskRunner", "BaseTaskRunner", "TaskConcurrencyType"},
    "prefect.deployments": {"Deployment"},
    "prefect.deployments.deployments": {"Deployment"},
}
"""Names that PF2xx and PF3xx report, with a fix that is more than another name."""


def names_of(root: str) -> dict[str, list[str]]:
    """Every module below a root, with every name that any release has in it."""
    data = api()
    return {
        module: [name for name in data.exports(module, data.everything) if not keyword.iskeyword(name)]
        for module in data.modules
        if module.partition(".")[0] == root
    }


def asked(version: str, questions: Mapping[str, Any]) -> Any:
    """What the probe answers in a real environment."""
    if version in VERSIONS:
        python = environment(version).python
        with environment(version).home() as home:
            variables = environment(version).variables(home)
            done = subprocess.run(
                [str(python), probe.__file__, "ask"],
                input=json.dumps(questions),
                capture_output=True,
                text=True,
                env=variables,
            )
    else:
        python = installed(version)
        done = subprocess.run(
            [str(python), probe.__file__, "ask"], input=json.dumps(questions), capture_output=True, text=True
        )
    assert done.stdout, done.stderr[-2000:]
    return json.loads(done.stdout)


def wants_another_package(error: str) -> bool:
    """Whether an import failed only because the environment lacks something that is not Prefect's."""
    missing = error.partition("No module named '")[2].partition("'")[0]
    return bool(missing and missing.partition(".")[0] != "prefect") or "must be installed" in error


def importable(version: str, names: Mapping[str, list[str]]) -> dict[str, bool]:
    """For each dotted name whether a real release imports it; names that the environment cannot tell of are left out."""
    found = {}
    for module, answer in asked(version, {"names": names})["names"].items():
        if wants_another_package(answer.get("error") or ""):
            continue
        found[module] = "error" not in answer
        for name in names[module]:
            said = answer.get("names", {}).get(name, answer)
            if not wants_another_package(said.get("error") or ""):
                found[f"{module}.{name}"] = "error" not in said
    return found


@cache
def truth(version: str) -> dict[str, bool]:
    return importable(version, names_of("prefect"))


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def bit(version: str) -> int:
    return 1 << api().labels.index(minor(version))


@pytest.mark.prefect
@pytest.mark.parametrize("version", VERSIONS)
def test_data_say_what_the_import_says(version: str) -> None:
    wrong = [
        dotted
        for dotted, imports in truth(version).items()
        if (life := api().life(dotted)) is not None and bool(life.releases & bit(version)) != imports
    ]
    assert len(truth(version)) > 5_000
    assert not wrong, wrong[:20]


@pytest.mark.prefect
@pytest.mark.parametrize("version", VERSIONS)
def test_data_say_which_members_a_class_has(version: str) -> None:
    data = api()
    wanted: dict[str, list[str]] = {}
    for home in data.classes:
        klass = data.klass(home)
        if home.partition(".")[0] == "prefect" and klass is not None and klass.releases & bit(version):
            wanted[home] = sorted({name for each, _ in data.lineage(home) for name in each.members})
    answers = asked(version, {"members": wanted})["members"]
    accused, unseen = [], []
    for home, names in wanted.items():
        for name in names:
            member = data.member(home, name)
            if answers.get(home) is None or member is None:
                continue
            if answers[home][name] and not member[0] & bit(version):
                accused.append(f"{home}.{name}")
            if not answers[home][name] and member[0] & bit(version) and not _given_to_instances(home, name, version):
                unseen.append(f"{home}.{name}")
    assert sum(map(len, wanted.values())) > 1_000
    assert not accused, accused[:20]
    assert not unseen, unseen[:20]


def _given_to_instances(home: str, name: str, version: str) -> bool:
    """Whether a member is a bare attribute, as those that methods assign to `self`: an import cannot see these."""
    entries = (klass.members[name] for klass, _ in api().lineage(home) if name in klass.members)
    return any(
        entry.kind(bit(version)) is None and not (entry.call and entry.call.releases & bit(version))
        for entry in entries
    )


def accused(names: Mapping[str, Iterable[str]], target: str) -> dict[str, set[str]]:
    """For each module the names at whose import `check` reports an error."""
    found: dict[str, set[str]] = {}
    for module, wanted in names.items():
        lines = [f"from {module} import {name}" for name in wanted]
        report = check_source("\n".join(lines).encode(), "flows.py", Settings(target=target, select=NAMES))
        assert report.failure is None
        errors = (finding for finding in report.findings if finding.severity is Severity.ERROR)
        found[module] = {report.text[finding.start : finding.end] for finding in errors}
    return found


@pytest.mark.prefect
@pytest.mark.parametrize("version", OF_3)
def test_check_reports_an_error_at_the_imports_that_fail_and_at_no_other(version: str) -> None:
    """Recall 100 %, false errors none: every import of a name that some Prefect has, on every 3.x minor."""
    names = names_of("prefect")
    reported = accused(names, minor(version))
    false, missed = [], []
    for module, wanted in names.items():
        for name in wanted:
            imports = truth(version).get(f"{module}.{name}")
            if imports is None or name in RULES_OF_THEIR_OWN.get(module, ()):
                continue
            if imports and name in reported[module]:
                false.append(f"{module}.{name}")
            if not imports and name not in reported[module]:
                missed.append(f"{module}.{name}")
    assert not false, false[:20]
    assert not missed, missed[:20]


@pytest.mark.prefect
def test_newest_release_is_what_target_3_means() -> None:
    sample = {module: names for module, names in names_of("prefect").items() if module.count(".") == 1}
    assert accused(sample, "3") == accused(sample, minor(VERSIONS[-1]))


@pytest.mark.prefect
@pytest.mark.skipif(not os.environ.get("MIGRATOR_TEST_ALL_VERSIONS"), reason="installs every integration")
@pytest.mark.parametrize(("version", "release"), [("integrations-2.20.26", 0), ("integrations-3.8.8", 1)])
def test_data_of_integrations_say_what_the_import_says(version: str, release: int) -> None:
    data = api()
    mask = data.newest if release else data.last_of_2
    wrong = []
    for root in sorted(data.roots - {"prefect"}):
        for dotted, imports in importable(version, names_of(root)).items():
            life = data.life(dotted)
            if life is not None and bool(life.releases & mask) != imports:
                wrong.append(dotted)
    assert not wrong, wrong[:20]


def test_sample_of_all_names_gets_the_verdict_that_the_data_ask_for() -> None:
    data = api()
    everything = [(module, name) for module, names in names_of("prefect").items() for name in names]
    sample = random.Random(3).sample(everything, 1_500)
    names: dict[str, list[str]] = {}
    for module, name in sample:
        if name not in RULES_OF_THEIR_OWN.get(module, ()):
            names.setdefault(module, []).append(name)
    for target, mask in (("3", data.newest), ("3.0", data.minor(0)), ("3.4", data.minor(4))):
        for module, reported in accused(names, target).items():
            for name in names[module]:
                life = data.life(f"{module}.{name}")
                assert life is None or (name in reported) == (not life.releases & mask), (target, module, name)

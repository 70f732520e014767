"""The scenarios: what is reported of each, and, on real Prefects, that the fix brings back what Prefect 2 did."""

from __future__ import annotations

import re

import pytest

from migrator.config import Settings
from migrator.findings import Applicability
from tests.support.recording import check_source
from tests.support.scenarios import (
    MEASURED,
    TARGETS,
    Scenario,
    differences,
    everything,
    mended,
    reported,
    scenarios,
    table,
)

every_scenario = pytest.mark.parametrize("scenario", scenarios(), ids=lambda each: each.name)


@every_scenario
@pytest.mark.parametrize("text", TARGETS)
def test_what_changes_is_reported(scenario: Scenario, text: str) -> None:
    assert scenario.codes
    assert set(scenario.codes) <= reported(scenario, TARGETS[text])


@every_scenario
@pytest.mark.parametrize("text", TARGETS)
def test_what_was_fixed_is_not_reported_again_and_stays(scenario: Scenario, text: str) -> None:
    target = TARGETS[text]
    once = mended(scenario, target)
    left = check_source(once.encode(), scenario.path.name, Settings(target=target)).findings
    assert not [each for each in left if each.fix and each.fix.applicability >= Applicability.SAFE]
    if text in scenario.fixed:
        assert once != scenario.path.read_text(encoding="utf-8")
        assert not {each.code for each in left} & set(scenario.codes)


@pytest.mark.prefect
@every_scenario
def test_fixed_code_does_on_prefect_3_what_it_did_on_prefect_2(scenario: Scenario) -> None:
    assert differences(scenario, everything()) == []


@pytest.mark.prefect
def test_the_table_of_the_docs_has_what_is_observed() -> None:
    kept, now = (
        _without_what_is_lost(text) for text in (MEASURED.read_text(encoding="utf-8"), table(everything(), scenarios()))
    )
    assert kept == now


def _without_what_is_lost(text: str) -> list[list[str]]:
    """The cells of a table, but for the column of Prefect 3 as it is: how many runs are lost there is a matter of luck."""
    return [re.split(r"(?<!\\)\|", line)[:4] + re.split(r"(?<!\\)\|", line)[5:] for line in text.splitlines()]

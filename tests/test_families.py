"""The advice for whole families of removed names."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.knowledge.families import FAMILIES, family

PREFIXES = sorted(prefix for each in FAMILIES for prefix in each.prefixes)


def test_every_family_gives_advice_and_a_page_of_prefects_own() -> None:
    for each in FAMILIES:
        assert each.prefixes
        assert each.advice.endswith(".")
        assert each.url.startswith("https://docs.prefect.io/")


def test_no_advice_is_given_twice() -> None:
    assert [advice for advice, count in Counter(each.advice for each in FAMILIES).items() if count > 1] == []


def test_a_prefix_belongs_to_one_family() -> None:
    assert [prefix for prefix, count in Counter(PREFIXES).items() if count > 1] == []


def test_no_prefix_is_idle_below_another_of_its_own_family() -> None:
    idle = {
        prefix
        for each in FAMILIES
        for prefix in each.prefixes
        if "." in prefix and family(prefix.rpartition(".")[0]) is each
    }
    assert idle == set()


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_prefix_is_a_dotted_name_of_prefect_or_of_an_integration(prefix: str) -> None:
    top, *rest = prefix.split(".")
    assert top == "prefect" or top.startswith("prefect_")
    assert rest and all(part.isidentifier() for part in rest)


@given(st.sampled_from(PREFIXES), st.text("abcXYZ_", min_size=1, max_size=8))
def test_a_family_has_what_lies_below_its_prefix_and_nothing_beside_it(prefix: str, part: str) -> None:
    own = family(prefix)
    assert own is not None and prefix in own.prefixes
    assert family(f"{prefix}.{part}__") is own
    assert family(f"{prefix}{part}__") is family(prefix.rpartition(".")[0])


def test_the_longest_prefix_wins() -> None:
    engine, helper = family("prefect.engine.begin_flow_run"), family("prefect.engine.link_state_to_result")
    assert engine is not None and helper is not None and engine is not helper
    assert family("prefect.server.services.late_runs.MarkLateRuns") is family("prefect.server.services")
    assert family("prefect.server.services") is not family("prefect.server")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("prefect.agent.submit_flow_run", "prefect worker start"),
        ("prefect.blocks.system.JSON", "Variable.set"),
        ("prefect.cli.kubernetes.manifest_agent", "Helm"),
        ("prefect.context.HAS_PYDANTIC_V2", "Pydantic 2"),
        ("prefect.infrastructure.base.MIN_COMPAT_PREFECT_VERSION", "work pool"),
        ("prefect.orion.models", "prefect.server"),
        ("prefect.server.api.flow_run_notification_policies.router", "automation"),
        ("prefect.settings.PREFECT_EXPERIMENTAL_ENABLE_WORKERS", "remove it"),
    ],
)
def test_removed_names_are_told_what_to_write(name: str, said: str) -> None:
    found = family(name)
    assert found is not None and said in found.advice


@pytest.mark.parametrize(
    "name", ["", "os", "prefect", "prefect.flow", "prefect.orionis", "prefect_aws", "prefect_shell.x"]
)
def test_other_names_have_no_family(name: str) -> None:
    assert family(name) is None

"""Every example on every rule's page, through the whole of `check` and `fix`."""

from __future__ import annotations

import pytest

from migrator.rules import catalogue
from tests.support.examples import Example, FilesExample, files_from_pages, findings_in, from_pages, prove, prove_files


@pytest.mark.parametrize("example", from_pages(), ids=lambda example: example.name)
def test_example_on_the_page_does_what_the_page_says(example: Example) -> None:
    prove(example.before, example.after, select=(example.code,), target=example.target, from_=example.from_)


@pytest.mark.parametrize("example", from_pages(), ids=lambda example: example.name)
def test_use_instead_has_no_finding_of_the_rule(example: Example) -> None:
    found = findings_in(example.after, select=(example.code,), target=example.target, from_=example.from_)
    assert [code for code, _, _ in found] == []


@pytest.mark.parametrize("example", files_from_pages(), ids=lambda example: example.name)
def test_example_of_files_on_the_page_does_what_the_page_says(example: FilesExample) -> None:
    prove_files(example.before, example.after, select=(example.code,), target=example.target)


def test_codes_and_names_are_unique() -> None:
    rules = catalogue()
    assert len({rule.code for rule in rules}) == len({rule.name for rule in rules}) == len(rules)


@pytest.mark.parametrize("rule", catalogue(), ids=lambda rule: rule.code)
def test_page_has_a_summary_and_says_how_safe_its_fixes_are(rule) -> None:  # type: ignore[no-untyped-def]
    assert rule.summary.endswith(".")
    assert "## Fix safety" in rule.page
    assert rule.url.startswith("https://docs.prefect.io/v3/")
    if "safe" in rule.fixes:
        assert ("## Example" in rule.page and "## Use instead" in rule.page) or rule.fixes.startswith(("safe or none",))

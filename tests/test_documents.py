"""The documents say what the code does."""

from __future__ import annotations

from tests.support.documents import PAGES, README, pages, readme


def test_readme_has_the_tables_that_the_code_makes() -> None:
    text = README.read_text(encoding="utf-8")
    assert readme(text) == text, "run python -m tests.support.documents"


def test_the_page_of_each_rule_is_in_the_document() -> None:
    assert PAGES.read_text(encoding="utf-8") == pages(), "run python -m tests.support.documents"

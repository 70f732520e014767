"""The documents say what the code does."""

from __future__ import annotations

from migrator.knowledge.generate.environments import releases
from tests.support.compat_programs import HEAD, MEASURED
from tests.support.documents import DEPLOYMENTS, PAGES, README, SILENCE, deployments, pages, readme, silence


def test_readme_has_the_tables_that_the_code_makes() -> None:
    text = README.read_text(encoding="utf-8")
    assert readme(text) == text, "run python -m tests.support.documents"


def test_the_document_on_deployments_has_the_tables_that_the_code_makes() -> None:
    text = DEPLOYMENTS.read_text(encoding="utf-8")
    assert deployments(text) == text, "run python -m tests.support.documents"


def test_the_page_of_each_rule_is_in_the_document() -> None:
    assert PAGES.read_text(encoding="utf-8") == pages(), "run python -m tests.support.documents"


def test_compat_was_run_on_every_release_and_none_differs() -> None:
    first, second, *rows = MEASURED.read_text(encoding="utf-8").splitlines()
    assert (first, second) == HEAD
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert [row[0] for row in cells] == releases()
    assert [row[-1] for row in cells] == ["0"] * len(cells)


def test_the_table_of_what_changes_in_silence_is_the_measured_one() -> None:
    text = SILENCE.read_text(encoding="utf-8")
    assert silence(text) == text, "run python -m tests.support.documents"

"""The fixture projects: fixed to the expected text, and run for real before and after."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from migrator.config import Settings, load, merge
from migrator.findings import Applicability, FileReport
from tests.support.fixtures import FIXTURES, Fixture, Run, all_fixtures, all_runs, files_of, observe, table
from tests.support.recording import check, fix

ALL = all_fixtures()
REWRITTEN = [
    pytest.param(fixture, variant, id=f"{fixture.name}-{variant}")
    for fixture in ALL
    for variant in fixture.variants
    if variant != "before" and "before" in fixture.variants
]
MIGRATED = [
    pytest.param(fixture, variant, id=f"{fixture.name}-{variant}")
    for fixture in ALL
    for variant in fixture.variants
    if variant != "before"
]
RUNS = [pytest.param(run, id=str(run)) for fixture in ALL for run in all_runs(fixture)]


def settings_for(fixture: Fixture, variant: str) -> Settings:
    """The options that make a variant from `before/`: those of the project's own `[tool.migrator]`, and these."""
    target = "both" if variant == "both" else fixture.target
    options = {"target": target, "unsafe_fixes": fixture.unsafe, "work_pool": fixture.work_pool}
    return merge(load(str(fixture.root / variant)), options)


def copied(fixture: Fixture, variant: str, directory: Path) -> Path:
    """A copy of a variant that looks like a project of its own."""
    project = directory / "project"
    shutil.copytree(fixture.root / variant, project)
    (directory / "pyproject.toml").write_text("")
    return project


def codes(reports: list[FileReport]) -> list[str]:
    """The codes of all findings, each once."""
    return sorted({finding.code for report in reports for finding in report.findings})


def text_of(reports: list[FileReport]) -> str:
    """All findings, for a failing test's message."""
    return "\n".join(
        f"{Path(report.path).name}: {finding.code} {finding.message}"
        for report in reports
        for finding in report.findings
    )


@pytest.mark.parametrize(("fixture", "variant"), REWRITTEN)
def test_fix_makes_the_expected_text_of_every_file(fixture: Fixture, variant: str, tmp_path: Path) -> None:
    project = copied(fixture, "before", tmp_path)
    reports = fix([str(project)], settings_for(fixture, variant), write=True)
    assert [report.failure for report in reports if report.failure] == []
    assert files_of(project) == files_of(fixture.root / variant)


@pytest.mark.parametrize(("fixture", "variant"), REWRITTEN)
def test_fix_without_writing_reports_the_same_text_and_leaves_the_files(
    fixture: Fixture, variant: str, tmp_path: Path
) -> None:
    project = copied(fixture, "before", tmp_path)
    reports = fix([str(project)], settings_for(fixture, variant), write=False)
    assert files_of(project) == files_of(fixture.root / "before")
    expected = files_of(fixture.root / variant)
    before = files_of(project)
    changed = {name for name in {*before, *expected} if before.get(name) != expected.get(name)}
    reported = {Path(report.path).relative_to(project).as_posix(): report for report in reports}
    assert {name for name, report in reported.items() if report.before is not None} == changed
    assert {name for name in changed if reported[name].removed} == before.keys() - expected.keys()
    assert {name: reported[name].text.encode() for name in changed} == {
        name: expected.get(name, b"") for name in changed
    }


@pytest.mark.parametrize(("fixture", "variant"), REWRITTEN)
def test_check_promises_every_edit_that_fix_makes(fixture: Fixture, variant: str, tmp_path: Path) -> None:
    project = copied(fixture, "before", tmp_path)
    settings = settings_for(fixture, variant)
    promised = {
        report.path
        for report in check([str(project)], settings)
        for finding in report.findings
        if finding.fix is not None and (settings.unsafe_fixes or finding.fix.applicability is Applicability.SAFE)
    }
    changed = {report.path for report in fix([str(project)], settings, write=False) if report.before}
    assert changed == promised or {path for path in changed if not path.endswith("prefect.yaml")} == promised


@pytest.mark.parametrize(("fixture", "variant"), MIGRATED)
def test_a_second_fix_changes_nothing(fixture: Fixture, variant: str, tmp_path: Path) -> None:
    project = copied(fixture, variant, tmp_path)
    reports = fix([str(project)], settings_for(fixture, variant), write=True)
    assert [report.path for report in reports if report.before is not None or report.applied] == []
    assert files_of(project) == files_of(fixture.root / variant)


@pytest.mark.parametrize(("fixture", "variant"), MIGRATED)
def test_check_reports_only_what_is_declared_as_left(fixture: Fixture, variant: str, tmp_path: Path) -> None:
    project = copied(fixture, variant, tmp_path)
    settings = settings_for(fixture, variant)
    reports = check([str(project)], settings)
    left = fixture.left_both if variant == "both" else fixture.left
    assert codes(reports) == sorted(left), text_of(reports)
    mendable = [
        finding
        for report in reports
        for finding in report.findings
        if finding.fix is not None and (settings.unsafe_fixes or finding.fix.applicability is Applicability.SAFE)
    ]
    assert mendable == []


@pytest.mark.parametrize("fixture", [pytest.param(fixture, id=fixture.name) for fixture in ALL])
def test_every_file_of_a_fixture_parses_and_the_variants_have_the_same_files(fixture: Fixture) -> None:
    names = set()
    for variant in fixture.variants:
        files = files_of(fixture.root / variant)
        names.add(frozenset(name for name in files if not name.endswith((".yaml", ".yml"))))
        for name, data in files.items():
            if name.endswith(".py"):
                ast.parse(data, name)
            elif name.endswith((".yaml", ".yml")):
                YAML(typ="safe").load(data)
    assert len(names) == 1


@pytest.mark.parametrize("fixture", [pytest.param(fixture, id=fixture.name) for fixture in ALL])
def test_every_declared_difference_concerns_a_run_and_says_why(fixture: Fixture) -> None:
    runs = all_runs(fixture)
    for difference in fixture.differences:
        assert difference.reason
        concerned = [run for run in runs if difference.holds_for(run.variant, run.version)]
        assert concerned, f"{difference.path} of {fixture.name} is declared for no run"
        assert len(concerned) < len(runs), f"{difference.path} of {fixture.name} differs nowhere"


def test_the_readme_has_the_table_of_fixtures_as_it_is_now() -> None:
    readme = FIXTURES.parent / "README.md"
    assert table(ALL) in readme.read_text(encoding="utf-8")


@pytest.mark.prefect
@pytest.mark.parametrize("run", RUNS)
def test_what_the_scenario_observes_on_the_real_prefect(run: Run) -> None:
    assert observe(run) == run.fixture.expected(run.variant, run.version)

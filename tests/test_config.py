from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.config import (
    ConfigError,
    Settings,
    check_selectors,
    enabled,
    from_version,
    load,
    merge,
    target_version,
)
from migrator.findings import Severity

ROOT = Path(__file__).resolve().parents[1]
CODES = ("PF001", "PF101", "PF102", "PF110", "PF201")


def configure(directory: Path, text: str, name: str = "pyproject.toml") -> str:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return str(path)


# -- the file


def test_no_file_leaves_the_defaults(tmp_path: Path) -> None:
    assert load(str(tmp_path)) == {}
    assert merge({}, {}) == Settings(
        target="3",
        from_=None,
        select=(),
        ignore=(),
        exclude=(),
        output_format="full",
        output=None,
        statistics=False,
        quiet=False,
        fail_on=Severity.WARNING,
        jobs=None,
        unsafe_fixes=False,
        annotate=False,
        exclude_root=None,
    )


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        merge({}, {}).target = "both"  # type: ignore[misc]


def test_every_setting_is_read(tmp_path: Path) -> None:
    configure(
        tmp_path,
        """
        [tool.migrator]
        target = "3.10"
        from = "2.16.9"
        select = ["PF1", "PF201"]
        ignore = ["PF101"]
        exclude = ["legacy", "/docs/*.py"]
        output-format = "json"
        output = "report.json"
        statistics = true
        quiet = true
        fail-on = "info"
        jobs = 4
        unsafe-fixes = true
        annotate = true
        """,
    )
    assert merge(load(str(tmp_path)), {}) == Settings(
        target="3.10",
        from_="2.16.9",
        select=("PF1", "PF201"),
        ignore=("PF101",),
        exclude=("legacy", "/docs/*.py"),
        output_format="json",
        output="report.json",
        statistics=True,
        quiet=True,
        fail_on=Severity.INFO,
        jobs=4,
        unsafe_fixes=True,
        annotate=True,
        exclude_root=str(tmp_path),
    )


@pytest.mark.parametrize("start", ["", "src", "src/flows", "src/flows/etl.py", "src/missing/etl.py"])
def test_nearest_file_with_the_table_is_read(tmp_path: Path, start: str) -> None:
    project = tmp_path / "project"
    configure(project.joinpath("src", "flows"), "[project]\nname = 'prefect-migrator'\n")
    configure(project, '[tool.migrator]\ntarget = "both"\n')
    configure(tmp_path, '[tool.migrator]\ntarget = "3.1"\n')
    project.joinpath("src", "flows", "etl.py").touch()
    assert load(str(project / start)) == {"target": "both"}


def test_nearer_table_hides_the_one_above(tmp_path: Path) -> None:
    configure(tmp_path, '[tool.migrator]\ntarget = "both"\n')
    configure(tmp_path / "src", "[tool.migrator]\n")
    assert load(str(tmp_path / "src")) == {}


def test_relative_start_is_below_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, "[tool.migrator]\njobs = 2\n")
    (tmp_path / "src").mkdir()
    monkeypatch.chdir(tmp_path / "src")
    assert load("flow.py") == load(os.curdir) == {"jobs": 2}


def test_broken_file_of_others_does_not_matter(tmp_path: Path) -> None:
    configure(tmp_path, "[tool.other\n")
    assert load(str(tmp_path)) == {}


def test_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    configure(tmp_path, "\ufeff[tool.migrator]\r\nquiet = true\r\n")
    assert load(str(tmp_path)) == {"quiet": True}


def test_file_of_the_command_line_is_read_instead_of_the_nearest(tmp_path: Path) -> None:
    configure(tmp_path, '[tool.migrator]\ntarget = "both"\n')
    other = configure(tmp_path / "ci", "[tool.migrator]\njobs = 1\n", "strict.toml")
    assert load(str(tmp_path), other) == {"jobs": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[project]\n", r"has no \[tool.migrator\]"),
        ("# migrator\n[project]\n", r"has no \[tool.migrator\]"),
        ("[tool.migrator\n", "is not TOML: .*line 1"),
        ("tool = 'migrator'\n", r"has no \[tool.migrator\]"),
        ("[tool]\nmigrator = 'strict'\n", 'tool.migrator is to be a table, not "strict"'),
    ],
)
def test_file_that_cannot_be_used_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = configure(tmp_path, text)
    with pytest.raises(ConfigError, match=message) as caught:
        load(str(tmp_path), path)
    assert str(caught.value).startswith(f"{path}: ")


def test_missing_file_of_the_command_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.toml: cannot be read: No such file"):
        load(str(tmp_path), str(tmp_path / "missing.toml"))


def test_file_that_is_no_utf_8_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"[tool.migrator]\n# \xe9\n")
    with pytest.raises(ConfigError, match=r"is not TOML: .*utf-8"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "targt = '3'",
            r"tool.migrator has no setting `targt` \(did you mean `target`\?\); there are annotate, compat, exclude,",
        ),
        ("output_format = 'json'", r"has no setting `output_format` \(did you mean `output-format`\?\)"),
        ("unsafe_fixes = true", r"did you mean `unsafe-fixes`\?"),
        ("exclude-root = '.'", "has no setting `exclude-root`"),
        ("zzz = 1", "has no setting `zzz`; there are"),
        ("target = 3.10", r'tool.migrator.target: is to be in quotes, as in "3.1"'),
        ("target = 3", 'tool.migrator.target: is to be "3", "3.N" as in "3.4", or "both", not 3$'),
        ("target = '2'", 'not "2"'),
        ("target = '3.4.25'", 'not "3.4.25"'),
        ("target = '3.04'", 'not "3.04"'),
        ("target = '3.4\\n'", "target: is to be"),
        ("target = '4'", 'not "4"'),
        ("from = '3.0'", r'tool.migrator.from: is to be the Prefect 2 .* "2.16.9" .*, not "3.0"; leave it out where'),
        ("from = '2'", '"2.N" or "2.N.P" .*, not "2"; leave it out'),
        ("from = 2", "tool.migrator.from: is to be the Prefect 2 .*, not 2; leave it out"),
        ("from = 2.20", 'tool.migrator.from: is to be in quotes, as in "2.20", since 2.20 without them is 2.2$'),
        ("from = 'abc'", 'not "abc"'),
        ("from = ''", 'not ""'),
        ("from = '2.20.26.1'", 'not "2.20.26.1"'),
        ("from = '2.016'", 'not "2.016"'),
        ("from = '2.169'", r'\(the last is 2.20\), not "2.169"'),
        ("from = '2.21'", 'not "2.21"'),
        ("from = '2.0b1'", 'not "2.0b1"'),
        ("from = '>=2.13'", 'not ">=2.13"'),
        ('from = "2.13\\n"', r'not "2.13\\n"; leave'),
        ("from_ = '2.13'", r"has no setting `from_` \(did you mean `from`\?\)"),
        ("select = 'PF1'", 'tool.migrator.select: is to be a list of strings, not "PF1"'),
        ("ignore = [1]", r"tool.migrator.ignore: is to be a list of strings, not \[1\]"),
        ("exclude = 'tests'", "tool.migrator.exclude: is to be a list of strings"),
        ("exclude = ['!']", "tool.migrator.exclude: the pattern '!' cannot be read"),
        ("output-format = 'jsn'", r'output-format: is to be one of full, .*, not "jsn" \(did you mean `json`\?\)'),
        ("output-format = 1", "is to be one of full, .*, not 1$"),
        ("output = ''", 'tool.migrator.output: is to be a string, not ""'),
        ("statistics = 'yes'", 'tool.migrator.statistics: is to be true or false, not "yes"'),
        ("quiet = 1", "tool.migrator.quiet: is to be true or false, not 1"),
        ("fail-on = 'warn'", r"fail-on: is to be one of error, warning, info, not .*\(did you mean `warning`\?\)"),
        ("compat = ''", 'tool.migrator.compat: is to be the dotted name of a package, .*, not ""'),
        ("compat = 'shop/_prefect_compat'", 'dotted name of a package, .*, not "shop/_prefect_compat"'),
        ("compat = 'shop.class'", 'not "shop.class"'),
        ("compat = '.relative'", 'not ".relative"'),
        ("jobs = 0", "tool.migrator.jobs: is to be a whole number from 1 on, not 0"),
        ("jobs = true", "tool.migrator.jobs: is to be a whole number from 1 on, not true"),
        ("jobs = '2'", "tool.migrator.jobs: is to be a whole number"),
    ],
)
def test_setting_that_is_not_allowed_is_named_with_its_file(tmp_path: Path, line: str, message: str) -> None:
    path = configure(tmp_path, f"[tool.migrator]\n{line}\n")
    with pytest.raises(ConfigError, match=message) as caught:
        load(str(tmp_path))
    assert str(caught.value).startswith(f"{path}: tool.migrator")


# -- the command line


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    configure(
        tmp_path, '[tool.migrator]\ntarget = "both"\nselect = ["PF1"]\nquiet = true\nfail-on = "error"\njobs = 4\n'
    )
    options = {"target": "3.4", "select": ["PF2"], "quiet": False, "fail_on": "info", "jobs": None}
    assert merge(load(str(tmp_path)), options) == Settings(
        target="3.4", select=("PF2",), quiet=False, fail_on=Severity.INFO, jobs=4
    )


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_option_that_is_not_given_leaves_the_file(nothing: object) -> None:
    settings = merge(
        {"select": ("PF1",), "exclude": ("a",), "exclude_root": "/x"}, {"select": nothing, "exclude": nothing}
    )
    assert (settings.select, settings.exclude, settings.exclude_root) == (("PF1",), ("a",), "/x")


def test_excluded_patterns_of_the_command_line_are_relative_to_the_current_directory() -> None:
    settings = merge({"exclude": ("a",), "exclude_root": "/x"}, {"exclude": ["b"]})
    assert (settings.exclude, settings.exclude_root) == (("b",), None)


def test_codes_may_be_separated_by_commas() -> None:
    assert merge({}, {"select": ["PF1, PF2", "PF3,"]}).select == ("PF1", "PF2", "PF3")


def test_severity_may_be_given_as_such() -> None:
    assert merge({}, {"fail_on": Severity.ERROR}).fail_on is Severity.ERROR


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "2"}, "--target: is to be"),
        ({"from_": "3.0"}, '--from: is to be the Prefect 2 that the code was written for, .*, not "3.0"'),
        ({"from_": ""}, '--from: is to be the Prefect 2 .*, not ""'),
        ({"output_format": "xml"}, "--output-format: is to be one of full"),
        ({"fail_on": "fatal"}, "--fail-on: is to be one of error, warning, info"),
        ({"jobs": 0}, "--jobs: is to be"),
        ({"exclude": [" "]}, "--exclude: the pattern ' ' cannot be read"),
    ],
)
def test_option_that_is_not_allowed_is_named(options: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        merge({}, options)


@pytest.mark.parametrize(("target", "version"), [("3", None), ("both", None), ("3.0", (3, 0)), ("3.14", (3, 14))])
def test_target_names_a_version_or_none(target: str, version: tuple[int, int] | None) -> None:
    assert merge({}, {"target": target}).target == target
    assert target_version(target) == version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("2.0", (2, 0, 0)),
        ("2.16", (2, 16, 0)),
        ("2.16.9", (2, 16, 9)),
        ("2.16.10", (2, 16, 10)),
        ("2.20.26", (2, 20, 26)),
    ],
)
def test_from_names_a_release_of_prefect_2(text: str, version: tuple[int, int, int]) -> None:
    assert merge({"from_": "2.13"}, {"from_": text}).from_ == text
    assert from_version(text) == version


@pytest.mark.parametrize("nothing", [None, []])
def test_from_of_the_file_holds_where_the_option_is_not_given(tmp_path: Path, nothing: object) -> None:
    configure(tmp_path, '[tool.migrator]\nfrom = "2.13"\n')
    assert merge(load(str(tmp_path)), {"from_": nothing}).from_ == "2.13"
    assert merge(load(str(tmp_path)), {"from_": "2.20"}).from_ == "2.20"


# -- which rules


@pytest.mark.parametrize(
    ("select", "ignore", "on"),
    [
        ((), (), CODES),
        (("ALL",), (), CODES),
        (("PF",), (), CODES),
        (("PF1",), (), ("PF101", "PF102", "PF110")),
        (("PF10", "PF2"), (), ("PF101", "PF102", "PF201")),
        ((), ("PF1",), ("PF001", "PF201")),
        ((), ("ALL",), ()),
        (("ALL",), ("PF",), ()),
        (("PF1",), ("PF101",), ("PF102", "PF110")),
        (("PF101",), ("PF1",), ("PF101",)),
        (("PF101",), ("PF101",), ()),
        (("PF1", "PF101"), ("PF10",), ("PF101", "PF110")),
        (("PF1",), ("ALL",), ("PF101", "PF102", "PF110")),
        (("PF101",), ("PF2",), ("PF101",)),
    ],
)
def test_longest_selector_decides(select: tuple[str, ...], ignore: tuple[str, ...], on: tuple[str, ...]) -> None:
    settings = Settings(select=select, ignore=ignore)
    assert tuple(code for code in CODES if enabled(settings, code, CODES)) == on


@given(
    select=st.lists(st.sampled_from(["ALL", "PF", "PF1", "PF10", "PF101", "PF2"]), min_size=1).map(tuple),
    code=st.sampled_from(CODES),
)
def test_what_is_selected_and_ignored_alike_is_off(select: tuple[str, ...], code: str) -> None:
    assert not enabled(Settings(select=select, ignore=select), code)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (Settings(select=("PF1", "PF999")), "select: there is no rule PF999"),
        (Settings(ignore=("PF103",)), r"ignore: there is no rule PF103 \(did you mean `PF1\d\d`\?\)"),
        (Settings(select=("pf101",)), r"there is no rule pf101 \(did you mean `PF101`\?\)"),
        (Settings(select=("all",)), r"there is no rule all \(did you mean `ALL`\?\)"),
        (Settings(select=("E501",)), "there is no rule E501; `migrator rules` lists the codes"),
        (Settings(select=("PF1011",)), r"there is no rule PF1011 \(did you mean `PF101`\?\)"),
    ],
)
def test_selector_of_no_rule_is_refused(settings: Settings, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_selectors(settings, CODES)
    with pytest.raises(ConfigError, match=message):
        enabled(settings, "PF001", CODES)


def test_selectors_of_rules_pass() -> None:
    check_selectors(Settings(select=("ALL", "P", "PF1"), ignore=("PF201",)), CODES)


def test_toml_is_loaded_only_for_a_file_with_the_table(tmp_path: Path) -> None:
    configure(tmp_path, "[project]\n")
    program = "import sys; from migrator.config import load; load('.'); print({'tomllib', 'tomli'} & {*sys.modules})"
    output = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert output.stdout.strip() == "set()"

"""The two distributions: what is in them, what they ask for, and what is installed where.

The tests that install into real Prefect environments are those of `test_installed_compat.py`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.metadata import Metadata

import migrator
from tests.support.distributions import (
    ROOT,
    Installed,
    Release,
    build,
    contents,
    copy_of_the_tree,
    empty_environment,
    wheel_of_before,
)

TOOL = "prefect-migrator"
COMPAT = "prefect-migrator-compat"
VERSION = migrator.__version__
MODULES = sorted(path.name for path in (ROOT / "compat").glob("*.py"))
installs = pytest.mark.prefect
GONE = "the files of prefect-migrator-compat are gone"


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return build(tmp_path_factory.mktemp("release"))


@pytest.fixture
def environment(tmp_path: Path) -> Installed:
    return empty_environment(tmp_path / "environment")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return copy_of_the_tree(tmp_path / "a clone")


# -- what a release has


def test_a_release_is_an_sdist_and_a_wheel_of_both_in_the_same_version(release: Release) -> None:
    assert sorted(path.name for path in release.directory.iterdir()) == [
        f"prefect_migrator-{VERSION}-py3-none-any.whl",
        f"prefect_migrator-{VERSION}.tar.gz",
        f"prefect_migrator_compat-{VERSION}-py3-none-any.whl",
        f"prefect_migrator_compat-{VERSION}.tar.gz",
    ]


def test_the_wheel_of_compat_has_the_package_and_nothing_else(release: Release) -> None:
    info = f"prefect_migrator_compat-{VERSION}.dist-info"
    found = contents(release.wheel(COMPAT))
    package = [f"compat/{name}" for name in (*MODULES, "LICENSE", "py.typed")]
    described = [f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")]
    assert sorted(found) == sorted([*package, *described])
    for name in (*MODULES, "LICENSE", "py.typed"):
        assert found[f"compat/{name}"] == (ROOT / "compat" / name).read_bytes()


def test_the_wheel_of_the_tool_has_the_command_and_no_compat(release: Release) -> None:
    info = f"prefect_migrator-{VERSION}.dist-info"
    found = contents(release.wheel(TOOL))
    assert {name.split("/")[0] for name in found} == {"migrator", info}
    described = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
    assert sorted(name for name in found if name.startswith(info)) == [f"{info}/{name}" for name in described]
    assert {"migrator/cli.py", "migrator/py.typed", "migrator/knowledge/api.txt.gz"} < set(found)
    assert not any("knowledge/generate" in name for name in found)
    assert b"migrator = migrator.cli:main" in found[f"{info}/entry_points.txt"]


def test_the_sdists_have_what_builds_and_tests_them(release: Release) -> None:
    found = set(contents(release.sdist(COMPAT)))
    wanted = {*MODULES, "LICENSE", "README.md", "py.typed", "pyproject.toml"}
    assert found - {".gitignore"} == {*wanted, "PKG-INFO"}
    tool = set(contents(release.sdist(TOOL)))
    assert {f"compat/{name}" for name in wanted} < tool
    assert {".ci/hatch_build.py", ".ci/compat_in_tree/pyproject.toml", "LICENSE", "README.md", "PKG-INFO"} < tool
    assert {"tests/test_packaging.py", "fixtures/sequential/scenario.py", "docs/compat.md"} < tool


def test_no_metadata_of_a_release_has_a_path_in_it(release: Release) -> None:
    files = sorted(release.directory.iterdir())
    assert len(files) == 4
    for file in files:
        text = release.metadata(file)
        assert " @ " not in text.partition("\n\n")[0], file.name
        assert str(ROOT) not in text, file.name


def test_the_tool_asks_for_the_same_version_of_compat_which_asks_for_nothing(release: Release) -> None:
    for file in (release.wheel(TOOL), release.sdist(TOOL)):
        asked = re.findall(r"^Requires-Dist: (.*)$", release.metadata(file), re.M)
        assert [each for each in asked if each.startswith(COMPAT)] == [f"{COMPAT}=={VERSION}"]
        assert {"httpx>=0.23", "libcst>=1.1", "typer>=0.12"} < set(asked)
    for file in (release.wheel(COMPAT), release.sdist(COMPAT)):
        text = release.metadata(file)
        assert "Requires-Dist" not in text
        assert "Requires-Python: >=3.8\n" in text


def test_the_metadata_can_be_uploaded(release: Release) -> None:
    for file in release.directory.iterdir():
        told = Metadata.from_email(release.metadata(file), validate=True)
        assert str(told.version) == VERSION
        assert (told.license_expression, told.license_files) == ("Apache-2.0", ["LICENSE"])
        assert told.summary and told.description and told.description_content_type == "text/markdown"


@pytest.mark.parametrize("name", [TOOL, COMPAT])
def test_a_wheel_that_is_made_from_the_sdist_is_the_same(name: str, release: Release, tmp_path: Path) -> None:
    for path, data in contents(release.sdist(name)).items():
        (tmp_path / "sdist" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "sdist" / path).write_bytes(data)
    made = tmp_path / "made"
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(made)],
        cwd=tmp_path / "sdist",
        check=True,
        capture_output=True,
    )
    (wheel,) = made.iterdir()
    assert contents(wheel) == contents(release.wheel(name))


def test_the_licence_of_compat_is_that_of_the_repository() -> None:
    assert (ROOT / "compat" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


# -- what is installed from where


def test_here_compat_is_the_one_of_the_tree(tmp_path: Path) -> None:
    program = (
        "import importlib.util; print(*(importlib.util.find_spec(name).origin for name in ('migrator', 'compat')))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(ROOT / name / "__init__.py") for name in ("migrator", "compat")]


def shim_files(environment: Installed) -> set[str]:
    """The names of the files of the copy that the installed command makes."""
    done = environment.migrator("vendor", "shim")
    assert done.returncode == 0, done.stderr
    assert environment.migrator("vendor", "--check", "shim").returncode == 0
    return {path.name for path in (environment.root / "shim").iterdir()}


VENDORED = {*MODULES, "LICENSE", "py.typed", "VENDORED.txt"}


@installs
def test_pip_installs_a_clone_then_the_same_editable_then_as_before(environment: Installed, clone: Path) -> None:
    environment.pip(str(clone))
    environment.check()
    assert environment.compat() == environment.site_packages / "compat"
    assert shim_files(environment) == VENDORED
    environment.pip("-e", str(clone))
    environment.check()
    assert environment.compat() == clone / "compat"
    assert not (environment.site_packages / "compat").exists()
    assert shim_files(environment) == VENDORED
    environment.pip(str(clone))
    assert environment.compat() == environment.site_packages / "compat"
    assert environment.migrator("check", str(clone / "compat")).stderr == ""


@installs
def test_uv_installs_a_clone_then_the_same_editable_then_as_before(environment: Installed, clone: Path) -> None:
    environment.uv(str(clone))
    environment.check()
    assert environment.compat() == environment.site_packages / "compat"
    assert shim_files(environment) == VENDORED
    environment.uv("-e", str(clone))
    environment.check()
    assert environment.compat() == clone / "compat"
    assert shim_files(environment) == VENDORED
    environment.uv(str(clone))
    assert environment.compat() == environment.site_packages / "compat"


@installs
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_what_changed_in_a_clone_is_installed_although_the_version_is_the_same(
    installer: str, environment: Installed, clone: Path
) -> None:
    install = getattr(environment, installer)
    install(str(clone))
    for changed in ("compat/_version.py", "migrator/findings.py"):
        with (clone / changed).open("a") as file:
            file.write("# changed\n")
    install(str(clone))
    for changed in ("compat/_version.py", "migrator/findings.py"):
        assert (environment.site_packages / changed).read_bytes() == (clone / changed).read_bytes()


@installs
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_the_wheels_of_a_release_are_installed(installer: str, environment: Installed, release: Release) -> None:
    getattr(environment, installer)("--find-links", str(release.directory), TOOL)
    environment.check()
    assert environment.compat() == environment.site_packages / "compat"
    assert shim_files(environment) == VENDORED


@installs
def test_the_command_finds_compat_where_that_one_is_editable(
    environment: Installed, clone: Path, release: Release
) -> None:
    environment.pip("-e", str(clone / "compat"))
    environment.pip("--no-deps", str(release.wheel(TOOL)))
    environment.check()
    assert environment.compat() == clone / "compat"
    assert shim_files(environment) == VENDORED


@installs
def test_the_command_alone_says_that_compat_is_missing(environment: Installed, release: Release) -> None:
    environment.pip("--no-deps", str(release.wheel(TOOL)))
    done = environment.migrator("vendor", "shim")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: `compat` is not installed beside `migrator`: `pip install prefect-migrator-compat`\n"
    assert environment.migrator("rules").stderr == ""


# -- over prefect-migrator as it was when it had `compat` itself


@pytest.fixture
def before(release: Release, tmp_path: Path) -> str:
    return str(wheel_of_before(release, tmp_path))


@installs
def test_pip_takes_the_files_of_compat_away_and_the_command_says_so(
    before: str, environment: Installed, clone: Path
) -> None:
    environment.pip(before)
    assert environment.compat() == environment.site_packages / "compat"
    environment.pip(str(clone))
    environment.check()
    assert not (environment.site_packages / "compat" / "__init__.py").exists()
    for arguments, status in ((("rules",), 0), (("vendor", "shim"), 2)):
        done = environment.migrator(*arguments)
        assert (done.returncode, done.stderr.count(GONE), done.stderr.count("\n")) == (status, 1, 1)
    environment.uninstall(TOOL, COMPAT)  # as the message says
    environment.pip(str(clone))
    assert environment.migrator("rules").stderr == ""
    assert shim_files(environment) == VENDORED


@installs
def test_pip_keeps_them_where_the_old_one_is_uninstalled_first(
    before: str, environment: Installed, release: Release
) -> None:
    environment.pip(before)
    environment.uninstall(TOOL)
    environment.pip("--find-links", str(release.directory), TOOL)
    assert environment.migrator("rules").stderr == ""
    assert shim_files(environment) == VENDORED


@installs
def test_pip_keeps_them_in_an_editable_install(before: str, environment: Installed, clone: Path) -> None:
    environment.pip(before)
    environment.pip("-e", str(clone))
    assert environment.compat() == clone / "compat"
    assert environment.migrator("rules").stderr == ""
    assert shim_files(environment) == VENDORED


@installs
@pytest.mark.parametrize("source", ["clone", "release"])
def test_uv_keeps_them(source: str, before: str, environment: Installed, clone: Path, release: Release) -> None:
    environment.uv(before)
    environment.uv(*([str(clone)] if source == "clone" else ["--find-links", str(release.directory), "-U", TOOL]))
    environment.check()
    assert environment.compat() == environment.site_packages / "compat"
    assert environment.migrator("rules").stderr == ""
    assert shim_files(environment) == VENDORED


# -- Python 3.8, and what is told


@pytest.mark.parametrize("module", MODULES)
def test_compat_is_written_for_python_3_8(module: str) -> None:
    ast.parse((ROOT / "compat" / module).read_text(), feature_version=(3, 8))


def test_workers_are_told_to_install_compat_and_not_the_tool() -> None:
    for page in ("README.md", "docs/compat.md", "compat/README.md"):
        text = (ROOT / page).read_text()
        assert "pip install prefect-migrator-compat" in text, page
        assert not re.search(r"pip install (-\S+ )*prefect-migrator(?![-\w])", text), page


def test_pip_users_are_told_to_uninstall_the_old_one_first() -> None:
    assert "pip uninstall prefect-migrator" in (ROOT / "README.md").read_text()

"""The copy of `compat` in the user's package: making it, its stamp, and whether it is current."""

from __future__ import annotations

import inspect
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import migrator
from migrator import cli, vendoring

CODE = {
    "__init__.py": b"raise ImportError\n",
    "_fan_out.py": b"",
    "_version.py": b"",
    "inner/__init__.py": b"x = 1\r\n",
}
FILES = {**CODE, "py.typed": b"", "LICENSE": b"terms\n"}


def command(*arguments: str) -> Result:
    separate: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    return CliRunner(**separate).invoke(cli.app, ("vendor", *arguments))


def check(copy: Path) -> tuple[int, list[str]]:
    """The status of the check, and what it says, without where the copy is."""
    before = contents(copy)
    result = command("--check", str(copy))
    assert contents(copy) == before
    assert result.stderr == ""
    return result.exit_code, result.stdout.replace(f"{copy}/", "").replace(str(copy), "COPY").splitlines()


def contents(directory: Path) -> dict[str, bytes]:
    found = directory.rglob("*")
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in found if path.is_file()}


def update(origin: Path, monkeypatch: pytest.MonkeyPatch, version: str = "99.0.0") -> None:
    """Makes the installed `compat` a later one, with one file changed, one new and one gone."""
    monkeypatch.setattr(migrator, "__version__", version)
    (origin / "_version.py").write_bytes(b"later = True\n")
    (origin / "_new.py").write_bytes(b"")
    shutil.rmtree(origin / "inner")


@pytest.fixture
def origin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The `compat` to copy, as it is in a clone; its import would fail."""
    directory = tmp_path / "origin" / "compat"
    compiled = {"__pycache__/x.pyc": b"", "__pycache__/x.py": b"", ".ruff_cache/x.py": b"", "x.pyc": b""}
    for name, data in {**FILES, **compiled, "pyproject.toml": b"", "README.md": b""}.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(data)
    monkeypatch.setattr(vendoring, "compat_directory", lambda: str(directory))
    return directory


@pytest.fixture
def package(origin: Path, tmp_path: Path) -> Path:
    """A package of the user's."""
    directory = tmp_path / "project" / "shop" / "flows"
    directory.mkdir(parents=True)
    for each in (directory, directory.parent):
        (each / "__init__.py").touch()
    return directory


@pytest.fixture
def copy(package: Path) -> Path:
    """A copy that was just made."""
    assert command(str(package / "_shim")).exit_code == 0
    return package / "_shim"


# -- making it


def test_compat_is_copied_into_the_package(package: Path) -> None:
    result = command(str(package))
    assert result.exit_code == 0
    assert "from shop.flows.compat import" in result.stdout
    copied = contents(package / "compat")
    assert "Version: " in copied.pop("VENDORED.txt").decode()
    assert copied == FILES
    assert sorted(path.name for path in package.iterdir()) == ["__init__.py", "compat"]


def test_compat_can_go_where_there_is_no_directory_yet(package: Path) -> None:
    result = command(str(package / "_shim"))
    assert result.exit_code == 0
    assert "from shop.flows._shim import" in result.stdout
    assert set(FILES) < set(contents(package / "_shim"))
    assert "already" in command(str(package / "_shim")).stdout


def test_a_copy_says_how_fixes_find_it_and_is_not_checked(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    assert '[tool.migrator] compat = "shop._shim"' in command(str(package / "_shim")).stdout
    (tmp_path / "pyproject.toml").write_text('[tool.migrator]\ntarget = "both"\ncompat = "shop._shim"\n')
    flows = package / "flows.py"
    flows.write_text("from prefect.futures import as_completed\n")
    assert CliRunner().invoke(cli.app, ("fix", str(tmp_path))).exit_code == 0
    assert flows.read_text() == "from shop._shim import as_completed\n"
    for target in ("3", "both"):
        checked = CliRunner().invoke(cli.app, ("check", str(tmp_path), "--target", target, "--fail-on", "info"))
        assert checked.exit_code == 0


def test_the_same_compat_is_left_alone(copy: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.rglob("*")}
    result = command(str(copy))
    assert result.exit_code == 0
    assert "already" in result.stdout
    assert {path: path.stat().st_mtime_ns for path in copy.rglob("*")} == before


def test_another_compat_is_overwritten_by_force_only(package: Path) -> None:
    (package / "compat").mkdir()
    mine = package / "compat" / "__init__.py"
    mine.write_text("mine\n")
    (package / "compat" / "other.py").write_text("mine too\n")
    result = command(str(package))
    assert (result.exit_code, mine.read_text()) == (2, "mine\n")
    assert "--force" in result.stderr and result.stdout == ""
    assert command(str(package), "--force").exit_code == 0
    assert mine.read_bytes() == FILES["__init__.py"]
    assert (package / "compat" / "other.py").read_text() == "mine too\n"


def test_a_package_of_that_name_is_not_mixed_with_it_even_where_no_file_is_in_both(package: Path) -> None:
    (package / "compat").mkdir()
    (package / "compat" / "python3.py").write_text("mine\n")
    assert command(str(package)).exit_code == 2
    assert contents(package / "compat") == {"python3.py": b"mine\n"}


def test_an_edited_copy_is_overwritten_by_force_only(copy: Path) -> None:
    (copy / "_fan_out.py").write_bytes(b"edited\n")
    result = command(str(copy))
    assert (result.exit_code, (copy / "_fan_out.py").read_bytes()) == (2, b"edited\n")
    assert "--force" in result.stderr
    assert command(str(copy), "--force").exit_code == 0
    assert check(copy)[0] == 0


def test_an_older_copy_is_brought_up_to_date(copy: Path, origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (copy / "mine.py").write_text("mine\n")
    update(origin, monkeypatch)
    result = command(str(copy))
    assert result.exit_code == 0
    assert "is now" in result.stdout
    found = contents(copy)
    assert found["_version.py"] == b"later = True\n"
    assert {"_new.py", "mine.py"} < set(found) and "inner/__init__.py" not in found
    assert check(copy)[0] == 0


def test_what_was_edited_in_an_older_copy_is_not_lost(
    copy: Path, origin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (copy / "inner" / "__init__.py").write_bytes(b"edited\n")
    update(origin, monkeypatch)
    before = contents(copy)
    assert command(str(copy)).exit_code == 2
    assert contents(copy) == before
    assert command(str(copy), "--force").exit_code == 0
    assert (copy / "inner" / "__init__.py").read_bytes() == b"edited\n"
    assert check(copy)[0] == 0


def test_a_later_copy_is_replaced_by_force_only(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrator, "__version__", "0.0.1")
    result = command(str(copy))
    assert result.exit_code == 2
    assert "later version" in result.stderr
    assert command(str(copy), "--force").exit_code == 0
    assert check(copy)[0] == 0


def test_a_copy_that_was_made_before_there_were_stamps_gets_one(copy: Path) -> None:
    for name in ("VENDORED.txt", "LICENSE"):
        (copy / name).unlink()
    assert check(copy)[0] == 1
    assert command(str(copy)).exit_code == 0
    assert check(copy)[0] == 0


def test_a_copy_without_a_stamp_that_differs_is_overwritten_by_force_only(copy: Path) -> None:
    (copy / "VENDORED.txt").unlink()
    (copy / "_fan_out.py").write_bytes(b"of another version, or edited\n")
    assert command(str(copy)).exit_code == 2
    assert not (copy / "VENDORED.txt").exists()
    assert command(str(copy), "--force").exit_code == 0
    assert check(copy)[0] == 0


def test_a_copy_that_lacks_a_file_is_mended_where_it_is(copy: Path) -> None:
    (copy / "_fan_out.py").unlink()
    assert command(str(copy)).exit_code == 0
    assert check(copy)[0] == 0
    assert not (copy / "compat").exists()


def test_compat_cannot_go_into_a_file(package: Path) -> None:
    result = command(str(package / "__init__.py"))
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")


# -- the stamp and the check


def test_the_stamp_says_version_origin_and_licence(copy: Path) -> None:
    lines = (copy / "VENDORED.txt").read_text().splitlines()
    version = migrator.__version__
    assert f"Version: {version}" in lines
    assert f"Origin: https://pypi.org/project/prefect-migrator-compat/{version}/" in lines
    assert "License: Apache-2.0; the text is in LICENSE" in lines
    assert sorted(line.split("  ")[1] for line in lines if "  " in line) == sorted(FILES)


def test_a_copy_is_current(copy: Path) -> None:
    assert check(copy) == (0, [f"COPY is this version's `compat`, {migrator.__version__}."])
    result = command("--check", str(copy.parent / "_shim" / ""))
    assert result.exit_code == 0


def test_the_copy_is_found_in_the_package_that_it_was_put_into(package: Path) -> None:
    command(str(package))
    assert check(package)[0] == 0


def test_files_of_the_users_own_and_other_line_ends_are_no_difference(copy: Path) -> None:
    (copy / "mine.py").touch()
    (copy / "__pycache__").mkdir()
    (copy / "__pycache__" / "x.pyc").touch()
    for path in (copy / "__init__.py", copy / "VENDORED.txt"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    (copy / "inner" / "__init__.py").write_bytes(b"x = 1\n")
    assert check(copy)[0] == 0
    assert "already" in command(str(copy)).stdout


def test_edited_and_missing_files_are_named(copy: Path) -> None:
    (copy / "_fan_out.py").write_bytes(b"edited\n")
    (copy / "inner" / "__init__.py").unlink()
    assert check(copy) == (
        1,
        [
            "inner/__init__.py is missing.",
            "_fan_out.py was edited.",
            "To bring it up to date: migrator vendor COPY --force",
        ],
    )


def test_an_older_copy_is_told_with_both_versions(copy: Path, origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = migrator.__version__
    update(origin, monkeypatch)
    assert check(copy) == (
        1,
        [
            "_new.py is missing.",
            "_version.py is not this version's.",
            "inner/__init__.py is of an older version.",
            f"COPY is of version {made}; this is 99.0.0.",
            "To bring it up to date: migrator vendor COPY",
        ],
    )


def test_an_older_copy_with_the_same_files_is_not_current(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrator, "__version__", "99.0.0")
    status, said = check(copy)
    assert (status, len(said)) == (1, 2)


def test_a_later_copy_asks_for_a_later_migrator(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrator, "__version__", "0.0.1")
    status, said = check(copy)
    assert status == 1
    assert said[-1].startswith("Upgrade prefect-migrator")


@pytest.mark.parametrize("text", [None, "", "Version:\n", "\xff\xfe"])
def test_a_copy_without_a_stamp_that_can_be_read_is_not_current(text: str | None, copy: Path) -> None:
    (copy / "VENDORED.txt").unlink()
    if text is not None:
        (copy / "VENDORED.txt").write_bytes(text.encode("latin-1"))
    assert check(copy) == (
        1,
        [
            "VENDORED.txt does not say of which version the copy is.",
            "To bring it up to date: migrator vendor COPY",
        ],
    )


def test_a_version_that_is_none_is_not_current(copy: Path) -> None:
    stamp = copy / "VENDORED.txt"
    stamp.write_text(stamp.read_text().replace(f"Version: {migrator.__version__}", "Version: my-own"))
    assert check(copy)[0] == 1


@pytest.mark.parametrize("name", ["not_there", "__init__.py", "."])
def test_where_there_is_no_copy_the_check_ends_with_2(name: str, package: Path) -> None:
    (package / "compat").mkdir()  # somebody else's
    (package / "compat" / "__init__.py").touch()
    result = command("--check", str(package / name))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1


def test_a_check_that_is_to_write_is_refused(copy: Path) -> None:
    result = command("--check", "--force", str(copy))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--force" in result.stderr


# -- where the installed one is


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that stands for where `migrator` is installed, without `compat` beside it and without its metadata."""
    site = tmp_path / "site"
    (site / "migrator").mkdir(parents=True)
    monkeypatch.setattr(migrator, "__file__", str(site / "migrator" / "__init__.py"))
    others = [each for each in sys.path if not list(Path(each).glob("prefect_migrator_compat-*"))]
    monkeypatch.setattr(sys, "path", [str(site), *others])
    return site


def put(directory: Path) -> Path:
    for name in FILES:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(FILES[name])
    return directory


def list_it(site: Path, direct_url: str | None = None) -> None:
    """Makes the metadata of an installed prefect-migrator-compat."""
    metadata = site / "prefect_migrator_compat-0.1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: prefect-migrator-compat\nVersion: 0.1.0\n")
    if direct_url is not None:
        (metadata / "direct_url.json").write_text(direct_url)


def test_a_compat_of_the_current_directory_is_not_the_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "compat")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not vendoring.compat_directory().startswith(str(tmp_path))


def test_it_is_found_beside_migrator(alone: Path) -> None:
    beside = put(alone / "compat")
    assert vendoring.compat_directory() == str(beside)
    assert vendoring.lost_files() is None


def test_it_is_found_where_its_metadata_says(alone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "other"
    put(elsewhere / "compat")
    list_it(elsewhere)
    monkeypatch.syspath_prepend(str(elsewhere))
    assert vendoring.compat_directory() == str(elsewhere / "compat")
    assert vendoring.lost_files() is None


def test_it_is_found_in_the_clone_of_an_editable_install(alone: Path, tmp_path: Path) -> None:
    clone = put(tmp_path / "a clone" / "compat")
    list_it(alone, f'{{"url": "{clone.as_uri()}", "dir_info": {{"editable": true}}}}')
    assert vendoring.compat_directory() == str(clone)
    assert vendoring.lost_files() is None


def test_a_package_of_that_name_beside_migrator_is_not_it(alone: Path) -> None:
    (alone / "compat").mkdir()
    (alone / "compat" / "__init__.py").touch()
    with pytest.raises(FileNotFoundError, match="pip install prefect-migrator-compat"):
        vendoring.compat_directory()


def test_where_it_is_not_installed_vendor_says_so_and_nothing_else_does(alone: Path, tmp_path: Path) -> None:
    result = command(str(tmp_path / "copy"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert (
        result.stderr == "error: `compat` is not installed beside `migrator`: `pip install prefect-migrator-compat`\n"
    )
    assert not (tmp_path / "copy").exists()
    assert vendoring.lost_files() is None


def test_where_its_files_are_gone_every_command_says_so(alone: Path, tmp_path: Path) -> None:
    list_it(alone)
    said = "the files of prefect-migrator-compat are gone, "
    result = command(str(tmp_path / "copy"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {said}") and result.stderr.count("\n") == 1
    etl = tmp_path / "etl.py"
    etl.write_text("import prefect\n")
    separate: dict[str, Any] = {"mix_stderr": False} if "mix_stderr" in inspect.signature(CliRunner).parameters else {}
    checked = CliRunner(**separate).invoke(cli.app, ("check", "--output-format", "json", str(etl)))
    assert (checked.exit_code, checked.stdout.strip()) == (0, "[]")
    assert checked.stderr.startswith(f"warning: {said}")

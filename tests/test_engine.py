"""What holds for every rule: suppression, annotation, rounds, files that cannot be read, what is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migrator.config import Settings
from migrator.findings import Edit, LineIndex, apply_edits
from tests.support.recording import check, check_source, fix, fix_source

ROOT = Path(__file__).parent.parent
RUNNER = "from prefect.task_runners import ConcurrentTaskRunner\n\nr = ConcurrentTaskRunner()\n"


def fixed(code: str, **options: object) -> str:
    """The text after `fix`."""
    return fix_source(code.encode(), "flows.py", Settings(**options))[1].decode()  # type: ignore[arg-type]


def codes(code: str) -> list[str]:
    return [finding.code for finding in check_source(code.encode(), "flows.py", Settings()).findings]


# -- suppression


def test_line_is_exempt() -> None:
    assert codes(RUNNER.replace("r = ", "r = ").replace("Runner()\n", "Runner()  # migrator: ignore[PF201]\n")) == [
        "PF201"
    ]


def test_fix_leaves_the_import_of_a_name_whose_use_is_exempt() -> None:
    code = RUNNER.replace("Runner()\n", "Runner()  # migrator: ignore[PF201]\n")
    assert fixed(code) == code


def test_file_is_exempt() -> None:
    assert codes(f"# migrator: ignore-file[PF2]\n{RUNNER}") == []


def test_exemption_of_every_code() -> None:
    assert codes("from prefect.filesystems import S3  # migrator: ignore\n") == []


def test_unused_exemption_is_reported() -> None:
    assert codes("import prefect  # migrator: ignore[PF101]\n") == ["PF001"]


def test_exemption_in_a_string_is_none() -> None:
    assert codes('import prefect\nx = "# migrator: ignore[PF101]"\n') == []


# -- annotation

REMOVED = "from prefect.filesystems import S3\n\n\ndef f():\n    return S3.load('x')\n"


def test_annotation_stands_above_what_is_left_and_is_not_repeated() -> None:
    once = fixed(REMOVED, annotate=True)
    assert once.startswith("# TODO[migrator PF101]: ")
    assert "\n    # TODO[migrator PF310]: " in once
    assert fixed(once, annotate=True) == once
    assert fixed(once) == once


def test_annotation_goes_once_mended() -> None:
    once = fixed(REMOVED, annotate=True)
    mended = once.replace("from prefect.filesystems import S3", "from mine import S3")
    assert fixed(mended) == REMOVED.replace("prefect.filesystems", "mine")


def test_annotation_keeps_line_endings_and_the_inside_of_strings() -> None:
    code = "import prefect\r\nx = '''\r\n# TODO[migrator PF101]: not ours\r\n'''\r\ny = prefect.filesystems.S3\r\n"
    once = fixed(code, annotate=True)
    assert once.count("\r\n") == once.count("\n") == code.count("\n") + 1
    assert "not ours" in once


def test_annotation_of_a_code_that_was_not_looked_for_stays() -> None:
    once = fixed(REMOVED, annotate=True)
    assert fixed(once, select=("PF2",)) == once
    assert fixed(once, select=("PF2",), annotate=True) == once


def test_one_annotation_tells_all_findings_of_a_line() -> None:
    once = fixed("from prefect.filesystems import GCS, S3\n", annotate=True)
    assert once.count("# TODO") == 1 and "filesystems.S3`" in once and "filesystems.GCS`" in once


# -- fidelity


def test_f_strings_over_several_lines_are_not_corrupted() -> None:
    code = "from prefect.client.orion import OrionClient\nx = f'''OrionClient {OrionClient}\n  more {OrionClient} OrionClient\n''', OrionClient\n"
    result = fixed(code)
    if sys.version_info >= (3, 10):
        assert result == code.replace("{Orion", "{Prefect").replace(", Orion", ", Prefect").replace(
            "orion import OrionClient", "orchestration import PrefectClient"
        )
    else:
        assert result == code
        assert codes(code).count("PF102") == 4


def test_an_error_in_one_file_does_not_stop_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from migrator import run as module

    def broken(path: str, *rest: object, **options: object) -> list[object]:
        if path.endswith("a.py"):
            raise ValueError("out of order")
        return real(path, *rest, **options)  # type: ignore[arg-type,return-value]

    real = module.find
    monkeypatch.setattr(module, "find", broken)
    for name in ("a.py", "b.py"):
        (tmp_path / name).write_text(RUNNER)
    first, second = fix([str(tmp_path)], Settings(jobs=1))
    assert first.failure is not None and "out of order" in first.failure.message
    assert second.applied and "ThreadPool" in (tmp_path / "b.py").read_text()


@pytest.mark.parametrize(
    "data",
    [
        RUNNER.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + RUNNER.encode(),
        ("# -*- coding: latin-1 -*-\n# caf\xe9\n" + RUNNER).encode("latin-1"),
        ("if 1:\n\timport os\n\x0c\n" + RUNNER).encode(),
        RUNNER.rstrip("\n").encode(),
        ("x = 'é', '漢字', '\U0001f600'; " + "import os\n" + RUNNER).encode(),
    ],
)
def test_all_bytes_outside_of_the_fix_stay(data: bytes) -> None:
    report, result = fix_source(data, "flows.py", Settings())
    assert report.failure is None
    assert result == data.replace(b"ConcurrentTaskRunner", b"ThreadPoolTaskRunner")


def test_columns_count_characters_not_bytes() -> None:
    report = check_source("import prefect\nx = 'é漢', prefect.filesystems.S3\n".encode(), "f.py", Settings())
    (finding,) = report.findings
    assert LineIndex(report.text).position(finding.start) == (2, 11)
    assert report.text[finding.start : finding.end] == "prefect.filesystems.S3"


# -- files


def test_bad_files_are_reported_and_the_others_done(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(RUNNER)
    (tmp_path / "broken.py").write_text("import prefect\ndef f(:\n")
    (tmp_path / "latin.py").write_bytes(b"import prefect\n# caf\xe9\n")
    (tmp_path / "other.ipynb").write_text("{}")
    reports = {Path(report.path).name: report for report in fix([str(tmp_path)], Settings())}
    assert (tmp_path / "good.py").read_text() == RUNNER.replace("ConcurrentTaskRunner", "ThreadPoolTaskRunner")
    assert reports["broken.py"].failure is not None and reports["broken.py"].failure.row == 2
    assert reports["latin.py"].failure is not None and reports["latin.py"].failure.row == 2
    assert "other.ipynb" not in reports


def test_processes_find_the_same_as_one_process(tmp_path: Path) -> None:
    for number in range(30):
        (tmp_path / f"flow_{number}.py").write_text(RUNNER + REMOVED)
    (tmp_path / "common.py").write_text("from flow_1 import r\n")
    alone = check([str(tmp_path)], Settings(jobs=1))
    assert alone == check([str(tmp_path)], Settings(jobs=2))
    assert len(alone) == 31


def test_file_that_imports_a_flow_without_naming_prefect_is_read(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "steps.py").write_text("from prefect import task\n\n\n@task\ndef inner():\n    pass\n")
    (tmp_path / "helpers.py").write_text("from steps import inner\n")
    (tmp_path / "apart.py").write_text("import os\n")
    names = [Path(report.path).name for report in check([str(tmp_path)], Settings())]
    assert names == ["helpers.py", "steps.py"]


def test_import_cycle_ends(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "a.py").write_text("from b import *\nfrom b import x\nfrom prefect import flow\n")
    (tmp_path / "b.py").write_text(
        "from a import *\nfrom a import x, flow\nimport prefect\n\n\n@flow\ndef f():\n    x()\n"
    )
    assert [report.failure for report in check([str(tmp_path)], Settings())] == [None, None]


def test_long_chains_are_no_obstacle(tmp_path: Path) -> None:
    branches = "".join(f"elif x == {number}:\n    y = prefect.filesystems.S3\n" for number in range(600))
    (tmp_path / "long.py").write_text(
        f"import prefect\nx = 1\nif x < 0:\n    pass\n{branches}z = {' + '.join(['x'] * 800)}\n"
    )
    (report,) = check([str(tmp_path)], Settings())
    assert report.failure is None and len(report.findings) == 600


# -- what is loaded


def loaded(code: str) -> set[str]:
    """The modules that a program has loaded at its end."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return {name.split(".")[0] for name in done.stdout.split()}


@pytest.mark.parametrize("form", ["full", "concise"])
def test_check_loads_no_libcst_and_no_prefect(form: str, tmp_path: Path) -> None:
    (tmp_path / "flows.py").write_text(RUNNER + REMOVED)
    program = (
        "import contextlib, io, sys, migrator.cli\n"
        f"sys.argv[1:] = ['check', {str(tmp_path)!r}, '--output-format', {form!r}]\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    migrator.cli.main()"
    )
    modules = loaded(program)
    assert "migrator" in modules
    assert not modules & {"libcst", "prefect", "compat"}


def test_the_model_and_the_rules_load_no_libcst() -> None:
    assert not loaded("import migrator.run, migrator.rules; migrator.rules.catalogue()") & {
        "libcst",
        "typer",
        "rich",
        "prefect",
    }


# -- edits


@given(st.text(alphabet="ab\r\n\f é漢\x1c", max_size=60), st.data())
@settings(max_examples=200, deadline=None)
def test_rows_and_columns_come_back_as_the_same_offsets(text: str, data: st.DataObject) -> None:
    index = LineIndex(text)
    offset = data.draw(st.integers(0, len(text)))
    row, column = index.position(offset)
    assert index.starts[row - 1] + column - 1 == offset
    in_bytes = len(text[index.starts[row - 1] : offset].encode())
    assert index.offset(row, in_bytes) == offset


@given(
    st.text(max_size=40), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5), st.text(max_size=4)), max_size=5)
)
@settings(max_examples=200, deadline=None)
def test_edits_change_nothing_outside_of_themselves(text: str, raw: list[tuple[int, int, str]]) -> None:
    edits: list[Edit] = []
    for start, length, content in sorted(raw):
        start = min(start, len(text))
        end = min(start + length, len(text))
        if not edits or start > edits[-1].end:
            edits.append(Edit(start, end, content))
    result = apply_edits(text, edits)
    assert len(result) == len(text) + sum(len(edit.content) - (edit.end - edit.start) for edit in edits)
    first = edits[0].start if edits else len(text)
    assert result[:first] == text[:first]


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply_edits("abcdef", [Edit(0, 3, "x"), Edit(2, 4, "y")])

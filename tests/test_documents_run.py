"""`check` and `fix` on files that are not Python, through a rule of the tests' own: what is made, taken away, and never half done."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from migrator import rules
from migrator.config import Settings
from migrator.findings import Applicability, Change, Edit, Severity
from migrator.rules.base import DocumentContext, Draft, Mend, Rule, document_rule
from migrator.run import check, check_source, fix, fix_source
from migrator.sources.documents import NAMES, SUFFIXES, Kind, decode, encode, kind_of, kind_of_named

UNSAFE = Settings(unsafe_fixes=True, jobs=1)


@document_rule("PF998", "for-tests", Severity.ERROR, "safe or unsafe or none")
def for_tests(context: DocumentContext) -> Iterator[Draft]:
    """Find `old prefect` and write `new prefect`; `move prefect` goes to another file, `gone prefect` takes its file with it.

    ## Fix safety
    For tests.
    """
    text = context.document.text
    for word in ("old", "move", "gone", "lost"):
        at = text.find(f"{word} prefect")
        while at >= 0:
            other = os.path.join(os.path.dirname(context.document.path), "prefect.yaml")
            new = partial(_new, at, len(word))
            elsewhere = partial(
                lambda target, line: [Change(target, partial(_with_line, line))], other, "moved: prefect"
            )
            mends = {
                "old": Mend(Applicability.SAFE, "Write new", new),
                "move": Mend(Applicability.SAFE, "Move it", new, elsewhere),
                "gone": Mend(
                    Applicability.UNSAFE, "Move all", lambda: [Edit(0, len(text), "")], elsewhere, removes=True
                ),
                "lost": None,
            }
            yield context.draft(at, at + len(word), f"{word} is old", mends[word])
            at = text.find(f"{word} prefect", at + 1)


def _new(start: int, length: int) -> list[Edit]:
    return [Edit(start, start + length, "new")]


def _with_line(line: str, text: str) -> str:
    if "!!" in text:
        raise ValueError("prefect.yaml: line 1 is not understood")
    return text if line in text else f"{text}{line}\n"


@pytest.fixture(autouse=True)
def only_this_rule(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    catalogue: tuple[Rule, ...] = (for_tests,)
    monkeypatch.setattr(rules, "catalogue", lambda: catalogue)
    monkeypatch.chdir(tmp_path)
    Path(".git").mkdir()


def write(**files: str) -> None:
    for name, text in files.items():
        Path(name.replace("_", ".")).write_bytes(text.encode())


def test_fix_changes_a_script_and_nothing_beside_it() -> None:
    write(deploy_sh="#!/bin/sh\r\nold prefect  # caf\u00e9\r\n", notes_txt="old prefect\n")
    os.chmod("deploy.sh", 0o755)
    (report,) = fix(["."], UNSAFE)
    assert Path("deploy.sh").read_bytes() == "#!/bin/sh\r\nnew prefect  # caf\u00e9\r\n".encode()
    assert os.stat("deploy.sh").st_mode & 0o777 == 0o755
    assert Path("notes.txt").read_text() == "old prefect\n"
    assert [finding.code for finding in report.applied] == ["PF998"]


def test_bytes_that_are_not_utf_8_come_back() -> None:
    Path("deploy.sh").write_bytes(b"old prefect # caf\xe9\n")
    fix(["."], UNSAFE)
    assert Path("deploy.sh").read_bytes() == b"new prefect # caf\xe9\n"


def test_another_file_is_made_with_the_fix() -> None:
    write(deploy_sh="move prefect\n")
    reports = {os.path.basename(report.path): report for report in fix(["."], UNSAFE)}
    assert Path("prefect.yaml").read_text() == "moved: prefect\n"
    assert Path("deploy.sh").read_text() == "new prefect\n"
    assert reports["prefect.yaml"].before == ""
    assert not [name for name in os.listdir(".") if "tmp" in name]


def test_another_file_keeps_what_it_had() -> None:
    write(deploy_sh="move prefect\n", prefect_yaml="# mine\n")
    fix(["."], UNSAFE)
    assert Path("prefect.yaml").read_text() == "# mine\nmoved: prefect\n"


def test_a_file_goes_once_the_other_is_written() -> None:
    write(**{"one-deployment_yaml": "# a\ngone prefect: 1\n"})
    reports = {os.path.basename(report.path): report for report in fix(["."], UNSAFE)}
    assert not Path("one-deployment.yaml").exists()
    assert reports["one-deployment.yaml"].removed
    assert reports["one-deployment.yaml"].before == "# a\ngone prefect: 1\n"
    assert Path("prefect.yaml").read_text() == "moved: prefect\n"


def test_a_safe_run_takes_nothing_away() -> None:
    write(**{"one-deployment_yaml": "gone prefect: 1\n"})
    (report,) = fix(["."], Settings(jobs=1))
    assert Path("one-deployment.yaml").exists()
    assert not Path("prefect.yaml").exists()
    assert len(report.findings) == 1


def test_diff_writes_and_removes_nothing() -> None:
    write(**{"one-deployment_yaml": "gone prefect: 1\n", "deploy_sh": "move prefect\n"})
    reports = fix(["."], UNSAFE, write=False)
    assert sorted(os.listdir(".")) == [".git", "deploy.sh", "one-deployment.yaml"]
    assert sum(report.before is not None for report in reports) == 3


def test_nothing_is_done_where_the_other_file_cannot_be_changed() -> None:
    write(**{"one-deployment_yaml": "gone prefect: 1\n", "deploy_sh": "move prefect\n", "prefect_yaml": "!!\n"})
    reports = fix(["."], UNSAFE)
    failures = [report.failure.message for report in reports if report.failure]
    assert failures == ["left as it was: prefect.yaml: line 1 is not understood"] * 2
    assert Path("one-deployment.yaml").read_text() == "gone prefect: 1\n"
    assert Path("deploy.sh").read_text() == "move prefect\n"
    assert Path("prefect.yaml").read_text() == "!!\n"


def test_nothing_goes_where_the_other_file_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    write(**{"one-deployment_yaml": "gone prefect: 1\n", "deploy_sh": "move prefect\n"})

    def refuse(path: str, data: bytes) -> None:
        raise PermissionError(13, "the file is write-protected", path)

    monkeypatch.setattr("migrator.writing.create", refuse)
    reports = fix(["."], UNSAFE)
    assert sorted(os.listdir(".")) == [".git", "deploy.sh", "one-deployment.yaml"]
    assert Path("deploy.sh").read_text() == "move prefect\n"
    assert len([report for report in reports if report.failure]) == 3


def test_one_file_named_alone_may_make_another() -> None:
    write(deploy_sh="move prefect\n", prefect_yaml="# mine\n")
    fix(["deploy.sh"], UNSAFE)
    assert Path("prefect.yaml").read_text() == "# mine\nmoved: prefect\n"


def test_a_file_that_is_no_utf_8_and_no_latin_1_is_a_failure_with_its_line() -> None:
    Path("deploy.sh").write_bytes(b"old prefect\n\0\n")
    (report,) = check(["."], UNSAFE)
    assert report.failure is not None
    assert (report.failure.row, "NUL" in report.failure.message) == (2, True)


def test_processes_give_the_same_as_one() -> None:
    for number in range(30):
        Path(f"{number}.sh").write_text("move prefect\nlost prefect\n")
    many = fix(["."], Settings(jobs=2, unsafe_fixes=True))
    assert Path("prefect.yaml").read_text() == "moved: prefect\n"
    assert sum(len(report.findings) for report in many) == 30


def test_a_file_whose_fixes_give_no_text_that_can_be_read_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from migrator import run
    from migrator.model.module import ParseError

    def mend(path: str, *given: object, **options: object) -> object:
        if path.endswith("bad.sh"):
            raise ParseError("left as it was", 1, 1)
        return real(path, *given, **options)  # type: ignore[arg-type]

    real = run.mend
    monkeypatch.setattr(run, "mend", mend)
    write(bad_sh="old prefect\n", good_sh="old prefect\n")
    reports = fix(["."], UNSAFE)
    assert [(os.path.basename(report.path), report.failure is None) for report in reports] == [
        ("bad.sh", False),
        ("good.sh", True),
    ]
    assert [finding.code for finding in reports[0].findings] == ["PF998"]
    assert Path("bad.sh").read_text() == "old prefect\n" and Path("good.sh").read_text() == "new prefect\n"
    report, fixed = fix_source(b"old prefect\n", "bad.sh", UNSAFE)
    assert report.failure is not None and fixed == b"old prefect\n"


def test_standard_input_is_read_as_what_its_name_says_and_leaves_other_files_alone() -> None:
    report, fixed = fix_source(b"old prefect\nmove prefect\n", "deploy.sh", UNSAFE)
    assert fixed == b"new prefect\nmove prefect\n"
    assert [finding.code for finding in report.findings] == ["PF998"]
    assert not Path("prefect.yaml").exists()
    assert check_source(b"old prefect\n", "Dockerfile", UNSAFE).findings


@pytest.mark.parametrize(
    ("name", "text", "noted"),
    [
        ("a.sh", "lost prefect", "# TODO\nlost prefect"),
        ("a.sh", "env \\\n  lost prefect", "# TODO\nenv \\\n  lost prefect"),
        ("Makefile", "all:\n\tlost prefect", "all:\n\t# TODO\n\tlost prefect"),
        ("Dockerfile", "RUN a && \\\n  lost prefect", "# TODO\nRUN a && \\\n  lost prefect"),
        ("a.yaml", "run: |\n  lost prefect", "run: |\n  # TODO\n  lost prefect"),
        ("a.yaml", "run: >-\n  a\n  lost prefect", "# TODO\nrun: >-\n  a\n  lost prefect"),
        ("a.md", "lost prefect\n```sh\nx\n```\nlost prefect", None),
        ("a.md", "```sh\nlost prefect\n```", "```sh\n# TODO\nlost prefect\n```"),
        ("a.bat", "lost prefect", None),
        ("a.rst", "lost prefect", None),
    ],
)
def test_comment_stands_where_a_comment_can(name: str, text: str, noted: str | None) -> None:
    Path(name).write_text(f"{text}\n")
    settings = Settings(jobs=1, annotate=True)
    fix(["."], settings)
    got = "\n".join(
        line.split("# TODO")[0] + "# TODO" if "# TODO[migrator PF998]: " in line else line
        for line in Path(name).read_text().splitlines()
    )
    assert got == (noted or text)
    first = Path(name).read_bytes()
    fix(["."], settings)
    assert Path(name).read_bytes() == first
    Path(name).write_text(Path(name).read_text().replace("lost prefect", "a prefect"))
    fix(["."], Settings(jobs=1))
    assert "TODO" not in Path(name).read_text()


@pytest.mark.parametrize(
    "line",
    [
        "lost prefect # migrator: ignore[PF998]",
        "lost prefect <!-- migrator: ignore -->",
        "# migrator: ignore-file[PF9]\nlost prefect",
    ],
)
def test_comment_silences_a_finding(line: str) -> None:
    Path("README.md").write_text(f"{line}\n")
    (report,) = check(["."], UNSAFE)
    assert not report.findings


def test_comment_that_silences_nothing_is_told() -> None:
    Path("a.sh").write_text("prefect # migrator: ignore[PF998]\n")
    (report,) = check(["."], UNSAFE)
    assert [finding.code for finding in report.findings] == ["PF001"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("flows.py", Kind.PYTHON),
        (".github/workflows/ci.yml", Kind.YAML),
        ("bin/deploy.sh", Kind.SHELL),
        ("Makefile", Kind.MAKEFILE),
        ("docker/Dockerfile.worker", Kind.DOCKERFILE),
        ("worker.dockerfile", Kind.DOCKERFILE),
        ("README.md", Kind.MARKUP),
        ("docs/index.rst", Kind.MARKUP),
        (".prefectignore", Kind.IGNORE),
        ("prefect-agent.service", Kind.OTHER),
        ("data.csv", None),
        ("py", None),
        ("deploy", None),
    ],
)
def test_kind_is_told_by_the_name(name: str, kind: Kind | None) -> None:
    assert kind_of(name) is kind


def test_named_script_without_suffix_is_what_its_first_line_says() -> None:
    assert kind_of_named("bin/deploy", b"#!/usr/bin/env bash\n") is Kind.SHELL
    assert kind_of_named("bin/deploy", b"#!/usr/bin/env python3\n") is Kind.PYTHON
    assert kind_of_named("data.csv", b"a,b\n") is None


def test_the_hook_for_pre_commit_passes_the_files_that_are_read() -> None:
    hooks = YAML(typ="safe").load((Path(__file__).parent.parent / ".pre-commit-hooks.yaml").read_text())
    names = [*(f"flows/a{suffix}" for suffix in SUFFIXES), *NAMES, "docker/Dockerfile.worker"]
    for hook in hooks:
        assert [name for name in names if not re.search(hook["files"], name)] == []
        assert not any(re.search(hook["files"], name) for name in ("data.csv", "a.json", "notes.txt", "py"))


def test_bom_stays() -> None:
    source = decode(b"\xef\xbb\xbfprefect\n")
    assert (source.text, encode("new\n", source)) == ("prefect\n", b"\xef\xbb\xbfnew\n")

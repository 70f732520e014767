"""The examples of rules and of tests, and what every one of them has to satisfy."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import dedent

from migrator.config import Settings
from migrator.findings import Applicability, FileReport, Finding
from migrator.model.module import parse
from migrator.rules import catalogue
from migrator.run import check, fix
from tests.support.recording import check_source, record

_BLOCK = re.compile(r"^## (?P<title>[^\n]+)\n+```python\n(?P<code>.*?)^```", re.M | re.S)


@dataclass(frozen=True)
class Example:
    """Text before and after. The same text means that nothing may be found or changed."""

    name: str
    code: str
    before: str
    after: str
    target: str = "3"
    from_: str | None = None


def _option(title: str, name: str) -> str | None:
    """The value of an option that the heading of an example names, as in `Example (--from 2.13 --target both)`."""
    found = re.search(rf"--{name} ([^\s)]+)", title)
    return found[1] if found else None


def from_pages() -> list[Example]:
    """The examples on the rules' own pages: each `Example`, with the `Use instead` that follows."""
    found: list[Example] = []
    for rule in catalogue():
        blocks = [(match["title"], match["code"]) for match in _BLOCK.finditer(rule.page + "\n")]
        for at, (title, code) in enumerate(blocks):
            if title.startswith("Example"):
                after = blocks[at + 1][1] if at + 1 < len(blocks) else code
                target = _option(title, "target") or "3"
                name = f"{rule.code} {title}"
                found.append(Example(name, rule.code, code, after, target, _option(title, "from")))
    return found


@dataclass(frozen=True)
class FilesExample:
    """A rule on files that are not Python: the files before and after."""

    name: str
    code: str
    before: dict[str, str]
    after: dict[str, str]
    target: str = "3"


_SECTION = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.M | re.S)
_FILE = re.compile(r"^(`{3,4})\w+ (\S+)\n(.*?)^\1$", re.M | re.S)


def files_from_pages() -> list[FilesExample]:
    """The examples on the pages of rules for files that are not Python: blocks that are headed by language and file name (```` ```yaml prefect.yaml ````)."""
    found: list[FilesExample] = []
    for rule in catalogue():
        if rule.check_document is None:
            continue
        sections = _SECTION.findall(rule.page + "\n")
        for (title, body), (_, following) in zip(sections, sections[1:]):
            if title.startswith("Example"):
                before, after = ({name: code for _, name, code in _FILE.findall(part)} for part in (body, following))
                target = _option(title, "target") or "3"
                found.append(FilesExample(f"{rule.code} {title}", rule.code, before, after, target))
    return found


def prove_files(
    before: Mapping[str, str],
    after: Mapping[str, str],
    *,
    select: tuple[str, ...] = (),
    target: str = "3",
    unsafe: bool = True,
    work_pool: str | None = None,
) -> list[FileReport]:
    """Proves what `fix` does to a directory of files, those that it makes and takes away among them; gives what `check` said.

    A file changes if and only if `check` declares a fix for it or for another one; nothing fails; YAML stays YAML; `check` on the result has no fixable
    finding; a second `fix` changes no byte; `--diff` writes nothing.
    """
    settings = Settings(target=target, select=select, unsafe_fixes=unsafe, output_format="json", work_pool=work_pool)
    record({name: _clean(content) for name, content in before.items()}, settings)
    with tempfile.TemporaryDirectory() as directory:
        for name, content in before.items():
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_clean(content).encode())
        Path(directory, ".git").mkdir()
        start = _files(directory)
        found = check([directory], settings)
        fix([directory], settings, write=False)
        assert _files(directory) == start
        done = fix([directory], settings)
        assert not [report.failure for report in (*found, *done) if report.failure], done
        made = _files(directory)
        wanted = {name: _clean(content) for name, content in after.items()}
        for name in sorted({*made, *wanted}):
            got = made.get(name, "(no such file)\n")
            assert got == wanted.get(name), f"\n--- got {name}\n{got}\n--- expected\n{wanted.get(name)}"
        declared = [finding for report in found for finding in fixable(report.findings, unsafe)]
        assert bool(declared) == (made != start), declared
        for name, text in made.items():
            if name.endswith((".yaml", ".yml")) and _is_yaml(start.get(name, "")):
                assert _is_yaml(text), text
        again = check([directory], settings)
        assert not [finding for report in again for finding in fixable(report.findings, unsafe)], again
        fix([directory], settings)
        assert _files(directory) == made
        return [replace(report, path=os.path.relpath(report.path, directory)) for report in found]


def _is_yaml(text: str) -> bool:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        list(YAML(typ="rt").compose_all(text))
    except YAMLError:
        return False
    return True


def _files(directory: str) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): path.read_bytes().decode()
        for path in sorted(Path(directory).rglob("*"))
        if path.is_file()
    }


def fixable(findings: tuple[Finding, ...], unsafe: bool) -> list[Finding]:
    """The findings whose fix may be applied."""
    return [f for f in findings if f.fix and (unsafe or f.fix.applicability is Applicability.SAFE)]


def prove(
    before: str,
    after: str,
    *,
    select: tuple[str, ...] = (),
    target: str = "3",
    unsafe: bool = True,
    files: Mapping[str, str] | None = None,
    filename: str = "flows.py",
    compat: str = "compat",
    from_: str | None = None,
) -> tuple[Finding, ...]:
    """Proves a rewrite end to end and returns what `check` found in `before`.

    The result equals `after` and parses; a fix was applied if and only if one was declared; `check` on the result has no fixable finding; a second `fix`
    changes no byte; the edits that `check --output-format json` shows are those of the findings that `fix` applied; where `before` is `after`, no edit.
    """
    settings = Settings(
        target=target, select=select, unsafe_fixes=unsafe, output_format="json", compat=compat, from_=from_
    )
    before, after = _clean(before), _clean(after)
    record({**{name: _clean(content) for name, content in (files or {}).items()}, filename: before}, settings)
    with tempfile.TemporaryDirectory() as directory:
        for name, content in {**(files or {}), filename: before}.items():
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_clean(content).encode() if name != filename else content.encode())
        Path(directory, "pyproject.toml").touch()
        subject = os.path.join(directory, filename)
        (found,) = _of(check([directory], settings), subject)
        (done,) = _of(fix([directory], settings), subject)
        text = Path(subject).read_bytes().decode()
        assert text == after, f"\n--- got\n{text}\n--- expected\n{after}"
        parse(text)
        declared = fixable(found.findings, unsafe)
        assert bool(declared) == (before != after), f"declared {declared}"
        assert bool(done.applied) == bool(declared)
        assert {(f.code, f.message) for f in done.applied} >= {(f.code, f.message) for f in declared[:1]}
        for finding in declared:
            assert finding.fix is not None and finding.fix.edits, finding
        (again,) = _of(check([directory], settings), subject)
        assert not fixable(again.findings, unsafe), again.findings
        assert {(f.code, f.message) for f in again.findings} == {(f.code, f.message) for f in done.findings}
        fix([directory], settings)
        assert Path(subject).read_bytes().decode() == text
        return found.findings


def prove_untouched(
    code: str,
    *,
    select: tuple[str, ...] = (),
    target: str = "3",
    files: Mapping[str, str] | None = None,
    from_: str | None = None,
) -> None:
    """Proves that nothing is found and nothing is changed."""
    findings = prove(code, code, select=select, target=target, files=files, from_=from_)
    assert not findings, findings


def findings_in(
    code: str, *, select: tuple[str, ...] = (), target: str = "3", from_: str | None = None
) -> list[tuple[str, int, str]]:
    """Code, row and severity of each finding in a text, in order."""
    report = check_source(_clean(code).encode(), "flows.py", Settings(target=target, select=select, from_=from_))
    assert report.failure is None, report.failure
    return [(f.code, report.text.count("\n", 0, f.start) + 1, str(f.severity)) for f in report.findings]


def _clean(code: str) -> str:
    return dedent(code).lstrip("\n") if code.startswith("\n") else code


def _of(reports: list[FileReport], path: str) -> list[FileReport]:
    return [report for report in reports if os.path.abspath(report.path) == os.path.abspath(path)]

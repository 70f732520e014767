"""Paths in, reports out: reads the files, asks the engine, writes what was mended. Processes live here and nowhere deeper."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Optional

from migrator import rules
from migrator.annotations import annotate, revise_document, without_stale
from migrator.candidates import mentions_prefect, worth_parsing
from migrator.config import Settings, enabled, from_version, target_version
from migrator.discovery import OnOutside, discover, lies_in
from migrator.engine import UNUSED_SUPPRESSION, Mended, Plan, find, mend
from migrator.findings import Applicability, Change, Failure, FileReport, Finding
from migrator.knowledge.lookup import star_names
from migrator.model.module import ParseError
from migrator.model.project import Project
from migrator.model.texts import Texts
from migrator.rules.base import Target
from migrator.sources import documents
from migrator.sources.documents import Document, Kind, kind_of, kind_of_named
from migrator.sources.text import Source, SourceError, decode, encode

Progress = Callable[[int, int], None]
Choose = Callable[[FileReport, Finding], bool]

WORTH_A_PROCESS = 100
"""From this many files to parse on, processes pay for their start."""
_CHUNK = 20
_DEEPEST_NESTING = 10_000
"""Frames; a branch of `elif` takes two. Python's own limit of 1,000 is reached by long chains that its parser takes."""
_CHARACTERS_BETWEEN_COLLECTIONS = 4_000_000
_MOST_PASSES = 6


def check(
    paths: Sequence[str],
    settings: Settings,
    *,
    on_progress: Optional[Progress] = None,
    on_outside: Optional[OnOutside] = None,
) -> list[FileReport]:
    """What is to be said of each file under the paths, in the order of their names; nothing is written.

    `on_outside` is told of each symbolic link that leads outside of the paths, which is not followed.
    Raises FileNotFoundError for a path that is not there, ConfigError for a selector that matches no rule.
    """
    plan = _plan(settings)
    workspace = Workspace.at(paths, settings, on_outside)
    render = settings.output_format == "json"
    reports = _find_all(workspace, plan, settings, render, on_progress)
    return [*workspace.failures, *reports]


def fix(
    paths: Sequence[str],
    settings: Settings,
    *,
    write: bool = True,
    choose: Optional[Choose] = None,
    on_progress: Optional[Progress] = None,
    on_outside: Optional[OnOutside] = None,
) -> list[FileReport]:
    """Applies the fixes that the settings allow and says what was done and what is left.

    All files are decided on before the first one is written, each is written atomically, and none where `write` is false. A file whose
    fixes change another file is written after that one, and not at all where that one could not be. Nothing outside of the paths is
    written but what a fix makes for a file inside (`Workspace.change_others`). `on_outside` and what is raised: as in `check`.
    """
    plan = _plan(settings)
    workspace = Workspace.at(paths, settings, on_outside)
    reports = {report.path: report for report in _find_all(workspace, plan, settings, False, on_progress)}
    applied: dict[str, list[Finding]] = {}
    for _ in range(_MOST_PASSES):
        with _made_for_trees():
            changed = _mend_pass(workspace, plan, settings, reports, applied, choose)
        if not changed:
            break
        workspace.forget()
        reports = {report.path: report for report in _find_all(workspace, plan, settings, False, None)}
        choose = choose and _refuse
    with _made_for_trees():
        final = [_settle(workspace, plan, settings, report, applied) for report in reports.values()]
        final += [workspace.report_removed(path, applied.get(path, [])) for path in workspace.removed]
    if write:
        final = workspace.write_all(final)
    return [*workspace.failures, *sorted(final, key=lambda report: report.path)]


def check_source(data: bytes, filename: str, settings: Settings) -> FileReport:
    """What is to be said of a source that is not on disk under this name, or not in this state."""
    plan = _plan(settings)
    path = os.path.abspath(filename)
    workspace = Workspace([path], given={path: data})
    with _made_for_trees():
        return _relabel(_find_one(workspace, plan, path, settings.output_format == "json"), filename)


def fix_source(data: bytes, filename: str, settings: Settings) -> tuple[FileReport, bytes]:
    """As `check_source`, with the fixes applied; the bytes are those that came in where nothing was fixed."""
    plan = _plan(settings)
    path = os.path.abspath(filename)
    workspace = Workspace([path], given={path: data})
    applied: dict[str, list[Finding]] = {}
    with _made_for_trees():
        report = _find_one(workspace, plan, path, False)
        if report.failure is None:
            _mend_pass(workspace, plan, settings, {path: report}, applied, None, alone=True)
            workspace.forget()
            report = _settle(workspace, plan, settings, _find_one(workspace, plan, path, False), applied)
    return _relabel(report, filename), workspace.encoded(path) if report.before is not None else data


def _relabel(report: FileReport, filename: str) -> FileReport:
    return FileReport(filename, report.text, report.findings, report.failure, report.before, report.applied)


def _refuse(report: FileReport, finding: Finding) -> bool:
    return False


# -- files


class Workspace:
    """The files of a run: their texts as read, and as the fixes so far leave them."""

    def __init__(
        self, files: Sequence[str], given: Optional[dict[str, bytes]] = None, within: Optional[Sequence[str]] = None
    ) -> None:
        """`given`: the bytes of files that are not on disk, or not so; `within`: the paths outside of which fixes change no file, None
        where they change none on disk."""
        self.files = dict.fromkeys(files)
        """In the order in which they are looked at."""
        self._within = None if within is None else frozenset(map(os.path.realpath, within))
        self.failures: list[FileReport] = []
        self._data: dict[str, bytes] = dict(given or {})
        self._sources: dict[str, Optional[Source]] = {}
        self._texts: dict[str, str] = {}
        self._missing: set[str] = set()
        """What was asked for and is not there."""
        self._around: Optional[list[str]] = None
        self._documents: Optional[list[str]] = None
        self.removed: set[str] = set()
        """Files that the fixes do away with."""
        self.created: set[str] = set()
        """Files that are not there before the fixes."""
        self.stuck: set[str] = set()
        """Files whose fixes cannot be applied: they need another file that cannot be changed, or give no text that can be read."""
        self._changed: set[str] = set()
        """Files that changed since the model was made."""
        self.unmended: dict[str, Failure] = {}
        """Why the fixes of a file give no text that can be read."""
        self._looked_at: set[str] = set()
        self._wanted: set[str] = set()
        """Those of them that are worth parsing."""
        self._needs: dict[str, set[str]] = {}
        """For a file, the other files that its fixes changed."""
        self.touched: set[str] = set()
        """The files that fixes of other files changed or made."""
        self.project = Project(self.text, self._files_around, star_names, self._documents_around, self._python_files)

    @classmethod
    def at(cls, paths: Sequence[str], settings: Settings, on_outside: Optional[OnOutside] = None) -> Workspace:
        """The workspace of the files under the paths; directories that cannot be read are noted as failures."""
        failures: list[FileReport] = []

        def note(path: str, error: OSError) -> None:
            failures.append(FileReport(path, failure=Failure(f"cannot be read: {error.strerror or error}")))

        found = discover(
            paths,
            exclude=settings.exclude,
            exclude_root=settings.exclude_root,
            on_error=note,
            on_outside=on_outside,
        )
        workspace = cls(list(map(_absolute, found)), within=paths)
        workspace.failures = failures
        return workspace

    def forget(self) -> None:
        """Starts the model anew, after texts changed."""
        self.project = self.project.renewed(self._changed)
        self._changed = set()

    def data(self, path: str) -> bytes:
        """The bytes of a file as first read. Raises OSError."""
        known = self._data.get(path)
        return read(path) if known is None else known

    def source(self, path: str) -> Source:
        """The decoded file. Raises OSError and SourceError."""
        known = self._sources.get(path)
        if known is None:
            data = self.data(path)
            python = kind_of_named(path, data) in (None, Kind.PYTHON)
            known = decode(data) if python else documents.decode(data)
            if mentions_prefect(data) or path in self._wanted or self.project.is_known_relevant(path):
                self._sources[path] = known
                self._data[path] = data
        return known

    def text(self, path: str) -> Optional[str]:
        """The present text of a file; None where it cannot be had."""
        changed = self._texts.get(path)
        if changed is not None:
            return changed
        if path in self.removed or path in self._missing:
            return None
        try:
            return self.source(path).text
        except (OSError, SourceError) as error:
            if isinstance(error, FileNotFoundError):
                self._missing.add(path)
            return None

    def replace(self, path: str, text: str) -> None:
        self._sources[path] = self.source(path)
        self._data[path] = self.data(path)
        self._texts[path] = text
        self._changed.add(path)

    def kind(self, path: str) -> Optional[Kind]:
        """What a file is written in; None where that is not read. A file that a fix of another changes is plain text at least. Raises OSError."""
        kind = kind_of(path) or kind_of_named(path, self.data(path))
        return Kind.OTHER if kind is None and path in self.touched else kind

    def change_others(self, path: str, changes: Sequence[Change]) -> None:
        """Does what a fix of `path` does to other files: to all of them or, where a ValueError says why, to none.

        Outside of the paths of the run it makes new files, and changes one that lies beside a file that was named itself.
        """
        staged: dict[str, str] = {}
        for change in changes:
            if not self._may_change(change.path, path):
                raise ValueError(f"its fix also changes {change.path}, outside of the given paths: give that as well")
            text = staged.get(change.path, self.text(change.path))
            if text is None and os.path.lexists(change.path):
                raise ValueError(f"{change.path}, which the fix changes as well, cannot be read")
            staged[change.path] = change.rewrite(text or "")
        for target, text in staged.items():
            self.files.setdefault(target)
            if not os.path.lexists(target) and target not in self.created:
                self.created.add(target)
                self._data[target] = b""
            self.replace(target, text)
            self._needs.setdefault(path, set()).add(target)
            self.touched.add(target)

    def _may_change(self, target: str, path: str) -> bool:
        """Whether a fix of `path` may change or make another file. No link may lead it outside."""
        real = os.path.realpath(target)
        if self._within is None or lies_in(real, self._within):
            return True
        if os.path.islink(target):
            return False
        beside = os.path.dirname(target) == os.path.dirname(path) and os.path.realpath(path) in self._within
        return beside or not os.path.lexists(target)

    def is_beyond(self, path: str) -> bool:
        """Whether a file was there outside of the paths: a fix may add to it, and nothing else is said of it or mended."""
        if self._within is None or path not in self.touched or path in self.created:
            return False
        return not lies_in(os.path.realpath(path), self._within)

    def remove(self, path: str) -> None:
        """Notes that a file goes."""
        self.source(path)
        self._data[path] = self.data(path)
        self._texts.pop(path, None)
        self.files.pop(path)
        self.removed.add(path)

    def report_removed(self, path: str, applied: Sequence[Finding]) -> FileReport:
        """The report of a file that goes."""
        return FileReport(path, "", (), None, self.source(path).text, tuple(applied), True)

    def before(self, path: str) -> Optional[str]:
        """The text as it was read, where it is another one now."""
        changed = self._texts.get(path)
        if changed is None:
            return None
        original = self.source(path).text
        return original if original != changed else None

    def encoded(self, path: str) -> bytes:
        """The bytes of the present text, in the file's own encoding. Raises SourceError where it cannot say them."""
        source = self.source(path)
        to_bytes = encode if self.kind(path) is Kind.PYTHON else documents.encode
        return to_bytes(self._texts.get(path, source.text), source)

    def write_all(self, reports: Sequence[FileReport]) -> list[FileReport]:
        """Writes what changed: first what the fixes of other files changed, then the others, then away with what goes.

        In the directories that it writes to, what a killed run left is removed.
        """
        from migrator.writing import remove_leftovers

        changed = [os.path.realpath(report.path) for report in reports if report.before is not None]
        for directory in sorted({os.path.dirname(path) for path in changed}):
            remove_leftovers(directory)
        targets = self.touched

        def turn(report: FileReport) -> int:
            path = os.path.abspath(report.path)
            return 2 if report.removed else 0 if path in targets and path not in self._needs else 1

        written: list[FileReport] = []
        failed: set[str] = set()
        for report in sorted(reports, key=turn):
            path = os.path.abspath(report.path)
            missing = self._needs.get(path, set()) & failed
            if missing:
                reason = (
                    f"left as it was: its fix also changes {', '.join(sorted(missing))}, which could not be written"
                )
                done = FileReport(report.path, report.before or report.text, (), Failure(reason))
            else:
                done = self._unlink(report) if report.removed else self.write(report)
            if done.failure is not None:
                failed.add(path)
            written.append(done)
        return written

    def _unlink(self, report: FileReport) -> FileReport:
        from migrator.writing import unchanged_since

        path = os.path.abspath(report.path)
        try:
            if not unchanged_since(path, self.data(path)):
                raise ValueError("changed by another program since it was read")
            os.unlink(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return FileReport(report.path, report.before or "", (), Failure(f"not removed: {reason}"))
        return report

    def write(self, report: FileReport) -> FileReport:
        """Writes a changed file; the report says why where that is not possible."""
        if report.before is None:
            return report
        from migrator.writing import create, write_atomically

        path = os.path.abspath(report.path)
        try:
            if path in self.created:
                create(path, self.encoded(path))
            else:
                write_atomically(path, self.encoded(path), expected=self.data(path))
        except (OSError, SourceError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return FileReport(report.path, report.before, (), Failure(f"not written: {reason}"))
        return report

    def candidates(self) -> list[str]:
        """The files that mention Prefect, or import one that does; the others are not even parsed. Found out once of each file."""
        fresh = [path for path in self.files if path not in self._looked_at]
        if fresh:
            self._looked_at.update(fresh)
            self._wanted |= worth_parsing(fresh, self.data, self.project.imported_files, self.created.__contains__)
        return [path for path in self.files if path in self._wanted]

    def _python_files(self) -> list[str]:
        """The Python files that are looked at."""
        files = self._wanted if self._looked_at else self.files
        return [path for path in files if kind_of(path) in (None, Kind.PYTHON)]

    def _documents_around(self) -> list[str]:
        """Every file of the project that is not Python but of a known kind, as it is after the fixes so far."""
        if self._documents is None:
            around = {path for path in self.files if kind_of(path) not in (None, Kind.PYTHON)}
            found = self._below_roots(around, python_only=False)
            self._documents = sorted(around.union(path for path in found if kind_of(path) is not Kind.PYTHON))
        return [path for path in self._documents if path not in self.removed]

    def _files_around(self) -> list[str]:
        """Every Python file of the project that the files belong to, those outside of the given paths included."""
        if self._around is None:
            files = {path for path in self.files if kind_of(path) in (None, Kind.PYTHON)}
            self._around = sorted(files.union(self._below_roots(files, python_only=True)))
        return self._around

    def _below_roots(self, files: Iterable[str], *, python_only: bool) -> Iterator[str]:
        """The files below the roots of projects. They are only read, so that links are followed.

        The innermost root comes first: rules above it do not count below it.
        """
        roots = sorted({self.project.root(path) for path in files}, key=lambda root: (-root.count(os.sep), root))
        found = discover(roots, on_error=lambda path, error: None, python_only=python_only, follow=True)
        return map(os.path.abspath, found)


def read(path: str) -> bytes:
    """The bytes of a file on disk; all that a run looks at goes through here. Raises OSError."""
    with open(path, "rb", buffering=0) as stream:
        return stream.read()


def _absolute(path: str) -> str:
    """The absolute name of a file; one without links where `..` after a link leads elsewhere than the name says."""
    absolute = os.path.abspath(path)
    if os.pardir in path.split(os.sep):
        real = os.path.realpath(path)
        return absolute if os.path.realpath(absolute) == real else real
    return absolute


# -- looking


def _plan(settings: Settings) -> Plan:
    codes = (UNUSED_SUPPRESSION, *(rule.code for rule in rules.catalogue()))
    chosen = tuple(rule for rule in rules.catalogue() if enabled(settings, rule.code, codes))
    version = target_version(settings.target)
    target = Target(
        version[1] if version is not None else None,
        settings.target == "both",
        settings.compat,
        settings.work_pool,
        from_version(settings.from_) if settings.from_ is not None else None,
        frozenset(settings.select),
    )
    return Plan(chosen, target, enabled(settings, UNUSED_SUPPRESSION, codes))


def _find_all(
    workspace: Workspace, plan: Plan, settings: Settings, render: bool, on_progress: Optional[Progress]
) -> list[FileReport]:
    paths = workspace.candidates()
    jobs = settings.jobs or (os.cpu_count() or 1 if len(paths) >= WORTH_A_PROCESS else 1)
    reports: list[FileReport] = []
    parts: Iterator[list[FileReport]]
    if jobs > 1 and len(paths) > 1:
        parts = _in_processes(workspace, settings, paths, render, jobs)
    else:
        parts = ([_find_one(workspace, plan, path, render)] for path in paths)
    with _made_for_trees() as parsed:
        for part in parts:
            reports += part
            parsed(sum(len(report.text) for report in part))
            if on_progress is not None:
                on_progress(len(reports), len(paths))
    return sorted(reports, key=lambda report: report.path)


@contextlib.contextmanager
def _made_for_trees() -> Iterator[Callable[[int], None]]:
    """Lets trees be deep, and the garbage collector run only after so many characters parsed: by itself it would visit the growing
    trees again and again, which costs as much as parsing them."""
    was_on, depth = gc.isenabled(), sys.getrecursionlimit()
    gc.disable()
    sys.setrecursionlimit(max(depth, _DEEPEST_NESTING))
    since = 0

    def parsed(characters: int) -> None:
        nonlocal since
        since += characters
        if since > _CHARACTERS_BETWEEN_COLLECTIONS:
            gc.collect()
            since = 0

    try:
        yield parsed
    finally:
        sys.setrecursionlimit(depth)
        if was_on:
            gc.enable()


def _find_one(workspace: Workspace, plan: Plan, path: str, render: bool) -> FileReport:
    """The report of one file; what cannot be read or parsed is a failure with its place, never an exception."""
    text = ""
    try:
        kind = workspace.kind(path)
        if kind is None:
            return FileReport(
                path,
                failure=Failure(
                    "is not a kind of file that is read; `migrator check` reads Python, YAML, shell scripts, Makefiles, Dockerfiles and Markdown"
                ),
            )
        text = workspace.text(path) or workspace.source(path).text
        found = find(path, text, workspace.project, plan, render=render, kind=kind)
        return FileReport(path, text, tuple(map(_plain, found)))
    except OSError as error:
        return FileReport(path, failure=Failure(f"cannot be read: {error.strerror or error}"))
    except SourceError as error:
        return FileReport(path, failure=Failure(error.message, error.row, error.column))
    except ParseError as error:
        return FileReport(path, text, failure=Failure(error.message, error.row, error.column))
    except RecursionError:
        return FileReport(path, text, failure=Failure("is nested too deeply to be checked"))
    except Exception as error:
        return FileReport(path, text, failure=_unforeseen(error))


def _plain(finding: Finding) -> Finding:
    """A finding as reports have it: what its fix does elsewhere is a function, which no other process can be given."""
    if finding.fix is None or not finding.fix.elsewhere:
        return finding
    return replace(finding, fix=replace(finding.fix, elsewhere=()))


def _unforeseen(error: Exception) -> Failure:
    """One file must not stop the run, whatever is wrong with it or with a rule."""
    return Failure(f"left as it was: {type(error).__name__}: {error}; please report it")


@dataclass(frozen=True)
class _Job:
    """What a process needs: it reads the files itself."""

    files: tuple[str, ...]
    changed: tuple[tuple[str, str], ...]
    created: tuple[str, ...]
    removed: tuple[str, ...]
    texts: Texts
    settings: Settings
    render: bool


_worker: Optional[tuple[Workspace, Plan, bool]] = None


def _start_worker(job: _Job) -> None:
    global _worker
    workspace = Workspace(job.files, given=dict.fromkeys(job.created, b""))
    workspace.removed.update(job.removed)
    for path, text in job.changed:
        workspace.replace(path, text)
    workspace.project.texts = job.texts
    _worker = workspace, _plan(job.settings), job.render


def _work(paths: list[str]) -> list[FileReport]:
    assert _worker is not None
    workspace, plan, render = _worker
    with _made_for_trees():
        reports = [_find_one(workspace, plan, path, render) for path in paths]
    gc.collect()
    return reports


def _in_processes(
    workspace: Workspace, settings: Settings, paths: Sequence[str], render: bool, jobs: int
) -> Iterator[list[FileReport]]:
    """The reports in chunks, the largest files first."""
    files, texts = tuple(workspace.files), tuple(workspace._texts.items())
    job = _Job(
        *(files, texts, tuple(workspace.created), tuple(workspace.removed)), workspace.project.texts, settings, render
    )
    by_size = sorted(paths, key=_size, reverse=True)
    step = max(1, min(_CHUNK, len(by_size) // (jobs * 4)))
    chunks = [by_size[at : at + step] for at in range(0, len(by_size), step)]
    with ProcessPoolExecutor(jobs, initializer=_start_worker, initargs=(job,)) as pool:
        yield from pool.map(_work, chunks)


def _size(path: str) -> int:
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


# -- mending


def _mend_pass(
    workspace: Workspace,
    plan: Plan,
    settings: Settings,
    reports: dict[str, FileReport],
    applied: dict[str, list[Finding]],
    choose: Optional[Choose],
    alone: bool = False,
) -> bool:
    """Mends each file once, with the others as they were before the pass; says whether any changed."""
    changed: dict[str, Mended] = {}
    ask = None if choose is None else partial(_ask, choose)
    for path, report in reports.items():
        if path in workspace.stuck or not any(_wanted(finding, settings) for finding in report.findings):
            continue
        if workspace.is_beyond(path):
            continue
        try:
            mended = mend(
                *(path, report.text, workspace.project, plan),
                unsafe=settings.unsafe_fixes,
                choose=ask,
                kind=workspace.kind(path) or Kind.PYTHON,
                alone=alone,
            )
        except Exception as error:
            workspace.unmended[path] = (
                Failure(error.message, error.row, error.column) if isinstance(error, ParseError) else _unforeseen(error)
            )
            workspace.stuck.add(path)
            continue
        if mended.text != report.text:
            changed[path] = mended
    for path, mended in changed.items():
        if not mended.elsewhere:
            workspace.replace(path, mended.text)
    for path, mended in changed.items():
        if mended.elsewhere:
            try:
                workspace.change_others(path, mended.elsewhere)
            except ValueError as error:
                workspace.failures.append(FileReport(path, failure=Failure(f"left as it was: {error}")))
                workspace.stuck.add(path)
                continue
            workspace.replace(path, mended.text)
        if mended.removed:
            workspace.remove(path)
        applied.setdefault(path, []).extend(mended.applied)
    return bool(changed.keys() - workspace.stuck)


def _ask(choose: Choose, path: str, text: str, finding: Finding) -> bool:
    return choose(FileReport(path, text, (finding,)), finding)


def _wanted(finding: Finding, settings: Settings) -> bool:
    fix = finding.fix
    return fix is not None and (settings.unsafe_fixes or fix.applicability is Applicability.SAFE)


def _settle(
    workspace: Workspace, plan: Plan, settings: Settings, report: FileReport, applied: dict[str, list[Finding]]
) -> FileReport:
    """The final report of a file, its comments for what is left added or taken away."""
    failure = report.failure or workspace.unmended.get(report.path)
    if failure is not None:
        return FileReport(report.path, report.text, report.findings, failure)
    if workspace.is_beyond(report.path):
        return FileReport(report.path, report.text, (), None, workspace.before(report.path), touched=True)
    text, findings = report.text, report.findings
    looked_for = {rule.code for rule in plan.rules}
    kind = workspace.kind(report.path) or Kind.PYTHON
    if kind is Kind.PYTHON:
        noted = (annotate if settings.annotate else without_stale)(text, findings, looked_for)
    else:
        noted = revise_document(Document(report.path, text, kind), findings, looked_for, add=settings.annotate)
    if noted != text:
        workspace.replace(report.path, noted)
        workspace.project.forget(report.path)
        findings = tuple(find(report.path, noted, workspace.project, plan, render=False, kind=kind))
    done = tuple(applied.get(report.path, ()))
    touched = report.path in workspace.touched
    return FileReport(report.path, noted, findings, None, workspace.before(report.path), done, touched=touched)

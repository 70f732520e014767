"""What a rule is, what it is given and what it gives back."""

from __future__ import annotations

import ast
import inspect
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Optional

from migrator.findings import Applicability, Change, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import Module, Reference
from migrator.model.names import Imported, guarded, span
from migrator.model.project import Project
from migrator.model.values import Values
from migrator.rewriting.names import uses_of
from migrator.sources.documents import Document

UPGRADE_GUIDE = "https://docs.prefect.io/v3/how-to-guides/migrate/upgrade-to-prefect-3"


_OF_3 = re.compile(
    r"^\s*(?:from|import)\s+prefect\.(?:cache_policies|transactions|task_worker|locking|assets|isolation)\b|\bcache_policy\s*=",
    re.M,
)


@dataclass(frozen=True)
class Target:
    """What the code shall run on, and what was said of the code itself.

    `minor` is the 3.x minor asked for; None means every present and future one. `both` asks for code that runs unchanged on 2.x too.
    """

    minor: Optional[int] = None
    both: bool = False
    compat: str = "compat"
    """The package that code for both majors takes its helpers from: `compat`, or a copy of it under another name."""
    work_pool: Optional[str] = None
    """The work pool for deployments that named none, since agents took their runs; None: what Prefect's own setting says when they are deployed."""
    written_for: Optional[tuple[int, int, int]] = None
    """The release of Prefect 2 that the code was written for; None where it is not said."""
    selected: frozenset[str] = frozenset()
    """The selectors that were given: a rule whose whole code is among them was asked for by name."""

    def reaches(self, since: Optional[str]) -> bool:
        """Whether a change that came with a release (`3.5`) is in force on the target; False for None."""
        if since is None:
            return False
        major, minor = (int(part) for part in since.split(".")[:2])
        return major < 3 or self.minor is None or minor <= self.minor

    def __str__(self) -> str:
        return "both" if self.both else "3" if self.minor is None else f"3.{self.minor}"


@dataclass(frozen=True)
class Mend:
    """How a finding can be mended. The edits are made only when somebody wants them."""

    applicability: Applicability
    message: str
    edits: Callable[[], Iterable[Edit]]
    elsewhere: Callable[[], Iterable[Change]] = tuple
    """What it changes in other files; see `Change`."""
    removes: bool = False
    """Whether the file itself goes with the fix: the edits then leave nothing of its text."""

    @cached_property
    def rendered(self) -> tuple[Edit, ...]:
        """The edits, made once for all findings that share the mend."""
        return tuple(sorted(set(self.edits())))

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """The changes to other files, made once for all findings that share the mend."""
        return tuple(self.elsewhere())


@dataclass(frozen=True)
class Draft:
    """A finding as a rule states it; what it leaves out is the rule's own."""

    start: int
    end: int
    message: str
    mend: Optional[Mend] = None
    severity: Optional[Severity] = None
    url: Optional[str] = None
    gathered: Optional[Callable[[int], str]] = None
    """For a place that is reported together with the others of its file: the message, from their number."""


@dataclass(frozen=True)
class Context:
    """What a rule looks at: one module, its project, and the target."""

    module: Module
    project: Project
    target: Target
    shared: dict[str, object] = field(default_factory=dict)
    """What rules of the same module compute once."""

    @property
    def values(self) -> Values:
        """What the module's expressions hold; made once for all rules."""
        if "values" not in self.shared:
            self.shared["values"] = Values(self.module)
        found = self.shared["values"]
        assert isinstance(found, Values)
        return found

    @property
    def written_for_3(self) -> bool:
        """Whether the module, or one whose tasks it uses, was written for Prefect 3: it has something that `fix` never writes.

        What Prefect 3 does in silence is what such code means.
        """
        if "written for 3" not in self.shared:
            used = {r.definition.module for r in self.module.references if r.definition is not None}
            self.shared["written for 3"] = any(_OF_3.search(module.text) for module in {self.module, *used})
        return bool(self.shared["written for 3"])

    def draft(
        self,
        node: ast.AST,
        message: str,
        mend: Optional[Mend] = None,
        severity: Optional[Severity] = None,
        url: Optional[str] = None,
    ) -> Draft:
        """A finding at a node."""
        start, end = span(node, self.module.index)
        return Draft(start, end, message, mend, severity, url)

    def may_fail(self, parents: Sequence[ast.AST], node: ast.AST) -> bool:
        """Whether a name of 2.x may be missing here: in a `try` that catches it, or on a branch for 2.x alone."""
        return guarded(parents, node) or only_on((*parents, node), self.module) == 2

    def passed_on(self, name: str) -> bool:
        """Whether others may use this module's top-level name: `__all__` lists it, the project imports it from here, or a string spells it."""
        key = f"passed on {self.module.path}"
        if key not in self.shared:
            self.shared[key] = frozenset(self.module.exported) | self.project.imported_from(self.module.path)
        names = self.shared[key]
        assert isinstance(names, frozenset)
        if name in names or ("*" in names and not name.startswith("_")):
            return True
        quoted = self.module.text.count(f'"{name}"') + self.module.text.count(f"'{name}'")
        annotations = sum(
            self.module.text[use.start - 1] in "\"'" and self.module.text[use.end] in "\"'"
            for use in self.module.names.uses
            if use.in_string and use.name == name
        )
        return quoted > annotations or self.project.is_spelled_out(self.module.path, name)


@dataclass(frozen=True)
class DocumentContext:
    """What a rule for files other than Python looks at."""

    document: Document
    project: Project
    target: Target
    read: Callable[[str], Optional[str]] = lambda path: None
    """The present text of another file; None where there is none."""

    def draft(
        self,
        start: int,
        end: int,
        message: str,
        mend: Optional[Mend] = None,
        severity: Optional[Severity] = None,
        url: Optional[str] = None,
    ) -> Draft:
        """A finding at `text[start:end]`."""
        return Draft(start, end, message, mend, severity, url)


def upwards(path: str) -> Iterator[str]:
    """The directory of a file and all those above it, the nearest first."""
    directory = os.path.dirname(path)
    while True:
        yield directory
        above = os.path.dirname(directory)
        if above == directory:
            return
        directory = above


def unneeded_imports(context: Context, gone: Sequence[Reference], *, but_on_2: bool = False) -> Iterator[Imported]:
    """The imports that nothing needs once the references are gone; with `but_on_2`, what only code for Prefect 2 needs counts as unneeded."""
    nodes = {reference.node for reference in gone}
    for imported in dict.fromkeys(reference.imported for reference in gone):
        if imported is None or imported.name is None or imported.star or imported.guarded:
            continue
        is_kept = imported.scope is context.module.names.module_scope and context.passed_on(imported.local)
        if not is_kept and all(
            use.node in nodes or (but_on_2 and only_on((*use.use.parents, use.node), context.module) == 2)
            for use in uses_of(context.module, imported)
        ):
            yield imported


Check = Callable[[Context], Iterator[Draft]]
DocumentCheck = Callable[[DocumentContext], Iterator[Draft]]


def _nothing(context: Any) -> Iterator[Draft]:
    return iter(())


@dataclass(frozen=True)
class Rule:
    """A rule: its code and name, its usual severity, how far its fixes go, and the function that decides."""

    code: str
    name: str
    severity: Severity
    fixes: str
    """`safe`, `unsafe`, `safe or unsafe`, `none`: what a finding of it may carry."""
    url: str
    check: Check = _nothing
    """Decides on a Python module."""
    anywhere: bool = False
    """Whether it looks at files that mention Prefect without a name of its package, too: scripts that only speak to its API."""

    of_2: bool = False
    """Whether it tells what Prefect 2 did otherwise, without anything failing: not said of code that was written for Prefect 3."""

    check_document: Optional[DocumentCheck] = None
    """Decides on a file that is not Python; such a rule looks at no module."""

    @cached_property
    def page(self) -> str:
        """The rule's page: the docstring of its function."""
        return inspect.cleandoc((self.check_document or self.check).__doc__ or "")

    @property
    def summary(self) -> str:
        return self.page.partition("\n")[0]


def rule(
    code: str,
    name: str,
    severity: Severity,
    fixes: str,
    url: str = UPGRADE_GUIDE,
    anywhere: bool = False,
    of_2: bool = False,
) -> Callable[[Check], Rule]:
    """Makes a rule of a function whose docstring is the rule's page."""
    return lambda check: Rule(code, name, severity, fixes, url, check, anywhere, of_2)


def document_rule(
    code: str, name: str, severity: Severity, fixes: str, url: str = UPGRADE_GUIDE
) -> Callable[[DocumentCheck], Rule]:
    """As `rule`, for a function that decides on files that are not Python."""
    return lambda check: Rule(code, name, severity, fixes, url, check_document=check)

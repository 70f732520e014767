"""One file in, its findings out; and one file in, the mended text out. Pure: nothing is read or written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Optional

from migrator.findings import Applicability, Change, Edit, Finding, Fix, LineIndex, Severity, apply_edits
from migrator.model.module import Module, ParseError, parse
from migrator.model.names import span
from migrator.model.project import Project
from migrator.rules.base import UPGRADE_GUIDE, Context, DocumentContext, Draft, Rule, Target
from migrator.sources.documents import Document, Kind
from migrator.suppression import Suppression, document_suppressions, split, suppressions

UNUSED_SUPPRESSION = "PF001"
MOST_ROUNDS = 200


@dataclass(frozen=True)
class Plan:
    """What to look for: the rules that are on, and the target."""

    rules: tuple[Rule, ...]
    target: Target
    report_unused_suppressions: bool = True


def find(
    path: str, text: str, project: Project, plan: Plan, *, render: bool, kind: Kind = Kind.PYTHON
) -> list[Finding]:
    """The findings in a file, in the order of the text. Raises ParseError.

    Without `render` fixes are named but have no edits, which is cheaper and loads nothing that rewrites.
    """
    if kind is not Kind.PYTHON:
        return _find_in_document(Document(path, text, kind), project, plan, render)
    module = project.load(path, text)
    comments = suppressions(module.index)
    findings: list[Finding] = []
    gathered: dict[Finding, Callable[[int], str]] = {}
    context = Context(module, project, plan.target)
    uses_prefect = bool(module.names.imported or module.names.strings)
    for rule in plan.rules:
        if (
            rule.check_document is None
            and (uses_prefect or rule.anywhere)
            and not (rule.of_2 and context.written_for_3)
        ):
            for draft in rule.check(context):
                finding = _finding(rule, draft, render or bool(comments))
                findings.append(finding)
                if draft.gathered is not None:
                    gathered[finding] = draft.gathered
    if findings and project.is_compat(path):
        return []  # it has the code of each major on purpose
    if module.names.misplaced:
        findings = [replace(finding, fix=None) for finding in findings]
    return _gathered(_without_silenced(findings, comments, module.index, plan), gathered)


def _find_in_document(document: Document, project: Project, plan: Plan, render: bool) -> list[Finding]:
    context = DocumentContext(document, project, plan.target, project.read)
    comments = document_suppressions(document.index)
    findings = [
        _finding(rule, draft, render or bool(comments))
        for rule in plan.rules
        if rule.check_document is not None
        for draft in rule.check_document(context)
    ]
    return _without_silenced(findings, comments, document.index, plan)


def _without_silenced(
    findings: list[Finding], comments: tuple[Suppression, ...], index: LineIndex, plan: Plan
) -> list[Finding]:
    """The findings in order, without those that the user silenced, and with the comments that silence nothing."""
    findings = sorted(set(findings), key=lambda finding: (finding.start, finding.end, finding.code))
    if not comments:
        return findings
    kept, silenced, unused = split(findings, comments, index)
    kept = _without_touching(kept, silenced)
    if plan.report_unused_suppressions:
        kept += [_unused(comment.start, comment.end) for comment in unused]
    return sorted(kept, key=lambda finding: (finding.start, finding.end, finding.code))


def _gathered(findings: list[Finding], gathered: Mapping[Finding, Callable[[int], str]]) -> list[Finding]:
    """The findings, with those that are reported together as one, at the first of their places."""
    if not gathered:
        return findings
    numbers = Counter(finding.code for finding in findings if finding in gathered)
    told: set[str] = set()
    kept: list[Finding] = []
    for finding in findings:
        if finding not in gathered:
            kept.append(finding)
        elif finding.code not in told:
            told.add(finding.code)
            kept.append(replace(finding, message=gathered[finding](numbers[finding.code])))
    return kept


def _finding(rule: Rule, draft: Draft, render: bool) -> Finding:
    fix = None
    if draft.mend is not None:
        mend = draft.mend
        edits, elsewhere = (mend.rendered, mend.changes) if render else ((), ())
        fix = Fix(mend.applicability, mend.message, edits, elsewhere, mend.removes)
    severity = rule.severity if draft.severity is None else draft.severity
    return Finding(draft.start, draft.end, rule.code, rule.name, severity, draft.message, draft.url or rule.url, fix)


def _without_touching(kept: list[Finding], silenced: list[Finding]) -> list[Finding]:
    """A fix that would also change a place that the user silenced is not offered."""
    spared = {finding.fix.edits for finding in silenced if finding.fix}
    return [replace(finding, fix=None) if finding.fix and finding.fix.edits in spared else finding for finding in kept]


def _unused(start: int, end: int) -> Finding:
    message = "This comment suppresses nothing: no finding of these codes on the line"
    return Finding(start, end, UNUSED_SUPPRESSION, "unused-suppression", Severity.INFO, message, UPGRADE_GUIDE)


@dataclass(frozen=True)
class Mended:
    """The text after the fixes, the findings that were fixed, and those that are left."""

    text: str
    applied: tuple[Finding, ...]
    left: tuple[Finding, ...]

    @property
    def elsewhere(self) -> tuple[Change, ...]:
        """What the applied fixes do to other files, in order."""
        return tuple(dict.fromkeys(c for finding in self.applied if finding.fix for c in finding.fix.elsewhere))

    @property
    def removed(self) -> bool:
        """Whether the file is to go."""
        return any(finding.fix is not None and finding.fix.removes for finding in self.applied)


def mend(
    path: str,
    text: str,
    project: Project,
    plan: Plan,
    *,
    unsafe: bool,
    choose: Optional[Callable[[str, str, Finding], bool]] = None,
    kind: Kind = Kind.PYTHON,
    alone: bool = False,
) -> Mended:
    """Applies what `find` found until nothing that may be applied is left. Raises ParseError where the text does not parse.

    With `alone`, no fix is applied that would do something to other files or to the file as a whole. `choose` is asked before each fix, with the path and the text that the fix refers to. Fixes that overlap another one wait for the next round.
    """
    applied: list[Finding] = []
    refused: set[tuple[str, str, str]] = set()
    for _ in range(MOST_ROUNDS):
        findings = find(path, text, project, plan, render=True, kind=kind)
        wanted = [
            finding for finding in findings if _may_apply(finding, unsafe, alone) and _key(finding, text) not in refused
        ]
        if choose is not None:
            for finding in wanted:
                if not choose(path, text, finding):
                    refused.add(_key(finding, text))
            wanted = [finding for finding in wanted if _key(finding, text) not in refused]
        places = _import_places(project.load(path, text)) if kind is Kind.PYTHON else []
        now, edits = _compatible(wanted, places)
        if not now:
            return Mended(text, tuple(applied), tuple(findings))
        changed = apply_edits(text, edits)
        _must_parse(text, changed, now, kind)
        applied += now
        text = changed
    raise ParseError(f"the fixes do not come to an end; please report it ({applied[-1].code})", 1, 1)


def _may_apply(finding: Finding, unsafe: bool, alone: bool) -> bool:
    fix = finding.fix
    if fix is None or (alone and (fix.elsewhere or fix.removes)):
        return False
    return unsafe or fix.applicability is Applicability.SAFE


def _key(finding: Finding, text: str) -> tuple[str, str, str]:
    """What stays the same of a finding while other fixes move it: its code, and its line before and from the place on."""
    begin, end = text.rfind("\n", 0, finding.start) + 1, text.find("\n", finding.start)
    return finding.code, text[begin : finding.start], text[finding.start : end if end >= 0 else len(text)]


def _import_places(module: Module) -> list[tuple[int, int]]:
    return sorted({span(imported.statement, module.index) for imported in module.names.imported})


def _compatible(findings: Sequence[Finding], imports: Sequence[tuple[int, int]]) -> tuple[list[Finding], set[Edit]]:
    """As many fixes as go together, in order: all edits of a fix or none, and one fix at a time for an import statement."""
    taken: list[Finding] = []
    edits: set[Edit] = set()
    busy: set[tuple[int, int]] = set()
    for finding in findings:
        assert finding.fix is not None
        new = set(finding.fix.edits) - edits
        touched = {place for place in imports for edit in new if place[0] <= edit.start <= edit.end <= place[1]}
        if touched & busy or any(_clash(edit, other) for edit in new for other in edits):
            continue
        edits |= new
        busy |= touched
        taken.append(finding)
    return taken, edits


def _clash(one: Edit, other: Edit) -> bool:
    if one.start == other.start and one.end == other.end:
        return True
    return one.start < other.end and other.start < one.end


def _must_parse(before: str, text: str, applied: Iterable[Finding], kind: Kind) -> None:
    """Raises ParseError where the new text does not parse; for a template that is not YAML as it stands, nothing can be said."""
    try:
        if kind is Kind.PYTHON:
            parse(text)
        elif kind is Kind.YAML and _is_yaml(before):
            _parse_yaml(text)
    except ParseError as error:
        codes = ", ".join(sorted({finding.code for finding in applied}))
        raise ParseError(
            f"left as it was: the fixes for {codes} would not parse ({error.message}); please report it",
            error.row,
            error.column,
        ) from None


def _is_yaml(text: str) -> bool:
    try:
        _parse_yaml(text)
    except ParseError:
        return False
    return True


def _parse_yaml(text: str) -> None:
    """Raises ParseError where a text is no YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        for _ in YAML(typ="rt").compose_all(text):
            pass
    except MarkedYAMLError as error:
        mark = error.problem_mark
        raise ParseError(
            error.problem or "is no YAML", mark.line + 1 if mark else 1, mark.column + 1 if mark else 1
        ) from None
    except YAMLError as error:
        raise ParseError(str(error), 1, 1) from None

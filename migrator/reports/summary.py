"""The lines that end a report for people: what was fixed, what was found, what can be done."""

from __future__ import annotations

import os
from collections.abc import Sequence

from migrator.findings import Applicability, FileReport, Severity
from migrator.reports.entries import Options
from migrator.reports.text import conjunction, plural

_NOUNS = ((Severity.ERROR, "error"), (Severity.WARNING, "warning"), (Severity.INFO, "note"))


def summary(reports: Sequence[FileReport], options: Options) -> str:
    """One to four lines, with the final newline."""
    findings = [finding for report in reports for finding in report.findings]
    failures = sum(report.failure is not None for report in reports)
    checked = plural(len(reports), "file")
    lines: list[str] = []
    if options.fixing:
        applied = sum(len(report.applied) for report in reports)
        changed = sum(bool(report.applied) for report in reports)
        if applied:
            verb = "Would fix" if options.dry else "Fixed"
            lines.append(f"{verb} {plural(applied, 'finding')} in {plural(changed, 'file')}.")
        others = [report for report in reports if report.before is not None and not report.applied]
        further = [os.path.relpath(report.path) for report in others if report.touched]
        gone = sum(report.removed for report in reports)
        if further:
            verb = "Would write" if options.dry else "Wrote"
            lines.append(f"{verb} {plural(len(further), 'file')} more with them: {conjunction(sorted(further))}.")
        if gone:
            verb = "Would remove" if options.dry else "Removed"
            lines.append(f"{verb} {plural(gone, 'file')} that another one now says all of.")
        annotated = len(others) - len(further)
        if annotated:
            verb = "Would change" if options.dry else "Changed"
            lines.append(f"{verb} the comments in {plural(annotated, 'file')}.")
        elif findings and not applied:
            lines.append("Nothing to fix." if options.dry else "Fixed nothing.")
    if findings:
        counts = [
            plural(count, noun)
            for severity, noun in _NOUNS
            if (count := sum(finding.severity is severity for finding in findings))
        ]
        places = f"{sum(bool(report.findings) for report in reports)} of {checked}"
        lines.append(f"{'Left:' if options.fixing else 'Found'} {conjunction(counts)} in {places}.")
        fixes = [finding.fix for finding in findings if finding.fix]
        safe = sum(fix.applicability is Applicability.SAFE for fix in fixes)
        lines += _fixable(len(fixes) if options.unsafe else safe, 0 if options.unsafe else len(fixes) - safe)
    elif lines:
        lines.append("Nothing is left to report.")
    elif not reports:
        lines.append("Nothing to check: no file mentions Prefect.")
    elif not failures:
        lines.append(f"All checks passed! {checked} checked.")
    if failures:
        lines.append(f"{plural(failures, 'file')} could not be checked.")
    return "".join(f"{line}\n" for line in lines)


def _fixable(now: int, unsafe: int) -> list[str]:
    if now and unsafe:
        return [f"{now} can be fixed with `migrator fix`, {unsafe} more with `--unsafe-fixes`."]
    if now:
        return [f"{now} can be fixed with `migrator fix`."]
    if unsafe:
        return [f"{unsafe} can be fixed with `migrator fix --unsafe-fixes`."]
    return []

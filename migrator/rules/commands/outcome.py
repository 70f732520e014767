"""What a `deployment build` or `deployment apply` becomes: edits and changes with notes, or why there is no fix."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from migrator.deployments.commands import Command, removed, replaced
from migrator.deployments.options import Line
from migrator.findings import Applicability, Change, Edit
from migrator.rules.base import DocumentContext, Draft, Mend
from migrator.rules.commands.shared import named


class ByHand(Exception):
    """Why there is no fix."""


@dataclass
class Outcome:
    """What a build becomes."""

    command: Command
    line: Line
    edits: list[Edit] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    why: str = ""
    """Why there is no fix."""
    output: str = ""
    """The file that it writes."""
    contradicted: bool = False
    """Whether the text has another build of the same deployment, with other settings."""
    pairs: list[Command] = field(default_factory=list)
    """The `apply` of what it writes."""


def value_of(line: Line, spelling: str) -> Optional[str]:
    given = line.last(spelling)
    return given.value if given else None


def plain_path(path: str) -> str:
    return path[2:] if path.startswith("./") else path


def renamed_command(command: Command) -> list[Edit]:
    group, build = named(command)
    prompt = any(word.value == "--no-prompt" for word in command.words)
    new: tuple[str, ...] = ("deploy",) if prompt else ("--no-prompt", "deploy")
    return [replaced(command, group, *new), *removed(command, build)]


def draft_of(context: DocumentContext, build: Outcome, command: Command, message: str, both: str) -> Draft:
    notes = list(dict.fromkeys(build.notes))
    if build.why:
        return context.draft(command.start, command.end, f"{message}; by hand, for {build.why}{both}")
    if notes:
        message += ". To look at: " + "; ".join(notes)
    edits, changes = tuple(build.edits), tuple(build.changes)
    mend = Mend(Applicability.UNSAFE, "Deploy with `prefect deploy`", lambda: edits, lambda: changes)
    return context.draft(command.start, command.end, message + both, mend)

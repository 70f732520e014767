"""What the rules on commands share: the commands of a document, the work pool to name, and the file of deployments beside the flow."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Optional

from migrator.deployments.commands import Command, New, Source, Word, commands
from migrator.deployments.options import BY_NAME, Line, Old, line_of
from migrator.findings import Edit
from migrator.rules.base import DocumentContext, upwards
from migrator.sources.documents import Document, Kind

WORKERS = "https://docs.prefect.io/v3/how-to-guides/migrate/upgrade-agents-to-workers"
DEPLOY = "https://docs.prefect.io/v3/how-to-guides/deployments/deploy-via-cli"
POOL_VARIABLE = "PREFECT_DEFAULT_WORK_POOL_NAME"


@lru_cache(maxsize=16)
def _found(text: str, kind: Kind) -> tuple[Command, ...]:
    return commands(text, kind)


_HISTORY = re.compile(r"(?:changelog|changes|history|news|release[-_]?notes)\b", re.I)
_NO_SHELL = frozenset({".pre-commit-config.yaml", ".pre-commit-config.yml", "tox.ini", "setup.cfg"})
_SUPERVISED = re.compile(r"^\[program:", re.M)


def found(document: Document) -> tuple[Command, ...]:
    """The commands of a document; looked for once for all rules. A changelog tells of what was, and has none."""
    if document.kind is Kind.MARKUP and _HISTORY.match(os.path.basename(document.path)):
        return ()
    return _found(document.text, document.kind)


def each(context: DocumentContext, *names: str) -> Iterator[tuple[Command, Old, Line]]:
    """The commands of these names, with their options."""
    for command in found(context.document):
        name = " ".join(command.name)
        if name in names:
            old = BY_NAME[name]
            yield command, old, line_of(command, old)


def named(command: Command) -> tuple[Word, ...]:
    """The words of the command's name."""
    after = len(command.words) - len(command.arguments)
    return command.words[after - len(command.name) : after]


def default_pool(context: DocumentContext, command: Command) -> Optional[New]:
    """The pool for what named none: the one the user gave, else that of the environment; None where no shell puts it in."""
    if context.target.work_pool:
        return context.target.work_pool
    name = os.path.basename(context.document.path).lower()
    if command.listed or name in _NO_SHELL:
        return None
    if name.startswith(("docker-compose", "compose")) and command.spell("$") != "$":
        return None  # compose puts the value in before a shell sees the backslash
    if context.document.kind is Kind.OTHER and _SUPERVISED.search(context.document.text):
        return None
    if name.endswith(".ps1"):
        return Source(f'"$env:{POOL_VARIABLE}"')
    if name.endswith((".bat", ".cmd")):
        return Source(f'"%{POOL_VARIABLE}%"')
    if context.document.kind is Kind.MAKEFILE and "justfile" not in name:
        return Source(f'"$${POOL_VARIABLE}"')
    return Source(f'"${POOL_VARIABLE}"')


def create_pool(context: DocumentContext, type_: str = "process", name: Optional[str] = None) -> str:
    """The sentence about the pool that has to be there."""
    pool = name or context.target.work_pool or "NAME"
    where = (
        "" if pool != "NAME" else f", and `export {POOL_VARIABLE}=NAME` (or run the migrator with `--work-pool NAME`)"
    )
    return f"create the work pool once: `prefect work-pool create {pool} --type {type_}`{where}"


def since_both(context: DocumentContext, since: str, what: str) -> str:
    """What to say where the text has to run on Prefect 2, too."""
    return f"; on Prefect 2, {what} exists from {since} on" if context.target.both else ""


def home_of(context: DocumentContext, entrypoint: str) -> Optional[str]:
    """The directory from which the file of an entrypoint is found: that of the document, or one above it."""
    file = entrypoint.rpartition(":")[0]
    if not file:
        return None
    return next(
        (
            directory
            for directory in upwards(context.document.path)
            if context.read(os.path.join(directory, file)) is not None
        ),
        None,
    )


_LEADING = re.compile(r"[ \t]*(?:RUN[ \t]+|[@$%>-][ \t]*)?")


def taken_out(text: str, command: Command) -> Optional[Edit]:
    """The edit that removes a whole command: its line, or its part of a chain; None where something would be left without it."""
    if command.lead is None:
        return None
    before = re.sub(r"(?:[ \t]|\\\r?\n)*\Z", "", text[: command.lead])
    after = text[command.end :]
    if before.endswith("&&"):
        kept = re.sub(r"(?:[ \t]|\\\r?\n)*\Z", "", before[:-2])
        return Edit(len(kept), command.end, "")
    if before.endswith(";") and not before.endswith(";;") and re.match(r"[ \t]*(?:#|\r?\n|\Z)", after):
        return Edit(len(before) - 1, command.end, "")
    chained = re.match(r"[ \t]*(?:&&|;)(?:[ \t]|\\\r?\n)*", after)
    if chained and re.match(r"[^\s#]", after[chained.end() :]):
        return Edit(command.lead, command.end + chained.end(), "")
    start = text.rfind("\n", 0, command.lead) + 1
    rest = re.match(r"[ \t]*;?[ \t]*(#[^\n]*)?(\r?\n|\Z)", after)
    if rest is None or not _LEADING.fullmatch(text[start : command.lead]) or text[: max(start - 1, 0)].endswith("\\"):
        return None
    if rest.group(1):
        return Edit(command.lead, command.end + rest.start(1), "")
    return Edit(start, command.end + rest.end(), "")

"""Finds `prefect ...` commands in texts of any kind, word by word with their places, and makes edits of words.

A command is found where a shell or a program would run it: in scripts, recipes of Makefiles, `run:` and `command:` of YAML,
instructions of Dockerfiles, lists of arguments (`["prefect", "agent", "start"]`), fenced blocks and inline code of Markdown.
What only speaks of a command (comments, prose, names of steps) is none.
"""

from __future__ import annotations

from migrator.deployments.commands.editing import New, Source, inserted, put_before, quoted, removed, replaced
from migrator.deployments.commands.kinds import in_code, in_order
from migrator.deployments.commands.markup import in_markup
from migrator.deployments.commands.words import WORTH, Command, Unwritable, Word
from migrator.sources.documents import Kind

__all__ = [
    "Command",
    "New",
    "Source",
    "Unwritable",
    "Word",
    "commands",
    "inserted",
    "put_before",
    "quoted",
    "removed",
    "replaced",
]


def commands(text: str, kind: Kind) -> tuple[Command, ...]:
    """The `prefect` commands of a text, in its order: those of `GROUPS` and `LEAVES`, wherever something would run them.

    Nothing is raised for texts that are not what `kind` says; what cannot be read is left out.
    """
    if kind is Kind.MARKUP:
        return in_order(in_markup(text)) if WORTH.search(text) else ()
    return in_code(text, kind)

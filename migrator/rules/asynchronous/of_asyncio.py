"""The module `asyncio` in the code of the user."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from migrator.findings import Edit
from migrator.rules.base import Context


def can_import_asyncio(context: Context) -> bool:
    """Whether the name `asyncio` means that module, or can."""
    return has_asyncio(context) or "asyncio" not in context.module.bound_names


def has_asyncio(context: Context) -> bool:
    """Whether the module imports asyncio under its own name at its top."""
    return any(
        isinstance(statement, ast.Import)
        and any(each.name == "asyncio" and not each.asname for each in statement.names)
        for statement in context.module.tree.body
    )


def import_asyncio(context: Context) -> Iterator[Edit]:
    """`import asyncio`, unless it is there."""
    from migrator.rewriting.imports import new_import_edit

    if not has_asyncio(context):
        yield new_import_edit(context.module.text, context.module.tree, "import asyncio")

"""`storage=` of a deployment as the source of `from_source` on Prefect 3."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migrator.model.names import FUNCTIONS, is_none
from migrator.rewriting.names import can_add_import
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import DOCS, STORAGE, Refusal, literal
from migrator.rules.deployments.following import Held, check_unchanged, held, loaded_name, written

URL = f"{DOCS}/store-flow-code"
_UPLOADED_TO = frozenset(
    {"local-file-system", "remote-file-system", "s3", "gcs", "azure", "smb", "s3-bucket", "gcs-bucket"}
)
"""Blocks that can be written to: 2.x put the code there when it built the deployment."""


@dataclass(frozen=True)
class Storage:
    """What stands for the block on Prefect 3."""

    expression: str
    """The source, written out."""
    imports: tuple[str, ...]
    notes: tuple[str, ...]
    prefix: str
    """The directory of the source in which the entrypoint lies."""
    held: Held
    stays: bool
    """Whether the block itself is the source, as the code has it."""


def storage_of(
    context: Context, value: ast.expr, arguments: Mapping[str, ast.expr], parents: Sequence[ast.AST]
) -> Storage:
    """Raises Refusal where the block cannot be followed, or has nothing on Prefect 3."""
    from migrator.deployments.storage import block_of_class, block_of_slug, python_source

    found = held(context, value, parents)
    block = block_of_class(found.owner) if found is not None else None
    loaded = None
    if found is not None and found.loaded:
        slug, name = loaded_name(context, found)
        block = block or block_of_slug(slug)
        first = [*found.call.args, *(keyword.value for keyword in found.call.keywords if keyword.arg == "name")][0]
        loaded = written(name) if slug else context.module.source(first)
    if found is None or block is None:
        raise Refusal(STORAGE, URL)
    check_unchanged(context, found)
    path = arguments.get("path")
    where = literal(path)
    if path is not None and not is_none(path) and not isinstance(where, str):
        raise Refusal(f"`path=` cannot be followed, which is a directory of its storage; {STORAGE}", URL)
    if (found.call.args and loaded is None) or any(keyword.arg is None for keyword in found.call.keywords):
        raise Refusal(f"the fields of its storage cannot be followed; {STORAGE}", URL)
    fields = {str(keyword.arg): context.module.source(keyword.value) for keyword in found.call.keywords}
    source = python_source(
        block.slug, {} if loaded is not None else fields, where if isinstance(where, str) else None, loaded
    )
    if source.expression is None:
        raise Refusal("; ".join(source.notes) or STORAGE, URL)
    if not all(can_add_import(context.module, dotted) for dotted in source.imports):
        raise Refusal(f"a name that its storage needs means something else here; {STORAGE}", URL)
    generic = found.owner == "prefect.blocks.core.Block" and block.remains
    stays = loaded is not None and block.remains and (generic or found.owner == block.successor)
    expression = context.module.source(found.whole) if stays else _awaited(source.expression, found, parents)
    notes = [*source.notes]
    if block.slug in _UPLOADED_TO and literal(arguments.get("skip_upload")) is not True:
        notes.append(
            "nothing is uploaded on deploying any more: put the code there first, `from_source` reads it from there"
        )
    if not found.loaded and not found.uses and block.slug not in _UPLOADED_TO:
        notes.append("2.x lost a git block that was never saved, and the deployment had no storage: now it has one")
    notes += [f"`{package}` has to be installed where it is deployed and where it runs" for package in source.requires]
    return Storage(expression, () if stays else source.imports, tuple(notes), source.prefix, found, stays)


def _awaited(expression: str, found: Held, parents: Sequence[ast.AST]) -> str:
    """The expression with the `await`s that loading a block takes in a coroutine."""
    function = next((node for node in reversed(parents) if isinstance(node, FUNCTIONS)), None)
    if isinstance(found.whole, ast.Await) and ".load(" in expression and "GitRepository(" not in expression:
        return f"await {expression}"
    if isinstance(function, ast.AsyncFunctionDef):
        return expression.replace("Secret.load(", "await Secret.load(")
    return expression

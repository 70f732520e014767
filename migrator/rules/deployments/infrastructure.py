"""`infrastructure=` of a deployment as the work pool and the job variables that do the same on Prefect 3."""

from __future__ import annotations

import ast
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from migrator.findings import Change
from migrator.model.names import is_none
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import INFRASTRUCTURE, URL, Refusal
from migrator.rules.deployments.following import (
    Held,
    Written,
    check_unchanged,
    fields_of,
    has_text,
    held,
    loaded_name,
    plain,
    written,
)

_PLACE = re.compile("\0(\\d+)\0")
_TAKEN_AS_IT_IS = frozenset({"same", "text", "env", "image", "policy"})
"""How a value is converted where an expression may stand for it."""
_OF_BLOCKS = frozenset({"registry", "aws", "gcp", "azure", "cluster"})


@dataclass(frozen=True)
class Infrastructure:
    """What stands for the block on Prefect 3."""

    pool: str
    """The text for `work_pool_name=`; empty where the call's own stays."""
    variables: str
    """The text for `job_variables=`; empty where there are none."""
    image: str
    """The text for `image=`, where the block is given its image here, with a tag."""
    variables_beside_image: str
    """The text for `job_variables=` where `image=` takes the image."""
    containered: bool
    """Whether the flow runs in a container, so that it cannot be found in a directory of this machine."""
    notes: tuple[str, ...]
    changes: tuple[Change, ...]
    held: Held


def infrastructure_of(
    context: Context, value: ast.expr, arguments: Mapping[str, ast.expr], parents: Sequence[ast.AST]
) -> Infrastructure:
    """Raises Refusal where the block or its fields cannot be followed."""
    from migrator.deployments.infrastructure import block_of_class, block_of_type, create_commands, work_pool

    found = held(context, value, parents)
    block = block_of_class(found.owner) if found is not None else None
    name: Any = None
    if found is not None and found.loaded:
        slug, name = loaded_name(context, found)
        block = block or block_of_type(slug)
    if found is None or block is None:
        raise Refusal(INFRASTRUCTURE, URL)
    check_unchanged(context, found)
    overrides = _overrides(context, arguments)
    fields = {} if found.loaded else _fields(context, found, parents)
    fields = _overridden(fields, overrides)
    texts: list[str] = []
    for field, given in fields.items():
        row = block.row(field)
        if row is not None and row.how not in _TAKEN_AS_IT_IS and has_text(given) and row.how not in _OF_BLOCKS:
            raise Refusal(f"`{field}={written(given)}` of its infrastructure cannot be followed; {INFRASTRUCTURE}", URL)
    try:
        pool = work_pool(
            block.slug, {key: _with_places(part, texts) for key, part in fields.items()}, hide_secrets=False
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refusal(f"the fields of its infrastructure cannot be followed; {INFRASTRUCTURE}", URL) from error
    variables = {
        key: part
        for key, part in pool.job_variables.items()
        if not found.loaded or any(row.variable == key and row.field in fields for row in block.rows)
    }
    pool_name, pool_text = _pool(context, arguments, name, of_its_own=block.pool_type != "process")
    shown = pool_name if isinstance(pool_name, str) else "NAME"
    notes = [
        f"Its work pool has to be of the type `{pool.type}`: {as_code(create_commands(shown, pool))}, and a worker for it: "
        f"`prefect worker start --pool {shown}`"
        + (f" with `{pool.package}` installed" if pool.package is not None else "")
    ]
    changes: tuple[Change, ...] = ()
    if pool.template is not None:
        if _PLACE.search(json.dumps(pool.template).encode().decode("unicode_escape", "ignore")):
            raise Refusal(f"the work pool's template needs values that cannot be followed; {INFRASTRUCTURE}", URL)
        changes = (_template(context, f"{shown}-template.json", pool.template),)
    if found.loaded:
        notes.append(
            "what the saved block holds goes into the pool's base job template: `migrator deployments export` reads it from "
            "the 2.x server"
        )
    notes += [_shown(note, texts) for note in pool.notes]
    notes += [f"`{field}` has no place on a work pool: {_shown(why, texts)}" for field, why in pool.lost]
    image = _tagged(variables.get("image"), texts)
    beside = {key: part for key, part in variables.items() if key != "image"}
    return Infrastructure(
        pool_text,
        _text(variables, texts) if variables else "",
        image,
        _text(beside, texts) if beside else "",
        block.slug != "process",
        tuple(notes),
        changes,
        found,
    )


def _fields(context: Context, found: Held, parents: Sequence[ast.AST]) -> dict[str, Any]:
    from migrator.deployments.infrastructure import block_of_class

    block = block_of_class(found.owner)
    assert block is not None
    fields = fields_of(context, found.call)
    for keyword in found.call.keywords:
        row = block.row(str(keyword.arg))
        if row is not None and row.how in _OF_BLOCKS:
            inner = held(context, keyword.value, parents)
            name = loaded_name(context, inner)[1] if inner is not None and inner.loaded else None
            fields[row.field] = {"_block_document_name": name} if isinstance(name, str) else {"_is_anonymous": True}
        elif isinstance(keyword.value, ast.Attribute):
            reference = context.module.resolve(keyword.value)
            if reference is not None and reference.qualified.startswith("prefect.infrastructure."):
                fields[str(keyword.arg)] = keyword.value.attr
    return fields


def _overrides(context: Context, arguments: Mapping[str, ast.expr]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("infra_overrides", "job_variables"):
        value = arguments.get(name)
        if value is None or is_none(value):
            continue
        given = plain(context, value)
        if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
            raise Refusal(f"`{name}` cannot be followed, which goes with `infrastructure=`; write its dictionary out")
        found.update(given)
    return found


def _overridden(fields: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with the overrides put over them as an agent of 2.x did: dots lead inwards."""
    from migrator.deployments.infrastructure import overridden

    if any(isinstance(fields.get(path.partition(".")[0]), Written) for path in overrides if "." in path):
        raise Refusal("an override goes into a field of its infrastructure that cannot be followed")
    return overridden(fields, overrides)


def _pool(context: Context, arguments: Mapping[str, ast.expr], block_name: Any, *, of_its_own: bool) -> tuple[Any, str]:
    """The name of the work pool, None where it is not known here, and the text to write for it, where the call has none.

    A saved block that needs a pool `of_its_own` type gets one of its name, whatever the pool of the others is.
    """
    given = arguments.get("work_pool_name")
    if given is not None and not is_none(given):
        return (given.value if isinstance(given, ast.Constant) else None), ""
    if context.target.work_pool is not None and not (of_its_own and block_name is not None):
        return context.target.work_pool, written(context.target.work_pool)
    return (block_name, written(block_name)) if block_name is not None else (None, "")


def _template(context: Context, name: str, template: Mapping[str, Any]) -> Change:
    root = context.project.root(context.module.path)
    text = json.dumps(template, indent=2) + "\n"

    def rewrite(present: str) -> str:
        if present not in ("", text):
            raise ValueError(
                f"{name} holds another base job template already; name another work pool, or move the file"
            )
        return text

    return Change(os.path.join(root, name), rewrite)


def _tagged(image: Any, texts: Sequence[str]) -> str:
    """The text for `image=`, which gets a tag of its own from 3.x where it has none; empty where that cannot be told."""
    if not isinstance(image, str) or "\0" in image or "@" in image or not image:
        return ""
    return written(image if ":" in image.rpartition("/")[2] else f"{image}:latest")


# -- expressions among the fields


def _with_places(value: Any, texts: list[str]) -> Any:
    """The value with a mark for each expression, so that the table of fields can be asked about it."""
    if isinstance(value, dict):
        return {key: _with_places(part, texts) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_places(part, texts) for part in value]
    if isinstance(value, Written):
        texts.append(value.text)
        return f"\0{len(texts) - 1}\0"
    return value


def _text(value: Any, texts: Sequence[str]) -> str:
    return written(_without_places(value, texts))


def _without_places(value: Any, texts: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without_places(part, texts) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_places(part, texts) for part in value]
    if not isinstance(value, str) or "\0" not in value:
        return value
    alone = _PLACE.fullmatch(value)
    if alone is None:
        raise Refusal(f"a value of its infrastructure is put together of expressions; {INFRASTRUCTURE}", URL)
    return Written(texts[int(alone[1])])


def _shown(text: str, texts: Sequence[str]) -> str:
    return _PLACE.sub(lambda found: texts[int(found[1])], text)


def as_code(lines: Sequence[str]) -> str:
    """Commands as a message shows them."""
    return ", ".join(f"`{line}`" for line in lines)

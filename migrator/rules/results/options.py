"""The options that tasks and flows of a module are made with: what they say of results, where they stand, how one is added."""

from __future__ import annotations

import ast
import enum
from collections.abc import Iterator
from typing import Optional

from migrator.findings import Edit
from migrator.model.guards import only_on
from migrator.model.module import Definition, Kind, Module
from migrator.model.names import span
from migrator.rules.base import Context

CHOOSE_CACHING = ("cache_key_fn", "cache_policy", "result_storage_key", "refresh_cache")
"""Options of a task with which it says itself when a stored result answers."""
_ASK = ("result_storage", "result_serializer")


class Storing(enum.Enum):
    """Whether the results of a task or flow are stored, by its own options."""

    ALWAYS = "persist_result=True"
    ON_3 = "result_storage or result_serializer alone: stored by 3.x, not by 2.x"
    NEVER = "persist_result=False"
    UNSAID = "nothing about it"
    UNKNOWN = "decided at run time"


def made_here(context: Context, kind: Kind) -> Iterator[Definition]:
    """The tasks or flows that the module makes for 3.x as well, each once."""
    seen: set[ast.AST] = set()
    for definition in context.module.definitions.values():
        if definition.kind is kind and definition.module is context.module and definition.node not in seen:
            seen.add(definition.node)
            parents = context.module.names.parents_of.get(definition.node, ())
            if only_on((*parents, definition.node), context.module) is None:
                yield definition


def given(definition: Definition, name: str) -> Optional[ast.expr]:
    """The value of an option; None where it is not given, or given as None."""
    value = definition.options.get(name)
    return None if isinstance(value, ast.Constant) and value.value is None else value


def is_true(value: Optional[ast.expr]) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def storing(definition: Definition) -> Storing:
    """Measured on 3.0.11 and 3.8.8: `result_storage`, `result_serializer` and `result_storage_key` switch persistence on there."""
    value = given(definition, "persist_result")
    if "**" in definition.options or (value is not None and not isinstance(value, ast.Constant)):
        return Storing.UNKNOWN
    if isinstance(value, ast.Constant):
        return Storing.ALWAYS if value.value else Storing.NEVER
    return Storing.ON_3 if any(given(definition, name) is not None for name in _ASK) else Storing.UNSAID


def chooses_caching(definition: Definition) -> bool:
    """Whether a task says itself when it is answered from the cache, or may do so."""
    return any(_counts(given(definition, name)) for name in ("**", *CHOOSE_CACHING))


def _counts(value: Optional[ast.expr]) -> bool:
    return value is not None and not (isinstance(value, ast.Constant) and value.value is False)


def own_call(definition: Definition) -> Optional[ast.Call]:
    """The call in this module that makes the task or flow: `@task(...)`, `task(fn, ...)`, `load.with_options(...)`."""
    call = definition.decorator if definition.decorator is not None else definition.value
    if isinstance(call, ast.Call) and definition.decorator is None and isinstance(call.func, ast.Call):
        call = call.func
    return call if isinstance(call, ast.Call) else None


def place(definition: Definition, *names: str) -> ast.AST:
    """Where the first of these options stands; else where the task or flow is made."""
    call = own_call(definition)
    keywords = {keyword.arg: keyword for keyword in call.keywords} if call is not None else {}
    for name in names:
        if name in keywords:
            return keywords[name]
    return definition.decorator or definition.value or definition.node


def can_set_option(definition: Definition) -> bool:
    return definition.decorator is not None or own_call(definition) is not None


def set_option(module: Module, definition: Definition, name: str, value: str) -> Iterator[Edit]:
    """Gives a task or flow of this module an option, or another value of it."""
    from migrator.rewriting.calls import set_argument

    call = own_call(definition)
    if call is not None:
        start, end = span(call, module.index)
        yield Edit(start, end, set_argument(module.text[start:end], name, value))
    elif definition.decorator is not None:
        _, end = span(definition.decorator, module.index)
        yield Edit(end, end, f"({name}={value})")


def same(one: Optional[Definition], other: Definition) -> bool:
    """Whether two definitions are one; a module may have been parsed anew in between."""
    if one is None:
        return False
    rows = [getattr(each.node, "lineno", 0) for each in (one, other)]
    return one is other or (one.path, one.name, rows[0]) == (other.path, other.name, rows[1])

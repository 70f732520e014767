"""Arguments that stand in the code and that pydantic 2 refuses where pydantic 1 converted them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import Definition, Kind
from migrator.model.names import FunctionNode, span
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.blocks.variables import as_text

_LISTS = frozenset({"List", "list", "Sequence", "Set", "set", "FrozenSet", "frozenset"})
_DICTS = frozenset({"Dict", "dict", "Mapping"})


@rule("PF515", "strict-argument", Severity.ERROR, "unsafe", "https://docs.prefect.io/v3/concepts/flows")
def strict_argument(context: Context) -> Iterator[Draft]:
    """Give text where text is wanted.

    pydantic 1 makes text of a number that a `str` gets, and cuts the fraction off for an `int`; pydantic 2 refuses both. Every block of 2.x converts so, and every flow
    where pydantic 1 is installed: on 3.x the block raises `ValidationError` and the flow `ParameterTypeError`. With pydantic 2, flows of 2.20 convert
    and refuse exactly as those of 3.8 do.

    Reported are numbers and truth values that stand in the code: in calls of flows, as defaults of their parameters, in calls of the project's own blocks, also inside of
    lists and dictionaries. What comes from elsewhere (a deployment's parameters, the command line) is not seen.

    ## Example
    ```python
    from prefect import flow

    @flow
    def etl(day: str, limit: int = 10):
        return day, limit

    if __name__ == "__main__":
        etl(20240101, limit=1.5)
    ```

    ## Use instead
    ```python
    from prefect import flow

    @flow
    def etl(day: str, limit: int = 10):
        return day, limit

    if __name__ == "__main__":
        etl("20240101", limit=1)
    ```

    ## Fix safety
    Unsafe: it is the value that pydantic 1 makes, but another one may be meant.
    """
    module = context.module
    for reference in module.references:
        definition, call = reference.definition, reference.call
        if definition is None or reference.rest or call is None:
            continue
        if only_on((*reference.use.parents, call), module) == 2:
            continue
        if definition.kind is Kind.FLOW and definition.function is not None and _validates(definition):
            yield from _given(context, call, _annotated(definition.function), f"`{definition.name}`")
        elif definition.kind is Kind.BLOCK and isinstance(definition.node, ast.ClassDef) and not call.args:
            yield from _given(context, call, _fields(definition.node), f"`{definition.name}`")
    for definition in module.definitions.values():
        if definition.kind is Kind.FLOW and definition.decorator is not None and _validates(definition):
            assert definition.function is not None
            yield from _defaults(context, definition.function)


def _validates(definition: Definition) -> bool:
    return "validate_parameters" not in definition.options and "**" not in definition.options


def _annotated(function: FunctionNode) -> list[tuple[str, Optional[ast.expr]]]:
    arguments = function.args
    return [(each.arg, each.annotation) for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _fields(node: ast.ClassDef) -> list[tuple[str, Optional[ast.expr]]]:
    if any(
        isinstance(each, ast.FunctionDef) and (each.name == "__init__" or each.decorator_list) for each in node.body
    ):
        return []  # its own constructor or a validator may convert
    return [
        (each.target.id, each.annotation)
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    ]


def _given(
    context: Context, call: ast.Call, parameters: list[tuple[str, Optional[ast.expr]]], whose: str
) -> Iterator[Draft]:
    if any(isinstance(each, ast.Starred) for each in call.args):
        return
    types = dict(parameters)
    positional = [(annotation, value) for (_, annotation), value in zip(parameters, call.args)]
    by_name = [(types.get(each.arg or ""), each.value) for each in call.keywords]
    for annotation, value in (*positional, *by_name):
        yield from _drafts(context, annotation, value, whose)


def _defaults(context: Context, function: FunctionNode) -> Iterator[Draft]:
    arguments = function.args
    places = [*arguments.posonlyargs, *arguments.args]
    pairs = [*zip(places[len(places) - len(arguments.defaults) :], arguments.defaults)]
    pairs += [(argument, value) for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults) if value]
    for argument, value in pairs:
        yield from _drafts(context, argument.annotation, value, f"`{function.name}`")


def _drafts(context: Context, annotation: Optional[ast.expr], value: ast.expr, whose: str) -> Iterator[Draft]:
    for node, wanted, new in refused(annotation, value):
        edit = Edit(*span(node, context.module.index), new)
        mend = Mend(Applicability.UNSAFE, f"Give `{new}`", partial(tuple, (edit,)))
        source = context.module.source(node)
        yield context.draft(
            node, f"{whose} wants `{wanted}`: pydantic 2 refuses `{source}`, which pydantic 1 made `{new}`", mend
        )


def refused(annotation: Optional[ast.expr], value: ast.expr) -> Iterator[tuple[ast.expr, str, str]]:
    """The values that pydantic 2 refuses: the place, the type that is wanted, and what pydantic 1 made of it."""
    if isinstance(annotation, ast.Name):
        text = as_text(value)
        if annotation.id == "str" and text is not None:
            yield value, "str", f'"{text}"'
        if annotation.id == "int" and text is not None and _has_fraction(text):
            yield value, "int", str(int(float(text)))
        return
    if not isinstance(annotation, ast.Subscript):
        return
    name = annotation.value.attr if isinstance(annotation.value, ast.Attribute) else getattr(annotation.value, "id", "")
    inner = annotation.slice
    if name == "Optional":
        yield from refused(inner, value)
    elif name in _LISTS and isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        for each in value.elts:
            yield from refused(inner, each)
    elif name in _DICTS and isinstance(value, ast.Dict) and isinstance(inner, ast.Tuple) and len(inner.elts) == 2:
        for key, held in zip(value.keys, value.values):
            if key is not None:
                yield from refused(inner.elts[0], key)
                yield from refused(inner.elts[1], held)


def _has_fraction(text: str) -> bool:
    return text not in ("True", "False") and not float(text).is_integer()

"""What a deployment's blocks are made of, followed through one variable."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from migrator.model.names import FUNCTIONS
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import Refusal


@dataclass(frozen=True)
class Held:
    """An argument's value: the call that makes it, and the assignment of the variable that holds it."""

    call: ast.Call
    qualified: str
    """The dotted name of what is called: a class, or its `load`."""
    whole: ast.expr
    """The call with its `await`."""
    assignment: Union[ast.Assign, ast.AnnAssign, None]
    uses: tuple[ast.Name, ...] = ()
    """Where the variable is read."""

    @property
    def loaded(self) -> bool:
        return self.qualified.endswith(".load")

    @property
    def owner(self) -> str:
        """The class."""
        return self.qualified[: -len(".load")] if self.loaded else self.qualified


@dataclass(frozen=True)
class Written:
    """A value known by its text alone."""

    text: str

    def __str__(self) -> str:
        return self.text


def held(context: Context, value: ast.expr, parents: Sequence[ast.AST]) -> Optional[Held]:
    """The call of one of Prefect's classes, or of its `load`, that makes the value; None where that is not known."""
    assignment: Union[ast.Assign, ast.AnnAssign, None] = None
    uses: tuple[ast.Name, ...] = ()
    whole = value
    if isinstance(value, ast.Name):
        found = _assigned(context, value.id, parents)
        if found is None or found[0].value is None:
            return None
        assignment, uses = found
        whole = found[0].value
    call = whole.value if isinstance(whole, ast.Await) else whole
    if not isinstance(call, ast.Call):
        return None
    reference = context.module.resolve(call.func)
    if reference is None or not reference.qualified:
        return None
    return Held(call, reference.qualified, whole, assignment, uses)


def _assigned(
    context: Context, name: str, parents: Sequence[ast.AST]
) -> Optional[tuple[Union[ast.Assign, ast.AnnAssign], tuple[ast.Name, ...]]]:
    """The only assignment of a variable, and where it is read; None where it is bound in another way or more than once."""
    for scope in (*(node for node in reversed(parents) if isinstance(node, FUNCTIONS)), context.module.tree):
        arguments = getattr(scope, "args", None)
        if arguments is not None and any(
            isinstance(node, ast.arg) and node.arg == name for node in ast.walk(arguments)
        ):
            return None
        mentions = [node for node in ast.walk(scope) if isinstance(node, ast.Name) and node.id == name]
        stored = [node for node in mentions if not isinstance(node.ctx, ast.Load)]
        if not stored:
            continue
        for statement in _statements(scope):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if len(stored) == 1 and targets == stored:
                return statement, tuple(node for node in mentions if isinstance(node.ctx, ast.Load))
        return None
    return None


def _statements(scope: ast.AST) -> Iterator[Union[ast.Assign, ast.AnnAssign]]:
    for node in ast.walk(scope):
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield node


def fields_of(context: Context, call: ast.Call) -> dict[str, Any]:
    """The fields that a block is given: plain data as far as it is written out, `Written` for other expressions.

    Raises Refusal where they cannot be told.
    """
    if call.args or any(keyword.arg is None for keyword in call.keywords):
        raise Refusal(f"the fields of `{_shown(context, call)}` cannot be followed; give them by keyword")
    return {str(keyword.arg): plain(context, keyword.value) for keyword in call.keywords}


def plain(context: Context, value: ast.expr) -> Any:
    """An expression as data: dictionaries and lists to any depth, and `Written` for what is neither them nor a constant."""
    if isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
        return {
            key.value: plain(context, part)
            for key, part in zip(value.keys, value.values)
            if isinstance(key, ast.Constant)
        }
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict" and not value.args:
        if all(keyword.arg for keyword in value.keywords):
            return {str(keyword.arg): plain(context, keyword.value) for keyword in value.keywords}
    if isinstance(value, (ast.List, ast.Tuple)) and not any(isinstance(each, ast.Starred) for each in value.elts):
        return [plain(context, each) for each in value.elts]
    try:
        return ast.literal_eval(value)
    except ValueError:
        return Written(context.module.source(value))


def loaded_name(context: Context, found: Held) -> tuple[str, Any]:
    """What a `load` is given: the slug of the block's type ("" where the class says it), and the name, plain or `Written`."""
    arguments = [*found.call.args, *(keyword.value for keyword in found.call.keywords if keyword.arg == "name")]
    if not arguments or isinstance(arguments[0], ast.Starred):
        raise Refusal(f"the name in `{_shown(context, found.call)}` cannot be followed")
    name = plain(context, arguments[0])
    if found.owner == "prefect.blocks.core.Block":
        slug, slash, rest = name.partition("/") if isinstance(name, str) else ("", "", "")
        if not slash:
            raise Refusal(f"the block in `{_shown(context, found.call)}` cannot be followed; load it by its class")
        return slug, rest
    return "", name


def written(value: Any) -> str:
    """Python's text for plain data with `Written` in it, quoted as ruff does."""
    if isinstance(value, Written):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{written(key)}: {written(part)}" for key, part in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(written(part) for part in value) + "]"
    if isinstance(value, str):
        shown = repr(value)
        return f'"{shown[1:-1]}"' if shown[0] == "'" and '"' not in shown else shown
    return repr(value)


def _shown(context: Context, node: ast.AST) -> str:
    return " ".join(context.module.source(node).split())

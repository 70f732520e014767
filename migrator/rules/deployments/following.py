"""What a deployment's blocks are made of, followed through one variable."""

from __future__ import annotations

import ast
from collections.abc import Container, Iterator, Sequence
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


def has_text(value: Any) -> bool:
    """Whether a value is, or holds, one that is known by its text alone."""
    if isinstance(value, dict):
        return any(has_text(part) for part in value.values())
    if isinstance(value, (list, tuple)):
        return any(has_text(part) for part in value)
    return isinstance(value, Written)


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
    outside = [node for node in ast.walk(context.module.tree) if isinstance(node, (ast.Global, ast.Nonlocal))]
    if any(name in node.names for node in outside):
        return None
    within = [node for node in parents if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.Lambda))]
    for scope in reversed([context.module.tree, *within]):
        if isinstance(scope, ast.ClassDef) and scope is not within[-1]:
            continue
        arguments = getattr(scope, "args", None)
        if arguments is not None and any(
            isinstance(node, ast.arg) and node.arg == name for node in ast.walk(arguments)
        ):
            return None
        bound = [node for node in _own(scope) if _binds(node, name)]
        if not bound:
            continue
        mentions = [node for node in _reached(scope, name) if isinstance(node, ast.Name) and node.id == name]
        for statement in _statements(scope):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if len(bound) == 1 and targets == bound:
                return statement, tuple(node for node in mentions if isinstance(node.ctx, ast.Load))
        return None
    return None


_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _own(scope: ast.AST, comprehensions: bool = True) -> Iterator[ast.AST]:
    """The nodes of a scope without those inside the functions and classes in it."""
    inner = (*FUNCTIONS, ast.ClassDef, ast.Lambda, *(() if comprehensions else _COMPREHENSIONS))
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, inner):
            waiting.extend(ast.iter_child_nodes(node))


def _reached(scope: ast.AST, name: str) -> Iterator[ast.AST]:
    """The nodes of a scope, without the functions in it that have a variable of the same name."""
    waiting = list(ast.iter_child_nodes(scope))
    while waiting:
        node = waiting.pop()
        yield node
        shadowed = isinstance(node, FUNCTIONS) and (
            any(isinstance(each, ast.arg) and each.arg == name for each in ast.walk(node.args))
            or any(_binds(each, name) for each in _own(node, comprehensions=False))
        )
        if not shadowed:
            waiting.extend(ast.iter_child_nodes(node))


def _binds(node: ast.AST, name: str) -> bool:
    """Whether a node gives the name a value in its scope."""
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return any((alias.asname or alias.name.partition(".")[0]) == name for alias in node.names)
    if isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.ExceptHandler)):
        return node.name == name
    return type(node).__name__ in ("MatchAs", "MatchStar", "MatchMapping") and name in (
        getattr(node, "name", None),
        getattr(node, "rest", None),
    )


_CHANGE = frozenset(
    {"add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "update"}
)
"""Methods that change the container they are called on."""


def check_unchanged(context: Context, found: Held) -> None:
    """Raises Refusal where a variable's block is changed after it was made."""
    uses = set(found.uses)
    for node in ast.walk(context.module.tree) if uses else ():
        if _is_changed(node, uses):
            raise Refusal(
                f"`{_shown(context, node)}` changes the block after it was made; give the field to the block itself"
            )


def _is_changed(node: ast.AST, uses: Container[ast.AST]) -> bool:
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return not isinstance(node.ctx, ast.Load) and _root(node) in uses
    if not isinstance(node, ast.Call):
        return False
    if isinstance(node.func, ast.Name):
        return node.func.id in ("setattr", "delattr") and bool(node.args) and node.args[0] in uses
    called = node.func
    return (
        isinstance(called, ast.Attribute)
        and called.attr in _CHANGE
        and called.value not in uses
        and _root(called) in uses
    )


def _root(node: ast.AST) -> ast.AST:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node


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
    except (TypeError, ValueError):
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

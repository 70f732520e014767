"""Whether a task surely runs more than once with equal inputs in one flow run."""

from __future__ import annotations

import ast
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Optional

from migrator.model.module import Definition, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode
from migrator.rules.base import Context
from migrator.rules.results.options import same

_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_BOUNDARIES = (*FUNCTIONS, ast.Lambda, ast.ClassDef, ast.Module)
_PLAIN = (
    *(ast.Name, ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.JoinedStr, ast.FormattedValue),
    *(ast.UnaryOp, ast.BinOp, ast.unaryop, ast.operator, ast.expr_context, ast.keyword),
)
"""What an input may consist of: its value depends on the names in it and on nothing else."""
_NO_INPUTS = frozenset({"wait_for", "return_state"})
_LEAVE = (ast.Return, ast.Raise, ast.Break)


@dataclass(frozen=True)
class _Run:
    """One place where a task runs, and where its result is there before the next statement."""

    reference: Reference
    call: ast.Call
    function: FunctionNode
    parents: tuple[ast.AST, ...]
    """The nodes around the call, outermost first, without the call."""


def repeated(context: Context, definition: Definition) -> Optional[str]:
    """Where in the project a task gets equal inputs again, in words; None where that is not certain."""
    modules = [context.module]
    for path in context.project.users_of(context.module.path):
        module = context.project.module(path)
        if module is not None:
            modules.append(module)
    for module in modules:
        found = repeated_in(module, definition, None)
        if found is not None:
            name = "" if module is context.module else f" of {os.path.basename(module.path)}"
            return found + name
    return None


def repeated_in(module: Module, definition: Definition, function: Optional[FunctionNode]) -> Optional[str]:
    """The same in one module, or in one function of it."""
    runs = [run for run in _runs(module, definition) if function is None or run.function is function]
    for run in runs:
        if _in_loop(run):
            return f"is called in a loop with inputs that stay the same, row {run.call.lineno}"
    for one, other in combinations(runs, 2):
        if one.function is other.function and _both_run_alike(one, other):
            return f"is called twice with the same inputs, rows {one.call.lineno} and {other.call.lineno}"
    return None


def _runs(module: Module, definition: Definition) -> Iterator[_Run]:
    for reference in module.references:
        function = reference.use.scope.function
        call = reference.call
        if function is None or call is None or not same(reference.definition, definition):
            continue
        around = reference.use.parents[:-1]
        if reference.rest == ("submit",):
            if len(around) > 1 and isinstance(around[-1], ast.Attribute) and around[-1].attr in ("result", "wait"):
                yield _Run(reference, call, function, around)
        elif not reference.rest and (not definition.is_async or isinstance(around[-1], ast.Await)):
            yield _Run(reference, call, function, around)


def _inputs(call: ast.Call) -> Optional[list[ast.AST]]:
    """The inputs of a run; None where their values may depend on more than on names."""
    found: list[ast.AST] = [*call.args, *(each for each in call.keywords if each.arg not in _NO_INPUTS)]
    if all(isinstance(node, _PLAIN) for each in found for node in ast.walk(each)):
        return found
    return None


def _names(inputs: Sequence[ast.AST]) -> set[str]:
    return {node.id for each in inputs for node in ast.walk(each) if isinstance(node, ast.Name)}


def _changes(node: ast.AST) -> Counter[str]:
    """The names that a piece of code binds, or that it may change what they hold of, each with how often."""
    found: Counter[str] = Counter()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and not isinstance(inner.ctx, ast.Load):
            found[inner.id] += 1
        elif isinstance(inner, (ast.Attribute, ast.Subscript)) and isinstance(inner.value, ast.Name):
            is_call = isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Load)
            if is_call or not isinstance(inner.ctx, ast.Load):
                found[inner.value.id] += 2
        elif isinstance(inner, ast.arg):
            found[inner.arg] += 1
    return found


def _in_loop(run: _Run) -> bool:
    inputs = _inputs(run.call)
    if inputs is None:
        return False
    chain = (*run.parents, run.call)
    for at in range(len(run.parents) - 1, -1, -1):
        loop, child = run.parents[at], chain[at + 1]
        if isinstance(loop, _BOUNDARIES):
            return False
        repeats = (
            child in loop.body or (isinstance(loop, ast.While) and child is loop.test)
            if isinstance(loop, (ast.For, ast.AsyncFor, ast.While))
            else isinstance(loop, _COMPREHENSIONS) and child is not loop.generators[0]
        )
        if repeats:
            return not _names(inputs) & set(_changes(loop)) and not _is_left(chain[at:], _LEAVE)
    return False


def _is_left(chain: Sequence[ast.AST], leaving: tuple[type, ...]) -> bool:
    """Whether a run that ends well is followed by the end of the loop: in one of the blocks around, or of a `try` that starts over."""
    if isinstance(chain[0], ast.Return):
        return True
    for node, child in zip(chain, chain[1:]):
        if isinstance(child, ast.Return):
            return True
        for block in _blocks(node):
            if any(child is each for each in block) and any(isinstance(each, leaving) for each in block):
                return True
        if isinstance(node, ast.Try) and any(child is each for each in node.body) and node.handlers:
            ends = (*node.body, *node.orelse)
            if any(isinstance(inner, _LEAVE) for each in ends for inner in ast.walk(each)):
                return True
    return False


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block


def _both_run_alike(one: _Run, other: _Run) -> bool:
    ours, theirs = _inputs(one.call), _inputs(other.call)
    if ours is None or theirs is None or list(map(ast.dump, ours)) != list(map(ast.dump, theirs)):
        return False
    changes = _changes(one.function)
    if any(changes[name] > 1 for name in _names(ours)):
        return False
    first, second = (*one.parents, one.call), (*other.parents, other.call)
    at = next(index for index, (a, b) in enumerate(zip(first, second)) if a is not b)
    if at == 0 or any(isinstance(node, _BOUNDARIES) for node in (*first[at:], *second[at:])):
        return False
    common = first[at - 1]
    if isinstance(common, (ast.If, ast.IfExp, ast.Try)) or type(common).__name__ in ("Match", "TryStar"):
        in_one_block = any(first[at] in block and second[at] in block for block in _blocks(common))
        if not in_one_block:
            return False
    return not _is_left(first[at:], (*_LEAVE, ast.Continue))


__all__ = ["repeated", "repeated_in"]

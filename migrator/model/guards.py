"""Code that runs on one major only: `if PREFECT_3:`, `if prefect.__version__.startswith("2"):` and their like."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import Any, Optional

from packaging.version import InvalidVersion, Version

from migrator.model.module import Module

_SAMPLES = ((2, "2.20.9"), (3, "3.4.0"))
"""Two releases, one of each major, on which a condition is tried."""
_FLAG = re.compile(r"(?:IS_|HAS_)?PREFECT_?V?(?P<major>[23])(?:_?(?:X|PLUS|OR_LATER))?", re.IGNORECASE)
_PARSERS = frozenset({"Version", "parse", "parse_version", "LooseVersion", "StrictVersion"})


class _Unknown(Exception):
    """The condition is not about the version alone."""


def only_on(parents: Sequence[ast.AST], module: Module) -> Optional[int]:
    """The major on which a place runs, where the conditions around it allow just one; else None.

    `parents` are the nodes around the place, outermost first.
    """
    for at, parent in enumerate(parents):
        if isinstance(parent, (ast.If, ast.IfExp)) and at + 1 < len(parents):
            majors = _majors(parent, parents[at + 1], module)
            if len(majors) == 1:
                return majors[0]
    return None


def _majors(condition: ast.If | ast.IfExp, branch: ast.AST, module: Module) -> list[int]:
    otherwise = condition.orelse if isinstance(condition.orelse, list) else [condition.orelse]
    then = condition.body if isinstance(condition.body, list) else [condition.body]
    wanted = True if branch in then else False if branch in otherwise else None
    if wanted is None:
        return []
    try:
        return [major for major, version in _SAMPLES if bool(_value(condition.test, version, module, 0)) is wanted]
    except (_Unknown, InvalidVersion, TypeError, ValueError, IndexError, AttributeError):
        return []


def _value(node: ast.expr, version: str, module: Module, depth: int) -> Any:
    """What an expression about Prefect's version evaluates to on a release. Raises _Unknown for any other expression."""
    if depth > 12:
        raise _Unknown
    deeper = depth + 1
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple):
        return tuple(_value(element, version, module, deeper) for element in node.elts)
    if isinstance(node, (ast.Name, ast.Attribute)):
        return _named(node, version, module, deeper)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _value(node.operand, version, module, deeper)
    if isinstance(node, ast.BoolOp):
        values = [_value(value, version, module, deeper) for value in node.values]
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left = _value(node.left, version, module, deeper)
        return _compared(left, node.ops[0], _value(node.comparators[0], version, module, deeper))
    if isinstance(node, ast.Subscript):
        return _value(node.value, version, module, deeper)[_index(node.slice)]
    if isinstance(node, ast.Call):
        return _called(node, version, module, deeper)
    raise _Unknown


def _named(node: ast.expr, version: str, module: Module, depth: int) -> Any:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    flag = _FLAG.fullmatch(name)
    if flag:
        return version.startswith(flag["major"])
    if isinstance(node, ast.Attribute):
        if name == "__version__" and "prefect" in module.source(node.value):
            return version
        if name in ("major", "minor", "micro", "release"):
            return getattr(_value(node.value, version, module, depth), name)
        raise _Unknown
    for statement in module.tree.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == "prefect":
            if any(alias.name == "__version__" and (alias.asname or alias.name) == name for alias in statement.names):
                return version
        if isinstance(statement, ast.ImportFrom) and any(
            alias.name == "PREFECT_VERSION" and (alias.asname or alias.name) == name for alias in statement.names
        ):
            return Version(version)  # as `compat` has it
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in statement.targets
        ):
            return _value(statement.value, version, module, depth)
    raise _Unknown


def _called(node: ast.Call, version: str, module: Module, depth: int) -> Any:
    function = node.func
    arguments = [_value(argument, version, module, depth) for argument in node.args]
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    if name in _PARSERS and arguments:
        return Version(str(arguments[0]))
    if name in ("int", "str", "tuple", "bool") and isinstance(function, ast.Name):
        return {"int": int, "str": str, "tuple": tuple, "bool": bool}[name](*arguments)
    if name == "version" and arguments == ["prefect"]:
        return version
    if isinstance(function, ast.Attribute) and name in ("startswith", "split"):
        return getattr(_value(function.value, version, module, depth), name)(*arguments)
    raise _Unknown


def _compared(left: Any, operator: ast.cmpop, right: Any) -> bool:
    if isinstance(operator, ast.Eq):
        return bool(left == right)
    if isinstance(operator, ast.NotEq):
        return bool(left != right)
    if isinstance(operator, ast.Lt):
        return bool(left < right)
    if isinstance(operator, ast.LtE):
        return bool(left <= right)
    if isinstance(operator, ast.Gt):
        return bool(left > right)
    if isinstance(operator, ast.GtE):
        return bool(left >= right)
    if isinstance(operator, ast.In):
        return bool(left in right)
    raise _Unknown


def _index(node: ast.AST) -> Any:
    if isinstance(node, ast.Slice):
        bounds = [part.value if isinstance(part, ast.Constant) else None for part in (node.lower, node.upper)]
        return slice(*bounds)
    if isinstance(node, ast.Constant):
        return node.value
    raise _Unknown

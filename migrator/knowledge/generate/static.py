"""Says what the source of an installed package defines, without importing it: griffe reads it.

The answer has the shape of the probe's, so that the two can be compared name by name. It also knows what no import shows:
attributes that a class gives its instances, and modules that cannot be imported for want of another package.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import griffe

from migrator.knowledge.generate.probe import _SKIPPED as SKIPPED

_KINDS = {"class": "class", "function": "function", "attribute": "value"}


def read(packages: Sequence[str], site_packages: Path) -> dict[str, Any]:
    """`modules` and `classes` as `probe.look` gives them, of the packages below a directory."""
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    loader = griffe.GriffeLoader(search_paths=[site_packages], allow_inspection=False)
    modules: dict[str, Any] = {}
    classes: dict[str, Any] = {}
    for package in packages:
        for module in _modules(loader.load(package)):
            given = dict(_given_to_instances(Path(str(module.filepath))))
            modules[module.path] = {
                name: _described(name, member)
                for name, member in module.members.items()
                if not name.startswith("_") and not (not member.is_alias and member.is_module) and name != "annotations"
            }
            for found in _classes(module):
                qualname = found.path[len(module.path) + 1 :]
                home = f"{module.path}:{qualname}"
                classes[home] = {
                    "members": {
                        name: _member(member) for name, member in found.members.items() if not name.startswith("_")
                    }
                }
                for name in given.get(qualname, ()):
                    classes[home]["members"].setdefault(name, {"kind": "instance"})
    return {"modules": modules, "classes": classes, "failed": {}}


def _given_to_instances(file: Path) -> Iterator[tuple[str, list[str]]]:
    """The public attributes that the methods of each class assign to `self`: griffe sees those of `__init__` only."""

    def inside(scope: ast.AST, prefix: str) -> Iterator[tuple[str, list[str]]]:
        for node in ast.iter_child_nodes(scope):
            if isinstance(node, ast.ClassDef):
                assigned = {
                    inner.attr
                    for inner in ast.walk(node)
                    if isinstance(inner, ast.Attribute)
                    and isinstance(inner.ctx, ast.Store)
                    and isinstance(inner.value, ast.Name)
                    and inner.value.id == "self"
                }
                yield f"{prefix}{node.name}", sorted(name for name in assigned if not name.startswith("_"))
                yield from inside(node, f"{prefix}{node.name}.")
            else:
                yield from inside(node, prefix)

    return inside(ast.parse(file.read_bytes()), "") if file.suffix == ".py" else iter(())


def _modules(module: Any) -> Iterator[Any]:
    if SKIPPED.search(module.path):
        return
    yield module
    for member in module.members.values():
        if not member.is_alias and member.is_module:
            yield from _modules(member)


def _classes(scope: Any) -> Iterator[Any]:
    for member in scope.members.values():
        if not member.is_alias and member.is_class:
            yield member
            yield from _classes(member)


def _described(name: str, member: Any) -> dict[str, Any]:
    if member.is_alias:
        home, _, last = member.target_path.rpartition(".")
        return {"kind": "alias", "home": f"{home}:{last}" if home else last}
    kind = _KINDS.get(member.kind.value, "value")
    home = f"{member.module.path}:{name}"
    return {"kind": kind, "home": home, **({"parameters": parameters(member)} if kind == "function" else {})}


def _member(member: Any) -> dict[str, Any]:
    if member.is_alias:
        return {"kind": "value"}
    if member.kind.value == "function":
        labels = member.labels
        kind = next((label for label in ("classmethod", "staticmethod") if label in labels), "method")
        return {"kind": kind, "parameters": parameters(member)}
    if "property" in member.labels:
        return {"kind": "property"}
    instance = "instance-attribute" in member.labels and "class-attribute" not in member.labels
    return {"kind": "instance" if instance and member.annotation is None else "field"}


def parameters(function: Any) -> list[list[Any]]:
    """The parameters of a function as the probe writes them."""
    marks = {"variadic positional": "*", "variadic keyword": "**"}
    return [
        [
            marks.get(p.kind.value, ""),
            p.name,
            "" if p.kind.value in marks else {"positional-only": "P", "keyword-only": "K"}.get(p.kind.value, "O"),
            p.default is not None,
        ]
        for p in function.parameters
    ]

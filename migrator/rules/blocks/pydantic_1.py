"""What a module takes from pydantic, and what classes of pydantic 1 rely on that pydantic 2 does otherwise."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional, Union

from migrator.findings import Edit
from migrator.knowledge.api import api
from migrator.model.guards import only_on
from migrator.model.module import Kind, Module
from migrator.model.names import imports, is_none, last_name, span
from migrator.model.values import CLASS, named
from migrator.rewriting.calls import rename_argument, set_argument
from migrator.rewriting.names import module_span
from migrator.rules.base import Context

V1, V2 = "pydantic.v1", "pydantic"
BLOCK, RUN_INPUT = "block", "run input"
_MODELS = frozenset({"BaseModel", "BaseSettings"})
_ALIKE = frozenset(
    {"BaseModel", "ByteSize", "DirectoryPath", "EmailStr", "Extra", "Field", "FilePath", "NegativeFloat", "NegativeInt"}
    | {"NonNegativeFloat", "NonNegativeInt", "PositiveFloat", "PositiveInt", "PrivateAttr", "SecretBytes", "SecretStr"}
    | {"StrictBool", "StrictBytes", "StrictFloat", "StrictInt", "StrictStr", "UUID4", "ValidationError", "conint"}
    | {"confloat", "conlist", "conset", "constr", "root_validator", "validator"}
)
"""Names that pydantic 2 has at the same place for the same use, some of them deprecated."""
RENAMED_ARGUMENTS = {
    ("Field", "regex"): "pattern",
    ("constr", "regex"): "pattern",
    ("conlist", "min_items"): "min_length",
    ("conlist", "max_items"): "max_length",
    ("conset", "min_items"): "min_length",
    ("conset", "max_items"): "max_length",
}
"""Arguments that pydantic 2 refuses, and what it calls them."""
_ImportFrom = Union[ast.Import, ast.ImportFrom]


@dataclass(frozen=True)
class FromPydantic:
    """A name that an import brings from pydantic."""

    home: str
    """`pydantic` or `pydantic.v1`."""
    name: str
    """The empty string for the module itself."""
    statement: _ImportFrom
    parents: tuple[ast.AST, ...]


def from_pydantic(context: Context) -> Mapping[str, FromPydantic]:
    """What the module's local names are of pydantic, as it is with pydantic 2 installed; computed once."""
    if "pydantic" not in context.shared:
        context.shared["pydantic"] = dict(_found(context.module)) if "pydantic" in context.module.text else {}
    found = context.shared["pydantic"]
    assert isinstance(found, dict)
    return found


def _found(module: Module) -> Iterator[tuple[str, FromPydantic]]:
    """The imports of `pydantic.v1` last, so that they win where a version decides."""
    later: list[tuple[str, FromPydantic]] = []
    for statement, around in imports(module.tree, module.index):
        parents = tuple(around)
        if only_on((*parents, statement), module) == 2 or any(isinstance(each, ast.ExceptHandler) for each in parents):
            continue
        for alias in statement.names:
            local = alias.asname or alias.name
            if isinstance(statement, ast.Import):
                if alias.name == V2 or (alias.name == V1 and alias.asname):
                    later.append((local, FromPydantic(alias.name, "", statement, parents)))
            elif statement.level == 0 and statement.module == V2 and alias.name == "v1":
                later.append((local, FromPydantic(V1, "", statement, parents)))
            elif statement.level == 0 and statement.module in (V1, V2):
                later.append((local, FromPydantic(statement.module, alias.name, statement, parents)))
    yield from sorted(later, key=lambda each: each[1].home == V1)


def named_by(context: Context, node: Optional[ast.AST]) -> Optional[FromPydantic]:
    """What an expression, or the function of a call, is of pydantic."""
    if isinstance(node, ast.Call):
        node = node.func
    table = from_pydantic(context)
    if isinstance(node, ast.Name):
        found = table.get(node.id)
        return found if found is not None and found.name else None
    if isinstance(node, ast.Attribute):
        owner = table.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if owner is not None and not owner.name:
            return FromPydantic(owner.home, node.attr, owner.statement, owner.parents)
        if isinstance(node.value, ast.Attribute) and isinstance(node.value.value, ast.Name) and node.value.attr == "v1":
            owner = table.get(node.value.value.id)
            if owner is not None and not owner.name:
                return FromPydantic(V1, node.attr, owner.statement, owner.parents)
    return None


# -- classes


def prefect_models(context: Context) -> Iterator[tuple[ast.ClassDef, str]]:
    """The classes of the module that are blocks or run inputs."""
    seen = set()
    for reference in context.module.references:
        parent = reference.parent
        if not isinstance(parent, ast.ClassDef) or parent in seen or reference.node not in parent.bases:
            continue
        if only_on(reference.use.parents, context.module) == 2:
            continue
        kind = None
        if reference.qualified:
            kind = _kind_of(reference.qualified)
        elif reference.definition is not None and not reference.rest:
            kind = BLOCK if reference.definition.kind is Kind.BLOCK else None
        if kind is not None:
            seen.add(parent)
            yield parent, kind


def _kind_of(dotted: str) -> Optional[str]:
    if not dotted.startswith("prefect"):
        return None
    held = named(dotted)
    if held is None or held.kind != CLASS:
        return None
    homes = {klass.home for klass, _ in api().lineage(held.home)}
    if "prefect.blocks.core:Block" in homes:
        return BLOCK
    return RUN_INPUT if any(home.endswith(":RunInput") for home in homes) else None


def models_of_1(context: Context) -> dict[str, ast.ClassDef]:
    """The module's own top-level models of `pydantic.v1`, those that derive from such a model included."""
    found: dict[str, ast.ClassDef] = {}
    if not any(each.home == V1 for each in from_pydantic(context).values()):
        return found
    for node in context.module.tree.body:
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                known = named_by(context, base)
                is_model = known is not None and known.home == V1 and known.name in _MODELS
                if is_model or (isinstance(base, ast.Name) and base.id in found):
                    found[node.name] = node
    return found


def without_default(node: ast.ClassDef) -> Iterator[ast.AnnAssign]:
    """The fields that pydantic 1 lets be None by default, and pydantic 2 wants to be given."""
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and statement.value is None and isinstance(statement.target, ast.Name):
            if not statement.target.id.startswith("_") and _may_be_none(statement.annotation):
                yield statement


def _may_be_none(annotation: ast.expr) -> bool:
    if isinstance(annotation, ast.Subscript):
        name = last_name(annotation.value)
        inner = annotation.slice
        return name == "Optional" or (
            name == "Union" and isinstance(inner, ast.Tuple) and any(map(is_none, inner.elts))
        )
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return any(is_none(each) or _may_be_none(each) for each in (annotation.left, annotation.right))
    return last_name(annotation) == "Any"


def without_annotation(node: ast.ClassDef) -> Iterator[tuple[ast.Assign, str]]:
    """The fields that have a default and no type, with the type that pydantic 1 gives them."""
    for statement in node.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, kind = statement.targets[0], _type_of(statement.value)
            if isinstance(target, ast.Name) and not target.id.startswith("_") and kind is not None:
                yield statement, kind


def _type_of(value: ast.expr) -> Optional[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, (bool, str, int, float)):
        return type(value.value).__name__
    kinds = ((ast.List, "list"), (ast.Dict, "dict"), (ast.Set, "set"), (ast.Tuple, "tuple"))
    return next((name for kind, name in kinds if isinstance(value, kind)), None)


def default_edit(module: Module, field: ast.AnnAssign) -> Edit:
    _, end = span(field, module.index)
    return Edit(end, end, " = None")


def annotation_edit(module: Module, field: ast.Assign, kind: str) -> Edit:
    _, end = span(field.targets[0], module.index)
    return Edit(end, end, f": {kind}")


# -- what pydantic 2 refuses


def bare_root_validator(context: Context, decorator: ast.expr) -> bool:
    """Whether a decorator is a `root_validator` that runs after the fields were checked, and does not say what of a failure."""
    known = named_by(context, decorator)
    if known is None or known.name != "root_validator":
        return False
    given = {each.arg: each.value for each in decorator.keywords} if isinstance(decorator, ast.Call) else {}
    if "skip_on_failure" in given or None in given:
        return False
    before = given.get("pre")
    return not (isinstance(before, ast.Constant) and before.value is True)


def skip_edit(module: Module, decorator: ast.expr) -> Edit:
    """`@root_validator` -> `@root_validator(skip_on_failure=True)`."""
    start, end = span(decorator, module.index)
    if not isinstance(decorator, ast.Call):
        return Edit(end, end, "(skip_on_failure=True)")
    return Edit(start, end, set_argument(module.text[start:end], "skip_on_failure", "True"))


def wants_more(function: ast.AST) -> bool:
    """Whether a validator takes `field` or `config`, which pydantic 2 does not give."""
    arguments = getattr(function, "args", None)
    return isinstance(arguments, ast.arguments) and any(
        each.arg in ("field", "config") for each in (*arguments.args[2:], *arguments.kwonlyargs)
    )


@dataclass(frozen=True)
class Refused:
    """A call with arguments that pydantic 2 does not take."""

    call: ast.Call
    function: str
    arguments: tuple[str, ...]

    @property
    def renamed(self) -> Optional[dict[str, str]]:
        """What the arguments are called now; None where one has no such name."""
        found = {each: RENAMED_ARGUMENTS.get((self.function, each)) for each in self.arguments}
        return {old: new for old, new in found.items() if new} if all(found.values()) else None

    def edit(self, module: Module) -> Optional[Edit]:
        start, end = span(self.call, module.index)
        text = module.text[start:end]
        if self.renamed is None:
            return None
        for old, new in self.renamed.items():
            text = rename_argument(text, old, new)
        return Edit(start, end, text)


def refused_arguments(context: Context, node: ast.ClassDef, home: str) -> Iterator[Refused]:
    """The calls in a class that would be refused by pydantic 2, of what comes from one of its homes."""
    for call in ast.walk(node):
        known = named_by(context, call) if isinstance(call, ast.Call) else None
        if known is None or not isinstance(call, ast.Call) or known.home != home:
            continue
        names = [each.arg or "" for each in call.keywords]
        gone = [
            each
            for each in names
            if (known.name, each) in RENAMED_ARGUMENTS or (known.name, each) == ("Field", "const")
        ]
        if gone:
            yield Refused(call, known.name, tuple(gone))


# -- taking the names from pydantic itself


def moved(context: Context) -> Optional[list[Edit]]:
    """The edits after which what the module takes from `pydantic.v1` comes from pydantic 2; None where that is not certain."""
    module, both = context.module, context.target.both
    statements: dict[ast.ImportFrom, FromPydantic] = {}
    for known in from_pydantic(context).values():
        if known.home != V1:
            continue
        if not isinstance(known.statement, ast.ImportFrom) or known.name not in _ALIKE:
            return None
        if both and known.parents != (module.tree,):
            return None
        statements[known.statement] = known
    edits: list[Edit] = []
    for statement in sorted(statements, key=lambda each: each.lineno):
        place = module_span(module, statement)
        if place is None or any(alias.name not in _ALIKE for alias in statement.names):
            return None
        edits.append(_conditional(context, statement, place, not edits) if both else Edit(*place, V2))
    for node in (each for each in ast.walk(module.tree) if isinstance(each, ast.ClassDef)):
        inner = _inside(context, node, both)
        if inner is None:
            return None
        edits += inner
    for model in models_of_1(context).values():
        edits += [default_edit(module, field) for field in without_default(model)]
        edits += [annotation_edit(module, field, kind) for field, kind in without_annotation(model)]
    return sorted(set(edits))


def _inside(context: Context, node: ast.ClassDef, both: bool) -> Optional[list[Edit]]:
    """The edits of a class's own decorators and calls."""
    module = context.module
    edits = []
    for function in node.body:
        for decorator in getattr(function, "decorator_list", ()):
            known = named_by(context, decorator)
            if known is None or known.home != V1:
                continue
            if known.name == "validator" and wants_more(function):
                return None
            if bare_root_validator(context, decorator):
                edits.append(skip_edit(module, decorator))
    for refused in refused_arguments(context, node, V1):
        edit = refused.edit(module)
        if edit is None or both:
            return None
        edits.append(edit)
    return edits


def _conditional(context: Context, statement: ast.ImportFrom, place: Sequence[int], first: bool) -> Edit:
    """The import from pydantic 2 on Prefect 3, and as it was on Prefect 2."""
    module = context.module
    start, end = span(statement, module.index)
    newline = "\r\n" if "\r\n" in module.text else "\n"
    old = module.text[start:end].replace("\n", "\n    ")
    new = (module.text[start : place[0]] + V2 + module.text[place[1] : end]).replace("\n", "\n    ")
    lines = [f"from {context.target.compat} import PREFECT_3", ""] if first else []
    return Edit(start, end, newline.join([*lines, "if PREFECT_3:", f"    {new}", "else:", f"    {old}"]))

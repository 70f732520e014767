"""Blocks, run inputs and flow parameters that were written for pydantic 1."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import Definition, Kind
from migrator.model.names import FUNCTIONS, imports, span
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.blocks.pydantic_1 import (
    BLOCK,
    V1,
    V2,
    annotation_edit,
    bare_root_validator,
    default_edit,
    from_pydantic,
    models_of_1,
    moved,
    named_by,
    prefect_models,
    refused_arguments,
    skip_edit,
    wants_more,
    without_annotation,
    without_default,
)

_BLOCKS = "https://docs.prefect.io/v3/concepts/blocks"
_FLOWS = "https://docs.prefect.io/v3/concepts/flows"
_IGNORED = frozenset({"validator", "root_validator", "PrivateAttr", "Field"})
_HARMLESS = frozenset({"Extra", "ValidationError"})
_RENAMED_CONFIG = {
    "anystr_lower": "str_to_lower",
    "anystr_strip_whitespace": "str_strip_whitespace",
    "anystr_upper": "str_to_upper",
    "max_anystr_length": "str_max_length",
    "min_anystr_length": "str_min_length",
    "orm_mode": "from_attributes",
    "schema_extra": "json_schema_extra",
    "validate_all": "validate_default",
}


@rule("PF513", "block-of-pydantic-1", Severity.WARNING, "safe or unsafe or none", _BLOCKS)
def block_of_pydantic_1(context: Context) -> Iterator[Draft]:
    """Write blocks and run inputs for pydantic 2.

    On 2.x every block is a model of pydantic 1, whichever pydantic is installed; on 3.x it is one of pydantic 2, and much of what was written for the old one is taken
    no notice of. In a class that derives from `Block` (or `RunInput`):

    | in the class | on 3.x |
    |---|---|
    | `validator`, `root_validator` of `pydantic.v1` | never called |
    | `Field` of `pydantic.v1` | the default is the `FieldInfo` object, nothing is required or checked |
    | `PrivateAttr` of `pydantic.v1` | the attribute is a `ModelPrivateAttr` object |
    | `SecretStr`, `HttpUrl`, `constr`, `BaseModel` of `pydantic.v1` as types | the class cannot be made |
    | `Optional[X]` or `Any` without a default | must be given; on 2.x None (of blocks only) |
    | `retries = 3` without a type | the class cannot be made |
    | `root_validator` of `pydantic`, with neither `pre` nor `skip_on_failure` | the class cannot be made |
    | `validator` with a `field` or `config` parameter | the class cannot be made |
    | `Field(regex=...)`, `Field(const=...)`, `constr(regex=...)`, `conlist(min_items=...)` | refused |
    | `allow_mutation` and other old words in `Config` | not looked at |

    What still works, deprecated, is not reported: `validator` of `pydantic` with `values`, `each_item` or `always`, `class Config`, `.dict()`, `.json()`, `.copy()`,
    `.parse_obj()`, `Field(example=...)`, `min_items=` of `Field`.

    ## Example
    ```python
    from typing import Optional

    from prefect.blocks.core import Block
    from pydantic.v1 import Field, SecretStr, validator

    class Warehouse(Block):
        host: str = Field("localhost", description="Where it is")
        password: SecretStr
        schema_name: Optional[str]

        @validator("host")
        def in_lower_case(cls, value):
            return value.lower()
    ```

    ## Use instead
    ```python
    from typing import Optional

    from prefect.blocks.core import Block
    from pydantic import Field, SecretStr, validator

    class Warehouse(Block):
        host: str = Field("localhost", description="Where it is")
        password: SecretStr
        schema_name: Optional[str] = None

        @validator("host")
        def in_lower_case(cls, value):
            return value.lower()
    ```

    ## Example (--target both)
    ```python
    from prefect.blocks.core import Block
    from pydantic.v1 import root_validator

    class Warehouse(Block):
        host: str

        @root_validator
        def in_lower_case(cls, values):
            return {**values, "host": values["host"].lower()}
    ```

    ## Use instead (--target both)
    ```python
    from prefect.blocks.core import Block
    from compat import PREFECT_3

    if PREFECT_3:
        from pydantic import root_validator
    else:
        from pydantic.v1 import root_validator

    class Warehouse(Block):
        host: str

        @root_validator(skip_on_failure=True)
        def in_lower_case(cls, values):
            return {**values, "host": values["host"].lower()}
    ```

    ## Fix safety
    Safe for `= None` behind a field of a block: that is its default on 2.x. Unsafe otherwise: pydantic 2 has `validator` and `root_validator` (deprecated) and calls them as the
    old one did, but checks more strictly (no number in place of text), and other modules may use what moves. Fixed are names that both have; a call or validator that
    pydantic 2 refuses for good has no fix.
    """
    if (
        "Block" not in context.module.text
        and "RunInput" not in context.module.text
        and "prefect" not in context.module.text
    ):
        return
    shared: list[Mend] = []
    for node, kind in prefect_models(context):
        yield from _names_of_1(context, node, shared)
        yield from _fields(context, node, kind)
        yield from _refused(context, node)
        yield from _settings(context, node, kind)


def _names_of_1(context: Context, node: ast.ClassDef, shared: list[Mend]) -> Iterator[Draft]:
    """What a class takes from `pydantic.v1`; the mend is one for all."""
    if not any(each.home == V1 for each in from_pydantic(context).values()):
        return
    for used in _outermost(context, node):
        known = named_by(context, used)
        assert known is not None
        what = f"`{known.name}` of `pydantic.v1`"
        if known.name in ("validator", "root_validator"):
            told, severity = (
                f"{what}: Prefect 3 makes `{node.name}` with pydantic 2, which never calls it",
                Severity.WARNING,
            )
        elif known.name in _IGNORED:
            told, severity = (
                f"{what}: Prefect 3 makes `{node.name}` with pydantic 2, which takes it for a plain value",
                Severity.WARNING,
            )
        else:
            told, severity = f"{what}: Prefect 3 makes `{node.name}` with pydantic 2, which refuses it", Severity.ERROR
        yield context.draft(used, told, _move(context, shared), severity)


def _outermost(context: Context, node: ast.ClassDef) -> Iterator[ast.expr]:
    """The names of `pydantic.v1` in decorators, annotations and defaults of a class, and its fields that are such models."""
    own = models_of_1(context)
    for statement in node.body:
        inside: list[Optional[ast.AST]] = []
        if isinstance(statement, FUNCTIONS):
            inside = list(statement.decorator_list)
        elif isinstance(statement, ast.AnnAssign):
            inside = [statement.annotation, statement.value]
        elif isinstance(statement, ast.Assign):
            inside = [statement.value]
        for part in filter(None, inside):
            for each in ast.walk(part):
                if isinstance(each, (ast.Name, ast.Attribute)):
                    known = named_by(context, each)
                    if known is not None and known.home == V1 and known.name not in _HARMLESS:
                        yield each
        if isinstance(statement, ast.AnnAssign) and own:
            for each in ast.walk(statement.annotation):
                if isinstance(each, ast.Name) and each.id in own:
                    base = next(base for base in own[each.id].bases)
                    known = named_by(context, base)
                    if known is not None:
                        yield base


def _move(context: Context, shared: list[Mend]) -> Optional[Mend]:
    if not shared:
        edits = moved(context)
        if edits is None:
            return None
        whose = "`pydantic` on Prefect 3" if context.target.both else "`pydantic`"
        shared.append(Mend(Applicability.UNSAFE, f"Take the names from {whose}", partial(tuple, edits)))
    return shared[0]


def _fields(context: Context, node: ast.ClassDef, kind: str) -> Iterator[Draft]:
    module = context.module
    for field in without_default(node) if kind == BLOCK else ():
        mend = Mend(Applicability.SAFE, "Default to None", partial(tuple, (default_edit(module, field),)))
        name = module.source(field.target)
        yield context.draft(field, f"On Prefect 3 `{name}` has to be given: on 2.x its default is None", mend)
    for bare, kind_of_value in without_annotation(node):
        edit = annotation_edit(module, bare, kind_of_value)
        mend = Mend(Applicability.UNSAFE, f"Write the type `{kind_of_value}`", partial(tuple, (edit,)))
        told = f"`{module.source(bare.targets[0])}` has no type: with pydantic 2 the class cannot be made"
        yield context.draft(bare, told, mend, Severity.ERROR)


def _refused(context: Context, node: ast.ClassDef) -> Iterator[Draft]:
    module = context.module
    for function in node.body:
        for decorator in getattr(function, "decorator_list", ()):
            known = named_by(context, decorator)
            if known is None or known.home != V2:
                continue
            if bare_root_validator(context, decorator):
                edit = skip_edit(module, decorator)
                mend = Mend(Applicability.UNSAFE, "Write `skip_on_failure=True`", partial(tuple, (edit,)))
                told = "pydantic 2 refuses a `root_validator` that has neither `pre=True` nor `skip_on_failure=True`"
                yield context.draft(decorator, told, mend, Severity.ERROR)
            elif known.name == "validator" and wants_more(function):
                told = "pydantic 2 refuses a `validator` that takes `field` or `config`: use `field_validator` and its `info`"
                yield context.draft(decorator, told, severity=Severity.ERROR)
    for refused in refused_arguments(context, node, V2):
        change = None if context.target.both else refused.edit(module)
        said = ", ".join(f"`{each}=`" for each in refused.arguments)
        told = f"`{refused.function}` of pydantic 2 refuses {said}"
        if refused.renamed is not None:
            told += ": it is " + ", ".join(f"`{each}=`" for each in refused.renamed.values())
        mend_call = Mend(Applicability.UNSAFE, "Use the new name", partial(tuple, (change,))) if change else None
        yield context.draft(refused.call, told, mend_call, Severity.ERROR)


def _settings(context: Context, node: ast.ClassDef, kind: str) -> Iterator[Draft]:
    """Words in `Config` that pydantic 2 does not know."""
    if kind != BLOCK:
        return
    config = next((each for each in node.body if isinstance(each, ast.ClassDef) and each.name == "Config"), None)
    given = {
        target.id: statement
        for statement in (config.body if config is not None else ())
        if isinstance(statement, ast.Assign)
        for target in statement.targets[:1]
        if isinstance(target, ast.Name)
    }
    for name, statement in given.items():
        mend = None
        start, _ = span(statement, context.module.index)
        value = statement.value
        if name in _RENAMED_CONFIG:
            new = _RENAMED_CONFIG[name]
            written = context.module.source(value)
        elif name == "allow_mutation" and isinstance(value, ast.Constant) and isinstance(value.value, bool):
            if value.value:
                continue
            new, written = "frozen", "True"
        elif name in ("fields", "allow_mutation"):
            yield context.draft(statement, f"pydantic 2 does not look at `{name}` in `Config`: see its migration guide")
            continue
        else:
            continue
        if new in given:
            continue
        _, end = span(statement, context.module.index)
        edit = Edit(start, end, f"{new} = {written}")
        if context.target.both:
            margin = " " * statement.col_offset
            edit = Edit(end, end, f"\n{margin}{new} = {written}")
        if "\n" not in written:
            mend = Mend(Applicability.UNSAFE, f"Write `{new}`", partial(tuple, (edit,)))
        yield context.draft(statement, f"pydantic 2 does not look at `{name}` in `Config`: it is `{new}`", mend)


@rule("PF514", "parameter-of-pydantic-1", Severity.ERROR, "unsafe or none", _FLOWS)
def parameter_of_pydantic_1(context: Context) -> Iterator[Draft]:
    """Type the parameters of flows with models of pydantic 2.

    A flow of 2.x takes models of `pydantic.v1`. On 3.x a call with one fails (`PydanticV1NotSupportedError`, `TypeError` or `AttributeError`, by release), with
    `validate_parameters=False` as well; tasks take them still.

    ## Example
    ```python
    from prefect import flow
    from pydantic.v1 import BaseModel

    class Settings(BaseModel):
        day: str

    @flow
    def etl(settings: Settings):
        return settings.day
    ```

    ## Use instead
    ```python
    from prefect import flow
    from pydantic import BaseModel

    class Settings(BaseModel):
        day: str

    @flow
    def etl(settings: Settings):
        return settings.day
    ```

    ## Fix safety
    Unsafe: pydantic 2 checks more strictly, and other modules may use the model. The import changes where all that the module takes from `pydantic.v1` has the same name
    in pydantic 2; fields that are None by default there get ` = None`. There is no fix where the model stands in another module: mend it there.
    """
    flows = [
        each for each in context.module.definitions.values() if each.kind is Kind.FLOW and each.function is not None
    ]
    shared: list[Mend] = []
    for definition in flows:
        if definition.decorator is None or definition.function is None:
            continue
        if only_on(context.module.names.parents_of.get(definition.function, ()), context.module) == 2:
            continue
        yield from _parameters(context, definition, shared)


def _parameters(context: Context, definition: Definition, shared: list[Mend]) -> Iterator[Draft]:
    arguments = definition.function.args if definition.function is not None else None
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs) if arguments is not None else ():
        for node in ast.walk(argument.annotation) if argument.annotation is not None else ():
            known = named_by(context, node)
            here = known is not None and known.home == V1
            here = here or (isinstance(node, ast.Name) and node.id in models_of_1(context))
            if not isinstance(node, ast.Name) or not (here or _is_model_elsewhere(context, node.id)):
                continue
            told = f"Flows of Prefect 3 refuse `{node.id}`, which is of pydantic 1"
            if not here:
                told += ": mend it where it is defined"
            yield context.draft(node, told, _move(context, shared) if here else None)


def _is_model_elsewhere(context: Context, name: str) -> bool:
    """Whether a name is imported from a module of the project whose text makes it a model of `pydantic.v1`.

    Such a module may have nothing to do with Prefect, so that it is not parsed.
    """
    if "imported from" not in context.shared:
        context.shared["imported from"] = {
            alias.asname or alias.name: ("." * statement.level + (statement.module or ""), alias.name)
            for statement, _ in imports(context.module.tree, context.module.index)
            if isinstance(statement, ast.ImportFrom)
            for alias in statement.names
        }
    known = context.shared["imported from"]
    assert isinstance(known, dict)
    source, original = known.get(name, ("", ""))
    path = context.project.locate(context.module.path, source) if source else None
    return path is not None and (
        context.project.mentions(path, "from pydantic.v1 import BaseModel")
        and context.project.mentions(path, f"class {original}(BaseModel)")
    )

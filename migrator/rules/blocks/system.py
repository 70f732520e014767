"""The blocks `JSON`, `String` and `DateTime`, which Prefect 3.5 took away: their values become Variables."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.module import Module, Reference
from migrator.model.names import FUNCTIONS, span
from migrator.rewriting.names import add_import, can_add_import, local_name, remove_imports_of
from migrator.rules.base import Context, Draft, Mend, rule, unneeded_imports

_HOME = "prefect.blocks.system"
_KINDS = {"JSON": "json", "String": "string", "DateTime": "date-time"}
"""The classes, with Prefect's slugs of them."""
_CLASSES = {slug: name for name, slug in _KINDS.items()}
_LOADS = frozenset({"prefect.blocks.core.Block.load", "prefect.blocks.system.Block.load"})
_VARIABLE = "prefect.variables.Variable"
_DATETIME = "datetime.datetime"


@rule("PF510", "system-block", Severity.ERROR, "unsafe", "https://docs.prefect.io/v3/concepts/variables")
def system_block(context: Context) -> Iterator[Draft]:
    """Keep in a Variable what a `JSON`, `String` or `DateTime` block held.

    The three blocks are gone from Prefect 3.5 on. A Variable of 3.x holds any JSON value of up to 5,000 characters, and `Variable.get(name)` gives it as it is, without `.value`. Its name has lower-case letters, digits and underscores; hyphens only from 3.4 on, so that the fix writes
    `_` for each.

    The values have to be copied once. Where the block can still be loaded (2.x, 3.0 to 3.4), and then where Prefect 3 runs:
    ```console
    python -c "import json; from prefect.blocks.system import JSON; print(json.dumps(JSON.load('my-config').value, default=str))" > my_config.json
    prefect variable set my_config "$(cat my_config.json)"
    ```
    A server that was upgraded in place keeps the blocks, and Prefect 3 can read them although it has no class for them. Once, on any 3.x:
    ```text
    import asyncio
    from prefect.client.orchestration import get_client
    from prefect.variables import Variable

    async def copy(slug, name):
        async with get_client() as client:
            block = await client.read_block_document_by_name(name, slug)
        await Variable.set(name.replace("-", "_"), block.data["value"], overwrite=True)

    asyncio.run(copy("json", "my-config"))
    ```

    ## Example
    ```python
    from prefect import flow
    from prefect.blocks.system import JSON

    @flow
    def etl():
        config = JSON.load("my-config")
        return config.value["tables"]
    ```

    ## Use instead
    ```python
    from prefect import flow
    from prefect.variables import Variable

    @flow
    def etl():
        config = Variable.get("my_config")
        return config["tables"]
    ```

    ## Example (--target both)
    ```python
    from prefect import flow
    from prefect.blocks.system import String

    @flow
    async def etl():
        return (await String.load("greeting")).value
    ```

    ## Use instead (--target both)
    ```python
    from prefect import flow
    from compat import block_value_async

    @flow
    async def etl():
        return await block_value_async("string/greeting")
    ```

    ## Fix safety
    Unsafe: the value has to be copied before the code runs, and where there is none `Variable.get` gives None, where loading a block raised (what the fix for both
    majors calls raises on each). The value of a `DateTime` block is an object of pendulum's on 2.x and a `datetime` of Python's in the fixed code.

    Fixed are blocks of which nothing but the value is used, directly or through one variable, and blocks that are made to be saved. There is no fix for saving with
    `--target both`: Variables of 2.x hold text only.
    """
    if not context.target.reaches("3.5") or "blocks" not in context.module.text:
        return
    module = context.module
    found = [
        (reference, used)
        for reference in module.references
        for used in (_used(context, reference),)
        if used is not None and not context.may_fail(reference.use.parents, reference.node)
    ]
    if not found:
        return
    parents = {child: node for node in ast.walk(module.tree) for child in ast.iter_child_nodes(node)}
    rewritings = {reference.node: _rewritten(context, used, parents) for reference, used in found}
    gone = [reference for reference, _ in found if rewritings[reference.node] is not None]
    mend = Mend(
        Applicability.UNSAFE,
        "Read the value with `compat`" if context.target.both else "Keep the value in a Variable",
        lambda: _edits(context, [each for each in rewritings.values() if each is not None], gone),
    )
    for reference, used in found:
        is_mended = rewritings[reference.node] is not None
        yield context.draft(used.call, _told(context, used, is_mended), mend if is_mended else None)


@dataclass(frozen=True)
class _Used:
    """A call that loads or makes one of the blocks."""

    slug: str
    call: ast.Call
    name: Optional[ast.expr]
    """Which block is loaded; None for one that is made, or where the call says more than the name."""
    value: Optional[ast.expr] = None
    """What a block is made of."""
    is_made: bool = False


@dataclass
class _Rewriting:
    """How one block is rewritten, and what has to be imported for it."""

    edits: list[Edit] = field(default_factory=list)
    needs: set[str] = field(default_factory=set)


def _used(context: Context, reference: Reference) -> Optional[_Used]:
    call = reference.call
    if call is None or not reference.qualified.startswith("prefect.blocks."):
        return None
    if reference.qualified in _LOADS:
        slug, _, rest = (_text(_only_argument(call)) or "").partition("/")
        return _Used(slug, call, ast.Constant(rest)) if slug in _CLASSES and rest else None
    module, _, name = reference.qualified.partition(f"{_HOME}.")
    kind, _, method = name.partition(".")
    if module or kind not in _KINDS:
        return None
    if method in ("load", "aload"):
        return _Used(_KINDS[kind], call, _only_argument(call))
    if not method:
        value = next((each.value for each in call.keywords if each.arg == "value"), None)
        alone = value is not None and len(call.keywords) == 1 and not call.args
        return _Used(_KINDS[kind], call, None, value if alone else None, True)
    return None


def _only_argument(call: ast.Call) -> Optional[ast.expr]:
    """The name of the block, where nothing else is given."""
    if len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Starred):
        return call.args[0]
    if not call.args and len(call.keywords) == 1 and call.keywords[0].arg == "name":
        return call.keywords[0].value
    return None


def _text(node: Optional[ast.expr]) -> Optional[str]:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _told(context: Context, used: _Used, is_mended: bool) -> str:
    kind = _CLASSES[used.slug]
    told = f"Prefect 3.5 has no `{kind}` blocks: keep the value in a Variable, which 3.x gives without `.value`"
    if used.is_made:
        if context.target.both:
            return f"{told}. Variables of 2.x hold text only: write `if PREFECT_3:` (of `{context.target.compat}`) around it"
        return told if is_mended else f"{told}, and make it with `Variable.set(name, value, overwrite=True)`"
    if context.target.both:
        told = f"Prefect 3.5 has no `{kind}` blocks: `{context.target.compat}.block_value` reads them on 2.x and a Variable on 3.x"
    name = _text(used.name)
    if name is not None:
        variable = name.replace("-", "_")
        told += (
            f'. Copy it once, where the block can still be loaded: `python -c "import json; from {_HOME} import {kind}; '
            f"print(json.dumps({kind}.load('{name}').value, default=str))\" > {variable}.json`, and on Prefect 3: "
            f'`prefect variable set {variable} "$(cat {variable}.json)"`'
        )
    return told


# -- how it is rewritten


_Parents = Mapping[ast.AST, ast.AST]


def _rewritten(context: Context, used: _Used, parents: _Parents) -> Optional[_Rewriting]:
    """The edits for one block; None where it is used in a way that has no certain rewriting."""
    if used.is_made:
        return None if context.target.both else _saved(context, used, parents)
    reading = _reading(context, used, parents)
    if reading is None:
        return None
    held, text, needs = reading
    whole = _value_of(held, parents)
    if whole is not None:
        return _replaced(context.module, whole, text, needs, parents)
    name = _kept_in(held, parents)
    uses = _uses(context, name, parents) if name is not None else None
    values = [_value_of(use, parents) for use in uses or ()]
    if name is None or not values or None in values:
        return None
    rewriting = _Rewriting([Edit(*span(held, context.module.index), text)], set(needs))
    for use in filter(None, values):
        rewriting.edits.append(Edit(*span(use, context.module.index), name.id))
    return rewriting


def _reading(context: Context, used: _Used, parents: _Parents) -> Optional[tuple[ast.expr, str, tuple[str, ...]]]:
    """The expression that loads the block, awaited or not, what reads the value instead, and what that needs to import."""
    parent = parents.get(used.call)
    awaited = isinstance(parent, ast.Await)
    scope = _scope(used.call, parents)
    if used.name is None or awaited is not isinstance(scope, ast.AsyncFunctionDef):
        return None
    held = parent if isinstance(parent, ast.Await) else used.call
    module = context.module
    known = _text(used.name)
    if known is None and _is_in_text(used.call, parents):
        return None
    prefix = "await " if awaited else ""
    if context.target.both:
        home = f"{context.target.compat}.block_value{'_async' if awaited else ''}"
        if known is not None:
            name = _quoted(module, used, f"{used.slug}/{known}")
        elif isinstance(used.name, ast.Name):
            name = f'f"{used.slug}/{{{used.name.id}}}"'
        else:
            return None
        return (held, f"{prefix}{local_name(module, home)}({name})", (home,)) if _is_free(module, home) else None
    if known is not None:
        name = _quoted(module, used, known.replace("-", "_"))
    elif isinstance(used.name, ast.Name):
        name = f'{used.name.id}.replace("-", "_")'
    else:
        return None
    if not _is_free(module, _VARIABLE):
        return None
    text = f"{prefix}{local_name(module, _VARIABLE)}.get({name})"
    if used.slug != "date-time":
        return held, text, (_VARIABLE,)
    spelled = _datetime(module)
    if spelled is None:
        return None
    return held, f"{spelled[0]}.fromisoformat({text})", (_VARIABLE, *spelled[1])


def _is_in_text(node: ast.AST, parents: _Parents) -> bool:
    """Whether an expression stands in an f-string, where not every Python takes more quotes."""
    parent = parents.get(node)
    while parent is not None and not isinstance(parent, ast.JoinedStr):
        parent = parents.get(parent)
    return parent is not None


def _quoted(module: Module, used: _Used, text: str) -> str:
    """The text in the quotes of the call."""
    quote = "'" if "'" in module.source(used.call) and '"' not in module.source(used.call) else '"'
    return f"{quote}{text}{quote}"


def _is_free(module: Module, home: str) -> bool:
    return can_add_import(module, home)


def _datetime(module: Module) -> Optional[tuple[str, tuple[str, ...]]]:
    """How the module spells Python's class `datetime`, and what it has to import for that."""
    for statement in module.tree.body:
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.name == "datetime":
                    return f"{alias.asname or 'datetime'}.datetime", ()
        if isinstance(statement, ast.ImportFrom) and statement.module == "datetime":
            for alias in statement.names:
                if alias.name == "datetime":
                    return alias.asname or "datetime", ()
    return ("datetime", (_DATETIME,)) if can_add_import(module, _DATETIME) else None


def _value_of(node: ast.expr, parents: _Parents) -> Optional[ast.expr]:
    """The expression that reads nothing but the value: `x.value`, `x.dict()["value"]`, `x.dict().get("value")`."""
    read = parents.get(node)
    if not isinstance(read, ast.Attribute) or not isinstance(read.ctx, ast.Load):
        return None
    if read.attr == "value":
        return read
    called = parents.get(read)
    if read.attr not in ("dict", "model_dump") or not isinstance(called, ast.Call) or called.func is not read:
        return None
    taken = parents.get(called)
    if called.args or called.keywords:
        return None
    if isinstance(taken, ast.Subscript) and isinstance(taken.ctx, ast.Load) and taken.value is called:
        return taken if isinstance(taken.slice, ast.Constant) and taken.slice.value == "value" else None
    asked = parents.get(taken) if isinstance(taken, ast.Attribute) and taken.attr == "get" else None
    if isinstance(asked, ast.Call) and asked.func is taken and len(asked.args) == 1 and not asked.keywords:
        key = asked.args[0]
        return asked if isinstance(key, ast.Constant) and key.value == "value" else None
    return None


def _replaced(
    module: Module, whole: ast.expr, text: str, needs: Iterable[str], parents: _Parents
) -> Optional[_Rewriting]:
    """The value's expression replaced, in brackets where something follows what is awaited."""
    parent = parents.get(whole)
    follows = isinstance(parent, (ast.Attribute, ast.Subscript)) and parent.value is whole
    if text.startswith("await ") and (follows or (isinstance(parent, ast.Call) and parent.func is whole)):
        text = f"({text})"
    return _Rewriting([Edit(*span(whole, module.index), text)], set(needs))


def _saved(context: Context, used: _Used, parents: _Parents) -> Optional[_Rewriting]:
    """`JSON(value=x).save("n", overwrite=True)` -> `Variable.set("n", x, overwrite=True)`, also through a variable."""
    module = context.module
    if used.value is None or not _is_free(module, _VARIABLE):
        return None
    value = module.source(used.value)
    if isinstance(used.value, ast.GeneratorExp):
        return None
    saving = _saving(used.call, parents)
    if saving is not None:
        text = _set(module, used, saving, _as_stored(used, value))
        return _Rewriting([Edit(*span(saving, module.index), text)], {_VARIABLE}) if text else None
    name = _kept_in(used.call, parents)
    uses = _uses(context, name, parents) if name is not None else None
    if name is None or not uses:
        return None
    edits = [Edit(*span(used.call, module.index), value)]
    for use in uses:
        read, saving = _value_of(use, parents), _saving(use, parents)
        if read is not None:
            edits.append(Edit(*span(read, module.index), name.id))
            continue
        text = _set(module, used, saving, _as_stored(used, name.id)) if saving is not None else None
        if text is None or saving is None:
            return None
        edits.append(Edit(*span(saving, module.index), text))
    return _Rewriting(edits, {_VARIABLE})


def _as_stored(used: _Used, value: str) -> str:
    """The value as a Variable takes it: a date and time as text."""
    if used.slug != "date-time" or _text(used.value) is not None:
        return value
    simple = isinstance(used.value, (ast.Name, ast.Attribute, ast.Call)) or value.isidentifier()
    return f"{value}.isoformat()" if simple else f"({value}).isoformat()"


def _saving(block: ast.expr, parents: _Parents) -> Optional[ast.Call]:
    """The call that saves the block, where nobody takes what that gives."""
    method = parents.get(block)
    call = parents.get(method) if isinstance(method, ast.Attribute) and method.attr == "save" else None
    if not isinstance(call, ast.Call) or call.func is not method:
        return None
    statement = parents.get(call)
    awaited = isinstance(statement, ast.Await)
    if isinstance(statement, ast.Await):
        statement = parents.get(statement)
    in_coroutine = isinstance(_scope(call, parents), ast.AsyncFunctionDef)
    return call if isinstance(statement, ast.Expr) and awaited is in_coroutine else None


def _set(module: Module, used: _Used, saving: ast.Call, value: str) -> Optional[str]:
    names = [*saving.args[:1], *(each.value for each in saving.keywords if each.arg == "name")]
    others = [each for each in saving.keywords if each.arg != "name"]
    if len(names) != 1 or len(saving.args) > 1 or any(each.arg != "overwrite" for each in others):
        return None
    source = module.source(names[0])
    if _text(names[0]) is not None:
        source = source.replace("-", "_")
    elif isinstance(names[0], ast.Name):
        source = f'{source}.replace("-", "_")'
    else:
        return None
    overwrite = "".join(f", overwrite={module.source(each.value)}" for each in others)
    return f"{local_name(module, _VARIABLE)}.set({source}, {value}{overwrite})"


def _kept_in(node: ast.expr, parents: _Parents) -> Optional[ast.Name]:
    """The plain name that an expression is assigned to."""
    parent = parents.get(node)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
        return parent.targets[0]
    return None


def _uses(context: Context, name: ast.Name, parents: _Parents) -> Optional[list[ast.Name]]:
    """The uses of a local name; None where it is bound elsewhere too, or known outside of the module."""
    scope = _scope(name, parents)
    if isinstance(scope, ast.ClassDef) or (scope is context.module.tree and context.passed_on(name.id)):
        return None
    uses = []
    for node in ast.walk(scope):
        if isinstance(node, ast.Name) and node.id == name.id and node is not name:
            if not isinstance(node.ctx, ast.Load):
                return None
            uses.append(node)
        elif _binds(node, name.id):
            return None
    return uses


def _binds(node: ast.AST, name: str) -> bool:
    """Whether something other than a plain name binds it: a parameter, an import, a definition, `global`."""
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return name in node.names
    if isinstance(node, ast.alias):
        return (node.asname or node.name) == name
    return name in (getattr(node, "arg", None), getattr(node, "name", None)) and not isinstance(node, ast.keyword)


def _scope(node: ast.AST, parents: _Parents) -> ast.AST:
    parent = parents.get(node)
    while parent is not None and not isinstance(parent, (*FUNCTIONS, ast.ClassDef, ast.Module)):
        parent = parents.get(parent)
    assert parent is not None
    return parent


def _edits(context: Context, rewritings: list[_Rewriting], gone: list[Reference]) -> Iterator[Edit]:
    """All edits of the module, with the imports that they need and without those that nothing uses any more."""
    module = context.module
    for rewriting in rewritings:
        yield from rewriting.edits
    for home in sorted({home for rewriting in rewritings for home in rewriting.needs}):
        yield from add_import(module, home)
    yield from remove_imports_of(module, unneeded_imports(context, gone))

"""Edits that give an imported name another home: at its import, at each use of it, and nowhere else."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from typing import Union

from migrator.findings import Edit
from migrator.model.module import Module, Reference
from migrator.model.names import Imported, span

_COMMENT = re.compile(r"[ \t]*,?[ \t]*(#[^\r\n]*)")
_FROM = re.compile(r"from(\s+|\s*\\\r?\n\s*)([.\w]+)")


def uses_of(module: Module, imported: Imported) -> list[Reference]:
    """The references that reach what they name through this import."""
    return [reference for reference in module.references if reference.imported is imported]


def move_import(module: Module, imported: Imported, new: str, keep_name: bool) -> Iterator[Edit]:
    """Edits after which what `imported` brings comes from `new`, a dotted name.

    `keep_name`: others use the local name from outside of the module, so it stays what it is.
    """
    home, _, name = new.rpartition(".")
    if imported.name is None:
        yield from _move_plain_import(module, imported, new)
        return
    local = imported.local
    if imported.alias or keep_name or name == local or _is_bound(module, name):
        existing = _already_imported(module, imported, home, name)
        if existing is not None and not imported.alias and not keep_name:
            yield from remove_import(module, imported)
            yield from _rename_uses(module, imported, existing)
            return
        yield from _import_instead(module, imported, home, name, None if name == local else local)
        return
    yield from _import_instead(module, imported, home, name, None)
    yield from _rename_uses(module, imported, name)


def remove_import(module: Module, imported: Imported) -> Iterator[Edit]:
    """Removes one name from its import statement, and the statement with the last one."""
    from migrator.rewriting.imports import remove_names
    from migrator.rewriting.statements import remove_statement

    start, end = span(imported.statement, module.index)
    written = imported.name or imported.module
    if [alias.name for alias in imported.statement.names].count(written) > 1:
        yield Edit(start, end, _without_one_of_several(imported))
        return
    left = remove_names(module.text[start:end], [written]) if len(imported.statement.names) > 1 else None
    if left is None:
        yield remove_statement(module.text, module.tree, imported.statement)
    else:
        yield Edit(start, end, left)


def _without_one_of_several(imported: Imported) -> str:
    """The statement of a name that it imports twice, `from a import b as c, b as d`, without this one of them."""
    kept = [
        alias for alias in imported.statement.names if (alias.name, alias.asname) != (imported.name, imported.alias)
    ]
    names = ", ".join(f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in kept)
    return f"from {imported.module} import {names}"


def remove_imports_of(module: Module, gone: Iterable[Imported]) -> Iterator[Edit]:
    """Removes several names, those of one statement at once."""
    from migrator.rewriting.imports import remove_names
    from migrator.rewriting.statements import remove_statement

    statements: dict[Union[ast.Import, ast.ImportFrom], list[Imported]] = {}
    for imported in gone:
        statements.setdefault(imported.statement, []).append(imported)
    for statement, names in statements.items():
        start, end = span(statement, module.index)
        left = remove_names(module.text[start:end], [imported.name or imported.module for imported in names])
        yield remove_statement(module.text, module.tree, statement) if left is None else Edit(start, end, left)


def add_import(module: Module, dotted: str) -> Iterator[Edit]:
    """Makes a name of another module available at the top of this one, unless it is already."""
    from migrator.rewriting.imports import ensure_import_edits

    home, _, name = dotted.rpartition(".")
    yield from ensure_import_edits(module.text, module.tree, home, name)


def local_name(module: Module, dotted: str) -> str:
    """The name by which the module's top level knows, or after `add_import` will know, something of another module."""
    for imported in module.names.imported:
        if imported.target == dotted and imported.name is not None and imported.scope is module.names.module_scope:
            return imported.local
    return _imported_at_top(module, dotted) or dotted.rpartition(".")[2]


def can_add_import(module: Module, dotted: str) -> bool:
    """Whether the name is free, or means that very thing already."""
    name = dotted.rpartition(".")[2]
    return (
        local_name(module, dotted) != name
        or not _is_bound(module, name)
        or any(imported.target == dotted for imported in module.names.imported)
        or _imported_at_top(module, dotted) == name
    )


def _imported_at_top(module: Module, dotted: str) -> Union[str, None]:
    """The name that a `from ... import` of the module's top level gives something, wherever that comes from: `compat`, if need be."""
    home, _, name = dotted.rpartition(".")
    for statement in module.tree.body:
        if isinstance(statement, ast.ImportFrom) and not statement.level and statement.module == home:
            for alias in statement.names:
                if alias.name == name:
                    return alias.asname or name
    return None


def _move_plain_import(module: Module, imported: Imported, new: str) -> Iterator[Edit]:
    """`import a.b` and `import a.b as c`, with the uses that spell the dotted name."""
    old = imported.module
    yield Edit(imported.start, imported.start + len(old), new)
    if imported.alias:
        return
    for reference in uses_of(module, imported):
        for dotted, start, end in reference.prefixes:
            if dotted == old:
                yield Edit(start, end, new)


def _import_instead(
    module: Module, imported: Imported, home: str, name: str, alias: Union[str, None]
) -> Iterator[Edit]:
    alias = imported.alias or alias
    written = f"{name} as {alias}" if alias and alias != name else name
    statement = imported.statement
    if home == imported.module:
        yield Edit(imported.start, imported.end, written)
        return
    place = module_span(module, statement)
    if len(statement.names) == 1 and place is not None:
        yield Edit(*place, home)
        yield Edit(imported.start, imported.end, written)
        return
    from migrator.rewriting.imports import ensure_import_edits, new_import_edit
    from migrator.rewriting.statements import insert_after

    yield from remove_import(module, imported)
    comment = _COMMENT.match(module.text, imported.end)
    if comment is not None and imported.scope is module.names.module_scope and len(imported.parents) == 1:
        yield new_import_edit(module.text, module.tree, f"from {home} import {written}  {comment[1]}")
    elif imported.scope is module.names.module_scope and len(imported.parents) == 1:
        yield from ensure_import_edits(module.text, module.tree, home, name, None if alias == name else alias)
    else:
        yield insert_after(module.text, statement, f"from {home} import {written}")


def module_span(module: Module, statement: Union[ast.Import, ast.ImportFrom]) -> Union[tuple[int, int], None]:
    """Where `from module import ...` names the module; None where it is not written in one piece."""
    start, end = span(statement, module.index)
    match = _FROM.match(module.text[start:end])
    if not isinstance(statement, ast.ImportFrom) or match is None:
        return None
    if match[2] != "." * statement.level + (statement.module or ""):
        return None
    return start + match.start(2), start + match.end(2)


def _rename_uses(module: Module, imported: Imported, new: str) -> Iterator[Edit]:
    for reference in uses_of(module, imported):
        yield Edit(reference.start, reference.use.ends[0], new)


def _already_imported(module: Module, imported: Imported, home: str, name: str) -> Union[str, None]:
    for other in module.names.imported:
        if other is not imported and other.name == name and other.module == home and other.scope is imported.scope:
            return other.local
    return None


def _is_bound(module: Module, name: str) -> bool:
    """Whether the name may mean something else somewhere in the module: a rename to it could capture or be captured."""
    if hasattr(builtins, name):
        return True
    return name in module.text and name in module.bound_names

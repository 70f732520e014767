"""Adds, removes and renames what import statements import.

`remove_names`, `rename_name` and `add_name` take the exact text of one import statement, without the comment that may follow it on its
line, and give back its new text; they raise ValueError where the text is not a single import. Comments, brackets, backslashes, line endings
and trailing commas of what stays are kept. `new_import_edit` and `ensure_import_edits` find the place in a whole file.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from migrator.findings import Edit
from migrator.rewriting import Listing, renderers, with_element, with_replaced, without_element
from migrator.rewriting.statements import line_end_after, line_index, newline_of, span

if TYPE_CHECKING:
    import libcst

_NEWLINE = re.compile(r"\r\n|\r|\n")
_NOT_NAME = re.compile(r"[\s\\]+")
_PRAGMA = re.compile(r"#\s*(?:type:|noqa|pyright:|mypy:|pylint:|ruff:|flake8:|isort:|nosec|pragma:)", re.IGNORECASE)
_BLANK = re.compile(r"[ \t\f]*(?:#|$)")
_CODING = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*[-\w.]+")


def remove_names(statement: str, names: Collection[str]) -> str | None:
    """The statement without the names, which are written as before `as` (`a.b` in `import a.b as c`); None where no name is left.

    A comment that has the line of a removed name to itself goes with it, but for those on the first line that speak to a tool about the
    statement (`# noqa`, `# type: ignore`). Names that are not imported are passed over.
    """
    parsed = _parse(statement)
    listing = parsed.listing
    for index in reversed(range(len(parsed.names))):
        if parsed.names[index] in names:
            listing = without_element(listing, index, _is_pragma)
    return listing.render() if listing.elements else None


def rename_name(statement: str, old: str, new: str, alias: str | None) -> str:
    """The statement with `old` replaced by `new`: `old [as x]` becomes `new [as alias or x]`.

    An alias that would repeat the new name is left out, and so is the name altogether where the statement already imports the new one in the
    same way. The same text where `old` is not imported.
    """
    parsed = _parse(statement)
    if old not in parsed.names:
        return statement
    listing = parsed.listing
    imported = list(zip(parsed.names, parsed.aliases))
    for index in reversed(range(len(imported))):
        name, bound = imported[index]
        if name != old:
            continue
        target = alias or bound
        suffix = parsed.suffixes[index]
        if target == new and (old, bound) != (new, target):
            target, suffix = None, ""
        elif target and target != bound:
            suffix = suffix[: -len(bound)] + target if bound else f" as {target}"
        if (new, target) in imported[:index] + imported[index + 1 :]:
            del imported[index]
            listing = without_element(listing, index, _is_pragma)
        else:
            imported[index] = (new, target)
            listing = with_replaced(listing, index, new + suffix)
    return listing.render()


def add_name(statement: str, name: str, alias: str | None = None) -> str:
    """The from-import with one more name; the same text where it imports the name so already.

    The name takes its alphabetical place where the others are sorted (as isort does: constants, classes, then the rest; or plainly, with or
    without case), else the last. Raises ValueError for a star import and for `import a`.
    """
    parsed = _parse(statement)
    if not parsed.is_from or "*" in parsed.names:
        raise ValueError(f"no names can be added to {statement!r}")
    if (name, alias or name) in ((known, bound or known) for known, bound in zip(parsed.names, parsed.aliases)):
        return statement
    index = _place(parsed.names, name)
    return with_element(parsed.listing, index, f"{name} as {alias}" if alias else name).render()


def new_import_edit(text: str, tree: ast.Module, statement: str) -> Edit:
    """Adds an import statement to the top of a module.

    It comes after the imports that the module begins with, up to the first other statement (an import under `try` or `if` is another
    statement); without them after the docstring and the `__future__` imports; without those after the shebang, the encoding line and a
    comment that an empty line separates from the code.
    """
    head = _head_length(tree)
    length = head
    if not statement.lstrip().startswith("from __future__"):
        length += _leading_imports(tree)
    if length == 0:
        return _edit_at_top(text, statement)
    return _edit_after(text, tree.body[length - 1], statement, apart=length == head)


def ensure_import_edits(
    text: str, tree: ast.Module, module: str, name: str, alias: str | None = None, *, before: int | None = None
) -> tuple[Edit, ...]:
    """What it takes that the module imports `name` from `module`: `ensure_imports_edits` for one name."""
    return ensure_imports_edits(text, tree, module, [(name, alias)], before=before)


def ensure_imports_edits(
    text: str,
    tree: ast.Module,
    module: str,
    wanted: Sequence[tuple[str, str | None]],
    *,
    before: int | None = None,
) -> tuple[Edit, ...]:
    """What it takes that the module imports these names, each with its alias, from `module` (with leading dots where relative).

    One edit, or none. Only imports at the top level count, not those under `try` or `if`. The names join the first `from module import ...` there is.
    Else a new statement is added: as `new_import_edit` does, but where the module imports the same package or Prefect only further down, right after
    that, because what stands before it (environment variables, logging) has to run before. `before` is an offset: imports from there on
    are too late and do not count.
    """
    imports = [
        found
        for found in tree.body
        if isinstance(found, (ast.Import, ast.ImportFrom)) and (before is None or span(text, found)[1] <= before)
    ]
    same = [
        found
        for found in imports
        if isinstance(found, ast.ImportFrom) and "." * found.level + (found.module or "") == module
    ]
    there = {(known.name, known.asname or known.name) for found in same for known in found.names}
    missing = [(name, alias) for name, alias in wanted if (name, alias or name) not in there]
    if not missing:
        return ()
    for found in same:
        if found.names[0].name != "*":
            start, end = span(text, found)
            statement = text[start:end]
            for name, alias in missing:
                statement = add_name(statement, name, alias)
            return (Edit(start, end, statement),)
    names = ", ".join(name + (f" as {alias}" if alias else "") for name, alias in missing)
    statement = f"from {module} import {names}"
    related = [found for found in imports if not _roots(found).isdisjoint({module.split(".")[0] or ".", "prefect"})]
    if not related or related[0] in tree.body[: _head_length(tree) + _leading_imports(tree)]:
        return (new_import_edit(text, tree, statement),)
    return (_edit_after(text, related[0], statement, apart=False),)


def _roots(statement: ast.Import | ast.ImportFrom) -> set[str]:
    """The top-level packages that the statement imports; a dot for the package of the file itself."""
    if isinstance(statement, ast.ImportFrom):
        return {"." if statement.level else (statement.module or "").split(".")[0]}
    return {alias.name.split(".")[0] for alias in statement.names}


def _head_length(tree: ast.Module) -> int:
    """How many statements the docstring and the `__future__` imports are."""
    length = 1 if ast.get_docstring(tree, clean=False) is not None else 0
    for found in tree.body[length:]:
        if not (isinstance(found, ast.ImportFrom) and found.module == "__future__" and not found.level):
            break
        length += 1
    return length


def _leading_imports(tree: ast.Module) -> int:
    """How many imports follow those statements."""
    return sum(1 for _ in itertools.takewhile(_is_import, tree.body[_head_length(tree) :]))


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.Import, ast.ImportFrom))


def _edit_after(text: str, anchor: ast.stmt, statement: str, apart: bool) -> Edit:
    """Adds the statement on the line after `anchor`, set off by empty lines where `apart`."""
    newline = newline_of(text)
    statement = _NEWLINE.sub(newline, statement)
    _, end = span(text, anchor)
    place = line_end_after(text, end)
    if place is None:
        return Edit(end, end, "; " + statement)
    return _edit_on_line(text, place, statement, apart)


def _edit_at_top(text: str, statement: str) -> Edit:
    lines = line_index(text)
    row = 2 if text.startswith("#!") else 1
    if _CODING.match(lines.line(1)) or (_BLANK.match(lines.line(1)) and _CODING.match(lines.line(2))):
        row = 2 if _CODING.match(lines.line(1)) else 3
    comments = row
    while lines.line(comments).lstrip().startswith("#"):
        comments += 1
    if not lines.line(comments).strip():
        row = comments
    place = lines.starts[row - 1] if row <= len(lines.starts) else len(text)
    statement = _NEWLINE.sub(newline_of(text), statement)
    if place == 0:
        return Edit(0, 0, statement + newline_of(text) + _gap_below(text, 0))
    return _edit_on_line(text, place, statement, apart=True)


def _edit_on_line(text: str, place: int, statement: str, apart: bool) -> Edit:
    newline = newline_of(text)
    if apart:
        statement = newline + statement
    if not text[:place].endswith(("\r", "\n")):
        return Edit(place, place, newline + statement)
    return Edit(place, place, statement + newline + (_gap_below(text, place) if apart else ""))


def _gap_below(text: str, place: int) -> str:
    """An empty line where code follows at `place`."""
    following = line_index(text).line(line_index(text).position(place)[0])
    return newline_of(text) if following.strip() else ""


def _place(names: Sequence[str], name: str) -> int:
    """Where the name belongs among the names: by the first order that they follow, else at the end."""
    orders: tuple[Callable[[str], object], ...] = (_isort_key, str, str.lower)
    for order in orders:
        keys: list[object] = [order(known) for known in names]
        if keys == sorted(keys):  # type: ignore[type-var]
            return sum(key <= order(name) for key in keys)  # type: ignore[operator]
    return len(names)


def _isort_key(name: str) -> tuple[int, list[str | int]]:
    """The order of isort and ruff by default: CONSTANTS, Classes, the rest; without case, numbers by their value."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return kind, [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name.lower())]


def _is_pragma(comment: str) -> bool:
    return _PRAGMA.match(comment) is not None


@dataclass(frozen=True)
class _Parsed:
    """The names of an import: their text, name, alias, and what stands between the end of the name and that of its alias."""

    listing: Listing
    names: tuple[str, ...]
    aliases: tuple[str | None, ...]
    suffixes: tuple[str, ...]
    is_from: bool


def _parse(statement: str) -> _Parsed:
    import libcst

    try:
        line = libcst.parse_statement(statement)
    except libcst.ParserSyntaxError as error:
        raise ValueError(f"not an import: {statement!r}") from error
    parts = line.body if isinstance(line, libcst.SimpleStatementLine) else ()
    imports = [part for part in parts if isinstance(part, (libcst.Import, libcst.ImportFrom))]
    if len(parts) != 1 or not imports:
        raise ValueError(f"not an import: {statement!r}")
    for module in renderers(statement):
        if module.code_for_node(imports[0]) == statement:
            return _split(module, imports[0], statement)
    raise ValueError(f"libcst does not give this import back as it is: {statement!r}")


def _split(module: libcst.Module, node: libcst.Import | libcst.ImportFrom, statement: str) -> _Parsed:
    import libcst

    code = module.code_for_node
    if isinstance(node.names, libcst.ImportStar):
        return _Parsed(Listing(statement, ("",), ("", ""), "", module.default_newline), ("*",), (None,), ("",), True)
    gaps, elements, names, aliases, suffixes = [code(node.whitespace_after_import)], [], [], [], []
    tail = ""
    if isinstance(node, libcst.ImportFrom) and node.lpar:
        gaps = [code(node.lpar.whitespace_after)]
    for alias in node.names:
        name = code(alias.name)
        suffix = code(alias.asname) if alias.asname else ""
        names.append(_NOT_NAME.sub("", name))
        aliases.append(code(alias.asname.name) if alias.asname else None)
        suffixes.append(suffix)
        elements.append(name + suffix)
        gaps.append(code(alias.comma) if isinstance(alias.comma, libcst.Comma) else "")
    if isinstance(node, libcst.ImportFrom) and node.rpar:
        gaps[-1] += code(node.rpar.whitespace_before)
        tail = ")"
    listing = Listing("", tuple(elements), tuple(gaps), tail, module.default_newline)
    listing = replace(listing, head=statement[: len(statement) - len(listing.render())])
    return _Parsed(listing, tuple(names), tuple(aliases), tuple(suffixes), isinstance(node, libcst.ImportFrom))

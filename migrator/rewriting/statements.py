"""Removes and inserts whole statements, from the positions of `ast` and the text alone.

Every function takes the text of the file and a statement of the tree that `ast.parse` made of it; what it gives back is one `Edit` on
the text. Lines that no edit concerns, and comments on lines of their own, are never touched.
"""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator

from migrator.findings import Edit, LineIndex

_GLUE = re.compile(r"(?:[ \t\f]|\\(?:\r\n|\r|\n))*")
_SEMICOLON = re.compile(_GLUE.pattern + ";" + _GLUE.pattern)
_REST_OF_LINE = re.compile(_GLUE.pattern + r";?[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n|\Z)")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_INDENTATION = re.compile(r"[ \t\f]*")
_SIMPLE = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Return,
    ast.Delete,
    ast.Raise,
    ast.Assert,
    ast.Import,
    ast.ImportFrom,
    ast.Global,
    ast.Nonlocal,
    ast.Pass,
    ast.Break,
    ast.Continue,
)


class CannotEdit(Exception):
    """The change cannot be made by one insertion.

    So it is where the statement shares its line with others (`a; b`, `if x: a`) and the new code is more than simple statements on one
    line, and where the statement is an `elif`.
    """


@functools.lru_cache(maxsize=2)
def line_index(text: str) -> LineIndex:
    """The lines of the text; made once for the edits of the same text that follow each other."""
    return LineIndex(text)


def newline_of(text: str) -> str:
    """The line ending of the text: its first one, `\\n` where it has none."""
    match = _NEWLINE.search(text)
    return match.group() if match else "\n"


def span(text: str, statement: ast.stmt) -> tuple[int, int]:
    """Start and end of the statement in the text, its decorators included."""
    lines = line_index(text)
    assert statement.end_lineno is not None and statement.end_col_offset is not None
    end = lines.offset(statement.end_lineno, statement.end_col_offset)
    decorators = getattr(statement, "decorator_list", None)
    if not decorators:
        return lines.offset(statement.lineno, statement.col_offset), end
    row = decorators[0].lineno
    while not lines.line(row).lstrip().startswith("@"):
        row -= 1
    line = lines.line(row)
    return lines.starts[row - 1] + len(line) - len(line.lstrip()), end


def line_end_after(text: str, end: int) -> int | None:
    """The offset past the line ending, where only a semicolon and a comment follow `end`; None where another statement does."""
    rest = _REST_OF_LINE.match(text, end)
    return rest.end() if rest else None


def indentation(text: str, statement: ast.stmt) -> str:
    """The white space before the line that the statement begins on, its first decorator counted in.

    For a statement that follows another on the line (`a; b`, `if x: a`) this is the indentation of that line.
    """
    start, _ = span(text, statement)
    return _indentation_at(text, _logical_line_start(text, start))


def remove_statement(text: str, tree: ast.Module, statement: ast.stmt) -> Edit:
    """Removes the statement with its decorators, the comment at its end and its line ending.

    Of statements that share a line only this one goes, and the comment stays. A statement that is alone in its block becomes `pass`, but
    in the module itself. Raises ValueError where the statement is not part of the tree.
    """
    block, in_module = _block_of(tree, statement)
    position = next(index for index, other in enumerate(block) if other is statement)
    start, end = span(text, statement)
    following = _SEMICOLON.match(text, end)
    if position:
        _, previous_end = span(text, block[position - 1])
        if _SEMICOLON.fullmatch(text, previous_end, start):
            return Edit(previous_end, end, "")
    if position + 1 < len(block):
        next_start, _ = span(text, block[position + 1])
        if following and following.end() == next_start:
            return Edit(start, next_start, "")
    line_start = _logical_line_start(text, start)
    alone_on_line = not text[line_start:start].strip(" \t\f\\\r\n")
    line_end = line_end_after(text, end) if alone_on_line else None
    if line_end is None:
        line_end = end
    if len(block) == 1 and not in_module and not _is_elif(text, statement):
        return Edit(start, end + len(text[end:line_end].rstrip("\r\n")), "pass")
    return Edit(line_start, line_end, "")


def insert_before(text: str, statement: ast.stmt, code: str) -> Edit:
    """Inserts code before the statement and its decorators, below the comments above it.

    `code` is dedented: one or more statements, or comments. It takes on the statement's indentation and the file's line ending; the inside
    of its strings stays as it is. Raises CannotEdit where one insertion cannot do it, ValueError where `code` is empty or unreadable.
    """
    _check(text, statement, code)
    start, _ = span(text, statement)
    line_start = _logical_line_start(text, start)
    if not text[line_start:start].strip(" \t\f\\\r\n"):
        newline = newline_of(text)
        return Edit(line_start, line_start, indented(code, _indentation_at(text, line_start), newline) + newline)
    return Edit(start, start, _simple_code(code) + "; ")


def insert_after(text: str, statement: ast.stmt, code: str) -> Edit:
    """Inserts code after the statement and the comment at its end; `code` and errors are those of `insert_before`."""
    _check(text, statement, code)
    start, end = span(text, statement)
    place = line_end_after(text, end)
    line_start = _logical_line_start(text, start)
    if place is None or not _is_block_line(text[line_start:start]):
        return Edit(end, end, "; " + _simple_code(code))
    newline = newline_of(text)
    content = indented(code, _indentation_at(text, line_start), newline)
    if text.endswith(("\r", "\n"), 0, place):
        return Edit(place, place, content + newline)
    return Edit(place, place, newline + content)


def _check(text: str, statement: ast.stmt, code: str) -> None:
    if not code.strip():
        raise ValueError("no code to insert")
    try:
        ast.parse(code)
    except SyntaxError as error:
        # `return`, `await` and the like parse anywhere, so whatever does not parse here does not parse in its place.
        raise ValueError(f"code that does not parse: {code!r}") from error
    if _is_elif(text, statement):
        raise CannotEdit("the statement is an elif")


def _is_elif(text: str, statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and text.startswith("elif", span(text, statement)[0])


def _is_block_line(before: str) -> bool:
    """Whether a new line can follow a line whose last statement has this text before it: true unless it is the body of a header."""
    if not before.strip(" \t\f\\\r\n"):
        return True
    try:
        statements = ast.parse(before.strip() + " pass").body
    except SyntaxError:
        return False
    return all(isinstance(found, _SIMPLE) for found in statements)


def _simple_code(code: str) -> str:
    """The code as it can stand between semicolons; raises CannotEdit where it cannot."""
    code = code.strip()
    statements = ast.parse(code).body
    simple = statements and all(isinstance(found, _SIMPLE) for found in statements)
    if not simple or _NEWLINE.search(code) or any(token.type == tokenize.COMMENT for token in _tokens(code)):
        raise CannotEdit("the statement shares its line, and the code does not fit on it")
    return code.rstrip("; \t")


def indented(code: str, indentation: str, newline: str) -> str:
    """The code with each line indented but those inside strings, without a line ending at its end."""
    code = _NEWLINE.sub("\n", code).strip("\n")
    inside = _rows_inside_strings(code)
    return newline.join(
        indentation + line if line.strip() and row not in inside else line
        for row, line in enumerate(code.split("\n"), start=1)
    )


def _rows_inside_strings(code: str) -> set[int]:
    """The rows whose beginning is part of a string that began on an earlier row."""
    rows: set[int] = set()
    # From 3.12 on f-strings, from 3.14 on t-strings are tokens for their start and their end.
    openings = {getattr(tokenize, name, None) for name in ("FSTRING_START", "TSTRING_START")} - {None}
    closings = {getattr(tokenize, name, None) for name in ("FSTRING_END", "TSTRING_END")} - {None}
    starts: list[int] = []
    for token in _tokens(code):
        if token.type == tokenize.STRING:
            rows.update(range(token.start[0] + 1, token.end[0] + 1))
        elif token.type in openings:
            starts.append(token.start[0])
        elif token.type in closings:
            rows.update(range(starts.pop() + 1, token.end[0] + 1))
    return rows


def _tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(code, newline="").readline)


def _indentation_at(text: str, line_start: int) -> str:
    match = _INDENTATION.match(text, line_start)
    return match.group() if match else ""


def _logical_line_start(text: str, offset: int) -> int:
    """The start of the line of `offset`, or of the earlier line that backslashes continue to there."""
    lines = line_index(text)
    start = lines.line_start(offset)
    while start:
        row, _ = lines.position(start - 1)
        line = lines.line(row)
        if not line.endswith("\\") or _ends_in_comment(line):
            break
        start = lines.starts[row - 1]
    return start


def _ends_in_comment(line: str) -> bool:
    """Whether a line that ends in a backslash does so in a comment."""
    if "#" not in line:
        return False
    try:
        return any(token.type == tokenize.COMMENT for token in _tokens(line.lstrip()))
    except (tokenize.TokenError, SyntaxError):
        return False


def _block_of(tree: ast.Module, statement: ast.stmt) -> tuple[list[ast.stmt], bool]:
    """The statements among which the statement stands, and whether they are the module's own."""
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and any(element is statement for element in value):
                return value, node is tree
    raise ValueError("the statement is not part of the tree")

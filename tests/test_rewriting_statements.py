"""Removing whole statements and inserting code beside them."""

from __future__ import annotations

import ast
import re
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from migrator.findings import apply_edits
from migrator.rewriting.statements import CannotEdit, indentation, insert_after, insert_before, remove_statement


def find(tree: ast.Module, marker: str) -> ast.stmt:
    """The innermost statement that is called or named by the marker."""
    return next(
        found
        for found in reversed([node for node in ast.walk(tree) if isinstance(node, ast.stmt)])
        if marker in (getattr(found, "name", ""), getattr(getattr(found, "value", None), "id", ""))
    )


def removed(text: str, marker: str = "old") -> str:
    tree = ast.parse(text)
    return apply_edits(text, [remove_statement(text, tree, find(tree, marker))])


REMOVED = {
    "first line": ("old\nx = 1\n", "x = 1\n"),
    "line between": ("a\nold\nb\n", "a\nb\n"),
    "last line": ("a\nold\n", "a\n"),
    "last line without an ending": ("a\nold", "a\n"),
    "comment at its end": ("a  # a\nold  # old\nb  # b\n", "a  # a\nb  # b\n"),
    "comment at its end without line ending": ("a\nold  # old", "a\n"),
    "comments of the neighbours": ("# above\nold\n# below\nb\n", "# above\n# below\nb\n"),
    "empty lines stay": ("a\n\nold\n\nb\n", "a\n\n\nb\n"),
    "alone in the module": ("old\n", ""),
    "alone in the module below a comment": ("# c\nold  # old\n", "# c\n"),
    "first of a line": ("old; b  # c\n", "b  # c\n"),
    "middle of a line": ("a; old; b\n", "a; b\n"),
    "last of a line": ("a; old  # c\n", "a  # c\n"),
    "last of a line with a semicolon": ("a; old;\n", "a;\n"),
    "semicolon at its end": ("a\nold;  # c\nb\n", "a\nb\n"),
    "unusual semicolons": ("a ;old ; b\n", "a ; b\n"),
    "semicolon and backslash": ("a; \\\n  old; b\n", "a; b\n"),
    "first of a line with a backslash": ("old; \\\n  b\n", "b\n"),
    "backslash at its end": ("a\nold \\\n\nb\n", "a\nb\n"),
    "backslash before it": ("a\n\\\nold\nb\n", "a\nb\n"),
    "comment above ends in a backslash": ("# a \\\nold\nb\n", "# a \\\nb\n"),
    "code with comment above ends in a backslash": ("a = '#'  # a \\\nold\nb\n", "a = '#'  # a \\\nb\n"),
    "in a block": ("if x:\n    a\n    old  # c\nb\n", "if x:\n    a\nb\n"),
    "alone in a block": ("if x:\n    old\nb\n", "if x:\n    pass\nb\n"),
    "alone in a block, its comment goes": ("if x:  # x\n    old  # old\nb\n", "if x:  # x\n    pass\nb\n"),
    "alone in a block, comments around": (
        "if x:\n    # above\n    old;  # old\n    # below\n",
        "if x:\n    # above\n    pass\n    # below\n",
    ),
    "alone in a block without line ending": ("if x:\n    old", "if x:\n    pass"),
    "alone on the line of its header": ("if x: old  # c\nb\n", "if x: pass  # c\nb\n"),
    "alone with a semicolon on the line of its header": ("if x: old;\n", "if x: pass;\n"),
    "alone below its header's backslash": ("if x: \\\n    old\n", "if x: \\\n    pass\n"),
    "first on the line of its header": ("if x: old; b\n", "if x: b\n"),
    "last on the line of its header": ("if x: a; old\n", "if x: a\n"),
    "else": ("if x:\n    a\nelse:\n    old\n", "if x:\n    a\nelse:\n    pass\n"),
    "except": ("try: a\nexcept E: old\n", "try: a\nexcept E: pass\n"),
    "finally": ("try:\n    a\nfinally:\n    old\n", "try:\n    a\nfinally:\n    pass\n"),
    "loop else": ("for x in y:\n    a\nelse:\n    old\n", "for x in y:\n    a\nelse:\n    pass\n"),
    "docstring remains": ('def f():\n    """Doc."""\n    old\n', 'def f():\n    """Doc."""\n'),
    "function with decorators": ("a\n@flow\n@task(x=1)  # t\ndef old():\n    b\n\nc\n", "a\n\nc\n"),
    "function alone in its class": ("class A:\n    @flow\n    def old(self): a\n\nb\n", "class A:\n    pass\n\nb\n"),
    "decorator in brackets": ("a\n@(  # @\n    flow\n)\ndef old(): b\nc\n", "a\nc\n"),
    "decorator with a backslash": ("a\n@ \\\n  flow\ndef old(): b\nc\n", "a\nc\n"),
    "async function": ("@flow\nasync def old():\n    b  # b\nc\n", "c\n"),
    "class": ("@d\nclass old(A):\n    b\nc\n", "c\n"),
    "CRLF": ("a\r\nold  # old\r\nb\r\n", "a\r\nb\r\n"),
    "CRLF, alone in a block": ("if x:\r\n    old  # old\r\nb\r\n", "if x:\r\n    pass\r\nb\r\n"),
    "CR alone": ("a\rold\rb\r", "a\rb\r"),
    "tabs": ("if x:\n\ta\n\told\n", "if x:\n\ta\n"),
    "form feed": ("a\n\x0cold\nb\n", "a\nb\n"),
    "not ASCII": ("'ä'; old; 'ö'\n", "'ä'; 'ö'\n"),
}


@pytest.mark.parametrize(("before", "after"), REMOVED.values(), ids=list(REMOVED))
def test_statement_is_removed(before: str, after: str) -> None:
    assert removed(before) == after
    ast.parse(after)


def test_statement_of_several_lines_is_removed() -> None:
    text = "a\nx = f(\n    1,  # one\n)  # f\nb\n"
    tree = ast.parse(text)
    assert apply_edits(text, [remove_statement(text, tree, tree.body[1])]) == "a\nb\n"
    text = 'a\nx = """\n# s\n"""; b\n'
    tree = ast.parse(text)
    assert apply_edits(text, [remove_statement(text, tree, tree.body[1])]) == "a\nb\n"
    assert apply_edits(text, [remove_statement(text, tree, tree.body[2])]) == 'a\nx = """\n# s\n"""\n'


def test_elif_is_removed_with_what_hangs_on_it() -> None:
    text = "if x:\n    a\nelif y:  # y\n    b\nelse:\n    c\nd\n"
    tree = ast.parse(text)
    (statement,) = tree.body[0].orelse  # type: ignore[attr-defined]
    assert apply_edits(text, [remove_statement(text, tree, statement)]) == "if x:\n    a\nd\n"


@pytest.mark.skipif(sys.version_info < (3, 10), reason="match came with Python 3.10")
def test_statement_alone_in_a_case_becomes_pass() -> None:
    assert removed("match x:\n    case 1:\n        old\n") == "match x:\n    case 1:\n        pass\n"


def test_statements_of_one_text_are_removed_together() -> None:
    text = "old; a; older  # c\nold\n"
    tree = ast.parse(text)
    edits = [remove_statement(text, tree, tree.body[index]) for index in (0, 2, 3)]
    assert apply_edits(text, edits) == "a  # c\n"


def test_statement_of_another_tree_is_refused() -> None:
    with pytest.raises(ValueError, match="not part"):
        remove_statement("a\n", ast.parse("a\n"), ast.parse("a\n").body[0])


INSERTED_AFTER = {
    "last line": ("old\n", "new", "old\nnew\n"),
    "last line without an ending": ("old", "new", "old\nnew"),
    "comment at its end": ("old  # c\nb\n", "new\n", "old  # c\nnew\nb\n"),
    "comment at its end without line ending": ("old  # c", "new", "old  # c\nnew"),
    "comment below": ("old\n# b\nb\n", "new", "old\nnew\n# b\nb\n"),
    "in a block": ("if x:\n    old\nb\n", "new", "if x:\n    old\n    new\nb\n"),
    "several lines": ("if x:\n    old\n", "if y:\n    new\n\n    z\n", "if x:\n    old\n    if y:\n        new\n\n        z\n"),
    "comment": ("if x:\n    old\n", "# TODO", "if x:\n    old\n    # TODO\n"),
    "tabs": ("if x:\n\told\n", "new\nz", "if x:\n\told\n\tnew\n\tz\n"),
    "CRLF": ("if x:\r\n    old\r\n", "new\nz", "if x:\r\n    old\r\n    new\r\n    z\r\n"),
    "CR alone": ("old\rb\r", "new", "old\rnew\rb\r"),
    "first of a line": ("old; b\n", "new", "old; new; b\n"),
    "last of a line": ("a; old  # c\n", "new", "a; old  # c\nnew\n"),
    "last of a line, more than simple code": ("a; old\nb\n", "if x:\n    new", "a; old\nif x:\n    new\nb\n"),
    "semicolon at its end": ("old;\nb\n", "new", "old;\nnew\nb\n"),
    "on the line of its header": ("if x: old  # c\nb\n", "new", "if x: old; new  # c\nb\n"),
    "on the line of its header, two statements": ("if x: old\n", "new; z;", "if x: old; new; z\n"),
    "last on the line of its header": ("if x: a; old\n", "new", "if x: a; old; new\n"),
    "below its header's backslash": ("if x: \\\n    old\n", "new", "if x: \\\n    old; new\n"),
    "on the line of else": ("if x: a\nelse: old\n", "new", "if x: a\nelse: old; new\n"),
    "on the last line of a header": ("if (x and\n        y): old\n", "new", "if (x and\n        y): old; new\n"),
    "behind a statement of several lines": ("f(\n); old\n", "new", "f(\n); old; new\n"),
    "function": ("@d\ndef old():\n    a  # a\n\nb\n", "new", "@d\ndef old():\n    a  # a\nnew\n\nb\n"),
    "function on one line": ("def old(): a; b\n", "new", "def old(): a; b\nnew\n"),
    "strings keep their inside": (
        "if x:\n    old\n",
        'x = """\none\n"""\ny = (\n    "a"\n)',
        'if x:\n    old\n    x = """\none\n"""\n    y = (\n        "a"\n    )\n',
    ),
    "f-strings keep their inside": (
        "if x:\n    old\n",
        'x = f"""\none {\ny}\n"""\nz',
        'if x:\n    old\n    x = f"""\none {\ny}\n"""\n    z\n',
    ),
    "string with a backslash": ("if x:\n    old\n", "x = 'a\\\nb'\ny", "if x:\n    old\n    x = 'a\\\nb'\n    y\n"),
    "await and return": ("async def f():\n    old\n", "return await x", "async def f():\n    old\n    return await x\n"),
    "not ASCII": ("'ä'; old; b\n", "new", "'ä'; old; new; b\n"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "code", "after"), INSERTED_AFTER.values(), ids=list(INSERTED_AFTER))
def test_code_is_inserted_after(before: str, code: str, after: str) -> None:
    assert apply_edits(before, [insert_after(before, find(ast.parse(before), "old"), code)]) == after
    ast.parse(after)


INSERTED_BEFORE = {
    "first line": ("old\n", "new", "new\nold\n"),
    "only line without an ending": ("old", "new", "new\nold"),
    "below the comments above": ("# c\nold\n", "new", "# c\nnew\nold\n"),
    "in a block": ("if x:\n    old\n", "new", "if x:\n    new\n    old\n"),
    "several lines": ("if x:\n    old\n", "if y:\n    new\n", "if x:\n    if y:\n        new\n    old\n"),
    "comment": ("if x:\n    a\n    old\n", "# TODO", "if x:\n    a\n    # TODO\n    old\n"),
    "comment before the first of a line": ("old; a\n", "# TODO", "# TODO\nold; a\n"),
    "tabs": ("if x:\n\told\n", "new", "if x:\n\tnew\n\told\n"),
    "CRLF": ("a\r\nold\r\n", "new\nz", "a\r\nnew\r\nz\r\nold\r\n"),
    "function with decorators": ("a\n@d(\n    1\n)\n@e\ndef old(): a\n", "new", "a\nnew\n@d(\n    1\n)\n@e\ndef old(): a\n"),
    "method": ("class A:\n    @d\n    async def old(self): a\n", "new", "class A:\n    new\n    @d\n    async def old(self): a\n"),
    "last of a line": ("a; old  # c\n", "new", "a; new; old  # c\n"),
    "on the line of its header": ("if x: old\n", "new", "if x: new; old\n"),
    "below its header's backslash": ("if x: \\\n    old\n", "new", "if x: \\\n    new; old\n"),
    "backslash before it": ("if x:\n    a\n    \\\n  old\n", "new", "if x:\n    a\n    new\n    \\\n  old\n"),
    "comment above ends in a backslash": ("if x:  # c: \\\n    old\n", "new", "if x:  # c: \\\n    new\n    old\n"),
    "header with a hash and a backslash": ("if x == '#': \\\n    old\n", "new", "if x == '#': \\\n    new; old\n"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "code", "after"), INSERTED_BEFORE.values(), ids=list(INSERTED_BEFORE))
def test_code_is_inserted_before(before: str, code: str, after: str) -> None:
    assert apply_edits(before, [insert_before(before, find(ast.parse(before), "old"), code)]) == after
    ast.parse(after)


UNFIT = ["if x:\n    new", "if x: new", "a\nb", "x = '''\n'''", "# comment", "new  # comment", "@d\ndef f(): pass"]


@pytest.mark.parametrize("code", UNFIT)
def test_code_that_does_not_fit_on_a_shared_line_is_refused(code: str) -> None:
    for text in ("if x: old\n", "a; old; b\n", "if x: a; old\n"):
        with pytest.raises(CannotEdit, match="line"):
            insert_before(text, find(ast.parse(text), "old"), code)
        with pytest.raises(CannotEdit, match="line"):
            insert_after(text, find(ast.parse(text), "old"), code)


def test_nothing_is_inserted_beside_an_elif() -> None:
    text = "if x:\n    a\nelif y:\n    b\n"
    (statement,) = ast.parse(text).body[0].orelse  # type: ignore[attr-defined]
    for insert in (insert_before, insert_after):
        with pytest.raises(CannotEdit, match="elif"):
            insert(text, statement, "new")


def test_a_hash_in_a_string_fits_on_a_shared_line() -> None:
    text = "if x: old\n"
    assert apply_edits(text, [insert_after(text, find(ast.parse(text), "old"), "new('#')")]) == "if x: old; new('#')\n"


@pytest.mark.parametrize("code", ["", " \n", "if x:", "  a\nb"])
def test_no_code_and_broken_code_are_refused(code: str) -> None:
    text = "old\n"
    for insert in (insert_before, insert_after):
        with pytest.raises(ValueError, match="code"):
            insert(text, ast.parse(text).body[0], code)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("old\n", ""),
        ("if x:\n    old\n", "    "),
        ("if x:\n\told\n", "\t"),
        ("if x:\n \t old\n", " \t "),
        ("if x:\n    if y: old\n", "    "),
        ("if x:\n    a; old\n", "    "),
        ("if x:\n    a; \\\n  old\n", "    "),
        ("class A:\n  @d\n  def old(self): pass\n", "  "),
        ("if x:\r\n    old\r\n", "    "),
    ],
)
def test_indentation_is_that_of_the_line(text: str, expected: str) -> None:
    assert indentation(text, find(ast.parse(text), "old")) == expected


@st.composite
def blocks(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """The lines of a block, not yet indented."""
    indented = draw(st.sampled_from(["    ", "\t", "  "]))
    lines: list[str] = []
    for _ in range(draw(st.integers(1, 3))):
        lines += draw(st.sampled_from([[], [], ["# above"], [""], ["# ends in \\"]]))
        kind = draw(st.integers(0, 3 if depth > 1 else 8))
        if kind <= 3:
            lines += draw(
                st.sampled_from(
                    [
                        ["x = 1"],
                        ["f(", "    1,  # one", "  )  # end"],
                        ["a; b = 2; c  # three"],
                        ["y = '''", "# text", "'''; z;"],
                        ["ä = 'é'; \\", "   w"],
                        ["if x: a"],
                        ["if x: a; b  # ab"],
                        ["while x: \\", "  a"],
                        ["try: a", "except E: b", "finally: c"],
                        ["import a; import b"],
                    ]
                )
            )
        elif kind == 4:
            lines += ["@d(  # @", "  1)", "@e", "def f():  # f"]
        elif kind == 5:
            lines += ["class A(B):"]
        else:
            lines += ["if x:"]
        if kind > 3:
            lines += [indented + line if line else line for line in draw(blocks(depth + 1))]
        if kind > 6:
            lines += [["else:  # else"], ["elif y:"]][kind - 7]
            lines += [indented + line if line else line for line in draw(blocks(depth + 1))]
    return lines


@st.composite
def modules(draw: st.DrawFn) -> str:
    text = "\n".join(draw(blocks())) + draw(st.sampled_from(["", "\n", "\n\n", "  # end\n"]))
    try:
        ast.parse(text)
    except SyntaxError:
        assume(False)
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


def block_of(tree: ast.Module, statement: ast.stmt) -> list[ast.stmt]:
    for node in ast.walk(tree):
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and any(element is statement for element in value):
                return value
    raise AssertionError


def pick(draw_index: int, text: str) -> tuple[ast.Module, ast.stmt]:
    tree = ast.parse(text)
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    return tree, statements[draw_index % len(statements)]


def comments_on_own_lines(text: str) -> list[str]:
    return re.findall(r"^[ \t]*#[^\r\n]*", text, re.MULTILINE)


def is_elif(tree: ast.Module, statement: ast.stmt, text: str) -> bool:
    if not isinstance(statement, ast.If):
        return False
    return bool((ast.get_source_segment(text, statement) or "").startswith("elif"))


@given(modules(), st.integers(0, 50))
def test_only_the_statement_is_gone(text: str, number: int) -> None:
    tree, statement = pick(number, text)
    edit = remove_statement(text, tree, statement)
    block = block_of(tree, statement)
    position = next(index for index, found in enumerate(block) if found is statement)
    alone = len(block) == 1 and block is not tree.body and not is_elif(tree, statement, text)
    block[position : position + 1] = [ast.Pass()] if alone else []
    result = apply_edits(text, [edit])
    assert ast.dump(ast.parse(result)) == ast.dump(tree)
    assert result.startswith(text[: edit.start])
    assert result.endswith(text[edit.end :])
    assert set(re.findall(r"\r\n|\r|\n", result)) <= set(re.findall(r"\r\n|\r|\n", text))


@given(
    modules(), st.integers(0, 50), st.sampled_from(["new = 1", "new = 1\n", "if new:\n    a\nelse:\n    '''\nb'''\n"])
)
def test_code_stands_beside_the_statement(text: str, number: int, code: str) -> None:
    for insert, offset in ((insert_before, 0), (insert_after, 1)):
        tree, statement = pick(number, text)
        try:
            edit = insert(text, statement, code)
        except CannotEdit:
            shared = ";" in text or re.search(r": (a|b|c)|: \\", text) or "elif" in text
            assert shared
            continue
        assert edit.start == edit.end
        block = block_of(tree, statement)
        position = next(index for index, found in enumerate(block) if found is statement)
        block[position + offset : position + offset] = ast.parse(code).body
        result = apply_edits(text, [edit])
        assert ast.dump(ast.parse(result)) == ast.dump(tree)
        assert comments_on_own_lines(result) == comments_on_own_lines(text)
        assert set(re.findall(r"\r\n|\r|\n", result)) <= (set(re.findall(r"\r\n|\r|\n", text)) or {"\n"})


@given(modules(), st.integers(0, 50))
def test_a_line_inserted_and_removed_leaves_the_same_bytes(text: str, number: int) -> None:
    assume(text.endswith("\n"))
    _, statement = pick(number, text)
    try:
        edit = insert_after(text, statement, "fresh")
    except CannotEdit:
        return
    result = apply_edits(text, [edit])
    tree = ast.parse(result)
    assert apply_edits(result, [remove_statement(result, tree, find(tree, "fresh"))]) == text

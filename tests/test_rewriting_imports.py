"""Adding, removing and renaming what import statements import, and finding the place for new ones."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from migrator.findings import apply_edits
from migrator.rewriting.imports import add_name, ensure_import_edits, new_import_edit, remove_names, rename_name

REMOVED = {
    "only name": ("from m import old", None),
    "only name of an import": ("import old", None),
    "only name in brackets": ("from m import (\n    old,  # c\n)", None),
    "first of two": ("from m import old, a", "from m import a"),
    "last of two": ("from m import a, old", "from m import a"),
    "middle of three": ("from m import a, old, b", "from m import a, b"),
    "first of an import": ("import old, a as b", "import a as b"),
    "last of an import": ("import a as b, old", "import a as b"),
    "with an alias": ("from m import old as x, a", "from m import a"),
    "alias of the same name": ("from m import a as old, b", "from m import a as old, b"),
    "imported twice": ("from m import old, old as x, a", "from m import a"),
    "attribute of the same name": ("import old.a, a.old", "import old.a, a.old"),
    "unneeded brackets": ("from m import (a, old)", "from m import (a)"),
    "trailing comma on one line": ("from m import (a, old,)", "from m import (a,)"),
    "unusual spacing": ("from  m  import  a ,old  ,  b", "from  m  import  a ,b"),
    "no spaces": ("from m import(old,a)", "from m import(a)"),
    "relative": ("from .. import old, a", "from .. import a"),
    "one per line": ("from m import (\n    a,\n    old,\n    b,\n)", "from m import (\n    a,\n    b,\n)"),
    "last line, trailing comma stays": ("from m import (\n    a,\n    old,\n)", "from m import (\n    a,\n)"),
    "last line, no trailing comma": ("from m import (\n    a,\n    old\n)", "from m import (\n    a\n)"),
    "comments of the others stay": (
        "from m import (  # m\n    a,  # a\n    old,  # old\n    # about b\n    b,  # b\n)",
        "from m import (  # m\n    a,  # a\n    # about b\n    b,  # b\n)",
    ),
    "aligned, first": ("from m import (old,\n               a)", "from m import (a)"),
    "aligned, last": ("from m import (a,\n               old)", "from m import (a)"),
    "aligned, comment goes": ("from m import (old,  # old\n               a)", "from m import (a)"),
    "aligned, noqa of the statement stays": (
        "from m import (old,  # noqa: F401\n               a)",
        "from m import (  # noqa: F401\n               a)",
    ),
    "aligned, type: ignore of the statement stays": (
        "from m import (old,  # type: ignore[attr-defined]\r\n    a,\r\n)",
        "from m import (  # type: ignore[attr-defined]\r\n    a,\r\n)",
    ),
    "noqa of the name goes": (
        "from m import (\n    a,\n    old,  # noqa: F401\n)",
        "from m import (\n    a,\n)",
    ),
    "shared lines": ("from m import (\n    a, old,  # c\n    b, c\n)", "from m import (\n    a,  # c\n    b, c\n)"),
    "backslashes, first": ("from m import old, \\\n    a", "from m import a"),
    "backslashes, middle": ("from m import a, \\\n    old, \\\n    b", "from m import a, \\\n    b"),
    "backslashes, last": ("from m import a, \\\n    old", "from m import a"),
    "backslash before the first": ("from m import \\\n    old, \\\n    a", "from m import \\\n    a"),
    "backslash before the last of its line": ("from m import a, \\\n    b, old", "from m import a, \\\n    b"),
    "backslash with CRLF": ("from m import a, \\\r\n    old", "from m import a"),
    "backslash before import": ("from m \\\n  import old, a", "from m \\\n  import a"),
    "comma at the start of lines": (
        "from m import (\n      a  # a\n    , old  # old\n    , b\n)",
        "from m import (\n      a  # a\n    , b\n)",
    ),
    "CRLF": (
        "from m import (\r\n    a,  # a\r\n    old,  # old\r\n)",
        "from m import (\r\n    a,  # a\r\n)",
    ),
    "tabs": ("from m import (\n\ta,\n\told,\n)", "from m import (\n\ta,\n)"),
    "in an indented block": ("from m import (\n        a,\n        old,\n    )", "from m import (\n        a,\n    )"),
    "another name": ("from m import ( a,b )", "from m import ( a,b )"),
    "star": ("from m import *", "from m import *"),
}


@pytest.mark.parametrize(("before", "after"), REMOVED.values(), ids=list(REMOVED))
def test_name_is_removed(before: str, after: str | None) -> None:
    assert remove_names(before, {"old"}) == after


def test_dotted_names_are_removed_as_they_are_written_before_as() -> None:
    assert remove_names("import a.b as c, a.d, a", ["a.b", "c"]) == "import a.d, a"
    assert remove_names("import a . b, a.d", ["a.b"]) == "import a.d"


def test_several_names_are_removed_at_once() -> None:
    statement = "from m import (\n    a,  # a\n    b,  # b\n    c,  # c\n)"
    assert remove_names(statement, {"a", "c"}) == "from m import (\n    b,  # b\n)"
    assert remove_names(statement, {"a", "b"}) == "from m import (\n    c,  # c\n)"
    assert remove_names(statement, {"a", "b", "c", "d"}) is None


RENAMED = {
    "plain": ("from m import old", None, "from m import new"),
    "alias stays": ("from m import old as x", None, "from m import new as x"),
    "alias given": ("from m import old", "y", "from m import new as y"),
    "alias replaced": ("from m import old as x", "y", "from m import new as y"),
    "alias repeats the new name": ("from m import old as new", None, "from m import new"),
    "alias given repeats the new name": ("from m import old", "new", "from m import new"),
    "explicit re-export": ("from m import old as old", None, "from m import new as old"),
    "alias spacing stays": ("from m import old  as  x, a", None, "from m import new  as  x, a"),
    "alias spacing stays with another alias": ("from m import old  as  x, a", "y", "from m import new  as  y, a"),
    "among others": (
        "from m import (\n    a,  # a\n    old,  # o\n)",
        None,
        "from m import (\n    a,  # a\n    new,  # o\n)",
    ),
    "imported twice": ("from m import old, old as x", None, "from m import new, new as x"),
    "imported twice, both with the new alias": ("from m import old, old as x", "y", "from m import new as y"),
    "already imported": ("from m import a, new, old", None, "from m import a, new"),
    "already imported, one per line": (
        "from m import (\n    new,\n    old,  # o\n)",
        None,
        "from m import (\n    new,\n)",
    ),
    "already imported under the alias": ("from m import new, old as new", None, "from m import new"),
    "already imported otherwise": ("from m import new as n, old", None, "from m import new as n, new"),
    "module": ("import old, a", None, "import new, a"),
    "module with an alias": ("import old as x", None, "import new as x"),
    "backslash and CRLF": ("from m import a, \\\r\n  old", None, "from m import a, \\\r\n  new"),
    "alias of the same name": ("from m import a as old", None, "from m import a as old"),
    "missing": ("from m import ( a )", "x", "from m import ( a )"),
    "star": ("from m import *", None, "from m import *"),
}


@pytest.mark.parametrize(("before", "alias", "after"), RENAMED.values(), ids=list(RENAMED))
def test_name_is_renamed(before: str, alias: str | None, after: str) -> None:
    assert rename_name(before, "old", "new", alias) == after


def test_dotted_modules_are_renamed() -> None:
    assert rename_name("import a.b as c, d", "a.b", "e.f", None) == "import e.f as c, d"
    assert rename_name("import a.b", "a.b", "e.f", "b") == "import e.f as b"


def test_a_rename_to_the_same_name_changes_nothing() -> None:
    for statement in ("from m import a as a", "from m import a, a as b", "import a.b as b"):
        assert rename_name(statement, "a", "a", None) == statement


ADDED = {
    "in front": ("from m import flow", "any_", "from m import any_, flow"),
    "at the end": ("from m import flow", "task", "from m import flow, task"),
    "between": ("from m import flow, task", "get", "from m import flow, get, task"),
    "already there": ("from m import flow, new", "new", "from m import flow, new"),
    "already there, unsorted": ("from m import (z, new,a)", "new", "from m import (z, new,a)"),
    "there under another name": ("from m import new as n", "new", "from m import new as n, new"),
    "class before functions": ("from m import flow, task", "Task", "from m import Task, flow, task"),
    "class between": ("from m import CONST, Flow, flow", "Task", "from m import CONST, Flow, Task, flow"),
    "constant": ("from m import Flow, flow", "ABC", "from m import ABC, Flow, flow"),
    "numbers by value": ("from m import a2, a10", "a9", "from m import a2, a9, a10"),
    "sorted without case": ("from m import alpha, Beta, gamma", "Zeta", "from m import alpha, Beta, gamma, Zeta"),
    "sorted without case, capitals inside": ("from m import A, Bc, BD, c", "Ba", "from m import A, Ba, Bc, BD, c"),
    "sorted plainly": ("from m import AB, Aa, a_b, aa", "ab", "from m import AB, Aa, a_b, aa, ab"),
    "not sorted": ("from m import z, a", "b", "from m import z, a, b"),
    "brackets": ("from m import (a, c)", "b", "from m import (a, b, c)"),
    "trailing comma": ("from m import (a, b,)", "c", "from m import (a, b, c,)"),
    "own separator": ("from m import a,b,c", "d", "from m import a,b,c,d"),
    "one per line": ("from m import (\n    a,\n    c,\n)", "b", "from m import (\n    a,\n    b,\n    c,\n)"),
    "one per line, in front": ("from m import (\n    b,\n    c,\n)", "a", "from m import (\n    a,\n    b,\n    c,\n)"),
    "one per line, at the end": (
        "from m import (\n    a,\n    b,\n)",
        "c",
        "from m import (\n    a,\n    b,\n    c,\n)",
    ),
    "one per line, no trailing comma": ("from m import (\n    a\n)", "c", "from m import (\n    a,\n    c\n)"),
    "one per line, no trailing comma, comment": (
        "from m import (\n    a  # a\n)",
        "c",
        "from m import (\n    a,  # a\n    c\n)",
    ),
    "one per line, comments stay with their names": (
        "from m import (  # m\n    a,  # a\n    # about c\n    c,  # c\n    # end\n)",
        "b",
        "from m import (  # m\n    a,  # a\n    b,\n    # about c\n    c,  # c\n    # end\n)",
    ),
    "one per line, last comment stays with its name": (
        "from m import (\n    a,  # a\n    # end\n)",
        "b",
        "from m import (\n    a,  # a\n    b,\n    # end\n)",
    ),
    "aligned": ("from m import (a,\n               c)", "b", "from m import (a,\n               b,\n               c)"),
    "aligned, in front": (
        "from m import (b,\n               c)",
        "a",
        "from m import (a,\n               b,\n               c)",
    ),
    "aligned, in front, noqa stays on the first line": (
        "from m import (b,  # noqa: F401\n               c)",
        "a",
        "from m import (a, b,  # noqa: F401\n               c)",
    ),
    "several on a line": (
        "from m import (\n    a, b,\n    d, e,\n)",
        "c",
        "from m import (\n    a, b, c,\n    d, e,\n)",
    ),
    "backslashes": ("from m import a, \\\n    c", "b", "from m import a, \\\n    b, \\\n    c"),
    "backslashes, at the end": ("from m import a, \\\n    b", "c", "from m import a, \\\n    b, \\\n    c"),
    "backslashes, in front": ("from m import b, \\\n    c", "a", "from m import a, \\\n    b, \\\n    c"),
    "backslash before the only name": ("from m import \\\r\n    a", "b", "from m import \\\r\n    a, \\\r\n    b"),
    "comma at the start of lines": (
        "from m import (\n      a\n    , c\n)",
        "b",
        "from m import (\n      a\n    , b\n    , c\n)",
    ),
    "CRLF": ("from m import (\r\n    a,\r\n)", "b", "from m import (\r\n    a,\r\n    b,\r\n)"),
    "tabs": ("from m import (\n\ta,\n)", "b", "from m import (\n\ta,\n\tb,\n)"),
    "relative": ("from . import a", "b", "from . import a, b"),
}


@pytest.mark.parametrize(("before", "name", "after"), ADDED.values(), ids=list(ADDED))
def test_name_is_added(before: str, name: str, after: str) -> None:
    assert add_name(before, name) == after
    assert add_name(after, name) == after


def test_name_is_added_under_an_alias() -> None:
    assert add_name("from m import a, c", "b", "x") == "from m import a, b as x, c"
    assert add_name("from m import b as x", "b", "x") == "from m import b as x"
    assert add_name("from m import b", "b", "x") == "from m import b, b as x"
    assert add_name("from m import b as b", "b") == "from m import b as b"
    assert add_name("from m import b", "b", "b") == "from m import b"


@pytest.mark.parametrize("statement", ["from m import *", "import a", "import a as b, c"])
def test_no_name_is_added_to_a_star_or_to_a_module_import(statement: str) -> None:
    with pytest.raises(ValueError, match="no names"):
        add_name(statement, "x")


@pytest.mark.parametrize(
    "text", ["x = 1", "from m import", "import a; import b", "if x: import a", "", "import a\nimport b"]
)
def test_what_is_not_one_import_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an import"):
        remove_names(text, {"a"})
    with pytest.raises(ValueError, match="not an import"):
        rename_name(text, "a", "b", None)
    with pytest.raises(ValueError, match="not an import"):
        add_name(text, "a")


NEW = {
    "empty file": ("", "import new\n"),
    "empty lines only": ("\n\n", "import new\n\n\n"),
    "code at once": ("x = 1\n", "import new\n\nx = 1\n"),
    "code after an empty line": ("\nx = 1\n", "import new\n\nx = 1\n"),
    "code at once, no final newline": ("x = 1", "import new\n\nx = 1"),
    "docstring only": ('"""Doc."""\n', '"""Doc."""\n\nimport new\n'),
    "docstring only, no final newline": ('"""Doc."""', '"""Doc."""\n\nimport new'),
    "docstring and code": ('"""Doc.\n\nMore.\n"""\nx = 1\n', '"""Doc.\n\nMore.\n"""\n\nimport new\n\nx = 1\n'),
    "docstring, empty line and code": ('"""Doc."""\n\nx = 1\n', '"""Doc."""\n\nimport new\n\nx = 1\n'),
    "docstring and comment": ('"""Doc."""  # d\n# x\nx = 1\n', '"""Doc."""  # d\n\nimport new\n\n# x\nx = 1\n'),
    "docstring and code on one line": ('"""Doc."""; x = 1\n', '"""Doc."""; import new; x = 1\n'),
    "string that is no docstring": ("x = 1\n'''s'''\n", "import new\n\nx = 1\n'''s'''\n"),
    "bytes are no docstring": ("b'x'\n", "import new\n\nb'x'\n"),
    "future import": (
        "from __future__ import annotations\n\nx = 1\n",
        "from __future__ import annotations\n\nimport new\n\nx = 1\n",
    ),
    "future import and imports": (
        "from __future__ import annotations\n\nimport a\n\nx = 1\n",
        "from __future__ import annotations\n\nimport a\nimport new\n\nx = 1\n",
    ),
    "after the last import": ("import a\nfrom b import c  # c\n\nx = 1\n", "import a\nfrom b import c  # c\nimport new\n\nx = 1\n"),
    "after an import of several lines": (
        "from b import (\n    c,\n)\nx = 1\n",
        "from b import (\n    c,\n)\nimport new\nx = 1\n",
    ),
    "imports with comments between them": ("import a\n\n# b\nimport b\n", "import a\n\n# b\nimport b\nimport new\n"),
    "no final newline": ("import a", "import a\nimport new"),
    "no final newline, comment": ("import a  # a", "import a  # a\nimport new"),
    "two imports on one line": ("import a; import b\nx = 1\n", "import a; import b\nimport new\nx = 1\n"),
    "semicolon at the end": ("import a;  # a\nx = 1\n", "import a;  # a\nimport new\nx = 1\n"),
    "import and code on one line": ("import a; x = 1\n", "import a; import new; x = 1\n"),
    "import and code on one line with a backslash": ("import a; \\\nx = 1\n", "import a; import new; \\\nx = 1\n"),
    "under TYPE_CHECKING": (
        "import a\nif TYPE_CHECKING:\n    import b\nimport c\n",
        "import a\nimport new\nif TYPE_CHECKING:\n    import b\nimport c\n",
    ),
    "under try": (
        "try:\n    import a\nexcept ImportError:\n    a = None\nimport b\n",
        "import new\n\ntry:\n    import a\nexcept ImportError:\n    a = None\nimport b\n",
    ),
    "first import after code": ('"""Doc."""\nx = 1\nimport a\n', '"""Doc."""\n\nimport new\n\nx = 1\nimport a\n'),
    "shebang": ("#!/usr/bin/env python\nx = 1\n", "#!/usr/bin/env python\n\nimport new\n\nx = 1\n"),
    "shebang and encoding": (
        "#!/usr/bin/env python\n# -*- coding: latin-1 -*-\nx = 1\n",
        "#!/usr/bin/env python\n# -*- coding: latin-1 -*-\n\nimport new\n\nx = 1\n",
    ),
    "encoding below a comment": ("# us\n# vim: set fileencoding=utf-8 :\nx = 1\n", "# us\n# vim: set fileencoding=utf-8 :\n\nimport new\n\nx = 1\n"),
    "comment about coding below code": ("x = 1\n# coding: done\n", "import new\n\nx = 1\n# coding: done\n"),
    "licence": ("# Licence\n# MIT\n\nx = 1\n", "# Licence\n# MIT\n\nimport new\n\nx = 1\n"),
    "comment on the code": ("# about x\nx = 1\n", "import new\n\n# about x\nx = 1\n"),
    "shebang, comment on the code": ("#!python\n# about x\nx = 1\n", "#!python\n\nimport new\n\n# about x\nx = 1\n"),
    "comments only": ("# one\n# two\n", "# one\n# two\n\nimport new\n"),
    "comments only, no final newline": ("# one", "# one\n\nimport new"),
    "CRLF": ('"""Doc."""\r\nx = 1\r\n', '"""Doc."""\r\n\r\nimport new\r\n\r\nx = 1\r\n'),
    "CRLF, imports": ("import a\r\nx = 1\r\n", "import a\r\nimport new\r\nx = 1\r\n"),
    "form feed": ("import a\n\x0c\nx = 1\n", "import a\nimport new\n\x0c\nx = 1\n"),
    "not ASCII": ('"é"; "ü"; import a\n', '"é"; import new; "ü"; import a\n'),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), NEW.values(), ids=list(NEW))
def test_new_import_finds_its_place(before: str, after: str) -> None:
    edit = new_import_edit(before, ast.parse(before), "import new")
    assert apply_edits(before, [edit]) == after
    ast.parse(after)


def test_new_import_of_several_lines_takes_the_line_endings_of_the_file() -> None:
    text = "import a\r\n"
    edit = new_import_edit(text, ast.parse(text), "from b import (\n    c,\n)")
    assert apply_edits(text, [edit]) == "import a\r\nfrom b import (\r\n    c,\r\n)\r\n"


def test_new_future_import_stands_before_the_others() -> None:
    text = '"""Doc."""\n\nimport a\n'
    edit = new_import_edit(text, ast.parse(text), "from __future__ import annotations")
    assert apply_edits(text, [edit]) == '"""Doc."""\n\nfrom __future__ import annotations\n\nimport a\n'


ENSURED = {
    "there": ("from m import new\n", "from m import new\n"),
    "there among others": ("x = 1\nfrom m import (a, new)\n", "x = 1\nfrom m import (a, new)\n"),
    "there in the second import": ("from m import a\nfrom m import new\n", "from m import a\nfrom m import new\n"),
    "there under another name": ("from m import new as n\n", "from m import new as n, new\n"),
    "merged": ("import a\nfrom m import b  # b\nimport c\n", "import a\nfrom m import b, new  # b\nimport c\n"),
    "merged into lines": ("from m import (\n    b,\n)\n", "from m import (\n    b,\n    new,\n)\n"),
    "merged on a shared line": ("x = 1; from m import b; y = 2\n", "x = 1; from m import b, new; y = 2\n"),
    "merged below code": ("import a\nx = 1\nfrom m import b\n", "import a\nx = 1\nfrom m import b, new\n"),
    "submodule is another module": ("from m.x import b\n", "from m.x import b\nfrom m import new\n"),
    "relative is another module": ("from .m import b\n", "from .m import b\nfrom m import new\n"),
    "star": ("from m import *\n", "from m import *\nfrom m import new\n"),
    "module import": ("import m\n", "import m\nfrom m import new\n"),
    "in a function": (
        "def f():\n    from m import new\n",
        "from m import new\n\ndef f():\n    from m import new\n",
    ),
    "under try": (
        "import a\ntry:\n    from m import b\nexcept ImportError:\n    pass\n",
        "import a\nfrom m import new\ntry:\n    from m import b\nexcept ImportError:\n    pass\n",
    ),
    "under TYPE_CHECKING": (
        "import a\nif TYPE_CHECKING:\n    from m import new\n",
        "import a\nfrom m import new\nif TYPE_CHECKING:\n    from m import new\n",
    ),
    "what has to run before Prefect still does": (
        "import os\n\nos.environ['A'] = 'b'\n\nfrom prefect import flow  # noqa: E402\nx = 1\n",
        "import os\n\nos.environ['A'] = 'b'\n\nfrom prefect import flow  # noqa: E402\nfrom m import new\nx = 1\n",
    ),
    "what has to run before the package still does": (
        "import os\nos.environ['A'] = 'b'\nimport m.x\n",
        "import os\nos.environ['A'] = 'b'\nimport m.x\nfrom m import new\n",
    ),
    "empty file": ("", "from m import new\n"),
    "CRLF": ("import a\r\n", "import a\r\nfrom m import new\r\n"),
}


@pytest.mark.parametrize(("before", "after"), ENSURED.values(), ids=list(ENSURED))
def test_import_is_ensured(before: str, after: str) -> None:
    edits = ensure_import_edits(before, ast.parse(before), "m", "new")
    assert apply_edits(before, edits) == after
    assert ensure_import_edits(after, ast.parse(after), "m", "new") == ()


def test_import_is_ensured_under_an_alias() -> None:
    text = "from m import new\n"
    edits = ensure_import_edits(text, ast.parse(text), "m", "new", "n")
    assert apply_edits(text, edits) == "from m import new, new as n\n"
    edits = ensure_import_edits(text, ast.parse(text), "o", "new", "n")
    assert apply_edits(text, edits) == "from m import new\nfrom o import new as n\n"


def test_relative_import_is_ensured() -> None:
    text = "from . import a\nfrom .m import b\n"
    assert (
        apply_edits(text, ensure_import_edits(text, ast.parse(text), ".m", "c"))
        == "from . import a\nfrom .m import b, c\n"
    )
    assert (
        apply_edits(text, ensure_import_edits(text, ast.parse(text), ".", "c"))
        == "from . import a, c\nfrom .m import b\n"
    )


def test_an_import_below_the_first_use_does_not_count() -> None:
    text = "import a\nx = new()\nfrom m import new\n"
    tree = ast.parse(text)
    assert ensure_import_edits(text, tree, "m", "new") == ()
    edits = ensure_import_edits(text, tree, "m", "new", before=text.index("new()"))
    assert apply_edits(text, edits) == "import a\nfrom m import new\nx = new()\nfrom m import new\n"


def test_two_fixes_that_need_the_same_import_make_one_edit() -> None:
    text = "from m import a\n"
    edits = [
        *ensure_import_edits(text, ast.parse(text), "m", "b"),
        *ensure_import_edits(text, ast.parse(text), "m", "b"),
    ]
    assert apply_edits(text, edits) == "from m import a, b\n"


def test_a_new_import_needs_no_libcst() -> None:
    program = (
        "import ast, sys\n"
        "from migrator.rewriting import calls, imports, statements\n"
        "imports.new_import_edit('x = 1', ast.parse('x = 1'), 'import a')\n"
        "imports.ensure_import_edits('x = 1', ast.parse('x = 1'), 'a', 'b')\n"
        "sys.exit('libcst' in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


NAMES = ["a", "B", "CD", "e10", "e9", "größe", "old"]


def pieces(bracketed: bool) -> st.SearchStrategy[str]:
    """White space, line breaks and comments that may stand between two names."""
    bare = ["", " ", "  ", "\t", " \\\n    ", "\\\n"]
    inside = ["\n    ", "\n\n", "  # note, (\n  ", "\n  # own line\n  "]
    return st.lists(st.sampled_from([*bare, *inside] if bracketed else bare), max_size=2).map("".join)


@st.composite
def imports(draw: st.DrawFn, froms_only: bool = False) -> str:
    is_from = froms_only or draw(st.booleans())
    bracketed = is_from and draw(st.booleans())
    piece = pieces(bracketed)
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5, unique=True))
    module = draw(st.sampled_from(["m", ".", "..m.n", "m . n"]))
    text = f"from {module} import" if is_from else "import"
    text += draw(st.sampled_from(["(", " ("])) if bracketed else " "
    text += draw(piece)
    for number, name in enumerate(names, start=1):
        if not is_from and draw(st.booleans()):
            name = "pkg." + name
        text += name + draw(st.sampled_from(["", f" as {name[-1]}x", "  as  old"]))
        if number < len(names) or (bracketed and draw(st.booleans())):
            text += draw(piece) + "," + draw(piece)
        elif bracketed:
            text += draw(piece)
    text = (text + (")" if bracketed else "")).replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    try:
        ast.parse(text)
    except SyntaxError:
        assume(False)
    return text


def parsed(text: str) -> ast.Import | ast.ImportFrom:
    (statement,) = ast.parse(text).body
    assert isinstance(statement, (ast.Import, ast.ImportFrom))
    return statement


def line_endings(text: str) -> set[str]:
    return set(re.findall(r"\r\n|\r|\n", text))


@given(imports(), st.sets(st.sampled_from([*NAMES, *("pkg." + name for name in NAMES)])))
def test_only_the_named_imports_are_gone(statement: str, names: set[str]) -> None:
    result = remove_names(statement, names)
    expected = parsed(statement)
    expected.names = [alias for alias in expected.names if alias.name not in names]
    if result is None:
        assert not expected.names
        return
    assert ast.dump(parsed(result)) == ast.dump(expected)
    assert line_endings(result) <= line_endings(statement)
    assert result.count("# own line") == statement.count("# own line")
    head = re.match(r".*?\bimport\s*\(?", statement)
    assert head and result.startswith(head.group().rstrip())


@given(imports())
def test_removing_nothing_changes_no_byte(statement: str) -> None:
    assert remove_names(statement, ()) == statement
    assert remove_names(statement, {"missing"}) == statement
    assert rename_name(statement, "missing", "other", None) == statement


@given(imports(froms_only=True), st.sampled_from(["A", "Z", "b", "e9", "zz", "E"]), st.sampled_from([None, "alias"]))
def test_a_name_added_and_removed_leaves_the_same_import(statement: str, name: str, alias: str | None) -> None:
    before = parsed(statement)
    assume(name not in [known.name for known in before.names])
    longer = add_name(statement, name, alias)
    assert {(n.name, n.asname) for n in parsed(longer).names} == {(n.name, n.asname) for n in before.names} | {
        (name, alias)
    }
    assert re.findall(r"#[^\r\n]*", longer) == re.findall(r"#[^\r\n]*", statement)
    assert line_endings(longer) == line_endings(statement)
    assert add_name(longer, name, alias) == longer
    shorter = remove_names(longer, {name})
    assert shorter is not None
    assert ast.dump(parsed(shorter)) == ast.dump(before)


@given(
    st.lists(st.sampled_from(NAMES), unique=True, min_size=1),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["    ", "\t"]),
    st.booleans(),
)
def test_one_per_line_comes_back_byte_for_byte(
    names: list[str], newline: str, indentation: str, trailing: bool
) -> None:
    lines = [f"{indentation}{name},  # {name}" for name in names]
    if not trailing:
        lines[-1] = lines[-1].replace(",", "")
    statement = newline.join(["from m import (", *lines, ")"])
    for name in ("A", "Z", "f"):
        assert remove_names(add_name(statement, name), {name}) == statement


@given(imports(), st.sampled_from(NAMES))
def test_a_rename_changes_the_name_alone(statement: str, name: str) -> None:
    result = rename_name(statement, name, "fresh", None)
    expected = parsed(statement)
    for known in expected.names:
        if known.name == name:
            known.name = "fresh"
    assert ast.dump(parsed(result)) == ast.dump(expected)
    assert rename_name(result, "fresh", name, None) == statement or re.search(rf"as\s+{name}", statement)


MODULES = st.lists(
    st.sampled_from(
        [
            "import a",
            "import a, b  # c",
            "from m import (\n    a,\n)",
            "import a; import b",
            "import a; x = 1",
            "x = 1  # x",
            "# comment",
            "",
            "if x:\n    import a",
            "try:\n    import a\nexcept ImportError: pass",
            "def f():\n    '''doc'''",
            "x = '''\n# not a comment\n'''",
        ]
    ),
    max_size=6,
)
HEADS = st.sampled_from(["", "#!python\n", "# -*- coding: utf-8 -*-\n", "# Licence\n\n", "'''Doc.\n'''\n", "'Doc.'; "])
FUTURE = st.sampled_from(["", "from __future__ import annotations\n"])


@given(HEADS, FUTURE, MODULES, st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_new_import_is_one_more_statement_before_the_code(
    head: str, future: str, lines: list[str], final: bool, newline: str
) -> None:
    text = (head + future + "\n".join(lines) + ("\n" if final else "")).replace("\n", newline)
    try:
        tree = ast.parse(text)
    except SyntaxError:
        assume(False)
    edit = new_import_edit(text, tree, "import new")
    assert edit.start == edit.end
    result = apply_edits(text, [edit])
    statements = ast.parse(result).body
    (place,) = [
        index for index, found in enumerate(statements) if ast.dump(found) == ast.dump(ast.parse("import new").body[0])
    ]
    assert [ast.dump(found) for found in statements[:place] + statements[place + 1 :]] == [
        ast.dump(f) for f in tree.body
    ]
    assert ast.get_docstring(ast.parse(result)) == ast.get_docstring(tree)
    assert all(isinstance(found, (ast.Import, ast.ImportFrom, ast.Expr)) for found in statements[:place])
    assert not any(isinstance(found, (ast.Import, ast.ImportFrom)) for found in statements[place + 1 : place + 2])
    assert line_endings(result) <= (line_endings(text) or {"\n"})
    compile(result, "module", "exec")

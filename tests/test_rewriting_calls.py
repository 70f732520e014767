"""Removing, setting and renaming the arguments of one call."""

from __future__ import annotations

import ast
import io
import re
import tokenize

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from migrator.findings import LineIndex
from migrator.rewriting.calls import remove_arguments, rename_argument, set_argument

REMOVED = {
    "only argument": ("flow(runner=R)", "flow()"),
    "only argument with a trailing comma": ("flow(runner=R,)", "flow()"),
    "only argument on its own line": ("flow(\n    runner=R,\n)", "flow()"),
    "only argument, its comment goes": ("flow(\n    runner=R,  # fast\n)", "flow()"),
    "only argument behind the bracket, its comment goes": ("flow(runner=R  # fast\n)", "flow()"),
    "only argument, bracket closes on its line": ("flow(\n    runner=R)", "flow()"),
    "only argument, comment of the call stays": ("flow(  # nightly\n    runner=R,\n)", "flow(  # nightly\n)"),
    "only argument, comment above stays": ("flow(\n    # fast\n    runner=R,\n)", "flow(\n    # fast\n)"),
    "only argument, comment below stays": ("flow(runner=R,\n    # rest\n)", "flow(\n    # rest\n)"),
    "first of two": ('flow(runner=R, name="x")', 'flow(name="x")'),
    "last of two": ('flow(name="x", runner=R)', 'flow(name="x")'),
    "last of two with a trailing comma": ('flow(name="x", runner=R,)', 'flow(name="x",)'),
    "middle of three": ("flow(a=1, runner=R, b=2)", "flow(a=1, b=2)"),
    "unusual spacing": ("flow ( a = 1 , runner = R , b = 2 )", "flow ( a = 1 , b = 2 )"),
    "no spaces": ("flow(a=1,runner=R,b=2)", "flow(a=1,b=2)"),
    "first line of several": ("flow(\n    runner=R,\n    a=1,\n)", "flow(\n    a=1,\n)"),
    "middle line of several": ("flow(\n    a=1,\n    runner=R,\n    b=2,\n)", "flow(\n    a=1,\n    b=2,\n)"),
    "last line with a trailing comma": ("flow(\n    a=1,\n    runner=R,\n)", "flow(\n    a=1,\n)"),
    "last line without a trailing comma": ("flow(\n    a=1,\n    runner=R\n)", "flow(\n    a=1\n)"),
    "last line, bracket closes on it": ("flow(a=1,\n     runner=R)", "flow(a=1)"),
    "last line, the comment above it is kept inside": (
        "flow(a=1,  # one\n     runner=R)",
        "flow(a=1  # one\n     )",
    ),
    "first, others aligned below": ("flow(runner=R,  # fast\n     a=1,\n     b=2)", "flow(a=1,\n     b=2)"),
    "first, a comment about the next stays": (
        "flow(runner=R,  # fast\n     # about a\n     a=1)",
        "flow(\n     # about a\n     a=1)",
    ),
    "own comment goes, the others stay": (
        "flow(\n    a=1,  # one\n    # two\n    runner=R,  # fast\n    # three\n    b=2,  # four\n)",
        "flow(\n    a=1,  # one\n    # two\n    # three\n    b=2,  # four\n)",
    ),
    "comment of a shared line stays": (
        "flow(\n    a=1, runner=R,  # both\n    b=2,\n)",
        "flow(\n    a=1,  # both\n    b=2,\n)",
    ),
    "begins a shared line": ("flow(\n    runner=R, a=1,\n    b=2,\n)", "flow(\n    a=1,\n    b=2,\n)"),
    "comma at the start of lines": (
        "flow(\n    a=1  # one\n    , runner=R  # fast\n    , b=2\n)",
        "flow(\n    a=1  # one\n    , b=2\n)",
    ),
    "first, comma at the start of lines": ("flow(\n    runner=R  # fast\n    , b=2\n)", "flow(\n    b=2\n)"),
    "last, comma at the start of lines": ("flow(\n    a=1  # one\n    , runner=R\n)", "flow(\n    a=1  # one\n)"),
    "empty lines": ("flow(\n    a=1,\n\n    runner=R,\n\n    b=2,\n)", "flow(\n    a=1,\n\n\n    b=2,\n)"),
    "value of several lines": (
        "flow(\n    a=1,\n    runner=Dask(\n        n=1,  # few\n    ),\n    b=2,\n)",
        "flow(\n    a=1,\n    b=2,\n)",
    ),
    "value in brackets": ("flow(a=1, runner=(R), b=2)", "flow(a=1, b=2)"),
    "value with a comma in a string": ("flow(runner=',)#', a=1)", "flow(a=1)"),
    "CRLF": (
        "flow(\r\n    a=1,  # one\r\n    runner=R,  # fast\r\n    b=2,\r\n)",
        "flow(\r\n    a=1,  # one\r\n    b=2,\r\n)",
    ),
    "CR alone": ("flow(\r    a=1,\r    runner=R,\r)", "flow(\r    a=1,\r)"),
    "mixed line endings": ("flow(\n    a=1,\r\n    runner=R,\n    b=2,\r\n)", "flow(\n    a=1,\r\n    b=2,\r\n)"),
    "tabs": ("flow(\n\ta=1,\n\trunner=R,\n)", "flow(\n\ta=1,\n)"),
    "form feed": ("flow(a=1,\x0c runner=R)", "flow(a=1)"),
    "backslashes": ("flow(a=1, \\\n     runner=R, \\\n     b=2)", "flow(a=1, \\\n     b=2)"),
    "comment that ends in a backslash": (
        "flow(\n    a=1,  # C:\\\n    runner=R,  # D:\\\n    b=2,\n)",
        "flow(\n    a=1,  # C:\\\n    b=2,\n)",
    ),
    "positional and starred arguments": ("flow(f, *args, runner=R, **options)", "flow(f, *args, **options)"),
    "chain over lines": (
        "etl\n    .with_options(x=1)  # c\n    .with_options(runner=R)",
        "etl\n    .with_options(x=1)  # c\n    .with_options()",
    ),
    "inner call of a chain is left alone": ("f(runner=R)(a=1)", "f(runner=R)(a=1)"),
    "called expression in brackets": ("(a.b)(runner=R)", "(a.b)()"),
    "name inside a value only": ("flow(a=g(runner=R))", "flow(a=g(runner=R))"),
    "not ASCII": ('flow(name="Zürich", runner=R)', 'flow(name="Zürich")'),
}


@pytest.mark.parametrize(("before", "after"), REMOVED.values(), ids=list(REMOVED))
def test_argument_is_removed(before: str, after: str) -> None:
    assert remove_arguments(before, {"runner"}) == after
    assert remove_arguments(after, {"runner"}) == after


def test_several_arguments_are_removed_at_once() -> None:
    call = "flow(\n    x=1,  # x\n    a=2,  # a\n    y=3, z=4,  # y, z\n)"
    assert remove_arguments(call, ["x", "y", "z"]) == "flow(\n    a=2,  # a\n)"
    assert remove_arguments(call, ["x", "a", "z"]) == "flow(\n    y=3,  # y, z\n)"
    assert remove_arguments(call, ["x", "a", "y", "z"]) == "flow()"


def test_nothing_is_removed_where_the_argument_is_missing() -> None:
    for call in ("flow( )", "flow(a=1,)", "flow(runner)", "flow(**runner)"):
        assert remove_arguments(call, ["runner"]) == call


SET = {
    "no arguments": ("flow()", "flow(name=N)"),
    "no arguments, brackets on two lines": ("flow(\n)", "flow(name=N)"),
    "no arguments but a comment": ("flow(\n    # none\n)", "flow(\n    # none\n    name=N,\n)"),
    "no arguments but a comment, CRLF and tabs": (
        "flow(\r\n\t\t# none\r\n\t)",
        "flow(\r\n\t\t# none\r\n\t\tname=N,\r\n\t)",
    ),
    "one argument": ("flow(f)", "flow(f, name=N)"),
    "trailing comma on one line": ("flow(f,)", "flow(f, name=N,)"),
    "own separator": ("flow(f,a=1)", "flow(f,a=1,name=N)"),
    "one per line": ("flow(\n    a=1,\n    b=2,\n)", "flow(\n    a=1,\n    b=2,\n    name=N,\n)"),
    "one per line, no trailing comma": ("flow(\n    a=1,\n    b=2\n)", "flow(\n    a=1,\n    b=2,\n    name=N\n)"),
    "one per line, comments": (
        "flow(\n    a=1,  # one\n    # last\n)",
        "flow(\n    a=1,  # one\n    name=N,\n    # last\n)",
    ),
    "one per line, comment without comma": ("flow(\n    a=1  # one\n)", "flow(\n    a=1,  # one\n    name=N\n)"),
    "aligned": ("flow(a=1,\n     b=2)", "flow(a=1,\n     b=2,\n     name=N)"),
    "all on one line inside": ("flow(\n    a=1, b=2\n)", "flow(\n    a=1, b=2, name=N\n)"),
    "comma at the start of lines": ("flow(\n    a=1\n    , b=2\n)", "flow(\n    a=1\n    , b=2\n    , name=N\n)"),
    "backslashes": ("flow(a=1, \\\n     b=2)", "flow(a=1, \\\n     b=2, \\\n     name=N)"),
    "CRLF": ("flow(\r\n    a=1,\r\n)", "flow(\r\n    a=1,\r\n    name=N,\r\n)"),
    "tabs": ("flow(\n\ta=1,\n)", "flow(\n\ta=1,\n\tname=N,\n)"),
    "generator without brackets of its own": ("f(x for x in y)", "f((x for x in y), name=N)"),
    "generator in brackets": ("f((x for x in y))", "f((x for x in y), name=N)"),
    "starred arguments": ("f(*a, **b)", "f(*a, **b, name=N)"),
    "value replaced": ("flow(a=1, name='x', b=2)", "flow(a=1, name=N, b=2)"),
    "value replaced, comment and spacing kept": (
        "flow(\n    name = 'x' ,  # why\n    b=2\n)",
        "flow(\n    name = N ,  # why\n    b=2\n)",
    ),
    "value of several lines replaced": ("flow(name=g(\n    1,\n), b=2)", "flow(name=N, b=2)"),
    "value in brackets replaced": ("flow(name=(\n    'x'\n    'y'  # c\n))", "flow(name=N)"),
    "value replaced by itself": ("flow(name = N)", "flow(name = N)"),
}


@pytest.mark.parametrize(("before", "after"), SET.values(), ids=list(SET))
def test_argument_is_set(before: str, after: str) -> None:
    assert set_argument(before, "name", "N") == after
    assert set_argument(after, "name", "N") == after


def test_value_is_taken_as_it_stands() -> None:
    assert set_argument("f(a=1)", "b", "g(\n    'x',  # c\n)") == "f(a=1, b=g(\n    'x',  # c\n))"


RENAMED = {
    "plain": ("f(old=1)", "f(new=1)"),
    "spacing and comments kept": ("f(a=1,\n  old = 'old',  # old\n  b=2)", "f(a=1,\n  new = 'old',  # old\n  b=2)"),
    "value of the same name": ("f(old=old)", "f(new=old)"),
    "CRLF": ("f(\r\n    old=1,\r\n)", "f(\r\n    new=1,\r\n)"),
    "positional of the same name": ("f(old, *old, **old)", "f(old, *old, **old)"),
    "inner call only": ("f(a=g(old=1))", "f(a=g(old=1))"),
    "inner call too": ("f(old=g(old=1))", "f(new=g(old=1))"),
    "missing": ("f( a = 1, )", "f( a = 1, )"),
}


@pytest.mark.parametrize(("before", "after"), RENAMED.values(), ids=list(RENAMED))
def test_argument_is_renamed(before: str, after: str) -> None:
    assert rename_argument(before, "old", "new") == after


def test_a_rename_to_an_argument_that_is_there_is_refused() -> None:
    with pytest.raises(ValueError, match="new"):
        rename_argument("f(old=1, new=2)", "old", "new")
    assert rename_argument("f(old=1)", "old", "old") == "f(old=1)"


@pytest.mark.parametrize("text", ["flow", "f(a) + g(b)", "(f(a))", "f(", "x = f(a)", ""])
def test_what_is_not_a_call_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a call"):
        remove_arguments(text, {"a"})
    with pytest.raises(ValueError, match="not a call"):
        set_argument(text, "a", "1")
    with pytest.raises(ValueError, match="not a call"):
        rename_argument(text, "a", "b")


NAMES = ["a", "b", "name", "runner", "größe"]
VALUES = ["1", "'x, # y)'", "g(\n  1,  # inner\n)", "(lambda: (yield))", "[i for i in x]", "'''two\nlines'''", "-x"]
HEADS = ["flow", "prefect.flow", "a . b", "f(1)", "(f)", "f[\n0]", "f\\\n"]


def spaces(comma: bool) -> st.SearchStrategy[str]:
    """What may stand between two arguments."""
    piece = st.sampled_from(
        ["", " ", "  ", "\t", "\n    ", "\n", "\n\n  ", "  # note\n  ", "\n  # own line, x=1\n  ", " \\\n "]
    )
    part = st.lists(piece, max_size=2).map("".join)
    return st.tuples(part, part).map(",".join) if comma else part


@st.composite
def calls(draw: st.DrawFn) -> str:
    positional = draw(st.lists(st.sampled_from(["x", "*xs", "'p'"]), max_size=2))
    keywords = draw(st.lists(st.sampled_from(NAMES), max_size=4, unique=True))
    equals = st.sampled_from(["=", " = ", "=\n "])
    arguments = [*positional, *(k + draw(equals) + draw(st.sampled_from(VALUES)) for k in keywords)]
    if draw(st.booleans()):
        arguments.append("**options")
    text = draw(st.sampled_from(HEADS)) + "(" + draw(spaces(comma=False))
    for number, argument in enumerate(arguments, start=1):
        text += argument + draw(spaces(comma=number < len(arguments) or draw(st.booleans())))
    text = (text + ")").replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    try:
        ast.parse(f"({text})")
    except SyntaxError:
        assume(False)
    return text


def parsed(text: str) -> ast.Call:
    expression = ast.parse(f"({text})", mode="eval").body
    assert isinstance(expression, ast.Call)
    return expression


def keyword_names(call: str) -> list[str | None]:
    return [keyword.arg for keyword in parsed(call).keywords]


def keyword_texts(call: str) -> list[str]:
    """The exact text of each keyword's value."""
    lines = LineIndex(f"({call})")
    values = [keyword.value for keyword in parsed(call).keywords]
    return [
        lines.text[lines.offset(v.lineno, v.col_offset) : lines.offset(v.end_lineno or 0, v.end_col_offset or 0)]
        for v in values
    ]


def comments(call: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(f"({call})").readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def line_endings(text: str) -> set[str]:
    return set(re.findall(r"\r\n|\r|\n", text))


@given(calls(), st.sets(st.sampled_from(NAMES)))
def test_only_the_named_arguments_are_gone(call: str, names: set[str]) -> None:
    result = remove_arguments(call, names)
    expected = parsed(call)
    expected.keywords = [keyword for keyword in expected.keywords if keyword.arg not in names]
    assert ast.dump(parsed(result)) == ast.dump(expected)
    assert line_endings(result) <= line_endings(call)
    kept = [text for text, name in zip(keyword_texts(call), keyword_names(call)) if name not in names]
    assert keyword_texts(result) == kept


@given(calls())
def test_removing_nothing_changes_no_byte(call: str) -> None:
    assert remove_arguments(call, ()) == call
    assert remove_arguments(call, {"missing"}) == call
    assert rename_argument(call, "missing", "other") == call


@given(calls(), st.sets(st.sampled_from(NAMES)))
def test_comments_on_lines_of_their_own_outlive_the_arguments(call: str, names: set[str]) -> None:
    own_line = re.compile(r"^[ \t]*# own line", re.MULTILINE)
    assert len(own_line.findall(remove_arguments(call, names))) == len(own_line.findall(call))


@given(calls())
def test_an_argument_set_and_removed_leaves_the_same_call(call: str) -> None:
    longer = set_argument(call, "new", "42")
    expected = parsed(call)
    expected.keywords.append(ast.keyword(arg="new", value=ast.Constant(value=42)))
    assert ast.dump(parsed(longer)) == ast.dump(expected)
    assert comments(longer) == comments(call)
    assert line_endings(longer) <= line_endings(call)
    shorter = remove_arguments(longer, {"new"})
    assert ast.dump(parsed(shorter)) == ast.dump(parsed(call))


@given(st.lists(st.sampled_from(NAMES), unique=True, min_size=1), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_one_per_line_comes_back_byte_for_byte(names: list[str], newline: str, trailing: bool) -> None:
    lines = [f"    {name}=1,  # {name}" for name in names]
    if not trailing:
        lines[-1] = lines[-1].replace(",", "")
    call = newline.join(["flow(", *lines, ")"])
    assert remove_arguments(set_argument(call, "new", "42"), {"new"}) == call


@given(calls(), st.sampled_from(NAMES))
def test_a_rename_and_its_reverse_leave_the_same_bytes(call: str, name: str) -> None:
    assert rename_argument(rename_argument(call, name, "new"), "new", name) == call

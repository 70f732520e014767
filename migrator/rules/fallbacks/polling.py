"""Loops that ask futures again and again: for the next that has ended, or until all have."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from textwrap import dedent
from typing import Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.model.names import FUNCTIONS, FunctionNode, span
from migrator.rewriting.names import can_add_import, local_name
from migrator.rewriting.statements import indentation, indented, newline_of, remove_statement
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.fallbacks.spellings import (
    URL,
    asks,
    brought,
    for_both,
    has_ended,
    home_of,
    is_name,
    outside,
    sleeps,
)
from migrator.rules.futures import STATE_PREDICATES, Parents, in_fallback, is_future, walked_rows


@rule("PF441", "polling-as-completed", Severity.INFO, "unsafe or none", URL)
def polling_as_completed(context: Context) -> Iterator[Draft]:
    """Take futures as their runs end from `as_completed`.

    Prefect 2 has nothing for it, so it was done by asking each future again and again. On Prefect 3 each question may be a request to the API.

    ## Example
    ```python
    import time

    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        futures = [load.submit(x) for x in xs]
        pending = list(futures)
        while pending:
            for future in list(pending):
                if future.get_state().is_final():
                    pending.remove(future)
                    print(future.result())
            time.sleep(1)
    ```

    ## Use instead
    ```python
    import time

    from prefect import flow, task
    from prefect.futures import as_completed

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        futures = [load.submit(x) for x in xs]
        for future in as_completed(futures):
            print(future.result())
    ```

    ## Fix safety
    Unsafe: a loop that asks for `is_completed()` alone never ends where a run fails, and `as_completed` does. The pause between two rounds goes. Where a future's
    state is read, the new code calls `future.wait()` first: Prefect 3's own `as_completed` gives futures whose `state` still says Pending.
    """
    for loop, parents in _whiles(context):
        drain = _drain(context, loop, parents)
        if drain is not None:
            told = "A hand-written `as_completed`: on Prefect 3 it is in `prefect.futures`"
            yield _at_header(context, loop, for_both(context, told, "as_completed"), _drained(context, drain, parents))
        elif _wait_of(context, loop, parents) is None and _polls(context, loop, parents):
            told = "A loop that polls futures: on Prefect 3 `as_completed` and `wait` of `prefect.futures` tell when runs end"
            yield _at_header(context, loop, for_both(context, told, "as_completed"), None)


@rule("PF443", "polling-until-done", Severity.INFO, "unsafe", URL)
def polling_until_done(context: Context) -> Iterator[Draft]:
    """Wait for futures instead of asking them until they are done.

    One future has `wait()` on both majors; for several, `prefect.futures` of Prefect 3 has `wait`.

    ## Example
    ```python
    import time

    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        futures = [load.submit(x) for x in xs]
        while not all(future.get_state().is_final() for future in futures):
            time.sleep(1)
    ```

    ## Use instead
    ```python
    import time

    from prefect import flow, task
    from prefect.futures import wait

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        futures = [load.submit(x) for x in xs]
        wait(futures)
    ```

    ## Fix safety
    Unsafe: a loop that asks for `is_completed()` alone never ends where a run fails, and `wait` does.
    """
    for loop, parents in _whiles(context):
        waits = _wait_of(context, loop, parents)
        if waits is not None:
            told = "A hand-written `wait`"
            yield _at_header(
                context, loop, for_both(context, told, "wait") if waits.many else told, _waiting(context, loop, waits)
            )


def _at_header(context: Context, loop: ast.While, told: str, mend: Optional[Mend]) -> Draft:
    start, _ = span(loop, context.module.index)
    _, end = span(loop.test, context.module.index)
    return Draft(start, end, told, mend)


@dataclass(frozen=True)
class _Drain:
    """`while pending: for future in list(pending): if <ended>: pending.remove(future); ...`."""

    loop: ast.While
    pending: str
    future: str
    state: Optional[str]
    """The variable that holds the state."""
    kept: tuple[ast.stmt, ...]
    """What is done with each future whose run has ended."""
    last: ast.stmt


def _whiles(context: Context) -> list[tuple[ast.While, Parents]]:
    """The `while` loops in which a future may be polled."""
    key = "loops that may poll"
    if key not in context.shared:
        module = context.module
        found: list[tuple[ast.While, Parents]] = []
        polled = any(word in module.text for word in ("get_state", ".state", ".wait(", "state("))
        if module.references and polled and "while" in module.text:
            for node, parents in walked_rows(context, ("while",)):
                if isinstance(node, ast.While) and not in_fallback(parents):
                    found.append((node, parents))
        context.shared[key] = sorted(found, key=lambda each: each[0].lineno)
    kept = context.shared[key]
    assert isinstance(kept, list)
    return kept


def _drain(context: Context, loop: ast.While, parents: Parents) -> Optional[_Drain]:
    pending = _tested_name(loop.test)
    body = [each for each in loop.body if not sleeps(each)]
    if pending is None or loop.orelse or len(body) != 1 or not isinstance(body[0], ast.For):
        return None
    sweep = body[0]
    if sweep.orelse or not isinstance(sweep.target, ast.Name) or _copied_name(sweep.iter) != pending:
        return None
    future, state = sweep.target.id, None
    statements = list(sweep.body)
    while statements and not isinstance(statements[0], ast.If):
        first = statements.pop(0)
        if isinstance(first, ast.Assign) and isinstance(first.targets[0], ast.Name) and asks(first.value, future, None):
            state = first.targets[0].id
        elif not (isinstance(first, ast.Expr) and asks(first.value, future, None)):
            return None
    if not statements or not isinstance(statements[0], ast.If):
        return None
    asked = statements[0]
    if has_ended(asked.test, future, state) and len(statements) == 1 and _is_nothing(asked.orelse):
        kept = asked.body
    elif (
        isinstance(asked.test, ast.UnaryOp)
        and isinstance(asked.test.op, ast.Not)
        and has_ended(asked.test.operand, future, state)
        and len(asked.body) == 1
        and isinstance(asked.body[0], ast.Continue)
        and not asked.orelse
    ):
        kept = statements[1:]
    else:
        return None
    removals = [each for each in kept if _removes(each, pending, future)]
    rest = tuple(each for each in kept if not _removes(each, pending, future))
    if len(removals) != 1:
        return None
    return _Drain(loop, pending, future, state, rest, kept[-1])


def _drained(context: Context, drain: _Drain, parents: Parents) -> Optional[Mend]:
    """`for future in as_completed(futures): ...` in place of the loop; None where that would not do the same."""
    module = context.module
    scope = next((node for node in reversed(parents) if isinstance(node, (*FUNCTIONS, ast.Module))), None)
    if scope is None or isinstance(scope, ast.AsyncFunctionDef) or _leaves_loop(drain.kept):
        return None
    if any(_mentions(each, drain.pending) for each in drain.kept) or _spans_rows(drain.kept):
        return None
    if not _have_own_lines(context, drain):
        return None
    after = (drain.loop.end_lineno or 0, drain.loop.end_col_offset or 0)
    if any(
        isinstance(node, ast.Name) and node.id == drain.pending and (node.lineno, node.col_offset) >= after
        for node in ast.walk(scope)
    ):
        return None
    whole = _whole_function(context, drain, parents)
    if whole is not None:
        return whole
    source, dropped = _source_of(drain, scope, parents)
    around = next((node for node in reversed(parents) if isinstance(node, (ast.For, ast.While, ast.AsyncFor))), None)
    if around is not None and dropped is None:
        return None
    name = "as_completed" if drain.kept else "wait"
    home = home_of(context, name)
    if not can_add_import(module, home):
        return None
    called = f"{local_name(module, home)}({source})"
    code = _loop_text(context, drain, called) if drain.kept else called
    newline = newline_of(module.text)
    prefix = indentation(module.text, drain.loop)
    start, end = span(drain.loop, module.index)
    new = indented(code, prefix, newline)[len(prefix) :]

    def edits() -> Iterable[Edit]:
        yield Edit(start, end, new)
        if dropped is not None:
            yield remove_statement(module.text, module.tree, dropped)
        yield from brought(context, home)

    return Mend(Applicability.UNSAFE, f"Use `{home}`", edits)


def _loop_text(context: Context, drain: _Drain, called: str) -> str:
    """The new loop, not indented. What reads the state waits first, which takes no time and makes the state final."""
    module, future, both = context.module, drain.future, context.target.both
    lines = module.text.splitlines()
    rows = range(_first_row(lines, drain.kept[0]), (drain.last.end_lineno or 0) + 1)
    removed = {
        row
        for node in ast.walk(drain.loop)
        if isinstance(node, ast.Expr) and _removes(node, drain.pending, future)
        for row in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    body = dedent("\n".join(lines[row - 1] for row in rows if row not in removed)).strip("\n")
    written = re.sub(
        rf"\b{re.escape(future)}\.get_state\(\)",
        f"({future}.wait() or {future}.state)" if both else f"{future}.state",
        body,
    )
    uses_state = drain.state is not None and any(_mentions(each, drain.state) for each in drain.kept)
    prelude = ""
    if both and uses_state:
        prelude = f"{drain.state} = {future}.wait() or {future}.state\n"
    elif not both and (uses_state or re.search(rf"\b{re.escape(future)}\.state\b", written)):
        prelude = f"{future}.wait()\n" + (f"{drain.state} = {future}.state\n" if uses_state else "")
    unit = " " * max(1, drain.loop.body[0].col_offset - drain.loop.col_offset)
    if "\t" in indentation(module.text, drain.loop.body[0]):
        unit = "\t"
    return f"for {future} in {called}:\n" + indented(prelude + written, unit, "\n")


def _first_row(lines: Sequence[str], first: ast.stmt) -> int:
    """The row of a statement, or of the first of the comments right above it."""
    row = first.lineno
    while row > 1 and lines[row - 2].strip().startswith("#"):
        row -= 1
    return row


def _whole_function(context: Context, drain: _Drain, parents: Parents) -> Optional[Mend]:
    """For a function `as_completed` of the module's own that does nothing else: the import in its place."""
    module = context.module
    function = parents[-1] if parents else None
    home = home_of(context, "as_completed")
    if not isinstance(function, ast.FunctionDef) or function.name != "as_completed" or len(parents) != 2:
        return None
    only_yields = (
        len(drain.kept) == 1
        and isinstance(drain.kept[0], ast.Expr)
        and isinstance(drain.kept[0].value, ast.Yield)
        and isinstance(drain.kept[0].value.value, ast.Name)
        and drain.kept[0].value.value.id == drain.future
    )
    if not only_yields or function.decorator_list or len(function.args.args) > 2 or context.passed_on(function.name):
        return None

    def edits() -> Iterable[Edit]:
        yield remove_statement(module.text, module.tree, function)
        yield from brought(context, home)

    return Mend(Applicability.UNSAFE, f"Use `{home}`", edits)


def _source_of(
    drain: _Drain, scope: Union[FunctionNode, ast.Module], parents: Parents
) -> tuple[str, Optional[ast.stmt]]:
    """What the futures are taken from, and the statement that copied it and has no use any more."""
    parent = parents[-1]
    block = next(
        (
            block
            for block in (getattr(parent, name, None) for name in ("body", "orelse", "finalbody"))
            if isinstance(block, list) and any(drain.loop is each for each in block)
        ),
        [drain.loop],
    )
    at = next(at for at, each in enumerate(block) if each is drain.loop)
    before = block[at - 1] if at else None
    if isinstance(before, ast.Assign) and len(before.targets) == 1:
        target, copied = before.targets[0], _copied_name(before.value)
        if (
            isinstance(target, ast.Name)
            and target.id == drain.pending
            and copied is not None
            and copied != drain.pending
        ):
            others = [
                node
                for node in outside(scope, drain.loop)
                if isinstance(node, ast.Name) and node.id == drain.pending and node is not target
            ]
            if not others:
                return copied, before
    return drain.pending, None


def _tested_name(test: ast.expr) -> Optional[str]:
    """`pending`, `len(pending)`, `len(pending) > 0`, `pending != []`."""
    if isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], (ast.Gt, ast.NotEq)):
        right = test.comparators[0]
        if not (isinstance(right, ast.Constant) and right.value == 0) and not (
            isinstance(right, ast.List) and not right.elts
        ):
            return None
        test = test.left
    if (
        isinstance(test, ast.Call)
        and isinstance(test.func, ast.Name)
        and test.func.id in ("bool", "len")
        and len(test.args) == 1
    ):
        test = test.args[0]
    return test.id if isinstance(test, ast.Name) else None


def _copied_name(node: ast.expr) -> Optional[str]:
    """The name of what `list(x)`, `x[:]`, `x.copy()`, `[*x]` or `x` is a copy of."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("list", "set", "tuple") and len(node.args) == 1:
            node = node.args[0]
        elif isinstance(node.func, ast.Attribute) and node.func.attr == "copy" and not node.args:
            node = node.func.value
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        if node.slice.lower is None and node.slice.upper is None:
            node = node.value
    elif isinstance(node, (ast.List, ast.Set)) and len(node.elts) == 1 and isinstance(node.elts[0], ast.Starred):
        node = node.elts[0].value
    return node.id if isinstance(node, ast.Name) else None


def _removes(statement: ast.AST, pending: str, future: str) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in ("discard", "remove")
        and is_name(call.func.value, pending)
        and len(call.args) == 1
        and is_name(call.args[0], future)
    )


def _is_nothing(block: Sequence[ast.stmt]) -> bool:
    return all(isinstance(each, (ast.Continue, ast.Pass)) for each in block)


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))


def _leaves_loop(body: Sequence[ast.stmt]) -> bool:
    """Whether a `break` stands in the statements that is not of a loop of their own."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Break):
            return True
        if not isinstance(node, (ast.For, ast.While, ast.AsyncFor, *FUNCTIONS)):
            waiting += ast.iter_child_nodes(node)
    return False


def _spans_rows(body: Sequence[ast.stmt]) -> bool:
    """Whether a string goes over several rows, so that the text cannot be moved as it is."""
    return any(
        isinstance(node, (ast.Constant, ast.JoinedStr))
        and not isinstance(getattr(node, "value", ""), (int, float))
        and node.end_lineno != node.lineno
        for statement in body
        for node in ast.walk(statement)
    )


def _polls(context: Context, loop: ast.While, parents: Parents) -> bool:
    """Whether the loop asks what is certainly, or by its use, a future, and pauses or waits for a moment."""
    inside = [each for each in ast.walk(loop) if isinstance(each, ast.Call)]
    pauses = any(sleeps(each) for each in ast.walk(loop) if isinstance(each, ast.Expr))
    for call in inside:
        function = call.func
        if not isinstance(function, ast.Attribute) or function.attr not in STATE_PREDICATES or not pauses:
            continue
        asked = function.value
        if isinstance(asked, ast.Call) and isinstance(asked.func, ast.Attribute) and asked.func.attr == "get_state":
            return is_future(context, asked.func.value, _around(loop, parents, asked.func.value)) is not False
        if isinstance(asked, ast.Attribute) and asked.attr == "state":
            if is_future(context, asked.value, _around(loop, parents, asked.value)):
                return True
    return False


def _around(loop: ast.While, parents: Parents, wanted: ast.AST) -> Parents:
    """The nodes around a node of the loop."""
    waiting: list[tuple[ast.AST, Parents]] = [(loop, parents)]
    while waiting:
        node, around = waiting.pop()
        if node is wanted:
            return around
        waiting += [(child, (*around, node)) for child in ast.iter_child_nodes(node)]
    return (*parents, loop)


@dataclass(frozen=True)
class _Waits:
    """What a loop waits for: the text of one future, or of several."""

    text: str
    many: bool


def _wait_of(context: Context, loop: ast.While, parents: Parents) -> Optional[_Waits]:
    """What `while not all(future.get_state().is_final() for future in futures): time.sleep(1)` waits for; None for any other loop."""
    if loop.orelse or not loop.body or not all(map(sleeps, loop.body)):
        return None
    inner = next((node for node in reversed(parents) if isinstance(node, FUNCTIONS)), None)
    if isinstance(inner, ast.AsyncFunctionDef):
        return None
    test, negated = loop.test, False
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, negated = test.operand, True
    if (
        isinstance(test, ast.Call)
        and isinstance(test.func, ast.Name)
        and test.func.id in ("all", "any")
        and len(test.args) == 1
    ):
        made = test.args[0]
        if negated != (test.func.id == "all") or not isinstance(made, (ast.GeneratorExp, ast.ListComp)):
            return None
        generator, each = made.generators[0], made.elt
        if test.func.id == "any":
            if not (isinstance(each, ast.UnaryOp) and isinstance(each.op, ast.Not)):
                return None
            each = each.operand
        if len(made.generators) != 1 or generator.ifs or not isinstance(generator.target, ast.Name):
            return None
        name = generator.target.id
        plain = isinstance(generator.iter, (ast.Name, ast.Attribute))
        around: Parents = (*parents, loop, *((loop.test,) if test is not loop.test else ()), test, made)
        if not plain or not has_ended(each, name, None) or not _is_certain(context, each, around):
            return None
        return _Waits(context.module.source(generator.iter), True)
    asked = next(
        (node for node in ast.walk(test) if isinstance(node, ast.Name) and has_ended(test, node.id, None)), None
    )
    if not negated or asked is None or not _is_certain(context, test, (*parents, loop, loop.test)):
        return None
    return _Waits(asked.id, False)


def _is_certain(context: Context, test: ast.expr, parents: Parents) -> bool:
    """Whether what is asked is a future: known to be one, or asked for `get_state()`."""
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute) and node.attr == "get_state":
            return True
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if is_future(context, node, (*parents, test)):
                return True
    return False


def _waiting(context: Context, loop: ast.While, waits: _Waits) -> Optional[Mend]:
    module = context.module
    start, end = span(loop, module.index)
    if not waits.many:
        return Mend(Applicability.UNSAFE, "Use `wait()`", partial(tuple, (Edit(start, end, f"{waits.text}.wait()"),)))
    home = home_of(context, "wait")
    if not can_add_import(module, home):
        return None
    new = f"{local_name(module, home)}({waits.text})"
    return Mend(Applicability.UNSAFE, f"Use `{home}`", lambda: (Edit(start, end, new), *brought(context, home)))


def _have_own_lines(context: Context, drain: _Drain) -> bool:
    """Whether each statement of what is done with a future begins a line and shares it with no other."""
    lines = context.module.text.splitlines()
    ends = [each.end_lineno for each in drain.kept]
    alone = len(set(ends)) == len(ends)
    return alone and not any(
        lines[each.lineno - 1].encode()[: each.col_offset].strip() for each in (*drain.kept, drain.last)
    )

"""Futures: what waiting for one gives, and what its state and its type are.

What the rules say was measured on 2.20.26, 3.0.11 and 3.8.8.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.knowledge.members import changed_member
from migrator.model.guards import only_on
from migrator.model.names import FUNCTIONS, rows_with, span, walked
from migrator.model.values import INSTANCE
from migrator.rewriting.calls import set_argument
from migrator.rewriting.names import add_import, can_add_import, local_name
from migrator.rewriting.statements import CannotEdit, insert_before
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.members import respelled

_URL = "https://docs.prefect.io/v3/api-ref/python/prefect-futures"
_FUTURE = "prefect.futures:PrefectFuture"
STATE_PREDICATES = frozenset(
    {"is_cancelled", "is_cancelling", "is_completed", "is_crashed", "is_failed", "is_final", "is_paused", "is_pending", "is_running",
     "is_scheduled"}
)  # fmt: skip
"""Methods of Prefect's states; what has one of them is a state, and what gives it by `wait()` or `get_state()` is a future."""

_KEEP_TOGETHER = (
    *(
        ast.AnnAssign,
        ast.Assign,
        ast.Call,
        ast.Dict,
        ast.DictComp,
        ast.GeneratorExp,
        ast.If,
        ast.keyword,
        ast.Lambda,
        ast.List,
    ),
    *(ast.ListComp, ast.Return, ast.SetComp, ast.Tuple, ast.While),
)
"""Nodes in which an `or`, or a conditional expression, needs no brackets."""

Parents = tuple[ast.AST, ...]


@rule("PF430", "wait-gives-nothing", Severity.WARNING, "safe or unsafe or none", _URL)
def wait_gives_nothing(context: Context) -> Iterator[Draft]:
    """Read a future's state from the future, not from what `wait()` gives.

    On Prefect 2 `future.wait()` gives the final state, and `future.wait(5)` the final state or None. On Prefect 3 both give None: `if future.wait(5):` is
    never true, and `future.wait().is_failed()` raises `AttributeError`. The state is `future.state`, which is final once `wait()` has returned.

    ## Example
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl():
        future = load.submit(1)
        state = future.wait()
        if state.is_failed():
            return "failed"
        return load.submit(2).wait()
    ```

    ## Use instead
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl():
        future = load.submit(1)
        future.wait()
        state = future.state
        if state.is_failed():
            return "failed"
        return load.submit(2, return_state=True)
    ```

    ## Example (--target both)
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        futures = [load.submit(x) for x in xs]
        return [future.wait() for future in futures]
    ```

    ## Use instead (--target both)
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        futures = [load.submit(x) for x in xs]
        return [future.wait() or future.state for future in futures]
    ```

    ## Fix safety
    Safe without a timeout, where it is certain that the object is a future. Unsafe where that follows from the use of the state alone, and with a timeout:
    `future.state` then asks the API, whose answer may lag behind by a moment.
    """
    for call, parents in attribute_calls(context, "wait"):
        if not _asks_to_wait(call) or isinstance(parents[-1], ast.Await) or _is_left_alone(context, call, parents):
            continue
        certain = is_future(context, receiver_of(call), (*parents, call, call.func))
        if certain is False or (certain is None and not _is_used_as_state(call, parents)):
            continue
        if _may_be_coroutine(call, parents):
            continue
        text = context.module.source(receiver_of(call))
        written = f"`{text}.wait({'...' if _is_timed(call) else ''})`" if len(text) < 60 else "`wait()`"
        told = f"{written} gives None on Prefect 3, not the state"
        if _in_test(parents, call):
            told += ", so that the test takes every run for one that has not ended"
        raises = isinstance(parents[-1], ast.Attribute)
        severity = Severity.ERROR if raises else Severity.WARNING
        yield context.draft(
            call, f"{told}; the state is `future.state`", _waited(context, call, parents, certain), severity
        )


@rule("PF431", "state-of-a-future", Severity.ERROR, "unsafe or none", _URL)
def state_of_a_future(context: Context) -> Iterator[Draft]:
    """Read the state of what must be a future from its `state`.

    `get_state()` does not exist on Prefect 3. Where it is certain that the object is a future, `removed-member` (PF107) says so. This rule finds it in
    functions to which futures are handed, by what is done with the state: only Prefect's states have `is_completed()` and its like.

    ## Example
    ```python
    from prefect import get_run_logger

    def report(futures):
        for future in futures:
            if future.get_state().is_failed():
                get_run_logger().error("failed")
    ```

    ## Use instead
    ```python
    from prefect import get_run_logger

    def report(futures):
        for future in futures:
            if future.state.is_failed():
                get_run_logger().error("failed")
    ```

    ## Fix safety
    Unsafe: it is not certain that the object is a future.
    """
    row = changed_member("prefect.futures.PrefectFuture", "get_state")
    for call, parents in attribute_calls(context, "get_state"):
        if call.args or call.keywords or row is None or _is_left_alone(context, call, parents):
            continue
        function = call.func
        if not isinstance(function, ast.Attribute) or not _is_used_as_state(call, parents):
            continue
        if is_future(context, function.value, (*parents, call, function)) is not None:
            continue
        _, end = span(function, context.module.index)
        start = end - len(function.attr)
        mend = respelled(context, function, (*parents, call), row, start)
        told = f"`{context.module.source(function.value)}` looks like a future, and `get_state()` does not exist on Prefect 3"
        told += (
            "; it is `state`"
            if not context.target.both
            else f"; for both majors, `state(...)` of `{context.target.compat}`"
        )
        yield Draft(start, end, told, _made_unsafe(mend))


@rule("PF433", "type-of-a-future", Severity.WARNING, "safe", _URL)
def type_of_a_future(context: Context) -> Iterator[Draft]:
    """Ask with `isinstance` whether something is a future.

    On Prefect 2 `type(x) is PrefectFuture` is true of every future. On Prefect 3 `PrefectFuture` is a base class and the futures are of others, so it is true of
    none; `isinstance(x, PrefectFuture)` is right on both majors.

    ## Example
    ```python
    from prefect.futures import PrefectFuture

    def value_of(x):
        return x.result() if type(x) is PrefectFuture else x
    ```

    ## Use instead
    ```python
    from prefect.futures import PrefectFuture

    def value_of(x):
        return x.result() if isinstance(x, PrefectFuture) else x
    ```

    ## Fix safety
    Safe: Prefect 2 has no class that derives from `PrefectFuture`.
    """
    module = context.module
    if "PrefectFuture" not in module.text or "type(" not in module.text:
        return
    for reference in module.references:
        compared = reference.parent
        if reference.qualified != "prefect.futures.PrefectFuture" or not isinstance(compared, ast.Compare):
            continue
        left, operator = compared.left, compared.ops[0]
        if len(compared.ops) != 1 or not isinstance(operator, (ast.Is, ast.IsNot, ast.Eq, ast.NotEq)):
            continue
        if not _is_type_of_one(left) or compared.comparators[0] is not reference.node:
            continue
        asked = module.source(left.args[0])  # type: ignore[attr-defined]
        negated = "not " if isinstance(operator, (ast.IsNot, ast.NotEq)) else ""
        start, end = span(compared, module.index)
        new = f"{negated}isinstance({asked}, {module.source(reference.node)})"
        if negated and isinstance(reference.use.parents[-2], (ast.Attribute, ast.Compare, ast.BinOp, ast.Call)):
            new = f"({new})"
        mend = Mend(Applicability.SAFE, "Use `isinstance`", partial(tuple, (Edit(start, end, new),)))
        yield Draft(start, end, "No future of Prefect 3 is of the type `PrefectFuture` itself", mend)


@rule("PF434", "state-before-wait", Severity.WARNING, "safe", _URL)
def state_before_wait(context: Context) -> Iterator[Draft]:
    """Wait for a future that `as_completed` gives before its state is read.

    The futures that Prefect 3's own `as_completed` gives have ended, but their `state` still says Pending or Running until `wait()` or `result()` is called,
    which then returns at once. The futures of `compat.as_completed` have their final state.

    ## Example
    ```python
    from prefect import flow, task
    from prefect.futures import as_completed

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        for future in as_completed([load.submit(x) for x in xs]):
            print(future.state.name)
    ```

    ## Use instead
    ```python
    from prefect import flow, task
    from prefect.futures import as_completed

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        for future in as_completed([load.submit(x) for x in xs]):
            future.wait()
            print(future.state.name)
    ```

    ## Fix safety
    Safe: the run has ended, so that nothing is waited for.
    """
    module = context.module
    if "as_completed" not in module.text or ("state" not in module.text):
        return
    for reference in module.references:
        call = reference.call
        loop = reference.use.parents[-2] if call is not None and len(reference.use.parents) > 1 else None
        if (
            reference.qualified != "prefect.futures.as_completed"
            or not isinstance(loop, ast.For)
            or loop.iter is not call
        ):
            continue
        if not isinstance(loop.target, ast.Name) or context.target.both:
            continue
        read = _first_state(loop, loop.target.id)
        if read is None:
            continue
        try:
            edit = insert_before(module.text, loop.body[0], f"{loop.target.id}.wait()")
            mend = Mend(Applicability.SAFE, "Wait first", partial(tuple, (edit,)))
        except (CannotEdit, ValueError):
            mend = None
        yield context.draft(
            read, "The state of a future from `as_completed` is not final until `wait()` is called", mend
        )


RULES = (wait_gives_nothing, state_of_a_future, type_of_a_future, state_before_wait)


# -- where futures are waited for


def attribute_calls(context: Context, name: str) -> list[tuple[ast.Call, Parents]]:
    """The calls of a method of this name in a module that has to do with Prefect, each with the nodes around it."""
    module = context.module
    key = f"calls of .{name}"
    if key not in context.shared:
        found: list[tuple[ast.Call, Parents]] = []
        if f".{name}" in module.text and module.references:
            for node, parents in walked_rows(context, (name,)):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                    found.append((node, parents))
        context.shared[key] = sorted(found, key=lambda each: (each[0].lineno, each[0].col_offset))
    kept = context.shared[key]
    assert isinstance(kept, list)
    return kept


def walked_rows(context: Context, words: Sequence[str]) -> Iterator[tuple[ast.AST, Parents]]:
    """The nodes of the statements on whose rows one of the words stands, each with the nodes around it."""
    module = context.module
    return walked(module.tree, rows_with(words, module.index))


def receiver_of(call: ast.Call) -> ast.expr:
    """What a method is called on."""
    assert isinstance(call.func, ast.Attribute)
    return call.func.value


def is_future(context: Context, node: ast.expr, parents: Sequence[ast.AST]) -> Optional[bool]:
    """Whether an expression holds a future; None where nothing is known of it."""
    held = context.values.of(node, parents)
    return None if held is None else held.kind == INSTANCE and held.home == _FUTURE


def _asks_to_wait(call: ast.Call) -> bool:
    """Whether the arguments are those of a future's `wait`: none, or a timeout."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    return len(given) <= 1 and all(keyword.arg == "timeout" for keyword in call.keywords)


def _is_timed(call: ast.Call) -> bool:
    given = _timeout(call)
    return given is not None and not (isinstance(given, ast.Constant) and given.value is None)


def _timeout(call: ast.Call) -> Optional[ast.expr]:
    return next(iter([*call.args, *(keyword.value for keyword in call.keywords)]), None)


def _is_left_alone(context: Context, call: ast.Call, parents: Parents) -> bool:
    """Whether nothing uses the value, it runs on one major only, or it is mended."""
    parent = parents[-1]
    if _is_dropped(parents):
        return True
    if isinstance(parent, ast.BoolOp) and isinstance(parent.op, ast.Or) and parent.values[0] is call:
        subject = ast.dump(receiver_of(call))
        for node in ast.walk(parent.values[1]):
            if isinstance(node, ast.Attribute) and node.attr == "state" and ast.dump(node.value) == subject:
                return True
    return (
        only_on((*parents, call), context.module) is not None or in_fallback(parents) or context.may_fail(parents, call)
    )


def _is_dropped(parents: Parents) -> bool:
    """Whether nothing ever reads the value: `[future.wait() for future in futures]` as a statement, or in a name that is not used."""
    for at in range(len(parents) - 1, -1, -1):
        parent = parents[at]
        if isinstance(parent, ast.Expr):
            return True
        if isinstance(parent, (ast.Assign, ast.AnnAssign)):
            target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
            scope = next((node for node in reversed(parents[:at]) if isinstance(node, FUNCTIONS)), None)
            return isinstance(target, ast.Name) and scope is not None and not _is_read(target.id, scope)
        plain = isinstance(parent, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.List, ast.Tuple, ast.Lambda))
        if not plain and not (
            isinstance(parent, ast.Call) and getattr(parent.func, "id", "") in ("list", "map", "tuple")
        ):
            return False
    return False


def _is_read(name: str, scope: ast.AST) -> bool:
    return any(
        (isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load))
        or (isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names)
        for node in ast.walk(scope)
    )


def in_fallback(parents: Parents) -> bool:
    """Whether a place is in a handler for a missing import, however deep: code for the major that lacks the name."""
    return any(
        isinstance(parent, ast.ExceptHandler) and "ImportError" in (ast.dump(parent.type) if parent.type else "")
        for parent in parents
    )


def _may_be_coroutine(call: ast.Call, parents: Parents) -> bool:
    """Whether the call may give something to await on 2.x, which is then not used as a state: in a coroutine function."""
    inner = next((node for node in reversed(parents) if isinstance(node, FUNCTIONS)), None)
    if not isinstance(inner, ast.AsyncFunctionDef) or isinstance(parents[-1], ast.Attribute) or _in_test(parents, call):
        return False
    parent = parents[-1]
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        name = parent.targets[0].id
        return not any(
            isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
            for node in ast.walk(inner)
        )
    return True


def _is_used_as_state(call: ast.Call, parents: Parents) -> bool:
    """Whether what a call gives is asked what only a state is asked."""
    parent, outer = parents[-1], call
    if isinstance(parent, ast.Await) and len(parents) > 1:
        parent, outer = parents[-2], parents[-1]  # type: ignore[assignment]
    if isinstance(parent, ast.Attribute):
        return parent.attr in STATE_PREDICATES
    if isinstance(parent, (ast.Assign, ast.NamedExpr)) and parent.value is outer:
        target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
        scope = next((node for node in reversed(parents) if isinstance(node, (*FUNCTIONS, ast.Module))), None)
        if isinstance(target, ast.Name) and scope is not None:
            return any(
                isinstance(node, ast.Attribute)
                and node.attr in STATE_PREDICATES
                and isinstance(node.value, ast.Name)
                and node.value.id == target.id
                for node in ast.walk(scope)
            )
    return False


# -- what is written instead


def _waited(context: Context, call: ast.Call, parents: Parents, certain: Optional[bool]) -> Optional[Mend]:
    """The mend of a `wait` whose value is used."""
    receiver = receiver_of(call)
    timed = _is_timed(call)
    if not timed and _is_submission(receiver):
        return _submitted_for_state(context, call, receiver)
    if not _is_plain(receiver):
        return None
    safe = certain and (not timed or context.target.both)
    applicability = Applicability.SAFE if safe else Applicability.UNSAFE
    if timed and context.target.both:
        return _by_compat(context, call, parents, applicability)
    text = context.module.source(receiver)
    waits = context.module.source(call)
    tested = timed and _in_test(parents, call)
    if not timed:
        value = f"{text}.state"
    elif tested:
        value = f"{text}.state.is_final()"
    else:
        value = f"{text}.state if {text}.state.is_final() else None"
    start, end = span(call, context.module.index)
    message = "Wait, then read `state`"
    if not context.target.both:
        before = _statement_before(context, call, parents, waits)
        if before is not None:
            closed = f"({value})" if " " in value and not _stands_alone(parents[-1]) else value
            return Mend(applicability, message, partial(tuple, (before, Edit(start, end, closed))))
    inline = f"{waits} or ({value})" if " " in value else f"{waits} or {value}"
    if not _stands_alone(parents[-1]):
        inline = f"({inline})"
    return Mend(applicability, message, partial(tuple, (Edit(start, end, inline),)))


def _submitted_for_state(context: Context, call: ast.Call, submission: ast.expr) -> Optional[Mend]:
    """`load.submit(x).wait()` becomes `load.submit(x, return_state=True)`, which waits and gives the state on every release."""
    start, end = span(call, context.module.index)
    try:
        new = set_argument(context.module.source(submission), "return_state", "True")
    except ValueError:
        return None
    return Mend(Applicability.SAFE, "Ask for the state", partial(tuple, (Edit(start, end, new),)))


def _by_compat(context: Context, call: ast.Call, parents: Parents, applicability: Applicability) -> Optional[Mend]:
    """`future.wait(5)`, on both majors: whether the run has ended in time, else the state or None."""
    module, compat = context.module, context.target.compat
    timeout = _timeout(call)
    tested = _in_test(parents, call)
    names = [f"{compat}.wait", *([] if tested else [f"{compat}.state"])]
    if timeout is None or not all(can_add_import(module, name) for name in names):
        return None
    if any(isinstance(parent, ast.AsyncFunctionDef) for parent in parents):
        return None
    text = module.source(receiver_of(call))
    done = f"{local_name(module, names[0])}([{text}], {module.source(timeout)}).done"
    new = done if tested else f"{local_name(module, names[-1])}({text}) if {done} else None"
    if not tested and not _stands_alone(parents[-1]):
        new = f"({new})"
    start, end = span(call, module.index)

    def edits() -> Iterable[Edit]:
        yield Edit(start, end, new)
        for name in names:
            yield from add_import(module, name)

    return Mend(applicability, f"Use `{compat}.wait`", edits)


def _made_unsafe(mend: Optional[Mend]) -> Optional[Mend]:
    return None if mend is None else Mend(Applicability.UNSAFE, mend.message, mend.edits)


def _statement_before(context: Context, call: ast.Call, parents: Parents, code: str) -> Optional[Edit]:
    """The edit that puts a statement before the one in which a call is the first thing that is evaluated; None where it is not."""
    inner: ast.AST = call
    for parent in reversed(parents):
        if isinstance(parent, ast.stmt):
            if not isinstance(parent, (ast.Assign, ast.AnnAssign, ast.Return, ast.Expr, ast.Assert, ast.If)):
                return None
            if inner is not getattr(parent, "test" if isinstance(parent, (ast.Assert, ast.If)) else "value"):
                return None
            try:
                return insert_before(context.module.text, parent, code)
            except (CannotEdit, ValueError):
                return None
        first = {
            ast.Attribute: "value",
            ast.Call: "func",
            ast.Compare: "left",
            ast.UnaryOp: "operand",
            ast.BinOp: "left",
            ast.IfExp: "test",
            ast.Subscript: "value",
        }.get(type(parent))
        if isinstance(parent, (ast.BoolOp, ast.Tuple, ast.List)):
            if inner is not (parent.values if isinstance(parent, ast.BoolOp) else parent.elts)[0]:
                return None
        elif first is None or getattr(parent, first) is not inner:
            return None
        inner = parent
    return None


def _stands_alone(parent: ast.AST) -> bool:
    """Whether an `or`, or a conditional expression, may stand there without brackets."""
    return isinstance(parent, _KEEP_TOGETHER)


def _in_test(parents: Parents, node: ast.AST) -> bool:
    """Whether only the truth of an expression matters."""
    inner = node
    for parent in reversed(parents):
        if isinstance(parent, (ast.If, ast.While, ast.IfExp, ast.Assert)):
            return parent.test is inner
        if isinstance(parent, ast.comprehension):
            return any(inner is condition for condition in parent.ifs)
        if isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not):
            return True
        if not isinstance(parent, ast.BoolOp):
            return False
        inner = parent
    return False


def _is_submission(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "submit"
        and not any(keyword.arg == "return_state" for keyword in node.keywords)
    )


def _is_plain(node: ast.expr) -> bool:
    """Whether reading an expression twice does nothing else."""
    if isinstance(node, ast.Attribute):
        return _is_plain(node.value)
    if isinstance(node, ast.Subscript):
        index = node.slice.operand if isinstance(node.slice, ast.UnaryOp) else node.slice
        return _is_plain(node.value) and isinstance(index, (ast.Name, ast.Constant))
    return isinstance(node, ast.Name)


def _first_state(loop: ast.For, name: str) -> Optional[ast.Attribute]:
    """Where the body of a loop first reads its variable's state, if that is before it waits for it."""
    found = [
        node
        for statement in loop.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
        and node.attr in ("get_state", "result", "state", "wait")
    ]
    first = min(found, key=lambda node: (node.lineno, node.col_offset), default=None)
    return first if first is not None and first.attr in ("get_state", "state") else None


def _is_type_of_one(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "type"
        and len(node.args) == 1
    )

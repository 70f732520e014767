"""The edits that rewrite deployments: calls, branches for both majors, guards, imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from migrator.findings import Edit
from migrator.model.module import Module
from migrator.model.names import Imported, span
from migrator.rewriting.names import add_import, remove_imports_of
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import POSITIONAL
from migrator.rules.deployments.calls import Plan

_LONGEST_LINE = 110
"""From here on `from_source` gets its arguments on lines of their own."""


def rewritten(context: Context, plans: Sequence[Plan], gone: Sequence[Imported]) -> Iterator[Edit]:
    both = context.target.both
    pieces: dict[tuple[int, int], str] = {}
    for plan in plans:
        pieces.update(_branches(context, plan) if both else [_call_piece(context, plan)])
    guarded: dict[int, ast.stmt] = {}
    for plan in plans:
        if plan.into is None:
            guarded.update({statement.lineno: statement for statement in plan.guard})
    inside: set[tuple[int, int]] = set()
    for run in _runs([guarded[row] for row in sorted(guarded)], context.module):
        yield _guarded(context, run, pieces, inside)
    for plan in plans:
        if plan.into is not None and plan.statement.lineno not in guarded:
            yield from _moved(context, plan, plan.into, pieces, inside)
    yield from (Edit(start, end, text) for (start, end), text in pieces.items() if (start, end) not in inside)
    for dotted in dict.fromkeys(name for plan in plans for name in plan.imports):
        yield from add_import(context.module, dotted)
    if both and not _flag_comes_along(context.module, plans, gone):
        yield from _flag_edits(context, plans)
    if gone:
        yield from _import_edits(context, gone, both)


def _flag_comes_along(module: Module, plans: Sequence[Plan], gone: Sequence[Imported]) -> bool:
    """Whether `PREFECT_3` is there already, or comes with the rewritten imports, for every one of the plans."""
    if has_flag(module, min(plan.statement.lineno for plan in plans)):
        return True
    return any(imported.statement in module.tree.body for imported in gone) or all(
        plan.reference.imported in gone for plan in plans
    )


def _flag_edits(context: Context, plans: Sequence[Plan]) -> Iterator[Edit]:
    """Imports `PREFECT_3` ahead of the import of the deployments, so that a later fix of that one finds it."""
    from migrator.rewriting.statements import insert_before

    module, compat = context.module, context.target.compat
    used = [plan.reference.imported.statement for plan in plans if plan.reference.imported is not None]
    at = next((statement for statement in module.tree.body if statement in used), None)
    if at is None:
        yield from add_import(module, f"{compat}.PREFECT_3")
    else:
        yield insert_before(module.text, at, f"from {compat} import PREFECT_3")


def has_flag(module: Module, before: int) -> bool:
    """Whether the top level of the module has `PREFECT_3` before a row."""
    return any(
        (
            isinstance(statement, ast.ImportFrom)
            and any((alias.asname or alias.name) == "PREFECT_3" for alias in statement.names)
        )
        or (
            isinstance(statement, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == "PREFECT_3" for target in statement.targets)
        )
        for statement in module.tree.body
        if statement.lineno < before
    )


def _call_piece(context: Context, plan: Plan) -> tuple[tuple[int, int], str]:
    """The place of the call, its `await` included, and its new text."""
    start, end = span(plan.call, context.module.index)
    text = _call_text(context, plan, context.module.text[start:end])
    if plan.awaited:
        start = span(plan.reference.use.parents[-2], context.module.index)[0]
        text = f"await {text}"
    if plan.apply_call is not None:
        end = span(plan.apply_call, context.module.index)[1]
    return (start, end), text


def _call_text(context: Context, plan: Plan, call: str) -> str:
    from migrator.rewriting.calls import remove_arguments, rename_argument, set_argument
    from migrator.rewriting.statements import newline_of

    head = plan.reference.end - span(plan.call, context.module.index)[0]
    start = span(plan.call, context.module.index)[0]
    for name, argument in reversed(list(zip(POSITIONAL, plan.call.args))):
        at = span(argument, context.module.index)[0] - start
        call = f"{call[:at]}{name}={call[at:]}"
    for step in plan.steps:
        if step.kind == "rename":
            call = rename_argument(call, step.name, step.value)
        elif step.kind == "set":
            call = set_argument(call, step.name, step.value)
    call = remove_arguments(call, ["flow", *(step.name for step in plan.steps if step.kind == "remove")])
    source = f"{plan.receiver}.from_source(source={plan.source}, entrypoint={plan.entrypoint})"
    line_start = context.module.index.line_start(start)
    first_line = source + call[head:].split("\n", 1)[0]
    if start - line_start + len(first_line) + len(plan.method) > _LONGEST_LINE:
        line = context.module.text[line_start:start]
        indent = line[: len(line) - len(line.lstrip())]
        newline = newline_of(context.module.text)
        inner = f"{newline}{indent}{_step(indent)}"
        source = f"{plan.receiver}.from_source({inner}source={plan.source},{inner}entrypoint={plan.entrypoint},{newline}{indent})"
    if plan.awaited:
        source = f"(await {source})"
    return f"{source}.{plan.method}{call[head:]}"


def _step(indent: str) -> str:
    return "\t" if "\t" in indent else "    "


def _branches(context: Context, plan: Plan) -> list[tuple[tuple[int, int], str]]:
    """The statement twice: for 3.x as rewritten, for 2.x as it is."""
    from migrator.rewriting.statements import newline_of

    (start, end), text = _call_piece(context, plan)
    outer_start, outer_end = span(plan.statement, context.module.index)
    old = context.module.text[outer_start:outer_end]
    new = context.module.text[outer_start:start] + text + context.module.text[end:outer_end]
    newline = newline_of(context.module.text)
    indent = context.module.text[context.module.index.line_start(outer_start) : outer_start]
    step = _step(indent)
    new, old = (_shifted(code, step, newline) for code in (new, old))
    block = f"if PREFECT_3:{newline}{indent}{new}{newline}{indent}else:{newline}{indent}{old}"
    return [((outer_start, outer_end), block)]


def _shifted(code: str, step: str, newline: str) -> str:
    from migrator.rewriting.statements import indented

    return indented(code, step, newline)


def _guarded(
    context: Context, run: list[ast.stmt], pieces: dict[tuple[int, int], str], inside: set[tuple[int, int]]
) -> Edit:
    from migrator.rewriting.statements import newline_of

    start, end = span(run[0], context.module.index)[0], span(run[-1], context.module.index)[1]
    newline = newline_of(context.module.text)
    code = _with_pieces(context, start, end, pieces, inside)
    return Edit(start, end, f'if __name__ == "__main__":{newline}{_shifted(code, "    ", newline)}')


def _moved(
    context: Context, plan: Plan, into: ast.If, pieces: dict[tuple[int, int], str], inside: set[tuple[int, int]]
) -> Iterator[Edit]:
    from migrator.rewriting.statements import insert_before, remove_statement

    start, end = span(plan.statement, context.module.index)
    code = _with_pieces(context, start, end, pieces, inside)
    yield remove_statement(context.module.text, context.module.tree, plan.statement)
    yield insert_before(context.module.text, into.body[0], code)


def _with_pieces(
    context: Context, start: int, end: int, pieces: dict[tuple[int, int], str], inside: set[tuple[int, int]]
) -> str:
    """The text of a range with the rewritten calls in it."""
    done, parts = start, []
    for (piece_start, piece_end), text in sorted(pieces.items()):
        if start <= piece_start and piece_end <= end:
            inside.add((piece_start, piece_end))
            parts += [context.module.text[done:piece_start], text]
            done = piece_end
    return "".join([*parts, context.module.text[done:end]])


def _import_edits(context: Context, gone: Sequence[Imported], both: bool) -> Iterator[Edit]:
    from migrator.rewriting.statements import insert_after, newline_of

    if not both:
        yield from remove_imports_of(context.module, gone)
        return
    newline = newline_of(context.module.text)
    for imported in gone:
        statement = imported.statement
        written = "Deployment" if imported.alias is None else f"Deployment as {imported.alias}"
        guard = f"if not PREFECT_3:\n    from {imported.module} import {written}"
        flag = "" if has_flag(context.module, statement.lineno) else f"from {context.target.compat} import PREFECT_3\n"
        if len(statement.names) == 1:
            start, end = span(statement, context.module.index)
            indent = context.module.text[context.module.index.line_start(start) : start]
            yield Edit(start, end, f"{newline}{indent}".join((flag + guard).split("\n")))
        else:
            yield from remove_imports_of(context.module, [imported])
            yield insert_after(context.module.text, statement, flag + guard)


def _runs(statements: Sequence[ast.stmt], module: Module) -> Iterator[list[ast.stmt]]:
    """Statements that follow each other directly, together."""
    run: list[ast.stmt] = []
    body = module.tree.body
    for statement in statements:
        if run and body.index(statement) != body.index(run[-1]) + 1:
            yield run
            run = []
        run.append(statement)
    if run:
        yield run

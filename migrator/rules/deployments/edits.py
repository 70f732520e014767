"""The edits that rewrite deployments: calls, branches for both majors, guards, imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Optional, Union

from migrator.findings import Edit
from migrator.model.module import Module
from migrator.model.names import Imported, span
from migrator.rewriting.names import add_import, remove_imports_of, uses_of
from migrator.rules.base import Context
from migrator.rules.deployments.arguments import POSITIONAL
from migrator.rules.deployments.calls import Plan
from migrator.rules.deployments.following import Held
from migrator.rules.deployments.storage import Storage

_GONE = re.compile(
    r"prefect\.(?:infrastructure|filesystems|deployments|client\.schemas\.objects\.MinimalDeploymentSchedule$|blocks\.core\.Block$)|prefect_(?!dask|ray)\w+\."
)
"""Where the classes are that a deployment is given, and that code for Prefect 3 may not need any more."""
_LONGEST_LINE = 110
"""From here on `from_source` gets its arguments on lines of their own."""


def rewritten(context: Context, plans: Sequence[Plan], gone: Sequence[Imported]) -> Iterator[Edit]:
    from migrator.rewriting.statements import remove_statement

    both = context.target.both
    pieces: dict[tuple[int, int], str] = {}
    for plan in plans:
        pieces.update(_branches(context, plan) if both else [_call_piece(context, plan)])
    pieces.update(_assignments(context, plans))
    for call in (call for plan in plans for call in plan.emptied):
        pieces[span(call, context.module.index)] = f"{context.module.source(call.func)}()"
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
    removed = {
        span(node, context.module.index): node for plan in plans for node, text in owned(plan, plans) if text is None
    }
    for (start, end), text in pieces.items():
        if (start, end) in inside:
            continue
        if text:
            yield Edit(start, end, text)
        else:
            yield remove_statement(context.module.text, context.module.tree, removed[start, end])
    left = [*gone, *_left_alone(context, plans)]
    needed = dict.fromkeys(name for plan in plans for name in plan.imports)
    of_3 = [dotted for dotted in needed if both and dotted.startswith("prefect_")]
    after = _place_of_guard(context.module, plans, left) if of_3 else None
    for dotted in needed:
        if after is None or dotted not in of_3:
            yield from add_import(context.module, dotted)
    if both and not _flag_comes_along(context.module, plans, left):
        yield from _flag_edits(context, plans)
    if left:
        yield from guarded_imports(context, left) if both else remove_imports_of(context.module, left)
    if after is not None:
        yield from imports_of_3(context.module, of_3, after)


def _assignments(context: Context, plans: Sequence[Plan]) -> dict[tuple[int, int], str]:
    """What becomes of the variables of blocks that nothing but these deployments reads, by the place of their assignments."""
    found: dict[tuple[int, int], str] = {}
    for plan in plans:
        for assignment, expression in owned(plan, plans):
            place = span(assignment, context.module.index)
            old = context.module.text[slice(*place)]
            if expression is None:
                new = ""
            else:
                assert assignment.value is not None
                start, end = (at - place[0] for at in span(assignment.value, context.module.index))
                new = f"{old[:start]}{expression}{old[end:]}"
            if context.target.both:
                new = for_each_major(context, assignment, new, old)
            found[place] = new
    return found


def owned(plan: Plan, plans: Sequence[Plan]) -> Iterator[tuple[Union[ast.Assign, ast.AnnAssign], Optional[str]]]:
    """The assignments of blocks that are needed for these deployments alone, with the new expression; None where it goes."""
    for made in (plan.storage, plan.infrastructure):
        if made is None or made.held.assignment is None or (isinstance(made, Storage) and made.stays):
            continue
        if is_owned(made.held, plans):
            yield made.held.assignment, made.expression if isinstance(made, Storage) else None


def is_owned(held: Held, plans: Sequence[Plan]) -> bool:
    """Whether nothing but the arguments of these deployments reads a variable."""
    read = {
        keyword.value
        for plan in plans
        for keyword in plan.call.keywords
        if keyword.arg in ("storage", "infrastructure")
    }
    return all(use in read for use in held.uses)


def _left_alone(context: Context, plans: Sequence[Plan]) -> list[Imported]:
    """The imports of blocks, gone from Prefect 3, that nothing needs any more once these deployments are rewritten."""
    module = context.module
    removed: list[tuple[int, int]] = []
    new = ""
    for plan in plans:
        removed += [
            span(keyword.value, module.index)
            for keyword in plan.call.keywords
            if keyword.arg in ("storage", "infrastructure", "infra_overrides", "job_variables", "schedules")
        ]
        removed += [span(assignment, module.index) for assignment, _ in owned(plan, plans)]
        new += " ".join(["", plan.source, *(step.value for step in plan.steps)])
        new += " ".join(["", *(text or "" for _, text in owned(plan, plans))])
    found = []
    for imported in module.names.imported:
        if not _GONE.match(imported.target) or imported.name is None or context.passed_on(imported.local):
            continue
        uses = uses_of(module, imported)
        covered = all(any(start <= use.start and use.end <= end for start, end in removed) for use in uses)
        if uses and covered and not re.search(rf"\b{re.escape(imported.local)}\b", new):
            found.append(imported)
    return found


def _flag_comes_along(module: Module, plans: Sequence[Plan], gone: Sequence[Imported]) -> bool:
    """Whether `PREFECT_3` is there already, or comes with the rewritten imports, for every one of the plans."""
    if has_flag(module, min(plan.statement.lineno for plan in plans)):
        return True
    first = min((statement.lineno for plan in plans for statement in _branched(plan, plans)), default=0)
    return any(i.statement in module.tree.body and i.statement.lineno < first for i in gone) or all(
        plan.reference.imported in gone for plan in plans
    )


def _branched(plan: Plan, plans: Sequence[Plan]) -> Iterator[ast.stmt]:
    """The statements that get a branch for each major."""
    yield plan.statement
    yield from (assignment for assignment, _ in owned(plan, plans))


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
    return any(_is_flag(statement) for statement in module.tree.body if statement.lineno < before)


def _is_flag(statement: ast.stmt) -> bool:
    """Whether it imports or assigns `PREFECT_3`."""
    if isinstance(statement, ast.ImportFrom):
        return any((alias.asname or alias.name) == "PREFECT_3" for alias in statement.names)
    return isinstance(statement, ast.Assign) and any(
        isinstance(target, ast.Name) and target.id == "PREFECT_3" for target in statement.targets
    )


def flag_before(module: Module, before: int) -> Optional[ast.stmt]:
    """The statement of the module's top level that brings `PREFECT_3` before a row."""
    found = [statement for statement in module.tree.body if statement.lineno < before and _is_flag(statement)]
    return found[0] if found else None


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
    end = ".apply()" if plan.applies else ""
    if not plan.loads:
        if plan.awaited and plan.applies:
            return f"(await {plan.receiver}.{plan.method}{call[head:]}){end}"
        return f"{plan.receiver}.{plan.method}{call[head:]}{end}"
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
    (start, end), text = _call_piece(context, plan)
    outer_start, outer_end = span(plan.statement, context.module.index)
    old = context.module.text[outer_start:outer_end]
    new = context.module.text[outer_start:start] + text + context.module.text[end:outer_end]
    return [((outer_start, outer_end), for_each_major(context, plan.statement, new, old))]


def for_each_major(context: Context, statement: ast.stmt, new: str, old: str) -> str:
    """A branch with the new text for 3.x, where there is any, and one with the old for 2.x."""
    from migrator.rewriting.statements import newline_of

    newline = newline_of(context.module.text)
    start = span(statement, context.module.index)[0]
    indent = context.module.text[context.module.index.line_start(start) : start]
    step = _step(indent)
    new, old = (_shifted(code, step, newline) if code else "" for code in (new, old))
    if not new:
        return f"if not PREFECT_3:{newline}{indent}{old}"
    return f"if PREFECT_3:{newline}{indent}{new}{newline}{indent}else:{newline}{indent}{old}"


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


def _place_of_guard(module: Module, plans: Sequence[Plan], left: Sequence[Imported]) -> Optional[ast.stmt]:
    """The import at the top level after which `PREFECT_3` is there and is not needed yet; None where there is none."""
    first = min(statement.lineno for plan in plans for statement in _branched(plan, plans))
    known = [plan.reference.imported.statement for plan in plans if plan.reference.imported is not None]
    known += [imported.statement for imported in left]
    found = [
        statement
        for statement in module.tree.body
        if statement.lineno < first and (statement in known or _is_flag(statement))
    ]
    return found[-1] if found else None


def imports_of_3(module: Module, needed: Sequence[str], after: ast.stmt) -> Iterator[Edit]:
    """Imports for Prefect 3 alone what is not imported yet: code for 2.x need not have these packages."""
    from migrator.rewriting.statements import insert_after

    known = {imported.target for imported in module.names.imported if imported.scope is module.names.module_scope}
    homes: dict[str, list[str]] = {}
    for dotted in needed:
        if dotted not in known:
            homes.setdefault(dotted.rpartition(".")[0], []).append(dotted.rpartition(".")[2])
    if homes:
        lines = "".join(f"\n    from {home} import {', '.join(names)}" for home, names in homes.items())
        yield insert_after(module.text, after, f"if PREFECT_3:{lines}")


def guarded_imports(context: Context, gone: Sequence[Imported]) -> Iterator[Edit]:
    """Imports for 2.x alone what Prefect 3 does not have."""
    from migrator.rewriting.statements import insert_after, newline_of

    module, newline = context.module, newline_of(context.module.text)
    flag = f"from {context.target.compat} import PREFECT_3\n"
    statements: dict[ast.stmt, list[Imported]] = {}
    for imported in sorted(gone, key=lambda each: each.start):
        statements.setdefault(imported.statement, []).append(imported)
    for statement, names in statements.items():
        written = ", ".join(f"{each.name} as {each.alias}" if each.alias else str(each.name) for each in names)
        guard = f"if not PREFECT_3:\n    from {names[0].module} import {written}"
        if not has_flag(module, statement.lineno):
            guard, flag = flag + guard, ""
        if len(names[0].statement.names) == len(names):
            start, end = span(statement, module.index)
            indent = module.text[module.index.line_start(start) : start]
            yield Edit(start, end, f"{newline}{indent}".join(guard.split("\n")))
        else:
            yield from remove_imports_of(module, names)
            yield insert_after(module.text, statement, guard)


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

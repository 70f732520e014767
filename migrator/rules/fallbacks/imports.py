"""`try: from prefect.futures import as_completed`, with something else where that fails."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from functools import partial
from textwrap import dedent
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.names import FUNCTIONS, Imported, span
from migrator.rewriting.statements import indentation, indented, newline_of
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.fallbacks.spellings import (
    FUTURES_MODULE,
    URL,
    outside,
)

_NEW = {
    "as_completed": "3.0",
    "wait": "3.0",
    "DoneAndNotDoneFutures": "3.0",
    "PrefectFutureList": "3.0",
    "resolve_futures_to_results": "3.4",
}
"""What `prefect.futures` has on Prefect 3 only, with the minor from whose first release on."""
_ON_BOTH = frozenset({"PrefectFuture"})
_IN_COMPAT = frozenset({"as_completed", "wait", "DoneAndNotDoneFutures", "resolve_futures_to_results"})


@rule("PF440", "import-fallback", Severity.INFO, "safe or unsafe or none", URL)
def import_fallback(context: Context) -> Iterator[Draft]:
    """Import what Prefect 3 has without a fallback.

    `as_completed`, `wait` and the like came with Prefect 3. A `try: from prefect.futures import as_completed`, with something else where that fails, is but the
    import there; for both majors, `compat` has them.

    ## Example
    ```python
    from prefect import flow

    try:
        from prefect.futures import as_completed
    except ImportError:
        def as_completed(futures):
            for future in futures:
                future.wait()
                yield future
    ```

    ## Use instead
    ```python
    from prefect import flow

    from prefect.futures import as_completed
    ```

    ## Example (--target both)
    ```python
    from prefect import flow

    try:
        from prefect.futures import as_completed
    except ImportError:
        as_completed = None
    ```

    ## Use instead (--target both)
    ```python
    from prefect import flow

    from compat import as_completed
    ```

    ## Fix safety
    Safe on Prefect 3, where the import never fails. Unsafe for both majors: on Prefect 2 `compat` then takes the place of what was written by hand.
    """
    module = context.module
    if FUTURES_MODULE not in module.text or "except" not in module.text:
        return
    seen: set[ast.AST] = set()
    for imported in module.names.imported:
        tried = imported.parents[-1] if imported.parents else None
        if not _is_new(imported, context) or not isinstance(tried, ast.Try) or tried in seen or not imported.guarded:
            continue
        seen.add(tried)
        if any(imported.statement is each for each in tried.body):
            told = f"`prefect.futures.{imported.name}` is always there on Prefect 3: the fallback is never used"
            if context.target.both:
                told = f"`{context.target.compat}.{imported.name}` does the same on both majors"
            yield context.draft(imported.statement, told, _without_fallback(context, tried))


def _is_new(imported: Imported, context: Context) -> bool:
    since = _NEW.get(imported.name or "") if imported.module == FUTURES_MODULE else None
    return since is not None and context.target.reaches(since)


def _without_fallback(context: Context, tried: ast.Try) -> Optional[Mend]:
    """The body of the `try` in its place; None where it does something else, or where what the handler makes is used elsewhere."""
    if tried.orelse or tried.finalbody or len(tried.handlers) != 1:
        return None
    module, handler = context.module, tried.handlers[0]
    if any(isinstance(statement, ast.Raise) for statement in handler.body):
        return None
    bound: set[str] = set()
    for statement in tried.body:
        if isinstance(statement, ast.ImportFrom) and statement.module == FUTURES_MODULE and not statement.level:
            for alias in statement.names:
                since = _NEW.get(alias.name, "3.0" if alias.name in _ON_BOTH else None)
                if not context.target.reaches(since) or (
                    context.target.both and alias.name not in _IN_COMPAT | _ON_BOTH
                ):
                    return None
                bound.add(alias.asname or alias.name)
        elif isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant):
            bound.update(target.id for target in statement.targets if isinstance(target, ast.Name))
        else:
            return None
    left = {name for name in _bound_by(handler.body) if name not in bound}
    if left and any(isinstance(node, ast.Name) and node.id in left for node in outside(module.tree, tried)):
        return None
    start, end = span(tried, module.index)
    lines = [
        _statement_for_both(context, each) if context.target.both else _dedented(context, each) for each in tried.body
    ]
    newline = newline_of(module.text)
    prefix = indentation(module.text, tried)
    code = newline.join(filter(None, lines))
    new = indented(code, prefix, newline)[len(prefix) :]
    applicability = Applicability.UNSAFE if context.target.both else Applicability.SAFE
    return Mend(applicability, "Leave out the fallback", partial(tuple, (Edit(start, end, new),)))


def _dedented(context: Context, statement: ast.stmt) -> str:
    start, end = span(statement, context.module.index)
    line = context.module.text.rfind("\n", 0, start) + 1
    return (
        dedent(context.module.text[line:end])
        if not context.module.text[line:start].strip()
        else context.module.text[start:end]
    )


def _statement_for_both(context: Context, statement: ast.stmt) -> str:
    """The statement with `compat` in the place of `prefect.futures`, for the names that are only there on Prefect 3."""
    if not isinstance(statement, ast.ImportFrom):
        return _dedented(context, statement)
    lines = []
    for home, wanted in ((FUTURES_MODULE, _ON_BOTH), (context.target.compat, _IN_COMPAT)):
        names = [
            f"{each.name} as {each.asname}" if each.asname else each.name
            for each in statement.names
            if each.name in wanted
        ]
        if names:
            lines.append(f"from {home} import {', '.join(names)}")
    return newline_of(context.module.text).join(lines)


def _bound_by(body: Sequence[ast.stmt]) -> Iterator[str]:
    for statement in body:
        if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
            yield statement.name
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            yield from (alias.asname or alias.name.split(".")[0] for alias in statement.names)
        else:
            yield from (
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            )

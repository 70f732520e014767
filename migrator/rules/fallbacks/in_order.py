"""Loops that wait in the order of submission, with a comment that regrets it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.names import FUNCTIONS, span
from migrator.model.values import INSTANCE, MANY
from migrator.rewriting.names import can_add_import, local_name
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.fallbacks.spellings import (
    URL,
    brought,
    for_both,
    home_of,
    is_name,
)
from migrator.rules.futures import Parents, in_fallback, walked_rows

_REGRET = re.compile(
    r"as[_ -]completed|(?:in|by) (?:the )?(?:order of )?completion|completion order|as (?:they|each) (?:finish|complete)|as soon as"
    r"|(?:blocks?|waits?|stuck|slow\w*)\b.*\bin (?:the )?(?:submission )?order|in (?:the )?(?:submission )?order\b.*\b(?:block|wait|slow|prefect)"
    r"|prefect\s*(?:v|>=?\s*)?3|prefect\s*v?2\b.*\b(?:no|not|lacks?|without|cannot|can't|missing)\b",
    re.IGNORECASE,
)
"""What a comment says that would rather have the futures as they end."""


@rule("PF442", "results-in-order", Severity.INFO, "unsafe or none", URL)
def results_in_order(context: Context) -> Iterator[Draft]:
    """Take results as they come where the comment says that it was wanted.

    A loop over futures in the order of their submission, with a comment that would rather have them as they end: `as_completed` does that on Prefect 3.

    ## Example
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl(xs):
        futures = [load.submit(x) for x in xs]
        # blocks in submission order: Prefect 2 has no as_completed
        for future in futures:
            print(future.result())
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
        futures = [load.submit(x) for x in xs]
        # blocks in submission order: Prefect 2 has no as_completed
        for future in as_completed(futures):
            print(future.result())
    ```

    ## Fix safety
    Unsafe: the order changes, as the comment wants it. The comment stays; look whether it still says something.
    """
    module = context.module
    if not module.references or not _REGRET.search(module.text):
        return
    for node, parents in walked_rows(context, ("for",)):
        if not isinstance(node, ast.For) or not _gets_results(node) or in_fallback(parents):
            continue
        if isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func).endswith("as_completed"):
            continue
        comment = _comment_at(context, node)
        if comment is None or not _goes_over_futures(context, node, parents):
            continue
        told = "The loop waits for the futures in the order of their submission; on Prefect 3 `as_completed` gives them as they end"
        start, end = span(node.iter, module.index)
        yield Draft(start, end, for_both(context, told, "as_completed"), _in_completion_order(context, node, parents))


def _gets_results(loop: ast.For) -> bool:
    """Whether the loop blocks on its variable: `future.result()`, `future.wait()`."""
    target = loop.target.elts[-1] if isinstance(loop.target, ast.Tuple) and loop.target.elts else loop.target
    if not isinstance(target, ast.Name):
        return False
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("result", "wait")
        and is_name(node.func.value, target.id)
        for statement in loop.body
        for node in ast.walk(statement)
    )


def _comment_at(context: Context, loop: ast.For) -> Optional[str]:
    """The comment that regrets the order: right above the loop, on its line, or first in its body."""
    lines = context.module.text.splitlines()
    found: list[str] = []
    row = loop.lineno - 1
    while row > 0 and lines[row - 1].strip().startswith("#"):
        found.insert(0, lines[row - 1].strip())
        row -= 1
    for at in range(loop.lineno, min(loop.body[0].lineno, len(lines)) + 1):
        line = lines[at - 1]
        if "#" in line and not re.search(r"#[^'\"]*['\"]\s*[),]", line):
            found.append(line[line.index("#") :])
    said = " ".join(found)
    return said if _REGRET.search(said) else None


def _goes_over_futures(context: Context, loop: ast.For, parents: Parents) -> bool:
    """Whether the loop certainly goes over futures of Prefect, or over what a name or an argument says are futures."""
    node: ast.expr = loop.iter
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("enumerate", "zip")
        and node.args
    ):
        node = node.args[-1] if node.func.id == "zip" else node.args[0]
    held = context.values.of(node, (*parents, loop))
    if held is not None:
        return (
            held.kind == MANY
            and held.of is not None
            and held.of.kind == INSTANCE
            and held.of.home.endswith(":PrefectFuture")
        )
    return isinstance(node, ast.Name) and "future" in node.id.lower() and "concurrent" not in context.module.text


def _in_completion_order(context: Context, loop: ast.For, parents: Parents) -> Optional[Mend]:
    module = context.module
    scope = next((node for node in reversed(parents) if isinstance(node, (*FUNCTIONS, ast.Module))), None)
    home = home_of(context, "as_completed")
    reads_state = any(
        isinstance(node, ast.Attribute) and node.attr in ("state", "get_state")
        for each in loop.body
        for node in ast.walk(each)
    )
    if not isinstance(loop.iter, ast.Name) or reads_state or isinstance(scope, ast.AsyncFunctionDef):
        return None
    if not can_add_import(module, home):
        return None
    start, end = span(loop.iter, module.index)
    new = f"{local_name(module, home)}({loop.iter.id})"
    return Mend(Applicability.UNSAFE, f"Use `{home}`", lambda: (Edit(start, end, new), *brought(context, home)))

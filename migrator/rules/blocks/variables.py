"""What `Variable.set` stores."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.names import span
from migrator.rules.base import Context, Draft, Mend, rule

_SET = frozenset({"prefect.variables.Variable.set", "prefect.variables.Variable.aset"})


@rule("PF511", "variable-of-number", Severity.WARNING, "safe", "https://docs.prefect.io/v3/concepts/variables")
def variable_of_number(context: Context) -> Iterator[Draft]:
    """Store as text what was text.

    A Variable of 2.x holds text: `Variable.set("limit", 5)` stores `"5"`, and reading it gives `"5"`. On 3.x the number itself is stored and read, and `True` in place
    of `"True"`, so that comparing or joining it with text goes another way.

    How a Variable is read is told elsewhere: `.value` behind `Variable.get(...)` by PF111, `prefect.variables.get` by PF102. What 2.x stored stays text on a server that
    is upgraded in place, JSON or not.

    ## Example
    ```python
    from prefect.variables import Variable

    Variable.set("limit", 5, overwrite=True)
    ```

    ## Use instead
    ```python
    from prefect.variables import Variable

    Variable.set("limit", "5", overwrite=True)
    ```

    ## Fix safety
    Safe: it is the text that 2.x stores. Where the number is wanted on 3.x, suppress the finding instead.
    """
    if ".set" not in context.module.text and ".aset" not in context.module.text:
        return
    for reference in context.module.references:
        call = reference.call
        if reference.qualified not in _SET or call is None:
            continue
        value = _value(call)
        if value is None or only_on((*reference.use.parents, call), context.module) == 3:
            continue
        text = as_text(value)
        if text is None:
            continue
        edit = Edit(*span(value, context.module.index), f'"{text}"')
        mend = Mend(Applicability.SAFE, f'Store the text `"{text}"`', partial(tuple, (edit,)))
        told = (
            f'2.x stores the text `"{text}"`, Prefect 3 the value itself: what reads the Variable gets no text any more'
        )
        yield context.draft(value, told, mend)


def _value(call: ast.Call) -> Optional[ast.expr]:
    named = next((each.value for each in call.keywords if each.arg == "value"), None)
    return named if named is not None else call.args[1] if len(call.args) > 1 else None


def as_text(node: ast.expr) -> Optional[str]:
    """The text that pydantic 1 makes of a number or truth value that stands in the code; None for anything else."""
    sign = ""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, "-"
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        return None if sign and isinstance(node.value, bool) else f"{sign}{node.value}"
    return None

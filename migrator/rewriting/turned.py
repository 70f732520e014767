"""Values that 3.x takes turned round: what `is_schedule_active=` and `schedule=` were given, as `paused=` and `schedules=` take it.

In goes an argument's expression and its text, out comes the text of the new value; the empty string where the argument says nothing and can go.
"""

from __future__ import annotations

import ast


def opposite(value: ast.expr, text: str) -> str:
    """What `paused=` takes where `is_schedule_active=` took the value; nothing where that was None."""
    if isinstance(value, ast.Constant) and isinstance(value.value, (bool, type(None))):
        return {True: "False", False: "True", None: ""}[value.value]
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not):
        inner = text[len("not") :].strip()
        return inner if isinstance(value.operand, (ast.Name, ast.Attribute)) and inner.isascii() else f"not ({text})"
    return f"not {text}" if isinstance(value, (ast.Name, ast.Attribute, ast.Call)) else f"not ({text})"


def listed(value: ast.expr, text: str, *, entry: str = "{}", certain: bool = False) -> str:
    """What `schedules=` takes where `schedule=` took the value: a list of one, or of none where a variable holds None.

    `entry` is the form of the list's element; `certain` says that a variable holds a schedule. Raises ValueError for what is neither a call
    nor a dictionary nor a variable.
    """
    if isinstance(value, ast.Constant) and value.value is None:
        return ""
    shown = f"[{entry.replace('{}', text, 1)}]"
    if isinstance(value, (ast.Call, ast.Dict)) or certain:
        return shown
    if isinstance(value, (ast.Name, ast.Attribute)):
        return f"{shown} if {text} is not None else None"
    raise ValueError("neither a call nor a dictionary nor a variable")

"""Run by the Python of a real environment: answers for dotted names whether code written for it could import them.

The argument is a file with a JSON list of dotted names; standard output is a JSON object with one answer per name. An
answer has `imports`; `error` (type and text) where that is false; else `kind` (module, class, callable or value),
`qualified` (the module and name that the object itself states, else None), `identity` (equal for two names of one run that
are the same object), `deprecated` (the import gave a deprecation warning about the name) and `members` (of a module: the
public classes and functions that it, or a module inside it, defines).
"""

from __future__ import annotations

import importlib
import inspect
import io
import json
import sys
import types
import warnings
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

_alive: list[object] = []


def resolve(name: str) -> object:
    """The object that `from PARENT import LAST` binds, and for a member of a class what `getattr` gives.

    The longest prefix that imports is the module; a missing attribute of it is tried as a submodule, as the import
    statement does; a module that is only an attribute of another can not be imported from. Whatever importing raises is
    passed on: a module that exists but breaks is not a missing one.
    """
    parts = name.split(".")
    for size in range(max(len(parts) - 1, 1), 0, -1):
        module_name = ".".join(parts[:size])
        try:
            found: object = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if size == 1 or not is_missing(error, module_name):
                raise
            continue
        for index in range(size, len(parts)):
            if index > size and isinstance(found, types.ModuleType):
                raise ModuleNotFoundError(f"No module named {'.'.join(parts[:index])!r}")
            found = member(found, parts[index])
        return found
    raise ModuleNotFoundError(name)


def is_missing(error: ModuleNotFoundError, module_name: str) -> bool:
    """Whether the module itself, or a package that it lies in, is what was not found."""
    missing = error.name or ""
    return module_name == missing or module_name.startswith(f"{missing}.")


def member(holder: object, name: str) -> object:
    """The attribute, or the submodule of that name where there is no such attribute."""
    try:
        return getattr(holder, name)
    except AttributeError:
        if not isinstance(holder, types.ModuleType):
            raise
        submodule = f"{holder.__name__}.{name}"
        try:
            return importlib.import_module(submodule)
        except ModuleNotFoundError as error:
            if not is_missing(error, submodule):
                raise
        raise


def kind(found: object) -> str:
    """What sort of thing was found: a module, a class, another callable or a value."""
    if isinstance(found, types.ModuleType):
        return "module"
    if inspect.isclass(found):
        return "class"
    return "callable" if callable(found) else "value"


def unbound(found: Any) -> Any:
    """The function of a bound method: each access makes another bound method."""
    return found.__func__ if isinstance(found, types.MethodType) else found


def qualified(found: Any) -> str | None:
    """The module and name that the object states of itself."""
    if isinstance(found, types.ModuleType):
        return found.__name__
    function = unbound(found)
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", None)
    return f"{module}.{name}" if isinstance(module, str) and isinstance(name, str) else None


def members(found: object) -> list[str]:
    """The public classes and functions that a module has of its own or from below it; nothing for what is no module."""
    if not isinstance(found, types.ModuleType):
        return []
    below = f"{found.__name__}."
    return sorted(
        name
        for name, value in list(vars(found).items())
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and f"{value.__module__}.".startswith(below)
    )


def answer(name: str) -> dict[str, object]:
    """Everything the test asks about one name."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found: Any = resolve(name)
        except Exception as error:
            return {"imports": False, "error": f"{type(error).__name__}: {error}"}
    function = unbound(found)
    _alive.append(function)
    return {
        "imports": True,
        "kind": kind(found),
        "qualified": qualified(found),
        "identity": id(function),
        "deprecated": any(
            issubclass(each.category, DeprecationWarning) and last(name) in str(each.message) for each in caught
        ),
        "members": members(found),
    }


def last(name: str) -> str:
    return name.rpartition(".")[2]


def main() -> None:
    with open(sys.argv[1], encoding="utf-8") as file:
        names = json.load(file)
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        answers = {name: answer(name) for name in names}
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()

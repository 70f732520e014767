"""Says what one real environment can import: run with the Python of that environment, standard library only.

`python probe.py look PACKAGE...` imports every module of the packages and prints what it finds there, as JSON.
`python probe.py ask < QUESTIONS` says of given names whether they can be imported, and of given members whether their
class has them: names that a module's `__getattr__` brings stand in no list of names, so they have to be asked for.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import json
import os
import re
import sys
import types
import typing
import warnings
from contextlib import redirect_stderr, redirect_stdout
from functools import partial

Record = typing.Dict[str, typing.Any]

_SKIPPED = re.compile(r"(^|\.)(__main__|_migrations|migrations|_vendor|node_modules)(\.|$)")
"""Modules that run a program or a change of a database when they are imported."""
_NOISE = frozenset({"annotations", "TYPE_CHECKING"})
_INHERITED_BY_ALL = frozenset(dir(object)) | frozenset(dir(type))
_HOW = {"POSITIONAL_ONLY": "P", "POSITIONAL_OR_KEYWORD": "O", "KEYWORD_ONLY": "K"}
_WRAPPERS = frozenset({"Coroutine", "Awaitable", "Optional", "Union", "UnionType"})


def modules_of(package: str) -> list[str]:
    """The dotted names of all modules below a package, by its files, the ones that cannot be imported included."""
    root = importlib.import_module(package)
    found = {package}
    for base in root.__path__:
        for directory, folders, files in os.walk(base):
            folders[:] = sorted(name for name in folders if name.isidentifier() and name != "__pycache__")
            inner = os.path.relpath(directory, base)
            parts = [] if inner == "." else inner.split(os.sep)
            for file in files:
                name, extension = os.path.splitext(file)
                if extension == ".py" and name.isidentifier():
                    found.add(".".join([package, *parts, *([] if name == "__init__" else [name])]))
    return sorted(name for name in found if not _SKIPPED.search(name))


def look(packages: list[str]) -> Record:
    """Everything that can be seen by importing every module of the packages."""
    roots = frozenset([*packages, "prefect"])
    seen: Record = {}
    failed: Record = {}
    everything = [name for package in packages for name in modules_of(package)]
    for name in [*everything, *everything]:  # what fails in a circle at first is there once the others are
        try:
            importlib.import_module(name)
            failed.pop(name, None)
        except BaseException as error:
            failed[name] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    for name in everything:
        module = sys.modules.get(name)
        if module is None or name in failed:
            continue
        seen[name] = {
            key: _described(value, roots, key)
            for key, value in sorted(vars(module).items())
            if key.isidentifier() and not key.startswith("_") and key not in _NOISE
        }
        listed = vars(module).get("__all__")
        for key in {*(listed if isinstance(listed, (list, tuple)) else ()), *dir(module), *_hinted(module)}:
            if key in seen[name] or key.startswith("_") or key in _NOISE or not key.isidentifier():
                continue
            if f"{name}.{key}" in sys.modules:
                continue
            value, problem, told = _quietly(partial(getattr, module, key))
            if problem is None:
                seen[name][key] = {**_described(value, roots, key), **({"warns": told[0]} if told else {})}
    return {"modules": seen, "failed": failed, "classes": _classes(seen, roots)}


def _hinted(module: types.ModuleType) -> set[str]:
    """Names that a module's `__getattr__` may answer to: those that its source spells as text, and the settings."""
    if "__getattr__" not in vars(module):
        return set()
    found: set[str] = set()
    file = str(module.__file__)
    if file.endswith(".py"):
        with open(file, "rb") as source:
            constants = (node.value for node in ast.walk(ast.parse(source.read())) if isinstance(node, ast.Constant))
            found.update(value for value in constants if isinstance(value, str))
    legacy = sys.modules.get(f"{module.__name__}.legacy")
    names = vars(legacy).get("_get_valid_setting_names") if legacy is not None else None
    if names is not None:
        found.update(names(vars(module)["Settings"]))
    return {name for name in found if name.isidentifier()}


def _described(value: object, roots: frozenset[str], name: str) -> Record:
    """What a name of a module is: its kind, where the object is at home, how it is called and what it gives back."""
    if isinstance(value, types.ModuleType):
        return {"kind": "module", "home": value.__name__}
    function = vars(value).get("fn") if not isinstance(value, type) and hasattr(value, "__dict__") else None
    for kind, attribute in (("task", "task_key"), ("flow", "validate_parameters")):
        if inspect.isfunction(function) and hasattr(value, attribute):
            return {"kind": kind, "home": f"{function.__module__}:{function.__qualname__}", **_called(function, roots)}
    if isinstance(value, type):
        return {"kind": "class", "home": _home(value)}
    home = _home(value)
    if callable(value) and home is not None:
        return {"kind": "function", "home": home, **(_called(value, roots) if _is_inside(home, roots) else {})}
    return _instance(value, roots, name)


def _instance(value: object, roots: frozenset[str], name: str) -> Record:
    """A value that is no class and no function; one of the packages' own class is at home beside its class, if it is there too."""
    made_by = type(value)
    gives = _home(made_by)
    if gives is None or not _is_inside(gives, roots):
        return {"kind": "value"}
    beside = getattr(sys.modules.get(made_by.__module__), name, None) is value
    home = {"home": f"{made_by.__module__}:{name}"} if beside else {}
    if callable(value):
        return {"kind": "function", **home, **_called(value, roots)}
    return {"kind": "value", "gives": gives, **home}


def _is_inside(home: str | None, roots: frozenset[str]) -> bool:
    return (home or "").partition(":")[0].partition(".")[0] in roots


def _home(value: object) -> str | None:
    """`module:qualname` of a class or function."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    return f"{module}:{name.partition('[')[0]}" if isinstance(module, str) and isinstance(name, str) else None


def _called(function: typing.Any, roots: frozenset[str]) -> Record:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return {}
    marks = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**"}
    parameters = [
        [marks.get(p.kind.name, ""), p.name, _HOW.get(p.kind.name, ""), p.default is not p.empty]
        for p in signature.parameters.values()
    ]
    gives = _gives(signature.return_annotation, function, roots)
    bare = inspect.unwrap(function)
    return {
        "parameters": parameters,
        **({"gives": gives} if gives else {}),
        **({"async": True} if inspect.iscoroutinefunction(bare) else {}),
    }


def _gives(annotation: object, function: object, roots: frozenset[str]) -> str | None:
    """The one class of the packages that an annotation names, seen through None, Optional and Awaitable."""
    if isinstance(annotation, str):
        scope = getattr(inspect.unwrap(function), "__globals__", {})  # type: ignore[arg-type]
        try:
            annotation = eval(annotation, scope)
        except Exception:
            return None
    found = set(_named(annotation, roots))
    return found.pop() if len(found) == 1 else None


def _named(annotation: object, roots: frozenset[str]) -> typing.Iterator[str | None]:
    if annotation is None or annotation is type(None) or annotation is inspect.Signature.empty:
        return
    origin = typing.get_origin(annotation)
    if origin is not None:
        name = getattr(origin, "__name__", None) or str(origin)
        inner = typing.get_args(annotation)
        if name.rpartition(".")[2] in _WRAPPERS:
            for part in inner[-1:] if "Coroutine" in name else inner:
                yield from _named(part, roots)
            return
        if name == "Annotated":
            yield from _named(inner[0], roots)
            return
        annotation = origin
    home = _home(annotation) if isinstance(annotation, type) else None
    yield home if _is_inside(home, roots) else None


def _classes(seen: Record, roots: frozenset[str]) -> Record:
    """The classes at home in the packages that a public name reaches, and their bases there."""
    found: dict[str, type] = {}
    for module, names in seen.items():
        for name, record in names.items():
            if record["kind"] == "class" and _is_inside(record["home"], roots):
                value = getattr(sys.modules[module], name)
                for base in value.__mro__:
                    home = _home(base)
                    if home is not None and _is_inside(home, roots):
                        found.setdefault(home, base)
    return {home: _class(value, roots) for home, value in sorted(found.items())}


def _class(value: type, roots: frozenset[str]) -> Record:
    inside = [base for base in value.__mro__ if _is_inside(_home(base), roots)]
    members: Record = {}
    for name, member in vars(value).items():
        if not name.startswith("_"):
            members[name] = _member(member, roots)
    fields = _fields(value)
    types_of = _annotations(value, roots)
    for name in {
        *vars(value).get("__annotations__", {}),
        *(vars(value).get("__slots__", ()) if isinstance(vars(value).get("__slots__"), (tuple, list)) else ()),
    }:
        if not str(name).startswith("_"):
            members.setdefault(name, {"kind": "field"})
    for name, gives in types_of.items():
        if name in members and members[name]["kind"] in ("field", "value"):
            members[name]["gives"] = gives
    record: Record = {
        "bases": [_home(base) for base in value.__bases__ if base is not object],
        "members": members,
        "dynamic": any("__getattr__" in vars(base) or "__getattribute__" in vars(base) for base in inside),
    }
    if fields is not None:
        record["fields"], record["extra"] = fields
        for name in record["fields"]:
            if not name.startswith("_") and name in vars(value).get("__annotations__", {}):
                members.setdefault(name, {"kind": "field"})
        own = next((vars(base)["__init__"] for base in inside if "__init__" in vars(base)), None)
        if own is not None:
            record["init"] = _called(own, roots).get("parameters")
    else:
        called = _called(value, roots).get("parameters")
        if called is not None:
            record["init"] = called
    return record


def _annotations(value: type, roots: frozenset[str]) -> dict[str, str]:
    found = {}
    scope = vars(sys.modules.get(value.__module__, types.ModuleType("")))
    for name, annotation in vars(value).get("__annotations__", {}).items():
        if isinstance(annotation, str):
            try:
                annotation = eval(annotation, dict(scope))
            except Exception:
                continue
        named = set(_named(annotation, roots))
        gives = named.pop() if len(named) == 1 else None
        if gives:
            found[name] = gives
    return found


def _member(member: object, roots: frozenset[str]) -> Record:
    if isinstance(member, (staticmethod, classmethod)):
        how = type(member).__name__
        return {"kind": how, **_called(member.__func__, roots)}
    if isinstance(member, property):
        gives = _called(member.fget, roots).get("gives") if member.fget else None
        return {"kind": "property", **({"gives": gives} if gives else {})}
    if isinstance(member, type):
        return {"kind": "class", "home": _home(member)}
    if callable(member) and inspect.isfunction(inspect.unwrap(member)):
        return {"kind": "method", **_called(member, roots)}
    return {"kind": "method" if callable(member) else "value"}


def _fields(value: type) -> tuple[list[str], str] | None:
    """The keyword arguments that a pydantic model takes, aliases included, and what it does with others."""
    if hasattr(value, "model_fields") and hasattr(value, "model_config"):
        fields = value.model_fields
        extra = str(value.model_config.get("extra") or "ignore")
        names = set(fields)
        for field in fields.values():
            names.update(_alias(part) for part in (field.alias, field.validation_alias) if part is not None)
        return sorted(name for name in names if name), "checks" if _checks_itself(value) else extra
    if hasattr(value, "__fields__") and hasattr(value, "__config__"):
        extra = getattr(value.__config__, "extra", "ignore")
        names = {name for key, field in value.__fields__.items() for name in (key, field.alias)}
        return sorted(names), "checks" if _checks_itself(value) else str(getattr(extra, "value", extra))
    return None


def _checks_itself(value: typing.Any) -> bool:
    """Whether a model looks at its arguments before pydantic does: what is no field may be taken all the same."""
    if getattr(value, "__pre_root_validators__", None):
        return True
    decorators = getattr(value, "__pydantic_decorators__", None)
    validators = getattr(decorators, "model_validators", {})
    return any(validator.info.mode != "after" for validator in validators.values()) or bool(
        getattr(decorators, "root_validators", None)
    )


def _alias(alias: object) -> str:
    return alias if isinstance(alias, str) else ""


def _quietly(act: typing.Callable[[], object]) -> tuple[typing.Any, str | None, list[str]]:
    """What a call gives, or its error, and the deprecation warnings on the way."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value, error = act(), None
        except BaseException as raised:
            value, error = None, f"{type(raised).__name__}: {raised}"
    told = [
        str(warning.message)
        for warning in caught
        if "Deprecat" in warning.category.__name__ or "moved" in str(warning.message)
    ]
    return value, error, told


def ask(questions: Record) -> Record:
    """`{"names": {module: [name]}, "members": {module:qualname: [member]}}` -> for each question what the real import says.

    A name is `true` where it can be imported, `{"warns": message}` where that warns, `{"home": ...}` beside it where the object
    says where it lives, and `{"error": message}` where it fails.
    """
    names: Record = {}
    for module, wanted in questions.get("names", {}).items():
        loaded, error, told = _quietly(partial(importlib.import_module, module))
        if loaded is None:
            names[module] = {"error": error}
            continue
        answers: Record = {}
        for name in wanted:
            answers[name] = _asked(module, loaded, name)
        names[module] = {"names": answers, **({"warns": told[0]} if told else {})}
    members: Record = {}
    for home, wanted in questions.get("members", {}).items():
        members[home] = _asked_members(home, wanted)
    return {"names": names, "members": members}


def _asked(module: str, loaded: types.ModuleType, name: str) -> Record:
    def imported() -> object:
        scope: Record = {}
        exec(f"from {module} import {name} as found", scope)
        return scope["found"]

    value, error, told = _quietly(imported)
    if error is not None:
        return {"error": error[:300]}
    home = _home(value) if isinstance(value, type) or callable(value) else None
    return {**({"warns": told[0]} if told else {}), **({"home": home} if home else {})}


def _asked_members(home: str, wanted: list[str]) -> Record | None:
    module, _, qualname = home.partition(":")
    value, error, _ = _quietly(lambda: _walk(importlib.import_module(module), qualname))
    if error is not None or not isinstance(value, type):
        return None
    fields = _fields(value)
    known = set(fields[0] if fields else ())
    for base in value.__mro__:
        slots = vars(base).get("__slots__") or ()
        given = vars(base).get("__annotations__")
        known.update(given if isinstance(given, dict) else ())
        known.update(slots if isinstance(slots, (tuple, list, set, dict)) else [str(slots)])
    return {name: name in known or _has(value, name) for name in wanted}


def _has(value: type, name: str) -> bool:
    """Whether a class has an attribute, a property that fails included."""
    return inspect.getattr_static(value, name, None) is not None or bool(_quietly(lambda: hasattr(value, name))[0])


def _walk(value: typing.Any, qualname: str) -> object:
    for part in qualname.split("."):
        value = getattr(value, part)
    return value


def main(arguments: list[str]) -> None:
    noise = io.StringIO()
    output = sys.stdout
    warnings.simplefilter("ignore")
    with redirect_stdout(noise), redirect_stderr(noise):
        answer = look(arguments[1:]) if arguments[0] == "look" else ask(json.load(sys.stdin))
    json.dump(answer, output)
    output.flush()
    os._exit(0)  # threads that an import started are of no concern


if __name__ == "__main__":
    main(sys.argv[1:])

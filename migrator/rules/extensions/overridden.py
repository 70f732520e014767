"""Methods of the user's subclasses that Prefect 3 does not call, or calls in another way; flows made of wrapped functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.knowledge.api import api
from migrator.model.module import FLOW_DECORATORS, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode, span
from migrator.rewriting.names import add_import, can_add_import, local_name
from migrator.rules.base import Context, Draft, Mend, rule

_RESULTS = "https://docs.prefect.io/v3/advanced/results"
_CANCEL = "https://docs.prefect.io/v3/advanced/cancel-workflows"
_FLOWS = "https://docs.prefect.io/v3/concepts/flows"
_SYNC_COMPATIBLE = "prefect.utilities.asyncutils.sync_compatible"
_STORES = frozenset({"read_path", "write_path"})
_WRITABLE = "prefect.filesystems:WritableFileSystem"
_WITH_TWINS = {
    "prefect.filesystems:LocalFileSystem": "3.4",
    "prefect.filesystems:RemoteFileSystem": "3.6",
    "prefect.filesystems:SMB": "3.6",
}
"""File systems with an `awrite_path` beside `write_path`, and since when: that is what results are stored with (3.3.7 had none, 3.4.25 has)."""
_SYNC_SINCE = "3.6"
"""Since when runs that are not async store results by `write_path(..., _sync=True)` (3.5.0 does not, 3.6.29 does)."""
_WORKER = "prefect.workers.base:BaseWorker"


@dataclass(frozen=True)
class _Uncalled:
    """A method that Prefect 2 called and a release of Prefect 3 does not."""

    since: str
    until: Optional[str]
    """The first release that calls it again; None where none does."""
    instead: str


_NO_LOOP = (
    "workers no longer look for runs that are to be cancelled: the process that runs the flow cancels itself, and from 3.6 on "
    "`kill_infrastructure` is called for runs that had not begun"
)
_UNCALLED = {
    "cancel_run": _Uncalled("3.0", None, _NO_LOOP),
    "check_for_cancelled_flow_runs": _Uncalled("3.0", None, _NO_LOOP),
    "kill_infrastructure": _Uncalled(
        "3.0", "3.6", "the process that runs the flow cancels itself; 3.6 and later call it for runs that had not begun"
    ),
    "_check_flow_run": _Uncalled("3.2", None, "check in `run`"),
    "_get_configuration": _Uncalled("3.7", None, "override `prepare_for_flow_run` of the job configuration"),
    "_send_worker_heartbeat": _Uncalled("3.7", None, "override `sync_with_backend`"),
    "_update_local_work_pool_info": _Uncalled("3.7", None, "override `sync_with_backend`"),
}


@rule("PF601", "overridden-internals", Severity.WARNING, "unsafe", _RESULTS)
def overridden_internals(context: Context) -> Iterator[Draft]:
    """Override what Prefect 3 calls.

    A method of a subclass that Prefect 3 calls in another way, or not at all, fails in silence: nothing raises, and what the method did is not done.

    - Storage. A run that is not async stores its results by `write_path(..., _sync=True)` from 3.6 on. A plain `async def write_path` does not take that:
      the error is logged, the run completes, nothing is stored and no cache answers. `sync_compatible` takes it, on Prefect 2 as well.
    - `LocalFileSystem` (3.4), `RemoteFileSystem` and `SMB` (3.6) have `awrite_path` and `aread_path`, and results go through these: overriding `write_path`
      alone, to encrypt for example, is passed by, and results are stored as they are. A class that derives from `WritableFileSystem` has no such
      twins; `sync_compatible` methods work there on every release.
    - Workers. The loop that looked for runs to cancel is gone: `check_for_cancelled_flow_runs` and `cancel_run` are never called, `kill_infrastructure` not
      before 3.6.

    ## Example
    ```python
    from prefect.filesystems import WritableFileSystem

    class Store(WritableFileSystem):
        async def read_path(self, path):
            return await fetch(path)

        async def write_path(self, path, content):
            await put(path, content)
    ```

    ## Use instead
    ```python
    from prefect.filesystems import WritableFileSystem
    from prefect.utilities.asyncutils import sync_compatible

    class Store(WritableFileSystem):
        @sync_compatible
        async def read_path(self, path):
            return await fetch(path)

        @sync_compatible
        async def write_path(self, path, content):
            await put(path, content)
    ```

    ## Fix safety
    Unsafe: a decorated method called in code that is not async gives its result at once, where it gave a coroutine. Subclasses of other classes are reported
    only.
    """
    module = context.module
    for reference in module.references:
        klass = reference.parent
        if not isinstance(klass, ast.ClassDef) or reference.node not in klass.bases:
            continue
        if not any(word in module.text for word in (*_STORES, *_UNCALLED)):
            return
        around = reference.use.parents
        if context.may_fail(around[:-1], klass):
            continue
        homes = _homes(reference, 0)
        if _WORKER in homes:
            yield from _of_worker(context, klass)
        elif homes & _WITH_TWINS.keys() or _WRITABLE in homes:
            yield from _of_storage(context, klass, homes)


def _homes(reference: Optional[Reference], depth: int) -> frozenset[str]:
    """The homes of the class that a base is, and of those that it derives from."""
    if reference is None or depth > 8:
        return frozenset()
    definition = reference.definition
    if definition is not None:
        if reference.rest or not isinstance(definition.node, ast.ClassDef):
            return frozenset()
        found = (_homes(definition.module.resolve(base), depth + 1) for base in definition.node.bases)
        return frozenset().union(*found)
    module, _, name = reference.qualified.rpartition(".")
    entry = api().entry(module, name)
    homes = entry.homes if entry is not None else ()
    return frozenset(klass.home for home, _ in homes for klass, _ in api().lineage(home))


def _of_worker(context: Context, klass: ast.ClassDef) -> Iterator[Draft]:
    for method in klass.body:
        row = _UNCALLED.get(method.name) if isinstance(method, FUNCTIONS) else None
        if row is None or not isinstance(method, FUNCTIONS) or not context.target.reaches(row.since):
            continue
        if row.until is None:
            told = f"Prefect {row.since} and later never call `{method.name}`: {row.instead}"
        elif not context.target.reaches(row.until):
            told = f"Prefect {row.since} to {_before(row.until)} never call `{method.name}`: {row.instead}"
        else:
            continue
        yield _at_name(context, method, told, url=_CANCEL)


def _before(release: str) -> str:
    major, minor = release.split(".")
    return f"{major}.{int(minor) - 1}"


def _of_storage(context: Context, klass: ast.ClassDef, homes: frozenset[str]) -> Iterator[Draft]:
    methods = {each.name: each for each in klass.body if isinstance(each, FUNCTIONS)}
    defined = {*methods, *(name.id for name in ast.walk(klass) if isinstance(name, ast.Name))}
    twins = next((home for home in _WITH_TWINS if home in homes), None)
    for name in sorted(_STORES & methods.keys()):
        method = methods[name]
        if f"a{name}" in defined:
            continue
        if twins is not None:
            if context.target.reaches(_WITH_TWINS[twins]):
                base = twins.rpartition(":")[2]
                verb = "read" if name == "read_path" else "written"
                yield _at_name(
                    context,
                    method,
                    f"Results are not {verb} by this method from Prefect {_WITH_TWINS[twins]} on, but by `a{name}` of `{base}`: override that too, or derive "
                    f"from `WritableFileSystem` with `sync_compatible` methods",
                )
        elif isinstance(method, ast.AsyncFunctionDef) and not method.decorator_list and not _takes_sync(method):
            if context.target.reaches(_SYNC_SINCE):
                yield _at_name(
                    context,
                    method,
                    f"Runs that are not async call `{name}(..., _sync=True)` from Prefect {_SYNC_SINCE} on, which this method does not take: no result is "
                    "stored. `sync_compatible` takes it",
                    _decorated(context, method),
                )


def _takes_sync(method: FunctionNode) -> bool:
    return any(each.arg == "_sync" for each in (*method.args.args, *method.args.kwonlyargs))


def _decorated(context: Context, method: FunctionNode) -> Optional[Mend]:
    """The mend that decorates an undecorated method."""
    module = context.module
    start, _ = span(method, module.index)
    line = module.text.rfind("\n", 0, start) + 1
    indent = module.text[line:start]
    if indent.strip() or not can_add_import(module, _SYNC_COMPATIBLE):
        return None
    newline = "\r\n" if module.text[:start].endswith("\r\n" + indent) else "\n"
    name = local_name(module, _SYNC_COMPATIBLE)
    edit = Edit(start, start, f"@{name}{newline}{indent}")
    known = name != _SYNC_COMPATIBLE.rpartition(".")[2]
    return Mend(
        Applicability.UNSAFE,
        "Decorate it with `sync_compatible`",
        lambda: (edit, *(() if known else add_import(module, _SYNC_COMPATIBLE))),
    )


def _at_name(
    context: Context, function: FunctionNode, told: str, mend: Optional[Mend] = None, url: Optional[str] = None
) -> Draft:
    start, _ = span(function, context.module.index)
    at = context.module.text.index(function.name, start + len("def"))
    return Draft(at, at + len(function.name), told, mend, url=url)


@rule("PF602", "flow-of-wrapper", Severity.WARNING, "none", _FLOWS)
def flow_of_wrapper(context: Context) -> Iterator[Draft]:
    """Make the wrapper of a flow's function async where the function is.

    Whether a flow is async was decided on Prefect 2 by the function under all `functools.wraps` wrappers; Prefect 3 looks at the outermost one. A
    synchronous wrapper around an `async def` made an async flow on 2.x and makes a synchronous one on 3.x: calling it runs it and gives its result, and
    `await` raises `TypeError`. An async wrapper around a plain function is the other way round: on 3.x the call gives a coroutine, and nothing runs until
    somebody awaits it. Tasks are not concerned: both majors look at the wrapper.

    ## For example
    ```python
    import functools
    from prefect import flow

    def timed(function):
        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            return function(*args, **kwargs)

        return wrapper

    @flow
    @timed
    async def etl():
        ...
    ```

    ## Fix safety
    There is no fix: write the wrapper as the function is, `async def wrapper` with `return await function(...)`, which both majors take alike.
    """
    module = context.module
    if "wraps" not in module.text:
        return
    for definition in module.definitions.values():
        function = definition.function
        if definition.kind.name != "FLOW" or function is None or definition.decorator is None:
            continue
        if function not in module.definitions or not _is_outermost(module, function, definition.decorator):
            continue
        wrapper = _wrapper(module, function.decorator_list[1:], 0)
        if wrapper is None:
            continue
        inner_is_async = isinstance(function, ast.AsyncFunctionDef)
        outer_is_async = isinstance(wrapper, ast.AsyncFunctionDef)
        if inner_is_async and not outer_is_async:
            told = (
                f"`{function.name}` was an async flow on Prefect 2; on Prefect 3 it is a synchronous one, as `{wrapper.name}` is: a call gives the result, "
                "and `await` raises. Make the wrapper `async def`"
            )
        elif outer_is_async and not inner_is_async:
            told = (
                f"`{function.name}` was a synchronous flow on Prefect 2; on Prefect 3 it is async, as `{wrapper.name}` is: a call gives a coroutine that has "
                "to be awaited"
            )
        else:
            continue
        if not context.may_fail((), definition.decorator):
            yield context.draft(function.decorator_list[1], told)


def _is_outermost(module: Module, function: FunctionNode, decorator: ast.expr) -> bool:
    """Whether the flow decorator stands first, is Prefect's own, and another one follows."""
    reference = module.resolve(decorator)
    return (
        len(function.decorator_list) > 1
        and function.decorator_list[0] is decorator
        and reference is not None
        and reference.qualified in FLOW_DECORATORS
    )


def _wrapper(module: Module, decorators: list[ast.expr], depth: int) -> Optional[FunctionNode]:
    """The function that the decorators of a flow's function leave on top, where each of them is a plain `functools.wraps` decorator of the same module."""
    found: Optional[FunctionNode] = None
    for decorator in decorators:
        maker = _top_level(module, decorator)
        inner = _wraps(maker) if maker is not None else None
        if inner is None:
            return None
        found = found or inner
    return found


def _top_level(module: Module, decorator: ast.expr) -> Optional[FunctionNode]:
    """The module's own function that a bare decorator names; None where another statement binds the name, too."""
    if not isinstance(decorator, ast.Name):
        return None
    bound = [
        node
        for node in module.tree.body
        if (isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name == decorator.id)
        or (
            isinstance(node, ast.Assign)
            and any(isinstance(each, ast.Name) and each.id == decorator.id for each in node.targets)
        )
    ]
    return bound[0] if len(bound) == 1 and isinstance(bound[0], ast.FunctionDef) else None


def _wraps(maker: Union[ast.FunctionDef, ast.AsyncFunctionDef]) -> Optional[FunctionNode]:
    """The inner function that a decorator returns, if it is the only one there and wraps the decorator's argument by `functools.wraps` and nothing else."""
    arguments = [each.arg for each in maker.args.args]
    inner = [node for node in maker.body if isinstance(node, FUNCTIONS)]
    returned = [node.value for node in maker.body if isinstance(node, ast.Return)]
    if len(arguments) != 1 or len(inner) != 1 or len(returned) != 1 or len(inner[0].decorator_list) != 1:
        return None
    wraps, value = inner[0].decorator_list[0], returned[0]
    if not isinstance(value, ast.Name) or value.id != inner[0].name or not isinstance(wraps, ast.Call):
        return None
    name = wraps.func.attr if isinstance(wraps.func, ast.Attribute) else getattr(wraps.func, "id", "")
    wrapped = wraps.args[0] if wraps.args else None
    is_wraps = name == "wraps" and isinstance(wrapped, ast.Name) and wrapped.id == arguments[0]
    return inner[0] if is_wraps else None


RULES = (overridden_internals, flow_of_wrapper)

"""State hooks, which Prefect 2 calls by keyword and Prefect 3 by position."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import FLOW_DECORATORS, TASK_DECORATORS, Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode, span
from migrator.rules.base import Context, Draft, Mend, rule

_HOOKS = frozenset({"on_completion", "on_failure", "on_cancellation", "on_crashed", "on_running"})
_EXPECTED = {"flow": ("flow", "flow_run", "state"), "task": ("task", "task_run", "state")}
_KINDS = {Kind.FLOW: "flow", Kind.FLOW_DECORATOR: "flow", Kind.TASK: "task", Kind.TASK_DECORATOR: "task"}
_BLOCKS = ("body", "orelse", "finalbody", "handlers")


@dataclass(frozen=True)
class _Hook:
    """A function given as a hook: where, and with what of it bound already."""

    node: ast.expr
    kind: str
    function: Union[FunctionNode, ast.Lambda]
    module: Module
    bound: int = 0
    """Parameters that get their values before the call, from the left."""
    named: frozenset[str] = frozenset()
    """Parameters that `partial` gives by name."""
    is_method: bool = False


@rule(
    "PF504",
    "hook-parameters",
    Severity.WARNING,
    "safe or unsafe",
    "https://docs.prefect.io/v3/how-to-guides/workflows/state-change-hooks",
)
def hook_parameters(context: Context) -> Iterator[Draft]:
    """Give a state hook its parameters in Prefect's order.

    Prefect 2 calls a hook by keyword (`flow=`, `flow_run=`, `state=`; of a task `task=`, `task_run=`, `state=`), in whatever order the hook has them. Prefect 3
    calls it by position, flow or task first, then the run, then the state: parameters in another order get one another's values, and a hook that takes
    keywords only is not run at all: the error is logged, and the flow goes on without it.

    Under their own names and in that order the parameters are right on both.

    ## Example
    ```python
    from prefect import flow

    def alert(state, flow, flow_run):
        print(flow_run.name, state.name)

    @flow(on_failure=[alert])
    def etl():
        ...
    ```

    ## Use instead
    ```python
    from prefect import flow

    def alert(flow, flow_run, state):
        print(flow_run.name, state.name)

    @flow(on_failure=[alert])
    def etl():
        ...
    ```

    ## Fix safety
    Safe where the module uses the function as a hook alone; unsafe where others may import it, and for methods. There is no fix where something calls the
    function by position, and for hooks that take `**kwargs` alone.
    """
    if not any(word in context.module.text for word in _HOOKS):
        return
    mends: dict[ast.AST, Optional[Mend]] = {}
    hooks = [each for reference in context.module.references for each in _hooks_at(context, reference)]
    for hook in hooks:
        wrong = _wrong_on_3(hook)
        if wrong is not None:
            if hook.function not in mends:
                mends[hook.function] = _reordered(context, hook, hooks)
            yield context.draft(hook.node, wrong, mends[hook.function])


def _hooks_at(context: Context, reference: Reference) -> Iterator[_Hook]:
    """The hooks that a call of a decorator or of `with_options` gets."""
    call, module = reference.call, context.module
    kind = _kind(reference)
    if call is None or kind is None or only_on(reference.use.parents, module) is not None:
        return
    for keyword in call.keywords:
        if keyword.arg in _HOOKS:
            for node in _elements(module, keyword.value):
                hook = _hook(context, node, kind, reference)
                if hook is not None:
                    yield hook


def _kind(reference: Reference) -> Optional[str]:
    if reference.definition is None:
        known = {**dict.fromkeys(FLOW_DECORATORS, "flow"), **dict.fromkeys(TASK_DECORATORS, "task")}
        return known.get(reference.qualified)
    makes = reference.definition.kind in (Kind.FLOW_DECORATOR, Kind.TASK_DECORATOR) and not reference.rest
    return _KINDS.get(reference.definition.kind) if makes or reference.rest == ("with_options",) else None


def _elements(module: Module, value: ast.expr) -> Sequence[ast.expr]:
    if isinstance(value, ast.Name):
        assigned = [
            each.value
            for each in module.tree.body
            if isinstance(each, ast.Assign)
            and any(isinstance(target, ast.Name) and target.id == value.id for target in each.targets)
        ]
        value = assigned[0] if len(assigned) == 1 else value
    return value.elts if isinstance(value, (ast.List, ast.Tuple)) else ()


def _hook(context: Context, node: ast.expr, kind: str, reference: Reference) -> Optional[_Hook]:
    module = context.module
    if isinstance(node, ast.Lambda):
        return _Hook(node, kind, node, module)
    if isinstance(node, ast.Name):
        function = _function_named(node.id, reference, module)
        if function is not None:
            return _Hook(node, kind, function, module)
        elsewhere = _imported(context, node.id)
        if elsewhere is not None and elsewhere.function is not None:
            return _Hook(node, kind, elsewhere.function, elsewhere.module)
        return None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
        method = _method(node.attr, reference)
        return _Hook(node, kind, method, module, 1, is_method=True) if method is not None else None
    if isinstance(node, ast.Call) and _is_partial(node) and node.args:
        inner = _hook(context, node.args[0], kind, reference)
        names = [each.arg for each in node.keywords]
        if inner is None or None in names or any(isinstance(each, ast.Starred) for each in node.args):
            return None
        bound = inner.bound + len(node.args) - 1
        named = inner.named | {name for name in names if name is not None}
        return _Hook(node, kind, inner.function, inner.module, bound, named, inner.is_method)
    return None


def _is_partial(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name == "partial"


def _function_named(name: str, reference: Reference, module: Module) -> Optional[FunctionNode]:
    """The function of this name that the place of a reference sees, where there is but one."""
    around = [node for node in reference.use.parents if isinstance(node, FUNCTIONS)]
    for owner in (*reversed(around), module.tree):
        bound = [node for node in _bound_in(owner) if _binds(node, name)]
        if bound:
            only = bound[0]
            return only if len(bound) == 1 and isinstance(only, FUNCTIONS) and not only.decorator_list else None
    return None


def _bound_in(owner: ast.AST) -> Iterator[ast.stmt]:
    """The statements of a scope, those in its blocks included, nested functions and classes not entered."""
    for name in _BLOCKS:
        for each in getattr(owner, name, ()):
            if isinstance(each, ast.stmt):
                yield each
            if not isinstance(each, (*FUNCTIONS, ast.ClassDef)):
                yield from _bound_in(each)


def _binds(statement: ast.stmt, name: str) -> bool:
    if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
        return statement.name == name
    if isinstance(statement, ast.Assign):
        return any(
            isinstance(node, ast.Name) and node.id == name for each in statement.targets for node in ast.walk(each)
        )
    if isinstance(statement, ast.AnnAssign):
        return isinstance(statement.target, ast.Name) and statement.target.id == name
    return False


def _imported(context: Context, name: str) -> Optional[Definition]:
    """A plain function of the project that the module imports under this name."""
    for statement in context.module.tree.body:
        if isinstance(statement, ast.ImportFrom):
            for alias in statement.names:
                if (alias.asname or alias.name) == name:
                    module = "." * statement.level + (statement.module or "")
                    found = context.project.follow(context.module.path, module, [alias.name])
                    origin = found[0] if found is not None and not found[1] else None
                    return origin if isinstance(origin, Definition) and origin.kind is Kind.FUNCTION else None
    return None


def _method(name: str, reference: Reference) -> Optional[FunctionNode]:
    classes = [node for node in reference.use.parents if isinstance(node, ast.ClassDef)]
    methods = [each for each in classes[-1].body if _binds(each, name)] if classes else []
    found = methods[0] if len(methods) == 1 else None
    return found if isinstance(found, FUNCTIONS) and not found.decorator_list else None


# -- what happens


def _wrong_on_3(hook: _Hook) -> Optional[str]:
    """What a hook that Prefect 2 can call does when its values come by position; None where that is the same."""
    arguments, expected = hook.function.args, _EXPECTED[hook.kind]
    positional = [*arguments.posonlyargs, *arguments.args][hook.bound :]
    names = [each.arg for each in positional]
    by_name = {each.arg for each in arguments.args[max(0, hook.bound - len(arguments.posonlyargs)) :]}
    by_name |= {each.arg for each in arguments.kwonlyargs}
    if arguments.vararg is not None or not (arguments.kwarg or by_name.issuperset(expected)):
        return None
    if _required(hook) - hook.named - (set(expected) & by_name):
        return None
    order = f"`{', '.join(expected)}`"
    if len(names) < 3:
        return f"Prefect 3 calls hooks by position ({order}): this one takes them by keyword only, and is not run"
    if tuple(names[:3]) == expected:
        taken = hook.named & set(expected)
        if taken:
            return (
                f"Prefect 3 calls hooks by position ({order}): `{min(taken)}` is given twice, and the hook is not run"
            )
        return None
    if hook.named & set(names[:3]):
        return (
            f"Prefect 3 calls hooks by position ({order}): a value of `partial` is given twice, and the hook is not run"
        )
    return f"Prefect 3 calls hooks by position ({order}), so `{', '.join(names[:3])}` get one another's values"


def _required(hook: _Hook) -> set[str]:
    """The parameters that have to be given."""
    arguments = hook.function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    needed = positional[hook.bound : len(positional) - len(arguments.defaults)]
    alone = [each for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults) if default is None]
    return {each.arg for each in (*needed, *alone)}


# -- the fix


def _reordered(context: Context, hook: _Hook, hooks: Sequence[_Hook]) -> Optional[Mend]:
    """Puts the parameters in Prefect's order; None where something else calls the function by position, or the text is too special."""
    module, arguments, expected = context.module, hook.function.args, _EXPECTED[hook.kind]
    same = [each for each in hooks if each.function is hook.function]
    if hook.module is not module or arguments.posonlyargs or arguments.vararg:
        return None
    if any((each.kind, each.bound) != (hook.kind, hook.bound) or each.named & set(expected) for each in same):
        return None
    free = arguments.args[hook.bound :]
    every = {each.arg: each for each in (*free, *arguments.kwonlyargs)}
    if not every.keys() >= set(expected) or _is_called_by_position(context, hook, same):
        return None
    defaults = _defaults(arguments)
    order = [*expected, *(each.arg for each in free if each.arg not in expected)]
    without = [name not in defaults for name in order]
    if without != sorted(without, reverse=True):
        return None
    texts = {name: _text(module, node, defaults.get(name)) for name, node in every.items()}
    edits = _edits(module, arguments, free, order, texts, defaults)
    if edits is None:
        return None
    name = getattr(hook.function, "name", None)
    is_own = name is None or not (hook.is_method or context.passed_on(name))
    applicability = Applicability.SAFE if is_own else Applicability.UNSAFE
    return Mend(applicability, f"Take `{', '.join(expected)}` in this order", lambda: edits)


def _defaults(arguments: ast.arguments) -> dict[str, ast.expr]:
    found = dict(zip((each.arg for each in reversed(arguments.args)), reversed(arguments.defaults)))
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults):
        if default is not None:
            found[each.arg] = default
    return found


def _text(module: Module, argument: ast.arg, default: Optional[ast.expr]) -> str:
    start, end = span(argument, module.index)
    return module.text[start : end if default is None else span(default, module.index)[1]]


def _edits(
    module: Module,
    arguments: ast.arguments,
    free: Sequence[ast.arg],
    order: Sequence[str],
    texts: dict[str, str],
    defaults: dict[str, ast.expr],
) -> Optional[list[Edit]]:
    """Each parameter in the place of another one; where some were keyword-only, the whole list anew."""

    def place(argument: ast.arg) -> tuple[int, int]:
        start, end = span(argument, module.index)
        default = defaults.get(argument.arg)
        return start, end if default is None else span(default, module.index)[1]

    if len(order) == len(free):
        return [Edit(*place(old), texts[new]) for old, new in zip(free, order) if old.arg != new]
    left = [each.arg for each in arguments.kwonlyargs if each.arg not in order]
    first, last = (free or arguments.kwonlyargs)[0], arguments.kwonlyargs[-1]
    start, end = place(first)[0], place(last)[1]
    if not free:
        start = module.text.rfind("*", 0, start)
    if start < 0 or any(sign in module.text[start:end] for sign in "#\n"):
        return None
    written = [texts[name] for name in order] + (["*"] if left else []) + [texts[name] for name in left]
    return [Edit(start, end, ", ".join(written))]


def _is_called_by_position(context: Context, hook: _Hook, same: Sequence[_Hook]) -> bool:
    """Whether something may give the function its values in the order that it has now."""
    name = getattr(hook.function, "name", None)
    if name is None:
        return False
    as_hook = {id(inner) for each in same for inner in ast.walk(each.node)}
    called = {
        id(node.func)
        for node in ast.walk(context.module.tree)
        if isinstance(node, ast.Call) and not node.args and all(each.arg for each in node.keywords)
    }
    for node in ast.walk(context.module.tree):
        used = getattr(node, "id" if isinstance(node, ast.Name) else "attr", None)
        if used == name and id(node) not in as_hook and id(node) not in called:
            return True
    return False


RULES = (hook_parameters,)

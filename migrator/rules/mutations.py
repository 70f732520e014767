"""What tasks do to the objects that they are given: copies on Prefect 2, the objects themselves on Prefect 3."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.model.guards import only_on
from migrator.model.module import Definition, Kind, Module
from migrator.model.names import FUNCTIONS, FunctionNode, is_none, last_name
from migrator.rewriting.names import add_import, can_add_import, local_name
from migrator.rewriting.statements import CannotEdit, insert_before
from migrator.rules.base import Context, Draft, Mend, rule

_KINDS = {
    **dict.fromkeys(("dict", "Dict", "MutableMapping", "OrderedDict", "TypedDict"), "dict"),
    **dict.fromkeys(("list", "List", "MutableSequence"), "list"),
    **dict.fromkeys(("set", "Set", "MutableSet"), "set"),
}
_CHANGES = {
    **dict.fromkeys(("append", "extend", "insert", "reverse", "sort"), "list"),
    **dict.fromkeys(("popitem", "setdefault"), "dict"),
    **dict.fromkeys(
        ("add", "difference_update", "discard", "intersection_update", "symmetric_difference_update"), "set"
    ),
    **dict.fromkeys(("clear", "pop", "remove", "update"), ""),
}
"""Methods that change what they are called on, with the only container that has them."""
_SHARED_ON_BOTH = frozenset(
    {
        "Counter",
        "DataFrame",
        "Series",
        "array",
        "arange",
        "defaultdict",
        "deque",
        "ones",
        "read_csv",
        "read_parquet",
        "zeros",
    }
)
"""What makes objects that Prefect 2 does not copy either: it looks into lists, dicts, sets, tuples and dataclasses only, not into subclasses."""
_RUNS = ((), ("submit",), ("map",))
_LOOPS = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

Parents = tuple[ast.AST, ...]


@rule("PF432", "changed-argument", Severity.WARNING, "unsafe or none", of_2=True)
def changed_argument(context: Context) -> Iterator[Draft]:
    """Do not let a task change what its caller, or another run, goes on using.

    Prefect 2 gives each task run its own copy of the lists, dicts, sets, tuples and dataclasses among its arguments, nested ones and defaults included. Prefect
    3 hands over the objects themselves: what a task appends or sets is seen by its caller, and by all runs that are given the same object, in `unmapped(...)`, in
    a loop, or as a default. (Objects of other classes are shared on both majors.)

    Reported where the task certainly changes its parameter and the same object is seen again.

    ## Example
    ```python
    from prefect import flow, task, unmapped

    @task
    def label(name, labels: dict):
        labels["name"] = name
        return labels

    @flow
    def etl():
        labels = {"team": "data"}
        return label.map(["a", "b"], unmapped(labels))
    ```

    ## Use instead
    ```python
    from prefect import flow, task, unmapped

    @task
    def label(name, labels: dict):
        labels = dict(labels)
        labels["name"] = name
        return labels

    @flow
    def etl():
        labels = {"team": "data"}
        return label.map(["a", "b"], unmapped(labels))
    ```

    ## Fix safety
    Unsafe: the task works on a copy as it did on Prefect 2, but code that was written with Prefect 3 in mind may count on the change. Nested containers are copied
    with `copy.deepcopy`, which copies objects within them, too.
    """
    module = context.module
    if not module.references:
        return
    known: dict[Definition, dict[str, _Change]] = {}
    mends: dict[tuple[Definition, str], Optional[Mend]] = {}

    def mend_of(change: _Change) -> Optional[Mend]:
        key = (change.definition, change.parameter)
        if key not in mends:
            mends[key] = _mend(context, change)
        return mends[key]

    for definition in module.definitions.values():
        if definition.kind is Kind.TASK and definition.function is not None and _home(definition) is module:
            known[definition] = _changes(definition)
            for default, change in _of_defaults(known[definition], definition.function):
                yield context.draft(default, f"{_told(module, change)}; every run shares this default", mend_of(change))
    for reference in module.references:
        ran, call = reference.definition, reference.call
        if ran is None or ran.kind is not Kind.TASK or call is None or reference.rest not in _RUNS:
            continue
        if ran not in known:
            known[ran] = _changes(ran)
        parents = reference.use.parents[:-1]
        if not known[ran] or only_on(parents, module) is not None:
            continue
        for name, argument in _given(ran, call):
            changed = known[ran].get(name)
            why = changed and _seen_again(module, changed, argument, call, parents, reference.rest == ("map",))
            if changed is not None and why:
                yield context.draft(argument, f"{_told(module, changed)}; {why}", mend_of(changed))


RULES = (changed_argument,)


@dataclass(frozen=True)
class _Change:
    """How a task changes one of its parameters."""

    definition: Definition
    parameter: str
    node: ast.AST
    nested: bool
    kind: Optional[str]
    """`list`, `dict`, `set`, `dataclass`, where the task itself says so by an annotation or a default."""
    may_be_none: bool


def _told(module: Module, change: _Change) -> str:
    """What the task does, and where: `label` changes `labels` (line 5)."""
    home = _home(change.definition)
    line = getattr(change.node, "lineno", 0)
    place = f"line {line}" if home is module else f"{os.path.basename(home.path)}, line {line}"
    told = f"`{change.definition.name}` changes its `{change.parameter}` ({place})"
    return f"{told}: a copy of its own on Prefect 2, the object itself on Prefect 3"


def _of_defaults(changes: dict[str, _Change], function: FunctionNode) -> Iterator[tuple[ast.expr, _Change]]:
    """The defaults that a task changes."""
    for name, default in _defaults(function):
        change = changes.get(name)
        if change is not None and _made_in_sight(default) is not None:
            yield default, change


def _mend(context: Context, change: _Change) -> Optional[Mend]:
    """The task begins with a copy of the parameter; None where its text is in another file, or cannot be changed so."""
    module, function = context.module, change.definition.function
    if function is None or _home(change.definition) is not module:
        return None
    rest = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    name, imported = change.parameter, None
    if change.nested or change.kind == "dataclass":
        imported = "copy.deepcopy"
    elif change.kind is None or change.may_be_none:
        imported = "copy.copy"
    if not rest or (imported is not None and not can_add_import(module, imported)):
        return None
    maker = local_name(module, imported) if imported is not None else change.kind
    try:
        edit = insert_before(module.text, rest[0], f"{name} = {maker}({name})")
    except (CannotEdit, ValueError):
        return None

    def edits() -> Iterable[Edit]:
        yield edit
        if imported is not None:
            yield from add_import(module, imported)

    return Mend(Applicability.UNSAFE, "Let the task work on a copy", edits)


# -- what tasks change


def _home(definition: Definition) -> Module:
    return definition.function_module or definition.module


def _changes(definition: Definition) -> dict[str, _Change]:
    """The parameters that a task certainly changes, by name."""
    function = definition.function
    if function is None:
        return {}
    positional = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    annotated = {argument.arg: argument.annotation for argument in positional}
    defaults = dict(_defaults(function))
    found: dict[str, _Change] = {}
    rebound: set[str] = set()
    for node, parents in _inside(function):
        rebound.update(_rebound(node, parents))
        for name, nested, method in _changed(node):
            if name not in annotated or name in found:
                continue
            known = _kind(annotated[name], _home(definition))
            given = _made_in_sight(defaults[name]) if name in defaults else None
            if known == "other" or (isinstance(node, ast.AugAssign) and not nested and not (known or given)):
                continue
            if method == "attribute" and known != "dataclass":
                continue
            none = name in defaults and isinstance(defaults[name], ast.Constant)
            found[name] = _Change(definition, name, node, nested, known or given, none)
    return {name: change for name, change in found.items() if name not in rebound}


def _inside(function: FunctionNode) -> Iterator[tuple[ast.AST, Parents]]:
    """The nodes of a function's body, what is in nested functions left out."""
    waiting: list[tuple[ast.AST, Parents]] = [(statement, (function,)) for statement in reversed(function.body)]
    while waiting:
        node, parents = waiting.pop()
        if isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            continue
        yield node, parents
        waiting += [(child, (*parents, node)) for child in reversed(list(ast.iter_child_nodes(node)))]


def _changed(node: ast.AST) -> Iterator[tuple[str, bool, str]]:
    """The names whose objects a node changes, whether it is what is in them that changes, and by which means."""
    targets: list[ast.expr] = []
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGES:
        root, depth, through = _root(node.func.value)
        if root is not None:
            yield root, depth > 0, through
    elif isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AugAssign):
        targets = [node.target]
        if isinstance(node.target, ast.Name) and isinstance(node.op, (ast.Add, ast.BitOr)):
            yield node.target.id, False, "operator"
    elif isinstance(node, ast.Delete):
        targets = node.targets
    for target in targets:
        if isinstance(target, (ast.Subscript, ast.Attribute)):
            root, depth, through = _root(target.value)
            if root is not None:
                yield root, depth > 0, "attribute" if isinstance(target, ast.Attribute) else through


def _root(node: ast.expr) -> tuple[Optional[str], int, str]:
    """The name that an expression starts from, how many subscripts and attributes follow, and `attribute` where one is among them."""
    depth, through = 0, "item"
    while isinstance(node, (ast.Subscript, ast.Attribute)):
        if isinstance(node, ast.Attribute):
            through = "attribute"
        node = node.value
        depth += 1
    return (node.id if isinstance(node, ast.Name) else None), depth, through


def _rebound(node: ast.AST, parents: Parents) -> Iterator[str]:
    """The names that mean another object from this node on; `x = x or []` and `if x is None: x = []` leave an object that was given as it is."""
    if not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Load):
        return
    parent = parents[-1]
    if isinstance(parent, ast.AugAssign):
        return
    if isinstance(parent, ast.Assign) and isinstance(parent.value, ast.BoolOp) and isinstance(parent.value.op, ast.Or):
        first = parent.value.values[0]
        if isinstance(first, ast.Name) and first.id == node.id:
            return
    around = parents[-2] if len(parents) > 1 else None
    if isinstance(parent, ast.Assign) and isinstance(around, ast.If) and any(parent is each for each in around.body):
        test = around.test
        left = test.left if isinstance(test, ast.Compare) else test.operand if isinstance(test, ast.UnaryOp) else None
        if (
            isinstance(left, ast.Name)
            and left.id == node.id
            and (not isinstance(test, ast.Compare) or isinstance(test.ops[0], ast.Is))
        ):
            return
    yield node.id


def _kind(annotation: Optional[ast.expr], module: Module) -> Optional[str]:
    """The container that an annotation promises, `dataclass`, `other`, or None where it says nothing."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value.strip(), mode="eval").body
        except SyntaxError:
            return "other"
    if annotation is None:
        return None
    if isinstance(annotation, ast.BinOp):
        kinds = {_kind(each, module) for each in (annotation.left, annotation.right) if not is_none(each)}
        return kinds.pop() if len(kinds) == 1 else "other"
    name = last_name(annotation.value if isinstance(annotation, ast.Subscript) else annotation)
    if name == "Optional" and isinstance(annotation, ast.Subscript):
        return _kind(annotation.slice, module)
    if name in ("Any", "object"):
        return None
    if name in _KINDS:
        return _KINDS[name]
    for statement in module.tree.body:
        if isinstance(statement, ast.ClassDef) and statement.name == name:
            made = {last_name(each.func if isinstance(each, ast.Call) else each) for each in statement.decorator_list}
            return "dataclass" if "dataclass" in made else "other"
    return "other"


def _defaults(function: FunctionNode) -> Iterator[tuple[str, ast.expr]]:
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    for argument, default in zip(reversed(positional), reversed(arguments.defaults)):
        yield argument.arg, default
    for argument, given in zip(arguments.kwonlyargs, arguments.kw_defaults):
        if given is not None:
            yield argument.arg, given


def _made_in_sight(node: Optional[ast.AST]) -> Optional[str]:
    """The container that an expression makes; None for any other expression."""
    if isinstance(node, (ast.List, ast.ListComp)):
        return "list"
    if isinstance(node, (ast.Dict, ast.DictComp)):
        return "dict"
    if isinstance(node, (ast.Set, ast.SetComp)):
        return "set"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("dict", "list", "set"):
        return node.func.id
    return None


# -- who sees it again


def _given(definition: Definition, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The parameters of a task that a call gives something, and what."""
    function = definition.function
    if function is None:
        return
    positional = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
    for name, argument in zip(positional, call.args):
        if isinstance(argument, ast.Starred):
            break
        yield name, argument
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg, keyword.value


def _seen_again(
    module: Module, change: _Change, argument: ast.expr, call: ast.Call, parents: Parents, mapped: bool
) -> Optional[str]:
    """Why the object that a call gives a task is seen again after the task has changed it; None where it is not, or may be no container."""
    if isinstance(argument, ast.Call) and last_name(argument.func) == "unmapped" and len(argument.args) == 1:
        if not mapped:
            return _seen_again(module, change, argument.args[0], call, parents, False)
        inner = argument.args[0]
        name = inner.id if isinstance(inner, ast.Name) else None
        sure = _made_in_sight(inner) or (name is not None and _is_container(module, change, name, parents))
        return "all runs of the map are given the same one" if sure else None
    node = argument
    while isinstance(node, ast.Subscript):
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    if mapped or node is not argument:
        if change.kind is None:
            return None
    elif not _is_container(module, change, node.id, parents):
        return None
    return _used_again(module, node.id, call, parents)


def _is_container(module: Module, change: _Change, name: str, parents: Parents) -> bool:
    """Whether a name certainly holds a container that Prefect 2 copies."""
    bound = list(_bindings(name, parents, module))
    if any(last_name(value.func) in _SHARED_ON_BOTH for value in bound if isinstance(value, ast.Call)):
        return False
    if change.kind is not None:
        return True
    return bool(bound) and all(_made_in_sight(value) is not None for value in bound)


def _scope(parents: Parents) -> Union[FunctionNode, ast.Module, None]:
    return next((node for node in reversed(parents) if isinstance(node, (*FUNCTIONS, ast.Module))), None)


def _bindings(name: str, parents: Parents, module: Module) -> Iterator[Optional[ast.expr]]:
    """What is assigned to a name in the function around, or, where that does not bind it, in the module; None for any other binding."""
    for scope in (_scope(parents), module.tree):
        found = list(_bound_in(name, scope)) if scope is not None else []
        if found:
            yield from found
            return


def _bound_in(name: str, scope: Union[FunctionNode, ast.Module]) -> Iterator[Optional[ast.expr]]:
    if isinstance(scope, FUNCTIONS):
        for argument in ast.walk(scope.args):
            if isinstance(argument, ast.arg) and argument.arg == name:
                yield None
    for node in ast.walk(scope) if isinstance(scope, FUNCTIONS) else scope.body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for each in ast.walk(target):
                    if isinstance(each, ast.Name) and each.id == name and isinstance(each.ctx, ast.Store):
                        yield node.value if each is target else None
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension, ast.withitem)):
            inner = node.optional_vars if isinstance(node, ast.withitem) else node.target
            if inner is not None and any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(inner)):
                yield None


def _used_again(module: Module, name: str, place: ast.AST, parents: Parents) -> Optional[str]:
    """Why what a name holds at a place is used again: in the next round of a loop, later on, or by whoever else reads a global."""
    scope = _scope(parents)
    if scope is None:
        return None
    start = next(at for at, node in enumerate(parents) if node is scope)
    inner = parents[start + 1 :]
    for at in range(len(inner) - 1, -1, -1):
        loop = inner[at]
        if not isinstance(loop, _LOOPS):
            continue
        target_of = _iterated(loop, name)
        if target_of is not None:
            root = target_of
            while isinstance(root, (ast.Subscript, ast.Attribute)):
                root = root.value
            if isinstance(root, ast.Call) and isinstance(root.func, ast.Attribute) and root.func.attr == "values":
                root = root.func.value
            if not isinstance(root, ast.Name):
                return None
            return _used_again(module, root.id, loop, parents[: start + 1 + at])
        if not any(_stores(each, name) for each in ast.walk(loop)):
            return "every round of the loop gives the same one" if _runs_again(place, inner[at + 1 :]) else None
    if isinstance(scope, FUNCTIONS) and not list(_bound_in(name, scope)):
        if any(value is not None and _made_in_sight(value) for value in _bound_in(name, module.tree)):
            return f"`{name}` is a global, which the next run sees as well"
        return None
    line = _next_use(module, scope, name, place, parents)
    return f"`{name}` is used again in line {line}" if line is not None else None


def _iterated(loop: ast.AST, name: str) -> Optional[ast.expr]:
    """What a loop goes over, where the name is its variable."""
    for generator in [loop] if isinstance(loop, (ast.For, ast.AsyncFor)) else getattr(loop, "generators", []):
        if isinstance(generator.target, ast.Name) and generator.target.id == name:
            found = generator.iter
            return found if isinstance(found, ast.expr) else None
    return None


def _stores(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, (ast.Store, ast.Del))


def _runs_again(place: ast.AST, inner: Parents) -> bool:
    """Whether a place in a loop may be reached twice: no `return` or `break` ends the block in which it stands."""
    return not any(_ends(node, (*inner, place)) for node in inner if isinstance(node, ast.stmt))


def _ends(node: ast.AST, chain: Parents) -> bool:
    """Whether a block of a statement in which one of the chain stands ends by leaving."""
    if isinstance(node, ast.Return):
        return True
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list) and any(statement is each for statement in block for each in chain):
            return isinstance(block[-1], (ast.Return, ast.Raise, ast.Break))
    return False


def _next_use(
    module: Module, scope: Union[FunctionNode, ast.Module], name: str, place: ast.AST, parents: Parents
) -> Optional[int]:
    """The line in which the name is read next, where what it holds has not been replaced before; None where there is none."""
    chain = (*parents, place)
    statement = next((node for node in reversed(chain) if isinstance(node, ast.stmt)), None)
    if statement is None or isinstance(statement, ast.Return):
        return None
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        if any(_stores(each, name) for each in ast.walk(statement)):
            return None
    limit = float("inf")
    start = next(at for at, node in enumerate(chain) if node is scope) + 1
    inside = chain[start:]
    for node in inside:
        if isinstance(node, (ast.If, ast.With, ast.Try)):
            if _ends(node, chain):
                limit = min(limit, node.end_lineno or 0)
    end = (place.end_lineno, place.end_col_offset)  # type: ignore[attr-defined]
    events: list[tuple[tuple[int, int], bool, Parents]] = []
    waiting: list[tuple[ast.AST, Parents]] = [(each, chain[:start]) for each in scope.body]
    while waiting:
        node, around = waiting.pop()
        if isinstance(node, ast.Name) and node.id == name and (node.lineno, node.col_offset) >= end:
            events.append(((node.lineno, node.col_offset), isinstance(node.ctx, ast.Load), around))
        waiting += [(child, (*around, node)) for child in ast.iter_child_nodes(node)]
    for (line, _), loaded, around in sorted(events, key=lambda event: event[0]):
        if line > limit:
            return None
        if _apart(chain, around):
            continue
        return line if loaded else None
    return None


def _apart(one: Parents, other: Parents) -> bool:
    """Whether two places stand in different branches of an `if` or a `try`."""
    for at, (left, right) in enumerate(zip(one, other)):
        if left is not right:
            parent = one[at - 1]
            if not isinstance(parent, (ast.If, ast.Try)):
                return False
            return _branch(parent, left) != _branch(parent, right)
    return False


def _branch(parent: Union[ast.If, ast.Try], child: ast.AST) -> str:
    if isinstance(parent, ast.Try):
        return "handler" if isinstance(child, ast.ExceptHandler) else ""
    return "orelse" if any(child is each for each in parent.orelse) else "body"

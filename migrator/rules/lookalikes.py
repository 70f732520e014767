"""Names that still import on Prefect 3 and are not the same thing there: the table says where that matters, this finds the places.

Two directions. What a flow or task returns, and what is handed to Prefect, is followed back to the call that made it: through variables of
the function, conditional expressions, displays and helpers of the same module. What is called is looked up by its dotted name, or by
the class of the object whose method it is.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Callable, Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.knowledge.lookalikes import LOOKALIKES, Lookalike, When, lookalike
from migrator.model.guards import only_on
from migrator.model.module import Kind, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode, Imported, last_name, span
from migrator.model.values import INSTANCE, METHOD
from migrator.rewriting.names import (
    add_import,
    can_add_import,
    local_name,
    module_span,
    move_import,
    remove_imports_of,
    uses_of,
)
from migrator.rules.base import Context, Draft, Mend, rule

_SERVER = "prefect.server.schemas."
_SERVER_STATES = f"{_SERVER}states."
_STATES = ("prefect.states.", "prefect.client.schemas.objects.State", _SERVER_STATES)
_CLASSES_OF_THE_CLIENT = "prefect.client.schemas."
_MAKERS_OF_STATES = "prefect.states."
_OTHER_RECEIVERS = (
    _CLASSES_OF_THE_CLIENT,
    "prefect.deployments.",
    "prefect.engine.propose_state",
    "prefect.utilities.engine.propose_state",
)
"""Dotted beginnings of the functions and classes that refuse what the client refuses."""
_RECEIVERS = frozenset(
    {"prefect.client.orchestration:PrefectClient", "prefect.client.orchestration:SyncPrefectClient", "prefect.flows:Flow",
     "prefect.deployments.runner:RunnerDeployment"}
)  # fmt: skip
"""Classes whose methods do so too."""
_CONTEXT_OF_ANY_RUN = "prefect.context.get_run_context"
_RUNNERS = frozenset(
    {"create_task", "ensure_future", "gather", "run", "run_async_from_worker_thread", "run_coro_as_sync", "run_coroutine_threadsafe",
     "run_sync", "run_sync_in_new_loop", "run_until_complete", "start_soon", "sync", "wait_for"}
)  # fmt: skip
"""Last names of functions that are given a coroutine, or a coroutine function, to run."""
_TELLING = frozenset({"data", "id", "message", "name", "timestamp", "type"})
"""Attributes of a state that are alike on both sides, as are its `is_...()` methods."""
_MEMBERS_OF_VARIABLE = frozenset({"created", "id", "name", "tags", "updated", "value"})
_METHODS = frozenset(row.name.rpartition(".")[2] for row in LOOKALIKES if row.when == "called")
_AWAIT = re.compile(r"await[ \t]*")
_FURTHEST = 8


@rule("PF111", "not-the-same", Severity.WARNING, "safe or unsafe or none")
def not_the_same(context: Context) -> Iterator[Draft]:
    """Replace what still imports on Prefect 3 but is not the same thing there.

    A state of `prefect.server.schemas.states` that a flow or task returns is plain data on 3.x: the run ends Completed, even where the state says Failed. The
    client, the flow's `to_deployment` and the classes of `prefect.client.schemas` refuse the states, schedules, filters and task inputs of the server. Others
    give something else than on 2.x: `Secret.get()` reads the secret as JSON where it can, `Variable.get()` gives the value and not the variable,
    `resolve_futures_to_states` is no coroutine function any more and `get_state_result` became one, `serve` refuses to run in an event loop.

    Reported where the thing is made or called, and only where it matters: an import alone says nothing, nor does a state that is handed to the server's own code.
    An error where it fails, a warning where something else happens in silence.

    ## Example
    ```python
    from prefect import flow
    from prefect.server.schemas.states import Completed, Failed

    @flow
    def etl(rows):
        if not rows:
            return Failed(message="nothing to load")
        return Completed(message=f"{len(rows)} rows")
    ```

    ## Use instead
    ```python
    from prefect import flow
    from prefect.states import Completed, Failed

    @flow
    def etl(rows):
        if not rows:
            return Failed(message="nothing to load")
        return Completed(message=f"{len(rows)} rows")
    ```

    ## Example: a future with two types
    ```python
    from prefect.futures import PrefectFuture

    def first(futures: list[PrefectFuture[int, None]]):
        return futures[0].result()
    ```

    ## Use instead
    ```python
    from prefect.futures import PrefectFuture

    def first(futures: list[PrefectFuture[int]]):
        return futures[0].result()
    ```

    ## Fix safety
    Safe where the new name does what 2.x did: the classes of the client in place of the server's, `PrefectFuture` with one type, a plain call in place of an
    awaited one. Unsafe where the object also goes elsewhere, or comes from a function that others may call; for `Secret.get()`, because code that was
    moved already may want what JSON gives; for the `.value` behind `Variable.get()`, because a variable that is not there raised on 2.x. No fix with `--target
    both` where 2.x does not have the new name, nor where a new name is not enough: the message says what to do.
    """
    drafts: dict[tuple[int, int], Draft] = {}
    for draft in _drafts(_Look(context)):
        known = drafts.get((draft.start, draft.end))
        if known is None or (draft.severity or 0) > (known.severity or 0):
            drafts[draft.start, draft.end] = draft
    yield from drafts.values()


RULES = (not_the_same,)


@dataclass(frozen=True)
class _Bound:
    """One binding of a local name: where it is complete, its statement, and what it holds (None where that is not known)."""

    at: tuple[int, int]
    statement: ast.AST
    value: Optional[ast.expr]


@dataclass(frozen=True)
class _Look:
    """A module as this rule sees it."""

    context: Context
    followed: set[ast.AST] = field(default_factory=set)
    """The names through which something that matters was followed."""

    @property
    def module(self) -> Module:
        return self.context.module

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        return {child: node for node in ast.walk(self.module.tree) for child in ast.iter_child_nodes(node)}

    @cached_property
    def calls(self) -> list[ast.Call]:
        return [node for node in self.parents if isinstance(node, ast.Call)]

    def around(self, node: ast.AST) -> tuple[ast.AST, ...]:
        """The nodes around a node, outermost first."""
        found = []
        parent = self.parents.get(node)
        while parent is not None:
            found.append(parent)
            parent = self.parents.get(parent)
        return tuple(reversed(found))

    def scope(self, node: ast.AST) -> ast.AST:
        """The function, lambda, class or module in whose body a node stands."""
        for parent in reversed(self.around(node)):
            if isinstance(parent, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
                return parent
        return self.module.tree

    def is_inside(self, node: ast.AST, kind: Optional[str]) -> bool:
        """Whether a node stands in a coroutine function (`async`), or in a plain one or in none (`sync`); no lambda counts as either."""
        if kind is None:
            return True
        scope = self.scope(node)
        if isinstance(scope, ast.Lambda):
            return False
        return isinstance(scope, ast.AsyncFunctionDef) is (kind == "async")

    def home(self, node: ast.expr, kind: str) -> str:
        """The dotted name of the class of an instance, or of a method; the empty string where that is not certain."""
        held = self.context.values.of(node, self.around(node))
        if held is None or held.kind != kind:
            return ""
        dotted = held.home.replace(":", ".")
        return f"{dotted}.{held.name}" if kind == METHOD else dotted

    def called(self, call: ast.Call) -> str:
        """The dotted name of what a call calls, a method that may have a row by its class; the empty string where that is not certain."""
        reference = self.module.resolve(call)
        if reference is not None and reference.qualified and reference.call is call:
            return reference.qualified
        is_candidate = isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS
        return self.home(call.func, METHOD) if is_candidate else ""

    def is_elsewhere(self, parents: Sequence[ast.AST], node: ast.AST) -> bool:
        """Whether a place runs on 2.x only."""
        return only_on((*parents, node), self.module) == 2

    # -- where a value comes from

    def sources(self, node: ast.expr, depth: int = 0) -> Iterator[ast.expr]:
        """The expressions that may have made what an expression holds; a name that cannot be followed stays what it is."""
        if depth > _FURTHEST:
            return
        if isinstance(node, ast.IfExp):
            inner: Iterable[Optional[ast.expr]] = (node.body, node.orelse)
        elif isinstance(node, ast.BoolOp):
            inner = node.values
        elif isinstance(node, (ast.NamedExpr, ast.Await)):
            inner = (node.value,)
        elif isinstance(node, ast.Name):
            inner = [bound.value for bound in self.reaching(node)] or [None]
            self.followed.add(node)
        else:
            inner = (None,)
        for each in inner:
            if each is None:
                yield node
            else:
                yield from self.sources(each, depth + 1)

    @cached_property
    def _bound(self) -> dict[tuple[ast.AST, str], list[_Bound]]:
        """The bindings of each local name of each scope, in the order of the text."""
        found: dict[tuple[ast.AST, str], list[_Bound]] = {}
        for node in ast.walk(self.module.tree):
            for name, value in _binds(node):
                last = value if value is not None else node
                at = (getattr(last, "end_lineno", 0), getattr(last, "end_col_offset", 0))
                statement = node
                while not isinstance(statement, (ast.stmt, ast.ExceptHandler)) and statement in self.parents:
                    statement = self.parents[statement]
                found.setdefault((self.scope(node), name), []).append(_Bound(at, statement, value))
        return {key: sorted(bounds, key=lambda bound: bound.at) for key, bounds in found.items()}

    def is_bound(self, scope: ast.AST, name: str) -> bool:
        """Whether a scope binds a name other than by defining a function."""
        return (scope, name) in self._bound

    @cached_property
    def functions(self) -> dict[tuple[ast.AST, str], list[FunctionNode]]:
        """The functions that each scope defines, by their names."""
        found: dict[tuple[ast.AST, str], list[FunctionNode]] = {}
        for node in ast.walk(self.module.tree):
            if isinstance(node, FUNCTIONS):
                found.setdefault((self.scope(node), node.name), []).append(node)
        return found

    def reaching(self, name: ast.Name) -> list[_Bound]:
        """The bindings from which a name may have its value; none for a name that the scopes around do not bind."""
        scope = self.scope(name)
        while True:
            bounds = self._bound.get((scope, name.id), [])
            if bounds:
                return self._in_force(bounds, name) if scope is self.scope(name) else bounds
            if scope is self.module.tree:
                return []
            scope = self.scope(scope)

    def _in_force(self, bounds: Sequence[_Bound], name: ast.Name) -> list[_Bound]:
        around = [*self.around(name), name]
        place = (name.lineno, name.col_offset)
        reaching: list[_Bound] = []
        for bound in bounds:
            if bound.at > place:
                continue
            how = self._seen_from(bound.statement, around)
            if how == "never":
                continue
            if how == "always":
                reaching.clear()
            reaching.append(bound)
        return reaching

    def _seen_from(self, statement: ast.AST, around: Sequence[ast.AST]) -> str:
        """Whether a statement has run when a later place is reached: `always`, `never` (the other branch of an `if`), or `sometimes`."""
        if statement in around:
            return "always"
        inner = statement
        while inner in self.parents and self.parents[inner] not in around:
            inner = self.parents[inner]
        shared = self.parents.get(inner)
        if shared is None:
            return "sometimes"
        beyond = around[list(around).index(shared) + 1]
        blocks = [
            block for block in (getattr(shared, name, None) for name in shared._fields) if isinstance(block, list)
        ]
        together = any(inner in block and beyond in block for block in blocks)
        if isinstance(shared, ast.If) and not together and beyond is not shared.test:
            return "never"
        return "always" if together and inner is statement else "sometimes"

    @cached_property
    def loads(self) -> dict[tuple[ast.AST, str], list[ast.Name]]:
        """Where each local name of each scope is read."""
        found: dict[tuple[ast.AST, str], list[ast.Name]] = {}
        for node in ast.walk(self.module.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                scope = self.scope(node)
                while (scope, node.id) not in self._bound and scope is not self.module.tree:
                    scope = self.scope(scope)
                found.setdefault((scope, node.id), []).append(node)
        return found


def _binds(node: ast.AST) -> Iterator[tuple[str, Optional[ast.expr]]]:
    """The names that a node binds by itself, each with what it holds."""
    targets: list[tuple[ast.expr, Optional[ast.expr]]] = []
    if isinstance(node, ast.Assign):
        targets = [(target, node.value) for target in node.targets]
    elif isinstance(node, (ast.AnnAssign, ast.NamedExpr)):
        targets = [(node.target, node.value)] if node.value is not None else []
    elif isinstance(node, ast.AugAssign):
        targets = [(node.target, None)]
    elif isinstance(node, ast.withitem) and node.optional_vars is not None:
        targets = [(node.optional_vars, None)]
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
        targets = [(node.target, None)]
    elif isinstance(node, ast.arg):
        yield node.arg, None
    elif isinstance(node, (ast.ExceptHandler, ast.ClassDef)) and node.name:
        yield node.name, None
    elif isinstance(node, ast.alias):
        yield (node.asname or node.name).partition(".")[0], None
    for target, value in targets:
        if isinstance(target, ast.Name):
            yield target.id, value
        else:
            yield from ((each.id, None) for each in ast.walk(target) if isinstance(each, ast.Name))


# -- what is found


@dataclass(frozen=True)
class _Made:
    """A call that makes a thing of the server, and what is wrong with where it goes."""

    reference: Reference
    row: Lookalike
    told: str
    helped: bool = False
    """Made by a function that is no flow or task itself."""


def _drafts(look: _Look) -> Iterator[Draft]:
    if any(map(_is_made, look.module.references)):
        made = [each for each in (*_returned(look), *_handed(look)) if _matters(look, each.row, each.reference)]
        for each in made:
            start, end = _written(each.reference, each.row)
            told = f"`{each.row.name if each.row.new else each.reference.qualified}` {each.told}. {each.row.advice}"
            yield Draft(start, end, told, _instead(look, each, made), each.row.severity, each.row.url)
    yield from _called(look)
    yield from _subscripted(look)


def _is_made(reference: Reference) -> bool:
    """Whether a use makes a thing of the server that has a row."""
    if reference.call is None or not reference.qualified.startswith(_SERVER):
        return False
    return any(lookalike(reference.qualified, when) is not None for when in ("returned", "argument", "nested"))


def _matters(look: _Look, row: Lookalike, reference: Reference) -> bool:
    if not look.context.target.reaches(row.since) or look.is_elsewhere(reference.use.parents, reference.node):
        return False
    imported = reference.imported
    return imported is None or not look.is_elsewhere(imported.parents, imported.statement)


def _written(reference: Reference, row: Lookalike) -> tuple[int, int]:
    """Where the name of the row stands in the text."""
    for dotted, start, end in reference.prefixes:
        if dotted == row.name and row.new is not None:
            return start, end
    return reference.start, reference.end


def _returned(look: _Look) -> Iterator[_Made]:
    """The states that flows and tasks return."""
    seen: set[ast.AST] = set()
    for definition in look.module.definitions.values():
        function = definition.function
        if definition.kind not in (Kind.FLOW, Kind.TASK) or function is None or function in seen:
            continue
        if (definition.function_module or definition.module) is not look.module or function not in look.parents:
            continue
        seen.add(function)
        told = f"is returned by the {definition.kind.value} `{function.name}` and not its state on Prefect 3"
        for value in _values_returned(function):
            for made, helped in _states(look, value):
                yield from _row_of(made, ("returned",), told, helped)
                yield from _parts(look, made)


def _values_returned(function: FunctionNode) -> list[ast.expr]:
    """What a function returns; nothing for a generator, whose `return` is something else."""
    returned: list[ast.expr] = []
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(node, (ast.Yield, ast.YieldFrom)):
            return []
        if isinstance(node, ast.Return) and node.value is not None:
            returned.append(node.value)
        waiting += ast.iter_child_nodes(node)
    return returned


def _states(look: _Look, node: ast.expr, depth: int = 0) -> Iterator[tuple[Reference, bool]]:
    """The makers of the server's states that an expression gives, alone or in a list of nothing but states; each with whether a helper made it."""
    if depth > _FURTHEST:
        return
    for source in look.sources(node):
        if isinstance(source, (ast.List, ast.Tuple, ast.Set)):
            if all(_is_state(look, element) for element in source.elts):
                for element in source.elts:
                    yield from _states(look, element, depth + 1)
        elif isinstance(source, (ast.ListComp, ast.SetComp)):
            yield from _states(look, source.elt, depth + 1)
        elif isinstance(source, ast.Call):
            reference = _maker(look, source)
            helper = _helper(look, source)
            if reference is not None and reference.qualified.startswith(_SERVER_STATES):
                yield reference, False
            elif helper is not None:
                for value in _values_returned(helper):
                    yield from ((made, True) for made, _ in _states(look, value, depth + 2))


def _is_state(look: _Look, node: ast.expr) -> bool:
    """Whether an expression certainly gives a state of either side."""
    sources = list(look.sources(node))
    makers = [_maker(look, source) if isinstance(source, ast.Call) else None for source in sources]
    if all(maker is not None and maker.qualified.startswith(_STATES) for maker in makers):
        return True
    held = [look.home(source, INSTANCE) for source in sources]
    return all(home in ("prefect.client.schemas.objects.State", f"{_SERVER_STATES}State") for home in held)


def _maker(look: _Look, call: ast.Call) -> Optional[Reference]:
    """The use of a name of Prefect's whose call this is."""
    reference = look.module.resolve(call)
    return reference if reference is not None and reference.qualified and reference.call is call else None


def _helper(look: _Look, call: ast.Call) -> Optional[FunctionNode]:
    """The plain function of this module that a call calls."""
    if not isinstance(call.func, ast.Name):
        return None
    scope = look.scope(call)
    while True:
        functions = look.functions.get((scope, call.func.id), [])
        if functions or look.is_bound(scope, call.func.id) or scope is look.module.tree:
            break
        scope = look.scope(scope)
    if len(functions) != 1 or functions[0].decorator_list or look.is_bound(scope, call.func.id):
        return None
    return functions[0]


def _row_of(reference: Reference, places: Sequence[When], told: str, helped: bool = False) -> Iterator[_Made]:
    for when in places:
        row = lookalike(reference.qualified, when)
        if row is not None:
            yield _Made(reference, row, told, helped)
            return


def _handed(look: _Look) -> Iterator[_Made]:
    """What is handed to the client, the flow, a deployment, or a class of `prefect.client.schemas`."""
    for call in look.calls:
        receiver = _receiver(look, call)
        if receiver is None:
            continue
        places: tuple[When, ...] = ("argument",)
        if receiver.startswith(_CLASSES_OF_THE_CLIENT):
            places = ("argument", "nested")
        elif receiver.startswith(_MAKERS_OF_STATES):
            places = ("nested",)
        yield from _given(look, call, places, f"is given to `{_short(receiver)}`, which refuses it on Prefect 3")


def _receiver(look: _Look, call: ast.Call) -> Optional[str]:
    if not call.args and not call.keywords:
        return None
    reference = _maker(look, call)
    if reference is not None and reference.qualified.startswith((*_OTHER_RECEIVERS, _MAKERS_OF_STATES)):
        return reference.qualified
    if not isinstance(call.func, ast.Attribute):
        return None
    held = look.context.values.of(call.func, look.around(call.func))
    if held is None or held.kind != METHOD or held.home not in _RECEIVERS:
        return None
    return f"{held.home.replace(':', '.')}.{held.name}"


def _short(dotted: str) -> str:
    """A dotted name from its class on."""
    parts = dotted.split(".")
    first = next((at for at, part in enumerate(parts) if part[:1].isupper()), len(parts) - 1)
    return ".".join(parts[first:])


def _given(look: _Look, call: ast.Call, places: Sequence[When], told: str, depth: int = 0) -> Iterator[_Made]:
    """The rows of what a call is given, in displays and comprehensions too."""
    waiting: list[Optional[ast.expr]] = [*call.args, *(keyword.value for keyword in call.keywords)]
    while waiting and depth <= _FURTHEST:
        node = waiting.pop()
        for source in look.sources(node) if node is not None else ():
            if isinstance(source, (ast.List, ast.Tuple, ast.Set)):
                waiting += source.elts
            elif isinstance(source, ast.Dict):
                waiting += source.values
            elif isinstance(source, (ast.ListComp, ast.SetComp)):
                waiting.append(source.elt)
            elif isinstance(source, ast.Starred):
                waiting.append(source.value)
            elif isinstance(source, ast.Call):
                maker = _maker(look, source)
                for made in _row_of(maker, places, told) if maker is not None else ():
                    yield made
                    yield from _parts(look, made.reference, depth + 1) if made.row.new is not None else ()


def _parts(look: _Look, reference: Reference, depth: int = 0) -> Iterator[_Made]:
    """What a thing is made of that will be one of the client's: its parts have to be so too."""
    call = reference.call
    if call is not None:
        name = reference.qualified.rpartition(".")[2]
        told = f"is part of a `{name}` that has to be one of the client's on Prefect 3"
        yield from _given(look, call, ("argument", "nested"), told, depth)


# -- putting the new name in the place of the old


def _instead(look: _Look, made: _Made, all_made: Sequence[_Made]) -> Optional[Mend]:
    new = _new(look, made)
    imported = made.reference.imported
    if new is None or imported is None or imported.guarded:
        return None
    edits: Optional[Callable[[], Iterable[Edit]]]
    if imported.name is not None and imported.target == made.row.name and made.reference.direct:
        if imported.star:
            return None
        moving = {each.reference: each_new for each in all_made for each_new in (_new(look, each),) if each_new}
        edits = _moved(look, imported, new, moving)
    else:
        edits = None
    if edits is None:
        edits = _beside(look, made.reference, made.row, new)
    if edits is None:
        return None
    applicability = made.row.applicability
    if made.helped or _goes_elsewhere(look, made.reference):
        applicability = Applicability.UNSAFE
    return Mend(applicability, f"Use `{new}`", edits)


def _new(look: _Look, made: _Made) -> Optional[str]:
    """The new name, where the target has it and takes the same arguments."""
    call, row, target = made.reference.call, made.row, look.context.target
    if row.new is None or not target.reaches(row.new_since) or (target.both and row.new_since_2 is None):
        return None
    if call is not None and call.args and row.name.startswith(_SERVER_STATES):
        return None
    return row.new


def _moved(
    look: _Look, imported: Imported, new: str, moving: dict[Reference, str]
) -> Optional[Callable[[], Iterable[Edit]]]:
    """Edits that move the import, together with the others of its statement where all go the same way; None where a use has to stay."""
    module = look.module
    if not _may_move(look, imported, moving):
        return None
    home = new.rpartition(".")[0]
    together = [other for other in module.names.imported if other.statement is imported.statement]
    place = module_span(module, imported.statement)
    if place is not None and len(together) == len(imported.statement.names) > 1:
        homes = {_home_of(other, moving) if _may_move(look, other, moving) else None for other in together}
        if homes == {home}:
            return partial(list, (Edit(*place, home),))
    return lambda: move_import(module, imported, new, False)


def _may_move(look: _Look, imported: Imported, moving: Collection[Reference]) -> bool:
    if imported.scope is look.module.names.module_scope and look.context.passed_on(imported.local):
        return False
    uses = uses_of(look.module, imported)
    return any(use in moving for use in uses) and all(use in moving or _is_mere_annotation(look, use) for use in uses)


def _home_of(imported: Imported, moving: dict[Reference, str]) -> Optional[str]:
    """The module that an imported name goes to under its own name."""
    homes = {new.rpartition(".") for reference, new in moving.items() if reference.imported is imported}
    home, _, name = homes.pop() if len(homes) == 1 else ("", "", "")
    return home if name == imported.name else None


def _annotated(look: _Look, reference: Reference) -> Optional[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """The parameter, function or assignment that a use annotates, with the nodes around it."""
    chain = [*reference.use.parents, reference.node]
    for at in range(len(chain) - 2, -1, -1):
        parent, child = chain[at], chain[at + 1]
        annotation = getattr(parent, "annotation", None) or getattr(parent, "returns", None)
        if isinstance(parent, (ast.arg, ast.AnnAssign, *FUNCTIONS)) and child is annotation:
            return parent, tuple(chain[:at])
        if isinstance(parent, ast.stmt):
            return (parent, tuple(chain[:at])) if reference.use.in_string and parent is chain[-2] else None
        if isinstance(parent, ast.arg):
            return parent, tuple(chain[:at])
    return None


def _is_mere_annotation(look: _Look, reference: Reference) -> bool:
    """Whether a use annotates something that nothing checks at run time."""
    found = _annotated(look, reference)
    if found is None:
        return False
    annotated, parents = found
    if isinstance(annotated, ast.arg):
        return not _is_flow(look, parents)
    return not (parents and isinstance(parents[-1], ast.ClassDef) and isinstance(annotated, ast.AnnAssign))


def _is_flow(look: _Look, parents: Sequence[ast.AST]) -> bool:
    """Whether the innermost function around is a flow, whose parameters are validated."""
    function = next((parent for parent in reversed(parents) if isinstance(parent, FUNCTIONS)), None)
    return any(
        definition.kind is Kind.FLOW and definition.function is function
        for definition in look.module.definitions.values()
        if function is not None
    )


def _beside(look: _Look, reference: Reference, row: Lookalike, new: str) -> Optional[Callable[[], Iterable[Edit]]]:
    """Edits that import the new name next to the old one and use it at this place; None where no name is free."""
    module = look.module
    home, _, name = new.rpartition(".")
    start, end = _written(reference, row)
    for imported in module.names.imported:
        if imported.target == new and imported.scope is module.names.module_scope and not imported.guarded:
            bound = module.names.lookup(imported.local, reference.use.scope, start)
            if bound is not None and bound.imported is imported:
                return partial(_used, look, reference, Edit(start, end, imported.local), ())
    if _is_free(module, name):
        return partial(_used, look, reference, Edit(start, end, name), lambda: add_import(module, new))
    alias = f"Client{name}"
    if not _is_free(module, alias):
        return None
    return partial(
        _used, look, reference, Edit(start, end, alias), lambda: _import_as(look, reference, home, name, alias)
    )


def _used(
    look: _Look, reference: Reference, edit: Edit, more: Union[tuple[()], Callable[[], Iterable[Edit]]]
) -> Iterator[Edit]:
    """The edit at the use, those that import the new name, and the removal of an import that nothing else uses."""
    module, imported = look.module, reference.imported
    yield edit
    yield from more() if callable(more) else more
    if imported is None or imported.star or (imported.name is None and not imported.alias):
        return
    if imported.scope is module.names.module_scope and look.context.passed_on(imported.local):
        return
    if reference.direct and uses_of(module, imported) == [reference]:
        yield from remove_imports_of(module, [imported])


def _import_as(look: _Look, reference: Reference, home: str, name: str, alias: str) -> Iterator[Edit]:
    """Imports the new name under another one, right before the import of the old one: so that no fix moves that at the same time."""
    from migrator.rewriting.imports import ensure_import_edits
    from migrator.rewriting.statements import insert_before

    module, imported = look.module, reference.imported
    known = any(other.module == home and other.name is not None for other in module.names.imported)
    if known or imported is None or not reference.direct or len(imported.parents) > 1:
        yield from ensure_import_edits(module.text, module.tree, home, name, alias)
    else:
        yield insert_before(module.text, imported.statement, f"from {home} import {name} as {alias}")


def _is_free(module: Module, name: str) -> bool:
    return not hasattr(builtins, name) and name not in module.bound_names


def _goes_elsewhere(look: _Look, reference: Reference) -> bool:
    """Whether a variable holds the thing and is used for more than to return it, to hand it over and to read what is alike on both sides."""
    node: ast.AST = reference.call or reference.node
    parent = look.parents.get(node)
    while isinstance(
        parent, (ast.IfExp, ast.BoolOp, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.ListComp, ast.NamedExpr)
    ):
        node, parent = parent, look.parents.get(parent)
    targets = parent.targets if isinstance(parent, ast.Assign) else [getattr(parent, "target", None)]
    if not isinstance(parent, (ast.Assign, ast.AnnAssign)):
        return False
    if not all(isinstance(target, ast.Name) for target in targets):
        return True
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    loads = [load for name in names for load in look.loads.get((look.scope(parent), name), [])]
    return any(load not in look.followed and not _is_telling(look.parents.get(load)) for load in loads)


def _is_telling(node: Optional[ast.AST]) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in _TELLING or node.attr.startswith("is_")
    return isinstance(node, ast.Compare) and all(isinstance(operator, (ast.Is, ast.IsNot)) for operator in node.ops)


# -- what is called


def _called(look: _Look) -> Iterator[Draft]:
    """The functions and methods that do something else on 3.x."""
    module = look.module
    names = {reference.qualified for reference in module.references if reference.qualified}
    if not (
        ".serve(" in module.text
        or ("ecret" in module.text and ".get(" in module.text)
        or any(_may_matter_called(name, ".result(" in module.text) for name in names)
    ):
        return
    for call in look.calls:
        if not isinstance(call.func, (ast.Name, ast.Attribute)):
            continue
        dotted = look.called(call)
        row = lookalike(dotted, "called") if dotted else None
        if row is None or row.name != dotted or not look.is_inside(call, row.inside):
            continue
        reference = module.resolve(call)
        if not _matters_at(look, row, call) or (reference is not None and not _matters(look, row, reference)):
            continue
        yield from _CALLED.get(dotted, _just_called)(look, call, row)
    yield from _clients_of_contexts(look)


def _may_matter_called(dotted: str, asks_for_result: bool) -> bool:
    """Whether a module that uses a name may call something that has a row."""
    if dotted.startswith(_SERVER_STATES):
        return asks_for_result
    return dotted.startswith("prefect.context.") or lookalike(dotted, "called") is not None


def _matters_at(look: _Look, row: Lookalike, node: ast.AST) -> bool:
    return look.context.target.reaches(row.since) and not look.is_elsewhere(look.around(node), node)


def _draft(
    look: _Look, node: ast.AST, row: Lookalike, mend: Optional[Mend] = None, severity: Optional[Severity] = None
) -> Draft:
    since = "3" if row.since == "3.0" else row.since
    told = f"`{row.name}` is not the same on Prefect {since}. {row.advice}"
    if look.context.target.both and row.compat is not None:
        told += f" For both majors: `{row.compat}(...)` of `{look.context.target.compat}`."
    return look.context.draft(node, told, mend, severity or row.severity, row.url)


def _just_called(look: _Look, call: ast.Call, row: Lookalike) -> Iterator[Draft]:
    yield _draft(look, call.func, row)


def _secret_read(look: _Look, call: ast.Call, row: Lookalike) -> Iterator[Draft]:
    """`secret.get()` -> `secret.value.get_secret_value()`."""
    module = look.module
    _, name_end = span(call.func, module.index)
    _, end = span(call, module.index)
    mend = None
    if module.text[name_end - 3 : name_end] == "get" and not module.text[name_end:end].strip("( )\t\r\n"):
        edit = Edit(name_end - 3, end, "value.get_secret_value()")
        mend = Mend(Applicability.UNSAFE, "Read the text of the secret", partial(list, (edit,)))
    yield _draft(look, call.func, row, mend)


def _variable_read(look: _Look, call: ast.Call, row: Lookalike) -> Iterator[Draft]:
    """What is read from a variable that is a plain value on 3.x; with both majors in mind, every call."""
    reads = [read for read, sources in _reads(look) if call in sources]
    for read in reads:
        mend = None
        sources = next(sources for other, sources in _reads(look) if other is read)
        all_gotten = all(isinstance(each, ast.Call) and look.called(each) == row.name for each in sources)
        if look.context.target.both:
            mend = _variable_of_compat(look, read, call, sources)
        elif read.attr == "value" and all_gotten:
            _, start = span(read.value, look.module.index)
            _, end = span(read, look.module.index)
            tail = look.module.text[start:end]
            edit = Edit(end - len(tail.lstrip(" \t\r\n)")), end, "")
            mend = Mend(Applicability.UNSAFE, "Use the value as it is", partial(list, (edit,)))
        yield _draft(look, read, row, mend, Severity.ERROR)
    if look.context.target.both and not reads:
        yield _draft(look, call.func, row)


def _variable_of_compat(
    look: _Look, read: ast.Attribute, call: ast.Call, sources: Sequence[ast.expr]
) -> Optional[Mend]:
    """`Variable.get(...).value` -> `variable(...)`, and `(await Variable.get(...)).value` -> `await variable_async(...)`."""
    awaited = isinstance(read.value, ast.Await)
    gotten = read.value.value if isinstance(read.value, ast.Await) else read.value
    home = f"{look.context.target.compat}.variable{'_async' if awaited else ''}"
    if read.attr != "value" or gotten is not call or list(sources) != [call]:
        return None
    if not look.is_inside(read, "async" if awaited else "sync") or not can_add_import(look.module, home):
        return None
    start, end = span(read, look.module.index)
    _, name_end = span(call.func, look.module.index)
    _, call_end = span(call, look.module.index)
    new = f"{'await ' if awaited else ''}{local_name(look.module, home)}"
    edits = (Edit(start, name_end, new), Edit(call_end, end, ""))
    return Mend(Applicability.UNSAFE, f"Use `{home}`", lambda: [*edits, *add_import(look.module, home)])


def _reads(look: _Look) -> list[tuple[ast.Attribute, list[ast.expr]]]:
    """The attributes read that a variable of Prefect has, each with what may have made the object."""
    key = "PF111 reads"
    if key not in look.context.shared:
        look.context.shared[key] = [
            (node, list(look.sources(node.value)))
            for node in ast.walk(look.module.tree)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and node.attr in _MEMBERS_OF_VARIABLE
        ]
    found = look.context.shared[key]
    assert isinstance(found, list)
    return found


def _result_read(look: _Look, call: ast.Call, row: Lookalike) -> Iterator[Draft]:
    """A coroutine that is never run: not where something runs it."""
    if not _is_run(look, call):
        yield _draft(look, call.func, row)


def _futures_resolved(look: _Look, call: ast.Call, row: Lookalike) -> Iterator[Draft]:
    """A call that is awaited or run as a coroutine; with both majors in mind, every call."""
    parent, module = look.parents.get(call), look.module
    mend = None
    if isinstance(parent, ast.Await) and not look.context.target.both:
        start, _ = span(parent, module.index)
        match = _AWAIT.match(module.text, start)
        edit = Edit(start, match.end(), "") if match is not None else None
        mend = Mend(Applicability.SAFE, "Do not await it", partial(list, (edit,))) if edit is not None else None
    if isinstance(parent, ast.Await) or _is_run(look, call) or look.context.target.both:
        yield _draft(look, call.func, row, mend)


def _is_run(look: _Look, node: ast.AST) -> bool:
    """Whether a coroutine is given to something that runs it, as it is or in a list."""
    parent = look.parents.get(node)
    while isinstance(parent, (ast.List, ast.Tuple, ast.ListComp, ast.GeneratorExp, ast.Starred)):
        node, parent = parent, look.parents.get(parent)
    return isinstance(parent, ast.Call) and node is not parent.func and last_name(parent.func) in _RUNNERS


def _served(look: _Look, call: ast.Call, row: Lookalike) -> Iterator[Draft]:
    """`await serve(...)` -> `await aserve(...)`."""
    reference = _maker(look, call)
    mend = None
    if reference is not None and isinstance(look.parents.get(call), ast.Await):
        mend = _instead(look, _Made(reference, row, ""), _awaited_serves(look))
    yield _draft(look, call.func, row, mend)


def _awaited_serves(look: _Look) -> list[_Made]:
    found = []
    for reference in look.module.references:
        row = lookalike(reference.qualified, "called") if reference.qualified else None
        call = reference.call
        if row is not None and call is not None and row.name == reference.qualified:
            if isinstance(look.parents.get(call), ast.Await) and look.is_inside(call, row.inside):
                found.append(_Made(reference, row, ""))
    return found


_CALLED: dict[str, Callable[[_Look, ast.Call, Lookalike], Iterator[Draft]]] = {
    "prefect.blocks.system.Secret.get": _secret_read,
    "prefect.futures.resolve_futures_to_states": _futures_resolved,
    "prefect.serve": _served,
    "prefect.flows.serve": _served,
    "prefect.states.get_state_result": _result_read,
    "prefect.variables.Variable.get": _variable_read,
}


def _clients_of_contexts(look: _Look) -> Iterator[Draft]:
    """The client of a sync flow's context where its methods are still run as coroutines."""
    for call in look.calls:
        if last_name(call.func) not in _RUNNERS or not call.args:
            continue
        first = call.args[0]
        method = first.func if isinstance(first, ast.Call) else first
        for source in look.sources(method.value) if isinstance(method, ast.Attribute) else ():
            row = _row_of_client(look, source)
            if row is not None and look.is_inside(call, row.inside) and _matters_at(look, row, call):
                yield _draft(look, source, row)


def _row_of_client(look: _Look, node: ast.expr) -> Optional[Lookalike]:
    """The row of `context.client`, where the context is that of a run."""
    if not isinstance(node, ast.Attribute) or node.attr != "client":
        return None
    home = look.home(node.value, INSTANCE)
    if not home and any(
        isinstance(source, ast.Call) and look.called(source) == _CONTEXT_OF_ANY_RUN
        for source in look.sources(node.value)
    ):
        home = "prefect.context.FlowRunContext"
    row = lookalike(f"{home}.client", "used") if home else None
    return row if row is not None and row.name == f"{home}.client" else None


# -- what is written with two types


def _subscripted(look: _Look) -> Iterator[Draft]:
    """`PrefectFuture[R, Sync]`: an error where Python or Prefect evaluates it, else better written otherwise."""
    module = look.module
    for reference in module.references:
        row = lookalike(reference.qualified, "subscripted") if reference.qualified else None
        parent = reference.parent
        if row is None or row.name != reference.qualified or not _matters(look, row, reference):
            continue
        if not isinstance(parent, ast.Subscript) or parent.value is not reference.node:
            continue
        types = parent.slice
        if isinstance(types, ast.Tuple) and len(types.elts) == 2:
            severity = row.severity if _is_evaluated(look, reference) else Severity.INFO
            mend = Mend(Applicability.SAFE, "Leave one type", partial(_with_one_type, look, parent, types))
            yield _draft(look, parent, row, mend, severity)


def _with_one_type(look: _Look, subscript: ast.Subscript, types: ast.Tuple) -> Iterator[Edit]:
    """`PrefectFuture[R]`, for both majors `PrefectFuture`; and no import of what only stood there."""
    module = look.module
    dropped = types.elts[1:]
    if look.context.target.both:
        dropped = types.elts
        yield Edit(*span(subscript, module.index), module.source(subscript.value))
    else:
        yield Edit(*span(types, module.index), module.source(types.elts[0]))
    gone: list[Imported] = []
    for node in dropped:
        reference = module.resolve(node)
        imported = reference.imported if reference is not None and reference.direct else None
        if reference is None or imported is None or imported.name is None or imported.star or imported.guarded:
            continue
        kept = imported.scope is module.names.module_scope and look.context.passed_on(imported.local)
        if not kept and uses_of(module, imported) == [reference]:
            gone.append(imported)
    yield from remove_imports_of(module, gone)


def _is_evaluated(look: _Look, reference: Reference) -> bool:
    """Whether an expression is evaluated at run time: an annotation is not inside a function, nor (but for a flow's parameters) after `from
    __future__ import annotations`."""
    found = _annotated(look, reference)
    if found is None:
        return True
    annotated, parents = found
    if isinstance(annotated, ast.AnnAssign) and isinstance(annotated.target, ast.Name):
        inside = next((each for each in reversed(parents) if isinstance(each, (*FUNCTIONS, ast.ClassDef))), None)
        if isinstance(inside, FUNCTIONS):
            return False
    later = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(a.name == "annotations" for a in node.names)
        for node in look.module.tree.body
    )
    return not later or (isinstance(annotated, ast.arg) and _is_flow(look, parents))

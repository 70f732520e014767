"""What an expression holds at run time, where that is certain: an instance of a class of Prefect's, such a class, a function or method of it.

Nothing is guessed. A name that is bound in several places counts only where all of them agree; what comes from a parameter
without an annotation, from a dictionary or from a function of the user's is unknown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Optional, Union

from migrator.knowledge.api import Api, Entry, api
from migrator.knowledge.members import HOMES_ON_3
from migrator.model.module import Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS, last_name, span

Homes = tuple[tuple[str, int], ...]
"""Homes of a class or function (`module:qualname`), each with a mask of the minors in which it lives there."""

INSTANCE, CLASS, FUNCTION, METHOD, MANY, NOTHING = "instance", "class", "function", "method", "many", "nothing"
MAPPING = "mapping"
_FLOW, _TASK, _FUTURE = "prefect.flows:Flow", "prefect.tasks:Task", "prefect.futures:PrefectFuture"
_STATE = "prefect.client.schemas.objects:State"
_CLIENTS = ("prefect.client.orchestration:PrefectClient", "prefect.client.orchestration:SyncPrefectClient")
_ENTERED_AS_THEMSELVES = frozenset({"prefect.context:ContextModel", *_CLIENTS, "prefect.task_runners:TaskRunner"})
_READ_MANY = {"read_deployments": "prefect.client.schemas.responses:DeploymentResponse"}
"""Methods of the client that give a list of what has lost members."""
_GIVE_THEIR_CLASS = frozenset({"load", "aload", "load_from_ref", "aload_from_ref"})
_SEQUENCES = frozenset(
    {"list", "List", "Sequence", "Iterable", "Iterator", "set", "Set", "Collection", "MutableSequence", "frozenset"}
)
_COPIERS = frozenset({"frozenset", "iter", "list", "reversed", "set", "sorted", "tuple"})
"""Built-in functions that give the elements of their first argument."""
_OF_CONTAINERS = frozenset({"copy", "get", "pop", "values"})
"""Methods of lists, sets and dictionaries that give the container again, or what is in it."""
_MUTATORS = frozenset(
    {"setdefault", "update", "extend", "insert", "pop", "remove", "clear", "__setitem__", "sort", "reverse"}
)
_KEEP_SELF = frozenset({"property", "cached_property", "sync_compatible", "abstractmethod", "override", "flow", "task"})
_HARMLESS_BASES = frozenset({"ABC", "Generic", "object", "Protocol"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = (*FUNCTIONS, ast.Lambda, ast.ClassDef, ast.Module, *_COMPREHENSIONS)
_OF_COMPAT = {"submit_async": "submit", "map_async": "map"}
"""Functions of `compat` that give futures, and the methods of tasks that they stand for."""
_REBINDS = re.compile(r"\b(?:global|nonlocal)[ \t]+(\w+(?:[ \t]*,[ \t]*\w+)*)")
_DEPTH = 24


@dataclass(frozen=True)
class Value:
    """What is certain of an expression."""

    kind: str
    homes: Homes = ()
    """Of the class, for an instance or a class; of the function; of the class of a method's owner."""
    name: str = ""
    """The method's name; the place (`module:name`) where a function was looked up."""
    of: Optional[Value] = None
    """What a list or another iterable holds, or a dictionary under its keys."""
    own: frozenset[str] = frozenset()
    """What the user's own subclasses define: of these members nothing is known."""
    entry: Optional[Entry] = field(default=None, compare=False)
    """What the data says of the function or method."""
    on_class: bool = False
    """Whether a method was looked up on the class itself."""

    @property
    def home(self) -> str:
        """The home on the newest 2.x that has it, else on the newest 3.x."""
        data = api()
        return _newest(self.homes, data.of_2) or _newest(self.homes, data.everything) or ""

    def home_on(self, release: int) -> Optional[str]:
        """Where the class or function lives on one minor; None where that is not known or it is not there."""
        return home_on(self.homes, release)


def home_on(homes: Homes, release: int) -> Optional[str]:
    """Where what has these homes lives on one minor."""
    data = api()
    direct = _newest(homes, release)
    if direct is not None:
        return direct
    for home, _ in sorted(homes, key=lambda each: -each[1].bit_length()):
        module, _, name = home.partition(":")
        klass = data.klass(home)
        if klass is not None and klass.releases & release:
            return home
        entry = data.entry(module, name) if "." not in name else None
        if entry is not None and entry.releases & release:
            return entry.home(release)
        moved = HOMES_ON_3.get(home.replace(":", "."))
        if moved is not None:
            home, _, last = moved.rpartition(".")
            return f"{home}:{last}"
    return None


def _newest(homes: Homes, mask: int) -> Optional[str]:
    living = [(releases & mask, home) for home, releases in homes if releases & mask]
    return max(living, key=lambda each: each[0].bit_length())[1] if living else None


def _agreed(values: Iterable[Optional[Value]]) -> Optional[Value]:
    """The value that all have, None constants left out; None where one is unknown or they differ."""
    agreed: Optional[Value] = None
    for value in values:
        if value is None:
            return None
        if value.kind == NOTHING:
            continue
        if agreed is not None and not _same(agreed, value):
            return None
        agreed = value
    return agreed


def _same(one: Value, other: Value) -> bool:
    if one.kind != other.kind or one.name != other.name or one.own != other.own:
        return False
    if one.of is not None and other.of is not None:
        return _same(one.of, other.of)
    return one.of is other.of and one.home == other.home


@dataclass(frozen=True)
class _Bound:
    """One binding of a name: how, and the expression that tells what it holds."""

    how: str
    """`assigned`, `iterated`, `looked up`, `entered`, `annotated`, `import`, `function`, `class`, `self`, `cls`, `other`."""
    node: Any


Scopes = tuple[ast.AST, ...]
"""The nodes around a place that open scopes, outermost first."""


@dataclass(eq=False)
class _Table:
    """The names that one scope binds."""

    names: dict[str, list[_Bound]] = field(default_factory=dict)
    appended: dict[str, list[Optional[ast.expr]]] = field(default_factory=dict)
    """What is appended to a list of that name; None for a change of another sort."""


class Values:
    """Tells what the expressions of one module hold."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self._tables: dict[ast.AST, _Table] = {}
        self._known: dict[ast.AST, Optional[Value]] = {}
        self._others: dict[str, Values] = {module.path: self}
        self._depth = 0

    def of(self, node: ast.expr, parents: Sequence[ast.AST]) -> Optional[Value]:
        """What an expression holds; `parents` are the nodes around it, outermost first. None where that is not certain."""
        return self._of(node, scopes_around(parents, node))

    # -- expressions

    def _of(self, node: ast.expr, scopes: Scopes) -> Optional[Value]:
        if node in self._known:
            return self._known[node]
        if self._depth > _DEPTH:
            return None
        self._known[node] = None
        self._depth += 1
        try:
            self._known[node] = self._found(node, scopes)
        finally:
            self._depth -= 1
        return self._known[node]

    def _found(self, node: ast.expr, scopes: Scopes) -> Optional[Value]:
        if isinstance(node, ast.Name):
            return self._of_name(node, scopes)
        if isinstance(node, ast.Attribute):
            return self._of_attribute(node, scopes)
        if isinstance(node, ast.Call):
            return self._of_call(node, scopes)
        if isinstance(node, (ast.Await, ast.NamedExpr)):
            return self._of(node.value, scopes)
        if isinstance(node, ast.IfExp):
            return _agreed(self._of(each, scopes) for each in (node.body, node.orelse))
        if isinstance(node, ast.BoolOp):
            return _agreed(self._of(each, scopes) for each in node.values)
        if isinstance(node, ast.Constant):
            return Value(NOTHING) if node.value is None else None
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return self._many_of(node.elts, scopes)
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            return _many(self._of(node.elt, (*scopes, node)))
        if isinstance(node, ast.Dict):
            return None if None in node.keys else _mapping(_agreed(self._of(each, scopes) for each in node.values))
        if isinstance(node, ast.DictComp):
            return _mapping(self._of(node.value, (*scopes, node)))
        if isinstance(node, ast.Subscript):
            held = self._of(node.value, scopes)
            if held is not None and held.kind == MAPPING:
                return held.of
            if held is not None and held.kind == MANY:
                return held if isinstance(node.slice, ast.Slice) else held.of
        return None

    def _of_name(self, node: ast.Name, scopes: Scopes) -> Optional[Value]:
        if node.id in self._rebound_from_inside:
            return None
        reference = self._reference(node)
        for at in range(len(scopes), 0, -1):
            scope = scopes[at - 1]
            if isinstance(scope, ast.ClassDef) and at != len(scopes):
                continue
            table = self._table(scope)
            if node.id in table.names:
                return self._bound(node.id, table, scopes[:at], reference)
        return self._of_reference(reference) if reference is not None and reference.imported is not None else None

    def _of_attribute(self, node: ast.Attribute, scopes: Scopes) -> Optional[Value]:
        reference = self._reference(node)
        if reference is not None and reference.qualified and self._root_is_imported(node, scopes):
            return self._of_reference(reference)
        owner = self._of(node.value, scopes)
        if owner is not None:
            return attribute(owner, node.attr)
        if reference is not None and reference.definition is not None and not reference.rest:
            return self._of_reference(reference) if self._root_is_imported(node, scopes) else None
        return None

    def _root_is_imported(self, node: ast.Attribute, scopes: Scopes) -> bool:
        """Whether the name at the root of a dotted expression is bound by imports alone."""
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or root.id in self._rebound_from_inside:
            return False
        for at in range(len(scopes), 0, -1):
            scope = scopes[at - 1]
            if isinstance(scope, ast.ClassDef) and at != len(scopes):
                continue
            bound = self._table(scope).names.get(root.id)
            if bound is not None:
                return all(each.how == "import" for each in bound)
        return True

    def _of_call(self, node: ast.Call, scopes: Scopes) -> Optional[Value]:
        if isinstance(node.func, ast.Name) and node.func.id in _COPIERS and node.args:
            if any(node.func.id in self._table(scope).names for scope in scopes):
                return None
            held = self._of(node.args[0], scopes)
            return held if held is not None and held.kind == MANY else None
        if isinstance(node.func, ast.Attribute) and node.func.attr in _OF_CONTAINERS:
            held = self._of(node.func.value, scopes)
            if held is not None and held.kind in (MANY, MAPPING):
                return _given_by_container(held, node.func.attr, node)
        called = self._of(node.func, scopes)
        if called is None and _last_name(node.func) == "gather":
            return self._many_of(node.args, scopes)  # `asyncio.gather(...)`, awaited
        if called is None and isinstance(node.func, ast.Name) and node.func.id in _OF_COMPAT:
            submitting = Value(METHOD, ((_TASK, api().everything),), _OF_COMPAT[node.func.id])
            return self._given_by_method(submitting, node)
        return self._given(called, node, scopes) if called is not None else None

    def _many_of(self, elements: Sequence[ast.expr], scopes: Scopes) -> Optional[Value]:
        """What a list of these elements holds, `*several` among them."""
        held = []
        for element in elements:
            if isinstance(element, ast.Starred):
                several = self._of(element.value, scopes)
                held.append(several.of if several is not None and several.kind == MANY else None)
            else:
                held.append(self._of(element, scopes))
        return _many(_agreed(held))

    def _given(self, called: Value, call: ast.Call, scopes: Scopes) -> Optional[Value]:
        """What a call gives, awaited where that is needed."""
        if called.kind == CLASS:
            return replace(called, kind=INSTANCE)
        if called.kind == INSTANCE and called.home in (_FLOW, _TASK):
            return _instance(_STATE) if _returns_state(call) else None
        if called.kind == FUNCTION:
            return self._given_by_function(called, call, scopes)
        if called.kind == METHOD:
            return self._given_by_method(called, call)
        return None

    def _given_by_function(self, called: Value, call: ast.Call, scopes: Scopes) -> Optional[Value]:
        home = called.home
        if home in ("prefect.flows:flow", "prefect.tasks:task"):
            made = _FLOW if home.endswith(":flow") else _TASK
            return _instance(made) if len(call.args) == 1 and not isinstance(call.args[0], ast.Starred) else None
        if home == "prefect.client.orchestration:get_client":
            asked = next((each.value for each in call.keywords if each.arg in (None, "sync_client")), None)
            if asked is not None:
                is_true = isinstance(asked, ast.Constant) and asked.value is True
                return _instance(_CLIENTS[1]) if is_true else None
            return _instance(_CLIENTS[0])
        if home == "prefect.futures:as_completed" and call.args:
            held = self._of(call.args[0], scopes)
            return held if held is not None and held.kind == MANY else None
        return _gives(called.entry)

    def _given_by_method(self, called: Value, call: ast.Call) -> Optional[Value]:
        owner, name = called.home, called.name
        if owner == _TASK and name in ("submit", "map"):
            returned = _returns_state(call)
            if returned is None:
                return None
            one = _instance(_STATE if returned else _FUTURE)
            return one if name == "submit" else _many(one)
        if name == "with_options" and owner in (_FLOW, _TASK):
            return _instance(owner)
        if owner == _FUTURE and name in ("wait", "get_state"):
            return _instance(_STATE)
        if owner in _CLIENTS and name in _READ_MANY:
            return _many(_instance(_READ_MANY[name]))
        itself = Value(INSTANCE, called.homes, own=called.own)
        bases = {klass.home for klass, _ in api().lineage(owner)}
        if name in _GIVE_THEIR_CLASS and "prefect.blocks.core:Block" in bases:
            return itself
        if name == "get" and "prefect.context:ContextModel" in bases:
            return itself if called.on_class else None
        given = _gives(called.entry)
        is_maker = called.entry is not None and any(kind == "classmethod" for kind, _ in called.entry.kinds)
        if is_maker and given is not None and given.home in bases:
            return itself
        return given

    # -- names

    def _bound(self, name: str, table: _Table, scopes: Scopes, reference: Optional[Reference]) -> Optional[Value]:
        bounds = table.names[name]
        if all(each.how == "import" for each in bounds):
            return self._of_reference(reference) if reference is not None else None
        if name in table.appended:
            return self._list_grown(bounds, table.appended[name], scopes)
        return _agreed(self._of_bound(each, scopes, reference) for each in bounds)

    def _of_bound(self, bound: _Bound, scopes: Scopes, reference: Optional[Reference]) -> Optional[Value]:
        node = bound.node
        if bound.how == "assigned":
            return self._of(node, scopes)
        if bound.how == "iterated":
            held = self._of(node, scopes)
            return held.of if held is not None and held.kind == MANY else None
        if bound.how == "looked up":
            held = self._of(node, scopes)
            return held.of if held is not None and held.kind == MAPPING else None
        if bound.how == "entered":
            return _entered(self._of(node, scopes))
        if bound.how == "annotated":
            return self._annotated(node, scopes)
        if bound.how == "function":
            return self._of_function(node)
        if bound.how == "class":
            return self._of_class(node, scopes)
        if bound.how in ("self", "cls"):
            klass = self._of_class(node, scopes[: scopes.index(node)] if node in scopes else scopes)
            return replace(klass, kind=INSTANCE) if klass is not None and bound.how == "self" else klass
        return None

    def _list_grown(
        self, bounds: Sequence[_Bound], appended: Sequence[Optional[ast.expr]], scopes: Scopes
    ) -> Optional[Value]:
        """A list or dictionary that starts empty, or with what all that is added agrees with."""
        for bound in bounds:
            start = bound.node
            if bound.how != "assigned" or not isinstance(start, (ast.List, ast.ListComp, ast.Dict, ast.DictComp)):
                return None
        kinds = {isinstance(bound.node, (ast.Dict, ast.DictComp)) for bound in bounds}
        grown = (self._of(bound.node, scopes) for bound in bounds if _starts_with_something(bound.node))
        started = list(grown)
        if len(kinds) != 1 or any(value is None for value in started):
            return None
        first = [value.of for value in started if value is not None]
        held = _agreed([*first, *(self._of(each, scopes) if each is not None else None for each in appended)])
        return _mapping(held) if True in kinds else _many(held)

    def _of_function(self, node: ast.AST) -> Optional[Value]:
        definition = self.module.definitions.get(node)
        if definition is None or definition.kind not in (Kind.TASK, Kind.FLOW) or not isinstance(node, FUNCTIONS):
            return None
        return (
            _instance(_TASK if definition.kind is Kind.TASK else _FLOW)
            if definition.decorator is node.decorator_list[0]
            else None
        )

    def _of_class(self, node: ast.AST, scopes: Scopes) -> Optional[Value]:
        """A class of the user's that derives from one of Prefect's, and from nothing else that could add members."""
        if not isinstance(node, ast.ClassDef) or node.decorator_list:
            return None
        found: Optional[Value] = None
        for base in node.bases:
            held = self._of(base.value if isinstance(base, ast.Subscript) else base, scopes)
            if held is not None and held.kind == CLASS and found is None:
                found = held
            elif _last_name(base.value if isinstance(base, ast.Subscript) else base) not in _HARMLESS_BASES:
                return None
        own = _defined_in(node) if found is not None else frozenset()
        if found is None or "__getattr__" in own or "__getattribute__" in own:
            return None
        return replace(found, own=found.own | own)

    # -- annotations

    def _annotated(self, node: Any, scopes: Scopes) -> Optional[Value]:
        """What an annotation promises."""
        if isinstance(node, ast.Constant):
            if node.value is None:
                return Value(NOTHING)
            return self._in_quotes(node) if isinstance(node.value, str) else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return _agreed(self._annotated(each, scopes) for each in (node.left, node.right))
        if isinstance(node, ast.Subscript):
            name = _last_name(node.value)
            inner = node.slice
            if name in ("Optional", "Annotated"):
                return self._annotated(
                    inner.elts[0] if name == "Annotated" and isinstance(inner, ast.Tuple) else inner, scopes
                )
            if name == "Union" and isinstance(inner, ast.Tuple):
                return _agreed(self._annotated(each, scopes) for each in inner.elts)
            if name in _SEQUENCES:
                return _many(self._annotated(inner, scopes))
            if name == "PrefectFutureList":
                return _many(_instance(_FUTURE))
            node = node.value
        if isinstance(node, (ast.Name, ast.Attribute)):
            held = self._of(node, scopes)
            return replace(held, kind=INSTANCE) if held is not None and held.kind == CLASS else None
        return None

    def _in_quotes(self, node: ast.Constant) -> Optional[Value]:
        """An annotation in quotes that is but a dotted name, with or without brackets."""
        start, end = span(node, self.module.index)
        spelled = str(node.value).strip()
        for use in self.module.names.uses:
            if use.in_string and start <= use.start < end:
                dotted = ".".join((use.name, *use.attributes))
                if spelled == dotted or spelled in (f"Optional[{dotted}]", f"{dotted} | None"):
                    reference = self.module.resolve(use.node)
                    held = self._of_reference(reference) if reference is not None else None
                    return replace(held, kind=INSTANCE) if held is not None and held.kind == CLASS else None
        return None

    # -- references

    @cached_property
    def _links(self) -> dict[ast.AST, tuple[ast.expr, int]]:
        """Each node of a dotted use that is not the whole of it: the whole, and how many attributes follow."""
        return {
            link: (use.node, len(use.chain) - 1 - at)
            for use in self.module.names.uses
            for at, link in enumerate(use.chain[:-1])
        }

    def _reference(self, node: ast.expr) -> Optional[Reference]:
        """What a name or dotted expression stands for, part of a longer one or not."""
        whole, more = self._links.get(node, (node, 0))
        if isinstance(whole, ast.Call):
            return None
        reference = self.module.resolve(whole)
        if reference is None or not more:
            return reference
        if reference.definition is None:
            parts = reference.qualified.split(".")
            return replace(reference, qualified=".".join(parts[:-more]))
        if more > len(reference.rest):
            return None
        return replace(reference, rest=reference.rest[: len(reference.rest) - more])

    def _of_reference(self, reference: Optional[Reference]) -> Optional[Value]:
        if reference is None:
            return None
        if reference.definition is not None:
            held = self._of_definition(reference.definition)
            for name in reference.rest:
                held = attribute(held, name) if held is not None else None
            return held
        return named(reference.qualified) if reference.qualified else None

    def _of_definition(self, definition: Definition) -> Optional[Value]:
        """What a definition of another module, or one that a reference leads to, is."""
        there = self._others.get(definition.module.path)
        if there is None:
            there = Values(definition.module)
            there._others = self._others
            self._others[definition.module.path] = there
        bounds = there._table(definition.module.tree).names.get(definition.name)
        if self._depth > _DEPTH or not bounds:
            return None
        self._depth += 1
        there._depth += there is not self
        try:
            if any(each.how == "import" for each in bounds) or definition.name in there._rebound_from_inside:
                return None
            table = there._table(definition.module.tree)
            return there._bound(definition.name, table, (definition.module.tree,), None)
        finally:
            self._depth -= 1
            there._depth -= there is not self

    # -- scopes

    @cached_property
    def _rebound_from_inside(self) -> frozenset[str]:
        """Names that an inner function rebinds outside of itself."""
        listed = _REBINDS.findall(self.module.text)
        return frozenset(name for names in listed for name in re.findall(r"\w+", names))

    def _table(self, scope: ast.AST) -> _Table:
        if scope not in self._tables:
            table = self._tables[scope] = _Table()
            for name, bound in _bindings(scope, table, ":=" in self.module.text):
                table.names.setdefault(name, []).append(bound)
            if isinstance(scope, FUNCTIONS):
                self._note_self(scope, table)
        return self._tables[scope]

    def _note_self(self, function: ast.AST, table: _Table) -> None:
        klass = self._class_of.get(function)
        arguments = function.args  # type: ignore[attr-defined]
        positional = [*arguments.posonlyargs, *arguments.args]
        if klass is None or not positional:
            return
        decorators = {_last_name(each) for each in function.decorator_list}  # type: ignore[attr-defined]
        how = "cls" if "classmethod" in decorators else "self" if decorators <= _KEEP_SELF else "other"
        first = positional[0]
        if first.annotation is None and len(table.names[first.arg]) == 1:
            table.names[first.arg] = [_Bound(how, klass)]

    @cached_property
    def _class_of(self) -> dict[ast.AST, ast.ClassDef]:
        """The class of each method."""
        found: dict[ast.AST, ast.ClassDef] = {}
        waiting: list[ast.AST] = [self.module.tree]
        while waiting:
            node = waiting.pop()
            inner = list(_statements_in(node))
            waiting += [each for each in inner if hasattr(each, "body")]
            if isinstance(node, ast.ClassDef):
                found.update((each, node) for each in node.body if isinstance(each, FUNCTIONS))
        return found


# -- what the data says


def named(dotted: str) -> Optional[Value]:
    """What a dotted name of Prefect is; None for modules, values and what the data does not know."""
    data = api()
    parts = dotted.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:length])
        if data.block(module) is None:
            continue
        entry = data.entry(module, parts[length])
        held = _of_entry(data, entry, module) if entry is not None else None
        for name in parts[length + 1 :]:
            held = attribute(held, name) if held is not None else None
        return held
    return None


def _of_entry(data: Api, entry: Entry, module: str) -> Optional[Value]:
    kinds = {kind for kind, _ in entry.kinds}
    if entry.outside or len(kinds) != 1:
        return None
    if kinds == {"class"}:
        return Value(CLASS, entry.homes)
    if kinds == {"def"}:
        return Value(FUNCTION, entry.homes, f"{module}:{entry.name}", entry=_at_home(data, entry))
    if kinds == {"flow"} or kinds == {"task"}:
        return _instance(_FLOW if kinds == {"flow"} else _TASK)
    return _gives(entry) if kinds == {"var"} else None


def _at_home(data: Api, entry: Entry) -> Entry:
    """A function as its home has it, which alone knows its parameters; what it gives is known at either place."""
    module, _, name = (_newest(entry.homes, data.everything) or "").partition(":")
    there = data.entry(module, name) if module else None
    return replace(there, gives=there.gives or entry.gives) if there is not None else entry


def attribute(owner: Value, name: str) -> Optional[Value]:
    """What an attribute of a value is."""
    if owner.kind not in (INSTANCE, CLASS) or name in owner.own:
        return None
    found = api().member(owner.home, name)
    entry = found[1] if found is not None else None
    if entry is None:
        later = owner.home_on(api().newest)
        found = api().member(later, name) if later is not None else None
        entry = found[1] if found is not None else None
    if entry is None:
        return None
    if entry.call is not None or any(kind in ("classmethod", "static") for kind, _ in entry.kinds):
        return Value(METHOD, owner.homes, name, own=owner.own, entry=entry, on_class=owner.kind == CLASS)
    return _gives(entry) if owner.kind == INSTANCE else None


def _gives(entry: Optional[Entry]) -> Optional[Value]:
    return Value(INSTANCE, entry.gives) if entry is not None and entry.gives else None


def _instance(home: str) -> Value:
    return Value(INSTANCE, ((home, api().everything),))


def _many(of: Optional[Value]) -> Optional[Value]:
    return Value(MANY, of=of) if of is not None and of.kind != NOTHING else None


def _mapping(of: Optional[Value]) -> Optional[Value]:
    return Value(MAPPING, of=of) if of is not None and of.kind != NOTHING else None


def _starts_with_something(node: Any) -> bool:
    return bool(getattr(node, "elts", True)) and not (isinstance(node, ast.Dict) and not node.values)


def _given_by_container(held: Value, method: str, call: ast.Call) -> Optional[Value]:
    """What a method of a list, a set or a dictionary gives, None for what may be a default."""
    if method == "copy":
        return held if not call.args else None
    if method == "values":
        return _many(held.of) if held.kind == MAPPING else None
    if method == "get" and held.kind != MAPPING:
        return None
    return held.of if len(call.args) <= 1 and not call.keywords else None


def _entered(manager: Optional[Value]) -> Optional[Value]:
    """What `with ... as` binds, for those that give themselves."""
    if manager is None or manager.kind != INSTANCE:
        return None
    bases = {klass.home for klass, _ in api().lineage(manager.home)}
    return manager if bases & _ENTERED_AS_THEMSELVES else None


def _returns_state(call: ast.Call) -> Optional[bool]:
    """Whether a task or flow is asked for its state; None where that is decided at run time."""
    for keyword in call.keywords:
        if keyword.arg == "return_state":
            return keyword.value.value is True if isinstance(keyword.value, ast.Constant) else None
    return False


# -- what the text binds


def scopes_around(parents: Sequence[ast.AST], node: ast.AST) -> Scopes:
    """The scopes in which an expression stands: a decorator, a default or an annotation is outside of its function."""
    scopes: list[ast.AST] = []
    chain = [*parents, node]
    for parent, child in zip(chain, chain[1:]):
        if not isinstance(parent, _SCOPES):
            continue
        if isinstance(parent, (*FUNCTIONS, ast.ClassDef)) and not any(child is each for each in parent.body):
            continue
        if isinstance(parent, ast.Lambda) and child is not parent.body:
            continue
        if isinstance(parent, _COMPREHENSIONS) and child is parent.generators[0]:
            inside = chain[chain.index(child) + 1] if child is not chain[-1] else None
            if inside is parent.generators[0].iter:
                continue
        scopes.append(parent)
    return tuple(scopes)


def _bindings(scope: ast.AST, table: _Table, everywhere: bool) -> Iterator[tuple[str, _Bound]]:
    """Each name that a scope binds, nested scopes left out; `everywhere` where an expression may bind names too."""
    if isinstance(scope, (*FUNCTIONS, ast.Lambda)):
        yield from _parameters(scope.args)
    if isinstance(scope, _COMPREHENSIONS):
        for generator in scope.generators:
            yield from _targets(generator.target, "iterated", generator.iter)
        return
    waiting: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(scope.body)  # type: ignore[attr-defined]
    while waiting:
        node = waiting.pop()
        if isinstance(node, FUNCTIONS):
            yield node.name, _Bound("function", node)
            if everywhere:
                waiting += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
            continue
        if isinstance(node, ast.ClassDef):
            yield node.name, _Bound("class", node)
            if everywhere:
                waiting += [*node.decorator_list, *node.bases]
            continue
        if isinstance(node, ast.Lambda):
            continue
        yield from _of_statement(node)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
                    added = None if isinstance(target.slice, ast.Slice) else node.value
                    table.appended.setdefault(target.value.id, []).append(added)
        called = node.value if isinstance(node, ast.Expr) else None
        if isinstance(called, ast.Call) and isinstance(called.func, ast.Attribute):
            _note_change(called, called.func, table)
        waiting += ast.iter_child_nodes(node) if everywhere else _statements_in(node)


def _statements_in(node: ast.AST) -> Iterator[ast.AST]:
    """What stands directly in the blocks of a statement: statements, and what else binds names."""
    for name in ("body", "orelse", "handlers", "finalbody", "cases", "items"):
        block = getattr(node, name, None)
        if isinstance(block, list):  # the body of a lambda is an expression
            yield from block
    pattern = getattr(node, "pattern", None)
    if pattern is not None:
        yield from ast.walk(pattern)


def _of_statement(node: ast.AST) -> Iterator[tuple[str, _Bound]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _targets(target, "assigned", node.value)
    elif isinstance(node, ast.AnnAssign):
        if isinstance(node.target, ast.Name):
            yield node.target.id, _Bound("annotated", node.annotation)
    elif isinstance(node, ast.NamedExpr):
        yield from _targets(node.target, "assigned", node.value)
    elif isinstance(node, ast.AugAssign):
        yield from _targets(node.target, "other", node.value)
    elif isinstance(node, (ast.For, ast.AsyncFor)):
        yield from _targets(node.target, "iterated", node.iter)
    elif isinstance(node, ast.withitem):
        if node.optional_vars is not None:
            yield from _targets(node.optional_vars, "entered", node.context_expr)
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            yield (alias.asname or alias.name).split(".")[0], _Bound("import", node)
    elif isinstance(node, ast.Delete):
        for target in node.targets:
            yield from _targets(target, "other", None)
    elif isinstance(node, ast.ExceptHandler) or type(node).__name__ in ("MatchAs", "MatchStar", "MatchMapping"):
        name = getattr(node, "name", None) or getattr(node, "rest", None)
        if name:
            yield name, _Bound("other", node)


def _targets(target: ast.AST, how: str, value: Optional[ast.expr]) -> Iterator[tuple[str, _Bound]]:
    if isinstance(target, ast.Name):
        yield target.id, _Bound(how, value)
    elif isinstance(target, ast.Starred):
        yield from _targets(target.value, "other", value)
    elif isinstance(target, (ast.Tuple, ast.List)):
        alike = (
            how == "assigned"
            and isinstance(value, (ast.Tuple, ast.List))
            and len(value.elts) == len(target.elts)
            and not any(isinstance(each, ast.Starred) for each in (*value.elts, *target.elts))
        )
        items = _items_of(how, value) if len(target.elts) == 2 else None
        if items is not None:
            yield from _targets(target.elts[0], "other", None)
            yield from _targets(target.elts[1], "looked up", items)
            return
        beside = _beside_each_other(target, how, value)
        for at, each in enumerate(target.elts):
            if beside and at < len(beside):
                yield from _targets(each, how if beside[at] is not None else "other", beside[at])
            elif alike and isinstance(value, (ast.Tuple, ast.List)):
                yield from _targets(each, how, value.elts[at])
            else:
                yield from _targets(each, "other", value)


def _items_of(how: str, value: Optional[ast.expr]) -> Optional[ast.expr]:
    """The dictionary that `for key, value in x.items()` goes over."""
    if how == "iterated" and isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return value.func.value if value.func.attr == "items" and not value.args else None
    return None


def _beside_each_other(
    target: Union[ast.Tuple, ast.List], how: str, value: Optional[ast.expr]
) -> Sequence[Optional[ast.expr]]:
    """What each name of `for a, b in zip(x, y)` and `for at, a in enumerate(x)` goes over; nothing for other targets."""
    called = value if how == "iterated" and isinstance(value, ast.Call) and isinstance(value.func, ast.Name) else None
    if called is None or any(isinstance(each, ast.Starred) for each in (*called.args, *target.elts)):
        return ()
    name = called.func.id  # type: ignore[attr-defined]
    if name == "zip" and len(called.args) == len(target.elts):
        return called.args
    if name == "enumerate" and called.args and len(target.elts) == 2:
        return (None, called.args[0])
    return ()


def _parameters(arguments: ast.arguments) -> Iterator[tuple[str, _Bound]]:
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        how = "annotated" if argument.annotation is not None else "other"
        yield argument.arg, _Bound(how, argument.annotation)
    for extra in (arguments.vararg, arguments.kwarg):
        if extra is not None:
            yield extra.arg, _Bound("other", extra)


def _note_change(call: ast.Call, function: ast.Attribute, table: _Table) -> None:
    if not isinstance(function.value, ast.Name):
        return
    if function.attr == "append" and len(call.args) == 1:
        table.appended.setdefault(function.value.id, []).append(call.args[0])
    elif function.attr in _MUTATORS:
        kept = function.attr in ("pop", "remove", "clear", "sort", "reverse")
        if not kept:
            table.appended.setdefault(function.value.id, []).append(None)


def _defined_in(node: ast.ClassDef) -> frozenset[str]:
    """The members that a class defines itself, in its body or by assignment to an attribute in one of its methods."""
    names: set[str] = set()
    for child in ast.walk(node):
        if isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            names.add(child.name)
        elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            names.add(child.attr)
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            names.add(child.id)
        elif isinstance(child, ast.Call) and _last_name(child.func) == "setattr":
            names.add("__getattr__")
    return frozenset(names)


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    return last_name(node)

"""The runs that a function starts, and where the future or state of each one goes."""

from __future__ import annotations

import ast
import enum
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Optional, Union

from migrator.model.module import Definition, Kind, Module, Reference
from migrator.model.names import FUNCTIONS, FunctionNode, keyword_value, last_name

Parents = tuple[ast.AST, ...]
End = Union[ast.Return, ast.Raise, FunctionNode]
"""Where a function ends: at a `return`, at a `raise` that nothing in it catches, or after its last statement (the function itself)."""

SUBMITTING = frozenset({"submit", "map"})
_SUBMITTING_FOR_BOTH = frozenset({"submit", "map", "submit_async", "map_async"})
"""The functions of `compat` that take the task as their first argument."""
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)
_ASSIGNMENTS = (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.AugAssign)
_LOOPS = (ast.For, ast.AsyncFor, ast.While)
_ADD_ONE = frozenset({"append", "appendleft", "add", "insert", "put", "put_nowait"})
_ADD_ALL = frozenset({"extend", "update"})
_TAKE_ONE = frozenset({"pop", "popleft", "popitem", "get"})
_SAME_ELEMENTS = frozenset({"values", "items", "copy", "keys"})
_WAITING = frozenset({"wait", "wait_async"})
_COMPLETING = frozenset({"as_completed", "as_completed_async"})
_RESOLVING = frozenset(
    {
        "resolve_futures_to_results",
        "resolve_futures_to_results_async",
        "raise_state_exception",
        "finish",
        "finish_async",
        "result",
        "result_async",
    }
)
_PASSING = frozenset(
    {
        "list",
        "tuple",
        "set",
        "frozenset",
        "sorted",
        "reversed",
        "enumerate",
        "zip",
        "iter",
        "deque",
        "dict",
        "chain",
        "cast",
        "unmapped",
        "quote",
        "tqdm",
    }
)
_RAISING = frozenset({"raise_state_exception", "finish", "finish_async", "raise_state_exception_for_futures"})
_STATE_OF = frozenset({"state", "state_async"})
TRIES: tuple[type[ast.Try], ...] = (ast.Try, getattr(ast, "TryStar", ast.Try))
"""`try`, and the one with `except*` where Python has it."""
_LISTING = frozenset({"list", "tuple", "set", "sorted", "gather"})
_LOOKING = frozenset(
    {"len", "print", "str", "repr", "bool", "isinstance", "type", "id", "hash", "hasattr", "state", "state_async"}
)
_LOGGING = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})
_OTHERS = frozenset({"count", "index", "remove", "clear", "sort", "reverse", "discard"})
_DEPTH = 40
_DEEP = 100


class Fate(enum.Enum):
    """What becomes of a run's future or state in one place."""

    DROPPED = "dropped"
    """It is a statement of its own: nobody has it any more."""
    SEEN = "seen"
    """Resolved: what the run raised is raised here."""
    ENDED = "ended"
    """The run has ended after this; its failure is not raised."""
    RETURNED = "returned"
    UPSTREAM = "upstream"
    """Handed to another run, which waits for it."""
    UNKNOWN = "unknown"
    """Handed to code that cannot be followed."""


@dataclass(frozen=True, eq=False)
class Use:
    """One place that a future or state comes to."""

    fate: Fate
    node: ast.AST
    parents: Parents
    whole: bool
    """Whether all of them come here, where the run is one of many."""
    loops: frozenset[ast.AST] = frozenset()
    """The loops over the futures themselves that the place is in."""
    level: int = 0
    """How many collections are around the future, as it is returned; many where they hold something else too."""
    names: frozenset[str] = frozenset()
    """The variables that it came through."""
    as_state: bool = False
    """Whether it is the state of the future that comes here."""


@dataclass(eq=False)
class Run:
    """A task that is submitted or mapped, or a task or flow that is called for its state; many runs, for a map."""

    call: ast.Call
    parents: Parents
    level: int
    """0 for one future or state, 1 for a list of them."""
    name: str
    """Of the task, the flow or the helper that gives the future."""
    definition: Optional[Definition]
    is_state: bool
    uses: list[Use] = field(default_factory=list)
    is_certain: bool = True
    """Whether the call gives futures or states, and certainly nothing else: a helper may also give None, or add something."""

    @property
    def row(self) -> int:
        return self.call.lineno

    def ended_before(
        self, end: End, others: Sequence[Run] = (), *, seen: bool = False, returned: bool = True, depth: int = 0
    ) -> bool:
        """Whether the run has certainly ended where the function ends there; with `seen`, whether its failure is certainly raised.

        Without `returned`, a future that is returned there does not count as ended, nor as seen.
        """
        for use in self.uses:
            if not use.whole or not _always(self, use, end):
                continue
            if use.fate is Fate.RETURNED and not use.as_state:
                # what is returned within other collections is waited for, but no final state follows from it
                if returned and use.parents and _statement(use) is end and (not seen or use.level <= 1):
                    return True
            elif use.fate is Fate.SEEN:
                if not seen or not _swallowed(use):
                    return True
            elif use.fate is Fate.ENDED and not seen:
                return True
            elif use.fate is Fate.UPSTREAM and depth < 8:
                later = next((other for other in others if other.call is use.node), None)
                if later is None or later.ended_before(end, others, seen=seen, returned=returned, depth=depth + 1):
                    return True
        return False

    def listed_at(self, end: End) -> Optional[Use]:
        """How the function gives the future, or its state, in a list there; None where it does not."""
        uses = (use for use in self.uses if use.fate is Fate.RETURNED and use.level == 1)
        return next((use for use in uses if _statement(use) is end), None)

    def feeds(self, calls: Collection[ast.AST], end: End) -> bool:
        """Whether one of these runs certainly waits for this one."""
        return any(
            use.fate is Fate.UPSTREAM and use.whole and use.node in calls and _always(self, use, end)
            for use in self.uses
        )

    @property
    def unknown(self) -> bool:
        return any(use.fate is Fate.UNKNOWN for use in self.uses)

    def comes_before(self, end: End) -> bool:
        """Whether the function can end there after it has started the run."""
        if isinstance(end, FUNCTIONS):
            return not _leaves_after(self.parents, end)
        around = _parents_of(end, self.parents[0])
        if _position(self.call) > _position(end) and not any(
            isinstance(p, _LOOPS) and p in around for p in self.parents
        ):
            return any(node is self.call for node in ast.walk(end))
        return not _other_branch(self.parents, self.call, around, end) and not _leaves_after(self.parents, end)


@dataclass(eq=False)
class Started:
    """What one function starts."""

    function: FunctionNode
    module: Module
    runs: list[Run] = field(default_factory=list)
    helpers: list[tuple[ast.Call, Definition]] = field(default_factory=list)
    """The project's functions that it calls, by the call."""

    @cached_property
    def ends(self) -> list[End]:
        """Where the function may end, in order; what may raise without saying so is left out, and so is what is raised again."""
        found: list[End] = []
        for node, parents in nodes(self.function):
            if isinstance(node, ast.Return) or (isinstance(node, ast.Raise) and not _is_handled(node, parents)):
                found.append(node)
        found.sort(key=_position)
        if not _never_passes(self.function.body):
            found.append(self.function)
        return found

    @cached_property
    def names(self) -> frozenset[str]:
        """The variables that hold futures or states of runs, or lists of such."""
        names: set[str] = set()
        calls = {run.call for run in self.runs}
        before = -1
        while before != len(names):
            before = len(names)
            for node, _ in nodes(self.function):
                if isinstance(node, _ASSIGNMENTS) and node.value is not None:
                    if _is_run(node.value, calls, names):
                        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                        names.update(name for target in targets for name in _names(target))
                elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and len(node.args) == 1:
                    if node.func.attr in _ADD_ONE | _ADD_ALL and isinstance(node.func.value, ast.Name):
                        if _is_run(node.args[0], calls, names):
                            names.add(node.func.value.id)
                elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)) and _is_run(node.iter, calls, names):
                    names.update(_names(node.target))
        return frozenset(names)

    @cached_property
    def is_generator(self) -> bool:
        return any(isinstance(node, (ast.Yield, ast.YieldFrom)) for node, _ in nodes(self.function))

    def listed_at(self, end: End) -> list[Run]:
        """The runs whose futures or states the function gives in a list there, and whose failure it does not raise before.

        None where the list may hold anything else: from such a list no final state follows.
        """
        value = end.value if isinstance(end, ast.Return) else None
        if value is None or not self.holds_runs(value) or self._raises_just_before(end):
            return []
        given = [use for run in self.runs for use in run.uses if use.fate is Fate.RETURNED and _statement(use) is end]
        if any(use.level != 1 for use in given):
            return []
        return [
            run
            for run in self.runs
            if run.listed_at(end)
            and not run.unknown
            and not run.ended_before(end, self.runs, seen=True, returned=False)
        ]

    def _raises_just_before(self, end: End) -> bool:
        """Whether the statement before a `return` of a variable raises what the futures or states in it raised."""
        value = getattr(end, "value", None)
        if isinstance(value, (ast.List, ast.Tuple)) and len(value.elts) == 1:
            value = value.elts[0]
        block = _block_of(end, _parents_of(end, self.function))
        at = next((at for at, statement in enumerate(block) if statement is end), 0)
        if not isinstance(value, ast.Name) or not at:
            return False
        before: ast.stmt = block[at - 1]
        name = value.id
        if isinstance(before, ast.For) and isinstance(before.target, ast.Name):
            if not isinstance(before.iter, ast.Name) or before.iter.id != name or len(before.body) != 1:
                return False
            name, before = before.target.id, before.body[0]
        call = before.value if isinstance(before, ast.Expr) else None
        call = call.value if isinstance(call, ast.Await) else call
        if not isinstance(call, ast.Call):
            return False
        asked = call.func.value if isinstance(call.func, ast.Attribute) and call.func.attr == "result" else None
        if asked is None and last_name(call.func) in _RAISING and len(call.args) == 1:
            asked = call.args[0]
        return isinstance(asked, ast.Name) and asked.id == name

    def holds_runs(self, value: ast.AST, none: bool = True) -> bool:
        """Whether an expression gives a list of futures and states and of nothing else; with `none`, it may give None instead."""
        if isinstance(value, ast.Name):
            return value.id in self.names and value.id not in self._mixed
        if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
            return all(self.holds_runs(each, False) for each in value.elts)
        if isinstance(value, (ast.Await, ast.Starred)):
            return self.holds_runs(value.value, False)
        if isinstance(value, ast.BinOp):
            return self.holds_runs(value.left, False) and self.holds_runs(value.right, False)
        if isinstance(value, ast.BoolOp):
            return all(self.holds_runs(each, none) for each in value.values)
        if isinstance(value, ast.IfExp):
            return self.holds_runs(value.body, none) and self.holds_runs(value.orelse, none)
        if isinstance(value, (ast.ListComp, ast.SetComp)):
            conditions = [condition for each in value.generators for condition in each.ifs]
            if any("is_completed" in ast.dump(condition) for condition in conditions):
                return False
            return _is_run(value.elt, self._certain, self.names - self._mixed)
        if isinstance(value, ast.Call):
            if last_name(value.func) in _LISTING and value not in self._certain:
                return all(self.holds_runs(each, False) for each in value.args)
            return value in self._certain or (
                _future_of_state(value) is not None and _is_run(value, self._certain, self.names - self._mixed)
            )
        return none and isinstance(value, ast.Constant) and value.value is None

    @cached_property
    def _certain(self) -> frozenset[ast.AST]:
        """The calls that certainly give futures or states."""
        return frozenset(run.call for run in self.runs if run.is_certain)

    @cached_property
    def _mixed(self) -> frozenset[str]:
        """The variables that hold, or are added, something else than runs too: parameters among them."""
        found = {argument.arg for argument in ast.walk(self.function.args) if isinstance(argument, ast.arg)}
        for node, _ in nodes(self.function):
            given: list[tuple[ast.AST, ast.AST]] = []
            if isinstance(node, _ASSIGNMENTS) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                given = [(target, node.value) for target in targets]
                if isinstance(node.value, ast.GeneratorExp) and not isinstance(node, ast.AugAssign):
                    found.update(name for target in targets for name in _names(target))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                if node.func.attr in _ADD_ONE | _ADD_ALL:
                    given = [(node.func.value, argument) for argument in node.args]
            elif isinstance(node, (ast.For, ast.AsyncFor)):
                given = [(node.target, node.iter)]
            elif isinstance(node, ast.withitem) and node.optional_vars is not None:
                found.update(_names(node.optional_vars))
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                found.update(node.names)
            elif isinstance(node, ast.ExceptHandler) or type(node).__name__ in ("MatchAs", "MatchStar"):
                found.update(filter(None, [getattr(node, "name", None)]))
            for target, value in given:
                assert isinstance(value, ast.expr)
                if not _is_run(value, self._certain, self.names) and not _is_empty(value):
                    found.update(_names(target))
        return frozenset(found)

    def left_at(self, end: End, *, seen: bool = False, all_of_a_chain: bool = False) -> list[Run]:
        """The runs that may not have ended there; with `seen`, those whose failure nobody may have seen.

        Of `save.submit(load.submit(x))`, and of a run that another one certainly waits for, only the last one is named: it does
        not complete unless the others do. With `all_of_a_chain` all are.
        """
        left = [
            run
            for run in self.runs
            if not run.unknown and run.comes_before(end) and not run.ended_before(end, self.runs, seen=seen)
            if seen or not run.is_state
        ]
        if all_of_a_chain:
            return left
        calls = {run.call for run in left}
        return [run for run in left if not any(parent in calls for parent in run.parents) and not run.feeds(calls, end)]


def _is_run(value: ast.expr, calls: Collection[ast.AST], names: Collection[str]) -> bool:
    """Whether an expression is a run's future or state, a variable with one, or a list of such."""
    if isinstance(value, (ast.Await, ast.Starred)):
        return _is_run(value.value, calls, names)
    if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
        return bool(value.elts) and all(_is_run(each, calls, names) for each in value.elts)
    if isinstance(value, (ast.ListComp, ast.GeneratorExp)):
        return _is_run(value.elt, calls, names)
    if isinstance(value, ast.BoolOp):
        return all(_is_run(each, calls, names) for each in value.values)
    if isinstance(value, ast.Call) and last_name(value.func) in _LISTING:
        return bool(value.args) and all(_is_run(each, calls, names) for each in value.args)
    future = _future_of_state(value)
    if future is not None and value not in calls:
        return _is_run(future, calls, names)
    return value in calls or (isinstance(value, ast.Name) and value.id in names)


def _future_of_state(value: ast.expr) -> Optional[ast.expr]:
    """`future` of `future.state`, `future.wait()`, `future.get_state()` and of the `state(future)` of `compat`."""
    if isinstance(value, ast.Attribute):
        return value.value if value.attr == "state" else None
    if not isinstance(value, ast.Call):
        return None
    function = value.func
    if isinstance(function, ast.Attribute) and not value.args and not value.keywords:
        return function.value if function.attr in ("wait", "get_state") else None
    is_of_compat = isinstance(function, ast.Name) and function.id in _STATE_OF and len(value.args) == 1
    return value.args[0] if is_of_compat else None


def _is_empty(value: ast.expr) -> bool:
    if isinstance(value, (ast.List, ast.Tuple)):
        return not value.elts
    return isinstance(value, ast.Call) and last_name(value.func) in ("list", "set") and not value.args


def gives_nothing(end: End) -> bool:
    """Whether a function that ends there returns None."""
    if isinstance(end, FUNCTIONS):
        return True
    if isinstance(end, ast.Raise):
        return False
    return end.value is None or (isinstance(end.value, ast.Constant) and end.value.value is None)


def _is_handled(node: ast.Raise, parents: Parents) -> bool:
    """Whether a `raise` stands in a handler, or in a `try` that has handlers."""
    inside = (*parents, node)
    return any(
        isinstance(parent, ast.ExceptHandler)
        or (isinstance(parent, ast.Try) and parent.handlers and _branch(parent, inside) == "body")
        for parent in parents
    )


class Runs:
    """Finds the runs of functions; what it found of a helper is kept for the next one who asks."""

    def __init__(self) -> None:
        self._known: dict[ast.AST, Started] = {}
        self._parameters: dict[tuple[ast.AST, str], list[Use]] = {}

    def of(self, function: FunctionNode, module: Module) -> Started:
        """What a function starts, and what becomes of it."""
        if function not in self._known:
            started = self._known[function] = Started(function, module)
            for node, parents in nodes(function):
                if isinstance(node, ast.Call):
                    run = self._run(node, parents, module)
                    if run is not None:
                        started.runs.append(run)
                    helper = _helper(node, module)
                    if helper is not None and helper.function is not function:
                        started.helpers.append((node, helper))
            started.runs.sort(key=lambda run: _position(run.call))
            for run in started.runs:
                run.uses = list(_Following(self, module, function).follow(run.call, run.parents, _Path(run.level)))
        return self._known[function]

    def _run(self, call: ast.Call, parents: Parents, module: Module) -> Optional[Run]:
        reference, definition = _called(call, module)
        rest = reference.rest if reference is not None else ()
        function = call.func
        if definition is None and isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
            made = module.resolve(function.value)  # task.with_options(...).submit(...)
            if made is not None and made.definition is not None and made.rest == ("with_options",):
                definition, rest = made.definition, (function.attr,)
        if definition is None and call.args and _is_of_compat(function, module):
            of = module.resolve(call.args[0]) if isinstance(call.args[0], (ast.Name, ast.Attribute)) else None
            if of is not None and of.definition is not None and of.definition.kind is Kind.TASK and not of.rest:
                definition, rest = of.definition, (last_name(function).partition("_")[0],)
        if definition is None:
            return None
        state = keyword_value(call, "return_state")
        if state is not None and not isinstance(state, ast.Constant):
            return None
        is_state = state is not None and bool(getattr(state, "value", False))
        if definition.kind is Kind.TASK and rest in (("submit",), ("map",)):
            return Run(call, parents, int(rest == ("map",)), definition.name, definition, is_state)
        if definition.kind in (Kind.TASK, Kind.FLOW) and rest == () and is_state:
            return Run(call, parents, 0, definition.name, definition, True)
        if definition.kind is Kind.FUNCTION and rest == () and definition.function is not None:
            given = self.given_by(definition)
            if given is not None:
                certain = self._gives_runs_only(definition)
                return Run(call, parents, given.level, definition.name, definition, given.is_state, is_certain=certain)
        return None

    def given_by(self, helper: Definition) -> Optional[Run]:
        """The run whose future, or whose list of futures, a helper returns; None where it returns something else."""
        function = helper.function
        if function is None:
            return None
        started = self.of(function, helper.function_module or helper.module)
        given: Optional[Run] = None
        for end in started.ends:
            if isinstance(end, ast.Raise):
                continue
            here = [
                replace(run, level=use.level)
                for run in started.runs
                for use in run.uses
                if use.fate is Fate.RETURNED and _statement(use) is end
            ]
            if not here or any(run.level != (given or here[0]).level or run.level > 1 for run in here):
                return None  # what it gives is not always a future, or not always a list of futures
            given = given or here[0]
        return given

    def _gives_runs_only(self, helper: Definition) -> bool:
        """Whether a helper certainly gives a future or state, or a list of such, and nothing else."""
        assert helper.function is not None
        started = self.of(helper.function, helper.function_module or helper.module)
        returned = [end.value for end in started.ends if isinstance(end, ast.Return)]
        return all(value is not None and started.holds_runs(value, False) for value in returned)

    def parameter(self, helper: Definition, name: str, path: _Path) -> list[Use]:
        """What a helper does with a future, or a list of them, that it is given."""
        function = helper.function
        assert function is not None
        key = (function, name)
        if key not in self._parameters:
            self._parameters[key] = []
            following = _Following(self, helper.function_module or helper.module, function)
            self._parameters[key] = list(following.variable(name, None, (function,), path))
        return self._parameters[key]


@dataclass(frozen=True)
class _Path:
    """How a future came so far."""

    level: int
    whole: bool = True
    loops: frozenset[ast.AST] = frozenset()
    seen: frozenset[str] = frozenset()
    allowed: bool = False
    flat: bool = True
    """Whether it is alone, or in lists that hold nothing else: from what a dictionary holds, no final state follows."""
    depth: int = 0
    as_state: bool = False

    def deeper(self, level: int = 0, *, whole: bool = True) -> _Path:
        return replace(self, level=max(0, self.level + level), whole=self.whole and whole, depth=self.depth + 1)


class _Following:
    """Follows one future through one function."""

    def __init__(self, runs: Runs, module: Module, function: FunctionNode) -> None:
        self._runs, self._module, self._function = runs, module, function

    def follow(self, node: ast.AST, parents: Parents, path: _Path) -> Iterator[Use]:
        if path.depth > _DEPTH or not parents:
            yield _use(Fate.UNKNOWN, node, parents, path)
            return
        parent, up = parents[-1], parents[:-1]
        on = path.deeper()
        if isinstance(parent, ast.Await):
            yield from self.follow(parent, up, on)
        elif isinstance(parent, ast.Expr):
            yield _use(Fate.DROPPED, node, parents, path)
        elif isinstance(parent, ast.Return):
            yield _use(Fate.RETURNED, node, parents, path)
        elif isinstance(parent, ast.Starred):
            yield from self.follow(parent, up, path.deeper(-1))
        elif isinstance(parent, (ast.List, ast.Tuple, ast.Set, ast.Dict)):
            yield from self._in_collection(node, parent, up, path)
        elif isinstance(parent, ast.comprehension):
            if node is parent.iter:
                around = up[-1]
                looped = replace(path.deeper(-1, whole=not parent.ifs), loops=path.loops | {around})
                for name in _names(parent.target):
                    yield from self._loads_in(name, around, up, looped)
        elif isinstance(parent, _COMPREHENSIONS):
            yield from self.follow(parent, up, path.deeper(1))
        elif isinstance(parent, ast.IfExp):
            if node is not parent.test:
                yield from self.follow(parent, up, on)
        elif isinstance(parent, (ast.BinOp, ast.BoolOp)):
            yield from self.follow(parent, up, on)
        elif isinstance(parent, ast.NamedExpr):
            yield from self.follow(parent, up, on)
            yield from self._assigned(parent.target, parent, up, path)
        elif isinstance(parent, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            for target in parent.targets if isinstance(parent, ast.Assign) else [parent.target]:
                yield from self._assigned(target, parent, up, path)
        elif isinstance(parent, (ast.For, ast.AsyncFor)):
            whole = not any(isinstance(inside, ast.Break) for inside in _own_nodes(parent))
            looped = replace(path.deeper(-1, whole=whole), loops=path.loops | {parent})
            for name in _names(parent.target):
                yield from self._loads_in(name, parent, (*up, parent), looped, body=True)
        elif isinstance(parent, ast.Subscript):
            if node is parent.value and isinstance(parent.ctx, ast.Load):
                is_slice = isinstance(parent.slice, ast.Slice)
                yield from self.follow(parent, up, path.deeper(0 if is_slice else -1, whole=False))
        elif isinstance(parent, ast.Attribute):
            yield from self._attribute(parent, up, path)
        elif isinstance(parent, ast.keyword):
            yield from self._argument(node, parent.arg, up[-1], up[:-1], path)
        elif isinstance(parent, ast.Call):
            yield from self._argument(node, None, parent, up, path)
        elif isinstance(parent, (ast.Yield, ast.YieldFrom, ast.Lambda, ast.withitem)):
            yield _use(Fate.UNKNOWN, node, parents, path)

    def variable(self, name: str, stored: Optional[ast.AST], parents: Parents, path: _Path) -> Iterator[Use]:
        """What becomes of what a variable of the function holds from `stored` on, or from the start."""
        if name in path.seen:
            return
        on = replace(path, seen=path.seen | {name}, depth=path.depth + 1)
        if self._shared(name):
            yield _use(Fate.UNKNOWN, stored or self._function, parents, path)
            return
        for load, around in self._loads.get(name, ()):
            if stored is None or self._reaches(name, stored, parents, load, around):
                yield from self.follow(load, around, on)

    # -- steps

    def _in_collection(self, node: ast.AST, collection: ast.expr, up: Parents, path: _Path) -> Iterator[Use]:
        assign = up[-1] if up else None
        if (
            isinstance(collection, (ast.Tuple, ast.List))
            and isinstance(assign, ast.Assign)
            and len(assign.targets) == 1
        ):
            target = assign.targets[0]
            unpacked = isinstance(target, (ast.Tuple, ast.List)) and len(target.elts) == len(collection.elts)
            if isinstance(target, (ast.Tuple, ast.List)) and unpacked and node in collection.elts:
                one = target.elts[[element is node for element in collection.elts].index(True)]
                yield from self._assigned(one, assign, up[:-1], path)
                return
        if isinstance(collection, (ast.List, ast.Tuple)) and isinstance(collection.ctx, ast.Store):
            return
        flat = path.flat and not isinstance(collection, ast.Dict) and self._is_flat(collection)
        yield from self.follow(collection, up, replace(path.deeper(1), flat=flat))

    def _is_flat(self, collection: ast.AST) -> bool:
        """Whether a list holds futures and states alone, as far as the function shows it."""
        started = self._runs.of(self._function, self._module)
        for element in getattr(collection, "elts", ()):
            inner = element.value if isinstance(element, (ast.Await, ast.Starred)) else element
            if isinstance(inner, ast.Call):
                if not any(run.call is inner for run in started.runs):
                    return False
            elif isinstance(inner, ast.Name):
                if inner.id not in started.names:
                    return False
            elif not isinstance(inner, (ast.ListComp, ast.GeneratorExp)):
                return False
        return True

    def _assigned(self, target: ast.expr, statement: ast.AST, up: Parents, path: _Path) -> Iterator[Use]:
        if isinstance(target, ast.Name):
            yield from self.variable(target.id, statement, up, path)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                yield from self._assigned(element, statement, up, path.deeper(-1, whole=False))
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            yield from self.variable(target.value.id, None, up, replace(path.deeper(1), flat=False))
        else:
            yield _use(Fate.UNKNOWN, statement, up, path)

    def _attribute(self, attribute: ast.Attribute, up: Parents, path: _Path) -> Iterator[Use]:
        call = up[-1] if up else None
        if attribute.attr == "state" and not path.level and not path.as_state:
            yield from self._as_state(attribute, up, path, (Fate.RETURNED, Fate.SEEN))
        if not isinstance(call, ast.Call):
            return
        around, name = up[:-1], attribute.attr
        if call.func is not attribute:  # `asyncio.to_thread(future.result)`
            if name in ("result", "wait") and last_name(call.func) == "to_thread" and call.args == [attribute]:
                yield _use(Fate.SEEN if name == "result" else Fate.ENDED, call, around, path)
            return
        if name == "result":
            yield _use(_fate_of_result(call), call, around, path)
        elif name == "wait":
            if not call.args and not call.keywords:
                yield _use(Fate.ENDED, call, around, path)
                if not path.level:
                    yield from self._as_state(call, around, path, (Fate.SEEN,))
        elif name in _SAME_ELEMENTS and path.level:
            yield from self.follow(call, around, replace(path.deeper(), flat=path.flat or name == "values"))
        elif name in _TAKE_ONE and path.level:
            yield from self.follow(call, around, path.deeper(-1, whole=False))

    def _as_state(self, node: ast.AST, parents: Parents, path: _Path, wanted: Collection[Fate]) -> Iterator[Use]:
        """What becomes of the state of a future, as far as it is returned or raises."""
        for use in self.follow(node, parents, replace(path.deeper(), as_state=True)):
            if use.fate in wanted:
                yield use

    def _argument(
        self, node: ast.AST, keyword: Optional[str], call: ast.AST, around: Parents, path: _Path
    ) -> Iterator[Use]:
        if not isinstance(call, ast.Call):
            return
        function = call.func
        name = last_name(function)
        reference, definition = _called(call, self._module)
        if isinstance(function, ast.Attribute) and name in _ADD_ONE | _ADD_ALL and definition is None:
            if isinstance(function.value, ast.Name):
                one = path.deeper(1 if name in _ADD_ONE else 0)
                yield from self.variable(function.value.id, None, around, one)
            else:
                yield _use(Fate.UNKNOWN, call, around, path)
        elif definition is not None and definition.kind in (Kind.TASK, Kind.FLOW):
            if reference is not None and reference.rest in (("submit",), ("map",)):
                yield _use(Fate.ENDED if path.allowed else Fate.UPSTREAM, call, around, path)
            else:
                yield _use(Fate.ENDED, call, around, path)
        elif definition is not None and definition.kind is Kind.FUNCTION and reference is not None:
            yield from self._into(definition, node, keyword, call, around, path)
        elif name in SUBMITTING and isinstance(function, ast.Attribute):
            yield _use(Fate.UNKNOWN, call, around, path)
        elif name == "allow_failure":
            yield from self.follow(call, around, replace(path.deeper(), allowed=True))
        elif name in _PASSING:
            yield from self.follow(call, around, path.deeper())
        elif name == "gather":
            yield from self.follow(call, around, path.deeper(1))
        elif name == "next":
            yield from self.follow(call, around, path.deeper(-1, whole=False))
        elif name in _WAITING:
            if len(call.args) == 1 and not call.keywords:
                yield _use(Fate.ENDED, call, around, path)
        elif name in _COMPLETING:
            yield from self.follow(call, around, path.deeper())
            loop = around[-1] if around else None
            if isinstance(loop, ast.comprehension) and loop.iter is call:
                yield _use(Fate.ENDED, call, around[:-2], path)
            if isinstance(loop, (ast.For, ast.AsyncFor)) and loop.iter is call:
                whole = not any(isinstance(inside, ast.Break) for inside in _own_nodes(loop))
                yield _use(Fate.ENDED, call, around, path.deeper(whole=whole))
        elif name in _RESOLVING:
            yield _use(_fate_of_result(call), call, around, path)
        elif name in _STATE_OF and not path.level and not path.as_state:
            yield from self._as_state(call, around, path, (Fate.RETURNED, Fate.SEEN))
        elif name in _LOOKING or (isinstance(function, ast.Attribute) and name in _LOGGING | _OTHERS):
            return
        else:
            yield _use(Fate.UNKNOWN, call, around, path)

    def _into(
        self, helper: Definition, node: ast.AST, keyword: Optional[str], call: ast.Call, around: Parents, path: _Path
    ) -> Iterator[Use]:
        """What a function of the project does with a future that it is given."""
        function = helper.function
        name = None if function is None else _parameter(function, call, node, keyword)
        if function is None or name is None or function is self._function or path.depth > _DEPTH // 2:
            yield _use(Fate.UNKNOWN, call, around, path)
            return
        ends = self._runs.of(function, helper.function_module or helper.module).ends
        end: End = ends[-1] if ends else function
        for use in self._runs.parameter(helper, name, _Path(path.level, depth=path.depth + 1)):
            sure = use.whole and _unconditional((function,), use, end)
            if use.fate is Fate.RETURNED:
                yield from self.follow(call, around, path.deeper(use.level - path.level))
            elif use.fate is Fate.SEEN and _swallowed(use):
                yield _use(Fate.ENDED, call, around, path.deeper(whole=sure))
            elif use.fate is not Fate.DROPPED:
                fate = Fate.ENDED if use.fate is Fate.UPSTREAM else use.fate
                yield _use(fate, call, around, path.deeper(whole=sure))

    # -- variables

    @cached_property
    def _loads(self) -> dict[str, list[tuple[ast.Name, Parents]]]:
        found: dict[str, list[tuple[ast.Name, Parents]]] = {}
        for node, parents in nodes(self._function, nested=True):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.setdefault(node.id, []).append((node, parents))
        return found

    @cached_property
    def _stores(self) -> dict[str, list[tuple[ast.Name, Parents]]]:
        found: dict[str, list[tuple[ast.Name, Parents]]] = {}
        for node, parents in nodes(self._function, nested=True):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.setdefault(node.id, []).append((node, parents))
        return found

    def _shared(self, name: str) -> bool:
        """Whether others than this function may have the variable: it is global, or a nested function reads it."""
        for node, _ in nodes(self._function, nested=True):
            if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
                return True
        if any(
            any(isinstance(p, (*FUNCTIONS, ast.Lambda)) for p in around[1:]) for _, around in self._loads.get(name, ())
        ):
            return True
        return name not in self._stores and name not in {argument.arg for argument in _arguments(self._function)}

    def _loads_in(self, name: str, scope: ast.AST, parents: Parents, path: _Path, body: bool = False) -> Iterator[Use]:
        """The uses of a loop's variable inside the loop."""
        for load, around in self._loads.get(name, ()):
            if scope in around and (not body or _branch(scope, (*around, load)) == "body"):
                yield from self.follow(load, around, replace(path, depth=path.depth + 1))

    def _reaches(self, name: str, stored: ast.AST, parents: Parents, load: ast.Name, around: Parents) -> bool:
        """Whether what a statement assigns to a name may be what is read there."""
        in_loop = any(isinstance(parent, _LOOPS) and parent in around for parent in parents)
        if _position(load) < _position(stored):
            return in_loop
        if stored in around:
            return isinstance(stored, ast.NamedExpr)
        if _other_branch((*parents, stored), stored, around, load):
            return in_loop
        block = _block_of(stored, parents)
        for _, other_parents in self._stores.get(name, ()):
            again = next((p for p in other_parents if p in block), None) if block else None
            if (
                again is None
                or again is stored
                or isinstance(again, (*_LOOPS, ast.If, ast.Try, ast.With, ast.AugAssign))
            ):
                continue
            if _position(stored) < _position(again) < _position(load) and again not in around:
                return False
        return True


def nodes(function: ast.AST, *, nested: bool = False) -> Iterator[tuple[ast.AST, Parents]]:
    """The nodes of a function's body with the nodes around each, the function first; those of nested functions only if asked for."""
    body = getattr(function, "body", [])
    stack: list[tuple[ast.AST, Parents]] = [(statement, (function,)) for statement in reversed(body)]
    while stack:
        node, parents = stack.pop()
        yield node, parents
        if not nested and isinstance(node, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            continue
        stack.extend((child, (*parents, node)) for child in reversed(list(ast.iter_child_nodes(node))))


def _use(fate: Fate, node: ast.AST, parents: Parents, path: _Path) -> Use:
    level = path.level if path.flat else path.level + _DEEP
    return Use(fate, node, parents, path.whole, path.loops, level, path.seen, path.as_state)


def _own_nodes(loop: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a loop's body, inner loops and functions left out."""
    stack = list(getattr(loop, "body", []))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (*_LOOPS, *FUNCTIONS, ast.Lambda)):
            stack.extend(ast.iter_child_nodes(node))


def _helper(call: ast.Call, module: Module) -> Optional[Definition]:
    reference, definition = _called(call, module)
    if reference is None or definition is None or definition.kind is not Kind.FUNCTION or reference.rest:
        return None
    return definition if definition.function is not None else None


def _called(call: ast.Call, module: Module) -> tuple[Optional[Reference], Optional[Definition]]:
    """What is called, and the user's own definition of it; the functions of `compat` are known by their names."""
    reference = module.resolve(call)
    definition = reference.definition if reference is not None else None
    if definition is not None and definition.kind is Kind.FUNCTION and module.project.is_compat(definition.path):
        return reference, None
    return reference, definition


def _is_of_compat(function: ast.expr, module: Module) -> bool:
    """Whether a name is one of the functions of `compat`, or of a copy of it, that submit the task they are given."""
    if not isinstance(function, ast.Name) or function.id not in _SUBMITTING_FOR_BOTH:
        return False
    for statement in module.tree.body:
        if isinstance(statement, ast.ImportFrom) and any((a.asname or a.name) == function.id for a in statement.names):
            home = "." * statement.level + (statement.module or "")
            path = module.project.locate(module.path, home)
            return "compat" in home.rpartition(".")[2] or (path is not None and module.project.is_compat(path))
    return False


def _fate_of_result(call: ast.Call) -> Fate:
    silent = keyword_value(call, "raise_on_failure")
    return Fate.SEEN if silent is None or getattr(silent, "value", None) is True else Fate.ENDED


def _names(target: ast.AST) -> list[str]:
    return [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]


def _arguments(function: FunctionNode) -> list[ast.arg]:
    every = function.args
    return [*every.posonlyargs, *every.args, *every.kwonlyargs]


def _parameter(function: FunctionNode, call: ast.Call, node: ast.AST, keyword: Optional[str]) -> Optional[str]:
    if keyword is not None:
        return keyword if keyword in {argument.arg for argument in _arguments(function)} else None
    if node not in call.args or any(isinstance(argument, ast.Starred) for argument in call.args):
        return None
    positional = [*function.args.posonlyargs, *function.args.args]
    at = [argument is node for argument in call.args].index(True)
    return positional[at].arg if at < len(positional) else None


def _position(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _statement(use: Use) -> Optional[ast.AST]:
    return next((parent for parent in reversed(use.parents) if isinstance(parent, ast.stmt)), None)


def _parents_of(node: ast.AST, function: ast.AST) -> Parents:
    return next((parents for other, parents in nodes(function) if other is node), (function,))


def _branch(parent: ast.AST, inside: Parents) -> Optional[str]:
    """The field of a node in which another one stands; `inside` are the nodes around that one, with itself at the end."""
    if parent not in inside:
        return None
    child = inside[inside.index(parent) + 1] if inside.index(parent) + 1 < len(inside) else None
    for name, value in ast.iter_fields(parent):
        if value is child or (isinstance(value, list) and any(each is child for each in value)):
            return name
    return None


def _other_branch(parents: Parents, node: ast.AST, others: Parents, other: ast.AST) -> bool:
    """Whether two places stand in branches of which only one is taken."""
    one, two = (*parents, node), (*others, other)
    for parent in parents:
        if parent in others and isinstance(parent, (ast.If, ast.IfExp)):
            branches = {_branch(parent, one), _branch(parent, two)}
            if branches == {"body", "orelse"}:
                return True
        if parent in others and isinstance(parent, ast.Try):
            if {_branch(parent, one), _branch(parent, two)} == {"orelse", "handlers"}:
                return True
    return False


def _always(run: Run, use: Use, end: End) -> bool:
    """Whether a use is always reached after the run was started and before the function ends there."""
    return _unconditional((*run.parents, run.call), use, end)


def _unconditional(start: Parents, use: Use, end: End) -> bool:
    inside = (*use.parents, use.node)
    if not isinstance(end, FUNCTIONS) and end not in inside and _position(use.node) > _position(end):
        if not _in_finally(use, end):
            return False
    for at, parent in enumerate(use.parents):
        branch = _branch(parent, inside[: at + 2])
        if parent in start:
            mine = _branch(parent, start)
            if isinstance(parent, ast.If) and mine != branch:
                return False
            if isinstance(parent, ast.Try) and branch == "handlers":
                return False
            continue
        if _holds_end(parent, branch, end):
            continue
        if isinstance(parent, (ast.If, ast.IfExp)) and branch == "body" and getattr(parent.test, "id", "") in use.names:
            continue  # `if futures:` leaves nothing out
        if isinstance(parent, (ast.If, ast.IfExp, ast.While)) and branch != "test":
            return False
        if isinstance(parent, (ast.For, ast.AsyncFor)) and branch != "iter" and parent not in use.loops:
            return False
        if isinstance(parent, ast.Try) and branch == "handlers":
            return False
        if isinstance(parent, ast.BoolOp) and parent.values[0] is not inside[at + 1]:
            return False
        if isinstance(parent, _COMPREHENSIONS) and parent not in use.loops:
            first = parent.generators[0]
            if inside[at + 1] is not first or inside[at + 2 : at + 3] != (first.iter,):
                return False
        if type(parent).__name__ == "Match" or isinstance(parent, (*FUNCTIONS, ast.Lambda)):
            return False
    return not _jumps_between(start, use)


def _holds_end(parent: ast.AST, branch: Optional[str], end: End) -> bool:
    """Whether the function ends in the very block, so that whoever comes to the end has come to the block."""
    block = getattr(parent, branch or "", None)
    return isinstance(block, list) and any(node is end for each in block for node in ast.walk(each))


def _in_finally(use: Use, end: ast.AST) -> bool:
    inside = (*use.parents, use.node)
    return any(
        isinstance(parent, ast.Try)
        and _branch(parent, inside) == "finalbody"
        and any(
            node is end
            for part in (parent.body, parent.handlers, parent.orelse)
            for each in part
            for node in ast.walk(each)
        )
        for parent in use.parents
    )


def _jumps_between(start: Parents, use: Use) -> bool:
    """Whether a `break` or `continue` of a loop around both may skip the use."""
    for parent in use.parents:
        if isinstance(parent, _LOOPS) and parent in start:
            for node in _own_nodes(parent):
                if isinstance(node, (ast.Break, ast.Continue)) and _position(start[-1]) < _position(node) < _position(
                    use.node
                ):
                    return True
    return False


def _swallowed(use: Use) -> bool:
    """Whether what is raised there may be caught and not raised again."""
    inside = (*use.parents, use.node)
    for parent in use.parents:
        if isinstance(parent, TRIES) and parent.handlers and _branch(parent, inside) == "body":
            if not all(_raises(handler.body) for handler in parent.handlers):
                return True
        if isinstance(parent, (ast.With, ast.AsyncWith)):
            if any("suppress" in ast.dump(item.context_expr) for item in parent.items):
                return True
    return False


def _raises(body: Sequence[ast.stmt]) -> bool:
    return any(isinstance(statement, ast.Raise) for statement in body)


def swallowed(node: ast.AST, parents: Parents) -> bool:
    """Whether what a call raises may be caught in the same function and not raised again."""
    return _swallowed(Use(Fate.SEEN, node, parents, True))


def _never_passes(body: Sequence[ast.stmt]) -> bool:
    """Whether a block is never left at its end."""
    if not body:
        return False
    last = body[-1]
    if isinstance(last, (ast.Return, ast.Raise)):
        return True
    if isinstance(last, ast.If):
        return bool(last.orelse) and _never_passes(last.body) and _never_passes(last.orelse)
    if isinstance(last, (ast.With, ast.AsyncWith)):
        return _never_passes(last.body) and not _swallowed(Use(Fate.SEEN, last.body[0], (last,), True))
    if isinstance(last, ast.Try):
        if _never_passes(last.finalbody):
            return True
        tried = _never_passes(last.orelse) if last.orelse else _never_passes(last.body)
        return tried and all(_never_passes(handler.body) for handler in last.handlers)
    if isinstance(last, ast.While):
        endless = isinstance(last.test, ast.Constant) and bool(last.test.value)
        return endless and not any(isinstance(node, ast.Break) for node in _own_nodes(last))
    return False


def _leaves_after(parents: Parents, end: ast.AST) -> bool:
    """Whether a block that a run stands in always leaves the function elsewhere than at this end."""
    for parent in parents[1:]:
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and any(each in parents for each in block) and _never_passes(block):
                if not any(node is end for each in block for node in ast.walk(each)):
                    return True
    return False


def _block_of(statement: ast.AST, parents: Parents) -> list[ast.stmt]:
    for parent in reversed(parents):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and any(each is statement for each in block):
                return block
    return []

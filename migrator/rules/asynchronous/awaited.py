"""What Prefect 2 had awaited of async tasks and their futures, and what is written instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Optional, Union

from migrator.findings import Applicability, Edit
from migrator.model.guards import only_on
from migrator.model.module import Kind, Module
from migrator.model.names import FUNCTIONS, last_name, rows_with, span, walked
from migrator.model.values import INSTANCE, MANY, METHOD, Value
from migrator.rewriting.names import add_import, can_add_import, local_name
from migrator.rules.asynchronous.of_asyncio import can_import_asyncio, import_asyncio
from migrator.rules.base import Context, Draft, Mend

_TASK, _FUTURE = "prefect.tasks:Task", "prefect.futures:PrefectFuture"
_TWINS = {
    "submit": "submit_async",
    "map": "map_async",
    "result": "result_async",
    "wait": "wait_async",
    "get_state": "state_async",
}
_GIVES = {
    "submit": "the future itself",
    "map": "the list of futures itself",
    "result": "the value itself",
    "wait": "None",
    "get_state": "the state itself, as `.state`",
}
_OF_ASYNCIO = frozenset(
    {"as_completed", "create_task", "ensure_future", "gather", "run", "run_coroutine_threadsafe", "shield", "wait", "wait_for"}
)  # fmt: skip
_OF_LOOPS = frozenset({"create_task", "run_until_complete"})
_AT_ONCE = re.compile(
    r"\b(create_task|ensure_future|TaskGroup|task_group|start_soon|wait_for|as_completed|timeout_seconds|fail_after|move_on_after)\b"
)
_AWAIT = re.compile(r"await[ \t]*(?:\\\r?\n[ \t]*)?")
_ASKS = re.compile(r"\b(isawaitable|iscoroutine|iscoroutinefunction|isinstance|hasattr)\b")
_DISPLAYS = (ast.List, ast.Tuple, ast.Set)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp)

Parents = tuple[ast.AST, ...]


@dataclass(frozen=True, eq=False)
class Awaited:
    """A call that gives a coroutine on 2.x and something else on 3.x."""

    call: ast.Call
    parents: Parents
    member: str

    @property
    def base(self) -> ast.expr:
        """The task, or the future."""
        assert isinstance(self.call.func, ast.Attribute)
        return self.call.func.value


def awaited(context: Context) -> Iterator[Draft]:
    """The findings of PF420."""
    module = context.module
    if "await" not in module.text or not any(word in module.text for word in ("submit", ".map", "map_async", "uture")):
        return
    if not module.references:
        return
    calls: list[Awaited] = []
    gathers: list[tuple[ast.Call, Parents]] = []
    names: list[tuple[ast.Await, Parents]] = []
    for node, parents in _places(module):
        if isinstance(node, ast.Await):
            if isinstance(node.value, ast.Name):
                names.append((node, parents))
            continue
        member = _member(context, node, parents)
        if member is not None and not _passed_over(context, node, parents):
            calls.append(Awaited(node, parents, member))
        elif _is_taker(module, node) and last_name(node.func) == "gather":
            gathers.append((node, parents))
    yield from _Drafts(context, calls, gathers).all(names)


class _Drafts:
    """What is to be said of one module."""

    def __init__(self, context: Context, calls: Sequence[Awaited], gathers: Sequence[tuple[ast.Call, Parents]]) -> None:
        self.context, self.module, self.gathers = context, context.module, gathers
        self.by_call = {found.call: found for found in calls}
        self.whole = {
            call: (parents, elements)
            for call, parents in gathers
            for elements in [self._wholly(call, parents)]
            if elements
        }
        alone = len(self.whole) == len(gathers) and not _AT_ONCE.search(self.module.text)
        self.blocking = Applicability.SAFE if alone else Applicability.UNSAFE

    def all(self, names: Iterable[tuple[ast.Await, Parents]]) -> Iterator[Draft]:
        listed: set[Awaited] = set()
        for call, (parents, elements) in self.whole.items():
            if not self.context.target.both:
                listed.update(elements)
                yield self._of_gather(call, parents, elements)
        for found in self.by_call.values():
            if found in listed:
                continue
            taker = self._taker(found)
            if isinstance(taker, ast.Await) and found.member != "get_state":
                yield self._of_await(taker, found)
            elif isinstance(taker, ast.Call):
                yield self._of_taken(found, taker)
        for node, parents in names:
            made = () if _passed_over(self.context, node, parents) else self._made(node.value, parents)
            if made:
                yield self._of_name(node, parents, made)
        for call, parents in self.gathers:
            if call not in self.whole and not _passed_over(self.context, call, parents):
                yield from self._of_gathered_name(call, parents)

    # -- who takes it

    def _taker(self, found: Awaited) -> Union[ast.Await, ast.Call, None]:
        """The `await` or the call of asyncio that a coroutine is given to, alone or in a list."""
        inner: ast.AST = found.call
        for parent in reversed(found.parents):
            if isinstance(parent, ast.Await):
                return parent if inner is found.call else None
            if isinstance(parent, ast.Call):
                return parent if inner is not parent.func and _is_taker(self.module, parent) else None
            listed = isinstance(parent, _DISPLAYS) or (isinstance(parent, _COMPREHENSIONS) and parent.elt is inner)
            if not listed and not isinstance(parent, ast.Starred):
                return None
            inner = parent
        return None

    def _wholly(self, call: ast.Call, parents: Parents) -> tuple[Awaited, ...]:
        """The elements of an awaited `gather`, where all of them are such calls; none where others are among them."""
        if not isinstance(parents[-1], ast.Await) or call.keywords or not call.args:
            return ()
        elements: list[ast.expr] = []
        for argument in call.args:
            value = argument.value if isinstance(argument, ast.Starred) else argument
            if not isinstance(argument, ast.Starred):
                elements.append(value)
            elif isinstance(value, _COMPREHENSIONS):
                elements.append(value.elt)
            elif isinstance(value, _DISPLAYS):
                elements += value.elts
            else:
                return ()
        found = [self.by_call.get(each) for each in elements if isinstance(each, ast.Call)]
        known = [each for each in found if each is not None]
        return tuple(known) if len(known) == len(elements) else ()

    # -- findings

    def _draft(self, node: ast.AST, found: Awaited, mend: Optional[Mend], more: str = "") -> Draft:
        told = f"`{found.member}` gives {_GIVES[found.member]} on Prefect 3, in async code too: to await it raises TypeError"
        return self.context.draft(node, told + more, mend)

    def _of_await(self, node: ast.Await, found: Awaited) -> Draft:
        parents = found.parents[:-1]
        used = not isinstance(parents[-1], ast.Expr)
        if found.member == "wait" and used:
            mend = self._state_after_wait(node, found, parents)
            return self._draft(node, found, mend, "; the state is `.state` of the future, once `wait` has returned")
        if self.context.target.both:
            return self._draft(node, found, self._twin([found]))
        edits = _without_await(self.module, node, parents[-1])
        applicability = Applicability.SAFE if found.member in ("submit", "map") else self.blocking
        return self._draft(node, found, Mend(applicability, "Do not await it", partial(tuple, edits)))

    def _of_gather(self, call: ast.Call, parents: Parents, elements: Sequence[Awaited]) -> Draft:
        node, outer = parents[-1], parents[-2]
        assert isinstance(node, ast.Await)
        members = {found.member for found in elements}
        more = ", and `asyncio.gather` as well"
        if "wait" in members and not isinstance(outer, ast.Expr):
            return self._draft(node, elements[0], None, f"{more}; the states are `.state` of the futures, after `wait`")
        edits = _as_list(self.module, node, call)
        mend = None
        if edits is not None:
            for found in elements:
                if found.member == "get_state":
                    edits.append(
                        Edit(span(found.base, self.module.index)[1], span(found.call, self.module.index)[1], ".state")
                    )
            applicability = Applicability.SAFE if members <= {"submit", "map"} else self.blocking
            mend = Mend(applicability, "Make a list of them", partial(tuple, edits))
        return self._draft(node, elements[0], mend, more)

    def _of_taken(self, found: Awaited, taker: ast.Call) -> Draft:
        more = f", and `{last_name(taker.func)}` as well"
        if self.context.target.both:
            waits = found.member == "wait" and not self._is_dropped(taker, found)
            return self._draft(found.call, found, None if waits else self._twin([found]), more)
        mend = None
        if can_import_asyncio(self.context) and found.member != "get_state":
            applicability = Applicability.SAFE if found.member == "result" else Applicability.UNSAFE
            edits = _to_thread(self.module, found.call)
            if edits is not None:
                given = edits
                mend = Mend(applicability, "Let a thread do it", lambda: (*given, *import_asyncio(self.context)))
        return self._draft(found.call, found, mend, more)

    def _of_name(self, node: ast.Await, parents: Parents, made: Sequence[Awaited]) -> Draft:
        told = f"`{self.module.source(node.value)}` is no coroutine on Prefect 3 but what `submit` or `map` gave: to await it raises TypeError"
        mend: Optional[Mend] = Mend(
            Applicability.SAFE, "Do not await it", partial(tuple, _without_await(self.module, node, parents[-1]))
        )
        if self.context.target.both:
            mend = self._where_made(node.value, parents, made)
        return self.context.draft(node, told, mend)

    def _of_gathered_name(self, call: ast.Call, parents: Parents) -> Iterator[Draft]:
        """`asyncio.gather(*calls)`, where `calls` holds what `submit` gave."""
        starred = [
            each.value for each in call.args if isinstance(each, ast.Starred) and isinstance(each.value, ast.Name)
        ]
        for value in starred:
            made = self._made(value, parents)
            if not made:
                continue
            told = f"`{self.module.source(value)}` holds futures on Prefect 3, no coroutines: `asyncio.gather` raises TypeError"
            mend = None
            if self.context.target.both:
                mend = self._where_made(value, parents, made)
            elif isinstance(parents[-1], ast.Await) and len(call.args) == 1 and not call.keywords:
                edits = _as_list(self.module, parents[-1], call)
                mend = Mend(Applicability.SAFE, "Make a list of them", partial(tuple, edits)) if edits else None
            yield self.context.draft(call, told, mend)

    # -- mends

    def _twin(self, every: Sequence[Awaited], more: Iterable[Edit] = ()) -> Optional[Mend]:
        """`task.submit(1)` becomes `submit_async(task, 1)`, which is awaited on both majors."""
        module = self.module
        homes = {found.member: f"{self.context.target.compat}.{_TWINS[found.member]}" for found in every}
        if not every or not all(can_add_import(module, home) for home in homes.values()):
            return None
        edits = [*more]
        for found in every:
            name = local_name(module, homes[found.member])
            opened, closed = ("[", "]") if found.member == "wait" else ("", "")
            written = _as_argument(module, found.call, f"{name}({opened}", closed)
            if written is None:
                return None
            edits += written

        def all_edits() -> Iterator[Edit]:
            yield from edits
            for home in sorted(set(homes.values())):
                yield from add_import(module, home)

        if len(homes) > 1:
            return None
        return Mend(Applicability.SAFE, f"Use `{', '.join(sorted(homes.values()))}`", lambda: tuple(all_edits()))

    def _state_after_wait(self, node: ast.Await, found: Awaited, parents: Parents) -> Optional[Mend]:
        """`state = await future.wait()` becomes `future.wait()` and `state = future.state`, or the same with `compat`."""
        from migrator.rewriting.statements import CannotEdit, insert_before

        statement, module = parents[-1], self.module
        if not isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Return)) or statement.value is not node:
            return None
        if found.call.args or found.call.keywords or not isinstance(found.base, ast.Name):
            return None
        name = found.base.id
        both = self.context.target.both
        homes = [f"{self.context.target.compat}.{each}" for each in ("wait_async", "state_async")] if both else []
        if not all(can_add_import(module, home) for home in homes):
            return None
        wait, state = [local_name(module, home) for home in homes] or ["", ""]
        try:
            before = insert_before(module.text, statement, f"await {wait}([{name}])" if both else f"{name}.wait()")
        except CannotEdit:
            return None
        start, end = span(node, module.index)
        instead = Edit(start, end, f"await {state}({name})" if both else f"{name}.state")
        if not both:
            return Mend(self.blocking, "Read the state after the wait", partial(tuple, (before, instead)))
        return Mend(
            Applicability.SAFE,
            "Read the state after the wait",
            lambda: (before, instead, *_import_both(module, *homes)),
        )

    def _is_dropped(self, taker: ast.Call, found: Awaited) -> bool:
        """Whether nobody uses what an awaited call gives."""
        at = found.parents.index(taker)
        return isinstance(found.parents[at - 1], ast.Await) and isinstance(found.parents[at - 2], ast.Expr)

    def _made(self, value: ast.expr, parents: Parents) -> Sequence[Awaited]:
        """The submissions that a variable of the function around gets; none where it gets anything else."""
        function = next((each for each in reversed(parents) if isinstance(each, FUNCTIONS)), None)
        if not isinstance(value, ast.Name) or function is None:
            return ()
        made: list[Awaited] = []
        for node in ast.walk(function):
            for each in _filling(node, value.id):
                member = _member(self.context, each, parents) if isinstance(each, ast.Call) else None
                if member not in ("submit", "map") or not isinstance(each, ast.Call):
                    return ()
                made.append(Awaited(each, (), member))
        return made

    def _where_made(self, value: ast.expr, parents: Parents, made: Sequence[Awaited]) -> Optional[Mend]:
        """The twins where a variable is filled that is read for nothing else."""
        function = next(each for each in reversed(parents) if isinstance(each, FUNCTIONS))
        assert isinstance(value, ast.Name)
        reads = 0
        for node in ast.walk(function):
            reads += isinstance(node, ast.Name) and node.id == value.id and isinstance(node.ctx, ast.Load)
            reads -= isinstance(node, ast.Call) and bool(_filling(node, value.id))
        return self._twin(made) if reads == 1 else None


def _filling(node: ast.AST, name: str) -> list[ast.expr]:
    """What a node puts into a variable of that name, or into a list of that name."""
    if isinstance(node, ast.Assign) and any(isinstance(each, ast.Name) and each.id == name for each in node.targets):
        value = node.value
        if isinstance(value, _COMPREHENSIONS):
            return [value.elt]
        return value.elts if isinstance(value, _DISPLAYS) else [value]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "append":
        if isinstance(node.func.value, ast.Name) and node.func.value.id == name:
            return list(node.args)
    return []


# -- where to look


def _places(module: Module) -> Iterator[tuple[Union[ast.Await, ast.Call], Parents]]:
    """The awaits and calls in statements that await something or hand it to asyncio, or that submit; each with the nodes around it."""
    words = {"await", *_OF_ASYNCIO, *_OF_LOOPS} - {"run", "wait"}
    rows = rows_with({word for word in words if word in module.text}, module.index)
    for node, parents in walked(module.tree, rows):
        if isinstance(node, (ast.Await, ast.Call)):
            yield node, parents


def _member(context: Context, call: ast.Call, parents: Parents) -> Optional[str]:
    """Which of the methods a call is of, where Prefect 2 may have it awaited; None for other calls, and for tasks that are not async."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _TWINS:
        return None
    receiver = function.value
    for made, rest in ((function, (function.attr,)), (receiver, ("with_options",))):
        reference = context.module.resolve(made) if isinstance(made, (ast.Attribute, ast.Call)) else None
        task = reference.definition if reference is not None and reference.rest == rest else None
        if task is not None and task.kind is Kind.TASK and function.attr in ("submit", "map"):
            return function.attr if task.function is None or task.is_async else None
    called = context.values.of(function, (*parents, call))
    owner = _TASK if function.attr in ("submit", "map") else _FUTURE
    if called is not None and called.kind == METHOD:
        return function.attr if called.home == owner else None
    if called is None and owner == _FUTURE and isinstance(receiver, ast.Name):
        return function.attr if _is_given_futures(context, receiver.id, parents) else None
    return None


def _is_given_futures(context: Context, name: str, parents: Parents) -> bool:
    """Whether a name is a parameter of a helper, or goes over one, and each call of the helper in the module gives it futures."""
    at = next((at for at in range(len(parents) - 1, -1, -1) if isinstance(parents[at], FUNCTIONS)), None)
    helper = parents[at] if at is not None else None
    if at is None or not isinstance(helper, FUNCTIONS) or isinstance(parents[at - 1], ast.ClassDef):
        return False
    made = context.module.definitions.get(helper)
    if helper.decorator_list or (made is not None and made.kind is not Kind.FUNCTION):
        return False
    many = False
    for inner in reversed(parents[at:]):
        for loop in getattr(inner, "generators", [inner]):
            over = loop.iter if isinstance(loop, (ast.For, ast.AsyncFor, ast.comprehension)) else None
            if isinstance(over, ast.Name) and isinstance(loop.target, ast.Name) and loop.target.id == name:
                name, many = over.id, True
    names = [each.arg for each in (*helper.args.posonlyargs, *helper.args.args)]
    if name not in names or any(
        isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        for node in ast.walk(helper)
    ):
        return False
    given = [
        context.values.of(value, (*around, call)) if value is not None else None
        for call, around in _calls_of(context.module, helper.name)
        for value in [_argument(call, names.index(name), name)]
    ]
    return bool(given) and all(
        each is not None and (each.kind == MANY) is many and _one(each) == _FUTURE for each in given
    )


def _one(held: Value) -> Optional[str]:
    """The home of an instance, or of those that a list holds."""
    inner = held.of if held.kind == MANY else held
    return inner.home if inner is not None and inner.kind == INSTANCE else None


def _argument(call: ast.Call, at: int, name: str) -> Optional[ast.expr]:
    if any(isinstance(each, ast.Starred) for each in call.args):
        return None
    named = next((each.value for each in call.keywords if each.arg == name), None)
    return call.args[at] if at < len(call.args) else named


def _calls_of(module: Module, name: str) -> Iterator[tuple[ast.Call, Parents]]:
    """The calls of a function by its bare name, each with the nodes around it."""
    waiting: list[tuple[ast.AST, Parents]] = [(module.tree, ())]
    while waiting:
        node, parents = waiting.pop()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node, parents
        waiting.extend((child, (*parents, node)) for child in ast.iter_child_nodes(node))


def _passed_over(context: Context, node: ast.AST, parents: Parents) -> bool:
    """Whether a place runs on one major alone, or the code itself looks whether there is something to await."""
    if only_on((*parents, node), context.module) is not None:
        return True
    tests = [each.test for each in parents if isinstance(each, (ast.If, ast.IfExp))]
    return any(_ASKS.search(context.module.source(test)) for test in tests)


def _is_taker(module: Module, call: ast.Call) -> bool:
    """Whether a call awaits or schedules what it is given."""
    name = last_name(call.func)
    if isinstance(call.func, ast.Attribute):
        return (name in _OF_ASYNCIO and module.source(call.func.value) == "asyncio") or name in _OF_LOOPS
    return name in _OF_ASYNCIO and re.search(rf"from asyncio import [^\n]*\b{name}\b", module.text) is not None


# -- edits


def _import_both(module: Module, first: str, second: str) -> Iterator[Edit]:
    """Imports two names of one module by one edit."""
    from migrator.rewriting.imports import add_name

    found = list(add_import(module, first))
    if not found:
        yield from add_import(module, second)
        return
    (edit,) = found
    name, other = (each.rpartition(".")[2] for each in (first, second))
    if any(True for _ in add_import(module, second)):
        if edit.start == edit.end:
            content = edit.content.replace(f"import {name}", f"import {', '.join(sorted((name, other)))}")
        else:
            content = add_name(edit.content, other)
        edit = Edit(edit.start, edit.end, content)
    yield edit


def _without_await(module: Module, node: ast.Await, parent: ast.AST) -> list[Edit]:
    """Takes off `await`, and the brackets that only it needed."""
    text = module.text
    start, end = span(node, module.index)
    keyword = _AWAIT.match(text, start)
    assert keyword is not None
    if isinstance(parent, ast.Attribute) and text[start - 1] == "(" and text[end : end + 1] == ")":
        return [Edit(start - 1, keyword.end(), ""), Edit(end, end + 1, "")]
    return [Edit(start, keyword.end(), "")]


def _as_list(module: Module, node: ast.Await, call: ast.Call) -> Optional[list[Edit]]:
    """`await asyncio.gather(...)` as the list of its arguments; None where a comment would be lost."""
    text = module.text
    begin, end = span(node, module.index)
    if span(call, module.index)[1] != end:
        return None
    first = call.args[0]
    if len(call.args) > 1 or not isinstance(first, ast.Starred):
        opening = text.index("(", span(call.func, module.index)[1])
        return [Edit(begin, opening + 1, "["), Edit(end - 1, end, "]")]
    start, stop = span(first.value, module.index)
    if "#" in text[begin:start] + text[stop:end]:
        return None
    if isinstance(first.value, (ast.ListComp, ast.List)):
        return [Edit(begin, start, ""), Edit(stop, end, "")]
    if isinstance(first.value, ast.GeneratorExp) and text[start] == "(":
        return [Edit(begin, start + 1, "["), Edit(stop - 1, end, "]")]
    return [Edit(begin, start, "[*"), Edit(stop, end, "]")]


def _to_thread(module: Module, call: ast.Call) -> Optional[list[Edit]]:
    """`future.result(...)` becomes `asyncio.to_thread(future.result, ...)`."""
    start, _ = span(call, module.index)
    _, end = span(call.func, module.index)
    gap = re.match(r"\s*\(", module.text[end:])
    if gap is None:
        return None
    return [Edit(start, start, "asyncio.to_thread("), Edit(end, end + gap.end(), _comma(module, call, end + gap.end()))]


def _as_argument(module: Module, call: ast.Call, opened: str, closed: str) -> Optional[list[Edit]]:
    """`value.method(...)` becomes `opened value closed, ...`; None where a comment stands in between."""
    start, _ = span(call, module.index)
    base_start, base_end = span(call.func.value, module.index)  # type: ignore[attr-defined]
    _, function_end = span(call.func, module.index)
    gap = re.match(r"\s*\(", module.text[function_end:])
    if gap is None or "#" in module.text[base_end:function_end]:
        return None
    after = function_end + gap.end()
    return [Edit(start, base_start, opened), Edit(base_end, after, closed + _comma(module, call, after))]


def _comma(module: Module, call: ast.Call, place: int) -> str:
    """What goes between a new first argument and those that follow at a place."""
    if not call.args and not call.keywords:
        return ""
    return "," if module.text[place : place + 1] in ("\n", "\r") else ", "

"""Edits after which a flow keeps its futures until all runs have ended, and returns them where it returned nothing."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Optional, Union

from migrator.findings import Edit
from migrator.model.module import Module
from migrator.model.names import FUNCTIONS, span
from migrator.model.runs import SUBMITTING, Parents, Run, Started, gives_nothing, nodes
from migrator.rewriting.imports import ensure_import_edits
from migrator.rewriting.names import can_add_import, local_name

_REST = re.compile(r"[ \t\f]*(?:#[^\r\n]*)?(?=\r|\n|\Z)")
_NAMES = {False: ("futures", "submitted", "task_futures", "futures_"), True: ("states", "task_states", "states_")}
_MAPPED = ("mapped", *(f"mapped_{number}" for number in range(2, 10)))
_HARMLESS = frozenset(
    {"range", "list", "tuple", "set", "dict", "len", "enumerate", "zip", "sorted", "reversed", "print", "str", "repr",
     "get_run_logger", "unmapped", "allow_failure", "debug", "info", "warning", "error", "append", "extend", "items", "values",
     "keys", "with_options"}
)  # fmt: skip
"""Calls that raise nothing of their own accord."""
_MUTATING = frozenset({"append", "extend", "insert", "pop", "remove", "clear", "popleft", "sort", "reverse", "discard"})
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


class CannotCollect(Exception):
    """The runs cannot be collected by edits of single lines."""


@dataclass
class _Written:
    """New text, in the order in which it was written; what stands at one offset becomes one edit."""

    module: Module
    inserted: dict[int, str] = field(default_factory=dict)
    replaced: list[Edit] = field(default_factory=list)

    def insert(self, offset: int, content: str) -> None:
        self.inserted[offset] = self.inserted.get(offset, "") + content

    def edits(self) -> Iterator[Edit]:
        yield from self.replaced
        yield from (Edit(offset, offset, content) for offset, content in self.inserted.items())


@dataclass(frozen=True)
class Ending:
    """How a flow is to end: which runs it has to return, which it has to wait for, and with what."""

    started: Started
    unseen: Sequence[Run]
    """Runs whose failure has to fail the flow where it returns nothing."""
    lost: Sequence[Run]
    """Runs that have to have ended."""
    wait: str
    """The dotted name of the function that waits."""
    awaited: bool
    """Whether that is awaited."""

    @property
    def runs(self) -> list[Run]:
        return sorted({*self.unseen, *self.lost}, key=lambda run: (run.call.lineno, run.call.col_offset))

    @property
    def leaves_early(self) -> bool:
        """Whether an exception may leave the flow while runs are in flight that nobody waits for then."""
        return bool(self.lost) and _may_raise(self.started, min(run.call.lineno for run in self.lost), self.runs)

    def edits(self) -> list[Edit]:
        """All edits. Raises CannotCollect where there are none that are certain."""
        return _Rewriting(self, _Written(self.started.module)).edits()


class _Rewriting:
    def __init__(self, ending: Ending, written: _Written) -> None:
        self.ending, self.written, self.module = ending, written, written.module
        self.function = ending.started.function
        self.wrapped = ending.leaves_early
        self.lists: dict[bool, Optional[str]] = {False: None, True: None}
        """The list for futures, and that for states, where one is needed."""
        self.waits = False
        self.returned = False
        name = ending.wait.rpartition(".")[2]
        free = can_add_import(self.module, ending.wait) and local_name(self.module, ending.wait) == name
        self.wait_name = name if free else f"{name}_for_futures"
        """As what the function that waits is imported; the usual name may be taken."""
        self.bound = {
            part
            for node in ast.walk(self.function)
            for part in (getattr(node, "id", None), getattr(node, "arg", None), getattr(node, "name", None))
            if isinstance(part, str)
        }
        self.named: list[tuple[Run, str]] = []
        """Runs that a variable of their own keeps, as they are written in a list."""

    def edits(self) -> list[Edit]:
        body = self.function.body
        if body[0].lineno == self.function.lineno:
            raise CannotCollect
        own = self._own_list()
        for run in self.ending.runs:
            self._keep(run, own)
        first = self._first_statement(own)
        for end in self.ending.started.ends:
            if isinstance(end, ast.Return):
                self._end(end)
        never_passes = self.function not in self.ending.started.ends
        tail = "" if never_passes or self.returned else self._return_at(self.function)
        lists = [name for name in self.lists.values() if name and name != own]
        if self.wrapped:
            self._wrap(first, lists, tail)
        else:
            if lists:
                start = self._line_start(first)
                opening = "".join(f"{self._indentation(first)}{name} = []{self._newline}" for name in lists)
                self.written.insert(start, opening)
            if tail or not (never_passes or self.returned):
                waiting = self._wait_at(self.function) if not tail else ""
                for line in (waiting, tail):
                    if line:
                        self._add_last(body[-1], line)
        found = list(self.written.edits())
        if self.waits:
            home, _, name = self.ending.wait.rpartition(".")
            alias = None if self.wait_name == name else self.wait_name
            found += ensure_import_edits(self.module.text, self.module.tree, home, name, alias)
        return [*found, *self._annotation()]

    # -- keeping

    def _keep(self, run: Run, own: Optional[str]) -> None:
        statement, parents = _statement_of(run)
        self._alone(statement)
        value = getattr(statement, "value", None)
        name = _assigned_name(statement)
        held = _holds(value, run, self.ending.runs) if isinstance(value, ast.expr) else None
        if name is None:
            name, held = _unpacked_name(statement, run) or (None, held)
        if name is not None and held is not None:
            if not self.wrapped and self._keeps_name(name, statement, parents):
                self.named.append((run, f"*{name}" if held else name))
                return
            self._add_line(statement, f"{self._list(run.is_state)}.{'extend' if held else 'append'}({name})")
            return
        if isinstance(statement, ast.Expr) and held is not None:
            assert value is not None
            start, end = span(value, self.module.index)
            if not self.wrapped and len(self.ending.runs) == 1 and statement in self.function.body:
                self._keep_single(run, statement, held)
                return
            self.written.insert(start, f"{self._list(run.is_state)}.{'extend' if held else 'append'}(")
            self.written.insert(end, ")")
            return
        if own is not None and isinstance(value, ast.Call) and _list_of(value, run.level) == own:
            self.lists[False] = own
            return
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and held is not None and name is None:
            raise CannotCollect
        others = [each for each in self.ending.started.runs if statement in each.parents and each is not run]
        if any(run.call not in each.parents and _in_first_part(statement, each) for each in others):
            raise CannotCollect  # which of them is evaluated first is not to be changed
        if any(isinstance(p, (*_COMPREHENSIONS, ast.Lambda, ast.IfExp, ast.BoolOp)) for p in run.parents):
            raise CannotCollect
        node: ast.expr = run.call
        if isinstance(run.parents[-1], ast.Await):
            node = run.parents[-1]
        start, end = span(node, self.module.index)
        code = self.module.text[start:end]
        if len(code.splitlines()) > 1:
            raise CannotCollect
        indent = f"{self._newline}{self._indentation(statement)}{self._extra(statement)}"
        place = span(statement, self.module.index)[0]
        if run.level and not self.wrapped and statement in self.function.body:
            name = self._free(_NAMES[run.is_state])
            self.written.insert(place, f"{name} = {code}{indent}")
            self.written.replaced.append(Edit(start, end, name))
            self.named.append((run, f"*{name}"))
        elif run.level:
            name, kept = self._free(_MAPPED), self._list(run.is_state)
            self.written.insert(place, f"{name} = {code}{indent}{kept}.extend({name}){indent}")
            self.written.replaced.append(Edit(start, end, name))
        else:
            kept = self._list(run.is_state)
            self.written.insert(place, f"{kept}.append({code}){indent}")
            self.written.replaced.append(Edit(start, end, f"{kept}[-1]"))

    def _keep_single(self, run: Run, statement: ast.Expr, many: bool) -> None:
        """Keeps the only run: returned on the spot where that is the flow's end, else in a variable."""
        start, end = span(statement.value, self.module.index)
        if statement is self.function.body[-1] and run in self.ending.unseen and len(self.ending.started.ends) == 1:
            self.written.insert(start, "return " if many else "return [")
            self.written.insert(end, "" if many else "]")
            self.returned = True
            return
        names = _NAMES[run.is_state]
        name = self._free(names if many else tuple(each.rstrip("s") for each in names[:1]) + names[1:])
        self.written.insert(start, f"{name} = ")
        self.named.append((run, f"*{name}" if many else name))

    def _own_list(self) -> Optional[str]:
        """A list of the flow's own that all the futures are appended to, and nothing else; None where there is none."""
        names = set()
        for run in self.ending.runs:
            statement, _ = _statement_of(run)
            name = _list_of(getattr(statement, "value", None), run.level)
            if name is None or run.is_state or not isinstance(statement, ast.Expr):
                return None
            names.add(name)
        if len(names) != 1:
            return None
        (name,) = names
        stores = [
            node
            for node, _ in nodes(self.function)
            if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
        ]
        made = [
            s for s in self.function.body if _assigned_name(s) == name and _is_empty_list(getattr(s, "value", None))
        ]
        if len(stores) != 1 or len(made) != 1:
            return None
        for node, parents in nodes(self.function, nested=True):
            if _changes_items(node, name) or getattr(node, "name", None) == name:
                return None
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
                call = parents[-1]
                if node.attr in _MUTATING and not any(_list_call(run) is call for run in self.ending.started.runs):
                    return None
        return name

    def _keeps_name(self, name: str, statement: ast.stmt, parents: Parents) -> bool:
        """Whether a variable, assigned once and at the top level of the flow, still holds the future at its end."""
        if statement not in self.function.body:
            return False
        stores = 0
        for node, _ in nodes(self.function, nested=True):
            if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
                stores += 1
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
                if node.attr in _MUTATING:
                    return False
            if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
                return False
            if getattr(node, "name", None) == name or getattr(node, "asname", None) == name:
                return False  # a handler, a function, a class, an import, a pattern
            if _changes_items(node, name):
                return False
        return stores == 1

    def _list(self, of_states: bool) -> str:
        known = self.lists[of_states]
        if known is None:
            known = self.lists[of_states] = self._free(_NAMES[of_states])
        return known

    def _free(self, names: Sequence[str]) -> str:
        """The first of these names that the flow does not use."""
        for name in names:
            if name not in self.bound:
                self.bound.add(name)
                return name
        raise CannotCollect

    # -- endings

    def _all(self, end: ast.AST, runs: Sequence[Run], with_states: bool) -> str:
        """The futures that are kept, as an expression; the empty string where there are none at that end."""
        at = 10**9 if isinstance(end, FUNCTIONS) else getattr(end, "lineno", 0)
        parts = [written for run, written in self.named if run in runs and run.call.lineno < at]
        parts = list(dict.fromkeys(parts))
        for of_states, name in self.lists.items():
            if name and (with_states or not of_states) and self._exists_at(end):
                parts.append(f"*{name}")
        if len(parts) == 1 and parts[0].startswith("*"):
            return parts[0][1:]
        return f"[{', '.join(parts)}]" if parts else ""

    def _exists_at(self, end: ast.AST) -> bool:
        """Whether the list is made before the flow can end there."""
        return isinstance(end, FUNCTIONS) or getattr(end, "lineno", 0) >= self._first_statement(None).lineno

    def _return_at(self, end: Union[ast.Return, ast.AST]) -> str:
        kept = self._all(end, self.ending.unseen, True) if self.ending.unseen else ""
        return f"return {kept}" if kept else ""

    def _wait_at(self, end: ast.AST) -> str:
        kept = self._all(end, self.ending.lost, False) if self.ending.lost else ""
        return self._wait_for(kept) if kept else ""

    def _wait_for(self, kept: str) -> str:
        self.waits = True
        call = f"{self.wait_name}({kept})"
        return f"await {call}" if self.ending.awaited else call

    def _end(self, end: ast.Return) -> None:
        if gives_nothing(end):
            returned = self._return_at(end)
            if returned:
                self.written.replaced.append(Edit(*span(end, self.module.index), returned))
                return
        if self.wrapped:
            return
        waiting = self._wait_at(end)
        if waiting:
            self._alone(end)
            line = self._line_start(end)
            self.written.insert(line, f"{self._indentation(end)}{waiting}{self._newline}")

    def _wrap(self, first: ast.stmt, lists: Sequence[str], tail: str) -> None:
        """Puts the body from `first` on into a `try` whose `finally` waits."""
        body, index = self.function.body, self.module.index
        last = body[-1]
        begin = self._line_start(first)
        indent, unit = self._indentation(first), self._unit
        opening = "".join(f"{indent}{name} = []{self._newline}" for name in lists)
        end = span(last, index)[1]
        inside = _rows_in_strings(self.module.text)
        row_of = index.position
        for row in range(row_of(begin)[0], row_of(end)[0] + 1):
            start = index.starts[row - 1]
            if start == begin:
                self.written.insert(start, f"{opening}{indent}try:{self._newline}{unit}")
            elif any(edit.start < start < edit.end for edit in self.written.replaced):
                continue
            elif row not in inside and index.line(row).strip():
                self.written.insert(start, unit)
        waiting = self._wait_for(self.lists[False] or "[]")
        lines = [f"{indent}{unit}{tail}"] if tail else []
        lines += [f"{indent}finally:", f"{indent}{unit}{waiting}"]
        self.written.insert(self._comments_end(last), "".join(self._newline + line for line in lines))

    def _first_statement(self, own: Optional[str]) -> ast.stmt:
        """The statement of the flow's body that the first run stands in."""
        chosen = {part for run in self.ending.runs for part in run.parents}
        return next(statement for statement in self.function.body if statement in chosen)

    def _annotation(self) -> Iterator[Edit]:
        """`-> None` is no longer what the flow returns."""
        returns = self.function.returns
        if self.ending.unseen and isinstance(returns, ast.Constant) and returns.value is None:
            yield Edit(*span(returns, self.module.index), "list")

    # -- lines

    @property
    def _newline(self) -> str:
        match = re.search(r"\r\n|\r|\n", self.module.text)
        return match.group() if match else "\n"

    @property
    def _unit(self) -> str:
        mine = self._indentation(self.function.body[0])
        start = self.module.index.line_start(span(self.function, self.module.index)[0])
        outer = re.match(r"[ \t]*", self.module.text[start:])
        depth = len(outer.group()) if outer else 0
        return mine[depth:] or "    "

    def _line_start(self, statement: ast.stmt) -> int:
        return self.module.index.line_start(span(statement, self.module.index)[0])

    def _line_end(self, statement: ast.stmt) -> int:
        end = span(statement, self.module.index)[1]
        match = _REST.match(self.module.text, end)
        if match is None:
            raise CannotCollect
        return match.end()

    def _indentation(self, statement: ast.stmt) -> str:
        start = self._line_start(statement)
        return self.module.text[start : span(statement, self.module.index)[0]]

    def _extra(self, statement: ast.stmt) -> str:
        return self._unit if self.wrapped and statement.lineno >= self._first_statement(None).lineno else ""

    def _alone(self, statement: ast.stmt) -> None:
        """Raises CannotCollect where the statement shares its line with another one."""
        if self._indentation(statement).strip():
            raise CannotCollect
        if not isinstance(statement, ast.For):
            self._line_end(statement)

    def _add_last(self, statement: ast.stmt, code: str) -> None:
        """A line at the end of the flow, after the comments in its last block."""
        self.written.insert(
            self._comments_end(statement), f"{self._newline}{self._indentation(self.function.body[0])}{code}"
        )

    def _comments_end(self, last: ast.stmt) -> int:
        index = self.module.index
        end = self._line_end(last)
        row = index.position(end)[0] + 1
        depth = len(self._indentation(self.function.body[0]))
        while index.line(row).lstrip().startswith("#"):
            line = index.line(row)
            if len(line) - len(line.lstrip()) <= depth:
                break
            end = index.starts[row - 1] + len(line)
            row += 1
        return end

    def _add_line(self, statement: ast.stmt, code: str, indent: Optional[str] = None) -> None:
        """A line after a statement."""
        before = self._indentation(statement) if indent is None else indent
        extra = self._extra(statement) if indent is None else ""
        self.written.insert(self._line_end(statement), f"{self._newline}{before}{extra}{code}")


def _statement_of(run: Run) -> tuple[ast.stmt, Parents]:
    for at in range(len(run.parents) - 1, -1, -1):
        parent = run.parents[at]
        if isinstance(parent, ast.stmt):
            in_iter = isinstance(parent, ast.For) and any(node is run.call for node in ast.walk(parent.iter))
            if not in_iter and not isinstance(parent, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return)):
                raise CannotCollect
            return parent, run.parents[:at]
    raise CannotCollect


def _in_first_part(statement: ast.stmt, run: Run) -> bool:
    """Whether a run of the statement is started where the statement begins: not in the body of a loop."""
    return not isinstance(statement, ast.For) or any(node is run.call for node in ast.walk(statement.iter))


def _assigned_name(statement: ast.AST) -> Optional[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    if isinstance(statement, (ast.Assign, ast.AnnAssign)) and len(targets) == 1 and isinstance(targets[0], ast.Name):
        return targets[0].id
    return None


def _unpacked_name(statement: ast.AST, run: Run) -> Optional[tuple[str, bool]]:
    """The name, and whether it holds a list, that a run gets in `a, b = load.submit(1), load.submit(2)`."""
    if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
        return None
    target, value = statement.targets[0], statement.value
    if not isinstance(target, (ast.Tuple, ast.List)) or not isinstance(value, (ast.Tuple, ast.List)):
        return None
    if len(target.elts) != len(value.elts) or any(
        isinstance(each, ast.Starred) for each in (*target.elts, *value.elts)
    ):
        return None
    for name, element in zip(target.elts, value.elts):
        if (element.value if isinstance(element, ast.Await) else element) is run.call and isinstance(name, ast.Name):
            return name.id, bool(run.level)
    return None


def _holds(value: ast.expr, run: Run, runs: Sequence[Run]) -> Optional[bool]:
    """Whether an expression is that run's list (True) or single future (False), or a list of such; None where it is something else."""
    inner = value.value if isinstance(value, ast.Await) else value
    if inner is run.call:
        return bool(run.level)
    if run.level:
        return None
    calls = {each.call for each in runs if not each.level}
    elements: Sequence[ast.expr] = ()
    if isinstance(value, ast.ListComp):
        elements = [value.elt]
    elif isinstance(value, (ast.List, ast.Tuple)):
        elements = value.elts
    found = [element.value if isinstance(element, ast.Await) else element for element in elements]
    return True if found and all(element in calls for element in found) and run.call in found else None


def _list_of(value: Optional[ast.AST], level: Optional[int] = None) -> Optional[str]:
    """`futures` in `futures.append(...)` and `futures.extend(...)`; the first for one future, the second for a list, where a level is given."""
    if level is not None and isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        argument = value.args[0] if len(value.args) == 1 else None
        many = level or isinstance(argument, (ast.ListComp, ast.GeneratorExp, ast.List, ast.Tuple))
        if value.func.attr != ("extend" if many else "append"):
            return None
    if (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Attribute)
        and value.func.attr in ("append", "extend")
    ):
        if isinstance(value.func.value, ast.Name) and len(value.args) == 1 and not value.keywords:
            return value.func.value.id
    return None


def _list_call(run: Run) -> Optional[ast.AST]:
    """The call of `append` or `extend` that a run is handed to as it is."""
    parents = run.parents
    at = len(parents) - 1
    while at >= 0 and isinstance(parents[at], (ast.Await, ast.ListComp, ast.GeneratorExp)):
        at -= 1
    return parents[at] if at >= 0 and _list_of(parents[at]) else None


def _changes_items(node: ast.AST, name: str) -> bool:
    """`name[0] = ...`, `del name[:]`."""
    return (
        isinstance(node, ast.Subscript)
        and not isinstance(node.ctx, ast.Load)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    )


def _is_empty_list(value: Optional[ast.AST]) -> bool:
    if isinstance(value, ast.List):
        return not value.elts
    return isinstance(value, ast.Call) and getattr(value.func, "id", "") == "list" and not value.args


def _may_raise(started: Started, row: int, runs: Sequence[Run]) -> bool:
    """Whether something else than a submission, from the first one on or in a loop around it, may raise."""
    calls = {run.call for run in started.runs if not run.is_state}
    first = min(runs, key=lambda run: (run.call.lineno, run.call.col_offset))
    begin = min([row, *(p.lineno for p in first.parents if isinstance(p, (ast.For, ast.AsyncFor, ast.While)))])
    for node, parents in nodes(started.function):
        if getattr(node, "lineno", 0) < begin:
            continue
        if isinstance(node, (ast.Raise, ast.Assert)):
            return True
        if isinstance(node, ast.Call) and node not in calls:
            function = node.func
            name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            if name not in _HARMLESS and not (name in SUBMITTING and any(p in calls for p in parents)):
                return True
    return False


def _rows_in_strings(text: str) -> set[int]:
    """The rows that begin inside of a string, which must not be indented."""
    rows: set[int] = set()
    begun: list[int] = []
    for token in tokenize.generate_tokens(StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "STRING":
            rows.update(range(token.start[0] + 1, token.end[0] + 1))
        elif kind == "FSTRING_START":
            begun.append(token.start[0])
        elif kind == "FSTRING_END" and begun:
            rows.update(range(begun.pop() + 1, token.end[0] + 1))
    return rows

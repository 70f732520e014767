"""Edits after which a flow waits for its runs at its end, and raises the first failure there as a flow of Prefect 2 does.

A flow of Prefect 2 that returns nothing, or a list of futures or states, is Failed where one of them failed, and its call raises
that failure. On Prefect 3 a flow that returns a list is Failed too, but its call gives the list and raises nothing (2.20.26, 3.0.11
and 3.8.8). So each future is asked for its result before the list is returned.
"""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import StringIO
from typing import Optional

from migrator.findings import Edit
from migrator.model.module import Module
from migrator.model.names import FUNCTIONS, span
from migrator.model.runs import SUBMITTING, TRIES, Parents, Run, Started, gives_nothing, nodes, swallowed
from migrator.rewriting.imports import ensure_imports_edits
from migrator.rewriting.names import can_add_import, local_name

_REST = re.compile(r"[ \t\f]*(?:#[^\r\n]*)?(?=\r|\n|\Z)")
_HEADER = re.compile(r"(?:if|elif|else|for|while|with|try|except|finally|async)\b.*:[ \t]*\Z", re.S)
_NAMES = {False: ("futures", "submitted", "task_futures", "futures_"), True: ("states", "task_states", "states_")}
_ELEMENTS = {False: ("future", "each_future", "future_"), True: ("state", "each_state", "state_")}
_RAISE_STATE = "prefect.states.raise_state_exception"
"""Raises the failure of a state and does nothing for any other; awaited in an async flow, on all of 3.x (3.0.11, 3.8.8)."""
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
    """How a flow is to end: which runs it has to wait for, and the failures of which it has to raise."""

    started: Started
    unseen: Sequence[Run]
    """Runs whose failure has to leave the flow where it returns nothing."""
    lost: Sequence[Run]
    """Runs that have to have ended."""
    listed: Mapping[ast.Return, Sequence[Run]]
    """Runs whose futures or states a `return` gives in a list, and whose failure has to leave the flow there."""
    is_async: bool
    compat: Optional[str]
    """The home of the functions that work on both majors, where the flow has to."""

    @property
    def runs(self) -> list[Run]:
        """The runs that the flow has to keep."""
        return sorted({*self.unseen, *self.lost}, key=_position)

    @property
    def leaves_early(self) -> bool:
        """Whether an exception may leave the flow while runs are in flight that nobody waits for then."""
        return bool(self.lost) and _may_raise(self.started, min(run.call.lineno for run in self.lost), self.runs)

    @property
    def raises_in_a_block(self) -> bool:
        """Whether a failure would be raised in a `with` or a `try`, which may do something about it."""
        ends = [end for end in self.started.ends if isinstance(end, ast.Return) and self.raises_at(end)]
        blocks: tuple[type[ast.AST], ...] = (ast.With, ast.AsyncWith, *TRIES)
        return any(isinstance(parent, blocks) for end in ends for parent in self.parents_of[end])

    def raises_at(self, end: ast.Return) -> bool:
        """Whether a failure may have to leave the flow at a `return`."""
        if not gives_nothing(end):
            return end in self.listed
        return any(run.comes_before(end) for run in self.unseen)

    @cached_property
    def parents_of(self) -> Mapping[ast.AST, Parents]:
        """The nodes around each `return` of the flow."""
        return {node: parents for node, parents in nodes(self.started.function) if isinstance(node, ast.Return)}

    def edits(self) -> list[Edit]:
        """All edits. Raises CannotCollect where there are none that are certain."""
        return _Rewriting(self, _Written(self.started.module)).edits()


class _Functions:
    """The functions that the new text calls, by the names that they have in the module, and their imports."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.used: dict[str, tuple[str, Optional[str]]] = {}

    def name(self, dotted: str) -> str:
        """The name to call a function by; it is imported, under another name where its own is taken."""
        name = dotted.rpartition(".")[2]
        free = can_add_import(self.module, dotted) and local_name(self.module, dotted) == name
        alias = None if free else f"{name}_for_futures"
        self.used[dotted] = (name, alias)
        return alias or name

    def edits(self) -> Iterator[Edit]:
        homes: dict[str, list[tuple[str, Optional[str]]]] = {}
        for dotted, wanted in sorted(self.used.items()):
            homes.setdefault(dotted.rpartition(".")[0], []).append(wanted)
        for home, names in homes.items():
            yield from ensure_imports_edits(self.module.text, self.module.tree, home, names)


class _Rewriting:
    def __init__(self, ending: Ending, written: _Written) -> None:
        self.ending, self.written, self.module = ending, written, written.module
        self.function = ending.started.function
        self.wrapped = ending.leaves_early
        self.lists: dict[bool, Optional[str]] = {False: None, True: None}
        """The list for futures, and that for states, where one is needed."""
        self.collected: dict[bool, Optional[str]] = {False: None, True: None}
        """The variables that a list is put into before it is returned."""
        self.loop_names: dict[bool, Optional[str]] = {False: None, True: None}
        self.functions = _Functions(self.module)
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
        if not all(run.is_certain for run in self.ending.runs):
            raise CannotCollect  # None cannot be waited for
        own = self._own_list()
        for run in self.ending.runs:
            self._keep(run, own)
        for end in self.ending.started.ends:
            if isinstance(end, ast.Return):
                self._end(end)
        if self.ending.runs:
            self._end_of_body(own)
        found = merged([*self.written.edits(), *self.functions.edits()])
        return [*found, *self._annotation()]

    def _end_of_body(self, own: Optional[str]) -> None:
        """The lines after the last statement, and the lists that have to be made before the first run."""
        passes = self.function in self.ending.started.ends
        tail = self._lines_at(self.function) if passes else []
        first = self._first_statement()
        lists = [name for name in self.lists.values() if name and name != own]
        if self.wrapped:
            self._wrap(first, lists, tail)
            return
        if lists:
            start = self._line_start(first)
            opening = "".join(f"{self._indentation(first)}{name} = []{self._newline}" for name in lists)
            self.written.insert(start, opening)
        for line in tail:
            self._add_last(self.function.body[-1], line)

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
            if self._may_be_named(run) and self._keeps_name(name, statement, parents):
                self.named.append((run, f"*{name}" if held else name))
                return
            self._add_line(statement, f"{self._list(run.is_state)}.{'extend' if held else 'append'}({name})")
            return
        if isinstance(statement, ast.Expr) and held is not None:
            assert value is not None
            start, end = span(value, self.module.index)
            if not self.wrapped and len(self.ending.runs) == 1 and statement in self.function.body:
                self._keep_single(run, start, held)
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
        if run.level and self._may_be_named(run) and statement in self.function.body:
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

    def _keep_single(self, run: Run, start: int, many: bool) -> None:
        """Keeps the only run in a variable."""
        names = _NAMES[run.is_state]
        name = self._free(names if many else tuple(each.rstrip("s") for each in names[:1]) + names[1:])
        self.written.insert(start, f"{name} = ")
        self.named.append((run, f"*{name}" if many else name))

    def _may_be_named(self, run: Run) -> bool:
        """Whether a run may stay in a variable of its own, although others are in a list: the order of submission is kept."""
        if self.wrapped:
            return False
        others = [each for each in self.ending.runs if each.is_state == run.is_state and not self._has_a_name(each)]
        after = [_position(each) > _position(run) for each in others]
        return all(after) or not any(after)

    def _has_a_name(self, run: Run) -> bool:
        """Whether a variable of the flow holds the future, or the list of them, at the end, or can."""
        statement, parents = _statement_of(run)
        value, name = getattr(statement, "value", None), _assigned_name(statement)
        held = _holds(value, run, self.ending.runs) if isinstance(value, ast.expr) else None
        if name is None:
            name, held = _unpacked_name(statement, run) or (None, held)
        if held is not None:
            return name is not None and self._keeps_name(name, statement, parents)
        return bool(run.level) and statement in self.function.body

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

    def _parts(self, end: ast.AST, runs: Sequence[Run], of_states: bool) -> list[str]:
        """What holds these futures, or states, at an end: elements of a list, in the order of submission."""
        at = 10**9 if isinstance(end, FUNCTIONS) else getattr(end, "lineno", 0)
        placed = [
            (_position(run), written)
            for run, written in self.named
            if run in runs and run.is_state == of_states and run.call.lineno < at
        ]
        name = self.lists[of_states]
        if name and self._exists_at(end):
            names = {run for run, _ in self.named}
            inside = [_position(run) for run in self.ending.runs if run.is_state == of_states and run not in names]
            placed.append((min(inside), f"*{name}"))
        return list(dict.fromkeys(written for _, written in sorted(placed, key=lambda each: each[0])))

    def _exists_at(self, end: ast.AST) -> bool:
        """Whether the list is made before the function can end there."""
        return isinstance(end, FUNCTIONS) or getattr(end, "lineno", 0) >= self._first_statement().lineno

    def _lines_at(self, end: ast.AST) -> list[str]:
        """The lines that wait, raise and return at an end that returns nothing; none where nothing was started before it."""
        assert not isinstance(end, ast.Return) or gives_nothing(end)
        runs = self.ending.unseen
        kept = {of_states: self._parts(end, runs, of_states) if runs else [] for of_states in (False, True)}
        lines: list[str] = []
        written = {of_states: self._collected(parts, of_states, lines) for of_states, parts in kept.items() if parts}
        lines += self._waiting(end, written.get(False))
        lines += self._raising(written)
        if len(written) == 2:
            lines.append(f"return [{', '.join(_starred(each) for each in written.values())}]")
        lines += [f"return {each}" for each in written.values() if len(written) == 1]
        return lines

    def _collected(self, parts: Sequence[str], of_states: bool, lines: list[str]) -> str:
        """A variable that holds these; a list of one where that is all."""
        if len(parts) == 1:
            return parts[0][1:] if parts[0].startswith("*") else f"[{parts[0]}]"
        return self._put(f"[{', '.join(parts)}]", of_states, lines)

    def _put(self, written: str, of_states: bool, lines: list[str]) -> str:
        """Puts a list into a variable, which it gives."""
        name = self.collected[of_states]
        if name is None:
            name = self.collected[of_states] = self._free(_NAMES[of_states])
        lines.append(f"{name} = {written}")
        return name

    def _waiting(self, end: ast.AST, raised: Optional[str]) -> list[str]:
        """The line that waits for what may not have ended there; none where a `finally`, or the line that raises, waits for it."""
        lost = [] if self.wrapped else [run for run in self.ending.lost if self._is_in_flight(run, end)]
        parts = self._parts(end, lost, False) if lost else []
        if not parts or (raised is not None and (self.ending.compat or _single(raised))):
            return []
        if raised is None:
            is_list = len(parts) == 1 and parts[0].startswith("*")
            raised = parts[0][1:] if is_list else f"[{', '.join(parts)}]"
        return [self._wait_for(raised)]

    def _is_in_flight(self, run: Run, end: ast.AST, returned: bool = True) -> bool:
        """Whether a run may not have ended there; with `returned`, what is returned has ended."""
        assert isinstance(end, (ast.Return, *FUNCTIONS))
        before = run.comes_before(end) or not returned
        return not run.is_state and before and not run.ended_before(end, self.ending.started.runs, returned=returned)

    def _raising(self, written: Mapping[bool, str]) -> list[str]:
        """The lines that raise the first failure; on both majors `finish` does, which also waits."""
        if not written:
            return []
        if self.ending.compat:
            name = self.functions.name(f"{self.ending.compat}.finish{'_async' if self.ending.is_async else ''}")
            given = ", ".join(_single(each) or each for each in written.values())
            return [f"{'await ' if self.ending.is_async else ''}{name}({given})"]
        lines: list[str] = []
        for of_states, each in written.items():
            alone = _single(each)
            if alone is None:
                alone = self._loop_name(of_states)
                lines += [f"for {alone} in {each}:", f"{self._unit}{self._raise(alone, of_states)}"]
            else:
                lines.append(self._raise(alone, of_states))
        return lines

    def _raise(self, name: str, of_state: bool) -> str:
        if not of_state:
            return f"{name}.result()"
        call = f"{self.functions.name(_RAISE_STATE)}({name})"
        return f"await {call}" if self.ending.is_async else call

    def _loop_name(self, of_states: bool) -> str:
        name = self.loop_names[of_states]
        if name is None:
            name = self.loop_names[of_states] = self._free(_ELEMENTS[of_states])
        return name

    def _wait_for(self, kept: str) -> str:
        home, both = self.ending.compat or "prefect.futures", self.ending.compat is not None
        awaited = both and self.ending.is_async
        call = f"{self.functions.name(f'{home}.wait_async' if awaited else f'{home}.wait')}({kept})"
        return f"await {call}" if awaited else call

    def _end(self, end: ast.Return) -> None:
        """Edits at a `return`."""
        if self.ending.raises_at(end) and swallowed(end, self.ending.parents_of[end]):
            raise CannotCollect  # what is raised there would be caught
        if gives_nothing(end):
            self._instead_of(end, self._lines_at(end) if self.ending.runs else [])
        elif end in self.ending.listed:
            self._instead_of(end, self._listed_lines(end, self.ending.listed[end]))
        elif self.ending.runs:
            for line in self._waiting(end, None):
                start, opening, indent = self._place_of(end)
                place = Edit(start, span(end, self.module.index)[0], f"{opening}{line}{self._newline}{indent}")
                self.written.replaced.append(place)

    def _instead_of(self, end: ast.Return, lines: Sequence[str]) -> None:
        """Puts lines, of which the last one returns, in the place of a `return`."""
        if not lines:
            return
        if any(end in run.parents for run in self.ending.runs):
            raise CannotCollect
        start, opening, indent = self._place_of(end)
        code = f"{self._newline}{indent}".join(lines)
        self.written.replaced.append(Edit(start, span(end, self.module.index)[1], opening + code))

    def _listed_lines(self, end: ast.Return, runs: Sequence[Run]) -> list[str]:
        """The lines at a `return` that gives futures, or states, in a list."""
        given = [(run, use) for run in self.ending.started.runs for use in [run.listed_at(end)] if use is not None]
        kinds = {run.is_state or use.as_state for run, use in given}
        if len(kinds) > 1 and not self.ending.compat:
            raise CannotCollect  # futures and states are asked in different ways
        value, of_states = end.value, kinds == {True}
        assert value is not None
        if any(isinstance(node, ast.Constant) and node.value is None for node in _branches(value)):
            raise CannotCollect  # None cannot be waited for
        written = self._value_of(end, value)
        lines: list[str] = []
        if not isinstance(value, ast.Name) and not _single(written):
            written = self._put(written, of_states, lines)
        lines += self._waiting(end, None) if self.ending.runs else []
        waited_for = {run for run in self.ending.lost if self.wrapped or self._is_in_flight(run, end)}
        in_flight = not of_states and any(
            self._is_in_flight(run, end, returned=False) for run in runs if run not in waited_for
        )
        if in_flight and not self.ending.compat and not _single(written):
            lines.append(self._wait_for(written))
        return [*lines, *self._raising({of_states: written}), f"return {written}"]

    def _value_of(self, end: ast.Return, value: ast.expr) -> str:
        """The text of what is returned, as it can be assigned."""
        (start, stop), (first, last) = span(end, self.module.index), span(value, self.module.index)
        written = self.module.text[first:last]
        if "#" in self.module.text[start:first] + self.module.text[last:stop]:
            raise CannotCollect  # a comment between the brackets
        if self.wrapped and len(written.splitlines()) > 1:
            raise CannotCollect
        try:
            ast.parse(written, mode="eval")
        except SyntaxError:
            return f"({written})"
        return written

    def _place_of(self, end: ast.Return) -> tuple[int, str, str]:
        """Where lines before a `return` begin, what has to stand before the first one, and the indentation of the others."""
        before = self._indentation(end)
        extra = self._extra(end)
        start = span(end, self.module.index)[0]
        if not before.strip():
            return start, "", before + extra
        parent = self.ending.parents_of[end][-1]
        alone = any(getattr(parent, name, None) == [end] for name in ("body", "orelse", "finalbody"))
        if not alone or not _HEADER.match(before.lstrip()) or self.wrapped:
            raise CannotCollect
        indent = before[: len(before) - len(before.lstrip())] + extra + self._unit
        return start - len(before) + len(before.rstrip()), self._newline + indent, indent

    def _wrap(self, first: ast.stmt, lists: Sequence[str], tail: Sequence[str]) -> None:
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
        lines = [f"{indent}{unit}{line}" for line in tail]
        lines += [f"{indent}finally:", f"{indent}{unit}{waiting}"]
        self.written.insert(self._comments_end(last), "".join(self._newline + line for line in lines))

    def _first_statement(self) -> ast.stmt:
        """The statement of the flow's body that the first run stands in."""
        chosen = {part for run in self.ending.runs for part in run.parents}
        return next(statement for statement in self.function.body if statement in chosen)

    def _annotation(self) -> Iterator[Edit]:
        """`-> None` is no longer what the flow returns."""
        returns = self.function.returns
        if (
            any(self.named or self.lists.values())
            and self.ending.unseen
            and isinstance(returns, ast.Constant)
            and returns.value is None
        ):
            yield Edit(*span(returns, self.module.index), "list")

    # -- lines

    def _source(self, node: ast.AST) -> str:
        begin, end = span(node, self.module.index)
        return self.module.text[begin:end]

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
        return self._unit if self.wrapped and statement.lineno >= self._first_statement().lineno else ""

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


def merged(edits: Sequence[Edit]) -> list[Edit]:
    """The edits, with those that insert text at one offset made one."""
    inserted: dict[int, str] = {}
    found: list[Edit] = []
    for edit in edits:
        if edit.start == edit.end:
            inserted[edit.start] = inserted.get(edit.start, "") + edit.content
        else:
            found.append(edit)
    return [*found, *(Edit(offset, offset, content) for offset, content in inserted.items())]


def _branches(value: ast.expr) -> Iterator[ast.expr]:
    """What an expression may give: the branches of a conditional expression, the operands of `or` and `and`."""
    if isinstance(value, ast.IfExp):
        yield from _branches(value.body)
        yield from _branches(value.orelse)
    elif isinstance(value, ast.BoolOp):
        for each in value.values:
            yield from _branches(each)
    else:
        yield value


def _position(run: Run) -> tuple[int, int]:
    return run.call.lineno, run.call.col_offset


def _single(written: str) -> Optional[str]:
    """`future` of `[future]`."""
    found = re.fullmatch(r"\[(\w+)\]|\((\w+),\)|(\w+),", written)
    return next(filter(None, found.groups()), None) if found else None


def _starred(written: str) -> str:
    """A list as elements of another one."""
    return _single(written) or f"*{written}"


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

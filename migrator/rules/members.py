"""Members and arguments that Prefect 3 took out of what it still has: the generated data says which, a table what to write instead."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import lru_cache, partial
from typing import Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.knowledge.api import Api, Call, Entry, api
from migrator.knowledge.members import (
    CHANGED_ARGUMENTS,
    CHANGED_MEMBERS,
    ChangedArgument,
    ChangedMember,
    changed_argument,
    changed_member,
)
from migrator.model.guards import only_on
from migrator.model.module import FLOW_DECORATORS, TASK_DECORATORS, Module, Reference
from migrator.model.names import FUNCTIONS, rows_with, span, walked
from migrator.model.values import CLASS, FUNCTION, INSTANCE, METHOD, Homes, Value, home_on
from migrator.rewriting.calls import remove_arguments, rename_argument, set_argument
from migrator.rewriting.names import add_import, can_add_import, local_name
from migrator.rewriting.turned import listed, opposite
from migrator.rules.base import Context, Draft, Mend, Target, rule

_PARAMETER = re.compile(r"(?<=[{,(])(\w+)[=!/*]*@([\d.|-]+)")
_OF_PYDANTIC = frozenset(
    {"Config", "construct", "copy", "dict", "from_orm", "json", "parse_file", "parse_obj", "parse_raw", "schema", "schema_json",
     "update_forward_refs", "validate"}
)  # fmt: skip
"""Members that a class of Prefect 2 may define itself and that one of Prefect 3 inherits from pydantic, which the data does not look into."""
_WITH_A_RULE_OF_THEIR_OWN = frozenset({"prefect.deployments.deployments:Deployment"})
_MAKERS = frozenset({"prefect.flows:Flow", "prefect.tasks:Task"})
_IGNORED = "3.x takes no notice of it and says nothing."
_CLOSE = 0.6
_VERY_CLOSE = 0.8


@rule("PF107", "removed-member", Severity.ERROR, "safe or unsafe")
def removed_member(context: Context) -> Iterator[Draft]:
    """Stop using members that Prefect 3 took out of its classes.

    A method or attribute of a class that is still there, but without it: on Prefect 3 the use raises `AttributeError`. Reported only where it is certain
    what the object is: made in sight, given by a function of Prefect's, or annotated.

    ## Example
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl():
        future = load.submit(1)
        future.wait()
        return future.get_state()
    ```

    ## Use instead
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl():
        future = load.submit(1)
        future.wait()
        return future.state
    ```

    ## Fix safety
    Safe where the new spelling says the same. Where there is none, the message says what to do.
    """
    module = context.module
    if not module.references:
        return
    values = context.values
    for node, parents in _places(context):
        if not isinstance(node, ast.Attribute) or not isinstance(node.ctx, ast.Load):
            continue
        owner = values.of(node.value, parents)
        if owner is None or owner.kind not in (INSTANCE, CLASS) or node.attr in owner.own:
            continue
        gone = _gone_member(owner.homes, node.attr, context.target)
        if gone is None or context.may_fail(parents, node) or _is_asked_for(context.module, parents, node):
            continue
        told = f"`{_short(owner.home)}.{node.attr}` does not exist {gone.told}"
        yield _of_member(context, node, parents, told, gone.row)


@rule("PF108", "removed-argument", Severity.ERROR, "safe or unsafe")
def removed_argument(context: Context) -> Iterator[Draft]:
    """Stop passing arguments that Prefect 3 does not take any more.

    An error where the call raises; a warning where Prefect 3 takes no notice of the argument and says nothing.

    ## Example
    ```python
    from prefect.deployments import run_deployment

    run_deployment("etl/nightly", infra_overrides={"env": {}})
    ```

    ## Use instead
    ```python
    from prefect.deployments import run_deployment

    run_deployment("etl/nightly", job_variables={"env": {}})
    ```

    ## Fix safety
    Safe where the new name takes the same value, or where the argument said nothing. Where there is no new name, the message says what to do.
    """
    module = context.module
    if not module.references:
        return
    for node, parents, called in _calls(context):
        if called.kind not in (FUNCTION, METHOD, CLASS) or called.home in _WITH_A_RULE_OF_THEIR_OWN:
            continue
        if called.own if called.kind == CLASS else called.name in called.own:
            continue
        for keyword in node.keywords:
            gone = _gone_argument(called, keyword.arg, context.target) if keyword.arg else None
            if gone is None or _may_be_refused(context, parents, node):
                continue
            yield _of_argument(context, node, parents, keyword, called, gone)


@rule("PF109", "unknown-argument", Severity.ERROR, "unsafe")
def unknown_argument(context: Context) -> Iterator[Draft]:
    """Pass `flow`, `task` and `with_options` what they know.

    An argument that no Prefect 2 or 3 has is most often a slip: the call raises `TypeError`. So does one that came with a later Prefect 3 than the target,
    or, with `--target both`, one that Prefect 2 has not.

    ## Example
    ```python
    from prefect import task

    @task(reties=3)
    def load():
        ...
    ```

    ## Use instead
    ```python
    from prefect import task

    @task(retries=3)
    def load():
        ...
    ```

    ## Fix safety
    Unsafe: the nearest name is what was probably meant.
    """
    for reference in context.module.references:
        call = reference.call
        made = _made_by(context, reference, call) if call is not None and call.keywords else None
        if call is None or made is None:
            continue
        what, parameters = made
        for keyword in call.keywords:
            if keyword.arg is None:
                continue
            told = _judged(what, parameters, keyword.arg, context.target)
            if told is None or _runs_elsewhere(context, reference.use.parents, call, keyword.arg, parameters):
                continue
            yield _of_unknown(context, call, keyword, told, parameters)


RULES = (removed_member, removed_argument, unknown_argument)


# -- where to look


Place = tuple[Union[ast.Attribute, ast.Call], tuple[ast.AST, ...]]


def _places(context: Context) -> list[Place]:
    """The attributes and calls in which a word stands that some class lost, each with the nodes around it."""
    key = "places of lost members"
    if key not in context.shared:
        text = context.module.text
        lost = _lost(context.target.minor)
        open_gates = [gate for gate in lost if gate in text]
        members, arguments = ({word for gate in open_gates for word in lost[gate][at] if word in text} for at in (0, 1))
        rows = rows_with(members | arguments, context.module.index) if members or arguments else []
        context.shared[key] = list(_in_rows(context.module.tree, rows, members, arguments)) if rows else []
    found = context.shared[key]
    assert isinstance(found, list)
    return found


def _calls(context: Context) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...], Value]]:
    """The calls in which an argument may be lost, each with the nodes around it and what is called."""
    values = context.values
    seen: set[ast.Call] = set()
    for reference in context.module.references:
        call = reference.call
        if call is None or not call.keywords or not reference.qualified:
            continue
        seen.add(call)
        called = values.of(call.func, reference.use.parents)
        if called is not None:
            yield call, reference.use.parents[:-1], called
    for node, parents in _places(context):
        if isinstance(node, ast.Call) and node not in seen:
            called = values.of(node.func, (*parents, node))
            if called is not None:
                yield node, parents, called


def _in_rows(tree: ast.Module, rows: Sequence[int], members: set[str], arguments: set[str]) -> Iterator[Place]:
    for node, parents in walked(tree, rows):
        if isinstance(node, ast.Attribute):
            if node.attr in members:
                yield node, parents
        elif isinstance(node, ast.Call) and any(keyword.arg in arguments for keyword in node.keywords):
            yield node, parents


_GIVEN_BY_OTHERS = {
    "PrefectFuture": (".submit", ".map(", "submit_async", "map_async", "Future"),
    "State": ("tate",),
    "PrefectClient": ("lient",),
    "SyncPrefectClient": ("lient",),
    "Deployment": ("lient", "Deployment"),
    "DeploymentResponse": ("lient", "Deployment"),
    "DeploymentSchedule": ("lient", "Deployment"),
    "EngineContext": ("Context",),
    "TaskRunContext": ("Context",),
    "ConcurrentTaskRunner": ("Runner",),
    "Flow": ("flow",),
    "Task": ("task",),
    "RunnerDeployment": ("eploy",),
}
"""Classes whose instances are made where their name does not stand, with what stands there."""


_Words = dict[str, tuple[set[str], set[str]]]


@lru_cache(maxsize=8)
def _lost(minor: Optional[int]) -> _Words:
    """What classes that are still there have lost: members, and arguments of methods, by a text that stands wherever they can be meant.

    Read from the lines of the data one by one, so it holds more than is lost: what only moved to a base class, too.
    """
    data = api()
    now = data.minor(minor)
    lost: _Words = {}
    name = ""
    for line in data.text.split("\n"):
        if line[:1] == "!":
            home, _, mask = line[1:].partition(" ")[0].partition("@")
            name = home.rpartition(":")[2] if not mask or data._mask(mask) & now else ""
            if name and "{" in line:
                _note(lost, name, 0, _without(data, _PARAMETER.findall(line), now))
        elif line[:1] == "." and name and "@" in line:
            first, _, rest = line[1:].partition(" ")
            if "@" in first:
                _note(lost, name, 0, _without(data, [first.partition("@")[::2]], now))
            _note(lost, name, 1, _without(data, _PARAMETER.findall(rest), now))
    for member in CHANGED_MEMBERS:
        _note(lost, member.owner.rpartition(".")[2], 0, [member.name])
    for argument in CHANGED_ARGUMENTS:
        owner = argument.owner.rpartition(".")[0]
        if owner.rpartition(".")[2][:1].isupper():
            _note(lost, owner.rpartition(".")[2], 1, [argument.name])
    return lost


def _without(data: Api, marked: Sequence[tuple[str, str]], now: int) -> list[str]:
    """The marked words that a minor before the target has and the target has not."""
    masks = ((word, data._mask(written)) for word, written in marked)
    return [
        word
        for word, mask in masks
        if mask & (now - 1) and not mask & now and word not in _OF_PYDANTIC and word[0] != "_"
    ]


def _note(lost: _Words, owner: str, at: int, words: Sequence[str]) -> None:
    for gate in _GIVEN_BY_OTHERS.get(owner, (owner,)) if words else ():
        lost.setdefault(gate, (set(), set()))[at].update(words)


# -- what is gone


@dataclass(frozen=True)
class _Gone:
    told: str
    """`on Prefect 3.0`, with the last minor that had it where that says more."""
    row: Union[ChangedMember, ChangedArgument, None]
    severity: Severity = Severity.ERROR


@lru_cache(maxsize=10_000)
def _gone_member(homes: Homes, name: str, target: Target) -> Optional[_Gone]:
    """Whether a class lost a member on the target; None where it is there, never was on 2.x, or nothing is certain."""
    data = api()
    if name.startswith("_") or name in _OF_PYDANTIC:
        return None
    now = data.minor(target.minor)
    current = home_on(homes, now)
    there = data.member(current, name) if current is not None else None
    if current is None or there is None or there[0] & now or not _is_known(data, current, now):
        return None
    before, owners = 0, [current]
    for home, releases in homes:
        found = data.member(home, name)
        before |= found[0] & releases if found is not None else 0
        owners.append(home)
    if not before & (now - 1):
        return None
    lineage = [klass.home for home in owners for klass, _ in data.lineage(home)]
    row = next(filter(None, (changed_member(home.replace(":", "."), name) for home in lineage)), None)
    return _Gone(_since(data, before | there[0], now, current), row)


def _is_known(data: Api, home: str, now: int) -> bool:
    """Whether the class and all that it inherits from on a minor is in the data."""
    found = False
    for klass, releases in data.lineage(home):
        if releases & now:
            found = True
            if any(mask & now and data.klass(base) is None for base, mask in klass.bases):
                return False
    return found


def _since(data: Api, releases: int, now: int, home: str) -> str:
    """On which release something is gone, and the last one before the target that had it."""
    root = home.partition(".")[0]
    if root != "prefect":
        of_3 = data.versions[root][-1].partition("=")[2]
        return f"in {root.replace('_', '-')} {of_3}, the release for Prefect 3"
    last = (releases & (now - 1)).bit_length() - 1
    first = next((at for at in range(last + 1, len(data.labels)) if data.labels[at].startswith("3.")), last)
    told = f"on Prefect {data.labels[first]}"
    if data.labels[last] in ("2.20", f"3.{int(data.labels[first].split('.')[1]) - 1}"):
        return told
    return f"{told} (Prefect {data.labels[last]} was the last to have it)"


@lru_cache(maxsize=10_000)
def _gone_argument_of(kind: str, homes: Homes, name: str, keyword: str, target: Target) -> Optional[_Gone]:
    data = api()
    if keyword.startswith("_"):
        return None
    now = data.minor(target.minor)
    current = home_on(homes, now)
    owners = [*([current] if current else []), *(home for home, _ in homes), *([name] if kind == FUNCTION else [])]
    there = next(filter(None, (_call(data, kind, owner, name, now) for owner in owners)), None)
    if current is None or there is None or there.takes(keyword) & now:
        return None
    before = _spelled(there, keyword)
    for home, releases in (*homes, (name, data.everything)):
        then = _call(data, kind, home, name, releases & (now - 1))
        before |= _spelled(then, keyword) & releases if then is not None else 0
    if not before & (now - 1):
        return None
    row = _row(data, kind, owners, name, keyword)
    severity = Severity.ERROR
    if kind == CLASS:
        extra = _extra(data, current, now)
        if extra == "allow" or (extra == "checks" and row is None):
            return None
        if extra == "ignore" or (extra == "checks" and row is not None and row.advice.startswith(_IGNORED)):
            severity = Severity.WARNING
    return _Gone(_since(data, before, now, current), row, severity)


def _gone_argument(called: Value, keyword: str, target: Target) -> Optional[_Gone]:
    return _gone_argument_of(called.kind, called.homes, called.name, keyword, target)


def _call(data: Api, kind: str, home: str, name: str, releases: int) -> Optional[Call]:
    """How something at a home is called on the minors of a mask; None where that is not known."""
    found: Optional[Call] = None
    if kind == FUNCTION:
        module, _, last = home.partition(":")
        entry = data.entry(module, last)
        found = entry.call if entry is not None else None
    else:
        for klass, living in data.lineage(home):
            if not living & releases:
                continue
            if kind == CLASS:
                found = klass.call
            else:
                member = klass.members.get(name)
                found = member.call if member is not None and member.releases & releases else None
                if member is not None and member.releases & releases and found is None:
                    return None
            if found is not None:
                break
    return found if found is not None and found.releases & releases else None


def _spelled(call: Call, keyword: str) -> int:
    """The minors in which a keyword is one of the parameters; one that goes into `**kwargs` need not be known to whoever gets it."""
    mask = 0
    for parameter in call.parameters:
        if parameter.name == keyword and parameter.by_keyword and not parameter.star:
            mask |= parameter.releases
    return mask


def _extra(data: Api, home: str, now: int) -> Optional[str]:
    """What a model does on a minor with arguments that it does not know."""
    for klass, living in data.lineage(home):
        for word, mask in klass.extra if living & now else ():
            if mask & now:
                return word
    return None


def _row(data: Api, kind: str, owners: Sequence[str], name: str, keyword: str) -> Optional[ChangedArgument]:
    if kind == METHOD:
        dotted = [f"{klass.home}.{name}" for home in owners for klass, _ in data.lineage(home)]
    elif kind == CLASS:
        dotted = [klass.home for home in owners for klass, _ in data.lineage(home)]
    else:
        dotted = list(owners)
    rows = (changed_argument(each.replace(":", "."), keyword) for each in dotted)
    return next(filter(None, rows), None)


# -- what to say of it


def _of_member(
    context: Context,
    node: ast.Attribute,
    parents: tuple[ast.AST, ...],
    told: str,
    row: Union[ChangedMember, ChangedArgument, None],
) -> Draft:
    end = context.module.index.offset(node.end_lineno or 0, node.end_col_offset or 0)
    start = end - len(node.attr)
    if not isinstance(row, ChangedMember):
        return Draft(start, end, told)
    if row.new is not None:
        told += f"; it is `{row.new}{'()' if row.called is False else ''}`"
    if context.target.both and row.compat is not None:
        told += f". For both majors: `{row.compat}(...)` of `{context.target.compat}`"
    elif row.advice:
        told += f". {row.advice}"
    mend = respelled(context, node, parents, row, start)
    return Draft(start, end, told, mend, url=row.url)


def respelled(
    context: Context, node: ast.Attribute, parents: tuple[ast.AST, ...], row: ChangedMember, start: int
) -> Optional[Mend]:
    if context.target.both and row.compat is not None:
        return _by_compat(context, node, parents, row.compat)
    if row.new is None or (context.target.both and row.new_since_2 is None):
        return None
    end = start + len(node.attr)
    edits = [Edit(start, end, row.new)]
    if row.negates is not None:
        return _negated(context, node, parents, row, start)
    if row.called is False:
        edits = [Edit(start, end, f"{row.new}()")]
    elif row.called:
        call = parents[-1]
        if not isinstance(call, ast.Call) or call.func is not node or call.args or call.keywords:
            return None
        _, after = span(call, context.module.index)
        if context.module.text[end:after].replace(" ", "") != "()":
            return None
        edits = [Edit(start, after, row.new)]
        awaited = parents[-2] if len(parents) > 1 else None
        if isinstance(awaited, ast.Await):
            begin, _ = span(awaited, context.module.index)
            first, _ = span(call, context.module.index)
            if context.module.text[begin:first].strip() != "await":
                return None
            edits.append(Edit(begin, first, ""))
        elif _in_coroutine(parents):
            return None
    applicability = Applicability.SAFE if row.applicability == "safe" else Applicability.UNSAFE
    return Mend(applicability, f"Use `{row.new}`", partial(tuple, edits))


def _negated(
    context: Context, node: ast.Attribute, parents: tuple[ast.AST, ...], row: ChangedMember, start: int
) -> Optional[Mend]:
    """`x.member(first, active)` becomes `x.new(first, paused=not active)`."""
    call = parents[-1]
    assert row.negates is not None
    if not isinstance(call, ast.Call) or call.func is not node or len(call.args) > 2:
        return None
    if any(isinstance(each, ast.Starred) for each in call.args) or any(each.arg is None for each in call.keywords):
        return None
    old, new = row.negates
    begin, end = span(call, context.module.index)
    text = context.module.text[begin:end]
    if len(call.args) == 2:
        first, _ = span(call.args[1], context.module.index)
        text = f"{text[: first - begin]}{old}={text[first - begin :]}"
    value = next(
        (each.value for each in call.keywords if each.arg == old), call.args[1] if len(call.args) == 2 else None
    )
    written = "False" if value is None else opposite(value, context.module.source(value))
    try:
        text = set_argument(rename_argument(text, old, new), new, written)
    except ValueError:
        return None
    text = f"{text[: start - begin]}{row.new}{text[start - begin + len(node.attr) :]}"
    return Mend(Applicability.SAFE, f"Use `{row.new}`", partial(tuple, (Edit(begin, end, text),)))


def _by_compat(context: Context, node: ast.Attribute, parents: tuple[ast.AST, ...], function: str) -> Optional[Mend]:
    """`x.member()` becomes `function(x)`, and `await x.member()` becomes `await function_async(x)`."""
    call = parents[-1]
    if not isinstance(call, ast.Call) or call.func is not node or call.args or call.keywords:
        return None
    if isinstance(parents[-2], ast.Await):
        function += "_async"
    elif _in_coroutine(parents):
        return None
    home = f"{context.target.compat}.{function}"
    begin, end = span(call, context.module.index)
    _, value_end = span(node.value, context.module.index)
    between = context.module.text[value_end:end]
    if not can_add_import(context.module, home) or "".join(between.split()) != f".{node.attr}()":
        return None
    edits = (Edit(begin, begin, f"{local_name(context.module, home)}("), Edit(value_end, end, ")"))
    return Mend(Applicability.SAFE, f"Use `{home}`", lambda: (*edits, *add_import(context.module, home)))


def _in_coroutine(parents: Sequence[ast.AST]) -> bool:
    """Whether a call that is not awaited stands in a coroutine: what it gives may be handed on to be awaited elsewhere."""
    inner = next((node for node in reversed(parents) if isinstance(node, (*FUNCTIONS, ast.Lambda))), None)
    return isinstance(inner, (ast.AsyncFunctionDef, ast.Lambda))


def _of_argument(
    context: Context, call: ast.Call, parents: Sequence[ast.AST], keyword: ast.keyword, called: Value, gone: _Gone
) -> Draft:
    start, end = _keyword_span(context.module, keyword)
    name = keyword.arg or ""
    owner = _short(called.home) + (f".{called.name}" if called.kind == METHOD else "")
    verb = "takes no notice of" if gone.severity is Severity.WARNING else "does not take"
    told = f"`{owner}` {verb} `{name}=` {gone.told}"
    row = gone.row
    if not isinstance(row, ChangedArgument):
        return Draft(start, end, told, severity=gone.severity)
    if row.new is not None and row.written == "same":
        told += f"; it is `{row.new}=`"
    elif row.drop:
        told += "; leave it out"
    advice = row.advice.replace(_IGNORED, "").strip() if gone.severity is Severity.WARNING else row.advice
    if advice:
        told += f". {advice}"
    return Draft(start, end, told, _rewritten(context, call, name, row, parents), gone.severity, row.url)


def _rewritten(
    context: Context, call: ast.Call, name: str, row: ChangedArgument, parents: Sequence[ast.AST]
) -> Optional[Mend]:
    if (row.new is None and not row.drop) or (context.target.both and row.new_since_2 is None):
        return None
    if row.new is not None and any(each.arg in (row.new, None) for each in call.keywords):
        return None
    if name == "fetch" and not _fetches(context, call, parents):
        return None
    start, end = span(call, context.module.index)
    text = context.module.text[start:end]
    value = next(each.value for each in call.keywords if each.arg == name)
    new = row.new
    try:
        written = _turned(context, value, row)
        new = new if written != "" else None
        changed = rename_argument(text, name, new) if new is not None else remove_arguments(text, (name,))
        if new is not None and written is not None:
            changed = set_argument(changed, new, written)
    except ValueError:
        return None
    if new is None and not _is_plain(value):
        return None
    applicability = Applicability.SAFE if row.applicability == "safe" else Applicability.UNSAFE
    message = f"Write `{new}=`" if new is not None else "Leave it out"
    edit = _smallest(start, text, changed)
    return Mend(applicability, message, partial(tuple, (edit,)))


def _turned(context: Context, value: ast.expr, row: ChangedArgument) -> Optional[str]:
    """The text of the value as the new argument takes it; None for the text that is there, the empty one where it says nothing.

    Raises ValueError where the value cannot be turned.
    """
    text = context.module.source(value)
    if row.written == "opposite":
        return opposite(value, text)
    if row.written == "same":
        return None
    held = context.module.resolve(value) if isinstance(value, (ast.Name, ast.Attribute)) else None
    made = held.definition.value if held is not None and held.definition is not None else None
    entry = '{"schedule": {}, "active": True}' if row.written == "entries" else "{}"
    return listed(value, text, entry=entry, certain=isinstance(made, ast.Call))


def _fetches(context: Context, call: ast.Call, parents: Sequence[ast.AST]) -> bool:
    """Whether `fetch=` gave what 3.x gives without it: `fetch=True`, awaited where a coroutine function calls."""
    value = next(each.value for each in call.keywords if each.arg == "fetch")
    sure = isinstance(value, ast.Constant) and value.value is True
    return sure and (isinstance(parents[-1], ast.Await) or not _in_coroutine(parents))


def _is_plain(value: ast.expr) -> bool:
    """Whether leaving out an expression leaves out nothing that happens."""
    return not any(isinstance(node, (ast.Call, ast.Await, ast.NamedExpr, ast.Yield)) for node in ast.walk(value))


def _smallest(start: int, old: str, new: str) -> Edit:
    """The edit without what both texts begin and end with."""
    head = 0
    while head < min(len(old), len(new)) and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < min(len(old), len(new)) - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Edit(start + head, start + len(old) - tail, new[head : len(new) - tail])


# -- arguments of flows and tasks


def _made_by(context: Context, reference: Reference, call: ast.Call) -> Optional[tuple[str, Call]]:
    """What a call gives its arguments to, for `flow`, `task` and `with_options`: the name and the parameters."""
    data = api()
    entry: Optional[Entry] = None
    if reference.qualified in FLOW_DECORATORS | TASK_DECORATORS:
        what = "flow" if reference.qualified in FLOW_DECORATORS else "task"
        entry = data.entry(f"prefect.{what}s", what)
    elif reference.rest == ("with_options",):
        held = context.values.of(call.func, (*reference.use.parents, call))
        if held is None or held.kind != METHOD or held.home not in _MAKERS:
            return None
        what, entry = f"{_short(held.home)}.with_options", held.entry
    return (what, entry.call) if entry is not None and entry.call is not None else None


def _judged(what: str, call: Call, keyword: str, target: Target) -> Optional[str]:
    """What is wrong with a keyword that the target does not take; None where it does, or where an older release did."""
    data = api()
    now = data.minor(target.minor)
    taken = call.takes(keyword)
    if keyword.lstrip("_") in ("fn", "FlowDecorator__fn") or (
        taken & now and not (target.both and not taken & data.last_of_2)
    ):
        return None
    if not taken:
        return f"No Prefect knows an argument `{keyword}=` of `{what}`"
    if taken & now:
        first = data.labels[(taken & -taken).bit_length() - 1]
        return f"`{what}` takes `{keyword}=` on Prefect 3 only, from {first} on"
    if taken & (now - 1):
        return None
    first = data.labels[(taken & -taken).bit_length() - 1]
    return f"`{what}` takes `{keyword}=` from Prefect {first} on"


def _of_unknown(context: Context, call: ast.Call, keyword: ast.keyword, told: str, parameters: Call) -> Draft:
    start, end = _keyword_span(context.module, keyword)
    name = keyword.arg or ""
    if not told.startswith("No "):
        return Draft(start, end, told)
    data = api()
    now = data.minor(context.target.minor)
    known = [
        each.name
        for each in parameters.parameters
        if each.releases & now
        and (not context.target.both or each.releases & data.last_of_2)
        and not each.name.startswith("_")
        and not each.star
    ]
    close = get_close_matches(name, known, 1, _CLOSE)
    if not close:
        return Draft(start, end, told)
    told += f". Did you mean `{close[0]}=`?"
    mend = None
    others = [each.arg for each in call.keywords if each is not keyword and each.arg is not None]
    meant = {*others, *(near for each in others for near in get_close_matches(each, known, 1, _CLOSE))}
    if SequenceMatcher(None, name, close[0]).ratio() >= _VERY_CLOSE and close[0] not in meant:
        mend = Mend(Applicability.UNSAFE, f"Write `{close[0]}=`", partial(tuple, (Edit(start, end, close[0]),)))
    return Draft(start, end, told, mend)


def _runs_elsewhere(
    context: Context, parents: tuple[ast.AST, ...], call: ast.Call, keyword: str, parameters: Call
) -> bool:
    """Whether a call may be refused, or runs only on the major that takes the argument."""
    around = parents if parents[-1:] != (call,) else parents[:-1]
    major = 3 if parameters.takes(keyword) else None
    return _is_tried(around, call) or (major is not None and only_on((*around, call), context.module) == major)


# -- what need not be said


def _may_be_refused(context: Context, parents: tuple[ast.AST, ...], call: ast.Call) -> bool:
    """Whether a call of 2.x may fail here: it is tried, or runs on 2.x only."""
    return context.may_fail(parents, call) or _is_tried(parents, call)


def _is_tried(parents: Sequence[ast.AST], node: ast.AST) -> bool:
    """Whether a call stands in the body of a `try` that catches `TypeError`, or in `pytest.raises` for it."""
    inner = node
    for parent in reversed(parents):
        if isinstance(parent, FUNCTIONS):
            return False
        if isinstance(parent, ast.Try) and any(inner is statement for statement in parent.body):
            if any(_names_type_error(handler.type) for handler in parent.handlers):
                return True
        if isinstance(parent, (ast.With, ast.AsyncWith)):
            calls = [item.context_expr for item in parent.items if isinstance(item.context_expr, ast.Call)]
            if any(_names_type_error(argument) for each in calls for argument in each.args):
                return True
        inner = parent
    return False


def _names_type_error(node: Optional[ast.expr]) -> bool:
    if isinstance(node, ast.Tuple):
        return any(_names_type_error(element) for element in node.elts)
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return name in ("TypeError", "ValidationError")


def _is_asked_for(module: Module, parents: Sequence[ast.AST], node: ast.Attribute) -> bool:
    """Whether the code looks whether the object has the member, or of what class it is."""
    if "hasattr" in module.text and re.search(rf"hasattr\([^()]*,\s*['\"]{node.attr}['\"]\s*\)", module.text):
        return True
    for parent in parents:
        if isinstance(parent, (ast.If, ast.IfExp, ast.While, ast.BoolOp)):
            tests = parent.values if isinstance(parent, ast.BoolOp) else [parent.test]
            if any(_narrows(test, ast.dump(node.value)) for test in tests):
                return True
    return False


def _narrows(test: ast.expr, subject: str) -> bool:
    return any(
        isinstance(each, ast.Call)
        and isinstance(each.func, ast.Name)
        and each.func.id in ("isinstance", "issubclass", "type", "callable")
        and bool(each.args)
        and ast.dump(each.args[0]) == subject
        for each in ast.walk(test)
    )


def _keyword_span(module: Module, keyword: ast.keyword) -> tuple[int, int]:
    """The place of a keyword's name."""
    start, _ = span(keyword, module.index)
    return start, start + len(keyword.arg or "")


def _short(home: str) -> str:
    return home.rpartition(":")[2]

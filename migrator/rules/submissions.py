"""What a flow submits, and whether each submitted run is waited for before the flow ends."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Optional

from migrator.findings import Edit
from migrator.model.module import Definition, Kind, Module
from migrator.model.names import FunctionNode, span
from migrator.model.project import Project

SUBMITTING = frozenset({"submit", "map"})
WAIT = "prefect.futures.wait"
_WAITING_CALLS = frozenset({WAIT, "prefect.futures.resolve_futures_to_results"})
_DEEPEST_HELPER = 6


@dataclass
class Submissions:
    """The submissions of one flow, helpers of the project included."""

    module: Module
    waits: list[Edit] = field(default_factory=list)
    """What has to be added so that each run is waited for where it is submitted."""
    needs_wait_function: bool = False
    resolved: int = 0
    """Submissions that are waited for or returned as it is."""
    unclear: list[int] = field(default_factory=list)
    """Rows of submissions that cannot be followed, or might be some."""
    from_tasks: list[str] = field(default_factory=list)
    """Names of tasks that submit tasks themselves."""

    @property
    def nothing(self) -> bool:
        """Whether the flow certainly submits nothing."""
        return not (self.waits or self.resolved or self.unclear or self.from_tasks)

    def edits(self) -> Iterator[Edit]:
        """The waits, with the import that they need."""
        yield from self.waits
        if self.needs_wait_function:
            from migrator.rewriting.names import add_import

            yield from add_import(self.module, WAIT)


def submissions_of(flow: Definition, project: Project) -> Submissions:
    """Follows every `.submit()` and `.map()` in the flow's function, and what it calls in the project."""
    module = flow.function_module or flow.module
    found = Submissions(module)
    assert flow.function is not None
    _follow_calls(found, module, flow.function, set(), 0)
    for call, parents in _calls(flow.function):
        receiver = _submission(module, call)
        if receiver is None:
            continue
        if receiver == "unknown" or isinstance(flow.function, ast.AsyncFunctionDef):
            found.unclear.append(call.lineno)
        else:
            _place(found, module, call, parents)
    return found


def submits(function: FunctionNode, module: Module) -> bool:
    """Whether a function contains a `.submit()` or `.map()` that is, or may be, a task's."""
    return any(_submission(module, call) is not None for call, _ in _calls(function))


def _calls(function: FunctionNode) -> Iterator[tuple[ast.Call, tuple[ast.AST, ...]]]:
    """The calls in a function's body, each with the nodes around it, nested functions included."""
    stack: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(statement, (function,)) for statement in function.body]
    while stack:
        node, parents = stack.pop()
        if isinstance(node, ast.Call):
            yield node, parents
        stack.extend((child, (*parents, node)) for child in ast.iter_child_nodes(node))


def _submission(module: Module, call: ast.Call) -> Optional[str]:
    """`task` for a submission of a known task, `unknown` where the receiver may be one, None for another call."""
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in SUBMITTING:
        return None
    reference = module.resolve(function)
    if reference is not None:
        is_task = reference.definition is not None and reference.definition.kind is Kind.TASK
        return "task" if is_task and len(reference.rest) == 1 else "unknown"
    receiver = function.value
    if isinstance(receiver, ast.Call):
        made = module.resolve(receiver)
        if made is not None and made.definition is not None and made.rest == ("with_options",):
            return "task" if made.definition.kind is Kind.TASK else None
    return "unknown"


def _follow_calls(found: Submissions, module: Module, function: FunctionNode, seen: set[ast.AST], depth: int) -> None:
    """Notes helpers that submit, tasks that submit, and tasks that are handed to code that may submit them."""
    seen.add(function)
    for reference in module.references_in(function):
        definition = reference.definition
        if definition is None:
            continue
        row = module.index.position(reference.start)[0]
        if definition.kind is Kind.TASK:
            if definition.function is not None and definition.function not in seen:
                home = definition.function_module or definition.module
                if _submits_deeply(home, definition.function, set(), 0):
                    found.from_tasks.append(definition.name)
            if not reference.rest and reference.call is None and isinstance(reference.parent, (ast.Call, ast.keyword)):
                found.unclear.append(row)
        elif definition.kind is Kind.FUNCTION and definition.function is not None and reference.call is not None:
            if depth < _DEEPEST_HELPER and _submits_deeply(definition.module, definition.function, set(seen), depth):
                found.unclear.append(row)


def _submits_deeply(module: Module, function: FunctionNode, seen: set[ast.AST], depth: int) -> bool:
    if function in seen or depth > _DEEPEST_HELPER:
        return False
    seen.add(function)
    if submits(function, module):
        return True
    for reference in module.references_in(function):
        definition = reference.definition
        if definition is not None and definition.kind is Kind.FUNCTION and definition.function is not None:
            if _submits_deeply(definition.module, definition.function, seen, depth + 1):
                return True
    return False


def _place(found: Submissions, module: Module, call: ast.Call, parents: tuple[ast.AST, ...]) -> None:
    """Decides for one submission whether it is waited for, can be, or cannot be followed."""
    if _is_resolved(module, call, parents):
        found.resolved += 1
        return
    edit = _wait_edit(found, module, call, parents)
    if edit is None:
        found.unclear.append(call.lineno)
    else:
        found.waits.append(edit)


def _is_resolved(module: Module, call: ast.Call, parents: tuple[ast.AST, ...]) -> bool:
    """`.result()` or `.wait()` at once, returned, or handed to a task, which waits for what it is given."""
    parent = parents[-1]
    if isinstance(parent, ast.Attribute):
        outer = parents[-2]
        return (
            parent.attr in ("result", "wait")
            and isinstance(outer, ast.Call)
            and outer.func is parent
            and not outer.args
        )
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
        if _waited_next(parent, parent.targets[0].id, parents):
            return True
    inner: ast.AST = call
    for parent in reversed(parents):
        if isinstance(parent, ast.Return):
            return True
        if isinstance(parent, ast.Call):
            return inner is not parent.func and _waits_for_arguments(module, parent)
        if not isinstance(parent, (ast.List, ast.Tuple, ast.ListComp, ast.keyword, ast.Starred, ast.Dict)):
            return False
        inner = parent
    return False


def _waits_for_arguments(module: Module, call: ast.Call) -> bool:
    reference = module.resolve(call)
    if reference is None:
        return False
    if reference.qualified in _WAITING_CALLS:
        return True
    return (
        reference.definition is not None
        and reference.definition.kind is Kind.TASK
        and reference.rest
        in (
            (),
            ("submit",),
            ("map",),
        )
    )


def _wait_edit(found: Submissions, module: Module, call: ast.Call, parents: tuple[ast.AST, ...]) -> Optional[Edit]:
    """The edit that waits for a submission at the place where 2.x ran it; None where there is no such place."""
    from migrator.rewriting.statements import CannotEdit, insert_after

    parent = parents[-1]
    end = span(call, module.index)[1]
    if isinstance(parent, ast.Expr):
        return Edit(end, end, ".wait()")
    statement = next((node for node in reversed(parents) if isinstance(node, ast.stmt)), None)
    code: Optional[str] = None
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        target = targets[0]
        if len(targets) == 1 and _is_plain(target):
            name = module.source(target)
            if statement.value is call:
                code = f"{name}.wait()"
            elif _is_list_of(statement.value, call) and _wait_is_free(module):
                code = f"wait({name})"
                found.needs_wait_function = True
    elif isinstance(statement, ast.Expr) and isinstance(parent, ast.Call) and statement.value is parent:
        function = parent.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr == "append"
            and _is_plain(function.value)
            and parent.args == [call]
        ):
            code = f"{module.source(function.value)}[-1].wait()"
    if code is None or statement is None:
        return None
    try:
        return insert_after(module.text, statement, code)
    except CannotEdit:
        return None


def _is_plain(node: ast.expr) -> bool:
    """Whether reading an expression a second time does nothing else: names, attributes, and subscripts by constants and names."""
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Attribute):
        return _is_plain(node.value)
    if isinstance(node, ast.Subscript):
        return _is_plain(node.value) and isinstance(node.slice, (ast.Name, ast.Constant))
    return False


def _is_list_of(value: Optional[ast.expr], call: ast.Call) -> bool:
    if isinstance(value, (ast.List, ast.Tuple)):
        return call in value.elts
    return isinstance(value, ast.ListComp) and value.elt is call


def _wait_is_free(module: Module) -> bool:
    from migrator.rewriting.names import can_add_import, local_name

    return can_add_import(module, WAIT) and local_name(module, WAIT) == "wait"


def _waited_next(statement: ast.stmt, name: str, parents: tuple[ast.AST, ...]) -> bool:
    """Whether the very next statement waits for the future."""
    block = _block_with(statement, parents)
    at = block.index(statement) + 1
    if at >= len(block):
        return False
    value = getattr(block[at], "value", None)
    function = value.func if isinstance(value, ast.Call) else None
    return (
        isinstance(function, ast.Attribute)
        and function.attr in ("result", "wait")
        and isinstance(function.value, ast.Name)
        and function.value.id == name
    )


def _block_with(statement: ast.stmt, parents: tuple[ast.AST, ...]) -> list[ast.stmt]:
    for parent in reversed(parents):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
    return [statement]

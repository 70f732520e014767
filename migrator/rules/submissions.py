"""What a flow submits, and whether each submitted run is waited for before the flow ends."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Optional

from migrator.findings import Edit
from migrator.model.module import Definition, Kind, Module
from migrator.model.names import FUNCTIONS, FunctionNode, keyword_value, span
from migrator.model.project import Project
from migrator.model.runs import SUBMITTING
from migrator.rules.reachable import Reachable, hands_on_task, is_submit_attribute, is_submit_by_name, nodes_in

WAIT = "prefect.futures.wait"
_WAITING_CALLS = frozenset({WAIT, "prefect.futures.resolve_futures_to_results"})


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
    """Follows every `.submit()` and `.map()` in the flow's function, and whatever of the project it may reach."""
    module = flow.function_module or flow.module
    found = Submissions(module)
    assert flow.function is not None
    _note_reached(found, module, flow.function, Reachable(module, project))
    for call, parents in _calls(flow.function):
        receiver = _submission(module, call)
        if receiver is None:
            continue
        if receiver == "unknown" or any(isinstance(node, ast.AsyncFunctionDef) for node in parents):
            found.unclear.append(call.lineno)
        else:
            _place(found, module, call, parents)
    found.unclear.sort()
    return found


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


def _note_reached(found: Submissions, module: Module, function: FunctionNode, reachable: Reachable) -> None:
    """Notes what the flow may submit elsewhere than in a `.submit()` of its own, and the tasks that submit."""
    own = {function, *(node for statement in function.body for node in ast.walk(statement))}
    for part in (function.args, *function.body):
        for node, parents in nodes_in(part):
            row = getattr(node, "lineno", function.lineno)
            called = bool(parents) and isinstance(parents[-1], ast.Call) and parents[-1].func is node
            if (
                is_submit_by_name(node)
                or (is_submit_attribute(node) and not called)
                or hands_on_task(module, node, parents)
            ):
                found.unclear.append(row)
                continue
            reference = module.resolve(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
            task = reference.definition if reference is not None else None
            if is_submit_attribute(node) and task is None:
                continue
            if reachable.may_submit(node, own):
                if task is not None and task.kind is Kind.TASK:
                    found.from_tasks.append(task.name)
                else:
                    found.unclear.append(row)


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
    """Given back as a state, `.result()` or `.wait()` at once, returned, or handed to a task, which waits for what it is given."""
    if _returns_state(call):
        return True
    parent = parents[-1]
    if isinstance(parent, ast.Attribute):
        outer = parents[-2]
        return isinstance(outer, ast.Call) and outer.func is parent and _waits_to_the_end(outer)
    if isinstance(parent, ast.Assign) and len(parent.targets) == 1 and isinstance(parent.targets[0], ast.Name):
        next_wait = _wait_on_next_line(parent, parent.targets[0].id, parents)
        if next_wait is not None:
            return _waits_to_the_end(next_wait)
    inner: ast.AST = call
    for depth in range(len(parents) - 1, -1, -1):
        parent = parents[depth]
        if isinstance(parent, ast.Return):
            return not any(_runs_more_on_leaving(node) or _is_function(node) for node in parents[1:depth])
        if isinstance(parent, ast.Call):
            return inner is not parent.func and _waits_for_arguments(module, parent)
        if not isinstance(parent, (ast.List, ast.Tuple, ast.ListComp, ast.keyword, ast.Starred, ast.Dict)):
            return False
        inner = parent
    return False


def _returns_state(call: ast.Call) -> bool:
    """`return_state=True`: `.submit()` and `.map()` wait for the run themselves."""
    given = keyword_value(call, "return_state")
    return isinstance(given, ast.Constant) and given.value is True


def _waits_to_the_end(call: ast.Call) -> bool:
    """Whether a call is `.result()` or `.wait()` without a limit of time."""
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in ("result", "wait")
        and not call.args
        and all(keyword.arg == "raise_on_failure" for keyword in call.keywords)
    )


def _is_function(node: ast.AST) -> bool:
    return isinstance(node, (*FUNCTIONS, ast.Lambda))


def _runs_more_on_leaving(node: ast.AST) -> bool:
    """Whether a `return` inside of this is not the last thing that the flow does."""
    return isinstance(node, (ast.With, ast.AsyncWith)) or bool(getattr(node, "finalbody", None))


def _waits_for_arguments(module: Module, call: ast.Call) -> bool:
    reference = module.resolve(call)
    if reference is None:
        return False
    if reference.qualified in _WAITING_CALLS:
        return len(call.args) == 1 and not call.keywords
    return (
        reference.definition is not None
        and reference.definition.kind is Kind.TASK
        and reference.rest in ((), ("submit",), ("map",))
    )


def _wait_edit(found: Submissions, module: Module, call: ast.Call, parents: tuple[ast.AST, ...]) -> Optional[Edit]:
    """The edit that waits for a submission at the place where 2.x ran it; None where there is no such place."""
    from migrator.rewriting.statements import CannotEdit, insert_after

    if keyword_value(call, "return_state") is not None:
        return None
    parent = parents[-1]
    if isinstance(parent, ast.Assign) and isinstance(parent.targets[0], ast.Name):
        if _wait_on_next_line(parent, parent.targets[0].id, parents) is not None:
            return None
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
            elif _is_list_of_futures(module, statement.value, call) and _wait_is_free(module):
                code = f"wait({name})"
                found.needs_wait_function = True
    elif isinstance(statement, ast.Expr) and isinstance(parent, ast.Call) and statement.value is parent:
        function = parent.func
        if (
            isinstance(function, ast.Attribute)
            and function.attr == "append"
            and isinstance(function.value, ast.Name)
            and _is_own_list(function.value.id, parents)
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


def _is_list_of_futures(module: Module, value: Optional[ast.expr], call: ast.Call) -> bool:
    """Whether the call stands in a list or tuple that holds the futures of `.submit()` and nothing else."""
    if isinstance(value, ast.ListComp):
        elements = [value.elt]
    elif isinstance(value, (ast.List, ast.Tuple)):
        elements = value.elts
    else:
        return False
    return call in elements and all(_is_future(module, element) for element in elements)


def _is_future(module: Module, node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "submit"
        and _submission(module, node) == "task"
        and keyword_value(node, "return_state") is None
    )


def _is_own_list(name: str, parents: tuple[ast.AST, ...]) -> bool:
    """Whether a name is a variable of the function around, and every assignment to it is a list that is made there."""
    function = next((node for node in reversed(parents) if isinstance(node, FUNCTIONS)), None)
    if function is None or any(
        argument.arg == name for argument in ast.walk(function) if isinstance(argument, ast.arg)
    ):
        return False
    lists: set[ast.AST] = set()
    stored: set[ast.AST] = set()
    for statement in function.body:
        for node in ast.walk(statement):
            if isinstance(node, (ast.Global, ast.Nonlocal)) and name in node.names:
                return False
            if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load):
                stored.add(node)
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and _makes_list(node.value):
                lists.update(node.targets if isinstance(node, ast.Assign) else [node.target])
    return bool(stored) and stored <= lists


def _makes_list(value: Optional[ast.expr]) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id == "list"
    return isinstance(value, (ast.List, ast.ListComp))


def _wait_is_free(module: Module) -> bool:
    """Whether `wait` can be imported at the top of the module: Prefect is imported there already, and the name is free."""
    from migrator.rewriting.names import can_add_import, local_name

    top = any(
        isinstance(statement, (ast.Import, ast.ImportFrom))
        and not getattr(statement, "level", 0)
        and any(
            module.is_prefect(source)
            for source in (
                [statement.module or ""]
                if isinstance(statement, ast.ImportFrom)
                else [alias.name for alias in statement.names]
            )
        )
        for statement in module.tree.body
    )
    return top and can_add_import(module, WAIT) and local_name(module, WAIT) == "wait"


def _wait_on_next_line(statement: ast.stmt, name: str, parents: tuple[ast.AST, ...]) -> Optional[ast.Call]:
    """The call of `.result()` or `.wait()` on the future in the very next statement."""
    block = _block_with(statement, parents)
    at = block.index(statement) + 1
    if at >= len(block):
        return None
    value = getattr(block[at], "value", None)
    function = value.func if isinstance(value, ast.Call) else None
    if (
        isinstance(value, ast.Call)
        and isinstance(function, ast.Attribute)
        and function.attr in ("result", "wait")
        and isinstance(function.value, ast.Name)
        and function.value.id == name
    ):
        return value
    return None


def _block_with(statement: ast.stmt, parents: tuple[ast.AST, ...]) -> list[ast.stmt]:
    for parent in reversed(parents):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and statement in block:
                return block
    return [statement]

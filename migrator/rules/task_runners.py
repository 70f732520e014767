"""Task runners: the 2.x ones, their 3.x names, and what to do where there is none."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Optional, Union

from migrator.findings import Applicability, Edit, Severity
from migrator.model.module import Definition, Kind, Reference
from migrator.model.names import Imported
from migrator.rewriting.names import add_import, can_add_import, local_name, move_import, remove_imports_of, uses_of
from migrator.rules.base import Context, Draft, Mend, rule
from migrator.rules.nested_submissions import SEQUENTIAL, nested_submissions
from migrator.rules.submissions import Submissions, submissions_of

_MODULE = "prefect.task_runners"
CONCURRENT = f"{_MODULE}.ConcurrentTaskRunner"
THREADS = f"{_MODULE}.ThreadPoolTaskRunner"
_URL = "https://docs.prefect.io/v3/concepts/task-runners"
_TAKEN = "the name `ThreadPoolTaskRunner` is taken in this module"
_INTEGRATIONS = {"DaskTaskRunner": "prefect_dask", "RayTaskRunner": "prefect_ray"}


@rule("PF201", "concurrent-task-runner", Severity.INFO, "safe", _URL)
def concurrent_task_runner(context: Context) -> Iterator[Draft]:
    """Call the concurrent task runner by its Prefect 3 name.

    `ConcurrentTaskRunner` is `ThreadPoolTaskRunner` on Prefect 3. The old name is an alias on every 3.x so far, without a warning, so nothing breaks
    today. With `--target both` nothing is reported: only the old name exists on 2.x.

    ## Example
    ```python
    from prefect import flow
    from prefect.task_runners import ConcurrentTaskRunner

    @flow(task_runner=ConcurrentTaskRunner())
    def etl():
        ...
    ```

    ## Use instead
    ```python
    from prefect import flow
    from prefect.task_runners import ThreadPoolTaskRunner

    @flow(task_runner=ThreadPoolTaskRunner())
    def etl():
        ...
    ```

    ## Fix safety
    Safe: both names are the same class on 3.x.
    """
    if context.target.both:
        return
    module = context.module
    message = "`ConcurrentTaskRunner` is an alias of `ThreadPoolTaskRunner` on Prefect 3"
    for imported in _imports_of(context, CONCURRENT):
        if context.may_fail(imported.parents, imported.statement):
            continue
        mend = _rename(context, imported, THREADS)
        yield Draft(imported.start, imported.end, message, mend)
        yield from (Draft(use.start, use.end, message, mend) for use in uses_of(module, imported))
    for reference in _spelled_out(context, CONCURRENT):
        name = reference.start + len(module.text[reference.start : reference.end]) - len("ConcurrentTaskRunner")
        edit = Edit(name, reference.end, "ThreadPoolTaskRunner")
        yield Draft(reference.start, reference.end, message, _safe("Rename it", edit))


@rule("PF202", "sequential-task-runner", Severity.ERROR, "safe or unsafe or none", _URL)
def sequential_task_runner(context: Context) -> Iterator[Draft]:
    """Replace the sequential task runner, without losing the order or the tasks.

    Prefect 3 has no `SequentialTaskRunner`; importing it fails. On 2.x it ran each task inside `.submit()`, one at a time, in order.
    `ThreadPoolTaskRunner(max_workers=1)` runs one at a time too, but `.submit()` returns before the task has run, and what is still queued when
    the flow returns is dropped while the flow ends as Completed. So the runner is replaced only together with a wait at each submission:

    - a flow that submits nothing does not need a task runner: the argument is removed;
    - a flow that submits gets `ThreadPoolTaskRunner(max_workers=1)`, and each submission is waited for where it stands, as on 2.x;
    - where a submission cannot be followed, nothing is changed and the message says why.

    A task that submits another one and waits for it would hang: both need the one worker. So `inner.submit(x).result()` in a task, or in a function that a task
    calls, becomes `inner(x)` first, with `--unsafe-fixes`. Where that is not the same the message says what to do by hand: `map`, a future that is not read at
    once, a limit of time, async tasks, generators, tasks that return states, and arguments that may be futures.

    With `--target both` the runner comes from `compat`, which runs each task inside `.submit()` on both majors.

    ## Example
    ```python
    from prefect import flow, task
    from prefect.task_runners import SequentialTaskRunner

    @task
    def load(table):
        ...

    @flow(task_runner=SequentialTaskRunner())
    def nightly(tables):
        for table in tables:
            load.submit(table)
    ```

    ## Use instead
    ```python
    from prefect import flow, task
    from prefect.task_runners import ThreadPoolTaskRunner

    @task
    def load(table):
        ...

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def nightly(tables):
        for table in tables:
            load.submit(table).wait()
    ```

    ## Example: a task that submits a task
    ```python
    from prefect import flow, task
    from prefect.task_runners import SequentialTaskRunner

    @task
    def clean(row):
        ...

    @task
    def load(rows):
        return [clean.submit(row).result() for row in rows]

    @flow(task_runner=SequentialTaskRunner())
    def nightly(rows):
        return load.submit(rows).result()
    ```

    ## Use instead
    ```python
    from prefect import flow, task
    from prefect.task_runners import ThreadPoolTaskRunner

    @task
    def clean(row):
        ...

    @task
    def load(rows):
        return [clean(row) for row in rows]

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=1))
    def nightly(rows):
        return load.submit(rows).result()
    ```

    ## Fix safety
    Safe: order, one at a time, and completeness stay. Unsafe where a task submits tasks: the inner task is a task run still, with the same result, exceptions,
    retries and state, but it runs in the thread of the task around it.
    """
    yield from _Sequential(context).drafts()
    if not context.target.both:
        yield from nested_submissions(context)


@dataclass(frozen=True)
class _Replacement:
    """What becomes of one use: the argument goes, or another runner stands in its place and the flow waits."""

    remove_argument_of: Optional[ast.Call] = None
    instead_of: Optional[ast.expr] = None
    waits: Optional[Submissions] = None


class _Sequential:
    """The uses of the sequential runner in one module, decided on together: the import goes only when all of them can."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.module = context.module

    def drafts(self) -> Iterator[Draft]:
        direct = _imports_of(self.context, SEQUENTIAL)
        for imported in direct:
            if not self.context.may_fail(imported.parents, imported.statement):
                yield from self._of_import(imported)
        for reference in self.module.references:
            if reference.qualified != SEQUENTIAL or reference.imported in direct:
                continue
            if self.context.may_fail(reference.use.parents, reference.node):
                continue
            yield from self._alone(reference)

    def _of_import(self, imported: Imported) -> Iterator[Draft]:
        message = "`SequentialTaskRunner` does not exist on Prefect 3; importing it fails"
        if self.context.target.both:
            mend = _rename(
                self.context,
                imported,
                f"{self.context.target.compat}.SequentialTaskRunner",
                f"Take the one of `{self.context.target.compat}`, which keeps its meaning on both majors",
            )
            yield Draft(imported.start, imported.end, message, mend)
            yield from (Draft(use.start, use.end, message, mend) for use in uses_of(self.module, imported))
            return
        uses = [use for use in uses_of(self.module, imported) if not self.context.may_fail(use.use.parents, use.node)]
        verdicts = [self._verdict(use) for use in uses]
        reasons = [verdict for verdict in verdicts if isinstance(verdict, str)]
        if not reasons and imported.scope is self.module.names.module_scope and self.context.passed_on(imported.local):
            reasons.append("other modules import it from here")
        if reasons:
            yield Draft(imported.start, imported.end, f"{message}. By hand: {reasons[0]}")
            for use, verdict in zip(uses, verdicts):
                told = verdict if isinstance(verdict, str) else reasons[0]
                yield Draft(use.start, use.end, f"`SequentialTaskRunner` does not exist on Prefect 3. By hand: {told}")
            return
        mend = Mend(
            Applicability.SAFE,
            "Replace it, and wait for each submission where it stands",
            lambda: self._edits(imported, verdicts),
        )
        yield Draft(imported.start, imported.end, message, mend)
        for use in uses:
            yield Draft(use.start, use.end, "`SequentialTaskRunner` does not exist on Prefect 3", mend)

    def _alone(self, reference: Reference) -> Iterator[Draft]:
        """A use that spells the whole name, or gets it from a module of the user's."""
        message = "`SequentialTaskRunner` does not exist on Prefect 3"
        if self.context.target.both:
            if not reference.direct:
                return
            mend = _imported_from(
                self.context,
                reference,
                f"{self.context.target.compat}.SequentialTaskRunner",
                f"Take the one of `{self.context.target.compat}`, which keeps its meaning on both majors",
            )
            if mend is None:
                message += (
                    ". By hand: take the one of `compat`; the name `SequentialTaskRunner` is taken in this module"
                )
            yield Draft(reference.start, reference.end, message, mend)
            return
        verdict = self._verdict(reference)
        if isinstance(verdict, str):
            yield Draft(reference.start, reference.end, f"{message}. By hand: {verdict}")
            return
        yield Draft(
            reference.start,
            reference.end,
            message,
            Mend(
                Applicability.SAFE,
                "Replace it, and wait for each submission where it stands",
                lambda: self._edits(None, [verdict]),
            ),
        )

    def _verdict(self, reference: Reference) -> Union[str, _Replacement]:
        """How a use can be replaced, or why it cannot."""
        expression, parents = _whole(reference)
        parent = parents[-1]
        if isinstance(parent, (ast.IfExp, ast.BoolOp)):
            outer = parents[-2] if len(parents) > 1 else None
            flow = self._flow_of(outer, parents[:-1])
            return self._in_place(reference, expression, flow, waited_only=True)
        if isinstance(parent, ast.keyword) and parent.arg == "task_runner":
            call = parents[-2]
            if isinstance(call, ast.Call) and _is_with_options(self.module.resolve(call)):
                return self._with_options(reference, expression, call)
            flow = self._flow_of(parent, parents)
            return self._for_flow(reference, expression, flow, call)
        if isinstance(parent, (ast.Assign, ast.AnnAssign)) and expression is parent.value:
            return self._variable(reference, expression, parent)
        if isinstance(parent, ast.Return):
            return "a function returns it; let it return `ThreadPoolTaskRunner(max_workers=1)` once the flows that use it wait for what they submit"
        if isinstance(parent, ast.ClassDef):
            return "a class derives from it; derive from `prefect.task_runners.TaskRunner` and implement `submit`"
        if (
            isinstance(parent, ast.Call)
            and isinstance(parent.func, ast.Name)
            and parent.func.id in ("isinstance", "issubclass")
        ):
            return "a type check on it; compare with `ThreadPoolTaskRunner` and its `max_workers` instead"
        return "replace it by `ThreadPoolTaskRunner(max_workers=1)` and wait for each submitted task, or it is dropped at the end of the flow"

    def _flow_of(self, node: Optional[ast.AST], parents: tuple[ast.AST, ...]) -> Optional[Definition]:
        """The flow whose decorator or `flow(fn, ...)` call the keyword stands in."""
        if not isinstance(node, ast.keyword) or node.arg != "task_runner":
            return None
        call = parents[-2] if parents[-1] is node else parents[-1]
        for parent in reversed(parents):
            if isinstance(parent, ast.Call):
                call = parent
                break
        for definition in self.module.definitions.values():
            if definition.kind is Kind.FLOW and call in (definition.decorator, definition.value):
                return definition
        return None

    def _for_flow(
        self, reference: Reference, expression: ast.expr, flow: Optional[Definition], call: ast.AST
    ) -> Union[str, _Replacement]:
        if flow is None or flow.function is None or flow.function_module not in (None, self.module):
            return "the flow that it is given to cannot be followed; use `ThreadPoolTaskRunner(max_workers=1)` there and wait for what it submits"
        found = submissions_of(flow, self.context.project)
        if found.nothing and isinstance(call, ast.Call):
            return _Replacement(remove_argument_of=call)
        return self._in_place(reference, expression, flow)

    def _in_place(
        self, reference: Reference, expression: ast.expr, flow: Optional[Definition], waited_only: bool = False
    ) -> Union[str, _Replacement]:
        if flow is None or flow.function is None or flow.function_module not in (None, self.module):
            return "the flow that it is given to cannot be followed; use `ThreadPoolTaskRunner(max_workers=1)` there and wait for what it submits"
        found = submissions_of(flow, self.context.project)
        reason = _reason_against(found, flow)
        if reason:
            return reason
        if waited_only and found.waits:
            return "it is one of two runners; use `ThreadPoolTaskRunner(max_workers=1)` and wait for what the flow submits, or it is dropped at the end"
        if not can_add_import(self.module, THREADS):
            return _TAKEN
        return _Replacement(instead_of=expression, waits=found)

    def _with_options(self, reference: Reference, expression: ast.expr, call: ast.Call) -> Union[str, _Replacement]:
        target = self.module.resolve(call)
        flow = target.definition if target else None
        if flow is None or flow.function is None:
            return "the flow that it is given to cannot be followed; use `ThreadPoolTaskRunner(max_workers=1)` there and wait for what it submits"
        found = submissions_of(flow, self.context.project)
        if found.nothing:
            return _Replacement(remove_argument_of=call)
        if found.waits or found.unclear or found.from_tasks:
            return f"`{flow.name}` submits tasks; use `ThreadPoolTaskRunner(max_workers=1)` and let it wait for each, or they are dropped at its end"
        if not can_add_import(self.module, THREADS):
            return _TAKEN
        return _Replacement(instead_of=expression, waits=found)

    def _variable(self, reference: Reference, expression: ast.expr, assignment: ast.AST) -> Union[str, _Replacement]:
        """A variable that holds the runner: every use of it has to be the `task_runner` of a flow that loses nothing."""
        targets = assignment.targets if isinstance(assignment, ast.Assign) else [getattr(assignment, "target", None)]
        name = targets[0].id if len(targets) == 1 and isinstance(targets[0], ast.Name) else None
        if name is None:
            return "it is stored where its use cannot be followed; use `ThreadPoolTaskRunner(max_workers=1)` and wait for what the flows submit"
        if reference.use.scope is self.module.names.module_scope and self.context.passed_on(name):
            return f"other modules use `{name}`; let it be `ThreadPoolTaskRunner(max_workers=1)` once the flows wait for what they submit"
        for use in self.module.names.uses:
            if use.name != name or use.binding is None or use.binding.node is not targets[0]:
                continue
            keyword = use.parents[-1]
            call = use.parents[-2] if len(use.parents) > 1 else None
            called = isinstance(keyword, ast.Call) and keyword.func is use.node
            if called:
                keyword, call = use.parents[-2], use.parents[-3] if len(use.parents) > 2 else None
            flow = self._flow_of(keyword, use.parents) if not called else self._flow_of(keyword, use.parents[:-1])
            if flow is None or not isinstance(call, ast.Call):
                return f"`{name}` is used where it cannot be followed; use `ThreadPoolTaskRunner(max_workers=1)` and wait for what the flows submit"
            found = submissions_of(flow, self.context.project)
            if found.waits or _reason_against(found, flow):
                return f"`{flow.name}` submits tasks; use `ThreadPoolTaskRunner(max_workers=1)` and let it wait for each, or they are dropped at its end"
        if not can_add_import(self.module, THREADS):
            return _TAKEN
        if isinstance(expression, ast.Call):
            return _Replacement(instead_of=expression, waits=None)
        return f"`{name}` is the class itself; use an instance, `ThreadPoolTaskRunner(max_workers=1)`"

    def _edits(self, imported: Optional[Imported], verdicts: list[Union[str, _Replacement]]) -> Iterator[Edit]:
        from migrator.rewriting.calls import remove_arguments

        replacements = [verdict for verdict in verdicts if isinstance(verdict, _Replacement)]
        for replacement in replacements:
            call = replacement.remove_argument_of
            if call is not None:
                start, end = (
                    self.module.index.offset(call.lineno, call.col_offset),
                    self.module.index.offset(call.end_lineno or 0, call.end_col_offset or 0),
                )
                yield Edit(start, end, remove_arguments(self.module.text[start:end], ["task_runner"]))
                continue
            assert replacement.instead_of is not None
            name = local_name(self.module, THREADS)
            draft = self.context.draft(replacement.instead_of, "")
            yield Edit(draft.start, draft.end, f"{name}(max_workers=1)")
            if replacement.waits is not None:
                yield from replacement.waits.edits()
        needed = any(replacement.instead_of is not None for replacement in replacements)
        known = any(other.target == THREADS and other.name for other in self.module.names.imported)
        if imported is None:
            if needed and not known:
                yield from add_import(self.module, THREADS)
        elif needed and not known:
            yield Edit(imported.start, imported.end, THREADS.rpartition(".")[2])
        else:
            yield from remove_imports_of(self.module, [imported])


def _reason_against(found: Submissions, flow: Definition) -> Optional[str]:
    if found.from_tasks:
        return f"`{found.from_tasks[0]}` submits tasks from within a task, which deadlocks on one worker; call them directly"
    if found.unclear:
        row = found.unclear[0]
        return f"use `ThreadPoolTaskRunner(max_workers=1)` and wait for what `{flow.name}` submits on line {row}, or it is dropped at the end of the flow"
    return None


@rule("PF203", "custom-task-runner", Severity.ERROR, "none", _URL)
def custom_task_runner(context: Context) -> Iterator[Draft]:
    """Write custom task runners against the interface of Prefect 3.

    `BaseTaskRunner` and `TaskConcurrencyType` do not exist on Prefect 3. Its `TaskRunner` is another interface: `submit` is synchronous, gets the task and its
    parameters and returns a future; there is no `wait` and no `_start`.

    What to implement: derive from `prefect.task_runners.TaskRunner`, give it `duplicate()` and
    `submit(self, task, parameters, wait_for=None, dependencies=None)` that returns a `prefect.futures.PrefectFuture`, and start and stop what it needs in
    `__enter__` and `__exit__`. Often `ThreadPoolTaskRunner(max_workers=...)` or one of the integrations' runners does.

    ## Fix safety
    There is no fix.
    """
    advice = "derive from `prefect.task_runners.TaskRunner` and implement `submit(task, parameters, wait_for, dependencies)` returning a future, and `duplicate()`"
    removed = {
        f"{_MODULE}.BaseTaskRunner": advice,
        f"{_MODULE}.TaskConcurrencyType": "it has no successor: `concurrency_type` is gone too",
    }
    for dotted, told in removed.items():
        name = dotted.rpartition(".")[2]
        for imported in _imports_of(context, dotted):
            if not context.may_fail(imported.parents, imported.statement):
                yield Draft(
                    imported.start, imported.end, f"`{name}` does not exist on Prefect 3; importing it fails: {told}"
                )
        for reference in context.module.references:
            if reference.qualified != dotted and not reference.qualified.startswith(f"{dotted}."):
                continue
            if reference.imported is not None and reference.imported.guarded:
                continue
            if not context.may_fail(reference.use.parents, reference.node):
                yield Draft(reference.start, reference.end, f"`{name}` does not exist on Prefect 3: {told}")


@rule("PF204", "moved-task-runner", Severity.ERROR, "safe", _URL)
def moved_task_runner(context: Context) -> Iterator[Draft]:
    """Import the Dask and Ray task runners from their integrations.

    `DaskTaskRunner` and `RayTaskRunner` live in the packages `prefect-dask` and `prefect-ray`; `prefect.task_runners` has them in no release of 2.x or 3.x.

    ## Example
    ```python
    from prefect.task_runners import DaskTaskRunner

    runner = DaskTaskRunner()
    ```

    ## Use instead
    ```python
    from prefect_dask import DaskTaskRunner

    runner = DaskTaskRunner()
    ```

    ## Fix safety
    Safe. The integration has to be installed.
    """
    for name, package in _INTEGRATIONS.items():
        dotted = f"{_MODULE}.{name}"
        message = f"`{name}` is in the package `{package.replace('_', '-')}`, not in `prefect.task_runners`"
        for imported in _imports_of(context, dotted):
            if context.may_fail(imported.parents, imported.statement):
                continue
            mend = _rename(context, imported, f"{package}.{name}", f"Import it from `{package}`")
            yield Draft(imported.start, imported.end, message, mend)
        for reference in _spelled_out(context, dotted):
            moved = _imported_from(context, reference, f"{package}.{name}", f"Import it from `{package}`")
            told = message if moved else f"{message}. By hand: the name `{name}` is taken in this module"
            yield Draft(reference.start, reference.end, told, moved)


RULES = (concurrent_task_runner, sequential_task_runner, custom_task_runner, moved_task_runner)


def _imports_of(context: Context, dotted: str) -> list[Imported]:
    home, _, name = dotted.rpartition(".")
    return [
        imported
        for imported in context.module.names.imported
        if imported.module == home and imported.name == name and not imported.star
    ]


def _spelled_out(context: Context, dotted: str) -> Iterator[Reference]:
    """Uses that spell the dotted name through the import of a module."""
    for reference in context.module.references:
        if reference.qualified == dotted and reference.direct and reference.use.attributes:
            if not context.may_fail(reference.use.parents, reference.node):
                yield reference


def _rename(context: Context, imported: Imported, new: str, message: str = "Rename it") -> Mend:
    def edits() -> Iterator[Edit]:
        keep = imported.scope is context.module.names.module_scope and context.passed_on(imported.local)
        return move_import(context.module, imported, new, keep)

    return Mend(Applicability.SAFE, message, edits)


def _imported_from(context: Context, reference: Reference, dotted: str, message: str) -> Optional[Mend]:
    """The use names the imported thing by itself; None where its name means something else in the module."""
    if not can_add_import(context.module, dotted):
        return None
    edit = Edit(reference.start, reference.end, local_name(context.module, dotted))
    return Mend(Applicability.SAFE, message, lambda: [edit, *add_import(context.module, dotted)])


def _safe(message: str, *edits: Edit) -> Mend:
    return Mend(Applicability.SAFE, message, lambda: edits)


def _whole(reference: Reference) -> tuple[ast.expr, tuple[ast.AST, ...]]:
    """The runner as it is given: the call that makes an instance, or the class itself; and the nodes around it."""
    call = reference.call
    if call is not None and not call.args and not call.keywords:
        return call, reference.use.parents[:-1]
    return reference.node, reference.use.parents


def _is_with_options(reference: Optional[Reference]) -> bool:
    return reference is not None and reference.definition is not None and reference.rest == ("with_options",)

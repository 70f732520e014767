"""Names that Prefect 3 moved or removed, that only it has, or that no Prefect ever had: the tables decide, this applies them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Callable, Optional

from migrator.deployments.infrastructure import block_in
from migrator.findings import Applicability, Edit, Severity
from migrator.knowledge.api import Life, api
from migrator.knowledge.lookup import hidden_by_star, instead_of, nearest
from migrator.knowledge.names import MovedName, Phantom, moved, only_on_3, phantom, replacement
from migrator.model.guards import only_on
from migrator.model.module import Kind, Reference
from migrator.model.names import Imported, guarded, span
from migrator.rewriting.names import add_import, can_add_import, module_span, move_import, remove_imports_of, uses_of
from migrator.rules.base import UPGRADE_GUIDE, Context, Draft, Mend, Target, rule

_AFTER_ARGUMENT = re.compile(r"\s*,?[ \t]*")
_TAKES_DOTTED_NAME = frozenset(
    {"__import__", "multiple", "patch", "setattr", "delattr", "import_string", "import_module", "import_object", "import_from_string", "importorskip",
     "from_qualified_name", "load_object", "spy", "stub", "locate", "resolve_name"}
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """What the tables say of a dotted name on the target."""

    severity: Severity
    message: str
    url: str
    new: Optional[str] = None
    applicability: Applicability = Applicability.SAFE
    method: Optional[str] = None
    """The method of a task that a function was taken for: `submit`."""


Judge = Callable[[str, Target], Optional[Verdict]]


@lru_cache(maxsize=10_000)
def _removed(dotted: str, target: Target) -> Optional[Verdict]:
    """The verdict on a name of 2.x that fails on the target and has no successor there."""
    verdict = _moved(dotted, target)
    return verdict if verdict is not None and verdict.new is None else None


@lru_cache(maxsize=10_000)
def _renamed(dotted: str, target: Target) -> Optional[Verdict]:
    """The verdict on a name of 2.x that has another home on the target."""
    verdict = _moved(dotted, target)
    return verdict if verdict is not None and verdict.new is not None else None


@lru_cache(maxsize=10_000)
def _moved(dotted: str, target: Target) -> Optional[Verdict]:
    """The verdict on a name of 2.x that the target has no more, or that warns there."""
    if any(_is_at_or_below(dotted, name) for name in _ONLY_IN_STRINGS):
        return None
    data = api()
    life = data.life(dotted)
    if life is not None and life.owners:
        return None
    if life is not None and not life.releases and life.module and not _is_there(life.module, target):
        return _moved(life.module, target)
    now = data.minor(target.minor)
    row = moved(dotted)
    if life is None:
        fails = row is not None and target.reaches(row.fails_from)
    else:
        before = life.releases & (now - 1)
        fails = bool(before) and not life.releases & now
    if fails:
        return _gone(dotted, target, life)
    if row is not None and row.fails_from is None:
        return _deprecated(dotted, row, target)
    home = life.entry.warns(now) if life is not None and life.entry is not None else None
    if home is not None and not target.both:
        new = home.replace(":", ".")
        told = f"`{dotted}` is deprecated on Prefect {data.written(now)}; it is `{new}`"
        in_class = "." in home.partition(":")[2]
        return Verdict(Severity.INFO, told, UPGRADE_GUIDE, None if in_class or "._" in new else new)
    return None


def _is_at_or_below(dotted: str, name: str) -> bool:
    return dotted == name or dotted.startswith(f"{name}.")


def _is_there(dotted: str, target: Target) -> bool:
    life = api().life(dotted)
    return life is None or bool(life.releases & api().minor(target.minor))


def _gone(dotted: str, target: Target, life: Optional[Life]) -> Verdict:
    instead = instead_of(dotted)
    new = instead.new if instead is not None else None
    if new is not None and instead is not None and ((target.both and not instead.on_2) or not _is_there(new, target)):
        new = None
    told = _told_gone(dotted, life, target, instead.row if instead is not None else None)
    if instead is None:
        told += ". Nothing is known to take its place: where an import of it is not used, take it away"
        return Verdict(Severity.ERROR, told, UPGRADE_GUIDE)
    if new is not None:
        told += f"; it is `{new}`"
        told += f" (needs `{instead.requires}`)" if instead.requires else ""
    if instead.advice and (new is None or instead.applicability == "unsafe"):
        told += f". {instead.advice}"
    if target.both and new is None and instead.new is not None:
        told += f" On 3.x alone it is `{instead.new}`."
    return Verdict(Severity.ERROR, told.rstrip(), instead.url, new, Applicability[instead.applicability.upper()])


def _told_gone(dotted: str, life: Optional[Life], target: Target, row: Optional[MovedName]) -> str:
    """Since when a name is gone, and the last release before the target that had it."""
    data = api()
    if life is None:
        return f"`{dotted}` does not exist on Prefect {row.fails_from if row is not None else '3.0'}"
    root = dotted.partition(".")[0]
    if root != "prefect":
        of_2, of_3 = (release.partition("=")[2] for release in data.versions[root])
        distribution = root.replace("_", "-")
        return f"`{dotted}` does not exist in {distribution} {of_3}, the release for Prefect 3 ({of_2} had it)"
    last = (life.releases & (data.minor(target.minor) - 1)).bit_length() - 1
    first = next(at for at in range(last + 1, len(data.labels)) if data.labels[at].startswith("3."))
    told = f"`{dotted}` does not exist on Prefect {data.labels[first]}"
    return (
        told
        if data.labels[last] in ("2.20", "3.0")
        else f"{told} (Prefect {data.labels[last]} was the last to have it)"
    )


def _deprecated(dotted: str, row: MovedName, target: Target) -> Optional[Verdict]:
    """The verdict of a row on a name that works on the target all the same."""
    if target.both and row.gone_in_2 is None and row.new_since_2 is None:
        return None
    new = replacement(row, dotted)
    if target.both and row.new_since_2 is None:
        new = None
    told = f"`{dotted}` is deprecated on Prefect 3"
    if new is not None:
        told += f"; it is `{new}`"
        told += f" (needs `{row.requires}`)" if row.requires else ""
    if row.advice:
        told += f". {row.advice}"
    if target.both and new is None and row.new is not None:
        told += f" On 3.x alone it is `{replacement(row, dotted)}`."
    return Verdict(Severity.INFO, told.rstrip(), row.url, new, Applicability[row.applicability.upper()])


@lru_cache(maxsize=10_000)
def _too_new(dotted: str, target: Target) -> Optional[Verdict]:
    """The verdict on a name that Prefect 3 alone has, or has only from a later minor on."""
    data = api()
    row = only_on_3(dotted)
    life = data.life(dotted)
    if life is not None and (life.owners or not life.releases & data.of_3):
        return None
    if target.both:
        if row is None and (life is None or life.releases & data.of_2 or not life.releases & data.newest):
            return None
        told = f"`{dotted}` exists on Prefect 3 only"
        if row is not None and row.advice:
            told += f". {row.advice}"
        return Verdict(
            Severity.ERROR, told, UPGRADE_GUIDE, f"{target.compat}.{row.compat}" if row and row.compat else None
        )
    if target.minor is None or life is None:
        return None
    now = data.minor(target.minor)
    if life.releases & (now | (now - 1)):
        return None
    first = data.labels[(life.releases & -life.releases).bit_length() - 1]
    return Verdict(Severity.ERROR, f"`{dotted}` exists from Prefect {first} on", UPGRADE_GUIDE)


@lru_cache(maxsize=10_000)
def _unknown(dotted: str, target: Target) -> Optional[Verdict]:
    """The verdict on a name that no release of Prefect 2 or 3 has."""
    row = phantom(dotted)
    if row is not None:
        return None if row.leaks_since is not None else _phantom(dotted, row)
    data = api()
    life = data.life(dotted)
    if (
        dotted in _OF_INTEGRATIONS
        or life is None
        or life.releases
        or life.owners
        or (life.module and not _is_there(life.module, target))
    ):
        return None
    if dotted.startswith("prefect.runtime."):
        return None  # an environment variable may give any name a value there
    if data.of_prefect_1(dotted):
        told = f"`{dotted}` is of Prefect 1: no Prefect 2 or 3 has it. The flow has to be written anew for 2 or 3 first"
        return Verdict(Severity.ERROR, told, UPGRADE_GUIDE)
    told = f"`{dotted}` exists in no Prefect that is known here ({data.labels[0]} to {data.labels[-1]})"
    close = nearest(dotted)
    return Verdict(Severity.ERROR, f"{told}. Did you mean `{close}`?" if close else told, UPGRADE_GUIDE)


_OF_INTEGRATIONS = frozenset({"prefect.task_runners.DaskTaskRunner", "prefect.task_runners.RayTaskRunner"})
"""Names that no release has, and that another rule sends to their package."""


def _phantom(dotted: str, row: Phantom) -> Verdict:
    told = f"`{dotted}` exists in no Prefect 2 or 3"
    if row.advice:
        told += f". {row.advice}"
    home, _, name = (row.meant or "").rpartition(".")
    if home == "prefect.tasks.Task":
        return Verdict(Severity.ERROR, told, row.url, method=name)
    return Verdict(Severity.ERROR, told, row.url, row.meant)


@rule("PF101", "removed-name", Severity.ERROR, "none")
def removed_name(context: Context) -> Iterator[Draft]:
    """Stop using what Prefect 3 removed.

    The name fails to import on the target, or is no attribute any more, and nothing there is the same thing. Reported at the import, each name at its own
    place, and at each use. The message says what takes its place in Prefect 3.

    An import that may fail (`try: ... except ImportError:`) is not reported.

    ## Fix safety
    There is no fix: what comes instead has another shape.
    """
    yield from _findings(context, _removed, 2)


@rule("PF102", "moved-name", Severity.ERROR, "safe or unsafe")
def moved_name(context: Context) -> Iterator[Draft]:
    """Import what Prefect 3 moved from its new home.

    An error where the old name fails on the target; `info` where it still works and warns. With `--target both` the new home is used only if late 2.x
    releases have it too.

    ## Example
    ```python
    from prefect.orion.schemas.schedules import CronSchedule, IntervalSchedule as Every
    from prefect.client import get_client

    nightly = CronSchedule(cron="0 3 * * *")
    ```

    ## Use instead
    ```python
    from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule as Every
    from prefect.client.orchestration import get_client

    nightly = CronSchedule(cron="0 3 * * *")
    ```

    ## Fix safety
    Safe where the new name is the same thing; unsafe, with the difference in the message, where it is its successor.
    """
    yield from _findings(context, _renamed, 2)


@rule("PF103", "star-import", Severity.INFO, "none")
def star_import(context: Context) -> Iterator[Draft]:
    """Import names from Prefect one by one where a star import could hide a removed one.

    `from prefect.filesystems import *` does not fail on Prefect 3, but brings fewer names: what used one of them fails later, at run time.

    ## Fix safety
    There is no fix.
    """
    for imported in context.module.names.imported:
        if imported.star and imported.local == "*" and imported.module.split(".")[0] == "prefect":
            hidden = hidden_by_star(imported.module, context.target.minor)
            if hidden and _moved(imported.module, context.target) is None:
                names = ", ".join(f"`{name}`" for name in hidden[:8])
                names += f" and {len(hidden) - 8} others" if len(hidden) > 8 else ""
                yield Draft(
                    imported.start,
                    imported.end,
                    f"A star import of `{imported.module}` may have brought {names}, which Prefect 3 does not have",
                )


@rule("PF104", "unknown-name", Severity.ERROR, "safe or unsafe or none")
def unknown_name(context: Context) -> Iterator[Draft]:
    """Do not import from Prefect what it never had.

    Some names are written often, but no release of Prefect 2 or 3 has them: `from prefect.futures import submit`. `submit(t, x)` is written `t.submit(x)`.

    ## Example
    ```python
    from prefect import flow, task
    from prefect.futures import submit

    @task
    def load(x):
        return x

    @flow
    def etl():
        return submit(load, 1).result()
    ```

    ## Use instead
    ```python
    from prefect import flow, task

    @task
    def load(x):
        return x

    @flow
    def etl():
        return load.submit(1).result()
    ```

    ## Fix safety
    Safe where the meaning is clear.
    """
    yield from _findings(context, _unknown, None)


@rule("PF105", "too-new-name", Severity.ERROR, "safe or none")
def too_new_name(context: Context) -> Iterator[Draft]:
    """Do not use what the target does not have yet.

    With `--target both`: names that Prefect 3 alone has; those that `compat` offers come from there. With `--target 3.N`: names that came with a later minor.

    ## Fix safety
    Safe: `compat` has the same names and signatures.
    """
    yield from _findings(context, _too_new, 3)


RULES = (removed_name, moved_name, star_import, unknown_name, too_new_name)


def _findings(context: Context, judge: Judge, major: Optional[int]) -> Iterator[Draft]:
    """The judged names of a module: imports, uses through them, dotted uses, and strings. `major` is the one that has them."""
    module = context.module
    judged: set[Imported] = set()
    for imported in module.names.imported:
        if imported.module.startswith(".") or not module.is_prefect(imported.module):
            continue
        if imported.star:
            yield from _of_star(context, imported, judge, major)
            continue
        dotted = imported.target if imported.name is not None else imported.module
        verdict = judge(dotted, context.target)
        if verdict is None:
            continue
        judged.add(imported)
        lives = imported.name is not None and _is_there(imported.module, context.target)
        if _elsewhere(context, imported.parents, imported.statement, major, lives):
            continue
        yield from _of_import(context, imported, verdict, dotted)
    for reference in module.references:
        if reference.imported is None or reference.imported in judged:
            continue
        if judge is _removed and block_in(reference.qualified) is not None:
            continue  # the rules of infrastructure blocks tell of their uses
        if not reference.direct:
            yield from _passed_on_by_the_project(context, reference, judge)
            continue
        verdict_at = _longest(reference, judge, context.target)
        if (
            verdict_at is None
            or _is_told_elsewhere(reference)
            or _elsewhere(context, reference.use.parents, reference.node, major)
        ):
            continue
        dotted, start, end, verdict = verdict_at
        mend = _respell(context, reference, end, dotted, verdict) if verdict.new else None
        yield Draft(start, end, verdict.message, mend, verdict.severity, verdict.url)
    yield from _in_strings(context, judge, major)


def _of_star(context: Context, imported: Imported, judge: Judge, major: Optional[int]) -> Iterator[Draft]:
    """A star import of a module that is gone fails as any other."""
    verdict = judge(imported.module, context.target) if imported.local == "*" else None
    if verdict is None or _elsewhere(context, imported.parents, imported.statement, major):
        return
    place = module_span(context.module, imported.statement)
    mend = None
    if verdict.new is not None and place is not None:
        mend = Mend(verdict.applicability, f"Use `{verdict.new}`", partial(list, (Edit(*place, verdict.new),)))
    start, end = place or (imported.start, imported.end)
    yield Draft(start, end, verdict.message, mend, verdict.severity, verdict.url)


def _elsewhere(
    context: Context, parents: tuple[ast.AST, ...], node: ast.AST, major: Optional[int], module_is_there: bool = False
) -> bool:
    """Whether the name may be missing here, or the place runs only on the major that has it."""
    if guarded(parents, node, module_is_there):
        return True
    return major is not None and only_on((*parents, node), context.module) == major


def _is_for_type_checkers(parents: Sequence[ast.AST]) -> bool:
    """Whether a statement never runs: it stands below `if TYPE_CHECKING:`."""
    tests = (parent.test for parent in parents if isinstance(parent, ast.If))
    return any(getattr(test, "attr", getattr(test, "id", "")) == "TYPE_CHECKING" for test in tests)


def _of_import(context: Context, imported: Imported, verdict: Verdict, dotted: str) -> Iterator[Draft]:
    mend = None
    if verdict.new is not None and _can_move(context, imported, dotted) and _is_importable(context, verdict.new):
        new = verdict.new
        mend = Mend(verdict.applicability, f"Use `{new}`", lambda: _move(context, imported, new))
    elif verdict.method is not None:
        mend = _method_calls(context, imported, verdict.method)
    if verdict.severity is Severity.ERROR and _is_for_type_checkers(imported.parents):
        told = f"{verdict.message.rstrip('.')}. The import never runs, but type checkers fail on it"
        yield Draft(imported.start, imported.end, told, mend, Severity.INFO, verdict.url)
        return
    yield Draft(imported.start, imported.end, verdict.message, mend, verdict.severity, verdict.url)
    if verdict.severity is not Severity.ERROR:
        return
    for use in uses_of(context.module, imported):
        if block_in(use.qualified) is not None:
            continue  # the rules of infrastructure blocks tell of their uses
        if imported.name is None and not imported.alias and all(name != dotted for name, _, _ in use.prefixes):
            continue  # `import a.b` binds `a`, and this use is of something else in it
        if _is_told_elsewhere(use):
            continue
        end = use.use.ends[0] if imported.name is not None else use.end
        yield Draft(use.start, end, verdict.message, mend, verdict.severity, verdict.url)


def _passed_on_by_the_project(context: Context, reference: Reference, judge: Judge) -> Iterator[Draft]:
    """A use of a removed name that a module of the user's imports and passes on; what has a new home is mended there."""
    verdict = judge(reference.qualified, context.target) if reference.qualified else None
    if (
        verdict is None
        or verdict.new is not None
        or verdict.severity is not Severity.ERROR
        or reference.imported is None
    ):
        return
    told = f"{verdict.message} (passed on by `{reference.imported.module}`)"
    yield Draft(reference.start, reference.end, told, None, verdict.severity, verdict.url)


def _is_importable(context: Context, new: str) -> bool:
    """Whether a dotted name can be imported as it is: it is no member of a class, and `compat` is not another package of the project's."""
    home = new.rpartition(".")[0]
    if home == context.target.compat:
        path = context.project.locate(context.module.path, home)
        return path is None or context.project.mentions(path, "PREFECT_3")
    return home.partition(".")[0] not in api().roots or api().block(home) is not None or api().block(new) is not None


def _can_move(context: Context, imported: Imported, dotted: str) -> bool:
    """A plain `import a.b` binds `a`; it can be respelled only where every use of it spells `a.b`."""
    if imported.name is not None or imported.alias:
        return True
    return all(any(name == dotted for name, _, _ in use.prefixes) for use in uses_of(context.module, imported))


def _move(context: Context, imported: Imported, new: str) -> Iterator[Edit]:
    keep = imported.scope is context.module.names.module_scope and context.passed_on(imported.local)
    statement = imported.statement
    if isinstance(statement, ast.ImportFrom) and len(statement.names) > 1:
        together = [other for other in context.module.names.imported if other.statement is statement]
        homes = {_new_home(other, context.target) for other in together}
        place = module_span(context.module, statement)
        if len(together) == len(statement.names) and len(homes) == 1 and None not in homes and place is not None:
            yield Edit(*place, homes.pop() or "")
            return
    yield from move_import(context.module, imported, new, keep)


def _new_home(imported: Imported, target: Target) -> Optional[str]:
    """The module that a name moves to under its own name; None where it is renamed or stays."""
    verdict = _moved(imported.target, target)
    if verdict is None or verdict.new is None:
        return None
    home, _, name = verdict.new.rpartition(".")
    return home if name == imported.name else None


def _respell(context: Context, reference: Reference, end: int, dotted: str, verdict: Verdict) -> Optional[Mend]:
    """A use through an imported module: the name is imported from its new home and used by itself."""
    new = verdict.new
    if new is None or reference.use.in_string or not can_add_import(context.module, new):
        return None
    if not _is_importable(context, new):
        return None
    module = context.module
    name = new.rpartition(".")[2]
    return Mend(
        verdict.applicability, f"Use `{new}`", lambda: [Edit(reference.start, end, name), *add_import(module, new)]
    )


def _longest(reference: Reference, judge: Judge, target: Target) -> Optional[tuple[str, int, int, Verdict]]:
    """The judged part of a dotted use."""
    dotted = _judged([dotted for dotted, _, _ in reference.prefixes], judge, target)
    for prefix, start, end in reference.prefixes:
        verdict = judge(prefix, target) if prefix == dotted else None
        if verdict is not None:
            return prefix, start, end, verdict
    return None


def _judged(prefixes: Sequence[str], judge: Judge, target: Target) -> Optional[str]:
    """The longest of the dotted prefixes that has a verdict, or as little of it as the same row of a table covers."""
    asked = _moved if judge in (_removed, _renamed) else judge
    judged = [dotted for dotted in prefixes if asked(dotted, target) is not None]
    return _covered(judged, judge) if judged else None


def _covered(prefixes: Sequence[str], judge: Judge) -> str:
    """The shortest of the dotted prefixes that the row of a table for the longest covers as well."""
    table: Callable[[str], object] = phantom if judge is _unknown else only_on_3 if judge is _too_new else moved
    row = table(prefixes[-1])
    return next(prefix for prefix in prefixes if table(prefix) is row) if row is not None else prefixes[-1]


_ONLY_IN_STRINGS = {
    "prefect.task_runners.SequentialTaskRunner": "PF202",
    "prefect.task_runners.BaseTaskRunner": "PF203",
    "prefect.task_runners.TaskConcurrencyType": "PF203",
    "prefect.deployments.Deployment": "PF301",
    "prefect.deployments.deployments.Deployment": "PF301",
}
"""Names whose other uses are the business of a rule of their own."""


_CALLS_TOLD_ELSEWHERE = frozenset(
    f"prefect.filesystems.{name}{method}" for name in ("Azure", "GCS", "GitHub", "S3") for method in ("", ".load")
)
"""Names whose calls PF310 tells of, with the block to make instead."""


def _is_told_elsewhere(reference: Reference) -> bool:
    return reference.qualified in _CALLS_TOLD_ELSEWHERE and reference.call is not None


def _in_string_only(dotted: str, judge: Judge) -> Optional[Verdict]:
    code = next(
        (code for name, code in _ONLY_IN_STRINGS.items() if dotted == name or dotted.startswith(f"{name}.")), None
    )
    if code is None or judge is not _removed:
        return None
    return Verdict(Severity.ERROR, f"`{dotted}` does not exist on Prefect 3; see `migrator rule {code}`", UPGRADE_GUIDE)


def _method_calls(context: Context, imported: Imported, method: str) -> Optional[Mend]:
    """`submit(t, x)` -> `t.submit(x)`, where every use is such a call of a task."""
    module = context.module
    edits: list[Edit] = []
    if imported.scope is module.names.module_scope and context.passed_on(imported.local):
        return None
    for use in uses_of(module, imported):
        call = use.call
        if call is None or not call.args or not isinstance(call.args[0], (ast.Name, ast.Attribute)):
            return None
        task = module.resolve(call.args[0])
        if task is None or task.definition is None or task.definition.kind is not Kind.TASK or task.rest:
            return None
        first_start, first_end = span(call.args[0], module.index)
        gap = _AFTER_ARGUMENT.match(module.text, first_end)
        if module.text[use.end : first_start].strip() != "(" or gap is None:
            return None
        edits.append(Edit(use.start, gap.end(), f"{module.source(call.args[0])}.{method}("))
    return Mend(
        Applicability.SAFE, f"Call the task's own `{method}`", lambda: [*edits, *remove_imports_of(module, [imported])]
    )


def _in_strings(context: Context, judge: Judge, major: Optional[int]) -> Iterator[Draft]:
    """Dotted names in strings that are given to `patch()` and its like."""
    for string in context.module.names.strings:
        parent = string.parents[-1]
        if isinstance(parent, ast.keyword) and parent.arg == "target":
            parent = string.parents[-2]
        if not isinstance(parent, ast.Call) or _called(parent) not in _TAKES_DOTTED_NAME or _may_be_absent(parent):
            continue
        if _elsewhere(context, string.parents, parent, major):
            continue
        parts = string.value.split(".")
        if not context.module.is_prefect(parts[0]):
            continue
        prefixes = [".".join(parts[:length]) for length in range(2, len(parts) + 1)]
        dotted = _judged(prefixes, judge, context.target) or prefixes[-1]
        verdict = judge(dotted, context.target) or _in_string_only(dotted, judge)
        if verdict is None:
            continue
        start, end = string.start, string.start + len(dotted)
        mend = None
        if verdict.new is not None:
            edit = Edit(start, end, verdict.new)
            mend = Mend(verdict.applicability, f"Use `{verdict.new}`", partial(list, (edit,)))
        yield Draft(start, end, verdict.message, mend, verdict.severity, verdict.url)


def _may_be_absent(call: ast.Call) -> bool:
    """Whether a call names something that need not be there: `patch(..., create=True)`, `setattr(..., raising=False)`."""
    wanted = {"create": True, "raising": False}
    return any(
        keyword.arg in wanted and isinstance(keyword.value, ast.Constant) and keyword.value.value is wanted[keyword.arg]
        for keyword in call.keywords
    )


def _called(call: ast.Call) -> str:
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")

"""`prefect.yaml` of Prefect 2.10 to 2.20."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Optional

from migrator.findings import Applicability, Edit, Severity
from migrator.rules.base import DocumentContext, Draft, Mend, Target, document_rule
from migrator.sources.documents import Kind

if TYPE_CHECKING:
    from migrator.rules.deployment_files.tree import Node, Pair, Tree

_SAFE, _UNSAFE = Applicability.SAFE, Applicability.UNSAFE


@document_rule(
    "PF331",
    "prefect-yaml",
    Severity.ERROR,
    "safe or unsafe",
    "https://docs.prefect.io/v3/how-to-guides/deployments/prefect-yaml",
)
def prefect_yaml(context: DocumentContext) -> Iterator[Draft]:
    """Write `prefect.yaml` as Prefect 3 reads it.

    `prefect deploy` still reads the file, but not all of it as 2.x did:

    - Steps of the first projects (`prefect.projects.steps...`, `git_clone_project`, `push_project_to_s3`...) are gone: a deployment with such a `pull` is
      registered without complaint, and its runs fail (error).
    - From 3.4.19 on the file is validated, and **one** wrong value makes `prefect deploy` skip every deployment in it: `version: 1.0` (a number, where a text
      is wanted), `parameters:` or `job_variables:` without a value, an unknown key in a schedule (error).
    - A date that is not quoted (`anchor_date: 2020-01-01T00:00:00Z`) stops 3.0 to 3.3 (error).
    - Parameters of runs are checked against the flow's signature unless `enforce_parameter_schema: false` says otherwise; on 2.x it was the other way
      round. Said only of a file that was written for 2.x: by its `prefect-version`, or by what else is in it (warning).
    - References to blocks in `job_variables` are resolved when the deployment is registered, so that it holds a secret's value as plain text; 2.x left them for
      the run. References to variables likewise get the value of that day. Put them in the work pool's base job template (warning).
    - `schedule` is the old way to write `schedules` (info); `is_schedule_active`, `infra_overrides` and a work pool's `variables` are read by no release from
      2.16 on (info): what they seem to say is `paused` and `job_variables`.

    ## Example

    ```yaml prefect.yaml
    prefect-version: 2.10.21

    pull:
      - prefect.projects.steps.git_clone_project:  # the code
          repository: https://github.com/org/repo

    deployments:
      - name: nightly
        version: 1.0
        entrypoint: flows/etl.py:etl
        schedule:
          cron: "0 5 * * *"
          timezone: Europe/Paris
        parameters:
        work_pool:
          name: my-pool
    ```

    ## Use instead

    ```yaml prefect.yaml
    prefect-version: 2.10.21

    pull:
      - prefect.deployments.steps.git_clone:  # the code
          repository: https://github.com/org/repo

    deployments:
      - name: nightly
        version: "1.0"
        entrypoint: flows/etl.py:etl
        enforce_parameter_schema: false
        schedules:
          - cron: "0 5 * * *"
            timezone: Europe/Paris
        parameters: {}
        work_pool:
          name: my-pool
    ```

    ## Fix safety

    Safe: steps are renamed to those that do the same, values are quoted, a schedule becomes a list of one. Unsafe for keys that `prefect deploy` did not read:
    to write them so that it does is probably what was meant, and changes what is registered. Everything else in the file stays byte for byte.
    """
    document = context.document
    if document.kind is not Kind.YAML:
        return
    named = os.path.basename(document.path) == "prefect.yaml"
    if not named and not ("deployments:" in document.text and "entrypoint:" in document.text):
        return
    from migrator.rules.deployment_files.tree import YAMLError, place, tree_of

    try:
        tree = tree_of(document.text)
    except YAMLError as error:
        if named and "apiVersion" not in document.text:
            at, why = place(error, document.text)
            row, column = document.index.position(at)
            message = f"Not YAML, so `prefect deploy` reads nothing of this file: line {row}, column {column}: {why}"
            yield context.draft(at, at, message)
        return
    yield from drafts_of(tree, context.target, named)


def drafts_of(tree: Tree, target: Target, named: bool = True) -> Iterator[Draft]:
    """What is to be said of a text of the shape of a `prefect.yaml`; nothing for another shape. `named` is for a file of that name."""
    from migrator.rules.deployment_files.tree import MappingNode, get, items, pairs

    if not tree.roots:
        return
    root = tree.roots[0]
    deployments = [item for item in items(get(root, "deployments")) if isinstance(item, MappingNode)]
    keys = {pair.name for pair in pairs(root)}
    if not isinstance(root, MappingNode) or {"apiVersion", "kind", "services", "jobs"} & keys:
        return
    if not named and not any(
        get(item, "entrypoint") is not None and get(item, "work_pool") is not None for item in deployments
    ):
        return
    if len(tree.roots) > 1:
        at = int(tree.roots[1].start_mark.index)
        yield Draft(at, at, "A second document: `prefect deploy` reads no file that has more than one")
        return
    found = _Findings(tree, target)
    for owner in (root, *deployments):
        for pair in pairs(owner):
            if pair.name in ("build", "push", "pull"):
                found.steps(pair)
    for item in deployments:
        found.deployment(item)
    said = get(root, "prefect-version")
    version = "" if said is None else str(said.value)
    if version.startswith("2.") or (found.of_2 and not version.startswith("3.")):
        for item in deployments:
            found.enforcement(item)
    yield from found.drafts


_WANTS_TEXT = ("name", "version", "version_type", "description", "flow_name", "entrypoint")
_OF_A_SCHEDULE = frozenset(
    (
        "cron",
        "interval",
        "rrule",
        "timezone",
        "anchor_date",
        "active",
        "parameters",
        "slug",
        "replaces",
        "day_or",
        "schedule",
    )
)
_REFERENCE = re.compile(r"\{\{\s*prefect\.(blocks|variables)\.")


class _Findings:
    """Collects the findings of one file; what several deployments share through an anchor is looked at once."""

    def __init__(self, tree: Tree, target: Target) -> None:
        self.tree = tree
        self.target = target
        self.drafts: list[Draft] = []
        self.seen: set[int] = set()
        self.of_2 = False

    def _first(self, node: Node) -> bool:
        if id(node) in self.seen:
            return False
        self.seen.add(id(node))
        return True

    def _add(
        self,
        where: tuple[int, int],
        message: str,
        fix: Optional[tuple[Applicability, str, list[Edit]]] = None,
        severity: Optional[Severity] = None,
    ) -> None:
        mend = None
        if fix is not None and fix[2]:
            applicability, title, edits = fix
            mend = Mend(applicability, title, lambda: edits)
        self.drafts.append(Draft(*where, message, mend, severity))

    def steps(self, section: Pair) -> None:
        from migrator.deployments.entries import STEPS
        from migrator.rules.deployment_files.tree import MappingNode, items, pairs

        if not self._first(section.value):
            return
        steps = [section.value] if isinstance(section.value, MappingNode) else items(section.value)
        for step in steps:
            for pair in pairs(step):
                new = STEPS.get(pair.name)
                if new is not None and self._first(pair.key):
                    self.of_2 = True
                    where = _span(pair.key)
                    quote = self.tree.text[where[0]] if self.tree.text[where[0]] in "\"'" else ""
                    fails = "runs of the deployment fail" if section.name == "pull" else "`prefect deploy` fails"
                    message = f"The step `{pair.name}` is not in Prefect 3: {fails}"
                    self._add(where, message, (_SAFE, f"Use `{new}`", [Edit(*where, f"{quote}{new}{quote}")]))
                elif pair.name.startswith("prefect.projects.") and new is None and self._first(pair.key):
                    self._add(
                        _span(pair.key), f"The step `{pair.name}` is not in Prefect 3: there is no `prefect.projects`"
                    )

    def deployment(self, item: Node) -> None:
        from migrator.rules.deployment_files.tree import MappingNode, SequenceNode, get, items, pairs

        held = {pair.name: pair for pair in pairs(item)}
        for name in _WANTS_TEXT:
            if name in held:
                self._text(held[name])
        for name, empty in (("parameters", "{}"), ("triggers", "[]")):
            if name in held:
                self._not_empty(held[name], empty)
        pool = held.get("work_pool")
        if pool is not None:
            self._work_pool(pool.value)
        if "schedule" in held and "schedules" not in held:
            self._schedule(held["schedule"])
        for schedule in (get(item, "schedule"), *items(get(item, "schedules"))):
            if isinstance(schedule, MappingNode):
                self._fields_of_schedule(schedule)
        if isinstance(get(item, "schedules"), SequenceNode) and "schedule" in held:
            self._both(held["schedule"])
        if "is_schedule_active" in held:
            self._is_schedule_active(held["is_schedule_active"], "paused" in held)
        for name in ("infra_overrides", "job_variables", "work_queue_name", "work_pool_name"):
            if name in held and self._first(held[name].key):
                belongs = {"infra_overrides": "job_variables", "work_pool_name": "name"}.get(name, name)
                message = (
                    f"`{name}` of a deployment is read by no `prefect deploy`: write `{belongs}` below `work_pool`"
                )
                self._add(_span(held[name].key), message, severity=Severity.INFO)

    def _text(self, pair: Pair) -> None:
        from migrator.rules.deployment_files.tree import kind

        node = pair.value
        if kind(node) not in ("int", "float", "bool", "timestamp") or not self._first(node) or self.tree.alias_of(pair):
            return
        if not (self.target.reaches("3.4") or kind(node) == "timestamp"):
            return
        where = _span(node)
        written = self.tree.text[where[0] : where[1]]
        message = (
            f"`{pair.name}: {written}` is no text: Prefect 3.4 and later skip every deployment of the file because of it"
            if self.target.reaches("3.4") and pair.name != "anchor_date"
            else f"`{pair.name}: {written}` is a date to YAML, at which `prefect deploy` stops"
        )
        same = kind(node) != "bool" and (kind(node) != "float" or _is_shortest(written))
        edits = [] if node.anchor else [Edit(*where, f'"{written}"')]
        self._add(where, message, (_SAFE if same else _UNSAFE, "Quote it", edits))

    def _not_empty(self, pair: Pair, empty: str) -> None:
        from migrator.rules.deployment_files.tree import MappingNode, kind

        wrong = (
            kind(pair.value) == "null"
            if empty == "{}"
            else isinstance(pair.value, MappingNode) and not pair.value.value
        )
        if not wrong or not self.target.reaches("3.4") or not self._first(pair.value) or self.tree.alias_of(pair):
            return
        start, end = _span(pair.value)
        colon = self.tree.colon_after(pair)
        message = (
            f"`{pair.name}` has to be `{empty}`: Prefect 3.4 and later skip every deployment of the file because of it"
        )
        edit = Edit(colon, colon, f" {empty}") if start == end else Edit(start, end, empty)
        self._add(_span(pair.key), message, (_SAFE, f"Write `{empty}`", [edit]))

    def _work_pool(self, pool: Node) -> None:
        from migrator.rules.deployment_files.tree import pairs, scalars

        if not self._first(pool):
            return
        held = {pair.name: pair for pair in pairs(pool)}
        for name in ("name", "work_queue_name"):
            if name in held:
                self._text(held[name])
        if "job_variables" in held:
            self._not_empty(held["job_variables"], "{}")
            for scalar in scalars(held["job_variables"].value):
                match = _REFERENCE.search(str(scalar.value))
                if match and self._first(scalar):
                    what = (
                        "is resolved when the deployment is registered, which then holds the value as plain text"
                        if match[1] == "blocks"
                        else "gets the value that the variable has when the deployment is registered"
                    )
                    message = f"On 3.x this reference {what}; 2.x left it for the run. In the work pool's base job template it still is"
                    self._add(_span(scalar), message, severity=Severity.WARNING)
        for name in ("infra_overrides", "variables"):
            if name in held and self._first(held[name].key):
                where = _span(held[name].key)
                message = f"`{name}` of a work pool is read by no `prefect deploy`: the key is `job_variables`"
                edits = [] if "job_variables" in held else [Edit(*where, "job_variables")]
                self._add(where, message, (_UNSAFE, "Rename it, by which it comes into force", edits), Severity.INFO)

    def _schedule(self, pair: Pair) -> None:
        from migrator.rules.deployment_files.tree import MappingNode

        if not isinstance(pair.value, MappingNode) or not pair.value.value or not self._first(pair.key):
            return
        self.of_2 = True
        where = _span(pair.key)
        self._add(
            where,
            "`schedule` is the old key: Prefect 3 has a list, `schedules`",
            (_SAFE, "Write `schedules`", [Edit(*where, "schedules"), *self._as_list(pair)]),
            Severity.INFO,
        )

    def _as_list(self, pair: Pair) -> list[Edit]:
        """The edits that make a list of one of a mapping."""
        from migrator.rules.deployment_files.tree import is_flow

        text, value = self.tree.text, pair.value
        alias = self.tree.alias_of(pair)
        if alias or is_flow(value):
            start, end = alias or _span(value)
            return [Edit(start, start, "["), Edit(end, end, "]")]
        first = int(value.value[0][0].start_mark.index)
        edits = [Edit(first, first, "- ")]
        if value.anchor:
            column = value.value[0][0].start_mark.column
            colon = self.tree.colon_after(pair)
            start = int(value.start_mark.index)
            anchor = f"&{value.anchor}"
            edits = [
                Edit(start - (start - colon), start + len(anchor), ""),
                Edit(first, first, f"- {anchor}{self.tree.ending}{' ' * (column + 2)}"),
            ]
        end = self.tree.end_of(value)
        at = text.find("\n", first) + 1
        while 0 < at < end:
            if text[at : text.find("\n", at) + 1 or None].strip():
                edits.append(Edit(at, at, "  "))
            at = text.find("\n", at) + 1
        return edits

    def _both(self, pair: Pair) -> None:
        from migrator.rules.deployment_files.tree import MappingNode

        if isinstance(pair.value, MappingNode) and pair.value.value and self._first(pair.key):
            self._add(_span(pair.key), "`schedule` beside `schedules`: `prefect deploy` fails, as it did from 2.16 on")

    def _fields_of_schedule(self, schedule: Node) -> None:
        from migrator.rules.deployment_files.tree import get, pairs

        if not self._first(schedule):
            return
        for pair in pairs(schedule):
            if pair.name in ("cron", "rrule", "timezone", "anchor_date"):
                self._text(pair)
            elif pair.name not in _OF_A_SCHEDULE and get(schedule, "schedule") is None and self.target.reaches("3.4"):
                message = f"A schedule has no `{pair.name}`: Prefect 3.4 and later skip every deployment of the file because of it"
                edits = self._without(schedule, pair)
                self._add(_span(pair.key), message, (_SAFE, "Remove it: it was not read", edits))

    def _without(self, mapping: Node, pair: Pair) -> list[Edit]:
        """The edits that take a key with its line; none where it shares the line with something else."""
        from migrator.rules.deployment_files.tree import is_flow

        if is_flow(mapping) or not pair.own or mapping.value[0][0] is pair.key:
            return []
        start = self.tree.text.rfind("\n", 0, pair.key.start_mark.index)
        end = self.tree.line_end(self._end(pair))
        return [Edit(start, end - 1 if self.tree.text[end - 1] == "\n" else end, "")]

    def _is_schedule_active(self, pair: Pair, paused: bool) -> None:
        from migrator.rules.deployment_files.tree import kind

        if not self._first(pair.key):
            return
        self.of_2 = True
        value = str(pair.value.value).lower()
        edits: list[Edit] = []
        if kind(pair.value) == "bool" and pair.own and not self.tree.alias_of(pair) and not paused:
            negated = "false" if value in ("true", "yes", "on", "y") else "true"
            edits = [Edit(_span(pair.key)[0], _span(pair.value)[1], f"paused: {negated}")]
        message = "`is_schedule_active` is not read by `prefect deploy`, as it was not on 2.x: `paused` says whether the deployment is scheduled"
        title = "Write `paused`, by which it comes into force"
        self._add(_span(pair.key), message, (_UNSAFE, title, edits), Severity.INFO)

    def enforcement(self, item: Node) -> None:
        """`enforce_parameter_schema: false`, below the entrypoint."""
        from migrator.rules.deployment_files.tree import is_flow, kind, pairs

        held = {pair.name: pair for pair in pairs(item)}
        said = held.get("enforce_parameter_schema")
        name = held.get("name") or held.get("entrypoint")
        if (said is not None and kind(said.value) != "null") or name is None or kind(name.value) == "null":
            return
        edits: list[Edit] = []
        entrypoint = held.get("entrypoint")
        above = entrypoint if entrypoint is not None and entrypoint.own else name
        if said is not None and said.own and not self.tree.alias_of(said):
            colon = self.tree.colon_after(said)
            start, end = _span(said.value)
            edits = [Edit(colon, end if start < end else colon, " false")]
        elif said is None and above.own and is_flow(item):
            at = self._end(above)
            edits = [Edit(at, at, ", enforce_parameter_schema: false")]
        elif said is None and above.own:
            edits = [self._line_below(above, "enforce_parameter_schema: false")]
        message = (
            "Prefect 3 checks the parameters of every run against the flow's signature; 2.x did not, unless "
            "`enforce_parameter_schema: true` asked for it"
        )
        self._add(_span(name.key), message, (_SAFE, "Say `enforce_parameter_schema: false`", edits), Severity.WARNING)

    def _end(self, pair: Pair) -> int:
        """Where a key's value ends as it is written there."""
        alias = self.tree.alias_of(pair)
        return alias[1] if alias else max(self.tree.end_of(pair.value), pair.end)

    def _line_below(self, pair: Pair, line: str) -> Edit:
        at = self.tree.line_end(self._end(pair))
        ended = not at or self.tree.text[at - 1] == "\n"
        line = " " * pair.key.start_mark.column + line
        return Edit(at, at, line + self.tree.ending if ended else self.tree.ending + line)


def _span(node: Node) -> tuple[int, int]:
    """From where to where a scalar or a key is written."""
    return int(node.start_mark.index), int(node.end_mark.index)


def _is_shortest(number: str) -> bool:
    """Whether a number is written as Python writes it, so that the text of its value is what stands there (not `1.10`)."""
    try:
        return repr(float(number)) == number
    except ValueError:
        return False

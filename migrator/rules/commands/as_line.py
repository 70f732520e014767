"""A build as one `prefect deploy` with its options."""

from __future__ import annotations

import json
import re
from typing import Any, Optional

from migrator.deployments import infrastructure
from migrator.deployments.commands import New, Source, Word, inserted, removed, replaced
from migrator.deployments.options import Given
from migrator.findings import Edit
from migrator.rules.base import DocumentContext
from migrator.rules.commands.outcome import ByHand, Outcome, renamed_command
from migrator.rules.commands.shared import create_pool, default_pool

NO_FILE = "none.yaml"
"""A file that is not there: `prefect deploy` then says so, and takes nothing but its options."""


def as_line(context: DocumentContext, build: Outcome, *, alone: bool) -> None:
    """The deployment as one `prefect deploy`; `alone`, so that it does not take what the `prefect.yaml` beside it says of another one."""
    command, line, target = build.command, build.line, context.target
    edits = renamed_command(command)
    after = line.last("--name").words[-1]  # type: ignore[union-attr]
    pool = line.last("--pool")
    overrides: dict[str, Any] = {}
    first_override: Optional[Given] = None
    repeated = line.repeated
    for given in line.given:
        option = given.row.spellings[0]
        if given in repeated:
            edits += removed(command, *given.words)
        elif option == "ENTRYPOINT":
            edits += _without_dot(given.words[0])
        elif option == "--version" and given.words[0].value.startswith("-v"):
            if len(given.words) == 2:
                edits.append(replaced(command, given.words[0], "--version"))
            else:
                shown: New = given.words[0].value[2:] if command.listed else Source(given.words[0].raw[2:])
                edits.append(replaced(command, given.words[0], "--version", shown))
        elif option == "--infra-block":
            edits += _pool_of_block(context, build, given, pool)
            pool = pool or given
        elif option in ("--infra", "--apply", "--output", "--skip-upload", "--no-schedule"):
            edits += removed(command, *given.words)
        elif option == "--limit":
            edits += _limit(context, build, given)
        elif option == "--override":
            changed = _override(build, given, overrides, pool is not None)
            if changed is None:
                first_override = first_override or given
                if given is not first_override:
                    edits += removed(command, *given.words)
            else:
                edits += changed
    if first_override is not None:
        text = json.dumps(overrides, separators=(",", ":"), ensure_ascii=False).replace("=", "\\u003d")
        edits.append(replaced(command, first_override.words[0], "--job-variable", text))
        edits += removed(command, *first_override.words[1:])
    if pool is None:
        edits += _add_pool(context, build, after)
    elif pool.row.spellings[0] == "--pool":
        build.notes.append(
            f"the pool {pool.value!r} must not be one of agents (type `prefect-agent`): `prefect deploy` refuses it, `prefect work-pool create` with `--type process` makes one of workers"
        )
    if alone:
        edits.append(inserted(command, command.words[-1], "--prefect-file", NO_FILE))
        build.notes.append(
            f"`--prefect-file {NO_FILE}` (a file that is not there) keeps the `prefect.yaml` out of it: where that has a single deployment, `deploy` takes its settings for any other, too"
        )
    if target.minor and not target.both:
        edits.append(inserted(command, command.words[-1], "--no-enforce-parameter-schema"))
    else:
        build.notes.append(
            "parameters are checked against the flow's signature, which `deployment build` did not do; `--no-enforce-parameter-schema` (from 3.1 on) switches it off"
        )
    build.edits = [*edits, *build.edits]


def _without_dot(word: Word) -> list[Edit]:
    """The `./` before a path taken off."""
    match = re.match(r"[\"']?(\./)", word.raw)
    if not match:
        return []
    return [Edit(word.start + match.start(1), word.start + match.end(1), "")]


def _add_pool(context: DocumentContext, build: Outcome, after: Word) -> list[Edit]:
    pool = default_pool(context, build.command)
    build.notes.append(create_pool(context))
    return [] if pool is None else [inserted(build.command, after, "-p", pool)]


def _pool_of_block(context: DocumentContext, build: Outcome, given: Given, pool: Optional[Given]) -> list[Edit]:
    """`-ib process/NAME` names a pool of the block's name, where none is named."""
    command = build.command
    slug, slash, name = given.value.partition("/")
    if not slash or not re.fullmatch(r"[a-z-]+", slug) or not name or "/" in name:
        raise ByHand(f"the infrastructure block `{given.value}` is not known before it runs")
    block = infrastructure.BLOCKS.get(slug)
    build.notes.append(
        create_pool(context, block.pool_type if block else "process", None if given.dynamic else name)
        + f", with the settings of the block `{given.value}` in its base job template"
    )
    if pool is not None:
        return list(removed(command, *given.words))
    if command.listed:
        shown: New = name
    else:
        raw = given.words[-1].raw
        quote = raw[:1] if raw[:1] in "'\"" and len(given.words) == 2 else ""
        shown = Source(quote + raw.partition("/")[2])
    return [replaced(command, given.words[0], "-p", *(() if len(given.words) == 2 else (shown,)))] + (
        [replaced(command, given.words[1], shown)] if len(given.words) == 2 else []
    )


def _limit(context: DocumentContext, build: Outcome, given: Given) -> list[Edit]:
    """The limit of the queue is set by a command of its own, after this one."""
    command, line = build.command, build.line
    queue, pool = line.last("--work-queue"), line.last("--pool")
    default = default_pool(context, command)
    if (
        queue is None
        or command.listed
        or command.lead != command.start
        or queue.value_word is None
        or (pool is None and default is None)
    ):
        raise ByHand(
            "the limit is that of the queue: set it once with `prefect work-queue set-concurrency-limit QUEUE LIMIT --pool POOL`"
        )
    if given.value_word is None or (pool is not None and pool.value_word is None) or line.all("--infra-block"):
        raise ByHand(
            "the limit is that of the queue: `prefect work-queue set-concurrency-limit QUEUE LIMIT --pool POOL`"
        )
    raw = pool.value_word.raw if pool is not None and pool.value_word is not None else _raw(default)
    program = command.words[0].raw
    more = f"&& {program} work-queue set-concurrency-limit {queue.value_word.raw} {given.value_word.raw} --pool {raw}"
    last = command.words[-1]
    build.edits.append(Edit(last.end, last.end, " " + command.spell(more)))
    return list(removed(command, *given.words))


def _raw(new: Optional[New]) -> str:
    return new.text if isinstance(new, Source) else str(new)


def _override(build: Outcome, given: Given, overrides: dict[str, Any], typed: bool) -> Optional[list[Edit]]:
    """The edits for an override of one variable; None where it is one of those that go together as JSON, in `overrides`."""
    key, equals, value = given.value.partition("=")
    if not equals or given.value_word is None or not re.fullmatch(r"[\w.-]+", key):
        raise ByHand(f"the override `{given.value}` is not known before it runs")
    first, dot, rest = key.partition(".")
    if not typed:
        row = infrastructure.BLOCKS["process"].row(first)
        if row is None or row.variable is None:
            raise ByHand(f"a process work pool has no variable for the override `{first}`")
    if not dot:
        return [replaced(build.command, given.words[0], "--job-variable")]
    if given.dynamic:
        raise ByHand(
            f'the override `{given.value}` has to be JSON: `--job-variable \'{{"{first}":{{"{rest}":"..."}}}}\'`, and what it holds is only known when it runs'
        )
    inside = overrides
    for part in key.split(".")[:-1]:
        inside = inside.setdefault(part, {})
        if not isinstance(inside, dict):
            raise ByHand(f"the override `{given.value}` contradicts another one")
    inside[key.rpartition(".")[2]] = value
    return None

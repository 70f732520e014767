"""`prefect deployment build` and `prefect deployment apply`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Optional

from migrator.deployments import infrastructure
from migrator.deployments.commands import Command, New, Source, Unwritable, Word, commands, inserted, removed, replaced
from migrator.deployments.options import APPLY, BUILD, Given, Line, line_of
from migrator.findings import Applicability, Change, Edit, Severity
from migrator.rules.base import DocumentContext, Draft, Mend, document_rule
from migrator.rules.commands.shared import (
    DEPLOY,
    create_pool,
    default_pool,
    found,
    home_of,
    named,
    since_both,
    taken_out,
)
from migrator.sources.documents import Kind, kind_of

if TYPE_CHECKING:
    from migrator.deployments.entries import Entry


class _ByHand(Exception):
    """Why there is no fix."""


@dataclass
class _Outcome:
    """What a build becomes."""

    command: Command
    line: Line
    edits: list[Edit] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    why: str = ""
    """Why there is no fix."""
    output: str = ""
    """The file that it writes."""
    contradicted: bool = False
    """Whether the text has another build of the same deployment, with other settings."""
    pairs: list[Command] = field(default_factory=list)
    """The `apply` of what it writes."""


def _value(line: Line, spelling: str) -> Optional[str]:
    given = line.last(spelling)
    return given.value if given else None


def _outcomes(context: DocumentContext) -> list[_Outcome]:
    """What all builds of a text become, with the `apply` of their output."""
    document = context.document
    all_ = found(document)
    builds = [_Outcome(command, line_of(command, BUILD)) for command in all_ if command.name == ("deployment", "build")]
    for build in builds:
        build.output = _output(build.line)
    of_a_name: dict[tuple[Optional[str], Optional[str]], set[tuple[tuple[str, str], ...]]] = {}
    for build in builds:
        said = tuple((each.row.spellings[0], each.value) for each in build.line.given if each.row.how != "dropped")
        of_a_name.setdefault(_key(build.line), set()).add(tuple(sorted(said)))
    for build in builds:
        build.contradicted = len(of_a_name[_key(build.line)]) > 1
    for build in builds:
        try:
            _translate(context, build)
        except (_ByHand, Unwritable) as error:
            build.edits, build.changes, build.why = [], [], str(error)
        if not build.why and document.kind is not Kind.MARKUP and _used(document.text, build.output, all_):
            build.edits, build.changes = [], []
            build.why = f"the text has more to do with `{build.output}`, which it writes, than to apply it"
    for command in all_:
        if command.name == ("deployment", "apply"):
            _pair(document.text, command, builds)
    return builds


def _used(text: str, file: str, found_: Sequence[Command]) -> bool:
    """Whether a text names a file outside of Prefect's commands and of comments: edits it, say, or commits it."""
    if not file:
        return False
    for match in re.finditer(rf"(?<![\w/-])(?:\./)?{re.escape(file)}(?![\w/.-])", text):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
        if "#" not in line and not any(each.start <= match.start() < each.end for each in found_):
            return True
    return False


def _key(line: Line) -> tuple[Optional[str], Optional[str]]:
    return _plain_path(_value(line, "ENTRYPOINT") or ""), _value(line, "--name")


def _output(line: Line) -> str:
    written = _value(line, "--output")
    if written:
        return _plain_path(written if re.search(r"\.ya?ml$", written) else f"{written}.yaml")
    return f"{(_value(line, 'ENTRYPOINT') or '').rpartition(':')[2]}-deployment.yaml"


def _plain_path(path: str) -> str:
    return path[2:] if path.startswith("./") else path


def _pair(text: str, apply: Command, builds: list[_Outcome]) -> None:
    """Joins an `apply` with the builds before it whose files it takes; all of its files have to be such."""
    line = line_of(apply, APPLY)
    files = [given.value for given in line.all("PATHS")]
    if not files or line.unknown or line.all("--limit"):
        return
    before = [build for build in builds if build.command.end <= apply.start]
    wanted = [next((b for b in reversed(before) if b.output == _plain_path(file)), None) for file in files]
    if any(build is None or build.why for build in wanted):
        return
    edit = taken_out(text, apply)
    if edit is None:
        return
    for build in wanted:
        assert build is not None
        build.edits.append(edit)
        build.pairs.append(apply)


def _needs_file(line: Line) -> str:
    """Why a deployment cannot be said in one line: it needs pull steps of its own; "" where it can."""
    if line.all("--storage-block"):
        return "its code lies in a storage block"
    if line.all("--path"):
        return "its code lies in another directory"
    type_ = _value(line, "--infra")
    block = (_value(line, "--infra-block") or "").partition("/")[0]
    if type_ and type_ != "process":
        return f"it runs in `{type_}`"
    if block and block != "process" and not line.last("--infra-block").dynamic:  # type: ignore[union-attr]
        return f"it runs in `{block}`"
    return ""


def _has_file(context: DocumentContext, home: str) -> bool:
    """Whether a directory has a `prefect.yaml`, or will have one, since other files of the project, or other commands, become entries of it."""
    if context.read(os.path.join(home, "prefect.yaml")) is not None:
        return True
    inside = os.path.join(home, "")
    return any(
        _makes_entries(path, context.read(path) or "")
        for path in (context.document.path, *context.project.documents())
        if path.startswith(inside)
    )


@lru_cache(maxsize=256)
def _makes_entries(path: str, text: str) -> bool:
    """Whether a file becomes, or has commands that become, entries of a `prefect.yaml`."""
    kind = kind_of(path)
    if kind is Kind.YAML and "flow_name:" in text and "entrypoint:" in text:
        return True
    if kind is Kind.MARKUP or "deployment" not in text:
        return False
    lines = (
        line_of(command, BUILD)
        for command in commands(text, kind or Kind.SHELL)
        if command.name == ("deployment", "build")
    )
    return any(_needs_file(line) for line in lines)


def _translate(context: DocumentContext, build: _Outcome) -> None:
    line = build.line
    if line.unknown:
        raise _ByHand(f"`{line.unknown[0].raw}` is no option that is known")
    entrypoint, name = line.last("ENTRYPOINT"), line.last("--name")
    if entrypoint is None or name is None:
        raise _ByHand("it has no " + ("entrypoint" if entrypoint is None else "name"))
    prose = context.document.kind is Kind.MARKUP
    needed = _needs_file(line)
    home = None if prose else home_of(context, _plain_path(entrypoint.value))
    present = home is not None and _has_file(context, home)
    if needed or (present and not prose):
        try:
            if build.contradicted and not prose:
                raise _ByHand("the text has another build of the same deployment, with other settings")
            _as_entry(context, build, home, prose)
            return
        except _ByHand as error:
            if needed:
                raise _ByHand(
                    f"{needed}, and {error}: write it as an entry of `prefect.yaml` with `pull` steps"
                ) from None
            build.edits, build.changes, build.notes = [], [], []
    beside = home is None and not prose and _stands_elsewhere(context, _plain_path(entrypoint.value))
    _as_line(context, build, alone=present or beside)


def _stands_elsewhere(context: DocumentContext, entrypoint: str) -> bool:
    """Whether a directory of the project, to which the text may have changed, has both the file of an entrypoint and a `prefect.yaml`."""
    file = entrypoint.rpartition(":")[0]
    return any(
        context.read(os.path.join(os.path.dirname(path), file)) is not None
        for path in context.project.documents()
        if file and os.path.basename(path) == "prefect.yaml"
    )


def _renamed_command(command: Command) -> list[Edit]:
    group, build = named(command)
    prompt = any(word.value == "--no-prompt" for word in command.words)
    new: tuple[str, ...] = ("deploy",) if prompt else ("--no-prompt", "deploy")
    return [replaced(command, group, *new), *removed(command, build)]


def _without_dot(word: Word) -> list[Edit]:
    """The `./` before a path taken off."""
    match = re.match(r"[\"']?(\./)", word.raw)
    if not match:
        return []
    return [Edit(word.start + match.start(1), word.start + match.end(1), "")]


def _as_line(context: DocumentContext, build: _Outcome, *, alone: bool) -> None:
    """The deployment as one `prefect deploy`; `alone`, so that it does not take what the `prefect.yaml` beside it says of another one."""
    command, line, target = build.command, build.line, context.target
    edits = _renamed_command(command)
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


def _add_pool(context: DocumentContext, build: _Outcome, after: Word) -> list[Edit]:
    pool = default_pool(context, build.command)
    build.notes.append(create_pool(context))
    return [] if pool is None else [inserted(build.command, after, "-p", pool)]


def _pool_of_block(context: DocumentContext, build: _Outcome, given: Given, pool: Optional[Given]) -> list[Edit]:
    """`-ib process/NAME` names a pool of the block's name, where none is named."""
    command = build.command
    slug, slash, name = given.value.partition("/")
    if not slash or not re.fullmatch(r"[a-z-]+", slug) or not name or "/" in name:
        raise _ByHand(f"the infrastructure block `{given.value}` is not known before it runs")
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


def _limit(context: DocumentContext, build: _Outcome, given: Given) -> list[Edit]:
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
        raise _ByHand(
            "the limit is that of the queue: set it once with `prefect work-queue set-concurrency-limit QUEUE LIMIT --pool POOL`"
        )
    if given.value_word is None or (pool is not None and pool.value_word is None) or line.all("--infra-block"):
        raise _ByHand(
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


def _override(build: _Outcome, given: Given, overrides: dict[str, Any], typed: bool) -> Optional[list[Edit]]:
    """The edits for an override of one variable; None where it is one of those that go together as JSON, in `overrides`."""
    key, equals, value = given.value.partition("=")
    if not equals or given.value_word is None or not re.fullmatch(r"[\w.-]+", key):
        raise _ByHand(f"the override `{given.value}` is not known before it runs")
    first, dot, rest = key.partition(".")
    if not typed:
        row = infrastructure.BLOCKS["process"].row(first)
        if row is None or row.variable is None:
            raise _ByHand(f"a process work pool has no variable for the override `{first}`")
    if not dot:
        return [replaced(build.command, given.words[0], "--job-variable")]
    if given.dynamic:
        raise _ByHand(
            f'the override `{given.value}` has to be JSON: `--job-variable \'{{"{first}":{{"{rest}":"..."}}}}\'`, and what it holds is only known when it runs'
        )
    inside = overrides
    for part in key.split(".")[:-1]:
        inside = inside.setdefault(part, {})
        if not isinstance(inside, dict):
            raise _ByHand(f"the override `{given.value}` contradicts another one")
    inside[key.rpartition(".")[2]] = value
    return None


NO_FILE = "none.yaml"
"""A file that is not there: `prefect deploy` then says so, and takes nothing but its options."""

_STAY = frozenset({"--version", "--description", "--tag", "--work-queue", "--pool", "--param", "--params"})
"""Options that `deploy` puts over what the entry says: they may stay where their value is only known when it runs."""


def _as_entry(context: DocumentContext, build: _Outcome, home: Optional[str], prose: bool) -> None:
    """The deployment as an entry of `prefect.yaml`, and `prefect deploy` of it by its name."""
    command, line = build.command, build.line
    if not prose and home is None and not line.last("ENTRYPOINT").dynamic:  # type: ignore[union-attr]
        raise _ByHand("the file of its flow is not found")
    deployment: dict[str, Any] = {}
    staying: list[Given] = []
    for given in line.given:
        if given.dynamic and given.row.spellings[0] in _STAY:
            staying.append(given)
        elif given.dynamic and given.row.spellings[0] not in ("--output",):
            raise _ByHand(f"`{given.value}` is only known when it runs")
        else:
            _say(deployment, given, line)
    function = deployment["entrypoint"].rpartition(":")[2]
    edits = _renamed_command(command)
    entrypoint = line.last("ENTRYPOINT").words  # type: ignore[union-attr]
    name = line.last("--name")
    assert name is not None
    full = f"{function}/{name.value}"
    keep = {id(word) for given in staying for word in given.words}
    option = name.words[0]
    gone = [word for given in line.given for word in given.words if id(word) not in keep]
    if len(name.words) == 2:
        gone = [word for word in gone if word not in name.words]
        edits.append(replaced(command, name.words[1], full))
    else:
        gone = [word for word in gone if word != option]
        edits.append(replaced(command, option, "-n", full))
    edits += removed(command, *(word for word in gone if word not in entrypoint))
    edits += removed(command, *entrypoint)
    for given in staying:
        if given.row.spellings[0] == "--version" and given.words[0].value == "-v":
            edits.append(replaced(command, given.words[0], "--version"))
    build.edits = edits
    entry = _entry(json.dumps(deployment), context.target.work_pool, not line.all("--skip-upload"))
    build.notes += entry.notes
    if prose:
        build.notes.append(f"`prefect.yaml` has to have the deployment {name.value!r} of `{deployment['entrypoint']}`")
        return
    assert home is not None
    path = os.path.join(home, "prefect.yaml")
    if _has_another(context.read(path) or "", entry):
        raise _ByHand(f"{path} has another deployment of this name and flow")
    strange = _strange_steps(context.read(path) or "", entry)
    if strange:
        raise _ByHand(f"{path} has `{strange}` steps for every deployment, which it did not have")

    def rewrite(text: str) -> str:
        from migrator.deployments.entries import add_entry

        if _has_another(text, entry):
            raise ValueError(
                f"two commands make different deployments {entry.data['name']!r} of {entry.data['entrypoint']}: only one can be in {path}"
            )
        return add_entry(text, entry)

    build.changes = [Change(path, rewrite)]
    build.notes.append(f"the deployment goes to {os.path.relpath(path, os.path.dirname(context.document.path) or '.')}")


def _strange_steps(text: str, entry: Entry) -> str:
    from migrator.deployments.entries import strange_steps

    return strange_steps(text, entry) if text else ""


def _has_another(text: str, entry: Entry) -> bool:
    """Whether a `prefect.yaml` has the deployment with other settings."""
    from migrator.deployments.entries import parsed

    try:
        data = parsed(text) if text else None
    except Exception:
        return False  # it cannot be read, which `add_entry` says
    items = data.get("deployments") if isinstance(data, dict) else None
    same = [
        item
        for item in items or ()
        if isinstance(item, dict) and all(item.get(key) == entry.data.get(key) for key in ("name", "entrypoint"))
    ]
    return any(item != entry.data for item in same)


@lru_cache(maxsize=64)
def _entry(deployment: str, work_pool: Optional[str], uploads: bool) -> Entry:
    from migrator.deployments import storage
    from migrator.deployments.entries import entry_of

    given = json.loads(deployment)
    entry = entry_of(given, work_pool=work_pool)
    block = given.get("storage")
    if not block or not uploads or block["_block_type_slug"] not in _UPLOADING:
        return entry
    pull = storage.pull_steps(block["_block_type_slug"], {}, given.get("path"), block["_block_document_name"])
    if pull.push:
        return replace(entry, data={**entry.data, "push": [dict(step) for step in pull.push]})
    note = "the build uploaded the code to the block; `deploy` does it only where `push` steps say so"
    return replace(entry, notes=(*entry.notes, note))


_UPLOADING = frozenset({"s3", "gcs", "azure", "smb", "remote-file-system", "s3-bucket", "gcs-bucket"})
"""The storage blocks to which Prefect 2 uploaded the directory."""


_KEYS = {
    "--name": "name",
    "--version": "version",
    "--description": "description",
    "--work-queue": "work_queue_name",
    "--pool": "work_pool_name",
    "--path": "path",
}


def _say(deployment: dict[str, Any], given: Given, line: Line) -> None:
    """Puts one option into the data of a deployment, as a deployment YAML has it. Raises _ByHand."""
    option, value = given.row.spellings[0], given.value
    if option == "ENTRYPOINT":
        deployment["entrypoint"] = _plain_path(value)
    elif option in _KEYS:
        deployment[_KEYS[option]] = value
    elif option == "--tag":
        deployment.setdefault("tags", []).append(value)
    elif option in ("--cron", "--interval", "--rrule"):
        deployment["schedule"] = _schedule(option, value, line)
    elif option == "--param":
        key, _, written = value.partition("=")
        parameters = deployment.setdefault("parameters", {})
        try:
            parameters[key] = json.loads(written)
        except ValueError:
            parameters[key] = written
    elif option == "--params":
        try:
            deployment["parameters"] = json.loads(value)
        except ValueError:
            raise _ByHand("its `--params` is no JSON") from None
    elif option == "--override":
        key, _, written = value.partition("=")
        deployment.setdefault("infra_overrides", {})[key] = written
    elif option == "--infra":
        deployment["infrastructure"] = {"_block_type_slug": value}
        if value in ("docker-container", "kubernetes-job") and not line.all("--storage-block"):
            deployment.setdefault("path", "/opt/prefect/flows")
    elif option in ("--infra-block", "--storage-block"):
        slug, slash, rest = value.partition("/")
        name, _, path = rest.partition("/")
        if not slash or not name:
            raise _ByHand(f"the block `{value}` has no name")
        key = "storage" if option == "--storage-block" else "infrastructure"
        deployment[key] = {"_block_type_slug": slug, "_block_document_name": name}
        if path and key == "storage":
            deployment["path"] = path
        if key == "infrastructure" and slug != "process" and not line.all("--storage-block") and not line.all("--path"):
            deployment["path"] = "/opt/prefect/flows"
    elif option == "--limit":
        raise _ByHand(
            "its `--limit` is that of the queue (`prefect work-queue set-concurrency-limit QUEUE LIMIT --pool POOL`)"
        )


def _schedule(option: str, value: str, line: Line) -> dict[str, Any]:
    timezone, anchor = _value(line, "--timezone"), _value(line, "--anchor-date")
    if option == "--interval":
        try:
            schedule: dict[str, Any] = {"interval": int(value)}
        except ValueError:
            raise _ByHand("its `--interval` is no number") from None
        if anchor:
            schedule["anchor_date"] = anchor
    elif option == "--rrule" and value.lstrip().startswith("{"):
        try:
            schedule = json.loads(value)
        except ValueError:
            raise _ByHand("its `--rrule` is no JSON") from None
    else:
        schedule = {option[2:]: value}
    return {**schedule, **({"timezone": timezone} if timezone else {})}


@document_rule("PF350", "deployment-build-command", Severity.ERROR, "unsafe", DEPLOY)
def deployment_build(context: DocumentContext) -> Iterator[Draft]:
    """Replace `prefect deployment build` by `prefect deploy`.

    Prefect 3 has no `deployment build`: one command, `prefect deploy`, reads the flow and registers the deployment at once. Its options are nearly the same;
    a build with the `apply` of its file becomes one `deploy`. `--no-prompt` is what `build` was: it asks nothing.

    A deployment needs a work pool, for there are no agents: `--work-pool NAME` says which, else the command takes it from
    `PREFECT_DEFAULT_WORK_POOL_NAME`. An infrastructure block that was named (`-ib process/prod`) becomes a pool of its name. Where the code came from a storage
    block, or runs in a container, the deployment has `pull` steps of its own: it becomes an entry of `prefect.yaml` beside the flow, and
    `prefect deploy -n FLOW/NAME` registers it. In documents only the command is changed.

    ## Example

    ```bash deploy.sh
    prefect deployment build ./flows/etl.py:etl -n nightly -q etl -p my-pool -v 1 \\
      -o etl.yaml \\
      --cron '0 3 * * *' --timezone Europe/Berlin \\
      --override env.LEVEL=DEBUG
    prefect deployment apply etl.yaml
    ```

    ## Use instead

    ```bash deploy.sh
    prefect --no-prompt deploy flows/etl.py:etl -n nightly -q etl -p my-pool --version 1 \\
      --cron '0 3 * * *' --timezone Europe/Berlin \\
      --job-variable '{"env":{"LEVEL":"DEBUG"}}'
    ```

    ## Fix safety

    Unsafe. The pool has to be there, of a type that workers serve. The flow's parameters are checked against its signature from now on
    (`--no-enforce-parameter-schema`, which 3.0 does not have, switches it off; it is added where the target is a minor from 3.1 on). What a block held is not
    known from its name. The code is taken from where the command runs, as before.
    """
    for build in _outcomes(context):
        message = "Prefect 3 has no `prefect deployment build`: `prefect deploy` registers the deployment at once"
        yield _draft(context, build, build.command, message, since_both(context, "2.10", "`prefect deploy`"))


def _draft(context: DocumentContext, build: _Outcome, command: Command, message: str, both: str) -> Draft:
    notes = list(dict.fromkeys(build.notes))
    if build.why:
        return context.draft(command.start, command.end, f"{message}; by hand, for {build.why}{both}")
    if notes:
        message += ". To look at: " + "; ".join(notes)
    edits, changes = tuple(build.edits), tuple(build.changes)
    mend = Mend(Applicability.UNSAFE, "Deploy with `prefect deploy`", lambda: edits, lambda: changes)
    return context.draft(command.start, command.end, message + both, mend)


@document_rule("PF351", "deployment-apply-command", Severity.ERROR, "unsafe", DEPLOY)
def deployment_apply(context: DocumentContext) -> Iterator[Draft]:
    """Replace `prefect deployment apply` by `prefect deploy`.

    Prefect 3 has no `deployment apply`, and reads no deployment YAML: deployments are entries of `prefect.yaml` (PF330 moves the file there), and
    `prefect deploy -n FLOW/NAME` registers one of them. Where the file was written by a `deployment build` in the same text, the one `prefect deploy` that the
    build becomes does both.

    ## Example

    ```bash deploy.sh
    prefect deployment apply etl-deployment.yaml --upload
    ```

    ```yaml etl-deployment.yaml
    name: nightly
    flow_name: etl
    work_pool_name: my-pool
    entrypoint: flows/etl.py:etl
    parameter_openapi_schema: {}
    ```

    ## Use instead

    ```bash deploy.sh
    prefect --no-prompt deploy -n etl/nightly
    ```

    ```yaml etl-deployment.yaml
    name: nightly
    flow_name: etl
    work_pool_name: my-pool
    entrypoint: flows/etl.py:etl
    parameter_openapi_schema: {}
    ```

    ## Fix safety

    Unsafe: the command looks for `prefect.yaml` where it is run, and nothing is uploaded unless the file has `push` steps.
    """
    applies = [command for command in found(context.document) if command.name == ("deployment", "apply")]
    if not applies:
        return
    builds = _outcomes(context)
    message = "Prefect 3 has no `prefect deployment apply`"
    both = since_both(context, "2.10", "`prefect deploy`")
    for command in applies:
        paired = [build for build in builds if command in build.pairs]
        if paired:
            said = f"{message}: the `prefect deploy` that the build before it becomes registers at once"
            yield _draft(
                context, _Outcome(command, paired[0].line, paired[0].edits, paired[0].changes), command, said, both
            )
            continue
        outcome = _Outcome(command, line_of(command, APPLY))
        try:
            _apply(context, outcome, [build for build in builds if build.command.end <= command.start])
        except (_ByHand, Unwritable) as error:
            outcome.why = str(error)
        yield _draft(
            context, outcome, command, f"{message}: `prefect deploy` registers an entry of `prefect.yaml`", both
        )


def _apply(context: DocumentContext, outcome: _Outcome, builds: list[_Outcome]) -> None:
    command, line = outcome.command, outcome.line
    files = line.all("PATHS")
    if line.unknown or line.all("--limit") or not files:
        raise _ByHand(
            "its arguments are not known" if not files or line.unknown else "its `--limit` is that of the queue"
        )
    edits = _renamed_command(command)
    for given in files:
        if any(build.output == _plain_path(given.value) for build in builds):
            raise _ByHand("it belongs to the build before it")
        full = None if given.dynamic else _deployment_in(context, given.value)
        if full is None:
            raise _ByHand(
                f"the deployment of `{given.value}` is not known: `prefect deploy -n NAME` (or `--all`) once it is an entry of `prefect.yaml`"
            )
        edits.append(replaced(command, given.words[0], "-n", full))
    for given in line.all("--upload"):
        edits += removed(command, *given.words)
    outcome.edits = edits
    outcome.notes.append("run PF330's fix, too, which moves the file to `prefect.yaml`")


def _deployment_in(context: DocumentContext, file: str) -> Optional[str]:
    """`FUNCTION/NAME` of a deployment YAML, looked for from the document's directory upwards. Raises _ByHand where the entry cannot be named there."""
    from migrator.deployments.entries import parsed

    directory = os.path.dirname(context.document.path)
    while True:
        text = context.read(os.path.join(directory, file))
        if text is not None:
            try:
                data = parsed(text)
            except Exception:
                return None
            name, entrypoint = (data.get("name"), data.get("entrypoint")) if isinstance(data, dict) else (None, None)
            if name and entrypoint:
                _same_place(context, os.path.normpath(os.path.join(directory, file)), text, directory, str(entrypoint))
            return f"{str(entrypoint).rpartition(':')[2]}/{name}" if name and entrypoint else None
        parent = os.path.dirname(directory)
        if parent == directory:
            return None
        directory = parent


def _same_place(context: DocumentContext, path: str, text: str, directory: str, entrypoint: str) -> None:
    """Raises _ByHand where the file does not become an entry of the `prefect.yaml` in the directory from which it is named."""
    from migrator.rules.deployment_files.deployment_yaml import home_of_entries, rival_of

    rival = rival_of(path, text, context)
    if rival:
        raise _ByHand(f"{rival}, beside {os.path.basename(path)}, says otherwise of a deployment of the same name")
    home = home_of_entries(path, [entrypoint], context)
    if os.path.normpath(home) != os.path.normpath(directory or "."):
        place = os.path.relpath(home, directory or ".")
        raise _ByHand(f"the deployment goes to the `prefect.yaml` of `{place}`: `prefect deploy` has to run there")


RULES = (deployment_build, deployment_apply)

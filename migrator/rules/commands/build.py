"""`prefect deployment build`, with the `apply` of what it writes."""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, takewhile
from typing import Optional

from migrator.deployments.commands import Command, Unwritable, commands
from migrator.deployments.options import APPLY, BUILD, Line, line_of
from migrator.findings import Severity
from migrator.rules.base import DocumentContext, Draft, document_rule
from migrator.rules.commands.as_entry import as_entry
from migrator.rules.commands.as_line import as_line
from migrator.rules.commands.outcome import ByHand, Outcome, draft_of, plain_path, renamed_command, value_of
from migrator.rules.commands.shared import DEPLOY, found, home_of, since_both, taken_out
from migrator.sources.documents import Kind, kind_of


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
    for build in outcomes(context):
        message = "Prefect 3 has no `prefect deployment build`: `prefect deploy` registers the deployment at once"
        yield draft_of(context, build, build.command, message, since_both(context, "2.10", "`prefect deploy`"))


def outcomes(context: DocumentContext) -> list[Outcome]:
    """What all builds of a text become, with the `apply` of their output."""
    document = context.document
    all_ = found(document)
    builds = [Outcome(command, line_of(command, BUILD)) for command in all_ if command.name == ("deployment", "build")]
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
        except (ByHand, Unwritable) as error:
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
    return plain_path(value_of(line, "ENTRYPOINT") or ""), value_of(line, "--name")


def _output(line: Line) -> str:
    written = value_of(line, "--output")
    if written:
        return plain_path(written if re.search(r"\.ya?ml$", written) else f"{written}.yaml")
    return f"{(value_of(line, 'ENTRYPOINT') or '').rpartition(':')[2]}-deployment.yaml"


def _pair(text: str, apply: Command, builds: list[Outcome]) -> None:
    """Joins an `apply` with the builds before it whose files it takes; all of its files have to be such."""
    line = line_of(apply, APPLY)
    files = [given.value for given in line.all("PATHS")]
    if not files or line.unknown or line.all("--limit"):
        return
    before = [build for build in builds if build.command.end <= apply.start]
    wanted = [next((b for b in reversed(before) if b.output == plain_path(file)), None) for file in files]
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
    type_ = value_of(line, "--infra")
    block = (value_of(line, "--infra-block") or "").partition("/")[0]
    if type_ and type_ != "process":
        return f"it runs in `{type_}`"
    if block and block != "process" and not line.last("--infra-block").dynamic:  # type: ignore[union-attr]
        return f"it runs in `{block}`"
    return ""


def _has_file(context: DocumentContext, home: str) -> bool:
    """Whether a directory has a `prefect.yaml`, or will have one, since other files of the project, or other commands, become entries of it."""
    if context.read(os.path.join(home, "prefect.yaml")) is not None:
        return True
    own = context.document.path
    return (_is_below(own, home) and _becomes_entries(context, own)) or _has_makers(context, home)


def _is_below(path: str, directory: str) -> bool:
    return path.startswith(os.path.join(directory, ""))


def _becomes_entries(context: DocumentContext, path: str) -> bool:
    return _makes_entries(path, context.read(path) or "")


def _has_makers(context: DocumentContext, home: str) -> bool:
    """Whether a file of the project below a directory becomes entries; found out once for each directory."""
    question = "makes entries", home
    if question not in context.project.shared:
        documents = context.project.documents()
        inside = islice(documents, bisect_left(documents, os.path.join(home, "")), None)
        context.project.shared[question] = any(
            _becomes_entries(context, path) for path in takewhile(lambda path: _is_below(path, home), inside)
        )
    return bool(context.project.shared[question])


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


def _translate(context: DocumentContext, build: Outcome) -> None:
    line = build.line
    if [word.value for word in build.command.arguments] == ["--help"]:
        build.edits = renamed_command(build.command)
        return
    if line.unknown:
        raise ByHand(f"`{line.unknown[0].raw}` is no option that is known")
    entrypoint, name = line.last("ENTRYPOINT"), line.last("--name")
    if entrypoint is None or name is None:
        raise ByHand("it has no " + ("entrypoint" if entrypoint is None else "name"))
    prose = context.document.kind is Kind.MARKUP
    needed = _needs_file(line)
    home = None if prose else home_of(context, plain_path(entrypoint.value))
    present = home is not None and _has_file(context, home)
    if needed or (present and not prose):
        try:
            if build.contradicted and not prose:
                raise ByHand("the text has another build of the same deployment, with other settings")
            as_entry(context, build, home, prose)
            return
        except ByHand as error:
            if needed:
                raise ByHand(
                    f"{needed}, and {error}: write it as an entry of `prefect.yaml` with `pull` steps"
                ) from None
            build.edits, build.changes, build.notes = [], [], []
    beside = home is None and not prose and _stands_elsewhere(context, plain_path(entrypoint.value))
    as_line(context, build, alone=present or beside)


def _stands_elsewhere(context: DocumentContext, entrypoint: str) -> bool:
    """Whether a directory of the project, to which the text may have changed, has both the file of an entrypoint and a `prefect.yaml`."""
    file = entrypoint.rpartition(":")[0]
    question = "directories with a prefect.yaml"
    if question not in context.project.shared:
        context.project.shared[question] = [
            os.path.dirname(path) for path in context.project.documents() if os.path.basename(path) == "prefect.yaml"
        ]
    return bool(file) and any(
        context.project.may_have(directory, file) and context.read(os.path.join(directory, file)) is not None
        for directory in context.project.shared[question]
    )


RULES = (deployment_build,)

"""Every option of the commands of Prefect 2 that have to do with deployments, and what it becomes on Prefect 3.

Read from the command line of one release of each minor, 2.0 to 2.20 and 3.0 to 3.8 (`prefect COMMAND --help`); the tests ask it again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Optional

from migrator.deployments.commands import Command, Word


@dataclass(frozen=True)
class Row:
    """One option (or argument) of one command."""

    spellings: tuple[str, ...]
    """All ways to write it; the name in capitals for an argument."""
    takes: bool
    """Whether a value follows; True for an argument."""
    how: str
    """`kept`, `renamed`, `value` (another value), `yaml` (goes to `prefect.yaml`), `dropped`, `hand`."""
    new: Optional[str] = None
    """How the new command spells it."""
    note: str = ""
    first: str = "2.0"
    """The first minor of 2.x that has it (of those that were asked)."""
    last: str = "2.20"
    other: Optional[str] = None
    """The command of Prefect 3 that has `new`, where it is another than the one that most of the options go to."""

    @property
    def argument(self) -> bool:
        return self.spellings[0].isupper()


@dataclass(frozen=True)
class Old:
    """A command of Prefect 2, what takes its place, and its options. `gone` is False where the command itself stays."""

    name: str
    new: Optional[str]
    rows: tuple[Row, ...]
    note: str = ""
    first: str = "2.0"
    last: str = "2.20"
    gone: bool = True


def _kept(*spellings: str, first: str = "2.0", note: str = "", last: str = "2.20", takes: bool = True) -> Row:
    long = next((each for each in spellings if each.startswith("--")), spellings[0])
    return Row(spellings, takes, "kept", long, note, first, last)


_SCHEDULE_ROWS = (
    _kept("--interval", first="2.1", note="seconds"),
    _kept("--cron", first="2.1"),
    _kept("--rrule", first="2.1", note="as text or as JSON with `rrule` and `timezone`, as before"),
    _kept("--anchor-date", first="2.6"),
    _kept("--timezone", first="2.6"),
)

BUILD = Old(
    "deployment build",
    "deploy",
    (
        Row(
            ("ENTRYPOINT",),
            True,
            "value",
            "ENTRYPOINT",
            "without a leading `./`: Prefect 2 took it off, Prefect 3 records it",
        ),
        _kept("--name", "-n"),
        Row(("--version", "-v"), True, "renamed", "--version", "`-v` was `--variable` of `deploy`, and is gone"),
        _kept("--description", "-d", first="2.8"),
        _kept("--tag", "-t"),
        _kept("--work-queue", "-q", first="2.1", note="a queue of the work pool"),
        _kept("--pool", "-p", first="2.7", note="not a pool of type `prefect-agent`: `deploy` refuses it"),
        Row(
            ("--limit", "-l"),
            True,
            "hand",
            "LIMIT",
            "the limit of the queue: `&& prefect work-queue set-concurrency-limit QUEUE LIMIT --pool POOL` behind it, where the line names the queue",
            "2.6",
            other="work-queue set-concurrency-limit",
        ),
        *_SCHEDULE_ROWS,
        Row(("--no-schedule",), False, "dropped", None, "`deploy` sets no schedule without being told one", "2.14"),
        _kept("--param", first="2.4", note="values are read as JSON where they can be, as before"),
        _kept("--params", first="2.4"),
        Row(
            ("--override",),
            True,
            "value",
            "--job-variable",
            '`env.KEY=value` becomes JSON: `{"env":{"KEY":"value"}}`, all of them in one; a `=` in a value is written `\\u003d`, for `deploy` divides at the first',
        ),
        Row(
            ("--infra", "-i"),
            True,
            "value",
            "--pool",
            "`process`, `docker-container`, `kubernetes-job`: the type of the work pool (`process`, `docker`, `kubernetes`)",
        ),
        Row(
            ("--infra-block", "-ib"),
            True,
            "value",
            "--pool",
            "a work pool of the block's name, created with the type and the settings of the block",
        ),
        Row(("--storage-block", "-sb"), True, "yaml", None, "pull steps of the deployment in `prefect.yaml`"),
        Row(("--path",), True, "yaml", None, "the folder in the storage: in the pull steps of `prefect.yaml`", "2.3"),
        Row(("--output", "-o"), True, "dropped", None, "nothing is written: `deploy` registers at once"),
        Row(("--apply", "-a"), False, "dropped", None, "`deploy` registers at once", "2.3"),
        Row(
            ("--skip-upload",),
            False,
            "dropped",
            None,
            "`deploy` uploads nothing, unless a `push` step of `prefect.yaml` says so",
            "2.3",
        ),
    ),
    note="registers at once; it needs a work pool that exists and is not of type `prefect-agent`",
)

APPLY = Old(
    "deployment apply",
    "deploy",
    (
        Row(
            ("PATHS",), True, "value", "--name", "the deployment of the file as an entry of `prefect.yaml`, by its name"
        ),
        Row(("--upload",), False, "dropped", None, "`deploy` uploads nothing without a `push` step", "2.3"),
        Row(
            ("--limit", "-l"),
            True,
            "hand",
            "LIMIT",
            "`prefect work-queue set-concurrency-limit QUEUE LIMIT --pool POOL`, once",
            "2.6",
            other="work-queue set-concurrency-limit",
        ),
    ),
)

SET_SCHEDULE = Old(
    "deployment set-schedule",
    "deployment schedule create",
    (
        _kept(
            "NAME",
            note="`FLOW/DEPLOYMENT`; `--replace -y` is added, for `create` adds a schedule to those that are there",
        ),
        _kept("--interval"),
        _kept("--anchor-date"),
        _kept("--rrule"),
        _kept("--cron"),
        _kept("--timezone"),
        Row(
            ("--day_or",),
            True,
            "value",
            "--day_or",
            "`true` is what it is without; `false` is `--no-day_or` from 3.6 on, and not to be said before",
            "2.4",
        ),
        Row(
            ("--no-schedule",),
            False,
            "value",
            "DEPLOYMENT",
            "`prefect deployment schedule clear NAME -y`",
            "2.14",
            other="deployment schedule clear",
        ),
        Row(("--deprecated",), True, "dropped", None, "said nothing but that the command is deprecated", "2.16"),
    ),
    first="2.4",
)

PAUSE_SCHEDULE = Old(
    "deployment pause-schedule",
    "deployment schedule pause",
    (
        Row(
            ("NAME",),
            True,
            "hand",
            "SCHEDULE",
            "the id of the schedule is needed as well: `prefect deployment schedule ls NAME` shows it",
            "2.4",
        ),
    ),
    first="2.4",
)
RESUME_SCHEDULE = Old("deployment resume-schedule", "deployment schedule resume", PAUSE_SCHEDULE.rows, first="2.4")

AGENT = Old(
    "agent start",
    "worker start",
    (
        Row(("WORK_QUEUE",), True, "renamed", "--work-queue", "the queue as an option"),
        _kept("--work-queue", "-q", first="2.1"),
        Row(
            ("--match", "-m"),
            True,
            "hand",
            None,
            "a worker takes no prefix: name the queues, or leave them out to poll all queues of the pool",
            "2.6",
        ),
        _kept(
            "--pool",
            "-p",
            first="2.7",
            note="needed: without one the agent polled queues of `default-agent-pool`, which no worker takes",
        ),
        _kept("--limit", "-l", first="2.7"),
        _kept("--prefetch-seconds", first="2.6"),
        _kept("--run-once", first="2.6", takes=False),
        Row(("--no-run-once",), False, "kept", "--no-run-once", "", "2.6"),
        Row(("--hide-welcome",), False, "dropped", None, "a worker shows no welcome"),
        Row(("--api",), True, "value", None, "the variable `PREFECT_API_URL`, before the command"),
        Row(("--tag", "-t"), True, "hand", None, "queues have no tags: name the queues"),
    ),
    note="the worker has the type of its pool, which must not be `prefect-agent`",
)

KUBERNETES = (
    Old(
        "kubernetes manifest agent",
        None,
        (
            Row(("--api-url",), True, "hand", None, "of the Helm chart `prefect-worker`: `worker.apiConfig`", "2.4"),
            Row(("--api-key",), True, "hand", None, "of the Helm chart `prefect-worker`: a secret", "2.4"),
            Row(("--image-tag", "-i"), True, "hand", None, "of the Helm chart: `worker.image.prefectTag`", "2.4"),
            Row(("--namespace", "-n"), True, "hand", None, "of `helm install --namespace`", "2.4"),
            Row(("--work-queue", "-q"), True, "hand", None, "of the Helm chart: `worker.config.workQueues`", "2.4"),
        ),
        "the Helm chart `prefect-worker`",
        "2.4",
    ),
    Old(
        "kubernetes manifest server",
        None,
        (
            Row(("--image-tag", "-i"), True, "hand", None, "of the Helm chart: `server.image.prefectTag`", "2.8"),
            Row(("--namespace", "-n"), True, "hand", None, "of `helm install --namespace`", "2.8"),
            Row(("--log-level",), True, "hand", None, "`PREFECT_LOGGING_SERVER_LEVEL` of the server", "2.8"),
        ),
        "the Helm chart `prefect-server`",
        "2.8",
    ),
    Old(
        "kubernetes manifest orion",
        None,
        (
            Row(("--image-tag", "-i"), True, "hand", None, "of the Helm chart: `server.image.prefectTag`", last="2.12"),
            Row(("--namespace", "-n"), True, "hand", None, "of `helm install --namespace`", "2.4", "2.12"),
            Row(("--log-level",), True, "hand", None, "`PREFECT_LOGGING_SERVER_LEVEL` of the server", last="2.12"),
        ),
        "the Helm chart `prefect-server`",
        last="2.12",
    ),
    Old(
        "kubernetes manifest flow-run-job",
        "work-pool get-default-base-job-template",
        (),
        "the job manifest is in the base job template of a work pool: `prefect work-pool get-default-base-job-template --type kubernetes`",
    ),
)

DEPLOY = Old(
    "deploy",
    "deploy",
    (
        Row(("ENTRYPOINT",), True, "kept", "ENTRYPOINT", "", "2.10"),
        Row(
            ("--flow", "-f"),
            True,
            "hand",
            None,
            "the entrypoint instead: flows registered by name (`prefect project register-flow`) are gone",
            "2.10",
            "2.17",
        ),
        _kept("--name", "-n", first="2.10"),
        _kept("--description", "-d", first="2.10"),
        _kept("--version", first="2.10"),
        _kept("--tag", "-t", first="2.10"),
        _kept("--pool", "-p", first="2.10"),
        _kept("--work-queue", "-q", first="2.10"),
        Row(("--variable", "-v"), True, "renamed", "--job-variable", "gone after 3.2", "2.10"),
        Row(("--job-variable", "-jv"), True, "kept", "--job-variable", "", "2.16"),
        _kept("--cron", first="2.10"),
        _kept("--interval", first="2.10"),
        _kept("--rrule", first="2.10"),
        _kept("--anchor-date", first="2.10"),
        _kept("--timezone", first="2.10"),
        _kept("--param", first="2.10"),
        _kept("--params", first="2.10"),
        _kept("--trigger", first="2.13"),
        Row(
            ("--enforce-parameter-schema",),
            False,
            "kept",
            "--enforce-parameter-schema",
            "what Prefect 3 does without being told",
            "2.13",
        ),
        _kept("--all", first="2.10", takes=False),
        Row(("--ci",), False, "dropped", None, "`prefect --no-prompt deploy` says it", "2.10", "2.17"),
        _kept("--prefect-file", first="2.14"),
    ),
    first="2.10",
    gone=False,
)

PROJECT = (
    Old(
        "project init",
        "init",
        (
            Row(("--name",), True, "kept", "--name", "", "2.10", "2.17"),
            Row(("--recipe",), True, "kept", "--recipe", "", "2.10", "2.17"),
            Row(("--field", "-f"), True, "kept", "--field", "", "2.10", "2.17"),
        ),
        first="2.10",
        last="2.17",
    ),
    Old(
        "project clone",
        None,
        (
            Row(("--deployment", "-d"), True, "hand", None, "", "2.10", "2.17"),
            Row(("--id", "-i"), True, "hand", None, "", "2.10", "2.17"),
        ),
        "clone the repository with git",
        "2.10",
        "2.17",
    ),
    Old(
        "project register-flow",
        None,
        (
            Row(("ENTRYPOINT",), True, "hand", None, "say the entrypoint to `prefect deploy`", "2.10", "2.17"),
            Row(("--force", "-f"), False, "hand", None, "", "2.10", "2.17"),
        ),
        "flows are not registered: `prefect deploy` takes the entrypoint",
        "2.10",
        "2.17",
    ),
    Old("project recipe ls", "init", (), "`prefect init` shows the recipes", "2.10", "2.17"),
)

QUEUE_CREATE = Old(
    "work-queue create",
    "work-queue create",
    (
        Row(("NAME",), True, "kept", "NAME"),
        _kept("--limit", "-l"),
        Row(("--tag", "-t"), True, "dropped", None, "queues have no tags: deployments name their queue"),
        _kept(
            "--pool",
            "-p",
            first="2.7",
            note="without it the queue is made in `default-agent-pool`, which no worker takes",
        ),
        Row(("--priority", "-q"), True, "kept", "--priority", "", "2.10"),
    ),
    gone=False,
)
QUEUE_LIMIT = Old(
    "work-queue set-concurrency-limit",
    "work-queue set-concurrency-limit",
    (
        Row(("NAME",), True, "kept", "NAME"),
        Row(("LIMIT",), True, "kept", "LIMIT"),
        _kept("--pool", "-p", first="2.7", note="without it the queue is looked for in `default-agent-pool`"),
    ),
    gone=False,
)


def _of_queue(command: str, *more: Row, first: str = "2.0") -> Old:
    rows = (Row(("NAME",), True, "kept", "NAME"), _kept("--pool", "-p", first="2.7"), *more)
    return Old(f"work-queue {command}", f"work-queue {command}", rows, first=first, gone=False)


QUEUES = (
    QUEUE_CREATE,
    QUEUE_LIMIT,
    _of_queue("clear-concurrency-limit"),
    _of_queue("pause"),
    _of_queue("resume"),
    _of_queue("inspect"),
    _of_queue("delete"),
    _of_queue("preview", _kept("--hours", "-h")),
    _of_queue("read-runs", first="2.16"),
    Old(
        "work-queue ls",
        "work-queue ls",
        (
            Row(("--verbose", "-v"), False, "kept", "--verbose"),
            _kept("--match", "-m", first="2.6"),
            _kept("--pool", "-p", first="2.7"),
        ),
        gone=False,
    ),
)
POOL_CREATE = Old(
    "work-pool create",
    "work-pool create",
    (
        Row(("NAME",), True, "kept", "NAME", "", "2.7"),
        Row(("--paused",), False, "kept", "--paused", "", "2.7"),
        Row(
            ("--type", "-t"),
            True,
            "value",
            "--type",
            "needed without a terminal, where Prefect 2 took `prefect-agent`, which is no type any more",
            "2.10",
        ),
        _kept("--base-job-template", first="2.13"),
        _kept("--set-as-default", first="2.14", takes=False),
        Row(
            ("--provision-infrastructure", "--provision-infra"), False, "kept", "--provision-infrastructure", "", "2.14"
        ),
        Row(("--overwrite",), False, "kept", "--overwrite", "", "2.20"),
    ),
    first="2.7",
    gone=False,
)
REGISTER = Old(
    "block register",
    "block register",
    (
        Row(
            ("--module", "-m"),
            True,
            "value",
            "--module",
            "modules whose blocks are gone or have moved register nothing, or fail",
        ),
        _kept("--file", "-f"),
    ),
    gone=False,
)
CREATE = Old(
    "deployment create",
    "deploy",
    (Row(("PATH",), True, "hand", None, "a file of `DeploymentSpec`s of the releases before 2.0", "2.0b"),),
    first="2.0b",
    last="2.0b",
)

OLD: tuple[Old, ...] = (
    *(BUILD, APPLY, CREATE, SET_SCHEDULE, PAUSE_SCHEDULE, RESUME_SCHEDULE, AGENT, *KUBERNETES, DEPLOY, *PROJECT),
    *(*QUEUES, POOL_CREATE, REGISTER),
)
"""All commands that are looked at."""
BY_NAME: Mapping[str, Old] = {each.name: each for each in OLD}


@dataclass(frozen=True)
class Given:
    """One option or argument as a command has it."""

    row: Row
    words: tuple[Word, ...]
    """The option's word and that of its value; one word for an argument and for `--option=value`."""
    value: str = ""
    dynamic: bool = False

    @property
    def value_word(self) -> Optional[Word]:
        """The word that is the value and nothing else."""
        return self.words[-1] if len(self.words) == 2 or self.row.argument else None


_REPEATABLE = frozenset({"--tag", "--param", "--override", "--variable", "--job-variable", "--trigger", "--field"})


@dataclass(frozen=True)
class Line:
    """A command's arguments, told apart as the command line of Prefect 2 does it."""

    given: tuple[Given, ...]
    unknown: tuple[Word, ...]
    """What the command does not have: an option of other releases, or words known only when it runs."""

    def all(self, spelling: str) -> tuple[Given, ...]:
        return tuple(each for each in self.given if spelling in each.row.spellings)

    @property
    def repeated(self) -> tuple[Given, ...]:
        """Options that are given again behind: Prefect 2 took the last one; from 3.6 on `prefect` refuses the command."""
        taken: set[str] = set()
        earlier: list[Given] = []
        for given in reversed(self.given):
            name = given.row.spellings[0]
            if name in taken:
                earlier.append(given)
            if not given.row.argument and name not in _REPEATABLE:
                taken.add(name)
        return tuple(reversed(earlier))

    def last(self, spelling: str) -> Optional[Given]:
        """The one that counts where an option is given more than once."""
        return (self.all(spelling) or (None,))[-1]


def line_of(command: Command, old: Old) -> Line:
    """The options of a command."""
    options = {spelling: row for row in old.rows if not row.argument for spelling in row.spellings}
    free = [row for row in old.rows if row.argument]
    given: list[Given] = []
    unknown: list[Word] = []
    words = list(command.arguments)
    at = 0
    while at < len(words):
        word = words[at]
        name, equals, value = word.value.partition("=")
        at += 1
        if word.value in options:
            row = options[word.value]
            if not row.takes:
                given.append(Given(row, (word,)))
            elif at < len(words):
                given.append(Given(row, (word, words[at]), words[at].value, words[at].dynamic))
                at += 1
            else:
                unknown.append(word)
        elif word.value.startswith("-") and equals and name in options and options[name].takes:
            given.append(Given(options[name], (word,), value, word.dynamic))
        elif (
            word.value.startswith("-")
            and not word.value.startswith("--")
            and word.value[:2] in options
            and options[word.value[:2]].takes
        ):
            given.append(Given(options[word.value[:2]], (word,), word.value[2:], word.dynamic))
        elif word.value.startswith("-") and len(word.value) > 1:
            unknown.append(word)
        elif free:
            given.append(Given(free[0], (word,), word.value, word.dynamic))
            free = free if free[0].spellings[0].endswith("S") else free[1:]
        else:
            unknown.append(word)
    return Line(tuple(given), tuple(unknown))


_HOW = {
    "kept": "the same",
    "renamed": "renamed",
    "value": "another value",
    "yaml": "`prefect.yaml`",
    "dropped": "dropped",
    "hand": "by hand",
}


def table() -> str:
    """All commands and options as Markdown, a table per command."""
    return "\n".join(_table())


def _table() -> Iterator[str]:
    for old in OLD:
        new = f" → `prefect {old.new}`" if old.gone and old.new else "" if old.new else " → no command"
        yield f"### `prefect {old.name}`{new}\n"
        if old.note:
            yield f"{old.note[0].upper()}{old.note[1:]}.\n"
        if old.rows:
            yield "| Option | on | becomes | |\n|---|---|---|---|"
        for row in old.rows:
            spelled = ", ".join(f"`{spelling}`" for spelling in row.spellings)
            on = f"{row.first} to {row.last}" if row.first != row.last else row.first
            note = row.note.replace("|", "\\|")
            new = f" `{row.new}`" if row.new and row.how in ("renamed", "value") and row.other is None else ""
            yield f"| {spelled} | {on} | {_HOW[row.how]}{new} | {note} |"
        yield ""

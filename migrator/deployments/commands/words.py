"""A `prefect` command and its words, and which words make one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Optional

GROUPS: dict[str, frozenset[str]] = {
    "agent": frozenset({"start"}),
    "block": frozenset({"create", "delete", "inspect", "ls", "register", "type", "types"}),
    "deployment": frozenset(
        {"apply", "build", "create", "delete", "inspect", "ls", "pause-schedule", "resume-schedule", "run"}
        | {"schedule", "set-schedule", "execute", "preview"}
    ),
    "flow": frozenset({"ls", "serve"}),
    "kubernetes": frozenset({"manifest"}),
    "project": frozenset({"clone", "init", "ls", "recipe", "recipes", "register-flow"}),
    "work-pool": frozenset(
        {"clear-concurrency-limit", "create", "delete", "get-default-base-job-template", "inspect", "ls", "pause"}
        | {"preview", "provision-infra", "provision-infrastructure", "resume", "set-concurrency-limit", "storage"}
        | {"update"}
    ),
    "work-queue": frozenset(
        {"clear-concurrency-limit", "create", "delete", "inspect", "ls", "pause", "preview", "read-runs", "resume"}
        | {"set-concurrency-limit", "set-limit", "clear-limit"}
    ),
    "worker": frozenset({"start"}),
}
"""The groups of commands that have to do with deployments, with the subcommands of all releases of 2.x and 3.x."""
ALIASES = {f"{group}s": group for group in ("block", "deployment", "flow", "work-queue")}
LEAVES = frozenset({"deploy", "init"})
"""Commands without subcommands."""


@dataclass(frozen=True)
class Word:
    """One word of a command. `start` and `end` are its place in the text, with its quotes."""

    start: int
    end: int
    raw: str
    """As it is written, with quotes and escapes of the shell, without those of what is around it."""
    value: str
    """What the program is given; variables and templates stay as they are written."""
    dynamic: bool = False
    """Whether a part of it is only known when it runs (`$X`, `$(...)`, `{{ x }}`)."""
    after: Optional[int] = None
    """Where the redirection ends that stands between it and the word before it."""


class Unwritable(ValueError):
    """A new text that cannot stand where the command stands."""


@dataclass(frozen=True)
class Command:
    """A command: its words from `prefect` on, without what is before it (`sudo`, variables) and without redirections."""

    words: tuple[Word, ...]
    name: tuple[str, ...]
    """`("deployment", "build")`, in the spelling without plural."""
    arguments: tuple[Word, ...]
    """The words after the name."""
    listed: bool
    """Whether it is a list of arguments (`["prefect", "agent", "start"]`), which no shell looks at."""
    spell: Callable[[str], str]
    """How shell text (for a list: one argument) is spelled at this place. Raises Unwritable."""
    assigned: tuple[str, ...] = ()
    """The variables set before it (`PREFECT_API_URL=...`)."""
    lead: Optional[int] = None
    """Where a variable can be set before it; None in a list."""
    gaps: tuple[str, ...] = ()
    """What stands between the words, in a list."""

    @property
    def start(self) -> int:
        return self.words[0].start

    @property
    def end(self) -> int:
        return self.words[-1].end


WORTH = re.compile(r"\bprefect(?:\.exe)?\b")
PROGRAM = re.compile(r"(?:.*[/\\](?:bin|Scripts)[/\\]|\./)?prefect(?:\.exe)?")
MODULE = re.compile(r"(?:.*[/\\])?(?:python[\d.]*|py|pypy[\d.]*)(?:\.exe)?")
WRAPPERS = frozenset(
    [
        "sudo",
        "env",
        "poetry",
        "uv",
        "uvx",
        "pipenv",
        "pdm",
        "hatch",
        "rye",
        "conda",
        "mamba",
        "micromamba",
        "pixi",
        "coverage",
        "xvfb-run",
        "tini",
        "dumb-init",
        "gosu",
        "su-exec",
        "docker",
        "docker-compose",
        "podman",
        "podman-compose",
        "nerdctl",
        "kubectl",
        "oc",
        "ssh",
        "timeout",
        "stdbuf",
        "systemd-run",
        "xargs",
        "parallel",
        "doppler",
        "op",
        "aws-vault",
        "direnv",
        "chamber",
        "dotenv",
        "wait-for-it",
        "wait-for-it.sh",
        "dockerize",
        "screen",
        "tmux",
        "watch",
        "supervise",
        "start-stop-daemon",
        "cd",
        "heroku",
        "fly",
        "flyctl",
        "runuser",
        "su",
        "start",
        "Start-Process",
    ]
)
TAKES_TEXT = re.compile(r"-[a-zA-Z]*c|-Command|/[cC]|--command")
AS_CODE = re.compile(r"(?:^|\s)--?[a-zA-Z]|\.py:\w|&&")


def name_at(words: Sequence[Word], at: int) -> Optional[tuple[tuple[str, ...], int]]:
    """The name of the command whose program is the word `at`, and the index of the word after it; None for one not known."""
    index = at + 1
    while index < len(words):
        value = words[index].value
        if value in ("--no-prompt", "--prompt"):
            index += 1
        elif value in ("--profile", "-p"):
            index += 2
        elif value.startswith("--profile="):
            index += 1
        else:
            break
    if index >= len(words):
        return None
    group = ALIASES.get(words[index].value, words[index].value)
    if group in LEAVES:
        if index + 1 < len(words) and group == "deploy" and words[index + 1].value == "init":
            return None
        return (group,), index + 1
    subcommands = GROUPS.get(group)
    if subcommands is None or index + 1 >= len(words) or words[index + 1].value not in subcommands:
        return None
    sub = words[index + 1].value
    if sub in ("schedule", "manifest", "storage", "type", "types", "recipe", "recipes"):
        if index + 2 < len(words) and re.fullmatch(r"[a-z-]+", words[index + 2].value):
            return (group, sub, words[index + 2].value), index + 3
    return (group, sub), index + 2


def command_at(
    words: Sequence[Word], at: int, spell: Callable[[str], str], *, listed: bool, gaps: Sequence[str]
) -> Optional[Command]:
    named = name_at(words, at)
    if named is None:
        return None
    name, after = named
    return Command(tuple(words[at:]), name, tuple(words[after:]), listed, spell, gaps=tuple(gaps[at:]))


def shifted(command: Command, by: int) -> Command:
    """The command of a part of a text, in the text itself; the part begins at `by`."""

    def move(words: tuple[Word, ...]) -> tuple[Word, ...]:
        return tuple(
            replace(
                word,
                start=word.start + by,
                end=word.end + by,
                after=None if word.after is None else word.after + by,
            )
            for word in words
        )

    lead = None if command.lead is None else command.lead + by
    return replace(command, words=move(command.words), arguments=move(command.arguments), lead=lead)

"""Finds `prefect ...` commands in texts of any kind, word by word with their places, and makes edits of words.

A command is found where a shell or a program would run it: in scripts, recipes of Makefiles, `run:` and `command:` of YAML,
instructions of Dockerfiles, lists of arguments (`["prefect", "agent", "start"]`), fenced blocks and inline code of Markdown.
What only speaks of a command (comments, prose, names of steps) is none.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional, Union

from migrator.findings import Edit
from migrator.sources.documents import Kind

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
    mention: bool = False
    """Whether it is inline code of a document."""
    gaps: tuple[str, ...] = ()
    """What stands between the words, in a list."""

    @property
    def start(self) -> int:
        return self.words[0].start

    @property
    def end(self) -> int:
        return self.words[-1].end


_WORTH = re.compile(r"\bprefect(?:\.exe)?\b")
_PROGRAM = re.compile(r"(?:.*[/\\](?:bin|Scripts)[/\\]|\./)?prefect(?:\.exe)?")
_MODULE = re.compile(r"(?:.*[/\\])?(?:python[\d.]*|py|pypy[\d.]*)(?:\.exe)?")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_RESERVED = frozenset(
    [
        "if",
        "then",
        "else",
        "elif",
        "do",
        "while",
        "until",
        "!",
        "{",
        "time",
        "exec",
        "command",
        "builtin",
        "nohup",
        "eval",
        "nice",
        "setsid",
        "ionice",
        "@",
        "-",
        "+",
    ]
)
_WRAPPERS = frozenset(
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
_NESTS = frozenset(["ssh", "eval", "watch", "tmux", "parallel", "trap", "concurrently", "su", "runuser", "start"])
_SHELLS = frozenset(["sh", "bash", "zsh", "dash", "ksh", "ash"])
_TAKES_TEXT = re.compile(r"-[a-zA-Z]*c|-Command|/[cC]|--command")


# What a shell reads


@dataclass(frozen=True)
class _Snippet:
    """A piece of shell text, with the place of each of its characters (and of its end) in the document."""

    text: str
    places: Sequence[int]
    encode: Callable[[str], str]
    newlines: bool = True
    """Whether a line's end ends a command."""
    make: bool = False
    placeholders: bool = False
    """Whether `<name>` stands for something to fill in, as in documents."""
    comments_inside: bool = False
    """Whether lines of comments may stand between continued lines, as in a Dockerfile."""


@dataclass(frozen=True)
class _Token:
    word: Optional[Word]
    """None for what ends a command."""
    first: int = 0
    last: int = 0
    whole: Optional[str] = None
    """The quote that encloses all of it."""


class _Unfinished(Exception):
    """A quote or bracket that is not closed."""


_OPERATOR = re.compile(r"&&|\|\||;;|;&|\|&|[;&|()]")
_REDIRECTION = re.compile(r"\d*(?:>>|>\||>&|<<<|<<-?|<>|<&|>|<)|&>>?")
_CONTINUED = re.compile(r"[\\`^][ \t]*\r?\n")
_HEREDOC_END = re.compile(r"^[ \t]*(.*?)[ \t]*\r?$", re.M)


def _tokens(snippet: _Snippet, inner: list[Command]) -> Iterator[_Token]:
    """The words and ends of a shell text; commands in substitutions and texts within it go to `inner`. Raises _Unfinished."""
    text, at, end = snippet.text, 0, len(snippet.text)
    heredocs: list[tuple[str, bool]] = []
    skip_next = False
    shell_reads = False
    fresh = True
    redirected: Optional[int] = None
    while at < end:
        char = text[at]
        continued = _CONTINUED.match(text, at)
        if continued:
            at = continued.end()
            while snippet.comments_inside and (comment := re.compile(r"[ \t]*#[^\n]*\n").match(text, at)):
                at = comment.end()
        elif char in "\r\n":
            at += 1
            skip_next = False
            if char == "\n" and snippet.newlines:
                yield _Token(None)
                fresh, shell_reads, redirected = True, False, None
                for delimiter, read in heredocs:
                    body = at
                    while at < end:
                        line_end = text.find("\n", at) + 1 or end
                        line, at = text[at:line_end], line_end
                        if line.strip() == delimiter:
                            inner += _of_heredoc(snippet, body, line_end - len(line), read)
                            break
                    else:
                        raise _Unfinished
                heredocs = []
        elif char in " \t":
            at += 1
        elif char == "#":
            at = text.find("\n", at)
            at = end if at < 0 else at
        elif not _stands_for(snippet, at) and (match := _REDIRECTION.match(text, at)):
            at = match.end()
            if match.group().endswith(("<<", "<<-")) and not match.group().endswith("<<<"):
                delimiter_match = re.compile(r"""[ \t]*(['"]?)([\w.!-]+)\1""").match(text, at)
                if delimiter_match is None:
                    raise _Unfinished
                heredocs.append((delimiter_match.group(2), shell_reads))
                at = redirected = delimiter_match.end()
            elif text.startswith("(", at):
                close = _closing(text, at + 1, "(", ")")
                inner += _in_snippet(_part(snippet, at + 1, close))
                at = redirected = close + 1
            else:
                skip_next = True
        elif match := _OPERATOR.match(text, at):
            at = match.end()
            yield _Token(None)
            fresh, redirected = True, None
        else:
            token = _word(snippet, at, inner)
            at = token.last
            if skip_next:
                skip_next = False
                redirected = at
                continue
            word = token.word
            assert word is not None
            if redirected is not None:
                token = replace(token, word=replace(word, after=snippet.places[redirected]))
                redirected = None
            if fresh and not _ASSIGNMENT.match(word.value):
                shell_reads = word.value in _SHELLS or word.value == "ssh"
                fresh = word.value in _RESERVED
            yield token
    if heredocs:
        raise _Unfinished


_PLACEHOLDER = re.compile(r"<[A-Za-z][\w /.-]*>")


def _stands_for(snippet: _Snippet, at: int) -> int:
    """The end of a `<placeholder>` that begins at a place; 0 where there is none."""
    match = _PLACEHOLDER.match(snippet.text, at) if snippet.placeholders and snippet.text[at] == "<" else None
    return match.end() if match else 0


def _of_heredoc(snippet: _Snippet, start: int, end: int, shell_reads: bool) -> list[Command]:
    """The commands in the text of a `<<EOF`: all where a shell reads it, else those that begin a line, as in a unit file."""
    part = _part(snippet, start, end)
    return list(_in_snippet(part)) if shell_reads else list(_in_lines(part))


def _part(snippet: _Snippet, start: int, end: int, encode: Optional[Callable[[str], str]] = None) -> _Snippet:
    places = snippet.places[start : end + 1]
    return replace(snippet, text=snippet.text[start:end], places=places, encode=encode or snippet.encode)


def _closing(text: str, at: int, opening: str, closing: str) -> int:
    """Where a bracket that was opened before `at` is closed; quotes are passed over. Raises _Unfinished."""
    depth, quote = 1, ""
    while at < len(text):
        char = text[at]
        if char == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char == opening:
            depth += 1
        elif char == closing:
            depth -= 1
            if not depth:
                return at
        at += 1
    raise _Unfinished


def _expansion(snippet: _Snippet, at: int, inner: list[Command]) -> int:
    """Past what begins with `$`, a backquote or `{{` at a place; commands inside go to `inner`. `at` itself where it is none."""
    text = snippet.text
    for opened in ("${{", "{{"):
        if text.startswith(opened, at):
            close = text.find("}}", at)
            if close >= 0:
                return close + 2
    if text.startswith("$((", at):
        return _closing(text, at + 2, "(", ")") + 1
    if text.startswith("$(", at):
        close = _closing(text, at + 2, "(", ")")
        if not snippet.make:
            inner += _in_snippet(_part(snippet, at + 2, close))
        elif text.startswith("shell ", at + 2):
            inner += _in_snippet(_part(snippet, at + 8, close))
        return close + 1
    if text.startswith("${", at):
        return _closing(text, at + 2, "{", "}") + 1
    if text[at] == "`":
        close = text.find("`", at + 1)
        if close < 0:
            raise _Unfinished
        inner += _in_snippet(_part(snippet, at + 1, close))
        return close + 1
    if text[at] == "$":
        match = re.compile(r"\$\$?(?:\w+|[@*#?!$-])?").match(text, at)
        assert match is not None
        return match.end()
    return at


def _word(snippet: _Snippet, start: int, inner: list[Command]) -> _Token:
    text, at, end = snippet.text, start, len(snippet.text)
    value: list[str] = []
    dynamic = False
    whole: Optional[str] = None
    while at < end:
        char = text[at]
        placeholder = _stands_for(snippet, at)
        if placeholder:
            dynamic, whole = True, None
            value.append(text[at:placeholder])
            at = placeholder
            continue
        if char in " \t\r\n" or (_OPERATOR.match(text, at) and char not in "()") or char in "<>()":
            break
        if _CONTINUED.match(text, at):
            break
        if char == "'":
            close = text.find("'", at + 1)
            if close < 0:
                raise _Unfinished
            value.append(text[at + 1 : close])
            whole = char if at == start else None
            at = close + 1
        elif char == '"':
            whole = char if at == start else None
            at += 1
            while True:
                if at >= end:
                    raise _Unfinished
                if text[at] == '"':
                    break
                if text[at] == "\\" and at + 1 < end:
                    value.append(text[at + 1] if text[at + 1] in '"\\$`\n' else text[at : at + 2])
                    at += 2
                    continue
                passed = _expansion(snippet, at, inner) if text[at] in "$`{" else at
                dynamic |= passed > at
                value.append(text[at : max(passed, at + 1)])
                at = max(passed, at + 1)
            at += 1
        elif char == "\\" and at + 1 < end:
            value.append(text[at + 1])
            at += 2
            whole = None
        else:
            passed = _expansion(snippet, at, inner) if char in "$`{" else at
            dynamic |= passed > at or (char == "%" and "%" in text[at + 1 : at + 60].split(" ")[0])
            value.append(text[at : max(passed, at + 1)])
            at = max(passed, at + 1)
            whole = None
    if whole and text[at - 1] != whole:
        whole = None
    raw = text[start:at]
    word = Word(snippet.places[start], snippet.places[at], raw, "".join(value), dynamic)
    return _Token(word, start, at, whole)


def _in_snippet(snippet: _Snippet) -> Iterator[Command]:
    """The commands of a shell text, in the order of the text. What cannot be read to its end is left from there on."""
    if not _WORTH.search(snippet.text):
        return
    inner: list[Command] = []
    found: list[Command] = []
    simple: list[_Token] = []
    try:
        for token in _tokens(snippet, inner):
            if token.word is not None:
                simple.append(token)
                continue
            found += _of_simple(snippet, simple)
            simple = []
        found += _of_simple(snippet, simple)
    except _Unfinished:
        pass
    yield from sorted((*found, *inner), key=lambda command: command.start)


def _of_simple(snippet: _Snippet, tokens: Sequence[_Token]) -> Iterator[Command]:
    """The command among the words of one simple command, and those in a text that it gives to a shell."""
    words = [token.word for token in tokens if token.word is not None]
    first = 0
    assigned: list[str] = []
    while first < len(words):
        value = words[first].value
        if _ASSIGNMENT.match(value) and not value.startswith("="):
            assigned.append(value.partition("=")[0])
        elif value not in _RESERVED and not (
            words[first].raw.startswith(("@", "-", "+")) and snippet.make and len(value) > 1
        ):
            break
        else:
            stripped = value.lstrip("@-+")
            if stripped and value not in _RESERVED:
                trimmed = len(value) - len(stripped)
                words[first] = replace(
                    words[first],
                    start=words[first].start + trimmed,
                    raw=words[first].raw[trimmed:],
                    value=stripped,
                )
                break
        first += 1
    if first >= len(words):
        return
    program = words[first].value.replace("\\", "/").rpartition("/")[2]
    at: Optional[int] = None
    if _PROGRAM.fullmatch(words[first].value) or (words[first].dynamic and words[first].value.endswith("/bin/prefect")):
        at = first
    elif _MODULE.fullmatch(words[first].value) or program in _WRAPPERS or _is_variable_program(words[first]):
        at = _behind(words, first + 1)
    elif program in _SHELLS:
        at = None
    lead = words[first].start
    if at is not None:
        command = _named(words, at, snippet.encode, listed=False, gaps=())
        if command is not None:
            yield replace(command, assigned=tuple(assigned), lead=lead)
            return
    for index, token in enumerate(tokens):
        word = token.word
        if word is None or token.whole is None or not _WORTH.search(word.value) or " " not in word.value.strip():
            continue
        before = tokens[index - 1].word if index else None
        gives = before is not None and _TAKES_TEXT.fullmatch(before.value)
        if gives or program in _NESTS:
            yield from _in_snippet(_quoted(snippet, token))


def _is_variable_program(word: Word) -> bool:
    """`$PYTHON`, `$(PYTHON)`, `{{python}}`: a program by its variable."""
    return (
        word.dynamic
        and re.fullmatch(r"\W*(?:py\w*|\w*python\w*|run\w*|\w*exec|poetry|uv)\W*", word.value, re.I) is not None
    )


def _behind(words: Sequence[Word], first: int) -> Optional[int]:
    """Where `prefect` stands as the program that a wrapper runs: after its options, or as `-m prefect`."""
    for index in range(first, len(words)):
        if _PROGRAM.fullmatch(words[index].value) and _name(words, index) is not None:
            return index
    return None


def _quoted(snippet: _Snippet, token: _Token) -> _Snippet:
    """What is inside of a word's quotes, as a text of its own."""
    start, end = token.first + 1, token.last - 1
    if token.whole == "'":
        return _part(snippet, start, end, lambda text: snippet.encode(text.replace("'", "'\\''")))
    outer = snippet.text[start:end]
    text: list[str] = []
    places: list[int] = []
    at = 0
    while at < len(outer):
        step = 1 + (outer[at] == "\\" and at + 1 < len(outer) and outer[at + 1] in '"\\$`')
        text.append(outer[at + step - 1])
        places.append(snippet.places[start + at])
        at += step
    places.append(snippet.places[end])
    encode = snippet.encode
    return replace(
        snippet,
        text="".join(text),
        places=places,
        encode=lambda new: encode(re.sub(r'(["\\`$])', r"\\\1", new)),
    )


def _name(words: Sequence[Word], at: int) -> Optional[tuple[tuple[str, ...], int]]:
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


def _named(
    words: Sequence[Word], at: int, spell: Callable[[str], str], *, listed: bool, gaps: Sequence[str]
) -> Optional[Command]:
    named = _name(words, at)
    if named is None:
        return None
    name, after = named
    return Command(tuple(words[at:]), name, tuple(words[after:]), listed, spell, gaps=tuple(gaps[at:]))


# Lists of arguments


_ITEM = re.compile(r"""(?:\s|\\\r?\n)*(?:"((?:[^"\\\n]|\\.)*)"|'((?:[^'\n]|'')*)'|([^\s\[\]{},"'][^\[\]{},"'\n]*))""")
_LIST_AT = re.compile(
    r"""["'](?:[^"'\s]*/)?prefect["']\s*,|\[\s*(?:[^"'\s\],]*/)?prefect\s*,|["'][^"'\n]*\bprefect\s[^\n]*["']\s*,?\s*\]"""
)


def _in_lists(text: str, start: int, end: int) -> Iterator[Command]:
    """The commands in lists in brackets, as JSON, YAML, TOML and HCL write them."""
    seen: set[int] = set()
    for match in _LIST_AT.finditer(text, start, end):
        opened = _opened(text, start, match.start() + (text[match.start()] == "["))
        if opened is None or opened in seen:
            continue
        seen.add(opened)
        items = list(_items(text, opened + 1, end))
        yield from _of_items(items, text)


def _opened(text: str, start: int, at: int) -> Optional[int]:
    """The bracket in which a place is: the nearest one before it that is not closed, at most 2,000 characters away."""
    depth = 0
    for index in range(at - 1, max(start, at - 2000) - 1, -1):
        if text[index] == "]":
            depth += 1
        elif text[index] == "[":
            if not depth:
                return index
            depth -= 1
    return None


def _items(text: str, at: int, end: int) -> Iterator[Word]:
    comment = re.compile(r"(?:\s|\\\r?\n)*(?:#|//)[^\n]*\n")
    while at < end:
        while skipped := comment.match(text, at, end):
            at = skipped.end()
        match = _ITEM.match(text, at, end)
        if match is None:
            return
        group = match.lastindex or 3
        raw = match.group(group)
        first, last = match.start(group), match.end(group)
        if group == 3:
            raw = raw.rstrip()
            last = first + len(raw)
        value = raw
        if group == 1 and "\\" in raw:
            try:
                value = json.loads(f'"{raw}"')
            except ValueError:
                return
        quoted = group != 3
        written = text[first - quoted : last + quoted]
        yield Word(
            first - quoted, last + quoted, written, value, "$" in raw or "{{" in raw or (not quoted and "." in raw)
        )
        after = re.compile(r"\s*,").match(text, match.end(), end)
        if after is None:
            return
        at = after.end()


def _of_items(items: Sequence[Word], text: str) -> Iterator[Command]:
    """The commands in a list of arguments: the list itself, or the text that it gives to a shell."""
    gaps = [text[b.end : a.start] for b, a in zip(items, items[1:])]
    for index, item in enumerate(items):
        if _PROGRAM.fullmatch(item.value) and (
            index == 0
            or _MODULE.fullmatch(items[0].value)
            or items[0].value in _WRAPPERS
            or items[0].value.startswith("/")
        ):
            command = _named(items, index, _spelled_in_list(items[index].raw), listed=True, gaps=gaps)
            if command is not None:
                yield command
            return
        if index and _TAKES_TEXT.fullmatch(items[index - 1].value) and _WORTH.search(item.value):
            snippet = _of_scalar(text, item.start, item.end)
            if snippet is not None:
                yield from _in_snippet(snippet)
            return


def _spelled_in_list(like: str) -> Callable[[str], str]:
    """How an argument is written in a list whose items look like `like`."""

    def spelled(value: str) -> str:
        if like.startswith("'"):
            return "'" + value.replace("'", "''") + "'"
        if like.startswith('"') or not re.fullmatch(r"[A-Za-z/.][\w/.:=-]*", value) or value in _YAML_WORDS:
            if not like.startswith('"') and value.startswith("-") and re.fullmatch(r"--?[\w-]+", value):
                return value
            return json.dumps(value, ensure_ascii=False)
        return value

    return spelled


_YAML_WORDS = frozenset(["y", "n", "yes", "no", "true", "false", "on", "off", "null"])


# YAML


_PROSE_KEYS = frozenset(
    ["name", "description", "title", "displayname", "display_name", "label", "labels", "summary", "message", "help", "text", "comment", "doc", "docs", "image", "id", "tags", "key", "flow_name", "url", "about", "notes"]
)  # fmt: skip
_COMMAND_KEYS = frozenset(
    [
        "run",
        "script",
        "command",
        "cmd",
        "cmds",
        "entrypoint",
        "args",
        "before_script",
        "after_script",
        "shell",
        "exec",
        "execute",
        "bash",
        "powershell",
        "pwsh",
        "inlinescript",
        "commands",
        "start",
        "startcommand",
        "startupscript",
        "user_data",
        "userdata",
        "runcmd",
        "post_build",
        "pre_build",
        "install",
        "build",
        "test",
        "deploy",
        "run_shell_script",
        "entry",
        "hooks",
        "tasks",
        "steps",
        "execstart",
        "postcreatecommand",
        "poststartcommand",
        "docker_command",
        "startup_script",
    ]
)
_AS_CODE = re.compile(r"(?:^|\s)--?[a-zA-Z]|\.py:\w|&&")


def _in_yaml(text: str) -> Iterator[Command]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        roots = list(YAML(typ="safe", pure=True).compose_all(text))
    except (YAMLError, ValueError, RecursionError, AttributeError):
        yield from _in_lines(_plainly(text, 0, len(text)))
        return
    seen: set[int] = set()
    for root in roots:
        if root is not None:
            yield from _in_node(text, root, "", seen)


def _in_node(text: str, node: Any, key: str, seen: set[int]) -> Iterator[Command]:
    if id(node) in seen:
        return
    seen.add(id(node))
    if hasattr(node, "flow_style") and node.value and isinstance(node.value[0], tuple):
        divided = _divided(text, node)
        if divided:
            yield from divided
            seen.update(id(value) for name, value in node.value if name.value in _DIVIDED)
        for name, value in node.value:
            spelled = str(name.value).lower() if isinstance(name.value, str) else ""
            yield from _in_node(text, value, spelled.replace("-", "_") if "." not in spelled else spelled, seen)
    elif hasattr(node, "flow_style"):
        items = _scalars(text, node)
        if items:
            commands = list(_of_items(items, text))
            yield from commands
            if commands or any(_PROGRAM.fullmatch(item.value) for item in items):
                return
        for item in node.value:
            yield from _in_node(text, item, key, seen)
    elif isinstance(node.value, str) and _WORTH.search(node.value):
        yield from _in_scalar(text, node, key)


_DIVIDED = {"command": "args", "entrypoint": "command"}
"""The program and its arguments in two lists: of Kubernetes, and of compose files."""


def _divided(text: str, node: Any) -> list[Command]:
    """The command whose program is the last item of one list and whose arguments are another (`command: [prefect]`, `args: [agent, start]`)."""
    lists = {
        name.value: _scalars(text, value)
        for name, value in node.value
        if name.value in ("command", "entrypoint", "args")
    }
    for first, second in _DIVIDED.items():
        program, arguments = lists.get(first), lists.get(second)
        if program and arguments and _PROGRAM.fullmatch(program[-1].value) and program[-1].end < arguments[0].start:
            return list(_of_items([*program, *arguments], text))
    return []


def _scalars(text: str, node: Any) -> list[Word]:
    """The items of a list that are single words or quoted texts; none where one of them is something else."""
    if not hasattr(node, "flow_style") or (node.value and isinstance(node.value[0], tuple)):
        return []
    items = [
        Word(
            item.start_mark.index,
            _end(text, item),
            text[item.start_mark.index : _end(text, item)],
            item.value,
            "$" in item.value,
        )
        for item in node.value
        if not hasattr(item, "flow_style") and item.style not in ("|", ">")
    ]
    return items if len(items) == len(node.value) else []


def _end(text: str, node: Any) -> int:
    """The end of a scalar without the blank space after a plain one."""
    start, end = node.start_mark.index, node.end_mark.index
    return int(start + len(text[start:end].rstrip()))


def _in_scalar(text: str, node: Any, key: str) -> Iterator[Command]:
    bare = key.replace("_", "")
    if key in _PROSE_KEYS or bare in _PROSE_KEYS or key.endswith((".md", ".rst", ".txt", ".py")):
        return
    start, end = node.start_mark.index, _end(text, node)
    if node.style in ("|", ">"):
        body = text.find("\n", start) + 1
        if body:
            yield from _in_snippet(_Snippet(text[body:end], range(body, end + 1), str, newlines=node.style == "|"))
        return
    snippet = _of_scalar(text, start, end)
    if snippet is None:
        return
    known = key in _COMMAND_KEYS or bare in _COMMAND_KEYS or key.endswith(("command", "cmd", "script"))
    if known or _AS_CODE.search(node.value):
        yield from _in_snippet(snippet)


_TAG = re.compile(r"(?:[!&][^\s\[\]{},]*\s+)*")


def _of_scalar(text: str, start: int, end: int) -> Optional[_Snippet]:
    """The shell text of a quoted or plain scalar of YAML or JSON; None for escapes that are not looked into."""
    start += len(_TAG.match(text[start:end]).group())  # type: ignore[union-attr]
    raw = text[start:end]
    if raw[:1] == '"' and raw[-1:] == '"' and len(raw) > 1:
        return _escaped(raw, start)
    if raw[:1] == "'" and raw[-1:] == "'" and len(raw) > 1:
        inside = raw[1:-1].replace("''", "\0")
        places: list[int] = []
        at = start + 1
        for char in inside:
            places.append(at)
            at += 1 + (char == "\0")
        return _Snippet(
            inside.replace("\0", "'"), [*places, end - 1], lambda new: new.replace("'", "''"), newlines=False
        )
    return _Snippet(raw, range(start, end + 1), _plain, newlines=False)


def _plain(new: str) -> str:
    """What may be added to a plain scalar of YAML. Raises Unwritable."""
    if ": " in new or " #" in new or new.endswith(":"):
        raise Unwritable("the command stands in YAML without quotes, which cannot hold what is to be added")
    return new


def _escaped(raw: str, start: int) -> Optional[_Snippet]:
    text: list[str] = []
    places: list[int] = []
    at = 1
    while at < len(raw) - 1:
        char = raw[at]
        places.append(start + at)
        if char == "\\":
            following = raw[at + 1]
            if following not in '"\\/nt':
                return None
            text.append({"n": "\n", "t": "\t"}.get(following, following))
            at += 2
        else:
            text.append(" " if char in "\r\n" else char)
            at += 1
    return _Snippet(
        "".join(text),
        [*places, start + len(raw) - 1],
        lambda new: new.replace("\\", "\\\\").replace('"', '\\"'),
    )


# Dockerfiles, Makefiles, lines


_INSTRUCTION = re.compile(r"[ \t]*(?:ONBUILD[ \t]+|HEALTHCHECK[^\n]*?[ \t])?(RUN|CMD|ENTRYPOINT)[ \t]+", re.I)


def _plainly(text: str, start: int, end: int, **options: Any) -> _Snippet:
    return _Snippet(text[start:end], range(start, end + 1), str, **options)


def _logical_end(text: str, at: int, comments: bool = False) -> int:
    """The end of the line that begins at `at`, with the lines that continue it."""
    while True:
        end = text.find("\n", at)
        if end < 0:
            return len(text)
        if text[at:end].rstrip()[-1:] not in ("\\", "`") and not (comments and text[at:end].lstrip()[:1] == "#"):
            return end
        at = end + 1


def _in_dockerfile(text: str) -> Iterator[Command]:
    at = 0
    while at < len(text):
        end = text.find("\n", at) + 1 or len(text)
        match = _INSTRUCTION.match(text, at, end)
        if match is None:
            at = end
            continue
        begin = match.end()
        while option := re.compile(r"--[\w-]+=\S+[ \t]+").match(text, begin):
            begin = option.end()
        heredoc = re.compile(r"<<-?[\"']?(\w+)").match(text, begin)
        if heredoc:
            close = re.compile(rf"^[ \t]*{heredoc.group(1)}[ \t]*$", re.M).search(text, end)
            stop = close.start() if close else end
            yield from _in_snippet(_plainly(text, end, stop))
            at = close.end() if close else end
            continue
        stop = _logical_end(text, at)
        while text[at:stop].count("\n") and _comment_continues(text, stop):
            stop = _logical_end(text, stop + 1)
        if text[begin : begin + 1] == "[":
            yield from _of_items(list(_items(text, begin + 1, stop)), text)
        else:
            yield from _in_snippet(_plainly(text, begin, stop, comments_inside=True))
        at = stop + 1


def _comment_continues(text: str, stop: int) -> bool:
    line_start = text.rfind("\n", 0, stop) + 1
    return text[line_start:stop].lstrip().startswith("#") and stop < len(text)


def _in_makefile(text: str) -> Iterator[Command]:
    at = 0
    while at < len(text):
        stop = _logical_end(text, at)
        line = text[at:stop]
        if line[:1] in ("\t", " ") and _WORTH.search(line):
            begin = at + len(line) - len(line.lstrip())
            yield from _in_snippet(_plainly(text, begin, stop, make=True))
        elif _WORTH.search(line) and "$(shell " in line:
            found: list[Command] = []
            snippet = _plainly(text, at, stop, make=True)
            for match in re.finditer(r"\$\(shell ", snippet.text):
                try:
                    _expansion(snippet, match.start(), found)
                except _Unfinished:
                    continue
            yield from found
        at = stop + 1


_LEADS = re.compile(r"^[ \t]*(?:[-*][ \t]+)?(?:[\w.\"'-]+[ \t]*(?:=|:=|:)[ \t]*)?(?=\S)|[\"']+", re.M)
_COMMENTS = ("#", ";", "//", "--", "REM ", "rem ")


def _kept_open(quote: str, encode: Callable[[str], str]) -> Callable[[str], str]:
    """What may be added within quotes of a language that is not known. Raises Unwritable."""

    def within(new: str) -> str:
        if quote in new:
            raise Unwritable("the command stands in quotes, which what is to be added would end")
        return encode(new)

    return within


def _in_lines(snippet: _Snippet) -> Iterator[Command]:
    """The commands that begin a line, the value of a setting (`ExecStart=...`, `worker: ...`) or a quoted text."""
    at, text = 0, snippet.text
    if not _WORTH.search(text):
        return
    found: dict[int, Command] = {}
    if isinstance(snippet.places, range):
        shift = snippet.places.start
        for command in _in_lists(text, 0, len(text)):
            found.setdefault(command.start + shift, shifted(command, shift))
    while at < len(text):
        stop = _logical_end(text, at)
        line = text[at:stop]
        if _WORTH.search(line) and not line.lstrip().startswith(_COMMENTS):
            for match in _LEADS.finditer(text, at, stop):
                begin, end = match.end(), stop
                quote = match.group()[-1:]
                if quote in ("'", '"'):
                    closing = text.find(
                        match.group().lstrip()[-len(match.group()) :] if len(match.group()) > 1 else quote, begin, stop
                    )
                    end = closing if closing >= 0 else stop
                alone = quote in ("'", '"') and not match.group().endswith(quote * 2)
                encode = _kept_open(quote, snippet.encode) if alone else None
                for command in _in_snippet(_part(snippet, begin, end, encode)):
                    if command.arguments:
                        found.setdefault(command.start, command)
        at = stop + 1
    kept: list[Command] = []
    for command in sorted(found.values(), key=lambda each: (each.start, -each.end)):
        if not kept or command.start >= kept[-1].end:
            kept.append(command)
    yield from kept


# Markdown and reStructuredText


_FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<fence>`{3,}|~{3,})[ \t]*\{?\.?(?P<info>[\w+./#-]*)[^\n]*\n", re.M)
_INLINE = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]+)\1(?!`)")
_PROMPT = re.compile(r"[ \t]*(?:\([\w .-]+\)[ \t]*)?(?:[\w@~:/.-]*[$%#>]|PS[^>\n]*>|>>)[ \t]+")
_LANGUAGES: dict[str, Optional[Kind]] = {
    **dict.fromkeys(("bash", "sh", "shell", "zsh", "powershell", "ps1", "pwsh", "bat", "cmd", "batch"), Kind.SHELL),
    **dict.fromkeys(("console", "shell-session", "sh-session", "shellsession", "terminal", "text", "txt", ""), None),
    **dict.fromkeys(("yaml", "yml"), Kind.YAML),
    **dict.fromkeys(("dockerfile", "docker"), Kind.DOCKERFILE),
    **dict.fromkeys(("makefile", "make", "just", "justfile"), Kind.MAKEFILE),
    **dict.fromkeys(("ini", "toml", "systemd", "hcl", "terraform", "json", "groovy"), Kind.OTHER),
}
_DIRECTIVE = re.compile(
    r"^(?P<indent>[ \t]*)\.\. (?:code-block|code|sourcecode|prompt)::[ \t]*(?P<info>[\w+-]*)[^\n]*\n", re.M
)


def _in_markup(text: str) -> Iterator[Command]:
    taken: list[tuple[int, int]] = []
    at = 0
    while fence := _FENCE.search(text, at):
        close = re.compile(rf"^[ \t>]*{re.escape(fence['fence'])}[`~]*[ \t]*$", re.M).search(text, fence.end())
        end = close.start() if close else len(text)
        taken.append((fence.start(), close.end() if close else end))
        yield from _in_block(text, fence.end(), end, fence["info"].lower())
        at = taken[-1][1]
    for directive in _DIRECTIVE.finditer(text):
        if _inside(taken, directive.start()):
            continue
        indent = len(directive["indent"].expandtabs())
        body = re.compile(rf"(?:[ \t]*\n|[ \t]{{{indent + 1},}}[^\n]*(?:\n|\Z))*").match(text, directive.end())
        end = body.end() if body else directive.end()
        taken.append((directive.start(), end))
        yield from _in_block(text, directive.end(), end, directive["info"].lower())
    for match in re.finditer(r"^(?: {4,}|\t| {2,}(?=\$ ))[ \t]*(?=\S)[^\n]*", text, re.M):
        if not _inside(taken, match.start()) and _WORTH.search(match.group()):
            end = max(match.end(), _logical_end(text, match.start()))
            yield from (each for each in _in_transcript(text, match.start(), end) if each.arguments)
            taken.append((match.start(), end))
    for match in re.finditer(r"(?<=\|)[ \t]*(prefect [^|\n]*[^|\s])[ \t]*(?=\|)", text):
        if not _inside(taken, match.start()) and _AS_CODE.search(match.group(1)):
            snippet = _plainly(text, match.start(1), match.end(1), placeholders=True)
            yield from (replace(each, mention=True) for each in _in_snippet(snippet) if each.arguments)
    for match in _INLINE.finditer(text):
        if _WORTH.search(match.group(2)) and not _inside(taken, match.start()):
            start = match.start(2)
            prompt = _PROMPT.match(text, start, match.end(2))
            snippet = _plainly(text, prompt.end() if prompt else start, match.end(2), placeholders=True)
            found = [each for each in _in_snippet(snippet) if each.arguments]
            if len(found) == 1 and snippet.text.count(";") == 0:
                yield replace(found[0], mention=True)


def _inside(taken: Iterable[tuple[int, int]], at: int) -> bool:
    return any(start <= at < end for start, end in taken)


def _in_block(text: str, start: int, end: int, info: str) -> Iterator[Command]:
    """The commands in a block of code."""
    body = text[start:end]
    if info not in _LANGUAGES or not _WORTH.search(body):
        return
    kind = _LANGUAGES[info]
    if kind is None or (kind is Kind.SHELL and re.search(r"^[ \t>]*\$[ \t]+", body, re.M)):
        yield from _in_transcript(text, start, end)
    elif kind is Kind.SHELL:
        found = list(_in_snippet(_plainly(text, start, end, placeholders=True)))
        yield from found or _in_transcript(text, start, end)
    else:
        yield from (shifted(command, start) for command in commands(body, kind))


def _in_transcript(text: str, start: int, end: int) -> Iterator[Command]:
    """The commands in what a terminal shows: lines after a prompt where there is one, else every line by itself."""
    prompted = re.search(r"^[ \t>]*\$[ \t]+", text[start:end], re.M) is not None
    at = start
    while at < end:
        stop = min(_logical_end(text, at), end)
        prompt = _PROMPT.match(text, at, stop)
        if _WORTH.search(text, at, stop) and (prompt or not prompted) and not text[at:stop].lstrip().startswith("# "):
            yield from _in_snippet(_plainly(text, prompt.end() if prompt else at, stop, placeholders=True))
        at = stop + 1


# What others use


def commands(text: str, kind: Kind) -> tuple[Command, ...]:
    """The `prefect` commands of a text, in its order: those of `GROUPS` and `LEAVES`, wherever something would run them.

    Nothing is raised for texts that are not what `kind` says; what cannot be read is left out.
    """
    if not _WORTH.search(text):
        return ()
    if kind is Kind.YAML:
        found: Iterable[Command] = _in_yaml(text)
    elif kind is Kind.SHELL:
        found = _in_snippet(_plainly(text, 0, len(text)))
    elif kind is Kind.DOCKERFILE:
        found = _in_dockerfile(text)
    elif kind is Kind.MAKEFILE:
        found = _in_makefile(text)
    elif kind is Kind.MARKUP:
        found = _in_markup(text)
    elif kind is Kind.OTHER:
        found = _in_lines(_plainly(text, 0, len(text)))
    else:
        found = ()
    unique = {(command.start, command.end): command for command in found}
    return tuple(unique[place] for place in sorted(unique))


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


@dataclass(frozen=True)
class Source:
    """A word that is shell text already: what it says of variables and quotes is meant."""

    text: str


New = Union[str, Source]
"""A new word: what the program shall be given, or shell text."""

_SAFE = re.compile(r"[\w@%+=:,./-]+")


def quoted(value: str) -> str:
    """A value as a word of a shell."""
    return value if _SAFE.fullmatch(value) else "'" + value.replace("'", "'\\''") + "'"


def _spelled(command: Command, new: New) -> str:
    if isinstance(new, str):
        return command.spell(new if command.listed else quoted(new))
    if command.listed:
        raise Unwritable("the command is a list of arguments, in which no shell puts the values of variables")
    return command.spell(new.text)


def _gap(command: Command, word: Word) -> str:
    if not command.listed:
        return " "
    index = command.words.index(word)
    gap = (*command.gaps, ", ")[min(max(index - 1, 0), len(command.gaps))]
    return "\n" + gap.rpartition("\n")[2] if "#" in gap else gap


def replaced(command: Command, word: Word, *new: New) -> Edit:
    """`word` replaced by one or more words. Raises Unwritable."""
    return Edit(word.start, word.end, _gap(command, word).join(_spelled(command, each) for each in new))


def inserted(command: Command, after: Word, *new: New) -> Edit:
    """Words added behind `after`. Raises Unwritable."""
    gap = _gap(command, after)
    return Edit(after.end, after.end, "".join(gap + _spelled(command, each) for each in new))


def put_before(command: Command, word: Word, *new: New) -> Edit:
    """Words added before `word`, which is not the first one. Raises Unwritable."""
    gap = _gap(command, word)
    return Edit(word.start, word.start, "".join(_spelled(command, each) + gap for each in new))


def removed(command: Command, *words: Word) -> tuple[Edit, ...]:
    """Words taken out, each with what stands between it and the word before it. The first word cannot be."""
    edits: list[Edit] = []
    starts = [each.start for each in command.words]
    for word in words:
        before = command.words[bisect_right(starts, word.start) - 2]
        edits.append(Edit(before.end if word.after is None else word.after, word.end, ""))
    return tuple(edits)

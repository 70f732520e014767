"""What a shell reads: words, quotes, substitutions and redirections, and the commands among them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Optional

from migrator.deployments.commands.words import (
    MODULE,
    PROGRAM,
    TAKES_TEXT,
    WORTH,
    WRAPPERS,
    Command,
    Word,
    command_at,
    name_at,
)

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
_NESTS = frozenset(["ssh", "eval", "watch", "tmux", "parallel", "trap", "concurrently", "su", "runuser", "start"])
_SHELLS = frozenset(["sh", "bash", "zsh", "dash", "ksh", "ash"])


@dataclass(frozen=True)
class Snippet:
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


class Unfinished(Exception):
    """A quote or bracket that is not closed."""


_OPERATOR = re.compile(r"&&|\|\||;;|;&|\|&|[;&|()]")
_REDIRECTION = re.compile(r"\d*(?:>>|>\||>&|<<<|<<-?|<>|<&|>|<)|&>>?")
_CONTINUED = re.compile(r"[\\`^][ \t]*\r?\n")


def _tokens(snippet: Snippet, inner: list[Command]) -> Iterator[_Token]:
    """The words and ends of a shell text; commands in substitutions and texts within it go to `inner`. Raises Unfinished."""
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
                        raise Unfinished
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
                    raise Unfinished
                heredocs.append((delimiter_match.group(2), shell_reads))
                at = redirected = delimiter_match.end()
            elif text.startswith("(", at):
                close = _closing(text, at + 1, "(", ")")
                inner += in_snippet(part_of(snippet, at + 1, close))
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
        raise Unfinished


_PLACEHOLDER = re.compile(r"<[A-Za-z][\w /.-]*>")


def _stands_for(snippet: Snippet, at: int) -> int:
    """The end of a `<placeholder>` that begins at a place; 0 where there is none."""
    match = _PLACEHOLDER.match(snippet.text, at) if snippet.placeholders and snippet.text[at] == "<" else None
    return match.end() if match else 0


def _of_heredoc(snippet: Snippet, start: int, end: int, shell_reads: bool) -> list[Command]:
    """The commands in the text of a `<<EOF`: all where a shell reads it, else those that begin a line, as in a unit file."""
    from migrator.deployments.commands.lines import in_lines  # a cycle: lines hold shell text

    part = part_of(snippet, start, end)
    return list(in_snippet(part)) if shell_reads else list(in_lines(part))


def part_of(snippet: Snippet, start: int, end: int, encode: Optional[Callable[[str], str]] = None) -> Snippet:
    places = snippet.places[start : end + 1]
    return replace(snippet, text=snippet.text[start:end], places=places, encode=encode or snippet.encode)


def _closing(text: str, at: int, opening: str, closing: str) -> int:
    """Where a bracket that was opened before `at` is closed; quotes are passed over. Raises Unfinished."""
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
    raise Unfinished


def expansion(snippet: Snippet, at: int, inner: list[Command]) -> int:
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
            inner += in_snippet(part_of(snippet, at + 2, close))
        elif text.startswith("shell ", at + 2):
            inner += in_snippet(part_of(snippet, at + 8, close))
        return close + 1
    if text.startswith("${", at):
        return _closing(text, at + 2, "{", "}") + 1
    if text[at] == "`":
        close = text.find("`", at + 1)
        if close < 0:
            raise Unfinished
        inner += in_snippet(part_of(snippet, at + 1, close))
        return close + 1
    if text[at] == "$":
        match = re.compile(r"\$\$?(?:\w+|[@*#?!$-])?").match(text, at)
        assert match is not None
        return match.end()
    return at


def _word(snippet: Snippet, start: int, inner: list[Command]) -> _Token:
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
                raise Unfinished
            value.append(text[at + 1 : close])
            whole = char if at == start else None
            at = close + 1
        elif char == '"':
            whole = char if at == start else None
            at += 1
            while True:
                if at >= end:
                    raise Unfinished
                if text[at] == '"':
                    break
                if text[at] == "\\" and at + 1 < end:
                    value.append(text[at + 1] if text[at + 1] in '"\\$`\n' else text[at : at + 2])
                    at += 2
                    continue
                passed = expansion(snippet, at, inner) if text[at] in "$`{" else at
                dynamic |= passed > at
                value.append(text[at : max(passed, at + 1)])
                at = max(passed, at + 1)
            at += 1
        elif char == "\\" and at + 1 < end:
            value.append(text[at + 1])
            at += 2
            whole = None
        else:
            passed = expansion(snippet, at, inner) if char in "$`{" else at
            dynamic |= passed > at or (char == "%" and "%" in text[at + 1 : at + 60].split(" ")[0])
            value.append(text[at : max(passed, at + 1)])
            at = max(passed, at + 1)
            whole = None
    if whole and text[at - 1] != whole:
        whole = None
    raw = text[start:at]
    word = Word(snippet.places[start], snippet.places[at], raw, "".join(value), dynamic)
    return _Token(word, start, at, whole)


def in_snippet(snippet: Snippet) -> Iterator[Command]:
    """The commands of a shell text, in the order of the text. What cannot be read to its end is left from there on."""
    if not WORTH.search(snippet.text):
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
    except Unfinished:
        pass
    yield from sorted((*found, *inner), key=lambda command: command.start)


def _of_simple(snippet: Snippet, tokens: Sequence[_Token]) -> Iterator[Command]:
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
    if PROGRAM.fullmatch(words[first].value) or (words[first].dynamic and words[first].value.endswith("/bin/prefect")):
        at = first
    elif MODULE.fullmatch(words[first].value) or program in WRAPPERS or _is_variable_program(words[first]):
        at = _behind(words, first + 1)
    elif program in _SHELLS:
        at = None
    lead = words[first].start
    if at is not None:
        command = command_at(words, at, snippet.encode, listed=False, gaps=())
        if command is not None:
            yield replace(command, assigned=tuple(assigned), lead=lead)
            return
    for index, token in enumerate(tokens):
        word = token.word
        if word is None or token.whole is None or not WORTH.search(word.value) or " " not in word.value.strip():
            continue
        before = tokens[index - 1].word if index else None
        gives = before is not None and TAKES_TEXT.fullmatch(before.value)
        if gives or program in _NESTS:
            yield from in_snippet(_quoted(snippet, token))


def _is_variable_program(word: Word) -> bool:
    """`$PYTHON`, `$(PYTHON)`, `{{python}}`: a program by its variable."""
    return (
        word.dynamic
        and re.fullmatch(r"\W*(?:py\w*|\w*python\w*|run\w*|\w*exec|poetry|uv)\W*", word.value, re.I) is not None
    )


def _behind(words: Sequence[Word], first: int) -> Optional[int]:
    """Where `prefect` stands as the program that a wrapper runs: after its options, or as `-m prefect`."""
    for index in range(first, len(words)):
        if PROGRAM.fullmatch(words[index].value) and name_at(words, index) is not None:
            return index
    return None


def _quoted(snippet: Snippet, token: _Token) -> Snippet:
    """What is inside of a word's quotes, as a text of its own."""
    start, end = token.first + 1, token.last - 1
    if token.whole == "'":
        return part_of(snippet, start, end, lambda text: snippet.encode(text.replace("'", "'\\''")))
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


def plainly(text: str, start: int, end: int, **options: Any) -> Snippet:
    return Snippet(text[start:end], range(start, end + 1), str, **options)

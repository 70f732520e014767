"""Files that are not Python: which kind of text each is, by its name, and its bytes to text and back."""

from __future__ import annotations

import codecs
import enum
import os
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

from migrator.findings import LineIndex
from migrator.sources.text import Source, SourceError, UnencodableError


class Kind(enum.Enum):
    """What a file is written in."""

    PYTHON = "Python"
    YAML = "YAML"
    SHELL = "shell"
    MAKEFILE = "make"
    DOCKERFILE = "Dockerfile"
    MARKUP = "Markdown or reStructuredText"
    IGNORE = "patterns of files"
    OTHER = "lines of commands"


_SUFFIXES = {
    **dict.fromkeys((".py", ".pyi"), Kind.PYTHON),
    **dict.fromkeys((".yaml", ".yml"), Kind.YAML),
    **dict.fromkeys((".sh", ".bash", ".zsh", ".ksh", ".ps1", ".bat", ".cmd"), Kind.SHELL),
    ".mk": Kind.MAKEFILE,
    **dict.fromkeys((".dockerfile", ".Dockerfile"), Kind.DOCKERFILE),
    **dict.fromkeys((".md", ".markdown", ".mdx", ".rst"), Kind.MARKUP),
    **dict.fromkeys((".service", ".conf", ".ini", ".tf", ".groovy"), Kind.OTHER),
}
_NAMES = {
    **dict.fromkeys(("Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", ".justfile"), Kind.MAKEFILE),
    **dict.fromkeys(("Dockerfile", "dockerfile", "Containerfile"), Kind.DOCKERFILE),
    **dict.fromkeys(("Procfile", "Jenkinsfile"), Kind.OTHER),
    ".prefectignore": Kind.IGNORE,
}
SUFFIXES = tuple(_SUFFIXES)
NAMES = frozenset(_NAMES)
_DOCKERFILES = ("Dockerfile.", "Containerfile.")
_SHELLS = re.compile(r"#!.*\b(?:ba|da|z|k)?sh\b")


def kind_of(path: str) -> Optional[Kind]:
    """The kind of a file by its name; None for a name that says nothing, or that of a file that is not read."""
    name = os.path.basename(path)
    if name in _NAMES:
        return _NAMES[name]
    if name.startswith(_DOCKERFILES):
        return Kind.DOCKERFILE
    return _SUFFIXES.get(os.path.splitext(name)[1])


def kind_of_named(path: str, data: bytes) -> Optional[Kind]:
    """As `kind_of`, for a file that the user names: one without a suffix is a script, of a shell where its first line says so."""
    kind = kind_of(path)
    if kind is None and not os.path.splitext(path)[1]:
        first = data[:200].partition(b"\n")[0].decode("latin-1")
        return Kind.SHELL if _SHELLS.match(first) else Kind.PYTHON
    return kind


@dataclass(frozen=True)
class Document:
    """A file that is not Python."""

    path: str
    text: str
    kind: Kind

    @cached_property
    def index(self) -> LineIndex:
        """Rows and columns of the text."""
        return LineIndex(self.text)


def decode(data: bytes) -> Source:
    """The text of a document's bytes: UTF-8, with or without BOM, else Latin-1, which takes any byte and gives it back.

    Raises SourceError for NUL bytes, which are in no text but UTF-16 and the like.
    """
    bom = data.startswith(codecs.BOM_UTF8)
    body = data[3:] if bom else data
    if b"\0" in body:
        row = body.count(b"\n", 0, body.find(b"\0")) + 1
        raise SourceError("a NUL byte, so this is not a text in UTF-8: save it as UTF-8, or exclude the file", row)
    try:
        return Source(body.decode("utf-8"), "utf-8", bom)
    except UnicodeDecodeError:
        return Source(body.decode("latin-1"), "latin-1", bom)


def encode(text: str, source: Source) -> bytes:
    """The bytes of a text in the encoding of `source`. Raises UnencodableError for a character that is not in it."""
    try:
        body = text.encode(source.encoding)
    except UnicodeEncodeError as error:
        row = text.count("\n", 0, error.start) + 1
        raise UnencodableError(
            f"line {row}: the character {text[error.start]!r} does not exist in {source.encoding}, in which the file is read; "
            "save the file as UTF-8 first"
        ) from None
    return codecs.BOM_UTF8 + body if source.bom else body

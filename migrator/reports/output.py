"""Where reports go: a stream, or a file that is replaced as a whole."""

from __future__ import annotations

import os
import sys
from typing import Optional, TextIO


def write(text: str, stream: Optional[TextIO]) -> None:
    """Writes a text for people: characters that the stream's encoding lacks are written as escapes."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    write_bytes(text.encode(encoding, "backslashreplace"), stream)


def write_source(text: str, stream: Optional[TextIO]) -> None:
    """Writes text that programs read as source, such as a diff: in UTF-8, whatever the stream's encoding."""
    write_bytes(encode(text), stream)


def encode(text: str) -> bytes:
    """The text in UTF-8; bytes that could not be decoded (PEP 383) are themselves again."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def write_bytes(data: bytes, stream: Optional[TextIO]) -> None:
    """Writes all of it, with the line endings as they are. A reader that has gone (`| head`) is no error.

    Raises OSError where the stream cannot take it for another reason, such as a full disk.
    """
    if stream is None or not data:
        return
    try:
        stream.flush()
        stream.buffer.write(data)
        stream.flush()
    except BrokenPipeError:
        _discard(stream)
    except OSError:
        _discard(stream)
        raise


def _discard(stream: TextIO) -> None:
    """Sends what is still buffered, and all that follows, nowhere, so that the interpreter can flush it at its end."""
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def check_file(path: str) -> None:
    """Raises OSError where `write_file` could not work: the path is a directory, or its directory is missing."""
    parent = os.path.dirname(os.path.realpath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(f"cannot write the report to {path}: it is a directory")
    if not os.path.isdir(parent):
        raise FileNotFoundError(f"cannot write the report to {path}: there is no directory {parent}")


def write_file(path: str, data: bytes) -> None:
    """Writes a file, atomically where it is a regular one; what is none (a pipe, a terminal) is written to. Raises OSError."""
    from migrator.writing import write_atomically

    if os.path.exists(path) and not os.path.isfile(path):
        with open(path, "wb") as file:
            file.write(data)
    else:
        write_atomically(path, data)


def stdin_bytes() -> bytes:
    """All of standard input; nothing where it is closed."""
    return sys.stdin.buffer.read() if sys.stdin is not None else b""

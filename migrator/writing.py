"""Replaces a file as a whole: either the new bytes are there in full, or the old file is as it was.

A process that is killed while it writes leaves its temporary file. The name says whose it is, so that a later run can tell that
nobody needs it any more.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Optional

_LEFTOVER = re.compile(r"\.migrator-(?P<pid>\d{1,10})-(?:(?P<started>\d+)-(?P<system>[0-9a-f]{8})-)?[0-9a-f]{16}\.tmp")
"""The names of temporary files; those of older versions have neither a time nor a system."""
_SURELY_LEFT = 3600.0
"""Seconds after which a temporary file is nobody's where its owner cannot be asked for: writing one file takes milliseconds."""


class ChangedFileError(OSError):
    """The file is no longer what was read; writing would undo what somebody else did to it."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EBUSY, "changed by another program since it was read", path)


def unchanged_since(path: str, data: bytes) -> bool:
    """Whether the file still holds exactly `data`; False where it is gone. Raises OSError where it cannot be read."""
    try:
        with open(path, "rb") as stream:
            return stream.read() == data
    except FileNotFoundError:
        return False


def write_atomically(path: str, data: bytes, *, expected: Optional[bytes] = None) -> None:
    """Writes `data` to a temporary file beside the target and renames it to the target.

    A file that exists keeps its mode, and its owner and group where the system permits it; a symbolic link stays a link,
    and what it points to is replaced. With `expected`, nothing is written unless the file still holds those bytes.
    The temporary file is removed on every exception, KeyboardInterrupt included. (Other hard links to the file keep the old
    content: a rename cannot reach them.)

    Raises ChangedFileError where the file is not as `expected`, PermissionError where the file or its directory is
    write-protected, and otherwise OSError; each names `path`, and the file is then unchanged.
    """
    target = os.path.realpath(path)
    before = _status(path, target)
    temporary = os.path.join(os.path.dirname(target), _temporary_name())
    try:
        with open(temporary, "xb", opener=_private if before else None) as stream:
            stream.write(data)
        if before:
            _keep_owner(temporary, before)
            os.chmod(temporary, stat.S_IMODE(before.st_mode))
        if expected is not None and not unchanged_since(target, expected):
            raise ChangedFileError(path)
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError) and not isinstance(error, ChangedFileError):
            raise OSError(error.errno, _reason(error, before), path) from error
        raise


def create(path: str, data: bytes) -> None:
    """As `write_atomically`, for a file that is not there yet. Raises ChangedFileError where it is."""
    if os.path.lexists(path):
        raise ChangedFileError(path)
    write_atomically(path, data)


def remove_leftovers(directory: str) -> None:
    """Removes the temporary files in a directory that were left by processes that are gone.

    Gone is a process of this system whose number is free, or has been given to another one since. A file of another system (a
    container, a machine on the same network file system), or one whose owner cannot be told, goes when it has not changed for an
    hour. What cannot be read or removed stays. (Should its owner live after all, one write of it fails and is reported.)
    """
    with contextlib.suppress(OSError):
        for path, match in _leftovers(directory):
            with contextlib.suppress(OSError):
                status = os.lstat(path)
                if stat.S_ISREG(status.st_mode) and _is_left(match, status):
                    os.unlink(path)


def _leftovers(directory: str) -> Iterator[tuple[str, re.Match[str]]]:
    for name in os.listdir(directory):
        match = _LEFTOVER.fullmatch(name)
        if match is not None:
            yield os.path.join(directory, name), match


def _is_left(match: re.Match[str], status: os.stat_result) -> bool:
    pid, started, system = int(match["pid"]), match["started"], match["system"]
    if system in (None, _system()) and os.name == "posix":
        if not _is_running(pid):
            return True
        now = _started(pid)
        if system is not None and now and started != "0":
            return now != started
    return time.time() - status.st_mtime > _SURELY_LEFT


def _temporary_name() -> str:
    """A name that nobody has, with the number of this process, when it started, and on which system."""
    pid = os.getpid()
    return f".migrator-{pid}-{_started(pid) or 0}-{_system()}-{secrets.token_hex(8)}.tmp"


def _is_running(pid: int) -> bool:
    """Whether a process of this number runs on this system (POSIX only: elsewhere signal 0 is no question)."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _started(pid: int) -> str:
    """When a process started, in ticks since the system did; "" where the system does not tell (all but Linux)."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return stream.read().rpartition(b")")[2].split()[19].decode("ascii")
    except (OSError, IndexError, ValueError):
        return ""


@lru_cache(maxsize=1)
def _system() -> str:
    """What tells apart the systems on which one number is one process: host, boot and namespace of process numbers."""
    import socket

    parts = [socket.gethostname()]
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        parts.append(stream.read().strip())
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:8]


def _status(path: str, target: str) -> Optional[os.stat_result]:
    """The status of the target, None where it does not exist. Raises OSError where it is nothing to write to."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory", path)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", path)
    if not os.access(target, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise PermissionError(errno.EACCES, "the file is write-protected", path)
    return status


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _keep_owner(temporary: str, before: os.stat_result) -> None:
    """Gives the file its owner and group back; only the group where the owner may not be set."""
    now = os.stat(temporary)
    if (now.st_uid, now.st_gid) == (before.st_uid, before.st_gid) or not hasattr(os, "chown"):
        return
    try:
        os.chown(temporary, before.st_uid, before.st_gid)
    except OSError:
        with contextlib.suppress(OSError):
            os.chown(temporary, -1, before.st_gid)


def _reason(error: OSError, before: Optional[os.stat_result]) -> str:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"no file can be written in its directory ({error.strerror})"
    if isinstance(error, FileNotFoundError) and before is None:
        return "there is no such directory"
    return error.strerror or str(error)

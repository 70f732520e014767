"""Replaces a file as a whole: either the new bytes are there in full, or the old file is as it was."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import Optional


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
    temporary = os.path.join(os.path.dirname(target), f".migrator-{os.getpid()}-{secrets.token_hex(8)}.tmp")
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
